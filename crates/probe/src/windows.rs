//! What windows of time stand for.
//!
//! 1. A window is open until the threads that grow maps got so far as they get in a fixed time when nothing slows them
//!    down: then it has met each stretch of the program with about the same chance, bursts too, in which most of the time
//!    goes to probes. How much they were slowed down is known by thread, since others run on as fast as before.
//! 2. An event in a window stands for itself and for those in the gaps of the length that was aimed at when the window
//!    was planned: the more seldom windows were to be, the more.
//! 3. Gaps were not exactly as long as that, and the program did more or less in them. So all that events stand for in
//!    gaps is multiplied by one factor: own CPU time in all gaps, by what the windows say it would have been.
//! 4. Windows are dealt in turn to `GROUPS` groups, which readers compare to tell how far the estimate may be off.

use diagnosis::evidence::{self, Bounds};
use diagnosis::sampling::total_range;

use crate::governor::TRAP_ERROR;

/// Groups of windows.
pub(crate) const GROUPS: usize = 16;

/// Own CPU time from which on a rate is taken for what a program can do. Units: nanoseconds.
const LONG_ENOUGH_NS: f64 = 1e6;

/// What happened in a window and before it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Window {
    /// The program's own CPU time since the last window. Units: nanoseconds.
    pub(crate) gap_own_ns: f64,
    /// Wall time between windows that was aimed at when this one was planned, for each nanosecond of it.
    pub(crate) aim: f64,
    /// CPU time in the window, and what of it the program had for itself. Units: nanoseconds.
    pub(crate) cpu_ns: f64,
    pub(crate) own_ns: f64,
    /// How many times longer the threads of its events took for what they did there.
    pub(crate) slowed: f64,
    /// Whether their clocks say so; else it may be more.
    pub(crate) is_slowed_known: bool,
    /// What traps took, of all that probes took.
    pub(crate) trap_part: f64,
    pub(crate) n_events: u64,
}

impl Window {
    /// Events in the gaps that were aimed at, for each that was seen.
    pub(crate) fn weight(&self) -> f64 {
        self.aim * self.slowed
    }
}

/// Sums over the windows of a recording. Units: nanoseconds of the program's own CPU time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Windows {
    /// Number of windows.
    pub(crate) n: u64,
    /// Events seen in them, and what they stand for in the gaps that were aimed at.
    n_seen: u64,
    n_aimed: f64,
    gap_ns: f64,
    /// By group: in windows, and what was aimed at to be between them, were all as in these.
    own_ns: [f64; GROUPS],
    aimed_ns: [f64; GROUPS],
    /// Those times by how much they would be more or less, did traps cost more or less.
    n_trapped: f64,
    /// Windows of which it is not known how much they were slowed down.
    n_without_clocks: u64,
    /// Of this recording and of the one before.
    busiest: Busiest,
    busiest_before: Busiest,
    /// Whether the program was also watched outside windows.
    was_watched: bool,
}

/// What bursts that no window met are reckoned by.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Busiest {
    /// The longest of what was aimed at to be between two windows. Units: nanoseconds.
    longest_ns: f64,
    /// Most events per nanosecond, in any window or while all were counted.
    rate: f64,
}

impl Busiest {
    fn or(self, other: Self) -> Self {
        Self { longest_ns: self.longest_ns.max(other.longest_ns), rate: self.rate.max(other.rate) }
    }
}

