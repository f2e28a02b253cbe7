//! The steps by which maps grow, and how many maps came by each.
//!
//! 1. A rung is a capacity before the growth; of tables that split, a depth: a map of 2^depth tables makes 2^depth
//!    growths when all of them split. Growths by this exposure are the maps that came by.
//! 2. Where everything was counted, the maps that came by one rung and not by the next stopped between.
//! 3. Where growths were estimated, rungs next to each other are joined to blocks, those that differ least first, until
//!    all that is left differs by more than chance. A block has one number of maps: all its growths by all its exposures.
//! 4. Each block with more maps than the next is a class of sizes; if the next has more, maps came in by a size hint.
//! 5. Maps of the last block may have grown on without a window to see it. How large they are is only said if their next
//!    growths would have been seen.
//! 6. The growths of large maps may have been counted in the gaps as well. Where a block has such rungs, they say how many maps it has, and
//!    the others only whether there may be more; sizes are not told where these may be many.

use std::collections::BTreeMap;

use goabi::{MapAbi, MapImpl};
use gomap::blocks::MAX_TABLE_SLOTS;
use gomap::{GrowKind, room};

use super::{Class, Larger, NoSizes, Size};
use crate::sampling::{Sum, rates_differ};
use crate::{Bounds, TypeGrowth, Windows};

/// Standard errors from which on a difference is more than chance: one comparison of a hundred is wrong. There are about
/// ten rungs to compare.
const SIGNIFICANT: f64 = 2.576;
/// The same where one of the rungs was counted in the gaps as well: what is seen of the other must not take the place of
/// what is known of that one by chance. One comparison of two thousand is wrong.
const SIGNIFICANT_BESIDE_COMPLETE: f64 = 3.5;
/// Times as many maps from which on it matters that some may have stopped before. Basis: of 648 maps, half with at most 421 entries, all
/// were said to have 897 or more, since 238 went on to that rung.
const MANY_MORE: f64 = 1.5;
/// Growths that have to be expected, that seeing none means that there were none: in 19 of 20 cases.
const EXPECTED_SEEN: f64 = 3.0;
/// Part of the maps whose size may stay unknown.
const FEW: f64 = 0.05;
/// Part of the maps of a rung up to which those that did not come by it may have been on their way when the recording began or
/// ended: they are no class of their own.
const ON_THEIR_WAY: f64 = 0.001;
/// Slots of the largest table of a Swiss map, as an exponent.
const LARGEST_TABLE_LOG2: usize = MAX_TABLE_SLOTS.ilog2() as usize;
/// More slots do not fit any memory.
const MAX_LEVEL: usize = 62;

/// Rungs from the lowest to the highest that was seen.
pub(super) struct Ladder {
    map: &'static MapAbi,
    /// Level of the first rung: the exponent of slots before, or of the largest table plus the depth of the split.
    first: usize,
    rungs: Vec<Rung>,
    /// Splits of which no depth is known.
    n_splits: u64,
    /// Level from which on all growths were counted, in gaps as well.
    complete_from: Option<usize>,
}

#[derive(Default)]
struct Rung {
    grows: Sum,
    n: u64,
    moved_entries: u64,
}

/// Rungs that are not known to differ.
struct Block {
    /// Index of its last rung.
    last: usize,
    grows: Sum,
    exposure: f64,
    /// The part of these that was counted in gaps as well.
    complete: Sum,
    complete_exposure: f64,
}

/// What windows say of the sizes.
pub(super) struct Estimate {
    pub(super) classes: Vec<Class>,
    pub(super) larger: Option<Larger>,
    pub(super) range: Bounds,
}

impl Ladder {
    pub(super) fn of(growth: &TypeGrowth, map: &'static MapAbi, windows: &[Windows]) -> Self {
        let mut levels: BTreeMap<usize, Rung> = BTreeMap::new();
        let mut n_splits = 0_u64;
        for step in growth.steps.iter().filter(|step| step.grows > 0) {
            let level = match (step.kind, step.local_depth) {
                (GrowKind::SameSize, _) => continue,
                (GrowKind::Split, None) => {
                    n_splits = n_splits.saturating_add(step.grows);
                    continue;
                }
                (GrowKind::Split, Some(depth)) => LARGEST_TABLE_LOG2 + usize::from(depth),
                (GrowKind::SmallToTable | GrowKind::Table | GrowKind::Double, _) => {
                    step.before.max(1).ilog2() as usize
                }
            };
            let rung = levels.entry(level.min(MAX_LEVEL)).or_default();
            rung.grows.add(step);
            rung.n = rung.n.saturating_add(step.grows);
            rung.moved_entries = rung.moved_entries.saturating_add(step.moved_entries);
        }
        let first = levels.keys().next().copied().unwrap_or(0);
        let end = levels.keys().next_back().map_or(first, |last| last + 1);
        let rungs = (first..end).map(|level| levels.remove(&level).unwrap_or_default()).collect();
        let complete_from = match map.map_impl {
            MapImpl::Classic => growth.every_growth_from.map(|slots| slots.max(1).ilog2() as usize),
            MapImpl::Swiss => windows.iter().all(|of| of.every_split).then_some(LARGEST_TABLE_LOG2),
        };
        Self { map, first, rungs, n_splits, complete_from }
    }

