//! The rules, a row for each.
//!
//! Rules about sites are asked in this order at each site, then those about the process. A rule that gives way stands
//! behind those that it gives way to.

use super::rule::{Check, GivesWay, Input, Rule, Threshold, Value};
use super::{
    collector, growth, keys, locality, locks, memory, nesting, path, slices, spread, steady,
    storage, twice, whole_map,
};
use crate::finding::Verdict;
use crate::hints;
use evidence::sizes::allocated::ENOUGH_BLOCKS;

use self::GivesWay::{ToChangeAnywhere, ToChangeHere, ToChangesOfHalf, ToMostOfIt, ToRule};
use self::Value::{Bytes, Fraction, Number, Time};

const NOTICEABLE: Threshold = Threshold {
    name: "NOTICEABLE",
    value: Fraction(super::NOTICEABLE),
    of: "of the program's CPU",
    reason: "chosen, not measured; what saves less is rarely worth the risk of a change",
};
const PROCESS_NOTICEABLE: Threshold = Threshold {
    name: "PROCESS_NOTICEABLE",
    value: Fraction(super::PROCESS_NOTICEABLE),
    of: "of the program's CPU",
    reason: "chosen, not measured, so that a program that hardly uses maps is told so",
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
    reason: "a share of fewer is uncertain by half its value or more",
};
const MANY_SAMPLES: Threshold = Threshold {
    name: "MANY_SAMPLES",
    value: Number(super::MANY_SAMPLES),
    of: "samples",
    reason: "from it on a share is good to a fifth of its value",
};
const FIRST_GROUP: Threshold = Threshold {
    name: "FIRST_GROUP",
    value: Number(super::FIRST_GROUP),
    of: "entries",
    reason: "every new map has room for them, in all releases",
};
const GROWTH_IS_SMALL: Threshold = Threshold {
    name: "GROWTH_IS_SMALL",
    value: Fraction(steady::GROWTH_IS_SMALL),
    of: "of the map cost",
    reason: "chosen, not measured; a hint could save no more than that",
};
const GROWTH_DOMINATES: Threshold = Threshold {
    name: "GROWTH_DOMINATES",
    value: Fraction(growth::GROWTH_DOMINATES),
    of: "of the line's map cost",
    reason: "unhinted builds have 30 to 70 %",
};
const HEAP_NOTICEABLE: Threshold = Threshold {
    name: "HEAP_NOTICEABLE",
    value: Fraction(memory::HEAP_NOTICEABLE),
    of: "of the live heap",
    reason: "chosen, not measured, so that these maps are much of what is kept and marked",
};
const WORD_BYTES: Threshold = Threshold {
    name: "WORD_BYTES",
    value: Bytes(keys::WORD_BYTES),
    of: "in size",
    reason: "an integer, which nothing is faster than",
};
const ENOUGH_ARRAYS: Threshold = Threshold {
    name: "ENOUGH_BLOCKS",
    value: Number(ENOUGH_BLOCKS),
    of: "samples",
    reason: "the number of arrays is then off by a third, while the next size is twice as large; a single sample of \
             455 small arrays stood beside 21 maps of 2,000 entries",
};
const LONG_STOP: Threshold = Threshold {
    name: "LONG_STOP_NS",
    value: Time(collector::LONG_STOP_NS),
    of: "at once",
    reason: "chosen, not measured, so that whoever waits for the program notices the stop",
};
const FEW_STOPS: Threshold = Threshold {
    name: "FEW_STOPS",
    value: Number(collector::FEW_STOPS),
    of: "stops",
    reason: "chosen, not measured; the sum of fewer may be chance",
};

/// Trust of a finding that rests on CPU samples alone.
const BY_SAMPLES: &str =
    "low below {FEW_SAMPLES} of what it speaks about, medium below {MANY_SAMPLES}, else high";
