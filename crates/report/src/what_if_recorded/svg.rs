//! `mapscope whatif RECORDING --svg`: what each rewrite costs at each line, as bars.

use std::fmt::Write as _;
use std::io::{self, Write};

use diagnosis::finding::Span;
use diagnosis::rewrites::{Costs, RecordedMaps};
use gomap::Rewrite;

use super::{RecordedWhatIf, program, recordings};
use crate::marks;
use crate::numbers::{bytes, count, span};
use crate::what_if::name;
use crate::what_if_chart::{STYLE, colour, text};
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
    let shown: Vec<&RecordedMaps> = report.maps.iter().filter(forecast).collect();
    let height = TOP + shown.iter().map(|maps| height_of(maps)).sum::<f64>();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\">\n\
         <!-- {} -->\n<style>{STYLE}</style>\n<rect class=\"b\" width=\"{WIDTH}\" height=\"{height}\"/>\n",
        marks::CHART
    );
    let title = format!("{}  by {}", program(report.evidence), recordings(report.evidence));
    text(&mut svg, (16.0, 24.0), "t", &title);
    let about = "solid: at least; light: up to, as sizes between two growths and hashing leave it";
    text(&mut svg, (16.0, 42.0), "", about);
    let mut top = TOP;
    for maps in shown {
        group(&mut svg, maps, top);
        top += height_of(maps);
    }
    writeln!(out, "{svg}</svg>")
}

fn height_of(maps: &RecordedMaps) -> f64 {
    HEAD + ROW * maps.rewrites.iter().flatten().count() as f64
}

fn group(svg: &mut String, maps: &RecordedMaps, top: f64) {
    let title = format!("{}  {}", maps.growth.map_type, words::place(&maps.frame));
    text(svg, (16.0, top + 14.0), "t", &title);
    let rewrites = || maps.rewrites.iter().flatten();
    for (row, (rewrite, _)) in rewrites().enumerate() {
        text(svg, (LEFT - 8.0, bar_top(top, row) + 10.0), "e", name(*rewrite));
    }
    for (panel, (label, value, number)) in PANELS.iter().enumerate() {
        let left = LEFT + PANEL_WIDTH * panel as f64;
        text(svg, (left, top + 32.0), "", label);
        let most = rewrites().map(|(_, costs)| value(costs).high).max().unwrap_or(0).max(1) as f64;
        for (row, (rewrite, costs)) in rewrites().enumerate() {
            let at = (left, bar_top(top, row));
            bar(svg, at, *rewrite, value(costs), most);
            let label = span(value(costs), *number);
            text(
                svg,
                (left + BAR_WIDTH * value(costs).high as f64 / most + 6.0, at.1 + 10.0),
                "",
                &label,
            );
        }
    }
}

fn bar_top(top: f64, row: usize) -> f64 {
    top + HEAD - 6.0 + ROW * row as f64
}

fn bar(svg: &mut String, (x, y): (f64, f64), rewrite: Rewrite, of: Span, most: f64) {
    let colour = colour(rewrite);
    for (to, opacity) in [(of.high, 0.4), (of.low, 1.0)] {
        let width = BAR_WIDTH * to as f64 / most;
        let _ = writeln!(
            svg,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BAR_HEIGHT}\" fill=\"{colour}\" fill-opacity=\"{opacity}\"/>"
        );
    }
}
