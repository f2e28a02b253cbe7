//! What can be wrong with a file, and where.

use thiserror::Error;

/// A defect with its place.
#[derive(Debug, Error)]
#[error("{kind} (in the batch at byte {offset})")]
pub struct Error {
    /// Units: bytes from the start of the inflated file to the batch.
    pub offset: u64,
    /// What is wrong.
    pub kind: ErrorKind,
}

/// The defects.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A message that is cut or not well formed.
    #[error(
        "OpenTelemetry profiles that are cut or damaged, or no profiles but its spans, metrics or logs: a {what} cannot be read"
    )]
    Malformed {
        /// Which message.
        what: &'static str,
    },
    /// Not the JSON of profiles.
    #[error("OpenTelemetry profiles that cannot be read as JSON: {0}")]
    Json(String),
    /// What profiles were before 1.9.
    #[error(
        "OpenTelemetry profiles of a form before 1.9 of the protocol, which is not read; write them with a newer collector, or \
         as pprof"
    )]
    OldForm,
    /// A batch larger than any that is read.
    #[error(
        "a batch of OpenTelemetry profiles of more than {} MiB; have the collector write smaller ones",
        crate::MAX_BATCH_BYTES >> 20
    )]
    LargeBatch,
    /// More than is kept of a file.
    #[error(
        "OpenTelemetry profiles with more than {max} {what}: what follows is left out; give less at once"
    )]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many are kept.
        max: usize,
    },
    /// Defects beyond the number listed one by one.
    #[error("and {n} more defects")]
    More {
        /// How many.
        n: u64,
    },
}

impl wire::Fault for Error {
    fn more(n: u64) -> Self {
        Self { offset: 0, kind: ErrorKind::More { n } }
    }

    fn n_more(&self) -> Option<u64> {
        if let ErrorKind::More { n } = self.kind { Some(n) } else { None }
    }
}
