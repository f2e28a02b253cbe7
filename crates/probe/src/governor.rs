//! Keeps what probes cost within a budget.
//!
//! The budget is a fraction of the program's own CPU time. What is not spent is kept for bursts, up to that of one
//! second. A recording begins with a part of it, which is earned later by the end of the second second. Three ways of
//! counting, the first that fits is used:
//!
//! 1. *Exact*: every event with its stack.
//! 2. *Sampled stacks*: every event, but a stack for one in 2^n of them. Counts per type stay exact, those per site
//!    are estimated.
//! 3. *Windows*: probes are in place for short windows at random gaps (`windows` says what an event in one stands for).
//!    Gaps are of wall time, so that windows do not follow what the program does, and depend on all earlier windows
//!    together: if they depended on the last one, they would meet bursts too rarely, and the estimate would be too
//!    low. Whether they are still needed is asked at times that do not depend on them either.

use std::time::Duration;

/// What is to be expected of probes. Units: nanoseconds of the program's time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Costs {
    /// Of a hit, what is not spent counting.
    pub(crate) trap_ns: f64,
    /// An event without stack, its trap included.
    pub(crate) event_ns: f64,
    /// Each frame of a stack.
    pub(crate) frame_ns: f64,
}

/// What happened in a stretch of time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Interval {
    /// Units: nanoseconds.
    pub(crate) wall_ns: u64,
    /// CPU time of the program. Units: nanoseconds.
    pub(crate) cpu_ns: u64,
    /// Events with a stack.
    pub(crate) n_walked: u64,
    /// Events without.
    pub(crate) n_stackless: u64,
    /// Frames of all stacks.
    pub(crate) n_frames: u64,
    /// Hits that were not counted.
    pub(crate) n_ignored: u64,
    /// Those of a probe that stands all the time and meets other things than events.
    pub(crate) n_passed: u64,
    /// Events of that probe.
    pub(crate) n_standing: u64,
    /// Of `event_ns`: at that probe.
    pub(crate) standing_ns: u64,
    /// Time that counting the events took, measured; the traps that lead there come on top. Units: nanoseconds.
    pub(crate) event_ns: u64,
}

/// How to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Every event with its stack.
    Exact,
    /// Every event, with a stack for one in 2^n.
    SampledStacks { log2: u8 },
    /// Events in windows only.
    Windows,
}

impl Mode {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::SampledStacks { .. } => "sampled stacks",
            Self::Windows => "windows",
        }
    }
}

/// How often counters are looked at outside windows, and in a burst: what it costs is known only then.
const TICK: Duration = Duration::from_millis(10);
const TICK_IN_BURST: Duration = Duration::from_millis(5);
/// Shortest and longest window, by how far the program gets in it. Short ones meet more of a program that changes; probes
/// need some ten milliseconds to come, so that windows shorter than that cannot be had much more often. Units: nanoseconds.
const WINDOW_NS: std::ops::RangeInclusive<f64> = 3e6..=10e6;
/// No window lasts longer than this many times what it would without probes.
pub(crate) const SLOWEST: u32 = 8;
/// Shortest mean gap between windows. Units: nanoseconds.
const CYCLE_NS: f64 = 50e6;
/// Longest gap between windows. Units: nanoseconds.
const MAX_GAP_NS: f64 = 2e9;
/// How long windows are the mode before that is reconsidered.
const RECONSIDER: Duration = Duration::from_secs(1);
/// Fewest stacks: one in 2^10.
const MAX_LOG2: u8 = 10;
/// By how much a trap costs more than what lies between two probes: it also pushes the program's data out of caches.
/// Measured on programs that know how often they grow maps (`bench/record-truth sizes`).
pub(crate) const TRAP_FACTOR: f64 = 1.5;
/// By how much a trap may cost more or less than is believed.
pub(crate) const TRAP_ERROR: f64 = 0.35;
/// Traps that it takes where the kernel does not emulate the instruction under the probe: it runs it elsewhere, and comes
/// back.
const OUT_OF_LINE: f64 = 2.0;
/// Traps of which the mean says something.
const ENOUGH_TRAPS: f64 = 50.0;
/// Those that it is of: what a trap cost long before says little of now.
const LATEST_TRAPS: f64 = 5000.0;
/// Time whose budget may be spent ahead. Units: nanoseconds of the program's own CPU time.
const CREDIT_NS: f64 = 1e9;
/// A recording keeps its budget from this time on, what it spent at the start included. Units: as above.
pub(crate) const SETTLED_NS: f64 = 2e9;
/// Part of that budget that a recording begins with, and that is earned until then. The rest is for what cannot be
/// foreseen.
const GIVEN_AT_START: f64 = 0.33;
const EARNED_AT_START: f64 = 0.6;
/// Time over which windows pay back what was overspent, or spend what is left; half of it at the start. Units: as above.
const BALANCE_NS: f64 = 3e9;
/// Part of the budget that hits may cost in windows. The rest is for what no recording sees. With a budget of 20 %, at
/// which there were 14 windows a second, a growth loop paid 9 ± 6 % from outside beside its hits and an HTTP service 4 ± 3 %;
/// without a limit, where probes stay, nothing that stands out of the noise (`bench/record-budget`). Page faults take 1 %
/// more of the loop; what the rest is made of is not known.
pub(crate) const FOR_HITS: f64 = 0.65;
/// Part of the budget up to which a more exact mode is taken up again.
const RETURN_BELOW: f64 = 0.7;
/// Weight of the latest interval in running means.
const WEIGHT: f64 = 0.3;
/// Weight of the latest window in the length of the gaps. Small: gaps that follow the program's bursts meet them too
/// rarely.
const GAP_WEIGHT: f64 = 0.03;
/// Windows that what was seen before the first one weighs as much as.
const PRIOR_WINDOWS: u64 = 4;

