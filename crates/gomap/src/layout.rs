//! Sizes of the arrays that maps allocate, so that block sizes in a heap profile can be read as map capacities.
//!
//! Source: runtime/map.go (`makeBucketArray`, `overLoadFactor`) of Go 1.21 to 1.23; internal/runtime/maps/map.go
//! (`NewMap`) and table.go (`newTable`, `maxGrowthLeft`) of Go 1.24 to 1.27.

use goabi::{GoVersion, MapAbi, MapImpl, Release};

use crate::blocks::Malloc;

/// Entries in a bucket or slots in a group.
pub const GROUP_SLOTS: u64 = 8;
/// Slots of the largest table of a Swiss map; beyond it the map has more tables.
pub const MAX_TABLE_SLOTS: u64 = 1024;
/// Largest exponent of a bucket array considered: 2^40 buckets are beyond any memory.
const MAX_CLASSIC_B: u32 = 40;
/// Smallest exponent of a bucket array that has overflow buckets at its end.
const MIN_POOLED_B: u32 = 4;

/// What decides the size of a map's arrays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    pub(crate) release: &'static Release,
    pub(crate) map: &'static MapAbi,
    /// Units: bytes of a bucket or group.
    pub(crate) group_bytes: u64,
    /// Whether keys or elements have pointers.
    pub(crate) has_pointers: bool,
}

impl Layout {
    /// Of a map whose buckets or groups have so many bytes; `None` for a release that is not known, or that has no such
    /// map.
    pub fn new(
        map_impl: MapImpl,
        version: GoVersion,
        group_bytes: u64,
        has_pointers: bool,
    ) -> Option<Self> {
        let release = Release::of(version)?;
        Some(Self { release, map: release.map(map_impl)?, group_bytes, has_pointers })
    }

    /// Entries a map can hold when its array (of one table, for Swiss maps) is a block of this size; `None` when no
    /// array has this size.
    pub fn capacity_of_block(&self, block_bytes: u64) -> Option<u64> {
        let arrays = 0..=self.max_exponent();
        arrays
            .map(|exponent| (self.array_bytes(exponent), exponent))
            .take_while(|&(bytes, _)| bytes <= block_bytes)
            .find(|&(bytes, _)| bytes == block_bytes)
            .map(|(_, exponent)| self.capacity(exponent))
    }

    /// Bytes of the arrays of a map made with this size hint. Headers and directories, some tens of bytes, left out.
    pub fn bytes_for_hint(&self, hint: u64) -> u64 {
        if hint <= GROUP_SLOTS {
            return self.array_bytes(0);
        }
        match self.map.map_impl {
            MapImpl::Classic => {
                let exponent = (0..MAX_CLASSIC_B).find(|&exponent| self.capacity(exponent) >= hint);
                self.array_bytes(exponent.unwrap_or(MAX_CLASSIC_B))
            }
            MapImpl::Swiss => {
                let slots = hint.saturating_mul(8) / 7;
                let n_tables = slots.div_ceil(MAX_TABLE_SLOTS).next_power_of_two();
                let slots_of_table =
                    (slots / n_tables).next_power_of_two().clamp(GROUP_SLOTS, MAX_TABLE_SLOTS);
                let exponent = (slots_of_table / GROUP_SLOTS).ilog2();
                self.array_bytes(exponent).saturating_mul(n_tables)
            }
        }
    }

    /// Bytes of the array with room for this many slots: 8 for each bucket or group, of which there are a power of two.
    pub fn bytes_of_slots(&self, slots: u64) -> u64 {
        let n_groups = (slots / GROUP_SLOTS).max(1);
        self.array_bytes(n_groups.ilog2())
    }

    fn max_exponent(&self) -> u32 {
        match self.map.map_impl {
            MapImpl::Classic => MAX_CLASSIC_B,
            MapImpl::Swiss => (MAX_TABLE_SLOTS / GROUP_SLOTS).ilog2(),
        }
    }

    /// Entries that fit before the next growth, with `2^exponent` buckets or groups.
    fn capacity(&self, exponent: u32) -> u64 {
        room(self.map, GROUP_SLOTS << exponent)
    }

    /// Bytes that an array of `2^exponent` buckets or groups takes from the allocator.
    fn array_bytes(&self, exponent: u32) -> u64 {
        self.array(exponent).block_bytes
    }

    /// The array of `2^exponent` buckets or groups.
    pub(crate) fn array(&self, exponent: u32) -> Array {
        let malloc = Malloc::of(self.release);
        let n_groups: u64 = 1 << exponent;
        let bytes = n_groups.saturating_mul(self.group_bytes);
        if self.map.map_impl == MapImpl::Swiss || exponent < MIN_POOLED_B {
            return Array { n_spare: 0, block_bytes: malloc.block(bytes, self.has_pointers) };
        }
        // Large arrays have some overflow buckets at their end, and as many more as fit the block.
        let with_overflow = bytes.saturating_add((n_groups >> 4).saturating_mul(self.group_bytes));
        let block = malloc.usable(with_overflow, self.has_pointers);
        let n_buckets = block.checked_div(self.group_bytes).unwrap_or(0);
        let block_bytes =
            malloc.block(n_buckets.saturating_mul(self.group_bytes), self.has_pointers);
        Array { n_spare: n_buckets.saturating_sub(n_groups), block_bytes }
    }
}

/// An array of buckets or groups as it comes from the allocator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Array {
    /// Overflow buckets at its end (classic only).
    pub n_spare: u64,
    /// Units: bytes taken from the allocator.
    pub block_bytes: u64,
}

/// Entries that fit a map (of Swiss ones, a table) of this many slots before it grows. Shape: `slots` is 8 times a power
/// of two.
pub fn room(map: &MapAbi, slots: u64) -> u64 {
    let n_groups = slots / GROUP_SLOTS;
    let load = u64::from(map.load);
    match map.map_impl {
        _ if n_groups <= 1 => GROUP_SLOTS,
        MapImpl::Classic => load * (n_groups / 2),
        MapImpl::Swiss => load * n_groups,
    }
}

#[cfg(test)]
mod tests;
