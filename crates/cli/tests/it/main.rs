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
mod misses;
mod outputs;
mod perf;
mod perf_file;
mod pprof;
mod production;
mod record;
mod releases;
mod scan;
mod schema;
mod shell;
mod sources;
mod storage;
mod whatif;

use std::path::PathBuf;
use std::process::{Command, Output};

/// Runs `mapscope` with these arguments, colours off and a fixed width.
pub fn mapscope<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mapscope"))
        .args(args)
        .env("COLUMNS", "120")
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
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

/// The unpacked binary of a bundled capture.
pub fn binary(name: &str) -> String {
    sample(&format!("bin/{name}.xz"))
}

/// A program of the captures that is built here instead of bundled, with the build id that they name; `None` without Go.
pub fn built(package: &str) -> Option<String> {
    let Some(go) = xtask::go::toolchain("1.27.3") else {
        xtask::skip("Go 1.27.3 is not installed");
        return None;
    };
    let args = ["-trimpath", "-ldflags=-w", "-buildvcs=false"].map(str::to_owned).into();
    // Nothing of C is in it, but the setting is a part of the build id.
    let options = xtask::go::BuildOptions { cgo: true, args, ..Default::default() };
    let program = go.build(&xtask::testdata(package), &options).unwrap();
    Some(program.to_str().unwrap().to_owned())
}

/// Path of a bundled capture, unpacked if it is packed.
pub fn sample(path: &str) -> String {
    let mut path: PathBuf = xtask::testdata(&format!("samples/{path}"));
    if path.extension().is_some_and(|extension| extension == "xz") {
        path = xtask::unpack_xz(&path).unwrap();
    }
    path.to_str().unwrap().to_owned()
}
