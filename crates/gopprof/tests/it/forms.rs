//! Forms that other writers than Go use, written here by hand.

use expect_test::{Expect, expect};
use gopprof::{Limits, parse_profile};
use wire::put_varint;

use crate::dump::dump;
use crate::round_trip::written;
use crate::sound;

/// A field with a number.
pub(crate) fn num(number: u8, value: u64) -> Vec<u8> {
    let mut out = vec![number << 3];
    put_varint(&mut out, value);
    out
}

/// A field with bytes.
pub(crate) fn bytes(number: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let mut out = vec![number << 3 | 2];
    put_varint(&mut out, body.len() as u64);
    out.extend(body);
    out
}

pub(crate) fn strings(all: &[&str]) -> Vec<u8> {
    all.iter().flat_map(|text| bytes(6, &[text.as_bytes()])).collect()
}

pub(crate) fn function(id: u64, name: u64) -> Vec<u8> {
    bytes(5, &[&num(1, id), &num(2, name), &num(3, name)])
}

pub(crate) fn location(id: u64, function: u64) -> Vec<u8> {
    bytes(4, &[&num(1, id), &num(3, id * 16), &bytes(4, &[&num(1, function), &num(2, 7)])])
}

pub(crate) fn sample_type(kind: u64, unit: u64) -> Vec<u8> {
    bytes(1, &[&num(1, kind), &num(2, unit)])
}

/// Reads a profile without faults, compares its text, and reads back what is written of it.
fn check(parts: &[Vec<u8>], expected: &Expect) {
    let profile = sound(parse_profile(&parts.concat(), &Limits::default()).unwrap());
    expected.assert_eq(&dump(&profile));
    let again = sound(parse_profile(&written(&profile), &Limits::default()).unwrap());
    assert_eq!(profile, again);
}

