//! Where the entries of one row lie.
//!
//! 1. Up to [`SMALL`] entries lie densely in one block of 4, 8 or 16 places, their tags in the row itself.
//! 2. More entries lie in pages of up to [`PAGE`] places, each with its tags in front. Bits of an entry's hash choose
//!    the page through a directory of a power of two of page pointers. Pages that share fewer bits than the directory
//!    has stand in it several times, in neighbouring places.
//! 3. A full page splits in two by the next bit, which for the first splits is in the tags; where the page already
//!    takes all bits of the directory, the directory doubles first.
//! 4. Equal hashes cannot be separated. So the directory may only have so many places per entry, and a full page that
//!    may not split gets a further page in a chain, all full but the last that is not empty.
//! 5. Removal fills the gap with the last entry of the block or chain.
#![allow(unsafe_code)]

use core::alloc::Layout;
use core::ptr::NonNull;

use super::cursor::Cursor;
use super::directory::Directory;
use super::page::{PAGE, PagePtr, entries_with_next_bit, page_bits, partition, shorten_chain};
use super::pool::{Pool, block_layout};
use super::tags::{matches16, tag};

/// Most entries of a row without pages.
pub(super) const SMALL: usize = 16;
/// Directory places allowed for each full page's worth of entries. An even hash needs fewer than 4.
const PLACES_PER_PAGE: usize = 8;

