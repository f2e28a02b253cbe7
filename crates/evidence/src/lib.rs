//! What all inputs together say about one program.

mod builder;
mod growth;
mod line;
mod locks;
mod misses;
mod printable;
pub mod sampling;
pub mod sizes;
mod sources;
mod storage;
mod timeline;
mod trace;
pub mod words;

use std::iter::Sum;
use std::ops::AddAssign;
use std::sync::Arc;

pub use self::builder::{Builder, CodeMaps, OfSource, Related, Stated};
pub use self::growth::{
    Bounds, Figure, GroupId, GrowStep, Growth, HintedMakes, Precision, ProcessGrowth, Sampled,
    SiteGrowth, TypeGrowth, Windows,
};
pub use self::line::{FunctionId, LineId, LineTable, PathId};
pub use self::locks::{LockSide, ProcessLocks, SiteLock, SiteLocks, Waits};
pub use self::misses::{Misses, ProcessMisses, SiteMisses};
pub use self::printable::printable;
pub use self::sources::{Source, SourceId, SourceIds, SourceKind, Sources};
pub use self::storage::{BlockWrites, DurableWrites, IoCalls, IoSite, ProcessStorage, WriteSizes};
pub use self::timeline::{Timeline, TimelineStep};
pub use self::trace::{ProcessTrace, Ranges, SiteTrace, Writers};
use goabi::{GoVersion, MapAbi, MapImpl, MapOp, Nested, Release};
use gomap::{Category, Layout, MapWork};
use schemars::JsonSchema;
use serde::Serialize;

/// Everything measured about one program; what no source measured is `None`.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// The inputs, in the order given.
    pub sources: Sources,
    /// What the program is.
    pub program: Program,
    /// CPU cost of the process; `None` without a CPU profile.
    pub cpu: Option<ProcessCpu>,
    /// Heap of the process; `None` without a heap profile.
    pub heap: Option<ProcessHeap>,
    /// Growth of the process' maps; `None` without a recording.
    pub growth: Option<ProcessGrowth>,
    /// What the garbage collector did to goroutines; `None` without an execution trace.
    pub trace: Option<ProcessTrace>,
    /// Steps of the trace's time; `None` without an execution trace. Of several the first.
    pub timeline: Option<Timeline>,
    /// Waiting for locks, by source; empty without a mutex profile, a block profile or an execution trace.
    pub locks: Vec<ProcessLocks>,
    /// Misses of caches and of the translation of addresses, by source and event; empty when no event counted them.
    pub misses: Vec<ProcessMisses>,
    /// Writes to files and devices; `None` without their tracepoints in a `perf.data`.
    pub storage: Option<ProcessStorage>,
    /// Places at which maps are made with a size hint, as a recording saw them; most maps first.
    pub hints: Vec<HintedMakes>,
    /// Places at which maps are used. Order: by CPU in maps; then those without by bytes allocated, then by bytes moved;
    /// then by function.
    pub sites: Vec<Site>,
    /// Every map type of the binary, by name; empty without a binary.
    pub map_types: Vec<MapType>,
    /// Places at which maps are made: in the functions of `sites`, and those of maps of the types used there.
    pub makes: Vec<MakeSite>,
    /// What code of the program does with maps of each type, whether or not an input measured it. Sorted, each once; empty
    /// without a binary.
    pub code_ops: Vec<CodeOp>,
    /// Losses, mismatches and other things the reader has to know, as sentences.
    pub notices: Vec<Notice>,
    /// Call tree for flame graphs, when asked for.
    pub stacks: Option<StackTree>,
}

impl Evidence {
    /// Whether an input measured the program as it ran: all do but the binary, heap profiles that another replaced, and traces of a
    /// time that another covers.
    pub fn measures(&self, id: SourceId) -> bool {
        let is_used = |source: &Source| match source.kind {
            SourceKind::Binary => false,
            SourceKind::Heap => self.heap.as_ref().is_some_and(|heap| heap.sources.contains(id)),
            SourceKind::Trace => self.trace.as_ref().is_some_and(|of| of.sources.contains(id)),
            _ => true,
        };
        self.sources.get(id).is_some_and(is_used)
    }

