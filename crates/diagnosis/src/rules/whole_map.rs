//! Operations on the whole of a map: iterating and clearing. They cost what the map has room for, not only what it holds.

use goabi::{MapImpl, MapOp};

use super::arrays::LiveArrays;
use super::{ENOUGH_SAMPLES, FIRST_GROUP, SiteContext, confidence, is_noticeable, said};
use crate::finding::{Advice, Amount, Cause, EvidenceLine, Finding, Level, Reason, Visits};
use evidence::{Cost, MapType, Site, SiteCpu, SourceKind};

/// Part of the process' CPU in iterating at a line from which on it is worth a word.
pub(super) const ITERATION_NOTICEABLE: f64 = 0.25;
/// Part of the iterating at a line that begins loops, from which on each visits few entries.
pub(super) const BEGINS_DOMINATE: f64 = 0.20;
/// Part of the iterating at a line in looking for places that are not empty, from which on most places of Swiss maps are.
pub(super) const PASSING_GROUPS: f64 = 0.55;
/// Part of it in going to the next bucket, from which on most places of classic maps are empty.
pub(super) const PASSING_BUCKETS: f64 = 0.35;
/// CPU of clearing for each unit of CPU of writing, from which on there is far more room than entries.
pub(super) const CLEARS_PER_WRITE: u64 = 2;

/// Runtime functions that begin a loop over a map: one call for each. Every further entry is a call of another.
///
/// Source: src/cmd/compile/internal/walk/range.go, Go 1.21 to 1.27.
const BEGINS: [&str; 2] = ["runtime.mapiterinit", "runtime.mapIterStart"];
/// What a loop calls to get past places that are empty: in a Swiss map once for an entry, and once for a group without one;
/// in a classic one once for a bucket.
///
/// Source: internal/runtime/maps/table.go, `Next`, Go 1.24 to 1.27; runtime/map.go, `mapiternext`, Go 1.21 to 1.23.
const PASSES: [(&str, f64); 2] = [
    ("internal/runtime/maps.ctrlGroup.matchFull", PASSING_GROUPS),
    ("runtime.(*bmap).overflow", PASSING_BUCKETS),
];
/// What clears the arrays of a Swiss map that has more than its first group.
///
/// Source: internal/runtime/maps/map.go, `Clear`, Go 1.24 to 1.27.
const CLEARS_TABLE: &str = "internal/runtime/maps.(*table).Clear";

/// A loop passes mostly empty places: the map held far more once, or was made for far more.
pub(super) fn never_shrinks(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.noticeable_cpu()?;
    let iterating = cpu.by_op.get(MapOp::Iterate);
    let passing = PASSES.into_iter().find_map(|(name, least)| {
        let leaf = cpu.leaves.iter().find(|leaf| &*leaf.name == name)?;
        (leaf.cost.share_of(iterating) >= least).then_some(leaf.cost)
    })?;
    if !is_noticeable(passing, process.total) {
        return None;
    }
    let map_type = context.types(MapOp::Iterate).next();
    let name = || map_type.map(|of| of.name.clone());
    let cause = Cause::NeverShrinks { map_type: name() };
    let mut finding = context.finding(passing, cause, Advice::CopyToNewMap { map_type: name() });
    finding.evidence = said([
        context.share("iterating at this line, of all CPU", iterating, process.total),
        context.share("of that looking for the next place that is not empty", passing, iterating),
    ]);
    finding.evidence.extend(map_type.and_then(|of| all_room_evidence(context, of)));
    let deletes = map_type.filter(|of| context.evidence.has_code(MapOp::Delete, of));
    finding.evidence.extend(deletes.and_then(|of| {
        let what = format!("code of the program deletes from {}", of.name);
        context.fact(SourceKind::Binary, what, Amount::Fact)
    }));
    finding.confidence = confidence(passing, Level::Medium, Reason::EntriesLeftNotMeasured);
    Some(finding)
}

fn all_room_evidence(context: &SiteContext<'_>, map_type: &MapType) -> Option<EvidenceLine> {
    let what = format!("entries that all live arrays of {} have room for", map_type.name);
    let arrays = LiveArrays::of(context.evidence, map_type);
    let amount = Amount::Count(arrays.room);
    (arrays.room > 0).then(|| context.fact(SourceKind::Heap, what, amount))?
}

