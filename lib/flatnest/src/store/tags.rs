//! Tags: a byte per entry, compared many at once.
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

#[cfg(all(target_arch = "x86_64", target_feature = "sse2", not(miri)))]
mod sse2 {
    use core::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8,
    };

    #[inline(always)]
    pub(super) fn matches16(tags: &[u8; 16], tag: u8) -> u64 {
        // SAFETY: the load needs no alignment and reads the 16 bytes of the array; SSE2 is there, see the `cfg`.
        let equal = unsafe {
            let tags = _mm_loadu_si128(tags.as_ptr().cast::<__m128i>());
            _mm_movemask_epi8(_mm_cmpeq_epi8(tags, _mm_set1_epi8(tag.cast_signed())))
        };
        u64::from(equal.cast_unsigned())
    }
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
    fn no_hash_has_the_tag_of_an_empty_place() {
        assert!((0..=u32::from(u16::MAX)).all(|hash| tag(hash) != 0));
    }
}