    /// Number of inputs that measured the program as it ran.
    pub fn n_measuring(&self) -> usize {
        self.sources.with_ids().filter(|&(id, _)| self.measures(id)).count()
    }

    /// Derives of all growths how many there can have been, and how large the maps became.
    pub fn derive_sizes(&mut self) {
        let map = self.program.maps();
        let windows = self.growth.as_ref().map_or(&[][..], |process| &process.windows);
        let growths = self.sites.iter_mut().filter_map(|site| site.growth.as_mut());
        for growth in growths.flat_map(|growth| &mut growth.types) {
            growth.grows_range = sampling::grows_range(windows, growth);
            growth.sizes = sizes::FinalSizes::of(map, windows, growth);
        }
    }

    /// Whether code of the program does this with maps of this type; false too where the machine code does not say which
    /// type it is, and without a binary.
    pub fn has_code(&self, op: MapOp, map_type: &MapType) -> bool {
        let wanted = (map_type.name.as_str(), op);
        self.code_ops.binary_search_by(|of| (of.map_type.as_str(), of.op).cmp(&wanted)).is_ok()
    }

    /// The inputs from which what this kind measures was summed; `None` when none measured it. CPU time may be of `perf`
    /// or of a recording.
    pub fn sources_of(&self, kind: SourceKind) -> Option<SourceIds> {
        match kind {
            SourceKind::Cpu => self.cpu.as_ref().map(|cpu| cpu.sources.clone()),
            SourceKind::Heap => self.heap.as_ref().map(|heap| heap.sources.clone()),
            SourceKind::Recording => self.growth.as_ref().map(|growth| growth.sources.clone()),
            SourceKind::Trace => self.trace.as_ref().map(|trace| trace.sources.clone()),
            SourceKind::Contention | SourceKind::Perf | SourceKind::Binary => {
                self.sources.of_kind(kind)
            }
        }
    }
}

/// Identity of the program.
#[derive(Debug, Clone, Default)]
pub struct Program {
    /// File name of the main binary.
    pub name: Option<String>,
    /// Build id of the main binary, hexadecimal.
    pub build_id: Option<String>,
    /// Go release, and what said so.
    pub go_version: Option<(GoVersion, SourceId)>,
    /// Map implementation, and what said so.
    pub map_impl: Option<(MapImpl, SourceId)>,
    /// Architecture by Go's name (`amd64`), from the binary.
    pub arch: Option<&'static str>,
}

impl Program {
    /// What is known of its release; `None` for one that is not known.
    pub fn release(&self) -> Option<&'static Release> {
        Release::of(self.go_version?.0)
    }

    /// What is known of its maps; `None` unless release and implementation are known.
    pub fn maps(&self) -> Option<&'static MapAbi> {
        self.release()?.map(self.map_impl?.0)
    }
}

/// A sentence the reader has to know, and the input it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The input concerned.
    pub source: Option<SourceId>,
    /// What was lost or does not fit, and what to do about it.
    pub text: String,
}

/// CPU time with the number of samples it rests on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Number of samples.
    pub samples: u64,
    /// Units: nanoseconds of CPU time, or as [`ProcessCpu::unit`] says.
    pub cpu_ns: u64,
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.samples = self.samples.saturating_add(other.samples);
        self.cpu_ns = self.cpu_ns.saturating_add(other.cpu_ns);
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), |mut sum, cost| {
            sum += cost;
            sum
        })
    }
}

impl Cost {
    /// What is left of `self` without a part of it.
    pub fn without(self, part: Self) -> Self {
        Self {
            samples: self.samples.saturating_sub(part.samples),
            cpu_ns: self.cpu_ns.saturating_sub(part.cpu_ns),
        }
    }

    /// The most that [`Cost::share_of`] may well be: two standard errors above it, by the number of samples of `whole`.
    pub fn share_at_most(self, whole: Self) -> f64 {
        let share = self.share_of(whole);
        let variance = share * (1.0 - share).max(0.0) / whole.samples.max(1) as f64;
        (share + 2.0 * variance.sqrt()).min(1.0)
    }

    /// `self` as a fraction of `whole`, 0.0 when `whole` is empty.
    pub fn share_of(self, whole: Self) -> f64 {
        if whole.cpu_ns == 0 { 0.0 } else { self.cpu_ns as f64 / whole.cpu_ns as f64 }
    }
}

