//! Real profiles, made-up profiles, and damaged ones.
#![allow(clippy::unwrap_used, missing_docs)]

mod damage;
mod dump;
mod round_trip;
