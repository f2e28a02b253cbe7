//! One entry, there or not, found once and then filled, changed or removed.
#![allow(unsafe_code)]

use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::{mem, ptr};

use hashbrown::Equivalent;

use crate::FlatMap;
use crate::index::RowId;
use crate::store::Slot;

/// Makes the key that a map stores of a borrowed one.
///
/// A `str` makes every key that is `From<&str>`, such as `String`; so do slices. A key that is `Clone` makes itself.
pub trait ToKey<K> {
    /// The key to store.
    ///
    /// ```
    /// use flatnest::ToKey;
    ///
    /// let key: String = "a".to_key();
    /// let number: u32 = 5.to_key();
    /// ```
    fn to_key(&self) -> K;
}

impl<K: Clone> ToKey<K> for K {
    #[inline]
    fn to_key(&self) -> K {
        self.clone()
    }
}

impl<K: for<'a> From<&'a str>> ToKey<K> for str {
    #[inline]
    fn to_key(&self) -> K {
        self.into()
    }
}

impl<T, K: for<'a> From<&'a [T]>> ToKey<K> for [T] {
    #[inline]
    fn to_key(&self) -> K {
        self.into()
    }
}

/// The entry of two keys, see [`FlatMap::entry`].
pub enum Entry<'a, K1, K2, V, S> {
    /// The entry is there.
    Occupied(OccupiedEntry<'a, K1, K2, V, S>),
    /// The entry is not there.
    Vacant(VacantEntry<'a, K1, K2, V, S>),
}

/// The entry of two borrowed keys, see [`FlatMap::entry_ref`].
pub enum EntryRef<'a, 'q, K1, K2, V, S, Q1: ?Sized, Q2: ?Sized> {
    /// The entry is there.
    Occupied(OccupiedEntry<'a, K1, K2, V, S>),
    /// The entry is not there.
    Vacant(VacantEntryRef<'a, 'q, K1, K2, V, S, Q1, Q2>),
}

/// An entry that is there.
pub struct OccupiedEntry<'a, K1, K2, V, S> {
    map: &'a mut FlatMap<K1, K2, V, S>,
    row: RowId,
    /// Found in the row; the map is borrowed since, so it is there until the entry itself takes it out.
    slot: Slot<(K2, V)>,
}

/// An entry that is not there, with its keys.
pub struct VacantEntry<'a, K1, K2, V, S> {
    place: Vacancy<'a, K1, K2, V, S>,
    key1: K1,
    key2: K2,
}

/// An entry that is not there, with its borrowed keys.
pub struct VacantEntryRef<'a, 'q, K1, K2, V, S, Q1: ?Sized, Q2: ?Sized> {
    place: Vacancy<'a, K1, K2, V, S>,
    key1: &'q Q1,
    key2: &'q Q2,
}

/// Where an entry would go.
struct Vacancy<'a, K1, K2, V, S> {
    map: &'a mut FlatMap<K1, K2, V, S>,
    row: Option<RowId>,
    hash1: u32,
    hash2: u32,
}

type Located<'a, K1, K2, V, S> = Result<OccupiedEntry<'a, K1, K2, V, S>, Vacancy<'a, K1, K2, V, S>>;

impl<'a, K1, K2: Hash, V, S: BuildHasher> Vacancy<'a, K1, K2, V, S> {
    fn fill(self, key1: impl FnOnce() -> K1, key2: K2, value: V) -> &'a mut V {
        let Self { map, row, hash1, hash2 } = self;
        match row {
            Some(id) => map.push_in_row(id, hash2, (key2, value)),
            None => &mut map.push_row(key1(), hash1, hash2, (key2, value)).1.1,
        }
    }

    fn fill_entry(
        self,
        key1: impl FnOnce() -> K1,
        key2: K2,
        value: V,
    ) -> OccupiedEntry<'a, K1, K2, V, S> {
        let Self { map, row, hash1, hash2 } = self;
        let (row, place) = match row {
            Some(id) => {
                let value = map.get_or_push(id, hash2, (), |(), _| false, |()| (key2, value));
                (id, ptr::from_ref(value))
            }
            None => {
                let (id, entry) = map.push_row(key1(), hash1, hash2, (key2, value));
                (id, ptr::from_ref(&entry.1))
            }
        };
        let slot = map.store.rows.get(row).find(hash2, |entry| ptr::eq(&entry.1, place));
        let slot = slot.expect("the entry was added just now");
        OccupiedEntry { map, row, slot }
    }
}

