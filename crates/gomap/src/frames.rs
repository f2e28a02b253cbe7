//! What a runtime function's name says about the cost of a map operation.
//!
//! 1. [`classify_function`] matches a name against [`RULES`], once per function.
//! 2. [`classify_stack`] combines the frames of a stack: the operation is the root-most map function, the phase stands
//!    between it and the leaf, the kind is what the leaf does, unless a write barrier, the garbage collector or the
//!    allocator stands between.
//! 3. [`StackClass::category`] puts operation, phase and kind into one partition.
//!
//! Source of the names: runtime/map*.go, internal/runtime/maps, runtime/mgc*.go of Go 1.21 to 1.27, and profiles of
//! all of them.

use std::sync::LazyLock;

use goabi::MapOp;
use regex::RegexSet;

/// The part of a map operation between its entry and the leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// No growth: the lookup or the store itself; all of an iteration, a clone and a `clear`.
    Steady,
    /// The first bucket or group of a map; a size hint does not remove it.
    FirstAlloc,
    /// New bucket or group arrays for growth.
    GrowthAlloc,
    /// Re-insertion of entries for growth.
    GrowthMove,
}

/// What the leaf of a stack is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Hash function.
    Hash,
    /// Comparison of keys.
    KeyCompare,
    /// Search in buckets or groups.
    Probe,
    /// Write barrier of the garbage collector.
    WriteBarrier,
    /// Mark work charged to an allocating goroutine.
    GcAssist,
    /// Sweep work charged to an allocating goroutine.
    GcSweepAssist,
    /// Start or end of a collection, run on a user stack.
    GcStartStop,
    /// Background mark workers.
    GcMark,
    /// Background sweeper.
    GcSweep,
    /// Background scavenger.
    GcScavenge,
    /// Allocator.
    Malloc,
    /// Clearing of memory, page faults of fresh arrays included.
    Zeroing,
    /// Copying of memory.
    Copy,
    /// Making a string or interface value: formatting, concatenation, conversion.
    KeyConversion,
    /// None of the above.
    Other,
}

/// Where the CPU time of a map goes: a partition, each sample is in exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Category {
    /// Hashing of keys in writes, outside growth.
    Hash,
    /// Search and key comparison in writes.
    Probe,
    /// Growth: rehash, evacuation, split.
    GrowthMove,
    /// Growth: memory for new arrays, its zeroing included.
    GrowthMemory,
    /// Header and first group of new maps.
    Create,
    /// Mark and sweep work charged to a goroutine that allocates.
    GcAssist,
    /// Background garbage collection (of the whole process: profiles do not say for whom).
    GcBackground,
    /// Write barriers.
    WriteBarrier,
    /// Map reads.
    Read,
    /// Map iteration, cloning included.
    Iterate,
    /// Deletes and `clear`.
    DeleteClear,
    /// Making strings and interface values, as keys are made; whether they become keys, a profile does not say.
    KeyConversion,
    /// Inside a map operation, none of the above.
    OtherMap,
    /// Outside map operations.
    OffMap,
}

impl Category {
    /// All categories, in display order; `ALL[category as usize] == category`.
    pub const ALL: [Self; 14] = [
        Self::Hash,
        Self::Probe,
        Self::GrowthMove,
        Self::GrowthMemory,
        Self::Create,
        Self::GcAssist,
        Self::GcBackground,
        Self::WriteBarrier,
        Self::Read,
        Self::Iterate,
        Self::DeleteClear,
        Self::KeyConversion,
        Self::OtherMap,
        Self::OffMap,
    ];
}

/// What a map operation does at a moment, whichever operation it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MapWork {
    /// Hashes the key: reads what a string points to.
    Hash,
    /// Looks for the key: loads groups or buckets and compares their tags; of fast variants keys in them too.
    Load,
    /// Compares keys outside groups or buckets: what strings point to.
    Compare,
    /// Grows.
    Growth,
}

impl MapWork {
    /// All kinds of work, in display order; `ALL[work as usize] == work`.
    pub const ALL: [Self; 4] = [Self::Hash, Self::Load, Self::Compare, Self::Growth];
}

