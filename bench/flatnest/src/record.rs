//! What is measured, as JSON lines.

use serde::{Deserialize, Serialize};

/// One figure of one map in one setting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "table", rename_all = "snake_case")]
pub enum Record {
    /// Time of an operation, in ns by entry or query.
    Time {
        map: String,
        key: String,
        inner_keys: String,
        rows: usize,
        inner: usize,
        op: String,
        ns: f64,
    },
    /// Memory of a map built in random order.
    Memory {
        map: String,
        key: String,
        inner_keys: String,
        rows: usize,
        inner: usize,
        live_bytes: f64,
        peak_bytes: f64,
        allocations: f64,
    },
    /// The slowest insert on the way to a full map, and quantiles, in µs; each the lowest of the runs.
    Pause { map: String, rows: usize, inner: usize, p50: f64, p99: f64, p9999: f64, max: f64 },
    /// Operations of all threads, in millions a second.
    Threads {
        map: String,
        rows: usize,
        inner: usize,
        access: String,
        threads: usize,
        read_pct: u32,
        mops: f64,
    },
    /// The same, for a map that starts empty; `read_share` of a thousand operations are reads.
    Sync { map: String, threads: usize, writes_per_key: usize, read_share: usize, mops: f64 },
}

impl Record {
    /// Prints the record as a line.
    pub fn print(&self) {
        println!("{}", serde_json::to_string(self).expect("records have only numbers and texts"));
    }
}

/// The middle of a sample; of an even number the higher of the two.
pub fn median(mut sample: Vec<f64>) -> f64 {
    sample.sort_by(f64::total_cmp);
    sample[sample.len() / 2]
}

/// Reads the command line: `--quick` shortens a run to a look.
pub fn is_quick() -> bool {
    std::env::args().any(|arg| arg == "--quick")
}
