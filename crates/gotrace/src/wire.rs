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
