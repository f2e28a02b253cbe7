//! Sizes from steps that are known from the growth rules.
#![allow(clippy::unwrap_used)]

mod coverage;

use std::collections::BTreeMap;

use goabi::{GoVersion, MapImpl, Release};
use gomap::GrowKind;

use super::*;
use crate::{GroupId, GrowStep, Growth, Sampled};

const SWISS: (MapImpl, &str) = (MapImpl::Swiss, "go1.27.3");
const CLASSIC: (MapImpl, &str) = (MapImpl::Classic, "go1.23.9");
const CLASSIC_121: (MapImpl, &str) = (MapImpl::Classic, "go1.21.13");

/// What recordings say beside growths.
struct Recorded {
    map: Option<&'static MapAbi>,
    windows: Vec<Windows>,
}

fn recorded((map_impl, version): (MapImpl, &str), windows: &[Windows]) -> Recorded {
    let release = Release::of(GoVersion::parse(version).unwrap());
    Recorded { map: release.unwrap().map(map_impl), windows: windows.to_vec() }
}

fn sizes_of(recorded: &Recorded, growth: &TypeGrowth) -> Result<FinalSizes, NoSizes> {
    FinalSizes::of(recorded.map, &recorded.windows, growth)
}

fn step(kind: GrowKind, before: u64, grows: u64, entries: u64) -> GrowStep {
    GrowStep {
        kind,
        before,
        after: before * 2,
        local_depth: None,
        grows,
        sampled: Sampled::default(),
        moved_entries: grows * entries,
    }
}

fn of_steps(steps: Vec<GrowStep>) -> TypeGrowth {
    let moved_entries = steps.iter().map(|step| step.moved_entries).sum();
    let total = Growth { moved_entries, ..Growth::default() };
    TypeGrowth { steps, total, ..TypeGrowth::default() }
}

/// Shape of a step: kind, before, growths, entries at each growth.
fn growth(steps: &[(GrowKind, u64, u64, u64)]) -> TypeGrowth {
    of_steps(
        steps.iter().map(|&(kind, before, n, entries)| step(kind, before, n, entries)).collect(),
    )
}

/// What a recorder sees at a rung: slots before (or the depth of a split), growths counted, and seen in windows by group.
type Seen<'s> = (Result<u64, u8>, u64, &'s [u64]);
const SCALE: u64 = 20;

