//! The bundled captures, and the programs that they are of. Paths are texts, as arguments are.

use std::path::PathBuf;

use crate::go::{BuildOptions, toolchain};

/// CPU profiles of releases with classic maps and with Swiss ones, below `testdata/samples`.
pub const CPU_PROFILES: [&str; 9] = [
    "nested-1.21.13/cpu.pprof",
    "nested-1.27.3/cpu.pprof",
    "flat-1.21.13/cpu.pprof",
    "flat-1.27.3/cpu.pprof",
    "traces-other/go1.22.10-nested.cpu.pprof",
    "traces-other/go1.23.9-nested.cpu.pprof",
    "traces-other/go1.24.11-nested.cpu.pprof",
    "traces-other/go1.25.5-nested.cpu.pprof",
    "traces-other/go1.26.6-nested.cpu.pprof",
];

/// Path of a file below `testdata/samples`, unpacked if it is packed.
///
/// # Panics
/// When it cannot be unpacked.
pub fn sample(path: &str) -> String {
    let mut path = crate::testdata("samples").join(path);
    if path.extension().is_some_and(|extension| extension == "xz") {
        path = crate::unpack_xz(&path).expect("it can be unpacked");
    }
    text_of(path)
}

/// The executable of a bundled capture.
///
/// # Panics
/// When it cannot be unpacked.
pub fn binary(name: &str) -> String {
    sample(&format!("bin/{name}.xz"))
}

/// A program of the captures that is built here instead of bundled, with the build id that they name; `None` without Go.
///
/// # Panics
/// When it cannot be built.
pub fn built(package: &str) -> Option<String> {
    let Some(go) = toolchain("1.27.3") else {
        crate::skip("Go 1.27.3 is not installed");
        return None;
    };
    let args = ["-trimpath", "-ldflags=-w", "-buildvcs=false"].map(str::to_owned).into();
    // Nothing of C is in it, but the setting is a part of the build id.
    let options = BuildOptions { cgo: true, args, ..BuildOptions::default() };
    Some(text_of(go.build(&crate::testdata(package), &options).expect("it can be built")))
}

fn text_of(path: PathBuf) -> String {
    path.into_os_string().into_string().expect("paths of this repository are text")
}
