//! Unsigned LEB128 of at most 64 bits. Forms longer than needed are legal.
//!
//! Source: protobuf encoding specification, <https://protobuf.dev/programming-guides/encoding/>;
//! `src/runtime/tracebuf.go`, `varint` (Go 1.27).

/// Takes an integer off the front; `None` when it is cut off or over 64 bits, and then nothing is taken.
#[inline(always)]
pub fn take_varint(rest: &mut &[u8]) -> Option<u64> {
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

/// Appends an integer in its shortest form.
#[inline]
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8 & 0x7f) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// How many bytes [`put_varint`] appends.
pub fn varint_len(value: u64) -> usize {
    (u64::BITS - (value | 1).leading_zeros()).div_ceil(7) as usize
}

#[cfg(test)]
mod tests {
    use super::{put_varint, take_varint, varint_len};

    #[test]
    fn what_is_put_is_taken_and_the_rest_is_left() {
        for value in [0, 1, 127, 128, 300, 16_383, 16_384, 1 << 35, u64::MAX - 1, u64::MAX] {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            assert_eq!(varint_len(value), bytes.len(), "{value}");
            for n in 0..bytes.len() {
                assert_eq!(take_varint(&mut &bytes[..n]), None, "{value} cut to {n}");
            }
            bytes.push(42);
            let mut rest = bytes.as_slice();
            assert_eq!(take_varint(&mut rest), Some(value));
            assert_eq!(rest, [42]);
        }
    }

    #[test]
    fn more_than_64_bits_are_refused() {
        assert_eq!(take_varint(&mut &[0xff; 11][..]), None);
        let mut too_large = [0xff; 10];
        too_large[9] = 2;
        assert_eq!(take_varint(&mut &too_large[..]), None);
    }

    #[test]
    fn longer_forms_are_taken() {
        assert_eq!(take_varint(&mut &[0x85, 0x80, 0x80, 0][..]), Some(5));
    }
}
