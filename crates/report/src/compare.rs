//! `mapscope compare`: runs before and after a change, side by side.

mod benchmarks;

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use diagnosis::compare::{Comparison, FunctionRows, Metric, Per, Place, Row, Side};
use evidence::words::{base_name, plural};
use gobench::Better;
use gobench::stats::{Change, Outcome, Summary};

use crate::numbers::{figure, fine_bytes, fine_duration};
use crate::short_words::ShortWords;
use crate::words;

pub use benchmarks::{BenchmarkComparison, render_benchmarks, write_as_benchmarks};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const TITLE: Style = AnsiColor::Cyan.on_default().bold();
const NOTICE: Style = AnsiColor::Red.on_default();
const WORSE: Style = AnsiColor::Red.on_default().bold();
const FINE: Style = AnsiColor::Green.on_default().bold();

/// Runs per side from which on medians have an interval, and chance can be told from change.
const ENOUGH_RUNS: usize = 6;

/// Writes the comparison for a terminal; at most `top` functions.
///
/// # Errors
/// When `out` fails.
pub fn render_compare(out: &mut dyn Write, comparison: &Comparison, top: usize) -> io::Result<()> {
    let out = &mut ShortWords::new(out);
    for (side, name) in comparison.sides.iter().zip(["before", "after"]) {
        side_line(out, side, name)?;
    }
    for notice in &comparison.notices {
        writeln!(out, "{NOTICE}note{NOTICE:#}    {}", words::notice(notice))?;
    }
    writeln!(out)?;
    table_head(out, &format!("process, {}", per_words(comparison.per)))?;
    rows(out, &comparison.process)?;
    for function in comparison.functions.iter().take(top) {
        writeln!(out, "\n{}", function_title(function))?;
        rows(out, &function.rows)?;
    }
    let hidden = comparison.functions.len().saturating_sub(top);
    if hidden > 0 {
        let functions = plural(hidden as u64, "function");
        writeln!(out, "\n{DIM}and {hidden} more {functions}; --top shows more{DIM:#}")?;
    }
    let all = comparison.functions.iter().flat_map(|function| &function.rows);
    notes(out, comparison.process.iter().chain(all).map(|row| &row.change))?;
    out.flush()
}

/// "worse: main.build: growths +12.5 %", a line for what got worse than allowed.
///
/// # Errors
/// When `out` fails.
pub fn render_worse(out: &mut dyn Write, function: Option<&str>, row: &Row) -> io::Result<()> {
    let (of, what) = (function.unwrap_or("process"), metric_name(row.metric));
    writeln!(out, "mapscope: worse: {of}: {what} {}", change_text(&row.change))
}

fn side_line(out: &mut dyn Write, side: &Side, name: &str) -> io::Result<()> {
    let program = side.program.as_deref().unwrap_or("program of unknown name");
    let versions = if side.go_versions.is_empty() {
        "Go version unknown".to_owned()
    } else {
        side.go_versions.join(", ")
    };
    let n = side.inputs.len();
    let inputs = match &*side.inputs {
        [] => String::new(),
        [only] => format!("1 run: {only}"),
        [first, .., last] => format!("{n} runs: {first} to {last}"),
    };
    writeln!(out, "{DIM}{name:<7}{DIM:#} {BOLD}{program}{BOLD:#}  {versions}  {inputs}")
}

fn per_words(per: Per) -> &'static str {
    match per {
        Per::Second => "per second",
        Per::Run => "per run",
        Per::Operation { .. } => "per operation",
    }
}

const LABEL: usize = 34;
const VALUE: usize = 22;

fn table_head(out: &mut dyn Write, title: &str) -> io::Result<()> {
    writeln!(
        out,
        "{TITLE}{title:<LABEL$}{TITLE:#}{:>VALUE$}{:>VALUE$}{:>12}",
        "before", "after", "change"
    )
}

fn rows(out: &mut dyn Write, rows: &[Row]) -> io::Result<()> {
    for row in rows {
        let value = |value: f64| metric_value(row.metric, value);
        change_line(out, metric_name(row.metric), &row.change, Better::Lower, value)?;
    }
    Ok(())
}

fn change_line(
    out: &mut dyn Write,
    label: &str,
    change: &Change,
    better: Better,
    value: impl Fn(f64) -> String,
) -> io::Result<()> {
    let cell = |summary: &Summary| format!("{}{}", value(summary.median), half_width(summary));
    let (before, after) = (cell(&change.before), cell(&change.after));
    let indented = format!("  {label}");
    write!(out, "{indented:<LABEL$}{before:>VALUE$}{after:>VALUE$}")?;
    let text = change_text(change);
    match change.outcome {
        Outcome::Differs if change.is_worse(better) => write!(out, "{WORSE}{text:>12}{WORSE:#}")?,
        Outcome::Differs => write!(out, "{FINE}{text:>12}{FINE:#}")?,
        _ => write!(out, "{DIM}{text:>12}{DIM:#}")?,
    }
    let (n, m) = (change.before.n, change.after.n);
    let p = if change.p < 0.001 { "p<0.001".to_owned() } else { format!("p={:.3}", change.p) };
    writeln!(out, "  {DIM}{p} n={n}+{m}{DIM:#}")
}

