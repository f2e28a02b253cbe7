//! Who may read a capture, and who may write to its folder.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use capture::{Error, Limits, Options, Target, capture};

use crate::{files, options, server, why};

#[test]
fn a_capture_is_readable_for_its_user_only() {
    let Some(server) = server() else { return xtask::skip("Go 1.27.3 is not installed") };
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        target: Some(Target::Command(vec![server.into(), "3s".into()])),
        duration: Some(Duration::from_secs(60)),
        ..options(dir.path())
    };
    let summary = capture(&options, &mut |_| {}).unwrap();
    assert_eq!(fs::metadata(&options.dir).unwrap().mode() & 0o7777, 0o700);
    for file in files(&summary).into_iter().chain(["capture.json"]) {
        let mode = fs::metadata(options.dir.join(file)).unwrap().mode();
        assert_eq!(mode & 0o7777, 0o600, "{file}");
    }
    let rest = summary.missing.iter().find(|missing| missing.what.starts_with("the last "));
    assert!(rest.unwrap().why.contains("the program ended after"), "{summary:?}");
}

#[test]
fn a_folder_that_others_may_fill_is_refused_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { url: Some("http://127.0.0.1:1/".into()), ..options(dir.path()) };
    fs::create_dir(&options.dir).unwrap();
    for mode in [0o1777, 0o775] {
        fs::set_permissions(&options.dir, Permissions::from_mode(mode)).unwrap();
        let error = capture(&options, &mut |_| {}).unwrap_err();
        assert!(matches!(error, Error::OpenToOthers { .. }), "{error}");
    }
    fs::set_permissions(&options.dir, Permissions::from_mode(0o755)).unwrap();
    if chown(&options.dir, Some(65_534), None).is_ok() {
        let error = capture(&options, &mut |_| {}).unwrap_err();
        assert!(matches!(error, Error::OpenToOthers { .. }), "{error}");
        chown(&options.dir, Some(0), None).unwrap();
    }
    // What was there before the capture is there after it.
    assert!(matches!(capture(&options, &mut |_| {}).unwrap_err(), Error::Nothing { .. }));
    assert!(options.dir.exists());
    symlink("gone", dir.path().join("link")).unwrap();
    let dangling = Options { dir: dir.path().join("link"), ..options };
    assert!(matches!(capture(&dangling, &mut |_| {}).unwrap_err(), Error::Folder(_)));
}

/// A server that answers requests for profiles, the first of them when it is told to.
fn server_that_waits() -> (String, Receiver<()>, Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/debug/pprof", listener.local_addr().unwrap());
    let (asked, was_asked) = channel();
    let (go_on, may_go_on) = channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = String::new();
            let _ = BufReader::new(stream.try_clone().unwrap()).read_line(&mut request);
            let _ = asked.send(());
            // Once the other side is gone, nothing is waited for any more.
            let _ = may_go_on.recv();
            // A profile with one sample.
            let body = [0x0a, 0, 0x12, 4, 0x08, 1, 0x10, 1, 0x32, 0];
            let head = format!(
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(&[head.as_bytes(), &body].concat());
        }
    });
    (url, was_asked, go_on)
}

#[test]
fn files_go_into_the_folder_that_was_looked_at_whatever_has_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let (app, elsewhere) = (dir.path().join("app"), dir.path().join("elsewhere"));
    fs::create_dir(&elsewhere).unwrap();
    fs::create_dir(elsewhere.join("capture")).unwrap();
    let (url, was_asked, go_on) = server_that_waits();
    let options = Options { url: Some(url), ..options(&app) };
    let capturing = std::thread::spawn(move || capture(&options, &mut |_| {}));
    was_asked.recv().unwrap();
    // The folder above is taken away, and a link put in its place.
    fs::rename(&app, dir.path().join("moved")).unwrap();
    symlink(&elsewhere, &app).unwrap();
    drop(go_on);
    let summary = capturing.join().unwrap().unwrap();
    assert_eq!(fs::read_dir(elsewhere.join("capture")).unwrap().count(), 0);
    for file in files(&summary).into_iter().chain(["capture.json"]) {
        assert!(dir.path().join("moved/capture").join(file).is_file(), "{file}");
    }
}

#[test]
fn a_list_that_cannot_be_written_is_returned_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let (url, was_asked, go_on) = server_that_waits();
    let options = Options { url: Some(url), ..options(dir.path()) };
    let in_the_way = options.dir.join("capture.json");
    let capturing = std::thread::spawn(move || capture(&options, &mut |_| {}));
    was_asked.recv().unwrap();
    // No file takes the place of a folder.
    fs::create_dir(in_the_way).unwrap();
    drop(go_on);
    let summary = capturing.join().unwrap().unwrap();
    assert!(!summary.is_written() && files(&summary).contains(&"heap.pprof"), "{summary:?}");
    assert!(why(&summary, "capture.json").contains("capture/capture.json: "), "{summary:?}");
}

#[test]
fn a_folder_that_took_the_place_of_an_unused_one_stays() {
    let dir = tempfile::tempdir().unwrap();
    let (url, was_asked, go_on) = server_that_waits();
    let options = Options { url: Some(url), limits: NO_ROOM, ..options(dir.path()) };
    let named = options.dir.clone();
    let capturing = std::thread::spawn(move || capture(&options, &mut |_| {}));
    was_asked.recv().unwrap();
    fs::rename(&named, dir.path().join("moved")).unwrap();
    fs::create_dir(&named).unwrap();
    drop(go_on);
    assert!(matches!(capturing.join().unwrap().unwrap_err(), Error::Nothing { .. }));
    assert!(named.is_dir());
}

/// No answer is small enough.
const NO_ROOM: Limits = Limits { answer_time: Duration::from_secs(60), max_answer_bytes: 1 };

#[test]
fn a_link_of_another_user_is_no_folder() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("ours")).unwrap();
    let options = Options { url: Some("http://127.0.0.1:1/".into()), ..options(dir.path()) };
    symlink("ours", &options.dir).unwrap();
    // One of ours is followed.
    assert!(matches!(capture(&options, &mut |_| {}).unwrap_err(), Error::Nothing { .. }));
    if lchown(&options.dir, Some(65_534), None).is_err() {
        return xtask::skip("it takes root");
    }
    for name in ["capture", "capture/"] {
        let options = Options { dir: dir.path().join(name), ..options.clone() };
        let error = capture(&options, &mut |_| {}).unwrap_err();
        assert!(error.to_string().contains("a link of another user (uid 65534)"), "{error}");
    }
}
