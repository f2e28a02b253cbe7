//! Where the entries of one row lie.
//!
//! 1. Up to [`SMALL`] entries lie densely in one block of 4, 8 or 16 places, their tags in the row itself.
//! 2. More entries lie as densely in a [table](super::table) of 32, 64, 128 or 256 places, which has an index.
//! 3. More than [`LARGEST`] entries lie in several tables of that size. The first bits of an entry's hash choose the table
//!    through a [directory](super::directory) of a power of two of pointers to tables. Tables that share fewer bits than
//!    the directory has stand in it several times, in neighbouring places.
//! 4. A full table of a directory splits in two by the next bit; where it already takes all bits of the directory, the
//!    directory doubles first.
//! 5. Equal hashes cannot be separated. So the directory may only have so many places per entry, and a full table that
//!    would need more gets a further table in a chain.
//! 6. Removal fills the gap with the last entry of the block or table. After [`MAX_REMOVED`] removals, the next insertion
//!    clears the table's index of what they left behind.
#![allow(unsafe_code)]

use core::alloc::Layout;
use core::ptr::NonNull;

use super::cursor::Cursor;
use super::directory::Directory;
use super::pool::{Pool, block_layout};
use super::split::{Hashes, split};
use super::table::{Head, LARGEST, Table, TablePtr, first_equal};
use super::tags::{matches16, tag};
use crate::prefetch::prefetch_bytes;

/// Most entries of a row without a table.
pub(super) const SMALL: usize = 16;
/// Directory places allowed for each full table's worth of entries. An even hash needs fewer than 4.
const PLACES_PER_TABLE: usize = 8;
const MAX_REMOVED: u8 = u8::MAX;

/// Owner of the entries of one row; what it owns goes away only through [`Cells::free`].
///
/// Invariants: the first places of a block are initialised, one for each entry, and their tags are those of their hashes;
/// other tags are 0. Without `has_owners`, no entry needs to be dropped.
pub(super) enum Cells<T> {
    Small {
        tags: [u8; SMALL],
        block: NonNull<T>,
        cap: u8,
        has_owners: bool,
    },
    Table {
        table: Table<T>,
        n_removed: u8,
        has_owners: bool,
    },
    /// `is_chained` says whether any table has another after it.
    Tables {
        directory: Directory<T>,
        is_chained: bool,
        has_owners: bool,
    },
}

// SAFETY: a `Cells<T>` owns its entries, so it may go where they may go.
unsafe impl<T: Send> Send for Cells<T> {}
// SAFETY: `&Cells<T>` gives access to `&T` only.
unsafe impl<T: Sync> Sync for Cells<T> {}

/// One entry's place.
pub(crate) struct Slot<T> {
    /// In which table of the directory, if there is one.
    pub(super) table: Option<TablePtr<T>>,
    pub(super) idx: usize,
    pub(crate) entry: NonNull<T>,
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Slot<T> {}
// SAFETY: a slot is an address; whoever follows it says by its own type which access that is.
unsafe impl<T> Send for Slot<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Slot<T> {}

/// A place in a row, said in numbers: it stays valid, if not meaningful, whatever happens to the row.
#[derive(Default)]
pub(crate) struct Position {
    /// In the directory.
    place: usize,
    /// In the chain of tables.
    n_tables_before: usize,
    /// In the table or block.
    pub(super) idx: usize,
}

impl<T> Cells<T> {
    pub(super) const fn new() -> Self {
        Self::Small { tags: [0; SMALL], block: NonNull::dangling(), cap: 0, has_owners: false }
    }

    fn small_class(cap: u8) -> (usize, Layout) {
        let (class, layout) = match cap {
            4 => (0, const { Layout::new::<[T; 4]>() }),
            8 => (1, const { Layout::new::<[T; 8]>() }),
            _ => (2, const { Layout::new::<[T; SMALL]>() }),
        };
        (class, block_layout(layout))
    }

    /// The directory; none without one.
    #[inline(always)]
    fn directory(&self) -> &[TablePtr<T>] {
        match self {
            Self::Small { .. } | Self::Table { .. } => &[],
            Self::Tables { directory, .. } => directory.places(),
        }
    }

