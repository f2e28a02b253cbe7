//! How large maps became, from the steps of their growth.
//!
//! A map that grew to some capacity and not beyond stopped there: the number of growths to a capacity, less those from
//! it. Its size is between what it held when it grew last, plus one, and what fits before it would grow again.

use std::collections::BTreeMap;

use gomap::{GoVersion, MapImpl, room};

use crate::evidence::{GrowKind, TypeGrowth};

/// A range of entries. Shape: `at_least <= room`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Entries that a map holds at least.
    pub at_least: u64,
    /// Entries that it has room for.
    pub room: u64,
}

/// Sizes of the maps of a type at a line that grew at all.
#[derive(Debug, Clone, PartialEq)]
pub struct FinalSizes {
    /// Number of maps of each size. Sortedness: by size.
    classes: Vec<(Size, u64)>,
    moved_entries: u64,
}

impl FinalSizes {
    /// Derives the sizes; `None` when no map is known to have stopped growing.
    pub fn of(growth: &TypeGrowth, map_impl: MapImpl, version: GoVersion) -> Option<Self> {
        let mut steps: BTreeMap<u64, Step> = BTreeMap::new();
        for step in &growth.steps {
            match step.kind {
                GrowKind::SameSize => {}
                GrowKind::Split => steps.entry(step.before).or_default().splits += step.grows,
                GrowKind::SmallToTable | GrowKind::Table | GrowKind::Double => {
                    steps.entry(step.before).or_default().from += step.grows;
                    let to = steps.entry(step.after).or_default();
                    to.reached += step.grows;
                    to.moved_by_reaching += step.moved_entries;
                }
            }
        }
        let classes: Vec<(Size, u64)> = steps
            .iter()
            .filter_map(|(&slots, step)| {
                let n_stopped = step.reached.saturating_sub(step.from);
                (n_stopped > 0).then(|| (step.size(room(map_impl, version, slots)), n_stopped))
            })
            .collect();
        (!classes.is_empty()).then_some(Self { classes, moved_entries: growth.total.moved_entries })
    }

    /// Number of maps of each size. Sortedness: by size.
    pub fn classes(&self) -> &[(Size, u64)] {
        &self.classes
    }

    /// Number of maps.
    pub fn n_maps(&self) -> u64 {
        self.classes.iter().map(|(_, n)| *n).fold(0, u64::saturating_add)
    }

    /// The size that this part of the maps does not exceed: 0.5 is the median.
    pub fn quantile(&self, part: f64) -> Size {
        let wanted = (self.n_maps() as f64 * part).ceil().max(1.0) as u64;
        let mut n_below = 0_u64;
        let at = self.classes.iter().position(|(_, n)| {
            n_below = n_below.saturating_add(*n);
            n_below >= wanted
        });
        self.classes[at.unwrap_or(self.classes.len() - 1)].0
    }

    /// Write amplification of these maps in entries: (inserted + moved) / inserted, from lowest to highest.
    ///
    /// Inserts were not counted; they follow from the sizes when nothing was deleted.
    pub fn write_amplification(&self) -> (f64, f64) {
        let inserted = |of: fn(&Size) -> u64| {
            self.classes.iter().map(|(size, n)| of(size) as f64 * *n as f64).sum::<f64>()
        };
        let amplification =
            |inserted: f64| (inserted + self.moved_entries as f64) / inserted.max(1.0);
        (amplification(inserted(|size| size.room)), amplification(inserted(|size| size.at_least)))
    }
}

/// Growths to and from a capacity.
#[derive(Debug, Default)]
struct Step {
    reached: u64,
    moved_by_reaching: u64,
    from: u64,
    splits: u64,
}

impl Step {
    fn size(&self, room: u64) -> Size {
        let at_last_growth = self.moved_by_reaching / self.reached.max(1);
        // Each split adds a table; how the tables belong to maps was not recorded, so all maps count alike.
        let tables = 1 + self.splits / self.reached.max(1);
        let at_least = if tables > 1 { room.saturating_mul(tables) / 2 } else { at_last_growth };
        let room = room.saturating_mul(tables);
        Size { at_least: (at_least + 1).min(room), room }
    }
}

#[cfg(test)]
mod tests;
