//! `mapscope capture` beside a `perf` that is a script: what becomes of it when the capture is ended, or hangs itself, and
//! of commands that are captured with it alone.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// Every event works here, unless none does; nothing is recorded, and it ends when the program that it is given does. While
/// it does what it is asked to hang in, a trial or the recording, it has a pipe open for writing.
const SCRIPT: &str = r#"#!/bin/sh
[ "$1" = record ] || exit 0
[ "$MODE" = never ] && exit 1
while [ $# -gt 0 ] && [ "$1" != -- ]; do shift; done
[ $# -gt 0 ] && shift || set -- sleep 3600
if [ "$MODE" = trial ]; then exec 9>"$PIPE"; exec sleep 3600; fi
[ "$1" = true ] && exit 0
[ "$MODE" = recording ] && exec 9>"$PIPE"
echo perf > perf.data
"$@"
"#;

struct Script {
    dir: TempDir,
    pipe: PathBuf,
}

impl Script {
    fn prepare() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (perf, pipe) = (dir.path().join("perf"), dir.path().join("pipe"));
        xtask::write_script(&perf, SCRIPT);
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        Self { dir, pipe }
    }

    fn capture(&self, mode: &str, args: &[&str]) -> Child {
        self.capture_by(&mut Command::new(env!("CARGO_BIN_EXE_mapscope")), mode, args)
    }

    /// By a command that lacks only the arguments of `mapscope`.
    fn capture_by(&self, command: &mut Command, mode: &str, args: &[&str]) -> Child {
        let mut path = OsString::from(self.dir.path());
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap());
        command
            .args(["capture", "-o"])
            .arg(self.folder())
            .args(args)
            .env("PATH", path)
            .env("PIPE", &self.pipe)
            .env("MODE", mode)
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join("capture")
    }

    /// The pipe, once the script has it too.
    fn begun(&self) -> File {
        File::open(&self.pipe).unwrap()
    }
}

/// Waits for the end of the script, and of all that it started.
fn wait_for_end(mut pipe: File) {
    assert_eq!(pipe.read_to_end(&mut Vec::new()).unwrap(), 0);
}

#[test]
fn perf_ends_when_the_capture_is_killed() {
    let script = Script::prepare();
    let mut target = Command::new("sleep").arg("3600").spawn().unwrap();
    let mut child = script.capture("recording", &["-d", "1h", "-p", &target.id().to_string()]);
    let pipe = script.begun();
    child.kill().unwrap();
    child.wait().unwrap();
    wait_for_end(pipe);
    target.kill().unwrap();
    target.wait().unwrap();
}

#[test]
fn a_signal_ends_a_capture_while_perf_is_tried() {
    let script = Script::prepare();
    let begun = script.dir.path().join("begun");
    let child = script.capture("trial", &["--", "touch", begun.to_str().unwrap()]);
    let pipe = script.begun();
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("perf.data, binary: stopped early by a signal"), "{said}");
    wait_for_end(pipe);
    assert!(!begun.exists() && !script.folder().exists());
}

#[test]
fn the_exit_code_of_a_command_is_that_of_its_capture() {
    for (end, code) in [("exit 3", 3), ("kill -9 $$", 137), ("exit 0", 0)] {
        let script = Script::prepare();
        let output = script.capture("", &["--", "sh", "-c", end]).wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(&format!("; the command ended with exit code {code}\n")), "{said}");
        let summary = fs::read_to_string(script.folder().join("capture.json")).unwrap();
        assert!(summary.contains(&format!(r#""command":{{"exit_code":{code}}}"#)), "{summary}");
    }
}

/// Who starts it may not want to know of its own children; that is passed on.
#[test]
fn a_command_ends_also_where_children_are_ignored() {
    let script = Script::prepare();
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' CHLD; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_mapscope")]);
    let child = script.capture_by(&mut shell, "", &["--", "sh", "-c", "exit 3"]);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("; the command ended with exit code 3\n"), "{said}");
}

/// A shell is no Go program, so that the recorder does not attach.
#[test]
fn a_command_that_is_not_recorded_may_have_as_many_files_as_without() {
    let script = Script::prepare();
    let told = script.dir.path().join("told");
    let command = format!("ulimit -Sn > {}", told.display());
    let mut shell = Command::new("sh");
    let program = env!("CARGO_BIN_EXE_mapscope");
    shell.args(["-c", "ulimit -Sn 123; exec \"$@\"", "sh", program]);
    let child = script.capture_by(&mut shell, "", &["--", "sh", "-c", &command]);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(fs::read_to_string(told).unwrap(), "123\n");
}

#[test]
fn a_command_that_goes_on_is_named() {
    let script = Script::prepare();
    // Its input stays open until the capture has ended, whose messages it does not hold open.
    let command = "exec cat > /dev/null 2> /dev/null";
    let mut child = script.capture("", &["-d", "100ms", "--", "sh", "-c", command]);
    let input = child.stdin.take();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{said}");
    assert!(said.contains("; the command goes on as process "), "{said}");
    drop(input);
}

#[test]
fn a_command_that_nothing_is_collected_of_is_waited_for() {
    let script = Script::prepare();
    let told = script.dir.path().join("told");
    let command = format!("cat > {}", told.display());
    let mut child = script.capture("never", &["--", "sh", "-c", &command]);
    child.stdin.take().unwrap().write_all(b"what it was told").unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!(fs::read_to_string(told).unwrap(), "what it was told");
}
