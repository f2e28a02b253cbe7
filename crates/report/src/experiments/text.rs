//! The lab's results for a terminal.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use lab::{Checked, Experiment, ExperimentResult, GoResult, Outcome, Results, Spread, Verdict};
use textwrap::{Options, wrap};

use super::{Table, measured, needs_correction, notes, outcome, setting, tables, threshold};
use crate::numbers::{NOT_MEASURED, figure};
use crate::words::Word;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const TITLE: Style = AnsiColor::Cyan.on_default().bold();
const GOOD: Style = AnsiColor::Green.on_default().bold();
const HALF: Style = AnsiColor::Yellow.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// Where the text of a labelled paragraph begins.
const INDENT: usize = 13;

/// Writes all results. Colours are escape sequences: strip them where they are not wanted. Units: columns.
///
/// # Errors
/// When `out` fails.
pub fn render_lab(out: &mut dyn Write, results: &Results, width: usize) -> io::Result<()> {
    for result in &results.experiments {
        experiment(out, result, &results.versions, width.max(60))?;
    }
    writeln!(out, "{BOLD}verdicts{BOLD:#}  {}", setting(results))?;
    for result in &results.experiments {
        write!(out, "  {:<14}", result.experiment.name)?;
        for (version, of) in results.versions.iter().zip(&result.by_go) {
            let (style, word) = (style(of.judgement.verdict), of.judgement.verdict.word());
            write!(out, "  {version} {style}{word}{style:#}{:1$}", "", 19 - word.len())?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Writes names, claims and thresholds of experiments.
///
/// # Errors
/// When `out` fails.
pub fn render_lab_list(
    out: &mut dyn Write,
    experiments: &[&Experiment],
    width: usize,
) -> io::Result<()> {
    let width = width.max(60);
    for experiment in experiments {
        writeln!(out, "{TITLE}{}{TITLE:#}", experiment.name)?;
        paragraph(out, "claim", experiment.claim, width)?;
        paragraph(out, "tested", experiment.method, width)?;
        for (label, checks) in
            [("requires", experiment.requires), ("predicts", experiment.predicts)]
        {
            for check in checks {
                paragraph(out, label, &format!("{} [{}]", check.says, threshold(check)), width)?;
            }
        }
        writeln!(out)?;
    }
    Ok(())
}

fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Holds => GOOD,
        Verdict::HoldsInPart => HALF,
        Verdict::DoesNotHold => BAD,
        Verdict::NotMeasurable => DIM,
    }
}

fn experiment(
    out: &mut dyn Write,
    result: &ExperimentResult,
    versions: &[String],
    width: usize,
) -> io::Result<()> {
    writeln!(out, "{TITLE}{}{TITLE:#}", result.experiment.name)?;
    paragraph(out, "claim", result.experiment.claim, width)?;
    paragraph(out, "tested", result.experiment.method, width)?;
    for note in notes(result) {
        paragraph(out, "note", note, width)?;
    }
    for (version, of) in versions.iter().zip(&result.by_go) {
        verdict(out, version, of, width)?;
    }
    if needs_correction(result) {
        paragraph(out, "instead", result.experiment.instead, width)?;
    }
    writeln!(out)?;
    for table in tables(result) {
        figures(out, &table, versions)?;
    }
    Ok(())
}

fn verdict(out: &mut dyn Write, version: &str, of: &GoResult, width: usize) -> io::Result<()> {
    let (style, word) = (style(of.judgement.verdict), of.judgement.verdict.word());
    writeln!(out, "  {version}: {style}{word}{style:#}")?;
    if let Some(failure) = &of.failure {
        paragraph(out, "failed", failure, width)?;
    }
    let missed = of.judgement.required.iter().filter(|checked| checked.outcome != Outcome::Met);
    for checked in missed {
        check(out, "needs", checked, width)?;
    }
    for checked in &of.judgement.predicted {
        check(out, outcome(checked.outcome), checked, width)?;
    }
    Ok(())
}

fn check(out: &mut dyn Write, label: &str, checked: &Checked, width: usize) -> io::Result<()> {
    // "not measured" would stand there twice.
    let label = if label == NOT_MEASURED { "-" } else { label };
    let text = format!("{}: {}", checked.check.says, measured(checked));
    paragraph(out, label, &text, width)
}

fn figures(out: &mut dyn Write, table: &Table, versions: &[String]) -> io::Result<()> {
    writeln!(out, "  {BOLD}{}{BOLD:#} [{}]", table.title, table.unit)?;
    let widest = table.rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    let heads: Vec<String> = versions.iter().map(|version| format!("{version:<28}")).collect();
    writeln!(out, "  {:widest$}  {DIM}{}{DIM:#}", "", heads.join("  ").trim_end())?;
    for (name, spreads) in &table.rows {
        let cells: Vec<String> = spreads.iter().map(|spread| cell(*spread)).collect();
        writeln!(out, "  {name:<widest$}  {}", cells.join("  ").trim_end())?;
    }
    writeln!(out)
}

fn cell(spread: Option<Spread>) -> String {
    let text = spread.map_or(NOT_MEASURED.to_owned(), |spread| {
        let [median, low, high] = [spread.median, spread.low, spread.high].map(figure);
        format!("{median:>8} ({low} to {high})")
    });
    format!("{text:<28}")
}

fn paragraph(out: &mut dyn Write, label: &str, text: &str, width: usize) -> io::Result<()> {
    let first = format!("    {label:<0$}", INDENT - 4);
    let rest = " ".repeat(INDENT);
    let options = Options::new(width).initial_indent(&first).subsequent_indent(&rest);
    wrap(text, options).iter().try_for_each(|line| writeln!(out, "{line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_the_list_stand_apart_from_its_texts() {
        let mut out = Vec::new();
        let all: Vec<&Experiment> = lab::CATALOGUE.to_vec();
        render_lab_list(&mut out, &all, 100).expect("a Vec takes everything");
        let text = String::from_utf8(out).expect("text");
        let mut labelled = text.lines().filter(|line| line.starts_with("    predicts"));
        assert!(labelled.clone().next().is_some());
        assert!(labelled.all(|line| line.starts_with("    predicts ")), "{text}");
    }
}
