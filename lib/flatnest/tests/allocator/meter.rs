//! The meter's bytes are those that the allocator was asked for.

use flatnest::FlatMap;
use flatnest::meter::{Figures, GrowKind, Metered, Nested};

use crate::counting;
use crate::random::Random;
use crate::table_ops::{Identity, Op, random_op, random_row};

/// Bytes that `op` allocates.
fn allocated<R>(op: impl FnOnce() -> R) -> (u64, R) {
    let (counts, result) = counting(op);
    (counts.bytes, result)
}

/// A hasher with the same numbers for each map, so that two maps grow alike.
type SameHasher = std::hash::BuildHasherDefault<Identity>;

macro_rules! check_single {
    ($lib:ident, $K:ty, $V:ty) => {{
        let mut kinds = Figures::default();
        for seed in 0..4 {
            let mut random = Random(seed);
            let mut map = Metered::new($lib::HashMap::<$K, $V, SameHasher>::with_hasher(
                SameHasher::default(),
            ));
            let mut bytes = 0;
            for step in 0..20_000 {
                let default = <$V>::default;
                bytes += match random_op(&mut random, step) {
                    Op::Insert(key) if step % 3 == 0 => {
                        allocated(|| *map.get_or_insert_with(key as $K, default) = default()).0
                    }
                    Op::Insert(key) => allocated(|| map.insert(key as $K, default())).0,
                    Op::Remove(key) => allocated(|| map.remove(&(key as $K))).0,
                    Op::Reserve(n) => allocated(|| map.reserve(n)).0,
                    Op::Shrink => allocated(|| map.shrink_to_fit()).0,
                    Op::Retain(rest) => allocated(|| map.retain(|&key, _| key as u64 % 8 > rest)).0,
                    Op::Clear => allocated(|| map.clear()).0,
                };
                assert_eq!(
                    map.meter().figures().allocated_bytes,
                    bytes,
                    "seed {seed}, step {step}"
                );
            }
            kinds += &map.meter().figures();
        }
        kinds
    }};
}

/// Entries of several layouts, in maps of one library.
macro_rules! check_layouts {
    ($lib:ident) => {
        let kinds = check_single!($lib, u64, u64);
        assert!(GrowKind::ALL.iter().all(|&kind| kinds.n_grows(kind) > 10), "{kinds:?}");
        check_single!($lib, u8, ());
        check_single!($lib, u16, u8);
        check_single!($lib, u32, [u64; 5]);
        check_single!($lib, u128, [u8; 3]);
    };
}

#[test]
fn bytes_of_std_are_those_of_the_allocator() {
    use std::collections as lib;
    check_layouts!(lib);
}

#[test]
fn bytes_of_hashbrown_are_those_of_the_allocator() {
    use hashbrown as lib;
    check_layouts!(lib);
}

macro_rules! check_nested {
    ($lib:ident) => {{
        type Map = $lib::HashMap<u64, $lib::HashMap<u64, u64, SameHasher>, SameHasher>;
        let mut kinds = Figures::default();
        for seed in 0..10 {
            let mut random = Random(seed);
            let mut map = Metered::new(Nested(Map::default()));
            // The meter allocates for itself too, so the bytes are counted of a plain map.
            let mut plain = Map::default();
            let mut bytes = 0;
            for step in 0..20_000 {
                let k1 = random_row(&mut random, step);
                match random_op(&mut random, step) {
                    Op::Insert(k2) => {
                        let (opened, row) = allocated(|| plain.entry(k1).or_default());
                        bytes += opened + allocated(|| row.insert(k2, 0)).0;
                        map.insert(k1, k2, 0);
                    }
                    Op::Remove(k2) => {
                        plain.get_mut(&k1).map(|row| row.remove(&k2));
                        map.remove(&k1, &k2);
                    }
                    Op::Reserve(n) => {
                        bytes += allocated(|| plain.reserve(n)).0;
                        map.reserve_rows(n);
                    }
                    Op::Shrink => {
                        bytes += allocated(|| {
                            plain.values_mut().for_each(|row| row.shrink_to_fit());
                            plain.shrink_to_fit();
                        })
                        .0;
                        map.shrink_to_fit();
                    }
                    Op::Retain(_) | Op::Clear => {
                        plain.remove(&k1);
                        map.remove_row(&k1);
                    }
                }
                assert_eq!(
                    map.meter().figures().allocated_bytes,
                    bytes,
                    "seed {seed}, step {step}"
                );
            }
            kinds += &map.meter().figures();
        }
        assert!(GrowKind::ALL.iter().all(|&kind| kinds.n_grows(kind) > 10), "{kinds:?}");
    }};
}

#[test]
fn bytes_of_nested_std_are_those_of_the_allocator() {
    use std::collections as lib;
    check_nested!(lib);
}

#[test]
fn bytes_of_nested_hashbrown_are_those_of_the_allocator() {
    use hashbrown as lib;
    check_nested!(lib);
}

#[test]
fn bytes_of_a_flat_map_are_those_of_the_allocator() {
    for seed in 0..4 {
        let mut random = Random(seed);
        let mut map = Metered::new(FlatMap::<u64, u64, u64>::new());
        let mut bytes = 0;
        for step in 0..20_000 {
            let k1 = random_row(&mut random, step);
            match random_op(&mut random, step) {
                Op::Insert(k2) if step % 3 == 0 => {
                    bytes += allocated(|| *map.get_or_insert_with(k1, k2, || 0) += 1).0;
                }
                Op::Insert(k2) => bytes += allocated(|| map.insert(k1, k2, 0)).0,
                Op::Reserve(n) => bytes += allocated(|| map.reserve(n / 8, n)).0,
                // A removal may allocate for the list of what is free again, which is no growth.
                Op::Remove(k2) => _ = map.remove(&k1, &k2),
                Op::Shrink => _ = map.remove_row(&k1),
                Op::Retain(rest) => map.retain(|_, k2, _| k2 % 8 > rest),
                Op::Clear => map.clear(),
            }
            let figures = map.meter().figures();
            assert_eq!(figures.allocated_bytes, bytes, "seed {seed}, step {step}");
        }
    }
}

#[test]
fn bytes_of_a_flat_map_with_many_rows_are_those_of_the_allocator() {
    let mut map = Metered::new(FlatMap::<u64, u64, u64>::new());
    let mut bytes = allocated(|| map.reserve(3000, 1000)).0;
    for key in 0..200_000 {
        bytes += allocated(|| map.insert(key % 70_001, key, key)).0;
        if key % 1000 == 0 {
            bytes += allocated(|| map.reserve(10, 100)).0;
        }
    }
    assert_eq!(map.meter().figures().allocated_bytes, bytes);
}
