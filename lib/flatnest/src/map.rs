//! The map: hashes keys, and joins the index of rows with the store of entries.

use core::hash::{BuildHasher, Hash};
use core::mem;

use hashbrown::{DefaultHashBuilder, Equivalent};

use crate::error::TryReserveError;
#[cfg(feature = "meter")]
use crate::growth::Growth;
use crate::hash::hash;
use crate::index::RowId;
use crate::iter::{Drain, DrainRow, Iter, IterMut, Rows, Values, ValuesMut};
use crate::row::{Row, RowMut};
use crate::store::{IntoAll, Position, RawRow, Store};

/// A map from two keys to a value that stands for `HashMap<K1, HashMap<K2, V>>`.
///
/// The entries that share an outer key `K1` are a *row*. A row is there while it has an entry: the first insert makes
/// it, and it goes with its last entry.
///
/// Lookups take borrowed keys, as with `hashbrown`: anything that hashes like the key and is [`Equivalent`] to it, such
/// as `&str` for `String`.
///
/// The order in which iteration meets rows and entries is not specified. It may change with any insertion or removal.
///
/// Times are stated for hash functions that spread keys evenly: O(1) is expected, not guaranteed. *r* is the number of
/// rows, *n* of entries of the map, *m* of entries of one row. An insertion moves at most 32 entries, and at most 448 rows
/// without their entries; now and then it doubles a directory of about *m* / 16 or *r* / 224 words.
///
/// The map stays valid when a key's `Hash` or `Eq`, a `Clone`, a `Drop` or a closure panics. Entries being removed
/// by a call that panics may be leaked.
///
/// ```
/// use flatnest::FlatMap;
///
/// let mut visits = FlatMap::new();
/// visits.insert("alice".to_owned(), "/home".to_owned(), 1);
/// visits.insert("alice".to_owned(), "/about".to_owned(), 2);
/// visits.insert("bob".to_owned(), "/home".to_owned(), 3);
///
/// assert_eq!(visits.get("alice", "/about"), Some(&2));
/// assert_eq!(visits.row("alice").map(|row| row.len()), Some(2));
/// assert_eq!(visits.remove_row("alice"), 2);
/// assert_eq!(visits.len(), 1);
/// ```
pub struct FlatMap<K1, K2, V, S = DefaultHashBuilder> {
    pub(crate) hasher: S,
    pub(crate) store: Store<K1, (K2, V)>,
    len: usize,
}

#[cfg(feature = "default-hasher")]
impl<K1, K2, V> FlatMap<K1, K2, V> {
    /// Makes an empty map, which does not allocate.
    ///
    /// ```
    /// let map = flatnest::FlatMap::<u32, u32, u32>::new();
    /// assert!(map.is_empty());
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::with_hasher(DefaultHashBuilder::default())
    }

    /// Makes an empty map with room for so many rows and entries, see [`FlatMap::reserve`].
    ///
    /// ```
    /// let map = flatnest::FlatMap::<u32, u32, u32>::with_capacity(10, 100);
    /// assert!(map.capacity() >= 100);
    /// ```
    #[must_use]
    pub fn with_capacity(n_rows: usize, n_entries: usize) -> Self {
        Self::with_capacity_and_hasher(n_rows, n_entries, DefaultHashBuilder::default())
    }
}

impl<K1, K2, V, S> FlatMap<K1, K2, V, S> {
    /// Makes an empty map with this hasher, which does not allocate.
    ///
    /// ```
    /// use std::hash::RandomState;
    ///
    /// let mut map = flatnest::FlatMap::with_hasher(RandomState::new());
    /// map.insert(1, 2, "three");
    /// ```
    #[must_use]
    pub const fn with_hasher(hasher: S) -> Self {
        Self { hasher, store: Store::new(), len: 0 }
    }

    /// Makes an empty map with this hasher and room for so many rows and entries, see [`FlatMap::reserve`].
    ///
    /// ```
    /// use std::hash::RandomState;
    ///
    /// let map = flatnest::FlatMap::<u8, u8, u8, _>::with_capacity_and_hasher(2, 20, RandomState::new());
    /// assert!(map.capacity() >= 20);
    /// ```
    #[must_use]
    pub fn with_capacity_and_hasher(n_rows: usize, n_entries: usize, hasher: S) -> Self {
        let mut map = Self::with_hasher(hasher);
        map.reserve(n_rows, n_entries);
        map
    }

