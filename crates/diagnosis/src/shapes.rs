//! Map types as the growth model takes them.

use goabi::{GoVersion, MapImpl};
use gomap::{MapShape, SlotPart};

use evidence::{Evidence, MapType};

/// The map implementation and the version of the program; `None` unless both are said.
fn program(evidence: &Evidence) -> Option<(MapImpl, GoVersion)> {
    let program = &evidence.program;
    Some((program.map_impl?.0, program.go_version?.0))
}

/// The shape of a map type of the binary.
pub(crate) fn of_type(evidence: &Evidence, map_type: &MapType) -> Option<MapShape> {
    let (map_impl, version) = program(evidence)?;
    let part = |size, has_pointers| SlotPart { size, has_pointers };
    let parts = [&map_type.key, &map_type.elem].map(|of| part(of.size, of.has_pointers));
    MapShape::of_sizes(map_impl, version, parts, map_type.group_bytes)
}

/// The shape of a type by its name: without a binary only types that need no declaration have one.
pub(crate) fn by_name(evidence: &Evidence, name: &str) -> Option<MapShape> {
    match in_binary(evidence, name) {
        Some(map_type) => of_type(evidence, map_type),
        None => of_written(evidence, &name.parse().ok()?),
    }
}

/// The shape of a type that is written out.
pub(crate) fn of_written(evidence: &Evidence, map: &gomap::MapType) -> Option<MapShape> {
    let (map_impl, version) = program(evidence)?;
    MapShape::with_impl(map_impl, version, map)
}

/// The type of this name in the binary.
pub(crate) fn in_binary<'e>(evidence: &'e Evidence, name: &str) -> Option<&'e MapType> {
    evidence.map_types.iter().find(|map_type| map_type.name == name)
}

/// A map type written out, as far as its parts need no declaration.
pub(crate) fn written(evidence: &Evidence, name: &str) -> Option<gomap::MapType> {
    let by_parts = || {
        let MapType { key, elem, .. } = in_binary(evidence, name)?;
        format!("map[{}]{}", key.name, elem.name).parse().ok()
    };
    name.parse().ok().or_else(by_parts)
}
