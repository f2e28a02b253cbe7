//! Counts to a recording.
//!
//! 1. Each stack becomes locations with functions and lines from the executable, inlined ones included.
//! 2. Each count becomes a row of its map type and step of the growth.
//! 3. What was not counted event by event has a [`Precision`]. Events in windows are estimates already (`windows`); those
//!    without a stack are spread over the stacks that were sampled for the same type and step.
//! 4. What is known about the recording as a whole is said (`facts`).

use std::collections::{BTreeMap, HashMap};

use evidence::Bounds;
use gobin::{Binary, FileOffset, LinkAddr};
use gomap::blocks::{GROUP_SLOTS, MAX_TABLE_SLOTS};
use gomap::{GrowKind, Layout};
use gopprof::LocationIdx;
use recording::{
    Executable, Frame, Labels, Placeholder, Precision, Row, UNKNOWN_TYPE, Writer, ns_per_sample,
};

use crate::outcome::Recording;
use crate::record_layout::{
    COUNT_SAMPLES, COUNT_SAMPLES_LOST, GROW_DOUBLE, GROW_SAME_SIZE, GROW_SPLIT, GROW_TABLE,
    GROW_TO_TABLE, MAKE_HINTED, PRECISION_WINDOW,
};
use crate::tally::{EventKey, Id, Sum, Tally};
use crate::typenames::MapTypeInfo;
use crate::windows::GROUPS;

mod facts;

pub(crate) use facts::Facts;

/// One sample of growth or creation.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Event {
    key: EventKey,
    sum: Sum,
    precision: Precision,
}

/// Makes the recording.
pub(crate) fn build(tally: &Tally, binary: &Binary<'_>, facts: &Facts<'_>) -> Recording {
    let scale = facts.windows.scale();
    let counted = tally.events.iter().map(|(&key, counted)| (key, counted.estimate(scale)));
    let events = with_stacks(counted);
    let is_grow = |event: &&Event| u32::from(event.key.kind) != MAKE_HINTED;
    let n_grows = events.iter().filter(is_grow).map(|event| event.sum.n.round() as u64).sum();
    let grows_range = grows_range(facts, events.iter().filter(is_grow));
    let mut rows = Rows::new(tally, binary, facts, grows_range);
    rows.add_samples();
    for event in &events {
        rows.add_event(event);
    }
    Recording {
        n_grows,
        grows_range,
        n_elsewhere: facts.n_elsewhere,
        n_beside: facts.n_beside,
        replaced_after: facts.replaced_after,
        unprobed: facts.unprobed.clone(),
        other_code: facts.other_code.clone(),
        n_samples: facts.count(COUNT_SAMPLES),
        n_lost: facts.n_lost() + facts.count(COUNT_SAMPLES_LOST) + facts.n_lost_stacks(),
        elapsed: facts.elapsed,
        ending: facts.ending,
        overhead: facts.overhead,
        max_overhead: facts.max_overhead,
        is_settling: facts.is_settling,
        profile: rows.writer.finish(),
    }
}

/// What holds the true number of growths in 19 of 20 cases; `None` when each was counted.
fn grows_range<'e>(facts: &Facts<'_>, grows: impl Iterator<Item = &'e Event>) -> Option<Bounds> {
    if facts.counts_everything() {
        return None;
    }
    let (mut exact, mut groups) = (0.0, [0.0; GROUPS]);
    for event in grows {
        match event.precision {
            Precision::Estimated => groups[usize::from(event.key.group)] += event.sum.n,
            Precision::Exact | Precision::EstimatedSite => exact += event.sum.n,
        }
    }
    Some(facts.windows.range(exact, &groups))
}

/// Gives events without a stack to the stacks sampled for the same type and step.
fn with_stacks(counted: impl Iterator<Item = (EventKey, Sum)>) -> Vec<Event> {
    let mut events = Vec::new();
    let mut sampled: BTreeMap<_, Vec<(EventKey, Sum)>> = BTreeMap::new();
    for (key, sum) in counted {
        match u32::from(key.precision) {
            0 => events.push(Event { key, sum, precision: Precision::Exact }),
            PRECISION_WINDOW => events.push(Event { key, sum, precision: Precision::Estimated }),
            _ => {
                let step = (key.map_type, key.kind, key.log2_capacity, key.precision);
                sampled.entry(step).or_default().push((key, sum));
            }
        }
    }
    for group in sampled.values() {
        spread(group, &mut events);
    }
    events
}

