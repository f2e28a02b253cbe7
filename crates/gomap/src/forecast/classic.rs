//! Maps up to Go 1.23.
//!
//! Each array but the last is filled to its room, then evacuated into one of twice the size. What it costs beside the
//! array are the overflow buckets of the entries it came to hold. The rules are those of [`crate::blocks`].

use std::f64::consts::LN_2;

use super::Tally;
use super::chance::{Counts, Overflow, event, upper_tail};
use crate::blocks::EXTRA_BYTES;
use crate::blocks::overflow_list::{HEADER_BYTES, Step, steps};
use crate::estimate::Estimate;
use crate::growth::GrowKind;
use crate::layout::GROUP_SLOTS;
use crate::shape::MapShape;

const ONCE: Estimate = Estimate::exact(1.0);
/// More do not fit any memory.
const MAX_ENTRIES: u64 = 1 << 48;
/// From this exponent on, buckets overflow as if they were infinitely many.
const MANY_B: u32 = 6;

pub(super) fn tally(shape: &MapShape, n: u64, hint: u64, tally: &mut Tally) {
    let n = n.min(MAX_ENTRIES);
    let first = shape.exponent_for_hint(hint);
    if first == 0 && n == 0 {
        return;
    }
    let mut ladder = Ladder {
        shape,
        tally,
        no_overflow: 1.0,
        bucket_block: shape.bucket_block() as f64,
        list_steps: if shape.has_pointers() { &[] } else { steps(shape.malloc()) },
        list_step: 0,
    };
    let mut b = first;
    while n > shape.room(b + 1) {
        ladder.spend_array(b);
        b += 1;
    }
    if n > shape.room(b) {
        ladder.grow_last(b, n);
        b += 1;
    } else {
        ladder.hold_array(b, Overflow::of(n, b), ONCE);
    }
    let no_overflow = ladder.no_overflow;
    tally.forecast.slots = Estimate::exact((GROUP_SLOTS << b) as f64);
    tally_extra(shape, b, no_overflow, tally);
}

/// The record of overflow buckets: with the first spare buckets, or the first overflow of a map without pointers.
fn tally_extra(shape: &MapShape, b: u32, no_overflow: f64, tally: &mut Tally) {
    let has_spare = shape.array(b).n_spare > 0;
    let needs_list = !shape.has_pointers();
    let times = match (has_spare, needs_list) {
        (true, _) => ONCE,
        (false, true) => event(1.0 - no_overflow),
        (false, false) => Estimate::exact(0.0),
    };
    tally.take(times, EXTRA_BYTES);
}

/// The arrays of a map, one after the other.
struct Ladder<'s> {
    shape: &'s MapShape,
    tally: &'s mut Tally,
    /// Chance that no array so far had an overflow bucket.
    no_overflow: f64,
    /// Units: bytes of an overflow bucket.
    bucket_block: f64,
    list_steps: &'static [Step],
    /// That of the fewest overflow buckets of the array before.
    list_step: usize,
}

