//! Samples of batches to a profile for each program and for what was measured of it.

use std::collections::{BTreeSet, HashMap};

use gopprof::{
    Function, FunctionIdx, Label, LabelValue, Line, Location, LocationIdx, MAX_FRAMES, MAX_LINES,
    Mapping, MappingIdx, Profile, ProfileBuilder, ValueType,
};

use crate::error::ErrorKind;
use crate::model::{self, Batch, Dictionary, Int, Sample};

/// More programs and kinds of profiles than a machine has.
const MAX_PROFILES: usize = 4096;
/// More frames of samples that differ than a file has that is of use: a profile of 250,000 stacks of 63 frames has 16 million.
const MAX_SAMPLE_FRAMES: usize = 100_000_000;
/// More frames of all samples than are gone through in some seconds.
const MAX_ALL_FRAMES: usize = 500_000_000;
/// More lines of locations than programs have that are of use, of all programs together: each keeps its own.
const MAX_KEPT_LINES: usize = 4_000_000;
/// More types of values of one time than any profiler has: Go's heap profiles have four.
const MAX_COLUMNS: usize = 16;

/// Names of a program, the best first. Source: semantic conventions of OpenTelemetry for processes and services, 1.37.
const PROGRAM: [&str; 3] = ["process.executable.name", "process.executable.path", "service.name"];
/// Types that count from the start of the program, or what is live: they are not added up over time.
/// Source: runtime/pprof/protomem.go, Go 1.21 to 1.27.
const CUMULATIVE: [&str; 4] = ["alloc_objects", "alloc_space", "inuse_objects", "inuse_space"];
/// Build ids that the linkers of C and of Go write, the best first.
const BUILD_ID: [&str; 2] = ["process.executable.build_id.gnu", "process.executable.build_id.go"];

/// A profile of one program.
#[derive(Debug)]
pub struct OfProgram {
    /// Name of the program without folders; `None` where nothing says it.
    pub program: Option<String>,
    /// What was measured of it. The first mapping is that of the program, where its name shows which.
    pub profile: Profile,
    /// Samples without the frames next to the root, which were more than are kept.
    pub n_cut: u64,
    /// Locations with more lines than are kept: the innermost, and the outermost.
    pub n_long: u64,
    /// Older ones of what counts from the start of the program, which are left out.
    pub n_older: u64,
    /// Whether samples of several builds of the program are added up in it.
    pub has_other_build: bool,
}

/// One that is being made.
#[derive(Debug)]
struct Growing {
    program: Option<String>,
    builder: ProfileBuilder,
    main: Main,
    n_cut: u64,
    n_long: u64,
    n_older: u64,
    /// Begins and lengths of what it covers, each once. Units: nanoseconds since 1970.
    times: BTreeSet<(i64, i64)>,
}

/// The first mapping of a profile, which is taken for that of the program: that of a library is none.
#[derive(Debug)]
struct Main {
    idx: MappingIdx,
    /// As in the dictionaries; `None` until one of the program's name is met.
    mapping: Option<Mapping>,
    has_other_build: bool,
}

/// What entries of a dictionary became, by profile and position.
#[derive(Debug, Default)]
struct Converted {
    locations: HashMap<(usize, usize), LocationIdx>,
    mappings: HashMap<(usize, usize), MappingIdx>,
    functions: HashMap<(usize, usize), FunctionIdx>,
    /// Lines of those locations that profiles did not have before.
    n_lines: usize,
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
    /// Of samples that differ, with those of inlined functions.
    n_frames: usize,
    /// Of all samples.
    n_all_frames: usize,
    /// Of the locations of all profiles.
    n_lines: usize,
}

impl Programs {
    /// Adds the samples of a batch.
    pub(crate) fn add(&mut self, batch: &Batch) -> Result<(), ErrorKind> {
        let dictionary = &batch.dictionary;
        let mut converted = Converted::default();
        for resource in &batch.resource_profiles {
            let attributes = &resource.resource.attributes;
            let attribute = |key: &&str| attributes.iter().find(|of| dictionary.key(of) == *key);
            let name = |key: &&str| {
                dictionary.text(&attribute(key)?.value).filter(|name| !name.is_empty())
            };
            let program = PROGRAM.iter().find_map(name);
            for scope in &resource.scope_profiles {
                for group in groups(&scope.profiles) {
                    self.add_group(&group, program, dictionary, &mut converted)?;
                }
            }
        }
        self.n_lines = self.n_lines.saturating_add(converted.n_lines);
        Ok(())
    }

