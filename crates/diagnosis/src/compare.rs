//! Did it help? Runs before a change beside runs after it, for the process and function by function.
//!
//! A site is matched by its function, since lines move with every edit. What a run did not measure is left out of the
//! figures of its side; what it measured and did not find is 0.

mod metric;
mod notices;

use std::collections::BTreeMap;
use std::sync::Arc;

use gobench::Better;
use gobench::stats::{Change, Outcome, correct_for_number};

pub use self::metric::Metric;
pub use self::notices::Notice;
use crate::rules::NOTICEABLE;
use evidence::{Evidence, Site, SourceKind};

/// What figures are divided by, so that runs of different length compare.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Per {
    /// A second of wall time: for a service under steady load.
    Second,
    /// A run: for programs that do the same work in each.
    Run,
    /// An operation of the program's own, of which each run before and after did so many.
    Operation {
        /// Operations of each run before.
        before: f64,
        /// Operations of each run after.
        after: f64,
    },
}

/// Runs before and after a change.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// What figures are divided by.
    pub per: Per,
    /// Before and after.
    pub sides: [Side; 2],
    /// Figures of the process.
    pub process: Vec<Row>,
    /// Functions that use maps noticeably, the one with the largest share first.
    pub functions: Vec<FunctionRows>,
    /// What the reader has to know.
    pub notices: Vec<Notice>,
}

impl Comparison {
    /// Every row that got worse by more than a fraction, not by chance, with the function it is of.
    pub fn worse_by(&self, fraction: f64) -> impl Iterator<Item = (Option<&str>, &Row)> {
        let of_process = self.process.iter().map(|row| (None, row));
        let of_functions = self.functions.iter().flat_map(|function| {
            let (name, rows) = (Some(&*function.function), &function.rows);
            rows.iter().map(move |row| (name, row))
        });
        of_process
            .chain(of_functions)
            .filter(move |(_, row)| row.change.is_worse_by(Better::Lower, fraction))
    }

    /// Whether any figure has runs enough to tell chance from change.
    pub fn has_enough_runs(&self) -> bool {
        self.process.iter().any(|row| row.change.outcome != Outcome::TooFewRuns)
    }
}

/// The runs of one side.
#[derive(Debug, Clone, Default)]
pub struct Side {
    /// Name of the program, where profiles or binary tell.
    pub program: Option<String>,
    /// Go releases, each once.
    pub go_versions: Vec<String>,
    /// Builds, each once.
    pub build_ids: Vec<String>,
    /// Names of the inputs, binaries left out.
    pub inputs: Vec<String>,
}

/// One figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Which.
    pub metric: Metric,
    /// Per run, divided as [`Comparison::per`] says, in the order of the runs.
    pub before: Vec<f64>,
    /// The same after the change.
    pub after: Vec<f64>,
    /// What happened to it. Whether it counts as different considers the number of rows of the comparison.
    pub change: Change,
}

/// Figures of a function that uses maps.
#[derive(Debug, Clone, PartialEq)]
pub struct FunctionRows {
    /// Go's name.
    pub function: String,
    /// Where it used maps before, and after; empty where it does not.
    pub places: [Place; 2],
    /// Its figures.
    pub rows: Vec<Row>,
}

/// Lines at which a function uses maps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// Source file.
    pub file: Arc<str>,
    /// Lines, ascending.
    pub lines: Vec<u32>,
    /// Go's names of the map types there; empty without a binary.
    pub map_types: Vec<String>,
}

/// Why two sets of runs are not compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// They are of programs with different names.
    DifferentPrograms {
        /// Name before.
        before: String,
        /// Name after.
        after: String,
    },
    /// The runs of one side are of several builds.
    SeveralBuilds {
        /// `before` or `after`.
        side: &'static str,
        /// How many.
        n: usize,
    },
    /// No figure was measured on both sides.
    NothingInCommon,
}

/// Compares runs; each is one input with the binary of its side, if there is one.
///
/// # Errors
/// When the runs are not of one program, unless `anyway`, or have nothing in common.
pub fn compare(
    before: &[Evidence],
    after: &[Evidence],
    per: Per,
    anyway: bool,
) -> Result<Comparison, Refusal> {
    let sides = [before, after].map(side);
    if !anyway {
        check_is_one_program(&sides)?;
    }
    let runs = [before, after];
    let process: Vec<Row> = Metric::ALL
        .into_iter()
        .filter_map(|metric| row(metric, runs, per, |run| metric.of_process(run)))
        .collect();
    if process.is_empty() {
        return Err(Refusal::NothingInCommon);
    }
    let mut comparison = Comparison {
        per,
        notices: notices::list(&sides, runs, per),
        sides,
        process,
        functions: functions(runs, per),
    };
    let of_functions = comparison.functions.iter_mut().flat_map(|function| &mut function.rows);
    let rows = comparison.process.iter_mut().chain(of_functions);
    correct_for_number(&mut rows.map(|row| &mut row.change).collect::<Vec<_>>());
    Ok(comparison)
}

