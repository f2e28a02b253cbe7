#![allow(clippy::unwrap_used)]

use super::chance::Overflow;
use super::classic::{FULL_12, FULL_13};
use crate::estimate::Estimate;
use crate::growth::GrowKind;
use crate::shape::MapShape;
use crate::simulation::{Op, Simulation, forecast_ops};
use goabi::GoVersion;

fn shape(version: &str, map: &str) -> MapShape {
    MapShape::new(GoVersion::parse(version).unwrap(), &map.parse().unwrap()).unwrap()
}

const VERSIONS: [&str; 5] = ["go1.18", "go1.21.13", "go1.23.9", "go1.24.11", "go1.27.3"];

/// All that both say, at sizes about every threshold. The simulation is one run, so now and then it strays.
#[test]
fn closed_form_and_simulation_agree() {
    let mut strays = Vec::new();
    for version in VERSIONS {
        for map in ["map[string]int", "map[int]int", "map[[17]int]string"] {
            let shape = shape(version, map);
            for n in (0..70).chain([107, 112, 113, 208, 209, 449, 896, 897, 1665, 3000]) {
                for hint in [0, n / 2, n, 2 * n] {
                    strays.extend(stray(shape, n, hint));
                }
            }
        }
    }
    assert!(strays.len() <= 5, "{strays:#?}");
}

fn stray(shape: MapShape, n: u64, hint: u64) -> Option<String> {
    let forecast = shape.forecast(n, hint);
    let mut simulation = Simulation::new(shape, hint, n << 32 | hint).unwrap();
    (0..n).for_each(|key| simulation.apply(Op::Set(key)));
    let outcome = simulation.outcome();
    let exact = [forecast.inserted, forecast.inserted_bytes, forecast.live, forecast.live_bytes];
    let counted = [outcome.inserted, outcome.inserted_bytes, outcome.live, outcome.live_bytes];
    assert_eq!(exact, counted);
    let pairs = [
        (forecast.moved, outcome.moved),
        (forecast.begun, outcome.begun),
        (forecast.moved_bytes, outcome.moved_bytes),
        (forecast.allocated_bytes, outcome.allocated_bytes),
        (forecast.allocations, outcome.allocations),
        (forecast.retained_bytes, outcome.retained_bytes),
        (forecast.retained_objects, outcome.retained_objects),
        (forecast.pointer_bytes, outcome.pointer_bytes),
        (forecast.slots, outcome.slots),
    ];
    let grows = GrowKind::ALL.map(|kind| (forecast.grows[kind], outcome.grows[kind]));
    for (Estimate { low, expected, high }, _) in pairs.iter().chain(&grows) {
        assert!(low <= expected && expected <= high, "n {n} hint {hint}: {low} {expected} {high}");
    }
    let is_stray = |(estimate, counted): &&(Estimate, u64)| !estimate.contains(*counted);
    let stray = pairs.iter().chain(&grows).find(is_stray)?;
    Some(format!("{} n {n} hint {hint}: {stray:?}", shape.version()))
}

#[test]
fn expectations_are_means_of_simulations() {
    for version in VERSIONS {
        for n in [13, 30, 110, 500, 1793, 3700] {
            let shape = shape(version, "map[int]int");
            let forecast = shape.forecast(n, 0);
            let simulated = forecast_ops(shape, 0, (0..n).map(Op::Set), 0..300).unwrap();
            let close = |a: f64, b: f64| (a - b).abs() <= 0.02 * b;
            let bytes = |of: &crate::Forecast| of.allocated_bytes.expected;
            let retained = |of: &crate::Forecast| of.retained_bytes.expected;
            let moved = |of: &crate::Forecast| of.moved.expected;
            for number in [bytes, retained, moved] {
                let (a, b) = (number(&forecast), number(&simulated));
                assert!(close(a, b), "{version} {n}: {a} {b} {forecast:?} {simulated:?}");
            }
        }
    }
}

/// 97 entries begin the growth of a classic map of 16 buckets and overwriting them ends it.
#[test]
fn a_growth_that_began_counts_with_all_its_entries() {
    for (version, begun) in [("go1.21.13", 8 + 12 + 24 + 48 + 96), ("go1.27.3", 8 + 14 + 28 + 56)] {
        let shape = shape(version, "map[string]int");
        let forecast = shape.forecast(97, 0);
        assert_eq!(forecast.begun, Estimate::exact(f64::from(begun)), "{version}");
        assert_eq!(forecast.moved == forecast.begun, version == "go1.27.3");
        let mut simulation = Simulation::new(shape, 0, 1).unwrap();
        (0..97).for_each(|key| simulation.apply(Op::Set(key)));
        assert_eq!(forecast.moved.contains(simulation.outcome().begun), version == "go1.27.3");
        (0..97).for_each(|key| simulation.apply(Op::Set(key)));
        let outcome = simulation.outcome();
        assert_eq!((outcome.begun, outcome.moved), (begun as u64, begun as u64), "{version}");
    }
}

/// Buckets of one map do not overflow by chance alone: what one has too much of, the others lack. So the overflow buckets
/// that an array has to spare nearly always do.
#[test]
fn few_overflow_buckets_are_beyond_the_spare_ones() {
    for version in ["go1.21.13", "go1.23.9"] {
        for n in [97, 193] {
            let shape = shape(version, "map[string]int");
            let forecast = shape.forecast(n, 0).allocated_bytes.expected;
            let simulated = forecast_ops(shape, 0, (0..n).map(Op::Set), 0..3000).unwrap();
            let mean = simulated.allocated_bytes.expected;
            assert!((forecast / mean - 1.0).abs() < 0.001, "{version} {n}: {forecast} {mean}");
        }
    }
}

#[test]
fn a_growth_is_an_amplification() {
    let forecast = shape("go1.27.3", "map[string]int").forecast(15, 0);
    assert_eq!(forecast.write_amplification().unwrap().expected, (15.0 + 22.0) / 15.0);
    assert_eq!(
        forecast.space_amplification().unwrap().expected,
        (48.0 + 8.0 + 32.0 + 896.0) / 360.0
    );
    let nothing = shape("go1.27.3", "map[string]int").forecast(0, 0);
    assert_eq!(nothing.write_amplification(), None);
    assert_eq!(nothing.allocated_bytes.expected, 48.0);
}

#[test]
fn absurd_sizes_do_not_overflow() {
    for version in VERSIONS {
        let shape = shape(version, "map[[17]int][17]string");
        for n in [0, 1, 1 << 20, 1 << 47, u64::MAX] {
            for hint in [0, 1 << 40, u64::MAX] {
                let forecast = shape.forecast(n, hint);
                assert!(forecast.allocated_bytes.expected.is_finite());
                assert!(forecast.times(u64::MAX).allocations.expected.is_finite());
            }
        }
        assert!(Simulation::new(shape, u64::MAX, 0).is_none());
    }
}

#[test]
fn the_table_of_full_buckets_is_what_their_distribution_says() {
    for (n_for_two, table) in [(12, &FULL_12), (13, &FULL_13)] {
        for (b, full) in (1..).zip(table) {
            let overflow = Overflow::of(n_for_two << (b - 1), b);
            let close = |a: f64, b: f64| (a - b).abs() < 1e-4;
            assert!(close(overflow.mean, full.mean), "{overflow:?}");
            assert!(close(overflow.variance, full.variance), "{overflow:?}");
            assert!(close(overflow.none(), full.none), "{overflow:?}");
        }
    }
}
