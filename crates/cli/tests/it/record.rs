//! `mapscope record` from the outside: what it refuses, how it ends, and that the program goes on as before.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::thread;

use serde_json::Value;
use xtask::go::{BuildOptions, toolchain};

use crate::{diagnose_json, mapscope, wait_until};

/// Any user but root.
pub(crate) const NOBODY: &str = "65534";

pub(crate) fn record(args: &[&str]) -> Output {
    mapscope(["record"].iter().chain(args))
}

#[track_caller]
fn check_refused(args: &[&str], parts: &[&str]) {
    let output = record(args);
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {err}");
    for part in parts {
        assert!(err.contains(part), "{args:?}: no {part:?} in: {err}");
    }
}

/// Whether this machine lets us record; says why not.
pub(crate) fn can_record() -> bool {
    let output = record(&["--check"]);
    let is_ready = output.status.success();
    if !is_ready {
        xtask::skip(&String::from_utf8_lossy(&output.stdout).replace('\n', "; "));
    }
    is_ready
}

/// A program that fills maps until it is killed, and says every 100 ms how far it got. `None` where it cannot be made.
pub(crate) fn load_program() -> Option<PathBuf> {
    if !can_record() {
        return None;
    }
    let Some(go) = toolchain("1.27.3") else {
        xtask::skip("no Go 1.27.3");
        return None;
    };
    Some(go.build(&xtask::repo_root().join("bench/growload"), &BuildOptions::default()).unwrap())
}

/// A running program, killed when dropped.
pub(crate) struct Load {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Load {
    pub(crate) fn start(program: &Path, args: &[&str]) -> Self {
        Self::of(Command::new(program).args(args))
    }

    pub(crate) fn of(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut load = Self { child, output };
        load.operations();
        load
    }

    pub(crate) fn pid(&self) -> String {
        self.child.id().to_string()
    }

    /// Operations done, as it says next.
    pub(crate) fn operations(&mut self) -> u64 {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.get(1).unwrap_or_else(|| panic!("it ended: {line:?}")).parse().unwrap()
    }

    /// Fails unless it goes on working.
    #[track_caller]
    pub(crate) fn assert_works(&mut self) {
        let before = self.operations();
        assert!((0..50).any(|_| self.operations() > before), "it does nothing any more");
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// `mapscope record` in the background, its probes in place.
pub(crate) struct Recorder {
    child: Child,
    err: BufReader<ChildStderr>,
}

impl Recorder {
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::of(Command::new(env!("CARGO_BIN_EXE_mapscope")).arg("record").args(args))
    }

    pub(crate) fn of(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut err = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        err.read_line(&mut line).unwrap();
        assert!(line.contains("growth probes in"), "{line}");
        Self { child, err }
    }

    pub(crate) fn pid(&self) -> String {
        self.child.id().to_string()
    }

    /// What it says next.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.err.read_line(&mut line).unwrap();
        line
    }

    /// Until it says that it counted some; it says once a second how many. They are counted in windows: on a busy machine
    /// the first takes a while.
    #[track_caller]
    pub(crate) fn wait_for_growths(&mut self) {
        let has_counted = |line: &str| line.contains(" growth") && !line.contains("  0 growths");
        assert!((0..60).any(|_| has_counted(&self.line())), "it counts nothing");
    }

    /// Sends a signal; what it then says, and its exit code.
    pub(crate) fn end(mut self, signal: &str) -> (String, Option<i32>) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        let mut said = String::new();
        self.err.read_to_string(&mut said).unwrap();
        (said, self.child.wait().unwrap().code())
    }
}

pub(crate) fn output_path(dir: &tempfile::TempDir) -> String {
    dir.path().join("recording.pb.gz").to_str().unwrap().to_owned()
}

/// Growths in a recording.
pub(crate) fn n_grows(path: &str) -> u64 {
    growth(path)["total"]["grows"].as_u64().unwrap()
}

fn growth(path: &str) -> Value {
    diagnose_json(&[path])["growth"].clone()
}

#[test]
fn refuses_what_is_no_target() {
    check_refused(&[], &["what is to be recorded", "-p PID"]);
    check_refused(&["-p", "1", "-n", "server"], &["give one of"]);
    check_refused(&["-p", "4194304"], &["process 4194304", "there is none"]);
    check_refused(&["-n", "no-such-program"], &["no-such-program", "record -- COMMAND"]);
    check_refused(&["--", "/nonexistent/server"], &["/nonexistent/server", "no such program"]);
    check_refused(&["--", "/bin/true"], &["true is not a Go program"]);
    check_refused(&["-d", "5x", "-p", "1"], &["5x", "30s"]);
}