/// Cost per [`Category`]; the parts add up to the whole they were split from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CostSplit(pub [Cost; Category::ALL.len()]);

impl CostSplit {
    /// Cost in one category.
    pub fn get(&self, category: Category) -> Cost {
        self.0[category as usize]
    }

    /// Adds to one category.
    pub fn add(&mut self, category: Category, cost: Cost) {
        self.0[category as usize] += cost;
    }
}

/// Cost per [`MapOp`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CostByOp(pub [Cost; MapOp::ALL.len()]);

impl CostByOp {
    /// Cost of one operation.
    pub fn get(&self, op: MapOp) -> Cost {
        self.0[op as usize]
    }

    /// Adds to one operation.
    pub fn add(&mut self, op: MapOp, cost: Cost) {
        self.0[op as usize] += cost;
    }
}

/// Cost per [`MapWork`]; what a map operation does beside these is in none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CostByWork(pub [Cost; MapWork::ALL.len()]);

impl CostByWork {
    /// Cost of one kind of work.
    pub fn get(&self, work: MapWork) -> Cost {
        self.0[work as usize]
    }

    /// Adds to one kind of work.
    pub fn add(&mut self, work: MapWork, cost: Cost) {
        self.0[work as usize] += cost;
    }
}

/// A function with a cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionCost {
    /// Name as in the profile.
    pub name: Arc<str>,
    /// Its cost; the field that holds this says whether own or cumulative.
    pub cost: Cost,
}

/// What [`Cost::cpu_ns`] counts in costs of a process, but for those of samples beside ([`CpuAside`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CpuUnit {
    /// Nanoseconds of CPU time.
    #[default]
    Nanoseconds,
    /// Samples: inputs do not say how much time one stands for. Shares mean something, times do not.
    Samples,
}

/// CPU cost of the process.
#[derive(Debug, Clone)]
pub struct ProcessCpu {
    /// Profiles it was summed from.
    pub sources: SourceIds,
    /// What costs are measured in.
    pub unit: CpuUnit,
    /// All samples.
    pub total: Cost,
    /// Samples that may be map operations, and have no names where these would stand.
    pub unnamed: Cost,
    /// All samples by category.
    pub split: CostSplit,
    /// Samples inside map operations, by operation.
    pub by_op: CostByOp,
    /// Samples under growth frames, whatever they do there (moving, allocating, assisting the collector).
    pub growth: Cost,
    /// Garbage collection: background, assists, starts and stops.
    pub gc: Cost,
    /// The allocator, whoever asks it, without what it does for the collector.
    pub allocation: Cost,
    /// Cumulative cost of each `runtime.mapassign*` seen, largest first.
    pub assign_functions: Vec<FunctionCost>,
    /// Units: nanoseconds of wall time the profiles cover; `None` when they do not say.
    pub duration_ns: Option<u64>,
}

impl ProcessCpu {
    /// Of inputs in which nothing was counted yet.
    pub fn of(sources: impl Into<SourceIds>) -> Self {
        Self {
            sources: sources.into(),
            unit: CpuUnit::default(),
            total: Cost::default(),
            unnamed: Cost::default(),
            split: CostSplit::default(),
            by_op: CostByOp::default(),
            growth: Cost::default(),
            gc: Cost::default(),
            allocation: Cost::default(),
            assign_functions: Vec::new(),
            duration_ns: None,
        }
    }
}

/// Heap of the process.
#[derive(Debug, Clone)]
pub struct ProcessHeap {
    /// The profile it is from.
    pub sources: SourceIds,
    /// All allocations. Units: as in [`Alloc`].
    pub total: Alloc,
    /// One allocation was sampled for so many bytes on average; up to 1 all were; `None` where the profile does not say.
    /// Units: bytes.
    pub bytes_per_sample: Option<u64>,
}

/// Allocation figures as the heap profile scales them; `None` where it has no values of that type, as exports of one type
/// alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Alloc {
    /// Objects allocated since the start of the program.
    pub alloc_objects: Option<u64>,
    /// Bytes allocated since the start of the program.
    pub alloc_bytes: Option<u64>,
    /// Objects live at the last collection.
    pub inuse_objects: Option<u64>,
    /// Bytes live at the last collection.
    pub inuse_bytes: Option<u64>,
}

