//! The traces that Go's own reader is tested with: text, each with what is expected of a reader.

use std::path::{Path, PathBuf};

use gotrace::{Contradiction, ErrorKind, parse_raw, parse_text, write_raw};

use crate::each_event;

/// What a reader must do with a fixture.
#[derive(Debug, PartialEq, Eq)]
enum Expected {
    Accept,
    /// The text that Go's message holds.
    Refuse(String),
}

/// Splits a fixture into what is expected and the bytes of the trace.
fn load(path: &Path) -> (Expected, Vec<u8>) {
    let text = std::fs::read_to_string(path).unwrap();
    // The fixture of `cmd/trace` is nothing but a trace, to be accepted.
    let (head, trace) = text.split_once("-- trace --\n").unwrap_or(("SUCCESS", &text));
    let expected = head.trim_start_matches("-- expect --\n").trim();
    let expected = match expected.split_once(' ') {
        None => Expected::Accept,
        Some((word, pattern)) => {
            assert_eq!(word, "FAILURE", "{}", path.display());
            Expected::Refuse(pattern.trim_matches('"').replace(".*", ""))
        }
    };
    let (version, events) = parse_text(trace).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let bytes = write_raw(version, &events);
    let again = parse_raw(&bytes).unwrap();
    assert_eq!((again.0, again.1.faults), (version, vec![]), "{}", path.display());
    assert!(again.1.value == events, "{}: text and bytes differ", path.display());
    (expected, bytes)
}

fn check(path: &Path) {
    let (expected, bytes) = load(path);
    let faults = each_event(&bytes, |_, _| {});
    let name = path.display();
    match expected {
        Expected::Accept => assert_eq!(faults, [], "{name}"),
        Expected::Refuse(text) => {
            assert_eq!(text, "expected a proc but didn't have one", "{name}: a new expectation");
            let why = |kind: &ErrorKind| {
                matches!(kind, ErrorKind::Contradiction { why: Contradiction::NoProc, .. })
            };
            assert!(faults.iter().any(|fault| why(&fault.kind)), "{name}: {faults:?}");
        }
    }
}

fn fixtures_in(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(fixtures_in(&path));
        } else if path.extension().is_some_and(|extension| extension == "test") {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn bundled_fixtures_are_judged_as_expected() {
    let paths = fixtures_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/fixtures"));
    assert!(paths.len() >= 10);
    paths.iter().for_each(|path| check(path));
}

#[test]
fn fixtures_of_every_go_are_judged_as_expected() {
    // How many each version brings along: `internal/trace` and the one of `cmd/trace`.
    let versions = [
        ("1.22.10", 20),
        ("1.23.9", 21),
        ("1.24.11", 21),
        ("1.25.5", 23),
        ("1.26.6", 23),
        ("1.27.3", 23),
    ];
    for (version, n_expected) in versions {
        let Some(go) = xtask::go::toolchain(version) else {
            xtask::skip(&format!("Go {version} is not installed"));
            continue;
        };
        let src = go.go.parent().unwrap().parent().unwrap().join("src");
        let mut paths = fixtures_in(&src.join("internal/trace"));
        paths.extend(fixtures_in(&src.join("cmd/trace")));
        assert_eq!(paths.len(), n_expected, "{version}");
        paths.iter().for_each(|path| check(path));
    }
}

#[test]
fn fixtures_have_the_events_that_go_reads() {
    // From Go 1.27.3's reader, which ends at the first error; ours goes on to the end.
    let counts = [
        ("go122-annotations", 90),
        ("go122-confuse-seq-across-generations", 15),
        ("go122-create-syscall-reuse-thread-id", 14),
        ("go122-syscall-steal-proc-ambiguous", 11),
        ("go122-syscall-steal-proc-gen-boundary-bare-m", 7),
        ("go122-task-across-generations", 9),
        ("go123-sync", 6),
        ("go125-sync", 6),
    ];
    for (name, expected) in counts {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("testdata/fixtures/{name}.test"));
        let mut n = 0;
        each_event(&load(&path).1, |_, _| n += 1);
        assert_eq!(n, expected, "{name}");
    }
}
