//! What a scan finds, summed up.

use std::collections::{BTreeMap, HashMap};

use crate::ids::{ByGoroutine, Time};
use crate::scan::{GcCycle, MarkAssist, Metric, Observer, Run, RunEnd, StopTheWorld, Sweep};
use crate::symbols::{Name, StackKey};

/// Ranges of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub n: u64,
    /// How long together. Units: nanoseconds.
    pub wall_ns: u64,
    /// The part of it in which the goroutine ran; for assists only. Units: nanoseconds.
    pub on_cpu_ns: u64,
    /// The longest. Units: nanoseconds.
    pub longest_ns: u64,
}

impl Sum {
    /// Adds one range. Units: nanoseconds.
    pub fn add(&mut self, wall_ns: u64, on_cpu_ns: u64) {
        self.n += 1;
        self.wall_ns = self.wall_ns.saturating_add(wall_ns);
        self.on_cpu_ns = self.on_cpu_ns.saturating_add(on_cpu_ns);
        self.longest_ns = self.longest_ns.max(wall_ns);
    }
}

/// What a stack is the cause of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// A collection that it began.
    GcCycle,
    /// A stopped world.
    StopTheWorld,
    /// An assist.
    MarkAssist,
    /// A sweep.
    Sweep,
}

/// Sums of everything that a scan finds about garbage collection.
#[derive(Debug, Default)]
pub struct Totals {
    /// Collections.
    pub gc_cycles: Sum,
    /// Stopped worlds by reason.
    pub stops: BTreeMap<Name, Sum>,
    /// Assists.
    pub assists: Sum,
    /// Assists by goroutine.
    pub assists_by_goroutine: ByGoroutine<Sum>,
    /// Sweeps.
    pub sweeps: Sum,
    /// Units: bytes.
    pub swept_bytes: u64,
    /// Units: bytes.
    pub reclaimed_bytes: u64,
    /// By what happened and at which stack.
    pub by_stack: HashMap<(Cause, StackKey), Sum>,
    /// Largest heap. Units: bytes.
    pub heap_max_bytes: u64,
    /// Samples of the CPU profiler.
    pub n_cpu_samples: u64,
}

impl Totals {
    fn add(&mut self, cause: Cause, stack: StackKey, wall_ns: u64, on_cpu_ns: u64) {
        self.by_stack.entry((cause, stack)).or_default().add(wall_ns, on_cpu_ns);
    }
}

impl Observer for Totals {
    fn gc_cycle(&mut self, cycle: &GcCycle) {
        let wall_ns = cycle.end.ns_since(cycle.start);
        self.gc_cycles.add(wall_ns, 0);
        self.add(Cause::GcCycle, cycle.stack, wall_ns, 0);
    }

    fn stop(&mut self, stop: &StopTheWorld) {
        let wall_ns = stop.end.ns_since(stop.start);
        self.stops.entry(stop.reason).or_default().add(wall_ns, 0);
        self.add(Cause::StopTheWorld, stop.stack, wall_ns, 0);
    }

    fn assist(&mut self, assist: &MarkAssist) {
        let wall_ns = assist.end.ns_since(assist.start);
        self.assists.add(wall_ns, assist.on_cpu_ns);
        let of_goroutine = self.assists_by_goroutine.entry(assist.goroutine).or_default();
        of_goroutine.add(wall_ns, assist.on_cpu_ns);
        self.add(Cause::MarkAssist, assist.stack, wall_ns, assist.on_cpu_ns);
    }

    fn sweep(&mut self, sweep: &Sweep) {
        let wall_ns = sweep.end.ns_since(sweep.start);
        self.sweeps.add(wall_ns, 0);
        self.swept_bytes = self.swept_bytes.saturating_add(sweep.swept_bytes);
        self.reclaimed_bytes = self.reclaimed_bytes.saturating_add(sweep.reclaimed_bytes);
        self.add(Cause::Sweep, sweep.stack, wall_ns, 0);
    }

    #[inline]
    fn heap(&mut self, _: Time, metric: Metric, bytes: u64) {
        if metric == Metric::HeapLive {
            self.heap_max_bytes = self.heap_max_bytes.max(bytes);
        }
    }

    fn cpu_sample(&mut self, _: &crate::CpuSample, _: StackKey) {
        self.n_cpu_samples += 1;
    }
}

/// How long each goroutine ran, system calls left out. Units: nanoseconds.
#[derive(Debug, Default)]
pub struct OnCpu(pub ByGoroutine<u64>);

impl OnCpu {
    /// Adds a run.
    pub fn add(&mut self, run: &Run) {
        let ns = run.end.ns_since(run.start).saturating_sub(run.syscall_ns);
        let sum = self.0.entry(run.goroutine).or_default();
        *sum = sum.saturating_add(ns);
    }
}

impl Observer for OnCpu {
    fn run(&mut self, run: &Run, _: RunEnd<'_, '_>) {
        self.add(run);
    }
}
