//! The lab's results as a Markdown page.

use std::io::{self, Write};

use lab::{Checked, ExperimentResult, Results};

use super::{Table, measured, needs_correction, notes, outcome, setting, tables};
use crate::numbers::{NOT_MEASURED, figure};
use crate::words::Word;

/// Writes all results as Markdown, from headings of the second level on.
///
/// # Errors
/// When `out` fails.
pub fn render_lab_markdown(out: &mut dyn Write, results: &Results) -> io::Result<()> {
    let versions = &results.versions;
    writeln!(out, "## Verdicts\n\n{}.\n", setting(results))?;
    head(out, "experiment", versions)?;
    for result in &results.experiments {
        let name = result.experiment.name;
        let verdicts = result.by_go.iter().map(|of| of.judgement.verdict.word().to_owned());
        row(out, &format!("[{name}](#{name})"), verdicts)?;
    }
    results.experiments.iter().try_for_each(|result| experiment(out, result, versions))
}

fn experiment(
    out: &mut dyn Write,
    result: &ExperimentResult,
    versions: &[String],
) -> io::Result<()> {
    let experiment = result.experiment;
    writeln!(out, "\n## {}\n", experiment.name)?;
    writeln!(out, "**Claim:** {}\n\n**Tested:** {}\n", experiment.claim, experiment.method)?;
    for note in notes(result) {
        writeln!(out, "**Note:** {note}\n")?;
    }
    head(out, "prediction", versions)?;
    let n_required = experiment.requires.len();
    let checks = |idx: usize| {
        result.by_go.iter().map(move |of| {
            let judgement = &of.judgement;
            judgement.required.iter().chain(&judgement.predicted).nth(idx)
        })
    };
    for (idx, check) in experiment.requires.iter().chain(experiment.predicts).enumerate() {
        let need = if idx < n_required { "required: " } else { "" };
        row(
            out,
            &format!("{need}{}", check.says),
            checks(idx).map(|checked| checked.map_or(String::new(), cell)),
        )?;
    }
    let verdicts = result.by_go.iter().map(|of| format!("**{}**", of.judgement.verdict.word()));
    row(out, "**verdict**", verdicts)?;
    if needs_correction(result) {
        writeln!(out, "\n**Instead:** {}", experiment.instead)?;
    }
    tables(result).iter().try_for_each(|table| figures(out, table, versions))
}

fn cell(checked: &Checked) -> String {
    format!("{}: {}", outcome(checked.outcome), measured(checked))
}

fn figures(out: &mut dyn Write, table: &Table, versions: &[String]) -> io::Result<()> {
    writeln!(out)?;
    head(out, &format!("{} [{}]", table.title, table.unit), versions)?;
    for (name, spreads) in &table.rows {
        let cells = spreads.iter().map(|spread| {
            spread.map_or(NOT_MEASURED.to_owned(), |spread| {
                let [median, low, high] = [spread.median, spread.low, spread.high].map(figure);
                format!("{median} ({low} to {high})")
            })
        });
        row(out, &format!("`{name}`"), cells)?;
    }
    Ok(())
}

fn head(out: &mut dyn Write, first: &str, versions: &[String]) -> io::Result<()> {
    row(out, first, versions.iter().cloned())?;
    row(out, "---", versions.iter().map(|_| "---".to_owned()))
}

fn row(out: &mut dyn Write, first: &str, cells: impl Iterator<Item = String>) -> io::Result<()> {
    write!(out, "| {first} |")?;
    cells.into_iter().try_for_each(|cell| write!(out, " {} |", cell.replace('|', "\\|")))?;
    writeln!(out)
}
