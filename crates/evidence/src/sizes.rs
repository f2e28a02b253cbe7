//! How large maps became, from the steps of their growth.
//!
//! A map that grew to some capacity and not beyond stopped there: the number of maps that came by one step of their
//! growth, less those that came by the next. Its size is between what it held when it grew last, plus one, and what fits
//! before it would grow again. `ladder` has the steps, and says which differences between them are more than chance.

pub mod allocated;
mod ladder;

use goabi::MapAbi;
use schemars::JsonSchema;
use serde::Serialize;

use self::ladder::Ladder;
use crate::{Bounds, Precision, TypeGrowth, Windows};

/// A range of entries. Shape: `at_least <= room`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Size {
    /// Entries that a map holds at least.
    pub at_least: u64,
    /// Entries that it has room for.
    pub room: u64,
}

/// Maps of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Class {
    /// How large they became.
    pub size: Size,
    /// Number of maps.
    pub maps: u64,
    /// What holds their true number in 19 of 20 cases; `None` where growths were not counted in windows.
    pub range: Option<Bounds>,
}

/// Maps that became larger than all others, of which too few growths were seen to tell how large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Larger {
    /// Entries that they hold at least.
    pub at_least: u64,
    /// Number of maps.
    pub maps: u64,
}

/// Sizes of the maps of a type at a line that grew at all.
#[derive(Debug, Clone, PartialEq)]
pub struct FinalSizes {
    classes: Vec<Class>,
    larger: Option<Larger>,
    range: Option<Bounds>,
    moved_entries: u64,
}

/// Why the sizes of maps are not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoSizes {
    /// The recording does not say a Go version, or one whose maps are not known.
    UnknownVersion,
    /// No map is known to have stopped growing.
    NoneStopped,
    /// Too few growths were seen: maps may have grown on unseen.
    TooFew,
    /// Growths were estimated by a recording that does not say how far they can be off.
    NoRange,
    /// A part of the time nothing was counted: maps may have grown on in it.
    Uncounted,
    /// The growths are of maps of any line.
    NoLine,
    /// A heap profile has too few samples of the arrays that maps take.
    FewBlocks,
    /// By a heap profile more maps have a large array than a small one: they are made with hints, or not in one way.
    BeginLarger,
}

impl Class {
    /// The lower end of its range.
    pub fn fewest(&self) -> u64 {
        self.range.map_or(self.maps, |range| range.low)
    }

    /// The upper end of its range.
    pub fn most(&self) -> u64 {
        self.range.and_then(|range| range.high).map_or(self.maps, |high| high.max(self.maps))
    }
}

impl FinalSizes {
    /// Derives the sizes of what grew at a line, as maps of this kind do.
    ///
    /// # Errors
    /// Where they would be a guess.
    pub(crate) fn of(
        map: Option<&'static MapAbi>,
        windows: &[Windows],
        growth: &TypeGrowth,
    ) -> Result<Self, NoSizes> {
        let map = map.ok_or(NoSizes::UnknownVersion)?;
        if growth.has_no_line {
            return Err(NoSizes::NoLine);
        }
        if growth.precision == Precision::LowerBound {
            return Err(NoSizes::Uncounted);
        }
        let ladder = Ladder::of(growth, map, windows);
        if growth.precision < Precision::Estimated {
            return Self::counted(ladder.counted_classes(), growth);
        }
        if growth.steps.iter().any(|step| step.sampled.of_no_group > 0) || windows.is_empty() {
            return Err(NoSizes::NoRange);
        }
        let estimate = ladder.estimate(windows)?;
        Ok(Self {
            classes: estimate.classes,
            larger: estimate.larger,
            range: Some(estimate.range),
            moved_entries: growth.total.moved_entries,
        })
    }

    fn counted(classes: Vec<Class>, growth: &TypeGrowth) -> Result<Self, NoSizes> {
        if classes.is_empty() {
            return Err(NoSizes::NoneStopped);
        }
        let moved_entries = growth.total.moved_entries;
        Ok(Self { classes, larger: None, range: None, moved_entries })
    }

    /// Maps by size. Sortedness: by size. Shape: one at least.
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// Those beyond the largest class, if there are any: at most one in 20.
    pub fn larger(&self) -> Option<Larger> {
        self.larger
    }

    /// Number of maps.
    pub fn n_maps(&self) -> u64 {
        let larger = self.larger.map_or(0, |larger| larger.maps);
        self.classes.iter().map(|class| class.maps).fold(larger, u64::saturating_add)
    }

    /// What holds their true number in 19 of 20 cases; `None` where growths were not counted in windows.
    pub fn range(&self) -> Option<Bounds> {
        self.range
    }

    /// The size that this part of the maps does not exceed: 0.5 is the median. Of more than 0.95 the largest class.
    pub fn quantile(&self, part: f64) -> Size {
        let wanted = (self.n_maps() as f64 * part).ceil().max(1.0) as u64;
        let mut n_below = 0_u64;
        let at = self.classes.iter().position(|class| {
            n_below = n_below.saturating_add(class.maps);
            n_below >= wanted
        });
        self.classes[at.unwrap_or(self.classes.len() - 1)].size
    }

    /// Write amplification of these maps in entries: (inserted + moved) / inserted, from lowest to highest. `None` when
    /// the size of some is not known.
    ///
    /// Inserts were not counted; they follow from the sizes when nothing was deleted.
    pub fn write_amplification(&self) -> Option<(f64, f64)> {
        if self.larger.is_some() {
            return None;
        }
        let inserted = |of: fn(Size) -> u64| {
            let entries = |class: &Class| of(class.size) as f64 * class.maps as f64;
            self.classes.iter().map(entries).sum::<f64>()
        };
        let amplification =
            |inserted: f64| (inserted + self.moved_entries as f64) / inserted.max(1.0);
        let (most, least) = (inserted(|size| size.room), inserted(|size| size.at_least));
        Some((amplification(most), amplification(least)))
    }
}

#[cfg(test)]
mod tests;
