//! Tracepoints of writing, as perf saw them: what the program asked for, and what reached block devices.

use std::collections::{BTreeMap, HashMap};

use evidence::{
    BlockWrites, DurableWrites, Frame, IoCalls, IoSite, ProcessStorage, SourceId, WriteSizes,
};
use goperf::{Sample, Tracepoint};

/// Writing by image (a process while it runs one program) and stack.
#[derive(Debug, Default)]
pub(crate) struct StorageSamples {
    calls: Vec<Calls>,
    /// Positions in `calls`.
    by_stack: HashMap<(u32, Vec<u64>), usize>,
    /// By image and number of the descriptor, writes that no sync of it has followed yet.
    pending: HashMap<(u32, u64), Timed>,
    /// By image, calls that go to storage for sure.
    durable: HashMap<u32, Timed>,
    blocks: HashMap<u32, BlockWrites>,
    /// Begins and ends that are not paired yet.
    marks: Vec<Mark>,
    /// Calls that have begun, by thread.
    open: HashMap<u32, Open>,
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

/// System calls with the times that they took.
#[derive(Debug, Default)]
struct Timed {
    calls: Calls,
    /// Begin and end of each.
    spans: Vec<(u64, u64)>,
}

impl Timed {
    fn append(&mut self, mut other: Self) {
        self.calls.add(&other.calls);
        self.spans.append(&mut other.spans);
    }
}

/// What a system call does: writes the bytes in its field `count`, writes buffers, waits until data is on the device, or gives
/// the number of a file back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Write,
    VectorWrite,
    Sync,
    Close,
}

/// A moment of a thread. Files have the events of each processor one after the other: these are paired by time.
#[derive(Debug, Clone, Copy)]
struct Mark {
    time: Option<u64>,
    tid: u32,
    edge: Edge,
}

#[derive(Debug, Clone, Copy)]
enum Edge {
    Begins(Begin),
    /// With what it returned.
    Ends(Kind, Option<u64>),
    /// A request to a device.
    Issues,
}

/// A call that begins.
#[derive(Debug, Clone, Copy)]
struct Begin {
    kind: Kind,
    /// Position in `calls`.
    at: usize,
    image: u32,
    /// `None` of calls for all files.
    number: Option<u64>,
    /// Bytes asked for; of vectors only the end says.
    bytes: u64,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    time: Option<u64>,
    begin: Begin,
    has_issued: bool,
}

impl StorageSamples {
    /// Says that an event was recorded, whether or not it ever happened.
    pub(crate) fn expect(&mut self, tracepoint: &Tracepoint) {
        match call_of(tracepoint, "sys_enter_") {
            Some(Kind::Write | Kind::VectorWrite) => self.sees_writes = true,
            Some(Kind::Sync) => self.sees_syncs = true,
            Some(Kind::Close) => {}
            None => self.sees_blocks |= is_block_issue(tracepoint),
        }
    }

    pub(crate) fn add(&mut self, tracepoint: &Tracepoint, image: u32, sample: &Sample<'_>) {
        let Some(tid) = sample.tid else { return };
        let edge = if let Some(kind) = call_of(tracepoint, "sys_enter_") {
            self.begin(kind, tracepoint, image, sample)
        } else if let Some(kind) = call_of(tracepoint, "sys_exit_") {
            Edge::Ends(kind, tracepoint.number("ret", sample.raw))
        } else if is_block_issue(tracepoint) {
            let is_write =
                tracepoint.text("rwbs", sample.raw).is_some_and(|rwbs| rwbs.contains('W'));
            let bytes = tracepoint.number("bytes", sample.raw).filter(|_| is_write);
            let Some(bytes) = bytes else { return };
            *self.blocks.entry(image).or_default() += BlockWrites { n: 1, bytes };
            Edge::Issues
        } else {
            return;
        };
        self.marks.push(Mark { time: sample.time, tid, edge });
    }

