//! `mapscope record` of programs as they run in production: that execute other programs, in containers, of other users.
//!
//! The program is `crates/probe/testdata/exec`: each of its rounds is 1,000 growths in `main.fill`.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};

use xtask::go::{BuildOptions, toolchain};

use crate::record::{
    Load, NOBODY, Recorder, can_record, is_root, load_program, output_path, record,
};
use crate::{diagnose_json, wait_until};

/// The program; `None` where it cannot be made or recorded.
fn exec_program() -> Option<PathBuf> {
    test_program("exec")
}

/// A program for the tests of the recorder.
fn test_program(name: &str) -> Option<PathBuf> {
    if !can_record() {
        return None;
    }
    let Some(go) = toolchain("1.27.3") else {
        xtask::skip("no Go 1.27.3");
        return None;
    };
    let source = xtask::repo_root().join("crates/probe/testdata").join(name);
    Some(go.build(&source, &BuildOptions::default()).unwrap())
}

/// Growths in `main.fill`, and whether their number is exact.
fn filled(path: &str) -> (u64, bool) {
    let diagnosis = diagnose_json(&[path]);
    let sites = diagnosis["sites"].as_array().unwrap();
    let of_fill = sites.iter().filter(|site| site["function"] == "main.fill");
    let n = of_fill.filter_map(|site| site["growth"]["total"]["grows"].as_u64()).sum();
    (n, diagnosis["growth"]["precision"] == "exact")
}

/// A running program that waits before it fills, killed when dropped.
struct Waiting {
    child: Child,
    input: ChildStdin,
    output: BufReader<std::process::ChildStdout>,
}

impl Waiting {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut waiting = Self { child, input, output };
        waiting.wait_for("ready");
        waiting
    }

    fn pid(&self) -> String {
        self.child.id().to_string()
    }

    fn go_on(&mut self) {
        self.input.write_all(b"\n").unwrap();
    }

    /// Waits for a line that begins so.
    fn wait_for(&mut self, what: &str) {
        let mut line = String::new();
        while !line.starts_with(what) {
            line.clear();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "it ended before {what:?}");
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }
}

/// A recorder that counts.
fn recording(args: &[&str]) -> Recorder {
    let mut recorder = Recorder::start(args);
    // It says first that probes are there, and then how far it got.
    recorder.line();
    recorder
}

const EXACT: [&str; 2] = ["--max-overhead", "100"];

#[test]
fn what_a_process_executes_then_is_not_recorded() {
    let (Some(program), Some(other)) = (exec_program(), load_program()) else { return };
    for (thread, links) in [("first", ""), ("other", ""), ("other", "--single-links")] {
        let dir = tempfile::tempdir().unwrap();
        let path = output_path(&dir);
        let mut waiting = Waiting::start(
            Command::new(&program).args(["20", thread]).arg(&other).args(["-work", "grow"]),
        );
        let pid = waiting.pid();
        let mut args = vec!["-p", &pid, "-o", &path, EXACT[0], EXACT[1]];
        args.extend(Some(links).filter(|links| !links.is_empty()));
        let recorder = recording(&args);
        waiting.go_on();
        waiting.wait_for("filled");
        // The other program says how far it got ten times a second: it has 2 s to be sampled in.
        for _ in 0..20 {
            let mut line = String::new();
            waiting.output.read_line(&mut line).unwrap();
        }
        let (said, code) = recorder.end("-INT");
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("1 process executed another program: recorded until then"), "{said}");
        assert_eq!(filled(&path).0, 20_000, "{thread} {links}: {said}");
        let diagnosis = diagnose_json(&[&path]);
        assert!(diagnosis["notices"].to_string().contains("executed another program"));
        let n_samples = diagnosis["cpu"]["total"]["samples"].as_u64().unwrap();
        assert!(n_samples < 60, "{n_samples} samples of 20 ms of work, and of what came after it");
    }
}

#[test]
fn a_process_that_executes_the_same_program_again_goes_on_being_recorded() {
    let Some(program) = exec_program() else { return };
    for (thread, links) in [("first", ""), ("first", "--single-links"), ("other", "")] {
        let dir = tempfile::tempdir().unwrap();
        let path = output_path(&dir);
        let again = [thread, program.to_str().unwrap(), "7", "none"];
        let mut waiting = Waiting::start(Command::new(&program).arg("20").args(again));
        let pid = waiting.pid();
        let mut args = vec!["-p", &pid, "-o", &path, EXACT[0], EXACT[1]];
        args.extend(Some(links).filter(|links| !links.is_empty()));
        let recorder = recording(&args);
        for _ in 0..2 {
            waiting.go_on();
            waiting.wait_for("filled");
        }
        waiting.go_on();
        let (said, code) = recorder.end("-INT");
        assert_eq!(code, Some(0), "{said}");
        let (n, is_exact) = filled(&path);
        if thread == "first" {
            assert_eq!((n, is_exact), (27_000, true), "{links}: {said}");
        } else {
            // Links to the first thread are of no use then: until there are others, nothing was counted, and it says so.
            assert!((20_000..=27_000).contains(&n), "{n}: {said}");
            assert!(n == 20_000 || !is_exact, "{said}");
        }
    }
}

