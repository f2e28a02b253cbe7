//! What is written reads back equal, and Go's own tool opens it.

use std::fs;
use std::path::{Path, PathBuf};

use gopprof::{Limits, Profile, parse_profile, write_profile};

use crate::dump::profile_with_everything;

/// Every bundled profile written by Go 1.21 to 1.27.
pub(crate) fn captures() -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(&xtask::testdata("samples"), &mut found);
    found.sort();
    assert!(found.len() >= 20, "{found:?}");
    found
}

fn collect(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|e| e == "pprof") {
            found.push(path);
        }
    }
}

pub(crate) fn read(path: &Path) -> Profile {
    let parsed = parse_profile(&fs::read(path).unwrap(), &Limits::default()).unwrap();
    assert_eq!(parsed.faults, [], "{}", path.display());
    parsed.value
}

pub(crate) fn written(profile: &Profile) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_profile(profile, &mut bytes).unwrap();
    bytes
}

fn check_round_trip(profile: &Profile) {
    profile.check_valid().unwrap();
    let bytes = written(profile);
    let again = parse_profile(&bytes, &Limits::default()).unwrap();
    assert_eq!(again.faults, []);
    assert_eq!(&again.value, profile);
    assert_eq!(written(&again.value), bytes, "writing is stable");
}

#[test]
fn every_field_reads_back_equal() {
    check_round_trip(&profile_with_everything());
}

#[test]
fn profiles_of_seven_go_versions_read_back_equal() {
    captures().iter().for_each(|path| check_round_trip(&read(path)));
}

#[test]
fn go_tool_pprof_prints_the_same_for_what_we_write() {
    let Some(go) = xtask::go::toolchain("1.27.3") else {
        xtask::skip("no Go 1.27.3 to run `go tool pprof`");
        return;
    };
    let pprof = |args: &[&str], path: &Path| {
        let output = go.command().args(["tool", "pprof"]).args(args).arg(path).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let dir = tempfile::tempdir().unwrap();
    let ours = dir.path().join("ours.pprof");
    let nested = captures().into_iter().filter(|path| path.to_string_lossy().contains("nested"));
    for original in nested {
        fs::write(&ours, written(&read(&original))).unwrap();
        // Everything in the profile, then the usual list.
        for args in [["-raw", "-symbolize=none"], ["-top", "-lines"]] {
            assert_eq!(pprof(&args, &ours), pprof(&args, &original), "{}", original.display());
            if !original.ends_with("nested-1.27.3/cpu.pprof") {
                break;
            }
        }
    }
}
