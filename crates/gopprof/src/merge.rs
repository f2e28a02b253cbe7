//! Several profiles to one.

use std::collections::HashMap;

use crate::build::ProfileBuilder;
use crate::error::{Error, ErrorKind};
use crate::model::{
    Function, FunctionIdx, Line, Location, LocationIdx, Mapping, MappingIdx, Profile, ValueType,
};
use crate::samples::{RawLabel, RawLabelValue};
use crate::strings::StrId;

/// Adds up profiles of the same sample types and period type. Equal mappings, functions, locations and
/// samples become one; a mapping is equal to another of the same build id (or file, when it has none),
/// size and offset wherever it was loaded, and its locations move with it.
///
/// Time is the earliest, duration the sum, period the largest; comments are collected, and the rest of the
/// header comes from the first profile that has it.
///
/// Source: the rules for the header and for mappings are those of `profile/merge.go` of
/// github.com/google/pprof.
///
/// # Errors
/// When there is no profile, one measures something else than the first, or together they hold more strings,
/// lines or locations than 32 bits count.
pub fn merge(profiles: &[Profile]) -> Result<Profile, Error> {
    let first = profiles.first().ok_or(Error { offset: 0, kind: ErrorKind::NothingToMerge })?;
    check_size(profiles)?;
    let expected = first.measures();
    let mut merger = Merger::default();
    for t in &first.sample_types {
        let kind = merger.builder.string(first.str(t.kind));
        let unit = merger.builder.string(first.str(t.unit));
        merger.builder.profile_mut().sample_types.push(ValueType { kind, unit });
    }
    for (index, profile) in profiles.iter().enumerate() {
        let found = profile.measures();
        if found != expected {
            let kind = ErrorKind::OtherSampleTypes { index, found, expected };
            return Err(Error { offset: 0, kind });
        }
        merger.add(profile);
    }
    Ok(merger.builder.finish())
}

/// The builder takes no more than 32 bits count of anything; whether it would be fewer after merging is not worth
/// finding out.
fn check_size(profiles: &[Profile]) -> Result<(), Error> {
    let mut sums = [0usize; 3];
    for profile in profiles {
        let tables = profile.locations.len() + profile.functions.len() + profile.mappings.len();
        let lens = [profile.strings.text_len(), profile.strings.len(), tables];
        for (sum, len) in sums.iter_mut().zip(lens) {
            *sum = sum.saturating_add(len);
        }
    }
    if sums.iter().any(|&sum| u32::try_from(sum).is_err()) {
        let kind = ErrorKind::TooMany { what: "strings or table entries" };
        return Err(Error { offset: 0, kind });
    }
    Ok(())
}

#[derive(Default)]
struct Merger {
    builder: ProfileBuilder,
    mappings: HashMap<MappingKey, (MappingIdx, u64)>,
}

/// Size, offset in the file, and build id or file.
type MappingKey = (u64, u64, StrId);

/// Where the things of one profile have gone.
struct Moved {
    strings: Vec<StrId>,
    mappings: Vec<(MappingIdx, i64)>,
    functions: Vec<FunctionIdx>,
    locations: Vec<LocationIdx>,
}

impl Merger {
    fn add(&mut self, profile: &Profile) {
        let mut moved = Moved {
            strings: profile.strings.iter().map(|text| self.builder.string(text)).collect(),
            mappings: Vec::new(),
            functions: Vec::new(),
            locations: Vec::new(),
        };
        self.add_head(profile, &moved);
        moved.mappings = profile.mappings.iter().map(|m| self.mapping(m, &moved)).collect();
        moved.functions = profile.functions.iter().map(|f| self.function(f, &moved)).collect();
        moved.locations = profile.locations.iter().map(|l| self.location(l, &moved)).collect();
        self.add_samples(profile, &moved);
    }

    fn add_head(&mut self, profile: &Profile, moved: &Moved) {
        let from = profile;
        let to = self.builder.profile_mut();
        let texts = [
            (&mut to.drop_frames, from.drop_frames),
            (&mut to.keep_frames, from.keep_frames),
            (&mut to.default_sample_type, from.default_sample_type),
            (&mut to.doc_url, from.doc_url),
        ];
        for (to, from) in texts {
            if to.is_empty() {
                *to = moved.string(from);
            }
        }
        if to.time_nanos == 0 || (from.time_nanos != 0 && from.time_nanos < to.time_nanos) {
            to.time_nanos = from.time_nanos;
        }
        to.duration_nanos = to.duration_nanos.saturating_add(from.duration_nanos);
        to.period = to.period.max(from.period);
        to.period_type = from
            .period_type
            .map(|t| ValueType { kind: moved.string(t.kind), unit: moved.string(t.unit) });
        for &comment in &from.comments {
            let comment = moved.string(comment);
            if !to.comments.contains(&comment) {
                to.comments.push(comment);
            }
        }
    }

    /// The mapping in the merged profile, and how far its locations move.
    fn mapping(&mut self, mapping: &Mapping, moved: &Moved) -> (MappingIdx, i64) {
        let filename = moved.string(mapping.filename);
        let build_id = moved.string(mapping.build_id);
        let size = mapping.memory_limit.wrapping_sub(mapping.memory_start);
        let named_by = if build_id.is_empty() { filename } else { build_id };
        let key = (size, mapping.file_offset, named_by);
        let (idx, start) = *self.mappings.entry(key).or_insert_with(|| {
            let idx = self.builder.mapping(Mapping { filename, build_id, ..*mapping });
            (idx, mapping.memory_start)
        });
        (idx, start.wrapping_sub(mapping.memory_start).cast_signed())
    }

    fn function(&mut self, function: &Function, moved: &Moved) -> FunctionIdx {
        self.builder.function(Function {
            name: moved.string(function.name),
            system_name: moved.string(function.system_name),
            filename: moved.string(function.filename),
            ..*function
        })
    }

    fn location(&mut self, location: &Location, moved: &Moved) -> LocationIdx {
        let (mapping, by) = match location.mapping.and_then(|m| moved.mappings.get(m.index())) {
            Some(&(mapping, by)) => (Some(mapping), by),
            None => (None, 0),
        };
        let address = location.address.wrapping_add_signed(by);
        let function = |idx: FunctionIdx| moved.functions.get(idx.index()).copied();
        let moved_line = |l: &Line| Line { function: l.function.and_then(function), ..*l };
        let lines = location.lines.iter().map(moved_line).collect();
        self.builder.location(Location { mapping, address, lines, ..*location })
    }

    fn add_samples(&mut self, profile: &Profile, moved: &Moved) {
        let (mut stack, mut values, mut labels) = (Vec::new(), Vec::new(), Vec::new());
        for sample in profile.samples() {
            stack.clear();
            values.clear();
            labels.clear();
            let locations = sample.locations();
            stack.extend(locations.filter_map(|l| moved.locations.get(l.index()).copied()));
            values.extend(sample.values());
            labels.extend(sample.raw_labels().map(|label| moved.label(label)));
            self.builder.raw_sample(&stack, &values, &labels);
        }
    }
}

impl Moved {
    fn string(&self, id: StrId) -> StrId {
        self.strings.get(id.0 as usize).copied().unwrap_or_default()
    }

    fn label(&self, label: RawLabel) -> RawLabel {
        let value = match label.value {
            RawLabelValue::Str(id) => RawLabelValue::Str(self.string(id)),
            RawLabelValue::Num { value, unit } => {
                RawLabelValue::Num { value, unit: self.string(unit) }
            }
        };
        RawLabel { key: self.string(label.key), value }
    }
}
