//! Finding processes and reading of them.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use goproc::{
    ErrorKind, Executable, FileId, LinkAddr, LoadBias, Maps, Pid, Place, ProcessId, RunAddr,
    StartTime, wait_readable,
};

use crate::{PATIENCE, Running, assert_gone, cat_program, copy_of_cat, ends_within};

/// All memory, also that of files.
fn memory_file(pid: Pid) -> fs::File {
    fs::File::open(format!("/proc/{pid}/mem")).unwrap()
}

#[test]
fn processes_are_found_by_name_and_by_file() {
    let dir = tempfile::tempdir().unwrap();
    // The second is as long as what Linux keeps of a name.
    let name = format!("goproc-running-{}", std::process::id());
    let running = Running::of(&copy_of_cat(dir.path(), &name));
    assert_eq!(Pid::named(&name).unwrap(), [running.pid()]);
    assert!(Pid::named(&name[..15]).unwrap().contains(&running.pid()));
    assert_eq!(Pid::named(&name[..16]).unwrap(), []);
    let executable = Executable::at(&dir.path().join(&name)).unwrap();
    assert_eq!(Pid::running_file(executable.id).unwrap(), [running.pid()]);
    assert!(Pid::all().unwrap().contains(&running.pid()));
}

#[test]
fn this_process_is_not_found() {
    let own = Pid::own().executable().unwrap();
    assert_eq!(own.id, FileId::of(&std::env::current_exe().unwrap()).unwrap());
    assert!(!Pid::named(&own.name).unwrap().contains(&Pid::own()));
    assert!(!Pid::running_file(own.id).unwrap().contains(&Pid::own()));
    assert!(Pid::all().unwrap().contains(&Pid::own()));
}

#[test]
fn an_executable_is_read_after_it_was_deleted_and_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = copy_of_cat(dir.path(), "running");
    let running = Running::of(&path);
    let before = running.pid().executable().unwrap();
    assert!(!before.is_deleted);
    assert_eq!((before.name.to_str(), &before.shown), (Some("running"), &path));
    assert_eq!(before.id, Executable::at(&path).unwrap().id);
    let bytes = before.read().unwrap();
    assert_eq!(bytes, fs::read(cat_program()).unwrap());

    fs::write(dir.path().join("new"), "another").unwrap();
    fs::rename(dir.path().join("new"), &path).unwrap();
    let after = running.pid().executable().unwrap();
    assert_eq!(after, Executable { is_deleted: true, ..before });
    assert_ne!(after.id, FileId::of(&path).unwrap());
    assert_eq!(after.read().unwrap(), bytes);
    assert_eq!(Pid::named("running").unwrap().iter().filter(|&&p| p == running.pid()).count(), 1);
}

#[test]
fn a_file_may_be_called_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let path = copy_of_cat(dir.path(), "a (deleted)");
    let running = Running::of(&path);
    let executable = running.pid().executable().unwrap();
    assert_eq!((executable.name.to_str(), executable.is_deleted), (Some("a (deleted)"), false));
    fs::remove_file(&path).unwrap();
    let executable = running.pid().executable().unwrap();
    assert_eq!((executable.name.to_str(), executable.is_deleted), (Some("a (deleted)"), true));
}

#[test]
fn a_path_with_spaces_and_newlines_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("a b\nc ");
    fs::create_dir(&folder).unwrap();
    let path = copy_of_cat(&folder, " running ");
    let running = Running::of(&path);
    let id = FileId::of(&path).unwrap();
    let maps = running.pid().maps().unwrap();
    let of_file: Vec<_> = maps.mappings.iter().filter(|m| m.file == Some(id)).collect();
    assert!(!of_file.is_empty());
    assert!(of_file.iter().all(|m| m.path().as_deref() == Some(&*path)));
    fs::remove_file(&path).unwrap();
    let maps = running.pid().maps().unwrap();
    let of_file: Vec<_> = maps.mappings.iter().filter(|m| m.file == Some(id)).collect();
    assert!(of_file.iter().all(|m| m.path().as_deref() == Some(&*path)));
}

#[test]
fn the_bias_is_where_the_file_was_loaded() {
    let dir = tempfile::tempdir().unwrap();
    let path = copy_of_cat(dir.path(), "running");
    let running = Running::of(&path);
    let executable = Executable::at(&path).unwrap();
    // As if the file had its bytes at the addresses of their offsets.
    let bias = |file| running.pid().load_bias(file, |offset| Some(LinkAddr(offset.0))).unwrap();
    let bytes = executable.read().unwrap();
    fs::remove_file(&path).unwrap();
    let start: LoadBias = bias(executable.id).unwrap();
    let maps = running.pid().maps().unwrap();
    let code = maps.mappings.iter().find(|m| m.file == Some(executable.id) && m.can_execute);
    let code = code.unwrap();
    assert_eq!(start.link_addr(code.start), LinkAddr(code.offset.0));
    let mut in_memory = vec![0; 64];
    memory_file(running.pid()).read_exact_at(&mut in_memory, code.start.0).unwrap();
    assert_eq!(in_memory, bytes[code.offset.0 as usize..][..64]);
    // Another file, also when it has the path now.
    fs::write(&path, &bytes).unwrap();
    assert_eq!(bias(FileId::of(&path).unwrap()), None);
}

