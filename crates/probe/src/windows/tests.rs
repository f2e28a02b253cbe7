//! What windows stand for.
#![allow(clippy::unwrap_used)]

use super::*;

fn window(gap_own_ns: f64, own_ns: f64, n_events: u64) -> Window {
    let (cpu_ns, running) = (own_ns, 1.0);
    Window {
        gap_own_ns,
        aim: 10.0,
        cpu_ns,
        own_ns,
        slowed: 1.0,
        running,
        trap_part: 1.0,
        n_events,
        ..Window::default()
    }
}

#[test]
fn events_stand_for_the_time_around_their_windows() {
    let mut windows = Windows::default();
    assert_eq!(windows.add(&window(90.0, 10.0, 5)), 0);
    assert_eq!(windows.add(&window(80.0, 10.0, 3)), 1);
    windows.add_gap(10.0, &Busy::default());
    // 20 of 200 ns were seen.
    assert_eq!((windows.estimate(), windows.n_seen(), windows.per_seen()), (80.0, 8, 10.0));
    assert_eq!(windows.group_cpu_ns()[..3], [100.0, 100.0, 0.0]);
    assert_eq!((windows.own_ns(), windows.uncounted_ns()), (20.0, 0.0));
    assert_eq!(windows.scale_error(), 0.0, "nothing was slowed down");
}

#[test]
fn a_window_that_was_rarely_to_be_weighs_more() {
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
    // It is taken to have been held up, since its threads ran all the time; that is a guess.
    let of_guess = NORMAL_97 * GUESS_ERROR * 2.0 / 3.0;
    assert_eq!(windows.scale_error(), (TRAP_ERROR * 2.0 * 0.5).hypot(of_guess));
}

/// Windows of a program with a thread that grows maps for 30 % of the time, and another that always runs.
fn beside_a_busy_thread(held_up: f64) -> Windows {
    let mut windows = Windows::default();
    for nth in 0..64 {
        // Of 10 ms, probes take 4; by so much of that, the program takes more CPU time than in gaps.
        let chance = f64::from(nth % 7 - 3) * 1e4;
        let busy =
            Busy { wall_ns: 1e7, cpu_ns: 1.3e7 + (1.0 - held_up) * 4e6 + chance, probe_ns: 4e6 };
        let before = Busy { wall_ns: 1e8, cpu_ns: 1.3e8, probe_ns: 0.0 };
        windows.add(&Window {
            gap_own_ns: before.cpu_ns,
            cpu_ns: busy.cpu_ns,
            own_ns: busy.cpu_ns - busy.probe_ns,
            probe_ns: busy.probe_ns,
            slowed: 7.0 / 3.0,
            running: 0.7,
            trap_part: 0.5,
            before,
            busy,
            ..window(0.0, 0.0, 1_000)
        });
    }
    windows
}

#[test]
fn what_a_program_catches_up_with_does_not_hold_it_up() {
    let n_seen = 64_000.0;
    for (held_up, per_seen) in [(0.0, 11.0), (1.0, 1.0 + 10.0 * 7.0 / 3.0)] {
        let windows = beside_a_busy_thread(held_up);
        let estimate = windows.estimate() / n_seen;
        let is_off = (estimate / per_seen - 1.0).abs();
        assert!(is_off < 0.1, "{held_up}: {estimate} for {per_seen}");
        assert!(is_off < windows.scale_error(), "{held_up}: {}", windows.scale_error());
        assert!(windows.scale_error() < 0.3, "{held_up}: {}", windows.scale_error());
    }
}

/// Of processes that come and go, CPU time is told by samples, of which short recordings have none.
#[test]
fn where_no_cpu_time_was_seen_counts_are_counts() {
    let mut windows = Windows::default();
    for _ in 0..4 {
        let before = Busy { wall_ns: 1e8, ..Busy::default() };
        let busy = Busy { wall_ns: 1e7, cpu_ns: 0.0, probe_ns: 4e6 };
        windows.add(&Window { slowed: 2.0, before, busy, ..window(1e8, 1e7, 10) });
    }
    let Scale { factor, held_up } = windows.scale();
    assert!(factor > 0.0 && (0.0..=1.0).contains(&held_up), "{factor}, {held_up}");
    assert_eq!(windows.estimate(), 40.0 + 40.0 * 2.0 * 10.0);
}

#[test]
fn of_two_values_the_one_without_error_counts() {
    assert_eq!(combine((1.0, 0.0), (2.0, 0.5)), (1.0, 0.0));
    assert_eq!(combine((1.0, 0.0), (2.0, 0.0)), (1.0, 0.0));
    let (value, error) = combine((1.0, 0.5), (2.0, 0.5));
    assert!((value - 1.5).abs() < 1e-9 && (error - 0.5 / 2_f64.sqrt()).abs() < 1e-9);
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
    windows.add_gap(300.0, &Busy::default());
    assert_eq!((windows.n, windows.uncounted_ns(), windows.per_seen()), (0, 300.0, 1.0));
    windows.add(&window(0.0, 0.0, 0));
    assert_eq!((windows.n, windows.uncounted_ns(), windows.estimate()), (1, 300.0, 0.0));
}

/// The clocks of processes go on in ticks.
#[test]
fn a_gap_in_which_no_clock_went_on_was_not_counted_all_the_same() {
    let busy = Busy { wall_ns: 5.0, ..Busy::default() };
    let mut windows = Windows::default();
    assert_eq!(windows.uncounted_ns(), 0.0);
    windows.add_gap(0.0, &busy);
    assert!(windows.uncounted_ns() > 0.0);
    windows.add(&window(90.0, 10.0, 5));
    assert_eq!(windows.uncounted_ns(), 0.0, "the window stands for it");
}

