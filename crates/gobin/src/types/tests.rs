#![allow(clippy::unwrap_used)]

use super::*;
use crate::Arch;
use crate::image::Segment;

const START: u64 = 0x1000;
const NAME_AT: u64 = 8;

/// Descriptors from 0x1000 on, all of one name.
struct Built {
    bytes: Vec<u8>,
}

impl Built {
    fn with_name(name: &str) -> Self {
        let mut bytes = vec![0; NAME_AT as usize + 1];
        let len = name.len() as u32;
        bytes.extend([len as u8 | 0x80, (len >> 7) as u8 | 0x80, (len >> 14) as u8]);
        bytes.extend(name.bytes());
        Self { bytes }
    }

    fn put(&mut self, at: u64, word: u64) {
        let at = (at - START) as usize;
        self.bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
    }

    /// The address of `len` bytes of zeros.
    fn add(&mut self, len: usize) -> u64 {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        let addr = START + self.bytes.len() as u64;
        self.bytes.resize(self.bytes.len() + len, 0);
        addr
    }

    fn add_type(&mut self, kind: u8) -> u64 {
        let addr = self.add(136);
        let at = (addr - START) as usize;
        self.bytes[at + 23] = kind;
        self.bytes[at + 40] = NAME_AT as u8;
        addr
    }

    fn add_map(&mut self, elem: u64) -> u64 {
        let addr = self.add_type(21);
        for (offset, to) in [(ELEM, addr), (MAP_ELEM, elem), (MAP_GROUP, addr)] {
            self.put(addr + offset, to);
        }
        addr
    }

    fn check(&self, list: TypeList, test: impl FnOnce(Types<'_, '_>)) {
        let image = Image::of_segment(
            Arch::Amd64,
            Segment { addr: START, file_offset: 0, bytes: &self.bytes, is_writable: false },
        );
        let known = Mutex::new(Known::nothing_of(&image));
        let end = LinkAddr(START + self.bytes.len() as u64);
        let section = TypeSection { start: LinkAddr(START), end, list };
        let map = goabi::Release::NEWEST.usual_map().unwrap();
        test(Types { image: &image, known: &known, section, map });
    }
}

/// A list at the end.
fn listed(built: &mut Built, types: &[u64]) -> TypeList {
    let list = built.add(4 * types.len());
    for (idx, addr) in types.iter().enumerate() {
        let at = (list - START) as usize + 4 * idx;
        built.bytes[at..at + 4].copy_from_slice(&((addr - START) as u32).to_le_bytes());
    }
    TypeList::Typelinks { addr: LinkAddr(list), len: types.len() as u64 }
}

#[test]
fn structs_that_share_their_fields_are_damage_and_take_no_more_room_than_the_file() {
    let mut built = Built::with_name("T");
    let (n_structs, n_fields) = (50_000, 200_000);
    let fields = built.add(24 * n_fields);
    let structs: Vec<_> = (0..n_structs).map(|_| built.add_type(25)).collect();
    for &addr in &structs {
        built.put(addr + STRUCT_FIELDS, fields);
        built.put(addr + STRUCT_N_FIELDS, n_fields as u64);
    }
    for idx in 0..n_fields {
        let field = fields + FIELD_SIZE * idx as u64;
        built.put(field + FIELD_TYPE, structs[idx % n_structs]);
    }
    let map = built.add_map(structs[0]);
    let list = listed(&mut built, &[map]);
    built.check(list, |types| {
        let maps = types.maps();
        assert_eq!(maps.value.len(), 1);
        assert_eq!(maps.value[0].nested, Nested::No);
        assert_eq!(types.known.lock().unwrap().pointers_left, 0);
    });
}

#[test]
fn maps_are_reached_through_what_was_looked_at_before() {
    let mut built = Built::with_name("T");
    let (inner, outer) = (built.add_type(22), built.add_type(22));
    let inner_map = built.add_map(inner);
    // A pointer to a pointer to itself and so on, and a map that is reached by way of it.
    built.put(inner + ELEM, outer);
    built.put(outer + ELEM, inner);
    let maps = [built.add_map(outer), inner_map];
    let list = listed(&mut built, &maps);
    built.check(list, |types| {
        assert!(types.maps().value.iter().all(|map| map.nested == Nested::No));
    });
    built.put(outer + ELEM, inner_map);
    built.check(list, |types| {
        assert!(types.maps().value.iter().all(|map| map.nested == Nested::Reaches));
    });
}

#[test]
fn names_that_types_share_take_no_more_room_than_the_file() {
    let mut built = Built::with_name(&"N".repeat(60_000));
    let maps: Vec<_> = (0..10_000).map(|_| built.add_map(START + 136 * 1000)).collect();
    let elem = maps[0];
    maps.iter().for_each(|map| built.put(map + MAP_ELEM, elem));
    let list = listed(&mut built, &maps);
    let n_bytes = built.bytes.len();
    built.check(list, |types| {
        let maps = types.maps();
        assert!(!maps.value.is_empty());
        let n_text: usize = maps.value.iter().map(|map| map.name.len()).sum();
        assert!(n_text < 4 * n_bytes, "{n_text} bytes of names");
        assert!(maps.faults[0].to_string().contains("the names of map types"));
    });
}

#[test]
fn a_size_that_leads_back_ends_the_list() {
    let mut built = Built::with_name("T");
    let strange = built.add_type(25);
    // So many fields that the next descriptor would be this one.
    let len = START + built.bytes.len() as u64 - strange + 80;
    built.put(strange + STRUCT_N_FIELDS, (u64::MAX - len) / FIELD_SIZE);
    let (start, len) = (LinkAddr(strange - 8), built.bytes.len() as u64);
    built.check(TypeList::Contiguous { len }, |mut types| {
        types.section.start = start;
        assert_eq!(types.contiguous(len).unwrap_err(), [LinkAddr(strange)]);
    });
}
