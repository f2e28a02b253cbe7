//! A walk over the entries of one row.
#![allow(unsafe_code)]

use core::ptr::NonNull;

use super::page::PagePtr;

/// Lines of a page that are read ahead when a walk comes to the page before it.
const LINES_AHEAD: usize = 10;

/// Walks over the entries of one row, block by block. An address, not a borrow: who holds it keeps the row unchanged.
pub(super) struct Cursor<T> {
    entry: NonNull<T>,
    /// Entries left in the current block.
    n_left: usize,
    /// Entries in later blocks.
    n_after: usize,
    /// The current page, none in a small block.
    page: Option<PagePtr<T>>,
    directory: NonNull<PagePtr<T>>,
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
            page: None,
            directory: NonNull::dangling(),
            n_directory: 0,
        }
    }

    /// Over one block.
    #[inline]
    pub(super) fn over_block(block: NonNull<T>, len: usize) -> Self {
        Self { entry: block, n_left: len, ..Self::empty() }
    }

    /// Over the `len` entries of a directory's pages.
    #[inline]
    pub(super) fn over_pages(directory: &[PagePtr<T>], len: usize) -> Self {
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
            if !unsafe { self.next_page() } {
                return None;
            }
        }
        let entry = self.entry;
        // SAFETY: `n_left` entries lie from here on.
        self.entry = unsafe { entry.add(1) };
        self.n_left -= 1;
        Some(entry)
    }

    /// The rest of the current block, or the next one.
    ///
    /// # Safety
    /// As for [`Cursor::next`].
    #[inline]
    pub(super) unsafe fn next_block(&mut self) -> Option<NonNull<[T]>> {
        // SAFETY: by the caller.
        while self.n_left == 0 {
            if !unsafe { self.next_page() } {
                return None;
            }
        }
        let n = core::mem::take(&mut self.n_left);
        Some(NonNull::slice_from_raw_parts(self.entry, n))
    }

    /// # Safety
    /// As for [`Cursor::next`].
    unsafe fn next_page(&mut self) -> bool {
        // SAFETY: pages and directory live as long as the row.
        unsafe {
            if self.n_after == 0 {
                return false;
            }
            let chained = self.page.and_then(|page| page.head().next);
            let Some(page) = chained.or_else(|| self.next_in_directory()) else { return false };
            self.entry = page.places();
            self.n_left = usize::from(page.head().len);
            self.n_after -= self.n_left;
            self.page = Some(page);
            true
        }
    }

    /// The next page of the directory. What it needs of it is read ahead.
    ///
    /// # Safety
    /// As for [`Cursor::next`].
    unsafe fn next_in_directory(&mut self) -> Option<PagePtr<T>> {
        if self.n_directory == 0 {
            return None;
        }
        // SAFETY: `n_directory` places lie from `directory` on.
        unsafe {
            let page = self.directory.read();
            while self.n_directory > 0 && self.directory.read() == page {
                self.directory = self.directory.add(1);
                self.n_directory -= 1;
            }
            if self.n_directory > 0 {
                let after = self.directory.read();
                for line in 0..LINES_AHEAD {
                    super::prefetch(after.0.as_ptr().wrapping_byte_add(64 * line));
                }
            }
            Some(page)
        }
    }
}
