//! Recordings to the growth of each site. docs/recording.md describes their sample types, labels and comments.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use evidence::Evidence;
use evidence::words::{plural, were};
use evidence::{
    Bounds, GroupId, GrowKind, GrowStep, Growth, HintedMakes, Notice, Precision, ProcessGrowth,
    Sampled, Site, SiteGrowth, SourceId, TypeGrowth, Windows,
};
use goabi::{GoVersion, MapImpl};
use gopprof::{LabelValue, Profile, Sample};

use crate::lines::{LineId, Lines, LocationFrames};
use crate::printable::printable;
use crate::program::ProgramOfProfile;

/// Widest range of an old recording, as a fraction of its number.
const MAX_OLD_RANGE: f64 = 10.0;
/// Version of labels and comments that is understood.
const FORMAT: &str = "1";
/// Groups of windows kept of a recording, and of all recordings; more are none.
const MAX_GROUPS: usize = 64;
const MAX_GROUPS_IN_ALL: usize = 16 * 1024;
/// What a growth seen stands for at most.
const MAX_SCALE: f64 = 1e9;
/// Depth up to which a map of tables fits any memory.
const MAX_LOCAL_DEPTH: u64 = 52;

/// Sums recordings by line, map type and step.
#[derive(Debug, Default)]
pub(crate) struct GrowthCollector {
    lines: Lines,
    process: ProcessGrowth,
    programs: Vec<ProgramOfProfile>,
    types: HashMap<(LineId, String), TypeSums>,
    n_groups: usize,
    /// Sum of what the recordings say; not of use when one says nothing.
    grows_range: Option<Bounds>,
    is_range_unknown: bool,
    hints: HashMap<(LineId, String), (u64, u64)>,
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

/// Positions of the values of a recording.
struct Columns {
    growth: [Option<usize>; 4],
    makes: Option<usize>,
    hint_entries: Option<usize>,
}

/// Labels of a sample.
#[derive(Default)]
struct Labels {
    map_type: String,
    kind: Option<GrowKind>,
    before: u64,
    after: u64,
    local_depth: Option<u8>,
    window_group: Option<usize>,
    every_growth_from: Option<u64>,
    precision: Precision,
}

impl GrowthCollector {
    pub(crate) fn has_recordings(&self) -> bool {
        !self.process.sources.is_empty()
    }

    /// The programs that the recordings say they are of.
    pub(crate) fn programs(&self) -> impl Iterator<Item = &ProgramOfProfile> {
        self.programs.iter()
    }

    /// Adds a recording.
    pub(crate) fn add(
        &mut self,
        profile: &Profile,
        source: SourceId,
        name: &str,
        evidence: &mut Evidence,
    ) {
        self.process.sources.push(source);
        self.programs.push(ProgramOfProfile::of(profile, name));
        let locations = self.lines.add_profile(profile);
        let columns = Columns::of(profile);
        let comments = Comments::of(profile);
        let mut recording = self.begin(&comments);
        for sample in profile.samples() {
            self.add_sample(&sample, &columns, &locations, &mut recording);
        }
        let grows = recording.grows;
        self.end(recording, &comments);
        let duration_ns = u64::try_from(profile.duration_nanos).unwrap_or(0);
        self.process.duration_ns = self.process.duration_ns.saturating_add(duration_ns);
        self.add_comments(&comments);
        describe_program(&comments, source, evidence);
        evidence
            .notices
            .extend(notices(&comments, grows).map(|text| Notice { source: Some(source), text }));
    }

    /// Takes what a recording says of its windows, before its samples refer to them.
    fn begin(&mut self, comments: &Comments<'_>) -> OfRecording {
        let uncounted_ns = comments.seconds("uncounted_s").unwrap_or(0);
        self.process.uncounted_ns = self.process.uncounted_ns.saturating_add(uncounted_ns);
        // Also when no window saw any growth: that there was none is an estimate.
        let has_windows = comments.has_windows();
        let precision = match (uncounted_ns, has_windows) {
            (0, false) => Precision::Exact,
            (0, true) => Precision::Estimated,
            _ => Precision::LowerBound,
        };
        self.process.precision = self.process.precision.max(precision);
        let windows = has_windows.then(|| {
            let left = MAX_GROUPS_IN_ALL - self.n_groups;
            let windows = comments.windows(left.min(MAX_GROUPS));
            self.n_groups += windows.group_cpu_ns.len();
            let n_groups = windows.group_cpu_ns.len();
            self.process.windows.push(windows);
            (self.process.windows.len() as u32 - 1, n_groups)
        });
        OfRecording { precision, windows, grows: 0, has_estimates: false }
    }

