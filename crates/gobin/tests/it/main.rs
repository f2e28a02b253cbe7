//! Real binaries of several Go versions, built in every way that matters, and damaged ones.
#![allow(clippy::unwrap_used, missing_docs)]

mod damage;
mod lines;
mod probes;
mod sites;
mod types;

use std::path::{Path, PathBuf};

use xtask::go::BuildOptions;

/// The ways in which binaries differ for us.
pub(crate) fn builds() -> Vec<(&'static str, BuildOptions)> {
    let build = BuildOptions::default;
    vec![
        ("with DWARF", build()),
        ("stripped", BuildOptions { stripped: true, ..build() }),
        ("PIE", BuildOptions { pie: true, ..build() }),
        ("stripped PIE", BuildOptions { pie: true, stripped: true, ..build() }),
        ("arm64", BuildOptions { arch: "arm64", ..build() }),
        (
            "stripped arm64 PIE",
            BuildOptions { arch: "arm64", pie: true, stripped: true, ..build() },
        ),
        (
            "cgo PIE",
            BuildOptions {
                cgo: true,
                pie: true,
                args: vec!["-ldflags=-linkmode=external".into()],
                ..build()
            },
        ),
    ]
}

/// A Go program of this crate.
pub(crate) fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}
