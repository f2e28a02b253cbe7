//! Bytes to [`Profile`].

use std::collections::HashMap;
use std::io::Read;

use wire::{
    Field, Malformed, Value, each_number, fields, put_bytes, put_varint, take_bytes, take_varint,
};

use crate::depth::cut_deep_samples;
use crate::error::{Error, ErrorKind, Faults, Parsed};
use crate::input::Input;
use crate::model::{
    Function, FunctionIdx, Line, Location, Mapping, MappingIdx, Profile, ValueType,
};
use crate::samples::{Encoded, SampleBuffer, check_values, label_bodies, parse_label, put_label};
use crate::strings::{StrId, Strings};

/// Limits on what is read.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Units: bytes after inflating. A profile takes about that much memory; one made to do harm, with nothing but
    /// tiny table entries, up to some twenty times as much.
    pub max_inflated_bytes: u64,
}

impl Default for Limits {
    /// 512 MiB: seventeen times a profile of 250,000 distinct stacks of 63 frames.
    fn default() -> Self {
        Self { max_inflated_bytes: 512 << 20 }
    }
}

/// Reads a profile, gzip or plain, from memory. See [`read_profile`].
///
/// # Errors
/// As [`read_profile`].
pub fn parse_profile(bytes: &[u8], limits: &Limits) -> Result<Parsed<Profile>, Error> {
    read_profile(bytes, limits)
}

/// Reads a profile, gzip or plain, piece by piece: the compressed bytes are never in memory as a whole.
///
/// # Errors
/// When the input cannot be read, is no profile, inflates beyond the limit, or is cut or damaged so early that its
/// names are lost. A loss that leaves something to look at is a fault.
pub fn read_profile(input: impl Read, limits: &Limits) -> Result<Parsed<Profile>, Error> {
    let mut input = Input::open(input, limits.max_inflated_bytes)?;
    let mut raw = Raw::default();
    let mut faults = Faults::default();
    let stop = loop {
        let at = input.offset();
        match input.next_field() {
            Ok(Some(field)) => raw.add(field, at, &mut faults)?,
            Ok(None) => break None,
            Err(error) if is_damage(&error.kind) => break Some(error),
            Err(error) => return Err(error),
        }
    };
    raw.check_useful(stop.as_ref(), input.offset())?;
    // The buffer for the input goes before the tables are built.
    drop(input);
    if let Some(error) = stop {
        faults.add(error);
    }
    let profile = raw.resolve(&mut faults)?;
    Ok(Parsed { value: profile, faults: faults.into_vec() })
}

/// Counts the samples of a whole profile without keeping it: one top-level field is in memory at a time.
///
/// # Errors
/// When the input cannot be read, is no profile, inflates beyond the limit, or is cut or damaged anywhere.
pub fn count_samples(input: impl Read, limits: &Limits) -> Result<u64, Error> {
    let mut input = Input::open(input, limits.max_inflated_bytes)?;
    let (mut n_samples, mut n_types, mut n_strings) = (0, 0_u64, 0_u64);
    while let Some(field) = input.next_field()? {
        match (field.number, field.value) {
            (1, Value::Bytes(_)) => n_types += 1,
            (2, Value::Bytes(_)) => n_samples += 1,
            (6, Value::Bytes(_)) => n_strings += 1,
            _ => {}
        }
    }
    if n_types == 0 || n_strings == 0 {
        return Err(Error { offset: input.offset(), kind: ErrorKind::NotAProfile });
    }
    Ok(n_samples)
}

/// Whether a profile has values of this type among its first 64 types, without keeping the profile: one top-level field is
/// in memory at a time, and it is read no further than to the answer.
///
/// # Errors
/// When the input cannot be read, or inflates beyond the limit or is damaged before the answer.
pub fn has_sample_type(input: impl Read, name: &str, limits: &Limits) -> Result<bool, Error> {
    let mut input = Input::open(input, limits.max_inflated_bytes)?;
    let (mut types, mut named, mut n_strings) = (Vec::new(), None, 0_u64);
    loop {
        let at = input.offset();
        let Some(field) = input.next_field()? else { return Ok(false) };
        match (field.number, field.value) {
            (1, Value::Bytes(body)) if types.len() < MAX_TYPES => {
                let malformed = |_| Error { offset: at, kind: ErrorKind::Malformed };
                let [kind, _] = parse_value_type(body).map_err(malformed)?;
                types.push(kind);
            }
            (6, Value::Bytes(text)) => {
                if text == name.as_bytes() {
                    named = named.or(Some(n_strings));
                }
                n_strings += 1;
            }
            _ => continue,
        }
        if named.is_some_and(|idx| types.contains(&idx)) {
            return Ok(true);
        }
    }
}

