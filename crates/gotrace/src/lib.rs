//! Reader of Go execution traces, Go 1.22 to 1.27; for sums also Go 1.11 to 1.21.
//!
//! Owns the format: its versions, its events as one table ([`SPECS`]), its bytes and its text form; the order of events;
//! and what can be told from them about garbage collection and goroutines. It does not know what a map is, nor where
//! traces come from: they are a slice, or anything that can be read at an offset ([`Input`]).
//!
//! Layers, each usable alone:
//!
//! 1. [`parse_raw`], [`write_raw`], [`parse_text`], [`render_text`]: bytes <-> raw events <-> text, nothing checked.
//! 2. [`parse_trace`], [`read_trace`]: bytes -> [`Generations`], one after the other, each with its batches sorted by
//!    thread and its tables.
//! 3. [`Ordered`]: events of all threads in one order, checked against the states of threads, procs and goroutines.
//! 4. [`scan()`]: garbage collection, stopped worlds, assists, sweeps and runs of goroutines without ordering, which is
//!    several times faster; [`Totals`] and [`LockWaits`] sum them up. [`scan_trace`] does so for the format before Go 1.22 too.
//!
//! Words of the format: a trace consists of *generations* of about a second; a generation of *batches* of up to 64 KiB,
//! each written by one *thread* (M); events of a thread are in order, those of different threads are not. Goroutines (G)
//! run on threads that hold a *proc* (P).
//!
//! Traces that are cut or damaged keep what precedes the damage, and, where whole generations follow, those too.

mod cursor;
mod error;
mod event;
mod generation;
mod header;
mod ids;
mod input;
mod old;
mod order;
mod ordered;
mod raw;
mod scan;
mod spec;
mod states;
mod symbols;
mod tables;
mod text;
mod totals;
mod waits;
mod window;

pub use error::{Contradiction, Error, ErrorKind, Parsed, TextFault};
pub use event::{Event, EventKind, GoState, Metric, ProcState, Range, Region, Task};
pub use generation::{
    Batch, Clock, ClockSnapshot, CpuSample, Generation, Generations, ThreadBatches, parse_trace,
    read_trace,
};
pub use header::is_trace;
pub use ids::{ByGoroutine, GoId, IdHasher, ProcId, TaskId, ThreadId, Time};
pub use input::Input;
pub use ordered::Ordered;
pub use raw::{RawEvent, parse_raw, write_raw};
pub use scan::{
    GcCycle, Log, MarkAssist, Observer, Run, RunEnd, Scanned, StopTheWorld, Sweep, UserRegion,
    UserTask, Why, scan, scan_trace,
};
pub use spec::{Ev, Form, SPECS, Spec, Version};
pub use states::{GoroutineStates, Span};
pub use symbols::{Name, StackKey, Symbols};
pub use tables::{Frame, StackId, StrId, Tables};
pub use text::{parse_text, render_text};
pub use totals::{Cause, OnCpu, Sum, Totals};
pub use waits::LockWaits;
