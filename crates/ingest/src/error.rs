//! What can go wrong before there is evidence. Every message names the input and says what to do.

use std::time::Duration;

use thiserror::Error;

/// Why no evidence could be collected.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be opened or read.
    #[error("{name}")]
    Io {
        /// The input.
        name: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The server cannot be asked, or does not answer.
    #[error("{url}: {reason}")]
    Fetch {
        /// The input.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// The server answered, but not with what was asked for.
    #[error("{url}: the server answers {said}")]
    Answered {
        /// The input.
        url: String,
        /// Of http.
        status: u16,
        /// The status in words, and what the server says to it.
        said: String,
    },
    /// The server did not answer in time.
    #[error("{url}: {}", late(*time))]
    Late {
        /// The input.
        url: String,
        /// How long it was waited for.
        time: Duration,
    },
    /// The file is larger than any executable that is read.
    #[error(
        "{name}: the file has {bytes} bytes, and executables of more than {} are not read",
        gobin::MAX_FILE_BYTES
    )]
    TooLarge {
        /// The input.
        name: String,
        /// Its length, holes included.
        bytes: u64,
    },
    /// The content is of no known kind.
    #[error(
        "{name}: {what}; expected a profile (of pprof, OpenTelemetry, or folded stacks), perf.data, an execution trace or a Go executable"
    )]
    NotRecognised {
        /// The input.
        name: String,
        /// What it looks like instead.
        what: String,
    },
    /// A profile that cannot be read.
    #[error("{name}")]
    Profile {
        /// The input.
        name: String,
        /// Where and why.
        source: gopprof::Error,
    },
    /// An execution trace that cannot be read.
    #[error("{name}")]
    Trace {
        /// The input.
        name: String,
        /// Where and why.
        source: gotrace::Error,
    },
    /// A `perf.data` file that cannot be read.
    #[error("{name}")]
    Perf {
        /// The input.
        name: String,
        /// Where and why.
        source: goperf::Error,
    },
    /// Profiles of OpenTelemetry that cannot be read.
    #[error("{name}")]
    Otlp {
        /// The input.
        name: String,
        /// Where and why.
        source: otlp::Error,
    },
    /// An executable that cannot be read.
    #[error("{name}")]
    Binary {
        /// The input.
        name: String,
        /// Where and why.
        source: gobin::Error,
    },
    /// A profile whose units cannot be summed with the others.
    #[error("{name}: {reason}")]
    Unusable {
        /// The input.
        name: String,
        /// Why.
        reason: String,
    },
    /// The binary is not the program that was profiled.
    #[error(
        "{profile} is not a profile of {binary}: {reason}; give the binary that ran, or leave the binary out (map types are then unknown)"
    )]
    OtherProgram {
        /// The profile.
        profile: String,
        /// The binary.
        binary: String,
        /// How it was noticed.
        reason: String,
    },
    /// More than one executable.
    #[error("{name}: a second executable; give one program at a time")]
    SecondBinary {
        /// The input.
        name: String,
    },
    /// Benchmark results beside profiles.
    #[error("{benchmark} holds benchmark results and {other} does not; compare one kind at a time")]
    MixedRuns {
        /// A file of results.
        benchmark: String,
        /// A file of another kind.
        other: String,
    },
    /// Nothing to diagnose.
    #[error("no CPU or heap profile among the inputs{}", hint(only_binary.as_deref(), unused))]
    NoProfile {
        /// The binary, when there was one.
        only_binary: Option<String>,
        /// What the other inputs are.
        unused: Vec<String>,
    },
}

impl Error {
    /// Whether the file could be read, and is nothing that can be used.
    pub(crate) fn is_about_content(&self) -> bool {
        matches!(
            self,
            Self::NotRecognised { .. }
                | Self::Profile { .. }
                | Self::Trace { .. }
                | Self::Perf { .. }
                | Self::Otlp { .. }
                | Self::Unusable { .. }
        )
    }

    /// With what caused it, on one line.
    pub(crate) fn with_cause(&self) -> String {
        match std::error::Error::source(self) {
            Some(cause) => format!("{self}: {cause}"),
            None => self.to_string(),
        }
    }
}

/// What did not come within this time.
pub(crate) fn late(time: Duration) -> String {
    format!("the answer was not whole after {}", seconds_text(time))
}

/// "30 s", "0.3 s": a time that somebody asked for.
pub fn seconds_text(time: Duration) -> String {
    format!("{} s", (time.as_secs_f64() * 10.0).round() / 10.0)
}

fn hint(only_binary: Option<&str>, unused: &[String]) -> String {
    match only_binary {
        _ if !unused.is_empty() => format!(": {}", unused.join("; ")),
        Some(name) => format!(
            ": {name} is an executable; list its maps with `mapscope scan {name}`, or add a profile of it"
        ),
        None => {
            "; of a folder, the files in it are read, and not those in folders in it".to_owned()
        }
    }
}
