//! The part of a recording since the last one was made, and what becomes of it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime};

use recording::Ending;

use super::Recorder;
use super::tables::Waiting;
use crate::error::Error;
use crate::governor::{Interval, Mode};
use crate::kernel::{Counters, Taken};
use crate::outcome::Recording;
use crate::profile::{self, Facts};
use crate::record_layout::{
    COUNT_CHECKS, COUNT_EVENT_NS, COUNT_FRAMES, COUNT_FROZEN, COUNT_IGNORED, COUNT_NEW_PROCESSES,
    COUNT_PASSED, COUNT_READ_FAULTS, COUNT_RESTARTS, COUNT_STACKLESS, COUNT_STANDING,
    COUNT_STANDING_NS, COUNT_TABLE_FULL, COUNT_WALKED,
};
use crate::tally::Tally;
use crate::windows::Windows;

/// What was counted since the last recording was made.
pub(super) struct Part {
    /// When the counts before it were taken out.
    pub(super) start: Mark,
    /// When the governor had looked before that: what probes cost from then on belongs to this part.
    pub(super) from: Mark,
    pub(super) started_at: SystemTime,
    pub(super) tally: Tally,
    pub(super) windows: Windows,
    pub(super) waiting: Waiting,
    /// Processes that were there already.
    pub(super) n_known: u64,
    /// Those that ran another program already.
    pub(super) n_elsewhere: u64,
    /// Growths and makes taken out of the tables.
    pub(super) n_taken: u64,
    /// Whether the probe that stays in gaps stood all the time.
    pub(super) counts_standing: bool,
    /// Processes whose code was seen to lack probes that were there before.
    pub(super) given_back: BTreeSet<u32>,
    /// Time in which hits were not counted as nothing was heard of the recorder.
    pub(super) frozen: Duration,
    /// By mode: exact, sampled stacks, windows.
    pub(super) time_in: [Duration; 3],
}

impl Part {
    /// What the kernel side counted until now, by `COUNT_*`.
    fn counters(&self, now: &Mark) -> Vec<u64> {
        // Where they cannot be read any more, those of `now` are older.
        let counters = self.start.counters.iter().zip(now.counters);
        counters.map(|(from, to)| to.saturating_sub(*from)).collect()
    }

    pub(super) fn beginning(start: Mark, from: Mark, before: &Windows) -> Self {
        Self {
            start,
            from,
            started_at: SystemTime::now(),
            tally: Tally::default(),
            windows: before.next(),
            waiting: Waiting::default(),
            n_known: 0,
            n_elsewhere: 0,
            n_taken: 0,
            counts_standing: false,
            given_back: BTreeSet::new(),
            frozen: Duration::ZERO,
            time_in: [Duration::ZERO; 3],
        }
    }
}

/// Counters and clocks at a moment.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    pub(super) counters: Counters,
    pub(super) cpu_ns: u64,
    pub(super) at: Instant,
}

impl Mark {
    /// The counters of the later of the two: none ever goes back.
    fn later(&self, other: &Self) -> Counters {
        std::array::from_fn(|counter| self.counters[counter].max(other.counters[counter]))
    }

    /// Whether hits were not counted since then as nothing was heard of the recorder.
    pub(super) fn has_more_frozen(&self, before: &Self) -> bool {
        self.counters[COUNT_FROZEN as usize] > before.counters[COUNT_FROZEN as usize]
    }
}

pub(super) fn between(from: &Mark, to: &Mark) -> Interval {
    let count = |counter: u32| to.counters[counter as usize] - from.counters[counter as usize];
    Interval {
        wall_ns: (to.at.saturating_duration_since(from.at)).as_nanos() as u64,
        cpu_ns: to.cpu_ns.saturating_sub(from.cpu_ns),
        n_walked: count(COUNT_WALKED),
        n_stackless: count(COUNT_STACKLESS),
        n_frames: count(COUNT_FRAMES),
        n_ignored: count(COUNT_IGNORED) + count(COUNT_CHECKS) + count(COUNT_READ_FAULTS),
        n_passed: count(COUNT_PASSED),
        n_standing: count(COUNT_STANDING),
        standing_ns: count(COUNT_STANDING_NS),
        event_ns: count(COUNT_EVENT_NS),
    }
}

