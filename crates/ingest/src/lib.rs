//! Files and URLs to evidence: the only place that opens inputs.
//!
//! 1. Each input is read and recognised by its content ([`open_input`]), never by its name.
//! 2. Profiles are summed into sites: a site is the user's frame nearest the runtime's map function.
//! 3. The binary, if given, tells the map types at each site, after a check that the profiles are of it.
//!
//! It draws no conclusions: those are rules of the crate `diagnosis`.

mod asm;
mod beside;
mod binary;
mod cpu;
mod error;
mod folder;
mod growth;
mod heap;
mod images;
mod jit_map;
mod lines;
mod locks;
mod open;
mod perf;
mod printable;
mod program;
mod regular;
mod runs;
mod scan;
mod server;
mod stacks;
mod storage;
mod timeline;
mod times;
mod trace;
mod trace_input;

use evidence::Evidence;
use evidence::words::plural;
use evidence::{Notice, Source, SourceId, SourceKind};
use gobin::Binary;

pub use asm::list_instructions;
pub use error::{Error, seconds_text};
pub use open::{Input, OpenOptions, open_input};
pub use perf::CAPTURED_BINARY;
pub use printable::printable;
pub use runs::{Runs, collect_runs};
pub use scan::scan;
pub use server::{Answer, AnswerLimits, Server, shown};
pub use trace_input::TraceInput;

use binary::BinaryFacts;
use cpu::CpuCollector;
use folder::Named;
use growth::GrowthCollector;
use heap::HeapCollector;
use locks::LockCollector;
use program::ProgramOfProfile;
use times::Times;
use trace::TraceCollector;

/// How to collect.
#[derive(Debug, Clone)]
pub struct Options {
    /// Limits on what is read.
    pub open: OpenOptions,
    /// Whether to keep the call tree for a flame graph; it takes memory in proportion to the number of distinct stacks.
    pub stacks: bool,
}

/// Reads all inputs, in any order, and says together what they measured.
///
/// `progress` gets a line before anything that takes longer than a moment.
///
/// # Errors
/// An input that cannot be opened, read or recognised; a binary that is not the program of the profiles; no profile at
/// all among the inputs.
pub fn collect(
    names: &[String],
    options: &Options,
    progress: &mut dyn FnMut(&str),
) -> Result<Evidence, Error> {
    let mut evidence = Evidence::default();
    let mut cpu = CpuCollector::new(options.stacks);
    let mut heap = HeapCollector::default();
    let mut growth = GrowthCollector::default();
    let mut trace = TraceCollector::default();
    let mut locks = LockCollector::default();
    let mut times = Times::default();
    let mut perf_files = Vec::new();
    let mut executable: Option<(String, SourceId, Vec<u8>)> = None;
    let names = folder::expand(names)?;
    for Named { name, is_listed } in &names {
        let source = SourceId(evidence.sources.len() as u32);
        let opened = open_input(name, &options.open, progress);
        let name = &*shown(name);
        let input = match opened {
            // A folder may hold anything.
            Err(error) if *is_listed && error.is_about_content() => {
                let text = format!("not used: {}", error.with_cause());
                evidence.notices.push(Notice { source: None, text });
                continue;
            }
            input => input?,
        };
        match input {
            Input::Cpu(profile) => {
                add_source(&mut evidence, name, SourceKind::Cpu, cpu::summary(&profile.value));
                add_faults(&mut evidence, source, &profile.faults);
                add_time(&mut times, source, &profile.value);
                cpu.add(&profile.value, source, name, &mut evidence)?;
            }
            Input::Heap(profile) => {
                add_source(&mut evidence, name, SourceKind::Heap, heap::summary(&profile.value));
                add_faults(&mut evidence, source, &profile.faults);
                heap.add(&profile.value, source, name, &mut evidence);
            }
            Input::Recording(profile) => {
                let summary = growth::summary(&profile.value);
                add_source(&mut evidence, name, SourceKind::Recording, summary);
                add_faults(&mut evidence, source, &profile.faults);
                add_time(&mut times, source, &profile.value);
                growth.add(&profile.value, source, name, &mut evidence);
                // Without a period no CPU samples were asked for, which is not the same as none taken.
                if profile.value.period > 0 {
                    cpu.add(&profile.value, source, name, &mut evidence)?;
                }
            }
            Input::Trace(input) => {
                add_source(&mut evidence, name, SourceKind::Trace, String::new());
                let summary =
                    trace.add(&input, source, name, &mut locks, &mut times, &mut evidence)?;
                evidence.sources[source.0 as usize].summary = summary;
            }
            Input::Perf(file) => {
                add_source(&mut evidence, name, SourceKind::Perf, String::new());
                perf_files.push((source, perf::read(file, name, source, &mut evidence)?));
            }
            Input::Contention(profile) => {
                let side = locks::side_of_profile(&profile.value);
                let summary = locks::summary(&profile.value, side);
                add_source(&mut evidence, name, SourceKind::Contention, summary);
                add_faults(&mut evidence, source, &profile.faults);
                add_time(&mut times, source, &profile.value);
                locks.add(&profile.value, side, source, name);
            }
            Input::CaptureSummary => {}
            Input::OtherProfile { kind } => {
                let text = format!("{name} is {kind}: no evidence about maps, not used");
                evidence.notices.push(Notice { source: None, text });
            }
            Input::Binary(bytes) => {
                if executable.is_some() {
                    return Err(Error::SecondBinary { name: name.to_owned() });
                }
                add_source(&mut evidence, name, SourceKind::Binary, String::new());
                executable = Some((name.to_owned(), source, bytes));
            }
        }
    }
    let binary_bytes =
        executable.as_ref().map(|(name, _, bytes)| (name.as_str(), bytes.as_slice()));
    let beside = perf::finish(&perf_files, binary_bytes, &mut cpu, &mut evidence)?;
    let has_evidence = evidence.storage.is_some()
        || cpu.has_profiles()
        || heap.has_profiles()
        || growth.has_recordings()
        || trace.has_traces()
        || locks.has_profiles();
    if !has_evidence {
        return Err(Error::NoProfile { only_binary: executable.map(|(name, ..)| name) });
    }
    let programs = || {
        let profiled = cpu.programs().chain(heap.programs()).chain(growth.programs());
        profiled.chain(locks.programs()).chain(trace.programs())
    };
    describe_program(programs(), &mut evidence);
    let binary = executable
        .as_ref()
        .map(|(name, source, bytes)| add_binary(name, *source, bytes, programs(), &mut evidence));
    let binary = binary.transpose()?;
    cpu.finish(&mut evidence);
    heap.finish(&mut evidence, binary.as_ref());
    growth.finish(&mut evidence);
    beside.attach(&mut evidence);
    for (source, samples) in &beside.map_times {
        trace.offer_samples(*source, samples);
    }
    trace.finish(&mut evidence);
    times.finish(&mut evidence);
    locks.finish(&mut evidence);
    if let Some(binary) = binary {
        binary.attach(&mut evidence);
    }
    heap::size_blocks(&mut evidence);
    make_texts_printable(&mut evidence);
    Ok(evidence)
}

