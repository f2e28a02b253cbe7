//! Several variable-length integers looked at together.

/// The high bits of the bytes of a word: clear in the last byte of an integer.
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// Several integers that lie within eight bytes, found without a branch for each length.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    /// Little-endian.
    word: u64,
    /// The high bits of the last bytes of integers.
    lasts: u64,
}

impl Window {
    pub(crate) const EMPTY: Self = Self { word: 0, lasts: 0 };

    #[inline(always)]
    pub(crate) fn new(bytes: [u8; 8]) -> Self {
        let word = u64::from_le_bytes(bytes);
        Self { word, lasts: !word & HIGH_BITS }
    }

    /// The last bytes from the integer at this place on.
    #[inline(always)]
    fn lasts_from(&self, i: u8) -> u64 {
        let mut lasts = self.lasts;
        for _ in 0..i {
            // Takes the lowest bit off.
            lasts &= lasts.wrapping_sub(1);
        }
        lasts
    }

    /// How many bytes the first `n` integers take, from 1 on; `None` when they do not lie within the eight bytes.
    #[inline(always)]
    pub(crate) fn len(&self, n: u8) -> Option<usize> {
        let lasts = match n {
            1 => self.lasts,
            2 => self.lasts_from(1),
            3 => self.lasts_from(2),
            4 => self.lasts_from(3),
            _ => self.lasts_from(4),
        };
        (lasts != 0).then(|| lasts.trailing_zeros() as usize / 8 + 1)
    }

    /// The integer at this place, if it lies within the eight bytes; else anything.
    #[inline(always)]
    pub(crate) fn get(&self, i: u8) -> u64 {
        let start = if i == 0 { 0 } else { self.lasts_from(i - 1).trailing_zeros() + 1 };
        // All bits up to and with the last of the integer.
        let last = self.lasts_from(i);
        let until = last ^ last.wrapping_sub(1);
        join_groups((self.word & until).wrapping_shr(start))
    }
}

/// Joins the lower seven bits of each byte, pair by pair. Nearly all integers have one byte or two.
#[inline(always)]
fn join_groups(word: u64) -> u64 {
    let x = word & !HIGH_BITS;
    let x = (x & 0x007f_007f_007f_007f) | (x & 0x7f00_7f00_7f00_7f00) >> 1;
    if x < 1 << 16 {
        return x;
    }
    let x = (x & 0x0000_3fff_0000_3fff) | (x & 0x3fff_0000_3fff_0000) >> 2;
    (x & 0x0000_0000_0fff_ffff) | (x & 0x0fff_ffff_0000_0000) >> 4
}

#[cfg(test)]
mod tests;