/// " ± 3 %": the wider side of the median's interval.
fn half_width(summary: &Summary) -> String {
    let Some((low, high)) = summary.interval else { return " ±  ∞".to_owned() };
    let reach = (high - summary.median).max(summary.median - low);
    if summary.median == 0.0 {
        return String::new();
    }
    format!(" ± {:.0} %", reach / summary.median.abs() * 100.0)
}

fn change_text(change: &Change) -> String {
    let size = match change.relative() {
        Some(relative) => format!("{relative:+.1}", relative = relative * 100.0) + " %",
        None if change.after.median == 0.0 => "0".to_owned(),
        None => "new".to_owned(),
    };
    match change.outcome {
        Outcome::Differs => size,
        Outcome::MayBeChance => "~".to_owned(),
        Outcome::TooFewRuns => format!("({size})"),
    }
}

fn metric_name(metric: Metric) -> &'static str {
    match metric {
        Metric::Cpu => "CPU",
        Metric::MapCpu => "CPU in maps",
        Metric::GrowthCpu => "CPU of growth",
        Metric::GcCpu => "CPU of GC",
        Metric::Grows => "growths",
        Metric::MovedEntries => "entries moved",
        Metric::MovedBytes => "bytes moved",
        Metric::GrowBytes => "allocated by growths",
        Metric::AllocBytes => "allocated",
    }
}

fn metric_value(metric: Metric, value: f64) -> String {
    match metric {
        Metric::Cpu | Metric::MapCpu | Metric::GrowthCpu | Metric::GcCpu => fine_duration(value),
        Metric::Grows | Metric::MovedEntries => figure(value),
        Metric::MovedBytes | Metric::GrowBytes | Metric::AllocBytes => fine_bytes(value),
    }
}

fn function_title(function: &FunctionRows) -> String {
    let [before, after] = &function.places;
    let place = if is_part(&after.lines, &before.lines) {
        lines(before)
    } else if is_part(&before.lines, &after.lines) {
        lines(after)
    } else {
        format!("{}, now {}", lines(before), lines(after))
    };
    let gone = match (before.lines.is_empty(), after.lines.is_empty()) {
        (false, true) => "  no maps after",
        (true, false) => "  no maps before",
        _ => "",
    };
    format!(
        "{BOLD}{}{BOLD:#}  {place}{gone}{}",
        function.function,
        match types(before, after) {
            types if types.is_empty() => types,
            types => format!("  {DIM}{types}{DIM:#}"),
        }
    )
}

fn lines(place: &Place) -> String {
    let file = base_name(&place.file);
    let lines: Vec<String> = place.lines.iter().map(u32::to_string).collect();
    format!("{file}:{}", lines.join(","))
}

fn types(before: &Place, after: &Place) -> String {
    let (before, after) = (&before.map_types, &after.map_types);
    if is_part(after, before) {
        before.join(", ")
    } else if is_part(before, after) {
        after.join(", ")
    } else {
        format!("{}, now {}", before.join(", "), after.join(", "))
    }
}

/// Whether all of `some` are in `all`: what no sample hit this time has not moved.
fn is_part<T: PartialEq>(some: &[T], all: &[T]) -> bool {
    some.iter().all(|item| all.contains(item))
}

/// What the marks in the table mean, as far as they stand there.
fn notes<'c>(out: &mut dyn Write, changes: impl Iterator<Item = &'c Change>) -> io::Result<()> {
    let (mut chance, mut few_runs, mut no_interval) = (false, false, false);
    for change in changes {
        chance |= change.outcome == Outcome::MayBeChance;
        few_runs |= change.outcome == Outcome::TooFewRuns;
        no_interval |= change.before.interval.is_none() || change.after.interval.is_none();
    }
    let mut note = |text: &str| writeln!(out, "{DIM}{text}{DIM:#}");
    note("\nMedians of runs; ± reaches to the farther end of the 95 % interval of the median.")?;
    if chance {
        note("~      the difference may be chance (Mann-Whitney U test)")?;
    }
    if few_runs {
        note(
            "(x %)  with fewer than 4 runs on a side, nothing can be said: any difference may be chance",
        )?;
    }
    if no_interval {
        note(&format!(
            "± ∞    fewer than {ENOUGH_RUNS} runs: give {ENOUGH_RUNS} or more on each side"
        ))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_stand_apart_from_lines() {
        let place = |map_types: &[&str]| Place {
            file: "/src/main.go".into(),
            lines: vec![37, 40],
            map_types: map_types.iter().map(|&name| name.to_owned()).collect(),
        };
        let title = |map_types: &[&str]| {
            let places = [place(map_types), place(map_types)];
            let rows = Vec::new();
            function_title(&FunctionRows { function: "main.fill".to_owned(), places, rows })
        };
        let plain = |text: String| anstream::adapter::strip_str(&text).to_string();
        assert_eq!(plain(title(&["map[string]int"])), "main.fill  main.go:37,40  map[string]int");
        assert_eq!(plain(title(&[])), "main.fill  main.go:37,40");
    }
}
