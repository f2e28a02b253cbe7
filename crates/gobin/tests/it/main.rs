//! Real binaries of several Go versions, built in every way that matters, and damaged ones.
#![allow(clippy::unwrap_used, missing_docs)]

mod builds;
mod damage;
mod lines;
mod probes;
mod sites;
mod types;

use std::path::{Path, PathBuf};

/// A module of tests for each way to build a program, each with one of these tests for each version: Go compiles its library
/// once for each of both, and no test waits for all of it. The function takes the toolchain, the name of the build, and how it
/// is made.
macro_rules! tests_of_builds {
    ($versions:ident, $check:path) => {
        crate::tests_of_builds!(
            $versions, $check, with_dwarf, stripped, pie, stripped_pie, arm64, stripped_arm64_pie, cgo_pie
        );
    };
    ($versions:ident, $check:path, $($build:ident),+) => {
        $(
            mod $build {
                xtask::$versions!(|go: &xtask::go::Toolchain| {
                    $check(go, stringify!($build), &crate::builds::$build());
                });
            }
        )+
    };
}
pub(crate) use tests_of_builds;

/// A Go program of this crate.
pub(crate) fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}
