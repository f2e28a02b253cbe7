use std::fs;

use xtask::{repo_root, testdata, unpack_xz};

#[test]
fn unpacks_a_bundled_binary_once() {
    let packed = testdata("samples/bin/nested-1.27.3.xz");
    let first = unpack_xz(&packed).unwrap();
    assert!(fs::read(&first).unwrap().starts_with(b"\x7fELF"));
    let written = fs::metadata(&first).unwrap().modified().unwrap();
    assert_eq!(unpack_xz(&packed).unwrap(), first);
    assert_eq!(fs::metadata(&first).unwrap().modified().unwrap(), written);
}

#[test]
fn names_the_file_that_is_not_xz() {
    let error = unpack_xz(&testdata("samples/README.md")).unwrap_err();
    assert!(format!("{error:#}").contains("README.md"), "{error:#}");
}

#[test]
fn finds_the_root_of_the_repository() {
    assert!(repo_root().join("xtask/Cargo.toml").exists());
}
