//! What machine code says of maps.

use std::collections::HashMap;

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
    uses: HashMap<LineId, LineUses>,
}

/// What the code of a line does with maps.
#[derive(Debug, Default)]
struct LineUses {
    maps: Vec<SiteMap>,
    holders: Vec<MapType>,
    made: Vec<MakeSite>,
    made_elsewhere: Vec<String>,
    written: Vec<LineId>,
    /// Names of types of maps that each call makes.
    new: Vec<String>,
    /// Names of possible types, each with a line that is not generic and means it.
    callers: Vec<(String, LineId)>,
}

/// How the map of an operation is related to others.
#[derive(Debug, Default)]
pub struct Related {
    /// Types of maps that hold it.
    pub holders: Vec<MapType>,
    /// Where it may have been made.
    pub made: Vec<MakeSite>,
    /// Whether it comes from there only, or out of a map that holds it.
    pub is_traced: bool,
    /// Where it is written to near a read.
    pub written: Vec<Frame>,
    /// Whether each call of the line's function makes it anew.
    pub is_new: bool,
    /// Names of possible types, each with a line that is not generic and leads to the operation being on that type.
    pub callers: Vec<(String, Frame)>,
}

impl CodeMaps {
    /// Of a binary with these types, of which no code was seen yet.
    pub fn of(types: Vec<MapType>) -> Self {
        Self { types, ..Self::default() }
    }

    /// Adds a map operation at a line. Several that are alike are one.
    pub fn add_use(&mut self, frame: &Frame, map: SiteMap, related: Related) {
        let callers = related.callers.iter();
        let callers: Vec<(String, LineId)> =
            callers.map(|(name, caller)| (name.clone(), self.lines.add(caller))).collect();
        let written: Vec<LineId> = related.written.iter().map(|of| self.lines.add(of)).collect();
        let at_line = self.uses.entry(self.lines.add(frame)).or_default();
        add_new(&mut at_line.callers, callers);
        add_new(&mut at_line.written, written);
        let name = map.known_type().map(|of| of.name.clone());
        add_new(&mut at_line.made_elsewhere, name.clone().filter(|_| !related.is_traced));
        add_new(&mut at_line.new, name.filter(|_| related.is_new));
        add_new(&mut at_line.maps, [map]);
        let holders = related.holders.into_iter().filter(|of| of.nested == Nested::Direct);
        add_new(&mut at_line.holders, holders);
        add_new(&mut at_line.made, related.made);
    }

    /// The maps used at a line.
    pub(super) fn uses(&self, frame: &Frame) -> &[SiteMap] {
        self.of_line(frame).map_or(&[], |uses| &uses.maps)
    }

    /// What is done with maps of each type that the code names. Sorted, each once.
    pub(super) fn ops(&self) -> Vec<CodeOp> {
        let maps = self.uses.values().flat_map(|uses| &uses.maps);
        let mut ops: Vec<CodeOp> = maps
            .filter_map(|map| {
                let map_type = map.known_type()?.name.clone();
                Some(CodeOp { map_type, op: map.op })
            })
            .collect();
        ops.sort();
        ops.dedup();
        ops
    }

    /// Says of a site what the code of its line does.
    pub(super) fn tell(&self, site: &mut Site) {
        let Some(uses) = self.of_line(&site.frame) else {
            site.maps = Some(Vec::new());
            return;
        };
        site.maps = Some(uses.maps.clone());
        (site.holders, site.made) = (uses.holders.clone(), uses.made.clone());
        site.made_elsewhere.clone_from(&uses.made_elsewhere);
        site.written_at = uses.written.iter().map(|&line| self.lines.frame(line)).collect();
        site.new_maps.clone_from(&uses.new);
        self.narrow(site, uses);
    }

    /// Leaves out types that no caller means which samples came from; one that is left is the type, as far as was sampled.
    fn narrow(&self, site: &mut Site, uses: &LineUses) {
        let Some(maps) = &mut site.maps else { return };
        let callers = site.generic_callers.iter().map(|caller| self.lines.find(caller));
        let Some(callers) = callers.collect::<Option<Vec<LineId>>>() else { return };
        let is_told = |caller: &LineId| uses.callers.iter().any(|(_, of)| of == caller);
        if callers.is_empty() || !callers.iter().all(is_told) {
            return;
        }
        let is_meant = |map: &SiteMap| {
            let name = map.map_type.as_ref().map_or("", |of| &*of.name);
            uses.callers.iter().any(|(of, caller)| of == name && callers.contains(caller))
        };
        let of_op = |op, callee: &str| {
            let is_alike = |map: &&SiteMap| map.op == op && map.callee == callee;
            maps.iter().filter(is_alike).filter(|map| is_meant(map)).count()
        };
        let narrowed = maps.iter().filter_map(|map| {
            let n_meant = of_op(map.op, &map.callee);
            let is_left = !map.is_possible || n_meant == 0 || is_meant(map);
            let is_possible = map.is_possible && n_meant != 1;
            is_left.then(|| SiteMap { is_possible, ..map.clone() })
        });
        *maps = narrowed.collect();
    }

    fn of_line(&self, frame: &Frame) -> Option<&LineUses> {
        self.uses.get(&self.lines.find(frame)?)
    }
}

fn add_new<T: PartialEq>(to: &mut Vec<T>, new: impl IntoIterator<Item = T>) {
    for one in new {
        if !to.contains(&one) {
            to.push(one);
        }
    }
}

/// Whether a map is made or written by one of these.
pub(super) fn allocates(maps: &[SiteMap]) -> bool {
    maps.iter().any(|map| matches!(map.op, MapOp::Assign | MapOp::Make | MapOp::Clone))
}
