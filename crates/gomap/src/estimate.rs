//! Numbers that depend on how keys happen to hash.

use std::ops::AddAssign;

/// An expectation, and a range that holds at least 99 of 100 runs.
///
/// `low == high` says that hashing does not matter (or in fewer than one in ten thousand runs).
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Estimate {
    /// Lower end, itself possible.
    pub low: f64,
    /// Mean over many runs.
    pub expected: f64,
    /// Upper end, itself possible.
    pub high: f64,
}

impl Estimate {
    /// A number that does not depend on hashing.
    pub const fn exact(value: f64) -> Self {
        Self { low: value, expected: value, high: value }
    }

    /// Whether hashing does not matter.
    pub fn is_exact(&self) -> bool {
        self.low == self.high
    }

    /// Whether a counted value is in the range.
    pub fn contains(&self, value: u64) -> bool {
        (self.low..=self.high).contains(&(value as f64))
    }

    /// Each of the three numbers through a function that grows with its argument.
    #[must_use]
    pub fn map(self, f: impl Fn(f64) -> f64) -> Self {
        Self { low: f(self.low), expected: f(self.expected), high: f(self.high) }
    }

    /// The product with a number that has nothing to do with it; neither may be negative.
    #[must_use]
    pub(crate) fn product(self, other: Self) -> Self {
        Self {
            low: self.low * other.low,
            expected: self.expected * other.expected,
            high: self.high * other.high,
        }
    }

    /// Whole numbers around a mean, as far as chance takes them, and no further than `bounds`, lower first.
    ///
    /// # Panics
    /// When the bounds are not in that order, or not numbers.
    pub fn around(expected: f64, deviation: f64, bounds: (f64, f64)) -> Self {
        let clamped = |value: f64| value.clamp(bounds.0, bounds.1);
        let reach = REACH * deviation;
        Self {
            low: clamped((expected - reach).floor()),
            expected: clamped(expected),
            high: clamped((expected + reach).ceil()),
        }
    }

    /// The sum of so many numbers like this, whose chances have nothing to do with each other: the more there are, the
    /// less it strays, down to the accuracy of the expectation.
    pub(crate) fn of_independent(self, n: u64) -> Self {
        let n = n as f64;
        let half = (self.high - self.expected).max(self.expected - self.low);
        let reach = half * n.sqrt() + ACCURACY * self.expected * n;
        let widest = self.map(|value| value * n);
        Self {
            low: widest.low.max(widest.expected - reach),
            expected: widest.expected,
            high: widest.high.min(widest.expected + reach),
        }
    }
}

impl AddAssign for Estimate {
    /// Ranges add up at their ends: a little wide for independent numbers, right for dependent ones.
    fn add_assign(&mut self, other: Self) {
        self.low += other.low;
        self.expected += other.expected;
        self.high += other.high;
    }
}

/// Expectations are as good as that; those that are exact have a range of no width.
const ACCURACY: f64 = 0.01;

/// How many standard deviations the range reaches: 99.99 % if normal. Less would do for 99 %, were all of them normal.
const REACH: f64 = 4.0;