/// More types of values than any profile of Go has, which has four at most.
const MAX_TYPES: usize = 64;
/// More comments than anybody reads: an entry of one byte in the file takes eight in memory.
const MAX_COMMENTS: usize = 1 << 16;
/// More lines than a location has: 256 calls inlined into one another, and the function that they are in. Go's compiler
/// inlines some tens. Each sample goes through the lines of its locations, of which the file has each once.
pub const MAX_LINES: usize = 257;
/// More locations than a stack has: Go's profilers take 128, or up to 1024 when told to.
/// Source: runtime/mprof.go, `maxProfStackDepth`, Go 1.23 to 1.27.
const MAX_LOCATIONS: usize = 4096;

/// Whether what precedes such a place can be used.
fn is_damage(kind: &ErrorKind) -> bool {
    matches!(kind, ErrorKind::Truncated | ErrorKind::Malformed | ErrorKind::Gzip(_))
}

/// Whether a file that begins with these bytes looks like a profile: its first fields, inflated when
/// they are gzip, have the numbers and types of a profile.proto, and one of them is a message or a string
/// that stands there whole. 512 bytes are enough for a profile that Go wrote.
pub fn is_profile(prefix: &[u8]) -> bool {
    let Ok(mut input) = Input::open(prefix, PREFIX_LIMIT) else { return false };
    let mut n_messages = 0;
    for _ in 0..4 {
        match input.next_field() {
            Ok(Some(field)) if !is_plausible(field) => return false,
            Ok(Some(Field { value: Value::Bytes(_), .. })) => n_messages += 1,
            Ok(Some(_)) => {}
            Err(error) if error.kind == ErrorKind::Malformed => return false,
            Ok(None) | Err(_) => break,
        }
    }
    n_messages > 0
}

/// How much [`is_profile`] inflates at most, in bytes; more than what a few hundred bytes inflate to.
const PREFIX_LIMIT: u64 = 1 << 20;

fn is_plausible(field: Field<'_>) -> bool {
    match (field.number, field.value) {
        (1..=5 | 11, Value::Bytes(body)) => fields(body).all(|f| f.is_ok_and(|f| f.number <= 10)),
        (6 | 13, Value::Bytes(_)) | (7..=10 | 12..=15, Value::Varint(_)) => true,
        _ => false,
    }
}

/// What has been read: strings and samples in their final place, the rest still encoded.
#[derive(Default)]
struct Raw {
    strings: Strings,
    samples: SampleBuffer,
    /// Of the encoded stacks. Units: bytes.
    longest_stack: usize,
    mappings: SetAside,
    locations: SetAside,
    functions: SetAside,
    sample_types: Vec<[u64; 2]>,
    period_type: Option<[u64; 2]>,
    comments: Vec<u64>,
    /// Beyond those that are kept.
    n_more_comments: u64,
    drop_frames: u64,
    keep_frames: u64,
    default_sample_type: u64,
    doc_url: u64,
    time_nanos: i64,
    duration_nanos: i64,
    period: i64,
    scratch: SampleParts,
}

impl Raw {
    /// Takes one top-level field. Field numbers are those of message `Profile` in profile.proto; others are stepped
    /// over.
    fn add(&mut self, field: Field<'_>, offset: u64, faults: &mut Faults) -> Result<(), Error> {
        match (field.number, field.value) {
            (2, Value::Bytes(body)) => {
                if self.scratch.read(body).is_ok() {
                    if self.scratch.cut_stack() {
                        faults.add(ErrorKind::DeepStack { max: MAX_LOCATIONS }.at(offset));
                    }
                    self.longest_stack = self.longest_stack.max(self.scratch.locations.len());
                    // One without anything says nothing, and there may be as many as bytes.
                    if !self.scratch.is_empty() {
                        self.samples.push_at(self.scratch.encoded(), offset);
                    }
                } else {
                    faults.add(ErrorKind::BadMessage { what: "sample" }.at(offset));
                }
            }
            (3, Value::Bytes(body)) => self.mappings.push(body, offset),
            (4, Value::Bytes(body)) => self.locations.push(body, offset),
            (5, Value::Bytes(body)) => self.functions.push(body, offset),
            (6, Value::Bytes(text)) => self.add_string(text, offset, faults)?,
            _ => {
                if self.add_head(field).is_err() {
                    faults.add(ErrorKind::BadMessage { what: "field of the profile" }.at(offset));
                }
            }
        }
        Ok(())
    }

