//! What recordings counted of the growth of maps.

use std::ops::AddAssign;

use gomap::GrowKind;

use super::{Frame, SourceIds};
use crate::sizes::{FinalSizes, NoSizes};

/// Growth of maps, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Growth {
    /// Number of growths.
    pub grows: u64,
    /// Entries inserted again by them.
    pub moved_entries: u64,
    /// Units: bytes of keys and elements of those entries, as stored.
    pub moved_bytes: u64,
    /// Units: bytes of the arrays allocated for them.
    pub grow_bytes: u64,
}

impl AddAssign for Growth {
    fn add_assign(&mut self, other: Self) {
        self.grows = self.grows.saturating_add(other.grows);
        self.moved_entries = self.moved_entries.saturating_add(other.moved_entries);
        self.moved_bytes = self.moved_bytes.saturating_add(other.moved_bytes);
        self.grow_bytes = self.grow_bytes.saturating_add(other.grow_bytes);
    }
}

/// How the numbers of a recording came about, from best to worst.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precision {
    /// Every event was counted.
    #[default]
    Exact,
    /// Every event was counted; which line it belongs to is estimated from a part of them.
    EstimatedSite,
    /// Estimated from windows of time.
    Estimated,
    /// A part of the time nothing was counted, and nothing stands for it: there was at least this much.
    LowerBound,
}

/// A number beside the growths of a recording, and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figure {
    /// It was counted.
    Exact(u64),
    /// It was estimated: no more digits than it is known to.
    About(u64),
    /// There was at least as much.
    AtLeast(u64),
}

impl Figure {
    /// What a number is that was summed up over growths, of which there were so many, known to be in a range.
    fn of(n: u64, precision: Precision, grows: u64, range: Option<Bounds>) -> Self {
        let has_no_end = range.is_some_and(|range| range.high.is_none() && range.low >= grows);
        match range {
            _ if precision == Precision::LowerBound || has_no_end => {
                Self::AtLeast(least(n, grows, range.map_or(grows, |range| range.low)))
            }
            Some(range) => Self::About(range.round(n, grows)),
            None if precision == Precision::Exact => Self::Exact(n),
            None => Self::About(n),
        }
    }

    /// The number.
    pub fn number(self) -> u64 {
        let (Self::Exact(n) | Self::About(n) | Self::AtLeast(n)) = self;
        n
    }
}

/// The part of `n` that belongs to the fewest of so many growths.
fn least(n: u64, grows: u64, fewest: u64) -> u64 {
    if fewest >= grows {
        return n;
    }
    (u128::from(n) * u128::from(fewest) / u128::from(grows)) as u64
}

/// Growth of the process' maps.
#[derive(Debug, Clone, PartialEq)]
pub struct ProcessGrowth {
    /// Recordings it was summed from.
    pub sources: SourceIds,
    /// All growths.
    pub total: Growth,
    /// The worst precision of any part.
    pub precision: Precision,
    /// What holds the true number of growths in 19 of 20 cases; `None` when each was counted, or too little was seen to
    /// say.
    pub grows_range: Option<Bounds>,
    /// The windows of each recording that counted in windows.
    pub windows: Vec<Windows>,
    /// Whether clocks of threads were missing in windows: estimates have no upper end then.
    pub lacks_clocks: bool,
    /// Time in which nothing was counted and that no window stands for. Units: nanoseconds of the program's CPU time.
    pub uncounted_ns: u64,
    /// Units: nanoseconds recorded.
    pub duration_ns: u64,
    /// Growths lost, and therefore missing from the counts.
    pub lost: u64,
    /// Part of the program's CPU time that recording took, of several recordings the largest; `None` when one does not say.
    pub overhead: Option<f64>,
    /// Garbage collections during the recordings; `None` when one does not say.
    pub gc_cycles: Option<u64>,
    /// Times that the program had to help the collector before it could allocate; `None` when one does not say.
    pub gc_assists: Option<u64>,
}

impl ProcessGrowth {
    /// What a sum of all lines is.
    pub fn figure(&self, n: u64) -> Figure {
        match self.precision {
            // Only their lines are.
            Precision::EstimatedSite => Figure::Exact(n),
            precision => Figure::of(n, precision, self.total.grows, self.grows_range),
        }
    }

    /// Whether no growth at a line means that none was there: each was counted, with its line.
    pub fn has_every_growth(&self) -> bool {
        self.precision == Precision::Exact && self.lost == 0
    }

    /// Of recordings in which nothing was counted yet.
    pub fn of(sources: impl Into<SourceIds>) -> Self {
        Self {
            sources: sources.into(),
            total: Growth::default(),
            precision: Precision::default(),
            grows_range: None,
            windows: Vec::new(),
            lacks_clocks: false,
            uncounted_ns: 0,
            duration_ns: 0,
            lost: 0,
            overhead: None,
            gc_cycles: None,
            gc_assists: None,
        }
    }
}

/// Growth of the maps written at a line.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SiteGrowth {
    /// All map types.
    pub total: Growth,
    /// By map type, the one with the most bytes moved first.
    pub types: Vec<TypeGrowth>,
}

/// Growth of the maps of one type at a line.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeGrowth {
    /// Go's name of the type; `unknown` when its descriptor could not be read.
    pub map_type: String,
    /// All growths.
    pub total: Growth,
    /// The worst precision of any part.
    pub precision: Precision,
    /// By capacity before, ascending.
    pub steps: Vec<GrowStep>,
    /// Slots from which on every doubling of a classic map was counted, in gaps between windows too; `None` where the
    /// recordings do not all say so.
    pub every_growth_from: Option<u64>,
    /// Whether the recording does not say the line: these are growths of maps of several lines, a part of each.
    pub has_no_line: bool,
    /// What holds the true number of growths in 19 of 20 cases; `None` when each was counted, or the recording does not
    /// say how far it can be off. Derived.
    pub grows_range: Option<Bounds>,
    /// How large these maps became, or why that is not known. Derived.
    pub sizes: Result<FinalSizes, NoSizes>,
}

