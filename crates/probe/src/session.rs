//! A recording from start to end.

use std::fs;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use gobin::{Arch, Binary, MapImpl};

use crate::calibrate;
use crate::error::Error;
use crate::governor::{Costs, Governor, Interval, Mode, WINDOW};
use crate::kernel::{Counters, Counts, Kernel, ProbeLinks, Scope};
use crate::points::Points;
use crate::profile::{self, Facts};
use crate::record_layout::{
    COUNT_CHECKS, COUNT_EVENT_NS, COUNT_FRAMES, COUNT_IGNORED, COUNT_MAKES, COUNT_READ_FAULTS,
    COUNT_SAMPLES, COUNT_SAMPLES_LOST, COUNT_STACKLESS, COUNT_STACKS_LOST, COUNT_TABLE_FULL,
    COUNT_WALKED, Control, MAX_FRAMES, PRECISION_WINDOW,
};
use crate::recording::{Ending, Options, Progress, Recording};
use crate::system::{self, TaskClocks};
use crate::target::{self, Found};

/// How often counters are looked at.
const TICK: Duration = Duration::from_millis(20);
/// How often progress is reported.
const REPORT: Duration = Duration::from_secs(1);
/// In windows, stacks are taken of one event in 2^n.
const WINDOW_LOG2: u32 = 2;
/// Types that only exist in memory are looked for at each tick, as the program may end any time, unless that takes
/// more than this part of our time.
const LOOKING: u32 = 50;

pub(crate) fn record(
    options: &Options,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Recording, Error> {
    let start = Instant::now();
    let signals = system::open_signalfd().map_err(|error| Error::Kernel {
        what: "waiting for signals",
        reason: error.to_string(),
    })?;
    let result = record_until(options, &signals, start, progress);
    system::unblock_signals(&signals);
    result
}

fn record_until(
    options: &Options,
    signals: &OwnedFd,
    start: Instant,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Recording, Error> {
    let mut found = target::find(&options.target)?;
    let bytes = read_executable(&found.path)?;
    let binary = parse(&bytes, &found.name)?;
    let (map_impl, classic_load) = growth_rules(&binary, &found.name)?;
    let points = Points::find(&binary, map_impl);
    if points.n_growth() == 0 {
        return Err(no_growth_function(&found.name, &points));
    }
    let mut kernel = Kernel::load(classic_load, binary.functions().text(), options.links)?;
    let costs = calibrate::measure(&mut kernel)?;
    let max_frames = options.max_frames.clamp(1, MAX_FRAMES);
    kernel.control(counting(Mode::Exact, max_frames))?;
    let baseline = kernel.counters();
    for &pid in &found.pids {
        let bias = bias_of(pid, &found.path, &binary);
        kernel.add_process(pid, bias.unwrap_or(0))?;
    }
    let _rare = kernel.attach(&found.path, &found.scopes, &points.rare)?;
    let growth = kernel.attach(&found.path, &found.scopes, &points.growth)?;
    if options.sample_hz > 0 {
        kernel.sample(options.sample_hz)?;
    }
    progress(&Progress::Attached {
        program: found.name.clone(),
        pids: found.pids.clone(),
        n_probes: points.n_growth(),
        n_inlined: points.n_inlined,
        took: start.elapsed(),
    });
    let command = found.command.take();
    let child = command.map(target::Waiting::start).transpose()?;
    let mut session = Session {
        kernel,
        found: &found,
        points: &points,
        governor: Governor::new(options.max_overhead, costs, seed()),
        costs,
        max_frames,
        baseline,
        cpu: CpuClock::starting_with(&found.pids),
        links: Some(growth),
        counts: Counts::default(),
        started: Instant::now(),
        started_at: SystemTime::now(),
        time_in: [Duration::ZERO; 3],
        memory_types: profile::MemoryTypes::default(),
        child,
    };
    let ending = session.run(options, signals, &binary, progress)?;
    session.finish(options, ending, &binary, map_impl)
}

/// The whole file. `/proc/PID/exe` also opens what was deleted or is in a container.
fn read_executable(path: &Path) -> Result<Vec<u8>, Error> {
    let fail = |source: std::io::Error| match source.kind() {
        std::io::ErrorKind::PermissionDenied => Error::NotPermittedToRead { path: path.to_owned() },
        _ => Error::Open { path: path.to_owned(), source },
    };
    let mut file = fs::File::open(path).map_err(fail)?;
    let mut bytes =
        Vec::with_capacity(file.metadata().map_or(0, |metadata| metadata.len() as usize));
    file.read_to_end(&mut bytes).map_err(fail)?;
    Ok(bytes)
}

fn parse<'a>(bytes: &'a [u8], name: &str) -> Result<Binary<'a>, Error> {
    if bytes.starts_with(b"#!") {
        return Err(Error::Script { path: name.to_owned() });
    }
    let binary = Binary::parse(bytes)
        .map_err(|source| Error::NotGo { path: name.to_owned(), source })?
        .value;
    if binary.arch() != Arch::Amd64 {
        return Err(Error::OtherArch { path: name.to_owned(), arch: binary.arch().go_name() });
    }
    Ok(binary)
}

