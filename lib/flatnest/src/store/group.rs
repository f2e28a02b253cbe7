//! Groups: the parts of a table's index, each with up to 15 entries.

use super::tags::matches16;

/// A part of the index.
///
/// Invariant: where a tag is not 0, that entry lies at the place of the same number. The last tag is 0.
#[derive(Clone, Copy)]
#[repr(C, align(32))]
pub(super) struct Group {
    pub(super) tags: [u8; 16],
    /// 15 numbers of places, and a byte of marks: the low three bits of the tags of entries that found the group full.
    pub(super) places: [u8; 16],
}

impl Group {
    pub(super) const N_SLOTS: usize = 15;
    pub(super) const EMPTY: Self = Self { tags: [0; 16], places: [0; 16] };

    /// Bit `i` is set where slot `i` has this tag, which is not 0.
    #[inline(always)]
    pub(super) fn matches(&self, tag: u8) -> u64 {
        matches16(&self.tags, tag)
    }

    /// Bit `i` is set where slot `i` is free.
    #[inline(always)]
    pub(super) fn free(&self) -> u64 {
        matches16(&self.tags, 0) & ((1 << Self::N_SLOTS) - 1)
    }

    pub(super) const fn marks(&self) -> u8 {
        self.places[Self::N_SLOTS]
    }

    #[inline(always)]
    pub(super) const fn was_passed(&self, tag: u8) -> bool {
        self.marks() >> (tag % 8) & 1 == 1
    }

    pub(super) const fn mark(&mut self, tag: u8) {
        self.places[Self::N_SLOTS] |= 1 << (tag % 8);
    }

    /// The slot of the entry at a place.
    pub(super) fn slot_of(&self, place: u8) -> Option<usize> {
        let slots = matches16(&self.places, place) & !matches16(&self.tags, 0);
        (slots != 0).then(|| slots.trailing_zeros() as usize)
    }
}
