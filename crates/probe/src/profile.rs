//! Counts to a pprof profile.
//!
//! 1. Each stack becomes locations with functions and lines from the executable, inlined ones included.
//! 2. Each count becomes a sample; labels name the map type and the step of the growth.
//! 3. What was not counted event by event is labelled `precision`. Events in windows are estimates already (`windows`);
//!    those without a stack are spread over the stacks that were sampled for the same type and step.
//! 4. Facts about the recording as a whole stand in comments, `key=value`. docs/recording.md lists all of it.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use evidence::Bounds;
use goabi::MapImpl;
use gobin::{Binary, FileOffset, LinkAddr};
use gomap::Layout;
use gopprof::{
    Function, Label, LabelValue, Line, Location, LocationIdx, Mapping, MappingIdx, Profile,
    ProfileBuilder, ValueType,
};

use crate::governor::Costs;
use crate::others::MAX_FILES;
use crate::record_layout::{
    COUNT_EVENT_NS, COUNT_GC_ASSISTS, COUNT_GC_CYCLES, COUNT_READ_FAULTS, COUNT_SAMPLES,
    COUNT_SAMPLES_LOST, COUNT_STACKLESS, COUNT_STACKS_CUT, COUNT_STACKS_LOST, COUNT_TABLE_FULL,
    COUNT_WALKED, GROW_DOUBLE, GROW_SAME_SIZE, GROW_SPLIT, GROW_TABLE, GROW_TO_TABLE, MAKE_HINTED,
    PRECISION_WINDOW,
};
use crate::recording::{Ending, Recording};
use crate::tally::{EventKey, Id, Sum, Tally};
use crate::typenames::MapTypeInfo;
use crate::windows::{GROUPS, Windows};

/// Sample types in order: name, unit.
const SAMPLE_TYPES: [(&str, &str); 8] = [
    ("samples", "count"),
    ("cpu", "nanoseconds"),
    ("map_grows", "count"),
    ("map_moved_entries", "count"),
    ("map_moved_space", "bytes"),
    ("map_grow_space", "bytes"),
    ("map_makes", "count"),
    ("map_hint_entries", "count"),
];
const SAMPLES: usize = 0;
const CPU: usize = 1;
const GROWS: usize = 2;
const MOVED_ENTRIES: usize = 3;
const MOVED_SPACE: usize = 4;
const GROW_SPACE: usize = 5;
const MAKES: usize = 6;
const HINT_ENTRIES: usize = 7;
/// Source: internal/abi/map_noswiss.go, `MapBucketCount`.
const SLOTS_PER_BUCKET: u64 = 8;
/// Version of the comments and labels.
const FORMAT: u32 = 1;

/// What is known about the recording beside the counts.
pub(crate) struct Facts<'f> {
    pub(crate) program: String,
    pub(crate) path: PathBuf,
    pub(crate) map_impl: MapImpl,
    pub(crate) started_at: SystemTime,
    pub(crate) elapsed: Duration,
    pub(crate) ending: Ending,
    pub(crate) sample_hz: u64,
    pub(crate) max_overhead: f64,
    pub(crate) overhead: f64,
    pub(crate) costs: Costs,
    pub(crate) links: &'static str,
    pub(crate) n_probes: usize,
    pub(crate) n_inlined: usize,
    pub(crate) n_unprobed: usize,
    /// Splits were counted in the gaps between windows too.
    pub(crate) counts_every_split: bool,
    /// So were growths of classic maps to arrays of more than this. Units: bytes.
    pub(crate) large_above: Option<u64>,
    pub(crate) n_processes: u64,
    /// Processes that run another program by now.
    pub(crate) n_elsewhere: u64,
    /// Processes of the same file that are not recorded.
    pub(crate) n_beside: u64,
    /// When the path that was given was found to lead to another file, whose processes are not recorded.
    pub(crate) replaced_after: Option<Duration>,
    /// Those that run the file, and in whose code there are no probes.
    pub(crate) unprobed: Vec<u32>,
    /// Files with other Go code in the processes.
    pub(crate) other_code: Vec<PathBuf>,
    /// Whether there were more files than are looked at.
    pub(crate) has_more_files: bool,
    /// Whether there were processes of which not all files were looked at.
    pub(crate) has_more_processes: bool,
    /// Where only processes of one user are recorded.
    pub(crate) only_user: Option<u32>,
    /// Time in which growths were not counted as nothing was heard of the recorder.
    pub(crate) frozen: Duration,
    /// By mode: exact, sampled stacks, windows.
    pub(crate) time_in: [Duration; 3],
    pub(crate) windows: Windows,
    /// Growths and makes that were counted one by one or in windows.
    pub(crate) n_events: u64,
    /// Events and CPU samples whose stack or type there was no room for.
    pub(crate) n_without_room: u64,
    /// Events that are in no table though they were counted: a fault of ours, and lost all the same.
    pub(crate) n_missing: u64,
    /// By `COUNT_*`, of this recording.
    pub(crate) counters: &'f [u64],
}

