//! A recorder from when its probes are in place until they are taken away.
//!
//! 1. `attach` finds the program, loads the kernel side, measures what a probe costs and puts probes in place.
//! 2. `poll` is where time passes: it lets the governor look at the counters, and opens and closes its windows.
//! 3. `rotate` takes what was counted since the last time and makes a recording of it; counting goes on.
//!
//! Counts stay in the kernel's tables until they fill, and are then added to a `Tally`. What each of them means is
//! looked up when they are taken out: by then a process may have ended, so its types are looked for while it lives.

use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::process::Child;
use std::time::{Duration, Instant, SystemTime};

use goproc::{ErrorKind, Pid, PidFd, Scheduled};
use recording::Ending;

use crate::calibrate;
use crate::capabilities::{self, OF_OTHER_USERS};
use crate::clocks::CpuClock;
use crate::code;
use crate::error::Error;
use crate::governor::{Governor, Mode, Plan};
use crate::kernel::{Constants, Counters, Counting, Kernel, ProbeLinks};
use crate::options::{Links, Options};
use crate::others::Others;
use crate::outcome::{Attached, Recording, Status};
use crate::points::{Points, Probe};
use crate::process::{Executions, Scope};
use crate::program::Program;
use crate::reach::Reach;
use crate::record_layout::{
    COUNT_MAKES, COUNT_READ_FAULTS, COUNT_SAMPLES, COUNT_SAMPLES_LOST, COUNT_STACKLESS,
    COUNT_STACKS_LOST, COUNT_TABLE_FULL, COUNT_WALKED, MAX_FRAMES, PRECISION_WINDOW,
};
use crate::system::{MostFiles, TaskClocks};
use crate::tally::Memory;
use crate::target::{self, Found};
use crate::windows::Windows;

mod executions;
mod heartbeat;
mod owners;
mod part;
mod standing;
mod tables;
mod window;

use executions::Followed;
use owners::Owners;
use part::{Mark, Part, between};
use standing::Standing;
use window::Detaching;

/// How often CPU time is looked at in gaps between windows: what a program did since then is lost when it ends.
const GLANCE: Duration = Duration::from_millis(20);
/// How often tables are emptied while processes end: what they leave would fill the tables.
const COLLECT: Duration = Duration::from_secs(5);

/// A recorder that is attached to a program; probes go when it is dropped.
pub struct Recorder {
    program: Program,
    found: Found,
    reach: Reach,
    points: Points,
    attached: Attached,
    _file: File,
    kernel: Kernel,
    governor: Governor,
    cpu: CpuClock,
    max_overhead: f64,
    sample_hz: u64,
    max_frames: u32,
    always: ProbeLinks,
    standing: Standing,
    growth: ProbeLinks,
    detaching: Detaching,
    /// Processes that were named and run; empty when all of an executable are recorded.
    processes: Vec<(u32, PidFd)>,
    followed: Followed,
    child: Option<Child>,
    is_command: bool,
    memory: Memory,
    owners: Owners,
    others: Others,
    /// Processes of the file that were seen beside the command that is recorded.
    beside: HashSet<u32>,
    /// Processes that run the file, and in whose code there are no probes.
    unprobed: BTreeSet<u32>,
    /// When the path that was given was found to lead to another file.
    replaced_after: Option<Duration>,
    /// When the governor last looked.
    last: Mark,
    next_window: Plan,
    /// When the last window, or what came before the windows, ended.
    closed_at: Instant,
    /// What attaching took.
    attaching: Duration,
    reconsider_at: Instant,
    next_look: Instant,
    next_collect: Instant,
    /// When other Go code is looked for.
    next_others: Instant,
    n_windows: u64,
    /// Of ourselves, from the first window on.
    lasting_clock: Option<TaskClocks>,
    /// Of its threads before the last window; `None` when that is not known.
    scheduled: Option<Scheduled>,
    /// Time in which hits did not count as nothing was heard of us, since `last`.
    late: Duration,
    /// Whether there was a probe in gaps when growth probes were taken away.
    has_standing: bool,
    /// Since the recorder began.
    start: Mark,
    n_taken: u64,
    n_grows_before: f64,
    part: Part,
}

