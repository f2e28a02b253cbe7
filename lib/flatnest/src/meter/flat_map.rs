//! `Metered` around `FlatMap`, which counts its own growth.
//!
//! The state is the growth that was told already. What an operation adds to it is one event.

use core::hash::{BuildHasher, Hash};

use hashbrown::Equivalent;

use super::{Grow, GrowKind, Metered, Record, sealed};
use crate::{Entry, EntryRef, FlatMap, Growth, ToKey};

impl<K1, K2, V, S> sealed::Meterable for FlatMap<K1, K2, V, S> {
    type State = Growth;

    fn state(&self) -> Growth {
        self.growth()
    }
}

/// The event that led from one state of growth to another.
fn event(before: Growth, after: Growth) -> Option<Grow> {
    let n_grows = after.n_grows - before.n_grows;
    let allocated_bytes = after.allocated_bytes - before.allocated_bytes;
    (n_grows > 0 || allocated_bytes > 0).then(|| Grow {
        kind: if n_grows > 0 { GrowKind::Larger } else { GrowKind::First },
        n_grows: n_grows.max(1),
        capacity: None,
        moved_entries: after.moved_entries - before.moved_entries,
        moved_bytes: after.moved_bytes - before.moved_bytes,
        allocated_bytes,
    })
}

/// Tells what the map grew by since it was told last.
#[inline]
fn tell(told: &mut Growth, growth: Growth, record: &mut Record) {
    record.grown(event(*told, growth));
    *told = growth;
}

impl<K1, K2, V, S> Metered<FlatMap<K1, K2, V, S>> {
    #[inline]
    fn tell_growth(&mut self) {
        tell(&mut self.state, self.map.growth(), &mut self.record);
    }

    /// Removes all entries, in O(n). What the map has allocated for them it gives back.
    ///
    /// ```
    /// let mut map = flatnest::meter::Metered::new(flatnest::FlatMap::new());
    /// map.insert(1, 2, 'a');
    /// map.clear();
    /// assert!(map.is_empty());
    /// ```
    pub fn clear(&mut self) {
        self.map.clear();
        self.tell_growth();
    }

    /// Keeps the entries for which `keep` is true. O(n).
    ///
    /// ```
    /// let mut map = flatnest::meter::Metered::new(flatnest::FlatMap::new());
    /// map.insert(1, 2, 'a');
    /// map.retain(|_, key2, _| *key2 > 2);
    /// assert!(map.is_empty());
    /// ```
    pub fn retain(&mut self, keep: impl FnMut(&K1, &K2, &mut V) -> bool) {
        self.map.retain(keep);
        self.tell_growth();
    }
}

