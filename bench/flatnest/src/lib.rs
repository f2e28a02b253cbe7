//! What the benchmarks of `flatnest` share: keys, workloads, the maps under test and records of what was measured.
//!
//! Each program in `src/bin/` measures one thing and prints JSON lines; `report` turns them into tables and charts.

pub mod keys;
pub mod maps;
pub mod record;
pub mod shared_maps;
pub mod workload;
