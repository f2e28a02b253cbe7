//! What a recording counted, in words.

use diagnosis::evidence::{
    Evidence, GrowKind, GrowStep, Precision, ProcessGrowth, Site, TypeGrowth,
};
use diagnosis::finding::GrowthSaving;
use diagnosis::sizes::{FinalSizes, Size};

use crate::numbers::{NOT_MEASURED, bytes, count, duration, percent, span};

/// Map types shown per line.
const MAX_TYPES: usize = 3;

/// "620,735 growths moved 12,430,021 entries (289.0 MiB) ...".
pub(crate) fn process_text(growth: &ProcessGrowth) -> String {
    let total = growth.total;
    let mut text = format!(
        "{} growths{} moved {} entries ({}) and allocated {}, in {}; {} lost",
        count(total.grows),
        precision_text(growth),
        count(total.moved_entries),
        bytes(total.moved_bytes),
        bytes(total.grow_bytes),
        duration(growth.duration_ns),
        count(growth.lost)
    );
    if let Some(overhead) = growth.overhead {
        text += &format!("; recording took {} of the program's CPU time", percent(overhead));
    }
    if let Some(cycles) = growth.gc_cycles {
        text += &format!("; {} garbage collections", count(cycles));
    }
    if let Some(assists) = growth.gc_assists {
        text += &format!(", {} mark assists", count(assists));
    }
    text
}

/// "of 43,520 maps of the sizes measured, by the growth model: 9,487,360 moved entries, ...".
pub(crate) fn saving_text(saving: Option<GrowthSaving>, evidence: &Evidence) -> String {
    let Some(saving) = saving else {
        return format!(
            "moved entries, bytes and allocations: {NOT_MEASURED}, for want of the sizes of the maps"
        );
    };
    let source = evidence.sources.get(saving.source.0 as usize).map_or("?", |source| &source.name);
    format!(
        "by the growth model, of {} of the sizes measured: {} moved entries, {} allocated, {} allocations  [{}]",
        maps(saving.maps),
        span(saving.moved_entries, count),
        span(saving.allocated_bytes, bytes),
        span(saving.allocations, count),
        source.rsplit('/').next().unwrap_or(source)
    )
}

fn precision_text(growth: &ProcessGrowth) -> String {
    match (growth.precision, growth.relative_range) {
        (Precision::Exact, _) => String::new(),
        (Precision::EstimatedSite, _) => " (exact; their lines estimated)".to_owned(),
        (Precision::Estimated, Some(range)) => format!(" (estimated, ± {})", percent(range)),
        (Precision::Estimated, None) => " (estimated, from too few windows for a range)".to_owned(),
    }
}

/// A line of text per map type that grew at a site; says so when none did.
pub(crate) fn site_lines(site: &Site, evidence: &Evidence) -> Vec<String> {
    let Some(growth) = &site.growth else { return Vec::new() };
    if growth.types.is_empty() {
        return vec!["no growth recorded here".to_owned()];
    }
    let mut lines: Vec<String> =
        growth.types.iter().take(MAX_TYPES).map(|growth| type_line(growth, evidence)).collect();
    if let Some(more) = growth.types.len().checked_sub(MAX_TYPES).filter(|&more| more > 0) {
        lines.push(format!("and of {more} more map types"));
    }
    lines
}

fn type_line(growth: &TypeGrowth, evidence: &Evidence) -> String {
    let estimated = match growth.precision {
        Precision::Exact => "",
        Precision::EstimatedSite | Precision::Estimated => " (estimated)",
    };
    let steps: Vec<String> = growth.steps.iter().map(step_text).collect();
    let mut line = format!(
        "{} growths of {}{estimated}, {} entries moved ({}): {}",
        count(growth.total.grows),
        growth.map_type,
        count(growth.total.moved_entries),
        bytes(growth.total.moved_bytes),
        steps.join(", ")
    );
    if let Some(sizes) = final_sizes(growth, evidence) {
        line += &format!(
            "; {} stopped growing, the median with {} entries, the 95th percentile with {}; write amplification of these {}",
            maps(sizes.n_maps()),
            size_text(sizes.quantile(0.5)),
            size_text(sizes.quantile(0.95)),
            amplification_text(&sizes)
        );
    }
    line
}

pub(crate) fn final_sizes(growth: &TypeGrowth, evidence: &Evidence) -> Option<FinalSizes> {
    let program = &evidence.program;
    FinalSizes::of(growth, program.map_impl?.0, program.go_version?.0)
}

fn step_text(step: &GrowStep) -> String {
    let kind = match step.kind {
        GrowKind::Split => " (split)",
        GrowKind::SameSize => " (same size)",
        GrowKind::SmallToTable | GrowKind::Table | GrowKind::Double => "",
    };
    format!("{}× {}→{}{kind}", count(step.grows), count(step.before), count(step.after))
}

pub(crate) fn maps(n: u64) -> String {
    if n == 1 { "1 map".to_owned() } else { format!("{} maps", count(n)) }
}

/// "57 to 112".
fn size_text(size: Size) -> String {
    format!("{} to {}", count(size.at_least), count(size.room))
}

/// "1.9 to 2.3".
fn amplification_text(sizes: &FinalSizes) -> String {
    let (low, high) = sizes.write_amplification();
    format!("{low:.1} to {high:.1}")
}

/// Key of a kind of growth in JSON.
pub(crate) fn kind_key(kind: GrowKind) -> &'static str {
    match kind {
        GrowKind::SmallToTable => "small-to-table",
        GrowKind::Table => "table",
        GrowKind::Split => "split",
        GrowKind::Double => "double",
        GrowKind::SameSize => "same-size",
    }
}

/// Key of a precision in JSON.
pub(crate) fn precision_key(precision: Precision) -> &'static str {
    match precision {
        Precision::Exact => "exact",
        Precision::EstimatedSite => "site-estimated",
        Precision::Estimated => "estimated",
    }
}
