//! Variable-length integers: unsigned LEB128 of at most 64 bits. Padded forms are legal, the runtime writes them.
//!
//! Source: `src/runtime/tracebuf.go`, `varint`, `varintReserve` (Go 1.27).

/// Takes an integer off the front; `None` when it is cut off or over 64 bits.
#[inline(always)]
pub(crate) fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    match **rest {
        [a, ref tail @ ..] if a < 0x80 => {
            *rest = tail;
            Some(u64::from(a))
        }
        [a, b, ref tail @ ..] if b < 0x80 => {
            *rest = tail;
            Some(u64::from(a & 0x7f) | u64::from(b) << 7)
        }
        _ => take_long_varint(rest),
    }
}

#[inline(never)]
fn take_long_varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for (i, &byte) in rest.iter().enumerate().take(10) {
        // The tenth byte carries bit 63 only.
        if i == 9 && byte > 1 {
            return None;
        }
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte < 0x80 {
            *rest = rest.get(i + 1..)?;
            return Some(value);
        }
    }
    None
}

/// The high bits of the bytes of a word: clear in the last byte of an integer.
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// Several integers that lie within eight bytes, found without a branch for each length.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// Little-endian.
    word: u64,
    /// Where each integer ends; the first begins at 0. Units: bits.
    ends: [u8; 5],
}

impl Window {
    pub(crate) const EMPTY: Self = Self { word: 0, ends: [0; 5] };

    /// The first `n` integers, of which there may be up to five, and how many bytes they take; `None` when they do not
    /// lie within the eight bytes.
    #[inline(always)]
    pub(crate) fn new(bytes: [u8; 8], n: u8) -> Option<(Self, usize)> {
        let word = u64::from_le_bytes(bytes);
        // Each step takes one more integer off; beyond the last there are 64 zeros.
        let first = !word & HIGH_BITS;
        let second = first & first.wrapping_sub(1);
        let third = second & second.wrapping_sub(1);
        let fourth = third & third.wrapping_sub(1);
        let fifth = fourth & fourth.wrapping_sub(1);
        let ends =
            [first, second, third, fourth, fifth].map(|rest| rest.trailing_zeros() as u8 + 1);
        let end = ends[usize::from(n - 1) % 5];
        (end <= 64).then_some((Self { word, ends }, usize::from(end / 8)))
    }

    /// The integer at this place.
    #[inline(always)]
    pub(crate) fn get(&self, i: usize) -> u64 {
        let start = if i == 0 { 0 } else { u32::from(self.ends[i - 1]) };
        let len = u32::from(self.ends[i]).wrapping_sub(start);
        let tail = self.word.wrapping_shr(start);
        join_groups(tail & u64::MAX.wrapping_shr(64u32.wrapping_sub(len)))
    }
}

/// Joins the lower seven bits of each byte, pair by pair.
#[inline(always)]
fn join_groups(word: u64) -> u64 {
    let x = word & !HIGH_BITS;
    let x = (x & 0x007f_007f_007f_007f) | (x & 0x7f00_7f00_7f00_7f00) >> 1;
    let x = (x & 0x0000_3fff_0000_3fff) | (x & 0x3fff_0000_3fff_0000) >> 2;
    (x & 0x0000_0000_0fff_ffff) | (x & 0x0fff_ffff_0000_0000) >> 4
}

/// Appends an integer in its shortest form.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8 & 0x7f) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends an integer padded to ten bytes, the form of a size that the runtime fills in later.
pub(crate) fn put_padded_varint(out: &mut Vec<u8>, value: u64) {
    for i in 0..9 {
        out.push(((value >> (7 * i)) as u8 & 0x7f) | 0x80);
    }
    out.push((value >> 63) as u8);
}

#[cfg(test)]
mod tests;
