//! Why a finding is trusted as far as it is.

/// Why trust is not higher, or what it rests on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reason {
    /// Only so many samples.
    FewSamples(u64),
    /// So many samples, which make a rough share.
    RoughShare(u64),
    /// The share was measured.
    ShareMeasured,
    /// The shares were measured.
    SharesMeasured,
    /// Growth frames were sampled, growths and sizes counted.
    GrowthsCounted,
    /// Growths and sizes are estimated from a part of them.
    GrowthsEstimated,
    /// Samples of two tools agree that growth dominates.
    ToolsAgree,
    /// Growth frames and the sizes allocated agree.
    SizesAllocated,
    /// Growth frames only: final sizes were not measured.
    SizesNotMeasured,
    /// Growth is the smaller part of what the line costs.
    MostIsNotGrowth,
    /// How long slices become was not measured.
    SliceLengthsNotMeasured,
    /// Which slices of the function grow was not measured.
    WhichSlicesNotMeasured,
    /// Which map grows was not recorded, only that maps of this type are made and grow.
    WhichMapNotRecorded,
    /// Maps that hold more than a first group look the same.
    LargerMapsLookAlike,
    /// The check for moved buckets also runs during any growth.
    CheckRunsInAnyGrowth,
    /// Only so many mark assists.
    FewAssists(u64),
    /// Every assist was timed.
    AssistsTimed,
    /// It rests on the longest stop alone.
    LongestStopAlone,
    /// Only so many stops.
    FewStops(u64),
    /// Every stop in the trace was timed.
    StopsTimed,
    /// Several sources saw the waiting.
    SourcesAgree,
    /// That the lock guards this map is not measured.
    GuardNotMeasured,
    /// The profile does not say which time it covers.
    TimeNotKnown,
    /// Only so many samples of misses.
    FewMisses(u64),
    /// What misses cost in time was not measured.
    MissTimeNotMeasured,
    /// What the other path would take was not measured.
    OtherPathNotMeasured,
    /// How many entries first groups hold is not known.
    EntriesNotMeasured,
    /// Order of access and cache misses were not measured.
    OrderNotMeasured,
    /// Hash functions of interfaces were seen.
    HashFunctionsSeen,
    /// The length of keys was not measured.
    KeyLengthNotMeasured,
    /// Whether the strings become keys is not known.
    UseAsKeysNotMeasured,
    /// Whether the maps themselves are dropped is not measured.
    DropsNotMeasured,
    /// How many entries the arrays still hold was not measured.
    EntriesLeftNotMeasured,
    /// Whether both lines look for the same key was not measured.
    SameKeyNotMeasured,
    /// Misses of caches were not measured; the size of the maps and what the time is spent on stand for them.
    MissesNotMeasured,
    /// What a loop needs of the entries was not measured.
    UseOfEntriesNotMeasured,
    /// Live bytes stand for the time to mark them.
    MarkTimeNotMeasured,
    /// Every call was counted and timed.
    CallsTimed,
    /// So many samples in the profile.
    AllSamples(u64),
    /// So many samples, which may hide something by chance.
    MayHide {
        /// Samples in the profile.
        samples: u64,
        /// Units: fraction of the CPU that may well be hidden.
        fraction: f64,
    },
}
