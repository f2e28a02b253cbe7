//! Samples of batches to a profile for each program and for what was measured of it.

use std::collections::HashMap;

use gopprof::{
    Function, Label, LabelValue, Line, Location, LocationIdx, MAX_FRAMES, Mapping, MappingIdx,
    Profile, ProfileBuilder, ValueType,
};

use crate::error::ErrorKind;
use crate::model::{self, Batch, Dictionary, Int, Sample};

/// More programs and kinds of profiles than a machine has.
const MAX_PROFILES: usize = 4096;
/// More frames of samples that differ than any file has that is of use: a profile of 250,000 stacks of 63 frames has 16
/// million.
const MAX_SAMPLE_FRAMES: usize = 100_000_000;
/// Most lines of a location: calls inlined into one another. As in profiles of pprof.
const MAX_LINES: usize = 257;

/// Names of a program, the best first. Source: semantic conventions of OpenTelemetry for processes and services, 1.37.
const PROGRAM: [&str; 3] = ["process.executable.name", "process.executable.path", "service.name"];
/// Build id that the linker wrote.
const BUILD_ID: &str = "process.executable.build_id.gnu";

/// A profile of one program.
#[derive(Debug)]
pub struct OfProgram {
    /// Name of the program; `None` where nothing says it.
    pub program: Option<String>,
    /// What was measured of it. The first mapping is that of the program, where its name shows which.
    pub profile: Profile,
    /// Samples without the frames next to the root, which were more than are kept.
    pub n_cut: u64,
}

/// One that is being made.
#[derive(Debug)]
struct Growing {
    program: Option<String>,
    builder: ProfileBuilder,
    n_cut: u64,
}

/// What one profile is of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    program: Option<String>,
    /// Names of types with their units.
    sample_types: Vec<(String, String)>,
    period_type: (String, String),
    period: i64,
}

/// Profiles of one scope and one time that measure different things.
struct Group<'b> {
    profiles: Vec<&'b model::Profile>,
}

/// Profiles by what they are of, in the order of their first samples.
#[derive(Debug, Default)]
pub(crate) struct Programs {
    keys: HashMap<Key, usize>,
    profiles: Vec<Growing>,
    n_frames: usize,
}

impl Programs {
    /// Adds the samples of a batch.
    pub(crate) fn add(&mut self, batch: &Batch) -> Result<(), ErrorKind> {
        let dictionary = &batch.dictionary;
        let mut converted: HashMap<(usize, usize), LocationIdx> = HashMap::new();
        for resource in &batch.resource_profiles {
            let attributes = &resource.resource.attributes;
            let attribute = |key: &&str| attributes.iter().find(|of| dictionary.key(of) == *key);
            let name = |key: &&str| dictionary.text(&attribute(key)?.value);
            let program = PROGRAM.iter().find_map(name);
            for scope in &resource.scope_profiles {
                for group in groups(&scope.profiles) {
                    self.add_group(&group, program, dictionary, &mut converted)?;
                }
            }
        }
        Ok(())
    }

    fn add_group(
        &mut self,
        group: &Group<'_>,
        of_resource: Option<&str>,
        dictionary: &Dictionary,
        converted: &mut HashMap<(usize, usize), LocationIdx>,
    ) -> Result<(), ErrorKind> {
        let mut known: HashMap<Option<&str>, usize> = HashMap::new();
        let mut values = vec![0; group.profiles.len()];
        for (column, profile) in group.profiles.iter().enumerate() {
            if !profile.samples.is_empty() && dictionary.stack_table.is_empty() {
                return Err(ErrorKind::OldForm);
            }
            for sample in &profile.samples {
                let program = program_of(sample, dictionary).or(of_resource);
                let at = match known.get(&program) {
                    Some(&at) => at,
                    None => {
                        let at = self.profile_for(group, program, dictionary)?;
                        known.insert(program, at);
                        at
                    }
                };
                let Growing { builder, n_cut, .. } = &mut self.profiles[at];
                let (locations, is_cut) = locations_of(sample, dictionary);
                *n_cut += u64::from(is_cut);
                let stack: Vec<LocationIdx> = locations
                    .iter()
                    .map(|&location| {
                        let add = || location_of(location, dictionary, builder);
                        *converted.entry((at, location.position())).or_insert_with(add)
                    })
                    .collect();
                self.n_frames = self.n_frames.saturating_add(stack.len());
                if self.n_frames > MAX_SAMPLE_FRAMES {
                    let (what, max) = ("frames of samples", MAX_SAMPLE_FRAMES);
                    return Err(ErrorKind::TooMany { what, max });
                }
                values[column] = sample.value();
                builder.sample(&stack, &values, &labels_of(sample, dictionary));
                values[column] = 0;
            }
        }
        Ok(())
    }

