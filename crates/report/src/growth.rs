//! What a recording counted, in words.

use std::collections::BTreeMap;

use diagnosis::finding::{Basis, GrowthSaving, Saving};
use evidence::sizes::{FinalSizes, Size};
use evidence::words::plural;
use evidence::{Bounds, Evidence, Figure, Precision, ProcessGrowth, Site, TypeGrowth};
use gomap::GrowKind;

use crate::numbers::{
    NOT_MEASURED, bytes, count, counted, duration, estimate, percent, recorded, span,
};
use crate::words;

/// Map types shown per line.
const MAX_TYPES: usize = 3;
/// Classes of sizes shown.
const MAX_CLASSES: usize = 6;

/// "620,735 growths moved 12,430,021 entries (289.0 MiB) ...".
pub(crate) fn process_text(growth: &ProcessGrowth) -> String {
    let total = growth.total;
    let mut text = format!(
        "{} {}{} moved {} ({}) and allocated {}, in {}; {} lost",
        number_of_grows(growth.figure(total.grows), total.grows, growth.grows_range),
        plural(total.grows, "growth"),
        precision_text(growth),
        recorded(growth.figure(total.moved_entries), entries),
        bytes(growth.figure(total.moved_bytes).number()),
        recorded(growth.figure(total.grow_bytes), bytes),
        duration(growth.duration_ns),
        count(growth.lost)
    );
    if let Some(overhead) = growth.overhead {
        text += &format!("; recording took {} of the program's CPU time", percent(overhead));
    }
    if let Some(cycles) = growth.gc_cycles {
        text += &format!("; {}", counted(cycles, "garbage collection"));
    }
    if let Some(assists) = growth.gc_assists {
        text += &format!(", {}", counted(assists, "mark assist"));
    }
    text
}

/// What growth a hint or a flat map saves; nothing of other advice.
pub(crate) fn saved_growth(saving: &Saving, evidence: &Evidence) -> Option<String> {
    match (&saving.growth, saving.basis) {
        (Some(growth), _) => Some(saving_text(growth, evidence)),
        (None, Basis::RightHint | Basis::FlatMap) => Some(format!(
            "moved entries, bytes and allocations: {NOT_MEASURED}, since the sizes of the maps are not known"
        )),
        (None, _) => None,
    }
}

/// "of 43,520 maps of the sizes measured, by the growth model: 9,487,360 moved entries, ...".
fn saving_text(saving: &GrowthSaving, evidence: &Evidence) -> String {
    let source = evidence.growth.as_ref().filter(|of| of.sources == saving.sources);
    let about = source.map_or("", |of| about(of.precision));
    format!(
        "by the growth model, of {about}{} of the sizes measured: {about}{} moved entries, {about}{} allocated, {about}{} allocations  [{}]",
        maps(saving.maps),
        span(saving.moved_entries, count),
        span(saving.allocated_bytes, bytes),
        span(saving.allocations, count),
        words::names(&saving.sources, evidence, words::base_name)
    )
}

/// Said before estimates that have no range of their own, at a line.
pub(crate) fn about(precision: Precision) -> &'static str {
    match precision {
        Precision::Exact | Precision::LowerBound => "",
        Precision::EstimatedSite | Precision::Estimated => "about ",
    }
}

fn precision_text(growth: &ProcessGrowth) -> String {
    match (growth.precision, growth.grows_range) {
        (Precision::Exact, _) => String::new(),
        (Precision::EstimatedSite, _) => " (exact; their lines estimated)".to_owned(),
        (Precision::Estimated, Some(Bounds { high: Some(_), .. })) => String::new(),
        (Precision::Estimated, _) if growth.lacks_clocks => {
            " (estimated, without an upper end, as clocks of threads were missing)".to_owned()
        }
        (Precision::Estimated, _) => " (estimated, from too few windows for a range)".to_owned(),
        (Precision::LowerBound, _) => format!(
            " (for {} of the program's CPU time nothing was counted)",
            duration(growth.uncounted_ns)
        ),
    }
}

