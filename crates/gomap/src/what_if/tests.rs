#![allow(clippy::unwrap_used)]

use super::{MapsOfSize, Rewrite, Sizes, what_if};
use crate::growth::Forecast;
use goabi::GoVersion;

fn forecasts(
    version: &str,
    map: &str,
    outer: u64,
    inner: impl Into<Option<u64>>,
) -> Vec<(Rewrite, Forecast)> {
    let version = GoVersion::parse(version).unwrap();
    let inner = inner.into().map(|entries| MapsOfSize { entries, maps: outer });
    let sizes = Sizes { outer, inner: inner.into_iter().collect() };
    what_if(version, &map.parse().unwrap(), &sizes).unwrap()
}

/// Entries moved per entry put into inner maps. Source: counters in the runtime of Go 1.21.13, 1.23.9 and 1.27.3, at
/// 10,000 outer keys; differences there were below 0.0015.
#[test]
fn moved_entries_are_those_counted_in_the_runtime() {
    let counted = [
        ("go1.21.13", [(1, 1.228), (8, 0.154), (9, 1.025), (14, 1.516), (16, 1.327), (64, 1.457)]),
        ("go1.23.9", [(1, 1.331), (8, 0.166), (9, 1.037), (14, 1.595), (16, 1.396), (64, 1.568)]),
        ("go1.27.3", [(1, 1.433), (8, 0.179), (9, 1.048), (14, 0.674), (16, 1.465), (64, 1.679)]),
    ];
    for (version, cells) in counted {
        for (inner, ratio) in cells {
            let (_, today) = forecasts(version, "map[string]map[string]int", 10_000, inner)[0];
            let moved = today.moved.expected / (10_000 * inner) as f64;
            assert!((moved - ratio).abs() < 0.003, "{version} {inner}: {moved}, counted {ratio}");
        }
    }
}

#[test]
fn right_hints_move_nothing_and_allocate_less() {
    for version in ["go1.21.13", "go1.27.3"] {
        let rewrites = forecasts(version, "map[string]map[string]int", 1000, 100);
        let (today, presized) = (rewrites[0].1, rewrites[1].1);
        assert!(presized.moved.high < today.moved.low / 100.0);
        assert!(presized.allocated_bytes.high < 0.7 * today.allocated_bytes.low);
    }
}

#[test]
fn a_map_without_maps_in_it_can_not_be_flattened() {
    let rewrites: Vec<Rewrite> =
        forecasts("go1.27.3", "map[string]int", 100, None).iter().map(|(name, _)| *name).collect();
    assert_eq!(rewrites, [Rewrite::Today, Rewrite::Presized, Rewrite::Sharded]);
}
