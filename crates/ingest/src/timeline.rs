//! Steps of a trace's time, in memory that does not grow with the trace.
//!
//! How long the trace is, is not known until its end, and threads are told one after the other: so steps are kept by their
//! number since the clock's zero, and put together in pairs whenever they become too many.

use std::collections::BTreeMap;

use evidence::{SourceId, Timeline, TimelineStep};
use gotrace::Time;

/// Most steps kept: twice as many as are shown at most.
const MAX_STEPS: u64 = 480;
/// Units: nanoseconds.
const FIRST_STEP_NS: i64 = 1 << 17;

/// Fills steps in any order of time.
#[derive(Debug)]
pub(crate) struct TimelineBuilder {
    step_ns: i64,
    steps: BTreeMap<i64, TimelineStep>,
    /// Step and size of the largest heap told last: most are told several times in a step.
    heap: (i64, u64),
}

impl Default for TimelineBuilder {
    fn default() -> Self {
        Self { step_ns: FIRST_STEP_NS, steps: BTreeMap::new(), heap: (0, 0) }
    }
}

impl TimelineBuilder {
    /// The heap was measured.
    pub(crate) fn heap(&mut self, at: Time, bytes: u64) {
        let number = at.0.div_euclid(self.step_ns);
        if self.heap.0 == number && self.heap.1 >= bytes {
            return;
        }
        self.at(at.0, |step| step.heap_bytes = step.heap_bytes.max(Some(bytes)));
        self.heap = (at.0.div_euclid(self.step_ns), bytes);
    }

    /// A collection marked.
    pub(crate) fn gc(&mut self, start: Time, end: Time) {
        self.spread(start, end, |step, ns| step.gc_ns = step.gc_ns.saturating_add(ns));
    }

    /// All goroutines were stopped.
    pub(crate) fn stop(&mut self, start: Time, end: Time) {
        self.spread(start, end, |step, ns| step.stopped_ns = step.stopped_ns.saturating_add(ns));
    }

    /// A goroutine helped the collector.
    pub(crate) fn assist(&mut self, start: Time, end: Time) {
        self.spread(start, end, |step, ns| step.assist_ns = step.assist_ns.saturating_add(ns));
    }

    /// The CPU was sampled inside a map operation.
    pub(crate) fn map_sample(&mut self, at: Time, is_growth: bool) {
        self.at(at.0, |step| {
            step.map_samples += 1;
            step.growth_samples += u64::from(is_growth);
        });
    }

    /// Calls `add` for each step that the range touches, with the nanoseconds of it that lie there.
    fn spread(&mut self, start: Time, end: Time, add: impl Fn(&mut TimelineStep, u64)) {
        if end < start {
            return;
        }
        self.make_room_for(start.0, end.0);
        let (first, last) = (start.0.div_euclid(self.step_ns), end.0.div_euclid(self.step_ns));
        for number in first..=last {
            let from = start.0.max(number.saturating_mul(self.step_ns));
            let to = end.0.min((number + 1).saturating_mul(self.step_ns));
            add(self.steps.entry(number).or_default(), Time(to).ns_since(Time(from)));
        }
    }

    fn at(&mut self, ns: i64, add: impl FnOnce(&mut TimelineStep)) {
        self.make_room_for(ns, ns);
        add(self.steps.entry(ns.div_euclid(self.step_ns)).or_default());
    }

    /// Makes steps longer until those from the first to the last are few enough, the range included.
    fn make_room_for(&mut self, start: i64, end: i64) {
        loop {
            let (mut first, mut last) =
                (start.div_euclid(self.step_ns), end.div_euclid(self.step_ns));
            if let (Some((&least, _)), Some((&most, _))) =
                (self.steps.first_key_value(), self.steps.last_key_value())
            {
                (first, last) = (first.min(least), last.max(most));
            }
            if last.abs_diff(first) < MAX_STEPS || self.step_ns > i64::MAX / 2 {
                return;
            }
            self.step_ns *= 2;
            for (number, step) in std::mem::take(&mut self.steps) {
                merge(self.steps.entry(number.div_euclid(2)).or_default(), step);
            }
        }
    }

    /// All steps from the first to the last; `None` when nothing happened.
    pub(crate) fn finish(self, source: SourceId, samples: Option<SourceId>) -> Option<Timeline> {
        let first = *self.steps.first_key_value()?.0;
        let last = *self.steps.last_key_value()?.0;
        let step_of = |number| self.steps.get(&number).copied().unwrap_or_default();
        let steps = (first..=last).map(step_of).collect();
        Some(Timeline { source, step_ns: self.step_ns.unsigned_abs(), steps, samples })
    }
}

fn merge(into: &mut TimelineStep, other: TimelineStep) {
    into.heap_bytes = into.heap_bytes.max(other.heap_bytes);
    into.gc_ns = into.gc_ns.saturating_add(other.gc_ns);
    into.stopped_ns = into.stopped_ns.saturating_add(other.stopped_ns);
    into.assist_ns = into.assist_ns.saturating_add(other.assist_ns);
    into.map_samples = into.map_samples.saturating_add(other.map_samples);
    into.growth_samples = into.growth_samples.saturating_add(other.growth_samples);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use evidence::{Source, SourceKind, Sources};

    use super::*;

    fn trace() -> SourceId {
        let (name, summary) = (String::new(), String::new());
        Sources::default().add(Source { name, kind: SourceKind::Trace, summary })
    }

    #[test]
    fn ranges_add_up_however_long_the_steps_become() {
        let mut timeline = TimelineBuilder::default();
        let ms = 1_000_000;
        timeline.gc(Time(5 * ms), Time(25 * ms));
        timeline.heap(Time(ms), 7);
        // An hour later: steps have to become longer.
        timeline.stop(Time(3_600_000 * ms), Time(3_600_010 * ms));
        // A thread that is told later, of an earlier time.
        timeline.assist(Time(-3 * ms), Time(2 * ms));
        timeline.map_sample(Time(10 * ms), true);
        timeline.map_sample(Time(10 * ms), false);
        let timeline = timeline.finish(trace(), None).unwrap();
        assert!(timeline.steps.len() as u64 <= MAX_STEPS);
        assert!(timeline.step_ns * timeline.steps.len() as u64 >= 3_600_000_000_000);
        let sum = |of: fn(&TimelineStep) -> u64| timeline.steps.iter().map(of).sum::<u64>();
        assert_eq!(sum(|step| step.gc_ns), 20_000_000);
        assert_eq!(sum(|step| step.stopped_ns), 10_000_000);
        assert_eq!(sum(|step| step.assist_ns), 5_000_000);
        assert_eq!((sum(|step| step.map_samples), sum(|step| step.growth_samples)), (2, 1));
        assert_eq!(timeline.steps.iter().filter_map(|step| step.heap_bytes).max(), Some(7));
    }

    #[test]
    fn times_of_a_damaged_trace_do_no_harm() {
        let mut timeline = TimelineBuilder::default();
        timeline.gc(Time(i64::MIN), Time(i64::MAX));
        timeline.gc(Time(10), Time(0));
        timeline.heap(Time(i64::MAX), u64::MAX);
        assert!(timeline.finish(trace(), None).unwrap().steps.len() as u64 <= MAX_STEPS);
        assert!(TimelineBuilder::default().finish(trace(), None).is_none());
    }
}
