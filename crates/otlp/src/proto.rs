//! Batches in protobuf. Numbers of fields are those of profiles.proto and resource.proto, 1.9.0, and of common.proto in August
//! 2026, where names may stand in the table of strings.

use std::iter;

use wire::{Malformed, Value, each_number, fields, take_varint};

use crate::Found;
use crate::error::ErrorKind;
use crate::model::{
    AnyValue, Attribute, Batch, Dictionary, Function, Int, KeyValue, Line, Location, Mapping,
    Profile, Resource, ResourceProfiles, Sample, ScopeProfiles, Stack, ValueType,
};

/// Units: bytes.
const FRAME_HEAD: usize = 4;

/// Whether a file that begins so is a batch: with a message that begins with a message. In profile.proto its first field would
/// be two numbers, and its second a list of positions, which is not empty first in what any encoder writes.
pub(crate) fn is_batch(head: &[u8]) -> bool {
    let Some((&first, rest)) = head.split_first() else { return false };
    let mut inner = rest;
    let Some(len) = take_varint(&mut inner).filter(|&len| len > 0) else { return false };
    let Some((&tag, mut innermost)) = inner.split_first() else { return false };
    // A text that begins with empty lines looks alike, but for the lengths.
    let has_room = take_varint(&mut innermost).is_none_or(|inner| inner < len);
    match (first, tag) {
        _ if !has_room => false,
        // Profiles of a resource: this, or profiles of a scope.
        (0x0a, 0x0a | 0x12) => true,
        // The dictionary: its last tables, or the empty first entry of its first.
        (0x12, 0x22 | 0x2a | 0x32 | 0x3a) => true,
        (0x12, 0x0a) => inner.get(1) == Some(&0),
        _ => false,
    }
}

/// Length of the batch behind these four bytes; `None` where there are none, or it is empty.
pub(crate) fn frame_len(head: &[u8]) -> Option<usize> {
    let len = head.first_chunk().map(|len| u32::from_be_bytes(*len))?;
    usize::try_from(len).ok().filter(|&len| len > 0)
}

/// The batches, each after its length, with where they begin, up to one that is cut.
pub(crate) fn frames(bytes: &[u8]) -> impl Iterator<Item = Found<'_>> {
    let mut rest = bytes;
    iter::from_fn(move || {
        let at = bytes.len() - rest.len();
        if rest.is_empty() {
            return None;
        }
        let Some(frame) = frame_len(rest).and_then(|len| rest.get(FRAME_HEAD..)?.get(..len)) else {
            rest = &[];
            return Some((at, Err(ErrorKind::Malformed { what: "batch" })));
        };
        rest = &rest[FRAME_HEAD + frame.len()..];
        Some((at + FRAME_HEAD, Ok(frame)))
    })
}

pub(crate) fn parse(batch: &[u8]) -> Result<Batch, ErrorKind> {
    Batch::of(batch)
}

/// What is made of the fields of a message.
trait Message: Default {
    /// For errors.
    const NAME: &'static str;

    /// Takes a field; others are stepped over.
    fn take(&mut self, number: u64, value: Value<'_>) -> Result<(), ErrorKind>;

    fn of(body: &[u8]) -> Result<Self, ErrorKind> {
        let malformed = |Malformed| ErrorKind::Malformed { what: Self::NAME };
        let mut message = Self::default();
        for field in fields(body) {
            let field = field.map_err(malformed)?;
            message.take(field.number, field.value)?;
        }
        Ok(message)
    }
}

fn push<M: Message>(to: &mut Vec<M>, value: Value<'_>) -> Result<(), ErrorKind> {
    let Value::Bytes(body) = value else { return Err(ErrorKind::Malformed { what: M::NAME }) };
    to.push(M::of(body)?);
    Ok(())
}

fn each(value: Value<'_>, mut push: impl FnMut(Int)) -> Result<(), ErrorKind> {
    let malformed = |Malformed| ErrorKind::Malformed { what: "list of numbers" };
    each_number(value, |number| push(Int(number))).map_err(malformed)
}

fn push_numbers(to: &mut Vec<Int>, value: Value<'_>) -> Result<(), ErrorKind> {
    each(value, |number| to.push(number))
}

/// Numbers of eight bytes, packed or not.
fn each_fixed(value: Value<'_>, mut push: impl FnMut(Int)) -> Result<(), ErrorKind> {
    match value {
        Value::Bytes(packed) => {
            let (chunks, rest) = packed.as_chunks::<8>();
            chunks.iter().for_each(|chunk| push(Int(u64::from_le_bytes(*chunk))));
            if !rest.is_empty() {
                return Err(ErrorKind::Malformed { what: "list of numbers" });
            }
        }
        one => push(Int(one.number())),
    }
    Ok(())
}

fn text(value: Value<'_>) -> String {
    String::from_utf8_lossy(value.bytes()).into_owned()
}

fn int(value: Value<'_>) -> Int {
    Int(value.number())
}

impl Message for Batch {
    const NAME: &'static str = "batch";

    fn take(&mut self, number: u64, value: Value<'_>) -> Result<(), ErrorKind> {
        match number {
            1 => push(&mut self.resource_profiles, value)?,
            2 => self.dictionary = Dictionary::of(value.bytes())?,
            _ => {}
        }
        Ok(())
    }
}

impl Message for ResourceProfiles {
    const NAME: &'static str = "list of a resource's profiles";

    fn take(&mut self, number: u64, value: Value<'_>) -> Result<(), ErrorKind> {
        match number {
            1 => self.resource = Resource::of(value.bytes())?,
            2 => push(&mut self.scope_profiles, value)?,
            _ => {}
        }
        Ok(())
    }
}

impl Message for Resource {
    const NAME: &'static str = "resource";

