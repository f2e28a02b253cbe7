//! The slowest insert on the way to 3.2 million entries, with arena keys of 12 bytes.
//!
//! Each insert is timed by the processor time of the thread, faults of fresh memory included. Unlike the time of day it
//! stands still while the thread is off its processor, which on a shared machine lasts thousands of times longer than an
//! insert. Reading that clock takes about 0.2 µs, which every figure contains. What the hypervisor and interrupts take is
//! still in it, at random, whereas growth is in every run: so a map is built several times, in turns with the others, and
//! each figure is the lowest of the runs. Some faults of fresh memory take hundreds of µs, whichever map has
//! them.

use flatnest::ArenaStr;
use flatnest_bench::for_each_map;
use flatnest_bench::keys::Width;
use flatnest_bench::maps::TwoLevel;
use flatnest_bench::record::{Record, is_quick};
use flatnest_bench::workload::{InnerKeys, Shape, Workload};
use rustix::time::{ClockId, clock_gettime};

const N_RUNS: usize = 14;

fn main() {
    for (rows, inner) in [(100_000, 32), (1_000, 3_200)] {
        let shape = Shape { rows, inner: if is_quick() { inner / 8 } else { inner } };
        let workload = Workload::<ArenaStr>::new(shape, Width::Twelve, InnerKeys::Repeated, 1);
        let maps = maps_under_test();
        let mut lowest = vec![[f64::INFINITY; 4]; maps.len()];
        for run in 0..N_RUNS {
            eprintln!("pauses: {rows} x {inner}, run {run} of {N_RUNS}");
            for ((_, insert_times_ns), lowest) in maps.iter().zip(&mut lowest) {
                let figures = quantiles_us(insert_times_ns(&workload));
                lowest.iter_mut().zip(figures).for_each(|(lowest, us)| *lowest = us.min(*lowest));
            }
        }
        for ((map, _), [p50, p99, p9999, max]) in maps.into_iter().zip(lowest) {
            Record::Pause { map: map.to_owned(), rows, inner, p50, p99, p9999, max }.print();
        }
    }
}

type InsertTimes = fn(&Workload<ArenaStr>) -> Vec<u32>;

fn maps_under_test() -> Vec<(&'static str, InsertTimes)> {
    macro_rules! list {
        ($($map:ty),*) => {
            vec![$((<$map as TwoLevel<ArenaStr>>::NAME, insert_times_ns::<$map> as InsertTimes)),*]
        };
    }
    for_each_map!(list)
}

fn insert_times_ns<M: TwoLevel<ArenaStr>>(workload: &Workload<ArenaStr>) -> Vec<u32> {
    let mut times = vec![0; workload.shuffled.len()];
    let mut map = M::default();
    for (time, (k1, k2)) in times.iter_mut().zip(workload.shuffled.iter()) {
        let start = thread_time_ns();
        map.add(k1, k2);
        *time = u32::try_from(thread_time_ns() - start).unwrap_or(u32::MAX);
    }
    times
}

/// Processor time that this thread has taken.
fn thread_time_ns() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// Half, 99 % and 99.99 % of the inserts take at most this long; and the slowest.
fn quantiles_us(mut times_ns: Vec<u32>) -> [f64; 4] {
    times_ns.sort_unstable();
    let last = times_ns.len() - 1;
    [0.5, 0.99, 0.9999, 1.0]
        .map(|share| f64::from(times_ns[(last as f64 * share) as usize]) / 1000.0)
}
