//! [`Profile`] to bytes.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use wire::{put_bytes, put_number, put_varint};

use crate::model::{Function, Location, Mapping, Profile, ValueType};

/// Writes a profile as one gzip member, as Go does. The same profile gives the same bytes.
///
/// # Errors
/// Those of `out`.
pub fn write_profile(profile: &Profile, out: impl Write) -> io::Result<()> {
    // Level 1 of zlib-rs does without Huffman codes of its own: a third larger than Go's fastest on these data, where
    // level 2 is the same size.
    let mut gzip = GzEncoder::new(out, Compression::new(2));
    write_proto(profile, &mut gzip)?;
    gzip.finish()?.flush()
}

/// Writes a profile without compression, in the order of the field numbers.
///
/// # Errors
/// Those of `out`.
pub fn write_proto(profile: &Profile, mut out: impl Write) -> io::Result<()> {
    let mut message = Vec::new();
    for &t in &profile.sample_types {
        put_bytes(&mut message, 1, &value_type(t));
    }
    out.write_all(&message)?;
    out.write_all(profile.samples.bytes())?;
    write_each(&mut out, 3, profile.mappings.iter(), put_mapping)?;
    write_each(&mut out, 4, profile.locations.iter(), put_location)?;
    write_each(&mut out, 5, profile.functions.iter(), put_function)?;
    write_each(&mut out, 6, profile.strings.iter(), |body, _, text: &str| {
        body.extend_from_slice(text.as_bytes());
    })?;
    message.clear();
    put_head(&mut message, profile);
    out.write_all(&message)
}

/// Writes items as messages; `put` gets the id, 1 for the first.
fn write_each<T>(
    out: &mut impl Write,
    number: u64,
    items: impl Iterator<Item = T>,
    mut put: impl FnMut(&mut Vec<u8>, u64, T),
) -> io::Result<()> {
    let (mut body, mut message) = (Vec::new(), Vec::new());
    for (id, item) in (1..).zip(items) {
        body.clear();
        message.clear();
        put(&mut body, id, item);
        put_bytes(&mut message, number, &body);
        out.write_all(&message)?;
    }
    Ok(())
}

fn value_type(t: ValueType) -> Vec<u8> {
    let mut body = Vec::new();
    put_number(&mut body, 1, u64::from(t.kind.0));
    put_number(&mut body, 2, u64::from(t.unit.0));
    body
}

fn put_mapping(body: &mut Vec<u8>, id: u64, mapping: &Mapping) {
    put_number(body, 1, id);
    put_number(body, 2, mapping.memory_start);
    put_number(body, 3, mapping.memory_limit);
    put_number(body, 4, mapping.file_offset);
    put_number(body, 5, u64::from(mapping.filename.0));
    put_number(body, 6, u64::from(mapping.build_id.0));
    put_number(body, 7, u64::from(mapping.has_functions));
    put_number(body, 8, u64::from(mapping.has_filenames));
    put_number(body, 9, u64::from(mapping.has_line_numbers));
    put_number(body, 10, u64::from(mapping.has_inline_frames));
}

fn put_location(body: &mut Vec<u8>, id: u64, location: &Location) {
    put_number(body, 1, id);
    put_number(body, 2, location.mapping.map_or(0, |m| u64::from(m.0) + 1));
    put_number(body, 3, location.address);
    for line in &location.lines {
        let mut inner = Vec::new();
        put_number(&mut inner, 1, line.function.map_or(0, |f| u64::from(f.0) + 1));
        put_number(&mut inner, 2, line.line.cast_unsigned());
        put_number(&mut inner, 3, line.column.cast_unsigned());
        put_bytes(body, 4, &inner);
    }
    put_number(body, 5, u64::from(location.is_folded));
}

fn put_function(body: &mut Vec<u8>, id: u64, function: &Function) {
    put_number(body, 1, id);
    put_number(body, 2, u64::from(function.name.0));
    put_number(body, 3, u64::from(function.system_name.0));
    put_number(body, 4, u64::from(function.filename.0));
    put_number(body, 5, function.start_line.cast_unsigned());
}

fn put_head(message: &mut Vec<u8>, profile: &Profile) {
    put_number(message, 7, u64::from(profile.drop_frames.0));
    put_number(message, 8, u64::from(profile.keep_frames.0));
    put_number(message, 9, profile.time_nanos.cast_unsigned());
    put_number(message, 10, profile.duration_nanos.cast_unsigned());
    if let Some(t) = profile.period_type {
        put_bytes(message, 11, &value_type(t));
    }
    put_number(message, 12, profile.period.cast_unsigned());
    if !profile.comments.is_empty() {
        let mut comments = Vec::new();
        for id in &profile.comments {
            put_varint(&mut comments, u64::from(id.0));
        }
        put_bytes(message, 13, &comments);
    }
    put_number(message, 14, u64::from(profile.default_sample_type.0));
    put_number(message, 15, u64::from(profile.doc_url.0));
}
