//! What was not counted event by event.
#![allow(clippy::unwrap_used)]

use super::*;

use crate::tally::Interner;

fn stack(n: u64) -> Option<Id> {
    let mut stacks = Interner::default();
    (0..=n).filter_map(|addr| stacks.id(addr, 0)).last()
}

/// Shape of an event: stack, precision, n, entries.
fn seen(stack: Option<Id>, precision: u8, n: f64, entries: f64) -> (EventKey, Sum) {
    let map_type = Interner::default().id(0, 0);
    let key = EventKey { map_type, stack, kind: 2, log2_capacity: 4, precision, group: 0 };
    (key, Sum { n, entries })
}

fn events(seen: &[(EventKey, Sum)]) -> Vec<Event> {
    with_stacks(seen.iter().copied())
}

fn totals(events: &[Event]) -> (f64, f64) {
    let sum = |of: fn(&Event) -> f64| events.iter().map(of).sum();
    (sum(|event| event.sum.n), sum(|event| event.sum.entries))
}

#[test]
fn events_counted_one_by_one_and_those_of_windows_stay_as_they_are() {
    let events = events(&[seen(stack(5), 0, 3.0, 42.0), seen(stack(5), 255, 30.0, 420.0)]);
    assert_eq!(totals(&events), (33.0, 462.0));
    let of = |precision| events.iter().find(|event| event.precision == precision).unwrap().sum.n;
    assert_eq!((of(Precision::Exact), of(Precision::Estimated)), (3.0, 30.0));
}

#[test]
fn events_without_stack_are_spread_over_the_sampled_stacks_and_the_sum_is_kept() {
    let events = events(&[
        seen(None, 2, 90.0, 1260.0),
        seen(stack(5), 2, 8.0, 112.0),
        seen(stack(6), 2, 2.0, 28.0),
    ]);
    assert_eq!(totals(&events), (100.0, 1400.0));
    let of = |stack| events.iter().find(|e| e.key.stack == stack).map(|event| event.sum.n);
    assert_eq!((of(stack(5)), of(stack(6)), of(None)), (Some(80.0), Some(20.0), None));
    assert!(events.iter().all(|event| event.precision == Precision::EstimatedSite));
}

#[test]
fn events_without_any_sampled_stack_are_kept_without_one() {
    let events = events(&[seen(None, 2, 90.0, 1260.0)]);
    assert_eq!(totals(&events), (90.0, 1260.0));
    assert_eq!(events[0].key.stack, None);
}

#[test]
fn large_arrays_begin_where_the_runtime_rounds_up_to_pages() {
    // map[int]int: 256 buckets and 16 more of 144 bytes are 39,168 bytes, half of that is small.
    assert_eq!(slots_before_large(144, 0x7ff8), Some(1024));
    // map[string]struct{}: 136 bytes; map[int8]bool: 24.
    assert_eq!(slots_before_large(136, 0x7ff8), Some(1024));
    assert_eq!(slots_before_large(24, 0x7fff), Some(8192));
    // Buckets as large as they come; no map of less than 16 buckets has others to spare.
    assert_eq!(slots_before_large(8 + 8 * 256 + 8, 0x7ff8), Some(64));
}

#[test]
fn the_depth_of_a_split_is_no_capacity() {
    assert_eq!((capacities(GROW_SPLIT, 13), local_depth(13)), ((1024, 2048), 3));
    assert_eq!(capacities(GROW_TABLE, 5), (32, 64));
}
