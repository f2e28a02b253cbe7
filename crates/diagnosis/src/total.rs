//! What all findings of a report would save together.

use std::collections::BTreeMap;

use crate::finding::{CpuPart, Diagnosis, Finding, Under};

impl Diagnosis {
    /// What is saved when all findings are followed that do not stand instead of another; `None` where fewer than two of
    /// them say what they save.
    ///
    /// Findings of one function save no more than its CPU, and what one leaves of the collector's work is all that the next
    /// can save a part of.
    pub fn total_saving(&self) -> Option<CpuPart> {
        let process = self.evidence.cpu.as_ref()?;
        let adds = |finding: &&Finding| finding.under != Some(Under::Instead);
        let savings: Vec<_> = (self.findings.iter().filter(adds))
            .filter_map(|finding| Some((finding, finding.saving.as_ref()?)))
            .collect();
        if savings.len() < 2 {
            return None;
        }
        let gc = process.gc.share_of(process.total);
        let mut collector = Rest::all_of(gc);
        let mut by_function: BTreeMap<Option<&str>, CpuPart> = BTreeMap::new();
        for (finding, saving) in savings {
            collector.take(saving.collector);
            let own = saving.cpu.without(saving.collector);
            let of_function = by_function.entry(self.function(finding)).or_default();
            *of_function = of_function.plus(own);
        }
        let own = by_function.iter().fold(CpuPart::default(), |sum, (&function, &saved)| {
            sum.plus(saved.at_most(self.share_of(function)))
        });
        Some(own.plus(collector.taken()).at_most(1.0))
    }

    fn function(&self, finding: &Finding) -> Option<&str> {
        Some(&*self.evidence.sites.get(finding.site?)?.frame.function)
    }

    /// All CPU of a function, as a fraction of the process'.
    fn share_of(&self, function: Option<&str>) -> f64 {
        let (Some(process), Some(function)) = (&self.evidence.cpu, function) else { return 1.0 };
        let sites = self.evidence.sites.iter().filter(|site| *site.frame.function == *function);
        let of = |site: &evidence::Site| Some(site.cpu.as_ref()?.function.share_of(process.total));
        // Profiles without the function's own sum do not limit it.
        sites.filter_map(of).reduce(f64::max).filter(|&share| share > 0.0).unwrap_or(1.0)
    }
}

/// What is left of the collector's work. Units: fractions of the process' CPU.
struct Rest {
    all: f64,
    left: CpuPart,
}

impl Rest {
    fn all_of(all: f64) -> Self {
        Self { all, left: CpuPart { low: all, best: all, high: all } }
    }

    fn take(&mut self, saved: CpuPart) {
        if self.all <= 0.0 {
            return;
        }
        let part_left = |saved: f64| (1.0 - saved / self.all).max(0.0);
        self.left.low *= part_left(saved.low);
        self.left.best *= part_left(saved.best);
        self.left.high *= part_left(saved.high);
    }

    fn taken(&self) -> CpuPart {
        let of = |left: f64| self.all - left;
        CpuPart { low: of(self.left.low), best: of(self.left.best), high: of(self.left.high) }
    }
}

impl CpuPart {
    fn without(self, part: Self) -> Self {
        Self { low: self.low - part.low, best: self.best - part.best, high: self.high - part.high }
    }

    fn at_most(self, most: f64) -> Self {
        Self { low: self.low.min(most), best: self.best.min(most), high: self.high.min(most) }
    }
}

#[cfg(test)]
mod tests;
