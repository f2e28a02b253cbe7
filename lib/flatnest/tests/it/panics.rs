//! The user's code panics anywhere: the map stays valid, and nothing is dropped twice.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::hash::{BuildHasher, Hash, Hasher};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use flatnest::{Entry, FlatMap};

use crate::operations::Random;

type Map<S> = FlatMap<Tracked, Tracked, Tracked, S>;

thread_local! {
    /// Calls of the user's code until one panics.
    static FUSE: Cell<Option<u32>> = const { Cell::new(None) };
    static ALIVE: RefCell<HashSet<u64>> = RefCell::new(HashSet::new());
    static N_MADE: Cell<u64> = const { Cell::new(0) };
    static N_DROPPED_TWICE: Cell<u32> = const { Cell::new(0) };
}

/// Panics if it is time. Every piece of the user's code calls it.
fn tick() {
    FUSE.with(|fuse| match fuse.get() {
        Some(0) => {
            fuse.set(None);
            panic!("the fuse is burnt");
        }
        Some(n) => fuse.set(Some(n - 1)),
        None => {}
    });
}

/// A key or value of which each instance is known.
#[derive(Debug)]
struct Tracked {
    number: u32,
    instance: u64,
}

impl Tracked {
    fn new(number: u32) -> Self {
        let instance = N_MADE.with(|n| n.replace(n.get() + 1));
        ALIVE.with_borrow_mut(|alive| alive.insert(instance));
        Self { number, instance }
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        if !ALIVE.with_borrow_mut(|alive| alive.remove(&self.instance)) {
            N_DROPPED_TWICE.set(N_DROPPED_TWICE.get() + 1);
        }
        tick();
    }
}

impl Clone for Tracked {
    fn clone(&self) -> Self {
        tick();
        Self::new(self.number)
    }
}

impl PartialEq for Tracked {
    fn eq(&self, other: &Self) -> bool {
        tick();
        self.number == other.number
    }
}

impl Eq for Tracked {}

impl Hash for Tracked {
    fn hash<H: Hasher>(&self, state: &mut H) {
        tick();
        self.number.hash(state);
    }
}

impl Default for Tracked {
    fn default() -> Self {
        tick();
        Self::new(0)
    }
}

fn one_call<S: BuildHasher + Clone>(map: &mut Map<S>, random: &mut Random) {
    let kind = random.next() % 20;
    let mut key1 = || Tracked::new(random.next() as u32 % 5);
    let (k1, other_k1) = (key1(), key1());
    let mut key2 = || Tracked::new(random.next() as u32 % 150);
    let (k2, other_k2) = (key2(), key2());
    match kind {
        0..4 => drop(map.insert(k1, k2, other_k1)),
        4..7 => {
            map.get_or_insert_with(k1, k2, Tracked::default).number += 1;
        }
        7 => {
            map.entry(k1, k2).and_modify(|_| tick()).or_default();
        }
        8 => {
            map.entry_ref(&k1, &k2).or_default();
        }
        9 => drop(map.remove(&k1, &k2)),
        10 => {
            if let Entry::Occupied(entry) = map.entry(k1, k2) {
                drop(entry.remove_entry());
            }
        }
        11 => {
            map.retain(|_, k2, _| {
                tick();
                k2.number % 3 != other_k2.number % 3
            });
        }
        12 => {
            if let Some(mut row) = map.row_mut(&k1) {
                row.retain(|k2, _| {
                    tick();
                    k2.number % 2 == 0
                });
            }
        }
        13 => {
            let entries =
                (0..60).map(|i| (Tracked::new(i % 3), Tracked::new(i), Tracked::default()));
            map.extend(entries);
        }
        14 => drop(map.clone()),
        15 => map.shrink_to_fit(),
        16 => drop(map.drain_row(&k1).take(3).count()),
        17 => {
            map.upsert_many([(&k1, &k2, 1), (&other_k1, &other_k2, 2)], |v, n| {
                tick();
                v.number += n;
            });
        }
        18 if k2.number % 8 == 0 => drop(map.drain().take(3).count()),
        19 if k2.number % 8 == 0 => map.clear(),
        _ => {
            map.remove_row(&k1);
        }
    }
}

