//! `mapscope whatif RECORDING`: what other ways to hold recorded maps would cost.

mod svg;

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use diagnosis::finding::Span;
use diagnosis::rewrites::{Costs, Inner, RecordedMaps, Unseen};
use diagnosis::rules::FIRST_GROUP;
use evidence::sizes::{FinalSizes, Size};
use evidence::words::plural;
use evidence::{Evidence, HintedMakes, Precision, TypeGrowth};
use goabi::MapImpl;
use gomap::{GrowKind, Rewrite};

pub use svg::render_recorded_svg;

use crate::growth::{classes, entries, grows_text, maps, size_text};
use crate::numbers::{bytes, count, recorded, span};
use crate::short_words::ShortWords;
use crate::what_if::name;
use crate::words::{self, Word};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const TITLE: Style = AnsiColor::Cyan.on_default().bold();

/// Maps of a recording, and what was left out of them.
#[derive(Debug, Clone)]
pub struct RecordedWhatIf<'e> {
    /// What was recorded.
    pub evidence: &'e Evidence,
    /// Those to show, most bytes moved first.
    pub maps: Vec<RecordedMaps>,
    /// Number of those left out.
    pub n_more: usize,
}

type Number = (&'static str, fn(&Costs) -> Span, fn(u64) -> String);

const NUMBERS: [Number; 7] = [
    ("growths", |of| of.grows, count),
    ("entries at growths", |of| of.begun_entries, count),
    ("entries moved", |of| of.moved_entries, count),
    ("allocations", |of| of.allocations, count),
    ("allocated", |of| of.allocated_bytes, bytes),
    ("objects held", |of| of.held_objects, count),
    ("of it with pointers", |of| of.pointer_bytes, bytes),
];
/// Shown where it differs from what was moved.
const AT_GROWTHS: &str = "entries at growths";

/// Writes the forecasts for a terminal, line by line, side by side.
///
/// # Errors
/// When `out` fails.
pub fn render_recorded(out: &mut dyn Write, report: &RecordedWhatIf<'_>) -> io::Result<()> {
    let out = &mut ShortWords::new(out);
    writeln!(out, "{BOLD}{}{BOLD:#}", program(report.evidence))?;
    for source in &report.evidence.sources {
        writeln!(out, "  {DIM}{}: {}{DIM:#}", source.name, source.summary)?;
    }
    for notice in &report.evidence.notices {
        writeln!(out, "  {DIM}{}{DIM:#}", notice.text)?;
    }
    for maps in &report.maps {
        writeln!(out)?;
        one(out, maps)?;
    }
    if report.n_more > 0 {
        writeln!(out, "\n{DIM}and {} more; --top shows them{DIM:#}", count(report.n_more as u64))?;
    }
    writeln!(out, "\n{DIM}{}{DIM:#}", notes(report))?;
    out.flush()
}

fn program(evidence: &Evidence) -> String {
    let program = &evidence.program;
    let name = program.name.as_deref().unwrap_or("unknown program");
    let version = program.go_version.map(|(version, _)| format!("  {version}"));
    let map_impl = program.map_impl.map(|(of, _)| format!("  {} maps", of.word()));
    format!("{name}{}{}", version.unwrap_or_default(), map_impl.unwrap_or_default())
}

fn notes(report: &RecordedWhatIf<'_>) -> String {
    let mut notes = NOTES.to_owned();
    if report.evidence.program.map_impl.is_some_and(|(of, _)| of == MapImpl::Swiss)
        && report.maps.iter().any(has_splits_of_unknown_depth)
    {
        notes += SPLIT_NOTE;
    }
    if report.evidence.growth.as_ref().is_some_and(|growth| !growth.windows.is_empty()) {
        notes += ESTIMATED_NOTE;
    }
    if report
        .maps
        .iter()
        .any(|maps| maps.rewrites.iter().flatten().any(|(_, of)| is_evacuating(of)))
    {
        notes += BEGUN_NOTE;
    }
    notes
}

const NOTES: &str = "\
Sizes are those between two growths: each number is for maps of the smallest size up to maps of the largest. They were
not measured of maps that never grow (up to 8 entries, or up to their hint), nor of those that grew before the
recording began; deletions are not seen. Today is without size hint, or with the mean of those recorded; presized is
with exact ones. Flattened is one map with both keys in place of each outer map, as if each held as many entries.
Sharded is 32 maps in place of each (of nested maps: of each outer one), without locks. Objects held and bytes with
pointers, which each collection marks and reads, are of all these maps at once, kept or not.";

const SPLIT_NOTE: &str = "
Of maps larger than one table of 1,024 slots, older recordings say only the mean number of tables.";

const ESTIMATED_NOTE: &str = "
Numbers of maps are estimated from windows of time: the range of their number is in each number too. Maps of which it is
not known how large they are, are left out.";

const BEGUN_NOTE: &str = "
Entries at growths: those in the map when its growth begins, as `mapscope record` counts them; they are moved bit by bit
by later writes.";

fn has_splits_of_unknown_depth(maps: &RecordedMaps) -> bool {
    let of_inner = maps.inner.iter().filter_map(|inner| inner.growth.as_ref());
    let mut steps = [&maps.growth].into_iter().chain(of_inner).flat_map(|growth| &growth.steps);
    steps.any(|step| step.kind == GrowKind::Split && step.local_depth.is_none())
}

fn is_evacuating(costs: &Costs) -> bool {
    costs.begun_entries != costs.moved_entries
}

fn one(out: &mut dyn Write, maps: &RecordedMaps) -> io::Result<()> {
    writeln!(out, "{TITLE}{}{TITLE:#}  {}", maps.growth.map_type, words::place(&maps.frame))?;
    let sizes = maps.growth.sizes.as_ref().ok();
    level(out, &maps.growth, sizes, maps.hints.as_ref())?;
    match &maps.inner {
        Ok(inner) => of_inner(out, inner, maps.unseen.as_ref())?,
        Err(reason) => {
            if let Some(text) = words::not_flattened(*reason) {
                writeln!(out, "  flattened: not known, {text}")?;
            }
        }
    }
    match &maps.rewrites {
        Ok(rewrites) => table(out, rewrites),
        Err(reason) => {
            let why = words::no_forecast(*reason, &maps.growth);
            writeln!(out, "  no forecast: {why}")
        }
    }
}

/// What was recorded of maps at a line, and the sizes that follow from it.
fn level(
    out: &mut dyn Write,
    growth: &TypeGrowth,
    sizes: Option<&FinalSizes>,
    hints: Option<&HintedMakes>,
) -> io::Result<()> {
    let total = growth.total;
    writeln!(
        out,
        "  recorded: {} {} of {}, {} allocated{}",
        grows_text(growth),
        plural(total.grows, "growth"),
        recorded(growth.figure(total.moved_entries), entries),
        recorded(growth.figure(total.grow_bytes), bytes),
        precision(growth.precision)
    )?;
    if let Some(sizes) = sizes {
        writeln!(out, "  sizes, by these: {}", classes(sizes))?;
    }
    made_with(out, hints)
}

fn made_with(out: &mut dyn Write, hints: Option<&HintedMakes>) -> io::Result<()> {
    let Some(makes) = hints else { return Ok(()) };
    writeln!(
        out,
        "  made with a hint of {:.1} on average: {} at {}",
        makes.mean(),
        maps(makes.n),
        words::place(&makes.frame)
    )
}

fn precision(precision: Precision) -> &'static str {
    match precision {
        Precision::Exact => " (exact)",
        Precision::EstimatedSite => " (exact; how much of it at this line is estimated)",
        Precision::Estimated => " (estimated)",
        Precision::LowerBound => " (at least: a part of the time nothing was counted)",
    }
}

