//! What to change, in words.

use std::borrow::Cow;

use diagnosis::finding::{
    Advice, Basis, Entries, Gain, KnownFrom, Makes, NoMakes, Relief, ShardKey, SyncMap, Twice,
    Visits,
};
use diagnosis::rules::{FIRST_GROUP, FLAT_IS_SMALLER};
use evidence::Frame;
use goabi::GoVersion;

use super::{place, short_place};
use crate::numbers::count;

/// Places of a `make` that are named.
const SHOWN_MAKES: usize = 3;

/// Stands for the type of a map that is not known.
const UNKNOWN_MAP: &str = "map[K]V";

/// What to change, concretely.
pub(crate) fn advice(advice: &Advice) -> Cow<'static, str> {
    match advice {
        Advice::Presize { made, n, entries } => format!(
            "{}; {}; a hint far too large costs more than it saves{}",
            write_make(made),
            hint_text(*n, entries.as_ref(), made.is_inner),
            or_slice(made.map_type.as_deref())
        )
        .into(),
        Advice::PresizeSlices { map_type } => presize_slices(map_type.as_deref()).into(),
        Advice::RaiseHint { make, n, entries, .. } => {
            let hint = hint_text(*n, Some(entries), false);
            format!("raise the hint at {} to n; {hint}", short_place(make)).into()
        }
        Advice::FinishGrowth { made, or_release } => format!(
            "{}, with an n by which the last insert does not start a growth; or copy the map once after it is filled; {} and \
             later move entries at once",
            write_make(made),
            release(or_release)
        )
        .into(),
        Advice::MoveToGo { release: to, gain: Gain::OverwritesDoNotGrow } => format!(
            "if the maps hold {FIRST_GROUP} entries, build with {}, where overwriting does not grow them",
            release(to)
        )
        .into(),
        Advice::MoveToGo { release: to, gain: Gain::CheaperMarking } => format!(
            "build with {} or later: its collector marked many small maps 2 to 6 times cheaper",
            release(to)
        )
        .into(),
        Advice::AssistLess { by } => assist_less(by).into(),
        Advice::CollectLess => {
            "fewer collections: allocate less (size hints, reuse) or raise GOGC; a stop also waits until every goroutine is \
             off its processor, so more runnable threads than processors make it longer"
                .into()
        }
        Advice::Shard { by, or_sync_map, .. } => shard(*by, *or_sync_map).into(),
        Advice::Flatten { outer_key, inner_key, up_to_entries, .. } => format!(
            "if they hold {up_to_entries} entries or fewer on average, and these are looked up one by one, not all of an outer key at \
             once, use one map with a struct key {{ {outer_key}; {inner_key} }}: half to a quarter of the memory. Where work is grouped by \
             outer key, or an inner map is handed on, keep it nested: flat it took 7 to 45 % longer with 1 to 3 entries, and from 8 entries on it is larger too"
        )
        .into(),
        Advice::FlattenForRandomAccess { inner, .. } => format!(
            "for random access to more than fits the cache, one map with a compound key in place of {inner} in a map saves the \
             way over the inner map: one search instead of two. Where work can be grouped by outer key, group it instead"
        )
        .into(),
        Advice::KeysInPlace => {
            "keys are compared where their strings lie: integers, or arrays of a fixed size, lie in the map itself".into()
        }
        Advice::SmallerEntries => {
            "make entries smaller (integer keys in place of strings, no large elements), so that more of them fit the cache, \
             or look entries up in an order in which neighbours are near"
                .into()
        }
        Advice::ReuseGoroutines => {
            "it happens once per goroutine and depth: let goroutines live longer (a pool of workers in place of one goroutine \
             per item), or call less deeply before the map is used"
                .into()
        }
        Advice::PointToElements { elem, key } => format!(
            "keep a pointer to {elem}, or an index into a slice of them, in the map: then {key} keys take the path made for them. Who \
             takes an element out then shares it, where it was copied"
        )
        .into(),
        Advice::ConcreteKey { .. } => {
            "if all keys are of one type, give the map that key type; storing a non-pointer in an interface allocates on every assign, even on an \
             overwrite (77 against 25 ns in Go 1.21, 61 against 29 ns in 1.27)"
                .into()
        }
        Advice::HashFewerBytes { .. } => {
            "hash fewer bytes: shorter strings, or integer ids given out once; integers and strings also have faster map \
             functions of their own than structs and arrays"
                .into()
        }
        Advice::BuildKeysOnce => {
            "build keys once and keep them, use the parts as a struct key, or, where the map is read, look up with a []byte \
             converted in the index expression, which does not allocate"
                .into()
        }
        Advice::NoPointers { .. } => {
            "keys and elements without pointers are not marked at all: integer ids instead of strings; where memory is left, a \
             higher GOGC or GOMEMLIMIT makes collections rarer"
                .into()
        }
        Advice::ClearAndReuse { is_local: true } => {
            "the map does not leave this function, as the machine code shows: keep it, in what outlives a call and is used in one place at a \
             time, and clear() it between uses (where go.mod says a Go before 1.21, delete its keys in a loop), if its sizes are alike: it \
             keeps its arrays, so neither growth nor allocation comes back; clear() of a large map costs as much when it holds little"
                .into()
        }
        Advice::FewerMaps { map_type } => format!(
            "make fewer of them: {} is handed on (the compiler puts it on the heap), so it cannot be cleared and used again, for its next user \
             would see it change. Where its user asks for the same again, keep it there; where the function only fills it, let the caller \
             pass the map to fill; where it holds few entries, a slice of structs takes less",
            map_type.as_deref().unwrap_or("the map")
        )
        .into(),
        Advice::LowerHint { map_type, make } => format!(
            "lower the hint at {}: make({}, n), where n is the number of different keys that are put in, not of all values that are looked at; \
             without a hint it grows to what it needs",
            short_place(make),
            map_type.as_deref().unwrap_or(UNKNOWN_MAP)
        )
        .into(),
        Advice::ClearAndReuse { is_local: false } => {
            "if the map is used in one place at a time and not handed on (returned, stored, captured by a goroutine), and its \
             sizes are alike, keep it and clear() it between uses (where go.mod says a Go before 1.21, delete its keys in a \
             loop): it keeps its arrays, so neither growth nor allocation comes back. Where it is handed on, its next user would see it change; clear() of a large map costs as much when it \
             holds little"
                .into()
        }
        Advice::CopyToNewMap { .. } => {
            "if the map was much larger than it is now, copy what is left into a new map from time to time; if it was made \
             with a size hint far above what it holds, give a smaller one; delete the outer key of an inner map that is empty"
                .into()
        }
        Advice::ClearLess { map_type } => format!(
            "if it holds little now and held much once: make a new map ({}) where a set is small, and keep the large one for \
             large sets only; or delete just the keys that were put in. A map never gets smaller by clear() or delete()",
            make_text(map_type.as_deref())
        )
        .into(),
        Advice::IterateLess { visits, .. } => iterate_less(*visits).into(),
        Advice::BatchWrites { first_at } => {
            let first = first_at.as_ref().map(|frame| format!(", at {} first", place(frame)));
            format!(
                "collect what is written in a bufio.Writer or a slice, and write and fsync once for many entries{}; how much \
                 may be lost when the machine stops says how many",
                first.unwrap_or_default()
            )
            .into()
        }
        Advice::KeepNested { .. } => {
            "keep it nested; where several entries of one outer key are touched, hold the inner map in a variable: lookups \
             were 1.3 to 2 times faster so. Flatten only for random access to maps larger than the cache"
                .into()
        }
        Advice::FewerOperations => {
            "a size hint would not help here; only fewer operations would".into()
        }
        Advice::FewerLookups { twice: None } => {
            "size hints would not help; fewer lookups would: hold inner maps and found values in variables".into()
        }
        Advice::FewerLookups { twice: Some(twice) } => look_up_once(twice).into(),
        Advice::LookElsewhere => {
            "look elsewhere: making every map operation free would save less than this share".into()
        }
        Advice::LookForHabit { map_type: None, .. } => {
            "look elsewhere, or for one habit that many of these lines share".into()
        }
        Advice::LookForHabit { map_type: Some(name), makes } => look_at_type(name, makes).into(),
        Advice::LookAtMarking => {
            "pauses are not what hurts here; the marking beside the program and its help may be".into()
        }
        Advice::MarkingIsCheap { since } => format!(
            "marking many small maps is cheap from {} on; allocate less (size hints) or raise GOGC",
            release(since)
        )
        .into(),
    }
}

