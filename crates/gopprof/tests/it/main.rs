//! Real profiles, made-up profiles, and damaged ones.
#![allow(clippy::unwrap_used, missing_docs)]

mod damage;
mod dump;
mod forms;
mod merging;
mod recognise;
mod round_trip;
mod seeds;

use std::path::PathBuf;

use gopprof::{Limits, Parsed, Profile, parse_profile};

fn sample_path(name: &str) -> PathBuf {
    xtask::testdata("samples").join(name)
}

/// A profile of `testdata/samples`, which must be sound.
fn sample(name: &str) -> Profile {
    let bytes = std::fs::read(sample_path(name)).unwrap();
    sound(parse_profile(&bytes, &Limits::default()).unwrap())
}

fn sound(parsed: Parsed<Profile>) -> Profile {
    assert_eq!(parsed.faults, []);
    parsed.value
}

/// The inflated bytes of a gzip file.
fn inflated(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    std::io::copy(&mut flate2::read::GzDecoder::new(bytes), &mut out).unwrap();
    out
}
