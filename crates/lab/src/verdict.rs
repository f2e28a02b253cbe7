//! From figures to a verdict. Pure: the same figures give the same verdict.
//!
//! 1. Each prediction of the claim is tried in every run, on figures of that run only. It is *met* when at least three
//!    quarters of the runs are on the right side of its threshold, *not met* when at least three quarters are on the
//!    wrong one, else *unsettled*.
//! 2. Where something that the experiment requires is not met, it says nothing: not measurable here.
//! 3. All predictions met: the claim holds. Some met: it holds in part. None met and one refuted: it does not hold.
//!    All unsettled or not measured: not measurable here.

use crate::experiment::{Check, Experiment, Quantity};
use crate::figures::{Figures, Spread};

/// Part of the runs that must agree.
const AGREE: f64 = 0.75;

/// What the figures say about a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All that it predicts was seen.
    Holds,
    /// A part of what it predicts was seen.
    HoldsInPart,
    /// Nothing of what it predicts was seen.
    DoesNotHold,
    /// This machine cannot say.
    NotMeasurable,
}

/// How a prediction came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Most runs are on its side of the threshold.
    Met,
    /// Most runs are on the other side.
    NotMet,
    /// The runs disagree.
    Unsettled,
    /// No run has the figures.
    NotMeasured,
}

/// A prediction with what was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    /// The prediction.
    pub check: Check,
    /// The quantity over the runs; `None` when no run measured it.
    pub spread: Option<Spread>,
    /// Runs that met the threshold.
    pub n_met: usize,
    /// What follows.
    pub outcome: Outcome,
}

/// The verdict with what it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// What the figures say.
    pub verdict: Verdict,
    /// What the experiment requires of the machine.
    pub required: Vec<Checked>,
    /// What the claim predicts.
    pub predicted: Vec<Checked>,
}

/// Judges a claim by figures.
pub fn judge(experiment: &Experiment, figures: &Figures) -> Judgement {
    let try_all =
        |checks: &[Check]| checks.iter().map(|check| try_check(*check, figures)).collect();
    let required: Vec<Checked> = try_all(experiment.requires);
    let predicted: Vec<Checked> = try_all(experiment.predicts);
    let is_able = required.iter().all(|checked| checked.outcome == Outcome::Met);
    let verdict = if is_able { verdict(&predicted) } else { Verdict::NotMeasurable };
    Judgement { verdict, required, predicted }
}

fn verdict(predicted: &[Checked]) -> Verdict {
    let n = |outcome| predicted.iter().filter(|checked| checked.outcome == outcome).count();
    match (n(Outcome::Met), n(Outcome::NotMet)) {
        (met, _) if met > 0 && met == predicted.len() => Verdict::Holds,
        (1.., _) => Verdict::HoldsInPart,
        (0, 1..) => Verdict::DoesNotHold,
        (0, 0) => Verdict::NotMeasurable,
    }
}

fn try_check(check: Check, figures: &Figures) -> Checked {
    let values: Vec<f64> =
        (0..figures.n_runs()).filter_map(|run| quantity(check.quantity, figures, run)).collect();
    let n_met = values.iter().filter(|value| check.bound.is_met(**value)).count();
    let part = n_met as f64 / values.len() as f64;
    let outcome = match part {
        _ if values.is_empty() => Outcome::NotMeasured,
        part if part >= AGREE => Outcome::Met,
        part if part <= 1.0 - AGREE => Outcome::NotMet,
        _ => Outcome::Unsettled,
    };
    Checked { check, spread: Spread::of(values), n_met, outcome }
}

/// The quantity in one run; `None` where a figure is missing or the quotient is no number.
fn quantity(quantity: Quantity, figures: &Figures, run: usize) -> Option<f64> {
    let get = |metric: crate::experiment::Metric| figures.value(run, metric.case, metric.unit);
    let value = match quantity {
        Quantity::Value(of) => get(of)?,
        Quantity::Ratio(over, under) => get(over)? / get(under)?,
        Quantity::Difference(from, less) => get(from)? - get(less)?,
    };
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests;