/// What a saving rests on.
pub(crate) fn basis(basis: Basis) -> Cow<'static, str> {
    match basis {
        Basis::RightHint => {
            "a right hint moves no entries and makes no arrays that are outgrown, with the collector's work for these; it \
             saves less where maps larger than the cache are filled in random order"
                .into()
        }
        Basis::FlatMap => format!(
            "a flat map makes no inner maps and looks once for an entry; its longer keys and its own growth are taken off. It \
             was not faster where inner maps hold more than {FLAT_IS_SMALLER} entries"
        )
        .into(),
        Basis::KeptMap => {
            "a map that is cleared makes no arrays and does not grow again; clearing it is taken off".into()
        }
        Basis::ConcreteKey => {
            "hashing and comparing keys through their type, and making interface values of them".into()
        }
        Basis::KeysOnce => {
            "making keys, and the collector's work for them; hashing a key of several parts is taken off".into()
        }
        Basis::FewerBytes => "most of hashing and comparing keys".into(),
        Basis::SliceCapacity => {
            "copying slices that grow, and arrays that are outgrown; the last array is needed anyhow".into()
        }
        Basis::NoLoop => "a slice or an index costs a small part of what the loop over the map costs".into(),
        Basis::LittleRoom => "a map with little room is cleared in next to no time".into(),
        Basis::SmallerHint => "room that stays empty is neither taken nor cleared".into(),
        Basis::LiveGoroutines => "stacks grow once and stay".into(),
        Basis::NoGrowthOnOverwrite => {
            format!("all growth goes, if the maps hold {FIRST_GROUP} entries, and nothing if they hold more").into()
        }
        Basis::GrowthFinished => "reads no longer look for buckets that are not moved yet".into(),
    }
}

