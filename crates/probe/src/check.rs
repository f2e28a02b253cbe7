//! What recording needs of this machine: `mapscope record --check`.

use std::path::Path;

use gobin::LinkAddr;
use goproc::{Executable, HeldCommand, Pid};

use crate::capabilities::{
    CAP_BPF, CAP_DAC_READ_SEARCH, CAP_PERFMON, CAP_SYS_ADMIN, CAP_SYS_PTRACE, Capabilities,
};
use crate::error::{Error, advice_for_rights, advice_for_samples};
use crate::kernel::{self, Constants, Kernel};
use crate::options::{Links, Target};
use crate::others::Others;
use crate::points::Points;
use crate::program::Program;
use crate::reach::Reach;
use crate::requirement::{Requirement, State};
use crate::{calibrate, refusal, target};

/// Tries each thing and says what to do where it fails.
pub(crate) fn requirements(pids: &[u32]) -> Vec<Requirement> {
    let capabilities = Capabilities::in_effect();
    let mut all = vec![kernel_version(), btf(), privileges(capabilities)];
    all.extend(calls());
    match load() {
        Ok(mut kernel) => all.extend([probes(&mut kernel), sampling(kernel.sample(99))]),
        // Said of the kernel already.
        Err(Error::OldKernel { .. }) => {}
        Err(error) => all.extend([not_loaded(&error), sampling_untried(&error)]),
    }
    if pids.is_empty() {
        all.push(other_users(capabilities));
    }
    all.extend(pids.iter().map(|&pid| process(pid)));
    all
}

fn requirement(what: impl Into<String>, state: State) -> Requirement {
    Requirement { what: what.into(), state }
}

fn kernel_version() -> Requirement {
    let state = match refusal::lacking() {
        Err(error) => State::Missing { advice: error.to_string() },
        Ok(()) if kernel::has_good_multi() => State::Met,
        Ok(()) => State::Limited {
            advice: "before 6.10 each probe has a link of its own: attaching needs CAP_SYS_ADMIN and is slower, and \
                     the governor's windows cost more"
                .to_owned(),
        },
    };
    requirement(format!("kernel {}", refusal::release()), state)
}

fn btf() -> Requirement {
    let state = if Path::new("/sys/kernel/btf/vmlinux").exists() {
        State::Met
    } else {
        State::Limited {
            advice: "not needed by the recorder itself; CONFIG_DEBUG_INFO_BTF=y helps other tools"
                .to_owned(),
        }
    };
    requirement("kernel type information (BTF)", state)
}

fn privileges(capabilities: Capabilities) -> Requirement {
    let (what, set, is_enough) = if kernel::has_good_multi() {
        let both = capabilities.has(CAP_BPF) && capabilities.has(CAP_PERFMON);
        ("capabilities CAP_BPF and CAP_PERFMON", "cap_bpf,cap_perfmon", both)
    } else {
        ("capability CAP_SYS_ADMIN, as before Linux 6.10", "cap_sys_admin", false)
    };
    let state = if is_enough || capabilities.has(CAP_SYS_ADMIN) {
        State::Met
    } else {
        State::Missing {
            advice: format!("run as root, or once: sudo setcap {set}+ep $(command -v mapscope)"),
        }
    };
    requirement(what, state)
}

/// What calls that take no rights are for, where they fail.
fn calls() -> impl Iterator<Item = Requirement> {
    let processes = Pid::own().open_pidfd().err().map(|error| ("running processes", error));
    // It is held back, and never begins.
    let commands = HeldCommand::prepare(&["/proc/self/exe".into()]).err();
    let commands = commands.map(|error| ("commands", error));
    [processes, commands]
        .into_iter()
        .flatten()
        .map(|(what, error)| requirement(what, State::Missing { advice: error.kind.to_string() }))
}

fn load() -> Result<Kernel, Error> {
    let text = LinkAddr(0)..LinkAddr(0);
    let reach = Reach::own()?;
    Kernel::load(&Constants { classic_load: 0, large: None, text, reach }, Links::Auto)
}

/// Hits a probe of our own.
fn probes(kernel: &mut Kernel) -> Requirement {
    match calibrate::measure(kernel) {
        Ok(costs) => requirement(
            format!(
                "probes ({}): {:.2} µs per event and {:.3} µs per frame of its stack here",
                kernel.link_kind(),
                costs.event_ns / 1e3,
                costs.frame_ns / 1e3
            ),
            State::Met,
        ),
        Err(error) => not_loaded(&error),
    }
}

fn not_loaded(error: &Error) -> Requirement {
    requirement("probes", State::Missing { advice: advice_of(error) })
}

fn sampling(tried: Result<(), Error>) -> Requirement {
    let state = match tried {
        Ok(()) => State::Met,
        Err(error @ Error::SamplesNotPermitted { .. }) => {
            State::Limited { advice: error.to_string() }
        }
        Err(error) => {
            State::Limited { advice: format!("{}; without it: --sample-hz 0", advice_of(&error)) }
        }
    };
    requirement(cpu_samples(refusal::perf_event_paranoid()), state)
}