impl AddAssign for Alloc {
    fn add_assign(&mut self, other: Self) {
        let sum = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.saturating_add(other)),
            (one, other) => one.or(other),
        };
        self.alloc_objects = sum(self.alloc_objects, other.alloc_objects);
        self.alloc_bytes = sum(self.alloc_bytes, other.alloc_bytes);
        self.inuse_objects = sum(self.inuse_objects, other.inuse_objects);
        self.inuse_bytes = sum(self.inuse_bytes, other.inuse_bytes);
    }
}

impl Sum for Alloc {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), |mut sum, part| {
            sum += part;
            sum
        })
    }
}

// Names are shared: inputs can repeat one in millions of lines.
/// A function at a line of source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Frame {
    /// Go's name of the function, with package path.
    pub function: Arc<str>,
    /// Source file as the compiler recorded it.
    pub file: Arc<str>,
    /// Line, from 1; 0 when unknown.
    pub line: u32,
}

impl Frame {
    /// Whether it is a line of the program: `[stack not recorded]` and its like stand for any line.
    pub fn is_known(&self) -> bool {
        self.line > 0 || !self.function.starts_with('[')
    }
}

/// A line of user code at which maps are used: the frame nearest the runtime call.
#[derive(Debug, Clone, Default)]
pub struct Site {
    /// The line.
    pub frame: Frame,
    /// Functions that `frame` was inlined into, innermost first; empty when it was not inlined.
    pub inlined_into: Vec<Frame>,
    /// Where `frame` is in a library: the nearest callers that the user can change, by CPU time in maps of the line, at most
    /// three; empty where the line is the user's own, or none is known.
    pub first_callers: Vec<FirstCaller>,
    /// Where `frame` is in generic code: the nearest lines that call it and are not generic, of all its CPU samples; empty where
    /// they are not known. Sortedness: by frame.
    pub generic_callers: Vec<Frame>,
    /// Maps used at this line according to the binary. `None` without a binary of this program.
    pub maps: Option<Vec<SiteMap>>,
    /// Types of maps that hold maps used here: the machine code takes them out of these, or puts them there.
    pub holders: Vec<MapType>,
    /// Where maps used here are made, as far as the machine code shows it: in the same function, or where a map is put into the
    /// field of a struct that these are taken out of.
    pub made: Vec<MakeSite>,
    /// Names of the types of maps used here that may come from elsewhere as well.
    pub made_elsewhere: Vec<String>,
    /// Lines of the function that write to a map which is read here, as far as the machine code shows it.
    pub written_at: Vec<Frame>,
    /// Names of the types of maps used here that each call of the line's function makes.
    pub new_maps: Vec<String>,
    /// CPU cost; `None` when no CPU profile has it.
    pub cpu: Option<SiteCpu>,
    /// Allocations at this line; `None` when no heap profile was given or none has it.
    pub heap: Option<SiteHeap>,
    /// Growth of the maps written here; `None` without a recording. Empty when no growth was met.
    pub growth: Option<SiteGrowth>,
    /// What goroutines had to do for the collector here; `None` without an execution trace.
    pub trace: Option<SiteTrace>,
    /// CPU cost by samples that were not added to `cpu`, since another tool took them; by source.
    pub cpu_aside: Vec<CpuAside>,
    /// Misses in map operations of this line, by source and event.
    pub misses: Vec<SiteMisses>,
    /// Waits for locks that the function of this line takes or gives back; `None` when no source would have seen them.
    pub locks: Option<SiteLocks>,
}

impl Site {
    /// A line of which nothing is measured yet.
    pub fn at(frame: Frame) -> Self {
        Self { frame, ..Self::default() }
    }

    /// The types of maps used here, as far as they are known. Order: as in `maps`.
    pub fn known_types(&self) -> impl Iterator<Item = &MapType> {
        self.maps.iter().flatten().filter_map(SiteMap::known_type)
    }

    /// The type of the maps used here, if it is the only one that is known.
    pub fn only_type(&self) -> Option<&MapType> {
        let mut types = self.known_types();
        let first = types.next()?;
        types.all(|of| of.name == first.name).then_some(first)
    }