impl Recorder {
    /// Puts probes in place. Nothing is counted, and a command waits, until `start`.
    ///
    /// # Errors
    /// When nothing can be recorded: no such process, not a Go program, no permission.
    pub fn attach(options: &Options) -> Result<Self, Error> {
        let begun = Instant::now();
        let reach = Reach::own()?;
        let mut found = target::find(&options.target, &reach)?;
        // Windows have a clock for each thread of what is recorded. After a command was prepared, which would inherit that;
        // where nothing is recorded after all, it is taken back, as such a command may be started otherwise.
        let files = MostFiles::allow();
        let file = found.open()?;
        reach.ensure_no_rights(&found.file)?;
        let program = Program::read(&found.file)?;
        let points = Points::find(program.binary(), program.map.map_impl);
        points.ensure_growth(&found.name())?;
        let mut kernel = load_kernel(&program, &points, reach, options.links)?;
        let costs = calibrate::measure(&mut kernel)?;
        kernel.watch_executions()?;
        let max_frames = options.max_frames.clamp(1, MAX_FRAMES);
        kernel.hold(true)?;
        name_processes(&mut kernel, &program, &found, &found.pids)?;
        let counters = kernel.counters()?;
        let mut probes = put_probes(&mut kernel, &points, &found)?;
        let late = found.begun_since(&reach)?;
        name_processes(&mut kernel, &program, &found, &late)?;
        found.pids.extend(late);
        let unprobed = unprobed(&found, &reach, &program, &points)?;
        for &pid in &unprobed {
            kernel.remove_processes(&[Executions::default().process(Pid(pid))])?;
            probes.leave_out(pid);
            found.leave_out(pid);
        }
        let Probes { always, standing, growth } = probes;
        if options.sample_hz > 0 {
            kernel.sample(options.sample_hz)?;
        }
        let (cpu, processes) = open_processes(&found, options.sample_hz)?;
        let now = Instant::now();
        let start = Mark { counters, cpu_ns: 0, at: now };
        let attached = Attached {
            program: found.name(),
            pids: found.pids.clone(),
            n_probes: points.n_growth(),
            n_inlined: points.n_inlined,
            only_user: reach.user.filter(|_| found.is_all()),
            took: begun.elapsed(),
            debugged: debugged(&found),
        };
        files.keep();
        let mut governor = Governor::new(options.max_overhead, costs, seed());
        Ok(Self {
            next_window: governor.plan(),
            closed_at: now,
            reconsider_at: now,
            attaching: attached.took / 4,
            governor,
            program,
            is_command: found.command.is_some(),
            found,
            reach,
            points,
            attached,
            _file: file,
            kernel,
            cpu,
            max_overhead: options.max_overhead,
            sample_hz: options.sample_hz,
            max_frames,
            always,
            standing: Standing::new(standing, options.max_overhead, start),
            growth,
            detaching: Detaching::default(),
            processes,
            followed: Followed::default(),
            child: None,
            memory: Memory::default(),
            owners: Owners::default(),
            others: Others::default(),
            beside: HashSet::new(),
            unprobed,
            replaced_after: None,
            last: start,
            next_look: now,
            next_collect: now + COLLECT,
            next_others: now,
            n_windows: 0,
            lasting_clock: None,
            scheduled: None,
            late: Duration::ZERO,
            has_standing: false,
            start,
            n_taken: 0,
            n_grows_before: 0.0,
            part: Part::beginning(start, start, &Windows::default()),
        })
    }

    /// What is recorded.
    pub fn attached(&self) -> &Attached {
        &self.attached
    }

    /// Gives up every right of this thread, and of those it starts from now on, that recording does not need any more,
    /// for good; a command that is recorded keeps those that it has. To be called after `start`, by whoever needs no
    /// rights for anything else. What stays is in docs/recording.md.
    ///
    /// # Errors
    /// When the kernel does not let us.
    pub fn drop_privileges(&self) -> Result<(), Error> {
        let mut needed = Vec::from(OF_OTHER_USERS);
        // For windows, probes are put in place again and again, and where a process executes the program again.
        if self.max_overhead < 1.0
            || !self.found.is_all() && !self.kernel.can_attach_without_rights()
        {
            needed.extend(self.kernel.rights_to_attach());
        }
        needed.extend(self.kernel.rights_to_read());
        capabilities::keep_only(&needed)
    }

    /// Begins to count, and lets a command begin that waits. From then on `poll` has to be called all the time: it is
    /// what keeps the budget.
    ///
    /// # Errors
    /// When the command cannot be started.
    pub fn start(&mut self) -> Result<(), Error> {
        self.kernel.control(counting(Mode::Exact, self.max_frames))?;
        self.kernel.count_standing_apart(self.standing.links.is_some())?;
        if self.max_overhead < 1.0 {
            self.kernel.count_while_heard_of()?;
        }
        // Probes have cost, and processes begun, since they are in place: that was before.
        let before = self.mark()?;
        let n_known = self.alive()?.len() as u64;
        self.kernel.hold(false)?;
        if let Some(command) = self.found.command.take() {
            self.child = Some(command.start()?);
        }
        let mark = Mark { at: Instant::now(), ..before };
        (self.start, self.last) = (mark, mark);
        self.part = Part::beginning(mark, mark, &Windows::default());
        self.part.n_known = n_known;
        self.part.n_elsewhere = self.n_elsewhere(&mark.counters);
        self.part.counts_standing = self.standing.links.is_some();
        self.standing.seen = mark;
        Ok(())
    }

