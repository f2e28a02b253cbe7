//! Holds rows and finds them by the hash of their key.
//!
//! 1. Rows are spread over segments by the top bits of their hash, through a directory of a power of two of segment
//!    numbers. A segment is a small hash table with the rows in it.
//! 2. A full segment splits in two by the next bit; where it already takes all bits of the directory, the directory
//!    doubles first. So no insertion moves more rows than a segment has.
//! 3. Equal hashes cannot be separated. So the directory may only have so many places per segment, and a segment that
//!    may not split grows beyond its bound.
//!
//! Rows know their hashes, so growth runs no code of the user.
#![allow(unsafe_code)]

use alloc::vec;
use alloc::vec::Vec;
use core::iter::FusedIterator;
use core::mem::needs_drop;
use core::slice;

use hashbrown::{HashTable, hash_table};

use crate::error::TryReserveError;
use crate::growth::{GrowthCounter, vec_bytes};

/// Rows of a full segment: what a table of 512 buckets takes.
const SEGMENT: usize = 448;
/// Directory places allowed for each segment. An even hash needs fewer than 4.
const PLACES_PER_SEGMENT: usize = 8;

/// Something that knows its hash.
pub(crate) trait Hashed {
    fn hash(&self) -> u32;
}

/// Invariants: `directory` has a power of two of places; the segment at place `i` with depth `d` stands at all places
/// that share the top `d` bits with `i`, and holds the rows whose hash begins with these bits; `n_rows` are there.
pub(crate) struct Index<R> {
    directory: Vec<u32>,
    /// Leaves as many top bits of a hash as number the places of the directory.
    shift: u32,
    segments: Vec<Segment<R>>,
    n_rows: usize,
}

struct Segment<R> {
    rows: HashTable<R>,
    depth: u32,
}

/// Where a row lies. Whoever has it uses it only while that row is there and no row has been added since it was found:
/// the row is read without looking whether it is there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowId {
    segment: u32,
    bucket: u32,
}

/// Spreads a row's hash for a segment: the table takes buckets from the low bits, and tags from the top seven.
#[inline(always)]
fn table_hash(hash: u32) -> u64 {
    u64::from(hash) << 48 | u64::from(hash)
}

fn row_hash<R: Hashed>(row: &R) -> u64 {
    table_hash(row.hash())
}

impl<R> Default for Index<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R> Index<R> {
    pub(crate) const fn new() -> Self {
        Self { directory: Vec::new(), shift: 32, segments: Vec::new(), n_rows: 0 }
    }

    pub(crate) const fn len(&self) -> usize {
        self.n_rows
    }

    #[inline(always)]
    fn segment_of(&self, hash: u32) -> Option<u32> {
        self.directory.get((u64::from(hash) >> (self.shift % 64)) as usize).copied()
    }

    /// The row with this hash that `is_wanted`.
    #[inline(always)]
    pub(crate) fn find(&self, hash: u32, is_wanted: impl FnMut(&R) -> bool) -> Option<&R> {
        self.rows_of(self.segment_of(hash)?).find(table_hash(hash), is_wanted)
    }

    /// The row with this hash that `is_wanted`.
    #[inline(always)]
    pub(crate) fn find_mut(
        &mut self,
        hash: u32,
        is_wanted: impl FnMut(&R) -> bool,
    ) -> Option<&mut R> {
        let segment = self.segment_of(hash)? as usize;
        self.segments[segment].rows.find_mut(table_hash(hash), is_wanted)
    }

    /// Where the row with this hash is that `is_wanted`.
    #[inline(always)]
    pub(crate) fn find_id(&self, hash: u32, is_wanted: impl FnMut(&R) -> bool) -> Option<RowId> {
        let segment = self.segment_of(hash)?;
        let bucket = self.rows_of(segment).find_bucket_index(table_hash(hash), is_wanted)?;
        Some(RowId { segment, bucket: bucket as u32 })
    }

    #[inline(always)]
    fn rows_of(&self, segment: u32) -> &HashTable<R> {
        debug_assert!((segment as usize) < self.segments.len());
        // SAFETY: numbers of segments come from the directory, and no segment goes away before the index does.
        unsafe { &self.segments.get_unchecked(segment as usize).rows }
    }

    /// A row that is there.
    #[inline(always)]
    pub(crate) fn get(&self, id: RowId) -> &R {
        let rows = self.rows_of(id.segment);
        debug_assert!(rows.get_bucket(id.bucket as usize).is_some());
        // SAFETY: the row is there while its id is used, see `RowId`.
        unsafe { rows.get_bucket_unchecked(id.bucket as usize) }
    }