    /// Whether it is known that maps of this type are used here.
    pub fn uses(&self, map_type: &MapType) -> bool {
        self.known_types().any(|of| of.name == map_type.name)
    }

    /// The type of the maps that hold the maps of this type used here. That a type of that kind exists somewhere in the
    /// program, or is used nearby, does not say so.
    pub fn outer_type(&self, inner: &MapType) -> Option<&MapType> {
        let holds_it =
            |outer: &&MapType| outer.nested == Nested::Direct && outer.elem.name == inner.name;
        self.holders.iter().find(holds_it)
    }
}

/// CPU cost of a line by samples of another tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuAside {
    /// The source.
    pub source: SourceId,
    /// All of the process.
    pub total: Cost,
    /// Map operations at this line.
    pub map: Cost,
    /// The part of `map` under growth.
    pub growth: Cost,
}

/// A line that calls a library in which a line uses maps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstCaller {
    /// The line.
    pub frame: Frame,
    /// What the map operations cost when called from there.
    pub cost: Cost,
}

/// A map operation that the machine code performs at a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteMap {
    /// What is done.
    pub op: MapOp,
    /// Runtime function called: `runtime.mapassign_faststr`.
    pub callee: String,
    /// The map's type, or why the machine code does not say.
    pub map_type: Result<MapType, String>,
    /// Whether the type is only a possible one: generic code is called with it, but not known to be called with it alone.
    pub is_possible: bool,
}

impl SiteMap {
    /// The map's type, where it is known.
    pub fn known_type(&self) -> Option<&MapType> {
        self.map_type.as_ref().ok().filter(|_| !self.is_possible)
    }
}

/// A line at which the machine code makes a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MakeSite {
    /// The line.
    pub frame: Frame,
    /// Name of the map's type; `None` when the machine code does not say.
    pub map_type: Option<String>,
    /// Whether `make` has a size hint, of a constant larger than 8 or of any other number.
    pub has_hint: bool,
    /// Whether the map does not leave the function, by the compiler's own proof: it stands in the stack frame.
    pub is_local: bool,
}

/// An operation that some code of the program performs on maps of a type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CodeOp {
    /// Go's name of the type.
    pub map_type: String,
    /// What is done.
    pub op: MapOp,
}

/// A Go map type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapType {
    /// Go's name: `map[string]map[string]int`.
    pub name: String,
    /// Key.
    pub key: TypePart,
    /// Element.
    pub elem: TypePart,
    /// Whether the element is or reaches a map.
    pub nested: Nested,
    /// Units: bytes of one bucket (classic) or group (Swiss) of 8 entries.
    pub group_bytes: u64,
}

impl MapType {
    /// Whether its elements are slices.
    pub fn holds_slices(&self) -> bool {
        self.elem.name.starts_with("[]")
    }

    /// What decides the size of this type's arrays; `None` for a release that is not known.
    pub fn layout(&self, map_impl: MapImpl, version: GoVersion) -> Option<Layout> {
        let has_pointers = self.key.has_pointers || self.elem.has_pointers;
        Layout::new(map_impl, version, self.group_bytes, has_pointers)
    }
}

/// Key or element of a map type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypePart {
    /// Go's name.
    pub name: String,
    /// Units: bytes.
    pub size: u64,
    /// Whether the garbage collector has to look into it.
    pub has_pointers: bool,
    /// Whether it is an interface type, whose hash goes through the dynamic type.
    pub is_interface: bool,
}

