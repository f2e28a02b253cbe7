//! Misses of caches and of the translation of addresses, as the processor counted them.

use gomap::MapWork;

use super::SourceId;

/// Misses of a cache, or of the translation of addresses, as the processor counted them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Misses {
    /// Number of samples.
    pub samples: u64,
    /// Misses that they stand for.
    pub events: u64,
}

impl Misses {
    /// `self` as a fraction of `whole`, 0.0 when `whole` is empty.
    pub fn share_of(self, whole: Self) -> f64 {
        if whole.events == 0 { 0.0 } else { self.events as f64 / whole.events as f64 }
    }
}

/// Misses of the process, of one event of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessMisses {
    /// The source.
    pub source: SourceId,
    /// The event by perf's name: `cache-misses`.
    pub event: String,
    /// All of the process.
    pub total: Misses,
}

/// Misses in map operations of a line, of one event of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteMisses {
    /// The source.
    pub source: SourceId,
    /// The event by perf's name.
    pub event: String,
    /// All in map operations of the line.
    pub map: Misses,
    /// `map` by [`MapWork`]; what a map operation does beside these is in none.
    pub by_work: [Misses; MapWork::ALL.len()],
}

impl SiteMisses {
    /// Misses in one kind of work.
    pub fn get(&self, work: MapWork) -> Misses {
        self.by_work[work as usize]
    }

    /// The part of `map` where groups or buckets are loaded, and their tags and keys compared.
    pub fn search(&self) -> Misses {
        let (load, compare) = (self.get(MapWork::Load), self.get(MapWork::Compare));
        Misses {
            samples: load.samples.saturating_add(compare.samples),
            events: load.events.saturating_add(compare.events),
        }
    }
}