#[test]
fn a_function_of_this_process_is_at_its_offset() {
    let addr = RunAddr(a_function_of_this_process_is_at_its_offset as *const () as u64);
    let maps = Maps::own().unwrap();
    let mapping = maps.at(addr).unwrap();
    assert!(mapping.can_execute);
    let offset = mapping.file_offset(addr).unwrap();
    let file = Pid::own().executable().unwrap().read().unwrap();
    let mut code = [0; 16];
    memory_file(Pid::own()).read_exact_at(&mut code, addr.0).unwrap();
    assert_eq!(code, file[offset.0 as usize..][..16]);
    // A file may be one that never answers.
    let error = Pid::own().open_memory().unwrap().read_exact(addr, &mut code).unwrap_err();
    assert!(matches!(error.kind, ErrorKind::NotMapped(at) if at == addr), "{error}");
}

#[test]
fn memory_is_read_up_to_its_end() {
    let memory = Pid::own().open_memory().unwrap();
    let value: Vec<u8> = (0..=255).collect();
    let mut copy = vec![0; 256];
    memory.read_exact(RunAddr(value.as_ptr() as u64), &mut copy).unwrap();
    assert_eq!(copy, value);
    assert_eq!(memory.read(RunAddr(0), &mut []).unwrap(), 0);

    let maps = Maps::own().unwrap();
    let stack = maps.mappings.iter().find(|m| m.name == "[stack]").unwrap();
    assert_eq!(maps.at(stack.end), None);
    let near_end = RunAddr(stack.end.0 - 8);
    let mut to = [0xaa; 16];
    assert_eq!(memory.read(near_end, &mut to).unwrap(), 8);
    assert_eq!(to[8..], [0xaa; 8]);
    let not_mapped = |addr, len: usize| {
        let error = memory.read_exact(addr, &mut vec![0; len]).unwrap_err();
        assert_eq!(error.place, Place::Process(Pid::own()));
        match error.kind {
            ErrorKind::NotMapped(at) => at,
            kind => panic!("{kind}"),
        }
    };
    assert_eq!(not_mapped(near_end, 16), stack.end);
    for addr in [0, 1 << 60, u64::MAX - 4, u64::MAX] {
        assert_eq!(not_mapped(RunAddr(addr), 16), RunAddr(addr));
    }
}

#[test]
fn a_process_that_has_ended_does_not_run() {
    let mut running = Running::of(&cat_program());
    let pid = running.pid();
    let id = pid.id().unwrap();
    let pidfd = pid.open_pidfd().unwrap();
    let memory = pid.open_memory().unwrap();
    assert!(pid.is_running() && id.is_running());
    assert!(!ends_within(&pidfd, Duration::ZERO));
    assert_eq!(pid.stat().unwrap().parent, Pid::own());

    running.0.kill().unwrap();
    assert!(ends_within(&pidfd, PATIENCE));
    // Not waited for yet.
    assert_eq!(pid.stat().unwrap().state, 'Z');
    assert!(!pid.is_running() && !id.is_running());
    assert!(matches!(pid.executable().unwrap_err().kind, ErrorKind::NoExecutable));
    assert_eq!(Pid::named("cat").unwrap().iter().find(|&&other| other == pid), None);
    assert!(pid.cpu_ns().is_some());
    assert_gone(memory.read_exact(RunAddr(0x1000), &mut [0]));

    running.end();
    assert!(!pid.is_running() && !id.is_running());
    assert!(ends_within(&pidfd, Duration::ZERO));
    assert_eq!(pid.cpu_ns(), None);
    assert_gone(pid.stat());
    assert_gone(pid.id());
    assert_gone(pid.open_pidfd());
    assert_gone(pid.executable());
    assert_gone(pid.maps());
    assert_gone(pid.open_memory());
    assert_gone(pid.threads());
    assert_gone(pid.namespace_pids());
    assert_gone(pid.pid_namespace());
}

#[test]
fn numbers_that_are_no_pids_have_no_process() {
    for pid in [0, 1 << 28, i32::MAX as u32, u32::MAX].map(Pid) {
        assert!(!pid.is_running());
        assert_eq!(pid.cpu_ns(), None);
        assert_gone(pid.open_pidfd());
        assert_gone(pid.stat());
    }
}

#[test]
fn a_later_process_with_the_pid_is_another() {
    let running = Running::of(&cat_program());
    let ProcessId { pid, start } = running.pid().id().unwrap();
    let earlier = ProcessId { pid, start: StartTime(start.0 - 1) };
    assert!(!earlier.is_running());
}

