//! Many keys at once: the memory of all keys of a block is on its way before the first of them is looked at.
//!
//! 1. Take [`BLOCK`] keys and hash them.
//! 2. Ask the index where each row likely is, by its tag alone, and have the row read into the cache.
//! 3. In each row, have the entry read, or with a long row first its part of the index, or of the directory before that.
//! 4. Go on so until all entries are on their way, and then the texts of their keys.
//! 5. Do what is asked key by key, as without all this.
//!
//! A map that is likely in the cache needs none of this and takes key by key from the start.

use core::array;
use core::hash::{BuildHasher, Hash};

use hashbrown::Equivalent;

use crate::FlatMap;
use crate::entry::ToKey;
use crate::index::RowId;
use crate::prefetch::{is_text, prefetch, prefetch_text};
use crate::store::RawRow;

/// Keys that are looked ahead together.
const BLOCK: usize = 32;

/// So many rows are likely in the cache: looking ahead for them takes longer than it saves.
const ROWS_IN_CACHE: usize = 4096;

/// Entries and rows of so many bytes are likely in the cache: looking ahead for them takes longer than it saves. Few
/// where assertions are on, so that small tests look ahead too.
const BYTES_IN_CACHE: usize = if cfg!(debug_assertions) { 2 << 10 } else { 4 << 20 };

/// Borrowed keys; after the last ones there is nothing.
type Keys<'q, Q1, Q2> = [Option<(&'q Q1, &'q Q2)>; BLOCK];

/// Takes any row that has the tag, without looking at it.
fn prefetch_any<R>(row: &R) -> bool {
    prefetch(row);
    true
}

/// What was found out about a key. `R` stands for a row: a reference, or an id that holds until a row is added.
#[derive(Clone, Copy)]
struct Ahead<R> {
    hash1: u32,
    hash2: u32,
    row: Option<R>,
}

impl<K1, K2, V, S: BuildHasher> FlatMap<K1, K2, V, S> {
    /// Whether keys are better looked up one by one.
    #[inline(always)]
    fn is_likely_in_cache(&self) -> bool {
        let n_row_bytes = self.n_rows() * size_of::<RawRow<K1, (K2, V)>>();
        n_row_bytes + self.len() * size_of::<(K2, V)>() < BYTES_IN_CACHE
    }

