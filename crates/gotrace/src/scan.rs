//! What can be told without ordering: collections, stopped worlds, assists, sweeps, runs of goroutines.
//!
//! Several times faster than putting events in order, since nothing is compared between threads event by event:
//!
//! 1. Each thread's events are read on their own. Who runs there follows from the thread's events alone, because each
//!    generation names the goroutine of a thread before it says anything else about it.
//! 2. A world that is stopped is started again on the same thread, a sweep ends on the thread that began it.
//! 3. Collections are numbered: beginnings and ends are paired by number ([`collections`]).
//! 4. Assists may be parked and end on another thread: they are paired by time for each goroutine ([`assists`]). How long
//!    the goroutine ran meanwhile is the sum of the run in which it began, the one in which it ends, and those between,
//!    which show nothing but the stack that they end with. That stack is checked where the answer is known.
//!
//! Times are those of the clock, not brought into one order: durations are right across generations, whose times overlap,
//! where a reader that forces an order moves them.

mod assists;
mod collections;
mod observe;
mod old;
mod thread;

use std::collections::HashMap;

use self::assists::Assists;
use self::collections::Collections;
pub use self::observe::{
    GcCycle, MarkAssist, Metric, Observer, Run, RunEnd, StopTheWorld, Sweep, Why,
};
use self::thread::{SYSCALL, ThreadState, is_here};
use crate::cursor::{Cursor, Timed};
use crate::error::{Error, ErrorKind, Faults, Parsed};
use crate::generation::{Batch, Generation, Generations, ThreadBatches, read_trace};
use crate::header::{HEADER_BYTES, old_minor};
use crate::ids::{GoId, IdHashMap, NONE, Time};
use crate::input::Input;
use crate::spec::{Ev, Version};
use crate::symbols::{Name, StackKey, Symbols};
use crate::tables::{StackId, StrId, Tables};

/// The function that an assist consists of. The marking itself cannot be seen, what it stops for can.
///
/// Source: `src/runtime/mgcmark.go` (Go 1.22 to 1.27).
const ASSIST: &str = "runtime.gcAssistAlloc";

/// Methods of `Mutex` and `RWMutex` that wait for a lock, and that let another goroutine have it.
///
/// Source: `src/sync` and `src/internal/sync` (Go 1.11 to 1.27).
const LOCKS: [&str; 3] = ["Lock", "RLock", "lockSlow"];
const UNLOCKS: [&str; 4] = ["Unlock", "RUnlock", "unlockSlow", "rUnlockSlow"];

/// Whether a function is one of these methods.
fn is_mutex(func: &str, methods: &[&str]) -> bool {
    let func = func.strip_prefix("internal/").unwrap_or(func);
    let method = func.strip_prefix("sync.(*RWMutex).").or(func.strip_prefix("sync.(*Mutex)."));
    method.is_some_and(|method| methods.contains(&method))
}

/// What a scan went through.
#[derive(Debug)]
pub struct Scanned {
    /// Strings and stacks of everything that was observed.
    pub symbols: Symbols,
    /// Events on the wire, CPU samples left out.
    pub n_events: u64,
    /// Generations.
    pub n_generations: u64,
    /// Assists that had not ended when the trace did.
    pub n_open_assists: usize,
    /// Runs of which it could not be told whether they were in an assist, as when stacks are lost: then the time of
    /// assists on the CPU is a lower bound.
    pub n_unclear_runs: u64,
    /// Earliest time of an event.
    pub start: Time,
    /// Latest time of an event.
    pub end: Time,
    /// Clocks read together, of the first generation that has them.
    pub snapshot: Option<crate::ClockSnapshot>,
}

/// Goes through the generations and tells the observer what is found. Order: within a generation by thread, and by time
/// only within a thread; collections, and assists, come at the end of their generation.
pub fn scan<'a, I: Input<'a>>(
    mut generations: Generations<'a, I>,
    observer: &mut impl Observer,
) -> Parsed<Scanned> {
    let mut scan = Scan::new(generations.version(), observer);
    while let Some(parsed) = generations.next() {
        scan.faults.extend(parsed.faults);
        scan.generation(&parsed.value, generations.input());
    }
    scan.finish()
}