    fn add_string(&mut self, text: &[u8], offset: u64, faults: &mut Faults) -> Result<(), Error> {
        let index = self.strings.len();
        let is_utf8 = self.strings.push(text).map_err(|kind| Error { offset, kind })?;
        if !is_utf8 {
            faults.add(ErrorKind::NotUtf8 { index }.at(offset));
        }
        Ok(())
    }

    fn add_head(&mut self, field: Field<'_>) -> Result<(), Malformed> {
        match (field.number, field.value) {
            // Of one with more all samples are dropped: they have more values than there are types.
            (1, Value::Bytes(body)) if self.sample_types.len() < MAX_TYPES => {
                self.sample_types.push(parse_value_type(body)?);
            }
            (11, Value::Bytes(body)) => self.period_type = Some(parse_value_type(body)?),
            (7, value) => self.drop_frames = value.number(),
            (8, value) => self.keep_frames = value.number(),
            (9, value) => self.time_nanos = value.signed(),
            (10, value) => self.duration_nanos = value.signed(),
            (12, value) => self.period = value.signed(),
            (13, value) => each_number(value, |id| self.add_comment(id))?,
            (14, value) => self.default_sample_type = value.number(),
            (15, value) => self.doc_url = value.number(),
            (1..=6 | 11, _) => return Err(Malformed),
            _ => {}
        }
        Ok(())
    }

    fn add_comment(&mut self, id: u64) {
        if self.comments.len() < MAX_COMMENTS {
            self.comments.push(id);
        } else {
            self.n_more_comments += 1;
        }
    }

    /// Refuses what is not a profile, and one that lost its names.
    fn check_useful(&self, stop: Option<&Error>, end: u64) -> Result<(), Error> {
        let n_strings = self.strings.len() as u64;
        let has_types = !self.sample_types.is_empty();
        let types_named = self.sample_types.iter().all(|&[kind, _]| kind < n_strings);
        let starts_empty = self.strings.get(StrId(0)) == Some("");
        if has_types && starts_empty && types_named && self.has_function_name() {
            return Ok(());
        }
        // Bytes of another kind stop somewhere as well; that is not where their fault lies.
        let offset = stop.map_or(end, |error| error.offset);
        Err(match stop {
            Some(error) if matches!(error.kind, ErrorKind::Gzip(_)) => error.clone(),
            // A cut between two fields does not show, except in what is missing.
            _ if has_types && (n_strings == 0 || starts_empty) => {
                Error { offset, kind: ErrorKind::NamesLost }
            }
            _ => Error { offset: 0, kind: ErrorKind::NotAProfile },
        })
    }

    /// Whether a function has its name, or there are none at all. A name that is not given is not lost.
    fn has_function_name(&self) -> bool {
        let n_strings = self.strings.len() as u64;
        let mut bodies = self.functions.iter().map(|(body, _)| body).peekable();
        let lost_name =
            |body| fields(body).flatten().any(|f| f.number == 2 && f.value.number() >= n_strings);
        bodies.peek().is_none() || bodies.any(|body| !lost_name(body))
    }

