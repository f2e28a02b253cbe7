//! The memory of a process.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use rustix::io::Errno;

use crate::{Error, ErrorKind, Pid, RunAddr};

/// The memory of a process, open for reading. It stays with its process: when that ends or becomes another program,
/// nothing can be read any more, whoever has the pid.
///
/// Reading does not stop the process: what several reads say need not be of one moment. Also memory that the process
/// itself may not read is read, as a debugger does; where it never was touched, as 0.
#[derive(Debug)]
pub struct Memory {
    pid: Pid,
    file: File,
}

impl Memory {
    /// Fills `to` from an address on, up to where nothing is mapped any more. Returns how many bytes it filled, which
    /// is 0 only when `to` is empty.
    ///
    /// # Errors
    /// When nothing can be read at the address, or the process is gone.
    pub fn read(&self, addr: RunAddr, to: &mut [u8]) -> Result<usize, Error> {
        let mut n_read = 0;
        while n_read < to.len() {
            let at = addr.0.checked_add(n_read as u64);
            let result = match at {
                Some(at) => self.file.read_at(&mut to[n_read..], at),
                None => Err(Errno::IO.into()),
            };
            match result {
                Ok(n) if n > 0 => n_read += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                _ if n_read > 0 => break,
                Ok(_) => return Err(Error::of_process(self.pid, ErrorKind::NoSuchProcess)),
                Err(error) => return Err(self.error(addr, error)),
            }
        }
        Ok(n_read)
    }

    /// Fills all of `to` from an address on. What `to` holds after an error is not of the process.
    ///
    /// # Errors
    /// When a byte of it cannot be read, or the process is gone.
    pub fn read_exact(&self, addr: RunAddr, to: &mut [u8]) -> Result<(), Error> {
        let n_read = self.read(addr, to)?;
        if n_read == to.len() {
            return Ok(());
        }
        let end = RunAddr(addr.0.saturating_add(n_read as u64));
        Err(Error::of_process(self.pid, ErrorKind::NotMapped(end)))
    }

    /// Source: fs/proc/base.c, `mem_rw`: EIO where nothing is mapped; EINVAL and EOVERFLOW come of addresses that no
    /// process has.
    fn error(&self, addr: RunAddr, error: io::Error) -> Error {
        let not_mapped = [Errno::IO, Errno::FAULT, Errno::INVAL, Errno::OVERFLOW];
        if not_mapped.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error())) {
            return Error::of_process(self.pid, ErrorKind::NotMapped(addr));
        }
        Error::of_process_io(self.pid, error)
    }
}

impl Pid {
    /// Its memory, for reading.
    ///
    /// # Errors
    /// When the process is gone, or of another user, or the system lets only debuggers and parents look
    /// (`kernel.yama.ptrace_scope`).
    pub fn open_memory(self) -> Result<Memory, Error> {
        File::open(format!("/proc/{self}/mem"))
            .map(|file| Memory { pid: self, file })
            .map_err(|error| Error::of_process_io(self, error))
    }
}
