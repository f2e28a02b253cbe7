//! Descriptors of processes, and waiting for their end.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::{Error, ErrorKind, Pid, Place};

/// A descriptor that is readable once its process has ended. It stays with its process, whoever has the pid later.
#[derive(Debug)]
pub struct PidFd {
    fd: OwnedFd,
}

impl AsFd for PidFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl Pid {
    /// A descriptor of the process.
    ///
    /// # Errors
    /// When it is gone, or the kernel is older than 5.3.
    pub fn open_pidfd(self) -> Result<PidFd, Error> {
        match open(self.raw()?) {
            Ok(fd) => Ok(PidFd { fd }),
            // It takes no rights.
            Err(Errno::NOSYS | Errno::PERM | Errno::ACCESS) => {
                Err(Error::of_process(self, ErrorKind::NoSuchCall("pidfd_open(2)")))
            }
            Err(errno) => Err(Error::of_process_io(self, errno.into())),
        }
    }
}

#[cfg(target_os = "linux")]
fn open(pid: rustix::process::Pid) -> rustix::io::Result<OwnedFd> {
    rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())
}

#[cfg(not(target_os = "linux"))]
fn open(_: rustix::process::Pid) -> rustix::io::Result<OwnedFd> {
    Err(Errno::NOSYS)
}

/// Waits until one of the descriptors is readable or at its end, and says which are; none after the time, and maybe
/// none before it, when a signal came. Shape: one for each descriptor.
///
/// # Errors
/// When the system cannot wait, as for more descriptors than a process may have.
pub fn wait_readable(fds: &[BorrowedFd<'_>], timeout: Duration) -> Result<Vec<bool>, Error> {
    let mut polled: Vec<_> = fds.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
    // A time that is too long to be said is without end.
    let timeout = Timespec::try_from(timeout).ok();
    match poll(&mut polled, timeout.as_ref()) {
        Ok(_) => Ok(polled.iter().map(|fd| !fd.revents().is_empty()).collect()),
        Err(Errno::INTR) => Ok(vec![false; fds.len()]),
        Err(errno) => Err(Error { place: Place::Waiting, kind: ErrorKind::Io(errno.into()) }),
    }
}
