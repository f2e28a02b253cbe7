//! `Metered` around `HashMap`s of `std` and `hashbrown`, single and nested.

use core::borrow::Borrow;
use core::hash::{BuildHasher, Hash};
use core::ops::Deref;

use super::table::{EntrySize, HashTable, Look, TableState};
use super::{Metered, Record, sealed};

/// Marks a `HashMap<K1, HashMap<K2, V>>` as one map of two levels, for [`Metered`] to count both.
///
/// ```
/// use flatnest::meter::{Metered, Nested};
/// use std::collections::HashMap;
///
/// let mut map = Metered::new(Nested(HashMap::<_, HashMap<_, _>>::new()));
/// map.insert("row", "key", 1);
/// assert_eq!(map["row"]["key"], 1);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nested<M>(
    /// The outer map.
    pub M,
);

impl<M> Deref for Nested<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.0
    }
}

/// What is remembered of a nested map.
#[derive(Debug)]
pub struct NestedState<K1> {
    outer: TableState,
    /// Rows whose full capacity tombstones hide, or once hid.
    rows: hashbrown::HashMap<K1, TableState>,
}

impl<K1> Default for NestedState<K1> {
    fn default() -> NestedState<K1> {
        NestedState { outer: TableState::default(), rows: hashbrown::HashMap::default() }
    }
}

impl<K1: Hash + Eq> NestedState<K1> {
    fn row<Q: Hash + Eq + ?Sized>(&self, k1: &Q) -> TableState
    where
        K1: Borrow<Q>,
    {
        self.rows.get(k1).copied().unwrap_or_default()
    }
}

