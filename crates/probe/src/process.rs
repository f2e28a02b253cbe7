//! Processes as the kernel side tells them apart, and which of them it watches.

use goproc::Pid;

use crate::record_layout::{EXECS_LEFT_LINKS, PROCESS_PID_BITS};

/// A process from one execution of a program to the next: what was counted before must not be read with the addresses of
/// what it runs now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ProcessKey(pub(crate) u32);

impl ProcessKey {
    /// Its number, as the recorder sees it.
    pub(crate) fn pid(self) -> Pid {
        Pid(self.0 & ((1 << PROCESS_PID_BITS) - 1))
    }
}

/// What a process executed since it was recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Executions(pub(crate) u32);

impl Executions {
    /// The process, from the latest of them on.
    pub(crate) fn process(self, pid: Pid) -> ProcessKey {
        // What is above the number is shifted out.
        ProcessKey(pid.0 | self.0 << PROCESS_PID_BITS)
    }

    /// How many of them left links to the process behind, which are then to a thread that has ended.
    pub(crate) fn n_left_links(self) -> u32 {
        self.0 / EXECS_LEFT_LINKS
    }
}

/// Which processes hit the probes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// One process, its threads to come included.
    Process(u32),
    /// Every process of the executable, those to come included.
    All,
}