    /// Growths that a map makes at a rung.
    fn exposure(&self, index: usize) -> f64 {
        match self.depth(index) {
            Some(depth) => 2_f64.powi(depth as i32),
            None => 1.0,
        }
    }

    /// Depth of the tables that split at a rung.
    fn depth(&self, index: usize) -> Option<u32> {
        let depth = (self.first + index).checked_sub(LARGEST_TABLE_LOG2)?;
        (self.map.map_impl == MapImpl::Swiss).then_some(depth as u32)
    }

    /// Whether growths of a rung were counted in gaps as well.
    fn is_complete(&self, index: usize) -> bool {
        self.complete_from.is_some_and(|level| self.first + index >= level)
    }

    /// Size of the maps that came by this rung and not by the next.
    fn size(&self, index: usize) -> Size {
        let room_of = |slots| room(self.map, slots);
        let slots = 1_u64 << (self.first + index);
        let rung = &self.rungs[index];
        if let Some(depth) = self.depth(index) {
            let at_growth = room_of(1 << LARGEST_TABLE_LOG2).saturating_mul(1 << depth);
            return Size { at_least: at_growth + 1, room: at_growth.saturating_mul(2) };
        }
        let room = room_of(slots * 2);
        let is_largest =
            self.map.map_impl == MapImpl::Swiss && slots * 2 == 1 << LARGEST_TABLE_LOG2;
        // Each split adds a table; without their depth all maps count alike.
        let n_tables =
            if is_largest { (self.n_splits / rung.n.max(1)).saturating_add(1) } else { 1 };
        let room = room.saturating_mul(n_tables);
        let at_growth = match n_tables {
            1 if rung.n == 0 => room_of(slots),
            // Estimates of both are rounded.
            1 => rung.moved_entries.saturating_add(rung.n / 2) / rung.n,
            _ => room / 2,
        };
        Size { at_least: at_growth.saturating_add(1).min(room), room }
    }

    /// Classes of maps of which every growth was counted.
    pub(super) fn counted_classes(&self) -> Vec<Class> {
        let maps = |index: usize| {
            let rung = self.rungs.get(index);
            rung.map_or(0, |rung| (rung.grows.value() / self.exposure(index)).round() as u64)
        };
        let class = |index| {
            let on = maps(index + 1);
            let maps = maps(index).saturating_sub(on);
            (maps as f64 > on as f64 * ON_THEIR_WAY).then(|| Class {
                size: self.size(index),
                maps,
                range: None,
            })
        };
        (0..self.rungs.len()).filter_map(class).collect()
    }

    /// Classes of maps whose growths were estimated.
    pub(super) fn estimate(&self, windows: &[Windows]) -> Result<Estimate, NoSizes> {
        let blocks = self.blocks(windows).ok_or(NoSizes::TooFew)?;
        let last = blocks.last().ok_or(NoSizes::NoneStopped)?;
        if blocks.iter().any(|block| block.hides_smaller(windows)) {
            return Err(NoSizes::TooFew);
        }
        let mut classes = Vec::new();
        let mut all = Sum::default();
        let mut more = 0_u64;
        for (index, block) in blocks.iter().enumerate() {
            let mut stopped = block.maps();
            if let Some(next) = blocks.get(index + 1) {
                stopped.add_times(-1.0, &next.maps());
            }
            let is_last = index + 1 == blocks.len();
            let maps = if is_last { stopped.value().max(1.0) } else { stopped.value() }.round();
            if maps < 1.0 {
                continue;
            }
            all.add_times(1.0, &stopped);
            let range = stopped.bounds(windows, 1.0 / block.exposure);
            let with_others = block.with_others(range, maps, windows);
            if let Some((high, known)) = with_others.high.zip(range.high) {
                more = more.max(high.saturating_sub(known));
            }
            let range = Some(with_others);
            classes.push(Class { size: self.size(block.last), maps: maps as u64, range });
        }
        let range = all.bounds(windows, 1.0);
        let range = Bounds { high: range.high.map(|high| high.saturating_add(more)), ..range };
        if self.would_be_seen(last, windows) {
            return Ok(Estimate { classes, larger: None, range });
        }
        let larger = classes.pop().ok_or(NoSizes::TooFew)?;
        let n_known = classes.iter().map(|class| class.maps as f64).sum::<f64>();
        if larger.maps as f64 > FEW * (n_known + larger.maps as f64) {
            return Err(NoSizes::TooFew);
        }
        let at_least = classes.last().map_or(0, |class| class.size.room.saturating_add(1));
        Ok(Estimate { classes, larger: Some(Larger { at_least, maps: larger.maps }), range })
    }

