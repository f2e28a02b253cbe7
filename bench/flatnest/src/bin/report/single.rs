//! Tables and charts of the maps for one thread.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use flatnest_bench::record::Record;

use crate::svg::{Group, bars};
use crate::{geometric_mean, replace_part, short, write_file};

const FLAT: &str = "FlatMap";
const STD: &str = "nested std";
const HASHBROWN: &str = "nested hashbrown";
const MAPS: [&str; 6] =
    [FLAT, STD, HASHBROWN, "tuple hashbrown", "nested indexmap", "nested BTreeMap"];
const KEYS: [&str; 6] =
    ["u64", "ArenaStr 12", "ArenaStr 16", "ArenaStr 30", "String 16", "String 30"];
const OPS: [&str; 15] = [
    "build",
    "build_grouped",
    "batch_build",
    "upsert",
    "upsert_zipf",
    "get",
    "get_zipf",
    "get_miss",
    "batch_upsert",
    "batch_get",
    "row_iter",
    "iter_all",
    "remove_row",
    "drop",
    "bytes/entry",
];
/// Entries from which a map of any key type exceeds 16 MB, see the table of working sets.
const OUT_OF_CACHE: usize = 800_000;

/// What is fixed in one measurement, the map aside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Cell {
    key: String,
    inner_keys: String,
    rows: usize,
    inner: usize,
    op: String,
}

impl Cell {
    fn entries(&self) -> usize {
        self.rows * self.inner
    }
}

/// Numbers by cell and map: ns, bytes by entry, or allocations by insert.
type Cells = BTreeMap<Cell, BTreeMap<String, f64>>;

pub(crate) fn write(records: &[Record], docs: &Path) {
    let cells = collect(records);
    let page = docs.join("flatnest-benchmarks.md");
    replace_part(&page, "summary", &summary(&cells, records));
    replace_part(&page, "working-sets", &working_sets(&cells));
    replace_part(&page, "memory", &memory(&cells));
    replace_part(&page, "pauses", &pauses(records));
    replace_part(&page, "losses", &losses(&cells));
    replace_part(&page, "cells", &all_cells(&cells));
    for (rival, file) in [(STD, "flatnest-vs-std.svg"), (HASHBROWN, "flatnest-vs-hashbrown.svg")] {
        write_file(&docs.join(file), &ratio_chart(&cells, rival));
    }
    write_file(&docs.join("flatnest-pauses.svg"), &pause_chart(records));
    write_file(&docs.join("flatnest-memory.svg"), &memory_chart(&cells));
}

fn collect(records: &[Record]) -> Cells {
    let mut cells = Cells::new();
    let mut push = |key: &str, inner_keys: &str, rows, inner, op: &str, map: &str, number| {
        let (key, inner_keys, op) = (key.to_owned(), inner_keys.to_owned(), op.to_owned());
        cells
            .entry(Cell { key, inner_keys, rows, inner, op })
            .or_default()
            .insert(map.to_owned(), number);
    };
    for record in records {
        match record {
            Record::Time { map, key, inner_keys, rows, inner, op, ns } => {
                push(key, inner_keys, *rows, *inner, op, map, *ns);
            }
            Record::Memory {
                map,
                key,
                inner_keys,
                rows,
                inner,
                live_bytes,
                peak_bytes,
                allocations,
            } => {
                push(key, inner_keys, *rows, *inner, "bytes/entry", map, *live_bytes);
                push(key, inner_keys, *rows, *inner, "peak bytes/entry", map, *peak_bytes);
                push(key, inner_keys, *rows, *inner, "allocations/insert", map, *allocations);
            }
            Record::Pause { .. } | Record::Threads { .. } | Record::Sync { .. } => {}
        }
    }
    cells
}

/// Which cells a figure is the mean of.
#[derive(Clone, Copy)]
enum Cache {
    Any,
    In,
    Out,
}

