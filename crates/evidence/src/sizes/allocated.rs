//! How large maps became, from the blocks that a heap profile has at their line.
//!
//! A map that grows takes an array of each size on its way: arrays of one size, less those of the next, are maps that
//! stopped there. A heap profile has samples of them, one for so many bytes, which stand for many small arrays or a few
//! large ones.
//!
//! 1. The samples of each size say how many arrays there were, and how far off that can be.
//! 2. Arrays of the first growth say how many maps grow at all. Without enough samples of these nothing is named: a single
//!    one can stand for hundreds of small arrays that were never there.
//! 3. As many maps as reach a size have reached the one before. Where samples say otherwise by chance, both are taken
//!    together; where they say so by more than chance, maps begin larger, and their sizes do not follow.
//! 4. A Swiss map beyond one table takes more tables of the largest size. How many entries such maps hold on average
//!    follows, but not how many each holds.

use goabi::{MapAbi, MapImpl};
use gomap::blocks::{GROUP_SLOTS, MAX_TABLE_SLOTS};
use gomap::room;

use super::{Class, NoSizes, Size};
use crate::{Block, Bounds};

/// Samples of arrays of a size below which it is not said how many there were: at 10 the number is off by a third, while
/// the next size is twice as large.
pub const ENOUGH_BLOCKS: u64 = 10;
/// Standard errors beyond which a difference is more than chance.
const BEYOND_CHANCE: f64 = 2.0;
/// Slots of the array after the first growth, in both implementations.
const SECOND_SLOTS: u64 = 2 * GROUP_SLOTS;
/// Sizes that are looked at: a map of 2^40 slots is beyond any memory.
const MAX_RUNGS: usize = 40;

/// Sizes of the maps of a line that grew at all.
#[derive(Debug, Clone, PartialEq)]
pub struct AllocatedSizes {
    classes: Vec<Class>,
    n_small: Option<u64>,
    split: Option<Split>,
}

/// Swiss maps with more than one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    /// Entries that each holds at least.
    pub at_least: u64,
    /// Number of maps.
    pub maps: u64,
    /// Entries that they have room for, on average; `None` where it is not known well how many maps there are.
    pub mean_room: Option<u64>,
}

/// Arrays of one size, as sampled.
#[derive(Debug, Clone, Copy)]
struct Rung {
    room: u64,
    /// Samples.
    seen: f64,
    /// Chance of one array to be sampled.
    chance: f64,
}

/// Rungs that are taken together, since as many maps reach each of them.
#[derive(Debug, Clone, Copy)]
struct Level {
    seen: f64,
    chance: f64,
    n_rungs: usize,
}

impl Rung {
    fn number(&self) -> f64 {
        self.seen / self.chance
    }

    /// Standard error of the number.
    fn error(&self) -> f64 {
        self.seen.max(1.0).sqrt() / self.chance
    }
}

impl Level {
    fn number(&self) -> f64 {
        self.seen / self.chance
    }

    fn error(&self) -> f64 {
        self.seen.max(1.0).sqrt() / self.chance
    }
}

impl Block {
    /// Number of samples that these allocations rest on, when one is taken for so many bytes on average; none where the profile
    /// does not count them.
    ///
    /// Source: runtime/pprof/protomem.go (`scaleHeapSample`), Go 1.21 to 1.27.
    pub fn samples(&self, bytes_per_sample: u64) -> f64 {
        self.alloc.alloc_objects.unwrap_or(0) as f64 * chance(self.block_bytes, bytes_per_sample)
    }
}

/// Whether it can be said of so many samples how many arrays there were.
pub fn is_enough(samples: f64) -> bool {
    // Samples are worked out of the number of arrays, which is rounded.
    samples.round() >= ENOUGH_BLOCKS as f64
}

