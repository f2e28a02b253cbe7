//! A walk over the entries of one row.
#![allow(unsafe_code)]

use core::ptr::NonNull;

use super::table::TablePtr;
use crate::prefetch::prefetch;

/// Lines of a table's entries that are read ahead when a walk comes to the table before it.
const LINES_AHEAD: usize = 10;

/// Walks over the entries of one row, block by block. An address, not a borrow: who holds it keeps the row unchanged.
pub(super) struct Cursor<T> {
    entry: NonNull<T>,
    /// Entries left in the current block.
    n_left: usize,
    /// Entries in later blocks.
    n_after: usize,
    /// The current table of a directory.
    table: Option<TablePtr<T>>,
    directory: NonNull<TablePtr<T>>,
    n_directory: usize,
}

impl<T> Clone for Cursor<T> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

// SAFETY: a cursor is an address; whoever follows it says by its own type which access that is.
unsafe impl<T> Send for Cursor<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Cursor<T> {}

impl<T> Cursor<T> {
    pub(super) const fn empty() -> Self {
        Self {
            entry: NonNull::dangling(),
            n_left: 0,
            n_after: 0,
            table: None,
            directory: NonNull::dangling(),
            n_directory: 0,
        }
    }

    /// Over one block.
    #[inline]
    pub(super) fn over_block(block: NonNull<T>, len: usize) -> Self {
        Self { entry: block, n_left: len, ..Self::empty() }
    }

    /// Over the `len` entries of a directory's tables.
    #[inline]
    pub(super) fn over_directory(directory: &[TablePtr<T>], len: usize) -> Self {
        Self {
            n_after: len,
            directory: NonNull::from(directory).cast(),
            n_directory: directory.len(),
            ..Self::empty()
        }
    }

    /// Entries left.
    pub(super) const fn len(&self) -> usize {
        self.n_left + self.n_after
    }

    /// # Safety
    /// The row is alive, and its blocks are as they were when the cursor was made.
    #[inline]
    pub(super) unsafe fn next(&mut self) -> Option<NonNull<T>> {
        while self.n_left == 0 {
            // SAFETY: by the caller.
            if !unsafe { self.next_table() } {
                return None;
            }
        }
        let entry = self.entry;
        // SAFETY: `n_left` entries lie from here on.
        self.entry = unsafe { entry.add(1) };
        self.n_left -= 1;
        Some(entry)
    }

    /// The rest of the current block, or the next one, as far as the first `most` entries.
    ///
    /// # Safety
    /// As for [`Cursor::next`].
    #[inline]
    pub(super) unsafe fn next_block(&mut self, most: usize) -> Option<NonNull<[T]>> {
        // SAFETY: by the caller.
        while self.n_left == 0 {
            if !unsafe { self.next_table() } {
                return None;
            }
        }
        let (entry, n) = (self.entry, self.n_left.min(most));
        // SAFETY: `n_left` entries lie from here on.
        self.entry = unsafe { entry.add(n) };
        self.n_left -= n;
        Some(NonNull::slice_from_raw_parts(entry, n))
    }

    /// # Safety
    /// As for [`Cursor::next`].
    unsafe fn next_table(&mut self) -> bool {
        // SAFETY: tables and directory live as long as the row.
        unsafe {
            if self.n_after == 0 {
                return false;
            }
            let chained = self.table.and_then(|table| table.head().next);
            let Some(table) = chained.or_else(|| self.next_in_directory()) else { return false };
            self.entry = table.table().places();
            self.n_left = usize::from(table.head().len);
            self.n_after -= self.n_left;
            self.table = Some(table);
            true
        }
    }

    /// The next table of the directory. What it needs of it is read ahead.
    ///
    /// # Safety
    /// As for [`Cursor::next`].
    unsafe fn next_in_directory(&mut self) -> Option<TablePtr<T>> {
        if self.n_directory == 0 {
            return None;
        }
        // SAFETY: `n_directory` places lie from `directory` on.
        unsafe {
            let table = self.directory.read();
            while self.n_directory > 0 && self.directory.read() == table {
                self.directory = self.directory.add(1);
                self.n_directory -= 1;
            }
            if self.n_directory > 0 {
                let next = self.directory.read();
                prefetch(next.head());
                for line in 0..LINES_AHEAD {
                    prefetch(next.table().places().as_ptr().wrapping_byte_add(64 * line));
                }
            }
            Some(table)
        }
    }
}
