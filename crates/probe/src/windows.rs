//! What windows of time stand for.
//!
//! 1. A window is open until the threads that grow maps got so far as they get in a fixed time when nothing slows them
//!    down: then it has met each stretch of the program with about the same chance, bursts too, in which most of the time
//!    goes to probes. How much they were slowed down is known by thread, since others run on as fast as before.
//! 2. An event in a window stands for itself and for those in the gaps of the length that was aimed at when the window
//!    was planned: the rarer windows were to be, the more.
//! 3. Probes only hold a program up that has no time to spare: what waits for a clock or for requests catches up in the
//!    time in which it would have waited. In windows it then takes more CPU time than in gaps, by as much as probes took;
//!    one that is held up takes as much as in gaps. So the part of the probes' time by which it was held up is measured,
//!    and events of slowed threads count for more by that part only.
//! 4. Gaps were not exactly as long as was aimed at, and the program did more or less in them. So all that events stand
//!    for in gaps is multiplied by one factor: own CPU time in all gaps, by what the windows say it would have been.
//! 5. Windows are dealt in turn to `GROUPS` groups, which readers compare to tell how far the estimate may be off.

use evidence::sampling::{FEWEST_GROUPS, NORMAL_97, total_range};
use evidence::{self, Bounds};
use goproc::Scheduled;

use crate::governor::{Costs, Interval, TRAP_ERROR};

/// Groups of windows.
pub(crate) const GROUPS: usize = 16;

/// Own CPU time from which on a rate is taken for what a program can do. Units: nanoseconds.
const LONG_ENOUGH_NS: f64 = 1e6;

/// Standard error of the guess that a program which does not run all the time is held up by so much less.
const GUESS_ERROR: f64 = 0.3;
/// Part of its CPU time that a program may take more or less in windows for other reasons than probes.
const LOAD_ERROR: f64 = 0.01;

/// Part of the events whose threads may be without a clock: threads that begin in a window have none, and what they are
/// slowed down by more than is known is lost in what else is not.
const MAX_UNCLOCKED: f64 = 0.03;

/// Standard error of what CPU time says, for each part of the time in which threads wait for a CPU.
const CROWDED_ERROR: f64 = 2.0;

/// Part by which the CPU time of an event may be another in windows than in gaps, for each part of the time in which threads
/// wait for a CPU: others push its data out of the caches. Measured on a program that sleeps, beside compilers.
const CROWDED_SCALE_ERROR: f64 = 0.2;

/// What happened in a window and before it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Window {
    /// The program's own CPU time since the last window. Units: nanoseconds.
    pub(crate) gap_own_ns: f64,
    /// Wall time between windows that was aimed at when this one was planned, for each nanosecond of it.
    pub(crate) aim: f64,
    /// Time in the window that events stand for, what of it the program had for itself, and what probes took of it; the
    /// last is 0 where that is wall time. Units: nanoseconds.
    pub(crate) cpu_ns: f64,
    pub(crate) own_ns: f64,
    pub(crate) probe_ns: f64,
    /// How many times longer the threads of its events took for what they did there, if probes held them up.
    pub(crate) slowed: f64,
    /// Part of the window in which these threads ran.
    pub(crate) running: f64,
    /// Part of its events by threads without a clock, which may have been slowed down by more.
    pub(crate) unclocked: f64,
    /// What traps took, of all that probes took.
    pub(crate) trap_part: f64,
    /// Of all threads, since the window before.
    pub(crate) scheduled: Scheduled,
    /// Of the gap before it, and of the window.
    pub(crate) before: Busy,
    pub(crate) busy: Busy,
    pub(crate) n_events: u64,
}

/// How much of a stretch of time the program ran. Units: nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Busy {
    pub(crate) wall_ns: f64,
    pub(crate) cpu_ns: f64,
    /// The part of `cpu_ns` that probes took.
    pub(crate) probe_ns: f64,
}

impl Busy {
    /// Of a gap, in which what is left of probes is not the program's.
    pub(crate) fn of_gap(gap: &Interval, costs: &Costs) -> Self {
        Self { wall_ns: gap.wall_ns as f64, cpu_ns: gap.own_cpu_ns(costs), probe_ns: 0.0 }
    }

