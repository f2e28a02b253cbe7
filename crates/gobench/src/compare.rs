//! Two sets of benchmark results, benchmark by benchmark.

use std::collections::BTreeMap;

use crate::format::{Better, File};
use crate::stats::Change;

/// One benchmark in one unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Package, where the results name one.
    pub package: Option<String>,
    /// Name without `Benchmark`.
    pub name: String,
    /// Unit as written: `ns/op`.
    pub unit: String,
    /// Which way the unit improves.
    pub better: Better,
    /// What happened to it.
    pub change: Change,
}

/// Benchmarks that both sides have, by unit in the order of the files, then by package and name; and the names of those
/// that only one side has.
pub fn compare(before: &[File], after: &[File]) -> (Vec<Row>, Vec<String>) {
    let mut units = Vec::new();
    let [mut before_values, mut after_values] =
        [before, after].map(|files| values(files, &mut units));
    let better = |unit: &str| {
        let of_unit = |file: &File| file.better.contains_key(unit).then(|| file.better(unit));
        let said = before.iter().chain(after).find_map(of_unit);
        said.unwrap_or_else(|| File::default().better(unit))
    };
    let mut rows = Vec::new();
    before_values.retain(|key, values| {
        let Some(change) = after_values.remove(key).and_then(|after| Change::of(values, &after))
        else {
            return true;
        };
        let (unit, package, name) = key.clone();
        let better = better(&units[unit]);
        rows.push(Row { package, name, unit: units[unit].clone(), better, change });
        false
    });
    let alone = before_values.into_keys().chain(after_values.into_keys());
    let mut alone: Vec<String> = alone.map(|(_, _, name)| name).collect();
    alone.sort();
    alone.dedup();
    (rows, alone)
}

/// Index of the unit, package and name.
type Key = (usize, Option<String>, String);

fn values(files: &[File], units: &mut Vec<String>) -> BTreeMap<Key, Vec<f64>> {
    let mut values: BTreeMap<Key, Vec<f64>> = BTreeMap::new();
    for result in files.iter().flat_map(|file| &file.results) {
        for value in &result.values {
            let unit = units.iter().position(|unit| *unit == value.unit).unwrap_or_else(|| {
                units.push(value.unit.clone());
                units.len() - 1
            });
            let key = (unit, result.config.get("pkg").cloned(), result.name.clone());
            values.entry(key).or_default().push(value.value);
        }
    }
    values
}

/// Geometric mean of the medians before and after, of rows of one unit; `None` if one is not above 0, or there is but one.
pub fn geometric_mean(rows: &[Row]) -> Option<(f64, f64)> {
    let mean = |median: fn(&Change) -> f64| {
        let medians: Vec<f64> = rows.iter().map(|row| median(&row.change)).collect();
        let logarithms = medians.iter().map(|median| median.ln()).sum::<f64>();
        let is_defined = medians.len() > 1 && medians.iter().all(|&median| median > 0.0);
        is_defined.then(|| (logarithms / medians.len() as f64).exp())
    };
    Some((mean(|change| change.before.median)?, mean(|change| change.after.median)?))
}

#[cfg(test)]
mod tests {
    use crate::format::read;
    use crate::stats::Outcome;

    use super::*;

    fn file(lines: &[(&str, f64)]) -> File {
        let line = |(name, ns): &(&str, f64)| format!("Benchmark{name} 10 {ns} ns/op 100 MB/s\n");
        read(&lines.iter().map(line).collect::<String>())
    }

    #[test]
    fn matches_benchmarks_by_name_and_unit() {
        let before: Vec<_> = (0..5)
            .map(|i| file(&[("A", 100.0 + f64::from(i)), ("B", 50.0), ("Gone", 1.0)]))
            .collect();
        let after: Vec<_> = (0..5)
            .map(|i| file(&[("B", 50.0), ("A", 80.0 + f64::from(i)), ("New", 1.0)]))
            .collect();
        let (rows, alone) = compare(&before, &after);
        let short: Vec<_> =
            rows.iter().map(|row| (&*row.unit, &*row.name, row.change.outcome)).collect();
        use Outcome::{Differs, MayBeChance};
        assert_eq!(
            short,
            [
                ("ns/op", "A", Differs),
                ("ns/op", "B", MayBeChance),
                ("MB/s", "A", MayBeChance),
                ("MB/s", "B", MayBeChance),
            ]
        );
        assert_eq!(rows[2].better, Better::Higher);
        assert_eq!(alone, ["Gone", "New"]);
        let (before, after) = geometric_mean(&rows[..2]).expect("both are above 0");
        assert!(
            (before - 5100.0_f64.sqrt()).abs() < 1e-9 && (after - 4100.0_f64.sqrt()).abs() < 1e-9
        );
        assert_eq!(geometric_mean(&rows[..1]), None);
    }
}
