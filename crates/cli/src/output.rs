//! What commands write to files: each kind, and how it is known again.

use std::collections::HashSet;
use std::io::{BufReader, Read, Write};
use std::path::Path;

use anyhow::ensure;
use gopprof::Limits;
use output::{Inputs, Kind, Output, Over};
use report::marks;
use serde::Deserialize;

/// What `record` writes.
pub(crate) const RECORDING: Kind =
    Kind { what: "a recording of mapscope record", is_one: is_recording };
/// What `diagnose --html` writes.
pub(crate) const PAGE: Kind = Kind {
    what: "a page of mapscope diagnose",
    is_one: |file| begins_with_all(file, &[marks::PAGE]),
};
/// What `diagnose --flamegraph` writes.
pub(crate) const FLAMEGRAPH: Kind = Kind {
    what: "a flame graph of mapscope diagnose",
    is_one: |file| begins_with_all(file, &["<svg", marks::FLAMEGRAPH]),
};
/// What `diagnose --sarif` writes.
pub(crate) const SARIF: Kind = Kind { what: "a SARIF log of mapscope diagnose", is_one: is_sarif };
/// What `whatif --svg` writes.
pub(crate) const CHART: Kind = Kind {
    what: "a chart of mapscope whatif",
    is_one: |file| begins_with_all(file, &["<svg", marks::CHART]),
};
/// What `lab --html` writes.
pub(crate) const LAB_PAGE: Kind = Kind {
    what: "a page of mapscope lab",
    is_one: |file| begins_with_all(file, &[marks::LAB_PAGE]),
};
/// What `lab --markdown` writes.
pub(crate) const LAB_MARKDOWN: Kind = Kind {
    what: "Markdown of mapscope lab",
    is_one: |file| head(file, HEAD).starts_with(marks::LAB_MARKDOWN),
};

/// Where the mark of a page or drawing is to be found: behind a style sheet at most. Units: bytes.
const HEAD: u64 = 64 << 10;
/// Of a SARIF log all is read. Units: bytes.
const MAX_SARIF: u64 = 64 << 20;
/// Of a recording as much is looked at, inflated: its strings stand last. Units: bytes.
const MAX_RECORDING: u64 = 64 << 20;

/// What the outputs of a command may take the place of, with `--force` or without.
pub(crate) fn over(is_forced: bool) -> Over {
    if is_forced { Over::Anything } else { Over::SameKind }
}

/// The outputs of one command.
pub(crate) struct Outputs {
    inputs: Inputs,
    over: Over,
}

impl Outputs {
    /// Of a command with these inputs.
    pub(crate) fn beside<'p>(
        inputs: impl IntoIterator<Item = &'p (impl AsRef<Path> + ?Sized + 'p)>,
        over: Over,
    ) -> Self {
        Self { inputs: Inputs::of(inputs.into_iter().map(AsRef::as_ref)), over }
    }

    /// Looks before the work whether its outputs can be written, each to a file of its own.
    pub(crate) fn check<'p>(
        &self,
        outputs: impl IntoIterator<Item = (&'p Option<impl AsRef<Path> + 'p>, Kind)>,
    ) -> anyhow::Result<()> {
        let mut files = HashSet::new();
        let asked = outputs.into_iter().filter_map(|(path, kind)| Some((path.as_ref()?, kind)));
        for (path, kind) in asked {
            let path = path.as_ref();
            let output = self.output(path, kind);
            output.check()?;
            let is_own = output.file()?.is_none_or(|file| files.insert(file));
            ensure!(
                is_own,
                "{}: two outputs cannot be one file; give another name",
                path.display()
            );
        }
        Ok(())
    }

    /// Writes one, and says so.
    pub(crate) fn write(
        &self,
        path: &Path,
        kind: Kind,
        bytes: &[u8],
        err: &mut dyn Write,
    ) -> anyhow::Result<()> {
        self.output(path, kind).write(bytes)?;
        writeln!(err, "mapscope: wrote {}", evidence::printable(&path.to_string_lossy()))?;
        Ok(())
    }

    /// One that is to be written.
    pub(crate) fn output<'a>(&'a self, path: &'a Path, kind: Kind) -> Output<'a> {
        Output { path, kind, inputs: &self.inputs, over: self.over }
    }
}

fn head(file: &mut dyn Read, n_bytes: u64) -> String {
    let mut bytes = Vec::new();
    let _ = file.take(n_bytes).read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

fn begins_with_all(file: &mut dyn Read, marks: &[&str]) -> bool {
    let head = head(file, HEAD);
    marks.iter().all(|mark| head.contains(mark))
}

/// A log of several tools is not mapscope's alone.
fn is_sarif(file: &mut dyn Read) -> bool {
    let log = serde_json::from_reader(BufReader::new(file.take(MAX_SARIF)));
    log.is_ok_and(|log: SarifLog| {
        log.schema.ends_with(marks::SARIF_SCHEMA)
            && !log.runs.is_empty()
            && log.runs.iter().all(|run| run.tool.driver.name == marks::SARIF_DRIVER)
    })
}

/// Of a SARIF log what says whose it is.
#[derive(Deserialize)]
struct SarifLog {
    #[serde(rename = "$schema")]
    schema: String,
    runs: Vec<SarifRun>,
}

#[derive(Deserialize)]
struct SarifRun {
    tool: SarifTool,
}

#[derive(Deserialize)]
struct SarifTool {
    driver: SarifDriver,
}

#[derive(Deserialize)]
struct SarifDriver {
    name: String,
}

fn is_recording(file: &mut dyn Read) -> bool {
    let limits = Limits { max_inflated_bytes: MAX_RECORDING };
    gopprof::has_sample_type(file, recording::KNOWN_BY, &limits).unwrap_or(false)
}
