//! Owner of all rows and entries. Knows hashes, and keys only through the closures it is given.
//!
//! 1. Rows lie in the [`index`], found by the hash of the outer key.
//! 2. The entries of a row lie in blocks of one pool, see [`cells`] and [`pool`].
//! 3. Where entries have to be dropped, [`dropping`] does it for many together.
//! 4. The user's code (hash, equality, drop, closures) runs only while everything is consistent, since it may panic.
#![allow(unsafe_code)]

mod cells;
mod cursor;
mod directory;
mod dropping;
mod group;
mod iter;
mod pool;
mod split;
mod table;
mod tags;

use core::mem::{needs_drop, take};
use core::ptr::NonNull;

use self::cells::Cells;
use self::dropping::{Dropping, drop_row};
use self::pool::Pool;
use crate::arena_str::Releases;
use crate::error::TryReserveError;
use crate::growth::GrowthCounter;
use crate::index::{self, Hashed, Index, RowId};

pub(crate) use self::cells::{Position, Slot};
pub(crate) use self::dropping::Entry;
pub(crate) use self::iter::{AllIter, AllIterMut, DrainRow, IntoAll, RowIter, RowIterMut};

/// A row: one line of cache with keys of up to 24 bytes.
#[repr(align(64))]
pub(crate) struct RawRow<K, T> {
    cells: Cells<T>,
    pub(crate) key: K,
    hash: u32,
    len: u32,
}

impl<K, T> Hashed for RawRow<K, T> {
    #[inline(always)]
    fn hash(&self) -> u32 {
        self.hash
    }
}

impl<K, T> RawRow<K, T> {
    pub(crate) const fn len(&self) -> usize {
        self.len as usize
    }

    /// Finds an entry by its hash and key.
    #[inline(always)]
    pub(crate) fn find(&self, hash: u32, wanted: impl FnMut(&T) -> bool) -> Option<Slot<T>> {
        self.cells.find(hash, wanted)
    }

    /// Finds an entry by its hash and key.
    #[inline(always)]
    pub(crate) fn get(&self, hash: u32, wanted: impl FnMut(&T) -> bool) -> Option<&T> {
        // SAFETY: the entry was found just now and is borrowed with the row.
        self.find(hash, wanted).map(|slot| unsafe { slot.entry.as_ref() })
    }

    /// Finds an entry by its hash and key.
    #[inline(always)]
    pub(crate) fn get_mut(&mut self, hash: u32, wanted: impl FnMut(&T) -> bool) -> Option<&mut T> {
        // SAFETY: the entry was found just now and is borrowed with the row.
        self.find(hash, wanted).map(|mut slot| unsafe { slot.entry.as_mut() })
    }

    /// Adds an entry whose key is new to the row. `hash_of` may be asked for hashes of other entries of the row.
    ///
    /// # Panics
    /// When the row has 2^32 - 1 entries, or `hash_of` panics: nothing has changed then.
    #[inline(always)]
    pub(crate) fn push(
        &mut self,
        memory: &mut Memory,
        hash: u32,
        entry: T,
        hash_of: impl Fn(&T) -> u32,
    ) -> &mut T
    where
        T: Entry,
    {
        let mut place = loop {
            match self.cells.claim(self.len as usize, hash) {
                Some(place) => break place,
                None => make_room(self, memory, hash, &hash_of),
            }
        };
        self.len += 1;
        if entry.is_owner() {
            self.cells.set_has_owners();
        }
        // SAFETY: the place was claimed for this entry and is borrowed with the row.
        unsafe {
            place.write(entry);
            place.as_mut()
        }
    }

    /// Finds the entry that is `wanted` for `key`, or adds what `make` makes of the key. Says whether it did.
    #[inline(always)]
    pub(crate) fn get_or_push<Q>(
        &mut self,
        memory: &mut Memory,
        hash: u32,
        key: Q,
        wanted: impl Fn(&Q, &T) -> bool,
        make: impl FnOnce(Q) -> T,
        hash_of: impl Fn(&T) -> u32,
    ) -> (&mut T, bool)
    where
        T: Entry,
    {
        match self.find(hash, |entry| wanted(&key, entry)) {
            // SAFETY: the entry was found just now and is borrowed with the row.
            Some(mut slot) => (unsafe { slot.entry.as_mut() }, false),
            None => (self.push(memory, hash, make(key), hash_of), true),
        }
    }