impl Facts<'_> {
    fn count(&self, counter: u32) -> u64 {
        self.counters.get(counter as usize).copied().unwrap_or(0)
    }

    /// What counting an event took, the trap that leads there left out. Units: nanoseconds.
    fn mean_event_ns(&self) -> f64 {
        let n_events = self.count(COUNT_WALKED) + self.count(COUNT_STACKLESS);
        self.count(COUNT_EVENT_NS) as f64 / n_events.max(1) as f64
    }

    /// Events that are in no sample.
    fn n_lost(&self) -> u64 {
        self.count(COUNT_READ_FAULTS) + self.count(COUNT_TABLE_FULL) + self.n_missing
    }

    /// Events and CPU samples without a stack that they should have, or without a type.
    fn n_lost_stacks(&self) -> u64 {
        self.count(COUNT_STACKS_LOST) + self.n_without_room
    }

    /// What holds the true number of growths in 19 of 20 cases; `None` when each was counted.
    fn grows_range<'e>(&self, grows: impl Iterator<Item = &'e Event>) -> Option<Bounds> {
        if self.windows.n == 0 && self.windows.uncounted_ns() == 0.0 {
            return None;
        }
        let (mut exact, mut groups) = (0.0, [0.0; GROUPS]);
        for event in grows {
            match event.precision {
                Precision::Estimated => groups[usize::from(event.key.group)] += event.sum.n,
                Precision::Exact | Precision::EstimatedSite => exact += event.sum.n,
            }
        }
        Some(self.windows.range(exact, &groups))
    }
}

/// One sample of growth or creation.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Event {
    key: EventKey,
    sum: Sum,
    precision: Precision,
}

/// How a number came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Precision {
    /// Every event was counted.
    Exact,
    /// Every event was counted, but which stack it belongs to is estimated.
    EstimatedSite,
    /// Events outside windows are estimated.
    Estimated,
}

impl Precision {
    /// Exact numbers carry none.
    fn label(self) -> Option<&'static str> {
        match self {
            Self::Exact => None,
            Self::EstimatedSite => Some("site-estimated"),
            Self::Estimated => Some("estimated"),
        }
    }
}

/// Makes the profile.
pub(crate) fn build(tally: &Tally, binary: &Binary<'_>, facts: &Facts<'_>) -> Recording {
    let scale = facts.windows.scale();
    let counted = tally.events.iter().map(|(&key, counted)| (key, counted.estimate(scale)));
    let events = with_stacks(counted);
    let mut writer = Writer::new(tally, binary, facts);
    writer.add_samples();
    for event in &events {
        writer.add_event(event);
    }
    let is_grow = |event: &&Event| u32::from(event.key.kind) != MAKE_HINTED;
    let n_grows = events.iter().filter(is_grow).map(|event| event.sum.n.round() as u64).sum();
    let grows_range = facts.grows_range(events.iter().filter(is_grow));
    writer.say_range(grows_range);
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
        profile: writer.finish(),
    }
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

struct Writer<'w> {
    builder: ProfileBuilder,
    tally: &'w Tally,
    stacks: HashMap<Id, &'w [u64]>,
    types: HashMap<Id, &'w MapTypeInfo>,
    binary: &'w Binary<'w>,
    facts: &'w Facts<'w>,
    main: MappingIdx,
    outside: MappingIdx,
    /// By link address and whether it is one to return to.
    locations: HashMap<(u64, bool), LocationIdx>,
}

impl<'w> Writer<'w> {
    fn new(tally: &'w Tally, binary: &'w Binary<'w>, facts: &'w Facts<'w>) -> Self {
        let mut builder = ProfileBuilder::default();
        for (kind, unit) in SAMPLE_TYPES {
            let sample_type = ValueType { kind: builder.string(kind), unit: builder.string(unit) };
            builder.profile_mut().sample_types.push(sample_type);
        }
        let main = main_mapping(&mut builder, binary, facts);
        let outside = outside_mapping(&mut builder);
        let mut writer = Self {
            builder,
            tally,
            stacks: tally
                .stacks
                .values()
                .into_iter()
                .map(|(id, frames)| (id, &frames[..]))
                .collect(),
            types: tally.types.values(),
            binary,
            facts,
            main,
            outside,
            locations: HashMap::new(),
        };
        writer.describe();
        writer
    }