    /// The hasher of both keys.
    ///
    /// ```
    /// use std::hash::BuildHasher;
    ///
    /// let map = flatnest::FlatMap::<u8, u8, u8>::new();
    /// assert_eq!(map.hasher().hash_one(1u8), map.hasher().hash_one(1u8));
    /// ```
    pub const fn hasher(&self) -> &S {
        &self.hasher
    }

    /// The number of entries, in O(1).
    ///
    /// ```
    /// let map = flatnest::FlatMap::<_, _, _>::from_iter([(1, 1, 'a'), (1, 2, 'b')]);
    /// assert_eq!(map.len(), 2);
    /// ```
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no entry, in O(1).
    ///
    /// ```
    /// assert!(flatnest::FlatMap::<u8, u8, u8>::new().is_empty());
    /// ```
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The number of rows, in O(1).
    ///
    /// ```
    /// let map = flatnest::FlatMap::<_, _, _>::from_iter([(1, 1, 'a'), (1, 2, 'b')]);
    /// assert_eq!(map.n_rows(), 1);
    /// ```
    pub const fn n_rows(&self) -> usize {
        self.store.rows.len()
    }

    /// About how many entries fit into the memory at hand, in O(*r*) and the number of tables of long rows.
    ///
    /// Counts what rows have room for and what the rest of the memory would hold; how far it gets depends on the rows to
    /// which entries are added.
    ///
    /// ```
    /// let map = flatnest::FlatMap::<u8, u8, u8>::with_capacity(1, 20);
    /// assert!(map.capacity() >= 20);
    /// ```
    pub fn capacity(&self) -> usize {
        self.store.capacity()
    }

    /// Makes room for about so many *more* rows and entries, in O(rows reserved).
    ///
    /// Insertion does not need it: growth comes in small steps that move few entries. It saves allocations. Room for
    /// rows in the index is made at once only while the map is empty.
    ///
    /// # Panics
    /// When there is no memory for it.
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<u8, u8, u8>::new();
    /// map.reserve(2, 50);
    /// assert!(map.capacity() >= 50);
    /// ```
    pub fn reserve(&mut self, n_rows: usize, n_entries: usize) {
        self.try_reserve(n_rows, n_entries).expect("memory for the map could not be allocated");
    }

    /// Makes room as [`FlatMap::reserve`] does, and says so where there is no memory for it.
    ///
    /// # Errors
    /// When memory could not be allocated; the map has not changed.
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<u8, u8, u64>::new();
    /// assert!(map.try_reserve(1, 10).is_ok());
    /// assert!(map.try_reserve(1, usize::MAX).is_err());
    /// ```
    pub fn try_reserve(&mut self, n_rows: usize, n_entries: usize) -> Result<(), TryReserveError> {
        self.store.try_reserve(n_rows, n_entries)
    }

    /// Drops all entries and keeps memory for others, in O(*r*), and O(*n*) where entries need dropping.
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<_, _, _>::from_iter([(1, 1, 'a'), (1, 2, 'b')]);
    /// map.clear();
    /// assert!(map.is_empty());
    /// ```
    pub fn clear(&mut self) {
        self.len = 0;
        self.store.clear();
    }

