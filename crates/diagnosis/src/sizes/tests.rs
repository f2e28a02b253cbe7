//! Sizes from steps that are known from the growth rules.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::evidence::{GrowStep, Growth};

const GO_127: GoVersion = GoVersion { major: 1, minor: 27, patch: 3 };
const GO_121: GoVersion = GoVersion { major: 1, minor: 21, patch: 13 };

/// Shape of a step: kind, before, growths, entries at each growth.
fn growth(steps: &[(GrowKind, u64, u64, u64)]) -> TypeGrowth {
    let steps: Vec<GrowStep> = steps
        .iter()
        .map(|&(kind, before, grows, entries)| GrowStep {
            kind,
            before,
            after: before * 2,
            grows,
            moved_entries: grows * entries,
        })
        .collect();
    let moved_entries = steps.iter().map(|step| step.moved_entries).sum();
    let total = Growth { moved_entries, ..Growth::default() };
    TypeGrowth { steps, total, ..TypeGrowth::default() }
}

#[test]
fn maps_stop_where_fewer_grow_on() {
    // 100 maps of 20 entries, of which 10 went on to 60.
    let of = growth(&[
        (GrowKind::SmallToTable, 8, 100, 8),
        (GrowKind::Table, 16, 100, 14),
        (GrowKind::Table, 32, 10, 28),
        (GrowKind::Table, 64, 10, 56),
    ]);
    let sizes = FinalSizes::of(&of, MapImpl::Swiss, GO_127).unwrap();
    assert_eq!(sizes.n_maps(), 100);
    assert_eq!(sizes.quantile(0.5), Size { at_least: 15, room: 28 });
    assert_eq!(sizes.quantile(0.95), Size { at_least: 57, room: 112 });
    // 90 maps of 20 and 10 of 60: 2,400 inserted, 3,040 moved: 2.27.
    let (low, high) = sizes.write_amplification();
    assert!(low < 2.27 && 2.27 < high, "{low} to {high}");
}

#[test]
fn the_load_factor_is_that_of_the_version() {
    let of = growth(&[(GrowKind::Double, 8, 5, 8), (GrowKind::Double, 16, 5, 12)]);
    let sizes = FinalSizes::of(&of, MapImpl::Classic, GO_121).unwrap();
    assert_eq!(sizes.quantile(0.5), Size { at_least: 13, room: 24 });
}

#[test]
fn splits_make_one_map_larger() {
    let of = growth(&[(GrowKind::Table, 512, 2, 448), (GrowKind::Split, 1024, 14, 896)]);
    let sizes = FinalSizes::of(&of, MapImpl::Swiss, GO_127).unwrap();
    assert_eq!(sizes.quantile(0.5), Size { at_least: 3585, room: 7168 });
}

#[test]
fn maps_that_were_larger_before_the_recording_are_not_counted_below_zero() {
    let of = growth(&[(GrowKind::Double, 64, 3, 52), (GrowKind::Double, 128, 9, 104)]);
    let sizes = FinalSizes::of(&of, MapImpl::Classic, GO_127).unwrap();
    assert_eq!(sizes.n_maps(), 9);
    assert_eq!(FinalSizes::of(&growth(&[]), MapImpl::Classic, GO_127), None);
}
