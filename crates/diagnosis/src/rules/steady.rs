//! When growth is not the problem: few maps, reads, overwrites.

use goabi::MapOp;
use gomap::{Category, MapWork};

use super::arrays::LiveArrays;
use super::growth::GROWTH_DOMINATES;
use super::usual_size::mark;
use super::{
    ENOUGH_SAMPLES, FEW_SAMPLES, PROCESS_NOTICEABLE, ProcessContext, SiteContext, confidence, path,
    said,
};
use crate::finding::{
    Advice, Amount, Cause, Confidence, EvidenceLine, Finding, Level, Reason, Spent,
};
use evidence::{Cost, MapType, ProcessCpu, ProcessGrowth, Site, SiteCpu, SourceKind};

/// Part of the map cost under growth frames below which a hint would not be felt.
pub(super) const GROWTH_IS_SMALL: f64 = 0.10;
/// Reads for each unit of writes from which on reads dominate.
pub(super) const READS_PER_WRITE: u64 = 2;
/// Part of a line's map cost in loading groups or buckets and comparing from which on the search is the matter.
pub(super) const SEARCH_DOMINATES: f64 = 0.50;
/// Live arrays of a type from which on they fit no cache. Units: bytes.
pub(super) const LARGER_THAN_CACHES: u64 = 32 << 20;

/// Cost inside map operations.
pub(super) fn in_maps(cpu: &ProcessCpu) -> Cost {
    MapOp::ALL.into_iter().map(|op| cpu.by_op.get(op)).sum()
}

/// Maps cost too little for a change to pay.
pub(super) fn below_threshold(process: &ProcessContext<'_>) -> Option<Finding> {
    let cpu = process.cpu()?;
    let (map, total) = (in_maps(cpu), cpu.total);
    // What has no names may be in maps as well.
    if [map, cpu.unnamed].into_iter().sum::<Cost>().share_of(total) >= PROCESS_NOTICEABLE {
        return None;
    }
    // Of so few nothing is known to be small.
    if total.samples < FEW_SAMPLES {
        return None;
    }
    let confidence = confidence_of_little(map.samples, total.samples);
    let evidence = said([process.share("inside map operations, of all CPU", map, total)]);
    let finding = process.finding(Cause::LittleInMaps, Advice::LookElsewhere, map, confidence);
    Some(Finding { evidence, ..finding })
}

/// High where a share that is noticeable would hardly have shown in so few of the samples.
fn confidence_of_little(n_map: u64, n_total: u64) -> Confidence {
    let most = at_most(n_map, n_total);
    if most < PROCESS_NOTICEABLE {
        return Confidence { level: Level::High, reason: Reason::AllSamples(n_total) };
    }
    let reason = Reason::MayHide { samples: n_total, fraction: most };
    Confidence { level: Level::Low, reason }
}

/// The part of all samples that these may be, by chance in 1 of 20 cases.
fn at_most(n: u64, n_total: u64) -> f64 {
    // What is expected of a sum of rare events so that fewer than this are seen in 1 of 20 cases.
    let n = n as f64;
    (n + 2.0 * n.sqrt() + 3.0) / n_total as f64
}

/// Reads dominate: growth is not the problem.
pub(super) fn reads_dominate(process: &ProcessContext<'_>) -> Option<Finding> {
    let cpu = process.cpu()?;
    let (map, total) = (in_maps(cpu), cpu.total);
    let (read, write) = (cpu.by_op.get(MapOp::Read), cpu.by_op.get(MapOp::Assign));
    let is_small = cpu.growth.share_of(map) < GROWTH_IS_SMALL;
    if map.share_of(total) < PROCESS_NOTICEABLE || !is_small {
        return None;
    }
    // What has no names may be growth as well.
    if cpu.unnamed.share_of(total) >= PROCESS_NOTICEABLE {
        return None;
    }
    let dominate = read.cpu_ns >= write.cpu_ns.saturating_mul(READS_PER_WRITE);
    if !dominate || read.samples < ENOUGH_SAMPLES {
        return None;
    }
    let confidence = confidence(read, Level::High, Reason::SharesMeasured);
    let evidence = said([
        process.share("map reads, of all CPU", read, total),
        process.share("map writes, of all CPU", write, total),
        process.share("under growth frames, of all CPU", cpu.growth, total),
    ]);
    let finding =
        process.finding(Cause::MostlyRead, Advice::FewerLookups { twice: None }, read, confidence);
    Some(Finding { evidence, ..finding })
}

/// How often maps grew here; nothing where none was met and not every growth was counted.
fn recorded_grows(context: &SiteContext<'_>) -> Option<EvidenceLine> {
    let growth = context.site.growth.as_ref()?;
    let has_every = context.evidence.growth.as_ref().is_none_or(ProcessGrowth::has_every_growth);
    let worst = growth.types.iter().max_by_key(|of| of.precision);
    let what = match worst {
        Some(of) => mark(of.figure(growth.total.grows)),
        None if has_every => "",
        None => return None,
    };
    let what = format!("growths recorded at this line{what}");
    context.fact(SourceKind::Recording, what, Amount::Count(growth.total.grows))
}

