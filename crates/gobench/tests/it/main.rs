//! Real results of one and the same benchmark, drawn into two sides again and again.
#![allow(clippy::unwrap_used)]

mod benchstat;

use std::fs;

use gobench::stats::{Change, LEVEL, Outcome};

/// Runs on a side.
const N_RUNS: usize = 10;
const N_DRAWS: u32 = 200;
/// Part of the draws in which a difference of [`FACTOR`] has to be found.
const POWER: f64 = 0.95;
const FACTOR: f64 = 1.10;

/// Values of each benchmark of the fixture in ns/op.
fn benchmarks() -> Vec<(String, Vec<f64>)> {
    let text = fs::read_to_string(xtask::testdata("compare/benchmarks/same.txt")).unwrap();
    let mut benchmarks: Vec<(String, Vec<f64>)> = Vec::new();
    for result in gobench::read(&text).results {
        let value = result.values.iter().find(|value| value.unit == "ns/op").unwrap().value;
        match benchmarks.iter_mut().find(|(name, _)| *name == result.name) {
            Some((_, values)) => values.push(value),
            None => benchmarks.push((result.name, vec![value])),
        }
    }
    benchmarks
}

/// A linear congruential generator (Knuth's MMIX), always begun alike.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    /// Two sides without a run in common.
    fn draw(&mut self, values: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let mut rest = values.to_vec();
        let drawn: Vec<f64> =
            (0..2 * N_RUNS).map(|_| rest.swap_remove(self.below(rest.len()))).collect();
        (drawn[..N_RUNS].to_vec(), drawn[N_RUNS..].to_vec())
    }
}

/// In how many draws the sides differ, after the one is multiplied.
fn n_differing(values: &[f64], factor: f64) -> u32 {
    let mut random = Random(1);
    let differs = |_: &u32| {
        let (before, after) = random.draw(values);
        let after: Vec<f64> = after.iter().map(|value| value * factor).collect();
        Change::of(&before, &after).unwrap().outcome == Outcome::Differs
    };
    (0..N_DRAWS).filter(differs).count() as u32
}

#[test]
fn the_fixture_has_enough_runs() {
    let benchmarks = benchmarks();
    assert_eq!(benchmarks.len(), 2);
    assert!(benchmarks.iter().all(|(_, values)| values.len() >= 40), "{benchmarks:?}");
}

/// Draws are independent, so that of so many a binomial number differs by chance: three standard deviations are allowed
/// beyond its mean, for which a right test fails in one of a thousand fixtures.
#[test]
fn runs_of_one_program_differ_as_rarely_as_the_level_says() {
    let n = f64::from(N_DRAWS);
    let allowed = n * LEVEL + 3.0 * (n * LEVEL * (1.0 - LEVEL)).sqrt();
    for (name, values) in benchmarks() {
        let differing = n_differing(&values, 1.0);
        assert!(f64::from(differing) <= allowed, "{name}: {differing} of {N_DRAWS}");
        // A test that never finds anything would pass too.
        assert!(differing > 0, "{name}");
    }
}

#[test]
fn a_tenth_more_is_found() {
    for (name, values) in benchmarks() {
        for factor in [FACTOR, 1.0 / FACTOR] {
            let found = n_differing(&values, factor);
            assert!(f64::from(found) >= POWER * f64::from(N_DRAWS), "{name}: {found} of {N_DRAWS}");
        }
    }
}
