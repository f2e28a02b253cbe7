//! `perf.data` to a CPU profile: addresses become functions and lines by the binary, and what is left is the same.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::Path;

use evidence::{Builder, OfSource, ProcessStorage, SourceId, SourceKind, Stated, printable};
use gobin::{Binary, FileOffset};
use gomap::{FrameClass, classify_function, classify_stack};
use goperf::{EventKind, Mapping, PerfFile, Record, Sample, Tracepoint};
use gopprof::{
    Function, Line, Location, LocationIdx, MappingIdx, Profile, ProfileBuilder, ValueType,
};
use recording::Placeholder;

use crate::add_faults;
use crate::binary::FrameNames;
use crate::cpu::{self, CpuCollector};
use crate::error::Error;
use crate::images::{Clock, Images};
use crate::jit_map::JitMap;
use crate::misses::MissSums;
use crate::program::ProgramOfProfile;
use crate::regular::open_regular;
use crate::storage::StorageSamples;
use crate::trace::MapTimes;

mod lines;

use lines::{frames, user_line};

/// Addresses of the kernel, on every architecture that Go runs on here, have the highest bit set.
const KERNEL: u64 = 1 << 63;

/// What samples of time on a CPU stand for, as profiles say it.
const CPU: (&str, &str) = ("cpu", "nanoseconds");

/// By image and stack.
type Stacks = HashMap<(u32, Vec<u64>), Sampled>;

/// Samples of one stack.
#[derive(Debug, Default)]
struct Sampled {
    n: u64,
    /// What they stand for.
    weight: u64,
    /// When they were taken, on the clock of traces; empty when perf had another. Units: nanoseconds.
    times: Vec<u64>,
}

/// CPU samples of one file, by process and stack.
#[derive(Debug)]
pub(crate) struct PerfSamples {
    source: SourceId,
    name: String,
    /// The event that counts CPU time; `None` when none does.
    event: Option<String>,
    /// In nanoseconds.
    stacks: Stacks,
    /// In events, with the name of the event.
    misses: Vec<(String, Stacks)>,
    images: Images,
    /// By image.
    jit_maps: HashMap<u32, JitMap>,
    build_ids: Vec<goperf::BuildId>,
    storage: StorageSamples,
    duration_ns: u64,
    n_lost: u64,
}

