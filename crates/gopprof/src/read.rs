//! Bytes to [`Profile`].
//!
//! 1. Inflate, if it is gzip, up to a limit.
//! 2. Read all top-level fields; samples are only noted, because Go writes the strings they refer to last.
//! 3. Replace ids by positions, check every sample, and drop what refers to nothing.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::ops::Range;

use flate2::bufread::MultiGzDecoder;

use crate::error::{Error, ErrorKind, Parsed};
use crate::model::{
    Function, FunctionIdx, Line, Location, LocationIds, Mapping, MappingIdx, Profile, RawLabel,
    SAMPLE_LABEL, SAMPLE_LOCATION, SAMPLE_VALUE, Samples, StrId, ValueType,
};
use crate::wire::{Field, Fields, Value, read_varint};

/// Limits on what is read.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Units: bytes after inflating.
    pub max_inflated_bytes: u64,
}

impl Default for Limits {
    /// 1 GiB: thirty times the largest profile we met, and within the memory of a workstation.
    fn default() -> Self {
        Self { max_inflated_bytes: 1 << 30 }
    }
}

/// Defects listed one by one; the rest is counted.
const MAX_FAULTS: usize = 20;

/// Reads a profile, gzip or plain, from memory.
///
/// # Errors
/// When nothing useful is left; see [`read_profile`].
pub fn parse_profile(bytes: &[u8], limits: &Limits) -> Result<Parsed<Profile>, Error> {
    read_profile(bytes, limits)
}

/// Reads a profile, gzip or plain; the compressed bytes are never in memory as a whole.
///
/// # Errors
/// When the input is no profile, inflates beyond the limit, or is cut so early that its functions have no names.
pub fn read_profile(input: impl Read, limits: &Limits) -> Result<Parsed<Profile>, Error> {
    let (bytes, cut) = inflate(input, limits)?;
    let mut raw = Raw::default();
    let damage = raw.read(&bytes).err();
    // A cut gzip stream is the cause of whatever is wrong with the fields.
    let damage = cut.or(damage);
    raw.resolve(bytes, damage)
}

/// Returns what could be inflated, and why it ended early if it did.
fn inflate(input: impl Read, limits: &Limits) -> Result<(Vec<u8>, Option<Error>), Error> {
    let mut input = BufReader::with_capacity(1 << 16, input);
    let read_error = |error: std::io::Error, offset: u64| Error {
        offset,
        kind: ErrorKind::Read(error.to_string()),
    };
    let is_gzip =
        input.fill_buf().map_err(|error| read_error(error, 0))?.starts_with(&[0x1f, 0x8b]);
    let mut bytes = Vec::new();
    let limit_bytes = limits.max_inflated_bytes;
    let mut cut = None;
    if is_gzip {
        let result =
            MultiGzDecoder::new(input).take(limit_bytes.saturating_add(1)).read_to_end(&mut bytes);
        let offset = bytes.len() as u64;
        cut = result.err().map(|error| Error { offset, kind: ErrorKind::Gzip(error.to_string()) });
    } else {
        let result = input.take(limit_bytes.saturating_add(1)).read_to_end(&mut bytes);
        result.map_err(|error| read_error(error, bytes.len() as u64))?;
    }
    if bytes.len() as u64 > limit_bytes {
        return Err(Error { offset: limit_bytes, kind: ErrorKind::TooLarge { limit_bytes } });
    }
    bytes.shrink_to_fit();
    Ok((bytes, cut))
}

/// The fields of a profile with ids and string indices as they stand in the file.
#[derive(Default)]
struct Raw {
    profile: Profile,
    samples: Vec<Range<usize>>,
    /// Mapping id of each location, and function id of each of their lines.
    location_refs: Vec<(u64, Vec<u64>)>,
    faults: Vec<Error>,
    n_more_faults: u64,
}