impl<K1, K2, V, S: BuildHasher> FlatMap<K1, K2, V, S> {
    /// Finds the entry, or the place where it would go. Inlined, so that what is found need not go through memory.
    #[inline(always)]
    fn locate<Q1, Q2>(&mut self, key1: &Q1, key2: &Q2) -> Located<'_, K1, K2, V, S>
    where
        Q1: Hash + Equivalent<K1> + ?Sized,
        Q2: Hash + Equivalent<K2> + ?Sized,
    {
        let (hash1, hash2) = (self.hash(key1), self.hash(key2));
        let row = self.find_row(hash1, key1);
        if let Some(row) = row
            && let Some(slot) =
                self.store.rows.get(row).find(hash2, |entry| key2.equivalent(&entry.0))
        {
            return Ok(OccupiedEntry { map: self, row, slot });
        }
        Err(Vacancy { map: self, row, hash1, hash2 })
    }

    /// The entry of these keys, there or not, in O(1).
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::new();
    /// for word in ["a", "b", "a"] {
    ///     *map.entry("words", word).or_insert(0) += 1;
    /// }
    /// assert_eq!(map.get("words", "a"), Some(&2));
    /// ```
    #[inline]
    pub fn entry(&mut self, key1: K1, key2: K2) -> Entry<'_, K1, K2, V, S>
    where
        K1: Hash + Eq,
        K2: Hash + Eq,
    {
        match self.locate(&key1, &key2) {
            Ok(entry) => Entry::Occupied(entry),
            Err(place) => Entry::Vacant(VacantEntry { place, key1, key2 }),
        }
    }

    /// The entry of these borrowed keys, there or not, in O(1). Keys to store are made of them only when it is not: the
    /// outer one only for a new row.
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<String, String, u32>::new();
    /// for word in ["a", "b", "a"] {
    ///     *map.entry_ref("words", word).or_insert(0) += 1;
    /// }
    /// assert_eq!(map.get("words", "a"), Some(&2));
    /// ```
    #[inline]
    pub fn entry_ref<'a, 'q, Q1, Q2>(
        &'a mut self,
        key1: &'q Q1,
        key2: &'q Q2,
    ) -> EntryRef<'a, 'q, K1, K2, V, S, Q1, Q2>
    where
        Q1: Hash + Equivalent<K1> + ?Sized,
        Q2: Hash + Equivalent<K2> + ?Sized,
    {
        match self.locate(key1, key2) {
            Ok(entry) => EntryRef::Occupied(entry),
            Err(place) => EntryRef::Vacant(VacantEntryRef { place, key1, key2 }),
        }
    }
}

impl<'a, K1, K2, V, S> Entry<'a, K1, K2, V, S> {
    /// The outer key.
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<u8, u8, char>::new();
    /// assert_eq!(map.entry(1, 2).key1(), &1);
    /// ```
    pub fn key1(&self) -> &K1 {
        match self {
            Self::Occupied(entry) => entry.key1(),
            Self::Vacant(entry) => &entry.key1,
        }
    }

    /// The inner key.
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<u8, u8, char>::new();
    /// assert_eq!(map.entry(1, 2).key2(), &2);
    /// ```
    pub fn key2(&self) -> &K2 {
        match self {
            Self::Occupied(entry) => entry.key2(),
            Self::Vacant(entry) => &entry.key2,
        }
    }

