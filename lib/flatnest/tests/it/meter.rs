//! The meter's figures are those that a counting hasher finds, or that were computed by hand.

use std::cell::Cell;
use std::hash::BuildHasher;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use flatnest::FlatMap;
use flatnest::meter::{Figures, Grow, GrowKind, Metered, Nested};

use crate::random::Random;
use crate::table_ops::{Identity, Op, random_op};

/// Counts the hashers that are built: one for each key hashed.
#[derive(Clone, Default)]
struct CountHashes(Rc<Cell<u64>>);

impl BuildHasher for CountHashes {
    type Hasher = Identity;

    fn build_hasher(&self) -> Identity {
        self.0.set(self.0.get() + 1);
        Identity(0)
    }
}

thread_local! {
    /// Counts the hashes of inner maps, which are made by `Default`.
    static INNER: CountHashes = CountHashes::default();
}

/// As `CountHashes`, with one count for all of a thread.
#[derive(Clone, Copy, Default)]
struct CountInnerHashes;

impl BuildHasher for CountInnerHashes {
    type Hasher = Identity;

    fn build_hasher(&self) -> Identity {
        INNER.with(CountHashes::build_hasher)
    }
}

macro_rules! moved_entries_are_the_hashes {
    ($name:ident, $HashMap:ty) => {
        #[test]
        fn $name() {
            let mut kinds = Figures::default();
            for seed in 0..20 {
                let mut random = Random(seed);
                let hashes = CountHashes::default();
                let mut map = Metered::new(<$HashMap>::with_hasher(hashes.clone()));
                let (mut rehashes, mut assigns, mut inserts) = (0, 0, 0);
                for step in 0..20_000 {
                    hashes.0.set(0);
                    match random_op(&mut random, step) {
                        Op::Insert(key) => {
                            assigns += 1;
                            inserts += u64::from(map.insert(key, step).is_none());
                            rehashes += hashes.0.get() - 1;
                        }
                        Op::Remove(key) => _ = map.remove(&key),
                        Op::Reserve(n) => {
                            map.reserve(n);
                            rehashes += hashes.0.get();
                        }
                        Op::Shrink => {
                            map.shrink_to_fit();
                            rehashes += hashes.0.get();
                        }
                        Op::Retain(rest) => map.retain(|key, _| key % 8 > rest),
                        Op::Clear => map.clear(),
                    }
                    let figures = map.meter().figures();
                    assert_eq!(figures.moved_entries, rehashes, "seed {seed}, step {step}");
                    assert_eq!((figures.assigns, figures.inserts), (assigns, inserts));
                    assert_eq!(figures.inserted_bytes, inserts * 16);
                    assert_eq!(figures.moved_bytes, rehashes * 16);
                }
                kinds += &map.meter().figures();
            }
            for kind in GrowKind::ALL {
                assert!(kinds.n_grows(kind) > 10, "{kind:?} {}", kinds.n_grows(kind));
            }
        }
    };
}

moved_entries_are_the_hashes!(
    moved_entries_of_std_are_the_rehashes,
    std::collections::HashMap<u64, usize, CountHashes>
);
moved_entries_are_the_hashes!(
    moved_entries_of_hashbrown_are_the_rehashes,
    hashbrown::HashMap<u64, usize, CountHashes>
);

use crate::table_ops::random_row;

/// Hashes that `op` takes.
fn counted<R>(hashes: &CountHashes, op: impl FnOnce() -> R) -> u64 {
    let before = hashes.0.get();
    op();
    hashes.0.get() - before
}

