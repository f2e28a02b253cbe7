//! Tables: places for the entries of a long row, filled from the front, and an index of them by hash.
//!
//! 1. The index is an array of [`Group`]s. It lies before the places, the first group last, so that one address leads to
//!    both. Bits of an entry's hash choose its group, which has a tag and the number of the place of each of its entries.
//!    So a lookup reads one line of the index, and one entry.
//! 2. An entry whose group is full goes into the next group that is not, and leaves a mark in each that it passes.
//! 3. Removal fills the gap with the last entry. Marks of entries that are gone stay until the index is made anew.
#![allow(unsafe_code)]

use core::alloc::Layout;
use core::marker::PhantomData;
use core::ptr::NonNull;

use super::group::Group;
use super::pool::{Pool, SMALLEST_TABLE, block_layout};
use super::split::Hashes;
use super::tags::tag;
use crate::prefetch::{prefetch, prefetch_bytes};

/// Sizes of tables: 32, 64, 128 and 256 places.
pub(super) const N_SIZES: u8 = 4;
/// Places of the largest table, the only one that may stand in a directory.
pub(super) const LARGEST: usize = SMALLEST << (N_SIZES - 1);
const SMALLEST: usize = 32;
/// Places for each group; a group of 15 overflows rarely.
const PLACES_PER_GROUP: usize = 8;

/// The first hit of `hits` whose entry is wanted, with its place; hit `i` has the place `place(i)`.
///
/// # Safety
/// The places of all hits, counted from `places` on, are initialised.
#[inline(always)]
pub(super) unsafe fn first_equal<T>(
    mut hits: u64,
    place: impl Fn(usize) -> usize,
    places: NonNull<T>,
    mut wanted: impl FnMut(&T) -> bool,
) -> Option<(usize, NonNull<T>)> {
    while hits != 0 {
        let idx = place(hits.trailing_zeros() as usize);
        // SAFETY: by the caller.
        let entry = unsafe { places.add(idx) };
        // SAFETY: as above.
        if wanted(unsafe { entry.as_ref() }) {
            return Some((idx, entry));
        }
        hits &= hits - 1;
    }
    None
}

/// What tables of a directory have behind their places.
pub(super) struct Head<T> {
    pub(super) next: Option<TablePtr<T>>,
    pub(super) len: u16,
    /// All hashes in the table share so many first bits.
    pub(super) depth: u8,
    pub(super) n_removed: u8,
}

/// One of the largest tables, in a directory. The pool takes lists of these as lists of blocks.
#[repr(transparent)]
pub(super) struct TablePtr<T> {
    block: NonNull<u8>,
    entries: PhantomData<NonNull<T>>,
}

impl<T> Clone for TablePtr<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for TablePtr<T> {}
impl<T> PartialEq for TablePtr<T> {
    fn eq(&self, other: &Self) -> bool {
        self.block == other.block
    }
}

impl<T> TablePtr<T> {
    const LAST_GROUP: u8 = Table::<T>::last_group_of(N_SIZES - 1);
    const PLACES_OFFSET: usize = Table::<T>::places_offset(Self::LAST_GROUP);
    const HEAD_OFFSET: usize =
        (Self::PLACES_OFFSET + LARGEST * size_of::<T>()).next_multiple_of(align_of::<Head<T>>());

    #[inline(always)]
    pub(super) fn table(self) -> Table<T> {
        // SAFETY: the block has the places there.
        let places = unsafe { self.block.add(Self::PLACES_OFFSET) }.cast();
        Table { places, last_group: Self::LAST_GROUP }
    }

    /// # Safety
    /// The table is alive and in a directory, and no `&mut` to its head is.
    #[inline(always)]
    pub(super) unsafe fn head<'a>(self) -> &'a Head<T> {
        // SAFETY: by the caller; the block has the head there.
        unsafe { self.block.add(Self::HEAD_OFFSET).cast().as_ref() }
    }

    /// # Safety
    /// The table is alive and in a directory, and no other reference to its head is.
    #[inline(always)]
    pub(super) unsafe fn head_mut<'a>(self) -> &'a mut Head<T> {
        // SAFETY: as for `head`.
        unsafe { self.block.add(Self::HEAD_OFFSET).cast().as_mut() }
    }

    /// An empty table.
    pub(super) fn allocate(pool: &mut Pool, depth: u8) -> Self {
        // SAFETY: the table is new.
        unsafe { Self::new(Table::allocate(pool, N_SIZES - 1), 0, depth) }
    }

