#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn fields_end_after_the_first_malformed_one() {
    let bytes = [0x08, 5, 0x0b, 0x08, 6];
    let seen: Vec<_> = fields(&bytes).collect();
    assert_eq!(seen, [Ok(Field { number: 1, value: Value::Varint(5) }), Err(Malformed)]);
}

#[test]
fn a_length_beyond_the_end_is_refused() {
    let bytes = [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 1];
    assert_eq!(fields(&bytes).next(), Some(Err(Malformed)));
}

#[test]
fn numbers_of_fixed_width_have_their_lowest_byte_first() {
    let bytes = [0x09, 1, 2, 3, 4, 5, 6, 7, 8, 0x0d, 1, 2, 3, 4, 0x10, 9];
    let numbers: Vec<u64> = fields(&bytes).map(|field| field.unwrap().value.number()).collect();
    assert_eq!(numbers, [0x0807_0605_0403_0201, 0x0403_0201, 9]);
}
