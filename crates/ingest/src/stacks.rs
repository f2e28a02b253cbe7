//! Call tree of samples, for flame graphs.

use std::collections::HashMap;
use std::sync::Arc;

use evidence::{Cost, FunctionId, StackNode, StackTree};

use crate::lines::Lines;

/// More nodes than anybody looks at: a profile of 250,000 distinct stacks has about as many.
const MAX_NODES: usize = 1_000_000;

/// Grows a call tree sample by sample, up to a number of nodes.
#[derive(Debug)]
pub(crate) struct StackBuilder {
    max_nodes: usize,
    /// Function, parent and own cost; entry 0 is the root, which has no function.
    nodes: Vec<(Option<FunctionId>, u32, Cost)>,
    children: HashMap<(u32, FunctionId), u32>,
    n_cut: u64,
}

impl Default for StackBuilder {
    fn default() -> Self {
        let nodes = vec![(None, 0, Cost::default())];
        Self { max_nodes: MAX_NODES, nodes, children: HashMap::new(), n_cut: 0 }
    }
}

impl StackBuilder {
    /// Adds a stack, root first. Once there are no more nodes to be had, it ends at the last frame that has one.
    pub(crate) fn add(&mut self, stack: impl Iterator<Item = FunctionId>, cost: Cost) {
        let mut at = 0;
        for function in stack {
            let Some(child) = self.child(at, function) else {
                self.n_cut += 1;
                break;
            };
            at = child;
        }
        self.nodes[at as usize].2 += cost;
    }

    /// The node of a function that this one calls; `None` when it has none and there are as many as there may be.
    fn child(&mut self, parent: u32, function: FunctionId) -> Option<u32> {
        if let Some(&known) = self.children.get(&(parent, function)) {
            return Some(known);
        }
        if self.nodes.len() >= self.max_nodes {
            return None;
        }
        let next = self.nodes.len() as u32;
        self.children.insert((parent, function), next);
        self.nodes.push((Some(function), parent, Cost::default()));
        Some(next)
    }

    /// What to know of a tree that has not all frames.
    pub(crate) fn notice(&self) -> Option<String> {
        let Self { max_nodes, n_cut, .. } = self;
        (*n_cut > 0).then(|| {
            format!(
                "the call tree has {max_nodes} nodes, no more are kept: {n_cut} stacks with further ones end at a caller there"
            )
        })
    }

    pub(crate) fn finish(self, lines: &Lines) -> StackTree {
        let mut names = vec![Arc::default()];
        let mut name_of = HashMap::new();
        let mut nodes = Vec::with_capacity(self.nodes.len());
        for (function, parent, own) in self.nodes {
            let name = function.map_or(0, |function| {
                *name_of.entry(function).or_insert_with(|| {
                    names.push(Arc::clone(lines.name(function)));
                    names.len() as u32 - 1
                })
            });
            nodes.push(StackNode { name, parent, own });
        }
        StackTree { names, nodes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_last_node_counts_for_its_caller() {
        let mut lines = Lines::default();
        let [main, put, get] = ["main.main", "main.put", "main.get"]
            .map(|name| lines.add_frame(name, "file.go", 1).function);
        let mut tree = StackBuilder { max_nodes: 3, ..StackBuilder::default() };
        let cost = |samples| Cost { samples, cpu_ns: samples * 10 };
        tree.add([main, put].into_iter(), cost(1));
        assert_eq!(tree.notice(), None);
        tree.add([main, get, put].into_iter(), cost(2));
        tree.add([main, put, put, put].into_iter(), cost(4));
        tree.add([get].into_iter(), cost(8));
        let expected = "the call tree has 3 nodes, no more are kept: 3 stacks with further ones end at a caller there";
        assert_eq!(tree.notice().as_deref(), Some(expected));
        let own: Vec<u64> = tree.finish(&lines).nodes.iter().map(|node| node.own.samples).collect();
        assert_eq!(own, [8, 2, 5]);
    }
}