/// Reads all CPU samples of a file.
pub(crate) fn read(
    mut file: PerfFile<File>,
    source: &mut OfSource<'_>,
) -> Result<PerfSamples, Error> {
    add_faults(source, &file.faults);
    let name = source.name().to_owned();
    for event in &mut file.events {
        event.name = printable(&event.name);
    }
    let images = Images::read(&mut file);
    let tracepoints = counted_tracepoints(&file, source);
    let mut storage = StorageSamples::default();
    tracepoints.iter().flatten().for_each(|tracepoint| storage.expect(tracepoint));
    let cpu = cpu_events(&file);
    let is_miss = |at: &usize| file.events[*at].kind == EventKind::Misses;
    let misses: Vec<usize> = (0..file.events.len()).filter(is_miss).collect();
    if cpu.is_none() && misses.is_empty() && !storage.has_any() {
        let names: Vec<&str> = file.events.iter().map(|event| &*event.name).collect();
        let reason = format!(
            "its events are {}: none of them says how much CPU time a sample stands for; record with -e cpu-clock",
            names.join(", ")
        );
        return Err(Error::Unusable { name, reason });
    }
    let mut samples = PerfSamples {
        source: source.id(),
        event: cpu.as_ref().map(|cpu| {
            let names: Vec<&str> = cpu.events.iter().map(|&at| &*file.events[at].name).collect();
            names.join(" and ")
        }),
        stacks: HashMap::new(),
        misses: told_apart(misses.iter().map(|&at| &*file.events[at].name)),
        jit_maps: images
            .last()
            .filter_map(|(pid, image)| Some((image, JitMap::open_beside(&name, pid)?)))
            .collect(),
        name,
        images,
        build_ids: std::mem::take(&mut file.build_ids),
        storage,
        duration_ns: 0,
        n_lost: 0,
    };
    let is_monotonic = cpu.as_ref().is_some_and(|cpu| file.events[cpu.events[0]].is_monotonic);
    let mut time = (u64::MAX, 0);
    let mut clock = Clock::default();
    let faults = file.read_records(|record| match record {
        Record::Sample(sample) => {
            if let Some(at) = sample.time {
                time = (time.0.min(at), time.1.max(at));
            }
            let image = samples.images.of(sample.pid, clock.moment(sample.time));
            if let Some(tracepoint) = &tracepoints[sample.event] {
                samples.storage.add(tracepoint, image, &sample);
            }
            let period = sample.period.unwrap_or(0);
            if let Some(cpu) = cpu.as_ref().filter(|cpu| cpu.events.contains(&sample.event)) {
                add(
                    &mut samples.stacks,
                    image,
                    sample,
                    cpu.ns_per_sample.unwrap_or(period),
                    is_monotonic,
                );
            } else if let Some(at) = misses.iter().position(|event| *event == sample.event) {
                add(&mut samples.misses[at].1, image, sample, period, false);
            }
        }
        // The first pass has seen these; here they keep the clock going.
        Record::Mapping(Mapping { time, .. }) | Record::Exec { time, .. } => {
            clock.moment(time);
        }
        Record::Fork { pid, parent, time } if pid != parent => {
            clock.moment(time);
        }
        Record::Fork { .. } => {}
        Record::RoundEnds => samples.storage.round_ends(),
        Record::Lost { n } => samples.n_lost = samples.n_lost.saturating_add(n),
    });
    samples.storage.finish();
    samples.duration_ns = time.1.saturating_sub(time.0);
    add_faults(source, &faults);
    if samples.n_lost > 0 {
        source.notice(&format!("{} events were lost while perf recorded", samples.n_lost));
    }
    Ok(samples)
}

/// By event, its tracepoint, where every pass was recorded; those that were sampled are named and left out.
fn counted_tracepoints(
    file: &PerfFile<File>,
    source: &mut OfSource<'_>,
) -> Vec<Option<Tracepoint>> {
    let is_sampled =
        |event: &&goperf::Event| event.kind == EventKind::Tracepoint && event.period != Some(1);
    let sampled: Vec<&str> =
        file.events.iter().filter(is_sampled).map(|event| &*event.name).collect();
    if !sampled.is_empty() {
        source.notice(&format!(
            "{} were sampled, not counted: not used; record them without -F, and the CPU with -e cpu-clock/freq=99/",
            sampled.join(", ")
        ));
    }
    let counted = |event: &goperf::Event| event.tracepoint.clone().filter(|_| !is_sampled(&event));
    file.events.iter().map(counted).collect()
}

/// The events that count CPU time, and what their samples stand for if they do not say so themselves. Units: nanoseconds.
struct CpuEvents {
    /// Several where each kind of core counts its own cycles. Never empty.
    events: Vec<usize>,
    ns_per_sample: Option<u64>,
}

fn cpu_events(file: &PerfFile<File>) -> Option<CpuEvents> {
    let position = |kind| file.events.iter().position(|event| event.kind == kind);
    if let Some(event) = position(EventKind::CpuTime) {
        return Some(CpuEvents { events: vec![event], ns_per_sample: None });
    }
    let first = position(EventKind::Cycles)?;
    let hz = file.events[first].frequency?;
    let mut events: Vec<usize> = Vec::new();
    for (at, event) in file.events.iter().enumerate() {
        let is_alike = event.kind == EventKind::Cycles && event.frequency == Some(hz);
        let is_other = |&known: &usize| file.events[known].core_kind != event.core_kind;
        if is_alike && events.iter().all(is_other) {
            events.push(at);
        }
    }
    Some(CpuEvents { events, ns_per_sample: Some(1_000_000_000 / hz) })
}

