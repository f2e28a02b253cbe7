//! What inner maps cost the garbage collector.

use crate::experiment::Bound::{AtLeast, AtMost};
use crate::experiment::{Experiment, Kind, at, difference, ratio, shown, value};
use crate::sources;

pub(crate) const EMPTY_MAPS: Experiment = Experiment {
    name: "empty-maps",
    claim: "10,000 empty inner maps add 12 ms of stopped world to a collection.",
    method: "Forced collections while no, 10,000 or 100,000 (30,000 in a quick run) empty inner maps are kept: how long \
             the world stood still (runtime.MemStats), and CPU time of the process, medians over the collections.",
    instead: "Marking runs beside the program: the world stops for microseconds, however many maps there are. What \
              inner maps do cost is CPU time of the collector in each cycle, in proportion to their number; from Go \
              1.26 on much less.",
    sources: &[sources::COLLECTOR],
    kind: Kind::Prints,
    requires: &[],
    predicts: &[
        difference(
            "10,000 empty maps add at least 6,000 µs stopped (claimed: 12,000)",
            "EmptyMaps/10k",
            "EmptyMaps/none",
            "stopped-us/cycle",
            AtLeast(6000.0),
        ),
        difference(
            "even the larger number adds at least 6,000 µs stopped",
            "EmptyMaps/many",
            "EmptyMaps/none",
            "stopped-us/cycle",
            AtLeast(6000.0),
        ),
    ],
    shows: &[
        shown("World stopped per collection", "stopped-us/cycle", "EmptyMaps/"),
        shown("CPU time per collection", "cpu-us/cycle", "EmptyMaps/"),
    ],
};

pub(crate) const EMPTY_ARRAYS: Experiment = Experiment {
    name: "empty-arrays",
    claim: "The collector scans the whole array of a map even when the map is empty.",
    method: "Collections while 4,000 empty inner maps are kept, made with room for no, 64 and 512 entries, with string \
             keys and with int keys: CPU time per collection.",
    instead: "True where keys or values hold pointers. An array of pointer-free keys and values is not scanned, and a \
              map made without a hint has no array, or a small one, until its first entry. A map that was emptied \
              keeps its array: drop the map to free it.",
    sources: &[sources::COLLECTOR],
    kind: Kind::Prints,
    requires: &[],
    predicts: &[
        ratio(
            "string keys: empty maps with room for 512 make a collection at least 3 times as expensive as ones without room",
            "EmptyArrays/strings/room-for=512",
            "EmptyArrays/strings/room-for=0",
            "cpu-us/cycle",
            AtLeast(3.0),
        ),
        ratio(
            "int keys: the same arrays without pointers cost at least half of that",
            "EmptyArrays/ints/room-for=512",
            "EmptyArrays/strings/room-for=512",
            "cpu-us/cycle",
            AtLeast(0.5),
        ),
    ],
    shows: &[shown("CPU time per collection", "cpu-us/cycle", "EmptyArrays/")],
};

pub(crate) const GC_FREQUENCY: Experiment = Experiment {
    name: "gc-frequency",
    claim: "More than 5,000 inner maps double how often the collector runs, at GOGC=100.",
    method: "Collections per GiB of garbage while nothing is kept, 5,000 empty inner maps, 20,000 inner maps of 8 \
             entries, and one byte slice of their size.",
    instead: "How often the collector runs follows from bytes live and bytes allocated, whatever they are in: more \
              live bytes make it run less often. What many inner maps raise is the cost of each cycle.",
    sources: &[sources::COLLECTOR],
    kind: Kind::Prints,
    requires: &[],
    predicts: &[
        ratio(
            "5,000 empty maps: at least 1.8 times as many collections (claimed: twice)",
            "GCFrequency/5k-empty-maps",
            "GCFrequency/none",
            "cycles/GiB",
            AtLeast(1.8),
        ),
        ratio(
            "20,000 maps of 8: at least 1.8 times as many collections",
            "GCFrequency/20k-maps-of-8",
            "GCFrequency/none",
            "cycles/GiB",
            AtLeast(1.8),
        ),
        ratio(
            "20,000 maps of 8 bring on at least 1.3 times the collections of as many plain bytes",
            "GCFrequency/20k-maps-of-8",
            "GCFrequency/as-many-bytes",
            "cycles/GiB",
            AtLeast(1.3),
        ),
    ],
    shows: &[
        shown("Collections per GiB allocated", "cycles/GiB", "GCFrequency/"),
        shown("CPU time per KiB allocated, collector included", "cpu-ns/op", "GCFrequency/"),
    ],
};

pub(crate) const MARK_ASSIST: Experiment = Experiment {
    name: "mark-assist",
    claim: "When the outer map grows, the collector scans all inner maps, and the writing goroutine is drawn into mark \
            assist; a write to an inner map is not.",
    method: "Share of CPU time in mark assists (runtime/metrics) while a tree of pointers keeps the collector marking: \
             an outer map that grows over ready inner maps, a map of ints that grows, inner maps that grow, inner maps \
             that are overwritten beside forced collections, and plain byte slices. The runtime counts wall time of \
             assists, so on a busy machine the shares are too high, alike for all.",
    instead: "Assist is a debt for bytes allocated while the collector marks, whatever they are for: byte slices pay \
              most, inner maps that grow pay more than an outer one, overwriting pays nothing. To cut it, allocate \
              fewer bytes (size hints) or give the collector room (GOGC, GOMEMLIMIT).",
    sources: &[sources::COLLECTOR, sources::GROWTH],
    kind: Kind::Prints,
    requires: &[],
    predicts: &[
        value(
            "growing the outer map assists for at least 10 % of the CPU time",
            at("MarkAssist/grow-outer", "assist-pct"),
            AtLeast(10.0),
        ),
        difference(
            "it assists at least 5 points more than growing a map of ints, which has nothing to scan",
            "MarkAssist/grow-outer",
            "MarkAssist/grow-flat-ints",
            "assist-pct",
            AtLeast(5.0),
        ),
        difference(
            "it assists more than growing inner maps",
            "MarkAssist/grow-outer",
            "MarkAssist/grow-inner",
            "assist-pct",
            AtLeast(0.0),
        ),
        value(
            "overwriting inner maps assists for 1 % or less",
            at("MarkAssist/overwrite-inner", "assist-pct"),
            AtMost(1.0),
        ),
    ],
    shows: &[shown("Share of CPU time in mark assists", "assist-pct", "MarkAssist/")],
};