#[test]
fn every_field_is_read() {
    check(
        &[
            sample_type(1, 2),
            bytes(
                2,
                &[
                    &bytes(1, &[&[1]]),
                    &bytes(2, &[&[5]]),
                    &bytes(3, &[&num(1, 3), &num(2, 4)]),
                    &bytes(3, &[&num(1, 3), &num(3, 64), &num(4, 2)]),
                ],
            ),
            bytes(
                3,
                &[
                    &[num(1, 1), num(2, 0x1000), num(3, 0x2000), num(4, 0x400)].concat(),
                    &[num(5, 5), num(6, 6), num(7, 1), num(8, 1), num(9, 1), num(10, 1)].concat(),
                ],
            ),
            bytes(
                4,
                &[
                    &[num(1, 1), num(2, 1), num(3, 0x1010), num(5, 1)].concat(),
                    &bytes(4, &[&num(1, 1), &num(2, 70), &num(3, 9)]),
                    &bytes(4, &[&num(1, 2), &num(2, 80)]),
                ],
            ),
            bytes(5, &[&num(1, 1), &num(2, 7), &num(3, 8), &num(4, 9), &num(5, 66)]),
            bytes(5, &[&num(1, 2), &num(2, 10), &num(3, 10)]),
            strings(&[
                "", "cpu", "ns", "key", "text", "prog", "b1d", "inlined", "_in", "a.go", "outer",
            ]),
            strings(&["drop.*", "keep.*", "a comment", "http://doc"]),
            [num(7, 11), num(8, 12), num(9, 1000), num(10, 2000), num(12, 10), num(14, 1)].concat(),
            bytes(11, &[&num(1, 1), &num(2, 2)]),
            bytes(13, &[&[13, 4]]),
            num(15, 14),
        ],
        &expect![[r#"
            type cpu/ns
            type cpu/ns
            time 1000 duration 2000 period 10
            default "cpu" drop "drop.*" keep "keep.*" url "http://doc"
            comment a comment
            comment text
            mapping 0x1000..0x2000@0x400 prog "b1d" [1, 1, 1, 1]
            sample [5] [Label { key: "key", value: Str("text") }, Label { key: "key", value: Num { value: 64, unit: "ns" } }]
              0x1010 Some(0) folded=true inlined a.go:70:9 < outer :80:0
        "#]],
    );
}

#[test]
fn repeated_numbers_may_be_unpacked_and_mixed() {
    let sample =
        bytes(2, &[&num(2, 5), &num(1, 2), &bytes(1, &[&[1, 2]]), &num(2, u64::MAX), &num(1, 1)]);
    let types = [sample_type(1, 2), sample_type(3, 2)].concat();
    let tables = [location(1, 1), location(2, 2), function(1, 4), function(2, 5)].concat();
    let comments = [num(13, 4), num(13, 5)].concat();
    let strings = strings(&["", "a", "count", "b", "f", "g"]);
    check(
        &[types, sample, tables, strings, comments],
        &expect![[r#"
            type a/count
            type b/count
            time 0 duration 0 period 0
            default "" drop "" keep "" url ""
            comment f
            comment g
            sample [5, -1] []
              0x20 None folded=false g :7:0
              0x10 None folded=false f :7:0
              0x20 None folded=false g :7:0
              0x10 None folded=false f :7:0
        "#]],
    );
}

#[test]
fn ids_need_not_be_dense_nor_in_order() {
    let sample = bytes(2, &[&bytes(1, &[&[0x80, 0x01, 7, 1]]), &bytes(2, &[&[3]])]);
    let locations = [location(7, u64::MAX), location(1, 9), location(128, 9)].concat();
    let functions = [function(9, 3), function(u64::MAX, 4)].concat();
    let strings = strings(&["", "a", "count", "f", "g"]);
    check(
        &[sample_type(1, 2), sample, locations, functions, strings],
        &expect![[r#"
            type a/count
            time 0 duration 0 period 0
            default "" drop "" keep "" url ""
            sample [3] []
              0x800 None folded=false f :7:0
              0x70 None folded=false g :7:0
              0x10 None folded=false f :7:0
        "#]],
    );
}

#[test]
fn fields_may_come_in_any_order() {
    let sample = bytes(2, &[&bytes(2, &[&[3]]), &bytes(1, &[&[1]])]);
    let strings = strings(&["", "a", "count", "f"]);
    let mut parts = [strings, function(1, 3), sample, location(1, 1), sample_type(1, 2)];
    let text = |parts: &[Vec<u8>]| {
        dump(&sound(parse_profile(&parts.concat(), &Limits::default()).unwrap()))
    };
    let forwards = text(&parts);
    parts.reverse();
    assert_eq!(text(&parts), forwards);
    check(
        &parts,
        &expect![[r#"
        type a/count
        time 0 duration 0 period 0
        default "" drop "" keep "" url ""
        sample [3] []
          0x10 None folded=false f :7:0
    "#]],
    );
}

#[test]
fn a_sample_may_have_no_stack_and_a_profile_no_sample() {
    let strings = strings(&["", "a", "count"]);
    let sample = bytes(2, &[&bytes(2, &[&[3]])]);
    check(
        &[sample_type(1, 2), strings.clone()],
        &expect![[r#"
            type a/count
            time 0 duration 0 period 0
            default "" drop "" keep "" url ""
        "#]],
    );
    check(
        &[sample_type(1, 2), sample, strings],
        &expect![[r#"
            type a/count
            time 0 duration 0 period 0
            default "" drop "" keep "" url ""
            sample [3] []
        "#]],
    );
}

#[test]
fn unknown_fields_are_stepped_over() {
    let unknown = vec![0xa0, 0x06, 5];
    let fixed = vec![0x85, 0x02, 1, 2, 3, 4, 0x81, 0x02, 1, 2, 3, 4, 5, 6, 7, 8];
    let strings = strings(&["", "a", "count"]);
    let sample = bytes(2, &[&bytes(2, &[&[3]]), &bytes(9, &[b"zzz"])]);
    check(
        &[sample_type(1, 2), fixed, sample, unknown, strings],
        &expect![[r#"
            type a/count
            time 0 duration 0 period 0
            default "" drop "" keep "" url ""
            sample [3] []
        "#]],
    );
}