macro_rules! nested_moved_entries_are_the_hashes {
    ($name:ident, $lib:ident :: $module:ident) => {
        #[test]
        fn $name() {
            use $lib::$module::HashMap;
            let outer_entry = size_of::<(u64, HashMap<u64, usize, CountInnerHashes>)>() as u64;
            let mut kinds = Figures::default();
            for seed in 0..10 {
                let mut random = Random(seed);
                let outer = CountHashes::default();
                let inner = INNER.with(Clone::clone);
                // The plain map goes through the same operations, and its hashers are counted.
                let mut plain =
                    HashMap::<u64, HashMap<u64, usize, CountInnerHashes>, _>::with_hasher(
                        outer.clone(),
                    );
                let mut map = Metered::new(Nested(HashMap::with_hasher(CountHashes::default())));
                let (mut outer_moved, mut inner_moved, mut inserts, mut rows) = (0, 0, 0, 0);
                for step in 0..20_000 {
                    let k1 = random_row(&mut random, step);
                    match random_op(&mut random, step) {
                        Op::Insert(k2) => {
                            if !plain.contains_key(&k1) {
                                rows += 1;
                                outer_moved +=
                                    counted(&outer, || plain.insert(k1, HashMap::default())) - 1;
                            }
                            let row = plain.get_mut(&k1).unwrap();
                            let is_new = !row.contains_key(&k2);
                            inserts += u64::from(is_new);
                            if step % 2 == 0 {
                                inner_moved += counted(&inner, || row.insert(k2, step)) - 1;
                                assert_eq!(map.insert(k1, k2, step).is_none(), is_new);
                            } else {
                                if is_new {
                                    inner_moved += counted(&inner, || row.insert(k2, step)) - 1;
                                }
                                *row.get_mut(&k2).unwrap() = step;
                                *map.get_or_insert_with(k1, k2, || step) = step;
                            }
                        }
                        Op::Remove(k2) => {
                            let removed = plain.get_mut(&k1).and_then(|row| row.remove(&k2));
                            assert_eq!(map.remove(&k1, &k2), removed);
                        }
                        Op::Reserve(n) => {
                            outer_moved += counted(&outer, || plain.reserve(n));
                            map.reserve_rows(n);
                        }
                        Op::Shrink => {
                            for row in plain.values_mut() {
                                inner_moved += counted(&inner, || row.shrink_to_fit());
                            }
                            outer_moved += counted(&outer, || plain.shrink_to_fit());
                            map.shrink_to_fit();
                        }
                        Op::Retain(_) | Op::Clear => {
                            assert_eq!(map.remove_row(&k1), plain.remove(&k1));
                        }
                    }
                    let figures = map.meter().figures();
                    let moved = outer_moved + inner_moved;
                    assert_eq!(figures.moved_entries, moved, "seed {seed}, step {step}");
                    assert_eq!(figures.moved_bytes, outer_moved * outer_entry + inner_moved * 16);
                    assert_eq!(figures.inserts, rows + inserts);
                    assert_eq!(figures.inserted_bytes, rows * outer_entry + inserts * 16);
                }
                assert!(map.iter().eq(plain.iter()));
                kinds += &map.meter().figures();
            }
            for kind in GrowKind::ALL {
                assert!(kinds.n_grows(kind) > 10, "{kind:?} {}", kinds.n_grows(kind));
            }
        }
    };
}

nested_moved_entries_are_the_hashes!(
    moved_entries_of_nested_std_are_the_rehashes,
    std::collections
);
nested_moved_entries_are_the_hashes!(
    moved_entries_of_nested_hashbrown_are_the_rehashes,
    hashbrown::hash_map
);

#[test]
fn write_amplification_of_29_entries_is_as_computed_by_hand() {
    // Room for 3, 7, 14, 28, 56: the 4th, 8th, 15th and 29th insert move 3 + 7 + 14 + 28 = 52 entries.
    let mut map = Metered::new(std::collections::HashMap::new());
    for key in 0..29_u64 {
        map.insert(key, key);
    }
    let figures = map.meter().figures();
    assert_eq!(figures.moved_entries, 52);
    assert_eq!(figures.write_amplification(), Some((29.0 + 52.0) / 29.0));
    assert_eq!(figures.write_amplification_in_bytes(), figures.write_amplification());
    // Presized, nothing moves.
    let mut map = Metered::new(std::collections::HashMap::with_capacity(29));
    (0..29_u64).for_each(|key| _ = map.insert(key, key));
    assert_eq!(map.meter().figures().write_amplification(), Some(1.0));
}

#[test]
fn write_amplification_of_a_nested_map_counts_both_levels() {
    // 4 rows of 4: the outer table moves 3 rows once, and each row 3 entries once.
    let mut map =
        Metered::new(Nested(hashbrown::HashMap::<u64, hashbrown::HashMap<u64, u64>>::new()));
    for k1 in 0..4 {
        for k2 in 0..4 {
            map.insert(k1, k2, 0);
        }
    }
    let figures = map.meter().figures();
    assert_eq!((figures.inserts, figures.moved_entries), (4 + 16, 3 + 4 * 3));
    let row = size_of::<(u64, hashbrown::HashMap<u64, u64>)>() as f64;
    let (inserted, moved) = (4.0 * row + 16.0 * 16.0, 3.0 * row + 12.0 * 16.0);
    assert_eq!(figures.write_amplification_in_bytes(), Some((inserted + moved) / inserted));
}

#[test]
fn a_map_that_only_overwrites_has_no_amplification() {
    let mut map = Metered::new(std::collections::HashMap::with_capacity(10));
    map.insert(1, 'a');
    (0..1000).for_each(|_| _ = map.insert(1, 'b'));
    let figures = map.meter().figures();
    assert_eq!((figures.assigns, figures.overwrites()), (1001, 1000));
    assert_eq!(figures.write_amplification(), Some(1.0));
}

