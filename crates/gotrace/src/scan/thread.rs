//! What a thread's own events say about it.

use super::observe::{Run, StopTheWorld, Sweep};
use super::some_goroutine;
use crate::ids::{GoId, NONE, ThreadId, Time, some_id};
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
    assist: InRun,
}

/// What a run showed of assists so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InRun {
    /// Nothing: if one goes on, it began earlier and does not end here.
    Nothing,
    /// One goes on since then.
    Since(Time),
    /// None goes on.
    Ended,
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

/// A part of a run in which the goroutine was in an assist that began before, or did not end in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct AssistPart {
    pub(super) goroutine: u64,
    pub(super) start: Time,
    pub(super) end: Time,
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
    sweep: Option<OpenSweep>,
    stop: Option<OpenStop>,
}

impl ThreadState {
    pub(super) fn new(id: u64) -> Self {
        Self { id, run: None, carried: None, sweep: None, stop: None }
    }

    pub(super) fn begin_generation(&mut self) {
        self.carried = self.run.take();
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
        let (syscall_since, syscall_ns, label, assist) = (None, 0, None, InRun::Nothing);
        let run = OpenRun { goroutine, start, n, syscall_since, syscall_ns, label, assist };
        self.run = Some(run);
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
    pub(super) fn run_ends(&mut self, end: Time) -> Option<Run> {
        self.syscall_ends(end);
        let run = self.run.take()?;
        Some(Run {
            goroutine: GoId(run.goroutine),
            thread: some_id(self.id).map(ThreadId),
            start: run.start,
            end,
            syscall_ns: run.syscall_ns,
            label: run.label,
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
    fn assist_mark(&self, time: Time) -> AssistMark {
        let (goroutine, run) = self.run.map_or((NONE, 0), |run| (run.goroutine, run.n));
        AssistMark { goroutine, time, run }
    }

    pub(super) fn assist_begins(&mut self, time: Time) -> AssistMark {
        if let Some(run) = &mut self.run {
            run.assist = InRun::Since(time);
        }
        self.assist_mark(time)
    }

    /// Also returns the part of the run that belongs to an assist from an earlier run.
    pub(super) fn assist_ends(&mut self, end: Time) -> (AssistMark, Option<AssistPart>) {
        let mut part = None;
        if let Some(run) = &mut self.run {
            let was = std::mem::replace(&mut run.assist, InRun::Ended);
            let OpenRun { goroutine, start, .. } = *run;
            part = (was == InRun::Nothing).then_some(AssistPart { goroutine, start, end });
        }
        (self.assist_mark(end), part)
    }

    /// The part of the run, which ends, that belongs to an assist that goes on, if one does. Whether one does follows
    /// from the run, or else from the stack that it ends with; `Err` when the two say different things.
    #[inline]
    pub(super) fn assist_part(
        &self,
        end: Time,
        stack_is_in_assist: bool,
    ) -> Result<Option<AssistPart>, ()> {
        let Some(run) = &self.run else { return Ok(None) };
        let start = match (run.assist, stack_is_in_assist) {
            (InRun::Nothing, true) => run.start,
            (InRun::Since(start), true) => start,
            (InRun::Nothing | InRun::Ended, false) => return Ok(None),
            (InRun::Since(_), false) | (InRun::Ended, true) => return Err(()),
        };
        Ok(Some(AssistPart { goroutine: run.goroutine, start, end }))
    }
}

/// Statuses of goroutines on the wire.
const RUNNING: u64 = 2;
pub(super) const SYSCALL: u64 = 3;

/// Whether a status event says that its goroutine is on the thread of the event.
pub(super) fn is_here(thread: u64, named: u64, status: u64) -> bool {
    thread != NONE && (status == RUNNING || (status == SYSCALL && named == thread))
}
