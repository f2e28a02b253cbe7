//! A lock around a map that goroutines wait for.
//!
//! No source says which lock guards which map. The rule speaks where a function uses a map, takes a lock that others wait
//! for, and does little else: then the map is what the lock is held for.

use super::{FunctionSites, SiteContext, confidence, said};
use crate::finding::{
    Advice, Amount, Cause, EvidenceLine, Finding, Level, Reason, ShardKey, SyncMap,
};
use evidence::{Cost, LockSide, ProcessLocks, Site, SiteLock, SiteMap, SourceId, Waits};
use goabi::{MapOp, Nested};

/// Time waited for the lock, of the time covered, from which on it is a matter: one goroutine a tenth of the time.
pub(super) const WAITING: f64 = 0.10;
/// The same where the source does not say which time it covers. Units: nanoseconds.
pub(super) const WAITING_NS: u64 = 1_000_000_000;
/// Part of the function's CPU, locking left out, in map operations from which on the lock is held for the map.
pub(super) const HELD_FOR_MAP: f64 = 0.30;
/// Part of the operations on a map, by CPU, in writes below which its entries are taken as written once.
pub(super) const WRITTEN_ONCE: f64 = 0.10;

/// Goroutines wait for a lock that this function holds while it uses a map.
pub(super) fn lock_around_map(context: &SiteContext<'_>) -> Option<Finding> {
    let locks = context.site.locks.as_ref()?;
    let function = context.function_here()?;
    let (cpu, process) = context.cpu()?;
    let (map, own) = (function.map(), cpu.function.without(cpu.function_locking));
    if locks.is_empty() || map.share_of(own) < HELD_FOR_MAP {
        return None;
    }
    let locks = locks.in_order();
    let sums = by_source(&locks);
    let is_long = |(source, waits): &&(SourceId, Waits)| is_long(context.locks_of(*source), *waits);
    let long: Vec<SourceId> = sums.iter().filter(is_long).map(|&(source, _)| source).collect();
    if long.is_empty() {
        return None;
    }
    let mut finding = context.finding(map, Cause::LockHeldForMap, advice(function));
    finding.waiting =
        sums.iter().filter_map(|&(source, waits)| context.waiting(source, waits)).reduce(f64::max);
    finding.evidence = lock_lines(context, &locks);
    finding.evidence.extend(said([
        context.share("this function, of all CPU", cpu.function, process.total),
        context.share("of that locking and unlocking", cpu.function_locking, cpu.function),
        context.share("map operations, of the rest of this function", map, own),
    ]));
    let has_time = |&source: &SourceId| {
        context.locks_of(source).is_some_and(|locks| locks.duration_ns.is_some())
    };
    finding.confidence = match (long.iter().any(has_time), long.len()) {
        (true, 2..) => confidence(cpu.function, Level::High, Reason::SourcesAgree),
        (true, _) => confidence(cpu.function, Level::Medium, Reason::GuardNotMeasured),
        (false, _) => confidence(cpu.function, Level::Low, Reason::TimeNotKnown),
    };
    Some(finding)
}

fn is_long(locks: Option<&ProcessLocks>, waits: Waits) -> bool {
    match locks.and_then(|locks| locks.duration_ns) {
        Some(ns) => waits.ns as f64 >= WAITING * ns as f64,
        None => waits.ns >= WAITING_NS,
    }
}

fn by_source(locks: &[&SiteLock]) -> Vec<(SourceId, Waits)> {
    let mut sums: Vec<(SourceId, Waits)> = Vec::new();
    for lock in locks {
        match sums.iter_mut().find(|(source, _)| *source == lock.source) {
            Some((_, waits)) => *waits += lock.waits,
            None => sums.push((lock.source, lock.waits)),
        }
    }
    sums.sort_by_key(|&(source, waits)| (std::cmp::Reverse(waits.ns), source));
    sums
}

fn sum<'s>(sites: impl Iterator<Item = &'s Site>, of: fn(&Site) -> Option<Cost>) -> Cost {
    sites.filter_map(of).fold(Cost::default(), |mut sum, cost| {
        sum += cost;
        sum
    })
}

/// The part of the operations on the outermost map of this function in writes, by CPU; `None` without samples of it.
fn written_share(function: &FunctionSites<'_>) -> Option<f64> {
    let is_outer = |site: &&Site| {
        let mut types = site.maps.iter().flatten().filter_map(SiteMap::known_type);
        types.any(|t| t.nested != Nested::No)
    };
    let has_nested = function.sites().any(|site| is_outer(&site));
    let sites = || function.sites().filter(|site| !has_nested || is_outer(site));
    let write = sum(sites(), |site| Some(site.cpu.as_ref()?.by_op.get(MapOp::Assign)));
    let all = sum(sites(), |site| Some(site.cpu.as_ref()?.map));
    (all.samples > 0).then(|| write.share_of(all))
}

fn advice(function: &FunctionSites<'_>) -> Advice {
    let is_nested = function.sites().any(|site| {
        let mut types = site.maps.iter().flatten().filter_map(SiteMap::known_type);
        types.any(|t| t.nested != Nested::No)
    });
    let is_written_once = written_share(function).is_some_and(|share| share < WRITTEN_ONCE);
    let (by, sync_map) = if is_nested {
        (ShardKey::OuterKey, SyncMap::OfInnerMaps)
    } else {
        (ShardKey::Key, SyncMap::OfEntries)
    };
    Advice::Shard { shards: gomap::SHARDS, by, or_sync_map: is_written_once.then_some(sync_map) }
}

fn lock_lines(context: &SiteContext<'_>, locks: &[&SiteLock]) -> Vec<EvidenceLine> {
    const SHOWN_PER_SOURCE: usize = 2;
    let mut lines = Vec::new();
    for (source, waits) in by_source(locks) {
        let duration_ns = context.locks_of(source).and_then(|locks| locks.duration_ns);
        let amount = match duration_ns {
            Some(whole_ns) => Amount::TimeShare { part_ns: waits.ns, whole_ns },
            None => Amount::Time(waits.ns),
        };
        let of_source = || locks.iter().filter(|lock| lock.source == source);
        let what = match (of_source().next().map(|lock| lock.side), duration_ns) {
            (Some(LockSide::Holder), Some(_)) => {
                "others waited while this function held a lock, of the time covered"
            }
            (Some(LockSide::Holder), None) => "others waited while this function held a lock",
            (_, Some(_)) => "goroutines waited for a lock in this function, of the time covered",
            (_, None) => "goroutines waited for a lock in this function",
        };
        lines.push(EvidenceLine { sources: source.into(), what: what.to_owned(), amount });
        for lock in of_source().take(SHOWN_PER_SOURCE) {
            let what = format!("waits at {} in line {}", lock.call, lock.frame.line);
            let amount = Amount::Count(lock.waits.n);
            lines.push(EvidenceLine { sources: source.into(), what, amount });
        }
    }
    lines
}

impl<'e> SiteContext<'e> {
    fn locks_of(&self, source: SourceId) -> Option<&'e ProcessLocks> {
        self.evidence.locks.iter().find(|locks| locks.source == source)
    }

    /// Goroutines that wait at any time, on average; `None` where the source does not say which time it covers.
    fn waiting(&self, source: SourceId, waits: Waits) -> Option<f64> {
        let ns = self.locks_of(source)?.duration_ns.filter(|&ns| ns > 0)?;
        Some(waits.ns as f64 / ns as f64)
    }
}