fn of_inner(out: &mut dyn Write, inner: &Inner, of_unseen: Option<&Unseen>) -> io::Result<()> {
    let at = inner.frame.as_ref().map_or("none of which grew".to_owned(), words::place);
    writeln!(out, "  in them {BOLD}{}{BOLD:#}  {at}", inner.map_type)?;
    if let Some(growth) = &inner.growth {
        level(out, growth, inner.sizes.as_ref(), inner.hints.as_ref())?;
    } else {
        made_with(out, inner.hints.as_ref())?;
    }
    let most = match of_unseen {
        Some(Unseen { room: FIRST_GROUP, .. }) => "of at most 8 entries".to_owned(),
        Some(Unseen { room, .. }) => format!("of at most {} entries by their hints", count(*room)),
        None => "that did not grow, how large is not known".to_owned(),
    };
    writeln!(out, "  and {} {most}, which no recording sees", unseen(inner.unseen))?;
    match inner.flat {
        Ok(_) => Ok(()),
        Err(reason) => {
            let why = words::not_flattened(reason).unwrap_or_default();
            writeln!(out, "  flattened: not known, {why}")
        }
    }
}

fn unseen(size: Size) -> String {
    if size.room == 0 { "none".to_owned() } else { size_text(size) }
}

fn table(out: &mut dyn Write, rewrites: &[(Rewrite, Costs)]) -> io::Result<()> {
    write!(out, "  {DIM}{:<20}{DIM:#}", "built by insertions")?;
    for (rewrite, _) in rewrites {
        write!(out, "  {BOLD}{:>18}{BOLD:#}", name(*rewrite))?;
    }
    writeln!(out)?;
    let differs = rewrites.iter().any(|(_, costs)| is_evacuating(costs));
    for number in NUMBERS.iter().filter(|(label, ..)| *label != AT_GROWTHS || differs) {
        row(out, rewrites, number)?;
    }
    Ok(())
}

/// The lower ends, and the upper ends below them where they differ.
fn row(
    out: &mut dyn Write,
    rewrites: &[(Rewrite, Costs)],
    (label, value, text): &Number,
) -> io::Result<()> {
    let spans = || rewrites.iter().map(|(_, costs)| value(costs));
    let text = |n| span(Span { low: n, high: n }, *text);
    let cells = |cell: &dyn Fn(Span) -> String| -> String {
        spans().map(|of| format!("  {:>18}", cell(of))).collect()
    };
    writeln!(out, "  {label:<20}{}", cells(&|of| text(of.low)))?;
    let highs = cells(&|of| {
        if of.low == of.high { String::new() } else { format!("to {}", text(of.high)) }
    });
    if !highs.trim().is_empty() {
        writeln!(out, "  {:<20}{}", "", highs.trim_end())?;
    }
    Ok(())
}

/// The names of the recordings.
fn recordings(evidence: &Evidence) -> String {
    let sources = evidence.growth.as_ref().map(|growth| &growth.sources);
    sources.map_or_else(String::new, |of| words::names(of, evidence, words::base_name))
}
