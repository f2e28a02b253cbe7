//! Maps up to Go 1.23: buckets of 8 entries with chains of overflow buckets, evacuated little by little.
//!
//! 1. The last bits of the hash choose the bucket. An entry takes the first free slot of its bucket's chain; a full chain
//!    gets an overflow bucket, from the spare ones at the end of the array while there are some.
//! 2. An insertion beyond 6.5 entries a bucket (6.0 in Go 1.21) begins a growth to twice the buckets; one that meets as
//!    many overflow buckets as buckets begins a growth of the same size.
//! 3. While old buckets are left, each assignment and deletion evacuates the one it needs and the next in sequence.
//! 4. `clear` keeps the array and forgets the overflow buckets.
//!
//! Source: runtime/map.go of Go 1.21 to 1.23; single functions are named where they are modelled. Not seen in source,
//! but in descriptions: Go 1.18 to 1.20, load factor 6.5, otherwise as 1.21.

mod buckets;

use gomap::blocks::overflow_list::{HEADER_BYTES, Step, steps};
use gomap::blocks::{EXTRA_BYTES, GROUP_SLOTS};
use gomap::{GrowKind, MapShape};

use self::buckets::{Buckets, Cursor};
use super::ledger::Ledger;
use super::{Held, State};

/// From this exponent on overflow buckets are counted by chance only.
const MAX_COUNTED_B: u32 = 16;
/// Old buckets that one evacuation in sequence skips at most.
const MAX_SKIPPED: usize = 1024;

#[derive(Debug, Clone)]
pub(super) struct Map {
    shape: MapShape,
    b: u32,
    count: u64,
    /// `None` until the first insertion into a map of one bucket.
    current: Option<Box<Generation>>,
    old: Option<Box<Old>>,
    /// As the runtime counts them: exact below `MAX_COUNTED_B`.
    n_overflow: u64,
    has_extra: bool,
    chance: u64,
}

/// An array of buckets with the overflow buckets that belong to it.
#[derive(Debug, Clone)]
struct Generation {
    buckets: Buckets,
    block_bytes: u64,
    /// Overflow buckets at the end of the array.
    n_spare: usize,
    /// Overflow buckets that are blocks of their own, as far as they are still held.
    n_heap: u64,
    /// Steps that the list of overflow buckets went through.
    list_step: usize,
}

#[derive(Debug, Clone)]
struct Old {
    generation: Generation,
    is_evacuated: Vec<bool>,
    n_evacuated: usize,
    is_same_size: bool,
}

impl Map {
    pub(super) fn new(shape: MapShape, hint: u64, ledger: &mut Ledger) -> Self {
        let b = shape.exponent_for_hint(hint);
        let mut map = Self {
            shape,
            b,
            count: 0,
            current: None,
            old: None,
            n_overflow: 0,
            has_extra: false,
            chance: hint | 1,
        };
        if b > 0 {
            map.current = Some(map.new_generation(ledger));
        }
        map
    }

    /// Source: `makeBucketArray` of Go 1.21 to 1.23.
    fn new_generation(&mut self, ledger: &mut Ledger) -> Box<Generation> {
        let array = self.shape.array(self.b);
        ledger.take(array.block_bytes);
        if array.n_spare > 0 {
            self.take_extra(ledger);
        }
        Box::new(Generation {
            buckets: Buckets::new(1 << self.b),
            block_bytes: array.block_bytes,
            n_spare: array.n_spare as usize,
            n_heap: 0,
            list_step: 0,
        })
    }

    fn take_extra(&mut self, ledger: &mut Ledger) {
        if !std::mem::replace(&mut self.has_extra, true) {
            ledger.take(EXTRA_BYTES);
        }
    }

    pub(super) fn slots(&self) -> u64 {
        self.current.as_ref().map_or(0, |current| current.buckets.n_heads() as u64 * GROUP_SLOTS)
    }

    pub(super) fn held(&self) -> Held {
        let old = self.old.as_ref().map(|old| &old.generation);
        let mut held = Held { objects: u64::from(self.has_extra), pointer_free_bytes: 0 };
        for generation in self.current.as_deref().into_iter().chain(old) {
            let list = if generation.list_step > 0 { 2 } else { 0 };
            held.objects += 1 + generation.n_heap + list;
            if !self.shape.has_pointers() {
                let overflow = generation.n_heap * self.shape.bucket_block();
                held.pointer_free_bytes += generation.block_bytes + overflow;
            }
        }
        held
    }

