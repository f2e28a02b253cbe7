//! What an output may take the place of, what it keeps, and what is left when it fails.
#![allow(clippy::unwrap_used, missing_docs)]

use std::cell::{Cell, RefCell};
use std::fs::{self, File, Permissions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use output::{
    Draft, Error, ErrorKind, Inputs, Kind, Output, Over, is_only_ours, make_folder, open_to_others,
    write_private, write_whole,
};
use rustix::io::ioctl_fionbio;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, connect, listen, socket};

/// What these tests write begins so.
const TEXT: &[u8] = b"of ours: ";
const KIND: Kind = Kind {
    what: "a text of ours",
    is_one: |file| {
        let mut head = Vec::new();
        let _ = file.take(TEXT.len() as u64).read_to_end(&mut head);
        head == TEXT
    },
};

fn output<'a>(path: &'a Path, inputs: &'a Inputs, over: Over) -> Output<'a> {
    Output { path, kind: KIND, inputs, over }
}

/// Checks and writes a text of ours.
fn write_over(path: &Path, over: Over) -> Result<(), Error> {
    let none = Inputs::default();
    let output = output(path, &none, over);
    output.check()?;
    output.write(b"of ours: new")
}

fn write(path: &Path) -> Result<(), Error> {
    write_over(path, Over::SameKind)
}

/// Names in a folder, sorted.
fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

struct Dir(tempfile::TempDir);

impl Dir {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        fs::write(self.path(name), text).unwrap();
        self.path(name)
    }

    fn names(&self) -> Vec<String> {
        names(self.0.path())
    }
}

fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        xtask::skip("it takes root");
    }
    is_root
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn run(program: &str, args: &[&str]) {
    assert!(Command::new(program).args(args).status().unwrap().success(), "{program} {args:?}");
}

/// Lazily, as a process that another test starts at that moment has our descriptors too, until it executes.
fn unmount(path: &Path) {
    run("umount", &["--lazy", path.to_str().unwrap()]);
}

#[test]
fn a_new_file_is_whole_and_alone() {
    let dir = Dir::new();
    write(&dir.path("new")).unwrap();
    assert_eq!(fs::read(dir.path("new")).unwrap(), b"of ours: new");
    assert_eq!(dir.names(), ["new"]);
    // As programs usually make files: what the umask leaves.
    File::create(dir.path("usual")).unwrap();
    assert_eq!(mode(&dir.path("new")), mode(&dir.path("usual")));
}

#[test]
fn a_check_leaves_nothing_and_changes_nothing() {
    let dir = Dir::new();
    let none = Inputs::default();
    output(&dir.path("new"), &none, Over::SameKind).check().unwrap();
    assert!(dir.names().is_empty());
    let old = dir.file("old", "of ours: old");
    let before = fs::metadata(&old).unwrap();
    output(&old, &none, Over::SameKind).check().unwrap();
    let after = fs::metadata(&old).unwrap();
    assert_eq!((before.ino(), before.mtime_nsec()), (after.ino(), after.mtime_nsec()));
    assert_eq!(fs::read(&old).unwrap(), b"of ours: old");
}

#[test]
fn its_own_kind_and_nothing_are_written_over() {
    let dir = Dir::new();
    for text in ["of ours: old", ""] {
        write(&dir.file("old", text)).unwrap();
        assert_eq!(fs::read(dir.path("old")).unwrap(), b"of ours: new");
    }
}

#[test]
fn another_kind_takes_force() {
    let dir = Dir::new();
    let other = dir.file("notes", "of mine");
    let error = write(&other).unwrap_err();
    assert!(matches!(error.kind, ErrorKind::OtherKind { .. }), "{error}");
    assert!(
        error.to_string().contains("not a text of ours") && error.to_string().contains("--force")
    );
    assert_eq!(fs::read(&other).unwrap(), b"of mine");
    write_over(&other, Over::Anything).unwrap();
    assert_eq!(fs::read(&other).unwrap(), b"of ours: new");
    assert_eq!(dir.names(), ["notes"]);
}

