//! The fields of protobuf messages, read and written.
//!
//! Source: protobuf encoding specification, <https://protobuf.dev/programming-guides/encoding/>. Groups
//! (wire types 3 and 4) do not occur in profile.proto and count as malformed.

use wire::{put_varint, take_varint};

/// What is not a well-formed sequence of fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Takes a length and that many bytes off the front.
#[inline]
pub(crate) fn take_bytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = usize::try_from(take_varint(rest)?).ok()?;
    let (head, tail) = rest.split_at_checked(len)?;
    *rest = tail;
    Some(head)
}

/// The value of a field. Those of fixed width do not occur in profile.proto and carry nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    Fixed,
}

impl<'a> Value<'a> {
    /// The number, or 0 for a field of another wire type.
    pub(crate) fn number(self) -> u64 {
        if let Value::Varint(v) = self { v } else { 0 }
    }

    /// The number as a signed one (two's complement in 64 bits, not zigzag).
    pub(crate) fn signed(self) -> i64 {
        self.number().cast_signed()
    }
}

/// A field with its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    pub(crate) number: u64,
    pub(crate) value: Value<'a>,
}

/// What a tag announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Announced {
    Varint,
    Bytes,
    Fixed(usize),
}

/// Splits a tag into field number and what follows it.
pub(crate) fn split_tag(tag: u64) -> Option<(u64, Announced)> {
    let announced = match tag & 7 {
        0 => Announced::Varint,
        1 => Announced::Fixed(8),
        2 => Announced::Bytes,
        5 => Announced::Fixed(4),
        _ => return None,
    };
    // Field numbers are 1 to 2^29 - 1.
    let number = tag >> 3;
    (number != 0 && number < 1 << 29).then_some((number, announced))
}

/// The fields of a message. After an error it ends.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

pub(crate) fn fields(message: &[u8]) -> Fields<'_> {
    Fields { rest: message }
}

impl<'a> Fields<'a> {
    fn take_field(&mut self) -> Option<Field<'a>> {
        let (number, announced) = split_tag(take_varint(&mut self.rest)?)?;
        let value = match announced {
            Announced::Varint => Value::Varint(take_varint(&mut self.rest)?),
            Announced::Bytes => Value::Bytes(take_bytes(&mut self.rest)?),
            Announced::Fixed(width) => {
                self.rest = self.rest.get(width..)?;
                Value::Fixed
            }
        };
        Some(Field { number, value })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.take_field();
        if field.is_none() {
            self.rest = &[];
        }
        Some(field.ok_or(Malformed))
    }
}

/// Calls `each` with every number of a repeated field, packed or not.
pub(crate) fn each_number(value: Value<'_>, mut each: impl FnMut(u64)) -> Result<(), Malformed> {
    match value {
        Value::Varint(v) => each(v),
        Value::Bytes(mut rest) => {
            while !rest.is_empty() {
                each(take_varint(&mut rest).ok_or(Malformed)?);
            }
        }
        Value::Fixed => return Err(Malformed),
    }
    Ok(())
}

/// Appends a number field, unless it is 0, the value of an absent field.
pub(crate) fn put_number(out: &mut Vec<u8>, number: u64, value: u64) {
    if value != 0 {
        put_varint(out, number << 3);
        put_varint(out, value);
    }
}

/// Appends a field of bytes: a string, a message, or packed numbers.
pub(crate) fn put_bytes(out: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    put_varint(out, number << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests;
