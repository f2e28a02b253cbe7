//! Memory of every map: bytes that it asked the allocator for, by entry, and allocations by insert, while it is built in
//! random order. What the allocator adds to each allocation is not counted, in favour of maps with many small ones.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use flatnest_bench::keys::{Key, Width};
use flatnest_bench::maps::TwoLevel;
use flatnest_bench::record::{Record, is_quick};
use flatnest_bench::workload::{InnerKeys, Shape, Workload};
use flatnest_bench::{for_each_key, for_each_map};

struct Counting;

static LIVE_BYTES: AtomicUsize = AtomicUsize::new(0);
static PEAK_BYTES: AtomicUsize = AtomicUsize::new(0);
static N_ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

fn count(added: usize, freed: usize) {
    N_ALLOCATIONS.fetch_add(1, Relaxed);
    let live = LIVE_BYTES.fetch_add(added, Relaxed) + added;
    PEAK_BYTES.fetch_max(live, Relaxed);
    LIVE_BYTES.fetch_sub(freed, Relaxed);
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(new_size, layout.size());
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(at, layout, new_size) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE_BYTES.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    for inner_keys in [InnerKeys::Repeated, InnerKeys::Distinct] {
        for (rows, inner) in
            [(1_000, 1), (1_000, 8), (1_000, 64), (1_000, 1_000), (100_000, 1), (100_000, 8)]
        {
            let shape = Shape { rows, inner };
            if is_quick() && shape.entries() > 100_000 {
                continue;
            }
            for_each_key!(run_key, shape, inner_keys);
        }
    }
}

fn run_key<K: Key>(key: &str, width: Width, shape: Shape, inner_keys: InnerKeys) {
    eprintln!("memory: {key}, {} x {}, inner keys {}", shape.rows, shape.inner, inner_keys.name());
    let workload = Workload::<K>::new(shape, width, inner_keys, 1);
    macro_rules! run {
        ($($map:ty),*) => { $(run_map::<K, $map>(key, &workload, inner_keys);)* };
    }
    for_each_map!(run);
}

fn run_map<K: Key, M: TwoLevel<K>>(key: &str, workload: &Workload<K>, inner_keys: InnerKeys) {
    let (live, n_allocations) = (LIVE_BYTES.load(Relaxed), N_ALLOCATIONS.load(Relaxed));
    PEAK_BYTES.store(live, Relaxed);
    let mut map = M::default();
    for (k1, k2) in workload.shuffled.iter() {
        map.add(k1, k2);
    }
    let by_entry = |count: usize| count as f64 / workload.shape.entries() as f64;
    let record = Record::Memory {
        map: M::NAME.to_owned(),
        key: key.to_owned(),
        inner_keys: inner_keys.name().to_owned(),
        rows: workload.shape.rows,
        inner: workload.shape.inner,
        live_bytes: by_entry(LIVE_BYTES.load(Relaxed) - live),
        peak_bytes: by_entry(PEAK_BYTES.load(Relaxed) - live),
        allocations: by_entry(N_ALLOCATIONS.load(Relaxed) - n_allocations),
    };
    drop(map);
    record.print();
}