    /// Of a window.
    pub(crate) fn of_window(seen: &Interval, costs: &Costs) -> Self {
        let (wall_ns, cpu_ns) = (seen.wall_ns as f64, seen.cpu_ns as f64);
        Self { wall_ns, cpu_ns, probe_ns: seen.probe_ns(costs) }
    }

    fn add_times(&mut self, factor: f64, other: &Self) {
        self.wall_ns += factor * other.wall_ns;
        self.cpu_ns += factor * other.cpu_ns;
        self.probe_ns += factor * other.probe_ns;
    }
}

/// Events in the gaps that were aimed at, for each that was seen in a window.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Weight {
    pub(crate) aimed: f64,
    /// More of them, if probes held the program up all the time.
    pub(crate) held_up: f64,
}

/// What the weights of all windows are to be multiplied by.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Scale {
    pub(crate) factor: f64,
    /// Part of the probes' time by which the program was held up.
    pub(crate) held_up: f64,
}

impl Window {
    pub(crate) fn weight(&self) -> Weight {
        Weight { aimed: self.aim, held_up: self.aim * (self.slowed - 1.0) }
    }
}

/// Sums over the windows of a recording. Units: nanoseconds of the program's own CPU time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Windows {
    /// Number of windows.
    pub(crate) n: u64,
    /// Events seen in them, and what they stand for in the gaps that were aimed at: with nothing held up, and what comes
    /// on top if all was.
    n_seen: u64,
    n_aimed: f64,
    n_held_up: f64,
    gap_ns: f64,
    /// Time that is none of a gap between windows, and in which nothing was counted: no window says what happened then.
    blind_ns: f64,
    /// By group: in windows, and what was aimed at to be between them, were all as in these.
    own_ns: [f64; GROUPS],
    aimed_ns: [f64; GROUPS],
    /// Squares of what each window adds to it.
    aimed_squares: f64,
    /// The part of `aimed_ns` that probes took.
    probe_ns: f64,
    /// What traps took of what was aimed at.
    trap_ns: f64,
    /// Events aimed at, times by how much they would be more or less, did traps cost more or less.
    n_trapped: f64,
    /// Events aimed at, times the part of their windows in which their threads ran.
    n_running: f64,
    /// How much the program ran: in gaps, and in what was aimed at to be gaps, by group.
    gaps: Busy,
    aimed: [Busy; GROUPS],
    /// How long its threads ran, and waited for a CPU. Units: nanoseconds.
    ran_ns: f64,
    waited_ns: f64,
    /// Events aimed at by threads of which no clock says how much they were slowed down.
    n_unclocked: f64,
    /// Of this recording and of the one before.
    busiest: Busiest,
    busiest_before: Busiest,
    /// Whether the program was also watched outside windows.
    was_watched: bool,
}

/// What bursts that no window met are estimated by.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Busiest {
    /// The longest time that may well be, or was, without a window. Units: nanoseconds.
    longest_ns: f64,
    /// Most events per nanosecond, in any window or while all were counted.
    rate: f64,
    /// Stretches that are too short to say so by themselves: events, and nanoseconds.
    short: (f64, f64),
}

impl Busiest {
    fn or(self, other: Self) -> Self {
        let (longest_ns, rate) = (self.longest_ns.max(other.longest_ns), self.rate.max(other.rate));
        Self { longest_ns, rate, ..self }
    }

    /// A stretch in which all events were counted. Returns whether it, or short ones together, were long enough to say what
    /// the program can do: of a moment that is chance.
    fn see(&mut self, n_events: f64, own_ns: f64) -> bool {
        let (mut n_events, mut own_ns) = (n_events, own_ns);
        if own_ns < LONG_ENOUGH_NS {
            (n_events, own_ns) = (self.short.0 + n_events, self.short.1 + own_ns);
            if own_ns < LONG_ENOUGH_NS {
                self.short = (n_events, own_ns);
                return false;
            }
            self.short = (0.0, 0.0);
        }
        self.rate = self.rate.max(n_events / own_ns);
        true
    }
}

impl Windows {
    /// A stretch in which all events were counted.
    pub(crate) fn see(&mut self, n_events: u64, own_ns: f64) {
        self.was_watched |= self.busiest.see(n_events as f64, own_ns);
    }

    /// Of the next recording of the same program: what it did in this one, it can do again.
    pub(crate) fn next(&self) -> Self {
        let Self { busiest, was_watched, .. } = *self;
        Self { busiest_before: busiest, was_watched, ..Self::default() }
    }