    /// Whether some entries have to be dropped, as far as is known.
    #[inline(always)]
    pub(super) fn has_owners(&self) -> bool {
        match self {
            Self::Small { has_owners, .. }
            | Self::Table { has_owners, .. }
            | Self::Tables { has_owners, .. } => *has_owners,
        }
    }

    /// Notes that an entry has to be dropped.
    #[inline(always)]
    pub(super) fn set_has_owners(&mut self) {
        match self {
            Self::Small { has_owners, .. }
            | Self::Table { has_owners, .. }
            | Self::Tables { has_owners, .. } => *has_owners = true,
        }
    }

    /// Finds an entry by its hash and key.
    #[inline(always)]
    pub(super) fn find(&self, hash: u32, mut wanted: impl FnMut(&T) -> bool) -> Option<Slot<T>> {
        match self {
            Self::Small { tags, block, .. } => {
                let hits = matches16(tags, tag(hash));
                // SAFETY: tags that are not 0 belong to initialised places.
                let (idx, entry) = unsafe { first_equal(hits, |i| i, *block, wanted) }?;
                Some(Slot { table: None, idx, entry })
            }
            Self::Table { table, .. } => {
                // SAFETY: the table lives as long as the row, and is not changed while that is borrowed.
                let (idx, entry) = unsafe { table.find(hash, wanted) }?;
                Some(Slot { table: None, idx, entry })
            }
            Self::Tables { directory, .. } => {
                let mut table = directory.table(hash);
                loop {
                    // SAFETY: as above.
                    if let Some((idx, entry)) = unsafe { table.table().find(hash, &mut wanted) } {
                        return Some(Slot { table: Some(table), idx, entry });
                    }
                    if !self.is_chained() {
                        return None;
                    }
                    // SAFETY: as above.
                    table = unsafe { table.head() }.next?;
                }
            }
        }
    }

    #[inline(always)]
    fn is_chained(&self) -> bool {
        matches!(self, Self::Tables { is_chained: true, .. })
    }

    /// The first of the steps that have the entry for `hash` read into the cache: how many are left.
    #[inline(always)]
    pub(super) fn prefetch_first(&self, hash: u32) -> u32 {
        match self {
            Self::Small { tags, block, .. } => {
                // Without a hit some place is read, which does no harm.
                let idx = matches16(tags, tag(hash)).trailing_zeros() as usize % SMALL;
                prefetch_bytes(block.as_ptr().wrapping_add(idx).cast(), size_of::<T>());
                0
            }
            Self::Table { table, .. } => {
                table.prefetch_group(hash);
                1
            }
            Self::Tables { directory, .. } => {
                directory.prefetch_place(hash);
                2
            }
        }
    }

    /// A later step; `n_left` are left with it.
    #[inline(always)]
    pub(super) fn prefetch_next(&self, hash: u32, n_left: u32) {
        let table = match self {
            Self::Small { .. } => return,
            Self::Table { table, .. } => *table,
            Self::Tables { directory, .. } => directory.table(hash).table(),
        };
        if n_left > 1 {
            table.prefetch_group(hash);
        } else {
            // SAFETY: the table lives as long as the row.
            unsafe { table.prefetch_entry(hash) };
        }
    }

    /// The place of a further entry whose key is new to the row; none where there is no room for its hash. The caller
    /// writes the entry there at once.
    #[inline(always)]
    pub(super) fn claim(&mut self, len: usize, hash: u32) -> Option<NonNull<T>> {
        match self {
            Self::Small { tags, block, cap, .. } => {
                if len >= usize::from(*cap) {
                    return None;
                }
                tags[len % SMALL] = tag(hash);
                // SAFETY: the block has `cap` places and the first `len` are taken.
                Some(unsafe { block.add(len) })
            }
            Self::Table { table, n_removed, .. } => {
                if len >= table.n_places() || *n_removed == MAX_REMOVED {
                    return None;
                }
                // SAFETY: the table lives as long as the row, which is borrowed mutably, and there is room.
                Some(unsafe { table.claim(len, hash) })
            }
            Self::Tables { directory, .. } => {
                let mut next = Some(directory.table(hash));
                while let Some(table) = next {
                    // SAFETY: as above.
                    let head = unsafe { table.head_mut() };
                    let idx = usize::from(head.len);
                    if idx < LARGEST && head.n_removed < MAX_REMOVED {
                        head.len += 1;
                        // SAFETY: as above.
                        return Some(unsafe { table.table().claim(idx, hash) });
                    }
                    next = head.next;
                }
                None
            }
        }
    }

