//! Writes to storage, so that slow writes to a disk are not taken for slow writes to a map.

use super::ProcessContext;
use crate::finding::{Advice, Amount, Cause, Confidence, EvidenceLine, Finding, Level, Reason};
use evidence::words::base_name;
use evidence::{DurableWrites, Frame, IoSite, ProcessStorage};

/// Time in which a thread is in sync calls or in writes that are synced or written through, of the time recorded, from which
/// on it is a matter.
pub(super) const WAITING_FOR_STORAGE: f64 = 0.10;
/// Half of the writing calls ask for no more than this: a page. Units: bytes.
pub(super) const SMALL_WRITE: u64 = 4096;
/// Calls below which no rule speaks.
pub(super) const ENOUGH_CALLS: u64 = 100;

/// Many small writes, each of which the program waits for. Those to sockets and pipes, and those that the kernel writes later,
/// are none.
pub(super) fn small_writes(process: &ProcessContext<'_>) -> Option<Finding> {
    let storage = process.evidence.storage.as_ref()?;
    let durable = storage.durable.as_ref()?;
    let median = durable.write_sizes.as_ref()?.p50_bytes;
    let waited_ns = durable.waited_ns?;
    let is_long = waited_ns as f64 >= WAITING_FOR_STORAGE * storage.duration_ns as f64;
    let n_calls = durable.writes.n.saturating_add(durable.syncs.n);
    if !is_long || median > SMALL_WRITE || n_calls < ENOUGH_CALLS {
        return None;
    }
    let first_at = worst(storage).map(|(_, frame)| frame.clone());
    let confidence = Confidence { level: Level::High, reason: Reason::CallsTimed };
    let advice = Advice::BatchWrites { first_at };
    let finding = Finding::new(process.rule, Cause::SmallWrites, advice, confidence);
    Some(Finding { evidence: lines(storage, durable, waited_ns), ..finding })
}

/// The line whose calls take longest, those first that wait for the device.
fn worst(storage: &ProcessStorage) -> Option<(&IoSite, &Frame)> {
    let ns = |site: &&IoSite| (site.syncs.ns, site.writes.ns);
    let site = storage.sites.iter().filter(|site| site.frame.is_some()).max_by_key(ns)?;
    Some((site, site.frame.as_ref()?))
}

fn lines(storage: &ProcessStorage, durable: &DurableWrites, waited_ns: u64) -> Vec<EvidenceLine> {
    let line = |what: &str, amount| EvidenceLine {
        sources: storage.source.into(),
        what: what.to_owned(),
        amount,
    };
    let waiting = Amount::TimeShare { part_ns: waited_ns, whole_ns: storage.duration_ns };
    let mut lines = vec![line(
        "a thread or more in sync calls, or in writes that are synced or written through, of the time recorded",
        waiting,
    )];
    if let Some((site, frame)) = worst(storage)
        && let Some(ns) = site.syncs.ns.or(site.writes.ns)
    {
        let place = format!("{} {}:{}", frame.function, base_name(&frame.file), frame.line);
        let calls = if site.syncs.ns.is_some() { "sync" } else { "writing" };
        let what = format!("in {calls} calls at {place}, added up over threads");
        lines.push(line(&what, Amount::Time(ns)));
    }
    lines.push(line(
        "writing calls that are synced or written through",
        Amount::Count(durable.writes.n),
    ));
    if let Some(sizes) = &durable.write_sizes {
        lines.push(line("half of them ask for at most", Amount::Bytes(sizes.p50_bytes)));
    }
    if let Some(blocks) = storage.blocks.filter(|_| durable.writes.bytes > 0) {
        let ratio = blocks.bytes as f64 / durable.writes.bytes as f64;
        let what = "bytes that its threads issued to devices, for each byte asked for";
        lines.push(line(what, Amount::Ratio(ratio)));
    }
    lines.push(line("calls that wait for the device", Amount::Count(durable.syncs.n)));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use evidence::{BlockWrites, Evidence, IoCalls, WriteSizes};

    use crate::source_id;

    const SECOND: u64 = 1_000_000_000;
    /// The least that the rule speaks about.
    const ENOUGH_NS: u64 = (WAITING_FOR_STORAGE * SECOND as f64) as u64;

    fn writing(n: u64, p50_bytes: u64, waited_ns: Option<u64>) -> Evidence {
        let writes = IoCalls { n, bytes: 1000, ns: Some(0) };
        let syncs = IoCalls { n: 10, bytes: 0, ns: waited_ns };
        let sizes = WriteSizes { p50_bytes, p95_bytes: p50_bytes, by_power: Vec::new() };
        let site = |function: &str, writes, syncs| {
            let (function, file) = (function.into(), "log/main.go".into());
            let frame = Some(Frame { function, file, line: 7 });
            IoSite { frame, writes, syncs, write_sizes: None }
        };
        let elsewhere = IoCalls { n: 100_000, bytes: 1, ns: Some(100 * SECOND) };
        let durable = DurableWrites { writes, syncs, write_sizes: Some(sizes), waited_ns };
        Evidence {
            storage: Some(ProcessStorage {
                source: source_id(0),
                duration_ns: SECOND,
                writes: Some(elsewhere),
                syncs: Some(syncs),
                write_sizes: None,
                durable: Some(durable),
                sites: vec![
                    site("main.serve", elsewhere, IoCalls::default()),
                    site("main.append", writes, syncs),
                ],
                blocks: Some(BlockWrites { n: 5, bytes: 2500 }),
                blocks_of_others: None,
            }),
            ..Evidence::default()
        }
    }

    fn found(evidence: Evidence) -> Option<Finding> {
        crate::diagnose(evidence).findings.pop()
    }

    #[test]
    fn small_writes_that_are_waited_for_should_be_batched() {
        let found = found(writing(ENOUGH_CALLS - 10, SMALL_WRITE, Some(ENOUGH_NS)));
        let found = found.expect("all thresholds are reached");
        assert_eq!(found.verdict(), crate::Verdict::Batch);
        let Advice::BatchWrites { first_at: Some(first) } = &found.advice else {
            panic!("{found:?}")
        };
        assert_eq!((&*first.function, first.line), ("main.append", 7));
        assert!(found.evidence.iter().any(|line| line.amount == Amount::Ratio(2.5)));
        let is_silent = |evidence| self::found(evidence).is_none();
        assert!(is_silent(writing(ENOUGH_CALLS - 11, SMALL_WRITE, Some(ENOUGH_NS))));
        assert!(is_silent(writing(ENOUGH_CALLS, SMALL_WRITE + 1, Some(ENOUGH_NS))));
        assert!(is_silent(writing(ENOUGH_CALLS, SMALL_WRITE, Some(ENOUGH_NS - 1))));
        assert!(is_silent(Evidence::default()));
    }

    #[test]
    fn what_was_not_timed_or_may_go_to_sockets_is_no_finding() {
        assert!(found(writing(1000, 1, None)).is_none());
        let mut evidence = writing(1000, 1, Some(SECOND));
        evidence.storage.as_mut().expect("it was written").durable = None;
        assert!(found(evidence).is_none());
    }
}
