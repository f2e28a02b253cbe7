//! Names of things, and what findings say, the same in every output.

mod advice;
mod cause;
mod edit;
mod gap;
mod notice;
mod reason;
mod unknown;

pub(crate) use self::advice::{advice, basis};
pub(crate) use self::cause::cause;
pub(crate) use self::edit::edit;
pub(crate) use self::gap::{command, gap};
pub(crate) use self::notice::notice;
pub(crate) use self::reason::reason;
pub(crate) use self::unknown::not_flattened;
pub use self::unknown::{no_forecast, no_sizes};

use std::borrow::Cow;

use diagnosis::finding::{Amount, Cause, Confidence, EvidenceLine, Gap, Level, Reason, Under};
use diagnosis::rewrites::{NoForecast, NotFlattened};
use diagnosis::{Diagnosis, Finding, Verdict};
use evidence::sizes::NoSizes;
pub(crate) use evidence::words::base_name;
use evidence::{
    Cost, CpuUnit, Evidence, FirstCaller, Frame, LockSide, MapType, Precision, Site, SiteMap,
    SourceId, SourceIds, SourceKind,
};
use goabi::{MapImpl, MapOp, Nested};
use gomap::{Category, GrowKind, MapWork, Rewrite};

use crate::annotations::AnnotationLevel;
use crate::numbers::{counted, share};

/// What has a fixed name, out of a closed list, in outputs for programs; readers see the same where nothing else is said.
pub(crate) trait Word {
    /// All names.
    const WORDS: &'static [&'static str];

    fn word(&self) -> &'static str;
}

impl<T: Word> Word for &T {
    const WORDS: &'static [&'static str] = T::WORDS;

    fn word(&self) -> &'static str {
        (**self).word()
    }
}

/// The table of a type's words.
macro_rules! words {
    ($of:ty: $($variant:pat => $word:literal,)+) => {
        impl Word for $of {
            const WORDS: &'static [&'static str] = &[$($word),+];

            fn word(&self) -> &'static str {
                match self {
                    $($variant => $word,)+
                }
            }
        }
    };
}

words! { Verdict:
    Self::Presize => "presize",
    Self::Flatten => "flatten",
    Self::ChangeKey => "change key",
    Self::Shard => "shard",
    Self::Reuse => "reuse",
    Self::AllocateLess => "allocate less",
    Self::Release => "release",
    Self::Batch => "batch",
    Self::Replace => "replace",
    Self::LeaveAlone => "leave it alone",
}

words! { Level:
    Self::Low => "low",
    Self::Medium => "medium",
    Self::High => "high",
}

// As GitHub and SARIF have it.
words! { AnnotationLevel:
    Self::Error => "error",
    Self::Warning => "warning",
}

// In words for readers: `cause`.
words! { Cause:
    Self::FullSmallMaps { .. } => "full_small_maps",
    Self::HintTooSmall { .. } => "hint_too_small",
    Self::InnerMapsGrow { .. } => "inner_maps_grow",
    Self::MapGrows => "map_grows",
    Self::GrowthIsAPart { .. } => "growth_is_a_part",
    Self::SlicesGrow { .. } => "slices_grow",
    Self::PendingGrowth => "pending_growth",
    Self::WritersMarkForGrowth => "writers_mark_for_growth",
    Self::WritersMark => "writers_mark",
    Self::LockHeldForMap { .. } => "lock_held_for_map",
    Self::MissesInSearch => "misses_in_search",
    Self::StacksGrow => "stacks_grow",
    Self::LargeElements { .. } => "large_elements",
    Self::SmallInnerMaps { .. } => "small_inner_maps",
    Self::BothLevelsOnOneLine { .. } => "both_levels_on_one_line",
    Self::InterfaceKeys { .. } => "interface_keys",
    Self::Hashing { .. } => "hashing",
    Self::KeysBuilt { .. } => "keys_built",
    Self::LookedUpTwice { .. } => "looked_up_twice",
    Self::MapsDropped { .. } => "maps_dropped",
    Self::MapsHandedOn => "maps_handed_on",
    Self::HintTooLarge { .. } => "hint_too_large",
    Self::NeverShrinks { .. } => "never_shrinks",
    Self::ClearOutweighsWrites { .. } => "clear_outweighs_writes",
    Self::IterationDominates { .. } => "iteration_dominates",
    Self::CollectorMarksMaps { .. } => "collector_marks_maps",
    Self::CollectorDominates { .. } => "collector_dominates",
    Self::LongStops => "long_stops",
    Self::ShortStops => "short_stops",
    Self::SmallWrites => "small_writes",
    Self::LittleInMaps => "little_in_maps",
    Self::SpreadThin { .. } => "spread_thin",
    Self::SpreadOverLines { .. } => "spread_over_lines",
    Self::MostlyRead => "mostly_read",
    Self::SearchOutsideCache { .. } => "search_outside_cache",
    Self::NotGrowing { .. } => "not_growing",
}