fn side(runs: &[Evidence]) -> Side {
    let mut side = Side::default();
    for run in runs {
        let program = &run.program;
        side.program = side.program.or_else(|| program.name.clone());
        let version = program.go_version.as_ref().map(|(version, _)| version.to_string());
        add_once(&mut side.go_versions, version);
        add_once(&mut side.build_ids, program.build_id.clone());
        let inputs = run.sources.iter().filter(|source| source.kind != SourceKind::Binary);
        side.inputs.extend(inputs.map(|source| source.name.clone()));
    }
    side
}

fn add_once(list: &mut Vec<String>, item: Option<String>) {
    list.extend(item.filter(|item| !list.contains(item)));
}

fn check_is_one_program(sides: &[Side; 2]) -> Result<(), Refusal> {
    for (side, name) in sides.iter().zip(["before", "after"]) {
        if side.build_ids.len() > 1 {
            return Err(Refusal::SeveralBuilds { side: name, n: side.build_ids.len() });
        }
    }
    match [&sides[0].program, &sides[1].program] {
        [Some(before), Some(after)] if before != after => {
            Err(Refusal::DifferentPrograms { before: before.clone(), after: after.clone() })
        }
        _ => Ok(()),
    }
}

/// One figure of both sides; `None` unless both have it.
fn row(
    metric: Metric,
    [before, after]: [&[Evidence]; 2],
    per: Per,
    total: impl Fn(&Evidence) -> Option<u64>,
) -> Option<Row> {
    let values = |runs: &[Evidence], operations: f64| -> Vec<f64> {
        let value = |run: &Evidence| {
            let amount = total(run)? as f64;
            match per {
                Per::Run => Some(amount),
                Per::Operation { .. } => Some(amount / operations),
                Per::Second => {
                    let duration = metric.duration_ns(run).filter(|&ns| ns > 0)?;
                    Some(amount / (duration as f64 / 1e9))
                }
            }
        };
        runs.iter().filter_map(value).collect()
    };
    let (n_before, n_after) = match per {
        Per::Operation { before, after } => (before, after),
        Per::Second | Per::Run => (1.0, 1.0),
    };
    let (before, after) = (values(before, n_before), values(after, n_after));
    let change = Change::of(&before, &after)?;
    Some(Row { metric, before, after, change })
}

fn functions(runs: [&[Evidence]; 2], per: Per) -> Vec<FunctionRows> {
    let mut places: BTreeMap<&str, [Place; 2]> = BTreeMap::new();
    for (at, runs) in runs.into_iter().enumerate() {
        for site in runs.iter().flat_map(|run| &run.sites) {
            add_site(&mut places.entry(&site.frame.function).or_default()[at], site);
        }
    }
    let mut functions = Vec::new();
    for (function, places) in places {
        let share = share_of_process(function, runs);
        if share < NOTICEABLE {
            continue;
        }
        let total = |metric: Metric, run: &Evidence| {
            metric.is_measured_in(run).then(|| of_function(metric, run, function))
        };
        let rows: Vec<Row> = Metric::ALL
            .into_iter()
            .filter(|&metric| sum(metric, function, runs) > 0)
            .filter_map(|metric| row(metric, runs, per, |run| total(metric, run)))
            .collect();
        if !rows.is_empty() {
            functions.push((share, FunctionRows { function: function.to_owned(), places, rows }));
        }
    }
    functions.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    functions.into_iter().map(|(_, rows)| rows).collect()
}

fn add_site(place: &mut Place, site: &Site) {
    if place.file.is_empty() {
        place.file.clone_from(&site.frame.file);
    }
    if let Err(at) = place.lines.binary_search(&site.frame.line) {
        place.lines.insert(at, site.frame.line);
    }
    for map in site.maps.iter().flatten() {
        add_once(&mut place.map_types, map.known_type().map(|t| t.name.clone()));
    }
}

fn of_function(metric: Metric, run: &Evidence, function: &str) -> u64 {
    let sites = run.sites.iter().filter(|site| *site.frame.function == *function);
    sites.filter_map(|site| metric.of_site(site)).sum()
}

fn sum(metric: Metric, function: &str, runs: [&[Evidence]; 2]) -> u64 {
    runs.into_iter().flatten().map(|run| of_function(metric, run, function)).sum()
}

/// The largest part that a function has in any figure of all runs together. Both sides count, so that what is shown does
/// not depend on which side is higher.
fn share_of_process(function: &str, runs: [&[Evidence]; 2]) -> f64 {
    let share = |metric: Metric| {
        let whole: u64 =
            runs.into_iter().flatten().filter_map(|run| metric.whole().of_process(run)).sum();
        if whole == 0 { 0.0 } else { sum(metric, function, runs) as f64 / whole as f64 }
    };
    Metric::ALL.into_iter().map(share).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests;
