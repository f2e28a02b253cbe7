//! Tags: one or two bytes per entry, compared many at once.
//!
//! A tag is never 0; a place without an entry has the tag 0 and matches nothing.

/// The tag of an entry whose key has this hash.
#[inline(always)]
pub(super) fn tag(hash: u32) -> u8 {
    (hash as u8).max(1)
}

/// Bit `i` is set where `tags[i] == tag`.
#[inline(always)]
pub(super) fn matches16(tags: &[u8; 16], tag: u8) -> u64 {
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(miri)))]
    return sse2::matches16(tags, tag);
    #[cfg(not(all(target_arch = "x86_64", target_feature = "sse2", not(miri))))]
    return portable_matches16(tags, tag);
}

/// The tags of a page: two bytes for each entry, since a wrong hit costs more than comparing twice as many bytes.
#[repr(C)]
pub(super) struct PageTags([u16; 32]);

/// The tag of an entry in a page.
#[inline(always)]
fn page_tag(hash: u32) -> u16 {
    hash as u16 | 1 << 15
}

impl PageTags {
    /// So many of a hash's low bits choose pages and are in the tags. Fewer would have more entries hashed again at
    /// splits, more would leave fewer bits by which the tags of one page differ.
    pub(super) const N_SPLIT_BITS: u32 = 6;

    pub(super) const EMPTY: Self = Self([0; 32]);

    /// Bit `i` is set where entry `i` is there and has the tag of this hash.
    #[inline(always)]
    pub(super) fn matches(&self, hash: u32) -> u64 {
        #[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(miri)))]
        return sse2::matches32(&self.0, page_tag(hash));
        #[cfg(not(all(target_arch = "x86_64", target_feature = "sse2", not(miri))))]
        return portable_matches32(&self.0, page_tag(hash));
    }

    #[inline(always)]
    pub(super) fn set(&mut self, idx: usize, hash: u32) {
        self.0[idx] = page_tag(hash);
    }

    pub(super) fn get(&self, idx: usize) -> u16 {
        self.0[idx]
    }

    #[inline(always)]
    pub(super) fn put(&mut self, idx: usize, tag: u16) {
        self.0[idx] = tag;
    }

    pub(super) fn clear(&mut self, idx: usize) {
        self.0[idx] = 0;
    }

    /// Bit `i` is set where tag `i` has this bit.
    pub(super) fn with_bit(&self, bit: u32) -> u32 {
        let bits = self.0.map(|tag| u32::from(tag) >> bit & 1);
        bits.iter().rev().fold(0, |found, bit| found << 1 | bit)
    }

    /// Whether the first `n` have tags, and no others.
    #[cfg(debug_assertions)]
    pub(super) fn are_set_up_to(&self, n: usize) -> bool {
        self.0.iter().enumerate().all(|(i, &tag)| (tag != 0) == (i < n))
    }
}

#[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(miri)))]
mod sse2 {
    use core::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_cmpeq_epi16, _mm_loadu_si128, _mm_movemask_epi8,
        _mm_packs_epi16, _mm_set1_epi8, _mm_set1_epi16,
    };

    #[inline(always)]
    fn load(tags: &[u8; 16]) -> __m128i {
        // SAFETY: the load needs no alignment and reads the 16 bytes of the array; SSE2 is there, see the `cfg`.
        unsafe { _mm_loadu_si128(tags.as_ptr().cast::<__m128i>()) }
    }

    #[inline(always)]
    pub(super) fn matches16(tags: &[u8; 16], tag: u8) -> u64 {
        // SAFETY: SSE2 is there.
        let equal = unsafe {
            _mm_movemask_epi8(_mm_cmpeq_epi8(load(tags), _mm_set1_epi8(tag.cast_signed())))
        };
        u64::from(equal.cast_unsigned())
    }

    #[inline(always)]
    pub(super) fn matches32(tags: &[u16; 32], tag: u16) -> u64 {
        let eights = tags.as_chunks::<8>().0;
        // SAFETY: SSE2 is there; the loads need no alignment and read the 16 bytes of an array each.
        let equal = unsafe {
            let tag = _mm_set1_epi16(tag.cast_signed());
            let eight = |i: usize| {
                _mm_cmpeq_epi16(_mm_loadu_si128(eights[i].as_ptr().cast::<__m128i>()), tag)
            };
            let half = |i: usize| {
                _mm_movemask_epi8(_mm_packs_epi16(eight(i), eight(i + 1))).cast_unsigned()
            };
            half(0) | half(2) << 16
        };
        u64::from(equal)
    }
}

