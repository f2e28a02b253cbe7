//! Writes to files and devices, as `perf` saw them.

use std::ops::AddAssign;

use super::{Frame, SourceId};

/// Writes to files and devices, as `perf` saw them. What they amplify has only the name in common with maps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessStorage {
    /// The file of `perf`.
    pub source: SourceId,
    /// Units: nanoseconds recorded.
    pub duration_ns: u64,
    /// System calls that write, to files, sockets and pipes alike; `None` when their tracepoints were not recorded.
    pub writes: Option<IoCalls>,
    /// System calls that wait for the device; `None` when their tracepoints were not recorded.
    pub syncs: Option<IoCalls>,
    /// Sizes of the writing calls; `None` without such calls.
    pub write_sizes: Option<WriteSizes>,
    /// The part that goes to storage for sure; `None` when neither calls that wait nor requests to devices were recorded.
    pub durable: Option<DurableWrites>,
    /// Lines of the program that write or wait for the device, most bytes first.
    pub sites: Vec<IoSite>,
    /// Requests to block devices that threads of the program issued; `None` when not recorded.
    pub blocks: Option<BlockWrites>,
    /// Those that other processes issued meanwhile, as far as `perf` recorded them.
    pub blocks_of_others: Option<BlockWrites>,
}

impl ProcessStorage {
    /// Of a recording in which nothing was seen yet.
    pub fn of(source: SourceId) -> Self {
        Self {
            source,
            duration_ns: 0,
            writes: None,
            syncs: None,
            write_sizes: None,
            durable: None,
            sites: Vec::new(),
            blocks: None,
            blocks_of_others: None,
        }
    }
}

/// Calls that wait for the device, the writing calls that one of them follows on the same descriptor, and those that reach a device
/// before they return (`O_SYNC`, `O_DIRECT`). Descriptors are told apart by their numbers: where `close` was not recorded, a
/// number that was given back in between is taken for the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DurableWrites {
    /// Calls that write.
    pub writes: IoCalls,
    /// Calls that wait for the device.
    pub syncs: IoCalls,
    /// Sizes of `writes`; `None` without such calls.
    pub write_sizes: Option<WriteSizes>,
    /// Time in which at least one thread was in one of these calls; `None` when their ends were not recorded. Units: nanoseconds.
    pub waited_ns: Option<u64>,
}

/// A line of the program and the system calls made from there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IoSite {
    /// The line nearest the call outside the standard library; `None` where no stack was recorded.
    pub frame: Option<Frame>,
    /// Calls that write.
    pub writes: IoCalls,
    /// Calls that wait for the device.
    pub syncs: IoCalls,
    /// Sizes of `writes`; `None` without such calls.
    pub write_sizes: Option<WriteSizes>,
}

/// How large writing calls are, by the bytes they asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteSizes {
    /// Half of them asked for no more.
    pub p50_bytes: u64,
    /// 95 of 100 asked for no more.
    pub p95_bytes: u64,
    /// Number of calls by the power of two that they do not exceed, ascending.
    pub by_power: Vec<(u64, u64)>,
}

/// System calls of a kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IoCalls {
    /// How many.
    pub n: u64,
    /// Bytes asked for.
    pub bytes: u64,
    /// Units: nanoseconds between begin and end; `None` when their ends were not recorded.
    pub ns: Option<u64>,
}

impl AddAssign for IoCalls {
    fn add_assign(&mut self, other: Self) {
        self.n = self.n.saturating_add(other.n);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.ns = match (self.ns, other.ns) {
            (Some(ns), Some(more)) => Some(ns.saturating_add(more)),
            (ns, more) => ns.or(more),
        };
    }
}

/// Requests that write to block devices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BlockWrites {
    /// How many.
    pub n: u64,
    /// Bytes of all.
    pub bytes: u64,
}

impl AddAssign for BlockWrites {
    fn add_assign(&mut self, other: Self) {
        self.n = self.n.saturating_add(other.n);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}