    /// Makes room after [`Cells::claim`] found none. One step: it may have to be repeated when a split put
    /// all entries on one side.
    ///
    /// `hash_of` is the user's code and runs before anything moves. Returns how many entries growth moved; none where nothing
    /// had to grow.
    pub(super) fn make_room(
        &mut self,
        pool: &mut Pool,
        len: usize,
        hash: u32,
        hash_of: impl Fn(&T) -> u32,
    ) -> Option<usize> {
        match self {
            Self::Small { cap, .. } if usize::from(*cap) < SMALL => self.grow_small(pool, len),
            Self::Small { block, cap, has_owners, .. } => {
                let (block, class, has_owners) = (*block, Self::small_class(*cap).0, *has_owners);
                // SAFETY: the block holds `len` entries, as many as it has places, and fewer than the smallest table.
                unsafe {
                    let table = Table::with_entries(pool, 0, block, len, hash_of);
                    *self = Self::Table { table, n_removed: 0, has_owners };
                    pool.give(class, block.cast());
                }
                Some(len)
            }
            Self::Table { table, n_removed, .. } if len < table.n_places() => {
                // SAFETY: the table lives as long as the row, which is borrowed mutably.
                unsafe { table.renew_index(len, hash_of) };
                *n_removed = 0;
                None
            }
            Self::Table { table, has_owners, .. } if table.is_largest() => {
                // SAFETY: as above.
                let table = unsafe { TablePtr::new(*table, len, 0) };
                let (directory, has_owners) = (Directory::new(pool, table), *has_owners);
                *self = Self::Tables { directory, is_chained: false, has_owners };
                None
            }
            Self::Table { table, n_removed, .. } => {
                let old = *table;
                // SAFETY: as above; the old table is full, the new one has more places.
                unsafe {
                    *table = Table::with_entries(pool, old.size() + 1, old.places(), len, hash_of);
                    old.free(pool);
                }
                *n_removed = 0;
                Some(len)
            }
            Self::Tables { .. } => self.make_room_in_directory(pool, len, hash, hash_of),
        }
    }

    fn make_room_in_directory(
        &mut self,
        pool: &mut Pool,
        len: usize,
        hash: u32,
        hash_of: impl Fn(&T) -> u32,
    ) -> Option<usize> {
        let Self::Tables { directory, is_chained, .. } = self else { return None };
        let first = directory.table(hash);
        let mut last = first;
        // SAFETY: tables live as long as the row, which is borrowed mutably, and no reference to a head is kept while
        // that head is written.
        unsafe {
            loop {
                let Head { next, len, n_removed, .. } = *last.head();
                if n_removed == MAX_REMOVED {
                    last.table().renew_index(usize::from(len), hash_of);
                    last.head_mut().n_removed = 0;
                    return None;
                }
                match next {
                    Some(next) => last = next,
                    None => break,
                }
            }
            if first == last {
                let mut hashes = Hashes::of(first.table().places(), LARGEST, hash_of);
                let (depth, n_bits) = (first.head().depth, hashes.first_bits_to_differ());
                let n_allowed = PLACES_PER_TABLE * (len / LARGEST + 1);
                // Hashes that differ in earlier bits are not what they were: splitting need not end then.
                if n_bits > u32::from(depth)
                    && 1u64 << n_bits <= directory.places().len().max(n_allowed) as u64
                {
                    let is_high = hashes.are_mostly_low(depth);
                    let fresh = directory.split(pool, first, hash, is_high);
                    return Some(split(first, fresh, &mut hashes, is_high));
                }
            }
            *is_chained = true;
            last.head_mut().next = Some(TablePtr::allocate(pool, 32));
        }
        Some(0)
    }

