//! Walking over rows and entries: borrowed, and by value.
#![allow(unsafe_code)]

use core::marker::PhantomData;
use core::mem::needs_drop;
use core::ptr::NonNull;

use super::cells::Cells;
use super::cursor::Cursor;
use super::pool::Pool;
use super::{Entry, RawRow, Store};
use crate::index::{self, Index};

/// Walks over the entries of one row.
pub(crate) struct RowIter<'a, T> {
    cursor: Cursor<T>,
    life: PhantomData<&'a T>,
}

impl<'a, T> RowIter<'a, T> {
    #[inline]
    pub(super) fn new(cells: &'a Cells<T>, len: usize) -> Self {
        Self { cursor: cells.cursor(len), life: PhantomData }
    }

    pub(crate) const fn empty() -> Self {
        Self { cursor: Cursor::empty(), life: PhantomData }
    }
}

impl<T> Clone for RowIter<'_, T> {
    fn clone(&self) -> Self {
        Self { cursor: self.cursor.clone(), life: PhantomData }
    }
}

impl<'a, T> Iterator for RowIter<'a, T> {
    type Item = &'a T;

    #[inline]
    fn next(&mut self) -> Option<&'a T> {
        // SAFETY: the row is borrowed for `'a`, so that its blocks stay as they are.
        unsafe { self.cursor.next() }.map(|entry| unsafe { entry.as_ref() })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.cursor.len(), Some(self.cursor.len()))
    }

    #[inline]
    fn fold<B, F: FnMut(B, &'a T) -> B>(mut self, init: B, mut f: F) -> B {
        let mut folded = init;
        // SAFETY: as in `next`.
        while let Some(block) = unsafe { self.cursor.next_block(usize::MAX) } {
            // SAFETY: a block has that many entries, borrowed for `'a`.
            folded = unsafe { block.as_ref() }.iter().fold(folded, &mut f);
        }
        folded
    }
}

/// Walks over the entries of one row; each is given out once.
pub(crate) struct RowIterMut<'a, T> {
    cursor: Cursor<T>,
    life: PhantomData<&'a mut T>,
}

impl<'a, T> RowIterMut<'a, T> {
    pub(super) fn new(cells: &'a mut Cells<T>, len: usize) -> Self {
        Self { cursor: cells.cursor(len), life: PhantomData }
    }

    pub(crate) const fn empty() -> Self {
        Self { cursor: Cursor::empty(), life: PhantomData }
    }
}

impl<'a, T> Iterator for RowIterMut<'a, T> {
    type Item = &'a mut T;

    #[inline]
    fn next(&mut self) -> Option<&'a mut T> {
        // SAFETY: the row is borrowed mutably for `'a`, and the cursor meets each entry once.
        unsafe { self.cursor.next() }.map(|mut entry| unsafe { entry.as_mut() })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.cursor.len(), Some(self.cursor.len()))
    }
}

/// Walks over all entries, each with its row's key.
pub(crate) struct AllIter<'a, K, T> {
    rows: index::Iter<'a, RawRow<K, T>>,
    row: Option<&'a RawRow<K, T>>,
    entries: RowIter<'a, T>,
    n_left: usize,
}

impl<'a, K, T: Entry> AllIter<'a, K, T> {
    /// `n` is the number of entries.
    pub(crate) fn new(store: &'a Store<K, T>, n: usize) -> Self {
        Self { rows: store.rows(), row: None, entries: RowIter::empty(), n_left: n }
    }
}

impl<K, T> Clone for AllIter<'_, K, T> {
    fn clone(&self) -> Self {
        Self { rows: self.rows.clone(), entries: self.entries.clone(), ..*self }
    }
}

impl<'a, K, T> Iterator for AllIter<'a, K, T> {
    type Item = (&'a K, &'a T);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let (Some(entry), Some(row)) = (self.entries.next(), self.row) {
                self.n_left -= 1;
                return Some((&row.key, entry));
            }
            let row = self.rows.next()?;
            self.row = Some(row);
            self.entries = row.iter();
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.n_left, Some(self.n_left))
    }

    #[inline]
    fn fold<B, F: FnMut(B, Self::Item) -> B>(self, init: B, mut f: F) -> B {
        let mut folded = init;
        if let Some(row) = self.row {
            folded = self.entries.fold(folded, |folded, entry| f(folded, (&row.key, entry)));
        }
        for row in self.rows {
            folded = row.iter().fold(folded, |folded, entry| f(folded, (&row.key, entry)));
        }
        folded
    }
}

/// Walks over all entries, each with its row's key; each entry is given out once.
pub(crate) struct AllIterMut<'a, K, T> {
    rows: index::Iter<'a, RawRow<K, T>>,
    row: Option<&'a RawRow<K, T>>,
    cursor: Cursor<T>,
    n_left: usize,
    life: PhantomData<&'a mut T>,
}

impl<'a, K, T: Entry> AllIterMut<'a, K, T> {
    pub(super) fn new(store: &'a mut Store<K, T>, n: usize) -> Self {
        let rows = store.rows.iter();
        Self { rows, row: None, cursor: Cursor::empty(), n_left: n, life: PhantomData }
    }
}

