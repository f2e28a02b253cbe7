//! Forecasts, line by line, against what real maps printed.

use std::collections::BTreeMap;
use std::process::Command;

use gomap::{Estimate, Forecast, GrowKind, MapShape};
use gomap_oracle::{Op, forecast_ops};
use xtask::go::{BuildOptions, Toolchain};

use crate::fixture::{Fixture, Line, all};

pub(crate) const NUMBERS: [&str; 9] =
    ["double", "same", "small", "table", "split", "moved", "bytes", "allocations", "slots"];

/// In the order of the printed numbers.
pub(crate) fn estimates(forecast: &Forecast) -> [Estimate; 9] {
    let [double, same, small, table, split] = GrowKind::ALL.map(|kind| forecast.grows[kind]);
    let Forecast { moved, allocated_bytes, allocations, slots, .. } = *forecast;
    [double, same, small, table, split, moved, allocated_bytes, allocations, slots]
}

fn printed(line: &Line<'_>) -> [u64; 9] {
    std::array::from_fn(|index| line.number(index + 2))
}

/// Runs of one map type, with one size and hint.
struct Runs {
    forecast: Forecast,
    printed: Vec<[u64; 9]>,
    outside: Vec<String>,
}

impl Runs {
    fn new(forecast: Forecast) -> Self {
        Self { forecast, printed: Vec::new(), outside: Vec::new() }
    }

    fn add(&mut self, line: &Line<'_>) {
        let estimates = estimates(&self.forecast);
        let printed = printed(line);
        self.printed.push(printed);
        let is_outside = |index: &usize| !estimates[*index].contains(printed[*index]);
        if let Some(index) = (0..NUMBERS.len()).find(is_outside) {
            let Estimate { low, high, .. } = estimates[index];
            self.outside.push(format!("{}: {} not in {low}..{high}", line.text, NUMBERS[index]));
        }
    }
}

/// The lines of a fixture, in groups of the same type, operations, size and hint.
fn runs(
    fixture: &Fixture,
    is_wanted: fn(&str) -> bool,
    forecast: impl Fn(MapShape, &Line<'_>) -> Forecast,
) -> BTreeMap<(&str, &str, u64, u64), Runs> {
    let mut groups = BTreeMap::new();
    for line in fixture.lines().filter(|line| is_wanted(line.what)) {
        let key = (line.map, line.what, line.number(0), line.number(1));
        let new = || Runs::new(forecast(fixture.shape(line.map), &line));
        groups.entry(key).or_insert_with(new).add(&line);
    }
    groups
}

fn closed_form(shape: MapShape, line: &Line<'_>) -> Forecast {
    shape.forecast(line.number(0), line.number(1))
}

/// Of all lines 99 in 100 must be in the range, and of the runs of one size all but a few. Beside chance, it is what the
/// runtime allocates for itself meanwhile that puts a line outside.
fn assert_inside<K>(fixture: &Fixture, groups: &BTreeMap<K, Runs>) {
    let version = fixture.version;
    let n_lines: usize = groups.values().map(|runs| runs.printed.len()).sum();
    let outside: Vec<&String> = groups.values().flat_map(|runs| &runs.outside).collect();
    assert!(n_lines > 0);
    assert!(outside.len() <= 1 + n_lines / 100, "{version}: {outside:#?}");
    for runs in groups.values() {
        let allowed = 1 + runs.printed.len() / 50;
        assert!(runs.outside.len() <= allowed, "{version}: {:#?}", runs.outside);
    }
}

#[test]
fn insertions_are_in_the_range() {
    for fixture in all() {
        assert_inside(&fixture, &runs(&fixture, |what| what == "insert", closed_form));
    }
}

/// Swiss maps up to 896 entries leave nothing to chance; of classic ones their arrays do not.
#[test]
fn what_hashing_does_not_decide_is_exact() {
    for fixture in all() {
        for line in fixture.lines().filter(|line| line.what == "insert" && line.number(0) <= 896) {
            let estimates = estimates(&closed_form(fixture.shape(line.map), &line));
            let is_swiss = fixture.version.minor >= 24;
            let certain = if is_swiss { &[0, 1, 2, 3, 4, 5, 6, 7, 8][..] } else { &[0, 1, 8] };
            assert!(certain.iter().all(|&index| estimates[index].is_exact()), "{}", line.text);
        }
    }
}

/// The range is not all there is: means are right too, but for five standard errors, and for approximations a half
/// percent of bytes and moved entries, 3 % of the few allocations.
#[test]
fn expectations_are_the_means_of_many_runs() {
    for fixture in all() {
        for (key, runs) in runs(&fixture, |what| what == "insert", closed_form) {
            if runs.printed.len() < 20 {
                continue;
            }
            for (index, estimate) in estimates(&runs.forecast).iter().enumerate() {
                let values = runs.printed.iter().map(|printed| printed[index] as f64);
                let (mean, standard_error) = mean(values, estimate);
                let part = if NUMBERS[index] == "allocations" { 0.03 } else { 0.005 };
                let error = (mean - estimate.expected).abs();
                let what = NUMBERS[index];
                assert!(
                    error <= 5.0 * standard_error + part * mean + 0.5,
                    "{} {key:?} {what}: {mean} {estimate:?}",
                    fixture.version
                );
            }
        }
    }
}

/// With its standard error, by the spread of the values or, when rare ones are not among them, by the width of the range.
fn mean(values: impl ExactSizeIterator<Item = f64> + Clone, estimate: &Estimate) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.clone().sum::<f64>() / n;
    let variance = values.map(|value| (value - mean).powi(2)).sum::<f64>() / n;
    let deviation = variance.sqrt().max((estimate.high - estimate.low) / 8.0);
    (mean, deviation / n.sqrt())
}

