//! Medians with their confidence, and whether two sets of runs differ: no assumption is made on how runs are spread.

use crate::format::Better;

/// Confidence of intervals.
pub const CONFIDENCE: f64 = 0.95;
/// A p value below it counts as a difference.
pub const LEVEL: f64 = 0.05;

/// A sample of runs in short.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// Number of runs.
    pub n: usize,
    /// The middle value, or the mean of the two in the middle.
    pub median: f64,
    /// Interval that holds the true median with at least [`CONFIDENCE`]; `None` for fewer than 6 runs.
    pub interval: Option<(f64, f64)>,
}

/// Median and its confidence interval; `None` of no runs. Values are finite.
///
/// The interval runs between two of the values: the true median lies below the k-th smallest of n only if fewer than k
/// values fall below it, which has the probability of so many heads in n throws of a coin.
pub fn summary(values: &[f64]) -> Option<Summary> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    let upper = *sorted.get(n / 2)?;
    let median = if n.is_multiple_of(2) { f64::midpoint(sorted[n / 2 - 1], upper) } else { upper };
    let interval = values_outside(n).map(|k| (sorted[k], sorted[n - 1 - k]));
    Some(Summary { n, median, interval })
}

/// How many values may lie beyond each end of the confidence interval.
fn values_outside(n: usize) -> Option<usize> {
    let mut heads = 0.5_f64.powi(i32::try_from(n).ok()?);
    let mut at_most = 0.0;
    let mut outside = None;
    for k in 0..n.div_ceil(2) {
        at_most += heads;
        if 2.0 * at_most > 1.0 - CONFIDENCE {
            break;
        }
        outside = Some(k);
        heads *= (n - k) as f64 / (k + 1) as f64;
    }
    outside
}

/// With more runs on a side, the distribution is taken as normal.
const MOST_EXACT: usize = 50;

/// Two-sided p value of the Mann-Whitney U test: how likely runs differ in rank as much as these if nothing changed.
///
/// Exact, ties included, for up to 50 runs on each side, else by the normal approximation with corrections for ties
/// and continuity. `None` if a side has no runs.
///
/// Source: H. B. Mann, D. R. Whitney, "On a Test of Whether one of Two Random Variables is Stochastically Larger than
/// the Other", 1947; ties as in E. L. Lehmann, "Nonparametrics", 1.4.
pub fn mann_whitney(before: &[f64], after: &[f64]) -> Option<f64> {
    let (n, total) = (before.len(), before.len() + after.len());
    if before.is_empty() || after.is_empty() {
        return None;
    }
    let (ranks, ties) = doubled_ranks(before, after);
    let sum: usize = ranks[..n].iter().sum();
    let expected = n * (total + 1);
    let p = if sum == expected {
        1.0
    } else if n.max(total - n) <= MOST_EXACT {
        2.0 * tail(&ranks, n, sum)
    } else {
        normal_tails(n, total, sum.abs_diff(expected) as f64 / 2.0, &ties)
    };
    Some(p.min(1.0))
}

/// Twice the rank of each value, those of `before` first, equal values sharing their mean rank; sizes of ties.
fn doubled_ranks(before: &[f64], after: &[f64]) -> (Vec<usize>, Vec<usize>) {
    let values: Vec<f64> = before.iter().chain(after).copied().collect();
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0; values.len()];
    let mut ties = Vec::new();
    let mut at = 0;
    for tie in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let doubled = 2 * at + tie.len() + 1;
        tie.iter().for_each(|&i| ranks[i] = doubled);
        ties.push(tie.len());
        at += tie.len();
    }
    (ranks, ties)
}

/// Share of all ways to choose `n` of the ranks whose sum is at least as far out as `sum`, on its side.
fn tail(ranks: &[usize], n: usize, sum: usize) -> f64 {
    let ways = ways_by_sum(ranks, n);
    let expected = n * (ranks.len() + 1);
    let far = if sum < expected { &ways[..=sum] } else { &ways[sum..] };
    far.iter().sum::<f64>() / ways.iter().sum::<f64>()
}

/// For each sum, how many ways there are to choose `n` ranks that have it.
fn ways_by_sum(ranks: &[usize], n: usize) -> Vec<f64> {
    let highest: usize = ranks.iter().sum();
    let mut ways = vec![vec![0.0_f64; highest + 1]; n + 1];
    ways[0][0] = 1.0;
    for &rank in ranks {
        for k in (1..=n).rev() {
            let (fewer, more) = ways.split_at_mut(k);
            for (to, from) in more[0][rank..].iter_mut().zip(&fewer[k - 1]) {
                *to += from;
            }
        }
    }
    ways.swap_remove(n)
}

