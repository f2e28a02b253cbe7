//! What a map takes from the allocator: the sizes of its blocks, and how many of them a hint makes.
//!
//! The closed form of [`crate::MapShape::forecast`] goes by these rules. They are public for whoever simulates a map
//! operation by operation, to judge the closed form.

mod malloc;
pub mod overflow_list;

pub use self::malloc::Malloc;
pub use crate::layout::{Array, GROUP_SLOTS, MAX_TABLE_SLOTS};
pub use crate::shape::Boxes;

use crate::shape::MapShape;

/// `mapextra`, the record of overflow buckets of a classic map. Units: bytes.
///
/// Source: runtime/map.go (`mapextra`) of Go 1.21 to 1.23.
pub const EXTRA_BYTES: u64 = 24;
/// `maps.table`. Units: bytes.
///
/// Source: internal/runtime/maps/table.go (`table`) of Go 1.24 to 1.27.
pub const TABLE_BYTES: u64 = 32;
/// An entry of a Swiss map's directory, a pointer. Units: bytes.
pub const DIRECTORY_ENTRY_BYTES: u64 = 8;
/// Slots of the table that a small Swiss map grows to.
///
/// Source: internal/runtime/maps/map.go (`growToTable`) of Go 1.24 to 1.27.
pub const FIRST_TABLE_SLOTS: u64 = 16;

impl MapShape {
    /// Exponent of the number of buckets that a classic map made with a hint begins with.
    ///
    /// Source: runtime/map.go (`makemap`, `overLoadFactor`) of Go 1.21 to 1.23.
    pub fn exponent_for_hint(&self, hint: u64) -> u32 {
        if self.exceeds_memory(hint) {
            return 0;
        }
        (0..u64::BITS - 4).find(|&b| hint <= self.room(b)).unwrap_or(0)
    }

    /// Tables of a Swiss map made with a hint: exponent of their number, slots of each. `None` for a map that begins
    /// small.
    ///
    /// Source: internal/runtime/maps/map.go (`NewMap`), table.go (`newTable`) of Go 1.24 to 1.27.
    pub fn tables_for_hint(&self, hint: u64) -> Option<(u32, u64)> {
        if hint <= GROUP_SLOTS {
            return None;
        }
        let target = hint.checked_mul(GROUP_SLOTS)? / 7;
        let n_tables = target.div_ceil(MAX_TABLE_SLOTS).checked_next_power_of_two()?;
        if self.exceeds_memory(n_tables.checked_mul(MAX_TABLE_SLOTS)?) {
            return None;
        }
        let slots = (target / n_tables).max(GROUP_SLOTS).next_power_of_two();
        Some((n_tables.ilog2(), slots))
    }
}
