//! The lab's results as one page that needs nothing else: no network, no script.

use std::io::{self, Write};

use lab::{Checked, ExperimentResult, GoResult, Outcome, Results, Spread, Verdict};
use maud::{Markup, html};

use super::{
    Table, measured, needs_correction, notes, outcome, setting, tables, threshold, with_unit,
};
use crate::chart::Scale;
use crate::marks;
use crate::numbers::NOT_MEASURED;
use crate::page::Page;
use crate::words::Word;

/// Beyond this ratio of the largest to the smallest figure a chart's axis is logarithmic.
const WIDE: f64 = 60.0;

/// Writes the page.
///
/// # Errors
/// When `out` fails.
pub fn render_lab_html(out: &mut dyn Write, results: &Results) -> io::Result<()> {
    let body = html! {
        h1 { "Claims about nested Go maps, tested here" }
        p.facts {
            (setting(results))
            ". A dot is the median of the runs, the bar around it goes from the least to the greatest."
        }
        div.scroll { table { (verdicts(results)) } }
        @for result in &results.experiments { (experiment(result, &results.versions)) }
    };
    let page = Page {
        mark: marks::LAB_PAGE,
        title: "Claims about nested Go maps – mapscope lab",
        policy: "default-src 'none'; style-src 'unsafe-inline'",
        style: include_str!("experiments.css"),
    };
    writeln!(out, "{}", page.with(&body).into_string())
}

fn verdicts(results: &Results) -> Markup {
    html! {
        thead {
            tr {
                th { "claim about" }
                @for version in &results.versions { th { (version) } }
            }
        }
        tbody {
            @for result in &results.experiments {
                @let name = result.experiment.name;
                tr {
                    td { a href={ "#" (name) } { (name) } }
                    @for of in &result.by_go { td { (pill(of.judgement.verdict)) } }
                }
            }
        }
    }
}

fn pill(of: Verdict) -> Markup {
    html! { em.(class(of)) { (of.word()) } }
}

fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::HoldsInPart => "part",
        Verdict::DoesNotHold => "not",
        Verdict::NotMeasurable => "unknown",
    }
}

fn experiment(result: &ExperimentResult, versions: &[String]) -> Markup {
    let experiment = result.experiment;
    let row = |label: &str, text: &str| html! { dt { (label) } dd { (text) } };
    html! {
        article id=(experiment.name) {
            h2 { (experiment.name) }
            dl {
                (row("claim", experiment.claim))
                (row("tested", experiment.method))
                @for note in notes(result) { (row("note", note)) }
                @if needs_correction(result) { (row("instead", experiment.instead)) }
            }
            @for (version, of) in versions.iter().zip(&result.by_go) { (judgement(version, of)) }
            @for table in tables(result) { (chart(&table, versions)) }
        }
    }
}

fn judgement(version: &str, of: &GoResult) -> Markup {
    let missed = of.judgement.required.iter().filter(|checked| checked.outcome != Outcome::Met);
    html! {
        h3 { (version) " " (pill(of.judgement.verdict)) }
        @if let Some(failure) = &of.failure { p.failure { (failure) } }
        ul.checks {
            @for checked in missed { (check("needs: ", checked)) }
            @for checked in &of.judgement.predicted { (check("", checked)) }
        }
    }
}

fn check(need: &str, checked: &Checked) -> Markup {
    let mark = match checked.outcome {
        Outcome::Met => "✓",
        Outcome::NotMet => "✗",
        Outcome::Unsettled | Outcome::NotMeasured => "?",
    };
    html! {
        li {
            b title=(outcome(checked.outcome)) { (mark) }
            span {
                (need) (checked.check.says)
                small { (measured(checked)) "; asked: " (threshold(&checked.check)) }
            }
        }
    }
}

/// A row per benchmark, in it a line per Go: a dot at the median, and a bar from the least to the greatest run.
fn chart(table: &Table, versions: &[String]) -> Markup {
    let scale = scale(table);
    let kind = if scale.is_log() { ", logarithmic" } else { "" };
    html! {
        figure {
            figcaption { (table.title) " " small { (table.unit) (kind) } }
            @for (name, spreads) in &table.rows {
                div.case { (name) }
                @for (idx, (version, spread)) in versions.iter().zip(spreads).enumerate() {
                    div.line.{ "v" (idx % 4) } {
                        span { (version) }
                        i { @if let Some(spread) = spread { (marks_of(*spread, &scale)) } }
                        span {
                            @match spread {
                                Some(spread) => (with_unit(*spread, table.unit)),
                                None => (NOT_MEASURED),
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Units: percent of the width.
fn scale(table: &Table) -> Scale {
    let spreads = || table.rows.iter().flat_map(|(_, spreads)| spreads).flatten();
    let high = spreads().map(|spread| spread.high).fold(0.0, f64::max);
    let low = spreads().map(|spread| spread.low).fold(f64::INFINITY, f64::min);
    let is_wide = low > 0.0 && high / low > WIDE;
    if is_wide { Scale::log((low, high), (0.0, 100.0)) } else { Scale::linear(high, (0.0, 100.0)) }
}

fn marks_of(spread: Spread, scale: &Scale) -> Markup {
    let [low, median, high] = [spread.low, spread.median, spread.high].map(|value| scale.at(value));
    html! {
        s style={ "left:" (format_args!("{low:.2}")) "%;width:" (format_args!("{:.2}", high - low)) "%" } {}
        u style={ "left:" (format_args!("{median:.2}")) "%" } {}
    }
}
