//! Reads memory into the cache ahead of its use.
#![allow(unsafe_code)]

use alloc::string::String;

use crate::arena_str::ArenaStr;
use crate::types::{downcast, is_same_type};

/// Has the line of memory read into the cache, where the processor can be asked to. Any address will do.
#[inline(always)]
pub(crate) fn prefetch<T>(address: *const T) {
    #[cfg(all(target_arch = "x86_64", target_feature = "sse", not(miri)))]
    // SAFETY: a prefetch reads nothing that the program could see, and faults nowhere.
    unsafe {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch(address.cast(), _MM_HINT_T0);
    }
    #[cfg(not(all(target_arch = "x86_64", target_feature = "sse", not(miri))))]
    let _ = address;
}

/// Has a value or short text read into the cache, which may lie across two lines.
#[inline(always)]
pub(crate) fn prefetch_bytes(address: *const u8, n: usize) {
    prefetch(address);
    prefetch(address.wrapping_add(n).wrapping_sub(1));
}

/// Whether [`prefetch_text`] does anything for keys of this type.
#[inline(always)]
pub(crate) fn is_text<K>() -> bool {
    is_same_type::<K, String>() || is_same_type::<K, ArenaStr>()
}

/// Has the text of a key read into the cache, where it is known to have one.
#[inline(always)]
pub(crate) fn prefetch_text<K>(key: &K) {
    let text = downcast::<K, String>(key).map(String::as_str);
    if let Some(text) = text.or_else(|| downcast::<K, ArenaStr>(key).map(ArenaStr::as_str)) {
        prefetch_bytes(text.as_ptr(), text.len());
    }
}

/// Has what dropping the value will touch elsewhere read into the cache, where that takes long and is known.
#[inline(always)]
pub(crate) fn prefetch_owned<T>(value: &T) {
    if let Some(text) = downcast::<T, String>(value) {
        // Allocators that keep notes beside a block have them before and behind it.
        prefetch(text.as_ptr().wrapping_sub(16));
        prefetch(text.as_ptr().wrapping_add(text.capacity()));
    }
}
