//! `mapscope whatif`: what other ways to hold the same entries would cost.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use goabi::GoVersion;
use gomap::{Estimate, Forecast, Rewrite, Sizes};

use crate::numbers::{bytes, count, ratio};

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const TITLE: Style = AnsiColor::Cyan.on_default().bold();

/// Forecasts of a map type at given sizes.
#[derive(Debug, Clone)]
pub struct WhatIf {
    /// The map type as the user wrote it.
    pub map: String,
    /// Release of Go.
    pub version: GoVersion,
    /// Entries.
    pub sizes: Sizes,
    /// In the order of the columns.
    pub rewrites: Vec<(Rewrite, Forecast)>,
}

type Number = (&'static str, fn(&Forecast) -> Option<Estimate>, fn(f64) -> String);

/// Shown where it differs from what was moved.
const AT_GROWTHS: &str = "entries at growths";

const NUMBERS: [Number; 10] = [
    ("growths", |of| Some(of.all_grows()), whole),
    (AT_GROWTHS, |of| Some(of.begun), whole),
    ("entries moved", |of| Some(of.moved), whole),
    ("write amplification", Forecast::write_amplification, ratio),
    ("allocations", |of| Some(of.allocations), whole),
    ("allocated", |of| Some(of.allocated_bytes), whole_bytes),
    ("held at the end", |of| Some(of.retained_bytes), whole_bytes),
    ("objects held", |of| Some(of.retained_objects), whole),
    ("of it with pointers", |of| Some(of.pointer_bytes), whole_bytes),
    ("space amplification", Forecast::space_amplification, ratio),
];

/// Narrower ranges are left out. A fraction of the expectation.
const NARROW: f64 = 0.01;

/// Writes the forecasts for a terminal, side by side.
///
/// # Errors
/// When `out` fails.
pub fn render_what_if(out: &mut dyn Write, report: &WhatIf) -> io::Result<()> {
    writeln!(out, "{BOLD}{}{BOLD:#}  {}  {}", report.map, report.version, sizes(report))?;
    write!(out, "\n{TITLE}{:<20}{TITLE:#}", "built by insertions")?;
    for (rewrite, _) in &report.rewrites {
        write!(out, "  {BOLD}{:>20}{BOLD:#}", name(*rewrite))?;
    }
    writeln!(out)?;
    let is_evacuating = report.rewrites.iter().any(|(_, of)| of.begun != of.moved);
    for number in NUMBERS.into_iter().filter(|(label, ..)| *label != AT_GROWTHS || is_evacuating) {
        row(out, report, number)?;
    }
    let begun = if is_evacuating { BEGUN_NOTE } else { "" };
    writeln!(out, "\n{DIM}{NOTES}{begun}{DIM:#}")
}

const BEGUN_NOTE: &str = "
Entries at growths: those in the map when its growth begins, as `mapscope record` counts them; they are moved bit by bit
by later writes.";

const NOTES: &str = "\
Write amplification: bytes of keys and elements, (inserted + moved) / inserted. Space amplification: bytes held /
bytes of keys and elements. Without what these point to. Objects held: each collection marks every one; it reads
through the bytes in objects with pointers. Ranges hold 99 of 100 runs; where none stands, hashing changes less than
1 %. Presized is with exact hints: one far too large costs more than it saves. Sharded is 32 maps by the hash of the
outer key, without their locks.";

fn row(out: &mut dyn Write, report: &WhatIf, (label, value, text): Number) -> io::Result<()> {
    let estimates = || report.rewrites.iter().map(|(_, forecast)| value(forecast));
    write!(out, "{label:<20}")?;
    for estimate in estimates() {
        let cell = estimate.map_or("-".to_owned(), |estimate| text(estimate.expected));
        write!(out, "  {cell:>20}")?;
    }
    writeln!(out)?;
    let range = |estimate: Option<Estimate>| {
        let Estimate { low, high, .. } = estimate.filter(is_wide)?;
        Some(format!("{} - {}", text(low), text(high)))
    };
    let ranges: String = estimates()
        .map(|estimate| format!("  {:>20}", range(estimate).unwrap_or_default()))
        .collect();
    if !ranges.trim().is_empty() {
        writeln!(out, "{:<20}{DIM}{}{DIM:#}", "", ranges.trim_end())?;
    }
    Ok(())
}

fn is_wide(estimate: &Estimate) -> bool {
    let reach = (estimate.high - estimate.expected).max(estimate.expected - estimate.low);
    reach > NARROW * estimate.expected
}

fn whole(value: f64) -> String {
    count(value.round() as u64)
}

fn whole_bytes(value: f64) -> String {
    bytes(value.round() as u64)
}

fn sizes(report: &WhatIf) -> String {
    let outer = count(report.sizes.outer);
    let inner = &report.sizes.inner;
    let n_entries =
        inner.iter().map(|of| of.entries.saturating_mul(of.maps)).fold(0, u64::saturating_add);
    match inner.as_slice() {
        [] => format!("{outer} entries"),
        [only] if only.maps == report.sizes.outer => {
            format!("{outer} maps of {} entries", count(only.entries))
        }
        _ => format!("{outer} maps of {} entries in all", count(n_entries)),
    }
}

pub(crate) fn name(rewrite: Rewrite) -> &'static str {
    match rewrite {
        Rewrite::Today => "today",
        Rewrite::Presized => "presized",
        Rewrite::Flattened => "flattened",
        Rewrite::FlattenedPresized => "flattened, presized",
        Rewrite::Sharded => "sharded",
    }
}
