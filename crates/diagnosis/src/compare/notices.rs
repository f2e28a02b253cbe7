//! What the reader has to know before trusting a comparison.

use gobench::stats::summary;

use super::{Metric, Per, Side};
use evidence::{Evidence, Precision, SourceKind};

/// Wall times that differ by more than this fraction are worth a word.
const DURATION_DIFFERS: f64 = 0.2;

/// Something to know before trusting a comparison.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// Both sides are runs of the same build.
    SameBuild,
    /// The sides were built with different releases of Go.
    OtherGo {
        /// Before; empty when no input says it.
        before: Vec<String>,
        /// After; empty when no input says it.
        after: Vec<String>,
    },
    /// The programs have different names.
    OtherProgram {
        /// Name before.
        before: String,
        /// Name after.
        after: String,
    },
    /// Runs of one side took longer.
    OtherDuration {
        /// Median before. Units: seconds.
        before_s: f64,
        /// Median after. Units: seconds.
        after_s: f64,
        /// What figures are divided by.
        per: Per,
    },
    /// Inputs of a kind were given for one side only.
    OneSideOnly(SourceKind),
    /// Heap profiles count from the start of the program, so their figures have no seconds.
    HeapNotPerSecond,
    /// No input of either side says the CPU time of its samples.
    CpuNotTimed,
    /// Growths of so many recordings are estimates.
    Estimates(u64),
    /// Growths of so many recordings are lower bounds.
    LowerBounds(u64),
    /// So many growths were lost by the recordings.
    Lost(u64),
}

/// What is worth knowing about how the runs came about.
pub(super) fn list(sides: &[Side; 2], runs: [&[Evidence]; 2], per: Per) -> Vec<Notice> {
    let mut notices = of_programs(sides);
    notices.extend(different_durations(runs, per));
    notices.extend(of_inputs(runs, per));
    notices.extend(of_growths(runs));
    notices
}

/// Whether the sides are what one wants to compare.
fn of_programs([before, after]: &[Side; 2]) -> Vec<Notice> {
    let mut notices = Vec::new();
    if before.build_ids == after.build_ids && !before.build_ids.is_empty() {
        notices.push(Notice::SameBuild);
    }
    if before.go_versions != after.go_versions {
        let [before, after] = [before, after].map(|side| side.go_versions.clone());
        notices.push(Notice::OtherGo { before, after });
    }
    if let (Some(before), Some(after)) = (&before.program, &after.program)
        && before != after
    {
        notices.push(Notice::OtherProgram { before: before.clone(), after: after.clone() });
    }
    notices
}

/// Figures that are left out.
fn of_inputs(runs: [&[Evidence]; 2], per: Per) -> Vec<Notice> {
    let kinds = [
        (Metric::Cpu, SourceKind::Cpu),
        (Metric::Grows, SourceKind::Recording),
        (Metric::AllocBytes, SourceKind::Heap),
    ];
    let notice = |(metric, kind): (Metric, SourceKind)| {
        let [before, after] = runs.map(|runs| runs.iter().any(|run| metric.is_measured_in(run)));
        match kind {
            _ if before != after => Some(Notice::OneSideOnly(kind)),
            SourceKind::Heap if before && per == Per::Second => Some(Notice::HeapNotPerSecond),
            SourceKind::Cpu if !before && is_counted(runs) => Some(Notice::CpuNotTimed),
            _ => None,
        }
    };
    kinds.into_iter().filter_map(notice).collect()
}

/// Whether there are samples whose CPU time no input says.
fn is_counted(runs: [&[Evidence]; 2]) -> bool {
    runs.into_iter().flatten().any(|run| run.cpu.is_some())
}

/// How exact the growths are.
fn of_growths(runs: [&[Evidence]; 2]) -> Vec<Notice> {
    let growths = || runs.into_iter().flatten().filter_map(|run| run.growth.as_ref());
    let n_with =
        |precision| growths().filter(|growth| growth.precision == precision).count() as u64;
    let lost: u64 = growths().map(|growth| growth.lost).sum();
    let some = |n: u64, notice: fn(u64) -> Notice| (n > 0).then(|| notice(n));
    let notices = [
        some(n_with(Precision::Estimated), Notice::Estimates),
        some(n_with(Precision::LowerBound), Notice::LowerBounds),
        some(lost, Notice::Lost),
    ];
    notices.into_iter().flatten().collect()
}

fn different_durations(runs: [&[Evidence]; 2], per: Per) -> Option<Notice> {
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
    let (before_s, after_s) = (before?, after?);
    let differs = (after_s / before_s - 1.0).abs() > DURATION_DIFFERS;
    differs.then_some(Notice::OtherDuration { before_s, after_s, per })
}