/// Implements the meter for the `HashMap` in scope, which is that of the library `$lib`.
macro_rules! metered_hash_map {
    ($lib:literal) => {
        impl<K, V, S> HashTable for HashMap<K, V, S> {
            const ENTRY: EntrySize = EntrySize::of::<(K, V)>();

            #[inline]
            fn look(&self) -> Look {
                Look { len: self.len(), capacity: self.capacity() }
            }
        }

        impl<K, V, S> sealed::Meterable for HashMap<K, V, S> {
            type State = TableState;

            fn state(&self) -> TableState {
                TableState::default().seen::<Self>(self.look())
            }
        }

        impl<K1, K2, V, S1, S2> sealed::Meterable for Nested<HashMap<K1, HashMap<K2, V, S2>, S1>> {
            type State = NestedState<K1>;

            fn state(&self) -> NestedState<K1> {
                NestedState { outer: self.0.state(), ..NestedState::default() }
            }
        }

        /// Makes room for one more entry, as inserting it would, when there is none and `key` is new. After it, the
        /// entry of the key can be written without a look at the table.
        fn make_room<K: Hash + Eq, V, S: BuildHasher>(
            map: &mut HashMap<K, V, S>,
            state: &mut TableState,
            record: &mut Record,
            key: &K,
        ) {
            let before = map.look();
            if before.len == before.capacity && !map.contains_key(key) {
                map.reserve(1);
                record.grown(state.grown(before, map));
            }
        }

        fn insert<K: Hash + Eq, V, S: BuildHasher>(
            map: &mut HashMap<K, V, S>,
            state: &mut TableState,
            record: &mut Record,
            key: K,
            value: V,
        ) -> Option<V> {
            let before = map.look();
            let old = map.insert(key, value);
            record.grown(state.grown(before, map));
            match old {
                Some(_) => record.overwritten(),
                None => record.inserted::<(K, V)>(),
            }
            old
        }

        fn get_or_insert_with<'a, K: Hash + Eq, V, S: BuildHasher>(
            map: &'a mut HashMap<K, V, S>,
            state: &mut TableState,
            record: &mut Record,
            key: K,
            value: impl FnOnce() -> V,
        ) -> &'a mut V {
            make_room(map, state, record, &key);
            match map.entry(key) {
                Entry::Occupied(entry) => {
                    record.overwritten();
                    entry.into_mut()
                }
                Entry::Vacant(entry) => {
                    let value = entry.insert(value());
                    record.inserted::<(K, V)>();
                    value
                }
            }
        }

        impl<K: Hash + Eq, V, S: BuildHasher> Metered<HashMap<K, V, S>> {
            /// Inserts or overwrites an entry and returns the value that was there. Amortized O(1). One assign.
            ///
            /// ```
            #[doc = concat!("use ", $lib, "::HashMap;")]
            /// let mut map = flatnest::meter::Metered::new(HashMap::new());
            /// assert_eq!(map.insert("key", 1), None);
            /// assert_eq!(map.insert("key", 2), Some(1));
            /// ```
            pub fn insert(&mut self, key: K, value: V) -> Option<V> {
                insert(&mut self.map, &mut self.state, &mut self.record, key, value)
            }

            /// The value of `key`, made with `value` when there is none. Amortized O(1). One assign.
            ///
            /// ```
            #[doc = concat!("use ", $lib, "::HashMap;")]
            /// let mut map = flatnest::meter::Metered::new(HashMap::new());
            /// *map.get_or_insert_with("key", || 0) += 5;
            /// assert_eq!(map["key"], 5);
            /// ```
            pub fn get_or_insert_with(&mut self, key: K, value: impl FnOnce() -> V) -> &mut V {
                get_or_insert_with(&mut self.map, &mut self.state, &mut self.record, key, value)
            }

            /// The value of `key`, to change in place. O(1). Counts nothing.
            ///
            /// ```
            #[doc = concat!("use ", $lib, "::HashMap;")]
            /// let mut map = flatnest::meter::Metered::new(HashMap::from([("key", 1)]));
            /// *map.get_mut("key").unwrap() = 3;
            /// assert_eq!(map["key"], 3);
            /// ```
            pub fn get_mut<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
            where
                K: Borrow<Q>,
            {
                self.map.get_mut(key)
            }

            /// Removes an entry and returns its value. O(1).
            ///
            /// ```
            #[doc = concat!("use ", $lib, "::HashMap;")]
            /// let mut map = flatnest::meter::Metered::new(HashMap::from([("key", 1)]));
            /// assert_eq!(map.remove("key"), Some(1));
            /// ```
            pub fn remove<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<V>
            where
                K: Borrow<Q>,
            {
                self.state = self.state.seen::<HashMap<K, V, S>>(self.map.look());
                self.map.remove(key)
            }

            /// Keeps the entries for which `keep` is true. O(capacity).
            ///
            /// ```
            #[doc = concat!("use ", $lib, "::HashMap;")]
            /// let mut map = flatnest::meter::Metered::new(HashMap::from([(1, 'a'), (2, 'b')]));
            /// map.retain(|key, _| *key > 1);
            /// assert_eq!(map.len(), 1);
            /// ```
            pub fn retain(&mut self, keep: impl FnMut(&K, &mut V) -> bool) {
                self.state = self.state.seen::<HashMap<K, V, S>>(self.map.look());
                self.map.retain(keep);
            }

            /// Removes all entries and keeps the table. O(capacity).
            ///
            /// ```
            #[doc = concat!("use ", $lib, "::HashMap;")]
            /// let mut map = flatnest::meter::Metered::new(HashMap::from([(1, 'a')]));
            /// map.clear();
            /// assert!(map.is_empty());
            /// ```
            pub fn clear(&mut self) {
                self.state = self.state.seen::<HashMap<K, V, S>>(self.map.look());
                self.map.clear();
            }

            /// Makes room for `n_entries` more. O(capacity) when that needs another table, which counts as growth.
            ///
            /// # Panics
            /// When the table would be too large.
            ///
            /// ```
            #[doc = concat!("use ", $lib, "::HashMap;")]
            /// let mut map = flatnest::meter::Metered::new(HashMap::new());
            /// map.reserve(100);
            /// map.insert(1, 'a');
            /// assert_eq!(map.meter().figures().write_amplification(), Some(1.0));
            /// ```
            pub fn reserve(&mut self, n_entries: usize) {
                let before = self.map.look();
                self.map.reserve(n_entries);
                self.record.grown(self.state.grown(before, &self.map));
            }

            /// Moves the entries to the smallest table that has room for them, when there is a smaller one. O(capacity).
            ///
            /// ```
            #[doc = concat!("use ", $lib, "::HashMap;")]
            /// let mut map = flatnest::meter::Metered::new(HashMap::with_capacity(100));
            /// map.insert(1, 'a');
            /// map.shrink_to_fit();
            /// assert_eq!(map.meter().figures().moved_entries, 1);
            /// ```
            pub fn shrink_to_fit(&mut self) {
                let before = self.map.look();
                self.map.shrink_to_fit();
                self.record.grown(self.state.shrunk::<HashMap<K, V, S>>(before));
            }
        }

        impl<K1, K2, V, S1, S2> Metered<Nested<HashMap<K1, HashMap<K2, V, S2>, S1>>>
        where
            K1: Hash + Eq,
            K2: Hash + Eq,
            S1: BuildHasher,
            S2: BuildHasher,
        {
            /// Inserts or overwrites an entry and returns the value that was there. Amortized O(1). One assign, and
            /// another when it opens a row.
            ///
            /// ```
            /// use flatnest::meter::{Metered, Nested};
            #[doc = concat!("use ", $lib, "::HashMap;")]
            /// let mut map = Metered::new(Nested(HashMap::<_, HashMap<_, _>>::new()));
            /// assert_eq!(map.insert("row", "key", 1), None);
            /// assert_eq!(map.insert("row", "key", 2), Some(1));
            /// ```
            pub fn insert(&mut self, k1: K1, k2: K2, value: V) -> Option<V>
            where
                S2: Default,
            {
                let (row, mut state, record) = self.row_to_write(k1);
                insert(row, &mut state, record, k2, value)
            }

            /// The value of the keys, made with `value` when there is none. Amortized O(1). One assign, and another
            /// when it opens a row.
            ///
            /// ```
            /// use flatnest::meter::{Metered, Nested};
            #[doc = concat!("use ", $lib, "::HashMap;")]
            /// let mut map = Metered::new(Nested(HashMap::<_, HashMap<_, _>>::new()));
            /// *map.get_or_insert_with("row", "key", || 0) += 5;
            /// assert_eq!(map["row"]["key"], 5);
            /// ```
            pub fn get_or_insert_with(
                &mut self,
                k1: K1,
                k2: K2,
                value: impl FnOnce() -> V,
            ) -> &mut V
            where
                S2: Default,
            {
                let (row, mut state, record) = self.row_to_write(k1);
                get_or_insert_with(row, &mut state, record, k2, value)
            }

            /// The row of `k1`, opened when there is none, and what is known of its table.
            fn row_to_write(&mut self, k1: K1) -> (&mut HashMap<K2, V, S2>, TableState, &mut Record)
            where
                S2: Default,
            {
                let Metered { map: Nested(rows), state, record } = self;
                make_room(rows, &mut state.outer, record, &k1);
                match rows.entry(k1) {
                    Entry::Occupied(row) => {
                        let state = state.row(row.key());
                        (row.into_mut(), state, record)
                    }
                    Entry::Vacant(row) => {
                        record.inserted::<(K1, HashMap<K2, V, S2>)>();
                        let row = row.insert(HashMap::with_hasher(S2::default()));
                        (row, TableState::default(), record)
                    }
                }
            }

            /// The value of the keys, to change in place. O(1). Counts nothing.
            ///
            /// ```
            /// use flatnest::meter::{Metered, Nested};
            #[doc = concat!("use ", $lib, "::HashMap;")]
            /// let mut map = Metered::new(Nested(HashMap::<_, HashMap<_, _>>::new()));
            /// map.insert("row", "key", 1);
            /// *map.get_mut("row", "key").unwrap() = 3;
            /// assert_eq!(map["row"]["key"], 3);
            /// ```
            pub fn get_mut<Q1, Q2>(&mut self, k1: &Q1, k2: &Q2) -> Option<&mut V>
            where
                K1: Borrow<Q1>,
                K2: Borrow<Q2>,
                Q1: Hash + Eq + ?Sized,
                Q2: Hash + Eq + ?Sized,
            {
                self.map.0.get_mut(k1)?.get_mut(k2)
            }

            /// Removes an entry and returns its value. O(1). The row stays, also when it has no entry left.
            ///
            /// ```
            /// use flatnest::meter::{Metered, Nested};
            #[doc = concat!("use ", $lib, "::HashMap;")]
            /// let mut map = Metered::new(Nested(HashMap::<_, HashMap<_, _>>::new()));
            /// map.insert("row", "key", 1);
            /// assert_eq!(map.remove("row", "key"), Some(1));
            /// assert!(map["row"].is_empty());
            /// ```
            pub fn remove<Q1, Q2>(&mut self, k1: &Q1, k2: &Q2) -> Option<V>
            where
                K1: Borrow<Q1> + Clone,
                K2: Borrow<Q2>,
                Q1: Hash + Eq + ?Sized,
                Q2: Hash + Eq + ?Sized,
            {
                let row = self.map.0.get_mut(k1)?;
                let state = self.state.row(k1).seen::<HashMap<K2, V, S2>>(row.look());
                let removed = row.remove(k2);
                if state.is_hidden_in::<HashMap<K2, V, S2>>(row.look())
                    && let Some((k1, _)) = self.map.0.get_key_value(k1)
                {
                    self.state.rows.insert(k1.clone(), state);
                }
                removed
            }

            /// Removes a row and returns it. O(1).
            ///
            /// ```
            /// use flatnest::meter::{Metered, Nested};
            #[doc = concat!("use ", $lib, "::HashMap;")]
            /// let mut map = Metered::new(Nested(HashMap::<_, HashMap<_, _>>::new()));
            /// map.insert("row", "key", 1);
            /// assert_eq!(map.remove_row("row").unwrap().len(), 1);
            /// ```
            pub fn remove_row<Q1: Hash + Eq + ?Sized>(
                &mut self,
                k1: &Q1,
            ) -> Option<HashMap<K2, V, S2>>
            where
                K1: Borrow<Q1>,
            {
                self.state.outer =
                    self.state.outer.seen::<HashMap<K1, HashMap<K2, V, S2>, S1>>(self.map.0.look());
                self.state.rows.remove(k1);
                self.map.0.remove(k1)
            }

            /// Makes room for `n_rows` more rows. O(rows) when that needs another table, which counts as growth.
            ///
            /// # Panics
            /// When the table would be too large.
            ///
            /// ```
            /// use flatnest::meter::{Metered, Nested};
            #[doc = concat!("use ", $lib, "::HashMap;")]
            /// let mut map = Metered::new(Nested(HashMap::<u8, HashMap<u8, u8>>::new()));
            /// map.reserve_rows(100);
            /// assert!(map.capacity() >= 100);
            /// ```
            pub fn reserve_rows(&mut self, n_rows: usize) {
                let before = self.map.0.look();
                self.map.0.reserve(n_rows);
                self.record.grown(self.state.outer.grown(before, &self.map.0));
            }

            /// Moves the entries of each row, and the rows, to the smallest tables that have room for them. O(capacity).
            ///
            /// ```
            /// use flatnest::meter::{Metered, Nested};
            #[doc = concat!("use ", $lib, "::HashMap;")]
            /// let mut map = Metered::new(Nested(HashMap::<_, HashMap<_, _>>::with_capacity(100)));
            /// map.insert("row", "key", 1);
            /// map.shrink_to_fit();
            /// assert!(map.capacity() < 100);
            /// ```
            pub fn shrink_to_fit(&mut self) {
                let Metered { map: Nested(rows), state, record } = self;
                for (k1, row) in rows.iter_mut() {
                    let before = row.look();
                    row.shrink_to_fit();
                    let grow = state.row(k1).shrunk::<HashMap<K2, V, S2>>(before);
                    if grow.is_some() {
                        state.rows.remove(k1);
                    }
                    record.grown(grow);
                }
                let before = rows.look();
                rows.shrink_to_fit();
                record.grown(state.outer.shrunk::<HashMap<K1, HashMap<K2, V, S2>, S1>>(before));
            }
        }
    };
}

#[cfg(feature = "std")]
mod of_std {
    use super::*;
    use std::collections::hash_map::{Entry, HashMap};

    metered_hash_map!("std::collections");
}

mod of_hashbrown {
    use super::*;
    use hashbrown::hash_map::{Entry, HashMap};

    metered_hash_map!("hashbrown");
}