    /// Walks over all entries, in O(*n*) together.
    ///
    /// ```
    /// let map = flatnest::FlatMap::<_, _, _>::from_iter([(1, 10, 100), (2, 20, 200)]);
    /// let sum: i32 = map.iter().map(|(k1, k2, v)| k1 + k2 + v).sum();
    /// assert_eq!(sum, 333);
    /// ```
    pub fn iter(&self) -> Iter<'_, K1, K2, V> {
        Iter::new(&self.store, self.len)
    }

    /// Walks over all entries, whose values may be changed, in O(*n*) together.
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<_, _, _>::from_iter([(1, 10, 100), (2, 20, 200)]);
    /// map.iter_mut().for_each(|(k1, _, v)| *v += k1);
    /// assert_eq!(map.get(&2, &20), Some(&202));
    /// ```
    pub fn iter_mut(&mut self) -> IterMut<'_, K1, K2, V> {
        IterMut::new(self.store.iter_mut(self.len))
    }

    /// Walks over all values, in O(*n*) together.
    ///
    /// ```
    /// let map = flatnest::FlatMap::<_, _, _>::from_iter([(1, 10, 100), (2, 20, 200)]);
    /// assert_eq!(map.values().sum::<i32>(), 300);
    /// ```
    pub fn values(&self) -> Values<'_, K1, K2, V> {
        Values(self.iter())
    }

    /// Walks over all values, which may be changed, in O(*n*) together.
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<_, _, _>::from_iter([(1, 10, 100)]);
    /// map.values_mut().for_each(|v| *v += 1);
    /// assert_eq!(map.get(&1, &10), Some(&101));
    /// ```
    pub fn values_mut(&mut self) -> ValuesMut<'_, K1, K2, V> {
        ValuesMut(self.iter_mut())
    }

    /// Walks over all rows, in O(*r*) together.
    ///
    /// ```
    /// let map = flatnest::FlatMap::<_, _, _>::from_iter([(1, 1, 'a'), (1, 2, 'b'), (2, 1, 'c')]);
    /// let mut lens: Vec<_> = map.rows().map(|row| (*row.key(), row.len())).collect();
    /// lens.sort();
    /// assert_eq!(lens, [(1, 2), (2, 1)]);
    /// ```
    pub fn rows(&self) -> Rows<'_, K1, K2, V, S> {
        Rows::new(self)
    }

    /// Takes all entries out and walks over them by value, in O(*n*) together.
    ///
    /// The map is empty from the start, also when the iterator is leaked.
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<_, _, _>::from_iter([(1, 10, 100)]);
    /// assert_eq!(map.drain().collect::<Vec<_>>(), [(1, 10, 100)]);
    /// assert!(map.is_empty());
    /// ```
    pub fn drain(&mut self) -> Drain<'_, K1, K2, V>
    where
        K1: Clone,
    {
        Drain::new(self.take_all())
    }

    /// Keeps the entries that `keep` accepts, in O(*n*).
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<_, _, _>::from_iter([(1, 10, 100), (2, 20, 200)]);
    /// map.retain(|k1, _, _| *k1 > 1);
    /// assert!(!map.contains(&1, &10) && map.contains(&2, &20));
    /// ```
    pub fn retain(&mut self, mut keep: impl FnMut(&K1, &K2, &mut V) -> bool) {
        let mut last = None;
        while let Some(id) = self.store.rows.next_id(last) {
            self.retain_in_row(id, &mut keep);
            last = Some(id);
        }
    }

    /// Whether the row is still there.
    pub(crate) fn retain_in_row(
        &mut self,
        id: RowId,
        mut keep: impl FnMut(&K1, &K2, &mut V) -> bool,
    ) -> bool {
        let mut position = Position::default();
        loop {
            let refused =
                self.store.take_refused(id, &mut position, |key, (k2, value)| keep(key, k2, value));
            // Dropped at the end of the loop's body, when the map is consistent.
            let Some(_entry) = refused else { return true };
            if let Some(_key) = self.after_removal(id) {
                return false;
            }
        }
    }

    /// Counts an entry that was taken out of a row. With the last one the row goes; its key is the caller's to drop.
    pub(crate) fn after_removal(&mut self, id: RowId) -> Option<K1> {
        self.len -= 1;
        if self.store.rows.get(id).len() > 0 {
            return None;
        }
        let row = self.store.rows.remove(id);
        Some(self.store.recycle(row))
    }

    pub(crate) fn remove_row_by_id(&mut self, id: RowId) -> usize {
        let row = self.store.rows.remove(id);
        let n_entries = row.len();
        self.len -= n_entries;
        self.store.recycle(row);
        n_entries
    }

    /// Empties the map.
    pub(crate) fn take_all(&mut self) -> IntoAll<K1, (K2, V)> {
        let n = mem::take(&mut self.len);
        self.store.take_all(n)
    }

    /// What growth has cost this map so far, in O(1).
    ///
    /// ```
    /// let map = flatnest::FlatMap::<_, _, _>::from_iter((0..5).map(|i| (1, i, 'a')));
    /// // The fifth entry needs a larger block, to which the first four move.
    /// assert_eq!(map.growth().moved_entries, 4);
    /// ```
    #[cfg(feature = "meter")]
    pub fn growth(&self) -> Growth {
        self.store.memory.growth.counts()
    }

    /// Panics unless all invariants hold, in O(*n*). For tests of this crate.
    #[cfg(debug_assertions)]
    #[doc(hidden)]
    pub fn check_invariants(&self) {
        self.store.check();
        assert!(self.store.rows().all(|row| row.len() > 0));
        assert_eq!(self.store.rows().map(|row| row.len()).sum::<usize>(), self.len);
    }
}

