//! What the reader has to know before trusting a comparison.

use gobench::stats::summary;

use super::{Metric, Per, Side};
use evidence::words::{plural, were};
use evidence::{Evidence, Precision};

/// Wall times that differ by more than this fraction are worth a word.
const DURATION_DIFFERS: f64 = 0.2;

/// What is worth knowing about how the runs came about.
pub(super) fn list(sides: &[Side; 2], runs: [&[Evidence]; 2], per: Per) -> Vec<String> {
    let mut notices = Vec::new();
    let [before, after] = sides;
    if before.build_ids == after.build_ids && !before.build_ids.is_empty() {
        notices.push("both sides are runs of the same build".to_owned());
    }
    if before.go_versions != after.go_versions {
        let [before, after] = [before, after].map(|side| match &*side.go_versions {
            [] => "an unknown Go".to_owned(),
            versions => versions.join(", "),
        });
        notices.push(format!(
            "built with {before} before and {after} after: the change includes that of Go"
        ));
    }
    if let [Some(before), Some(after)] = [sides[0].program.as_ref(), sides[1].program.as_ref()]
        && before != after
    {
        notices.push(format!("the programs have different names: {before} and {after}"));
    }
    notices.extend(different_durations(runs, per));
    for metric in [Metric::Cpu, Metric::Grows, Metric::AllocBytes] {
        let [before, after] = runs.map(|runs| runs.iter().any(|run| metric.is_measured_in(run)));
        if before != after {
            let what = match metric {
                Metric::Cpu => "CPU profiles",
                Metric::Grows => "recordings",
                _ => "heap profiles",
            };
            notices.push(format!("{what} were given for one side only: not compared"));
        } else if before && metric == Metric::AllocBytes && per == Per::Second {
            let text = "heap profiles count from the start of the program: not compared per second";
            notices.push(text.to_owned());
        }
    }
    let growths = || runs.into_iter().flatten().filter_map(|run| run.growth.as_ref());
    let n_with = |precision| growths().filter(|growth| growth.precision == precision).count();
    let n_estimated = n_with(Precision::Estimated);
    if n_estimated > 0 {
        notices.push(format!(
            "growths of {n_estimated} {} are estimates",
            plural(n_estimated as u64, "recording")
        ));
    }
    let n_partly = n_with(Precision::LowerBound);
    if n_partly > 0 {
        notices.push(format!(
            "growths of {n_partly} {} are lower bounds: a part of the time nothing was counted",
            plural(n_partly as u64, "recording")
        ));
    }
    let lost: u64 = growths().map(|growth| growth.lost).sum();
    if lost > 0 {
        notices.push(format!("{} lost by the recordings, and missing here", were(lost, "growth")));
    }
    notices
}

fn different_durations(runs: [&[Evidence]; 2], per: Per) -> Option<String> {
    let [before, after] = runs.map(|runs| {
        let of_metric = |metric: Metric, run| metric.duration_ns(run);
        let seconds = |run| {
            of_metric(Metric::Cpu, run)
                .or_else(|| of_metric(Metric::Grows, run))
                .map(|ns| ns as f64 / 1e9)
        };
        let all: Vec<f64> = runs.iter().filter_map(seconds).collect();
        summary(&all).map(|summary| summary.median)
    });
    let (before, after) = (before?, after?);
    let differs = (after / before - 1.0).abs() > DURATION_DIFFERS;
    let hint = match per {
        Per::Second => "figures are per second; if each run does the same work, compare per run",
        Per::Run => "figures are per run; if the load is steady, compare per second",
        Per::Operation { .. } => "figures are per operation",
    };
    differs.then(|| format!("runs took {before:.1} s before and {after:.1} s after: {hint}"))
}
