//! How far threads get in a window.
#![allow(clippy::unwrap_used)]

use super::*;

/// 1,000 events whose work takes 5 ms, each with 2 µs of counting and traps of 1 µs.
#[test]
fn how_much_a_thread_is_slowed_down_takes_each_of_its_traps_into_account() {
    let count = ThreadCount { n: 1000, event_ns: 2_000_000, n_paces: 0, since: 0, until: 0 };
    assert!((slow_down(8e6, &count, 1e3) - 8.0 / 5.0).abs() < 1e-9);
    // In a window that measures traps, each event takes two.
    let paced = ThreadCount { n_paces: 1000, ..count };
    assert!((slow_down(9e6, &paced, 1e3) - 9.0 / 5.0).abs() < 1e-9);
    assert!((slow_down(1e6, &count, 1e3) - 1.0 / LEAST_OWN).abs() < 1e-9, "clocks do not fit");
}

/// A thread that is born in the window, and has no clock: 5 µs of its own between events of 3 µs.
#[test]
fn a_thread_without_a_clock_is_taken_to_run_from_its_first_event_to_its_last() {
    let (since, until) = (1_000, 1_000 + 999 * 8_000 + 2_000);
    let count = ThreadCount { n: 1000, event_ns: 2_000_000, n_paces: 0, since, until };
    let slowed = slow_down_between(&count, 1e3).unwrap();
    assert!((slowed - 8.0 / 5.0).abs() < 1e-3, "{slowed}");
    assert_eq!(slow_down_between(&ThreadCount { n: 1, ..count }, 1e3), None);
    let at_once = ThreadCount { until: since, ..count };
    assert_eq!(slow_down_between(&at_once, 1e3), None, "the clock stood still");
    assert_eq!(slow_down_between(&ThreadCount { n: 0, since: 0, until: 0, ..count }, 1e3), None);
}

#[test]
fn threads_count_by_their_events_with_a_clock_or_without() {
    let count = ThreadCount { n: 1000, event_ns: 2_000_000, n_paces: 0, since: 0, until: 0 };
    let with_clock = (count, Some(8e6));
    // One that is born in the window, and grows one map.
    let born = (ThreadCount { n: 1, event_ns: 2_000, since: 5, until: 9, ..count }, None);
    let known = Growing::of([with_clock].into_iter(), 8e6, 1e3);
    let growing = Growing::of([with_clock, born].into_iter(), 8e6, 1e3);
    assert!((growing.slowed - known.slowed).abs() < 1e-3, "{growing:?}");
    assert!((growing.unclocked - 1.0 / 1001.0).abs() < 1e-9, "{growing:?}");
    let alone = Growing::of([born].into_iter(), 8e6, 1e3);
    assert_eq!((alone.slowed, alone.unclocked), (1.0, 1.0));
    let none = Growing::of([].into_iter(), 8e6, 1e3);
    assert_eq!((none.slowed, none.unclocked), (1.0, 0.0));
}
