//! Misses of caches and of the translation of addresses, as the processor counted them.

use std::ops::AddAssign;
use std::sync::Arc;

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

impl AddAssign for Misses {
    fn add_assign(&mut self, other: Self) {
        self.samples = self.samples.saturating_add(other.samples);
        self.events = self.events.saturating_add(other.events);
    }
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
    /// The event by perf's name: `cache-misses`; a second one of that name in the source is `cache-misses #2`.
    pub event: Arc<str>,
    /// All of the process.
    pub total: Misses,
}

/// Misses in map operations of a line, of one event of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteMisses {
    /// The source.
    pub source: SourceId,
    /// The event as [`ProcessMisses::event`] names it.
    pub event: Arc<str>,
    /// All in map operations of the line.
    pub map: Misses,
    /// `map` by [`MapWork`]; what a map operation does beside these is in none.
    pub by_work: [Misses; MapWork::ALL.len()],
}

impl SiteMisses {
    /// None yet, of what an input counts.
    pub fn none(of: &ProcessMisses) -> Self {
        Self {
            source: of.source,
            event: Arc::clone(&of.event),
            map: Misses::default(),
            by_work: [Misses::default(); MapWork::ALL.len()],
        }
    }

    /// Misses in one kind of work.
    pub fn get(&self, work: MapWork) -> Misses {
        self.by_work[work as usize]
    }

    /// The part of `map` where groups or buckets are loaded, and their tags and keys compared.
    pub fn search(&self) -> Misses {
        let mut search = self.get(MapWork::Load);
        search += self.get(MapWork::Compare);
        search
    }
}