    /// What holds the true number of events in 19 of 20 cases: of those counted one by one, and of what those seen in
    /// each group stand for.
    pub(crate) fn range(&self, exact: f64, groups: &[f64; GROUPS]) -> Bounds {
        let windows = evidence::Windows {
            group_cpu_ns: self.group_cpu_ns().map(|ns| ns as u64).to_vec(),
            scale: self.per_seen().max(1.0),
            scale_error: self.scale_error(),
            unmet: 0.0,
            every_split: false,
            has_no_end: false,
        };
        let range = total_range(exact, groups, &windows);
        let in_bursts = self.with_bursts(groups.iter().sum()) * (1.0 + self.scale_error());
        let in_bursts = (exact + in_bursts).ceil() as u64;
        // Where next to no window met anything, all of it may have been in bursts.
        let n_met = groups.iter().filter(|&&n| n > 0.0).count();
        let is_met = n_met >= FEWEST_GROUPS || range.high.is_some_and(|high| in_bursts <= high);
        // Of few windows the busiest moment is all there is to go by.
        let high = range.high.or(self.was_watched.then_some(0)).map(|high| high.max(in_bursts));
        let is_bounded = self.uncounted_ns() == 0.0 && self.had_clocks() && is_met;
        Bounds { high: high.filter(|_| is_bounded), ..range }
    }

    /// By how much all estimates may be wrong together, since it is not known better what a trap costs, and by how much
    /// probes held the program up, and what an event takes where CPUs are short.
    pub(crate) fn scale_error(&self) -> f64 {
        if !self.had_clocks() {
            return 1.0;
        }
        let (held_up, error) = self.held_up();
        let middle = self.aimed_at(held_up);
        if middle <= 0.0 {
            return 0.0;
        }
        let of_traps = TRAP_ERROR * held_up * self.n_trapped / (self.n_aimed + self.n_held_up);
        let off = |held_up: f64| (self.aimed_at(held_up.clamp(0.0, 1.0)) / middle - 1.0).abs();
        let of_waits = off(held_up - error).max(off(held_up + error));
        // What it caught up with is taken off its CPU time.
        let aimed_ns: f64 = self.aimed_ns.iter().sum();
        let caught_up = (1.0 - held_up) * self.probe_ns;
        let trap_error = TRAP_ERROR * self.trap_part();
        let of_factor = trap_error * caught_up / (aimed_ns - caught_up).max(1.0);
        let of_crowd = CROWDED_SCALE_ERROR * self.crowded();
        of_traps.hypot(of_waits).hypot(of_factor).hypot(of_crowd).min(1.0)
    }

    /// What traps took, of all that probes took.
    fn trap_part(&self) -> f64 {
        let probe_ns: f64 = self.aimed.iter().map(|group| group.probe_ns).sum();
        if probe_ns > 0.0 { self.trap_ns / probe_ns } else { 0.0 }
    }

    /// Part of the probes' time by which the program was held up, and by how much that may be wrong in 19 of 20 cases.
    ///
    /// In windows it takes so much more CPU time than in gaps as probes took and did not hold it up. Where chance makes
    /// that difference, or probes took too little to make one, what counts is whether the threads ran all the time.
    fn held_up(&self) -> (f64, f64) {
        let mut all = Busy::default();
        self.aimed.iter().for_each(|group| all.add_times(1.0, group));
        let running = if self.n_aimed > 0.0 { self.n_running / self.n_aimed } else { 1.0 };
        let guess = (running.clamp(0.0, 1.0), GUESS_ERROR);
        let (value, error) = match self.measured_held_up(&all) {
            Some(measured) => combine(measured, guess),
            None => guess,
        };
        (value.clamp(0.0, 1.0), NORMAL_97 * error)
    }

