//! Writes to storage, so that slow writes to a disk are not taken for slow writes to a map.

use crate::evidence::{Evidence, IoCalls, IoSite, ProcessStorage};
use crate::finding::{Amount, Confidence, EvidenceLine, Finding, Level, Verdict};

/// Time in calls that write or wait for the device, of the time recorded, from which on it is a matter.
pub(super) const WAITING_FOR_STORAGE: f64 = 0.10;
/// Half of the writing calls ask for no more than this: a page. Units: bytes.
pub(super) const SMALL_WRITE: u64 = 4096;
/// Calls below which no rule speaks.
pub(super) const ENOUGH_CALLS: u64 = 100;

/// Many small writes, each of which the program waits for.
pub(super) fn small_writes(evidence: &Evidence) -> Option<Finding> {
    let storage = evidence.storage.as_ref()?;
    let (writes, syncs) = (storage.writes?, storage.syncs.unwrap_or_default());
    let median = storage.write_sizes.as_ref()?.p50_bytes;
    let waited_ns = waited_ns(writes, syncs)?;
    let is_long = waited_ns as f64 >= WAITING_FOR_STORAGE * storage.duration_ns as f64;
    let n_calls = writes.n.saturating_add(syncs.n);
    if !is_long || median > SMALL_WRITE || n_calls < ENOUGH_CALLS {
        return None;
    }
    Some(Finding {
        rule: "small-writes",
        site: None,
        cause: "the program waits for many small writes to storage; maps have no part in that"
            .to_owned(),
        verdict: Verdict::Batch,
        advice: advice(storage),
        cost: None,
        saving: None,
        confidence: Confidence {
            level: Level::High,
            reason: "every call was counted and timed".to_owned(),
        },
        evidence: lines(storage, waited_ns),
    })
}

/// Time in both kinds of calls; `None` when the ends of calls were not recorded.
fn waited_ns(writes: IoCalls, syncs: IoCalls) -> Option<u64> {
    match (writes.ns, syncs.ns) {
        (None, None) => None,
        (writes_ns, syncs_ns) => Some(writes_ns.unwrap_or(0).saturating_add(syncs_ns.unwrap_or(0))),
    }
}

/// The line that most is waited for.
fn worst(storage: &ProcessStorage) -> Option<(&IoSite, String)> {
    let ns = |site: &&IoSite| waited_ns(site.writes, site.syncs).unwrap_or(0);
    let site = storage.sites.iter().filter(|site| site.frame.is_some()).max_by_key(ns)?;
    let frame = site.frame.as_ref()?;
    let file = frame.file.rsplit('/').next().unwrap_or(&frame.file);
    Some((site, format!("{} {file}:{}", frame.function, frame.line)))
}

fn advice(storage: &ProcessStorage) -> String {
    let place = worst(storage).map_or(String::new(), |(_, place)| format!(", at {place} first"));
    format!(
        "collect what is written in a bufio.Writer or a slice, and write and fsync once for many entries{place}; how much may \
         be lost when the machine stops says how many"
    )
}

fn lines(storage: &ProcessStorage, waited_ns: u64) -> Vec<EvidenceLine> {
    let line = |what: &str, amount| {
        let (source, what) = (storage.source, what.to_owned());
        EvidenceLine { source, what, amount }
    };
    let share = |part_ns, whole_ns| Amount::TimeShare { part_ns, whole_ns };
    let mut lines = vec![line(
        "in calls that write or wait for the device, of the time recorded",
        share(waited_ns, storage.duration_ns),
    )];
    if let Some((site, place)) = worst(storage) {
        let here_ns = self::waited_ns(site.writes, site.syncs).unwrap_or(0);
        lines.push(line(&format!("of that at {place}"), share(here_ns, waited_ns)));
    }
    if let (Some(writes), Some(sizes)) = (storage.writes, &storage.write_sizes) {
        lines.push(line("writing calls", Amount::Count(writes.n)));
        lines.push(line("half of them ask for at most", Amount::Bytes(sizes.p50_bytes)));
        if let Some(blocks) = storage.blocks.filter(|_| writes.bytes > 0) {
            let ratio = blocks.bytes as f64 / writes.bytes as f64;
            let what = "bytes that its threads issued to devices, for each byte asked for";
            lines.push(line(what, Amount::Ratio(ratio)));
        }
    }
    if let Some(syncs) = storage.syncs {
        lines.push(line("calls that wait for the device", Amount::Count(syncs.n)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{BlockWrites, Frame, SourceId, WriteSizes};

    const SECOND: u64 = 1_000_000_000;

    fn writing(n: u64, p50_bytes: u64, ns: Option<u64>) -> Evidence {
        let writes = IoCalls { n, bytes: 1000, ns: Some(0) };
        let syncs = IoCalls { n: 10, bytes: 0, ns };
        let sizes = WriteSizes { p50_bytes, p95_bytes: p50_bytes, by_power: Vec::new() };
        let (function, file) = ("main.append".to_owned(), "log/main.go".to_owned());
        let frame = Some(Frame { function, file, line: 7 });
        let site = IoSite { frame, writes, syncs, write_sizes: None };
        Evidence {
            storage: Some(ProcessStorage {
                source: SourceId(0),
                duration_ns: SECOND,
                writes: Some(writes),
                syncs: Some(syncs),
                write_sizes: Some(sizes),
                sites: vec![site],
                blocks: Some(BlockWrites { n: 5, bytes: 2500 }),
                blocks_of_others: None,
            }),
            ..Evidence::default()
        }
    }

    #[test]
    fn small_writes_that_are_waited_for_should_be_batched() {
        let enough_ns = (WAITING_FOR_STORAGE * SECOND as f64) as u64;
        let found = small_writes(&writing(ENOUGH_CALLS - 10, SMALL_WRITE, Some(enough_ns)));
        let found = found.expect("all thresholds are reached");
        assert_eq!(found.verdict, Verdict::Batch);
        assert!(found.advice.contains("at main.append main.go:7 first"), "{}", found.advice);
        assert!(found.evidence.iter().any(|line| line.amount == Amount::Ratio(2.5)));
        let is_silent = |evidence| small_writes(&evidence).is_none();
        assert!(is_silent(writing(ENOUGH_CALLS - 11, SMALL_WRITE, Some(enough_ns))));
        assert!(is_silent(writing(ENOUGH_CALLS, SMALL_WRITE + 1, Some(enough_ns))));
        assert!(is_silent(writing(ENOUGH_CALLS, SMALL_WRITE, Some(enough_ns - 1))));
        assert!(is_silent(Evidence::default()));
    }

    #[test]
    fn what_was_not_timed_is_no_finding() {
        let mut evidence = writing(1000, 1, None);
        let storage = evidence.storage.as_mut().expect("it was written");
        storage.writes = storage.writes.map(|writes| IoCalls { ns: None, ..writes });
        assert!(small_writes(&evidence).is_none());
    }
}
