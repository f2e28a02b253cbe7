//! The list that classic maps without pointers keep of their overflow buckets, which the collector would not find.
//!
//! Source: runtime/map.go (`createOverflow`, `newoverflow`), runtime/slice.go (`growslice`) of Go 1.21 to 1.23.

use super::Malloc;

/// The slice header, an object of its own. Units: bytes.
pub const HEADER_BYTES: u64 = 24;
const POINTER_BYTES: u64 = 8;
/// Slices up to this capacity double, larger ones grow by a quarter and a bit.
const MAX_DOUBLED: u64 = 256;
/// Enough for 2^40 overflow buckets.
const N_STEPS: usize = 112;

/// The list after it was enlarged.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// Buckets that fit.
    pub capacity: u64,
    /// Units: bytes of its array.
    pub block_bytes: u64,
    /// Units: bytes of this and all earlier arrays.
    pub total_bytes: u64,
}

static WITHOUT_HEADERS: [Step; N_STEPS] = ladder(Malloc::WITHOUT_HEADERS);
static WITH_HEADERS: [Step; N_STEPS] = ladder(Malloc::WITH_HEADERS);

/// The sizes that the list goes through, first the one for no buckets.
pub fn steps(malloc: Malloc) -> &'static [Step] {
    if malloc == Malloc::WITH_HEADERS { &WITH_HEADERS } else { &WITHOUT_HEADERS }
}

const fn ladder(malloc: Malloc) -> [Step; N_STEPS] {
    let mut steps = [Step { capacity: 0, block_bytes: 0, total_bytes: 0 }; N_STEPS];
    let mut index = 1;
    while index < N_STEPS {
        let before = steps[index - 1];
        let wanted = POINTER_BYTES * wanted_capacity(before.capacity);
        let capacity = malloc.usable(wanted, true) / POINTER_BYTES;
        let block_bytes = malloc.block(POINTER_BYTES * capacity, true);
        let total_bytes = before.total_bytes + block_bytes;
        steps[index] = Step { capacity, block_bytes, total_bytes };
        index += 1;
    }
    steps
}

const fn wanted_capacity(capacity: u64) -> u64 {
    match capacity {
        0 => 1,
        1..MAX_DOUBLED => 2 * capacity,
        _ => capacity + (capacity + 3 * MAX_DOUBLED) / 4,
    }
}
