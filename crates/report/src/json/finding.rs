//! What the rules concluded.

use std::borrow::Cow;

use diagnosis::finding::{self, Advice, Cause, GrowthSaving, Level, Reason, Under};
use diagnosis::{Diagnosis, Verdict};
use evidence::sizes::NoSizes;
use schemars::JsonSchema;
use serde::Serialize;

use super::site::Caller;
use super::{Cost, Key, Range};
use crate::words;

/// One conclusion about one site or the process.
#[derive(Serialize, JsonSchema)]
pub(super) struct Finding<'d> {
    /// Stable name of the rule; see docs/rules.md.
    rule: &'d str,
    /// Index into `sites`; null is the whole process.
    site: Option<usize>,
    /// Where the line is in a library: the caller that the user can change, of several that in which most of the line's map
    /// time is spent; null where the line is the user's own, or none is known.
    first_caller: Option<Caller<'d>>,
    /// What to do, in one word.
    verdict: Key<Verdict>,
    /// What is the matter.
    cause: Cow<'static, str>,
    /// What is the matter, for programs.
    cause_key: Key<&'d Cause>,
    /// What to change.
    advice: Cow<'static, str>,
    /// The advice for programs.
    action: &'d Advice,
    /// How it stands to the first finding of the same line, which comes before it; null where it is the first.
    under: Option<Key<Under>>,
    /// The CPU time that it explains; null when it speaks about something else.
    cost: Option<Cost>,
    /// Goroutines that wait because of it at any time, on average; null when it speaks about something else, or where
    /// sources do not say which time they cover.
    waiting: Option<f64>,
    /// What the advice would save; null when nothing is predicted.
    saving: Option<Saving>,
    /// How far to trust it.
    confidence: Confidence,
    /// Indices into `sources` of those that its evidence comes from, the binary left out.
    seen_in: Vec<u32>,
    /// Number of sources that measured anything.
    measuring_sources: usize,
    /// What it rests on.
    evidence: Vec<EvidenceLine<'d>>,
}

impl<'d> Finding<'d> {
    pub(super) fn of(finding: &'d diagnosis::Finding, diagnosis: &'d Diagnosis) -> Self {
        let site = finding.site.and_then(|site| diagnosis.evidence.sites.get(site));
        Self {
            rule: finding.rule,
            site: finding.site,
            first_caller: site.and_then(|site| site.first_callers.first()).map(Caller::from),
            verdict: Key(finding.verdict()),
            cause: words::cause(&finding.cause),
            cause_key: Key(&finding.cause),
            advice: words::advice(&finding.advice),
            action: &finding.advice,
            under: finding.under.map(Key),
            cost: finding.cost.map(Cost::from),
            waiting: finding.waiting,
            saving: finding.saving.as_ref().map(Saving::from),
            confidence: Confidence {
                level: Key(finding.confidence.level),
                reason: words::reason(finding.confidence.reason),
                reason_key: Key(finding.confidence.reason),
            },
            seen_in: super::ids(diagnosis.sources_of(finding)),
            measuring_sources: diagnosis.evidence.n_measuring(),
            evidence: super::each(&finding.evidence),
        }
    }
}

/// How far to trust a finding.
#[derive(Serialize, JsonSchema)]
struct Confidence {
    /// Grade.
    level: Key<Level>,
    /// Why not higher, or what it rests on.
    reason: Cow<'static, str>,
    /// The same for programs.
    reason_key: Key<Reason>,
}

/// What following the advice would save, as fractions of the process' CPU time; below 0 is more than today.
#[derive(Serialize, JsonSchema)]
struct Saving {
    /// Best estimate.
    best: f64,
    /// At least, two standard errors of sampling included.
    low: f64,
    /// At most, two standard errors of sampling included.
    high: f64,
    /// The part of these that is work of the collector, which other advice may save as well.
    collector: CpuPart,
    /// What it rests on.
    basis: Cow<'static, str>,
    /// What growth it saves, by the growth model; null when the sizes of the maps were not measured, or for other advice.
    growth: Option<SavedGrowth>,
}

impl From<&finding::Saving> for Saving {
    fn from(saving: &finding::Saving) -> Self {
        let finding::CpuPart { low, best, high } = saving.cpu;
        Self {
            best,
            low,
            high,
            collector: saving.collector.into(),
            basis: words::basis(saving.basis),
            growth: saving.growth.as_ref().map(SavedGrowth::from),
        }
    }
}

/// An estimated part of the process' CPU time, as fractions of it; below 0 is more than today.
#[derive(Serialize, JsonSchema)]
pub(super) struct CpuPart {
    /// Best estimate.
    best: f64,
    /// At least.
    low: f64,
    /// At most.
    high: f64,
}