    fn take(&mut self, number: u64, value: Value<'_>) -> Result<(), ErrorKind> {
        match number {
            1 => push(&mut self.attributes, value),
            _ => Ok(()),
        }
    }
}

impl Message for KeyValue {
    const NAME: &'static str = "attribute of a resource";

    fn take(&mut self, number: u64, value: Value<'_>) -> Result<(), ErrorKind> {
        match number {
            1 => self.key = text(value),
            2 => self.value = AnyValue::of(value.bytes())?,
            3 => self.key_strindex = int(value),
            _ => {}
        }
        Ok(())
    }
}

impl Message for AnyValue {
    const NAME: &'static str = "value of an attribute";

    fn take(&mut self, number: u64, value: Value<'_>) -> Result<(), ErrorKind> {
        match number {
            1 => self.string_value = Some(text(value)),
            3 => self.int_value = Some(int(value)),
            8 => self.string_value_strindex = Some(int(value)),
            _ => {}
        }
        Ok(())
    }
}

impl Message for ScopeProfiles {
    const NAME: &'static str = "list of a scope's profiles";

    fn take(&mut self, number: u64, value: Value<'_>) -> Result<(), ErrorKind> {
        match number {
            2 => push(&mut self.profiles, value),
            _ => Ok(()),
        }
    }
}

impl Message for Profile {
    const NAME: &'static str = "profile";

    fn take(&mut self, number: u64, value: Value<'_>) -> Result<(), ErrorKind> {
        match (number, value) {
            (1, _) => self.sample_type = ValueType::of(value.bytes())?,
            (2, _) => push(&mut self.samples, value)?,
            // Before 1.9 it was a list of locations.
            (3, Value::Bytes(_)) => return Err(ErrorKind::OldForm),
            (3, _) => self.time_unix_nano = int(value),
            (4, _) => self.duration_nano = int(value),
            (5, _) => self.period_type = ValueType::of(value.bytes())?,
            (6, _) => self.period = int(value),
            _ => {}
        }
        Ok(())
    }
}

impl Message for ValueType {
    const NAME: &'static str = "type of values";

    fn take(&mut self, number: u64, value: Value<'_>) -> Result<(), ErrorKind> {
        match number {
            1 => self.type_strindex = int(value),
            2 => self.unit_strindex = int(value),
            _ => {}
        }
        Ok(())
    }
}

impl Message for Sample {
    const NAME: &'static str = "sample";

    fn take(&mut self, number: u64, value: Value<'_>) -> Result<(), ErrorKind> {
        match number {
            1 => self.stack_index = int(value),
            2 => push_numbers(&mut self.attribute_indices, value)?,
            4 => each(value, |number| self.values.push(number))?,
            5 => each_fixed(value, |number| self.timestamps_unix_nano.push(number))?,
            _ => {}
        }
        Ok(())
    }
}

impl Message for Dictionary {
    const NAME: &'static str = "dictionary";

    fn take(&mut self, number: u64, value: Value<'_>) -> Result<(), ErrorKind> {
        match number {
            1 => push(&mut self.mapping_table, value)?,
            2 => push(&mut self.location_table, value)?,
            3 => push(&mut self.function_table, value)?,
            5 => self.string_table.push(text(value)),
            6 => push(&mut self.attribute_table, value)?,
            7 => push(&mut self.stack_table, value)?,
            _ => {}
        }
        Ok(())
    }
}

impl Message for Mapping {
    const NAME: &'static str = "mapping";

    fn take(&mut self, number: u64, value: Value<'_>) -> Result<(), ErrorKind> {
        match number {
            1 => self.memory_start = int(value),
            2 => self.memory_limit = int(value),
            3 => self.file_offset = int(value),
            4 => self.filename_strindex = int(value),
            5 => push_numbers(&mut self.attribute_indices, value)?,
            _ => {}
        }
        Ok(())
    }
}

impl Message for Location {
    const NAME: &'static str = "location";

    fn take(&mut self, number: u64, value: Value<'_>) -> Result<(), ErrorKind> {
        match number {
            1 => self.mapping_index = int(value),
            2 => self.address = int(value),
            3 => push(&mut self.lines, value)?,
            _ => {}
        }
        Ok(())
    }
}

impl Message for Line {
    const NAME: &'static str = "line";

    fn take(&mut self, number: u64, value: Value<'_>) -> Result<(), ErrorKind> {
        match number {
            1 => self.function_index = int(value),
            2 => self.line = int(value),
            3 => self.column = int(value),
            _ => {}
        }
        Ok(())
    }
}

impl Message for Function {
    const NAME: &'static str = "function";

    fn take(&mut self, number: u64, value: Value<'_>) -> Result<(), ErrorKind> {
        match number {
            1 => self.name_strindex = int(value),
            2 => self.system_name_strindex = int(value),
            3 => self.filename_strindex = int(value),
            4 => self.start_line = int(value),
            _ => {}
        }
        Ok(())
    }
}

impl Message for Attribute {
    const NAME: &'static str = "attribute";

    fn take(&mut self, number: u64, value: Value<'_>) -> Result<(), ErrorKind> {
        match number {
            1 => self.key_strindex = int(value),
            2 => self.value = AnyValue::of(value.bytes())?,
            3 => self.unit_strindex = int(value),
            _ => {}
        }
        Ok(())
    }
}

impl Message for Stack {
    const NAME: &'static str = "stack";

    fn take(&mut self, number: u64, value: Value<'_>) -> Result<(), ErrorKind> {
        match number {
            1 => push_numbers(&mut self.location_indices, value),
            _ => Ok(()),
        }
    }
}
