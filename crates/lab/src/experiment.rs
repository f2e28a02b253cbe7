//! What an experiment is: a claim, the Go program that tests it, and the rule that turns figures into a verdict.

/// A claim and how it is tested.
#[derive(Debug)]
pub struct Experiment {
    /// `mark-assist`; also the argument of the Go program.
    pub name: &'static str,
    /// The claim, in our words, with its figures.
    pub claim: &'static str,
    /// What is run.
    pub method: &'static str,
    /// What should be said where the claim does not hold as it stands.
    pub instead: &'static str,
    /// The files of this experiment alone: a change of them makes stored runs void.
    pub sources: &'static [(&'static str, &'static str)],
    /// How figures are got.
    pub kind: Kind,
    /// What must be so on this machine, or the experiment says nothing.
    pub requires: &'static [Check],
    /// What the claim predicts.
    pub predicts: &'static [Check],
    /// The figures worth a table and a chart; JSON has all.
    pub shows: &'static [Shown],
}

/// How figures are got from the Go program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It prints them.
    Prints,
    /// It writes CPU profiles, whose stacks are counted.
    Profiles,
    /// It runs under a counter of cache misses.
    CacheMisses,
}

/// How large the experiments are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// For figures to quote.
    Full,
    /// For a first look.
    Quick,
}

impl Scale {
    /// As in file names.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Quick => "quick",
        }
    }

    /// Rounds where the user names no number.
    pub fn rounds(self) -> usize {
        match self {
            Self::Full => 5,
            Self::Quick => 3,
        }
    }
}

/// One prediction with its threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Check {
    /// The prediction in words, with the figure that the claim names where it names one.
    pub says: &'static str,
    /// What is compared with the threshold.
    pub quantity: Quantity,
    /// The threshold.
    pub bound: Bound,
}

/// A figure, or two of the same run compared. Two figures are compared within each run, so that what disturbs a run as
/// a whole disturbs both.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Quantity {
    /// The figure itself.
    Value(Metric),
    /// The first divided by the second.
    Ratio(Metric, Metric),
    /// The first minus the second.
    Difference(Metric, Metric),
}

/// Which figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    /// Name of the benchmark without the word Benchmark.
    pub case: &'static str,
    /// Its unit.
    pub unit: &'static str,
}

/// A threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// Met by this and all above.
    AtLeast(f64),
    /// Met by this and all below.
    AtMost(f64),
}

impl Bound {
    /// Whether a value is on the right side.
    pub fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        }
    }
}

/// Figures of one unit, side by side.
#[derive(Debug, Clone, Copy)]
pub struct Shown {
    /// What it is, for a heading.
    pub title: &'static str,
    /// Its unit in the output of the Go program.
    pub unit: &'static str,
    /// Only benchmarks whose names begin so.
    pub prefix: &'static str,
}

/// A figure of a benchmark.
pub(crate) const fn at(case: &'static str, unit: &'static str) -> Metric {
    Metric { case, unit }
}

/// The figure itself, compared with a threshold.
pub(crate) const fn value(says: &'static str, of: Metric, bound: Bound) -> Check {
    Check { says, quantity: Quantity::Value(of), bound }
}

/// `over` divided by `under`, both in `unit`.
pub(crate) const fn ratio(
    says: &'static str,
    over: &'static str,
    under: &'static str,
    unit: &'static str,
    bound: Bound,
) -> Check {
    Check { says, quantity: Quantity::Ratio(at(over, unit), at(under, unit)), bound }
}

/// `from` minus `less`, both in `unit`.
pub(crate) const fn difference(
    says: &'static str,
    from: &'static str,
    less: &'static str,
    unit: &'static str,
    bound: Bound,
) -> Check {
    Check { says, quantity: Quantity::Difference(at(from, unit), at(less, unit)), bound }
}

/// A table and chart.
pub(crate) const fn shown(title: &'static str, unit: &'static str, prefix: &'static str) -> Shown {
    Shown { title, unit, prefix }
}
