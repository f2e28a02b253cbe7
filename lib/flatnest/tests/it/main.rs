//! Tests of the map from outside.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub
)]

mod arena_str;
#[cfg(feature = "meter")]
mod examples;
mod features;
#[cfg(feature = "meter")]
mod meter;
#[cfg(any(feature = "prometheus", feature = "opentelemetry"))]
mod meter_export;
mod model;
mod operations;
mod panics;
mod random;
#[cfg(feature = "sync")]
mod sync;
#[cfg(feature = "meter")]
mod table_ops;
mod types;
