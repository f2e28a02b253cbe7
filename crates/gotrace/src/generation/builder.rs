//! A generation that is being read, batch by batch.

use std::collections::HashMap;

use wire::take_varint;

use super::{
    Batch, Clock, ClockSnapshot, CpuSample, Found, Generation, ThreadBatches, USUAL_FREQUENCY,
};
use crate::error::{Error, ErrorKind, Faults, Parsed};
use crate::ids::{GoId, IdHashMap, ProcId, ThreadId, Time, some_id};
use crate::spec::{Ev, Version};
use crate::tables::{StackId, Tables};

/// The number that follows; 1 to 3 are not used again.
///
/// Source: `src/runtime/trace.go`, `traceNextGen` (Go 1.27).
fn next_number(number: u64) -> u64 {
    if number == u64::MAX { 4 } else { number + 1 }
}

/// A generation that is being read.
pub(super) struct Builder<'a> {
    version: Version,
    offset: u64,
    number: Option<u64>,
    threads: Vec<ThreadBatches>,
    thread_positions: IdHashMap<u64, usize>,
    tables: Tables<'a>,
    frequency: Option<u64>,
    /// Ticks and the other clocks.
    snapshot: Option<(u64, [u64; 3])>,
    /// Their times are ticks until the frequency is known.
    cpu_samples: Vec<CpuSample>,
    experiments: Vec<Batch>,
    start_ticks: Option<u64>,
    pub(super) is_complete: bool,
    pub(super) faults: Faults,
}

impl<'a> Builder<'a> {
    pub(super) fn new(version: Version, offset: u64) -> Self {
        Self {
            version,
            offset,
            number: None,
            threads: Vec::new(),
            thread_positions: HashMap::default(),
            tables: Tables::default(),
            frequency: None,
            snapshot: None,
            cpu_samples: Vec::new(),
            experiments: Vec::new(),
            start_ticks: None,
            is_complete: false,
            faults: Faults::default(),
        }
    }

    /// Whether the batch belongs to this generation.
    pub(super) fn takes(&self, batch: &Batch) -> bool {
        self.number.is_none_or(|number| number == batch.generation)
    }

    pub(super) fn stop(&mut self, error: Error) {
        self.faults.add(error);
    }

    pub(super) fn end_of_input(&mut self, has_marks: bool, offset: u64) {
        if has_marks {
            let generation = self.number.unwrap_or(0);
            self.faults.add(ErrorKind::Unfinished { generation }.at(offset));
        } else {
            self.is_complete = true;
        }
    }

    pub(super) fn end_before(&mut self, batch: &Batch, has_marks: bool, offset: u64) {
        let expected = self.number.unwrap_or(0);
        let found = batch.generation;
        if !has_marks && next_number(expected) == found {
            self.is_complete = true;
        } else {
            self.faults.add(ErrorKind::MixedGenerations { found, expected }.at(offset));
        }
    }

    pub(super) fn add(&mut self, found: Found<'a>) {
        let Found { batch, first, data } = found;
        self.number = Some(batch.generation);
        let start = self.start_ticks.get_or_insert(batch.base_ticks);
        *start = batch.base_ticks.min(*start);
        if batch.experiment.is_some() {
            return self.experiments.push(batch);
        }
        let has_sync = self.version >= Version::Go125;
        let Some(first) = first else { return };
        match first {
            Ev::STRINGS => self.tables.add_strings(data, batch.offset, &mut self.faults),
            Ev::STACKS => self.tables.add_stacks(&data, batch.offset, &mut self.faults),
            Ev::CPU_SAMPLES => self.add_cpu_samples(&batch, &data),
            Ev::FREQUENCY if !has_sync => self.add_sync(&batch, &data),
            Ev::SYNC if has_sync => self.add_sync(&batch, data.get(1..).unwrap_or_default()),
            _ => self.add_events(batch),
        }
    }

    fn add_events(&mut self, batch: Batch) {
        let id = batch.thread.map_or(crate::ids::NONE, |thread| thread.0);
        let next = self.threads.len();
        let position = *self.thread_positions.entry(id).or_insert(next);
        match self.threads.get_mut(position) {
            Some(thread) => thread.batches.push(batch),
            None => self.threads.push(ThreadBatches { thread: batch.thread, batches: vec![batch] }),
        }
    }

    fn add_cpu_samples(&mut self, batch: &Batch, data: &[u8]) {
        let mut rest = data.get(1..).unwrap_or_default();
        while let Some((&found, tail)) = rest.split_first() {
            let offset = batch.offset + u64::from(batch.len) - rest.len() as u64;
            rest = tail;
            if found != Ev::CPU_SAMPLE.0 {
                let kind = ErrorKind::Misplaced { found, place: "CPU samples" };
                return self.faults.add(kind.at(offset));
            }
            let Some(sample) = take_cpu_sample(&mut rest, offset) else {
                return self.faults.add(ErrorKind::BadVarint.at(offset));
            };
            self.cpu_samples.push(sample);
        }
    }