// In words for readers: `reason`.
words! { Reason:
    Self::FewSamples(_) => "few_samples",
    Self::RoughShare(_) => "rough_share",
    Self::ShareMeasured => "share_measured",
    Self::SharesMeasured => "shares_measured",
    Self::GrowthsCounted => "growths_counted",
    Self::GrowthsEstimated => "growths_estimated",
    Self::ToolsAgree => "tools_agree",
    Self::SizesAllocated => "sizes_allocated",
    Self::SizesNotMeasured => "sizes_not_measured",
    Self::MostIsNotGrowth => "most_is_not_growth",
    Self::SliceLengthsNotMeasured => "slice_lengths_not_measured",
    Self::WhichSlicesNotMeasured => "which_slices_not_measured",
    Self::WhichMapNotRecorded => "which_map_not_recorded",
    Self::LargerMapsLookAlike => "larger_maps_look_alike",
    Self::CheckRunsInAnyGrowth => "check_runs_in_any_growth",
    Self::FewAssists(_) => "few_assists",
    Self::AssistsTimed => "assists_timed",
    Self::LongestStopAlone => "longest_stop_alone",
    Self::FewStops(_) => "few_stops",
    Self::StopsTimed => "stops_timed",
    Self::SourcesAgree => "sources_agree",
    Self::GuardNotMeasured => "guard_not_measured",
    Self::TimeNotKnown => "time_not_known",
    Self::FewMisses(_) => "few_misses",
    Self::MissTimeNotMeasured => "miss_time_not_measured",
    Self::OtherPathNotMeasured => "other_path_not_measured",
    Self::EntriesNotMeasured => "entries_not_measured",
    Self::OrderNotMeasured => "order_not_measured",
    Self::HashFunctionsSeen => "hash_functions_seen",
    Self::KeyLengthNotMeasured => "key_length_not_measured",
    Self::UseAsKeysNotMeasured => "use_as_keys_not_measured",
    Self::DropsNotMeasured => "drops_not_measured",
    Self::EntriesLeftNotMeasured => "entries_left_not_measured",
    Self::SameKeyNotMeasured => "same_key_not_measured",
    Self::MissesNotMeasured => "misses_not_measured",
    Self::UseOfEntriesNotMeasured => "use_of_entries_not_measured",
    Self::MarkTimeNotMeasured => "mark_time_not_measured",
    Self::CallsTimed => "calls_timed",
    Self::AllSamples(_) => "all_samples",
    Self::MayHide { .. } => "may_hide",
}

words! { Gap:
    Self::CpuTime => "cpu_time",
    Self::MapTypes => "map_types",
    Self::GrowthAllocations => "growth_allocations",
    Self::Growths => "growths",
    Self::CollectorWaits => "collector_waits",
    Self::LockWaits => "lock_waits",
    Self::Misses => "misses",
}

words! { Under:
    Self::Instead => "instead",
    Self::Besides => "besides",
}

words! { MapOp:
    Self::Assign => "assign",
    Self::Read => "read",
    Self::Delete => "delete",
    Self::Iterate => "iterate",
    Self::Clear => "clear",
    Self::Make => "make",
    Self::Clone => "clone",
    Self::Sync => "sync.Map",
}

// In words for readers: `category`.
words! { Category:
    Self::Hash => "hash",
    Self::Probe => "probe",
    Self::GrowthMove => "growth_move",
    Self::GrowthMemory => "growth_memory",
    Self::Create => "create",
    Self::GcAssist => "gc_assist",
    Self::GcBackground => "gc_background",
    Self::WriteBarrier => "write_barrier",
    Self::Read => "read",
    Self::Iterate => "iterate",
    Self::DeleteClear => "delete_clear",
    Self::KeyConversion => "key_conversion",
    Self::OtherMap => "other_map",
    Self::OffMap => "off_map",
}