    /// Source: `mapassign` of Go 1.21 to 1.23.
    pub(super) fn set(&mut self, hash: u64, ledger: &mut Ledger) -> bool {
        let mut current = match self.current.take() {
            Some(current) => current,
            None => self.new_generation(ledger),
        };
        let is_new = self.set_in(&mut current, hash, ledger);
        self.current = Some(current);
        is_new
    }

    fn set_in(&mut self, current: &mut Generation, hash: u64, ledger: &mut Ledger) -> bool {
        loop {
            self.grow_work(current, hash, ledger);
            if current.buckets.find(hash).is_some() {
                return false;
            }
            if self.old.is_some() || !(self.is_full() || self.has_many_overflow()) {
                break;
            }
            self.begin_growth(current, ledger);
        }
        let cursor = current.buckets.first_free(hash);
        self.put(current, cursor, hash, ledger);
        self.count += 1;
        true
    }

    /// Source: `mapdelete` of Go 1.21 to 1.23.
    pub(super) fn delete(&mut self, hash: u64, ledger: &mut Ledger) -> bool {
        if self.count == 0 {
            return false;
        }
        let Some(mut current) = self.current.take() else { return false };
        self.grow_work(&mut current, hash, ledger);
        let was_there = current.buckets.remove(hash);
        self.count -= u64::from(was_there);
        self.current = Some(current);
        was_there
    }

    /// Source: `mapclear` of Go 1.21 to 1.23.
    pub(super) fn clear(&mut self, ledger: &mut Ledger) {
        if self.count == 0 {
            return;
        }
        if let Some(old) = self.old.take() {
            self.release(&old.generation, ledger);
        }
        if let Some(current) = &mut self.current {
            let bucket_block = self.shape.bucket_block();
            ledger.release(current.overflow_bytes(bucket_block, ledger));
            current.buckets.clear();
            current.n_heap = 0;
            current.list_step = 0;
        }
        self.n_overflow = 0;
        self.count = 0;
    }

    /// Source: `overLoadFactor` of Go 1.21 to 1.23.
    fn is_full(&self) -> bool {
        self.count + 1 > self.shape.room(self.b)
    }

    /// Source: `tooManyOverflowBuckets` of Go 1.21 to 1.23.
    fn has_many_overflow(&self) -> bool {
        self.n_overflow >= 1 << self.b.min(MAX_COUNTED_B - 1)
    }

    /// Source: `hashGrow` of Go 1.21 to 1.23.
    fn begin_growth(&mut self, current: &mut Generation, ledger: &mut Ledger) {
        let is_same_size = !self.is_full();
        if is_same_size {
            ledger.grow(GrowKind::SameSize, self.count);
        } else {
            ledger.grow(GrowKind::Double, self.count);
            self.b += 1;
        }
        let grown = self.new_generation(ledger);
        let generation = std::mem::replace(current, *grown);
        let is_evacuated = vec![false; generation.buckets.n_heads()];
        self.old = Some(Box::new(Old { generation, is_evacuated, n_evacuated: 0, is_same_size }));
        self.n_overflow = 0;
    }

    /// Source: `growWork`, `evacuate`, `advanceEvacuationMark` of Go 1.21 to 1.23.
    fn grow_work(&mut self, current: &mut Generation, hash: u64, ledger: &mut Ledger) {
        let Some(mut old) = self.old.take() else { return };
        let needed = old.generation.buckets.head_of(hash);
        self.evacuate(current, &mut old, needed, ledger);
        if old.is_evacuating() {
            let next = old.n_evacuated;
            self.evacuate(current, &mut old, next, ledger);
        }
        if old.is_evacuating() {
            self.old = Some(old);
        } else {
            self.release(&old.generation, ledger);
        }
    }

    fn evacuate(
        &mut self,
        current: &mut Generation,
        old: &mut Old,
        head: usize,
        ledger: &mut Ledger,
    ) {
        if !std::mem::replace(&mut old.is_evacuated[head], true) {
            self.move_chain(current, old, head, ledger);
        }
        if head == old.n_evacuated {
            old.advance();
        }
    }