/// No samples yet of these events. Those of one name are numbered: each has figures of its own.
fn told_apart<'e>(events: impl Iterator<Item = &'e str>) -> Vec<(String, Stacks)> {
    let mut n_known: HashMap<&str, usize> = HashMap::new();
    let numbered = |event| {
        let n = n_known.entry(event).or_default();
        *n += 1;
        if *n == 1 { event.to_owned() } else { format!("{event} #{n}") }
    };
    events.map(numbered).map(|event| (event, Stacks::new())).collect()
}

fn add(stacks: &mut Stacks, image: u32, sample: Sample<'_>, weight: u64, is_monotonic: bool) {
    let sampled = stacks.entry((image, sample.stack)).or_default();
    sampled.n += 1;
    sampled.weight = sampled.weight.saturating_add(weight);
    sampled.times.extend(sample.time.filter(|_| is_monotonic));
}

/// Processes that ran the binary, and what became of the samples.
struct Processes<'s> {
    /// By image, the mappings of the binary.
    of_binary: BTreeMap<u32, Vec<&'s Mapping>>,
    /// Its path as recorded.
    path: String,
    is_by_name_only: bool,
}

impl PerfSamples {
    /// What the file has of the binary's processes in files and devices.
    fn storage(&self, processes: &Processes<'_>, binary: &Binary<'_>) -> Option<ProcessStorage> {
        let is_own = |image: u32| processes.of_binary.contains_key(&image);
        let mut names = FrameNames::default();
        let line_of = |image: u32, stack: &[u64]| {
            user_line(&processes.of_binary[&image], binary, stack, &mut names)
        };
        self.storage.of(is_own, line_of, self.source, self.duration_ns)
    }

    /// Says what the file has of the binary's processes; returns their CPU profile, if time on a CPU was recorded.
    fn describe(
        &self,
        processes: &Processes<'_>,
        binary: &Binary<'_>,
        source: &mut OfSource<'_>,
    ) -> Option<Profile> {
        let (profile, n_used, n_other) = self.profile(&self.stacks, CPU, processes, binary);
        let mut text = match &self.event {
            Some(event) => format!("perf.data, {n_used} samples of {event}"),
            None => "perf.data, no event of CPU time".to_owned(),
        };
        for (event, stacks) in &self.misses {
            text +=
                &format!(", {} of {event}", stacks.values().map(|sampled| sampled.n).sum::<u64>());
        }
        if self.duration_ns > 0 {
            text += &format!(" over {:.2} s", self.duration_ns as f64 / 1e9);
        }
        source.summary(&text);
        if n_other > 0 {
            source.notice(&format!("{n_other} samples are of other processes: left out"));
        }
        if processes.is_by_name_only {
            source.notice(
                "matched with the binary by its file name: the file has no build id to compare",
            );
        }
        self.event.is_some().then_some(profile)
    }