words! { MapWork:
    Self::Hash => "hash",
    Self::Load => "load",
    Self::Compare => "compare",
    Self::Growth => "growth",
}

words! { SourceKind:
    Self::Cpu => "cpu",
    Self::Heap => "heap",
    Self::Recording => "live",
    Self::Contention => "locks",
    Self::Trace => "trace",
    Self::Perf => "perf",
    Self::Binary => "binary",
}

words! { CpuUnit:
    Self::Nanoseconds => "nanoseconds",
    Self::Samples => "samples",
}

words! { MapImpl:
    Self::Classic => "classic",
    Self::Swiss => "swiss",
}

words! { Nested:
    Self::No => "no",
    Self::Direct => "direct",
    Self::Reaches => "reaches",
}

words! { LockSide:
    Self::Waiter => "waiter",
    Self::Holder => "holder",
}

words! { GrowKind:
    Self::Double => "double",
    Self::SameSize => "same-size",
    Self::SmallToTable => "small-to-table",
    Self::Table => "table",
    Self::Split => "split",
}

words! { Precision:
    Self::Exact => "exact",
    Self::EstimatedSite => "site-estimated",
    Self::Estimated => "estimated",
    Self::LowerBound => "lower-bound",
}

words! { NoSizes:
    Self::UnknownVersion => "unknown_version",
    Self::NoneStopped => "none_stopped",
    Self::TooFew => "too_few_growths",
    Self::NoRange => "no_range",
    Self::NoLine => "no_line",
    Self::Uncounted => "uncounted",
    Self::FewBlocks => "few_blocks",
    Self::BeginLarger => "begin_larger",
}

words! { NotFlattened:
    Self::NoMaps => "no_maps",
    Self::OuterUnseen => "outer_unseen",
    Self::SeveralLines => "several_lines",
    Self::OtherFunctions => "other_functions",
    Self::TooMany { .. } => "too_many",
    Self::UnknownSizes => "unknown_sizes",
    Self::UnknownType => "unknown_type",
}

words! { NoForecast:
    Self::NoSizes(_) => "no_sizes",
    Self::UnknownType => "unknown_type",
    Self::UnknownVersion => "unknown_version",
    Self::UnknownHints => "unknown_hints",
}

// In words for readers: `what_if::name`.
words! { Rewrite:
    Self::Today => "today",
    Self::Presized => "presized",
    Self::Flattened => "flattened",
    Self::FlattenedPresized => "flattened_presized",
    Self::Sharded => "sharded",
}

words! { diagnosis::compare::Metric:
    Self::Cpu => "cpu_ns",
    Self::MapCpu => "map_cpu_ns",
    Self::GrowthCpu => "growth_cpu_ns",
    Self::GcCpu => "gc_cpu_ns",
    Self::Grows => "grows",
    Self::MovedEntries => "moved_entries",
    Self::MovedBytes => "moved_bytes",
    Self::GrowBytes => "grow_bytes",
    Self::AllocBytes => "alloc_bytes",
}

words! { diagnosis::compare::Notice:
    Self::SameBuild => "same_build",
    Self::OtherGo { .. } => "other_go",
    Self::OtherProgram { .. } => "other_program",
    Self::OtherDuration { .. } => "other_duration",
    Self::OneSideOnly(_) => "one_side_only",
    Self::HeapNotPerSecond => "heap_not_per_second",
    Self::CpuNotTimed => "cpu_not_timed",
    Self::Estimates(_) => "estimates",
    Self::LowerBounds(_) => "lower_bounds",
    Self::Lost(_) => "lost",
}

words! { gobench::stats::Outcome:
    Self::Differs => "differs",
    Self::MayBeChance => "may_be_chance",
    Self::TooFewRuns => "too_few_runs",
}

words! { lab::Verdict:
    Self::Holds => "holds",
    Self::HoldsInPart => "holds in part",
    Self::DoesNotHold => "does not hold",
    Self::NotMeasurable => "not measurable here",
}

