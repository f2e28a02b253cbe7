//! The binary from the outside: what it prints, what it refuses, how it exits.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

mod asm;
mod bad_input;
mod budget;
mod capture;
mod captured_perf;
mod cases;
mod compare;
mod diagnose;
mod golden;
mod lab;
mod outputs;
mod production;
mod readme;
mod record;
mod scan;
mod schema;
mod shell;
mod whatif;

use std::process::{Command, Output};
use std::time::{Duration, Instant};

pub use xtask::samples::{binary, sample};

/// Runs `mapscope` with these arguments, colours off and a fixed width.
pub fn mapscope<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mapscope"))
        .args(args)
        .env("COLUMNS", "120")
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

/// How long is waited for what has to come. Passes only when a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Looks again and again until it is so.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < PATIENCE, "not in {} s: {what}", PATIENCE.as_secs());
        std::thread::yield_now();
    }
}

/// Standard output of a run that has to succeed.
pub fn stdout_of<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> String {
    let output = mapscope(args);
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{err}");
    String::from_utf8(output.stdout).unwrap()
}

/// JSON of `mapscope diagnose --json`.
pub fn diagnose_json(inputs: &[&str]) -> serde_json::Value {
    report_of("diagnose", ["--top", "1000"].iter().chain(inputs))
}

/// What a command prints with `--json`, by the name of its schema: the command, or `COMMAND-KIND`. It has to be valid.
#[track_caller]
pub fn report_of<S: AsRef<str>>(
    name: &str,
    args: impl IntoIterator<Item = S>,
) -> serde_json::Value {
    let command = name.split_once('-').map_or(name, |(command, _)| command);
    let args: Vec<String> = args.into_iter().map(|arg| arg.as_ref().to_owned()).collect();
    let args = [command, "--json"].map(str::to_owned).into_iter().chain(args);
    schema::checked(name, stdout_of(args))
}
