//! What came of a capture.

use std::path::PathBuf;

use goproc::CommandState;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

/// The file that says what came of a capture.
pub(crate) const SUMMARY: &str = "capture.json";

/// What is in the folder of a capture, and what is not.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Summary {
    /// Version of this form. The first key, by which `ingest` knows the file.
    pub mapscope_capture: u32,
    /// The folder.
    pub dir: PathBuf,
    /// Process; null when none was captured.
    pub pid: Option<u32>,
    /// Whether that is a Go program; null without process, or where its executable could not be read.
    pub is_go: Option<bool>,
    /// How long was captured. Units: seconds.
    pub seconds: f64,
    /// Why it ended.
    pub ending: Ending,
    /// The command; null when none was started, or it is not known how it is.
    #[serde(serialize_with = "write_command")]
    #[schemars(with = "Option<Command>")]
    pub command: Option<CommandState>,
    /// Files in the folder.
    pub collected: Vec<Collected>,
    /// What could not be had.
    pub missing: Vec<Missing>,
}

/// Why a capture ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// The time is over.
    Duration,
    /// The program ended.
    Exit,
    /// SIGINT, SIGTERM or SIGHUP.
    Signal,
}

impl From<Ending> for probe::Ending {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Duration => Self::Duration,
            Ending::Exit => Self::Exit,
            Ending::Signal => Self::Signal,
        }
    }
}

/// A file in the folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Collected {
    /// Name in the folder.
    pub file: String,
    /// What it is.
    pub what: String,
    /// Its size. Units: bytes.
    pub bytes: u64,
    /// What to know about it; absent when there is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Something that is not in the folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Missing {
    /// What it would have been.
    pub what: String,
    /// Why, and what would change that.
    pub why: String,
}

/// The command that was captured. Its process is that of the summary.
#[derive(Serialize, JsonSchema)]
struct Command {
    /// Its exit code, 128 and the number of the signal when it was killed; null while it goes on, or where it is not known.
    exit_code: Option<u8>,
}

fn write_command<S: Serializer>(
    command: &Option<CommandState>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    command.map(|CommandState { exit_code, .. }| Command { exit_code }).serialize(serializer)
}

impl Summary {
    /// What the command ended with, if the capture lasted that long.
    pub fn exit_code(&self) -> Option<u8> {
        self.command.filter(|_| self.ending == Ending::Exit)?.exit_code
    }

    /// Whether it is in the folder too.
    pub fn is_written(&self) -> bool {
        self.missing.iter().all(|missing| missing.what != SUMMARY)
    }

    /// Whether what was collected says nothing about maps: a process that is no Go program was captured, and no endpoint.
    pub fn has_no_go(&self) -> bool {
        let is_of_process = |file: &Collected| file.file == "perf.data";
        self.is_go == Some(false) && self.collected.iter().all(is_of_process)
    }
}

impl Collected {
    pub(crate) fn new(file: &str, what: &str, bytes: u64) -> Self {
        Self { file: file.to_owned(), what: what.to_owned(), bytes, note: None }
    }

    pub(crate) fn with_note(self, note: impl Into<String>) -> Self {
        Self { note: Some(note.into()), ..self }
    }
}

impl Missing {
    pub(crate) fn new(what: &str, why: impl Into<String>) -> Self {
        Self { what: what.to_owned(), why: why.into() }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect_file;
    use schemars::generate::SchemaSettings;

    use super::*;

    #[test]
    fn the_committed_schema_is_that_of_the_summary() {
        let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
        let schema = generator.into_root_schema_for::<Summary>();
        let schema = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/schema/capture.json");
        expect_file![file].assert_eq(&(schema + "\n"));
    }
}