/// Owner of the entries of one row; what it owns goes away only through [`Cells::free`].
///
/// Invariants: tags in `Small` as in [`Page`](super::page::Page). Without `has_owners`, no entry needs to be dropped.
pub(super) enum Cells<T> {
    Small {
        tags: [u8; SMALL],
        block: NonNull<T>,
        cap: u8,
        has_owners: bool,
    },
    /// `is_chained` says whether any page has another after it.
    Paged {
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
    pub(super) page: Option<PagePtr<T>>,
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
    /// In the chain of pages.
    n_pages_before: usize,
    /// In the page or block.
    pub(super) idx: usize,
}

/// What growth did, for the meter.
#[derive(Default)]
pub(super) struct Moved {
    pub(super) n_entries: usize,
}

/// The first hit of `hits` whose entry is wanted.
///
/// # Safety
/// All places of `hits` after `places` are initialised.
#[inline(always)]
unsafe fn first_equal<T>(
    mut hits: u64,
    places: NonNull<T>,
    mut wanted: impl FnMut(&T) -> bool,
) -> Option<(usize, NonNull<T>)> {
    while hits != 0 {
        let idx = hits.trailing_zeros() as usize;
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

/// Has the first hit read into the cache; it may lie across two lines.
#[inline(always)]
fn prefetch_first_hit<T>(hits: u64, places: NonNull<T>) {
    // Without a hit some place is read, which does no harm.
    let entry = places.as_ptr().wrapping_add(hits.trailing_zeros() as usize % 64);
    super::prefetch(entry);
    super::prefetch(entry.wrapping_add(1).wrapping_byte_sub(1));
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

    /// The directory; none without pages.
    #[inline(always)]
    fn directory(&self) -> &[PagePtr<T>] {
        match self {
            Self::Small { .. } => &[],
            Self::Paged { directory, .. } => directory.places(),
        }
    }

    /// Whether some entries have to be dropped, as far as is known.
    #[inline(always)]
    pub(super) fn has_owners(&self) -> bool {
        match self {
            Self::Small { has_owners, .. } | Self::Paged { has_owners, .. } => *has_owners,
        }
    }

    /// Notes that an entry has to be dropped.
    #[inline(always)]
    pub(super) fn set_has_owners(&mut self) {
        match self {
            Self::Small { has_owners, .. } | Self::Paged { has_owners, .. } => *has_owners = true,
        }
    }

    /// The first page of the chain for `hash`.
    #[inline(always)]
    fn page(&self, hash: u32) -> Option<PagePtr<T>> {
        match self {
            Self::Small { .. } => None,
            Self::Paged { directory, .. } => Some(directory.page(hash)),
        }
    }

    /// Finds an entry by its hash and key.
    #[inline(always)]
    pub(super) fn find(&self, hash: u32, mut wanted: impl FnMut(&T) -> bool) -> Option<Slot<T>> {
        if let Self::Small { tags, block, .. } = self {
            let hits = matches16(tags, tag(hash));
            // SAFETY: tags that are not 0 belong to initialised places.
            let (idx, entry) = unsafe { first_equal(hits, *block, wanted) }?;
            return Some(Slot { page: None, idx, entry });
        }
        let mut page = self.page(hash)?;
        loop {
            // SAFETY: pages of the directory and of chains live as long as the row.
            let head = unsafe { page.head() };
            let hits = head.tags.matches(hash);
            // SAFETY: as for the small block.
            if let Some((idx, entry)) = unsafe { first_equal(hits, page.places(), &mut wanted) } {
                return Some(Slot { page: Some(page), idx, entry });
            }
            page = head.next?;
        }
    }

    /// Has the entry for `hash` read into the cache, or its place in the directory. Says whether there are pages.
    #[inline(always)]
    pub(super) fn prefetch_place_or_entry(&self, hash: u32) -> bool {
        match self {
            Self::Small { tags, block, .. } => {
                prefetch_first_hit(matches16(tags, tag(hash)), *block);
                false
            }
            Self::Paged { directory, .. } => {
                directory.prefetch_place(hash);
                true
            }
        }
    }

    /// Has the page for `hash` read into the cache, if there are pages.
    #[inline(always)]
    pub(super) fn prefetch_page(&self, hash: u32) {
        if let Some(page) = self.page(hash) {
            super::prefetch(page.0.as_ptr());
        }
    }

    /// Has the entry for `hash` read into the cache if it lies in a page.
    #[inline(always)]
    pub(super) fn prefetch_entry_in_page(&self, hash: u32) {
        if let Some(page) = self.page(hash) {
            // SAFETY: the page lives as long as the row.
            let hits = unsafe { page.head() }.tags.matches(hash);
            prefetch_first_hit(hits, page.places());
        }
    }

    /// Adds an entry where there is room for its hash, and otherwise gives it back. The key is new to the row.
    #[inline]
    pub(super) fn push_within_room(
        &mut self,
        len: usize,
        hash: u32,
        entry: T,
    ) -> Result<Slot<T>, T> {
        if let Self::Small { tags, block, cap, .. } = self {
            if len >= usize::from(*cap) {
                return Err(entry);
            }
            tags[len % SMALL] = tag(hash);
            // SAFETY: the block has `cap` places and the first `len` are taken.
            let place = unsafe { block.add(len) };
            // SAFETY: as above.
            unsafe { place.write(entry) };
            return Ok(Slot { page: None, idx: len, entry: place });
        }
        let mut next = self.page(hash);
        while let Some(page) = next {
            // SAFETY: the page lives as long as the row, which is borrowed mutably.
            let head = unsafe { page.head() };
            if usize::from(head.len) < PAGE {
                // SAFETY: as above, and there is room.
                return Ok(unsafe { page.push(hash, entry) });
            }
            next = head.next;
        }
        Err(entry)
    }

    /// Makes room after [`Cells::push_within_room`] found none. One step: it may have to be repeated when a split put
    /// all entries on one side.
    ///
    /// `hash_of` is the user's code and runs before anything moves.
    pub(super) fn make_room(
        &mut self,
        pool: &mut Pool<PagePtr<T>>,
        len: usize,
        hash: u32,
        hash_of: impl Fn(&T) -> u32,
    ) -> Moved {
        if let Self::Small { cap, .. } = *self {
            return if usize::from(cap) < SMALL {
                self.grow_small(pool, len)
            } else {
                self.begin_pages(pool, len, hash_of)
            };
        }
        let Some(page) = self.page(hash) else { return Moved::default() };
        // SAFETY: the page lives as long as the row.
        let head = unsafe { page.head() };
        let n_places = self.directory().len();
        let may_double = 2 * n_places <= PLACES_PER_PAGE * (len / PAGE + 1);
        if head.next.is_none() && (n_places > 1 << head.depth || may_double) {
            // SAFETY: the page is alive and full.
            let high = unsafe { entries_with_next_bit(page, u32::from(head.depth), hash_of) };
            return self.split(pool, page, hash, high);
        }
        let Self::Paged { is_chained, .. } = self else {
            unreachable!("a row without pages has no full page")
        };
        *is_chained = true;
        let mut last = page;
        // SAFETY: pages of a chain live as long as the row.
        while let Some(next) = unsafe { last.head() }.next {
            last = next;
        }
        let fresh = PagePtr::allocate(pool, 32);
        // SAFETY: as above, and no other reference to a head is alive.
        unsafe { last.head_mut() }.next = Some(fresh);
        Moved::default()
    }

    fn grow_small(&mut self, pool: &mut Pool<PagePtr<T>>, len: usize) -> Moved {
        let Self::Small { block, cap, .. } = self else { return Moved::default() };
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
        Moved { n_entries: len }
    }

    fn begin_pages(
        &mut self,
        pool: &mut Pool<PagePtr<T>>,
        len: usize,
        hash_of: impl Fn(&T) -> u32,
    ) -> Moved {
        let Self::Small { block, cap, has_owners, .. } = *self else { return Moved::default() };
        // SAFETY: the block holds `len` entries, which is as many as it has places.
        let hashes: [u32; SMALL] =
            core::array::from_fn(|i| hash_of(unsafe { block.add(i).as_ref() }));
        let page = PagePtr::allocate(pool, 0);
        // SAFETY: the page is new and has more places than the block.
        unsafe {
            let head = page.head_mut();
            hashes.iter().enumerate().for_each(|(i, &hash)| head.tags.set(i, hash));
            head.len = len as u8;
            page.places().copy_from_nonoverlapping(block, len);
            pool.give(Self::small_class(cap).0, block.cast());
        }
        let directory = Directory::new(pool, page);
        *self = Self::Paged { directory, is_chained: false, has_owners };
        Moved { n_entries: len }
    }

    /// Splits the full `page`, which is the one for `hash`, by the next bit: the entries of `high` have it.
    fn split(
        &mut self,
        pool: &mut Pool<PagePtr<T>>,
        page: PagePtr<T>,
        hash: u32,
        high: u32,
    ) -> Moved {
        let Self::Paged { directory, .. } = self else { return Moved::default() };
        // SAFETY: the page lives as long as the row.
        let depth = unsafe { page.head() }.depth;
        if directory.places().len() == 1 << depth {
            directory.double(pool);
        }
        let fresh = PagePtr::allocate(pool, depth + 1);
        // The smaller side moves.
        let is_high = high.count_ones() as usize <= PAGE / 2;
        let leaving = if is_high { high } else { !high };
        // SAFETY: both pages are alive, no reference to a head is, `page` is full and `fresh` empty.
        let n_entries = unsafe {
            page.head_mut().depth = depth + 1;
            partition(page, fresh, leaving)
        };
        let places = directory.places_mut();
        let n_places = places.len() >> depth;
        let start = (u64::from(page_bits(hash)) << depth >> 32) as usize * n_places;
        let half = start + usize::from(is_high) * (n_places / 2);
        places[half..half + n_places / 2].fill(fresh);
        Moved { n_entries }
    }

    /// Takes an entry out.
    ///
    /// # Safety
    /// `slot` was found in these cells, which were not changed since. `len` is their number of entries.
    pub(super) unsafe fn remove(&mut self, len: usize, slot: Slot<T>) -> T {
        let last_place = match (self, slot.page) {
            (Self::Small { tags, block, .. }, _) => {
                tags[slot.idx] = tags[len - 1];
                tags[len - 1] = 0;
                // SAFETY: the block holds `len` entries.
                unsafe { block.add(len - 1) }
            }
            // SAFETY: the page holds the slot, so it is alive, and no reference to a head is.
            (_, Some(page)) => unsafe { shorten_chain(page, slot.idx) },
            (_, None) => unreachable!("an entry of a row with pages lies in one of them"),
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
        if let Self::Small { block, .. } = self {
            let idx = position.idx;
            // SAFETY: the block holds `len` entries.
            return (idx < len).then(|| Slot { page: None, idx, entry: unsafe { block.add(idx) } });
        }
        let directory = self.directory();
        loop {
            let first = *directory.get(position.place)?;
            let mut page = Some(first);
            for _ in 0..position.n_pages_before {
                // SAFETY: pages live as long as the row.
                page = page.and_then(|page| unsafe { page.head() }.next);
            }
            let Some(page) = page else {
                // SAFETY: as above.
                position.place += directory.len() >> unsafe { first.head() }.depth;
                position.n_pages_before = 0;
                continue;
            };
            let idx = position.idx;
            // SAFETY: as above.
            if idx < usize::from(unsafe { page.head() }.len) {
                // SAFETY: places below `len` are part of the page.
                return Some(Slot {
                    page: Some(page),
                    idx,
                    entry: unsafe { page.places().add(idx) },
                });
            }
            position.n_pages_before += 1;
            position.idx = 0;
        }
    }

    /// The `len` entries, unless they lie in pages.
    #[inline]
    pub(super) fn block(&self, len: usize) -> Option<NonNull<[T]>> {
        match self {
            Self::Small { block, .. } => Some(NonNull::slice_from_raw_parts(*block, len)),
            Self::Paged { .. } => None,
        }
    }

    /// Walks over all entries.
    #[inline]
    pub(super) fn cursor(&self, len: usize) -> Cursor<T> {
        match self {
            Self::Small { block, .. } => Cursor::over_block(*block, len),
            Self::Paged { directory, .. } => Cursor::over_pages(directory.places(), len),
        }
    }

    /// Gives all blocks back; the entries are gone or are not dropped.
    ///
    /// # Safety
    /// The cells came from `pool`; nobody uses them or their entries any more.
    pub(super) unsafe fn free(self, pool: &mut Pool<PagePtr<T>>) {
        match self {
            Self::Small { cap: 0, .. } => {}
            // SAFETY: by the caller.
            Self::Small { block, cap, .. } => unsafe {
                pool.give(Self::small_class(cap).0, block.cast());
            },
            // SAFETY: by the caller.
            Self::Paged { directory, is_chained: false, .. } => unsafe { directory.free(pool) },
            Self::Paged { is_chained: true, .. } => {
                // SAFETY: by the caller; each page is met once.
                self.for_each_page(|page| unsafe { page.free(pool) });
                let Self::Paged { directory, .. } = self else { unreachable!("it has pages") };
                // SAFETY: by the caller.
                unsafe { directory.free_places(pool) };
            }
        }
    }

    /// Places for entries.
    pub(super) fn capacity(&self) -> usize {
        if let Self::Small { cap, .. } = self {
            return usize::from(*cap);
        }
        let mut n_places = 0;
        self.for_each_page(|_| n_places += PAGE);
        n_places
    }

    fn for_each_page(&self, mut f: impl FnMut(PagePtr<T>)) {
        let mut previous = None;
        for &first in self.directory() {
            if previous != Some(first) {
                let mut next = Some(first);
                while let Some(page) = next {
                    // SAFETY: pages live as long as the row, or until `f` gives them back.
                    next = unsafe { page.head() }.next;
                    f(page);
                }
            }
            previous = Some(first);
        }
    }

    /// Panics unless the invariants of this module hold for a row of `len` entries.
    #[cfg(any(test, debug_assertions))]
    pub(super) fn check(&self, len: usize) {
        if let Self::Small { tags, cap, .. } = self {
            assert!(len <= usize::from(*cap) && matches!(cap, 0 | 4 | 8 | 16));
            assert!(tags.iter().enumerate().all(|(i, &tag)| (tag != 0) == (i < len)));
            return;
        }
        let directory = self.directory();
        assert!(directory.len().is_power_of_two());
        let mut n_entries = 0;
        self.for_each_page(|page| {
            // SAFETY: pages live as long as the row.
            let head = unsafe { page.head() };
            let len = usize::from(head.len);
            assert!(len <= PAGE && head.tags.are_set_up_to(len));
            if let Some(next) = head.next {
                assert!(matches!(self, Self::Paged { is_chained: true, .. }));
                // SAFETY: as above.
                assert!(len == PAGE || unsafe { next.head() }.len == 0);
            }
            n_entries += len;
        });
        assert_eq!(n_entries, len);
        let mut at = 0;
        while at < directory.len() {
            // SAFETY: as above.
            let depth = unsafe { directory[at].head() }.depth;
            let n_places = directory.len() >> depth;
            assert!(n_places > 0 && at % n_places == 0);
            assert!(directory[at..at + n_places].iter().all(|&page| page == directory[at]));
            at += n_places;
        }
    }
}
