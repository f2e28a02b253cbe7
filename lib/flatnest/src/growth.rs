//! Counts what growth costs, where the feature `meter` asks for it; otherwise nothing is stored or done.

use alloc::vec::Vec;

/// What growth has cost a map so far.
///
/// An entry counts as moved each time its place in memory changes because the map grew. Removal moves entries too, which
/// is not counted.
#[cfg(feature = "meter")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Growth {
    /// Steps of growth of entry blocks: blocks replaced by larger ones, and tables split or added.
    pub n_grows: u64,
    /// Entries moved by these steps.
    pub moved_entries: u64,
    /// Bytes of the entries moved.
    pub moved_bytes: u64,
    /// Bytes asked from the allocator for entries, rows, directories and the row index.
    pub allocated_bytes: u64,
}

#[derive(Clone, Default)]
pub(crate) struct GrowthCounter {
    #[cfg(feature = "meter")]
    counts: Growth,
}

#[cfg(feature = "meter")]
impl GrowthCounter {
    pub(crate) const fn new() -> Self {
        let counts = Growth { n_grows: 0, moved_entries: 0, moved_bytes: 0, allocated_bytes: 0 };
        Self { counts }
    }

    pub(crate) fn counts(&self) -> Growth {
        self.counts
    }

    pub(crate) fn add_allocation(&mut self, n_bytes: usize) {
        self.counts.allocated_bytes += n_bytes as u64;
    }

    pub(crate) fn add_grow(&mut self, n_moved: usize, entry_bytes: usize) {
        self.counts.n_grows += 1;
        self.counts.moved_entries += n_moved as u64;
        self.counts.moved_bytes += (n_moved * entry_bytes) as u64;
    }
}

#[cfg(not(feature = "meter"))]
impl GrowthCounter {
    pub(crate) const fn new() -> Self {
        Self {}
    }

    #[inline(always)]
    pub(crate) fn add_allocation(&mut self, _n_bytes: usize) {}

    #[inline(always)]
    pub(crate) fn add_grow(&mut self, _n_moved: usize, _entry_bytes: usize) {}
}

impl GrowthCounter {
    /// Counts a block of memory, if it replaced one of another size.
    #[inline]
    pub(crate) fn add_replaced(&mut self, bytes_before: usize, bytes_after: usize) {
        if bytes_after != bytes_before {
            self.add_allocation(bytes_after);
        }
    }

    /// Adds to a vector, and counts the memory that it may take for it.
    pub(crate) fn push<T>(&mut self, vec: &mut Vec<T>, item: T) {
        let bytes_before = vec_bytes(vec);
        vec.push(item);
        self.add_replaced(bytes_before, vec_bytes(vec));
    }
}

/// Bytes that a vector has allocated.
pub(crate) const fn vec_bytes<T>(vec: &Vec<T>) -> usize {
    vec.capacity() * size_of::<T>()
}