#[test]
fn a_check_of_a_process_reads_its_executable() {
    let own = std::process::id().to_string();
    let output = record(&["--check", "-p", &format!("4194304,{own}")]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("process 4194304\n         there is none"), "{said}");
    assert!(said.contains("is not a Go program that can be recorded"), "{said}");
}

#[test]
fn refuses_a_script_and_says_how_to_record_what_it_starts() {
    let dir = tempfile::tempdir().unwrap();
    let script = dir.path().join("run.sh");
    fs::write(&script, "#!/bin/sh\ntrue\n").unwrap();
    Command::new("chmod").arg("+x").arg(&script).status().unwrap();
    check_refused(&["--", script.to_str().unwrap()], &["is a script", "--exe PROGRAM"]);
}

#[test]
fn refuses_a_go_version_that_it_does_not_know() {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("server");
    for version in ["go1.99.3", "devel +a"] {
        let mut bytes = fs::read(crate::binary("nested-1.27.3")).unwrap();
        xtask::go::stamp(&mut bytes, "go1.27.3", version);
        fs::write(&program, bytes).unwrap();
        Command::new("chmod").arg("+x").arg(&program).status().unwrap();
        check_refused(&["--", program.to_str().unwrap()], &[version, "1.18 to 1.27"]);
    }
}

#[test]
fn refuses_an_output_that_cannot_be_written_before_it_records() {
    check_refused(
        &["-o", "/nonexistent/x.pb.gz", "--", "/bin/true"],
        &["/nonexistent/x.pb.gz", "cannot be written"],
    );
}

#[test]
fn devices_and_pipes_are_recorded_into() {
    let Some(program) = load_program() else { return };
    let dir = tempfile::tempdir().unwrap();
    let load = Load::start(&program, &["-work", "mix"]);
    let pid = load.pid();
    let to = |path: &str| record(&["-p", &pid, "-d", "300ms", "-o", path]);
    let fifo = dir.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let reader = thread::spawn({
        let fifo = fifo.clone();
        move || fs::read(fifo).unwrap()
    });
    let [piped, dashed] = ["/dev/stdout", "-"].map(|name| {
        let output = to(name);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    });
    assert!(to(fifo.to_str().unwrap()).status.success());
    for bytes in [piped, dashed, reader.join().unwrap()] {
        let path = output_path(&dir);
        fs::write(&path, bytes).unwrap();
        growth(&path);
    }
    let full = to("/dev/full");
    assert_eq!(full.status.code(), Some(2));
    let said = String::from_utf8(full.stderr).unwrap();
    assert!(said.contains("/dev/full: cannot be written: No space left"), "{said}");
}

#[test]
fn writes_what_it_has_when_it_is_stopped_early() {
    let Some(program) = load_program() else { return };
    for signal in ["-INT", "-TERM"] {
        let dir = tempfile::tempdir().unwrap();
        let path = output_path(&dir);
        let mut load = Load::start(&program, &["-work", "mix"]);
        let mut recorder = Recorder::start(&["-p", &load.pid(), "-o", &path]);
        load.assert_works();
        recorder.wait_for_growths();
        let (said, code) = recorder.end(signal);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("stopped early by a signal"), "{said}");
        let diagnosis = diagnose_json(&[&path]);
        assert!(diagnosis["notices"].to_string().contains("stopped early"), "{diagnosis}");
        assert!(n_grows(&path) > 0);
        load.assert_works();
    }
}

/// Whether a process catches SIGTERM. Source: proc_pid_status(5), `SigCgt`.
fn catches_sigterm(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
    u64::from_str_radix(mask.trim(), 16).unwrap() >> 14 & 1 == 1
}

#[test]
fn a_command_does_not_begin_when_a_signal_came_before() {
    let Some(program) = load_program() else { return };
    let dir = tempfile::tempdir().unwrap();
    let begun = dir.path().join("begun");
    let child = Command::new(env!("CARGO_BIN_EXE_mapscope"))
        .args(["record", "-o", &output_path(&dir), "--exe"])
        .arg(&program)
        .args(["--", "touch", begun.to_str().unwrap()])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Before it attaches, which takes longer than to look once more.
    wait_until("it catches signals", || catches_sigterm(child.id()));
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("stopped by a signal before it began"), "{said}");
    assert!(!begun.exists(), "{said}");
}