/// "Go 1.27".
fn release(version: &GoVersion) -> String {
    format!("Go {}.{}", version.major, version.minor)
}

/// The call to write and where, or why that is not known. That a line of the same function makes maps does not say that it
/// makes these. A line that has a hint gets no second one.
fn write_make(made: &Makes) -> String {
    let call = format!("make({}, n)", made.map_type.as_deref().unwrap_or("map[K]V"));
    let hinted: Vec<String> = made.hinted.iter().take(SHOWN_MAKES).map(short_place).collect();
    let raise = match (hinted.as_slice(), made.no_makes_because) {
        ([], _) => None,
        (places, Some(_)) if made.are_traced => {
            return format!("raise the hint at {} to n", places.join(" and "));
        }
        (places, Some(_)) => return raise_hint(places),
        (places, None) => Some(places.join(" and ")),
    };
    let write = write_call(made, &call);
    raise.map_or(write.clone(), |places| match made.are_traced {
        true => format!("{write}; also raise the hint at {places} to n"),
        false => format!("{write}; or raise the hint at {places} to n, if it is made there"),
    })
}

/// Where the lines that are known all have a hint.
fn raise_hint(places: &[String]) -> String {
    match places {
        [place] => format!("raise the hint at {place} to n, if this map is made there"),
        places => {
            format!("raise the hint where this map is made to n, maybe at {}", places.join(" or "))
        }
    }
}

fn write_call(made: &Makes, call: &str) -> String {
    if let Some(reason) = made.no_makes_because {
        return format!(
            "where this map is made is not known: {}; write {call} there",
            no_makes(reason)
        );
    }
    let places: Vec<String> = made.makes.iter().take(SHOWN_MAKES).map(short_place).collect();
    match places.as_slice() {
        places if made.are_traced => format!("write {call} at {}", places.join(" and ")),
        places if made.makes_are_counted => format!("write {call} at {}", places.join(", ")),
        [place] => format!("write {call} at {place}, if this map is made there"),
        places => format!("write {call} where this map is made, maybe at {}", places.join(" or ")),
    }
}

