#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::capabilities::{CAP_PERFMON, Capabilities};

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
fn what_clocks_take_is_tried_by_who_loses_it() {
    let before = Capabilities::in_effect();
    let with_perfmon = gives_clocks_for(&[CAP_PERFMON]);
    assert_eq!(Capabilities::in_effect(), before);
    // Debian's kernels want more from 3 on, Ubuntu's do not.
    if before.has(CAP_PERFMON) && perf_event_paranoid().is_some_and(|level| level <= 2) {
        assert!(with_perfmon);
    }
}