impl Interval {
    pub(crate) fn n_events(&self) -> u64 {
        self.n_walked.saturating_add(self.n_stackless)
    }

    /// Time that probes took. Units: nanoseconds.
    pub(crate) fn probe_ns(&self, costs: &Costs) -> f64 {
        let n_traps = self.n_events().saturating_add(self.n_ignored);
        n_traps as f64 * costs.trap_ns + self.passed_ns(costs) + self.event_ns as f64
    }

    /// Getting to a probe where it only turns out that it meets no event, and back. Units: nanoseconds.
    pub(crate) fn passed_ns(&self, costs: &Costs) -> f64 {
        self.n_passed as f64 * costs.trap_ns * OUT_OF_LINE
    }

    /// What the probe that stands all the time took. Units: nanoseconds.
    pub(crate) fn standing_ns(&self, costs: &Costs) -> f64 {
        self.n_standing as f64 * costs.trap_ns + self.passed_ns(costs) + self.standing_ns as f64
    }

    /// What getting to the probes of its events and back took. Units: nanoseconds.
    pub(crate) fn trap_ns(&self, costs: &Costs) -> f64 {
        self.n_events() as f64 * costs.trap_ns
    }

    /// CPU time of the program without its probes. Units: nanoseconds.
    pub(crate) fn own_cpu_ns(&self, costs: &Costs) -> f64 {
        // What a trap costs is measured elsewhere and cannot be right to the last percent.
        (self.cpu_ns as f64 - self.probe_ns(costs)).max(self.cpu_ns as f64 * 0.05)
    }
}

/// When a window is to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Plan {
    /// Wall time from the end of the last window, or of a more exact mode, to its begin.
    pub(crate) gap: Duration,
    /// How far the program is to get in it: the wall time that it takes for that without probes.
    pub(crate) length: Duration,
    /// Mean of the gaps that were aimed at.
    pub(crate) mean_gap: Duration,
}

/// Chooses the mode, and when windows are.
#[derive(Debug)]
pub(crate) struct Governor {
    /// Fraction of the program's own CPU time.
    budget: f64,
    costs: Costs,
    /// Traps measured in the program: the sum of what they took, and their number; older ones weigh less. Units:
    /// nanoseconds.
    traps: (f64, f64),
    mode: Mode,
    /// Budget that is not spent; negative when too much was, up to that of the time in which windows pay it back. Units:
    /// nanoseconds.
    credit_ns: f64,
    /// The program's own CPU time so far. Units: nanoseconds.
    own_ns: f64,
    /// Running mean of events per nanosecond of own CPU time.
    rate: Option<f64>,
    /// Running mean of frames per stack.
    depth: f64,
    /// Running mean of CPU time per wall time.
    speed: Option<f64>,
    /// Running mean of the probes' time per nanosecond of a window's length, attaching and detaching included.
    window_cost: Option<f64>,
    /// What probes took of the latest interval, as a part of own CPU time.
    latest_cost: f64,
    /// Windows so far, and since windows were last the mode.
    n_windows: u64,
    n_in_phase: u64,
    random: u64,
}

