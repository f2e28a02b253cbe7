//! Types that only exist in memory.
#![allow(clippy::unwrap_used)]

use std::cell::Cell;
use std::collections::HashMap;
use std::fs;

use super::*;

/// Memory of which only some bytes can be read.
#[derive(Default)]
struct Memory(HashMap<u64, u8>);

impl Memory {
    fn put(&mut self, at: u64, bytes: &[u8]) {
        for (at, byte) in (at..).zip(bytes) {
            self.0.insert(at, *byte);
        }
    }

    /// A descriptor of this kind and size, with the three words that follow its header.
    fn put_type(&mut self, addr: u64, kind: u8, size: u64, words: [u64; 3]) {
        self.put(addr + SIZE, &size.to_le_bytes());
        self.put(addr + PTR_BYTES, &0_u64.to_le_bytes());
        self.put(addr + KIND, &[kind | 32]);
        for (offset, word) in [ELEM, MAP_ELEM, MAP_GROUP].into_iter().zip(words) {
            self.put(addr + offset, &word.to_le_bytes());
        }
    }
}

impl ReadMemory for Memory {
    fn read(&self, at: u64, to: &mut [u8]) -> bool {
        (at..).zip(to).all(|(at, byte)| self.0.get(&at).map(|found| *byte = *found).is_some())
    }
}

/// Counts how often it is read.
struct Counted {
    memory: Memory,
    n_reads: Cell<u32>,
}

impl ReadMemory for Counted {
    fn read(&self, at: u64, to: &mut [u8]) -> bool {
        self.n_reads.set(self.n_reads.get() + 1);
        self.memory.read(at, to)
    }
}

/// What is read of the descriptor at `addr`, next to a real executable whose types are elsewhere.
fn read(memory: &Memory, addr: u64) -> Option<MapTypeInfo> {
    with_executable(|binary| from_memory(binary, 0, addr, memory))
}

fn with_executable(read: impl Fn(&Binary<'_>) -> Option<MapTypeInfo>) -> Option<MapTypeInfo> {
    let path = xtask::unpack_xz(&xtask::testdata("samples/bin/nested-1.27.3.xz")).unwrap();
    let bytes = fs::read(path).unwrap();
    read(&Binary::parse(&bytes).unwrap().value)
}

const MAP: u64 = 0x7000_0000;
const KEY: u64 = 0x7000_1000;
const ELEM_TYPE: u64 = 0x7000_2000;
const GROUP: u64 = 0x7000_3000;

fn map_of_arrays() -> Memory {
    let mut memory = Memory::default();
    memory.put_type(MAP, Kind::Map.number(), 8, [KEY, ELEM_TYPE, GROUP]);
    memory.put_type(KEY, Kind::Pointer.number(), 8, [ELEM_TYPE, 0, 0]);
    // An array of 3 slices of itself, so to say: what it holds is cut off at some depth.
    memory.put_type(ELEM_TYPE, Kind::Array.number(), 200, [GROUP, 0, 3]);
    memory.put_type(GROUP, 25, 136, [0; 3]);
    memory
}

#[test]
fn names_are_put_together_from_their_parts() {
    let info = read(&map_of_arrays(), MAP).unwrap();
    assert_eq!(info.name, "map[*[3]struct(made by reflection)][3]struct(made by reflection)");
    assert_eq!(
        (info.entry_bytes, info.group_bytes),
        (16, 136),
        "an element of 200 bytes is stored as a pointer"
    );
}

#[test]
fn a_type_that_holds_itself_has_no_name() {
    let mut memory = map_of_arrays();
    memory.put_type(ELEM_TYPE, Kind::Slice.number(), 24, [ELEM_TYPE, 0, 0]);
    assert_eq!(read(&memory, MAP), None);
}

#[test]
fn memory_that_cannot_be_read_is_no_type() {
    assert_eq!(read(&Memory::default(), MAP), None);
    assert_eq!(read(&Memory::default(), u64::MAX - 4), None);
    let mut memory = map_of_arrays();
    memory.put_type(MAP, Kind::Slice.number(), 8, [KEY, ELEM_TYPE, GROUP]);
    assert_eq!(read(&memory, MAP), None, "not a map");
}

/// 2^16 leaves, were all followed.
#[test]
fn a_chain_of_maps_of_maps_ends_soon() {
    let mut memory = map_of_arrays();
    let at = |i: u64| 0x7100_0000 + i * 0x1000;
    for i in 0..16 {
        memory.put_type(at(i), Kind::Map.number(), 8, [at(i + 1), at(i + 1), GROUP]);
    }
    memory.put_type(at(16), 25, 8, [0; 3]);
    let memory = Counted { memory, n_reads: Cell::new(0) };
    let info = with_executable(|binary| from_memory(binary, 0, at(0), &memory));
    assert_eq!(info, None);
    let n_reads = memory.n_reads.get();
    assert!(n_reads < 4 * MAX_TYPES, "{n_reads} reads");
}

#[test]
fn a_name_that_is_too_long_is_none() {
    let mut memory = map_of_arrays();
    let at = |i: u64| 0x7200_0000 + i * 0x1000;
    memory.put_type(at(0), 25, 8, [0; 3]);
    for i in 1..6 {
        memory.put_type(at(i), Kind::Map.number(), 8, [at(i - 1), at(i - 1), GROUP]);
    }
    assert!(read(&memory, at(5)).is_some_and(|info| info.name.len() <= MAX_NAME));
    assert_eq!(short("n".repeat(MAX_NAME)).map(|name| name.len()), Some(MAX_NAME));
    assert_eq!(short("n".repeat(MAX_NAME + 1)), None);
}
