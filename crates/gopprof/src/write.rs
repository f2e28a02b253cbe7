//! [`Profile`] to bytes. Ids and indices are kept, so that reading what was written gives an equal profile.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::model::{Function, Line, Location, Mapping, Profile, ValueType};
use crate::wire::{put_bytes, put_number, put_packed};

/// Writes a profile as one gzip member, as Go does.
///
/// # Errors
/// When `out` fails.
pub fn write_profile(profile: &Profile, out: impl Write) -> io::Result<()> {
    let mut gzip = GzEncoder::new(out, Compression::fast());
    gzip.write_all(&encode(profile))?;
    gzip.finish()?.flush()
}

/// Field numbers are those of message `Profile` in profile.proto.
fn encode(profile: &Profile) -> Vec<u8> {
    let mut out = Vec::with_capacity(profile.samples.bytes.len());
    for sample_type in &profile.sample_types {
        put_bytes(&mut out, 1, &value_type(*sample_type));
    }
    for range in &profile.samples.messages {
        put_bytes(&mut out, 2, &profile.samples.bytes[range.clone()]);
    }
    for entry in &profile.mappings {
        put_bytes(&mut out, 3, &mapping(entry));
    }
    for entry in &profile.locations {
        put_bytes(&mut out, 4, &location(profile, entry));
    }
    for entry in &profile.functions {
        put_bytes(&mut out, 5, &function(entry));
    }
    for string in &profile.strings {
        put_bytes(&mut out, 6, string.as_bytes());
    }
    put_number(&mut out, 7, u64::from(profile.drop_frames.0));
    put_number(&mut out, 8, u64::from(profile.keep_frames.0));
    put_number(&mut out, 9, profile.time_nanos.cast_unsigned());
    put_number(&mut out, 10, profile.duration_nanos.cast_unsigned());
    if let Some(period_type) = profile.period_type {
        put_bytes(&mut out, 11, &value_type(period_type));
    }
    put_number(&mut out, 12, profile.period.cast_unsigned());
    put_packed(&mut out, 13, profile.comments.iter().map(|id| u64::from(id.0)));
    put_number(&mut out, 14, u64::from(profile.default_sample_type.0));
    put_number(&mut out, 15, u64::from(profile.doc_url.0));
    out
}

fn value_type(value_type: ValueType) -> Vec<u8> {
    let mut out = Vec::new();
    put_number(&mut out, 1, u64::from(value_type.kind.0));
    put_number(&mut out, 2, u64::from(value_type.unit.0));
    out
}

fn mapping(mapping: &Mapping) -> Vec<u8> {
    let mut out = Vec::new();
    put_number(&mut out, 1, mapping.id);
    put_number(&mut out, 2, mapping.memory_start);
    put_number(&mut out, 3, mapping.memory_limit);
    put_number(&mut out, 4, mapping.file_offset);
    put_number(&mut out, 5, u64::from(mapping.filename.0));
    put_number(&mut out, 6, u64::from(mapping.build_id.0));
    put_number(&mut out, 7, u64::from(mapping.has_functions));
    put_number(&mut out, 8, u64::from(mapping.has_filenames));
    put_number(&mut out, 9, u64::from(mapping.has_line_numbers));
    put_number(&mut out, 10, u64::from(mapping.has_inline_frames));
    out
}

fn location(profile: &Profile, location: &Location) -> Vec<u8> {
    let mut out = Vec::new();
    put_number(&mut out, 1, location.id);
    put_number(&mut out, 2, location.mapping.map_or(0, |idx| profile.mappings[idx.index()].id));
    put_number(&mut out, 3, location.address);
    for entry in &location.lines {
        put_bytes(&mut out, 4, &line(profile, entry));
    }
    put_number(&mut out, 5, u64::from(location.is_folded));
    out
}

fn line(profile: &Profile, line: &Line) -> Vec<u8> {
    let mut out = Vec::new();
    put_number(&mut out, 1, line.function.map_or(0, |idx| profile.functions[idx.index()].id));
    put_number(&mut out, 2, line.line.cast_unsigned());
    put_number(&mut out, 3, line.column.cast_unsigned());
    out
}

fn function(function: &Function) -> Vec<u8> {
    let mut out = Vec::new();
    put_number(&mut out, 1, function.id);
    put_number(&mut out, 2, u64::from(function.name.0));
    put_number(&mut out, 3, u64::from(function.system_name.0));
    put_number(&mut out, 4, u64::from(function.filename.0));
    put_number(&mut out, 5, function.start_line.cast_unsigned());
    out
}
