//! `mapscope compare`.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use diagnosis::compare::{Comparison, Per, Refusal};
use ingest::{OpenOptions, Options, Runs};
use report::BenchmarkComparison;

use crate::args::{Compare, PerArg};
use crate::{OVER_LIMIT, Say};

pub(crate) fn run(
    args: &Compare,
    out: &mut dyn Write,
    err: &mut dyn Say,
) -> anyhow::Result<ExitCode> {
    let (before, after) = sides(args)?;
    let options = Options { open: OpenOptions::default(), stacks: false };
    let mut collect = |side| ingest::collect_runs(side, &options, &mut crate::progress(err));
    let (before, after) = (collect(&before).context("before")?, collect(&after).context("after")?);
    let is_worse = match (before, after) {
        (Runs::Benchmarks(before), Runs::Benchmarks(after)) => {
            benchmarks(args, &[before, after], out)?
        }
        (Runs::Evidence(before), Runs::Evidence(after)) => {
            let comparison = diagnosis::compare::compare(&before, &after, per(args)?, args.anyway)
                .map_err(refusal)?;
            profiles(args, &comparison, out, err)?
        }
        _ => bail!("one side holds benchmark results, the other does not: they cannot be compared"),
    };
    Ok(if is_worse { ExitCode::from(OVER_LIMIT) } else { ExitCode::SUCCESS })
}

/// `BEFORE AFTER`, or everything up to `--vs` and after it.
fn sides(args: &Compare) -> anyhow::Result<(Vec<String>, Vec<String>)> {
    if !args.vs.is_empty() {
        return Ok((args.inputs.clone(), args.vs.clone()));
    }
    let [before, after] = &*args.inputs else {
        bail!(
            "which of these are runs after the change? Say `mapscope compare BEFORE... --vs AFTER...`"
        );
    };
    Ok((vec![before.clone()], vec![after.clone()]))
}

fn per(args: &Compare) -> anyhow::Result<Per> {
    Ok(match (args.per, &*args.ops) {
        (_, &[both]) => Per::Operation { before: both, after: both },
        (_, &[before, after]) => Per::Operation { before, after },
        (_, &[_, _, ..]) => {
            bail!("--ops takes one number, or one for each side: --ops 12000,14000")
        }
        (PerArg::Second, _) => Per::Second,
        (PerArg::Run, _) => Per::Run,
        (PerArg::Op, _) => bail!("--per op needs --ops N: how many operations each run did"),
    })
}

fn refusal(refusal: Refusal) -> anyhow::Error {
    match refusal {
        Refusal::DifferentPrograms { before, after } => anyhow::anyhow!(
            "{before} before and {after} after: these are different programs, by the names of their executables; --anyway compares them all \
             the same"
        ),
        Refusal::SeveralBuilds { side, n } => anyhow::anyhow!(
            "the runs {side} are of {n} different builds; --anyway compares them all the same"
        ),
        Refusal::NothingInCommon => anyhow::anyhow!(
            "nothing was measured on both sides{}",
            "; give profiles of the same kind, and with --per run what has no duration"
        ),
    }
}

/// Whether something got worse than allowed.
fn profiles(
    args: &Compare,
    comparison: &Comparison,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<bool> {
    if args.json {
        report::render_compare_json(out, comparison)?;
    } else if args.bench {
        report::write_as_benchmarks(out, comparison)?;
    } else {
        report::render_compare(out, comparison, args.top)?;
    }
    let Some(pct) = args.fail_if_worse else { return Ok(false) };
    ensure!(comparison.has_enough_runs(), TOO_FEW_RUNS);
    let mut is_worse = false;
    for (function, row) in comparison.worse_by(pct / 100.0) {
        report::render_worse(err, function, row)?;
        is_worse = true;
    }
    Ok(is_worse)
}

const TOO_FEW_RUNS: &str =
    "--fail-if-worse: chance cannot be told from change with fewer than 4 runs on each side";

/// Whether something got worse than allowed.
fn benchmarks(
    args: &Compare,
    [before, after]: &[Vec<gobench::File>; 2],
    out: &mut dyn Write,
) -> anyhow::Result<bool> {
    ensure!(!args.bench, "--bench: the inputs are in that format already");
    let (rows, alone) = gobench::compare(before, after);
    ensure!(!rows.is_empty(), "no benchmark is on both sides");
    let faults = before.iter().chain(after).flat_map(|file| &file.faults);
    let notices = faults.map(|fault| format!("{fault}; left out from there on")).collect();
    let comparison = BenchmarkComparison { rows, alone, notices };
    if args.json {
        report::render_benchmarks_json(out, &comparison)?;
    } else {
        report::render_benchmarks(out, &comparison)?;
    }
    let Some(pct) = args.fail_if_worse else { return Ok(false) };
    let rows = &comparison.rows;
    let is_enough = |row: &gobench::Row| row.change.outcome != gobench::stats::Outcome::TooFewRuns;
    ensure!(rows.iter().any(is_enough), TOO_FEW_RUNS);
    Ok(rows.iter().any(|row| row.change.is_worse_by(row.better, pct / 100.0)))
}