/// Runs a script in new namespaces; `$1` is the program, `$2` the recorder, and the working directory is `dir`.
fn in_namespaces(flags: &[&str], dir: &Path, script: &str, program: &Path) -> Option<Output> {
    if !is_root() || Command::new("unshare").arg("--version").output().is_err() {
        xtask::skip("needs root and unshare for namespaces");
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(flags).args(["sh", "-ec", script, "sh"]).arg(program);
    command.arg(env!("CARGO_BIN_EXE_mapscope")).current_dir(dir).stdin(Stdio::null());
    Some(command.output().unwrap())
}

/// Starts the program, records it by its number there, and lets it fill then.
const RECORD_INSIDE: &str = r#"
mkfifo lines
"$1" 20 none <lines >said & pid=$!
exec 9>lines
until grep -q ready said; do kill -0 $pid; done
"$2" record -p $pid -o recording.pb.gz --max-overhead 100 2>err & recorder=$!
until grep -q "growths" err; do kill -0 $recorder; done
echo >&9; echo >&9
wait $recorder
"#;

#[test]
fn counts_inside_a_pid_namespace() {
    let Some(program) = exec_program() else { return };
    let namespaces: [&[&str]; 2] =
        [&["-p", "-f", "--mount-proc"], &["-m", "-p", "-f", "--mount-proc"]];
    for flags in namespaces {
        let dir = tempfile::tempdir().unwrap();
        let Some(output) = in_namespaces(flags, dir.path(), RECORD_INSIDE, &program) else {
            return;
        };
        assert!(output.status.success(), "{output:?}");
        assert_eq!(filled(&output_path(&dir)), (20_000, true), "{output:?}");
    }
}

/// A command is recorded also where the numbers in /proc are those of other processes; nothing else is.
#[test]
fn does_not_take_the_numbers_of_another_proc_for_its_own() {
    let Some(program) = exec_program() else { return };
    let dir = tempfile::tempdir().unwrap();
    let script = r#""$2" record -o recording.pb.gz --max-overhead 100 -- "$1" 20 none"#;
    let Some(output) = in_namespaces(&["-p", "-f"], dir.path(), script, &program) else { return };
    assert!(output.status.success(), "{output:?}");
    assert_eq!(filled(&output_path(&dir)), (20_000, true), "{output:?}");
    let script = r#""$2" record -p 1 -o recording.pb.gz"#;
    let output = in_namespaces(&["-p", "-f"], dir.path(), script, &program).unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(2) && said.contains("mount -t proc"), "{said}");
}

/// A container: an overlay as its root, a layer of which has the program, and nothing else has; its first process is the
/// program. Says its number out here.
struct Container {
    program: Waiting,
    pid: String,
    dir: tempfile::TempDir,
}

const CONTAINER: &str = r#"
mount -t tmpfs none "$PWD"
mkdir -p lower/proc upper work root
cp "$1" "lower/$2"
mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work,userxattr root
mount -t proc proc root/proc
exec chroot root "/$2" 20 none
"#;