impl Cache {
    fn holds(self, cell: &Cell) -> bool {
        match self {
            Self::Any => true,
            Self::In => cell.entries() < OUT_OF_CACHE,
            Self::Out => cell.entries() >= OUT_OF_CACHE,
        }
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::Any => "",
            Self::In => ", in cache",
            Self::Out => ", out of cache",
        }
    }
}

/// How many times better FlatMap is than a rival, over rows of 8 entries and more.
fn mean_ratio(
    cells: &Cells,
    rival: &str,
    op: &str,
    cache: Cache,
    key: Option<&str>,
) -> Option<f64> {
    let chosen = cells.iter().filter(|(cell, _)| {
        cell.inner >= 8
            && cell.op == op
            && cache.holds(cell)
            && key.is_none_or(|key| cell.key == key)
    });
    geometric_mean(chosen.filter_map(|(_, by_map)| Some(by_map.get(rival)? / by_map.get(FLAT)?)))
}

/// Rival, operation, cells, and the least ratio that is asked for.
const BARS: [(&str, &str, Cache, f64); 17] = [
    (STD, "build", Cache::Any, 2.5),
    (STD, "upsert", Cache::Any, 2.0),
    (STD, "get", Cache::Any, 2.0),
    (HASHBROWN, "build", Cache::Any, 1.5),
    (HASHBROWN, "batch_build", Cache::Any, 1.5),
    (HASHBROWN, "row_iter", Cache::Any, 1.3),
    (HASHBROWN, "remove_row", Cache::Any, 3.0),
    (HASHBROWN, "drop", Cache::Any, 3.0),
    (HASHBROWN, "upsert", Cache::In, 0.9),
    (HASHBROWN, "get", Cache::In, 0.9),
    (HASHBROWN, "upsert", Cache::Out, 1.1),
    (HASHBROWN, "get", Cache::Out, 1.1),
    (HASHBROWN, "batch_upsert", Cache::Out, 3.0),
    (HASHBROWN, "batch_get", Cache::Out, 3.0),
    (HASHBROWN, "bytes/entry", Cache::Any, 1.0),
    (HASHBROWN, "iter_all", Cache::Any, 1.0),
    (HASHBROWN, "get_miss", Cache::Any, 1.0),
];

fn summary(cells: &Cells, records: &[Record]) -> String {
    let mut text = String::from("| rival | operation | bar | all |");
    text += &KEYS.map(|key| format!(" {key} |")).concat();
    text += "\n|---|---|---|---|";
    text += &"---|".repeat(KEYS.len());
    for (rival, op, cache, bar) in BARS {
        let cell = |key| {
            mean_ratio(cells, rival, op, cache, key)
                .map_or("–".to_owned(), |ratio| judged(ratio, bar))
        };
        let keys: Vec<String> = KEYS.iter().map(|key| cell(Some(*key))).collect();
        let suffix = cache.suffix();
        write!(
            text,
            "\n| {rival} | {op}{suffix} | {bar} | {} | {} |",
            cell(None),
            keys.join(" | ")
        )
        .expect("fits");
    }
    text += "\n\n";
    let most = |map: &str, op: &str, key: &str| {
        let chosen = cells
            .iter()
            .filter(|(cell, _)| cell.inner >= 8 && cell.op == op && cell.key.starts_with(key));
        chosen.filter_map(|(_, by_map)| by_map.get(map).copied()).fold(0.0, f64::max)
    };
    writeln!(
        text,
        "Allocations per insert with arena keys, the most of any shape with rows of 8 and more: {} (bar: at most 0.1).",
        short(most(FLAT, "allocations/insert", "ArenaStr"))
    )
    .expect("fits");
    let worst = records.iter().filter_map(|record| match record {
        Record::Pause { map, max, .. } if map == FLAT => Some(*max),
        _ => None,
    });
    write!(
        text,
        "Worst single insert on the way to 3.2 million entries, of both shapes: {} µs (bar: at most 100 µs).",
        short(worst.fold(0.0, f64::max))
    )
    .expect("fits");
    text
}

