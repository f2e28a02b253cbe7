//! Profiles that are cut, torn, or made to do harm.

use std::io::Write;

use expect_test::{Expect, expect};
use gopprof::{Error, ErrorKind, Limits, Parsed, Profile, parse_profile};

use crate::dump::dump;
use crate::forms::{bytes, function, location, num, sample_type, strings};
use crate::round_trip::written;
use crate::{inflated, sample, sample_path};

fn parse(bytes: &[u8]) -> Result<Parsed<Profile>, Error> {
    parse_profile(bytes, &Limits::default())
}

/// Whatever the bytes are, the answer is an error or a valid profile that can be written and read again.
fn check_answer(bytes: &[u8]) {
    if let Ok(parsed) = parse(bytes) {
        parsed.value.check_valid().unwrap();
        dump(&parsed.value);
        let again = parse(&written(&parsed.value)).unwrap();
        assert_eq!(again.faults, []);
        assert_eq!(again.value, parsed.value);
    }
}

#[test]
fn a_cut_at_every_byte_gives_an_error_or_a_part_and_says_so() {
    let gzip = std::fs::read(sample_path("nested-1.27.3/block.pprof")).unwrap();
    let ours = written(&sample("nested-1.27.3/block.pprof"));
    for whole in [inflated(&gzip), gzip, inflated(&ours), ours] {
        for len in 0..whole.len() {
            check_answer(&whole[..len]);
        }
    }
}

#[test]
fn a_gzip_stream_that_is_cut_is_never_taken_for_whole() {
    let whole = std::fs::read(sample_path("nested-1.27.3/block.pprof")).unwrap();
    for len in 0..whole.len() {
        if let Ok(parsed) = parse(&whole[..len]) {
            assert!(matches!(parsed.faults[0].kind, ErrorKind::Gzip(_)), "{len}");
        }
    }
}

#[test]
fn every_flipped_bit_gives_an_error_or_a_valid_profile() {
    let mut bytes = inflated(&std::fs::read(sample_path("flat-1.21.13/block.pprof")).unwrap());
    for i in 0..bytes.len() {
        for bit in 0..8 {
            bytes[i] ^= 1 << bit;
            check_answer(&bytes);
            bytes[i] ^= 1 << bit;
        }
    }
}

#[test]
fn a_flipped_bit_in_a_gzip_stream_is_noticed() {
    let whole = std::fs::read(sample_path("flat-1.21.13/block.pprof")).unwrap();
    let sound = parse(&whole).unwrap();
    // The header (name, time, flags) is not covered by the checksum.
    for i in 10..whole.len() {
        let mut bytes = whole.clone();
        bytes[i] ^= 0x10;
        if let Ok(parsed) = parse(&bytes) {
            assert!(!parsed.faults.is_empty() || parsed.value == sound.value, "byte {i}");
        }
        check_answer(&bytes);
    }
}

/// An entry of a byte takes eight in memory, or sixteen.
#[test]
fn of_more_entries_than_anybody_reads_the_first_are_kept() {
    let head = || [sample_type(1, 2), strings(&["", "samples", "count"])].concat();
    let comments = [head(), bytes(13, &[&[2; 70_000]])].concat();
    let parsed = parse(&comments).unwrap();
    assert_eq!(parsed.value.comments.len(), 65_536);
    assert_eq!(parsed.faults.len(), 1);
    assert_eq!(parsed.faults[0].kind, ErrorKind::MoreComments { n: 4464, max: 65_536 });
    let types = [head(), sample_type(1, 2).repeat(100)].concat();
    let parsed = parse(&types).unwrap();
    assert_eq!(parsed.value.sample_types.len(), 64);
    assert!(!parsed.faults.is_empty());
}

