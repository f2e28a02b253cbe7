//! The kernel side's tables: emptied before they fill, and what is in them looked up while there is somebody to ask.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use goproc::Pid;

use super::{COLLECT, Recorder};
use crate::code;
use crate::error::Error;
use crate::governor::Mode;
use crate::kernel::Taken;
use crate::process::ProcessKey;
use crate::record_layout::{GrowKey, GrowValue};
use crate::tally::{Folding, OfWindow};

/// And after this many windows: what was counted in them waits for that.
pub(super) const COLLECT_WINDOWS: usize = 32;

/// Types that only exist in memory are looked for at each tick, as the program may end any time, unless that takes
/// more than this part of our time.
const LOOKING: u32 = 50;

/// When other Go code is looked for in a recording that has just begun: its program may end soon. After that it is every
/// `COLLECT`.
const FIRST_LOOKS: [Duration; 3] =
    [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(2)];

/// When to look next, of a recording that has lasted for `elapsed`.
fn next_look_for_others(elapsed: Duration) -> Duration {
    FIRST_LOOKS.into_iter().find(|&at| at > elapsed).unwrap_or(elapsed + COLLECT)
}

/// A process has told of itself long before it has had so much CPU time.
const HAS_BEGUN: Duration = Duration::from_millis(100);

/// What was taken out of the tables, and waits for the stacks to be taken as well.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pub(super) of_windows: Vec<OfWindow>,
    pub(super) others: Vec<(GrowKey, GrowValue)>,
}

impl Recorder {
    pub(super) fn count_taken(&mut self, grows: &[(GrowKey, GrowValue)]) {
        let n: u64 = grows.iter().map(|(_, value)| value.n).sum();
        self.n_taken += n;
        self.part.n_taken += n;
    }

    pub(super) fn look_after_tables(&mut self) -> Result<(), Error> {
        let now = Instant::now();
        if now >= self.next_look {
            self.look_at_types()?;
            self.next_look = now + now.elapsed() * LOOKING;
        }
        let is_time = now >= self.next_collect;
        if self.kernel.is_filling(&self.last.counters) || is_time && !self.ended()?.is_empty() {
            self.collect()?;
        }
        if is_time {
            self.next_collect = now + COLLECT;
        }
        if now >= self.next_others {
            if self.governor.mode() != Mode::Windows {
                self.look_at_code()?;
            }
            self.look_for_others()?;
            let start = self.start.at;
            self.next_others = start + next_look_for_others(now.saturating_duration_since(start));
        }
        Ok(())
    }

    pub(super) fn look_for_others(&mut self) -> Result<(), Error> {
        if !self.reach.is_proc_foreign {
            let file = &self.found.file;
            self.others.look(&self.pids()?, file.id, &file.shown);
        }
        self.look_beside();
        if self.replaced_after.is_none() && self.found.is_replaced() {
            self.replaced_after = Some(self.start.at.elapsed());
        }
        self.look_for_unprobed()
    }

    /// A program that gives pages of its code back gets them anew from the file, without probes, until these are put in place
    /// again. To be called while growth probes are in place. Of all that run a file, they are too many.
    pub(super) fn look_at_code(&mut self) -> Result<(), Error> {
        if self.found.is_all() || self.reach.is_proc_foreign {
            return Ok(());
        }
        for pid in self.pids()? {
            let process = self.kernel.executions(Pid(pid))?.process(Pid(pid));
            if !self.followed.may_ask(process) {
                continue;
            }
            let (file, binary) = (&self.found.file, self.program.binary());
            match code::lacks_probes(Pid(pid), file, binary, &self.points.growth) {
                Some(true) => {
                    self.part.given_back.insert(pid);
                }
                Some(false) => {}
                None => self.followed.ask_no_more(process),
            }
        }
        Ok(())
    }

    /// Of processes that come, each says itself that it runs the program; of a file in an overlay that was changed
    /// meanwhile they run a copy, which has no probes.
    fn look_for_unprobed(&mut self) -> Result<(), Error> {
        if !self.found.is_all() || self.reach.is_proc_foreign {
            return Ok(());
        }
        // First: those that begin meanwhile are not among them.
        let running = Pid::running_file(self.found.file.id).unwrap_or_default();
        let known: HashSet<Pid> =
            self.kernel.processes()?.into_keys().map(|process| process.pid()).collect();
        let has_begun = |pid: &Pid| pid.cpu_ns().is_some_and(|ns| ns > HAS_BEGUN.as_nanos() as u64);
        let is_unknown = |pid: &Pid| {
            !known.contains(pid) && !self.unprobed.contains(&pid.0) && self.reach.has(*pid)
        };
        let unknown: Vec<Pid> =
            running.into_iter().filter(|pid| is_unknown(pid) && has_begun(pid)).collect();
        unknown.into_iter().try_for_each(|pid| self.look_at_unknown(pid))
    }

