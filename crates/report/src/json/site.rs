//! A line that uses maps.

use evidence::{CostByOp, CostSplit, Frame};
use goabi::MapOp;
use gomap::{Category, MapWork};
use schemars::JsonSchema;
use serde::Serialize;

use super::diagnosis::Ranges;
use super::growth::SiteGrowth;
use super::key::{By, Key};
use super::{Cost, MapType};

/// A line that uses maps.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Site<'d> {
    /// Where.
    #[serde(flatten)]
    frame: &'d Frame,
    /// Functions that the line was inlined into, innermost first.
    inlined_into: &'d [Frame],
    /// Where the line is in a library: the nearest callers that the user can change, by CPU time in maps of the line, at
    /// most three. Empty where the line is the user's own, or none is known.
    first_callers: Vec<Caller<'d>>,
    /// Types of maps that hold maps used here: the machine code takes them out of these, or puts them there.
    held_by: Vec<&'d str>,
    /// Whether each call of the line's function makes a map that is used here, as the machine code shows it.
    has_new_map: bool,
    /// Map calls of the line; null without the binary.
    maps: Option<Vec<SiteMap<'d>>>,
    /// CPU time; null when no profile has a sample of the line.
    cpu: Option<SiteCpu<'d>>,
    /// Allocations; null when no heap profile has a sample of the line.
    heap: Option<SiteHeap>,
    /// Growths; null without a recording.
    growth: Option<SiteGrowth<'d>>,
    /// What an execution trace says; null without one.
    trace: Option<SiteTrace>,
    /// Samples that were not added to `cpu`.
    cpu_aside: Vec<CpuAside>,
    /// Misses of caches and address translation, by source and event.
    misses: Vec<SiteMisses<'d>>,
    /// Waits for mutexes in the line's function; null when no source would have seen them.
    locks: Option<Vec<SiteLock<'d>>>,
}

impl<'d> From<&'d evidence::Site> for Site<'d> {
    fn from(site: &'d evidence::Site) -> Self {
        Self {
            frame: &site.frame,
            inlined_into: &site.inlined_into,
            first_callers: super::each(&site.first_callers),
            has_new_map: !site.new_maps.is_empty(),
            held_by: site.holders.iter().map(|of| &*of.name).collect(),
            maps: site.maps.as_deref().map(super::each),
            cpu: site.cpu.as_ref().map(SiteCpu::from),
            heap: site.heap.as_ref().map(SiteHeap::from),
            growth: site.growth.as_ref().map(SiteGrowth::from),
            trace: site.trace.as_ref().map(SiteTrace::from),
            cpu_aside: super::each(&site.cpu_aside),
            misses: super::each(&site.misses),
            locks: site
                .locks
                .as_ref()
                .map(|locks| locks.in_order().into_iter().map(SiteLock::from).collect()),
        }
    }
}

/// A line that calls a library.
#[derive(Serialize, JsonSchema)]
pub(super) struct Caller<'d> {
    /// Where.
    #[serde(flatten)]
    frame: &'d Frame,
    /// Map operations of the line in the library, when called from here.
    cost: Cost,
}

impl<'d> From<&'d evidence::FirstCaller> for Caller<'d> {
    fn from(caller: &'d evidence::FirstCaller) -> Self {
        Self { frame: &caller.frame, cost: caller.cost.into() }
    }
}

/// A map call in the binary.
#[derive(Serialize, JsonSchema)]
struct SiteMap<'d> {
    /// What it does.
    op: Key<MapOp>,
    /// The runtime's function.
    callee: &'d str,
    /// Type of the map; null when it is not known.
    map_type: Option<MapType<'d>>,
    /// Whether the type is only a possible one: generic code is called with it, but not known to be called with it alone.
    is_possible: bool,
    /// Why the type is not known; null when it is.
    unknown_because: Option<&'d str>,
}

impl<'d> From<&'d evidence::SiteMap> for SiteMap<'d> {
    fn from(map: &'d evidence::SiteMap) -> Self {
        Self {
            op: Key(map.op),
            callee: &map.callee,
            map_type: map.map_type.as_ref().ok().map(MapType::from),
            is_possible: map.is_possible,
            unknown_because: map.map_type.as_ref().err().map(String::as_str),
        }
    }
}

