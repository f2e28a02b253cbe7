//! The CPU time of a process.

use crate::Pid;

impl Pid {
    /// CPU time of all its threads, also of those that have ended. Units: nanoseconds. `None` when it is gone; one that
    /// has ended and waits for its parent still has it. It is behind by up to a tick of the scheduler for each thread
    /// that runs.
    #[allow(unsafe_code)]
    #[cfg(target_os = "linux")]
    pub fn cpu_ns(self) -> Option<u64> {
        // Source: include/linux/posix-timers.h, CPUCLOCK_SCHED of a process.
        const CPUCLOCK_SCHED: libc::clockid_t = 2;
        // Source: include/linux/threads.h. Larger numbers, and 0, would name clocks of this process.
        const PID_MAX_LIMIT: libc::clockid_t = 1 << 22;
        let pid = libc::clockid_t::try_from(self.0).ok()?;
        (0 < pid && pid <= PID_MAX_LIMIT).then_some(())?;
        let clock = (!pid << 3) | CPUCLOCK_SCHED;
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: writes to the struct given, which lives until the call returns.
        let result = unsafe { libc::clock_gettime(clock, &raw mut time) };
        let seconds = u64::try_from(time.tv_sec).ok()?;
        let ns =
            seconds.checked_mul(1_000_000_000)?.checked_add(u64::try_from(time.tv_nsec).ok()?)?;
        (result == 0).then_some(ns)
    }

    /// CPU time of all its threads: here not to be had.
    #[cfg(not(target_os = "linux"))]
    pub fn cpu_ns(self) -> Option<u64> {
        None
    }
}