#[test]
fn no_input_is_written_over_under_any_of_its_names() {
    let dir = Dir::new();
    let input = dir.file("input", "of ours: input");
    fs::hard_link(&input, dir.path("hard")).unwrap();
    symlink("input", dir.path("link")).unwrap();
    symlink(dir.path("link"), dir.path("link-to-link")).unwrap();
    let in_folder = Inputs::of([dir.0.path()]);
    let by_name = Inputs::of([&*input, Path::new("http://127.0.0.1/none")]);
    let by_link = Inputs::of([&*dir.path("link-to-link")]);
    for inputs in [&in_folder, &by_name, &by_link] {
        for name in ["input", "hard", "link", "link-to-link", "./link"] {
            let path = dir.path(name);
            let output = output(&path, inputs, Over::Anything);
            assert!(matches!(output.check().unwrap_err().kind, ErrorKind::Input), "{name}");
            assert!(matches!(output.write(b"x").unwrap_err().kind, ErrorKind::Input), "{name}");
        }
    }
    assert_eq!(fs::read(&input).unwrap(), b"of ours: input");
}

#[test]
fn an_input_is_safe_from_a_descriptor_too() {
    let dir = Dir::new();
    let input = dir.file("input", "of ours: input");
    let open = File::options().append(true).open(&input).unwrap();
    let inputs = Inputs::of([&*input]);
    let path = PathBuf::from(format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&open)));
    let error = output(&path, &inputs, Over::Anything).write(b"x").unwrap_err();
    assert!(matches!(error.kind, ErrorKind::Input), "{error}");
}

#[test]
fn no_executable_is_written_over() {
    let dir = Dir::new();
    for head in ["\x7fELF\x02\x01", "#!/bin/sh\n", "MZ\u{90}"] {
        let program = dir.file("program", head);
        let error = write_over(&program, Over::Anything).unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Executable), "{error}");
        assert_eq!(fs::read_to_string(&program).unwrap(), head);
    }
}

#[test]
fn what_may_be_run_or_cannot_be_read_is_not_written_over() {
    let dir = Dir::new();
    // A shell runs it without `#!`.
    let script = dir.file("script", "echo of mine");
    for mode_of_script in [0o755, 0o710, 0o641] {
        fs::set_permissions(&script, Permissions::from_mode(mode_of_script)).unwrap();
        for over in [Over::SameKind, Over::Anything] {
            let error = write_over(&script, over).unwrap_err();
            assert!(matches!(error.kind, ErrorKind::Runnable), "{error}");
        }
    }
    assert_eq!(fs::read(&script).unwrap(), b"echo of mine");
    fs::set_permissions(&script, Permissions::from_mode(0o311)).unwrap();
    if rustix::process::geteuid().is_root() {
        return xtask::skip("root may read everything");
    }
    for over in [Over::SameKind, Over::Anything] {
        let error = write_over(&script, over).unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Unreadable(_)), "{error}");
    }
}

#[test]
fn mode_and_owner_of_the_old_file_are_kept() {
    let dir = Dir::new();
    let old = dir.file("old", "of ours: old");
    for mode_of_old in [0o640, 0o666, 0o600, 0o755] {
        fs::set_permissions(&old, Permissions::from_mode(mode_of_old)).unwrap();
        write(&old).unwrap();
        assert_eq!(mode(&old), mode_of_old);
    }
    if !is_root() {
        return;
    }
    chown(&old, Some(65_534), Some(65_533)).unwrap();
    // What would run with its owner's rights does not any more.
    fs::set_permissions(&old, Permissions::from_mode(0o6755)).unwrap();
    write(&old).unwrap();
    let metadata = fs::metadata(&old).unwrap();
    assert_eq!((metadata.uid(), metadata.gid(), mode(&old)), (65_534, 65_533, 0o755));
}

#[test]
fn a_file_that_may_not_be_written_stays() {
    let dir = Dir::new();
    let old = dir.file("old", "of ours: old");
    fs::set_permissions(&old, Permissions::from_mode(0o444)).unwrap();
    if rustix::process::geteuid().is_root() {
        return xtask::skip("root may write everything");
    }
    assert!(write(&old).unwrap_err().to_string().contains("Permission denied"));
}

