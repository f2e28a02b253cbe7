//! What a scan finds, and who is told.

use crate::generation::CpuSample;
use crate::ids::{GoId, ThreadId, Time};
use crate::symbols::{Name, StackKey, Symbols};
use crate::tables::{StackId, StrId, Tables};

/// Is told what a scan finds. Each method may be left out.
pub trait Observer {
    /// A collection has ended.
    #[inline]
    fn gc_cycle(&mut self, _: &GcCycle) {}

    /// A stopped world runs again.
    #[inline]
    fn stop(&mut self, _: &StopTheWorld) {}

    /// An assist has ended.
    #[inline]
    fn assist(&mut self, _: &MarkAssist) {}

    /// A sweep has ended.
    #[inline]
    fn sweep(&mut self, _: &Sweep) {}

    /// The heap was measured. Units: bytes.
    #[inline]
    fn heap(&mut self, _: Time, _: Metric, _bytes: u64) {}

    /// A goroutine left its thread.
    #[inline]
    fn run(&mut self, _: &Run, _: RunEnd<'_, '_>) {}

    /// A goroutine blocks below a lock of package sync.
    #[inline]
    fn lock_wait_begins(&mut self, _: Time, _: GoId, _: StackKey) {}

    /// A goroutine that waited may run again, by an unlock of package sync.
    #[inline]
    fn lock_wait_ends(&mut self, _: Time, _: GoId) {}

    /// Everything that happened in a generation has been told.
    #[inline]
    fn generation_ends(&mut self) {}

    /// The CPU profiler looked. The stack in the sample is valid in its generation only, this one in the whole scan.
    #[inline]
    fn cpu_sample(&mut self, _: &CpuSample, _: StackKey) {}
}

/// What was measured of the heap. Units: bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Live heap and what was allocated since.
    HeapLive,
    /// Where the garbage collector wants to be done; 0 when it is off.
    HeapGoal,
}

/// A collection: the time in which the collector marks beside the program, from the end of the first stop to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GcCycle {
    /// When it began; when the trace did, if that was later.
    pub start: Time,
    /// Whether its beginning was seen.
    pub is_start_known: bool,
    /// When it ended.
    pub end: Time,
    /// The goroutine whose allocation began it.
    pub goroutine: Option<GoId>,
    /// Stack of that allocation.
    pub stack: StackKey,
}

/// A time in which all goroutines are stopped, from the request on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StopTheWorld {
    /// When they were asked to stop.
    pub start: Time,
    /// When they ran again.
    pub end: Time,
    /// Why, in Go's words.
    pub reason: Name,
    /// The goroutine that stopped the others.
    pub goroutine: Option<GoId>,
    /// Its stack.
    pub stack: StackKey,
}

/// A goroutine that pays for what it allocates by marking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarkAssist {
    /// Goroutine.
    pub goroutine: GoId,
    /// When it began; when the trace did, if that was later.
    pub start: Time,
    /// Whether its beginning was seen.
    pub is_start_known: bool,
    /// When it ended.
    pub end: Time,
    /// How long the goroutine ran meanwhile: it may be parked, or wait for a processor. Units: nanoseconds.
    pub on_cpu_ns: u64,
    /// Stack of the allocation.
    pub stack: StackKey,
}

/// A proc that sweeps spans before it gets one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sweep {
    /// When it began.
    pub start: Time,
    /// Whether its beginning was seen.
    pub is_start_known: bool,
    /// When it ended.
    pub end: Time,
    /// The goroutine that needed the span.
    pub goroutine: Option<GoId>,
    /// Stack of the allocation.
    pub stack: StackKey,
    /// Units: bytes.
    pub swept_bytes: u64,
    /// Units: bytes.
    pub reclaimed_bytes: u64,
}

/// A goroutine on a thread without interruption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Goroutine.
    pub goroutine: GoId,
    /// Thread.
    pub thread: Option<ThreadId>,
    /// When it began; when it was named, if that was later.
    pub start: Time,
    /// When it ended.
    pub end: Time,
    /// The part in system calls. Units: nanoseconds.
    pub syscall_ns: u64,
    /// Label that it got in this run: workers of the garbage collector do.
    pub label: Option<Name>,
}

/// Why a goroutine left its thread.
#[derive(Debug)]
pub enum RunEnd<'r, 'a> {
    /// It yielded, or was preempted.
    Stopped(Why<'r, 'a>),
    /// It waits.
    Blocked(Why<'r, 'a>),
    /// It came back from a system call without a proc.
    LostProc,
    /// It let a coroutine go on.
    Switched,
    /// It ended.
    Ended,
}

/// Reason and stack, looked up when they are asked for.
#[derive(Debug)]
pub struct Why<'r, 'a> {
    pub(super) reason: StrId,
    pub(super) stack: StackId,
    pub(super) tables: &'r Tables<'a>,
    pub(super) symbols: &'r mut Symbols,
}

impl Why<'_, '_> {
    /// In Go's words.
    pub fn reason(&mut self) -> Name {
        self.symbols.name(self.tables, self.reason)
    }

    /// Where the goroutine was.
    pub fn stack(&mut self) -> StackKey {
        self.symbols.stack(self.tables, self.stack)
    }
}
