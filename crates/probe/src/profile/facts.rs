//! What a recording says of itself.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use evidence::Bounds;
use goabi::{GoVersion, MapImpl};
use recording::{Ending, FORMAT, Fixed, LinkKind, Span};

use crate::governor::Costs;
use crate::others::MAX_FILES;
use crate::record_layout::{
    COUNT_EVENT_NS, COUNT_GC_ASSISTS, COUNT_GC_CYCLES, COUNT_READ_FAULTS, COUNT_SAMPLES_LOST,
    COUNT_STACKLESS, COUNT_STACKS_CUT, COUNT_STACKS_LOST, COUNT_TABLE_FULL, COUNT_WALKED,
};
use crate::windows::Windows;

/// What is known about the recording beside the counts.
pub(crate) struct Facts<'f> {
    pub(crate) program: String,
    pub(crate) path: PathBuf,
    pub(crate) map_impl: MapImpl,
    pub(crate) started_at: SystemTime,
    pub(crate) elapsed: Duration,
    pub(crate) ending: Ending,
    pub(crate) sample_hz: u64,
    pub(crate) max_overhead: f64,
    pub(crate) overhead: Option<f64>,
    /// Whether the program ran too short for the limit to hold.
    pub(crate) is_settling: bool,
    pub(crate) costs: Costs,
    pub(crate) links: LinkKind,
    pub(crate) n_probes: usize,
    pub(crate) n_inlined: usize,
    pub(crate) n_unprobed: usize,
    /// Splits were counted in the gaps between windows too.
    pub(crate) counts_every_split: bool,
    /// So were growths of classic maps to arrays of more than this. Units: bytes.
    pub(crate) large_above: Option<u64>,
    pub(crate) n_processes: u64,
    /// Processes that run another program by now.
    pub(crate) n_elsewhere: u64,
    /// Processes of the same file that are not recorded.
    pub(crate) n_beside: u64,
    /// When the path that was given was found to lead to another file, whose processes are not recorded.
    pub(crate) replaced_after: Option<Duration>,
    /// Those that run the file, and in whose code there are no probes.
    pub(crate) unprobed: Vec<u32>,
    /// Files with other Go code in the processes.
    pub(crate) other_code: Vec<PathBuf>,
    /// Whether there were more files than are looked at.
    pub(crate) has_more_files: bool,
    /// Whether there were processes of which not all files were looked at.
    pub(crate) has_more_processes: bool,
    /// Where only processes of one user are recorded.
    pub(crate) only_user: Option<u32>,
    /// Time in which growths were not counted as nothing was heard of the recorder.
    pub(crate) frozen: Duration,
    /// By mode: exact, sampled stacks, windows.
    pub(crate) time_in: [Duration; 3],
    pub(crate) windows: Windows,
    /// Growths and makes that were counted one by one or in windows.
    pub(crate) n_events: u64,
    /// Events and CPU samples whose stack or type there was no room for.
    pub(crate) n_without_room: u64,
    /// Events that are in no table though they were counted: a fault of ours, and lost all the same.
    pub(crate) n_missing: u64,
    /// By `COUNT_*`, of this recording.
    pub(crate) counters: &'f [u64],
}

