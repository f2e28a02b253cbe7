//! Misses of caches and of the translation of addresses in map operations, where the processor counted them.

use gomap::MapWork;

use super::{FEW_SAMPLES, MANY_SAMPLES, SiteContext, is_noticeable};
use crate::finding::{Advice, Amount, Cause, Confidence, EvidenceLine, Finding, Level, Reason};
use evidence::{Misses, ProcessMisses, SiteMisses};

/// Part of the process' misses in map operations of a line from which on they are a matter.
pub(super) const MISSES_NOTICEABLE: f64 = 0.20;
/// Part of a line's misses where buckets are loaded and compared from which on the place of entries is the cause.
pub(super) const MISSES_IN_SEARCH: f64 = 0.50;

/// The line waits for memory: buckets, tags and keys are not where the cache is.
pub(super) fn misses_in_search(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.noticeable_cpu()?;
    let of_process = |here: &SiteMisses| {
        let is_same = |all: &&ProcessMisses| all.source == here.source && all.event == here.event;
        context.evidence.misses.iter().find(is_same)
    };
    let is_matter = |(here, all): &(&SiteMisses, &ProcessMisses)| {
        here.map.samples >= FEW_SAMPLES
            && here.map.share_of(all.total) >= MISSES_NOTICEABLE
            && here.search().share_of(here.map) >= MISSES_IN_SEARCH
    };
    let measured: Vec<(&SiteMisses, &ProcessMisses)> =
        context.site.misses.iter().filter_map(|here| Some((here, of_process(here)?))).collect();
    let share = |(here, all): &(&SiteMisses, &ProcessMisses)| here.search().share_of(all.total);
    let matters = measured.iter().filter(|pair| is_matter(pair));
    let (worst, _) = matters.max_by(|a, b| share(a).total_cmp(&share(b)))?;
    let nested = context.main_type().and_then(|inner| Some((inner, context.outer_type(inner)?)));
    let advice = match nested {
        Some((inner, outer)) if !context.is_walked(inner) => {
            Advice::FlattenForRandomAccess { outer: outer.name.clone(), inner: inner.name.clone() }
        }
        _ if is_of_keys(worst) => Advice::KeysInPlace,
        _ => Advice::SmallerEntries,
    };
    let mut search = cpu.by_work.get(MapWork::Load);
    search += cpu.by_work.get(MapWork::Compare);
    if !is_noticeable(search, process.total) {
        return None;
    }
    let mut finding = context.finding(search, Cause::MissesInSearch, advice);
    finding.evidence = measured.iter().flat_map(|(here, all)| lines(here, all)).collect();
    finding.evidence.extend(context.share(
        "map operations at this line, of all CPU",
        cpu.map,
        process.total,
    ));
    finding.confidence = match worst.map.samples {
        n @ 0..MANY_SAMPLES => Confidence { level: Level::Low, reason: Reason::FewMisses(n) },
        _ => Confidence { level: Level::Medium, reason: Reason::MissTimeNotMeasured },
    };
    Some(finding)
}

/// Whether most misses of searching are in keys that lie outside the map.
fn is_of_keys(here: &SiteMisses) -> bool {
    here.get(MapWork::Compare).share_of(here.search()) >= MISSES_IN_SEARCH
}

fn lines(here: &SiteMisses, all: &ProcessMisses) -> [EvidenceLine; 3] {
    let event = &here.event;
    let line = |what: String, part: Misses, whole: Misses| {
        let amount = Amount::EventShare { part: part.events, whole: whole.events };
        EvidenceLine { sources: here.source.into(), what, amount }
    };
    [
        line(format!("in map operations of this line, of all {event}"), here.map, all.total),
        line("of that loading and comparing groups and keys".to_owned(), here.search(), here.map),
        line(
            "of that comparing keys outside the groups".to_owned(),
            here.get(MapWork::Compare),
            here.search(),
        ),
    ]
}
