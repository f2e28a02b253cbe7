//! Sizes from arrays whose number is known.
#![allow(clippy::unwrap_used)]

use goabi::{GoVersion, Release};

use super::*;
use crate::Alloc;

/// What Go takes a sample for, unless told otherwise.
const USUAL: u64 = 512 * 1024;
/// Of a `map[string]int`. Units: bytes.
const SLOT: u64 = 25;

fn map(version: &str) -> &'static MapAbi {
    Release::of(GoVersion::parse(version).unwrap()).unwrap().usual_map().unwrap()
}

/// So many arrays with room for so many entries.
fn blocks(map: &MapAbi, arrays: &[(u64, u64)]) -> Vec<Block> {
    let block = |&(room, n): &(u64, u64)| {
        let slots = if room <= GROUP_SLOTS {
            GROUP_SLOTS
        } else {
            (room * 8).div_ceil(u64::from(map.load))
        };
        let block_bytes = slots.next_power_of_two() * SLOT;
        let alloc_bytes = Some(n * block_bytes);
        let alloc = Alloc { alloc_objects: Some(n), alloc_bytes, ..Alloc::default() };
        Block { block_bytes, alloc, map_capacity: Some(room) }
    };
    arrays.iter().map(block).collect()
}

fn sizes(version: &str, arrays: &[(u64, u64)], rate: u64) -> Result<AllocatedSizes, NoSizes> {
    let map = map(version);
    AllocatedSizes::of(map, &blocks(map, arrays), rate)
}

/// "maps of from to room" of each class.
fn classes(sizes: &AllocatedSizes) -> Vec<(u64, u64, u64)> {
    sizes.classes().iter().map(|of| (of.maps, of.size.at_least, of.size.room)).collect()
}

#[test]
fn maps_stopped_where_the_next_array_is_missing() {
    let all = sizes("go1.27.3", &[(8, 1500), (14, 900), (28, 850), (56, 20)], 1).unwrap();
    assert_eq!(classes(&all), [(50, 9, 14), (830, 15, 28), (20, 29, 56)]);
    assert_eq!((all.n_growing(), all.n_small(), all.split()), (900, Some(600), None));
    let quantiles = [0.25, 0.5, 0.99].map(|part| all.quantile(part).unwrap().room);
    assert_eq!(quantiles, [28, 28, 56]);
    // Buckets for overflow look like first ones.
    let classic = sizes("go1.23.9", &[(8, 1500), (13, 900), (26, 850)], 1).unwrap();
    assert_eq!(classes(&classic), [(50, 9, 13), (850, 14, 26)]);
    assert_eq!(classic.n_small(), None);
}

/// 21 maps of 2,000 entries: one array of the first growth was sampled, which stands for hundreds.
#[test]
fn a_single_sample_says_nothing() {
    let arrays = [(14, 455), (448, 46), (896, 42)];
    assert_eq!(sizes("go1.27.3", &arrays, USUAL), Err(NoSizes::FewBlocks));
    assert_eq!(sizes("go1.27.3", &[(448, 46), (896, 42)], 1), Err(NoSizes::FewBlocks));
    assert_eq!(sizes("go1.27.3", &[], 1), Err(NoSizes::FewBlocks));
}

/// Samples of small arrays stand for many: some are too few by chance, or too many.
#[test]
fn chance_makes_no_sizes() {
    let by_chance = [(14, 21_000), (28, 22_500), (56, 19_000), (112, 19_700)];
    let all = sizes("go1.27.3", &by_chance, USUAL).unwrap();
    let most = classes(&all).into_iter().max().unwrap();
    assert_eq!((most.1, most.2), (57, 112));
    assert!(most.0 > 19_000, "{most:?}");
    assert_eq!(all.quantile(0.25).unwrap().room, 112);
}

#[test]
fn maps_that_begin_larger_are_not_sized() {
    let hinted = [(14, 30_000), (28, 30_000), (56, 90_000)];
    assert_eq!(sizes("go1.27.3", &hinted, USUAL), Err(NoSizes::BeginLarger));
}

/// Each of 30 maps took one table of the largest size, and two more for each of 115 splits.
#[test]
fn of_maps_with_several_tables_only_their_mean_is_known() {
    let of = |n_largest| {
        let mut all = vec![(14, 60), (28, 60), (56, 60), (112, 60), (224, 60), (448, 30)];
        all.push((896, n_largest));
        sizes("go1.27.3", &all, 1).unwrap()
    };
    let split = of(30 * 231).split().unwrap();
    assert_eq!((split.at_least, split.maps, split.mean_room), (897, 30, Some(116 * 896)));
    assert_eq!(classes(&of(30 * 231)), [(30, 113, 224)]);
    assert_eq!((of(30).split(), of(28).split()), (None, None));
    assert_eq!(of(30 * 231).quantile(0.95), None);
}

#[test]
fn hostile_numbers_are_survived() {
    let alloc = |n| Alloc { alloc_objects: Some(n), alloc_bytes: Some(n), ..Alloc::default() };
    for map_capacity in [None, Some(0), Some(8), Some(14), Some(u64::MAX)] {
        for n in [0, 1, u64::MAX] {
            for block_bytes in [0, 1, u64::MAX] {
                let block = Block { block_bytes, alloc: alloc(n), map_capacity };
                let all = [block, Block { map_capacity: Some(14), ..block }];
                for rate in [0, 1, USUAL, u64::MAX] {
                    for version in ["go1.21.13", "go1.27.3"] {
                        _ = AllocatedSizes::of(map(version), &all, rate).map(|of| of.quantile(0.5));
                    }
                }
            }
        }
    }
}