impl Container {
    fn start(flags: &[&str], program: &Path, name: &str) -> Option<Self> {
        if !is_root() || Command::new("unshare").arg("--version").output().is_err() {
            xtask::skip("needs root and unshare for namespaces");
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new("unshare");
        command.args(flags).args(["-m", "-p", "-f", "sh", "-ec", CONTAINER, "sh"]).arg(program);
        command.arg(name).current_dir(dir.path());
        let program = Waiting::start(&mut command);
        let unshare = program.pid();
        let children =
            fs::read_to_string(format!("/proc/{unshare}/task/{unshare}/children")).unwrap();
        Some(Self { program, pid: children.trim().to_owned(), dir })
    }

    fn check(mut self, what: &[&str]) {
        let dir = tempfile::tempdir().unwrap();
        let path = output_path(&dir);
        let args: Vec<&str> =
            what.iter().copied().chain(["-o", &path, EXACT[0], EXACT[1]]).collect();
        let recorder = recording(&args);
        self.program.go_on();
        self.program.wait_for("filled");
        let (said, code) = recorder.end("-INT");
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(filled(&path), (20_000, true), "{what:?}: {said}");
        self.program.go_on();
        drop(self.dir);
    }
}

#[test]
fn records_a_program_that_only_a_container_has() {
    let Some(program) = exec_program() else { return };
    let of_users: [&[&str]; 2] = [&[], &["-U", "-r"]];
    for (flags, name) in of_users.into_iter().zip(["exec-in-root", "exec-in-user"]) {
        let Some(container) = Container::start(flags, &program, name) else { return };
        container.check(&["-n", name]);
        let container = Container::start(flags, &program, name).unwrap();
        let pid = container.pid.clone();
        container.check(&["-p", &pid]);
    }
}

#[test]
fn records_a_program_in_a_container_that_was_deleted_or_replaced() {
    let Some(program) = exec_program() else { return };
    for replaced_by in [None, Some("/bin/true")] {
        let Some(container) = Container::start(&[], &program, "exec-deleted") else { return };
        let pid = container.pid.clone();
        let file = format!("/proc/{pid}/root/exec-deleted");
        fs::remove_file(&file).unwrap();
        if let Some(other) = replaced_by {
            fs::copy(other, &file).unwrap();
        }
        container.check(&["-p", &pid]);
    }
}

/// Runs a program of a layer, changes its file, runs it once more, and records the first, both, and all.
const CHANGED_INSIDE: &str = r#"
mkdir layers && mount -t tmpfs none layers
mkdir layers/lower layers/upper layers/work layers/root
cp "$1" layers/lower/exec
mount -t overlay overlay -o lowerdir=layers/lower,upperdir=layers/upper,workdir=layers/work,userxattr layers/root
begin() {
    mkfifo lines-$1
    layers/root/exec 20 none <lines-$1 >said-$1 &
}
until_ready() { until grep -q ready said-$1; do kill -0 $2; done; }
begin old; old=$!; exec 8>lines-old; until_ready old $old
touch layers/root/exec
begin new; new=$!; exec 9>lines-new; until_ready new $new
code=0; "$2" record -p $old -o alone.pb.gz 2>alone || code=$?
echo $code >code
"$2" record -p $old -p $new -o both.pb.gz --max-overhead 100 2>both & recorder=$!
"$2" record --exe layers/root/exec -o all.pb.gz --max-overhead 100 2>all & every=$!
until grep -q "growths" both && grep -q "growths" all; do kill -0 $recorder $every; done
echo >&8; echo >&9
until grep -q filled said-old && grep -q filled said-new; do kill -0 $old $new; done
kill -INT $recorder $every
wait $recorder
wait $every
echo $old >pid
echo >&8; echo >&9
"#;

#[test]
fn a_process_that_does_not_run_the_code_of_its_file_is_not_said_to_be_counted() {
    let Some(program) = exec_program() else { return };
    let dir = tempfile::tempdir().unwrap();
    let Some(output) = in_namespaces(&["-m"], dir.path(), CHANGED_INSIDE, &program) else {
        return;
    };
    assert!(output.status.success(), "{output:?}");
    let text = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
    let not_its_code = format!("process {} does not run the code of ", text("pid").trim());
    assert_eq!(text("code"), "2\n");
    assert!(text("alone").contains(&not_its_code), "{}", text("alone"));
    for name in ["both", "all"] {
        let said = text(name);
        assert!(
            said.contains(&not_its_code) && said.contains("at least 20,000 growths ("),
            "{said}"
        );
        let path = dir.path().join(name).with_extension("pb.gz").display().to_string();
        assert_eq!(filled(&path), (20_000, false), "{said}");
        let notices = diagnose_json(&[&path])["notices"].to_string();
        assert!(
            notices.contains("1 process was seen not to run the code of the file"),
            "{notices}"
        );
    }
}

#[test]
fn a_program_that_copied_its_code_elsewhere_is_refused() {
    let Some(program) = test_program("remap") else { return };
    let dir = tempfile::tempdir().unwrap();
    let waiting = Waiting::start(&mut Command::new(program));
    let output = record(&["-p", &waiting.pid(), "-o", &output_path(&dir)]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("does not run the code of "), "{said}");
}

/// What is said of a process that goes on when its recording ends.
fn said_of_one_that_goes_on(how: &str) -> Option<String> {
    let program = test_program("remap")?;
    let dir = tempfile::tempdir().unwrap();
    let mut waiting = Waiting::start(Command::new(program).arg(how));
    let recorder =
        recording(&["-p", &waiting.pid(), "--max-overhead", "100", "-o", &output_path(&dir)]);
    waiting.go_on();
    waiting.wait_for("filled");
    let (said, code) = recorder.end("-INT");
    assert_eq!(code, Some(0), "{said}");
    Some(said)
}

#[test]
fn a_program_that_gives_its_code_back_is_named_and_counts_are_lower_bounds() {
    let Some(said) = said_of_one_that_goes_on("give") else { return };
    assert!(said.contains("gave back to the kernel"), "{said}");
    assert!(said.contains(": at least "), "{said}");
    let said = said_of_one_that_goes_on("keep").unwrap();
    assert!(!said.contains("does not run the code"), "{said}");
    assert!(said.contains(": 20,000 growths, "), "{said}");
}

/// The highest number that no process has out here: those to come are far from it.
fn free_number() -> String {
    let max = fs::read_to_string("/proc/sys/kernel/pid_max").unwrap();
    let mut numbers = (1..max.trim().parse::<u32>().unwrap()).rev();
    let is_free = |pid: &u32| !Path::new(&format!("/proc/{pid}")).exists();
    numbers.find(is_free).unwrap().to_string()
}

/// The number that the container has for it.
#[test]
fn says_which_process_has_a_number_in_a_container() {
    let Some(program) = exec_program() else { return };
    if !is_root() {
        xtask::skip("needs root for namespaces");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let pid = free_number();
    let script = r#"echo $(($2 - 1)) > /proc/sys/kernel/ns_last_pid; "$1" 20 none & wait"#;
    let mut command = Command::new("unshare");
    command.args(["-p", "-f", "--mount-proc", "sh", "-ec", script, "sh"]).arg(&program).arg(&pid);
    let waiting = Waiting::start(command.current_dir(dir.path()));
    let output = record(&["-p", &pid, "-o", &output_path(&dir)]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("the process that a container numbers so is"), "{said}");
    drop(waiting);
}

/// A copy of the recorder with the two capabilities, and the program, for a user with no rights.
fn with_capabilities(program: &Path) -> Option<(tempfile::TempDir, PathBuf, PathBuf)> {
    let (dir, program, recorder) = crate::record::open_dir(program)?;
    let mut setcap = Command::new("setcap");
    let is_set = setcap.arg("cap_bpf,cap_perfmon+ep").arg(&recorder).output();
    if !is_set.is_ok_and(|output| output.status.success()) {
        xtask::skip("needs setcap, and a file system that keeps capabilities");
        return None;
    }
    Some((dir, program, recorder))
}

fn as_user(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]).arg(program);
    command
}

