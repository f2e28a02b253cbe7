//! Operations on the whole of a map: they cost what it has room for, not only what it holds.

use goabi::MapOp;

use super::{ENOUGH_SAMPLES, SiteContext, confidence, said};
use crate::finding::{Advice, Amount, Cause, EvidenceLine, Finding, Level, Reason, Visits};
use evidence::{Cost, MapType, Site, SiteCpu, SourceKind};

/// Part of the process' CPU in iterating at a line from which on it is worth a word.
pub(super) const ITERATION_NOTICEABLE: f64 = 0.05;
/// Part of the iterating at a line that begins loops, from which on each visits few entries.
pub(super) const BEGINS_DOMINATE: f64 = 0.20;

/// Runtime functions that begin a loop over a map: one call for each. Every further entry is a call of another.
///
/// Source: src/cmd/compile/internal/walk/range.go, Go 1.21 to 1.27.
const BEGINS: [&str; 2] = ["runtime.mapiterinit", "runtime.mapIterStart"];

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
    let begins = cpu.entry_points.iter().filter(|of| BEGINS.contains(&of.name.as_str()));
    begins.fold(Cost::default(), |mut sum, of| {
        sum += of.cost;
        sum
    })
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
        let mut types = site.maps.iter().flatten().filter_map(|map| map.map_type.as_ref().ok());
        types.any(|of| of.name == map_type.name)
    };
    let lines = context.evidence.sites.iter().filter(uses_it);
    let blocks = lines.filter_map(|site| site.heap.as_ref()).flat_map(|heap| &heap.blocks);
    blocks.filter(|block| block.alloc.inuse_bytes > 0).filter_map(|block| block.map_capacity).max()
}
