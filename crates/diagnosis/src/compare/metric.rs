//! The figures of a run.

use evidence::{CpuUnit, Evidence, ProcessCpu, Site};

/// A figure of a run. Less is better for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// CPU time, of the process; of a site, all that passes through its lines. Units: nanoseconds.
    Cpu,
    /// CPU time inside map operations. Units: nanoseconds.
    MapCpu,
    /// The part of it under growth frames. Units: nanoseconds.
    GrowthCpu,
    /// CPU time of the garbage collector. Units: nanoseconds.
    GcCpu,
    /// Growths.
    Grows,
    /// Entries moved by growths.
    MovedEntries,
    /// Bytes of keys and elements moved by growths.
    MovedBytes,
    /// Bytes allocated by growths.
    GrowBytes,
    /// Bytes allocated, as heap profiles scale them.
    AllocBytes,
}

impl Metric {
    /// All of them, in the order shown.
    pub const ALL: [Self; 9] = [
        Self::Cpu,
        Self::MapCpu,
        Self::GrowthCpu,
        Self::GcCpu,
        Self::Grows,
        Self::MovedEntries,
        Self::MovedBytes,
        Self::GrowBytes,
        Self::AllocBytes,
    ];

    /// Whether an input of a run measures it.
    pub(super) fn is_measured_in(self, run: &Evidence) -> bool {
        self.of_process(run).is_some()
    }

    pub(super) fn of_process(self, run: &Evidence) -> Option<u64> {
        let cpu = timed(run);
        let growth = run.growth.as_ref().map(|growth| growth.total);
        match self {
            Self::Cpu => cpu.map(|cpu| cpu.total.cpu_ns),
            Self::MapCpu => cpu.map(|cpu| cpu.by_op.0.iter().map(|cost| cost.cpu_ns).sum()),
            Self::GrowthCpu => cpu.map(|cpu| cpu.growth.cpu_ns),
            Self::GcCpu => cpu.map(|cpu| cpu.gc.cpu_ns),
            Self::Grows => growth.map(|growth| growth.grows),
            Self::MovedEntries => growth.map(|growth| growth.moved_entries),
            Self::MovedBytes => growth.map(|growth| growth.moved_bytes),
            Self::GrowBytes => growth.map(|growth| growth.grow_bytes),
            Self::AllocBytes => run.heap.as_ref()?.total.alloc_bytes,
        }
    }

    /// What a line adds to the figure of its function. The collector works for the process.
    pub(super) fn of_site(self, site: &Site) -> Option<u64> {
        let cpu = site.cpu.as_ref();
        let growth = site.growth.as_ref().map(|growth| growth.total);
        match self {
            Self::Cpu | Self::GcCpu => None,
            Self::MapCpu => cpu.map(|cpu| cpu.map.cpu_ns),
            Self::GrowthCpu => cpu.map(|cpu| cpu.growth.cpu_ns),
            Self::Grows => growth.map(|growth| growth.grows),
            Self::MovedEntries => growth.map(|growth| growth.moved_entries),
            Self::MovedBytes => growth.map(|growth| growth.moved_bytes),
            Self::GrowBytes => growth.map(|growth| growth.grow_bytes),
            Self::AllocBytes => site.heap.as_ref()?.total.alloc_bytes,
        }
    }

    /// The figure of the process that a site's share is of.
    pub(super) fn whole(self) -> Self {
        match self {
            Self::MapCpu | Self::GrowthCpu => Self::Cpu,
            other => other,
        }
    }

    /// Units: nanoseconds of wall time that the figure was gathered in. Heap profiles count from the start of the program
    /// and do not say when that was.
    pub(super) fn duration_ns(self, run: &Evidence) -> Option<u64> {
        match self {
            Self::Cpu | Self::MapCpu | Self::GrowthCpu | Self::GcCpu => {
                run.cpu.as_ref()?.duration_ns
            }
            Self::AllocBytes => None,
            _ => run.growth.as_ref().map(|growth| growth.duration_ns),
        }
    }
}

/// CPU time: counts of samples alone cannot be compared between runs.
fn timed(run: &Evidence) -> Option<&ProcessCpu> {
    run.cpu.as_ref().filter(|cpu| cpu.unit == CpuUnit::Nanoseconds)
}
