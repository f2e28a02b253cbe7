//! Memory for blocks of entries: few allocations, no page of memory touched before it is needed, quick to let go.
//!
//! 1. A block has one of [`N_CLASSES`] sizes. Blocks are cut off the front of the current chunk.
//! 2. A block that is given back goes on the list of its class, linked through its own first bytes, and is the next
//!    one handed out.
//! 3. Tables of directories may be given back in a list as long as one likes, in one step, and are
//!    handed out again first. The block with the list goes on the list of its class when it is empty.
//! 4. Chunks double in size up to [`MAX_CHUNK_BYTES`], so that no single growth step asks for much memory.
//! 5. Dropping the pool frees its chunks and nothing else: it knows nothing of what lies in the blocks.
#![allow(unsafe_code)]

use alloc::alloc::{alloc, dealloc, handle_alloc_error};
use alloc::vec::Vec;
use core::alloc::Layout;
use core::ptr::NonNull;

use super::table::N_SIZES;
use crate::growth::vec_bytes;

/// Sizes of blocks without an index, see [`super::cells`]; those for tables follow.
const N_SMALL_CLASSES: usize = 3;
/// The class of the smallest tables; larger ones follow.
pub(super) const SMALLEST_TABLE: usize = N_SMALL_CLASSES;
/// The class of the largest tables. Those of a directory are given back in a list.
const LARGEST_TABLE: usize = SMALLEST_TABLE + N_SIZES as usize - 1;
/// Sizes of blocks for entries.
pub(super) const N_ENTRY_CLASSES: usize = LARGEST_TABLE + 1;
/// All sizes of blocks; those for [directories](super::directory) are of 4 up to 4^16 places.
const N_CLASSES: usize = N_ENTRY_CLASSES + 16;

/// Below the size from which common allocators ask the system for each chunk.
const MAX_CHUNK_BYTES: usize = 64 << 10;
const CHUNK_ALIGN: usize = 64;

/// The layout of a block that holds `layout` and, once free, the link to the next one.
pub(super) const fn block_layout(layout: Layout) -> Layout {
    let align = max(layout.align(), align_of::<FreeBlock>());
    let size = max(layout.size(), size_of::<FreeBlock>());
    match Layout::from_size_align(size, align) {
        Ok(layout) => layout.pad_to_align(),
        Err(_) => panic!("a block of entries is larger than the address space"),
    }
}

struct FreeBlock {
    next: Option<NonNull<FreeBlock>>,
}

struct Chunk {
    start: NonNull<u8>,
    layout: Layout,
}

/// Tables that were given back in one step: `n` of them, more than none, in a block of a class.
struct List {
    tables: NonNull<NonNull<u8>>,
    n: usize,
    class: usize,
}

/// Invariants: `[bump, bump + left)` lies in `chunks[n_used - 1]` and no block overlaps it; chunks from `n_used` on
/// hold no block; every block on `free[class]` was handed out with the layout of `class` and is used by nobody, and so is
/// every table on `lists`, where equal ones stand next to each other.
pub(super) struct Pool {
    chunks: Vec<Chunk>,
    n_used: usize,
    bump: NonNull<u8>,
    left: usize,
    free: [Option<NonNull<FreeBlock>>; N_CLASSES],
    lists: Vec<List>,
    n_chunk_bytes: usize,
}

// SAFETY: the pool owns its chunks and reads or writes them through `&mut self` only.
unsafe impl Send for Pool {}
// SAFETY: as above, `&self` gives no access to memory of the chunks.
unsafe impl Sync for Pool {}

impl Default for Pool {
    fn default() -> Self {
        Self::new()
    }
}

impl Pool {
    pub(super) const fn new() -> Self {
        Self {
            chunks: Vec::new(),
            n_used: 0,
            bump: NonNull::dangling(),
            left: 0,
            free: [None; N_CLASSES],
            lists: Vec::new(),
            n_chunk_bytes: 0,
        }
    }

    /// Bytes of all chunks, and of the list of chunks.
    pub(super) fn allocated(&self) -> (usize, usize) {
        (self.n_chunk_bytes, vec_bytes(&self.chunks))
    }

    /// Bytes that were allocated since `allocated` returned these.
    pub(super) fn bytes_since(&self, (chunk_bytes, list_bytes): (usize, usize)) -> usize {
        let list = vec_bytes(&self.chunks);
        let new_list = if list == list_bytes { 0 } else { list };
        self.n_chunk_bytes - chunk_bytes + new_list
    }

    /// Bytes that no block was cut from yet.
    pub(super) fn n_uncut_bytes(&self) -> usize {
        self.left
            + self.chunks[self.n_used..].iter().map(|chunk| chunk.layout.size()).sum::<usize>()
    }

