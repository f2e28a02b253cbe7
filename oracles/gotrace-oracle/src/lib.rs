//! Go execution traces, Go 1.22 to 1.27, event by event: what the sums of [`gotrace`] are judged by.
//!
//! For tests, fuzzing and benchmarks only; no command reaches it. It is itself held against Go's own reader, event for
//! event, by the tests of `gotrace` (`tests/it/like_go.rs`).
//!
//! Layers, each usable alone:
//!
//! 1. [`parse_raw`], [`write_raw`], [`parse_text`], [`render_text`]: bytes <-> raw events <-> text, nothing checked.
//! 2. [`Ordered`]: events of all threads in one order, checked against the states of threads, procs and goroutines.
//! 3. [`GoroutineStates`]: how long goroutines are in which state.

mod error;
mod event;
mod order;
mod ordered;
mod raw;
mod states;
mod text;

pub use error::{Contradiction, Error, ErrorKind, TextFault};
pub use event::{Event, EventKind, GoState, Metric, ProcState, Range, Region, Task, TaskId};
pub use ordered::Ordered;
pub use raw::{RawEvent, parse_raw, write_raw};
pub use states::{GoroutineStates, Span};
pub use text::{parse_text, render_text};
