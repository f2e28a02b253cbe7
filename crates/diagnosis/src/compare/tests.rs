#![allow(clippy::unwrap_used)]

use gobench::stats::Outcome;

use super::*;
use crate::source_id;
use evidence::{
    Cost, Frame, Growth, ProcessCpu, ProcessGrowth, Program, SiteCpu, SiteGrowth, Source, Sources,
};

const BUSY: &str = "main.fill";

/// A run of ten seconds: CPU milliseconds in the maps of a function, and growths there.
fn run(map_ms: u64, grows: u64) -> Evidence {
    let cost = |ms: u64| Cost { samples: ms / 10, cpu_ns: ms * 1_000_000 };
    let growth = Growth { grows, moved_entries: 7 * grows, ..Growth::default() };
    let mut cpu = ProcessCpu {
        total: cost(8000),
        duration_ns: Some(10_000_000_000),
        ..ProcessCpu::of(source_id(0))
    };
    cpu.by_op.0[0] = cost(map_ms);
    let frame = Frame { function: BUSY.into(), file: "main.go".into(), line: 7 };
    Evidence {
        sources: Sources::from_iter([Source {
            name: "run".to_owned(),
            kind: SourceKind::Recording,
            summary: String::new(),
        }]),
        program: Program { name: Some("server".to_owned()), ..Program::default() },
        cpu: Some(cpu),
        growth: Some(ProcessGrowth {
            total: growth,
            duration_ns: 10_000_000_000,
            ..ProcessGrowth::of(source_id(0))
        }),
        sites: vec![Site {
            frame,
            cpu: Some(SiteCpu { map: cost(map_ms), ..SiteCpu::default() }),
            growth: Some(SiteGrowth { total: growth, types: Vec::new() }),
            ..Site::default()
        }],
        ..Evidence::default()
    }
}

fn runs(map_ms: [u64; 6], grows: u64) -> Vec<Evidence> {
    map_ms.map(|ms| run(ms, grows)).to_vec()
}

const BEFORE: [u64; 6] = [4000, 4050, 3990, 4020, 4010, 3980];
const AFTER: [u64; 6] = [3000, 3050, 2990, 3020, 3010, 2980];

fn row(rows: &[Row], metric: Metric) -> &Row {
    rows.iter().find(|row| row.metric == metric).unwrap()
}

#[test]
fn says_what_got_better_and_leaves_chance_alone() {
    let comparison = compare(&runs(BEFORE, 500), &runs(AFTER, 0), Per::Second, false).unwrap();
    let in_maps = row(&comparison.process, Metric::MapCpu);
    assert_eq!(in_maps.change.outcome, Outcome::Differs);
    assert_eq!(in_maps.before[0], 400e6, "ns per second");
    assert_eq!(row(&comparison.process, Metric::Cpu).change.outcome, Outcome::MayBeChance);
    let [function] = &*comparison.functions else { panic!("{:?}", comparison.functions) };
    assert_eq!(function.function, BUSY);
    assert_eq!(function.places[0].lines, [7]);
    assert_eq!(row(&function.rows, Metric::MovedEntries).before, [350.0; 6]);
    let grows = row(&function.rows, Metric::Grows).change;
    assert_eq!((grows.outcome, grows.relative()), (Outcome::Differs, Some(-1.0)));
    assert!(comparison.notices.is_empty(), "{:?}", comparison.notices);
}

#[test]
fn a_side_that_lost_a_function_counts_as_zero_and_not_as_unmeasured() {
    let mut gone = runs(AFTER, 0);
    gone.iter_mut().for_each(|run| run.sites.clear());
    let comparison = compare(&runs(BEFORE, 500), &gone, Per::Run, false).unwrap();
    let [function] = &*comparison.functions else { panic!("{:?}", comparison.functions) };
    assert_eq!(function.places[1], Place::default());
    assert_eq!(row(&function.rows, Metric::MapCpu).after, [0.0; 6]);
}

#[test]
fn what_one_side_did_not_measure_is_not_compared() {
    let mut without = runs(AFTER, 0);
    without.iter_mut().for_each(|run| run.growth = None);
    let comparison = compare(&runs(BEFORE, 500), &without, Per::Run, false).unwrap();
    assert!(comparison.process.iter().all(|row| row.metric != Metric::Grows));
    assert_eq!(comparison.notices, [Notice::OneSideOnly(SourceKind::Recording)]);
    without.iter_mut().for_each(|run| run.cpu = None);
    let nothing = compare(&runs(BEFORE, 500), &without, Per::Run, false);
    assert_eq!(nothing.unwrap_err(), Refusal::NothingInCommon);
}

#[test]
fn operations_divide_each_side_by_its_own_number() {
    let per = Per::Operation { before: 1000.0, after: 500.0 };
    let comparison = compare(&runs(BEFORE, 500), &runs(BEFORE, 500), per, false).unwrap();
    let grows = row(&comparison.process, Metric::Grows);
    assert_eq!((grows.before[0], grows.after[0]), (0.5, 1.0));
}

#[test]
fn other_programs_and_builds_are_refused_or_named() {
    let mut other = runs(AFTER, 0);
    other.iter_mut().for_each(|run| run.program.name = Some("client".to_owned()));
    let refused = compare(&runs(BEFORE, 0), &other, Per::Run, false).unwrap_err();
    let (before, after) = ("server".to_owned(), "client".to_owned());
    let expected = Refusal::DifferentPrograms { before: before.clone(), after: after.clone() };
    assert_eq!(refused, expected);
    let comparison = compare(&runs(BEFORE, 0), &other, Per::Run, true).unwrap();
    assert_eq!(comparison.notices, [Notice::OtherProgram { before, after }]);

    let mut builds = runs(BEFORE, 0);
    for (at, run) in builds.iter_mut().enumerate() {
        run.program.build_id = Some(format!("build {}", at % 2));
    }
    let refused = compare(&builds, &runs(AFTER, 0), Per::Run, false).unwrap_err();
    assert_eq!(refused, Refusal::SeveralBuilds { side: "before", n: 2 });
}

#[test]
fn runs_of_different_length_are_said_to_be() {
    let mut longer = runs(BEFORE, 0);
    longer.iter_mut().for_each(|run| run.cpu.as_mut().unwrap().duration_ns = Some(20_000_000_000));
    let comparison = compare(&runs(BEFORE, 0), &longer, Per::Run, false).unwrap();
    let notice = Notice::OtherDuration { before_s: 10.0, after_s: 20.0, per: Per::Run };
    assert_eq!(comparison.notices, [notice]);
}