    /// A block for `class`, whose blocks all have `layout`, a result of [`block_layout`].
    #[inline]
    pub(super) fn take(&mut self, class: usize, layout: Layout) -> NonNull<u8> {
        if class == LARGEST_TABLE
            && let Some(table) = self.take_listed()
        {
            return table;
        }
        if let Some(block) = self.free[class] {
            // SAFETY: a block on the list is used by nobody and begins with an initialised link.
            self.free[class] = unsafe { block.as_ref().next };
            return block.cast();
        }
        loop {
            let padding = self.bump.as_ptr().align_offset(layout.align());
            if let Some(needed) = padding.checked_add(layout.size())
                && needed <= self.left
            {
                // SAFETY: `needed <= left`, and `left` bytes follow `bump` in its chunk.
                let block = unsafe { self.bump.add(padding) };
                // SAFETY: as above.
                self.bump = unsafe { self.bump.add(needed) };
                self.left -= needed;
                return block;
            }
            self.next_chunk(layout);
        }
    }

    /// Takes a block back.
    ///
    /// # Safety
    /// `block` came from `take` of this pool with the same class, and nobody uses it any more.
    #[inline]
    pub(super) unsafe fn give(&mut self, class: usize, block: NonNull<u8>) {
        let block = block.cast::<FreeBlock>();
        // SAFETY: the caller gives the block up; its layout has room and alignment for a link.
        unsafe { block.write(FreeBlock { next: self.free[class] }) };
        self.free[class] = Some(block);
    }

    /// A table that was given back in a list.
    fn take_listed(&mut self) -> Option<NonNull<u8>> {
        let list = self.lists.last_mut()?;
        list.n -= 1;
        // SAFETY: `n` tables are there, more than none.
        let table = unsafe { list.tables.add(list.n).read() };
        // SAFETY: as above.
        while list.n > 0 && unsafe { list.tables.add(list.n - 1).read() } == table {
            list.n -= 1;
        }
        if let Some(List { tables, class, .. }) = self.lists.pop_if(|list| list.n == 0) {
            // SAFETY: the block was given back with the list.
            unsafe { self.give(class, tables.cast()) };
        }
        Some(table)
    }

    /// Takes `n` tables of a directory back, and the block of `class` in which their list lies.
    ///
    /// # Safety
    /// All these blocks came from this pool, and nobody uses them any more. There is a table, and equal ones are
    /// neighbours.
    pub(super) unsafe fn give_list(
        &mut self,
        class: usize,
        tables: NonNull<NonNull<u8>>,
        n: usize,
    ) {
        self.lists.push(List { tables, n, class });
    }

    /// Takes all blocks back and keeps the chunks.
    ///
    /// # Safety
    /// Nobody uses any block of this pool any more.
    pub(super) unsafe fn take_back_all(&mut self) {
        self.free = [None; N_CLASSES];
        self.lists.clear();
        self.n_used = 0;
        self.left = 0;
        self.bump = NonNull::dangling();
    }

    /// Allocates one chunk of at least `bytes` ahead of need; false when there is no memory for it.
    #[must_use]
    pub(super) fn reserve(&mut self, bytes: usize) -> bool {
        let Ok(layout) = Layout::from_size_align(bytes, CHUNK_ALIGN) else { return false };
        if self.chunks.try_reserve(1).is_err() {
            return false;
        }
        match allocate(layout.pad_to_align()) {
            Some(chunk) => self.add(chunk),
            None => return false,
        }
        true
    }

    #[cold]
    fn next_chunk(&mut self, block: Layout) {
        if self.n_used == self.chunks.len() {
            let least = max(block.size(), min(block.size().saturating_mul(4), MAX_CHUNK_BYTES));
            let bytes = max(least, min(self.n_chunk_bytes, MAX_CHUNK_BYTES));
            let layout = Layout::from_size_align(bytes, max(block.align(), CHUNK_ALIGN))
                .expect("a block of entries fits the address space, and so does its chunk");
            self.chunks.reserve(1);
            let Some(chunk) = allocate(layout) else { handle_alloc_error(layout) };
            self.add(chunk);
        }
        let chunk = &self.chunks[self.n_used];
        self.n_used += 1;
        self.bump = chunk.start;
        self.left = chunk.layout.size();
    }

    fn add(&mut self, chunk: Chunk) {
        self.n_chunk_bytes += chunk.layout.size();
        self.chunks.push(chunk);
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for chunk in &self.chunks {
            // SAFETY: allocated by `allocate` with this layout and freed only here.
            unsafe { dealloc(chunk.start.as_ptr(), chunk.layout) };
        }
    }
}

fn allocate(layout: Layout) -> Option<Chunk> {
    debug_assert!(layout.size() > 0);
    // SAFETY: no block is empty, so no chunk is.
    let start = NonNull::new(unsafe { alloc(layout) })?;
    Some(Chunk { start, layout })
}

const fn max(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}

const fn min(a: usize, b: usize) -> usize {
    if a < b { a } else { b }
}
