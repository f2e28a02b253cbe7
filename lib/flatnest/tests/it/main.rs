//! Tests of the map from outside.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub
)]

mod arena_str;
mod features;
mod model;
mod operations;
mod panics;
mod random;
mod types;
