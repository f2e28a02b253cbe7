//! The maps of a binary, without any profile.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use diagnosis::binary::{Scan, ScannedSite, ScannedType};
use evidence::printable;
use goabi::Nested;
use gobin::{Binary, MapSite};
use gomap::classify_function;

use crate::binary::{FrameNames, map_type, unknown_release};
use crate::error::Error;
use crate::open::{ELF, HEAD, read_executable};
use crate::regular::open_patiently;
use crate::server::shown;
use crate::stranger;

/// All bytes of an executable.
pub(crate) fn read(name: &str) -> Result<Vec<u8>, Error> {
    let io_error = |source| Error::Io { name: shown(name).into_owned(), source };
    let mut file = open_patiently(Path::new(name)).map_err(io_error)?;
    // A device may have no end.
    let mut head = Vec::with_capacity(HEAD);
    (&mut file).take(HEAD as u64).read_to_end(&mut head).map_err(io_error)?;
    if head.starts_with(ELF) {
        return read_executable(name, head.chain(file));
    }
    let what = stranger::name(&head).unwrap_or_else(|| "this is not an ELF executable".to_owned());
    Err(Error::NotRecognised { name: shown(name).into_owned(), what })
}

pub(crate) fn parse<'a>(name: &str, bytes: &'a [u8]) -> Result<gobin::Parsed<Binary<'a>>, Error> {
    Binary::parse(bytes).map_err(|source| Error::Binary { name: shown(name).into_owned(), source })
}

/// What could not be read, and what to know of the release.
pub(crate) fn faults(parsed: &gobin::Parsed<Binary<'_>>) -> Vec<String> {
    let unreadable = parsed.faults.iter().map(ToString::to_string);
    unreadable.chain(unknown_release(&parsed.value)).collect()
}

/// Lists the map types of a binary and the calls that write maps. Calls inside the runtime itself are left out: they
/// belong to the user's call that led there.
///
/// # Errors
/// When the file cannot be read or is no Go executable.
pub fn scan(name: &str) -> Result<Scan, Error> {
    let bytes = read(name)?;
    let parsed = parse(name, &bytes)?;
    let mut faults = faults(&parsed);
    let binary = parsed.value;
    let types = match binary.map_types() {
        Ok(types) => {
            faults.extend(types.faults.iter().map(ToString::to_string));
            types.value
        }
        Err(error) => {
            faults.push(format!("map types were not read: {error}"));
            Vec::new()
        }
    };
    let mut types: HashMap<_, _> = types.into_iter().map(|t| (t.addr, t)).collect();
    let sites: Vec<MapSite<'_>> = binary.map_sites().into_iter().filter(is_user_write).collect();
    let mut n_writes: HashMap<_, u64> = HashMap::new();
    for addr in sites.iter().filter_map(|site| site.map_type.as_ref().ok()) {
        *n_writes.entry(*addr).or_default() += 1;
        // Types that only the code refers to are not in the runtime's list.
        if let (false, Some(t)) = (types.contains_key(addr), binary.map_type_at(*addr)) {
            types.insert(*addr, t);
        }
    }
    let mut names = FrameNames::default();
    let mut write_sites: Vec<_> =
        sites.iter().map(|site| scanned_site(site, &types, &mut names)).collect();
    write_sites.sort_by(|a, b| a.frames.iter().map(key).cmp(b.frames.iter().map(key)));
    let scanned = |t: &gobin::MapType| ScannedType {
        map_type: map_type(t),
        n_write_sites: n_writes.get(&t.addr).copied().unwrap_or(0),
    };
    let mut map_types: Vec<_> = types.values().map(scanned).collect();
    map_types.sort_by(|a, b| rank(a).cmp(&rank(b)));
    Ok(Scan {
        binary: shown(name).into_owned(),
        go_version: version_text(&binary),
        arch: binary.arch().go_name(),
        map_impl: binary.map_impl(),
        n_functions: binary.functions().len() as u64,
        map_types,
        write_sites,
        faults,
    })
}

fn is_user_write(site: &MapSite<'_>) -> bool {
    let is_users = |frame: &gobin::Frame<'_>| !classify_function(frame.function).is_runtime();
    site.op.is_write() && site.frames.iter().any(is_users)
}

fn scanned_site<'b>(
    site: &MapSite<'b>,
    types: &HashMap<gobin::LinkAddr, gobin::MapType>,
    names: &mut FrameNames<'b>,
) -> ScannedSite {
    let name = |addr| {
        types.get(&addr).map(|t| printable(&t.name)).ok_or("type descriptor unreadable".to_owned())
    };
    ScannedSite {
        frames: site.frames.iter().map(|frame| names.frame(frame)).collect(),
        op: site.op,
        callee: site.callee.to_owned(),
        map_type: site.map_type.map_err(|why| why.to_string()).and_then(name),
    }
}

fn key(frame: &evidence::Frame) -> (&str, u32) {
    (&frame.function, frame.line)
}

/// Nested ones first, then those written in most places.
fn rank(t: &ScannedType) -> (u8, std::cmp::Reverse<u64>, &str) {
    let nested = match t.map_type.nested {
        Nested::Direct => 0,
        Nested::Reaches => 1,
        Nested::No => 2,
    };
    (nested, std::cmp::Reverse(t.n_write_sites), &t.map_type.name)
}

/// "go1.27.3", or the versions that the structures of the file allow.
pub(crate) fn version_text(binary: &Binary<'_>) -> String {
    if let Some(info) = binary.build_info() {
        return printable(&info.go_version);
    }
    match (binary.go_version(), binary.releases()) {
        (Some(version), _) => format!("{version} (told by its structures)"),
        (None, Some(releases)) => {
            format!("go1.{} to go1.{} (told by its structures)", releases.min(), releases.max())
        }
        (None, None) => "Go version unknown".to_owned(),
    }
}