#[test]
fn a_burst_widens_the_ranges_of_its_recording_and_of_the_next() {
    let high = |windows: &Windows| windows.range(0.0, &[10.0; GROUPS]).high.unwrap();
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
    let mut one = windows;
    one.add(&Window { unclocked: 1.0, ..window(9e6, 1e6, 10) });
    assert!(one.had_clocks(), "no window decides by itself");
    assert!(one.range(0.0, &groups).high.is_some());
    // Threads that begin in each window, and have most of its events.
    windows.add(&Window { unclocked: 0.6, ..window(9e6, 1e6, 1000) });
    assert_eq!(windows.range(0.0, &groups).high, None);
    assert!(!windows.had_clocks() && windows.next().had_clocks());
}

/// An hour in which the recorder was stopped, beside windows.
#[test]
fn windows_say_nothing_of_time_in_which_nothing_could_be_counted() {
    let mut windows = Windows::default();
    for _ in 0..GROUPS {
        windows.add(&window(9e6, 1e6, 100));
    }
    let groups = [1000.0; GROUPS];
    let (estimate, before) = (windows.estimate(), windows.range(0.0, &groups));
    windows.add_blind(3600e9);
    windows.add(&window(0.0, 1e6, 100));
    assert_eq!(windows.estimate(), estimate + 100.0, "it is not scaled up by what windows met");
    let range = windows.range(0.0, &groups);
    assert_eq!((range.high, windows.uncounted_ns()), (None, 3600e9));
    assert!(before.high.is_some() && range.low <= before.low, "{range:?}, {before:?}");
    let mut moment = Windows::default();
    moment.ensure_uncounted();
    assert!(moment.uncounted_ns() > 0.0);
}

#[test]
fn a_gap_that_became_long_widens_the_range() {
    let high = |last: &Window| {
        let mut windows = Windows::default();
        windows.see(1_000_000, LONG_ENOUGH_NS);
        for _ in 0..GROUPS {
            windows.add(&window(9e6, 1e6, 100));
        }
        windows.add(last);
        windows.range(0.0, &[1000.0; GROUPS]).high.unwrap()
    };
    let [as_aimed, longer] = [10e6, 90e6].map(|gap_ns| high(&window(gap_ns, 1e6, 100)));
    assert!(longer > as_aimed + 50_000_000, "{as_aimed}, {longer}");
}

/// Where CPUs are scarce, the CPU time of all threads together is as in gaps, whether one catches up or not.
#[test]
fn a_range_holds_both_where_threads_wait_for_cpus() {
    let mut windows = Windows::default();
    for _ in 0..64 {
        let busy = Busy { wall_ns: 1e7, cpu_ns: 1e7, probe_ns: 4e6 };
        windows.add(&Window {
            probe_ns: 4e6,
            slowed: 7.0 / 3.0,
            running: 0.5,
            scheduled: Scheduled { ran_ns: 1, waited_ns: 1 },
            before: Busy { wall_ns: 1e8, cpu_ns: 1e8, probe_ns: 0.0 },
            busy,
            ..window(1e8, 1e7, 1_000)
        });
    }
    let range = windows.estimate() * windows.scale_error();
    let range = windows.estimate() - range..windows.estimate() + range;
    assert!(range.contains(&(64_000.0 * 11.0 * 1e7 / 6e6)), "{range:?}: caught up");
    assert!(range.contains(&(64_000.0 * (1.0 + 10.0 * 7.0 / 3.0))), "{range:?}: held up");
}

#[test]
fn ranges_are_wider_the_longer_threads_wait_for_cpus() {
    let error = |waited_ns: u64| {
        let mut windows = Windows::default();
        for _ in 0..64 {
            let scheduled = Scheduled { ran_ns: 100 - waited_ns, waited_ns };
            windows.add(&Window { scheduled, ..window(1e8, 1e7, 1_000) });
        }
        windows.scale_error()
    };
    assert_eq!(error(0), 0.0);
    assert!((error(80) - 0.16).abs() < 1e-9, "{}", error(80));
}

/// A program that runs for less than a millisecond at a time: many such moments together say what it can do.
#[test]
fn short_moments_together_are_the_busiest() {
    let mut windows = Windows::default();
    for _ in 0..9 {
        windows.see(100, LONG_ENOUGH_NS / 10.0);
    }
    assert_eq!((windows.busiest.rate, windows.was_watched), (0.0, false));
    windows.see(100, LONG_ENOUGH_NS / 10.0);
    assert!((windows.busiest.rate - 1000.0 / LONG_ENOUGH_NS).abs() < 1e-9 && windows.was_watched);
    windows.see(1000, LONG_ENOUGH_NS / 2.0);
    assert!((windows.busiest.rate - 1000.0 / LONG_ENOUGH_NS).abs() < 1e-9, "it begins anew");
}

/// In one of six windows the program ran, and grew a map; before, it was seen to grow many.
#[test]
fn an_event_in_a_window_does_not_say_that_there_were_no_bursts() {
    for n_events in [0, 1] {
        let mut windows = Windows::default();
        windows.see(1000, LONG_ENOUGH_NS);
        let mut groups = [0.0; GROUPS];
        for nth in 0..6 {
            let own_ns = if nth == 0 { 1e5 } else { 1e3 };
            windows.add(&window(1e7, own_ns, if nth == 0 { n_events } else { 0 }));
        }
        groups[0] = windows.estimate();
        assert_eq!(windows.range(8000.0, &groups).high, None, "{n_events}");
        let all = windows.with_bursts(0.0);
        assert!(all > 0.9 * 6e7 * 1000.0 / LONG_ENOUGH_NS, "{all}: nothing of the gaps is known");
    }
}