impl TypeGrowth {
    /// What a number is that was summed up over these growths.
    pub fn figure(&self, n: u64) -> Figure {
        Figure::of(n, self.precision, self.total.grows, self.grows_range)
    }
}

impl Default for TypeGrowth {
    fn default() -> Self {
        Self {
            map_type: String::new(),
            total: Growth::default(),
            precision: Precision::default(),
            steps: Vec::new(),
            every_growth_from: None,
            has_no_line: false,
            grows_range: None,
            sizes: Err(NoSizes::UnknownVersion),
        }
    }
}

/// Growths from one capacity to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrowStep {
    /// What the runtime does.
    pub kind: GrowKind,
    /// Slots before; of Swiss maps, of the table that grows.
    pub before: u64,
    /// Slots after; of a split, of both tables together.
    pub after: u64,
    /// Of a split, the bits of the hash that chose the table: it is one of 2^depth of its map. `None` for other growths,
    /// and where the recording does not say.
    pub local_depth: Option<u8>,
    /// Number of growths.
    pub grows: u64,
    /// The part of `grows` that is estimated.
    pub sampled: Sampled,
    /// Entries moved by them.
    pub moved_entries: u64,
}

/// Estimated growths, by where they were seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sampled {
    /// Growths that those seen in the windows of a group stand for. Sortedness: by group, each once.
    pub by_group: Vec<(GroupId, u64)>,
    /// Growths of which the recording does not say the group: how far they can be off is not known.
    pub of_no_group: u64,
}

/// A group of windows: every so many of them in turn, so that groups differ by chance only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId {
    /// Index into [`ProcessGrowth::windows`].
    pub recording: u32,
    /// Index into [`Windows::group_cpu_ns`].
    pub group: u32,
}

/// The windows of time in which a recording counted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Windows {
    /// CPU time that the windows of each group stand for; empty when the recording does not say.
    pub group_cpu_ns: Vec<u64>,
    /// Growths estimated per growth seen, in the mean. Shape: at least 1.
    pub scale: f64,
    /// How wrong everything estimated may be in one direction, in 19 of 20 cases. Units: fraction.
    pub scale_error: f64,
    /// Growths in bursts that no window may have met, for each that was estimated. Units: fraction.
    pub unmet: f64,
    /// Whether splits of the largest Swiss tables were counted in the gaps as well.
    pub every_split: bool,
    /// Whether too little is known to say of any growths how many there were at most.
    pub has_no_end: bool,
}

/// A range of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// At least.
    pub low: u64,
    /// At most; `None` when too little was seen to say.
    pub high: Option<u64>,
}

impl Bounds {
    /// An estimate, of the same things as one of `of` with this range: to two digits where the lower end is less than a
    /// tenth of it, as more would say what nobody knows.
    pub fn round(self, n: u64, of: u64) -> u64 {
        if self.low.saturating_mul(10) >= of {
            return n;
        }
        let step = n.checked_ilog10().map_or(1, |digits| 10_u64.pow(digits.saturating_sub(1)));
        n.saturating_add(step / 2) / step * step
    }
}

/// Maps made with a size hint at a line.
#[derive(Debug, Clone, PartialEq)]
pub struct HintedMakes {
    /// The line.
    pub frame: Frame,
    /// Go's name of the map's type.
    pub map_type: String,
    /// Number of maps.
    pub n: u64,
    /// Sum of the hints.
    pub sum_hints: u64,
}

impl HintedMakes {
    /// The mean hint.
    pub fn mean(&self) -> f64 {
        if self.n == 0 { 0.0 } else { self.sum_hints as f64 / self.n as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Growths of a type of which so many entries were moved.
    fn entries_of(precision: Precision, range: Option<(u64, Option<u64>)>) -> Figure {
        let total = Growth { grows: 1760, moved_entries: 76_736, ..Growth::default() };
        let grows_range = range.map(|(low, high)| Bounds { low, high });
        let growth = TypeGrowth { total, precision, grows_range, ..TypeGrowth::default() };
        growth.figure(growth.total.moved_entries)
    }

    #[test]
    fn what_belongs_to_a_lower_bound_is_one() {
        assert_eq!(entries_of(Precision::Exact, None), Figure::Exact(76_736));
        assert_eq!(entries_of(Precision::EstimatedSite, None), Figure::About(76_736));
        let near = Some((1000, Some(3000)));
        assert_eq!(entries_of(Precision::Estimated, near), Figure::About(76_736));
        // Clocks of threads were missing.
        let no_end = entries_of(Precision::Estimated, Some((1760, None)));
        assert_eq!(no_end, Figure::AtLeast(76_736));
        let part = entries_of(Precision::LowerBound, Some((440, None)));
        assert_eq!(part, Figure::AtLeast(76_736 / 4));
        assert_eq!(entries_of(Precision::LowerBound, None), Figure::AtLeast(76_736));
    }

    #[test]
    fn an_estimate_has_as_many_digits_as_are_known() {
        let wide = entries_of(Precision::Estimated, Some((175, Some(9000))));
        assert_eq!(wide, Figure::About(77_000));
        let wide = Bounds { low: 0, high: None };
        assert_eq!([0, 7, 99, 996, 1234].map(|n| wide.round(n, 1)), [0, 7, 99, 1000, 1200]);
    }
}
