//! How far numbers that were estimated from windows of time can be off.
//!
//! A window stands for the CPU time around it; windows are dealt in turn to groups, so that groups differ by chance only.
//! Of a sum of growths (of a line, a type, a step of the ladder):
//!
//! 1. X of a group is what its windows say, C the CPU time that they stand for, R = ΣX / ΣC. Without chance each X would
//!    be R·C, so the variance of ΣX follows from what is left: G/(G-1) · Σ(X - R·C)², of the G groups of a recording.
//! 2. Growths that do not come in bursts still vary as Poisson's do: the variance is at least scale · ΣX, of `scale`
//!    growths estimated per growth seen. Few groups may look alike by luck: Student's t takes the place of 1.96.
//! 3. What everything estimated may be off in one direction is added. Recordings are independent: variances add up.
//! 4. Where a burst may have been between windows, the upper end takes it in: it had the same mixture of growths.
//! 5. The range is that of a gamma distribution with this mean and variance, which for growths seen one by one is the
//!    exact one of Poisson's distribution. What was counted without windows is added to both ends.
//!
//! Source: ratio estimate of a total by random groups, K. Wolter, Introduction to Variance Estimation, chapter 2.

use std::collections::BTreeMap;

use crate::{Bounds, GrowStep, Precision, Sampled, TypeGrowth, Windows};

/// Groups below which nothing is said on chance.
pub const FEWEST_GROUPS: usize = 3;
/// The normal distribution's 97.5 %.
pub const NORMAL_97: f64 = 1.96;
/// Most events that 0 seen leave possible, in 39 of 40 cases: -ln(0.025).
const MOST_UNSEEN: f64 = 3.69;
/// Student's t at 97.5 %, from 1 degree of freedom on.
const STUDENT_97: [f64; 20] = [
    12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13,
    2.12, 2.11, 2.10, 2.09, 2.09,
];

/// The range that holds the true number of growths of a type at a line in 19 of 20 cases.
///
/// `None` when each was counted, or the recording does not say how far it can be off.
pub(crate) fn grows_range(windows: &[Windows], growth: &TypeGrowth) -> Option<Bounds> {
    let mut sum = Sum::default();
    growth.steps.iter().for_each(|step| sum.add(step));
    match growth.precision {
        Precision::Exact | Precision::EstimatedSite => None,
        _ if sum.is_unknown => None,
        Precision::Estimated => Some(sum.count_bounds(windows)),
        Precision::LowerBound => Some(Bounds { high: None, ..sum.count_bounds(windows) }),
    }
}

/// The range that holds the true number of all growths of a recording in 19 of 20 cases: `exact` were counted without
/// windows, and `by_group` is what those seen in the windows of each group stand for.
pub fn total_range(exact: f64, by_group: &[f64], windows: &Windows) -> Bounds {
    let groups = (0_u32..).zip(by_group.iter().copied()).filter(|(_, n)| *n > 0.0);
    let squares = by_group.iter().sum();
    let part = InWindows { by_group: groups.collect(), squares };
    let sum = Sum { exact, windows: BTreeMap::from([(0, part)]), ..Sum::default() };
    sum.count_bounds(std::slice::from_ref(windows))
}

/// A sum of growths, each with a factor.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sum {
    /// Whether what was not seen is not there: growths of its kind were counted in gaps as well.
    pub(crate) is_complete: bool,
    /// What was counted without windows.
    exact: f64,
    /// By recording.
    windows: BTreeMap<u32, InWindows>,
    /// Whether a part of it has no group.
    pub(crate) is_unknown: bool,
}

/// The part of a sum in windows of a recording.
#[derive(Debug, Clone, Default)]
struct InWindows {
    by_group: BTreeMap<u32, f64>,
    /// Growths times the squares of their factors.
    squares: f64,
}

/// Variances, of the groups and of Poisson's distribution.
#[derive(Debug, Clone, Copy, Default)]
struct Variance {
    of_groups: f64,
    of_poisson: f64,
}

impl Sum {
    pub(crate) fn add(&mut self, step: &GrowStep) {
        let Sampled { by_group, of_no_group } = &step.sampled;
        self.is_unknown |= *of_no_group > 0;
        let estimated = by_group.iter().map(|(_, n)| *n).fold(*of_no_group, u64::saturating_add);
        self.exact += step.grows.saturating_sub(estimated) as f64;
        for &(id, n) in by_group {
            let part = self.windows.entry(id.recording).or_default();
            *part.by_group.entry(id.group).or_default() += n as f64;
            part.squares += n as f64;
        }
    }