impl Ladder<'_> {
    /// An array that was filled, evacuated, and left to the collector.
    fn spend_array(&mut self, b: u32) {
        let overflow = self.full(b);
        self.spend(b, overflow);
        self.tally.grow(GrowKind::Double, ONCE, self.shape.room(b));
    }

    /// The last two arrays: how far the evacuation of one into the other got depends on chance.
    fn grow_last(&mut self, b: u32, n: u64) {
        let room = self.shape.room(b);
        let pending = Evacuation::after(n - room, b);
        let overflow = self.full(b);
        let cost = self.spend(b, overflow);
        // Where the collector sees overflow buckets, it has those of evacuated buckets already.
        let share = if self.shape.has_pointers() { pending.left } else { 1.0 };
        let scaled = |of: Estimate| Estimate {
            low: of.low * share.floor(),
            expected: of.expected * share,
            high: of.high,
        };
        let held = Held {
            objects: scaled(cost.held.objects),
            bytes: scaled(cost.held.bytes),
            pointer_bytes: scaled(cost.held.pointer_bytes),
        };
        self.hold(event(pending.probability), b, held);
        self.tally.begin(GrowKind::Double, ONCE, room);
        self.tally.forecast.moved += pending.moved(room);
        let evacuated = 1.0 - pending.left;
        self.hold_array(b + 1, Overflow::of(n, b + 1), Estimate { expected: evacuated, ..ONCE });
    }

    /// The array in use; only a part of its buckets has got its entries.
    fn hold_array(&mut self, b: u32, overflow: Overflow, part: Estimate) {
        let overflow = overflow.scaled(part.expected);
        let held = self.spend(b, overflow).held;
        self.hold(ONCE, b, held);
    }

    /// An array with its overflow buckets, held or not.
    fn hold(&mut self, times: Estimate, b: u32, held: Held) {
        let array = self.shape.array(b).block_bytes as f64;
        let with_pointers = if self.shape.has_pointers() { array } else { 0.0 };
        let forecast = &mut self.tally.forecast;
        forecast.retained_objects += times.product(held.objects.map(|objects| 1.0 + objects));
        forecast.retained_bytes += times.product(held.bytes.map(|bytes| array + bytes));
        forecast.pointer_bytes +=
            times.product(held.pointer_bytes.map(|bytes| with_pointers + bytes));
    }

    /// Returns what the overflow buckets take.
    fn spend(&mut self, b: u32, overflow: Overflow) -> Cost {
        let array = self.shape.array(b);
        let cost = self.cost(array.n_spare as f64, overflow);
        self.tally.spend(ONCE, Estimate::exact(array.block_bytes as f64));
        self.tally.spend(cost.allocations, cost.bytes);
        if self.no_overflow > 0.0 {
            self.no_overflow *= overflow.none();
        }
        cost
    }

    /// Overflow of `2^b` buckets that are as full as they get.
    fn full(&self, b: u32) -> Overflow {
        if b == 0 {
            return Overflow::default();
        }
        let measured = b.min(MANY_B);
        let full = if self.shape.room(1) == 12 { &FULL_12 } else { &FULL_13 };
        let Full { mean, variance, counts, .. } = &full[measured as usize - 1];
        let most = self.shape.room(measured) as f64 / GROUP_SLOTS as f64;
        let overflow = Overflow { mean: *mean, variance: *variance, most, counts: Some(counts) };
        overflow.scaled((1_u64 << (b - measured)) as f64)
    }

    fn cost(&mut self, n_spare: f64, overflow: Overflow) -> Cost {
        let count = overflow.estimate();
        let first = self.list_step(count.low, self.list_step);
        self.list_step = first;
        let beyond = |n: f64| (n - n_spare).max(0.0);
        let low = self.cost_of(beyond(count.low), first);
        let high = self.cost_of(beyond(count.high), self.list_step(count.high, first));
        let mean = if count.is_exact() {
            low
        } else if overflow.is_many() {
            self.cost_of(overflow.excess(n_spare), self.list_step(overflow.mean, first))
        } else {
            match overflow.counts {
                Some(counts) => self.mean_cost(n_spare, counts),
                None => self.mean_cost(n_spare, &overflow.distribution()),
            }
        };
        let estimate = |index: usize| {
            let (low, high) = (low[index], high[index]);
            // What is less likely than the range says is left out of the mean too.
            Estimate { low, expected: mean[index].clamp(low, high), high }
        };
        let held = Held { objects: estimate(2), bytes: estimate(3), pointer_bytes: estimate(4) };
        Cost { allocations: estimate(0), bytes: estimate(1), held }
    }

    /// Step of the list of n overflow buckets, from one that is near. Maps with pointers have none.
    fn list_step(&self, n: f64, near: usize) -> usize {
        let mut step = near;
        while step > 0 && self.list_steps[step - 1].capacity as f64 >= n {
            step -= 1;
        }
        while self.list_steps.get(step).is_some_and(|of| (of.capacity as f64) < n) {
            step += 1;
        }
        step
    }

    /// The mean of [`Self::cost_of`] over counts of overflow buckets.
    fn mean_cost(&self, n_spare: f64, counts: &Counts) -> [f64; 5] {
        let n_heap = counts.excess(n_spare as u64);
        let bytes = n_heap * self.bucket_block;
        let pointer_bytes = if self.shape.has_pointers() { bytes } else { 0.0 };
        let mut mean = [n_heap, bytes, n_heap, bytes, pointer_bytes];
        for steps in self.list_steps.windows(2) {
            let [before, after] = steps else { continue };
            let chance = counts.beyond(before.capacity);
            if chance == 0.0 {
                break;
            }
            let is_first = if before.capacity == 0 { 1.0 } else { 0.0 };
            let header = is_first * HEADER_BYTES as f64;
            let held = after.block_bytes as f64 - before.block_bytes as f64 + header;
            let taken = (after.total_bytes - before.total_bytes) as f64 + header;
            let more = [1.0 + is_first, taken, 2.0 * is_first, held, held];
            mean.iter_mut().zip(more).for_each(|(mean, more)| *mean += chance * more);
        }
        mean
    }

    /// What overflow buckets that are not spare ones take, and the list of all of them: allocations and bytes in all;
    /// objects, bytes, and bytes with pointers held.
    fn cost_of(&self, n_heap: f64, list_step: usize) -> [f64; 5] {
        let bytes = n_heap * self.bucket_block;
        let Some(list) = self.list_steps.get(list_step).filter(|_| list_step > 0) else {
            let pointer_bytes = if self.shape.has_pointers() { bytes } else { 0.0 };
            return [n_heap, bytes, n_heap, bytes, pointer_bytes];
        };
        let total = (HEADER_BYTES + list.total_bytes) as f64;
        let held = (HEADER_BYTES + list.block_bytes) as f64;
        [n_heap + 1.0 + list_step as f64, bytes + total, n_heap + 2.0, bytes + held, held]
    }
}

