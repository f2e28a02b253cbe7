//! Recordings to the growth of each site.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use evidence::words::plural;
use evidence::{
    Bounds, Builder, GroupId, GrowStep, Growth, HintedMakes, LineId, OfSource, Precision,
    ProcessGrowth, Sampled, SourceId, Stated, TypeGrowth, Windows, printable,
};
use gomap::GrowKind;
use gopprof::{Locations, Profile};
use recording::{Facts, Fixed, Labels, Reader, Row};

use crate::lines::{Lines, LocationFrames};

mod notices;

use notices::notices;

/// Groups of windows kept of all recordings; more are none.
const MAX_GROUPS_IN_ALL: usize = 16 * 1024;
/// What a growth seen stands for at most.
const MAX_SCALE: f64 = 1e9;

/// Sums recordings by line, map type and step.
#[derive(Debug)]
pub(crate) struct GrowthCollector {
    lines: Lines,
    process: ProcessGrowth,
    types: HashMap<(LineId, String), TypeSums>,
    n_groups: usize,
    /// Sum of what the recordings say; not of use when one says nothing.
    grows_range: Option<Bounds>,
    is_range_unknown: bool,
    hints: HashMap<(LineId, String), (u64, u64)>,
    stated: Vec<OfProcess>,
}

/// What a recording says of the process; together they say what all of them do.
#[derive(Debug)]
struct OfProcess {
    overhead: Option<f64>,
    gc_cycles: Option<u64>,
    gc_assists: Option<u64>,
}

#[derive(Debug, Default)]
struct TypeSums {
    total: Growth,
    precision: Precision,
    steps: BTreeMap<Step, StepSums>,
    every_growth: EveryGrowth,
}

/// What recordings with windows say on the growths that they counted in gaps as well.
#[derive(Debug, Default)]
struct EveryGrowth {
    /// Those that say something.
    recordings: BTreeSet<u32>,
    /// From where on all of them did.
    slots: u64,
}

/// Slots before and after, what happens, and the depth of a table that splits.
type Step = (u64, u64, GrowKind, Option<u8>);

#[derive(Debug, Default)]
struct StepSums {
    grows: u64,
    moved_entries: u64,
    by_group: BTreeMap<GroupId, u64>,
    of_no_group: u64,
}

/// What a recording says of its windows, and where its samples are summed.
struct OfRecording {
    precision: Precision,
    /// Index of its windows, and number of their groups.
    windows: Option<(u32, usize)>,
    grows: u64,
    has_estimates: bool,
}

impl GrowthCollector {
    /// To sum up recordings, the first of which is this input.
    pub(crate) fn new(first: SourceId) -> Self {
        Self {
            lines: Lines::default(),
            process: ProcessGrowth::of(first),
            types: HashMap::new(),
            n_groups: 0,
            grows_range: None,
            is_range_unknown: false,
            hints: HashMap::new(),
            stated: Vec::new(),
        }
    }

    /// Adds a recording.
    pub(crate) fn add(&mut self, profile: &Profile, source: &mut OfSource<'_>) {
        self.process.sources.add(source.id());
        let locations = self.lines.add_profile(profile);
        let reader = Reader::new(profile);
        let facts = reader.facts();
        let mut recording = self.begin(facts);
        for (stack, row) in reader.rows() {
            self.add_row(stack, row, &locations, &mut recording);
        }
        let grows = recording.grows;
        self.end(recording, facts);
        let duration_ns = u64::try_from(profile.duration_nanos).unwrap_or(0);
        self.process.duration_ns = self.process.duration_ns.saturating_add(duration_ns);
        self.add_facts(facts);
        source.states(program(facts));
        notices(facts, grows).for_each(|text| source.notice(&text));
    }

    /// Takes what a recording says of its windows, before its samples refer to them.
    fn begin(&mut self, facts: &Facts) -> OfRecording {
        let uncounted_ns = facts.uncounted_ns();
        self.process.uncounted_ns = self.process.uncounted_ns.saturating_add(uncounted_ns);
        // Also when no window saw any growth: that there was none is an estimate.
        let has_windows = facts.has_windows();
        let precision = match (uncounted_ns, has_windows) {
            (0, false) => Precision::Exact,
            (0, true) => Precision::Estimated,
            _ => Precision::LowerBound,
        };
        self.process.precision = self.process.precision.max(precision);
        let windows = has_windows.then(|| {
            let windows = windows(facts, MAX_GROUPS_IN_ALL - self.n_groups);
            self.n_groups += windows.group_cpu_ns.len();
            let n_groups = windows.group_cpu_ns.len();
            self.process.windows.push(windows);
            (self.process.windows.len() as u32 - 1, n_groups)
        });
        OfRecording { precision, windows, grows: 0, has_estimates: false }
    }