/// Spreads the events of a type and step over its stacks; the sum stays exact.
fn spread(group: &[(EventKey, Sum)], events: &mut Vec<Event>) {
    let precision = Precision::EstimatedSite;
    let total = |of: fn(&Sum) -> f64, only_stacks: bool| {
        let sums = group.iter().filter(|(key, _)| !only_stacks || key.stack.is_some());
        sums.map(|(_, sum)| of(sum)).sum::<f64>()
    };
    let all = Sum { n: total(|sum| sum.n, false), entries: total(|sum| sum.entries, false) };
    let of_stacks = Sum { n: total(|sum| sum.n, true), entries: total(|sum| sum.entries, true) };
    if of_stacks.n == 0.0 {
        events.push(Event { key: group[0].0, sum: all, precision });
        return;
    }
    let part = |value: f64, of: f64, whole: f64| if of > 0.0 { value / of * whole } else { 0.0 };
    for &(key, sum) in group.iter().filter(|(key, _)| key.stack.is_some()) {
        let n = part(sum.n, of_stacks.n, all.n);
        let entries = part(sum.entries, of_stacks.entries, all.entries);
        events.push(Event { key, sum: Sum { n, entries }, precision });
    }
}

/// Rows as they are written.
struct Rows<'w> {
    writer: Writer,
    tally: &'w Tally,
    stacks: HashMap<Id, &'w [u64]>,
    types: HashMap<Id, &'w MapTypeInfo>,
    binary: &'w Binary<'w>,
    facts: &'w Facts<'w>,
    /// By link address and whether it is one to return to.
    locations: HashMap<(u64, bool), LocationIdx>,
}

impl<'w> Rows<'w> {
    fn new(
        tally: &'w Tally,
        binary: &'w Binary<'w>,
        facts: &'w Facts<'w>,
        grows_range: Option<Bounds>,
    ) -> Self {
        let text = binary.functions().text();
        let FileOffset(file_offset) = binary.file_offset(text.start).unwrap_or(FileOffset(0));
        let executable = Executable {
            path: &facts.path.to_string_lossy(),
            build_id: &build_id(binary),
            text: text.start.0..text.end.0,
            file_offset,
        };
        let said = facts.said(binary.go_version(), grows_range);
        let stacks = tally.stacks.values().into_iter();
        Self {
            writer: Writer::new(&executable, facts.span(), &said),
            tally,
            stacks: stacks.map(|(id, frames)| (id, &frames[..])).collect(),
            types: tally.types.values(),
            binary,
            facts,
            locations: HashMap::new(),
        }
    }

    fn add_samples(&mut self) {
        let Some(period_ns) = ns_per_sample(self.facts.sample_hz) else { return };
        for (&stack, &samples) in &self.tally.samples {
            let stack = self.sampled_stack(stack);
            let cpu_ns = samples.saturating_mul(period_ns);
            self.writer.row(&stack, &Row::Cpu { samples, cpu_ns });
        }
    }

    fn add_event(&mut self, event: &Event) {
        let Event { key, sum, precision } = *event;
        let stack = self.event_stack(key.stack);
        let info = key.map_type.and_then(|id| self.types.get(&id)).copied();
        let kind = u32::from(key.kind);
        let (before, after) = capacities(kind, key.log2_capacity);
        let labels = Labels {
            map_type: info.map_or(UNKNOWN_TYPE, |info| &info.name),
            map_impl: Some(self.facts.map_impl),
            before,
            after,
            kind: grow_kind(kind),
            local_depth: (kind == GROW_SPLIT).then(|| local_depth(key.log2_capacity)),
            every_growth_from: self.every_growth_from(info).filter(|_| kind != MAKE_HINTED),
            precision,
            window_group: (precision == Precision::Estimated).then_some(key.group.into()),
        };
        let count = |amount: f64| amount.round() as u64;
        let (n, entries) = (count(sum.n), count(sum.entries));
        let row = if kind == MAKE_HINTED {
            Row::Makes { labels, makes: n, hint_entries: entries }
        } else {
            let entry_bytes = info.map_or(0, |info| info.entry_bytes);
            let array_bytes = info.and_then(|info| self.array_bytes(info, kind, after));
            Row::Grows {
                labels,
                grows: n,
                moved_entries: entries,
                moved_bytes: count(sum.entries * entry_bytes as f64),
                grow_bytes: count(sum.n * array_bytes.unwrap_or(0) as f64),
            }
        };
        self.writer.row(&stack, &row);
    }

    /// Capacity of the smallest maps of this type of which every doubling was counted, in gaps between windows too.
    fn every_growth_from(&self, info: Option<&MapTypeInfo>) -> Option<u64> {
        let group_bytes = info.map(|info| info.group_bytes).filter(|&bytes| bytes > 0)?;
        let above = self.facts.large_above.filter(|_| self.facts.windows.n > 0)?;
        slots_before_large(group_bytes, above)
    }