#[test]
fn a_link_keeps_leading_where_it_led_and_its_file_is_replaced() {
    let dir = Dir::new();
    fs::create_dir(dir.path("there")).unwrap();
    let file = dir.file("there/file", "of ours: old");
    symlink("there/file", dir.path("link")).unwrap();
    write(&dir.path("link")).unwrap();
    assert_eq!(fs::read_link(dir.path("link")).unwrap(), Path::new("there/file"));
    assert_eq!(fs::read(&file).unwrap(), b"of ours: new");
    assert_eq!(
        (dir.names(), names(&dir.path("there"))),
        (vec!["link".into(), "there".into()], vec!["file".into()])
    );
}

#[test]
fn links_that_lead_nowhere_make_no_file() {
    let dir = Dir::new();
    symlink("gone", dir.path("dangling")).unwrap();
    symlink("circle", dir.path("circle")).unwrap();
    let error = write_over(&dir.path("dangling"), Over::Anything).unwrap_err();
    assert!(matches!(error.kind, ErrorKind::DanglingLink { .. }), "{error}");
    let error = write(&dir.path("circle")).unwrap_err();
    assert!(matches!(error.kind, ErrorKind::LinkLoop), "{error}");
    assert_eq!(dir.names(), ["circle", "dangling"]);
}

/// A file and a link to it, the link of another user, in a folder of that user that has this mode.
fn with_foreign_link(mode: u32) -> Dir {
    let dir = Dir::new();
    fs::create_dir(dir.path("theirs")).unwrap();
    dir.file("file", "of ours: old");
    symlink(dir.path("file"), dir.path("theirs/link")).unwrap();
    run("chown", &["-h", "65534:65534", dir.path("theirs/link").to_str().unwrap()]);
    chown(dir.path("theirs"), Some(65_534), None).unwrap();
    fs::set_permissions(dir.path("theirs"), Permissions::from_mode(mode)).unwrap();
    dir
}

#[test]
fn a_link_of_another_user_leads_only_to_what_is_theirs() {
    if !is_root() {
        return;
    }
    let dir = with_foreign_link(0o755);
    let link = dir.path("theirs/link");
    let error = write_over(&link, Over::Anything).unwrap_err();
    assert!(matches!(error.kind, ErrorKind::ForeignLink { uid: 65_534, .. }), "{error}");
    assert_eq!(fs::read(dir.path("file")).unwrap(), b"of ours: old");
    chown(dir.path("file"), Some(65_534), None).unwrap();
    write(&link).unwrap();
    assert_eq!(fs::metadata(dir.path("file")).unwrap().uid(), 65_534);
}

#[test]
fn where_everybody_may_write_nothing_of_others_is_used() {
    if !is_root() {
        return;
    }
    let dir = with_foreign_link(0o1777);
    chown(dir.path("file"), Some(65_534), None).unwrap();
    let error = write(&dir.path("theirs/link")).unwrap_err();
    assert!(matches!(error.kind, ErrorKind::ForeignLink { .. }), "{error}");
    let (file, fifo) = (dir.file("theirs/file", "of ours: old"), dir.path("theirs/fifo"));
    run("mkfifo", &[fifo.to_str().unwrap()]);
    for planted in [file, fifo] {
        chown(&planted, Some(65_534), None).unwrap();
        let error = write_over(&planted, Over::Anything).unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Planted { uid: 65_534 }), "{error}");
    }
}

#[test]
fn a_link_planted_at_a_temporary_name_is_not_followed() {
    let dir = Dir::new();
    let victim = dir.file("victim", "of another");
    // The name that earlier releases took.
    symlink(&victim, dir.path(&format!(".new.{}", std::process::id()))).unwrap();
    write(&dir.path("new")).unwrap();
    assert_eq!(fs::read(&victim).unwrap(), b"of another");
    // No two drafts have one name, and the name is long.
    let drafts: Vec<Draft> = (0..50).map(|_| Draft::new(&dir.path("new")).unwrap()).collect();
    let mut names = dir.names();
    names.retain(|name| name.starts_with(".mapscope-"));
    assert_eq!(names.len(), 50);
    assert!(names.iter().all(|name| name.len() == ".mapscope-".len() + 16), "{names:?}");
    drop(drafts);
    assert_eq!(dir.names().len(), 3, "what is not kept leaves nothing");
}