    /// Counts for about `time`, or some tenths of a second longer where a window ends later; ends early when the
    /// program does.
    ///
    /// # Errors
    /// When the kernel no longer lets us.
    pub fn poll(&mut self, time: Duration) -> Result<Status, Error> {
        // A time whose end cannot be computed has none.
        let until = Instant::now().checked_add(time);
        while !self.has_ended() {
            self.beat()?;
            let now = Instant::now();
            let rest = until.map_or(time, |until| until.saturating_duration_since(now));
            if rest.is_zero() {
                break;
            }
            if self.governor.mode() != Mode::Windows {
                self.wait(rest.min(self.governor.tick()))?;
                self.tick()?;
            } else if now >= self.reconsider_at {
                self.reconsider()?;
            } else if now >= self.window_at() {
                self.window()?;
            } else {
                let next = self.window_at().min(self.reconsider_at);
                self.wait(rest.min(GLANCE).min(next - now))?;
                self.read_cpu()?;
            }
            self.follow_executions()?;
            self.look_after_tables()?;
            self.look_after_standing()?;
        }
        self.status()
    }

    /// A recording of what was counted since the last one. Nothing between the two is lost. Where growths are counted
    /// in windows, a recording should be much longer than the gaps between them (2 s at most): one without a window is
    /// a lower bound.
    ///
    /// # Errors
    /// When the kernel no longer lets us.
    pub fn rotate(&mut self) -> Result<Recording, Error> {
        self.cut(Ending::Rotation)
    }

    /// Takes the probes away, and makes the last recording. After a failure (`Ending::Failure`) it is of what was taken out
    /// of the kernel's tables before, where the rest cannot be had any more.
    ///
    /// # Errors
    /// When the kernel no longer lets us.
    pub fn finish(mut self, ending: Ending) -> Result<Recording, Error> {
        self.cut(ending)
    }

    /// As `finish`, of a recording that may have failed: what was counted until then, and why no more was.
    ///
    /// # Errors
    /// When nothing can be kept of it. Of two failures the first is the cause.
    pub fn finish_after(
        self,
        ended: Result<Ending, Error>,
    ) -> Result<(Recording, Option<Error>), Error> {
        match (self.finish(*ended.as_ref().unwrap_or(&Ending::Failure)), ended) {
            (Err(_), Err(error)) => Err(error),
            (finished, ended) => Ok((finished?, ended.err())),
        }
    }

    /// Hands over the command that was started for the recording, before it is finished: it may go on. `None` when
    /// processes are recorded that ran before.
    pub fn take_command(&mut self) -> Option<Child> {
        self.child.take()
    }

    /// Whether the program has ended; never, when all processes of an executable are recorded without a command.
    fn has_ended(&mut self) -> bool {
        let child_ended = self.child.as_mut().is_some_and(goproc::has_ended);
        if self.found.is_all() { child_ended } else { self.processes.is_empty() }
    }

    /// Waits, not beyond the end of a process.
    fn wait(&mut self, time: Duration) -> Result<(), Error> {
        let fds: Vec<BorrowedFd<'_>> = self.processes.iter().map(|(_, fd)| fd.as_fd()).collect();
        let readable = goproc::wait_readable(&fds, time)?;
        if readable.contains(&true) {
            // Its clock can be read until its parent has taken note.
            self.read_cpu()?;
        }
        let mut ended = readable.iter();
        self.processes.retain(|_| !ended.next().copied().unwrap_or(false));
        Ok(())
    }

    /// When to begin attaching for the next window.
    fn window_at(&self) -> Instant {
        self.closed_at + self.next_window.gap.saturating_sub(self.attaching)
    }

    /// Processes that run the program.
    fn pids(&self) -> Result<Vec<u32>, Error> {
        if self.found.is_all() {
            let running = self.kernel.running()?;
            return Ok(running.into_keys().map(|process| process.pid().0).collect());
        }
        let pids = self.processes.iter().map(|(pid, _)| *pid);
        Ok(pids.filter(|&pid| !self.followed.is_away(pid)).collect())
    }

