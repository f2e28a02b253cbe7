//! The scan of traces of Go 1.11 to 1.21.
//!
//! 1. The first pass collects strings, stacks and the frequency of the clock, which stand at the end.
//! 2. The second turns each event into that of Go 1.22 which says the same, if there is one, and hands it to the scan, with
//!    the proc in the place of the thread: batches belong to procs.
//!
//! Left out: messages of logs, and times in system calls, which these traces do not have.
//!
//! Source: `src/internal/trace/tracev1.go` (Go 1.27), which does the same for Go's reader.

use std::borrow::Cow;
use std::collections::HashMap;

use super::observe::Observer;
use super::thread::ThreadState;
use super::{At, Scan, Scanned};
use crate::cursor::{Cursor, Timed};
use crate::error::{Error, ErrorKind, Faults, Parsed};
use crate::generation::{Clock, CpuSample};
use crate::ids::{IdHashMap, NONE, Time};
use crate::input::Input;
use crate::old::{OldEvent, OldEvents, ev};
use crate::spec::{Ev, Version};
use crate::tables::{StackId, Tables};

/// Reasons for stopping the world, by number. Source: `src/runtime/proc.go`, `stwReasonStrings` (Go 1.21).
const STOPS: [&str; 17] = [
    "unknown",
    "GC mark termination",
    "GC sweep termination",
    "write heap dump",
    "goroutine profile",
    "goroutine profile cleanup",
    "all goroutines stack trace",
    "read mem stats",
    "AllThreadsSyscall",
    "GOMAXPROCS",
    "start trace",
    "stop trace",
    "CountPagesInUse (test)",
    "ReadMetricsSlow (test)",
    "ReadMemStatsSlow (test)",
    "PageCachePagesLeaked (test)",
    "ResetDebugLog (test)",
];

/// Reasons for leaving a proc, by the event that implies them. Source: `src/internal/trace/tracev1.go` (Go 1.27).
const REASONS: [(u8, &str); 12] = [
    (16, "forever"),
    (17, "runtime.Gosched"),
    (18, "preempted"),
    (19, "sleep"),
    (20, ""),
    (22, "chan send"),
    (23, "chan receive"),
    (24, "select"),
    (25, "sync"),
    (26, "sync.(*Cond).Wait"),
    (27, "network"),
    (42, "GC mark assist wait for work"),
];

/// Ids of strings that the format implies: those on the wire count from 1.
const STOP_IDS: u64 = 1 << 63;
const REASON_IDS: u64 = STOP_IDS + STOPS.len() as u64;

/// What the first pass finds.
struct Found<'a> {
    tables: Tables<'a>,
    frequency: Option<u64>,
    /// Earliest time of an event. Units: ticks.
    start: i64,
    faults: Faults,
}

/// Scans a trace of this minor version of Go.
pub(super) fn scan_old<'a, I: Input<'a> + Copy>(
    input: I,
    minor: u32,
    observer: &mut impl Observer,
) -> Result<Parsed<Scanned>, Error> {
    let found = collect(input);
    let Some(frequency) = found.frequency else {
        return Err(ErrorKind::NoOldFrequency.at(input.n_bytes()));
    };
    let mut scan = Scan::new(Version::Go122, observer);
    scan.faults = found.faults;
    scan.n_generations = 1;
    scan.classify_stacks(&found.tables);
    let mut old = Old {
        scan,
        tables: &found.tables,
        start: found.start,
        // As Go does it: ticks since the start, each rounded on its own.
        ns_per_tick: 1e9 / frequency as f64,
        clock: Clock::new(frequency),
        minor,
        procs: HashMap::default(),
    };
    each_event(input, |proc, ticks, event| old.event(proc, ticks, event));
    let mut scan = old.scan;
    scan.collections.pair(scan.observer);
    scan.assists.pair(scan.observer);
    scan.observer.generation_ends();
    Ok(scan.finish())
}

