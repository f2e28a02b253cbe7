//! Writes to files and devices in words, and as JSON.

use diagnosis::evidence::{BlockWrites, IoCalls, ProcessStorage};
use serde_json::{Value, json};

use crate::numbers::{NOT_MEASURED, bytes, count, duration, ratio};

/// Sentences about what was written.
pub(crate) fn lines(storage: &ProcessStorage) -> Vec<String> {
    let mut lines = Vec::new();
    match storage.writes {
        Some(writes) => {
            let median = storage.median_write_bytes.map_or(String::new(), |median| {
                format!(", half of them of at most {}", bytes(median))
            });
            let (n, asked) = (count(writes.n), bytes(writes.bytes));
            lines.push(format!(
                "{n} writing calls for {asked}{median}; time in them: {}",
                time(writes)
            ));
        }
        None => {
            lines.push(format!("writing calls: {NOT_MEASURED} (record -e 'syscalls:sys_*_write')"));
        }
    }
    match storage.syncs {
        Some(syncs) => lines.push(format!(
            "{} calls that wait for the device; time in them: {}",
            count(syncs.n),
            time(syncs)
        )),
        None => lines.push(format!(
            "calls that wait for the device: {NOT_MEASURED} (record -e 'syscalls:sys_*_fsync')"
        )),
    }
    match storage.blocks {
        Some(blocks) => lines.extend(block_lines(blocks, storage)),
        None => lines
            .push(format!("requests to devices: {NOT_MEASURED} (record -e block:block_rq_issue)")),
    }
    lines.push(
        "Maps have no part in this: their write amplification moves entries in memory.".to_owned(),
    );
    lines
}

fn time(calls: IoCalls) -> String {
    match calls.ns {
        Some(ns) => duration(ns),
        None if calls.n == 0 => duration(0),
        None => NOT_MEASURED.to_owned(),
    }
}

fn block_lines(blocks: BlockWrites, storage: &ProcessStorage) -> Vec<String> {
    let asked = storage.writes.map(|writes| writes.bytes).filter(|&bytes| bytes > 0);
    let amplification = asked.map_or(String::new(), |asked| {
        format!(", {} per byte asked for", ratio(blocks.bytes as f64 / asked as f64))
    });
    let mut lines = vec![format!(
        "{} requests of its threads wrote {} to devices{amplification}; what the kernel writes later is not among them",
        count(blocks.n),
        bytes(blocks.bytes)
    )];
    if let Some(others) = storage.blocks_of_others.filter(|others| others.n > 0) {
        lines.push(format!(
            "other processes wrote {} in {} requests meanwhile (all devices)",
            bytes(others.bytes),
            count(others.n)
        ));
    }
    lines
}

pub(crate) fn to_json(storage: &ProcessStorage) -> Value {
    let calls = |calls: IoCalls| json!({ "n": calls.n, "bytes": calls.bytes, "ns": calls.ns });
    let blocks = |blocks: Option<BlockWrites>| {
        blocks.map(|blocks| json!({ "n": blocks.n, "bytes": blocks.bytes }))
    };
    json!({
        "source": storage.source.0,
        "duration_ns": storage.duration_ns,
        "writes": storage.writes.map(calls),
        "syncs": storage.syncs.map(calls),
        "median_write_bytes": storage.median_write_bytes,
        "block_writes": blocks(storage.blocks),
        "block_writes_of_others": blocks(storage.blocks_of_others),
    })
}
