//! Counts requests by service and path from several threads, and looks at the counts meanwhile.
//!
//! ```text
//! cargo run --release --features sync --example concurrent_counter
//! ```

use std::io::{self, Write as _};
use std::thread;

use flatnest::sync::ShardedMap;

const N_WORKERS: usize = 4;
const N_REQUESTS: usize = 250_000;
const SERVICES: [&str; 3] = ["accounts", "orders", "search"];
const PATHS: [&str; 4] = ["/create", "/delete", "/list", "/show"];

fn main() -> io::Result<()> {
    let hits = ShardedMap::<String, String, u64>::new();
    thread::scope(|scope| {
        for worker in 0..N_WORKERS {
            let hits = &hits;
            scope.spawn(move || count_requests(hits, worker));
        }
        // A report does not stop the workers: a row is copied under the lock of its shard, and read without.
        let so_far: u64 = hits.row_snapshot("orders").into_iter().map(|(_, n)| n).sum();
        writeln!(io::stderr(), "{so_far} orders so far")
    })?;

    let mut out = io::stdout().lock();
    for service in SERVICES {
        let mut row = hits.row_snapshot(service);
        row.sort_unstable();
        for (path, n) in row {
            writeln!(out, "{service:10}{path:10}{n:>8}")?;
        }
    }
    let mut total = 0;
    hits.for_each(|_, _, n| total += n);
    assert_eq!(total, (N_WORKERS * N_REQUESTS) as u64);
    writeln!(out, "{total} requests in {} counters, none lost", hits.len())
}

fn count_requests(hits: &ShardedMap<String, String, u64>, worker: usize) {
    for n in 0..N_REQUESTS {
        let (service, path) = (SERVICES[(n + worker) % SERVICES.len()], PATHS[n % PATHS.len()]);
        // Both keys are borrowed; a `String` is made for the first request of its kind only.
        hits.upsert(service, path, 1, |count| *count += 1);
    }
}
