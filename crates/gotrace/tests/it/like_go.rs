//! Order, time, context, state and stack of every event are what Go's own reader prints.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

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

/// What Go's reader makes of a trace.
pub(crate) struct ByGo {
    /// All events up to the first that it refuses.
    pub(crate) events: String,
    /// Why it goes no further, in Go's words.
    pub(crate) error: Option<String>,
}

/// The program behind `go tool trace`, newest version, which reads the traces of all; `None` without Go.
fn go_reader() -> Option<&'static Path> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let find = || {
        // `go tool` looks at all of its sources each time.
        let output =
            xtask::go::toolchain("1.27.3")?.command().args(["tool", "-n", "trace"]).output();
        Some(PathBuf::from(String::from_utf8(output.unwrap().stdout).unwrap().trim()))
    };
    PROGRAM.get_or_init(find).as_deref()
}

/// Runs `go tool trace -d=parsed`; `None` without Go.
pub(crate) fn read_by_go(trace: &Path) -> Option<ByGo> {
    let mut command = Command::new(go_reader()?);
    let output = command.env("TZ", "UTC").arg("-d=parsed").arg(trace).output().unwrap();
    let error = (!output.status.success()).then(|| String::from_utf8(output.stderr).unwrap());
    Some(ByGo { events: String::from_utf8(output.stdout).unwrap(), error })
}

/// Compares event by event, so that a difference is found where it begins. Where Go goes no further, ours does, after a
/// fault.
#[track_caller]
pub(crate) fn assert_like_go(name: &str, bytes: &[u8], by_go: &ByGo) {
    let mut rest = &by_go.events[..];
    let mut n = 0;
    let faults = each_event(bytes, |event, events| {
        if rest.is_empty() && by_go.error.is_some() {
            return;
        }
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
    assert_eq!(faults.is_empty(), by_go.error.is_none(), "{name}: {faults:?}, {:?}", by_go.error);
    assert_eq!(rest, "", "{name}: Go prints more");
}

#[test]
fn go_prints_the_same_now() {
    for name in SAMPLES {
        let path = sample_path(name);
        let Some(by_go) = read_by_go(&path) else {
            return xtask::skip("Go 1.27.3 is not installed");
        };
        assert_eq!(by_go.error, None);
        assert_like_go(name, &sample(name), &by_go);
    }
}
