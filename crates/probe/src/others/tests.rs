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
    // Of this program.
    let mapping = Pid::own().maps().unwrap().mappings.swap_remove(0);
    let is_go = |path: &Path, mapped| is_go_code(Pid::own(), path, &mapping, mapped);
    assert_eq!(is_go(&path, mapped), Some(true));
    let other = FileId { inode: mapped.inode + 1, ..mapped };
    assert_eq!(is_go(&path, other), None, "another file is there now");
    fs::remove_file(&path).unwrap();
    assert_eq!(is_go(&path, mapped), None, "it is gone");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert_eq!(is_go(&path, FileId::of(&path).unwrap()), None, "a pipe");
    let device = Path::new("/dev/null");
    assert_eq!(is_go(device, FileId::of(device).unwrap()), None);
}

#[test]
fn that_there_are_more_files_than_are_opened_is_known() {
    let mut seen = Seen::default();
    let own = Pid::own();
    let mut maps = own.maps().unwrap();
    let named = maps.mappings.iter().position(|mapping| mapping.path().is_some()).unwrap();
    let mut mapping = maps.mappings.swap_remove(named);
    let none = FileId { device: 0, inode: 0 };
    for inode in 1..=MAX_FILES as u64 + 1 {
        assert!(!seen.has_more_files);
        mapping.file = Some(FileId { device: 0, inode });
        seen.take_new(&mapping, none, Path::new(""));
    }
    assert!(seen.has_more_files);
    assert_eq!(seen.looked_at.len(), MAX_FILES);
}

#[test]
fn all_processes_have_their_turn() {
    let mut seen = Seen::default();
    let pids: Vec<u32> = (100..140).rev().collect();
    assert_eq!(seen.choose(&pids), (100..116).collect::<Vec<_>>());
    assert!(seen.has_more_processes);
    // The last one of these has ended.
    let fewer: Vec<u32> = pids.iter().copied().filter(|&pid| pid != 115).collect();
    assert_eq!(seen.choose(&fewer), (116..132).collect::<Vec<_>>());
    assert!(seen.has_more_processes);
    let around: Vec<u32> = (132..140).chain(100..108).collect();
    assert_eq!(seen.choose(&fewer), around);
    assert!(!seen.has_more_processes);
    assert!(seen.choose(&[]).is_empty() && !seen.has_more_processes);
    assert_eq!(seen.choose(&[7]), [7]);
    seen.put_off(&[7]);
    assert!(seen.has_more_processes);
    assert_eq!(seen.choose(&[7]), [7]);
    assert!(!seen.has_more_processes);
}

#[test]
fn a_look_that_does_not_end_is_not_waited_for() {
    let none = FileId { device: 0, inode: 0 };
    let (over, running) = channel();
    let mut others = Others { running: Some(running), ..Others::default() };
    others.look(&[Pid::own().0], none, Path::new(""));
    assert!(others.has_more_processes() && others.seen().processes.is_empty());
    drop(over);
    others.look(&[Pid::own().0], none, Path::new(""));
    assert!(others.seen().processes.contains(&Pid::own().0));
}

#[test]
fn who_keeps_its_memory_locked_is_not_asked_again() {
    let seen = Mutex::new(Seen::default());
    let none = FileId { device: 0, inode: 0 };
    let own = Pid::own().id().unwrap();
    lock(&seen).silent.insert(own);
    look_at_process(&seen, own.pid, none, Path::new(""));
    assert!(lock(&seen).looked_at.is_empty());
    // One that had its number before.
    lock(&seen).silent = HashSet::from([ProcessId { start: goproc::StartTime(0), ..own }]);
    look_at_process(&seen, own.pid, none, Path::new(""));
    assert!(!lock(&seen).looked_at.is_empty());
    lock(&seen).looked_at.clear();
    let others = (1..MAX_LOCKED as u32).map(|pid| ProcessId { pid: Pid(pid), ..own });
    lock(&seen).silent.extend(others);
    look_at_process(&seen, own.pid, none, Path::new(""));
    assert!(lock(&seen).looked_at.is_empty(), "too many are");
}
