//! The memory of a process.
//!
//! Only memory without a file is read. A process may map a file of a file system that it serves itself (FUSE): who reads
//! such memory waits for a page that may never come, and no signal ends that. Anonymous memory does not wait, also where it
//! is registered with userfaultfd: the kernel refuses to read pages for others that are not there. Source: mm/gup.c,
//! `faultin_page`, which without `locked` allows no other try; fs/userfaultfd.c, `handle_userfault`, which then fails.
//!
//! The kernel says of a page whether it is that of a file, without fetching it: a copy of one that a process has for itself
//! is read too, where somebody asks for it ([`Pid::own_bytes`]).
//!
//! A process that maps another file at the moment it is read can still make the reader wait, as it can with everything
//! that takes the lock of its memory, probes among it.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use goabi::ReadMemory;
use rustix::io::Errno;
use rustix::param::page_size;

use crate::maps::parse_maps;
use crate::{Error, ErrorKind, Maps, Pid, RunAddr, text};

/// An address that no process has.
const NOWHERE: u64 = 1 << 62;
/// What is read of the memory map. Units: bytes.
const MAX_MAPS: u64 = 1 << 24;

/// The memory of a process, open for reading. It stays with its process: when that ends or becomes another program,
/// nothing can be read any more, whoever has the pid.
///
/// Reading does not stop the process: what several reads say need not be of one moment. Also memory that the process
/// itself may not read is read, as a debugger does; where it never was touched, as 0. Memory of files is not read, nor what
/// was mapped after it was opened.
#[derive(Debug)]
pub struct Memory {
    pid: Pid,
    file: File,
    /// What may be read. Shape: neighbours are one. Sortedness: by address.
    anonymous: Vec<Range<u64>>,
}

impl ReadMemory for Memory {
    fn read(&self, addr: u64, into: &mut [u8]) -> bool {
        self.read_exact(RunAddr(addr), into).is_ok()
    }
}

impl Memory {
    /// Fills `to` from an address on, up to where no memory without a file is any more. Returns how many bytes it filled, which
    /// is 0 only when `to` is empty.
    ///
    /// # Errors
    /// When nothing can be read at the address, or the process is gone.
    pub fn read(&self, addr: RunAddr, to: &mut [u8]) -> Result<usize, Error> {
        let mut n_read = 0;
        while n_read < to.len() {
            let at = addr.0.saturating_add(n_read as u64);
            let len = self.n_readable(at).min(to.len() - n_read);
            let result = match len {
                0 => self.refusal(),
                _ => self.file.read_at(&mut to[n_read..n_read + len], at),
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

    /// Bytes from an address on that may be read.
    fn n_readable(&self, addr: u64) -> usize {
        let after = self.anonymous.partition_point(|range| range.start <= addr);
        let end = self.anonymous[..after].last().map_or(0, |range| range.end);
        usize::try_from(end.saturating_sub(addr)).unwrap_or(usize::MAX)
    }

    /// What reading says where nothing is to be read: of a process that is gone, that it is.
    fn refusal(&self) -> io::Result<usize> {
        self.file.read_at(&mut [0], NOWHERE)
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
    /// (`kernel.yama.ptrace_scope`), or the process keeps its memory map locked.
    pub fn open_memory(self) -> Result<Memory, Error> {
        let file = File::open(format!("/proc/{self}/mem"))
            .map_err(|error| Error::of_process_io(self, error))?;
        let maps = text::read_in_time(self, "maps", MAX_MAPS)?;
        Ok(Memory { pid: self, file, anonymous: anonymous(&parse_maps(&maps)) })
    }
}

/// What /proc/PID/pagemap says of a page. Source: Documentation/admin-guide/mm/pagemap.rst.
const PRESENT: u64 = 1 << 63;
const SWAPPED: u64 = 1 << 62;
const OF_FILE_OR_SHARED: u64 = 1 << 61;

impl Pid {
    /// The bytes at each of these addresses, where they are in a page of the process' own: memory without a file, or its
    /// copy of a page of a file, as the kernel makes one to put a probe there. `None` where they are in the file, which is
    /// not read.
    ///
    /// # Errors
    /// When the process is gone, or may not be looked at, or keeps its memory map locked.
    pub fn own_bytes<const N: usize>(
        self,
        addrs: Vec<RunAddr>,
    ) -> Result<Vec<Option<[u8; N]>>, Error> {
        text::in_time(self, move || {
            let open = |name: &str| {
                File::open(format!("/proc/{self}/{name}"))
                    .map_err(|error| Error::of_process_io(self, error))
            };
            let (pages, memory) = (open("pagemap")?, open("mem")?);
            let own = |addr| {
                read_own(&pages, &memory, addr).map_err(|error| Error::of_process_io(self, error))
            };
            addrs.into_iter().map(own).collect()
        })
    }
}

fn read_own<const N: usize>(
    pages: &File,
    memory: &File,
    RunAddr(addr): RunAddr,
) -> io::Result<Option<[u8; N]>> {
    let mut entry = [0; 8];
    let at = addr / page_size() as u64 * entry.len() as u64;
    pages.read_exact_at(&mut entry, at)?;
    let entry = u64::from_ne_bytes(entry);
    if entry & (PRESENT | SWAPPED) == 0 || entry & OF_FILE_OR_SHARED != 0 {
        return Ok(None);
    }
    let mut bytes = [0; N];
    memory.read_exact_at(&mut bytes, addr)?;
    Ok(Some(bytes))
}

fn anonymous(maps: &Maps) -> Vec<Range<u64>> {
    let mut ranges: Vec<Range<u64>> = Vec::new();
    for mapping in maps.mappings.iter().filter(|mapping| mapping.file.is_none()) {
        match ranges.last_mut() {
            Some(last) if last.end == mapping.start.0 => last.end = mapping.end.0,
            _ => ranges.push(mapping.start.0..mapping.end.0),
        }
    }
    ranges
}

#[cfg(test)]
mod tests;
