//! Call tree of samples, for flame graphs.

use std::collections::HashMap;
use std::sync::Arc;

use evidence::{Cost, FunctionId, StackNode, StackTree};

use crate::lines::Lines;

/// Grows a call tree sample by sample.
#[derive(Debug)]
pub(crate) struct StackBuilder {
    /// Function, parent and own cost; entry 0 is the root, which has no function.
    nodes: Vec<(Option<FunctionId>, u32, Cost)>,
    children: HashMap<(u32, FunctionId), u32>,
}

impl Default for StackBuilder {
    fn default() -> Self {
        Self { nodes: vec![(None, 0, Cost::default())], children: HashMap::new() }
    }
}

impl StackBuilder {
    /// Adds a stack, root first.
    pub(crate) fn add(&mut self, stack: impl Iterator<Item = FunctionId>, cost: Cost) {
        let mut at = 0;
        for function in stack {
            let next = self.nodes.len() as u32;
            let child = *self.children.entry((at, function)).or_insert(next);
            if child == next {
                self.nodes.push((Some(function), at, Cost::default()));
            }
            at = child;
        }
        self.nodes[at as usize].2 += cost;
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
