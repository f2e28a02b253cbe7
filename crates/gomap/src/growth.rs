//! What growing costs.

use std::ops::{AddAssign, Index, IndexMut};

use crate::estimate::Estimate;

/// The events that re-insert entries of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GrowKind {
    /// Classic: twice the buckets.
    Double,
    /// Classic: as many buckets, to be rid of overflow buckets.
    SameSize,
    /// Swiss: from the one group of up to 8 entries to a table.
    SmallToTable,
    /// Swiss: a table to one of twice the slots.
    Table,
    /// Swiss: the largest table to two.
    Split,
}

impl GrowKind {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 5] =
        [Self::Double, Self::SameSize, Self::SmallToTable, Self::Table, Self::Split];
}

/// A number for each kind of growth.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ByKind<T>([T; 5]);

impl<T> Index<GrowKind> for ByKind<T> {
    type Output = T;

    fn index(&self, kind: GrowKind) -> &T {
        &self.0[kind as usize]
    }
}

impl<T> IndexMut<GrowKind> for ByKind<T> {
    fn index_mut(&mut self, kind: GrowKind) -> &mut T {
        &mut self.0[kind as usize]
    }
}

/// What happened to a map, or will: `u64` where counted, [`Estimate`] where it depends on hashing.
///
/// Bytes are those the allocator takes, of the map's header, arrays, directories, and of keys and elements too large
/// to stand in the map. What keys and elements point to is not the map's.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Growth<T> {
    /// Entries inserted, again after a deletion too. Overwriting inserts nothing.
    pub inserted: u64,
    /// Units: bytes of keys and elements, as they stand in the map.
    pub inserted_bytes: u64,
    /// Entries at the end.
    pub live: u64,
    /// Units: bytes of keys and elements of these.
    pub live_bytes: u64,
    /// Growths begun.
    pub grows: ByKind<T>,
    /// Entries re-inserted by growths so far.
    pub moved: T,
    /// Entries of the tables whose growth began, when it began, as a recorder of growths counts them. More than `moved`
    /// while a classic map is being evacuated, and where entries were deleted meanwhile.
    pub begun: T,
    /// Units: bytes of keys and elements, as they stand in the map.
    pub moved_bytes: T,
    /// Units: bytes taken from the allocator in all.
    pub allocated_bytes: T,
    /// Objects taken from the allocator in all.
    pub allocations: T,
    /// Units: bytes still held at the end.
    pub retained_bytes: T,
    /// Objects still held at the end, with pointers or without: each collection has to mark them one by one.
    pub retained_objects: T,
    /// The part of `retained_bytes` in objects with pointers, which each collection reads through.
    pub pointer_bytes: T,
    /// Slots for entries at the end; in overflow buckets not counted.
    pub slots: T,
}

/// A map of which only sizes are known.
pub type Forecast = Growth<Estimate>;

impl Forecast {
    /// (inserted + moved) / inserted, in bytes; `None` when nothing is inserted. For maps of one type the same as in
    /// entries.
    pub fn write_amplification(&self) -> Option<Estimate> {
        let inserted = self.inserted_bytes as f64;
        let ratio = |moved| (inserted + moved) / inserted;
        (self.inserted_bytes > 0).then(|| self.moved_bytes.map(ratio))
    }

    /// Bytes held / bytes of live keys and elements; `None` when there are none of these.
    pub fn space_amplification(&self) -> Option<Estimate> {
        (self.live_bytes > 0)
            .then(|| self.retained_bytes.map(|bytes| bytes / self.live_bytes as f64))
    }

    /// So many maps of the same size in all.
    #[must_use]
    pub fn times(&self, n_maps: u64) -> Self {
        Self {
            inserted: self.inserted.saturating_mul(n_maps),
            inserted_bytes: self.inserted_bytes.saturating_mul(n_maps),
            live: self.live.saturating_mul(n_maps),
            live_bytes: self.live_bytes.saturating_mul(n_maps),
            ..self.with_each(self, |estimate, _| estimate.of_independent(n_maps))
        }
    }

    /// Each estimate made of that here and that of the other; what was put in as here.
    #[must_use]
    pub(crate) fn with_each(
        &self,
        other: &Self,
        f: impl Fn(Estimate, Estimate) -> Estimate,
    ) -> Self {
        let mut grows = self.grows;
        GrowKind::ALL.iter().for_each(|&kind| grows[kind] = f(self.grows[kind], other.grows[kind]));
        Self {
            grows,
            moved: f(self.moved, other.moved),
            begun: f(self.begun, other.begun),
            moved_bytes: f(self.moved_bytes, other.moved_bytes),
            allocated_bytes: f(self.allocated_bytes, other.allocated_bytes),
            allocations: f(self.allocations, other.allocations),
            retained_bytes: f(self.retained_bytes, other.retained_bytes),
            retained_objects: f(self.retained_objects, other.retained_objects),
            pointer_bytes: f(self.pointer_bytes, other.pointer_bytes),
            slots: f(self.slots, other.slots),
            ..*self
        }
    }

    /// Growths of all kinds.
    pub fn all_grows(&self) -> Estimate {
        let mut sum = Estimate::default();
        self.grows.0.iter().for_each(|&grows| sum += grows);
        sum
    }
}

impl AddAssign<&Self> for Forecast {
    fn add_assign(&mut self, other: &Self) {
        *self = Self {
            inserted: self.inserted.saturating_add(other.inserted),
            inserted_bytes: self.inserted_bytes.saturating_add(other.inserted_bytes),
            live: self.live.saturating_add(other.live),
            live_bytes: self.live_bytes.saturating_add(other.live_bytes),
            ..self.with_each(other, |mut sum, more| {
                sum += more;
                sum
            })
        };
    }
}
