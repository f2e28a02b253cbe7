//! Calls of the operating system that the standard library does not have, each behind a safe function.
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::error::Error as StdError;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use goproc::{ErrorKind, Pid, Tid};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::error::causes;

/// Major and minor version of the kernel.
pub(crate) fn kernel_release() -> Option<(u32, u32)> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").ok()?;
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// Clocks of the CPU time that threads take from now on, those that they will start included. The clock of a process
/// (`Pid::cpu_ns`) is behind by up to a tick of the scheduler for each thread that runs; these are not.
pub(crate) struct TaskClocks {
    /// By thread id.
    clocks: Vec<(u32, File)>,
}

impl TaskClocks {
    /// Starts clocks for all threads of these processes.
    ///
    /// # Errors
    /// Where one cannot be had: then there would be time unseen.
    pub(crate) fn start(pids: impl Iterator<Item = u32>) -> io::Result<Self> {
        // Source: include/uapi/linux/perf_event.h. Type PERF_TYPE_SOFTWARE with the size of the struct, config
        // PERF_COUNT_SW_TASK_CLOCK, three fields of samples, flags `inherit` and `inherit_thread`, two fields of wake-ups.
        const PERF_FLAG_FD_CLOEXEC: libc::c_ulong = 8;
        let attributes: [u64; 8] = [64 << 32 | 1, 1, 0, 0, 0, 1 << 35 | 2, 0, 0];
        let mut clocks = Vec::new();
        for pid in pids {
            let threads = match Pid(pid).threads() {
                Err(error) if matches!(error.kind, ErrorKind::NoSuchProcess) => continue,
                threads => threads.map_err(io::Error::other)?,
            };
            for Tid(tid) in threads {
                // SAFETY: reads 64 bytes, as `attributes` says; any CPU, no group.
                let fd = unsafe {
                    let flags = PERF_FLAG_FD_CLOEXEC;
                    libc::syscall(
                        libc::SYS_perf_event_open,
                        &raw const attributes,
                        tid,
                        -1,
                        -1,
                        flags,
                    )
                };
                match owned(RawFd::try_from(fd).unwrap_or(-1)) {
                    Ok(fd) => clocks.push((tid, File::from(fd))),
                    // Threads come and go.
                    Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(Self { clocks })
    }

    /// CPU time since the start, by thread; of threads started since by the one that did. Units: nanoseconds.
    pub(crate) fn read(&self) -> io::Result<HashMap<u32, u64>> {
        let read = |(tid, clock): &(u32, File)| {
            let (mut clock, mut ns) = (clock, [0; 8]);
            clock.read_exact(&mut ns)?;
            Ok((*tid, u64::from_ne_bytes(ns)))
        };
        self.clocks.iter().map(read).collect()
    }
}

/// The monotonic clock as programs in the kernel read it: that of the machine's own time namespace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KernelClock {
    /// By how much it is ahead in this process' time namespace. Units: nanoseconds.
    ahead_ns: i64,
}

impl KernelClock {
    pub(crate) fn own() -> Self {
        // Kernels without time namespaces have no such file.
        let offsets = fs::read_to_string("/proc/self/timens_offsets").unwrap_or_default();
        Self { ahead_ns: parse_monotonic_offset(&offsets).unwrap_or(0) }
    }

    /// Units: nanoseconds.
    pub(crate) fn now_ns(self) -> u64 {
        clock_ns(ClockId::Monotonic).saturating_add_signed(-self.ahead_ns)
    }
}

/// Seconds and nanoseconds behind the name of the clock. Source: Linux, kernel/time/namespace.c, `proc_timens_show_offsets`.
fn parse_monotonic_offset(offsets: &str) -> Option<i64> {
    let fields = offsets.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let of_clock = fields.into_iter().find(|fields| fields.first() == Some(&"monotonic"))?;
    let number = |at: usize| of_clock.get(at)?.parse::<i64>().ok();
    number(1)?.checked_mul(1_000_000_000)?.checked_add(number(2)?)
}

/// CPU time of this thread. Units: nanoseconds.
pub(crate) fn thread_cpu_ns() -> u64 {
    clock_ns(ClockId::ThreadCPUTime)
}

fn clock_ns(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}

fn owned(fd: RawFd) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just gave us this descriptor, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// While it is there, this process may have as many files as its user may allow it.
#[derive(Debug)]
pub(crate) struct MostFiles {
    before: Option<Rlimit>,
}

impl MostFiles {
    /// From now on. Where that is refused, there may be files enough all the same.
    pub(crate) fn allow() -> Self {
        let before = getrlimit(Resource::Nofile);
        let most = Rlimit { current: before.maximum, ..before };
        let is_allowed = setrlimit(Resource::Nofile, most).is_ok();
        Self { before: is_allowed.then_some(before) }
    }

    /// For good.
    pub(crate) fn keep(mut self) {
        self.before = None;
    }
}

impl Drop for MostFiles {
    fn drop(&mut self) {
        if let Some(before) = self.before.take() {
            let _ = setrlimit(Resource::Nofile, before);
        }
    }
}

/// The system's error behind an error, if there is one.
pub(crate) fn find_io_error<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e io::Error> {
    causes(error).find_map(|error| error.downcast_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_of_the_kernel_is_not_that_of_a_time_namespace() {
        let offsets = "monotonic      86400         5\nboottime           0         0\n";
        assert_eq!(parse_monotonic_offset(offsets), Some(86_400_000_000_005));
        let before = "monotonic -1 0\n";
        assert_eq!(parse_monotonic_offset(before), Some(-1_000_000_000));
        assert_eq!(parse_monotonic_offset("monotonic x 0"), None);
        assert_eq!(parse_monotonic_offset(""), None);
    }
}