    /// Steps 1 to 4. `guess` does step 2, `find` finds a row by hash and key, and `row` is the row that `R` stands for.
    #[inline(always)]
    fn look_ahead<'a, Q1, Q2, R: Copy>(
        &'a self,
        keys: &Keys<Q1, Q2>,
        guess: impl Fn(u32) -> Option<R>,
        find: impl Fn(u32, &Q1) -> Option<R>,
        row: impl Fn(R) -> &'a RawRow<K1, (K2, V)>,
    ) -> [Ahead<R>; BLOCK]
    where
        K1: 'a,
        K2: 'a,
        V: 'a,
        Q1: Hash + Equivalent<K1> + ?Sized,
        Q2: Hash + ?Sized,
    {
        let mut ahead = [Ahead { hash1: 0, hash2: 0, row: None }; BLOCK];
        let keys = keys.iter().map_while(|keys| *keys);
        let guessed = self.n_rows() > ROWS_IN_CACHE;
        for (ahead, (key1, key2)) in ahead.iter_mut().zip(keys.clone()) {
            (ahead.hash1, ahead.hash2) = (self.hash(key1), self.hash(key2));
        }
        if guessed {
            ahead.iter_mut().for_each(|ahead| ahead.row = guess(ahead.hash1));
        }
        if is_text::<K1>() {
            ahead
                .iter()
                .filter_map(|ahead| ahead.row)
                .for_each(|found| prefetch_text(&row(found).key));
        }
        let (mut n_left, mut most) = ([0; BLOCK], 0);
        for ((ahead, n_left), (key1, _)) in ahead.iter_mut().zip(&mut n_left).zip(keys) {
            if !guessed || ahead.row.is_some_and(|found| !key1.equivalent(&row(found).key)) {
                ahead.row = find(ahead.hash1, key1);
            }
            if let Some(found) = ahead.row {
                *n_left = row(found).prefetch_first(ahead.hash2);
                most = most.max(*n_left);
            }
        }
        for _ in 0..most {
            for (ahead, n_left) in ahead.iter().zip(&mut n_left) {
                if let Some(found) = ahead.row
                    && *n_left > 0
                {
                    row(found).prefetch_next(ahead.hash2, *n_left);
                    *n_left -= 1;
                }
            }
        }
        if is_text::<K2>() {
            // The first entry with the tag is likely the one.
            let likely =
                ahead.iter().filter_map(|ahead| row(ahead.row?).get(ahead.hash2, |_| true));
            likely.for_each(|entry| prefetch_text(&entry.0));
        }
        ahead
    }

    /// [`Self::look_ahead`] for those who change the map.
    #[inline(always)]
    fn look_ahead_for_ids<Q1, Q2>(&self, keys: &Keys<Q1, Q2>) -> [Ahead<RowId>; BLOCK]
    where
        Q1: Hash + Equivalent<K1> + ?Sized,
        Q2: Hash + ?Sized,
    {
        let rows = &self.store.rows;
        self.look_ahead(
            keys,
            |hash1| rows.find_id(hash1, prefetch_any),
            |hash1, key1| self.find_row(hash1, key1),
            |id| rows.get(id),
        )
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
        if self.is_likely_in_cache() {
            return keys.for_each(|(key1, key2)| found(self.get(key1, key2)));
        }
        loop {
            let block: Keys<'q, Q1, Q2> = array::from_fn(|_| keys.next());
            let ahead = self.look_ahead(
                &block,
                |hash1| self.store.rows.find(hash1, prefetch_any),
                |hash1, key1| self.raw_row(hash1, key1),
                |row| row,
            );
            for (keys, Ahead { hash2, row, .. }) in block.iter().zip(ahead) {
                let Some((_, key2)) = keys else { return };
                let entry = row.and_then(|row| row.get(hash2, |entry| key2.equivalent(&entry.0)));
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
        while self.is_likely_in_cache() {
            let Some((key1, key2, with)) = updates.next() else { return };
            update(self.entry_ref(key1, key2).or_default(), with);
        }
        loop {
            let block: [_; BLOCK] = array::from_fn(|_| updates.next());
            let keys = block.each_ref().map(|item| item.as_ref().map(|item| (item.0, item.1)));
            let ahead = self.look_ahead_for_ids::<Q1, Q2>(&keys);
            let n_rows = self.n_rows();
            for (item, ahead) in block.into_iter().zip(ahead) {
                let Some((key1, key2, with)) = item else { return };
                let value = match self.row_ahead(ahead, n_rows, key1) {
                    Some(id) => {
                        let wanted = |key2: &&Q2, known: &K2| key2.equivalent(known);
                        let make = |key2: &Q2| (key2.to_key(), V::default());
                        self.get_or_push(id, ahead.hash2, key2, wanted, make)
                    }
                    None => {
                        let entry = (key2.to_key(), V::default());
                        &mut self.push_row(key1.to_key(), ahead.hash1, ahead.hash2, entry).1.1
                    }
                };
                update(value, with);
            }
        }
    }

    /// The row of a key that was looked ahead when there were `n_rows`.
    #[inline(always)]
    fn row_ahead<Q1>(&self, ahead: Ahead<RowId>, n_rows: usize, key1: &Q1) -> Option<RowId>
    where
        Q1: Equivalent<K1> + ?Sized,
    {
        if n_rows == self.n_rows() { ahead.row } else { self.find_row(ahead.hash1, key1) }
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
        while self.is_likely_in_cache() {
            let Some((key1, key2, value)) = entries.next() else { return };
            self.insert(key1, key2, value);
        }
        loop {
            let block: [_; BLOCK] = array::from_fn(|_| entries.next());
            let keys = block.each_ref().map(|item| item.as_ref().map(|item| (&item.0, &item.1)));
            let ahead = self.look_ahead_for_ids::<K1, K2>(&keys);
            let n_rows = self.n_rows();
            for (item, ahead) in block.into_iter().zip(ahead) {
                let Some((key1, key2, value)) = item else { return };
                match self.row_ahead(ahead, n_rows, &key1) {
                    Some(id) => self.insert_in_row(id, ahead.hash2, key2, value),
                    None => {
                        self.push_row(key1, ahead.hash1, ahead.hash2, (key2, value));
                    }
                }
            }
        }
    }
}
