//! Drops entries, block by block, and has read into the cache ahead what that will touch.
//!
//! 1. A block waits in a ring while those before it are dropped, and its memory is on its way meanwhile.
//! 2. Half of the way on, the entries are there, and what keys and values of known types own is asked for.
//! 3. The block is dropped. Keys that are [`ArenaStr`]s give their references back together.
//!
//! Rows whose entries own nothing, as is known when they are added, are not looked at.
#![allow(unsafe_code)]

use core::mem::{needs_drop, replace};
use core::ptr::NonNull;

use super::cells::Cells;
use super::cursor::Cursor;
use crate::arena_str::{ArenaStr, Releases};
use crate::prefetch::{prefetch, prefetch_owned};
use crate::types::{downcast, is_same_type};

/// Blocks that are on their way together.
const AHEAD: usize = 8;
/// Most entries of a block that are dropped together.
const MAX_BLOCK: usize = 32;
const LINE: usize = 64;

/// What the store may know of entries.
pub(crate) trait Entry: Sized {
    /// Whether the entry has to be dropped.
    fn is_owner(&self) -> bool;

    /// Has what dropping the entry will touch elsewhere read into the cache.
    fn prefetch_owned(&self);

    /// Drops entries.
    ///
    /// # Safety
    /// The caller owns the entries, and does not use them afterwards.
    unsafe fn drop_all(entries: NonNull<[Self]>, releases: &mut Releases);
}

impl<K, V> Entry for (K, V) {
    #[inline(always)]
    fn is_owner(&self) -> bool {
        let text = downcast::<K, ArenaStr>(&self.0);
        needs_drop::<V>() || text.map_or(needs_drop::<K>(), ArenaStr::owns_memory)
    }

    #[inline(always)]
    fn prefetch_owned(&self) {
        prefetch_owned(&self.0);
        prefetch_owned(&self.1);
    }

    #[inline(always)]
    unsafe fn drop_all(mut entries: NonNull<[Self]>, releases: &mut Releases) {
        if needs_drop::<V>() || !is_same_type::<K, ArenaStr>() {
            // SAFETY: by the caller.
            return unsafe { entries.drop_in_place() };
        }
        // SAFETY: by the caller.
        let keys = unsafe { entries.as_mut() }.iter().map(|(key, _)| NonNull::from(key).cast());
        // SAFETY: each key is an `ArenaStr` and is read once.
        releases.add(keys.map(|key| unsafe { key.read() }));
    }
}

/// Owner of entries that are being dropped. Whoever makes it keeps their memory meanwhile.
///
/// Invariant: the blocks hold entries that nobody else uses.
pub(super) struct Dropping<'a, T: Entry> {
    /// A ring. Empty slices stand for none.
    blocks: [NonNull<[T]>; AHEAD],
    next: usize,
    releases: &'a mut Releases,
}

impl<'a, T: Entry> Dropping<'a, T> {
    const NONE: NonNull<[T]> = NonNull::slice_from_raw_parts(NonNull::dangling(), 0);

    #[inline]
    pub(super) fn new(releases: &'a mut Releases) -> Self {
        Self { blocks: [Self::NONE; AHEAD], next: 0, releases }
    }

    /// Drops the entries of a row, sooner or later.
    ///
    /// # Safety
    /// The cells hold `len` entries, which nobody uses any more.
    #[inline]
    pub(super) unsafe fn add_row(&mut self, cells: &Cells<T>, len: usize) {
        if !needs_drop::<T>() || !cells.has_owners() {
            return;
        }
        Blocks { cursor: cells.cursor(len), dropping: self }.add_all();
    }

    #[inline]
    fn add(&mut self, block: NonNull<[T]>) {
        for offset in (0..block.len() * size_of::<T>()).step_by(LINE) {
            prefetch(block.cast::<u8>().as_ptr().wrapping_add(offset));
        }
        self.prefetch_owned_by(self.next + AHEAD / 2);
        self.drop_oldest(block);
    }

    /// Drops the block that waits longest and has another wait.
    #[inline]
    fn drop_oldest(&mut self, other: NonNull<[T]>) {
        let due = replace(&mut self.blocks[self.next], other);
        self.next = (self.next + 1) % AHEAD;
        // SAFETY: the block has left the ring, so that it is dropped once.
        unsafe { T::drop_all(due, self.releases) };
    }

    #[inline]
    fn prefetch_owned_by(&self, idx: usize) {
        // SAFETY: blocks in the ring hold entries.
        unsafe { self.blocks[idx % AHEAD].as_ref() }.iter().for_each(T::prefetch_owned);
    }
}

impl<T: Entry> Drop for Dropping<'_, T> {
    /// Also after a panic in the drop of an entry: the others that wait are dropped.
    fn drop(&mut self) {
        (AHEAD / 2..AHEAD).for_each(|i| self.prefetch_owned_by(self.next + i));
        (0..AHEAD).for_each(|_| self.drop_oldest(Self::NONE));
    }
}

/// The blocks of a row that is added. After a panic in the drop of an entry, the others are dropped still.
struct Blocks<'d, 'a, T: Entry> {
    cursor: Cursor<T>,
    dropping: &'d mut Dropping<'a, T>,
}

impl<T: Entry> Blocks<'_, '_, T> {
    #[inline]
    fn add_all(&mut self) {
        // SAFETY: the row is as it was, by the caller of `add_row`.
        while let Some(block) = unsafe { self.cursor.next_block(MAX_BLOCK) } {
            self.dropping.add(block);
        }
    }
}

impl<T: Entry> Drop for Blocks<'_, '_, T> {
    fn drop(&mut self) {
        self.add_all();
    }
}

/// Drops the entries of one row.
///
/// # Safety
/// The cells hold `len` entries, which nobody uses any more.
#[inline]
pub(super) unsafe fn drop_row<T: Entry>(cells: &Cells<T>, len: usize, releases: &mut Releases) {
    if !cells.has_owners() {
        return;
    }
    let Some(block) = cells.small_block(len) else {
        // SAFETY: by the caller.
        return unsafe { Dropping::new(releases).add_row(cells, len) };
    };
    // SAFETY: by the caller.
    unsafe { block.as_ref() }.iter().for_each(T::prefetch_owned);
    if releases.are_likely_in_cache() {
        // SAFETY: by the caller.
        unsafe { T::drop_all(block, releases) };
    } else {
        // Short work, so that the processor gets on to the caller's next row while it waits for the keys of this one.
        // SAFETY: by the caller.
        unsafe { block.drop_in_place() };
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;
    use crate::Arena;

    #[test]
    fn only_what_owns_memory_has_to_be_dropped() {
        let mut arena = Arena::new();
        let [short, long] = ["short", "longer than fifteen bytes"].map(|text| arena.make(text));
        assert!(!(short, 1).is_owner() && (long, 1).is_owner());
        assert!(
            !(1, 2).is_owner() && (1, String::new()).is_owner() && (String::new(), 1).is_owner()
        );
    }
}
