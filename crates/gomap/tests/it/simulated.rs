//! The closed form against the simulation, at sizes and with hints that no real map was asked for.

use goabi::GoVersion;
use gomap::{Estimate, Forecast, GrowKind, MapShape, SHARDS};
use gomap_oracle::{Op, Simulation, forecast_ops};

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
            let bytes = |of: &Forecast| of.allocated_bytes.expected;
            let retained = |of: &Forecast| of.retained_bytes.expected;
            let moved = |of: &Forecast| of.moved.expected;
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

/// Against shards filled by keys that fall into them at random.
#[test]
fn shards_cost_what_simulated_shards_do() {
    const RUNS: u64 = 40;
    for version in ["go1.21.13", "go1.27.3"] {
        let shape = shape(version, "map[string]int");
        let (mut moved, mut bytes, mut random) = (0.0, 0.0, 1_u64);
        for run in 0..RUNS {
            let mut shards: Vec<Simulation> = (0..SHARDS)
                .map(|shard| Simulation::new(shape, 0, run * SHARDS + shard).unwrap())
                .collect();
            for key in 0..1000 {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                shards[(random >> 40) as usize % SHARDS as usize].apply(Op::Set(key));
            }
            moved += shards.iter().map(|shard| shard.outcome().moved as f64).sum::<f64>();
            bytes += shards.iter().map(|shard| shard.outcome().allocated_bytes as f64).sum::<f64>();
        }
        let forecast = shape.forecast_sharded(1000);
        let close = |a: f64, b: f64| (a / b - 1.0).abs() < 0.05;
        assert!(close(forecast.moved.expected, moved / RUNS as f64), "{forecast:?} {moved}");
        assert!(
            close(forecast.allocated_bytes.expected, bytes / RUNS as f64),
            "{forecast:?} {bytes}"
        );
    }
}