    /// Finds the processes by build id, or else by file name.
    fn processes(&self, binary: &Binary<'_>, binary_name: &str) -> Result<Processes<'_>, Error> {
        let wanted = binary.gnu_build_id();
        let id_of = |mapping: &Mapping| {
            let listed = || self.build_ids.iter().find(|id| id.file == mapping.file);
            mapping.build_id.clone().or_else(|| listed().map(|id| id.id.clone()))
        };
        let has_name = |mapping: &Mapping| is_same_name(base_name(&mapping.file), binary_name);
        let all = || self.images.mappings.values().flatten();
        let by_id = |mapping: &Mapping| wanted.is_some() && id_of(mapping) == wanted;
        let has_id = all().any(by_id);
        if !has_id
            && let Some(other) = all().find(|mapping| has_name(mapping))
            && let (Some(recorded), Some(given)) = (id_of(other), &wanted)
            && recorded != *given
        {
            let reason = format!("the recording is of build id {recorded}, the binary has {given}");
            return Err(Error::OtherProgram {
                profile: self.name.clone(),
                binary: binary_name.to_owned(),
                reason,
            });
        }
        let mut of_binary: BTreeMap<u32, Vec<&Mapping>> = BTreeMap::new();
        for (&image, mappings) in &self.images.mappings {
            let is_wanted =
                |mapping: &&Mapping| if has_id { by_id(mapping) } else { has_name(mapping) };
            let of_image: Vec<&Mapping> = mappings.iter().filter(is_wanted).collect();
            if !of_image.is_empty() {
                of_binary.insert(image, of_image);
            }
        }
        let path = of_binary.values().flatten().next().map(|mapping| mapping.file.clone());
        let path = path.ok_or_else(|| Error::Unusable {
            name: self.name.clone(),
            reason: format!("no process in it ran {binary_name}; it has {}", self.programs()),
        })?;
        Ok(Processes { of_binary, path, is_by_name_only: !has_id })
    }

    /// The files that most processes mapped first, for a message.
    fn programs(&self) -> String {
        const SHOWN: usize = 5;
        let first = |mappings: &Vec<Mapping>| {
            mappings
                .iter()
                .find(|mapping| mapping.file.starts_with('/'))
                .map(|mapping| mapping.file.clone())
        };
        let mut files: Vec<String> = self.images.mappings.values().filter_map(first).collect();
        files.sort();
        files.dedup();
        files.truncate(SHOWN);
        if files.is_empty() { "no mapped files at all".to_owned() } else { files.join(", ") }
    }

    /// The profile, the number of samples in it, and of those left out. Its second value is what samples stand for.
    fn profile(
        &self,
        stacks: &Stacks,
        value: (&str, &str),
        processes: &Processes<'_>,
        binary: &Binary<'_>,
    ) -> (Profile, u64, u64) {
        let mut resolved = ResolvedProfile::new(binary, &processes.path, self.duration_ns, value);
        let (mut n_used, mut n_other) = (0, 0);
        let mut stacks: Vec<_> = stacks.iter().collect();
        stacks.sort_by_key(|(key, _)| *key);
        for ((image, stack), &Sampled { n, weight, .. }) in stacks {
            let Some(of_binary) = processes.of_binary.get(image) else {
                n_other += n;
                continue;
            };
            n_used += n;
            let places = Places {
                of_binary,
                all: self.images.mappings.get(image).map_or(&[][..], |mappings| mappings),
                jit_map: self.jit_maps.get(image),
            };
            let locations: Vec<LocationIdx> = stack
                .iter()
                .enumerate()
                .map(|(depth, &address)| resolved.location(&places, address, depth > 0))
                .collect();
            let value = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
            resolved.profile.sample(&locations, &[value(n), value(weight)], &[]);
        }
        (resolved.profile.finish(), n_used, n_other)
    }
}

/// When samples inside map operations were taken, and which of them were under growth. Order: none.
fn map_times(stacks: &Stacks, processes: &Processes<'_>, binary: &Binary<'_>) -> Vec<(u64, bool)> {
    let mut times = Vec::new();
    let mut classes: Vec<FrameClass> = Vec::new();
    // Frames are many, functions few.
    let mut by_function: HashMap<&str, FrameClass> = HashMap::new();
    for ((image, stack), sampled) in stacks.iter().filter(|(_, sampled)| !sampled.times.is_empty())
    {
        let Some(of_binary) = processes.of_binary.get(image) else { continue };
        classes.clear();
        frames(of_binary, binary, stack, |frame| {
            let known = by_function.entry(frame.function);
            classes.push(*known.or_insert_with_key(|function| classify_function(function)));
            false
        });
        let class = classify_stack(&classes);
        if class.op.is_some() {
            times.extend(sampled.times.iter().map(|&at| (at, class.is_growth())));
        }
    }
    times
}

/// What stands before the name of the executable in a capture, so that it is the name of no other file there.
pub const CAPTURED_BINARY: &str = "binary.";

/// Whether a file that was mapped has the name of the binary, or the one that it had before it was captured.
fn is_same_name(mapped: &str, binary_name: &str) -> bool {
    let given = base_name(binary_name);
    let before = given.strip_prefix(CAPTURED_BINARY);
    mapped == given || before.is_some_and(|name| name == printable(mapped))
}

/// The file name; Linux marks files that were replaced while they ran.
fn base_name(path: &str) -> &str {
    let path = path.strip_suffix(" (deleted)").unwrap_or(path);
    path.rsplit('/').next().unwrap_or(path)
}

/// What is at the addresses of one image.
struct Places<'s> {
    of_binary: &'s [&'s Mapping],
    all: &'s [Mapping],
    jit_map: Option<&'s JitMap>,
}

