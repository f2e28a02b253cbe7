//! The buckets of one array, with their overflow buckets behind them.

use gomap::blocks::GROUP_SLOTS;

use super::super::lanes::{self, HIGH_BITS};

const SLOTS: usize = GROUP_SLOTS as usize;
/// In `Bucket::next`: no overflow bucket.
const NONE: u32 = 0;

#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// A byte for each slot: 0 when it is free, else the first bits of the hash with the high bit set.
    tops: u64,
    hashes: [u64; SLOTS],
    /// Index of the overflow bucket.
    next: u32,
}

impl Bucket {
    const EMPTY: Self = Self { tops: 0, hashes: [0; SLOTS], next: NONE };

    fn find(&self, hash: u64) -> Option<usize> {
        lanes::all(lanes::equal(self.tops, top(hash))).find(|&slot| self.hashes[slot] == hash)
    }

    fn is_full(&self) -> bool {
        self.tops & HIGH_BITS == HIGH_BITS
    }

    /// Into the first free slot; `false` when there is none.
    fn put(&mut self, hash: u64) -> bool {
        let free = lanes::first(!self.tops & HIGH_BITS);
        if let Some(slot) = free {
            self.tops = lanes::with(self.tops, slot, top(hash));
            self.hashes[slot] = hash;
        }
        free.is_some()
    }

    fn full(&self) -> impl Iterator<Item = u64> {
        lanes::all(self.tops & HIGH_BITS).map(|slot| self.hashes[slot])
    }
}

fn top(hash: u64) -> u8 {
    (hash >> 56) as u8 | 0x80
}

/// A bucket of a chain.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor(usize);

impl Cursor {
    pub(super) fn at_head(head: usize) -> Self {
        Self(head)
    }
}

/// Shape: a power of two of head buckets, then overflow buckets in the order of their making.
#[derive(Debug, Clone)]
pub(super) struct Buckets {
    buckets: Vec<Bucket>,
    n_heads: usize,
}

impl Buckets {
    pub(super) fn new(n_heads: usize) -> Self {
        let mut buckets = Vec::with_capacity(n_heads + n_heads / 4);
        buckets.resize(n_heads, Bucket::EMPTY);
        Self { buckets, n_heads }
    }

    pub(super) fn n_heads(&self) -> usize {
        self.n_heads
    }

    pub(super) fn n_overflow(&self) -> usize {
        self.buckets.len() - self.n_heads
    }

    pub(super) fn head_of(&self, hash: u64) -> usize {
        hash as usize & (self.n_heads - 1)
    }

    pub(super) fn clear(&mut self) {
        self.buckets.truncate(self.n_heads);
        self.buckets.fill(Bucket::EMPTY);
    }

    fn indices(&self, head: usize) -> impl Iterator<Item = usize> {
        let follow = |&index: &usize| Some(self.buckets[index].next as usize).filter(|&i| i != 0);
        std::iter::successors(Some(head), follow)
    }

    pub(super) fn find(&self, hash: u64) -> Option<(usize, usize)> {
        self.indices(self.head_of(hash))
            .find_map(|index| Some((index, self.buckets[index].find(hash)?)))
    }

    /// The first bucket of the chain that has a free slot, else the last one.
    pub(super) fn first_free(&self, hash: u64) -> Cursor {
        let mut last = self.head_of(hash);
        for index in self.indices(last) {
            last = index;
            if !self.buckets[index].is_full() {
                break;
            }
        }
        Cursor(last)
    }

    /// Into the first free slot of this bucket; `None` when it is full.
    pub(super) fn put(&mut self, at: Cursor, hash: u64) -> Option<Cursor> {
        self.buckets[at.0].put(hash).then_some(at)
    }

    /// Into a new overflow bucket behind the last bucket of a chain.
    pub(super) fn extend(&mut self, at: Cursor, hash: u64) -> Cursor {
        let index = self.buckets.len();
        self.buckets[at.0].next = index as u32;
        let mut bucket = Bucket::EMPTY;
        bucket.put(hash);
        self.buckets.push(bucket);
        Cursor(index)
    }

    pub(super) fn remove(&mut self, hash: u64) -> bool {
        let Some((index, slot)) = self.find(hash) else { return false };
        let bucket = &mut self.buckets[index];
        bucket.tops = lanes::with(bucket.tops, slot, 0);
        true
    }

    /// Entries of a chain in order.
    pub(super) fn chain(&self, head: usize) -> impl Iterator<Item = u64> {
        self.indices(head).flat_map(|index| self.buckets[index].full())
    }

    /// Overflow buckets of a chain that were made when this many had been made before.
    pub(super) fn n_overflow_from(&self, head: usize, n_before: usize) -> u64 {
        let first = self.n_heads + n_before;
        self.indices(head).filter(|&index| index >= first).count() as u64
    }
}
