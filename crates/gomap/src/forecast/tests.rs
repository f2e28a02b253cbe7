#![allow(clippy::unwrap_used)]

use super::chance::Overflow;
use super::classic::{FULL_12, FULL_13};
use crate::shape::MapShape;
use goabi::GoVersion;

fn shape(version: &str, map: &str) -> MapShape {
    MapShape::new(GoVersion::parse(version).unwrap(), &map.parse().unwrap()).unwrap()
}

const VERSIONS: [&str; 5] = ["go1.18", "go1.21.13", "go1.23.9", "go1.24.11", "go1.27.3"];

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
