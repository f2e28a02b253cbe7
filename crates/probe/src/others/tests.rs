//! Which files are taken for Go code.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::process::Command;

use super::*;

/// A file with the sections of Go's linker.
fn go_file(dir: &Path) -> PathBuf {
    let packed = xtask::testdata("samples/bin/nested-1.27.3.xz");
    let path = dir.join("extra.so");
    fs::copy(xtask::unpack_xz(&packed).unwrap(), &path).unwrap();
    path
}

#[test]
fn only_the_file_that_is_mapped_is_go_code() {
    let dir = tempfile::tempdir().unwrap();
    let path = go_file(dir.path());
    let mapped = FileId::of(&path).unwrap();
    assert!(is_go_code(Pid::own(), &path, mapped));
    let other = FileId { inode: mapped.inode + 1, ..mapped };
    assert!(!is_go_code(Pid::own(), &path, other), "another file is there now");
    fs::remove_file(&path).unwrap();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert!(!is_go_code(Pid::own(), &path, FileId::of(&path).unwrap()), "a pipe");
    let device = Path::new("/dev/null");
    assert!(!is_go_code(Pid::own(), device, FileId::of(device).unwrap()));
}

#[test]
fn that_there_are_more_files_than_are_opened_is_known() {
    let mut others = Others::default();
    let own = Pid::own();
    let mut maps = own.maps().unwrap();
    let named = maps.mappings.iter().position(|mapping| mapping.path().is_some()).unwrap();
    let mut mapping = maps.mappings.swap_remove(named);
    let none = FileId { device: 0, inode: 0 };
    for inode in 1..=MAX_FILES as u64 + 1 {
        assert!(!others.has_more());
        mapping.file = Some(FileId { device: 0, inode });
        others.look_at(own, &mapping, none, Path::new(""));
    }
    assert!(others.has_more());
    assert_eq!(others.looked_at.len(), MAX_FILES);
}
