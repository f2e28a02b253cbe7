#![allow(clippy::unwrap_used)]

use super::Layout;
use goabi::{GoVersion, MapImpl};

fn layout(version: &str, group_bytes: u64, has_pointers: bool) -> Layout {
    let version = GoVersion::parse(version).unwrap();
    let map_impl = if version.minor >= 24 { MapImpl::Swiss } else { MapImpl::Classic };
    Layout::new(map_impl, version, group_bytes, has_pointers).expect("a release that is known")
}

fn ladder(layout: Layout, n: u32) -> Vec<u64> {
    (0..n).map(|exponent| layout.array_bytes(exponent)).collect()
}

/// Source: `bytes` labels of profiles of real programs, and MemStats of Go 1.21 and 1.27.
#[test]
fn array_sizes_are_those_of_real_programs() {
    let string_int = layout("go1.27.3", 200, true);
    assert_eq!(ladder(string_int, 8), [208, 416, 896, 1792, 3456, 6528, 13568, 27264]);
    let string_int = layout("go1.21.13", 208, true);
    assert_eq!(ladder(string_int, 8), [208, 416, 896, 1792, 4096, 8192, 14336, 28672]);
    assert_eq!(string_int.array_bytes(17), 28_966_912);
    let int_int = layout("go1.21.13", 144, false);
    assert_eq!(ladder(int_int, 9), [144, 288, 576, 1152, 2688, 5376, 10240, 20480, 40960]);
    assert_eq!(int_int.array_bytes(17), 20_054_016);
    let string_pair = layout("go1.27.3", 328, true);
    assert_eq!(string_pair.array_bytes(7), 49_152);
}

#[test]
fn a_block_size_tells_the_capacity() {
    let swiss = layout("go1.27.3", 200, true);
    let capacities = [208, 416, 896, 6528, 27264].map(|bytes| swiss.capacity_of_block(bytes));
    assert_eq!(capacities, [Some(8), Some(14), Some(28), Some(224), Some(896)]);
    assert_eq!(swiss.capacity_of_block(48), None);
    assert_eq!(swiss.capacity_of_block(1 << 50), None);
    assert_eq!(layout("go1.21.13", 208, true).capacity_of_block(416), Some(12));
    assert_eq!(layout("go1.23.9", 208, true).capacity_of_block(416), Some(13));
}

/// Source: bytes allocated by `make(map[K]V, n)` in Go 1.21 and 1.27, less 48 for the header, 32 per Swiss table and
/// 8 per directory entry, 24 for the classic overflow record.
#[test]
fn a_hint_takes_the_bytes_that_go_takes() {
    let swiss = layout("go1.27.3", 200, true);
    assert_eq!([8, 12, 20].map(|hint| swiss.bytes_for_hint(hint)), [208, 416, 896]);
    assert_eq!(swiss.bytes_for_hint(100), 3456);
    assert_eq!(swiss.bytes_for_hint(1000), 54_528);
    let classic = layout("go1.21.13", 208, true);
    assert_eq!([8, 12, 13].map(|hint| classic.bytes_for_hint(hint)), [208, 416, 896]);
    assert_eq!(classic.bytes_for_hint(100), 8192);
    assert_eq!(classic.bytes_for_hint(1000), 57_344);
}

#[test]
fn absurd_sizes_do_not_overflow() {
    let huge = layout("go1.27.3", u64::MAX, true);
    huge.capacity_of_block(u64::MAX);
    huge.bytes_for_hint(u64::MAX);
    layout("go1.23.9", 0, false).capacity_of_block(0);
    layout("go1.23.9", u64::MAX, true).bytes_for_hint(u64::MAX);
}
