//! `mapscope whatif RECORDING --json`.

use std::io::{self, Write};

use diagnosis::rewrites::{self, NoForecast, NotFlattened, RecordedMaps};
use evidence::sizes::{FinalSizes, NoSizes};
use evidence::{HintedMakes, Precision, TypeGrowth};
use goabi::MapImpl;
use gomap::Rewrite;
use schemars::JsonSchema;
use serde::Serialize;

use super::growth::{Class, Larger};
use super::{Bounds, Key, Range, Source};
use crate::RecordedWhatIf;

const SCHEMA: &str = "mapscope.whatif_recorded/1";

/// Writes the forecasts as JSON; documented in docs/json.md.
///
/// # Errors
/// When `out` fails.
pub fn render_recorded_json(out: &mut dyn Write, report: &RecordedWhatIf<'_>) -> io::Result<()> {
    super::write(out, &Recorded::from(report))
}

/// What other ways to hold recorded maps would cost.
#[derive(Serialize, JsonSchema)]
pub(super) struct Recorded<'d> {
    /// Name and version of this shape.
    #[schemars(extend("const" = SCHEMA))]
    schema: &'static str,
    /// Name of the program; null when no input says it.
    program: Option<&'d str>,
    /// Release of Go that it was built with; null when no input says it.
    go_version: Option<String>,
    /// How its maps are implemented; null when the release is not known.
    map_impl: Option<Key<MapImpl>>,
    /// The inputs.
    sources: Vec<Source<'d>>,
    /// What was lost of the inputs, and where they do not belong together.
    notices: Vec<&'d str>,
    /// How the sums of the recording were obtained; null without a recording. See docs/recording.md.
    precision: Option<Key<Precision>>,
    /// Of the number of growths; null when each was counted or the recording does not say.
    grows_range: Option<Bounds>,
    /// CPU time of the program in which nothing was counted; null without a recording. Nanoseconds.
    uncounted_ns: Option<u64>,
    /// Growths missing from the counts; null without a recording.
    lost: Option<u64>,
    /// Map types at lines, most bytes moved first.
    maps: Vec<Maps<'d>>,
    /// Number of more.
    left_out: usize,
}

impl<'d> From<&'d RecordedWhatIf<'d>> for Recorded<'d> {
    fn from(report: &'d RecordedWhatIf<'d>) -> Self {
        let evidence = report.evidence;
        let growth = evidence.growth.as_ref();
        Self {
            schema: SCHEMA,
            program: evidence.program.name.as_deref(),
            go_version: super::go_version(&evidence.program),
            map_impl: super::map_impl(&evidence.program),
            sources: evidence.sources.iter().map(Source::from).collect(),
            notices: evidence.notices.iter().map(|notice| notice.text.as_str()).collect(),
            precision: growth.map(|growth| Key(growth.precision)),
            grows_range: growth.and_then(|growth| growth.grows_range).map(Bounds::from),
            uncounted_ns: growth.map(|growth| growth.uncounted_ns),
            lost: growth.map(|growth| growth.lost),
            maps: super::each(&report.maps),
            left_out: report.n_more,
        }
    }
}

/// Maps of a type at a line.
#[derive(Serialize, JsonSchema)]
struct Maps<'d> {
    /// Go's name of the type.
    map_type: &'d str,
    /// What was recorded of them.
    #[serde(flatten)]
    level: Level<'d>,
    /// Why sizes are not known; null when they are.
    no_sizes_because: Option<Key<NoSizes>>,
    /// The maps in these; null with `not_flattened_because`.
    inner: Option<Inner<'d>>,
    /// Why flattening is not forecast; null when it is.
    not_flattened_because: Option<Key<NotFlattened>>,
    /// The ways to hold them, both levels together; null with `no_forecast_because`.
    rewrites: Option<Vec<Costs>>,
    /// Why nothing is forecast; null when something is.
    no_forecast_because: Option<Key<NoForecast>>,
}

impl<'d> From<&'d RecordedMaps> for Maps<'d> {
    fn from(maps: &'d RecordedMaps) -> Self {
        let sizes = maps.growth.sizes.as_ref();
        let inner = maps.inner.as_deref().ok();
        let not_flattened = match &maps.inner {
            Ok(inner) => inner.flat.as_ref().err(),
            Err(reason) => Some(reason),
        };
        Self {
            map_type: &maps.growth.map_type,
            level: Level {
                recorded: Some(Growth::from(&maps.growth)),
                ..Level::of(Some(&maps.frame), sizes.ok(), maps.hints.as_ref())
            },
            no_sizes_because: sizes.err().copied().map(Key),
            inner: inner.map(|inner| Inner::of(inner, maps.unseen.as_ref())),
            not_flattened_because: not_flattened.copied().map(Key),
            rewrites: maps.rewrites.as_deref().ok().map(super::each),
            no_forecast_because: maps.rewrites.as_ref().err().copied().map(Key),
        }
    }
}

