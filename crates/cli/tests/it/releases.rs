//! Binaries of releases that are not known.

use std::fs;

use crate::{binary, mapscope, sample, stdout_of};

/// The nested program as another version of Go would have made it, with the flags of its map types as they are or not.
fn stamped(version: &str, is_laid_out_alike: bool) -> tempfile::NamedTempFile {
    let mut data = fs::read(binary("nested-1.27.3")).unwrap();
    let known = gobin::Binary::parse(&data).unwrap().value;
    let flags = gobin::LinkAddr(known.map_types().unwrap().value[0].addr.0 + 128);
    let flags = known.file_offset(flags).unwrap().0 as usize;
    if !is_laid_out_alike {
        data[flags] ^= 12;
    }
    xtask::go::stamp(&mut data, "go1.27.3", version);
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), data).unwrap();
    file
}

#[test]
fn an_unknown_release_that_is_laid_out_alike_is_read_with_a_notice() {
    for version in ["go1.99.3", "devel +a"] {
        let file = stamped(version, true);
        let path = file.path().to_str().unwrap();
        let notice = format!(
            "built by {version}, which is not a release that is known (Go 1.18 to 1.27 are): types and lines are read as \
             those of go1.27"
        );
        for said in [
            stdout_of(["scan", path]),
            stdout_of(["asm", path, "main.build"]),
            stdout_of(["diagnose", &sample("nested-1.27.3/cpu.pprof"), path]),
        ] {
            let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(said.contains(&notice), "{said}");
            assert!(said.contains("main.build"), "{said}");
        }
        let said = stdout_of(["diagnose", &sample("nested-1.27.3/cpu.pprof"), path]);
        assert!(said.contains("map[string]int, inner map of map[string]map[string]int"), "{said}");
        let recorded = mapscope(["record", "--", path]);
        assert_eq!(recorded.status.code(), Some(2));
    }
}

#[test]
fn an_unknown_release_that_is_laid_out_in_another_way_is_named_and_left_out() {
    let file = stamped("go1.99.3", false);
    let path = file.path().to_str().unwrap();
    let said = stdout_of(["diagnose", &sample("nested-1.27.3/cpu.pprof"), path]);
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("built by go1.99.3, which is not a release that is known"), "{said}");
    assert!(words.contains("are left out"), "{said}");
    assert!(words.contains("type not known: the types of the binary could not be read"), "{said}");
    assert!(!words.contains("no binary"), "{said}");
    assert!(words.contains("main.build"), "the profile is diagnosed: {said}");
    let listed = stdout_of(["asm", path, "main.build"]);
    assert!(listed.contains("note: built by go1.99.3"), "{listed}");
    assert!(!listed.contains("strconv/"), "no line of what was inlined: {listed}");
}
