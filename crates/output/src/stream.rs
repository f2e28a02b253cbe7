//! What is written to in place: devices, pipes, sockets, open descriptors.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::os::unix::net::UnixStream;

use rustix::fs::{Access, AtFlags, CWD, Mode, OFlags, accessat, open, openat};

use crate::ErrorKind;
use crate::walk::{self, Walk, opened_path};

/// Something that is written to in place.
#[derive(Debug)]
pub(crate) enum Stream {
    /// This program's standard output: what was printed before stands before.
    Stdout,
    /// Its standard error.
    Stderr,
    /// What another descriptor of a process stood for when it was looked at.
    Descriptor(File),
    /// A device or a pipe.
    Node(File),
    /// A socket, to which a connection is made.
    Socket(File),
}

impl Stream {
    /// `/dev/stdout`, `/dev/fd/3` and the like lead to `/proc/PID/fd`; what is there says as a link where it leads, but not
    /// whether that is still the same file, or one at all. What is opened for reading alone can be written to through it:
    /// another user's is refused.
    pub(crate) fn of_descriptor(walk: &Walk, name: &OsStr) -> Result<Option<Self>, ErrorKind> {
        let dir = walk::shown(&walk.dir);
        if !(dir.starts_with("/proc") && dir.ends_with("fd")) {
            return Ok(None);
        }
        walk.check_descriptor(name)?;
        let own = ["/proc/self/fd", "/proc/thread-self/fd"].map(|own| fs::canonicalize(own).ok());
        let is_own = own.into_iter().flatten().any(|own| own == dir);
        let stream = match name.to_str() {
            Some("1") if is_own => Self::Stdout,
            Some("2") if is_own => Self::Stderr,
            _ => {
                let flags = OFlags::PATH | OFlags::CLOEXEC;
                let opened = openat(&walk.dir, name, flags, Mode::empty());
                Self::Descriptor(File::from(opened.map_err(walk::io)?))
            }
        };
        Ok(Some(stream))
    }

    /// The regular file that a descriptor stands for.
    pub(crate) fn regular_file(&self) -> Option<Metadata> {
        let metadata = match self {
            Self::Stdout => fs::metadata("/proc/self/fd/1"),
            Self::Stderr => fs::metadata("/proc/self/fd/2"),
            Self::Descriptor(opened) => opened.metadata(),
            Self::Node(_) | Self::Socket(_) => return None,
        };
        metadata.ok().filter(Metadata::is_file)
    }

    /// Whether it may be written to. It is not opened: that would wait for a reader, end one that waits for us, or rewind a
    /// tape.
    pub(crate) fn check(&self) -> io::Result<()> {
        match self {
            Self::Stdout | Self::Stderr => Ok(()),
            Self::Descriptor(found) | Self::Node(found) | Self::Socket(found) => may_write(found),
        }
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout => write_to(&mut io::stdout().lock(), bytes),
            Self::Stderr => write_to(&mut io::stderr().lock(), bytes),
            // What is in a file stays before what is added.
            Self::Descriptor(opened) => write_to(&mut reopen(opened, OFlags::APPEND)?, bytes),
            Self::Node(node) => write_to(&mut reopen(node, OFlags::empty())?, bytes),
            Self::Socket(socket) => write_to(&mut UnixStream::connect(opened_path(socket))?, bytes),
        }
    }
}

/// Whether this user may write to what was opened only to be looked at.
pub(crate) fn may_write(found: &File) -> io::Result<()> {
    Ok(accessat(CWD, opened_path(found), Access::WRITE_OK, AtFlags::EACCESS)?)
}

fn write_to(writer: &mut dyn Write, bytes: &[u8]) -> io::Result<()> {
    writer.write_all(bytes)?;
    writer.flush()
}

/// Opens to write the very thing that was looked at. Waits for the reader of a pipe. A terminal does not become ours.
pub(crate) fn reopen(found: &File, how: OFlags) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::NOCTTY | OFlags::CLOEXEC | how;
    loop {
        match open(opened_path(found), flags, Mode::empty()) {
            Err(rustix::io::Errno::INTR) => {}
            result => return Ok(File::from(result?)),
        }
    }
}
