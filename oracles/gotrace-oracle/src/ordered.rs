//! Events of all threads in one order.
//!
//! 1. A generation is read as a whole ([`Generations`]); each of its threads has its next event at hand.
//! 2. The earliest of these is tried on the state machine ([`Order`]). When it is not its turn, the others are, by time:
//!    clocks of processors differ, sequence numbers do not.
//! 3. CPU samples come in by time.
//! 4. When nobody can go on, or an event contradicts what was before, the rest of the generation is dropped, and what was
//!    known is forgotten: the next generation names everything again.
//!
//! Among equal times the order is that of Go's reader, down to its heap, so that the two can be compared event for event.
//! They differ when more than 12 threads are sorted because the first was not ready, and some of them have equal times.
//!
//! Source: `src/internal/trace/{reader,batchcursor}.go` (Go 1.27).

use gotrace::format::{Cursor, HEADER_BYTES, NONE, Timed};
use gotrace::{
    Batch, ClockSnapshot, CpuSample, Generation, Generations, StackId, Tables, ThreadBatches, Time,
    Version,
};

use crate::error::{Error, ErrorKind, Faults};
use crate::event::{Context, Event, EventKind};
use crate::order::{Order, Step, ThreadSlot};

/// A thread with its next event.
#[derive(Debug)]
struct Source<'a> {
    batches: ThreadBatches,
    /// Position of the batch that comes next.
    next_batch: usize,
    cursor: Cursor<'a>,
    next: Timed,
    slot: ThreadSlot,
}

/// A thread in the heap: when its next event is, and its position in `sources`.
#[derive(Debug, Clone, Copy)]
struct Head {
    time: Time,
    source: u32,
}

/// The events of a trace in order. See [`Ordered::next_event`].
#[derive(Debug)]
pub struct Ordered<'a> {
    generations: Generations<'a>,
    /// Number of the current generation.
    generation: u64,
    snapshot: Option<ClockSnapshot>,
    tables: Tables<'a>,
    sources: Vec<Source<'a>>,
    /// Shape: a binary heap, earliest first.
    heads: Vec<Head>,
    cpu_samples: std::iter::Peekable<std::vec::IntoIter<CpuSample>>,
    order: Order,
    last: Time,
    n_syncs: u32,
    is_done: bool,
    faults: Faults,
}

/// What trying a thread came to.
enum Tried {
    Event(Event),
    NotReady,
    /// The rest of the generation is lost.
    Lost,
}

impl<'a> Ordered<'a> {
    /// The events of these generations.
    pub fn new(generations: Generations<'a>) -> Self {
        Self {
            generations,
            generation: 0,
            snapshot: None,
            tables: Tables::default(),
            sources: Vec::new(),
            heads: Vec::new(),
            cpu_samples: Vec::new().into_iter().peekable(),
            order: Order::new(),
            last: Time(0),
            n_syncs: 0,
            is_done: false,
            faults: Faults::default(),
        }
    }

    /// The format.
    pub fn version(&self) -> Version {
        self.generations.version()
    }

