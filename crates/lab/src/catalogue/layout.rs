//! How data is laid out in maps, and what keys cost.

use crate::experiment::Bound::AtLeast;
use crate::experiment::{Experiment, Kind, at, ratio, shown, value};
use crate::sources;

pub(crate) const LAYOUTS: Experiment = Experiment {
    name: "layouts",
    claim: "The layout decides. To write and read an entry takes 2.1 ns and no allocation in a map[[32]byte]int, \
            48.7 ns and 2.3 allocations in a map[string]map[string]int, and 8.9 ns in a map[[32]byte]map[int]int.",
    method: "16,384 entries, 16 per outer key; each operation overwrites an entry and reads it back, in random order, \
             with all keys ready. Building and memory held are measured beside it, as are a struct key, a sorted slice \
             with binary search, and nested maps that are made with size hints.",
    instead: "With keys at hand, no layout allocates on a write or a read; making keys does. An array key is hashed \
              by the general function, so it pays only where a key already is raw bytes, such as a digest. Choose by \
              bytes held, by how data is added and dropped, and by the order of access; the sorted slice holds least, \
              is slowest to look up, and moves what lies behind at each insert.",
    sources: &[sources::LAYOUTS],
    kind: Kind::Prints,
    requires: &[],
    predicts: &[
        ratio(
            "nested strings take at least 3 times as long as a 32-byte array key (claimed: 23 times)",
            "Layouts/map[string]map[string]int/write-read",
            "Layouts/map[[32]byte]int/write-read",
            "cpu-ns/op",
            AtLeast(3.0),
        ),
        ratio(
            "nested strings take at least twice as long as map[[32]byte]map[int]int (claimed: 5.5 times)",
            "Layouts/map[string]map[string]int/write-read",
            "Layouts/map[[32]byte]map[int]int/write-read",
            "cpu-ns/op",
            AtLeast(2.0),
        ),
        value(
            "nested strings allocate at every second operation or more (claimed: 2.3 per operation)",
            at("Layouts/map[string]map[string]int/write-read", "allocs/op"),
            AtLeast(0.5),
        ),
    ],
    shows: &[
        shown("CPU time per entry built, and per write and read", "cpu-ns/op", "Layouts/"),
        shown("Heap held per entry", "held-B/entry", "Layouts/"),
    ],
};

pub(crate) const CACHE_MISSES: Experiment = Experiment {
    name: "cache-misses",
    claim: "Against one flat map, nested maps raise first-level cache misses by 300 %.",
    method: "16,384 entries, 8 per outer key; 100,000 lookups in random order, counted by running the program with and \
             without them. Hardware counters where perf has them, else a cache simulated by valgrind's cachegrind.",
    instead: "A random lookup walks two tables instead of one; out of cache that costs up to about twice the misses, \
              and nothing while the maps fit. Where work is grouped by outer key, or the inner map is held in a \
              variable, the nested layout is the one that misses less.",
    sources: &[sources::CACHE_MISSES, sources::CACHE_COUNTER],
    kind: Kind::CacheMisses,
    requires: &[],
    predicts: &[
        ratio(
            "a nested lookup misses at least 4 times as often as a flat one (claimed: +300 %)",
            "CacheMisses/nested",
            "CacheMisses/flat",
            "D1-misses/op",
            AtLeast(4.0),
        ),
        ratio(
            "a nested lookup misses more often at all (by a fifth or more)",
            "CacheMisses/nested",
            "CacheMisses/flat",
            "D1-misses/op",
            AtLeast(1.2),
        ),
    ],
    shows: &[shown(
        "First-level data cache misses per random lookup",
        "D1-misses/op",
        "CacheMisses/",
    )],
};

pub(crate) const KEY_ESCAPE: Experiment = Experiment {
    name: "key-escape",
    claim: "A key that is passed as an interface escapes to the heap at each access to the map.",
    method: "The same struct key in a map[struct]int and in a map[any]int of 1,024 entries: overwriting and looking up.",
    instead: "Assigning boxes the key on the heap, even when the entry exists. A lookup does not: the compiler sees \
              that the map keeps nothing and boxes on the stack. A typed key is faster both ways.",
    sources: &[sources::KEYS],
    kind: Kind::Prints,
    requires: &[],
    predicts: &[
        value(
            "an assignment allocates (0.9 or more per operation)",
            at("KeyEscape/interface/assign", "allocs/op"),
            AtLeast(0.9),
        ),
        value(
            "a lookup allocates (0.9 or more per operation)",
            at("KeyEscape/interface/lookup", "allocs/op"),
            AtLeast(0.9),
        ),
    ],
    shows: &[
        shown("Allocations per operation", "allocs/op", "KeyEscape/"),
        shown("CPU time per operation", "cpu-ns/op", "KeyEscape/"),
    ],
};

pub(crate) const FLATTEN: Experiment = Experiment {
    name: "flatten",
    claim: "Flattening nested maps into one map with a struct key repairs write-heavy programs: it is faster and holds \
            less memory.",
    method: "65,536 entries (16,384 in a quick run), 2, 8 and 16 per outer key, as map[string]map[string]int and as \
             map[struct{a, b string}]int: building, memory, random lookups, iteration, and summing one outer key.",
    instead: "It depends on the size of the inner maps. With 1 or 2 entries each, the flat map holds less memory and far \
              fewer objects; from 8 on it holds more, and filling it is no faster. Iteration over everything gains; \
              whatever takes or drops one outer key turns from a lookup into a scan of everything.",
    sources: &[sources::FLATTEN, sources::GROWTH],
    kind: Kind::Prints,
    requires: &[],
    predicts: &[
        ratio(
            "2 per inner map: flat builds at least 1.2 times as fast",
            "Flatten/inner=2/build/nested",
            "Flatten/inner=2/build/flat",
            "cpu-ns/op",
            AtLeast(1.2),
        ),
        ratio(
            "2 per inner map: nested holds at least 1.2 times the memory",
            "Flatten/inner=2/nested",
            "Flatten/inner=2/flat",
            "held-B/entry",
            AtLeast(1.2),
        ),
        ratio(
            "16 per inner map: flat builds at least 1.2 times as fast",
            "Flatten/inner=16/build/nested",
            "Flatten/inner=16/build/flat",
            "cpu-ns/op",
            AtLeast(1.2),
        ),
        ratio(
            "16 per inner map: nested holds at least 1.2 times the memory",
            "Flatten/inner=16/nested",
            "Flatten/inner=16/flat",
            "held-B/entry",
            AtLeast(1.2),
        ),
    ],
    shows: &[
        shown("Heap held per entry", "held-B/entry", "Flatten/"),
        shown("2 per inner map, CPU time per operation", "cpu-ns/op", "Flatten/inner=2/"),
        shown("16 per inner map, CPU time per operation", "cpu-ns/op", "Flatten/inner=16/"),
    ],
};
