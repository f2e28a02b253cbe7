//! Rows and entries walked over by several threads.

use rayon::iter::{IntoParallelRefIterator, IntoParallelRefMutIterator, ParallelIterator};

use crate::{FlatMap, Row};

impl<K1, K2, V, S> FlatMap<K1, K2, V, S>
where
    K1: Sync,
    K2: Sync,
    V: Sync,
    S: Sync,
{
    /// Walks over all rows in parallel.
    ///
    /// ```
    /// use rayon::iter::ParallelIterator;
    ///
    /// let map = flatnest::FlatMap::<_, _, _>::from_iter((0..100).map(|i| (i % 10, i, i)));
    /// assert_eq!(map.par_rows().map(|row| row.len()).max(), Some(10));
    /// ```
    pub fn par_rows(&self) -> impl ParallelIterator<Item = Row<'_, K1, K2, V, S>> {
        let rows = self.store.chunks().par_iter().flat_map(|chunk| chunk.par_iter());
        rows.map(|raw| Row::new(&self.hasher, raw))
    }

    /// Walks over all entries in parallel. Entries of one row are met by one thread.
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
    /// Walks over all entries in parallel, whose values may be changed. Entries of one row are met by one thread.
    ///
    /// ```
    /// use rayon::iter::ParallelIterator;
    ///
    /// let mut map = flatnest::FlatMap::<_, _, _>::from_iter((0..100).map(|i| (i % 10, i, i)));
    /// map.par_iter_mut().for_each(|(_, _, v)| *v += 1);
    /// assert_eq!(map.values().sum::<i32>(), 5050);
    /// ```
    pub fn par_iter_mut(&mut self) -> impl ParallelIterator<Item = (&K1, &K2, &mut V)> {
        let rows = self.store.chunks_mut().par_iter_mut().flat_map(|chunk| chunk.par_iter_mut());
        rows.flat_map_iter(|raw| {
            let (key1, entries) = raw.iter_mut();
            entries.map(move |(key2, value)| (key1, &*key2, value))
        })
    }
}
