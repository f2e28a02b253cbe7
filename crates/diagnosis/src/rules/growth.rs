//! Growth: the only part of a write that a size hint removes.

use goabi::{MapImpl, MapOp, Release};
use gomap::Category;

use super::predicted::Presizing;
use super::saving::{self, Gone};
use super::steady::{self, GROWTH_IS_SMALL};
use super::usual_size::{
    UsualSize, allocated_evidence, blocks, grown_type, recorded, recorded_evidence,
};
use super::{
    FIRST_GROUP, FunctionSites, MANY_SAMPLES, SiteContext, confidence, is_noticeable, makes, said,
};
use crate::finding::{
    Advice, Amount, Basis, Cause, Confidence, EvidenceLine, Finding, Gain, Level, Reason, Saving,
    Spent, work_label,
};
use crate::hints;
use evidence::sizes::Size;
use evidence::words::base_name;
use evidence::{Block, Cost, MapType, Precision, ProcessCpu, Site, SiteCpu, SourceKind};

/// Part of a site's map cost under growth frames from which on growth is the matter. Unhinted builds have 30 to 70 %.
pub(super) const GROWTH_DOMINATES: f64 = 0.25;
/// Part of the bytes of growing arrays that a hint for the last one saves, where sizes are not known: of doubling arrays
/// the last is half, of those that grow once or twice more.
const OUTGROWN: Gone = Gone(0.3, 0.5, 0.9);
/// The same, as a part of what the model says. Memory that was not used before is also mapped and zeroed once.
const AS_FORECAST: Gone = Gone(0.4, 1.0, 1.5);
/// Part of moving entries that a hint for all of them saves. More, as entries that stay where they are do not push others
/// out of the cache; less where maps larger than the cache are filled in random order: they then miss the
/// cache where they would have found it in the smaller arrays.
const MOVES: Gone = Gone(0.3, 1.1, 1.4);
/// Part of making first groups: a map with a hint makes none.
const FIRST_GROUPS: Gone = Gone(0.0, 0.5, 1.0);
/// Part of searching: in arrays that are never moved more of it finds the cache. Basis: rewritten programs saved up to three points more
/// than all growth was.
const SEARCHES: Gone = Gone(0.0, 0.0, 0.12);
/// How wrong a guessed hint is in the example of what a wrong one costs.
const WRONG_HINT_FACTOR: u64 = 10;
/// Entries that a map has room for after its first growth, in releases with Swiss maps.
pub(super) const SECOND_STEP: u64 = 14;
/// Part of a site's read cost in `runtime.evacuated` from which on a pending growth is the matter.
pub(super) const PENDING_EVACUATION: f64 = 0.05;

/// Growth is a large part of the cost: presize.
pub(super) fn growth_dominates(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.noticeable_cpu()?;
    let is_large = cpu.growth.share_of(cpu.map) >= GROWTH_DOMINATES;
    let is_the_matter = is_large && is_noticeable(cpu.growth, process.total);
    is_the_matter.then(|| presize(context, cpu, process))
}

/// Growth is worth a hint, but most of the cost is something else.
pub(super) fn growth_is_a_part(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.noticeable_cpu()?;
    let is_a_part = (GROWTH_IS_SMALL..GROWTH_DOMINATES).contains(&cpu.growth.share_of(cpu.map));
    if !is_a_part || !is_noticeable(cpu.growth, process.total) {
        return None;
    }
    let parts = steady::spent(cpu);
    let is_shown = |&(part, _): &(Spent, Cost)| part != Spent::HelpingCollector;
    let others: Vec<_> = parts.into_iter().filter(is_shown).collect();
    let mut finding = presize(context, cpu, process);
    finding.cause = Cause::GrowthIsAPart { most: parts[0].0 };
    finding.evidence.extend(steady::parts_evidence(context, cpu, &others));
    if finding.confidence.level > Level::Medium {
        finding.confidence = Confidence { level: Level::Medium, reason: Reason::MostIsNotGrowth };
    }
    Some(finding)
}