    /// A row that is there.
    #[inline(always)]
    pub(crate) fn get_mut(&mut self, id: RowId) -> &mut R {
        debug_assert!(self.rows_of(id.segment).get_bucket(id.bucket as usize).is_some());
        // SAFETY: as for `get`.
        unsafe {
            let segment = self.segments.get_unchecked_mut(id.segment as usize);
            segment.rows.get_bucket_unchecked_mut(id.bucket as usize)
        }
    }

    /// Takes a row out. Others stay where they are.
    #[inline]
    pub(crate) fn remove(&mut self, id: RowId) -> R {
        let rows = &mut self.segments[id.segment as usize].rows;
        let entry = rows.get_bucket_entry(id.bucket as usize);
        let row = entry.ok().expect("the row is there while its id is used").remove().0;
        self.n_rows -= 1;
        row
    }

    pub(crate) fn iter(&self) -> Iter<'_, R> {
        Iter { segments: self.segments.iter(), rows: Default::default(), n_left: self.n_rows }
    }

    #[cfg(feature = "rayon")]
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut R> {
        self.segments.iter_mut().flat_map(|segment| &mut segment.rows)
    }

    /// The place after `id`, or the first, that has a row. For walks that take rows out.
    pub(crate) fn next_id(&self, id: Option<RowId>) -> Option<RowId> {
        let mut next = match id {
            Some(RowId { segment, bucket }) => RowId { segment, bucket: bucket + 1 },
            None => RowId { segment: 0, bucket: 0 },
        };
        loop {
            let rows = &self.segments.get(next.segment as usize)?.rows;
            if next.bucket as usize >= rows.num_buckets() {
                next = RowId { segment: next.segment + 1, bucket: 0 };
            } else if rows.get_bucket(next.bucket as usize).is_some() {
                return Some(next);
            } else {
                next.bucket += 1;
            }
        }
    }

    /// Takes all rows out and keeps the memory.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = R> {
        self.n_rows = 0;
        self.segments.iter_mut().flat_map(|segment| segment.rows.drain())
    }

    fn may_split(&self, segment: u32) -> bool {
        let n_places = self.directory.len();
        n_places > 1 << self.segments[segment as usize].depth
            || 2 * n_places <= PLACES_PER_SEGMENT * self.segments.len()
    }
}

impl<R: Hashed> Index<R> {
    /// Adds a row.
    ///
    /// # Panics
    /// When there are 2^32 rows.
    pub(crate) fn insert(&mut self, row: R, growth: &mut GrowthCounter) -> RowId {
        assert!(self.n_rows < u32::MAX as usize, "a map has less than 2^32 rows");
        let hash = row.hash();
        if self.directory.is_empty() {
            growth.push(&mut self.directory, 0);
            growth.push(&mut self.segments, Segment { rows: HashTable::new(), depth: 0 });
        }
        loop {
            let segment = self.segment_of(hash).expect("the directory has a segment for each hash");
            let may_split = self.may_split(segment);
            let rows = &mut self.segments[segment as usize].rows;
            if rows.len() < SEGMENT || !may_split {
                let bytes_before = rows.allocation_size();
                let entry = rows.insert_unique(table_hash(hash), row, row_hash);
                let bucket = entry.bucket_index() as u32;
                growth.add_replaced(bytes_before, entry.into_table().allocation_size());
                self.n_rows += 1;
                return RowId { segment, bucket };
            }
            self.split(segment, hash, growth);
        }
    }

    #[cold]
    fn split(&mut self, segment: u32, hash: u32, growth: &mut GrowthCounter) {
        let idx = segment as usize;
        let depth = self.segments[idx].depth;
        if self.directory.len() == 1 << depth {
            self.directory = self.directory.iter().flat_map(|&segment| [segment; 2]).collect();
            self.shift -= 1;
            growth.add_allocation(vec_bytes(&self.directory));
        }
        let old = core::mem::take(&mut self.segments[idx].rows);
        let goes = |row: &R| row.hash() << depth >> 31 == 1;
        let n_high = old.iter().filter(|row| goes(row)).count();
        let mut halves = [old.len() - n_high, n_high].map(HashTable::with_capacity);
        for row in old {
            halves[usize::from(goes(&row))].insert_unique(row_hash(&row), row, row_hash);
        }
        growth.add_allocation(halves.iter().map(HashTable::allocation_size).sum());
        let [low, high] = halves;
        let fresh = u32::try_from(self.segments.len()).expect("there are fewer segments than rows");
        self.segments[idx] = Segment { rows: low, depth: depth + 1 };
        growth.push(&mut self.segments, Segment { rows: high, depth: depth + 1 });
        let n_places = self.directory.len() >> depth;
        let start = (u64::from(hash) << depth >> 32) as usize * n_places;
        self.directory[start + n_places / 2..start + n_places].fill(fresh);
    }