impl From<finding::CpuPart> for CpuPart {
    fn from(finding::CpuPart { low, best, high }: finding::CpuPart) -> Self {
        Self { best, low, high }
    }
}

/// Growth saved at the sizes that the maps were measured to have; below 0 is more than today.
#[derive(Serialize, JsonSchema)]
struct SavedGrowth {
    /// Index into `sources` of what measured the sizes; the first, where several did.
    source: u32,
    /// Indices of all; absent where it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    sources: Option<Vec<u32>>,
    /// Number of maps.
    maps: u64,
    /// Entries that growth moves.
    moved_entries: Range<i64>,
    /// Taken from the allocator. Bytes.
    allocated_bytes: Range<i64>,
    /// Objects taken from the allocator.
    allocations: Range<i64>,
}

impl From<&GrowthSaving> for SavedGrowth {
    fn from(saving: &GrowthSaving) -> Self {
        Self {
            source: saving.sources.first().index(),
            sources: super::several(&saving.sources),
            maps: saving.maps,
            moved_entries: saving.moved_entries.into(),
            allocated_bytes: saving.allocated_bytes.into(),
            allocations: saving.allocations.into(),
        }
    }
}

/// One measured fact behind a finding.
#[derive(Serialize, JsonSchema)]
struct EvidenceLine<'d> {
    /// Index into `sources` of where it was measured; the first, where it was in several.
    source: u32,
    /// Indices of all; absent where it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    sources: Option<Vec<u32>>,
    /// What was measured, without the figure.
    what: Cow<'d, str>,
    /// The figure; null for a fact that is there or not.
    amount: Option<Amount>,
    /// Why sizes are not known; absent from lines that do not say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_sizes_because: Option<Key<NoSizes>>,
}

impl<'d> From<&'d finding::EvidenceLine> for EvidenceLine<'d> {
    fn from(line: &'d finding::EvidenceLine) -> Self {
        Self {
            source: line.sources.first().index(),
            sources: super::several(&line.sources),
            what: words::label(line),
            amount: Amount::of(line.amount),
            no_sizes_because: match line.amount {
                finding::Amount::NoSizes(reason) => Some(Key(reason)),
                _ => None,
            },
        }
    }
}

/// A figure; its fields say what it is.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum Amount {
    /// A part of a cost.
    Share {
        /// The part.
        part: Cost,
        /// The whole.
        whole: Cost,
    },
    /// A part of a time.
    TimeShare {
        /// Nanoseconds.
        part_ns: u64,
        /// Nanoseconds.
        whole_ns: u64,
    },
    /// A part of a number of events.
    EventShare {
        /// The part.
        part_events: u64,
        /// The whole.
        whole_events: u64,
    },
    /// A time.
    Time {
        /// Nanoseconds.
        ns: u64,
    },
    /// Memory.
    Bytes {
        /// Bytes.
        bytes: u64,
    },
    /// An estimated number of things.
    Estimate {
        /// The estimate.
        count: u64,
        /// At least, in 19 of 20 cases.
        low: u64,
        /// At most, in 19 of 20 cases; null when it is not known.
        high: Option<u64>,
    },
    /// A number of things.
    Count {
        /// The number.
        count: u64,
    },
    /// A number of things that is only known to lie in a range.
    Range(Range<u64>),
    /// A quotient or mean.
    Ratio {
        /// The quotient.
        ratio: f64,
    },
    /// A factor known to lie in a range.
    RatioRange {
        /// At least.
        low_ratio: f64,
        /// At most.
        high_ratio: f64,
    },
}

impl Amount {
    fn of(amount: finding::Amount) -> Option<Self> {
        Some(match amount {
            finding::Amount::Share { part, whole } => {
                Self::Share { part: part.into(), whole: whole.into() }
            }
            finding::Amount::TimeShare { part_ns, whole_ns } => {
                Self::TimeShare { part_ns, whole_ns }
            }
            finding::Amount::EventShare { part, whole } => {
                Self::EventShare { part_events: part, whole_events: whole }
            }
            finding::Amount::Time(ns) => Self::Time { ns },
            finding::Amount::Bytes(bytes) => Self::Bytes { bytes },
            finding::Amount::Count(count) => Self::Count { count },
            finding::Amount::Range { low, high } => Self::Range((low, high).into()),
            finding::Amount::Estimate { n, range } => {
                Self::Estimate { count: n, low: range.low, high: range.high }
            }
            finding::Amount::Ratio(ratio) => Self::Ratio { ratio },
            finding::Amount::RatioRange { low, high } => {
                Self::RatioRange { low_ratio: low, high_ratio: high }
            }
            finding::Amount::Fact | finding::Amount::NoSizes(_) => return None,
        })
    }
}
