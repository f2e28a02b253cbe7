//! What the experiments ran on.

use std::fs;
use std::thread;

/// The machine, as far as it bears on the figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Machine {
    /// As the kernel names it; `None` where it does not.
    pub cpu: Option<String>,
    /// Processors that a process may use.
    pub n_cpus: usize,
}

impl Machine {
    /// This machine.
    pub(crate) fn this() -> Self {
        let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = info.lines().find(|line| line.starts_with("model name"));
        Self {
            cpu: model.and_then(|line| Some(line.split_once(':')?.1.trim().to_owned())),
            n_cpus: thread::available_parallelism().map_or(1, usize::from),
        }
    }
}
