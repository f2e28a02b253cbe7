//! Random lists of operations, and the corpus of the fuzz target.

use std::hash::BuildHasher;

use flatnest::FlatMap;

use crate::model::{Constant, FewBits, Identity, apply, apply_to_empty};

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
        seeds.map(|seed| apply_to_empty(&std::fs::read(seed.unwrap().path()).unwrap())).count();
    assert!(n_seeds > 0);
}