    /// Where probes go now: not to processes that have ended, whose number another may have by now.
    fn scopes(&self) -> Vec<Scope> {
        if self.found.is_all() {
            vec![Scope::All]
        } else {
            self.processes.iter().map(|(pid, _)| Scope::Process(*pid)).collect()
        }
    }

    fn read_cpu(&mut self) -> Result<(), Error> {
        if let CpuClock::Processes { .. } = self.cpu {
            self.notice_executions(&self.kernel.counters()?)?;
            let pids = self.pids()?;
            self.cpu.read(&self.last.counters, || pids);
        }
        Ok(())
    }

    fn mark(&mut self) -> Result<Mark, Error> {
        self.beat()?;
        let counters = self.kernel.counters()?;
        self.notice_executions(&counters)?;
        let pids = match self.cpu {
            CpuClock::Processes { .. } => self.pids()?,
            CpuClock::Samples { .. } => Vec::new(),
        };
        let cpu_ns = self.cpu.read(&counters, || pids);
        Ok(Mark { counters, cpu_ns, at: Instant::now() })
    }

    /// Counts of a stretch in which every event was seen, and the mode that follows from it.
    fn tick(&mut self) -> Result<(), Error> {
        let now = self.mark()?;
        let mode = self.governor.mode();
        let stretch = between(&self.last, &now);
        if stretch.cpu_ns == 0 && matches!(self.cpu, CpuClock::Samples { .. }) {
            // Less than one sample: what it cost is charged with the next one.
            return Ok(());
        }
        self.part.time_in[mode_idx(mode)] += now.at - self.last.at;
        let is_frozen = now.has_more_frozen(&self.last);
        self.last = now;
        let late = std::mem::take(&mut self.late);
        if is_frozen {
            self.governor.observe_gap(&stretch);
            self.miss(late, &stretch);
            return Ok(());
        }
        self.part.windows.see(stretch.n_events(), stretch.own_cpu_ns(self.governor.costs()));
        let next = self.governor.observe(&stretch);
        if next == mode { Ok(()) } else { self.enter(next) }
    }

    fn enter(&mut self, mode: Mode) -> Result<(), Error> {
        if mode != Mode::Windows {
            return self.kernel.control(counting(mode, self.max_frames));
        }
        // Windows put probes back, each time: then it is not seen any more.
        self.look_at_code()?;
        // Seen from here on only in windows.
        self.pause()?;
        self.closed_at = Instant::now();
        self.next_window = self.governor.plan();
        self.reconsider_at = self.closed_at + self.governor.time_to_reconsider();
        self.detaching.begin(std::mem::take(&mut self.growth));
        self.collect()
    }

    fn pause(&mut self) -> Result<(), Error> {
        let counting = counting(Mode::Windows, self.max_frames);
        self.kernel.control(Counting { is_paused: true, ..counting })
    }

    fn count(&self, counters: &Counters, counter: u32) -> u64 {
        counters[counter as usize] - self.start.counters[counter as usize]
    }

    fn status(&mut self) -> Result<Status, Error> {
        let counters = self.kernel.counters()?;
        let has_ended = self.has_ended();
        Ok(Status {
            elapsed: self.start.at.elapsed(),
            n_grows: self.n_grows(&counters),
            is_estimated: self.part.time_in[mode_idx(Mode::Windows)] > Duration::ZERO,
            n_samples: self.count(&counters, COUNT_SAMPLES),
            n_lost: [COUNT_READ_FAULTS, COUNT_TABLE_FULL, COUNT_SAMPLES_LOST, COUNT_STACKS_LOST]
                .iter()
                .map(|&counter| self.count(&counters, counter))
                .sum(),
            overhead: self.overhead(&self.start),
            is_settling: self.governor.is_settling(),
            mode: self.governor.mode().name(),
            lacks_clocks: !self.part.windows.had_clocks(),
            has_ended,
        })
    }

    /// Growths by now, as far as they can be told before everything is added up.
    fn n_grows(&self, counters: &Counters) -> u64 {
        let part = |counter: u32| {
            (counters[counter as usize] - self.part.start.counters[counter as usize]) as f64
        };
        let seen = part(COUNT_WALKED) + part(COUNT_STACKLESS);
        let makes = part(COUNT_MAKES).min(seen) / seen.max(1.0);
        let windows = &self.part.windows;
        let events = seen - windows.n_seen() as f64 + windows.estimate();
        (self.n_grows_before + (events * (1.0 - makes)).max(0.0)).round() as u64
    }
}

fn load_kernel(
    program: &Program,
    points: &Points,
    reach: Reach,
    links: Links,
) -> Result<Kernel, Error> {
    let constants = Constants {
        classic_load: program.map.load,
        large: points.large.as_ref().map(|(large, _)| large.clone()),
        text: program.binary().functions().text(),
        reach,
    };
    Kernel::load(&constants, links)
}

