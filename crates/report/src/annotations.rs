//! What is wrong at which line of source, for terminals, editors and CI: `file:line:col: message (rule)` and GitHub's form.

use std::io::{self, Write};

use diagnosis::budget::{Excess, Measure, Outcome, Reason, Unchecked};
use diagnosis::finding::Advice;
use diagnosis::{Diagnosis, Finding};
use evidence::{Evidence, Site};

use crate::numbers::{figure, ratio};
use crate::words::{self, Word};

/// A message about a line of source.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotation {
    /// How bad it is.
    pub level: AnnotationLevel,
    /// Source file, as [`annotations`] was told to name it.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// One sentence.
    pub message: String,
    /// Stable name of what found it: a rule of [`diagnosis`], or `budget`.
    pub rule: String,
    /// What to change; `None` where a limit says what is too much.
    pub action: Option<Advice>,
}

/// How bad an annotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnnotationLevel {
    /// Over a limit, or a limit that cannot be checked.
    Error,
    /// A finding that asks for a change.
    Warning,
}

/// The rule of annotations that come from a budget.
const BUDGET: &str = "budget";

/// What the budget at `budget_file` found, then the findings that ask for a change. `locate` turns the compiler's name of a
/// source file into that of the user.
pub fn annotations(
    diagnosis: &Diagnosis,
    outcome: &Outcome,
    budget_file: &str,
    locate: &dyn Fn(&str) -> String,
) -> Vec<Annotation> {
    let evidence = &diagnosis.evidence;
    let excesses =
        outcome.excesses.iter().map(|excess| over(excess, evidence, budget_file, locate));
    let unchecked = outcome.unchecked.iter().map(|limit| unchecked(*limit, budget_file));
    let findings = diagnosis.by_line().filter(|(finding, _)| finding.asks_for_change());
    let findings = findings.filter_map(|(finding, others)| {
        let frame = &evidence.sites[finding.site?].frame;
        Some(Annotation {
            level: AnnotationLevel::Warning,
            file: locate(&frame.file),
            line: frame.line.max(1),
            message: format!(
                "{}: {}: {}{}",
                finding.verdict().word(),
                words::cause(&finding.cause),
                words::advice(&finding.advice),
                others.iter().map(other).collect::<String>()
            ),
            rule: finding.rule.to_owned(),
            action: Some(finding.advice.clone()),
        })
    });
    excesses.chain(unchecked).chain(findings).collect()
}

/// "; or reuse".
fn other(finding: &Finding) -> String {
    format!("; {} {}", words::under(finding), finding.verdict().word())
}

fn over(
    excess: &Excess,
    evidence: &Evidence,
    budget_file: &str,
    locate: &dyn Fn(&str) -> String,
) -> Annotation {
    let frame = &evidence.sites[excess.site].frame;
    let (value, limit) =
        (value_text(excess.measure, excess.value), value_text(excess.measure, excess.limit));
    let what = measure_words(excess.measure);
    let line = excess.line;
    Annotation {
        level: AnnotationLevel::Error,
        file: locate(&frame.file),
        line: frame.line.max(1),
        message: format!(
            "{what} in {}: {value}, allowed are {limit} by {budget_file}:{line}",
            frame.function
        ),
        rule: BUDGET.to_owned(),
        action: None,
    }
}

fn unchecked(limit: Unchecked, budget_file: &str) -> Annotation {
    let message = match limit.reason {
        Reason::NoSite => {
            "this limit cannot be checked: no site has that function or map type (map types need the binary or a recording)"
                .to_owned()
        }
        Reason::NotMeasured(measure) => {
            let input = match measure {
                Measure::CpuPercent => "a CPU profile",
                Measure::GrowsPerSecond => "a recording",
                Measure::WriteAmplification => "a recording in which maps stopped growing, and the binary",
            };
            format!("{} not measured, so this limit cannot be checked; give {input}", measure_words(measure))
        }
        Reason::NotMet(measure) => format!(
            "{} not known, so this limit cannot be checked: no growth was met at a line that it names, and not every growth was \
             counted; record longer, or with --max-overhead 100, which counts each",
            measure_words(measure)
        ),
    };
    Annotation {
        level: AnnotationLevel::Error,
        file: budget_file.to_owned(),
        line: u32::try_from(limit.line).unwrap_or(u32::MAX),
        message,
        rule: BUDGET.to_owned(),
        action: None,
    }
}

