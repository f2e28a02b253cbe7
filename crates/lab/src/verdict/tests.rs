#![allow(clippy::unwrap_used)]

use super::*;
use crate::catalogue::CATALOGUE;
use crate::experiment::{Bound, Metric};

fn experiment(name: &str) -> &'static Experiment {
    CATALOGUE.into_iter().find(|experiment| experiment.name == name).unwrap()
}

fn verdict_of(name: &str, runs: &[&str]) -> Verdict {
    let mut figures = Figures::default();
    runs.iter().for_each(|run| figures.add_run(run));
    judge(experiment(name), &figures).verdict
}

/// Output in which every prediction, and every requirement, is met or missed.
fn doctored(experiment: &Experiment, is_met: bool) -> String {
    let mut lines = String::new();
    let mut put = |metric: Metric, value: f64| {
        lines += &format!("Benchmark{} 1 {value} {}\n", metric.case, metric.unit);
    };
    let all = experiment.requires.iter().map(|check| (check, true));
    for (check, is_met) in all.chain(experiment.predicts.iter().map(|check| (check, is_met))) {
        let (at, is_above) = match check.bound {
            Bound::AtLeast(at) => (at, is_met),
            Bound::AtMost(at) => (at, !is_met),
        };
        let value = if is_above { at + (1.0 + at / 2.0) } else { at - (1.0 + at / 2.0) };
        match check.quantity {
            Quantity::Value(of) => put(of, value),
            Quantity::Ratio(over, under) => {
                put(under, 1.0);
                put(over, value);
            }
            Quantity::Difference(from, less) => {
                put(less, 0.0);
                put(from, value);
            }
        }
    }
    lines
}

#[test]
fn doctored_output_flips_the_verdict() {
    let escape = |assign: f64, lookup: f64| {
        format!(
            "BenchmarkKeyEscape/interface/assign 9 {assign} allocs/op\n\
             BenchmarkKeyEscape/interface/lookup 9 {lookup} allocs/op\n"
        )
    };
    let verdict = |assign, lookup| verdict_of("key-escape", &[&escape(assign, lookup)]);
    assert_eq!(verdict(1.0, 0.0), Verdict::HoldsInPart);
    assert_eq!(verdict(1.0, 1.0), Verdict::Holds);
    assert_eq!(verdict(0.0, 0.0), Verdict::DoesNotHold);
}

#[test]
fn nothing_measured_is_no_verdict() {
    for experiment in CATALOGUE {
        let judgement = judge(experiment, &Figures::default());
        assert_eq!(judgement.verdict, Verdict::NotMeasurable, "{}", experiment.name);
    }
}

#[test]
fn no_verdict_is_fixed() {
    for experiment in CATALOGUE {
        let verdict = |is_met| verdict_of(experiment.name, &[&doctored(experiment, is_met)]);
        assert_ne!(verdict(true), verdict(false), "{}", experiment.name);
    }
}

#[test]
fn what_the_machine_cannot_show_is_not_measurable() {
    let run = |control: f64| {
        format!(
            "BenchmarkFalseSharing/control/one-line 1 {control} p90-cpu-ns/op\n\
             BenchmarkFalseSharing/control/apart 1 1 p90-cpu-ns/op\n\
             BenchmarkFalseSharing/boxed-keys/one-line 1 9 p90-cpu-ns/op\n\
             BenchmarkFalseSharing/boxed-keys/apart 1 9 p90-cpu-ns/op\n"
        )
    };
    assert_eq!(verdict_of("false-sharing", &[&run(4.0)]), Verdict::DoesNotHold);
    assert_eq!(verdict_of("false-sharing", &[&run(1.1)]), Verdict::NotMeasurable);
}

#[test]
fn runs_that_disagree_settle_nothing() {
    let run = |nested: f64| {
        format!(
            "BenchmarkCacheMisses/nested 1 {nested} D1-misses/op\nBenchmarkCacheMisses/flat 1 1 D1-misses/op\n"
        )
    };
    let (more, fewer) = (run(1.5), run(1.0));
    assert_eq!(verdict_of("cache-misses", &[&more, &more, &more, &fewer]), Verdict::HoldsInPart);
    assert_eq!(verdict_of("cache-misses", &[&fewer, &fewer]), Verdict::DoesNotHold);
    let mut figures = Figures::default();
    [&more, &fewer].into_iter().for_each(|run| figures.add_run(run));
    let judgement = judge(experiment("cache-misses"), &figures);
    assert_eq!(judgement.predicted[1].outcome, Outcome::Unsettled);
    assert_eq!(judgement.predicted[1].n_met, 1);
}

#[test]
fn two_figures_are_compared_within_a_run() {
    // Each run is twice as slow as the one before; the ratio is the same in all.
    let runs = [1.0, 2.0, 4.0].map(|slow| {
        format!(
            "BenchmarkCacheMisses/nested 1 {} D1-misses/op\nBenchmarkCacheMisses/flat 1 {slow} D1-misses/op\n",
            5.0 * slow
        )
    });
    let mut figures = Figures::default();
    runs.iter().for_each(|run| figures.add_run(run));
    let checked = &judge(experiment("cache-misses"), &figures).predicted[0];
    assert_eq!(checked.spread, Some(Spread { median: 5.0, low: 5.0, high: 5.0, n: 3 }));
}

#[test]
fn experiments_have_names_of_their_own() {
    let mut names: Vec<_> = CATALOGUE.iter().map(|experiment| experiment.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), CATALOGUE.len());
}
