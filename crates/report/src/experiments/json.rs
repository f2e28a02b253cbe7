//! The lab's results for programs; documented in docs/json.md.

use std::io::{self, Write};

use lab::{
    Bound, Check, Checked, ExperimentResult, GoResult, Metric, Outcome, Quantity, Results, Spread,
};
use serde_json::{Value, json};

/// Writes all results and all figures.
///
/// # Errors
/// When `out` fails.
pub fn render_lab_json(out: &mut dyn Write, results: &Results) -> io::Result<()> {
    let experiment = |result: &ExperimentResult| {
        let by_go = results.versions.iter().zip(&result.by_go);
        json!({
            "name": result.experiment.name,
            "claim": result.experiment.claim,
            "method": result.experiment.method,
            "instead": result.experiment.instead,
            "results": by_go.map(|(version, of)| of_go(version, of)).collect::<Vec<_>>(),
        })
    };
    let value = json!({
        "schema": "mapscope.lab/1",
        "machine": {
            "cpu": results.machine.cpu,
            "cpus": results.machine.n_cpus,
        },
        "quick": results.scale == lab::Scale::Quick,
        "rounds": results.n_rounds,
        "go_versions": results.versions,
        "experiments": results.experiments.iter().map(experiment).collect::<Vec<_>>(),
    });
    serde_json::to_writer_pretty(&mut *out, &value)?;
    writeln!(out)
}

fn of_go(version: &str, of: &GoResult) -> Value {
    let figure = |(name, unit, value): (&str, &str, Spread)| json!({ "name": name, "unit": unit, "value": spread(Some(value)) });
    let all = |checks: &[Checked]| checks.iter().map(checked).collect::<Vec<_>>();
    json!({
        "go_version": version,
        "verdict": super::verdict(of.judgement.verdict),
        "failure": of.failure,
        "notes": of.figures.notes(),
        "requires": all(&of.judgement.required),
        "predicts": all(&of.judgement.predicted),
        "figures": of.figures.iter().map(figure).collect::<Vec<_>>(),
    })
}

fn checked(checked: &Checked) -> Value {
    let Check { says, quantity: of, bound } = checked.check;
    let bound = match bound {
        Bound::AtLeast(at) => json!({ "at_least": at }),
        Bound::AtMost(at) => json!({ "at_most": at }),
    };
    json!({
        "says": says,
        "quantity": quantity(of),
        "threshold": bound,
        "measured": spread(checked.spread),
        "runs_met": checked.n_met,
        "outcome": outcome(checked.outcome),
    })
}

fn quantity(quantity: Quantity) -> Value {
    let metric = |Metric { case, unit }: Metric| json!({ "name": case, "unit": unit });
    match quantity {
        Quantity::Value(of) => json!({ "value": metric(of) }),
        Quantity::Ratio(over, under) => json!({ "ratio": [metric(over), metric(under)] }),
        Quantity::Difference(from, less) => json!({ "difference": [metric(from), metric(less)] }),
    }
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Met => "met",
        Outcome::NotMet => "not met",
        Outcome::Unsettled => "unsettled",
        Outcome::NotMeasured => "not measured",
    }
}

fn spread(spread: Option<Spread>) -> Value {
    spread.map_or(Value::Null, |Spread { median, low, high, n }| {
        json!({ "median": median, "low": low, "high": high, "runs": n })
    })
}
