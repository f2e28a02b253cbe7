//! `mapscope whatif RECORDING --svg`: what each rewrite costs at each line, as bars.

use std::io::{self, Write};

use diagnosis::finding::Span;
use diagnosis::rewrites::{Costs, RecordedMaps};
use gomap::Rewrite;
use maud::{Markup, html};

use super::{RecordedWhatIf, program, recordings};
use crate::chart::{self, Scale};
use crate::numbers::{bytes, count, span};
use crate::what_if::name;
use crate::what_if_chart::series;
use crate::words;

type Number = (&'static str, fn(&Costs) -> Span, fn(u64) -> String);

const PANELS: [Number; 3] = [
    ("entries moved", |of| of.moved_entries, count),
    ("allocated", |of| of.allocated_bytes, bytes),
    ("objects held", |of| of.held_objects, count),
];

const WIDTH: f64 = 1060.0;
const LEFT: f64 = 140.0;
const PANEL_WIDTH: f64 = (WIDTH - LEFT) / 3.0;
const BAR_WIDTH: f64 = 130.0;
const BAR_HEIGHT: f64 = 12.0;
const ROW: f64 = 18.0;
const TOP: f64 = 60.0;
const HEAD: f64 = 46.0;

/// Writes the chart: of each bar the solid part is sure, the light one depends on sizes and hashing.
///
/// # Errors
/// When `out` fails.
pub fn render_recorded_svg(out: &mut dyn Write, report: &RecordedWhatIf<'_>) -> io::Result<()> {
    let forecast = |maps: &&RecordedMaps| maps.rewrites.is_ok();
    let groups = report.maps.iter().filter(forecast).scan(TOP, |next, maps| {
        let top = *next;
        *next += HEAD + ROW * maps.rewrites.iter().flatten().count() as f64;
        Some((top, *next, maps))
    });
    let groups: Vec<_> = groups.collect();
    let height = groups.last().map_or(TOP, |(_, bottom, _)| *bottom);
    let title = format!("{}  by {}", program(report.evidence), recordings(report.evidence));
    let about = "solid: at least; light: up to, as sizes between two growths and hashing leave it";
    let content = html! {
        (chart::text((16.0, 24.0), Some(chart::TITLE), &title))
        (chart::text((16.0, 42.0), None, about))
        @for (top, _, maps) in groups { (group(maps, top)) }
    };
    writeln!(out, "{}", chart::document(WIDTH, height, &content).into_string())
}

fn group(maps: &RecordedMaps, top: f64) -> Markup {
    let title = format!("{}  {}", maps.growth.map_type, words::place(&maps.frame));
    let rewrites: Vec<&(Rewrite, Costs)> = maps.rewrites.iter().flatten().collect();
    html! {
        (chart::text((16.0, top + 14.0), Some(chart::TITLE), &title))
        @for (row, (rewrite, _)) in rewrites.iter().enumerate() {
            (chart::text((LEFT - 8.0, bar_top(top, row) + 10.0), Some(chart::END), name(*rewrite)))
        }
        @for (index, number) in PANELS.iter().enumerate() {
            (panel(&rewrites, number, (LEFT + PANEL_WIDTH * index as f64, top)))
        }
    }
}

/// A number of each rewrite.
fn panel(
    rewrites: &[&(Rewrite, Costs)],
    (label, value, number): &Number,
    (left, top): (f64, f64),
) -> Markup {
    let most = rewrites.iter().map(|(_, costs)| value(costs).high).max().unwrap_or(0).max(1);
    let x = Scale::linear(most as f64, (left, left + BAR_WIDTH));
    html! {
        (chart::text((left, top + 32.0), None, label))
        @for (row, (rewrite, costs)) in rewrites.iter().enumerate() {
            @let (value, y) = (value(costs), bar_top(top, row));
            (bar(&x, y, value.high, *rewrite, Some(chart::LIGHT)))
            (bar(&x, y, value.low, *rewrite, None))
            (chart::text((x.at(value.high as f64) + 6.0, y + 10.0), None, &span(value, *number)))
        }
    }
}

fn bar_top(top: f64, row: usize) -> f64 {
    top + HEAD - 6.0 + ROW * row as f64
}

fn bar(x: &Scale, y: f64, to: i64, rewrite: Rewrite, class: Option<&str>) -> Markup {
    let size = (x.at(to as f64) - x.at(0.0), BAR_HEIGHT);
    chart::bar((x.at(0.0), y), size, class, Some(series(rewrite).colour), None)
}
