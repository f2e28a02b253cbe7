//! What can be wrong with a profile, and where.

use thiserror::Error;

/// A defect with its place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{kind} (at byte {offset} of the inflated profile)")]
pub struct Error {
    /// Units: bytes from the start of the profile after inflating.
    pub offset: u64,
    /// What is wrong.
    pub kind: ErrorKind,
}

/// The defects.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input could not be read.
    #[error("read error: {0}")]
    Read(String),
    /// The gzip stream is cut or corrupt.
    #[error("gzip data is cut or corrupt: {0}")]
    Gzip(String),
    /// The profile inflates to more than the limit.
    #[error(
        "inflates beyond the limit of {limit_bytes} bytes; raise the limit if this is a real profile"
    )]
    TooLarge {
        /// Units: bytes.
        limit_bytes: u64,
    },
    /// A field or message reaches beyond its end.
    #[error("the profile is cut: a field reaches beyond the end")]
    Truncated,
    /// The framing of the fields is broken: what follows cannot be read.
    #[error("the profile is damaged from here on")]
    Malformed,
    /// The profile ends before the strings.
    #[error("the profile is cut, and its names, which stand last, are lost; record it again")]
    NamesLost,
    /// The input is empty, or something else than a profile.
    #[error("this is not a pprof profile (profile.proto, gzip or plain)")]
    NotAProfile,
    /// A message inside the profile cannot be decoded.
    #[error("a {what} cannot be decoded; it was dropped")]
    BadMessage {
        /// What the message should be.
        what: &'static str,
    },
    /// A string that is not UTF-8.
    #[error("string {index} is not UTF-8; the bad bytes were replaced")]
    NotUtf8 {
        /// Position in the string table.
        index: usize,
    },
    /// A string index beyond the string table.
    #[error("string {index} of a table of {n_strings}; it was taken as empty")]
    NoSuchString {
        /// Index found.
        index: u64,
        /// Length of the table.
        n_strings: usize,
    },
    /// A sample with another number of values than there are sample types.
    #[error("a sample has {found} values, expected {expected}; it was dropped")]
    ValueCount {
        /// Number of values.
        found: usize,
        /// Number of sample types.
        expected: usize,
    },
    /// More comments than are kept.
    #[error("more than {max} comments; {n} were dropped")]
    MoreComments {
        /// How many were dropped.
        n: u64,
        /// How many are kept.
        max: usize,
    },
    /// More lines than are kept of a location.
    #[error("a location has {n} lines, of which {max} are kept: the innermost, and the outermost")]
    MoreLines {
        /// How many it has.
        n: usize,
        /// How many are kept.
        max: usize,
    },
    /// More locations than are kept of a sample.
    #[error("a sample has more than {max} locations; those beyond, next to the root, were dropped")]
    DeepStack {
        /// How many are kept.
        max: usize,
    },
    /// More frames than are kept of a sample: its locations have many lines.
    #[error("a sample has more than {max} frames; those beyond, next to the root, were dropped")]
    ManyFrames {
        /// How many are kept.
        max: usize,
    },
    /// A sample names a location that does not exist.
    #[error("a sample names location {id}, which does not exist; it was dropped")]
    NoSuchLocation {
        /// Id found.
        id: u64,
    },
    /// A location names a function that does not exist.
    #[error("a location names function {id}, which does not exist")]
    NoSuchFunction {
        /// Id found.
        id: u64,
    },
    /// A location names a mapping that does not exist.
    #[error("a location names mapping {id}, which does not exist")]
    NoSuchMapping {
        /// Id found.
        id: u64,
    },
    /// Two entries of a table have one id, or an entry has none.
    #[error("id {id} is zero or used twice in the table of {table}; the later entry was dropped")]
    BadId {
        /// Id found.
        id: u64,
        /// Table.
        table: &'static str,
    },
    /// More entries, or more bytes of strings, than an index can hold.
    #[error("more {what} than 32 bits count")]
    TooMany {
        /// Of what.
        what: &'static str,
    },
    /// A merge of nothing.
    #[error("there is no profile to merge")]
    NothingToMerge,
    /// Profiles that do not measure the same cannot be added.
    #[error("profile {index} has other sample types ({found}) than the first ({expected})")]
    OtherSampleTypes {
        /// Position among the profiles to merge.
        index: usize,
        /// Sample types, and period type, of that profile.
        found: String,
        /// Those of the first.
        expected: String,
    },
    /// Defects beyond the number listed one by one.
    #[error("and {n} more defects")]
    More {
        /// How many.
        n: u64,
    },
}

/// A value with the defects met while reading it; what was defective is not in the value.
pub type Parsed<T> = wire::Parsed<T, Error>;

/// Collects defects.
pub(crate) type Faults = wire::Faults<Error>;

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