impl Recorder {
    /// Makes a recording of everything since the last one.
    pub(super) fn cut(&mut self, ending: Ending) -> Result<Recording, Error> {
        let (counters, at) = match self.gather(ending) {
            Err(_) if ending == Ending::Failure => (self.give_up(), Instant::now()),
            gathered => gathered?,
        };
        let now = Mark { counters, at, ..self.last };
        let mut next = Part::beginning(now, self.last, &self.part.windows);
        if ending == Ending::Rotation {
            next.n_known = self.alive()?.len() as u64;
        }
        next.n_elsewhere = self.n_elsewhere(&now.counters);
        let n_elsewhere = next.n_elsewhere.saturating_sub(self.part.n_elsewhere);
        next.counts_standing = self.standing.links.is_some();
        let mut part = std::mem::replace(&mut self.part, next);
        if now.has_more_frozen(&part.start) {
            part.counts_standing = false;
            part.windows.ensure_uncounted();
        }
        // What failed may have been what goes on counting.
        let lacks_probes = !(self.unprobed.is_empty() && part.given_back.is_empty());
        if lacks_probes || ending == Ending::Failure {
            part.windows.ensure_uncounted();
        }
        let counters = part.counters(&now);
        let facts = Facts { n_elsewhere, ..self.facts(&part, &now, &counters, ending) };
        let recording = profile::build(&part.tally, self.program.binary(), &facts);
        self.n_grows_before += recording.n_grows as f64;
        Ok(recording)
    }

    /// Takes everything that was counted out of the kernel's tables, and returns the counters, and until when they
    /// counted.
    fn gather(&mut self, ending: Ending) -> Result<(Counters, Instant), Error> {
        let before = self.governor.mode();
        if before == Mode::Windows {
            self.end_gap()?;
        } else {
            self.tick()?;
        }
        if self.governor.mode() != Mode::Windows {
            self.look_at_code()?;
        }
        let ended_at =
            if ending == Ending::Rotation { None } else { Some(self.take_probes_away()?) };
        if before != Mode::Windows && self.governor.mode() == Mode::Windows {
            // That look was the one that ended counting: since then there is a gap, which no window ends.
            self.end_gap()?;
        }
        // The last look may be older than what was loaded since.
        self.others.wait();
        self.look_for_others()?;
        self.collect()?;
        self.others.wait();
        Ok((self.kernel.counters()?, ended_at.unwrap_or_else(Instant::now)))
    }

    /// The kernel takes probes away one after the other, over some ten milliseconds: where the rest counted meanwhile, some
    /// steps of growth would be missing, and maps would seem to have stopped before them. Returns when counting ended.
    fn take_probes_away(&mut self) -> Result<Instant, Error> {
        self.kernel.hold(true)?;
        let ended_at = Instant::now();
        (self.growth, self.always) = Default::default();
        self.standing.links = None;
        self.detaching.wait();
        Ok(ended_at)
    }

    /// Keeps what was taken out of the kernel's tables already; the rest is lost. Returns the counters as far as they are
    /// known.
    fn give_up(&mut self) -> Counters {
        self.fold(Taken::default());
        let speed = if self.found.is_all() { 1.0 } else { self.governor.speed() };
        let unseen_ns = self.last.at.elapsed().as_nanos() as f64 * speed;
        self.part.windows.add_blind(unseen_ns);
        self.kernel.counters().unwrap_or_else(|_| self.last.later(&self.part.start))
    }

