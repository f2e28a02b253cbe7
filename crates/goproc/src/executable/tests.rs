#![allow(clippy::unwrap_used)]

use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::process::Command;

use super::*;

fn write(path: &Path, mode: u32) {
    fs::write(path, "").unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_command_is_the_first_on_path_that_may_be_run() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    for (name, mode) in [("a", 0o644), ("b", 0o755), ("c", 0o755)] {
        fs::create_dir(root.join(name)).unwrap();
        write(&root.join(name).join("prog"), mode);
    }
    fs::create_dir(root.join("a/folder")).unwrap();
    symlink(root.join("c/prog"), root.join("a/link")).unwrap();
    let directories = ["none", "a", "b", "c"].map(|name| root.join(name));
    let path = std::env::join_paths(directories).unwrap();
    let find = |name: &str| which_in(OsStr::new(name), &path).ok();
    assert_eq!(find("prog"), Some(root.join("b/prog")));
    assert_eq!(find("link"), Some(root.join("c/prog")));
    for name in ["folder", "absent", "", ".", ".."] {
        assert_eq!(find(name), None, "{name:?}");
    }
    // With a directory it is a path, whether it may be run or not.
    let plain = root.join("a/prog");
    assert_eq!(which_in(plain.as_os_str(), &path).unwrap(), plain);
    let error = which_in(OsStr::new("./absent"), &path).unwrap_err();
    assert!(matches!(error.kind, ErrorKind::NoSuchCommand), "{error}");
    assert_eq!(error.place, Place::Command("./absent".to_owned()));
}

#[test]
fn only_regular_files_are_executables() {
    let dir = tempfile::tempdir().unwrap();
    let kind = |path: &Path| Executable::at(path).unwrap_err().kind;
    assert!(matches!(kind(dir.path()), ErrorKind::NotAFile));
    assert!(matches!(kind(Path::new("/dev/zero")), ErrorKind::NotAFile));
    assert!(matches!(kind(&dir.path().join("absent")), ErrorKind::NoSuchFile));
}

/// Nobody writes to the pipe, and nobody is at the other end of the socket.
#[test]
fn nothing_but_regular_files_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let [file, pipe, socket] = ["file", "pipe", "socket"].map(|name| dir.path().join(name));
    fs::write(&file, "read").unwrap();
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let _listener = UnixListener::bind(&socket).unwrap();
    assert_eq!(io::read_to_string(open_regular(&file).unwrap()).unwrap(), "read");
    for path in [dir.path(), &pipe, &socket, Path::new("/dev/null")] {
        let error = open_regular(path).unwrap_err();
        assert!(matches!(error.kind, ErrorKind::NotAFile), "{error}");
        let id = FileId::of(path).unwrap();
        let (path, shown, name) = (path.to_owned(), path.to_owned(), OsString::new());
        let replaced = Executable { path, shown, name, id, is_deleted: false };
        assert!(matches!(replaced.read().unwrap_err().kind, ErrorKind::NotAFile));
    }
}

#[test]
fn one_suffix_is_taken_off() {
    let paths = [&b"/a b"[..], b"/a (deleted)", b"/a (deleted) (deleted)", b""];
    let without = paths.map(without_deleted);
    assert_eq!(without, ["/a b", "/a", "/a (deleted)", ""].map(PathBuf::from));
}
