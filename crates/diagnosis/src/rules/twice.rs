//! Keys that are looked up to read, and again to write.

use goabi::MapOp;

use super::{FunctionSites, SiteContext, confidence, is_noticeable, said};
use crate::finding::{Advice, Cause, Finding, Level, Reason, Twice};
use evidence::{Cost, MapType, Site, SiteMap};

/// Lines between the two lookups, at most.
pub(super) const NEAR_LINES: u32 = 5;

/// A line reads a map, and it or one just below in the same function writes to the same map, as far as the machine code shows
/// it: one lookup may do.
pub(super) fn looked_up_twice(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.noticeable_cpu()?;
    let read = cpu.by_op.get(MapOp::Read);
    let map_type = context.types(MapOp::Read).next()?;
    let is_of_one = has_only(context.site, MapOp::Read, map_type);
    if !is_of_one || !is_noticeable(read, process.total) {
        return None;
    }
    let writers = context.functions.get(context.site).into_iter().flat_map(FunctionSites::sites);
    let near = writers
        .filter(|site| is_below(site, context.site) && has_only(site, MapOp::Assign, map_type))
        .filter(|site| context.site.written_at.iter().any(|at| at.is_same_line(&site.frame)));
    let (write, written) = near
        .map(|site| (site, written(site)))
        .max_by_key(|(site, cost)| (cost.cpu_ns, std::cmp::Reverse(site.frame.line)))?;
    // One of the two is left: the other is saved, growth is not.
    let saved = if read.cpu_ns <= written.cpu_ns { read } else { written };
    if !is_noticeable(saved, process.total) {
        return None;
    }
    let twice = Twice {
        map_type: map_type.name.clone(),
        elem: map_type.elem.name.clone(),
        read: context.site.frame.clone(),
        write: write.frame.clone(),
    };
    let cause =
        Cause::LookedUpTwice { map_type: map_type.name.clone(), write: write.frame.clone() };
    let advice = Advice::FewerLookups { twice: Some(twice) };
    let mut finding = context.finding(saved, cause, advice);
    finding.evidence = said([
        context.share("map reads at this line, of all CPU", read, process.total),
        context.share(
            &format!("map writes at line {} without growth, of all CPU", write.frame.line),
            written,
            process.total,
        ),
    ]);
    finding.confidence = confidence(saved, Level::Medium, Reason::SameKeyNotMeasured);
    Some(finding)
}

/// Whether a line of the same function is the other one, or just below.
fn is_below(site: &Site, other: &Site) -> bool {
    let below = site.frame.line.checked_sub(other.frame.line);
    site.frame.file == other.frame.file && below.is_some_and(|lines| lines <= NEAR_LINES)
}

/// Whether the operation is on maps of this type, and on no others that may be of another.
fn has_only(site: &Site, op: MapOp, map_type: &MapType) -> bool {
    let maps = site.maps.iter().flatten().filter(|map| map.op == op);
    let mut types = maps.map(SiteMap::known_type).peekable();
    types.peek().is_some() && types.all(|of| of.is_some_and(|of| of.name == map_type.name))
}

/// What writing costs there, without growth.
fn written(site: &Site) -> Cost {
    let cost = |cpu: &evidence::SiteCpu| cpu.by_op.get(MapOp::Assign).without(cpu.growth);
    site.cpu.as_ref().map_or(Cost::default(), cost)
}
