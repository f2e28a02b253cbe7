//! Counts that depend on hashing: means and spreads.

use crate::estimate::Estimate;
use crate::layout::GROUP_SLOTS;

/// Less likely than this is never.
const NEVER: f64 = 1e-4;

/// Chance that a normal variable exceeds its mean by more than z standard deviations.
///
/// Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.2.17; the error is below 1e-7.
pub(super) fn upper_tail(z: f64) -> f64 {
    if z < 0.0 {
        return 1.0 - upper_tail(-z);
    }
    let t = 1.0 / (1.0 + 0.231_641_9 * z);
    let polynomial = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let sum = polynomial.iter().rev().fold(0.0, |sum, coefficient| (sum + coefficient) * t);
    sum * (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt()
}

/// Something that happens or not.
pub(super) fn event(probability: f64) -> Estimate {
    let low = if probability > 1.0 - NEVER { 1.0 } else { 0.0 };
    let high = if probability < NEVER { 0.0 } else { 1.0 };
    Estimate { low, expected: probability.clamp(low, high), high }
}

/// How many of `2^depth` parts get more than `room` of n entries.
pub(super) fn parts_over(n: u64, depth: u32, room: u64) -> Estimate {
    let n_parts = (depth as f64).exp2();
    let mean = n as f64 / n_parts;
    let deviation = (mean * (1.0 - 1.0 / n_parts)).sqrt();
    let excess = room as f64 + 0.5 - mean;
    if deviation == 0.0 {
        return Estimate::exact(f64::from(excess < 0.0));
    }
    let probability = upper_tail(excess / deviation);
    let expected = n_parts * probability;
    if expected < NEVER {
        return Estimate::exact(0.0);
    }
    if n_parts - expected < NEVER {
        return Estimate::exact(n_parts);
    }
    // With more entries than all parts have room for, one must have too many.
    let least = if n as f64 > n_parts * room as f64 { 1.0 } else { 0.0 };
    let most = n_parts.min((n / (room + 1)) as f64);
    Estimate::around(expected, (expected * (1.0 - probability)).sqrt(), (least, most))
}

/// How many overflow buckets a number of buckets has.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Overflow {
    pub(super) mean: f64,
    pub(super) variance: f64,
    /// More there cannot be.
    pub(super) most: f64,
    /// Where it is made already.
    pub(super) counts: Option<&'static Counts>,
}

/// Counts that are told apart.
const N_COUNTS: usize = 32;

/// The distribution of a count of overflow buckets.
///
/// That of a binomial distribution with its mean and variance, whose term for k is that for k - 1 times
/// (mean - (k - 1) p) / (k (1 - p)), with p = 1 - variance / mean.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counts {
    /// Chance that there are more than so many.
    beyond: [f64; N_COUNTS],
    /// How many there are on average beyond so many.
    excess: [f64; N_COUNTS],
}

impl Counts {
    /// `none` is the chance that there are none.
    pub(super) const fn new(mean: f64, variance: f64, none: f64) -> Self {
        let p = 1.0 - variance / mean;
        let (mut beyond, mut excess) = ([0.0; N_COUNTS], [0.0; N_COUNTS]);
        let (mut probability, mut rest, mut over) = (none, 1.0, mean);
        let mut count = 0;
        while count < N_COUNTS && over > 0.0 {
            excess[count] = over;
            rest -= probability;
            if rest < 0.0 {
                break;
            }
            beyond[count] = rest;
            over -= rest;
            probability *= (mean - count as f64 * p) / ((count + 1) as f64 * (1.0 - p));
            count += 1;
        }
        Self { beyond, excess }
    }

    /// Chance that there are more than so many.
    pub(super) fn beyond(&self, count: u64) -> f64 {
        self.beyond.get(count as usize).copied().unwrap_or(0.0)
    }

    /// How many there are on average beyond so many.
    pub(super) fn excess(&self, count: u64) -> f64 {
        self.excess.get(count as usize).copied().unwrap_or(0.0)
    }
}

/// Terms of the distribution of entries in a bucket that are looked at: 48 is far beyond a mean of 6.5.
const MAX_BUCKET_ENTRIES: u32 = 48;