/// Calls `each` with proc, time in ticks, and event. Returns the first event that cannot be read: nothing behind it can.
fn each_event<'a, I: Input<'a>>(
    input: I,
    mut each: impl FnMut(u64, i64, &OldEvent<'_>),
) -> Option<Error> {
    let mut events = OldEvents::new(input);
    let (mut proc, mut ticks) = (NONE, 0i64);
    loop {
        let offset = events.offset();
        let event = match events.next_event() {
            Ok(Some(event)) => event,
            Ok(None) => return None,
            Err(kind) => return Some(kind.at(offset)),
        };
        match (event.number, event.args) {
            (ev::BATCH, &[p, base]) => (proc, ticks) = (p, base.cast_signed()),
            (ev::FREQUENCY | ev::STACK | ev::STRING | ev::TIMER_GOROUTINE, _) => {
                each(proc, ticks, &event);
            }
            (_, args) => {
                let dt = args.first().copied().unwrap_or(0);
                ticks = ticks.wrapping_add(dt.cast_signed());
                each(proc, ticks, &event);
            }
        }
    }
}

fn collect<'a, I: Input<'a>>(input: I) -> Found<'a> {
    let (tables, faults) = (Tables::default(), Faults::default());
    let mut found = Found { tables, frequency: None, start: i64::MAX, faults };
    let error = each_event(input, |_, ticks, event| {
        let added = match (event.number, event.args) {
            (ev::FREQUENCY, &[frequency]) => {
                found.frequency = Some(frequency).filter(|&frequency| frequency > 0);
                Ok(())
            }
            (ev::STRING, &[id]) => {
                let text = || Cow::Owned(String::from_utf8_lossy(event.text).into_owned());
                found.tables.insert_string(id, text)
            }
            (ev::STACK, &[id, _, ref frames @ ..]) => found.tables.insert_stack(id, frames),
            (ev::TIMER_GOROUTINE, _) => Ok(()),
            (ev::CPU_SAMPLE, args) => {
                found.start = found.start.min(args.get(1).map_or(ticks, |at| at.cast_signed()));
                Ok(())
            }
            _ => {
                found.start = found.start.min(ticks);
                Ok(())
            }
        };
        if let Err(kind) = added {
            found.faults.add(kind.at(event.offset));
        }
    });
    error.into_iter().for_each(|error| found.faults.add(error));
    let reasons = REASONS.iter().map(|&(_, text)| text);
    for (id, text) in (STOP_IDS..).zip(STOPS.into_iter().chain(reasons)) {
        // Whoever took the id had no business to.
        let _ = found.tables.insert_string(id, || Cow::Borrowed(text));
    }
    found.tables.finish(0, &mut found.faults);
    found
}

struct Old<'s, 'o, 'a, O> {
    scan: Scan<'o, O>,
    tables: &'s Tables<'a>,
    start: i64,
    ns_per_tick: f64,
    clock: Clock,
    minor: u32,
    procs: IdHashMap<u64, ThreadState>,
}

impl<O: Observer> Old<'_, '_, '_, O> {
    fn time(&self, ticks: i64) -> Time {
        Time((ticks.wrapping_sub(self.start) as f64 * self.ns_per_tick) as i64)
    }

    fn event(&mut self, proc: u64, ticks: i64, event: &OldEvent<'_>) {
        if matches!(event.number, ev::FREQUENCY | ev::STACK | ev::STRING | ev::TIMER_GOROUTINE) {
            return;
        }
        let args = event.args.get(1..).unwrap_or_default();
        if let (ev::CPU_SAMPLE, &[ticks, proc, goroutine, stack]) = (event.number, args) {
            return self.cpu_sample(ticks.cast_signed(), [proc, goroutine, stack], event.offset);
        }
        let time = self.time(ticks);
        self.scan.n_events += 1;
        self.scan.start = self.scan.start.min(time);
        self.scan.end = self.scan.end.max(time);
        let stop = self.stop_id(args);
        for (ev, args) in translate(event.number, args, time, stop).into_iter().flatten() {
            self.hand_on(proc, &Timed::new(ev, time, args), event.offset);
        }
    }

    fn cpu_sample(&mut self, ticks: i64, [proc, goroutine, stack]: [u64; 3], offset: u64) {
        let id = self.tables.stack(stack).unwrap_or(StackId::NONE);
        let key = self.scan.symbols.stack(self.tables, id);
        let sample = CpuSample::of_proc(self.time(ticks), proc, goroutine, id, offset);
        self.scan.observer.cpu_sample(&sample, key);
    }

    /// Up to Go 1.20 there were two reasons, counted otherwise.
    fn stop_id(&self, args: &[u64]) -> u64 {
        let number = args.first().copied().unwrap_or(0);
        match (self.minor, number) {
            (21.., 0..17) => STOP_IDS + number,
            (..21, 0 | 1) => STOP_IDS + 1 + number,
            _ => STOP_IDS,
        }
    }

    fn hand_on(&mut self, proc: u64, timed: &Timed, offset: u64) {
        let state = self.procs.entry(proc).or_insert_with(|| ThreadState::new(NONE));
        let cursor = Cursor::at(offset, Version::Go122, self.clock);
        self.scan.event(At { timed, tables: self.tables, state, cursor: &cursor });
    }
}

