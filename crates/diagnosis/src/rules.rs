//! The rules: evidence to findings.
//!
//! 1. [`RULES`] has a row for each rule: what it needs, beside which findings it is silent, its thresholds and their reasons.
//! 2. Each rule whose inputs are there looks at one site, or at the process, and knows nothing of the others.
//! 3. What it says is left out where its row says that it gives way to what was found before.
//! 4. Findings of a line are put together, and ranked; what would have said more goes to [`Diagnosis::not_measured`].

mod arrays;
mod collector;
mod functions;
mod growth;
mod keys;
mod locality;
mod locks;
mod makes;
mod memory;
mod nesting;
mod not_measured;
mod path;
mod predicted;
mod rank;
mod registry;
mod rule;
mod saving;
mod slices;
mod spread;
mod steady;
mod storage;
mod twice;
mod usual_size;
mod whole_map;

use self::functions::{FunctionSites, Functions};
pub use self::registry::RULES;
use self::rule::Check;
pub use self::rule::{GivesWay, Input, Rule, Threshold, Value};

use crate::finding::{
    Advice, Amount, Cause, Confidence, Diagnosis, EvidenceLine, Finding, Level, Reason, Verdict,
};
use evidence::{
    Cost, Evidence, MapType, ProcessCpu, Site, SiteCpu, SiteMap, SourceIds, SourceKind,
};
use goabi::{GoVersion, MapImpl, MapOp};
use gomap::blocks::GROUP_SLOTS;

/// Part of the process' CPU from which on a site is worth a word.
pub(crate) const NOTICEABLE: f64 = 0.02;
/// Part of the process' CPU in maps below which the process is left alone as a whole.
pub(crate) const PROCESS_NOTICEABLE: f64 = 0.05;
/// Samples below which a finding is a hint to look at: at 20 samples the share is uncertain by half its value.
pub const FEW_SAMPLES: u64 = 20;
/// Samples from which on a share is good to a fifth of its value.
pub(crate) const MANY_SAMPLES: u64 = 100;
/// Samples without which no rule speaks about a part: one or two samples are anywhere by chance.
pub(crate) const ENOUGH_SAMPLES: u64 = 5;

/// Entries that every new map holds without growing, in all versions.
pub const FIRST_GROUP: u64 = GROUP_SLOTS;
/// Entries of an inner map, on average, up to which a flat map is the smaller one.
pub const FLAT_IS_SMALLER: u64 = 4;

/// Asks all rules.
pub fn diagnose(evidence: Evidence) -> Diagnosis {
    let findings = rank::rank(ask(&evidence), &evidence);
    let not_measured = not_measured::list(&evidence);
    Diagnosis { evidence, findings, not_measured }
}

/// What the rules say of each site, then of the process; they are asked in the order of the registry.
fn ask(evidence: &Evidence) -> Vec<Finding> {
    let rules: Vec<&Rule> = RULES.iter().filter(|rule| rule.has_inputs(evidence)).collect();
    let functions = Functions::of(evidence);
    let mut found = Vec::new();
    for (index, site) in evidence.sites.iter().enumerate() {
        for rule in &rules {
            if let Check::Site(check) = rule.check {
                let functions = &functions;
                let context = SiteContext { rule: rule.name, evidence, functions, index, site };
                let finding = check(&context).map(|found| saving::with_saving(&context, found));
                found.extend(finding.filter(|finding| rule.speaks_beside(finding, &found)));
            }
        }
    }
    for rule in &rules {
        if let Check::Process(check) = rule.check {
            let finding = check(&ProcessContext { rule: rule.name, evidence });
            found.extend(finding.filter(|finding| rule.speaks_beside(finding, &found)));
        }
    }
    found
}

/// What a rule about the process sees.
struct ProcessContext<'e> {
    /// Name of the rule.
    rule: &'static str,
    evidence: &'e Evidence,
}

impl<'e> ProcessContext<'e> {
    fn cpu(&self) -> Option<&'e ProcessCpu> {
        self.evidence.cpu.as_ref()
    }

    /// A finding about the process with the CPU that it speaks about.
    fn finding(&self, cause: Cause, advice: Advice, cost: Cost, confidence: Confidence) -> Finding {
        Finding { cost: Some(cost), ..Finding::new(self.rule, cause, advice, confidence) }
    }

    /// A part of CPU time; `None` when it was not measured.
    fn share(&self, what: &str, part: Cost, whole: Cost) -> Option<EvidenceLine> {
        let amount = Amount::Share { part, whole };
        Some(EvidenceLine { sources: self.cpu()?.sources.clone(), what: what.to_owned(), amount })
    }
}

/// What a rule about a site sees.
struct SiteContext<'e> {
    /// Name of the rule.
    rule: &'static str,
    evidence: &'e Evidence,
    functions: &'e Functions<'e>,
    index: usize,
    site: &'e Site,
}

impl<'e> SiteContext<'e> {
    /// Cost of the site and of the process, when both were measured and the site is worth a word.
    fn noticeable_cpu(&self) -> Option<(&'e SiteCpu, &'e ProcessCpu)> {
        let (cpu, process) = self.cpu()?;
        is_noticeable(cpu.map, process.total).then_some((cpu, process))
    }

