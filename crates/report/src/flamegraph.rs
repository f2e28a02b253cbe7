//! Flame graph as SVG, coloured by cost category. Drawn by `inferno`.

use std::io::{self, Write};

use evidence::StackTree;
use gomap::function_category;
use inferno::flamegraph::color::{BackgroundColor, Color, PaletteMap};
use inferno::flamegraph::{Options, from_lines};

use crate::{marks, words};

/// Narrowest frame drawn. Units: percent of all CPU.
const MIN_WIDTH_PCT: f64 = 0.05;

const WHITE: Color = Color { r: 255, g: 255, b: 255 };

/// Writes a flame graph; widths are CPU time.
///
/// # Errors
/// When `out` fails or there is no sample.
pub fn render_flamegraph(out: &mut dyn Write, stacks: &StackTree, title: &str) -> io::Result<()> {
    let folded = folded(stacks);
    let mut palette = PaletteMap::default();
    for name in &stacks.names {
        let [r, g, b] = words::category_colour(function_category(name));
        palette.insert(escape(name), Color { r, g, b });
    }
    let mut options = Options::default();
    options.title = title.to_owned();
    options.count_name = "ms".to_owned();
    // Weights are microseconds.
    options.factor = 0.001;
    options.subtitle = Some(legend());
    options.palette_map = Some(&mut palette);
    options.bgcolors = Some(BackgroundColor::Flat(WHITE));
    options.min_width = MIN_WIDTH_PCT;
    options.notes = format!("{} Colours by cost category of the function", marks::FLAMEGRAPH);
    from_lines(&mut options, folded.iter().map(String::as_str), out).map_err(io::Error::other)
}

/// What the colours mean, in words; the page has a legend of its own.
fn legend() -> String {
    "red: growth moves entries, orange: growth allocates, violet: hash, yellow: search, blue: GC, green: read".to_owned()
}

/// Lines of "root;…;leaf weight". Units: microseconds of CPU. Frames too narrow to be drawn are not among them: their
/// cost stays with their caller.
fn folded(stacks: &StackTree) -> Vec<String> {
    let (own_ns, is_drawn) = drawn(stacks);
    let line = |idx: usize| {
        let mut path = Vec::new();
        let mut at = idx;
        while at != 0 {
            let node = stacks.nodes[at];
            path.push(escape(stacks.names.get(node.name as usize).map_or("?", |name| name)));
            at = node.parent as usize;
        }
        path.reverse();
        format!("{} {}", path.join(";"), own_ns[idx] / 1000)
    };
    (1..stacks.nodes.len()).filter(|&idx| is_drawn[idx] && own_ns[idx] >= 1000).map(line).collect()
}

/// Own cost of each node with that of the children too narrow to be drawn, and whether the node itself is drawn.
fn drawn(stacks: &StackTree) -> (Vec<u64>, Vec<bool>) {
    let mut own_ns: Vec<u64> = stacks.nodes.iter().map(|node| node.own.cpu_ns).collect();
    let mut sum_ns = own_ns.clone();
    // Children come after their parents, so one pass from the end sums up.
    for (idx, node) in stacks.nodes.iter().enumerate().skip(1).rev() {
        let parent = node.parent as usize;
        sum_ns[parent] = sum_ns[parent].saturating_add(sum_ns[idx]);
    }
    let least_ns = sum_ns.first().map_or(0.0, |&total| total as f64 * MIN_WIDTH_PCT / 100.0);
    let is_drawn: Vec<bool> = sum_ns.iter().map(|&ns| ns as f64 >= least_ns).collect();
    for (idx, node) in stacks.nodes.iter().enumerate().skip(1).rev() {
        if !is_drawn[idx] {
            let parent = node.parent as usize;
            own_ns[parent] = own_ns[parent].saturating_add(own_ns[idx]);
        }
    }
    (own_ns, is_drawn)
}

/// The separators of the folded form must not stand in a name.
fn escape(name: &str) -> String {
    name.replace(';', ":").replace(['\n', '\r'], " ")
}