type Translated = Option<(Ev, [u64; 4])>;

/// The events of Go 1.22 that say the same. `stop` is the id of the reason, should it be a stop of the world.
fn translate(number: u8, args: &[u64], time: Time, stop: u64) -> [Translated; 2] {
    let arg = |i: usize| args.get(i).copied().unwrap_or(0);
    let one = |ev: Ev, args: [u64; 4]| [Some((ev, args)), None];
    // Collections are numbered by time: they neither overlap, nor does a trace begin or end inside one.
    let seq = time.0.cast_unsigned();
    match number {
        4 => one(Ev::PROCS_CHANGE, [arg(0), arg(1), 0, 0]),
        7 => one(Ev::GC_BEGIN, [seq, arg(1), 0, 0]),
        8 => one(Ev::GC_END, [seq, 0, 0, 0]),
        9 => one(Ev::STW_BEGIN, [stop, 0, 0, 0]),
        10 => one(Ev::STW_END, [0; 4]),
        11 => one(Ev::GC_SWEEP_BEGIN, [arg(0), 0, 0, 0]),
        12 => one(Ev::GC_SWEEP_END, [arg(0), arg(1), 0, 0]),
        14 | 38 => one(Ev::GO_START, [arg(0), 0, 0, 0]),
        15 => one(Ev::GO_DESTROY, [0; 4]),
        17 | 18 => one(Ev::GO_STOP, [reason_id(number), arg(0), 0, 0]),
        21 => one(Ev::GO_UNBLOCK, [arg(0), 0, arg(2), 0]),
        39 => one(Ev::GO_UNBLOCK, [arg(0), 0, arg(1), 0]),
        16 | 19 | 20 | 22..=27 | 42 => one(Ev::GO_BLOCK, [reason_id(number), arg(0), 0, 0]),
        // It sits in a system call, and its proc was taken away.
        30 => one(Ev::GO_SYSCALL_END_BLOCKED, [0; 4]),
        33 => one(Ev::HEAP_ALLOC, [arg(0), 0, 0, 0]),
        34 => one(Ev::HEAP_GOAL, [arg(0), 0, 0, 0]),
        41 => [Some((Ev::GO_START, [arg(0), 0, 0, 0])), Some((Ev::GO_LABEL, [arg(2), 0, 0, 0]))],
        43 => one(Ev::GC_MARK_ASSIST_BEGIN, [arg(0), 0, 0, 0]),
        44 => one(Ev::GC_MARK_ASSIST_END, [0; 4]),
        45 => one(Ev::USER_TASK_BEGIN, [arg(0), arg(1), arg(2), arg(3)]),
        46 => one(Ev::USER_TASK_END, [arg(0), arg(1), 0, 0]),
        47 if arg(1) == 0 => one(Ev::USER_REGION_BEGIN, [arg(0), arg(2), arg(3), 0]),
        47 => one(Ev::USER_REGION_END, [arg(0), arg(2), arg(3), 0]),
        _ => [None, None],
    }
}

fn reason_id(number: u8) -> u64 {
    let position = REASONS.iter().position(|&(of, _)| of == number).unwrap_or(0);
    REASON_IDS + position as u64
}
