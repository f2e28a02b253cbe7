//! The rules that turn evidence about a Go program's maps into findings.
//!
//! 1. A collector (crate `ingest`) fills [`evidence::Evidence`]: what was measured, per site and for the process.
//! 2. [`diagnose`] asks every rule of [`rules`] about the process and each site.
//! 3. Findings come back by line, ranked by the time that they explain, each with evidence, a verdict and a confidence.
//!
//! No files, no screen, no clock. What was not measured is `None`, never 0.

pub mod binary;
pub mod budget;
pub mod compare;
pub mod finding;
mod hints;
pub mod rewrites;
pub mod rules;
mod shapes;
mod total;

pub use finding::{Diagnosis, Finding, Verdict};
pub use rules::diagnose;

/// The id of the input at this position of any evidence.
#[cfg(test)]
pub(crate) fn source_id(position: u32) -> evidence::SourceId {
    let (name, kind, summary) = (String::new(), evidence::SourceKind::Cpu, String::new());
    let source = evidence::Source { name, kind, summary };
    let sources: evidence::Sources = vec![source; position as usize + 1].into_iter().collect();
    sources.with_ids().map(|(id, _)| id).last().expect("one was added")
}
