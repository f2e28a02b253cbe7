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
    Estimate {
        low: if probability > 1.0 - NEVER { 1.0 } else { 0.0 },
        expected: probability,
        high: if probability < NEVER { 0.0 } else { 1.0 },
    }
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
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Overflow {
    pub(super) mean: f64,
    pub(super) variance: f64,
    /// More there cannot be.
    pub(super) most: f64,
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
        let (mean, mean_square) = moments(n as f64, n_buckets);
        let most = (n - GROUP_SLOTS).div_ceil(GROUP_SLOTS) as f64;
        Self { mean: n_buckets * mean, variance: n_buckets * (mean_square - mean * mean), most }
    }

    /// In a part of the buckets, or in more of the same load.
    pub(super) fn scaled(self, by: f64) -> Self {
        Self { mean: by * self.mean, variance: by * self.variance, most: by.max(1.0) * self.most }
    }

    pub(super) fn estimate(self) -> Estimate {
        if self.mean < NEVER {
            return Estimate::exact(0.0);
        }
        Estimate::around(self.mean, self.variance.sqrt(), (0.0, self.most))
    }

    /// Chance that there are none.
    pub(super) fn none(self) -> f64 {
        if self.mean > SURELY { 0.0 } else { (-self.mean).exp() }
    }

    /// Mean of numbers that depend on the count; asks for those of ascending counts.
    pub(super) fn mean_of<const N: usize>(self, mut f: impl FnMut(f64) -> [f64; N]) -> [f64; N] {
        if self.mean > MANY {
            return f(self.mean);
        }
        // As if the overflows of different buckets had nothing to do with each other.
        let mut probability = self.none();
        let mut sums = [0.0; N];
        let mut count = 0.0;
        while probability > NEGLIGIBLE || count < self.mean {
            let values = f(count);
            sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += probability * value);
            count += 1.0;
            probability *= self.mean / count;
        }
        sums
    }
}

/// About a larger mean, that there are none does not happen.
const SURELY: f64 = 20.0;
/// Counts about a larger mean are taken as the mean.
const MANY: f64 = 6.0;
/// Terms below this are left out.
const NEGLIGIBLE: f64 = 1e-4;

/// Mean, and mean of the square, of the overflow buckets of one of `n_buckets` with n entries in all: a binomial
/// distribution, term by term.
fn moments(n: f64, n_buckets: f64) -> (f64, f64) {
    let odds = 1.0 / (n_buckets - 1.0);
    let mut probability = (n * (-1.0 / n_buckets).ln_1p()).exp();
    let (mut mean, mut mean_square) = (0.0, 0.0);
    for entries in 0..=MAX_BUCKET_ENTRIES.min(n as u32) {
        let n_overflow = f64::from(entries.saturating_sub(1) / GROUP_SLOTS as u32);
        mean += probability * n_overflow;
        mean_square += probability * n_overflow * n_overflow;
        probability *= (n - f64::from(entries)) / f64::from(entries + 1) * odds;
        if entries > 8 && probability < NEGLIGIBLE * NEGLIGIBLE {
            break;
        }
    }
    (mean, mean_square)
}