/// Messages of readers may name what is in their files.
fn make_texts_printable(evidence: &mut Evidence) {
    let summaries = evidence.sources.iter_mut().map(|source| &mut source.summary);
    let notices = evidence.notices.iter_mut().map(|notice| &mut notice.text);
    for text in summaries.chain(notices) {
        *text = printable(text);
    }
}

/// Names the program that the profiles are of, and says when they are of several builds.
fn describe_program<'p>(
    mut programs: impl Iterator<Item = &'p ProgramOfProfile>,
    evidence: &mut Evidence,
) {
    let Some(first) = programs.next() else { return };
    first.describe(evidence);
    for other in programs.filter(|other| other.is_other_build_than(first)) {
        let (other, first) = (&other.profile, &first.profile);
        let text =
            format!("{other} is of another build than {first}; they were added up all the same");
        evidence.notices.push(Notice { source: None, text });
    }
}

fn add_binary<'p>(
    name: &str,
    source: SourceId,
    bytes: &[u8],
    programs: impl Iterator<Item = &'p ProgramOfProfile>,
    evidence: &mut Evidence,
) -> Result<BinaryFacts, Error> {
    let binary =
        Binary::parse(bytes).map_err(|source| Error::Binary { name: name.to_owned(), source })?;
    add_faults(evidence, source, &binary.faults);
    let binary = binary.value;
    program::check_is_program_of(&binary, name, programs)?;
    evidence.sources[source.0 as usize].summary = binary::summary(&binary);
    binary::describe(&binary, source, evidence);
    Ok(BinaryFacts::read(&binary, source, evidence))
}

fn add_time(times: &mut Times, source: SourceId, profile: &gopprof::Profile) {
    let duration_ns = u64::try_from(profile.duration_nanos).unwrap_or(0);
    times.add(source, i128::from(profile.time_nanos), duration_ns);
}

fn add_source(evidence: &mut Evidence, name: &str, kind: SourceKind, summary: String) {
    evidence.sources.push(Source { name: name.to_owned(), kind, summary });
}

/// What a reader had to skip becomes a notice: a loss is never silent.
fn add_faults<F: std::fmt::Display>(evidence: &mut Evidence, source: SourceId, faults: &[F]) {
    const SHOWN: usize = 3;
    for fault in faults.iter().take(SHOWN) {
        evidence
            .notices
            .push(Notice { source: Some(source), text: format!("partly unreadable: {fault}") });
    }
    if faults.len() > SHOWN {
        let n = faults.len() - SHOWN;
        let text = format!("and {n} more {}", plural(n as u64, "fault"));
        evidence.notices.push(Notice { source: Some(source), text });
    }
}
