//! `perf.data` to a CPU profile: addresses become functions and lines by the binary, and what is left is the same.
//!
//! 1. [`read`] sums samples by process and stack, of the events that [`events`] knows.
//! 2. [`Processes`] are those that ran the binary.
//! 3. Their stacks become a profile ([`profile`]), and calls that write the lines of the user ([`lines`]).
//! 4. [`attribute`] says what there is of the program.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use evidence::{Builder, Cost, OfSource, ProcessStorage, SourceId, SourceKind, Stated};
use gobin::{Binary, FileOffset, MAX_FILE_BYTES};
use goperf::{Callers, PerfFile};
use gopprof::{MAX_FRAMES, Profile};

use crate::binary::FrameNames;
use crate::binary::main_module;
use crate::cpu::{self, CpuCollector};
use crate::error::Error;
use crate::misses::MissSums;
use crate::names::{ENOUGH_CALLERS, back_to_call};
use crate::program::ProgramOfProfile;
use crate::regular::open_regular;
use crate::trace::MapTimes;

mod events;
mod lines;
mod mappings;
mod processes;
mod profile;
mod samples;
mod times;

use lines::user_line;
use mappings::file_offset;
use processes::Processes;
use profile::{Attributed, CPU};
use times::map_times;

pub use processes::CAPTURED_BINARY;
pub(crate) use processes::base_name;
use samples::Stacks;
pub(crate) use samples::{PerfSamples, read};

/// Stacks that are looked at to tell whether callers are at calls.
const ENOUGH_STACKS: usize = 256;

impl PerfSamples {
    /// The file's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn source(&self) -> SourceId {
        self.source
    }

    /// Whether the other is the same recording.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let sum = |stacks: &Stacks| {
            let n: u64 = stacks.values().map(|of| of.n).fold(0, u64::saturating_add);
            let weight = stacks.values().map(|of| of.weight).fold(0, u64::saturating_add);
            (stacks.len(), n, weight)
        };
        self.duration_ns > 0
            && self.duration_ns == other.duration_ns
            && sum(&self.stacks) == sum(&other.stacks)
            && self.stacks.keys().all(|key| other.stacks.contains_key(key))
    }

    /// Whether callers stand where the binary calls something; true as well where too few of them are known.
    fn is_at_calls(&self, processes: &Processes<'_>, binary: &Binary<'_>) -> bool {
        let callers = |(image, stack): &(u32, Vec<u64>)| {
            let places = processes.of_binary.get(image);
            let callers = stack.iter().skip(1).filter_map(move |&address| {
                let mapping = places?.at(address)?;
                let offset = file_offset(mapping, address);
                binary.link_addr(FileOffset(offset))
            });
            callers.collect::<Vec<_>>()
        };
        let mut stacks: Vec<_> = self.stacks.keys().collect();
        stacks.sort_unstable();
        let callers: Vec<_> = stacks.into_iter().take(ENOUGH_STACKS).flat_map(callers).collect();
        callers.len() < ENOUGH_CALLERS as usize
            || back_to_call(callers.into_iter(), binary, ENOUGH_CALLERS).is_some()
    }

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
    ) -> Option<(Profile, Cost)> {
        let Attributed { profile, n_used, n_other, n_cut, elsewhere } =
            self.profile(&self.stacks, CPU, processes, binary);
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
        if n_cut > 0 {
            source.notice(&format!(
                "{n_cut} samples have more than {MAX_FRAMES} frames; those beyond, next to the root, were dropped"
            ));
        }
        if processes.is_by_name_only {
            source.notice(
                "matched with the binary by its file name: the file has no build id to compare",
            );
        }
        let unnamed = in_go_elsewhere(&elsewhere, n_used, source);
        self.event.is_some().then_some((profile, unnamed))
    }
}

/// What samples in other files of Go cost, plugins and libraries: maps may be in it. Says which these are.
fn in_go_elsewhere(
    by_file: &HashMap<String, Cost>,
    n_used: u64,
    source: &mut OfSource<'_>,
) -> Cost {
    let is_much = |cost: &Cost| cost.samples as f64 >= ELSEWHERE_TOLD * n_used as f64;
    let mut files: Vec<_> = by_file.iter().filter(|(_, cost)| is_much(cost)).collect();
    files.sort_by_key(|(file, _)| *file);
    let mut sum = Cost::default();
    for (file, &cost) in files {
        if is_of_go(Path::new(file)) {
            let percent = 100.0 * cost.samples as f64 / n_used as f64;
            source.notice(&format!(
                "{percent:.0} % of its samples are in {file}, which is of Go too: what maps cost there is not known; give that file \
                 in place of the executable"
            ));
            sum += cost;
        }
    }
    sum
}

/// Part of the samples from which on another file is looked at. Basis: less than this is less than any finding.
const ELSEWHERE_TOLD: f64 = 0.05;

