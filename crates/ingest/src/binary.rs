//! The binary: map types for the sites that profiles found.

use std::collections::{HashMap, HashSet};

use evidence::Evidence;
use evidence::words::plural;
use evidence::{Frame, MakeSite, MapType, Notice, Site, SiteMap, SourceId, TypePart};
use goabi::{Kind, MapOp, Nested, Release};
use gobin::{Basis, Binary};
use gomap::classify_function;

use crate::printable::printable;

/// Line of a function; files are left out because `-trimpath` changes them.
type Place = (String, u32);

/// What the binary says about the places at which maps are used.
#[derive(Debug)]
pub(crate) struct BinaryFacts {
    maps: HashMap<Place, Vec<SiteMap>>,
    makes: Vec<MakeSite>,
    holders: Vec<Holder>,
    map_types: Vec<MapType>,
    types_readable: bool,
}

/// A function that assigns to maps of maps.
#[derive(Debug)]
struct Holder {
    function: String,
    /// Whether the assignment is in its own source, not in that of a function inlined into it.
    is_own: bool,
    map_type: MapType,
}

impl BinaryFacts {
    /// Looks at every call of a map function in the machine code.
    pub(crate) fn read(binary: &Binary<'_>, source: SourceId, evidence: &mut Evidence) -> Self {
        let mut facts = Self {
            maps: HashMap::new(),
            makes: Vec::new(),
            holders: Vec::new(),
            map_types: Vec::new(),
            types_readable: false,
        };
        if let Some(text) = unknown_release(binary) {
            evidence.notices.push(Notice { source: Some(source), text });
        }
        match binary.map_types() {
            Ok(types) => {
                crate::add_faults(evidence, source, &types.faults);
                facts.add_sites(binary, &types.value);
                facts.map_types = types.value.iter().map(map_type).collect();
                facts.types_readable = true;
            }
            Err(error) => {
                let text = format!("map types cannot be read: {error}");
                evidence.notices.push(Notice { source: Some(source), text });
            }
        }
        facts
    }

    fn add_sites(&mut self, binary: &Binary<'_>, types: &[gobin::MapType]) {
        let listed: HashMap<_, _> = types.iter().map(|t| (t.addr, map_type(t))).collect();
        // Types that only the code refers to are not in the runtime's list.
        let find = |addr| {
            listed.get(&addr).cloned().or_else(|| binary.map_type_at(addr).map(|t| map_type(&t)))
        };
        for site in binary.map_sites() {
            let user =
                site.frames.iter().find(|frame| !classify_function(frame.function).is_runtime());
            let Some(user) = user else { continue };
            let map_type = match site.map_type {
                Ok(addr) => find(addr).ok_or_else(|| "type descriptor unreadable".to_owned()),
                Err(unknown) => Err(unknown.to_string()),
            };
            if site.op == MapOp::Make {
                let frame = owned_frame(user);
                let map_type = map_type.as_ref().ok().map(|t| t.name.clone());
                self.makes.push(MakeSite { frame, map_type });
            }
            if let (MapOp::Assign, Ok(map_type)) = (site.op, &map_type) {
                self.add_holder(&site.frames, map_type);
            }
            let map = SiteMap { op: site.op, callee: site.callee.to_owned(), map_type };
            let at_place = self.maps.entry((printable(user.function), user.line)).or_default();
            if !at_place.contains(&map) {
                at_place.push(map);
            }
        }
    }

    fn add_holder(&mut self, frames: &[gobin::Frame<'_>], map_type: &MapType) {
        if map_type.nested != Nested::Direct {
            return;
        }
        let of_user = frames.iter().filter(|frame| !classify_function(frame.function).is_runtime());
        self.holders.extend(of_user.enumerate().map(|(index, frame)| Holder {
            function: printable(frame.function),
            is_own: index == 0,
            map_type: map_type.clone(),
        }));
    }

    /// Maps of maps that the function of a line assigns to, or one that it was inlined into.
    fn holders_of(&self, site: &Site) -> Vec<MapType> {
        let around =
            |function: &str| site.inlined_into.iter().any(|outer| outer.function == function);
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

    /// Whether a map is made or written at this line.
    pub(crate) fn allocates_map_at(&self, function: &str, line: u32) -> bool {
        let ops = [MapOp::Assign, MapOp::Make, MapOp::Clone];
        self.maps
            .get(&(function.to_owned(), line))
            .is_some_and(|maps| maps.iter().any(|map| ops.contains(&map.op)))
    }

    /// Gives each site the maps used there, and the evidence the types and the lines that make maps.
    pub(crate) fn attach(self, evidence: &mut Evidence) {
        if !self.types_readable {
            return;
        }
        for site in &mut evidence.sites {
            site.holders = self.holders_of(site);
        }
        let Self { mut maps, makes, map_types, .. } = self;
        for site in &mut evidence.sites {
            let place = (site.frame.function.clone(), site.frame.line);
            site.maps = Some(maps.remove(&place).unwrap_or_default());
        }
        let functions: HashSet<_> =
            evidence.sites.iter().map(|site| &site.frame.function).collect();
        evidence.makes =
            makes.into_iter().filter(|make| functions.contains(&make.frame.function)).collect();
        evidence.map_types = map_types;
    }
}

pub(crate) fn owned_frame(frame: &gobin::Frame<'_>) -> Frame {
    Frame { function: printable(frame.function), file: printable(frame.file), line: frame.line }
}

/// Copies what the binary says about itself.
pub(crate) fn describe(binary: &Binary<'_>, source: SourceId, evidence: &mut Evidence) {
    let program = &mut evidence.program;
    program.build_id = binary.gnu_build_id().or(program.build_id.take());
    program.arch = Some(binary.arch().go_name());
    program.go_version = binary.go_version().map(|version| (version, source));
    if let Some(map_impl) = binary.map_impl() {
        program.map_impl = Some((map_impl, source));
    }
}

/// What to know of a binary whose build info names a release that is not known.
pub(crate) fn unknown_release(binary: &Binary<'_>) -> Option<String> {
    let stated = printable(&binary.build_info()?.go_version);
    let known = Release::known_text();
    match binary.releases() {
        Some(releases) if releases.basis() == Basis::Likeness => Some(format!(
            "built by {stated}, which is not a release that is known ({known} are): types and lines are read as those of \
             go1.{}, which this binary resembles, and whose checks it passes; how its maps grow is not known",
            releases.max()
        )),
        Some(_) => None,
        None => Some(format!(
            "built by {stated}, which is not a release that is known ({known} are), and is not laid out like one: map types, \
             inlined functions and how its maps grow are left out"
        )),
    }
}

/// "Go executable, go1.27.3, amd64, 1,843 functions".
pub(crate) fn summary(binary: &Binary<'_>) -> String {
    let version = crate::scan::version_text(binary);
    format!(
        "Go executable, {version}, {}, {} {}",
        binary.arch().go_name(),
        binary.functions().len(),
        plural(binary.functions().len() as u64, "function")
    )
}

pub(crate) fn map_type(t: &gobin::MapType) -> MapType {
    MapType {
        name: printable(&t.name),
        key: type_part(&t.key),
        elem: type_part(&t.elem),
        nested: t.nested,
        group_bytes: t.group_bytes,
    }
}

fn type_part(t: &gobin::TypeDesc) -> TypePart {
    TypePart {
        name: printable(&t.name),
        size: t.size,
        has_pointers: t.has_pointers,
        is_interface: t.kind == Kind::Interface,
    }
}