/// Chance of a block to be sampled.
fn chance(block_bytes: u64, bytes_per_sample: u64) -> f64 {
    if bytes_per_sample <= 1 {
        return 1.0;
    }
    let part = block_bytes.max(1) as f64 / bytes_per_sample as f64;
    -(-part).exp_m1()
}

impl AllocatedSizes {
    /// Derives the sizes of maps that take these blocks as they grow.
    ///
    /// # Errors
    /// Where they would be a guess.
    pub fn of(map: &MapAbi, blocks: &[Block], bytes_per_sample: u64) -> Result<Self, NoSizes> {
        let rungs = rungs(map, blocks, bytes_per_sample);
        let first = rungs.first().filter(|rung| is_enough(rung.seen));
        let first = *first.ok_or(NoSizes::FewBlocks)?;
        let (rungs, split) = without_splits(map, rungs);
        if begin_larger(&rungs) {
            return Err(NoSizes::BeginLarger);
        }
        let levels = levels(&rungs);
        let n_small = n_small(map, blocks, bytes_per_sample, first.number());
        let mut classes = classes(&rungs, &levels);
        if let Some(split) = split {
            take_from_last(&mut classes, split.maps);
        }
        Ok(Self { classes, n_small, split })
    }

    /// Maps by size, of those with one table. Sortedness: by size.
    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// Those with more tables, if there are any.
    pub fn split(&self) -> Option<Split> {
        self.split
    }

    /// Maps that never grew; `None` where they cannot be counted: by too few samples, and of classic ones, whose first bucket
    /// looks like one for overflow.
    pub fn n_small(&self) -> Option<u64> {
        self.n_small
    }

    /// Number of maps that grew.
    pub fn n_growing(&self) -> u64 {
        let split = self.split.map_or(0, |split| split.maps);
        self.classes.iter().map(|class| class.maps).fold(split, u64::saturating_add)
    }

    /// The size that this part of the maps that grew does not exceed; `None` where that one has more tables.
    pub fn quantile(&self, part: f64) -> Option<Size> {
        let wanted = (self.n_growing() as f64 * part).ceil().max(1.0) as u64;
        let mut n_below = 0_u64;
        let reaches = |class: &&Class| {
            n_below = n_below.saturating_add(class.maps);
            n_below >= wanted
        };
        self.classes.iter().find(reaches).map(|class| class.size)
    }
}

/// Arrays from the first growth on, up to the largest that was seen; a size that was not seen in between has none.
fn rungs(map: &MapAbi, blocks: &[Block], bytes_per_sample: u64) -> Vec<Rung> {
    let first_room = room(map, SECOND_SLOTS);
    let seen = |wanted: u64| blocks.iter().filter(move |block| block.map_capacity == Some(wanted));
    let largest = blocks.iter().filter(|block| block.alloc.alloc_objects > Some(0));
    let Some(largest) = largest.filter_map(|block| block.map_capacity).max() else {
        return Vec::new();
    };
    let mut rungs: Vec<Rung> = Vec::new();
    let mut block_bytes = 0_u64;
    let mut next_room = first_room;
    while next_room <= largest && rungs.len() < MAX_RUNGS {
        block_bytes = match seen(next_room).map(|block| block.block_bytes).max() {
            Some(bytes) => bytes,
            None => block_bytes.saturating_mul(2),
        };
        let n = seen(next_room).map(|block| block.samples(bytes_per_sample)).sum();
        rungs.push(Rung {
            room: next_room,
            seen: n,
            chance: chance(block_bytes, bytes_per_sample),
        });
        next_room = next_room.saturating_mul(2);
    }
    rungs
}