    fn describe(&mut self) {
        let facts = self.facts;
        let (cpu, nanoseconds) = (self.builder.string("cpu"), self.builder.string("nanoseconds"));
        let default = self.builder.string("map_moved_space");
        let comments: Vec<_> = comments(self.binary, facts)
            .iter()
            .map(|comment| self.builder.string(comment))
            .collect();
        let profile = self.builder.profile_mut();
        profile.comments = comments;
        profile.default_sample_type = default;
        profile.duration_nanos = i64::try_from(facts.elapsed.as_nanos()).unwrap_or(i64::MAX);
        profile.time_nanos = facts
            .started_at
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |time| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX));
        if let Some(period) = ns_per_sample(facts.sample_hz) {
            profile.period = period;
            profile.period_type = Some(ValueType { kind: cpu, unit: nanoseconds });
        }
    }

    fn add_samples(&mut self) {
        let Some(period) = ns_per_sample(self.facts.sample_hz) else { return };
        for (&stack, &n) in &self.tally.samples {
            let stack = self.sampled_stack(stack);
            let mut values = [0; SAMPLE_TYPES.len()];
            values[SAMPLES] = i64::try_from(n).unwrap_or(i64::MAX);
            values[CPU] = values[SAMPLES].saturating_mul(period);
            self.builder.sample(&stack, &values, &[]);
        }
    }

    fn add_event(&mut self, event: &Event) {
        let key = event.key;
        let stack = self.event_stack(key.stack);
        let info = key.map_type.and_then(|id| self.types.get(&id)).copied().cloned();
        let kind = u32::from(key.kind);
        let (before, after) = capacities(kind, key.log2_capacity);
        let count = |amount: f64| amount.round() as i64;
        let mut values = [0; SAMPLE_TYPES.len()];
        if kind == MAKE_HINTED {
            values[MAKES] = count(event.sum.n);
            values[HINT_ENTRIES] = count(event.sum.entries);
        } else {
            values[GROWS] = count(event.sum.n);
            values[MOVED_ENTRIES] = count(event.sum.entries);
            if let Some(info) = &info {
                values[MOVED_SPACE] = count(event.sum.entries * info.entry_bytes as f64);
                let array = self.array_bytes(info, kind, after);
                values[GROW_SPACE] = array.map_or(0, |bytes| count(event.sum.n * bytes as f64));
            }
        }
        let every_from = self.every_growth_from(info.as_ref());
        let unknown = "unknown".to_owned();
        let name = info.map_or(unknown, |info| info.name);
        let number = |value: u64, unit| LabelValue::Num {
            value: i64::try_from(value).unwrap_or(i64::MAX),
            unit,
        };
        let mut labels = vec![
            Label { key: "map_type", value: LabelValue::Str(&name) },
            Label { key: "map_impl", value: LabelValue::Str(impl_name(self.facts.map_impl)) },
            Label { key: "capacity_before", value: number(before, "entries") },
            Label { key: "capacity_after", value: number(after, "entries") },
        ];
        if let Some(kind) = kind_name(kind) {
            labels.push(Label { key: "grow_kind", value: LabelValue::Str(kind) });
        }
        if kind == GROW_SPLIT {
            let depth = local_depth(key.log2_capacity).into();
            labels.push(Label { key: "local_depth", value: number(depth, "levels") });
        }
        if let Some(slots) = every_from.filter(|_| kind != MAKE_HINTED) {
            labels.push(Label { key: "every_growth_from", value: number(slots, "entries") });
        }
        if let Some(precision) = event.precision.label() {
            labels.push(Label { key: "precision", value: LabelValue::Str(precision) });
        }
        if event.precision == Precision::Estimated {
            let group = key.group.into();
            labels.push(Label { key: "window_group", value: number(group, "group") });
        }
        self.builder.sample(&stack, &values, &labels);
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
            None => vec![self.unknown_location("[stack not recorded]")],
        }
    }

    /// Locations of a CPU sample's stack, leaf first. The caller of a function without a frame is put in.
    fn sampled_stack(&mut self, stack: Option<Id>) -> Vec<LocationIdx> {
        let frames = stack.and_then(|stack| self.stacks.get(&stack).copied());
        let Some([top, leaf, callers @ ..]) = frames else {
            return vec![self.unknown_location("[no user stack]")];
        };
        let is_caller = *top != 0 && self.binary.frame_bytes(LinkAddr(*leaf)) == Some(0);
        let caller = is_caller.then_some(*top);
        self.locations([*leaf].into_iter().chain(caller).chain(callers.iter().copied()))
    }

    /// All addresses but the first are those to return to.
    fn locations(&mut self, addrs: impl Iterator<Item = u64>) -> Vec<LocationIdx> {
        addrs.enumerate().map(|(depth, addr)| self.location(addr, depth > 0)).collect()
    }

    fn unknown_location(&mut self, name: &str) -> LocationIdx {
        let location = self.named_location(name);
        self.builder.location(location)
    }

    fn named_location(&mut self, name: &str) -> Location {
        let name = self.builder.string(name);
        let function =
            self.builder.function(Function { name, system_name: name, ..Function::default() });
        let lines = vec![Line { function: Some(function), line: 0, column: 0 }];
        Location { mapping: Some(self.outside), address: 0, lines, is_folded: false }
    }

    fn location(&mut self, link_addr: u64, is_return: bool) -> LocationIdx {
        if let Some(&idx) = self.locations.get(&(link_addr, is_return)) {
            return idx;
        }
        // The instruction before the address to return to is the call.
        let address = link_addr.wrapping_sub(u64::from(is_return));
        let frames = self.binary.frames(LinkAddr(address));
        let location = if frames.is_empty() {
            self.named_location("[outside Go]")
        } else {
            let lines = frames.iter().map(|frame| {
                let name = self.builder.string(frame.function);
                let filename = self.builder.string(frame.file);
                let function = Function { name, system_name: name, filename, start_line: 0 };
                let function = Some(self.builder.function(function));
                Line { function, line: frame.line.into(), column: 0 }
            });
            let lines = lines.collect();
            Location { mapping: Some(self.main), address, lines, is_folded: false }
        };
        let idx = self.builder.location(location);
        self.locations.insert((link_addr, is_return), idx);
        idx
    }

    fn say_range(&mut self, range: Option<Bounds>) {
        let Some(Bounds { low, high }) = range else { return };
        let high = high.map_or("unknown".to_owned(), |high| high.to_string());
        for comment in [format!("grows_low={low}"), format!("grows_high={high}")] {
            let comment = self.builder.string(&comment);
            self.builder.profile_mut().comments.push(comment);
        }
    }

    fn finish(self) -> Profile {
        self.builder.finish()
    }
}