/// The operations of `runs` in `main.go`.
fn ops(what: &str, n: u64) -> Vec<Op> {
    let set = |keys: std::ops::Range<u64>| keys.map(Op::Set);
    let delete = |keys: std::ops::Range<u64>| keys.map(Op::Delete);
    match what {
        "refill" => set(0..n).chain(delete(0..n)).chain(set(n..2 * n)).collect(),
        "exchange" => set(0..n).chain(delete(0..n / 2)).chain(set(n..2 * n)).collect(),
        "clear" => set(0..n).chain([Op::Clear]).chain(set(n..2 * n)).collect(),
        "window" => {
            let slide = (n..5 * n).flat_map(|key| [Op::Set(key), Op::Delete(key - n)]);
            set(0..n).chain(slide).collect()
        }
        _ => panic!("{what}"),
    }
}

fn simulated(shape: MapShape, line: &Line<'_>) -> Forecast {
    let n = line.number(0);
    let ops = ops(line.what, n);
    let n_runs = if n < 1000 { 300 } else { 50 };
    forecast_ops(shape, line.number(1), ops.iter().copied(), 0..n_runs).unwrap()
}

#[test]
fn deletions_and_new_insertions_are_in_the_range() {
    let is_wanted = |what: &str| ["refill", "exchange", "clear", "window"].contains(&what);
    for fixture in all() {
        assert_inside(&fixture, &runs(&fixture, is_wanted, simulated));
    }
}

/// The heap after a collection holds a little of the runtime's own now and then.
#[test]
fn bytes_held_are_those_left_after_a_collection() {
    for fixture in all() {
        let lines: Vec<Line<'_>> = fixture.lines().filter(|line| line.what == "held").collect();
        let is_outside = |line: &&Line<'_>| {
            let held = closed_form(fixture.shape(line.map), line).retained_bytes;
            !(held.low - HEAP_NOISE..=held.high + HEAP_NOISE).contains(&(line.number(2) as f64))
        };
        let outside: Vec<&str> = lines.iter().filter(is_outside).map(|line| line.text).collect();
        assert!(outside.len() <= lines.len() / 50, "{} {outside:#?}", fixture.version);
    }
}

/// Units: bytes.
const HEAP_NOISE: f64 = 16.0;

mod lines_printed_now_are_in_the_range {
    xtask::tests_of_live_versions!(super::check_lines_printed_now);
}

fn check_lines_printed_now(go: &Toolchain) {
    let source = xtask::testdata("mapgrowth/src");
    let program = go.build(&source, &BuildOptions::default()).unwrap();
    let output = |what| Command::new(&program).args([what, "short"]).output().unwrap().stdout;
    let fixture = Fixture::of_text(String::from_utf8(output("grid")).unwrap());
    assert_inside(&fixture, &runs(&fixture, |what| what == "insert", closed_form));
    let fixture = Fixture::of_text(String::from_utf8(output("lockstep")).unwrap());
    crate::lockstep::follow_all(&fixture);
    let fixture = Fixture::of_text(String::from_utf8(output("sizes")).unwrap());
    crate::sizes::check_all(&fixture);
}
