//! Operations on the whole of a map: iterating and clearing. They cost what the map has room for, not only what it holds.

use goabi::{MapImpl, MapOp};

use super::{ENOUGH_SAMPLES, FIRST_GROUP, SiteContext, confidence, is_noticeable, said};
use crate::finding::{Advice, Amount, Cause, EvidenceLine, Finding, Level, Reason, Visits};
use evidence::{Cost, MapType, Site, SiteCpu, SiteMap, SourceKind};

/// Part of the process' CPU in iterating at a line from which on it is worth a word.
pub(super) const ITERATION_NOTICEABLE: f64 = 0.25;
/// Part of the iterating at a line that begins loops, from which on each visits few entries.
pub(super) const BEGINS_DOMINATE: f64 = 0.20;
/// CPU of clearing for each unit of CPU of writing, from which on there is far more room than entries.
pub(super) const CLEARS_PER_WRITE: u64 = 2;

/// Runtime functions that begin a loop over a map: one call for each. Every further entry is a call of another.
///
/// Source: src/cmd/compile/internal/walk/range.go, Go 1.21 to 1.27.
const BEGINS: [&str; 2] = ["runtime.mapiterinit", "runtime.mapIterStart"];
/// What clears the arrays of a Swiss map that has more than its first group.
///
/// Source: internal/runtime/maps/map.go, `Clear`, Go 1.24 to 1.27.
const CLEARS_TABLE: &str = "internal/runtime/maps.(*table).Clear";

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
    begins.fold(Cost::default(), |mut sum, of| {
        sum += of.cost;
        sum
    })
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
    lines.filter_map(|site| site.cpu.as_ref()).fold(Cost::default(), |mut sum, cpu| {
        sum += cpu.by_op.get(MapOp::Assign);
        sum
    })
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
    let room = map_type.and_then(|of| largest_room(context, of));
    is_swiss && !has_table || room.is_some_and(|room| room <= FIRST_GROUP)
}

fn room_evidence(context: &SiteContext<'_>, map_type: &MapType) -> Option<EvidenceLine> {
    let what = format!("entries that the largest live array of {} has room for", map_type.name);
    let room = largest_room(context, map_type)?;
    context.fact(SourceKind::Heap, what, Amount::Count(room))
}

/// Entries for which the largest array has room that is live and of such a map; `None` where no heap profile shows one.
/// A large Swiss map has many arrays.
fn largest_room(context: &SiteContext<'_>, map_type: &MapType) -> Option<u64> {
    let uses_it = |site: &&Site| {
        let mut types = site.maps.iter().flatten().filter_map(SiteMap::known_type);
        types.any(|of| of.name == map_type.name)
    };
    let lines = context.evidence.sites.iter().filter(uses_it);
    let blocks = lines.filter_map(|site| site.heap.as_ref()).flat_map(|heap| &heap.blocks);
    blocks.filter(|block| block.alloc.inuse_bytes > 0).filter_map(|block| block.map_capacity).max()
}