/// A ratio, bold where it misses its bar.
fn judged(ratio: f64, bar: f64) -> String {
    if ratio >= bar { short(ratio) } else { format!("**{}**", short(ratio)) }
}

fn working_sets(cells: &Cells) -> String {
    let mut text = String::from("| shape |");
    text += &KEYS.map(|key| format!(" {key} |")).concat();
    text += "\n|---|";
    text += &"---|".repeat(KEYS.len());
    let shapes: BTreeSet<(usize, usize)> = cells
        .keys()
        .filter(|cell| cell.op == "bytes/entry")
        .map(|cell| (cell.rows, cell.inner))
        .collect();
    for (rows, inner) in shapes {
        write!(text, "\n| {rows} x {inner} |").expect("fits");
        for key in KEYS {
            let is_it = |cell: &&Cell| {
                (cell.rows, cell.inner) == (rows, inner)
                    && cell.key == key
                    && cell.op == "bytes/entry"
                    && cell.inner_keys == "repeated"
            };
            let bytes = cells.keys().find(is_it).and_then(|cell| cells[cell].get(HASHBROWN));
            let text_of =
                |bytes: &f64| format!("{} MB", short(bytes * (rows * inner) as f64 / 1e6));
            write!(text, " {} |", bytes.map_or("–".to_owned(), text_of)).expect("fits");
        }
    }
    text
}

fn memory(cells: &Cells) -> String {
    let mut text = String::from("| figure | key | shape |");
    text += &MAPS.map(|map| format!(" {map} |")).concat();
    text += "\n|---|---|---|";
    text += &"---|".repeat(MAPS.len());
    for op in ["bytes/entry", "peak bytes/entry", "allocations/insert"] {
        for (cell, by_map) in
            cells.iter().filter(|(cell, _)| cell.op == op && cell.inner_keys == "distinct")
        {
            let numbers =
                MAPS.map(|map| by_map.get(map).map_or("–".to_owned(), |number| short(*number)));
            let Cell { key, rows, inner, .. } = cell;
            write!(text, "\n| {op} | {key} | {rows} x {inner} | {} |", numbers.join(" | "))
                .expect("fits");
        }
    }
    text
}

fn pauses(records: &[Record]) -> String {
    let mut text = String::from(
        "| shape | map | half | 99 % | 99.99 % | slowest |\n|---|---|---|---|---|---|",
    );
    for record in records {
        if let Record::Pause { map, rows, inner, p50, p99, p9999, max } = record {
            let numbers = [p50, p99, p9999, max].map(|number| short(*number));
            write!(text, "\n| {rows} x {inner} | {map} | {} |", numbers.join(" | ")).expect("fits");
        }
    }
    text
}

/// Operations by shape where the nested map is faster, over key types and kinds of inner keys.
fn losses(cells: &Cells) -> String {
    let shapes: BTreeSet<(usize, usize)> =
        cells.keys().map(|cell| (cell.rows, cell.inner)).collect();
    let mut text = String::from("| operation |");
    for (rows, inner) in &shapes {
        write!(text, " {rows} x {inner} |").expect("fits");
    }
    text += "\n|---|";
    text += &"---|".repeat(shapes.len());
    for op in OPS {
        write!(text, "\n| {op} |").expect("fits");
        for (rows, inner) in &shapes {
            let chosen = cells
                .iter()
                .filter(|(cell, _)| (cell.rows, cell.inner) == (*rows, *inner) && cell.op == op);
            let ratios =
                chosen.filter_map(|(_, by_map)| Some(by_map.get(HASHBROWN)? / by_map.get(FLAT)?));
            write!(
                text,
                " {} |",
                geometric_mean(ratios).map_or("–".to_owned(), |ratio| judged(ratio, 1.0))
            )
            .expect("fits");
        }
    }
    text
}

