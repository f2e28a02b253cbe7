//! The counters of one metered map, and a reading of them.

use alloc::sync::Arc;
use core::ops::AddAssign;
use core::sync::atomic::{AtomicU64, Ordering};

use super::{Grow, GrowKind};

/// Upper bounds of the histogram of bytes moved by one grow, in bytes; one more cell counts what is above.
pub(super) const REHASH_BOUNDS: [u64; 11] = {
    let mut bounds = [256; 11];
    let mut i = 1;
    while i < bounds.len() {
        bounds[i] = bounds[i - 1] * 4;
        i += 1;
    }
    bounds
};

/// A counter that one map writes and anybody reads.
#[derive(Debug, Default)]
struct Counter(AtomicU64);

impl Counter {
    /// Adds without a locked instruction: only the owner of the map, who has it mutably, writes.
    #[inline]
    fn add(&self, n: u64) {
        self.0.store(self.read().wrapping_add(n), Ordering::Relaxed);
    }

    #[inline]
    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a metered map counts.
#[derive(Debug, Default)]
pub(super) struct Counts {
    assigns: Counter,
    inserts: Counter,
    inserted_bytes: Counter,
    grows: [Counter; GrowKind::ALL.len()],
    moved_entries: Counter,
    moved_bytes: Counter,
    allocated_bytes: Counter,
    rehash_cells: [Counter; REHASH_BOUNDS.len() + 1],
}

impl Counts {
    #[inline]
    pub(super) fn assigned(&self, n_assigns: u64) {
        self.assigns.add(n_assigns);
    }

    #[inline]
    pub(super) fn inserted(&self, n_entries: u64, entry_bytes: usize) {
        self.inserts.add(n_entries);
        self.inserted_bytes.add(n_entries * entry_bytes as u64);
    }

    pub(super) fn grown(&self, grow: &Grow) {
        self.grows[grow.kind as usize].add(grow.n_grows);
        self.moved_entries.add(grow.moved_entries);
        self.moved_bytes.add(grow.moved_bytes);
        self.allocated_bytes.add(grow.allocated_bytes);
        if grow.moved_entries > 0 {
            let cell = REHASH_BOUNDS.partition_point(|&bound| bound < grow.moved_bytes);
            self.rehash_cells[cell].add(1);
        }
    }
}

/// The meter of a map: reads its counters from anywhere, while the map is in use or after it is gone.
///
/// ```
/// use flatnest::meter::Metered;
/// use std::collections::HashMap;
///
/// let mut map = Metered::new(HashMap::new());
/// let meter = map.meter();
/// map.insert("key", 1);
/// assert_eq!(meter.figures().inserts, 1);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Meter {
    pub(super) counts: Arc<Counts>,
}

impl Meter {
    /// What was counted so far, in O(1). When another thread writes to the map meanwhile, some figures may include its
    /// last operation and others not yet.
    ///
    /// ```
    /// let map = flatnest::meter::Metered::new(std::collections::HashMap::<u32, u32>::new());
    /// assert_eq!(map.meter().figures().assigns, 0);
    /// ```
    #[must_use]
    pub fn figures(&self) -> Figures {
        let counts = &*self.counts;
        Figures {
            assigns: counts.assigns.read(),
            inserts: counts.inserts.read(),
            inserted_bytes: counts.inserted_bytes.read(),
            grows: core::array::from_fn(|kind| counts.grows[kind].read()),
            moved_entries: counts.moved_entries.read(),
            moved_bytes: counts.moved_bytes.read(),
            allocated_bytes: counts.allocated_bytes.read(),
            rehash_cells: core::array::from_fn(|cell| counts.rehash_cells[cell].read()),
        }
    }
}

/// What a [`Meter`] read. Figures of several maps add up with `+=`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Figures {
    /// Entries written: inserts and overwrites.
    pub assigns: u64,
    /// Entries that were new. In a nested map also rows, which are the entries of its outer table.
    pub inserts: u64,
    /// Units: bytes. Size of the new entries, without what they own elsewhere.
    pub inserted_bytes: u64,
    /// Entries that growth wrote again.
    pub moved_entries: u64,
    /// Units: bytes. Size of the entries that growth wrote again.
    pub moved_bytes: u64,
    /// Units: bytes. Allocated by growth, and by first use.
    pub allocated_bytes: u64,
    grows: [u64; GrowKind::ALL.len()],
    rehash_cells: [u64; REHASH_BOUNDS.len() + 1],
}