    /// Position of the profile that a group's samples of a program go to; it covers the time of the group as well.
    fn profile_for(
        &mut self,
        group: &Group<'_>,
        program: Option<&str>,
        dictionary: &Dictionary,
    ) -> Result<usize, ErrorKind> {
        let names = |of: &model::ValueType| {
            let name = |at: Int| dictionary.str(at).to_owned();
            (name(of.type_strindex), name(of.unit_strindex))
        };
        let first = group.profiles[0];
        let key = Key {
            program: program.map(str::to_owned),
            sample_types: group.profiles.iter().map(|of| names(&of.sample_type)).collect(),
            period_type: names(&first.period_type),
            period: first.period.signed(),
        };
        if self.profiles.len() >= MAX_PROFILES && !self.keys.contains_key(&key) {
            return Err(ErrorKind::TooMany { what: "programs", max: MAX_PROFILES });
        }
        let at = match self.keys.get(&key) {
            Some(&at) => at,
            None => {
                let (builder, n_cut) = (builder_for(&key, dictionary), 0);
                self.profiles.push(Growing { program: key.program.clone(), builder, n_cut });
                self.keys.insert(key, self.profiles.len() - 1);
                self.profiles.len() - 1
            }
        };
        let head = self.profiles[at].builder.profile_mut();
        let begins = first.time_unix_nano.signed();
        head.time_nanos = if head.time_nanos == 0 { begins } else { head.time_nanos.min(begins) };
        head.duration_nanos = head.duration_nanos.saturating_add(first.duration_nano.signed());
        Ok(at)
    }

    /// Each profile, in the order in which programs were met.
    pub(crate) fn finish(self) -> Vec<OfProgram> {
        let profile = |Growing { program, builder, n_cut }: Growing| {
            let profile = builder.finish();
            OfProgram { program, profile, n_cut }
        };
        self.profiles.into_iter().map(profile).collect()
    }
}

/// Neighbours that say the same of when and how, and have different types of values.
fn groups(profiles: &[model::Profile]) -> Vec<Group<'_>> {
    let how =
        |of: &model::Profile| (of.time_unix_nano, of.duration_nano, of.period_type, of.period);
    let mut groups: Vec<Group<'_>> = Vec::new();
    for profile in profiles {
        let is_of = |group: &&mut Group<'_>| {
            let is_new = |of: &&model::Profile| of.sample_type != profile.sample_type;
            how(group.profiles[0]) == how(profile) && group.profiles.iter().all(is_new)
        };
        match groups.last_mut().filter(is_of) {
            Some(group) => group.profiles.push(profile),
            None => groups.push(Group { profiles: vec![profile] }),
        }
    }
    groups
}

fn builder_for(key: &Key, dictionary: &Dictionary) -> ProfileBuilder {
    let mut builder = ProfileBuilder::default();
    let mut value_type = |(kind, unit): &(String, String)| ValueType {
        kind: builder.string(kind),
        unit: builder.string(unit),
    };
    let sample_types = key.sample_types.iter().map(&mut value_type).collect();
    let period_type = Some(&key.period_type).filter(|(kind, _)| !kind.is_empty());
    let period_type = period_type.map(value_type);
    let head = builder.profile_mut();
    (head.sample_types, head.period_type, head.period) = (sample_types, period_type, key.period);
    let file = |of: &&model::Mapping| base_name(dictionary.str(of.filename_strindex));
    let is_programs = |of: &&model::Mapping| {
        key.program.as_deref().is_some_and(|program| base_name(program) == file(of))
    };
    if let Some(main) = dictionary.mapping_table.iter().find(is_programs) {
        mapping_of(main, dictionary, &mut builder);
    }
    builder
}