/// Iterating is much of what the program does: a slice, an array or an index instead.
pub(super) fn iteration_dominates(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.noticeable_cpu()?;
    let iterating = cpu.by_op.get(MapOp::Iterate);
    let is_large = iterating.share_of(process.total) >= ITERATION_NOTICEABLE;
    if !is_large || iterating.samples < ENOUGH_SAMPLES {
        return None;
    }
    let map_type = context.types(MapOp::Iterate).next();
    let begins = begins(cpu);
    let visits = match begins.share_of(iterating) >= BEGINS_DOMINATE {
        true => Visits::Few,
        false => Visits::NotKnown,
    };
    let name = || map_type.map(|of| of.name.clone());
    let cause = Cause::IterationDominates { map_type: name(), visits };
    let mut finding =
        context.finding(iterating, cause, Advice::IterateLess { map_type: name(), visits });
    finding.evidence = said([
        context.share("iterating at this line, of all CPU", iterating, process.total),
        context.share("of all that this line costs", iterating, cpu.line),
        context.share("of the iterating, to begin loops", begins, iterating),
    ]);
    finding.evidence.extend(map_type.and_then(|of| room_evidence(context, of)));
    finding.confidence = confidence(iterating, Level::Medium, Reason::UseOfEntriesNotMeasured);
    Some(finding)
}

/// What beginning loops over maps costs at a line.
fn begins(cpu: &SiteCpu) -> Cost {
    let begins = cpu.entry_points.iter().filter(|of| BEGINS.contains(&&*of.name));
    begins.map(|of| of.cost).sum()
}

/// Clearing costs more than all that was written since: the map has room for far more than it holds.
///
/// An entry that is written costs many times what its place costs to clear, so that a map that was filled takes a small
/// part of its writes to clear. Only a map of one group costs about as much as writing its first entry.
pub(super) fn clear_outweighs_writes(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.noticeable_cpu()?;
    let clearing = cpu.by_op.get(MapOp::Clear);
    let map_type = context.types(MapOp::Clear).next();
    let writing = writing_to(context, map_type);
    let outweighs = clearing.cpu_ns >= writing.cpu_ns.saturating_mul(CLEARS_PER_WRITE);
    if !outweighs || !is_noticeable(clearing, process.total) || is_one_group(context, cpu, map_type)
    {
        return None;
    }
    let name = || map_type.map(|of| of.name.clone());
    let cause = Cause::ClearOutweighsWrites { map_type: name() };
    let mut finding = context.finding(clearing, cause, Advice::ClearLess { map_type: name() });
    finding.evidence = said([
        context.share("clearing at this line, of all CPU", clearing, process.total),
        context.share("all writes that can be to such maps, of all CPU", writing, process.total),
    ]);
    finding.evidence.extend(map_type.and_then(|of| room_evidence(context, of)));
    finding.confidence = confidence(clearing, Level::Medium, Reason::EntriesLeftNotMeasured);
    Some(finding)
}

/// What writing costs at all lines that can write maps of this type; at all lines when the type is not known.
fn writing_to(context: &SiteContext<'_>, map_type: Option<&MapType>) -> Cost {
    let lines = context.evidence.sites.iter().filter(|site| may_write(site, map_type));
    lines.filter_map(|site| site.cpu.as_ref()).map(|cpu| cpu.by_op.get(MapOp::Assign)).sum()
}

/// Whether a line that writes maps can write one of this type: not where it is known to write others only.
fn may_write(site: &Site, map_type: Option<&MapType>) -> bool {
    let maps = site.maps.iter().flatten();
    let mut written = maps.filter(|map| map.op == MapOp::Assign).peekable();
    let (Some(map_type), Some(_)) = (map_type, written.peek()) else { return true };
    written.any(|map| map.map_type.as_ref().map_or(true, |of| of.name == map_type.name))
}

/// Whether the maps that are cleared have one group or bucket, as far as an input says so.
fn is_one_group(context: &SiteContext<'_>, cpu: &SiteCpu, map_type: Option<&MapType>) -> bool {
    let is_swiss = context.map_impl() == Some(MapImpl::Swiss);
    let has_table = cpu.leaves.iter().any(|leaf| &*leaf.name == CLEARS_TABLE);
    let room = map_type.map_or(0, |of| LiveArrays::of(context.evidence, of).largest_room);
    is_swiss && !has_table || (1..=FIRST_GROUP).contains(&room)
}

fn room_evidence(context: &SiteContext<'_>, map_type: &MapType) -> Option<EvidenceLine> {
    let what = format!("entries that the largest live array of {} has room for", map_type.name);
    let room = LiveArrays::of(context.evidence, map_type).largest_room;
    (room > 0).then(|| context.fact(SourceKind::Heap, what, Amount::Count(room)))?
}