impl Figures {
    /// Entries that were written to a key that was there, in O(1).
    ///
    /// ```
    /// let mut map = flatnest::meter::Metered::new(std::collections::HashMap::new());
    /// map.insert(1, 'a');
    /// map.insert(1, 'b');
    /// assert_eq!(map.meter().figures().overwrites(), 1);
    /// ```
    #[must_use]
    pub fn overwrites(&self) -> u64 {
        self.assigns - self.inserts.min(self.assigns)
    }

    /// Events of this kind, in O(1).
    ///
    /// ```
    /// use flatnest::meter::{GrowKind, Metered};
    /// let mut map = Metered::new(std::collections::HashMap::new());
    /// for key in 0..8 {
    ///     map.insert(key, ());
    /// }
    /// let figures = map.meter().figures();
    /// // 3 places at first, then 7, then 14.
    /// assert_eq!((figures.n_grows(GrowKind::First), figures.n_grows(GrowKind::Larger)), (1, 2));
    /// ```
    #[must_use]
    pub fn n_grows(&self, kind: GrowKind) -> u64 {
        self.grows[kind as usize]
    }

    /// Write amplification in entries: (inserted + moved) / inserted, in O(1). `None` before the first insert; 1 when
    /// no entry was ever moved.
    ///
    /// ```
    /// let mut map = flatnest::meter::Metered::new(std::collections::HashMap::new());
    /// for key in 0..8 {
    ///     map.insert(key, ());
    /// }
    /// // 8 inserted; 3 moved to the table of 7 places, 7 to the table of 14.
    /// assert_eq!(map.meter().figures().write_amplification(), Some(18.0 / 8.0));
    /// ```
    #[must_use]
    pub fn write_amplification(&self) -> Option<f64> {
        amplification(self.inserts, self.moved_entries)
    }

    /// Write amplification in bytes: (inserted + moved) / inserted, in O(1). `None` before the first insert. Differs
    /// from that in entries where entries differ in size, as rows and their entries do.
    ///
    /// ```
    /// let mut map = flatnest::meter::Metered::new(std::collections::HashMap::new());
    /// map.insert(1, 'a');
    /// assert_eq!(map.meter().figures().write_amplification_in_bytes(), Some(1.0));
    /// ```
    #[must_use]
    pub fn write_amplification_in_bytes(&self) -> Option<f64> {
        amplification(self.inserted_bytes, self.moved_bytes)
    }

    /// Events that moved entries, with the bytes that each moved, as a histogram: for each upper bound in bytes how
    /// many events moved more than the bound before and at most this one. O(1).
    ///
    /// ```
    /// let mut map = flatnest::meter::Metered::new(std::collections::HashMap::new());
    /// for key in 0..4_u64 {
    ///     map.insert(key, key);
    /// }
    /// // The fourth entry moved the three before it: 48 bytes.
    /// assert_eq!(map.meter().figures().rehash_histogram().next(), Some((256, 1)));
    /// ```
    pub fn rehash_histogram(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        REHASH_BOUNDS.into_iter().chain([u64::MAX]).zip(self.rehash_cells)
    }
}

fn amplification(inserted: u64, moved: u64) -> Option<f64> {
    (inserted > 0).then(|| (inserted as f64 + moved as f64) / inserted as f64)
}

impl AddAssign<&Figures> for Figures {
    fn add_assign(&mut self, other: &Figures) {
        self.assigns += other.assigns;
        self.inserts += other.inserts;
        self.inserted_bytes += other.inserted_bytes;
        self.moved_entries += other.moved_entries;
        self.moved_bytes += other.moved_bytes;
        self.allocated_bytes += other.allocated_bytes;
        for (mine, its) in self.grows.iter_mut().zip(other.grows) {
            *mine += its;
        }
        for (mine, its) in self.rehash_cells.iter_mut().zip(other.rehash_cells) {
            *mine += its;
        }
    }
}
