//! Recordings written, read and written again.
#![allow(clippy::unwrap_used, missing_docs)]

mod documented;
mod hostile;
mod old;
mod rewrite;
mod round_trip;
mod seeds;
