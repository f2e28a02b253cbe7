//! Lines of `go test -bench`: configuration, results, and what belongs to neither.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use thiserror::Error;

/// What a file of benchmark results holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct File {
    /// One per line of result, in the order of the file.
    pub results: Vec<Result>,
    /// What `Unit` lines say about units.
    pub better: BTreeMap<String, Better>,
    /// Lines of result that cannot be read, or not to their end.
    pub faults: Vec<Fault>,
}

/// One line of result: one run of one benchmark.
#[derive(Debug, Clone, PartialEq)]
pub struct Result {
    /// Configuration that stood above the line: `pkg`, `goos`, `cpu`, ...
    pub config: BTreeMap<String, String>,
    /// Name without `Benchmark`, with parameters and the number of processors: `Insert/size=10-8`.
    pub name: String,
    /// How often the body ran.
    pub iterations: u64,
    /// Measurements, in the order of the line.
    pub values: Vec<Value>,
}

/// One measurement of a result.
#[derive(Debug, Clone, PartialEq)]
pub struct Value {
    /// The number.
    pub value: f64,
    /// Its unit as written: `ns/op`.
    pub unit: String,
}

/// Which way a unit improves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Time, bytes, allocations.
    Lower,
    /// Throughput.
    Higher,
}

/// A line that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}: {problem}")]
pub struct Fault {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong.
    pub problem: Problem,
}

/// What can be wrong with a line of result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Problem {
    /// The count of iterations is no number.
    #[error("the number of iterations cannot be read")]
    Iterations,
    /// A value is no number, or not finite.
    #[error("a measurement is not a number")]
    Value,
    /// A value without a unit after it.
    #[error("a measurement has no unit")]
    Unit,
    /// There is nothing after the iterations.
    #[error("the line has no measurement")]
    NoValue,
}

/// Whether text looks like the output of `go test -bench`: one of its first lines is a result or Go's configuration.
pub fn is_benchmark_text(head: &[u8]) -> bool {
    const LINES: usize = 50;
    let Ok(text) = std::str::from_utf8(head)
        .or_else(|error| std::str::from_utf8(&head[..error.valid_up_to()]))
    else {
        return false;
    };
    text.lines().take(LINES).any(|line| {
        matches!(config_line(line), Some(("goos" | "goarch" | "pkg", _)))
            || result_name(line).is_some()
    })
}

/// Reads a file. Lines of no known form are passed over, as the format wants it: test output stands between results.
pub fn read(text: &str) -> File {
    let mut file = File::default();
    let mut config = BTreeMap::new();
    for (at, line) in text.lines().enumerate() {
        if let Some(name) = result_name(line) {
            let (result, problem) = result(name, line, &config);
            file.results.extend(result);
            file.faults.extend(problem.map(|problem| Fault { line: at + 1, problem }));
        } else if let Some(unit) = line.strip_prefix("Unit ") {
            unit_line(unit, &mut file.better);
        } else if let Some((key, value)) = config_line(line) {
            config.insert(key.to_owned(), value.to_owned());
        }
    }
    file
}

/// The benchmark's name, if the line begins like a result. A line with the name alone announces a benchmark that logs.
fn result_name(line: &str) -> Option<&str> {
    let mut words = line.strip_prefix("Benchmark")?.split_whitespace();
    let name = words.next()?;
    let starts_as_go_wants = !name.starts_with(char::is_lowercase);
    (starts_as_go_wants && words.next()?.starts_with(|c: char| c.is_ascii_digit())).then_some(name)
}

/// What can be read of a line of result, and what is wrong with the rest.
fn result(
    name: &str,
    line: &str,
    config: &BTreeMap<String, String>,
) -> (Option<Result>, Option<Problem>) {
    let mut words = line.split_whitespace().skip(1);
    let Some(iterations) = words.next().and_then(|word| word.parse().ok()) else {
        return (None, Some(Problem::Iterations));
    };
    let mut values = Vec::new();
    let mut problem = None;
    while let Some(word) = words.next() {
        match value(word, words.next()) {
            Ok(value) => values.push(value),
            Err(found) => {
                problem = Some(found);
                break;
            }
        }
    }
    if values.is_empty() {
        return (None, problem.or(Some(Problem::NoValue)));
    }
    let (config, name) = (config.clone(), name.to_owned());
    (Some(Result { config, name, iterations, values }), problem)
}

fn value(number: &str, unit: Option<&str>) -> std::result::Result<Value, Problem> {
    let value =
        number.parse().ok().filter(|value: &f64| value.is_finite()).ok_or(Problem::Value)?;
    Ok(Value { value, unit: unit.ok_or(Problem::Unit)?.to_owned() })
}

/// `ns/op better=lower`: other settings of a unit are of no use here.
fn unit_line(line: &str, better: &mut BTreeMap<String, Better>) {
    let mut words = line.split_whitespace();
    let Some(unit) = words.next() else { return };
    for word in words {
        match word {
            "better=lower" => better.insert(unit.to_owned(), Better::Lower),
            "better=higher" => better.insert(unit.to_owned(), Better::Higher),
            _ => None,
        };
    }
}

/// `key: value`, with a key that begins in lower case and has neither space nor upper case.
fn config_line(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(':')?;
    let is_key = key.starts_with(char::is_lowercase)
        && !key.contains(|c: char| c.is_whitespace() || c.is_uppercase());
    let value_follows = value.is_empty() || value.starts_with([' ', '\t']);
    (is_key && value_follows).then(|| (key, value.trim()))
}

impl File {
    /// Which way a unit improves: as the file says, else more per second is better, and less of all else.
    pub fn better(&self, unit: &str) -> Better {
        let usual = if unit.ends_with("/s") { Better::Higher } else { Better::Lower };
        self.better.get(unit).copied().unwrap_or(usual)
    }
}

/// Writes results so that `benchstat` and [`read`] take them. Configuration is written where it changes.
pub fn write(out: &mut String, results: &[Result]) -> fmt::Result {
    let mut config = BTreeMap::new();
    for result in results {
        for (key, value) in &result.config {
            if config.get(key) != Some(value) {
                writeln!(out, "{key}: {value}")?;
                config.insert(key.clone(), value.clone());
            }
        }
        write!(out, "Benchmark{} {}", result.name, result.iterations)?;
        for value in &result.values {
            write!(out, " {} {}", value.value, value.unit)?;
        }
        writeln!(out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
