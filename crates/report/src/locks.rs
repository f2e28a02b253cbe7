//! Waiting for locks, in words and for programs.

use evidence::{Evidence, LockSide, ProcessLocks, SiteLock, Waits};
use serde_json::{Value, json};

use crate::numbers::{count, duration, time_share};
use crate::{json, words};

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

pub(crate) fn to_json(locks: &ProcessLocks) -> Value {
    json!({
        "source": locks.source.index(),
        "side": side(locks.side),
        "total": waits(locks.total),
        "duration_ns": locks.duration_ns,
    })
}

pub(crate) fn site_lock(lock: &SiteLock) -> Value {
    json!({
        "source": lock.source.index(),
        "side": side(lock.side),
        "call": lock.call,
        "at": json::frame(&lock.frame),
        "waits": waits(lock.waits),
    })
}

fn side(side: LockSide) -> &'static str {
    match side {
        LockSide::Waiter => "waiter",
        LockSide::Holder => "holder",
    }
}

fn waits(waits: Waits) -> Value {
    json!({ "n": waits.n, "ns": waits.ns })
}
