//! When growth is not the problem: few maps, reads, overwrites.

use goabi::MapOp;
use gomap::Category;

use super::usual_size::mark;
use super::{
    FEW_SAMPLES, NOTICEABLE, PROCESS_NOTICEABLE, ProcessContext, SiteContext, confidence, said,
};
use crate::finding::{
    Advice, Amount, Cause, Confidence, EvidenceLine, Finding, Level, Reason, work_label,
};
use evidence::{Cost, ProcessCpu, ProcessGrowth, SiteCpu, SourceKind};

/// Part of the map cost under growth frames below which a hint would not be felt.
pub(super) const GROWTH_IS_SMALL: f64 = 0.10;
/// Reads for each unit of writes from which on reads dominate.
pub(super) const READS_PER_WRITE: u64 = 2;

/// Cost inside map operations.
fn in_maps(cpu: &ProcessCpu) -> Cost {
    MapOp::ALL.into_iter().fold(Cost::default(), |mut sum, op| {
        sum += cpu.by_op.get(op);
        sum
    })
}

/// Maps cost too little for a change to pay.
pub(super) fn below_threshold(process: &ProcessContext<'_>) -> Option<Finding> {
    let cpu = process.cpu()?;
    let (map, total) = (in_maps(cpu), cpu.total);
    if map.share_of(total) >= PROCESS_NOTICEABLE {
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
    // What is expected of a sum of rare events so that fewer than this are seen in 1 of 20 cases.
    let n_map = n_map as f64;
    let most = (n_map + 2.0 * n_map.sqrt() + 3.0) / n_total as f64;
    if most < PROCESS_NOTICEABLE {
        return Confidence { level: Level::High, reason: Reason::AllSamples(n_total) };
    }
    let reason = Reason::MayHide { samples: n_total, fraction: most };
    Confidence { level: Level::Low, reason }
}

/// Maps cost something in sum, but no single line does.
pub(super) fn spread_thin(process: &ProcessContext<'_>) -> Option<Finding> {
    let cpu = process.cpu()?;
    let (map, total) = (in_maps(cpu), cpu.total);
    let sites = || process.evidence.sites.iter().filter_map(|site| site.cpu.as_ref());
    let largest = sites().map(|cpu| cpu.map).max_by_key(|cost| cost.cpu_ns)?;
    let is_large = map.share_of(total) >= PROCESS_NOTICEABLE;
    if !is_large || largest.share_of(total) >= NOTICEABLE {
        return None;
    }
    let cause = Cause::SpreadThin { lines: sites().count() as u64 };
    let confidence = confidence(map, Level::High, Reason::SharesMeasured);
    let evidence = said([
        process.share("inside map operations, of all CPU", map, total),
        process.share("at the line that costs most", largest, total),
    ]);
    let finding = process.finding(cause, Advice::LookForHabit, map, confidence);
    Some(Finding { evidence, ..finding })
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
    if read.cpu_ns < write.cpu_ns.saturating_mul(READS_PER_WRITE) {
        return None;
    }
    let confidence = confidence(read, Level::High, Reason::SharesMeasured);
    let evidence = said([
        process.share("map reads, of all CPU", read, total),
        process.share("map writes, of all CPU", write, total),
        process.share("under growth frames, of all CPU", cpu.growth, total),
    ]);
    let finding = process.finding(Cause::MostlyRead, Advice::FewerLookups, read, confidence);
    Some(Finding { evidence, ..finding })
}

/// What else than growth a line spends its map time on.
const PARTS: [Category; 8] = [
    Category::Hash,
    Category::Probe,
    Category::Read,
    Category::Iterate,
    Category::DeleteClear,
    Category::Create,
    Category::OtherMap,
    Category::GcAssist,
];

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

/// A hot write without growth: a share of work, not a fault.
pub(super) fn growth_is_not_the_problem(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.noticeable_cpu()?;
    if cpu.growth.share_of(cpu.map) >= GROWTH_IS_SMALL {
        return None;
    }
    let parts = parts(cpu);
    let cause = Cause::NotGrowing { most: parts[0].0 };
    let mut finding = context.finding(cpu.map, cause, Advice::FewerOperations);
    finding.evidence = said([
        context.share("map operations at this line, of all CPU", cpu.map, process.total),
        context.share("of that under growth frames", cpu.growth, cpu.map),
    ]);
    finding.evidence.extend(context.growth_aside());
    finding.evidence.extend(recorded_grows(context));
    finding.evidence.extend(parts_evidence(context, cpu, &parts));
    Some(finding)
}

/// What a line spends its map time on beside growth. Order: the largest part first.
pub(super) fn parts(cpu: &SiteCpu) -> [(Category, Cost); PARTS.len()] {
    let mut parts = PARTS.map(|category| (category, cpu.split.get(category)));
    parts.sort_by_key(|(_, cost)| std::cmp::Reverse(cost.cpu_ns));
    parts
}

/// The largest of these parts, as lines.
pub(super) fn parts_evidence(
    context: &SiteContext<'_>,
    cpu: &SiteCpu,
    parts: &[(Category, Cost)],
) -> Vec<EvidenceLine> {
    const SHOWN: usize = 2;
    let shown = parts.iter().filter(|(_, cost)| *cost != Cost::default()).take(SHOWN);
    let of_part = |(category, cost): &(Category, Cost)| {
        context.share(&format!("of that {}", work_label(*category)), *cost, cpu.map)
    };
    shown.filter_map(of_part).collect()
}