#[test]
fn a_recording_that_cannot_be_written_is_kept_elsewhere() {
    let Some(program) = load_program() else { return };
    let load = Load::start(&program, &["-work", "grow"]);
    let (dir, pid) = (tempfile::tempdir().unwrap(), load.pid());
    let output = Command::new(env!("CARGO_BIN_EXE_mapscope"))
        .args(["record", "-p", &pid, "-d", "300ms", "-o", "/dev/full"])
        .env("TMPDIR", dir.path())
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{err}");
    assert!(err.contains("No space left"), "{err}");
    let (_, kept) = err.trim_end().rsplit_once("the recording is kept in ").unwrap();
    assert!(Path::new(kept).starts_with(dir.path()), "{err}");
    assert!(n_grows(kept) > 0);
}

#[test]
fn a_recording_that_can_be_kept_nowhere_is_said_to_be_lost() {
    let Some(program) = load_program() else { return };
    let load = Load::start(&program, &["-work", "grow"]);
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_mapscope"))
        .args(["record", "-p", &load.pid(), "-d", "300ms", "-o", "/dev/full"])
        .env("TMPDIR", dir.path().join("none"))
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{err}");
    assert!(err.contains("No space left") && err.contains("the recording is lost"), "{err}");
}

#[test]
fn a_signal_ends_the_wait_for_a_reader() {
    let Some(program) = load_program() else { return };
    let load = Load::start(&program, &["-work", "mix"]);
    let dir = tempfile::tempdir().unwrap();
    let fifo = dir.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let mut command = Command::new(env!("CARGO_BIN_EXE_mapscope"));
    command.args(["record", "-p", &load.pid(), "-o"]).arg(&fifo).env("TMPDIR", dir.path());
    let (said, code) = Recorder::of(&mut command).end("-TERM");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("nobody reads from it; the recording is kept in "), "{said}");
}

#[test]
fn records_though_nobody_reads_what_it_says() {
    let Some(program) = load_program() else { return };
    let load = Load::start(&program, &["-work", "grow"]);
    let (dir, pid) = (tempfile::tempdir().unwrap(), load.pid());
    let path = output_path(&dir);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = Command::new(env!("CARGO_BIN_EXE_mapscope"))
        .args(["record", "-p", &pid, "-d", "1500ms", "-o", &path])
        .stderr(writer)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(n_grows(&path) > 0);
}

#[test]
fn ends_in_time_though_what_it_says_cannot_be_written() {
    let Some(program) = load_program() else { return };
    let load = Load::start(&program, &["-work", "grow"]);
    let (dir, pid) = (tempfile::tempdir().unwrap(), load.pid());
    let path = output_path(&dir);
    let (reader, mut writer) = std::io::pipe().unwrap();
    // Source: pipe(7), "Pipe capacity".
    writer.write_all(&[b' '; 1 << 16]).unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_mapscope"))
        .args(["record", "-p", &pid, "-d", "1500ms", "-o", &path])
        .stderr(writer)
        .status()
        .unwrap();
    drop(reader);
    assert_eq!(status.code(), Some(0));
    assert!(n_grows(&path) > 0);
}

#[test]
fn ends_with_the_program() {
    let Some(program) = load_program() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = output_path(&dir);
    let program = program.to_str().unwrap();
    let all =
        ["-o", &path, "--max-overhead", "100", "--", program, "-work", "tiny", "-rounds", "20"];
    let output = record(&all);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("until the program ended"));
    let diagnosis = diagnose_json(&[&path]);
    let sites = diagnosis["sites"].as_array().unwrap();
    let tiny = sites.iter().find(|site| site["function"] == "main.tiny").unwrap();
    assert_eq!(tiny["growth"]["total"]["grows"], 20_000, "one growth per map, 1000 maps a round");
    assert_eq!(tiny["growth"]["total"]["moved_entries"], 8 * 20_000);
    assert_eq!(diagnosis["growth"]["lost"], 0);
}

