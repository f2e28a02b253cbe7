//! The traces that Go's own reader is tested with: text, each with what is expected of a reader.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use gotrace_oracle::{Contradiction, ErrorKind, parse_raw, parse_text, write_raw};

use crate::each_event;
use crate::like_go::{assert_like_go, read_by_go};

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
    check_bytes(path, expected, &bytes);
}

fn check_bytes(path: &Path, expected: Expected, bytes: &[u8]) {
    let faults = each_event(bytes, |_, _| {});
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
fn fixtures_of_every_go_are_judged_and_read_like_go() {
    let mut seen = HashSet::new();
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
        for path in paths {
            let (expected, bytes) = load(&path);
            // Most are the same in all versions.
            if seen.insert(bytes.clone()) {
                check_bytes(&path, expected, &bytes);
                compare_with_go(&path, &bytes);
            }
        }
    }
}

/// Order, time, context, state and stack of every event, up to where Go refuses one.
fn compare_with_go(path: &Path, bytes: &[u8]) {
    let binary = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&binary, bytes).unwrap();
    match read_by_go(binary.path()) {
        Some(by_go) => assert_like_go(&path.display().to_string(), bytes, &by_go),
        None => xtask::skip("Go 1.27.3 is not installed"),
    }
}

/// The bytes of `[]byte("...")`, as Go quotes them.
fn seed_bytes(text: &str) -> Vec<u8> {
    let quoted = text.split_once("(\"").unwrap().1.trim_end().strip_suffix("\")").unwrap();
    let mut bytes = Vec::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            bytes.extend_from_slice(c.to_string().as_bytes());
            continue;
        }
        let escape = chars.next().unwrap();
        let mut hex =
            |n| u32::from_str_radix(&chars.by_ref().take(n).collect::<String>(), 16).unwrap();
        match escape {
            'x' => bytes.push(hex(2) as u8),
            'u' => bytes.extend(char::from_u32(hex(4)).unwrap().to_string().bytes()),
            'U' => bytes.extend(char::from_u32(hex(8)).unwrap().to_string().bytes()),
            c => bytes.push(match c {
                'a' => 7,
                'b' => 8,
                't' => b'\t',
                'n' => b'\n',
                'v' => 11,
                'f' => 12,
                'r' => b'\r',
                other => other as u8,
            }),
        }
    }
    bytes
}

#[test]
fn what_go_refuses_of_its_fuzz_seeds_has_a_fault() {
    let Some(go) = xtask::go::toolchain("1.27.3") else {
        return xtask::skip("Go 1.27.3 is not installed");
    };
    let root = go.go.parent().unwrap().parent().unwrap();
    let mut n = 0;
    for seed in std::fs::read_dir(root.join("src/internal/trace/testdata/fuzz/FuzzReader")).unwrap()
    {
        let path = seed.unwrap().path();
        let bytes = seed_bytes(&std::fs::read_to_string(&path).unwrap());
        let binary = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&binary, &bytes).unwrap();
        let by_go = read_by_go(binary.path()).unwrap();
        if by_go.error.is_none() {
            assert_like_go(&path.display().to_string(), &bytes, &by_go);
        } else if gotrace::parse_trace(&bytes).is_ok() {
            assert_ne!(each_event(&bytes, |_, _| {}), [], "{}", path.display());
        }
        n += 1;
    }
    assert_eq!(n, 17);
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
