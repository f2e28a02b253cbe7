//! What machine code says of maps.

use std::collections::HashMap;
use std::sync::Arc;

use goabi::{MapOp, Nested};

use crate::{CodeOp, Frame, LineId, LineTable, MakeSite, MapType, Site, SiteMap};

/// What the binary says of maps, of all lines of the program.
#[derive(Debug, Default)]
pub struct CodeMaps {
    /// Every map type, by name.
    pub types: Vec<MapType>,
    /// Places at which maps are made.
    pub makes: Vec<MakeSite>,
    lines: LineTable,
    uses: HashMap<LineId, Vec<SiteMap>>,
    holders: Vec<Holder>,
}

/// A function that assigns to maps of maps.
#[derive(Debug)]
struct Holder {
    function: Arc<str>,
    /// Whether the assignment is in its own source, not in that of a function inlined into it.
    is_own: bool,
    map_type: MapType,
}

impl CodeMaps {
    /// Of a binary with these types, of which no code was seen yet.
    pub fn of(types: Vec<MapType>) -> Self {
        Self { types, ..Self::default() }
    }

    /// Adds a map operation at a line. Several that are alike are one.
    pub fn add_use(&mut self, frame: &Frame, map: SiteMap) {
        let at_line = self.uses.entry(self.lines.add(frame)).or_default();
        if !at_line.contains(&map) {
            at_line.push(map);
        }
    }

    /// Adds an assignment to a map, in these functions of the user: that in whose source it is, then those that it was
    /// inlined into.
    pub fn add_assign(&mut self, functions: impl Iterator<Item = Arc<str>>, map_type: &MapType) {
        if map_type.nested != Nested::Direct {
            return;
        }
        self.holders.extend(functions.enumerate().map(|(index, function)| Holder {
            function,
            is_own: index == 0,
            map_type: map_type.clone(),
        }));
    }

    /// The maps used at a line.
    pub(super) fn uses(&self, frame: &Frame) -> &[SiteMap] {
        let maps = self.lines.find(frame).and_then(|line| self.uses.get(&line));
        maps.map_or(&[], |maps| maps)
    }

    /// What is done with maps of each type that the code names. Sorted, each once.
    pub(super) fn ops(&self) -> Vec<CodeOp> {
        let maps = self.uses.values().flatten();
        let mut ops: Vec<CodeOp> = maps
            .filter_map(|map| {
                let map_type = map.map_type.as_ref().ok()?.name.clone();
                Some(CodeOp { map_type, op: map.op })
            })
            .collect();
        ops.sort();
        ops.dedup();
        ops
    }

    /// Maps of maps that the function of a line assigns to, or one that it was inlined into.
    pub(super) fn holders_of(&self, site: &Site) -> Vec<MapType> {
        let around =
            |function: &str| site.inlined_into.iter().any(|outer| *outer.function == *function);
        let is_near = |holder: &&Holder| {
            holder.function == site.frame.function || (holder.is_own && around(&holder.function))
        };
        let mut types: Vec<MapType> = Vec::new();
        for holder in self.holders.iter().filter(is_near) {
            if !types.contains(&holder.map_type) {
                types.push(holder.map_type.clone());
            }
        }
        types
    }
}

/// Whether a map is made or written by one of these.
pub(super) fn allocates(maps: &[SiteMap]) -> bool {
    maps.iter().any(|map| matches!(map.op, MapOp::Assign | MapOp::Make | MapOp::Clone))
}
