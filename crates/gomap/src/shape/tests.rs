#![allow(clippy::unwrap_used)]

use super::MapShape;
use goabi::GoVersion;

fn shape(version: &str, map: &str) -> MapShape {
    MapShape::new(GoVersion::parse(version).unwrap(), &map.parse().unwrap()).unwrap()
}

/// Source: `Bucket.Size_` and `Group.Size_` in binaries of Go 1.23 and 1.27.
#[test]
fn buckets_and_groups_have_the_size_that_go_gives_them() {
    let sizes = |map| ["go1.23.9", "go1.27.3"].map(|version| shape(version, map).group_bytes());
    assert_eq!(sizes("map[string]int"), [208, 200]);
    assert_eq!(sizes("map[int]int"), [144, 136]);
    assert_eq!(sizes("map[string]struct{}"), [144, 200]);
    assert_eq!(sizes("map[uint8]struct{}"), [24, 24]);
    assert_eq!(sizes("map[int32]bool"), [56, 72]);
    assert_eq!(sizes("map[int][17]int"), [144, 136]);
    assert_eq!(sizes("map[struct{}]struct{}"), [16, 16]);
}

#[test]
fn large_keys_and_elements_are_boxed() {
    let boxed = shape("go1.27.3", "map[[20]int][17]string");
    assert_eq!((boxed.slot_bytes, boxed.entry_bytes), (16, 160 + 272));
    assert_eq!((boxed.boxes.n, boxed.boxes.bytes), (2, 160 + 288));
    assert!(boxed.has_pointers());
    assert_eq!(shape("go1.27.3", "map[[16]int]int").boxes.n, 0);
}

#[test]
fn unknown_releases_have_no_shape() {
    let map = "map[int]int".parse().unwrap();
    let of = |version: &str| MapShape::new(GoVersion::parse(version).unwrap(), &map);
    assert!(["go1.17", "go1.99", "go2.24"].iter().all(|version| of(version).is_none()));
    assert!(of("go1.18").is_some());
}
