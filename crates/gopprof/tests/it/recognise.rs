//! Telling a profile from other files by its first bytes.

use gopprof::{ErrorKind, Limits, count_samples, has_sample_type, is_profile, parse_profile};

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
        assert!(count_samples(other, &Limits::default()).is_err(), "{other:?}");
    }
}

#[test]
fn samples_are_counted_without_a_model() {
    for path in captures() {
        let bytes = std::fs::read(&path).unwrap();
        let profile = parse_profile(&bytes, &Limits::default()).unwrap().value;
        let n_samples = count_samples(&bytes[..], &Limits::default()).unwrap();
        assert_eq!(n_samples, profile.samples().count() as u64, "{}", path.display());
    }
}

#[test]
fn what_is_cut_or_too_large_is_not_counted() {
    // sample_type {}, sample { location_id: 1, value: 1 }, string_table: ""
    let whole = [0x0a, 0, 0x12, 4, 0x08, 1, 0x10, 1, 0x32, 0];
    assert_eq!(count_samples(&whole[..], &Limits::default()), Ok(1));
    for len in 0..whole.len() {
        assert!(count_samples(&whole[..len], &Limits::default()).is_err(), "{len}");
    }
    let limits = Limits { max_inflated_bytes: 4 };
    let error = count_samples(&whole[..], &limits).unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooLarge { limit_bytes: 4 });
}

#[test]
fn a_type_of_values_is_found_without_a_model() {
    for path in captures() {
        let bytes = std::fs::read(&path).unwrap();
        let profile = parse_profile(&bytes, &Limits::default()).unwrap().value;
        let names: Vec<&str> = profile.sample_types.iter().map(|of| profile.str(of.kind)).collect();
        let has = |name: &str| has_sample_type(&bytes[..], name, &Limits::default()).unwrap();
        assert!(names.iter().all(|name| has(name)), "{} {names:?}", path.display());
        // A unit, and a name of none.
        assert!(!has("nanoseconds") && !has("none"), "{}", path.display());
    }
}

#[test]
fn a_type_of_values_is_looked_for_in_either_order_and_no_further() {
    // string_table: "", "t"; sample_type { type: 1 }
    let (strings, types) = ([0x32, 0, 0x32, 1, b't'], [0x0a, 2, 0x08, 1]);
    let damage = [0x0f];
    for whole in
        [[&strings[..], &types, &damage].concat(), [&types[..], &strings, &damage].concat()]
    {
        assert_eq!(has_sample_type(&whole[..], "t", &Limits::default()), Ok(true));
        assert!(has_sample_type(&whole[..], "u", &Limits::default()).is_err());
        for len in 1..whole.len() - 1 {
            let found = has_sample_type(&whole[..len], "t", &Limits::default());
            assert_ne!(found, Ok(true), "{len}");
        }
        let limits = Limits { max_inflated_bytes: 4 };
        let error = has_sample_type(&whole[..], "t", &limits).unwrap_err();
        assert_eq!(error.kind, ErrorKind::TooLarge { limit_bytes: 4 });
    }
    // More types than are looked at take no memory.
    let many = [types.repeat(65), strings.to_vec()].concat();
    assert_eq!(has_sample_type(&many[..], "t", &Limits::default()), Ok(true));
}
