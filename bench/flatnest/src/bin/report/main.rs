//! Turns records into the tables and charts of the documentation.
//!
//! usage: report RECORDS.jsonl DOCS
//!
//! Tables replace what stands between `<!-- begin NAME -->` and `<!-- end NAME -->` in the pages; the text around them is
//! written by hand.

mod concurrent;
mod single;
mod svg;

use std::path::{Path, PathBuf};
use std::{env, fs};

use flatnest_bench::record::Record;

fn main() {
    let mut args = env::args_os().skip(1).map(PathBuf::from);
    let (Some(records), Some(docs)) = (args.next(), args.next()) else {
        panic!("usage: report RECORDS.jsonl DOCS");
    };
    let records = read_records(&records);
    single::write(&records, &docs);
    concurrent::write(&records, &docs);
}

fn read_records(path: &Path) -> Vec<Record> {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect()
}

/// Replaces a generated part of a page.
fn replace_part(page: &Path, name: &str, part: &str) {
    let text =
        fs::read_to_string(page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
    let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->"));
    let place =
        |mark: &str| text.find(mark).unwrap_or_else(|| panic!("{} has no {mark}", page.display()));
    let (from, to) = (place(&begin) + begin.len(), place(&end));
    write_file(
        page,
        &format!("{}\n{}\n{}", &text[..from], part.trim_end(), &text[to..])
            .replace("-->\n\n\n", "-->\n\n"),
    );
}

fn write_file(path: &Path, text: &str) {
    fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// The n-th root of the product of n numbers, or nothing of none.
fn geometric_mean(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = numbers.fold((0.0, 0), |(sum, n), number| (sum + number.ln(), n + 1));
    (n > 0).then(|| (sum / f64::from(n)).exp())
}

/// Three significant digits at most.
fn short(number: f64) -> String {
    match number {
        100.0.. => format!("{number:.0}"),
        10.0.. => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}
