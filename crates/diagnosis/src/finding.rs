//! What the rules conclude, as data: the words for it are the report's. Only the labels of evidence are short texts, since
//! nothing acts on them.

mod advice;
mod cause;
mod gap;
mod reason;
mod spent;

pub(crate) use self::advice::Work;
pub use self::advice::{
    Advice, Entries, Gain, KnownFrom, Makes, NoMakes, Relief, ShardKey, SyncMap, Twice, Visits,
};
pub use self::cause::{Cause, KeyMaker, Within};
pub use self::gap::Gap;
pub use self::reason::Reason;
pub use self::spent::Spent;

use evidence::sizes::NoSizes;
use evidence::{Bounds, Cost, Evidence, SourceId, SourceIds};
use gomap::Category;

/// Evidence with what follows from it.
#[derive(Debug, Clone)]
pub struct Diagnosis {
    /// What was measured.
    pub evidence: Evidence,
    /// Ranked: what asks for a change before what does not, by the time that it explains. All findings of a line stand
    /// together: the first is what to do, the others are [`Finding::under`] it.
    pub findings: Vec<Finding>,
    /// What would have said more, the most telling first.
    pub not_measured: Vec<Gap>,
}

impl Diagnosis {
    /// Inputs that the lines of a finding come from; the binary, which measures nothing, is left out.
    pub fn sources_of(&self, finding: &Finding) -> Vec<SourceId> {
        let of_lines = finding.evidence.iter().flat_map(|line| line.sources.iter());
        let mut ids: Vec<SourceId> = of_lines.collect();
        ids.sort();
        ids.dedup();
        ids.retain(|&id| self.evidence.measures(id));
        ids
    }

    /// Findings that are the first of their line, or about the process, with those that stand under them.
    pub fn by_line(&self) -> impl Iterator<Item = (&Finding, &[Finding])> {
        self.findings.chunk_by(|_, next| next.under.is_some()).filter_map(|line| line.split_first())
    }
}

/// One conclusion about one site or the process.
#[derive(Debug, Clone)]
pub struct Finding {
    /// Stable name of the rule, kebab-case: `growth-dominates`.
    pub rule: &'static str,
    /// Index into [`Evidence::sites`]; `None` is the whole process.
    pub site: Option<usize>,
    /// What is the matter.
    pub cause: Cause,
    /// What to change, concretely.
    pub advice: Advice,
    /// How it stands to the first finding of the same line; `None` where it is the first, or about the process.
    pub under: Option<Under>,
    /// The CPU that it explains; `None` when it speaks about memory.
    pub cost: Option<Cost>,
    /// Goroutines that wait because of it, on average; `None` when it speaks about other things or that is not known.
    pub waiting: Option<f64>,
    /// What following the advice would save.
    pub saving: Option<Saving>,
    /// How far to trust it.
    pub confidence: Confidence,
    /// Each line can be checked by hand in the source it names.
    pub evidence: Vec<EvidenceLine>,
}

/// What a finding is beside the first one of its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Under {
    /// An alternative: both save the same work, so one of them is enough.
    Instead,
    /// Something else: each helps without the other.
    Besides,
}

/// What to do at a site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Give `make` a size: a hint for a map, a capacity for slices.
    Presize,
    /// One map with a compound key instead of maps in a map.
    Flatten,
    /// Another key type, or build keys less often.
    ChangeKey,
    /// Several maps with a lock each.
    Shard,
    /// Keep the map and clear it instead of making a new one.
    Reuse,
    /// Fewer or smaller allocations, or fewer collections.
    AllocateLess,
    /// Replace the map to give its memory back.
    Release,
    /// Larger writes, and fewer.
    Batch,
    /// Another data structure or Go version.
    Replace,
    /// Nothing to do.
    LeaveAlone,
}

/// Predicted effect of the advice.
#[derive(Debug, Clone, PartialEq)]
pub struct Saving {
    /// All that it saves. Two standard errors of the sampled share stand on both sides.
    pub cpu: CpuPart,
    /// The part of it that is work of the collector, which other advice may save as well.
    pub collector: CpuPart,
    /// What it rests on.
    pub basis: Basis,
    /// What growth it saves, by the model; `None` when the sizes of the maps were not measured.
    pub growth: Option<GrowthSaving>,
}

/// A part of the process' CPU: a best estimate with a range around it. Units: fractions; below 0 is more than today.
/// Shape: `low <= best <= high <= 1.0`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CpuPart {
    /// At least.
    pub low: f64,
    /// Most likely.
    pub best: f64,
    /// At most.
    pub high: f64,
}