    fn resolve(self, faults: &mut Faults) -> Result<Profile, Error> {
        if self.n_more_comments > 0 {
            let n = self.n_more_comments;
            faults.add(ErrorKind::MoreComments { n, max: MAX_COMMENTS }.at(0));
        }
        let mut tables = Tables { n_strings: self.strings.len(), faults, offset: 0 };
        let (functions, function_ids) =
            tables.table("functions", &self.functions, Tables::function)?;
        let (mappings, mapping_ids) = tables.table("mappings", &self.mappings, Tables::mapping)?;
        let (locations, location_ids) =
            tables.table("locations", &self.locations, |tables, body| {
                tables.location(body, &mapping_ids, &function_ids)
            })?;
        tables.offset = 0;
        let mut profile = Profile {
            sample_types: self.sample_types.iter().map(|&t| tables.value_type(t)).collect(),
            mappings,
            locations,
            functions,
            drop_frames: tables.string(self.drop_frames),
            keep_frames: tables.string(self.keep_frames),
            time_nanos: self.time_nanos,
            duration_nanos: self.duration_nanos,
            period_type: self.period_type.map(|t| tables.value_type(t)),
            period: self.period,
            comments: self.comments.iter().map(|&id| tables.string(id)).collect(),
            default_sample_type: tables.string(self.default_sample_type),
            doc_url: tables.string(self.doc_url),
            strings: self.strings,
            samples: self.samples,
        };
        if !location_ids.is_dense() || profile.check_valid().is_err() {
            keep_good_samples(&mut profile, &location_ids, &mut tables);
            profile.check_valid()?;
        }
        cut_deep_samples(&mut profile, self.longest_stack, faults);
        Ok(profile)
    }
}

/// Messages to be decoded when all is read, each with where it stood.
#[derive(Default)]
struct SetAside {
    /// Shape: offset in the file, length, and bytes, again and again.
    bytes: Vec<u8>,
}

impl SetAside {
    fn push(&mut self, body: &[u8], offset: u64) {
        put_varint(&mut self.bytes, offset);
        put_varint(&mut self.bytes, body.len() as u64);
        self.bytes.extend_from_slice(body);
    }

    fn iter(&self) -> impl Iterator<Item = (&[u8], u64)> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || {
            let offset = take_varint(&mut rest)?;
            Some((take_bytes(&mut rest)?, offset))
        })
    }
}

fn parse_value_type(body: &[u8]) -> Result<[u64; 2], Malformed> {
    let mut ids = [0; 2];
    for field in fields(body) {
        let field = field?;
        match field.number {
            1 => ids[0] = field.value.number(),
            2 => ids[1] = field.value.number(),
            _ => {}
        }
    }
    Ok(ids)
}

/// The parts of one sample, gathered from packed and unpacked fields; reused for the next.
#[derive(Default)]
struct SampleParts {
    locations: Vec<u8>,
    values: Vec<u8>,
    labels: Vec<u8>,
}

impl SampleParts {
    fn clear(&mut self) {
        self.locations.clear();
        self.values.clear();
        self.labels.clear();
    }

    fn read(&mut self, body: &[u8]) -> Result<(), Malformed> {
        self.clear();
        for field in fields(body) {
            let field = field?;
            match (field.number, field.value) {
                (1, value) => append_numbers(&mut self.locations, value)?,
                (2, value) => append_numbers(&mut self.values, value)?,
                (3, Value::Bytes(label)) => put_bytes(&mut self.labels, 3, label),
                (3, _) => return Err(Malformed),
                _ => {}
            }
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.locations.is_empty() && self.values.is_empty()
    }

    /// Drops the locations next to the root that are too many; says whether there were such.
    fn cut_stack(&mut self) -> bool {
        // A location takes a byte at least.
        if self.locations.len() <= MAX_LOCATIONS {
            return false;
        }
        let is_last = |&(_, &byte): &(usize, &u8)| byte < 0x80;
        let mut last_bytes = self.locations.iter().enumerate().filter(is_last);
        let Some((at, _)) = last_bytes.nth(MAX_LOCATIONS - 1) else { return false };
        let is_deep = last_bytes.next().is_some();
        self.locations.truncate(at + 1);
        is_deep
    }

    fn encoded(&self) -> Encoded<'_> {
        Encoded { locations: &self.locations, values: &self.values, labels: &self.labels }
    }
}

/// Appends packed numbers as they are; whether they are well-formed is checked at the end.
fn append_numbers(out: &mut Vec<u8>, value: Value<'_>) -> Result<(), Malformed> {
    match value {
        Value::Varint(v) => put_varint(out, v),
        Value::Bytes(packed) if packed.last().is_none_or(|&last| last < 0x80) => {
            out.extend_from_slice(packed);
        }
        // A number that is cut off would run into those of the next field.
        Value::Bytes(_) | Value::Fixed(_) => return Err(Malformed),
    }
    Ok(())
}

