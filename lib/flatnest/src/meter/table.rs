//! What a hash table of `std` or `hashbrown` did, told from its length and capacity alone.
//!
//! The full capacity of a table is 3, 7, or 7/8 of its buckets. `capacity()` is the length plus the free places, which
//! is the full capacity less the tombstones that removed entries left.
//!
//! 1. An insert leaves `capacity()` as it is, or raises it by one when the entry takes the place of a tombstone. A
//!    removal leaves it or lowers it by one.
//! 2. Without a free place, an insert first re-hashes all entries: in place, when at most half of the full capacity
//!    will be used, else into a larger table. Both end without tombstones, so `capacity()` is then the full capacity,
//!    which is higher by at least two: for the move in place because half of 3 or more was free, for a larger table
//!    because the next full capacity is higher by at least 3.
//! 3. So an operation re-hashed exactly when `capacity()` rose by more than the length, and what was re-hashed is the
//!    length before.
//! 4. The full capacity then says whether the table is another: in place it stays. It is remembered, since tombstones
//!    hide it. What is not remembered, of a table that was filled elsewhere, is taken as the smallest possible.
//! 5. A table shrinks exactly when the smallest buckets for its length are fewer than it has.
//!
//! Source: hashbrown 0.17.2, `src/raw.rs`: `reserve_rehash_inner`, `shrink_to`, `erase`, `capacity_to_buckets`,
//! `calculate_layout_for`. Tests compare the outcome with the calls of a hasher and of the global allocator.

use core::cmp::Ordering;

use super::{Grow, GrowKind};

/// Control bytes that hashbrown reads at once. It allocates that many more than buckets.
const GROUP: usize =
    if cfg!(all(target_feature = "sse2", any(target_arch = "x86", target_arch = "x86_64"))) {
        16
    } else if cfg!(any(target_pointer_width = "64", target_arch = "wasm32")) {
        8
    } else {
        4
    };

/// A hash table that is looked at from outside.
pub(super) trait HashTable {
    /// Size and alignment of its entries.
    const ENTRY: EntrySize;

    fn look(&self) -> Look;
}

/// What is to be seen of a table.
#[derive(Clone, Copy)]
pub(super) struct Look {
    pub(super) len: usize,
    pub(super) capacity: usize,
}

/// Size and alignment of a table's entries, which its layout follows from.
#[derive(Clone, Copy)]
pub(super) struct EntrySize {
    size: usize,
    align: usize,
}

impl EntrySize {
    pub(super) const fn of<T>() -> EntrySize {
        EntrySize { size: size_of::<T>(), align: align_of::<T>() }
    }

    pub(super) fn bytes(self, n_entries: usize) -> u64 {
        (self.size * n_entries) as u64
    }

    /// The full capacity of the smallest table for `len` entries.
    fn full_capacity(self, len: usize) -> usize {
        let smallest = match (GROUP, self.size) {
            (16, 0..=1) => 14,
            (16, 2..=3) | (8, 0..=1) => 7,
            _ => 3,
        };
        match len {
            0 => 0,
            1..15 => [3, 7, 14].into_iter().find(|&full| full >= len.max(smallest)).unwrap_or(14),
            _ => (len * 8 / 7).next_power_of_two() / 8 * 7,
        }
    }

    /// Bytes that a table of this full capacity is allocated with.
    fn table_bytes(self, full_capacity: usize) -> u64 {
        let n_buckets = match full_capacity {
            0 => return 0,
            1..8 => full_capacity + 1,
            _ => full_capacity / 7 * 8,
        };
        let entries = (self.size * n_buckets).next_multiple_of(self.align.max(GROUP));
        (entries + n_buckets + GROUP) as u64
    }
}

/// What is remembered of a table between operations: a full capacity that it has at least.
///
/// It is the exact one together with what `capacity()` shows, as long as it is brought up to date after each growth
/// and before each removal.
#[derive(Clone, Copy, Debug, Default)]
pub struct TableState {
    full_capacity: usize,
}

impl TableState {
    /// What a look at the table adds to what is remembered.
    pub(super) fn seen<T: HashTable>(self, look: Look) -> TableState {
        let full_capacity = self.full_capacity.max(T::ENTRY.full_capacity(look.capacity));
        TableState { full_capacity }
    }

    /// Whether a look does not show the full capacity, because of tombstones.
    pub(super) fn is_hidden_in<T: HashTable>(self, look: Look) -> bool {
        T::ENTRY.full_capacity(look.capacity) < self.full_capacity
    }

    /// The growth that an operation caused which inserted at most one entry, or reserved.
    #[inline]
    pub(super) fn grown<T: HashTable>(&mut self, before: Look, table: &T) -> Option<Grow> {
        let after = table.look();
        let risen = after.capacity.saturating_sub(before.capacity);
        (risen > after.len - before.len).then(|| self.replaced::<T>(before, after.capacity))
    }

    /// The re-hashing that a call of `shrink_to_fit` caused.
    pub(super) fn shrunk<T: HashTable>(&mut self, before: Look) -> Option<Grow> {
        let full_capacity = T::ENTRY.full_capacity(before.len);
        let shrinks = full_capacity < self.seen::<T>(before).full_capacity;
        shrinks.then(|| self.replaced::<T>(before, full_capacity))
    }

    /// Remembers that all entries of `before` were re-hashed into a table of `full_capacity`.
    #[cold]
    fn replaced<T: HashTable>(&mut self, before: Look, full_capacity: usize) -> Grow {
        let moved = before.len;
        let before = self.seen::<T>(before).full_capacity;
        self.full_capacity = full_capacity;
        let kind = match full_capacity.cmp(&before) {
            _ if before == 0 => GrowKind::First,
            Ordering::Greater => GrowKind::Larger,
            Ordering::Equal => GrowKind::SameSize,
            Ordering::Less => GrowKind::Smaller,
        };
        Grow {
            kind,
            n_grows: 1,
            capacity: Some((before, full_capacity)),
            moved_entries: moved as u64,
            moved_bytes: T::ENTRY.bytes(moved),
            allocated_bytes: match kind {
                GrowKind::SameSize => 0,
                _ => T::ENTRY.table_bytes(full_capacity),
            },
        }
    }
}
