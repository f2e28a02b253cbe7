//! The rules, a row for each.
//!
//! Rules about sites are asked in this order at each site, then those about the process. A rule that gives way stands
//! behind those that it gives way to.

use super::rule::{Check, GivesWay, Input, Rule, Threshold, Value};
use super::{collector, growth, keys, locality, locks, memory, nesting, path, steady, storage};
use crate::finding::Verdict;
use crate::hints;

use self::GivesWay::{ToChangeAnywhere, ToChangeHere, ToRule};
use self::Value::{Bytes, Fraction, Number, Time};

const NOTICEABLE: Threshold = Threshold {
    name: "NOTICEABLE",
    value: Fraction(super::NOTICEABLE),
    of: "of the program's CPU",
    reason: "below it, no rewrite pays for its risk",
};
const PROCESS_NOTICEABLE: Threshold = Threshold {
    name: "PROCESS_NOTICEABLE",
    value: Fraction(super::PROCESS_NOTICEABLE),
    of: "of the program's CPU",
    reason: "below it, maps are left alone as a whole",
};
const ENOUGH_SAMPLES: Threshold = Threshold {
    name: "ENOUGH_SAMPLES",
    value: Number(super::ENOUGH_SAMPLES),
    of: "samples",
    reason: "one or two samples are anywhere by chance",
};
const FEW_SAMPLES: Threshold = Threshold {
    name: "FEW_SAMPLES",
    value: Number(super::FEW_SAMPLES),
    of: "samples",
    reason: "below it trust is low: the share is uncertain by about half its value",
};
const MANY_SAMPLES: Threshold = Threshold {
    name: "MANY_SAMPLES",
    value: Number(super::MANY_SAMPLES),
    of: "samples",
    reason: "below it trust is medium at most; from it on a share is good to a fifth of its value",
};
const FIRST_GROUP: Threshold = Threshold {
    name: "FIRST_GROUP",
    value: Number(growth::FIRST_GROUP),
    of: "entries",
    reason: "every new map has room for them, in all releases",
};
const GROWTH_IS_SMALL: Threshold = Threshold {
    name: "GROWTH_IS_SMALL",
    value: Fraction(steady::GROWTH_IS_SMALL),
    of: "of the map cost",
    reason: "below it, a hint would not be felt",
};
const HEAP_NOTICEABLE: Threshold = Threshold {
    name: "HEAP_NOTICEABLE",
    value: Fraction(memory::HEAP_NOTICEABLE),
    of: "of the live heap",
    reason: "from it on these maps are much of what is kept and marked",
};
const LONG_STOP: Threshold = Threshold {
    name: "LONG_STOP_NS",
    value: Time(collector::LONG_STOP_NS),
    of: "at once",
    reason: "nobody waits for a shorter stop with impatience",
};
const FEW_STOPS: Threshold = Threshold {
    name: "FEW_STOPS",
    value: Number(collector::FEW_STOPS),
    of: "stops",
    reason: "the sum of fewer may be chance: trust is low",
};

/// What decides how far any finding that rests on CPU samples is trusted.
pub const OF_TRUST: &[Threshold] = &[FEW_SAMPLES, MANY_SAMPLES];

