//! Which events of a file count what.

use std::collections::HashMap;

use evidence::OfSource;
use goperf::{Event, EventKind, Tracepoint};

/// The events of a file by what they count, as positions among them.
#[derive(Debug)]
pub(super) struct Events {
    pub(super) cpu: Option<CpuEvents>,
    /// Misses of caches and of the translation of addresses.
    pub(super) misses: Vec<usize>,
    /// By event, its tracepoint, where every pass was recorded.
    pub(super) tracepoints: Vec<Option<Tracepoint>>,
}

/// The events that count CPU time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CpuEvents {
    /// Several where each kind of core counts its own cycles. Never empty.
    pub(super) events: Vec<usize>,
    /// "cycles", or those of several kinds of core: "cpu_core/cycles/ and cpu_atom/cycles/".
    pub(super) name: String,
    /// What their samples stand for if they do not say so themselves. Units: nanoseconds.
    pub(super) ns_per_sample: Option<u64>,
    /// Whether their times are on the clock that traces have, too.
    pub(super) is_monotonic: bool,
}

impl Events {
    /// Sorts the events; says of which tracepoints the samples are not used.
    pub(super) fn of(events: &[Event], source: &mut OfSource<'_>) -> Self {
        let tracepoints = counted_tracepoints(events, source);
        let is_miss = |at: &usize| events[*at].kind == EventKind::Misses;
        let misses = (0..events.len()).filter(is_miss).collect();
        Self { cpu: cpu_events(events), misses, tracepoints }
    }
}

/// By event, its tracepoint, where every pass was recorded; those that were sampled are named and left out.
fn counted_tracepoints(events: &[Event], source: &mut OfSource<'_>) -> Vec<Option<Tracepoint>> {
    let is_sampled =
        |event: &&Event| event.kind == EventKind::Tracepoint && event.period != Some(1);
    let sampled: Vec<&str> = events.iter().filter(is_sampled).map(|event| &*event.name).collect();
    if !sampled.is_empty() {
        source.notice(&format!(
            "{} were sampled, not counted: not used; record them without -F, and the CPU with -e cpu-clock/freq=99/",
            sampled.join(", ")
        ));
    }
    let counted = |event: &Event| event.tracepoint.clone().filter(|_| !is_sampled(&event));
    events.iter().map(counted).collect()
}

fn cpu_events(events: &[Event]) -> Option<CpuEvents> {
    let position = |kind| events.iter().position(|event| event.kind == kind);
    if let Some(event) = position(EventKind::CpuTime) {
        return Some(CpuEvents::of(events, vec![event], events[event].period));
    }
    let first = position(EventKind::Cycles)?;
    let hz = events[first].frequency?;
    let mut of_cores: Vec<usize> = Vec::new();
    for (at, event) in events.iter().enumerate() {
        let is_alike = event.kind == EventKind::Cycles && event.frequency == Some(hz);
        let is_other = |&known: &usize| events[known].core_kind != event.core_kind;
        if is_alike && of_cores.iter().all(is_other) {
            of_cores.push(at);
        }
    }
    Some(CpuEvents::of(events, of_cores, Some(1_000_000_000 / hz)))
}

impl CpuEvents {
    /// Of these events, at least one.
    fn of(all: &[Event], events: Vec<usize>, ns_per_sample: Option<u64>) -> Self {
        let names: Vec<&str> = events.iter().map(|&at| &*all[at].name).collect();
        let (name, is_monotonic) = (names.join(" and "), all[events[0]].is_monotonic);
        Self { events, name, ns_per_sample, is_monotonic }
    }
}

/// Names of events, of which those of one name are numbered: each has figures of its own.
pub(super) fn told_apart<'e>(events: impl Iterator<Item = &'e str>) -> Vec<String> {
    let mut n_known: HashMap<&str, usize> = HashMap::new();
    let numbered = |event| {
        let n = n_known.entry(event).or_default();
        *n += 1;
        if *n == 1 { event.to_owned() } else { format!("{event} #{n}") }
    };
    events.map(numbered).collect()
}

#[cfg(test)]
mod tests;
