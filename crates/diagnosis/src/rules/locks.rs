//! A lock around a map that goroutines wait for.
//!
//! No source says which lock guards which map. The rule speaks where a function uses a map, takes a lock that others wait
//! for, and does little else: then the map is what the lock is held for.

use super::{FunctionSites, SiteContext, confidence, is_noticeable, said};
use crate::finding::{
    Advice, Amount, Cause, EvidenceLine, Finding, Level, Reason, ShardKey, SyncMap,
};
use evidence::{Cost, LockSide, MapType, ProcessLocks, Site, SiteLock, SourceId, Waits};
use goabi::{MapOp, Nested};

/// Time waited for the lock, of the time covered, from which on it is a matter: one goroutine a tenth of the time.
pub(super) const WAITING: f64 = 0.10;
/// The same where the source does not say which time it covers. Units: nanoseconds.
pub(super) const WAITING_NS: u64 = 1_000_000_000;
/// Part of the function's CPU, locking left out, in map operations from which on the lock is held for the map.
pub(super) const HELD_FOR_MAP: f64 = 0.30;
/// Part of the operations on a map, by CPU, in writes below which its entries are taken as written once.
pub(super) const WRITTEN_ONCE: f64 = 0.10;
/// Part of the function's CPU, locking left out, in map operations from which on the lock is taken to guard nothing else.
pub(super) const NOTHING_ELSE: f64 = 0.90;

/// A lock that goroutines wait for, and the function that takes it.
struct Held<'e> {
    /// Order: by source, the longest waits first.
    locks: Vec<&'e SiteLock>,
    /// Map operations in the function, or in those that it calls where it has none.
    map: Cost,
    /// All of the function.
    function: Cost,
    /// The part of it in locking and unlocking.
    locking: Cost,
    /// The function, where it is another than that of the line: one that calls it.
    by: Option<&'e str>,
}

/// Goroutines wait for a lock that is held while the map is used: by the function of the line, or by one that calls it.
pub(super) fn lock_around_map(context: &SiteContext<'_>) -> Option<Finding> {
    let own = own_lock(context).and_then(|held| finding(context, &held));
    own.or_else(|| finding(context, &callers_lock(context)?))
}

fn own_lock<'e>(context: &SiteContext<'e>) -> Option<Held<'e>> {
    let locks = context.site.locks.as_ref().filter(|locks| !locks.is_empty())?;
    let cpu = context.site.cpu.as_ref()?;
    let map = context.function_here()?.map();
    let (function, locking) = (cpu.function, cpu.function_locking);
    Some(Held { locks: locks.in_order(), map, function, locking, by: None })
}

/// The lock of a function that calls the line's, to use maps that it does not use itself. It is said once, at the site below
/// it that costs most.
fn callers_lock<'e>(context: &SiteContext<'e>) -> Option<Held<'e>> {
    let callers = context.site.cpu.iter().flat_map(|cpu| &cpu.callers);
    let mut locking = callers.filter(|caller| !caller.locks.is_empty());
    locking.find_map(|caller| {
        let by = &*caller.frame.function;
        let below = context.functions.below_lock_of(by)?;
        let (function, locking) = (caller.function, caller.function_locking);
        let uses_itself = context.functions.map_of(by).share_of(function.without(locking));
        let is_here = std::ptr::eq(below.first, context.site) && uses_itself < HELD_FOR_MAP;
        let locks = caller.locks.in_order();
        is_here.then_some(Held { locks, map: below.map, function, locking, by: Some(by) })
    })
}

fn finding(context: &SiteContext<'_>, held: &Held<'_>) -> Option<Finding> {
    let (_, process) = context.cpu()?;
    let own = held.function.without(held.locking);
    if held.map.share_of(own) < HELD_FOR_MAP || !is_noticeable(held.map, process.total) {
        return None;
    }
    let sums = by_source(&held.locks);
    let burns = is_noticeable(held.locking, process.total);
    let is_long =
        |(source, waits): &&(SourceId, Waits)| is_long(context.locks_of(*source), *waits, burns);
    let long: Vec<SourceId> = sums.iter().filter(is_long).map(|&(source, _)| source).collect();
    if long.is_empty() {
        return None;
    }
    let map_type = only_type(context).map(|of| of.name.clone());
    let cause = Cause::LockHeldForMap { map_type, by: held.by.map(str::to_owned) };
    let mut cost = held.map;
    cost += held.locking;
    let mut finding = context.finding(cost, cause, advice(context, held));
    finding.waiting =
        sums.iter().filter_map(|&(source, waits)| context.waiting(source, waits)).reduce(f64::max);
    finding.evidence = lock_lines(context, held);
    let whose = held.by.unwrap_or("this function");
    finding.evidence.extend(said([
        context.share(&format!("{whose}, of all CPU"), held.function, process.total),
        context.share("of that locking and unlocking", held.locking, held.function),
        context.share(&format!("map operations, of the rest of {whose}"), held.map, own),
    ]));
    let has_time = |&source: &SourceId| {
        context.locks_of(source).is_some_and(|locks| locks.duration_ns.is_some())
    };
    finding.confidence = match (long.iter().any(has_time), long.len()) {
        (true, 2..) => confidence(held.function, Level::High, Reason::SourcesAgree),
        (true, _) => confidence(held.function, Level::Medium, Reason::GuardNotMeasured),
        (false, _) => confidence(held.function, Level::Low, Reason::TimeNotKnown),
    };
    Some(finding)
}