    /// As `held_up`, with the standard error; `None` when nothing can be said.
    fn measured_held_up(&self, all: &Busy) -> Option<(f64, f64)> {
        let is_in_use = |group: &&Busy| group.wall_ns > 0.0;
        let n_groups = self.aimed.iter().filter(is_in_use).count();
        // Where no CPU time was seen, what is alike in windows and in gaps is that the clock is too coarse.
        let ran = |busy: &Busy| busy.wall_ns > 0.0 && busy.cpu_ns > 0.0;
        if n_groups < FEWEST_GROUPS || all.probe_ns <= 0.0 || !ran(all) || !ran(&self.gaps) {
            return None;
        }
        let load = self.gaps.cpu_ns / self.gaps.wall_ns;
        let caught_up = (all.cpu_ns - load * all.wall_ns) / all.probe_ns;
        let rest = |group: &Busy| group.cpu_ns - load * group.wall_ns - caught_up * group.probe_ns;
        let squares: f64 = self.aimed.iter().map(|group| rest(group).powi(2)).sum();
        let of_chance = (squares * n_groups as f64 / (n_groups - 1) as f64).sqrt();
        let error = of_chance.hypot(LOAD_ERROR * all.cpu_ns) / all.probe_ns;
        let of_traps = TRAP_ERROR / NORMAL_97 * self.trap_part() * caught_up;
        Some((1.0 - caught_up, error.hypot(of_traps).hypot(CROWDED_ERROR * self.crowded())))
    }

    /// Part of the time in which its threads could have run, and waited for a CPU. What one of them takes for its probes
    /// then is what another goes without, and the CPU time of all tells nothing.
    pub(crate) fn crowded(&self) -> f64 {
        let ready_ns = self.ran_ns + self.waited_ns;
        if ready_ns > 0.0 { self.waited_ns / ready_ns } else { 0.0 }
    }

    /// Events in bursts that no window met, for each that was estimated, at most.
    pub(crate) fn unmet(&self) -> f64 {
        let estimate = self.estimate();
        if estimate > 0.0 { self.with_bursts(estimate) / estimate - 1.0 } else { 0.0 }
    }

    /// Whether clocks said how much threads were slowed down, but for a few events; else estimates are too low.
    pub(crate) fn had_clocks(&self) -> bool {
        self.n_unclocked <= MAX_UNCLOCKED * self.n_aimed
    }

    /// Estimated events, and those of bursts that no window met: in the longest time that may well be without a window the
    /// program may have done what it did in its busiest moment.
    fn with_bursts(&self, estimate: f64) -> f64 {
        let busiest = self.busiest.or(self.busiest_before);
        let unmet_ns = busiest.longest_ns.max(self.may_be_unmet_ns()).min(self.gap_ns);
        let cpu_ns = self.gap_ns + self.own_ns();
        let mean_rate = if cpu_ns > 0.0 { estimate / cpu_ns } else { 0.0 };
        estimate + (busiest.rate - mean_rate).max(0.0) * unmet_ns
    }

    /// The longest time that may well be without a window, by how many windows there were of a program that runs at times
    /// only: those in which it hardly ran say nothing of it, and each counts by what it stands for. In 1 of 20 cases none
    /// falls into a time as long as three gaps are in the mean. Source: L. Kish, Survey Sampling, on the size of a sample
    /// that is weighted.
    fn may_be_unmet_ns(&self) -> f64 {
        let aimed_ns: f64 = self.aimed_ns.iter().sum();
        if aimed_ns > 0.0 { 3.0 * self.gap_ns * self.aimed_squares / aimed_ns.powi(2) } else { 0.0 }
    }

    /// Adds a window; returns its group.
    pub(crate) fn add(&mut self, window: &Window) -> u8 {
        let group = (self.n % GROUPS as u64) as u8;
        self.n += 1;
        self.n_seen += window.n_events;
        let (n_events, weight) = (window.n_events as f64, window.weight());
        let n_aimed = n_events * weight.aimed;
        self.n_aimed += n_aimed;
        self.n_held_up += n_events * weight.held_up;
        self.n_running += n_aimed * window.running;
        self.add_gap(window.gap_own_ns, &window.before);
        self.ran_ns += window.scheduled.ran_ns as f64;
        self.waited_ns += window.scheduled.waited_ns as f64;
        self.aimed[usize::from(group)].add_times(window.aim, &window.busy);
        self.probe_ns += window.probe_ns * window.aim;
        self.trap_ns += window.busy.probe_ns * window.trap_part * window.aim;
        let aimed_ns = window.cpu_ns * window.aim;
        self.own_ns[usize::from(group)] += window.own_ns;
        self.aimed_ns[usize::from(group)] += aimed_ns;
        self.aimed_squares += aimed_ns.powi(2);
        self.n_unclocked += n_aimed * window.unclocked;
        self.n_trapped += n_aimed * window.slowed * (window.slowed - 1.0) * window.trap_part;
        // In 1 of 20 cases no window falls into a time as long as three gaps are in the mean.
        self.busiest.longest_ns = self.busiest.longest_ns.max(3.0 * aimed_ns);
        let was_watched = self.was_watched;
        self.see(window.n_events, window.own_ns);
        self.was_watched = was_watched || self.n >= 3;
        group
    }

