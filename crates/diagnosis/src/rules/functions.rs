//! The sites of each function, for rules that speak of a function once.

use std::collections::HashMap;

use evidence::{Cost, Evidence, Site};

/// Sites by function. Made once for all rules: there can be as many sites in a function as there are in the program.
pub(super) struct Functions<'e>(HashMap<&'e str, FunctionSites<'e>>);

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
        for site in &evidence.sites {
            let function = by_name.entry(&site.frame.function).or_default();
            function.sites.push(site);
            if let Some(cpu) = &site.cpu {
                function.map += cpu.map;
            }
        }
        Self(by_name)
    }

    /// The function of a site; `None` when the site is of other evidence.
    pub(super) fn get(&self, site: &Site) -> Option<&FunctionSites<'e>> {
        self.0.get(&*site.frame.function)
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
