//! Reader of Go execution traces, Go 1.22 to 1.27; for sums also Go 1.11 to 1.21.
//!
//! Owns the format: its versions, its events as one table ([`SPECS`]), its bytes; and what can be told from them about
//! garbage collection and goroutines without bringing events of several threads into an order. It does not know what a map
//! is, nor where traces come from: they are a slice, or anything that can be read at an offset ([`Input`]).
//!
//! Layers, each usable alone:
//!
//! 1. [`parse_trace`], [`read_trace`]: bytes -> [`Generations`], one after the other, each with its batches sorted by
//!    thread and its tables; [`mod@format`] is what is below.
//! 2. [`scan()`]: garbage collection, stopped worlds, assists, sweeps and runs of goroutines; [`Totals`] and [`LockWaits`]
//!    sum them up. [`scan_trace`] does so for the format before Go 1.22 too.
//!
//! The crate `gotrace-oracle` puts events in order, several times slower, and knows a text form; tests hold the sums
//! against it.
//!
//! Words of the format: a trace consists of *generations* of about a second; a generation of *batches* of up to 64 KiB,
//! each written by one *thread* (M); events of a thread are in order, those of different threads are not. Goroutines (G)
//! run on threads that hold a *proc* (P).
//!
//! Traces that are cut or damaged keep what precedes the damage, and, where whole generations follow, those too.

mod cursor;
mod error;
pub mod format;
mod generation;
mod header;
mod ids;
mod input;
mod old;
mod scan;
mod spec;
mod symbols;
mod tables;
mod totals;
mod waits;
mod window;

pub use error::{Error, ErrorKind, Parsed};
pub use generation::{
    Batch, Clock, ClockSnapshot, CpuSample, Generation, Generations, ThreadBatches, parse_trace,
    read_trace,
};
pub use header::is_trace;
pub use ids::{ByGoroutine, GoId, IdHasher, ProcId, ThreadId, Time};
pub use input::Input;
pub use scan::{
    GcCycle, MarkAssist, Metric, Observer, Run, RunEnd, Scanned, StopTheWorld, Sweep, Why, scan,
    scan_trace,
};
pub use spec::{Ev, Form, SPECS, Spec, Version};
pub use symbols::{Name, StackKey, Symbols};
pub use tables::{Frame, StackId, StrId, Tables};
pub use totals::{Cause, OnCpu, Sum, Totals};
pub use waits::LockWaits;
