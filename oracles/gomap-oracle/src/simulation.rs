//! The life of one map, operation by operation.
//!
//! 1. A key, any number, becomes a hash by a permutation of 64 bits: equal hashes are equal keys, and tables need to
//!    keep the hash alone.
//! 2. [`classic`] or [`swiss`] do with the hash what the runtime does with it.
//! 3. A [`Ledger`] counts what they take from the allocator and give back, and what they move.
//!
//! One simulation is one run, of one seed; another seed gives another run, as in Go. Keys that differ from themselves
//! (NaN), iteration, `maps.Clone` and concurrent use are left out. The header is taken to be on the heap.

mod classic;
mod lanes;
mod ledger;
mod swiss;

use goabi::MapImpl;
use gomap::blocks::Boxes;
use gomap::{Growth, MapShape};

use self::ledger::Ledger;

/// A map counted in one run.
pub type Outcome = Growth<u64>;

/// Larger hints are not simulated: the simulation needs memory for them.
const MAX_HINT: u64 = 1 << 28;

/// A map being simulated.
#[derive(Debug, Clone)]
pub struct Simulation {
    shape: MapShape,
    tables: Tables,
    ledger: Ledger,
    seed: u64,
    inserted: u64,
    live: u64,
}

#[derive(Debug, Clone)]
enum Tables {
    Classic(classic::Map),
    Swiss(swiss::Map),
}

/// Blocks that the tables of a map hold.
#[derive(Debug, Clone, Copy, Default)]
struct Held {
    objects: u64,
    /// Units: bytes of those without pointers.
    pointer_free_bytes: u64,
}

/// What a program does to a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `m[key] = …`
    Set(u64),
    /// `delete(m, key)`
    Delete(u64),
    /// `clear(m)`
    Clear,
}

impl Simulation {
    /// `make(map[K]V, hint)`; the seed stands for the map's random one. `None` for hints beyond 2^28.
    pub fn new(shape: MapShape, hint: u64, seed: u64) -> Option<Self> {
        if hint > MAX_HINT {
            return None;
        }
        let mut ledger = Ledger::new(shape.malloc());
        ledger.take(shape.map().header_bytes);
        let tables = match shape.map_impl() {
            MapImpl::Classic => Tables::Classic(classic::Map::new(shape, hint, &mut ledger)),
            MapImpl::Swiss => Tables::Swiss(swiss::Map::new(shape, hint, &mut ledger)),
        };
        // Seeds that are near each other must not give the same hashes to other keys.
        let seed = permuted(seed);
        Some(Self { shape, tables, ledger, seed, inserted: 0, live: 0 })
    }

    /// Does one operation.
    pub fn apply(&mut self, op: Op) {
        match op {
            Op::Set(key) => self.set_hash(self.hash(key)),
            Op::Delete(key) => self.delete_hash(self.hash(key)),
            Op::Clear => self.clear(),
        }
    }

    /// `m[key] = …` for a key of which only the hash is known.
    pub fn set_hash(&mut self, hash: u64) {
        let is_new = match &mut self.tables {
            Tables::Classic(map) => map.set(hash, &mut self.ledger),
            Tables::Swiss(map) => map.set(hash, &mut self.ledger),
        };
        if is_new {
            self.inserted += 1;
            self.live += 1;
            self.ledger.take_boxes(self.shape.boxes());
        }
    }

    /// `delete(m, key)` for a key of which only the hash is known.
    pub fn delete_hash(&mut self, hash: u64) {
        let was_there = match &mut self.tables {
            Tables::Classic(map) => map.delete(hash, &mut self.ledger),
            Tables::Swiss(map) => map.delete(hash),
        };
        if was_there {
            self.live -= 1;
            self.ledger.release(self.shape.boxes().bytes);
            if self.live == 0 {
                self.reseed();
            }
        }
    }

    fn clear(&mut self) {
        match &mut self.tables {
            Tables::Classic(map) => map.clear(&mut self.ledger),
            Tables::Swiss(map) => map.clear(),
        }
        self.ledger.release(self.shape.boxes().bytes * self.live);
        self.live = 0;
        self.reseed();
    }

    /// An emptied map hashes anew.
    ///
    /// Source: runtime/map.go (`mapdelete`, `mapclear`) of Go 1.21 to 1.23; internal/runtime/maps/map.go (`Delete`,
    /// `Clear`) of Go 1.24 to 1.27.
    fn reseed(&mut self) {
        self.seed = permuted(self.seed);
    }

    fn hash(&self, key: u64) -> u64 {
        permuted(key ^ self.seed)
    }

    /// What happened so far.
    pub fn outcome(&self) -> Outcome {
        let held = match &self.tables {
            Tables::Classic(map) => map.held(),
            Tables::Swiss(map) => map.held(),
        };
        let Boxes { n, bytes, pointer_bytes } = self.shape.boxes();
        let pointer_free_bytes = held.pointer_free_bytes + self.live * (bytes - pointer_bytes);
        Outcome {
            inserted: self.inserted,
            inserted_bytes: self.inserted * self.shape.slot_bytes(),
            live: self.live,
            live_bytes: self.live * self.shape.entry_bytes(),
            grows: self.ledger.grows,
            moved: self.ledger.moved,
            begun: self.ledger.begun,
            moved_bytes: self.ledger.moved * self.shape.slot_bytes(),
            allocated_bytes: self.ledger.allocated_bytes,
            allocations: self.ledger.allocations,
            retained_bytes: self.ledger.retained_bytes,
            retained_objects: 1 + held.objects + self.live * n,
            pointer_bytes: self.ledger.retained_bytes - pointer_free_bytes,
            slots: match &self.tables {
                Tables::Classic(map) => map.slots(),
                Tables::Swiss(map) => map.slots(),
            },
        }
    }

    /// The runtime's own record of the map, for comparison with a live one.
    pub fn state(&self) -> State {
        match &self.tables {
            Tables::Classic(map) => map.state(),
            Tables::Swiss(map) => map.state(),
        }
    }
}

/// What the header of a map says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// `hmap`.
    Classic {
        /// Exponent of the number of buckets.
        b: u32,
        /// Overflow buckets; from 2^16 buckets on an estimate.
        n_overflow: u64,
        /// Old buckets evacuated in sequence, while the map grows.
        n_evacuated: Option<u64>,
    },
    /// `maps.Map`.
    Swiss {
        /// Exponent of the directory's length; `None` before there is one.
        global_depth: Option<u32>,
        /// In the order of the directory.
        tables: Vec<TableState>,
    },
}

/// What the header of a table says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableState {
    /// Entries.
    pub used: u64,
    /// Slots.
    pub slots: u64,
    /// Entries to come before the table grows.
    pub growth_left: u64,
    /// Bits of the hash that all of its entries have in common.
    pub local_depth: u32,
}

/// A permutation of the 64-bit numbers that spreads like a random function.
///
/// Source: the finaliser of splitmix64 (Steele, Lea, Flood 2014).
fn permuted(key: u64) -> u64 {
    let mut bits = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests;
