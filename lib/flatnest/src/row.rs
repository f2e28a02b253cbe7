//! Views of one row.

use core::fmt;
use core::hash::{BuildHasher, Hash};

use hashbrown::Equivalent;

use crate::FlatMap;
use crate::hash::hash;
use crate::index::RowId;
use crate::iter::{RowIter, RowIterMut};
use crate::store::RawRow;

/// The entries that share an outer key, see [`FlatMap::row`] and [`FlatMap::rows`].
pub struct Row<'a, K1, K2, V, S> {
    hasher: &'a S,
    raw: &'a RawRow<K1, (K2, V)>,
}

impl<K1, K2, V, S> Clone for Row<'_, K1, K2, V, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K1, K2, V, S> Copy for Row<'_, K1, K2, V, S> {}

impl<'a, K1, K2, V, S> Row<'a, K1, K2, V, S> {
    pub(crate) const fn new(hasher: &'a S, raw: &'a RawRow<K1, (K2, V)>) -> Self {
        Self { hasher, raw }
    }

    /// The outer key, in O(1).
    ///
    /// ```
    /// let map = flatnest::FlatMap::<_, _, _>::from_iter([(1, 2, 'a')]);
    /// assert_eq!(map.rows().next().map(|row| *row.key()), Some(1));
    /// ```
    pub const fn key(&self) -> &'a K1 {
        &self.raw.key
    }

    /// The number of entries, in O(1). It is never 0.
    ///
    /// ```
    /// let map = flatnest::FlatMap::<_, _, _>::from_iter([(1, 2, 'a')]);
    /// assert_eq!(map.row(&1).unwrap().len(), 1);
    /// ```
    #[expect(clippy::len_without_is_empty, reason = "a row without entries is not there")]
    pub const fn len(&self) -> usize {
        self.raw.len()
    }

    /// Walks over inner keys and values, in O(*m*) together.
    ///
    /// ```
    /// let map = flatnest::FlatMap::<_, _, _>::from_iter([(1, 2, 'a')]);
    /// assert_eq!(map.row(&1).unwrap().iter().collect::<Vec<_>>(), [(&2, &'a')]);
    /// ```
    #[inline]
    pub fn iter(&self) -> RowIter<'a, K2, V> {
        RowIter(self.raw.iter())
    }
}

impl<'a, K1, K2, V, S: BuildHasher> Row<'a, K1, K2, V, S> {
    /// Finds a value by its inner key, in O(1).
    ///
    /// ```
    /// let map = flatnest::FlatMap::<_, _, _>::from_iter([(1, "two".to_owned(), 3)]);
    /// assert_eq!(map.row(&1).unwrap().get("two"), Some(&3));
    /// ```
    #[inline]
    pub fn get<Q2>(&self, key2: &Q2) -> Option<&'a V>
    where
        Q2: Hash + Equivalent<K2> + ?Sized,
    {
        let hash2 = hash(self.hasher, key2);
        self.raw.get(hash2, |entry| key2.equivalent(&entry.0)).map(|entry| &entry.1)
    }

    /// Whether the row has an entry with this inner key, in O(1).
    ///
    /// ```
    /// let map = flatnest::FlatMap::<_, _, _>::from_iter([(1, "two".to_owned(), 3)]);
    /// assert!(!map.row(&1).unwrap().contains("three"));
    /// ```
    #[inline]
    pub fn contains<Q2>(&self, key2: &Q2) -> bool
    where
        Q2: Hash + Equivalent<K2> + ?Sized,
    {
        self.get(key2).is_some()
    }
}

impl<'a, K1, K2, V, S> IntoIterator for Row<'a, K1, K2, V, S> {
    type Item = (&'a K2, &'a V);
    type IntoIter = RowIter<'a, K2, V>;

    fn into_iter(self) -> RowIter<'a, K2, V> {
        self.iter()
    }
}

/// The inner map: `{2: 'a', 3: 'b'}`.
impl<K1, K2: fmt::Debug, V: fmt::Debug, S> fmt::Debug for Row<'_, K1, K2, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// The entries that share an outer key, to be changed, see [`FlatMap::row_mut`].
///
/// When the last entry is removed, the row goes from the map, and this view of it is empty from then on.
pub struct RowMut<'a, K1, K2, V, S> {
    map: &'a mut FlatMap<K1, K2, V, S>,
    /// None when the row is gone.
    id: Option<RowId>,
}

impl<'a, K1, K2, V, S> RowMut<'a, K1, K2, V, S> {
    pub(crate) const fn new(map: &'a mut FlatMap<K1, K2, V, S>, id: RowId) -> Self {
        Self { map, id: Some(id) }
    }

