//! What the garbage collector did while a program was traced.

use std::ops::AddAssign;

use super::SourceIds;

/// What the garbage collector did while a program was traced.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessTrace {
    /// Traces it was summed from.
    pub sources: SourceIds,
    /// Units: nanoseconds traced.
    pub duration_ns: u64,
    /// Collections: the time in which the collector marks beside the program.
    pub gc_cycles: Ranges,
    /// Times in which all goroutines were stopped, by reason in Go's words, longest sum first.
    pub stops: Vec<(String, Ranges)>,
    /// Goroutines that had to mark before they could allocate.
    pub assists: Ranges,
    /// The part of `assists` inside map operations.
    pub assists_in_maps: Ranges,
    /// Allocations that had to sweep first.
    pub sweeps: Ranges,
    /// Largest heap; `None` when no trace says. Units: bytes.
    pub heap_max_bytes: Option<u64>,
    /// Whether `on_cpu_ns` of assists is only a lower bound, since stacks are missing in the trace.
    pub is_on_cpu_lower_bound: bool,
}

impl ProcessTrace {
    /// Of traces in which nothing was counted yet.
    pub fn of(sources: impl Into<SourceIds>) -> Self {
        Self {
            sources: sources.into(),
            duration_ns: 0,
            gc_cycles: Ranges::default(),
            stops: Vec::new(),
            assists: Ranges::default(),
            assists_in_maps: Ranges::default(),
            sweeps: Ranges::default(),
            heap_max_bytes: None,
            is_on_cpu_lower_bound: false,
        }
    }
}

/// Ranges of time, added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ranges {
    /// How many.
    pub n: u64,
    /// Units: nanoseconds of wall time.
    pub wall_ns: u64,
    /// The part of it in which the goroutine ran; `None` of what is not a goroutine's. Units: nanoseconds.
    pub on_cpu_ns: Option<u64>,
    /// The longest. Units: nanoseconds.
    pub longest_ns: u64,
}

impl AddAssign for Ranges {
    fn add_assign(&mut self, other: Self) {
        self.n = self.n.saturating_add(other.n);
        self.wall_ns = self.wall_ns.saturating_add(other.wall_ns);
        if let Some(ns) = other.on_cpu_ns {
            self.on_cpu_ns = Some(self.on_cpu_ns.unwrap_or(0).saturating_add(ns));
        }
        self.longest_ns = self.longest_ns.max(other.longest_ns);
    }
}

/// What an execution trace says about a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SiteTrace {
    /// Mark assists inside map operations of this line.
    pub assists: Ranges,
    /// The part of them under growth.
    pub growth_assists: Ranges,
    /// The goroutines that write here; `None` when the trace shows none of them inside a map operation of this line.
    pub writers: Option<Writers>,
}

/// Goroutines seen inside a map operation of a line, by their assists and CPU samples: some may be missing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Writers {
    /// How many.
    pub n: u64,
    /// Time in which they ran, or waited inside an assist. Units: nanoseconds, added up over goroutines.
    pub busy_ns: u64,
    /// All their assists, wherever they had to.
    pub assists: Ranges,
}