impl Overflow {
    /// For n entries in `2^b` buckets.
    pub(super) fn of(n: u64, b: u32) -> Self {
        if n <= GROUP_SLOTS {
            return Self::default();
        }
        let n_buckets = (b as f64).exp2();
        let Moments { mean, mean_square, with_entries } = Moments::of(n as f64, n_buckets);
        let most = (n - GROUP_SLOTS).div_ceil(GROUP_SLOTS) as f64;
        // What one bucket has too much of, the others lack: the part that goes with the entries is no chance.
        let load = n as f64 / n_buckets;
        let covariance = with_entries - load * mean;
        let of_entries = covariance * covariance / (load * (1.0 - 1.0 / n_buckets));
        let variance = n_buckets * (mean_square - mean * mean - of_entries).max(0.0);
        Self { mean: n_buckets * mean, variance, most, counts: None }
    }

    /// In a part of the buckets, or in more of the same load.
    pub(super) fn scaled(self, by: f64) -> Self {
        if by == 1.0 {
            return self;
        }
        let (mean, variance) = (by * self.mean, by * self.variance);
        Self { mean, variance, most: by.max(1.0) * self.most, counts: None }
    }

    pub(super) fn estimate(self) -> Estimate {
        if self.mean < NEVER {
            return Estimate::exact(0.0);
        }
        Estimate::around(self.mean, self.variance.sqrt(), (0.0, self.most))
    }

    /// Chance that there are none.
    pub(super) fn none(self) -> f64 {
        match self.counts {
            _ if self.mean > SURELY => 0.0,
            Some(counts) => 1.0 - counts.beyond(0),
            None if self.mean == 0.0 => 1.0,
            None => {
                let p = 1.0 - self.variance / self.mean;
                (self.mean * if p == 0.0 { -1.0 } else { (-p).ln_1p() / p }).exp()
            }
        }
    }

    /// Whether counts are taken as normal.
    pub(super) fn is_many(self) -> bool {
        self.mean > MANY
    }

    /// How many there are on average beyond so many, of normal counts.
    pub(super) fn excess(self, count: f64) -> f64 {
        let deviation = self.variance.sqrt();
        let z = (count - self.mean) / deviation;
        if z.abs() > FAR {
            return (self.mean - count).max(0.0);
        }
        let density = (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt();
        deviation * (density - z * upper_tail(z))
    }

    pub(super) fn distribution(self) -> Counts {
        Counts::new(self.mean, self.variance, self.none())
    }
}

/// About a larger mean, that there are none does not happen.
const SURELY: f64 = 20.0;
/// Counts about a larger mean are taken as normal.
const MANY: f64 = 14.0;
/// Standard deviations beyond which nothing is.
const FAR: f64 = 5.0;
/// Terms below this are left out.
const NEGLIGIBLE: f64 = 1e-4;

/// Of the overflow buckets of one of `n_buckets` with n entries in all.
struct Moments {
    mean: f64,
    mean_square: f64,
    /// Mean of the product with the entries of the bucket.
    with_entries: f64,
}

impl Moments {
    /// A binomial distribution, term by term.
    fn of(n: f64, n_buckets: f64) -> Self {
        let odds = 1.0 / (n_buckets - 1.0);
        let mut probability = (n * (-1.0 / n_buckets).ln_1p()).exp();
        let mut sums = Self { mean: 0.0, mean_square: 0.0, with_entries: 0.0 };
        for entries in 0..=MAX_BUCKET_ENTRIES.min(n as u32) {
            let n_overflow = f64::from(entries.saturating_sub(1) / GROUP_SLOTS as u32);
            sums.mean += probability * n_overflow;
            sums.mean_square += probability * n_overflow * n_overflow;
            sums.with_entries += probability * n_overflow * f64::from(entries);
            probability *= (n - f64::from(entries)) / f64::from(entries + 1) * odds;
            if entries > 8 && probability < NEGLIGIBLE * NEGLIGIBLE {
                break;
            }
        }
        sums
    }
}