/// What a hint would do about the growth at this line.
fn presize(context: &SiteContext<'_>, cpu: &SiteCpu, process: &ProcessCpu) -> Finding {
    let map_type = grown_type(context);
    let size = UsualSize::of(context, map_type);
    let nested = map_type.and_then(|inner| Some((inner, context.outer_type(inner)?)));
    let cause = match nested {
        Some((inner, outer)) => {
            Cause::InnerMapsGrow { inner: inner.name.clone(), outer: outer.name.clone() }
        }
        None => Cause::MapGrows,
    };
    let n = size.as_ref().and_then(|size| size.one_hint(context));
    let entries = size.as_ref().and_then(UsualSize::entries);
    let advice = Advice::Presize { made: makes::of(context, map_type), n, entries };
    let mut finding = context.finding(cpu.growth, cause, advice);
    finding.evidence = growth_evidence(context);
    finding.evidence.extend(recorded_evidence(context));
    finding.evidence.extend(allocated_evidence(context, size.as_ref()));
    let largest = size.as_ref().and_then(UsualSize::most).zip(map_type);
    finding.evidence.extend(largest.and_then(|(most, of)| wrong_hint(context, of, most)));
    let predicted = size.as_ref().and_then(|size| size.presized(context, map_type, 0, n));
    finding.saving = Some(saving(context, cpu, process, predicted));
    finding.confidence = match &size {
        Some(UsualSize::Recorded { growth, .. }) if growth.precision == Precision::Exact => {
            confidence(cpu.growth, Level::High, Reason::GrowthsCounted)
        }
        _ if is_seen_aside(context) => {
            Confidence { level: Level::High, reason: Reason::ToolsAgree }
        }
        Some(UsualSize::Recorded { .. }) => {
            confidence(cpu.growth, Level::Medium, Reason::GrowthsEstimated)
        }
        Some(UsualSize::Allocated(_)) => {
            confidence(cpu.growth, Level::High, Reason::SizesAllocated)
        }
        None => confidence(cpu.growth, Level::Medium, Reason::SizesNotMeasured),
    };
    finding
}

/// Whether samples of another tool, many enough, say the same.
fn is_seen_aside(context: &SiteContext<'_>) -> bool {
    context.site.cpu_aside.iter().any(|aside| {
        aside.growth.samples >= MANY_SAMPLES && aside.growth.share_of(aside.map) >= GROWTH_DOMINATES
    })
}

/// What a right hint saves: it moves no entries, and makes no arrays that are outgrown. The last array is made all the same.
fn saving(
    context: &SiteContext<'_>,
    cpu: &SiteCpu,
    process: &ProcessCpu,
    predicted: Option<Presizing>,
) -> Saving {
    let memory = cpu.split.get(Category::GrowthMemory);
    let moving = cpu.growth.without(cpu.growth_gc).without(memory);
    let moved_part = predicted.as_ref().and_then(|of| of.moved_part).unwrap_or(1.0);
    let outgrown = match &predicted {
        Some(of) => AS_FORECAST.times(of.allocated_part),
        None => OUTGROWN,
    };
    let caused = saving::caused(context, Block::is_array, memory);
    saving::Sum::of(process)
        .work(moving, MOVES.times(moved_part))
        .work(memory, outgrown)
        .work(cpu.split.get(Category::Create), FIRST_GROUPS)
        .work(cpu.map.without(cpu.growth), SEARCHES)
        .collector(caused, outgrown)
        .saving(Basis::RightHint, predicted.map(|of| of.saving))
}

fn growth_evidence(context: &SiteContext<'_>) -> Vec<EvidenceLine> {
    let Some((cpu, process)) = context.cpu() else { return Vec::new() };
    let of_map = |category| {
        let what = format!("of that {}", work_label(category));
        context.share(&what, cpu.split.get(category), cpu.map)
    };
    let lines = said([
        context.share("map writes and reads at this line, of all CPU", cpu.map, process.total),
        context.share("of that under growth frames", cpu.growth, cpu.map),
        of_map(Category::GrowthMove),
        of_map(Category::GrowthMemory),
        of_map(Category::GcAssist),
    ]);
    let is_there = |line: &EvidenceLine| !matches!(line.amount, Amount::Share { part, .. } if part == Cost::default());
    let lines = lines.into_iter().filter(is_there);
    lines.chain(context.growth_aside()).chain(assist_evidence(context)).collect()
}

/// What an execution trace says about the collector's work that this line had to do.
fn assist_evidence(context: &SiteContext<'_>) -> Option<EvidenceLine> {
    let assists = context.site.trace?.assists;
    if assists.n == 0 {
        return None;
    }
    let whole_ns = context.evidence.trace.as_ref()?.assists.wall_ns;
    context.fact(
        SourceKind::Trace,
        "map operations of this line, of the time that goroutines had to help the collector"
            .to_owned(),
        Amount::TimeShare { part_ns: assists.wall_ns, whole_ns },
    )
}

/// What a wrong hint would cost.
fn wrong_hint(context: &SiteContext<'_>, map_type: &MapType, size: Size) -> Option<EvidenceLine> {
    let layout = map_type.layout(context.map_impl()?, context.version()?)?;
    let wrong = layout.bytes_for_hint(size.room.saturating_mul(WRONG_HINT_FACTOR));
    let waste = wrong.saturating_sub(layout.bytes_for_hint(size.room));
    let what = format!("wasted per map by a hint {WRONG_HINT_FACTOR} times too large");
    context.fact(SourceKind::Binary, what, Amount::Bytes(waste))
}

