#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn values_of_several_runs_are_spread() {
    let mut figures = Figures::default();
    for output in ["BenchmarkA 10 3 ns/op 1 B/op", "BenchmarkA 10 1 ns/op", "BenchmarkA 10 2 ns/op"]
    {
        figures.add_run(output);
    }
    assert_eq!(
        figures.spread("A", "ns/op"),
        Some(Spread { median: 2.0, low: 1.0, high: 3.0, n: 3 })
    );
    assert_eq!(figures.spread("A", "B/op").map(|spread| spread.n), Some(1));
    assert_eq!(figures.value(1, "A", "B/op"), None);
    assert_eq!(figures.value(2, "A", "ns/op"), Some(2.0));
    let listed: Vec<_> = figures.iter().map(|(name, unit, _)| (name, unit)).collect();
    assert_eq!(listed, [("A", "B/op"), ("A", "ns/op")]);
}

#[test]
fn a_run_that_missed_a_figure_leaves_a_gap() {
    let mut figures = Figures::default();
    figures.add_run("goos: linux\nPASS");
    figures.add_run("BenchmarkA 1 5 ns/op\nnote: simulated\nnote: simulated");
    assert_eq!(figures.value(0, "A", "ns/op"), None);
    assert_eq!(figures.value(1, "A", "ns/op"), Some(5.0));
    assert_eq!(figures.notes(), ["simulated"]);
}

#[test]
fn what_is_no_result_is_passed_over() {
    for line in
        ["", "Benchmark", "BenchmarkA", "BenchmarkA x 1 ns/op", "BenchmarkA 1 x ns/op", "ok 1 2 3"]
    {
        let mut figures = Figures::default();
        figures.add_run(line);
        assert_eq!(figures.iter().count(), 0, "{line:?}");
    }
}

#[test]
fn what_is_not_finite_is_not_measured() {
    assert_eq!(Spread::of([f64::NAN, f64::INFINITY]), None);
}

#[test]
fn output_that_was_cut_keeps_what_is_whole() {
    let whole = "pkg: é\nBenchmarkA/x=1 10 3.5 ns/op 1e3 B/op\nnote: n\nBenchmarkB 1 -2 points\n";
    for end in (0..=whole.len()).filter(|&end| whole.is_char_boundary(end)) {
        let mut figures = Figures::default();
        figures.add_run(&whole[..end]);
        assert_eq!(figures.n_runs(), 1);
        let is_read = whole[..end].contains("ns/op");
        assert_eq!(figures.spread("A/x=1", "ns/op").is_some(), is_read, "{end}");
    }
}

#[test]
fn the_fuzz_corpus_replays() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/lab");
    let mut n_figures = 0;
    for seed in std::fs::read_dir(corpus).unwrap() {
        let mut figures = Figures::default();
        figures.add_run(&std::fs::read_to_string(seed.unwrap().path()).unwrap());
        n_figures += figures.iter().inspect(|(_, _, spread)| assert!(spread.n == 1)).count();
    }
    assert!(n_figures >= 12);
}