/// Otherwise a file of a few megabytes has a stack of billions of frames, in each of its samples.
#[test]
fn of_more_lines_than_a_location_has_both_ends_are_kept() {
    let line = |number| bytes(4, &[&num(1, 1), &num(2, number)]);
    let lines: Vec<u8> = (1..=1000).flat_map(line).collect();
    let location = bytes(4, &[&num(1, 1), &lines]);
    let parts = [sample_type(1, 2), plain_sample(1, 5), location, function(1, 3), names()].concat();
    let parsed = parse(&parts).unwrap();
    let kept: Vec<i64> = parsed.value.locations[0].lines.iter().map(|line| line.line).collect();
    assert_eq!(kept, (1..=256).chain([1000]).collect::<Vec<_>>());
    assert_eq!(parsed.faults.len(), 1);
    assert_eq!(parsed.faults[0].kind, ErrorKind::MoreLines { n: 1000, max: 257 });
    check_answer(&parts);
}

#[test]
fn of_more_locations_than_a_stack_has_those_next_to_the_leaf_are_kept() {
    // An id of two bytes follows one of one.
    let stack = |n| bytes(1, &[&[1, 0xac, 2].repeat(n)]);
    let of_depth = |n: usize| {
        let sample = bytes(2, &[&stack(n / 2), &bytes(2, &[&[5]])]);
        let tables = [location(1, 1), location(300, 1), function(1, 3)].concat();
        let parts = [sample_type(1, 2), sample, plain_sample(1, 6), tables, names()].concat();
        check_answer(&parts);
        parse(&parts).unwrap()
    };
    let stacks = |profile: &Profile| -> Vec<Vec<usize>> {
        profile.samples().map(|sample| sample.locations().map(|at| at.index()).collect()).collect()
    };
    assert_eq!(of_depth(4096).faults, []);
    let parsed = of_depth(5000);
    assert_eq!(stacks(&parsed.value), [[0, 1].repeat(2048), vec![0]]);
    assert_eq!(parsed.faults.len(), 1);
    assert_eq!(parsed.faults[0].kind, ErrorKind::DeepStack { max: 4096 });
}

/// A byte of a sample can stand for 257 frames.
#[test]
fn of_more_frames_than_a_stack_has_those_next_to_the_leaf_are_kept() {
    let lines = bytes(4, &[&num(1, 1), &num(2, 7)]).repeat(200);
    let wide = bytes(4, &[&num(1, 1), &lines]);
    // 1 + 20 times 200 are 4001 frames, and a sample of one location has its own.
    let of_width = |n: usize| {
        let deep = bytes(2, &[&bytes(1, &[&[2], &vec![1_u8; n]]), &bytes(2, &[&[5]])]);
        let tables = [wide.clone(), location(2, 1), function(1, 3)].concat();
        let parts = [sample_type(1, 2), deep, plain_sample(2, 6), tables, names()].concat();
        check_answer(&parts);
        parse(&parts).unwrap()
    };
    let depths = |profile: &Profile| -> Vec<usize> {
        profile.samples().map(|sample| sample.locations().count()).collect()
    };
    assert_eq!(of_width(20).faults, []);
    assert_eq!(depths(&of_width(20).value), [21, 1]);
    let parsed = of_width(1000);
    assert_eq!(depths(&parsed.value), [21, 1]);
    assert_eq!(parsed.value.samples().map(|sample| sample.value(0)).collect::<Vec<_>>(), [5, 6]);
    assert_eq!(parsed.faults.len(), 1);
    assert_eq!(parsed.faults[0].kind, ErrorKind::ManyFrames { max: 4096 });
}

/// Reads a damaged profile of which something is left; compares its faults and its text.
fn check_faults(parts: &[Vec<u8>], expected: &Expect) {
    let parsed = parse(&parts.concat()).unwrap();
    let mut text = String::new();
    for fault in &parsed.faults {
        text += &format!("fault: {fault}\n");
    }
    text += &dump(&parsed.value);
    expected.assert_eq(&text);
    check_answer(&parts.concat());
}

fn names() -> Vec<u8> {
    strings(&["", "a", "count", "f"])
}

fn plain_sample(location: u8, value: u8) -> Vec<u8> {
    bytes(2, &[&bytes(1, &[&[location]]), &bytes(2, &[&[value]])])
}

