//! Throughput of concurrent maps that are full already: threads add to counters and read them.

use flatnest::sync::ShardedMap;
use flatnest_bench::keys::Random;
use flatnest_bench::record::{Record, is_quick, median};
use flatnest_bench::shared_maps::{
    DashNested, DashTuple, MutexNested, Op, Papaya, RwLockNested, Scc, Shared, run_threads,
};
use flatnest_bench::workload::{Shape, int_pair};

const N_OPS: usize = 240_000;
const SHAPES: [(usize, usize); 6] =
    [(1_000, 1), (1_000, 8), (1_000, 64), (1_000, 1_000), (100_000, 1), (100_000, 8)];

fn main() {
    let n_rounds = if is_quick() { 1 } else { 3 };
    for (rows, inner) in SHAPES {
        let shape = Shape { rows, inner };
        if is_quick() && inner != 8 {
            continue;
        }
        eprintln!("threads: {rows} x {inner}");
        let maps: Vec<Box<dyn Timed>> = vec![
            filled::<ShardedMap<u64, u64, u64>>(shape),
            filled::<MutexNested>(shape),
            filled::<RwLockNested>(shape),
            filled::<DashNested>(shape),
            filled::<DashTuple>(shape),
            filled::<Papaya>(shape),
            filled::<Scc>(shape),
        ];
        for access in [Access::Uniform, Access::Zipf] {
            for n_threads in [1, 2, 4, 8] {
                for read_pct in [0, 90] {
                    let work: Vec<_> = (0..n_threads)
                        .map(|t| ops(shape, access, n_threads, read_pct, t))
                        .collect();
                    measure(&maps, shape, access, read_pct, &work, n_rounds);
                }
            }
        }
    }
}

/// A map behind a common face, so that maps can take turns.
trait Timed {
    fn name(&self) -> &'static str;
    fn run(&self, work: &[Vec<Op>]) -> f64;
}

impl<M: Shared> Timed for M {
    fn name(&self) -> &'static str {
        M::NAME
    }

    fn run(&self, work: &[Vec<Op>]) -> f64 {
        run_threads(self, work)
    }
}

fn filled<M: Shared + 'static>(shape: Shape) -> Box<dyn Timed> {
    let map = M::default();
    let mut order: Vec<u64> = (0..shape.entries() as u64).collect();
    Random::new(1).shuffle(&mut order);
    for n in order {
        let (k1, k2) = int_pair(n, shape.inner as u64);
        map.add(k1, k2);
    }
    Box::new(map)
}

#[derive(Clone, Copy)]
enum Access {
    Uniform,
    Zipf,
}

impl Access {
    fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Zipf => "zipf",
        }
    }

    /// Number of the entry to ask for; ranks of Zipf's law are spread over all rows.
    fn pick(self, random: &mut Random, n_entries: u64) -> u64 {
        match self {
            Self::Uniform => random.below(n_entries),
            Self::Zipf => random.zipf(n_entries).wrapping_mul(0x9e37_79b9_7f4a_7c15) % n_entries,
        }
    }
}

fn ops(shape: Shape, access: Access, n_threads: usize, read_pct: u32, thread: usize) -> Vec<Op> {
    let mut random = Random::new(100 + thread as u64);
    (0..N_OPS / n_threads)
        .map(|_| {
            let (k1, k2) =
                int_pair(access.pick(&mut random, shape.entries() as u64), shape.inner as u64);
            if random.below(100) < u64::from(read_pct) { Op::Get(k1, k2) } else { Op::Add(k1, k2) }
        })
        .collect()
}

fn measure(
    maps: &[Box<dyn Timed>],
    shape: Shape,
    access: Access,
    read_pct: u32,
    work: &[Vec<Op>],
    n_rounds: usize,
) {
    let mut samples = vec![Vec::new(); maps.len()];
    for round in 0..n_rounds {
        for turn in 0..maps.len() {
            let map_idx = (round + turn) % maps.len();
            samples[map_idx].push(maps[map_idx].run(work));
        }
    }
    for (map, sample) in maps.iter().zip(samples) {
        Record::Threads {
            map: map.name().to_owned(),
            rows: shape.rows,
            inner: shape.inner,
            access: access.name().to_owned(),
            threads: work.len(),
            read_pct,
            mops: median(sample),
        }
        .print();
    }
}
