//! Counts what a map costs while it lives.

use gomap::blocks::{Boxes, Malloc};
use gomap::{ByKind, GrowKind};

#[derive(Debug, Clone)]
pub(super) struct Ledger {
    pub(super) malloc: Malloc,
    pub(super) grows: ByKind<u64>,
    pub(super) moved: u64,
    pub(super) begun: u64,
    pub(super) allocated_bytes: u64,
    pub(super) allocations: u64,
    pub(super) retained_bytes: u64,
}

impl Ledger {
    pub(super) fn new(malloc: Malloc) -> Self {
        Self {
            malloc,
            grows: ByKind::default(),
            moved: 0,
            begun: 0,
            allocated_bytes: 0,
            allocations: 0,
            retained_bytes: 0,
        }
    }

    /// Takes one block. Units: bytes.
    pub(super) fn take(&mut self, block_bytes: u64) {
        self.allocations += 1;
        self.allocated_bytes += block_bytes;
        self.retained_bytes += block_bytes;
    }

    /// Takes the blocks of one entry.
    pub(super) fn take_boxes(&mut self, boxes: Boxes) {
        self.allocations += boxes.n;
        self.allocated_bytes += boxes.bytes;
        self.retained_bytes += boxes.bytes;
    }

    /// Leaves blocks to the collector. Units: bytes.
    pub(super) fn release(&mut self, block_bytes: u64) {
        self.retained_bytes -= block_bytes;
    }

    /// Begins a growth of a table with so many entries.
    pub(super) fn grow(&mut self, kind: GrowKind, entries: u64) {
        self.grows[kind] += 1;
        self.begun += entries;
    }
}
