//! What is written reads back equal, and Go's own tool opens it.

use std::fs;
use std::path::{Path, PathBuf};

use gopprof::{Limits, Profile, merge, parse_profile, write_profile};

use crate::dump::{dump, profile_with_everything};

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

fn write(profile: &Profile) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_profile(profile, &mut bytes).unwrap();
    bytes
}

fn check_round_trip(profile: &Profile) {
    profile.check_valid().unwrap();
    let bytes = write(profile);
    let again = parse_profile(&bytes, &Limits::default()).unwrap();
    assert_eq!(again.faults, []);
    assert_eq!(&again.value, profile);
    assert_eq!(write(&again.value), bytes, "writing is stable");
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
    let top = |path: &Path| {
        let output =
            go.command().args(["tool", "pprof", "-top", "-lines"]).arg(path).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let dir = tempfile::tempdir().unwrap();
    for capture in ["nested-1.27.3/cpu.pprof", "nested-1.21.13/heap.pprof"] {
        let original = xtask::testdata(&format!("samples/{capture}"));
        let ours = dir.path().join("ours.pprof");
        fs::write(&ours, write(&read(&original))).unwrap();
        assert_eq!(top(&ours), top(&original), "{capture}");
    }
}

#[test]
fn merging_a_profile_with_itself_doubles_its_values_and_adds_no_sample() {
    for path in captures() {
        let once = read(&path);
        let one = merge(std::slice::from_ref(&once)).unwrap();
        let two = merge(&[once.clone(), once]).unwrap();
        two.check_valid().unwrap();
        assert_eq!(one.n_samples(), two.n_samples());
        let sums = |p: &Profile| {
            p.samples().flat_map(|s| s.values().collect::<Vec<_>>()).collect::<Vec<_>>()
        };
        assert_eq!(
            sums(&two),
            sums(&one).iter().map(|v| v * 2).collect::<Vec<_>>(),
            "{}",
            path.display()
        );
    }
}

#[test]
fn merging_keeps_stacks_and_labels() {
    let everything = profile_with_everything();
    assert_eq!(dump(&merge(std::slice::from_ref(&everything)).unwrap()), dump(&everything));
}

#[test]
fn profiles_of_different_things_are_not_merged() {
    let cpu = read(&xtask::testdata("samples/nested-1.27.3/cpu.pprof"));
    let heap = read(&xtask::testdata("samples/nested-1.27.3/heap.pprof"));
    assert!(
        merge(&[cpu, heap]).unwrap_err().to_string().contains("profile 1 has other sample types")
    );
}