#[test]
fn devices_are_written_to_and_stay_devices() {
    if !is_root() {
        return;
    }
    let dir = Dir::new();
    let (null, full) = (dir.path("null"), dir.path("full"));
    run("mknod", &[null.to_str().unwrap(), "c", "1", "3"]);
    run("mknod", &[full.to_str().unwrap(), "c", "1", "7"]);
    symlink("null", dir.path("link")).unwrap();
    if fs::write(&null, "x").is_err() {
        return xtask::skip("devices cannot be used here");
    }
    write(&null).unwrap();
    write(&dir.path("link")).unwrap();
    let error = write(&full).unwrap_err().to_string();
    assert!(error.contains("full: cannot be written: No space left on device"), "{error}");
    for device in [null, full] {
        assert!(fs::symlink_metadata(device).unwrap().file_type().is_char_device());
    }
    assert_eq!(dir.names(), ["full", "link", "null"]);
}

#[test]
fn disks_and_other_devices_are_never_written_to() {
    if !is_root() {
        return;
    }
    let dir = Dir::new();
    // Of loop devices, of memory and of others: nothing is behind these numbers.
    for (name, kind, major, minor) in
        [("disk", "b", "7", "250"), ("mem", "c", "1", "250"), ("other", "c", "10", "250")]
    {
        let path = dir.path(name);
        run("mknod", &[path.to_str().unwrap(), kind, major, minor]);
        for over in [Over::SameKind, Over::Anything] {
            let error = write_over(&path, over).unwrap_err();
            assert!(matches!(error.kind, ErrorKind::Device), "{name}: {error}");
        }
    }
}

#[test]
fn a_pipe_is_not_opened_by_a_check_and_gets_all_of_a_write() {
    let dir = Dir::new();
    let fifo = dir.path("fifo");
    run("mkfifo", &[fifo.to_str().unwrap()]);
    let none = Inputs::default();
    // Without a reader this would wait for ever.
    output(&fifo, &none, Over::SameKind).check().unwrap();
    let big = vec![b'x'; 1 << 20];
    let reader = std::thread::spawn({
        let fifo = fifo.clone();
        move || fs::read(fifo).unwrap()
    });
    output(&fifo, &none, Over::SameKind).check().unwrap();
    output(&fifo, &none, Over::SameKind).write(&big).unwrap();
    assert!(reader.join().unwrap() == big);
    assert!(fs::symlink_metadata(fifo).unwrap().file_type().is_fifo());
}

#[test]
fn a_reader_that_went_away_is_told_with_the_name() {
    let dir = Dir::new();
    let fifo = dir.path("fifo");
    run("mkfifo", &[fifo.to_str().unwrap()]);
    let reader = std::thread::spawn({
        let fifo = fifo.clone();
        move || File::open(fifo).unwrap().read(&mut [0; 1]).unwrap()
    });
    let none = Inputs::default();
    let error = output(&fifo, &none, Over::SameKind).write(&vec![0; 4 << 20]).unwrap_err();
    reader.join().unwrap();
    assert!(
        error.to_string().ends_with("fifo: cannot be written: Broken pipe (os error 32)"),
        "{error}"
    );
}

#[test]
fn a_reader_is_not_waited_for_once_nobody_wants_to_wait() {
    let dir = Dir::new();
    let fifo = dir.path("fifo");
    run("mkfifo", &[fifo.to_str().unwrap()]);
    let none = Inputs::default();
    let give_up = || {
        let output = output(&fifo, &none, Over::SameKind);
        output.write_until(&vec![0; 4 << 20], &|| true).unwrap_err().to_string()
    };
    let without_reader = give_up();
    // One that does not read.
    let _reader = File::options().read(true).write(true).open(&fifo).unwrap();
    for said in [without_reader, give_up()] {
        assert!(said.ends_with("fifo: cannot be written: nobody reads from it"), "{said}");
    }
}

#[test]
fn a_pipe_of_another_user_is_told_as_one() {
    if !is_root() {
        return;
    }
    let dir = Dir::new();
    let fifo = dir.path("fifo");
    run("mkfifo", &[fifo.to_str().unwrap()]);
    let none = Inputs::default();
    let owner = || output(&fifo, &none, Over::SameKind).pipe_of_other().unwrap();
    assert_eq!(owner(), None);
    chown(&fifo, Some(65534), None).unwrap();
    assert_eq!(owner(), Some(65534));
}