    /// Adds what is known only after the samples of a recording.
    fn end(&mut self, recording: OfRecording, facts: &Facts) {
        let OfRecording { mut precision, grows, has_estimates, .. } = recording;
        if has_estimates {
            precision = precision.max(Precision::Estimated);
        }
        let range = match precision {
            Precision::Exact | Precision::EstimatedSite => {
                Some(Bounds { low: grows, high: Some(grows) })
            }
            Precision::Estimated => grows_range(facts, grows),
            Precision::LowerBound => {
                let low = grows_range(facts, grows).map_or(grows, |range| range.low);
                Some(Bounds { low, high: None })
            }
        };
        self.is_range_unknown |= range.is_none();
        let sum = self.grows_range.unwrap_or(Bounds { low: 0, high: Some(0) });
        self.grows_range = range
            .map(|range| Bounds {
                low: sum.low.saturating_add(range.low),
                high: sum.high.zip(range.high).map(|(a, b)| a.saturating_add(b)),
            })
            .or(self.grows_range);
    }

    fn add_row(
        &mut self,
        stack: Locations<'_>,
        row: Row<'_>,
        locations: &LocationFrames,
        recording: &mut OfRecording,
    ) {
        match row {
            Row::Cpu { .. } => {}
            Row::Grows { labels, grows, moved_entries, moved_bytes, grow_bytes } => {
                let growth = Growth { grows, moved_entries, moved_bytes, grow_bytes };
                if let Some(line) = line_of(stack, locations) {
                    self.add_growth(line, &labels, growth, recording);
                }
            }
            Row::Makes { labels, makes, hint_entries } => {
                if let Some(line) = line_of(stack, locations) {
                    let hints = self.hints.entry((line, printable(labels.map_type))).or_default();
                    hints.0 = hints.0.saturating_add(makes);
                    hints.1 = hints.1.saturating_add(hint_entries);
                }
            }
        }
    }

    fn add_growth(
        &mut self,
        line: LineId,
        labels: &Labels<'_>,
        growth: Growth,
        recording: &mut OfRecording,
    ) {
        let precision = precision(labels);
        self.process.total += growth;
        self.process.precision = self.process.precision.max(precision);
        recording.grows = recording.grows.saturating_add(growth.grows);
        recording.has_estimates |= precision == Precision::Estimated;
        let sums = self.types.entry((line, printable(labels.map_type))).or_default();
        sums.total += growth;
        sums.precision = sums.precision.max(precision);
        if let Some((recording, _)) = recording.windows {
            sums.every_growth.add(recording, labels.every_growth_from);
        }
        if let Some(kind) = labels.kind {
            let depth = labels.local_depth.filter(|_| kind == GrowKind::Split);
            let step = sums.steps.entry((labels.before, labels.after, kind, depth)).or_default();
            step.grows = step.grows.saturating_add(growth.grows);
            step.moved_entries = step.moved_entries.saturating_add(growth.moved_entries);
            if precision == Precision::Estimated {
                let of_group = match recording.group(labels.window_group) {
                    Some(group) => step.by_group.entry(group).or_default(),
                    None => &mut step.of_no_group,
                };
                *of_group = of_group.saturating_add(growth.grows);
            }
        }
    }

    fn add_facts(&mut self, facts: &Facts) {
        let process = &mut self.process;
        process.lost = process.lost.saturating_add(facts.lost_events.unwrap_or(0));
        process.lacks_clocks |= facts.lacks_clocks();
        self.stated.push(OfProcess {
            overhead: fraction(facts.overhead_pct),
            gc_cycles: facts.gc_cycles,
            gc_assists: facts.gc_assists,
        });
    }

    /// Says what grew at each line.
    pub(crate) fn tell(mut self, builder: &mut Builder) {
        let is_estimated = self.process.precision >= Precision::Estimated;
        let mut overheads = self.stated.iter().map(|of| of.overhead);
        self.process.overhead = overheads.try_fold(0.0, |most: f64, of| Some(most.max(of?)));
        self.process.gc_cycles = sum(self.stated.iter().map(|of| of.gc_cycles));
        self.process.gc_assists = sum(self.stated.iter().map(|of| of.gc_assists));
        self.process.grows_range =
            self.grows_range.filter(|_| is_estimated && !self.is_range_unknown);
        // A line may have grown, unseen, in any recording that did not count everything.
        let unseen = Some(self.process.precision).filter(|&of| of >= Precision::Estimated);
        for ((line, map_type), mut sums) in self.types {
            sums.precision = sums.precision.max(unseen.unwrap_or_default());
            let frame = self.lines.frame(line);
            let growth = builder.line(&frame).growth.get_or_insert_default();
            growth.total += sums.total;
            let mut of_type = sums.into_growth(map_type, self.process.windows.len());
            of_type.has_no_line = !frame.is_known();
            growth.types.push(of_type);
        }
        for ((line, map_type), (n, sum_hints)) in self.hints {
            let frame = self.lines.frame(line);
            builder.hinted(HintedMakes { frame, map_type, n, sum_hints });
        }
        builder.growth(self.process);
    }
}

