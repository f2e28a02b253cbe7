//! `mapscope whatif --svg`: what each rewrite costs an entry, over the size of the inner maps.

use std::io::{self, Write};

use gomap::{Forecast, Rewrite};
use maud::{Markup, html};

use crate::chart::{self, Scale, Series};
use crate::what_if::name;

/// Forecasts at one size.
#[derive(Debug, Clone)]
pub struct ChartPoint {
    /// Entries of each inner map; of the map, where none is in it.
    pub entries: u64,
    /// Entries in all.
    pub total: u64,
    /// In the order of the lines.
    pub rewrites: Vec<(Rewrite, Forecast)>,
}

/// The chart's text and what it is about.
#[derive(Debug, Clone)]
pub struct Chart {
    /// Map type, sizes and release.
    pub title: String,
    /// What the sizes are sizes of: "entries of each inner map".
    pub x_axis: &'static str,
    /// The size asked for, which gets a mark.
    pub mark: u64,
    /// Sortedness: by size.
    pub points: Vec<ChartPoint>,
}

/// Colours keep apart on light and dark ground, also for the colour-blind (source: Okabe and Ito's palette). The lines of
/// similar rewrites lie on each other.
pub(crate) fn series(rewrite: Rewrite) -> Series {
    let (colour, dashes) = match rewrite {
        Rewrite::Today => ("#d55e00", None),
        Rewrite::Presized => ("#0072b2", None),
        Rewrite::Flattened => ("#e69f00", None),
        Rewrite::FlattenedPresized => ("#009e73", Some("9 4")),
        Rewrite::Sharded => ("#cc79a7", Some("3 5")),
    };
    Series { name: name(rewrite), colour, dashes }
}

type Number = (&'static str, fn(&Forecast) -> f64);

const PANELS: [Number; 3] = [
    ("moved entries per entry", |of| of.moved.expected),
    ("bytes allocated per entry", |of| of.allocated_bytes.expected),
    ("bytes held per entry", |of| of.retained_bytes.expected),
];

const WIDTH: f64 = 760.0;
const PLOT: (f64, f64) = (70.0, WIDTH - 20.0);
const TOP: f64 = 70.0;
const PLOT_HEIGHT: f64 = 170.0;
const PANEL_HEIGHT: f64 = PLOT_HEIGHT + 62.0;
const N_STEPS: u32 = 4;

/// Writes the chart.
///
/// # Errors
/// When `out` fails.
pub fn render_what_if_svg(out: &mut dyn Write, chart: &Chart) -> io::Result<()> {
    let height = TOP + PANEL_HEIGHT * PANELS.len() as f64;
    let content = html! {
        (chart::text((16.0, 24.0), Some(chart::TITLE), &chart.title))
        (chart::legend(&all_series(chart), (16.0, 44.0)))
        @for (index, number) in PANELS.iter().enumerate() {
            (panel(chart, *number, TOP + PANEL_HEIGHT * index as f64))
        }
    };
    writeln!(out, "{}", chart::document(WIDTH, height, &content).into_string())
}

fn all_series(chart: &Chart) -> Vec<Series> {
    let rewrites = chart.points.iter().take(1).flat_map(|point| &point.rewrites);
    rewrites.map(|(rewrite, _)| series(*rewrite)).collect()
}

fn panel(chart: &Chart, (label, value): Number, top: f64) -> Markup {
    let per_entry = |point: &ChartPoint, of: &Forecast| value(of) / point.total.max(1) as f64;
    let all = chart
        .points
        .iter()
        .flat_map(|point| point.rewrites.iter().map(move |(_, of)| per_entry(point, of)));
    let (plot_top, bottom) = (top + 24.0, top + 24.0 + PLOT_HEIGHT);
    let y = Scale::round(all.fold(0.0, f64::max), N_STEPS, (bottom, plot_top));
    let x = sizes(chart);
    let places = |index: usize| {
        let forecasts = chart.points.iter().filter_map(move |point| {
            let (_, of) = point.rewrites.get(index)?;
            Some((point.entries as f64, per_entry(point, of)))
        });
        forecasts.map(|(entries, cost)| (x.at(entries), y.at(cost))).collect::<Vec<_>>()
    };
    html! {
        (chart::text((16.0, top + 12.0), Some(chart::TITLE), label))
        (chart::y_axis(&y, N_STEPS, PLOT))
        (chart::x_axis(&x, bottom, chart.x_axis))
        (chart::x_mark(&x, chart.mark, (plot_top, bottom)))
        @for (index, series) in all_series(chart).iter().enumerate() { (series.line(places(index))) }
    }
}

fn sizes(chart: &Chart) -> Scale {
    let entries = |point: Option<&ChartPoint>| point.map_or(1, |point| point.entries.max(1)) as f64;
    let (low, high) = (entries(chart.points.first()), entries(chart.points.last()));
    Scale::log((low, high.max(2.0 * low)), PLOT)
}