impl Places<'_> {
    /// A name for an address outside the binary.
    fn name(&self, address: u64) -> &str {
        if address >= KERNEL {
            return "[kernel]";
        }
        if let Some(name) = self.jit_map.and_then(|map| map.name(address)) {
            return name;
        }
        let covers = |mapping: &&Mapping| address.wrapping_sub(mapping.start) < mapping.len;
        let mapping = self.all.iter().rev().find(covers);
        mapping.map_or("[unknown]", |mapping| base_name(&mapping.file))
    }
}

/// A profile that addresses of samples are added to, as functions and lines by the binary. Addresses in it are offsets in
/// the binary's file.
struct ResolvedProfile<'b> {
    binary: &'b Binary<'b>,
    profile: ProfileBuilder,
    main: MappingIdx,
    known: HashMap<(u64, bool), LocationIdx>,
}

impl<'b> ResolvedProfile<'b> {
    fn new(binary: &'b Binary<'b>, path: &str, duration_ns: u64, value: (&str, &str)) -> Self {
        let mut profile = ProfileBuilder::default();
        for (kind, unit) in [("samples", "count"), value] {
            let column = ValueType { kind: profile.string(kind), unit: profile.string(unit) };
            profile.profile_mut().sample_types.push(column);
        }
        profile.profile_mut().duration_nanos = i64::try_from(duration_ns).unwrap_or(i64::MAX);
        let filename = profile.string(path);
        let build_id =
            binary.gnu_build_id().map_or_else(Default::default, |id| profile.string(&id));
        let main = profile.mapping(gopprof::Mapping {
            memory_limit: u64::MAX,
            filename,
            build_id,
            has_functions: true,
            ..gopprof::Mapping::default()
        });
        Self { binary, profile, main, known: HashMap::new() }
    }

    /// `is_return` says that the address is where a call returns to: the call is the instruction before.
    fn location(&mut self, places: &Places<'_>, address: u64, is_return: bool) -> LocationIdx {
        let covers = |mapping: &&Mapping| address.wrapping_sub(mapping.start) < mapping.len;
        let Some(mapping) = places.of_binary.iter().copied().find(covers) else {
            return self.profile.frame(places.name(address), "", 0);
        };
        let offset = (address - mapping.start).wrapping_add(mapping.file_offset);
        if let Some(&known) = self.known.get(&(offset, is_return)) {
            return known;
        }
        let offset_of_call = offset.wrapping_sub(u64::from(is_return));
        let frames =
            self.binary.link_addr(FileOffset(offset_of_call)).map(|addr| self.binary.frames(addr));
        let lines = frames.into_iter().flatten().map(|frame| {
            let name = self.profile.string(frame.function);
            let filename = self.profile.string(frame.file);
            let function = Function { name, system_name: name, filename, start_line: 0 };
            Line {
                function: Some(self.profile.function(function)),
                line: frame.line.into(),
                column: 0,
            }
        });
        let lines: Vec<Line> = lines.collect();
        let location = if lines.is_empty() {
            self.profile.frame(Placeholder::OutsideGo.name(), "", 0)
        } else {
            let (mapping, address) = (Some(self.main), offset_of_call);
            self.profile.location(Location { mapping, address, lines, is_folded: false })
        };
        self.known.insert((offset, is_return), location);
        location
    }
}

