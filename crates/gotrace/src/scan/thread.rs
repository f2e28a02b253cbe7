//! What a thread's own events say about it.

use super::observe::{Run, RunEnd, StopTheWorld, Sweep};
use super::some_goroutine;
use crate::cursor::{Cursor, Timed};
use crate::generation::Batch;
use crate::ids::{GoId, NONE, ThreadId, Time, some_id};
use crate::spec::Ev;
use crate::symbols::{Name, StackKey};

/// A run that goes on.
#[derive(Debug, Clone, Copy)]
struct OpenRun {
    goroutine: u64,
    start: Time,
    /// Counts all runs of the trace, from 1.
    n: u64,
    syscall_since: Option<Time>,
    syscall_ns: u64,
    label: Option<Name>,
}

/// A sweep that goes on.
#[derive(Debug, Clone, Copy)]
struct OpenSweep {
    start: Time,
    is_start_known: bool,
    goroutine: u64,
    stack: StackKey,
}

/// A stop that goes on.
#[derive(Debug, Clone, Copy)]
struct OpenStop {
    start: Time,
    reason: Name,
    goroutine: u64,
    stack: StackKey,
}

/// Where an assist begins or ends: goroutine, time, and the run in which it does, 0 for none.
#[derive(Debug, Clone, Copy)]
pub(super) struct AssistMark {
    pub(super) goroutine: u64,
    pub(super) time: Time,
    pub(super) run: u64,
}

/// What is going on on a thread.
#[derive(Debug)]
pub(super) struct ThreadState {
    pub(super) id: u64,
    run: Option<OpenRun>,
    /// The run of the last generation, until this one names it.
    carried: Option<OpenRun>,
    /// As `carried`, for [`Self::each_run`].
    carried_goroutine: u64,
    /// Time of the last event of the last generation that had any.
    carried_until: Time,
    /// Time of the last event.
    pub(super) last: Time,
    sweep: Option<OpenSweep>,
    stop: Option<OpenStop>,
}

impl ThreadState {
    pub(super) fn new(id: u64) -> Self {
        let (carried_goroutine, last) = (NONE, Time(i64::MIN));
        let carried_until = last;
        let (run, carried, sweep, stop) = (None, None, None, None);
        Self { id, run, carried, carried_goroutine, carried_until, last, sweep, stop }
    }

    pub(super) fn begin_generation(&mut self) {
        self.carried = self.run.take();
        self.carried_goroutine = self.carried.map_or(NONE, |run| run.goroutine);
        self.carried_until = self.last;
    }

    /// A run that this generation did not name is lost: the thread had events, and none was its own.
    pub(super) fn end_generation(&mut self) {
        self.carried = None;
    }

    pub(super) fn goroutine(&self) -> Option<GoId> {
        self.run.map(|run| GoId(run.goroutine))
    }

    fn goroutine_id(&self) -> u64 {
        self.run.map_or(NONE, |run| run.goroutine)
    }

    #[inline]
    pub(super) fn run_begins(&mut self, goroutine: u64, start: Time, n: u64) {
        let (syscall_since, syscall_ns, label) = (None, 0, None);
        self.run = Some(OpenRun { goroutine, start, n, syscall_since, syscall_ns, label });
    }

    /// The generation names the goroutine that runs here: it has been, or from now on is known to.
    pub(super) fn run_is_named(&mut self, goroutine: u64, time: Time, n: u64, is_in_syscall: bool) {
        match self.carried.take() {
            Some(carried) if carried.goroutine == goroutine => self.run = Some(carried),
            _ => {
                self.run_begins(goroutine, time, n);
                if is_in_syscall {
                    self.syscall_begins(time);
                }
            }
        }
    }

    #[inline]
    pub(super) fn run_ends(&mut self, end: Time, ended: RunEnd) -> Option<Run> {
        self.syscall_ends(end);
        let run = self.run.take()?;
        Some(Run {
            goroutine: GoId(run.goroutine),
            thread: some_id(self.id).map(ThreadId),
            start: run.start,
            end,
            syscall_ns: run.syscall_ns,
            label: run.label,
            ended,
        })
    }

    pub(super) fn label(&mut self, label: Name) {
        if let Some(run) = &mut self.run {
            run.label = Some(label);
        }
    }