/// Scans a trace of any version from Go 1.11 on.
///
/// # Errors
/// When the header is not that of such a trace, or when it is an old one that is cut: they have their clock at the end.
pub fn scan_trace<'a, I: Input<'a> + Copy>(
    input: I,
    observer: &mut impl Observer,
) -> Result<Parsed<Scanned>, Error> {
    let head = input.bytes(0, HEADER_BYTES).map_err(|kind| kind.at(0))?;
    match old_minor(&head) {
        Some(minor) => old::scan_old(input, minor, observer),
        None => Ok(scan(read_trace(input)?, observer)),
    }
}

struct Scan<'o, O> {
    version: Version,
    observer: &'o mut O,
    symbols: Symbols,
    threads: IdHashMap<u64, ThreadState>,
    collections: Collections,
    assists: Assists,
    /// By stack of the current generation.
    are_in_assist: Vec<bool>,
    are_in_lock: Vec<bool>,
    are_in_unlock: Vec<bool>,
    n_runs: u64,
    n_events: u64,
    n_generations: u64,
    start: Time,
    end: Time,
    snapshot: Option<crate::ClockSnapshot>,
    faults: Faults,
}

/// An event with what is needed to take it in.
struct At<'s, 'a> {
    timed: &'s Timed,
    tables: &'s Tables<'a>,
    state: &'s mut ThreadState,
    cursor: &'s Cursor<'a>,
}

impl<'o, O: Observer> Scan<'o, O> {
    fn new(version: Version, observer: &'o mut O) -> Self {
        Self {
            version,
            observer,
            symbols: Symbols::default(),
            threads: HashMap::default(),
            collections: Collections::default(),
            assists: Assists::default(),
            are_in_assist: Vec::new(),
            are_in_lock: Vec::new(),
            are_in_unlock: Vec::new(),
            n_runs: 0,
            n_events: 0,
            n_generations: 0,
            start: Time(i64::MAX),
            end: Time(i64::MIN),
            snapshot: None,
            faults: Faults::default(),
        }
    }

    fn finish(self) -> Parsed<Scanned> {
        let scanned = Scanned {
            symbols: self.symbols,
            n_events: self.n_events,
            n_generations: self.n_generations,
            n_open_assists: self.assists.n_open(),
            n_unclear_runs: self.assists.n_unclear(),
            start: self.start.min(self.end),
            end: self.end,
            snapshot: self.snapshot,
        };
        Parsed { value: scanned, faults: self.faults.into_vec() }
    }