fn status_line(pid: &str, key: &str) -> String {
    status_of(pid, key).unwrap()
}

/// `None` where it has ended.
fn status_of(pid_or_thread: &str, key: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid_or_thread}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
    Some(line.trim().to_owned())
}

#[test]
fn two_capabilities_do_not_show_the_processes_of_others() {
    let Some((dir, program, recorder)) =
        exec_program().and_then(|program| with_capabilities(&program))
    else {
        return;
    };
    let path = output_path(&dir);
    let mut of_root = Waiting::start(Command::new(&program).args(["20", "none"]));
    let mut own = Waiting::start(as_user(&program).args(["7", "none"]));
    let exe = program.to_str().unwrap();
    let mut command = as_user(&recorder);
    let command = command.args(["record", "--exe", exe, "-o", &path]).args(EXACT);
    let mut recorder = Recorder::of(command);
    let said = recorder.line();
    assert!(said.contains(&format!("only processes of user {NOBODY}")), "{said}");
    recorder.line();
    for waiting in [&mut of_root, &mut own] {
        waiting.go_on();
        waiting.wait_for("filled");
    }
    let (said, code) = recorder.end("-INT");
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(filled(&path), (7_000, true), "{said}");
    assert!(diagnose_json(&[&path])["notices"].to_string().contains("processes of others"));
}

/// As what a program that is set-user-ID starts: its real user is that of the recorder.
#[test]
fn two_capabilities_do_not_show_who_has_the_rights_of_another() {
    let Some((dir, program, recorder)) =
        exec_program().and_then(|program| with_capabilities(&program))
    else {
        return;
    };
    let path = output_path(&dir);
    let mut with_rights = Command::new("setpriv");
    with_rights.args(["--ruid", NOBODY]).arg(&program).args(["20", "none"]);
    let mut with_rights = Waiting::start(&mut with_rights);
    assert!(status_line(&with_rights.pid(), "Uid:").starts_with(&format!("{NOBODY}\t0\t")));
    let mut own = Waiting::start(as_user(&program).args(["7", "none"]));
    let mut command = as_user(&recorder);
    let command = command.args(["record", "-o", &path, "--exe"]).arg(&program).args(EXACT);
    let mut recorder = Recorder::of(command);
    recorder.line();
    recorder.line();
    for waiting in [&mut with_rights, &mut own] {
        waiting.go_on();
        waiting.wait_for("filled");
    }
    let (said, code) = recorder.end("-INT");
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(filled(&path), (7_000, true), "{said}");
}

