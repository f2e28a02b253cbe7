//! Bytes -> generations: batches sorted by thread, and the tables, the clock and the CPU samples that belong to them.
//!
//! 1. Batches follow one another; each says its generation and thread. Events stay where they are ([`Input`]): where they
//!    stand is kept, so that memory does not grow with them.
//! 2. A generation ends with a mark of its own (Go 1.26 and later), else where the next one begins, or with the input.
//! 3. Batches of strings, stacks, CPU samples and clock are read; events are left to whoever wants them, since they refer
//!    to strings and stacks that come after them.
//!
//! What is cut or damaged ends a generation early. It is handed out all the same, with its faults.
//!
//! Source: `src/internal/trace/{reader,generation,batch}.go` (Go 1.27).

mod builder;

use std::borrow::Cow;

use wire::take_varint;

use self::builder::Builder;
use crate::error::{Error, ErrorKind, Parsed, check_limit};
use crate::header::{HEADER_BYTES, parse_header};
use crate::ids::{GoId, ProcId, ThreadId, Time, some_id};
use crate::input::Input;
use crate::spec::{Ev, MAX_BATCH_BYTES, Version};
use crate::tables::{StackId, Tables};

/// Where a batch stands in the trace.
#[derive(Debug, Clone, Copy)]
pub struct Batch {
    /// Where its events begin. Units: bytes from the start of the trace.
    pub offset: u64,
    /// How long they are. Units: bytes.
    pub len: u32,
    /// The experiment that it belongs to, if to one.
    pub experiment: Option<u8>,
    /// Generation.
    pub generation: u64,
    /// Thread that wrote it.
    pub thread: Option<ThreadId>,
    /// Units: ticks of the clock of the trace.
    pub base_ticks: u64,
}

/// The batches of a thread, in the order in which it wrote them.
#[derive(Debug)]
pub struct ThreadBatches {
    /// Thread; `None` for what belongs to none.
    pub thread: Option<ThreadId>,
    /// Shape: not empty.
    pub batches: Vec<Batch>,
}

/// From ticks to nanoseconds.
///
/// Rounds as Go's reader does, each number of ticks on its own, so that sums agree to the nanosecond.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clock {
    ns_per_tick: f64,
    /// The same, when it is a whole number; else 0.
    whole: u64,
}

/// Ticks per second on Linux and macOS: one is 64 ns. Source: `src/runtime/tracetime.go`.
const USUAL_FREQUENCY: u64 = 15_625_000;

/// Up to here a number of ticks times a small whole number is exact as a float.
const EXACT_TICKS: u64 = 1 << 52;

impl Clock {
    pub(crate) fn new(ticks_per_second: u64) -> Self {
        let ns_per_tick = 1.0 / (ticks_per_second as f64 / 1e9);
        let is_whole = ns_per_tick.fract() == 0.0 && (1.0..=1024.0).contains(&ns_per_tick);
        Self { ns_per_tick, whole: if is_whole { ns_per_tick as u64 } else { 0 } }
    }

    /// Units: nanoseconds.
    #[inline]
    pub fn ns(self, ticks: u64) -> i64 {
        if self.whole != 0 && ticks < EXACT_TICKS {
            return (ticks * self.whole).cast_signed();
        }
        (ticks as f64 * self.ns_per_tick) as i64
    }

    /// The time of a number of ticks since the clock's zero.
    pub fn time(self, ticks: u64) -> Time {
        Time(self.ns(ticks))
    }
}

/// Clocks read at about the same moment: the anchor that ties the trace to the time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockSnapshot {
    /// Clock of the trace.
    pub trace: Time,
    /// The system's monotonic clock. Units: nanoseconds.
    pub mono_ns: u64,
    /// Time of day. Units: seconds since 1970.
    pub wall_s: u64,
    /// Units: nanoseconds on top of `wall_s`.
    pub wall_ns: u64,
}