/// A line of text per map type that grew at a site; says so when none did, or when that is not known.
pub(crate) fn site_lines(site: &Site, evidence: &Evidence) -> Vec<String> {
    let Some(growth) = &site.growth else { return Vec::new() };
    if growth.types.is_empty() {
        return vec![none_met(evidence).to_owned()];
    }
    let mut lines: Vec<String> = growth.types.iter().take(MAX_TYPES).map(type_line).collect();
    if let Some(more) = growth.types.len().checked_sub(MAX_TYPES).filter(|&more| more > 0) {
        lines.push(format!("and of {more} more map {}", plural(more as u64, "type")));
    }
    lines
}

/// What it means that no growth was met at a line.
fn none_met(evidence: &Evidence) -> &'static str {
    match &evidence.growth {
        Some(growth) if growth.has_every_growth() => "no growth recorded here",
        Some(growth) if !growth.windows.is_empty() => {
            "growths here: met by no window, so whether maps grow here is not known"
        }
        _ => "growths here: none met, and not all were recorded with their line: not known",
    }
}

fn type_line(growth: &TypeGrowth) -> String {
    let steps: Vec<String> = steps(growth)
        .into_iter()
        .map(|((before, after, kind), grows)| {
            let grows = count(growth.figure(grows).number());
            format!("{grows}× {}→{}{}", count(before), count(after), kind_text(kind))
        })
        .collect();
    let mut line = format!(
        "{} {} of {}{}, {} moved ({}): {}",
        grows_text(growth),
        plural(growth.total.grows, "growth"),
        growth.map_type,
        estimated_mark(growth),
        recorded(growth.figure(growth.total.moved_entries), entries),
        bytes(growth.figure(growth.total.moved_bytes).number()),
        steps.join(", ")
    );
    match &growth.sizes {
        Ok(sizes) => {
            line += &format!("; sizes: {}", classes(sizes));
            if let Some(amplification) = amplification_text(sizes) {
                line += &format!("; write amplification of these {amplification}");
            }
        }
        Err(reason) => line += &format!("; sizes are not known: {}", words::no_sizes(*reason)),
    }
    line
}

/// "620", "about 20 (11 to 34)", "at least 20".
pub(crate) fn grows_text(growth: &TypeGrowth) -> String {
    let grows = growth.total.grows;
    number_of_grows(growth.figure(grows), grows, growth.grows_range)
}

fn number_of_grows(figure: Figure, grows: u64, range: Option<Bounds>) -> String {
    match (figure, range) {
        (Figure::AtLeast(_), _) => recorded(figure, count),
        (_, Some(range)) => estimate(grows, range),
        (_, None) => count(grows),
    }
}

/// "1 entry".
pub(crate) fn entries(n: u64) -> String {
    counted(n, "entry")
}

/// Said where no range says it.
fn estimated_mark(growth: &TypeGrowth) -> &'static str {
    match growth.precision {
        Precision::Exact | Precision::LowerBound => "",
        Precision::Estimated if growth.grows_range.is_some() => "",
        Precision::EstimatedSite | Precision::Estimated => " (estimated)",
    }
}

/// Growths by slots before and after; splits of all depths together.
fn steps(growth: &TypeGrowth) -> BTreeMap<(u64, u64, GrowKind), u64> {
    let mut steps: BTreeMap<(u64, u64, GrowKind), u64> = BTreeMap::new();
    for step in &growth.steps {
        let grows = steps.entry((step.before, step.after, step.kind)).or_default();
        *grows = grows.saturating_add(step.grows);
    }
    steps
}

fn kind_text(kind: GrowKind) -> &'static str {
    match kind {
        GrowKind::Split => " (split)",
        GrowKind::SameSize => " (same size)",
        GrowKind::SmallToTable | GrowKind::Table | GrowKind::Double => "",
    }
}

