//! What the Go program printed, over several runs.

use std::collections::BTreeMap;

/// Figures of one experiment: each benchmark's values by unit, one per run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    n_runs: usize,
    /// Shape: in the order of first appearance.
    names: Vec<String>,
    /// Shape: by name and unit, one element per run.
    values: BTreeMap<(String, String), Vec<Option<f64>>>,
    notes: Vec<String>,
}

/// Where a figure lies over the runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The middle value; between two the mean of both.
    pub median: f64,
    /// The least.
    pub low: f64,
    /// The greatest.
    pub high: f64,
    /// Number of runs that measured it.
    pub n: usize,
}

impl Figures {
    /// Adds the output of one run, in the Go benchmark text format; lines `note: …` are kept.
    pub fn add_run(&mut self, output: &str) {
        let run = self.n_runs;
        self.n_runs += 1;
        for note in output.lines().filter_map(|line| line.strip_prefix("note: ")) {
            if !self.notes.iter().any(|known| known == note) {
                self.notes.push(note.to_owned());
            }
        }
        for result in gobench::read(output).results {
            for value in result.values {
                self.put(run, &result.name, &value.unit, value.value);
            }
        }
    }

    fn put(&mut self, run: usize, name: &str, unit: &str, value: f64) {
        if !self.names.iter().any(|known| known == name) {
            self.names.push(name.to_owned());
        }
        let values = self.values.entry((name.to_owned(), unit.to_owned())).or_default();
        values.resize(run + 1, None);
        values[run] = Some(value);
    }

    /// Number of runs added.
    pub fn n_runs(&self) -> usize {
        self.n_runs
    }

    /// What the runs said about how they measured.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The value of one run.
    pub fn value(&self, run: usize, name: &str, unit: &str) -> Option<f64> {
        *self.values.get(&(name.to_owned(), unit.to_owned()))?.get(run)?
    }

    /// The value over all runs; `None` when no run measured it.
    pub fn spread(&self, name: &str, unit: &str) -> Option<Spread> {
        let values = self.values.get(&(name.to_owned(), unit.to_owned()))?;
        Spread::of(values.iter().flatten().copied())
    }

    /// All names and units with their values. Shape: names in the order of the output, units by alphabet.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, Spread)> {
        self.names.iter().flat_map(move |name| {
            let from = (name.clone(), String::new());
            let of_name = self.values.range(from..).take_while(move |((of, _), _)| of == name);
            of_name.filter_map(|((name, unit), values)| {
                Some((name.as_str(), unit.as_str(), Spread::of(values.iter().flatten().copied())?))
            })
        })
    }
}

impl Spread {
    /// The spread of some values; `None` without any.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let (&low, &high) = (sorted.first()?, sorted.last()?);
        let n = sorted.len();
        let median = f64::midpoint(sorted[(n - 1) / 2], sorted[n / 2]);
        Some(Self { median, low, high, n })
    }
}

#[cfg(test)]
mod tests;
