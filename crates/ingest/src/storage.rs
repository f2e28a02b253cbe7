//! Tracepoints of writing, as perf saw them: what the program asked for, and what reached block devices.

use std::collections::{BTreeMap, HashMap};

use diagnosis::evidence::{
    BlockWrites, Frame, IoCalls, IoSite, ProcessStorage, SourceId, WriteSizes,
};
use goperf::{Sample, Tracepoint};

/// Writing by image (a process while it runs one program) and stack.
#[derive(Debug, Default)]
pub(crate) struct StorageSamples {
    calls: Vec<Calls>,
    /// Positions in `calls`.
    by_stack: HashMap<(u32, Vec<u64>), usize>,
    blocks: HashMap<u32, BlockWrites>,
    /// Begins and ends that are not paired yet.
    marks: Vec<Mark>,
    /// Calls that have begun, by thread, with their positions in `calls`.
    open: HashMap<u32, (Mark, usize)>,
    /// The latest time of the round before this one.
    round_end: Option<u64>,
    sees_writes: bool,
    sees_syncs: bool,
    sees_blocks: bool,
}

/// System calls, added up.
#[derive(Debug, Clone, Default)]
struct Calls {
    writes: IoCalls,
    syncs: IoCalls,
    /// Writing calls by the bytes they asked for.
    by_bytes: BTreeMap<u64, u64>,
}

/// What a system call does: writes the bytes in its field `count`, writes buffers, or waits until data is on the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Write,
    VectorWrite,
    Sync,
}

/// A begin or end of a call. Files have the events of each processor one after the other: these are paired by time.
#[derive(Debug, Clone, Copy)]
struct Mark {
    time: Option<u64>,
    tid: u32,
    kind: Kind,
    edge: Edge,
}

#[derive(Debug, Clone, Copy)]
enum Edge {
    /// With the position in `calls`.
    Begins(usize),
    /// With what it returned.
    Ends(Option<u64>),
}

impl StorageSamples {
    /// Says that an event was recorded, whether or not it ever happened.
    pub(crate) fn expect(&mut self, tracepoint: &Tracepoint) {
        match call_of(tracepoint, "sys_enter_") {
            Some(Kind::Write | Kind::VectorWrite) => self.sees_writes = true,
            Some(Kind::Sync) => self.sees_syncs = true,
            None => self.sees_blocks |= is_block_issue(tracepoint),
        }
    }

    pub(crate) fn add(&mut self, tracepoint: &Tracepoint, image: u32, sample: &Sample<'_>) {
        let Some(tid) = sample.tid else { return };
        let time = sample.time;
        if let Some(kind) = call_of(tracepoint, "sys_enter_") {
            let at = self.position(image, &sample.stack);
            match kind {
                Kind::Write => {
                    self.calls[at].asked(tracepoint.number("count", sample.raw).unwrap_or(0));
                }
                Kind::Sync => self.calls[at].syncs.n += 1,
                // How much, only its end says.
                Kind::VectorWrite => {}
            }
            self.marks.push(Mark { time, tid, kind, edge: Edge::Begins(at) });
        } else if let Some(kind) = call_of(tracepoint, "sys_exit_") {
            let edge = Edge::Ends(tracepoint.number("ret", sample.raw));
            self.marks.push(Mark { time, tid, kind, edge });
        } else if is_block_issue(tracepoint) {
            let is_write =
                tracepoint.text("rwbs", sample.raw).is_some_and(|rwbs| rwbs.contains('W'));
            if let Some(bytes) = tracepoint.number("bytes", sample.raw).filter(|_| is_write) {
                *self.blocks.entry(image).or_default() += BlockWrites { n: 1, bytes };
            }
        }
    }

    fn position(&mut self, image: u32, stack: &[u64]) -> usize {
        let next = self.calls.len();
        let at = *self.by_stack.entry((image, stack.to_vec())).or_insert(next);
        if at == next {
            self.calls.push(Calls::default());
        }
        at
    }

    /// All processors have been asked for what they had: what follows is later than what the round before this one had.
    pub(crate) fn round_ends(&mut self) {
        let until = self.round_end.take();
        self.round_end = self.marks.iter().filter_map(|mark| mark.time).max().or(until);
        if let Some(until) = until {
            self.pair(until);
        }
    }

    /// Pairs what happened until then.
    fn pair(&mut self, until: u64) {
        self.marks.sort_by_key(|mark| mark.time);
        let n = self.marks.partition_point(|mark| mark.time <= Some(until));
        for mark in self.marks.drain(..n).collect::<Vec<_>>() {
            match mark.edge {
                Edge::Begins(at) => {
                    self.open.insert(mark.tid, (mark, at));
                }
                Edge::Ends(returned) => self.end(&mark, returned),
            }
        }
    }

