//! The columns of the table of sites: what each holds of a site, and how that is shown, the same in every output.

use evidence::{Alloc, Cost, Evidence, Site, SiteCpu};

use crate::numbers::{bytes, count, missing, percent};

/// A column of numbers.
pub(crate) struct Column {
    /// Above it where there is little room.
    pub short: &'static str,
    pub name: &'static str,
    /// Units: characters.
    pub width: usize,
    of: Measure,
}

enum Measure {
    /// Nanoseconds; shown as a part of the process' CPU time.
    Cpu(fn(&SiteCpu) -> Cost),
    /// Bytes.
    Heap(fn(&Alloc) -> Option<u64>),
}

/// From left to right. Rows are in the order of the first, the greatest number first. JSON has the same numbers in each
/// site, in the same units.
pub(crate) const COLUMNS: [Column; 4] = [
    Column { short: "in maps", name: "in maps", width: 8, of: Measure::Cpu(|cpu| cpu.map) },
    Column { short: "line", name: "whole line", width: 8, of: Measure::Cpu(|cpu| cpu.line) },
    Column { short: "growth", name: "growth", width: 8, of: Measure::Cpu(|cpu| cpu.growth) },
    Column {
        short: "allocated",
        name: "allocated",
        width: 10,
        of: Measure::Heap(|total| total.alloc_bytes),
    },
];

/// What a column has of a site.
pub(crate) enum Cell {
    Value {
        /// As in JSON.
        n: u64,
        text: String,
        /// What it rests on.
        note: Option<String>,
    },
    /// Why there is none.
    None(&'static str),
}

impl Column {
    pub(crate) fn cell(&self, site: &Site, evidence: &Evidence) -> Cell {
        match self.of {
            Measure::Cpu(cost) => match (&site.cpu, &evidence.cpu) {
                (Some(cpu), Some(process)) => {
                    let cost = cost(cpu);
                    Cell::Value {
                        n: cost.cpu_ns,
                        text: percent(cost.share_of(process.total)),
                        note: Some(format!("{} samples", count(cost.samples))),
                    }
                }
                _ => Cell::None(missing(evidence.cpu.is_some())),
            },
            Measure::Heap(size) => match site.heap.as_ref().and_then(|heap| size(&heap.total)) {
                Some(n) => Cell::Value { n, text: bytes(n), note: None },
                None => {
                    let whole = evidence.heap.as_ref().and_then(|heap| size(&heap.total));
                    Cell::None(missing(whole.is_some()))
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use evidence::{ProcessCpu, SiteHeap, Source, SourceKind, Sources};

    use super::*;
    use crate::json::Site as SiteReport;

    /// Where JSON has the number of each column in a site; the last part names the unit.
    const IN_JSON: [&str; COLUMNS.len()] =
        ["/cpu/map_ns", "/cpu/line_ns", "/cpu/growth/cpu_ns", "/heap/total/alloc_bytes"];

    fn cost(samples: u64) -> Cost {
        Cost { samples, cpu_ns: 10 * samples }
    }

    /// Evidence of a CPU profile.
    fn profiled(total: Cost) -> Evidence {
        let (name, summary) = (String::new(), String::new());
        let source = Sources::default().add(Source { name, kind: SourceKind::Cpu, summary });
        let cpu = Some(ProcessCpu { total, ..ProcessCpu::of(source) });
        Evidence { cpu, ..Evidence::default() }
    }

    #[test]
    fn json_has_the_number_of_each_column() {
        let cpu = SiteCpu { map: cost(1), line: cost(2), growth: cost(3), ..SiteCpu::default() };
        let total = Alloc { alloc_bytes: Some(4096), ..Alloc::default() };
        let heap = SiteHeap { total, ..SiteHeap::default() };
        let site = Site { cpu: Some(cpu), heap: Some(heap), ..Site::default() };
        let evidence = profiled(cost(100));
        let report = serde_json::to_value(SiteReport::from(&site)).expect("JSON");
        let mut shown = Vec::new();
        for (column, pointer) in COLUMNS.iter().zip(IN_JSON) {
            let Cell::Value { n, text, .. } = column.cell(&site, &evidence) else { continue };
            assert_eq!(report.pointer(pointer), Some(&n.into()), "{}", column.name);
            shown.push(text);
        }
        assert_eq!(shown, ["1.0 %", "2.0 %", "3.0 %", "4.0 KiB"]);
    }

    #[test]
    fn what_was_not_measured_is_told_from_what_was_not_seen() {
        let cells = |evidence: &Evidence| {
            COLUMNS.map(|column| match column.cell(&Site::default(), evidence) {
                Cell::Value { text, .. } => panic!("{text}"),
                Cell::None(why) => why,
            })
        };
        assert_eq!(cells(&Evidence::default()), ["not measured"; 4]);
        let evidence = profiled(cost(0));
        let seen = "none sampled";
        assert_eq!(cells(&evidence), [seen, seen, seen, "not measured"]);
    }
}
