//! Windows: when growth probes are in place for some milliseconds only.

use std::collections::HashMap;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use goproc::{Pid, Scheduled};

use super::heartbeat::LATE;
use super::part::{Mark, between};
use super::tables::COLLECT_WINDOWS;
use super::{Recorder, counting, mode_idx};
use crate::clocks::CpuClock;
use crate::error::Error;
use crate::governor::{Interval, Mode, Plan, SLOWEST};
use crate::kernel::ProbeLinks;
use crate::points::Probe;
use crate::process::ProcessKey;
use crate::record_layout::{
    COUNT_PACE_NS, COUNT_PACES, COUNT_THREADS_LOST, GrowKey, PRECISION_WINDOW, ThreadCount,
};
use crate::system::TaskClocks;
use crate::tally::OfWindow;
use crate::windows::{Busy, Weight, Window};

/// One window in so many measures what a trap costs.
const PACED: u64 = 8;

/// How long a window that is not far enough goes on at least: looking takes time, too.
const LEAST_WAIT: Duration = Duration::from_micros(500);

/// How many times longer a thread took for what it did in `cpu_ns`, part of which went to probes.
fn slow_down(cpu_ns: f64, count: &ThreadCount, trap_ns: f64) -> f64 {
    cpu_ns / (cpu_ns - probes_ns(count, trap_ns)).max(cpu_ns * LEAST_OWN)
}

/// What probes took of a thread's time.
fn probes_ns(count: &ThreadCount, trap_ns: f64) -> f64 {
    (count.n + count.n_paces) as f64 * trap_ns + count.event_ns as f64
}

/// The same of a thread without a clock, as if it ran all the time between its first event and its last; `None` when it
/// had one only.
fn slow_down_between(count: &ThreadCount, trap_ns: f64) -> Option<f64> {
    let span_ns = count.until.checked_sub(count.since).filter(|&ns| ns > 0)? as f64;
    let n_between = count.n.checked_sub(1).filter(|&n| n > 0)? as f64;
    let between_ns = probes_ns(count, trap_ns) / count.n as f64 * n_between;
    // The trap to the first was before it.
    let inside_ns = between_ns + count.event_ns as f64 / count.n as f64;
    let own_ns = (span_ns - inside_ns).max(span_ns * LEAST_OWN);
    Some(1.0 + between_ns / own_ns)
}

/// What the threads that grow maps do in a window, in the mean over what they grow.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Growing {
    /// How many times longer they take for what they do.
    slowed: f64,
    /// Part of the window in which they run.
    running: f64,
    /// Part of the growths by threads without a clock, which may be slowed down by more.
    unclocked: f64,
}

impl Growing {
    /// Of the events of each thread, and its CPU time in the window where there is a clock.
    fn of(
        threads: impl Iterator<Item = (ThreadCount, Option<f64>)>,
        wall_ns: f64,
        trap_ns: f64,
    ) -> Self {
        let (mut n, mut slowed, mut running, mut unclocked) = (0.0, 0.0, 0.0, 0.0);
        for (count, clock) in threads {
            let events = count.n as f64;
            n += events;
            slowed += events
                * match clock {
                    Some(cpu_ns) => slow_down(cpu_ns, &count, trap_ns),
                    // Of one event alone nothing can be said, and it makes next to no difference.
                    None => slow_down_between(&count, trap_ns).unwrap_or(1.0),
                };
            running += events * (clock.unwrap_or(wall_ns) / wall_ns.max(1.0)).min(1.0);
            unclocked += if clock.is_none() { events } else { 0.0 };
        }
        if n == 0.0 {
            // Where nothing grew, nothing was slowed down.
            return Self { slowed: 1.0, running: 1.0, unclocked: 0.0 };
        }
        Self { slowed: slowed / n, running: running / n, unclocked: unclocked / n }
    }

    /// Where it is not known which threads grow maps, and so not what their clocks say.
    fn without_clocks(self) -> Self {
        Self { unclocked: 1.0, ..self }
    }
}

/// Part of its CPU time that a thread has for itself at least, whatever the clocks say.
const LEAST_OWN: f64 = 0.05;

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

/// Probes on their way out: the program no longer meets them, but the kernel takes some ten milliseconds to forget them.
#[derive(Debug, Default)]
pub(super) struct Detaching {
    threads: Vec<JoinHandle<()>>,
}

impl Detaching {
    pub(super) fn begin(&mut self, links: ProbeLinks) {
        self.threads.retain(|thread| !thread.is_finished());
        // Where there can be no thread, they are dropped with the closure.
        self.threads.extend(std::thread::Builder::new().spawn(move || drop(links)));
    }

