//! References to chunks that go back together: one atomic operation for many strings of a chunk.
//!
//! 1. A table has a slot for about every chunk that the keys of a map need. The address of a chunk chooses its slot.
//! 2. A string that is dropped leaves its reference to its chunk's slot, and one of another chunk gives back first what
//!    the slot has.
//! 3. With each [`N_PER_SLOT`] strings the next slot gives back what it has, so that each has its turn; all do when asked.
//!
//! So few of a map's strings keep their chunks alive a while longer than they live, and no drop gives many back at once.
#![allow(unsafe_code)]

use alloc::vec::Vec;
use core::mem::{forget, take};
use core::ptr::{NonNull, null_mut};

use super::{ArenaStr, CHUNK, Chunk, Header};
use crate::prefetch::prefetch;

/// Strings until the next slot gives back what it has.
const N_PER_SLOT: usize = 16;
/// A table of 32 KiB; more would not stay in the cache.
const MOST_SLOTS: usize = 4096;
/// So many slots have maps that are likely in the cache, keys and all.
const SLOTS_IN_CACHE: usize = 512;
/// Entries of so many bytes have about a chunk of keys.
const BYTES_PER_SLOT: usize = CHUNK / 2;
/// Counts that are on their way together.
const AHEAD: usize = 16;

/// Owns the references that its slots count.
pub(crate) struct Releases {
    slots: Vec<Slot>,
    n_wanted: usize,
    /// Strings added since the last slot had its turn.
    n_added: usize,
    /// The slot whose turn is next.
    next: usize,
    has_any: bool,
}

/// Some references to one chunk: its address, null for none, plus their number, which is less than [`CHUNK`].
#[derive(Clone, Copy)]
struct Slot(*mut Header);

// SAFETY: references are counted atomically and may be given back from any thread.
unsafe impl Send for Releases {}
// SAFETY: nothing can be done with shared ones.
unsafe impl Sync for Releases {}

impl Releases {
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new(), n_wanted: 0, n_added: 0, next: 0, has_any: false }
    }

    /// Says how many bytes of entries the map has.
    #[inline]
    pub(crate) fn expect(&mut self, n_entry_bytes: usize) {
        self.n_wanted = (n_entry_bytes / BYTES_PER_SLOT).min(MOST_SLOTS);
    }

    /// Whether the keys of the map are likely in the cache.
    #[inline]
    pub(crate) fn are_likely_in_cache(&self) -> bool {
        self.n_wanted < SLOTS_IN_CACHE
    }

    /// Drops strings. What they own may live on a while.
    #[inline]
    pub(crate) fn add(&mut self, texts: impl ExactSizeIterator<Item = ArenaStr>) {
        if self.n_wanted > 2 * self.slots.len() {
            self.replace_slots();
        }
        self.n_added += texts.len();
        for text in texts {
            let Some(chunk) = text.0.chunk() else { continue };
            let idx = (chunk.0.addr().get() / CHUNK) & self.slots.len().wrapping_sub(1);
            // Without slots, the string is dropped here.
            let Some(slot) = self.slots.get_mut(idx) else { continue };
            slot.add(chunk);
            forget(text);
        }
        self.has_any = true;
        while self.n_added >= N_PER_SLOT {
            self.n_added -= N_PER_SLOT;
            self.flush_next();
        }
    }

    #[inline]
    fn flush_next(&mut self) {
        let last_idx = self.slots.len().wrapping_sub(1);
        if let Some(later) = self.slots.get(self.next.wrapping_add(AHEAD) & last_idx) {
            prefetch(later.chunk());
        }
        if let Some(slot) = self.slots.get_mut(self.next & last_idx) {
            slot.flush();
        }
        self.next = self.next.wrapping_add(1);
    }

    /// Makes as many slots as are wanted, if there is memory for them.
    #[cold]
    fn replace_slots(&mut self) {
        self.flush();
        let n = self.n_wanted.next_power_of_two();
        let mut slots = Vec::new();
        if slots.try_reserve_exact(n).is_ok() {
            slots.resize(n, Slot(null_mut()));
            self.slots = slots;
        }
    }

    /// Gives all references back.
    pub(crate) fn flush(&mut self) {
        if take(&mut self.has_any) {
            (0..self.slots.len()).for_each(|_| self.flush_next());
        }
    }
}

impl Drop for Releases {
    fn drop(&mut self) {
        self.flush();
    }
}

impl Slot {
    /// Takes over a reference to the chunk.
    #[inline]
    fn add(&mut self, chunk: Chunk) {
        let start = chunk.0.as_ptr();
        // No other chunk starts within `CHUNK` bytes.
        if self.0.addr().wrapping_sub(start.addr()) >= CHUNK - 1 {
            self.flush();
            self.0 = start;
        }
        self.0 = self.0.wrapping_byte_add(1);
    }

    fn count(self) -> usize {
        self.0.addr() % CHUNK
    }

    fn chunk(self) -> *mut Header {
        self.0.wrapping_byte_sub(self.count())
    }

    fn flush(&mut self) {
        let count = self.count();
        if let Some(chunk) = NonNull::new(self.chunk()) {
            self.0 = null_mut();
            // SAFETY: the slot owned so many references, and has none now.
            unsafe { Chunk(chunk).release(count) };
        }
    }
}