    #[inline]
    pub(super) fn syscall_begins(&mut self, time: Time) {
        if let Some(run) = &mut self.run {
            run.syscall_since = Some(time);
        }
    }

    #[inline]
    pub(super) fn syscall_ends(&mut self, time: Time) {
        if self.run.is_none() {
            // Another thread named it while it sat in the call.
            self.run = self.carried.take();
        }
        if let Some(run) = &mut self.run
            && let Some(since) = run.syscall_since.take()
        {
            run.syscall_ns = run.syscall_ns.saturating_add(time.ns_since(since));
        }
    }

    #[inline]
    pub(super) fn sweep_begins(&mut self, start: Time, stack: StackKey) {
        let goroutine = self.goroutine_id();
        self.sweep = Some(OpenSweep { start, is_start_known: true, goroutine, stack });
    }

    /// News when the trace begins inside the sweep.
    pub(super) fn sweep_goes_on(&mut self, start: Time) {
        let (is_start_known, goroutine) = (false, self.goroutine_id());
        let stack = StackKey::NONE;
        self.sweep.get_or_insert(OpenSweep { start, is_start_known, goroutine, stack });
    }

    #[inline]
    pub(super) fn sweep_ends(&mut self, end: Time, swept: u64, reclaimed: u64) -> Option<Sweep> {
        let OpenSweep { start, is_start_known, goroutine, stack } = self.sweep.take()?;
        let goroutine = some_goroutine(goroutine);
        let (swept_bytes, reclaimed_bytes) = (swept, reclaimed);
        Some(Sweep { start, is_start_known, end, goroutine, stack, swept_bytes, reclaimed_bytes })
    }

    pub(super) fn stop_begins(&mut self, start: Time, reason: Name, stack: StackKey) {
        let goroutine = self.goroutine_id();
        self.stop = Some(OpenStop { start, reason, goroutine, stack });
    }

    pub(super) fn stop_ends(&mut self, end: Time) -> Option<StopTheWorld> {
        let OpenStop { start, reason, goroutine, stack } = self.stop.take()?;
        Some(StopTheWorld { start, end, reason, goroutine: some_goroutine(goroutine), stack })
    }

    #[inline]
    pub(super) fn assist_mark(&self, time: Time) -> AssistMark {
        let (goroutine, run) = self.run.map_or((NONE, 0), |run| (run.goroutine, run.n));
        AssistMark { goroutine, time, run }
    }

    /// Calls `each` with goroutine, start and end of every run of a generation that has been gone through. A run that
    /// goes on ends with the last event, and begins there in the next generation.
    pub(super) fn each_run<'a>(
        &self,
        mut cursor: Cursor<'a>,
        batches: &[Batch<'a>],
        mut each: impl FnMut(u64, Time, Time),
    ) {
        let mut carried = self.carried_goroutine;
        let (mut goroutine, mut start) = (NONE, Time(0));
        let mut timed = Timed::ZERO;
        while let Ok(true) = cursor.next(batches, &mut timed) {
            let [first, second, third, _] = timed.args;
            let next = match timed.ev {
                Ev::GO_START | Ev::GO_SWITCH | Ev::GO_SWITCH_DESTROY | Ev::GO_CREATE_SYSCALL => {
                    first
                }
                Ev::GO_STOP
                | Ev::GO_BLOCK
                | Ev::GO_DESTROY
                | Ev::GO_DESTROY_SYSCALL
                | Ev::GO_SYSCALL_END_BLOCKED => NONE,
                Ev::GO_STATUS | Ev::GO_STATUS_STACK if is_here(self.id, second, third) => {
                    let is_carried = std::mem::replace(&mut carried, NONE) == first;
                    goroutine = first;
                    start = if is_carried { self.carried_until } else { timed.time };
                    continue;
                }
                _ => continue,
            };
            if goroutine != NONE {
                each(goroutine, start, timed.time);
            }
            (goroutine, start) = (next, timed.time);
        }
        if goroutine != NONE {
            each(goroutine, start, timed.time);
        }
    }
}

/// Statuses of goroutines on the wire.
const RUNNING: u64 = 2;
pub(super) const SYSCALL: u64 = 3;

/// Whether a status event says that its goroutine is on the thread of the event.
pub(super) fn is_here(thread: u64, named: u64, status: u64) -> bool {
    thread != NONE && (status == RUNNING || (status == SYSCALL && named == thread))
}