    fn grow_small(&mut self, pool: &mut Pool, len: usize) -> Option<usize> {
        let Self::Small { block, cap, .. } = self else { return None };
        let old_cap = *cap;
        let new_cap = if old_cap == 0 { 4 } else { old_cap * 2 };
        let (class, layout) = Self::small_class(new_cap);
        let fresh = pool.take(class, layout).cast::<T>();
        // SAFETY: the old block holds `len` entries, the new one has more places, and they are two blocks.
        unsafe { fresh.copy_from_nonoverlapping(*block, len) };
        if old_cap > 0 {
            // SAFETY: taken from this pool with this capacity; its entries have moved.
            unsafe { pool.give(Self::small_class(old_cap).0, block.cast()) };
        }
        (*block, *cap) = (fresh, new_cap);
        Some(len)
    }

    /// Takes an entry out.
    ///
    /// # Safety
    /// `slot` was found in these cells, which were not changed since. `len` is their number of entries.
    pub(super) unsafe fn remove(&mut self, len: usize, slot: Slot<T>) -> T {
        let last_place = match (self, slot.table) {
            (Self::Small { tags, block, .. }, _) => {
                tags[slot.idx] = tags[len - 1];
                tags[len - 1] = 0;
                // SAFETY: the block holds `len` entries.
                unsafe { block.add(len - 1) }
            }
            (Self::Table { table, n_removed, .. }, _) => {
                *n_removed = n_removed.saturating_add(1);
                // SAFETY: by the caller.
                unsafe { table.remove(len, slot.idx) }
            }
            (Self::Tables { .. }, Some(table)) => {
                // SAFETY: the table holds the slot, so it is alive, and no reference to a head is.
                let head = unsafe { table.head_mut() };
                head.n_removed = head.n_removed.saturating_add(1);
                head.len -= 1;
                // SAFETY: as above.
                unsafe { table.table().remove(usize::from(head.len) + 1, slot.idx) }
            }
            (Self::Tables { .. }, None) => {
                unreachable!("an entry of a row with a directory lies in one of its tables")
            }
        };
        // SAFETY: the entry is initialised and read once: either the last one takes its place or it was the last.
        unsafe {
            let entry = slot.entry.read();
            slot.entry.copy_from(last_place, 1);
            entry
        }
    }

    /// The entry at `position`, or the first one in a later block, to which `position` moves.
    pub(super) fn slot_at(&self, len: usize, position: &mut Position) -> Option<Slot<T>> {
        if let Some(block) = self.block() {
            let idx = position.idx;
            // SAFETY: the block holds `len` entries.
            return (idx < len).then(|| Slot {
                table: None,
                idx,
                entry: unsafe { block.add(idx) },
            });
        }
        let directory = self.directory();
        loop {
            let first = *directory.get(position.place)?;
            let mut table = Some(first);
            for _ in 0..position.n_tables_before {
                // SAFETY: tables live as long as the row.
                table = table.and_then(|table| unsafe { table.head() }.next);
            }
            let Some(table) = table else {
                // SAFETY: as above.
                position.place += directory.len() >> unsafe { first.head() }.depth;
                position.n_tables_before = 0;
                continue;
            };
            let idx = position.idx;
            // SAFETY: as above.
            if idx < usize::from(unsafe { table.head() }.len) {
                // SAFETY: places below `len` are part of the table.
                let entry = unsafe { table.table().places().add(idx) };
                return Some(Slot { table: Some(table), idx, entry });
            }
            position.n_tables_before += 1;
            position.idx = 0;
        }
    }

    /// The first place, unless the entries lie in several tables.
    #[inline]
    fn block(&self) -> Option<NonNull<T>> {
        match self {
            Self::Small { block, .. } => Some(*block),
            Self::Table { table, .. } => Some(table.places()),
            Self::Tables { .. } => None,
        }
    }

