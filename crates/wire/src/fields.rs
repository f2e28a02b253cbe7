//! The fields of protobuf messages, read and written.
//!
//! Source: protobuf encoding specification, <https://protobuf.dev/programming-guides/encoding/>. Groups
//! (wire types 3 and 4) are not written any more and count as malformed.

use crate::varint::{put_varint, take_varint};

/// What is not a well-formed sequence of fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Takes a length and that many bytes off the front.
#[inline]
pub fn take_bytes<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = usize::try_from(take_varint(rest)?).ok()?;
    let (head, tail) = rest.split_at_checked(len)?;
    *rest = tail;
    Some(head)
}

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A number.
    Varint(u64),
    /// A string, a message, or packed numbers.
    Bytes(&'a [u8]),
    /// Four or eight bytes, the lowest first.
    Fixed(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The number, or 0 for a field of bytes.
    pub fn number(self) -> u64 {
        match self {
            Value::Varint(v) => v,
            Value::Fixed(bytes) => bytes.iter().rev().fold(0, |n, &byte| n << 8 | u64::from(byte)),
            Value::Bytes(_) => 0,
        }
    }

    /// The bytes; none for a number.
    pub fn bytes(self) -> &'a [u8] {
        if let Value::Bytes(bytes) = self { bytes } else { &[] }
    }

    /// The number as a signed one (two's complement in 64 bits, not zigzag).
    pub fn signed(self) -> i64 {
        self.number().cast_signed()
    }
}

/// A field with its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// From 1.
    pub number: u64,
    /// What it holds.
    pub value: Value<'a>,
}

/// What a tag announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announced {
    /// A number.
    Varint,
    /// A length, and that many bytes.
    Bytes,
    /// So many bytes.
    Fixed(usize),
}

/// Splits a tag into field number and what follows it.
pub fn split_tag(tag: u64) -> Option<(u64, Announced)> {
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
pub struct Fields<'a> {
    rest: &'a [u8],
}

/// The fields of a message.
pub fn fields(message: &[u8]) -> Fields<'_> {
    Fields { rest: message }
}

impl<'a> Fields<'a> {
    fn take_field(&mut self) -> Option<Field<'a>> {
        let (number, announced) = split_tag(take_varint(&mut self.rest)?)?;
        let value = match announced {
            Announced::Varint => Value::Varint(take_varint(&mut self.rest)?),
            Announced::Bytes => Value::Bytes(take_bytes(&mut self.rest)?),
            Announced::Fixed(width) => {
                let (bytes, rest) = self.rest.split_at_checked(width)?;
                self.rest = rest;
                Value::Fixed(bytes)
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
///
/// # Errors
/// Numbers of fixed width, or one that is cut.
pub fn each_number(value: Value<'_>, mut each: impl FnMut(u64)) -> Result<(), Malformed> {
    match value {
        Value::Varint(v) => each(v),
        Value::Bytes(mut rest) => {
            while !rest.is_empty() {
                each(take_varint(&mut rest).ok_or(Malformed)?);
            }
        }
        Value::Fixed(_) => return Err(Malformed),
    }
    Ok(())
}

/// Appends a number field, unless it is 0, the value of an absent field.
pub fn put_number(out: &mut Vec<u8>, number: u64, value: u64) {
    if value != 0 {
        put_varint(out, number << 3);
        put_varint(out, value);
    }
}

/// Appends a field of bytes: a string, a message, or packed numbers.
pub fn put_bytes(out: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    put_varint(out, number << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests;
