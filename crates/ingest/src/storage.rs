//! Tracepoints of writing, as perf saw them: what the program asked for, and what reached block devices.

use std::collections::{BTreeMap, HashMap};

use evidence::{BlockWrites, Frame, IoSite, ProcessStorage, SourceId};
use goperf::{Sample, Tracepoint};

mod calls;
mod pairing;
mod tracepoints;

use calls::Calls;
use pairing::{Begin, Edge, Mark, Pairing};
use tracepoints::{Kind, call_of, is_block_issue};

/// Writing by image (a process while it runs one program) and stack.
#[derive(Debug, Default)]
pub(crate) struct StorageSamples {
    calls: Vec<Calls>,
    /// Positions in `calls`.
    by_stack: HashMap<(u32, Vec<u64>), usize>,
    pairing: Pairing,
    blocks: HashMap<u32, BlockWrites>,
    sees_writes: bool,
    sees_syncs: bool,
    sees_blocks: bool,
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
        self.pairing.push(Mark { time: sample.time, tid, edge });
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
        self.pairing.round_ends(&mut self.calls);
    }

    /// No more records follow.
    pub(crate) fn finish(&mut self) {
        self.pairing.finish(&mut self.calls);
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
            durable: (self.sees_syncs || self.sees_blocks).then(|| self.pairing.durable(&is_own)),
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
    // Lines that only close files have neither.
    let has_calls = |(_, calls): &(Option<Frame>, Calls)| calls.writes.n + calls.syncs.n > 0;
    let mut sites: Vec<IoSite> = by_line.into_iter().filter(has_calls).map(site).collect();
    sites.sort_by_key(|site| {
        (std::cmp::Reverse(site.writes.bytes), std::cmp::Reverse(site.writes.n + site.syncs.n))
    });
    sites
}