/// Processes with a debugger, and which.
fn debugged(found: &Found) -> Vec<(u32, u32)> {
    let tracer = |&pid: &u32| Some((pid, Pid(pid).tracer()?.0));
    found.pids.iter().filter_map(tracer).collect()
}

/// Tells the kernel side of processes that run already.
fn name_processes(
    kernel: &mut Kernel,
    program: &Program,
    found: &Found,
    pids: &[u32],
) -> Result<(), Error> {
    for &pid in pids {
        let link_addr = |offset| program.binary().link_addr(offset);
        let bias = Pid(pid).load_bias(found.file.id, link_addr).ok().flatten();
        // Without, it has not begun; it says where it is when it does.
        let bias = bias.map_or(0, |bias| bias.0);
        kernel.add_process(Executions::default().process(Pid(pid)), bias)?;
    }
    Ok(())
}

/// Probes in place.
struct Probes {
    always: ProbeLinks,
    standing: Option<ProbeLinks>,
    growth: ProbeLinks,
}

fn put_probes(kernel: &mut Kernel, points: &Points, found: &Found) -> Result<Probes, Error> {
    let mut put = |probes: &[Probe]| kernel.attach(&found.file.path, &found.scopes, probes);
    let always = put(&points.rare)?;
    let standing = points.standing().map(|probe| put(&[probe])).transpose()?;
    Ok(Probes { always, standing, growth: put(&points.growth)? })
}

impl Probes {
    fn leave_out(&mut self, pid: u32) {
        let links = [Some(&mut self.always), self.standing.as_mut(), Some(&mut self.growth)];
        links.into_iter().flatten().for_each(|links| links.drop_scope(Scope::Process(pid)));
    }
}

/// Processes in whose code there are no probes, though they were put there.
///
/// # Errors
/// When nothing is left to record.
fn unprobed(
    found: &Found,
    reach: &Reach,
    program: &Program,
    points: &Points,
) -> Result<BTreeSet<u32>, Error> {
    if reach.is_proc_foreign {
        return Ok(BTreeSet::new());
    }
    let probes = [&points.rare[..], &points.growth[..]].concat();
    let lacks_probes = |&pid: &u32| {
        code::lacks_probes(Pid(pid), &found.file, program.binary(), &probes) == Some(true)
    };
    let unprobed: BTreeSet<u32> = found.pids.iter().copied().filter(lacks_probes).collect();
    match unprobed.first() {
        Some(&pid) if unprobed.len() == found.pids.len() && !found.is_all() => {
            Err(Error::OtherCode { pid, path: found.file.shown.clone() })
        }
        _ => Ok(unprobed),
    }
}

/// The clock of what is recorded, and the processes to wait for.
fn open_processes(found: &Found, sample_hz: u64) -> Result<(CpuClock, Vec<(u32, PidFd)>), Error> {
    if found.is_all() {
        return Ok((CpuClock::of_all(&found.pids, sample_hz), Vec::new()));
    }
    let cpu = CpuClock::of_processes(&found.pids);
    let mut processes = Vec::new();
    for &pid in &found.pids {
        match Pid(pid).open_pidfd() {
            // Its number may be that of another process by now; a command runs this one until it is started.
            Ok(_) if found.command.is_none() && !found.file.is_run_by(Pid(pid)) => {}
            Ok(pidfd) => processes.push((pid, pidfd)),
            Err(error) if matches!(error.kind, ErrorKind::NoSuchProcess) => {}
            Err(error) => return Err(error.into()),
        }
    }
    match (&processes[..], &found.pids[..]) {
        ([], [first, ..]) => Err(Error::NoSuchProcess { pid: *first }),
        _ => Ok((cpu, processes)),
    }
}

/// How the kernel side is to count in a mode.
fn counting(mode: Mode, max_frames: u32) -> Counting {
    let all = Counting { is_paused: false, precision: 0, walk_below: u32::MAX, max_frames };
    match mode {
        Mode::Exact => all,
        Mode::SampledStacks { log2 } => {
            Counting { precision: log2.into(), walk_below: u32::MAX >> log2, ..all }
        }
        Mode::Windows => Counting { precision: PRECISION_WINDOW, ..all },
    }
}

fn seed() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(1, |time| time.as_nanos() as u64)
}

fn mode_idx(mode: Mode) -> usize {
    match mode {
        Mode::Exact => 0,
        Mode::SampledStacks { .. } => 1,
        Mode::Windows => 2,
    }
}

#[cfg(test)]
mod tests;