/// From the ids of a file to positions.
enum Ids {
    /// The ids are 1 to this number, in order, as Go and pprof write them.
    Dense(u32),
    Sparse(HashMap<u64, u32>),
}

impl Ids {
    fn get(&self, id: u64) -> Option<u32> {
        match self {
            Ids::Dense(n) => u32::try_from(id.checked_sub(1)?).ok().filter(|idx| idx < n),
            Ids::Sparse(by_id) => by_id.get(&id).copied(),
        }
    }

    /// Whether an entry may have this id.
    fn is_free(&self, id: u64) -> bool {
        id != 0 && self.get(id).is_none()
    }

    /// Gives a free id the position after the last.
    fn insert(&mut self, id: u64, idx: u32) {
        match self {
            Ids::Dense(n) if id == u64::from(idx) + 1 => *n = idx + 1,
            Ids::Dense(n) => {
                let dense = (0..*n).map(|i| (u64::from(i) + 1, i));
                *self = Ids::Sparse(dense.chain([(id, idx)]).collect());
            }
            Ids::Sparse(by_id) => {
                by_id.insert(id, idx);
            }
        }
    }

    fn is_dense(&self) -> bool {
        matches!(self, Ids::Dense(_))
    }
}

/// Decodes the tables, noting what refers to nothing.
struct Tables<'a> {
    n_strings: usize,
    faults: &'a mut Faults,
    /// Where the message being decoded stood.
    offset: u64,
}

impl Tables<'_> {
    fn fault(&mut self, kind: ErrorKind) {
        self.faults.add(kind.at(self.offset));
    }

    fn string(&mut self, index: u64) -> StrId {
        let n_strings = self.n_strings;
        match u32::try_from(index) {
            Ok(small) if (small as usize) < n_strings => StrId(small),
            _ => {
                self.fault(ErrorKind::NoSuchString { index, n_strings });
                StrId(0)
            }
        }
    }

    fn value_type(&mut self, [kind, unit]: [u64; 2]) -> ValueType {
        ValueType { kind: self.string(kind), unit: self.string(unit) }
    }

    /// Decodes each message and gives it the next position, unless its id is bad.
    fn table<T>(
        &mut self,
        name: &'static str,
        messages: &SetAside,
        mut decode: impl FnMut(&mut Self, &[u8]) -> Result<T, Malformed>,
    ) -> Result<(Vec<T>, Ids), Error> {
        let mut items = Vec::new();
        let mut ids = Ids::Dense(0);
        for (body, offset) in messages.iter() {
            self.offset = offset;
            let idx = u32::try_from(items.len())
                .map_err(|_| Error { offset, kind: ErrorKind::TooMany { what: name } })?;
            let bad = match parse_id(body) {
                Ok(id) if !ids.is_free(id) => ErrorKind::BadId { id, table: name },
                Ok(id) => match decode(self, body) {
                    Ok(item) => {
                        ids.insert(id, idx);
                        items.push(item);
                        continue;
                    }
                    Err(Malformed) => ErrorKind::BadMessage { what: "table entry" },
                },
                Err(Malformed) => ErrorKind::BadMessage { what: "table entry" },
            };
            self.fault(bad);
        }
        items.shrink_to_fit();
        Ok((items, ids))
    }

    fn function(&mut self, body: &[u8]) -> Result<Function, Malformed> {
        let mut function = Function::default();
        for field in fields(body) {
            let field = field?;
            match field.number {
                2 => function.name = self.string(field.value.number()),
                3 => function.system_name = self.string(field.value.number()),
                4 => function.filename = self.string(field.value.number()),
                5 => function.start_line = field.value.signed(),
                _ => {}
            }
        }
        Ok(function)
    }

    fn mapping(&mut self, body: &[u8]) -> Result<Mapping, Malformed> {
        let mut mapping = Mapping::default();
        for field in fields(body) {
            let field = field?;
            let number = field.value.number();
            match field.number {
                2 => mapping.memory_start = number,
                3 => mapping.memory_limit = number,
                4 => mapping.file_offset = number,
                5 => mapping.filename = self.string(number),
                6 => mapping.build_id = self.string(number),
                7 => mapping.has_functions = number != 0,
                8 => mapping.has_filenames = number != 0,
                9 => mapping.has_line_numbers = number != 0,
                10 => mapping.has_inline_frames = number != 0,
                _ => {}
            }
        }
        Ok(mapping)
    }

    fn location(
        &mut self,
        body: &[u8],
        mappings: &Ids,
        functions: &Ids,
    ) -> Result<Location, Malformed> {
        let mut location = Location::default();
        let is_line = |f: &Result<Field<'_>, Malformed>| f.as_ref().is_ok_and(|f| f.number == 4);
        let n_lines = fields(body).filter(is_line).count();
        location.lines.reserve_exact(n_lines.min(MAX_LINES));
        if n_lines > MAX_LINES {
            self.fault(ErrorKind::MoreLines { n: n_lines, max: MAX_LINES });
        }
        for field in fields(body) {
            let field = field?;
            match (field.number, field.value) {
                (2, value) => location.mapping = self.mapping_idx(value.number(), mappings),
                (3, value) => location.address = value.number(),
                (4, Value::Bytes(line)) => {
                    // The outermost stays: it is the function that has the address.
                    location.lines.truncate(MAX_LINES - 1);
                    location.lines.push(self.line(line, functions)?);
                }
                (5, value) => location.is_folded = value.number() != 0,
                _ => {}
            }
        }
        Ok(location)
    }

    fn mapping_idx(&mut self, id: u64, mappings: &Ids) -> Option<MappingIdx> {
        let idx = mappings.get(id).map(MappingIdx);
        // Id 0 says that there is no mapping.
        if idx.is_none() && id != 0 {
            self.fault(ErrorKind::NoSuchMapping { id });
        }
        idx
    }

    fn line(&mut self, body: &[u8], functions: &Ids) -> Result<Line, Malformed> {
        let mut line = Line::default();
        let mut function_id = 0;
        for field in fields(body) {
            let field = field?;
            match field.number {
                1 => function_id = field.value.number(),
                2 => line.line = field.value.signed(),
                3 => line.column = field.value.signed(),
                _ => {}
            }
        }
        line.function = functions.get(function_id).map(FunctionIdx);
        if line.function.is_none() && function_id != 0 {
            self.fault(ErrorKind::NoSuchFunction { id: function_id });
        }
        Ok(line)
    }
}