/// What listens takes as many connections as it was told, until they are accepted.
#[test]
fn the_wait_for_who_takes_no_more_connections_ends() {
    let dir = Dir::new();
    let address = SocketAddrUnix::new(dir.path("socket")).unwrap();
    let make = || socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    let listener = make();
    bind(&listener, &address).unwrap();
    listen(&listener, 0).unwrap();
    let connection = || {
        let stream = make();
        ioctl_fionbio(&stream, true).unwrap();
        connect(&stream, &address).ok().map(|()| stream)
    };
    let waiting: Vec<OwnedFd> = std::iter::from_fn(connection).collect();
    assert!(!waiting.is_empty());
    let (path, none) = (dir.path("socket"), Inputs::default());
    let said = output(&path, &none, Over::SameKind).write_until(b"text", &|| true).unwrap_err();
    let said = said.to_string();
    assert!(said.ends_with("socket: cannot be written: nobody reads from it"), "{said}");
}

#[test]
fn a_socket_gets_a_connection() {
    let dir = Dir::new();
    let listener = UnixListener::bind(dir.path("socket")).unwrap();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
        text
    });
    write(&dir.path("socket")).unwrap();
    assert_eq!(reader.join().unwrap(), "of ours: new");
    let _datagrams = UnixDatagram::bind(dir.path("datagrams")).unwrap();
    assert!(
        write(&dir.path("datagrams"))
            .unwrap_err()
            .to_string()
            .contains("datagrams: cannot be written")
    );
    assert_eq!(dir.names(), ["datagrams", "socket"]);
}

#[test]
fn a_descriptor_of_a_file_is_added_to() {
    let dir = Dir::new();
    let file = dir.file("file", "kept, ");
    let open = File::options().write(true).open(&file).unwrap();
    let number = std::os::fd::AsRawFd::as_raw_fd(&open);
    let inode = fs::metadata(&file).unwrap().ino();
    for path in [format!("/dev/fd/{number}"), format!("/proc/self/fd/{number}")] {
        write(Path::new(&path)).unwrap();
    }
    assert_eq!(fs::read(&file).unwrap(), b"kept, of ours: newof ours: new");
    assert_eq!(fs::metadata(&file).unwrap().ino(), inode);
    assert_eq!(dir.names(), ["file"]);
}

#[test]
fn what_is_no_file_name_is_said_so() {
    let dir = Dir::new();
    let fails = |path: PathBuf| write(&path).unwrap_err();
    assert!(matches!(fails(dir.path(".")).kind, ErrorKind::Folder));
    assert!(matches!(fails(dir.path("..")).kind, ErrorKind::Folder));
    assert!(matches!(fails(dir.path("new/")).kind, ErrorKind::NotAName));
    assert!(matches!(fails(PathBuf::from("/")).kind, ErrorKind::Folder));
    assert!(matches!(fails(PathBuf::new()).kind, ErrorKind::NotAName));
    let error = fails(dir.path("none/new")).to_string();
    assert!(error.contains("none/new: cannot be written: No such file"), "{error}");
    let long = "n".repeat(255);
    write(&dir.path(&long)).unwrap();
    let error = fails(dir.path(&"n".repeat(256))).to_string();
    assert!(error.contains("File name too long"), "{error}");
    assert_eq!(dir.names(), [long]);
}

#[test]
fn a_full_disk_leaves_the_old_file_and_nothing_else() {
    if !is_root() {
        return;
    }
    let dir = Dir::new();
    let small = dir.0.path().to_str().unwrap();
    if !Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "small", small])
        .status()
        .unwrap()
        .success()
    {
        return xtask::skip("nothing can be mounted here");
    }
    let old = dir.file("old", "of ours: old");
    let none = Inputs::default();
    let big = vec![b'x'; 1 << 20];
    let results = [
        output(&old, &none, Over::SameKind).write(&big),
        output(&dir.path("new"), &none, Over::SameKind).write(&big),
    ];
    let private = write_private(&dir.path("private"), &big);
    let (names, text) = (dir.names(), fs::read(&old).unwrap());
    unmount(dir.0.path());
    for result in results {
        let error = result.unwrap_err().to_string();
        assert!(error.contains("cannot be written: No space left on device"), "{error}");
    }
    assert_eq!(private.unwrap_err().raw_os_error(), Some(28));
    assert_eq!((names, text), (vec!["old".into()], b"of ours: old".to_vec()));
}

