//! What happened when while a program was traced.

use super::SourceId;

/// The time of a trace in equal steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// The trace.
    pub source: SourceId,
    /// Units: nanoseconds of a step.
    pub step_ns: u64,
    /// Steps, in order, without gaps.
    pub steps: Vec<TimelineStep>,
    /// Where the samples inside map operations come from; `None` when nothing sampled the CPU on the clock of the trace.
    pub samples: Option<SourceId>,
}

/// What happened in one step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TimelineStep {
    /// Largest heap; `None` when it did not change. Units: bytes.
    pub heap_bytes: Option<u64>,
    /// The part of the step in which a collection marked. Units: nanoseconds.
    pub gc_ns: u64,
    /// The part in which all goroutines were stopped. Units: nanoseconds.
    pub stopped_ns: u64,
    /// Time of goroutines that helped the collector, added up over goroutines. Units: nanoseconds.
    pub assist_ns: u64,
    /// CPU samples inside map operations.
    pub map_samples: u64,
    /// The part of them under growth.
    pub growth_samples: u64,
}
