//! What keeps the lab from running at all. An experiment that fails is a result, not an error.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why the lab cannot run. Every message says what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder of the lab's own.
    #[error("{path}: {doing}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The state folder cannot be made, or somebody may have planted it.
    #[error(transparent)]
    Folder(#[from] output::Error),
    /// A state folder, or one above it, in which somebody else could put a program.
    #[error(
        "{dir}: this folder belongs to another user, or others may write to it, and programs below it are run; \
         name another with --state, or, if it is yours, take their right: chmod go-w"
    )]
    OpenToOthers {
        /// The folder.
        dir: PathBuf,
    },
    /// A Go that was found where somebody else could put a program.
    #[error(
        "{go}: not run: {open} belongs to another user, or others may write to it; name the path of the go \
         command with --go if you trust it, or, if it is yours, take their right: chmod go-w"
    )]
    GoOpenToOthers {
        /// The command.
        go: PathBuf,
        /// It, or a folder above it.
        open: PathBuf,
    },
    /// A Go that is not there.
    #[error(
        "--go {asked}: no such Go; give the path of a go command, or a version that is installed as {tried}"
    )]
    NoGo {
        /// As the user gave it.
        asked: String,
        /// Where it was looked for.
        tried: String,
    },
    /// A `go` that does not say its version.
    #[error(
        "{go}: `go env GOVERSION` failed: {reason}; name a Go that runs, by path or version, with --go"
    )]
    NotGo {
        /// The command.
        go: PathBuf,
        /// What it said.
        reason: String,
    },
    /// A Go older than the experiments.
    #[error("{go}: {version} is too old for the experiments; they need Go 1.21 or later")]
    TooOld {
        /// The command.
        go: PathBuf,
        /// What it is.
        version: String,
    },
    /// The experiments do not compile.
    #[error("{version}: the experiments cannot be built: {reason}")]
    Build {
        /// The Go.
        version: String,
        /// What the compiler said.
        reason: String,
    },
}

impl Error {
    /// An error of the system at a path.
    pub(crate) fn io<'a>(
        path: &'a Path,
        doing: &'static str,
    ) -> impl FnOnce(std::io::Error) -> Self + 'a {
        move |source| Self::Io { path: path.to_owned(), doing, source }
    }
}
