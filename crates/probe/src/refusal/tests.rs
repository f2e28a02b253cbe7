#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

#[test]
fn a_refusal_names_a_file_with_the_whole_log() {
    let directory = tempfile::tempdir().unwrap();
    let log = "0: (b7) r0 = 0\n".repeat(5000);
    let error = refused(directory.path(), &log);
    let Error::Verifier { log: path, .. } = &error else { panic!("{error}") };
    assert_eq!(fs::read_to_string(path).unwrap(), log);
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    let said = error.to_string();
    assert!(said.contains(path.to_str().unwrap()), "{said}");
    assert!(!said.contains("(b7)") && !said.contains('\n'), "{said}");
}

#[test]
fn a_refusal_is_said_also_where_no_log_can_be_kept() {
    let said = refused(Path::new("/proc/self/nothing"), "0: (b7) r0 = 0").to_string();
    assert!(said.contains("refuses") && said.contains("/proc/self/nothing"), "{said}");
    assert!(!said.contains("(b7)"), "{said}");
}

#[test]
fn no_two_logs_have_names_that_follow_from_each_other() {
    let directory = tempfile::tempdir().unwrap();
    let names: HashSet<PathBuf> =
        (0..100).map(|_| keep_log(directory.path(), "").unwrap()).collect();
    assert_eq!(names.len(), 100);
}

#[test]
fn what_is_planted_is_not_followed() {
    let directory = tempfile::tempdir().unwrap();
    let victim = directory.path().join("victim");
    let planted = directory.path().join("planted");
    symlink(&victim, &planted).unwrap();
    assert_eq!(new_file(&planted).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    assert!(!victim.exists());
}

#[test]
fn debian_asks_for_more_than_cap_perfmon_from_level_3_on() {
    assert_eq!([None, Some(2), Some(3)].map(is_perf_restricted), [false, false, true]);
}