    /// Changes the value if it is there.
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<_, _, _>::from_iter([(1, 2, 3)]);
    /// map.entry(1, 2).and_modify(|v| *v += 1).or_insert(0);
    /// assert_eq!(map.get(&1, &2), Some(&4));
    /// ```
    #[must_use]
    pub fn and_modify(mut self, change: impl FnOnce(&mut V)) -> Self {
        if let Self::Occupied(entry) = &mut self {
            change(entry.get_mut());
        }
        self
    }
}

impl<'a, K1, K2: Hash, V, S: BuildHasher> Entry<'a, K1, K2, V, S> {
    /// The value; `value` is inserted if there is none. In O(1).
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<u8, u8, char>::new();
    /// assert_eq!(map.entry(1, 2).or_insert('a'), &'a');
    /// ```
    #[inline]
    pub fn or_insert(self, value: V) -> &'a mut V {
        self.or_insert_with(|| value)
    }

    /// The value; that of `make` is inserted if there is none. In O(1).
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<u8, u8, String>::new();
    /// map.entry(1, 2).or_insert_with(|| "a".to_owned()).push('b');
    /// assert_eq!(map.get(&1, &2).unwrap(), "ab");
    /// ```
    #[inline]
    pub fn or_insert_with(self, make: impl FnOnce() -> V) -> &'a mut V {
        match self {
            Self::Occupied(entry) => entry.into_mut(),
            Self::Vacant(entry) => entry.insert(make()),
        }
    }

    /// The value; the default is inserted if there is none. In O(1).
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<u8, u8, u32>::new();
    /// *map.entry(1, 2).or_default() += 1;
    /// assert_eq!(map.get(&1, &2), Some(&1));
    /// ```
    #[inline]
    pub fn or_default(self) -> &'a mut V
    where
        V: Default,
    {
        self.or_insert_with(V::default)
    }
}

impl<'a, K1, K2, V, S, Q1: ?Sized, Q2: ?Sized> EntryRef<'a, '_, K1, K2, V, S, Q1, Q2> {
    /// Changes the value if it is there.
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<String, String, u32>::new();
    /// map.entry_ref("a", "b").and_modify(|v| *v += 1).or_insert(5);
    /// assert_eq!(map.get("a", "b"), Some(&5));
    /// ```
    #[must_use]
    pub fn and_modify(mut self, change: impl FnOnce(&mut V)) -> Self {
        if let Self::Occupied(entry) = &mut self {
            change(entry.get_mut());
        }
        self
    }
}

impl<'a, K1, K2: Hash, V, S, Q1, Q2> EntryRef<'a, '_, K1, K2, V, S, Q1, Q2>
where
    S: BuildHasher,
    Q1: ToKey<K1> + ?Sized,
    Q2: ToKey<K2> + ?Sized,
{
    /// The value; `value` is inserted if there is none. In O(1).
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<String, String, u32>::new();
    /// assert_eq!(map.entry_ref("a", "b").or_insert(5), &5);
    /// ```
    #[inline]
    pub fn or_insert(self, value: V) -> &'a mut V {
        self.or_insert_with(|| value)
    }

    /// The value; that of `make` is inserted if there is none. In O(1).
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<String, u32, u32>::new();
    /// assert_eq!(map.entry_ref("a", &1).or_insert_with(|| 5), &5);
    /// ```
    #[inline]
    pub fn or_insert_with(self, make: impl FnOnce() -> V) -> &'a mut V {
        match self {
            Self::Occupied(entry) => entry.into_mut(),
            Self::Vacant(entry) => entry.insert(make()),
        }
    }

    /// The value; the default is inserted if there is none. In O(1).
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<String, u32, u32>::new();
    /// *map.entry_ref("a", &1).or_default() += 5;
    /// assert_eq!(map.get("a", &1), Some(&5));
    /// ```
    #[inline]
    pub fn or_default(self) -> &'a mut V
    where
        V: Default,
    {
        self.or_insert_with(V::default)
    }
}