/// Why it is not known where a map is made, as it follows a colon.
fn no_makes(reason: NoMakes) -> &'static str {
    match reason {
        NoMakes::TooFewMade => {
            "by the heap profile, the lines that may make it make fewer maps than are filled here"
        }
        NoMakes::NoBinary => "add the binary, which may show it",
        NoMakes::NotSeen => "the binary shows no line that is known to make it without a hint",
        NoMakes::OtherFunctions => {
            "no line of this function does, and several of other functions make such maps"
        }
        NoMakes::SeveralLines => {
            "several lines of this function make such maps, and the binary does not show which are used here"
        }
    }
}

/// What is better than a hint where the keys of a map are numbers in a row.
fn or_slice(map_type: Option<&str>) -> &'static str {
    const INTEGERS: [&str; 11] = [
        "int", "int8", "int16", "int32", "int64", "uint", "uint8", "uint16", "uint32", "uint64",
        "uintptr",
    ];
    let key = map_type.and_then(|name| name.strip_prefix("map[")?.split_once(']'));
    match key {
        Some((key, _)) if INTEGERS.contains(&key) => {
            "; where the keys are numbers from 0 on with few gaps, a slice in place of the map saves the search as well"
        }
        _ => "",
    }
}

/// Where slices should get their capacity.
fn presize_slices(map_type: Option<&str>) -> String {
    let slice = map_type.and_then(slice_of).unwrap_or("[]T");
    let of_map = map_type.map_or(String::new(), |name| format!(" of {name}"));
    format!(
        "give each slice{of_map} its capacity when its key is first seen, make({slice}, 0, n), where n is known. Where it is \
         not, and the slices become long, count the values of each key in a first pass; of short ones that pass cost more than \
         growing (61 and 94 % of the CPU). A size hint for the map does not change this"
    )
}

/// The element of a map type as it is written: `[]string` of `map[string][]string`.
fn slice_of(map_type: &str) -> Option<&str> {
    let at = map_type.find("][]")?;
    map_type.get(at + 1..)
}

/// One lookup in place of two, if they are of one key.
fn look_up_once(twice: &Twice) -> String {
    let (read, write) = (short_place(&twice.read), short_place(&twice.write));
    let elem = &twice.elem;
    if read == write {
        return format!(
            "if {read} reads and writes one key, let it be found once: put the key into a variable first (`k := ...; m[k] = append(m[k], value)`, \
             `m[k] += value`), since the compiler makes one search of two only where the key is plain"
        );
    }
    let is_set = elem == "struct {}" || elem == "bool";
    let keep = match () {
        () if is_set => "write it without looking before, and compare len(m) before and after to see whether the key was new".to_owned(),
        () if elem.starts_with('*') => {
            "change what the pointer that was found points to, and assign for new keys only".to_owned()
        }
        () => format!("keep pointers to {elem} in the map, or indices into a slice of them, and change what was found"),
    };
    let new = if is_set {
        ""
    } else {
        ". To see whether a key is new, compare len(m) before and after it is written"
    };
    format!(
        "if {read} and {write} look for the same key in the same map, one lookup is enough: {keep}; `m[key] += value` and \
         `m[key] = append(m[key], value)` are one lookup too{new}"
    )
}

/// What may be done about a type of map as a whole.
fn look_at_type(name: &str, makes: &[Frame]) -> String {
    let places: Vec<String> = makes.iter().take(SHOWN_MAKES).map(short_place).collect();
    let made = match places.as_slice() {
        [] => String::new(),
        places => format!(" It is made at {}.", places.join(", ")),
    };
    format!(
        "look at {name} as a whole, since no single line is worth a change: another key type, another structure, or a value \
         that is kept in a variable in place of looking it up at each of these lines.{made}"
    )
}

/// `make(map[string]int)`.
fn make_text(map_type: Option<&str>) -> String {
    format!("make({})", map_type.unwrap_or(UNKNOWN_MAP))
}