    /// Adds what is known only after the samples of a recording.
    fn end(&mut self, recording: OfRecording, comments: &Comments<'_>) {
        let OfRecording { mut precision, grows, has_estimates, .. } = recording;
        if has_estimates {
            precision = precision.max(Precision::Estimated);
        }
        let range = match precision {
            Precision::Exact | Precision::EstimatedSite => {
                Some(Bounds { low: grows, high: Some(grows) })
            }
            Precision::Estimated => comments.grows_range(grows),
            Precision::LowerBound => {
                let low = comments.grows_range(grows).map_or(grows, |range| range.low);
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

    fn add_sample(
        &mut self,
        sample: &Sample<'_>,
        columns: &Columns,
        locations: &LocationFrames,
        recording: &mut OfRecording,
    ) {
        let growth = columns.growth(sample);
        let (makes, hint_entries) =
            (value(sample, columns.makes), value(sample, columns.hint_entries));
        if growth == Growth::default() && makes == 0 {
            return;
        }
        let labels = Labels::of(sample);
        let mut frames = sample.locations().flat_map(|location| locations.of(location));
        // Without a stack the leaf stands for the line.
        let Some(frame) =
            frames.clone().find(|frame| !frame.class.is_runtime()).or_else(|| frames.next())
        else {
            return;
        };
        if makes > 0 {
            let hints = self.hints.entry((frame.line, labels.map_type)).or_default();
            hints.0 = hints.0.saturating_add(makes);
            hints.1 = hints.1.saturating_add(hint_entries);
            return;
        }
        self.process.total += growth;
        self.process.precision = self.process.precision.max(labels.precision);
        recording.grows = recording.grows.saturating_add(growth.grows);
        recording.has_estimates |= labels.precision == Precision::Estimated;
        let key = (frame.line, labels.map_type);
        let sums = self.types.entry(key).or_default();
        sums.total += growth;
        sums.precision = sums.precision.max(labels.precision);
        if let Some((recording, _)) = recording.windows {
            sums.every_growth.add(recording, labels.every_growth_from);
        }
        if let Some(kind) = labels.kind {
            let depth = labels.local_depth.filter(|_| kind == GrowKind::Split);
            let step = sums.steps.entry((labels.before, labels.after, kind, depth)).or_default();
            step.grows = step.grows.saturating_add(growth.grows);
            step.moved_entries = step.moved_entries.saturating_add(growth.moved_entries);
            if labels.precision == Precision::Estimated {
                let of_group = match recording.group(labels.window_group) {
                    Some(group) => step.by_group.entry(group).or_default(),
                    None => &mut step.of_no_group,
                };
                *of_group = of_group.saturating_add(growth.grows);
            }
        }
    }

    fn add_comments(&mut self, comments: &Comments<'_>) {
        let process = &mut self.process;
        process.lost = process.lost.saturating_add(comments.number("lost_events").unwrap_or(0));
        process.lacks_clocks |= comments.lacks_clocks();
        comments.add_to(&mut process.gc_cycles, "gc_cycles");
        comments.add_to(&mut process.gc_assists, "gc_assists");
        let percent = |key: &str| comments.number_with_fraction(key);
        process.overhead = percent("overhead_pct").map(|pct| pct / 100.0).or(process.overhead);
    }

    /// Gives each site its growth; lines that only a recording has become sites of their own.
    pub(crate) fn finish(mut self, evidence: &mut Evidence) {
        if !self.has_recordings() {
            return;
        }
        let is_estimated = self.process.precision >= Precision::Estimated;
        self.process.grows_range =
            self.grows_range.filter(|_| is_estimated && !self.is_range_unknown);
        let mut growths: HashMap<(String, u32), (LineId, SiteGrowth)> = HashMap::new();
        // A line may have grown, unseen, in any recording that did not count everything.
        let unseen = Some(self.process.precision).filter(|&of| of >= Precision::Estimated);
        for ((line, map_type), mut sums) in self.types {
            sums.precision = sums.precision.max(unseen.unwrap_or_default());
            let frame = self.lines.frame(line);
            let (_, site) = growths
                .entry((frame.function, frame.line))
                .or_insert((line, SiteGrowth::default()));
            site.total += sums.total;
            let mut growth = sums.into_growth(map_type, self.process.windows.len());
            growth.has_no_line = !self.lines.frame(line).is_known();
            site.types.push(growth);
        }
        for (_, site) in growths.values_mut() {
            site.types.sort_by(|a, b| {
                let bytes = |t: &TypeGrowth| t.total.moved_bytes;
                bytes(b).cmp(&bytes(a)).then_with(|| a.map_type.cmp(&b.map_type))
            });
        }
        for site in &mut evidence.sites {
            let place = (site.frame.function.clone(), site.frame.line);
            site.growth =
                Some(growths.remove(&place).map(|(_, growth)| growth).unwrap_or_default());
        }
        let mut others: Vec<Site> = growths
            .into_values()
            .map(|(line, growth)| Site { growth: Some(growth), ..Site::at(self.lines.frame(line)) })
            .collect();
        others.sort_by(|a, b| {
            let bytes =
                |site: &Site| site.growth.as_ref().map_or(0, |growth| growth.total.moved_bytes);
            bytes(b).cmp(&bytes(a)).then_with(|| a.frame.cmp(&b.frame))
        });
        evidence.sites.append(&mut others);
        evidence.hints = self
            .hints
            .into_iter()
            .map(|((line, map_type), (n, sum_hints))| HintedMakes {
                frame: self.lines.frame(line),
                map_type,
                n,
                sum_hints,
            })
            .collect();
        evidence.hints.sort_by(|a, b| {
            b.n.cmp(&a.n).then_with(|| (&a.frame, &a.map_type).cmp(&(&b.frame, &b.map_type)))
        });
        evidence.growth = Some(self.process);
    }
}

impl OfRecording {
    /// Where its windows say of this group how much time it stands for.
    fn group(&self, group: Option<usize>) -> Option<GroupId> {
        let (recording, n_groups) = self.windows?;
        let group = group.filter(|&group| group < n_groups)? as u32;
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
            has_no_line: false,
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

impl Columns {
    fn of(profile: &Profile) -> Self {
        let column = |kind: &str| profile.sample_type_named(kind);
        Self {
            growth: ["map_grows", "map_moved_entries", "map_moved_space", "map_grow_space"]
                .map(column),
            makes: column("map_makes"),
            hint_entries: column("map_hint_entries"),
        }
    }

    fn growth(&self, sample: &Sample<'_>) -> Growth {
        let [grows, moved_entries, moved_bytes, grow_bytes] =
            self.growth.map(|column| value(sample, column));
        Growth { grows, moved_entries, moved_bytes, grow_bytes }
    }
}

fn value(sample: &Sample<'_>, column: Option<usize>) -> u64 {
    column.map_or(0, |column| u64::try_from(sample.value(column)).unwrap_or(0))
}

impl Labels {
    fn of(sample: &Sample<'_>) -> Self {
        let mut labels = Self { map_type: "unknown".to_owned(), ..Self::default() };
        for label in sample.labels() {
            let number = |value: i64| u64::try_from(value).unwrap_or(0);
            match (label.key, label.value) {
                ("map_type", LabelValue::Str(name)) => labels.map_type = printable(name),
                ("grow_kind", LabelValue::Str(kind)) => labels.kind = grow_kind(kind),
                ("precision", LabelValue::Str("site-estimated")) => {
                    labels.precision = Precision::EstimatedSite;
                }
                // What is not known is not taken for exact.
                ("precision", _) => labels.precision = Precision::Estimated,
                ("capacity_before", LabelValue::Num { value, .. }) => labels.before = number(value),
                ("capacity_after", LabelValue::Num { value, .. }) => labels.after = number(value),
                ("local_depth", LabelValue::Num { value, .. }) => {
                    let depth = u64::try_from(value).ok().filter(|&depth| depth <= MAX_LOCAL_DEPTH);
                    labels.local_depth = depth.map(|depth| depth as u8);
                }
                ("every_growth_from", LabelValue::Num { value, .. }) => {
                    labels.every_growth_from = u64::try_from(value).ok();
                }
                ("window_group", LabelValue::Num { value, .. }) => {
                    labels.window_group = usize::try_from(value).ok();
                }
                _ => {}
            }
        }
        labels
    }
}

fn grow_kind(name: &str) -> Option<GrowKind> {
    match name {
        "small-to-table" => Some(GrowKind::SmallToTable),
        "table" => Some(GrowKind::Table),
        "split" => Some(GrowKind::Split),
        "double" => Some(GrowKind::Double),
        "same-size" => Some(GrowKind::SameSize),
        _ => None,
    }
}

/// The `key=value` comments.
struct Comments<'p>(HashMap<&'p str, &'p str>);

impl<'p> Comments<'p> {
    fn of(profile: &'p Profile) -> Self {
        Self(
            profile
                .comments
                .iter()
                .filter_map(|&comment| profile.str(comment).split_once('='))
                .collect(),
        )
    }

    fn get(&self, key: &str) -> Option<&'p str> {
        self.0.get(key).copied()
    }

    fn number(&self, key: &str) -> Option<u64> {
        self.get(key)?.parse().ok()
    }

    fn number_with_fraction(&self, key: &str) -> Option<f64> {
        self.get(key)?.parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// Whether a part was counted in windows; an unknown number of them is some.
    fn has_windows(&self) -> bool {
        self.get("windows").is_some_and(|n| n.parse() != Ok(0_u64))
    }

    /// Whether no clock says how much threads were slowed down in windows.
    fn lacks_clocks(&self) -> bool {
        self.number("thread_clocks") == Some(0)
    }

    /// Seconds with a fraction, as nanoseconds.
    fn seconds(&self, key: &str) -> Option<u64> {
        self.number_with_fraction(key).map(nanoseconds)
    }

    /// As a fraction; 0 where it is not said.
    fn percent(&self, key: &str) -> f64 {
        self.number_with_fraction(key).unwrap_or(0.0) / 100.0
    }

    /// What it says of its windows, with no more than so many groups.
    fn windows(&self, max_groups: usize) -> Windows {
        let list = self.get("window_group_cpu_s").unwrap_or_default();
        let seconds = list.split(',').map_while(|seconds| {
            seconds.trim().parse().ok().filter(|seconds: &f64| seconds.is_finite())
        });
        Windows {
            group_cpu_ns: seconds.take(max_groups).map(nanoseconds).collect(),
            scale: self.number_with_fraction("window_scale").unwrap_or(1.0).clamp(1.0, MAX_SCALE),
            scale_error: self.percent("scale_error_pct").clamp(0.0, 1.0),
            unmet: self.percent("unmet_bursts_pct").clamp(0.0, MAX_SCALE),
            every_split: self.get("every_split") == Some("1"),
            has_no_end: self.get("grows_high") == Some("unknown"),
        }
    }

    /// The range around a number of growths. Old recordings have half its width.
    fn grows_range(&self, grows: u64) -> Option<Bounds> {
        if let Some(low) = self.number("grows_low") {
            let high = self.number("grows_high");
            // A range that the number is not in is of something else.
            let is_around = low <= grows && high.is_none_or(|high| grows <= high);
            return is_around.then_some(Bounds { low, high });
        }
        let part = self.number_with_fraction("estimate_range_pct")? / 100.0;
        if !(0.0..=MAX_OLD_RANGE).contains(&part) {
            return None;
        }
        let end = |factor: f64| (grows as f64 * factor.max(0.0)).round() as u64;
        Some(Bounds { low: end(1.0 - part), high: Some(end(1.0 + part)) })
    }

    /// Adds a number that is there.
    fn add_to(&self, sum: &mut Option<u64>, key: &str) {
        if let Some(number) = self.number(key) {
            *sum = Some(sum.unwrap_or(0).saturating_add(number));
        }
    }
}

fn nanoseconds(seconds: f64) -> u64 {
    (seconds.max(0.0) * 1e9) as u64
}

fn describe_program(comments: &Comments<'_>, source: SourceId, evidence: &mut Evidence) {
    let program = &mut evidence.program;
    if program.go_version.is_none() {
        program.go_version =
            comments.get("go_version").and_then(GoVersion::parse).map(|version| (version, source));
    }
    let map_impl = match comments.get("map_impl") {
        Some("classic") => Some(MapImpl::Classic),
        Some("swiss") => Some(MapImpl::Swiss),
        _ => None,
    };
    program.map_impl = map_impl.map(|map_impl| (map_impl, source)).or(program.map_impl);
}

/// What the reader has to know about how the recording was made.
fn notices(comments: &Comments<'_>, grows: u64) -> impl Iterator<Item = String> {
    let some = |key: &str| comments.number(key).filter(|&n| n > 0);
    let text = |key: &str| {
        let number = comments.get(key).filter(|_| comments.number_with_fraction(key).is_some());
        printable(number.unwrap_or("an unknown number of"))
    };
    let is_other_format = comments.get("mapscope.format") != Some(FORMAT);
    [
        is_other_format.then(|| "written by another version of mapscope; some of it may be missing here".to_owned()),
        (comments.get("end") == Some("signal")).then(|| "stopped early by a signal; what was recorded until then is here".to_owned()),
        some("lost_events").map(|n| format!("{} lost, and missing from the counts", were(n, "growth"))),
        some("lost_stacks").map(|n| format!("{} lost: those growths and CPU samples have no line", were(n, "stack"))),
        some("lost_samples").map(|n| format!("{} lost", were(n, "CPU sample"))),
        some("elsewhere").map(|n| {
            format!("{n} of the processes executed another program, and were recorded until they did")
        }),
        some("not_recorded_processes").map(|n| {
            let processes = plural(n, "process");
            format!("{n} more {processes} of the same file ran beside the command, not in it: record with --exe")
        }),
        comments.number_with_fraction("exe_replaced_s").map(|_| {
            format!(
                "the path of the executable led to another file, as was seen after {} s: processes that began since it did are not recorded",
                text("exe_replaced_s")
            )
        }),
        some("unprobed_processes").map(|n| {
            format!(
                "{n} more processes were started from the file and do not run its code, as it was changed in their container then, or as they copied it elsewhere: their growths were not counted"
            )
        }),
        comments.get("other_go_code").filter(|paths| !paths.is_empty()).map(|paths| {
            format!(
                "the processes also had Go code of other files, {}: maps that grow there are not recorded",
                printable(paths)
            )
        }),
        some("other_files_above").map(|n| {
            format!(
                "the processes had mapped more than {n} other files: whether there was Go code in the rest was not looked at"
            )
        }),
        (comments.number("other_go_code_partly") == Some(1)).then(|| {
            "whether there was Go code of other files was not looked at in all of the processes".to_owned()
        }),
        comments.lacks_clocks().then(|| {
            "the kernel gave no clocks of threads, or maps grow in threads that have just begun, so that growths in windows are lower bounds: record as root, or with kernel.perf_event_paranoid at 2".to_owned()
        }),
        comments.number("only_user").map(|user| {
            format!("recorded without the right to look at the processes of others: only those of user {user} are here")
        }),
        comments.seconds("frozen_s").filter(|&ns| ns > 0).map(|_| {
            format!(
                "for {} s the recorder was stopped, or got no CPU time: growths of that time were not counted",
                text("frozen_s")
            )
        }),
        some("unprobed_copies").map(|n| {
            let copies = plural(n, "copy");
            format!("{n} inlined {copies} of growth functions could not be probed: growths there are missing")
        }),
        comments.has_windows().then(|| {
            let range = match comments.grows_range(grows) {
                Some(Bounds { low, high: Some(high) }) => format!("between {low} and {high} growths in all"),
                Some(Bounds { low, high: None }) => format!("at least {low} growths in all; not enough is known to say how many at most"),
                None => "too few for a range".to_owned(),
            };
            format!(
                "for {} s maps grew, or were made with a hint, more often than the overhead budget of {} % allows: counted in {} windows, each event standing for {}; {range}",
                text("windows_s"),
                text("max_overhead_pct"),
                text("windows"),
                text("window_scale"),
            )
        }),
        comments.seconds("uncounted_s").filter(|&ns| ns > 0).map(|_| {
            format!(
                "for {} s of the program's CPU time nothing was counted, and no window stands for it: every count is a lower bound; record longer, or with --max-overhead 100",
                text("uncounted_s")
            )
        }),
        comments.get("sampled_stacks_s").filter(|s| s.parse().is_ok_and(|s: f64| s > 0.0)).map(|_| {
            format!(
                "for {} s stacks were taken of a part of the growths only, to stay within {} % overhead: counts per map type are exact, those per line estimated",
                text("sampled_stacks_s"),
                text("max_overhead_pct")
            )
        }),
    ]
    .into_iter()
    .flatten()
}

/// "recording of 3.0 s, 620735 growths, 331 CPU samples".
pub(crate) fn summary(profile: &Profile) -> String {
    let columns = Columns::of(profile);
    let samples = profile.sample_type_named("samples");
    let (grows, samples) =
        profile.samples().fold((0_u64, 0_u64), |(grows, samples_sum), sample| {
            (
                grows.saturating_add(columns.growth(&sample).grows),
                samples_sum.saturating_add(value(&sample, samples)),
            )
        });
    let comments = Comments::of(profile);
    let lost = comments
        .get("lost_events")
        .map_or("lost not known".to_owned(), |lost| format!("{} lost", printable(lost)));
    let sign = match comments.seconds("uncounted_s") {
        Some(1..) => "at least ",
        _ if comments.has_windows() => "about ",
        _ => "",
    };
    format!(
        "recording of {:.1} s, {sign}{grows} {}, {lost}, {samples} CPU {}",
        profile.duration_nanos as f64 / 1e9,
        plural(grows, "growth"),
        plural(samples, "sample")
    )
}
