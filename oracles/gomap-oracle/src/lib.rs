//! Go's map simulated operation by operation: what the closed form of [`gomap::MapShape::forecast`] is judged by.
//!
//! For tests and benchmarks only; no command reaches it. It is itself held against real maps, state by state and byte by
//! byte, by the tests of `gomap` (`tests/it/lockstep.rs`).
//!
//! Owns the operations of a map and what they change: buckets, groups, tables, directories, evacuation, tombstones. How
//! large a block is, how much fits and what a hint makes are rules of [`gomap`], which the closed form goes by too.

mod runs;
mod simulation;

pub use runs::forecast_ops;
pub use simulation::{Op, Outcome, Simulation, State, TableState};
