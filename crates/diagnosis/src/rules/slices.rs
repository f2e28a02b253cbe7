//! Slices that grow beside a map: what `m[key] = append(m[key], value)` costs is theirs, and no hint for the map saves it.

use goabi::MapOp;

use super::{SiteContext, confidence, is_noticeable, said};
use crate::finding::{Advice, Cause, Finding, Level, Reason, Within};
use evidence::{Cost, MapType, ProcessCpu, Site, SiteCpu};

/// Part of the CPU of a line, or of a function, in growing slices from which on these are the matter.
pub(super) const SLICES_DOMINATE: f64 = 0.25;

/// Slices that are appended to beside a map write grow.
pub(super) fn slices_grow(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.cpu()?;
    let (within, growing) = if grows_at(context.site, process) {
        (Within::Line, cpu.slice_growth)
    } else {
        (Within::Function, of_function(context, cpu, process)?)
    };
    let holder = context.types(MapOp::Assign).find(|of| of.holds_slices());
    let map_type = holder.map(|of| of.name.clone());
    let (cause, advice) = (Cause::SlicesGrow { within }, Advice::PresizeSlices { map_type });
    let (here, level, reason) = match within {
        Within::Line => {
            let here = context.share("of all that this line costs", growing, cpu.line);
            (here, Level::Medium, Reason::SliceLengthsNotMeasured)
        }
        Within::Function => {
            let here = context.share("of all that this function costs", growing, cpu.function);
            (here, Level::Low, Reason::WhichSlicesNotMeasured)
        }
    };
    let mut finding = context.finding(growing, cause, advice);
    finding.evidence = said([
        context.share("growing slices, of all CPU", growing, process.total),
        here,
        context.share("map operations at this line, of all CPU", cpu.map, process.total),
        context.share("of that under growth frames", cpu.growth, cpu.map),
    ]);
    finding.confidence = confidence(growing, level, reason);
    Some(finding)
}

/// Whether a line writes a map and spends much of its time growing slices.
fn grows_at(site: &Site, process: &ProcessCpu) -> bool {
    let Some(cpu) = &site.cpu else { return false };
    let is_more = cpu.slice_growth.cpu_ns >= cpu.map.without(cpu.growth).cpu_ns;
    writes_map(site, cpu) && is_more && is_much(cpu.slice_growth, cpu.line, process)
}

/// What growing slices costs in a function that writes maps of slices: `append` may stand on a line of its own. It is said
/// once, and not where a line says more.
fn of_function(context: &SiteContext<'_>, cpu: &SiteCpu, process: &ProcessCpu) -> Option<Cost> {
    // That of the line itself was less than its map operations.
    let growing = cpu.function_slice_growth.without(cpu.slice_growth);
    if !is_much(growing, cpu.function, process) || !writes_slices(context.site) {
        return None;
    }
    let function = context.functions.get(context.site)?;
    let is_said = function.sites().any(|site| grows_at(site, process));
    let first = function.sites().find(|site| writes_slices(site))?;
    (!is_said && std::ptr::eq(first, context.site)).then_some(growing)
}

fn is_much(growing: Cost, whole: Cost, process: &ProcessCpu) -> bool {
    growing.share_of(whole) >= SLICES_DOMINATE && is_noticeable(growing, process.total)
}

/// Whether a sample or the machine code shows that a line writes a map.
fn writes_map(site: &Site, cpu: &SiteCpu) -> bool {
    let in_code = site.maps.iter().flatten().any(|map| map.op == MapOp::Assign);
    in_code || cpu.by_op.get(MapOp::Assign) != Cost::default()
}

/// Whether a line that a CPU profile has writes a map whose elements are slices.
fn writes_slices(site: &Site) -> bool {
    let mut written = site.maps.iter().flatten().filter(|map| map.op == MapOp::Assign);
    site.cpu.is_some() && written.any(|map| map.map_type.as_ref().is_ok_and(MapType::holds_slices))
}