    /// Adds another sum of other growths, times a factor.
    pub(crate) fn add_times(&mut self, factor: f64, other: &Self) {
        self.is_unknown |= other.is_unknown;
        self.exact += factor * other.exact;
        for (recording, of_other) in &other.windows {
            let part = self.windows.entry(*recording).or_default();
            for (group, n) in &of_other.by_group {
                *part.by_group.entry(*group).or_default() += factor * n;
            }
            part.squares += factor * factor * of_other.squares;
        }
    }

    pub(crate) fn times(&self, factor: f64) -> Self {
        let mut product = Self::default();
        product.add_times(factor, self);
        product
    }

    pub(crate) fn value(&self) -> f64 {
        self.exact + self.estimated()
    }

    fn estimated(&self) -> f64 {
        self.windows.values().map(InWindows::value).sum()
    }

    /// How many times the variance of Poisson's distribution the groups show, at least 1; `None` when there are too few
    /// groups to say.
    pub(crate) fn clustering(&self, windows: &[Windows]) -> Option<f64> {
        let Variance { of_groups, of_poisson } = self.variance(windows)?;
        Some(if of_poisson > 0.0 { (of_groups / of_poisson).max(1.0) } else { 1.0 })
    }

    fn variance(&self, windows: &[Windows]) -> Option<Variance> {
        let mut sum = Variance::default();
        for (recording, part) in &self.windows {
            let windows = windows.get(*recording as usize)?;
            let of_groups = part.variance(windows)?;
            sum.of_groups += of_groups;
            sum.of_poisson += part.squares * windows.scale * student(windows);
        }
        Some(sum)
    }

    /// Variance of the whole; no part of it less than Poisson's.
    fn whole_variance(&self, windows: &[Windows]) -> Option<f64> {
        let mut sum = 0.0;
        for (recording, part) in &self.windows {
            let windows = windows.get(*recording as usize)?;
            let of_poisson = part.squares * windows.scale * student(windows);
            let together = windows.scale_error / NORMAL_97 * part.value();
            sum += part.variance(windows)?.max(of_poisson) + together * together;
        }
        Some(sum)
    }

    /// Estimated growths, and those in bursts that no window met, in the same mixture.
    fn with_bursts(&self, windows: &[Windows]) -> f64 {
        let of_recording = |(id, part): (&u32, &InWindows)| {
            let windows = windows.get(*id as usize);
            windows.map_or(0.0, |of| part.value() * (1.0 + of.unmet) * (1.0 + of.scale_error))
        };
        let is_burst = |id: &u32| windows.get(*id as usize).is_some_and(|of| of.unmet > 0.0);
        self.windows.iter().filter(|(id, _)| is_burst(id)).map(of_recording).sum()
    }

    /// The range of a number of growths: of those seen there were so many for certain.
    fn count_bounds(&self, windows: &[Windows]) -> Bounds {
        let scale = |recording: &u32| windows.get(*recording as usize).map_or(1.0, |of| of.scale);
        let seen = self.windows.iter().map(|(id, part)| part.value() / scale(id)).sum::<f64>();
        let bounds = self.bounds(windows, 1.0);
        Bounds { low: bounds.low.max((self.exact + seen).floor() as u64), ..bounds }
    }

    /// The range that holds the true sum in 19 of 20 cases; `factor` is that of a growth which no window saw.
    pub(crate) fn bounds(&self, windows: &[Windows], factor: f64) -> Bounds {
        let is_unseen = |id: &u32| self.windows.get(id).is_none_or(|part| part.squares == 0.0);
        let unseen = (0_u32..).zip(windows).filter(|(id, _)| is_unseen(id));
        let unseen: f64 = unseen.map(|(_, of)| (MOST_UNSEEN * of.scale * factor).powi(2)).sum();
        let estimated = self.estimated();
        // Of a difference, one of the parts can be below 0.
        let (counted, estimated) = if self.exact >= 0.0 && estimated >= 0.0 {
            (self.exact, estimated)
        } else {
            (0.0, self.value().max(0.0))
        };
        let Some(variance) = self.whole_variance(windows) else {
            return Bounds { low: counted.floor() as u64, high: None };
        };
        let (low, high) = gamma_range(estimated, variance);
        let high = estimated + ((high - estimated).powi(2) + unseen).sqrt();
        let high = high.max(self.with_bursts(windows));
        let has_end = !windows.iter().any(|of| of.has_no_end);
        let high = has_end.then_some((counted + high).ceil() as u64);
        Bounds { low: (counted + low).floor() as u64, high }
    }
}

