//! Who may read a capture, and who may write to its folder.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::time::Duration;

use capture::{Error, Options, Target, capture};

use crate::{files, options, server};

#[test]
fn a_capture_is_readable_for_its_user_only() {
    let Some(server) = server() else { return xtask::skip("Go 1.27.3 is not installed") };
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        target: Some(Target::Command(vec![server.into(), "300ms".into()])),
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
    assert!(matches!(capture(&dangling, &mut |_| {}).unwrap_err(), Error::Write { .. }));
}
