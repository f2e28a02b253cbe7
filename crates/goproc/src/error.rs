//! Why something could not be read of a process, and of which.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::process::geteuid;
use rustix::thread::{CapabilitySet, capabilities};
use thiserror::Error;

use crate::{Pid, RunAddr};

/// What failed, with its place.
#[derive(Debug, Error)]
#[error("{place}: {kind}")]
pub struct Error {
    /// Where.
    pub place: Place,
    /// What.
    pub kind: ErrorKind,
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// A process.
    Process(Pid),
    /// A file.
    File(PathBuf),
    /// A program by its name, as given.
    Command(String),
    /// Waiting for several descriptors.
    Waiting,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(pid) => write!(f, "process {pid}"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Command(name) => f.write_str(name),
            Self::Waiting => f.write_str("waiting for processes"),
        }
    }
}

/// What can fail.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No process has the pid, or no longer.
    #[error("there is none, or it has ended; `pgrep NAME` lists processes")]
    NoSuchProcess,
    /// A process of another user, or one that is protected from this one.
    #[error("not permitted; {}", advice_to_read())]
    NotPermitted,
    /// The process runs no file.
    #[error("it has no executable: it is a thread of the kernel, or has ended")]
    NoExecutable,
    /// There is no such file.
    #[error("no such file")]
    NoSuchFile,
    /// A directory, a device or a pipe.
    #[error("not a regular file")]
    NotAFile,
    /// No executable is as large.
    #[error("the file has {0} bytes, and executables of more than {max} are not read", max = gobin::MAX_FILE_BYTES)]
    TooLarge(u64),
    /// The name is not that of a program.
    #[error("no such program; one that is not on PATH is given with its directory, as ./NAME")]
    NoSuchCommand,
    /// Nothing is mapped there that can be read.
    #[error("no readable memory at {:#x}", .0.0)]
    NotMapped(RunAddr),
    /// It keeps its memory map locked.
    #[error(
        "its memory map is locked and cannot be read: something in its memory may be of a file that does not answer"
    )]
    NoAnswer,
    /// What the kernel says is not of the form that is known.
    #[error("/proc says something unknown in {0}")]
    Malformed(&'static str),
    /// A call that takes no rights, and fails all the same.
    #[error(
        "{0} fails: the kernel does not have it, or a seccomp profile forbids it; in a container, allow it there"
    )]
    NoSuchCall(&'static str),
    /// The file is there, and is no program that may be run.
    #[error("it may not be run; `chmod +x` makes a file a program")]
    NotRunnable,
    /// Something else that the system reports.
    #[error("{0}")]
    Io(io::Error),
}

/// What lets this user look at a process that it may not look at.
pub fn advice_to_read() -> &'static str {
    advice_for(geteuid().is_root(), has_rights())
}

/// Whether this thread may look at processes of others, as far as capabilities decide.
fn has_rights() -> bool {
    let needed = CapabilitySet::SYS_PTRACE | CapabilitySet::DAC_READ_SEARCH;
    capabilities(None).is_ok_and(|sets| sets.effective.contains(needed))
}

fn advice_for(is_root: bool, has_rights: bool) -> &'static str {
    if has_rights {
        "the capabilities for it are there, so that something else forbids it: a security module of the kernel, a sandbox, or a user namespace outside of this one"
    } else if is_root {
        "root needs CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH for it here"
    } else {
        "run as the user of the process or as root, or add CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH"
    }
}

impl Error {
    pub(crate) fn of_process(pid: Pid, kind: ErrorKind) -> Self {
        Self { place: Place::Process(pid), kind }
    }

    /// Of something under /proc/PID, or a call with the pid.
    pub(crate) fn of_process_io(pid: Pid, error: io::Error) -> Self {
        let is_gone = error.raw_os_error() == Some(Errno::SRCH.raw_os_error());
        Self::of_process(
            pid,
            match error.kind() {
                io::ErrorKind::NotFound => ErrorKind::NoSuchProcess,
                _ if is_gone => ErrorKind::NoSuchProcess,
                io::ErrorKind::PermissionDenied => ErrorKind::NotPermitted,
                _ => ErrorKind::Io(error),
            },
        )
    }

    pub(crate) fn of_file(path: &Path, error: io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::NotFound => ErrorKind::NoSuchFile,
            io::ErrorKind::PermissionDenied => ErrorKind::NotPermitted,
            _ => ErrorKind::Io(error),
        };
        Self { place: Place::File(path.to_owned()), kind }
    }

    pub(crate) fn of_command(name: &str, kind: ErrorKind) -> Self {
        Self { place: Place::Command(name.to_owned()), kind }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_not_told_to_be_root() {
        assert!(!advice_for(true, false).contains("as root"));
        assert!(advice_for(true, false).contains("CAP_SYS_PTRACE"));
        assert!(advice_for(false, false).contains("or as root"));
    }

    #[test]
    fn who_has_the_capabilities_is_not_told_to_get_them() {
        for is_root in [false, true] {
            let said = advice_for(is_root, true);
            assert!(said.contains("something else forbids it") && !said.contains("CAP_"), "{said}");
        }
    }
}
