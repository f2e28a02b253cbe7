//! What recordings counted: growths, and the sizes of maps that follow from them.

use evidence::sizes::{self, FinalSizes};
use evidence::{GrowStep, Precision, ProcessGrowth};
use gomap::GrowKind;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Bounds, Key, Range};

/// Growths of the whole process.
#[derive(Serialize, JsonSchema)]
pub(super) struct Growth {
    /// Indices into `sources`.
    sources: Vec<u32>,
    /// Sums over the process.
    total: Sums,
    /// How the sums were obtained; see docs/recording.md.
    precision: Key<Precision>,
    /// Of the number of growths; null when each was counted or the recording does not say.
    grows_range: Option<Bounds>,
    /// CPU time of the program in which nothing was counted. Nanoseconds.
    uncounted_ns: u64,
    /// How long was recorded. Nanoseconds.
    duration_ns: u64,
    /// Growths missing from the counts.
    lost: u64,
    /// CPU time that recording took; null where the recording does not say. Fraction of the program's.
    overhead: Option<f64>,
    /// Garbage collections; null where the recording does not say.
    gc_cycles: Option<u64>,
    /// Mark assists; null where the recording does not say.
    gc_assists: Option<u64>,
}

impl From<&ProcessGrowth> for Growth {
    fn from(growth: &ProcessGrowth) -> Self {
        Self {
            sources: super::ids(growth.sources.iter()),
            total: growth.total.into(),
            precision: Key(growth.precision),
            grows_range: growth.grows_range.map(Bounds::from),
            uncounted_ns: growth.uncounted_ns,
            duration_ns: growth.duration_ns,
            lost: growth.lost,
            overhead: growth.overhead,
            gc_cycles: growth.gc_cycles,
            gc_assists: growth.gc_assists,
        }
    }
}

/// Sums over growths.
#[derive(Serialize, JsonSchema)]
pub(super) struct Sums {
    /// Number of growths.
    grows: u64,
    /// Entries moved by them.
    moved_entries: u64,
    /// Keys and elements moved by them. Bytes.
    moved_bytes: u64,
    /// Allocated by them. Bytes.
    grow_bytes: u64,
}

impl From<evidence::Growth> for Sums {
    fn from(sums: evidence::Growth) -> Self {
        let evidence::Growth { grows, moved_entries, moved_bytes, grow_bytes } = sums;
        Self { grows, moved_entries, moved_bytes, grow_bytes }
    }
}

/// Growths at a line.
#[derive(Serialize, JsonSchema)]
pub(super) struct SiteGrowth<'d> {
    /// Sums over all map types.
    total: Sums,
    /// By map type.
    types: Vec<TypeGrowth<'d>>,
}

impl<'d> From<&'d evidence::SiteGrowth> for SiteGrowth<'d> {
    fn from(growth: &'d evidence::SiteGrowth) -> Self {
        Self { total: growth.total.into(), types: super::each(&growth.types) }
    }
}

/// Growths of a map type at a line.
#[derive(Serialize, JsonSchema)]
struct TypeGrowth<'d> {
    /// Go's name of the type.
    map_type: &'d str,
    /// Sums.
    total: Sums,
    /// How the sums were obtained; see docs/recording.md.
    precision: Key<Precision>,
    /// Of the number of growths; null when each was counted or the recording does not say.
    grows_range: Option<Bounds>,
    /// Growths by kind and size.
    steps: Vec<Step>,
    /// How large the maps became; null with `no_sizes_because`.
    final_sizes: Option<Sizes>,
    /// Why sizes are not known; null when they are.
    no_sizes_because: Option<Key<sizes::NoSizes>>,
}

impl<'d> From<&'d evidence::TypeGrowth> for TypeGrowth<'d> {
    fn from(growth: &'d evidence::TypeGrowth) -> Self {
        let sizes = growth.sizes.as_ref();
        Self {
            map_type: &growth.map_type,
            total: growth.total.into(),
            precision: Key(growth.precision),
            grows_range: growth.grows_range.map(Bounds::from),
            steps: super::each(&growth.steps),
            final_sizes: sizes.ok().map(Sizes::from),
            no_sizes_because: sizes.err().copied().map(Key),
        }
    }
}

/// Growths of one kind from one size to another.
#[derive(Serialize, JsonSchema)]
struct Step {
    /// How the map grows.
    kind: Key<GrowKind>,
    /// Slots.
    before: u64,
    /// Slots.
    after: u64,
    /// Of a split: the table is one of 2^depth of its map; null for other kinds, and where the recording does not say.
    local_depth: Option<u8>,
    /// Number of growths.
    grows: u64,
    /// Entries moved by them.
    moved_entries: u64,
}

impl From<&GrowStep> for Step {
    fn from(step: &GrowStep) -> Self {
        Self {
            kind: Key(step.kind),
            before: step.before,
            after: step.after,
            local_depth: step.local_depth,
            grows: step.grows,
            moved_entries: step.moved_entries,
        }
    }
}

/// How large maps became.
#[derive(Serialize, JsonSchema)]
struct Sizes {
    /// Number of maps.
    maps: u64,
    /// Of their number; null when each was counted or the recording does not say.
    maps_range: Option<Bounds>,
    /// Maps by size.
    sizes: Vec<Class>,
    /// Maps beyond these; null when there are none.
    larger: Option<Larger>,
    /// Half of the maps hold no more.
    p50: sizes::Size,
    /// 95 of 100 maps hold no more.
    p95: sizes::Size,
    /// Of keys and elements, (inserted + moved) / inserted; null with `larger`.
    write_amplification: Option<Range<f64>>,
}

impl From<&FinalSizes> for Sizes {
    fn from(sizes: &FinalSizes) -> Self {
        Self {
            maps: sizes.n_maps(),
            maps_range: sizes.range().map(Bounds::from),
            sizes: super::each(sizes.classes()),
            larger: sizes.larger().map(Larger::from),
            p50: sizes.quantile(0.5),
            p95: sizes.quantile(0.95),
            write_amplification: sizes.write_amplification().map(Range::from),
        }
    }
}

/// A class of sizes.
#[derive(Serialize, JsonSchema)]
pub(super) struct Class {
    /// Number of maps.
    maps: u64,
    /// Of their number; null when each was counted or the recording does not say.
    maps_range: Option<Bounds>,
    /// Of each map.
    entries: Range<u64>,
}

impl From<&sizes::Class> for Class {
    fn from(class: &sizes::Class) -> Self {
        Self {
            maps: class.maps,
            maps_range: class.range.map(Bounds::from),
            entries: class.size.into(),
        }
    }
}

/// Maps that became larger than all classes; how large is not known.
#[derive(Serialize, JsonSchema)]
pub(super) struct Larger {
    /// Number of maps, estimated.
    maps: u64,
    /// Entries of each.
    at_least: u64,
}

impl From<sizes::Larger> for Larger {
    fn from(sizes::Larger { at_least, maps }: sizes::Larger) -> Self {
        Self { maps, at_least }
    }
}
