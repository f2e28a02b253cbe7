//! What windows stand for.
#![allow(clippy::unwrap_used)]

use super::*;

fn window(gap_own_ns: f64, own_ns: f64, n_events: u64) -> Window {
    let (aim, cpu_ns, slowed, is_slowed_known, trap_part) = (10.0, own_ns, 1.0, true, 1.0);
    Window { gap_own_ns, aim, cpu_ns, own_ns, slowed, is_slowed_known, trap_part, n_events }
}

#[test]
fn events_stand_for_the_time_around_their_windows() {
    let mut windows = Windows::default();
    assert_eq!(windows.add(&window(90.0, 10.0, 5)), 0);
    assert_eq!(windows.add(&window(80.0, 10.0, 3)), 1);
    windows.add_gap(10.0);
    // 20 of 200 ns were seen.
    assert_eq!((windows.estimate(), windows.n_seen(), windows.scale()), (80.0, 8, 10.0));
    assert_eq!(windows.group_cpu_ns()[..3], [100.0, 100.0, 0.0]);
    assert_eq!((windows.own_ns(), windows.uncounted_ns()), (20.0, 0.0));
    assert_eq!(windows.scale_error(), 0.0, "nothing was slowed down");
}

#[test]
fn a_window_that_was_seldom_to_be_weighs_more() {
    let mut windows = Windows::default();
    windows.add(&Window { aim: 30.0, ..window(100.0, 10.0, 2) });
    windows.add(&window(100.0, 10.0, 0));
    // Of 200 ns in gaps, the first stands for 30 parts of 40.
    assert_eq!(windows.estimate(), 2.0 + 2.0 * 150.0 / 10.0);
}

#[test]
fn events_of_threads_that_probes_slow_down_count_for_more() {
    let mut windows = Windows::default();
    // One thread grows maps and has a third of its time for itself, another does other things.
    let slowed = Window { cpu_ns: 20.0, slowed: 3.0, trap_part: 0.5, ..window(180.0, 12.0, 2) };
    windows.add(&slowed);
    assert_eq!(windows.estimate(), 2.0 + 2.0 * 3.0 * 180.0 / 20.0);
    assert_eq!(windows.scale_error(), TRAP_ERROR * 2.0 * 0.5);
}

#[test]
fn a_window_in_which_the_program_rests_does_not_weigh() {
    let mut windows = Windows::default();
    windows.add(&window(95.0, 5.0, 10));
    windows.add(&window(100.0, 0.0, 0));
    assert_eq!((windows.estimate(), windows.group_cpu_ns()[1]), (400.0, 0.0));
}

#[test]
fn time_that_no_window_stands_for_is_said() {
    let mut windows = Windows::default();
    windows.add_gap(300.0);
    assert_eq!((windows.n, windows.uncounted_ns(), windows.scale()), (0, 300.0, 1.0));
    windows.add(&window(0.0, 0.0, 0));
    assert_eq!((windows.n, windows.uncounted_ns(), windows.estimate()), (1, 300.0, 0.0));
}

#[test]
fn a_burst_widens_the_ranges_of_its_recording_and_of_the_next() {
    let high = |windows: &Windows| windows.range(0.0, &[0.0; GROUPS]).high.unwrap();
    let mut windows = Windows::default();
    windows.see(1_000_000, LONG_ENOUGH_NS);
    let mut highs = Vec::new();
    for _ in 0..3 {
        for _ in 0..GROUPS {
            windows.add(&window(9e6, 1e6, 1));
        }
        highs.push(high(&windows));
        windows = windows.next();
    }
    assert_eq!(highs[0], highs[1]);
    assert!(highs[2] < highs[1] / 100, "{highs:?}");
}

#[test]
fn without_clocks_an_estimate_is_a_lower_bound() {
    let mut windows = Windows::default();
    for _ in 0..GROUPS {
        windows.add(&window(9e6, 1e6, 100));
    }
    let groups = [1000.0; GROUPS];
    assert!(windows.range(0.0, &groups).high.is_some() && windows.had_clocks());
    windows.add(&Window { is_slowed_known: false, ..window(9e6, 1e6, 100) });
    assert_eq!(windows.range(0.0, &groups).high, None);
    assert!(!windows.had_clocks() && windows.next().had_clocks());
}