/// Whether a file is there and is an executable or a library that Go built.
fn is_of_go(path: &Path) -> bool {
    let mut bytes = Vec::new();
    let file = open_regular(path)
        .filter(|file| file.metadata().is_ok_and(|of| of.len() <= MAX_FILE_BYTES));
    let read = file.and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut bytes).ok());
    read.is_some() && Binary::parse(&bytes).is_ok()
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
    let mut unused = None;
    for samples in files {
        let PerfSamples { source, name, .. } = samples;
        let processes = match Processes::of(samples, binary, binary_name) {
            Err(error @ Error::Unusable { .. }) if has_profiles => {
                builder.of(*source).notice(&format!("not used: {error}"));
                continue;
            }
            processes => processes?,
        };
        if processes.is_by_name_only && !samples.is_at_calls(&processes, binary) {
            return Err(Error::OtherProgram {
                profile: name.clone(),
                binary: binary_name.to_owned(),
                reason: format!(
                    "{} has its name, but callers are not at its calls",
                    processes.path
                ),
            });
        }
        let profile = samples.describe(&processes, binary, &mut builder.of(*source));
        if let Some(storage) = samples.storage(&processes, binary) {
            builder.storage(storage);
            found.has_storage = true;
        }
        let misses = match no_callers(samples.misses_callers) {
            Some(reason) if !samples.misses.is_empty() => {
                builder.of(*source).notice(&format!("misses are not used: {reason}"));
                &[][..]
            }
            _ => &samples.misses,
        };
        for (event, stacks) in misses {
            let of_event = samples.profile(stacks, (event, "count"), &processes, binary);
            MissSums::of(&of_event.profile, *source, event).tell(builder);
        }
        if let Some(reason) = no_callers(samples.cpu_callers) {
            builder.of(*source).notice(&format!("CPU time is not used: {reason}"));
            let why = Error::Unusable { name: name.clone(), reason: reason.to_owned() };
            unused = unused.or(Some(why));
            continue;
        }
        let times = map_times(&samples.stacks, &processes, binary);
        if !times.is_empty() {
            found.map_times.push(MapTimes { source: *source, samples: times });
        }
        let Some((profile, unnamed)) = profile else { continue };
        let module = binary.build_info().and_then(main_module);
        let new = |keep_stacks| CpuCollector::new(*source, keep_stacks, module);
        if has_profiles {
            let mut aside = new(false);
            aside.add(&profile, &mut builder.of(*source))?;
            aside.finish().tell_aside(*source, builder);
        } else {
            let cpu = cpu.get_or_insert_with(|| new(keep_stacks));
            cpu.add(&profile, &mut builder.of(*source))?;
            cpu.add_unnamed(unnamed);
            let map_impl = cpu::map_impl(&profile);
            let program = ProgramOfProfile::of(&profile, name).stated();
            builder.of(*source).states(Stated { map_impl, ..program });
        }
    }
    match unused {
        Some(why) if cpu.is_none() && !found.has_storage => Err(why),
        _ => Ok(found),
    }
}

/// Why nothing can be told of lines; `None` where samples list their callers.
fn no_callers(callers: Callers) -> Option<&'static str> {
    match callers {
        Callers::Listed => None,
        Callers::Copied => Some(
            "its callers are in copies of stacks, which are not unwound; record with `perf record --call-graph fp`: Go \
             keeps frame pointers",
        ),
        Callers::Missing => Some(
            "its samples have no callers, so that no line can be told; record with `perf record --call-graph fp`",
        ),
    }
}

/// The profile of one event.
#[derive(Debug)]
pub(crate) enum EventProfile {
    /// Of one that counts time on a CPU.
    Cpu(Profile),
    /// Of one that counts misses.
    Misses(Profile),
}

/// The profile of one event, time on a CPU where none is named.
pub(crate) fn profile_of(
    file: PerfFile<File>,
    name: &str,
    event: Option<&str>,
    binary: &Binary<'_>,
    binary_name: &str,
) -> Result<EventProfile, Error> {
    let mut alone = Builder::default();
    let samples = read(file, &mut alone.source(name, SourceKind::Perf))?;
    // perf's names may have the rate behind a slash: `cache-misses/freq=99/`.
    let is_same = |known: &str, event: &str| known.split('/').next() == event.split('/').next();
    let is_asked_for = |known: &&String| event.is_none_or(|event| is_same(known, event));
    let cpu = samples.event.as_ref().filter(is_asked_for);
    let misses =
        event.and_then(|event| samples.misses.iter().find(|(known, _)| is_same(known, event)));
    let profile = |stacks, value| -> Result<Profile, Error> {
        let processes = Processes::of(&samples, binary, binary_name)?;
        Ok(samples.profile(stacks, value, &processes, binary).profile)
    };
    if cpu.is_some() {
        profile(&samples.stacks, CPU).map(EventProfile::Cpu)
    } else if let Some((event, stacks)) = misses {
        profile(stacks, (event, "count")).map(EventProfile::Misses)
    } else {
        let known = samples.event.iter().chain(samples.misses.iter().map(|(event, _)| event));
        let known: Vec<&str> = known.map(String::as_str).collect();
        let reason = format!("it has samples of {}, not of that event", known.join(", "));
        Err(Error::Unusable { name: name.to_owned(), reason })
    }
}

/// Opens the input; `None` where it can only be read from front to back.
pub(crate) fn open(name: &str) -> Option<Result<PerfFile<File>, goperf::Error>> {
    Some(PerfFile::open(open_regular(Path::new(name))?))
}
