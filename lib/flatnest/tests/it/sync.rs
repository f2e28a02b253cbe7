//! The concurrent map: against a model, by many threads at once, and when closures misbehave.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;

use flatnest::sync::ShardedMap;

use crate::random::Random;

/// Gives every key the same hash, and so puts all rows into one shard.
#[derive(Clone, Default)]
struct Constant;

impl BuildHasher for Constant {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        Self
    }
}

impl Hasher for Constant {
    fn write(&mut self, _: &[u8]) {}

    fn finish(&self) -> u64 {
        7
    }
}

fn sorted(mut row: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    row.sort_unstable();
    row
}

fn check_against_model<S: BuildHasher>(map: &ShardedMap<u64, u64, u64, S>, seed: u64) {
    println!("seed {seed}");
    let mut model = BTreeMap::<(u64, u64), u64>::new();
    let mut random = Random(seed);
    for n in 0..20_000 {
        let (k1, k2) = (random.below(20) as u64, random.below(20) as u64);
        match random.below(100) {
            0..30 => assert_eq!(map.insert(k1, k2, n), model.insert((k1, k2), n)),
            30..50 => {
                map.upsert(&k1, &k2, n, |value| *value += n);
                model.entry((k1, k2)).and_modify(|value| *value += n).or_insert(n);
            }
            50..60 => {
                let before = map.update(&k1, &k2, |value| std::mem::replace(value, n));
                assert_eq!(
                    before,
                    model.get_mut(&(k1, k2)).map(|value| std::mem::replace(value, n))
                );
            }
            60..70 => assert_eq!(map.get(&k1, &k2), model.get(&(k1, k2)).copied()),
            70..88 => assert_eq!(map.remove(&k1, &k2), model.remove(&(k1, k2))),
            88..94 => {
                let row = model.range((k1, 0)..(k1 + 1, 0)).map(|(&(_, k2), &value)| (k2, value));
                assert_eq!(sorted(map.row_snapshot(&k1)), row.collect::<Vec<_>>());
            }
            94..98 => {
                let before = model.len();
                model.retain(|&(row, _), _| row != k1);
                assert_eq!(map.remove_row(&k1), before - model.len());
            }
            98 => {
                map.retain(|k1, k2, value| (*k1 + *k2 + *value) % 5 != 0);
                model.retain(|&(k1, k2), value| (k1 + k2 + *value) % 5 != 0);
            }
            _ => {
                let mut all = BTreeMap::new();
                map.for_each(|k1, k2, value| assert_eq!(all.insert((*k1, *k2), *value), None));
                assert_eq!(all, model);
            }
        }
        assert_eq!(map.len(), model.len());
    }
}

#[test]
fn answers_as_an_ordered_map_does() {
    check_against_model(&ShardedMap::new(), 1);
    check_against_model(&ShardedMap::with_shards_and_hasher(1, std::hash::RandomState::new()), 2);
    check_against_model(&ShardedMap::with_shards_and_hasher(64, Constant), 3);
}

#[test]
fn has_a_power_of_two_of_shards() {
    let n_shards = |n| ShardedMap::<u8, u8, u8, _>::with_shards_and_hasher(n, Constant).n_shards();
    assert_eq!([0, 1, 2, 3, 100, 1 << 20].map(n_shards), [1, 1, 2, 4, 128, 1 << 16]);
}

