//! What keeps a capture from starting. What cannot be collected is no error: it is listed with the reason.

use std::path::PathBuf;

use thiserror::Error;

/// Why there is no capture.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// Neither a process nor an endpoint.
    #[error(
        "what is to be captured? give -p PID, --url http://HOST:PORT/debug/pprof or -- COMMAND \
         (mapscope capture --help has examples)"
    )]
    NoTarget,
    /// The folder holds something already.
    #[error(
        "{}: the folder is not empty; give another with -o, so that two captures do not mix", dir.display()
    )]
    NotEmpty {
        /// The folder.
        dir: PathBuf,
    },
    /// Others could put files into the folder.
    #[error(
        "{}: the folder belongs to another user, or others may write to it, and could plant files there; name a \
         new one with -o", dir.display()
    )]
    OpenToOthers {
        /// The folder.
        dir: PathBuf,
    },
    /// The folder is none, or a link that somebody may have planted.
    #[error(transparent)]
    Folder(#[from] output::Error),
    /// A file or folder cannot be written.
    #[error("{}: cannot be written", path.display())]
    Write {
        /// What.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The command cannot be started.
    #[error("{command}: cannot be started")]
    Start {
        /// As given.
        command: String,
        /// Why.
        source: std::io::Error,
    },
    /// No such process.
    #[error("process {pid}: there is none, or it has ended; `pgrep NAME` lists processes")]
    NoSuchProcess {
        /// Asked for.
        pid: u32,
    },
    /// The number is that of a thread.
    #[error("{tid} is a thread of process {pid}: -p {pid}")]
    Thread {
        /// Asked for.
        tid: u32,
        /// Its process.
        pid: u32,
    },
    /// Signals cannot be taken.
    #[error("signals cannot be taken")]
    Signals(#[source] std::io::Error),
    /// Nothing at all could be collected. Shape: one reason a line.
    #[error("nothing could be collected:\n{reasons}")]
    Nothing {
        /// What was tried, and why it failed.
        reasons: String,
    },
}
