//! What a runtime function's name says about the cost of a map operation.

/// The operation on a map that a stack is inside of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MapOp {
    /// `m[k] = v`.
    Assign,
    /// `v := m[k]`.
    Read,
    /// `delete(m, k)`.
    Delete,
    /// `for k, v := range m`.
    Iterate,
    /// `clear(m)`.
    Clear,
    /// `make(map[K]V)`.
    Make,
    /// `maps.Clone(m)`.
    Clone,
    /// Any operation of `sync.Map`.
    Sync,
}

impl MapOp {
    /// All operations, in display order; `ALL[op as usize] == op`.
    pub const ALL: [Self; 8] = [
        Self::Assign,
        Self::Read,
        Self::Delete,
        Self::Iterate,
        Self::Clear,
        Self::Make,
        Self::Clone,
        Self::Sync,
    ];
}

/// The part of a map operation between its entry and the leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// No growth: the lookup or the store itself.
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
    /// Making a key: formatting, concatenation, conversion to string or interface.
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
    /// Mark and sweep work charged to the goroutine that writes a map.
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
    /// Making keys for the map.
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

/// What a function's name says, worked out once per function; [`classify_stack`] combines them per stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FrameClass(u32);

/// The class of a whole stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StackClass {
    /// The map operation and the position of its frame, counted from the leaf; `None` outside map operations.
    pub op: Option<(MapOp, usize)>,
    /// Part of the operation.
    pub phase: Phase,
    /// What the leaf does.
    pub kind: Kind,
}

impl StackClass {
    /// The one category this stack's cost belongs to.
    pub fn category(&self) -> Category {
        let _ = self;
        Category::OffMap
    }
}

/// Reads the class off a function's name as pprof, pclntab and perf spell it.
pub fn classify_function(name: &str) -> FrameClass {
    let _ = name;
    FrameClass::default()
}

/// Combines the classes of a stack's frames, leaf first, inlined frames included.
pub fn classify_stack(frames: &[FrameClass]) -> StackClass {
    let _ = frames;
    StackClass { op: None, phase: Phase::Steady, kind: Kind::Other }
}