impl<'a, K1, K2, V, S> OccupiedEntry<'a, K1, K2, V, S> {
    /// What growth has cost the map so far.
    #[cfg(feature = "meter")]
    pub(crate) fn growth(&self) -> crate::Growth {
        self.map.growth()
    }

    fn entry(&self) -> &(K2, V) {
        // SAFETY: see `slot`.
        unsafe { self.slot.entry.as_ref() }
    }

    /// The outer key.
    ///
    /// ```
    /// # use flatnest::{Entry, FlatMap};
    /// let mut map = FlatMap::<_, _, _>::from_iter([(1, 2, 'a')]);
    /// let Entry::Occupied(entry) = map.entry(1, 2) else { unreachable!() };
    /// assert_eq!(entry.key1(), &1);
    /// ```
    pub fn key1(&self) -> &K1 {
        &self.map.store.rows.get(self.row).key
    }

    /// The inner key.
    ///
    /// ```
    /// # use flatnest::{Entry, FlatMap};
    /// let mut map = FlatMap::<_, _, _>::from_iter([(1, 2, 'a')]);
    /// let Entry::Occupied(entry) = map.entry(1, 2) else { unreachable!() };
    /// assert_eq!(entry.key2(), &2);
    /// ```
    pub fn key2(&self) -> &K2 {
        &self.entry().0
    }

    /// The value.
    ///
    /// ```
    /// # use flatnest::{Entry, FlatMap};
    /// let mut map = FlatMap::<_, _, _>::from_iter([(1, 2, 'a')]);
    /// let Entry::Occupied(entry) = map.entry(1, 2) else { unreachable!() };
    /// assert_eq!(entry.get(), &'a');
    /// ```
    pub fn get(&self) -> &V {
        &self.entry().1
    }

    /// The value, which may be changed.
    ///
    /// ```
    /// # use flatnest::{Entry, FlatMap};
    /// let mut map = FlatMap::<_, _, _>::from_iter([(1, 2, 'a')]);
    /// let Entry::Occupied(mut entry) = map.entry(1, 2) else { unreachable!() };
    /// *entry.get_mut() = 'b';
    /// assert_eq!(map.get(&1, &2), Some(&'b'));
    /// ```
    pub fn get_mut(&mut self) -> &mut V {
        // SAFETY: see `slot`; the map is borrowed mutably.
        unsafe { &mut self.slot.entry.as_mut().1 }
    }

    /// The value for as long as the map is borrowed.
    ///
    /// ```
    /// # use flatnest::{Entry, FlatMap};
    /// let mut map = FlatMap::<_, _, _>::from_iter([(1, 2, 'a')]);
    /// let Entry::Occupied(entry) = map.entry(1, 2) else { unreachable!() };
    /// *entry.into_mut() = 'b';
    /// ```
    pub fn into_mut(mut self) -> &'a mut V {
        // SAFETY: see `slot`; the map is borrowed mutably for `'a`, and this entry ends here.
        unsafe { &mut self.slot.entry.as_mut().1 }
    }

    /// Replaces the value.
    ///
    /// ```
    /// # use flatnest::{Entry, FlatMap};
    /// let mut map = FlatMap::<_, _, _>::from_iter([(1, 2, 'a')]);
    /// let Entry::Occupied(mut entry) = map.entry(1, 2) else { unreachable!() };
    /// assert_eq!(entry.insert('b'), 'a');
    /// ```
    pub fn insert(&mut self, value: V) -> V {
        mem::replace(self.get_mut(), value)
    }

    /// Takes the entry out and returns its value, in O(1).
    ///
    /// ```
    /// # use flatnest::{Entry, FlatMap};
    /// let mut map = FlatMap::<_, _, _>::from_iter([(1, 2, 'a')]);
    /// let Entry::Occupied(entry) = map.entry(1, 2) else { unreachable!() };
    /// assert_eq!(entry.remove(), 'a');
    /// assert!(map.is_empty());
    /// ```
    pub fn remove(self) -> V {
        self.remove_entry().1
    }

    /// Takes the entry out and returns inner key and value, in O(1).
    ///
    /// ```
    /// # use flatnest::{Entry, FlatMap};
    /// let mut map = FlatMap::<_, _, _>::from_iter([(1, 2, 'a')]);
    /// let Entry::Occupied(entry) = map.entry(1, 2) else { unreachable!() };
    /// assert_eq!(entry.remove_entry(), (2, 'a'));
    /// ```
    pub fn remove_entry(self) -> (K2, V) {
        // SAFETY: see `slot`; the map is borrowed mutably, and this entry ends here.
        let entry = unsafe { self.map.store.remove_slot(self.row, self.slot) };
        self.map.after_removal(self.row);
        entry
    }
}

