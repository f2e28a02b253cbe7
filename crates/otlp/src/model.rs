//! A batch of profiles as it is written. Positions are not checked here: one that points nowhere is as one that is 0, the
//! entry that stands for nothing in each table.

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};

/// What stands in JSON as a number or as its decimal text: 64 bits, of negative numbers the two's complement.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Int(pub(crate) u64);

impl Int {
    pub(crate) fn signed(self) -> i64 {
        self.0.cast_signed()
    }

    /// A position in a table; what cannot be one is 0.
    pub(crate) fn position(self) -> usize {
        usize::try_from(self.0).unwrap_or(0)
    }
}

/// Profiles with the dictionary that they refer to.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Batch {
    pub(crate) resource_profiles: Vec<ResourceProfiles>,
    pub(crate) dictionary: Dictionary,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ResourceProfiles {
    pub(crate) resource: Resource,
    pub(crate) scope_profiles: Vec<ScopeProfiles>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Resource {
    pub(crate) attributes: Vec<KeyValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct KeyValue {
    pub(crate) key: String,
    /// In its place, as a position in the table of strings.
    pub(crate) key_strindex: Int,
    pub(crate) value: AnyValue,
}

/// A value of an attribute: as much of it as is of use here.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct AnyValue {
    pub(crate) string_value: Option<String>,
    /// In its place, as a position in the table of strings.
    pub(crate) string_value_strindex: Option<Int>,
    pub(crate) int_value: Option<Int>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ScopeProfiles {
    pub(crate) profiles: Vec<Profile>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Profile {
    pub(crate) sample_type: ValueType,
    pub(crate) samples: Vec<Sample>,
    /// What samples were called in JSON before 1.9.
    pub(crate) sample: Option<IgnoredAny>,
    pub(crate) time_unix_nano: Int,
    pub(crate) duration_nano: Int,
    pub(crate) period_type: ValueType,
    pub(crate) period: Int,
}

/// Positions in the table of strings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ValueType {
    pub(crate) type_strindex: Int,
    pub(crate) unit_strindex: Int,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Sample {
    pub(crate) stack_index: Int,
    pub(crate) attribute_indices: Vec<Int>,
    pub(crate) values: Series,
    pub(crate) timestamps_unix_nano: Series,
}

/// Numbers, of which only this is of use here.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Series {
    n: u32,
    sum: i64,
}

impl Series {
    pub(crate) fn push(&mut self, number: Int) {
        self.n = self.n.saturating_add(1);
        self.sum = self.sum.saturating_add(number.signed());
    }
}

impl Sample {
    /// The sum of its values; without values each timestamp counts 1.
    pub(crate) fn value(&self) -> i64 {
        match self.values {
            Series { n: 0, .. } => self.timestamps_unix_nano.n.into(),
            Series { sum, .. } => sum,
        }
    }
}

/// The first entry of each table stands for nothing.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Dictionary {
    pub(crate) mapping_table: Vec<Mapping>,
    pub(crate) location_table: Vec<Location>,
    pub(crate) function_table: Vec<Function>,
    pub(crate) string_table: Vec<String>,
    pub(crate) attribute_table: Vec<Attribute>,
    pub(crate) stack_table: Vec<Stack>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Mapping {
    pub(crate) memory_start: Int,
    pub(crate) memory_limit: Int,
    pub(crate) file_offset: Int,
    pub(crate) filename_strindex: Int,
    pub(crate) attribute_indices: Vec<Int>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Location {
    pub(crate) mapping_index: Int,
    pub(crate) address: Int,
    pub(crate) lines: Vec<Line>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Line {
    pub(crate) function_index: Int,
    pub(crate) line: Int,
    pub(crate) column: Int,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Function {
    pub(crate) name_strindex: Int,
    pub(crate) system_name_strindex: Int,
    pub(crate) filename_strindex: Int,
    pub(crate) start_line: Int,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Attribute {
    pub(crate) key_strindex: Int,
    pub(crate) value: AnyValue,
    pub(crate) unit_strindex: Int,
}

/// Shape: the leaf first.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Stack {
    pub(crate) location_indices: Vec<Int>,
}

/// Longest name that is kept: it is looked at for each place that has it. Units: bytes.
const MAX_NAME: usize = 1 << 14;

fn shorten(text: &str) -> &str {
    let end = (0..=MAX_NAME.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or(0)]
}

impl Dictionary {
    /// A string; empty for a position beyond the table.
    pub(crate) fn str(&self, at: Int) -> &str {
        self.string_table.get(at.position()).map_or("", |text| shorten(text))
    }

    /// The text of a value; `None` where it is something else.
    pub(crate) fn text<'d>(&'d self, value: &'d AnyValue) -> Option<&'d str> {
        let by_index = || value.string_value_strindex.map(|at| self.str(at));
        value.string_value.as_deref().map(shorten).or_else(by_index)
    }

    /// The key of an attribute.
    pub(crate) fn key<'d>(&'d self, of: &'d KeyValue) -> &'d str {
        if of.key.is_empty() { self.str(of.key_strindex) } else { &of.key }
    }

    /// The attributes at these positions.
    pub(crate) fn attributes<'d>(
        &'d self,
        at: &'d [Int],
    ) -> impl Iterator<Item = (&'d str, &'d Attribute)> {
        let attribute = |at: &Int| self.attribute_table.get(at.position());
        at.iter().filter_map(attribute).map(|of| (self.str(of.key_strindex), of))
    }
}

impl<'de> Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IntVisitor)
    }
}

struct IntVisitor;

impl Visitor<'_> for IntVisitor {
    type Value = Int;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a whole number, or its decimal text")
    }

    fn visit_u64<E: serde::de::Error>(self, n: u64) -> Result<Int, E> {
        Ok(Int(n))
    }

    fn visit_i64<E: serde::de::Error>(self, n: i64) -> Result<Int, E> {
        Ok(Int(n.cast_unsigned()))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Int, E> {
        let signed = || text.parse().map(i64::cast_unsigned);
        let number = text.parse().or_else(|_| signed());
        number.map(Int).map_err(|_| E::custom(format!("{text:?} is no whole number")))
    }
}

impl<'de> Deserialize<'de> for Series {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(SeriesVisitor)
    }
}

struct SeriesVisitor;

impl<'de> Visitor<'de> for SeriesVisitor {
    type Value = Series;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of whole numbers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<Series, A::Error> {
        let mut series = Series::default();
        while let Some(number) = numbers.next_element()? {
            series.push(number);
        }
        Ok(series)
    }
}