impl<K1, K2, V, S: BuildHasher> FlatMap<K1, K2, V, S> {
    #[inline(always)]
    pub(crate) fn hash<Q: Hash + ?Sized>(&self, key: &Q) -> u32 {
        hash(&self.hasher, key)
    }

    #[inline(always)]
    pub(crate) fn find_row<Q1>(&self, hash: u32, key1: &Q1) -> Option<RowId>
    where
        Q1: Equivalent<K1> + ?Sized,
    {
        self.store.rows.find_id(hash, |row| key1.equivalent(&row.key))
    }

    #[inline(always)]
    pub(crate) fn raw_row<Q1>(&self, hash: u32, key1: &Q1) -> Option<&RawRow<K1, (K2, V)>>
    where
        Q1: Equivalent<K1> + ?Sized,
    {
        self.store.rows.find(hash, |row| key1.equivalent(&row.key))
    }

    /// Finds a value, in O(1).
    ///
    /// ```
    /// let map = flatnest::FlatMap::<_, _, _>::from_iter([("a".to_owned(), 1, true)]);
    /// assert_eq!(map.get("a", &1), Some(&true));
    /// assert_eq!(map.get("a", &2), None);
    /// ```
    #[inline(always)]
    pub fn get<Q1, Q2>(&self, key1: &Q1, key2: &Q2) -> Option<&V>
    where
        Q1: Hash + Equivalent<K1> + ?Sized,
        Q2: Hash + Equivalent<K2> + ?Sized,
    {
        let row = self.raw_row(self.hash(key1), key1)?;
        row.get(self.hash(key2), |entry| key2.equivalent(&entry.0)).map(|entry| &entry.1)
    }

    /// Finds a value, which may be changed, in O(1).
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<_, _, _>::from_iter([("a".to_owned(), 1, 10)]);
    /// *map.get_mut("a", &1).unwrap() += 5;
    /// assert_eq!(map.get("a", &1), Some(&15));
    /// ```
    #[inline(always)]
    pub fn get_mut<Q1, Q2>(&mut self, key1: &Q1, key2: &Q2) -> Option<&mut V>
    where
        Q1: Hash + Equivalent<K1> + ?Sized,
        Q2: Hash + Equivalent<K2> + ?Sized,
    {
        let hash1 = self.hash(key1);
        let row = self.store.rows.find_mut(hash1, |row| key1.equivalent(&row.key))?;
        let hash2 = hash(&self.hasher, key2);
        row.get_mut(hash2, |entry| key2.equivalent(&entry.0)).map(|entry| &mut entry.1)
    }

    /// Whether there is an entry with these keys, in O(1).
    ///
    /// ```
    /// let map = flatnest::FlatMap::<_, _, _>::from_iter([("a".to_owned(), 1, true)]);
    /// assert!(map.contains("a", &1) && !map.contains("b", &1));
    /// ```
    #[inline]
    pub fn contains<Q1, Q2>(&self, key1: &Q1, key2: &Q2) -> bool
    where
        Q1: Hash + Equivalent<K1> + ?Sized,
        Q2: Hash + Equivalent<K2> + ?Sized,
    {
        self.get(key1, key2).is_some()
    }

    /// Takes an entry out and returns its value, in O(1).
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<_, _, _>::from_iter([("a".to_owned(), 1, true)]);
    /// assert_eq!(map.remove("a", &1), Some(true));
    /// assert_eq!(map.remove("a", &1), None);
    /// assert_eq!(map.n_rows(), 0);
    /// ```
    pub fn remove<Q1, Q2>(&mut self, key1: &Q1, key2: &Q2) -> Option<V>
    where
        Q1: Hash + Equivalent<K1> + ?Sized,
        Q2: Hash + Equivalent<K2> + ?Sized,
    {
        let (hash1, hash2) = (self.hash(key1), self.hash(key2));
        let id = self.find_row(hash1, key1)?;
        let (_key2, value) = self.store.remove(id, hash2, |entry| key2.equivalent(&entry.0))?;
        self.after_removal(id);
        Some(value)
    }

