//! Tests of the map from outside.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod operations;