    /// Strings and stacks of the event that was handed out last.
    pub fn tables(&self) -> &Tables<'a> {
        &self.tables
    }

    /// Number of the current generation; 0 before the first.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Clocks of the current generation; Go 1.25 and later.
    pub fn snapshot(&self) -> Option<ClockSnapshot> {
        self.snapshot
    }

    /// What was wrong so far.
    pub fn faults(&self) -> Vec<Error> {
        self.faults.clone().into_vec()
    }

    /// The next event; `None` at the end. The first and the last are [`EventKind::Sync`].
    #[inline]
    pub fn next_event(&mut self) -> Option<Event> {
        let mut event = self.take_event()?;
        // Generations overlap in time, and clocks of processors differ.
        if event.time <= self.last {
            event.time = Time(self.last.0.saturating_add(1));
        }
        self.last = event.time;
        Some(event)
    }

    #[inline]
    fn take_event(&mut self) -> Option<Event> {
        if let Some(event) = self.order.take_pending() {
            return Some(event);
        }
        loop {
            if self.is_cpu_sample_next() {
                let sample = self.cpu_samples.next()?;
                return Some(sample_event(&sample));
            }
            if self.heads.is_empty() {
                return self.next_generation();
            }
            match self.try_all() {
                Tried::Event(event) => return Some(event),
                Tried::NotReady => self.lose_generation(None),
                Tried::Lost => {}
            }
        }
    }

    #[inline]
    fn is_cpu_sample_next(&mut self) -> bool {
        let Some(sample) = self.cpu_samples.peek() else { return false };
        self.heads.first().is_none_or(|head| sample.time < head.time)
    }

    fn next_generation(&mut self) -> Option<Event> {
        if self.is_done {
            return None;
        }
        let Some(parsed) = self.generations.next() else {
            self.is_done = true;
            self.snapshot = None;
            return Some(self.sync_event(self.last));
        };
        self.faults.extend(parsed.faults.into_iter().map(Error::from));
        let start = parsed.value.start;
        self.install(parsed.value);
        Some(self.sync_event(start))
    }

    fn sync_event(&mut self, time: Time) -> Event {
        self.n_syncs += 1;
        let kind = EventKind::Sync { n: self.n_syncs };
        Event { time, recorded: time, context: Context::NONE, stack: StackId::NONE, kind }
    }

    fn install(&mut self, generation: Generation<'a>) {
        self.generation = generation.number;
        self.snapshot = generation.snapshot;
        self.tables = generation.tables;
        self.cpu_samples = generation.cpu_samples.into_iter().peekable();
        self.sources.clear();
        for batches in generation.threads {
            let slot = self.order.thread_slot(batches.thread.map_or(NONE, |thread| thread.0));
            let cursor = Cursor::new(self.version(), generation.clock);
            self.sources.push(Source { batches, next_batch: 0, cursor, next: Timed::ZERO, slot });
            let source = self.sources.len() - 1;
            if self.refresh(source) {
                let time = self.sources[source].next.time;
                self.heads.push(Head { time, source: source as u32 });
                let last = self.heads.len() - 1;
                sift_up(&mut self.heads, last);
            }
        }
    }

    /// Gets the next event of a thread; false at its end.
    #[inline]
    fn refresh(&mut self, source: usize) -> bool {
        let Source { batches, next_batch, cursor, next, .. } = &mut self.sources[source];
        loop {
            match cursor.next(next) {
                Ok(true) => return true,
                Ok(false) => {}
                Err(error) => {
                    *next_batch = batches.batches.len();
                    self.faults.add(error.into());
                }
            }
            let Some(batch) = batches.batches.get(*next_batch) else { return false };
            *next_batch += 1;
            cursor.begin(batch, batch_in(self.generations.input(), batch));
        }
    }

    /// Tries the earliest thread, then the others by time.
    #[inline]
    fn try_all(&mut self) -> Tried {
        match self.try_one(0) {
            Tried::NotReady => self.try_later(),
            tried => tried,
        }
    }

    #[cold]
    fn try_later(&mut self) -> Tried {
        // What is sorted is a heap as well.
        self.heads.sort_by_key(|head| head.time);
        for i in 1..self.heads.len() {
            match self.try_one(i) {
                Tried::NotReady => {}
                tried => return tried,
            }
        }
        Tried::NotReady
    }

    #[inline]
    fn try_one(&mut self, i: usize) -> Tried {
        let position = self.heads[i].source as usize;
        let source = &self.sources[position];
        let mut step = Step {
            timed: &source.next,
            thread: source.slot,
            generation: self.generation,
            tables: &mut self.tables,
        };
        match self.order.advance(&mut step) {
            Ok(Some(event)) => {
                if let Some(kind) = self.order.take_missing() {
                    self.faults.add(kind.at(self.sources[position].cursor.offset()).into());
                }
                self.move_on(i, position);
                Tried::Event(event)
            }
            Ok(None) => Tried::NotReady,
            Err(why) => {
                let ev = source.next.ev;
                let kind = ErrorKind::Contradiction { ev, generation: self.generation, why };
                let error = kind.at(source.cursor.offset());
                self.lose_generation(Some(error));
                Tried::Lost
            }
        }
    }

    #[inline]
    fn move_on(&mut self, i: usize, source: usize) {
        if self.refresh(source) {
            self.heads[i].time = self.sources[source].next.time;
            if sift_up(&mut self.heads, i) == i {
                sift_down(&mut self.heads, i);
            }
        } else {
            remove(&mut self.heads, i);
        }
    }

    /// Gives up on the current generation, because of the error, or because nobody can go on.
    #[cold]
    fn lose_generation(&mut self, error: Option<Error>) {
        let offset = match self.heads.first() {
            Some(head) => self.sources[head.source as usize].cursor.offset(),
            None => HEADER_BYTES as u64,
        };
        let n_lost = self.drain();
        let generation = self.generation;
        self.faults
            .add(error.unwrap_or_else(|| ErrorKind::Stuck { generation, n_lost }.at(offset)));
        self.order = Order::new();
    }

    /// Drops what is left of the generation and says how many events it was.
    fn drain(&mut self) -> u64 {
        let mut n_lost = 0;
        for head in std::mem::take(&mut self.heads) {
            n_lost += 1;
            while self.refresh(head.source as usize) {
                n_lost += 1;
            }
        }
        n_lost
    }
}

fn batch_in<'a>(bytes: &&'a [u8], batch: &Batch) -> &'a [u8] {
    let start = batch.offset as usize;
    bytes.get(start..start + batch.len as usize).unwrap_or_default()
}

fn sample_event(sample: &CpuSample) -> Event {
    let context = Context {
        thread: sample.thread.map_or(NONE, |thread| thread.0),
        proc: sample.proc.map_or(NONE, |proc| proc.0),
        goroutine: sample.goroutine.map_or(NONE, |goroutine| goroutine.0),
    };
    let (time, stack) = (sample.time, sample.stack);
    Event { time, recorded: time, context, stack, kind: EventKind::CpuSample }
}

/// Moves an entry towards the root while it is earlier than its parent, and says where it ends up.
#[inline]
fn sift_up(heads: &mut [Head], mut i: usize) -> usize {
    while i > 0 && heads[i].time < heads[(i - 1) / 2].time {
        heads.swap(i, (i - 1) / 2);
        i = (i - 1) / 2;
    }
    i
}

/// Moves an entry away from the root while a child is earlier; of two equal children the first.
#[inline]
fn sift_down(heads: &mut [Head], mut i: usize) {
    loop {
        let mut earliest = i;
        for child in [2 * i + 1, 2 * i + 2] {
            if heads.get(child).is_some_and(|head| head.time < heads[earliest].time) {
                earliest = child;
            }
        }
        if earliest == i {
            return;
        }
        heads.swap(i, earliest);
        i = earliest;
    }
}

/// Takes an entry out: up to the root, whatever the times, and from there against the last one.
fn remove(heads: &mut Vec<Head>, mut i: usize) {
    while i > 0 {
        heads.swap(i, (i - 1) / 2);
        i = (i - 1) / 2;
    }
    heads.swap_remove(0);
    sift_down(heads, 0);
}
