//! Flame graph as SVG, coloured by cost category. Drawn by `inferno`.

use std::cmp::Reverse;
use std::io::{self, Write};

use evidence::{CpuUnit, StackTree};
use gomap::function_category;
use inferno::flamegraph::color::{BackgroundColor, Color, PaletteMap};
use inferno::flamegraph::{Options, from_lines};

use crate::{marks, words};

/// Narrowest frame drawn. Units: percent of all CPU.
const MIN_WIDTH_PCT: f64 = 0.05;

/// Most frames drawn, the widest ones: a page with many more is one that no browser shows.
const MAX_DRAWN: usize = 20_000;
/// Most text of stacks to draw; of longer ones fewer frames are drawn. Units: bytes.
const MAX_FOLDED_BYTES: usize = 64 << 20;
/// What is shown of a name. Units: bytes.
const MAX_NAME_BYTES: usize = 1024;

const WHITE: Color = Color { r: 255, g: 255, b: 255 };

/// Writes a flame graph; widths are CPU time, or samples where that is not known.
///
/// # Errors
/// When `out` fails, or no frame is wide enough.
pub fn render_flamegraph(out: &mut dyn Write, stacks: &StackTree, unit: CpuUnit) -> io::Result<()> {
    let (title, weight) = match unit {
        CpuUnit::Nanoseconds => ("CPU time by cost category", MICROSECONDS),
        CpuUnit::Samples => ("samples by cost category", SAMPLES),
    };
    let folded = folded(stacks, weight.unit);
    if folded.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "no samples to draw"));
    }
    let mut palette = PaletteMap::default();
    for name in &stacks.names {
        let [r, g, b] = words::category_colour(function_category(name));
        palette.insert(escape(name), Color { r, g, b });
    }
    let mut options = Options::default();
    options.title = title.to_owned();
    options.count_name = weight.shown.to_owned();
    options.factor = weight.factor;
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

/// What weights are counted in.
#[derive(Clone, Copy)]
struct Weight {
    /// Units: as those of costs.
    unit: u64,
    shown: &'static str,
    factor: f64,
}

const MICROSECONDS: Weight = Weight { unit: 1000, shown: "ms", factor: 0.001 };
const SAMPLES: Weight = Weight { unit: 1, shown: "samples", factor: 1.0 };

/// Lines of "root;…;leaf weight", in so many of the units of costs. Frames too narrow to be drawn are not among them: their
/// cost stays with their caller.
fn folded(stacks: &StackTree, unit: u64) -> Vec<String> {
    let mut max_drawn = MAX_DRAWN;
    loop {
        let drawn = Drawn::of(stacks, unit, max_drawn);
        if drawn.folded_bytes(stacks) <= MAX_FOLDED_BYTES {
            return drawn.ends().map(|idx| drawn.line(stacks, idx)).collect();
        }
        max_drawn /= 2;
    }
}

/// What is drawn of a call tree.
struct Drawn {
    /// Of weights.
    unit: u64,
    /// By node, its own cost with that of the callees that are not drawn.
    own_ns: Vec<u64>,
    /// By node. The caller of a node that is drawn is drawn.
    is_drawn: Vec<bool>,
}

impl Drawn {
    /// Nodes that are wide enough, of which there are at most so many.
    fn of(stacks: &StackTree, unit: u64, max: usize) -> Self {
        let mut own_ns: Vec<u64> = stacks.nodes.iter().map(|node| node.own.cpu_ns).collect();
        let mut sum_ns = own_ns.clone();
        // Children come after their parents, so one pass from the end sums up.
        for (idx, node) in stacks.nodes.iter().enumerate().skip(1).rev() {
            let parent = node.parent as usize;
            sum_ns[parent] = sum_ns[parent].saturating_add(sum_ns[idx]);
        }
        let is_drawn = widest(&sum_ns, max);
        for (idx, node) in stacks.nodes.iter().enumerate().skip(1).rev() {
            if !is_drawn[idx] {
                let parent = node.parent as usize;
                own_ns[parent] = own_ns[parent].saturating_add(own_ns[idx]);
            }
        }
        Self { unit, own_ns, is_drawn }
    }

