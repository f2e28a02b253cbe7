//! Go's benchmark text format, and the statistics that compare repeated measurements.
//!
//! Source of the format: <https://golang.org/design/14313-benchmark-format>, and the keys `Unit` of golang.org/x/perf.

mod compare;
mod format;
pub mod stats;

pub use compare::{Row, compare, geometric_mean};
pub use format::{Better, Fault, File, Problem, Result, Value, is_benchmark_text, read, write};