impl OfRecording {
    /// Where its windows say of this group how much time it stands for.
    fn group(&self, group: Option<u32>) -> Option<GroupId> {
        let (recording, n_groups) = self.windows?;
        let group = group.filter(|&group| (group as usize) < n_groups)?;
        Some(GroupId { recording, group })
    }
}

impl TypeSums {
    fn into_growth(self, map_type: String, n_with_windows: usize) -> TypeGrowth {
        let every_growth_from = self.every_growth.from(n_with_windows);
        let steps = self.steps.into_iter().map(|((before, after, kind, local_depth), sums)| {
            let StepSums { grows, moved_entries, by_group, of_no_group } = sums;
            let sampled = Sampled { by_group: by_group.into_iter().collect(), of_no_group };
            GrowStep { kind, before, after, local_depth, grows, sampled, moved_entries }
        });
        TypeGrowth {
            map_type,
            total: self.total,
            precision: self.precision,
            steps: steps.collect(),
            every_growth_from,
            ..TypeGrowth::default()
        }
    }
}

impl EveryGrowth {
    fn add(&mut self, recording: u32, from: Option<u64>) {
        self.recordings.insert(recording);
        self.slots = self.slots.max(from.unwrap_or(u64::MAX));
    }

    /// What all recordings with windows say together, of which there are so many.
    fn from(&self, n_with_windows: usize) -> Option<u64> {
        // One that has no growth of the type does not say from where on it would have one.
        let is_of_all = n_with_windows > 0 && self.recordings.len() == n_with_windows;
        Some(self.slots).filter(|&slots| is_of_all && slots < u64::MAX)
    }
}

/// The innermost line that is not the runtime's. Without a stack the leaf stands for it.
fn line_of(stack: Locations<'_>, locations: &LocationFrames) -> Option<LineId> {
    let mut frames = stack.flat_map(|location| locations.of(location));
    let user = frames.clone().find(|frame| !frame.class.is_runtime());
    Some(user.or_else(|| frames.next())?.line)
}

/// What a recording says of its windows, with no more than so many groups.
fn windows(facts: &Facts, max_groups: usize) -> Windows {
    let groups = facts.window_group_cpu_s.iter().flatten().take(max_groups);
    Windows {
        group_cpu_ns: groups.map(|seconds| seconds.seconds_as_ns()).collect(),
        scale: facts.window_scale.map_or(1.0, Fixed::value).clamp(1.0, MAX_SCALE),
        scale_error: fraction(facts.scale_error_pct).unwrap_or(0.0).clamp(0.0, 1.0),
        unmet: fraction(facts.unmet_bursts_pct).unwrap_or(0.0).clamp(0.0, MAX_SCALE),
        every_split: facts.every_split == Some(true),
        has_no_end: facts.grows_high == Some(None),
    }
}

fn fraction<const DIGITS: u8>(pct: Option<Fixed<DIGITS>>) -> Option<f64> {
    pct.map(|pct| pct.value() / 100.0)
}

fn grows_range(facts: &Facts, grows: u64) -> Option<Bounds> {
    let range = facts.grows_range(grows)?;
    Some(Bounds { low: range.low, high: range.high })
}

fn precision(labels: &Labels<'_>) -> Precision {
    match labels.precision {
        recording::Precision::Exact => Precision::Exact,
        recording::Precision::EstimatedSite => Precision::EstimatedSite,
        recording::Precision::Estimated => Precision::Estimated,
    }
}

/// The sum of numbers that are all there.
fn sum(mut numbers: impl Iterator<Item = Option<u64>>) -> Option<u64> {
    numbers.try_fold(0, |sum: u64, number| Some(sum.saturating_add(number?)))
}

fn program(facts: &Facts) -> Stated {
    let go_version = facts.go_version.flatten();
    Stated { go_version, map_impl: facts.map_impl, ..Stated::default() }
}

/// "recording of 3.0 s, 620735 growths, 331 CPU samples".
pub(crate) fn summary(profile: &Profile) -> String {
    let recording = Reader::new(profile);
    let (mut grows, mut samples) = (0_u64, 0_u64);
    for (_, row) in recording.rows() {
        match row {
            Row::Cpu { samples: n, .. } => samples = samples.saturating_add(n),
            Row::Grows { grows: n, .. } => grows = grows.saturating_add(n),
            Row::Makes { .. } => {}
        }
    }
    let facts = recording.facts();
    let lost = facts.lost_events.map_or("lost not known".to_owned(), |n| format!("{n} lost"));
    let sign = match facts.uncounted_ns() {
        1.. => "at least ",
        _ if facts.has_windows() => "about ",
        _ => "",
    };
    format!(
        "recording of {:.1} s, {sign}{grows} {}, {lost}, {samples} CPU {}",
        profile.duration_nanos as f64 / 1e9,
        plural(grows, "growth"),
        plural(samples, "sample")
    )
}
