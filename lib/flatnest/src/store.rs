//! Owner of all rows and entries. Knows hashes, and keys only through the closures it is given.
//!
//! 1. Rows have dense numbers from 0, so that walking over all needs no index. The last row takes the number of a row
//!    that goes.
//! 2. Rows lie in chunks that never move once there are two of them; growth adds one chunk of bounded size.
//! 3. The entries of a row lie in blocks of one pool, see [`cells`] and [`pool`].
//! 4. The user's code (hash, equality, drop, closures) runs only while everything is consistent, since it may panic.
#![allow(unsafe_code)]

mod cells;
mod iter;
mod pool;
mod tags;

use alloc::vec::Vec;
use core::mem::needs_drop;

use self::cells::Cells;
use self::iter::Entries;
use self::pool::Pool;
use crate::error::TryReserveError;
use crate::growth::GrowthCounter;

pub(crate) use self::cells::{Position, Slot};
pub(crate) use self::iter::{AllIter, AllIterMut, DrainRow, IntoAll, RawRows, RowIter, RowIterMut};

const CHUNK_BITS: u32 = 9;
/// Rows of a chunk.
const CHUNK_ROWS: usize = 1 << CHUNK_BITS;

/// Has the line of memory read into the cache, where the processor can be asked to. Any address will do.
#[inline(always)]
pub(crate) fn prefetch<T>(address: *const T) {
    #[cfg(all(target_arch = "x86_64", target_feature = "sse", not(miri)))]
    // SAFETY: a prefetch reads nothing that the program could see, and faults nowhere.
    unsafe {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch(address.cast(), _MM_HINT_T0);
    }
    #[cfg(not(all(target_arch = "x86_64", target_feature = "sse", not(miri))))]
    let _ = address;
}

/// A row: one line of cache with keys of up to 24 bytes.
#[repr(align(64))]
pub(crate) struct RawRow<K, T> {
    cells: Cells<T>,
    pub(crate) key: K,
    pub(crate) hash: u32,
    len: u32,
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

    /// Walks over the entries, which may be changed.
    #[cfg(feature = "rayon")]
    pub(crate) fn iter_mut(&mut self) -> (&K, RowIterMut<'_, T>) {
        (&self.key, RowIterMut::new(&mut self.cells, self.len as usize))
    }

    /// Walks over the entries.
    #[inline]
    pub(crate) fn iter(&self) -> RowIter<'_, T> {
        RowIter::new(&self.cells, self.len())
    }

    /// Has the entry for `hash` read into the cache, or the page it is in. Says whether there are pages.
    #[inline(always)]
    pub(crate) fn prefetch_page_or_entry(&self, hash: u32) -> bool {
        self.cells.prefetch_page_or_entry(hash)
    }

    /// Has the entry for `hash` read into the cache if it lies in a page.
    #[inline(always)]
    pub(crate) fn prefetch_entry_in_page(&self, hash: u32) {
        self.cells.prefetch_entry_in_page(hash);
    }
}

/// All rows. Invariant: the cells of every row come from `pool`; chunks are full but the last that is not empty.
pub(crate) struct Store<K, T> {
    rows: Vec<Vec<RawRow<K, T>>>,
    n_rows: usize,
    pool: Pool,
    pub(crate) growth: GrowthCounter,
}

impl<K, T> Store<K, T> {
    pub(crate) const fn new() -> Self {
        Self { rows: Vec::new(), n_rows: 0, pool: Pool::new(), growth: GrowthCounter::new() }
    }

    pub(crate) const fn n_rows(&self) -> usize {
        self.n_rows
    }

    #[inline(always)]
    pub(crate) fn row(&self, id: u32) -> &RawRow<K, T> {
        &self.rows[id as usize >> CHUNK_BITS][id as usize % CHUNK_ROWS]
    }

    #[inline(always)]
    fn row_mut(&mut self, id: u32) -> &mut RawRow<K, T> {
        &mut self.rows[id as usize >> CHUNK_BITS][id as usize % CHUNK_ROWS]
    }

    /// Rows chunk by chunk.
    #[cfg(feature = "rayon")]
    pub(crate) fn chunks(&self) -> &[Vec<RawRow<K, T>>] {
        &self.rows
    }

    #[cfg(feature = "rayon")]
    pub(crate) fn chunks_mut(&mut self) -> &mut [Vec<RawRow<K, T>>] {
        &mut self.rows
    }

