//! Drawings that read well on light and on dark ground: colours come from one style sheet that knows both.

use std::fmt::Write as _;

const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#24292f}.title{font-weight:600;font-size:14px}\
.small{font-size:10px}.end{text-anchor:end}.mid{text-anchor:middle}.axis{stroke:#8c959f;stroke-width:1}\
.one{stroke:#24292f;stroke-width:1.5;stroke-dasharray:4 3}.line{fill:none;stroke-width:2}.ring{fill:none;stroke:#24292f;stroke-width:1.5}\
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.axis{stroke:#6e7681}.one,.ring{stroke:#e6edf3}}";

/// Colours of series that keep apart on both grounds, also for the colour-blind (Okabe and Ito's palette).
pub(crate) const COLOURS: [&str; 7] =
    ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#999999"];

pub(crate) struct Svg {
    width: f64,
    height: f64,
    body: String,
}

impl Svg {
    pub(crate) fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    pub(crate) fn text(&mut self, x: f64, y: f64, class: &str, text: &str) {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        self.push(format_args!("<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\">{text}</text>"));
    }

    pub(crate) fn rect(&mut self, (x, y): (f64, f64), width: f64, height: f64, colour: &str) {
        self.push(format_args!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{colour}\"/>"
        ));
    }

    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.push(format_args!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" class=\"{class}\"/>"
        ));
    }

    pub(crate) fn polyline(&mut self, points: &[(f64, f64)], colour: &str) {
        let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        self.push(format_args!(
            "<polyline points=\"{}\" stroke=\"{colour}\" class=\"line\"/>",
            points.join(" ")
        ));
    }

    pub(crate) fn ring(&mut self, (x, y): (f64, f64)) {
        self.push(format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" class=\"ring\"/>"));
    }

    /// Names of series beside their colours, in a row.
    pub(crate) fn legend(&mut self, x: f64, y: f64, names: &[&str]) {
        let mut x = x;
        for (name, colour) in names.iter().zip(COLOURS) {
            self.rect((x, y - 9.0), 10.0, 10.0, colour);
            self.text(x + 14.0, y, "", name);
            x += 32.0 + 7.2 * name.len() as f64;
        }
    }

    pub(crate) fn finish(self) -> String {
        let Self { width, height, body } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\">\n<style>{STYLE}</style>\n{body}</svg>\n"
        )
    }

    fn push(&mut self, element: std::fmt::Arguments<'_>) {
        writeln!(self.body, "{element}").expect("writing to a string does not fail");
    }
}

/// A group of bars with a name; a missing number leaves its place empty.
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) bars: Vec<Option<f64>>,
}

/// Horizontal bars in groups on a logarithmic scale; `mark` gets a dashed line.
pub(crate) fn bars(title: &str, series: &[&str], groups: &[Group], mark: f64) -> String {
    const LEFT: f64 = 170.0;
    const WIDTH: f64 = 480.0;
    let group_height = 13.0 * series.len() as f64 + 10.0;
    let height = 60.0 + group_height * groups.len() as f64 + 24.0;
    let mut svg = Svg::new(LEFT + WIDTH + 70.0, height);
    svg.text(10.0, 20.0, "title", title);
    svg.legend(10.0, 42.0, series);

    let numbers = || groups.iter().flat_map(|group| group.bars.iter().flatten().copied());
    let low = numbers().fold(mark, f64::min).log10().floor();
    let high = numbers().fold(mark, f64::max).log10().ceil().max(low + 1.0);
    let at = |number: f64| LEFT + WIDTH * (number.log10() - low) / (high - low);
    for power in low as i32..=high as i32 {
        let tick = 10f64.powi(power);
        svg.line((at(tick), 52.0), (at(tick), height - 20.0), "axis");
        svg.text(at(tick), height - 6.0, "mid", &tick.to_string());
    }
    for (group_idx, group) in groups.iter().enumerate() {
        let top = 60.0 + group_height * group_idx as f64;
        svg.text(LEFT - 8.0, top + group_height / 2.0, "end", &group.name);
        for (idx, bar) in group.bars.iter().enumerate() {
            let Some(number) = *bar else { continue };
            let y = top + 13.0 * idx as f64;
            // Bars of ratios start at the mark, so that losses point to the left.
            let (from, to) = (at(number).min(at(mark)), at(number).max(at(mark)));
            svg.rect((from, y), (to - from).max(1.0), 11.0, COLOURS[idx]);
            svg.text(to + 4.0, y + 9.5, "small", &crate::short(number));
        }
    }
    svg.line((at(mark), 52.0), (at(mark), height - 20.0), "one");
    svg.finish()
}
