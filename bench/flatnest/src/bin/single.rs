//! Times every operation of every map, one thread, maps in turns; prints the median of the rounds.
//!
//! A round of one map: build in random order; access; iterate; remove a random half of the rows; drop the rest; build
//! row by row, and in batches. Small maps are built many times over, and the parts added up, so that each figure covers
//! about a millisecond or more. What maps answer is compared, so that none skips work.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use flatnest_bench::keys::{Key, Width};
use flatnest_bench::maps::TwoLevel;
use flatnest_bench::record::{Record, is_quick, median};
use flatnest_bench::workload::{InnerKeys, Pairs, Shape, Workload};
use flatnest_bench::{for_each_key, for_each_map};

/// Entries that a small map's operations cover at least, by building or walking it again.
const MIN_ENTRIES: usize = 100_000;
/// Entries that scans for rows visit at most, in maps that find rows by a scan.
const MAX_SCANNED: usize = 8_000_000;

const SHAPES: [Shape; 7] = [
    Shape { rows: 1_000, inner: 1 },
    Shape { rows: 1_000, inner: 8 },
    Shape { rows: 1_000, inner: 64 },
    Shape { rows: 1_000, inner: 1_000 },
    Shape { rows: 100_000, inner: 1 },
    Shape { rows: 100_000, inner: 8 },
    Shape { rows: 100_000, inner: 64 },
];

fn main() {
    for inner_keys in [InnerKeys::Repeated, InnerKeys::Distinct] {
        for shape in SHAPES {
            for_each_key!(run_key, shape, inner_keys);
        }
    }
}

/// Whether the run has the time for this: the largest shape is measured with two key types and repeated inner keys,
/// keys of 30 bytes with distinct ones only in shapes of less than 100,000 entries.
fn is_measured(key: &str, shape: Shape, inner_keys: InnerKeys) -> bool {
    let repeated = inner_keys == InnerKeys::Repeated;
    if is_quick() {
        return repeated && shape.entries() < 1_000_000 && ["u64", "ArenaStr 12"].contains(&key);
    }
    if shape.entries() > 1_000_000 {
        return repeated && ["u64", "ArenaStr 12"].contains(&key);
    }
    repeated || shape.entries() < 100_000 || !key.ends_with("30")
}

fn n_rounds(shape: Shape) -> usize {
    match shape.entries() {
        _ if is_quick() => 1,
        ..100_000 => 5,
        _ => 3,
    }
}

fn run_key<K: Key>(key: &str, width: Width, shape: Shape, inner_keys: InnerKeys) {
    if !is_measured(key, shape, inner_keys) {
        return;
    }
    eprintln!("{key}, {} x {}, inner keys {}", shape.rows, shape.inner, inner_keys.name());
    let n_accesses = if shape.entries() > MIN_ENTRIES { 200_000 } else { 100_000 };
    let workload = Workload::<K>::new(shape, width, inner_keys, n_accesses);
    let mut samples: BTreeMap<(usize, &str), Vec<f64>> = BTreeMap::new();
    let maps = maps_under_test::<K>();
    let mut answers = None;
    for round in 0..n_rounds(shape) {
        for turn in 0..maps.len() {
            let map_idx = (round + turn) % maps.len();
            let measured = (maps[map_idx].1)(&workload);
            for (op, ns) in measured.times {
                samples.entry((map_idx, op)).or_default().push(ns);
            }
            let expected = answers.get_or_insert_with(|| measured.answers.clone());
            assert_eq!(*expected, measured.answers, "{} answers otherwise", maps[map_idx].0);
        }
    }
    for ((map_idx, op), sample) in samples {
        Record::Time {
            map: maps[map_idx].0.to_owned(),
            key: key.to_owned(),
            inner_keys: inner_keys.name().to_owned(),
            rows: shape.rows,
            inner: shape.inner,
            op: op.to_owned(),
            ns: median(sample),
        }
        .print();
    }
}

type Measure<K> = fn(&Workload<K>) -> Measured;

fn maps_under_test<K: Key>() -> Vec<(&'static str, Measure<K>)> {
    macro_rules! list {
        ($($map:ty),*) => { vec![$((<$map as TwoLevel<K>>::NAME, measure::<K, $map> as Measure<K>)),*] };
    }
    for_each_map!(list)
}

/// What one map took in one round, and what it answered.
#[derive(Default)]
struct Measured {
    times: Vec<(&'static str, f64)>,
    answers: Vec<u64>,
}

impl Measured {
    fn push(&mut self, op: &'static str, time: Duration, n: usize) {
        self.times.push((op, time.as_nanos() as f64 / n as f64));
    }