#[test]
fn files_of_the_programs_own_replace_links_instead_of_following_them() {
    let dir = Dir::new();
    let victim = dir.file("victim", "of another");
    symlink(&victim, dir.path("cache")).unwrap();
    write_whole(&dir.path("cache"), b"cached").unwrap();
    assert_eq!(fs::read(&victim).unwrap(), b"of another");
    assert!(fs::symlink_metadata(dir.path("cache")).unwrap().is_file());
    write_private(&dir.path("private"), b"secret").unwrap();
    assert_eq!(mode(&dir.path("private")), 0o600);
    let mut draft = Draft::private(&dir.path("draft")).unwrap();
    draft.write_all(b"half").unwrap();
    drop(draft);
    assert_eq!(dir.names(), ["cache", "private", "victim"]);
}

#[test]
fn a_file_that_is_a_mount_point_is_written_in_place() {
    let dir = Dir::new();
    let (outside, inside) = (dir.path("outside"), dir.path("inside"));
    fs::write(&outside, "of ours: old and longer").unwrap();
    fs::write(&inside, "").unwrap();
    let mount = Command::new("mount").arg("--bind").args([&outside, &inside]).status();
    if !mount.is_ok_and(|status| status.success()) {
        xtask::skip("needs the right to mount");
        return;
    }
    let written = write(&inside);
    unmount(&inside);
    written.unwrap();
    assert_eq!(fs::read(&outside).unwrap(), b"of ours: new");
    assert_eq!(names(dir.0.path()), ["inside", "outside"]);
}

#[test]
fn a_link_to_a_folder_that_anybody_can_have_planted_is_not_followed() {
    let dir = Dir::new();
    let (for_all, target) = (dir.path("for-all"), dir.path("target"));
    fs::create_dir(&for_all).unwrap();
    fs::create_dir(&target).unwrap();
    fs::set_permissions(&for_all, Permissions::from_mode(0o1777)).unwrap();
    let link = for_all.join("link");
    symlink(&target, &link).unwrap();
    // Of ours it is followed.
    write(&link.join("output")).unwrap();
    assert_eq!(names(&target), ["output"]);
    if std::os::unix::fs::lchown(&link, Some(65_534), Some(65_534)).is_err() {
        xtask::skip("needs the right to give a link away");
        return;
    }
    let error = write(&link.join("other")).unwrap_err();
    assert!(matches!(error.kind, ErrorKind::ForeignLink { uid: 65_534, .. }), "{error}");
    assert_eq!(names(&target), ["output"]);
}

#[test]
fn what_cannot_be_written_where_it_belongs_is_kept_for_this_user() {
    let path = output::write_elsewhere(".text", b"of ours: kept").unwrap();
    let metadata = fs::metadata(&path).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read(&path).unwrap(), b"of ours: kept");
    fs::remove_file(path).unwrap();
}

#[test]
fn a_folder_is_opened_through_links_of_ours_only() {
    let dir = Dir::new();
    fs::create_dir(dir.path("there")).unwrap();
    let id =
        |file: &File| file.metadata().map(|metadata| (metadata.dev(), metadata.ino())).unwrap();
    let there = id(&make_folder(&dir.path("there")).unwrap().file);
    symlink("there", dir.path("link")).unwrap();
    symlink("./link/", dir.path("to link")).unwrap();
    for name in ["link", "link/", "to link", "to link/.", "there/"] {
        assert_eq!(id(&make_folder(&dir.path(name)).unwrap().file), there, "{name}");
    }
    symlink("circle", dir.path("circle")).unwrap();
    symlink("gone", dir.path("dangling")).unwrap();
    dir.file("file", "");
    let kind = |name: &str| make_folder(&dir.path(name)).unwrap_err().kind;
    assert!(matches!(kind("circle"), ErrorKind::LinkLoop));
    for name in ["dangling", "dangling/new", "file", "file/new"] {
        assert!(matches!(kind(name), ErrorKind::Io(_)), "{name}");
    }
    assert_eq!(dir.names(), ["circle", "dangling", "file", "link", "there", "to link"]);
    if !is_root() {
        return;
    }
    run("chown", &["-h", "65534:65534", dir.path("link").to_str().unwrap()]);
    for name in ["link", "link/", "to link", "link/new", "to link/new/below"] {
        let ErrorKind::ForeignLink { uid: 65_534, to } = kind(name) else {
            panic!("{name} was followed")
        };
        assert_eq!(to, dir.path("there"));
    }
    assert!(names(&dir.path("there")).is_empty());
}

