//! What to change.

use evidence::Frame;
use goabi::GoVersion;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::Verdict;
use evidence::sizes::Size;

/// What to change, concretely, for readers and for tools. Type names are Go's. Serialized, `kind` names the advice, and
/// null is what is not known.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Advice {
    /// Give `make` the number of entries.
    Presize {
        /// Where.
        #[serde(flatten)]
        made: Makes,
        /// The hint to write, where one number is right for most of them; null where the code has to say it for each map.
        n: Option<u64>,
        /// How many entries the maps end with; null when that was not measured.
        entries: Option<Entries>,
    },
    /// Give slices that are appended to a capacity.
    PresizeSlices {
        /// Type of the map that holds them, where it is known to hold slices.
        map_type: Option<String>,
    },
    /// Raise the hint that is there to the number of entries.
    RaiseHint {
        /// Type of the map.
        map_type: String,
        /// Where the hint is.
        make: Frame,
        /// Mean of the hints that were given there.
        mean_hint: f64,
        /// The hint to write, where one number is right for most of them; null where the code has to say it for each map.
        n: Option<u64>,
        /// How many entries the maps end with.
        entries: Entries,
    },
    /// Presize, so that the last insert starts no growth; copy the map after it is filled; or build with this release.
    FinishGrowth {
        /// Where a hint would stand.
        #[serde(flatten)]
        made: Makes,
        /// The first whose maps move entries at once.
        #[serde(serialize_with = "as_go_says")]
        #[schemars(with = "String")]
        or_release: GoVersion,
    },
    /// Build with a later release.
    MoveToGo {
        /// The first that has what is gained.
        #[serde(serialize_with = "as_go_says")]
        #[schemars(with = "String")]
        release: GoVersion,
        /// What is gained.
        gain: Gain,
    },
    /// Have goroutines help the collector less.
    AssistLess {
        /// How; then a higher `GOGC` or `GOMEMLIMIT`.
        #[serde(flatten)]
        by: Relief,
    },
    /// Fewer collections, and fewer runnable threads.
    CollectLess,
    /// Several maps with a lock each.
    Shard {
        /// Number of maps with which this was measured.
        shards: u64,
        /// What decides in which map an entry is.
        by: ShardKey,
        /// A `sync.Map` instead; `None` where entries change.
        or_sync_map: Option<SyncMap>,
    },
    /// One map with a struct of both keys as key, where inner maps are that small.
    Flatten {
        /// Type of the outer map.
        outer: String,
        /// Type of the inner maps.
        inner: String,
        /// Type of the outer key.
        outer_key: String,
        /// Type of the inner key.
        inner_key: String,
        /// Entries of an inner map, on average, up to which the flat map is the smaller one.
        up_to_entries: u64,
    },
    /// The same where access is random and the maps are larger than the cache.
    FlattenForRandomAccess {
        /// Type of the outer map.
        outer: String,
        /// Type of the inner maps.
        inner: String,
    },
    /// Keys that lie in the map itself: integers, or arrays of a fixed size.
    KeysInPlace,
    /// Smaller entries, or lookups in an order in which neighbours are near.
    SmallerEntries,
    /// Goroutines that live longer, or calls less deep.
    ReuseGoroutines,
    /// Pointers to elements, or indices, in the map.
    PointToElements {
        /// Type of the elements.
        elem: String,
        /// Type of the keys.
        key: String,
    },
    /// A key type that is no interface.
    ConcreteKey {
        /// Type of the map, where it is known.
        map_type: Option<String>,
    },
    /// Shorter keys, or integers.
    HashFewerBytes {
        /// Type of the keys, where it is known.
        key: Option<String>,
    },
    /// Keys that are built once, of several parts, or only converted.
    BuildKeysOnce,
    /// Keys and elements without pointers.
    NoPointers {
        /// Type of one of the maps.
        map_type: String,
    },
    /// Keep the map and clear it.
    ClearAndReuse {
        /// Whether the machine code shows that the map does not leave the function; else it may be handed on.
        is_local: bool,
    },
    /// Make fewer maps: they are handed on, so that they cannot be cleared.
    FewerMaps {
        /// Type of the map, where it is known.
        map_type: Option<String>,
    },
    /// Make the map for as many entries as it gets.
    LowerHint {
        /// Type of the map, where it is known.
        map_type: Option<String>,
        /// Where the hint is.
        make: Frame,
    },
    /// Copy what is left into a new map from time to time.
    CopyToNewMap {
        /// Type of the map, where it is known.
        map_type: Option<String>,
    },
    /// A new map for few entries, or delete only what was put in.
    ClearLess {
        /// Type of the map, where it is known.
        map_type: Option<String>,
    },
    /// A slice, an array or an index in place of loops over the map.
    IterateLess {
        /// Type of the map, where it is known.
        map_type: Option<String>,
        /// How many entries a loop visits.
        visits: Visits,
    },
    /// Write and sync once for many entries.
    BatchWrites {
        /// The line whose calls take longest, where stacks were recorded.
        first_at: Option<Frame>,
    },
    /// Keep the maps nested, and hold the inner map in a variable.
    KeepNested {
        /// Type of the outer map.
        outer: String,
    },
    /// Only fewer operations would help.
    FewerOperations,
    /// Only fewer lookups would help.
    FewerLookups {
        /// Two that may be one; null where none are known.
        twice: Option<Twice>,
    },
    /// Something else than maps costs the time.
    LookElsewhere,
    /// Something else, or a habit that many lines share.
    LookForHabit {
        /// Type of the maps that most of the cost is of; null where it is of many.
        map_type: Option<String>,
        /// Lines that make such maps, as far as they are known.
        makes: Vec<Frame>,
    },
    /// Not the stops, but the marking beside the program.
    LookAtMarking,
    /// Marking many small maps is cheap in the program's release: allocate less, or collect less often.
    MarkingIsCheap {
        /// The first release in which it is.
        #[serde(serialize_with = "as_go_says")]
        #[schemars(with = "String")]
        since: GoVersion,
    },
}

