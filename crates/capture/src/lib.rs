//! Collects everything that can be measured of a Go program into one folder, ready for `mapscope diagnose`.
//!
//! 1. The recorder of map growth attaches (`probe`); a command that is to be captured waits for it.
//! 2. Beside it run, each in a thread of its own: `perf record` (`perf`), and requests to the program's pprof endpoint
//!    (`endpoint`): CPU profile and trace. Profiles that add up since the start (heap, mutex, block) are fetched at
//!    once and then every few seconds, so that the last are there when the program ends.
//! 3. The end is the end of the program, of the time, or a signal. What is there by then is kept.
//! 4. [`Summary`] says what was collected, and what was not, and why. It is written beside the files too.
//!
//! It draws no conclusions and reads no profiles but to see that they are whole. The overhead budget is that of the
//! recorder; perf and the recorder sample at 99 Hz, the endpoint at 100, and the trace is limited to ten seconds.

mod endpoint;
mod error;
mod folder;
mod perf;
mod process;
mod recorder;
mod run;
mod snapshots;
mod stop;
mod summary;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

pub use error::Error;
pub use run::capture;
pub use stop::StopSignals;
pub use summary::{Collected, Ending, Missing, Summary};

/// What to capture, and where to.
#[derive(Debug, Clone)]
pub struct Options {
    /// The process; without one only the endpoint is asked.
    pub target: Option<Target>,
    /// Base URL of the program's pprof endpoint: `http://HOST:PORT/debug/pprof`.
    pub url: Option<String>,
    /// When to stop; `None` is at the end of a command that is started, else after 30 s.
    pub duration: Option<Duration>,
    /// The folder; it is made, and has to be empty.
    pub dir: PathBuf,
    /// Of the recorder. Units: fraction of the program's own CPU time.
    pub max_overhead: f64,
    /// Of the endpoint.
    pub limits: Limits,
}

/// Limits on what the endpoint answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How much longer an answer may take than the server is asked to record.
    pub answer_time: Duration,
    /// The largest answer, and what a profile may inflate to. Units: bytes.
    pub max_answer_bytes: u64,
}

impl Default for Limits {
    /// Ten seconds; 128 MiB, four times a profile of 250,000 distinct stacks of 63 frames.
    fn default() -> Self {
        Self { answer_time: Duration::from_secs(10), max_answer_bytes: 128 << 20 }
    }
}

/// A process.
#[derive(Debug, Clone)]
pub enum Target {
    /// One that runs.
    Pid(u32),
    /// A program to start, with its arguments. Shape: not empty.
    Command(Vec<OsString>),
}