    /// Times `n` steps that end in an answer.
    fn time(&mut self, op: &'static str, n: usize, work: impl FnOnce() -> u64) {
        let start = Instant::now();
        let answer = black_box(work());
        self.push(op, start.elapsed(), n);
        self.answers.push(answer);
    }
}

fn measure<K: Key, M: TwoLevel<K>>(workload: &Workload<K>) -> Measured {
    let mut measured = Measured::default();
    let n_entries = workload.shape.entries();
    let n_repeats = (MIN_ENTRIES / n_entries).max(1);

    let (map, time) = build_repeatedly::<K, M>(&workload.shuffled, n_repeats, add_each);
    measured.push("build", time, n_entries * n_repeats);
    let map = access(map, workload, &mut measured);
    iterate(&map, workload, &mut measured);
    take_apart(map, workload, n_repeats, &mut measured);
    let (_, time) = build_repeatedly::<K, M>(&workload.grouped, n_repeats, add_each);
    measured.push("build_grouped", time, n_entries * n_repeats);
    let (map, time) = build_repeatedly::<K, M>(&workload.shuffled, n_repeats, M::add_many);
    measured.push("batch_build", time, n_entries * n_repeats);
    measured.answers.push(map.sum_all());
    measured
}

fn add_each<K: Key, M: TwoLevel<K>>(map: &mut M, pairs: &Pairs<K>) {
    pairs.iter().for_each(|(k1, k2)| map.add(k1, k2));
}

fn build<K: Key, M: TwoLevel<K>>(pairs: &Pairs<K>, add: impl Fn(&mut M, &Pairs<K>)) -> M {
    let mut map = M::default();
    add(&mut map, pairs);
    map
}

fn build_repeatedly<K: Key, M: TwoLevel<K>>(
    pairs: &Pairs<K>,
    n_repeats: usize,
    add: impl Fn(&mut M, &Pairs<K>),
) -> (M, Duration) {
    let mut total = Duration::ZERO;
    let mut last = None;
    for _ in 0..n_repeats {
        drop(last.take());
        let start = Instant::now();
        last = Some(black_box(build(pairs, &add)));
        total += start.elapsed();
    }
    (last.expect("builds at least once"), total)
}

fn access<K: Key, M: TwoLevel<K>>(
    mut map: M,
    workload: &Workload<K>,
    measured: &mut Measured,
) -> M {
    let n = workload.uniform.len();
    let sum = |map: &M, pairs: &Pairs<K>| pairs.iter().filter_map(|(k1, k2)| map.get(k1, k2)).sum();
    measured.time("upsert", n, || {
        add_each(&mut map, &workload.uniform);
        0
    });
    measured.time("upsert_zipf", n, || {
        add_each(&mut map, &workload.zipf);
        0
    });
    measured.time("get", n, || sum(&map, &workload.uniform));
    measured.time("get_zipf", n, || sum(&map, &workload.zipf));
    measured.time("get_miss", n, || sum(&map, &workload.absent));
    measured.time("batch_upsert", n, || {
        map.add_many(&workload.uniform);
        0
    });
    measured.time("batch_get", n, || map.sum_many(&workload.uniform));
    map
}

fn iterate<K: Key, M: TwoLevel<K>>(map: &M, workload: &Workload<K>, measured: &mut Measured) {
    let Shape { rows, inner } = workload.shape;
    let n_repeats = (MIN_ENTRIES / workload.shape.entries()).max(1);
    measured.time("iter_all", rows * inner * n_repeats, || {
        (0..n_repeats).map(|_| black_box(map).sum_all()).fold(0, u64::wrapping_add)
    });
    if M::FINDS_ROWS {
        measured.time("row_iter", rows * inner * n_repeats, || {
            let sum_rows =
                |_| (0..rows).map(|row| map.sum_row(workload.row(row))).fold(0, u64::wrapping_add);
            (0..n_repeats).map(sum_rows).fold(0, u64::wrapping_add)
        });
    } else {
        let rows = scannable_rows(workload.shape);
        let start = Instant::now();
        black_box((0..rows).map(|row| map.sum_row(workload.row(row))).fold(0, u64::wrapping_add));
        measured.push("row_iter", start.elapsed(), rows * inner);
        measured.answers.push(map.sum_all().wrapping_mul(n_repeats as u64));
    }
}

/// Removes rows, then drops the map with what is left.
fn take_apart<K: Key, M: TwoLevel<K>>(
    first: M,
    workload: &Workload<K>,
    n_repeats: usize,
    measured: &mut Measured,
) {
    let Shape { rows, inner } = workload.shape;
    let n_removed =
        if M::FINDS_ROWS { rows / 2 } else { scannable_rows(workload.shape).min(rows / 2) };
    let (mut removing, mut dropping, mut n_entries_removed) = (Duration::ZERO, Duration::ZERO, 0);
    let mut next = Some(first);
    for _ in 0..n_repeats {
        let mut map = next.take().unwrap_or_else(|| build(&workload.shuffled, add_each));
        let start = Instant::now();
        n_entries_removed +=
            (0..n_removed).map(|row| map.remove_row(workload.row(row))).sum::<usize>();
        removing += start.elapsed();
        let start = Instant::now();
        drop(map);
        dropping += start.elapsed();
    }
    assert_eq!(n_entries_removed, n_removed * inner * n_repeats, "{} removed otherwise", M::NAME);
    measured.push("remove_row", removing, n_entries_removed);
    measured.push("drop", dropping, (rows - n_removed) * inner * n_repeats);
}

fn scannable_rows(shape: Shape) -> usize {
    (MAX_SCANNED / shape.entries()).clamp(1, shape.rows)
}