#[test]
fn a_folder_is_made_with_those_above_it_for_this_user() {
    let dir = Dir::new();
    fs::create_dir(dir.path("there")).unwrap();
    symlink("there", dir.path("link")).unwrap();
    assert!(make_folder(&dir.path("link/new/below")).unwrap().is_new);
    assert!(!make_folder(&dir.path("there/new/below/")).unwrap().is_new);
    for made in ["there/new", "there/new/below"] {
        assert_eq!(mode(&dir.path(made)), 0o700, "{made}");
    }
    assert!(matches!(make_folder(Path::new("")).unwrap_err().kind, ErrorKind::NotAName));
}

thread_local! {
    /// A folder, and one to which a link takes its place while an old file is looked at.
    static SWAPPED: RefCell<Option<(PathBuf, PathBuf)>> = const { RefCell::new(None) };
}

fn swap(_: &mut dyn Read) -> bool {
    let (folder, other) = SWAPPED.take().unwrap();
    fs::rename(&folder, folder.with_extension("moved")).unwrap();
    symlink(other, folder).unwrap();
    true
}

#[test]
fn what_was_looked_at_is_replaced_whatever_takes_the_name_of_its_folder() {
    let dir = Dir::new();
    for name in ["folder", "elsewhere"] {
        fs::create_dir(dir.path(name)).unwrap();
        fs::write(dir.path(name).join("file"), "old").unwrap();
    }
    symlink("folder/file", dir.path("link")).unwrap();
    let kind = Kind { is_one: swap, ..KIND };
    let none = Inputs::default();
    for name in ["link", "folder/file"] {
        SWAPPED.set(Some((dir.path("folder"), dir.path("elsewhere"))));
        let path = dir.path(name);
        let output = Output { path: &path, kind, inputs: &none, over: Over::SameKind };
        output.write(name.as_bytes()).unwrap();
        assert_eq!(fs::read_to_string(dir.path("folder.moved/file")).unwrap(), name);
        assert_eq!(fs::read_to_string(dir.path("elsewhere/file")).unwrap(), "old");
        fs::remove_file(dir.path("folder")).unwrap();
        fs::rename(dir.path("folder.moved"), dir.path("folder")).unwrap();
    }
}

#[test]
fn links_of_another_user_on_the_way_lead_only_to_what_is_theirs() {
    if !is_root() {
        return;
    }
    let dir = with_foreign_link(0o755);
    fs::create_dir(dir.path("ours")).unwrap();
    let ours = dir.file("ours/file", "of ours: old");
    symlink(dir.path("ours"), dir.path("theirs/way")).unwrap();
    symlink("way/file", dir.path("theirs/out")).unwrap();
    for name in ["theirs/way", "theirs/out"] {
        run("chown", &["-h", "65534:65534", dir.path(name).to_str().unwrap()]);
    }
    for name in ["theirs/out", "theirs/way/file", "theirs/way/new"] {
        let error = write_over(&dir.path(name), Over::Anything).unwrap_err();
        assert!(matches!(error.kind, ErrorKind::ForeignLink { uid: 65_534, .. }), "{error}");
    }
    assert_eq!(
        (fs::read(ours).unwrap(), names(&dir.path("ours"))),
        (b"of ours: old".to_vec(), vec!["file".into()])
    );
    // What is theirs they could write themselves.
    chown(dir.path("ours"), Some(65_534), None).unwrap();
    write(&dir.path("theirs/way/new")).unwrap();
    assert_eq!(names(&dir.path("ours")), ["file", "new"]);
}