    /// Makes room for `n` more rows; many more are spread over segments only while there are no rows yet.
    pub(crate) fn try_reserve(
        &mut self,
        n: usize,
        growth: &mut GrowthCounter,
    ) -> Result<(), TryReserveError> {
        if self.n_rows == 0 && n > 0 {
            return self.presize(n, growth);
        }
        if let [segment] = &mut *self.segments {
            let room = n.min(SEGMENT.saturating_sub(segment.rows.len()));
            let bytes_before = segment.rows.allocation_size();
            segment.rows.try_reserve(room, row_hash)?;
            growth.add_replaced(bytes_before, segment.rows.allocation_size());
        }
        Ok(())
    }

    /// Replaces the empty index by one whose segments `n` rows fill to three quarters.
    fn presize(&mut self, n: usize, growth: &mut GrowthCounter) -> Result<(), TryReserveError> {
        let n_segments = if n <= SEGMENT { 1 } else { (n / (SEGMENT * 3 / 4)).next_power_of_two() };
        let mut segments = Vec::new();
        segments.try_reserve_exact(n_segments)?;
        for _ in 0..n_segments {
            let mut rows = HashTable::new();
            rows.try_reserve(n.min(SEGMENT), row_hash)?;
            growth.add_allocation(rows.allocation_size());
            segments.push(Segment { rows, depth: n_segments.trailing_zeros() });
        }
        let mut directory = vec![];
        directory.try_reserve_exact(n_segments)?;
        directory.extend(0..n_segments as u32);
        growth.add_allocation(vec_bytes(&directory) + vec_bytes(&segments));
        (self.directory, self.segments) = (directory, segments);
        self.shift = 32 - n_segments.trailing_zeros();
        Ok(())
    }

    /// Panics unless the invariants hold.
    #[cfg(debug_assertions)]
    pub(crate) fn check(&self) {
        assert_eq!(self.iter().count(), self.n_rows);
        for row in self.iter() {
            assert!(self.find(row.hash(), |found| core::ptr::eq(found, row)).is_some());
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

impl<R> Drop for Index<R> {
    /// A table dropped whole would leak its memory when the drop of a key panics; emptied row by row it does not.
    fn drop(&mut self) {
        if needs_drop::<R>() {
            self.drain().for_each(drop);
        }
    }
}

/// Walks over all rows.
pub(crate) struct Iter<'a, R> {
    segments: slice::Iter<'a, Segment<R>>,
    rows: hash_table::Iter<'a, R>,
    n_left: usize,
}

impl<R> Clone for Iter<'_, R> {
    fn clone(&self) -> Self {
        Self { segments: self.segments.clone(), rows: self.rows.clone(), n_left: self.n_left }
    }
}

impl<'a, R> Iterator for Iter<'a, R> {
    type Item = &'a R;

    #[inline]
    fn next(&mut self) -> Option<&'a R> {
        loop {
            if let Some(row) = self.rows.next() {
                self.n_left -= 1;
                return Some(row);
            }
            self.rows = self.segments.next()?.rows.iter();
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.n_left, Some(self.n_left))
    }
}

impl<R> ExactSizeIterator for Iter<'_, R> {}
impl<R> FusedIterator for Iter<'_, R> {}

/// Walks over all rows by value.
pub(crate) struct IntoIter<R> {
    segments: vec::IntoIter<Segment<R>>,
    rows: hash_table::IntoIter<R>,
}

impl<R> IntoIterator for Index<R> {
    type Item = R;
    type IntoIter = IntoIter<R>;

    fn into_iter(mut self) -> IntoIter<R> {
        let segments = core::mem::take(&mut self.segments);
        IntoIter { segments: segments.into_iter(), rows: HashTable::new().into_iter() }
    }
}

impl<R> Iterator for IntoIter<R> {
    type Item = R;

    fn next(&mut self) -> Option<R> {
        loop {
            if let Some(row) = self.rows.next() {
                return Some(row);
            }
            self.rows = self.segments.next()?.rows.into_iter();
        }
    }
}