    fn add_group(
        &mut self,
        group: &Group<'_>,
        of_resource: Option<&str>,
        dictionary: &Dictionary,
        converted: &mut Converted,
    ) -> Result<(), ErrorKind> {
        let mut known: HashMap<Option<&str>, Option<usize>> = HashMap::new();
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
                        let at = self.profile_for(group, program, dictionary, converted)?;
                        known.insert(program, at);
                        at
                    }
                };
                let Some(at) = at else { continue };
                let growing = &mut self.profiles[at];
                let Kept { locations, n_frames, is_cut } = Kept::of(sample, dictionary);
                growing.n_cut += u64::from(is_cut);
                self.n_all_frames = self.n_all_frames.saturating_add(n_frames);
                check("frames of samples", self.n_all_frames, MAX_ALL_FRAMES)?;
                let stack: Vec<LocationIdx> = locations
                    .iter()
                    .map(|&location| {
                        converted.location(at, location.position(), dictionary, growing)
                    })
                    .collect();
                let n_lines = self.n_lines.saturating_add(converted.n_lines);
                check("lines of locations", n_lines, MAX_KEPT_LINES)?;
                values[column] = sample.value();
                let n_before = growing.builder.n_samples();
                growing.builder.sample(&stack, &values, &labels_of(sample, dictionary));
                values[column] = 0;
                if growing.builder.n_samples() > n_before {
                    self.n_frames = self.n_frames.saturating_add(n_frames);
                    check("frames of samples that differ", self.n_frames, MAX_SAMPLE_FRAMES)?;
                }
            }
        }
        Ok(())
    }

    /// Position of the profile that a group's samples of a program go to; it covers the time of the group as well. `None` where
    /// a newer one counts in its place.
    fn profile_for(
        &mut self,
        group: &Group<'_>,
        program: Option<&str>,
        dictionary: &Dictionary,
        converted: &mut Converted,
    ) -> Result<Option<usize>, ErrorKind> {
        let names = |of: &model::ValueType| {
            let name = |at: Int| dictionary.str(at).to_owned();
            (name(of.type_strindex), name(of.unit_strindex))
        };
        let first = group.profiles[0];
        let key = Key {
            program: program.map(|program| base_name(program).to_owned()),
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
                self.profiles.push(Growing::of(&key));
                self.keys.insert(key.clone(), self.profiles.len() - 1);
                self.profiles.len() - 1
            }
        };
        let time = (first.time_unix_nano.signed(), first.duration_nano.signed());
        let growing = &mut self.profiles[at];
        if key.is_cumulative() && growing.times.last().is_some_and(|last| *last != time) {
            let n_older = growing.n_older + 1;
            if growing.times.last().is_some_and(|last| *last > time) {
                growing.n_older = n_older;
                return Ok(None);
            }
            *growing = Growing { n_older, ..Growing::of(&key) };
            converted.forget(at);
        }
        growing.times.insert(time);
        Ok(Some(at))
    }

    /// Each profile, in the order in which programs were met.
    pub(crate) fn finish(self) -> Vec<OfProgram> {
        self.profiles.into_iter().map(Growing::finish).collect()
    }
}

impl Key {
    fn is_cumulative(&self) -> bool {
        self.sample_types.iter().any(|(kind, _)| CUMULATIVE.contains(&&**kind))
    }
}

impl Growing {
    fn of(key: &Key) -> Self {
        let (program, mut builder) = (key.program.clone(), builder_for(key));
        let idx = builder.mapping(Mapping::default());
        let main = Main { idx, mapping: None, has_other_build: false };
        Self { program, builder, main, n_cut: 0, n_long: 0, n_older: 0, times: BTreeSet::new() }
    }

    /// The mapping in the profile: the first, where it is that of the program.
    fn mapping(&mut self, mapping: Mapping, file: &str) -> MappingIdx {
        let is_programs = self.program.as_deref().is_some_and(|name| name == base_name(file));
        match self.main.mapping {
            None if is_programs => {
                self.builder.profile_mut().mappings[self.main.idx.index()] = mapping;
                self.main.mapping = Some(mapping);
                return self.main.idx;
            }
            Some(main) if main == mapping => return self.main.idx,
            Some(main) if is_programs && main.build_id != mapping.build_id => {
                self.main.has_other_build = true;
            }
            _ => {}
        }
        self.builder.mapping(mapping)
    }

    fn finish(self) -> OfProgram {
        let Self { program, mut builder, main, n_cut, n_long, n_older, times } = self;
        let head = builder.profile_mut();
        head.time_nanos = times.first().map_or(0, |&(begin, _)| begin);
        head.duration_nanos = times.iter().map(|&(_, ns)| ns).fold(0, i64::saturating_add);
        let has_other_build = main.has_other_build;
        OfProgram { program, profile: builder.finish(), n_cut, n_long, n_older, has_other_build }
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
            group.profiles.len() < MAX_COLUMNS
                && how(group.profiles[0]) == how(profile)
                && group.profiles.iter().all(is_new)
        };
        match groups.last_mut().filter(is_of) {
            Some(group) => group.profiles.push(profile),
            None => groups.push(Group { profiles: vec![profile] }),
        }
    }
    groups
}

fn builder_for(key: &Key) -> ProfileBuilder {
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
    builder
}

