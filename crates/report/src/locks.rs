//! Waiting for locks, in words.

use evidence::{Evidence, LockSide, ProcessLocks, Waits};

use crate::numbers::{count, duration, time_share};
use crate::words;

/// A sentence per source.
pub(crate) fn lines(evidence: &Evidence) -> Vec<String> {
    evidence.locks.iter().map(|locks| line(locks, evidence)).collect()
}

fn line(locks: &ProcessLocks, evidence: &Evidence) -> String {
    let name = words::base_name(&evidence.sources[locks.source].name);
    let Waits { n, ns } = locks.total;
    let who = match locks.side {
        LockSide::Waiter => "goroutines waited for mutexes",
        LockSide::Holder => "goroutines held mutexes that others waited for",
    };
    let time = match locks.duration_ns {
        Some(whole_ns) => format!("of the time covered {}", time_share(ns, whole_ns)),
        None => {
            format!("{} together; which time it covers, the profile does not say", duration(ns))
        }
    };
    let plural = if n == 1 { "" } else { "s" };
    format!("{} time{plural} {who}, {time}  [{name}]", count(n))
}
