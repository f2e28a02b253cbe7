//! Finds the number of a row by the hash of its key.
//!
//! 1. Rows are spread over segments by the top bits of their hash, through a directory of a power of two of segment
//!    numbers. A segment is a small hash table of (hash, row number).
//! 2. A full segment splits in two by the next bit; where it already takes all bits of the directory, the directory
//!    doubles first. So no insertion moves more than one segment.
//! 3. Equal hashes cannot be separated. So the directory may only have so many places per segment, and a segment that
//!    may not split grows beyond its bound.
//!
//! Hashes are stored, so growth runs no code of the user.

use alloc::vec::Vec;

use hashbrown::HashTable;

use crate::error::TryReserveError;
use crate::growth::GrowthCounter;

/// Rows of a full segment: what a table of 1024 buckets takes.
const SEGMENT: usize = 896;
/// Directory places allowed for each segment. An even hash needs fewer than 4.
const PLACES_PER_SEGMENT: usize = 8;

/// Invariants: `directory` has a power of two of places; the segment at place `i` with depth `d` stands at all places
/// that share the top `d` bits with `i`, and holds the rows whose hash begins with these bits.
pub(crate) struct Index {
    directory: Vec<u32>,
    segments: Vec<Segment>,
}

#[derive(Default)]
struct Segment {
    rows: HashTable<Place>,
    depth: u32,
}

#[derive(Clone, Copy)]
struct Place {
    hash: u32,
    row: u32,
}

/// Spreads a row's hash for a segment: the table takes buckets from the low bits, and tags from the top seven.
#[inline(always)]
fn table_hash(hash: u32) -> u64 {
    u64::from(hash) << 46 | u64::from(hash)
}

impl Index {
    pub(crate) const fn new() -> Self {
        Self { directory: Vec::new(), segments: Vec::new() }
    }

    #[inline(always)]
    fn segment_idx(&self, hash: u32) -> Option<usize> {
        let depth = self.directory.len().trailing_zeros() % 64;
        let place = (u64::from(hash) << depth >> 32) as usize;
        self.directory.get(place).map(|&segment| segment as usize)
    }

    /// The row with this hash that `is_wanted`.
    #[inline(always)]
    pub(crate) fn find(&self, hash: u32, mut is_wanted: impl FnMut(u32) -> bool) -> Option<u32> {
        let segment = &self.segments[self.segment_idx(hash)?];
        let wanted = |place: &Place| place.hash == hash && is_wanted(place.row);
        segment.rows.find(table_hash(hash), wanted).map(|place| place.row)
    }

    /// Adds a row.
    #[inline(never)]
    pub(crate) fn insert(&mut self, hash: u32, row: u32, growth: &mut GrowthCounter) {
        if self.directory.is_empty() {
            self.directory.push(0);
            self.segments.push(Segment::default());
        }
        loop {
            let idx = self.segment_idx(hash).expect("the directory has a segment for each hash");
            let may_split = self.may_split(idx);
            let rows = &mut self.segments[idx].rows;
            if rows.len() < SEGMENT || !may_split {
                let n_bytes = rows.allocation_size();
                rows.insert_unique(table_hash(hash), Place { hash, row }, |p| table_hash(p.hash));
                if rows.allocation_size() != n_bytes {
                    growth.add_allocation(rows.allocation_size());
                }
                return;
            }
            self.split(idx, hash, growth);
        }
    }

    fn may_split(&self, idx: usize) -> bool {
        let n_places = self.directory.len();
        n_places > 1 << self.segments[idx].depth
            || 2 * n_places <= PLACES_PER_SEGMENT * self.segments.len()
    }

