//! Telling a profile from other files by its first bytes.

use gopprof::{Limits, is_profile, parse_profile};

use crate::inflated;
use crate::round_trip::captures;

#[test]
fn a_profile_is_recognised_by_its_first_bytes() {
    for path in captures() {
        let bytes = std::fs::read(&path).unwrap();
        let plain = inflated(&bytes);
        for bytes in [&bytes[..], &plain[..], &bytes[..bytes.len().min(512)], &plain[..64]] {
            assert!(is_profile(bytes), "{} {}", path.display(), bytes.len());
        }
    }
}

#[test]
fn other_files_are_not_taken_for_profiles() {
    let gzip_of_text = {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut gzip, b"heap profile: 1: 2 [3: 4] @ heap/1048576\n")
            .unwrap();
        gzip.finish().unwrap()
    };
    let others: [&[u8]; 8] = [
        b"",
        b"\x1f\x8b",
        b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0>\0",
        b"PERFILE2h\0\0\0\0\0\0\0",
        b"go 1.22 trace\0\0\0",
        b"heap profile: 1: 2 [3: 4] @ heap/1048576\n",
        b"{\"version\": 1}",
        &gzip_of_text,
    ];
    for other in others {
        assert!(!is_profile(other), "{other:?}");
        assert!(parse_profile(other, &Limits::default()).is_err(), "{other:?}");
    }
}
