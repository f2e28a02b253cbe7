//! What can be wrong with a trace, and where.

use thiserror::Error;

use crate::spec::Ev;

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
    /// The header is that of something else.
    #[error("this is not a Go execution trace")]
    NotATrace,
    /// The format before Go 1.22.
    #[error(
        "this trace has the format of Go 1.{minor}, whose events are not put in order (those of Go 1.22 to 1.27 are), \
         and which is read for sums from Go 1.11 on; build the program with Go 1.22 or later and record it again"
    )]
    OldFormat {
        /// Minor version in the header.
        minor: u32,
    },
    /// A format that is not known: its events cannot even be skipped.
    #[error("trace format of Go 1.{minor} is not known; known are those of Go 1.22 to 1.27")]
    UnknownFormat {
        /// Minor version in the header.
        minor: u32,
    },
    /// The input ends inside a batch or an event.
    #[error("the trace is cut off here")]
    Truncated,
    /// The input cannot be read here.
    #[error("it cannot be read: {0}")]
    Unreadable(std::io::ErrorKind),
    /// The last generation has no end.
    #[error("generation {generation} has no end: the trace was not stopped, or it is cut")]
    Unfinished {
        /// Number of the generation.
        generation: u64,
    },
    /// Something else where a batch should begin.
    #[error("expected a batch, found event type {found}; what follows cannot be read")]
    NotABatch {
        /// The byte found.
        found: u8,
    },
    /// A variable-length integer of more than 64 bits, or cut off by the end of its batch.
    #[error("a number is damaged")]
    BadVarint,
    /// A size, a length or a depth beyond what the format allows.
    #[error("a {what} of {found}; at most {limit} are allowed")]
    TooLarge {
        /// Of what.
        what: &'static str,
        /// Number found.
        found: u64,
        /// Number allowed.
        limit: u64,
    },
    /// Go 1.21 and earlier write the frequency of their clock at the end.
    #[error(
        "the frequency of the clock is missing, which Go 1.21 and earlier write at the end: the trace is cut, and no \
         time can be told"
    )]
    NoOldFrequency,
    /// An event that is not known: what follows cannot be told apart.
    #[error("event type {found} is not known; what follows cannot be read")]
    UnknownEvent {
        /// The byte found, without the number of arguments.
        found: u8,
    },
    /// Generation 0 does not exist.
    #[error("a batch of generation 0, which does not exist; it was dropped")]
    GenerationZero,
    /// Batches of another generation than the current one or the next.
    #[error(
        "a batch of generation {found} inside generation {expected}: a part of the trace is missing"
    )]
    MixedGenerations {
        /// Number found.
        found: u64,
        /// Number of the current generation.
        expected: u64,
    },
    /// Without the frequency the clock is guessed.
    #[error(
        "generation {generation} lacks its clock frequency; 15.625 MHz (Linux, macOS) was taken"
    )]
    NoFrequency {
        /// Number of the generation.
        generation: u64,
    },
    /// Go 1.25 and later write one in each generation.
    #[error("generation {generation} lacks its clock snapshot")]
    NoClockSnapshot {
        /// Number of the generation.
        generation: u64,
    },
    /// Something occurs a second time that must not.
    #[error("a second {what} with id {id}; it was dropped")]
    Duplicate {
        /// Of what.
        what: &'static str,
        /// Its id; 0 where there is only one.
        id: u64,
    },
    /// An event that has no business in its kind of batch.
    #[error("event type {found} cannot stand in a batch of {place}; the rest of it was dropped")]
    Misplaced {
        /// The byte found.
        found: u8,
        /// What the batch holds.
        place: &'static str,
    },
    /// A string that is not there.
    #[error("string {id} does not exist")]
    NoSuchString {
        /// Id found.
        id: u64,
    },
    /// A stack that is not there.
    #[error("stack {id} does not exist")]
    NoSuchStack {
        /// Id found.
        id: u64,
    },
    /// An event that contradicts what happened before.
    #[error("{} contradicts what was before: {why}; the rest of generation {generation} was dropped", ev.name())]
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
    /// Defects beyond the number listed one by one.
    #[error("and {n} more defects")]
    More {
        /// How many.
        n: u64,
    },
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

impl wire::Fault for Error {
    fn more(n: u64) -> Self {
        ErrorKind::More { n }.at(0)
    }

    fn n_more(&self) -> Option<u64> {
        if let ErrorKind::More { n } = self.kind { Some(n) } else { None }
    }
}

/// A value with the defects met while reading it; what was defective is not in the value.
pub type Parsed<T> = wire::Parsed<T, Error>;

/// Collects defects.
pub(crate) type Faults = wire::Faults<Error>;