/// The id of a mapping, location or function: field 1 of each. Passes over the whole message.
fn parse_id(body: &[u8]) -> Result<u64, Malformed> {
    let mut id = 0;
    for field in fields(body) {
        let field = field?;
        if field.number == 1 {
            id = field.value.number();
        }
    }
    Ok(id)
}

/// Encodes the samples anew with dense location ids, without those that refer to nothing.
fn keep_good_samples(profile: &mut Profile, locations: &Ids, tables: &mut Tables<'_>) {
    let old = std::mem::take(&mut profile.samples);
    let mut new = SampleBuffer::default();
    let mut parts = SampleParts::default();
    for (sample, offset) in old.with_offsets(profile) {
        tables.offset = offset;
        match mend(sample.encoded, locations, profile.sample_types.len(), tables, &mut parts) {
            Ok(()) => new.push(parts.encoded()),
            Err(kind) => tables.fault(kind),
        }
    }
    profile.samples = new;
}

fn mend(
    sample: Encoded<'_>,
    locations: &Ids,
    n_values: usize,
    tables: &mut Tables<'_>,
    out: &mut SampleParts,
) -> Result<(), ErrorKind> {
    out.clear();
    let mut rest = sample.locations;
    while !rest.is_empty() {
        let id = take_varint(&mut rest).ok_or(ErrorKind::BadMessage { what: "sample" })?;
        let idx = locations.get(id).ok_or(ErrorKind::NoSuchLocation { id })?;
        put_varint(&mut out.locations, u64::from(idx) + 1);
    }
    check_values(sample.values, n_values)?;
    out.values.extend_from_slice(sample.values);
    for body in label_bodies(sample.labels) {
        match parse_label(body, |id| tables.string(id)) {
            Some(label) => put_label(&mut out.labels, label),
            None => tables.fault(ErrorKind::BadMessage { what: "label" }),
        }
    }
    Ok(())
}