/// The implementation of maps, and the numerator of the load factor over 2.
///
/// Source: runtime/map.go, `loadFactorNum`: in Go 1.21 an integer division made it 12 instead of 13.
fn growth_rules(binary: &Binary<'_>, name: &str) -> Result<(MapImpl, u32), Error> {
    const KNOWN: std::ops::RangeInclusive<u16> = 18..=27;
    let unknown = |found: String| Error::UnknownVersion { path: name.to_owned(), found };
    let says =
        || binary.build_info().map_or("no build info".to_owned(), |info| info.go_version.clone());
    let release = binary.release().ok_or_else(|| unknown(says()))?;
    if !KNOWN.contains(&release.min()) || !KNOWN.contains(&release.max()) {
        return Err(unknown(says()));
    }
    let Some(map_impl) = binary.map_impl() else {
        return Err(Error::NoGrowthFunction { path: name.to_owned(), why: String::new() });
    };
    let may_be_121 = release.min() <= 21 && 21 <= release.max();
    match map_impl {
        MapImpl::Classic if may_be_121 && release.exact().is_none() => Err(unknown(format!(
            "{}; somewhere from 1.{} to 1.{}",
            says(),
            release.min(),
            release.max()
        ))),
        MapImpl::Classic if may_be_121 => Ok((map_impl, 12)),
        _ => Ok((map_impl, 13)),
    }
}

fn no_growth_function(name: &str, points: &Points) -> Error {
    let why = if points.n_unprobed > 0 {
        format!(
            " that can be probed: {} inlined copies are of a form that is not known",
            points.n_unprobed
        )
    } else {
        String::new()
    };
    Error::NoGrowthFunction { path: name.to_owned(), why }
}

/// Difference between addresses in a process and in the ELF file; `None` when the process has not mapped it yet.
fn bias_of(pid: u32, path: &Path, binary: &Binary<'_>) -> Option<u64> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
    let exe = fs::read_link(target::exe_of(pid)).ok().or_else(|| Some(path.to_owned()))?;
    let exe = exe.to_string_lossy().into_owned();
    maps.lines().find_map(|line| {
        let mut fields = line.split_whitespace();
        let (start, _) = fields.next()?.split_once('-')?;
        let permissions = fields.next()?;
        let offset = fields.next()?;
        // Device, inode, then the path, which may have spaces.
        let at = line.find('/')?;
        let hex = |text: &str| u64::from_str_radix(text, 16).ok();
        if !permissions.contains('x') || line[at..] != exe {
            return None;
        }
        let link = binary.link_addr(gobin::FileOffset(hex(offset)?))?;
        Some(hex(start)?.wrapping_sub(link.0))
    })
}

/// How the kernel side is to count in a mode.
fn counting(mode: Mode, max_frames: u32) -> Control {
    let all = Control { is_paused: 0, precision: 0, walk_below: u32::MAX, max_frames };
    match mode {
        Mode::Exact => all,
        Mode::SampledStacks { log2 } => {
            Control { precision: log2.into(), walk_below: u32::MAX >> log2, ..all }
        }
        // Few stacks: what probes cost while they are there has to be taken out of the estimate, and is not known well.
        Mode::Windows => {
            Control { precision: PRECISION_WINDOW, walk_below: u32::MAX >> WINDOW_LOG2, ..all }
        }
    }
}

fn seed() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(1, |time| time.as_nanos() as u64)
}

/// CPU time of all processes recorded, those that have ended included.
#[derive(Debug)]
struct CpuClock {
    last: std::collections::HashMap<u32, u64>,
    sum_ns: u64,
}