/// Maps made with a size hint grow all the same.
pub(super) fn hint_too_small(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.noticeable_cpu()?;
    let (growth, sizes) = recorded(context)?;
    let median = sizes.quantile(0.5);
    let makes = hints::of_maps(context.evidence, growth, sizes)?;
    let is_too_small = makes.mean() > FIRST_GROUP as f64 && makes.mean() < median.at_least as f64;
    if !is_too_small || !is_noticeable(cpu.growth, process.total) {
        return None;
    }
    // Those that were made with the hint and did not grow.
    let n_small = Some(makes.n.saturating_sub(sizes.n_maps()));
    let size = UsualSize::Recorded { growth, sizes, n_small };
    let n = size.one_hint(context);
    let advice = Advice::RaiseHint {
        map_type: makes.map_type.clone(),
        make: makes.frame.clone(),
        mean_hint: makes.mean(),
        n,
        entries: size.entries()?,
    };
    let cause = Cause::HintTooSmall { make: makes.frame.clone() };
    let mut finding = context.finding(cpu.growth, cause, advice);
    finding.evidence = growth_evidence(context);
    finding.evidence.extend(context.fact(
        SourceKind::Recording,
        format!(
            "mean hint of {} made at {}:{}",
            makes.map_type,
            base_name(&makes.frame.file),
            makes.frame.line
        ),
        Amount::Ratio(makes.mean()),
    ));
    finding.evidence.extend(recorded_evidence(context));
    let predicted = size.presized(context, None, makes.mean() as u64, n);
    finding.saving = Some(saving(context, cpu, process, predicted));
    finding.confidence = confidence(cpu.growth, Level::Medium, Reason::WhichMapNotRecorded);
    Some(finding)
}

/// Some releases grow a map of exactly 8 entries when one of them is overwritten; Go 1.27 does not.
pub(super) fn full_small_maps(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.noticeable_cpu()?;
    let version = context.version()?;
    if !context.evidence.program.maps()?.full_small_update_grows {
        return None;
    }
    let largest = blocks(context)
        .filter(|b| b.alloc.alloc_objects > Some(0))
        .filter_map(|b| b.map_capacity)
        .max()?;
    if largest != SECOND_STEP || !is_noticeable(cpu.growth, process.total) {
        return None;
    }
    let never_grows =
        |release: &Release| release.usual_map().is_some_and(|map| !map.full_small_update_grows);
    let advice =
        Advice::MoveToGo { release: Release::since(never_grows)?, gain: Gain::OverwritesDoNotGrow };
    let mut finding = context.finding(cpu.growth, Cause::FullSmallMaps { version }, advice);
    finding.evidence = said([
        context.share("under growth frames, of all CPU", cpu.growth, process.total),
        context.fact(
            SourceKind::Heap,
            "largest room allocated here".to_owned(),
            Amount::Count(largest),
        ),
    ]);
    finding.confidence = confidence(cpu.growth, Level::Low, Reason::LargerMapsLookAlike);
    Some(finding)
}

/// Whether samples show writes to maps of the type that the line reads; where it is not known, of any in the function.
fn is_written_anywhere(context: &SiteContext<'_>) -> bool {
    let writes = |site: &Site| {
        site.cpu.as_ref().is_some_and(|cpu| cpu.by_op.get(MapOp::Assign) != Cost::default())
    };
    match context.types(MapOp::Read).next() {
        Some(of) => context.evidence.sites.iter().any(|site| {
            let is_of_it = || site.frame == context.site.frame || site.uses(of);
            writes(site) && is_of_it()
        }),
        None => {
            let function = context.functions.get(context.site);
            function.into_iter().flat_map(FunctionSites::sites).any(writes)
        }
    }
}

/// Classic maps finish a growth only on later writes; reads check every bucket until then.
///
/// Source: runtime/map.go, `mapaccess1` and `growWork`, Go 1.23.
pub(super) fn pending_evacuation(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.noticeable_cpu()?;
    let read = cpu.by_op.get(MapOp::Read);
    let evacuated = cpu.leaves.iter().find(|leaf| &*leaf.name == "runtime.evacuated")?.cost;
    if context.map_impl() != Some(MapImpl::Classic)
        || evacuated.share_of(read) < PENDING_EVACUATION
        || !is_noticeable(evacuated, process.total)
        || is_written_anywhere(context)
    {
        return None;
    }
    let moves_at_once =
        |release: &Release| release.usual_map().is_some_and(|map| map.map_impl == MapImpl::Swiss);
    let advice = Advice::FinishGrowth {
        made: makes::of(context, context.types(MapOp::Read).next()),
        or_release: Release::since(moves_at_once)?,
    };
    let mut finding = context.finding(evacuated, Cause::PendingGrowth, advice);
    finding.evidence = said([
        context.share("reads at this line, of all CPU", read, process.total),
        context.share("of that checking for buckets not yet moved", evacuated, read),
    ]);
    finding.confidence = confidence(evacuated, Level::Medium, Reason::CheckRunsInAnyGrowth);
    Some(finding)
}
