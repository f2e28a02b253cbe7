//! What the global allocator is asked for. A binary of its own, as it replaces the allocator.
#![allow(unsafe_code, clippy::unwrap_used, missing_docs)]

mod arena_str;
#[cfg(feature = "meter")]
mod meter;
#[path = "../it/random.rs"]
mod random;
#[cfg(feature = "meter")]
#[path = "../it/table_ops.rs"]
mod table_ops;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// What a thread asked for so far.
#[derive(Clone, Copy)]
struct Counts {
    allocations: u64,
    /// Units: bytes.
    bytes: u64,
    /// Units: bytes. Less what was given back.
    live: i64,
}

thread_local!(static COUNTS: Cell<Counts> =
    const { Cell::new(Counts { allocations: 0, bytes: 0, live: 0 }) });

/// Counts what each thread asks for.
struct Counting;

// SAFETY: all calls go to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let counts = COUNTS.get();
        COUNTS.set(Counts {
            allocations: counts.allocations + 1,
            bytes: counts.bytes + layout.size() as u64,
            live: counts.live + layout.size() as i64,
        });
        // SAFETY: as demanded of the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let counts = COUNTS.get();
        COUNTS.set(Counts { live: counts.live - layout.size() as i64, ..counts });
        // SAFETY: as demanded of the caller.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// What `op` asks for.
fn counting<R>(op: impl FnOnce() -> R) -> (Counts, R) {
    let before = COUNTS.get();
    let result = op();
    let after = COUNTS.get();
    let counts = Counts {
        allocations: after.allocations - before.allocations,
        bytes: after.bytes - before.bytes,
        live: after.live - before.live,
    };
    (counts, result)
}
