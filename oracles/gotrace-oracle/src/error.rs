//! What can be wrong with a trace beyond its bytes, and where.

use gotrace::Ev;
use thiserror::Error;
use wire::Fault;

/// A defect with its place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{kind} (at byte {offset})")]
pub struct Error {
    /// Units: bytes from the start of the trace, or of its text form.
    pub offset: u64,
    /// What is wrong.
    pub kind: ErrorKind,
}

/// The defects.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Bytes that no reader can make sense of.
    #[error(transparent)]
    Format(#[from] gotrace::ErrorKind),
    /// An event that contradicts what happened before.
    #[error("{} contradicts what was before: {why}; the rest of generation {generation} was dropped", name(*ev))]
    Contradiction {
        /// The event.
        ev: Ev,
        /// Number of the generation.
        generation: u64,
        /// What it contradicts.
        why: Contradiction,
    },
    /// No thread's next event can come next.
    #[error(
        "the order of {n_lost} events of generation {generation} cannot be told; they were dropped"
    )]
    Stuck {
        /// Number of the generation.
        generation: u64,
        /// Events left over.
        n_lost: u64,
    },
    /// The text form of a trace is wrong.
    #[error("text form: {0}")]
    Text(TextFault),
}

/// Why an event cannot have happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Contradiction {
    /// The event belongs to a thread.
    #[error("it has no thread")]
    NoThread,
    /// The event needs a proc.
    #[error("its thread has no proc")]
    NoProc,
    /// The event needs a goroutine.
    #[error("its thread runs no goroutine")]
    NoGoroutine,
    /// The event needs a thread that runs nothing.
    #[error("its thread runs a goroutine")]
    HasGoroutine,
    /// The goroutine is in another state.
    #[error("goroutine {0} is in another state")]
    GoroutineState(u64),
    /// The goroutine is there already.
    #[error("goroutine {0} exists already")]
    GoroutineExists(u64),
    /// The goroutine was never seen.
    #[error("goroutine {0} was never seen")]
    UnknownGoroutine(u64),
    /// The proc is in another state.
    #[error("proc {0} is in another state")]
    ProcState(u64),
    /// The proc was never seen.
    #[error("proc {0} was never seen")]
    UnknownProc(u64),
    /// The proc's events are not in sequence.
    #[error("the events of proc {0} are not in sequence")]
    ProcSequence(u64),
    /// A status that the format does not know.
    #[error("status {0} does not exist")]
    BadStatus(u64),
    /// Thread and goroutine, or thread and proc, do not belong together.
    #[error("thread {0} holds something else")]
    ThreadBinding(u64),
    /// A range begins that has begun.
    #[error("this range has begun already")]
    RangeOpen,
    /// A range ends or goes on that has not begun.
    #[error("this range has not begun")]
    RangeNotOpen,
    /// The garbage collector's cycle is in another state.
    #[error("the garbage collector is in another state")]
    GcState,
    /// A task with this id is running.
    #[error("task {0} has begun already")]
    TaskOpen(u64),
    /// Regions end in the order in which they began, innermost first.
    #[error("it is not the innermost region that ends")]
    RegionNesting,
}

/// What is wrong with the text form of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TextFault {
    /// The first line is not `Trace Go1.NN`.
    #[error("the first line must be `Trace Go1.22`, `Go1.23`, `Go1.25` or `Go1.26`")]
    BadHeader,
    /// A name that is no event of this version.
    #[error("no event of this version has this name")]
    UnknownEvent,
    /// An argument is missing, misnamed, not a number, or one too many.
    #[error("the arguments are not those of the event")]
    BadArguments,
    /// The data of the event is missing or wrongly quoted.
    #[error("the data of the event is missing or wrongly quoted")]
    BadData,
    /// The frames of a stack are missing.
    #[error("the frames of the stack are missing")]
    NoFrames,
}

impl ErrorKind {
    pub(crate) fn at(self, offset: u64) -> Error {
        Error { offset, kind: self }
    }
}

impl From<gotrace::Error> for Error {
    fn from(error: gotrace::Error) -> Self {
        ErrorKind::Format(error.kind).at(error.offset)
    }
}

impl Fault for Error {
    fn more(n: u64) -> Self {
        gotrace::Error::more(n).into()
    }

    fn n_more(&self) -> Option<u64> {
        if let ErrorKind::Format(gotrace::ErrorKind::More { n }) = self.kind {
            Some(n)
        } else {
            None
        }
    }
}

/// Collects defects.
pub(crate) type Faults = wire::Faults<Error>;

/// Go's name of an event.
fn name(ev: Ev) -> &'static str {
    ev.spec().map_or("unknown event", |spec| spec.name)
}
