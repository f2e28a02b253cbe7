//! What can keep a recording from starting. Every message says what to do.

use std::error::Error as StdError;
use std::path::PathBuf;

use thiserror::Error;

/// Why nothing could be recorded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// Not a system that the recorder runs on.
    #[error("recording needs Linux on x86-64 or arm64; recordings can be diagnosed anywhere")]
    OtherSystem,
    /// The process is not there.
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
    /// No process was named.
    #[error("no process was given; `-p PID` names one, and `pgrep NAME` lists them")]
    NoProcesses,
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
    #[error("{}: not permitted; {}, or see `mapscope record --check`", path.display(), goproc::advice_to_read())]
    NotPermittedToRead {
        /// What.
        path: PathBuf,
    },
    /// The executable that was found is not the one that was opened then.
    #[error("{}: it was replaced or removed before it could be opened; record again", path.display())]
    Replaced {
        /// The executable.
        path: PathBuf,
    },
    /// Probes are not in what the process runs.
    #[error(
        "process {pid} does not run the code of {}, where probes would be: the file was changed in its container after the process started, or the program copied its code elsewhere; its growths cannot be counted until it is started again", path.display()
    )]
    OtherCode {
        /// The process.
        pid: u32,
        /// What it was started from.
        path: PathBuf,
    },
    /// /proc shows the processes of another PID namespace.
    #[error(
        "/proc is of another PID namespace than this program, so that its numbers are those of other processes; mount one of this namespace: mount -t proc proc /proc"
    )]
    OtherProc,
    /// The process is in a PID namespace inside of ours.
    #[error(
        "process {pid} is in a PID namespace inside of this one: record it from there, or from the machine's own namespace"
    )]
    InnerNamespace {
        /// As it is seen from here.
        pid: u32,
    },
    /// The program has rights that its user does not have.
    #[error(
        "{}: it runs with rights that its user does not have (set-user-ID, set-group-ID or capabilities of the file); to record it takes CAP_SYS_PTRACE", path.display()
    )]
    HasRights {
        /// The executable.
        path: PathBuf,
    },
    /// A container has a process of that number.
    #[error(
        "process {pid}: there is none here; the process that a container numbers so is {outside} here: -p {outside}"
    )]
    NumberInside {
        /// Asked for.
        pid: u32,
        /// As it is numbered here.
        outside: u32,
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
    #[error("{path} is for {arch}, this machine is {machine}: record it where it runs")]
    OtherArch {
        /// The executable.
        path: String,
        /// Its GOARCH.
        arch: &'static str,
        /// That of this machine.
        machine: &'static str,
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
        "{what}: not permitted; {} (see `mapscope record --check`)", advice_for_rights(*has_rights)
    )]
    NotPermitted {
        /// What was tried.
        what: &'static str,
        /// Whether this program has the capabilities for it.
        has_rights: bool,
    },
    /// A limit of this process or of the system.
    #[error(
        "{what}: too many files are open; raise the limit (`ulimit -n`), or the system's (fs.file-max)"
    )]
    TooManyFiles {
        /// What was tried.
        what: &'static str,
    },
    /// As before Linux 6.10, or where it was asked for.
    #[error(
        "attaching probes: not permitted; where each probe has a link of its own, as before Linux 6.10, that takes root or CAP_SYS_ADMIN"
    )]
    LinksNotPermitted,
    /// The kernel lets us count, but not sample.
    #[error("CPU samples: not permitted; {}", advice_for_samples(*paranoid))]
    SamplesNotPermitted {
        /// `kernel.perf_event_paranoid`, if it can be read.
        paranoid: Option<i32>,
    },
    /// The kernel is from before something that recording needs.
    #[error(
        "Linux {release} has no attach cookies for probes, which came with 5.15: programs cannot be recorded on it, but recordings can be diagnosed anywhere"
    )]
    OldKernel {
        /// `uname -r`.
        release: String,
    },
    /// The kernel's verifier refused the program.
    #[error(
        "this kernel (Linux {release}) refuses the recorder's BPF program; please report it with the verifier's log, which is in {}",
        log.display()
    )]
    Verifier {
        /// `uname -r`.
        release: String,
        /// The file with the verifier's log.
        log: PathBuf,
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

impl Error {
    /// With all that caused it, on one line.
    pub fn with_causes(&self) -> String {
        chain(self)
    }
}

/// An error with all its causes, on one line.
pub(crate) fn chain(error: &(dyn StdError + 'static)) -> String {
    causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// An error, what caused it, what caused that, and so on.
pub(crate) fn causes<'e>(
    error: &'e (dyn StdError + 'static),
) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// What to do where the kernel does not let us, by whether the capabilities are there.
pub(crate) fn advice_for_rights(has_rights: bool) -> &'static str {
    if has_rights {
        "the capabilities for it are there, so that something else forbids it: in a container a seccomp profile, which has to allow bpf(2) and perf_event_open(2)"
    } else {
        "needed are root, or the capabilities CAP_BPF and CAP_PERFMON, and in a container a seccomp profile that allows bpf(2) and perf_event_open(2)"
    }
}

/// What to do where CPU samples are not permitted.
///
/// Source: Debian's patch "security,perf: Allow further restriction of perf_event_open": from 3 on it asks for
/// CAP_SYS_ADMIN (tried on its Linux 6.1 and 6.12). Ubuntu's kernel, whose default is 4, takes CAP_PERFMON (tried on its
/// 5.15).
pub(crate) fn advice_for_samples(paranoid: Option<i32>) -> String {
    match paranoid {
        Some(level @ 3..) => format!(
            "kernel.perf_event_paranoid is {level}, and from 3 on kernels like Debian's ask for CAP_SYS_ADMIN, not only CAP_PERFMON: run as root, or `sudo sysctl kernel.perf_event_paranoid=2`, or record without CPU samples: --sample-hz 0"
        ),
        _ => "run as root or with CAP_BPF and CAP_PERFMON; in a container, allow perf_event_open(2) in its seccomp profile; or record without CPU samples: --sample-hz 0".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_the_rights_is_not_told_to_get_them() {
        for (has_rights, part) in
            [(true, "the capabilities for it are there"), (false, "needed are root")]
        {
            let said = Error::NotPermitted { what: "creating BPF maps", has_rights }.to_string();
            assert!(said.contains(part) && said.contains("seccomp"), "{said}");
        }
    }

    #[test]
    fn asks_for_a_lower_level_only_where_that_may_help() {
        for level in [3, 4] {
            let said = Error::SamplesNotPermitted { paranoid: Some(level) }.to_string();
            assert!(said.contains(&format!("kernel.perf_event_paranoid is {level}")), "{said}");
            assert!(said.contains("sysctl kernel.perf_event_paranoid=2"), "{said}");
        }
        for level in [Some(-1), Some(2), None] {
            let said = Error::SamplesNotPermitted { paranoid: level }.to_string();
            assert!(!said.contains("paranoid"), "{said}");
            assert!(said.contains("CAP_PERFMON"), "{said}");
        }
    }
}