    pub(super) fn wait(&mut self) {
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Recorder {
    /// Puts the growth probes back.
    pub(super) fn attach_again(&mut self, more: &[Probe]) -> Result<ProbeLinks, Error> {
        // Those of the last window: where both stood, growths would count twice.
        self.detaching.wait();
        // Waiting and attaching may take long, and the probe that stays in gaps goes on counting.
        self.beat()?;
        let probes = [&self.points.growth[..], more].concat();
        self.kernel.attach(&self.found.file.path, &self.scopes(), &probes)
    }

    /// Clocks of threads, where they are known.
    fn task_clocks(&mut self) -> Result<Option<TaskClocks>, Error> {
        if self.reach.is_proc_foreign {
            return Ok(None);
        }
        // With the first of all clocks the kernel changes its own code, and again some time after the last is gone. One that
        // stays spares it that in each window.
        if self.lasting_clock.is_none() {
            self.lasting_clock = TaskClocks::start(std::iter::once(std::process::id())).ok();
        }
        Ok(TaskClocks::start(self.pids()?.into_iter()).ok())
    }

    /// A window.
    pub(super) fn window(&mut self) -> Result<(), Error> {
        let plan = self.next_window;
        let scheduled = self.scheduled_since()?;
        let begun = Instant::now();
        let is_paced = self.n_windows.is_multiple_of(PACED);
        self.n_windows += 1;
        let paces = if is_paced { self.points.paces.clone() } else { Vec::new() };
        let links = self.attach_again(&paces)?;
        // Not before, as they make each switch of threads cost more.
        let clocks = self.task_clocks()?;
        let usual = self.attaching;
        // We may have stood still in it.
        self.attaching = begun.elapsed().min(usual + LATE);
        self.kernel.forget_threads()?;
        let opened = self.switch(true, clocks.as_ref())?;
        let gap = between(&self.last, &opened.mark);
        let late_before = std::mem::take(&mut self.late);
        self.wait_for_progress(&opened, clocks.as_ref(), plan.length)?;
        let closed = self.switch(false, clocks.as_ref())?;
        drop(clocks);
        let late = std::mem::take(&mut self.late);
        let seen = opened.until(&closed);
        let more = |counter: u32| {
            closed.mark.counters[counter as usize] - opened.mark.counters[counter as usize]
        };
        self.governor.learn_traps(more(COUNT_PACE_NS), more(COUNT_PACES));
        self.part.time_in[mode_idx(Mode::Windows)] += closed.mark.at - self.last.at;
        self.last = closed.mark;
        let growing = self.growing(&opened, &closed)?;
        let progress_ns = seen.wall_ns as f64 / growing.slowed;
        self.governor.observe_window(&gap, &self.charged(&seen), progress_ns);
        self.closed_at = closed.mark.at;
        self.next_window = self.governor.plan();
        self.detaching.begin(links);
        let window = Window { scheduled, ..self.measured(plan, &opened, &closed, &growing) };
        let before = self.gap_before(&gap, late_before, usual);
        if closed.mark.has_more_frozen(&opened.mark) {
            self.part.frozen += late;
            self.part.windows.add_blind(window.own_ns);
            return self.take_window(None, before.0);
        }
        let (gap_own_ns, before) = before;
        let is_cut_short = progress_ns < plan.length.as_nanos() as f64 / 4.0;
        let window = Window { gap_own_ns, before, ..window };
        self.take_window(Some(window).filter(|_| !is_cut_short), gap_own_ns + window.own_ns)
    }

    /// How long a window was in what its events stand for, and how the program ran there; without what came before.
    fn measured(&self, plan: Plan, opened: &Switch, closed: &Switch, growing: &Growing) -> Window {
        let costs = self.governor.costs();
        let seen = opened.until(closed);
        let (wall_ns, cpu_ns, own_ns) =
            (seen.wall_ns as f64, seen.cpu_ns as f64, seen.own_cpu_ns(costs));
        let Growing { slowed, running, unclocked } = *growing;
        let window = Window {
            aim: plan.mean_gap.as_nanos() as f64 / wall_ns.max(1.0),
            slowed,
            running,
            unclocked,
            trap_part: seen.trap_ns(costs) / seen.probe_ns(costs).max(1.0),
            ..Window::default()
        };
        if self.found.is_all() {
            // The clock of the gaps: those of threads do not know all processes.
            let busy = Busy::of_window(&between(&opened.mark, &closed.mark), costs);
            return Window { cpu_ns: wall_ns, own_ns: wall_ns / slowed, busy, ..window };
        }
        let (probe_ns, busy) = (cpu_ns - own_ns, Busy::of_window(&seen, costs));
        Window { cpu_ns, own_ns, probe_ns, busy, ..window }
    }

    /// The part of a stretch that events stand for. Units: nanoseconds.
    pub(super) fn time_ns(&self, stretch: &Interval) -> f64 {
        // Of processes that come and go the CPU time of a short time is not known.
        if self.found.is_all() {
            stretch.wall_ns as f64
        } else {
            stretch.own_cpu_ns(self.governor.costs())
        }
    }

    /// What the governor is told of a window: where samples are the clock, one is too short for them.
    fn charged(&self, seen: &Interval) -> Interval {
        match self.cpu {
            CpuClock::Processes { .. } => *seen,
            CpuClock::Samples { .. } => {
                Interval { cpu_ns: (seen.wall_ns as f64 * self.governor.speed()) as u64, ..*seen }
            }
        }
    }

    /// Of the threads that are named, since the last window.
    fn scheduled_since(&mut self) -> Result<Scheduled, Error> {
        if self.found.is_all() || self.reach.is_proc_foreign {
            return Ok(Scheduled::default());
        }
        let of_processes = self.pids()?.into_iter().filter_map(|pid| Pid(pid).scheduled());
        let now = of_processes.reduce(Scheduled::and);
        let before = std::mem::replace(&mut self.scheduled, now);
        Ok(now.zip(before).map_or(Scheduled::default(), |(now, before)| now.since(before)))
    }

    /// Threads that do other things are not slowed down, and have no part in it.
    fn growing(&self, opened: &Switch, later: &Switch) -> Result<Growing, Error> {
        let wall_ns = later.mark.at.saturating_duration_since(opened.mark.at).as_nanos() as f64;
        let threads = self.kernel.threads()?;
        let with_clocks = threads
            .into_iter()
            .map(|(tid, count)| (count, opened.thread_ns(later, tid).filter(|&ns| ns > 0.0)));
        let growing = Growing::of(with_clocks, wall_ns, self.governor.costs().trap_ns);
        let lost = COUNT_THREADS_LOST as usize;
        let has_lost = later.mark.counters[lost] > opened.mark.counters[lost];
        Ok(if has_lost { growing.without_clocks() } else { growing })
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
            self.wait(rest.max(LEAST_WAIT))?;
            let clocks = clocks.and_then(|clocks| clocks.read().ok());
            let now = Switch { mark: self.mark()?, clocks };
            let wall_ns = opened.until(&now).wall_ns as f64;
            let progress_ns = wall_ns / self.growing(opened, &now)?.slowed;
            rest = length.saturating_sub(Duration::from_nanos(progress_ns as u64));
            if self.processes.is_empty() && !self.found.is_all() {
                break;
            }
        }
        Ok(())
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

    /// Takes up a more exact mode where one fits by now.
    pub(super) fn reconsider(&mut self) -> Result<(), Error> {
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
    pub(super) fn end_gap(&mut self) -> Result<(), Error> {
        let gap = self.pass()?;
        self.part.time_in[mode_idx(Mode::Windows)] += Duration::from_nanos(gap.wall_ns);
        let late = std::mem::take(&mut self.late);
        let (own_ns, busy) = self.gap_before(&gap, late, self.attaching);
        self.part.windows.add_gap(own_ns, &busy);
        Ok(())
    }

    /// The stretch up to now, in which growths were not counted.
    pub(super) fn pass(&mut self) -> Result<Interval, Error> {
        let now = self.mark()?;
        let gap = between(&self.last, &now);
        self.last = now;
        self.governor.observe_gap(&gap);
        Ok(gap)
    }

    /// What was counted in the window that is closed; of one that the end of the program cut short, it stands for
    /// itself.
    fn take_window(&mut self, window: Option<Window>, time_ns: f64) -> Result<(), Error> {
        let mut taken = self.kernel.take_grows()?;
        self.count_taken(&taken);
        self.look_at(taken.iter().map(|(key, _)| (ProcessKey(key.process), key.map_type)))?;
        taken.retain(|(key, _)| self.owners.may_record(key.process));
        let is_of_window = |key: &GrowKey| u32::from(key.precision) == PRECISION_WINDOW;
        let (grows, others): (Vec<_>, Vec<_>) =
            taken.into_iter().partition(|(key, _)| is_of_window(key));
        let n_events = grows.iter().map(|(_, value)| value.n).sum();
        let windows = &mut self.part.windows;
        let (group, weight) = match window {
            Some(window) => (windows.add(&Window { n_events, ..window }), window.weight()),
            None => (windows.add_cut(n_events, time_ns), Weight::default()),
        };
        let waiting = &mut self.part.waiting;
        waiting.of_windows.push(OfWindow { group, weight, grows });
        waiting.others.extend(others);
        if waiting.of_windows.len() >= COLLECT_WINDOWS { self.collect() } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