    /// One of the largest tables, with `len` entries, for a directory.
    ///
    /// # Safety
    /// The table is alive and has so many entries.
    pub(super) unsafe fn new(table: Table<T>, len: usize, depth: u8) -> Self {
        let ptr = Self { block: table.block(), entries: PhantomData };
        let head: Head<T> = Head { next: None, len: len as u16, depth, n_removed: 0 };
        // SAFETY: by the caller, and the block has room for the head there.
        unsafe { ptr.block.add(Self::HEAD_OFFSET).cast().write(head) };
        ptr
    }
}

/// Points to a table and knows its size. The tables of a row are owned by the row.
///
/// Invariants, for a table with `len` entries: the first `len` places are initialised, and each of them stands once in
/// the index with its tag, in the first group from that of its hash on that had room; those before are marked.
pub(super) struct Table<T> {
    /// The first place. The groups lie before it, the first one last.
    places: NonNull<T>,
    /// The number of the last group. All its bits are set, so that it masks numbers of groups.
    last_group: u8,
}

impl<T> Clone for Table<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Table<T> {}

impl<T> Table<T> {
    const fn last_group_of(size: u8) -> u8 {
        ((SMALLEST / PLACES_PER_GROUP) << size) as u8 - 1
    }

    /// Bytes of a block before the places.
    const fn places_offset(last_group: u8) -> usize {
        let n_bytes = (last_group as usize + 1) * size_of::<Group>();
        n_bytes.next_multiple_of(align_of::<T>())
    }

    fn layout(size: u8) -> Layout {
        let n_bytes = if size == N_SIZES - 1 {
            TablePtr::<T>::HEAD_OFFSET.checked_add(size_of::<Head<T>>())
        } else {
            let of_places = (SMALLEST << size).checked_mul(size_of::<T>());
            of_places.and_then(|n| n.checked_add(Self::places_offset(Self::last_group_of(size))))
        };
        // From a line of cache on, so that no group lies across two.
        let align = align_of::<T>().max(64);
        let layout = n_bytes.and_then(|n_bytes| Layout::from_size_align(n_bytes, align).ok());
        block_layout(layout.expect("a table of entries fits the address space"))
    }

    /// An empty table.
    pub(super) fn allocate(pool: &mut Pool, size: u8) -> Self {
        let block = pool.take(SMALLEST_TABLE + usize::from(size), Self::layout(size));
        let last_group = Self::last_group_of(size);
        // SAFETY: the block has so many bytes before the places.
        let places = unsafe { block.add(Self::places_offset(last_group)) }.cast();
        let table = Self { places, last_group };
        // SAFETY: the block belongs to this call.
        unsafe { table.clear_index() };
        table
    }

    /// A table of a size with the entries of a block, which move.
    ///
    /// # Safety
    /// `len` entries lie in the block, not more than the table has places. When `hash_of` panics, they have not moved, and
    /// the memory of the table is out of use until the pool goes.
    pub(super) unsafe fn with_entries(
        pool: &mut Pool,
        size: u8,
        block: NonNull<T>,
        len: usize,
        hash_of: impl Fn(&T) -> u32,
    ) -> Self {
        let table = Self::allocate(pool, size);
        // SAFETY: by the caller; the table is another block.
        unsafe {
            for place in 0..len {
                table.add_to_index(hash_of(block.add(place).as_ref()), place);
            }
            table.places.copy_from_nonoverlapping(block, len);
        }
        table
    }

    /// Gives the table back.
    ///
    /// # Safety
    /// It came from `pool`, and nobody uses it or its entries any more.
    pub(super) unsafe fn free(self, pool: &mut Pool) {
        // SAFETY: by the caller.
        unsafe { pool.give(SMALLEST_TABLE + usize::from(self.size()), self.block()) };
    }

    /// The block in which the table lies.
    fn block(self) -> NonNull<u8> {
        // SAFETY: the places lie so far into their block.
        unsafe { self.places.byte_sub(Self::places_offset(self.last_group)) }.cast()
    }

    /// The number of its size.
    pub(super) const fn size(self) -> u8 {
        (self.n_places() / SMALLEST).ilog2() as u8
    }

    pub(super) const fn is_largest(self) -> bool {
        self.size() == N_SIZES - 1
    }

