//! What cannot be read is refused with the file's name, the place, and what to do; nothing is half-written.

use std::fs;

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

/// A file with this content; the directory goes with the returned value.
fn file(content: &[u8]) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("input");
    fs::write(&path, content).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (dir, path)
}

#[test]
fn refuses_a_missing_file() {
    check_refused(
        &["diagnose", "/nonexistent/cpu.pprof"],
        &["/nonexistent/cpu.pprof", "No such file"],
    );
}

#[test]
fn refuses_an_empty_file() {
    let (_dir, path) = file(b"");
    check_refused(&["diagnose", &path], &[&path, "empty"]);
}

#[test]
fn refuses_a_folder_without_profiles() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("notes.txt"), "what we saw").unwrap();
    check_refused(&["diagnose", dir.path().to_str().unwrap()], &["no CPU or heap profile"]);
}

#[test]
fn names_what_a_stranger_is() {
    let cases: [(&[u8], &str); 3] = [
        (b"PERFILE2\0\0\0\0", "the file is cut off here (at byte 12)"),
        (b"heap profile: 1: 2 [3: 4] @ heap/1", "debug=1"),
        (b"<!doctype html><html>", "web page"),
    ];
    for (content, what) in cases {
        let (_dir, path) = file(content);
        check_refused(&["diagnose", &path], &[&path, what]);
    }
}

#[test]
fn refuses_execution_traces_of_old_formats_without_their_clock_or_before_go_1_11() {
    let whole = fs::read(sample("flat-1.21.13/trace.out")).unwrap();
    let (_dir, path) = file(&whole[..whole.len() / 2]);
    check_refused(&["diagnose", &path], &[&path, "the trace is cut"]);
    let (_dir, path) = file(b"go 1.10 trace\0\0\0");
    check_refused(&["diagnose", &path], &[&path, "Go 1.22 or later"]);
}

#[test]
fn refuses_text_that_is_no_profile() {
    let (_dir, path) = file(b"package main\n\nfunc main() {}\n");
    check_refused(&["diagnose", &path], &[&path]);
}

#[test]
fn refuses_a_profile_cut_in_the_middle() {
    let whole = fs::read(sample("nested-1.27.3/cpu.pprof")).unwrap();
    let (_dir, path) = file(&whole[..whole.len() / 2]);
    check_refused(&["diagnose", &path], &[&path]);
}

#[test]
fn refuses_an_executable_that_is_not_go() {
    let (_dir, path) = file(&fs::read("/bin/true").unwrap());
    check_refused(&["scan", &path], &[&path, "Go"]);
    check_refused(&["diagnose", &path, &sample("nested-1.27.3/cpu.pprof")], &[&path, "Go"]);
}

#[test]
fn refuses_a_binary_alone_and_says_what_to_do() {
    let binary = xtask::unpack_xz(&xtask::testdata("samples/bin/nested-1.27.3.xz")).unwrap();
    let binary = binary.to_str().unwrap();
    check_refused(&["diagnose", binary], &["no CPU or heap profile", "mapscope scan"]);
}

#[test]
fn refuses_the_profile_of_another_binary() {
    for version in ["1.21.13", "1.27.3"] {
        let flat =
            xtask::unpack_xz(&xtask::testdata(&format!("samples/bin/flat-{version}.xz"))).unwrap();
        let profile = sample(&format!("nested-{version}/cpu.pprof"));
        check_refused(
            &["diagnose", &profile, flat.to_str().unwrap()],
            &[&profile, "is not a profile of"],
        );
    }
}

#[test]
fn refuses_a_profile_larger_than_the_stated_limit() {
    // A sample type, then one string of 4 MiB.
    let script = "import gzip,sys; n = 4<<20; head = bytes([10, 4, 8, 1, 16, 2, 50, 128, 128, 128, 2]); \
                  sys.stdout.buffer.write(gzip.compress(head + bytes(n)))";
    let bomb = std::process::Command::new("python3").args(["-c", script]).output().unwrap().stdout;
    let (_dir, path) = file(&bomb);
    check_refused(&["diagnose", "--max-inflated", "1", &path], &[&path, "limit"]);
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
