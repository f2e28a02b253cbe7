//! The ways in which binaries differ for us.

use xtask::go::BuildOptions;

pub(crate) fn with_dwarf() -> BuildOptions {
    BuildOptions::default()
}

pub(crate) fn stripped() -> BuildOptions {
    BuildOptions { stripped: true, ..with_dwarf() }
}

pub(crate) fn pie() -> BuildOptions {
    BuildOptions { pie: true, ..with_dwarf() }
}

pub(crate) fn stripped_pie() -> BuildOptions {
    BuildOptions { stripped: true, ..pie() }
}

pub(crate) fn arm64() -> BuildOptions {
    BuildOptions { arch: "arm64", ..with_dwarf() }
}

pub(crate) fn stripped_arm64_pie() -> BuildOptions {
    BuildOptions { arch: "arm64", ..stripped_pie() }
}

pub(crate) fn cgo_pie() -> BuildOptions {
    BuildOptions { cgo: true, args: vec!["-ldflags=-linkmode=external".into()], ..pie() }
}
