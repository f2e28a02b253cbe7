//! A profile in memory.

use std::collections::HashMap;
use std::ops::Range;

use crate::wire::{Fields, Value, Varints};

/// Index into the string table of a [`Profile`]; 0 is the empty string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct StrId(pub(crate) u32);

macro_rules! index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub(crate) u32);

        impl $name {
            /// Position in the table.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

index!(
    /// Position in [`Profile::mappings`].
    MappingIdx
);
index!(
    /// Position in [`Profile::locations`].
    LocationIdx
);
index!(
    /// Position in [`Profile::functions`].
    FunctionIdx
);

/// What a column of values measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ValueType {
    /// `cpu`, `alloc_space`.
    pub kind: StrId,
    /// `nanoseconds`, `bytes`, `count`.
    pub unit: StrId,
}

/// A file mapped into the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mapping {
    /// Id in the file, not 0.
    pub id: u64,
    /// First address in the process.
    pub memory_start: u64,
    /// First address after it.
    pub memory_limit: u64,
    /// Offset in the file of `memory_start`.
    pub file_offset: u64,
    /// Path of the file, or a name such as `[vdso]`.
    pub filename: StrId,
    /// Build id of the file, hexadecimal; empty when unknown.
    pub build_id: StrId,
    /// Whether functions are resolved.
    pub has_functions: bool,
    /// Whether file names are resolved.
    pub has_filenames: bool,
    /// Whether line numbers are resolved.
    pub has_line_numbers: bool,
    /// Whether inlined functions are resolved.
    pub has_inline_frames: bool,
}

/// An address with the functions there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Location {
    /// Id in the file, not 0.
    pub id: u64,
    /// The mapping that holds `address`.
    pub mapping: Option<MappingIdx>,
    /// Address in the process.
    pub address: u64,
    /// Innermost inlined function first, the real function last.
    pub lines: Vec<Line>,
    /// Whether other functions share this code.
    pub is_folded: bool,
}

/// A line of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Line {
    /// The function; `None` when the file names none.
    pub function: Option<FunctionIdx>,
    /// Line, from 1; 0 when unknown.
    pub line: i64,
    /// Column, from 1; 0 when unknown.
    pub column: i64,
}

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Function {
    /// Id in the file, not 0.
    pub id: u64,
    /// Name to show.
    pub name: StrId,
    /// Name in the object file.
    pub system_name: StrId,
    /// Source file.
    pub filename: StrId,
    /// First line.
    pub start_line: i64,
}

/// A profile. Each index in it is valid: it was checked when it was read or built.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Profile {
    /// Meaning of the columns of [`Sample::values`].
    pub sample_types: Vec<ValueType>,
    /// Files mapped into the process; the main program first.
    pub mappings: Vec<Mapping>,
    /// Addresses that samples refer to.
    pub locations: Vec<Location>,
    /// Functions that locations refer to.
    pub functions: Vec<Function>,
    /// Frames to drop from stacks: a regular expression, or empty.
    pub drop_frames: StrId,
    /// Frames to keep though dropped: a regular expression, or empty.
    pub keep_frames: StrId,
    /// Units: nanoseconds since 1970; 0 when unknown.
    pub time_nanos: i64,
    /// Units: nanoseconds; 0 when unknown.
    pub duration_nanos: i64,
    /// Meaning of `period`.
    pub period_type: Option<ValueType>,
    /// Events between samples, in units of `period_type`.
    pub period: i64,
    /// Free text about the profile.
    pub comments: Vec<StrId>,
    /// Sample type that tools show first; empty when the last is meant.
    pub default_sample_type: StrId,
    /// Address of documentation, or empty.
    pub doc_url: StrId,
    pub(crate) strings: Vec<Box<str>>,
    pub(crate) samples: Samples,
    pub(crate) ids: LocationIds,
}

/// Samples as encoded messages. Invariant: each decodes without error, with as many values as there are sample types,
/// known locations and strings.
#[derive(Clone, Default)]
pub(crate) struct Samples {
    pub(crate) bytes: Vec<u8>,
    pub(crate) messages: Vec<Range<usize>>,
}

impl PartialEq for Samples {
    fn eq(&self, other: &Self) -> bool {
        let messages = |s: &Self| -> Vec<_> { s.messages.clone() };
        let (a, b) = (messages(self), messages(other));
        a.len() == b.len() && a.into_iter().zip(b).all(|(a, b)| self.bytes[a] == other.bytes[b])
    }
}

impl std::fmt::Debug for Samples {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Samples({})", self.messages.len())
    }
}

