//! What can be wrong with a trace, and where.

use thiserror::Error;

/// A defect with its place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{kind} (at byte {offset})")]
pub struct Error {
    /// Units: bytes from the start of the trace.
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
    /// A format before that of Go 1.22, which [`crate::scan_trace`] reads.
    #[error(
        "this trace has the format of Go 1.{minor}, of which only sums are read; for single events build the program with \
         Go 1.22 or later and record it again"
    )]
    OldFormat {
        /// Minor version in the header.
        minor: u32,
    },
    /// A format before that of Go 1.11.
    #[error(
        "this trace has the format of Go 1.{minor}; formats from Go 1.11 on are read; build the program with Go 1.22 or \
         later and record it again"
    )]
    TooOld {
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
    /// Defects beyond the number listed one by one.
    #[error("and {n} more defects")]
    More {
        /// How many.
        n: u64,
    },
}

impl ErrorKind {
    /// The defect with its place. Units: bytes from the start of the trace.
    pub fn at(self, offset: u64) -> Error {
        Error { offset, kind: self }
    }
}

/// Refuses a size, a length or a depth beyond what the format allows.
///
/// # Errors
/// [`ErrorKind::TooLarge`], naming what is too large.
pub fn check_limit(what: &'static str, found: u64, limit: u64) -> Result<(), ErrorKind> {
    if found > limit { Err(ErrorKind::TooLarge { what, found, limit }) } else { Ok(()) }
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
