//! When does which kind of concurrent map win? Maps start empty; threads write each key a number of times, and read.
//!
//! 1. Each run has the same number of operations. The share of reads and the writes per key give the number of keys.
//! 2. The writes of all keys are shuffled and dealt to the threads, so threads write the same keys.
//! 3. A thread reads keys that it has written, so reads hit; reads are spread evenly among its writes.
//!
//! The fewer writes a key gets, the more of the work is inserting and growing.

use flatnest::sync::ShardedMap;
use flatnest_bench::keys::Random;
use flatnest_bench::record::{Record, is_quick, median};
use flatnest_bench::shared_maps::{
    DashTuple, MutexNested, Op, Papaya, RwLockNested, Shared, run_threads,
};
use flatnest_bench::workload::int_pair;

const N_OPS: usize = 400_000;
const INNER: u64 = 8;
/// Reads in a thousand operations.
const READ_SHARES: [usize; 5] = [0, 500, 900, 990, 999];

fn main() {
    let n_rounds = if is_quick() { 1 } else { 5 };
    for n_threads in [1, 2, 4, 8] {
        for writes_per_key in [1, 4, 16, 64] {
            for read_share in READ_SHARES {
                eprintln!(
                    "sync: {n_threads} threads, {writes_per_key} writes per key, {read_share} of 1000 read"
                );
                measure(n_threads, writes_per_key, read_share, n_rounds);
            }
        }
    }
}

fn work(n_threads: usize, writes_per_key: usize, read_share: usize) -> Vec<Vec<Op>> {
    let n_writes = N_OPS * (1000 - read_share) / 1000;
    let mut writes: Vec<u64> = (0..n_writes).map(|n| (n / writes_per_key) as u64).collect();
    let mut random = Random::new(7);
    random.shuffle(&mut writes);
    let n_reads_per_write = (N_OPS - n_writes) as f64 / n_writes as f64;
    writes
        .chunks(n_writes.div_ceil(n_threads))
        .map(|keys| thread_ops(keys, n_reads_per_write, &mut random))
        .collect()
}

fn thread_ops(keys: &[u64], n_reads_per_write: f64, random: &mut Random) -> Vec<Op> {
    let mut ops = Vec::new();
    let mut n_reads_due = 0.0;
    for (n, &key) in keys.iter().enumerate() {
        let (k1, k2) = int_pair(key, INNER);
        ops.push(Op::Add(k1, k2));
        n_reads_due += n_reads_per_write;
        while n_reads_due >= 1.0 {
            let (k1, k2) = int_pair(keys[random.below(n as u64 + 1) as usize], INNER);
            ops.push(Op::Get(k1, k2));
            n_reads_due -= 1.0;
        }
    }
    ops
}

type Run = fn(&[Vec<Op>]) -> f64;

fn run<M: Shared>(work: &[Vec<Op>]) -> f64 {
    run_threads(&M::default(), work)
}

fn measure(n_threads: usize, writes_per_key: usize, read_share: usize, n_rounds: usize) {
    let maps: [(&str, Run); 5] = [
        (<ShardedMap<u64, u64, u64> as Shared>::NAME, run::<ShardedMap<u64, u64, u64>>),
        (MutexNested::NAME, run::<MutexNested>),
        (RwLockNested::NAME, run::<RwLockNested>),
        (DashTuple::NAME, run::<DashTuple>),
        (Papaya::NAME, run::<Papaya>),
    ];
    let work = work(n_threads, writes_per_key, read_share);
    let mut samples = vec![Vec::new(); maps.len()];
    for round in 0..n_rounds {
        for turn in 0..maps.len() {
            let map_idx = (round + turn) % maps.len();
            samples[map_idx].push((maps[map_idx].1)(&work));
        }
    }
    for ((map, _), sample) in maps.iter().zip(samples) {
        Record::Sync {
            map: (*map).to_owned(),
            threads: n_threads,
            writes_per_key,
            read_share,
            mops: median(sample),
        }
        .print();
    }
}