    /// A process that did not say that it runs the program: it runs a copy, or is one that began before the probes were in
    /// place, and grew no map since.
    fn look_at_unknown(&mut self, pid: Pid) -> Result<(), Error> {
        let process = self.kernel.executions(pid)?.process(pid);
        if !self.followed.may_ask(process) {
            return Ok(());
        }
        let (file, binary) = (&self.found.file, self.program.binary());
        match code::lacks_probes(pid, file, binary, &self.points.rare) {
            Some(true) => {
                self.unprobed.insert(pid.0);
            }
            Some(false) => {
                let bias = pid.load_bias(file.id, |offset| binary.link_addr(offset));
                if let Ok(Some(bias)) = bias {
                    let is_new = self.kernel.add_process(process, bias.0)?;
                    self.part.n_known += u64::from(is_new);
                }
            }
            None => self.followed.ask_no_more(process),
        }
        Ok(())
    }

    /// A command is one process: it may start more of its own file, which are not recorded.
    fn look_beside(&mut self) {
        if !self.is_command || self.found.is_all() || self.reach.is_proc_foreign {
            return;
        }
        let running = Pid::running_file(self.found.file.id).unwrap_or_default();
        let own = self.found.pids.iter().copied().collect::<HashSet<_>>();
        self.beside.extend(running.into_iter().map(|pid| pid.0).filter(|pid| !own.contains(pid)));
    }

    fn look_at_types(&mut self) -> Result<(), Error> {
        self.look_at(self.kernel.map_types()?.into_iter())
    }

    /// Reads the map types at these addresses, while there is the process to read them from.
    pub(super) fn look_at(
        &mut self,
        types: impl Iterator<Item = (ProcessKey, u64)>,
    ) -> Result<(), Error> {
        let new: HashSet<_> = types.filter(|seen| !self.memory.has_looked_at(seen)).collect();
        self.look_at_owners(new.iter().map(|(process, _)| *process));
        if !new.is_empty() {
            let (running, file) = (self.readable()?, &self.found.file);
            self.memory.look(&new, &running, file, self.program.binary());
        }
        Ok(())
    }

    /// Processes that run the program and have not ended.
    pub(super) fn alive(&self) -> Result<HashSet<ProcessKey>, Error> {
        let running = self.kernel.running()?.into_keys();
        Ok(running.filter(|process| process.pid().cpu_ns().is_some()).collect())
    }

    /// Processes that run the program no longer.
    fn ended(&self) -> Result<Vec<ProcessKey>, Error> {
        // First: those that begin meanwhile are not among them.
        let known = self.kernel.processes()?;
        let alive = self.alive()?;
        Ok(known.into_keys().filter(|process| !alive.contains(process)).collect())
    }

    /// Processes whose memory can be read: those that run the program.
    pub(super) fn readable(&self) -> Result<HashMap<ProcessKey, u64>, Error> {
        if self.reach.is_proc_foreign { Ok(HashMap::new()) } else { self.kernel.running() }
    }

    /// Adds this to the sums, and what was taken before and waits for it.
    pub(super) fn fold(&mut self, taken: Taken) {
        self.memory.add_stacks(taken.stacks);
        let Waiting { of_windows, others } = std::mem::take(&mut self.part.waiting);
        let mut folding =
            Folding::new(&mut self.part.tally, &mut self.memory, self.program.binary());
        folding.add_grows(&others);
        folding.add_grows(&taken.grows);
        folding.add_samples(&taken.samples);
        of_windows.iter().for_each(|window| folding.add_window(window));
    }

    /// Adds everything that was taken before, and what is in the kernel's tables, to the sums.
    pub(super) fn collect(&mut self) -> Result<(), Error> {
        // Before they are counted for the last time.
        let ended = self.ended()?;
        self.look_at_types()?;
        self.look_at_all_owners()?;
        let mut taken = self.kernel.take_all()?;
        self.count_taken(&taken.grows);
        taken.grows.retain(|(key, _)| self.owners.may_record(key.process));
        taken.samples.retain(|(key, _)| self.owners.may_record(key.process));
        self.memory.add_processes(&self.kernel.processes()?);
        let latest: HashSet<u64> = taken.stacks.iter().map(|(key, _)| *key).collect();
        self.fold(taken);
        self.kernel.remove_processes(&ended)?;
        let gone = ended.iter().map(|process| process.pid());
        let gone = gone.filter(|pid| pid.cpu_ns().is_none());
        self.cpu.forget(&gone.map(|pid| pid.0).collect());
        let ended = ended.into_iter().collect();
        self.memory.forget(&ended, &latest);
        self.owners.forget(&ended);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_that_end_soon_are_looked_at_before() {
        let ms = Duration::from_millis;
        let times = [0, 200, 1000, 2500].map(|elapsed| next_look_for_others(ms(elapsed)));
        assert_eq!(times, [ms(200), ms(1000), ms(2000), ms(7500)]);
    }
}