/// A hot line without growth: a share of work, not a fault. It says what the work is.
pub(super) fn growth_is_not_the_problem(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.noticeable_cpu()?;
    if cpu.growth.share_of(cpu.map) >= GROWTH_IS_SMALL || may_hide_growth(context.site, cpu) {
        return None;
    }
    let parts = spent(cpu);
    let large = larger_than_caches(context, cpu);
    let cause = match large {
        Some((map_type, _)) => Cause::SearchOutsideCache { map_type: map_type.name.clone() },
        None => Cause::NotGrowing { most: parts[0].0 },
    };
    let mut finding = context.finding(cpu.map, cause, Advice::FewerOperations);
    finding.evidence = said([
        context.share("map operations at this line, of all CPU", cpu.map, process.total),
        context.share("of that under growth frames", cpu.growth, cpu.map),
    ]);
    finding.evidence.extend(context.growth_aside());
    finding.evidence.extend(recorded_grows(context));
    finding.evidence.extend(parts_evidence(context, cpu, &parts));
    if let Some((map_type, arrays)) = large {
        finding.evidence.extend(arrays.evidence(context, map_type));
        finding.confidence = confidence(cpu.map, Level::Medium, Reason::MissesNotMeasured);
    }
    finding.evidence.extend(key_evidence(context, cpu));
    Some(finding)
}

/// Whether maps are known to grow here, and samples are so few that growth may dominate all the same.
fn may_hide_growth(site: &Site, cpu: &SiteCpu) -> bool {
    let grows = site.growth.as_ref().is_some_and(|growth| growth.total.grows > 0);
    grows && at_most(cpu.growth.samples, cpu.map.samples) >= GROWTH_DOMINATES
}

/// The maps that a line searches, where searching them is most of what it does and they do not fit a cache.
fn larger_than_caches<'e>(
    context: &SiteContext<'e>,
    cpu: &SiteCpu,
) -> Option<(&'e MapType, LiveArrays)> {
    let mut searching = cpu.by_work.get(MapWork::Load);
    searching += cpu.by_work.get(MapWork::Compare);
    if searching.share_of(cpu.map) < SEARCH_DOMINATES {
        return None;
    }
    let map_type = context.main_type()?;
    let arrays = LiveArrays::of(context.evidence, map_type);
    (arrays.bytes >= LARGER_THAN_CACHES).then_some((map_type, arrays))
}

/// That keys take the general functions, where it is for their own type and not for that of elements.
fn key_evidence(context: &SiteContext<'_>, cpu: &SiteCpu) -> Option<EvidenceLine> {
    let map_type = context.main_type()?;
    let (key, function) = (&map_type.key, &cpu.entry_points.first()?.name);
    let is_general = path::takes_general(map_type, function);
    let what = format!("a key of type {}, which takes the general {function}", key.name);
    is_general.then(|| context.fact(SourceKind::Binary, what, Amount::Bytes(key.size)))?
}

/// What a line spends its map time on beside growth. Order: the largest part first.
pub(super) fn spent(cpu: &SiteCpu) -> [(Spent, Cost); Spent::ALL.len()] {
    let of = |category| cpu.split.get(category);
    let [hashing, searching, comparing] =
        [MapWork::Hash, MapWork::Load, MapWork::Compare].map(|work| cpu.by_work.get(work));
    // Of reads and deletes the category is all of them, and only the work says how much of that is a search.
    let mut found = hashing;
    found += searching;
    found += comparing;
    let in_writes = [Category::Hash, Category::Probe].map(of);
    let in_others = in_writes.into_iter().fold(found, Cost::without);
    let (read, deleted) = (of(Category::Read), of(Category::DeleteClear));
    let cost = |part| match part {
        Spent::Hashing => hashing,
        Spent::Searching => searching,
        Spent::Comparing => comparing,
        Spent::Reading => read.without(in_others),
        Spent::Deleting => deleted.without(in_others.without(read)),
        Spent::Iterating => of(Category::Iterate),
        Spent::Making => of(Category::Create),
        Spent::Copying => of(Category::OtherMap),
        Spent::HelpingCollector => of(Category::GcAssist),
        Spent::WriteBarriers => of(Category::WriteBarrier),
    };
    let mut parts = Spent::ALL.map(|part| (part, cost(part)));
    parts.sort_by_key(|(_, cost)| std::cmp::Reverse(cost.cpu_ns));
    parts
}

/// The largest of these parts, as lines.
pub(super) fn parts_evidence(
    context: &SiteContext<'_>,
    cpu: &SiteCpu,
    parts: &[(Spent, Cost)],
) -> Vec<EvidenceLine> {
    const SHOWN: usize = 3;
    let of_part = |(part, cost): &(Spent, Cost)| {
        context.share(&format!("of that {}", part.label()), *cost, cpu.map)
    };
    measured(parts).take(SHOWN).filter_map(of_part).collect()
}

/// Those of the parts that have samples.
pub(super) fn measured(parts: &[(Spent, Cost)]) -> impl Iterator<Item = &(Spent, Cost)> {
    parts.iter().filter(|(_, cost)| *cost != Cost::default())
}