impl Windows {
    /// A stretch in which all events were counted.
    pub(crate) fn see(&mut self, n_events: u64, own_ns: f64) {
        // A moment says little of what the program can do.
        if own_ns >= LONG_ENOUGH_NS {
            self.busiest.rate = self.busiest.rate.max(n_events as f64 / own_ns);
            self.was_watched = true;
        }
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
            scale: self.scale().max(1.0),
            scale_error: self.scale_error(),
            every_split: false,
        };
        let range = total_range(exact, groups, &windows);
        let in_bursts = self.with_bursts(groups.iter().sum()) * (1.0 + self.scale_error());
        let in_bursts = (exact + in_bursts).ceil() as u64;
        // Of few windows the busiest moment is all there is to go by.
        let high = range.high.or(self.was_watched.then_some(0)).map(|high| high.max(in_bursts));
        let is_bounded = self.uncounted_ns() == 0.0 && self.n_without_clocks == 0;
        Bounds { high: high.filter(|_| is_bounded), ..range }
    }

    /// By how much all estimates may be wrong together, since the cost of a trap is not known better.
    pub(crate) fn scale_error(&self) -> f64 {
        if self.n_without_clocks > 0 {
            return 1.0;
        }
        if self.n_aimed > 0.0 { (TRAP_ERROR * self.n_trapped / self.n_aimed).min(1.0) } else { 0.0 }
    }

    /// Whether clocks said in all windows how much threads were slowed down; else estimates are too low.
    pub(crate) fn had_clocks(&self) -> bool {
        self.n_without_clocks == 0
    }

    /// Estimated events, and those of bursts that no window met. In 1 of 20 cases no window falls into a time as long as
    /// three gaps are in the mean: in such a time the program may have done what it did in its busiest moment.
    fn with_bursts(&self, estimate: f64) -> f64 {
        let busiest = self.busiest.or(self.busiest_before);
        let unmet_ns = (3.0 * busiest.longest_ns).min(self.gap_ns);
        let cpu_ns = self.gap_ns + self.own_ns();
        let mean_rate = if cpu_ns > 0.0 { estimate / cpu_ns } else { 0.0 };
        estimate + (busiest.rate - mean_rate).max(0.0) * unmet_ns
    }

    /// Adds a window; returns its group.
    pub(crate) fn add(&mut self, window: &Window) -> u8 {
        let group = (self.n % GROUPS as u64) as u8;
        self.n += 1;
        self.n_seen += window.n_events;
        let n_aimed = window.n_events as f64 * window.weight();
        self.n_aimed += n_aimed;
        self.gap_ns += window.gap_own_ns;
        let aimed_ns = window.cpu_ns * window.aim;
        self.own_ns[usize::from(group)] += window.own_ns;
        self.aimed_ns[usize::from(group)] += aimed_ns;
        self.n_without_clocks += u64::from(!window.is_slowed_known);
        self.n_trapped += n_aimed * (window.slowed - 1.0) * window.trap_part;
        self.busiest.longest_ns = self.busiest.longest_ns.max(aimed_ns);
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
    pub(crate) fn add_gap(&mut self, own_ns: f64) {
        self.gap_ns += own_ns;
    }

    /// Events seen.
    pub(crate) fn n_seen(&self) -> u64 {
        self.n_seen
    }

    /// In windows.
    pub(crate) fn own_ns(&self) -> f64 {
        self.own_ns.iter().sum()
    }

    /// By how much what events stand for in gaps is to be multiplied; `None` when the program did nothing in windows.
    pub(crate) fn factor(&self) -> Option<f64> {
        let aimed_ns: f64 = self.aimed_ns.iter().sum();
        (aimed_ns > 0.0).then(|| self.gap_ns / aimed_ns)
    }

    /// Events that there were, by estimate.
    pub(crate) fn estimate(&self) -> f64 {
        self.n_seen as f64 + self.n_aimed * self.factor().unwrap_or(0.0)
    }

    /// Events that an event seen stands for in the mean.
    pub(crate) fn scale(&self) -> f64 {
        if self.n_seen > 0 {
            return self.estimate() / self.n_seen as f64;
        }
        // Nothing was seen; one event would have stood for this many.
        let own_ns = self.own_ns();
        if own_ns > 0.0 { 1.0 + self.gap_ns / own_ns } else { 1.0 }
    }

    /// What the windows of each group stand for.
    pub(crate) fn group_cpu_ns(&self) -> [f64; GROUPS] {
        let factor = self.factor().unwrap_or(0.0);
        std::array::from_fn(|group| self.own_ns[group] + self.aimed_ns[group] * factor)
    }

    /// What no window stands for.
    pub(crate) fn uncounted_ns(&self) -> f64 {
        if self.factor().is_some() { 0.0 } else { self.gap_ns }
    }
}

#[cfg(test)]
mod tests;
