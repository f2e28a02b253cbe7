//! The binary: map types for the sites that profiles found.

use std::collections::HashMap;
use std::sync::Arc;

use evidence::words::plural;
use evidence::{
    CodeMaps, Frame, MakeSite, MapType, OfSource, Related, SiteMap, Stated, TypePart, printable,
};
use goabi::{Kind, MapOp, Release};
use gobin::{Basis, Binary, BuildInfo, LinkAddr, MapSite};
use gomap::classify_function;

use crate::callers::is_generic;

/// Looks at every call of a map function in the machine code; `None` when the types of maps cannot be read.
pub(crate) fn code_maps(binary: &Binary<'_>, source: &mut OfSource<'_>) -> Option<CodeMaps> {
    if let Some(text) = unknown_release(binary) {
        source.notice(&text);
    }
    match binary.map_types() {
        Ok(types) => {
            crate::add_faults(source, &types.faults);
            Some(maps_of(binary, &types.value))
        }
        Err(error) => {
            source.notice(&format!("map types cannot be read: {error}"));
            None
        }
    }
}

fn maps_of(binary: &Binary<'_>, types: &[gobin::MapType]) -> CodeMaps {
    let mut reader = CodeReader {
        binary,
        listed: types.iter().map(|t| (t.addr, map_type(t))).collect(),
        names: FrameNames::default(),
    };
    let mut code = CodeMaps::of(types.iter().map(map_type).collect());
    let sites = binary.map_sites();
    let makes = sites.iter().filter(|site| site.op == MapOp::Make);
    let makes: HashMap<LinkAddr, MakeSite> =
        makes.filter_map(|site| Some((site.addr, reader.make(site)?))).collect();
    let writes = sites.iter().filter(|site| site.op == MapOp::Assign);
    let writes: HashMap<LinkAddr, Frame> =
        writes.filter_map(|site| Some((site.addr, reader.user_frame(site)?))).collect();
    for site in &sites {
        let Some(frame) = reader.user_frame(site) else { continue };
        code.makes.extend(makes.get(&site.addr).cloned());
        for map in reader.maps(site) {
            let made = site.made_at.iter().filter_map(|addr| makes.get(addr).cloned());
            let made: Vec<MakeSite> = made.collect();
            // What was inlined may use a map that its caller made.
            let are_here = made.iter().all(|make| make.frame.function == frame.function);
            let related = Related {
                callers: reader.callers(site),
                holders: site.held_by.iter().filter_map(|&addr| reader.find(addr)).collect(),
                is_new: site.op != MapOp::Make && site.is_new && are_here && !made.is_empty(),
                is_traced: site.is_traced,
                written: site.written_at.iter().filter_map(|at| writes.get(at).cloned()).collect(),
                made,
            };
            code.add_use(&frame, map, related);
        }
    }
    code
}

/// Machine code in the words of the evidence.
struct CodeReader<'b> {
    binary: &'b Binary<'b>,
    /// The runtime's list of types.
    listed: HashMap<LinkAddr, MapType>,
    names: FrameNames<'b>,
}

impl<'b> CodeReader<'b> {
    /// The line of the user that a call is at.
    fn user_frame(&mut self, site: &MapSite<'b>) -> Option<Frame> {
        let is_users = |frame: &&gobin::Frame<'_>| !classify_function(frame.function).is_runtime();
        Some(self.names.frame(site.frames.iter().find(is_users)?))
    }

    /// The map type at an address. Types that only the code refers to are not in the runtime's list.
    fn find(&self, addr: LinkAddr) -> Option<MapType> {
        let listed = self.listed.get(&addr).cloned();
        listed.or_else(|| self.binary.map_type_at(addr).map(|t| map_type(&t)))
    }

    /// The types that generic code may be called with, each with a line, in code that is not generic, that calls it so.
    fn callers(&mut self, site: &MapSite<'b>) -> Vec<(String, Frame)> {
        let mut callers = Vec::new();
        for possible in &site.possible_types {
            let Some(map_type) = self.find(possible.map_type) else { continue };
            for &call in &possible.called_at {
                let frames = self.binary.frames(call);
                let caller = frames.iter().find(|frame| !is_generic(frame.function));
                callers
                    .extend(caller.map(|frame| (map_type.name.clone(), self.names.frame(frame))));
            }
        }
        callers
    }

    fn make(&mut self, site: &MapSite<'b>) -> Option<MakeSite> {
        Some(MakeSite {
            frame: self.user_frame(site)?,
            map_type: site.map_type.ok().and_then(|addr| self.find(addr)).map(|t| t.name),
            // A constant hint of 8 and less is none for the runtime.
            has_hint: site.callee.starts_with("runtime.makemap")
                && site.callee != "runtime.makemap_small",
            is_local: site.is_in_frame,
        })
    }

    /// The map of a call; several where generic code does not tell which of them it is.
    fn maps(&self, site: &MapSite<'b>) -> Vec<SiteMap> {
        let map = |map_type, is_possible| SiteMap {
            op: site.op,
            callee: site.callee.to_owned(),
            map_type,
            is_possible,
        };
        let unreadable = || "type descriptor unreadable".to_owned();
        let possible = site.possible_types.iter().filter_map(|of| self.find(of.map_type));
        let possible: Vec<SiteMap> = possible.map(|map_type| map(Ok(map_type), true)).collect();
        match site.map_type {
            Ok(addr) => vec![map(self.find(addr).ok_or_else(unreadable), false)],
            Err(_) if !possible.is_empty() => possible,
            Err(unknown) => vec![map(Err(unknown.to_string()), false)],
        }
    }
}

/// Names of a binary as they are shown. Each is kept once, however many frames have it.
#[derive(Debug, Default)]
pub(crate) struct FrameNames<'b>(HashMap<&'b str, Arc<str>>);

impl<'b> FrameNames<'b> {
    pub(crate) fn frame(&mut self, frame: &gobin::Frame<'b>) -> Frame {
        let (function, file) = (self.name(frame.function), self.name(frame.file));
        Frame { function, file, line: frame.line }
    }

    fn name(&mut self, name: &'b str) -> Arc<str> {
        let shown = self.0.entry(name).or_insert_with(|| printable(name).into());
        Arc::clone(shown)
    }
}

/// What the binary says about itself.
pub(crate) fn stated(binary: &Binary<'_>) -> Stated {
    Stated {
        name: None,
        build_id: binary.gnu_build_id(),
        go_version: binary.go_version(),
        map_impl: binary.map_impl(),
        arch: Some(binary.arch().go_name()),
    }
}

/// Path of the program's module; `None` where it is not recorded.
pub(crate) fn main_module(info: &BuildInfo) -> Option<&str> {
    info.main_module.split(' ').next().filter(|path| !path.is_empty())
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