    fn view(&self) -> Option<Row<'_, K1, K2, V, S>> {
        Some(Row::new(&self.map.hasher, self.map.store.rows.get(self.id?)))
    }

    /// The number of entries, in O(1).
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<_, _, _>::from_iter([(1, 2, 'a')]);
    /// assert_eq!(map.row_mut(&1).unwrap().len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.view().map_or(0, |row| row.len())
    }

    /// Whether all entries were removed, in O(1).
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<_, _, _>::from_iter([(1, 2, 'a')]);
    /// let mut row = map.row_mut(&1).unwrap();
    /// row.remove(&2);
    /// assert!(row.is_empty());
    /// assert!(map.row(&1).is_none());
    /// ```
    pub const fn is_empty(&self) -> bool {
        self.id.is_none()
    }

    /// Walks over inner keys and values, in O(*m*) together.
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<_, _, _>::from_iter([(1, 2, 'a')]);
    /// assert_eq!(map.row_mut(&1).unwrap().iter().collect::<Vec<_>>(), [(&2, &'a')]);
    /// ```
    pub fn iter(&self) -> RowIter<'_, K2, V> {
        self.view().map_or_else(RowIter::empty, |row| RowIter(row.raw.iter()))
    }

    /// Walks over inner keys and values, which may be changed, in O(*m*) together.
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<_, _, _>::from_iter([(1, 2, 10)]);
    /// map.row_mut(&1).unwrap().iter_mut().for_each(|(k2, v)| *v += k2);
    /// assert_eq!(map.get(&1, &2), Some(&12));
    /// ```
    pub fn iter_mut(&mut self) -> RowIterMut<'_, K2, V> {
        let Some(id) = self.id else { return RowIterMut::empty() };
        RowIterMut(self.map.store.row_iter_mut(id))
    }

    /// Keeps the entries that `keep` accepts, in O(*m*).
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<_, _, _>::from_iter([(1, 2, 'a'), (1, 3, 'b')]);
    /// map.row_mut(&1).unwrap().retain(|k2, _| *k2 > 2);
    /// assert_eq!(map.len(), 1);
    /// ```
    pub fn retain(&mut self, mut keep: impl FnMut(&K2, &mut V) -> bool) {
        let Some(id) = self.id.take() else { return };
        if self.map.retain_in_row(id, |_, key2, value| keep(key2, value)) {
            self.id = Some(id);
        }
    }

    /// Drops all entries and with them the row; returns how many there were. See [`FlatMap::remove_row`] for the time.
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<_, _, _>::from_iter([(1, 2, 'a'), (1, 3, 'b')]);
    /// assert_eq!(map.row_mut(&1).unwrap().clear(), 2);
    /// assert!(map.is_empty());
    /// ```
    pub fn clear(&mut self) -> usize {
        self.id.take().map_or(0, |id| self.map.remove_row_by_id(id))
    }
}

impl<K1, K2, V, S: BuildHasher> RowMut<'_, K1, K2, V, S> {
    /// Finds a value by its inner key, in O(1).
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<_, _, _>::from_iter([(1, "two".to_owned(), 3)]);
    /// assert_eq!(map.row_mut(&1).unwrap().get("two"), Some(&3));
    /// ```
    pub fn get<Q2>(&self, key2: &Q2) -> Option<&V>
    where
        Q2: Hash + Equivalent<K2> + ?Sized,
    {
        self.view()?.get(key2)
    }

    /// Finds a value by its inner key, which may be changed, in O(1).
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<_, _, _>::from_iter([(1, "two".to_owned(), 3)]);
    /// *map.row_mut(&1).unwrap().get_mut("two").unwrap() = 4;
    /// assert_eq!(map.get(&1, "two"), Some(&4));
    /// ```
    pub fn get_mut<Q2>(&mut self, key2: &Q2) -> Option<&mut V>
    where
        Q2: Hash + Equivalent<K2> + ?Sized,
    {
        let hash2 = self.map.hash(key2);
        let row = self.map.store.rows.get_mut(self.id?);
        row.get_mut(hash2, |entry| key2.equivalent(&entry.0)).map(|entry| &mut entry.1)
    }

    /// Takes an entry out and returns its value, in O(1).
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<_, _, _>::from_iter([(1, "two".to_owned(), 3)]);
    /// let mut row = map.row_mut(&1).unwrap();
    /// assert_eq!(row.remove("two"), Some(3));
    /// assert_eq!(row.remove("two"), None);
    /// ```
    pub fn remove<Q2>(&mut self, key2: &Q2) -> Option<V>
    where
        Q2: Hash + Equivalent<K2> + ?Sized,
    {
        let id = self.id?;
        let hash2 = self.map.hash(key2);
        let (_key2, value) = self.map.store.remove(id, hash2, |entry| key2.equivalent(&entry.0))?;
        if self.map.store.rows.get(id).len() == 0 {
            self.id = None;
        }
        self.map.after_removal(id);
        Some(value)
    }
}

/// The inner map: `{2: 'a', 3: 'b'}`.
impl<K1, K2: fmt::Debug, V: fmt::Debug, S> fmt::Debug for RowMut<'_, K1, K2, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