#[cfg(any(test, not(all(target_arch = "x86_64", target_feature = "sse2", not(miri)))))]
fn portable_matches32(tags: &[u16; 32], tag: u16) -> u64 {
    tags.iter().enumerate().fold(0, |bits, (i, &known)| bits | u64::from(known == tag) << i)
}

#[cfg(any(test, not(all(target_arch = "x86_64", target_feature = "sse2", not(miri)))))]
fn portable_matches16(tags: &[u8; 16], tag: u8) -> u64 {
    let (halves, _) = tags.as_chunks::<8>();
    matches8(halves[0], tag) | matches8(halves[1], tag) << 8
}

/// Eight bytes in one word: a byte of `differs` is 0 where the tag matches, and adding 0x7f to its low seven bits
/// carries into the top bit everywhere else. The product gathers the top bits of the bytes in the highest byte.
#[cfg(any(test, not(all(target_arch = "x86_64", target_feature = "sse2", not(miri)))))]
fn matches8(tags: [u8; 8], tag: u8) -> u64 {
    const LOW_SEVEN: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let differs = u64::from_le_bytes(tags) ^ u64::from_le_bytes([tag; 8]);
    let equal = !(((differs & LOW_SEVEN) + LOW_SEVEN) | differs | LOW_SEVEN);
    (equal >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_find_every_place_of_every_tag() {
        for wanted in 0..=255u8 {
            for seed in 0..64u64 {
                let word = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
                let mut tags: [u8; 16] =
                    core::array::from_fn(|i| word[i % 8].wrapping_add(i as u8));
                tags[seed as usize % 16] = wanted;
                tags[seed as usize / 4] = wanted ^ 0x80;
                let expected =
                    (0..16).filter(|&i| tags[i] == wanted).fold(0, |bits, i| bits | 1 << i);
                assert_eq!(matches16(&tags, wanted), expected);
                assert_eq!(portable_matches16(&tags, wanted), expected);
            }
        }
    }

    #[test]
    fn pages_match_where_tags_do() {
        let mut page = PageTags::EMPTY;
        let hashes = [0x0000, 0x0002, 0x0102, 0x0100, 0xab02, 0x02ab, 0x7ffe, 0xfffe];
        (0..32).for_each(|i| page.set(i, hashes[i % 8] | (i as u32) << 16));
        page.clear(9);
        for &hash in &hashes {
            let tag = page_tag(hash);
            let expected =
                (0..32).filter(|&i| page.get(i) == tag).fold(0, |bits, i| bits | 1u64 << i);
            let n_equal = match hash {
                0x0002 => 3,
                0x7ffe | 0xfffe => 8,
                _ => 4,
            };
            assert_eq!(expected.count_ones(), n_equal);
            assert_eq!(page.matches(hash), expected);
            assert_eq!(portable_matches32(&page.0, tag), expected);
        }
        for bit in 0..PageTags::N_SPLIT_BITS {
            let has = |i: usize| i != 9 && hashes[i % 8] >> bit & 1 == 1;
            let expected = (0..32).filter(|&i| has(i)).fold(0, |bits, i| bits | 1u32 << i);
            assert_eq!(page.with_bit(bit), expected);
        }
    }

    #[test]
    fn no_hash_has_the_tag_of_an_empty_place() {
        assert!((0..=u32::from(u16::MAX)).all(|hash| tag(hash) != 0 && page_tag(hash) != 0));
    }
}