/// What the hint should be, and why: a number where one is right for most of the maps.
fn hint_text(n: Option<u64>, entries: Option<&Entries>, is_inner: bool) -> String {
    let or_len = match is_inner {
        true => "the number of entries of this map, not of what is ranged over for all of them",
        false => "len(x) where a loop over x puts in a new key each time",
    };
    let what = format!("n is the number of entries they end with: {or_len}");
    let Some(entries) = entries else {
        return format!(
            "{what}; how many that is, a recording that meets their growths, or a heap profile with enough samples of \
             them and the binary, would show"
        );
    };
    let half = format!("half hold at most {}", count(entries.p50.room));
    let sizes = match entries.p95 {
        Some(p95) => format!("{half}, and 95 % at most {}", count(p95.room)),
        None => format!("{half}, and some very many"),
    };
    let of = match entries.known_from {
        KnownFrom::Recording => "those that grew",
        KnownFrom::HeapProfile => "those that grew, by their arrays",
    };
    match n {
        Some(n) if entries.small_are_counted => format!(
            "n is {n}, or a little less: three quarters of these maps have room for that many in the end; better where it is known: \
             {or_len}. Of {of}, {sizes}"
        ),
        Some(n) => format!(
            "n is {n}, or a little less: three quarters of those that grew have room for that many in the end; better where it is known: \
             {or_len}. Maps of up to {FIRST_GROUP} entries are not counted: where most hold so few, leave the hint out. Of \
             {of}, {sizes}"
        ),
        None => format!(
            "{what}; no one number fits most of these maps. Of {of}, a quarter hold at most {}, {sizes}",
            count(entries.p25.room)
        ),
    }
}

fn assist_less(by: &Relief) -> String {
    let first: Cow<'_, str> = match by {
        Relief::Presize(made) => format!(
            "{}; n is the number of entries they end with: a size hint allocates once where growth allocates at every step",
            write_make(made)
        )
        .into(),
        Relief::AllocateLess => {
            "allocate less here: reuse maps with clear(), make keys without new strings".into()
        }
    };
    format!(
        "{first}; where memory is left, a higher GOGC or GOMEMLIMIT makes collections and with them this help rarer"
    )
}

/// Which of the ways is right rests on what the loop is for: each has its condition.
fn iterate_less(visits: Visits) -> &'static str {
    match visits {
        Visits::Few => {
            "if the map holds few entries, keep them in a slice of structs, or an array where their number is fixed: ranging over \
             that costs next to nothing, and so few are also searched fast. If the map is filled only to be ranged over and \
             dropped, fill a slice in its place. If it is large and the loop ends at the first entry that fits, look that entry \
             up in a second map by what the loop compares"
        }
        Visits::NotKnown => {
            "if the loop looks for an entry by something else than its key, keep a second map from that to the entry, and look it \
             up there. If the loop needs all entries, keep them in a slice, beside the map or in its place. If the map held far \
             more once, copy what is left into a new one: a loop passes its empty places too"
        }
    }
}

fn shard(by: ShardKey, or_sync_map: Option<SyncMap>) -> String {
    let key = match by {
        ShardKey::Key => "the key",
        ShardKey::OuterKey => "the outer key",
    };
    let sync_map = match or_sync_map {
        Some(SyncMap::OfInnerMaps) => {
            "; or, since the outer entries are mostly read here, a sync.Map of them, each with its own lock and inner map \
             (sync.Map does not guard what an entry points to)"
        }
        Some(SyncMap::OfEntries) => "; or sync.Map, since entries are mostly read here",
        None => "; not sync.Map: it takes a new value for every write",
    };
    format!(
        "several maps with a lock each, chosen by a hash of {key}, if what is done under one lock concerns one key (not two keys, len or range over \
         all): more than one goroutine can then write at once{sync_map}. First move out of the lock what does not need it"
    )
}

#[cfg(test)]
mod tests {
    use evidence::sizes::Size;

    use super::*;

    fn frame(line: u32) -> Frame {
        Frame { function: "main.fill".into(), file: "/src/main.go".into(), line }
    }

