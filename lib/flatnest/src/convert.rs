//! From and to other shapes, and what every collection can do.

use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::ops::Index;

use hashbrown::Equivalent;

use crate::FlatMap;

impl<K1, K2, V, S: Default> Default for FlatMap<K1, K2, V, S> {
    fn default() -> Self {
        Self::with_hasher(S::default())
    }
}

impl<K1, K2, V, S> FromIterator<(K1, K2, V)> for FlatMap<K1, K2, V, S>
where
    K1: Hash + Eq,
    K2: Hash + Eq,
    S: BuildHasher + Default,
{
    fn from_iter<I: IntoIterator<Item = (K1, K2, V)>>(entries: I) -> Self {
        let mut map = Self::default();
        map.extend(entries);
        map
    }
}

/// From a nested map, or anything like it: `nested.into_iter().collect()`. Outer keys are not cloned.
impl<K1, K2, V, S, Inner> FromIterator<(K1, Inner)> for FlatMap<K1, K2, V, S>
where
    K1: Hash + Eq,
    K2: Hash + Eq,
    S: BuildHasher + Default,
    Inner: IntoIterator<Item = (K2, V)>,
{
    fn from_iter<I: IntoIterator<Item = (K1, Inner)>>(rows: I) -> Self {
        let mut map = Self::default();
        map.extend(rows);
        map
    }
}

/// Adds the entries of a nested map, or anything like it. Outer keys are not cloned.
impl<K1, K2, V, S, Inner> Extend<(K1, Inner)> for FlatMap<K1, K2, V, S>
where
    K1: Hash + Eq,
    K2: Hash + Eq,
    S: BuildHasher,
    Inner: IntoIterator<Item = (K2, V)>,
{
    fn extend<I: IntoIterator<Item = (K1, Inner)>>(&mut self, rows: I) {
        for (key1, entries) in rows {
            self.extend_row(key1, entries);
        }
    }
}

impl<K1, K2, V, S> FlatMap<K1, K2, V, S> {
    /// Turns the map into a nested one of any kind, in O(*n*) insertions of that kind. No key is cloned.
    ///
    /// ```
    /// use std::collections::{BTreeMap, HashMap};
    ///
    /// let map = flatnest::FlatMap::<_, _, _>::from_iter([(1, 2, 'a'), (1, 3, 'b')]);
    /// let nested: HashMap<i32, BTreeMap<i32, char>> = map.into_nested();
    /// assert_eq!(nested[&1][&3], 'b');
    /// ```
    pub fn into_nested<Outer, Inner>(mut self) -> Outer
    where
        Outer: FromIterator<(K1, Inner)>,
        Inner: FromIterator<(K2, V)>,
    {
        let mut rows = self.take_all();
        core::iter::from_fn(|| rows.next_row(|key1, entries| (key1, entries.collect()))).collect()
    }
}

/// In O(*n*).
impl<K1, K2, V, S> Clone for FlatMap<K1, K2, V, S>
where
    K1: Clone + Hash + Eq,
    K2: Clone + Hash + Eq,
    V: Clone,
    S: Clone + BuildHasher,
{
    fn clone(&self) -> Self {
        let mut copy = Self::with_hasher(self.hasher.clone());
        for row in self.rows() {
            let entries = row.iter().map(|(key2, value)| (key2.clone(), value.clone()));
            copy.extend_row(row.key().clone(), entries);
        }
        copy
    }
}

/// The nested form: `{1: {2: 'a', 3: 'b'}}`.
impl<K1: fmt::Debug, K2: fmt::Debug, V: fmt::Debug, S> fmt::Debug for FlatMap<K1, K2, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.rows().map(|row| (row.key(), row))).finish()
    }
}

/// The same entries, in O(*n*).
impl<K1, K2, V, S, S2> PartialEq<FlatMap<K1, K2, V, S2>> for FlatMap<K1, K2, V, S>
where
    K1: Hash + Eq,
    K2: Hash + Eq,
    V: PartialEq,
    S: BuildHasher,
    S2: BuildHasher,
{
    fn eq(&self, other: &FlatMap<K1, K2, V, S2>) -> bool {
        self.len() == other.len()
            && self.rows().all(|row| {
                let Some(others) = other.row(row.key()) else { return false };
                row.len() == others.len()
                    && row.iter().all(|(key2, value)| others.get(key2) == Some(value))
            })
    }
}

impl<K1, K2, V, S> Eq for FlatMap<K1, K2, V, S>
where
    K1: Hash + Eq,
    K2: Hash + Eq,
    V: Eq,
    S: BuildHasher,
{
}

/// The value of two keys, in O(1).
///
/// ```
/// let map = flatnest::FlatMap::<_, _, _>::from_iter([("a".to_owned(), 1, true)]);
/// assert!(map[("a", &1)]);
/// ```
impl<K1, K2, V, S, Q1, Q2> Index<(&Q1, &Q2)> for FlatMap<K1, K2, V, S>
where
    Q1: Hash + Equivalent<K1> + ?Sized,
    Q2: Hash + Equivalent<K2> + ?Sized,
    S: BuildHasher,
{
    type Output = V;

    /// # Panics
    /// When there is no such entry.
    fn index(&self, (key1, key2): (&Q1, &Q2)) -> &V {
        self.get(key1, key2).expect("no entry for these keys")
    }
}