/// Maps in maps.
#[derive(Serialize, JsonSchema)]
struct Inner<'d> {
    /// Go's name of the type.
    map_type: &'d str,
    /// What was recorded of them; null where none of them grew.
    #[serde(flatten)]
    level: Level<'d>,
    /// How many more there can be, which never grew.
    unseen_maps: Range<u64>,
    /// Entries that each of those holds at most: 8, or what their hints have room for; null when hints were not met.
    unseen_entries_at_most: Option<u64>,
}

impl<'d> Inner<'d> {
    fn of(inner: &'d rewrites::Inner, unseen: Option<&rewrites::Unseen>) -> Self {
        Self {
            map_type: &inner.map_type,
            level: Level {
                recorded: inner.growth.as_ref().map(Growth::from),
                ..Level::of(inner.frame.as_ref(), inner.sizes.as_ref(), inner.hints.as_ref())
            },
            unseen_maps: inner.unseen.into(),
            unseen_entries_at_most: unseen.map(|of| of.room),
        }
    }
}

/// What was recorded of maps.
#[derive(Serialize, JsonSchema)]
struct Level<'d> {
    /// Function of the line at which they grow; null where none grew.
    function: Option<&'d str>,
    /// File of the line; null where none grew.
    file: Option<&'d str>,
    /// The line; null where none grew.
    line: Option<u32>,
    /// Their growths; null where none grew.
    recorded: Option<Growth>,
    /// Maps by size; null when it is not known.
    sizes: Option<Vec<Class>>,
    /// Maps beyond these, which are in no forecast; null when there are none, or sizes are not known.
    larger: Option<Larger>,
    /// Mean of the size hints recorded for such maps; null without any. Entries.
    mean_hint: Option<f64>,
}

impl<'d> Level<'d> {
    /// Of maps whose growths are not known.
    fn of(
        frame: Option<&'d evidence::Frame>,
        sizes: Option<&FinalSizes>,
        hints: Option<&HintedMakes>,
    ) -> Self {
        Self {
            function: frame.map(|frame| &*frame.function),
            file: frame.map(|frame| &*frame.file),
            line: frame.map(|frame| frame.line),
            recorded: None,
            sizes: sizes.map(|sizes| super::each(sizes.classes())),
            larger: sizes.and_then(FinalSizes::larger).map(Larger::from),
            mean_hint: hints.map(HintedMakes::mean),
        }
    }
}

/// Growths of a map type at a line.
#[derive(Serialize, JsonSchema)]
struct Growth {
    /// Sums.
    #[serde(flatten)]
    total: super::growth::Sums,
    /// Of the number of growths; null when each was counted or the recording does not say.
    grows_range: Option<Bounds>,
    /// How the sums were obtained; see docs/recording.md.
    precision: Key<Precision>,
}

impl From<&TypeGrowth> for Growth {
    fn from(growth: &TypeGrowth) -> Self {
        Self {
            total: growth.total.into(),
            grows_range: growth.grows_range.map(Bounds::from),
            precision: Key(growth.precision),
        }
    }
}

/// What one way to hold the maps costs while they are built, and afterwards. There is no expectation: which sizes between
/// are frequent was not measured.
#[derive(Serialize, JsonSchema)]
struct Costs {
    /// The way.
    name: Key<Rewrite>,
    /// Growths.
    grows: Range<i64>,
    /// Entries in a table when its growth begins.
    begun_entries: Range<i64>,
    /// Entries moved by growths.
    moved_entries: Range<i64>,
    /// Objects allocated.
    allocations: Range<i64>,
    /// Allocated. Bytes.
    allocated_bytes: Range<i64>,
    /// Objects held: each collection marks every one.
    held_objects: Range<i64>,
    /// Of held objects with pointers, which each collection reads through. Bytes.
    pointer_bytes: Range<i64>,
}

impl From<&(Rewrite, rewrites::Costs)> for Costs {
    fn from((name, costs): &(Rewrite, rewrites::Costs)) -> Self {
        Self {
            name: Key(*name),
            grows: costs.grows.into(),
            begun_entries: costs.begun_entries.into(),
            moved_entries: costs.moved_entries.into(),
            allocations: costs.allocations.into(),
            allocated_bytes: costs.allocated_bytes.into(),
            held_objects: costs.held_objects.into(),
            pointer_bytes: costs.pointer_bytes.into(),
        }
    }
}
