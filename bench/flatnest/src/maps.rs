//! The maps under test behind one trait, each used in the way that serves it best.

use std::collections::BTreeMap;
use std::collections::HashMap as StdMap;
use std::hash::{Hash, Hasher};

use flatnest::{FlatMap, ToKey};
use foldhash::fast::RandomState as FoldHash;
use hashbrown::hash_map::EntryRef;
use hashbrown::{Equivalent, HashMap as Hashbrown};
use indexmap::IndexMap;

use crate::keys::Key;
use crate::workload::Pairs;

/// A map from two keys to a counter. Adding makes keys from queries only where the entry is absent.
pub trait TwoLevel<K: Key>: Default {
    const NAME: &'static str;
    /// Whether a row is found without going through all entries.
    const FINDS_ROWS: bool = true;

    fn add(&mut self, k1: &K::Query, k2: &K::Query);
    fn get(&self, k1: &K::Query, k2: &K::Query) -> Option<u64>;
    fn sum_row(&self, k1: &K::Query) -> u64;
    fn sum_all(&self) -> u64;
    fn remove_row(&mut self, k1: &K::Query) -> usize;

    fn sum_many(&self, pairs: &Pairs<K>) -> u64 {
        pairs.iter().filter_map(|(k1, k2)| self.get(k1, k2)).sum()
    }

    fn add_many(&mut self, pairs: &Pairs<K>) {
        for (k1, k2) in pairs.iter() {
            self.add(k1, k2);
        }
    }
}

fn weigh<'m, K: Key>(entry: (&'m K, &'m u64)) -> u64 {
    entry.0.weight().wrapping_add(*entry.1)
}

/// The flat map of this library.
pub type Flat<K> = FlatMap<K, K, u64>;

impl<K: Key> TwoLevel<K> for Flat<K> {
    const NAME: &'static str = "FlatMap";

    fn add(&mut self, k1: &K::Query, k2: &K::Query) {
        *self.entry_ref(k1, k2).or_insert(0) += 1;
    }

    fn get(&self, k1: &K::Query, k2: &K::Query) -> Option<u64> {
        self.get(k1, k2).copied()
    }

    fn sum_row(&self, k1: &K::Query) -> u64 {
        self.row(k1).map_or(0, |row| row.iter().map(weigh).fold(0, u64::wrapping_add))
    }

    fn sum_all(&self) -> u64 {
        self.iter().map(|(_, k2, v)| weigh((k2, v))).fold(0, u64::wrapping_add)
    }

    fn remove_row(&mut self, k1: &K::Query) -> usize {
        self.remove_row(k1)
    }

    fn sum_many(&self, pairs: &Pairs<K>) -> u64 {
        let mut sum = 0;
        self.get_many(pairs.iter(), |value| sum += value.copied().unwrap_or(0));
        sum
    }

    fn add_many(&mut self, pairs: &Pairs<K>) {
        self.upsert_many(pairs.iter().map(|(k1, k2)| (k1, k2, 1)), |count, n| *count += n);
    }
}