impl Governor {
    pub(crate) fn new(budget: f64, costs: Costs, seed: u64) -> Self {
        Self {
            budget,
            costs,
            traps: (0.0, 0.0),
            mode: Mode::Exact,
            credit_ns: budget * SETTLED_NS * GIVEN_AT_START,
            own_ns: 0.0,
            rate: None,
            depth: 10.0,
            speed: None,
            window_cost: None,
            latest_cost: 0.0,
            n_windows: 0,
            n_in_phase: 0,
            random: seed | 1,
        }
    }

    pub(crate) fn mode(&self) -> Mode {
        self.mode
    }

    /// What probes cost, as far as is known by now.
    pub(crate) fn costs(&self) -> &Costs {
        &self.costs
    }

    /// Takes over what traps cost in the program itself: `sum_ns` of `n` of them.
    pub(crate) fn learn_traps(&mut self, sum_ns: u64, n: u64) {
        self.traps.0 += sum_ns as f64;
        self.traps.1 += n as f64;
        if self.traps.1 < ENOUGH_TRAPS {
            return;
        }
        let trap_ns = self.traps.0 / self.traps.1 * TRAP_FACTOR;
        if self.traps.1 > LATEST_TRAPS {
            self.traps = (self.traps.0 / 2.0, self.traps.1 / 2.0);
        }
        self.costs.event_ns += trap_ns - self.costs.trap_ns;
        self.costs.trap_ns = trap_ns;
    }

    /// How long to count before looking again.
    pub(crate) fn tick(&self) -> Duration {
        let is_burst = self.latest_cost > 2.0 * self.budget;
        if is_burst { TICK_IN_BURST } else { TICK }
    }

    /// Whether the budget may not be kept yet.
    pub(crate) fn is_settling(&self) -> bool {
        self.budget < 1.0 && self.own_ns < SETTLED_NS
    }

    /// Learns from an interval in which every event was seen, and chooses how to go on.
    pub(crate) fn observe(&mut self, interval: &Interval) -> Mode {
        self.spend(interval);
        if self.budget >= 1.0 {
            return self.mode;
        }
        self.learn(interval);
        if self.mode != Mode::Exact || self.credit_ns <= 0.0 {
            self.mode = self.choose();
        }
        self.mode
    }

    /// Learns from a window and the gap before it, in which detaching the last window and attaching this one still
    /// cost hits.
    ///
    /// `progress_ns` is how far the threads that grow maps got: the wall time that it takes for that without probes.
    pub(crate) fn observe_window(&mut self, gap: &Interval, window: &Interval, progress_ns: f64) {
        self.n_windows += 1;
        self.n_in_phase += 1;
        // What is counted in gaps too is no cost of windows.
        let switching = gap.n_ignored as f64 * self.costs.trap_ns;
        let cost = switching + window.probe_ns(&self.costs);
        let weight = (1.0 / (self.n_windows + PRIOR_WINDOWS) as f64).max(GAP_WEIGHT);
        let before = self.expected_window_cost();
        self.window_cost = Some(mean(Some(before), cost / progress_ns.max(1e3), weight));
        self.learn(window);
        self.spend(gap);
        self.spend(window);
    }

    /// Takes into account a gap that no window ends.
    pub(crate) fn observe_gap(&mut self, gap: &Interval) {
        self.spend(gap);
    }

    /// Whether windows are still needed.
    pub(crate) fn reconsider(&mut self) -> Mode {
        self.mode = self.choose();
        if self.mode != Mode::Windows {
            self.n_in_phase = 0;
        }
        self.mode
    }

    /// Wall time from when windows begin to be the mode, or are kept, until they are to be reconsidered.
    pub(crate) fn time_to_reconsider(&mut self) -> Duration {
        RECONSIDER.mul_f64(0.75 + 0.5 * self.next_random())
    }

    /// The next window, planned before it is known what will be in it.
    pub(crate) fn plan(&mut self) -> Plan {
        let cost = self.expected_window_cost();
        let affordable = self.affordable() * self.speed();
        let part = if cost > 0.0 { affordable / cost } else { 1.0 };
        let length_ns = (part * CYCLE_NS).clamp(*WINDOW_NS.start(), *WINDOW_NS.end());
        let gap_ns = (cost * length_ns / affordable.max(1e-9)).clamp(CYCLE_NS, MAX_GAP_NS);
        let factor = if self.n_in_phase > 0 {
            0.5 + self.next_random()
        } else {
            // Of a gap around a random time what is left from then on: such a gap is long more often than not.
            self.next_random() * (0.25 + 2.0 * self.next_random()).sqrt()
        };
        Plan {
            gap: Duration::from_nanos((gap_ns * factor) as u64),
            length: Duration::from_nanos(length_ns as u64),
            mean_gap: Duration::from_nanos(gap_ns as u64),
        }
    }