/// Whether what a function calls is not of Go: it is not of Go itself, as its name has no package, or is the runtime's and calls
/// C, the kernel or its pages in each process, or stands for these.
///
/// Source: runtime/cgocall.go, runtime/proc.go (`sigprofNonGo`), runtime/sys_linux_*.s, internal/runtime/syscall, Go 1.21 to 1.27.
pub fn calls_other_code(name: &str) -> bool {
    const OTHERS: [&str; 19] = [
        "runtime.cgocall",
        "runtime.asmcgocall",
        "runtime.asmcgocall_no_g",
        "runtime.asmcgocall_landingpad",
        "runtime.racecall",
        "runtime._ExternalCode",
        "runtime._LostExternalCode",
        "runtime._System",
        "runtime._VDSO",
        "runtime.nanotime1",
        "runtime.walltime",
        "runtime.vgetrandom1",
        "time.now",
        "runtime.futex",
        "runtime.epollwait",
        "runtime.madvise",
        "runtime.usleep",
        "internal/runtime/syscall.Syscall6",
        "runtime/internal/syscall.Syscall6",
    ];
    let name = name.strip_suffix(".abi0").unwrap_or(name);
    !name.contains('.') || name.contains("::") || OTHERS.contains(&name)
}

/// What a function's name says, worked out once per function; [`classify_stack`] combines them per stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FrameClass(u32);

/// Bits of a [`FrameClass`]. The lowest four hold the operation, counted from 1.
mod bits {
    pub(super) const OP: u32 = 0xf;
    pub(super) const FIRST_ALLOC: u32 = 1 << 4;
    pub(super) const GROWTH_ALLOC: u32 = 1 << 5;
    pub(super) const GROWTH_MOVE: u32 = 1 << 6;
    pub(super) const WRITE_BARRIER: u32 = 1 << 7;
    pub(super) const GC_ASSIST: u32 = 1 << 8;
    pub(super) const GC_MARK: u32 = 1 << 9;
    pub(super) const GC_SWEEP: u32 = 1 << 10;
    pub(super) const GC_SCAVENGE: u32 = 1 << 11;
    pub(super) const GC_START_STOP: u32 = 1 << 12;
    pub(super) const GC_SWEEP_ASSIST: u32 = 1 << 13;
    pub(super) const MALLOC: u32 = 1 << 14;
    pub(super) const HASH: u32 = 1 << 15;
    pub(super) const KEY_COMPARE: u32 = 1 << 16;
    pub(super) const ZEROING: u32 = 1 << 17;
    pub(super) const COPY: u32 = 1 << 18;
    pub(super) const PROBE: u32 = 1 << 19;
    pub(super) const KEY_CONVERSION: u32 = 1 << 20;
    pub(super) const SKIPPED_LEAF: u32 = 1 << 21;
    pub(super) const RUNTIME: u32 = 1 << 22;
    pub(super) const OUT_OF_LINE: u32 = 1 << 23;
    pub(super) const STACK_GROWTH: u32 = 1 << 24;
    pub(super) const LOCK: u32 = 1 << 25;
    pub(super) const SLICE_GROWTH: u32 = 1 << 26;
    pub(super) const BOXING: u32 = 1 << 27;
}
use bits::*;

const fn op(op: MapOp) -> u32 {
    op as u32 + 1
}