/// Each entry is found, and there are as many as the map says.
fn check_usable<S: BuildHasher>(map: &Map<S>) {
    map.check_invariants();
    let n_found = map.iter().filter(|(k1, k2, _)| map.contains(*k1, *k2)).count();
    assert_eq!(n_found, map.len());
    ALIVE.with_borrow(|alive| {
        for (k1, k2, v) in map {
            assert!([k1, k2, v].iter().all(|tracked| alive.contains(&tracked.instance)));
        }
    });
}

#[track_caller]
fn check_panics<S: BuildHasher + Clone + Default>() {
    let seed = std::hash::RandomState::new().hash_one(0) | 1;
    println!("seed {seed:#x}");
    let mut random = Random(seed);
    let mut n_panics = 0;
    std::panic::set_hook(Box::new(|info| {
        // Only what the tests do not expect is worth reading.
        if info.payload().downcast_ref::<&str>() != Some(&"the fuse is burnt") {
            eprintln!("{info}");
        }
    }));
    let mut map = Map::with_hasher(S::default());
    for round in 0..6000 {
        FUSE.set(Some((random.next() % 60) as u32));
        let result = catch_unwind(AssertUnwindSafe(|| one_call(&mut map, &mut random)));
        FUSE.set(None);
        n_panics += u32::from(result.is_err());
        check_usable(&map);
        if round % 100 == 99 {
            // The drop of a whole map panics too.
            FUSE.set(Some((random.next() % 200) as u32));
            let old = mem::replace(&mut map, Map::with_hasher(S::default()));
            n_panics += u32::from(catch_unwind(AssertUnwindSafe(|| drop(old))).is_err());
            FUSE.set(None);
        }
    }
    drop(map);
    assert!(n_panics > 500, "only {n_panics} calls panicked");
    assert_eq!(N_DROPPED_TWICE.get(), 0);
}

#[test]
fn the_map_survives_panics() {
    check_panics::<crate::model::Spread>();
}

#[test]
fn the_map_survives_panics_when_all_keys_collide() {
    check_panics::<crate::model::Constant>();
}

#[test]
fn nothing_leaks_without_panics() {
    let mut random = Random(77);
    let mut map = Map::with_hasher(crate::model::Spread);
    for _ in 0..5000 {
        one_call(&mut map, &mut random);
    }
    let n_alive = |n: usize| assert_eq!(ALIVE.with_borrow(HashSet::len), n);
    n_alive(map.n_rows() + 2 * map.len());
    drop(map);
    n_alive(0);
}

#[test]
fn a_leaked_iterator_leaves_a_valid_map() {
    let mut map = Map::with_hasher(crate::model::Spread);
    let fill = |map: &mut Map<_>| {
        map.extend((0..300).map(|i| (Tracked::new(i % 3), Tracked::new(i), Tracked::new(i))));
    };
    fill(&mut map);
    let mut drained = map.drain_row(&Tracked::new(1));
    assert!(drained.next().is_some());
    mem::forget(drained);
    assert_eq!((map.len(), map.n_rows()), (200, 2));
    check_usable(&map);
    fill(&mut map);
    let mut drained = map.drain();
    assert!(drained.next().is_some());
    mem::forget(drained);
    assert!(map.is_empty());
    fill(&mut map);
    mem::forget(map.entry(Tracked::new(1), Tracked::new(1)));
    check_usable(&map);
    assert_eq!(N_DROPPED_TWICE.get(), 0);
}

#[test]
fn the_other_entries_of_a_row_are_dropped_after_a_panic() {
    for n in [10, 400] {
        let mut map = Map::with_hasher(crate::model::Spread);
        map.extend((0..n).map(|i| (Tracked::new(1), Tracked::new(i), Tracked::new(i))));
        let key = Tracked::new(1);
        FUSE.set(Some(n / 2));
        assert!(catch_unwind(AssertUnwindSafe(|| map.remove_row(&key))).is_err());
        FUSE.set(None);
        check_usable(&map);
        drop((map, key));
        // The key of the row goes with it too.
        assert_eq!((ALIVE.with_borrow(HashSet::len), N_DROPPED_TWICE.get()), (0, 0));
    }
}