    /// Nodes at which a line ends.
    fn ends(&self) -> impl Iterator<Item = usize> {
        (1..self.own_ns.len()).filter(|&idx| self.is_drawn[idx] && self.own_ns[idx] >= self.unit)
    }

    /// Length of the names in all lines.
    fn folded_bytes(&self, stacks: &StackTree) -> usize {
        let mut path_bytes = vec![0_usize; stacks.nodes.len()];
        for (idx, node) in stacks.nodes.iter().enumerate().skip(1) {
            let name = name_of(stacks, idx).len().min(MAX_NAME_BYTES);
            path_bytes[idx] = path_bytes[node.parent as usize].saturating_add(name + 1);
        }
        self.ends().fold(0, |sum, idx| sum.saturating_add(path_bytes[idx]))
    }

    fn line(&self, stacks: &StackTree, idx: usize) -> String {
        let mut path = Vec::new();
        let mut at = idx;
        while at != 0 {
            path.push(escape(name_of(stacks, at)));
            at = stacks.nodes[at].parent as usize;
        }
        path.reverse();
        format!("{} {}", path.join(";"), self.own_ns[idx] / self.unit)
    }
}

/// By node, whether it is wide enough to be drawn, and one of the widest. A caller is as wide as what it calls, and comes
/// before it.
fn widest(sum_ns: &[u64], max: usize) -> Vec<bool> {
    let least_ns = sum_ns.first().map_or(0.0, |&total| total as f64 * MIN_WIDTH_PCT / 100.0);
    let is_wide = |&idx: &usize| sum_ns[idx] as f64 >= least_ns;
    let mut wide: Vec<usize> = (0..sum_ns.len()).filter(is_wide).collect();
    wide.sort_by_key(|&idx| Reverse(sum_ns[idx]));
    let mut is_drawn = vec![false; sum_ns.len()];
    wide.into_iter().take(max).for_each(|idx| is_drawn[idx] = true);
    is_drawn
}

fn name_of(stacks: &StackTree, idx: usize) -> &str {
    stacks.names.get(stacks.nodes[idx].name as usize).map_or("?", |name| name)
}

/// What is shown of a name. The separators of the folded form must not stand in it.
fn escape(name: &str) -> String {
    let end = (0..=name.len().min(MAX_NAME_BYTES)).rev().find(|&at| name.is_char_boundary(at));
    name[..end.unwrap_or(0)].replace(';', ":").replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use evidence::{Cost, StackNode};

    /// A tree of nodes given by parent and own cost, all of one name.
    fn tree(name: &str, nodes: impl Iterator<Item = (u32, u64)>) -> StackTree {
        let node =
            |name, (parent, cpu_ns)| StackNode { name, parent, own: Cost { samples: 1, cpu_ns } };
        let nodes = std::iter::once(node(0, (0, 0))).chain(nodes.map(|of| node(1, of))).collect();
        StackTree { names: vec!["".into(), name.into()], nodes }
    }

    fn n_frames(lines: &[String]) -> usize {
        lines.iter().map(|line| line.matches(';').count() + 1).max().unwrap_or(0)
    }

    #[test]
    fn a_deep_stack_is_drawn_from_the_root() {
        let deep =
            tree("main.f", (0..100_000).map(|parent| (parent, u64::from(parent == 99_999) * 5000)));
        let lines = folded(&deep, MICROSECONDS.unit);
        assert_eq!((lines.len(), n_frames(&lines)), (1, MAX_DRAWN - 1));
        assert!(lines[0].ends_with(" 5"), "the cost of what is not drawn stays with the caller");
    }

    #[test]
    fn the_text_of_stacks_is_bounded() {
        // Each of these frames has cost of its own: a line for each, of all its callers.
        let name = "n".repeat(4000);
        let deep = tree(&name, (0..4096).map(|parent| (parent, 1_000_000)));
        let lines = folded(&deep, MICROSECONDS.unit);
        let n_bytes: usize = lines.iter().map(String::len).sum();
        assert!(n_bytes < MAX_FOLDED_BYTES + lines.len() * 20, "{n_bytes}");
        assert!(lines.len() > 100, "{}", lines.len());
        let weight = |line: &String| line.rsplit(' ').next()?.parse::<u64>().ok();
        assert_eq!(lines.iter().filter_map(weight).sum::<u64>(), 4_096_000);
    }
}