    fn made(lines: &[u32], makes_are_counted: bool) -> Makes {
        Makes {
            map_type: Some("map[string]int".to_owned()),
            makes: lines.iter().copied().map(frame).collect(),
            hinted: Vec::new(),
            makes_are_counted,
            are_traced: false,
            is_inner: false,
            no_makes_because: lines.is_empty().then_some(NoMakes::NotSeen),
        }
    }

    fn presize(lines: &[u32], makes_are_counted: bool, entries: Option<Entries>) -> String {
        let made = made(lines, makes_are_counted);
        advice(&Advice::Presize { made, n: None, entries }).into_owned()
    }

    #[test]
    fn a_line_is_named_as_surely_as_it_is_known() {
        let place = |lines: &[u32], are_counted| {
            let text = presize(lines, are_counted, None);
            let rest = text.split_once("n) ").and_then(|(_, rest)| rest.split_once(';'));
            rest.map(|(place, _)| place.to_owned()).expect("it says where")
        };
        assert_eq!(place(&[7], false), "at main.go:7, if this map is made there");
        let maybe = "where this map is made, maybe at main.go:7 or main.go:9";
        assert_eq!(place(&[7, 9], false), maybe);
        assert_eq!(place(&[7, 9], true), "at main.go:7, main.go:9");
        assert_eq!(place(&[1, 2, 3, 4], true), "at main.go:1, main.go:2, main.go:3");
    }

    /// Whatever asks for a hint says where, or that this is not known and why.
    #[test]
    fn a_line_that_is_not_known_is_said_to_be_so() {
        let all = |made: &Makes| {
            let or_release = GoVersion::go1(24);
            [
                Advice::Presize { made: made.clone(), n: None, entries: None },
                Advice::FinishGrowth { made: made.clone(), or_release },
                Advice::AssistLess { by: Relief::Presize(made.clone()) },
            ]
            .map(|of| advice(&of).into_owned())
        };
        for text in all(&made(&[7], true)) {
            assert!(text.starts_with("write make(map[string]int, n) at main.go:7"), "{text}");
        }
        let not_seen = "where this map is made is not known: the binary shows no line that is known to make it without a hint; write make(map[string]int, n) there";
        for text in all(&made(&[], false)) {
            assert!(text.starts_with(not_seen), "{text}");
        }
        let no_makes_because = Some(NoMakes::NoBinary);
        let no_binary = "where this map is made is not known: add the binary, which may show it; \
                         write make(map[K]V, n) there";
        for text in all(&Makes { map_type: None, no_makes_because, ..made(&[], false) }) {
            assert!(text.starts_with(no_binary), "{text}");
        }
    }

    /// Never told to add a hint where one is.
    #[test]
    fn a_line_with_a_hint_is_told_to_raise_it() {
        let made = |lines: &[u32], hinted: &[u32]| Makes {
            hinted: hinted.iter().copied().map(frame).collect(),
            ..made(lines, false)
        };
        let text = write_make(&made(&[], &[65]));
        assert_eq!(text, "raise the hint at main.go:65 to n, if this map is made there");
        let text = write_make(&made(&[], &[65, 70]));
        assert!(text.ends_with("maybe at main.go:65 or main.go:70"), "{text}");
        let text = write_make(&made(&[7], &[65]));
        let both = "write make(map[string]int, n) at main.go:7, if this map is made there; or raise the hint at \
                    main.go:65 to n, if it is made there";
        assert_eq!(text, both);
    }