#[test]
fn tells_each_growth_to_the_hook() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&seen);
    let mut map = Metered::new(std::collections::HashMap::<u64, u64>::new())
        .on_grow(move |grow: &Grow| told.lock().unwrap().push(grow.clone()));
    (0..8).for_each(|key| _ = map.insert(key, key));
    (1..8).for_each(|key| _ = map.remove(&key));
    map.shrink_to_fit();
    let events: Vec<_> = seen.lock().unwrap().iter().map(|grow| format!("{grow:?}")).collect();
    expect_test::expect![[r"
        Grow { kind: First, n_grows: 1, capacity: Some((0, 3)), moved_entries: 0, moved_bytes: 0, allocated_bytes: 84 }
        Grow { kind: Larger, n_grows: 1, capacity: Some((3, 7)), moved_entries: 3, moved_bytes: 48, allocated_bytes: 152 }
        Grow { kind: Larger, n_grows: 1, capacity: Some((7, 14)), moved_entries: 7, moved_bytes: 112, allocated_bytes: 288 }
        Grow { kind: Smaller, n_grows: 1, capacity: Some((14, 3)), moved_entries: 1, moved_bytes: 16, allocated_bytes: 84 }
    "]]
    .assert_eq(&(events.join("\n") + "\n"));
}

#[test]
fn figures_can_be_read_while_another_thread_writes() {
    let mut map = Metered::new(std::collections::HashMap::new());
    let meter = map.meter();
    let writer =
        std::thread::spawn(move || (0..100_000_u64).for_each(|key| _ = map.insert(key, key)));
    let mut last = 0;
    while !writer.is_finished() {
        let inserts = meter.figures().inserts;
        assert!(inserts >= last);
        last = inserts;
    }
    writer.join().unwrap();
    assert_eq!(meter.figures().inserts, 100_000);
}

/// Where each value lies.
fn places(map: &FlatMap<u64, u64, usize>) -> std::collections::HashMap<(u64, u64), usize> {
    map.iter().map(|(k1, k2, value)| ((*k1, *k2), core::ptr::from_ref(value).addr())).collect()
}

#[test]
fn moved_entries_of_a_flat_map_are_those_that_got_another_place() {
    for seed in 0..4 {
        let mut random = Random(seed);
        let mut map = Metered::new(FlatMap::<u64, u64, usize>::new());
        let (mut moved, mut assigns, mut inserts) = (0, 0, 0);
        for step in 0..8000 {
            let k1 = [random.below(3), random.below(40)][step / 2000 % 2] as u64;
            let before = places(&map);
            match random_op(&mut random, step) {
                Op::Insert(k2) => {
                    assigns += 1;
                    let is_new = !map.contains(&k1, &k2);
                    inserts += u64::from(is_new);
                    if step % 2 == 0 {
                        assert_eq!(map.insert(k1, k2, step).is_none(), is_new);
                    } else {
                        *map.get_or_insert_with(k1, k2, || 0) = step;
                    }
                }
                Op::Reserve(n) => map.reserve(n / 8, n),
                // Removal moves entries too, but is no growth.
                Op::Remove(k2) => {
                    map.remove(&k1, &k2);
                    continue;
                }
                Op::Shrink | Op::Retain(_) => {
                    map.remove_row(&k1);
                    continue;
                }
                Op::Clear => {
                    map.clear();
                    continue;
                }
            }
            let after = places(&map);
            moved += before.iter().filter(|(keys, place)| after[keys] != **place).count() as u64;
            let figures = map.meter().figures();
            assert_eq!(figures.moved_entries, moved, "seed {seed}, step {step}");
            assert_eq!(figures.moved_bytes, moved * 16);
            assert_eq!((figures.assigns, figures.inserts), (assigns, inserts));
            assert_eq!(figures.inserted_bytes, inserts * 16);
        }
        assert!(moved > 1000, "{moved}");
    }
}

#[test]
fn bulk_writes_of_a_flat_map_are_counted_one_by_one() {
    let triples = |n| (0..n).map(|i| (i % 50, i % 70, i));
    let mut many = Metered::new(FlatMap::<u64, u64, u64>::new());
    many.extend(triples(3000));
    let keys: Vec<_> = triples(500).collect();
    many.upsert_many(keys.iter().map(|(k1, k2, n)| (k1, k2, n)), |value, n| *value += n);
    let mut single = Metered::new(FlatMap::<u64, u64, u64>::new());
    triples(3000).for_each(|(k1, k2, value)| _ = single.insert(k1, k2, value));
    triples(500).for_each(|(k1, k2, n)| *single.get_or_insert_ref_with(&k1, &k2, || 0) += n);
    assert_eq!(*many, *single);
    let (many, single) = (many.meter().figures(), single.meter().figures());
    assert_eq!((many.assigns, many.inserts), (3500, 350));
    assert_eq!((many.assigns, many.inserts), (single.assigns, single.inserts));
    assert_eq!(many.moved_entries, single.moved_entries);
    assert_eq!(many.inserted_bytes, single.inserted_bytes);
}
