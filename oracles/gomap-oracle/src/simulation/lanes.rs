//! Eight bytes in a word, looked at together: one for each slot of a bucket or group.

pub(super) const LOW_BITS: u64 = 0x0101_0101_0101_0101;
pub(super) const HIGH_BITS: u64 = LOW_BITS << 7;

/// The high bits of the lanes that equal `byte`, and sometimes of a lane behind such a one that differs by 1. Lanes whose
/// high bit differs from that of `byte` are never among them.
pub(super) fn equal(word: u64, byte: u8) -> u64 {
    let difference = word ^ (LOW_BITS * u64::from(byte));
    difference.wrapping_sub(LOW_BITS) & !difference & HIGH_BITS
}

pub(super) fn with(word: u64, lane: usize, byte: u8) -> u64 {
    let shift = 8 * lane;
    word & !(0xff << shift) | u64::from(byte) << shift
}

pub(super) fn first(bits: u64) -> Option<usize> {
    (bits != 0).then(|| bits.trailing_zeros() as usize / 8)
}

pub(super) fn all(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lane = first(bits)?;
        bits &= bits - 1;
        Some(lane)
    })
}