impl<'a, K1, K2, V, S> VacantEntry<'a, K1, K2, V, S> {
    /// The outer key.
    ///
    /// ```
    /// # use flatnest::{Entry, FlatMap};
    /// let mut map = FlatMap::<u8, u8, char>::new();
    /// let Entry::Vacant(entry) = map.entry(1, 2) else { unreachable!() };
    /// assert_eq!(entry.key1(), &1);
    /// ```
    pub const fn key1(&self) -> &K1 {
        &self.key1
    }

    /// The inner key.
    ///
    /// ```
    /// # use flatnest::{Entry, FlatMap};
    /// let mut map = FlatMap::<u8, u8, char>::new();
    /// let Entry::Vacant(entry) = map.entry(1, 2) else { unreachable!() };
    /// assert_eq!(entry.key2(), &2);
    /// ```
    pub const fn key2(&self) -> &K2 {
        &self.key2
    }

    /// Gives the keys back.
    ///
    /// ```
    /// # use flatnest::{Entry, FlatMap};
    /// let mut map = FlatMap::<u8, u8, char>::new();
    /// let Entry::Vacant(entry) = map.entry(1, 2) else { unreachable!() };
    /// assert_eq!(entry.into_keys(), (1, 2));
    /// ```
    pub fn into_keys(self) -> (K1, K2) {
        (self.key1, self.key2)
    }

    /// Inserts a value, and returns the entry, in O(1).
    ///
    /// ```
    /// # use flatnest::{Entry, FlatMap};
    /// let mut map = FlatMap::<u8, u8, char>::new();
    /// let Entry::Vacant(entry) = map.entry(1, 2) else { unreachable!() };
    /// assert_eq!(entry.insert_entry('a').key1(), &1);
    /// ```
    pub fn insert_entry(self, value: V) -> OccupiedEntry<'a, K1, K2, V, S>
    where
        K2: Hash,
        S: BuildHasher,
    {
        let Self { place, key1, key2 } = self;
        place.fill_entry(|| key1, key2, value)
    }

    /// Inserts a value, in O(1).
    ///
    /// ```
    /// # use flatnest::{Entry, FlatMap};
    /// let mut map = FlatMap::<u8, u8, char>::new();
    /// let Entry::Vacant(entry) = map.entry(1, 2) else { unreachable!() };
    /// assert_eq!(entry.insert('a'), &'a');
    /// ```
    #[inline]
    pub fn insert(self, value: V) -> &'a mut V
    where
        K2: Hash,
        S: BuildHasher,
    {
        let Self { place, key1, key2 } = self;
        place.fill(|| key1, key2, value)
    }
}

