//! Samples in encoded form: how they are kept, decoded and encoded.
//!
//! Each is kept as a profile.proto holds it, with its fields in one order, so that writing a profile copies them:
//!
//! ```text
//! 12 length                field 2 of Profile
//!    0a length id…         field 1 of Sample: location ids, packed: position in the locations + 1, leaf first
//!    12 length value…      field 2 of Sample: values, packed
//!    (1a length label)…    field 3 of Sample, once for each label
//! ```

use wire::{fields, put_bytes, put_number, put_varint, take_bytes, take_varint, varint_len};

use crate::error::ErrorKind;
use crate::model::{LocationIdx, Profile};
use crate::strings::StrId;

const SAMPLE_TAG: u8 = 2 << 3 | 2;
const LOCATIONS_TAG: u8 = 1 << 3 | 2;
const VALUES_TAG: u8 = 2 << 3 | 2;
const LABEL_TAG: u8 = 3 << 3 | 2;

/// Most spots that are kept, for messages: a profile that some writer made has each of its samples encoded as they are kept here, or
/// none. Those behind them are said to stand near the last.
const MAX_SPOTS: usize = 4 << 20;

/// The samples of a profile, one after the other.
#[derive(Clone, Default)]
pub(crate) struct SampleBuffer {
    bytes: Vec<u8>,
    len: usize,
    /// Where samples stood in the file: position in `bytes`, and that in the file. From one to the next, both go on
    /// at the same pace.
    spots: Vec<(usize, u64)>,
}

/// Where they stood in the file makes no difference.
impl PartialEq for SampleBuffer {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl std::fmt::Debug for SampleBuffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SampleBuffer({} samples, {} bytes)", self.len, self.bytes.len())
    }
}

impl SampleBuffer {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The samples as a profile.proto holds them.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn push(&mut self, sample: Encoded<'_>) {
        sample.put(&mut self.bytes);
        self.len += 1;
    }

    /// Appends a sample that stands at `offset` in the file.
    pub(crate) fn push_at(&mut self, sample: Encoded<'_>, offset: u64) {
        if self.spots.len() < MAX_SPOTS && self.offset(self.bytes.len()) != Some(offset) {
            self.spots.push((self.bytes.len(), offset));
        }
        self.push(sample);
    }

    fn offset(&self, position: usize) -> Option<u64> {
        let after = self.spots.partition_point(|&(start, _)| start <= position);
        let (start, offset) = self.spots[..after].last()?;
        Some(offset + (position - start) as u64)
    }

    /// The samples with where they stood in the file; 0 when they were not read.
    pub(crate) fn with_offsets<'a>(
        &'a self,
        profile: &'a Profile,
    ) -> impl Iterator<Item = (Sample<'a>, u64)> {
        let mut samples = Samples { profile, rest: &self.bytes };
        std::iter::from_fn(move || {
            let position = self.bytes.len() - samples.rest.len();
            let sample = samples.next()?;
            Some((sample, self.offset(position).unwrap_or(0)))
        })
    }
}

/// The samples of a profile.
#[derive(Clone, Debug)]
pub struct Samples<'a> {
    profile: &'a Profile,
    rest: &'a [u8],
}

impl<'a> Samples<'a> {
    pub(crate) fn new(profile: &'a Profile) -> Self {
        Self { profile, rest: &profile.samples.bytes }
    }
}

impl<'a> Iterator for Samples<'a> {
    type Item = Sample<'a>;

    fn next(&mut self) -> Option<Sample<'a>> {
        let mut body = take_tagged(&mut self.rest, SAMPLE_TAG)?;
        let locations = take_tagged(&mut body, LOCATIONS_TAG)?;
        let values = take_tagged(&mut body, VALUES_TAG)?;
        let encoded = Encoded { locations, values, labels: body };
        Some(Sample { profile: self.profile, encoded })
    }
}

fn take_tagged<'a>(rest: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let (&first, tail) = rest.split_first()?;
    if first != tag {
        return None;
    }
    *rest = tail;
    take_bytes(rest)
}

/// The parts of a sample.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Encoded<'a> {
    pub(crate) locations: &'a [u8],
    pub(crate) values: &'a [u8],
    /// With their tags and lengths.
    pub(crate) labels: &'a [u8],
}

impl Encoded<'_> {
    fn put(self, out: &mut Vec<u8>) {
        let [locations, values] =
            [self.locations.len(), self.values.len()].map(|len| 1 + varint_len(len as u64) + len);
        out.push(SAMPLE_TAG);
        put_varint(out, (locations + values + self.labels.len()) as u64);
        put_bytes(out, 1, self.locations);
        put_bytes(out, 2, self.values);
        out.extend_from_slice(self.labels);
    }
}

/// A stack with its values. Decoded while iterating, each time anew.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    profile: &'a Profile,
    pub(crate) encoded: Encoded<'a>,
}

impl<'a> Sample<'a> {
    /// The stack, leaf first.
    pub fn locations(&self) -> Locations<'a> {
        Locations { rest: self.encoded.locations }
    }

    /// One value per sample type.
    pub fn values(&self) -> Values<'a> {
        Values { rest: self.encoded.values }
    }

    /// The value of one column; 0 beyond the last.
    pub fn value(&self, column: usize) -> i64 {
        self.values().nth(column).unwrap_or(0)
    }

    /// Labels in the order of the file.
    pub fn labels(&self) -> Labels<'a> {
        Labels { profile: self.profile, rest: self.encoded.labels }
    }

    pub(crate) fn raw_labels(&self) -> impl Iterator<Item = RawLabel> + use<'a> {
        // Ids that are out of range do not get past the parse.
        let string = |id| StrId(u32::try_from(id).unwrap_or(0));
        label_bodies(self.encoded.labels).filter_map(move |body| parse_label(body, string))
    }
}

