//! A recorder from when its probes are in place until they are taken away.
//!
//! 1. `attach` finds the program, loads the kernel side, measures what a probe costs and puts probes in place.
//! 2. `poll` is where time passes: it lets the governor look at the counters, and opens and closes its windows.
//! 3. `rotate` takes what was counted since the last time and makes a recording of it; counting goes on.
//!
//! Counts stay in the kernel's tables until they fill, and are then added to a `Tally`. What each of them means is
//! looked up when they are taken out: by then a process may have ended, so its types are looked for while it lives.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::process::Child;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use goproc::{CommandState, ErrorKind, Pid, PidFd};

use crate::calibrate;
use crate::capabilities::{self, OF_OTHER_USERS};
use crate::clocks::CpuClock;
use crate::error::Error;
use crate::governor::{Governor, Interval, Mode, Plan, SETTLED_NS, SLOWEST};
use crate::kernel::{Constants, Counters, Counting, Kernel, ProbeLinks, Scope, Taken};
use crate::others::Others;
use crate::points::{Points, Probe};
use crate::process::{Executions, ProcessKey};
use crate::profile::{self, Facts};
use crate::program::Program;
use crate::reach::Reach;
use crate::record_layout::{
    COUNT_CHECKS, COUNT_EVENT_NS, COUNT_FRAMES, COUNT_IGNORED, COUNT_MAKES, COUNT_NEW_PROCESSES,
    COUNT_PACE_NS, COUNT_PACES, COUNT_PASSED, COUNT_READ_FAULTS, COUNT_RESTARTS, COUNT_SAMPLES,
    COUNT_SAMPLES_LOST, COUNT_STACKLESS, COUNT_STACKS_LOST, COUNT_TABLE_FULL, COUNT_WALKED,
    GrowKey, MAX_FRAMES, PRECISION_WINDOW,
};
use crate::recording::{Attached, Ending, Options, Recording, Status};
use crate::system::TaskClocks;
use crate::tally::{Folding, Memory, OfWindow, Tally};
use crate::target::{self, Found};
use crate::windows::{Window, Windows};

mod executions;

use executions::Followed;

/// How often CPU time is looked at between windows: what a program did since then is lost when it ends.
const GLANCE: Duration = Duration::from_millis(20);
/// Types that only exist in memory are looked for at each tick, as the program may end any time, unless that takes
/// more than this part of our time.
const LOOKING: u32 = 50;
/// Part of its CPU time that a thread has for itself at least, whatever the clocks say.
const LEAST_OWN: f64 = 0.05;
/// Part of the budget that a probe may cost by meeting other things than growths.
const PASSED_PART: f64 = 0.25;
/// One window in so many measures what a trap costs.
const PACED: u64 = 8;
/// How often tables are emptied while processes end: what they leave would fill the tables.
const COLLECT: Duration = Duration::from_secs(5);
/// And after this many windows: what was counted in them waits for that.
const COLLECT_WINDOWS: usize = 32;

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
    large: Option<ProbeLinks>,
    growth: ProbeLinks,
    detaching: Detaching,
    /// Processes that were named and run; empty when all of an executable are recorded.
    processes: Vec<(u32, PidFd)>,
    followed: Followed,
    child: Option<Child>,
    memory: Memory,
    others: Others,
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
    n_windows: u64,
    /// Since the recorder began.
    start: Mark,
    n_taken: u64,
    n_grows_before: f64,
    part: Part,
}

/// What was counted since the last recording was made.
struct Part {
    /// When the counts before it were taken out.
    start: Mark,
    /// When the governor had looked before that: what probes cost from then on belongs to this part.
    from: Mark,
    started_at: SystemTime,
    tally: Tally,
    windows: Windows,
    waiting: Waiting,
    /// Processes that were there already.
    n_known: u64,
    /// Those that ran another program already.
    n_elsewhere: u64,
    /// Growths and makes taken out of the tables.
    n_taken: u64,
    /// Whether the probe of large arrays stood all the time.
    counts_every_large: bool,
    /// By mode: exact, sampled stacks, windows.
    time_in: [Duration; 3],
}

