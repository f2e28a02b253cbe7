#![allow(clippy::unwrap_used)]

use super::*;
use crate::capabilities::{CAP_PERFMON, Capabilities};

#[test]
fn a_refusal_names_a_file_with_the_log() {
    let log = PathBuf::from("/tmp/mapscope-x.verifier.log");
    let error = refused(Ok(log.clone()));
    assert!(matches!(&error, Error::Verifier { log: said, .. } if *said == log), "{error}");
    let said = error.to_string();
    assert!(said.contains(log.to_str().unwrap()) && !said.contains('\n'), "{said}");
}

#[test]
fn a_refusal_is_said_also_where_no_log_can_be_kept() {
    let said = refused(Err(io::ErrorKind::StorageFull.into())).to_string();
    assert!(said.contains("refuses it, and the verifier's log cannot be kept in "), "{said}");
}

/// The verifier has accepted the program by then, and has said so.
#[test]
fn a_program_for_which_there_is_no_descriptor_is_not_refused() {
    for errno in [libc::EMFILE, libc::ENFILE] {
        let error = io::Error::from_raw_os_error(errno);
        let limit = of_limit("attaching BPF programs", &error).expect("a limit").to_string();
        assert!(limit.contains("attaching BPF programs: too many files are open"), "{limit}");
    }
    assert!(of_limit("", &io::Error::from_raw_os_error(libc::EINVAL)).is_none());
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