/// The executable, at the addresses of its ELF file.
fn main_mapping(
    builder: &mut ProfileBuilder,
    binary: &Binary<'_>,
    facts: &Facts<'_>,
) -> MappingIdx {
    let text = binary.functions().text();
    let FileOffset(file_offset) = binary.file_offset(text.start).unwrap_or(FileOffset(0));
    let filename = builder.string(&facts.path.to_string_lossy());
    let build_id = builder.string(&build_id(binary));
    builder.mapping(Mapping {
        memory_start: text.start.0,
        memory_limit: text.end.0,
        file_offset,
        filename,
        build_id,
        has_functions: true,
        has_filenames: true,
        has_line_numbers: true,
        has_inline_frames: true,
    })
}

/// Everything else: C libraries, the vDSO, frames that were not recorded.
fn outside_mapping(builder: &mut ProfileBuilder) -> MappingIdx {
    let filename = builder.string("[outside Go]");
    let build_id = builder.string("none");
    builder.mapping(Mapping { filename, build_id, has_functions: true, ..Mapping::default() })
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

fn ns_per_sample(hz: u64) -> Option<i64> {
    1_000_000_000_u64.checked_div(hz).and_then(|ns| i64::try_from(ns).ok())
}

/// Of the table that splits; the largest tables do, of 2^10 slots. Source: internal/runtime/maps/table.go,
/// `maxTableCapacity`, Go 1.24 to 1.27.
const LOG2_LARGEST_TABLE: u8 = 10;

fn local_depth(log2: u8) -> u8 {
    log2.saturating_sub(LOG2_LARGEST_TABLE)
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
    Some(SLOTS_PER_BUCKET << ((4..40).find(is_large)? - 1))
}

fn names(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

fn kind_name(kind: u32) -> Option<&'static str> {
    match kind {
        GROW_DOUBLE => Some("double"),
        GROW_SAME_SIZE => Some("same-size"),
        GROW_TABLE => Some("table"),
        GROW_SPLIT => Some("split"),
        GROW_TO_TABLE => Some("small-to-table"),
        _ => None,
    }
}

fn impl_name(map_impl: MapImpl) -> &'static str {
    match map_impl {
        MapImpl::Classic => "classic",
        MapImpl::Swiss => "swiss",
    }
}

