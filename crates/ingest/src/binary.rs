//! The binary: map types for the sites that profiles found.

use std::collections::HashMap;
use std::sync::Arc;

use evidence::words::plural;
use evidence::{
    CodeMaps, Frame, MakeSite, MapType, OfSource, SiteMap, Stated, TypePart, printable,
};
use goabi::{Kind, MapOp, Release};
use gobin::{Basis, Binary};
use gomap::classify_function;

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
    let listed: HashMap<_, _> = types.iter().map(|t| (t.addr, map_type(t))).collect();
    // Types that only the code refers to are not in the runtime's list.
    let find = |addr| {
        listed.get(&addr).cloned().or_else(|| binary.map_type_at(addr).map(|t| map_type(&t)))
    };
    let mut code = CodeMaps::of(types.iter().map(map_type).collect());
    let mut names = FrameNames::default();
    for site in binary.map_sites() {
        let of_user =
            || site.frames.iter().filter(|frame| !classify_function(frame.function).is_runtime());
        let Some(user) = of_user().next() else { continue };
        let frame = names.frame(user);
        let map_type = match site.map_type {
            Ok(addr) => find(addr).ok_or_else(|| "type descriptor unreadable".to_owned()),
            Err(unknown) => Err(unknown.to_string()),
        };
        if site.op == MapOp::Make {
            let map_type = map_type.as_ref().ok().map(|t| t.name.clone());
            code.makes.push(MakeSite { frame: frame.clone(), map_type });
        }
        if let (MapOp::Assign, Ok(map_type)) = (site.op, &map_type) {
            code.add_assign(of_user().map(|frame| names.name(frame.function)), map_type);
        }
        code.add_use(&frame, SiteMap { op: site.op, callee: site.callee.to_owned(), map_type });
    }
    code
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
