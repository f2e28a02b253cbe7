//! The sites of each function, for rules that speak of a function once.

use std::collections::HashMap;

use evidence::{Cost, Evidence, Site};

/// Sites by function. Made once for all rules: there can be as many sites in a function as there are in the program.
pub(super) struct Functions<'e> {
    by_name: HashMap<&'e str, FunctionSites<'e>>,
    /// What is below functions that take a lock which goroutines wait for, and that call others to use maps.
    below_locks: HashMap<&'e str, Below<'e>>,
}

/// What is below a function that calls others to use maps.
pub(super) struct Below<'e> {
    /// The site there that costs most: what is said of the function is said there.
    pub(super) first: &'e Site,
    /// Map operations at all of them.
    pub(super) map: Cost,
}

/// The sites of one function.
#[derive(Default)]
pub(super) struct FunctionSites<'e> {
    sites: Vec<&'e Site>,
    map: Cost,
    /// How many sites were handed out.
    #[cfg(test)]
    pub(super) n_seen: std::cell::Cell<usize>,
}

impl<'e> Functions<'e> {
    pub(super) fn of(evidence: &'e Evidence) -> Self {
        let mut by_name: HashMap<&str, FunctionSites<'_>> = HashMap::new();
        let mut below_locks: HashMap<&str, Below<'_>> = HashMap::new();
        for site in &evidence.sites {
            let function = by_name.entry(&site.frame.function).or_default();
            function.sites.push(site);
            if let Some(cpu) = &site.cpu {
                function.map += cpu.map;
                for caller in cpu.callers.iter().filter(|caller| !caller.locks.is_empty()) {
                    let none = Below { first: site, map: Cost::default() };
                    below_locks.entry(&caller.frame.function).or_insert(none).map += caller.map;
                }
            }
        }
        Self { by_name, below_locks }
    }

    /// The function of a site; `None` when the site is of other evidence.
    pub(super) fn get(&self, site: &Site) -> Option<&FunctionSites<'e>> {
        self.by_name.get(&*site.frame.function)
    }

    /// Map operations at the lines of a function itself.
    pub(super) fn map_of(&self, function: &str) -> Cost {
        self.by_name.get(function).map_or(Cost::default(), |of| of.map)
    }

    /// What is below a function that takes a lock which goroutines wait for; `None` for one that calls no other to use maps.
    pub(super) fn below_lock_of(&self, function: &str) -> Option<&Below<'e>> {
        self.below_locks.get(function)
    }
}

impl<'e> FunctionSites<'e> {
    /// All of them, the one that costs most first.
    pub(super) fn sites(&self) -> impl Iterator<Item = &'e Site> {
        self.sites.iter().copied().inspect(|_| self.hands_one_out())
    }

    fn hands_one_out(&self) {
        #[cfg(test)]
        self.n_seen.update(|n| n + 1);
    }

    /// Whether a site is the first of them: what is said of the function is said there.
    pub(super) fn begins_with(&self, site: &Site) -> bool {
        self.sites.first().is_some_and(|first| std::ptr::eq(*first, site))
    }

    /// Map operations at all of them.
    pub(super) fn map(&self) -> Cost {
        self.map
    }
}
