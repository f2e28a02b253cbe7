#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use goabi::GoVersion;
use gomap::{GrowKind, MapShape};

use super::{Op, Simulation, permuted};

fn simulation(version: &str, map: &str, hint: u64) -> Simulation {
    let version = GoVersion::parse(version).unwrap();
    let shape = MapShape::new(version, &map.parse().unwrap()).unwrap();
    Simulation::new(shape, hint, 7).unwrap()
}

const VERSIONS: [&str; 7] = ["go1.18", "go1.21", "go1.23", "go1.24", "go1.25", "go1.26", "go1.27"];

/// Operations by a generator whose seed is the version's number, against a set.
#[test]
fn holds_the_keys_that_a_set_holds() {
    for (seed, version) in VERSIONS.iter().enumerate() {
        let mut map = simulation(version, "map[int]int", 0);
        let mut keys = BTreeSet::new();
        let mut inserted = 0;
        for step in 0..200_000_u64 {
            let random = permuted(step << 8 | seed as u64);
            let key = random >> 8 & 0x7ff;
            let op = match random & 0xff {
                0 if step % 64 == 0 => Op::Clear,
                choice if choice < 80 + (step >> 14) % 2 * 96 => Op::Delete(key),
                _ => Op::Set(key),
            };
            match op {
                Op::Set(key) => inserted += u64::from(keys.insert(key)),
                Op::Delete(key) => _ = keys.remove(&key),
                Op::Clear => keys.clear(),
            }
            map.apply(op);
            let outcome = map.outcome();
            assert_eq!(
                (outcome.live, outcome.inserted),
                (keys.len() as u64, inserted),
                "{version} {step}"
            );
        }
    }
}

/// A map whose entries are all cleared away holds what an empty one of its size holds.
#[test]
fn nothing_is_released_twice_or_never() {
    for version in VERSIONS {
        for map in ["map[int]int", "map[string]int", "map[[17]int]string"] {
            let mut grown = simulation(version, map, 0);
            (0..5000).for_each(|key| grown.apply(Op::Set(key)));
            // Finishes an evacuation.
            (0..5000).for_each(|key| grown.apply(Op::Set(key)));
            grown.apply(Op::Clear);
            let retained = grown.outcome().retained_bytes;
            (0..5).for_each(|_| {
                (0..5000).for_each(|key| grown.apply(Op::Set(key)));
                (0..5000).for_each(|key| grown.apply(Op::Set(key)));
                grown.apply(Op::Clear);
            });
            let again = grown.outcome();
            assert!(again.live == 0 && again.retained_bytes >= retained, "{version} {map}");
            assert!(again.retained_bytes <= 3 * retained, "{version} {map}: {again:?} {retained}");
        }
    }
}

/// Go 1.24 to 1.26 grow a map of 8 entries when one of them is overwritten.
#[test]
fn overwriting_in_a_full_small_map_grows_it_in_three_releases() {
    for version in VERSIONS {
        let mut map = simulation(version, "map[string]int", 0);
        (0..9).for_each(|step| map.apply(Op::Set(step % 8)));
        let grows = map.outcome().grows[GrowKind::SmallToTable];
        assert_eq!(grows == 1, ["go1.24", "go1.25", "go1.26"].contains(&version), "{version}");
    }
}

/// Overflow buckets that deletions leave behind make a classic map rebuild its array.
#[test]
fn a_sliding_window_grows_a_classic_map_to_the_same_size() {
    let mut map = simulation("go1.23", "map[int]int", 0);
    for key in 0..5000 {
        map.apply(Op::Set(key));
        map.apply(Op::Delete(u64::wrapping_sub(key, 50)));
    }
    let outcome = map.outcome();
    assert!(outcome.grows[GrowKind::SameSize] > 0);
    assert_eq!(outcome.slots, 64);
}

#[test]
fn what_was_cleared_keeps_its_array() {
    for version in VERSIONS {
        let mut map = simulation(version, "map[int]int", 1000);
        (0..1000).for_each(|key| map.apply(Op::Set(key)));
        let slots = map.outcome().slots;
        map.apply(Op::Clear);
        assert_eq!((map.outcome().slots, map.outcome().live), (slots, 0));
    }
}

#[test]
fn absurd_hints_are_not_simulated() {
    for version in VERSIONS {
        let version = GoVersion::parse(version).unwrap();
        let shape = MapShape::new(version, &"map[int]int".parse().unwrap()).unwrap();
        assert!(Simulation::new(shape, u64::MAX, 0).is_none());
    }
}
