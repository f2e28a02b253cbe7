#![allow(clippy::unwrap_used)]

use super::*;
use crate::finding::{Advice, Basis, Cause, Confidence, Level, Reason, Saving};
use crate::source_id;
use evidence::{Cost, Evidence, Frame, ProcessCpu, Site, SiteCpu};

/// 1000 samples, 300 of them of the collector, and a function with 400.
fn diagnosis(savings: &[(&'static str, f64, f64, Option<Under>)]) -> Diagnosis {
    let cost = |samples| Cost { samples, cpu_ns: samples * 10_000_000 };
    let cpu = ProcessCpu { total: cost(1000), gc: cost(300), ..ProcessCpu::of(source_id(0)) };
    let mut evidence = Evidence { cpu: Some(cpu), ..Evidence::default() };
    let mut findings = Vec::new();
    for (at, &(function, own, collector, under)) in savings.iter().enumerate() {
        let frame =
            Frame { function: function.into(), file: "main.go".into(), line: at as u32 + 1 };
        let cpu = Some(SiteCpu { function: cost(400), ..SiteCpu::default() });
        evidence.sites.push(Site { cpu, ..Site::at(frame) });
        let part = |best: f64| CpuPart { low: best / 2.0, best, high: best * 1.5 };
        let (cpu, collector) = (part(own + collector), part(collector));
        let saving = Saving { cpu, collector, basis: Basis::KeptMap, growth: None };
        findings.push(finding(at, under, saving));
    }
    Diagnosis { evidence, findings, not_measured: Vec::new() }
}

fn finding(site: usize, under: Option<Under>, saving: Saving) -> Finding {
    Finding {
        rule: "rule",
        site: Some(site),
        cause: Cause::MapsDropped { with_outer: false },
        advice: Advice::ClearAndReuse { is_local: false },
        under,
        cost: None,
        waiting: None,
        saving: Some(saving),
        confidence: Confidence { level: Level::High, reason: Reason::ShareMeasured },
        evidence: Vec::new(),
    }
}

fn best(savings: &[(&'static str, f64, f64, Option<Under>)]) -> f64 {
    diagnosis(savings).total_saving().unwrap().best
}

fn is_about(value: f64, expected: f64) {
    assert!((value - expected).abs() < 1e-9, "{value} is not {expected}");
}

#[test]
fn the_collector_is_not_saved_twice() {
    // Each saves 0.2 of the collector's 0.3: of what the first leaves the second saves two thirds.
    let both = best(&[("main.a", 0.1, 0.2, None), ("main.b", 0.1, 0.2, None)]);
    is_about(both, 0.2 + 0.3 * (1.0 - 1.0 / 9.0));
}

#[test]
fn a_function_saves_no_more_than_it_costs() {
    let of = |second| best(&[("main.a", 0.3, 0.0, None), (second, 0.3, 0.0, None)]);
    is_about(of("main.a"), 0.4);
    is_about(of("main.b"), 0.6);
}

#[test]
fn what_stands_instead_of_another_is_left_out() {
    let one = ("main.a", 0.1, 0.0, None);
    let instead = ("main.a", 0.2, 0.0, Some(Under::Instead));
    let besides = ("main.a", 0.2, 0.0, Some(Under::Besides));
    is_about(best(&[one, instead, besides]), 0.3);
    // One alone is its own sum.
    assert_eq!(diagnosis(&[one, instead]).total_saving(), None);
    assert_eq!(diagnosis(&[]).total_saving(), None);
}
