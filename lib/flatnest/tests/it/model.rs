//! Lists of operations, applied to a map and to a nested `BTreeMap`, which must agree.
//!
//! A list is bytes: each operation takes what it needs from the front. So the same code serves random lists, and those
//! of the fuzz target, which includes this file.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher};

use flatnest::FlatMap;

type Model = BTreeMap<u8, BTreeMap<u16, u32>>;

/// All keys have this hash.
#[derive(Clone, Default)]
pub struct Constant;

/// The number itself.
#[derive(Clone, Default)]
pub struct Identity;

/// A hash that spreads well, and is the same in every run.
#[derive(Clone, Default)]
pub struct Spread;

/// Few bits of the number, high ones.
#[derive(Clone, Default)]
pub struct FewBits;

/// Gathers bytes in a number and makes a hash of it.
pub struct Hashed(u64, fn(u64) -> u64);

impl Hasher for Hashed {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.0 = self.0 << 8 | u64::from(byte));
    }

    fn finish(&self) -> u64 {
        (self.1)(self.0)
    }
}

impl BuildHasher for Constant {
    type Hasher = Hashed;

    fn build_hasher(&self) -> Hashed {
        Hashed(0, |_| 0x1234_5678_9abc_def0)
    }
}

impl BuildHasher for Spread {
    type Hasher = Hashed;

    fn build_hasher(&self) -> Hashed {
        Hashed(0, |number| {
            let hash = (number ^ number >> 31).wrapping_mul(0xd6e8_feb8_6659_fd93);
            (hash ^ hash >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93)
        })
    }
}

impl BuildHasher for Identity {
    type Hasher = Hashed;

    fn build_hasher(&self) -> Hashed {
        Hashed(0, |number| number)
    }
}

impl BuildHasher for FewBits {
    type Hasher = Hashed;

    fn build_hasher(&self) -> Hashed {
        Hashed(0, |number| (number % 5) << 60)
    }
}

/// What an operation reads its choices from; 0 after the end.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or(0)
    }

    /// Few rows, so that some get long.
    fn key1(&mut self) -> u8 {
        self.byte() % 23
    }

    /// In some rows many, in some few.
    fn key2(&mut self, key1: u8) -> u16 {
        let number = u16::from_le_bytes([self.byte(), self.byte()]);
        number % if key1.is_multiple_of(3) { 1000 } else { 12 }
    }
}

/// Applies a list to a map with two rows of equal length. The first byte chooses the hasher and that length.
pub fn apply_to_some(list: &[u8]) {
    let Some((choice, list)) = list.split_first() else { return };
    let len = [0, 30, 300, 1000][usize::from(choice / 4 % 4)];
    match choice % 4 {
        0 => apply(&mut two_rows(len, Spread), list),
        1 => apply(&mut two_rows(len, Identity), list),
        2 => apply(&mut two_rows(len, FewBits), list),
        _ => apply(&mut two_rows(len, Constant), list),
    };
}

fn two_rows<S: BuildHasher>(len: u16, hasher: S) -> FlatMap<u8, u16, u32, S> {
    let mut map = FlatMap::with_hasher(hasher);
    map.extend((0..len).flat_map(|key2| [(0, key2, 1), (3, key2, 2)]));
    map
}

/// Applies a list to a map and its model; returns how many operations it had.
pub fn apply<S: BuildHasher + Clone + Default>(
    map: &mut FlatMap<u8, u16, u32, S>,
    list: &[u8],
) -> usize {
    let mut model: Model = map.clone().into_nested();
    let mut choices = Choices(list);
    let mut n_operations = 0;
    while !choices.0.is_empty() {
        n_operations += 1;
        one_operation(map, &mut model, &mut choices, n_operations as u32);
        assert_eq!(map.n_rows(), model.len());
        if n_operations % 64 == 0 {
            map.check_invariants();
        }
    }
    map.check_invariants();
    assert_same(map, &model);
    n_operations
}

fn remove(model: &mut Model, key1: u8, key2: u16) -> Option<u32> {
    let row = model.get_mut(&key1)?;
    let removed = row.remove(&key2);
    if row.is_empty() {
        model.remove(&key1);
    }
    removed
}