#[test]
fn refuses_a_program_that_has_rights_of_its_own() {
    let Some((dir, program, recorder)) =
        exec_program().and_then(|program| with_capabilities(&program))
    else {
        return;
    };
    fs::set_permissions(&program, fs::Permissions::from_mode(0o4755)).unwrap();
    let mut command = as_user(&recorder);
    let output =
        command.args(["record", "-o", &output_path(&dir), "--exe"]).arg(&program).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("rights that its user does not have"), "{said}");
}

#[test]
fn keeps_only_the_rights_that_recording_needs() {
    let Some((dir, program, recorder)) =
        exec_program().and_then(|program| with_capabilities(&program))
    else {
        return;
    };
    const PERFMON: &str = "0000004000000000";
    const NONE: &str = "0000000000000000";
    let path = output_path(&dir);
    for (max_overhead, kept) in [("100", NONE), ("3", PERFMON)] {
        let own = Waiting::start(as_user(&program).args(["7", "none"]));
        let mut command = as_user(&recorder);
        command.args(["record", "-p", &own.pid(), "-o", &path, "--max-overhead", max_overhead]);
        let mut recorder = Recorder::of(&mut command);
        // Rights are given up before it first says how far it got.
        recorder.line();
        let pid = recorder.pid();
        for set in ["CapPrm:", "CapEff:"] {
            assert_eq!(status_line(&pid, set), kept, "{set} with --max-overhead {max_overhead}");
        }
        assert_eq!(status_line(&pid, "NoNewPrivs:"), "1");
        for thread in fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten() {
            let thread = format!("{pid}/task/{}", thread.file_name().display());
            // Some threads only try something.
            let Some(has) = status_of(&thread, "CapEff:") else { continue };
            assert!(has == kept || has == NONE, "{thread} has {has}");
        }
        let (said, code) = recorder.end("-INT");
        assert_eq!(code, Some(0), "{said}");
    }
}

/// With the rights that stay, and fewer files than it takes to begin with.
#[test]
fn windows_have_clocks_of_threads() {
    let Some(program) = load_program() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = output_path(&dir);
    let load = Load::start(&program, &["-work", "grow"]);
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -Sn 16 && exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_mapscope")]);
    command.args(["record", "-p", &load.pid(), "-o", &path]);
    let mut recorder = Recorder::of(&mut command);
    wait_until("it says that it counts in windows", || recorder.line().contains("windows"));
    // Some ten windows come in a second; a range needs several that met growths.
    let said: String = (0..3).map(|_| recorder.line()).collect();
    let (rest, code) = recorder.end("-INT");
    assert_eq!(code, Some(0), "{rest}");
    for said in [&said, &rest] {
        assert!(!said.contains("no clocks of threads"), "{said}");
    }
    assert!(rest.contains("estimated, between"), "{rest}");
}

/// What a command may is not changed by being recorded.
#[test]
fn a_command_keeps_the_rights_of_its_user() {
    let Some(program) = exec_program() else { return };
    let dir = tempfile::tempdir().unwrap();
    let script = "grep -E '^(Cap|NoNewPrivs)' /proc/self/status";
    let exe = program.to_str().unwrap();
    let output = record(&["-o", &output_path(&dir), "--exe", exe, "--", "sh", "-c", script]);
    let alone = Command::new("sh").args(["-c", script]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&alone.stdout));
}

/// A file with a hole, which has no room on the disk and would have none in memory.
#[test]
fn an_executable_that_is_too_large_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server");
    fs::copy(crate::binary("nested-1.27.3"), &path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(200 << 30).unwrap();
    let server = path.to_str().unwrap();
    for args in [
        vec!["diagnose", server],
        vec!["scan", server],
        vec!["asm", server, "main.main"],
        vec!["record", "-o", &output_path(&dir), "--", server],
    ] {
        let output = crate::mapscope(&args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(
            said.contains("bytes, and executables of more than 2147483648 are not read"),
            "{said}"
        );
    }
}

#[test]
fn a_file_that_memory_has_no_room_for_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("server");
    fs::copy(crate::binary("nested-1.27.3"), &path).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(1 << 30).unwrap();
    let server = path.to_str().unwrap();
    // Where headers say how much there is of it, the recorder reads no more.
    let hole = dir.path().join("hole");
    fs::File::create(&hole).unwrap().set_len(1 << 30).unwrap();
    fs::set_permissions(&hole, fs::Permissions::from_mode(0o755)).unwrap();
    for args in [
        vec!["diagnose", server],
        vec!["scan", server],
        vec!["asm", server, "main.main"],
        vec!["record", "-o", &output_path(&dir), "--", hole.to_str().unwrap()],
    ] {
        let output = Command::new("sh")
            .args(["-c", "ulimit -v 500000 && exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_mapscope")])
            .args(&args)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains("out of memory"), "{args:?}: {said}");
    }
}

