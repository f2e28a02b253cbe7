//! `mapscope diagnose --budget`, `--sarif` and `--github`.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, anyhow, ensure};
use diagnosis::Diagnosis;
use diagnosis::budget::{Budget, Outcome};

use crate::args::Diagnose;
use crate::output::{self, Outputs};

/// What a budget says, worst first.
pub(crate) enum Verdict {
    /// A limit cannot be checked.
    Unchecked,
    /// A site is over a limit.
    Over,
    /// Nothing is, or no budget was given.
    Fine,
}

pub(crate) fn check(
    args: &Diagnose,
    outputs: &Outputs,
    diagnosis: &Diagnosis,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<Verdict> {
    let outcome = match &args.budget {
        Some(path) => read(path)?.check(&diagnosis.evidence),
        None => Outcome::default(),
    };
    let file = args.budget.as_ref().map_or(String::new(), |path| path.display().to_string());
    let annotations = report::annotations(diagnosis, &outcome, &file, &locate);
    report::render_errors(err, &annotations)?;
    if args.github {
        report::render_github(out, &annotations)?;
    }
    if let Some(path) = &args.sarif {
        let mut log = Vec::new();
        report::render_sarif(&mut log, &annotations)?;
        outputs.write(path, output::SARIF, &log, err)?;
    }
    Ok(match outcome {
        Outcome { unchecked, .. } if !unchecked.is_empty() => Verdict::Unchecked,
        Outcome { excesses, .. } if !excesses.is_empty() => Verdict::Over,
        _ => Verdict::Fine,
    })
}

/// More than anybody writes by hand. Units: bytes.
const MAX_BUDGET: u64 = 1 << 20;

fn read(path: &Path) -> anyhow::Result<Budget> {
    let mut text = String::new();
    let mut file =
        File::open(path).with_context(|| path.display().to_string())?.take(MAX_BUDGET + 1);
    let n_read = file.read_to_string(&mut text).with_context(|| path.display().to_string())?;
    ensure!(
        n_read as u64 <= MAX_BUDGET,
        "{}: a budget has {MAX_BUDGET} bytes at most",
        path.display()
    );
    Budget::parse(&text).map_err(|error| {
        anyhow!("{}:{}:{}: {}", path.display(), error.line, error.column, error.message)
    })
}

/// The compiler names a source file by its place when the program was built, or with `-trimpath` by its module. The longest
/// end of that which is a file here is how the user names it.
pub(crate) fn locate(file: &str) -> String {
    let ends = file.match_indices('/').map(|(at, _)| &file[at + 1..]);
    let is_here = |end: &&str| Path::new(end).is_file();
    ends.into_iter().find(is_here).unwrap_or(file).to_owned()
}