/// Where maps are made that should get a size hint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Makes {
    /// Type of the map, where it is known.
    pub map_type: Option<String>,
    /// Lines that may make it without a hint; empty when none is known.
    pub makes: Vec<Frame>,
    /// Lines of the function that make it with a hint already: of more than 8 entries, or of a number that is computed.
    pub hinted: Vec<Frame>,
    /// Whether a heap profile shows that as many maps are made there as are filled.
    pub makes_are_counted: bool,
    /// Whether the machine code shows that maps filled at the line are made there, with and without a hint; else they are
    /// only of the same type and function.
    pub are_traced: bool,
    /// Whether other maps hold these: what a loop ranges over then has the keys of many of them.
    pub is_inner: bool,
    /// Why no line is known; null when one is.
    pub no_makes_because: Option<NoMakes>,
}

/// Why it is not known where maps are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoMakes {
    /// By the heap profile its lines make fewer maps than are filled.
    TooFewMade,
    /// There is no binary among the inputs.
    NoBinary,
    /// The binary shows no line that makes such maps without a hint.
    NotSeen,
    /// No line of the function makes such maps without a hint, and several of other functions do.
    OtherFunctions,
    /// Several lines of the function make such maps, and it does not show which of these are used.
    SeveralLines,
}

/// How many entries maps end with, of those that grew, and what says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Entries {
    /// What says so.
    pub known_from: KnownFrom,
    /// Whether maps that never grew were counted too, so that the hint is right with them: a recording does not see them.
    pub small_are_counted: bool,
    /// A quarter of them hold no more than its `room`, and three quarters no less than its `at_least`.
    pub p25: Size,
    /// Half of them hold no more than its `room`, and half no less than its `at_least`.
    pub p50: Size,
    /// 95 % of them hold no more than its `room`; null where that was not measured.
    pub p95: Option<Size>,
}

/// What says how large maps become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KnownFrom {
    /// Growths that were recorded.
    Recording,
    /// Arrays in a heap profile.
    HeapProfile,
}

/// What a later release of Go does better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Gain {
    /// Overwriting an entry of a full small map does not grow it.
    OverwritesDoNotGrow,
    /// Many small maps are marked page by page.
    CheaperMarking,
}

/// How many entries a loop over a map visits before it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Visits {
    /// So few that to begin a loop is a good part of its cost.
    Few,
    /// Not measured.
    NotKnown,
}

/// A lookup to read and one to write, of the same map and maybe of the same key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Twice {
    /// Type of the map.
    pub map_type: String,
    /// Type of its elements.
    pub elem: String,
    /// The line that reads.
    pub read: Frame,
    /// The line that writes; the same where both stand on one.
    pub write: Frame,
}