/// What a thread was doing when the CPU profiler looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuSample {
    /// When.
    pub time: Time,
    /// Thread.
    pub thread: Option<ThreadId>,
    /// Proc.
    pub proc: Option<ProcId>,
    /// Goroutine.
    pub goroutine: Option<GoId>,
    /// Stack.
    pub stack: StackId,
    /// Stack by its id on the wire.
    wire_stack: u64,
    /// Where the sample stands. Units: bytes from the start of the trace.
    pub(crate) offset: u64,
}

impl CpuSample {
    /// A sample of a format that knows no threads.
    pub(crate) fn of_proc(
        time: Time,
        proc: u64,
        goroutine: u64,
        stack: StackId,
        offset: u64,
    ) -> Self {
        let proc = some_id(proc).map(ProcId);
        let goroutine = some_id(goroutine).filter(|&id| id != 0).map(GoId);
        Self { time, thread: None, proc, goroutine, stack, wire_stack: 0, offset }
    }
}

/// A part of a trace that stands for itself: about a second of the program.
#[derive(Debug)]
pub struct Generation<'a> {
    /// Go's number; the first of a trace need not be 1.
    pub number: u64,
    /// Where it begins. Units: bytes from the start of the trace.
    pub offset: u64,
    /// In order of their first batches.
    pub threads: Vec<ThreadBatches>,
    /// Strings and stacks.
    pub tables: Tables<'a>,
    /// Clock.
    pub clock: Clock,
    /// Go 1.25 and later.
    pub snapshot: Option<ClockSnapshot>,
    /// Shape: sorted by time.
    pub cpu_samples: Vec<CpuSample>,
    /// Batches of experiments, not decoded.
    pub experiments: Vec<Batch>,
    /// Time of the earliest batch.
    pub start: Time,
    /// Whether it has its end.
    pub is_complete: bool,
}

/// The generations of a trace, one after the other: only one is in memory.
#[derive(Debug, Clone)]
pub struct Generations<'a, I = &'a [u8]> {
    version: Version,
    input: I,
    /// Where the next batch begins. Units: bytes from the start of the trace.
    offset: u64,
    /// The first batch of the next generation, when reading on to it was what ended the last one.
    spill: Option<Found<'a>>,
}

/// A batch with what of its data was looked at.
#[derive(Debug, Clone)]
struct Found<'a> {
    batch: Batch,
    /// The first byte of its data, if there is one.
    first: Option<Ev>,
    /// Empty for events.
    data: Cow<'a, [u8]>,
}

/// What stands at the top level of a trace.
enum Record<'a> {
    Batch(Found<'a>),
    /// A batch whose data is cut off by the end of the input.
    Cut(Found<'a>),
    EndOfGeneration,
}

/// Opens a trace.
///
/// # Errors
/// When the header is not that of a trace that can be read: something else, the format before Go 1.22, or a future one.
pub fn parse_trace(bytes: &[u8]) -> Result<Generations<'_>, Error> {
    read_trace(bytes)
}

/// Opens a trace that need not be in memory.
///
/// # Errors
/// As [`parse_trace`], and when the beginning cannot be read.
pub fn read_trace<'a, I: Input<'a>>(input: I) -> Result<Generations<'a, I>, Error> {
    let head = input.bytes(0, HEADER_BYTES).map_err(|kind| kind.at(0))?;
    let (version, _) = parse_header(&head)?;
    Ok(Generations { version, input, offset: FIRST_OFFSET, spill: None })
}

/// Most bytes before the data of a batch: a type, an experiment, and four numbers. One more is the first of the data.
const MAX_BATCH_HEAD: usize = 2 + 4 * 10 + 1;