/// Neither is a Go program, and they differ in why.
#[test]
fn an_executable_that_is_here_comes_before_one_on_path() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::create_dir(at("bin")).unwrap();
    fs::write(at("bin/program"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(at("bin/program"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(at("program"), "text").unwrap();
    let said = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mapscope"));
        command.args(["record", "--exe", "program", "-o", "recording.pb.gz"]);
        command.current_dir(dir.path()).env("PATH", at("bin"));
        String::from_utf8(command.output().unwrap().stderr).unwrap()
    };
    let here = said();
    assert!(here.contains("program is not a Go program"), "{here}");
    fs::remove_file(at("program")).unwrap();
    fs::create_dir(at("program")).unwrap();
    let on_path = said();
    assert!(on_path.contains("program is a script"), "{on_path}");
}

#[test]
fn two_processes_of_one_program_add_up() {
    let Some(program) = load_program() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = output_path(&dir);
    // A name that nothing else has.
    let own = dir.path().join("growload-two");
    xtask::copy_program(&program, &own);
    let _loads = [(), ()].map(|()| Load::start(&own, &["-work", "mix"]));
    let output = record(&["-n", "growload-two", "-d", "500ms", "-o", &path]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("in 2 processes"), "{said}");
    assert!(n_grows(&path) > 0);
}

#[test]
fn records_a_program_whose_file_was_deleted_or_replaced() {
    let Some(program) = load_program() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = output_path(&dir);
    let own = dir.path().join("growload");
    xtask::copy_program(&program, &own);
    let load = Load::start(&own, &["-work", "mix"]);
    fs::remove_file(&own).unwrap();
    for replaced_by in [None, Some("/bin/true")] {
        if let Some(other) = replaced_by {
            fs::copy(other, &own).unwrap();
        }
        let output = record(&["-p", &load.pid(), "-d", "300ms", "-o", &path]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(n_grows(&path) > 0, "{replaced_by:?}");
    }
}

/// The text of the program is as before: no breakpoint stands in it.
#[track_caller]
fn assert_no_probe_is_left(program: &Path, pid: &str) {
    let bytes = fs::read(program).unwrap();
    let binary = gobin::Binary::parse(&bytes).unwrap().value;
    let memory = fs::File::open(format!("/proc/{pid}/mem")).unwrap();
    let functions: Vec<_> = ["internal/runtime/maps.(*table).rehash", "runtime.gcAssistAlloc"]
        .iter()
        .map(|name| binary.functions().by_name(name).unwrap())
        .collect();
    let is_clean = || {
        functions.iter().all(|function| {
            let start = binary.file_offset(function.entry).unwrap().0 as usize;
            let len = (function.end.0 - function.entry.0) as usize;
            let mut code = vec![0; len];
            std::os::unix::fs::FileExt::read_exact_at(&memory, &mut code, function.entry.0)
                .unwrap();
            code == bytes[start..start + len]
        })
    };
    // The kernel takes probes out some time after they were let go.
    wait_until("no probe stays behind", is_clean);
}

/// Records a busy program again and again, each time from probes to no probes.
fn check_survives_fifty_recordings(work: &str) {
    let Some(program) = load_program() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = output_path(&dir);
    let mut load = Load::start(&program, &["-work", work]);
    for _ in 0..50 {
        let output = record(&["-p", &load.pid(), "-d", "20ms", "-o", &path]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    load.assert_works();
    assert_no_probe_is_left(&program, &load.pid());
}

#[test]
fn a_program_that_makes_small_maps_survives_fifty_recordings() {
    check_survives_fifty_recordings("tiny");
}

#[test]
fn a_program_that_grows_nested_maps_survives_fifty_recordings() {
    check_survives_fifty_recordings("grow");
}

#[test]
fn a_busy_program_survives_recorders_that_are_killed() {
    let Some(program) = load_program() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = output_path(&dir);
    let mut load = Load::start(&program, &["-work", "tiny"]);
    for _ in 0..20 {
        let recorder = Recorder::start(&["-p", &load.pid(), "-o", &path]);
        load.assert_works();
        let (_, code) = recorder.end("-KILL");
        assert_eq!(code, None);
    }
    load.assert_works();
    assert_no_probe_is_left(&program, &load.pid());
}

pub(crate) fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    status.lines().any(|line| line.starts_with("Uid:\t0\t"))
}

/// A command as a user that has these capabilities only.
pub(crate) fn as_nobody(capabilities: &str, program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    let set = |what: &str| {
        let none = format!("--{what}=-all");
        if capabilities.is_empty() { none } else { format!("{none},{capabilities}") }
    };
    command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]);
    command.args(["inh-caps", "ambient-caps", "bounding-set"].map(set)).arg(program);
    command
}

/// Where that user may read and write, with the program and the recorder in it. `None` where users cannot be changed.
pub(crate) fn open_dir(program: &Path) -> Option<(tempfile::TempDir, PathBuf, PathBuf)> {
    let has_setpriv = Command::new("setpriv").arg("--version").output().is_ok();
    if !is_root() || !has_setpriv {
        xtask::skip("needs root and setpriv to become a user with fewer rights");
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let (load, recorder) = (dir.path().join("growload"), dir.path().join("mapscope"));
    xtask::copy_program(program, &load);
    xtask::copy_program(Path::new(env!("CARGO_BIN_EXE_mapscope")), &recorder);
    assert!(
        Command::new("chmod").arg("-R").arg("a+rwX").arg(dir.path()).status().unwrap().success()
    );
    Some((dir, load, recorder))
}

#[test]
fn two_capabilities_are_enough_for_own_processes() {
    let check = record(&["--check"]);
    if !String::from_utf8_lossy(&check.stdout).contains("(uprobe_multi)") {
        xtask::skip("this kernel has no uprobe_multi links, which need fewer rights");
        return;
    }
    let Some((dir, program, recorder)) = load_program().and_then(|program| open_dir(&program))
    else {
        return;
    };
    let path = output_path(&dir);
    let load = Load::of(as_nobody("", &program).args(["-work", "mix"]));
    let mut command = as_nobody("+bpf,+perfmon", &recorder);
    let output =
        command.args(["record", "-p", &load.pid(), "-d", "300ms", "-o", &path]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(n_grows(&path) > 0, "{said}");
}

#[test]
fn without_rights_it_says_which() {
    let Some((dir, program, recorder)) = load_program().and_then(|program| open_dir(&program))
    else {
        return;
    };
    let path = output_path(&dir);
    let own = Load::of(as_nobody("", &program).args(["-work", "mix"]));
    let roots = Load::start(&program, &["-work", "mix"]);
    for (pid, part) in
        [(own.pid(), "CAP_BPF and CAP_PERFMON"), (roots.pid(), "user of the process")]
    {
        let mut command = as_nobody("", &recorder);
        let output = command.args(["record", "-p", &pid, "-o", &path]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(part), "{said}");
    }
    let output = as_nobody("", &recorder).args(["record", "--check"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("missing  capabilities") && said.contains("setcap"), "{said}");
}

#[test]
fn other_tools_open_a_recording() {
    let (Some(program), Some(go)) = (load_program(), toolchain("1.27.3")) else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = output_path(&dir);
    let load = Load::start(&program, &["-work", "tiny"]);
    let all = ["-p", &load.pid(), "-d", "300ms", "-o", &path];
    assert!(record(&all).status.success());
    let top = ["tool", "pprof", "-top", "-sample_index=map_moved_space", &path];
    let output = go.command().args(top).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("Type: map_moved_space") && text.contains("main.tiny"), "{text}");
}

/// Cumulative share of `runtime.mapassign*` in a CPU profile or recording.
fn share_of_writes(path: &str) -> f64 {
    let cpu = diagnose_json(&[path])["cpu"].clone();
    let ns = |cost: &Value| cost["cpu_ns"].as_f64().unwrap();
    ns(&cpu["by_op"]["assign"]) / ns(&cpu["total"])
}

/// Both take about 100 samples a second, so the shares of so short a run are some points apart by chance.
#[test]
fn samples_agree_with_the_profile_that_the_program_writes_itself() {
    let (true, Some(go)) = (can_record(), toolchain("1.27.3")) else { return };
    let example = xtask::repo_root().join("examples/nested/nested");
    let program = go.build(&example, &BuildOptions::default()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (path, profile) = (output_path(&dir), dir.path().join("cpu.pprof"));
    let profile = profile.to_str().unwrap();
    let all =
        ["-o", &path, "--", program.to_str().unwrap(), "-duration", "5s", "-cpuprofile", profile];
    let output = record(&all);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (ours, theirs) = (share_of_writes(&path), share_of_writes(profile));
    assert!(ours > 0.3 && (ours - theirs).abs() < 0.12, "{ours} against {theirs}");
}

#[test]
fn the_exit_code_of_a_command_is_passed_on() {
    let Some(program) = load_program() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = output_path(&dir);
    let program = program.to_str().unwrap();
    let tiny = format!("{program} -work tiny -rounds 5 > /dev/null");
    for (end, code) in [("exit 3", 3), ("kill -9 $$", 137)] {
        let script = format!("{tiny}; {end}");
        let args = ["-o", &path, "--exe", program, "--", "/bin/sh", "-c", &script];
        let output = record(&args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(&format!("the command ended with exit code {code}\n")), "{said}");
        assert!(said.contains("mapscope: wrote "), "{said}");
    }
}

/// As a probe ends a program that runs a copy of its own code.
#[test]
fn a_command_that_a_trap_ended_is_told_what_may_have_done_it() {
    let Some(program) = load_program() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = output_path(&dir);
    for (signal, is_trap) in [("TRAP", true), ("KILL", false)] {
        let script = format!("kill -{signal} $$");
        let program = program.to_str().unwrap();
        let args = ["--force", "-o", &path, "--exe", program, "--", "/bin/sh", "-c", &script];
        let output = record(&args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said.contains("a probe ends a program that runs a copy"), is_trap, "{said}");
    }
}

#[test]
fn processes_of_the_file_of_a_command_that_are_not_recorded_are_counted() {
    let Some(program) = load_program() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = output_path(&dir);
    let _beside = Load::start(&program, &["-work", "mix"]);
    let program = program.to_str().unwrap();
    let output = record(&["-o", &path, "--", program, "-work", "tiny", "-rounds", "20"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(" of this file ran beside it, not recorded"), "{said}");
    let notices = diagnose_json(&[&path])["notices"].to_string();
    assert!(notices.contains(" of the same file ran beside the command"), "{notices}");
}

#[test]
fn a_command_that_goes_on_is_named() {
    let Some(program) = load_program() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = output_path(&dir);
    // It leaves the messages of the recorder alone, and its own.
    let script = format!("exec {} -for 5m > /dev/null 2> /dev/null", program.display());
    // The recording of the second cannot be written.
    for (output, code) in [(&path[..], 0), ("/dev/full", 2)] {
        let args = ["-d", "1s", "-o", output, "--exe", program.to_str().unwrap(), "--"];
        let output = Command::new(env!("CARGO_BIN_EXE_mapscope"))
            .arg("record")
            .args([&args[..], &["/bin/sh", "-c", &script]].concat())
            .env("TMPDIR", dir.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        let (_, pid) = said.split_once("the command goes on as process ").expect("it is named");
        let pid = pid.lines().next().unwrap();
        assert!(Command::new("kill").args(["-9", pid]).status().unwrap().success());
    }
}

/// As a deploy does: by renaming, or by a link that leads elsewhere.
#[test]
fn says_that_the_path_of_an_executable_leads_to_another_file() {
    let Some(program) = load_program() else { return };
    for replace in ["mv $1/new $1/bin/growload", "ln -sfn other $1/current", ":"] {
        let dir = tempfile::tempdir().unwrap();
        let path = output_path(&dir);
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("bin")).unwrap();
        fs::create_dir(at("other")).unwrap();
        std::os::unix::fs::symlink("bin", at("current")).unwrap();
        for name in ["bin/growload", "other/growload", "new"] {
            xtask::copy_program(&program, &at(name));
        }
        let exe = at("current/growload");
        let script = format!("{replace}; exec $1/current/growload -work tiny -rounds 20");
        let args = ["-o", &path, "--exe", exe.to_str().unwrap(), "--", "/bin/sh", "-c", &script];
        let output = record(&[&args[..], &["sh", dir.path().to_str().unwrap()]].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let is_replaced = replace != ":";
        assert_eq!(said.contains("leads to another file"), is_replaced, "{replace}: {said}");
        let notices = diagnose_json(&[&path])["notices"].to_string();
        assert_eq!(notices.contains("led to another file"), is_replaced, "{replace}: {notices}");
        assert_eq!(n_grows(&path) == 0, is_replaced, "{replace}: {said}");
    }
}

/// Short-lived processes that start while it records, as compilers in a build.
#[test]
fn records_every_process_of_an_executable_that_a_command_starts() {
    let Some(program) = load_program() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = output_path(&dir);
    // A file of its own: other tests run the program too.
    let own = dir.path().join("growload");
    xtask::copy_program(&program, &own);
    let program = own.to_str().unwrap();
    let script = format!("for i in 1 2 3; do {program} -work tiny -rounds 10 & done; wait");
    let all =
        ["-o", &path, "--max-overhead", "100", "--exe", program, "--", "/bin/sh", "-c", &script];
    let output = record(&all);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let diagnosis = diagnose_json(&[&path]);
    let sites = diagnosis["sites"].as_array().unwrap();
    let tiny = sites.iter().find(|site| site["function"] == "main.tiny").unwrap();
    assert_eq!(tiny["growth"]["total"]["grows"], 3 * 10_000);
}
