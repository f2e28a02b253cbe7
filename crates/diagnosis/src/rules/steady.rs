//! When growth is not the problem: few maps, reads, overwrites.

use goabi::MapOp;
use gomap::Category;

use super::{FEW_SAMPLES, NOTICEABLE, PROCESS_NOTICEABLE, ProcessContext, SiteContext, confidence};
use crate::finding::{Amount, Confidence, Finding, Level, Verdict};
use evidence::{Cost, ProcessCpu, SourceKind};

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
    Some(Finding {
        rule: process.rule,
        site: None,
        cause: "maps are a small part of this program's CPU time".to_owned(),
        verdict: Verdict::LeaveAlone,
        advice: "look elsewhere: making every map operation free would save less than this share"
            .to_owned(),
        cost: Some(map),
        saving: None,
        confidence: confidence_of_little(map.samples, total.samples),
        evidence: vec![process.share("inside map operations, of all CPU", map, total)],
    })
}

/// High where a share that is noticeable would hardly have shown in so few of the samples.
fn confidence_of_little(n_map: u64, n_total: u64) -> Confidence {
    // What is expected of a sum of rare events so that fewer than this are seen in 1 of 20 cases.
    let n_map = n_map as f64;
    let most = (n_map + 2.0 * n_map.sqrt() + 3.0) / n_total as f64;
    if most < PROCESS_NOTICEABLE {
        let reason = format!("{n_total} samples in the profile");
        return Confidence { level: Level::High, reason };
    }
    let reason =
        format!("{n_total} samples in the profile: by chance they may hide {:.0} %", most * 100.0);
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
    Some(Finding {
        rule: process.rule,
        site: None,
        cause: format!(
            "the cost of maps is spread over {} lines, and none of them is worth a change",
            sites().count()
        ),
        verdict: Verdict::LeaveAlone,
        advice: "look elsewhere, or for one habit that many of these lines share".to_owned(),
        cost: Some(map),
        saving: None,
        confidence: confidence(map, Level::High, "the shares were measured"),
        evidence: vec![
            process.share("inside map operations, of all CPU", map, total),
            process.share("at the line that costs most", largest, total),
        ],
    })
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
    Some(Finding {
        rule: process.rule,
        site: None,
        cause: "maps are mostly read, and growth is a small part of their cost".to_owned(),
        verdict: Verdict::LeaveAlone,
        advice: "size hints would not help; fewer lookups would: hold inner maps and found values in variables".to_owned(),
        cost: Some(read),
        saving: None,
        confidence: confidence(read, Level::High, "the shares were measured"),
        evidence: vec![
            process.share("map reads, of all CPU", read, total),
            process.share("map writes, of all CPU", write, total),
            process.share("under growth frames, of all CPU", cpu.growth, total),
        ],
    })
}

/// A hot write without growth: a share of work, not a fault.
pub(super) fn growth_is_not_the_problem(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.noticeable_cpu()?;
    if cpu.growth.share_of(cpu.map) >= GROWTH_IS_SMALL {
        return None;
    }
    let parts = [
        ("hashing keys", Category::Hash),
        ("searching and comparing", Category::Probe),
        ("reading", Category::Read),
        ("iterating", Category::Iterate),
        ("deleting", Category::DeleteClear),
        ("making maps", Category::Create),
        ("copying and allocating keys and elements", Category::OtherMap),
        ("collector work charged to this line", Category::GcAssist),
    ];
    let mut parts = parts.map(|(what, category)| (what, cpu.split.get(category)));
    parts.sort_by_key(|(_, cost)| std::cmp::Reverse(cost.cpu_ns));
    let mut finding = context.finding(Verdict::LeaveAlone, cpu.map);
    finding.cause = format!("this line spends its map time {}, not growing", parts[0].0);
    finding.advice = "a size hint would not help here; only fewer operations would".to_owned();
    finding.evidence = vec![
        context.share("map operations at this line, of all CPU", cpu.map, process.total),
        context.share("of that under growth frames", cpu.growth, cpu.map),
    ];
    finding.evidence.extend(context.growth_aside());
    if let Some(growth) = &context.site.growth {
        let amount = Amount::Count(growth.total.grows);
        finding.evidence.push(context.fact(
            SourceKind::Recording,
            "growths recorded at this line".to_owned(),
            amount,
        ));
    }
    let shown = parts.iter().filter(|(_, cost)| *cost != Cost::default()).take(2);
    finding.evidence.extend(
        shown.map(|(what, cost)| context.share(&format!("of that {what}"), *cost, cpu.map)),
    );
    Some(finding)
}