fn all_cells(cells: &Cells) -> String {
    let mut text = String::new();
    for key in KEYS {
        for inner_keys in ["repeated", "distinct"] {
            let of_key: Vec<_> = cells
                .iter()
                .filter(|(cell, _)| cell.key == key && cell.inner_keys == inner_keys)
                .collect();
            if of_key.is_empty() {
                continue;
            }
            write!(text, "<details><summary>{key}, inner keys {inner_keys}</summary>\n\n")
                .expect("fits");
            text += "| shape | operation | FlatMap |";
            text += &MAPS[1..].iter().map(|map| format!(" {map} |")).collect::<String>();
            text += "\n|---|---|---|---|---|---|---|---|\n";
            let shapes: BTreeSet<_> =
                of_key.iter().map(|(cell, _)| (cell.rows, cell.inner)).collect();
            for (shape, op) in shapes.iter().flat_map(|shape| OPS.map(|op| (shape, op))) {
                let is_it = |cell: &Cell| (cell.rows, cell.inner) == *shape && cell.op == op;
                let Some((_, by_map)) = of_key.iter().find(|(cell, _)| is_it(cell)) else {
                    continue;
                };
                let Some(flat) = by_map.get(FLAT) else { continue };
                let ratio = |map: &&str| {
                    by_map.get(*map).map_or("–".to_owned(), |number| judged(number / flat, 1.0))
                };
                let ratios: Vec<String> = MAPS[1..].iter().map(ratio).collect();
                let (rows, inner) = shape;
                writeln!(
                    text,
                    "| {rows} x {inner} | {op} | {} | {} |",
                    short(*flat),
                    ratios.join(" | ")
                )
                .expect("fits");
            }
            text += "\n</details>\n\n";
        }
    }
    text
}

fn ratio_chart(cells: &Cells, rival: &str) -> String {
    let keys = ["u64", "ArenaStr 16", "String 16"];
    let group = |op: &str| Group {
        name: op.to_owned(),
        bars: keys.map(|key| mean_ratio(cells, rival, op, Cache::Any, Some(key))).to_vec(),
    };
    bars(
        &format!("{rival} : FlatMap, over rows of 8 and more (above 1: FlatMap is better)"),
        &keys,
        &OPS.map(group),
        1.0,
    )
}

fn pause_chart(records: &[Record]) -> String {
    let mut by_map: BTreeMap<&str, Vec<Option<f64>>> = BTreeMap::new();
    let mut shapes = Vec::new();
    for record in records {
        if let Record::Pause { map, rows, inner, max, .. } = record {
            let shape = format!("{rows} x {inner}");
            if !shapes.contains(&shape) {
                shapes.push(shape);
            }
            by_map.entry(map).or_default().push(Some(*max));
        }
    }
    let groups: Vec<Group> = MAPS
        .iter()
        .filter_map(|map| Some(Group { name: (*map).to_owned(), bars: by_map.get(map)?.clone() }))
        .collect();
    let shapes: Vec<&str> = shapes.iter().map(String::as_str).collect();
    bars("Slowest insert on the way to 3.2 million entries, µs", &shapes, &groups, 1.0)
}

fn memory_chart(cells: &Cells) -> String {
    let keys = ["u64", "ArenaStr 16", "String 16"];
    let bytes = |map: &str, key: &str| {
        let chosen = cells
            .iter()
            .filter(|(cell, _)| cell.inner >= 8 && cell.op == "bytes/entry" && cell.key == key);
        geometric_mean(chosen.filter_map(|(_, by_map)| by_map.get(map).copied()))
    };
    let groups = MAPS
        .map(|map| Group { name: map.to_owned(), bars: keys.map(|key| bytes(map, key)).to_vec() });
    bars("Bytes by entry, mean over rows of 8 and more", &keys, &groups, 10.0)
}
