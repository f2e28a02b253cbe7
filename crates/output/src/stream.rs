//! What is written to in place: devices, pipes, sockets, open descriptors.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, Mode, OFlags, accessat, open};

/// Something that is written to in place.
#[derive(Debug)]
pub(crate) enum Stream {
    /// This program's standard output: what was printed before stands before.
    Stdout,
    /// Its standard error.
    Stderr,
    /// Another open file of a process, by its place under `/proc`.
    Descriptor(PathBuf),
    /// A device or a pipe.
    Node(PathBuf),
    /// A socket, to which a connection is made.
    Socket(PathBuf),
}

impl Stream {
    /// `/dev/stdout`, `/dev/fd/3` and the like lead to `/proc/PID/fd`; what is there says as a link where it leads, but not
    /// whether that is still the same file, or one at all.
    pub(crate) fn of_descriptor(dir: &Path, name: &OsStr) -> Option<Self> {
        if !(dir.starts_with("/proc") && dir.ends_with("fd")) {
            return None;
        }
        let own = ["/proc/self/fd", "/proc/thread-self/fd"].map(|own| fs::canonicalize(own).ok());
        let is_own = own.into_iter().flatten().any(|own| own == dir);
        Some(match name.to_str() {
            Some("1") if is_own => Self::Stdout,
            Some("2") if is_own => Self::Stderr,
            _ => Self::Descriptor(dir.join(name)),
        })
    }

    /// The regular file that a descriptor stands for.
    pub(crate) fn regular_file(&self) -> Option<Metadata> {
        let path = match self {
            Self::Stdout => Path::new("/proc/self/fd/1"),
            Self::Stderr => Path::new("/proc/self/fd/2"),
            Self::Descriptor(path) => path,
            Self::Node(_) | Self::Socket(_) => return None,
        };
        fs::metadata(path).ok().filter(Metadata::is_file)
    }

    /// Whether it may be written to. It is not opened: that would wait for a reader, end one that waits for us, or rewind a
    /// tape.
    pub(crate) fn check(&self) -> io::Result<()> {
        match self {
            Self::Stdout | Self::Stderr => Ok(()),
            Self::Descriptor(path) | Self::Node(path) | Self::Socket(path) => {
                Ok(accessat(CWD, path, Access::WRITE_OK, AtFlags::EACCESS)?)
            }
        }
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout => write_to(&mut io::stdout().lock(), bytes),
            Self::Stderr => write_to(&mut io::stderr().lock(), bytes),
            // What is in a file stays before what is added.
            Self::Descriptor(path) => write_to(&mut open_in_place(path, OFlags::APPEND)?, bytes),
            Self::Node(path) => {
                let mut node = open_in_place(path, OFlags::NOFOLLOW)?;
                if node.metadata()?.is_file() {
                    return Err(io::Error::other("it has become a regular file meanwhile"));
                }
                write_to(&mut node, bytes)
            }
            Self::Socket(path) => write_to(&mut UnixStream::connect(path)?, bytes),
        }
    }
}

fn write_to(writer: &mut dyn Write, bytes: &[u8]) -> io::Result<()> {
    writer.write_all(bytes)?;
    writer.flush()
}

/// Waits for the reader of a pipe. A terminal does not become ours.
fn open_in_place(path: &Path, how: OFlags) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::NOCTTY | OFlags::CLOEXEC | how;
    loop {
        match open(path, flags, Mode::empty()) {
            Err(rustix::io::Errno::INTR) => {}
            result => return Ok(File::from(result?)),
        }
    }
}