/// Both tails of the normal distribution beyond a rank sum that is `distance` off.
fn normal_tails(n: usize, total: usize, distance: f64, ties: &[usize]) -> f64 {
    let (n, total) = (n as f64, total as f64);
    let tied: f64 = ties.iter().map(|&t| (t as f64).powi(3) - t as f64).sum();
    let variance = n * (total - n) / 12.0 * (total + 1.0 - tied / (total * (total - 1.0)));
    if variance <= 0.0 {
        return 1.0;
    }
    let z = (distance - 0.5).max(0.0) / variance.sqrt();
    erfc(z / std::f64::consts::SQRT_2)
}

/// Complement of the error function for `x >= 0`, to 1.2e-7 of its value.
/// Source: W. H. Press et al., "Numerical Recipes", 6.2 (Chebyshev fit).
fn erfc(x: f64) -> f64 {
    const FIT: [f64; 10] = [
        0.170_872_77,
        -0.822_152_23,
        1.488_515_87,
        -1.135_203_98,
        0.278_868_07,
        -0.186_288_06,
        0.096_784_18,
        0.374_091_96,
        1.000_023_68,
        -1.265_512_23,
    ];
    let t = 1.0 / (1.0 + 0.5 * x);
    let exponent = FIT.into_iter().fold(0.0, |sum, factor| sum * t + factor);
    t * (exponent - x * x).exp()
}

/// What happened to one figure between two sets of runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// The runs before.
    pub before: Summary,
    /// The runs after.
    pub after: Summary,
    /// See [`mann_whitney`].
    pub p: f64,
    /// What that allows to say.
    pub outcome: Outcome,
}

/// Whether two sets of runs differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// They do.
    Differs,
    /// The difference may be chance.
    MayBeChance,
    /// With so few runs any difference may be chance.
    TooFewRuns,
}

impl Change {
    /// Compares two sets of runs; `None` if one is empty.
    pub fn of(before: &[f64], after: &[f64]) -> Option<Self> {
        let p = mann_whitney(before, after)?;
        let outcome = if least_p(before.len(), after.len()) > LEVEL {
            Outcome::TooFewRuns
        } else if p < LEVEL {
            Outcome::Differs
        } else {
            Outcome::MayBeChance
        };
        Some(Self { before: summary(before)?, after: summary(after)?, p, outcome })
    }

    /// Change of the median as a fraction of what it was; `None` when it was 0.
    pub fn relative(&self) -> Option<f64> {
        let (before, after) = (self.before.median, self.after.median);
        (before != 0.0).then(|| after / before - 1.0)
    }

    /// Whether the median went the wrong way, by chance or not.
    pub fn is_worse(&self, better: Better) -> bool {
        let (before, after) = (self.before.median, self.after.median);
        match better {
            Better::Lower => after > before,
            Better::Higher => after < before,
        }
    }

    /// Whether it got worse by more than a fraction of what it was, and not by chance.
    pub fn is_worse_by(&self, better: Better, fraction: f64) -> bool {
        let amount = self.relative().map_or(f64::INFINITY, f64::abs);
        self.outcome == Outcome::Differs && self.is_worse(better) && amount > fraction
    }
}

/// Of many changes looked at together, leaves only those as differing that still do when their number is considered.
///
/// Source: Y. Benjamini, Y. Hochberg, "Controlling the False Discovery Rate", 1995: where nothing changed, any is left in
/// at most one comparison of twenty.
pub fn correct_for_number(changes: &mut [&mut Change]) {
    let mut sorted: Vec<f64> = changes.iter().map(|change| change.p).collect();
    sorted.sort_by(f64::total_cmp);
    let m = sorted.len() as f64;
    let holds = |&(at, &p): &(usize, &f64)| p <= LEVEL * (at + 1) as f64 / m;
    let limit = sorted.iter().enumerate().rfind(holds).map_or(0.0, |(_, &p)| p);
    for change in changes {
        if change.outcome == Outcome::Differs && change.p > limit {
            change.outcome = Outcome::MayBeChance;
        }
    }
}

/// The smallest p value that so many runs can give.
fn least_p(n_before: usize, n_after: usize) -> f64 {
    let total = n_before + n_after;
    let ways: f64 =
        (0..n_before.min(n_after)).map(|i| (total - i) as f64 / (i + 1) as f64).product();
    (2.0 / ways).min(1.0)
}

#[cfg(test)]
mod tests;
