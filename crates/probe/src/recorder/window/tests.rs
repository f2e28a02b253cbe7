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
