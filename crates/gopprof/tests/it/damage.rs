//! Damaged input gives an error with its place or a part of the profile, never a panic.

use std::fs;
use std::io::Write;

use expect_test::expect;
use flate2::write::GzEncoder;
use gopprof::{ErrorKind, Limits, Parsed, Profile, parse_profile};

fn parse(bytes: &[u8]) -> Result<Parsed<Profile>, gopprof::Error> {
    parse_profile(bytes, &Limits::default())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A small profile as plain bytes.
fn plain() -> Vec<u8> {
    use std::io::Read;
    let gz = fs::read(xtask::testdata("samples/nested-1.21.13/mutex.pprof")).unwrap();
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(gz.as_slice()).read_to_end(&mut bytes).unwrap();
    bytes
}

/// Whatever was read has to be consistent, and iterating it must not fail.
fn check_sound(result: &Result<Parsed<Profile>, gopprof::Error>) {
    if let Ok(parsed) = result {
        parsed.value.check_valid().unwrap();
        crate::dump::dump(&parsed.value);
    }
}

#[test]
fn truncation_at_every_byte_is_an_error_or_a_stated_loss() {
    for whole in [plain(), gzip(&plain())] {
        for len in 0..whole.len() {
            let result = parse(&whole[..len]);
            check_sound(&result);
            if let Ok(parsed) = result {
                // Only what follows the last string can go without being noticed: plain data has no end mark.
                assert!(
                    !parsed.faults.is_empty() || whole[0] != 0x1f,
                    "cut at {len} of {}",
                    whole.len()
                );
            }
        }
    }
}

#[test]
fn every_flipped_bit_is_survived() {
    let whole = plain();
    for at in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[at / 8] ^= 1 << (at % 8);
        check_sound(&parse(&bytes));
    }
}

fn check_error(bytes: &[u8], expected: &str) {
    assert_eq!(parse(bytes).unwrap_err().to_string(), expected);
}

#[test]
fn says_what_is_wrong_and_where() {
    check_error(
        b"",
        "no sample types; this is not a pprof profile (at byte 0 of the inflated profile)",
    );
    check_error(
        b"package main",
        "field 12 has wire type 3; this is not a pprof profile (at byte 2 of the inflated profile)",
    );
    check_error(
        &gzip(&plain())[..150],
        "gzip data is cut or corrupt: incomplete deflate stream (at byte 156 of the inflated profile)",
    );
    check_error(
        b"\x0a\xff\xff\xff\xff\x0f",
        "the profile is cut: a field reaches beyond the end (at byte 0 of the inflated profile)",
    );
}

#[test]
fn a_bomb_stops_at_the_limit() {
    let bomb = gzip(&vec![0; 1 << 20]);
    let error = parse_profile(&bomb, &Limits { max_inflated_bytes: 1000 }).unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooLarge { limit_bytes: 1000 });
}

/// A message field.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, content.len() as u8], content].concat()
}

/// A profile with one sample type, location 1, and the given samples.
fn with_samples(samples: &[&[u8]]) -> Parsed<Profile> {
    let mut bytes = field(1, b"\x08\x01\x10\x02");
    samples.iter().for_each(|sample| bytes.extend(field(2, sample)));
    bytes.extend(field(4, b"\x08\x01"));
    ["", "cpu", "nanoseconds"].iter().for_each(|s| bytes.extend(field(6, s.as_bytes())));
    parse(&bytes).unwrap()
}

#[test]
fn drops_samples_that_refer_to_nothing_and_says_so() {
    let parsed = with_samples(&[
        b"\x08\x01\x10\x05",
        b"\x08\x07\x10\x05",
        b"\x08\x01",
        b"\x08\x01\x10\x05\x1a\x02\x08\x63",
    ]);
    assert_eq!(parsed.value.n_samples(), 1);
    let faults: Vec<String> = parsed.faults.iter().map(ToString::to_string).collect();
    expect![[r#"
        [
            "a sample names location 7, which does not exist; it was dropped (at byte 15 of the inflated profile)",
            "a sample has 0 values, expected 1; it was dropped (at byte 20 of the inflated profile)",
            "string 99 of a table of 3 (at byte 30 of the inflated profile)",
        ]
    "#]]
    .assert_debug_eq(&faults);
}

#[test]
fn packed_unpacked_and_mixed_numbers_read_alike() {
    let packed = with_samples(&[b"\x0a\x02\x01\x01\x12\x01\x05"]);
    let unpacked = with_samples(&[b"\x10\x05\x08\x01\x08\x01"]);
    let mixed = with_samples(&[b"\x08\x01\x12\x01\x05\x0a\x01\x01"]);
    assert_eq!(crate::dump::dump(&packed.value), crate::dump::dump(&unpacked.value));
    assert_eq!(crate::dump::dump(&packed.value), crate::dump::dump(&mixed.value));
}

#[test]
fn many_faults_are_counted_not_listed() {
    let bad: Vec<&[u8]> = vec![b"\x08\x07\x10\x05"; 50];
    let parsed = with_samples(&bad);
    assert_eq!(parsed.faults.len(), 21);
    assert_eq!(parsed.faults[20].kind, ErrorKind::More { n: 30 });
}
