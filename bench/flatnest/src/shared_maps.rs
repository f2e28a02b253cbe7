//! Concurrent maps under test behind one trait, with integer keys and foldhash, each used in the way that serves it
//! best. Keys are integers because some rivals cannot be asked for a pair of borrowed texts.

use std::hint::black_box;
use std::sync::{Barrier, Mutex, RwLock};
use std::thread;
use std::time::Instant;

use dashmap::DashMap;
use flatnest::sync::ShardedMap;
use foldhash::fast::RandomState;
use hashbrown::HashMap;

/// A map from two integers to a counter that threads share.
pub trait Shared: Default + Sync {
    const NAME: &'static str;

    fn add(&self, k1: u64, k2: u64);
    fn get(&self, k1: u64, k2: u64) -> Option<u64>;
}

impl Shared for ShardedMap<u64, u64, u64> {
    const NAME: &'static str = "ShardedMap";

    fn add(&self, k1: u64, k2: u64) {
        self.upsert(&k1, &k2, 1, |count| *count += 1);
    }

    fn get(&self, k1: u64, k2: u64) -> Option<u64> {
        self.get(&k1, &k2)
    }
}

type Nested = HashMap<u64, HashMap<u64, u64>>;

/// A nested map behind one mutex.
#[derive(Default)]
pub struct MutexNested(Mutex<Nested>);

impl Shared for MutexNested {
    const NAME: &'static str = "Mutex<nested>";

    fn add(&self, k1: u64, k2: u64) {
        *self.0.lock().expect("no panics").entry(k1).or_default().entry(k2).or_insert(0) += 1;
    }

    fn get(&self, k1: u64, k2: u64) -> Option<u64> {
        self.0.lock().expect("no panics").get(&k1)?.get(&k2).copied()
    }
}

/// A nested map behind one read-write lock.
#[derive(Default)]
pub struct RwLockNested(RwLock<Nested>);

impl Shared for RwLockNested {
    const NAME: &'static str = "RwLock<nested>";

    fn add(&self, k1: u64, k2: u64) {
        *self.0.write().expect("no panics").entry(k1).or_default().entry(k2).or_insert(0) += 1;
    }

    fn get(&self, k1: u64, k2: u64) -> Option<u64> {
        self.0.read().expect("no panics").get(&k1)?.get(&k2).copied()
    }
}

/// The nested concurrent form: a guard of the outer map is held while the inner one is asked.
#[derive(Default)]
pub struct DashNested(DashMap<u64, DashMap<u64, u64, RandomState>, RandomState>);

impl Shared for DashNested {
    const NAME: &'static str = "DashMap<DashMap>";

    fn add(&self, k1: u64, k2: u64) {
        match self.0.get(&k1) {
            Some(row) => *row.entry(k2).or_insert(0) += 1,
            // Few shards by row, since there are many rows: as many as this form can have at least.
            None => {
                let row = self.0.entry(k1).or_insert_with(|| {
                    DashMap::with_hasher_and_shard_amount(RandomState::default(), 2)
                });
                *row.entry(k2).or_insert(0) += 1;
            }
        }
    }

    fn get(&self, k1: u64, k2: u64) -> Option<u64> {
        Some(*self.0.get(&k1)?.get(&k2)?)
    }
}

#[derive(Default)]
pub struct DashTuple(DashMap<(u64, u64), u64, RandomState>);

impl Shared for DashTuple {
    const NAME: &'static str = "DashMap<(K1, K2)>";

    fn add(&self, k1: u64, k2: u64) {
        *self.0.entry((k1, k2)).or_insert(0) += 1;
    }

    fn get(&self, k1: u64, k2: u64) -> Option<u64> {
        Some(*self.0.get(&(k1, k2))?)
    }
}

#[derive(Default)]
pub struct Papaya(papaya::HashMap<(u64, u64), u64, RandomState>);

impl Shared for Papaya {
    const NAME: &'static str = "papaya<(K1, K2)>";

    fn add(&self, k1: u64, k2: u64) {
        self.0.pin().update_or_insert((k1, k2), |count| count + 1, 1);
    }

    fn get(&self, k1: u64, k2: u64) -> Option<u64> {
        self.0.pin().get(&(k1, k2)).copied()
    }
}

#[derive(Default)]
pub struct Scc(scc::HashMap<(u64, u64), u64, RandomState>);

impl Shared for Scc {
    const NAME: &'static str = "scc<(K1, K2)>";

    fn add(&self, k1: u64, k2: u64) {
        self.0.entry_sync((k1, k2)).and_modify(|count| *count += 1).or_insert(1);
    }

    fn get(&self, k1: u64, k2: u64) -> Option<u64> {
        self.0.read_sync(&(k1, k2), |_, count| *count)
    }
}

/// One operation of a thread.
#[derive(Clone, Copy)]
pub enum Op {
    Add(u64, u64),
    Get(u64, u64),
}

/// Runs each thread's operations at once and returns millions of operations a second, from the first start to the last
/// end.
///
/// Threads are pinned to processors in turns. Otherwise the system puts two of them on one processor in some runs, where
/// they never contend, and on two in others, where they do: figures differ threefold.
pub fn run_threads<M: Shared>(map: &M, work: &[Vec<Op>]) -> f64 {
    let barrier = Barrier::new(work.len());
    let spans: Vec<(Instant, Instant)> = thread::scope(|scope| {
        let (barrier, processors) = (&barrier, core_affinity::get_core_ids().unwrap_or_default());
        let threads: Vec<_> = (0..)
            .zip(work)
            .map(|(n, ops): (usize, _)| {
                let processor = processors.get(n % processors.len().max(1)).copied();
                scope.spawn(move || {
                    processor.map(core_affinity::set_for_current);
                    time_ops(map, barrier, ops)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panics")).collect()
    });
    let start = spans.iter().map(|span| span.0).min().expect("there are threads");
    let end = spans.iter().map(|span| span.1).max().expect("there are threads");
    let n_ops: usize = work.iter().map(Vec::len).sum();
    n_ops as f64 / (end - start).as_secs_f64() / 1e6
}

fn time_ops<M: Shared>(map: &M, barrier: &Barrier, ops: &[Op]) -> (Instant, Instant) {
    barrier.wait();
    let start = Instant::now();
    let mut sum = 0;
    for op in ops {
        match *op {
            Op::Add(k1, k2) => map.add(k1, k2),
            Op::Get(k1, k2) => sum += map.get(k1, k2).unwrap_or(0),
        }
    }
    black_box(sum);
    (start, Instant::now())
}
