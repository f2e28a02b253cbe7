//! The frame rules on real profiles, and the model against real maps, of Go 1.21 to 1.27.
#![allow(clippy::unwrap_used, missing_docs)]

mod fixture;
mod forecast;
mod frames;
mod lockstep;
mod simulated;
mod sizes;