/// Without a time that the source covers, which may be weeks, the CPU time in locking has to show the waiting too.
fn is_long(locks: Option<&ProcessLocks>, waits: Waits, locking_burns_cpu: bool) -> bool {
    match locks.and_then(|locks| locks.duration_ns) {
        Some(ns) => waits.ns as f64 >= WAITING * ns as f64,
        None => waits.ns >= WAITING_NS && locking_burns_cpu,
    }
}

/// The type of the maps that the function uses, where they are all of one.
fn only_type<'e>(context: &SiteContext<'e>) -> Option<&'e MapType> {
    let sites = context.functions.get(context.site)?.sites();
    let mut types = sites.flat_map(Site::known_types);
    let first = types.next()?;
    types.all(|of| of.name == first.name).then_some(first)
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
    sites.filter_map(of).sum()
}

/// What changes which entries a map has: a `sync.Map` takes each for a write.
const WRITES: [MapOp; 3] = [MapOp::Assign, MapOp::Delete, MapOp::Clear];

/// The part of the operations on the outermost map of this function in writes, by CPU; `None` without samples of it.
fn written_share(function: &FunctionSites<'_>) -> Option<f64> {
    let is_outer = |site: &&Site| {
        let mut types = site.known_types();
        types.any(|t| t.nested != Nested::No)
    };
    let has_nested = function.sites().any(|site| is_outer(&site));
    let sites = || function.sites().filter(|site| !has_nested || is_outer(site));
    let write = sum(sites(), |site| {
        let cpu = site.cpu.as_ref()?;
        Some(WRITES.into_iter().map(|op| cpu.by_op.get(op)).sum())
    });
    let all = sum(sites(), |site| Some(site.cpu.as_ref()?.map));
    (all.samples > 0).then(|| write.share_of(all))
}

fn advice(context: &SiteContext<'_>, held: &Held<'_>) -> Advice {
    let function = context.functions.get(context.site);
    let is_nested = function.into_iter().flat_map(FunctionSites::sites).any(|site| {
        let mut types = site.known_types();
        types.any(|t| t.nested != Nested::No)
    });
    let (by, sync_map) = if is_nested {
        (ShardKey::OuterKey, SyncMap::OfInnerMaps)
    } else {
        (ShardKey::Key, SyncMap::OfEntries)
    };
    let is_alone = guards_nothing_else(held)
        && function.and_then(written_share).is_some_and(|share| share < WRITTEN_ONCE);
    Advice::Shard { shards: gomap::SHARDS, by, or_sync_map: is_alone.then_some(sync_map) }
}

/// Whether next to nothing is done under the lock but what the map needs, as far as samples show it: a `sync.Map` would not
/// guard the rest. Of a lock that is taken further up they do not.
fn guards_nothing_else(held: &Held<'_>) -> bool {
    held.by.is_none() && held.map.share_of(held.function.without(held.locking)) >= NOTHING_ELSE
}

fn lock_lines(context: &SiteContext<'_>, held: &Held<'_>) -> Vec<EvidenceLine> {
    const SHOWN_PER_SOURCE: usize = 2;
    let whose = held.by.unwrap_or("this function");
    let mut lines = Vec::new();
    for (source, waits) in by_source(&held.locks) {
        let duration_ns = context.locks_of(source).and_then(|locks| locks.duration_ns);
        let amount = match duration_ns {
            Some(whole_ns) => Amount::TimeShare { part_ns: waits.ns, whole_ns },
            None => Amount::Time(waits.ns),
        };
        let of_source = || held.locks.iter().filter(|lock| lock.source == source);
        let side = of_source().next().map(|lock| lock.side);
        let waited = match side {
            Some(LockSide::Holder) => format!("others waited while {whose} held a lock"),
            _ => format!("goroutines waited for a lock in {whose}"),
        };
        let covered = if duration_ns.is_some() { ", of the time covered" } else { "" };
        let what = format!("{waited}{covered}");
        lines.push(EvidenceLine { sources: source.into(), what, amount });
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
