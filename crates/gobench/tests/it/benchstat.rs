//! What is said of benchmarks is what `benchstat` says.

use std::fs;

use gobench::Row;
use gobench::stats::Outcome;

fn read(name: &str) -> String {
    fs::read_to_string(xtask::testdata(&format!("compare/benchmarks/{name}.txt"))).unwrap()
}

/// A unit of benchstat's tables in its base, and ours, which is so many of it.
fn ours(unit: &str) -> (&str, f64) {
    match unit {
        "sec/op" => ("ns/op", 1e9),
        "B/s" => ("MB/s", 1e-6),
        same => (same, 1.0),
    }
}

/// `15.59µ`, `1.302Ki`: a number and what it is multiplied by.
fn number(column: &str) -> f64 {
    let digits = column.trim_end_matches(|c: char| !c.is_ascii_digit());
    let factor = match &column[digits.len()..] {
        "n" => 1e-9,
        "µ" => 1e-6,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        _ => 1.0,
    };
    digits.parse::<f64>().unwrap() * factor
}

/// A row of its table, in a table of this unit: name, medians, p.
fn check_row(line: &str, p: &str, unit: &str, rows: &[Row]) {
    let columns: Vec<&str> = line.split_whitespace().collect();
    let (unit, scale) = ours(unit);
    let row = rows.iter().find(|row| row.name == columns[0] && row.unit == unit).unwrap();
    let our_p = format!("{:.3} ", row.change.p);
    assert!(p.starts_with(&our_p), "{line}: p={our_p}");
    let may_be_chance = row.change.outcome == Outcome::MayBeChance;
    assert_eq!(may_be_chance, line.contains('~'), "{line}");
    let after = columns.iter().position(|&column| column == "±").unwrap() + 2;
    for (side, column) in [(&row.change.before, columns[1]), (&row.change.after, columns[after])] {
        let theirs = number(column) * scale;
        assert!((side.median / theirs - 1.0).abs() < 0.002, "{line}: {side:?} and {theirs}");
    }
}

#[test]
fn says_the_same_of_benchmarks_as_benchstat() {
    let [before, after] = ["before", "after"].map(|side| gobench::read(&read(side)));
    let (rows, alone) = gobench::compare(&[before], &[after]);
    assert_eq!(alone, Vec::<String>::new());
    let (benchstat, mut unit, mut n_rows) = (read("benchstat"), "", 0);
    for line in benchstat.lines() {
        let units = ["sec/op", "B/op", "allocs/op", "B/s"];
        unit = units.into_iter().find(|unit| line.contains(unit)).unwrap_or(unit);
        if let Some((_, p)) = line.split_once("(p=") {
            check_row(line, p, unit, &rows);
            n_rows += 1;
        }
    }
    assert_eq!(n_rows, rows.len());
}
