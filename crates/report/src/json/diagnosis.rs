//! `mapscope diagnose --json`.

use std::io::{self, Write};
use std::marker::PhantomData;

use diagnosis::finding::Gap;
use evidence::{CpuUnit, ProcessCpu, ProcessTrace, SourceId, SourceKind};
use goabi::{MapImpl, MapOp};
use gomap::Category;
use schemars::JsonSchema;
use serde::Serialize;

use super::finding::{CpuPart, Finding};
use super::growth::Growth;
use super::key::{By, Key};
use super::site::{Alloc, FunctionCost, LockWaits, Misses, Site};
use super::storage::Storage;
use super::{Cost, Each, Source};
use crate::words;

/// Name and version of the shape.
const SCHEMA: &str = "mapscope.diagnosis/1";

/// Writes the whole diagnosis.
///
/// # Errors
/// When `out` fails.
pub fn render_json(out: &mut dyn Write, diagnosis: &diagnosis::Diagnosis) -> io::Result<()> {
    let sites = Each::<_, Site<'_>>(&diagnosis.evidence.sites, PhantomData);
    super::write_with_list(out, &Diagnosis::from(diagnosis), "sites", &sites)
}

/// Which maps of a Go program cost its time, why, and what to change.
#[derive(Serialize, JsonSchema)]
pub(super) struct Diagnosis<'d> {
    /// Name and version of this shape.
    #[schemars(extend("const" = SCHEMA))]
    schema: &'static str,
    /// The program.
    program: Program<'d>,
    /// The inputs.
    sources: Vec<Source<'d>>,
    /// What was lost of the inputs, and where they do not belong together.
    notices: Vec<Notice<'d>>,
    /// CPU time of the process; null without a CPU profile.
    cpu: Option<Cpu<'d>>,
    /// Allocations of the process; null without a heap profile.
    heap: Option<Heap>,
    /// Growths of the process' maps; null without a recording.
    growth: Option<Growth>,
    /// The collector; null without an execution trace.
    trace: Option<Trace<'d>>,
    /// What happened when; null without an execution trace.
    timeline: Option<Timeline>,
    /// Waiting for mutexes, by source.
    locks: Vec<Locks>,
    /// Misses of caches and address translation, by source and event; empty when none was counted.
    misses: Vec<ProcessMisses<'d>>,
    /// Writes to files and devices; null without tracepoints in a `perf.data`.
    storage: Option<Storage<'d>>,
    /// Where maps are made with a size hint, by a recording.
    hints: Vec<Hints<'d>>,
    /// By line: what asks for a change first, then by the time that is explained.
    findings: Vec<Finding<'d>>,
    /// What all findings would save together that do not stand instead of another, the collector's work counted once; null
    /// where fewer than two say what they save.
    total_saving: Option<CpuPart>,
    /// Lines that use maps, by CPU time in maps, then by bytes allocated.
    sites: Vec<Site<'d>>,
    /// What would have said more.
    not_measured: Vec<NotMeasured>,
}

impl<'d> From<&'d diagnosis::Diagnosis> for Diagnosis<'d> {
    fn from(diagnosis: &'d diagnosis::Diagnosis) -> Self {
        let evidence = &diagnosis.evidence;
        Self {
            schema: SCHEMA,
            program: (&evidence.program).into(),
            sources: evidence.sources.iter().map(Source::from).collect(),
            notices: super::each(&evidence.notices),
            cpu: evidence.cpu.as_ref().map(Cpu::from),
            heap: evidence.heap.as_ref().map(Heap::from),
            growth: evidence.growth.as_ref().map(Growth::from),
            trace: evidence.trace.as_ref().map(Trace::from),
            timeline: evidence.timeline.as_ref().map(Timeline::from),
            locks: super::each(&evidence.locks),
            misses: super::each(&evidence.misses),
            storage: evidence.storage.as_ref().map(Storage::from),
            hints: super::each(&evidence.hints),
            findings: diagnosis.findings.iter().map(|of| Finding::of(of, diagnosis)).collect(),
            total_saving: diagnosis.total_saving().map(CpuPart::from),
            // They are written one by one.
            sites: Vec::new(),
            not_measured: diagnosis.not_measured.iter().map(|&gap| gap.into()).collect(),
        }
    }
}

/// The program; null is what no input says.
#[derive(Serialize, JsonSchema)]
struct Program<'d> {
    /// Its name.
    name: Option<&'d str>,
    /// Of its executable, in hexadecimal digits.
    build_id: Option<&'d str>,
    /// Release of Go that it was built with.
    go_version: Option<String>,
    /// How its maps are implemented.
    map_impl: Option<Key<MapImpl>>,
    /// Architecture in Go's words.
    arch: Option<&'static str>,
}

