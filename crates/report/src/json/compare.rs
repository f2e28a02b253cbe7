//! `mapscope compare --json`, of profiles and of benchmarks.

use std::borrow::Cow;
use std::io::{self, Write};

use diagnosis::compare::{self, FunctionRows, Metric, Notice, Row};
use gobench::stats;
use schemars::JsonSchema;
use serde::Serialize;

use super::Range;
use super::key::{By, Key};
use crate::compare::BenchmarkComparison;
use crate::words;

const SCHEMA: &str = "mapscope.compare/1";
const BENCHMARKS_SCHEMA: &str = "mapscope.compare_benchmarks/1";

/// Writes the comparison as JSON; documented in docs/json.md.
///
/// # Errors
/// When `out` fails.
pub fn render_compare_json(
    out: &mut dyn Write,
    comparison: &compare::Comparison,
) -> io::Result<()> {
    super::write(out, &Comparison::from(comparison))
}

/// Writes the comparison as JSON; documented in docs/json.md.
///
/// # Errors
/// When `out` fails.
pub fn render_benchmarks_json(
    out: &mut dyn Write,
    comparison: &BenchmarkComparison,
) -> io::Result<()> {
    super::write(out, &Benchmarks::from(comparison))
}

/// Runs of a program before and after a change.
#[derive(Serialize, JsonSchema)]
pub(super) struct Comparison<'d> {
    /// Name and version of this shape.
    #[schemars(extend("const" = SCHEMA))]
    schema: &'static str,
    /// What figures are divided by.
    per: Per,
    /// The runs before.
    before: Side<'d>,
    /// The runs after.
    after: Side<'d>,
    /// What to know.
    notices: Vec<Cow<'static, str>>,
    /// Which notices these are, for programs; in the same order.
    notice_keys: Vec<Key<&'d Notice>>,
    /// Figures of the process that both sides measured.
    process: By<Metric, RowChange<'d>>,
    /// Functions that use maps noticeably, the one with the largest share first.
    functions: Vec<Function<'d>>,
}

impl<'d> From<&'d compare::Comparison> for Comparison<'d> {
    fn from(comparison: &'d compare::Comparison) -> Self {
        let [before, after] = &comparison.sides;
        Self {
            schema: SCHEMA,
            per: comparison.per.into(),
            before: before.into(),
            after: after.into(),
            notices: comparison.notices.iter().map(words::notice).collect(),
            notice_keys: comparison.notices.iter().map(Key).collect(),
            process: rows(&comparison.process),
            functions: super::each(&comparison.functions),
        }
    }
}

/// What figures are divided by.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "unit", rename_all = "snake_case")]
enum Per {
    /// A second of wall time.
    Second,
    /// A run.
    Run,
    /// An operation of the program's own.
    Operation {
        /// Operations of each run before.
        before: f64,
        /// Operations of each run after.
        after: f64,
    },
}

impl From<compare::Per> for Per {
    fn from(per: compare::Per) -> Self {
        match per {
            compare::Per::Second => Self::Second,
            compare::Per::Run => Self::Run,
            compare::Per::Operation { before, after } => Self::Operation { before, after },
        }
    }
}

/// What was run.
#[derive(Serialize, JsonSchema)]
struct Side<'d> {
    /// Name of the program; null when no input says it.
    program: Option<&'d str>,
    /// Releases of Go.
    go_versions: &'d [String],
    /// Of the executables, in hexadecimal digits.
    build_ids: &'d [String],
    /// The runs, as given.
    inputs: &'d [String],
}

impl<'d> From<&'d compare::Side> for Side<'d> {
    fn from(side: &'d compare::Side) -> Self {
        Self {
            program: side.program.as_deref(),
            go_versions: &side.go_versions,
            build_ids: &side.build_ids,
            inputs: &side.inputs,
        }
    }
}

/// A function that uses maps.
#[derive(Serialize, JsonSchema)]
struct Function<'d> {
    /// As the runtime names it.
    function: &'d str,
    /// Where it used maps before; null when it used none.
    before: Option<Place<'d>>,
    /// Where it uses maps after; null when it uses none.
    after: Option<Place<'d>>,
    /// Figures that both sides measured.
    rows: By<Metric, RowChange<'d>>,
}

impl<'d> From<&'d FunctionRows> for Function<'d> {
    fn from(function: &'d FunctionRows) -> Self {
        let [before, after] = &function.places;
        Self {
            function: &function.function,
            before: Place::of(before),
            after: Place::of(after),
            rows: rows(&function.rows),
        }
    }
}

