//! Which line grows the maps that stand in those of another line.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::NotFlattened;
use crate::rewrites::RecordedMaps;
use evidence::{Evidence, Frame, MapType, Site};
use goabi::Nested;

/// What is asked of maps of one type that grow at a line.
pub(super) struct TypeAtLine {
    function: Arc<str>,
    map_type: String,
    /// Name of the element type, where it is a map.
    pub(super) elem_map: Option<String>,
    /// Whether the machine code takes such maps out of others at this line, or puts them there.
    pub(super) has_holder: bool,
}

impl TypeAtLine {
    /// Of each of these. Order: the same. Complexity: O(evidence + maps).
    pub(super) fn all(evidence: &Evidence, all: &[RecordedMaps]) -> Vec<Self> {
        let sites = evidence.sites.iter().rev();
        let sites: HashMap<&Frame, &Site> = sites.map(|site| (&site.frame, site)).collect();
        let types = evidence.map_types.iter().rev();
        let types: HashMap<&str, &MapType> = types.map(|of| (&*of.name, of)).collect();
        let of = |maps: &RecordedMaps| {
            let map_type = maps.growth.map_type.clone();
            let mut holders = sites.get(&maps.frame).into_iter().flat_map(|site| &site.holders);
            Self {
                function: Arc::clone(&maps.frame.function),
                elem_map: elem_map(types.get(&*map_type).copied(), &map_type),
                has_holder: holders.any(|of| of.elem.name == map_type),
                map_type,
            }
        };
        all.iter().map(of).collect()
    }
}

/// The element type of a type by its name, when it is a map.
fn elem_map(in_binary: Option<&MapType>, name: &str) -> Option<String> {
    if let Some(map_type) = in_binary {
        return (map_type.nested == Nested::Direct).then(|| map_type.elem.name.clone());
    }
    let rest = name.strip_prefix("map[")?;
    let mut depth = 1;
    let end = rest.find(|c| {
        depth += i32::from(c == '[') - i32::from(c == ']');
        depth == 0
    })?;
    let elem = &rest[end + 1..];
    elem.starts_with("map[").then(|| elem.to_owned())
}

/// Lines by what grows there. Each question about a line takes O(1): there may be as many lines as a recording has room for.
#[derive(Default)]
pub(super) struct Lines<'t> {
    /// By function and type.
    near: HashMap<(&'t str, &'t str), Both>,
    /// By type, of lines that may belong together though they are in several functions.
    far: HashMap<&'t str, Both>,
    /// Types that grow at all.
    grow: HashSet<&'t str>,
}

/// Lines that grow maps of a type, and that grow maps of such maps.
#[derive(Default)]
struct Both {
    inner: Found,
    outer: Found,
}

/// How many lines, and the first of them.
#[derive(Default)]
struct Found {
    n: usize,
    first: usize,
}

impl Found {
    fn add(&mut self, line: usize) {
        if self.n == 0 {
            self.first = line;
        }
        self.n += 1;
    }
}

impl<'t> Lines<'t> {
    pub(super) fn of(types: &'t [TypeAtLine]) -> Self {
        let mut lines = Self::default();
        for (line, of) in types.iter().enumerate() {
            lines.grow.insert(&of.map_type);
            lines.near.entry((&of.function, &of.map_type)).or_default().inner.add(line);
            if let Some(elem) = &of.elem_map {
                lines.near.entry((&of.function, elem)).or_default().outer.add(line);
            }
        }
        for (line, of) in types.iter().enumerate() {
            lines.add_far(line, of);
        }
        lines
    }

    fn add_far(&mut self, line: usize, of: &'t TypeAtLine) {
        let is_known = of.elem_map.is_some() || of.has_holder;
        if is_known && !self.has_both_near(of, &of.map_type) {
            self.far.entry(&of.map_type).or_default().inner.add(line);
        }
        if let Some(elem) = of.elem_map.as_ref().filter(|elem| !self.has_both_near(of, elem)) {
            self.far.entry(elem).or_default().outer.add(line);
        }
    }

    /// Whether lines of this function grow maps of a type and maps of such maps: these belong together already.
    fn has_both_near(&self, of: &TypeAtLine, inner: &str) -> bool {
        let near = self.near.get(&(&*of.function, inner));
        near.is_some_and(|near| near.inner.n > 0 && near.outer.n > 0)
    }

    /// Whether maps that hold these grow in the same function.
    pub(super) fn has_outer_near(&self, of: &TypeAtLine) -> bool {
        self.near.get(&(&*of.function, &*of.map_type)).is_some_and(|near| near.outer.n > 0)
    }

    /// The line at which the maps in these grow; `None` when they grow nowhere.
    pub(super) fn inner_of(
        &self,
        outer: &TypeAtLine,
        elem: &str,
    ) -> Result<Option<usize>, NotFlattened> {
        if !self.grow.contains(elem) {
            return Ok(None);
        }
        let near = self.near.get(&(&*outer.function, elem)).filter(|near| near.inner.n > 0);
        let Some(Both { inner, outer }) = near.or_else(|| self.far.get(elem)) else {
            return Err(NotFlattened::OtherFunctions);
        };
        match (outer.n, inner.n) {
            (1, 1) => Ok(Some(inner.first)),
            (_, 0) => Err(NotFlattened::OtherFunctions),
            _ => Err(NotFlattened::SeveralLines),
        }
    }
}

#[cfg(test)]
mod tests;
