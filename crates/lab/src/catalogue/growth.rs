//! What growth costs, and how it shows in a profile.

use crate::experiment::Bound::AtLeast;
use crate::experiment::{Experiment, Kind, at, difference, ratio, shown, value};
use crate::sources;

pub(crate) const WRITE_COST: Experiment = Experiment {
    name: "write-cost",
    claim: "A write to a nested map costs O(N·M), and nesting amplifies writes exponentially.",
    method: "Nested and flat maps of the same entries, filled from nothing: 10 maps of 10, 10 of 1,000, 1,000 of 10 and \
             1,000 of 1,000 entries (of 100 in a quick run). CPU time and bytes allocated per write, collector included.",
    instead: "A write is O(1) on average in both layouts. It grows at most one map per level, and over its life a map \
              that doubles moves each entry about once more; the moves of nested maps do not multiply. What remains is \
              the cache, which grows with the data, not with nesting.",
    sources: &[sources::GROWTH],
    kind: Kind::Prints,
    requires: &[],
    predicts: &[
        ratio(
            "10,000 times the entries (1,000 in a quick run) make a write at least 100 times as expensive",
            "WriteCost/large-both/nested",
            "WriteCost/small/nested",
            "cpu-ns/op",
            AtLeast(100.0),
        ),
        ratio(
            "large inner maps: a nested write allocates at least twice the bytes of a flat one",
            "WriteCost/large-inner/nested",
            "WriteCost/large-inner/flat",
            "B/op",
            AtLeast(2.0),
        ),
        ratio(
            "many large inner maps: a nested write allocates at least twice the bytes of a flat one",
            "WriteCost/large-both/nested",
            "WriteCost/large-both/flat",
            "B/op",
            AtLeast(2.0),
        ),
    ],
    shows: &[
        shown("CPU time per write, collector included", "cpu-ns/op", "WriteCost/"),
        shown("Bytes allocated per write", "B/op", "WriteCost/"),
        shown("Heap held per entry", "held-B/entry", "WriteCost/"),
    ],
};

pub(crate) const MIGRATION: Experiment = Experiment {
    name: "migration",
    claim: "To insert into a map that is migrating takes 24.7 ns, three times the 8.2 ns of a presized one, and growth \
            adds 1.3 ms of stopped world per 100,000 writes.",
    method: "One map of a million entries (200,000 in a quick run), with int and with string keys, grown and presized: \
             CPU time without collections, then stopped time with them.",
    instead: "Growth does make inserts more expensive, by a factor that depends on key type and release; a right size hint \
              removes it. What growth allocates brings collections on, but those stop the world for microseconds.",
    sources: &[sources::GROWTH],
    kind: Kind::Prints,
    requires: &[],
    predicts: &[
        ratio(
            "int keys: growing takes at least 2 times as long as presized (claimed: 3)",
            "Migration/int-keys/growing",
            "Migration/int-keys/presized",
            "cpu-ns/op",
            AtLeast(2.0),
        ),
        ratio(
            "string keys: growing takes at least 2 times as long as presized (claimed: 3)",
            "Migration/string-keys/growing",
            "Migration/string-keys/presized",
            "cpu-ns/op",
            AtLeast(2.0),
        ),
        difference(
            "string keys: growth adds at least 650 µs stopped per 100,000 writes (claimed: 1,300)",
            "Migration/string-keys/growing",
            "Migration/string-keys/presized",
            "stopped-us/100k",
            AtLeast(650.0),
        ),
    ],
    shows: &[
        shown("CPU time per insert, collector off", "cpu-ns/op", "Migration/"),
        shown("World stopped per 100,000 inserts", "stopped-us/100k", "Migration/"),
    ],
};

