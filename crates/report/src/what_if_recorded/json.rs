//! `mapscope whatif RECORDING --json`; documented in docs/json.md.

use std::io::{self, Write};

use diagnosis::finding::Span;
use diagnosis::rewrites::{Costs, Inner, NoForecast, NotFlattened, RecordedMaps};
use evidence::sizes::FinalSizes;
use evidence::{Frame, HintedMakes, TypeGrowth};
use gomap::Rewrite;
use serde_json::{Value, json};

use super::RecordedWhatIf;
use crate::growth::{bounds_json, class_json, larger_json, no_sizes_key, precision_key};
use crate::what_if::key;
use crate::words::{map_impl, source_kind};

/// Writes the forecasts as JSON; documented in docs/json.md.
///
/// # Errors
/// When `out` fails.
pub fn render_recorded_json(out: &mut dyn Write, report: &RecordedWhatIf<'_>) -> io::Result<()> {
    let evidence = report.evidence;
    let program = &evidence.program;
    let sources = evidence.sources.iter().map(|source| {
        json!({ "name": source.name, "kind": source_kind(source.kind), "summary": source.summary })
    });
    let growth = evidence.growth.as_ref();
    let value = json!({
        "schema": "mapscope.whatif_recorded/1",
        "program": program.name,
        "go_version": program.go_version.map(|(version, _)| version.to_string()),
        "map_impl": program.map_impl.map(|(of, _)| map_impl(of)),
        "sources": sources.collect::<Vec<_>>(),
        "notices": evidence.notices.iter().map(|notice| &notice.text).collect::<Vec<_>>(),
        "precision": growth.map(|growth| precision_key(growth.precision)),
        "grows_range": bounds_json(growth.and_then(|growth| growth.grows_range)),
        "uncounted_ns": growth.map(|growth| growth.uncounted_ns),
        "lost": growth.map(|growth| growth.lost),
        "maps": report.maps.iter().map(maps).collect::<Vec<_>>(),
        "left_out": report.n_more,
    });
    serde_json::to_writer_pretty(&mut *out, &value)?;
    writeln!(out)
}

fn maps(of: &RecordedMaps) -> Value {
    let sizes = of.growth.sizes.as_ref();
    let recorded = recorded(&of.growth);
    let mut value = level(Some(&of.frame), recorded, sizes.ok(), of.hints.as_ref());
    value["no_sizes_because"] = sizes.err().map(|of| no_sizes_key(*of)).into();
    value["map_type"] = of.growth.map_type.as_str().into();
    value["inner"] = of.inner.as_ref().map_or(Value::Null, |of| inner(of));
    let flat = match &of.inner {
        Ok(inner) => inner.flat.as_ref().err(),
        Err(reason) => Some(reason),
    };
    value["not_flattened_because"] = flat.map(|reason| not_flattened(*reason)).into();
    value["rewrites"] = match &of.rewrites {
        Ok(rewrites) => rewrites.iter().map(rewrite).collect(),
        Err(_) => Value::Null,
    };
    value["no_forecast_because"] = of.rewrites.as_ref().err().map(|of| no_forecast(*of)).into();
    value
}

fn inner(of: &Inner) -> Value {
    let recorded = of.growth.as_ref().map_or(Value::Null, recorded);
    let mut value = level(of.frame.as_ref(), recorded, of.sizes.as_ref(), of.hints.as_ref());
    value["map_type"] = of.map_type.as_str().into();
    value["unseen_maps"] = json!({ "low": of.unseen.at_least, "high": of.unseen.room });
    value
}

fn recorded(growth: &TypeGrowth) -> Value {
    json!({
        "grows": growth.total.grows,
        "grows_range": bounds_json(growth.grows_range),
        "moved_entries": growth.total.moved_entries,
        "moved_bytes": growth.total.moved_bytes,
        "grow_bytes": growth.total.grow_bytes,
        "precision": precision_key(growth.precision),
    })
}

fn level(
    frame: Option<&Frame>,
    recorded: Value,
    sizes: Option<&FinalSizes>,
    hints: Option<&HintedMakes>,
) -> Value {
    json!({
        "function": frame.map(|frame| &frame.function),
        "file": frame.map(|frame| &frame.file),
        "line": frame.map(|frame| frame.line),
        "recorded": recorded,
        "sizes": sizes.map(|sizes| sizes.classes().iter().map(class_json).collect::<Vec<_>>()),
        "larger": sizes.map(larger_json),
        "mean_hint": hints.map(HintedMakes::mean),
    })
}

fn rewrite((rewrite, costs): &(Rewrite, Costs)) -> Value {
    let span = |of: Span| json!({ "low": of.low, "high": of.high });
    json!({
        "name": key(*rewrite),
        "grows": span(costs.grows),
        "begun_entries": span(costs.begun_entries),
        "moved_entries": span(costs.moved_entries),
        "allocations": span(costs.allocations),
        "allocated_bytes": span(costs.allocated_bytes),
        "held_objects": span(costs.held_objects),
        "pointer_bytes": span(costs.pointer_bytes),
    })
}

fn not_flattened(reason: NotFlattened) -> &'static str {
    match reason {
        NotFlattened::NoMaps => "no_maps",
        NotFlattened::OuterUnseen => "outer_unseen",
        NotFlattened::SeveralLines => "several_lines",
        NotFlattened::OtherFunctions => "other_functions",
        NotFlattened::TooMany { .. } => "too_many",
        NotFlattened::UnknownSizes => "unknown_sizes",
        NotFlattened::UnknownType => "unknown_type",
    }
}

fn no_forecast(reason: NoForecast) -> &'static str {
    match reason {
        NoForecast::NoSizes(_) => "no_sizes",
        NoForecast::UnknownType => "unknown_type",
        NoForecast::UnknownVersion => "unknown_version",
    }
}