#[test]
fn descriptors_of_another_user_are_not_written_to() {
    if !is_root() {
        return;
    }
    let dir = with_foreign_link(0o755);
    let file = dir.file("file", "of ours: old");
    let open = File::open(&file).unwrap();
    let descriptor = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&open));
    symlink(descriptor, dir.path("theirs/descriptor")).unwrap();
    let link = dir.path("theirs/descriptor");
    run("chown", &["-h", "65534:65534", link.to_str().unwrap()]);
    let mut child = Command::new("sleep").arg("3600").uid(65_534).stdin(open).spawn().unwrap();
    let of_child = PathBuf::from(format!("/proc/{}/fd/0", child.id()));
    let errors = [&link, &of_child].map(|path| write_over(path, Over::Anything).unwrap_err());
    child.kill().unwrap();
    child.wait().unwrap();
    for error in errors {
        assert!(matches!(error.kind, ErrorKind::ForeignLink { uid: 65_534, .. }), "{error}");
    }
    assert_eq!(fs::read(file).unwrap(), b"of ours: old");
}

#[test]
fn what_others_own_or_may_write_to_is_not_only_ours() {
    let dir = Dir::new();
    let file = dir.file("file", "");
    let is_ours = |mode: u32| {
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        is_only_ours(&fs::metadata(&file).unwrap())
    };
    assert!(is_ours(0o644) && is_ours(0o755) && is_ours(0o600));
    assert!(!is_ours(0o664) && !is_ours(0o646) && !is_ours(0o1777));
    if is_root() {
        chown(&file, Some(65_534), None).unwrap();
        assert!(!is_ours(0o600));
    }
}

#[test]
fn who_may_write_above_a_file_has_a_part_in_it() {
    let dir = Dir::new();
    let whole = fs::canonicalize(dir.0.path()).unwrap();
    fs::create_dir(whole.join("above")).unwrap();
    let file = whole.join("above/file");
    fs::write(&file, "").unwrap();
    let set = |path: &Path, mode: u32| {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        open_to_others(&file).unwrap()
    };
    let above = whole.join("above");
    assert_eq!(set(&above, 0o755), None);
    assert_eq!(set(&above, 0o1777), None, "names are protected");
    for mode in [0o777, 0o775] {
        assert_eq!(set(&above, mode), Some(above.clone()));
    }
    assert_eq!(set(&above, 0o755), None);
    assert_eq!(set(&file, 0o664), Some(file.clone()));
    assert_eq!(set(&file, 0o644), None);
    if is_root() {
        chown(&above, Some(65_534), None).unwrap();
        assert_eq!(set(&above, 0o1755), Some(above.clone()));
    }
}

#[test]
fn holes_of_a_file_are_holes_of_its_copy() {
    let dir = tempfile::tempdir().unwrap();
    let [from, to] = ["from", "to"].map(|name| dir.path().join(name));
    fs::write(&from, vec![7; 3 << 20]).unwrap();
    let file = fs::OpenOptions::new().read(true).write(true).open(&from).unwrap();
    file.write_all_at(b"far", 64 << 20).unwrap();
    file.set_len(128 << 20).unwrap();
    assert_eq!(output::copy_private(&to, &file, &|| true).unwrap(), Some(128 << 20));
    assert!(fs::read(&to).unwrap() == fs::read(&from).unwrap());
    let n_bytes = |path: &Path| fs::metadata(path).unwrap().blocks() * 512;
    assert!(n_bytes(&to) <= n_bytes(&from) + (1 << 20), "{} {}", n_bytes(&to), n_bytes(&from));
}

#[test]
fn of_a_copy_that_is_not_to_go_on_nothing_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let from = dir.path().join("from");
    fs::write(&from, vec![7; 3 << 20]).unwrap();
    let n_asked = Cell::new(0);
    let goes_on = || n_asked.replace(n_asked.get() + 1) < 2;
    let copied =
        output::copy_private(&dir.path().join("to"), &File::open(&from).unwrap(), &goes_on);
    assert_eq!(copied.unwrap(), None);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}