    /// What is said of a part that ends now, but for what is known only when the next one begins.
    fn facts<'f>(&self, part: &Part, now: &Mark, counters: &'f [u64], ending: Ending) -> Facts<'f> {
        Facts {
            program: self.found.name(),
            path: self.found.file.shown.clone(),
            map_impl: self.program.map.map_impl,
            started_at: part.started_at,
            elapsed: now.at - part.start.at,
            ending,
            sample_hz: self.sample_hz,
            max_overhead: self.max_overhead,
            overhead: self.overhead(&part.from),
            is_settling: self.governor.is_settling(),
            costs: *self.governor.costs(),
            links: self.kernel.link_kind(),
            n_probes: self.points.n_growth(),
            n_inlined: self.points.n_inlined,
            n_unprobed: self.points.n_unprobed,
            counts_every_split: self.points.splits.is_some() && part.counts_standing,
            large_above: self.large_above(part.counts_standing),
            n_processes: (part.n_known + counters[COUNT_NEW_PROCESSES as usize])
                .saturating_sub(counters[COUNT_RESTARTS as usize]),
            n_elsewhere: 0,
            n_beside: self.beside.len() as u64,
            replaced_after: self.replaced_after,
            unprobed: self.unprobed.union(&part.given_back).copied().collect(),
            other_code: self.others.go_code(),
            has_more_files: self.others.has_more_files(),
            has_more_processes: self.others.has_more_processes(),
            only_user: self.attached.only_user,
            frozen: part.frozen,
            time_in: part.time_in,
            windows: part.windows,
            n_events: part.n_taken,
            n_without_room: part.tally.n_without_room,
            n_missing: if ending != Ending::Rotation { self.n_missing(&now.counters) } else { 0 },
            counters,
        }
    }

    /// The size of arrays above which every growth was counted. Units: bytes.
    fn large_above(&self, is_counted: bool) -> Option<u64> {
        let (large, _) = self.points.large.as_ref().filter(|_| is_counted)?;
        Some(large.above)
    }

    /// Events that the kernel side counted, and that are in no table.
    fn n_missing(&self, counters: &Counters) -> u64 {
        let count = |counter: u32| self.count(counters, counter);
        let kept = self.n_taken + count(COUNT_TABLE_FULL);
        (count(COUNT_WALKED) + count(COUNT_STACKLESS)).saturating_sub(kept)
    }

    /// Since a moment, as a part of the program's own CPU time; `None` where its clock was not read before it ended, and so
    /// says less than probes took of it.
    pub(super) fn overhead(&self, since: &Mark) -> Option<f64> {
        let all = between(since, &self.last);
        let costs = self.governor.costs();
        let probe_ns = all.probe_ns(costs);
        if probe_ns == 0.0 {
            return Some(0.0);
        }
        (probe_ns <= all.cpu_ns as f64).then(|| probe_ns / all.own_cpu_ns(costs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::governor::Costs;

    #[test]
    fn counters_that_cannot_be_read_any_more_are_those_known_last() {
        let mark = |n| Mark { counters: [n; _], cpu_ns: 0, at: Instant::now() };
        let (looked, rotated) = (mark(3), mark(5));
        let part = Part::beginning(rotated, looked, &Windows::default());
        assert_eq!((looked.later(&rotated), rotated.later(&looked)), ([5; _], [5; _]));
        assert!(part.counters(&looked).iter().all(|&n| n == 0));
        assert!(part.counters(&mark(7)).iter().all(|&n| n == 2));
    }

    #[test]
    fn every_hit_of_a_probe_costs_a_trap() {
        let before = Mark { counters: Counters::default(), cpu_ns: 0, at: Instant::now() };
        let costs = Costs { trap_ns: 1000.0, event_ns: 2000.0, frame_ns: 0.0 };
        for hit in [COUNT_WALKED, COUNT_STACKLESS, COUNT_IGNORED, COUNT_CHECKS, COUNT_READ_FAULTS] {
            let mut after = before;
            after.counters[hit as usize] = 1;
            assert_eq!(between(&before, &after).probe_ns(&costs), 1000.0, "{hit}");
        }
    }
}