/// Executes a command under a seccomp filter that answers a call with an error.
///
/// Source: include/uapi/linux/prctl.h, seccomp.h and filter.h.
#[cfg(target_arch = "x86_64")]
const WITHOUT_CALL: &str = r#"
import ctypes, os, struct, sys
number, error, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
LOAD, JUMP_IF_EQUAL, RETURN, ERRNO, ALLOW = 0x20, 0x15, 0x06, 0x00050000, 0x7FFF0000
steps = [(LOAD, 0, 0, 0), (JUMP_IF_EQUAL, 0, 1, number), (RETURN, 0, 0, ERRNO | error), (RETURN, 0, 0, ALLOW)]
class Program(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("steps", ctypes.c_char_p)]
program = Program(len(steps), b"".join(struct.pack("HBBI", *step) for step in steps))
prctl = ctypes.CDLL(None).prctl
if prctl(38, 1, 0, 0, 0) or prctl(22, 2, ctypes.byref(program), 0, 0):
    sys.exit(99)
os.execv(command[0], command)
"#;

/// What `record` says of a call that fails with an error, and that it then says so before it records.
#[track_caller]
#[cfg(target_arch = "x86_64")]
fn check_without_call(number: u32, error: u32, args: &[&str], said: &str) {
    let mut command = Command::new("python3");
    command.args(["-c", WITHOUT_CALL, &number.to_string(), &error.to_string()]);
    command.args([env!("CARGO_BIN_EXE_mapscope"), "record"]).args(args);
    let output = command.output().unwrap();
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    assert_ne!(output.status.code(), Some(99), "no filter: {err}");
    assert_eq!(output.status.code(), Some(2), "{number} {error} {args:?}: {out}{err}");
    assert!(format!("{out}{err}").contains(said), "{number} {error} {args:?}: {out}{err}");
}

#[test]
#[cfg(target_arch = "x86_64")]
fn a_call_that_a_container_forbids_is_named() {
    let Some(program) = exec_program() else { return };
    let (dir, program) = (tempfile::tempdir().unwrap(), program.to_str().unwrap());
    let path = output_path(&dir);
    let record = ["-o", &path, "--", program, "1", "none"];
    // Source: arch/x86/entry/syscalls/syscall_64.tbl; EPERM and ENOSYS.
    for error in [1, 38] {
        check_without_call(157, error, &["--check"], "prctl(2), with PR_SET_PDEATHSIG fails: ");
        check_without_call(157, error, &record, "prctl(2), with PR_SET_PDEATHSIG fails: ");
        check_without_call(434, error, &["--check"], "pidfd_open(2) fails: ");
        check_without_call(434, error, &record, "pidfd_open(2) fails: ");
        check_without_call(321, error, &["--check"], "in a container a seccomp profile");
        check_without_call(321, error, &record, "in a container a seccomp profile");
        check_without_call(298, error, &record, "allow perf_event_open(2) in its seccomp profile");
    }
}

/// Sends a signal to a process by its number.
fn send(signal: &str, pid: &str) {
    assert!(Command::new("kill").args([signal, pid]).status().unwrap().success());
}

/// Links that a recorder holds.
fn n_links(pid: &str) -> usize {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    let named = files.filter_map(|file| fs::read_link(file.path()).ok());
    let is_link = |name: &Path| {
        name.ends_with("anon_inode:bpf_link") || name.ends_with("anon_inode:[perf_event]")
    };
    named.filter(|name| is_link(name)).count()
}

/// A recording in which a recorder did not run for more than a second.
#[track_caller]
fn check_not_counted(recorder: Recorder, path: &str) {
    let (said, code) = recorder.end("-INT");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(": at least "), "{said}");
    let diagnosis = String::from_utf8(crate::mapscope(["diagnose", path]).stdout).unwrap();
    let diagnosis = diagnosis.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(diagnosis.contains("growths of that time were not counted"), "{diagnosis}");
}

/// A recorder with a budget, which stays exact, once it has said how far it got.
fn exact_recorder(load: &Load, path: &str) -> Recorder {
    let mut recorder = Recorder::start(&["-p", &load.pid(), "-o", path, "--max-overhead", "99"]);
    recorder.line();
    recorder
}