    /// Adds a window that the end of the program cut short: what was seen stands for itself. Returns a group for it.
    pub(crate) fn add_cut(&mut self, n_events: u64, time_ns: f64) -> u8 {
        self.n_seen += n_events;
        self.gap_ns += time_ns;
        (self.n % GROUPS as u64) as u8
    }

    /// Adds a gap that no window ends.
    pub(crate) fn add_gap(&mut self, own_ns: f64, busy: &Busy) {
        self.gap_ns += own_ns;
        self.gaps.add_times(1.0, busy);
        self.busiest.longest_ns = self.busiest.longest_ns.max(own_ns);
    }

    /// Adds time in which nothing was counted that should have been: what windows say does not hold for it.
    pub(crate) fn add_blind(&mut self, own_ns: f64) {
        self.blind_ns += own_ns;
        self.ensure_uncounted();
    }

    /// Something was not counted, however short a time that was.
    pub(crate) fn ensure_uncounted(&mut self) {
        self.blind_ns = self.blind_ns.max(1.0);
    }

    /// Events seen.
    pub(crate) fn n_seen(&self) -> u64 {
        self.n_seen
    }

    /// In windows.
    pub(crate) fn own_ns(&self) -> f64 {
        self.own_ns.iter().sum()
    }

    /// What weights are to be multiplied by; all 0 when the program did nothing in windows.
    pub(crate) fn scale(&self) -> Scale {
        let (held_up, _) = self.held_up();
        Scale { factor: self.factor(held_up).unwrap_or(0.0), held_up }
    }

    fn factor(&self, held_up: f64) -> Option<f64> {
        let aimed_ns: f64 = self.aimed_ns.iter().sum();
        let aimed_ns = aimed_ns - (1.0 - held_up) * self.probe_ns;
        (aimed_ns > 0.0).then(|| self.gap_ns / aimed_ns)
    }

    /// Events in gaps, were the program held up by this part.
    fn aimed_at(&self, held_up: f64) -> f64 {
        (self.n_aimed + held_up * self.n_held_up) * self.factor(held_up).unwrap_or(0.0)
    }

    /// Events that there were, by estimate.
    pub(crate) fn estimate(&self) -> f64 {
        self.n_seen as f64 + self.aimed_at(self.held_up().0)
    }

    /// Events that an event seen stands for in the mean.
    pub(crate) fn per_seen(&self) -> f64 {
        if self.n_seen > 0 {
            return self.estimate() / self.n_seen as f64;
        }
        // Nothing was seen; one event would have stood for this many.
        let own_ns = self.own_ns();
        if own_ns > 0.0 { 1.0 + self.gap_ns / own_ns } else { 1.0 }
    }

    /// What the windows of each group stand for.
    pub(crate) fn group_cpu_ns(&self) -> [f64; GROUPS] {
        // As all windows together: which group a program waits in is chance.
        let aimed_ns: f64 = self.aimed_ns.iter().sum();
        let factor = if aimed_ns > 0.0 { self.gap_ns / aimed_ns } else { 0.0 };
        std::array::from_fn(|group| self.own_ns[group] + self.aimed_ns[group] * factor)
    }

    /// What no window stands for; more than none where there was a gap, though clocks may be too coarse to say how long the
    /// program ran in it.
    pub(crate) fn uncounted_ns(&self) -> f64 {
        let has_windows = self.aimed_ns.iter().sum::<f64>() > 0.0;
        let least_ns = if self.gaps.wall_ns > 0.0 { 1.0 } else { 0.0 };
        self.blind_ns + if has_windows { 0.0 } else { self.gap_ns.max(least_ns) }
    }
}

/// Two values with their standard errors to one. Of one that has no error, the other changes nothing.
fn combine(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    let (of_a, of_b) = (a.1.powi(2), b.1.powi(2));
    let sum = of_a + of_b;
    if sum > 0.0 { ((a.0 * of_b + b.0 * of_a) / sum, (of_a * of_b / sum).sqrt()) } else { a }
}

#[cfg(test)]
mod tests;