/// Name patterns and what they mean. A function may match several.
const RULES: &[(u32, &str)] = &[
    // Operations. `mapassign*` has one name in both implementations.
    (op(MapOp::Assign), r"^runtime\.mapassign(_fast32|_fast32ptr|_fast64|_fast64ptr|_faststr)?$"),
    (op(MapOp::Assign), r"^internal/runtime/maps\.\(\*Map\)\.(Put|PutSlot)$"),
    (op(MapOp::Assign), r"^(reflect\.mapassign\w*|runtime\.reflect_mapassign\w*)$"),
    (op(MapOp::Read), r"^runtime\.mapaccess(1|2|K)(_fast32|_fast64|_faststr|_fat)?$"),
    (op(MapOp::Read), r"^internal/runtime/maps\.\(\*Map\)\.(getWithKey\w*|getWithoutKey\w*)$"),
    (op(MapOp::Read), r"^(reflect\.mapaccess\w*|runtime\.reflect_mapaccess\w*)$"),
    (op(MapOp::Delete), r"^runtime\.mapdelete(_fast32|_fast64|_faststr)?$"),
    (op(MapOp::Delete), r"^(reflect\.mapdelete\w*|runtime\.reflect_mapdelete\w*)$"),
    (op(MapOp::Iterate), r"^runtime\.(mapiterinit|mapiternext|mapIterStart|mapIterNext)$"),
    (op(MapOp::Iterate), r"^internal/runtime/maps\.\(\*Iter\)\.(Init|Next|grownKeyElem)$"),
    (op(MapOp::Clear), r"^runtime\.mapclear(\.func\d)?$"),
    (op(MapOp::Clear), r"^internal/runtime/maps\.\(\*(Map|table)\)\.(Clear|clearSmall)$"),
    (
        op(MapOp::Make),
        r"^runtime\.makemap(64|_small)?$|^internal/runtime/maps\.(NewMap|NewEmptyMap)$",
    ),
    (
        op(MapOp::Clone),
        r"^(maps\.[Cc]lone(\[.*)?|runtime\.mapclone2?|internal/runtime/maps\.cloneGroup)$",
    ),
    (op(MapOp::Clone), r"^internal/runtime/maps\.\(\*(Map|table)\)\.[Cc]lone$"),
    (op(MapOp::Sync), r"^sync\.\(\*Map\)\.|^internal/sync\.\(\*HashTrieMap\["),
    // The first group of a map is no growth: a hint does not save it.
    (FIRST_ALLOC, r"^internal/runtime/maps\.\(\*Map\)\.growToSmall$"),
    (
        GROWTH_ALLOC,
        r"^runtime\.(hashGrow|makeBucketArray|\(\*hmap\)\.(newoverflow|createOverflow))$",
    ),
    (GROWTH_ALLOC, r"^internal/runtime/maps\.(newGroups?|newTable|\(\*table\)\.reset|newarray)$"),
    // Keys and elements above 128 bytes have an object of their own, growth or not.
    (OUT_OF_LINE, r"^internal/runtime/maps\.newobject$"),
    (GROWTH_MOVE, r"^runtime\.(growWork|evacuate)(_fast32|_fast64|_faststr)?$"),
    (GROWTH_MOVE, r"^runtime\.(moveToBmap|advanceEvacuationMark|bucketEvacuated)$"),
    (
        GROWTH_MOVE,
        r"^internal/runtime/maps\.\(\*table\)\.(rehash|grow|split|uncheckedPutSlot\w*|pruneTombstones)$",
    ),
    (
        GROWTH_MOVE,
        r"^internal/runtime/maps\.\(\*Map\)\.(growToTable|installTableSplit|replaceTable)$",
    ),
    (
        WRITE_BARRIER,
        r"^(gcWriteBarrier|runtime\.(gcWriteBarrier\d?|wbBufFlush1?(\.func\d)?|wbMove|wbZero))$",
    ),
    (
        WRITE_BARRIER,
        r"^runtime\.(bulkBarrierPreWrite(SrcOnly)?|bulkBarrierBitmap|\(\*wbBuf\)\.\w+)$",
    ),
    (GC_ASSIST, r"^runtime\.(gcAssistAlloc1?(\.func\d)?|gcParkAssist)$"),
    (
        GC_MARK,
        r"^runtime\.(gcBgMarkWorker(\.func\d)?|gcDrainMarkWorker(Dedicated|Idle|Fractional))$",
    ),
    (GC_SWEEP, r"^runtime\.bgsweep$"),
    (GC_SCAVENGE, r"^runtime\.bgscavenge$"),
    (
        GC_START_STOP,
        r"^runtime\.(gcStart(\.func\d+)?|gcMarkDone(\.func\d+)*|gcMarkTermination(\.func\d+)*)$",
    ),
    (GC_START_STOP, r"^runtime\.(stopTheWorldWithSema|startTheWorldWithSema|stopTheWorldGC)$"),
    (
        GC_SWEEP_ASSIST,
        r"^runtime\.(deductSweepCredit|sweepone|\(\*sweepLocked\)\.sweep|\(\*mheap\)\.reclaim(Chunk)?)$",
    ),
    (MALLOC, r"^runtime\.(mallocgc\w*|newobject|newarray|makeslice\w*|growslice\w*)$"),
    // Go 1.26 added forms of it with suffixes: `growsliceNoAlias`.
    (SLICE_GROWTH, r"^runtime\.growslice\w*$"),
    // What a leaf does. `aeshashbody` went with Go 1.27, `type:.hash.…` became shared by layout there.
    (
        HASH,
        r"^(aeshashbody|memhash|strhash|runtime\.(memhash\w*|strhash\w*|nilinterhash|interhash|typehash))$",
    ),
    (
        HASH,
        r"^runtime\.(f32|f64|c64|c128)hash$|^internal/runtime/maps\.(memHash\w*|MemHash\w*|StrHash)$|^type:\.hash\.",
    ),
    (
        KEY_COMPARE,
        r"^(memeqbody|cmpbody|runtime\.(memequal\w*|strequal|nilinterequal|interequal|efaceeq|ifaceeq))$",
    ),
    (
        KEY_COMPARE,
        r"^runtime\.(f32|f64|c64|c128)equal$|^type:\.eq\.|^internal/runtime/maps\.longStringQuickEquality\w*$",
    ),
    (
        ZEROING,
        r"^runtime\.(memclrNoHeapPointers(Chunked)?|memclrHasPointers|typedmemclr|duffzero)$",
    ),
    (ZEROING, r"^internal/runtime/maps\.typedmemclr$"),
    (
        COPY,
        r"^runtime\.(memmove|typedmemmove|typedslicecopy|duffcopy)$|^internal/runtime/maps\.typedmemmove$",
    ),
    (PROBE, r"^internal/runtime/maps\.|^internal/abi\.|^internal/chacha8rand\."),
    (
        PROBE,
        r"^runtime\.(evacuated|isEmpty|tophash|bucketShift|bucketMask|overLoadFactor|tooManyOverflowBuckets|add)$",
    ),
    (
        PROBE,
        r"^runtime\.(\(\*(bmap|hmap)\)\.\w+|map(assign|access|delete|iter|Iter|clear|clone)\w*(\.func\d)?)$",
    ),
    (
        PROBE,
        r"^runtime\.(evacuate\w*|growWork\w*|moveToBmap|advanceEvacuationMark|bucketEvacuated|hashGrow)$",
    ),
    (PROBE, r"^runtime\.(makeBucketArray|makemap\w*|rand\w*|cheaprand\w*)$"),
    // Of a key only where that is an interface; of results and arguments more often.
    (KEY_CONVERSION | BOXING, r"^runtime\.convT\w*$"),
    (
        KEY_CONVERSION,
        r"^runtime\.(concatstring\w*|slicebytetostring\w*|stringtoslicebyte\w*|slicerunetostring|intstring)$",
    ),
    (
        KEY_CONVERSION,
        // Not what parses: that makes no strings.
        r"^(strconv|internal/strconv)\.(Itoa|(Format|Append|Quote)\w*|\w*(format|append|quote|fmt|Ftoa|ftoa|Base10)\w*|small|%e)$",
    ),
    (
        KEY_CONVERSION,
        r"^fmt\.(Sprint|Append)\w*$|^strings\.(\(\*Builder\)\.\w+|Join|Repeat|ToLower|ToUpper)$",
    ),
    (KEY_CONVERSION, r"^bytes\.\(\*Buffer\)\.String$|^encoding/hex\.EncodeToString$"),
    (
        SKIPPED_LEAF,
        r"^runtime\.(asyncPreempt2?|sigreturn__sigaction|sigtramp|goexit\d?|mcall|systemstack(_switch)?)$",
    ),
    (LOCK, r"^(internal/)?sync\.\(\*(RW)?Mutex\)\."),
    // `morestack` and `newstack` also stand on the stacks of preempted goroutines.
    (STACK_GROWTH, r"^runtime\.copystack$"),
    // Whatever lies between the user's code and the map: the runtime, reflection, helpers of the standard library,
    // assembly without package.
    (RUNTIME, r"^(runtime|reflect|maps|slices|iter|internal/runtime/[\w/]+)\."),
    (RUNTIME, r"^(type|go):|^[a-z0-9_]+$"),
    (RUNTIME, r"^internal/(abi|bytealg|chacha8rand|cpu|race|sync)\.|^sync\.\(\*Map\)\."),
];

