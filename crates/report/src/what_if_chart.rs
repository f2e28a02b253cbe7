//! `mapscope whatif --svg`: what each rewrite costs an entry, over the size of the inner maps.

use std::fmt::Write as _;
use std::io::{self, Write};

use gomap::{Forecast, Rewrite};

use crate::marks;
use crate::numbers::count;
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

/// Colours that keep apart on light and dark ground, also for the colour-blind. Source: Okabe and Ito's palette.
pub(crate) fn colour(rewrite: Rewrite) -> &'static str {
    match rewrite {
        Rewrite::Today => "#d55e00",
        Rewrite::Presized => "#0072b2",
        Rewrite::Flattened => "#e69f00",
        Rewrite::FlattenedPresized => "#009e73",
        Rewrite::Sharded => "#cc79a7",
    }
}

/// The lines of similar rewrites lie on each other: a dashed one lets the other be seen.
fn dashes(rewrite: Rewrite) -> &'static str {
    match rewrite {
        Rewrite::Sharded => " stroke-dasharray=\"3 5\"",
        Rewrite::FlattenedPresized => " stroke-dasharray=\"9 4\"",
        _ => "",
    }
}

pub(crate) const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#24292f}.t{font-weight:600;font-size:14px}\
.e{text-anchor:end}.m{text-anchor:middle}.g{stroke:#d0d7de}.k{stroke:#57606a;stroke-dasharray:4 3}\
polyline{fill:none;stroke-width:2}.b{fill:#fff}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.g{stroke:#30363d}.k{stroke:#8b949e}.b{fill:#0d1117}}";

type Number = (&'static str, fn(&Forecast) -> f64);

const PANELS: [Number; 3] = [
    ("moved entries per entry", |of| of.moved.expected),
    ("bytes allocated per entry", |of| of.allocated_bytes.expected),
    ("bytes held per entry", |of| of.retained_bytes.expected),
];

const WIDTH: f64 = 760.0;
const LEFT: f64 = 70.0;
const PLOT_WIDTH: f64 = WIDTH - LEFT - 20.0;
const TOP: f64 = 70.0;
const PLOT_HEIGHT: f64 = 170.0;
const PANEL_HEIGHT: f64 = PLOT_HEIGHT + 62.0;
const N_TICKS: u32 = 4;

/// Writes the chart.
///
/// # Errors
/// When `out` fails.
pub fn render_what_if_svg(out: &mut dyn Write, chart: &Chart) -> io::Result<()> {
    let height = TOP + PANEL_HEIGHT * PANELS.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\">\n\
         <!-- {} -->\n<style>{STYLE}</style>\n<rect class=\"b\" width=\"{WIDTH}\" height=\"{height}\"/>\n",
        marks::CHART
    );
    text(&mut svg, (16.0, 24.0), "t", &chart.title);
    legend(&mut svg, chart);
    for (index, number) in PANELS.iter().enumerate() {
        panel(&mut svg, chart, *number, TOP + PANEL_HEIGHT * index as f64);
    }
    writeln!(out, "{svg}</svg>")
}

fn legend(svg: &mut String, chart: &Chart) {
    let mut x = 16.0;
    for (rewrite, _) in chart.points.first().map_or(&[][..], |point| &point.rewrites) {
        let (colour, dashes) = (colour(*rewrite), dashes(*rewrite));
        let _ = writeln!(
            svg,
            "<polyline points=\"{x},44 {},44\" stroke=\"{colour}\"{dashes}/>",
            x + 26.0
        );
        text(svg, (x + 32.0, 48.0), "", name(*rewrite));
        x += 56.0 + 6.6 * name(*rewrite).len() as f64;
    }
}

fn panel(svg: &mut String, chart: &Chart, (label, value): Number, top: f64) {
    let per_entry = |point: &ChartPoint, of: &Forecast| value(of) / point.total.max(1) as f64;
    let all = chart.points.iter().flat_map(|point| {
        point.rewrites.iter().map(move |(_, forecast)| per_entry(point, forecast))
    });
    let step = nice(all.fold(0.0, f64::max) / f64::from(N_TICKS));
    let most = step * f64::from(N_TICKS);
    let bottom = top + 24.0 + PLOT_HEIGHT;
    let y = |value: f64| bottom - PLOT_HEIGHT * value / most;
    let x = Axis::of(chart);
    text(svg, (16.0, top + 12.0), "t", label);
    for tick in 0..=N_TICKS {
        let at = step * f64::from(tick);
        line(svg, (LEFT, y(at)), (LEFT + PLOT_WIDTH, y(at)), "g");
        text(svg, (LEFT - 8.0, y(at) + 4.0), "e", &decimal(at));
    }
    for (at, size) in x.ticks() {
        text(svg, (at, bottom + 16.0), "m", &count(size));
    }
    text(svg, (LEFT + PLOT_WIDTH / 2.0, bottom + 31.0), "m", chart.x_axis);
    line(svg, (x.at(chart.mark), top + 24.0), (x.at(chart.mark), bottom), "k");
    text(svg, (x.at(chart.mark) + 4.0, top + 34.0), "", &count(chart.mark));
    let n_lines = chart.points.first().map_or(0, |point| point.rewrites.len());
    for index in 0..n_lines {
        let rewrite = chart.points[0].rewrites[index].0;
        let points: Vec<String> = chart
            .points
            .iter()
            .filter_map(|point| Some((point, &point.rewrites.get(index)?.1)))
            .map(|(point, of)| format!("{:.1},{:.1}", x.at(point.entries), y(per_entry(point, of))))
            .collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" stroke=\"{}\"{}><title>{}</title></polyline>",
            points.join(" "),
            colour(rewrite),
            dashes(rewrite),
            name(rewrite)
        );
    }
}

/// Sizes on a logarithmic scale.
struct Axis {
    low: f64,
    high: f64,
}

impl Axis {
    fn of(chart: &Chart) -> Self {
        let log = |point: Option<&ChartPoint>| point.map_or(0.0, |point| log2(point.entries));
        let (low, high) = (log(chart.points.first()), log(chart.points.last()));
        Self { low, high: high.max(low + 1.0) }
    }

    fn at(&self, size: u64) -> f64 {
        LEFT + PLOT_WIDTH * (log2(size) - self.low) / (self.high - self.low)
    }

    /// Every power of two, or of four and so on, so that the labels do not touch.
    fn ticks(&self) -> impl Iterator<Item = (f64, u64)> {
        let step = ((self.high - self.low) / 12.0).ceil().max(1.0) as usize;
        let powers = (self.low.ceil() as u32..=self.high as u32).step_by(step);
        powers.map(|power| 1_u64 << power.min(63)).map(|size| (self.at(size), size))
    }
}

fn log2(size: u64) -> f64 {
    (size.max(1) as f64).log2()
}

/// The least of 1, 2, 2.5, 5 times a power of ten that is not below.
fn nice(least: f64) -> f64 {
    let power = 10f64.powf(least.max(1e-9).log10().floor());
    let factors = [1.0, 2.0, 2.5, 5.0];
    power * factors.into_iter().find(|factor| factor * power >= least).unwrap_or(10.0)
}

/// "0.5", "120".
fn decimal(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

pub(crate) fn text(svg: &mut String, (x, y): (f64, f64), class: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\">{text}</text>");
}

fn line(svg: &mut String, (x1, y1): (f64, f64), (x2, y2): (f64, f64), class: &str) {
    let _ = writeln!(
        svg,
        "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" class=\"{class}\"/>"
    );
}