    /// Rows in the order of their numbers.
    pub(crate) fn rows(&self) -> RawRows<'_, K, T> {
        RawRows::new(&self.rows, self.n_rows)
    }

    /// Walks over the entries of one row.
    pub(crate) fn row_iter_mut(&mut self, id: u32) -> RowIterMut<'_, T> {
        let row = self.row_mut(id);
        RowIterMut::new(&mut row.cells, row.len as usize)
    }

    /// Walks over all `n` entries.
    pub(crate) fn iter_mut(&mut self, n: usize) -> AllIterMut<'_, K, T> {
        AllIterMut::new(self, n)
    }

    /// Adds a row without entries. The caller adds one before anyone else sees it.
    pub(crate) fn push_row(&mut self, key: K, hash: u32) -> u32 {
        let id = u32::try_from(self.n_rows).expect("a map has less than 2^32 rows");
        let chunk = self.n_rows >> CHUNK_BITS;
        if chunk == self.rows.len() {
            let rows = if chunk == 0 { 0 } else { CHUNK_ROWS };
            self.rows.push(Vec::with_capacity(rows));
            self.growth.add_allocation(rows * size_of::<RawRow<K, T>>());
        }
        let rows = &mut self.rows[chunk];
        if rows.len() == rows.capacity() {
            // Only the first chunk: it grows like any vector.
            rows.reserve(1);
            self.growth.add_allocation(rows.capacity() * size_of::<RawRow<K, T>>());
        }
        rows.push(RawRow { cells: Cells::new(), key, hash, len: 0 });
        self.n_rows += 1;
        id
    }

    /// Takes a row out; the last row takes its number.
    pub(crate) fn take_row(&mut self, id: u32) -> RawRow<K, T> {
        self.n_rows -= 1;
        let (chunk, at) = (id as usize >> CHUNK_BITS, id as usize % CHUNK_ROWS);
        let last = self.rows[self.n_rows >> CHUNK_BITS].pop().expect("the last row is there");
        if id as usize == self.n_rows {
            return last;
        }
        core::mem::replace(&mut self.rows[chunk][at], last)
    }

    /// Adds an entry whose key is new to the row. `hash_of` may be asked for hashes of other entries of the row.
    ///
    /// # Panics
    /// When the row has 2^32 - 1 entries, or `hash_of` panics: nothing has changed then.
    #[inline]
    pub(crate) fn push(
        &mut self,
        id: u32,
        hash: u32,
        mut entry: T,
        hash_of: impl Fn(&T) -> u32,
    ) -> Slot<T> {
        let row = &mut self.rows[id as usize >> CHUNK_BITS][id as usize % CHUNK_ROWS];
        loop {
            match row.cells.push_within_room(row.len as usize, hash, entry) {
                Ok(slot) => {
                    row.len += 1;
                    return slot;
                }
                Err(given_back) => entry = given_back,
            }
            make_room(row, &mut self.pool, &mut self.growth, hash, &hash_of);
        }
    }

    /// Finds an entry of a row by its hash and key.
    #[inline(always)]
    pub(crate) fn get_mut(
        &mut self,
        id: u32,
        hash: u32,
        wanted: impl FnMut(&T) -> bool,
    ) -> Option<&mut T> {
        // SAFETY: the entry was found just now and is borrowed with the store.
        self.row(id).find(hash, wanted).map(|mut slot| unsafe { slot.entry.as_mut() })
    }

    /// Finds the entry of a row that is `wanted` for `key`, or adds what `make` makes of the key. Says whether it did.
    #[inline(always)]
    pub(crate) fn get_or_push<Q>(
        &mut self,
        id: u32,
        hash: u32,
        key: Q,
        wanted: impl Fn(&Q, &T) -> bool,
        make: impl FnOnce(Q) -> T,
        hash_of: impl Fn(&T) -> u32,
    ) -> (&mut T, bool) {
        let found = self.row(id).find(hash, |entry| wanted(&key, entry));
        let mut slot = match found {
            Some(slot) => slot,
            None => self.push(id, hash, make(key), hash_of),
        };
        // SAFETY: the entry was found or added just now and is borrowed with the store.
        (unsafe { slot.entry.as_mut() }, found.is_none())
    }

    /// Finds an entry by its hash and key and takes it out. A row left without entries is the caller's to take out.
    #[inline]
    pub(crate) fn remove(
        &mut self,
        id: u32,
        hash: u32,
        wanted: impl FnMut(&T) -> bool,
    ) -> Option<T> {
        let slot = self.row(id).find(hash, wanted)?;
        // SAFETY: found just now.
        Some(unsafe { self.remove_slot(id, slot) })
    }

    /// Walks on from `position` to the first entry that `keep` refuses, and takes that one out. A row left without
    /// entries is the caller's to take out.
    pub(crate) fn take_refused(
        &mut self,
        id: u32,
        position: &mut Position,
        mut keep: impl FnMut(&K, &mut T) -> bool,
    ) -> Option<T> {
        let row = self.row_mut(id);
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
    pub(crate) unsafe fn remove_slot(&mut self, id: u32, slot: Slot<T>) -> T {
        let row = self.row_mut(id);
        // SAFETY: by the caller.
        let entry = unsafe { row.cells.remove(row.len as usize, slot) };
        row.len -= 1;
        entry
    }

    /// Drops the entries of a row that was taken out and keeps their memory for others; returns the key and how many
    /// entries there were.
    #[inline]
    pub(crate) fn recycle(&mut self, row: RawRow<K, T>) -> (K, usize) {
        let RawRow { cells, key, len, .. } = row;
        let len = len as usize;
        if needs_drop::<T>() {
            drop(Entries::new(&cells, len));
        }
        // SAFETY: the row came from this store, and its entries are gone.
        unsafe { cells.free(&mut self.pool) };
        (key, len)
    }

    /// Walks by value over the entries of a row that was taken out.
    pub(crate) fn drain_row(&mut self, row: RawRow<K, T>) -> (K, DrainRow<'_, T>) {
        let RawRow { cells, key, len, .. } = row;
        (key, DrainRow::new(cells, len as usize, &mut self.pool))
    }

    /// Drops everything and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.n_rows = 0;
        for chunk in &mut self.rows {
            for RawRow { cells, len, .. } in chunk.drain(..) {
                if needs_drop::<T>() {
                    drop(Entries::new(&cells, len as usize));
                }
            }
        }
        // SAFETY: no row is left.
        unsafe { self.pool.take_back_all() };
    }

    /// Makes room for so many more rows and entries, as far as that can be known ahead.
    pub(crate) fn try_reserve(
        &mut self,
        n_rows: usize,
        n_entries: usize,
    ) -> Result<(), TryReserveError> {
        let n_chunks = (self.n_rows + n_rows).div_ceil(CHUNK_ROWS);
        if n_rows > 0 && self.rows.is_empty() {
            self.rows.try_reserve(n_chunks)?;
            self.rows.push(Vec::new());
        }
        for i in 0..n_chunks.min(self.rows.len()) {
            let wanted = (self.n_rows + n_rows - i * CHUNK_ROWS).min(CHUNK_ROWS);
            let rows = &mut self.rows[i];
            rows.try_reserve_exact(wanted.saturating_sub(rows.len()))?;
        }
        self.rows.try_reserve(n_chunks.saturating_sub(self.rows.len()))?;
        while self.rows.len() < n_chunks {
            let mut rows = Vec::new();
            rows.try_reserve_exact(CHUNK_ROWS)?;
            self.rows.push(rows);
        }
        let per_entry = size_of::<T>().max(1);
        let wanted = n_entries.checked_mul(per_entry).ok_or(TryReserveError)?;
        let missing = wanted.saturating_sub(self.pool.n_uncut_bytes());
        if missing > 0 && !self.pool.reserve(missing) {
            return Err(TryReserveError);
        }
        Ok(())
    }

    /// Places for entries in rows, and what memory not given to a row yet would hold.
    pub(crate) fn capacity(&self) -> usize {
        let in_rows: usize = self.rows().map(|row| row.cells.capacity()).sum();
        in_rows + self.pool.n_uncut_bytes() / size_of::<T>().max(1)
    }

    /// Panics unless the invariants hold.
    #[cfg(any(test, debug_assertions))]
    pub(crate) fn check(&self) {
        let n_rows: usize = self.rows.iter().map(Vec::len).sum();
        assert_eq!(n_rows, self.n_rows);
        let n_full = self.n_rows >> CHUNK_BITS;
        assert!(self.rows[..n_full].iter().all(|chunk| chunk.len() == CHUNK_ROWS));
        self.rows().for_each(|row| row.cells.check(row.len()));
    }
}

impl<K, T> Drop for Store<K, T> {
    fn drop(&mut self) {
        if needs_drop::<T>() {
            for row in self.rows() {
                drop(Entries::new(&row.cells, row.len()));
            }
        }
    }
}

#[cold]
#[inline(never)]
fn make_room<K, T>(
    row: &mut RawRow<K, T>,
    pool: &mut Pool,
    growth: &mut GrowthCounter,
    hash: u32,
    hash_of: impl Fn(&T) -> u32,
) {
    assert!(row.len < u32::MAX, "a row has less than 2^32 entries");
    let chunk_bytes = pool.n_chunk_bytes();
    let moved = row.cells.make_room(pool, row.len as usize, hash, hash_of);
    growth.add_allocation(pool.n_chunk_bytes() - chunk_bytes + moved.n_directory_bytes);
    growth.add_grow(moved.n_entries, size_of::<T>());
}
