//! `mapscope lab --json`.

use std::io::{self, Write};

use schemars::JsonSchema;
use serde::Serialize;

use super::Key;

const SCHEMA: &str = "mapscope.lab/1";

/// Writes all results and all figures.
///
/// # Errors
/// When `out` fails.
pub fn render_lab_json(out: &mut dyn Write, results: &lab::Results) -> io::Result<()> {
    super::write(out, &Lab::from(results))
}

/// Results of experiments.
#[derive(Serialize, JsonSchema)]
pub(super) struct Lab<'d> {
    /// Name and version of this shape.
    #[schemars(extend("const" = SCHEMA))]
    schema: &'static str,
    /// Where they ran.
    machine: Machine<'d>,
    /// Whether they were made smaller to be quick.
    quick: bool,
    /// Runs of each experiment.
    rounds: usize,
    /// Releases of Go.
    go_versions: &'d [String],
    /// The experiments.
    experiments: Vec<Experiment<'d>>,
}

impl<'d> From<&'d lab::Results> for Lab<'d> {
    fn from(results: &'d lab::Results) -> Self {
        let experiments = results.experiments.iter();
        Self {
            schema: SCHEMA,
            machine: Machine { cpu: results.machine.cpu.as_deref(), cpus: results.machine.n_cpus },
            quick: results.scale == lab::Scale::Quick,
            rounds: results.n_rounds,
            go_versions: &results.versions,
            experiments: experiments.map(|of| Experiment::of(of, &results.versions)).collect(),
        }
    }
}

/// A machine.
#[derive(Serialize, JsonSchema)]
struct Machine<'d> {
    /// Its model; null when it is not known.
    cpu: Option<&'d str>,
    /// Number of CPUs.
    cpus: usize,
}

/// A claim and what came of it.
#[derive(Serialize, JsonSchema)]
struct Experiment<'d> {
    /// Stable name.
    name: &'d str,
    /// What is claimed.
    claim: &'d str,
    /// How it is tested.
    method: &'d str,
    /// What should be said instead where the claim does not hold.
    instead: &'d str,
    /// In the order of `go_versions`.
    results: Vec<GoResult<'d>>,
}

impl<'d> Experiment<'d> {
    fn of(result: &'d lab::ExperimentResult, versions: &'d [String]) -> Self {
        let by_go = versions.iter().zip(&result.by_go);
        let experiment = result.experiment;
        Self {
            name: experiment.name,
            claim: experiment.claim,
            method: experiment.method,
            instead: experiment.instead,
            results: by_go.map(|(version, of)| GoResult::of(version, of)).collect(),
        }
    }
}

/// What came of a claim with one Go.
#[derive(Serialize, JsonSchema)]
struct GoResult<'d> {
    /// Release of Go.
    go_version: &'d str,
    /// Whether the claim holds.
    verdict: Key<lab::Verdict>,
    /// Why runs failed; null when none did.
    failure: Option<&'d str>,
    /// How it was measured.
    notes: &'d [String],
    /// What has to be so for the measurement to say anything.
    requires: Vec<Check<'d>>,
    /// What the claim predicts.
    predicts: Vec<Check<'d>>,
    /// All that was measured.
    figures: Vec<Figure<'d>>,
}

impl<'d> GoResult<'d> {
    fn of(version: &'d str, of: &'d lab::GoResult) -> Self {
        let figures = of.figures.iter();
        Self {
            go_version: version,
            verdict: Key(of.judgement.verdict),
            failure: of.failure.as_deref(),
            notes: of.figures.notes(),
            requires: super::each(&of.judgement.required),
            predicts: super::each(&of.judgement.predicted),
            figures: figures
                .map(|(name, unit, value)| Figure { name, unit, value: value.into() })
                .collect(),
        }
    }
}

/// A prediction and whether it came true.
#[derive(Serialize, JsonSchema)]
struct Check<'d> {
    /// In words.
    says: &'d str,
    /// What is compared with the threshold.
    quantity: Quantity,
    /// The threshold.
    threshold: Threshold,
    /// What was measured; null when nothing was.
    measured: Option<Spread>,
    /// Runs that met the threshold.
    runs_met: usize,
    /// Whether it came true.
    outcome: Key<lab::Outcome>,
}

impl<'d> From<&'d lab::Checked> for Check<'d> {
    fn from(checked: &'d lab::Checked) -> Self {
        Self {
            says: checked.check.says,
            quantity: checked.check.quantity.into(),
            threshold: checked.check.bound.into(),
            measured: checked.spread.map(Spread::from),
            runs_met: checked.n_met,
            outcome: Key(checked.outcome),
        }
    }
}

/// What is compared, within each run.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Quantity {
    /// A figure.
    Value(Metric),
    /// The first over the second.
    Ratio(Metric, Metric),
    /// The first less the second.
    Difference(Metric, Metric),
}

impl From<lab::Quantity> for Quantity {
    fn from(quantity: lab::Quantity) -> Self {
        match quantity {
            lab::Quantity::Value(of) => Self::Value(of.into()),
            lab::Quantity::Ratio(over, under) => Self::Ratio(over.into(), under.into()),
            lab::Quantity::Difference(from, less) => Self::Difference(from.into(), less.into()),
        }
    }
}

/// The name of a figure.
#[derive(Serialize, JsonSchema)]
struct Metric {
    /// Name of the benchmark.
    name: &'static str,
    /// Its unit.
    unit: &'static str,
}

impl From<lab::Metric> for Metric {
    fn from(lab::Metric { case, unit }: lab::Metric) -> Self {
        Self { name: case, unit }
    }
}

/// What a quantity is compared with, in the unit of its figures; a ratio has none.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Threshold {
    /// It has to be as large.
    AtLeast(f64),
    /// It may not be larger.
    AtMost(f64),
}

impl From<lab::Bound> for Threshold {
    fn from(bound: lab::Bound) -> Self {
        match bound {
            lab::Bound::AtLeast(at) => Self::AtLeast(at),
            lab::Bound::AtMost(at) => Self::AtMost(at),
        }
    }
}

/// A figure.
#[derive(Serialize, JsonSchema)]
struct Figure<'d> {
    /// Name of the benchmark.
    name: &'d str,
    /// Its unit.
    unit: &'d str,
    /// In that unit.
    value: Spread,
}

/// A figure in several runs.
#[derive(Serialize, JsonSchema)]
struct Spread {
    /// The median.
    median: f64,
    /// The least.
    low: f64,
    /// The greatest.
    high: f64,
    /// Number of runs.
    runs: usize,
}

impl From<lab::Spread> for Spread {
    fn from(lab::Spread { median, low, high, n }: lab::Spread) -> Self {
        Self { median, low, high, runs: n }
    }
}