/// Overflow buckets of an array that is as full as it gets.
pub(super) struct Full {
    pub(super) mean: f64,
    pub(super) variance: f64,
    /// Chance that there are none.
    #[cfg(test)]
    pub(super) none: f64,
    counts: Counts,
}

const fn full(moments: [(f64, f64, f64); MANY_B as usize]) -> [Full; MANY_B as usize] {
    let [a, b, c, d, e, f] = moments;
    [Full::new(a), Full::new(b), Full::new(c), Full::new(d), Full::new(e), Full::new(f)]
}

impl Full {
    const fn new((mean, variance, none): (f64, f64, f64)) -> Self {
        Self {
            mean,
            variance,
            #[cfg(test)]
            none,
            counts: Counts::new(mean, variance, none),
        }
    }
}

/// Of 2, 4, 8 and so on to `2^MANY_B` buckets with 12 entries for two: mean, variance, and chance of none. A test says
/// that they are those of [`Overflow::of`].
pub(super) static FULL_12: [Full; MANY_B as usize] = full([
    (0.14600, 0.09639, 8.36615e-01),
    (0.48529, 0.24648, 5.12689e-01),
    (1.10896, 0.51299, 2.03763e-01),
    (2.33751, 1.03867, 3.29641e-02),
    (4.78685, 2.08750, 8.71932e-04),
    (9.68197, 4.18412, 6.13093e-07),
]);
/// The same with 13 entries for two.
pub(super) static FULL_13: [Full; MANY_B as usize] = full([
    (0.26685, 0.13631, 6.93206e-01),
    (0.72187, 0.29145, 3.33521e-01),
    (1.56917, 0.58587, 8.48335e-02),
    (3.24487, 1.17202, 5.66891e-03),
    (6.58879, 2.34351, 2.56546e-05),
    (13.27327, 4.68617, 5.28606e-10),
]);

