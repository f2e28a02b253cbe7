//! Evidence about a Go program's maps, and the rules that turn it into findings.
//!
//! 1. A collector (crate `ingest`, `probe`) fills [`Evidence`]: what was measured, per site and for the process.
//! 2. [`diagnose`] asks every rule of [`rules`] about the process and each site.
//! 3. Findings come back ranked by the share of CPU they speak about, each with evidence, a verdict and a confidence.
//!
//! No files, no screen, no clock. What was not measured is `None`, never 0.

pub mod binary;
pub mod budget;
pub mod compare;
pub mod evidence;
pub mod finding;
mod hints;
pub mod rewrites;
pub mod rules;
pub mod sampling;
mod shapes;
pub mod sizes;

pub use evidence::Evidence;
pub use finding::{Diagnosis, Finding, Verdict};
pub use rules::diagnose;
