//! What can be wrong with an executable, and where.

use std::fmt;

use goabi::Release;
use thiserror::Error;

use crate::LinkAddr;

/// A defect with its place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{kind} ({place})")]
pub struct Error {
    /// Where.
    pub place: Place,
    /// What is wrong.
    pub kind: ErrorKind,
}

/// A place in an executable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// The file as a whole.
    File,
    /// A structure, by the name of Go's linker.
    Structure(&'static str),
    /// An address as in the ELF file.
    Addr(LinkAddr),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => f.write_str("in the file header"),
            Self::Structure(name) => write!(f, "in {name}"),
            Self::Addr(addr) => write!(f, "at address {:#x}", addr.0),
        }
    }
}

/// The defects.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The ELF structure is broken.
    #[error("not a readable ELF file: {0}")]
    Elf(String),
    /// Another machine, word size or byte order.
    #[error("{0}; only 64-bit amd64 and arm64 executables can be read")]
    OtherMachine(String),
    /// No pclntab: not made by the Go linker, or damaged.
    #[error("no Go function table found; this is not a Go executable, or it is damaged")]
    NotGo,
    /// The function table is of a Go version that we do not know.
    #[error(
        "function table of an unknown Go version (magic {magic:#x}); known are {}",
        Release::known_text()
    )]
    UnknownMagic {
        /// First four bytes.
        magic: u32,
    },
    /// A layout that depends on the version was not read, because the version is not a known one.
    #[error("{found} is not a release that is known; known are {}", Release::known_text())]
    UnsupportedVersion {
        /// What the build info says.
        found: String,
    },
    /// The version of Go cannot be told.
    #[error("the Go version cannot be told, so layouts that depend on it were not read")]
    UnknownVersion,
    /// Neither implementation of maps is linked in, or both.
    #[error("the map implementation cannot be told: no growth function of either kind")]
    UnknownMapImpl,
    /// The module data was not found.
    #[error("module data not found: types and inlined functions cannot be read")]
    NoModuleData,
    /// A structure reaches outside the file.
    #[error("data reaches outside the file")]
    OutOfFile,
    /// A type descriptor that contradicts itself.
    #[error("type descriptor is damaged")]
    BadType,
}

impl ErrorKind {
    pub(crate) fn in_file(self) -> Error {
        Error { place: Place::File, kind: self }
    }

    pub(crate) fn in_structure(self, name: &'static str) -> Error {
        Error { place: Place::Structure(name), kind: self }
    }

    pub(crate) fn at(self, addr: LinkAddr) -> Error {
        Error { place: Place::Addr(addr), kind: self }
    }
}

/// A value with the defects met while reading it; what was defective is not in the value.
pub type Parsed<T> = wire::Parsed<T, Error>;
