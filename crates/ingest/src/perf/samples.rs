//! Records to samples by process and stack.

use std::collections::HashMap;
use std::fs::File;

use evidence::{OfSource, SourceId, printable};
use goperf::{Callers, Event, Mapping, PerfFile, Record, Sample};

use super::events::{Events, told_apart};
use crate::add_faults;
use crate::error::Error;
use crate::images::{Clock, Images};
use crate::jit_map::JitMap;
use crate::storage::StorageSamples;

/// By image and stack.
pub(super) type Stacks = HashMap<(u32, Vec<u64>), Sampled>;

/// Samples of one stack.
#[derive(Debug, Default)]
pub(super) struct Sampled {
    pub(super) n: u64,
    /// What they stand for.
    pub(super) weight: u64,
    /// When they were taken, on the clock of traces; empty when perf had another. Units: nanoseconds.
    pub(super) times: Vec<u64>,
}

/// CPU samples of one file, by process and stack.
#[derive(Debug)]
pub(crate) struct PerfSamples {
    pub(super) source: SourceId,
    pub(super) name: String,
    /// The event that counts CPU time; `None` when none does.
    pub(super) event: Option<String>,
    /// What its samples say of callers.
    pub(super) cpu_callers: Callers,
    /// What samples of misses do, of the event that says least.
    pub(super) misses_callers: Callers,
    /// In nanoseconds.
    pub(super) stacks: Stacks,
    /// In events, with the name of the event.
    pub(super) misses: Vec<(String, Stacks)>,
    pub(super) images: Images,
    /// By image.
    pub(super) jit_maps: HashMap<u32, JitMap>,
    pub(super) build_ids: Vec<goperf::BuildId>,
    pub(super) storage: StorageSamples,
    pub(super) duration_ns: u64,
    n_lost: u64,
}

/// Reads all samples of a file.
///
/// # Errors
/// When none of its events is used.
pub(crate) fn read(
    mut file: PerfFile<File>,
    source: &mut OfSource<'_>,
) -> Result<PerfSamples, Error> {
    add_faults(source, &file.faults);
    for event in &mut file.events {
        event.name = printable(&event.name);
    }
    let images = Images::read(&mut file);
    let events = Events::of(&file.events, source);
    let mut storage = StorageSamples::default();
    events.tracepoints.iter().flatten().for_each(|tracepoint| storage.expect(tracepoint));
    if events.cpu.is_none() && events.misses.is_empty() && !storage.has_any() {
        return Err(no_event(source.name(), &file.events));
    }
    let name = source.name().to_owned();
    let callers_of = |events: &[usize]| {
        let mut callers = events.iter().map(|&at| file.events[at].callers);
        callers.find(|&of| of != Callers::Listed).unwrap_or(Callers::Listed)
    };
    let cpu_callers = events.cpu.as_ref().map_or(Callers::Listed, |cpu| callers_of(&cpu.events));
    let misses_callers = callers_of(&events.misses);
    let periods = file.events.iter().map(|event| event.period).collect();
    let misses = told_apart(events.misses.iter().map(|&at| &*file.events[at].name));
    let samples = PerfSamples {
        source: source.id(),
        event: events.cpu.as_ref().map(|cpu| cpu.name.clone()),
        stacks: Stacks::new(),
        misses: misses.into_iter().map(|event| (event, Stacks::new())).collect(),
        jit_maps: images
            .last()
            .filter_map(|(pid, image)| Some((image, JitMap::open_beside(&name, pid)?)))
            .collect(),
        name,
        cpu_callers,
        misses_callers,
        images,
        build_ids: std::mem::take(&mut file.build_ids),
        storage,
        duration_ns: 0,
        n_lost: 0,
    };
    let mut pass = Pass { events, periods, samples, clock: Clock::default(), time: (u64::MAX, 0) };
    let faults = file.read_records(|record| pass.add(record));
    let samples = pass.finish();
    add_faults(source, &faults);
    if samples.n_lost > 0 {
        source.notice(&format!("{} events were lost while perf recorded", samples.n_lost));
    }
    Ok(samples)
}

fn no_event(name: &str, events: &[Event]) -> Error {
    let names: Vec<&str> = events.iter().map(|event| &*event.name).collect();
    let reason = format!(
        "its events are {}: none of them says how much CPU time a sample stands for; record with -e cpu-clock",
        names.join(", ")
    );
    Error::Unusable { name: name.to_owned(), reason }
}

/// The second pass over a file; the first found the images.
struct Pass {
    events: Events,
    /// By event, what its samples stand for if they do not say so themselves.
    periods: Vec<Option<u64>>,
    samples: PerfSamples,
    clock: Clock,
    /// Of the first sample and of the last.
    time: (u64, u64),
}

impl Pass {
    fn add(&mut self, record: Record<'_>) {
        match record {
            Record::Sample(sample) => self.add_sample(sample),
            // The first pass has seen these; here they keep the clock going.
            Record::Mapping(Mapping { time, .. }) | Record::Exec { time, .. } => {
                self.clock.moment(time);
            }
            Record::Fork { pid, parent, time } if pid != parent => {
                self.clock.moment(time);
            }
            Record::Fork { .. } => {}
            Record::RoundEnds => self.samples.storage.round_ends(),
            Record::Lost { n } => self.samples.n_lost = self.samples.n_lost.saturating_add(n),
        }
    }

    fn add_sample(&mut self, sample: Sample<'_>) {
        let Self { events, periods, samples, clock, time } = self;
        if let Some(at) = sample.time {
            *time = (time.0.min(at), time.1.max(at));
        }
        let image = samples.images.of(sample.pid, clock.moment(sample.time));
        if let Some(tracepoint) = &events.tracepoints[sample.event] {
            samples.storage.add(tracepoint, image, &sample);
        }
        let period = sample.period.or(periods[sample.event]).unwrap_or(0);
        if let Some(cpu) = events.cpu.as_ref().filter(|cpu| cpu.events.contains(&sample.event)) {
            let weight = cpu.ns_per_sample.unwrap_or(period);
            add(&mut samples.stacks, image, sample, weight, cpu.is_monotonic);
        } else if let Some(at) = events.misses.iter().position(|event| *event == sample.event) {
            add(&mut samples.misses[at].1, image, sample, period, false);
        }
    }

    fn finish(self) -> PerfSamples {
        let Self { mut samples, time: (first, last), .. } = self;
        samples.storage.finish();
        samples.duration_ns = last.saturating_sub(first);
        samples
    }
}

fn add(stacks: &mut Stacks, image: u32, sample: Sample<'_>, weight: u64, is_monotonic: bool) {
    let sampled = stacks.entry((image, sample.stack)).or_default();
    sampled.n += 1;
    sampled.weight = sampled.weight.saturating_add(weight);
    sampled.times.extend(sample.time.filter(|_| is_monotonic));
}