    fn generation<'a>(&mut self, generation: &Generation, input: &impl Input<'a>) {
        self.n_generations += 1;
        self.snapshot = self.snapshot.or(generation.snapshot);
        self.symbols.begin_generation();
        self.classify_stacks(&generation.tables);
        self.cpu_samples(generation);
        for thread in &generation.threads {
            self.thread(generation, thread, input);
        }
        self.collections.pair(self.observer);
        self.assists.pair(self.observer);
        self.observer.generation_ends();
        for thread in &generation.threads {
            let id = thread.thread.map_or(NONE, |thread| thread.0);
            if let Some(state) = self.threads.get_mut(&id) {
                state.end_generation();
            }
        }
    }

    fn classify_stacks(&mut self, tables: &Tables) {
        self.are_in_assist = tables.stacks_with(|func| func == ASSIST);
        self.are_in_lock = tables.stacks_with(|func| is_mutex(func, &LOCKS));
        self.are_in_unlock = tables.stacks_with(|func| is_mutex(func, &UNLOCKS));
    }

    fn cpu_samples(&mut self, generation: &Generation) {
        for sample in &generation.cpu_samples {
            let stack = self.symbols.stack(&generation.tables, sample.stack);
            self.observer.cpu_sample(sample, stack);
        }
    }

    fn thread<'a>(
        &mut self,
        generation: &Generation,
        thread: &ThreadBatches,
        input: &impl Input<'a>,
    ) {
        let id = thread.thread.map_or(NONE, |thread| thread.0);
        let mut state = self.threads.remove(&id).unwrap_or_else(|| ThreadState::new(id));
        state.begin_generation();
        let mut last = None;
        for batch in &thread.batches {
            if let Err(error) = self.batch(generation, batch, &mut state, input, &mut last) {
                self.faults.add(error);
                break;
            }
        }
        // Statuses of those that did not run are written when the generation is closed, beside all threads.
        if let Some(time) = last.filter(|_| id != NONE) {
            self.end = self.end.max(time);
        }
        self.threads.insert(id, state);
    }

    /// Takes the events of a batch in, and sets the time of the last.
    ///
    /// # Errors
    /// When one of them cannot be read; those before it have been taken in.
    fn batch<'a>(
        &mut self,
        generation: &Generation,
        batch: &Batch,
        state: &mut ThreadState,
        input: &impl Input<'a>,
        last: &mut Option<Time>,
    ) -> Result<(), Error> {
        let data = input.bytes(batch.offset, batch.len as usize);
        let data = data.map_err(|kind| kind.at(batch.offset))?;
        let tables = &generation.tables;
        let mut cursor = Cursor::new(self.version, generation.clock);
        cursor.begin(batch, &data);
        let mut timed = Timed::ZERO;
        let mut n_events = 0;
        let result = loop {
            match cursor.next(&mut timed) {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
            n_events += 1;
            if n_events == 1 {
                self.start = self.start.min(timed.time);
            }
            self.event(At { timed: &timed, tables, state, cursor: &cursor });
        };
        if n_events > 0 {
            *last = Some(timed.time);
        }
        self.n_events += n_events;
        result
    }

    #[inline(always)]
    fn event(&mut self, mut at: At) {
        let time = at.timed.time;
        match at.timed.ev {
            Ev::HEAP_ALLOC => self.observer.heap(time, Metric::HeapLive, at.timed.arg(0)),
            Ev::HEAP_GOAL => self.observer.heap(time, Metric::HeapGoal, at.timed.arg(0)),
            Ev::GO_UNBLOCK => self.unblock(&at),
            Ev::GO_START => self.run_begins(&mut at),
            Ev::GO_STOP | Ev::GO_BLOCK => self.run_ends_because(&mut at),
            Ev::GO_SYSCALL_BEGIN => at.state.syscall_begins(time),
            Ev::GO_SYSCALL_END => at.state.syscall_ends(time),
            Ev::GO_SYSCALL_END_BLOCKED => self.run_ends(&mut at, RunEnd::LostProc),
            Ev::GC_SWEEP_BEGIN => {
                let stack = self.stack(&at, at.timed.arg(0));
                at.state.sweep_begins(time, stack);
            }
            Ev::GC_SWEEP_ACTIVE => at.state.sweep_goes_on(time),
            Ev::GC_SWEEP_END => {
                if let Some(sweep) = at.state.sweep_ends(time, at.timed.arg(0), at.timed.arg(1)) {
                    self.observer.sweep(&sweep);
                }
            }
            Ev::GC_MARK_ASSIST_BEGIN => {
                let stack = self.stack(&at, at.timed.arg(0));
                self.assists.begins(at.state.assist_begins(time), stack);
            }
            Ev::GC_MARK_ASSIST_END => {
                let (mark, part) = at.state.assist_ends(time);
                self.assists.ends(mark);
                part.into_iter().for_each(|part| self.assists.add_part(part));
            }
            Ev::GC_MARK_ASSIST_ACTIVE => self.assists.goes_on(at.timed.arg(0), time),
            Ev::GO_STATUS | Ev::GO_STATUS_STACK => self.status(&mut at),
            _ => self.rare(&mut at),
        }
    }

    #[inline(never)]
    fn rare(&mut self, at: &mut At) {
        let first = at.timed.arg(0);
        let time = at.timed.time;
        match at.timed.ev {
            Ev::GO_CREATE_SYSCALL => self.run_begins(at),
            Ev::GO_SWITCH => {
                self.run_ends(at, RunEnd::Switched);
                self.run_begins(at);
            }
            Ev::GO_SWITCH_DESTROY => {
                self.run_ends(at, RunEnd::Ended);
                self.run_begins(at);
            }
            Ev::GO_DESTROY | Ev::GO_DESTROY_SYSCALL => self.run_ends(at, RunEnd::Ended),
            Ev::GC_ACTIVE => self.collections.goes_on(first, time),
            Ev::GC_BEGIN => {
                let stack = self.stack(at, at.timed.arg(1));
                self.collections.begins(first, time, stack, at.state.goroutine());
            }
            Ev::GC_END => self.collections.ends(first, time),
            Ev::STW_BEGIN => {
                let reason = self.name(at, first);
                let stack = self.stack(at, at.timed.arg(1));
                at.state.stop_begins(time, reason, stack);
            }
            Ev::STW_END => {
                if let Some(stop) = at.state.stop_ends(time) {
                    self.observer.stop(&stop);
                }
            }
            Ev::GO_LABEL => {
                let label = self.name(at, first);
                at.state.label(label);
            }
            _ => {}
        }
    }

    #[inline]
    fn run_begins(&mut self, at: &mut At) {
        self.n_runs += 1;
        at.state.run_begins(at.timed.arg(0), at.timed.time, self.n_runs);
    }

    #[inline]
    fn run_ends_because(&mut self, at: &mut At) {
        let reason = self.string(at, at.timed.arg(0));
        let stack = self.wire_stack(at, at.timed.arg(1));
        let is_in = |stacks: &[bool]| stacks.get(stack.0 as usize).copied().unwrap_or(false);
        let (is_in_assist, is_in_lock) = (is_in(&self.are_in_assist), is_in(&self.are_in_lock));
        if let Some(run) = self.close_run(at, is_in_assist) {
            let Self { symbols, observer, .. } = self;
            let is_block = at.timed.ev == Ev::GO_BLOCK;
            if is_block && is_in_lock {
                let stack = symbols.stack(at.tables, stack);
                observer.lock_wait_begins(run.end, run.goroutine, stack);
            }
            let why = Why { reason, stack, tables: at.tables, symbols };
            observer.run(&run, if is_block { RunEnd::Blocked(why) } else { RunEnd::Stopped(why) });
        }
    }

    #[inline]
    fn unblock(&mut self, at: &At) {
        // The second is a number for ordering.
        let [goroutine, _, stack, _] = at.timed.args();
        let Some(stack) = at.tables.stack(stack) else { return };
        if self.are_in_unlock.get(stack.0 as usize).copied().unwrap_or(false) {
            self.observer.lock_wait_ends(at.timed.time, GoId(goroutine));
        }
    }

    #[inline]
    fn run_ends(&mut self, at: &mut At, end: RunEnd) {
        if let Some(run) = self.close_run(at, false) {
            self.observer.run(&run, end);
        }
    }

    #[inline]
    fn close_run(&mut self, at: &mut At, is_in_assist: bool) -> Option<Run> {
        let time = at.timed.time;
        match at.state.assist_part(time, is_in_assist) {
            Ok(None) => {}
            Ok(Some(part)) => self.assists.add_part(part),
            Err(()) => self.assists.add_unclear(),
        }
        at.state.run_ends(time)
    }

    #[inline(never)]
    fn status(&mut self, at: &mut At) {
        let [goroutine, thread, status, _] = at.timed.args();
        if is_here(at.state.id, thread, status) {
            let is_in_syscall = status == SYSCALL;
            self.n_runs += 1;
            at.state.run_is_named(goroutine, at.timed.time, self.n_runs, is_in_syscall);
        }
    }

    #[inline]
    fn stack(&mut self, at: &At, id: u64) -> StackKey {
        let stack = self.wire_stack(at, id);
        self.symbols.stack(at.tables, stack)
    }

    #[inline]
    fn wire_stack(&mut self, at: &At, id: u64) -> StackId {
        at.tables.stack(id).unwrap_or_else(|| {
            self.faults.add(ErrorKind::NoSuchStack { id }.at(at.cursor.offset()));
            StackId::NONE
        })
    }

    fn string(&mut self, at: &At, id: u64) -> StrId {
        at.tables.string(id).unwrap_or_else(|| {
            self.faults.add(ErrorKind::NoSuchString { id }.at(at.cursor.offset()));
            StrId::EMPTY
        })
    }

    #[inline]
    fn name(&mut self, at: &At, id: u64) -> Name {
        let string = self.string(at, id);
        self.symbols.name(at.tables, string)
    }
}

/// `None` for no goroutine.
fn some_goroutine(id: u64) -> Option<GoId> {
    crate::ids::some_id(id).map(GoId)
}
