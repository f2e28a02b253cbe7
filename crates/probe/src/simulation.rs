//! A program with a known number of events, recorded as `recorder` does it: what the governor costs, and how far
//! estimates are off.

use goproc::Scheduled;

use crate::governor::{Costs, Governor, Interval, Mode, SLOWEST};
use crate::record_layout::GrowValue;
use crate::tally::Counted;
use crate::windows::{Busy, GROUPS, Window, Windows};

pub(crate) const COSTS: Costs = Costs { trap_ns: 700.0, event_ns: 1000.0, frame_ns: 80.0 };
/// Frames of every stack.
pub(crate) const DEPTH: f64 = 10.0;
/// Units: nanoseconds of the program's own CPU time.
const STEP_NS: f64 = 100e3;
/// Attaching, which does not slow the program down. Units: nanoseconds.
const ATTACH_NS: f64 = 10e6;

/// How late a program that waits for a clock may be before it is held up. Units: nanoseconds.
const MAX_LATE_NS: f64 = 2e6;

/// Events per second that the program gets on, by that time in seconds.
pub(crate) type Rate<'r> = dyn Fn(f64) -> f64 + 'r;

/// How a program that runs on one CPU spends its time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Part of the time that its own work takes; it waits for a clock or for requests for the rest, and catches up then.
    pub(crate) busy: f64,
    /// Other threads that run all the time and grow no maps.
    pub(crate) beside: f64,
    /// Whether it does nothing while it grows no maps.
    pub(crate) rests: bool,
}

pub(crate) const ALWAYS_BUSY: Shape = Shape { busy: 1.0, beside: 0.0, rests: false };

struct Program<'r> {
    rate: &'r Rate<'r>,
    shape: Shape,
    /// What a trap really costs, of what is believed.
    trap_factor: f64,
    /// Time that it would have got so far in without probes. Units: nanoseconds.
    own_ns: f64,
    /// What it has not caught up with. Units: nanoseconds.
    late_ns: f64,
    until_ns: f64,
    n_events: u64,
    random: u64,
}

/// What came of a recording.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) truth: u64,
    /// Counted one by one.
    pub(crate) exact: f64,
    /// Estimated, by group of windows.
    pub(crate) groups: [f64; GROUPS],
    pub(crate) windows: Windows,
    /// What probes took of the program's own CPU time.
    pub(crate) overhead: f64,
}

impl Outcome {
    /// Whether the range holds the truth.
    pub(crate) fn holds(&self) -> bool {
        let range = self.windows.range(self.exact, &self.groups);
        range.low <= self.truth && range.high.is_none_or(|high| self.truth <= high)
    }

    /// Of the range, relative to the truth; `None` where it has no upper end.
    pub(crate) fn width(&self) -> Option<f64> {
        let range = self.windows.range(self.exact, &self.groups);
        Some((range.high? - range.low) as f64 / self.truth as f64)
    }

    pub(crate) fn estimate(&self) -> f64 {
        self.exact + self.groups.iter().sum::<f64>()
    }
}

