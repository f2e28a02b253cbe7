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
    /// A varint of more than ten bytes.
    #[error("a number has more than 10 bytes")]
    BadVarint,
    /// A field has a wire type that profile.proto does not use for it.
    #[error("field {field} has wire type {wire_type}; this is not a pprof profile")]
    BadWireType {
        /// Field number.
        field: u32,
        /// Wire type found.
        wire_type: u8,
    },
    /// Nothing in the input says what is measured.
    #[error("no sample types; this is not a pprof profile")]
    NoSampleTypes,
    /// A string index beyond the string table.
    #[error("string {index} of a table of {n_strings}")]
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
    #[error("id {id} is zero or used twice in the table of {table}")]
    BadId {
        /// Id found.
        id: u64,
        /// Table.
        table: &'static str,
    },
    /// More entries than an index can hold.
    #[error("more than {limit} entries in the table of {table}")]
    TooMany {
        /// Table.
        table: &'static str,
        /// Most that is read.
        limit: usize,
    },
    /// Profiles that do not measure the same cannot be added.
    #[error("profile {index} has other sample types than the first")]
    OtherSampleTypes {
        /// Position among the profiles to merge.
        index: usize,
    },
    /// Defects beyond the number listed one by one.
    #[error("and {n} more defects")]
    More {
        /// How many.
        n: u64,
    },
}

/// A value with the defects met while reading it; what was defective is not in the value.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed<T> {
    /// What could be read.
    pub value: T,
    /// What was wrong; empty for a sound input.
    pub faults: Vec<Error>,
}