impl CpuClock {
    /// Processes that run already are counted from now on, those to come from their start.
    fn starting_with(pids: &[u32]) -> Self {
        let now = pids.iter().filter_map(|&pid| Some((pid, system::process_cpu_ns(pid)?)));
        Self { last: now.collect(), sum_ns: 0 }
    }

    /// CPU time up to now. Units: nanoseconds.
    fn read(&mut self, pids: impl Iterator<Item = u32>) -> u64 {
        for pid in pids {
            let Some(now) = system::process_cpu_ns(pid) else { continue };
            let before = self.last.insert(pid, now).unwrap_or(0);
            self.sum_ns += now.saturating_sub(before);
        }
        self.sum_ns
    }
}

struct Session<'s> {
    kernel: Kernel,
    found: &'s Found,
    points: &'s Points,
    governor: Governor,
    costs: Costs,
    max_frames: u32,
    /// Counters before the recording began.
    baseline: Counters,
    cpu: CpuClock,
    links: Option<ProbeLinks>,
    /// What was taken out of the kernel's tables.
    counts: Counts,
    started: Instant,
    started_at: SystemTime,
    /// By mode: exact, sampled stacks, windows.
    time_in: [Duration; 3],
    memory_types: profile::MemoryTypes,
    child: Option<Child>,
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
    /// By clocks that are not behind, where there are some. Units: nanoseconds.
    exact_ns: Option<u64>,
}

