//! Keeps what probes cost within a budget.
//!
//! The budget is a fraction of the program's own CPU time. What is not spent is kept for bursts, up to that of one
//! second, and a recording begins with as much. Three ways of counting, the first that fits is used:
//!
//! 1. *Exact*: every event with its stack.
//! 2. *Sampled stacks*: every event, but a stack for one in 2^n of them. Counts per type stay exact, those per site
//!    are estimated.
//! 3. *Windows*: probes are in place for short windows of fixed length at random gaps. An event in a window stands for
//!    as many as the program's CPU time around it has room for. The gaps depend on all earlier windows together: were
//!    they to depend on the last one, they would meet bursts too seldom, and the estimate would be too low.

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

/// Length of a window.
pub(crate) const WINDOW: Duration = Duration::from_millis(20);
/// Longest gap between windows.
const MAX_GAP: Duration = Duration::from_secs(10);
/// Fewest stacks: one in 2^10.
const MAX_LOG2: u8 = 10;
/// By how much a trap may cost more or less than was measured at the start, on another function (calibrate.rs).
const TRAP_ERROR: f64 = 0.2;
/// Time whose budget may be spent ahead. Units: nanoseconds of the program's own CPU time.
const CREDIT_NS: f64 = 1e9;
/// Part of the budget up to which a more exact mode is taken up again.
const RETURN_BELOW: f64 = 0.7;
/// Weight of the latest interval in running means.
const WEIGHT: f64 = 0.3;
/// Weight of the latest window in the length of the gaps. Small: gaps that follow the program's bursts meet them too
/// seldom.
const GAP_WEIGHT: f64 = 0.05;

impl Interval {
    fn n_events(&self) -> u64 {
        self.n_walked.saturating_add(self.n_stackless)
    }

    /// Time that probes took. Units: nanoseconds.
    pub(crate) fn probe_ns(&self, costs: &Costs) -> f64 {
        let n_traps = self.n_events().saturating_add(self.n_ignored);
        n_traps as f64 * costs.trap_ns + self.event_ns as f64
    }

    /// CPU time of the program without its probes. Units: nanoseconds.
    pub(crate) fn own_cpu_ns(&self, costs: &Costs) -> f64 {
        // What a trap costs is measured elsewhere and cannot be right to the last percent.
        (self.cpu_ns as f64 - self.probe_ns(costs)).max(self.cpu_ns as f64 * 0.05)
    }
}

/// Chooses the mode, and adds up what windows saw.
#[derive(Debug)]
pub(crate) struct Governor {
    /// Fraction of the program's own CPU time.
    budget: f64,
    costs: Costs,
    mode: Mode,
    /// Budget that is not spent; negative when too much was. Units: nanoseconds.
    credit_ns: f64,
    /// Running mean of events per nanosecond of own CPU time.
    rate: Option<f64>,
    /// Running mean of frames per stack.
    depth: f64,
    /// Running mean of the probes' time per window, attaching and detaching included. Units: nanoseconds.
    window_cost_ns: Option<f64>,
    windows: Windows,
    random: u64,
}

/// Sums over windows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Windows {
    /// Number of windows.
    pub(crate) n: u64,
    /// Events seen.
    pub(crate) n_seen: u64,
    /// Events that there were, by estimate.
    pub(crate) estimate: f64,
    sum_rate: f64,
    sum_rate_squared: f64,
    last_rate: Option<f64>,
    /// Time of traps and own time in all windows. Units: nanoseconds.
    trap_ns: f64,
    own_ns: f64,
}

impl Windows {
    /// A gap is taken to have had the mean rate of the windows at both its ends.
    fn add(&mut self, n_events: u64, own_cpu_ns: f64, gap_cpu_ns: f64, costs: &Costs) {
        let rate = n_events as f64 / own_cpu_ns;
        self.trap_ns += n_events as f64 * costs.trap_ns;
        self.own_ns += own_cpu_ns;
        let rate_in_gap = f64::midpoint(self.last_rate.unwrap_or(rate), rate);
        self.n += 1;
        self.n_seen += n_events;
        self.estimate += n_events as f64 + rate_in_gap * gap_cpu_ns;
        self.sum_rate += rate;
        self.sum_rate_squared += rate * rate;
        self.last_rate = Some(rate);
    }

    /// The gap after the last window is taken to have had that window's rate.
    fn end(&mut self, gap_cpu_ns: f64) {
        self.estimate += self.last_rate.unwrap_or(0.0) * gap_cpu_ns;
    }