    fn move_chain(
        &mut self,
        current: &mut Generation,
        old: &mut Old,
        head: usize,
        ledger: &mut Ledger,
    ) {
        let n_old = old.generation.buckets.n_heads();
        let mut cursors = [Cursor::at_head(head), Cursor::at_head(head)];
        if !old.is_same_size {
            cursors[1] = Cursor::at_head(head + n_old);
        }
        for hash in old.generation.buckets.chain(head) {
            let side = usize::from(!old.is_same_size && hash as usize & n_old != 0);
            cursors[side] = self.put(current, cursors[side], hash, ledger);
            ledger.moved += 1;
        }
        // The collector can have overflow buckets of evacuated chains, where it sees the pointers to them.
        if self.shape.has_pointers() {
            let n_heap = old.generation.buckets.n_overflow_from(head, old.generation.n_spare);
            old.generation.n_heap -= n_heap;
            ledger.release(n_heap * self.shape.bucket_block());
        }
    }

    /// Puts an entry into the free slot of the cursor's bucket, or an overflow bucket behind it.
    fn put(
        &mut self,
        generation: &mut Generation,
        cursor: Cursor,
        hash: u64,
        ledger: &mut Ledger,
    ) -> Cursor {
        if let Some(cursor) = generation.buckets.put(cursor, hash) {
            return cursor;
        }
        self.count_overflow(generation, ledger);
        generation.buckets.extend(cursor, hash)
    }

    /// Source: `newoverflow`, `incrnoverflow`, `createOverflow` of Go 1.21 to 1.23.
    fn count_overflow(&mut self, generation: &mut Generation, ledger: &mut Ledger) {
        if generation.buckets.n_overflow() >= generation.n_spare {
            generation.n_heap += 1;
            ledger.take(self.shape.bucket_block());
        }
        self.count_by_chance();
        if !self.shape.has_pointers() {
            self.take_extra(ledger);
            generation.enlist(ledger);
        }
    }

    fn count_by_chance(&mut self) {
        self.chance = self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let bits = self.b.saturating_sub(MAX_COUNTED_B - 1);
        let is_counted = self.b < MAX_COUNTED_B || (self.chance >> 32) & ((1 << bits) - 1) == 0;
        self.n_overflow += u64::from(is_counted);
    }

    fn release(&self, generation: &Generation, ledger: &mut Ledger) {
        let overflow_bytes = generation.overflow_bytes(self.shape.bucket_block(), ledger);
        ledger.release(generation.block_bytes + overflow_bytes);
    }

    pub(super) fn state(&self) -> State {
        State::Classic {
            b: self.b,
            n_overflow: self.n_overflow,
            n_evacuated: self.old.as_ref().map(|old| old.n_evacuated as u64),
        }
    }
}

impl Generation {
    /// Makes room in the list of overflow buckets for one more.
    fn enlist(&mut self, ledger: &mut Ledger) {
        if self.list_step == 0 {
            ledger.take(HEADER_BYTES);
        }
        if self.buckets.n_overflow() as u64 >= self.list(ledger).capacity {
            ledger.release(self.list(ledger).block_bytes);
            self.list_step += 1;
            ledger.take(self.list(ledger).block_bytes);
        }
    }

    fn list(&self, ledger: &Ledger) -> Step {
        steps(ledger.malloc)[self.list_step]
    }

    /// Bytes held beside the array.
    fn overflow_bytes(&self, bucket_block: u64, ledger: &Ledger) -> u64 {
        let header = if self.list_step > 0 { HEADER_BYTES } else { 0 };
        self.n_heap * bucket_block + header + self.list(ledger).block_bytes
    }
}

impl Old {
    fn is_evacuating(&self) -> bool {
        self.n_evacuated < self.is_evacuated.len()
    }

    fn advance(&mut self) {
        self.n_evacuated += 1;
        let rest = &self.is_evacuated[self.n_evacuated..];
        self.n_evacuated += rest.iter().take(MAX_SKIPPED).take_while(|&&done| done).count();
    }
}
