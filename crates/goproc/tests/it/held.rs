//! Commands that wait before they become the program.

use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use goproc::{ErrorKind, FileId, HeldCommand, LinkAddr, Pid};

use crate::{PATIENCE, assert_gone, cat_program, copy_of_cat, ends_within, wait_for_echo};

/// Set for the process of `helper`.
const HELPER: &str = "GOPROC_TEST_HELPER";

fn argv(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

#[test]
fn a_command_is_this_program_until_it_is_started() {
    let mut command = Command::new("cat");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let held = HeldCommand::hold(command).unwrap();
    let pid = held.pid();
    let program = FileId::of(&cat_program()).unwrap();
    assert!(pid.is_running());
    assert_eq!(pid.stat().unwrap().parent, Pid::own());
    let own = Pid::own().executable().unwrap().id;
    assert_eq!(pid.executable().unwrap().id, own);
    let bias = |file| pid.load_bias(file, |offset| Some(LinkAddr(offset.0))).unwrap();
    assert_eq!(bias(program), None);
    assert!(bias(own).is_some());

    let mut child = held.start().unwrap();
    assert_eq!(child.id(), pid.0);
    assert_eq!(pid.executable().unwrap().id, program);
    wait_for_echo(&mut child);
    assert!(bias(program).is_some());
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
}

#[test]
fn a_command_keeps_its_name_arguments_and_streams() {
    let held = HeldCommand::prepare(&argv(&["sh", "-c", "exit $1", "x", "7"])).unwrap();
    assert_eq!(held.start().unwrap().wait().unwrap().code(), Some(7));
    let mut command = Command::new("sh");
    command.args(["-c", "echo $WORD"]).env("WORD", "held").stdout(Stdio::piped());
    let mut child = HeldCommand::hold(command).unwrap().start().unwrap();
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "held\n");
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_command_that_is_dropped_never_begins() {
    let dir = tempfile::tempdir().unwrap();
    let sign = dir.path().join("sign");
    let mut command = Command::new("touch");
    command.arg(&sign);
    let held = HeldCommand::hold(command).unwrap();
    let pid = held.pid();
    let pidfd = pid.open_pidfd().unwrap();
    drop(held);
    assert!(ends_within(&pidfd, PATIENCE));
    // Also taken away.
    assert_gone(pid.stat());
    assert!(!fs::exists(&sign).unwrap());
}

#[test]
fn commands_that_wait_at_once_do_not_hold_each_other() {
    let prepare = || HeldCommand::prepare(&argv(&["true"])).unwrap();
    let [first, second, third] = [prepare(), prepare(), prepare()];
    drop(first);
    assert!(third.start().unwrap().wait().unwrap().success());
    assert!(second.start().unwrap().wait().unwrap().success());
}

#[test]
fn what_cannot_be_run_says_so() {
    let kind = |words: &[&str]| HeldCommand::prepare(&argv(words)).unwrap_err().kind;
    assert!(matches!(kind(&[]), ErrorKind::NoSuchCommand));
    assert!(matches!(kind(&["goproc-no-such-program"]), ErrorKind::NoSuchCommand));
    let kind = |program: &str| {
        let held = HeldCommand::hold(Command::new(program)).unwrap();
        let pid = held.pid();
        let kind = held.start().unwrap_err().kind;
        assert_gone(pid.stat());
        kind
    };
    assert!(matches!(kind("/no/such/program"), ErrorKind::NoSuchCommand));
    assert!(matches!(kind("/dev/null"), ErrorKind::NotRunnable));
    // The folder is entered before the child waits.
    let mut command = Command::new("true");
    command.current_dir("/no/such/folder");
    assert!(HeldCommand::hold(command).is_err());
}

#[test]
fn a_command_that_is_killed_while_it_waits_is_taken_away() {
    let kill = |pid: Pid| {
        let pidfd = pid.open_pidfd().unwrap();
        let status = Command::new("sh").args(["-c", &format!("kill -9 {pid}")]).status().unwrap();
        assert!(status.success() && ends_within(&pidfd, PATIENCE));
    };
    let held = HeldCommand::prepare(&argv(&["true"])).unwrap();
    let pid = held.pid();
    kill(pid);
    drop(held);
    assert_gone(pid.stat());
    let held = HeldCommand::prepare(&argv(&["true"])).unwrap();
    kill(held.pid());
    assert_eq!(held.start().unwrap().wait().unwrap().signal(), Some(9));
}

#[test]
fn a_command_ends_with_who_holds_it() {
    let dir = tempfile::tempdir().unwrap();
    let program = copy_of_cat(dir.path(), "held");
    let mut helper = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "held::helper", "--nocapture"])
        .env(HELPER, &program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(helper.stdout.take().unwrap()).lines();
    let pids: Vec<Pid> = lines
        .filter_map(|line| Some(Pid(line.unwrap().strip_prefix("held ")?.parse().unwrap())))
        .take(2)
        .collect();
    let pidfds: Vec<_> = pids.iter().map(|pid| pid.open_pidfd().unwrap()).collect();
    helper.kill().unwrap();
    helper.wait().unwrap();
    assert_eq!(pidfds.len(), 2);
    assert!(pidfds.iter().all(|pidfd| ends_within(pidfd, PATIENCE)));
}

/// Holds commands back until it is killed, when it is started by the test above.
#[test]
fn helper() {
    let Some(program) = std::env::var_os(HELPER) else { return };
    let command = [program];
    let held = [(); 2].map(|()| HeldCommand::prepare(&command).unwrap());
    // The harness has begun the line.
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout).unwrap();
    for command in &held {
        writeln!(stdout, "held {}", command.pid()).unwrap();
    }
    drop(stdout);
    let _ = std::io::stdin().read(&mut [0]);
    drop(held);
}
