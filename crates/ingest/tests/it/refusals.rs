//! What cannot be read is refused with the file's name, the place, and what to do.

use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use ingest::{OpenOptions, Options, collect, scan};
use xtask::samples::{binary, sample};

use crate::{file, refusal, with_causes};

#[track_caller]
fn check_refused(names: &[&str], parts: &[&str]) {
    check_parts(&refusal(names), parts);
}

#[track_caller]
fn check_parts(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "no {part:?} in: {message}");
    }
}

#[test]
fn refuses_a_missing_file() {
    let name = "/nonexistent/cpu.pprof";
    check_refused(&[name], &[name, "No such file"]);
}

#[test]
fn refuses_an_empty_file() {
    let (_dir, path) = file(b"");
    check_refused(&[&path], &[&path, "empty"]);
}

#[test]
fn refuses_a_folder_without_profiles() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("notes.txt"), "what we saw").unwrap();
    check_refused(&[dir.path().to_str().unwrap()], &["no CPU or heap profile"]);
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
        check_refused(&[&path], &[&path, what]);
    }
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn names_what_is_compressed() {
    let mut tar = vec![0; 1024];
    tar[..9].copy_from_slice(b"cpu.pprof");
    tar[257..262].copy_from_slice(b"ustar");
    let cases: [(&[u8], &str); 4] = [
        (&tar, "tar xzf"),
        (b"PERFILE2\x68\0\0\0", "a perf.data file, which is compressed"),
        (b"heap profile: 1: 2 [3: 4] @ heap/1", "debug=1"),
        (b"404 page not found\n", "404 page not found"),
    ];
    for (content, what) in cases {
        let (_dir, path) = file(&gzip(content));
        check_refused(&[&path], &[&path, what]);
    }
}

#[test]
fn a_compressed_trace_is_read_up_to_the_limit() {
    let trace = fs::read(sample("nested-1.27.3/nested-1.27.3.trace.xz")).unwrap();
    let (_dir, path) = file(&gzip(&trace));
    let read = |max_inflated_bytes| {
        let open = OpenOptions { max_inflated_bytes };
        collect(std::slice::from_ref(&path), &Options { open, stacks: false }, &mut |_| {})
    };
    assert!(read(trace.len() as u64).unwrap().trace.is_some());
    check_parts(
        &with_causes(&read(trace.len() as u64 - 1).unwrap_err()),
        &[&path, "beyond the limit"],
    );
}

#[test]
fn refuses_execution_traces_of_old_formats_without_their_clock_or_before_go_1_11() {
    let whole = fs::read(sample("flat-1.21.13/trace.out")).unwrap();
    let (_dir, path) = file(&whole[..whole.len() / 2]);
    check_refused(&[&path], &[&path, "the trace is cut"]);
    let (_dir, path) = file(b"go 1.10 trace\0\0\0");
    check_refused(&[&path], &[&path, "Go 1.22 or later"]);
}

#[test]
fn refuses_text_that_is_no_profile() {
    let (_dir, path) = file(b"package main\n\nfunc main() {}\n");
    check_refused(&[&path], &[&path]);
}

#[test]
fn refuses_a_profile_cut_in_the_middle() {
    let whole = fs::read(sample("nested-1.27.3/cpu.pprof")).unwrap();
    let (_dir, path) = file(&whole[..whole.len() / 2]);
    check_refused(&[&path], &[&path]);
}

#[test]
fn refuses_an_executable_that_is_not_go() {
    let (_dir, path) = file(&fs::read("/bin/true").unwrap());
    check_parts(&with_causes(&scan(&path).unwrap_err()), &[&path, "Go"]);
    check_refused(&[&path, &sample("nested-1.27.3/cpu.pprof")], &[&path, "Go"]);
}

#[test]
fn refuses_a_binary_alone_and_says_what_to_do() {
    let binary = binary("nested-1.27.3");
    check_refused(&[&binary], &["no CPU or heap profile", "mapscope scan"]);
}

#[test]
fn refuses_the_profile_of_another_binary() {
    for version in ["1.21.13", "1.27.3"] {
        let profile = sample(&format!("nested-{version}/cpu.pprof"));
        let flat = binary(&format!("flat-{version}"));
        check_refused(&[&profile, &flat], &[&profile, "is not a profile of"]);
    }
}

#[test]
fn refuses_a_profile_larger_than_the_stated_limit() {
    // A sample type, then one string of 4 MiB.
    let script = "import gzip,sys; n = 4<<20; head = bytes([10, 4, 8, 1, 16, 2, 50, 128, 128, 128, 2]); \
                  sys.stdout.buffer.write(gzip.compress(head + bytes(n)))";
    let bomb = std::process::Command::new("python3").args(["-c", script]).output().unwrap().stdout;
    let (_dir, path) = file(&bomb);
    let open = OpenOptions { max_inflated_bytes: 1 << 20 };
    let error = collect(std::slice::from_ref(&path), &Options { open, stacks: false }, &mut |_| {});
    check_parts(&with_causes(&error.unwrap_err()), &[&path, "limit"]);
}