impl Raw {
    fn fault(&mut self, offset: u64, kind: ErrorKind) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(Error { offset, kind });
        } else {
            self.n_more_faults += 1;
        }
    }

    /// Field numbers are those of message `Profile` in profile.proto.
    fn read(&mut self, bytes: &[u8]) -> Result<(), Error> {
        for field in Fields::new(bytes, 0) {
            let field = field?;
            match field.number {
                1 => {
                    let sample_type = value_type(&field)?;
                    self.profile.sample_types.push(sample_type);
                }
                2 => {
                    let start = field.offset as usize;
                    self.samples.push(start..start + field.bytes()?.len());
                }
                3 => self.profile.mappings.push(mapping(&field)?),
                4 => {
                    let (location, refs) = location(&field)?;
                    self.profile.locations.push(location);
                    self.location_refs.push(refs);
                }
                5 => self.profile.functions.push(function(&field)?),
                6 => self.profile.strings.push(String::from_utf8_lossy(field.bytes()?).into()),
                7 => self.profile.drop_frames = str_id(&field)?,
                8 => self.profile.keep_frames = str_id(&field)?,
                9 => self.profile.time_nanos = field.int64()?,
                10 => self.profile.duration_nanos = field.int64()?,
                11 => self.profile.period_type = Some(value_type(&field)?),
                12 => self.profile.period = field.int64()?,
                13 => self.comments(&field)?,
                14 => self.profile.default_sample_type = str_id(&field)?,
                15 => self.profile.doc_url = str_id(&field)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn comments(&mut self, field: &Field<'_>) -> Result<(), Error> {
        let comments = &mut self.profile.comments;
        numbers(field, |index| {
            comments.push(to_str_id(index));
            Ok(())
        })?;
        Ok(())
    }

    fn resolve(mut self, bytes: Vec<u8>, damage: Option<Error>) -> Result<Parsed<Profile>, Error> {
        if self.profile.sample_types.is_empty() {
            return Err(damage.unwrap_or(Error { offset: 0, kind: ErrorKind::NoSampleTypes }));
        }
        self.check_strings(damage.as_ref())?;
        self.resolve_locations()?;
        self.faults.extend(damage);
        self.profile.ids = LocationIds::new(&self.profile.locations);
        let messages = std::mem::take(&mut self.samples);
        let mut kept = Vec::with_capacity(messages.len());
        for message in messages {
            match check_sample(&self.profile, &bytes, &message) {
                Ok(()) => kept.push(message),
                Err(error) => self.fault(error.offset, error.kind),
            }
        }
        self.profile.samples = Samples { bytes, messages: kept };
        if self.n_more_faults > 0 {
            let kind = ErrorKind::More { n: self.n_more_faults };
            self.faults.push(Error { offset: 0, kind });
        }
        Ok(Parsed { value: self.profile, faults: self.faults })
    }

    /// Clears indices beyond the string table. When the profile is cut, a name that is missing makes it useless.
    fn check_strings(&mut self, damage: Option<&Error>) -> Result<(), Error> {
        let n_strings = self.profile.strings.len();
        let mut missing = None;
        let mut check = |id: &mut StrId| {
            if id.0 as usize >= n_strings && id.0 != 0 {
                missing.get_or_insert(id.0);
                *id = StrId::default();
            }
        };
        let profile = &mut self.profile;
        for value_type in profile.sample_types.iter_mut().chain(&mut profile.period_type) {
            check(&mut value_type.kind);
            check(&mut value_type.unit);
        }
        for function in &mut profile.functions {
            check(&mut function.name);
            check(&mut function.system_name);
            check(&mut function.filename);
        }
        for mapping in &mut profile.mappings {
            check(&mut mapping.filename);
            check(&mut mapping.build_id);
        }
        profile.comments.iter_mut().for_each(&mut check);
        check(&mut profile.drop_frames);
        check(&mut profile.keep_frames);
        check(&mut profile.default_sample_type);
        check(&mut profile.doc_url);
        if let Some(index) = missing {
            let kind = ErrorKind::NoSuchString { index: u64::from(index), n_strings };
            if let Some(damage) = damage {
                return Err(damage.clone());
            }
            self.fault(0, kind);
        }
        Ok(())
    }

    /// Replaces ids of mappings and functions by positions.
    fn resolve_locations(&mut self) -> Result<(), Error> {
        let mappings = self.positions("mappings", |p| p.mappings.iter().map(|m| m.id).collect())?;
        let functions =
            self.positions("functions", |p| p.functions.iter().map(|f| f.id).collect())?;
        self.positions("locations", |p| p.locations.iter().map(|l| l.id).collect())?;
        for (at, (mapping, lines)) in
            std::mem::take(&mut self.location_refs).into_iter().enumerate()
        {
            let found = mappings.get(&mapping).map(|&idx| MappingIdx(idx));
            if found.is_none() && mapping != 0 {
                self.fault(0, ErrorKind::NoSuchMapping { id: mapping });
            }
            self.profile.locations[at].mapping = found;
            for (line, function) in lines.into_iter().enumerate() {
                let found = functions.get(&function).map(|&idx| FunctionIdx(idx));
                if found.is_none() && function != 0 {
                    self.fault(0, ErrorKind::NoSuchFunction { id: function });
                }
                self.profile.locations[at].lines[line].function = found;
            }
        }
        Ok(())
    }

    /// Positions by id of a table; doubtful ids are reported, and the first entry with an id counts.
    fn positions(
        &mut self,
        table: &'static str,
        ids: impl Fn(&Profile) -> Vec<u64>,
    ) -> Result<HashMap<u64, u32>, Error> {
        let ids = ids(&self.profile);
        let limit = u32::MAX as usize;
        if ids.len() > limit {
            return Err(Error { offset: 0, kind: ErrorKind::TooMany { table, limit } });
        }
        let mut positions = HashMap::with_capacity(ids.len());
        for (at, id) in ids.into_iter().enumerate() {
            let is_new = !positions.contains_key(&id);
            if id == 0 || !is_new {
                self.fault(0, ErrorKind::BadId { id, table });
            }
            if is_new {
                positions.insert(id, at as u32);
            }
        }
        Ok(positions)
    }
}

/// Whether a sample decodes, has a value per sample type, and refers to what exists.
fn check_sample(profile: &Profile, bytes: &[u8], range: &Range<usize>) -> Result<(), Error> {
    let offset = range.start as u64;
    let mut n_values = 0;
    for field in Fields::new(&bytes[range.clone()], offset) {
        let field = field?;
        match field.number {
            SAMPLE_LOCATION => check_locations(&profile.ids, &field)?,
            SAMPLE_VALUE => n_values += numbers(&field, |_| Ok(()))?,
            SAMPLE_LABEL => check_label(profile.strings.len(), &field)?,
            _ => {}
        }
    }
    let expected = profile.sample_types.len();
    if n_values != expected {
        return Err(Error { offset, kind: ErrorKind::ValueCount { found: n_values, expected } });
    }
    Ok(())
}

fn check_locations(ids: &LocationIds, field: &Field<'_>) -> Result<(), Error> {
    let check = |id| ids.find(id).map(|_| ()).ok_or(ErrorKind::NoSuchLocation { id });
    numbers(field, check).map(|_| ())
}

fn check_label(n_strings: usize, field: &Field<'_>) -> Result<(), Error> {
    for part in field.message()? {
        part?;
    }
    let too_large = |&index: &u64| index != 0 && index >= n_strings as u64;
    match RawLabel::decode(field.bytes()?).strings().into_iter().find(too_large) {
        Some(index) => {
            Err(Error { offset: field.offset, kind: ErrorKind::NoSuchString { index, n_strings } })
        }
        None => Ok(()),
    }
}

/// Hands each number of a repeated field, packed or not, to `each`; returns how many there are.
fn numbers(
    field: &Field<'_>,
    mut each: impl FnMut(u64) -> Result<(), ErrorKind>,
) -> Result<usize, Error> {
    let at = |kind| Error { offset: field.offset, kind };
    let Value::Bytes(mut packed) = field.value else {
        each(field.varint()?).map_err(at)?;
        return Ok(1);
    };
    let mut n = 0;
    while !packed.is_empty() {
        read_varint(&mut packed).and_then(&mut each).map_err(at)?;
        n += 1;
    }
    Ok(n)
}

fn str_id(field: &Field<'_>) -> Result<StrId, Error> {
    field.varint().map(to_str_id)
}

/// Indices beyond 32 bits are as wrong as any beyond the table.
fn to_str_id(index: u64) -> StrId {
    StrId(u32::try_from(index).unwrap_or(u32::MAX))
}

fn value_type(field: &Field<'_>) -> Result<ValueType, Error> {
    let mut value_type = ValueType::default();
    for part in field.message()? {
        let part = part?;
        match part.number {
            1 => value_type.kind = str_id(&part)?,
            2 => value_type.unit = str_id(&part)?,
            _ => {}
        }
    }
    Ok(value_type)
}

fn mapping(field: &Field<'_>) -> Result<Mapping, Error> {
    let mut mapping = Mapping::default();
    for part in field.message()? {
        let part = part?;
        match part.number {
            1 => mapping.id = part.varint()?,
            2 => mapping.memory_start = part.varint()?,
            3 => mapping.memory_limit = part.varint()?,
            4 => mapping.file_offset = part.varint()?,
            5 => mapping.filename = str_id(&part)?,
            6 => mapping.build_id = str_id(&part)?,
            7 => mapping.has_functions = part.varint()? != 0,
            8 => mapping.has_filenames = part.varint()? != 0,
            9 => mapping.has_line_numbers = part.varint()? != 0,
            10 => mapping.has_inline_frames = part.varint()? != 0,
            _ => {}
        }
    }
    Ok(mapping)
}

/// A location with the ids it refers to: its mapping, and the function of each line.
fn location(field: &Field<'_>) -> Result<(Location, (u64, Vec<u64>)), Error> {
    let mut location = Location::default();
    let mut mapping = 0;
    let mut functions = Vec::new();
    for part in field.message()? {
        let part = part?;
        match part.number {
            1 => location.id = part.varint()?,
            2 => mapping = part.varint()?,
            3 => location.address = part.varint()?,
            4 => {
                let (line, function) = line(&part)?;
                location.lines.push(line);
                functions.push(function);
            }
            5 => location.is_folded = part.varint()? != 0,
            _ => {}
        }
    }
    Ok((location, (mapping, functions)))
}

fn line(field: &Field<'_>) -> Result<(Line, u64), Error> {
    let mut line = Line::default();
    let mut function = 0;
    for part in field.message()? {
        let part = part?;
        match part.number {
            1 => function = part.varint()?,
            2 => line.line = part.int64()?,
            3 => line.column = part.int64()?,
            _ => {}
        }
    }
    Ok((line, function))
}

fn function(field: &Field<'_>) -> Result<Function, Error> {
    let mut function = Function::default();
    for part in field.message()? {
        let part = part?;
        match part.number {
            1 => function.id = part.varint()?,
            2 => function.name = str_id(&part)?,
            3 => function.system_name = str_id(&part)?,
            4 => function.filename = str_id(&part)?,
            5 => function.start_line = part.int64()?,
            _ => {}
        }
    }
    Ok(function)
}

impl Profile {
    /// Says whether every reference holds. Reading and building ensure it; tests call it after each.
    ///
    /// # Errors
    /// The first reference that does not hold.
    pub fn check_valid(&self) -> Result<(), Error> {
        for location in &self.locations {
            let n_mappings = self.mappings.len();
            if let Some(mapping) = location.mapping.filter(|m| m.index() >= n_mappings) {
                return Err(Error {
                    offset: 0,
                    kind: ErrorKind::NoSuchMapping { id: u64::from(mapping.0) },
                });
            }
            let functions = location.lines.iter().filter_map(|line| line.function);
            if let Some(function) =
                functions.into_iter().find(|f| f.index() >= self.functions.len())
            {
                return Err(Error {
                    offset: 0,
                    kind: ErrorKind::NoSuchFunction { id: u64::from(function.0) },
                });
            }
        }
        self.samples
            .messages
            .iter()
            .try_for_each(|range| check_sample(self, &self.samples.bytes, range))
    }
}
