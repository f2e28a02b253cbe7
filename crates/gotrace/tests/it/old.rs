//! The format before Go 1.22: sums are those that Go's reader comes to.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

use gotrace::{ErrorKind, Symbols, Totals, scan_trace};

use crate::like_go::read_by_go;
use crate::sample;
use crate::totals::{Ranges, expected_ranges, ranges_of};

const OLD: [(&str, &str); 2] = [
    ("nested-1.21.13", "nested-1.21.13/nested-1.21.13.trace.xz"),
    ("flat-1.21.13", "flat-1.21.13/trace.out"),
];

fn scanned(bytes: &[u8]) -> (Totals, Symbols, u64) {
    let mut totals = Totals::default();
    let scanned = scan_trace(bytes, &mut totals).unwrap();
    assert_eq!(scanned.faults, []);
    (totals, scanned.value.symbols, scanned.value.n_events)
}

#[test]
fn sums_of_samples_are_those_of_go() {
    for (name, path) in OLD {
        let (totals, symbols, _) = scanned(&sample(path));
        let expected = expected_ranges(&format!("{name}.trace.go-internal-trace.txt"));
        assert_alike(name, &ranges_of(&totals, &symbols), &expected);
    }
    // From expected/nested-1.21.13.trace.go-internal-trace.txt, and an independent reader.
    let (totals, _, n_events) = scanned(&sample(OLD[0].1));
    assert_eq!((totals.swept_bytes, totals.reclaimed_bytes), (1_750_351_872, 287_588_376));
    assert_eq!((totals.n_cpu_samples, totals.heap_max_bytes), (89, 42_835_672));
    assert_eq!(totals.assists_by_goroutine.len(), 4);
    assert!(totals.assists.on_cpu_ns > 0 && totals.assists.on_cpu_ns < totals.assists.wall_ns);
    assert!(n_events > 90_000);
}

/// Go moves an event that is not later than the one before by a nanosecond.
#[track_caller]
fn assert_alike(name: &str, ours: &Ranges, theirs: &Ranges) {
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>(), "{name}");
    for (range, &(n, ns)) in theirs {
        let (our_n, our_ns) = ours[range];
        assert_eq!(our_n, n, "{name}: {range}");
        assert!((our_ns - ns).unsigned_abs() <= 2 * n, "{name}: {range}: {our_ns} and {ns}");
    }
}

#[test]
fn stacks_lead_to_the_map() {
    let (totals, symbols, _) = scanned(&sample(OLD[0].1));
    let in_map = |&&(_, stack): &&(gotrace::Cause, gotrace::StackKey)| {
        symbols.frames(stack).any(|frame| frame.func == "runtime.mapassign_faststr")
    };
    assert!(totals.by_stack.keys().filter(in_map).count() > 10);
}

/// Number and sum of the ranges that Go prints, which may end a nanosecond later for each event to keep the order.
fn ranges_by_go(events: &str) -> Ranges {
    let mut open = HashMap::new();
    let mut ranges: Ranges = BTreeMap::new();
    let field = |line: &str, key: &str| {
        let tail = line.split_once(key).unwrap().1;
        tail.split([' ', '"']).next().unwrap().parse::<i64>().unwrap()
    };
    for line in events.lines().filter(|line| line.contains(" Range")) {
        let name = line.split_once("Name=\"").unwrap().1.split('"').next().unwrap();
        let scope = line.split_once("Scope=").unwrap().1.split(' ').next().unwrap();
        let time = field(line, "Time=");
        if line.contains(" RangeEnd ") {
            let start: i64 = open.remove(&(name, scope)).unwrap();
            let sum = ranges.entry(name.to_owned()).or_default();
            (sum.0, sum.1) = (sum.0 + 1, sum.1 + time - start);
        } else {
            open.insert((name, scope), time);
        }
    }
    ranges
}

#[test]
fn sums_of_gos_own_traces_are_those_of_go() {
    let Some(go) = xtask::go::toolchain("1.27.3") else {
        return xtask::skip("Go 1.27.3 is not installed");
    };
    let root = go.go.parent().unwrap().parent().unwrap();
    let dir = root.join("src/internal/trace/internal/tracev1/testdata");
    let of_go = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let ours = OLD.iter().map(|(_, path)| crate::sample_path(path));
    let mut n = 0;
    for path in of_go.chain(ours).collect::<Vec<PathBuf>>() {
        let name = path.display();
        let by_go = read_by_go(&path).unwrap();
        assert_eq!(by_go.error, None, "{name}");
        let (totals, symbols, _) = scanned(&crate::read(&path));
        let mut ours = ranges_of(&totals, &symbols);
        ours.retain(|_, (n, _)| *n > 0);
        assert_alike(&name.to_string(), &ours, &ranges_by_go(&by_go.events));
        n += 1;
    }
    assert_eq!(n, 14);
}

#[test]
fn a_cut_trace_has_no_clock_and_is_refused_for_that() {
    let bytes = sample(OLD[1].1);
    // Stacks follow the clock, and take the rest.
    for n in (16..bytes.len() / 2).step_by(991) {
        let error = scan_trace(&bytes[..n], &mut Totals::default()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::NoOldFrequency, "cut to {n}");
    }
}

#[test]
fn damage_behind_the_clock_is_a_fault_and_what_precedes_it_kept() {
    let bytes = sample(OLD[1].1);
    let cut = &bytes[..bytes.len() - 10];
    let (whole, ..) = scanned(&bytes);
    let mut totals = Totals::default();
    let parsed = scan_trace(cut, &mut totals).unwrap();
    assert_eq!(totals.assists, whole.assists);
    assert!(parsed.faults.iter().any(|fault| fault.kind == ErrorKind::Truncated));
    for at in (0..bytes.len()).step_by(499) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x41;
        let _ = scan_trace(&damaged[..], &mut Totals::default());
    }
}
