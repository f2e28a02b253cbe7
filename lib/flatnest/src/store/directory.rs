//! The directory of a long row: which table holds the entries with given first bits of their hash.
//!
//! It lies in a block of the pool like the tables, so that letting a map go frees no directory by itself. Blocks have 4,
//! 16, 64 and so on places. A directory that outgrows its block leaves it to the next row that needs one of its size.
#![allow(unsafe_code)]

use core::alloc::Layout;
use core::ptr::NonNull;

use super::pool::{N_ENTRY_CLASSES, Pool, block_layout};
use super::table::TablePtr;
use crate::prefetch::prefetch;

/// Owner of the tables that stand in it; what it owns goes away only through [`Directory::free`].
///
/// Invariants: `places` is a block of the pool for 2^`32 - shift` places, all initialised. The table at place `i` with depth
/// `d` stands at all places that share the top `d` bits with `i`.
pub(super) struct Directory<T> {
    places: NonNull<TablePtr<T>>,
    /// Leaves as many first bits of a hash as number the places.
    shift: u8,
}

impl<T> Directory<T> {
    /// Class and layout of a block for 2^`bits` places.
    fn block(bits: u32) -> (usize, Layout) {
        let class = Self::class(bits);
        let n_places = 4 << (2 * (class - N_ENTRY_CLASSES));
        let layout = Layout::array::<TablePtr<T>>(n_places)
            .expect("a directory fits the address space, since its tables do");
        (class, block_layout(layout))
    }

    #[inline]
    const fn class(bits: u32) -> usize {
        N_ENTRY_CLASSES + (bits.saturating_sub(1) / 2) as usize
    }

    fn bits(&self) -> u32 {
        32 - u32::from(self.shift)
    }

    /// A directory with one table.
    pub(super) fn new(pool: &mut Pool, table: TablePtr<T>) -> Self {
        let (class, layout) = Self::block(0);
        let places = pool.take(class, layout).cast();
        // SAFETY: the block has room for one place, and belongs to this call.
        unsafe { places.write(table) };
        Self { places, shift: 32 }
    }

    #[inline(always)]
    pub(super) fn places(&self) -> &[TablePtr<T>] {
        // SAFETY: by the invariants.
        unsafe { NonNull::slice_from_raw_parts(self.places, 1 << (32 - self.shift)).as_ref() }
    }

    fn places_mut(&mut self) -> &mut [TablePtr<T>] {
        // SAFETY: by the invariants.
        unsafe { NonNull::slice_from_raw_parts(self.places, 1 << (32 - self.shift)).as_mut() }
    }

    /// The place for a hash.
    #[inline(always)]
    fn place(&self, hash: u32) -> NonNull<TablePtr<T>> {
        let place = (u64::from(hash) >> (self.shift % 64)) as usize;
        debug_assert!(place < self.places().len());
        // SAFETY: `shift` leaves as many bits as number the places.
        unsafe { self.places.add(place) }
    }

    /// The table for a hash.
    #[inline(always)]
    pub(super) fn table(&self, hash: u32) -> TablePtr<T> {
        // SAFETY: all places are initialised.
        unsafe { self.place(hash).read() }
    }

    /// Has the place for a hash read into the cache.
    #[inline(always)]
    pub(super) fn prefetch_place(&self, hash: u32) {
        prefetch(self.place(hash).as_ptr());
    }

    /// Gives each table twice as many places.
    fn double(&mut self, pool: &mut Pool) {
        let n = self.places().len();
        let ((old_class, _), (class, layout)) =
            (Self::block(self.bits()), Self::block(self.bits() + 1));
        let from = self.places;
        if class != old_class {
            self.places = pool.take(class, layout).cast();
        }
        for i in (0..n).rev() {
            // SAFETY: place `i` is read before a later step writes it, and the new block has room for twice as many.
            unsafe {
                let table = from.add(i).read();
                self.places.add(2 * i).write(table);
                self.places.add(2 * i + 1).write(table);
            }
        }
        self.shift -= 1;
        if class != old_class {
            // SAFETY: taken with this class, and its tables were copied.
            unsafe { pool.give(old_class, from.cast()) };
        }
    }

    /// Makes a table for those entries of `table`, which is the one for `hash`, that have the next bit, or with
    /// `!is_high` do not have it.
    pub(super) fn split(
        &mut self,
        pool: &mut Pool,
        table: TablePtr<T>,
        hash: u32,
        is_high: bool,
    ) -> TablePtr<T> {
        // SAFETY: the table lives as long as the directory, and no reference to its head is kept.
        let depth = unsafe { table.head() }.depth;
        if self.places().len() == 1 << depth {
            self.double(pool);
        }
        let fresh = TablePtr::allocate(pool, depth + 1);
        let places = self.places_mut();
        let n_places = places.len() >> depth;
        let start = (u64::from(hash) << depth >> 32) as usize * n_places;
        let half = start + usize::from(is_high) * (n_places / 2);
        places[half..half + n_places / 2].fill(fresh);
        fresh
    }

    /// Gives the tables and the directory back.
    ///
    /// # Safety
    /// They came from `pool`, nobody uses them any more, and no table has another behind it.
    #[inline]
    pub(super) unsafe fn free(self, pool: &mut Pool) {
        let n = self.places().len();
        // SAFETY: by the caller; equal tables stand in neighbouring places.
        unsafe { pool.give_list(Self::class(self.bits()), self.places.cast(), n) };
    }

    /// Gives the directory back and leaves the tables.
    ///
    /// # Safety
    /// It came from `pool`.
    pub(super) unsafe fn free_places(self, pool: &mut Pool) {
        // SAFETY: by the caller.
        unsafe { pool.give(Self::class(self.bits()), self.places.cast()) };
    }
}
