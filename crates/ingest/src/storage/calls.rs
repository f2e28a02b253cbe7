//! System calls, added up.

use std::collections::BTreeMap;

use evidence::{IoCalls, WriteSizes};

use super::tracepoints::Kind;

/// System calls, added up.
#[derive(Debug, Clone, Default)]
pub(super) struct Calls {
    pub(super) writes: IoCalls,
    pub(super) syncs: IoCalls,
    /// Writing calls by the bytes they asked for.
    pub(super) by_bytes: BTreeMap<u64, u64>,
}

/// System calls with the times that they took.
#[derive(Debug, Default)]
pub(super) struct Timed {
    pub(super) calls: Calls,
    /// Begin and end of each.
    pub(super) spans: Vec<(u64, u64)>,
}

impl Timed {
    pub(super) fn append(&mut self, mut other: Self) {
        self.calls.add(&other.calls);
        self.spans.append(&mut other.spans);
    }
}

impl Calls {
    pub(super) fn asked(&mut self, bytes: u64) {
        self.writes.n += 1;
        self.writes.bytes = self.writes.bytes.saturating_add(bytes);
        *self.by_bytes.entry(bytes).or_default() += 1;
    }

    /// The kernel was interrupted and makes the same call again, which the program asked for once.
    pub(super) fn take_back(&mut self, kind: Kind, bytes: u64) {
        match kind {
            Kind::Write => {
                self.writes.n -= 1;
                self.writes.bytes = self.writes.bytes.saturating_sub(bytes);
                if let Some(n) = self.by_bytes.get_mut(&bytes) {
                    *n -= 1;
                }
            }
            Kind::Sync => self.syncs.n -= 1,
            // Counted by their ends alone, or not at all.
            Kind::VectorWrite | Kind::Close => {}
        }
    }

    pub(super) fn took(&mut self, kind: Kind, span: Option<(u64, u64)>) {
        let ns = span.map(|(begin, end)| end.saturating_sub(begin));
        let ended = IoCalls { ns, ..IoCalls::default() };
        match kind {
            Kind::Write | Kind::VectorWrite => self.writes += ended,
            Kind::Sync => self.syncs += ended,
            Kind::Close => {}
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.writes += other.writes;
        self.syncs += other.syncs;
        for (&bytes, &n) in &other.by_bytes {
            *self.by_bytes.entry(bytes).or_default() += n;
        }
    }

    pub(super) fn sizes(&self) -> Option<WriteSizes> {
        // Bytes that so many hundredths of the calls do not exceed.
        let quantile = |hundredths: u64| {
            let mut n_below = 0;
            self.by_bytes.iter().find_map(|(&bytes, &n)| {
                n_below += n;
                (100 * n_below >= hundredths * self.writes.n).then_some(bytes)
            })
        };
        let mut by_power = BTreeMap::<u64, u64>::new();
        for (&bytes, &n) in &self.by_bytes {
            *by_power.entry(bytes.checked_next_power_of_two().unwrap_or(u64::MAX)).or_default() +=
                n;
        }
        let by_power = by_power.into_iter().collect();
        Some(WriteSizes { p50_bytes: quantile(50)?, p95_bytes: quantile(95)?, by_power })
    }
}
