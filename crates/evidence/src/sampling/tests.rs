//! Ranges, against those that are known.
#![allow(clippy::unwrap_used)]

use gomap::GrowKind;

use super::*;
use crate::GroupId;

const SCALE: f64 = 20.0;

fn windows(scale_error: f64) -> Windows {
    Windows {
        group_cpu_ns: vec![1_000_000_000; 16],
        scale: SCALE,
        scale_error,
        unmet: 0.0,
        every_split: false,
        has_no_end: false,
    }
}

/// Growths counted, and seen by group, by recording.
fn range(exact: u64, recordings: &[&[u64]], windows: &[Windows]) -> Bounds {
    let mut sampled = Sampled::default();
    for (recording, seen) in (0..).zip(recordings) {
        let in_group = |(group, n): (u32, &u64)| (GroupId { recording, group }, n * SCALE as u64);
        sampled.by_group.extend((0..).zip(*seen).map(in_group));
    }
    let estimated: u64 = sampled.by_group.iter().map(|(_, n)| n).sum();
    let step = GrowStep {
        kind: GrowKind::Double,
        before: 8,
        after: 16,
        local_depth: None,
        grows: exact + estimated,
        sampled,
        moved_entries: 0,
    };
    let precision = Precision::Estimated;
    let growth = TypeGrowth { steps: vec![step], precision, ..TypeGrowth::default() };
    grows_range(windows, &growth).unwrap()
}

fn within(bounds: Bounds, low: std::ops::Range<u64>, high: std::ops::Range<u64>) {
    let Bounds { low: is_low, high: is_high } = bounds;
    assert!(low.contains(&is_low) && high.contains(&is_high.unwrap()), "{bounds:?}");
}

#[test]
fn few_growths_have_the_range_of_poisson() {
    // Of 4 seen: 1.09 to 10.24, without the factor for few groups. What was seen is there for certain.
    within(range(0, &[&[1, 1, 0, 1, 0, 0, 1]], &[windows(0.0)]), 10..22, 200..230);
    within(range(0, &[&[1]], &[windows(0.0)]), 1..2, 100..130);
}

#[test]
fn none_seen_is_not_none() {
    assert_eq!(range(7, &[&[]], &[windows(0.0)]), Bounds { low: 7, high: Some(7 + 74) });
}

#[test]
fn a_line_has_no_upper_end_where_the_whole_has_none() {
    let open = Windows { has_no_end: true, ..windows(0.0) };
    let seen = [3, 1, 4, 1, 5, 9, 2, 6];
    let bounded = range(7, &[&seen], &[windows(0.0)]);
    assert_eq!(range(7, &[&seen], std::slice::from_ref(&open)), Bounds { high: None, ..bounded });
    assert_eq!(range(7, &[&seen, &[]], &[windows(0.0), open]).high, None);
}

#[test]
fn bursts_make_the_range_wider_than_poisson() {
    let even = range(0, &[&[10; 16]], &[windows(0.0)]);
    let bursts = range(0, &[&[0, 0, 80, 0, 0, 0, 0, 0, 0, 80]], &[windows(0.0)]);
    within(even, 2600..2800, 3700..3900);
    within(bursts, 100..800, 8000..13_000);
}

#[test]
fn an_error_of_the_scale_does_not_average_out() {
    let error = |error| range(0, &[&[1000; 16]], &[windows(error)]);
    within(error(0.0), 314_000..316_000, 324_000..326_000);
    within(error(0.1), 285_000..300_000, 340_000..355_000);
}

#[test]
fn recordings_are_independent() {
    let one = range(0, &[&[10; 16]], &[windows(0.0)]);
    let two = range(0, &[&[10; 16], &[10; 16]], &[windows(0.0), windows(0.0)]);
    let width = |of: Bounds| (of.high.unwrap() - of.low) as f64;
    let ratio = width(two) / width(one);
    assert!((1.3..1.5).contains(&ratio), "{ratio}");
}

#[test]
fn too_few_groups_leave_the_upper_end_open() {
    let few = Windows { group_cpu_ns: vec![5, 0, 5], ..windows(0.0) };
    assert_eq!(range(3, &[&[2]], &[few]), Bounds { low: 5, high: None });
}

#[test]
fn quantiles_of_the_gamma_distribution() {
    // Source: chi-square tables, half of 2·shape degrees of freedom.
    for (shape, low, high) in [(1.0, 0.025, 3.69), (4.0, 1.09, 8.77), (50.0, 37.1, 64.8)] {
        let of = |z| gamma_quantile(shape, z);
        assert!((of(-NORMAL_97) - low).abs() < 0.06, "{} {low}", of(-NORMAL_97));
        assert!((of(NORMAL_97) - high).abs() < 0.06, "{} {high}", of(NORMAL_97));
    }
}