static PATTERNS: LazyLock<RegexSet> = LazyLock::new(|| {
    RegexSet::new(RULES.iter().map(|(_, pattern)| pattern))
        .expect("the patterns of the table are valid")
});

/// Reads the class off a function's name as pprof, pclntab and perf spell it.
pub fn classify_function(name: &str) -> FrameClass {
    PATTERNS.matches(name).into_iter().map(|rule| RULES[rule].0).fold(
        FrameClass(0),
        |class, bits| {
            // Operations are numbers, not flags; the first rule that matches counts.
            let bits = if class.0 & OP != 0 { bits & !OP } else { bits };
            FrameClass(class.0 | bits)
        },
    )
}

/// The category that a function belongs to by its name alone, for colouring; `None` for all other code.
pub fn function_category(name: &str) -> Option<Category> {
    let class = classify_function(name);
    let stack = classify_stack(&[class]);
    match stack.category() {
        Category::OffMap if class.has(GROWTH_ALLOC) => Some(Category::GrowthMemory),
        Category::OffMap if class.has(GROWTH_MOVE) => Some(Category::GrowthMove),
        Category::OffMap if class.has(FIRST_ALLOC) => Some(Category::Create),
        Category::OffMap if class.has(WRITE_BARRIER) => Some(Category::WriteBarrier),
        Category::OffMap if class.has(HASH) => Some(Category::Hash),
        Category::OffMap if class.has(KEY_COMPARE | PROBE) => Some(Category::Probe),
        Category::OffMap => None,
        Category::OtherMap if class.op() == Some(MapOp::Assign) => Some(Category::Probe),
        category => Some(category),
    }
}