    #[inline(always)]
    pub(super) const fn n_places(self) -> usize {
        (self.last_group as usize + 1) * PLACES_PER_GROUP
    }

    /// The first place.
    #[inline(always)]
    pub(super) const fn places(self) -> NonNull<T> {
        self.places
    }

    /// The number of the group in which an entry should stand.
    #[inline(always)]
    const fn home(self, hash: u32) -> usize {
        (hash >> 8) as usize & self.last_group as usize
    }

    #[inline(always)]
    const fn group_after(self, at: usize) -> usize {
        (at + 1) & self.last_group as usize
    }

    fn groups(self) -> impl Iterator<Item = usize> {
        0..=usize::from(self.last_group)
    }

    #[inline(always)]
    const fn group_ptr(self, at: usize) -> *mut Group {
        self.places.as_ptr().cast::<Group>().wrapping_sub(at + 1)
    }

    /// # Safety
    /// The table is alive, no `&mut` to its groups is, and it has such a group.
    #[inline(always)]
    unsafe fn group<'a>(self, at: usize) -> &'a Group {
        // SAFETY: by the caller.
        unsafe { &*self.group_ptr(at) }
    }

    /// # Safety
    /// The table is alive, no other reference to its groups is, and it has such a group.
    #[inline(always)]
    unsafe fn group_mut<'a>(self, at: usize) -> &'a mut Group {
        // SAFETY: by the caller.
        unsafe { &mut *self.group_ptr(at) }
    }

    /// Finds an entry by its hash and key.
    ///
    /// # Safety
    /// The table is alive, and nobody changes it meanwhile.
    #[inline(always)]
    pub(super) unsafe fn find(
        self,
        hash: u32,
        mut wanted: impl FnMut(&T) -> bool,
    ) -> Option<(usize, NonNull<T>)> {
        let (tag, at) = (tag(hash), self.home(hash));
        // SAFETY: by the caller.
        let group = unsafe { self.group(at) };
        // SAFETY: by the caller.
        let found = unsafe { self.find_in_group(group, tag, &mut wanted) };
        if found.is_some() || !group.was_passed(tag) {
            return found;
        }
        // SAFETY: by the caller.
        unsafe { self.find_after(at, tag, wanted) }
    }

    /// Looks on for an entry that is not in the group `home`.
    ///
    /// # Safety
    /// As for [`Table::find`].
    #[cold]
    #[inline(never)]
    unsafe fn find_after(
        self,
        home: usize,
        tag: u8,
        mut wanted: impl FnMut(&T) -> bool,
    ) -> Option<(usize, NonNull<T>)> {
        let mut at = self.group_after(home);
        while at != home {
            // SAFETY: by the caller.
            let group = unsafe { self.group(at) };
            // SAFETY: by the caller.
            let found = unsafe { self.find_in_group(group, tag, &mut wanted) };
            if found.is_some() || !group.was_passed(tag) {
                return found;
            }
            at = self.group_after(at);
        }
        None
    }

    /// # Safety
    /// As for [`Table::find`]; the group is one of the table.
    #[inline(always)]
    unsafe fn find_in_group(
        self,
        group: &Group,
        tag: u8,
        wanted: impl FnMut(&T) -> bool,
    ) -> Option<(usize, NonNull<T>)> {
        let place = |slot: usize| usize::from(group.places[slot % 16]);
        // SAFETY: slots with tags have the numbers of initialised places.
        unsafe { first_equal(group.matches(tag), place, self.places, wanted) }
    }

    /// Has the group for `hash` read into the cache.
    #[inline(always)]
    pub(super) fn prefetch_group(self, hash: u32) {
        prefetch(self.group_ptr(self.home(hash)));
    }

    /// Has the entry for `hash` read into the cache, if there likely is one.
    ///
    /// # Safety
    /// The table is alive.
    #[inline(always)]
    pub(super) unsafe fn prefetch_entry(self, hash: u32) {
        // SAFETY: by the caller.
        let group = unsafe { self.group(self.home(hash)) };
        // Without a hit some place is read, which does no harm.
        let slot = group.matches(tag(hash)).trailing_zeros() as usize;
        let place = usize::from(group.places[slot % 16]);
        prefetch_bytes(self.places.as_ptr().wrapping_add(place).cast(), size_of::<T>());
    }

