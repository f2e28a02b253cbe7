//! Which files are traces, and of which versions.

use gotrace::{ErrorKind, Version, is_trace, parse_trace};
use gotrace_oracle::parse_raw;

use crate::{SAMPLES, sample};

fn refused(bytes: &[u8]) -> ErrorKind {
    assert_eq!(parse_raw(bytes).unwrap_err(), parse_trace(bytes).unwrap_err());
    parse_trace(bytes).unwrap_err().kind
}

#[test]
fn versions_of_samples_are_told() {
    for name in SAMPLES {
        let bytes = sample(name);
        assert!(is_trace(&bytes[..16]), "{name}");
        let expected = match () {
            () if name.contains("1.22") => Version::Go122,
            () if name.contains("1.23") || name.contains("1.24") => Version::Go123,
            () if name.contains("1.25") => Version::Go125,
            () => Version::Go126,
        };
        assert_eq!(parse_trace(&bytes).unwrap().version(), expected, "{name}");
    }
}

#[test]
fn the_old_format_is_refused_with_advice() {
    let bytes = sample("flat-1.21.13/trace.out");
    assert!(is_trace(&bytes));
    assert_eq!(refused(&bytes), ErrorKind::OldFormat { minor: 21 });
    let message = parse_trace(&bytes).unwrap_err().to_string();
    assert!(message.contains("build the program with Go 1.22 or later and record it again"));
    assert_eq!(refused(b"go 1.11 trace\0\0\0"), ErrorKind::OldFormat { minor: 11 });
    assert_eq!(refused(b"go 1.5 trace\0\0\0\0"), ErrorKind::TooOld { minor: 5 });
}

#[test]
fn future_formats_and_other_files_are_refused() {
    assert_eq!(refused(b"go 1.28 trace\0\0\0"), ErrorKind::UnknownFormat { minor: 28 });
    assert_eq!(refused(b"go 1.24 trace\0\0\0"), ErrorKind::UnknownFormat { minor: 24 });
    for other in [&b""[..], b"go 1.22 trace\0\0", b"go 1.22 trace\0\0x", b"go 1.222trace\0\0\0"] {
        assert_eq!(refused(other), ErrorKind::NotATrace);
        assert!(!is_trace(other));
    }
}
