//! Reader of OpenTelemetry's profiles, which collectors and eBPF profilers write: protobuf and JSON.
//!
//! 1. A batch has one dictionary of mappings, functions, locations, stacks, strings and attributes, and samples that name
//!    entries of it by position ([`model`]).
//! 2. Each sample is of a program, which its attributes name, or else those of its resource. Samples of one program that
//!    measure the same become one [`Profile`], those of all batches together ([`Programs`]).
//!
//! Profiles of OpenTelemetry have one type of value each; those that one scope has side by side, of the same time, become
//! columns of one profile, as in profile.proto.
//!
//! Source: opentelemetry/proto/profiles/v1development/profiles.proto of github.com/open-telemetry/opentelemetry-proto, 1.9.0;
//! encoding of JSON: docs/specification.md there, "JSON Protobuf Encoding".

mod error;
mod json;
mod model;
mod programs;
mod proto;

pub use error::{Error, ErrorKind};
pub use programs::OfProgram;

use programs::Programs;

/// Most of a batch that is read. A collector sends some megabytes at once. Units: bytes.
pub const MAX_BATCH_BYTES: usize = 64 << 20;

/// How a file of profiles begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One batch.
    Proto,
    /// Batches of protobuf, each after its length in four bytes, as the collector's file exporter writes them.
    FramedProto,
    /// Batches of JSON, each in a line of its own.
    Json,
}

impl Form {
    /// The form of a file that begins with these bytes, of which 512 are enough; `None` where it is none of these.
    pub fn of(head: &[u8]) -> Option<Self> {
        if proto::is_batch(head) {
            return Some(Self::Proto);
        }
        if head.get(4..).is_some_and(proto::is_batch) && proto::frame_len(head).is_some() {
            return Some(Self::FramedProto);
        }
        json::is_batch(head).then_some(Self::Json)
    }
}

/// Reads all batches of a file, inflated.
///
/// # Errors
/// The first batch that cannot be read, with its place; a form of profiles that was given up; more than is kept of a file.
pub fn read(bytes: &[u8], form: Form) -> Result<Vec<OfProgram>, Error> {
    let mut programs = Programs::default();
    for (offset, batch) in batches(bytes, form)? {
        let at = |kind| Error { offset: offset as u64, kind };
        if batch.len() > MAX_BATCH_BYTES {
            return Err(at(ErrorKind::LargeBatch));
        }
        let batch = match form {
            Form::Json => json::read(batch),
            Form::Proto | Form::FramedProto => proto::read(batch),
        };
        programs.add(&batch.map_err(at)?).map_err(at)?;
    }
    Ok(programs.finish())
}

/// The batches, each with where it begins.
fn batches(bytes: &[u8], form: Form) -> Result<Vec<(usize, &[u8])>, Error> {
    match form {
        Form::Proto => Ok(vec![(0, bytes)]),
        Form::FramedProto => proto::frames(bytes),
        Form::Json => Ok(json::lines(bytes)),
    }
}

#[cfg(test)]
mod tests;