/// Records a program for `seconds` of its own CPU time.
pub(crate) fn record(
    (rate, shape): (&Rate<'_>, Shape),
    seconds: f64,
    budget: f64,
    trap_factor: f64,
    seed: u64,
) -> Outcome {
    let random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let load = shape.busy + shape.beside;
    let until_ns = seconds * 1e9 / load;
    let (own_ns, late_ns, n_events) = (0.0, 0.0, 0);
    let mut program =
        Program { rate, shape, trap_factor, own_ns, late_ns, until_ns, n_events, random };
    let mut governor = Governor::new(budget, COSTS, random ^ 0x5DEE_CE66_D1CE_4E5B);
    let mut seen_in_groups = [Counted::default(); GROUPS];
    let mut outcome = Outcome::default();
    let (mut probe_ns, mut wall_ns, mut waited_ns, mut reconsider_ns) = (0.0, 0.0, 0.0, 0.0);
    let mut planned = None;
    let believed = |interval: &Interval| interval.probe_ns(&COSTS);
    while program.goes_on() {
        if governor.mode() != Mode::Windows {
            let interval = program.run(governor.tick().as_nanos() as f64, Some(governor.mode()));
            probe_ns += believed(&interval);
            outcome.exact += (interval.n_walked + interval.n_stackless) as f64;
            outcome.windows.see(interval.n_events(), interval.own_cpu_ns(&COSTS));
            governor.observe(&interval);
            (planned, waited_ns, wall_ns) = (None, 0.0, 0.0);
            reconsider_ns = governor.time_to_reconsider().as_nanos() as f64;
            continue;
        }
        // Where windows stay the mode, so does the plan.
        let plan = *planned.get_or_insert_with(|| governor.plan());
        let gap_ns = (plan.gap.as_nanos() as f64).max(ATTACH_NS) - waited_ns;
        let until_reconsidered = reconsider_ns - wall_ns;
        let gap = program.run(gap_ns.min(until_reconsidered), None);
        wall_ns += gap.wall_ns as f64;
        if !program.goes_on() || gap_ns > until_reconsidered {
            waited_ns += gap.wall_ns as f64;
            governor.observe_gap(&gap);
            outcome.windows.add_gap(gap.own_cpu_ns(&COSTS), &Busy::of_gap(&gap, &COSTS));
            governor.reconsider();
            reconsider_ns = wall_ns + governor.time_to_reconsider().as_nanos() as f64;
            continue;
        }
        (planned, waited_ns) = (None, 0.0);
        let length_ns = plan.length.as_nanos() as f64;
        let longest_ns = length_ns * f64::from(SLOWEST);
        let slowed = |seen: &Interval| {
            let thread_ns = seen.cpu_ns as f64 - shape.beside * seen.wall_ns as f64;
            thread_ns / (thread_ns - believed(seen)).max(0.05 * thread_ns)
        };
        let seen = program.run_until(Some(Mode::Windows), |seen| {
            let wall_ns = seen.wall_ns as f64;
            wall_ns >= length_ns * slowed(seen) || wall_ns >= longest_ns
        });
        wall_ns += seen.wall_ns as f64;
        probe_ns += believed(&seen);
        let slowed = slowed(&seen);
        governor.observe_window(&gap, &seen, seen.wall_ns as f64 / slowed);
        let running = seen.cpu_ns as f64 / seen.wall_ns as f64 - shape.beside;
        let window = Window {
            gap_own_ns: gap.own_cpu_ns(&COSTS),
            aim: plan.mean_gap.as_nanos() as f64 / seen.wall_ns as f64,
            cpu_ns: seen.cpu_ns as f64,
            unclocked: 0.0,
            own_ns: seen.own_cpu_ns(&COSTS),
            probe_ns: seen.cpu_ns as f64 - seen.own_cpu_ns(&COSTS),
            slowed,
            running,
            trap_part: seen.trap_ns(&COSTS) / seen.probe_ns(&COSTS).max(1.0),
            scheduled: Scheduled::default(),
            before: Busy::of_gap(&gap, &COSTS),
            busy: Busy::of_window(&seen, &COSTS),
            n_events: seen.n_walked,
        };
        let group = usize::from(outcome.windows.add(&window));
        let value = GrowValue { n: seen.n_walked, entries: 0 };
        seen_in_groups[group].add(&value, window.weight());
    }
    let scale = outcome.windows.scale();
    outcome.groups = seen_in_groups.map(|counted| counted.estimate(scale).n);
    outcome.truth = program.n_events;
    outcome.overhead = probe_ns / (load * program.own_ns);
    outcome
}

impl Program<'_> {
    fn goes_on(&self) -> bool {
        self.own_ns < self.until_ns
    }

    /// Lets it run for a wall time, probed or not.
    fn run(&mut self, wall_ns: f64, mode: Option<Mode>) -> Interval {
        self.run_until(mode, |interval| interval.wall_ns as f64 >= wall_ns)
    }

    fn run_until(&mut self, mode: Option<Mode>, is_far: impl Fn(&Interval) -> bool) -> Interval {
        let mut interval = Interval::default();
        while !is_far(&interval) && self.goes_on() {
            let rate = (self.rate)(self.own_ns / 1e9);
            let n = self.poisson(rate * STEP_NS / 1e9);
            let busy = if self.shape.rests && rate == 0.0 { 0.0 } else { self.shape.busy };
            self.own_ns += STEP_NS;
            self.n_events += n;
            let n_walked = match mode {
                None => 0,
                Some(Mode::SampledStacks { log2 }) => n >> log2,
                Some(Mode::Exact | Mode::Windows) => n,
            };
            let n_seen = if mode.is_some() { n } else { 0 };
            let frames = n_walked as f64 * DEPTH;
            let counting_ns =
                n_seen as f64 * (COSTS.event_ns - COSTS.trap_ns) + frames * COSTS.frame_ns;
            interval.n_walked += n_walked;
            interval.n_stackless += n_seen - n_walked;
            interval.n_frames += frames as u64;
            interval.event_ns += counting_ns as u64;
            let probes_ns = counting_ns + n_seen as f64 * COSTS.trap_ns * self.trap_factor;
            let (wall_ns, thread_ns) = self.work(busy * STEP_NS + probes_ns);
            interval.cpu_ns += (thread_ns + self.shape.beside * wall_ns) as u64;
            interval.wall_ns += wall_ns as u64;
        }
        interval
    }

    /// Does so much in a step, and what was left of those before. Returns the wall time that the step takes, and the CPU
    /// time.
    fn work(&mut self, work_ns: f64) -> (f64, f64) {
        let rest_ns = (work_ns + self.late_ns - STEP_NS).max(0.0);
        let thread_ns = work_ns + self.late_ns - rest_ns;
        // Who always has something to do is late for good, and so is who is late by too much.
        let may_be_late_ns = if self.shape.busy < 1.0 { MAX_LATE_NS } else { 0.0 };
        self.late_ns = rest_ns.min(may_be_late_ns);
        let longer_ns = rest_ns - self.late_ns;
        (STEP_NS + longer_ns, thread_ns + longer_ns)
    }

    /// A number of events of this mean.
    fn poisson(&mut self, mean: f64) -> u64 {
        if mean > 30.0 {
            let sum: f64 = (0..12).map(|_| self.random()).sum();
            return (mean + (sum - 6.0) * mean.sqrt()).max(0.0).round() as u64;
        }
        let (mut n, mut product, limit) = (0, self.random(), (-mean).exp());
        while product > limit {
            n += 1;
            product *= self.random();
        }
        n
    }

    /// From 0 to 1. Source: xorshift64*, Vigna 2016.
    fn random(&mut self) -> f64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        (self.random.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1_u64 << 53) as f64
    }
}