    /// Whether the next growth of these maps would have been seen.
    fn would_be_seen(&self, block: &Block, windows: &[Windows]) -> bool {
        if self.is_complete(block.last + 1) {
            return true;
        }
        let scale = windows.iter().map(|of| of.scale).fold(1.0, f64::max);
        let clustering = block.grows.clustering(windows).unwrap_or(f64::INFINITY);
        let next = block.maps().value() * self.exposure(block.last + 1);
        let seen = block.grows.value() / clustering;
        next.min(seen) / scale >= EXPECTED_SEEN
    }

    /// Joins rungs until all that is left differs; `None` when there are too few groups to say.
    fn blocks(&self, windows: &[Windows]) -> Option<Vec<Block>> {
        let block = |(last, rung): (usize, &Rung)| {
            let is_complete = self.is_complete(last);
            let mut grows = rung.grows.clone();
            grows.is_complete = is_complete;
            let exposure = self.exposure(last);
            let (complete, complete_exposure) =
                if is_complete { (grows.clone(), exposure) } else { (Sum::default(), 0.0) };
            Block { last, grows, exposure, complete, complete_exposure }
        };
        let mut blocks: Vec<Block> = self.rungs.iter().enumerate().map(block).collect();
        // In units of what is significant.
        let differ = |a: &Block, b: &Block| {
            let is_mixed = (a.complete_exposure > 0.0) != (b.complete_exposure > 0.0);
            let limit = if is_mixed { SIGNIFICANT_BESIDE_COMPLETE } else { SIGNIFICANT };
            Some(rates_differ(a.rate(), b.rate(), windows)? / limit)
        };
        let pairs = blocks.windows(2).map(|pair| differ(&pair[0], &pair[1]));
        // Of each block from the next.
        let mut differences: Vec<f64> = pairs.collect::<Option<_>>()?;
        loop {
            let least = (0..differences.len())
                .min_by(|&a, &b| differences[a].total_cmp(&differences[b]))
                .filter(|&index| differences[index] < 1.0);
            let Some(index) = least else { return Some(blocks) };
            let next = blocks.remove(index + 1);
            blocks[index].join(&next);
            differences.remove(index);
            for left in index.saturating_sub(1)..=index {
                if let (Some(difference), [a, b, ..]) = (differences.get_mut(left), &blocks[left..])
                {
                    *difference = differ(a, b)?;
                }
            }
        }
    }
}

impl Block {
    /// What is known best of it.
    fn rate(&self) -> (&Sum, f64) {
        if self.complete_exposure > 0.0 {
            (&self.complete, self.complete_exposure)
        } else {
            (&self.grows, self.exposure)
        }
    }

    /// Maps that came by.
    fn maps(&self) -> Sum {
        let (grows, exposure) = self.rate();
        grows.times(1.0 / exposure)
    }

    /// Where rungs that were counted in full say how many maps there are, the others may hide that there are more.
    fn with_others(&self, range: Bounds, maps: f64, windows: &[Windows]) -> Bounds {
        let Some((grows, others)) = self.others() else { return range };
        let hidden = grows.times(1.0 / others).bounds(windows, 1.0 / others);
        let high = hidden.high.map(|high| high.max(maps as u64));
        Bounds { low: range.low.min(maps as u64), high }
    }

    /// Whether maps may have stopped at rungs of it that were not counted in full, as more came by these: then they are not of the
    /// size that its last rung says.
    fn hides_smaller(&self, windows: &[Windows]) -> bool {
        let Some((grows, others)) = self.others() else { return false };
        let (of_others, of_complete) = (grows.value() / others, self.maps().value());
        let difference = rates_differ((&grows, others), self.rate(), windows);
        of_others > MANY_MORE * of_complete && difference.is_some_and(|of| of >= SIGNIFICANT)
    }

    /// Growths and exposure of its rungs that were not counted in gaps, beside some that were.
    fn others(&self) -> Option<(Sum, f64)> {
        let exposure = self.exposure - self.complete_exposure;
        if self.complete_exposure == 0.0 || exposure == 0.0 {
            return None;
        }
        let mut grows = self.grows.clone();
        grows.add_times(-1.0, &self.complete);
        Some((grows, exposure))
    }

    fn join(&mut self, next: &Self) {
        self.last = next.last;
        self.exposure += next.exposure;
        self.grows.add_times(1.0, &next.grows);
        self.grows.is_complete &= next.grows.is_complete;
        self.complete.add_times(1.0, &next.complete);
        self.complete.is_complete |= next.complete.is_complete;
        self.complete_exposure += next.complete_exposure;
    }
}