impl<'d> From<&'d evidence::Program> for Program<'d> {
    fn from(program: &'d evidence::Program) -> Self {
        Self {
            name: program.name.as_deref(),
            build_id: program.build_id.as_deref(),
            go_version: super::go_version(program),
            map_impl: super::map_impl(program),
            arch: program.arch,
        }
    }
}

/// A loss or a mismatch.
#[derive(Serialize, JsonSchema)]
struct Notice<'d> {
    /// Index into `sources`; null when it is about none of them alone.
    source: Option<u32>,
    /// What to know.
    text: &'d str,
}

impl<'d> From<&'d evidence::Notice> for Notice<'d> {
    fn from(notice: &'d evidence::Notice) -> Self {
        Self { source: notice.source.map(SourceId::index), text: &notice.text }
    }
}

/// CPU time of the process.
#[derive(Serialize, JsonSchema)]
struct Cpu<'d> {
    /// Indices into `sources`.
    sources: Vec<u32>,
    /// Unit of `cpu_ns` in all costs, and of `line_ns` and `map_ns`: "nanoseconds", or "samples" where no input says what time
    /// one stands for.
    unit: Key<CpuUnit>,
    /// All of it.
    total: Cost,
    /// Wall time of the profiles; null when they do not say. Nanoseconds.
    duration_ns: Option<u64>,
    /// By map operation, those that cost something.
    by_op: By<MapOp, Cost>,
    /// By category, those that cost something; adds up to the total.
    split: By<Category, Cost>,
    /// Growth of maps.
    growth: Cost,
    /// Garbage collection.
    gc: Cost,
    /// Functions of the runtime that write maps, with all that they call.
    assign_functions: Vec<FunctionCost<'d>>,
}

impl<'d> From<&'d ProcessCpu> for Cpu<'d> {
    fn from(cpu: &'d ProcessCpu) -> Self {
        Self {
            sources: super::ids(cpu.sources.iter()),
            unit: Key(cpu.unit),
            total: cpu.total.into(),
            duration_ns: cpu.duration_ns,
            by_op: super::site::by_op(&cpu.by_op),
            split: super::site::split(&cpu.split),
            growth: cpu.growth.into(),
            gc: cpu.gc.into(),
            assign_functions: super::each(&cpu.assign_functions),
        }
    }
}

/// Allocations of the process.
#[derive(Serialize, JsonSchema)]
struct Heap {
    /// Indices into `sources`.
    sources: Vec<u32>,
    /// All of them.
    total: Alloc,
}

impl From<&evidence::ProcessHeap> for Heap {
    fn from(heap: &evidence::ProcessHeap) -> Self {
        Self { sources: super::ids(heap.sources.iter()), total: heap.total.into() }
    }
}

/// The collector, by an execution trace.
#[derive(Serialize, JsonSchema)]
struct Trace<'d> {
    /// Indices into `sources`.
    sources: Vec<u32>,
    /// How long was traced. Nanoseconds.
    duration_ns: u64,
    /// Times of marking.
    gc_cycles: Ranges,
    /// Times in which all goroutines were stopped.
    stops: Vec<Stops<'d>>,
    /// Times in which a goroutine helped to mark.
    assists: Ranges,
    /// The part of these inside map operations.
    assists_in_maps: Ranges,
    /// Whether `on_cpu_ns` of assists is what there was at least, since the trace lost stacks.
    on_cpu_is_lower_bound: bool,
    /// Times in which an allocation had to sweep first.
    sweeps: Ranges,
    /// Largest heap; null when the trace does not say. Bytes.
    heap_max_bytes: Option<u64>,
}

impl<'d> From<&'d ProcessTrace> for Trace<'d> {
    fn from(trace: &'d ProcessTrace) -> Self {
        let stops =
            |(reason, time): &'d (String, evidence::Ranges)| Stops { reason, time: (*time).into() };
        Self {
            sources: super::ids(trace.sources.iter()),
            duration_ns: trace.duration_ns,
            gc_cycles: trace.gc_cycles.into(),
            stops: trace.stops.iter().map(stops).collect(),
            assists: trace.assists.into(),
            assists_in_maps: trace.assists_in_maps.into(),
            on_cpu_is_lower_bound: trace.is_on_cpu_lower_bound,
            sweeps: trace.sweeps.into(),
            heap_max_bytes: trace.heap_max_bytes,
        }
    }
}

/// Times in which all goroutines were stopped for one reason.
#[derive(Serialize, JsonSchema)]
struct Stops<'d> {
    /// In Go's words.
    reason: &'d str,
    /// The times.
    time: Ranges,
}

