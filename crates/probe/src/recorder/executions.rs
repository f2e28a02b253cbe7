//! Programs that processes execute which are recorded by their number.
//!
//! 1. A process that executes another program is away: it is neither counted nor read until it runs the recorded one again.
//! 2. When its first thread executes that, probes are where they were, and the process says itself that it is back.
//! 3. When another thread does, links to the process are to a thread that has ended: the process is looked after, and gets
//!    links again. What it did until then was not counted.

use std::collections::{HashMap, HashSet};

use goproc::{ErrorKind, Pid};

use super::Recorder;
use crate::error::Error;
use crate::governor::Mode;
use crate::kernel::Counters;
use crate::process::{Executions, ProcessKey, Scope};
use crate::record_layout::{COUNT_EXECS, COUNT_RESTARTS};
use crate::tally::MAX_LOCKED;

/// What is known about what the processes executed.
#[derive(Debug, Default)]
pub(super) struct Followed {
    /// Those that run another program by now, with the CPU time before which they did nothing that was missed. Units:
    /// nanoseconds.
    away: HashMap<u32, u64>,
    /// Of those that got links again: as many of their executions as had left links behind.
    n_left_links: HashMap<u32, u32>,
    /// Executions when they were last looked at.
    n_seen: u64,
    /// Those that keep their memory map locked: each look takes seconds.
    locked: HashSet<ProcessKey>,
    /// Processes that were found to run the program again, beside those that the kernel side counted.
    n_restarts: u64,
}

impl Followed {
    pub(super) fn is_away(&self, pid: u32) -> bool {
        self.away.contains_key(&pid)
    }

    /// Takes note of which are away, with their CPU time when it was last read: what they executed was after that.
    fn see_away(&mut self, pids: impl Iterator<Item = (u32, u64)>) {
        let since = |(pid, last_ns)| (pid, self.away.get(&pid).copied().unwrap_or(last_ns));
        self.away = pids.map(since).collect();
    }

    /// Whether to ask a process where its program is.
    pub(super) fn may_ask(&self, process: ProcessKey) -> bool {
        !self.locked.contains(&process) && self.locked.len() < MAX_LOCKED
    }

    pub(super) fn ask_no_more(&mut self, process: ProcessKey) {
        self.locked.insert(process);
    }

    /// Whether its links are to a thread that has ended.
    fn lacks_links(&self, pid: u32, executions: Executions) -> bool {
        executions.n_left_links() != self.n_left_links.get(&pid).copied().unwrap_or(0)
    }
}

impl Recorder {
    /// Processes that run another program by now are not looked at until they run the recorded one again.
    pub(super) fn notice_executions(&mut self, counters: &Counters) -> Result<(), Error> {
        let n_execs = counters[COUNT_EXECS as usize] + counters[COUNT_RESTARTS as usize];
        if n_execs != self.followed.n_seen && !self.found.is_all() {
            self.followed.n_seen = n_execs;
            let pids = self.processes.iter().map(|(pid, _)| *pid);
            let last: Vec<(u32, u64)> =
                pids.map(|pid| (pid, self.cpu.last_of(pid).unwrap_or(0))).collect();
            // When it happened is not known better.
            let before = self.pids()?;
            self.cpu.read(counters, || before);
            let running: HashSet<Pid> =
                self.kernel.running()?.into_keys().map(|process| process.pid()).collect();
            let away = last.into_iter().filter(|&(pid, _)| !running.contains(&Pid(pid)));
            self.followed.see_away(away);
        }
        self.cpu.skip(&self.followed.away.keys().copied().collect::<Vec<_>>());
        Ok(())
    }

    /// Puts probes into processes again that have none, and run the program again. Until then they were not counted.
    pub(super) fn follow_executions(&mut self) -> Result<(), Error> {
        if self.reach.is_proc_foreign {
            return Ok(());
        }
        let pids = self.processes.iter().map(|(pid, _)| *pid);
        let away: Vec<u32> = pids.filter(|&pid| self.followed.is_away(pid)).collect();
        for pid in away {
            let cpu_ns = Pid(pid).cpu_ns();
            let executions = self.kernel.executions(Pid(pid))?;
            if self.followed.lacks_links(pid, executions) && self.found.file.is_run_by(Pid(pid)) {
                self.link_again(Pid(pid), executions)?;
            } else if let Some(cpu_ns) = cpu_ns {
                self.followed.away.insert(pid, cpu_ns);
            }
        }
        Ok(())
    }

    fn link_again(&mut self, pid: Pid, executions: Executions) -> Result<(), Error> {
        let process = executions.process(pid);
        if !self.followed.may_ask(process) {
            return Ok(());
        }
        let link_addr = |offset| self.program.binary().link_addr(offset);
        let bias = match pid.load_bias(self.found.file.id, link_addr) {
            Ok(Some(bias)) => bias,
            Err(error) if matches!(error.kind, ErrorKind::NoAnswer) => {
                self.followed.ask_no_more(process);
                self.part.windows.ensure_uncounted();
                return Ok(());
            }
            // Not in memory yet.
            Ok(None) | Err(_) => return Ok(()),
        };
        let (path, scope) = (&self.found.file.path, Scope::Process(pid.0));
        // They see nothing by themselves, and would see everything once others are there.
        self.always.drop_scope(scope);
        self.growth.drop_scope(scope);
        self.always.add(self.kernel.attach(path, &[scope], &self.points.rare)?);
        if let (Some(links), Some(probe)) = (&mut self.standing.links, self.points.standing()) {
            links.drop_scope(scope);
            links.add(self.kernel.attach(path, &[scope], &[probe])?);
        }
        if self.governor.mode() != Mode::Windows {
            self.growth.add(self.kernel.attach(path, &[scope], &self.points.growth)?);
        }
        self.followed.n_left_links.insert(pid.0, executions.n_left_links());
        let cpu_ns = pid.cpu_ns().unwrap_or(0);
        if let Some(since_ns) = self.followed.away.insert(pid.0, cpu_ns) {
            // What it did before was not counted, and how long that was is not known better.
            self.part.windows.add_blind(cpu_ns.saturating_sub(since_ns) as f64);
        }
        if self.kernel.executions(pid)? != executions || !self.found.file.is_run_by(pid) {
            // It executed something meanwhile, and is looked at again.
            return Ok(());
        }
        let is_found = self.kernel.add_process(process, bias.0)?;
        self.followed.n_restarts += u64::from(is_found);
        self.followed.away.remove(&pid.0);
        Ok(())
    }

    /// Processes that executed another program, and not this one again.
    pub(super) fn n_elsewhere(&self, counters: &Counters) -> u64 {
        let count = |counter: u32| counters[counter as usize];
        let n_restarts = count(COUNT_RESTARTS) + self.followed.n_restarts;
        let is_own = self.is_command && !self.found.is_all();
        n_left(count(COUNT_EXECS), n_restarts, is_own)
    }
}

/// How many executions left the recorded program; the first one of a command is that of the program, also where it ended
/// before it could say so.
fn n_left(n_execs: u64, n_restarts: u64, is_command: bool) -> u64 {
    n_execs.saturating_sub(n_restarts.max(u64::from(is_command)))
}

#[cfg(test)]
mod tests;
