//! Flame graph as SVG, coloured by cost category. Drawn by `inferno`.

use std::io::{self, Write};

use diagnosis::evidence::StackTree;
use gomap::function_category;
use inferno::flamegraph::color::{BackgroundColor, Color, PaletteMap};
use inferno::flamegraph::{Options, from_lines};

use crate::words;

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
    options.min_width = 0.05;
    options.notes = "Colours by cost category of the function".to_owned();
    from_lines(&mut options, folded.iter().map(String::as_str), out).map_err(io::Error::other)
}

/// What the colours mean, in words; the page has a legend of its own.
fn legend() -> String {
    "red: growth moves entries, orange: growth allocates, violet: hash, yellow: search, blue: GC, green: read".to_owned()
}

/// Lines of "root;…;leaf weight". Units: microseconds of CPU.
fn folded(stacks: &StackTree) -> Vec<String> {
    let with_own = stacks.nodes.iter().enumerate().filter(|(_, node)| node.own.cpu_ns >= 1000);
    with_own
        .map(|(idx, node)| {
            let mut path = Vec::new();
            let mut at = idx;
            while at != 0 {
                let node = stacks.nodes[at];
                path.push(escape(stacks.names.get(node.name as usize).map_or("?", |name| name)));
                at = node.parent as usize;
            }
            path.reverse();
            format!("{} {}", path.join(";"), node.own.cpu_ns / 1000)
        })
        .collect()
}

/// The separators of the folded form must not stand in a name.
fn escape(name: &str) -> String {
    name.replace(';', ":").replace(['\n', '\r'], " ")
}