/// CPU time of a line.
#[derive(Serialize, JsonSchema)]
struct SiteCpu<'d> {
    /// All of the line, as `go tool pprof -lines` has it. Nanoseconds.
    line_ns: u64,
    /// Samples of it.
    line_samples: u64,
    /// The line's function.
    function: Cost,
    /// Mutexes below the function.
    function_locking: Cost,
    /// In map operations. Nanoseconds.
    map_ns: u64,
    /// Samples of these.
    map_samples: u64,
    /// The part in growth.
    growth: Cost,
    /// The collector's part of `growth`.
    growth_gc: Cost,
    /// Growing stacks of goroutines.
    stack_growth: Cost,
    /// By map operation, those that cost something.
    by_op: By<MapOp, Cost>,
    /// By category, those that cost something.
    split: By<Category, Cost>,
    /// Making strings that are keys, at the line.
    key_conversion: Cost,
    /// The same in the line's function.
    function_key_conversion: Cost,
    /// Functions of the runtime that the line calls.
    entry_points: Vec<FunctionCost<'d>>,
    /// Functions in which the samples were taken.
    leaves: Vec<FunctionCost<'d>>,
    /// Frames below the line.
    depth: Depth,
}

impl<'d> From<&'d evidence::SiteCpu> for SiteCpu<'d> {
    fn from(cpu: &'d evidence::SiteCpu) -> Self {
        let evidence::Depth { mean, hot, max } = cpu.depth;
        Self {
            line_ns: cpu.line.cpu_ns,
            line_samples: cpu.line.samples,
            function: cpu.function.into(),
            function_locking: cpu.function_locking.into(),
            map_ns: cpu.map.cpu_ns,
            map_samples: cpu.map.samples,
            growth: cpu.growth.into(),
            growth_gc: cpu.growth_gc.into(),
            stack_growth: cpu.stack_growth.into(),
            by_op: by_op(&cpu.by_op),
            split: split(&cpu.split),
            key_conversion: cpu.key_conversion.into(),
            function_key_conversion: cpu.function_key_conversion.into(),
            entry_points: super::each(&cpu.entry_points),
            leaves: super::each(&cpu.leaves),
            depth: Depth { mean, hot, max },
        }
    }
}

/// How many frames are below a line.
#[derive(Serialize, JsonSchema)]
struct Depth {
    /// Mean over samples.
    mean: f64,
    /// Of the most frequent stack.
    hot: u32,
    /// Most.
    max: u32,
}

/// A function with all that it calls, or alone.
#[derive(Serialize, JsonSchema)]
pub(super) struct FunctionCost<'d> {
    /// As the runtime names it.
    name: &'d str,
    /// Its cost.
    #[serde(flatten)]
    cost: Cost,
}

impl<'d> From<&'d evidence::FunctionCost> for FunctionCost<'d> {
    fn from(function: &'d evidence::FunctionCost) -> Self {
        Self { name: &function.name, cost: function.cost.into() }
    }
}

/// Operations that cost something.
pub(super) fn by_op(costs: &CostByOp) -> By<MapOp, Cost> {
    non_zero(MapOp::ALL.into_iter().map(|op| (op, costs.get(op))))
}

/// Categories that cost something.
pub(super) fn split(costs: &CostSplit) -> By<Category, Cost> {
    non_zero(Category::ALL.into_iter().map(|category| (category, costs.get(category))))
}

fn non_zero<K>(entries: impl Iterator<Item = (K, evidence::Cost)>) -> By<K, Cost> {
    let costs = entries.filter(|(_, cost)| *cost != evidence::Cost::default());
    costs.map(|(key, cost)| (key, cost.into())).collect()
}

/// Allocations of a line.
#[derive(Serialize, JsonSchema)]
struct SiteHeap {
    /// All of them.
    total: Alloc,
    /// By size of the block.
    blocks: Vec<Block>,
}

impl From<&evidence::SiteHeap> for SiteHeap {
    fn from(heap: &evidence::SiteHeap) -> Self {
        Self { total: heap.total.into(), blocks: super::each(&heap.blocks) }
    }
}

/// Allocated blocks of one size.
#[derive(Serialize, JsonSchema)]
struct Block {
    /// Size of a block. Bytes.
    block_bytes: u64,
    /// Entries that a map has room for in such a block; null when it is no map's.
    map_capacity: Option<u64>,
    /// The blocks.
    alloc: Alloc,
}

impl From<&evidence::Block> for Block {
    fn from(block: &evidence::Block) -> Self {
        Self {
            block_bytes: block.block_bytes,
            map_capacity: block.map_capacity,
            alloc: block.alloc.into(),
        }
    }
}

/// Allocations, as heap profiles scale them; null where the profile has no values of that type.
#[derive(Serialize, JsonSchema)]
pub(super) struct Alloc {
    /// Objects allocated.
    alloc_objects: Option<u64>,
    /// Bytes allocated.
    alloc_bytes: Option<u64>,
    /// Objects live.
    inuse_objects: Option<u64>,
    /// Bytes live.
    inuse_bytes: Option<u64>,
}