    fn begin(
        &mut self,
        kind: Kind,
        tracepoint: &Tracepoint,
        image: u32,
        sample: &Sample<'_>,
    ) -> Edge {
        let number = |name: &str| tracepoint.number(name, sample.raw);
        let bytes = number("count").filter(|_| kind == Kind::Write).unwrap_or(0);
        let at = self.position(image, &sample.stack);
        match kind {
            Kind::Write => self.calls[at].asked(bytes),
            Kind::Sync => self.calls[at].syncs.n += 1,
            Kind::VectorWrite | Kind::Close => {}
        }
        // The register is wider than the number.
        let number = number("fd").map(|fd| fd & u64::from(u32::MAX));
        Edge::Begins(Begin { kind, at, image, number, bytes })
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
                Edge::Begins(begin) => {
                    let open = Open { time: mark.time, begin, has_issued: false };
                    if let Some(lost) = self.open.insert(mark.tid, open) {
                        self.settle(&lost, None);
                    }
                }
                Edge::Issues => {
                    if let Some(open) = self.open.get_mut(&mark.tid) {
                        open.has_issued = true;
                    }
                }
                Edge::Ends(kind, returned) => self.end(&mark, kind, returned),
            }
        }
    }

    fn end(&mut self, end: &Mark, kind: Kind, returned: Option<u64>) {
        let Some(mut open) = self.open.remove(&end.tid) else { return };
        if open.begin.kind != kind {
            self.settle(&open, None);
            return;
        }
        let calls = &mut self.calls[open.begin.at];
        if returned.is_some_and(is_restart) {
            calls.take_back(&open.begin);
            return;
        }
        if kind == Kind::VectorWrite {
            // Errors are negative.
            open.begin.bytes = returned.filter(|&n| n <= i64::MAX as u64).unwrap_or(0);
            calls.asked(open.begin.bytes);
        }
        let span = open.time.zip(end.time);
        calls.took(kind, span);
        self.settle(&open, span);
    }

    /// A call is over, or its end is not in the file: says whether it goes to storage.
    fn settle(&mut self, open: &Open, span: Option<(u64, u64)>) {
        let Begin { kind, image, number, bytes, .. } = open.begin;
        let key = (image, number.unwrap_or(u64::MAX));
        let durable = self.durable.entry(image).or_default();
        let timed = match kind {
            Kind::Close => {
                self.pending.remove(&key);
                return;
            }
            Kind::Sync => {
                if let Some(writes) = self.pending.remove(&key) {
                    durable.append(writes);
                }
                durable.calls.syncs.n += 1;
                durable
            }
            // Without its end nothing says how much it wrote.
            Kind::VectorWrite if span.is_none() => return,
            Kind::Write | Kind::VectorWrite if open.has_issued => {
                durable.calls.asked(bytes);
                durable
            }
            Kind::Write | Kind::VectorWrite => {
                let pending = self.pending.entry(key).or_default();
                pending.calls.asked(bytes);
                pending
            }
        };
        timed.calls.took(kind, span);
        timed.spans.extend(span);
    }

    /// No more records follow.
    pub(crate) fn finish(&mut self) {
        self.pair(u64::MAX);
        let open = std::mem::take(&mut self.open);
        open.values().for_each(|lost| self.settle(lost, None));
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
            durable: (self.sees_syncs || self.sees_blocks).then(|| self.durable(&is_own)),
            sites: sites(by_line),
            blocks: self.sees_blocks.then(|| blocks_of(true)),
            blocks_of_others: self.sees_blocks.then(|| blocks_of(false)),
        })
    }

    fn durable(&self, is_own: impl Fn(u32) -> bool) -> DurableWrites {
        let mut calls = Calls::default();
        let mut spans = Vec::new();
        for (_, timed) in self.durable.iter().filter(|(image, _)| is_own(**image)) {
            calls.add(&timed.calls);
            spans.extend_from_slice(&timed.spans);
        }
        let is_none = calls.writes.n + calls.syncs.n == 0;
        let has_ends = is_none || !spans.is_empty();
        DurableWrites {
            writes: calls.writes,
            syncs: calls.syncs,
            write_sizes: calls.sizes(),
            waited_ns: has_ends.then(|| covered(spans)),
        }
    }
}