/// Takes tables of the largest size, of which a Swiss map has several, for one a map, and says what is known of these.
fn without_splits(map: &MapAbi, mut rungs: Vec<Rung>) -> (Vec<Rung>, Option<Split>) {
    let largest = room(map, MAX_TABLE_SLOTS);
    let (Some(&last), true) = (rungs.last(), map.map_impl == MapImpl::Swiss) else {
        return (rungs, None);
    };
    if last.room != largest {
        return (rungs, None);
    }
    rungs.pop();
    let n_maps = levels(&rungs).last().map_or(0.0, Level::number);
    let spread = last.error().hypot(rungs.last().map_or(0.0, Rung::error));
    if last.number() <= n_maps + BEYOND_CHANCE * spread {
        rungs.push(last);
        return (rungs, None);
    }
    let is_counted = rungs.last().is_some_and(|before| is_enough(before.seen));
    let mean_room = is_counted.then(|| {
        // A split replaces one table by two: of 2 t - 1 tables allocated, t are left.
        let n_tables = f64::midpoint(last.number() / n_maps.max(1.0), 1.0);
        (n_tables * largest as f64).round() as u64
    });
    let maps = (n_maps.round() as u64).max(1);
    let split = Split { at_least: largest + 1, maps, mean_room };
    (rungs, Some(split))
}

/// Whether more maps reach a size than the one before, by more than chance.
fn begin_larger(rungs: &[Rung]) -> bool {
    rungs.windows(2).any(|pair| {
        let more = pair[1].number() - pair[0].number();
        more > BEYOND_CHANCE * pair[0].error().hypot(pair[1].error())
            && more > pair[0].number() / 2.0
    })
}

/// How many maps reach each size, so that none is reached by more than the one before.
fn levels(rungs: &[Rung]) -> Vec<Level> {
    let mut levels: Vec<Level> = Vec::new();
    for rung in rungs {
        let mut level = Level { seen: rung.seen, chance: rung.chance, n_rungs: 1 };
        while let Some(before) = levels.pop_if(|before| before.number() <= level.number()) {
            level.seen += before.seen;
            level.chance += before.chance;
            level.n_rungs += before.n_rungs;
        }
        levels.push(level);
    }
    levels
}

/// Maps that stopped at the last rung of each level.
fn classes(rungs: &[Rung], levels: &[Level]) -> Vec<Class> {
    let mut classes = Vec::new();
    let mut n_rungs = 0;
    for (at, level) in levels.iter().enumerate() {
        n_rungs += level.n_rungs;
        let next = levels.get(at + 1);
        let stopped = level.number() - next.map_or(0.0, Level::number);
        let off = BEYOND_CHANCE * level.error().hypot(next.map_or(0.0, Level::error));
        let below = n_rungs.checked_sub(2).and_then(|below| rungs.get(below));
        let (Some(last), maps) = (rungs.get(n_rungs - 1), stopped.round() as u64) else { continue };
        let at_least = below.map_or(GROUP_SLOTS, |below| below.room) + 1;
        let range = Bounds {
            low: (stopped - off).max(0.0).round() as u64,
            high: Some((stopped + off).round() as u64),
        };
        if maps > 0 {
            classes.push(Class {
                size: Size { at_least, room: last.room },
                maps,
                range: Some(range),
            });
        }
    }
    classes
}

/// Of the maps that reach the last size so many went on.
fn take_from_last(classes: &mut Vec<Class>, n_maps: u64) {
    if let Some(last) = classes.last_mut() {
        last.maps = last.maps.saturating_sub(n_maps);
    }
    classes.retain(|class| class.maps > 0);
}

/// Maps that took a first group, and never another array.
fn n_small(map: &MapAbi, blocks: &[Block], bytes_per_sample: u64, n_growing: f64) -> Option<u64> {
    if map.map_impl == MapImpl::Classic {
        return None;
    }
    let first: Vec<_> =
        blocks.iter().filter(|block| block.map_capacity == Some(GROUP_SLOTS)).collect();
    let seen: f64 = first.iter().map(|block| block.samples(bytes_per_sample)).sum();
    let n: f64 = first.iter().filter_map(|block| Some(block.alloc.alloc_objects? as f64)).sum();
    is_enough(seen).then(|| (n - n_growing).max(0.0).round() as u64)
}

#[cfg(test)]
mod tests;
