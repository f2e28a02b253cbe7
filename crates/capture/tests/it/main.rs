//! A real Go program that serves net/http/pprof is captured; what comes of it is diagnosed.
#![allow(clippy::unwrap_used, missing_docs)]

mod hostile;
mod private;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use capture::{Ending, Error, Limits, Options, Summary, Target, capture};

/// The program; `None` without Go.
fn server() -> Option<std::path::PathBuf> {
    let package = xtask::repo_root().join("crates/capture/testdata/server");
    let go = xtask::go::toolchain("1.27.3")?;
    Some(go.build(&package, &xtask::go::BuildOptions::default()).unwrap())
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Starts the program; returns it and the URL of its endpoint.
fn start() -> Option<(Running, String)> {
    let mut child = Command::new(server()?).arg("1h").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    Some((Running(child), format!("http://{}/debug/pprof", line.trim())))
}

fn options(dir: &Path) -> Options {
    Options {
        target: None,
        url: None,
        duration: Some(Duration::from_secs(1)),
        dir: dir.join("capture"),
        max_overhead: 0.03,
        // A busy machine has time; who tests the limit sets one.
        limits: Limits { answer_time: Duration::from_secs(60), ..Limits::default() },
    }
}

fn files(summary: &Summary) -> Vec<&str> {
    summary.collected.iter().map(|file| &file.file[..]).collect()
}

fn why(summary: &Summary, what: &str) -> String {
    let missing = summary.missing.iter().find(|missing| missing.what.contains(what));
    missing.map_or_else(String::new, |missing| missing.why.clone())
}

#[test]
fn a_running_server_is_captured_and_diagnosed() {
    let Some((running, url)) = start() else { return xtask::skip("Go 1.27.3 is not installed") };
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        target: Some(Target::Pid(running.0.id())),
        url: Some(format!("{url}/")),
        ..options(dir.path())
    };
    let mut lines = Vec::new();
    let summary = capture(&options, &mut |line| lines.push(line.to_owned())).unwrap();
    assert_eq!(summary.ending, Ending::Duration);
    assert!(lines.iter().any(|line| line.contains("Ctrl-C ends it early")), "{lines:?}");
    for file in ["cpu.pprof", "heap.pprof", "mutex.pprof", "block.pprof", "trace.out"] {
        assert!(files(&summary).contains(&file), "{file}: {summary:?}");
    }
    // Either it is there, or it is said why not.
    for (file, what) in [("recording.pb.gz", "recording"), ("perf.data", "perf.data")] {
        let is_there = files(&summary).contains(&file);
        assert!(is_there || !why(&summary, what).is_empty(), "{file}: {summary:?}");
    }
    let on_disk = std::fs::read(options.dir.join("capture.json")).unwrap();
    let on_disk: serde_json::Value = serde_json::from_slice(&on_disk).unwrap();
    assert_eq!(on_disk["collected"].as_array().unwrap().len(), summary.collected.len());

    let names = [options.dir.to_string_lossy().into_owned()];
    let how = ingest::Options { open: ingest::OpenOptions::default(), stacks: false };
    let evidence = ingest::collect(&names, &how, &mut |_| {}).unwrap();
    assert!(evidence.cpu.is_some() && evidence.heap.is_some() && evidence.trace.is_some());
    assert!(evidence.sites.iter().any(|site| &*site.frame.function == "main.add"));
    let unused: Vec<_> = evidence.notices.iter().map(|notice| &notice.text).collect();
    assert!(!unused.iter().any(|text| text.contains("capture.json")), "{unused:?}");
}

#[test]
fn of_a_command_that_ends_early_what_had_arrived_is_kept() {
    let Some(server) = server() else { return xtask::skip("Go 1.27.3 is not installed") };
    let dir = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let argv = vec![server.into(), "6s".into(), free.clone().into()];
    let options = Options {
        target: Some(Target::Command(argv)),
        // It does not listen yet when it is asked first.
        url: Some(format!("http://{free}/debug/pprof")),
        duration: Some(Duration::from_secs(60)),
        ..options(dir.path())
    };
    let summary = capture(&options, &mut |_| {}).unwrap();
    assert_eq!(summary.ending, Ending::Exit);
    assert!(files(&summary).contains(&"heap.pprof"), "{summary:?}");
    // When they were fetched there may have been nothing in them yet.
    for (file, what) in [("mutex.pprof", "mutex profile"), ("block.pprof", "block profile")] {
        let is_there = files(&summary).contains(&file);
        assert!(is_there || !why(&summary, what).is_empty(), "{file}: {summary:?}");
    }
    let trace = summary.collected.iter().find(|file| file.file == "trace.out").unwrap();
    assert!(trace.note.as_ref().unwrap().contains("end is missing"), "{summary:?}");
    assert!(!why(&summary, "CPU profile").is_empty(), "{summary:?}");
}