impl<'a, 'q, K1, K2, V, S, Q1: ?Sized, Q2: ?Sized> VacantEntryRef<'a, 'q, K1, K2, V, S, Q1, Q2> {
    /// The borrowed outer key.
    ///
    /// ```
    /// # use flatnest::{EntryRef, FlatMap};
    /// let mut map = FlatMap::<String, u8, char>::new();
    /// let EntryRef::Vacant(entry) = map.entry_ref("a", &2) else { unreachable!() };
    /// assert_eq!(entry.key1(), "a");
    /// ```
    pub const fn key1(&self) -> &'q Q1 {
        self.key1
    }

    /// The borrowed inner key.
    ///
    /// ```
    /// # use flatnest::{EntryRef, FlatMap};
    /// let mut map = FlatMap::<String, u8, char>::new();
    /// let EntryRef::Vacant(entry) = map.entry_ref("a", &2) else { unreachable!() };
    /// assert_eq!(entry.key2(), &2);
    /// ```
    pub const fn key2(&self) -> &'q Q2 {
        self.key2
    }

    /// Inserts a value with keys made of the borrowed ones, and returns the entry, in O(1).
    ///
    /// ```
    /// # use flatnest::{EntryRef, FlatMap};
    /// let mut map = FlatMap::<String, u8, char>::new();
    /// let EntryRef::Vacant(entry) = map.entry_ref("a", &2) else { unreachable!() };
    /// assert_eq!(entry.insert_entry('a').key1(), "a");
    /// ```
    pub fn insert_entry(self, value: V) -> OccupiedEntry<'a, K1, K2, V, S>
    where
        K2: Hash,
        S: BuildHasher,
        Q1: ToKey<K1>,
        Q2: ToKey<K2>,
    {
        let Self { place, key1, key2 } = self;
        place.fill_entry(|| key1.to_key(), key2.to_key(), value)
    }

    /// Inserts a value with keys made of the borrowed ones, in O(1).
    ///
    /// ```
    /// # use flatnest::{EntryRef, FlatMap};
    /// let mut map = FlatMap::<String, u8, char>::new();
    /// let EntryRef::Vacant(entry) = map.entry_ref("a", &2) else { unreachable!() };
    /// assert_eq!(entry.insert('a'), &'a');
    /// ```
    #[inline]
    pub fn insert(self, value: V) -> &'a mut V
    where
        K2: Hash,
        S: BuildHasher,
        Q1: ToKey<K1>,
        Q2: ToKey<K2>,
    {
        let Self { place, key1, key2 } = self;
        place.fill(|| key1.to_key(), key2.to_key(), value)
    }
}

impl<K1, K2, V, S> fmt::Debug for OccupiedEntry<'_, K1, K2, V, S>
where
    K1: fmt::Debug,
    K2: fmt::Debug,
    V: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key2, value) = self.entry();
        f.debug_tuple("OccupiedEntry").field(self.key1()).field(key2).field(value).finish()
    }
}

impl<K1: fmt::Debug, K2: fmt::Debug, V, S> fmt::Debug for VacantEntry<'_, K1, K2, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VacantEntry").field(&self.key1).field(&self.key2).finish()
    }
}

impl<K1, K2, V, S, Q1, Q2> fmt::Debug for VacantEntryRef<'_, '_, K1, K2, V, S, Q1, Q2>
where
    Q1: fmt::Debug + ?Sized,
    Q2: fmt::Debug + ?Sized,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VacantEntryRef").field(&self.key1).field(&self.key2).finish()
    }
}

impl<K1, K2, V, S> fmt::Debug for Entry<'_, K1, K2, V, S>
where
    K1: fmt::Debug,
    K2: fmt::Debug,
    V: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Occupied(entry) => entry.fmt(f),
            Self::Vacant(entry) => entry.fmt(f),
        }
    }
}

impl<K1, K2, V, S, Q1, Q2> fmt::Debug for EntryRef<'_, '_, K1, K2, V, S, Q1, Q2>
where
    K1: fmt::Debug,
    K2: fmt::Debug,
    V: fmt::Debug,
    Q1: fmt::Debug + ?Sized,
    Q2: fmt::Debug + ?Sized,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Occupied(entry) => entry.fmt(f),
            Self::Vacant(entry) => entry.fmt(f),
        }
    }
}