/// What its attributes say.
fn program_of<'d>(sample: &'d Sample, dictionary: &'d Dictionary) -> Option<&'d str> {
    PROGRAM.iter().find_map(|wanted| {
        let mut attributes = dictionary.attributes(&sample.attribute_indices);
        let named = dictionary.text(&attributes.find(|(key, _)| key == wanted)?.1.value);
        named.filter(|name| !name.is_empty())
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

/// What is kept of a stack.
struct Kept<'d> {
    /// The leaf first, as many as have [`MAX_FRAMES`] frames at most.
    locations: &'d [Int],
    n_frames: usize,
    /// Whether it has more.
    is_cut: bool,
}

impl<'d> Kept<'d> {
    fn of(sample: &Sample, dictionary: &'d Dictionary) -> Self {
        let stack = dictionary.stack_table.get(sample.stack_index.position());
        let all = stack.map_or(&[][..], |stack| &stack.location_indices);
        let mut n_frames = 0;
        for (at, location) in all.iter().enumerate() {
            let lines = dictionary.location_table.get(location.position()).map(|of| of.lines.len());
            let more = lines.unwrap_or(0).clamp(1, MAX_LINES);
            if n_frames + more > MAX_FRAMES {
                return Self { locations: &all[..at], n_frames, is_cut: true };
            }
            n_frames += more;
        }
        Self { locations: all, n_frames, is_cut: false }
    }
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

impl Converted {
    fn location(
        &mut self,
        profile: usize,
        at: usize,
        dictionary: &Dictionary,
        growing: &mut Growing,
    ) -> LocationIdx {
        if let Some(&known) = self.locations.get(&(profile, at)) {
            return known;
        }
        let none = model::Location::default();
        let location = dictionary.location_table.get(at).unwrap_or(&none);
        let mapping = Some(location.mapping_index.position()).filter(|&at| at > 0);
        let mapping = mapping.and_then(|at| self.mapping(profile, at, dictionary, growing));
        // The outermost stays: it is the function that has the address.
        let (outermost, inlined) = location.lines.split_last().unzip();
        let lines = inlined.into_iter().flatten().take(MAX_LINES - 1).chain(outermost);
        let lines: Vec<Line> =
            lines.map(|line| self.line(profile, line, dictionary, growing)).collect();
        growing.n_long += u64::from(location.lines.len() > MAX_LINES);
        let (n_lines, address) = (lines.len().max(1), location.address.0);
        let n_before = growing.builder.profile_mut().locations.len();
        let location = Location { mapping, address, lines, is_folded: false };
        let idx = growing.builder.location(location);
        // Batches have the same locations again and again.
        if growing.builder.profile_mut().locations.len() > n_before {
            self.n_lines = self.n_lines.saturating_add(n_lines);
        }
        self.locations.insert((profile, at), idx);
        idx
    }

    fn mapping(
        &mut self,
        profile: usize,
        at: usize,
        dictionary: &Dictionary,
        growing: &mut Growing,
    ) -> Option<MappingIdx> {
        if let Some(&known) = self.mappings.get(&(profile, at)) {
            return Some(known);
        }
        let of = dictionary.mapping_table.get(at)?;
        let attribute = |key: &&str| {
            let mut attributes = dictionary.attributes(&of.attribute_indices);
            dictionary.text(&attributes.find(|(other, _)| other == key)?.1.value)
        };
        let build_id = BUILD_ID.iter().find_map(attribute);
        let file = dictionary.str(of.filename_strindex);
        let mapping = Mapping {
            memory_start: of.memory_start.0,
            memory_limit: of.memory_limit.0,
            file_offset: of.file_offset.0,
            filename: growing.builder.string(file),
            build_id: growing.builder.string(build_id.unwrap_or_default()),
            ..Mapping::default()
        };
        let idx = growing.mapping(mapping, file);
        self.mappings.insert((profile, at), idx);
        Some(idx)
    }

    fn line(
        &mut self,
        profile: usize,
        of: &model::Line,
        dictionary: &Dictionary,
        growing: &mut Growing,
    ) -> Line {
        let at = Some(of.function_index.position()).filter(|&at| at > 0);
        let function = at.and_then(|at| {
            let known = self.functions.get(&(profile, at)).copied();
            known.or_else(|| {
                let of = dictionary.function_table.get(at)?;
                let mut string = |at: Int| growing.builder.string(dictionary.str(at));
                let function = Function {
                    name: string(of.name_strindex),
                    system_name: string(of.system_name_strindex),
                    filename: string(of.filename_strindex),
                    start_line: of.start_line.signed(),
                };
                let idx = growing.builder.function(function);
                self.functions.insert((profile, at), idx);
                Some(idx)
            })
        });
        Line { function, line: of.line.signed(), column: of.column.signed() }
    }

    /// Of a profile that begins anew.
    fn forget(&mut self, profile: usize) {
        self.locations.retain(|&(of, _), _| of != profile);
        self.mappings.retain(|&(of, _), _| of != profile);
        self.functions.retain(|&(of, _), _| of != profile);
    }
}

fn check(what: &'static str, n: usize, max: usize) -> Result<(), ErrorKind> {
    if n > max { Err(ErrorKind::TooMany { what, max }) } else { Ok(()) }
}
