//! What a row of the registry says of a rule.

use std::collections::HashMap;

use super::{ProcessContext, SiteContext};
use crate::finding::{Finding, Verdict};
use evidence::{Evidence, SourceKind};

/// A rule: what it concludes, from what, beside what it is silent, and why.
#[derive(Debug)]
pub struct Rule {
    /// Stable name, kebab-case: `growth-dominates`.
    pub name: &'static str,
    /// What its findings ask for, one of these.
    pub verdicts: &'static [Verdict],
    /// Inputs without which it is silent.
    pub needs: &'static [Input],
    /// Inputs by which it says more, or is trusted more.
    pub uses: &'static [Input],
    /// Findings beside which it is silent. Each is of a rule that is asked before it.
    pub gives_way_to: &'static [GivesWay],
    /// The numbers that decide.
    pub thresholds: &'static [Threshold],
    /// What has to be there, as it follows "when"; `{NAME}` stands for the value of a threshold.
    pub when: &'static str,
    /// How far its findings are trusted, and by what; with `{NAME}` as above.
    pub trust: &'static str,
    /// Why it speaks then, and what its figures rest on. One paragraph, with `{NAME}` as above.
    pub why: &'static str,
    /// How to see without it whether it is right.
    pub by_hand: &'static str,
    /// The rule itself.
    pub(super) check: Check,
}

/// The function that looks at the evidence.
#[derive(Debug, Clone, Copy)]
pub(super) enum Check {
    /// Is asked about each site.
    Site(fn(&SiteContext<'_>) -> Option<Finding>),
    /// Is asked about the process.
    Process(fn(&ProcessContext<'_>) -> Option<Finding>),
}

/// What a rule may need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// Samples of CPU time: of a profile, a recording or `perf`.
    Cpu,
    /// Samples of CPU time that another tool took beside the first.
    CpuAside,
    /// A heap profile.
    Heap,
    /// A live recording of growths.
    Recording,
    /// An execution trace.
    Trace,
    /// Waiting for locks: a mutex or block profile, or a trace.
    Locks,
    /// Misses of caches or of the translation of addresses.
    Misses,
    /// Tracepoints of system calls.
    Storage,
    /// The executable.
    Binary,
}

/// Findings beside which a rule is silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivesWay {
    /// To one of this rule at the same site: it says more about the same.
    ToRule(&'static str),
    /// When it would say "leave it alone", to one at the same site that asks for a change.
    ToChangeHere,
    /// When it would say "leave it alone", to one at any site that asks for a change.
    ToChangeAnywhere,
    /// To those at sites that ask for a change, where they explain half of its cost or more together.
    ToChangesOfHalf,
    /// To one at a site that says as well to leave it alone, and explains half of its cost or more: it says where.
    ToMostOfIt,
}

/// A number that decides.
#[derive(Debug, Clone, Copy)]
pub struct Threshold {
    /// Its name in the code.
    pub name: &'static str,
    /// The number.
    pub value: Value,
    /// What it is a number of, as it follows the number: "of the line's map cost", "samples".
    pub of: &'static str,
    /// Why it is where it is.
    pub reason: &'static str,
}

/// A number with its unit; how it looks is the report's business.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// Units: fraction of a whole.
    Fraction(f64),
    /// A number of things.
    Number(u64),
    /// Units: bytes.
    Bytes(u64),
    /// Units: nanoseconds.
    Time(u64),
}

impl Rule {
    /// The rule of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        super::RULES.iter().find(|rule| rule.name == name)
    }

    /// Whether the inputs are there without which it is silent.
    pub(super) fn has_inputs(&self, evidence: &Evidence) -> bool {
        self.needs.iter().all(|input| input.is_in(evidence))
    }

    /// Whether its finding stands beside those of the rules that were asked before.
    pub(super) fn speaks_beside(&self, finding: &Finding, found: &[Finding]) -> bool {
        let is_silenced = |gives_way: &GivesWay| gives_way.silences(finding, found);
        !self.gives_way_to.iter().any(is_silenced)
    }

    /// Rules that are silent beside a finding of this one.
    pub fn silences(&self) -> impl Iterator<Item = &'static Self> {
        let gives_way =
            move |rule: &&Self| rule.gives_way_to.contains(&GivesWay::ToRule(self.name));
        super::RULES.iter().filter(gives_way)
    }
}

impl GivesWay {
    /// Whether the finding is left out for those that were found before.
    fn silences(self, finding: &Finding, found: &[Finding]) -> bool {
        let is_any = |is: &dyn Fn(&Finding) -> bool| found.iter().any(is);
        let is_here = |other: &Finding| other.site == finding.site;
        let outweighs = |other: &Finding| !finding.asks_for_change() && other.asks_for_change();
        match self {
            Self::ToRule(name) => is_any(&|other| is_here(other) && other.rule == name),
            Self::ToChangeHere => is_any(&|other| is_here(other) && outweighs(other)),
            Self::ToChangeAnywhere => is_any(&|other| other.site.is_some() && outweighs(other)),
            Self::ToChangesOfHalf => changes_explain_half(found, finding),
            Self::ToMostOfIt => is_any(&|other| {
                let is_alike = other.site.is_some() && !other.asks_for_change();
                is_alike && !finding.asks_for_change() && explains_half(other, finding)
            }),
        }
    }
}

/// Whether those at sites that ask for a change explain half of its cost together; of each site the one that costs most counts.
fn changes_explain_half(found: &[Finding], finding: &Finding) -> bool {
    let mut by_site: HashMap<usize, u64> = HashMap::new();
    for other in found.iter().filter(|other| other.asks_for_change()) {
        if let (Some(site), Some(cost)) = (other.site, other.cost) {
            let of_site = by_site.entry(site).or_default();
            *of_site = cost.cpu_ns.max(*of_site);
        }
    }
    let sum = by_site.into_values().fold(0, u64::saturating_add);
    finding.cost.is_some_and(|whole| sum.saturating_mul(2) >= whole.cpu_ns)
}

fn explains_half(part: &Finding, whole: &Finding) -> bool {
    let costs = part.cost.zip(whole.cost);
    costs.is_some_and(|(part, whole)| part.cpu_ns.saturating_mul(2) >= whole.cpu_ns)
}

impl Input {
    fn is_in(self, evidence: &Evidence) -> bool {
        match self {
            Self::Cpu => evidence.cpu.is_some(),
            Self::CpuAside => evidence.sites.iter().any(|site| !site.cpu_aside.is_empty()),
            Self::Heap => evidence.heap.is_some(),
            Self::Recording => evidence.growth.is_some(),
            Self::Trace => evidence.trace.is_some(),
            Self::Locks => !evidence.locks.is_empty(),
            Self::Misses => !evidence.misses.is_empty(),
            Self::Storage => evidence.storage.is_some(),
            Self::Binary => evidence.sources.iter().any(|source| source.kind == SourceKind::Binary),
        }
    }
}
