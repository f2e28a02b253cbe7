//! Several goroutines at once.

use crate::experiment::Bound::AtLeast;
use crate::experiment::{Experiment, Kind, at, difference, ratio, shown, value};
use crate::sources;

pub(crate) const FALSE_SHARING: Experiment = Experiment {
    name: "false-sharing",
    claim: "Boxed keys that lie in one cache line make goroutines slow each other down by false sharing.",
    method: "Two threads, each with a map of its own, whose boxed keys lie in turn in memory, and apart. The control is \
             two counters in one line and apart: where it shows nothing, the threads did not run at once. Values \
             behind pointers, which are written, are measured beside it. Slowest tenth of 41 turns (21 in a quick run).",
    instead: "False sharing needs writes. Keys are only read, so lines of keys are shared by all cores in peace; what \
              can suffer are values behind pointers that several goroutines update.",
    sources: &[sources::KEYS],
    kind: Kind::Prints,
    requires: &[ratio(
        "the control shows false sharing: counters in one line take at least 1.5 times as long",
        "FalseSharing/control/one-line",
        "FalseSharing/control/apart",
        "p90-cpu-ns/op",
        AtLeast(1.5),
    )],
    predicts: &[ratio(
        "boxed keys in one line take at least 1.2 times as long as apart",
        "FalseSharing/boxed-keys/one-line",
        "FalseSharing/boxed-keys/apart",
        "p90-cpu-ns/op",
        AtLeast(1.2),
    )],
    shows: &[
        shown("CPU time per operation, slowest tenth", "p90-cpu-ns/op", "FalseSharing/"),
        shown("CPU time per operation, median", "cpu-ns/op", "FalseSharing/"),
    ],
};

pub(crate) const SYNC_MAP: Experiment = Experiment {
    name: "sync-map",
    claim: "With more than 8 goroutines, sync.Map turns bad at 50 writes per second and key: it loses 37 % of its \
            throughput.",
    method: "16 goroutines, 1,000 outer keys of 16 entries, a write and a read per turn at 5, 50 and 500 writes per \
             second and key: CPU used by each design, in percent of one core, and which part of the rate it achieves.",
    instead: "50 writes per second on each of 1,000 keys is a small part of one core in every design, and none is \
              slower than asked. What matters is operations per second on one lock: look at the mutex profile. What \
              costs is a sync.Map with a Store per update, which boxes every key and value.",
    sources: &[sources::CONCURRENT],
    kind: Kind::Prints,
    requires: &[],
    predicts: &[
        ratio(
            "at 50 writes per second and key, RWMutex achieves at least 1.37 times the rate of sync.Map",
            "SyncMap/writes=50/s/rwmutex",
            "SyncMap/writes=50/s/sync.Map-flat",
            "achieved-pct",
            AtLeast(1.37),
        ),
        difference(
            "at 50 writes per second and key, sync.Map takes at least 37 points more of a core than RWMutex",
            "SyncMap/writes=50/s/sync.Map-flat",
            "SyncMap/writes=50/s/rwmutex",
            "core-pct",
            AtLeast(37.0),
        ),
    ],
    shows: &[
        shown("Share of one core used", "core-pct", "SyncMap/"),
        shown("Part of the rate achieved", "achieved-pct", "SyncMap/writes=50/s/"),
    ],
};

pub(crate) const SHARDS: Experiment = Experiment {
    name: "shards",
    claim: "Against one locked map, sync.Map is 2.1 times as fast when mostly read, and a sharded map 4.3 times as fast \
            when mostly written.",
    method: "1, 4 and 16 goroutines as fast as they can on 1,000 outer keys of 16 entries, with 99, 50 and 0 % reads: \
             one Mutex, one RWMutex, sync.Map of locked maps, sync.Map with a flat key, 32 shards. Operations per \
             second of wall time and CPU time per operation. The control says how much a second goroutine adds where \
             nothing is shared. Figures of fewer than 4 CPUs are shown, but settle nothing about many.",
    instead: "Sharding pays where the mutex profile shows waiting, on as many cores as truly run at once, and where \
              load spreads over many outer keys; with one hot key nothing helps. Below that one Mutex is as good and \
              simplest. sync.Map fits entries that are written once and read often.",
    sources: &[sources::CONCURRENT],
    kind: Kind::Prints,
    requires: &[
        ratio(
            "two goroutines that share nothing do at least 1.5 times the work of one",
            "Shards/control/goroutines=2",
            "Shards/control/goroutines=1",
            "Mops/s",
            AtLeast(1.5),
        ),
        value(
            "there are at least 4 CPUs: fewer cannot give the gains that the claim names",
            at("Shards/control/machine", "cpus"),
            AtLeast(4.0),
        ),
    ],
    predicts: &[
        ratio(
            "16 goroutines, 99 % reads: sync.Map of maps does at least 1.6 times the work of RWMutex (claimed: 2.1)",
            "Shards/goroutines=16/reads=99%/sync.Map-of-maps",
            "Shards/goroutines=16/reads=99%/rwmutex",
            "Mops/s",
            AtLeast(1.6),
        ),
        ratio(
            "16 goroutines, writes only: shards do at least 2.6 times the work of RWMutex (claimed: 4.3)",
            "Shards/goroutines=16/reads=0%/shards",
            "Shards/goroutines=16/reads=0%/rwmutex",
            "Mops/s",
            AtLeast(2.6),
        ),
        ratio(
            "16 goroutines, writes only: shards do more work than RWMutex at all (by a fifth)",
            "Shards/goroutines=16/reads=0%/shards",
            "Shards/goroutines=16/reads=0%/rwmutex",
            "Mops/s",
            AtLeast(1.2),
        ),
    ],
    shows: &[
        shown("1 goroutine, million operations per second", "Mops/s", "Shards/goroutines=1/"),
        shown("16 goroutines, million operations per second", "Mops/s", "Shards/goroutines=16/"),
        shown("16 goroutines, CPU time per operation", "cpu-ns/op", "Shards/goroutines=16/"),
    ],
};
