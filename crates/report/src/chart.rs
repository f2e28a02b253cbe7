//! Charts as SVG, by themselves or in a page: scales with their ticks, axes, series and their legend, bars, text.
//!
//! Units of all places and sizes: pixels, x to the right and y down, as in SVG.

use maud::{Markup, PreEscaped, html};

use crate::marks;
use crate::numbers::{count, decimal};

/// Classes of text: a title, one that ends at its place, one around its place.
pub(crate) const TITLE: &str = "t";
pub(crate) const END: &str = "e";
pub(crate) const MIDDLE: &str = "m";
/// Class of a line for reading along.
const GRID: &str = "g";
/// Class of a line that marks a value.
const MARK: &str = "k";
/// Class of what is not sure.
pub(crate) const LIGHT: &str = "l";

const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#24292f}.t{font-weight:600;font-size:14px}\
.e{text-anchor:end}.m{text-anchor:middle}.g{stroke:#d0d7de}.k{stroke:#57606a;stroke-dasharray:4 3}\
polyline{fill:none;stroke-width:2}.l{fill-opacity:.4}.b{fill:#fff}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.g{stroke:#30363d}.k{stroke:#8b949e}.b{fill:#0d1117}}";

/// A chart that is a file.
pub(crate) fn document(width: f64, height: f64, content: &Markup) -> Markup {
    html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox={ "0 0 " (width) " " (height) }
            width=(width) height=(height) role="img" {
            (PreEscaped(format!("<!-- {} -->", marks::CHART)))
            style { (PreEscaped(STYLE)) }
            rect.b width=(width) height=(height) {}
            (content)
        }
    }
}

/// From values to places on a line.
pub(crate) struct Scale {
    /// Value at the start; 0 unless logarithmic.
    low: f64,
    /// Value at the end.
    high: f64,
    is_log: bool,
    start: f64,
    end: f64,
}

impl Scale {
    /// From 0 on.
    pub(crate) fn linear(high: f64, (start, end): (f64, f64)) -> Self {
        Self { low: 0.0, high, is_log: false, start, end }
    }

    /// From 0 to a round number of at least `high`, such that there are `n_steps` round steps.
    pub(crate) fn round(high: f64, n_steps: u32, places: (f64, f64)) -> Self {
        Self::linear(round_up(high / f64::from(n_steps)) * f64::from(n_steps), places)
    }

    /// Logarithmic. Shape: `0 < low < high`.
    pub(crate) fn log((low, high): (f64, f64), (start, end): (f64, f64)) -> Self {
        Self { low, high, is_log: true, start, end }
    }

    pub(crate) fn is_log(&self) -> bool {
        self.is_log
    }

    /// What lies outside is at the nearer end.
    pub(crate) fn at(&self, value: f64) -> f64 {
        let part = if self.is_log {
            (value / self.low).ln() / (self.high / self.low).ln()
        } else {
            value / self.high
        };
        let part = if part.is_finite() { part.clamp(0.0, 1.0) } else { 0.0 };
        self.start + part * (self.end - self.start)
    }

    fn steps(&self, n_steps: u32) -> impl Iterator<Item = f64> {
        let step = self.high / f64::from(n_steps);
        (0..=n_steps).map(move |n| step * f64::from(n))
    }

    /// Every power of two, or of four and so on, so that the labels do not touch.
    fn powers(&self) -> impl Iterator<Item = u64> + use<> {
        let (low, high) = (self.low.log2(), self.high.log2());
        let step = ((high - low) / 12.0).ceil().max(1.0) as usize;
        (low.ceil() as u32..=high as u32).step_by(step).map(|power| 1 << power.min(63))
    }
}

/// The least of 1, 2, 2.5, 5 times a power of ten that is not below.
fn round_up(least: f64) -> f64 {
    let power = 10f64.powf(least.max(1e-9).log10().floor());
    let factors = [1.0, 2.0, 2.5, 5.0];
    power * factors.into_iter().find(|factor| factor * power >= least).unwrap_or(10.0)
}

/// A line across the plot at each step, its value at the left.
pub(crate) fn y_axis(y: &Scale, n_steps: u32, across: (f64, f64)) -> Markup {
    html! {
        @for value in y.steps(n_steps) {
            (horizontal(y.at(value), across, Some(GRID)))
            (text((across.0 - 8.0, y.at(value) + 4.0), Some(END), &decimal(value)))
        }
    }
}

/// The powers of two below the plot, and below them what they are.
pub(crate) fn x_axis(x: &Scale, bottom: f64, title: &str) -> Markup {
    html! {
        @for value in x.powers() {
            (text((x.at(value as f64), bottom + 16.0), Some(MIDDLE), &count(value)))
        }
        (text(((x.start + x.end) / 2.0, bottom + 31.0), Some(MIDDLE), title))
    }
}

/// A value marked in the plot.
pub(crate) fn x_mark(x: &Scale, value: u64, (top, bottom): (f64, f64)) -> Markup {
    let at = x.at(value as f64);
    html! {
        path.(MARK) d={ "M" (fixed(at)) " " (fixed(top)) "V" (fixed(bottom)) } {}
        (text((at + 4.0, top + 10.0), None, &count(value)))
    }
}

/// What one line or one colour stands for.
#[derive(Clone, Copy)]
pub(crate) struct Series {
    pub name: &'static str,
    pub colour: &'static str,
    /// Lines on each other can be told apart where the upper one is dashed.
    pub dashes: Option<&'static str>,
}

impl Series {
    /// A line through places, named where a pointer rests on it.
    pub(crate) fn line(&self, places: impl IntoIterator<Item = (f64, f64)>) -> Markup {
        self.polyline(places, Some(self.name))
    }

    fn polyline(
        &self,
        places: impl IntoIterator<Item = (f64, f64)>,
        title: Option<&str>,
    ) -> Markup {
        let places = places.into_iter().map(|(x, y)| format!("{x:.1},{y:.1}"));
        html! {
            polyline points=(places.collect::<Vec<_>>().join(" "))
                stroke=(self.colour) stroke-dasharray=[self.dashes] {
                @if let Some(title) = title { title { (title) } }
            }
        }
    }
}

/// The series beside each other.
pub(crate) fn legend(series: &[Series], (left, middle): (f64, f64)) -> Markup {
    let places = series.iter().scan(left, |next, series| {
        let x = *next;
        *next += 56.0 + 6.6 * series.name.len() as f64;
        Some((x, series))
    });
    html! {
        @for (x, series) in places {
            (series.polyline([(x, middle), (x + 26.0, middle)], None))
            (text((x + 32.0, middle + 4.0), None, series.name))
        }
    }
}

/// A bar; `fill` where its class does not colour it.
pub(crate) fn bar(
    (x, y): (f64, f64),
    (width, height): (f64, f64),
    class: Option<&str>,
    fill: Option<&str>,
    title: Option<&str>,
) -> Markup {
    html! {
        rect class=[class] x=(fixed(x)) y=(fixed(y)) width=(format_args!("{width:.2}"))
            height=(fixed(height)) fill=[fill] {
            @if let Some(title) = title { title { (title) } }
        }
    }
}

pub(crate) fn horizontal(y: f64, (left, right): (f64, f64), class: Option<&str>) -> Markup {
    html! { path class=[class] d={ "M" (fixed(left)) " " (fixed(y)) "H" (fixed(right)) } {} }
}

pub(crate) fn text((x, y): (f64, f64), class: Option<&str>, text: &str) -> Markup {
    html! { text x=(fixed(x)) y=(fixed(y)) class=[class] { (text) } }
}

fn fixed(place: f64) -> String {
    format!("{place:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_lie_between_the_ends_of_a_scale() {
        let linear = Scale::linear(10.0, (100.0, 0.0));
        assert_eq!(
            [0.0, 5.0, 10.0, 99.0, f64::NAN].map(|v| linear.at(v)),
            [100.0, 50.0, 0.0, 0.0, 100.0]
        );
        let log = Scale::log((1.0, 100.0), (0.0, 10.0));
        assert_eq!([0.0, 1.0, 10.0, 100.0].map(|v| log.at(v).round()), [0.0, 0.0, 5.0, 10.0]);
        assert_eq!(Scale::linear(0.0, (7.0, 9.0)).at(0.0), 7.0);
    }

    #[test]
    fn ticks_are_round_and_do_not_touch() {
        let scale = Scale::round(37.0, 4, (0.0, 1.0));
        assert_eq!(scale.steps(4).collect::<Vec<_>>(), [0.0, 10.0, 20.0, 30.0, 40.0]);
        let powers = |low, high| Scale::log((low, high), (0.0, 1.0)).powers().collect::<Vec<_>>();
        assert_eq!(powers(3.0, 40.0), [4, 8, 16, 32]);
        assert!(powers(1.0, 1e18).len() <= 13);
    }

    #[test]
    fn text_stays_text() {
        let hostile = text((1.0, 2.0), None, "</text><script>&\"");
        assert_eq!(
            hostile.into_string(),
            "<text x=\"1.0\" y=\"2.0\">&lt;/text&gt;&lt;script&gt;&amp;&quot;</text>"
        );
    }
}
