//! Several profiles to one.

use std::collections::HashMap;

use crate::build::ProfileBuilder;
use crate::error::{Error, ErrorKind};
use crate::model::{
    Function, Label, Line, Location, LocationIdx, Mapping, Profile, StrId, ValueType,
};

/// Adds profiles up: samples with equal stack and labels become one. Durations add up, the earliest time counts.
///
/// # Errors
/// When a profile has other sample types than the first, or there is none.
pub fn merge(profiles: &[Profile]) -> Result<Profile, Error> {
    let first = profiles.first().ok_or(Error { offset: 0, kind: ErrorKind::NoSampleTypes })?;
    let mut builder = ProfileBuilder::default();
    copy_head(first, &mut builder);
    let mut order = Vec::new();
    let mut sums: HashMap<(Vec<LocationIdx>, Vec<Label<'_>>), Vec<i64>> = HashMap::new();
    for (index, profile) in profiles.iter().enumerate() {
        if !sample_types(profile).eq(sample_types(first)) {
            return Err(Error { offset: 0, kind: ErrorKind::OtherSampleTypes { index } });
        }
        copy_facts(profile, &mut builder);
        let locations = copy_locations(profile, &mut builder);
        for sample in profile.samples() {
            let stack = sample.locations().map(|idx| locations[idx.index()]).collect();
            let key = (stack, sample.labels().collect());
            if let Some(sum) = sums.get_mut(&key) {
                sum.iter_mut()
                    .zip(sample.values())
                    .for_each(|(sum, value)| *sum = sum.saturating_add(value));
            } else {
                order.push(key.clone());
                sums.insert(key, sample.values().collect());
            }
        }
    }
    for key in order {
        builder.sample(&key.0, &sums[&key], &key.1);
    }
    Ok(builder.finish())
}

fn sample_types(profile: &Profile) -> impl Iterator<Item = (&str, &str)> {
    profile.sample_types.iter().map(|t| (profile.str(t.kind), profile.str(t.unit)))
}

/// What one profile says for all: types, period, patterns.
fn copy_head(profile: &Profile, builder: &mut ProfileBuilder) {
    let mut string = |id: StrId| builder.string(profile.str(id));
    let mut value_type = |t: ValueType| ValueType { kind: string(t.kind), unit: string(t.unit) };
    let sample_types = profile.sample_types.iter().map(|&t| value_type(t)).collect();
    let period_type = profile.period_type.map(&mut value_type);
    let drop_frames = string(profile.drop_frames);
    let keep_frames = string(profile.keep_frames);
    let default_sample_type = string(profile.default_sample_type);
    let doc_url = string(profile.doc_url);
    let head = builder.profile_mut();
    head.sample_types = sample_types;
    head.period_type = period_type;
    head.period = profile.period;
    head.drop_frames = drop_frames;
    head.keep_frames = keep_frames;
    head.default_sample_type = default_sample_type;
    head.doc_url = doc_url;
}

/// What adds up: times and comments.
fn copy_facts(profile: &Profile, builder: &mut ProfileBuilder) {
    let comments: Vec<StrId> =
        profile.comments.iter().map(|&id| builder.string(profile.str(id))).collect();
    let sum = builder.profile_mut();
    sum.duration_nanos = sum.duration_nanos.saturating_add(profile.duration_nanos);
    if sum.time_nanos == 0 || (profile.time_nanos != 0 && profile.time_nanos < sum.time_nanos) {
        sum.time_nanos = profile.time_nanos;
    }
    sum.comments.extend(
        comments.iter().filter(|id| !sum.comments.contains(id)).copied().collect::<Vec<_>>(),
    );
}

/// Position in the merged profile of each location of `profile`.
fn copy_locations(profile: &Profile, builder: &mut ProfileBuilder) -> Vec<LocationIdx> {
    let mappings: Vec<_> = profile
        .mappings
        .iter()
        .map(|m| {
            let filename = builder.string(profile.str(m.filename));
            let build_id = builder.string(profile.str(m.build_id));
            builder.mapping(Mapping { filename, build_id, ..*m })
        })
        .collect();
    let functions: Vec<_> = profile
        .functions
        .iter()
        .map(|f| {
            let name = builder.string(profile.str(f.name));
            let system_name = builder.string(profile.str(f.system_name));
            let filename = builder.string(profile.str(f.filename));
            builder.function(Function { name, system_name, filename, ..*f })
        })
        .collect();
    let line =
        |line: &Line| Line { function: line.function.map(|idx| functions[idx.index()]), ..*line };
    profile
        .locations
        .iter()
        .map(|l| {
            let mapping = l.mapping.map(|idx| mappings[idx.index()]);
            builder.location(Location {
                mapping,
                lines: l.lines.iter().map(line).collect(),
                ..l.clone()
            })
        })
        .collect()
}
