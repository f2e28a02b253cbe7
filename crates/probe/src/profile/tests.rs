//! Scaling of what was not counted event by event.

use super::*;

/// Shape of an event: kind, stack, precision, n, entries.
fn seen(stack: u64, precision: u8, n: u64, entries: u64) -> (GrowKey, GrowValue) {
    let key =
        GrowKey { map_type: 1, stack, tgid: 7, kind: 2, log2_capacity: 4, precision, padding: 0 };
    (key, GrowValue { n, entries })
}

fn totals(events: &[Event]) -> (f64, f64) {
    let sum = |of: fn(&Event) -> f64| events.iter().map(of).sum();
    (sum(|event| event.n), sum(|event| event.entries))
}

#[test]
fn exact_events_stay_as_they_are() {
    let events = scaled([seen(5, 0, 3, 42)].into_iter(), 17.0);
    assert_eq!(totals(&events), (3.0, 42.0));
    assert_eq!(events[0].precision, Precision::Exact);
}

#[test]
fn events_in_windows_stand_for_those_outside() {
    let events = scaled([seen(5, 255, 3, 42), seen(6, 0, 1, 14)].into_iter(), 10.0);
    assert_eq!(totals(&events), (31.0, 434.0));
    assert!(events.iter().any(|event| event.precision == Precision::Estimated && event.n == 30.0));
}

#[test]
fn events_without_stack_are_spread_over_the_sampled_stacks_and_the_sum_is_kept() {
    let events =
        scaled([seen(0, 2, 90, 1260), seen(5, 2, 8, 112), seen(6, 2, 2, 28)].into_iter(), 1.0);
    assert_eq!(totals(&events), (100.0, 1400.0));
    let of = |stack: u64| events.iter().find(|event| event.key.stack == stack).map(|event| event.n);
    assert_eq!((of(5), of(6), of(0)), (Some(80.0), Some(20.0), None));
    assert!(events.iter().all(|event| event.precision == Precision::EstimatedSite));
}

#[test]
fn events_without_any_sampled_stack_are_kept_without_one() {
    let events = scaled([seen(0, 2, 90, 1260)].into_iter(), 1.0);
    assert_eq!(totals(&events), (90.0, 1260.0));
    assert_eq!(events[0].key.stack, 0);
}
