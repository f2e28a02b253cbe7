#![allow(clippy::unwrap_used)]

use super::*;

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
fn debian_asks_for_more_than_cap_perfmon_from_level_3_on() {
    assert_eq!([None, Some(2), Some(3)].map(is_perf_restricted), [false, false, true]);
}