// In words for readers: `experiments::outcome`.
words! { lab::Outcome:
    Self::Met => "met",
    Self::NotMet => "not met",
    Self::Unsettled => "unsettled",
    Self::NotMeasured => "not measured",
}

/// "in 2 of 3 sources: cpu.pprof, trace.out".
pub(crate) fn seen_in(finding: &Finding, diagnosis: &Diagnosis) -> String {
    let ids = diagnosis.sources_of(finding);
    let name = |&id: &SourceId| base_name(&diagnosis.evidence.sources[id].name);
    let names: Vec<&str> = ids.iter().map(name).collect();
    let n = diagnosis.evidence.n_measuring();
    format!("in {} of {}: {}", ids.len(), counted(n as u64, "source"), names.join(", "))
}

/// "cpu.pprof, recording.pb.gz", and how many more there are.
pub(crate) fn names<'e>(
    ids: &SourceIds,
    evidence: &'e Evidence,
    short: fn(&'e str) -> &'e str,
) -> String {
    const SHOWN: usize = 3;
    let mut names = ids.iter().map(|id| short(&evidence.sources[id].name));
    let shown = names.by_ref().take(SHOWN).collect::<Vec<_>>().join(", ");
    match names.count() {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// What a line of evidence is about, without its figure.
pub(crate) fn label(line: &EvidenceLine) -> Cow<'_, str> {
    match line.amount {
        Amount::NoSizes(reason) => format!("{}: {}", line.what, no_sizes(reason)).into(),
        _ => line.what.as_str().into(),
    }
}

/// What stands before a finding under another: "or", "also".
pub(crate) fn under(finding: &Finding) -> &'static str {
    match finding.under {
        Some(Under::Instead) => "or",
        Some(Under::Besides) | None => "also",
    }
}

/// "high: the share was measured".
pub(crate) fn confidence(confidence: Confidence) -> String {
    format!("{}: {}", confidence.level.word(), reason(confidence.reason))
}

pub(crate) fn category(category: Category) -> &'static str {
    match category {
        Category::Hash => "hashing",
        Category::Probe => "search and compare",
        Category::GrowthMove => "growth: moving entries",
        Category::GrowthMemory => "growth: new arrays",
        Category::Create => "making maps",
        Category::GcAssist => "GC assist",
        Category::GcBackground => "GC background",
        Category::WriteBarrier => "write barrier",
        Category::Read => "map read",
        Category::Iterate => "map iteration",
        Category::DeleteClear => "delete and clear",
        Category::KeyConversion => "making strings",
        Category::OtherMap => "other map work",
        Category::OffMap => "outside maps",
    }
}

/// Colour of a category in flame graphs and pages, as RGB. Growth is warm, the collector blue, the rest quiet.
pub(crate) fn category_colour(category: Option<Category>) -> [u8; 3] {
    match category {
        Some(Category::GrowthMove) => [214, 69, 65],
        Some(Category::GrowthMemory) => [240, 140, 60],
        Some(Category::Hash) => [150, 110, 200],
        Some(Category::Probe) => [235, 200, 80],
        Some(Category::Create) => [200, 160, 110],
        Some(Category::GcAssist) => [60, 120, 200],
        Some(Category::GcBackground) => [120, 170, 220],
        Some(Category::WriteBarrier) => [70, 160, 170],
        Some(Category::Read) => [110, 180, 100],
        Some(Category::Iterate) => [150, 200, 130],
        Some(Category::DeleteClear) => [160, 140, 90],
        Some(Category::KeyConversion) => [220, 130, 170],
        Some(Category::OtherMap) => [190, 190, 150],
        Some(Category::OffMap) | None => [205, 208, 212],
    }
}

/// "main.go:49", the last part of the path only; without a line the file alone.
pub(crate) fn short_place(frame: &Frame) -> String {
    if frame.line == 0 {
        return base_name(&frame.file).to_owned();
    }
    format!("{}:{}", base_name(&frame.file), frame.line)
}

/// "store.(*Index[...]).Add": without the path of its package, and without types that stand for others of their shape.
pub(crate) fn short_function(function: &str) -> String {
    match around_arguments(function) {
        Some((head, tail)) => format!("{}[...]{tail}", base_name(head)),
        None => base_name(function).to_owned(),
    }
}

