//! Many keys at once: the memory of all keys of a block is on its way before the first of them is looked at.
//!
//! 1. Take [`BLOCK`] keys and hash them.
//! 2. Ask the index for each row, by hash alone, and have the row read into the cache.
//! 3. In each row, have the entry read, or with a long row the page that holds it.
//! 4. In each long row, have the entry read.
//! 5. Do what is asked key by key, as without all this.

use core::array;
use core::hash::{BuildHasher, Hash};

use hashbrown::Equivalent;

use crate::entry::ToKey;
use crate::{FlatMap, store};

/// Keys that are looked ahead together.
const BLOCK: usize = 32;

/// What was found out about a key of a block.
#[derive(Clone, Copy, Default)]
struct Ahead {
    hash1: u32,
    hash2: u32,
    /// A row with this hash, likely that of the key. Rows are not removed while a block is worked on.
    row: Option<u32>,
}

impl<K1, K2, V, S: BuildHasher> FlatMap<K1, K2, V, S> {
    /// Steps 1 to 4 for a block of keys.
    fn look_ahead<Item>(
        &self,
        block: &[Option<Item>; BLOCK],
        hashes: impl Fn(&Item) -> (u32, u32),
    ) -> [Ahead; BLOCK] {
        let mut ahead = [Ahead::default(); BLOCK];
        let n = block.iter().flatten().count();
        let ahead_of_keys = &mut ahead[..n];
        for (ahead, item) in ahead_of_keys.iter_mut().zip(block.iter().flatten()) {
            (ahead.hash1, ahead.hash2) = hashes(item);
        }
        for ahead in ahead_of_keys.iter_mut() {
            ahead.row = self.guess_row(ahead.hash1);
            if let Some(id) = ahead.row {
                store::prefetch(self.store.row(id));
            }
        }
        let rows = || ahead_of_keys.iter().filter_map(|a| Some((self.store.row(a.row?), a.hash2)));
        let mut has_pages = false;
        for (row, hash2) in rows() {
            has_pages |= row.prefetch_page_or_entry(hash2);
        }
        if has_pages {
            rows().for_each(|(row, hash2)| row.prefetch_entry_in_page(hash2));
        }
        ahead
    }

    /// The row of a key that was looked ahead.
    #[inline(always)]
    fn row_ahead<Q1: Equivalent<K1> + ?Sized>(&self, ahead: Ahead, key1: &Q1) -> Option<u32> {
        let id = ahead.row?;
        if key1.equivalent(&self.store.row(id).key) {
            return Some(id);
        }
        self.find_row(ahead.hash1, key1)
    }

    /// Finds many values, in O(1) each. Tells `found` of each, in order.
    ///
    /// With maps larger than the cache this is several times faster than [`FlatMap::get`] for each.
    ///
    /// ```
    /// let map = flatnest::FlatMap::<_, _, _>::from_iter([("a".to_owned(), 1, 10), ("b".to_owned(), 2, 20)]);
    /// let mut values = Vec::new();
    /// map.get_many([("a", &1), ("b", &1), ("b", &2)], |value| values.push(value.copied()));
    /// assert_eq!(values, [Some(10), None, Some(20)]);
    /// ```
    pub fn get_many<'a, 'q, Q1, Q2>(
        &'a self,
        keys: impl IntoIterator<Item = (&'q Q1, &'q Q2)>,
        mut found: impl FnMut(Option<&'a V>),
    ) where
        Q1: Hash + Equivalent<K1> + ?Sized + 'q,
        Q2: Hash + Equivalent<K2> + ?Sized + 'q,
    {
        let mut keys = keys.into_iter().fuse();
        loop {
            let block: [_; BLOCK] = array::from_fn(|_| keys.next());
            let ahead =
                self.look_ahead(&block, |(key1, key2)| (self.hash(*key1), self.hash(*key2)));
            for (keys, ahead) in block.iter().zip(ahead) {
                let Some((key1, key2)) = keys else { return };
                let row = self.row_ahead(ahead, *key1).map(|id| self.store.row(id));
                let entry =
                    row.and_then(|row| row.get(ahead.hash2, |entry| key2.equivalent(&entry.0)));
                found(entry.map(|entry| &entry.1));
            }
        }
    }

    /// Updates many values, in O(1) each: `update` is given each value, in order, with what comes along with its keys. A
    /// value that is not there is made by default first.
    ///
    /// With maps larger than the cache this is several times faster than [`FlatMap::entry_ref`] for each.
    ///
    /// ```
    /// let mut map = flatnest::FlatMap::<String, u32, u32>::new();
    /// map.upsert_many([("a", &1, 10), ("b", &1, 20), ("a", &1, 5)], |count, n| *count += n);
    /// assert_eq!(map.get("a", &1), Some(&15));
    /// ```
    pub fn upsert_many<'q, Q1, Q2, U>(
        &mut self,
        updates: impl IntoIterator<Item = (&'q Q1, &'q Q2, U)>,
        mut update: impl FnMut(&mut V, U),
    ) where
        K2: Hash,
        V: Default,
        Q1: Hash + Equivalent<K1> + ToKey<K1> + ?Sized + 'q,
        Q2: Hash + Equivalent<K2> + ToKey<K2> + ?Sized + 'q,
    {
        let mut updates = updates.into_iter().fuse();
        loop {
            let block: [_; BLOCK] = array::from_fn(|_| updates.next());
            let ahead =
                self.look_ahead(&block, |(key1, key2, _)| (self.hash(*key1), self.hash(*key2)));
            for (item, ahead) in block.into_iter().zip(ahead) {
                let Some((key1, key2, with)) = item else { return };
                let row = self.row_ahead(ahead, key1).or_else(|| self.find_row(ahead.hash1, key1));
                let value = match row {
                    Some(id) => {
                        let wanted = |key2: &&Q2, known: &K2| key2.equivalent(known);
                        let make = |key2: &Q2| (key2.to_key(), V::default());
                        self.get_or_push(id, ahead.hash2, key2, wanted, make)
                    }
                    None => {
                        let entry = (key2.to_key(), V::default());
                        &mut self.push_row(key1.to_key(), ahead.hash1, ahead.hash2, entry).1
                    }
                };
                update(value, with);
            }
        }
    }
}

/// As [`FlatMap::insert`] for each, but faster with maps larger than the cache.
impl<K1, K2, V, S> Extend<(K1, K2, V)> for FlatMap<K1, K2, V, S>
where
    K1: Hash + Eq,
    K2: Hash + Eq,
    S: BuildHasher,
{
    fn extend<I: IntoIterator<Item = (K1, K2, V)>>(&mut self, entries: I) {
        let mut entries = entries.into_iter().fuse();
        loop {
            let block: [_; BLOCK] = array::from_fn(|_| entries.next());
            let ahead =
                self.look_ahead(&block, |(key1, key2, _)| (self.hash(key1), self.hash(key2)));
            for (item, ahead) in block.into_iter().zip(ahead) {
                let Some((key1, key2, value)) = item else { return };
                let row =
                    self.row_ahead(ahead, &key1).or_else(|| self.find_row(ahead.hash1, &key1));
                match row {
                    Some(id) => {
                        self.insert_in_row(id, ahead.hash2, key2, value);
                    }
                    None => {
                        self.push_row(key1, ahead.hash1, ahead.hash2, (key2, value));
                    }
                }
            }
        }
    }
}
