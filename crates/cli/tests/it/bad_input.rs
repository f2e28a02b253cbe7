//! What cannot be read is an error, and nothing is half-written. What is said of each input is tested in the crate `ingest`.

use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::{mapscope, sample};

/// Runs `mapscope` and expects exit code 2, empty standard output, and each of `parts` in the message.
fn check_refused(args: &[&str], parts: &[&str]) {
    let output = mapscope(args);
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {err}");
    assert!(
        output.stdout.is_empty(),
        "{args:?} printed: {}",
        String::from_utf8_lossy(&output.stdout)
    );
    for part in parts {
        assert!(err.contains(part), "{args:?}: no {part:?} in: {err}");
    }
}

#[test]
fn refuses_a_missing_file() {
    let name = "/nonexistent/cpu.pprof";
    for args in [&["diagnose", name][..], &["scan", name], &["asm", name, "main.main"]] {
        check_refused(args, &[name, "No such file"]);
    }
}

#[test]
fn the_limit_of_what_a_profile_inflates_to_is_in_mebibytes() {
    // A sample type, then one string of 2 MiB.
    let head = [10, 4, 8, 1, 16, 2, 50, 128, 128, 128, 1];
    let mut bomb = GzEncoder::new(Vec::new(), Compression::fast());
    bomb.write_all(&head).and_then(|()| bomb.write_all(&vec![0; 2 << 20])).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("input").to_str().unwrap().to_owned();
    fs::write(&path, bomb.finish().unwrap()).unwrap();
    check_refused(&["diagnose", "--max-inflated", "1", &path], &[&path, "limit of 1048576 bytes"]);
    let output = mapscope(["diagnose", "--max-inflated", "3", &path]);
    assert!(!String::from_utf8_lossy(&output.stderr).contains("limit"), "{output:?}");
}

#[test]
fn leaves_no_file_behind_when_the_input_is_bad() {
    let dir = tempfile::tempdir().unwrap();
    let page = dir.path().join("report.html");
    check_refused(&["diagnose", "/nonexistent", "--html", page.to_str().unwrap()], &[]);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn refuses_an_output_that_cannot_be_written_and_prints_nothing() {
    let profile = sample("nested-1.27.3/cpu.pprof");
    check_refused(
        &["diagnose", &profile, "--html", "/nonexistent/report.html"],
        &["/nonexistent/report.html"],
    );
}