    /// Walks over the entries.
    #[inline]
    pub(crate) fn iter(&self) -> RowIter<'_, T> {
        RowIter::new(&self.cells, self.len())
    }

    /// Walks over the entries, which may be changed.
    #[cfg(feature = "rayon")]
    pub(crate) fn iter_mut(&mut self) -> (&K, RowIterMut<'_, T>) {
        (&self.key, RowIterMut::new(&mut self.cells, self.len as usize))
    }

    /// The first of the steps that have the entry for `hash` read into the cache: how many are left.
    #[inline(always)]
    pub(crate) fn prefetch_first(&self, hash: u32) -> u32 {
        self.cells.prefetch_first(hash)
    }

    /// A later step; `n_left` are left with it.
    #[inline(always)]
    pub(crate) fn prefetch_next(&self, hash: u32, n_left: u32) {
        self.cells.prefetch_next(hash, n_left);
    }
}

/// All rows. Invariant: the cells of every row come from the pool in `memory`.
pub(crate) struct Store<K, T: Entry> {
    pub(crate) rows: Index<RawRow<K, T>>,
    pub(crate) memory: Memory,
}

/// What entries lie in.
pub(crate) struct Memory {
    pool: Pool,
    pub(crate) growth: GrowthCounter,
    releases: Releases,
}

impl Memory {
    /// Where keys of dropped entries may leave references.
    fn releases_for_drops(&mut self) -> &mut Releases {
        self.releases.expect(self.pool.allocated().0);
        &mut self.releases
    }
}

impl<K, T: Entry> Store<K, T> {
    pub(crate) const fn new() -> Self {
        let memory =
            Memory { pool: Pool::new(), growth: GrowthCounter::new(), releases: Releases::new() };
        Self { rows: Index::new(), memory }
    }

    /// Adds a row with its first entry.
    pub(crate) fn push_row(
        &mut self,
        key: K,
        hash: u32,
        entry_hash: u32,
        entry: T,
    ) -> (RowId, &mut T) {
        let mut row = RawRow { cells: Cells::new(), key, hash, len: 0 };
        let mut place = NonNull::from(row.push(&mut self.memory, entry_hash, entry, |_| 0));
        let id = self.rows.insert(row, &mut self.memory.growth);
        // SAFETY: added just now and borrowed with the store; entries stay where they are when their row moves.
        (id, unsafe { place.as_mut() })
    }

    /// Finds an entry by its hash and key and takes it out. A row left without entries is the caller's to take out.
    #[inline]
    pub(crate) fn remove(
        &mut self,
        id: RowId,
        hash: u32,
        wanted: impl FnMut(&T) -> bool,
    ) -> Option<T> {
        let slot = self.rows.get(id).find(hash, wanted)?;
        // SAFETY: found just now.
        Some(unsafe { self.remove_slot(id, slot) })
    }

    /// Walks on from `position` to the first entry that `keep` refuses, and takes that one out. A row left without
    /// entries is the caller's to take out.
    pub(crate) fn take_refused(
        &mut self,
        id: RowId,
        position: &mut Position,
        mut keep: impl FnMut(&K, &mut T) -> bool,
    ) -> Option<T> {
        let row = self.rows.get_mut(id);
        while let Some(mut slot) = row.cells.slot_at(row.len as usize, position) {
            // SAFETY: found just now, and the row is borrowed mutably.
            if !keep(&row.key, unsafe { slot.entry.as_mut() }) {
                // SAFETY: as above. The last entry comes to this position, and is next.
                return Some(unsafe { self.remove_slot(id, slot) });
            }
            position.idx += 1;
        }
        None
    }

    /// Takes an entry out. A row left without entries is the caller's to take out.
    ///
    /// # Safety
    /// `slot` was found in row `id`, which was not changed since.
    #[inline]
    pub(crate) unsafe fn remove_slot(&mut self, id: RowId, slot: Slot<T>) -> T {
        let row = self.rows.get_mut(id);
        // SAFETY: by the caller.
        let entry = unsafe { row.cells.remove(row.len as usize, slot) };
        row.len -= 1;
        entry
    }