impl Session<'_> {
    fn run(
        &mut self,
        options: &Options,
        signals: &OwnedFd,
        binary: &Binary<'_>,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<Ending, Error> {
        let mut waiter = Waiter::new(options, signals, self.found, self.started);
        let mut last = self.mark();
        let mut reported = Instant::now();
        let mut next_look = Instant::now();
        loop {
            let ending = if self.governor.mode() == Mode::Windows {
                self.window(&mut waiter, &mut last)?
            } else {
                waiter.wait(TICK).or_else(|| {
                    self.tick(&mut last);
                    None
                })
            };
            let now = Instant::now();
            if now >= next_look || ending.is_some() {
                self.memory_types.look(&self.kernel.map_types(), &self.kernel.processes(), binary);
                next_look = now + now.elapsed() * LOOKING;
            }
            if let Some(ending) = ending {
                self.tick(&mut last);
                return Ok(ending);
            }
            if self.kernel.is_filling() {
                self.drain(binary);
            }
            if reported.elapsed() >= REPORT {
                reported = Instant::now();
                progress(&self.progress());
            }
            if waiter.all_ended_but_command(self.found, &mut self.child) {
                return Ok(Ending::Exit);
            }
        }
    }

    /// Makes room in the kernel's tables.
    fn drain(&mut self, binary: &Binary<'_>) {
        self.memory_types.look(&self.kernel.map_types(), &self.kernel.processes(), binary);
        self.kernel.drain(&mut self.counts, &|pid| system::process_cpu_ns(pid).is_none());
    }

    /// The calibration hit probes in the recorder itself.
    fn pids(&self) -> impl Iterator<Item = u32> + use<> {
        let own = std::process::id();
        self.kernel.processes().into_keys().filter(move |&pid| pid != own)
    }

    fn mark(&mut self) -> Mark {
        let cpu_ns = self.cpu.read(self.pids());
        Mark { counters: self.kernel.counters(), cpu_ns, at: Instant::now() }
    }

    /// Starts or ends counting. The recorder may itself have to wait for a CPU on the way: the switch is taken to
    /// happen in the middle between the clock's times before and after it.
    fn switch(&mut self, control: Control, clocks: Option<&TaskClocks>) -> Result<Switch, Error> {
        let time = || clocks.and_then(|clocks| clocks.read().ok());
        let before = (self.mark(), time());
        self.kernel.control(control)?;
        let after = (time(), self.mark());
        let cpu_ns = u64::midpoint(before.0.cpu_ns, after.1.cpu_ns);
        let counted = if control.is_paused == 0 { before.0 } else { after.1 };
        let exact_ns = before.1.zip(after.0).map(|(before, after)| u64::midpoint(before, after));
        Ok(Switch { mark: Mark { cpu_ns, ..counted }, exact_ns })
    }

    /// Counts of a stretch in which every event was seen, and the mode that follows from it; or the last gap.
    fn tick(&mut self, last: &mut Mark) {
        let now = self.mark();
        let mode = self.governor.mode();
        self.time_in[mode_idx(mode)] += now.at - last.at;
        if mode == Mode::Windows {
            self.governor.end(&between(last, &now));
            *last = now;
            return;
        }
        let next = self.governor.observe(&between(last, &now));
        *last = now;
        if next != mode {
            self.enter(next);
        }
    }

    fn counting(&self, mode: Mode) -> Control {
        counting(mode, self.max_frames)
    }

    fn enter(&mut self, mode: Mode) {
        if mode == Mode::Windows {
            // Seen from here on only in windows.
            let _ = self.kernel.control(Control { is_paused: 1, ..self.counting(mode) });
            self.links = None;
        } else {
            let _ = self.kernel.control(self.counting(mode));
        }
    }

    /// A gap, then a window. Leaves the probes in place when the mode is no longer windows.
    fn window(
        &mut self,
        waiter: &mut Waiter<'_>,
        last: &mut Mark,
    ) -> Result<Option<Ending>, Error> {
        let gap_cpu_ns = self.governor.gap_cpu_ns();
        let gap_start = Instant::now();
        // In steps, because the gap is one of the program's CPU time, which passes at its own speed.
        let mut ending = None;
        while ending.is_none() && gap_start.elapsed() < Governor::max_gap() {
            let used = (self.mark().cpu_ns - last.cpu_ns) as f64;
            if used >= gap_cpu_ns {
                break;
            }
            let wall = gap_start.elapsed().as_nanos() as f64;
            let speed = (used / wall.max(1.0)).clamp(0.01, 64.0);
            let rest = Duration::from_nanos(((gap_cpu_ns - used) / speed) as u64);
            ending = waiter.wait(rest.clamp(Duration::from_millis(1), TICK * 5));
        }
        if ending.is_some() {
            return Ok(ending);
        }
        let paused = Control { is_paused: 1, ..self.counting(Mode::Windows) };
        let links = self.kernel.attach(&self.found.path, &self.found.scopes, &self.points.growth);
        // A process that just ended cannot be attached to.
        let Ok(links) = links else { return Ok(waiter.wait(TICK)) };
        let clocks = TaskClocks::start(self.pids()).ok();
        let opened = self.switch(self.counting(Mode::Windows), clocks.as_ref())?;
        let ending = waiter.wait(WINDOW);
        let closed = self.switch(paused, clocks.as_ref())?;
        self.time_in[mode_idx(Mode::Windows)] += closed.mark.at - last.at;
        let mut window = between(&opened.mark, &closed.mark);
        if let Some((from, to)) = opened.exact_ns.zip(closed.exact_ns) {
            window.cpu_ns = to.saturating_sub(from);
        }
        let mode = self.governor.observe_window(&between(last, &opened.mark), &window);
        *last = closed.mark;
        if mode == Mode::Windows {
            drop(links);
        } else {
            self.links = Some(links);
            self.enter(mode);
        }
        Ok(ending)
    }

    fn totals(&self) -> Interval {
        let now =
            Mark { counters: self.kernel.counters(), cpu_ns: self.cpu.sum_ns, at: Instant::now() };
        between(&Mark { counters: self.baseline, cpu_ns: 0, at: now.at }, &now)
    }

    fn count(&self, counters: &Counters, counter: u32) -> u64 {
        counters[counter as usize] - self.baseline[counter as usize]
    }

    fn n_lost(&self, counters: &Counters) -> u64 {
        [COUNT_READ_FAULTS, COUNT_TABLE_FULL, COUNT_SAMPLES_LOST]
            .iter()
            .map(|&counter| self.count(counters, counter))
            .sum()
    }

    fn overhead(&self) -> f64 {
        let totals = self.totals();
        totals.probe_ns(&self.costs) / totals.own_cpu_ns(&self.costs).max(1.0)
    }

    /// Growths by now, as far as they can be told before everything is added up.
    fn n_grows(&self, counters: &Counters) -> u64 {
        let windows = self.governor.windows();
        let seen = self.count(counters, COUNT_WALKED) + self.count(counters, COUNT_STACKLESS);
        let events = seen.saturating_sub(windows.n_seen) as f64 + windows.estimate;
        let makes = self.count(counters, COUNT_MAKES).min(seen) as f64 / seen.max(1) as f64;
        (events * (1.0 - makes)).round() as u64
    }

    fn progress(&self) -> Progress {
        let counters = self.kernel.counters();
        Progress::Counts {
            elapsed: self.started.elapsed(),
            n_grows: self.n_grows(&counters),
            n_samples: self.count(&counters, COUNT_SAMPLES),
            n_lost: self.n_lost(&counters) + self.count(&counters, COUNT_STACKS_LOST),
            overhead: self.overhead(),
            mode: self.governor.mode().name(),
        }
    }

    fn finish(
        mut self,
        options: &Options,
        ending: Ending,
        binary: &Binary<'_>,
        map_impl: MapImpl,
    ) -> Result<Recording, Error> {
        let elapsed = self.started.elapsed();
        self.links = None;
        let counters = self.kernel.counters();
        let counters: Vec<u64> =
            (0..counters.len() as u32).map(|idx| self.count(&counters, idx)).collect();
        self.kernel.drain(&mut self.counts, &|_| true);
        let facts = Facts {
            program: self.found.name.clone(),
            path: self.found.path.clone(),
            map_impl,
            started_at: self.started_at,
            elapsed,
            ending,
            sample_hz: options.sample_hz,
            max_overhead: options.max_overhead,
            overhead: self.overhead(),
            costs: self.costs,
            links: self.kernel.links_name(),
            n_probes: self.points.n_growth(),
            n_inlined: self.points.n_inlined,
            n_unprobed: self.points.n_unprobed,
            time_in: self.time_in,
            windows: self.governor.windows(),
            counters: &counters,
        };
        Ok(profile::build(&self.counts, &self.memory_types, binary, &facts))
    }
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
        cpu_ns: to.cpu_ns.saturating_sub(from.cpu_ns),
        n_walked: count(COUNT_WALKED),
        n_stackless: count(COUNT_STACKLESS),
        n_frames: count(COUNT_FRAMES),
        n_ignored: count(COUNT_IGNORED) + count(COUNT_CHECKS),
        event_ns: count(COUNT_EVENT_NS),
    }
}

