//! What is the matter.

use evidence::Frame;
use goabi::GoVersion;

use super::{Spent, Visits};

/// What is the matter at a line or in the process, with what it is about; the figures are in the evidence. Type names are
/// Go's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// Maps grow once and no further, as they do in this release when a full one is overwritten.
    FullSmallMaps {
        /// Go release of the program.
        version: GoVersion,
    },
    /// Maps are made with a hint, and hold more.
    HintTooSmall {
        /// Where they are made.
        make: Frame,
    },
    /// Each map in a map grows on its own.
    InnerMapsGrow {
        /// Type of the maps that grow.
        inner: String,
        /// Type of the map that holds them.
        outer: String,
    },
    /// The map grows while it is filled.
    MapGrows,
    /// The map grows while it is filled, but most of its cost is something else.
    GrowthIsAPart {
        /// What takes most of the map time beside growth.
        most: Spent,
    },
    /// Slices grow that are appended to beside map writes.
    SlicesGrow {
        /// Where they are appended to.
        within: Within,
    },
    /// The map is read while a growth is unfinished.
    PendingGrowth,
    /// Goroutines that write have to mark before growth gets its memory.
    WritersMarkForGrowth,
    /// Goroutines that write have to mark before they can allocate.
    WritersMark,
    /// Goroutines wait for a lock that is held while the map is used.
    LockHeldForMap {
        /// Type of the map, where it is known.
        map_type: Option<String>,
        /// The function that takes the lock; `None` where it is that of the line.
        by: Option<String>,
    },
    /// Groups, tags and keys are not in the cache.
    MissesInSearch,
    /// Goroutines copy their stacks inside map operations.
    StacksGrow,
    /// Elements are too large for the functions made for the key.
    LargeElements {
        /// Largest element that these functions take. Units: bytes.
        above_bytes: u64,
        /// Function that is called instead.
        callee: String,
    },
    /// Inner maps are made for few entries each.
    SmallInnerMaps {
        /// Their type.
        inner: String,
        /// Type of the map that holds them.
        outer: String,
    },
    /// Both levels of a map of maps are used on one line, without growth.
    BothLevelsOnOneLine {
        /// Type of the outer map.
        outer: String,
    },
    /// Keys are hashed through their dynamic type.
    InterfaceKeys {
        /// Type of the map, where it is known.
        map_type: Option<String>,
    },
    /// Hashing keys is a large part of the cost.
    Hashing {
        /// Type of the keys, where it is known.
        key: Option<String>,
    },
    /// Making keys costs more than the maps.
    KeysBuilt {
        /// Who makes them.
        by: KeyMaker,
    },
    /// The line looks a key up that another one looks up again, to write it.
    LookedUpTwice {
        /// Type of the map.
        map_type: String,
        /// The line that writes it; the same where both stand on one.
        write: Frame,
    },
    /// Maps are filled and soon dropped.
    MapsDropped {
        /// They are in maps that each call makes, and drops, as well.
        with_outer: bool,
    },
    /// Each call makes maps, and hands them on.
    MapsHandedOn,
    /// Maps are made for far more entries than they get.
    HintTooLarge {
        /// Type of the map, where it is known.
        map_type: Option<String>,
    },
    /// Loops over a map pass mostly empty places.
    NeverShrinks {
        /// Type of the map, where it is known.
        map_type: Option<String>,
    },
    /// A map costs more to clear than to fill.
    ClearOutweighsWrites {
        /// Type of the map, where it is known.
        map_type: Option<String>,
    },
    /// Loops over maps are much of what the program does.
    IterationDominates {
        /// Type of the map, where it is known.
        map_type: Option<String>,
        /// How many entries a loop visits.
        visits: Visits,
    },
    /// The collector is busy, and maps with pointers are much of what it marks.
    CollectorMarksMaps {
        /// Type of one of them.
        map_type: String,
    },
    /// The collector takes most of the CPU, and maps with pointers are a part of what it marks.
    CollectorDominates {
        /// Type of one of them.
        map_type: String,
    },
    /// Collections stop all goroutines often, or long at once.
    LongStops,
    /// Collections stop all goroutines only briefly.
    ShortStops,
    /// The program waits for many small writes to storage.
    SmallWrites,
    /// Maps are a small part of the CPU time.
    LittleInMaps,
    /// The cost of maps is spread over many lines.
    SpreadThin {
        /// Number of lines.
        lines: u64,
    },
    /// The cost of maps of one type is spread over many lines.
    SpreadOverLines {
        /// The type.
        map_type: String,
        /// Number of lines.
        lines: u64,
    },
    /// Maps are mostly read, and hardly grow.
    MostlyRead,
    /// Searching takes most, in maps that are larger than the caches of processors.
    SearchOutsideCache {
        /// Type of these maps.
        map_type: String,
    },
    /// Another part of the work than growth.
    NotGrowing {
        /// What takes most of the map time.
        most: Spent,
    },
}

/// A part of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// The line.
    Line,
    /// Its function.
    Function,
}

/// Who makes keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyMaker {
    /// The line itself.
    Line,
    /// Its function.
    Function,
    /// One that calls that of the line.
    Caller {
        /// Its name.
        function: String,
    },
    /// One that is called just before the line, or on it.
    Callee {
        /// Its name.
        function: String,
    },
}