impl From<evidence::Alloc> for Alloc {
    fn from(alloc: evidence::Alloc) -> Self {
        let evidence::Alloc { alloc_objects, alloc_bytes, inuse_objects, inuse_bytes } = alloc;
        Self { alloc_objects, alloc_bytes, inuse_objects, inuse_bytes }
    }
}

/// What an execution trace says of a line.
#[derive(Serialize, JsonSchema)]
struct SiteTrace {
    /// Mark assists inside map operations of the line.
    assists: Ranges,
    /// The part of these under growth.
    growth_assists: Ranges,
    /// Goroutines that write maps at the line; null when none was seen.
    writers: Option<Writers>,
}

impl From<&evidence::SiteTrace> for SiteTrace {
    fn from(trace: &evidence::SiteTrace) -> Self {
        Self {
            assists: trace.assists.into(),
            growth_assists: trace.growth_assists.into(),
            writers: trace.writers.map(Writers::from),
        }
    }
}

/// Goroutines that write maps at a line.
#[derive(Serialize, JsonSchema)]
struct Writers {
    /// Number.
    goroutines: u64,
    /// Time in which they ran. Nanoseconds.
    busy_ns: u64,
    /// All of their mark assists.
    assists: Ranges,
}

impl From<evidence::Writers> for Writers {
    fn from(evidence::Writers { n, busy_ns, assists }: evidence::Writers) -> Self {
        Self { goroutines: n, busy_ns, assists: assists.into() }
    }
}

/// CPU samples of a source that were not added to others.
#[derive(Serialize, JsonSchema)]
struct CpuAside {
    /// Index into `sources`.
    source: u32,
    /// All of the source.
    total: Cost,
    /// In map operations of the line.
    map: Cost,
    /// The part in growth.
    growth: Cost,
}

impl From<&evidence::CpuAside> for CpuAside {
    fn from(aside: &evidence::CpuAside) -> Self {
        Self {
            source: aside.source.index(),
            total: aside.total.into(),
            map: aside.map.into(),
            growth: aside.growth.into(),
        }
    }
}

/// Misses of one event at a line.
#[derive(Serialize, JsonSchema)]
struct SiteMisses<'d> {
    /// Index into `sources`.
    source: u32,
    /// In perf's words.
    event: &'d str,
    /// In map operations of the line.
    map: Misses,
    /// The part that loads groups or buckets and compares tags and keys.
    search: Misses,
    /// By what the operation was doing; the rest of `map` is in none.
    by_work: By<MapWork, Misses>,
}

impl<'d> From<&'d evidence::SiteMisses> for SiteMisses<'d> {
    fn from(of: &'d evidence::SiteMisses) -> Self {
        Self {
            source: of.source.index(),
            event: &of.event,
            map: of.map.into(),
            search: of.search().into(),
            by_work: MapWork::ALL.into_iter().map(|work| (work, of.get(work).into())).collect(),
        }
    }
}

/// Sampled events.
#[derive(Serialize, JsonSchema)]
pub(super) struct Misses {
    /// Samples.
    samples: u64,
    /// Events that they stand for.
    events: u64,
}

impl From<evidence::Misses> for Misses {
    fn from(evidence::Misses { samples, events }: evidence::Misses) -> Self {
        Self { samples, events }
    }
}

/// Waits for a mutex in a line's function.
#[derive(Serialize, JsonSchema)]
struct SiteLock<'d> {
    /// Index into `sources`.
    source: u32,
    /// Whose stacks they are.
    side: Key<evidence::LockSide>,
    /// Function of the mutex.
    call: &'d str,
    /// The line that calls it.
    at: &'d Frame,
    /// The waits.
    waits: LockWaits,
}

impl<'d> From<&'d evidence::SiteLock> for SiteLock<'d> {
    fn from(lock: &'d evidence::SiteLock) -> Self {
        Self {
            source: lock.source.index(),
            side: Key(lock.side),
            call: &lock.call,
            at: &lock.frame,
            waits: lock.waits.into(),
        }
    }
}

/// Waits for mutexes.
#[derive(Serialize, JsonSchema)]
pub(super) struct LockWaits {
    /// Number.
    n: u64,
    /// All together. Nanoseconds.
    ns: u64,
}

impl From<evidence::Waits> for LockWaits {
    fn from(evidence::Waits { n, ns }: evidence::Waits) -> Self {
        Self { n, ns }
    }
}
