//! Tables and charts of the concurrent maps.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use flatnest_bench::record::Record;

use crate::svg::{COLOURS, Svg};
use crate::{geometric_mean, replace_part, short, write_file};

const SHARDED: &str = "ShardedMap";
const FULL_MAPS: [&str; 7] = [
    SHARDED,
    "Mutex<nested>",
    "RwLock<nested>",
    "DashMap<(K1, K2)>",
    "papaya<(K1, K2)>",
    "scc<(K1, K2)>",
    "DashMap<DashMap>",
];
const SYNC_MAPS: [&str; 5] =
    [SHARDED, "Mutex<nested>", "RwLock<nested>", "DashMap<(K1, K2)>", "papaya<(K1, K2)>"];
const THREADS: [usize; 4] = [1, 2, 4, 8];
const WRITES_PER_KEY: [usize; 4] = [1, 4, 16, 64];

type ByMap = BTreeMap<String, f64>;

pub(crate) fn write(records: &[Record], docs: &Path) {
    let full = collect_full(records);
    let sweep = Sweep::new(records);
    replace_part(&docs.join("flatnest-benchmarks.md"), "threads", &full_table(&full));
    replace_part(&docs.join("flatnest-benchmarks.md"), "threads-summary", &full_summary(&full));
    let page = docs.join("flatnest-sync.md");
    replace_part(&page, "winners", &sweep.winners());
    replace_part(&page, "crossings", &sweep.crossings());
    replace_part(&page, "sweep", &sweep.table());
    write_file(&docs.join("flatnest-threads.svg"), &full_chart(&full));
    write_file(&docs.join("flatnest-sync.svg"), &sweep.chart());
}

/// Setting of a full map: rows, inner, access, reads in percent, threads.
type Full = BTreeMap<(usize, usize, String, u32, usize), ByMap>;

fn collect_full(records: &[Record]) -> Full {
    let mut full = Full::new();
    for record in records {
        if let Record::Threads { map, rows, inner, access, threads, read_pct, mops } = record {
            let setting = (*rows, *inner, access.clone(), *read_pct, *threads);
            full.entry(setting).or_default().insert(map.clone(), *mops);
        }
    }
    full
}

fn full_table(full: &Full) -> String {
    let mut text =
        format!("| shape | access | reads | threads | {} |", FULL_MAPS.map(code).join(" | "));
    text += "\n|---|---|---|---|---|---|---|---|---|---|---|";
    for ((rows, inner, access, read_pct, threads), by_map) in full {
        let numbers = FULL_MAPS.map(|map| against_sharded(by_map, map));
        write!(
            text,
            "\n| {rows} x {inner} | {access} | {read_pct} % | {threads} | {} |",
            numbers.join(" | ")
        )
        .expect("fits");
    }
    text
}

/// Millions of operations a second of ShardedMap; of others how many times faster it is, bold where it is slower.
fn against_sharded(by_map: &ByMap, map: &str) -> String {
    let (Some(sharded), Some(mops)) = (by_map.get(SHARDED), by_map.get(map)) else {
        return "–".to_owned();
    };
    match sharded / mops {
        _ if map == SHARDED => short(*mops),
        ratio @ 1.0.. => short(ratio),
        ratio => format!("**{}**", short(ratio)),
    }
}

fn full_summary(full: &Full) -> String {
    let mut text = format!(
        "| threads | reads | {} |",
        FULL_MAPS[1..].iter().map(|map| code(map)).collect::<Vec<_>>().join(" | ")
    );
    text += "\n|---|---|---|---|---|---|---|---|";
    let settings: BTreeSet<(usize, u32)> =
        full.keys().map(|(_, _, _, read_pct, threads)| (*threads, *read_pct)).collect();
    for (threads, read_pct) in settings {
        let of_setting =
            || full.iter().filter(|((_, _, _, r, t), _)| (*t, *r) == (threads, read_pct));
        let mean = |map: &&str| {
            let ratios = of_setting()
                .filter_map(|(_, by_map)| Some(by_map.get(SHARDED)? / by_map.get(*map)?));
            match geometric_mean(ratios) {
                Some(ratio @ 1.0..) => short(ratio),
                Some(ratio) => format!("**{}**", short(ratio)),
                None => "–".to_owned(),
            }
        };
        let means: Vec<String> = FULL_MAPS[1..].iter().map(mean).collect();
        write!(text, "\n| {threads} | {read_pct} % | {} |", means.join(" | ")).expect("fits");
    }
    text
}