impl Part {
    fn beginning(start: Mark, from: Mark, before: &Windows) -> Self {
        Self {
            start,
            from,
            started_at: SystemTime::now(),
            tally: Tally::default(),
            windows: before.next(),
            waiting: Waiting::default(),
            n_known: 0,
            n_elsewhere: 0,
            n_taken: 0,
            counts_every_large: false,
            time_in: [Duration::ZERO; 3],
        }
    }
}

/// Probes on their way out: the program no longer meets them, but the kernel takes some ten milliseconds to forget them.
#[derive(Debug, Default)]
struct Detaching {
    threads: Vec<JoinHandle<()>>,
}

impl Detaching {
    fn begin(&mut self, links: ProbeLinks) {
        self.threads.retain(|thread| !thread.is_finished());
        // Where there can be no thread, they are dropped with the closure.
        self.threads.extend(std::thread::Builder::new().spawn(move || drop(links)));
    }

    fn wait(&mut self) {
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// What was taken out of the tables, and waits for the stacks to be taken as well.
#[derive(Debug, Default)]
struct Waiting {
    of_windows: Vec<OfWindow>,
    others: Taken,
}

/// Counters and clocks at a moment.
#[derive(Clone, Copy)]
struct Mark {
    counters: Counters,
    cpu_ns: u64,
    at: Instant,
}

/// When counting started or ended.
struct Switch {
    mark: Mark,
    /// By clocks of threads that are not behind, where there are some. Units: nanoseconds.
    clocks: Option<HashMap<u32, u64>>,
}

impl Switch {
    fn until(&self, later: &Self) -> Interval {
        let mut interval = between(&self.mark, &later.mark);
        if let Some((from, to)) = self.clocks.as_ref().zip(later.clocks.as_ref()) {
            interval.cpu_ns = to.values().sum::<u64>().saturating_sub(from.values().sum());
        }
        interval
    }

    /// CPU time of a thread. Units: nanoseconds.
    fn thread_ns(&self, later: &Self, tid: u32) -> Option<f64> {
        let (from, to) = self.clocks.as_ref().zip(later.clocks.as_ref())?;
        Some(to.get(&tid)?.saturating_sub(*from.get(&tid)?) as f64)
    }
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
        let file = found.open()?;
        reach.ensure_no_rights(&found.file)?;
        let program = Program::read(&found.file)?;
        let points = Points::find(program.binary(), program.map_impl);
        if points.n_growth() == 0 {
            return Err(no_growth_function(found.name(), &points));
        }
        let constants = Constants {
            classic_load: program.classic_load,
            splits_apart: points.splits.is_some(),
            large: points.large.as_ref().map(|(large, _)| large.clone()),
            text: program.binary().functions().text(),
            reach,
        };
        let mut kernel = Kernel::load(&constants, options.links)?;
        let costs = calibrate::measure(&mut kernel)?;
        kernel.watch_executions()?;
        let max_frames = options.max_frames.clamp(1, MAX_FRAMES);
        kernel.hold(true)?;
        for &pid in &found.pids {
            let link_addr = |offset| program.binary().link_addr(offset);
            let bias = Pid(pid).load_bias(found.file.id, link_addr).ok().flatten();
            // Without, it has not begun; it says where it is when it does.
            kernel.add_process(
                Executions::default().process(Pid(pid)),
                bias.map_or(0, |bias| bias.0),
            )?;
        }
        let counters = kernel.counters()?;
        let always = kernel.attach(&found.file.path, &found.scopes, &points.always())?;
        let large = points.large.as_ref().map(|(_, probe)| std::slice::from_ref(probe));
        let large = large.map(|probe| kernel.attach(&found.file.path, &found.scopes, probe));
        let large = large.transpose()?;
        let growth = kernel.attach(&found.file.path, &found.scopes, &points.growth)?;
        if options.sample_hz > 0 {
            kernel.sample(options.sample_hz)?;
        }
        let (cpu, waited_for) = if found.is_all() {
            (CpuClock::of_all(&found.pids, options.sample_hz), &[][..])
        } else {
            (CpuClock::of_processes(&found.pids), &found.pids[..])
        };
        let mut processes = Vec::new();
        for &pid in waited_for {
            match Pid(pid).open_pidfd() {
                Ok(pidfd) => processes.push((pid, pidfd)),
                Err(error) if matches!(error.kind, ErrorKind::NoSuchProcess) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if let ([], [first, ..]) = (&processes[..], waited_for) {
            return Err(Error::NoSuchProcess { pid: *first });
        }
        let now = Instant::now();
        let start = Mark { counters, cpu_ns: 0, at: now };
        let attached = Attached {
            program: found.name(),
            pids: found.pids.clone(),
            n_probes: points.n_growth(),
            n_inlined: points.n_inlined,
            only_user: reach.user.filter(|_| found.is_all()),
            took: begun.elapsed(),
        };
        let mut governor = Governor::new(options.max_overhead, costs, seed());
        Ok(Self {
            next_window: governor.plan(),
            closed_at: now,
            reconsider_at: now,
            attaching: attached.took / 4,
            governor,
            program,
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
            large,
            growth,
            detaching: Detaching::default(),
            processes,
            followed: Followed::from(now),
            child: None,
            memory: Memory::default(),
            others: Others::default(),
            last: start,
            next_look: now,
            next_collect: now + COLLECT,
            n_windows: 0,
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
        self.kernel.count_large_apart(self.large.is_some())?;
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
        self.part.counts_every_large = self.large.is_some();
        Ok(())
    }

    /// Counts for about `time`, or some tenths of a second longer where a window ends later; ends early when the
    /// program does.
    ///
    /// # Errors
    /// When the kernel no longer lets us.
    pub fn poll(&mut self, time: Duration) -> Result<Status, Error> {
        let until = Instant::now() + time;
        while !self.has_ended() {
            let now = Instant::now();
            let rest = until.saturating_duration_since(now);
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
            self.look_after_large()?;
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

    /// Takes the probes away, and makes the last recording.
    ///
    /// # Errors
    /// When the kernel no longer lets us.
    pub fn finish(mut self, ending: Ending) -> Result<Recording, Error> {
        self.cut(ending)
    }

    /// The command that was started for the recording; `None` when processes are recorded that ran before.
    pub fn command(&mut self) -> Option<CommandState> {
        self.child.as_mut().map(CommandState::of)
    }

    /// Whether the program has ended; never, when all processes of an executable are recorded without a command.
    fn has_ended(&mut self) -> bool {
        let child = self.child.as_mut();
        let child_ended =
            child.is_some_and(|child| child.try_wait().is_ok_and(|status| status.is_some()));
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
            let at = Instant::now();
            self.notice_executions(&self.kernel.counters()?, at)?;
            let pids = self.pids()?;
            self.cpu.read(&self.last.counters, || pids);
        }
        Ok(())
    }

    fn mark(&mut self) -> Result<Mark, Error> {
        let at = Instant::now();
        let counters = self.kernel.counters()?;
        self.notice_executions(&counters, at)?;
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
        self.last = now;
        self.part.windows.see(stretch.n_events(), stretch.own_cpu_ns(self.governor.costs()));
        let next = self.governor.observe(&stretch);
        if next == mode { Ok(()) } else { self.enter(next) }
    }

    fn enter(&mut self, mode: Mode) -> Result<(), Error> {
        if mode != Mode::Windows {
            return self.kernel.control(counting(mode, self.max_frames));
        }
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

    /// Starts or ends counting. The recorder may itself have to wait for a CPU on the way: the switch is taken to
    /// happen in the middle between the clock's times before and after it.
    fn switch(&mut self, is_open: bool, clocks: Option<&TaskClocks>) -> Result<Switch, Error> {
        let time = || clocks.and_then(|clocks| clocks.read().ok());
        let before = (self.mark()?, time());
        if is_open {
            self.kernel.control(counting(Mode::Windows, self.max_frames))?;
        } else {
            self.pause()?;
        }
        let after = (time(), self.mark()?);
        let cpu_ns = u64::midpoint(before.0.cpu_ns, after.1.cpu_ns);
        let counted = if is_open { before.0 } else { after.1 };
        let clocks = before.1.zip(after.0).map(|(before, mut after)| {
            for (tid, ns) in &mut after {
                *ns = u64::midpoint(*ns, before.get(tid).copied().unwrap_or(*ns));
            }
            after
        });
        Ok(Switch { mark: Mark { cpu_ns, ..counted }, clocks })
    }

    /// Puts the growth probes back.
    fn attach_again(&mut self, more: &[Probe]) -> Result<ProbeLinks, Error> {
        // Those of the last window: where both stood, growths would count twice.
        self.detaching.wait();
        let probes = [&self.points.growth[..], more].concat();
        self.kernel.attach(&self.found.file.path, &self.scopes(), &probes)
    }

    /// Clocks of threads, where they are known.
    fn task_clocks(&self) -> Result<Option<TaskClocks>, Error> {
        if self.reach.is_proc_foreign {
            return Ok(None);
        }
        Ok(TaskClocks::start(self.pids()?.into_iter()).ok())
    }

    /// Processes whose memory can be read: those that run the program.
    fn readable(&self) -> Result<HashMap<ProcessKey, u64>, Error> {
        if self.reach.is_proc_foreign { Ok(HashMap::new()) } else { self.kernel.running() }
    }

    /// A window.
    fn window(&mut self) -> Result<(), Error> {
        let plan = self.next_window;
        let begun = Instant::now();
        let clocks = self.task_clocks()?;
        let is_paced = self.n_windows.is_multiple_of(PACED);
        self.n_windows += 1;
        let paces = if is_paced { self.points.paces.clone() } else { Vec::new() };
        let links = self.attach_again(&paces)?;
        self.attaching = begun.elapsed();
        self.kernel.forget_threads()?;
        let opened = self.switch(true, clocks.as_ref())?;
        self.wait_for_progress(&opened, clocks.as_ref(), plan.length)?;
        let closed = self.switch(false, clocks.as_ref())?;
        let gap = between(&self.last, &opened.mark);
        let seen = opened.until(&closed);
        let more = |counter: u32| {
            closed.mark.counters[counter as usize] - opened.mark.counters[counter as usize]
        };
        self.governor.learn_traps(more(COUNT_PACE_NS), more(COUNT_PACES));
        self.part.time_in[mode_idx(Mode::Windows)] += closed.mark.at - self.last.at;
        self.last = closed.mark;
        let slowed = self.slowed(&opened, &closed)?;
        let progress_ns = seen.wall_ns as f64 / slowed;
        self.governor.observe_window(&gap, &seen, progress_ns);
        self.closed_at = closed.mark.at;
        self.next_window = self.governor.plan();
        self.detaching.begin(links);
        let costs = self.governor.costs();
        // Of processes that come and go, whose CPU time in a window is not known, the wall time is.
        let is_all = self.found.is_all();
        let is_cut_short = progress_ns < plan.length.as_nanos() as f64 / 4.0;
        let window = Window {
            gap_own_ns: if is_all { gap.wall_ns as f64 } else { gap.own_cpu_ns(costs) },
            aim: plan.mean_gap.as_nanos() as f64 / seen.wall_ns.max(1) as f64,
            cpu_ns: if is_all { seen.wall_ns } else { seen.cpu_ns } as f64,
            own_ns: if is_all { progress_ns } else { seen.own_cpu_ns(costs) },
            slowed,
            trap_part: seen.trap_ns(costs) / seen.probe_ns(costs).max(1.0),
            n_events: 0,
        };
        self.take_window(Some(window).filter(|_| !is_cut_short), window.gap_own_ns + window.own_ns)
    }

    /// How many times longer the threads that grow maps take in a window for what they do, in the mean over what they
    /// grow. Threads that do other things are not slowed down.
    fn slowed(&self, opened: &Switch, later: &Switch) -> Result<f64, Error> {
        let trap_ns = self.governor.costs().trap_ns;
        let (mut n, mut sum) = (0.0, 0.0);
        for (tid, count) in self.kernel.threads()? {
            let Some(cpu_ns) = opened.thread_ns(later, tid).filter(|&ns| ns > 0.0) else {
                continue;
            };
            let probes_ns = count.n as f64 * trap_ns + count.event_ns as f64;
            let own_ns = (cpu_ns - probes_ns).max(cpu_ns * LEAST_OWN);
            n += count.n as f64;
            sum += count.n as f64 * cpu_ns / own_ns;
        }
        Ok(if n > 0.0 { sum / n } else { 1.0 })
    }

    /// Waits in a window until the program got so far as it gets in `length` without probes.
    fn wait_for_progress(
        &mut self,
        opened: &Switch,
        clocks: Option<&TaskClocks>,
        length: Duration,
    ) -> Result<(), Error> {
        let mut rest = length;
        while !rest.is_zero() && opened.mark.at.elapsed() < length * SLOWEST {
            self.wait(rest.max(GLANCE / 40))?;
            let clocks = clocks.and_then(|clocks| clocks.read().ok());
            let now = Switch { mark: self.mark()?, clocks };
            let wall_ns = opened.until(&now).wall_ns as f64;
            let progress_ns = wall_ns / self.slowed(opened, &now)?;
            rest = length.saturating_sub(Duration::from_nanos(progress_ns as u64));
            if self.processes.is_empty() && !self.found.is_all() {
                break;
            }
        }
        Ok(())
    }

    /// Takes up a more exact mode where one fits by now.
    fn reconsider(&mut self) -> Result<(), Error> {
        self.reconsider_at = Instant::now() + self.governor.time_to_reconsider();
        let mode = self.governor.reconsider();
        if mode == Mode::Windows {
            return Ok(());
        }
        self.growth = self.attach_again(&[])?;
        self.end_gap()?;
        self.enter(mode)
    }

    /// The gap up to now, in which windows are the mode.
    fn end_gap(&mut self) -> Result<(), Error> {
        let now = self.mark()?;
        let gap = between(&self.last, &now);
        self.part.time_in[mode_idx(Mode::Windows)] += now.at - self.last.at;
        self.last = now;
        self.governor.observe_gap(&gap);
        let is_all = self.found.is_all();
        let time_ns =
            if is_all { gap.wall_ns as f64 } else { gap.own_cpu_ns(self.governor.costs()) };
        self.part.windows.add_gap(time_ns);
        Ok(())
    }

    /// What was counted in the window that is closed; of one that the end of the program cut short, it stands for
    /// itself.
    fn take_window(&mut self, window: Option<Window>, time_ns: f64) -> Result<(), Error> {
        let taken = self.kernel.take_counts()?;
        self.count_taken(&taken);
        let seen =
            taken.grows.iter().map(|(key, _)| (ProcessKey(key.process), key.map_type)).collect();
        self.memory.look(&seen, &self.readable()?, self.program.binary());
        let is_of_window = |key: &GrowKey| u32::from(key.precision) == PRECISION_WINDOW;
        let (grows, others): (Vec<_>, Vec<_>) =
            taken.grows.into_iter().partition(|(key, _)| is_of_window(key));
        let n_events = grows.iter().map(|(_, value)| value.n).sum();
        let windows = &mut self.part.windows;
        let (group, weight) = match window {
            Some(window) => (windows.add(&Window { n_events, ..window }), window.weight()),
            None => (windows.add_cut(n_events, time_ns), 0.0),
        };
        let waiting = &mut self.part.waiting;
        waiting.of_windows.push(OfWindow { group, weight, grows });
        waiting.others.grows.extend(others);
        waiting.others.samples.extend(taken.samples);
        if waiting.of_windows.len() >= COLLECT_WINDOWS { self.collect() } else { Ok(()) }
    }

    fn count_taken(&mut self, taken: &Taken) {
        let n: u64 = taken.grows.iter().map(|(_, value)| value.n).sum();
        self.n_taken += n;
        self.part.n_taken += n;
    }

    fn look_after_tables(&mut self) -> Result<(), Error> {
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
            self.look_for_others()?;
            self.next_collect = now + COLLECT;
        }
        Ok(())
    }

    fn look_for_others(&mut self) -> Result<(), Error> {
        if !self.reach.is_proc_foreign {
            let file = &self.found.file;
            self.others.look(&self.pids()?, file.id, &file.shown);
        }
        Ok(())
    }

    /// Takes the probe of large arrays away for good where it costs too much: programs may make large maps all the time
    /// that do not grow. From then on such growths are counted as all others are.
    fn look_after_large(&mut self) -> Result<(), Error> {
        let all = between(&self.start, &self.last);
        let costs = self.governor.costs();
        let allowed_ns = (all.own_cpu_ns(costs) + SETTLED_NS) * self.max_overhead * PASSED_PART;
        if self.max_overhead >= 1.0 || all.passed_ns(costs) <= allowed_ns {
            return Ok(());
        }
        if let Some(links) = self.large.take() {
            self.kernel.count_large_apart(false)?;
            self.detaching.begin(links);
            self.part.counts_every_large = false;
        }
        Ok(())
    }

    fn look_at_types(&mut self) -> Result<(), Error> {
        let seen = self.kernel.map_types()?;
        self.memory.look(&seen, &self.readable()?, self.program.binary());
        Ok(())
    }

    /// Processes that run the program and have not ended.
    fn alive(&self) -> Result<HashSet<ProcessKey>, Error> {
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

    /// Adds everything that was taken before, and what is in the kernel's tables, to the sums.
    fn collect(&mut self) -> Result<(), Error> {
        // Before they are counted for the last time.
        let ended = self.ended()?;
        self.look_at_types()?;
        let mut taken = self.kernel.take_all()?;
        self.count_taken(&taken);
        self.memory.add_processes(&self.kernel.processes()?);
        let latest: HashSet<u64> = taken.stacks.iter().map(|(key, _)| *key).collect();
        self.memory.add_stacks(std::mem::take(&mut taken.stacks));
        let Waiting { of_windows, others } = std::mem::take(&mut self.part.waiting);
        let mut folding =
            Folding::new(&mut self.part.tally, &mut self.memory, self.program.binary());
        folding.add(&others);
        folding.add(&taken);
        of_windows.iter().for_each(|window| folding.add_window(window));
        self.kernel.remove_processes(&ended)?;
        let gone = ended.iter().map(|process| process.pid());
        self.cpu.forget(
            &gone.filter(|pid| pid.cpu_ns().is_none()).map(|pid| pid.0).collect::<Vec<_>>(),
        );
        self.memory.forget(&ended, &latest);
        Ok(())
    }

    /// Makes a recording of everything since the last one.
    fn cut(&mut self, ending: Ending) -> Result<Recording, Error> {
        let is_last = ending != Ending::Rotation;
        if self.governor.mode() == Mode::Windows {
            self.end_gap()?;
        } else {
            self.tick()?;
        }
        if is_last {
            (self.growth, self.always, self.large) = Default::default();
            self.detaching.wait();
        }
        self.look_for_others()?;
        self.collect()?;
        let now = Mark { counters: self.kernel.counters()?, at: Instant::now(), ..self.last };
        let mut next = Part::beginning(now, self.last, &self.part.windows);
        next.n_known = self.alive()?.len() as u64;
        next.n_elsewhere = self.n_elsewhere(&now.counters);
        let n_elsewhere = next.n_elsewhere.saturating_sub(self.part.n_elsewhere);
        next.counts_every_large = self.large.is_some();
        let part = std::mem::replace(&mut self.part, next);
        let counters: Vec<u64> =
            part.start.counters.iter().zip(now.counters).map(|(from, to)| to - from).collect();
        let facts = Facts {
            program: self.found.name(),
            path: self.found.file.shown.clone(),
            map_impl: self.program.map_impl,
            started_at: part.started_at,
            elapsed: now.at - part.start.at,
            ending,
            sample_hz: self.sample_hz,
            max_overhead: self.max_overhead,
            overhead: self.overhead(&part.from),
            costs: *self.governor.costs(),
            links: self.kernel.links_name(),
            n_probes: self.points.n_growth(),
            n_inlined: self.points.n_inlined,
            n_unprobed: self.points.n_unprobed,
            counts_every_split: self.points.splits.is_some(),
            large_above: self.large_above(part.counts_every_large),
            n_processes: (part.n_known + counters[COUNT_NEW_PROCESSES as usize])
                .saturating_sub(counters[COUNT_RESTARTS as usize]),
            n_elsewhere,
            other_code: self.others.go_code().map(Path::to_owned).collect(),
            only_user: self.attached.only_user,
            time_in: part.time_in,
            windows: part.windows,
            n_events: part.n_taken,
            n_missing: if is_last { self.n_missing(&now.counters) } else { 0 },
            counters: &counters,
        };
        let recording = profile::build(&part.tally, self.program.binary(), &facts);
        self.n_grows_before += recording.n_grows as f64;
        Ok(recording)
    }

    /// The size of arrays above which every growth was counted. Units: bytes.
    fn large_above(&self, is_counted: bool) -> Option<u64> {
        let (large, _) = self.points.large.as_ref().filter(|_| is_counted)?;
        Some(large.above)
    }

    /// Events that the kernel side counted, and that are in no table.
    fn n_missing(&self, counters: &Counters) -> u64 {
        let count = |counter: u32| self.count(counters, counter);
        let kept = self.n_taken + count(COUNT_TABLE_FULL);
        (count(COUNT_WALKED) + count(COUNT_STACKLESS)).saturating_sub(kept)
    }

    fn count(&self, counters: &Counters, counter: u32) -> u64 {
        counters[counter as usize] - self.start.counters[counter as usize]
    }

    /// Since a moment, as a part of the program's own CPU time.
    fn overhead(&self, since: &Mark) -> f64 {
        let all = between(since, &self.last);
        all.probe_ns(self.governor.costs()) / all.own_cpu_ns(self.governor.costs()).max(1.0)
    }

    fn status(&mut self) -> Result<Status, Error> {
        let counters = self.kernel.counters()?;
        let has_ended = self.has_ended();
        Ok(Status {
            elapsed: self.start.at.elapsed(),
            n_grows: self.n_grows(&counters),
            n_samples: self.count(&counters, COUNT_SAMPLES),
            n_lost: [COUNT_READ_FAULTS, COUNT_TABLE_FULL, COUNT_SAMPLES_LOST, COUNT_STACKS_LOST]
                .iter()
                .map(|&counter| self.count(&counters, counter))
                .sum(),
            overhead: self.overhead(&self.start),
            is_settling: self.governor.is_settling(),
            mode: self.governor.mode().name(),
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

fn no_growth_function(path: String, points: &Points) -> Error {
    let why = if points.n_unprobed > 0 {
        format!(
            " that can be probed: {} inlined copies are of a form that is not known",
            points.n_unprobed
        )
    } else {
        String::new()
    };
    Error::NoGrowthFunction { path, why }
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

fn between(from: &Mark, to: &Mark) -> Interval {
    let count = |counter: u32| to.counters[counter as usize] - from.counters[counter as usize];
    Interval {
        wall_ns: (to.at.saturating_duration_since(from.at)).as_nanos() as u64,
        cpu_ns: to.cpu_ns.saturating_sub(from.cpu_ns),
        n_walked: count(COUNT_WALKED),
        n_stackless: count(COUNT_STACKLESS),
        n_frames: count(COUNT_FRAMES),
        n_ignored: count(COUNT_IGNORED) + count(COUNT_CHECKS),
        n_passed: count(COUNT_PASSED),
        event_ns: count(COUNT_EVENT_NS),
    }
}

#[cfg(test)]
mod tests;
