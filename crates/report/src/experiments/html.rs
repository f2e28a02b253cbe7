//! The lab's results as one page that needs nothing else: no network, no script.

use std::fmt::Write as _;
use std::io::{self, Write};

use lab::{Checked, ExperimentResult, GoResult, Outcome, Results, Spread, Verdict};

use super::{
    Table, measured, needs_correction, notes, outcome, setting, tables, threshold, with_unit,
};
use crate::html::{escape, fill};
use crate::numbers::NOT_MEASURED;
use crate::words::Word;

const TEMPLATE: &str = include_str!("experiments.html");

/// Beyond this ratio of the largest to the smallest figure a chart's axis is logarithmic.
const WIDE: f64 = 60.0;

/// Writes the page.
///
/// # Errors
/// When `out` fails.
pub fn render_lab_html(out: &mut dyn Write, results: &Results) -> io::Result<()> {
    let versions = &results.versions;
    let articles = results.experiments.iter().map(|result| experiment(result, versions));
    let parts = [
        ("setting", escape(&setting(results))),
        ("verdicts", verdicts(results)),
        ("experiments", articles.collect()),
    ];
    fill(out, TEMPLATE, &parts)
}

fn verdicts(results: &Results) -> String {
    let heads: String =
        results.versions.iter().map(|version| format!("<th>{}</th>", escape(version))).collect();
    let mut out = format!("<thead><tr><th>claim about</th>{heads}</tr></thead><tbody>");
    for result in &results.experiments {
        let name = result.experiment.name;
        let cells: String = result
            .by_go
            .iter()
            .map(|of| format!("<td>{}</td>", pill(of.judgement.verdict)))
            .collect();
        let _ = write!(out, "<tr><td><a href=\"#{name}\">{name}</a></td>{cells}</tr>");
    }
    out + "</tbody>"
}

fn pill(of: Verdict) -> String {
    format!("<em class={}>{}</em>", class(of), of.word())
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::HoldsInPart => "part",
        Verdict::DoesNotHold => "not",
        Verdict::NotMeasurable => "unknown",
    }
}

fn experiment(result: &ExperimentResult, versions: &[String]) -> String {
    let experiment = result.experiment;
    let name = experiment.name;
    let mut out = format!("<article id=\"{name}\"><h2>{name}</h2><dl>");
    let mut row = |label: &str, text: &str| {
        let _ = write!(out, "<dt>{label}</dt><dd>{}</dd>", escape(text));
    };
    row("claim", experiment.claim);
    row("tested", experiment.method);
    notes(result).iter().for_each(|note| row("note", note));
    if needs_correction(result) {
        row("instead", experiment.instead);
    }
    out += "</dl>";
    for (version, of) in versions.iter().zip(&result.by_go) {
        out += &judgement(version, of);
    }
    tables(result).iter().for_each(|table| out += &chart(table, versions));
    out + "</article>"
}

fn judgement(version: &str, of: &GoResult) -> String {
    let mut out = format!("<h3>{} {}</h3>", escape(version), pill(of.judgement.verdict));
    if let Some(failure) = &of.failure {
        let _ = write!(out, "<p class=failure>{}</p>", escape(failure));
    }
    out += "<ul class=checks>";
    let missed = of.judgement.required.iter().filter(|checked| checked.outcome != Outcome::Met);
    missed.for_each(|checked| out += &check("needs: ", checked));
    of.judgement.predicted.iter().for_each(|checked| out += &check("", checked));
    out + "</ul>"
}

fn check(need: &str, checked: &Checked) -> String {
    let mark = match checked.outcome {
        Outcome::Met => "✓",
        Outcome::NotMet => "✗",
        Outcome::Unsettled | Outcome::NotMeasured => "?",
    };
    format!(
        "<li><b title=\"{}\">{mark}</b><span>{need}{}<small>{}; asked: {}</small></span></li>",
        outcome(checked.outcome),
        escape(checked.check.says),
        escape(&measured(checked)),
        escape(&threshold(&checked.check)),
    )
}

/// A row per benchmark, in it a line per Go: a dot at the median, and a bar from the least to the greatest run.
fn chart(table: &Table, versions: &[String]) -> String {
    let axis = Axis::of(table);
    let kind = if axis.log_low.is_some() { ", logarithmic" } else { "" };
    let mut out = format!(
        "<figure><figcaption>{} <small>{}{kind}</small></figcaption>",
        escape(table.title),
        escape(table.unit)
    );
    for (name, spreads) in &table.rows {
        let _ = write!(out, "<div class=case>{}</div>", escape(name));
        for (idx, (version, spread)) in versions.iter().zip(spreads).enumerate() {
            let text =
                spread.map_or(NOT_MEASURED.to_owned(), |spread| with_unit(spread, table.unit));
            let marks = spread.map_or(String::new(), |spread| axis.marks(spread));
            let _ = write!(
                out,
                "<div class=\"line v{}\"><span>{}</span><i>{marks}</i><span>{}</span></div>",
                idx % 4,
                escape(version),
                escape(&text)
            );
        }
    }
    out + "</figure>"
}

/// Where values lie on a chart.
struct Axis {
    /// Logarithm of the least value, where the axis is logarithmic.
    log_low: Option<f64>,
    high: f64,
}

impl Axis {
    fn of(table: &Table) -> Self {
        let spreads = || table.rows.iter().flat_map(|(_, spreads)| spreads).flatten();
        let high = spreads().map(|spread| spread.high).fold(0.0, f64::max);
        let low = spreads().map(|spread| spread.low).fold(f64::INFINITY, f64::min);
        let is_wide = low > 0.0 && high / low > WIDE;
        Self { log_low: is_wide.then(|| low.ln()), high }
    }

    /// Units: percent of the width.
    fn at(&self, value: f64) -> f64 {
        let part = match self.log_low {
            Some(low) => (value.ln() - low) / (self.high.ln() - low),
            None => value / self.high,
        };
        if part.is_finite() { part.clamp(0.0, 1.0) * 100.0 } else { 0.0 }
    }

    fn marks(&self, spread: Spread) -> String {
        let [low, median, high] =
            [spread.low, spread.median, spread.high].map(|value| self.at(value));
        format!(
            "<s style=\"left:{low:.2}%;width:{:.2}%\"></s><u style=\"left:{median:.2}%\"></u>",
            high - low
        )
    }
}