fn sampling_untried(why: &Error) -> Requirement {
    let paranoid = refusal::perf_event_paranoid();
    let advice = match why {
        Error::NotPermitted { .. } => format!("not tried; {}", advice_for_samples(paranoid)),
        _ => "not tried, as probes do not work".to_owned(),
    };
    requirement(cpu_samples(paranoid), State::Limited { advice })
}

fn cpu_samples(paranoid: Option<i32>) -> String {
    let level = paranoid.map_or("not readable".to_owned(), |level| level.to_string());
    format!("CPU samples (kernel.perf_event_paranoid: {level})")
}

fn advice_of(error: &Error) -> String {
    match error {
        Error::NotPermitted { what, has_rights } => {
            format!("{what} is not permitted; {}", advice_for_rights(*has_rights))
        }
        other => other.to_string(),
    }
}

/// Whether one process can be recorded.
fn process(pid: u32) -> Requirement {
    let what = format!("process {pid}");
    let state = match Reach::own().and_then(|reach| recordable(pid, &reach)) {
        Err(Error::NoSuchProcess { .. }) => {
            State::Missing { advice: "there is none, or it has ended".to_owned() }
        }
        Err(Error::NotPermittedToRead { .. }) => State::Missing {
            advice: format!("it may not be looked at: {}", goproc::advice_to_read()),
        },
        Err(error) => State::Missing { advice: error.with_causes() },
        Ok(file) => whole(Pid(pid), &file),
    };
    requirement(what, state)
}

/// Finds the process and reads its executable, as for a recording.
fn recordable(pid: u32, reach: &Reach) -> Result<Executable, Error> {
    let found = target::find(&Target::Pids(vec![pid]), reach)?;
    reach.ensure_no_rights(&found.file)?;
    let program = Program::read(&found.file)?;
    let points = Points::find(program.binary(), program.map.map_impl);
    points.ensure_growth(&found.name())?;
    Ok(found.file)
}

/// Whether the process runs, and all its Go code is that of its executable.
fn whole(pid: Pid, file: &Executable) -> State {
    let limits: Vec<String> = held(pid).into_iter().chain(beside(pid, file)).collect();
    if limits.is_empty() {
        return State::Met;
    }
    State::Limited { advice: limits.join("; ") }
}

/// What keeps the process from running.
fn held(pid: Pid) -> Option<String> {
    let is_stopped = pid.stat().is_ok_and(|stat| matches!(stat.state, 'T' | 't'));
    let stopped = "it is stopped, and nothing is counted until it goes on";
    match (pid.tracer(), is_stopped) {
        (Some(debugger), true) => {
            Some(format!("a debugger (process {debugger}) is attached to it: {stopped}"))
        }
        (Some(debugger), false) => Some(format!(
            "a debugger (process {debugger}) is attached to it: set no breakpoints on functions of the runtime that grow maps"
        )),
        (None, true) => Some(format!("{stopped}: kill -CONT {pid}")),
        (None, false) => None,
    }
}

/// What is not recorded of the process.
fn beside(pid: Pid, file: &Executable) -> Option<String> {
    let mut others = Others::default();
    others.look(&[pid.0], file.id, &file.shown);
    others.wait();
    let names: Vec<String> =
        others.go_code().into_iter().map(|path| path.display().to_string()).collect();
    if names.is_empty() && others.has_more_processes() {
        return Some(
            "it has files that are gone or do not answer, or its memory map locked: whether it has plugins or libraries made by Go is not known".to_owned(),
        );
    }
    (!names.is_empty()).then(|| {
        format!(
            "maps that grow in its plugins and libraries are not recorded: {}",
            names.join(", ")
        )
    })
}

fn other_users(capabilities: Capabilities) -> Requirement {
    let state = if capabilities.has(CAP_SYS_PTRACE) && capabilities.has(CAP_DAC_READ_SEARCH) {
        State::Met
    } else {
        State::Limited {
            advice: "only processes of this user can be recorded; for others add CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH"
                .to_owned(),
        }
    };
    requirement("processes of other users", state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reach::Namespace;

    #[test]
    fn a_process_that_is_stopped_is_said_to_be() {
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .expect("cat");
        let pid = Pid::of_child(&child);
        assert_eq!(held(pid), None);
        rustix::process::kill_process(
            rustix::process::Pid::from_child(&child),
            rustix::process::Signal::STOP,
        )
        .expect("it is ours");
        while !pid.stat().is_ok_and(|stat| stat.state == 'T') {}
        let said = held(pid).expect("it is stopped");
        assert!(said.contains(&format!("nothing is counted until it goes on: kill -CONT {pid}")));
        child.kill().expect("it is ours");
        child.wait().expect("it ends");
    }

    #[test]
    fn a_process_that_record_refuses_is_not_said_to_be_fine() {
        let own = std::process::id();
        let foreign = Reach { is_proc_foreign: true, ..Reach::default() };
        assert!(matches!(recordable(own, &foreign), Err(Error::OtherProc)));
        let namespace = Some(Namespace { device: 0, inode: 0 });
        let other = Reach { namespace, ..Reach::default() };
        assert!(matches!(recordable(own, &other), Err(Error::InnerNamespace { .. })));
    }
}