    /// By how much each event seen is to be multiplied.
    pub(crate) fn scale(&self) -> f64 {
        if self.n_seen == 0 { 1.0 } else { self.estimate / self.n_seen as f64 }
    }

    /// Half the width of the range that holds the true count in 19 of 20 cases, as a fraction of the estimate: twice the
    /// standard error of the windows, and what follows from not knowing the cost of a trap better. `None` with fewer
    /// than 3 windows.
    pub(crate) fn relative_range(&self) -> Option<f64> {
        let n = self.n as f64;
        let mean = self.sum_rate / n;
        if self.n < 3 || mean <= 0.0 {
            return None;
        }
        let variance = (self.sum_rate_squared / n - mean * mean).max(0.0) * n / (n - 1.0);
        let of_windows = 2.0 * (variance / n).sqrt() / mean;
        Some(of_windows + TRAP_ERROR * self.trap_ns / self.own_ns)
    }
}

impl Governor {
    pub(crate) fn new(budget: f64, costs: Costs, seed: u64) -> Self {
        let random = seed | 1;
        Self {
            budget,
            costs,
            mode: Mode::Exact,
            credit_ns: budget * CREDIT_NS,
            rate: None,
            depth: 10.0,
            window_cost_ns: None,
            windows: Windows::default(),
            random,
        }
    }

    pub(crate) fn mode(&self) -> Mode {
        self.mode
    }

    pub(crate) fn windows(&self) -> Windows {
        self.windows
    }

    /// Learns from an interval in which every event was seen, and chooses how to go on.
    pub(crate) fn observe(&mut self, interval: &Interval) -> Mode {
        if self.budget >= 1.0 || interval.cpu_ns == 0 {
            return self.mode;
        }
        self.learn(interval);
        self.spend(interval);
        if self.mode != Mode::Exact || self.credit_ns <= 0.0 {
            self.mode = self.choose();
        }
        self.mode
    }

    /// Learns from a window and the gap before it, in which detaching the last window and attaching this one still
    /// cost hits.
    pub(crate) fn observe_window(&mut self, gap: &Interval, window: &Interval) -> Mode {
        let own = window.own_cpu_ns(&self.costs);
        if own > 0.0 {
            let gap_ns = gap.own_cpu_ns(&self.costs);
            self.windows.add(window.n_events(), own, gap_ns, &self.costs);
        }
        let cost = gap.probe_ns(&self.costs) + window.probe_ns(&self.costs);
        let weight = (1.0 / self.windows.n.max(1) as f64).max(GAP_WEIGHT);
        self.window_cost_ns = Some(mean(self.window_cost_ns, cost, weight));
        self.learn(window);
        self.spend(gap);
        self.spend(window);
        let better = self.choose();
        if better != Mode::Windows {
            self.mode = better;
            self.windows.last_rate = None;
        }
        self.mode
    }

    /// Takes the gap into account in which the recording ends.
    pub(crate) fn end(&mut self, gap: &Interval) {
        if self.mode == Mode::Windows {
            self.windows.end(gap.own_cpu_ns(&self.costs));
        }
    }

    /// The CPU time that the program is to have for itself before the next window. Units: nanoseconds.
    pub(crate) fn gap_cpu_ns(&mut self) -> f64 {
        let expected =
            self.rate.unwrap_or(0.0) * WINDOW.as_nanos() as f64 * self.cost_of_event(1.0);
        let cost = self.window_cost_ns.unwrap_or(expected);
        let mean_gap = cost / self.budget.max(1e-4);
        mean_gap * (0.5 + self.next_random())
    }

    /// The longest gap in wall time, for programs that do little.
    pub(crate) fn max_gap() -> Duration {
        MAX_GAP
    }

    fn learn(&mut self, interval: &Interval) {
        let own = interval.own_cpu_ns(&self.costs);
        if own <= 0.0 {
            return;
        }
        self.rate = Some(mean(self.rate, interval.n_events() as f64 / own, WEIGHT));
        if interval.n_walked > 0 {
            self.depth =
                mean(Some(self.depth), interval.n_frames as f64 / interval.n_walked as f64, WEIGHT);
        }
    }

    fn spend(&mut self, interval: &Interval) {
        let earned = self.budget * interval.own_cpu_ns(&self.costs);
        let left = self.credit_ns + earned - interval.probe_ns(&self.costs);
        let most = self.budget * CREDIT_NS;
        self.credit_ns = left.clamp(-most, most);
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