fn comments(binary: &Binary<'_>, facts: &Facts<'_>) -> Vec<String> {
    let seconds = |time: Duration| format!("{:.3}", time.as_secs_f64());
    let [exact, sampled, windows] = facts.time_in;
    let mut comments = vec![
        format!("mapscope.format={FORMAT}"),
        format!("program={}", facts.program),
        format!(
            "go_version={}",
            binary.go_version().map_or("unknown".to_owned(), |version| version.to_string())
        ),
        format!("map_impl={}", impl_name(facts.map_impl)),
        format!("processes={}", facts.n_processes),
        format!("elsewhere={}", facts.n_elsewhere),
        format!("other_go_code={}", names(&facts.other_code)),
        format!("duration_s={}", seconds(facts.elapsed)),
        format!("end={}", facts.ending.as_str()),
        format!("events={}", facts.n_events),
        format!("lost_events={}", facts.n_lost()),
        format!("lost_stacks={}", facts.n_lost_stacks()),
        format!("cut_stacks={}", facts.count(COUNT_STACKS_CUT)),
        format!("lost_samples={}", facts.count(COUNT_SAMPLES_LOST)),
        format!("sample_hz={}", facts.sample_hz),
        format!("gc_cycles={}", facts.count(COUNT_GC_CYCLES)),
        format!("probes={}", facts.n_probes),
        format!("inlined_copies={}", facts.n_inlined),
        format!("unprobed_copies={}", facts.n_unprobed),
        format!("links={}", facts.links),
        format!("overhead_pct={:.2}", facts.overhead * 100.0),
        format!("max_overhead_pct={:.2}", facts.max_overhead * 100.0),
        format!("trap_cost_ns={:.0}", facts.costs.trap_ns),
        format!("event_cost_ns={:.0}", facts.mean_event_ns()),
        format!("exact_s={}", seconds(exact)),
        format!("sampled_stacks_s={}", seconds(sampled)),
        format!("windows_s={}", seconds(windows)),
    ];
    if facts.has_more_files {
        comments.push(format!("other_files_above={MAX_FILES}"));
    }
    if facts.has_more_processes {
        comments.push("other_go_code_partly=1".to_owned());
    }
    if !facts.frozen.is_zero() {
        comments.push(format!("frozen_s={}", seconds(facts.frozen)));
    }
    if facts.n_beside > 0 {
        comments.push(format!("not_recorded_processes={}", facts.n_beside));
    }
    if !facts.unprobed.is_empty() {
        comments.push(format!("unprobed_processes={}", facts.unprobed.len()));
    }
    let replaced_after = facts.replaced_after;
    comments.extend(replaced_after.map(|time| format!("exe_replaced_s={}", seconds(time))));
    comments.extend(facts.only_user.map(|user| format!("only_user={user}")));
    let windows = &facts.windows;
    if windows.n == 0 && windows.uncounted_ns() == 0.0 {
        comments.push(format!("gc_assists={}", facts.count(COUNT_GC_ASSISTS)));
        return comments;
    }
    if !windows.had_clocks() {
        comments.push("thread_clocks=0".to_owned());
    }
    let groups: [String; GROUPS] = windows.group_cpu_ns().map(|ns| format!("{:.6}", ns / 1e9));
    comments.extend([
        format!("windows={}", windows.n),
        format!("window_scale={:.2}", windows.per_seen()),
        format!("window_group_cpu_s={}", groups.join(",")),
        format!("held_up_pct={:.0}", windows.scale().held_up * 100.0),
        format!("waited_pct={:.0}", windows.crowded() * 100.0),
        format!("scale_error_pct={:.1}", windows.scale_error() * 100.0),
        format!("unmet_bursts_pct={:.1}", windows.unmet() * 100.0),
        // Rounded up: what is not 0 makes every count a lower bound.
        format!("uncounted_s={:.3}", (windows.uncounted_ns() / 1e6).ceil() / 1e3),
        format!("every_split={}", u32::from(facts.counts_every_split)),
    ]);
    comments
}

#[cfg(test)]
mod tests;