/// What its attributes say.
fn program_of<'d>(sample: &'d Sample, dictionary: &'d Dictionary) -> Option<&'d str> {
    PROGRAM.iter().find_map(|wanted| {
        let mut attributes = dictionary.attributes(&sample.attribute_indices);
        dictionary.text(&attributes.find(|(key, _)| key == wanted)?.1.value)
    })
}

/// Its attributes that are numbers: `bytes`, the size of blocks of a heap profile, is one of them. Others tell threads and
/// processes apart, and would keep equal stacks from being added up.
fn labels_of<'d>(sample: &'d Sample, dictionary: &'d Dictionary) -> Vec<Label<'d>> {
    let label = |(key, of): (&'d str, &'d model::Attribute)| {
        let value = of.value.int_value.filter(|_| key == "bytes")?.signed();
        let unit = dictionary.str(of.unit_strindex);
        Some(Label { key, value: LabelValue::Num { value, unit } })
    };
    dictionary.attributes(&sample.attribute_indices).filter_map(label).collect()
}

/// The locations of a stack, leaf first, as many as have [`MAX_FRAMES`] frames at most; and whether it has more.
fn locations_of<'d>(sample: &Sample, dictionary: &'d Dictionary) -> (&'d [Int], bool) {
    let stack = dictionary.stack_table.get(sample.stack_index.position());
    let all = stack.map_or(&[][..], |stack| &stack.location_indices);
    let mut n_frames = 0;
    let is_beyond = |location: &Int| {
        let lines = dictionary.location_table.get(location.position()).map(|of| of.lines.len());
        n_frames += lines.unwrap_or(0).clamp(1, MAX_LINES);
        n_frames > MAX_FRAMES
    };
    match all.iter().position(is_beyond) {
        Some(end) => (&all[..end], true),
        None => (all, false),
    }
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn location_of(at: Int, dictionary: &Dictionary, builder: &mut ProfileBuilder) -> LocationIdx {
    let none = model::Location::default();
    let location = dictionary.location_table.get(at.position()).unwrap_or(&none);
    let mapping = Some(location.mapping_index.position()).filter(|&at| at > 0);
    let mapping = mapping.and_then(|at| dictionary.mapping_table.get(at));
    let mapping = mapping.map(|of| mapping_of(of, dictionary, builder));
    let lines = location.lines.iter().take(MAX_LINES);
    let lines = lines.map(|line| line_of(line, dictionary, builder)).collect();
    let address = location.address.0;
    builder.location(Location { mapping, address, lines, is_folded: false })
}

fn mapping_of(
    of: &model::Mapping,
    dictionary: &Dictionary,
    builder: &mut ProfileBuilder,
) -> MappingIdx {
    let mut attributes = dictionary.attributes(&of.attribute_indices);
    let build_id = attributes.find(|(key, _)| *key == BUILD_ID);
    let build_id = build_id.and_then(|(_, of)| dictionary.text(&of.value));
    let mapping = Mapping {
        memory_start: of.memory_start.0,
        memory_limit: of.memory_limit.0,
        file_offset: of.file_offset.0,
        filename: builder.string(dictionary.str(of.filename_strindex)),
        build_id: builder.string(build_id.unwrap_or_default()),
        ..Mapping::default()
    };
    builder.mapping(mapping)
}

fn line_of(of: &model::Line, dictionary: &Dictionary, builder: &mut ProfileBuilder) -> Line {
    let function = Some(of.function_index.position()).filter(|&at| at > 0);
    let function = function.and_then(|at| dictionary.function_table.get(at));
    let mut string = |at: Int| builder.string(dictionary.str(at));
    let function = function.map(|of| Function {
        name: string(of.name_strindex),
        system_name: string(of.system_name_strindex),
        filename: string(of.filename_strindex),
        start_line: of.start_line.signed(),
    });
    let function = function.map(|function| builder.function(function));
    Line { function, line: of.line.signed(), column: of.column.signed() }
}
