//! Cut and damaged traces: nothing panics, and what was readable is kept.

use std::collections::BTreeMap;
use std::path::Path;

use gotrace::ErrorKind as Format;
use gotrace_oracle::{Error, ErrorKind, EventKind, parse_text, write_raw};

use crate::go_format::go_format;
use crate::{each_event, sample};

/// Events of each thread without what depends on other threads and on tables that come last.
fn by_thread(bytes: &[u8]) -> (BTreeMap<Option<u64>, Vec<String>>, Vec<Error>) {
    let mut threads: BTreeMap<Option<u64>, Vec<String>> = BTreeMap::new();
    let faults = each_event(bytes, |event, _| {
        let text = match event.kind {
            EventKind::Sync { .. } | EventKind::CpuSample => return,
            EventKind::Go { goroutine, from, to, .. } => format!("{goroutine:?} {from:?} {to:?}"),
            EventKind::Proc { proc, from, to } => format!("{proc:?} {from:?} {to:?}"),
            EventKind::Metric { metric, value } => format!("{metric:?} {value}"),
            _ => String::new(),
        };
        threads.entry(event.thread().map(|thread| thread.0)).or_default().push(text);
    });
    (threads, faults)
}

fn fixture(name: &str) -> Vec<u8> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/fixtures");
    let text = std::fs::read_to_string(dir.join(format!("{name}.test"))).unwrap();
    let (version, events) = parse_text(text.split_once("-- trace --\n").unwrap().1).unwrap();
    write_raw(version, &events)
}

#[track_caller]
fn every_cut_keeps_a_prefix(bytes: &[u8], step: usize) {
    let (whole, faults) = by_thread(bytes);
    assert_eq!(faults, []);
    for n in (16..bytes.len()).step_by(step) {
        let (cut, _) = by_thread(&bytes[..n]);
        for (thread, events) in cut {
            let all = &whole[&thread];
            let differ = events.iter().zip(all).position(|(a, b)| a != b);
            assert!(
                differ.is_none() && events.len() <= all.len(),
                "cut to {n}: thread {thread:?} differs at {differ:?}"
            );
        }
    }
}

#[test]
fn every_cut_of_fixtures_keeps_a_prefix_of_each_thread() {
    every_cut_keeps_a_prefix(&fixture("go122-annotations"), 1);
    every_cut_keeps_a_prefix(&fixture("go122-create-syscall-reuse-thread-id"), 1);
    every_cut_keeps_a_prefix(&fixture("go125-sync"), 1);
}

#[test]
fn cuts_of_real_traces_keep_a_prefix_of_each_thread() {
    every_cut_keeps_a_prefix(&sample("traces-other/go1.22.10-nested.trace"), 997);
    every_cut_keeps_a_prefix(&sample("traces-other/go1.25.5-nested.trace"), 997);
    every_cut_keeps_a_prefix(&sample("traces-other/go1.26.6-nested.trace"), 997);
}

#[test]
fn a_cut_is_a_fault() {
    // Go 1.26 marks the end of a generation, so that no cut goes unnoticed.
    let bytes = sample("traces-other/go1.26.6-nested.trace");
    for n in (17..bytes.len()).step_by(487) {
        assert_ne!(each_event(&bytes[..n], |_, _| {}), [], "cut to {n}");
    }
}

#[test]
fn truncated_samples_keep_what_go_drops() {
    for name in ["traces-other/go1.23.9-truncated.trace", "traces-other/go1.26.6-truncated.trace"] {
        let mut n = 0;
        let faults = each_event(&sample(name), |_, _| n += 1);
        assert!(n > 1000, "{name}: {n}");
        assert!(
            faults.iter().any(|f| f.kind == ErrorKind::from(Format::Truncated)),
            "{name}: {faults:?}"
        );
    }
}

#[test]
fn reasons_of_the_runtime_have_names_when_strings_are_lost() {
    let bytes = sample("traces-other/go1.23.9-truncated.trace");
    let mut reasons = BTreeMap::new();
    each_event(&bytes, |event, events| {
        if let EventKind::Go { reason, .. } = event.kind {
            *reasons.entry(events.tables().text(reason).to_owned()).or_insert(0) += 1;
        }
    });
    assert!(reasons.contains_key("system goroutine wait"), "{reasons:?}");
}

#[test]
fn flipped_bytes_do_no_harm() {
    let bytes = fixture("go122-annotations");
    for at in 0..bytes.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] ^= flip;
            let Ok(scanned) = gotrace::scan_trace(&damaged[..], &mut gotrace::Totals::default())
            else {
                continue;
            };
            let mut faults = each_event(&damaged, |event, events| {
                go_format(event, events);
            });
            faults.extend(scanned.faults.into_iter().map(Error::from));
            assert!(faults.iter().all(|fault| fault.offset <= damaged.len() as u64), "{faults:?}");
        }
    }
}

#[test]
fn generations_that_follow_damage_are_read() {
    let mut bytes = fixture("go122-task-across-generations");
    let parsed: Vec<_> = crate::generations(&bytes).map(|parsed| parsed.value).collect();
    assert_eq!(parsed.len(), 2);
    let first_event = parsed[0].threads[0].batches[0].offset as usize;
    let second = parsed[1].number;
    let n_events = |bytes: &[u8]| {
        let mut n = 0;
        let faults = each_event(bytes, |_, events| n += usize::from(events.generation() >= second));
        (n, faults)
    };
    let (n_whole, _) = n_events(&bytes);
    bytes[first_event] = 0x7f;
    let (n_damaged, faults) = n_events(&bytes);
    assert!(n_whole > 2, "more than its beginning and the end");
    assert_eq!(n_damaged, n_whole);
    let offset = first_event as u64;
    assert_eq!(faults[0].offset, offset);
    assert_eq!(faults[0].kind, ErrorKind::from(Format::Misplaced { found: 0x7f, place: "events" }));
}
