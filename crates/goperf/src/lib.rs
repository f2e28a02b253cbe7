//! Reader of `perf.data`, the file that `perf record` writes: as much of it as says where a program spends its time.
//!
//! 1. [`PerfFile::open`] reads the header: which events were recorded, and build ids.
//! 2. [`PerfFile::read_records`] goes once through the records in the order of the file, holds one at a time, and gives
//!    out samples with their call chains, mapped files, forks and losses. The rest is passed over.
//!
//! It knows no symbols: addresses are those of the process.
//!
//! Own code, since a file may be hostile: common readers allocate what a count in the file says.
//! Source of the format: tools/perf/Documentation/perf.data-file-format.txt and include/uapi/linux/perf_event.h of Linux
//! 6.18.

mod bytes;
mod error;
mod header;
mod records;
mod sample;
mod tracepoint;

pub use error::{Error, ErrorKind};
pub use header::{BuildId, Event, EventKind, PerfFile};
pub use records::{Mapping, Record};
pub use sample::{Callers, Sample};
pub use tracepoint::Tracepoint;

/// Whether a file begins like one that `perf record` wrote.
pub fn is_perf_data(head: &[u8]) -> bool {
    head.starts_with(header::MAGIC)
}