    #[test]
    fn a_hint_is_one_number_or_what_the_code_has_to_say() {
        let size = |at_least, room| Size { at_least, room };
        let known_from = KnownFrom::Recording;
        let [p25, p50, p95] = [size(29, 56), size(57, 112), size(1793, 3584)];
        let small_are_counted = true;
        let entries = Entries { known_from, small_are_counted, p25, p50, p95: Some(p95) };
        let not_counted = Entries { small_are_counted: false, ..entries };
        let text = hint_text(Some(56), Some(&not_counted), false);
        assert!(text.contains("where most hold so few, leave the hint out"), "{text}");
        let text = hint_text(Some(56), Some(&entries), false);
        let sizes = "Of those that grew, half hold at most 112, and 95 % at most 3,584";
        assert!(text.starts_with("n is 56, or a little less: ") && text.ends_with(sizes), "{text}");
        let text = hint_text(None, Some(&entries), false);
        assert!(text.contains("len(x)") && text.contains("no one number fits most"), "{text}");
        let inner = hint_text(None, Some(&entries), true);
        assert!(
            !inner.contains("len(x)") && inner.contains("not of what is ranged over"),
            "{inner}"
        );
        assert!(text.contains("a quarter hold at most 56, half hold at most 112"), "{text}");
        let in_heap = Entries { known_from: KnownFrom::HeapProfile, p95: None, ..entries };
        let text = hint_text(None, Some(&in_heap), false);
        assert!(text.ends_with("half hold at most 112, and some very many"), "{text}");
        assert!(hint_text(None, None, false).ends_with("would show"));
        let (map_type, make) = ("map[string]int".to_owned(), frame(3));
        let raise = Advice::RaiseHint { map_type, make, mean_hint: 9.0, n: Some(56), entries };
        assert!(advice(&raise).starts_with("raise the hint at main.go:3 to n; n is 56, or"));
    }

    #[test]
    fn a_slice_is_named_where_keys_may_be_numbers_in_a_row() {
        assert!(or_slice(Some("map[int32]*main.node")).contains("a slice in place of the map"));
        for other in [Some("map[string]int"), Some("map[interface {}]int"), Some("main.Set"), None]
        {
            assert_eq!(or_slice(other), "");
        }
    }

    #[test]
    fn two_lookups_are_said_with_both_lines_and_a_condition() {
        let twice = |elem: &str, write| Twice {
            map_type: format!("map[string]{elem}"),
            elem: elem.to_owned(),
            read: frame(7),
            write: frame(write),
        };
        let text = look_up_once(&twice("[]int", 8));
        assert!(text.starts_with("if main.go:7 and main.go:8 look for the same key"), "{text}");
        assert!(text.contains("keep pointers to []int in the map"), "{text}");
        let text = look_up_once(&twice("*main.row", 8));
        assert!(
            text.contains("change what the pointer") && !text.contains("keep pointers"),
            "{text}"
        );
        let text = look_up_once(&twice("struct {}", 8));
        assert!(text.contains("compare len(m)") && !text.contains("keep pointers"), "{text}");
        let text = look_up_once(&twice("[]int", 7));
        assert!(text.contains("put the key into a variable first"), "{text}");
    }

    #[test]
    fn a_type_is_said_with_where_it_is_made() {
        let text = look_at_type("main.Set", &[frame(3), frame(5)]);
        assert!(text.ends_with(" It is made at main.go:3, main.go:5."), "{text}");
        assert!(!look_at_type("main.Set", &[]).contains("made"));
    }

    #[test]
    fn what_to_do_about_loops_has_its_conditions() {
        for visits in [Visits::Few, Visits::NotKnown] {
            let text = iterate_less(visits);
            assert_eq!(text.matches(". If ").count(), 2, "{text}");
            assert!(
                text.starts_with("if ") && text.contains("slice") && text.contains("second map")
            );
        }
    }

    #[test]
    fn the_slices_of_a_map_get_a_capacity() {
        let known = presize_slices(Some("map[string][]main.row"));
        assert!(known.starts_with("give each slice of map[string][]main.row its capacity"));
        assert!(known.contains("make([]main.row, 0, n)"), "{known}");
        assert!(presize_slices(None).contains("make([]T, 0, n)"));
    }

    #[test]
    fn a_sync_map_is_named_where_entries_are_mostly_read() {
        let text = |by, or_sync_map| shard(by, or_sync_map);
        assert!(
            text(ShardKey::Key, None)
                .contains("a hash of the key, if what is done under one lock concerns one key")
        );
        assert!(text(ShardKey::Key, None).contains("; not sync.Map"));
        let outer = text(ShardKey::OuterKey, Some(SyncMap::OfInnerMaps));
        assert!(
            outer.contains("a hash of the outer key, if") && outer.contains("a sync.Map of them")
        );
        assert!(text(ShardKey::Key, Some(SyncMap::OfEntries)).contains("; or sync.Map, since"));
    }
}