fn one_operation<S: BuildHasher + Clone + Default>(
    map: &mut FlatMap<u8, u16, u32, S>,
    model: &mut Model,
    choices: &mut Choices,
    value: u32,
) {
    let kind = choices.byte();
    let key1 = choices.key1();
    let key2 = choices.key2(key1);
    let known = model.get(&key1).and_then(|row| row.get(&key2)).copied();
    match kind {
        0..80 => {
            assert_eq!(map.insert(key1, key2, value), known);
            model.entry(key1).or_default().insert(key2, value);
        }
        80..110 => {
            *map.get_or_insert_with(key1, key2, || 7) += 1;
            *model.entry(key1).or_default().entry(key2).or_insert(7) += 1;
        }
        110..130 => {
            map.entry(key1, key2).and_modify(|v| *v ^= 1).or_insert(value);
            let row = model.entry(key1).or_default();
            row.entry(key2).and_modify(|v| *v ^= 1).or_insert(value);
        }
        130..150 => {
            *map.entry_ref(&key1, &key2).or_default() += 3;
            *model.entry(key1).or_default().entry(key2).or_default() += 3;
        }
        150..180 => {
            assert_eq!(map.get(&key1, &key2).copied(), known);
            assert_eq!(map.get_mut(&key1, &key2).copied(), known);
            assert_eq!(map.contains(&key1, &key2), known.is_some());
        }
        180..215 => assert_eq!(map.remove(&key1, &key2), remove(model, key1, key2)),
        215..225 => {
            if let flatnest::Entry::Occupied(entry) = map.entry(key1, key2) {
                assert_eq!((*entry.key1(), *entry.key2()), (key1, key2));
                assert_eq!(entry.remove_entry(), (key2, known.expect("the model has it")));
                remove(model, key1, key2);
            }
        }
        _ => row_operation(map, model, kind, (key1, key2, value)),
    }
    assert_eq!(
        map.row(&key1).map_or(0, |row| row.len()),
        model.get(&key1).map_or(0, BTreeMap::len)
    );
}

fn row_operation<S: BuildHasher + Clone + Default>(
    map: &mut FlatMap<u8, u16, u32, S>,
    model: &mut Model,
    kind: u8,
    (key1, key2, value): (u8, u16, u32),
) {
    match kind {
        225..235 => {
            let removed = map.row_mut(&key1).and_then(|mut row| row.remove(&key2));
            assert_eq!(removed, remove(model, key1, key2));
            let found: BTreeMap<_, _> =
                map.row(&key1).into_iter().flatten().map(|(k, v)| (*k, *v)).collect();
            assert_eq!(found, model.get(&key1).cloned().unwrap_or_default());
        }
        235..238 => {
            let n = model.remove(&key1).map_or(0, |row| row.len());
            assert_eq!(map.remove_row(&key1), n);
        }
        238..241 => {
            let drained: BTreeMap<_, _> = map.drain_row(&key1).collect();
            assert_eq!(drained, model.remove(&key1).unwrap_or_default());
        }
        241..244 => {
            let keep = |k: u16, v: u32| k % 7 != key2 % 7 && v % 5 != 1;
            if let Some(mut row) = map.row_mut(&key1) {
                row.retain(|k, v| keep(*k, *v));
            }
            if let Some(row) = model.get_mut(&key1) {
                row.retain(|k, v| keep(*k, *v));
            }
            model.retain(|_, row| !row.is_empty());
        }
        244 => {
            map.retain(|k1, k2, _| k1 % 4 != key1 % 4 || k2 % 3 != key2 % 3);
            for (k1, row) in model.iter_mut() {
                row.retain(|k2, _| k1 % 4 != key1 % 4 || k2 % 3 != key2 % 3);
            }
            model.retain(|_, row| !row.is_empty());
        }
        245 => {
            map.shrink_to_fit();
            map.check_invariants();
        }
        246 => {
            map.reserve(usize::from(key1), usize::from(key2));
            map.check_invariants();
        }
        247 if key2 % 4 == 0 => {
            map.clear();
            model.clear();
        }
        248 if key2 % 4 == 0 => {
            let drained = map.drain().fold(Model::new(), |mut model, (k1, k2, v)| {
                model.entry(k1).or_default().insert(k2, v);
                model
            });
            assert_eq!(&drained, model);
            model.clear();
        }
        249 => {
            let entries =
                (0..100).map(|i| ((key1 + i) % 23, key2.wrapping_mul(u16::from(i)), value));
            map.extend(entries.clone());
            for (k1, k2, v) in entries {
                model.entry(k1).or_default().insert(k2, v);
            }
        }
        250 => {
            let keys: Vec<_> = (0..70).map(|i| ((key1 + i) % 23, key2 ^ u16::from(i))).collect();
            map.upsert_many(keys.iter().map(|(k1, k2)| (k1, k2, 2)), |v, n| *v += n);
            for (k1, k2) in &keys {
                *model.entry(*k1).or_default().entry(*k2).or_default() += 2;
            }
            let mut found = Vec::new();
            map.get_many(keys.iter().map(|(k1, k2)| (k1, k2)), |v| found.push(v));
            let expected = keys.iter().map(|(k1, k2)| model.get(k1).and_then(|row| row.get(k2)));
            assert!(found.into_iter().eq(expected));
        }
        _ => {
            map.iter_mut().for_each(|(_, _, v)| *v ^= value);
            model.values_mut().flat_map(BTreeMap::values_mut).for_each(|v| *v ^= value);
        }
    }
}

fn assert_same<S: BuildHasher>(map: &FlatMap<u8, u16, u32, S>, model: &Model) {
    assert_eq!(map.len(), model.values().map(BTreeMap::len).sum::<usize>());
    let mut found = Model::new();
    for (key1, key2, value) in map {
        assert_eq!(found.entry(*key1).or_default().insert(*key2, *value), None);
    }
    assert_eq!(&found, model);
    for (key1, row) in model {
        for (key2, value) in row {
            assert_eq!(map.get(key1, key2), Some(value));
        }
    }
}