/// Spans of time of one kind.
#[derive(Serialize, JsonSchema)]
pub(super) struct Ranges {
    /// Number.
    n: u64,
    /// All together. Nanoseconds.
    wall_ns: u64,
    /// The part on a CPU; null but for assists. Nanoseconds.
    on_cpu_ns: Option<u64>,
    /// The longest. Nanoseconds.
    longest_ns: u64,
}

impl From<evidence::Ranges> for Ranges {
    fn from(ranges: evidence::Ranges) -> Self {
        let evidence::Ranges { n, wall_ns, on_cpu_ns, longest_ns } = ranges;
        Self { n, wall_ns, on_cpu_ns, longest_ns }
    }
}

/// What happened when: a number for each step of time.
#[derive(Serialize, JsonSchema)]
struct Timeline {
    /// Index into `sources`.
    source: u32,
    /// Length of a step. Nanoseconds.
    step_ns: u64,
    /// Size of the heap; null where it did not change. Bytes.
    heap_bytes: Vec<Option<u64>>,
    /// Time in which the collector marked. Nanoseconds.
    gc_ns: Vec<u64>,
    /// Time in which all goroutines were stopped. Nanoseconds.
    stopped_ns: Vec<u64>,
    /// Time in which goroutines helped to mark, added up over them. Nanoseconds.
    assist_ns: Vec<u64>,
    /// CPU samples; null when there are none with a time.
    samples: Option<TimelineSamples>,
}

impl From<&evidence::Timeline> for Timeline {
    fn from(timeline: &evidence::Timeline) -> Self {
        macro_rules! column {
            ($field:ident) => {
                timeline.steps.iter().map(|step| step.$field).collect()
            };
        }
        Self {
            source: timeline.source.index(),
            step_ns: timeline.step_ns,
            heap_bytes: column!(heap_bytes),
            gc_ns: column!(gc_ns),
            stopped_ns: column!(stopped_ns),
            assist_ns: column!(assist_ns),
            samples: timeline.samples.map(|source| TimelineSamples {
                source: source.index(),
                map: column!(map_samples),
                growth: column!(growth_samples),
            }),
        }
    }
}

/// CPU samples by step of time.
#[derive(Serialize, JsonSchema)]
struct TimelineSamples {
    /// Index into `sources`.
    source: u32,
    /// Samples in map operations.
    map: Vec<u64>,
    /// The part of these in growth.
    growth: Vec<u64>,
}

/// Waiting for mutexes, by one source.
#[derive(Serialize, JsonSchema)]
struct Locks {
    /// Index into `sources`.
    source: u32,
    /// Whose stacks they are.
    side: Key<evidence::LockSide>,
    /// All of it.
    total: LockWaits,
    /// Time that the source covers; null when it does not say. Nanoseconds.
    duration_ns: Option<u64>,
}

impl From<&evidence::ProcessLocks> for Locks {
    fn from(locks: &evidence::ProcessLocks) -> Self {
        Self {
            source: locks.source.index(),
            side: Key(locks.side),
            total: locks.total.into(),
            duration_ns: locks.duration_ns,
        }
    }
}

/// Misses of one event.
#[derive(Serialize, JsonSchema)]
struct ProcessMisses<'d> {
    /// Index into `sources`.
    source: u32,
    /// In perf's words.
    event: &'d str,
    /// All of them.
    total: Misses,
}

impl<'d> From<&'d evidence::ProcessMisses> for ProcessMisses<'d> {
    fn from(of: &'d evidence::ProcessMisses) -> Self {
        Self { source: of.source.index(), event: &of.event, total: of.total.into() }
    }
}

/// A place where maps are made with a size hint.
#[derive(Serialize, JsonSchema)]
struct Hints<'d> {
    /// Where.
    #[serde(flatten)]
    frame: &'d evidence::Frame,
    /// Go's name of the type.
    map_type: &'d str,
    /// Number of maps made.
    maps: u64,
    /// Mean of the hints. Entries.
    mean_hint: f64,
}

impl<'d> From<&'d evidence::HintedMakes> for Hints<'d> {
    fn from(makes: &'d evidence::HintedMakes) -> Self {
        Self {
            frame: &makes.frame,
            map_type: &makes.map_type,
            maps: makes.n,
            mean_hint: makes.mean(),
        }
    }
}

/// Something that no input measured.
#[derive(Serialize, JsonSchema)]
struct NotMeasured {
    /// What is not known, for programs.
    key: Key<Gap>,
    /// The kind of input that measures it, as in `sources`.
    measured_by: Key<SourceKind>,
    /// What is not known.
    what: &'static str,
    /// Command that measures it.
    command: &'static str,
}

impl From<Gap> for NotMeasured {
    fn from(gap: Gap) -> Self {
        Self {
            key: Key(gap),
            measured_by: Key(gap.measured_by()),
            what: words::gap(gap),
            command: words::command(gap),
        }
    }
}