impl<'a, I: Input<'a>> Generations<'a, I> {
    /// The format.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Where the trace is.
    pub fn input(&self) -> &I {
        &self.input
    }

    /// Whether marks end the generations.
    fn has_marks(&self) -> bool {
        self.version >= Version::Go126
    }

    fn is_at_end(&self) -> bool {
        self.offset >= self.input.n_bytes()
    }

    fn take_record(&mut self) -> Option<Result<Record<'a>, Error>> {
        if self.is_at_end() {
            return None;
        }
        let offset = self.offset;
        let record = self.input.bytes(offset, MAX_BATCH_HEAD).and_then(|head| self.record(&head));
        Some(record.map_err(|kind| {
            // Nothing that follows can be told apart any more.
            self.offset = self.input.n_bytes();
            kind.at(offset)
        }))
    }

    fn record(&mut self, head: &[u8]) -> Result<Record<'a>, ErrorKind> {
        let (&first, rest) = head.split_first().ok_or(ErrorKind::Truncated)?;
        self.offset += 1;
        match Ev(first) {
            Ev::EVENT_BATCH => self.take_batch(None, rest),
            Ev::EXPERIMENTAL_BATCH if self.version >= Version::Go123 => {
                let (&experiment, rest) = rest.split_first().ok_or(ErrorKind::Truncated)?;
                self.offset += 1;
                self.take_batch(Some(experiment), rest)
            }
            Ev::END_OF_GENERATION if self.has_marks() => Ok(Record::EndOfGeneration),
            _ => Err(ErrorKind::NotABatch { found: first }),
        }
    }

    /// `head` is what follows up to the first byte of data, and maybe more.
    fn take_batch(&mut self, experiment: Option<u8>, head: &[u8]) -> Result<Record<'a>, ErrorKind> {
        let mut rest = head;
        let mut take = || {
            take_varint(&mut rest).ok_or(if rest.len() < 10 {
                ErrorKind::Truncated
            } else {
                ErrorKind::BadVarint
            })
        };
        let [generation, thread, base_ticks, size] = [take()?, take()?, take()?, take()?];
        check_limit("batch", size, MAX_BATCH_BYTES)?;
        let offset = self.offset + (head.len() - rest.len()) as u64;
        let len = size.min(self.input.n_bytes().saturating_sub(offset)) as u32;
        self.offset = offset + u64::from(len);
        let thread = some_id(thread).map(ThreadId);
        let batch = Batch { offset, len, experiment, generation, thread, base_ticks };
        let first = rest.first().filter(|_| len > 0).map(|&first| Ev(first));
        let is_table = experiment.is_none() && first.is_some_and(is_table);
        let len_of_table = if is_table { len as usize } else { 0 };
        let data = self.input.bytes(offset, len_of_table)?;
        let found = Found { batch, first, data };
        Ok(if u64::from(len) < size { Record::Cut(found) } else { Record::Batch(found) })
    }

    /// Reads batches into the generation until it ends.
    fn fill(&mut self, builder: &mut Builder<'a>) {
        if let Some(found) = self.spill.take() {
            builder.add(found);
        }
        loop {
            let offset = self.offset;
            match self.take_record() {
                None => return builder.end_of_input(self.has_marks(), offset),
                Some(Err(error)) => return builder.stop(error),
                Some(Ok(Record::Cut(found))) => {
                    if builder.takes(&found.batch) {
                        builder.add(found);
                    }
                    return builder.stop(ErrorKind::Truncated.at(self.input.n_bytes()));
                }
                Some(Ok(Record::EndOfGeneration)) => return builder.is_complete = true,
                Some(Ok(Record::Batch(found))) if found.batch.generation == 0 => {
                    builder.faults.add(ErrorKind::GenerationZero.at(offset));
                }
                Some(Ok(Record::Batch(found))) if builder.takes(&found.batch) => builder.add(found),
                Some(Ok(Record::Batch(found))) => {
                    builder.end_before(&found.batch, self.has_marks(), offset);
                    return self.spill = Some(found);
                }
            }
        }
    }
}

/// Whether a batch that begins with this byte holds something else than events of a thread.
fn is_table(first: Ev) -> bool {
    matches!(first, Ev::STRINGS | Ev::STACKS | Ev::CPU_SAMPLES | Ev::FREQUENCY | Ev::SYNC)
}

impl<'a, I: Input<'a>> Iterator for Generations<'a, I> {
    type Item = Parsed<Generation<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_at_end() && self.spill.is_none() {
            return None;
        }
        let offset = self.spill.as_ref().map_or(self.offset, |found| found.batch.offset);
        let mut builder = Builder::new(self.version, offset);
        self.fill(&mut builder);
        Some(builder.build())
    }
}

/// Length of the header, where the first generation begins.
const FIRST_OFFSET: u64 = HEADER_BYTES as u64;