/// 16 groups of windows, each growth seen in them standing for 20.
fn estimated(rungs: &[Seen<'_>]) -> TypeGrowth {
    let steps = rungs.iter().map(|&(rung, exact, seen)| {
        let (kind, before) =
            rung.map_or((GrowKind::Split, 1024), |before| (GrowKind::Table, before));
        let in_group = |(group, n): (u32, &u64)| (GroupId { recording: 0, group }, n * SCALE);
        let by_group: Vec<_> = (0..).zip(seen).map(in_group).collect();
        let grows = exact + by_group.iter().map(|(_, n)| n).sum::<u64>();
        GrowStep {
            local_depth: rung.err(),
            sampled: Sampled { by_group, of_no_group: 0 },
            ..step(kind, before, grows, before / 8 * 7)
        }
    });
    TypeGrowth { precision: Precision::Estimated, ..of_steps(steps.collect()) }
}

fn windows() -> Windows {
    Windows {
        group_cpu_ns: vec![1_000_000_000; 16],
        scale: SCALE as f64,
        scale_error: 0.0,
        unmet: 0.0,
        every_split: false,
        has_no_end: false,
    }
}

fn estimate(rungs: &[Seen<'_>]) -> Result<FinalSizes, NoSizes> {
    sizes_of(&recorded(SWISS, &[windows()]), &estimated(rungs))
}

/// "n of at_least to room", class by class.
fn text(sizes: &FinalSizes) -> String {
    let class =
        |class: &Class| format!("{} of {} to {}", class.maps, class.size.at_least, class.size.room);
    sizes.classes().iter().map(class).collect::<Vec<_>>().join(", ")
}

#[test]
fn large_classic_maps_have_sizes_where_each_of_their_growths_was_counted() {
    // 20 maps of 5,000 in gaps between windows, too few for windows to see; one of the growths of the first was seen.
    let rungs: Vec<Seen<'_>> =
        vec![(Ok(512), 0, &[1]), (Ok(1024), 20, &[]), (Ok(2048), 20, &[]), (Ok(4096), 20, &[])];
    let of = |every_growth_from| {
        let growth = TypeGrowth { every_growth_from, ..estimated(&rungs) };
        sizes_of(&recorded(CLASSIC, &[windows()]), &growth)
    };
    assert_eq!(of(None), Err(NoSizes::TooFew));
    let sizes = of(Some(1024)).unwrap();
    assert_eq!(sizes.quantile(0.5), Size { at_least: 3585, room: 6656 });
    assert_eq!(sizes.n_maps(), 20);
    // Had those at 4,096 slots not been counted each, maps might have grown on unseen.
    assert_eq!(of(Some(16_384)), Err(NoSizes::TooFew));
}

/// Windows saw maps come by the small steps; not so many more than by the large one that it is no chance, but too many to be sure that all
/// went on.
#[test]
fn sizes_are_not_told_where_many_may_have_stopped_before() {
    // Three small steps were seen so often each, the large one was counted: 100.
    let of = |n_seen: usize| {
        let seen = vec![1; n_seen];
        let mut rungs: Vec<Seen<'_>> =
            [128, 256, 512].into_iter().map(|slots| (Ok(slots), 0, &seen[..])).collect();
        rungs.push((Ok(1024), 100, &[]));
        let growth = TypeGrowth { every_growth_from: Some(1024), ..estimated(&rungs) };
        sizes_of(&recorded(CLASSIC, &[windows()]), &growth).map(|sizes| sizes.quantile(0.25).room)
    };
    // 120 by estimate, and 200, 2.7 standard errors more.
    assert_eq!(of(6), Ok(1664));
    assert_eq!(of(10), Err(NoSizes::TooFew));
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
    let sizes = sizes_of(&recorded(SWISS, &[]), &of).unwrap();
    assert_eq!((sizes.n_maps(), sizes.range()), (100, None));
    assert_eq!(sizes.quantile(0.5), Size { at_least: 15, room: 28 });
    assert_eq!(sizes.quantile(0.95), Size { at_least: 57, room: 112 });
    // 90 maps of 20 and 10 of 60: 2,400 inserted, 3,040 moved: 2.27.
    let (low, high) = sizes.write_amplification().unwrap();
    assert!(low < 2.27 && 2.27 < high, "{low} to {high}");
}

#[test]
fn maps_on_their_way_at_an_end_of_the_recording_are_no_size() {
    let of = |to_table: u64| {
        growth(&[
            (GrowKind::SmallToTable, 8, to_table, 8),
            (GrowKind::Table, 16, 40_415, 14),
            (GrowKind::Table, 32, 40_415, 28),
            (GrowKind::Table, 64, 40_414, 56),
        ])
    };
    let n_classes = |of: &TypeGrowth| sizes_of(&recorded(SWISS, &[]), of).unwrap().classes().len();
    assert_eq!(n_classes(&of(40_418)), 1);
    assert_eq!(n_classes(&of(40_515)), 2);
}

#[test]
fn the_load_factor_is_that_of_the_version() {
    let of = growth(&[(GrowKind::Double, 8, 5, 8), (GrowKind::Double, 16, 5, 12)]);
    let sizes = sizes_of(&recorded(CLASSIC_121, &[]), &of).unwrap();
    assert_eq!(sizes.quantile(0.5), Size { at_least: 13, room: 24 });
}

#[test]
fn splits_of_unknown_depth_make_all_maps_larger_alike() {
    let of = growth(&[(GrowKind::Table, 512, 2, 448), (GrowKind::Split, 1024, 14, 896)]);
    let sizes = sizes_of(&recorded(SWISS, &[]), &of).unwrap();
    assert_eq!(sizes.quantile(0.5), Size { at_least: 3585, room: 7168 });
}

#[test]
fn the_depth_of_splits_tells_large_maps_from_larger() {
    // Of 10 maps all fill one table, 4 fill two, and 1 half of its four.
    let split =
        |depth, n| GrowStep { local_depth: Some(depth), ..step(GrowKind::Split, 1024, n, 896) };
    let of =
        of_steps(vec![step(GrowKind::Table, 512, 10, 448), split(0, 10), split(1, 8), split(2, 2)]);
    let sizes = sizes_of(&recorded(SWISS, &[]), &of).unwrap();
    assert_eq!(text(&sizes), "6 of 897 to 1792, 3 of 1793 to 3584, 1 of 3585 to 7168");
}

#[test]
fn maps_that_were_larger_before_the_recording_are_not_counted_below_zero() {
    let of = growth(&[(GrowKind::Double, 64, 3, 52), (GrowKind::Double, 128, 9, 104)]);
    let sizes = sizes_of(&recorded(CLASSIC, &[]), &of).unwrap();
    assert_eq!(sizes.n_maps(), 9);
    let nothing = sizes_of(&recorded(CLASSIC, &[]), &growth(&[]));
    assert_eq!(nothing, Err(NoSizes::NoneStopped));
}

#[test]
fn chance_makes_no_sizes() {
    // A few maps that all become large, each growth seen or not.
    let rungs: [Seen<'_>; 8] = [
        (Ok(16), 0, &[1, 0, 1]),
        (Ok(64), 0, &[0, 2]),
        (Ok(256), 0, &[0, 0, 0, 1]),
        (Ok(512), 0, &[0, 0, 0, 0, 1, 1]),
        (Err(0), 0, &[1]),
        (Err(1), 0, &[0, 1, 1, 0, 0, 1, 1]),
        (Err(2), 0, &[1, 0, 1, 1, 0, 1, 0, 1]),
        (Err(3), 0, &[1, 2, 0, 1, 1, 2, 0, 1, 1, 1]),
    ];
    let sizes = estimate(&rungs).unwrap();
    assert_eq!(text(&sizes), "26 of 7169 to 14336");
    let range = sizes.range().unwrap();
    assert!(range.low > 10 && range.high.unwrap() < 50, "{range:?}");
}

#[test]
fn differences_beyond_chance_are_sizes() {
    let often = [30; 16];
    let rungs: [Seen<'_>; 4] =
        [(Ok(16), 0, &often), (Ok(32), 0, &often), (Ok(64), 0, &[2; 16]), (Ok(128), 0, &[2; 16])];
    let sizes = estimate(&rungs).unwrap();
    assert_eq!(text(&sizes), "8960 of 29 to 56, 640 of 113 to 224");
    let large = sizes.classes()[1].range.unwrap();
    assert!(large.low < 500 && large.high.unwrap() > 800, "{large:?}");
}

#[test]
fn maps_that_may_have_grown_on_unseen_have_no_size() {
    // Two maps were seen; those of one growth each would most likely not be seen at the next.
    let seen: [Seen<'_>; 2] = [(Ok(16), 0, &[1]), (Ok(32), 0, &[0, 1])];
    assert_eq!(estimate(&seen), Err(NoSizes::TooFew));
    // Nor would those that were counted before windows began.
    assert_eq!(estimate(&[(Ok(16), 5, &[]), (Ok(32), 5, &[])]), Err(NoSizes::TooFew));
    let counted = estimate(&[(Ok(16), 500, &[]), (Ok(32), 500, &[])]).unwrap();
    assert_eq!(text(&counted), "500 of 29 to 56");
    assert!(counted.range().unwrap().low == 500 && counted.range().unwrap().high > Some(500));
}

#[test]
fn a_few_larger_maps_do_not_hide_the_size_of_the_others() {
    let often = [30; 16];
    let rungs: [Seen<'_>; 3] = [(Ok(16), 0, &often), (Ok(32), 0, &often), (Ok(256), 0, &[0, 1])];
    let sizes = estimate(&rungs).unwrap();
    let larger = sizes.larger().unwrap();
    assert_eq!(sizes.quantile(0.95), Size { at_least: 29, room: 56 });
    assert_eq!((larger.at_least, sizes.write_amplification()), (57, None));
    assert!(larger.maps < 20 && sizes.n_maps() == sizes.classes()[0].maps + larger.maps);
}

#[test]
fn what_no_range_is_known_of_has_no_sizes() {
    let often = [30; 16];
    let rungs: [Seen<'_>; 2] = [(Ok(16), 0, &often), (Ok(32), 0, &often)];
    let mut growth = estimated(&rungs);
    let few_groups = Windows { group_cpu_ns: vec![1, 1], ..windows() };
    let of = |windows: &[Windows], growth: &TypeGrowth| sizes_of(&recorded(SWISS, windows), growth);
    assert_eq!(of(&[few_groups], &growth), Err(NoSizes::TooFew));
    assert_eq!(of(&[], &growth), Err(NoSizes::NoRange));
    growth.steps[0].sampled.of_no_group = 1;
    assert_eq!(of(&[windows()], &growth), Err(NoSizes::NoRange));
    growth.precision = Precision::LowerBound;
    assert_eq!(of(&[windows()], &growth), Err(NoSizes::Uncounted));
    let unknown = sizes_of(&Recorded { map: None, windows: Vec::new() }, &growth);
    assert_eq!(unknown, Err(NoSizes::UnknownVersion));
}

#[test]
fn absurd_numbers_are_no_panic() {
    let group = |recording, group| GroupId { recording, group };
    for n in [0, 1, u64::MAX] {
        for (before, depth) in [(0, None), (u64::MAX, Some(u8::MAX)), (1 << 63, Some(52))] {
            for kind in GrowKind::ALL {
                let by_group = vec![(group(0, 0), n), (group(7, 9), n), (group(0, u32::MAX), n)];
                let step = GrowStep {
                    kind,
                    before,
                    after: before,
                    local_depth: depth,
                    grows: n,
                    sampled: Sampled { by_group, of_no_group: 0 },
                    moved_entries: n,
                };
                let steps = vec![step, self::step(GrowKind::Table, 8, 3, 8)];
                let total = Growth { grows: n, moved_entries: n, ..Growth::default() };
                let precision = Precision::Estimated;
                let growth = TypeGrowth { total, precision, steps, ..TypeGrowth::default() };
                let cpu = Windows {
                    group_cpu_ns: vec![n; 3],
                    scale: 1e9,
                    scale_error: 1.0,
                    unmet: 0.0,
                    every_split: false,
                    has_no_end: false,
                };
                for of in [SWISS, CLASSIC_121] {
                    let recorded = recorded(of, std::slice::from_ref(&cpu));
                    let _ = sizes_of(&recorded, &growth);
                    crate::sampling::grows_range(&recorded.windows, &growth);
                    let exact = TypeGrowth { precision: Precision::Exact, ..growth.clone() };
                    let sizes = sizes_of(&recorded, &exact);
                    let _ = sizes.map(|sizes| (sizes.quantile(0.5), sizes.write_amplification()));
                }
            }
        }
    }
}