/// Location ids of a file to positions; ids are nearly always 1, 2, 3 and so on.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct LocationIds {
    n_dense: u64,
    others: HashMap<u64, u32>,
}

impl LocationIds {
    pub(crate) fn new(locations: &[Location]) -> Self {
        let n_dense = (1..).zip(locations).take_while(|(id, location)| *id == location.id).count();
        let others =
            locations.iter().enumerate().skip(n_dense).map(|(at, l)| (l.id, at as u32)).collect();
        Self { n_dense: n_dense as u64, others }
    }

    #[inline]
    pub(crate) fn find(&self, id: u64) -> Option<LocationIdx> {
        if id.wrapping_sub(1) < self.n_dense {
            return Some(LocationIdx((id - 1) as u32));
        }
        self.others.get(&id).copied().map(LocationIdx)
    }
}

impl Profile {
    /// The string with this id.
    pub fn str(&self, id: StrId) -> &str {
        self.strings.get(id.0 as usize).map_or("", |s| s)
    }

    /// Number of samples. Complexity: O(1).
    pub fn n_samples(&self) -> usize {
        self.samples.messages.len()
    }

    /// Samples in the order of the file, decoded on the way.
    pub fn samples(&self) -> impl Iterator<Item = Sample<'_>> {
        let message = |range: &Range<usize>| &self.samples.bytes[range.clone()];
        self.samples
            .messages
            .iter()
            .map(move |range| Sample { profile: self, message: message(range) })
    }
}

/// A stack with its values.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    pub(crate) profile: &'a Profile,
    pub(crate) message: &'a [u8],
}

/// Field numbers of `Sample` and `Label`. Source: profile.proto.
pub(crate) const SAMPLE_LOCATION: u32 = 1;
pub(crate) const SAMPLE_VALUE: u32 = 2;
pub(crate) const SAMPLE_LABEL: u32 = 3;

impl<'a> Sample<'a> {
    /// The stack, leaf first.
    pub fn locations(&self) -> impl Iterator<Item = LocationIdx> + use<'a> {
        let ids = &self.profile.ids;
        Varints::new(self.message, SAMPLE_LOCATION).filter_map(|id| ids.find(id))
    }

    /// One value per sample type.
    pub fn values(&self) -> impl Iterator<Item = i64> + use<'a> {
        Varints::new(self.message, SAMPLE_VALUE).map(u64::cast_signed)
    }

    /// The value of one column; 0 beyond the last.
    pub fn value(&self, column: usize) -> i64 {
        self.values().nth(column).unwrap_or(0)
    }

    /// Labels in the order of the file.
    pub fn labels(&self) -> impl Iterator<Item = Label<'a>> + use<'a> {
        let profile = self.profile;
        messages(self.message, SAMPLE_LABEL)
            .map(move |message| RawLabel::decode(message).resolve(profile))
    }
}

/// A key with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Label<'a> {
    /// Name.
    pub key: &'a str,
    /// Value.
    pub value: LabelValue<'a>,
}

/// The value of a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LabelValue<'a> {
    /// Text.
    Str(&'a str),
    /// A number.
    Num {
        /// The number.
        value: i64,
        /// Its unit; empty when not given.
        unit: &'a str,
    },
}

/// Fields 1 to 4 of a `Label` message: key, str, num, num_unit.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RawLabel(pub(crate) [u64; 4]);

impl RawLabel {
    pub(crate) fn decode(message: &[u8]) -> Self {
        let mut raw = Self::default();
        for field in Fields::new(message, 0).flatten() {
            if let (1..=4, Value::Varint(value)) = (field.number, field.value) {
                raw.0[field.number as usize - 1] = value;
            }
        }
        raw
    }

    /// The indices into the string table.
    pub(crate) fn strings(self) -> [u64; 3] {
        [self.0[0], self.0[1], self.0[3]]
    }

    fn resolve(self, profile: &Profile) -> Label<'_> {
        let text = |index: u64| profile.str(StrId(u32::try_from(index).unwrap_or(u32::MAX)));
        let [key, str, num, unit] = self.0;
        let value = match str {
            0 => LabelValue::Num { value: num.cast_signed(), unit: text(unit) },
            _ => LabelValue::Str(text(str)),
        };
        Label { key: text(key), value }
    }
}

/// The messages in a repeated field of `message`.
pub(crate) fn messages(message: &[u8], field: u32) -> impl Iterator<Item = &[u8]> {
    Fields::new(message, 0).flatten().filter_map(move |f| match f.value {
        Value::Bytes(bytes) if f.number == field => Some(bytes),
        _ => None,
    })
}