/// The same where more samples would not say more.
const MEDIUM_BY_SAMPLES: &str = "low below {FEW_SAMPLES} of what it speaks about, else medium";

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
        when: "the program is built with Go 1.24 to 1.26, growth takes at least {NOTICEABLE} in {ENOUGH_SAMPLES} or \
               more, and the largest array allocated at the line has room for exactly {SECOND_STEP}",
        trust: "low, since maps of 9 to 14 entries look the same",
        why: "These releases grow a map of exactly 8 entries when one of them is overwritten; Go 1.27 does not. Maps that \
              really hold 9 to 14 entries look the same: a hint helps both, and stands first.",
        by_hand: "count the entries of these maps: where they hold 8, the same load built with Go 1.27 shows no growth at \
                  this line",
        check: Check::Site(growth::full_small_maps),
    },
    Rule {
        name: "hint-too-small",
        verdicts: &[Verdict::Presize],
        needs: &[Input::Cpu, Input::Recording],
        uses: &[Input::Binary, Input::Trace, Input::CpuAside],
        gives_way_to: &[],
        thresholds: &[
            NOTICEABLE,
            ENOUGH_SAMPLES,
            FEW_SAMPLES,
            FIRST_GROUP,
            Threshold {
                name: "TOLERANCE",
                value: Fraction(hints::TOLERANCE),
                of: "of the growths recorded",
                reason: "all hints of a line are taken for their mean",
            },
        ],
        when: "growth takes at least {NOTICEABLE} in {ENOUGH_SAMPLES} or more, and maps are made with a hint above \
               {FIRST_GROUP} whose mean is below the median size that was recorded, and with which maps grow as \
               often as was recorded at the line, give or take {TOLERANCE}",
        trust: MEDIUM_BY_SAMPLES,
        why: "The hint is there and maps grow all the same: it is the number that is wrong. Which map grows is not recorded, \
              so the maps made have to be of the same type and half to twice as many as those that grew, and trust is medium \
              at most.",
        by_hand: "print the number of entries of these maps when they are full, and compare it with the hint at the line that \
                  is named",
        check: Check::Site(growth::hint_too_small),
    },
    Rule {
        name: "hint-too-large",
        verdicts: &[Verdict::AllocateLess],
        needs: &[Input::Cpu, Input::Heap, Input::Binary],
        uses: &[],
        gives_way_to: &[],
        thresholds: &[
            NOTICEABLE,
            ENOUGH_SAMPLES,
            FEW_SAMPLES,
            Threshold {
                name: "LARGE_ARRAY",
                value: Bytes(memory::LARGE_ARRAY),
                of: "in an array on average",
                reason: "to make a map of few entries costs as much as to fill it, whatever its hint is",
            },
        ],
        when: "the machine code makes maps with a hint at the line, this takes at least {NOTICEABLE} in {ENOUGH_SAMPLES} or more, and more                than all writes of the function without growth, and the heap profile has at least {LARGE_ARRAY}",
        trust: MEDIUM_BY_SAMPLES,
        why: "Room for an entry is cleared in about a nanosecond, and an entry is written in ten or more: where making costs more than               writing, most of the room stays empty. For 190 entries a hint of 4,000 took 3.6 times the CPU of no hint.",
        by_hand: "print `len` of the map when it is full beside its hint",
        check: Check::Site(memory::hint_too_large),
    },
    Rule {
        name: "growth-dominates",
        verdicts: &[Verdict::Presize],
        needs: &[Input::Cpu],
        uses: &[Input::Binary, Input::Recording, Input::Heap, Input::Trace, Input::CpuAside],
        gives_way_to: &[ToRule("hint-too-small")],
        thresholds: &[
            NOTICEABLE,
            ENOUGH_SAMPLES,
            FEW_SAMPLES,
            MANY_SAMPLES,
            GROWTH_DOMINATES,
            ENOUGH_ARRAYS,
            Threshold {
                name: "SMALLER_THAN_HINT",
                value: Fraction(hints::SMALLER_THAN_HINT),
                of: "of the maps",
                reason: "a hint too small saves less, one 10 times too large cost 1.6 to 13 times the time",
            },
            Threshold {
                name: "ONE_NUMBER_SAVES",
                value: Fraction(hints::ONE_NUMBER_SAVES),
                of: "of the moves that own numbers save",
                reason: "a hint of 42,112 for maps of 1 to 60,000 entries saved nothing",
            },
        ],
        when: "growth takes at least {NOTICEABLE} in {ENOUGH_SAMPLES} or more, and at least {GROWTH_DOMINATES}",
        trust: "low below {FEW_SAMPLES} under growth, medium below {MANY_SAMPLES} or where the sizes of maps are \
               estimated or not known, else high; where not every growth was counted, high too if another tool has \
               {MANY_SAMPLES} or more under growth, and at least {GROWTH_DOMINATES}",
        why: "Growth is the only part that a hint removes. Sizes are those of a recording, or of a heap profile that has at least \
              {ENOUGH_BLOCKS} of the first array that growing maps take. The hint advised is the room that all but {SMALLER_THAN_HINT} \
              fill; where it would save less than {ONE_NUMBER_SAVES}, no single number is. What is saved is estimated of the time \
              under growth, of the part of it that such a hint saves by the model at these sizes, and of the collector's work as \
              much as the arrays outgrown are of all bytes allocated. Hints saved 36 to 69 % of the CPU where maps were filled in \
              cache or key by key, and less where maps larger than the cache were filled in random order: the range allows for it.",
        by_hand: "`go tool pprof -peek` of the function shows `hashGrow`, `growWork`, `rehash`, `grow` or `split` below its \
                  `runtime.mapassign`",
        check: Check::Site(growth::growth_dominates),
    },
    Rule {
        name: "growth-is-a-part",
        verdicts: &[Verdict::Presize],
        needs: &[Input::Cpu],
        uses: &[Input::Binary, Input::Recording, Input::Heap, Input::Trace, Input::CpuAside],
        gives_way_to: &[ToRule("hint-too-small")],
        thresholds: &[NOTICEABLE, ENOUGH_SAMPLES, FEW_SAMPLES, GROWTH_IS_SMALL, GROWTH_DOMINATES],
        when: "growth takes at least {NOTICEABLE} in {ENOUGH_SAMPLES} or more, at least {GROWTH_IS_SMALL} at the line, and \
               less than {GROWTH_DOMINATES}",
        trust: MEDIUM_BY_SAMPLES,
        why: "A hint removes this part and no other: maps that are mostly overwritten, or whose keys are long, spend the rest on \
              hashing and searching, which the finding names. So the saving is small, and trust medium at most.",
        by_hand: "`go tool pprof -peek` of the function shows `hashGrow`, `growWork`, `rehash`, `grow` or `split` below its \
                  `runtime.mapassign`, and what else is there",
        check: Check::Site(growth::growth_is_a_part),
    },
    Rule {
        name: "pending-evacuation",
        verdicts: &[Verdict::Presize],
        needs: &[Input::Cpu],
        uses: &[Input::Binary, Input::Recording],
        gives_way_to: &[],
        thresholds: &[
            NOTICEABLE,
            ENOUGH_SAMPLES,
            FEW_SAMPLES,
            Threshold {
                name: "PENDING_EVACUATION",
                value: Fraction(growth::PENDING_EVACUATION),
                of: "of the line's map reads",
                reason: "the check also runs, briefly, during any growth; 19 % was seen where one was pending",
            },
        ],
        when: "maps are of the classic kind (Go up to 1.23), no sample writes to maps of the type that the line reads, and `runtime.evacuated` \
               takes at least {NOTICEABLE} in {ENOUGH_SAMPLES} or more, and at least {PENDING_EVACUATION}",
        trust: MEDIUM_BY_SAMPLES,
        why: "Classic maps move entries on writes and deletes only: reads never finish a growth that the last insert began, and \
              look each time whether a bucket was moved.",
        by_hand: "copy the map once after it is filled: `runtime.evacuated` should be gone from the profile",
        check: Check::Site(growth::pending_evacuation),
    },
    Rule {
        name: "writers-help-collector",
        verdicts: &[Verdict::Presize, Verdict::AllocateLess],
        needs: &[Input::Trace],
        uses: &[Input::Cpu, Input::Binary, Input::Recording, Input::Heap],
        gives_way_to: &[],
        thresholds: &[
            Threshold {
                name: "ASSISTS_NOTICEABLE",
                value: Fraction(collector::ASSISTS_NOTICEABLE),
                of: "of the writers' time",
                reason: "chosen, well below what the bundled captures have: a fifth, nearly all under growth",
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
                reason: "chosen, not measured, so that no single assist decides their sum",
            },
        ],
        when: "goroutines that write at the line help the collector there (mark assists) for at least \
               {ASSISTS_NOTICEABLE}, in {ENOUGH_ASSISTS} or more",
        trust: "medium below {MANY_ASSISTS}, else high",
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
            NOTICEABLE,
            ENOUGH_SAMPLES,
            FEW_SAMPLES,
            MANY_SAMPLES,
            Threshold {
                name: "WAITING",
                value: Fraction(locks::WAITING),
                of: "of the time covered",
                reason: "chosen, not measured, as much as one goroutine that waits a tenth of the time",
            },
            Threshold {
                name: "WAITING_NS",
                value: Time(locks::WAITING_NS),
                of: "in all",
                reason: "chosen, not measured, for sources that do not say which time they cover",
            },
            Threshold {
                name: "HELD_FOR_MAP",
                value: Fraction(locks::HELD_FOR_MAP),
                of: "of the function's CPU without locking",
                reason: "chosen, not measured, so that the lock is held for the map and not for other work",
            },
            Threshold {
                name: "WRITTEN_ONCE",
                value: Fraction(locks::WRITTEN_ONCE),
                of: "of the operations on the map, by CPU",
                reason: "a value that changes takes 217 to 307 ns in a `sync.Map`, where it takes 58 to 77 in a map",
            },
            Threshold {
                name: "NOTHING_ELSE",
                value: Fraction(locks::NOTHING_ELSE),
                of: "of the function's CPU without locking",
                reason: "chosen, not measured, so that a `sync.Map` is not named where the lock guards other things as well",
            },
        ],
        when: "goroutines wait for a lock of the function, or of one that calls it, for at least {WAITING} (where that is not \
               known {WAITING_NS}, and locking takes {NOTICEABLE} in {ENOUGH_SAMPLES} or more), and maps take at least {NOTICEABLE} in {ENOUGH_SAMPLES} or more, and at least {HELD_FOR_MAP}",
        trust: "high where two sources or more show the waiting, medium where one does, low where none of them says \
               which time it covers; but low below {FEW_SAMPLES} of the function, and medium at most below \
               {MANY_SAMPLES}",
        why: "No source says which lock guards which map. Where a function takes a lock that others wait for, and uses a map, or \
              calls another to use it, and does little else, the map is what the lock is held for. At full speed on two cores, \
              32 shards did 2.9 to 3.5 times the writes of one mutex. Where writes are less than {WRITTEN_ONCE}, and the \
              function of the map takes the lock, and its map operations are at least {NOTHING_ELSE}, a `sync.Map` is named as well.",
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
                reason: "chosen, not measured, so that the line has a good part of them",
            },
            Threshold {
                name: "MISSES_IN_SEARCH",
                value: Fraction(locality::MISSES_IN_SEARCH),
                of: "of them",
                reason: "chosen, not measured, so that the place of entries is the cause, and not growth or hashing",
            },
        ],
        when: "map operations of the line have at least {MISSES_NOTICEABLE}, in {FEW_SAMPLES} or more; where writes, reads and \
               deletes load groups or buckets and compare tags and keys are at least {MISSES_IN_SEARCH}; and this searching takes \
               at least {NOTICEABLE} in {ENOUGH_SAMPLES} or more",
        trust: "low below {MANY_SAMPLES} of misses, else medium",
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
        thresholds: &[NOTICEABLE, ENOUGH_SAMPLES, FEW_SAMPLES, MANY_SAMPLES],
        when: "copying stacks inside map operations of the line takes at least {NOTICEABLE} in {ENOUGH_SAMPLES} or \
               more",
        trust: BY_SAMPLES,
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
        when: "copying and allocating keys and elements takes at least {NOTICEABLE} in {ENOUGH_SAMPLES} or more, elements are \
               above {LARGEST_FAST_ELEM}, and the key is a string or an integer of 4 or 8 bytes",
        trust: "low, since what the other path would take is not measured",
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
                reason: "chosen, not measured, for maps that are made nearly as often as they are written",
            },
            Threshold {
                name: "STAY_SMALL",
                value: Fraction(nesting::STAY_SMALL),
                of: "of the arrays allocated at the line",
                reason: "chosen, not measured, so that few of the maps grow",
            },
        ],
        when: "map operations take at least {NOTICEABLE} in {ENOUGH_SAMPLES} or more, the line writes inner maps \
               (the machine code takes them out of maps of them, or puts them there), making first \
               groups takes at least {CREATION_DOMINATES}, at least {STAY_SMALL} are first groups, and no code is seen that \
               ranges over such maps",
        trust: "low, since the entries of a first group are not counted",
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
        thresholds: &[NOTICEABLE, ENOUGH_SAMPLES, FEW_SAMPLES, MANY_SAMPLES],
        when: "hashing, comparing and making keys takes at least {NOTICEABLE} in {ENOUGH_SAMPLES} or more, and the key type is \
               an interface or its hash functions are seen",
        trust: "low below {FEW_SAMPLES} of what it speaks about, medium below {MANY_SAMPLES} or where no type with \
               such keys is known, else high",
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
            FEW_SAMPLES,
            Threshold {
                name: "HASH_BOUND",
                value: Fraction(keys::HASH_BOUND),
                of: "of the line's map cost",
                reason: "usual is 3 to 20 %",
            },
            Threshold {
                name: "HASH_BESIDE_SEARCH",
                value: Fraction(keys::HASH_BESIDE_SEARCH),
                of: "of searching and comparing",
                reason: "numbers in place of paths saved 49 and 69 % of the CPU where hashing took 0.97 and 0.79 times as long as searching",
            },
            WORD_BYTES,
        ],
        when: "hashing keys outside growth takes at least {NOTICEABLE} in {ENOUGH_SAMPLES} or more, at least {HASH_BOUND}, and at least \
               {HASH_BESIDE_SEARCH}; not for keys up to {WORD_BYTES}",
        trust: MEDIUM_BY_SAMPLES,
        why: "Hashing reads every byte of the key. Where searching takes far more, shorter keys are not what helps. Hashing inside \
              growth goes away with the growth, and that of interface keys with the interface: those findings stand instead.",
        by_hand: "`go tool pprof -peek 'memhash|strhash|aeshash'` shows the line above them; print the length of some keys",
        check: Check::Site(keys::hash_bound_keys),
    },
    Rule {
        name: "key-building",
        verdicts: &[Verdict::ChangeKey],
        needs: &[Input::Cpu],
        uses: &[],
        gives_way_to: &[],
        thresholds: &[
            NOTICEABLE,
            ENOUGH_SAMPLES,
            FEW_SAMPLES,
            Threshold {
                name: "MOST_FOR_KEYS",
                value: Number(keys::MOST_FOR_KEYS),
                of: "times as much CPU",
                reason: "to format a key takes some hundred nanoseconds, and a lookup ten to a hundred",
            },
        ],
        when: "making strings in the function up to the line, at a line that calls it and in the ten before, or in a function that is called at \
               the line or in the ten before, takes at least {NOTICEABLE} in {ENOUGH_SAMPLES} or more ({FEW_SAMPLES} in other functions), and more \
               than its maps (on the line itself, than half of its map operations), which have {ENOUGH_SAMPLES} or more, but no more than {MOST_FOR_KEYS} as these; not where keys have no pointers",
        trust: MEDIUM_BY_SAMPLES,
        why: "The usual loop with `fmt.Sprintf` keys spends more there than in `runtime.mapassign`.",
        by_hand: "`go tool pprof -list` of the function shows the lines that make strings; look whether these become keys",
        check: Check::Site(keys::key_building),
    },
    Rule {
        name: "slices-grow",
        verdicts: &[Verdict::Presize],
        needs: &[Input::Cpu],
        uses: &[Input::Binary],
        gives_way_to: &[],
        thresholds: &[
            NOTICEABLE,
            ENOUGH_SAMPLES,
            FEW_SAMPLES,
            Threshold {
                name: "SLICES_DOMINATE",
                value: Fraction(slices::SLICES_DOMINATE),
                of: "of the CPU of the line or function",
                reason: "as for growth of maps",
            },
        ],
        when: "a line writes a map, and growing the slices that it appends to takes at least {NOTICEABLE} in {ENOUGH_SAMPLES} \
               or more, at least {SLICES_DOMINATE}, and as much as its map operations without growth; or, but for these, the same of a function that writes maps of slices, where `append` \
               stands on another line",
        trust: "low below {FEW_SAMPLES} of what it speaks about or where the function is the reason, else medium",
        why: "`m[key] = append(m[key], value)` looks like a map that grows: what is copied there again and again are the slices.",
        by_hand: "`go tool pprof -peek 'runtime.growslice'` shows the function above it, `-list` of that function its line",
        check: Check::Site(slices::slices_grow),
    },
    Rule {
        name: "churn",
        verdicts: &[Verdict::Reuse, Verdict::AllocateLess],
        needs: &[Input::Cpu, Input::Heap, Input::Binary],
        uses: &[],
        gives_way_to: &[ToRule("slices-grow")],
        thresholds: &[
            NOTICEABLE,
            ENOUGH_SAMPLES,
            FEW_SAMPLES,
            ENOUGH_ARRAYS,
            Threshold {
                name: "CHURN",
                value: Number(memory::CHURN),
                of: "times as many bytes",
                reason: "a map that is kept allocates about 2 times as many, growth included",
            },
            Threshold {
                name: "CHURN_NOTICEABLE",
                value: Fraction(memory::CHURN_NOTICEABLE),
                of: "of all bytes allocated",
                reason: "chosen, not measured, so that reuse saves a good part of what is allocated",
            },
        ],
        when: "map arrays allocated at the line, of which the heap profile has at least {ENOUGH_BLOCKS}, are at least \
               {CHURN_NOTICEABLE}, they are at least {CHURN} as those of them that were live at the last collection, and allocation \
               at the line takes at least {NOTICEABLE} in {ENOUGH_SAMPLES} or more; not where the machine code puts these maps into \
               others, unless each call makes those as well, where it does not show that each call of the function makes them, nor where making \
               them with a hint costs more than all writes of the function",
        trust: "low below {FEW_SAMPLES} of allocation, else medium, since whether the maps themselves are dropped is not measured",
        why: "`clear` keeps the arrays: no growth and no allocation the next time. The compiler puts a map into the stack frame where it \
              proves that the map does not leave the function: only then is it said to be kept. One that is handed on would change under its \
              next user, so that fewer of them is what helps. Where slices grow at the line, blocks of theirs \
              may have the size of arrays of the map.",
        by_hand: "`go tool pprof -sample_index=alloc_space` and `-sample_index=inuse_space` of the heap profile, at this line",
        check: Check::Site(memory::churn),
    },
    Rule {
        name: "never-shrinks",
        verdicts: &[Verdict::Release],
        needs: &[Input::Cpu],
        uses: &[Input::Heap, Input::Binary],
        gives_way_to: &[],
        thresholds: &[
            NOTICEABLE,
            ENOUGH_SAMPLES,
            FEW_SAMPLES,
            Threshold {
                name: "PASSING_GROUPS",
                value: Fraction(whole_map::PASSING_GROUPS),
                of: "of the iterating",
                reason: "loops over maps that are full or half full had at most 40 %, over nearly empty ones 57 to 82 %, in some 10 samples each",
            },
            Threshold {
                name: "PASSING_BUCKETS",
                value: Fraction(whole_map::PASSING_BUCKETS),
                of: "of the iterating",
                reason: "loops over maps that are full had at most 14 %, over nearly empty ones 47 to 80 %, in some 10 samples each",
            },
        ],
        when: "in a loop over maps, looking for the next place that is not empty takes at least {NOTICEABLE} in {ENOUGH_SAMPLES} or \
               more, and at least {PASSING_GROUPS} in Swiss maps (Go 1.24 and later), {PASSING_BUCKETS} in classic ones",
        trust: MEDIUM_BY_SAMPLES,
        why: "A map never gives its arrays back, and a loop goes through all of them: deleting all but 10 of 106,000 entries gave \
              nothing back. How full a map is no profile counts, but its loops show it: they look once for each entry, and once \
              for each group without one. Deletes alone say nothing, for others may be put in their place.",
        by_hand: "print `len` of the map before the loop, and compare its bytes in `-sample_index=inuse_space` with what so many \
                  entries take",
        check: Check::Site(whole_map::never_shrinks),
    },
    Rule {
        name: "clear-outweighs-writes",
        verdicts: &[Verdict::Release],
        needs: &[Input::Cpu],
        uses: &[Input::Binary, Input::Heap],
        gives_way_to: &[],
        thresholds: &[
            NOTICEABLE,
            ENOUGH_SAMPLES,
            FEW_SAMPLES,
            FIRST_GROUP,
            Threshold {
                name: "CLEARS_PER_WRITE",
                value: Number(whole_map::CLEARS_PER_WRITE),
                of: "times as much CPU",
                reason: "maps that are filled have at most 0.15, maps of one entry 0.7 (Go 1.21) and 1.2 (1.26)",
            },
        ],
        when: "clearing maps takes at least {NOTICEABLE} in {ENOUGH_SAMPLES} or more, and at least {CLEARS_PER_WRITE} as all \
               writes at lines that can write maps of that type; not where maps have room for {FIRST_GROUP} at most",
        trust: MEDIUM_BY_SAMPLES,
        why: "`clear` goes through all that a map has room for, which is as much as it ever held. To write an entry costs many times \
              what its place costs to clear, so a map that is filled each time takes a small part of its writes to clear. What \
              it holds is not counted, so trust is medium at most. A new map in place of one that once held 60,000 entries and \
              now 5 saved 65 % of the CPU.",
        by_hand: "print `len` of the map before it is cleared, and the largest that it ever was",
        check: Check::Site(whole_map::clear_outweighs_writes),
    },
    Rule {
        name: "iteration-dominates",
        verdicts: &[Verdict::Replace],
        needs: &[Input::Cpu],
        uses: &[Input::Binary, Input::Heap],
        gives_way_to: &[ToRule("never-shrinks")],
        thresholds: &[
            Threshold {
                name: "ITERATION_NOTICEABLE",
                value: Fraction(whole_map::ITERATION_NOTICEABLE),
                of: "of the program's CPU",
                reason: "of 5 public programs with a line whose loops took 5 to 19 %, none was to be changed there; 2 with 53 and 84 % were",
            },
            ENOUGH_SAMPLES,
            FEW_SAMPLES,
            Threshold {
                name: "BEGINS_DOMINATE",
                value: Fraction(whole_map::BEGINS_DOMINATE),
                of: "of the iterating",
                reason: "loops over 3 entries have 47 % (Go 1.21) and 79 % (1.26); loops over 16 entries 18 and 34 %; loops over 1,000 at most 3 %",
            },
        ],
        when: "ranging over maps takes at least {ITERATION_NOTICEABLE} in {ENOUGH_SAMPLES} or more",
        trust: MEDIUM_BY_SAMPLES,
        why: "A map is for looking up by its key: a loop begins at a random place, passes empty places, and finds entries that are \
              not beside each other. Three entries in a slice saved 88 % of the CPU of a program that ranged over them. A profile \
              does not say what a loop is for, so each way out has its condition, and trust is medium at most. It does \
              say what beginning loops costs: where that is at least {BEGINS_DOMINATE}, they visit few entries.",
        by_hand: "`go tool pprof -list` of the function shows the line of the loop; print `len` of the map there, and look which \
                  entries the loop needs",
        check: Check::Site(whole_map::iteration_dominates),
    },
    Rule {
        name: "looked-up-twice",
        verdicts: &[Verdict::Replace],
        needs: &[Input::Cpu, Input::Binary],
        uses: &[],
        gives_way_to: &[],
        thresholds: &[
            NOTICEABLE,
            ENOUGH_SAMPLES,
            FEW_SAMPLES,
            Threshold {
                name: "NEAR_LINES",
                value: Number(twice::NEAR_LINES as u64),
                of: "lines",
                reason: "chosen, not measured, so that both are of one step of the program",
            },
        ],
        when: "a line reads maps of one type, it or one of the same function up to {NEAR_LINES} below writes to the same map (the \
               machine code takes it from the same place), and each of both takes at least {NOTICEABLE} in {ENOUGH_SAMPLES} or more, growth left out",
        trust: MEDIUM_BY_SAMPLES,
        why: "Each lookup hashes the key and searches anew. `m[key] += value` and `m[key] = append(m[key], value)` are one, a read \
              that a write follows on another line is two. That both are of the same key no input says, so trust is medium at most.",
        by_hand: "look whether both lines use the same map and key; `mapscope asm` of the function shows a call for each lookup",
        check: Check::Site(twice::looked_up_twice),
    },
    Rule {
        name: "keep-nested",
        verdicts: &[Verdict::LeaveAlone],
        needs: &[Input::Cpu, Input::Binary],
        uses: &[],
        gives_way_to: &[ToChangeHere],
        thresholds: &[NOTICEABLE, ENOUGH_SAMPLES, FEW_SAMPLES],
        when: "map operations take at least {NOTICEABLE} in {ENOUGH_SAMPLES} or more, both levels of a nested map \
               are used on the line (the machine code takes the inner map out of the outer one), and nothing asks for a change",
        trust: MEDIUM_BY_SAMPLES,
        why: "Holding the inner map in a variable was 1.3 to 2 times faster.",
        by_hand: "look whether entries of one outer key are touched one after the other",
        check: Check::Site(nesting::keep_nested),
    },
    Rule {
        name: "growth-is-not-the-problem",
        verdicts: &[Verdict::LeaveAlone],
        needs: &[Input::Cpu],
        uses: &[Input::CpuAside, Input::Recording, Input::Heap, Input::Binary],
        gives_way_to: &[ToChangeHere, ToRule("keep-nested")],
        thresholds: &[
            NOTICEABLE,
            ENOUGH_SAMPLES,
            GROWTH_IS_SMALL,
            GROWTH_DOMINATES,
            FEW_SAMPLES,
            MANY_SAMPLES,
            Threshold {
                name: "SEARCH_DOMINATES",
                value: Fraction(steady::SEARCH_DOMINATES),
                of: "of the line's map cost",
                reason: "chosen, not measured, so that most of the line is the search",
            },
            Threshold {
                name: "LARGER_THAN_CACHES",
                value: Bytes(steady::LARGER_THAN_CACHES),
                of: "in all",
                reason: "what a core has of the caches of most processors is less; two maps of 45 and 137 MiB had 83 and 98 % in the search",
            },
        ],
        when: "map operations take at least {NOTICEABLE} in {ENOUGH_SAMPLES} or more, less than {GROWTH_IS_SMALL} at \
               the line is under growth, and nothing asks for a change; where a recording saw maps grow there, in so many \
               samples that {GROWTH_DOMINATES} would have shown",
        trust: "low below {FEW_SAMPLES} of what it speaks about, medium below {MANY_SAMPLES} or where maps are said to be larger \
                than caches, else high",
        why: "A hot `runtime.mapassign` is a share of work, not a fault: programs that only overwrite spend 65 to 68 % of their \
              CPU in it without a single growth. So it says what the work is. Where searching takes at least \
              {SEARCH_DOMINATES}, and live arrays of such maps at least {LARGER_THAN_CACHES}, that is mostly waiting for memory: \
              it names them then. Misses would prove it.",
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
                reason: "chosen, not measured, so that shorter stops would make the program faster",
            },
            LONG_STOP,
            FEW_STOPS,
        ],
        when: "collections stop all goroutines for at least {STOPS_NOTICEABLE}, or at least {LONG_STOP_NS}",
        trust: "low below {FEW_STOPS} or where the longest stop alone is the reason, else high",
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
                reason: "chosen, not measured, so that stops cannot be what makes the program slow",
            },
            LONG_STOP,
            FEW_STOPS,
        ],
        when: "collections stop all goroutines for less than {STOPS_ARE_SHORT}, and never for {LONG_STOP_NS} or \
               longer",
        trust: "low below {FEW_STOPS}, else high",
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
                reason: "chosen, not measured; larger writes can save no more than the waiting",
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
                reason: "chosen, not measured, for programs that write all the time, and not at their end only",
            },
        ],
        when: "a thread or more is in sync calls, or in writes that are synced or written through, for at least \
               {WAITING_FOR_STORAGE}, half of these writes ask for no more than {SMALL_WRITE}, and there are \
               {ENOUGH_CALLS} or more",
        trust: "high, since every call is counted and timed",
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
        when: "map operations take less than {PROCESS_NOTICEABLE}, together with what has no names, there are {FEW_SAMPLES} or \
               more, and no line asks for a change",
        trust: "high where {PROCESS_NOTICEABLE} would show in so few samples in fewer than 1 of 20 cases, else low",
        why: "Making them free would save less than that. Chance may hide as much.",
        by_hand: "`go tool pprof -top -cum` shows `runtime.map` functions with small shares",
        check: Check::Process(steady::below_threshold),
    },
    Rule {
        name: "spread-thin",
        verdicts: &[Verdict::LeaveAlone, Verdict::Presize],
        needs: &[Input::Cpu],
        uses: &[Input::Binary],
        gives_way_to: &[ToChangesOfHalf],
        thresholds: &[
            NOTICEABLE,
            ENOUGH_SAMPLES,
            PROCESS_NOTICEABLE,
            FEW_SAMPLES,
            MANY_SAMPLES,
            GROWTH_DOMINATES,
            Threshold {
                name: "TYPE_NOTICEABLE",
                value: Fraction(spread::TYPE_NOTICEABLE),
                of: "of the program's CPU",
                reason: "chosen, not measured, so that one change for all of them would pay",
            },
            Threshold {
                name: "FEW_LINES",
                value: Number(spread::FEW_LINES),
                of: "lines",
                reason: "chosen, not measured; one or two are looked at one by one",
            },
            Threshold {
                name: "TYPE_LINES",
                value: Number(spread::TYPE_LINES),
                of: "lines",
                reason: "chosen, not measured; fewer are looked at one by one",
            },
            Threshold {
                name: "LARGEST_LINE",
                value: Fraction(spread::LARGEST_LINE),
                of: "of that",
                reason: "a line with more says it itself",
            },
            Threshold {
                name: "AT_LINES",
                value: Fraction(spread::AT_LINES),
                of: "of what maps cost",
                reason: "stacks that have no callers name no lines",
            },
        ],
        when: "map operations take at least {PROCESS_NOTICEABLE}, at {FEW_LINES} or more, but at no line as much, while {AT_LINES} is at known lines and less \
               than {PROCESS_NOTICEABLE} has no names; or maps of one type take at least \
               {TYPE_NOTICEABLE} at {TYPE_LINES} or more, none of which has {LARGEST_LINE}; and lines that ask for a change \
               explain less than half of it together",
        trust: "low below {FEW_SAMPLES} of what it speaks about, medium below {MANY_SAMPLES} or where it asks for a hint, else high",
        why: "The Go 1.27.3 compiler is such a program: 15 % in 127 lines, at most 1.5 % in one. What maps of one type cost at all \
              lines together is said with its parts, and where they are made. It asks for a hint where growth is at least \
              {GROWTH_DOMINATES}, and {NOTICEABLE} in {ENOUGH_SAMPLES} or more.",
        by_hand: "`go tool pprof -lines -peek 'runtime.mapassign'` shows many callers with small shares",
        check: Check::Process(spread::spread_thin),
    },
    Rule {
        name: "reads-dominate",
        verdicts: &[Verdict::LeaveAlone],
        needs: &[Input::Cpu],
        uses: &[],
        gives_way_to: &[ToChangeAnywhere, ToMostOfIt],
        thresholds: &[
            PROCESS_NOTICEABLE,
            ENOUGH_SAMPLES,
            FEW_SAMPLES,
            MANY_SAMPLES,
            GROWTH_IS_SMALL,
            Threshold {
                name: "READS_PER_WRITE",
                value: Number(steady::READS_PER_WRITE),
                of: "times as much CPU",
                reason: "chosen, not measured, so that reads decide what maps cost",
            },
        ],
        when: "map operations take at least {PROCESS_NOTICEABLE}, reads take at least {READS_PER_WRITE} as writes, in \
               {ENOUGH_SAMPLES} or more, less than {GROWTH_IS_SMALL} is under growth, less than {PROCESS_NOTICEABLE} has no \
               names, and no line asks for a change",
        trust: BY_SAMPLES,
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
            FEW_SAMPLES,
            Threshold {
                name: "GC_BOUND",
                value: Fraction(memory::GC_BOUND),
                of: "of the program's CPU",
                reason: "as much as the collector gives itself while it marks",
            },
            HEAP_NOTICEABLE,
            Threshold {
                name: "SMALL_HEAP",
                value: Bytes(memory::SMALL_HEAP),
                of: "live",
                reason: "twice the heap at which it runs at the least",
            },
            Threshold {
                name: "MUCH_DROPPED",
                value: Fraction(memory::MUCH_DROPPED),
                of: "of all bytes allocated",
                reason: "chosen, not measured, so that a third of its runs are for them",
            },
            Threshold {
                name: "GC_DOMINATES",
                value: Fraction(memory::GC_DOMINATES),
                of: "of the program's CPU",
                reason: "all that maps do at lines is less then",
            },
            Threshold {
                name: "HEAP_SHARE",
                value: Fraction(memory::HEAP_SHARE),
                of: "of the live heap",
                reason: "of a program with 76 % of its CPU in the collector, maps were a fifth of the live heap",
            },
        ],
        when: "the collector takes at least {GC_BOUND}, and arrays of maps with pointers are at least \
               {HEAP_NOTICEABLE}, or {GC_DOMINATES} and {HEAP_SHARE}; not where less than {SMALL_HEAP} is live and arrays of \
               maps that are soon dropped are {MUCH_DROPPED}",
        trust: MEDIUM_BY_SAMPLES,
        why: "From Go 1.26 on many small maps are 2 to 6 times cheaper to mark: then it says to leave them alone below \
              {GC_DOMINATES}. Flat maps without pointers are not marked in any release. It counts for the part of the collector's \
              time that maps are of the live heap; from {GC_DOMINATES} on for all of it.",
        by_hand: "`go tool pprof -top` shows `runtime.gcDrain` and `runtime.scanobject`; `-sample_index=inuse_space` of the heap \
                  profile shows the lines of the maps",
        check: Check::Process(memory::gc_bound),
    },
];
