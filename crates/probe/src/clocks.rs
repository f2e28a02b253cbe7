//! CPU time of what is recorded.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use goproc::Pid;

use crate::kernel::Counters;
use crate::record_layout::COUNT_SAMPLES;

/// Fewest CPU samples a second and core that are a clock: between two of them the governor does not know what time it is.
/// Units: 1/s.
const LOWEST_HZ: u64 = 49;

/// The sum over all processes recorded, those that have ended included.
#[derive(Debug)]
pub(crate) enum CpuClock {
    /// Clocks of processes that are known and run on. Units: nanoseconds.
    Processes { last: HashMap<u32, u64>, sum_ns: u64 },
    /// CPU samples: of processes that come and go, clocks would miss what each did before it was first and after it
    /// was last looked at, and be the more work the more there are.
    Samples { period: Duration },
}

impl CpuClock {
    /// Processes that run already are counted from now on, those to come from their start.
    pub(crate) fn of_processes(pids: &[u32]) -> Self {
        let now = pids.iter().filter_map(|&pid| Some((pid, Pid(pid).cpu_ns()?)));
        Self::Processes { last: now.collect(), sum_ns: 0 }
    }

    /// Of processes that come and go. Where there are no samples, or too few, their clocks are all there is.
    pub(crate) fn of_all(pids: &[u32], sample_hz: u64) -> Self {
        if sample_hz < LOWEST_HZ {
            return Self::of_processes(pids);
        }
        Self::Samples { period: Duration::from_nanos(1_000_000_000 / sample_hz) }
    }

    /// CPU time up to now. Units: nanoseconds.
    pub(crate) fn read(&mut self, counters: &Counters, pids: impl FnOnce() -> Vec<u32>) -> u64 {
        match self {
            Self::Samples { period } => {
                counters[COUNT_SAMPLES as usize].saturating_mul(period.as_nanos() as u64)
            }
            Self::Processes { last, sum_ns } => {
                for pid in pids() {
                    let Some(now) = Pid(pid).cpu_ns() else { continue };
                    let before = last.insert(pid, now).unwrap_or(0);
                    *sum_ns += now.saturating_sub(before);
                }
                *sum_ns
            }
        }
    }

    /// CPU time of a process when it was last read. Units: nanoseconds.
    pub(crate) fn last_of(&self, pid: u32) -> Option<u64> {
        match self {
            Self::Samples { .. } => None,
            Self::Processes { last, .. } => last.get(&pid).copied(),
        }
    }

    /// Leaves out what processes did up to now: they ran another program.
    pub(crate) fn skip(&mut self, pids: &[u32]) {
        if let Self::Processes { last, .. } = self {
            last.extend(pids.iter().filter_map(|&pid| Some((pid, Pid(pid).cpu_ns()?))));
        }
    }

    /// Forgets processes that have ended.
    pub(crate) fn forget(&mut self, pids: &HashSet<u32>) {
        if let Self::Processes { last, .. } = self {
            last.retain(|pid, _| !pids.contains(pid));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_samples_are_no_clock() {
        for (sample_hz, are_a_clock) in
            [(0, false), (1, false), (48, false), (49, true), (99, true)]
        {
            let clock = CpuClock::of_all(&[], sample_hz);
            assert_eq!(matches!(clock, CpuClock::Samples { .. }), are_a_clock, "{sample_hz} Hz");
        }
    }
}
