//! What can be wrong with a file, and where.

use thiserror::Error;

/// A defect with its place.
#[derive(Debug, Error)]
#[error("{kind} (at byte {offset})")]
pub struct Error {
    /// Units: bytes from the start of the file.
    pub offset: u64,
    /// What is wrong.
    pub kind: ErrorKind,
}

/// The defects.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The header is that of something else.
    #[error("this is not a perf.data file")]
    NotPerfData,
    /// Written on a machine with the other order of bytes.
    #[error("this perf.data file has the byte order of another kind of machine, which is not read")]
    ByteOrder,
    /// The input ends inside something.
    #[error("the file is cut off here")]
    Truncated,
    /// The header names no event.
    #[error("the file has no events")]
    NoEvents,
    /// A size that cannot be.
    #[error("a {what} of {found} bytes")]
    Size {
        /// Of what.
        what: &'static str,
        /// The size found.
        found: u64,
    },
    /// `perf record` did not end as it should: the header does not say where the records end.
    #[error("the recording was not finished: what follows the records is missing")]
    Unfinished,
    /// Records are compressed (`perf record -z`).
    #[error("records are compressed; record without -z")]
    Compressed,
    /// Written to a pipe (`perf record -o -`), which has another header.
    #[error("this was written to a pipe; record into a file, with `perf record -o perf.data`")]
    Pipe,
    /// A sample that is shorter than its event says.
    #[error("a sample is damaged")]
    BadSample,
    /// The file cannot be read.
    #[error("the file cannot be read")]
    Io(#[from] std::io::Error),
}

impl ErrorKind {
    pub(crate) fn at(self, offset: u64) -> Error {
        Error { offset, kind: self }
    }
}
