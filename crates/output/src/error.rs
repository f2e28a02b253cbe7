//! Why an output cannot be written, or must not be.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// What went wrong, and with which output.
#[derive(Debug, Error)]
#[error("{}: {kind}", path.display())]
pub struct Error {
    /// As the user named it.
    pub path: PathBuf,
    /// Why.
    pub kind: ErrorKind,
}

/// Why an output cannot be written, or must not be.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The path ends in `/`, `.` or `..`.
    #[error("cannot be written: not a file name")]
    NotAName,
    /// A folder.
    #[error("cannot be written: it is a folder; name a file in it")]
    Folder,
    /// A disk, or another device that takes more than text.
    #[error(
        "cannot be written: a device that is neither a terminal nor one like /dev/null; name a file"
    )]
    Device,
    /// The command reads it.
    #[error("this is an input of the command, which is never written over; give another name")]
    Input,
    /// A program.
    #[error("this is an executable, which is never written over; give another name")]
    Executable,
    /// What may be a program whose first bytes are not known.
    #[error(
        "what is there may be run as a program (its mode says so), and is never written over; give another name, \
         or, if it is none, chmod -x"
    )]
    Runnable,
    /// What it is cannot be seen.
    #[error(
        "what is there cannot be read ({0}), may be a program, and is not written over; give another name"
    )]
    Unreadable(io::Error),
    /// A file that this command did not write.
    #[error("what is there is not {what}; give another name, or --force to write over it")]
    OtherKind {
        /// What the command writes.
        what: &'static str,
    },
    /// A link that leads nowhere.
    #[error("cannot be written: a link to {}, which is not there; name that file itself", to.display())]
    DanglingLink {
        /// Where it leads.
        to: PathBuf,
    },
    /// A link that somebody else may have planted.
    #[error(
        "cannot be written: a link of another user (uid {uid}) to {}; name what it leads to if that is meant", to.display()
    )]
    ForeignLink {
        /// Whose link.
        uid: u32,
        /// Where it leads.
        to: PathBuf,
    },
    /// Too many links, one after another.
    #[error("cannot be written: its links lead in a circle")]
    LinkLoop,
    /// Something of another user where everybody may leave something.
    #[error(
        "cannot be written: it belongs to another user (uid {uid}) and lies in a folder that everybody may write to; \
         give another name"
    )]
    Planted {
        /// Whose file.
        uid: u32,
    },
    /// Only root gives files away.
    #[error(
        "cannot be replaced: it belongs to another user (uid {uid}) and would not any more; give another name"
    )]
    OwnerLost {
        /// Whose file.
        uid: u32,
    },
    /// The system says no.
    #[error("cannot be written: {0}")]
    Io(io::Error),
}