/// How goroutines come to help the collector less.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Relief {
    /// A size hint.
    Presize(Makes),
    /// Fewer allocations.
    AllocateLess,
}

/// What decides in which of several maps an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShardKey {
    /// Its key.
    Key,
    /// The key of the outer map.
    OuterKey,
}

/// What a `sync.Map` would hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SyncMap {
    /// The entries.
    OfEntries,
    /// Inner maps, each with a lock of its own.
    OfInnerMaps,
}

impl Advice {
    /// The same in one word.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Presize { .. }
            | Self::PresizeSlices { .. }
            | Self::RaiseHint { .. }
            | Self::FinishGrowth { .. } => Verdict::Presize,
            Self::AssistLess { by: Relief::Presize(_) } => Verdict::Presize,
            Self::AssistLess { by: Relief::AllocateLess }
            | Self::CollectLess
            | Self::LowerHint { .. }
            | Self::FewerMaps { .. } => Verdict::AllocateLess,
            Self::MoveToGo { .. }
            | Self::PointToElements { .. }
            | Self::IterateLess { .. }
            | Self::FewerLookups { twice: Some(_) } => Verdict::Replace,
            Self::Flatten { .. } | Self::FlattenForRandomAccess { .. } => Verdict::Flatten,
            Self::KeysInPlace
            | Self::SmallerEntries
            | Self::ConcreteKey { .. }
            | Self::HashFewerBytes { .. }
            | Self::BuildKeysOnce
            | Self::NoPointers { .. } => Verdict::ChangeKey,
            Self::Shard { .. } => Verdict::Shard,
            Self::ReuseGoroutines | Self::ClearAndReuse { .. } => Verdict::Reuse,
            Self::CopyToNewMap { .. } | Self::ClearLess { .. } => Verdict::Release,
            Self::BatchWrites { .. } => Verdict::Batch,
            Self::KeepNested { .. }
            | Self::FewerOperations
            | Self::FewerLookups { twice: None }
            | Self::LookElsewhere
            | Self::LookForHabit { .. }
            | Self::LookAtMarking
            | Self::MarkingIsCheap { .. } => Verdict::LeaveAlone,
        }
    }

    /// What it saves.
    pub(crate) fn saves(&self) -> Work {
        match self {
            Self::Presize { .. }
            | Self::RaiseHint { .. }
            | Self::FinishGrowth { .. }
            | Self::MoveToGo { .. }
            | Self::AssistLess { .. }
            | Self::Flatten { .. }
            | Self::FewerMaps { .. }
            | Self::LowerHint { .. }
            | Self::ClearAndReuse { .. } => Work::Filling,
            Self::FlattenForRandomAccess { .. }
            | Self::KeysInPlace
            | Self::SmallerEntries
            | Self::FewerLookups { twice: Some(_) } => Work::Searching,
            Self::PointToElements { .. } | Self::PresizeSlices { .. } => Work::Copying,
            Self::IterateLess { .. } => Work::Iterating,
            Self::ClearLess { .. } => Work::Clearing,
            Self::ConcreteKey { .. } | Self::HashFewerBytes { .. } | Self::BuildKeysOnce => {
                Work::Keys
            }
            Self::Shard { .. } => Work::Waiting,
            Self::CopyToNewMap { .. } | Self::NoPointers { .. } => Work::Keeping,
            Self::CollectLess
            | Self::ReuseGoroutines
            | Self::BatchWrites { .. }
            | Self::KeepNested { .. }
            | Self::FewerOperations
            | Self::FewerLookups { twice: None }
            | Self::LookElsewhere
            | Self::LookForHabit { .. }
            | Self::LookAtMarking
            | Self::MarkingIsCheap { .. } => Work::Other,
        }
    }
}

/// Work that advice saves; what saves the same work need not be done twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Making maps and filling them: growth, allocation, and what the collector does for that.
    Filling,
    /// Finding entries.
    Searching,
    /// Copying keys and elements, and memory for them alone.
    Copying,
    /// Going through all entries.
    Iterating,
    /// Emptying maps.
    Clearing,
    /// Making, hashing and comparing keys.
    Keys,
    /// Waiting for others.
    Waiting,
    /// Memory that is kept.
    Keeping,
    /// Something else, of which no two are the same.
    Other,
}

/// As in the rest of the JSON: "go1.27".
fn as_go_says<S: Serializer>(version: &GoVersion, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(version)
}