fn code(map: &str) -> String {
    format!("`{map}`")
}

/// Lines of one panel: by map, points of a place on the x axis and a number.
struct Panel {
    title: String,
    lines: Vec<Vec<(f64, f64)>>,
    /// Points of lines that get a ring.
    rings: Vec<(f64, f64)>,
}

/// Panels side by side with one logarithmic y axis; x runs from 0 to 1 with named ticks.
fn panels(
    title: &str,
    series: &[&str],
    ticks: &[(f64, &str)],
    n_columns: usize,
    panels: &[Panel],
) -> String {
    const WIDTH: f64 = 190.0;
    const HEIGHT: f64 = 130.0;
    let n_lines = panels.len().div_ceil(n_columns);
    let mut svg =
        Svg::new(60.0 + (WIDTH + 24.0) * n_columns as f64, 70.0 + (HEIGHT + 44.0) * n_lines as f64);
    svg.text(10.0, 20.0, "title", title);
    svg.legend(10.0, 42.0, series);
    let numbers =
        || panels.iter().flat_map(|panel| panel.lines.iter().flatten().map(|point| point.1));
    let (low, high) =
        (numbers().fold(f64::INFINITY, f64::min).ln(), numbers().fold(0.0, f64::max).ln());
    for (idx, panel) in panels.iter().enumerate() {
        let left = 46.0 + (WIDTH + 24.0) * (idx % n_columns) as f64;
        let top = 74.0 + (HEIGHT + 44.0) * (idx / n_columns) as f64;
        let place =
            |(x, y): (f64, f64)| (left + WIDTH * x, top + HEIGHT * (high - y.ln()) / (high - low));
        svg.text(left, top - 6.0, "small", &panel.title);
        svg.line((left, top), (left, top + HEIGHT), "axis");
        svg.line((left, top + HEIGHT), (left + WIDTH, top + HEIGHT), "axis");
        for (x, name) in ticks {
            svg.text(left + WIDTH * x, top + HEIGHT + 13.0, "small mid", name);
        }
        for tick in [0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0] {
            if (low..=high).contains(&f64::ln(tick)) {
                svg.text(left - 4.0, place((0.0, tick)).1 + 3.0, "small end", &tick.to_string());
            }
        }
        for (line, colour) in panel.lines.iter().zip(COLOURS) {
            svg.polyline(&line.iter().map(|point| place(*point)).collect::<Vec<_>>(), colour);
        }
        for ring in &panel.rings {
            svg.ring(place(*ring));
        }
    }
    svg.finish()
}

fn full_chart(full: &Full) -> String {
    let settings: BTreeSet<_> = full
        .keys()
        .filter(|(_, inner, ..)| *inner == 8)
        .map(|(rows, inner, access, read_pct, _)| (*rows, *inner, access.clone(), *read_pct))
        .collect();
    let panel = |(rows, inner, access, read_pct): (usize, usize, String, u32)| {
        let number = |map: &str, threads: usize| {
            full.get(&(rows, inner, access.clone(), read_pct, threads))?.get(map).copied()
        };
        let x = |threads: usize| (threads as f64).log2() / 3.0;
        let line = |map| THREADS.iter().filter_map(|&t| Some((x(t), number(map, t)?))).collect();
        let title = format!("{rows} x {inner}, {access}, {read_pct} % reads");
        Panel { title, lines: FULL_MAPS.map(line).to_vec(), rings: Vec::new() }
    };
    let all: Vec<Panel> = settings.into_iter().map(panel).collect();
    let ticks = [(0.0, "1"), (1.0 / 3.0, "2"), (2.0 / 3.0, "4"), (1.0, "8 threads")];
    panels("Millions of operations a second by threads, full maps", &FULL_MAPS, &ticks, 4, &all)
}