impl<'a, K, T> Iterator for AllIterMut<'a, K, T> {
    type Item = (&'a K, &'a mut T);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            // SAFETY: the store is borrowed mutably for `'a`. Entries lie outside of the rows, which are read, and the
            // cursor meets each once.
            if let (Some(mut entry), Some(row)) = unsafe { (self.cursor.next(), self.row) } {
                self.n_left -= 1;
                // SAFETY: as above.
                return Some((&row.key, unsafe { entry.as_mut() }));
            }
            let row = self.rows.next()?;
            self.row = Some(row);
            self.cursor = row.cells.cursor(row.len());
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.n_left, Some(self.n_left))
    }
}

/// Entries of a row by value. Owns the entries; whoever makes it keeps the cells and their memory meanwhile.
pub(super) struct Entries<T> {
    cursor: Cursor<T>,
    owns: PhantomData<T>,
}

impl<T> Entries<T> {
    #[inline]
    pub(super) fn new(cells: &Cells<T>, len: usize) -> Self {
        Self { cursor: cells.cursor(len), owns: PhantomData }
    }

    fn len(&self) -> usize {
        self.cursor.len()
    }

    #[inline]
    fn next_place(&mut self) -> Option<NonNull<T>> {
        // SAFETY: the maker keeps the cells, see above.
        unsafe { self.cursor.next() }
    }

    #[inline]
    fn next(&mut self) -> Option<T> {
        // SAFETY: the cursor meets each entry once, and it is owned.
        self.next_place().map(|place| unsafe { place.read() })
    }

    fn drop_rest(&mut self) {
        while let Some(place) = self.next_place() {
            // SAFETY: as in `next`.
            unsafe { place.drop_in_place() };
        }
    }
}

impl<T> Drop for Entries<T> {
    /// After a panic in the drop of one entry, the others are dropped still.
    fn drop(&mut self) {
        struct AfterPanic<'a, T>(&'a mut Entries<T>);
        impl<T> Drop for AfterPanic<'_, T> {
            fn drop(&mut self) {
                self.0.drop_rest();
            }
        }
        if needs_drop::<T>() {
            AfterPanic(self).0.drop_rest();
        }
    }
}

/// A row's entries by value, with the cells that hold them. Fields drop in this order.
struct Owned<T> {
    entries: Entries<T>,
    cells: Cells<T>,
}

impl<T> Owned<T> {
    fn new(cells: Cells<T>, len: usize) -> Self {
        Self { entries: Entries::new(&cells, len), cells }
    }
}

/// Walks by value over the entries of a row that has left the map.
pub(crate) struct DrainRow<'a, T> {
    /// Taken when dropped; there was none if there was no such row.
    row: Option<Owned<T>>,
    pool: Option<&'a mut Pool>,
}

impl<'a, T> DrainRow<'a, T> {
    pub(super) fn new(cells: Cells<T>, len: usize, pool: &'a mut Pool) -> Self {
        Self { row: Some(Owned::new(cells, len)), pool: Some(pool) }
    }

    pub(crate) const fn empty() -> Self {
        Self { row: None, pool: None }
    }
}

impl<T> Iterator for DrainRow<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.row.as_mut()?.entries.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let n_left = self.row.as_ref().map_or(0, |row| row.entries.len());
        (n_left, Some(n_left))
    }
}

impl<T> Drop for DrainRow<'_, T> {
    fn drop(&mut self) {
        let (Some(row), Some(pool)) = (self.row.take(), self.pool.take()) else { return };
        drop(row.entries);
        // SAFETY: the cells came from this pool, see `Store::drain_row`; their entries are gone.
        unsafe { row.cells.free(pool) };
    }
}

/// Walks by value over all entries. Fields drop in this order: a row before the memory it lies in.
pub(crate) struct IntoAll<K, T> {
    row: Option<(K, Owned<T>)>,
    rows: Rest<K, T>,
    pool: Pool,
    n_left: usize,
}

/// Rows that nobody has asked for yet; drops their entries.
struct Rest<K, T>(index::IntoIter<RawRow<K, T>>);

impl<K, T> Drop for Rest<K, T> {
    fn drop(&mut self) {
        for RawRow { cells, len, .. } in self.0.by_ref() {
            if needs_drop::<T>() {
                drop(Entries::new(&cells, len as usize));
            }
        }
    }
}

impl<K, T> IntoAll<K, T> {
    /// The `rows` have `n` entries, which lie in `pool`.
    pub(super) fn new(rows: Index<RawRow<K, T>>, pool: Pool, n: usize) -> Self {
        Self { row: None, rows: Rest(rows.into_iter()), pool, n_left: n }
    }

    /// Takes the next row out and hands over its key and entries.
    pub(crate) fn next_row<C>(
        &mut self,
        collect: impl FnOnce(K, DrainRow<'_, T>) -> C,
    ) -> Option<C> {
        let RawRow { cells, key, len, .. } = self.rows.0.next()?;
        self.n_left -= len as usize;
        Some(collect(key, DrainRow::new(cells, len as usize, &mut self.pool)))
    }
}

impl<K: Clone, T> Iterator for IntoAll<K, T> {
    type Item = (K, T);

    fn next(&mut self) -> Option<(K, T)> {
        loop {
            if let Some((key, owned)) = &mut self.row
                && owned.entries.len() > 0
            {
                let key = key.clone();
                self.n_left -= 1;
                return owned.entries.next().map(|entry| (key, entry));
            }
            let RawRow { cells, key, len, .. } = self.rows.0.next()?;
            self.row = Some((key, Owned::new(cells, len as usize)));
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.n_left, Some(self.n_left))
    }
}
