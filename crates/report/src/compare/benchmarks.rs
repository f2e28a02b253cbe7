//! Results of `go test -bench` beside each other, and figures of profiles in that format.

use std::collections::BTreeMap;
use std::io::{self, Write};

use diagnosis::compare::{Comparison, Metric, Per, Row};
use gobench::{Result, Value};

use super::{DIM, NOTICE, TITLE, change_line, notes, table_head};
use crate::numbers::{figure, fine_bytes, fine_duration};

/// Benchmark results of two sides.
#[derive(Debug, Clone, PartialEq)]
pub struct BenchmarkComparison {
    /// Benchmarks that both sides have, those of one unit together.
    pub rows: Vec<gobench::Row>,
    /// Names of benchmarks that only one side has.
    pub alone: Vec<String>,
    /// Lines that could not be read, as sentences.
    pub notices: Vec<String>,
}

/// Writes the comparison for a terminal, a table for each unit.
///
/// # Errors
/// When `out` fails.
pub fn render_benchmarks(out: &mut dyn Write, comparison: &BenchmarkComparison) -> io::Result<()> {
    for notice in &comparison.notices {
        writeln!(out, "{NOTICE}note{NOTICE:#}  {notice}")?;
    }
    for rows in comparison.rows.chunk_by(|a, b| a.unit == b.unit) {
        table_head(out, &rows[0].unit)?;
        let mut package = None;
        for row in rows {
            if row.package.is_some() && row.package != package {
                writeln!(out, "{DIM}{}{DIM:#}", row.package.as_deref().unwrap_or_default())?;
                package.clone_from(&row.package);
            }
            let value = |value: f64| unit_value(&row.unit, value);
            change_line(out, &row.name, &row.change, row.better, value)?;
        }
        if let Some((before, after)) = gobench::geometric_mean(rows) {
            let [before_text, after_text] =
                [before, after].map(|mean| unit_value(&rows[0].unit, mean));
            let change = format!("{:+.1} %", (after / before - 1.0) * 100.0);
            writeln!(
                out,
                "{TITLE}{:<34}{TITLE:#}{before_text:>22}{after_text:>22}{change:>12}",
                "  geometric mean"
            )?;
        }
        writeln!(out)?;
    }
    if !comparison.alone.is_empty() {
        writeln!(out, "{DIM}on one side only: {}{DIM:#}", comparison.alone.join(", "))?;
    }
    notes(out, comparison.rows.iter().map(|row| &row.change))
}

fn unit_value(unit: &str, value: f64) -> String {
    match unit.split_once('/') {
        Some(("ns", _)) => fine_duration(value),
        Some(("B", _)) => fine_bytes(value),
        _ => figure(value),
    }
}

/// Writes the figures of all runs in the format of Go benchmarks: `benchstat -col side` compares them.
///
/// # Errors
/// When `out` fails.
pub fn write_as_benchmarks(out: &mut dyn Write, comparison: &Comparison) -> io::Result<()> {
    let mut results = Vec::new();
    for (side, values) in [("before", values_before as fn(&Row) -> &[f64]), ("after", values_after)]
    {
        let config = BTreeMap::from([("side".to_owned(), side.to_owned())]);
        let all = [("Process".to_owned(), &comparison.process)];
        let functions = comparison
            .functions
            .iter()
            .map(|function| (benchmark_name(&function.function), &function.rows));
        for (name, rows) in all.into_iter().chain(functions) {
            let n_runs = rows.iter().map(|row| values(row).len()).max().unwrap_or(0);
            for run in 0..n_runs {
                let value = |row: &Row| {
                    let value = values(row).get(run)? * scale(row.metric);
                    Some(Value { value, unit: unit(row.metric, comparison.per) })
                };
                let values = rows.iter().filter_map(value).collect();
                let (config, name) = (config.clone(), name.clone());
                results.push(Result { config, name, iterations: 1, values });
            }
        }
    }
    let mut text = String::new();
    gobench::write(&mut text, &results).map_err(io::Error::other)?;
    out.write_all(text.as_bytes())
}

fn values_before(row: &Row) -> &[f64] {
    &row.before
}

fn values_after(row: &Row) -> &[f64] {
    &row.after
}

/// A name may not hold spaces, nor begin in lower case: `Function/main.build`.
fn benchmark_name(function: &str) -> String {
    format!("Function/{}", function.replace(char::is_whitespace, "_"))
}

/// From the metric's unit to that of the format: benchstat takes `ns` apart from seconds where it is 0.
fn scale(metric: Metric) -> f64 {
    match metric {
        Metric::Cpu | Metric::MapCpu | Metric::GrowthCpu | Metric::GcCpu => 1e-9,
        _ => 1.0,
    }
}

fn unit(metric: Metric, per: Per) -> String {
    let what = match metric {
        Metric::Cpu => "cpu-sec",
        Metric::MapCpu => "map-cpu-sec",
        Metric::GrowthCpu => "growth-cpu-sec",
        Metric::GcCpu => "gc-cpu-sec",
        Metric::Grows => "grows",
        Metric::MovedEntries => "moved-entries",
        Metric::MovedBytes => "moved-B",
        Metric::GrowBytes => "grow-B",
        Metric::AllocBytes => "alloc-B",
    };
    let per = match per {
        Per::Second => "sec",
        Per::Run => "run",
        Per::Operation { .. } => "op",
    };
    format!("{what}/{per}")
}