#[test]
fn the_first_to_end_is_seen_among_several() {
    let mut processes = [Running::of(&cat_program()), Running::of(&cat_program())];
    let pidfds = processes.each_ref().map(|running| running.pid().open_pidfd().unwrap());
    let fds = pidfds.each_ref().map(AsFd::as_fd);
    assert_eq!(wait_readable(&fds, Duration::ZERO).unwrap(), [false, false]);
    processes[1].0.kill().unwrap();
    assert_eq!(wait_readable(&fds, PATIENCE).unwrap(), [false, true]);
    assert_eq!(wait_readable(&[], Duration::ZERO).unwrap(), [] as [bool; 0]);
}

#[test]
fn cpu_time_is_that_of_the_process() {
    let running = Running::of(&cat_program());
    assert!(running.pid().cpu_ns().is_some());
    let before = Pid::own().cpu_ns().unwrap();
    // Ends as soon as the clock moves.
    while Pid::own().cpu_ns().unwrap() == before {
        std::hint::spin_loop();
    }
    assert!(Pid::own().cpu_ns().unwrap() > before);
}

#[test]
fn threads_are_those_that_run() {
    let (hold, held) = channel::<()>();
    let (say, said) = channel();
    let thread = std::thread::spawn(move || {
        say.send(fs::read_link("/proc/thread-self").unwrap()).unwrap();
        let _ = held.recv();
    });
    let link = said.recv().unwrap();
    let tid: u32 = link.file_name().unwrap().to_str().unwrap().parse().unwrap();
    let threads = Pid::own().threads().unwrap();
    assert!(threads.iter().any(|thread| thread.0 == tid));
    assert!(threads.iter().any(|thread| thread.0 == std::process::id()));
    drop(hold);
    thread.join().unwrap();
}

#[test]
fn a_child_is_in_the_namespace_of_its_parent() {
    let running = Running::of(&cat_program());
    assert_eq!(running.pid().pid_namespace().unwrap(), Pid::own().pid_namespace().unwrap());
    let pids = running.pid().namespace_pids().unwrap();
    assert_eq!(pids.first(), Some(&running.pid()));
}

#[test]
fn a_process_in_a_namespace_has_a_number_there() {
    let mut unshare = Command::new("unshare");
    unshare.args([
        "--user",
        "--pid",
        "--fork",
        "--kill-child",
        "sh",
        "-c",
        "echo $$; read -r line",
    ]);
    unshare.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let Ok(mut outer) = unshare.spawn() else { return xtask::skip("unshare is not installed") };
    let mut said = String::new();
    BufReader::new(outer.stdout.take().unwrap()).read_line(&mut said).unwrap();
    if said.is_empty() {
        outer.wait().unwrap();
        return xtask::skip("user namespaces are not allowed here");
    }
    assert_eq!(said, "1\n");
    let parent = Pid::of_child(&outer);
    let is_child = |pid: &Pid| pid.stat().is_ok_and(|stat| stat.parent == parent);
    let inner = Pid::all().unwrap().into_iter().find(is_child).unwrap();
    let pids = inner.namespace_pids().unwrap();
    assert_eq!((pids.first(), pids.last(), pids.len() > 1), (Some(&inner), Some(&Pid(1)), true));
    assert_ne!(inner.pid_namespace().unwrap(), Pid::own().pid_namespace().unwrap());
    // The shell reads the end of its input.
    drop(outer.stdin.take());
    outer.wait().unwrap();
}

#[test]
fn a_pipe_is_not_read_as_an_executable() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let kind = |path: &Path| Executable::at(path).unwrap_err().kind;
    assert!(matches!(kind(&path), ErrorKind::NotAFile));
}

#[test]
fn a_thread_is_told_from_a_process() {
    let own = Pid::own();
    assert_eq!(own.process_of_thread(), None);
    let (may_end, ends) = channel::<()>();
    let thread = std::thread::spawn(move || ends.recv());
    let others: Vec<_> = own.threads().unwrap().into_iter().filter(|tid| tid.0 != own.0).collect();
    assert!(others.iter().any(|tid| Pid(tid.0).process_of_thread() == Some(own)));
    drop(may_end);
    assert!(thread.join().unwrap().is_err());
}

#[test]
fn of_a_page_of_a_file_only_the_copy_of_a_process_is_read() {
    let own = Pid(std::process::id());
    let written = Box::new(*b"own!");
    let code = of_a_page_of_a_file_only_the_copy_of_a_process_is_read as *const () as u64;
    let addrs = vec![RunAddr(written.as_ptr() as u64), RunAddr(code), RunAddr(1 << 46)];
    assert_eq!(own.own_bytes(addrs).unwrap(), [Some(*b"own!"), None, None]);
}