    fn add_sync(&mut self, batch: &Batch, mut rest: &[u8]) {
        let mut ticks = batch.base_ticks;
        while let Some((&found, tail)) = rest.split_first() {
            let offset = batch.offset + u64::from(batch.len) - rest.len() as u64;
            rest = tail;
            let added = match Ev(found) {
                Ev::FREQUENCY => self.add_frequency(&mut rest),
                Ev::CLOCK_SNAPSHOT if self.version >= Version::Go125 => {
                    self.add_snapshot(&mut ticks, &mut rest)
                }
                _ => Err(ErrorKind::Misplaced { found, place: "clocks" }),
            };
            if let Err(kind) = added {
                return self.faults.add(kind.at(offset));
            }
        }
    }

    fn add_frequency(&mut self, rest: &mut &[u8]) -> Result<(), ErrorKind> {
        let frequency = take_varint(rest).ok_or(ErrorKind::BadVarint)?;
        if self.frequency.is_some() {
            return Err(ErrorKind::Duplicate { what: "frequency", id: 0 });
        }
        self.frequency = Some(frequency).filter(|&frequency| frequency != 0);
        Ok(())
    }

    fn add_snapshot(&mut self, ticks: &mut u64, rest: &mut &[u8]) -> Result<(), ErrorKind> {
        let mut take = || take_varint(rest).ok_or(ErrorKind::BadVarint);
        *ticks = ticks.wrapping_add(take()?);
        let others = [take()?, take()?, take()?];
        if self.snapshot.is_some() {
            return Err(ErrorKind::Duplicate { what: "clock snapshot", id: 0 });
        }
        self.snapshot = Some((*ticks, others));
        Ok(())
    }

    pub(super) fn build(mut self) -> Parsed<Generation<'a>> {
        let number = self.number.unwrap_or(0);
        let clock = Clock::new(self.checked_frequency(number));
        if !self.is_complete {
            self.tables.add_reserved(self.version);
        }
        self.tables.finish(self.offset, &mut self.faults);
        self.finish_cpu_samples(clock);
        let snapshot = self.snapshot.map(|(ticks, [mono_ns, wall_s, wall_ns])| ClockSnapshot {
            trace: clock.time(ticks),
            mono_ns,
            wall_s,
            wall_ns,
        });
        let generation = Generation {
            number,
            offset: self.offset,
            threads: self.threads,
            tables: self.tables,
            clock,
            snapshot,
            cpu_samples: self.cpu_samples,
            experiments: self.experiments,
            start: clock.time(self.start_ticks.unwrap_or(0)),
            is_complete: self.is_complete,
        };
        Parsed { value: generation, faults: self.faults.into_vec() }
    }

    fn checked_frequency(&mut self, generation: u64) -> u64 {
        if self.version >= Version::Go125 && self.snapshot.is_none() {
            self.faults.add(ErrorKind::NoClockSnapshot { generation }.at(self.offset));
        }
        self.frequency.unwrap_or_else(|| {
            self.faults.add(ErrorKind::NoFrequency { generation }.at(self.offset));
            USUAL_FREQUENCY
        })
    }

    fn finish_cpu_samples(&mut self, clock: Clock) {
        for sample in &mut self.cpu_samples {
            sample.time = clock.time(sample.time.0.cast_unsigned());
            match self.tables.stack(sample.wire_stack) {
                Some(stack) => sample.stack = stack,
                None => {
                    let kind = ErrorKind::NoSuchStack { id: sample.wire_stack };
                    self.faults.add(kind.at(sample.offset));
                }
            }
        }
        self.cpu_samples.sort_by_key(|sample| sample.time);
    }
}

/// The order of the fields is that of the runtime. Go's table names them otherwise in 1.22.
fn take_cpu_sample(rest: &mut &[u8], offset: u64) -> Option<CpuSample> {
    let mut take = || take_varint(rest);
    let [ticks, thread, proc, goroutine, wire_stack] =
        [take()?, take()?, take()?, take()?, take()?];
    Some(CpuSample {
        time: Time(ticks.cast_signed()),
        thread: some_id(thread).map(ThreadId),
        proc: some_id(proc).map(ProcId),
        goroutine: some_id(goroutine).filter(|&id| id != 0).map(GoId),
        stack: StackId::NONE,
        wire_stack,
        offset,
    })
}