    #[cold]
    fn split(&mut self, idx: usize, hash: u32, growth: &mut GrowthCounter) {
        let depth = self.segments[idx].depth;
        if self.directory.len() == 1 << depth {
            self.directory = self.directory.iter().flat_map(|&segment| [segment; 2]).collect();
            growth.add_allocation(self.directory.len() * size_of::<u32>());
        }
        let old = core::mem::take(&mut self.segments[idx].rows);
        let mut halves = [0, 1].map(|_| HashTable::with_capacity(SEGMENT));
        for place in old {
            let half = &mut halves[(place.hash << depth >> 31) as usize];
            half.insert_unique(table_hash(place.hash), place, |p| table_hash(p.hash));
        }
        growth.add_allocation(halves.iter().map(HashTable::allocation_size).sum());
        let [low, high] = halves;
        let fresh = u32::try_from(self.segments.len()).expect("there are fewer segments than rows");
        self.segments[idx] = Segment { rows: low, depth: depth + 1 };
        self.segments.push(Segment { rows: high, depth: depth + 1 });
        let n_places = self.directory.len() >> depth;
        let start = (u64::from(hash) << depth >> 32) as usize * n_places;
        self.directory[start + n_places / 2..start + n_places].fill(fresh);
    }

    /// Takes a row out.
    pub(crate) fn remove(&mut self, hash: u32, row: u32) {
        let Some(idx) = self.segment_idx(hash) else { return };
        let found = self.segments[idx].rows.find_entry(table_hash(hash), |place| place.row == row);
        if let Ok(entry) = found {
            entry.remove();
        }
    }

    /// Gives a row another number.
    pub(crate) fn renumber(&mut self, hash: u32, old: u32, new: u32) {
        let Some(idx) = self.segment_idx(hash) else { return };
        let rows = &mut self.segments[idx].rows;
        if let Some(place) = rows.find_mut(table_hash(hash), |place| place.row == old) {
            place.row = new;
        }
    }

    /// Forgets all rows and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.segments.iter_mut().for_each(|segment| segment.rows.clear());
    }

    /// Makes room for `n` more rows; many more are spread over segments only while there are no rows yet.
    pub(crate) fn try_reserve(&mut self, n: usize) -> Result<(), TryReserveError> {
        let n_rows: usize = self.segments.iter().map(|segment| segment.rows.len()).sum();
        if n_rows == 0 && n > SEGMENT {
            return self.presize(n);
        }
        if let [segment] = &mut *self.segments {
            let room = n.min(SEGMENT - segment.rows.len().min(SEGMENT));
            return Ok(segment.rows.try_reserve(room, |p| table_hash(p.hash))?);
        }
        if self.segments.is_empty() && n > 0 {
            let mut rows = HashTable::new();
            rows.try_reserve(n, |p: &Place| table_hash(p.hash))?;
            (self.directory, self.segments) =
                (alloc::vec![0], alloc::vec![Segment { rows, depth: 0 }]);
        }
        Ok(())
    }

    /// Replaces the empty index by one with full-sized segments, two thirds of which `n` rows fill.
    fn presize(&mut self, n: usize) -> Result<(), TryReserveError> {
        let n_segments = (n / (SEGMENT * 2 / 3)).max(1).next_power_of_two();
        let depth = n_segments.trailing_zeros();
        let mut segments = Vec::new();
        segments.try_reserve(n_segments)?;
        for _ in 0..n_segments {
            let mut rows = HashTable::new();
            rows.try_reserve(SEGMENT, |p: &Place| table_hash(p.hash))?;
            segments.push(Segment { rows, depth });
        }
        (self.directory, self.segments) = ((0..n_segments as u32).collect(), segments);
        Ok(())
    }

    /// Panics unless the invariants hold and exactly these rows are there.
    #[cfg(any(test, debug_assertions))]
    pub(crate) fn check(&self, rows: impl ExactSizeIterator<Item = u32>) {
        let n_rows: usize = self.segments.iter().map(|segment| segment.rows.len()).sum();
        assert_eq!(n_rows, rows.len());
        for (row, hash) in rows.enumerate() {
            assert!(self.find(hash, |found| found as usize == row).is_some());
        }
        let mut at = 0;
        while at < self.directory.len() {
            let n_places = self.directory.len() >> self.segments[self.directory[at] as usize].depth;
            assert!(n_places > 0 && at % n_places == 0);
            assert!(self.directory[at..at + n_places].iter().all(|s| *s == self.directory[at]));
            at += n_places;
        }
    }
}