fn measure_words(measure: Measure) -> &'static str {
    match measure {
        Measure::CpuPercent => "CPU of maps",
        Measure::GrowsPerSecond => "growths per second",
        Measure::WriteAmplification => "write amplification",
    }
}

fn value_text(measure: Measure, value: f64) -> String {
    match measure {
        Measure::CpuPercent => format!("{value:.1} %"),
        Measure::GrowsPerSecond => figure(value),
        Measure::WriteAmplification => ratio(value),
    }
}

/// Writes a line per error: `file:line:col: message (rule)`. Columns are not known: they are 1.
///
/// # Errors
/// When `out` fails.
pub fn render_errors(out: &mut dyn Write, annotations: &[Annotation]) -> io::Result<()> {
    for of in annotations.iter().filter(|of| of.level == AnnotationLevel::Error) {
        writeln!(out, "{}:{}:1: {} ({})", of.file, of.line, of.message, of.rule)?;
    }
    Ok(())
}

/// Writes a line per finding that is over a limit in percent of the CPU, in the form of [`render_errors`]. `over` has each
/// with its part of the CPU; `limit` is how the user named it.
///
/// # Errors
/// When `out` fails.
pub fn render_over(
    out: &mut dyn Write,
    diagnosis: &Diagnosis,
    over: &[(&Finding, f64)],
    (limit, allowed_pct): (&str, f64),
    locate: &dyn Fn(&str) -> String,
) -> io::Result<()> {
    for &(finding, fraction) in over {
        let site = finding.site.and_then(|site| diagnosis.evidence.sites.get(site));
        let of = match site {
            Some(Site { frame, .. }) => format!(
                "{}:{}:1: CPU of maps in {}",
                locate(&frame.file),
                frame.line.max(1),
                frame.function
            ),
            None => format!("mapscope: whole process: {}", words::cause(&finding.cause)),
        };
        let value = value_text(Measure::CpuPercent, fraction * 100.0);
        let allowed = value_text(Measure::CpuPercent, allowed_pct);
        writeln!(out, "{of}: {value}, allowed are {allowed} by {limit} ({})", finding.rule)?;
    }
    Ok(())
}

/// Writes workflow commands of GitHub, which show each annotation at its line of a pull request.
///
/// # Errors
/// When `out` fails.
pub fn render_github(out: &mut dyn Write, annotations: &[Annotation]) -> io::Result<()> {
    for of in annotations {
        let level = of.level.word();
        let (file, title) = (property(&of.file), property(&format!("mapscope: {}", of.rule)));
        writeln!(
            out,
            "::{level} file={file},line={},title={title}::{}",
            of.line,
            data(&of.message)
        )?;
    }
    Ok(())
}

/// Source: toolkit/packages/core/src/command.ts of GitHub Actions: what ends a command or a property is escaped.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_cannot_be_broken_out_of() {
        let annotation = Annotation {
            level: AnnotationLevel::Warning,
            file: "a,b:c.go".to_owned(),
            line: 3,
            message: "50 %\n::error::x".to_owned(),
            rule: "r".to_owned(),
            action: None,
        };
        let mut out = Vec::new();
        render_github(&mut out, &[annotation]).expect("a Vec takes everything");
        let text = String::from_utf8_lossy(&out);
        assert_eq!(
            text,
            "::warning file=a%2Cb%3Ac.go,line=3,title=mapscope%3A r::50 %25%0A::error::x\n"
        );
    }
}
