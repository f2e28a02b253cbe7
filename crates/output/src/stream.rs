//! What is written to in place: devices, pipes, sockets, open descriptors.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Access, AtFlags, CWD, Mode, OFlags, accessat, open, openat};
use rustix::io::{Errno, FdFlags, fcntl_setfd, ioctl_fionbio};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, connect, socket};

use crate::ErrorKind;
use crate::owner::is_ours;
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

    /// The user to whom a pipe belongs, if it is neither this one nor root.
    pub(crate) fn pipe_of_other(&self) -> Option<u32> {
        let Self::Node(node) = self else { return None };
        let metadata = node.metadata().ok()?;
        let is_other = metadata.file_type().is_fifo() && !is_ours(&metadata);
        is_other.then(|| metadata.uid())
    }

    pub(crate) fn write(&self, bytes: &[u8], patience: &mut Patience<'_>) -> io::Result<()> {
        match self {
            Self::Stdout => write_after_rest(io::stdout().lock(), bytes, patience),
            Self::Stderr => write_after_rest(io::stderr().lock(), bytes, patience),
            // What is in a file stays before what is added.
            Self::Descriptor(opened) => {
                write_to(reopen_patiently(opened, OFlags::APPEND, patience)?, bytes, patience)
            }
            Self::Node(node) => {
                write_to(reopen_patiently(node, OFlags::empty(), patience)?, bytes, patience)
            }
            Self::Socket(socket) => write_to(connect_patiently(socket, patience)?, bytes, patience),
        }
    }
}

/// How often it is looked whether a reader came, and whether there is to be an end of waiting for one.
const READER_EVERY: Duration = Duration::from_millis(50);
/// How long a reader is waited for all the same. Another process may be on its way to be one.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// What a pipe takes at once when it takes anything. Units: bytes. Source: pipe(7).
const PIPE_BUF: usize = 4096;

/// Waits for a reader without end, but for a moment only once nobody wants to wait any more.
pub(crate) struct Patience<'a> {
    is_over: &'a dyn Fn() -> bool,
    /// When it was first over.
    since: Option<Instant>,
}

impl<'a> Patience<'a> {
    pub(crate) fn until(is_over: &'a dyn Fn() -> bool) -> Self {
        Self { is_over, since: None }
    }

    /// Whether to go on waiting.
    fn check(&mut self) -> io::Result<()> {
        if !(self.is_over)() {
            return Ok(());
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        if since.elapsed() < LAST_WAIT {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::TimedOut, "nobody reads from it"))
    }
}

/// Whether this user may write to what was opened only to be looked at.
pub(crate) fn may_write(found: &File) -> io::Result<()> {
    Ok(accessat(CWD, opened_path(found), Access::WRITE_OK, AtFlags::EACCESS)?)
}

fn write_after_rest(
    mut writer: impl Write + AsFd,
    bytes: &[u8],
    patience: &mut Patience<'_>,
) -> io::Result<()> {
    writer.flush()?;
    write_to(writer, bytes, patience)
}

/// In pieces that a pipe takes at once when it takes anything, so that the wait is never in the kernel.
fn write_to(file: impl AsFd, mut bytes: &[u8], patience: &mut Patience<'_>) -> io::Result<()> {
    let timeout = Timespec { tv_sec: 0, tv_nsec: READER_EVERY.subsec_nanos().into() };
    while !bytes.is_empty() {
        let piece = &bytes[..bytes.len().min(PIPE_BUF)];
        let written = match poll(&mut [PollFd::new(&file, PollFlags::OUT)], Some(&timeout)) {
            Ok(0) => Err(Errno::AGAIN),
            Ok(_) => rustix::io::write(&file, piece),
            Err(errno) => Err(errno),
        };
        match written {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => {
                bytes = &bytes[n..];
                patience.since = None;
            }
            Err(Errno::AGAIN | Errno::INTR) => patience.check()?,
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

/// As `reopen`, but that the wait for the reader of a pipe may end.
fn reopen_patiently(found: &File, how: OFlags, patience: &mut Patience<'_>) -> io::Result<File> {
    if !found.metadata()?.file_type().is_fifo() {
        return reopen(found, how);
    }
    loop {
        match reopen(found, how | OFlags::NONBLOCK) {
            Err(error) if error.raw_os_error() == Some(Errno::NXIO.raw_os_error()) => {
                patience.check()?;
                thread::sleep(READER_EVERY);
            }
            result => return result,
        }
    }
}

/// Connects to a socket; the wait for who takes no more connections for now may end.
fn connect_patiently(found: &File, patience: &mut Patience<'_>) -> io::Result<OwnedFd> {
    let address = SocketAddrUnix::new(opened_path(found))?;
    let stream = socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    fcntl_setfd(&stream, FdFlags::CLOEXEC)?;
    ioctl_fionbio(&stream, true)?;
    loop {
        match connect(&stream, &address) {
            Err(Errno::AGAIN) => {
                patience.check()?;
                thread::sleep(READER_EVERY);
            }
            Err(Errno::INTR) => {}
            result => return result.map(|()| stream).map_err(io::Error::from),
        }
    }
}

/// Opens to write the very thing that was looked at. A terminal does not become ours.
pub(crate) fn reopen(found: &File, how: OFlags) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::NOCTTY | OFlags::CLOEXEC | how;
    loop {
        match open(opened_path(found), flags, Mode::empty()) {
            Err(rustix::io::Errno::INTR) => {}
            result => return Ok(File::from(result?)),
        }
    }
}