    /// The `len` entries, unless there are more than [`SMALL`].
    #[inline]
    pub(super) fn small_block(&self, len: usize) -> Option<NonNull<[T]>> {
        match self {
            Self::Small { block, .. } => Some(NonNull::slice_from_raw_parts(*block, len)),
            Self::Table { .. } | Self::Tables { .. } => None,
        }
    }

    /// Walks over all entries.
    #[inline]
    pub(super) fn cursor(&self, len: usize) -> Cursor<T> {
        match self.block() {
            Some(block) => Cursor::over_block(block, len),
            None => Cursor::over_directory(self.directory(), len),
        }
    }

    /// Gives all blocks back; the entries are gone or are not dropped.
    ///
    /// # Safety
    /// The cells came from `pool`; nobody uses them or their entries any more.
    pub(super) unsafe fn free(self, pool: &mut Pool) {
        match self {
            Self::Small { cap: 0, .. } => {}
            // SAFETY: by the caller.
            Self::Small { block, cap, .. } => unsafe {
                pool.give(Self::small_class(cap).0, block.cast());
            },
            // SAFETY: by the caller.
            Self::Table { table, .. } => unsafe { table.free(pool) },
            // SAFETY: by the caller.
            Self::Tables { directory, is_chained: false, .. } => unsafe { directory.free(pool) },
            Self::Tables { is_chained: true, .. } => {
                // SAFETY: by the caller; each table is met once.
                self.for_each_table(|table| unsafe { table.table().free(pool) });
                let Self::Tables { directory, .. } = self else { unreachable!("it has tables") };
                // SAFETY: by the caller.
                unsafe { directory.free_places(pool) };
            }
        }
    }

    /// Places for entries.
    pub(super) fn capacity(&self) -> usize {
        match self {
            Self::Small { cap, .. } => usize::from(*cap),
            Self::Table { table, .. } => table.n_places(),
            Self::Tables { .. } => {
                let mut n_places = 0;
                self.for_each_table(|_| n_places += LARGEST);
                n_places
            }
        }
    }

    fn for_each_table(&self, mut f: impl FnMut(TablePtr<T>)) {
        let mut previous = None;
        for &first in self.directory() {
            if previous != Some(first) {
                let mut next = Some(first);
                while let Some(table) = next {
                    // SAFETY: tables live as long as the row, or until `f` gives them back.
                    next = unsafe { table.head() }.next;
                    f(table);
                }
            }
            previous = Some(first);
        }
    }

    /// Panics unless the invariants of this module hold for a row of `len` entries.
    #[cfg(any(test, debug_assertions))]
    pub(super) fn check(&self, len: usize) {
        match self {
            Self::Small { tags, cap, .. } => {
                assert!(len <= usize::from(*cap) && matches!(cap, 0 | 4 | 8 | 16));
                assert!(tags.iter().enumerate().all(|(i, &tag)| (tag != 0) == (i < len)));
            }
            // SAFETY: the table lives as long as the row.
            Self::Table { table, .. } => unsafe { table.check(len) },
            Self::Tables { .. } => self.check_directory(len),
        }
    }

    #[cfg(any(test, debug_assertions))]
    fn check_directory(&self, len: usize) {
        let directory = self.directory();
        assert!(directory.len().is_power_of_two());
        let mut n_entries = 0;
        self.for_each_table(|table| {
            // SAFETY: tables live as long as the row.
            let head = unsafe { table.head() };
            // SAFETY: as above.
            unsafe { table.table().check(usize::from(head.len)) };
            assert!(head.next.is_none() || self.is_chained());
            n_entries += usize::from(head.len);
        });
        assert_eq!(n_entries, len);
        let mut at = 0;
        while at < directory.len() {
            // SAFETY: as above.
            let depth = unsafe { directory[at].head() }.depth;
            let n_places = directory.len() >> depth;
            assert!(n_places > 0 && at % n_places == 0);
            assert!(directory[at..at + n_places].iter().all(|&table| table == directory[at]));
            at += n_places;
        }
    }
}
