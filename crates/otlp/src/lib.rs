//! Reader of OpenTelemetry's profiles, which collectors and eBPF profilers write: protobuf and JSON.
//!
//! 1. A batch has one dictionary of mappings, functions, locations, stacks, strings and attributes, and samples that name
//!    entries of it by position (`model`).
//! 2. Each sample is of a program, which its attributes name, or else those of its resource. Samples of one program that
//!    measure the same become one [`Profile`](gopprof::Profile), those of all batches together.
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

use std::iter;

pub use error::{Error, ErrorKind};
pub use programs::OfProgram;

use wire::{Faults, Parsed};

use model::Batch;
use programs::Programs;

/// Most of a batch that is read: a collector sends some megabytes at once. One made to do harm, with nothing but empty messages,
/// takes some forty times as much memory. Units: bytes.
pub const MAX_BATCH_BYTES: usize = 32 << 20;

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

/// Reads all batches of a file, inflated. One that cannot be read is a fault, and so is what comes after more than is kept.
///
/// # Errors
/// No batch that can be read: what is wrong with the first, and its place.
pub fn parse(bytes: &[u8], form: Form) -> Result<Parsed<Vec<OfProgram>, Error>, Error> {
    let (mut programs, mut faults) = (Programs::default(), Faults::default());
    let mut n_read = 0;
    let mut add = |offset: usize, batch: Result<Batch, ErrorKind>| {
        let added = batch.and_then(|batch| programs.add(&batch));
        n_read += u64::from(added.is_ok());
        added.err().map(|kind| Error { offset: offset as u64, kind })
    };
    for (offset, batch) in batches(bytes, form) {
        let parsed = batch.and_then(|batch| match form {
            _ if batch.len() > MAX_BATCH_BYTES => Err(ErrorKind::LargeBatch),
            Form::Json => json::parse(batch),
            Form::Proto | Form::FramedProto => proto::parse(batch),
        });
        if let Some(fault) = add(offset, parsed) {
            let is_last = matches!(fault.kind, ErrorKind::TooMany { .. });
            faults.add(fault);
            if is_last {
                break;
            }
        }
    }
    let mut faults = faults.into_vec();
    if n_read == 0 && !faults.is_empty() {
        return Err(faults.remove(0));
    }
    Ok(Parsed { value: programs.finish(), faults })
}

/// Where a batch begins, and what it is.
type Found<'a> = (usize, Result<&'a [u8], ErrorKind>);

/// The batches, up to one that is cut.
fn batches(bytes: &[u8], form: Form) -> Box<dyn Iterator<Item = Found<'_>> + '_> {
    match form {
        Form::Proto => Box::new(iter::once((0, Ok(bytes)))),
        Form::FramedProto => Box::new(proto::frames(bytes)),
        Form::Json => Box::new(json::lines(bytes).map(|(at, line)| (at, Ok(line)))),
    }
}

#[cfg(test)]
mod tests;
