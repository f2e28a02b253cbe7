//! What to record, and how.

use std::ffi::OsString;
use std::path::PathBuf;

/// How to record.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which processes.
    pub target: Target,
    /// Units: fraction of the program's own CPU time that probes may cost. 1.0 and more is no limit.
    pub max_overhead: f64,
    /// CPU samples per second and core; 0 is none.
    pub sample_hz: u64,
    /// Innermost frames kept of each growth's stack; at most 128.
    pub max_frames: u32,
    /// How probes are attached.
    pub links: Links,
}

/// Which processes to record.
#[derive(Debug, Clone)]
pub enum Target {
    /// Running processes of one executable.
    Pids(Vec<u32>),
    /// All running processes of this name, which have to be of one executable.
    Name(String),
    /// A program to start.
    Command {
        /// The program and its arguments. Shape: not empty.
        argv: Vec<OsString>,
        /// Record all processes of this executable, which the command starts; `None` is the program itself.
        exe: Option<PathBuf>,
    },
    /// All processes of an executable, present and future.
    Exe(PathBuf),
}

/// How probes are attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// One link for all probes where the kernel has it in working order (from 6.10 on), else one per probe.
    Auto,
    /// One link per probe.
    Single,
}
