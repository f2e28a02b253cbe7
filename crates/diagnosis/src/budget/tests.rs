#![allow(clippy::unwrap_used)]

use goabi::{GoVersion, MapImpl};
use gomap::GrowKind;

use super::*;
use crate::source_id;
use evidence::{
    Cost, Frame, GrowStep, Growth, Precision, ProcessCpu, ProcessGrowth, Program, Sampled, SiteCpu,
    SiteMap, TypeGrowth,
};

/// A site with 30 % of the CPU and 100 growths a second, from 8 to 16 slots, in Go 1.27.
fn program() -> Evidence {
    let cost = |samples: u64| Cost { samples, cpu_ns: samples * 10_000_000 };
    let total = Growth { grows: 1000, moved_entries: 8000, ..Growth::default() };
    let step = GrowStep {
        kind: GrowKind::SmallToTable,
        before: 8,
        after: 16,
        local_depth: None,
        grows: 1000,
        sampled: Sampled::default(),
        moved_entries: 8000,
    };
    let of_type = TypeGrowth {
        map_type: "map[string]int".to_owned(),
        total,
        steps: vec![step],
        ..TypeGrowth::default()
    };
    let frame = Frame { function: "main.fill".into(), file: "main.go".into(), line: 7 };
    let version = GoVersion::parse("go1.27.3").unwrap();
    Evidence {
        program: Program {
            go_version: Some((version, source_id(0))),
            map_impl: Some((MapImpl::Swiss, source_id(0))),
            ..Program::default()
        },
        cpu: Some(ProcessCpu { total: cost(100), ..ProcessCpu::of(source_id(0)) }),
        growth: Some(ProcessGrowth {
            total,
            duration_ns: 10_000_000_000,
            ..ProcessGrowth::of(source_id(0))
        }),
        sites: vec![Site {
            frame,
            cpu: Some(SiteCpu { map: cost(30), ..SiteCpu::default() }),
            growth: Some(SiteGrowth { total, types: vec![of_type] }),
            ..Site::default()
        }],
        ..Evidence::default()
    }
}

fn check(text: &str, evidence: &Evidence) -> Outcome {
    let mut evidence = evidence.clone();
    evidence.derive_sizes();
    Budget::parse(text).unwrap().check(&evidence)
}

#[test]
fn sites_over_a_limit_are_named_with_the_limit() {
    let text = "\n[[limit]]\nfunction = '^main\\.'\nmax_cpu_percent = 20\nmax_grows_per_second = 100\n\
                max_write_amplification = 1.5\n[[limit]]\nmap_type = 'map\\[string\\]int'\nmax_cpu_percent = 31\n";
    let outcome = check(text, &program());
    assert_eq!(outcome.unchecked, []);
    let [cpu, amplification] = &*outcome.excesses else { panic!("{outcome:?}") };
    assert_eq!((cpu.measure, cpu.line, cpu.site, cpu.limit), (Measure::CpuPercent, 2, 0, 20.0));
    assert!((cpu.value - 30.0).abs() < 1e-9);
    assert_eq!(amplification.measure, Measure::WriteAmplification);
    assert!(amplification.value > 1.5, "{}", amplification.value);
}

#[test]
fn what_cannot_be_checked_is_said_and_not_passed() {
    let text = "[[limit]]\nfunction = 'elsewhere'\nmax_cpu_percent = 1\n[[limit]]\nfunction = 'fill'\nmax_grows_per_second = 1\n";
    let mut evidence = program();
    evidence.growth = None;
    let outcome = check(text, &evidence);
    assert_eq!(outcome.excesses, []);
    let not_measured = Reason::NotMeasured(Measure::GrowsPerSecond);
    assert_eq!(
        outcome.unchecked,
        [
            Unchecked { line: 1, reason: Reason::NoSite },
            Unchecked { line: 4, reason: not_measured }
        ]
    );
}

/// Windows that met no growth at a line say nothing of it.
#[test]
fn no_growth_is_no_measurement_where_not_every_growth_was_counted() {
    let text = |limit: &str| format!("[[limit]]\n{limit}\nmax_grows_per_second = 1000\n");
    let of_function = text("function = 'fill'") + "max_write_amplification = 9\n";
    let reasons = |text: &str, evidence: &Evidence| {
        let outcome = check(text, evidence);
        assert_eq!(outcome.excesses, []);
        outcome.unchecked.iter().map(|of| of.reason).collect::<Vec<_>>()
    };
    let with = |precision, lost| {
        let mut evidence = program();
        let growth = evidence.growth.as_mut().unwrap();
        (growth.precision, growth.lost) = (precision, lost);
        evidence.sites[0].growth = Some(SiteGrowth::default());
        evidence
    };
    assert_eq!(reasons(&of_function, &with(Precision::Exact, 0)), []);
    let not_met = Measure::ALL[1..].iter().map(|&measure| Reason::NotMet(measure));
    let not_met: Vec<Reason> = not_met.collect();
    for (precision, lost) in [
        (Precision::Exact, 1),
        (Precision::EstimatedSite, 0),
        (Precision::Estimated, 0),
        (Precision::LowerBound, 0),
    ] {
        assert_eq!(reasons(&of_function, &with(precision, lost)), not_met, "{precision:?}");
    }
    // A line that only reads cannot grow a map.
    let mut reads = with(Precision::Estimated, 0);
    let callee = "runtime.mapaccess1_faststr".to_owned();
    let map_type = Err("loaded from memory".to_owned());
    reads.sites[0].maps =
        Some(vec![SiteMap { op: MapOp::Read, callee, map_type, is_possible: false }]);
    assert_eq!(reasons(&of_function, &reads), []);
    // Growths of one type say nothing of another at the same line.
    let mut other = program();
    other.growth.as_mut().unwrap().precision = Precision::Estimated;
    let known = &mut other.sites[0].growth.as_mut().unwrap().types;
    known.push(TypeGrowth { map_type: "map[int]int".to_owned(), ..TypeGrowth::default() });
    assert_eq!(reasons(&text("map_type = 'string'"), &other), []);
    let unmet = Reason::NotMet(Measure::GrowsPerSecond);
    assert_eq!(reasons(&text("map_type = 'map.int.int'"), &other), [unmet]);
}

#[test]
fn mistakes_in_the_file_have_their_place() {
    let error = |text: &str| {
        let ParseError { line, column, message } = Budget::parse(text).unwrap_err();
        format!("{line}:{column}: {message}")
    };
    for (text, wanted) in [
        ("[[limit]]\nfunction = 'x'\nmax_cpu = 3\n", "3:1: unknown field `max_cpu`"),
        ("[[limit]]\nfunction = '('\nmax_cpu_percent = 3\n", "2:12: error: unclosed group"),
        ("[[limit]]\nmax_cpu_percent = 3\n", "1:1: say with `function`"),
        ("\n[[limit]]\nfunction = 'x'\n", "2:1: the limit has no number"),
        (
            "[[limit]]\nfunction = 'x'\nmax_cpu_percent = -1.0\n",
            "3:19: a limit is a number from 0 on",
        ),
        ("[[limit]\n", "1:"),
        ("limit = 3\n", "1:9: invalid type"),
    ] {
        let error = error(text);
        assert!(error.starts_with(wanted), "{error}");
    }
    assert!(Budget::parse("").unwrap().limits.is_empty());
}