/// How many standard errors two rates differ: growths and their exposures. Infinite where nothing was estimated; `None`
/// when there are too few groups to say.
///
/// As in a score test, chance is what it would be if the rates were equal, times what the groups show beyond Poisson's.
pub(crate) fn rates_differ(a: (&Sum, f64), b: (&Sum, f64), windows: &[Windows]) -> Option<f64> {
    let mut difference = a.0.times(1.0 / a.1);
    difference.add_times(-1.0 / b.1, b.0);
    if difference.value() == 0.0 {
        return Some(0.0);
    }
    let in_recording = |sum: &Sum, id: u32| sum.windows.get(&id).map_or(0.0, InWindows::value);
    let by_recording = (0_u32..).zip(windows).map(|(id, of)| {
        let inverse = match (a.0.is_complete, b.0.is_complete) {
            (true, true) => 0.0,
            (true, false) => 1.0 / b.1,
            (false, true) => 1.0 / a.1,
            (false, false) => 1.0 / a.1 + 1.0 / b.1,
        };
        // Half a growth more: none seen does not mean that there were none.
        let n = in_recording(a.0, id) + in_recording(b.0, id) + of.scale / 2.0;
        // Were the rates equal, that of a part that is complete would be known.
        let rate = match (a.0.is_complete, b.0.is_complete) {
            (true, false) => (a.0.value() / a.1).max(of.scale / 2.0 / b.1),
            (false, true) => (b.0.value() / b.1).max(of.scale / 2.0 / a.1),
            _ => n / (a.1 + b.1),
        };
        of.scale * student(of) * rate * inverse
    });
    let variance = by_recording.sum::<f64>() * difference.clustering(windows)?;
    Some(difference.value().abs() / variance.sqrt())
}

impl InWindows {
    fn value(&self) -> f64 {
        self.by_group.values().sum()
    }

    /// By the groups; `None` when they are too few.
    fn variance(&self, windows: &Windows) -> Option<f64> {
        let n = n_groups(windows);
        if n < FEWEST_GROUPS {
            return None;
        }
        let cpu = windows.group_cpu_ns.iter().map(|&ns| ns as f64).sum::<f64>();
        let rate = self.value() / cpu;
        let squares = (0_u32..).zip(&windows.group_cpu_ns).map(|(group, &ns)| {
            let of_group = self.by_group.get(&group).copied().unwrap_or(0.0);
            (of_group - rate * ns as f64).powi(2)
        });
        let n = n as f64;
        Some(n / (n - 1.0) * squares.sum::<f64>() * student(windows))
    }
}

fn n_groups(windows: &Windows) -> usize {
    windows.group_cpu_ns.iter().filter(|&&ns| ns > 0).count()
}

/// What variances are multiplied by, since they are themselves estimates, of few groups.
fn student(windows: &Windows) -> f64 {
    let t = match n_groups(windows) {
        0 | 1 => STUDENT_97[0],
        n => STUDENT_97.get(n - 2).copied().unwrap_or(NORMAL_97 + 2.5 / (n - 1) as f64),
    };
    (t / NORMAL_97).powi(2)
}

/// 2.5 and 97.5 %. Of one growth seen once the upper end is that of Poisson's distribution.
fn gamma_range(value: f64, variance: f64) -> (f64, f64) {
    if value <= 0.0 || variance <= 0.0 {
        return (value, value);
    }
    let n = value * value / variance;
    let low = gamma_quantile(n, -NORMAL_97) / n;
    let high = gamma_quantile(n + 1.0, NORMAL_97) / n;
    (value * low, value * high)
}

/// Where the gamma distribution of this shape reaches what the normal one reaches at `z`.
///
/// Source: E. B. Wilson and M. M. Hilferty, The Distribution of Chi-Square, 1931.
fn gamma_quantile(shape: f64, z: f64) -> f64 {
    let root = 1.0 - 1.0 / (9.0 * shape) + z / (3.0 * shape.sqrt());
    shape * root.max(0.0).powi(3)
}

#[cfg(test)]
mod tests;
