//! Waiting for locks, in words.

use evidence::{Evidence, LockSide, ProcessLocks, Waits};

use crate::numbers::{count, duration, time_share};
use crate::words;

/// A sentence per source.
pub(crate) fn lines(evidence: &Evidence) -> Vec<String> {
    evidence.locks.iter().map(|locks| line(locks, evidence)).collect()
}

fn line(locks: &ProcessLocks, evidence: &Evidence) -> String {
    let source = evidence.sources.get(locks.source.0 as usize);
    let name = source.map_or("?", |source| words::base_name(&source.name));
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