/// Time that is in at least one of the spans. Units: nanoseconds.
fn covered(mut spans: Vec<(u64, u64)>) -> u64 {
    spans.sort_unstable();
    let (mut sum, mut until) = (0, 0);
    for (begin, end) in spans {
        sum += end.saturating_sub(begin.max(until));
        until = until.max(end);
    }
    sum
}

/// Lines that write or wait for the device, most bytes first, then most calls.
fn sites(by_line: BTreeMap<Option<Frame>, Calls>) -> Vec<IoSite> {
    let site = |(frame, calls): (Option<Frame>, Calls)| {
        let write_sizes = calls.sizes();
        IoSite { frame, writes: calls.writes, syncs: calls.syncs, write_sizes }
    };
    // Lines that only close files have neither.
    let has_calls = |(_, calls): &(Option<Frame>, Calls)| calls.writes.n + calls.syncs.n > 0;
    let mut sites: Vec<IoSite> = by_line.into_iter().filter(has_calls).map(site).collect();
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

    /// The kernel was interrupted and makes the same call again, which the program asked for once.
    fn take_back(&mut self, begin: &Begin) {
        match begin.kind {
            Kind::Write => {
                self.writes.n -= 1;
                self.writes.bytes = self.writes.bytes.saturating_sub(begin.bytes);
                if let Some(n) = self.by_bytes.get_mut(&begin.bytes) {
                    *n -= 1;
                }
            }
            Kind::Sync => self.syncs.n -= 1,
            // Counted by their ends alone, or not at all.
            Kind::VectorWrite | Kind::Close => {}
        }
    }

    fn took(&mut self, kind: Kind, span: Option<(u64, u64)>) {
        let ns = span.map(|(begin, end)| end.saturating_sub(begin));
        let ended = IoCalls { ns, ..IoCalls::default() };
        match kind {
            Kind::Write | Kind::VectorWrite => self.writes += ended,
            Kind::Sync => self.syncs += ended,
            Kind::Close => {}
        }
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

/// Whether a call returns to the kernel only: ERESTARTSYS, -NOINTR, -NOHAND and _RESTARTBLOCK of include/linux/errno.h.
fn is_restart(returned: u64) -> bool {
    matches!(returned.cast_signed(), -516 | -514..=-512)
}

/// The kind of the call that a tracepoint is of, where it is one of those that are counted.
fn call_of(tracepoint: &Tracepoint, prefix: &str) -> Option<Kind> {
    let call = tracepoint.name.strip_prefix(prefix).filter(|_| tracepoint.system == "syscalls")?;
    match call {
        "write" | "pwrite64" => Some(Kind::Write),
        "writev" | "pwritev" | "pwritev2" => Some(Kind::VectorWrite),
        "fsync" | "fdatasync" | "sync_file_range" | "sync" | "msync" | "syncfs" => Some(Kind::Sync),
        "close" => Some(Kind::Close),
        _ => None,
    }
}

fn is_block_issue(tracepoint: &Tracepoint) -> bool {
    tracepoint.system == "block" && tracepoint.name == "block_rq_issue"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Marks of one process, in any order.
    fn durable(marks: &[(u64, u32, Edge)]) -> DurableWrites {
        let mut storage = StorageSamples { calls: vec![Calls::default()], ..Default::default() };
        let mark = |&(time, tid, edge): &(u64, u32, Edge)| Mark { time: Some(time), tid, edge };
        storage.marks = marks.iter().map(mark).collect();
        storage.finish();
        storage.durable(|_| true)
    }

    fn begins(kind: Kind, number: u64, bytes: u64) -> Edge {
        Edge::Begins(Begin { kind, at: 0, image: 1, number: Some(number), bytes })
    }

    fn ends(kind: Kind) -> Edge {
        Edge::Ends(kind, Some(0))
    }

    #[test]
    fn writes_are_durable_when_a_sync_of_the_same_number_follows() {
        let found = durable(&[
            (10, 1, begins(Kind::Write, 3, 100)),
            (12, 1, ends(Kind::Write)),
            (13, 1, begins(Kind::Write, 4, 1)),
            (14, 1, ends(Kind::Write)),
            (20, 1, begins(Kind::Sync, 3, 0)),
            (90, 1, ends(Kind::Sync)),
            (91, 1, begins(Kind::Write, 3, 7)),
            (92, 1, ends(Kind::Write)),
        ]);
        assert_eq!((found.writes.n, found.writes.bytes, found.syncs.n), (1, 100, 1));
        assert_eq!((found.writes.ns, found.syncs.ns), (Some(2), Some(70)));
        assert_eq!(found.waited_ns, Some(72));
    }

    #[test]
    fn a_number_that_was_given_back_is_another_file() {
        let found = durable(&[
            (10, 1, begins(Kind::Write, 3, 100)),
            (12, 1, ends(Kind::Write)),
            (13, 1, begins(Kind::Close, 3, 0)),
            (14, 1, ends(Kind::Close)),
            (20, 1, begins(Kind::Sync, 3, 0)),
            (90, 1, ends(Kind::Sync)),
        ]);
        assert_eq!((found.writes.n, found.syncs.n), (0, 1));
    }

    #[test]
    fn writes_that_reach_a_device_themselves_are_durable() {
        let found = durable(&[
            (10, 1, begins(Kind::Write, 3, 100)),
            // Of another thread.
            (11, 2, Edge::Issues),
            (12, 1, ends(Kind::Write)),
            (20, 1, begins(Kind::Write, 3, 50)),
            (21, 1, Edge::Issues),
            (30, 1, ends(Kind::Write)),
        ]);
        assert_eq!((found.writes.n, found.writes.bytes, found.waited_ns), (1, 50, Some(10)));
    }

    #[test]
    fn threads_that_wait_at_a_time_wait_once() {
        let sync = |tid, begin, end| {
            [(begin, tid, begins(Kind::Sync, 3, 0)), (end, tid, ends(Kind::Sync))]
        };
        let marks = [sync(1, 10, 50), sync(2, 20, 60), sync(3, 80, 90), sync(4, 81, 89)].concat();
        let found = durable(&marks);
        assert_eq!((found.syncs.ns, found.waited_ns), (Some(40 + 40 + 10 + 8), Some(60)));
    }

    #[test]
    fn calls_that_the_kernel_makes_again_count_once() {
        let restarts = |kind| Edge::Ends(kind, Some((-512_i64).cast_unsigned()));
        let mut storage = StorageSamples { calls: vec![Calls::default()], ..Default::default() };
        // As their begins were counted.
        storage.calls[0].asked(100);
        storage.calls[0].asked(100);
        storage.calls[0].syncs.n = 2;
        let marks = [
            (10, begins(Kind::Write, 3, 100)),
            (12, restarts(Kind::Write)),
            (13, begins(Kind::Write, 3, 100)),
            (15, ends(Kind::Write)),
            (20, begins(Kind::Sync, 3, 0)),
            (30, restarts(Kind::Sync)),
            (31, begins(Kind::Sync, 3, 0)),
            (40, ends(Kind::Sync)),
        ];
        storage.marks = marks.map(|(time, edge)| Mark { time: Some(time), tid: 1, edge }).into();
        storage.finish();
        let calls = &storage.calls[0];
        assert_eq!((calls.writes.n, calls.writes.bytes, calls.syncs.n), (1, 100, 1));
        assert_eq!(calls.by_bytes[&100], 1);
        let durable = storage.durable(|_| true);
        assert_eq!((durable.writes.n, durable.syncs.n, durable.waited_ns), (1, 1, Some(11)));
    }

    #[test]
    fn without_ends_calls_are_counted_and_not_timed() {
        let found = durable(&[
            (10, 1, begins(Kind::Write, 3, 100)),
            (20, 1, begins(Kind::Sync, 3, 0)),
            (30, 1, begins(Kind::Write, 3, 100)),
            (40, 1, begins(Kind::Sync, 3, 0)),
        ]);
        assert_eq!((found.writes.n, found.syncs.n), (2, 2));
        assert_eq!((found.writes.ns, found.syncs.ns, found.waited_ns), (None, None, None));
    }
}
