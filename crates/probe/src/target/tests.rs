//! What was found is what is opened.
#![allow(clippy::unwrap_used)]

use std::fs;

use super::*;

fn found(path: &Path) -> Found {
    let reach = Reach { is_proc_foreign: true, ..Reach::default() };
    find(&Target::Exe(path.to_owned()), &reach).unwrap()
}

/// A deploy renames a file into place, or makes a link lead elsewhere.
#[test]
fn a_path_that_leads_to_another_file_by_now_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for name in ["one", "two", "three"] {
        fs::write(at(name), name).unwrap();
    }
    std::os::unix::fs::symlink("one", at("link")).unwrap();
    let (file, link) = (found(&at("one")), found(&at("link")));
    assert!(!file.is_replaced() && !link.is_replaced());
    fs::remove_file(at("link")).unwrap();
    assert!(!link.is_replaced(), "nothing else runs then");
    std::os::unix::fs::symlink("two", at("link")).unwrap();
    assert!(!file.is_replaced() && link.is_replaced());
    fs::rename(at("three"), at("one")).unwrap();
    assert!(file.is_replaced());
}

#[test]
fn an_executable_that_was_replaced_or_removed_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server");
    fs::write(&path, "old").unwrap();
    let mut replaced = found(&path);
    let file = replaced.open().unwrap();
    assert_eq!(fs::read(&replaced.file.path).unwrap(), b"old");
    drop(file);
    let (mut replaced, mut removed) = (found(&path), found(&path));
    fs::write(dir.path().join("new"), "new").unwrap();
    fs::rename(dir.path().join("new"), &path).unwrap();
    let error = replaced.open().unwrap_err();
    assert!(error.to_string().contains("record again"), "{error}");
    assert!(matches!(&error, Error::Replaced { path: said } if *said == path), "{error}");
    fs::remove_file(&path).unwrap();
    assert!(matches!(removed.open(), Err(Error::Replaced { .. })));
}

#[test]
fn a_process_that_is_named_twice_is_recorded_once() {
    let own = std::process::id();
    let found = find(&Target::Pids(vec![own, own]), &Reach::default()).unwrap();
    assert_eq!((found.pids, found.scopes), (vec![own], vec![Scope::Process(own)]));
}

#[test]
fn what_names_nothing_is_an_error() {
    let error = |target| find(&target, &Reach::default()).map(|_| ()).unwrap_err();
    assert!(matches!(error(Target::Pids(Vec::new())), Error::NoProcesses));
    error(Target::Command { argv: Vec::new(), exe: None });
}

#[test]
fn processes_that_ended_meanwhile_are_left_out() {
    let (own, none) = (std::process::id(), u32::MAX);
    let mut unreaped = std::process::Command::new("true").spawn().unwrap();
    let pid = Pid(unreaped.id());
    while pid.is_running() {}
    let pids = vec![none, pid.0, own, none - 1];
    let found = of_those_left(pids, &Reach::default()).unwrap().unwrap();
    assert_eq!(found.pids, [own]);
    assert!(of_those_left(vec![none, pid.0], &Reach::default()).unwrap().is_none());
    unreaped.wait().unwrap();
}
