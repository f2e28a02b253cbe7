//! Pages: places for entries of a long row, with their tags in front.
#![allow(unsafe_code)]

use core::alloc::Layout;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use super::cells::Slot;
use super::pool::{Pool, block_layout};
use super::tags::PageTags;

/// Most entries of a page.
pub(super) const PAGE: usize = 32;

/// The head of a page; its places follow.
///
/// Invariants: `len <= PAGE`; places below `len` are initialised, their tags are those of their hashes, and all other
/// tags are empty; all hashes in the page share their first `depth` bits in the order of [`page_bits`].
#[repr(C)]
pub(super) struct Page<T> {
    pub(super) tags: PageTags,
    pub(super) next: Option<PagePtr<T>>,
    pub(super) len: u8,
    pub(super) depth: u8,
    places: [MaybeUninit<T>; 0],
}

/// Points to a page, and may be used for its places too. The pages of a row are owned by the row.
pub(super) struct PagePtr<T>(pub(super) NonNull<Page<T>>);

impl<T> Clone for PagePtr<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for PagePtr<T> {}
impl<T> PartialEq for PagePtr<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T> PagePtr<T> {
    const CLASS: usize = 3;
    const LAYOUT: Layout = {
        let Ok((layout, _)) = Layout::new::<Page<T>>().extend(Layout::new::<[T; PAGE]>()) else {
            panic!("a page of entries is larger than the address space")
        };
        // From a line of cache on, so that all tags are in one.
        let Ok(layout) = layout.align_to(64) else {
            panic!("a page of entries is larger than the address space")
        };
        block_layout(layout)
    };

    pub(super) fn allocate(pool: &mut Pool<Self>, depth: u8) -> Self {
        let page = match pool.take_listed() {
            Some(page) => page.0,
            None => pool.take(Self::CLASS, Self::LAYOUT).cast::<Page<T>>(),
        };
        let head = Page { tags: PageTags::EMPTY, next: None, len: 0, depth, places: [] };
        // SAFETY: the block has size and alignment of a page and belongs to this call.
        unsafe { page.write(head) };
        Self(page)
    }

    /// Gives the page back.
    ///
    /// # Safety
    /// It came from `pool`, and nobody uses it or its entries any more.
    pub(super) unsafe fn free(self, pool: &mut Pool<Self>) {
        // SAFETY: by the caller.
        unsafe { pool.give(Self::CLASS, self.0.cast()) };
    }

    /// # Safety
    /// The page is alive, and no `&mut` to its head is.
    #[inline(always)]
    pub(super) unsafe fn head<'a>(self) -> &'a Page<T> {
        // SAFETY: by the caller.
        unsafe { self.0.as_ref() }
    }

    /// # Safety
    /// The page is alive, and no other reference to its head is.
    #[inline(always)]
    pub(super) unsafe fn head_mut<'a>(mut self) -> &'a mut Page<T> {
        // SAFETY: by the caller.
        unsafe { self.0.as_mut() }
    }

    /// The first place.
    #[inline(always)]
    pub(super) fn places(self) -> NonNull<T> {
        // SAFETY: the offset of a field lies in the page, and `self` may be used for all of it.
        unsafe { self.0.byte_add(core::mem::offset_of!(Page<T>, places)) }.cast()
    }

    /// # Safety
    /// The page is alive, no reference to its head is, and `len < PAGE`.
    #[inline]
    pub(super) unsafe fn push(self, hash: u32, entry: T) -> Slot<T> {
        // SAFETY: by the caller.
        let head = unsafe { self.head_mut() };
        let idx = usize::from(head.len);
        head.tags.set(idx, hash);
        head.len += 1;
        // SAFETY: the place at `len` belongs to the page and is free.
        let place = unsafe { self.places().add(idx) };
        // SAFETY: as above.
        unsafe { place.write(entry) };
        Slot { page: Some(self), idx, entry: place }
    }
}

/// The bits of a hash in the order in which pages take them: those that are in the tags come first.
#[inline(always)]
pub(super) const fn page_bits(hash: u32) -> u32 {
    hash.rotate_right(PageTags::N_SPLIT_BITS)
}

/// The entries of a full page whose next bit, after the first `depth` ones, is 1. Hashes are made only where tags do
/// not have the bit.
///
/// # Safety
/// The page is alive and holds [`PAGE`] entries.
pub(super) unsafe fn entries_with_next_bit<T>(
    page: PagePtr<T>,
    depth: u32,
    hash_of: impl Fn(&T) -> u32,
) -> u32 {
    if depth < PageTags::N_SPLIT_BITS {
        // SAFETY: by the caller.
        return unsafe { page.head() }.tags.with_bit(PageTags::N_SPLIT_BITS - 1 - depth);
    }
    (0..PAGE).fold(0, |found, i| {
        // SAFETY: by the caller.
        let hash = hash_of(unsafe { page.places().add(i).as_ref() });
        found | (page_bits(hash) << depth >> 31) << i
    })
}

/// The numbers of the bits that are set.
fn ones(mut bits: u32) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        let one = bits.trailing_zeros() as usize;
        bits &= bits.checked_sub(1)?;
        Some(one)
    })
}

/// Moves the entries of `page` that are in `leaving` to `fresh`, and closes the gaps with the last entries that stay.
/// Returns how many entries moved; each moves once.
///
/// # Safety
/// Both pages are alive and no reference to their heads is; `page` holds [`PAGE`] entries, `fresh` none.
pub(super) unsafe fn partition<T>(page: PagePtr<T>, fresh: PagePtr<T>, leaving: u32) -> usize {
    // SAFETY: two pages, by the caller.
    let (old, new) = unsafe { (page.head_mut(), fresh.head_mut()) };
    let (from, to) = (page.places(), fresh.places());
    let n_new = leaving.count_ones() as usize;
    let n_old = PAGE - n_new;
    for (free, i) in ones(leaving).enumerate() {
        // SAFETY: each of the `PAGE` entries goes to the next free place of another page.
        unsafe { to.add(free).copy_from_nonoverlapping(from.add(i), 1) };
        new.tags.put(free, old.tags.get(i));
    }
    let after = (u64::from(u32::MAX) << n_old) as u32;
    let gaps = leaving & !after;
    for (gap, i) in ones(gaps).zip(ones(!leaving & after)) {
        // SAFETY: there are as many gaps before `n_old` as entries that stay after it, and both lie in the page.
        unsafe { from.add(gap).copy_from_nonoverlapping(from.add(i), 1) };
        old.tags.put(gap, old.tags.get(i));
    }
    (n_old..PAGE).for_each(|i| old.tags.clear(i));
    (old.len, new.len) = (n_old as u8, n_new as u8);
    n_new + gaps.count_ones() as usize
}

/// Makes the chain of `page` one entry shorter. Returns the place of the last entry, whose tag goes to `idx` of `page`.
///
/// # Safety
/// The page is alive, holds an entry, and no reference to a head of its chain is alive.
pub(super) unsafe fn shorten_chain<T>(page: PagePtr<T>, idx: usize) -> NonNull<T> {
    let mut last = page;
    // SAFETY: pages of a chain are alive together, and only one reference to a head is used at a time.
    unsafe {
        while let Some(next) = last.head().next {
            if next.head().len == 0 {
                break;
            }
            last = next;
        }
        let head = last.head_mut();
        head.len -= 1;
        let last_idx = usize::from(head.len);
        let tag = head.tags.get(last_idx);
        head.tags.clear(last_idx);
        if last != page || idx != last_idx {
            page.head_mut().tags.put(idx, tag);
        }
        last.places().add(last_idx)
    }
}