/// CPU cost at a site.
#[derive(Debug, Clone, Default)]
pub struct SiteCpu {
    /// Every sample whose stack passes through this line: `cum` of `go tool pprof -lines`.
    pub line: Cost,
    /// Every sample whose stack passes through this line's function.
    pub function: Cost,
    /// The part of `function` inside mutexes of package sync, in functions that it calls included.
    pub function_locking: Cost,
    /// The part of `line` that this line spends in map operations it calls directly.
    pub map: Cost,
    /// `map` by operation.
    pub by_op: CostByOp,
    /// `map` by category; key conversion done by this line outside the map operation stands in
    /// [`SiteCpu::key_conversion`], not here.
    pub split: CostSplit,
    /// `map` by what is done, whichever the operation.
    pub by_work: CostByWork,
    /// The part of `map` under growth frames, whatever it does there.
    pub growth: Cost,
    /// The part of `growth` that is the garbage collector's.
    pub growth_gc: Cost,
    /// The part of `map` that moves the goroutine's stack to a larger one.
    pub stack_growth: Cost,
    /// The part of `line` outside `map` that makes strings or interface values.
    pub key_conversion: Cost,
    /// The same where the line makes strings: interface values are then what these are made of.
    pub key_strings: Cost,
    /// Strings made by lines of the site's function up to this one; they may feed other maps too, or none.
    pub function_key_conversion: Cost,
    /// The function that makes most strings of those which the line's function calls just before it, or on it.
    pub key_helper: Option<FunctionCost>,
    /// The part of `line` outside `map` that grows slices which this line appends to.
    pub slice_growth: Cost,
    /// Growing slices which any line of the site's function appends to.
    pub function_slice_growth: Cost,
    /// Runtime functions that this line calls, with their cumulative cost below this line, largest first.
    pub entry_points: Vec<FunctionCost>,
    /// Leaf functions of `map` with own cost, largest first; at most 12.
    pub leaves: Vec<FunctionCost>,
    /// Frames between the site's frame and the leaf.
    pub depth: Depth,
    /// Lines of the user that call this one, directly or in a few steps, in functions that samples show to lock mutexes or to
    /// make strings. Those that it is inlined into are none. Order: by `map`, largest first; at most 12.
    pub callers: Vec<Caller>,
}

/// A line that calls a function which uses maps.
#[derive(Debug, Clone, Default)]
pub struct Caller {
    /// The line.
    pub frame: Frame,
    /// How many frames of the user it is above the site's, 1 for one that calls its function.
    pub n_above: u32,
    /// The part of the site's map cost that is below this line.
    pub map: Cost,
    /// Every sample whose stack passes through this line's function.
    pub function: Cost,
    /// The part of `function` inside mutexes of package sync, in functions that it calls included.
    pub function_locking: Cost,
    /// Strings made by the line itself, and by those of its function just before it.
    pub key_conversion: Cost,
    /// Waits for locks that its function takes or gives back; none when no source would have seen them.
    pub locks: SiteLocks,
}

/// Number of frames, inlined ones included, between the user's frame and the leaf.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Depth {
    /// Mean over samples.
    pub mean: f64,
    /// Depth of the stack shape that holds the most samples.
    pub hot: u32,
    /// Deepest.
    pub max: u32,
}

/// Allocations at a site.
#[derive(Debug, Clone, Default)]
pub struct SiteHeap {
    /// Sum over all block sizes.
    pub total: Alloc,
    /// By size of block, ascending; what a map's growth allocates stands out as a ladder of sizes.
    pub blocks: Vec<Block>,
}

/// Allocations of one block size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Units: bytes, from the profile's `bytes` label; 0 when the sample had none.
    pub block_bytes: u64,
    /// Allocations of this size.
    pub alloc: Alloc,
    /// Entries a map has room for when its array has this size, where the type is known and the size fits it.
    pub map_capacity: Option<u64>,
}

impl SiteHeap {
    /// Blocks that are arrays of maps.
    pub fn arrays(&self) -> impl Iterator<Item = &Block> {
        self.blocks.iter().filter(|block| block.is_array())
    }
}

impl Block {
    /// Whether it is known to be an array of a map.
    pub fn is_array(&self) -> bool {
        self.map_capacity.is_some()
    }
}

/// Call tree of CPU samples, root first. Node 0 is the root and has no name.
#[derive(Debug, Clone, Default)]
pub struct StackTree {
    /// Names that nodes refer to.
    pub names: Vec<Arc<str>>,
    /// Nodes; a child's index is larger than its parent's.
    pub nodes: Vec<StackNode>,
}

/// A node of a [`StackTree`].
#[derive(Debug, Clone, Copy)]
pub struct StackNode {
    /// Index into [`StackTree::names`].
    pub name: u32,
    /// Index of the parent in [`StackTree::nodes`]; the root is its own parent.
    pub parent: u32,
    /// Cost of samples that end here.
    pub own: Cost,
}
