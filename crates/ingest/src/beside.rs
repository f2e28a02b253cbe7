//! What samples of `perf` say about sites beside the CPU profile: CPU time that is not added to it, and misses.

use std::collections::HashMap;

use evidence::Evidence;
use evidence::{Cost, CpuAside, Misses, ProcessMisses, Site, SiteCpu, SiteMisses, SourceId};

/// Sums of samples that were not added to the CPU profile.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    pub(crate) cpu: Vec<Sums>,
    /// With the name of the event. Their costs hold events in the place of nanoseconds.
    pub(crate) misses: Vec<(String, Sums)>,
    /// When samples inside map operations were taken, on the clock of traces, and which of them were under growth. Units:
    /// nanoseconds.
    pub(crate) map_times: Vec<(SourceId, Vec<(u64, bool)>)>,
}

/// Samples of one event of one file.
#[derive(Debug)]
pub(crate) struct Sums {
    pub(crate) source: SourceId,
    /// All of the process.
    pub(crate) total: Cost,
    pub(crate) sites: Vec<Site>,
}

impl Beside {
    /// Gives each site its part.
    pub(crate) fn attach(&self, evidence: &mut Evidence) {
        for sums in &self.cpu {
            let by_line = sums.by_line();
            for site in &mut evidence.sites {
                let cost = by_line.get(&(&*site.frame.function, site.frame.line));
                let (map, growth) = cost.map_or_else(Default::default, |cpu| (cpu.map, cpu.growth));
                let (source, total) = (sums.source, sums.total);
                site.cpu_aside.push(CpuAside { source, total, map, growth });
            }
        }
        for (event, sums) in &self.misses {
            let (source, total) = (sums.source, misses(sums.total));
            evidence.misses.push(ProcessMisses { source, event: event.clone(), total });
            let by_line = sums.by_line();
            for site in &mut evidence.sites {
                let cost = by_line.get(&(&*site.frame.function, site.frame.line));
                let (map, by_work) = cost.map_or_else(Default::default, |cpu| {
                    (misses(cpu.map), cpu.by_work.0.map(misses))
                });
                site.misses.push(SiteMisses { source, event: event.clone(), map, by_work });
            }
        }
    }
}

fn misses(cost: Cost) -> Misses {
    Misses { samples: cost.samples, events: cost.cpu_ns }
}

impl Sums {
    fn by_line(&self) -> HashMap<(&str, u32), &SiteCpu> {
        self.sites
            .iter()
            .filter_map(|site| {
                let place = (site.frame.function.as_str(), site.frame.line);
                Some((place, site.cpu.as_ref()?))
            })
            .collect()
    }
}
