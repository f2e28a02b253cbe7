//! What no input measured.

use evidence::SourceKind;

/// Something that no input measured, and that would have said more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Gap {
    /// CPU time of map operations.
    CpuTime,
    /// Map types at each line, and which of them are nested.
    MapTypes,
    /// What growth allocates, and the sizes that maps reach.
    GrowthAllocations,
    /// Number of growths, entries moved and sizes that maps reach, exactly.
    Growths,
    /// How long goroutines were stopped, or had to help the collector.
    CollectorWaits,
    /// Waiting for locks around maps.
    LockWaits,
    /// Misses of caches and of the translation of addresses.
    Misses,
}

impl Gap {
    /// All of them, the most telling first.
    pub const ALL: [Self; 7] = [
        Self::CpuTime,
        Self::MapTypes,
        Self::GrowthAllocations,
        Self::Growths,
        Self::CollectorWaits,
        Self::LockWaits,
        Self::Misses,
    ];

    /// The kind of input that measures it.
    pub fn measured_by(self) -> SourceKind {
        match self {
            Self::CpuTime => SourceKind::Cpu,
            Self::MapTypes => SourceKind::Binary,
            Self::GrowthAllocations => SourceKind::Heap,
            Self::Growths => SourceKind::Recording,
            Self::CollectorWaits => SourceKind::Trace,
            Self::LockWaits => SourceKind::Contention,
            Self::Misses => SourceKind::Perf,
        }
    }
}
