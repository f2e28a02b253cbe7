//! What can keep a recording from starting. Every message says what to do.

use std::path::PathBuf;

use thiserror::Error;

/// Why nothing could be recorded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// Not a system that the recorder runs on.
    #[error("recording needs Linux on x86-64; recordings can be diagnosed anywhere")]
    OtherSystem,
    /// The process is not there.
    #[error("process {pid}: there is none, or it has ended; `pgrep NAME` lists processes")]
    NoSuchProcess {
        /// Asked for.
        pid: u32,
    },
    /// No process has the name.
    #[error(
        "no process is named {name:?}; to record one from its start: mapscope record -- COMMAND"
    )]
    NoProcessNamed {
        /// Asked for.
        name: String,
    },
    /// One recording is of one executable.
    #[error(
        "processes {first} and {other} run different executables; record one program at a time"
    )]
    SeveralPrograms {
        /// A process.
        first: u32,
        /// A process of another executable.
        other: u32,
    },
    /// A process or a file cannot be read.
    #[error(transparent)]
    Process(goproc::Error),
    /// The executable of another user's process.
    #[error("{}: not permitted; run as the user of the process or as root, or see `mapscope record --check`", path.display())]
    NotPermittedToRead {
        /// What.
        path: PathBuf,
    },
    /// The file is a script.
    #[error("{path} is a script; give the Go program it starts, or `--exe PROGRAM -- {path}`")]
    Script {
        /// The file.
        path: String,
    },
    /// Not a Go executable.
    #[error("{path} is not a Go program that can be recorded")]
    NotGo {
        /// The executable.
        path: String,
        /// Why.
        source: gobin::Error,
    },
    /// Not this machine's.
    #[error("{path} is for {arch}; only amd64 programs can be recorded")]
    OtherArch {
        /// The executable.
        path: String,
        /// Its GOARCH.
        arch: &'static str,
    },
    /// The version of Go decides where things are.
    #[error(
        "{path}: its Go version is not known to this program ({found}); known are 1.18 to 1.27, and nothing is read by guess"
    )]
    UnknownVersion {
        /// The executable.
        path: String,
        /// What it says.
        found: String,
    },
    /// No place to probe.
    #[error("{path} has no function that grows maps{why}")]
    NoGrowthFunction {
        /// The executable.
        path: String,
        /// More, if something is known.
        why: String,
    },
    /// The kernel does not let us.
    #[error(
        "{what}: not permitted; needed are root, or the capabilities CAP_BPF and CAP_PERFMON (see `mapscope record --check`)"
    )]
    NotPermitted {
        /// What was tried.
        what: &'static str,
    },
    /// The kernel's verifier refused the program.
    #[error(
        "this kernel refuses the recorder's BPF program; please report it with `uname -r` and this log:\n{log}"
    )]
    Verifier {
        /// The end of the verifier's log.
        log: String,
    },
    /// Something else in the kernel.
    #[error("{what}: {reason} (see `mapscope record --check`)")]
    Kernel {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        reason: String,
    },
}