impl FrameClass {
    fn has(self, bits: u32) -> bool {
        self.0 & bits != 0
    }

    fn op(self) -> Option<MapOp> {
        MapOp::ALL.get(((self.0 & OP) as usize).checked_sub(1)?).copied()
    }

    /// Whether the frame lies between the user's code and the map.
    pub fn is_runtime(self) -> bool {
        self.has(RUNTIME)
    }

    /// Whether the function makes strings or interface values.
    pub fn is_key_conversion(self) -> bool {
        self.has(KEY_CONVERSION)
    }

    /// Whether the function makes interface values, and no strings.
    pub fn is_boxing(self) -> bool {
        self.has(BOXING)
    }

    /// Whether the function gets an array for a slice that `append` found full.
    pub fn is_slice_growth(self) -> bool {
        self.has(SLICE_GROWTH)
    }

    /// Whether the function takes memory from the allocator.
    pub fn is_allocator(self) -> bool {
        self.has(MALLOC)
    }

    /// Whether the function locks or unlocks a mutex of package sync.
    pub fn is_lock(self) -> bool {
        self.has(LOCK)
    }

    /// Whether a leaf of this function says nothing about the work done: preemption and signal trampolines.
    pub fn is_skipped_leaf(self) -> bool {
        self.has(SKIPPED_LEAF)
    }
}

/// The class of a whole stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StackClass {
    /// The map operation and the position of its frame, counted from the leaf; `None` outside map operations.
    pub op: Option<(MapOp, usize)>,
    /// Part of the operation.
    pub phase: Phase,
    /// What the leaf does.
    pub kind: Kind,
    /// Whether the operation is moving the goroutine's stack to a larger one.
    pub grows_stack: bool,
}

/// Combines the classes of a stack's frames, leaf first, inlined frames included. Complexity: O(frames), no allocation.
pub fn classify_stack(frames: &[FrameClass]) -> StackClass {
    let op_at = frames.iter().rposition(|frame| frame.has(OP));
    let union =
        |frames: &[FrameClass]| FrameClass(frames.iter().fold(0, |bits, frame| bits | frame.0));
    let op = op_at.and_then(|at| Some((frames[at].op()?, at)));
    let below = &frames[..op_at.map_or(frames.len(), |at| at + 1)];
    let in_operation = union(below);
    let anywhere = union(frames);
    let leaf = frames.iter().find(|frame| !frame.is_skipped_leaf()).or(frames.first());
    let kind = kind(in_operation, anywhere, leaf.copied().unwrap_or_default());
    let grows_stack = op.is_some() && in_operation.has(STACK_GROWTH);
    StackClass { op, phase: phase(op.map(|(op, _)| op), in_operation), kind, grows_stack }
}

fn phase(op: Option<MapOp>, in_operation: FrameClass) -> Phase {
    match op {
        // Making and cloning size their arrays once. Classic maps call `createOverflow` when an iteration begins, to hold the
        // buckets that it passes, and `makeBucketArray` to empty those that there are: neither gets a map larger.
        None | Some(MapOp::Clone | MapOp::Iterate | MapOp::Clear) => Phase::Steady,
        Some(MapOp::Make) => Phase::FirstAlloc,
        Some(_) if in_operation.has(FIRST_ALLOC) => Phase::FirstAlloc,
        Some(_) if in_operation.has(GROWTH_ALLOC) => Phase::GrowthAlloc,
        Some(_) if in_operation.has(GROWTH_MOVE) => Phase::GrowthMove,
        Some(_) if in_operation.has(OUT_OF_LINE) => Phase::Steady,
        // Classic maps allocate their first bucket in the body of `mapassign`, and keys and elements above 128 bytes too.
        Some(MapOp::Assign) if in_operation.has(MALLOC) => Phase::FirstAlloc,
        Some(_) => Phase::Steady,
    }
}

