//! Order, time, context, state and stack of every event are what Go's own reader prints.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use crate::go_format::go_format;
use crate::{SAMPLES, each_event, sample, sample_path};

/// FNV-1a, 64 bits.
fn fnv(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

const FNV_START: u64 = 0xcbf2_9ce4_8422_2325;

#[test]
fn events_are_those_that_go_printed() {
    // `testdata/parsed-digests` makes the list from Go's output.
    let expected = include_str!("../../testdata/parsed-digests.txt");
    let mut ours = String::new();
    for name in SAMPLES {
        let (mut n, mut hash) = (0, FNV_START);
        let faults = each_event(&sample(name), |event, events| {
            n += 1;
            hash = fnv(hash, go_format(event, events).as_bytes());
        });
        assert_eq!(faults, [], "{name}");
        writeln!(ours, "{name} {n} {hash:016x}").unwrap();
    }
    assert_eq!(ours, expected);
}

/// Runs `go tool trace -d=parsed`; `None` without Go.
pub(crate) fn parsed_by_go(trace: &Path) -> Option<String> {
    let go = xtask::go::toolchain("1.27.3")?;
    let mut command: Command = go.command();
    let output = command.env("TZ", "UTC").args(["tool", "trace", "-d=parsed"]).arg(trace).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

/// Compares event by event, so that a difference is found where it begins.
#[track_caller]
pub(crate) fn assert_like_go(name: &str, bytes: &[u8], expected: &str) {
    let mut rest = expected;
    let mut n = 0;
    let faults = each_event(bytes, |event, events| {
        let ours = go_format(event, events);
        match rest.strip_prefix(&ours) {
            Some(tail) => rest = tail,
            None => {
                let theirs: String = rest.chars().take(ours.len() + 100).collect();
                panic!("{name}: event {n}\nours:\n{ours}\nGo's:\n{theirs}");
            }
        }
        n += 1;
    });
    assert_eq!(faults, [], "{name}");
    assert_eq!(rest, "", "{name}: Go prints more");
}

#[test]
fn go_prints_the_same_now() {
    for name in SAMPLES {
        let path = sample_path(name);
        let Some(expected) = parsed_by_go(&path) else {
            return xtask::skip("Go 1.27.3 is not installed");
        };
        assert_like_go(name, &sample(name), &expected);
    }
}

#[test]
fn traces_made_now_are_read_like_go() {
    for version in ["1.24.11", "1.27.3"] {
        let Some(go) = xtask::go::toolchain(version) else {
            xtask::skip(&format!("Go {version} is not installed"));
            continue;
        };
        let program =
            go.build(&xtask::testdata("samples/src/nested"), &xtask::go::BuildOptions::default());
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new(program.unwrap());
        command.args(["-trace", "-cpu", "-io", "-g", "3", "-d", "150ms", "-dir"]).arg(dir.path());
        // Short generations, so that there are several.
        command.env("GODEBUG", "traceadvanceperiod=30000000").env("GOGC", "60");
        let status = command.stdout(std::process::Stdio::null()).status();
        assert!(status.unwrap().success(), "{version}");
        let path = dir.path().join("trace.out");
        let Some(expected) = parsed_by_go(&path) else {
            return xtask::skip("Go 1.27.3 is not installed");
        };
        let bytes = crate::read(&path);
        assert!(crate::generations(&bytes).count() > 1, "{version}");
        assert_like_go(version, &bytes, &expected);
    }
}