    fn end(&mut self, end: &Mark, returned: Option<u64>) {
        let Some((begin, at)) = self.open.remove(&end.tid) else { return };
        if begin.kind != end.kind {
            return;
        }
        let took = end.time.zip(begin.time).map(|(end, begin)| end.saturating_sub(begin));
        let ended = IoCalls { ns: took, ..IoCalls::default() };
        let calls = &mut self.calls[at];
        match end.kind {
            Kind::Sync => calls.syncs += ended,
            Kind::Write => calls.writes += ended,
            Kind::VectorWrite => {
                calls.writes += ended;
                // Errors are negative.
                let written = returned.filter(|&n| n <= i64::MAX as u64);
                calls.asked(written.unwrap_or(0));
            }
        }
    }

    /// No more records follow.
    pub(crate) fn finish(&mut self) {
        self.pair(u64::MAX);
    }

    /// Whether any of these events was recorded.
    pub(crate) fn has_any(&self) -> bool {
        self.sees_writes || self.sees_syncs || self.sees_blocks
    }

    /// What the images did for which `is_own` says so, by the lines that `line_of` finds on their stacks; `None` if
    /// neither calls nor requests were recorded.
    pub(crate) fn of(
        &self,
        is_own: impl Fn(u32) -> bool,
        mut line_of: impl FnMut(u32, &[u64]) -> Option<Frame>,
        source: SourceId,
        duration_ns: u64,
    ) -> Option<ProcessStorage> {
        if !self.has_any() {
            return None;
        }
        let mut own = Calls::default();
        let mut by_line: BTreeMap<Option<Frame>, Calls> = BTreeMap::new();
        for ((image, stack), &at) in self.by_stack.iter().filter(|((image, _), _)| is_own(*image)) {
            own.add(&self.calls[at]);
            by_line.entry(line_of(*image, stack)).or_default().add(&self.calls[at]);
        }
        let blocks_of = |wanted: bool| {
            let of = self.blocks.iter().filter(|(image, _)| is_own(**image) == wanted);
            of.fold(BlockWrites::default(), |mut sum, (_, blocks)| {
                sum += *blocks;
                sum
            })
        };
        Some(ProcessStorage {
            source,
            duration_ns,
            writes: self.sees_writes.then_some(own.writes),
            syncs: self.sees_syncs.then_some(own.syncs),
            write_sizes: own.sizes(),
            sites: sites(by_line),
            blocks: self.sees_blocks.then(|| blocks_of(true)),
            blocks_of_others: self.sees_blocks.then(|| blocks_of(false)),
        })
    }
}

/// Lines that write or wait for the device, most bytes first, then most calls.
fn sites(by_line: BTreeMap<Option<Frame>, Calls>) -> Vec<IoSite> {
    let site = |(frame, calls): (Option<Frame>, Calls)| {
        let write_sizes = calls.sizes();
        IoSite { frame, writes: calls.writes, syncs: calls.syncs, write_sizes }
    };
    let mut sites: Vec<IoSite> = by_line.into_iter().map(site).collect();
    sites.sort_by_key(|site| {
        (std::cmp::Reverse(site.writes.bytes), std::cmp::Reverse(site.writes.n + site.syncs.n))
    });
    sites
}

impl Calls {
    fn asked(&mut self, bytes: u64) {
        self.writes.n += 1;
        self.writes.bytes = self.writes.bytes.saturating_add(bytes);
        *self.by_bytes.entry(bytes).or_default() += 1;
    }

    fn add(&mut self, other: &Self) {
        self.writes += other.writes;
        self.syncs += other.syncs;
        for (&bytes, &n) in &other.by_bytes {
            *self.by_bytes.entry(bytes).or_default() += n;
        }
    }

    fn sizes(&self) -> Option<WriteSizes> {
        // Bytes that so many hundredths of the calls do not exceed.
        let quantile = |hundredths: u64| {
            let mut n_below = 0;
            self.by_bytes.iter().find_map(|(&bytes, &n)| {
                n_below += n;
                (100 * n_below >= hundredths * self.writes.n).then_some(bytes)
            })
        };
        let mut by_power = BTreeMap::<u64, u64>::new();
        for (&bytes, &n) in &self.by_bytes {
            *by_power.entry(bytes.checked_next_power_of_two().unwrap_or(u64::MAX)).or_default() +=
                n;
        }
        let by_power = by_power.into_iter().collect();
        Some(WriteSizes { p50_bytes: quantile(50)?, p95_bytes: quantile(95)?, by_power })
    }
}

/// The kind of the call that a tracepoint is of, where it is one of those that are counted.
fn call_of(tracepoint: &Tracepoint, prefix: &str) -> Option<Kind> {
    let call = tracepoint.name.strip_prefix(prefix).filter(|_| tracepoint.system == "syscalls")?;
    match call {
        "write" | "pwrite64" => Some(Kind::Write),
        "writev" | "pwritev" | "pwritev2" => Some(Kind::VectorWrite),
        "fsync" | "fdatasync" | "sync_file_range" | "sync" | "msync" => Some(Kind::Sync),
        _ => None,
    }
}

fn is_block_issue(tracepoint: &Tracepoint) -> bool {
    tracepoint.system == "block" && tracepoint.name == "block_rq_issue"
}