/// Kinds that a frame anywhere on the stack decides, in order of precedence.
const GC_KINDS: [(u32, Kind); 6] = [
    (GC_ASSIST, Kind::GcAssist),
    (GC_MARK, Kind::GcMark),
    (GC_SWEEP, Kind::GcSweep),
    (GC_SCAVENGE, Kind::GcScavenge),
    (GC_START_STOP, Kind::GcStartStop),
    (GC_SWEEP_ASSIST, Kind::GcSweepAssist),
];

/// Kinds that the leaf decides, in order of precedence.
const LEAF_KINDS: [(u32, Kind); 5] = [
    (HASH, Kind::Hash),
    (KEY_COMPARE, Kind::KeyCompare),
    (ZEROING, Kind::Zeroing),
    (COPY, Kind::Copy),
    (PROBE, Kind::Probe),
];

fn kind(in_operation: FrameClass, anywhere: FrameClass, leaf: FrameClass) -> Kind {
    if in_operation.has(WRITE_BARRIER) {
        return Kind::WriteBarrier;
    }
    if let Some(&(_, kind)) = GC_KINDS.iter().find(|(bit, _)| anywhere.has(*bit)) {
        return kind;
    }
    let of_leaf = LEAF_KINDS.iter().find(|(bit, _)| leaf.has(*bit)).map(|&(_, kind)| kind);
    if in_operation.has(OP) || !anywhere.has(KEY_CONVERSION) {
        match of_leaf {
            Some(kind @ (Kind::Zeroing | Kind::Copy)) => return kind,
            _ if in_operation.has(MALLOC) => return Kind::Malloc,
            Some(kind) => return kind,
            None => return Kind::Other,
        }
    }
    Kind::KeyConversion
}

impl StackClass {
    /// Whether the stack is under growth, whatever it does there.
    pub fn is_growth(&self) -> bool {
        matches!(self.phase, Phase::GrowthAlloc | Phase::GrowthMove)
    }

    /// What the map operation does; `None` outside of one, and of operations and parts that look for no key.
    pub fn work(&self) -> Option<MapWork> {
        let (op, _) = self.op?;
        if self.is_growth() {
            return Some(MapWork::Growth);
        }
        let looks_for_key = matches!(op, MapOp::Assign | MapOp::Read | MapOp::Delete | MapOp::Sync);
        match self.kind {
            _ if !looks_for_key || self.phase != Phase::Steady => None,
            Kind::Hash => Some(MapWork::Hash),
            Kind::Probe => Some(MapWork::Load),
            Kind::KeyCompare => Some(MapWork::Compare),
            _ => None,
        }
    }

    /// The one category this stack's cost belongs to.
    pub fn category(&self) -> Category {
        match self.kind {
            Kind::GcAssist | Kind::GcSweepAssist | Kind::GcStartStop => return Category::GcAssist,
            Kind::GcMark | Kind::GcSweep | Kind::GcScavenge => return Category::GcBackground,
            _ => {}
        }
        let Some((op, _)) = self.op else {
            return match self.kind {
                Kind::KeyConversion => Category::KeyConversion,
                _ => Category::OffMap,
            };
        };
        match (self.kind, self.phase) {
            (Kind::WriteBarrier, _) => Category::WriteBarrier,
            (_, Phase::GrowthAlloc) => Category::GrowthMemory,
            (_, Phase::GrowthMove) => Category::GrowthMove,
            (_, Phase::FirstAlloc) => Category::Create,
            (kind, Phase::Steady) => steady_category(op, kind),
        }
    }
}

fn steady_category(op: MapOp, kind: Kind) -> Category {
    match (op, kind) {
        (MapOp::Assign, Kind::Hash) => Category::Hash,
        (MapOp::Assign, Kind::Probe | Kind::KeyCompare) => Category::Probe,
        (MapOp::Sync, Kind::Hash) => Category::Hash,
        // Most of it looks an entry up, whatever is done with that.
        (MapOp::Read, _) | (MapOp::Sync, Kind::Probe | Kind::KeyCompare) => Category::Read,
        (MapOp::Assign | MapOp::Sync, _) => Category::OtherMap,
        (MapOp::Iterate | MapOp::Clone, _) => Category::Iterate,
        (MapOp::Delete | MapOp::Clear, _) => Category::DeleteClear,
        (MapOp::Make, _) => Category::Create,
    }
}