/// What stands around the type arguments of a function's name, which may have any points and slashes; `None` where it has none.
pub(crate) fn around_arguments(function: &str) -> Option<(&str, &str)> {
    let begin = function.find('[').filter(|&begin| begin > 0)?;
    let end = function.rfind(']').filter(|&end| end > begin)?;
    Some((&function[..begin], &function[end + 1..]))
}

/// "main.build main.go:49", or what stands for a line that is not known.
pub(crate) fn place(frame: &Frame) -> String {
    format!("{} {}", frame.function, short_place(frame)).trim_end().to_owned()
}

/// The type that a site is about: what it writes, or else what it touches.
pub(crate) fn main_type(site: &Site) -> Option<&MapType> {
    let maps = site.maps.as_deref()?;
    let written = maps.iter().filter(|map| map.op == MapOp::Assign);
    written.chain(maps).find_map(SiteMap::known_type)
}

/// "main.serve main.go:31, 91.2 % (52 of 57 samples)": where the user can change something about a line in a library, with the
/// part of the line's map time.
pub(crate) fn called_from(site: &Site) -> Option<String> {
    let of_line = site.cpu.as_ref().map_or(Cost::default(), |cpu| cpu.map);
    let caller =
        |caller: &FirstCaller| format!("{}, {}", place(&caller.frame), share(caller.cost, of_line));
    let callers: Vec<String> = site.first_callers.iter().map(caller).collect();
    let [_, ..] = callers.as_slice() else { return None };
    let mut text = callers.join("; ");
    if !site.new_maps.is_empty() {
        text += "; each call builds the map anew: where it can be kept, build it once";
    }
    Some(text)
}

/// Types of generic code that are named; the others are counted.
const SHOWN_TYPES: usize = 4;

/// Types of which generic code does not tell which one is meant.
fn possible_types(maps: &[SiteMap]) -> Option<String> {
    let possible = maps.iter().filter(|map| map.is_possible);
    let mut names: Vec<&str> =
        possible.filter_map(|map| Some(&*map.map_type.as_ref().ok()?.name)).collect();
    names.sort_unstable();
    names.dedup();
    let shown = names.get(..SHOWN_TYPES).unwrap_or(&names).join(", ");
    let others = match names.len().checked_sub(SHOWN_TYPES) {
        None | Some(0) => String::new(),
        Some(more) => format!(" and {more} more"),
    };
    (!names.is_empty()).then(|| format!("generic code, maybe of {shown}{others}"))
}

/// A site's type in words, also when it is not known.
pub(crate) fn type_text(site: &Site, evidence: &Evidence) -> String {
    if let Some(map_type) = main_type(site) {
        return map_type.name.clone();
    }
    let is_sync = |cpu: &evidence::SiteCpu| cpu.by_op.get(MapOp::Sync) == cpu.map;
    let recorded = site.growth.as_ref().and_then(|growth| growth.types.first());
    match site.maps.as_deref() {
        _ if site.cpu.as_ref().is_some_and(is_sync) => "sync.Map".to_owned(),
        _ if recorded.is_some() => recorded.map_or(String::new(), |t| t.map_type.clone()),
        None if evidence.program.arch.is_some() => {
            "type not known: the types of the binary could not be read".to_owned()
        }
        None => "type not measured (no binary)".to_owned(),
        Some([]) if site.frame.line == 0 => {
            "type unknown: the input names functions, and no lines".to_owned()
        }
        Some([]) => "type unknown: no map call found at this line in the binary".to_owned(),
        Some(maps) => possible_types(maps).unwrap_or_else(|| {
            let why = maps.iter().find_map(|map| map.map_type.as_ref().err());
            format!("type unknown: {}", why.map_or("", |why| why))
        }),
    }
}

#[cfg(test)]
mod tests {
    use evidence::{SiteGrowth, Source, TypeGrowth, TypePart};

    use super::*;