    fn cpu(&self) -> Option<(&'e SiteCpu, &'e ProcessCpu)> {
        Some((self.site.cpu.as_ref()?, self.evidence.cpu.as_ref()?))
    }

    /// The site's function, at the first of its sites: what is said of a function is said there.
    fn function_here(&self) -> Option<&'e FunctionSites<'e>> {
        self.functions.get(self.site).filter(|function| function.begins_with(self.site))
    }

    fn version(&self) -> Option<GoVersion> {
        self.evidence.program.go_version.map(|(version, _)| version)
    }

    fn map_impl(&self) -> Option<MapImpl> {
        self.evidence.program.map_impl.map(|(map_impl, _)| map_impl)
    }

    /// Map types on which the line performs an operation.
    fn types(&self, op: MapOp) -> impl Iterator<Item = &'e MapType> {
        let maps = self.site.maps.iter().flatten().filter(move |map| map.op == op);
        maps.filter_map(SiteMap::known_type)
    }

    /// The type that the line writes, or else one that it touches.
    fn main_type(&self) -> Option<&'e MapType> {
        let any = || self.site.maps.iter().flatten().find_map(SiteMap::known_type);
        self.types(MapOp::Assign).next().or_else(any)
    }

    /// The type of the maps that hold the maps of this type used here.
    fn outer_type(&self, inner: &MapType) -> Option<&'e MapType> {
        self.site.outer_type(inner)
    }

    /// Whether code of the program ranges over maps of this type: with the keys of both levels in one, a loop over the
    /// entries of one outer key would have to go through those of all.
    fn is_walked(&self, inner: &MapType) -> bool {
        self.evidence.has_code(MapOp::Iterate, inner)
    }

    fn sources(&self, kind: SourceKind) -> Option<SourceIds> {
        self.evidence.sources_of(kind)
    }

    /// A part of CPU time; `None` when it was not measured.
    fn share(&self, what: &str, part: Cost, whole: Cost) -> Option<EvidenceLine> {
        self.fact(SourceKind::Cpu, what.to_owned(), Amount::Share { part, whole })
    }

    /// What inputs of a kind say; `None` when there is none.
    fn fact(&self, kind: SourceKind, what: String, amount: Amount) -> Option<EvidenceLine> {
        Some(EvidenceLine { sources: self.sources(kind)?, what, amount })
    }

    /// What samples of other tools say about growth at this line.
    fn growth_aside(&self) -> impl Iterator<Item = EvidenceLine> {
        self.site.cpu_aside.iter().flat_map(|aside| {
            let line = |what: &str, part, whole| {
                let (sources, amount) = (aside.source.into(), Amount::Share { part, whole });
                EvidenceLine { sources, what: what.to_owned(), amount }
            };
            [
                line("map operations at this line, of all CPU", aside.map, aside.total),
                line("of that under growth frames", aside.growth, aside.map),
            ]
        })
    }

    /// A finding about this site that rests on a share of the CPU.
    fn finding(&self, cost: Cost, cause: Cause, advice: Advice) -> Finding {
        let confidence = confidence(cost, Level::High, Reason::ShareMeasured);
        let finding = Finding::new(self.rule, cause, advice, confidence);
        Finding { site: Some(self.index), cost: Some(cost), ..finding }
    }
}

/// Those of the lines whose figures an input measured.
fn said<const N: usize>(lines: [Option<EvidenceLine>; N]) -> Vec<EvidenceLine> {
    lines.into_iter().flatten().collect()
}

/// Whether a part of the process' cost is worth a word.
fn is_noticeable(part: Cost, total: Cost) -> bool {
    part.samples >= ENOUGH_SAMPLES && part.share_of(total) >= NOTICEABLE
}

/// The level that the number of samples allows, at most `level`; the reason names what limits it.
fn confidence(cost: Cost, level: Level, reason: Reason) -> Confidence {
    match cost.samples {
        n @ 0..FEW_SAMPLES => Confidence { level: Level::Low, reason: Reason::FewSamples(n) },
        n @ 0..MANY_SAMPLES if level > Level::Medium => {
            Confidence { level: Level::Medium, reason: Reason::RoughShare(n) }
        }
        _ => Confidence { level, reason },
    }
}

impl Finding {
    /// A finding of which evidence, cost and saving are still to be said.
    fn new(rule: &'static str, cause: Cause, advice: Advice, confidence: Confidence) -> Self {
        let (site, under, cost, waiting, saving) = (None, None, None, None, None);
        let evidence = Vec::new();
        Self { rule, site, cause, advice, under, cost, waiting, saving, confidence, evidence }
    }

    /// What to do, in one word.
    pub fn verdict(&self) -> Verdict {
        self.advice.verdict()
    }

    /// Whether the verdict asks for a change.
    pub fn asks_for_change(&self) -> bool {
        self.verdict() != Verdict::LeaveAlone
    }
}

#[cfg(test)]
mod tests;