    /// The place after those of `len` entries, for an entry of this hash. The caller writes it there at once.
    ///
    /// # Safety
    /// The table is alive, has `len` entries, room for one more, and no reference to it is alive.
    #[inline(always)]
    pub(super) unsafe fn claim(self, len: usize, hash: u32) -> NonNull<T> {
        // SAFETY: by the caller.
        unsafe {
            self.add_to_index(hash, len);
            self.places.add(len)
        }
    }

    /// # Safety
    /// The table is alive, no reference to its groups is, and less entries stand in it than it has places.
    #[inline(always)]
    pub(super) unsafe fn add_to_index(self, hash: u32, place: usize) {
        let tag = tag(hash);
        let mut at = self.home(hash);
        // Ends, since the groups have more slots than there are places.
        loop {
            // SAFETY: by the caller.
            let group = unsafe { self.group_mut(at) };
            let free = group.free();
            if free != 0 {
                let slot = free.trailing_zeros() as usize % 16;
                (group.tags[slot], group.places[slot]) = (tag, place as u8);
                return;
            }
            group.mark(tag);
            at = self.group_after(at);
        }
    }

    /// # Safety
    /// The block has room for the groups, and no reference to them is alive.
    pub(super) unsafe fn clear_index(self) {
        for at in self.groups() {
            // SAFETY: by the caller.
            unsafe { self.group_ptr(at).write(Group::EMPTY) };
        }
    }

    /// Makes an empty index into that of the first places, which have these hashes.
    ///
    /// # Safety
    /// The table is alive, no reference to its groups is, and there are not more hashes than places.
    pub(super) unsafe fn index_all(self, hashes: &[u32]) {
        for (place, &hash) in hashes.iter().enumerate() {
            // SAFETY: by the caller.
            unsafe { self.add_to_index(hash, place) };
        }
    }

    /// Whether an entry is, or was, in another group than its own.
    ///
    /// # Safety
    /// The table is alive.
    unsafe fn has_marks(self) -> bool {
        // SAFETY: by the caller.
        self.groups().any(|at| unsafe { self.group(at) }.marks() != 0)
    }

    /// Forgets the marks of entries that are gone. `hash_of` is the user's code and runs before anything changes.
    ///
    /// # Safety
    /// The table is alive, has `len` entries, and no reference to its groups is alive.
    pub(super) unsafe fn renew_index(self, len: usize, hash_of: impl Fn(&T) -> u32) {
        // SAFETY: by the caller.
        unsafe {
            if self.has_marks() {
                let hashes = Hashes::of(self.places, len, hash_of);
                self.clear_index();
                self.index_all(hashes.get());
            }
        }
    }

    /// Takes the entry at `place` out of the index, and gives its place to the last of the `len` entries. Returns
    /// where that one lies.
    ///
    /// # Safety
    /// The table is alive, has `len` entries of which `place` is one, and no reference to its groups is alive.
    pub(super) unsafe fn remove(self, len: usize, place: usize) -> NonNull<T> {
        let last = len - 1;
        // SAFETY: by the caller.
        unsafe {
            let (group, slot) = self.group_of(place);
            group.tags[slot] = 0;
            if place != last {
                let (group, slot) = self.group_of(last);
                group.places[slot] = place as u8;
            }
            self.places.add(last)
        }
    }

    /// # Safety
    /// As for [`Table::remove`].
    unsafe fn group_of<'a>(self, place: usize) -> (&'a mut Group, usize) {
        for at in self.groups() {
            // SAFETY: by the caller.
            let group = unsafe { self.group_mut(at) };
            if let Some(slot) = group.slot_of(place as u8) {
                return (group, slot);
            }
        }
        unreachable!("each entry stands in the index")
    }

    /// Panics unless the invariants hold, as far as they can be seen without hashes.
    ///
    /// # Safety
    /// The table is alive.
    #[cfg(any(test, debug_assertions))]
    pub(super) unsafe fn check(self, len: usize) {
        let mut seen = [false; LARGEST];
        for at in self.groups() {
            // SAFETY: by the caller.
            let group = unsafe { self.group(at) };
            for slot in (0..Group::N_SLOTS).filter(|&slot| group.tags[slot] != 0) {
                let was_seen = &mut seen[usize::from(group.places[slot])];
                assert!(!core::mem::replace(was_seen, true));
            }
        }
        assert!(seen.iter().enumerate().all(|(place, &seen)| seen == (place < len)));
    }
}
