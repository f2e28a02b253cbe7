//! Begins and ends of calls: what each waited for, and which of them go to storage.
//!
//! Files have the events of each processor one after the other, so that they are paired by time, a round at a time. A write
//! goes to storage when a sync of the same file follows it, or when a request to a device was made in it.

use std::collections::HashMap;

use evidence::DurableWrites;

use super::calls::{Calls, Timed};
use super::tracepoints::{Kind, is_restart};

/// Calls of all images as they are paired.
#[derive(Debug, Default)]
pub(super) struct Pairing {
    /// By image and number of the descriptor, writes that no sync of it has followed yet.
    pending: HashMap<(u32, u64), Timed>,
    /// By image, calls that go to storage for sure.
    durable: HashMap<u32, Timed>,
    /// Begins and ends that are not paired yet.
    marks: Vec<Mark>,
    /// Calls that have begun, by thread.
    open: HashMap<u32, Open>,
    /// The latest time of the round before this one.
    round_end: Option<u64>,
}

/// A moment of a thread.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    pub(super) time: Option<u64>,
    pub(super) tid: u32,
    pub(super) edge: Edge,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Edge {
    Begins(Begin),
    /// With what it returned.
    Ends(Kind, Option<u64>),
    /// A request to a device.
    Issues,
}

/// A call that begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Begin {
    pub(super) kind: Kind,
    /// Position in `calls`.
    pub(super) at: usize,
    pub(super) image: u32,
    /// `None` of calls for all files.
    pub(super) number: Option<u64>,
    /// Bytes asked for; of vectors only the end says.
    pub(super) bytes: u64,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    time: Option<u64>,
    begin: Begin,
    has_issued: bool,
}

impl Pairing {
    pub(super) fn push(&mut self, mark: Mark) {
        self.marks.push(mark);
    }

    /// All processors have been asked for what they had: what follows is later than what the round before this one had.
    pub(super) fn round_ends(&mut self, calls: &mut [Calls]) {
        let until = self.round_end.take();
        self.round_end = self.marks.iter().filter_map(|mark| mark.time).max().or(until);
        if let Some(until) = until {
            self.pair(until, calls);
        }
    }

    /// Pairs what happened until then.
    fn pair(&mut self, until: u64, calls: &mut [Calls]) {
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
                Edge::Ends(kind, returned) => self.end(&mark, kind, returned, calls),
            }
        }
    }

    fn end(&mut self, end: &Mark, kind: Kind, returned: Option<u64>, calls: &mut [Calls]) {
        let Some(mut open) = self.open.remove(&end.tid) else { return };
        if open.begin.kind != kind {
            self.settle(&open, None);
            return;
        }
        let calls = &mut calls[open.begin.at];
        if returned.is_some_and(is_restart) {
            calls.take_back(kind, open.begin.bytes);
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
    pub(super) fn finish(&mut self, calls: &mut [Calls]) {
        self.pair(u64::MAX, calls);
        let open = std::mem::take(&mut self.open);
        open.values().for_each(|lost| self.settle(lost, None));
    }

    /// What went to storage of the images for which `is_own` says so.
    pub(super) fn durable(&self, is_own: impl Fn(u32) -> bool) -> DurableWrites {
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

#[cfg(test)]
mod tests;