#[test]
fn shows_its_entries_and_clears() {
    let map = ShardedMap::new();
    map.insert("a", 1, true);
    assert_eq!(format!("{map:?}"), r#"{("a", 1): true}"#);
    assert!(map.contains("a", &1) && !map.contains("a", &2));
    map.clear();
    assert!(map.is_empty());
}

#[test]
fn loses_no_increment() {
    const N_THREADS: u64 = 8;
    const N_ROUNDS: u64 = 20_000;
    let map = ShardedMap::<String, String, u64>::new();
    map.insert("update".to_owned(), "n".to_owned(), 0);
    thread::scope(|scope| {
        for thread in 0..N_THREADS {
            let map = &map;
            scope.spawn(move || {
                let mut random = Random(thread);
                for _ in 0..N_ROUNDS {
                    map.upsert(
                        &random.below(50).to_string(),
                        &random.below(50).to_string(),
                        1,
                        |n| *n += 1,
                    );
                    map.update("update", "n", |n| *n += 1);
                }
            });
        }
    });
    assert_eq!(map.remove("update", "n"), Some(N_THREADS * N_ROUNDS));
    let mut total = 0;
    map.for_each(|_, _, n| total += n);
    assert_eq!(total, N_THREADS * N_ROUNDS);
}

#[test]
fn whole_map_operations_go_along_with_writers() {
    let map = ShardedMap::<u64, u64, u64>::new();
    thread::scope(|scope| {
        for thread in 0..4 {
            let map = &map;
            scope.spawn(move || {
                for n in 0..5_000 {
                    // Odd rows are this thread's alone and stay; even ones are removed by all.
                    map.insert(2 * thread + 1, n, n);
                    map.insert(2 * (n % 10), n, n);
                    map.remove_row(&(2 * (n % 7)));
                }
            });
        }
        for _ in 0..200 {
            map.retain(|k1, _, _| k1 % 2 == 1);
            let mut seen = HashSet::new();
            map.for_each(|k1, k2, value| {
                assert_eq!(k2, value);
                assert!(seen.insert((*k1, *k2)), "visited twice");
            });
        }
    });
    map.retain(|k1, _, _| k1 % 2 == 1);
    assert_eq!(map.len(), 4 * 5_000);
}

#[test]
fn a_row_is_seen_at_one_moment() {
    const END: u64 = 50_000;
    let map = ShardedMap::<&str, u64, u64>::new();
    map.insert("row", 0, 0);
    map.insert("row", 1, 0);
    thread::scope(|scope| {
        // The first entry is always the second or one ahead.
        scope.spawn(|| {
            for n in 1..=END {
                map.update("row", &0, |value| *value = n);
                map.update("row", &1, |value| *value = n);
            }
        });
        loop {
            let row = sorted(map.row_snapshot("row"));
            let lead = row[0].1 - row[1].1;
            assert!(lead <= 1, "{row:?}");
            if row[1].1 == END {
                break;
            }
        }
    });
}

/// What a thread did to one entry, and what it got.
#[derive(Clone, Copy, Debug)]
enum Op {
    Get(Option<u64>),
    Insert(u64, Option<u64>),
    Remove(Option<u64>),
    /// Adds one, or puts 1 in.
    Upsert,
    /// Adds one where there is an entry; what it was before.
    Update(Option<u64>),
}

/// An operation between two readings of one clock.
#[derive(Clone, Copy, Debug)]
struct Event {
    start: u64,
    end: u64,
    op: Op,
}

impl Op {
    /// What the entry is afterwards, if this is what would have happened to it.
    fn apply(self, before: Option<u64>) -> Option<Option<u64>> {
        match self {
            Self::Get(seen) => (seen == before).then_some(before),
            Self::Insert(value, seen) => (seen == before).then_some(Some(value)),
            Self::Remove(seen) => (seen == before).then_some(None),
            Self::Upsert => Some(Some(before.map_or(1, |value| value + 1))),
            Self::Update(seen) => (seen == before).then_some(before.map(|value| value + 1)),
        }
    }
}

/// Whether the threads' operations on one entry can be put in one order that explains all results and in which an
/// operation that ended before another began comes first (Wing and Gong's search, remembering dead ends).
fn is_linearizable(threads: &[Vec<Event>]) -> bool {
    let mut open = vec![(vec![0; threads.len()], None)];
    let mut seen = HashSet::new();
    while let Some((done, value)) = open.pop() {
        let next = |thread: usize| threads[thread].get(done[thread]);
        let Some(first_end) = (0..threads.len()).filter_map(next).map(|event| event.end).min()
        else {
            return true;
        };
        for thread in 0..threads.len() {
            let Some(event) = next(thread).filter(|event| event.start < first_end) else {
                continue;
            };
            let Some(after) = event.op.apply(value) else { continue };
            let mut done = done.clone();
            done[thread] += 1;
            if seen.insert((done.clone(), after)) {
                open.push((done, after));
            }
        }
    }
    false
}

#[test]
fn the_checker_tells_good_histories_from_bad() {
    let event = |start, end, op| Event { start, end, op };
    let overlapping = [vec![event(0, 3, Op::Insert(5, None))], vec![event(1, 2, Op::Get(None))]];
    assert!(is_linearizable(&overlapping));
    let stale = [vec![event(0, 1, Op::Insert(5, None))], vec![event(2, 3, Op::Get(None))]];
    assert!(!is_linearizable(&stale));
    let lost = [
        vec![event(0, 4, Op::Update(None)), event(5, 9, Op::Upsert)],
        vec![event(6, 8, Op::Upsert), event(10, 11, Op::Get(Some(1)))],
    ];
    assert!(!is_linearizable(&lost));
    let taken_twice = [
        vec![event(0, 1, Op::Insert(5, None)), event(2, 5, Op::Remove(Some(5)))],
        vec![event(3, 4, Op::Remove(Some(5)))],
    ];
    assert!(!is_linearizable(&taken_twice));
}

#[test]
fn entries_are_linearizable() {
    const N_THREADS: usize = 4;
    const N_ENTRIES: usize = 3;
    let mut n_overlapping = 0;
    for seed in 0..150 {
        let map = ShardedMap::<u64, u64, u64, _>::with_shards_and_hasher(
            2,
            std::hash::RandomState::new(),
        );
        let (clock, barrier) = (AtomicU64::new(0), Barrier::new(N_THREADS));
        let histories: Vec<Vec<(u64, Event)>> = thread::scope(|scope| {
            let record =
                |thread| record_history(&map, &clock, &barrier, seed * 100 + thread, N_ENTRIES);
            let threads: Vec<_> =
                (0..N_THREADS as u64).map(|thread| scope.spawn(move || record(thread))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for entry in 0..N_ENTRIES as u64 {
            let of_entry = |history: &Vec<(u64, Event)>| {
                history.iter().filter(|(of, _)| *of == entry).map(|(_, event)| *event).collect()
            };
            let threads: Vec<Vec<Event>> = histories.iter().map(of_entry).collect();
            assert!(is_linearizable(&threads), "seed {seed}, entry {entry}: {threads:#?}");
            // Within a lone operation the clock is read twice in a row.
            n_overlapping +=
                threads.iter().flatten().filter(|event| event.end > event.start + 1).count();
        }
    }
    assert!(n_overlapping > 100, "only {n_overlapping} operations ran beside others");
}

fn record_history(
    map: &ShardedMap<u64, u64, u64, std::hash::RandomState>,
    clock: &AtomicU64,
    barrier: &Barrier,
    seed: u64,
    n_entries: usize,
) -> Vec<(u64, Event)> {
    let mut random = Random(seed);
    barrier.wait();
    (0..150)
        .map(|n| {
            // All entries of one row, and so behind one lock, except the first.
            let entry = random.below(n_entries) as u64;
            let (k1, k2) = (entry.min(1), entry);
            let choice = random.below(6);
            let start = clock.fetch_add(1, SeqCst);
            let op = match choice {
                0 | 1 => Op::Get(map.get(&k1, &k2)),
                2 => Op::Insert(seed * 1000 + n, map.insert(k1, k2, seed * 1000 + n)),
                3 => Op::Remove(map.remove(&k1, &k2)),
                4 => {
                    map.upsert(&k1, &k2, 1, |value| {
                        thread::yield_now();
                        *value += 1;
                    });
                    Op::Upsert
                }
                _ => Op::Update(map.update(&k1, &k2, |value| {
                    let before = *value;
                    thread::yield_now();
                    *value = before + 1;
                    before
                })),
            };
            (entry, Event { start, end: clock.fetch_add(1, SeqCst), op })
        })
        .collect()
}

type Counts = ShardedMap<u64, u64, u64>;

fn ignore<T>(_: T) {}

fn message_of(panicking: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(panicking)).expect_err("should have panicked");
    payload
        .downcast_ref::<&str>()
        .map_or_else(|| payload.downcast_ref::<String>().unwrap().clone(), ToString::to_string)
}

#[test]
fn closures_that_call_a_map_panic_instead_of_waiting() {
    let (map, other) = (Counts::new(), Counts::new());
    map.insert(1, 1, 0);
    let calls: [fn(&Counts); 11] = [
        |map| ignore(map.get(&1, &1)),
        |map| ignore(map.with(&1, &1, |_| ())),
        |map| ignore(map.insert(1, 2, 3)),
        |map| map.upsert(&1, &2, 3, |_| ()),
        |map| ignore(map.update(&1, &1, |_| ())),
        |map| ignore(map.remove(&1, &1)),
        |map| ignore(map.row_snapshot(&1)),
        |map| assert_eq!(map.remove_row(&1), 0),
        |map| map.retain(|_, _, _| true),
        |map| map.for_each(|_, _, _| ()),
        |map| assert_eq!(map.len(), 0),
    ];
    for call in calls {
        for callee in [&map, &other] {
            let messages = [
                message_of(|| ignore(map.with(&1, &1, |_| call(callee)))),
                message_of(|| map.upsert(&1, &1, 0, |_| call(callee))),
                message_of(|| ignore(map.update(&1, &1, |_| call(callee)))),
                message_of(|| map.for_each(|_, _, _| call(callee))),
                message_of(|| {
                    map.retain(|_, _, _| {
                        call(callee);
                        true
                    });
                }),
            ];
            for message in messages {
                assert!(message.contains("must not call a ShardedMap"), "{message}");
            }
        }
    }
    // Afterwards both work as before.
    assert_eq!(map.get(&1, &1), Some(0));
    assert_eq!(other.insert(1, 1, 1), None);
}

/// Takes two maps in opposite orders, which deadlocks where guards or nested calls are allowed.
#[test]
fn opposite_orders_of_two_maps_do_not_deadlock() {
    let (a, b) = (Counts::new(), Counts::new());
    a.insert(1, 1, 0);
    b.insert(1, 1, 0);
    let barrier = Barrier::new(2);
    let cross = |from: &Counts, to: &Counts| {
        message_of(|| {
            from.update(&1, &1, |_| {
                barrier.wait();
                to.update(&1, &1, |_| ());
            });
        })
    };
    thread::scope(|scope| {
        let threads = [scope.spawn(|| cross(&a, &b)), scope.spawn(|| cross(&b, &a))];
        for thread in threads {
            assert!(thread.join().unwrap().contains("must not call"));
        }
    });
    assert_eq!((a.get(&1, &1), b.get(&1, &1)), (Some(0), Some(0)));
}

#[test]
fn a_panicking_closure_leaves_the_map_usable() {
    let map = Counts::new();
    for n in 0..100 {
        map.insert(n % 10, n, 0);
    }
    let panics: [fn(&Counts); 5] = [
        |map| ignore(map.with(&1, &1, |_| -> u64 { panic!("on purpose") })),
        |map| {
            map.upsert(&1, &1, 0, |value| {
                *value = 5;
                panic!("on purpose");
            });
        },
        |map| ignore(map.update(&2, &2, |_| -> u64 { panic!("on purpose") })),
        |map| map.for_each(|_, _, _| panic!("on purpose")),
        |map| map.retain(|_, k2, _| if *k2 == 50 { panic!("on purpose") } else { true }),
    ];
    for panicking in panics {
        assert_eq!(message_of(|| panicking(&map)), "on purpose");
    }
    assert_eq!(map.get(&1, &1), Some(5), "what was done before the panic stays");
    assert_eq!(map.len(), 100);
    thread::scope(|scope| {
        scope.spawn(|| map.insert(1, 1, 6));
    });
    assert_eq!(map.get(&1, &1), Some(6));
}

/// A value whose clone panics when it is told to.
struct Fragile(bool);

impl Clone for Fragile {
    fn clone(&self) -> Self {
        assert!(!self.0, "clone on purpose");
        Self(false)
    }
}

#[test]
fn a_panicking_clone_leaves_the_map_usable() {
    let map = ShardedMap::new();
    map.insert(1, 1, Fragile(true));
    map.insert(1, 2, Fragile(false));
    assert_eq!(message_of(|| ignore(map.get(&1, &1))), "clone on purpose");
    assert_eq!(message_of(|| ignore(map.row_snapshot(&1))), "clone on purpose");
    assert!(map.get(&1, &2).is_some());
    assert_eq!(map.remove_row(&1), 2);
}
