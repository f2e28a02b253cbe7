//! The protocol buffer wire format, as far as profile.proto uses it: varints and length-delimited fields.

use crate::error::{Error, ErrorKind};

/// One field of a message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field<'a> {
    pub(crate) number: u32,
    pub(crate) value: Value<'a>,
    /// Where the value starts, counted like [`Fields`]' base.
    pub(crate) offset: u64,
}

/// The value of a field.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// Fixed-width numbers, which profile.proto has none of: unknown fields, skipped.
    Fixed,
}

/// Fields of a message in the order written; ends after the first error.
#[derive(Debug, Clone)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
    end: u64,
}

impl<'a> Fields<'a> {
    /// `base` is the offset of `message` in the profile.
    pub(crate) fn new(message: &'a [u8], base: u64) -> Self {
        Self { rest: message, end: base + message.len() as u64 }
    }

    fn offset(&self) -> u64 {
        self.end - self.rest.len() as u64
    }

    fn read(&mut self) -> Result<Field<'a>, ErrorKind> {
        let tag = read_varint(&mut self.rest)?;
        let number = u32::try_from(tag >> 3).map_err(|_| ErrorKind::BadVarint)?;
        let wire_type = (tag & 7) as u8;
        let mut offset = self.offset();
        let value = match wire_type {
            0 => Value::Varint(read_varint(&mut self.rest)?),
            1 => self.take(8).map(|_| Value::Fixed)?,
            5 => self.take(4).map(|_| Value::Fixed)?,
            2 => {
                let len = read_varint(&mut self.rest)?;
                offset = self.offset();
                Value::Bytes(self.take(len)?)
            }
            _ => return Err(ErrorKind::BadWireType { field: number, wire_type }),
        };
        Ok(Field { number, value, offset })
    }

    fn take(&mut self, len: u64) -> Result<&'a [u8], ErrorKind> {
        let len = usize::try_from(len).map_err(|_| ErrorKind::Truncated)?;
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(ErrorKind::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let offset = self.offset();
        let field = self.read().map_err(|kind| Error { offset, kind });
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

impl<'a> Field<'a> {
    pub(crate) fn varint(&self) -> Result<u64, Error> {
        match self.value {
            Value::Varint(value) => Ok(value),
            Value::Bytes(_) => Err(self.bad_wire_type(2)),
            Value::Fixed => Err(self.bad_wire_type(1)),
        }
    }

    /// Varints of type int64 hold two's complement.
    pub(crate) fn int64(&self) -> Result<i64, Error> {
        self.varint().map(u64::cast_signed)
    }

    pub(crate) fn bytes(&self) -> Result<&'a [u8], Error> {
        match self.value {
            Value::Bytes(bytes) => Ok(bytes),
            Value::Varint(_) => Err(self.bad_wire_type(0)),
            Value::Fixed => Err(self.bad_wire_type(1)),
        }
    }

    pub(crate) fn message(&self) -> Result<Fields<'a>, Error> {
        Ok(Fields::new(self.bytes()?, self.offset))
    }

    fn bad_wire_type(&self, wire_type: u8) -> Error {
        Error {
            offset: self.offset,
            kind: ErrorKind::BadWireType { field: self.number, wire_type },
        }
    }
}

/// The numbers of a repeated varint field of a message, packed, unpacked or both; stops at the first error.
#[derive(Debug, Clone)]
pub(crate) struct Varints<'a> {
    fields: Fields<'a>,
    packed: &'a [u8],
    field: u32,
}

impl<'a> Varints<'a> {
    pub(crate) fn new(message: &'a [u8], field: u32) -> Self {
        Self { fields: Fields::new(message, 0), packed: &[], field }
    }
}

impl Iterator for Varints<'_> {
    type Item = u64;

    #[inline]
    fn next(&mut self) -> Option<u64> {
        while self.packed.is_empty() {
            let field = self
                .fields
                .by_ref()
                .find(|f| !matches!(f, Ok(f) if f.number != self.field))?
                .ok()?;
            match field.value {
                Value::Varint(value) => return Some(value),
                Value::Bytes(packed) => self.packed = packed,
                Value::Fixed => {}
            }
        }
        read_varint(&mut self.packed).ok()
    }
}

/// Takes a varint off the front of `rest`.
#[inline]
pub(crate) fn read_varint(rest: &mut &[u8]) -> Result<u64, ErrorKind> {
    match **rest {
        [a, ref tail @ ..] if a < 0x80 => {
            *rest = tail;
            Ok(u64::from(a))
        }
        [a, b, ref tail @ ..] if b < 0x80 => {
            *rest = tail;
            Ok(u64::from(a & 0x7f) | u64::from(b) << 7)
        }
        _ => read_long_varint(rest),
    }
}

fn read_long_varint(rest: &mut &[u8]) -> Result<u64, ErrorKind> {
    let mut value = 0_u64;
    for (at, &byte) in rest.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte < 0x80 {
            *rest = &rest[at + 1..];
            return Ok(value);
        }
    }
    Err(if rest.len() < 10 { ErrorKind::Truncated } else { ErrorKind::BadVarint })
}

/// Appends a varint.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a varint field; zero is the default and not written.
pub(crate) fn put_number(out: &mut Vec<u8>, field: u32, value: u64) {
    if value != 0 {
        put_varint(out, u64::from(field) << 3);
        put_varint(out, value);
    }
}

/// Appends a length-delimited field, empty ones too.
pub(crate) fn put_bytes(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    put_varint(out, u64::from(field) << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends a packed repeated field; nothing for no values.
pub(crate) fn put_packed(out: &mut Vec<u8>, field: u32, values: impl Iterator<Item = u64>) {
    let mut packed = Vec::new();
    values.for_each(|value| put_varint(&mut packed, value));
    if !packed.is_empty() {
        put_bytes(out, field, &packed);
    }
}
