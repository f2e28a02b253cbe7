//! Maps from Go 1.24 on.
//!
//! A table answers for the hashes with some first bits. Without deletions it grows or splits when it gets one entry more
//! than it has room for, so at each size as many tables grow as there are groups of hashes, of those first bits, with
//! more entries than that. The rules are those of [`crate::blocks`].

use super::{Tally, chance};
use crate::blocks::{DIRECTORY_ENTRY_BYTES, FIRST_TABLE_SLOTS, TABLE_BYTES};
use crate::estimate::Estimate;
use crate::growth::GrowKind;
use crate::layout::{GROUP_SLOTS, MAX_TABLE_SLOTS};
use crate::shape::MapShape;

const ONCE: Estimate = Estimate::exact(1.0);

pub(super) fn tally(shape: &MapShape, n: u64, hint: u64, tally: &mut Tally) {
    let Some((depth, slots)) = begin(shape, n, hint, tally) else { return };
    let slots = double_tables(shape, n, depth, slots, tally);
    if slots == MAX_TABLE_SLOTS {
        split_tables(shape, n, depth, tally);
    }
}

/// The first tables: exponent of their number, slots of each. `None` when the map stays small.
fn begin(shape: &MapShape, n: u64, hint: u64, tally: &mut Tally) -> Option<(u32, u64)> {
    if let Some((depth, slots)) = shape.tables_for_hint(hint) {
        let n_tables = Estimate::exact((1_u64 << depth) as f64);
        tally.take(ONCE, directory_block(shape, depth));
        tally.take(n_tables, TABLE_BYTES);
        tally.take_array(n_tables, table_block(shape, slots));
        tally.forecast.slots = n_tables.map(|n_tables| n_tables * slots as f64);
        return Some((depth, slots));
    }
    let group_block = shape.array(0).block_bytes;
    if n > 0 {
        tally.take_array(ONCE, group_block);
        tally.forecast.slots = Estimate::exact(GROUP_SLOTS as f64);
    }
    if n <= GROUP_SLOTS {
        return None;
    }
    tally.grow(GrowKind::SmallToTable, ONCE, GROUP_SLOTS);
    tally.take(ONCE, TABLE_BYTES);
    tally.replace_array(ONCE, group_block, table_block(shape, FIRST_TABLE_SLOTS));
    tally.take(ONCE, directory_block(shape, 0));
    tally.forecast.slots = Estimate::exact(FIRST_TABLE_SLOTS as f64);
    Some((0, FIRST_TABLE_SLOTS))
}

/// Returns the slots of the largest tables.
fn double_tables(shape: &MapShape, n: u64, depth: u32, mut slots: u64, tally: &mut Tally) -> u64 {
    while slots < MAX_TABLE_SLOTS {
        let room = slots / GROUP_SLOTS * 7;
        let times = chance::parts_over(n, depth, room);
        if times.high == 0.0 {
            break;
        }
        tally.grow(GrowKind::Table, times, room);
        tally.replace(times, TABLE_BYTES, TABLE_BYTES);
        tally.replace_array(times, table_block(shape, slots), table_block(shape, 2 * slots));
        tally.forecast.slots += times.map(|times| times * slots as f64);
        slots *= 2;
    }
    slots
}

fn split_tables(shape: &MapShape, n: u64, first_depth: u32, tally: &mut Tally) {
    let room = MAX_TABLE_SLOTS / GROUP_SLOTS * 7;
    let block = table_block(shape, MAX_TABLE_SLOTS);
    for depth in first_depth.. {
        let times = chance::parts_over(n, depth, room);
        if times.high == 0.0 {
            break;
        }
        tally.grow(GrowKind::Split, times, room);
        tally.take(times, TABLE_BYTES);
        tally.replace(times, TABLE_BYTES, TABLE_BYTES);
        tally.take_array(times, block);
        tally.replace_array(times, block, block);
        tally.forecast.slots += times.map(|times| times * MAX_TABLE_SLOTS as f64);
        // The first of them that splits doubles the directory.
        let any = Estimate {
            low: times.low.min(1.0),
            expected: 1.0 - (-times.expected).exp(),
            high: times.high.min(1.0),
        };
        let any = if times.low > 0.0 { ONCE } else { any };
        tally.replace(any, directory_block(shape, depth), directory_block(shape, depth + 1));
    }
}

fn table_block(shape: &MapShape, slots: u64) -> u64 {
    shape.array((slots / GROUP_SLOTS).ilog2()).block_bytes
}

fn directory_block(shape: &MapShape, depth: u32) -> u64 {
    shape.malloc().block(DIRECTORY_ENTRY_BYTES << depth, true)
}
