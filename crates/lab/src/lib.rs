//! Claims about nested Go maps as experiments.
//!
//! Owns the experiments (a claim, a Go program, thresholds), runs them on real Go toolchains, and judges by what was
//! measured. Does not format: that is `report`.
//!
//! 1. [`CATALOGUE`] has the experiments; the Go program that runs them is embedded.
//! 2. [`run()`] builds it with each Go and runs each experiment several times, keeping each output.
//! 3. [`judge`] tries each prediction of a claim on the figures; a threshold decides, never the claim.

mod cache;
mod catalogue;
mod depth;
mod error;
mod experiment;
mod figures;
mod machine;
mod process;
mod run;
mod sources;
mod state;
mod toolchain;
mod verdict;

pub use catalogue::CATALOGUE;
pub use error::Error;
pub use experiment::{Bound, Check, Experiment, Kind, Metric, Quantity, Scale, Shown};
pub use figures::{Figures, Spread};
pub use machine::Machine;
pub use run::{ExperimentResult, GoResult, Options, Progress, Results, run};
pub use toolchain::Go;
pub use verdict::{Checked, Judgement, Outcome, Verdict, judge};
