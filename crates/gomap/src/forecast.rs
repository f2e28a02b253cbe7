//! The cost of "n insertions into a map made with a hint", in closed form.
//!
//! 1. A map without deletions grows when it holds certain numbers of entries, so most of it is a sum over its sizes.
//! 2. Chance decides the rest: how many classic buckets overflow, how far an evacuation got, which Swiss tables split.
//!    Each of these is a count over buckets or tables, of which [`chance`] knows mean and spread.
//!
//! Takes time by the logarithm of n.

mod chance;
mod classic;
mod swiss;

use crate::estimate::Estimate;
use crate::growth::{Forecast, GrowKind};
use crate::shape::MapShape;
use goabi::MapImpl;

impl MapShape {
    /// What `make(map[K]V, hint)` and n assignments to different keys cost.
    pub fn forecast(&self, n: u64, hint: u64) -> Forecast {
        let mut tally =
            Tally { forecast: self.known(n), arrays_have_pointers: self.has_pointers() };
        tally.take(Estimate::exact(1.0), self.map().header_bytes);
        match self.map_impl() {
            MapImpl::Classic => classic::tally(self, n, hint, &mut tally),
            MapImpl::Swiss => swiss::tally(self, n, hint, &mut tally),
        }
        let moved_bytes = tally.forecast.moved.map(|moved| moved * self.slot_bytes as f64);
        Forecast { moved_bytes, ..tally.forecast }
    }

    fn known(&self, n: u64) -> Forecast {
        let n_boxes = Estimate::exact(n as f64 * self.boxes.n as f64);
        let box_bytes = Estimate::exact(n as f64 * self.boxes.bytes as f64);
        Forecast {
            inserted: n,
            inserted_bytes: n.saturating_mul(self.slot_bytes),
            live: n,
            live_bytes: n.saturating_mul(self.entry_bytes),
            allocated_bytes: box_bytes,
            retained_bytes: box_bytes,
            pointer_bytes: Estimate::exact(n as f64 * self.boxes.pointer_bytes as f64),
            allocations: n_boxes,
            retained_objects: n_boxes,
            ..Forecast::default()
        }
    }
}

/// Sums a forecast up. Blocks in bytes.
struct Tally {
    forecast: Forecast,
    arrays_have_pointers: bool,
}

impl Tally {
    /// Takes a block with pointers.
    fn take(&mut self, times: Estimate, block_bytes: u64) {
        self.forecast.retained_objects += times;
        self.replace(times, 0, block_bytes);
    }

    /// Takes a block with pointers and leaves a smaller one to the collector.
    fn replace(&mut self, times: Estimate, old_bytes: u64, block_bytes: u64) {
        let held = self.exchange(times, old_bytes, block_bytes);
        self.forecast.pointer_bytes += held;
    }

    /// Takes a block of keys and elements.
    fn take_array(&mut self, times: Estimate, block_bytes: u64) {
        self.forecast.retained_objects += times;
        self.replace_array(times, 0, block_bytes);
    }

    /// Takes a block of keys and elements and leaves a smaller one to the collector.
    fn replace_array(&mut self, times: Estimate, old_bytes: u64, block_bytes: u64) {
        let held = self.exchange(times, old_bytes, block_bytes);
        if self.arrays_have_pointers {
            self.forecast.pointer_bytes += held;
        }
    }

    /// Returns by how many bytes more is held.
    fn exchange(&mut self, times: Estimate, old_bytes: u64, block_bytes: u64) -> Estimate {
        self.spend(times, times.map(|times| times * block_bytes as f64));
        let held = block_bytes.saturating_sub(old_bytes) as f64;
        let held = times.map(|times| times * held);
        self.forecast.retained_bytes += held;
        held
    }

    /// Takes blocks that are not held.
    fn spend(&mut self, allocations: Estimate, bytes: Estimate) {
        self.forecast.allocations += allocations;
        self.forecast.allocated_bytes += bytes;
    }

    /// Begins growths of so many entries each.
    fn begin(&mut self, kind: GrowKind, times: Estimate, entries: u64) {
        self.forecast.grows[kind] += times;
        self.forecast.begun += times.map(|times| times * entries as f64);
    }

    fn grow(&mut self, kind: GrowKind, times: Estimate, moved: u64) {
        self.begin(kind, times, moved);
        self.forecast.moved += times.map(|times| times * moved as f64);
    }
}

#[cfg(test)]
mod tests;
