//! Where strings are made that may be keys.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::sync::Arc;

use evidence::{Cost, FunctionCost, FunctionId};

/// How many lines before a call the key that it hands on may be made. Basis: a key is made just before it is used.
const LINES_TO_CALL: u32 = 10;

/// What making strings costs.
#[derive(Debug, Default)]
pub(super) struct KeysMade {
    /// By function, at its lines.
    by_line: HashMap<FunctionId, BTreeMap<u32, Cost>>,
    /// By function, at lines that call another which makes them, with its name.
    by_helper: HashMap<FunctionId, Vec<(u32, Arc<str>, Cost)>>,
}

impl KeysMade {
    /// Strings that a line of a function makes, if it does.
    pub(super) fn add(&mut self, function: FunctionId, line: u32, made: Cost) {
        if made != Cost::default() {
            *self.by_line.entry(function).or_default().entry(line).or_default() += made;
        }
    }

    /// Strings that a function makes which is called there.
    pub(super) fn add_helper(
        &mut self,
        function: FunctionId,
        line: u32,
        helper: &Arc<str>,
        made: Cost,
    ) {
        self.by_helper.entry(function).or_default().push((line, Arc::clone(helper), made));
    }

    fn made(&self, function: FunctionId, lines: RangeInclusive<u32>) -> Cost {
        let made = self.by_line.get(&function);
        made.into_iter().flat_map(|made| made.range(lines.clone())).map(|(_, &cost)| cost).sum()
    }

    /// In a function up to a line.
    pub(super) fn made_until(&self, function: FunctionId, line: u32) -> Cost {
        self.made(function, 0..=line)
    }

    /// On a line of a function and just before it.
    pub(super) fn made_near(&self, function: FunctionId, line: u32) -> Cost {
        self.made(function, near(line))
    }

    /// The function called there that makes most.
    pub(super) fn helper(&self, function: FunctionId, line: u32) -> Option<FunctionCost> {
        let mut by_name: BTreeMap<&Arc<str>, Cost> = BTreeMap::new();
        let helpers = self.by_helper.get(&function)?.iter();
        for (_, name, cost) in helpers.filter(|(at, ..)| near(line).contains(at)) {
            *by_name.entry(name).or_default() += *cost;
        }
        let (name, cost) = by_name.into_iter().max_by_key(|(_, cost)| cost.cpu_ns)?;
        Some(FunctionCost { name: Arc::clone(name), cost })
    }
}

/// A line and those just before it.
fn near(line: u32) -> RangeInclusive<u32> {
    line.saturating_sub(LINES_TO_CALL)..=line
}