    /// The row of `key1`, in O(1).
    ///
    /// ```
    /// let map = flatnest::FlatMap::<_, _, _>::from_iter([(1, 1, 'a'), (1, 2, 'b')]);
    /// let row = map.row(&1).unwrap();
    /// assert_eq!((row.len(), row.get(&2)), (2, Some(&'b')));
    /// assert!(map.row(&2).is_none());
    /// ```
    #[inline]
    pub fn row<Q1>(&self, key1: &Q1) -> Option<Row<'_, K1, K2, V, S>>
    where
        Q1: Hash + Equivalent<K1> + ?Sized,
    {
        let row = self.raw_row(self.hash(key1), key1)?;
        Some(Row::new(&self.hasher, row))
    }

    /// The row of `key1`, which may be changed, in O(1).
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<_, _, _>::from_iter([(1, 1, 'a'), (1, 2, 'b')]);
    /// let mut row = map.row_mut(&1).unwrap();
    /// assert_eq!(row.remove(&2), Some('b'));
    /// assert_eq!(map.len(), 1);
    /// ```
    pub fn row_mut<Q1>(&mut self, key1: &Q1) -> Option<RowMut<'_, K1, K2, V, S>>
    where
        Q1: Hash + Equivalent<K1> + ?Sized,
    {
        let id = self.find_row(self.hash(key1), key1)?;
        Some(RowMut::new(self, id))
    }

    /// Drops a row and returns how many entries it had: in O(*m*) where entries need dropping, and otherwise in O(1).
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<_, _, _>::from_iter([(1, 1, 'a'), (1, 2, 'b')]);
    /// assert_eq!(map.remove_row(&1), 2);
    /// assert_eq!(map.remove_row(&1), 0);
    /// ```
    pub fn remove_row<Q1>(&mut self, key1: &Q1) -> usize
    where
        Q1: Hash + Equivalent<K1> + ?Sized,
    {
        self.find_row(self.hash(key1), key1).map_or(0, |id| self.remove_row_by_id(id))
    }

    /// Takes a row out and walks over its entries by value, in O(*m*) together.
    ///
    /// The row is gone from the start, also when the iterator is leaked.
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<_, _, _>::from_iter([(1, 1, 'a'), (2, 2, 'b')]);
    /// assert_eq!(map.drain_row(&1).collect::<Vec<_>>(), [(1, 'a')]);
    /// assert_eq!(map.len(), 1);
    /// ```
    pub fn drain_row<Q1>(&mut self, key1: &Q1) -> DrainRow<'_, K2, V>
    where
        Q1: Hash + Equivalent<K1> + ?Sized,
    {
        let Some(id) = self.find_row(self.hash(key1), key1) else { return DrainRow::empty() };
        let row = self.store.rows.remove(id);
        self.len -= row.len();
        let (_key, entries) = self.store.drain_row(row);
        DrainRow::new(entries)
    }
}