/// "85 maps of 449 to 896 entries, about 3 (1 to 7) of 897 to 1,792".
pub(crate) fn classes(sizes: &FinalSizes) -> String {
    let all = sizes.classes();
    let mut shown = all.to_vec();
    shown.sort_by_key(|class| std::cmp::Reverse(class.maps));
    shown.truncate(MAX_CLASSES);
    shown.sort_by_key(|class| (class.size.room, class.size.at_least));
    let texts = shown.iter().enumerate().map(|(index, class)| {
        let n = class.range.map_or(count(class.maps), |range| estimate(class.maps, range));
        let size = size_text(class.size);
        match index {
            0 if class.maps == 1 => format!("{n} map of {size} entries"),
            0 => format!("{n} maps of {size} entries"),
            _ => format!("{n} of {size}"),
        }
    });
    let mut text = texts.collect::<Vec<_>>().join(", ");
    let larger = sizes.larger();
    let n_shown = shown.iter().map(|class| class.maps).fold(0, u64::saturating_add);
    let n_shown = n_shown.saturating_add(larger.map_or(0, |larger| larger.maps));
    if all.len() > shown.len() {
        text += &format!(", {} of other sizes", count(sizes.n_maps().saturating_sub(n_shown)));
    }
    if let Some(larger) = larger {
        text += &format!(
            ", and about {} of {} or more, how large is not known",
            count(larger.maps),
            count(larger.at_least)
        );
    }
    text
}

/// "57 to 112".
pub(crate) fn size_text(size: Size) -> String {
    if size.at_least == size.room {
        return count(size.room);
    }
    format!("{} to {}", count(size.at_least), count(size.room))
}

pub(crate) fn maps(n: u64) -> String {
    counted(n, "map")
}

/// "1.9 to 2.3".
fn amplification_text(sizes: &FinalSizes) -> Option<String> {
    let (low, high) = sizes.write_amplification()?;
    Some(format!("{low:.1} to {high:.1}"))
}

#[cfg(test)]
mod tests {
    use evidence::{Growth, SiteGrowth, Source, SourceId, SourceKind, Sources, Windows};

    use super::*;

    fn source() -> SourceId {
        let (name, summary) = (String::new(), String::new());
        Sources::default().add(Source { name, kind: SourceKind::Recording, summary })
    }

    /// That no window met a growth does not say that there was none.
    #[test]
    fn a_line_that_no_window_met_is_not_said_to_be_without_growth() {
        let said = |growth: ProcessGrowth| {
            let evidence = Evidence { growth: Some(growth), ..Evidence::default() };
            let growth = Some(SiteGrowth::default());
            site_lines(&Site { growth, ..Site::default() }, &evidence).concat()
        };
        assert_eq!(said(ProcessGrowth::of(source())), "no growth recorded here");
        let lost = ProcessGrowth { lost: 1, ..ProcessGrowth::of(source()) };
        assert!(said(lost).ends_with("not known"));
        let windows = vec![Windows::default()];
        let precision = Precision::Estimated;
        let in_windows = ProcessGrowth { precision, windows, ..ProcessGrowth::of(source()) };
        assert!(said(in_windows).starts_with("growths here: met by no window"));
    }

    #[test]
    fn every_figure_of_a_lower_bound_is_said_to_be_one() {
        let total = Growth { grows: 1760, moved_entries: 76_736, ..Growth::default() };
        let grows_range = Some(Bounds { low: 1760, high: None });
        let precision = Precision::Estimated;
        let of_type = TypeGrowth { total, precision, grows_range, ..TypeGrowth::default() };
        let said = type_line(&of_type);
        assert!(said.starts_with("at least 1,760 growths of "), "{said}");
        assert!(said.contains(", at least 76,736 entries moved"), "{said}");
    }

    #[test]
    fn why_an_estimate_has_no_upper_end_is_said() {
        let grows_range = Some(Bounds { low: 7, high: None });
        let precision = Precision::Estimated;
        let few = ProcessGrowth { precision, grows_range, ..ProcessGrowth::of(source()) };
        assert!(process_text(&few).contains("from too few windows"));
        let said = process_text(&ProcessGrowth { lacks_clocks: true, ..few });
        assert!(said.contains("clocks of threads were missing"), "{said}");
        assert!(!said.contains("too few windows"), "{said}");
    }
}
