//! Block sizes of Go's allocator: what an object of some size takes.
//!
//! Source: runtime/sizeclasses.go (the same table from Go 1.21 to 1.27), runtime/msize.go (`roundupsize`) and
//! runtime/malloc.go (`mallocgc`) of Go 1.21; runtime/msize_allocheaders.go of Go 1.22, msize.go of Go 1.27.

use goabi::Release;

/// Units: bytes.
const SIZE_CLASSES: [u64; 67] = [
    8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288, 320, 352,
    384, 416, 448, 480, 512, 576, 640, 704, 768, 896, 1024, 1152, 1280, 1408, 1536, 1792, 2048,
    2304, 2688, 3072, 3200, 3456, 4096, 4864, 5376, 6144, 6528, 6784, 6912, 8192, 9472, 9728,
    10240, 10880, 12288, 13568, 14336, 16384, 18432, 19072, 20480, 21760, 24576, 27264, 28672,
    32768,
];
const PAGE: u64 = 8192;
const LARGEST_CLASS: u64 = 32768;
/// Objects with pointers above this size carry a header, from Go 1.22 on.
const MAX_HEADERLESS: u64 = 512;
const HEADER: u64 = 8;

/// The allocator of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malloc {
    has_headers: bool,
}

impl Malloc {
    pub(crate) const WITH_HEADERS: Self = Self { has_headers: true };
    pub(crate) const WITHOUT_HEADERS: Self = Self { has_headers: false };

    pub(crate) fn of(release: &Release) -> Self {
        Self { has_headers: release.has_malloc_headers }
    }

    /// Bytes taken for an object.
    pub const fn block(self, bytes: u64, has_pointers: bool) -> u64 {
        size_class(bytes.saturating_add(self.header(bytes, has_pointers)))
    }

    /// Bytes of that block which the object may use: `roundupsize`.
    pub(crate) const fn usable(self, bytes: u64, has_pointers: bool) -> u64 {
        let header = self.header(bytes, has_pointers);
        size_class(bytes.saturating_add(header)) - header
    }

    const fn header(self, bytes: u64, has_pointers: bool) -> u64 {
        let is_small = bytes <= LARGEST_CLASS - HEADER;
        if self.has_headers && has_pointers && bytes > MAX_HEADERLESS && is_small {
            HEADER
        } else {
            0
        }
    }
}

/// The smallest class that holds so many bytes, beyond the largest whole pages. `const`, so searched by hand.
const fn size_class(bytes: u64) -> u64 {
    if bytes > LARGEST_CLASS {
        return bytes.saturating_add(PAGE - 1) / PAGE * PAGE;
    }
    let (mut low, mut high) = (0, SIZE_CLASSES.len() - 1);
    while low < high {
        let middle = (low + high) / 2;
        if SIZE_CLASSES[middle] < bytes { low = middle + 1 } else { high = middle }
    }
    SIZE_CLASSES[low]
}