#[test]
fn what_happens_while_a_recorder_is_stopped_is_not_counted() {
    let Some(program) = load_program() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = output_path(&dir);
    let load = Load::start(&program, &["-work", "mix"]);
    let mut recorder = exact_recorder(&load, &path);
    send("-STOP", &recorder.pid());
    // It says ten times a second how far it got.
    let mut clock = Load::start(&program, &["-work", "mix"]);
    for _ in 0..15 {
        clock.operations();
    }
    send("-CONT", &recorder.pid());
    recorder.line();
    check_not_counted(recorder, &path);
}

/// As a shell starts it: in a process group of its own, and of the session of its parent. Exact, and has said how far it got.
fn suspendable_recorder(load: &Load, path: &str) -> Recorder {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mapscope"));
    command.args(["record", "-p", &load.pid(), "-o", path, "--max-overhead", "99"]);
    let mut recorder = Recorder::of(command.process_group(0));
    recorder.line();
    recorder
}

/// Until it is stopped by the signal, which may come before it is not caught any more.
fn suspend(pid: &str, load: &mut Load) {
    wait_until("it is stopped", || {
        is_stopped(pid) || {
            send("-TSTP", pid);
            load.operations();
            false
        }
    });
}

fn is_stopped(pid: &str) -> bool {
    status_line(pid, "State:").starts_with('T')
}