pub(crate) const ASSIGN_SHARE: Experiment = Experiment {
    name: "assign-share",
    claim: "runtime.mapassign at 64 % of a CPU profile is the sign of nested maps amplifying writes.",
    method: "CPU profiles of a program that only overwrites nested maps, of one that overwrites a presized flat map, and \
             of one that grows nested maps; about 120 samples each (40 in a quick run). If the sign is good, the two in which nothing grows stay well below the third.",
    instead: "The share of mapassign says how much of the program writes to maps, not why. Growth is what stands under \
              the growth frames (hashGrow, growWork and evacuate up to Go 1.23; rehash, grow and split of \
              internal/runtime/maps from 1.24); only that part can a size hint remove.",
    sources: &[sources::PROFILES, sources::GROWTH, sources::STACK_COUNTER],
    kind: Kind::Profiles,
    requires: &[],
    predicts: &[
        difference(
            "growing nested maps is at least 20 points more in map writes than overwriting nested maps",
            "AssignShare/grow-nested",
            "AssignShare/overwrite-nested",
            "assign-pct",
            AtLeast(20.0),
        ),
        difference(
            "growing nested maps is at least 20 points more in map writes than overwriting a flat map",
            "AssignShare/grow-nested",
            "AssignShare/overwrite-flat",
            "assign-pct",
            AtLeast(20.0),
        ),
    ],
    shows: &[
        shown("Share of CPU samples in map writes", "assign-pct", "AssignShare/"),
        shown("Share of CPU samples under growth frames", "growth-pct", "AssignShare/"),
    ],
};

pub(crate) const CALL_DEPTH: Experiment = Experiment {
    name: "call-depth",
    claim: "A write to a nested map cannot be inlined, and goes from one call to four or more.",
    method: "CPU profiles of overwriting and of growing nested maps: machine frames below the writing function, in the \
             samples that are inside a map write; about 120 samples each (40 in a quick run).",
    instead: "A map write is always one call into the runtime, which no compiler inlines. In the steady state little \
              lies below it: the hash, or a comparison. Deep stacks occur inside growth and allocation only, and the \
              calls are not what makes those expensive.",
    sources: &[sources::PROFILES, sources::GROWTH, sources::STACK_COUNTER],
    kind: Kind::Profiles,
    requires: &[],
    predicts: &[
        value(
            "overwriting: at least half of the samples are 4 frames deep or more",
            at("CallDepth/overwrite", "deep-pct"),
            AtLeast(50.0),
        ),
        value(
            "growing: at least a quarter of the samples are 4 frames deep or more",
            at("CallDepth/grow", "deep-pct"),
            AtLeast(25.0),
        ),
        value(
            "a write is at least one call: a mean of 1 frame or more while overwriting",
            at("CallDepth/overwrite", "frames"),
            AtLeast(1.0),
        ),
    ],
    shows: &[
        shown("Samples in map writes that are 4 frames deep or more", "deep-pct", "CallDepth/"),
        shown("Mean number of frames below the writing function", "frames", "CallDepth/"),
    ],
};

pub(crate) const PRESIZE: Experiment = Experiment {
    name: "presize",
    claim: "Make every inner map with a size hint: it removes growth and makes filling faster.",
    method: "Nested maps with 4, 16 and 1,000 entries per inner map, filled from nothing without hints, with the right \
             hint for the inner maps, and with one ten times too large. CPU time, bytes allocated, memory held.",
    instead: "A right hint saves about half of time and bytes where inner maps end above 8 entries. Up to 8 it changes \
              nothing, for a map starts with room for 8. A hint far too large costs several times the time and memory \
              of none: measure sizes first.",
    sources: &[sources::GROWTH],
    kind: Kind::Prints,
    requires: &[],
    predicts: &[
        ratio(
            "4 per inner map: without hints filling takes at least 1.3 times as long",
            "Presize/inner=4/no-hint",
            "Presize/inner=4/hint",
            "cpu-ns/op",
            AtLeast(1.3),
        ),
        ratio(
            "16 per inner map: without hints filling takes at least 1.3 times as long",
            "Presize/inner=16/no-hint",
            "Presize/inner=16/hint",
            "cpu-ns/op",
            AtLeast(1.3),
        ),
        ratio(
            "1,000 per inner map: without hints filling takes at least 1.3 times as long",
            "Presize/inner=1000/no-hint",
            "Presize/inner=1000/hint",
            "cpu-ns/op",
            AtLeast(1.3),
        ),
    ],
    shows: &[
        shown("CPU time per insert, collector included", "cpu-ns/op", "Presize/"),
        shown("Bytes allocated per insert", "B/op", "Presize/"),
        shown("Heap held per entry", "held-B/entry", "Presize/"),
    ],
};