    /// Units: nanoseconds of probes per nanosecond of a window's length.
    fn expected_window_cost(&self) -> f64 {
        let expected = || self.speed() * self.rate.unwrap_or(0.0) * self.cost_of_event(1.0);
        self.window_cost.unwrap_or_else(expected)
    }

    /// Fraction of the program's own CPU time that may be spent at the moment.
    fn affordable(&self) -> f64 {
        let over_ns = if self.is_settling() { BALANCE_NS / 2.0 } else { BALANCE_NS };
        let balance = self.earning() + self.credit_ns / over_ns;
        balance.clamp(self.budget * 0.2, self.budget * 2.0 * FOR_HITS)
    }

    fn earning(&self) -> f64 {
        let part = if self.mode == Mode::Windows { FOR_HITS } else { 1.0 };
        part * if self.is_settling() { self.budget * EARNED_AT_START } else { self.budget }
    }

    /// CPU time per wall time.
    pub(crate) fn speed(&self) -> f64 {
        self.speed.unwrap_or(1.0).max(1e-3)
    }

    fn learn(&mut self, interval: &Interval) {
        let own = interval.own_cpu_ns(&self.costs);
        if own <= 0.0 {
            return;
        }
        // A moment says less.
        let weight = WEIGHT * (own / WINDOW_NS.start()).min(1.0);
        self.rate = Some(mean(self.rate, interval.n_events() as f64 / own, weight));
        if interval.n_walked > 0 {
            self.depth =
                mean(Some(self.depth), interval.n_frames as f64 / interval.n_walked as f64, WEIGHT);
        }
    }

    fn spend(&mut self, interval: &Interval) {
        let own_ns = interval.own_cpu_ns(&self.costs);
        let left = self.credit_ns + self.earning() * own_ns - interval.probe_ns(&self.costs);
        self.credit_ns = left.min(self.budget * CREDIT_NS).max(-self.budget * BALANCE_NS);
        self.latest_cost = interval.probe_ns(&self.costs) / own_ns.max(1.0);
        self.own_ns += own_ns;
        if interval.wall_ns > 0 {
            let weight = (interval.wall_ns as f64 / BALANCE_NS).min(1.0);
            // Probes take CPU time that the program would have for itself.
            let speed = interval.cpu_ns as f64 / interval.wall_ns as f64;
            // A first mean of a short time would last too long.
            let weight = if self.own_ns < BALANCE_NS { weight.max(0.1) } else { weight };
            self.speed = Some(mean(self.speed, speed, weight));
        }
    }

    /// Units: nanoseconds, for an event of which `stacks` have a stack.
    fn cost_of_event(&self, stacks: f64) -> f64 {
        self.costs.event_ns + stacks * self.depth * self.costs.frame_ns
    }

    fn choose(&self) -> Mode {
        let rate = self.rate.unwrap_or(0.0);
        let fits = |mode: Mode, cost: f64| {
            let is_more_exact = rank(mode) < rank(self.mode);
            rate * cost <= if is_more_exact { self.budget * RETURN_BELOW } else { self.budget }
        };
        if fits(Mode::Exact, self.cost_of_event(1.0)) {
            return Mode::Exact;
        }
        let sampled =
            (1..=MAX_LOG2).map(|log2| (log2, self.cost_of_event(0.5_f64.powi(log2.into()))));
        sampled
            .map(|(log2, cost)| (Mode::SampledStacks { log2 }, cost))
            .find(|&(mode, cost)| fits(mode, cost))
            .map_or(Mode::Windows, |(mode, _)| mode)
    }

    /// From 0 to 1. Source: xorshift64*, Vigna 2016.
    fn next_random(&mut self) -> f64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        (self.random.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Less is more exact.
fn rank(mode: Mode) -> u8 {
    match mode {
        Mode::Exact => 0,
        Mode::SampledStacks { log2 } => log2,
        Mode::Windows => u8::MAX,
    }
}

/// The running mean with one more value.
fn mean(old: Option<f64>, new: f64, weight: f64) -> f64 {
    old.map_or(new, |old| old * (1.0 - weight) + new * weight)
}

#[cfg(test)]
mod tests;
