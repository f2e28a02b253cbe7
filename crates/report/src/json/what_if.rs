//! `mapscope whatif --map --json`.

use std::io::{self, Write};

use gomap::{Forecast, GrowKind, Rewrite};
use schemars::JsonSchema;
use serde::Serialize;

use super::key::{By, Key};

const SCHEMA: &str = "mapscope.whatif/1";

/// Writes the forecasts as JSON; documented in docs/json.md.
///
/// # Errors
/// When `out` fails.
pub fn render_what_if_json(out: &mut dyn Write, report: &crate::WhatIf) -> io::Result<()> {
    super::write(out, &WhatIf::from(report))
}

/// What other ways to hold the same entries would cost.
#[derive(Serialize, JsonSchema)]
pub(super) struct WhatIf<'d> {
    /// Name and version of this shape.
    #[schemars(extend("const" = SCHEMA))]
    schema: &'static str,
    /// The map type as given.
    map: &'d str,
    /// Release of Go.
    go_version: String,
    /// Entries of the map.
    outer: u64,
    /// Maps in it; empty where its elements are none.
    inner: Vec<InnerMaps>,
    /// The ways.
    rewrites: Vec<Costs>,
}

impl<'d> From<&'d crate::WhatIf> for WhatIf<'d> {
    fn from(report: &'d crate::WhatIf) -> Self {
        let inner = report.sizes.inner.iter();
        Self {
            schema: SCHEMA,
            map: &report.map,
            go_version: report.version.to_string(),
            outer: report.sizes.outer,
            inner: inner.map(|of| InnerMaps { entries: of.entries, maps: of.maps }).collect(),
            rewrites: super::each(&report.rewrites),
        }
    }
}

/// Maps of one size in the map.
#[derive(Serialize, JsonSchema)]
struct InnerMaps {
    /// Of each.
    entries: u64,
    /// Number.
    maps: u64,
}

/// What one way to hold the entries costs while they are inserted, and afterwards.
#[derive(Serialize, JsonSchema)]
struct Costs {
    /// The way.
    name: Key<Rewrite>,
    /// Entries inserted.
    inserted_entries: u64,
    /// Keys and elements of these. Bytes.
    inserted_bytes: u64,
    /// Keys and elements of all levels at the end. Bytes.
    live_bytes: u64,
    /// Growths by kind.
    grows: By<GrowKind, Estimate>,
    /// Entries moved by growths.
    moved_entries: Estimate,
    /// Entries in a table when its growth begins, as a recording counts them: more than `moved_entries` where a classic
    /// map still moves them.
    begun_entries: Estimate,
    /// Keys and elements moved by growths. Bytes.
    moved_bytes: Estimate,
    /// (inserted + moved) / inserted bytes; null where nothing is inserted.
    write_amplification: Option<Estimate>,
    /// Objects allocated.
    allocations: Estimate,
    /// Allocated. Bytes.
    allocated_bytes: Estimate,
    /// Held at the end. Bytes.
    held_bytes: Estimate,
    /// Objects held at the end: each collection marks every one.
    held_objects: Estimate,
    /// Of held objects with pointers, which each collection reads through. Bytes.
    pointer_bytes: Estimate,
    /// Bytes held / bytes of keys and elements; null where there are none.
    space_amplification: Option<Estimate>,
}

impl From<&(Rewrite, Forecast)> for Costs {
    fn from((name, forecast): &(Rewrite, Forecast)) -> Self {
        Self {
            name: Key(*name),
            inserted_entries: forecast.inserted,
            inserted_bytes: forecast.inserted_bytes,
            live_bytes: forecast.live_bytes,
            grows: GrowKind::ALL.into_iter().map(|of| (of, forecast.grows[of].into())).collect(),
            moved_entries: forecast.moved.into(),
            begun_entries: forecast.begun.into(),
            moved_bytes: forecast.moved_bytes.into(),
            write_amplification: forecast.write_amplification().map(Estimate::from),
            allocations: forecast.allocations.into(),
            allocated_bytes: forecast.allocated_bytes.into(),
            held_bytes: forecast.retained_bytes.into(),
            held_objects: forecast.retained_objects.into(),
            pointer_bytes: forecast.pointer_bytes.into(),
            space_amplification: forecast.space_amplification().map(Estimate::from),
        }
    }
}

/// A number that hashing changes: 99 of 100 runs are in the range, which has no width where it does not.
#[derive(Serialize, JsonSchema)]
struct Estimate {
    /// Lower end, itself possible.
    low: f64,
    /// Mean over many runs.
    expected: f64,
    /// Upper end, itself possible.
    high: f64,
}

impl From<gomap::Estimate> for Estimate {
    fn from(gomap::Estimate { low, expected, high }: gomap::Estimate) -> Self {
        Self { low, expected, high }
    }
}