/// What a saving rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// A right hint removes the growth frames, and the collector's work for the arrays that were outgrown.
    RightHint,
    /// A flat map makes no inner maps, and searches once.
    FlatMap,
    /// A map that is cleared makes no arrays, and does not grow again.
    KeptMap,
    /// A concrete key is hashed and compared without its dynamic type, and not made into an interface value.
    ConcreteKey,
    /// Keys are not made for each operation.
    KeysOnce,
    /// Fewer bytes are hashed and compared.
    FewerBytes,
    /// Slices get their capacity at once.
    SliceCapacity,
    /// A slice or an index costs a small part of a loop over a map.
    NoLoop,
    /// A map with little room is cleared.
    LittleRoom,
    /// A map with the room that it needs is made.
    SmallerHint,
    /// Stacks are grown once.
    LiveGoroutines,
    /// A full small map does not grow where an entry is overwritten.
    NoGrowthOnOverwrite,
    /// No read checks for buckets that are not moved yet.
    GrowthFinished,
}

/// What the growth model says that the advice saves, at the sizes that the maps were measured to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrowthSaving {
    /// What measured the sizes.
    pub sources: SourceIds,
    /// Number of maps.
    pub maps: u64,
    /// Entries that growth moves.
    pub moved_entries: Span,
    /// Units: bytes taken from the allocator.
    pub allocated_bytes: Span,
    /// Objects taken from the allocator.
    pub allocations: Span,
}

/// A number known to lie in a range; of a saving, below 0 is more than today. Shape: `low <= high`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// At least.
    pub low: i64,
    /// At most.
    pub high: i64,
}

/// How far to trust a finding, and why.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Confidence {
    /// Grade.
    pub level: Level,
    /// Why not higher, or what it rests on.
    pub reason: Reason,
}

/// Grades of confidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// A hint to look at.
    Low,
    /// Likely.
    Medium,
    /// As good as the measurement.
    High,
}

/// One measured fact behind a finding.
#[derive(Debug, Clone, PartialEq)]
pub struct EvidenceLine {
    /// Where it was measured: all inputs that it was summed from.
    pub sources: SourceIds,
    /// What was measured, without the figure: a label.
    pub what: String,
    /// The figure.
    pub amount: Amount,
}

/// What map time of this category is spent on, as labels of evidence have it: "hashing keys".
pub(crate) fn work_label(category: Category) -> &'static str {
    match category {
        Category::Hash => "hashing keys",
        Category::Probe => "searching and comparing",
        Category::Read => "reading",
        Category::Iterate => "iterating",
        Category::DeleteClear => "deleting",
        Category::Create => "making maps",
        Category::OtherMap => "other work of maps",
        Category::GcAssist => "collector work charged to this line",
        Category::GrowthMove => "moving entries",
        Category::GrowthMemory => "new arrays",
        Category::WriteBarrier => "write barriers",
        Category::GcBackground => "collector work in the background",
        Category::KeyConversion => "making keys",
        Category::OffMap => "other work",
    }
}

/// A figure with its unit; how it looks is the report's business.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    /// A part of a whole.
    Share {
        /// The part.
        part: Cost,
        /// The whole.
        whole: Cost,
    },
    /// A part of a time.
    TimeShare {
        /// Units: nanoseconds.
        part_ns: u64,
        /// Units: nanoseconds.
        whole_ns: u64,
    },
    /// A part of a number of events.
    EventShare {
        /// The part.
        part: u64,
        /// The whole.
        whole: u64,
    },
    /// Units: nanoseconds.
    Time(u64),
    /// Units: bytes.
    Bytes(u64),
    /// A number of things.
    Count(u64),
    /// A number of things that is only known to lie in a range.
    Range {
        /// At least.
        low: u64,
        /// At most.
        high: u64,
    },
    /// An estimated number of things, or what there is at least.
    Estimate {
        /// The estimate.
        n: u64,
        /// What holds the true number in 19 of 20 cases.
        range: Bounds,
    },
    /// A quotient or mean.
    Ratio(f64),
    /// A factor known to be in this range.
    RatioRange {
        /// At least.
        low: f64,
        /// At most.
        high: f64,
    },
    /// A fact that is there or not: no figure.
    Fact,
    /// No figure, and why.
    NoSizes(NoSizes),
}
