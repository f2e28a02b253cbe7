//! All map types at each size to 2,000, by digests and totals of blocks of sizes.

use gomap::{Estimate, Forecast};

use crate::fixture::{Fixture, Line, all_in};
use crate::forecast::{NUMBERS, estimates};
use crate::lockstep::Digest;

/// Beyond it, which Swiss tables grow depends on hashing.
const ONE_TABLE: u64 = 896;
/// Narrower ranges are of a few things that happen or not.
const FEW: f64 = 8.0;
/// Growths by kind, and slots: not by chance in classic maps.
const CERTAIN: [usize; 6] = [0, 1, 2, 3, 4, 8];

/// What the model says of a block.
#[derive(Default)]
struct Block {
    digest: Digest,
    begun: Sum,
    numbers: [Sum; 9],
}

/// A sum of independent estimates.
#[derive(Default, Clone, Copy)]
struct Sum {
    expected: f64,
    variance: f64,
}

impl Sum {
    fn add(&mut self, of: Estimate) {
        let Estimate { low, expected, high } = of;
        self.expected += expected;
        // The variance of what reaches from low to high is at most that (Bhatia and Davis). A range with room to either
        // side reaches four standard deviations; those of a few tables have none.
        let most = (high - expected) * (expected - low);
        let quarter = (high - low) / 8.0;
        let has_room = high - low > FEW && most > 15.0 * quarter * quarter;
        self.variance += if has_room { quarter * quarter } else { most };
    }

    /// Within five standard errors, and a part of the sum for approximations.
    fn allows(&self, counted: u64, part: f64) -> bool {
        let error = (counted as f64 - self.expected).abs();
        error <= 5.0 * self.variance.sqrt() + part * self.expected + 0.5
    }
}

impl Block {
    fn add(&mut self, forecast: &Forecast, certain: &[usize]) {
        let estimates = estimates(forecast);
        for (sum, &estimate) in self.numbers.iter_mut().zip(&estimates) {
            sum.add(estimate);
        }
        self.begun.add(forecast.begun);
        for &index in certain {
            self.digest.add(exactly(estimates[index]));
        }
        if !certain.is_empty() {
            self.digest.add(exactly(forecast.begun));
        }
    }
}

fn exactly(estimate: Estimate) -> u64 {
    assert!(estimate.is_exact(), "{estimate:?}");
    estimate.expected as u64
}

fn hint(n: u64, way: u64) -> u64 {
    [0, n / 2, n, 2 * n][way as usize]
}

fn forecast(fixture: &Fixture, line: &Line<'_>) -> Block {
    let shape = fixture.shape(line.map);
    let mut block = Block::default();
    for n in line.number(0)..=line.number(1) {
        let certain: &[usize] = match fixture.version.minor >= 24 {
            true if n <= ONE_TABLE => &[0, 1, 2, 3, 4, 5, 6, 7, 8],
            true => &[],
            false => &CERTAIN,
        };
        block.add(&shape.forecast(n, hint(n, line.number(2))), certain);
    }
    block
}

/// What is not as the model says.
fn misses(fixture: &Fixture, line: &Line<'_>) -> Vec<String> {
    let block = forecast(fixture, line);
    let what = format!("{} {}", fixture.version, line.text);
    assert_eq!(line.number(3), block.digest.0, "{what}: numbers that hashing does not decide");
    let sums = block.numbers.into_iter().zip(NUMBERS).zip(5..);
    let begun = ((block.begun, "begun"), 4);
    let miss = |((sum, name), index): ((Sum, &str), usize)| {
        let part = if name == "allocations" { 0.01 } else { 0.002 };
        let counted = line.number(index);
        let miss = format!("{what}: {name} {counted}, not {}", sum.expected);
        (!sum.allows(counted, part)).then_some(miss)
    };
    sums.chain([begun]).filter_map(miss).collect()
}

/// In a few of some hundred blocks the runtime allocates so much for itself that it is seen in the totals.
pub(crate) fn check_all(fixture: &Fixture) {
    let n_lines = fixture.lines().count();
    assert!(n_lines > 0);
    let misses: Vec<String> = fixture.lines().flat_map(|line| misses(fixture, &line)).collect();
    assert!(misses.len() <= 1 + n_lines / 200, "{misses:#?}");
}

#[test]
fn every_type_is_as_forecast_at_each_size() {
    let fixtures = all_in("mapgrowth/sizes");
    assert_eq!(fixtures.len(), 7);
    for fixture in &fixtures {
        // 11 types to 2,000 and one of 256 keys, with four hints.
        assert_eq!(fixture.lines().count(), (11 * 20 + 3) * 4, "{}", fixture.version);
        check_all(fixture);
    }
}
