//! Tracepoints of writing, as perf saw them: what the program asked for, and what reached block devices.

use std::collections::{BTreeMap, HashMap};

use diagnosis::evidence::{BlockWrites, IoCalls, ProcessStorage, SourceId};
use goperf::{Sample, Tracepoint};

/// System calls that write the number of bytes in their field `count`.
const WRITES: [&str; 2] = ["write", "pwrite64"];
/// System calls that write buffers, whose bytes only their end says.
const VECTOR_WRITES: [&str; 3] = ["writev", "pwritev", "pwritev2"];
/// System calls that wait until data is on the device.
const SYNCS: [&str; 5] = ["fsync", "fdatasync", "sync_file_range", "sync", "msync"];

/// Writing by process.
#[derive(Debug, Default)]
pub(crate) struct StorageSamples {
    processes: HashMap<u32, Writing>,
    /// Calls that have begun, by thread.
    open: HashMap<u32, Call>,
    sees_writes: bool,
    sees_syncs: bool,
    sees_blocks: bool,
}

#[derive(Debug, Default)]
struct Writing {
    writes: IoCalls,
    /// Calls by the bytes they asked for.
    by_bytes: BTreeMap<u64, u64>,
    syncs: IoCalls,
    blocks: BlockWrites,
}

#[derive(Debug)]
struct Call {
    name: String,
    began: Option<u64>,
}

impl StorageSamples {
    /// Says that an event was recorded, whether or not it ever happened.
    pub(crate) fn expect(&mut self, tracepoint: &Tracepoint) {
        let call = call_of(tracepoint, "sys_enter_").unwrap_or_default();
        self.sees_writes |= WRITES.contains(&call) || VECTOR_WRITES.contains(&call);
        self.sees_syncs |= SYNCS.contains(&call);
        self.sees_blocks |= is_block_issue(tracepoint);
    }

    pub(crate) fn add(&mut self, tracepoint: &Tracepoint, sample: &Sample<'_>) {
        let (Some(pid), Some(tid)) = (sample.pid, sample.tid) else { return };
        let writing = self.processes.entry(pid).or_default();
        if let Some(call) = call_of(tracepoint, "sys_enter_").filter(|call| is_counted(call)) {
            if WRITES.contains(&call) {
                writing.asked(tracepoint.number("count", sample.raw).unwrap_or(0));
            } else if SYNCS.contains(&call) {
                writing.syncs.n += 1;
            }
            self.open.insert(tid, Call { name: call.to_owned(), began: sample.time });
        } else if let Some(call) = call_of(tracepoint, "sys_exit_") {
            let Some(begun) = self.open.remove(&tid).filter(|begun| begun.name == call) else {
                return;
            };
            let took = sample.time.zip(begun.began).map(|(end, began)| end.saturating_sub(began));
            let ended = IoCalls { ns: took, ..IoCalls::default() };
            if SYNCS.contains(&call) {
                writing.syncs += ended;
                return;
            }
            writing.writes += ended;
            if VECTOR_WRITES.contains(&call) {
                // Errors are negative.
                let written =
                    tracepoint.number("ret", sample.raw).filter(|&n| n <= i64::MAX as u64);
                writing.asked(written.unwrap_or(0));
            }
        } else if is_block_issue(tracepoint) {
            let is_write =
                tracepoint.text("rwbs", sample.raw).is_some_and(|rwbs| rwbs.contains('W'));
            if let Some(bytes) = tracepoint.number("bytes", sample.raw).filter(|_| is_write) {
                writing.blocks.n += 1;
                writing.blocks.bytes = writing.blocks.bytes.saturating_add(bytes);
            }
        }
    }

    /// Whether any of these events was recorded.
    pub(crate) fn has_any(&self) -> bool {
        self.sees_writes || self.sees_syncs || self.sees_blocks
    }

    /// What these processes did; `None` if neither calls nor requests were recorded.
    pub(crate) fn of(
        &self,
        pids: impl Iterator<Item = u32> + Clone,
        source: SourceId,
        duration_ns: u64,
    ) -> Option<ProcessStorage> {
        if !self.has_any() {
            return None;
        }
        let mut own = Writing::default();
        let mut others = BlockWrites::default();
        for (pid, writing) in &self.processes {
            if pids.clone().any(|own| own == *pid) {
                own.add(writing);
            } else {
                others += writing.blocks;
            }
        }
        Some(ProcessStorage {
            source,
            duration_ns,
            writes: self.sees_writes.then_some(own.writes),
            syncs: self.sees_syncs.then_some(own.syncs),
            median_write_bytes: own.median_bytes(),
            blocks: self.sees_blocks.then_some(own.blocks),
            blocks_of_others: self.sees_blocks.then_some(others),
        })
    }
}

impl Writing {
    fn asked(&mut self, bytes: u64) {
        self.writes.n += 1;
        self.writes.bytes = self.writes.bytes.saturating_add(bytes);
        *self.by_bytes.entry(bytes).or_default() += 1;
    }

    fn add(&mut self, other: &Self) {
        self.writes += other.writes;
        self.syncs += other.syncs;
        self.blocks += other.blocks;
        for (&bytes, &n) in &other.by_bytes {
            *self.by_bytes.entry(bytes).or_default() += n;
        }
    }

    fn median_bytes(&self) -> Option<u64> {
        let mut n_below = 0;
        self.by_bytes.iter().find_map(|(&bytes, &n)| {
            n_below += n;
            (2 * n_below >= self.writes.n).then_some(bytes)
        })
    }
}

fn call_of<'t>(tracepoint: &'t Tracepoint, prefix: &str) -> Option<&'t str> {
    let is_call = tracepoint.system == "syscalls";
    tracepoint.name.strip_prefix(prefix).filter(|_| is_call)
}

fn is_counted(call: &str) -> bool {
    [&WRITES[..], &VECTOR_WRITES, &SYNCS].iter().any(|calls| calls.contains(&call))
}

fn is_block_issue(tracepoint: &Tracepoint) -> bool {
    tracepoint.system == "block" && tracepoint.name == "block_rq_issue"
}
