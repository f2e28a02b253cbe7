//! Hashes of keys.

use core::hash::{BuildHasher, Hash};

use hashbrown::DefaultHashBuilder;

use crate::types::is_same_type;

/// The 32 bits of a key's hash that the map uses. They have to be good in all bits.
#[inline(always)]
pub(crate) fn hash<S: BuildHasher, Q: Hash + ?Sized>(hasher: &S, key: &Q) -> u32 {
    let hash = hasher.hash_one(key);
    if is_same_type::<S, DefaultHashBuilder>() { (hash >> 32) as u32 } else { mixed(hash) }
}

/// The product brings all bits into play: of a hash that is the number itself, or that is good in few bits only.
const fn mixed(hash: u64) -> u32 {
    (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32
}