/// Waits for time, signals and the end of processes.
struct Waiter<'w> {
    signals: &'w OwnedFd,
    stop: Option<&'w AtomicBool>,
    /// Of the processes recorded from the start; an entry goes when its process ends.
    pidfds: Vec<OwnedFd>,
    /// Whether the recording ends with these processes.
    ends_with_processes: bool,
    deadline: Option<Instant>,
}

impl<'w> Waiter<'w> {
    fn new(options: &'w Options, signals: &'w OwnedFd, found: &Found, started: Instant) -> Self {
        let is_all = found.scopes.contains(&Scope::All);
        let pids = if is_all { &[][..] } else { &found.pids };
        Self {
            signals,
            stop: options.stop.as_deref(),
            pidfds: pids.iter().filter_map(|&pid| system::open_pidfd(pid).ok()).collect(),
            ends_with_processes: !is_all,
            deadline: options.duration.map(|duration| started + duration),
        }
    }

    fn wait(&mut self, time: Duration) -> Option<Ending> {
        let until = Instant::now() + time;
        loop {
            if self.ends_with_processes && self.pidfds.is_empty() {
                return Some(Ending::Exit);
            }
            if self.stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) {
                return Some(Ending::Duration);
            }
            let now = Instant::now();
            if self.deadline.is_some_and(|deadline| deadline <= now) {
                return Some(Ending::Duration);
            }
            let end = self.deadline.map_or(until, |deadline| deadline.min(until));
            let rest = end.saturating_duration_since(now);
            if rest.is_zero() {
                return None;
            }
            let mut fds = vec![self.signals];
            fds.extend(&self.pidfds);
            let readable = system::wait_readable(&fds, rest);
            if readable[0] {
                return Some(Ending::Signal);
            }
            let mut ended = readable[1..].iter();
            self.pidfds.retain(|_| !ended.next().copied().unwrap_or(false));
        }
    }

    /// Whether the command that was started has ended, when it is not itself what is recorded.
    fn all_ended_but_command(&self, found: &Found, child: &mut Option<Child>) -> bool {
        let is_all = found.scopes.contains(&Scope::All);
        is_all
            && child
                .as_mut()
                .is_some_and(|child| child.try_wait().is_ok_and(|status| status.is_some()))
    }
}