    #[test]
    fn a_type_that_a_recording_names_is_known() {
        let map = SiteMap {
            op: MapOp::Assign,
            callee: "runtime.mapassign_faststr".to_owned(),
            map_type: Err("loaded from memory".to_owned()),
            is_possible: false,
        };
        let mut site = Site { maps: Some(vec![map]), ..Site::default() };
        assert_eq!(type_text(&site, &Evidence::default()), "type unknown: loaded from memory");
        let growth =
            TypeGrowth { map_type: "map[main.ID][]int".to_owned(), ..TypeGrowth::default() };
        site.growth = Some(SiteGrowth { types: vec![growth], ..SiteGrowth::default() });
        assert_eq!(type_text(&site, &Evidence::default()), "map[main.ID][]int");
    }

    #[test]
    fn types_that_generic_code_may_mean_are_listed() {
        let part = || TypePart {
            name: "int".to_owned(),
            size: 8,
            has_pointers: false,
            is_interface: false,
        };
        let map = |name: &str| SiteMap {
            op: MapOp::Read,
            callee: "runtime.mapaccess1_fast64".to_owned(),
            map_type: Ok(MapType {
                name: name.to_owned(),
                key: part(),
                elem: part(),
                nested: Nested::No,
                group_bytes: 136,
            }),
            is_possible: true,
        };
        let text = |names: &[&str]| {
            let maps = names.iter().map(|name| map(name)).collect();
            let site = Site { maps: Some(maps), ..Site::default() };
            assert_eq!(main_type(&site), None);
            type_text(&site, &Evidence::default())
        };
        let two = "generic code, maybe of map[int]*main.A, map[int]*main.B";
        assert_eq!(text(&["map[int]*main.B", "map[int]*main.A", "map[int]*main.B"]), two);
        assert_eq!(
            text(&["a", "b", "c", "d", "e", "f"]),
            "generic code, maybe of a, b, c, d and 2 more"
        );
    }

    #[test]
    fn a_line_in_a_library_has_callers_that_can_be_changed() {
        let cost = |samples| Cost { samples, cpu_ns: samples * 10_000_000 };
        let caller = |line, samples| FirstCaller {
            frame: Frame { function: "main.serve".into(), file: "/src/main.go".into(), line },
            cost: cost(samples),
        };
        let mut site = Site::default();
        assert_eq!(called_from(&site), None);
        site.cpu = Some(evidence::SiteCpu { map: cost(40), ..Default::default() });
        site.first_callers = vec![caller(7, 30), caller(9, 10)];
        let callers = "main.serve main.go:7, 75.0 % (30 of 40 samples); main.serve main.go:9, 25.0 % (10 of 40 samples)";
        assert_eq!(called_from(&site).as_deref(), Some(callers));
        site.new_maps = vec!["map[string]int".to_owned()];
        let text = called_from(&site).unwrap_or_default();
        assert!(
            text.ends_with("each call builds the map anew: where it can be kept, build it once")
        );
    }

    #[test]
    fn a_binary_whose_types_cannot_be_read_is_not_said_to_be_missing() {
        let mut evidence = Evidence::default();
        assert_eq!(type_text(&Site::default(), &evidence), "type not measured (no binary)");
        evidence.program.arch = Some("amd64");
        assert_eq!(
            type_text(&Site::default(), &evidence),
            "type not known: the types of the binary could not be read"
        );
    }

    #[test]
    fn a_line_that_is_not_known_has_no_number() {
        let frame = |function: &str, file: &str, line| Frame {
            function: function.into(),
            file: file.into(),
            line,
        };
        assert_eq!(place(&frame("[stack not recorded]", "", 0)), "[stack not recorded]");
        assert_eq!(place(&frame("main.fill", "/src/main.go", 7)), "main.fill main.go:7");
    }

    #[test]
    fn figures_of_many_inputs_name_three_of_them() {
        let source = |name: &&str| Source {
            name: format!("out/{name}"),
            kind: SourceKind::Cpu,
            summary: String::new(),
        };
        let named = |all: &[&str]| {
            let sources = all.iter().map(source).collect();
            let evidence = Evidence { sources, ..Evidence::default() };
            let ids = evidence.sources.of_kind(SourceKind::Cpu)?;
            Some(names(&ids, &evidence, base_name))
        };
        assert_eq!(named(&["a", "b"]).as_deref(), Some("a, b"));
        assert_eq!(named(&["a", "b", "c", "d", "e"]).as_deref(), Some("a, b, c and 2 more"));
        assert_eq!(named(&[]), None);
    }
}
