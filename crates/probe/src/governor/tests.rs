//! The governor against a simulated program, whose true number of events is known.
#![allow(clippy::unwrap_used)]

use super::*;

const COSTS: Costs = Costs { trap_ns: 700.0, event_ns: 1000.0, frame_ns: 80.0 };
/// Units: nanoseconds.
const TICK_NS: f64 = 20e6;

/// A stretch of a program that has `rate` events in each second of its own CPU time.
fn stretch(own_cpu_ns: f64, rate: f64, mode: Mode) -> Interval {
    let n_events = own_cpu_ns * rate / 1e9;
    let n_walked = match mode {
        Mode::SampledStacks { log2 } => n_events / f64::from(1_u32 << log2),
        _ => n_events,
    };
    let n_frames = n_walked * 10.0;
    let event_ns = n_events * (COSTS.event_ns - COSTS.trap_ns) + n_frames * COSTS.frame_ns;
    let interval = Interval {
        cpu_ns: 0,
        n_walked: n_walked as u64,
        n_stackless: (n_events - n_walked) as u64,
        n_frames: n_frames as u64,
        n_ignored: 0,
        event_ns: event_ns as u64,
    };
    Interval { cpu_ns: (own_cpu_ns + interval.probe_ns(&COSTS)) as u64, ..interval }
}

fn settled(budget: f64, rate: f64) -> Mode {
    let mut governor = Governor::new(budget, COSTS, 1);
    for _ in 0..2_000 {
        if governor.mode() != Mode::Windows {
            let interval = stretch(TICK_NS, rate, governor.mode());
            governor.observe(&interval);
        }
    }
    governor.mode()
}

#[test]
fn counts_everything_while_it_fits_the_budget() {
    // 1.8 µs per event: 3 % are 16,667 events a second.
    assert_eq!(settled(0.03, 0.0), Mode::Exact);
    assert_eq!(settled(0.03, 16_000.0), Mode::Exact);
}

#[test]
fn drops_stacks_before_events() {
    assert_eq!(settled(0.03, 18_000.0), Mode::SampledStacks { log2: 1 });
    assert_eq!(settled(0.03, 29_000.0), Mode::SampledStacks { log2: 5 });
}

#[test]
fn counts_in_windows_when_even_events_are_too_many() {
    assert_eq!(settled(0.03, 31_000.0), Mode::Windows);
    assert_eq!(settled(0.03, 500_000.0), Mode::Windows);
}

#[test]
fn a_burst_is_counted_exactly_when_budget_is_left() {
    let mut governor = Governor::new(0.03, COSTS, 1);
    // 20 ms at half a million events a second take 18 ms; the budget of a second is 30 ms.
    let burst = stretch(TICK_NS, 500_000.0, Mode::Exact);
    assert_eq!(governor.observe(&burst), Mode::Exact);
    for _ in 0..60 {
        governor.observe(&stretch(TICK_NS, 0.0, Mode::Exact));
    }
    assert_eq!(governor.observe(&burst), Mode::Exact, "earned again");
    assert_eq!(governor.observe(&burst), Mode::Windows);
}

#[test]
fn never_intervenes_without_a_limit() {
    assert_eq!(settled(1.0, 500_000.0), Mode::Exact);
}

/// Runs the windows of a program whose rate changes with time, and returns estimate, truth and overhead.
fn simulate(
    governor: &mut Governor,
    rate_at: impl Fn(f64) -> f64,
    seconds: f64,
) -> (f64, f64, f64) {
    const STEPS: u32 = 200;
    let (mut time, mut truth, mut probe_ns, mut own_ns) = (0.0, 0.0, 0.0, 0.0);
    governor.observe(&stretch(TICK_NS, 900_000.0, Mode::Exact));
    while time < seconds && governor.mode() == Mode::Windows {
        let gap_ns = governor.gap_cpu_ns();
        let step = gap_ns / 1e9 / f64::from(STEPS);
        truth += (0..STEPS).map(|n| rate_at(time + step * f64::from(n)) * step).sum::<f64>();
        time += gap_ns / 1e9;
        let window = stretch(WINDOW.as_nanos() as f64 * 0.6, rate_at(time), Mode::Windows);
        time += WINDOW.as_secs_f64();
        let around = Interval { n_ignored: window.n_walked / 2, ..Interval::default() };
        let gap_cpu_ns = (gap_ns + around.probe_ns(&COSTS)) as u64;
        let gap = Interval { cpu_ns: gap_cpu_ns, ..around };
        governor.observe_window(&gap, &window);
        truth += window.n_events() as f64;
        probe_ns += gap.probe_ns(&COSTS) + window.probe_ns(&COSTS);
        own_ns += gap.own_cpu_ns(&COSTS) + window.own_cpu_ns(&COSTS);
    }
    (governor.windows().estimate, truth, probe_ns / own_ns)
}

#[test]
fn windows_keep_the_budget_and_estimate_a_steady_program_well() {
    let mut governor = Governor::new(0.03, COSTS, 7);
    let (estimate, truth, overhead) = simulate(&mut governor, |_| 500_000.0, 60.0);
    assert!((estimate / truth - 1.0).abs() < 0.02, "{estimate} of {truth}");
    assert!(overhead < 0.036, "{overhead}");
    let of_traps = TRAP_ERROR * COSTS.trap_ns * 500_000.0 / 1e9;
    let range = governor.windows().relative_range().unwrap();
    assert!((of_traps..of_traps + 0.02).contains(&range), "{range}");
}

#[test]
fn windows_are_not_biased_by_bursts() {
    let mut ratios = Vec::new();
    for seed in 1..=40 {
        let mut governor = Governor::new(0.03, COSTS, seed * 7919);
        let bursts = |time: f64| if (time * 0.9).fract() < 0.3 { 900_000.0 } else { 60_000.0 };
        let (estimate, truth, _) = simulate(&mut governor, bursts, 120.0);
        ratios.push(estimate / truth);
    }
    let mean = ratios.iter().sum::<f64>() / ratios.len() as f64;
    assert!((mean - 1.0).abs() < 0.05, "{mean}: {ratios:?}");
}

#[test]
fn the_gap_at_the_end_counts() {
    let mut governor = Governor::new(0.03, COSTS, 3);
    governor.observe(&stretch(TICK_NS, 900_000.0, Mode::Exact));
    let window = stretch(TICK_NS, 500_000.0, Mode::Windows);
    governor.observe_window(&stretch(0.0, 0.0, Mode::Windows), &window);
    governor.end(&Interval { cpu_ns: 200_000_000, ..Interval::default() });
    let truth = 500_000.0 * 0.22;
    let estimate = governor.windows().estimate;
    assert!((estimate / truth - 1.0).abs() < 0.01, "{estimate} of {truth}");
}

#[test]
fn the_range_needs_three_windows() {
    let mut governor = Governor::new(0.03, COSTS, 3);
    assert_eq!(governor.windows().relative_range(), None);
    assert_eq!(governor.windows().scale(), 1.0);
    governor.observe(&stretch(TICK_NS, 900_000.0, Mode::Exact));
    assert_eq!(governor.mode(), Mode::Windows);
}