/// Where a function uses maps.
#[derive(Serialize, JsonSchema)]
struct Place<'d> {
    /// File as the compiler names it.
    file: &'d str,
    /// Lines.
    lines: &'d [u32],
    /// Go's names of the map types.
    map_types: &'d [String],
}

impl<'d> Place<'d> {
    fn of(place: &'d compare::Place) -> Option<Self> {
        let compare::Place { file, lines, map_types } = place;
        (!lines.is_empty()).then_some(Self { file, lines, map_types })
    }
}

fn rows(rows: &[Row]) -> By<Metric, RowChange<'_>> {
    rows.iter().map(|row| (row.metric, RowChange::from(row))).collect()
}

/// What happened to a figure. Nanoseconds, bytes, or a number, as its name says; divided by `per`.
#[derive(Serialize, JsonSchema)]
struct RowChange<'d> {
    /// The runs before.
    before: Runs<'d>,
    /// The runs after.
    after: Runs<'d>,
    /// The difference.
    #[serde(flatten)]
    difference: Difference,
}

impl<'d> From<&'d Row> for RowChange<'d> {
    fn from(row: &'d Row) -> Self {
        Self {
            before: Runs { summary: row.change.before.into(), runs: &row.before },
            after: Runs { summary: row.change.after.into(), runs: &row.after },
            difference: row.change.into(),
        }
    }
}

/// A figure in several runs.
#[derive(Serialize, JsonSchema)]
struct Runs<'d> {
    /// Of all runs.
    #[serde(flatten)]
    summary: Summary,
    /// Of each run.
    runs: &'d [f64],
}

/// A median.
#[derive(Serialize, JsonSchema)]
struct Summary {
    /// Number of runs.
    n: usize,
    /// The median.
    median: f64,
    /// Holds the true median in 95 of 100 cases; null for fewer than 6 runs.
    interval: Option<Range<f64>>,
}

impl From<stats::Summary> for Summary {
    fn from(summary: stats::Summary) -> Self {
        Self { n: summary.n, median: summary.median, interval: summary.interval.map(Range::from) }
    }
}

/// How far two medians are apart, and whether that may be chance.
#[derive(Serialize, JsonSchema)]
struct Difference {
    /// (after - before) / before; null where it was 0.
    relative: Option<f64>,
    /// Probability of such a difference by chance, by the Mann-Whitney U test.
    p: f64,
    /// What that allows to say.
    outcome: Key<stats::Outcome>,
}

impl From<stats::Change> for Difference {
    fn from(change: stats::Change) -> Self {
        Self { relative: change.relative(), p: change.p, outcome: Key(change.outcome) }
    }
}

/// Results of `go test -bench` before and after a change.
#[derive(Serialize, JsonSchema)]
pub(super) struct Benchmarks<'d> {
    /// Name and version of this shape.
    #[schemars(extend("const" = BENCHMARKS_SCHEMA))]
    schema: &'static str,
    /// Lines that could not be read.
    notices: &'d [String],
    /// Benchmarks that both sides have, those of one unit together.
    rows: Vec<Benchmark<'d>>,
    /// Names of benchmarks that only one side has.
    on_one_side_only: &'d [String],
}

impl<'d> From<&'d BenchmarkComparison> for Benchmarks<'d> {
    fn from(comparison: &'d BenchmarkComparison) -> Self {
        Self {
            schema: BENCHMARKS_SCHEMA,
            notices: &comparison.notices,
            rows: super::each(&comparison.rows),
            on_one_side_only: &comparison.alone,
        }
    }
}

/// A benchmark.
#[derive(Serialize, JsonSchema)]
struct Benchmark<'d> {
    /// Its package; null when the results do not name one.
    package: Option<&'d str>,
    /// Without `Benchmark`.
    name: &'d str,
    /// As written: `ns/op`.
    unit: &'d str,
    /// What happened to it.
    change: BenchmarkChange,
}

impl<'d> From<&'d gobench::Row> for Benchmark<'d> {
    fn from(row: &'d gobench::Row) -> Self {
        Self {
            package: row.package.as_deref(),
            name: &row.name,
            unit: &row.unit,
            change: BenchmarkChange {
                before: row.change.before.into(),
                after: row.change.after.into(),
                difference: row.change.into(),
            },
        }
    }
}

/// What happened to a benchmark, in its unit.
#[derive(Serialize, JsonSchema)]
struct BenchmarkChange {
    /// The runs before.
    before: Summary,
    /// The runs after.
    after: Summary,
    /// The difference.
    #[serde(flatten)]
    difference: Difference,
}
