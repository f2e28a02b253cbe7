//! Random lists of operations, and the corpus of the fuzz target.

use std::hash::BuildHasher;

use flatnest::FlatMap;

use crate::model::{Constant, FewBits, Identity, apply, apply_to_some};

/// How many operations random lists have together, in one run of the tests. Under valgrind, a hundredth of it will do.
fn n_operations() -> usize {
    let chosen = std::env::var("FLATNEST_OPERATIONS").ok();
    chosen.map_or(1_000_000, |n| n.parse().expect("FLATNEST_OPERATIONS is a number"))
}

/// Xorshift: random enough, and the same everywhere.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

#[track_caller]
fn check_random_lists<S: BuildHasher + Clone + Default>(n_operations: usize) {
    let seed = std::hash::RandomState::new().hash_one(0) | 1;
    // Shown when the test fails.
    println!("seed {seed:#x}");
    let mut random = Random(seed);
    let mut map = FlatMap::<_, _, _, S>::default();
    let mut n_done = 0;
    while n_done < n_operations {
        // Long lists of one kind of operations now and then, so that rows get long and go.
        let mut list: Vec<u8> = (0..4000).map(|_| random.next() as u8).collect();
        match random.next() % 4 {
            0 => list.iter_mut().step_by(4).for_each(|kind| *kind %= 140),
            1 => list.iter_mut().step_by(4).for_each(|kind| *kind = 180 + *kind % 50),
            _ => {}
        }
        n_done += apply(&mut map, &list);
    }
}

#[test]
fn random_lists_agree_with_the_model_under_the_default_hasher() {
    check_random_lists::<flatnest::DefaultHashBuilder>(n_operations() * 4 / 10);
}

#[test]
fn random_lists_agree_with_the_model_under_siphash() {
    check_random_lists::<std::hash::RandomState>(n_operations() * 2 / 10);
}

#[test]
fn random_lists_agree_with_the_model_when_the_hash_is_the_number() {
    check_random_lists::<Identity>(n_operations() * 2 / 10);
}

#[test]
fn random_lists_agree_with_the_model_when_hashes_have_few_bits() {
    check_random_lists::<FewBits>(n_operations() / 10);
}

#[test]
fn random_lists_agree_with_the_model_when_all_keys_collide() {
    check_random_lists::<Constant>(n_operations() / 10);
}

#[test]
fn the_fuzz_corpus_replays() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/flatnest");
    // The published package comes without it.
    let Ok(seeds) = std::fs::read_dir(corpus) else { return };
    let n_seeds =
        seeds.map(|seed| apply_to_some(&std::fs::read(seed.unwrap().path()).unwrap())).count();
    assert!(n_seeds > 0);
}

/// Fills long rows, and takes them out row by row, with one map all the time.
#[track_caller]
fn check_long_rows_come_and_go<S: BuildHasher + Clone + Default>() {
    let mut map = FlatMap::<u32, u32, u32, S>::default();
    for round in 0..4 {
        for (key1, len) in [(0, 20), (1, 200), (2, 256), (3, 257), (4, 3000), (5, 900)] {
            map.extend((0..len).map(|key2| (key1, key2, key2 ^ round)));
            map.check_invariants();
            let row = map.row(&key1).unwrap();
            assert_eq!(row.len(), len as usize);
            assert!((0..len).all(|key2| row.get(&key2) == Some(&(key2 ^ round))));
            assert!((len..2 * len).all(|key2| row.get(&key2).is_none()));
        }
        for key1 in [4, 2, 3, 0, 5, 1] {
            assert!(map.remove_row(&key1) > 0);
            map.check_invariants();
        }
        assert!(map.is_empty());
    }
}

/// A row of one length, whose keys are others after each removal.
#[track_caller]
fn check_keys_come_and_go<S: BuildHasher + Clone + Default>(len: u32) {
    let mut map = FlatMap::<u32, u32, u32, S>::default();
    for key2 in 0..6 * len.max(300) {
        map.insert(0, key2, key2);
        let Some(old) = key2.checked_sub(len) else { continue };
        assert_eq!(map.remove(&0, &old), Some(old));
        assert_eq!(map.get(&0, &old), None);
        if key2 % 16 == 0 {
            map.check_invariants();
            assert!((old + 1..=key2).all(|key2| map.get(&0, &key2) == Some(&key2)));
        }
    }
    assert_eq!(map.row(&0).map_or(0, |row| row.len()), len as usize);
}

#[test]
fn long_rows_come_and_go() {
    check_long_rows_come_and_go::<crate::model::Spread>();
    check_long_rows_come_and_go::<Identity>();
    check_long_rows_come_and_go::<FewBits>();
    check_long_rows_come_and_go::<Constant>();
}

#[test]
fn keys_of_long_rows_come_and_go() {
    for len in [17, 31, 120, 250, 700] {
        check_keys_come_and_go::<crate::model::Spread>(len);
        check_keys_come_and_go::<Identity>(len);
        check_keys_come_and_go::<FewBits>(len);
    }
    check_keys_come_and_go::<Constant>(100);
}