/// The sweep of threads, writes per key and share of reads.
struct Sweep {
    /// By threads, writes per key and reads in a thousand.
    settings: BTreeMap<(usize, usize, usize), ByMap>,
    read_shares: Vec<usize>,
}

impl Sweep {
    fn new(records: &[Record]) -> Self {
        let mut settings: BTreeMap<_, ByMap> = BTreeMap::new();
        for record in records {
            if let Record::Sync { map, threads, writes_per_key, read_share, mops } = record {
                let setting = (*threads, *writes_per_key, *read_share);
                settings.entry(setting).or_default().insert(map.clone(), *mops);
            }
        }
        let read_shares: BTreeSet<usize> = settings.keys().map(|setting| setting.2).collect();
        Self { settings, read_shares: read_shares.into_iter().collect() }
    }

    /// Numbers of one map in the order of read shares.
    fn line(&self, threads: usize, writes_per_key: usize, map: &str) -> Vec<f64> {
        let number = |share: &usize| {
            self.settings.get(&(threads, writes_per_key, *share))?.get(map).copied()
        };
        self.read_shares.iter().filter_map(number).collect()
    }

    fn header(&self, first: &str) -> String {
        let shares: Vec<String> =
            self.read_shares.iter().map(|share| format!("{} % reads", percent(*share))).collect();
        format!(
            "| {first} | {} |\n|{}",
            shares.join(" | "),
            "---|".repeat(self.read_shares.len() + first.split('|').count())
        )
    }

    /// The fastest map of each setting, and how far it is ahead of the next.
    fn winners(&self) -> String {
        let mut text = self.header("threads | writes per key");
        for (threads, writes_per_key) in lines() {
            write!(text, "\n| {threads} | {writes_per_key} |").expect("fits");
            for share in &self.read_shares {
                let Some(by_map) = self.settings.get(&(threads, writes_per_key, *share)) else {
                    continue;
                };
                let mut order: Vec<(&String, &f64)> = by_map.iter().collect();
                order.sort_by(|a, b| b.1.total_cmp(a.1));
                let (first, second) = (order[0], order[1]);
                write!(text, " `{}` x {} |", first.0, short(first.1 / second.1)).expect("fits");
            }
        }
        text
    }

    /// Where one map overtakes another as the share of reads grows.
    fn crossings(&self) -> String {
        let pairs = [
            (SHARDED, "papaya<(K1, K2)>"),
            (SHARDED, "Mutex<nested>"),
            (SHARDED, "RwLock<nested>"),
            (SHARDED, "DashMap<(K1, K2)>"),
            ("Mutex<nested>", "RwLock<nested>"),
        ];
        let names: Vec<String> = pairs.iter().map(|(a, b)| format!("`{a}` and `{b}`")).collect();
        let mut text = format!(
            "| threads | writes per key | {} |\n|---|---|{}",
            names.join(" | "),
            "---|".repeat(pairs.len())
        );
        for (threads, writes_per_key) in lines() {
            let cells = pairs.map(|(a, b)| self.crossing(threads, writes_per_key, a, b));
            write!(text, "\n| {threads} | {writes_per_key} | {} |", cells.join(" | "))
                .expect("fits");
        }
        text
    }

    fn crossing(&self, threads: usize, writes_per_key: usize, first: &str, second: &str) -> String {
        let leads = self.leads(threads, writes_per_key, first, second);
        let name = |lead: f64| if lead > 0.0 { first } else { second };
        let crossings = crossings(&leads);
        match leads.iter().find(|lead| is_clear(**lead)) {
            None => "draw".to_owned(),
            Some(lead) if crossings.is_empty() => format!("`{}` always", name(*lead)),
            Some(_) => {
                let text = |(at, lead): &(f64, f64)| {
                    format!("`{}` from {} % reads", name(*lead), self.reads_at(*at))
                };
                crossings.iter().map(text).collect::<Vec<_>>().join("; ")
            }
        }
    }

