//! A comparison as JSON.

use std::io::{self, Write};

use diagnosis::compare::{Comparison, FunctionRows, Metric, Per, Place, Row, Side};
use gobench::stats::{Change, Outcome, Summary};
use serde_json::{Map, Value, json};

/// Writes the comparison as JSON; documented in docs/json.md.
///
/// # Errors
/// When `out` fails.
pub fn render_compare_json(out: &mut dyn Write, comparison: &Comparison) -> io::Result<()> {
    let [before, after] = &comparison.sides;
    let value = json!({
        "schema": "mapscope.compare/1",
        "per": per(comparison.per),
        "before": side(before),
        "after": side(after),
        "notices": comparison.notices,
        "process": rows(&comparison.process),
        "functions": comparison.functions.iter().map(function).collect::<Vec<_>>(),
    });
    serde_json::to_writer_pretty(&mut *out, &value)?;
    writeln!(out)
}

fn per(per: Per) -> Value {
    match per {
        Per::Second => json!({ "unit": "second" }),
        Per::Run => json!({ "unit": "run" }),
        Per::Operation { before, after } => {
            json!({ "unit": "operation", "before": before, "after": after })
        }
    }
}

fn side(side: &Side) -> Value {
    json!({
        "program": side.program,
        "go_versions": side.go_versions,
        "build_ids": side.build_ids,
        "inputs": side.inputs,
    })
}

fn function(function: &FunctionRows) -> Value {
    let [before, after] = &function.places;
    json!({
        "function": function.function,
        "before": place(before),
        "after": place(after),
        "rows": rows(&function.rows),
    })
}

/// `null` where the function uses no maps.
fn place(place: &Place) -> Value {
    if place.lines.is_empty() {
        return Value::Null;
    }
    json!({ "file": place.file, "lines": place.lines, "map_types": place.map_types })
}

fn rows(rows: &[Row]) -> Value {
    let row = |row: &Row| {
        let mut value = change(&row.change);
        value["before"]["runs"] = json!(row.before);
        value["after"]["runs"] = json!(row.after);
        (key(row.metric).to_owned(), value)
    };
    rows.iter().map(row).collect::<Map<String, Value>>().into()
}

pub(super) fn change(change: &Change) -> Value {
    let outcome = match change.outcome {
        Outcome::Differs => "differs",
        Outcome::MayBeChance => "may_be_chance",
        Outcome::TooFewRuns => "too_few_runs",
    };
    json!({
        "before": summary(&change.before),
        "after": summary(&change.after),
        "relative": change.relative(),
        "p": change.p,
        "outcome": outcome,
    })
}

fn summary(summary: &Summary) -> Value {
    let interval = summary.interval.map(|(low, high)| json!({ "low": low, "high": high }));
    json!({ "n": summary.n, "median": summary.median, "interval": interval })
}

fn key(metric: Metric) -> &'static str {
    match metric {
        Metric::Cpu => "cpu_ns",
        Metric::MapCpu => "map_cpu_ns",
        Metric::GrowthCpu => "growth_cpu_ns",
        Metric::GcCpu => "gc_cpu_ns",
        Metric::Grows => "grows",
        Metric::MovedEntries => "moved_entries",
        Metric::MovedBytes => "moved_bytes",
        Metric::GrowBytes => "grow_bytes",
        Metric::AllocBytes => "alloc_bytes",
    }
}
