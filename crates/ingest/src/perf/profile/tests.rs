use super::*;
use goperf::Mapping;

fn mapping(start: u64, file: &str) -> Mapping {
    let (file, build_id, time) = (file.to_owned(), None, None);
    Mapping { pid: 1, start, len: 0x1000, file_offset: 0, file, build_id, time }
}

#[test]
fn an_address_outside_the_binary_has_the_name_of_its_file() {
    let all = [mapping(0x1000, "/lib/libc.so.6"), mapping(0x1000, "/lib/libm.so.6 (deleted)")];
    let (of_binary, all) = (&ByAddress::of([]), ByAddress::of(&all));
    let places = Places { of_binary, all, jit_map: None };
    // The later mapping replaced the first.
    assert_eq!(places.name(0x1fff), "libm.so.6");
    assert_eq!(places.name(0x2000), "[unknown]");
    assert_eq!(places.name(KERNEL), "[kernel]");
}