/// Defines a nested map: its type, its name, how it adds, and what removes a key.
macro_rules! nested {
    ($(#[$doc:meta])* $map:ident($type:ty), $name:literal, $add:ident, $remove:ident) => {
        $(#[$doc])*
        pub struct $map<K>($type);

        impl<K: Key> Default for $map<K> {
            fn default() -> Self {
                Self(Default::default())
            }
        }

        impl<K: Key> TwoLevel<K> for $map<K> {
            const NAME: &'static str = $name;

            fn add(&mut self, k1: &K::Query, k2: &K::Query) {
                $add!(self.0, k1, k2);
            }

            fn get(&self, k1: &K::Query, k2: &K::Query) -> Option<u64> {
                self.0.get(k1)?.get(k2).copied()
            }

            fn sum_row(&self, k1: &K::Query) -> u64 {
                self.0.get(k1).map_or(0, |row| row.iter().map(weigh).fold(0, u64::wrapping_add))
            }

            fn sum_all(&self) -> u64 {
                self.0.values().map(|row| row.iter().map(weigh).fold(0, u64::wrapping_add)).fold(0, u64::wrapping_add)
            }

            fn remove_row(&mut self, k1: &K::Query) -> usize {
                self.0.$remove(k1).map_or(0, |row| row.len())
            }
        }
    };
}

/// Looks before it inserts: `entry` would ask for owned keys each time.
macro_rules! add_by_get_mut {
    ($map:expr, $k1:ident, $k2:ident) => {
        let row = match $map.get_mut($k1) {
            Some(row) => row,
            None => $map.entry($k1.to_key()).or_default(),
        };
        match row.get_mut($k2) {
            Some(count) => *count += 1,
            None => drop(row.insert($k2.to_key(), 1)),
        }
    };
}

macro_rules! add_by_entry_ref {
    ($map:expr, $k1:ident, $k2:ident) => {
        *value_of(value_of(&mut $map, $k1), $k2) += 1
    };
}

/// The value of a key, found or made by one probe.
fn value_of<'m, Q, K, V>(map: &'m mut Hashbrown<K, V>, key: &Q) -> &'m mut V
where
    Q: Hash + Equivalent<K> + ToKey<K> + ?Sized,
    K: Hash + Eq,
    V: Default,
{
    match map.entry_ref(key) {
        EntryRef::Occupied(entry) => entry.into_mut(),
        // SAFETY: the key is made from the query, so it is equivalent.
        EntryRef::Vacant(entry) => unsafe {
            entry.insert_with_key_unchecked(key.to_key(), V::default())
        },
    }
}

nested! {
    /// What programs have: the standard library's maps, and SipHash.
    NestedStd(StdMap<K, StdMap<K, u64>>), "nested std", add_by_get_mut, remove
}

nested! {
    /// The best peer that has rows: hashbrown with foldhash, and keys made only when an entry is new.
    NestedHashbrown(Hashbrown<K, Hashbrown<K, u64>>), "nested hashbrown", add_by_entry_ref, remove
}

nested! {
    /// Nested indexmap with foldhash.
    NestedIndexMap(IndexMap<K, IndexMap<K, u64, FoldHash>, FoldHash>), "nested indexmap", add_by_get_mut, swap_remove
}

nested! {
    /// Nested ordered maps.
    NestedBTree(BTreeMap<K, BTreeMap<K, u64>>), "nested BTreeMap", add_by_get_mut, remove
}

/// One hashbrown table keyed by the pair, asked by a pair of borrowed keys. It has no rows: they are found by a scan.
pub struct TupleHashbrown<K: Key>(Hashbrown<Pair<K>, u64>);

impl<K: Key> Default for TupleHashbrown<K> {
    fn default() -> Self {
        Self(Hashbrown::default())
    }
}

#[derive(PartialEq, Eq, Hash)]
struct Pair<K>(K, K);

struct PairRef<'q, Q: ?Sized>(&'q Q, &'q Q);

impl<Q: Hash + ?Sized> Hash for PairRef<'_, Q> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
        self.1.hash(state);
    }
}

impl<K: Key> Equivalent<Pair<K>> for PairRef<'_, K::Query> {
    fn equivalent(&self, pair: &Pair<K>) -> bool {
        self.0 == pair.0.borrow() && self.1 == pair.1.borrow()
    }
}

impl<K: Key> ToKey<Pair<K>> for PairRef<'_, K::Query> {
    fn to_key(&self) -> Pair<K> {
        Pair(self.0.to_key(), self.1.to_key())
    }
}

impl<K: Key> TwoLevel<K> for TupleHashbrown<K> {
    const NAME: &'static str = "tuple hashbrown";
    const FINDS_ROWS: bool = false;

    fn add(&mut self, k1: &K::Query, k2: &K::Query) {
        *value_of(&mut self.0, &PairRef(k1, k2)) += 1;
    }

    fn get(&self, k1: &K::Query, k2: &K::Query) -> Option<u64> {
        self.0.get(&PairRef(k1, k2)).copied()
    }

    fn sum_row(&self, k1: &K::Query) -> u64 {
        let of_row = self.0.iter().filter(|(pair, _)| pair.0.borrow() == k1);
        of_row.map(|(pair, v)| weigh((&pair.1, v))).fold(0, u64::wrapping_add)
    }

    fn sum_all(&self) -> u64 {
        self.0.iter().map(|(pair, v)| weigh((&pair.1, v))).fold(0, u64::wrapping_add)
    }

    fn remove_row(&mut self, k1: &K::Query) -> usize {
        let before = self.0.len();
        self.0.retain(|pair, _| pair.0.borrow() != k1);
        before - self.0.len()
    }
}

/// Calls a macro with each map type, FlatMap first.
#[macro_export]
macro_rules! for_each_map {
    ($do:ident) => {
        $do!(
            $crate::maps::Flat<_>,
            $crate::maps::NestedStd<_>,
            $crate::maps::NestedHashbrown<_>,
            $crate::maps::TupleHashbrown<_>,
            $crate::maps::NestedIndexMap<_>,
            $crate::maps::NestedBTree<_>
        )
    };
}
