//! Writes to files and devices.

use evidence::{Frame, ProcessStorage};
use schemars::JsonSchema;
use serde::Serialize;

/// Writes to files and devices.
#[derive(Serialize, JsonSchema)]
pub(super) struct Storage<'d> {
    /// Index into `sources`.
    source: u32,
    /// How long was recorded. Nanoseconds.
    duration_ns: u64,
    /// Writing calls; null when they were not recorded.
    writes: Option<Calls>,
    /// Calls that wait for the device; null when they were not recorded.
    syncs: Option<Calls>,
    /// How much the writing calls ask for; null without any.
    write_sizes: Option<WriteSizes>,
    /// What reaches a device before the program goes on; null when neither syncs nor requests to devices were recorded.
    durable: Option<Durable>,
    /// Lines that write or wait.
    sites: Vec<IoSite<'d>>,
    /// Requests to devices by the program's own threads; null when they were not recorded.
    block_writes: Option<BlockWrites>,
    /// Those of other processes; null when they were not recorded.
    block_writes_of_others: Option<BlockWrites>,
}

impl<'d> From<&'d ProcessStorage> for Storage<'d> {
    fn from(storage: &'d ProcessStorage) -> Self {
        Self {
            source: storage.source.index(),
            duration_ns: storage.duration_ns,
            writes: storage.writes.map(Calls::from),
            syncs: storage.syncs.map(Calls::from),
            write_sizes: storage.write_sizes.as_ref().map(WriteSizes::from),
            durable: storage.durable.as_ref().map(Durable::from),
            sites: super::each(&storage.sites),
            block_writes: storage.blocks.map(BlockWrites::from),
            block_writes_of_others: storage.blocks_of_others.map(BlockWrites::from),
        }
    }
}

/// System calls of a kind.
#[derive(Serialize, JsonSchema)]
struct Calls {
    /// Number.
    n: u64,
    /// Asked for. Bytes.
    bytes: u64,
    /// Time in them, added up over threads; null when their ends were not recorded. Nanoseconds.
    ns: Option<u64>,
}

impl From<evidence::IoCalls> for Calls {
    fn from(evidence::IoCalls { n, bytes, ns }: evidence::IoCalls) -> Self {
        Self { n, bytes, ns }
    }
}

/// How much writing calls ask for.
#[derive(Serialize, JsonSchema)]
struct WriteSizes {
    /// Half of them ask for no more. Bytes.
    p50_bytes: u64,
    /// 95 of 100 ask for no more. Bytes.
    p95_bytes: u64,
    /// By the power of two that they do not exceed, ascending.
    by_power: Vec<CallsOfSize>,
}

impl From<&evidence::WriteSizes> for WriteSizes {
    fn from(sizes: &evidence::WriteSizes) -> Self {
        let by_power = sizes.by_power.iter().map(|&(bytes, n)| CallsOfSize { bytes, n });
        Self {
            p50_bytes: sizes.p50_bytes,
            p95_bytes: sizes.p95_bytes,
            by_power: by_power.collect(),
        }
    }
}

/// Writing calls of about one size.
#[derive(Serialize, JsonSchema)]
struct CallsOfSize {
    /// Asked for at most. Bytes.
    bytes: u64,
    /// Number of calls.
    n: u64,
}

/// Sync calls, the writing calls that one follows on the same descriptor, and those that reach a device before they return.
#[derive(Serialize, JsonSchema)]
struct Durable {
    /// The writing calls.
    writes: Calls,
    /// The sync calls.
    syncs: Calls,
    /// How much the writing calls ask for; null without any.
    write_sizes: Option<WriteSizes>,
    /// Time in which a thread or more was in them; null when their ends were not recorded. Nanoseconds.
    waited_ns: Option<u64>,
}

impl From<&evidence::DurableWrites> for Durable {
    fn from(durable: &evidence::DurableWrites) -> Self {
        Self {
            writes: durable.writes.into(),
            syncs: durable.syncs.into(),
            write_sizes: durable.write_sizes.as_ref().map(WriteSizes::from),
            waited_ns: durable.waited_ns,
        }
    }
}

/// A line that writes or waits.
#[derive(Serialize, JsonSchema)]
struct IoSite<'d> {
    /// The line; null without a stack.
    at: Option<&'d Frame>,
    /// Its writing calls.
    writes: Calls,
    /// Its sync calls.
    syncs: Calls,
    /// How much the writing calls ask for; null without any.
    write_sizes: Option<WriteSizes>,
}

impl<'d> From<&'d evidence::IoSite> for IoSite<'d> {
    fn from(site: &'d evidence::IoSite) -> Self {
        Self {
            at: site.frame.as_ref(),
            writes: site.writes.into(),
            syncs: site.syncs.into(),
            write_sizes: site.write_sizes.as_ref().map(WriteSizes::from),
        }
    }
}

/// Requests that write to devices.
#[derive(Serialize, JsonSchema)]
struct BlockWrites {
    /// Number.
    n: u64,
    /// Written. Bytes.
    bytes: u64,
}

impl From<evidence::BlockWrites> for BlockWrites {
    fn from(evidence::BlockWrites { n, bytes }: evidence::BlockWrites) -> Self {
        Self { n, bytes }
    }
}