/// What files of `perf` had beside what they said.
#[derive(Debug, Default)]
pub(crate) struct FromPerf {
    pub(crate) has_storage: bool,
    pub(crate) map_times: Vec<MapTimes>,
}

/// Adds what `perf` recorded to the CPU profile, where there is no other, or else says it beside: samples of two tools are
/// not added up. All CPU profiles have been added before.
pub(crate) fn attribute(
    files: &[PerfSamples],
    executable: Option<(&str, &Binary<'_>)>,
    cpu: &mut Option<CpuCollector>,
    keep_stacks: bool,
    builder: &mut Builder,
) -> Result<FromPerf, Error> {
    let mut found = FromPerf::default();
    let Some(first) = files.first() else { return Ok(found) };
    let Some((binary_name, binary)) = executable else {
        return Err(Error::Unusable {
            name: first.name.clone(),
            reason: "perf.data has addresses only; give the binary that ran, too".to_owned(),
        });
    };
    let has_profiles = cpu.is_some();
    for samples in files {
        let PerfSamples { source, name, .. } = samples;
        let processes = match samples.processes(binary, binary_name) {
            Err(error @ Error::Unusable { .. }) if has_profiles => {
                builder.of(*source).notice(&format!("not used: {error}"));
                continue;
            }
            processes => processes?,
        };
        let profile = samples.describe(&processes, binary, &mut builder.of(*source));
        if let Some(storage) = samples.storage(&processes, binary) {
            builder.storage(storage);
            found.has_storage = true;
        }
        for (event, stacks) in &samples.misses {
            let (profile, ..) = samples.profile(stacks, (event, "count"), &processes, binary);
            MissSums::of(&profile, *source, event).tell(builder);
        }
        let times = map_times(&samples.stacks, &processes, binary);
        if !times.is_empty() {
            found.map_times.push(MapTimes { source: *source, samples: times });
        }
        let Some(profile) = profile else { continue };
        let new = |keep_stacks| CpuCollector::new(*source, keep_stacks);
        if has_profiles {
            let mut aside = new(false);
            aside.add(&profile, *source, name)?;
            aside.finish().tell_aside(*source, builder);
        } else {
            cpu.get_or_insert_with(|| new(keep_stacks)).add(&profile, *source, name)?;
            let map_impl = cpu::map_impl(&profile);
            let program = ProgramOfProfile::of(&profile, name).stated();
            builder.of(*source).states(Stated { map_impl, ..program });
        }
    }
    Ok(found)
}

/// The profile of one event, time on a CPU where none is named.
pub(crate) fn profile_of(
    file: PerfFile<File>,
    name: &str,
    event: Option<&str>,
    binary: &Binary<'_>,
    binary_name: &str,
) -> Result<Profile, Error> {
    let mut alone = Builder::default();
    let samples = read(file, &mut alone.source(name, SourceKind::Perf))?;
    let misses = || samples.misses.iter().map(|(event, stacks)| (event.as_str(), stacks));
    let cpu = samples.event.as_deref().map(|event| (event, &samples.stacks));
    let mut all = cpu.into_iter().chain(misses());
    let found = match event {
        None => cpu,
        // perf's names may have the rate behind a slash: `cache-misses/freq=99/`.
        Some(event) => all.find(|(known, _)| known.split('/').next() == event.split('/').next()),
    };
    let (_, stacks) = found.ok_or_else(|| {
        let known: Vec<&str> = cpu.into_iter().chain(misses()).map(|(event, _)| event).collect();
        let reason = format!("it has samples of {}, not of that event", known.join(", "));
        Error::Unusable { name: name.to_owned(), reason }
    })?;
    let processes = samples.processes(binary, binary_name)?;
    Ok(samples.profile(stacks, CPU, &processes, binary).0)
}

/// Opens the input; `None` where it can only be read from front to back.
pub(crate) fn open(name: &str) -> Option<Result<PerfFile<File>, goperf::Error>> {
    Some(PerfFile::open(open_regular(Path::new(name))?))
}

#[cfg(test)]
mod tests;