/// All rules.
pub const RULES: &[Rule] = &[
    Rule {
        name: "full-small-maps",
        verdicts: &[Verdict::Replace],
        needs: &[Input::Cpu, Input::Heap, Input::Binary],
        uses: &[],
        gives_way_to: &[],
        thresholds: &[
            NOTICEABLE,
            ENOUGH_SAMPLES,
            Threshold {
                name: "SECOND_STEP",
                value: Number(growth::SECOND_STEP),
                of: "entries",
                reason: "the room of a map that grew once",
            },
        ],
        when: "the program is built with Go 1.24 to 1.26, growth takes {NOTICEABLE}, and no array has room for more than \
               {SECOND_STEP}",
        why: "These releases grow a map of exactly 8 entries when one of them is overwritten; Go 1.27 does not. Maps that \
              really hold 9 to 14 entries look the same, so trust is medium at most.",
        by_hand: "count the entries of these maps: where they hold 8, the same load built with Go 1.27 shows no growth at \
                  this line",
        check: Check::Site(growth::full_small_maps),
    },
    Rule {
        name: "hint-too-small",
        verdicts: &[Verdict::Presize],
        needs: &[Input::Cpu, Input::Recording],
        uses: &[Input::Heap, Input::Trace],
        gives_way_to: &[],
        thresholds: &[
            NOTICEABLE,
            ENOUGH_SAMPLES,
            FIRST_GROUP,
            Threshold {
                name: "TOLERANCE",
                value: Fraction(hints::TOLERANCE),
                of: "more or fewer growths than were recorded",
                reason: "all hints of a line are taken for their mean",
            },
        ],
        when: "growth takes {NOTICEABLE}, and maps are made with a hint above {FIRST_GROUP} whose mean is below the median \
               size that was recorded, and with which maps grow as often as was recorded at the line",
        why: "The hint is there and maps grow all the same: it is the number that is wrong. Which map grows is not recorded, \
              so the maps made have to be of the same type and at least half as many as those that grew, and trust is medium \
              at most.",
        by_hand: "print the number of entries of these maps when they are full, and compare it with the hint at the line that \
                  is named",
        check: Check::Site(growth::hint_too_small),
    },
    Rule {
        name: "growth-dominates",
        verdicts: &[Verdict::Presize],
        needs: &[Input::Cpu],
        uses: &[Input::Binary, Input::Recording, Input::Heap, Input::Trace, Input::CpuAside],
        gives_way_to: &[ToRule("full-small-maps"), ToRule("hint-too-small")],
        thresholds: &[
            NOTICEABLE,
            ENOUGH_SAMPLES,
            Threshold {
                name: "GROWTH_DOMINATES",
                value: Fraction(growth::GROWTH_DOMINATES),
                of: "of the line's map cost",
                reason: "unhinted builds have 30 to 70 %",
            },
        ],
        when: "growth takes {NOTICEABLE}, and {GROWTH_DOMINATES} or more",
        why: "Growth is the only part that a hint removes. Right hints saved 36 to 69 % of the CPU where maps were filled in \
              cache or key by key, and none where maps larger than the cache were filled in random order: so the range of the \
              saving starts at 0. Its upper end is the growth frames and all other work of the collector, and two standard \
              errors of that sampled share: a share of 45 % in 94 samples may well be 55 %. On `examples/nested`, where growth \
              and background collection were 36 % in Go 1.21.13 and 23 % in 1.27.3, a hint of 56 saved 18 and 20 % (medians of \
              3 runs in turns). A hint 10 times too large cost 1.6 to 13 times the time.",
        by_hand: "`go tool pprof -peek` of the function shows `hashGrow`, `growWork`, `rehash`, `grow` or `split` below its \
                  `runtime.mapassign`",
        check: Check::Site(growth::growth_dominates),
    },
    Rule {
        name: "pending-evacuation",
        verdicts: &[Verdict::Presize],
        needs: &[Input::Cpu],
        uses: &[],
        gives_way_to: &[],
        thresholds: &[
            NOTICEABLE,
            ENOUGH_SAMPLES,
            Threshold {
                name: "PENDING_EVACUATION",
                value: Fraction(growth::PENDING_EVACUATION),
                of: "of the line's map reads",
                reason: "the check also runs, briefly, during any growth; 19 % was seen where one was pending",
            },
        ],
        when: "maps are of the classic kind (Go up to 1.23), the line only reads, and {PENDING_EVACUATION} or more are in \
               `runtime.evacuated`",
        why: "Classic maps move entries on writes and deletes only: reads never finish a growth that the last insert began, and \
              look each time whether a bucket was moved.",
        by_hand: "copy the map once after it is filled: `runtime.evacuated` should be gone from the profile",
        check: Check::Site(growth::pending_evacuation),
    },
    Rule {
        name: "writers-help-collector",
        verdicts: &[Verdict::Presize, Verdict::AllocateLess],
        needs: &[Input::Trace],
        uses: &[Input::Cpu],
        gives_way_to: &[],
        thresholds: &[
            Threshold {
                name: "ASSISTS_NOTICEABLE",
                value: Fraction(collector::ASSISTS_NOTICEABLE),
                of: "of the writers' time",
                reason: "below it, no rewrite is felt; in the bundled captures it is a fifth, nearly all under growth",
            },
            Threshold {
                name: "ENOUGH_ASSISTS",
                value: Number(collector::ENOUGH_ASSISTS),
                of: "assists",
                reason: "a few are anywhere by chance",
            },
            Threshold {
                name: "MANY_ASSISTS",
                value: Number(collector::MANY_ASSISTS),
                of: "assists",
                reason: "below it trust is medium at most; from it on their sum is as good as the clock",
            },
        ],
        when: "goroutines that write at the line help the collector there (mark assists) for {ASSISTS_NOTICEABLE}, in \
               {ENOUGH_ASSISTS} or more",
        why: "Who allocates while the collector marks has to mark as well, and waits for that. It asks for a hint when half of \
              it or more is under growth, else for fewer allocations.",
        by_hand: "`go tool trace` shows `MARK ASSIST` in these goroutines, with the line in its stack",
        check: Check::Site(collector::writers_help_collector),
    },
    Rule {
        name: "lock-around-map",
        verdicts: &[Verdict::Shard],
        needs: &[Input::Cpu, Input::Locks],
        uses: &[Input::Binary],
        gives_way_to: &[],
        thresholds: &[
            Threshold {
                name: "WAITING",
                value: Fraction(locks::WAITING),
                of: "of the time covered",
                reason: "one goroutine waits a tenth of the time",
            },
            Threshold {
                name: "WAITING_NS",
                value: Time(locks::WAITING_NS),
                of: "in all",
                reason: "holds where the source does not say which time it covers",
            },
            Threshold {
                name: "HELD_FOR_MAP",
                value: Fraction(locks::HELD_FOR_MAP),
                of: "of the function's CPU, locking left out",
                reason: "from it on the lock is held for the map",
            },
            Threshold {
                name: "WRITTEN_ONCE",
                value: Fraction(locks::WRITTEN_ONCE),
                of: "of the operations on the map, by CPU",
                reason: "writes below it allow a `sync.Map`, in which a value that changes takes 217 to 307 ns, where it takes 58 to \
                         77 in a map",
            },
        ],
        when: "goroutines wait for a lock of the function for {WAITING} ({WAITING_NS} where that is not known), and maps take \
               {HELD_FOR_MAP}",
        why: "No source says which lock guards which map. Where a function uses a map, takes a lock that others wait for and \
              does little else, the map is what the lock is held for. At full speed on two cores, 32 shards did 2.9 to 3.5 \
              times the writes of one mutex.",
        by_hand: "look whether the lock that is named guards this map, and what else is done while it is held",
        check: Check::Site(locks::lock_around_map),
    },
    Rule {
        name: "misses-in-search",
        verdicts: &[Verdict::Flatten, Verdict::ChangeKey],
        needs: &[Input::Cpu, Input::Misses],
        uses: &[Input::Binary],
        gives_way_to: &[],
        thresholds: &[
            NOTICEABLE,
            ENOUGH_SAMPLES,
            FEW_SAMPLES,
            MANY_SAMPLES,
            Threshold {
                name: "MISSES_NOTICEABLE",
                value: Fraction(locality::MISSES_NOTICEABLE),
                of: "of the program's misses of an event",
                reason: "below it, more than four of five misses are elsewhere",
            },
            Threshold {
                name: "MISSES_IN_SEARCH",
                value: Fraction(locality::MISSES_IN_SEARCH),
                of: "of them",
                reason: "from it on the place of entries is the cause, and not growth or hashing",
            },
        ],
        when: "{MISSES_NOTICEABLE}, by {FEW_SAMPLES} or more, are in map operations of the line, and {MISSES_IN_SEARCH} where \
               writes, reads and deletes load groups or buckets and compare tags and keys",
        why: "Flattened maps were faster only for random access to more than the cache holds, which misses show. What a miss \
              costs in time a count does not say, so trust is medium at most. Without counters of the processor: not measured.",
        by_hand: "`perf annotate` of the map functions shows the misses at the loads of groups and keys; `mapscope asm` says \
                  what each instruction is for",
        check: Check::Site(locality::misses_in_search),
    },
    Rule {
        name: "stack-growth",
        verdicts: &[Verdict::Reuse],
        needs: &[Input::Cpu],
        uses: &[],
        gives_way_to: &[],
        thresholds: &[NOTICEABLE, ENOUGH_SAMPLES],
        when: "copying stacks inside map operations of the line takes {NOTICEABLE}",
        why: "Each goroutine pays it once per depth of its calls: many short goroutines pay it all the time.",
        by_hand: "`go tool pprof -traces -focus 'runtime.copystack'` shows the map functions and the line above it",
        check: Check::Site(path::stack_growth),
    },
    Rule {
        name: "large-elements",
        verdicts: &[Verdict::Replace],
        needs: &[Input::Cpu, Input::Binary],
        uses: &[],
        gives_way_to: &[],
        thresholds: &[
            NOTICEABLE,
            ENOUGH_SAMPLES,
            Threshold {
                name: "LARGEST_FAST_ELEM",
                value: Bytes(path::LARGEST_FAST_ELEM),
                of: "in size",
                reason: "up to it the compiler calls functions made for the key (`mapfast` in its `walk.go`)",
            },
        ],
        when: "map operations take {NOTICEABLE}, elements are above {LARGEST_FAST_ELEM}, and the key is a string or an integer of \
               4 or 8 bytes",
        why: "The compiler then calls the general functions, and the runtime keeps each element in an object of its own.",
        by_hand: "`mapscope asm` of the function shows calls of `runtime.mapassign` or `runtime.mapaccess1` without a suffix such \
                  as `_faststr`",
        check: Check::Site(path::large_elements),
    },
    Rule {
        name: "small-inner-maps",
        verdicts: &[Verdict::Flatten],
        needs: &[Input::Cpu, Input::Heap, Input::Binary],
        uses: &[],
        gives_way_to: &[],
        thresholds: &[
            NOTICEABLE,
            ENOUGH_SAMPLES,
            Threshold {
                name: "CREATION_DOMINATES",
                value: Fraction(nesting::CREATION_DOMINATES),
                of: "of the line's map cost",
                reason: "from it on maps are made nearly as often as they are written",
            },
            Threshold {
                name: "STAY_SMALL",
                value: Fraction(nesting::STAY_SMALL),
                of: "of the arrays allocated at the line",
                reason: "where so many are first groups, the maps stay small",
            },
        ],
        when: "the line writes inner maps (code of its function, or of one that it was inlined into, assigns to maps of them), \
               making first groups takes {CREATION_DOMINATES}, and {STAY_SMALL} are first groups",
        why: "At 4 entries and fewer a flat map takes a half to a quarter of the memory; from 8 on the nested form is smaller \
              and, grouped by outer key, 2 to 5 times faster. A first group holds 1 to 8 entries, so trust is low.",
        by_hand: "count the entries of the inner maps: at 4 or fewer on average a flat map is the smaller one; `mapscope whatif` \
                  has both forms for your numbers",
        check: Check::Site(nesting::small_inner_maps),
    },
    Rule {
        name: "interface-keys",
        verdicts: &[Verdict::ChangeKey],
        needs: &[Input::Cpu],
        uses: &[Input::Binary],
        gives_way_to: &[],
        thresholds: &[NOTICEABLE, ENOUGH_SAMPLES],
        when: "map operations take {NOTICEABLE}, the key type is an interface or its hash functions are seen, and \
               {ENOUGH_SAMPLES} or more hash or make keys",
        why: "Such a key is hashed through its dynamic type, and storing a value in an interface allocates: an assign took 77 \
              against 25 ns in Go 1.21 and 61 against 29 in 1.27, overwrites too.",
        by_hand: "look at the key type in the declaration of the map; `go tool pprof -peek 'runtime.(nil)?interhash'` shows who \
                  hashes interfaces",
        check: Check::Site(keys::interface_keys),
    },
    Rule {
        name: "hash-bound-keys",
        verdicts: &[Verdict::ChangeKey],
        needs: &[Input::Cpu],
        uses: &[Input::Binary],
        gives_way_to: &[ToRule("growth-dominates"), ToRule("interface-keys")],
        thresholds: &[
            NOTICEABLE,
            ENOUGH_SAMPLES,
            Threshold {
                name: "HASH_BOUND",
                value: Fraction(keys::HASH_BOUND),
                of: "of the line's map cost",
                reason: "usual is 3 to 20 %",
            },
        ],
        when: "hash functions take {NOTICEABLE}, and {HASH_BOUND} or more",
        why: "Hashing reads every byte of the key. Hashing inside growth goes away with the growth, and that \
              of interface keys with the interface: those findings stand instead.",
        by_hand: "`go tool pprof -peek 'memhash|strhash|aeshash'` shows the line above them; print the length of some keys",
        check: Check::Site(keys::hash_bound_keys),
    },
    Rule {
        name: "key-building",
        verdicts: &[Verdict::ChangeKey],
        needs: &[Input::Cpu],
        uses: &[],
        gives_way_to: &[],
        thresholds: &[NOTICEABLE, ENOUGH_SAMPLES],
        when: "making strings and interface values in the function takes {NOTICEABLE}, and more than all its maps",
        why: "The usual loop with `fmt.Sprintf` keys spends more there than in `runtime.mapassign`.",
        by_hand: "`go tool pprof -list` of the function shows the lines that make strings; look whether these become keys",
        check: Check::Site(keys::key_building),
    },
    Rule {
        name: "churn",
        verdicts: &[Verdict::Reuse],
        needs: &[Input::Heap, Input::Binary],
        uses: &[Input::Cpu],
        gives_way_to: &[],
        thresholds: &[
            Threshold {
                name: "CHURN",
                value: Number(memory::CHURN),
                of: "bytes allocated for each byte live",
                reason: "a map that is kept allocates about 2, growth included",
            },
            Threshold {
                name: "CHURN_NOTICEABLE",
                value: Fraction(memory::CHURN_NOTICEABLE),
                of: "of all bytes allocated",
                reason: "below it, nearly all that is allocated is something else",
            },
        ],
        when: "map arrays of the line are {CHURN_NOTICEABLE}, and {CHURN} at the last collection, or more",
        why: "`clear` keeps the arrays: no growth and no allocation the next time.",
        by_hand: "`go tool pprof -sample_index=alloc_space` and `-sample_index=inuse_space` of the heap profile, at this line",
        check: Check::Site(memory::churn),
    },
    Rule {
        name: "never-shrinks",
        verdicts: &[Verdict::Release],
        needs: &[Input::Cpu, Input::Heap, Input::Binary],
        uses: &[],
        gives_way_to: &[],
        thresholds: &[
            NOTICEABLE,
            ENOUGH_SAMPLES,
            Threshold {
                name: "DELETES",
                value: Fraction(memory::DELETES),
                of: "of the line's map cost",
                reason: "from it on maps are emptied as well as filled",
            },
            HEAP_NOTICEABLE,
        ],
        when: "deletes take {DELETES}, and arrays of that type are {HEAP_NOTICEABLE}",
        why: "A map never gives its arrays back: deleting all but 10 of 106,000 entries gave nothing back.",
        by_hand: "print the number of entries of the map, and compare its bytes in `-sample_index=inuse_space` with what so many \
                  take",
        check: Check::Site(memory::never_shrinks),
    },
    Rule {
        name: "keep-nested",
        verdicts: &[Verdict::LeaveAlone],
        needs: &[Input::Cpu, Input::Binary],
        uses: &[],
        gives_way_to: &[ToChangeHere],
        thresholds: &[NOTICEABLE, ENOUGH_SAMPLES],
        when: "map operations take {NOTICEABLE}, both levels of a nested map are used on the line, and nothing asks for a change",
        why: "Holding the inner map in a variable was 1.3 to 2 times faster.",
        by_hand: "look whether entries of one outer key are touched one after the other",
        check: Check::Site(nesting::keep_nested),
    },
    Rule {
        name: "growth-is-not-the-problem",
        verdicts: &[Verdict::LeaveAlone],
        needs: &[Input::Cpu],
        uses: &[Input::CpuAside, Input::Recording],
        gives_way_to: &[ToChangeHere, ToRule("keep-nested")],
        thresholds: &[NOTICEABLE, ENOUGH_SAMPLES, GROWTH_IS_SMALL],
        when: "map operations take {NOTICEABLE}, less than {GROWTH_IS_SMALL} at the line is under growth, and nothing asks for a \
               change",
        why: "A hot `runtime.mapassign` is a share of work, not a fault: programs that only overwrite spend 65 to 68 % of their \
              CPU in it without a single growth.",
        by_hand: "`go tool pprof -peek` of the function shows no growth functions below its `runtime.mapassign`",
        check: Check::Site(steady::growth_is_not_the_problem),
    },
    Rule {
        name: "stopped-world",
        verdicts: &[Verdict::AllocateLess],
        needs: &[Input::Trace],
        uses: &[Input::Cpu],
        gives_way_to: &[],
        thresholds: &[
            Threshold {
                name: "STOPS_NOTICEABLE",
                value: Fraction(collector::STOPS_NOTICEABLE),
                of: "of the traced time",
                reason: "from it on nothing runs for a twentieth of the time",
            },
            LONG_STOP,
            FEW_STOPS,
        ],
        when: "collections stop all goroutines for {STOPS_NOTICEABLE}, or {LONG_STOP_NS}",
        why: "A stop lasts until every goroutine is off its processor: short on idle machines, milliseconds on busy ones. One \
              long stop alone may be chance: trust is low then.",
        by_hand: "`GODEBUG=gctrace=1` prints how long each stop was",
        check: Check::Process(collector::stopped_world),
    },
    Rule {
        name: "stops-are-short",
        verdicts: &[Verdict::LeaveAlone],
        needs: &[Input::Trace],
        uses: &[Input::Cpu],
        gives_way_to: &[],
        thresholds: &[
            Threshold {
                name: "STOPS_ARE_SHORT",
                value: Fraction(collector::STOPS_ARE_SHORT),
                of: "of the traced time",
                reason: "less is not felt",
            },
            LONG_STOP,
            FEW_STOPS,
        ],
        when: "collections stop all goroutines for less than {STOPS_ARE_SHORT}, and never for {LONG_STOP_NS}",
        why: "Stops are said to be what maps cost; empty maps do not lengthen them. This says so for the program at hand.",
        by_hand: "`GODEBUG=gctrace=1` prints how long each stop was",
        check: Check::Process(collector::stops_are_short),
    },
    Rule {
        name: "small-writes",
        verdicts: &[Verdict::Batch],
        needs: &[Input::Storage],
        uses: &[],
        gives_way_to: &[],
        thresholds: &[
            Threshold {
                name: "WAITING_FOR_STORAGE",
                value: Fraction(storage::WAITING_FOR_STORAGE),
                of: "of the time recorded",
                reason: "below it, larger writes could save less than that",
            },
            Threshold {
                name: "SMALL_WRITE",
                value: Bytes(storage::SMALL_WRITE),
                of: "a call",
                reason: "a page: file systems write no less",
            },
            Threshold {
                name: "ENOUGH_CALLS",
                value: Number(storage::ENOUGH_CALLS),
                of: "calls",
                reason: "a few are anywhere by chance",
            },
        ],
        when: "a thread or more is in sync calls, or in writes that are synced or written through, for {WAITING_FOR_STORAGE}, half \
               of these writes ask for no more than {SMALL_WRITE}, and there are {ENOUGH_CALLS} or more",
        why: "An fsync takes as long for 24 bytes as for 64 KiB: 200 lines written one by one took 164 ms, 40,000 through a \
              buffer 0.8 ms.",
        by_hand: "`strace -c -f -e trace=write,fsync,fdatasync -p PID` counts the calls and their time",
        check: Check::Process(storage::small_writes),
    },
    Rule {
        name: "below-threshold",
        verdicts: &[Verdict::LeaveAlone],
        needs: &[Input::Cpu],
        uses: &[],
        gives_way_to: &[ToChangeAnywhere],
        thresholds: &[PROCESS_NOTICEABLE, FEW_SAMPLES],
        when: "map operations take less than {PROCESS_NOTICEABLE}, there are {FEW_SAMPLES} or more, and no line asks for a change",
        why: "Making them free would save less than that. Trust is low where chance may hide as much.",
        by_hand: "`go tool pprof -top -cum` shows `runtime.map` functions with small shares",
        check: Check::Process(steady::below_threshold),
    },
    Rule {
        name: "spread-thin",
        verdicts: &[Verdict::LeaveAlone],
        needs: &[Input::Cpu],
        uses: &[],
        gives_way_to: &[ToChangeAnywhere],
        thresholds: &[PROCESS_NOTICEABLE, NOTICEABLE],
        when: "map operations take {PROCESS_NOTICEABLE}, but those of no line {NOTICEABLE}, and no line asks for a change",
        why: "The Go 1.27.3 compiler is such a program: 15 % in 127 lines, at most 1.5 % in one.",
        by_hand: "`go tool pprof -lines -peek 'runtime.mapassign'` shows many callers with small shares",
        check: Check::Process(steady::spread_thin),
    },
    Rule {
        name: "reads-dominate",
        verdicts: &[Verdict::LeaveAlone],
        needs: &[Input::Cpu],
        uses: &[],
        gives_way_to: &[ToChangeAnywhere],
        thresholds: &[
            PROCESS_NOTICEABLE,
            GROWTH_IS_SMALL,
            Threshold {
                name: "READS_PER_WRITE",
                value: Number(steady::READS_PER_WRITE),
                of: "times as much CPU",
                reason: "from it on reads decide what maps cost",
            },
        ],
        when: "map operations take {PROCESS_NOTICEABLE}, reads take {READS_PER_WRITE} as writes, less than {GROWTH_IS_SMALL} is under \
               growth, and no line asks for a change",
        why: "Hints do nothing for reads.",
        by_hand: "`go tool pprof -top -cum` shows `runtime.mapaccess` functions above `runtime.mapassign`",
        check: Check::Process(steady::reads_dominate),
    },
    Rule {
        name: "gc-bound",
        verdicts: &[Verdict::Replace, Verdict::ChangeKey, Verdict::LeaveAlone],
        needs: &[Input::Cpu, Input::Heap, Input::Binary],
        uses: &[Input::Trace],
        gives_way_to: &[ToChangeAnywhere],
        thresholds: &[
            Threshold {
                name: "GC_BOUND",
                value: Fraction(memory::GC_BOUND),
                of: "of the program's CPU",
                reason: "as much as the collector gives itself while it marks",
            },
            HEAP_NOTICEABLE,
        ],
        when: "the collector takes {GC_BOUND}, and arrays of maps with pointers are {HEAP_NOTICEABLE}",
        why: "From Go 1.26 on many small maps are 2 to 6 times cheaper to mark: then it says to leave them alone. Flat maps \
              without pointers are not marked in any release.",
        by_hand: "`go tool pprof -top` shows `runtime.gcDrain` and `runtime.scanobject`; `-sample_index=inuse_space` of the heap \
                  profile shows the lines of the maps",
        check: Check::Process(memory::gc_bound),
    },
];
