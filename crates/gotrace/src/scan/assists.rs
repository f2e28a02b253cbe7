//! Assists, paired by time for each goroutine: a goroutine may park in one and go on elsewhere.

use super::observe::{MarkAssist, Observer};
use super::thread::{AssistMark, AssistPart};
use crate::ids::{GoId, IdHashMap, NONE, Time};
use crate::symbols::StackKey;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    GoesOn,
    Begins(StackKey),
    Ends,
}

/// An assist that goes on, or whose time on the CPU is not known yet.
#[derive(Debug, Clone, Copy)]
struct Open {
    assist: MarkAssist,
    /// The run in which it began.
    run: u64,
    is_ended: bool,
}

/// Assists of the current generation, and those that go on from the last.
#[derive(Debug, Default)]
pub(super) struct Assists {
    marks: Vec<(AssistMark, What)>,
    parts: Vec<AssistPart>,
    n_unclear: u64,
    open: IdHashMap<u64, Open>,
    /// Those that are not within one run. Shape: by goroutine, sorted by start, not overlapping.
    across_runs: IdHashMap<u64, Vec<Open>>,
}

impl Assists {
    pub(super) fn n_open(&self) -> usize {
        self.open.len()
    }

    #[inline]
    pub(super) fn begins(&mut self, mark: AssistMark, stack: StackKey) {
        self.marks.push((mark, What::Begins(stack)));
    }

    #[inline]
    pub(super) fn ends(&mut self, mark: AssistMark) {
        self.marks.push((mark, What::Ends));
    }

    pub(super) fn goes_on(&mut self, goroutine: u64, time: Time) {
        self.marks.push((AssistMark { goroutine, time, run: 0 }, What::GoesOn));
    }

    #[inline]
    pub(super) fn add_part(&mut self, part: AssistPart) {
        self.parts.push(part);
    }

    /// A run ended of which it cannot be told whether it was in an assist.
    pub(super) fn add_unclear(&mut self) {
        self.n_unclear += 1;
    }

    pub(super) fn n_unclear(&self) -> u64 {
        self.n_unclear
    }

    /// Pairs what the generation had and hands out those that have ended.
    pub(super) fn pair(&mut self, observer: &mut impl Observer) {
        let mut marks = std::mem::take(&mut self.marks);
        // Stable: equal times on one thread stay in their order.
        marks.sort_by_key(|(mark, _)| (mark.goroutine, mark.time));
        for &(mark, what) in marks.iter().filter(|(mark, _)| mark.goroutine != NONE) {
            match what {
                What::GoesOn => {
                    let open = open_at(mark, false, StackKey::NONE);
                    self.open.entry(mark.goroutine).or_insert(open);
                }
                What::Begins(stack) => {
                    self.open.insert(mark.goroutine, open_at(mark, true, stack));
                }
                What::Ends => self.end(mark, observer),
            }
        }
        marks.clear();
        self.marks = marks;
        for (&goroutine, &open) in &self.open {
            self.across_runs.entry(goroutine).or_default().push(open);
        }
        for part in std::mem::take(&mut self.parts) {
            self.count(part);
        }
        self.finish(observer);
    }

    fn end(&mut self, mark: AssistMark, observer: &mut impl Observer) {
        let Some(mut open) = self.open.remove(&mark.goroutine) else { return };
        open.assist.end = mark.time;
        open.is_ended = true;
        if open.run != 0 && open.run == mark.run {
            open.assist.on_cpu_ns = mark.time.ns_since(open.assist.start);
            observer.assist(&open.assist);
        } else {
            self.across_runs.entry(mark.goroutine).or_default().push(open);
        }
    }

    /// Adds a part of a run to the assists that it overlaps.
    fn count(&mut self, part: AssistPart) {
        let Some(assists) = self.across_runs.get_mut(&part.goroutine) else { return };
        let first = assists.partition_point(|open| open.is_ended && open.assist.end <= part.start);
        for open in assists.iter_mut().skip(first) {
            if open.assist.start >= part.end {
                break;
            }
            let until = if open.is_ended { open.assist.end.min(part.end) } else { part.end };
            let overlap_ns = until.ns_since(open.assist.start.max(part.start));
            open.assist.on_cpu_ns = open.assist.on_cpu_ns.saturating_add(overlap_ns);
        }
    }

    /// Hands out those that have ended.
    fn finish(&mut self, observer: &mut impl Observer) {
        for (goroutine, assists) in std::mem::take(&mut self.across_runs) {
            for open in assists {
                if open.is_ended {
                    observer.assist(&open.assist);
                } else {
                    self.open.insert(goroutine, open);
                }
            }
        }
    }
}

fn open_at(mark: AssistMark, is_start_known: bool, stack: StackKey) -> Open {
    let (start, end) = (mark.time, mark.time);
    let goroutine = GoId(mark.goroutine);
    let assist = MarkAssist { goroutine, start, is_start_known, end, on_cpu_ns: 0, stack };
    Open { assist, run: mark.run, is_ended: false }
}