/// Where nobody could let it go on: the leader of a session has no parent in it.
#[test]
fn a_recorder_that_no_shell_started_is_not_suspended() {
    let Some(program) = load_program() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = output_path(&dir);
    let mut load = Load::start(&program, &["-work", "mix"]);
    let mut command = Command::new("setsid");
    command.arg(env!("CARGO_BIN_EXE_mapscope"));
    command.args(["record", "-p", &load.pid(), "-o", &path]);
    let mut recorder = Recorder::of(&mut command);
    recorder.line();
    send("-TSTP", &recorder.pid());
    // The program says ten times a second how far it got, and the recorder looks for signals as often.
    for _ in 0..15 {
        load.operations();
        assert!(!is_stopped(&recorder.pid()));
    }
    recorder.line();
    let (said, code) = recorder.end("-INT");
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn a_recorder_that_waits_for_a_reader_can_be_suspended() {
    let Some(program) = load_program() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = output_path(&dir);
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let mut load = Load::start(&program, &["-work", "mix"]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_mapscope"));
    command.args(["record", "-p", &load.pid(), "-d", "200ms", "-o", &path]);
    let recorder = Recorder::of(command.process_group(0));
    wait_until("its probes are taken away", || {
        load.operations();
        n_links(&recorder.pid()) == 0
    });
    suspend(&recorder.pid(), &mut load);
    send("-CONT", &recorder.pid());
    let recording = fs::read(&path).unwrap();
    assert!(!recording.is_empty());
    let (said, code) = recorder.end("-0");
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn a_recorder_that_is_suspended_takes_its_probes_away_and_puts_them_back() {
    let Some(program) = load_program() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = output_path(&dir);
    let mut load = Load::start(&program, &["-work", "mix"]);
    let mut recorder = suspendable_recorder(&load, &path);
    let before = n_links(&recorder.pid());
    send("-TSTP", &recorder.pid());
    wait_until("it is stopped", || {
        load.operations();
        is_stopped(&recorder.pid())
    });
    assert!(n_links(&recorder.pid()) < before, "of {before}");
    send("-CONT", &recorder.pid());
    recorder.line();
    assert_eq!(n_links(&recorder.pid()), before);
    check_not_counted(recorder, &path);
}

/// Also when that is done before the recorder has looked for signals, or while it takes its probes away.
#[test]
fn a_recorder_that_is_let_go_on_before_it_has_stopped_goes_on() {
    let Some(program) = load_program() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = output_path(&dir);
    let mut load = Load::start(&program, &["-work", "mix"]);
    let recorder = suspendable_recorder(&load, &path);
    let before = n_links(&recorder.pid());
    for takes_away in [false, true] {
        send("-TSTP", &recorder.pid());
        if takes_away {
            wait_until("it takes probes away", || n_links(&recorder.pid()) < before);
        }
        send("-CONT", &recorder.pid());
        // The program says ten times a second how far it got.
        for _ in 0..15 {
            load.operations();
            assert!(!is_stopped(&recorder.pid()));
        }
    }
    let (said, code) = recorder.end("-INT");
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn a_stopped_program_does_nothing_and_does_not_hold_the_recorder() {
    let Some(program) = load_program() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = output_path(&dir);
    let mut load = Load::start(&program, &["-work", "grow"]);
    send("-STOP", &load.pid());
    let output = record(&["-p", &load.pid(), "-d", "500ms", "-o", &path]);
    assert!(output.status.success(), "{output:?}");
    let diagnosis = diagnose_json(&[&path]);
    assert_eq!(diagnosis["growth"]["total"]["grows"], 0, "{diagnosis}");
    assert!(matches!(diagnosis["cpu"]["total"]["samples"].as_u64(), None | Some(0)), "{diagnosis}");
    send("-CONT", &load.pid());
    load.assert_works();
}

#[test]
fn keeps_what_was_counted_of_a_program_that_is_killed() {
    let Some(program) = exec_program() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = output_path(&dir);
    let mut waiting = Waiting::start(Command::new(&program).args(["20", "none"]));
    let recorder = recording(&["-p", &waiting.pid(), "-o", &path, EXACT[0], EXACT[1]]);
    waiting.go_on();
    waiting.wait_for("filled");
    send("-KILL", &waiting.pid());
    let (said, code) = recorder.end("-0");
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("until the program ended"), "{said}");
    assert_eq!(filled(&path), (20_000, true), "{said}");
}

#[test]
fn says_that_a_program_has_ended() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = Command::new("true").spawn().unwrap();
    let pid = child.id().to_string();
    child.wait().unwrap();
    let output = record(&["-p", &pid, "-o", &output_path(&dir)]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("has ended"), "{said}");
}

#[test]
fn two_recorders_at_once_both_count_everything() {
    let Some(program) = exec_program() else { return };
    let dirs = [(), ()].map(|()| tempfile::tempdir().unwrap());
    let paths = dirs.each_ref().map(output_path);
    let mut waiting = Waiting::start(Command::new(&program).args(["20", "none"]));
    let recorders = paths
        .each_ref()
        .map(|path| recording(&["-p", &waiting.pid(), "-o", path, EXACT[0], EXACT[1]]));
    waiting.go_on();
    waiting.wait_for("filled");
    for (recorder, path) in recorders.into_iter().zip(&paths) {
        let (said, code) = recorder.end("-INT");
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(filled(path), (20_000, true), "{said}");
    }
}

/// A program, and a plugin for it.
fn program_with_plugin() -> Option<(PathBuf, PathBuf)> {
    if !can_record() {
        return None;
    }
    let Some(go) = toolchain("1.27.3") else {
        xtask::skip("no Go 1.27.3");
        return None;
    };
    let source = xtask::repo_root().join("crates/probe/testdata/plugin");
    let with_cgo = BuildOptions { cgo: true, ..BuildOptions::default() };
    let program = go.build(&source, &with_cgo);
    let as_plugin = BuildOptions { args: vec!["-buildmode=plugin".to_owned()], ..with_cgo };
    let plugin = go.build(&source.join("extra"), &as_plugin);
    let built = program.and_then(|program| Ok((program, plugin?)));
    built.map_err(|why| xtask::skip(&format!("no plugin can be built: {why}"))).ok()
}

/// Who may open what a process has mapped could name it, but a recorder has given up that right.
#[test]
fn a_plugin_that_was_removed_or_replaced_is_said_not_to_be_known() {
    let Some((program, plugin)) = program_with_plugin() else { return };
    for is_replaced in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let path = output_path(&dir);
        let own = dir.path().join("extra.so");
        xtask::copy_program(&plugin, &own);
        let mut waiting = Waiting::start(Command::new(&program).arg(&own));
        waiting.go_on();
        waiting.wait_for("filled");
        fs::remove_file(&own).unwrap();
        if is_replaced {
            fs::write(&own, "another").unwrap();
        }
        let recorder = recording(&["-p", &waiting.pid(), "-o", &path, EXACT[0], EXACT[1]]);
        let (said, code) = recorder.end("-INT");
        assert_eq!(code, Some(0), "{said}");
        let notices = diagnose_json(&[&path])["notices"].to_string();
        assert!(
            notices.contains("whether there was Go code of other files is not known"),
            "{notices}"
        );
    }
}

#[test]
fn go_code_of_plugins_is_named() {
    let Some((program, plugin)) = program_with_plugin() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = output_path(&dir);
    let mut waiting = Waiting::start(Command::new(&program).arg(&plugin));
    let pid = waiting.pid();
    let recorder = recording(&["-p", &pid, "-o", &path, EXACT[0], EXACT[1]]);
    waiting.go_on();
    waiting.wait_for("filled");
    let (said, code) = recorder.end("-INT");
    assert_eq!(code, Some(0), "{said}");
    let name = plugin.to_str().unwrap();
    assert!(said.contains(&format!("{name} is Go code in the process too")), "{said}");
    let diagnosis = diagnose_json(&[&path]);
    assert!(diagnosis["notices"].to_string().contains(name), "{}", diagnosis["notices"]);
    // No file of C is named.
    assert!(!said.contains("libc"), "{said}");
}
