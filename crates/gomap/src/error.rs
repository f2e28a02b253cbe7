//! The error of this crate.

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("byte {offset} of the type: {kind}")]
pub struct Error {
    /// Offset in the text of the type.
    pub offset: usize,
    /// What is wrong.
    pub kind: ErrorKind,
}

/// What can be wrong with the text of a Go type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ErrorKind {
    /// Something else stands there.
    #[error("expected {0}")]
    Expected(&'static str),
    /// The name of a type of some package, whose size is not known.
    #[error("the size of `{0}` is not known: write the type it is made of")]
    UnknownName(String),
    /// A slice, map or function as key.
    #[error("a map cannot have such a key: it has no ==")]
    KeyNotComparable,
    /// Types in types in types.
    #[error("nested too deep")]
    TooDeep,
    /// Larger than any memory.
    #[error("too large")]
    TooLarge,
}