#[test]
fn a_command_is_captured_until_it_ends() {
    let Some(server) = server() else { return xtask::skip("Go 1.27.3 is not installed") };
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        target: Some(Target::Command(vec![server.clone().into(), "3s".into()])),
        duration: None,
        ..options(dir.path())
    };
    let summary = capture(&options, &mut |_| {}).unwrap();
    assert_eq!(summary.ending, Ending::Exit);
    let name = format!("binary.{}", server.file_name().unwrap().to_str().unwrap());
    assert!(files(&summary).contains(&&*name), "{summary:?}");
    assert_eq!(std::fs::read(options.dir.join(name)).unwrap(), std::fs::read(server).unwrap());
    assert!(why(&summary, "CPU").contains("--url"), "{summary:?}");
}

/// Answers every request with this.
fn answering(response: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/debug/pprof", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(response.as_bytes());
        }
    });
    url
}

#[test]
fn what_a_server_refuses_is_told_in_its_words() {
    let url = answering(
        "HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\nContent-Length: 21\r\n\r\nprofiling is disabled",
    );
    let dir = tempfile::tempdir().unwrap();
    let error =
        capture(&Options { url: Some(url), ..options(dir.path()) }, &mut |_| {}).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("500") && text.contains("profiling is disabled"), "{text}");
    assert!(text.contains("add -p PID"), "{text}");
}

#[test]
fn answers_that_are_no_profiles_are_not_kept() {
    let url = answering("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\n<html>");
    let dir = tempfile::tempdir().unwrap();
    let options = Options { url: Some(url), ..options(dir.path()) };
    let text = capture(&options, &mut |_| {}).unwrap_err().to_string();
    assert!(text.contains("is no profile") && text.contains("is no trace"), "{text}");
    assert!(!options.dir.exists());
}

#[test]
fn nothing_to_capture_is_an_error_that_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let fails = |options: Options| capture(&options, &mut |_| {}).unwrap_err();
    assert!(matches!(fails(options(dir.path())), Error::NoTarget));
    let gone = Options { target: Some(Target::Pid(u32::MAX >> 2)), ..options(dir.path()) };
    assert!(matches!(fails(gone), Error::NoSuchProcess { .. }));
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let tids = tasks.filter_map(|task| task.file_name().to_str()?.parse().ok());
    let tid = tids.into_iter().find(|&tid| tid != std::process::id()).unwrap();
    let thread = Options { target: Some(Target::Pid(tid)), ..options(dir.path()) };
    let said = fails(thread).to_string();
    assert_eq!(said, format!("{tid} is a thread of process {0}: -p {0}", std::process::id()));
    let https =
        Options { url: Some("https://localhost/debug/pprof".into()), ..options(dir.path()) };
    assert!(fails(https).to_string().contains("only plain http"));
    assert!(!dir.path().join("capture").exists(), "an empty folder is not left behind");
    std::fs::create_dir(dir.path().join("capture")).unwrap();
    std::fs::write(dir.path().join("capture/cpu.pprof"), "").unwrap();
    let full = Options { url: Some("http://127.0.0.1:1/".into()), ..options(dir.path()) };
    assert!(matches!(fails(full), Error::NotEmpty { .. }));
}

/// It has a hole of 1 GiB behind all that its headers name.
#[test]
fn the_copy_of_a_sparse_executable_is_as_sparse() {
    let Some(server) = server() else { return xtask::skip("Go 1.27.3 is not installed") };
    let dir = tempfile::tempdir().unwrap();
    let sparse = dir.path().join("sparse");
    xtask::copy_program(&server, &sparse);
    let status = Command::new("truncate").args(["-s", "1G"]).arg(&sparse).status().unwrap();
    assert!(status.success());
    let mut child = Command::new(&sparse).arg("1h").stdout(Stdio::piped()).spawn().unwrap();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
    let running = Running(child);
    let target = Some(Target::Pid(running.0.id()));
    let summary = capture(&Options { target, ..options(dir.path()) }, &mut |_| {}).unwrap();
    assert!(files(&summary).contains(&"binary.sparse"), "{summary:?}");
    let copy = std::fs::metadata(summary.dir.join("binary.sparse")).unwrap();
    assert_eq!(copy.len(), 1 << 30);
    assert!(copy.blocks() * 512 < 64 << 20, "{}", copy.blocks());
}

#[test]
fn how_a_command_ended_is_said_also_when_nothing_was_collected() {
    let dir = tempfile::tempdir().unwrap();
    let argv = ["/bin/sh", "-c", "exit 7"].map(Into::into).to_vec();
    let options = Options { target: Some(Target::Command(argv)), ..options(dir.path()) };
    match capture(&options, &mut |_| {}) {
        Ok(summary) => assert_eq!(summary.exit_code(), Some(7), "{summary:?}"),
        Err(Error::Nothing { reasons }) => {
            assert!(reasons.contains("the command ended with exit code 7"), "{reasons}");
        }
        Err(error) => panic!("{error}"),
    }
}