impl Facts<'_> {
    pub(super) fn count(&self, counter: u32) -> u64 {
        self.counters.get(counter as usize).copied().unwrap_or(0)
    }

    /// What counting an event took, the trap that leads there left out. Units: nanoseconds.
    fn mean_event_ns(&self) -> f64 {
        let n_events = self.count(COUNT_WALKED) + self.count(COUNT_STACKLESS);
        self.count(COUNT_EVENT_NS) as f64 / n_events.max(1) as f64
    }

    /// Events that are in no sample.
    pub(super) fn n_lost(&self) -> u64 {
        self.count(COUNT_READ_FAULTS) + self.count(COUNT_TABLE_FULL) + self.n_missing
    }

    /// Events and CPU samples without a stack that they should have, or without a type.
    pub(super) fn n_lost_stacks(&self) -> u64 {
        self.count(COUNT_STACKS_LOST) + self.n_without_room
    }

    /// Whether every growth was counted.
    pub(super) fn counts_everything(&self) -> bool {
        self.windows.n == 0 && self.windows.uncounted_ns() == 0.0
    }

    pub(super) fn span(&self) -> Span {
        let since_1970 = self.started_at.duration_since(SystemTime::UNIX_EPOCH);
        let ns = |time: Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        Span { started_ns: since_1970.map_or(0, ns), duration_ns: ns(self.elapsed) }
    }

    /// As the recording says it.
    pub(super) fn said(
        &self,
        go_version: Option<GoVersion>,
        grows_range: Option<Bounds>,
    ) -> recording::Facts {
        let [exact, sampled, windows] = self.time_in;
        let facts = recording::Facts {
            format: Some(FORMAT),
            program: Some(self.program.clone()),
            go_version: Some(go_version),
            map_impl: Some(self.map_impl),
            processes: Some(self.n_processes),
            elsewhere: Some(self.n_elsewhere),
            other_go_code: Some(names(&self.other_code)),
            duration_s: Some(seconds(self.elapsed)),
            end: Some(self.ending),
            events: Some(self.n_events),
            lost_events: Some(self.n_lost()),
            lost_stacks: Some(self.n_lost_stacks()),
            cut_stacks: Some(self.count(COUNT_STACKS_CUT)),
            lost_samples: Some(self.count(COUNT_SAMPLES_LOST)),
            sample_hz: Some(self.sample_hz),
            gc_cycles: Some(self.count(COUNT_GC_CYCLES)),
            probes: Some(self.n_probes as u64),
            inlined_copies: Some(self.n_inlined as u64),
            unprobed_copies: Some(self.n_unprobed as u64),
            links: Some(self.links),
            overhead_pct: self.overhead.map(|part| Fixed::new(part * 100.0)),
            max_overhead_pct: Some(Fixed::new(self.max_overhead * 100.0)),
            trap_cost_ns: Some(Fixed::new(self.costs.trap_ns)),
            event_cost_ns: Some(Fixed::new(self.mean_event_ns())),
            exact_s: Some(seconds(exact)),
            sampled_stacks_s: Some(seconds(sampled)),
            windows_s: Some(seconds(windows)),
            other_files_above: self.has_more_files.then_some(MAX_FILES as u64),
            other_go_code_partly: self.has_more_processes.then_some(true),
            frozen_s: Some(self.frozen).filter(|time| !time.is_zero()).map(seconds),
            not_recorded_processes: Some(self.n_beside).filter(|&n| n > 0),
            unprobed_processes: Some(self.unprobed.len() as u64).filter(|&n| n > 0),
            exe_replaced_s: self.replaced_after.map(seconds),
            only_user: self.only_user.map(u64::from),
            ..recording::Facts::default()
        };
        if self.counts_everything() {
            let gc_assists = Some(self.count(COUNT_GC_ASSISTS));
            return recording::Facts { gc_assists, ..facts };
        }
        self.said_of_windows(grows_range, facts)
    }

    /// Adds what is said where not everything was counted.
    fn said_of_windows(
        &self,
        grows_range: Option<Bounds>,
        facts: recording::Facts,
    ) -> recording::Facts {
        let windows = &self.windows;
        let groups = windows.group_cpu_ns().map(|ns| Fixed::new(ns / 1e9));
        recording::Facts {
            thread_clocks: (!windows.had_clocks()).then_some(false),
            windows: Some(Some(windows.n)),
            window_scale: Some(Fixed::new(windows.per_seen())),
            window_group_cpu_s: Some(groups.to_vec()),
            held_up_pct: Some(Fixed::new(windows.scale().held_up * 100.0)),
            waited_pct: Some(Fixed::new(windows.crowded() * 100.0)),
            scale_error_pct: Some(Fixed::new(windows.scale_error() * 100.0)),
            unmet_bursts_pct: Some(Fixed::new(windows.unmet() * 100.0)),
            // Rounded up: what is not 0 makes every count a lower bound.
            uncounted_s: Some(Fixed::new((windows.uncounted_ns() / 1e6).ceil() / 1e3)),
            every_split: Some(self.counts_every_split),
            grows_low: grows_range.map(|range| range.low),
            grows_high: grows_range.map(|range| range.high),
            ..facts
        }
    }
}

fn seconds(time: Duration) -> Fixed<3> {
    Fixed::new(time.as_secs_f64())
}

fn names(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
