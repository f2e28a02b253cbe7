//! Rows and entries walked over by several threads.

use alloc::vec::Vec;

use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::{FlatMap, Row};

impl<K1, K2, V, S> FlatMap<K1, K2, V, S>
where
    K1: Sync,
    K2: Sync,
    V: Sync,
    S: Sync,
{
    /// Walks over all rows in parallel, in O(*r*) before that.
    ///
    /// ```
    /// use rayon::iter::ParallelIterator;
    ///
    /// let map = flatnest::FlatMap::<_, _, _>::from_iter((0..100).map(|i| (i % 10, i, i)));
    /// assert_eq!(map.par_rows().map(|row| row.len()).max(), Some(10));
    /// ```
    pub fn par_rows(&self) -> impl ParallelIterator<Item = Row<'_, K1, K2, V, S>> {
        self.rows().collect::<Vec<_>>().into_par_iter()
    }

    /// Walks over all entries in parallel, in O(*r*) before that. Entries of one row are met by one thread.
    ///
    /// ```
    /// use rayon::iter::ParallelIterator;
    ///
    /// let map = flatnest::FlatMap::<_, _, _>::from_iter((0..100).map(|i| (i % 10, i, i)));
    /// assert_eq!(map.par_iter().map(|(_, _, v)| v).sum::<i32>(), 4950);
    /// ```
    pub fn par_iter(&self) -> impl ParallelIterator<Item = (&K1, &K2, &V)> {
        self.par_rows().flat_map_iter(|row| {
            let key1 = row.key();
            row.iter().map(move |(key2, value)| (key1, key2, value))
        })
    }
}

impl<K1, K2, V, S> FlatMap<K1, K2, V, S>
where
    K1: Send + Sync,
    K2: Send + Sync,
    V: Send,
{
    /// Walks over all entries in parallel, whose values may be changed, in O(*r*) before that. Entries of one row are met by one thread.
    ///
    /// ```
    /// use rayon::iter::ParallelIterator;
    ///
    /// let mut map = flatnest::FlatMap::<_, _, _>::from_iter((0..100).map(|i| (i % 10, i, i)));
    /// map.par_iter_mut().for_each(|(_, _, v)| *v += 1);
    /// assert_eq!(map.values().sum::<i32>(), 5050);
    /// ```
    pub fn par_iter_mut(&mut self) -> impl ParallelIterator<Item = (&K1, &K2, &mut V)> {
        let rows: Vec<_> = self.store.rows.iter_mut().collect();
        rows.into_par_iter().flat_map_iter(|row| {
            let (key1, entries) = row.iter_mut();
            entries.map(move |(key2, value)| (key1, &*key2, value))
        })
    }
}
