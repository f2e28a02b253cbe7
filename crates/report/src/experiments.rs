//! Results of `mapscope lab`: what its outputs have in common, words and figures.

mod html;
mod markdown;
mod text;

pub use html::render_lab_html;
pub use markdown::render_lab_markdown;
pub use text::{render_lab, render_lab_list};

use lab::{
    Bound, Check, Checked, ExperimentResult, GoResult, Machine, Outcome, Quantity, Results, Scale,
    Shown, Spread, Verdict,
};

use crate::numbers::{NOT_MEASURED, count, figure};

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Met => "yes",
        Outcome::NotMet => "no",
        Outcome::Unsettled => "unsettled",
        Outcome::NotMeasured => NOT_MEASURED,
    }
}

fn scale(scale: Scale) -> &'static str {
    match scale {
        Scale::Full => "full size",
        Scale::Quick => "quick",
    }
}

/// What a unit of the Go program is called behind a number.
fn unit(unit: &str) -> &str {
    match unit {
        "cpu-ns/op" | "p90-cpu-ns/op" => "ns",
        "B/op" | "held-B/entry" => "B",
        "allocs/op" => "allocations",
        "stopped-us/cycle" | "stopped-us/100k" | "cpu-us/cycle" => "µs",
        "D1-misses/op" => "misses",
        "Mops/s" => "M/s",
        "cycles/GiB" => "collections",
        unit if unit.ends_with("-pct") => "%",
        unit => unit,
    }
}

/// "times", or the unit of the figures that are compared.
fn unit_of(check: &Check) -> &'static str {
    match check.quantity {
        Quantity::Ratio(..) => "times",
        Quantity::Value(of) | Quantity::Difference(of, _) => unit(of.unit),
    }
}

/// "at least 3 times".
fn threshold(check: &Check) -> String {
    let (side, at) = match check.bound {
        Bound::AtLeast(at) => ("at least", at),
        Bound::AtMost(at) => ("at most", at),
    };
    format!("{side} {at} {}", unit_of(check))
}

/// "1.31 times (1.25 to 1.36), in 0 of 5 runs".
fn measured(checked: &Checked) -> String {
    checked.spread.map_or_else(
        || NOT_MEASURED.to_owned(),
        |spread| {
            let unit = unit_of(&checked.check);
            let runs = if spread.n == 1 { "run" } else { "runs" };
            format!("{}, met in {} of {} {runs}", with_unit(spread, unit), checked.n_met, spread.n)
        },
    )
}

/// "80.9 ns (70.2 to 90.1)".
fn with_unit(spread: Spread, unit: &str) -> String {
    format!("{} {unit} ({} to {})", figure(spread.median), figure(spread.low), figure(spread.high))
}

/// "5 runs each, full size; 2 CPUs (AMD EPYC)".
fn setting(results: &Results) -> String {
    let Machine { cpu, n_cpus } = &results.machine;
    let cpus = if *n_cpus == 1 { "1 CPU".to_owned() } else { format!("{n_cpus} CPUs") };
    let model = cpu.as_ref().map_or(String::new(), |cpu| format!(" ({cpu})"));
    let runs = match results.n_rounds {
        1 => "1 run".to_owned(),
        n => format!("{} runs", count(n as u64)),
    };
    format!("{runs} of each experiment, {}; {cpus}{model}", scale(results.scale))
}

/// Figures of one unit: a row per benchmark, a column per Go.
struct Table {
    title: &'static str,
    unit: &'static str,
    /// Shape: names with their common beginning cut off; one element per Go.
    rows: Vec<(String, Vec<Option<Spread>>)>,
}

/// The tables of an experiment that have figures.
fn tables(result: &ExperimentResult) -> Vec<Table> {
    let tables = result.experiment.shows.iter().map(|shown| table(shown, &result.by_go));
    tables.filter(|table| !table.rows.is_empty()).collect()
}

fn table(shown: &Shown, by_go: &[GoResult]) -> Table {
    let mut names: Vec<&str> = Vec::new();
    for result in by_go {
        let of_unit = result.figures.iter().filter(|(_, unit, _)| *unit == shown.unit);
        for (name, _, _) in of_unit.filter(|(name, _, _)| name.starts_with(shown.prefix)) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    let spreads =
        |name: &str| by_go.iter().map(|result| result.figures.spread(name, shown.unit)).collect();
    let rows = names.iter().map(|name| (name[shown.prefix.len()..].to_owned(), spreads(name)));
    Table { title: shown.title, unit: unit(shown.unit), rows: rows.collect() }
}

/// Whether something else should be said on any Go.
fn needs_correction(result: &ExperimentResult) -> bool {
    result.by_go.iter().any(|of| of.judgement.verdict != Verdict::Holds)
}

/// What the runs said about how they measured, each once.
fn notes(result: &ExperimentResult) -> Vec<&str> {
    let mut notes: Vec<&str> = Vec::new();
    for note in result.by_go.iter().flat_map(|of| of.figures.notes()) {
        if !notes.contains(&note.as_str()) {
            notes.push(note);
        }
    }
    notes
}