/// The locations of a stack, leaf first.
#[derive(Debug, Clone)]
pub struct Locations<'a> {
    rest: &'a [u8],
}

impl Iterator for Locations<'_> {
    type Item = LocationIdx;

    #[inline]
    fn next(&mut self) -> Option<LocationIdx> {
        // The parse has checked that ids are 1 to the number of locations.
        let id = take_varint(&mut self.rest)?;
        Some(LocationIdx((id as u32).wrapping_sub(1)))
    }
}

/// The values of a sample.
#[derive(Debug, Clone)]
pub struct Values<'a> {
    rest: &'a [u8],
}

impl Iterator for Values<'_> {
    type Item = i64;

    #[inline]
    fn next(&mut self) -> Option<i64> {
        take_varint(&mut self.rest).map(u64::cast_signed)
    }
}

/// A key with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Label<'a> {
    /// Name. Go's heap profiles have `bytes`, the size of the objects.
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

/// The labels of a sample.
#[derive(Debug, Clone)]
pub struct Labels<'a> {
    profile: &'a Profile,
    rest: &'a [u8],
}

impl<'a> Iterator for Labels<'a> {
    type Item = Label<'a>;

    fn next(&mut self) -> Option<Label<'a>> {
        let body = take_tagged(&mut self.rest, LABEL_TAG)?;
        let raw = parse_label(body, |id| StrId(u32::try_from(id).unwrap_or(0)))?;
        let profile = self.profile;
        let value = match raw.value {
            RawLabelValue::Str(id) => LabelValue::Str(profile.str(id)),
            RawLabelValue::Num { value, unit } => {
                LabelValue::Num { value, unit: profile.str(unit) }
            }
        };
        Some(Label { key: profile.str(raw.key), value })
    }
}

/// A label by string ids.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawLabel {
    pub(crate) key: StrId,
    pub(crate) value: RawLabelValue,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum RawLabelValue {
    Str(StrId),
    Num { value: i64, unit: StrId },
}

/// Decodes a label; `None` when it is malformed. `string` resolves indexes into the string table.
pub(crate) fn parse_label(body: &[u8], mut string: impl FnMut(u64) -> StrId) -> Option<RawLabel> {
    let (mut key, mut text, mut value, mut unit) = (0, 0, 0, 0);
    for field in fields(body) {
        let field = field.ok()?;
        match field.number {
            1 => key = field.value.number(),
            2 => text = field.value.number(),
            3 => value = field.value.signed(),
            4 => unit = field.value.number(),
            _ => {}
        }
    }
    let value = match text {
        0 => RawLabelValue::Num { value, unit: string(unit) },
        _ => RawLabelValue::Str(string(text)),
    };
    Some(RawLabel { key: string(key), value })
}

/// Appends a label as field 3 of a sample.
pub(crate) fn put_label(out: &mut Vec<u8>, label: RawLabel) {
    let mut body = Vec::new();
    put_number(&mut body, 1, u64::from(label.key.0));
    match label.value {
        RawLabelValue::Str(id) => put_number(&mut body, 2, u64::from(id.0)),
        RawLabelValue::Num { value, unit } => {
            put_number(&mut body, 3, value.cast_unsigned());
            put_number(&mut body, 4, u64::from(unit.0));
        }
    }
    put_bytes(out, 3, &body);
}

/// The encoded labels one by one, each as its body.
pub(crate) fn label_bodies(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || take_tagged(&mut rest, LABEL_TAG))
}

/// Checks one sample against the tables of its profile.
pub(crate) fn check_sample(sample: Sample<'_>) -> Result<(), ErrorKind> {
    let Sample { profile, encoded } = sample;
    let n_locations = profile.locations.len() as u64;
    let mut rest = encoded.locations;
    while !rest.is_empty() {
        let id = take_varint(&mut rest).ok_or(ErrorKind::BadMessage { what: "sample" })?;
        if id.wrapping_sub(1) >= n_locations {
            return Err(ErrorKind::NoSuchLocation { id });
        }
    }
    check_values(encoded.values, profile.sample_types.len())?;
    label_bodies(encoded.labels).try_for_each(|body| check_label(body, profile.strings.len()))
}

fn check_label(body: &[u8], n_strings: usize) -> Result<(), ErrorKind> {
    let mut missing = None;
    let string = |index| {
        if index >= n_strings as u64 {
            missing = Some(index);
        }
        StrId(0)
    };
    parse_label(body, string).ok_or(ErrorKind::BadMessage { what: "label" })?;
    missing.map_or(Ok(()), |index| Err(ErrorKind::NoSuchString { index, n_strings }))
}

/// Checks that there are as many packed numbers as expected.
pub(crate) fn check_values(mut rest: &[u8], expected: usize) -> Result<(), ErrorKind> {
    let mut found = 0;
    while !rest.is_empty() {
        take_varint(&mut rest).ok_or(ErrorKind::BadMessage { what: "sample" })?;
        found += 1;
    }
    if found != expected {
        return Err(ErrorKind::ValueCount { found, expected });
    }
    Ok(())
}