    /// Bytes of the arrays that a growth to this capacity allocates; `None` when the version is not known.
    fn array_bytes(&self, info: &MapTypeInfo, kind: u32, capacity: u64) -> Option<u64> {
        let version = self.binary.go_version()?;
        let layout =
            Layout::new(self.facts.map_impl, version, info.group_bytes, info.has_pointers)?;
        let n_arrays = if kind == GROW_SPLIT { 2 } else { 1 };
        Some(layout.bytes_of_slots(capacity / n_arrays).saturating_mul(n_arrays))
    }

    /// Locations of an event's stack, leaf first.
    fn event_stack(&mut self, stack: Option<Id>) -> Vec<LocationIdx> {
        match stack.and_then(|stack| self.stacks.get(&stack).copied()) {
            Some(frames) => self.locations(frames.iter().copied()),
            None => vec![self.writer.placeholder(Placeholder::NoStack)],
        }
    }

    /// Locations of a CPU sample's stack, leaf first. The caller of a function without a frame is put in.
    fn sampled_stack(&mut self, stack: Option<Id>) -> Vec<LocationIdx> {
        let frames = stack.and_then(|stack| self.stacks.get(&stack).copied());
        let Some([top, leaf, callers @ ..]) = frames else {
            return vec![self.writer.placeholder(Placeholder::NoUserStack)];
        };
        let is_caller = *top != 0 && self.binary.frame_bytes(LinkAddr(*leaf)) == Some(0);
        let caller = is_caller.then_some(*top);
        self.locations([*leaf].into_iter().chain(caller).chain(callers.iter().copied()))
    }

    /// All addresses but the first are those to return to.
    fn locations(&mut self, addrs: impl Iterator<Item = u64>) -> Vec<LocationIdx> {
        addrs.enumerate().map(|(depth, addr)| self.location(addr, depth > 0)).collect()
    }

    fn location(&mut self, link_addr: u64, is_return: bool) -> LocationIdx {
        if let Some(&idx) = self.locations.get(&(link_addr, is_return)) {
            return idx;
        }
        // The instruction before the address to return to is the call.
        let address = link_addr.wrapping_sub(u64::from(is_return));
        let frames = self.binary.frames(LinkAddr(address));
        let idx = if frames.is_empty() {
            self.writer.placeholder(Placeholder::OutsideGo)
        } else {
            let frames = frames.iter().map(|frame| Frame {
                function: frame.function,
                file: frame.file,
                line: frame.line,
            });
            self.writer.location(address, frames)
        };
        self.locations.insert((link_addr, is_return), idx);
        idx
    }
}

/// GNU's build id, else Go's own, else one made of the function table: backends need one.
fn build_id(binary: &Binary<'_>) -> String {
    binary.gnu_build_id().or_else(|| binary.go_build_id()).unwrap_or_else(|| {
        let hash = binary.functions().iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, function| {
            let words = function.name.bytes().map(u64::from).chain([function.entry.0]);
            words.fold(hash, |hash, word| (hash ^ word).wrapping_mul(0x100_0000_01b3))
        });
        format!("functions-{hash:016x}")
    })
}

/// Of the table that splits; the largest tables do.
fn local_depth(log2: u8) -> u8 {
    log2.saturating_sub(MAX_TABLE_SLOTS.ilog2() as u8)
}

/// Slots before and after; of a creation, the hint rounded up to a power of two.
fn capacities(kind: u32, log2: u8) -> (u64, u64) {
    let log2 = if kind == GROW_SPLIT { log2 - local_depth(log2) } else { log2 };
    let slots = 1_u64.checked_shl(log2.into()).unwrap_or(u64::MAX);
    match kind {
        MAKE_HINTED => (0, slots),
        GROW_SAME_SIZE => (slots, slots),
        _ => (slots, slots.saturating_mul(2)),
    }
}

/// Slots of the smallest classic maps that grow to an array of more than `above` bytes. Source: runtime/map.go,
/// makeBucketArray.
fn slots_before_large(bucket_bytes: u64, above: u64) -> Option<u64> {
    let is_large = |log2: &u32| {
        let n_buckets = (1_u64 << log2) + (1_u64 << (log2 - 4));
        bucket_bytes.saturating_mul(n_buckets) > above
    };
    Some(GROUP_SLOTS << ((4..40).find(is_large)? - 1))
}

/// Of a growth; `None` of a map made.
fn grow_kind(kind: u32) -> Option<GrowKind> {
    match kind {
        GROW_DOUBLE => Some(GrowKind::Double),
        GROW_SAME_SIZE => Some(GrowKind::SameSize),
        GROW_TABLE => Some(GrowKind::Table),
        GROW_SPLIT => Some(GrowKind::Split),
        GROW_TO_TABLE => Some(GrowKind::SmallToTable),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
