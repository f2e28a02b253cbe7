//! Events as they are handed out: resolved, in order, with their context.

use gotrace::format::{MAX_TIMED_ARGS, NONE, some_id};
use gotrace::{Ev, GoId, ProcId, StackId, StrId, ThreadId, Time};

/// A user's task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub u64);

/// Something that happened.
///
/// Strings and stacks are those of the generation that the event came with: [`crate::Ordered::tables`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event {
    /// Later than that of the event before: where the clock says otherwise, one nanosecond later.
    pub time: Time,
    /// What the clock said. Durations are differences of these.
    pub recorded: Time,
    pub(crate) context: Context,
    /// Stack of the goroutine that ran when it happened.
    pub stack: StackId,
    /// What happened.
    pub kind: EventKind,
}

impl Event {
    /// The goroutine that ran when it happened; before the event, when the event changes it.
    pub fn goroutine(&self) -> Option<GoId> {
        some_id(self.context.goroutine).map(GoId)
    }

    /// The proc it happened on; before the event, when the event changes it.
    pub fn proc(&self) -> Option<ProcId> {
        some_id(self.context.proc).map(ProcId)
    }

    /// The thread it happened on.
    pub fn thread(&self) -> Option<ThreadId> {
        some_id(self.context.thread).map(ThreadId)
    }
}

/// Thread, proc and goroutine as on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Context {
    pub(crate) thread: u64,
    pub(crate) proc: u64,
    pub(crate) goroutine: u64,
}

impl Context {
    pub(crate) const NONE: Self = Self { thread: NONE, proc: NONE, goroutine: NONE };
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum EventKind {
    /// A generation begins, or the trace ends: whatever existed was named until here.
    Sync {
        /// Counts from 1.
        n: u32,
    },
    /// A number was sampled.
    Metric {
        /// Which.
        metric: Metric,
        /// Units: those of the metric.
        value: u64,
    },
    /// The goroutine got a label; the workers of the garbage collector do.
    Label {
        /// Label.
        label: StrId,
    },
    /// The CPU profiler looked.
    CpuSample,
    /// A range begins.
    RangeBegin(Range),
    /// A range goes on that began earlier.
    RangeActive(Range),
    /// A range ends.
    RangeEnd(Range),
    /// A task begins.
    TaskBegin(Task),
    /// A task ends.
    TaskEnd(Task),
    /// A region begins.
    RegionBegin(Region),
    /// A region ends.
    RegionEnd(Region),
    /// The program logged a message.
    Log {
        /// Task; `TaskId(0)` is the background.
        task: TaskId,
        /// Category.
        category: StrId,
        /// Message.
        message: StrId,
    },
    /// A goroutine changes its state, or is named in its state.
    Go {
        /// Goroutine.
        goroutine: GoId,
        /// State before.
        from: GoState,
        /// State after.
        to: GoState,
        /// Why.
        reason: StrId,
        /// Stack of this goroutine, or where it starts.
        stack: StackId,
    },
    /// A proc changes its state, or is named in its state.
    Proc {
        /// Proc.
        proc: ProcId,
        /// State before.
        from: ProcState,
        /// State after.
        to: ProcState,
    },
    /// An event of an experiment.
    Experimental {
        /// Type.
        ev: Ev,
        /// As in the table, without `dt`.
        args: [u64; MAX_TIMED_ARGS],
    },
}

/// A sampled number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// GOMAXPROCS.
    Procs,
    /// Live heap and what was allocated since. Units: bytes.
    HeapLive,
    /// Where the garbage collector wants to be done; 0 when it is off. Units: bytes.
    HeapGoal,
}

/// A range of time in which something goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// All goroutines are stopped.
    StopTheWorld {
        /// The one that stopped them.
        goroutine: Option<GoId>,
        /// Why.
        reason: StrId,
    },
    /// The garbage collector marks, beside the program.
    GcMark,
    /// A proc sweeps spans before it allocates.
    Sweep {
        /// Proc.
        proc: Option<ProcId>,
        /// Units: bytes; in the event that ends it.
        swept_bytes: u64,
        /// Units: bytes; in the event that ends it.
        reclaimed_bytes: u64,
    },
    /// A goroutine marks, in payment for what it allocates.
    MarkAssist {
        /// Goroutine.
        goroutine: Option<GoId>,
    },
}

/// A task of package runtime/trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Task {
    /// Task.
    pub id: TaskId,
    /// The one that it is a part of, where its beginning was seen.
    pub parent: Option<TaskId>,
    /// Type; empty where its beginning was not seen.
    pub name: StrId,
}

/// A region of package runtime/trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// Task; `TaskId(0)` is the background.
    pub task: TaskId,
    /// Type.
    pub name: StrId,
}

/// State of a goroutine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GoState {
    /// Not known yet.
    Undetermined,
    /// Not there.
    NotExist,
    /// Could run.
    Runnable,
    /// Runs.
    Running,
    /// Waits.
    Waiting,
    /// In a system call.
    Syscall,
}

/// State of a proc.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProcState {
    /// Not known yet.
    Undetermined,
    /// Not there.
    NotExist,
    /// Held by a thread.
    Running,
    /// Free.
    Idle,
}