    /// Drops the entries of a row that was taken out and keeps their memory for others; returns the key.
    #[inline]
    pub(crate) fn recycle(&mut self, row: RawRow<K, T>) -> K {
        let RawRow { cells, key, len, .. } = row;
        if needs_drop::<T>() {
            // SAFETY: the row is owned, and left without entries.
            unsafe { drop_row(&cells, len as usize, self.memory.releases_for_drops()) };
            if self.rows.len() == 0 {
                self.memory.releases.flush();
            }
        }
        // SAFETY: the row came from this store, and its entries are gone.
        unsafe { cells.free(&mut self.memory.pool) };
        key
    }

    /// Walks by value over the entries of a row that was taken out.
    pub(crate) fn drain_row(&mut self, row: RawRow<K, T>) -> (K, DrainRow<'_, T>) {
        let RawRow { cells, key, len, .. } = row;
        (key, DrainRow::new(cells, len as usize, &mut self.memory.pool))
    }

    /// Drops everything and keeps the memory.
    pub(crate) fn clear(&mut self) {
        let mut dropping = Dropping::new(self.memory.releases_for_drops());
        for RawRow { cells, len, .. } in self.rows.drain() {
            // SAFETY: the row has left the index.
            unsafe { dropping.add_row(&cells, len as usize) };
        }
        drop(dropping);
        self.memory.releases.flush();
        // SAFETY: no row is left.
        unsafe { self.memory.pool.take_back_all() };
    }

    /// Walks over all rows.
    pub(crate) fn rows(&self) -> index::Iter<'_, RawRow<K, T>> {
        self.rows.iter()
    }

    /// Walks over the entries of one row.
    pub(crate) fn row_iter_mut(&mut self, id: RowId) -> RowIterMut<'_, T> {
        let row = self.rows.get_mut(id);
        RowIterMut::new(&mut row.cells, row.len as usize)
    }

    /// Walks over all `n` entries.
    pub(crate) fn iter_mut(&mut self, n: usize) -> AllIterMut<'_, K, T> {
        AllIterMut::new(self, n)
    }

    /// Walks by value over all `n` entries; nothing is left here.
    pub(crate) fn take_all(&mut self, n: usize) -> IntoAll<K, T> {
        let mut old = core::mem::replace(self, Self::new());
        IntoAll::new(take(&mut old.rows), take(&mut old.memory.pool), n)
    }

    /// Makes room for so many more rows and entries, as far as that can be known ahead.
    pub(crate) fn try_reserve(
        &mut self,
        n_rows: usize,
        n_entries: usize,
    ) -> Result<(), TryReserveError> {
        let per_entry = size_of::<T>().max(1);
        let wanted = n_entries.checked_mul(per_entry).ok_or(TryReserveError)?;
        let Memory { pool, growth, .. } = &mut self.memory;
        let missing = wanted.saturating_sub(pool.n_uncut_bytes());
        let allocated = pool.allocated();
        if missing > 0 && !pool.reserve(missing) {
            return Err(TryReserveError);
        }
        growth.add_allocation(pool.bytes_since(allocated));
        self.rows.try_reserve(n_rows, growth)
    }

    /// Places for entries in rows, and what memory not given to a row yet would hold.
    pub(crate) fn capacity(&self) -> usize {
        let in_rows: usize = self.rows().map(|row| row.cells.capacity()).sum();
        in_rows + self.memory.pool.n_uncut_bytes() / size_of::<T>().max(1)
    }

    /// Panics unless the invariants hold.
    #[cfg(debug_assertions)]
    pub(crate) fn check(&self) {
        self.rows.check();
        self.rows().for_each(|row| row.cells.check(row.len()));
    }
}

impl<K, T: Entry> Drop for Store<K, T> {
    fn drop(&mut self) {
        if needs_drop::<T>() {
            let mut dropping = Dropping::new(self.memory.releases_for_drops());
            for row in self.rows.iter() {
                // SAFETY: nobody sees the entries after this.
                unsafe { dropping.add_row(&row.cells, row.len()) };
            }
        }
    }
}

#[cold]
#[inline(never)]
fn make_room<K, T>(
    row: &mut RawRow<K, T>,
    memory: &mut Memory,
    hash: u32,
    hash_of: impl Fn(&T) -> u32,
) {
    assert!(row.len < u32::MAX, "a row has less than 2^32 entries");
    let Memory { pool, growth, .. } = memory;
    let allocated = pool.allocated();
    let moved = row.cells.make_room(pool, row.len as usize, hash, hash_of);
    growth.add_allocation(pool.bytes_since(allocated));
    if let Some(n_moved) = moved {
        growth.add_grow(n_moved, size_of::<T>());
    }
}