/// What the overflow buckets of an array take. Units: bytes.
struct Cost {
    allocations: Estimate,
    bytes: Estimate,
    held: Held,
}

/// The part of it that is held.
struct Held {
    objects: Estimate,
    bytes: Estimate,
    pointer_bytes: Estimate,
}

/// An evacuation under way.
struct Evacuation {
    /// Chance that it is not over.
    probability: f64,
    /// Part of the old buckets that is left, on average.
    left: f64,
    /// Of that part, for one bucket.
    variance: f64,
    n_buckets: f64,
}

/// Old buckets that are so few are followed one by one.
const FEW: usize = 16;

impl Evacuation {
    /// After `n_ops` assignments to new keys since the growth of `2^b` buckets began. Each evacuates the bucket it needs,
    /// any of them, and then the first that is left.
    fn after(n_ops: u64, b: u32) -> Self {
        match 1_usize.checked_shl(b) {
            Some(n_buckets) if n_buckets <= FEW => Self::of_few(n_ops, n_buckets),
            _ => Self::of_many(n_ops as f64, f64::from(b).exp2()),
        }
    }

    /// By the chance that so many are left, operation by operation.
    fn of_few(n_ops: u64, n_buckets: usize) -> Self {
        let mut chances = [0.0; FEW + 1];
        chances[n_buckets] = 1.0;
        for _ in 0..n_ops.min(n_buckets as u64) {
            let mut next = [0.0; FEW + 1];
            for (left, chance) in chances.iter().enumerate() {
                let needs_one = left as f64 / n_buckets as f64;
                next[left.saturating_sub(2)] += chance * needs_one;
                next[left.saturating_sub(1)] += chance * (1.0 - needs_one);
            }
            chances = next;
        }
        let mean_of = |f: fn(f64) -> f64| -> f64 {
            chances.iter().enumerate().map(|(left, chance)| chance * f(left as f64)).sum()
        };
        let (mean, mean_square) = (mean_of(|left| left), mean_of(|left| left * left));
        let n_buckets = n_buckets as f64;
        Self {
            probability: 1.0 - chances[0],
            left: mean / n_buckets,
            variance: (mean_square - mean * mean) / n_buckets,
            n_buckets,
        }
    }

    /// Of N buckets those left, L, become L - L/N - 1: after t operations 2 N (1 - 1/N)^t - N. With the time
    /// u = -t ln(1 - 1/N) the part left is l = 2 e^-u - 1, nothing at u = ln 2. Its variance v, times N, follows
    /// v' = l (1 - l) - 2 v.
    fn of_many(n_ops: f64, n_buckets: f64) -> Self {
        let time = -n_ops * (-1.0 / n_buckets).ln_1p();
        let decay = (-time.min(LN_2)).exp();
        let end_deviation = (END_VARIANCE / n_buckets).sqrt();
        Self {
            probability: upper_tail((time - LN_2) / end_deviation),
            left: 2.0 * decay - 1.0,
            variance: 6.0 * decay - (5.0 + 4.0 * time.min(LN_2)) * decay * decay - 1.0,
            n_buckets,
        }
    }

    /// Entries moved, of so many.
    fn moved(&self, entries: u64) -> Estimate {
        let entries = entries as f64;
        if event(self.probability).high == 0.0 {
            return Estimate::exact(entries);
        }
        let load = entries / self.n_buckets;
        let variance = entries * (self.variance * load + self.left * (1.0 - self.left));
        let moved = Estimate::around(entries * (1.0 - self.left), variance.sqrt(), (0.0, entries));
        // The last bucket may be a full one, however rarely it is left.
        let last = (load + 4.0 * load.sqrt()).ceil();
        Estimate { low: moved.low.min(entries - last).max(0.0), ..moved }
    }
}

/// Variance of the time when an evacuation ends, for one bucket: that of the part left at ln 2, where it falls by 1.
const END_VARIANCE: f64 = 0.057;