#[test]
fn samples_that_refer_to_nothing_are_dropped_and_counted() {
    let two_values = bytes(2, &[&bytes(1, &[&[1]]), &bytes(2, &[&[6, 6]])]);
    let cut_number = bytes(2, &[&bytes(1, &[&[1]]), &bytes(2, &[&[0x80]])]);
    let samples = [plain_sample(1, 5), plain_sample(9, 6), plain_sample(0, 6)].concat();
    let tables = [location(1, 1), function(1, 3)].concat();
    check_faults(
        &[sample_type(1, 2), samples, two_values, cut_number, tables, names()],
        &expect![[r#"
            fault: a sample cannot be decoded; it was dropped (at byte 39 of the inflated profile)
            fault: a sample names location 9, which does not exist; it was dropped (at byte 14 of the inflated profile)
            fault: a sample names location 0, which does not exist; it was dropped (at byte 22 of the inflated profile)
            fault: a sample has 2 values, expected 1; it was dropped (at byte 30 of the inflated profile)
            type a/count
            time 0 duration 0 period 0
            default "" drop "" keep "" url ""
            sample [5] []
              0x10 None folded=false f :7:0
        "#]],
    );
}

#[test]
fn references_to_nothing_are_left_out() {
    let no_mapping = bytes(4, &[&num(1, 2), &num(2, 4), &num(3, 32)]);
    let label = bytes(3, &[&num(1, 77), &num(3, 1)]);
    let sample = bytes(2, &[&bytes(1, &[&[1, 2]]), &bytes(2, &[&[5]]), &label]);
    let tables = [location(1, 8), no_mapping, function(1, 3), function(2, 99)].concat();
    check_faults(
        &[sample_type(1, 2), sample, tables, names()],
        &expect![[r#"
            fault: string 99 of a table of 4; it was taken as empty (at byte 49 of the inflated profile)
            fault: string 99 of a table of 4; it was taken as empty (at byte 49 of the inflated profile)
            fault: a location names function 8, which does not exist (at byte 21 of the inflated profile)
            fault: a location names mapping 4, which does not exist (at byte 33 of the inflated profile)
            fault: string 77 of a table of 4; it was taken as empty (at byte 6 of the inflated profile)
            type a/count
            time 0 duration 0 period 0
            default "" drop "" keep "" url ""
            sample [5] [Label { key: "", value: Num { value: 1, unit: "" } }]
              0x10 None folded=false ? ?:7:0
              0x20 None folded=false 
        "#]],
    );
}

#[test]
fn the_first_of_two_with_the_same_id_stays() {
    let tables = [location(1, 1), location(1, 2), location(0, 1), location(2, 2)].concat();
    let functions = [function(1, 3), function(2, 2), function(2, 3)].concat();
    let sample = bytes(2, &[&bytes(1, &[&[1, 2]]), &bytes(2, &[&[5]])]);
    check_faults(
        &[sample_type(1, 2), sample, tables, functions, names()],
        &expect![[r#"
            fault: id 2 is zero or used twice in the table of functions; the later entry was dropped (at byte 79 of the inflated profile)
            fault: id 1 is zero or used twice in the table of locations; the later entry was dropped (at byte 27 of the inflated profile)
            fault: id 0 is zero or used twice in the table of locations; the later entry was dropped (at byte 39 of the inflated profile)
            type a/count
            time 0 duration 0 period 0
            default "" drop "" keep "" url ""
            sample [5] []
              0x10 None folded=false f :7:0
              0x20 None folded=false count :7:0
        "#]],
    );
}

#[test]
fn a_string_that_is_not_utf8_is_kept_readable() {
    let parts = [sample_type(1, 2), names(), bytes(6, &[b"caf\xe9"]), num(15, 4)];
    check_faults(
        &parts,
        &expect![[r#"
            fault: string 4 is not UTF-8; the bad bytes were replaced (at byte 21 of the inflated profile)
            type a/count
            time 0 duration 0 period 0
            default "" drop "" keep "" url "caf�"
        "#]],
    );
}

#[test]
fn what_precedes_broken_framing_is_kept() {
    let tables = [location(1, 1), function(1, 3), names()].concat();
    let broken = vec![0x0f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19];
    check_faults(
        &[sample_type(1, 2), tables, plain_sample(1, 5), broken, plain_sample(1, 6)],
        &expect![[r#"
            fault: the profile is damaged from here on (at byte 49 of the inflated profile)
            type a/count
            time 0 duration 0 period 0
            default "" drop "" keep "" url ""
            sample [5] []
              0x10 None folded=false f :7:0
        "#]],
    );
}

#[test]
fn a_length_beyond_the_end_does_not_allocate() {
    for len in [1 << 20, 400 << 20, 1 << 40, u64::MAX] {
        let mut huge = vec![6 << 3 | 2];
        huge.extend(&num(1, len)[1..]);
        let parts = [sample_type(1, 2), names(), huge.clone(), b"rest".to_vec()].concat();
        let parsed = parse(&parts).unwrap();
        assert_eq!(parsed.faults[0].kind, ErrorKind::Truncated);
        let error = parse(&[sample_type(1, 2), huge].concat()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::NamesLost);
    }
}

#[test]
fn names_that_are_lost_are_an_error_with_the_place() {
    let whole = inflated(&std::fs::read(sample_path("nested-1.27.3/cpu.pprof")).unwrap());
    let error = parse(&whole[..whole.len() / 2]).unwrap_err();
    assert_eq!(error.kind, ErrorKind::NamesLost);
    expect!["the profile is cut, and its names, which stand last, are lost; record it again (at byte 4813 of the inflated profile)"].assert_eq(&error.to_string());
}

/// Gzip of `prefix` and so many zero bytes.
fn bomb(prefix: &[u8], n_bytes: usize) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(prefix).unwrap();
    let piece = vec![0; 1 << 20];
    for _ in 0..n_bytes >> 20 {
        gzip.write_all(&piece).unwrap();
    }
    gzip.finish().unwrap()
}

#[test]
fn a_zip_bomb_is_stopped_at_the_limit_which_is_named() {
    let limits = Limits { max_inflated_bytes: 1 << 20 };
    let mut one_string = vec![6 << 3 | 2];
    one_string.extend(&num(1, 16 << 20)[1..]);
    for prefix in [one_string, names()] {
        let error = parse_profile(&bomb(&prefix, 16 << 20), &limits).unwrap_err();
        if prefix == names() {
            // A zero byte is no tag.
            assert_eq!(error.kind, ErrorKind::NotAProfile);
        } else {
            assert_eq!(error.kind, ErrorKind::TooLarge { limit_bytes: 1 << 20 });
            expect!["inflates beyond the limit of 1048576 bytes; raise the limit if this is a real profile (at byte 5 of the inflated profile)"].assert_eq(&error.to_string());
        }
    }
}

#[test]
fn many_small_fields_are_stopped_at_the_limit() {
    let limits = Limits { max_inflated_bytes: 1 << 16 };
    let parts = [names(), function(1, 3).repeat(1 << 14)].concat();
    let error = parse_profile(&parts, &limits).unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooLarge { limit_bytes: 1 << 16 });
}

#[test]
fn a_profile_of_exactly_the_limit_is_read() {
    let whole = inflated(&std::fs::read(sample_path("nested-1.27.3/cpu.pprof")).unwrap());
    let limit = whole.len() as u64;
    assert!(parse_profile(&whole, &Limits { max_inflated_bytes: limit }).is_ok());
    let error = parse_profile(&whole, &Limits { max_inflated_bytes: limit - 1 }).unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooLarge { limit_bytes: limit - 1 });
}

#[test]
fn many_faults_are_counted_not_listed() {
    let bad = plain_sample(9, 6).repeat(50);
    let parsed = parse(&[sample_type(1, 2), bad, names()].concat()).unwrap();
    assert_eq!(parsed.faults.len(), 21);
    assert_eq!(parsed.faults[20].kind, ErrorKind::More { n: 30 });
}

#[test]
fn entries_made_to_do_harm_take_no_table() {
    // Two bytes each: empty samples, mappings, locations, functions, strings, lines.
    for number in 2..=6 {
        let bytes = [sample_type(1, 2), names(), bytes(number, &[]).repeat(1 << 16)].concat();
        let profile = parse(&bytes).unwrap().value;
        let entries = [profile.mappings.len(), profile.locations.len(), profile.functions.len()];
        assert_eq!((profile.n_samples(), entries), (0, [0; 3]));
    }
}