impl<K1, K2, V, S> Metered<FlatMap<K1, K2, V, S>>
where
    K1: Hash + Eq,
    K2: Hash + Eq,
    S: BuildHasher,
{
    /// Inserts or overwrites an entry and returns the value that was there. O(1). One assign.
    ///
    /// ```
    /// let mut map = flatnest::meter::Metered::new(flatnest::FlatMap::new());
    /// assert_eq!(map.insert("row", "key", 1), None);
    /// assert_eq!(map.insert("row", "key", 2), Some(1));
    /// assert_eq!(map.meter().figures().overwrites(), 1);
    /// ```
    pub fn insert(&mut self, key1: K1, key2: K2, value: V) -> Option<V> {
        let old = self.map.insert(key1, key2, value);
        self.tell_growth();
        match old {
            Some(_) => self.record.overwritten(),
            None => self.record.inserted::<(K2, V)>(),
        }
        old
    }

    /// The value of the keys, made with `value` when there is none. O(1). One assign.
    ///
    /// ```
    /// let mut map = flatnest::meter::Metered::new(flatnest::FlatMap::new());
    /// *map.get_or_insert_with("row", "key", || 0) += 5;
    /// assert_eq!(map.get("row", "key"), Some(&5));
    /// ```
    pub fn get_or_insert_with(&mut self, key1: K1, key2: K2, value: impl FnOnce() -> V) -> &mut V {
        match self.map.entry(key1, key2) {
            Entry::Occupied(entry) => {
                self.record.overwritten();
                entry.into_mut()
            }
            Entry::Vacant(entry) => {
                let entry = entry.insert_entry(value());
                tell(&mut self.state, entry.growth(), &mut self.record);
                self.record.inserted::<(K2, V)>();
                entry.into_mut()
            }
        }
    }

    /// The value of borrowed keys, made with `value` when there is none. O(1). One assign. Keys to store are made of the
    /// borrowed ones only for a new entry, the outer one only for a new row.
    ///
    /// ```
    /// let mut map = flatnest::meter::Metered::new(flatnest::FlatMap::<String, String, u32>::new());
    /// *map.get_or_insert_ref_with("row", "key", || 0) += 5;
    /// assert_eq!(map.get("row", "key"), Some(&5));
    /// ```
    pub fn get_or_insert_ref_with<Q1, Q2>(
        &mut self,
        key1: &Q1,
        key2: &Q2,
        value: impl FnOnce() -> V,
    ) -> &mut V
    where
        Q1: Hash + Equivalent<K1> + ToKey<K1> + ?Sized,
        Q2: Hash + Equivalent<K2> + ToKey<K2> + ?Sized,
    {
        match self.map.entry_ref(key1, key2) {
            EntryRef::Occupied(entry) => {
                self.record.overwritten();
                entry.into_mut()
            }
            EntryRef::Vacant(entry) => {
                let entry = entry.insert_entry(value());
                tell(&mut self.state, entry.growth(), &mut self.record);
                self.record.inserted::<(K2, V)>();
                entry.into_mut()
            }
        }
    }

    /// Updates many values, in O(1) each, as [`FlatMap::upsert_many`]. One assign each, and together one event of growth.
    ///
    /// ```
    /// let mut map = flatnest::meter::Metered::new(flatnest::FlatMap::<String, u32, u32>::new());
    /// map.upsert_many([("a", &1, 10), ("b", &1, 20), ("a", &1, 5)], |count, n| *count += n);
    /// let figures = map.meter().figures();
    /// assert_eq!((figures.assigns, figures.inserts), (3, 2));
    /// ```
    pub fn upsert_many<'q, Q1, Q2, U>(
        &mut self,
        updates: impl IntoIterator<Item = (&'q Q1, &'q Q2, U)>,
        mut update: impl FnMut(&mut V, U),
    ) where
        V: Default,
        Q1: Hash + Equivalent<K1> + ToKey<K1> + ?Sized + 'q,
        Q2: Hash + Equivalent<K2> + ToKey<K2> + ?Sized + 'q,
    {
        let (mut n_assigns, len) = (0, self.map.len());
        self.map.upsert_many(updates, |value, with| {
            n_assigns += 1;
            update(value, with);
        });
        self.tell_growth();
        self.record.wrote::<(K2, V)>(n_assigns, self.map.len() - len);
    }

    /// The value of the keys, to change in place. O(1). Counts nothing.
    ///
    /// ```
    /// let mut map = flatnest::meter::Metered::new(flatnest::FlatMap::new());
    /// map.insert("row", "key", 1);
    /// *map.get_mut("row", "key").unwrap() = 3;
    /// assert_eq!(map.get("row", "key"), Some(&3));
    /// ```
    pub fn get_mut<Q1, Q2>(&mut self, key1: &Q1, key2: &Q2) -> Option<&mut V>
    where
        Q1: Hash + Equivalent<K1> + ?Sized,
        Q2: Hash + Equivalent<K2> + ?Sized,
    {
        self.map.get_mut(key1, key2)
    }

    /// Removes an entry and returns its value. O(1). The row goes with its last entry.
    ///
    /// ```
    /// let mut map = flatnest::meter::Metered::new(flatnest::FlatMap::new());
    /// map.insert("row", "key", 1);
    /// assert_eq!(map.remove("row", "key"), Some(1));
    /// assert_eq!(map.n_rows(), 0);
    /// ```
    pub fn remove<Q1, Q2>(&mut self, key1: &Q1, key2: &Q2) -> Option<V>
    where
        Q1: Hash + Equivalent<K1> + ?Sized,
        Q2: Hash + Equivalent<K2> + ?Sized,
    {
        let removed = self.map.remove(key1, key2);
        self.tell_growth();
        removed
    }

    /// Removes a row and returns how many entries it had. O(row).
    ///
    /// ```
    /// let mut map = flatnest::meter::Metered::new(flatnest::FlatMap::new());
    /// map.insert("row", "key", 1);
    /// assert_eq!(map.remove_row("row"), 1);
    /// ```
    pub fn remove_row<Q1: Hash + Equivalent<K1> + ?Sized>(&mut self, key1: &Q1) -> usize {
        let n_entries = self.map.remove_row(key1);
        self.tell_growth();
        n_entries
    }

    /// Makes room for so many more rows and entries. O(rows reserved).
    ///
    /// # Panics
    /// When there is no memory for it.
    ///
    /// ```
    /// let mut map = flatnest::meter::Metered::new(flatnest::FlatMap::<u8, u8, u8>::new());
    /// map.reserve(2, 50);
    /// assert!(map.meter().figures().allocated_bytes > 0);
    /// ```
    pub fn reserve(&mut self, n_rows: usize, n_entries: usize) {
        self.map.reserve(n_rows, n_entries);
        self.tell_growth();
    }
}

/// One assign each, and together one event of growth.
impl<K1, K2, V, S> Extend<(K1, K2, V)> for Metered<FlatMap<K1, K2, V, S>>
where
    K1: Hash + Eq,
    K2: Hash + Eq,
    S: BuildHasher,
{
    fn extend<I: IntoIterator<Item = (K1, K2, V)>>(&mut self, entries: I) {
        let (mut n_assigns, len) = (0, self.map.len());
        self.map.extend(entries.into_iter().inspect(|_| n_assigns += 1));
        self.tell_growth();
        self.record.wrote::<(K2, V)>(n_assigns, self.map.len() - len);
    }
}
