//! `mapscope scan --json`.

use std::io::{self, Write};

use diagnosis::binary;
use evidence::Frame;
use goabi::{MapImpl, MapOp};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Key, MapType};

const SCHEMA: &str = "mapscope.scan/1";

/// Writes the whole scan as JSON; documented in docs/json.md.
///
/// # Errors
/// When `out` fails.
pub fn render_scan_json(out: &mut dyn Write, scan: &binary::Scan) -> io::Result<()> {
    super::write(out, &Scan::from(scan))
}

/// The map types of a Go executable, and the lines that write to maps.
#[derive(Serialize, JsonSchema)]
pub(super) struct Scan<'d> {
    /// Name and version of this shape.
    #[schemars(extend("const" = SCHEMA))]
    schema: &'static str,
    /// The executable as given.
    binary: &'d str,
    /// Release of Go that it was built with.
    go_version: &'d str,
    /// Architecture in Go's words.
    arch: &'static str,
    /// How its maps are implemented; null when the release is not known.
    map_impl: Option<Key<MapImpl>>,
    /// Number of functions.
    n_functions: u64,
    /// Nested types first.
    map_types: Vec<ScannedType<'d>>,
    /// Lines that write to maps.
    write_sites: Vec<ScannedSite<'d>>,
    /// What could not be read of it.
    faults: &'d [String],
}

impl<'d> From<&'d binary::Scan> for Scan<'d> {
    fn from(scan: &'d binary::Scan) -> Self {
        Self {
            schema: SCHEMA,
            binary: &scan.binary,
            go_version: &scan.go_version,
            arch: scan.arch,
            map_impl: scan.map_impl.map(Key),
            n_functions: scan.n_functions,
            map_types: super::each(&scan.map_types),
            write_sites: super::each(&scan.write_sites),
            faults: &scan.faults,
        }
    }
}

/// A map type and how many lines write to such maps.
#[derive(Serialize, JsonSchema)]
struct ScannedType<'d> {
    /// The type.
    #[serde(flatten)]
    map_type: MapType<'d>,
    /// Lines that write to such maps.
    n_write_sites: u64,
}

impl<'d> From<&'d binary::ScannedType> for ScannedType<'d> {
    fn from(of: &'d binary::ScannedType) -> Self {
        Self { map_type: (&of.map_type).into(), n_write_sites: of.n_write_sites }
    }
}

/// A line that writes to a map.
#[derive(Serialize, JsonSchema)]
struct ScannedSite<'d> {
    /// What it does.
    op: Key<MapOp>,
    /// The runtime's function.
    callee: &'d str,
    /// Go's name of the map's type; null when it is not known.
    map_type: Option<&'d str>,
    /// Why the type is not known; null when it is.
    unknown_because: Option<&'d str>,
    /// The line, and those that it was inlined into, innermost first.
    frames: &'d [Frame],
}

impl<'d> From<&'d binary::ScannedSite> for ScannedSite<'d> {
    fn from(site: &'d binary::ScannedSite) -> Self {
        Self {
            op: Key(site.op),
            callee: &site.callee,
            map_type: site.map_type.as_deref().ok(),
            unknown_because: site.map_type.as_ref().err().map(String::as_str),
            frames: &site.frames,
        }
    }
}