impl<K1, K2, V, S> FlatMap<K1, K2, V, S>
where
    K1: Hash + Eq,
    K2: Hash + Eq,
    S: BuildHasher,
{
    /// Sets a value, and returns the one that was there, in O(1).
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::new();
    /// assert_eq!(map.insert(1, 2, 'a'), None);
    /// assert_eq!(map.insert(1, 2, 'b'), Some('a'));
    /// ```
    #[inline]
    pub fn insert(&mut self, key1: K1, key2: K2, value: V) -> Option<V> {
        let hash1 = self.hash(&key1);
        let Some(row) = self.store.rows.find_mut(hash1, |row| key1 == row.key) else {
            self.push_row(key1, hash1, self.hash(&key2), (key2, value));
            return None;
        };
        let hash2 = hash(&self.hasher, &key2);
        if let Some(entry) = row.get_mut(hash2, |entry| key2 == entry.0) {
            return Some(mem::replace(&mut entry.1, value));
        }
        let hasher = &self.hasher;
        let hash_of = |entry: &(K2, V)| hash(hasher, &entry.0);
        row.push(&mut self.store.memory, hash2, (key2, value), hash_of);
        self.len += 1;
        None
    }

    pub(crate) fn insert_in_row(&mut self, id: RowId, hash2: u32, key2: K2, value: V) {
        let mut value = Some(value);
        let wanted = |key2: &K2, known: &K2| key2 == known;
        let make = |key2| (key2, value.take().expect("made once"));
        let place = self.get_or_push(id, hash2, key2, wanted, make);
        if let Some(value) = value {
            *place = value;
        }
    }

    /// The value of these keys; where there is none, that of `make` is inserted. In O(1).
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::new();
    /// *map.get_or_insert_with("a", 1, || 10) += 1;
    /// *map.get_or_insert_with("a", 1, || 10) += 1;
    /// assert_eq!(map.get("a", &1), Some(&12));
    /// ```
    #[inline]
    pub fn get_or_insert_with(&mut self, key1: K1, key2: K2, make: impl FnOnce() -> V) -> &mut V {
        let hash1 = self.hash(&key1);
        let hash2 = self.hash(&key2);
        match self.find_row(hash1, &key1) {
            Some(id) => {
                let wanted = |key2: &K2, known: &K2| key2 == known;
                self.get_or_push(id, hash2, key2, wanted, |key2| (key2, make()))
            }
            None => &mut self.push_row(key1, hash1, hash2, (key2, make())).1.1,
        }
    }

    /// Adds the entries of one row, whose key need not be cloned for it.
    pub(crate) fn extend_row(&mut self, key1: K1, entries: impl IntoIterator<Item = (K2, V)>) {
        let mut entries = entries.into_iter();
        let Some((key2, value)) = entries.next() else { return };
        let (hash1, hash2) = (self.hash(&key1), self.hash(&key2));
        let id = match self.find_row(hash1, &key1) {
            Some(id) => {
                self.insert_in_row(id, hash2, key2, value);
                id
            }
            None => self.push_row(key1, hash1, hash2, (key2, value)).0,
        };
        for (key2, value) in entries {
            self.insert_in_row(id, self.hash(&key2), key2, value);
        }
    }

    /// Gives memory back by building the map anew, in O(*n*).
    ///
    /// # Panics
    /// When the user's `Hash` does; entries are lost then.
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<u32, u32, u32>::with_capacity(1000, 10_000);
    /// map.insert(1, 2, 3);
    /// map.shrink_to_fit();
    /// assert!(map.capacity() < 100);
    /// ```
    pub fn shrink_to_fit(&mut self) {
        let growth = self.store.memory.growth.clone();
        let mut rows = self.take_all();
        while rows.next_row(|key1, entries| self.extend_row(key1, entries)).is_some() {}
        self.store.memory.growth = growth;
    }
}

impl<K1, K2: Hash, V, S: BuildHasher> FlatMap<K1, K2, V, S> {
    /// Adds an entry, the first of a new row.
    #[inline(never)]
    pub(crate) fn push_row(
        &mut self,
        key1: K1,
        hash1: u32,
        hash2: u32,
        entry: (K2, V),
    ) -> (RowId, &mut (K2, V)) {
        self.len += 1;
        self.store.push_row(key1, hash1, hash2, entry)
    }

    /// Adds an entry whose key is new to the row.
    #[inline(never)]
    pub(crate) fn push_in_row(&mut self, id: RowId, hash2: u32, entry: (K2, V)) -> &mut V {
        let Self { hasher, store, len } = self;
        let hash_of = |entry: &(K2, V)| hash(hasher, &entry.0);
        let entry = store.rows.get_mut(id).push(&mut store.memory, hash2, entry, hash_of);
        *len += 1;
        &mut entry.1
    }

    /// The value of the entry that is `wanted` for `key2`; where there is none, `make` makes one.
    #[inline(always)]
    pub(crate) fn get_or_push<Q>(
        &mut self,
        id: RowId,
        hash2: u32,
        key2: Q,
        wanted: impl Fn(&Q, &K2) -> bool,
        make: impl FnOnce(Q) -> (K2, V),
    ) -> &mut V {
        let hasher = &self.hasher;
        let (entry, is_new) = self.store.rows.get_mut(id).get_or_push(
            &mut self.store.memory,
            hash2,
            key2,
            |key2, entry| wanted(key2, &entry.0),
            make,
            |entry| hash(hasher, &entry.0),
        );
        self.len += usize::from(is_new);
        &mut entry.1
    }
}
