//! What a recorder keeps of processes that have ended.
#![allow(clippy::unwrap_used, unsafe_code)]

use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use xtask::go::{BuildOptions, toolchain};

use super::*;
use crate::options::{Links, Target};
use crate::requirement::State;

/// A file of its own, which no other test runs: this flag of the linker makes it one.
fn exec_program(flag: &str) -> Option<PathBuf> {
    let is_missing =
        |requirement: crate::Requirement| matches!(requirement.state, State::Missing { .. });
    if crate::check(&[]).into_iter().any(is_missing) {
        xtask::skip("recording does not work here");
        return None;
    }
    let Some(go) = toolchain("1.27.3") else {
        xtask::skip("no Go 1.27.3");
        return None;
    };
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/exec");
    let args = vec!["-trimpath".to_owned(), format!("-ldflags={flag}")];
    Some(go.build(&source, &BuildOptions { args, ..BuildOptions::default() }).unwrap())
}

fn fill_and_execute(program: &Path, thread: &str) {
    let mut command = Command::new(program);
    command.args(["1", thread, "/bin/true"]).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"\n").unwrap();
    assert!(child.wait().unwrap().success());
}

/// One that counts exactly.
fn recorder_of(target: Target) -> Recorder {
    let (sample_hz, links) = (99, Links::Auto);
    let options = Options { target, max_overhead: 1.0, sample_hz, max_frames: 128, links };
    Recorder::attach(&options).unwrap()
}

#[test]
fn forgets_what_processes_executed_that_have_ended() {
    let Some(program) = exec_program("-s") else { return };
    let mut recorder = recorder_of(Target::Exe(program.clone()));
    fill_and_execute(&program, "first");
    recorder.start().unwrap();
    for thread in ["first", "other"].into_iter().cycle().take(10) {
        fill_and_execute(&program, thread);
    }
    assert_eq!(recorder.kernel.all_executions().unwrap().len(), 11);
    let recording = recorder.rotate().unwrap();
    assert_eq!(recording.n_elsewhere, 10);
    // Each has some of its runtime beside its own 1,000.
    assert!((10_000..11_000).contains(&recording.n_grows), "{} growths", recording.n_grows);
    assert!(recorder.kernel.all_executions().unwrap().is_empty());
    assert!(recorder.kernel.processes().unwrap().is_empty());
    let recording = recorder.rotate().unwrap();
    assert_eq!((recording.n_grows, recording.n_elsewhere), (0, 0), "that was in the one before");
}

/// One that fills maps for some tenths of a second, and waits then.
fn fill_and_wait(program: &Path) -> Child {
    let mut command = Command::new(program);
    command.args(["500", "none"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.starts_with("filled")));
    drop(lines);
    child
}

#[test]
fn a_process_that_does_not_say_that_it_runs_is_named_where_it_has_probes() {
    let Some(program) = exec_program("-s -w -X=main.a=unknown") else { return };
    let mut recorder = recorder_of(Target::Exe(program.clone()));
    let mut child = fill_and_wait(&program);
    let process = Executions::default().process(Pid(child.id()));
    assert!(Pid(child.id()).cpu_ns().unwrap() > 100_000_000, "500,000 maps take longer");
    assert!(recorder.kernel.processes().unwrap().contains_key(&process));
    recorder.kernel.remove_processes(&[process]).unwrap();
    recorder.look_for_others().unwrap();
    assert!(recorder.unprobed.is_empty());
    assert!(recorder.kernel.processes().unwrap().contains_key(&process));
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn processes_that_begin_while_probes_are_put_in_place_are_named() {
    let Some(program) = exec_program("-s -w -X=main.a=late") else { return };
    let reach = Reach::own().unwrap();
    let found = target::find(&Target::Exe(program.clone()), &reach).unwrap();
    assert!(found.pids.is_empty());
    let mut child = fill_and_wait(&program);
    assert_eq!(found.begun_since(&reach).unwrap(), [child.id()]);
    let found = Found { pids: vec![child.id()], ..found };
    assert!(found.begun_since(&reach).unwrap().is_empty());
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_recording_that_failed_has_what_was_counted_and_the_command_goes_on() {
    let Some(program) = exec_program("-w") else { return };
    let script = format!("exec {} 1 none < /dev/null > /dev/null", program.display());
    let argv = vec!["sh".into(), "-c".into(), script.into()];
    let mut recorder = recorder_of(Target::Command { argv, exe: Some(program) });
    recorder.start().unwrap();
    while !recorder.poll(Duration::from_secs(1)).unwrap().has_ended {}
    let mut command = recorder.take_command().unwrap();
    let (recording, failure) = recorder.finish_after(Err(Error::NoProcesses)).unwrap();
    assert!(matches!(failure, Some(Error::NoProcesses)), "{failure:?}");
    assert_eq!(recording.ending, Ending::Failure);
    assert!(recording.n_grows >= 1_000, "{} growths", recording.n_grows);
    assert!(command.wait().unwrap().success());
}

/// The look at the end of a recording is the first one: what it sees is far more than the budget allows.
#[test]
fn a_recording_that_ends_as_windows_begin_is_not_said_to_be_exact() {
    let Some(program) = exec_program("-w -s") else { return };
    let script = format!("exec {} 20 none < /dev/null > /dev/null", program.display());
    let argv = vec!["sh".into(), "-c".into(), script.into()];
    let target = Target::Command { argv, exe: Some(program) };
    let (sample_hz, links) = (0, Links::Auto);
    let options = Options { target, max_overhead: 0.005, sample_hz, max_frames: 128, links };
    let mut recorder = Recorder::attach(&options).unwrap();
    recorder.start().unwrap();
    let mut command = recorder.take_command().unwrap();
    while recorder.kernel.counters().unwrap()[COUNT_WALKED as usize] < 15_000 {
        recorder.beat().unwrap();
    }
    let recording = recorder.finish(Ending::Duration).unwrap();
    assert!(command.wait().unwrap().success());
    let range = recording.grows_range.unwrap();
    // The others are makes.
    assert!(recording.n_grows >= 5_000 && range.high.is_none(), "{range:?}");
}

/// From now on the recorder has something else in place of its tables.
fn take_tables_away(recorder: &Recorder) {
    let null = File::open("/dev/null").unwrap();
    for table in ["grows", "stacks", "processes"] {
        let fd = recorder.kernel.fd(table).as_raw_fd();
        // SAFETY: both are open, and who has the second one goes on having an open one.
        assert_eq!(unsafe { libc::dup2(null.as_raw_fd(), fd) }, fd);
    }
}

#[test]
fn a_failure_leaves_what_was_collected_before() {
    let Some(program) = exec_program("-s -w") else { return };
    let target = Target::Exe(program.clone());
    let (sample_hz, links) = (99, Links::Auto);
    let options = Options { target, max_overhead: 1.0, sample_hz, max_frames: 128, links };
    let mut recorder = Recorder::attach(&options).unwrap();
    recorder.start().unwrap();
    fill_and_execute(&program, "first");
    recorder.collect().unwrap();
    fill_and_execute(&program, "first");
    take_tables_away(&recorder);
    assert!(recorder.collect().is_err());
    let recording = recorder.finish(Ending::Failure).unwrap();
    assert!((1_000..1_100).contains(&recording.n_grows), "{} growths", recording.n_grows);
    assert!((1_000..1_100).contains(&recording.n_lost), "{} lost", recording.n_lost);
    let range = recording.grows_range.unwrap();
    assert!(range.low <= recording.n_grows && range.high.is_none(), "{range:?}");
}