    /// Logarithms of how far the first map is ahead, in the order of read shares.
    fn leads(&self, threads: usize, writes_per_key: usize, first: &str, second: &str) -> Vec<f64> {
        let [a, b] = [first, second].map(|map| self.line(threads, writes_per_key, map));
        a.iter().zip(&b).map(|(a, b)| (a / b).ln()).collect()
    }

    /// Reads in percent at a place between two measured shares, of which the writes are spaced logarithmically.
    fn reads_at(&self, place: f64) -> String {
        let (idx, rest) = (place.floor() as usize, place.fract());
        let writes = |idx: usize| {
            (1.0 - self.read_shares[idx.min(self.read_shares.len() - 1)] as f64 / 1000.0).ln()
        };
        short(100.0 - 100.0 * (writes(idx) + rest * (writes(idx + 1) - writes(idx))).exp())
    }

    fn table(&self) -> String {
        let mut text = self.header("threads | writes per key | map");
        for (threads, writes_per_key) in lines() {
            for map in SYNC_MAPS {
                let numbers: Vec<String> =
                    self.line(threads, writes_per_key, map).into_iter().map(short).collect();
                write!(
                    text,
                    "\n| {threads} | {writes_per_key} | `{map}` | {} |",
                    numbers.join(" | ")
                )
                .expect("fits");
            }
        }
        text
    }

    /// Lines by share of reads; rings where ShardedMap overtakes another map or is overtaken.
    fn chart(&self) -> String {
        let last = self.read_shares.len().max(2) - 1;
        let panel = |(threads, writes_per_key)| {
            let numbers = |map: &str| self.line(threads, writes_per_key, map);
            let line = |map| {
                (0..)
                    .zip(numbers(map))
                    .map(|(idx, number)| (f64::from(idx) / last as f64, number))
                    .collect()
            };
            let sharded = numbers(SHARDED);
            let ring = |(place, _): (f64, f64)| {
                let (idx, rest) = (place.floor() as usize, place.fract());
                let [from, to] = [idx, idx + 1].map(|idx| sharded[idx.min(last)].ln());
                (place / last as f64, (from + rest * (to - from)).exp())
            };
            let rivals = SYNC_MAPS[1..].iter();
            let rings = rivals
                .flat_map(|rival| crossings(&self.leads(threads, writes_per_key, SHARDED, rival)));
            Panel {
                title: format!("threads: {threads}, writes per key: {writes_per_key}"),
                lines: SYNC_MAPS.map(line).to_vec(),
                rings: rings.map(ring).collect(),
            }
        };
        let all: Vec<Panel> = lines().map(panel).collect();
        let names: Vec<String> = self.read_shares.iter().map(|share| percent(*share)).collect();
        let ticks: Vec<(f64, &str)> = names
            .iter()
            .enumerate()
            .map(|(idx, name)| (idx as f64 / last as f64, name.as_str()))
            .collect();
        let title = "Millions of operations a second by reads in percent, maps that start empty";
        panels(title, &SYNC_MAPS, &ticks, 4, &all)
    }
}

/// Whether a lead is more than what runs differ by among themselves.
fn is_clear(lead: f64) -> bool {
    lead.abs() > f64::ln(1.15)
}

/// Where a clear lead of one map gives way to a clear lead of the other: the place between, and the lead after it.
fn crossings(leads: &[f64]) -> Vec<(f64, f64)> {
    let clear: Vec<usize> = (0..leads.len()).filter(|&idx| is_clear(leads[idx])).collect();
    let flips = clear.windows(2).filter(|pair| leads[pair[0]].signum() != leads[pair[1]].signum());
    let place = |pair: &[usize]| {
        let (from, to) = (pair[0], pair[1]);
        let crossed =
            (from..to).find(|&idx| leads[idx].signum() != leads[idx + 1].signum()).unwrap_or(from);
        (crossed as f64 + leads[crossed] / (leads[crossed] - leads[crossed + 1]), leads[to])
    };
    flips.map(place).collect()
}

fn lines() -> impl Iterator<Item = (usize, usize)> {
    THREADS.into_iter().flat_map(|threads| WRITES_PER_KEY.map(|writes| (threads, writes)))
}

fn percent(read_share: usize) -> String {
    (read_share as f64 / 10.0).to_string()
}
