//! `mapscope capture` from the outside: signals, memory, secrets. What servers do otherwise is tested in the crate
//! `capture`.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::mapscope;
use crate::schema::checked;

/// More than a socket holds: who sent that was read from.
const MUCH: usize = 8 << 20;

/// An endpoint that begins an answer to everything and ends none, but that to `quick`. Says when much of `trace` was
/// read, and when `mutex` is asked for: then `heap` was answered.
fn endless(quick: &'static [&'static str]) -> (String, Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/debug/pprof", listener.local_addr().unwrap());
    let (said, events) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let said = said.clone();
            std::thread::spawn(move || {
                let _ = answer(stream, quick, &said);
            });
        }
    });
    (url, events)
}

fn answer(mut stream: TcpStream, quick: &[&str], said: &Sender<()>) -> std::io::Result<()> {
    let mut request = String::new();
    BufReader::new(stream.try_clone()?).read_line(&mut request)?;
    if quick.iter().any(|name| request.contains(name)) {
        // A profile with one sample.
        let body = [0x0a, 0, 0x12, 4, 0x08, 1, 0x10, 1, 0x32, 0];
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )?;
        return stream.write_all(&body);
    }
    write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1000000000\r\n\r\n")?;
    if request.contains("/trace") {
        stream.write_all(b"go 1.27 trace\0\0\0")?;
        stream.write_all(&vec![0; MUCH])?;
    }
    if request.contains("/trace") || request.contains("/mutex") {
        let _ = said.send(());
    }
    // Until the other side goes away.
    stream.read_to_end(&mut Vec::new()).map(drop)
}

/// Captures for an hour, if it is not stopped.
fn capture(url: &str, dir: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mapscope"));
    command.args(["capture", "--url", url, "-d", "1h", "--answer-time", "1h", "-o", dir]);
    command.stderr(Stdio::piped());
    command
}

#[test]
fn a_signal_ends_a_capture_and_keeps_what_came() {
    for signal in ["-INT", "-TERM", "-HUP"] {
        let (url, events) = endless(&["/cmdline", "/heap"]);
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("capture");
        let child = capture(&url, folder.to_str().unwrap()).spawn().unwrap();
        events.recv().unwrap();
        events.recv().unwrap();
        assert!(
            Command::new("kill")
                .args([signal, &child.id().to_string()])
                .status()
                .unwrap()
                .success()
        );
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{said}");
        for part in [
            "stopped early by a signal",
            "  heap.pprof",
            "execution trace of at most ",
            " s of 10 s (its end is missing: stopped early by a signal",
            "  CPU profile: stopped early by a signal",
            // It was asked for, and what comes behind it is not any more.
            "  mutex profile: stopped early by a signal",
            "  block profile: stopped early by a signal",
            "  the last 3",
        ] {
            assert!(said.contains(part), "no {part:?} in {said}");
        }
        assert!(fs::metadata(folder.join("trace.out")).unwrap().len() > 16);
        let summary = checked("capture", fs::read(folder.join("capture.json")).unwrap());
        assert_eq!(summary["ending"], "signal");
        let missing = summary["missing"].to_string();
        assert!(missing.contains("CPU profile") && missing.contains("the last 3"), "{missing}");
    }
}

#[test]
fn a_signal_ends_the_wait_for_an_endpoint() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("capture");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/debug/pprof", silent.local_addr().unwrap());
    let child = capture(&url, folder.to_str().unwrap()).spawn().unwrap();
    let (_held, _) = silent.accept().unwrap();
    assert!(
        Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success()
    );
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("stopped by a signal before the endpoint answered"), "{said}");
    assert!(!folder.exists());
}

/// One end of a socket that takes nothing more, and the other.
fn full_socket() -> (UnixStream, UnixStream) {
    let (mut full, other) = UnixStream::pair().unwrap();
    full.set_nonblocking(true).unwrap();
    while full.write(&[0; 4096]).is_ok() {}
    while full.write(&[0]).is_ok() {}
    full.set_nonblocking(false).unwrap();
    (full, other)
}

#[test]
fn a_signal_ends_a_capture_whose_list_nobody_reads() {
    let (url, _events) = endless(&["/cmdline", "/heap"]);
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("capture");
    let (full, reader) = full_socket();
    let mut child = Command::new(env!("CARGO_BIN_EXE_mapscope"))
        .args(["capture", "--json", "-d", "1s", "--answer-time", "1s", "--url", &url, "-o"])
        .arg(&folder)
        .stdout(OwnedFd::from(full))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(said.map(Result::unwrap).any(|line| line.contains("next: ")));
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.unwrap().success());
    // Where the signal does nothing, this ends it.
    drop(reader);
    assert_eq!(child.wait().unwrap().signal(), Some(2));
}

#[test]
fn a_program_that_is_not_of_go_is_said_to_be_none() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("capture");
    let output = mapscope(["capture", "-o", folder.to_str().unwrap(), "--", "sleep", "1"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("sleep is no Go program"), "{said}");
    assert!(!said.contains("net/http/pprof") && !said.contains("next:"), "{said}");
    // Where perf works, its file is there.
    if output.status.code() == Some(0) {
        assert!(said.contains("nothing in") && said.contains("no maps to diagnose"), "{said}");
    } else {
        assert_eq!(output.status.code(), Some(2), "{said}");
    }
}

#[test]
fn a_bomb_takes_little_memory() {
    // A string of 1 GiB, in gzip members of 16 MiB zeros.
    let member = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let head = member(&[0x32, 0x80, 0x80, 0x80, 0x80, 0x04]);
    let bomb = [head, member(&vec![0; 16 << 20]).repeat(64)].concat();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/debug/pprof", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = String::new();
            let _ = BufReader::new(stream.try_clone().unwrap()).read_line(&mut request);
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                bomb.len()
            );
            let _ = stream.write_all(&bomb);
        }
    });
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("capture");
    let script = format!(
        "ulimit -v 1000000; {} capture --url {url} -d 1s -o {}",
        env!("CARGO_BIN_EXE_mapscope"),
        folder.display()
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("inflates beyond the limit of 134217728 bytes"), "{said}");
    assert!(!folder.exists());
}

#[test]
fn secrets_of_a_url_are_in_no_message() {
    let secrets = ["sesame", "t0ken"];
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("capture");
    for url in [
        "http://me:sesame@127.0.0.1:1/debug/pprof?token=t0ken",
        "http://sesame@127.0.0.1:1/debug/pprof?t0ken",
        "https://me:sesame@127.0.0.1:1/debug/pprof?token=t0ken",
        "http://me:ses/sesame@127.0.0.1:1/t0ken",
        "http://me:ses?sesame@127.0.0.1:1/t0ken",
        "HTTP://me:sesame@127.0.0.1:1/debug/pprof?token=t0ken",
        "Https://me:sesame@127.0.0.1:1/debug/pprof?token=t0ken",
        "me:sesame@127.0.0.1:1/debug/pprof?token=t0ken",
        "htp://me:ses/sesame@127.0.0.1:1/debug/pprof?token=t0ken",
    ] {
        let commands: [&[&str]; 6] = [
            &["capture", "--url", url, "-o", folder.to_str().unwrap()],
            &["diagnose", url],
            &["whatif", url],
            &["compare", url, url],
            &["scan", url],
            &["asm", url, "main.main"],
        ];
        for command in commands {
            let output = mapscope(command);
            assert_eq!(output.status.code(), Some(2));
            let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            assert!(said.contains("xxxxx"), "{said}");
            assert!(!secrets.iter().any(|secret| said.contains(secret)), "{said}");
        }
    }
}
