#![allow(clippy::unwrap_used)]

mod causes;
mod registry;
mod savings;
mod sources;

use goabi::{GoVersion, MapImpl, MapOp, Nested};
use gomap::{Category, GrowKind, MapWork};

use super::{RULES, diagnose};
use crate::finding::{
    Advice, Amount, Cause, Diagnosis, Entries, EvidenceLine, Gap, GrowthSaving, KnownFrom, Level,
    Makes, NoMakes, Span, Spent, Visits, Within,
};
use crate::{Verdict, source_id};
use evidence::sizes::{NoSizes, Size};
use evidence::*;

/// A program under test: 1000 samples of 10 ms, Go 1.27, nothing measured yet.
fn program(version: &str) -> Evidence {
    let version = GoVersion::parse(version).unwrap();
    let map_impl = if version.minor >= 24 { MapImpl::Swiss } else { MapImpl::Classic };
    let source = |name: &str, kind| Source { name: name.to_owned(), kind, summary: String::new() };
    Evidence {
        sources: Sources::from_iter([
            source("cpu.pprof", SourceKind::Cpu),
            source("heap.pprof", SourceKind::Heap),
            source("server", SourceKind::Binary),
        ]),
        program: Program {
            go_version: Some((version, source_id(2))),
            map_impl: Some((map_impl, source_id(2))),
            ..Program::default()
        },
        cpu: Some(ProcessCpu { total: cost(1000), ..ProcessCpu::of(source_id(0)) }),
        ..Evidence::default()
    }
}

fn cost(samples: u64) -> Cost {
    Cost { samples, cpu_ns: samples * 10_000_000 }
}

/// A site with its map cost as operation, category, samples.
fn site(line: u32, parts: &[(MapOp, Category, u64)]) -> Site {
    let mut cpu = SiteCpu::default();
    for &(op, category, samples) in parts {
        cpu.map += cost(samples);
        cpu.by_op.add(op, cost(samples));
        cpu.split.add(category, cost(samples));
        match category {
            Category::GrowthMove | Category::GrowthMemory => cpu.growth += cost(samples),
            Category::Hash => cpu.by_work.add(MapWork::Hash, cost(samples)),
            Category::Probe => cpu.by_work.add(MapWork::Load, cost(samples)),
            _ => {}
        }
    }
    cpu.line = cpu.map;
    let frame = Frame { function: "main.fill".into(), file: "main.go".into(), line };
    Site { cpu: Some(cpu), ..Site::at(frame) }
}

/// What a test says of a line.
trait Told {
    fn leaf(self, name: &str, samples: u64) -> Self;
    fn uses(self, op: MapOp, map_type: MapType) -> Self;
    /// Code takes its maps out of maps of maps.
    fn held(self) -> Self;
    /// Array allocations as room for entries and their number; 100 bytes each.
    fn arrays(self, rungs: &[(u64, u64)], inuse_bytes: u64) -> Self;
}

impl Told for Site {
    fn leaf(mut self, name: &str, samples: u64) -> Self {
        let leaf = FunctionCost { name: name.into(), cost: cost(samples) };
        self.cpu.as_mut().unwrap().leaves.push(leaf);
        self
    }

    fn uses(mut self, op: MapOp, map_type: MapType) -> Self {
        let (callee, map_type) = ("runtime.mapassign".to_owned(), Ok(map_type));
        let map = SiteMap { op, callee, map_type, is_possible: false };
        self.maps.get_or_insert_default().push(map);
        self
    }

    fn held(mut self) -> Self {
        self.holders.push(outer());
        self
    }

    fn arrays(mut self, rungs: &[(u64, u64)], inuse_bytes: u64) -> Self {
        let heap = self.heap.get_or_insert_default();
        for &(capacity, alloc_objects) in rungs {
            let alloc = Alloc {
                alloc_objects: Some(alloc_objects),
                alloc_bytes: Some(alloc_objects * 100),
                inuse_objects: Some(0),
                inuse_bytes: Some(inuse_bytes),
            };
            heap.total += alloc;
            heap.blocks.push(Block { block_bytes: capacity, alloc, map_capacity: Some(capacity) });
        }
        self
    }
}

fn string_part() -> TypePart {
    TypePart { name: "string".to_owned(), size: 16, has_pointers: true, is_interface: false }
}

fn map_of(key: TypePart, elem: TypePart) -> MapType {
    let nested = if elem.name.starts_with("map[") { Nested::Direct } else { Nested::No };
    let name = format!("map[{}]{}", key.name, elem.name);
    MapType { name, key, elem, nested, group_bytes: 200 }
}

fn inner() -> MapType {
    let int =
        TypePart { name: "int".to_owned(), size: 8, has_pointers: false, is_interface: false };
    map_of(string_part(), int)
}

fn outer() -> MapType {
    let elem = TypePart { name: inner().name, size: 8, has_pointers: true, is_interface: false };
    map_of(string_part(), elem)
}

/// Sums the sites into the process and diagnoses.
fn run(mut evidence: Evidence, sites: Vec<Site>) -> Diagnosis {
    if let Some(process) = &mut evidence.cpu {
        for cpu in sites.iter().filter_map(|site| site.cpu.as_ref()) {
            process.growth += cpu.growth;
            MapOp::ALL.into_iter().for_each(|op| process.by_op.add(op, cpu.by_op.get(op)));
        }
    }
    let mut total = Alloc::default();
    sites.iter().filter_map(|site| site.heap.as_ref()).for_each(|heap| total += heap.total);
    if sites.iter().any(|site| site.heap.is_some()) {
        let sources = source_id(1).into();
        evidence.heap = Some(ProcessHeap { sources, total, bytes_per_sample: Some(1) });
    }
    evidence.map_types = vec![inner(), outer()];
    evidence.sites = sites;
    evidence.derive_sizes();
    diagnose(evidence)
}

/// "rule verdict level" of each finding, in order.
fn summary(diagnosis: &Diagnosis) -> Vec<String> {
    let line =
        |f: &crate::Finding| format!("{} {:?} {:?}", f.rule, f.verdict(), f.confidence.level);
    diagnosis.findings.iter().map(line).collect()
}

fn check(evidence: Evidence, sites: Vec<Site>, expected: &[&str]) -> Diagnosis {
    let diagnosis = run(evidence, sites);
    assert_eq!(summary(&diagnosis), expected);
    for finding in &diagnosis.findings {
        let rule = RULES.iter().find(|rule| rule.name == finding.rule).unwrap();
        assert!(rule.verdicts.contains(&finding.verdict()), "{finding:?}");
        assert!(!finding.evidence.is_empty(), "{finding:?}");
    }
    diagnosis
}

/// What maps inside others of this program do.
fn inner_maps_grow() -> Cause {
    Cause::InnerMapsGrow { inner: inner().name, outer: outer().name }
}

/// How many entries the maps are said to end with.
fn entries(finding: &crate::Finding) -> Option<Entries> {
    let Advice::Presize { entries, .. } = finding.advice else { panic!("{finding:?}") };
    entries
}

/// No line is known that makes such maps.
fn not_made(map_type: Option<String>, because: NoMakes) -> Makes {
    let no_makes_because = Some(because);
    Makes {
        map_type,
        makes: Vec::new(),
        hinted: Vec::new(),
        makes_are_counted: false,
        are_traced: false,
        is_inner: false,
        no_makes_because,
    }
}

/// Lines at which a hint should be given, and whether a heap profile counted what is made there.
fn makes(finding: &crate::Finding) -> (Vec<u32>, bool) {
    let Advice::Presize { made, .. } = &finding.advice else { panic!("{finding:?}") };
    assert_eq!(made.makes.is_empty(), made.no_makes_because.is_some());
    (made.makes.iter().map(|make| make.line).collect(), made.makes_are_counted)
}

use Category::{Create, GrowthMemory, GrowthMove, Hash, Probe, Read};
use MapOp::{Assign, Delete};

const GROWING: &[(MapOp, Category, u64)] =
    &[(Assign, Probe, 200), (Assign, GrowthMove, 200), (Assign, GrowthMemory, 100)];
const FINE: &str = "growth-is-not-the-problem LeaveAlone High";
const STEADY: &[(MapOp, Category, u64)] = &[(Assign, Probe, 450), (Assign, Hash, 50)];

#[test]
fn growth_asks_for_a_hint_and_says_what_it_does_not_know() {
    let mut evidence = program("go1.27.3");
    evidence.cpu.as_mut().unwrap().gc = cost(50);
    let d = check(evidence, vec![site(1, GROWING)], &["growth-dominates Presize Medium"]);
    let finding = &d.findings[0];
    let unknown =
        Advice::Presize { made: not_made(None, NoMakes::NotSeen), n: None, entries: None };
    assert_eq!(finding.advice, unknown);
    assert_eq!(finding.cost, Some(cost(300)));
    let saving = finding.saving.clone().unwrap();
    // 20 % in moving entries and a tenth of that, half of 10 % in new arrays, and twice the standard error; at most a little less
    // searching, too.
    assert!((saving.cpu.best - 0.27).abs() < 1e-9, "{saving:?}");
    assert!((saving.cpu.high - 0.4221).abs() < 1e-4, "{saving:?}");
    assert!((saving.cpu.low - 0.0619).abs() < 1e-4, "{saving:?}");
    assert_eq!(saving.growth, None, "no sizes were measured");
}

#[test]
fn without_a_binary_it_is_not_known_where_a_map_is_made() {
    let evidence = Evidence {
        sources: Sources::from_iter([Source {
            name: "cpu.pprof".to_owned(),
            kind: SourceKind::Cpu,
            summary: String::new(),
        }]),
        program: Program::default(),
        ..program("go1.27.3")
    };
    let d = run(evidence, vec![site(1, GROWING)]);
    let made = not_made(None, NoMakes::NoBinary);
    assert_eq!(d.findings[0].advice, Advice::Presize { made, n: None, entries: None });
}

#[test]
fn growth_that_is_a_part_of_the_cost_is_named_with_the_rest() {
    let of = |growth, hash, probe| {
        site(1, &[(Assign, GrowthMove, growth), (Assign, Hash, hash), (Assign, Probe, probe)])
    };
    let named = ["growth-is-a-part Presize Medium"];
    let d = check(program("go1.24.11"), vec![of(100, 150, 250)], &named);
    assert_eq!(d.findings[0].cause, Cause::GrowthIsAPart { most: Spent::Searching });
    assert_eq!(d.findings[0].cost, Some(cost(100)));
    let labels: Vec<&str> = d.findings[0].evidence.iter().map(|line| &line.what[..]).collect();
    let rest = ["of that searching groups or buckets", "of that hashing keys"];
    assert!(labels.ends_with(&rest), "{labels:?}");
    // Sizes that are known do not make more of it.
    let known = of(120, 140, 240).uses(Assign, inner()).arrays(&[(8, 90), (14, 90)], 100_000);
    check(program("go1.24.11"), vec![known], &[named[0], "full-small-maps Replace Low"]);
    let known =
        of(120, 140, 240).uses(Assign, inner()).arrays(&[(8, 90), (14, 90), (28, 90)], 100_000);
    let d = check(program("go1.24.11"), vec![known], &named);
    assert_eq!(entries(&d.findings[0]).unwrap().known_from, KnownFrom::HeapProfile);
    check(program("go1.24.11"), vec![of(125, 275, 100)], &["growth-dominates Presize Medium"]);
    let fine = "growth-is-not-the-problem LeaveAlone High";
    check(program("go1.24.11"), vec![of(49, 170, 281)], &[fine]);
    // A part of the line, but not of the program: no hint is worth it.
    check(program("go1.24.11"), vec![of(19, 40, 80)], &[]);
}

#[test]
fn sizes_in_the_heap_profile_make_the_hint_concrete() {
    let filled = site(1, GROWING)
        .uses(Assign, inner())
        .held()
        .arrays(&[(8, 900), (14, 900), (28, 850), (56, 20)], 100_000);
    let d = check(program("go1.27.3"), vec![filled], &["growth-dominates Presize High"]);
    let usual = Size { at_least: 15, room: 28 };
    let known_from = KnownFrom::HeapProfile;
    let small_are_counted = true;
    let expected =
        Entries { known_from, small_are_counted, p25: usual, p50: usual, p95: Some(usual) };
    assert_eq!(entries(&d.findings[0]), Some(expected));
    assert_eq!(d.findings[0].cause, inner_maps_grow());
    let wasted = d.findings[0]
        .evidence
        .iter()
        .find(|line| line.what.contains("10 times too large"))
        .unwrap();
    // A hint of 280 takes 64 groups of 200 bytes in a block of 13,568; one of 28 takes 4 groups in 896.
    assert_eq!(wasted.amount, crate::finding::Amount::Bytes(13_568 - 896));
}

/// The program of these tests has a type of maps that hold such maps: that does not say that these are held.
#[test]
fn maps_are_in_others_only_where_code_puts_them_there() {
    let filled = site(1, GROWING).uses(Assign, inner());
    let causes = |site| run(program("go1.27.3"), vec![site]).findings.remove(0).cause;
    assert_eq!(causes(filled.clone()), Cause::MapGrows);
    assert_eq!(causes(filled.held()), inner_maps_grow());
    let parts = [(Assign, Create, 200), (Assign, Probe, 200)];
    let tiny = site(1, &parts).uses(Assign, inner()).arrays(&[(8, 950), (14, 20)], 100_000);
    let d = run(program("go1.27.3"), vec![tiny]);
    assert!(d.findings.iter().all(|f| f.rule != "small-inner-maps"));
}

#[test]
fn tables_of_a_split_map_are_not_taken_for_its_size() {
    let ladder = [8, 14, 28, 56, 112, 224, 448].map(|room| (room, 30));
    let mut filled = site(1, GROWING).uses(Assign, inner());
    filled = filled.arrays(&ladder, 100_000).arrays(&[(896, 30 * 231)], 100_000);
    let d = run(program("go1.27.3"), vec![filled]);
    assert_eq!(entries(&d.findings[0]), None, "only their mean is known");
    let mean = d.findings[0].evidence.iter().find(|line| line.what.ends_with("on average"));
    assert_eq!(mean.unwrap().amount, Amount::Count(116 * 896));
}

/// A sample of a small array stands for hundreds.
#[test]
fn few_samples_of_arrays_say_no_sizes() {
    let mut evidence = program("go1.27.3");
    evidence.cpu.as_mut().unwrap().gc = cost(50);
    let filled = site(1, GROWING).uses(Assign, inner()).arrays(&[(14, 9), (28, 9)], 100_000);
    let d = check(evidence, vec![filled], &["growth-dominates Presize Medium"]);
    let finding = &d.findings[0];
    assert_eq!(entries(finding), None);
    let says_why = |line: &EvidenceLine| line.amount == Amount::NoSizes(NoSizes::FewBlocks);
    assert!(finding.evidence.iter().any(says_why), "{:?}", finding.evidence);
}

#[test]
fn the_line_that_makes_as_many_maps_is_named() {
    let mut evidence = program("go1.27.3");
    let make = |line| Frame { function: "main.fill".into(), file: "/src/main.go".into(), line };
    let made =
        |line| MakeSite { frame: make(line), map_type: None, has_hint: false, is_local: false };
    evidence.makes = [7, 9].map(made).into();
    let filled = site(1, GROWING).uses(Assign, inner()).arrays(&[(8, 900), (14, 900)], 1000);
    let mut made = site(9, &[]).arrays(&[(48, 890)], 10);
    made.cpu = None;
    made.frame = make(9);
    let d = run(evidence, vec![filled, made]);
    assert_eq!(makes(&d.findings[0]), (vec![9], true));
}

#[test]
fn a_line_is_named_only_if_this_map_can_be_made_there() {
    let frame = |line| Frame { function: "main.fill".into(), file: "/src/main.go".into(), line };
    let place = |made: &[(u32, Option<&str>)], hints: &[(u32, u64)]| {
        let mut evidence = program("go1.27.3");
        evidence.makes = made
            .iter()
            .map(|&(line, name)| MakeSite {
                frame: frame(line),
                map_type: name.map(str::to_owned),
                has_hint: name.is_some(),
                is_local: false,
            })
            .collect();
        let hinted = |&(line, hint)| HintedMakes {
            frame: frame(line),
            map_type: inner().name,
            n: 10,
            sum_hints: 10 * hint,
        };
        evidence.hints = hints.iter().map(hinted).collect();
        let (lines, are_counted) =
            makes(&run(evidence, vec![site(1, GROWING).uses(Assign, inner())]).findings[0]);
        assert!(!are_counted, "there is no heap profile");
        lines
    };
    let name = inner().name;
    let nowhere: [u32; 0] = [];
    assert_eq!(place(&[], &[]), nowhere);
    assert_eq!(place(&[(7, None)], &[]), [7]);
    assert_eq!(place(&[(7, None), (9, None)], &[]), nowhere, "they may make different maps");
    assert_eq!(place(&[(7, Some(&name))], &[]), nowhere, "it has a hint");
    assert_eq!(place(&[(7, Some(&name))], &[(7, 200)]), nowhere);
    assert_eq!(place(&[(7, Some(&name))], &[(7, 0)]), nowhere, "it has one, whatever it was");
    assert_eq!(place(&[(7, None), (9, Some("map[int]bool"))], &[]), [7]);
}

/// Where the machine code shows where a map is made, other lines are not named, whatever they make.
#[test]
fn a_line_that_the_code_shows_is_named_alone() {
    let frame = |line| Frame { function: "main.fill".into(), file: "/src/main.go".into(), line };
    let make = |line, has_hint| MakeSite {
        frame: frame(line),
        map_type: Some(inner().name),
        has_hint,
        is_local: false,
    };
    let told = |made: Vec<MakeSite>| {
        let mut evidence = program("go1.27.3");
        evidence.makes = vec![make(7, false), make(9, false), make(11, true)];
        let filled = Site { made, ..site(1, GROWING).uses(Assign, inner()) };
        let d = run(evidence, vec![filled]);
        let Advice::Presize { made, .. } = &d.findings[0].advice else { panic!("{d:?}") };
        let lines = |frames: &[Frame]| frames.iter().map(|of| of.line).collect::<Vec<_>>();
        (lines(&made.makes), lines(&made.hinted), made.are_traced, made.no_makes_because)
    };
    assert_eq!(told(vec![make(9, false)]), (vec![9], vec![], true, None));
    let hinted = told(vec![make(11, true)]);
    assert_eq!(hinted, (vec![], vec![11], true, Some(NoMakes::NotSeen)));
    let both = told(vec![make(9, false), make(11, true)]);
    assert_eq!(both, (vec![9], vec![11], true, None));
    assert_eq!(told(vec![]), (vec![], vec![], false, Some(NoMakes::SeveralLines)));
}

/// Whether or not a recording met its hint.
#[test]
fn a_line_that_makes_the_map_with_a_hint_is_named_as_one() {
    let frame = Frame { function: "main.fill".into(), file: "/src/main.go".into(), line: 7 };
    let hinted = |hints: &[u64]| {
        let mut evidence = program("go1.27.3");
        let map_type = Some(inner().name);
        evidence.makes =
            vec![MakeSite { frame: frame.clone(), map_type, has_hint: true, is_local: false }];
        let hint = |&sum_hints: &u64| {
            let (frame, map_type) = (frame.clone(), inner().name);
            HintedMakes { frame, map_type, n: 1, sum_hints }
        };
        evidence.hints = hints.iter().map(hint).collect();
        let d = run(evidence, vec![site(1, GROWING).uses(Assign, inner())]);
        let Advice::Presize { made, .. } = &d.findings[0].advice else { panic!("{d:?}") };
        made.hinted.clone()
    };
    assert_eq!(hinted(&[]), std::slice::from_ref(&frame));
    assert_eq!(hinted(&[200]), std::slice::from_ref(&frame));
    assert_eq!(hinted(&[0]), std::slice::from_ref(&frame));
}

#[test]
fn few_samples_are_weak_and_very_few_say_nothing() {
    let few = [(Assign, Probe, 30), (Assign, GrowthMove, 19)];
    let mut evidence = program("go1.27.3");
    evidence.cpu.as_mut().unwrap().total = cost(100);
    check(evidence.clone(), vec![site(1, &few)], &["growth-dominates Presize Low"]);
    let very_few = [(Assign, Probe, 2), (Assign, GrowthMove, 2)];
    check(evidence, vec![site(1, &very_few)], &["below-threshold LeaveAlone Low"]);
}

#[test]
fn too_few_samples_leave_nothing_alone() {
    let of = |n| {
        let mut evidence = program("go1.27.3");
        evidence.cpu.as_mut().unwrap().total = cost(n);
        evidence
    };
    check(of(11), vec![], &[]);
    check(of(30), vec![], &["below-threshold LeaveAlone Low"]);
    check(of(100), vec![], &["below-threshold LeaveAlone High"]);
}

#[test]
fn a_hot_write_without_growth_is_left_alone() {
    let d = check(
        program("go1.27.3"),
        vec![site(1, STEADY)],
        &["growth-is-not-the-problem LeaveAlone High"],
    );
    assert_eq!(d.findings[0].cause, Cause::NotGrowing { most: Spent::Searching });
}

#[test]
fn maps_that_cost_little_are_left_alone_as_a_whole() {
    check(
        program("go1.27.3"),
        vec![site(1, &[(Assign, GrowthMove, 10)])],
        &["below-threshold LeaveAlone High"],
    );
}

/// 3 % of the process in growth, less than 5 % in maps.
#[test]
fn the_process_is_not_left_alone_beside_a_line_that_is_not() {
    let mut evidence = program("go1.27.3");
    evidence.cpu.as_mut().unwrap().gc = cost(5);
    let growing = site(1, &[(Assign, Probe, 1), (Assign, GrowthMove, 30)]);
    let d = check(evidence, vec![growing], &["growth-dominates Presize Medium"]);
    assert!((d.findings[0].saving.clone().unwrap().cpu.best - 0.033).abs() < 1e-9);
}

#[test]
fn a_cost_spread_over_many_lines_is_left_alone_as_a_whole() {
    let sites = (1..=10).map(|line| site(line, &[(Assign, GrowthMove, 19)])).collect();
    check(program("go1.27.3"), sites, &["spread-thin LeaveAlone High"]);
}

#[test]
fn reads_dominate_when_there_are_twice_as_many() {
    let reads = [(MapOp::Read, Read, 90), (Assign, Probe, 45)];
    let sites = (1..=4).map(|line| site(line, &reads)).collect();
    let expected = ["reads-dominate LeaveAlone High", FINE, FINE, FINE, FINE];
    check(program("go1.27.3"), sites, &expected);
}

#[test]
fn a_full_small_map_is_a_trap_of_three_versions_only() {
    let filled = || site(1, GROWING).uses(Assign, inner()).arrays(&[(8, 900), (14, 850)], 100_000);
    // A hint helps too where they hold 9 to 14 entries, so it comes first.
    let both = ["growth-dominates Presize High", "full-small-maps Replace Low"];
    check(program("go1.25.5"), vec![filled()], &both);
    check(program("go1.27.3"), vec![filled()], &["growth-dominates Presize High"]);
    // Classic maps have no such array, so that their sizes are not known from it.
    check(program("go1.23.9"), vec![filled()], &["growth-dominates Presize Medium"]);
}

#[test]
fn a_pending_growth_is_seen_where_a_classic_map_is_only_read() {
    let read = || site(1, &[(MapOp::Read, Read, 300)]).leaf("runtime.evacuated", 60);
    let d = run(program("go1.23.9"), vec![read()]);
    assert_eq!(d.findings[0].rule, "pending-evacuation");
    let Advice::FinishGrowth { made, .. } = &d.findings[0].advice else { panic!("{d:?}") };
    assert_eq!(*made, not_made(None, NoMakes::NotSeen));
    let by_chance = site(1, &[(MapOp::Read, Read, 50)]).leaf("runtime.evacuated", 4);
    let d = run(program("go1.23.9"), vec![by_chance]);
    assert!(d.findings.iter().all(|f| f.verdict() == Verdict::LeaveAlone));
    let d = run(program("go1.27.3"), vec![read()]);
    assert!(d.findings.iter().all(|f| f.verdict() == Verdict::LeaveAlone));
}

#[test]
fn small_inner_maps_made_all_the_time_are_flattened_with_low_confidence() {
    let parts = [(Assign, Create, 200), (Assign, Probe, 200)];
    let tiny = || site(1, &parts).uses(Assign, inner()).held();
    let d = check(
        program("go1.27.3"),
        vec![tiny().arrays(&[(8, 950), (14, 20)], 100_000)],
        &["small-inner-maps Flatten Low"],
    );
    let Advice::Flatten { outer_key, inner_key, .. } = &d.findings[0].advice else {
        panic!("{:?}", d.findings[0])
    };
    assert_eq!([outer_key, inner_key], ["string", "string"]);
    // Half of them grow on: not small.
    let d = run(program("go1.27.3"), vec![tiny().arrays(&[(8, 500), (14, 450)], 100_000)]);
    assert!(d.findings.iter().all(|f| f.rule != "small-inner-maps"));
    // Sizes not measured: nothing is said about them.
    assert!(
        run(program("go1.27.3"), vec![tiny()])
            .findings
            .iter()
            .all(|f| f.rule != "small-inner-maps")
    );
}

#[test]
fn two_levels_on_one_line_without_growth_stay_nested() {
    let line = site(1, STEADY).uses(MapOp::Read, outer()).uses(Assign, inner()).held();
    let d = check(program("go1.27.3"), vec![line], &["keep-nested LeaveAlone Medium"]);
    assert_eq!(d.findings[0].advice, Advice::KeepNested { outer: outer().name });
}

#[test]
fn a_type_that_generic_code_may_mean_is_not_taken_for_the_one() {
    let mut filled = site(1, GROWING).uses(Assign, inner()).held();
    filled.maps.as_mut().unwrap()[0].is_possible = true;
    let finding = run(program("go1.27.3"), vec![filled]).findings.remove(0);
    assert_eq!(finding.cause, Cause::MapGrows);
    let Advice::Presize { made, .. } = finding.advice else { panic!("{finding:?}") };
    assert_eq!(made.map_type, None);
}

#[test]
fn interface_keys_are_seen_in_the_type_or_in_the_hash_function() {
    let any = TypePart {
        name: "interface {}".to_owned(),
        size: 16,
        has_pointers: true,
        is_interface: true,
    };
    let typed = |n| {
        site(1, STEADY)
            .uses(Assign, map_of(any.clone(), string_part()))
            .leaf("runtime.memhash64", n)
    };
    check(program("go1.27.3"), vec![typed(20)], &["interface-keys ChangeKey Medium"]);
    check(program("go1.27.3"), vec![typed(100)], &["interface-keys ChangeKey High"]);
    // Too few samples in what another key would make cheaper.
    check(program("go1.27.3"), vec![typed(19)], &["growth-is-not-the-problem LeaveAlone High"]);
    let hashed = site(1, STEADY).leaf("runtime.nilinterhash", 40);
    check(program("go1.27.3"), vec![hashed], &["interface-keys ChangeKey Medium"]);
    // Comparing goes through the dynamic type too.
    let mut comparing = typed(5);
    comparing.cpu.as_mut().unwrap().by_work.add(MapWork::Compare, cost(95));
    check(program("go1.27.3"), vec![comparing], &["interface-keys ChangeKey High"]);
    // Nobody can give a sync.Map other keys.
    let synced =
        site(1, &[(MapOp::Sync, Category::OtherMap, 400)]).leaf("runtime.nilinterhash", 40);
    check(program("go1.27.3"), vec![synced], &[FINE]);
}

#[test]
fn hashing_is_the_matter_from_a_third_on_and_not_under_growth() {
    let parts = [(Assign, Hash, 200), (Assign, Probe, 200)];
    let hashed =
        site(1, &parts).uses(Assign, inner()).leaf("internal/runtime/maps.memHashAES", 200);
    check(program("go1.27.3"), vec![hashed], &["hash-bound-keys ChangeKey Medium"]);
    let growing = site(1, GROWING).leaf("aeshashbody", 200);
    check(program("go1.21.13"), vec![growing], &["growth-dominates Presize Medium"]);
}

#[test]
fn keys_more_expensive_than_the_map_are_the_matter() {
    let mut line = site(1, STEADY);
    line.cpu.as_mut().unwrap().function_key_conversion = cost(501);
    let d = check(program("go1.27.3"), vec![line.clone()], &["key-building ChangeKey Medium"]);
    assert_eq!(d.findings[0].cost, Some(cost(501)));
    line.cpu.as_mut().unwrap().function_key_conversion = cost(499);
    check(program("go1.27.3"), vec![line], &["growth-is-not-the-problem LeaveAlone High"]);
}

fn map_of_slices() -> MapType {
    let elem =
        TypePart { name: "[]string".to_owned(), size: 24, has_pointers: true, is_interface: false };
    map_of(string_part(), elem)
}

/// A line that writes a map, with samples in growing slices of its function, and of its own.
fn appending(of_line: u64, of_function: u64) -> Site {
    let mut site = site(1, &[(Assign, Probe, 150)]);
    let cpu = site.cpu.as_mut().unwrap();
    (cpu.line, cpu.slice_growth) = (cost(450 + of_line), cost(of_line));
    (cpu.function, cpu.function_slice_growth) = (cost(150 + of_function), cost(of_function));
    site
}

#[test]
fn slices_that_grow_are_told_from_the_map_that_holds_them() {
    let d = check(program("go1.24.11"), vec![appending(150, 50)], &["slices-grow Presize Medium"]);
    assert_eq!(d.findings[0].cause, Cause::SlicesGrow { within: Within::Line });
    assert_eq!(d.findings[0].cost, Some(cost(150)));
    let mut long = appending(150, 50);
    long.cpu.as_mut().unwrap().line += cost(1);
    check(program("go1.24.11"), vec![long], &[FINE]);
    // Less than the map itself: slices are not what the line is about.
    let mut mapping = appending(149, 49);
    mapping.cpu.as_mut().unwrap().line = cost(299);
    check(program("go1.24.11"), vec![mapping], &[FINE]);
    // Blocks of slices may be as large as arrays of the map.
    let typed = appending(150, 50).uses(Assign, map_of_slices()).arrays(&[(8, 100_000)], 1000);
    let d = check(program("go1.24.11"), vec![typed], &["slices-grow Presize Medium"]);
    let map_type = Some(map_of_slices().name);
    assert_eq!(d.findings[0].advice, Advice::PresizeSlices { map_type });
    // Read and appended to another slice: that is no matter of the map.
    let mut reading = appending(150, 50);
    let cpu = reading.cpu.as_mut().unwrap();
    cpu.by_op = CostByOp::default();
    cpu.by_op.add(MapOp::Read, cost(150));
    let d = run(program("go1.24.11"), vec![reading]);
    assert!(d.findings.iter().all(|finding| finding.rule != "slices-grow"));
}

#[test]
fn append_on_another_line_of_a_function_is_said_once() {
    let named = ["slices-grow Presize Low", FINE];
    let typed = |line| {
        let mut site = appending(0, 50).uses(Assign, map_of_slices());
        site.frame.line = line;
        site
    };
    let d = check(program("go1.24.11"), vec![typed(1), typed(2)], &named);
    assert_eq!(d.findings[0].cause, Cause::SlicesGrow { within: Within::Function });
    // Not of maps that hold something else, and not where a line says more.
    let other = appending(0, 50).uses(Assign, inner());
    check(program("go1.24.11"), vec![other], &[FINE]);
    let mut at_line = appending(150, 50);
    at_line.frame.line = 3;
    let named = ["slices-grow Presize Medium", FINE];
    check(program("go1.24.11"), vec![typed(1), at_line], &named);
}

/// The same line, as the machine code shows it: each call makes its maps, in the stack frame or on the heap.
fn made_here(mut site: Site, is_local: bool) -> Site {
    let (frame, map_type) = (site.frame.clone(), Some(inner().name));
    site.made = vec![MakeSite { frame, map_type, has_hint: false, is_local }];
    site.new_maps.push(inner().name);
    site
}

#[test]
fn maps_filled_and_dropped_are_reused() {
    let filled = |samples| {
        let parts = [(Assign, Probe, 450), (Assign, Category::Create, samples)];
        site(1, &parts).uses(Assign, inner()).arrays(&[(8, 100_000)], 1000)
    };
    let filling = |samples| made_here(filled(samples), true);
    // One that leaves the function is not to be cleared under its next user; of one that comes from elsewhere it is not known whether
    // it is dropped.
    let handed_on = vec![made_here(filled(20), false)];
    check(program("go1.27.3"), handed_on, &["churn AllocateLess Medium"]);
    check(program("go1.27.3"), vec![filled(20)], &["growth-is-not-the-problem LeaveAlone High"]);
    check(program("go1.27.3"), vec![filling(20)], &["churn Reuse Medium"]);
    // Nothing is to be saved where no time goes to memory.
    let fine = ["growth-is-not-the-problem LeaveAlone High"];
    check(program("go1.27.3"), vec![filling(4)], &fine);
    // Without CPU time nothing says that it is worth it; nor do arrays of which hardly one was seen.
    let mut without_cpu = program("go1.27.3");
    without_cpu.cpu = None;
    check(without_cpu, vec![Site { cpu: None, ..filling(20) }], &[]);
    let mut hardly_seen = filling(20);
    hardly_seen.heap = None;
    check(program("go1.27.3"), vec![hardly_seen.arrays(&[(8, 9)], 1)], &fine);
    // To clear what a hint makes far too large costs what making it does.
    let hinted = |samples| {
        let parts = [(Assign, Probe, 300), (MapOp::Make, Category::Create, samples)];
        let made =
            made_here(site(1, &parts).uses(Assign, inner()).arrays(&[(8, 100_000)], 1000), true);
        let frame = made.frame.clone();
        let make =
            MakeSite { frame, map_type: Some(inner().name), has_hint: true, is_local: false };
        let evidence = Evidence { makes: vec![make], ..program("go1.27.3") };
        let found = run(evidence, vec![made]).findings;
        found.iter().any(|of| of.rule == "churn")
    };
    assert!(hinted(300) && !hinted(301));
    // It is told to be lowered, where that is of large maps which the function fills.
    let lowered = |bytes: u64, is_filled: bool| {
        let parts = [(Assign, Probe, 300), (MapOp::Make, Category::Create, 301)];
        let line = site(1, &parts).uses(Assign, inner()).uses(MapOp::Make, inner());
        let mut line = line.arrays(&[(896, 1000)], 1000);
        line.heap.as_mut().unwrap().blocks[0].alloc.alloc_bytes = Some(1000 * bytes);
        let line = if is_filled { made_here(line, true) } else { line };
        let (frame, map_type) = (line.frame.clone(), Some(inner().name));
        let make = MakeSite { frame, map_type, has_hint: true, is_local: true };
        let evidence = Evidence { makes: vec![make], ..program("go1.27.3") };
        run(evidence, vec![line]).findings.iter().any(|of| of.rule == "hint-too-large")
    };
    assert!(lowered(4096, true) && !lowered(4095, true) && !lowered(4096, false));
    // Another map keeps them, unless each call makes that one too.
    check(program("go1.27.3"), vec![filling(20).held()], &fine);
    let anew = |name: String| {
        let mut site = made_here(filled(20).held(), false);
        site.new_maps.push(name);
        site
    };
    check(program("go1.27.3"), vec![anew(outer().name)], &["churn AllocateLess Medium"]);
    // The inner map is made anew, and the other one keeps it.
    check(program("go1.27.3"), vec![anew(inner().name)], &fine);
    let kept = site(1, STEADY).uses(Assign, inner()).arrays(&[(8, 100_000)], 9_000_000);
    check(program("go1.27.3"), vec![kept], &["growth-is-not-the-problem LeaveAlone High"]);
}

#[test]
fn a_map_that_costs_more_to_clear_than_to_fill_has_too_much_room() {
    let clearing = |samples| {
        let parts = [(MapOp::Clear, Category::DeleteClear, samples)];
        site(1, &parts).leaf("internal/runtime/maps.(*table).Clear", samples / 2)
    };
    let writing = |line, samples| site(line, &[(Assign, Probe, samples)]);
    let of = |version, sites| summary(&run(program(version), sites)).remove(0);
    let named = "clear-outweighs-writes Release Medium";
    let fine = "growth-is-not-the-problem LeaveAlone High";
    for version in ["go1.23.9", "go1.26.6"] {
        assert_eq!(of(version, vec![clearing(200), writing(2, 100)]), named);
        assert_eq!(of(version, vec![clearing(200), writing(2, 101)]), fine);
        // All lines that can write the map count: those of which the type is not known too, others not.
        let typed = || clearing(200).uses(MapOp::Clear, inner());
        let others = || writing(2, 300).uses(Assign, outer());
        assert_eq!(of(version, vec![typed(), writing(3, 100).uses(Assign, inner())]), named);
        assert_eq!(of(version, vec![typed(), others(), writing(3, 100)]), named);
        assert_eq!(of(version, vec![typed(), others(), writing(3, 101)]), fine);
    }
}

/// To empty one group costs as much as to write into it.
#[test]
fn small_maps_may_be_cleared() {
    let fine = "growth-is-not-the-problem LeaveAlone High";
    let clearing = || site(1, &[(MapOp::Clear, Category::DeleteClear, 200)]);
    let writing = || site(2, &[(Assign, Probe, 50)]).uses(Assign, inner());
    let small = clearing().leaf("internal/runtime/maps.(*Map).clearSmall", 200);
    let first = |version, sites| summary(&run(program(version), sites)).remove(0);
    assert_eq!(first("go1.26.6", vec![small, writing()]), fine);
    let typed = || clearing().uses(MapOp::Clear, inner());
    let sized = |room| writing().arrays(&[(room, 9)], 100_000);
    assert_eq!(first("go1.23.9", vec![typed(), sized(8)]), fine);
    let named = "clear-outweighs-writes Release Medium";
    assert_eq!(first("go1.23.9", vec![typed(), sized(56)]), named);
}

/// A line that ranges over a map, with its samples in beginning loops and in all of iterating.
fn ranging(begins: u64, all: u64) -> Site {
    let mut site = site(1, &[(MapOp::Iterate, Category::Iterate, all)]);
    let function = |name: &str, samples| FunctionCost { name: name.into(), cost: cost(samples) };
    let functions =
        [function("runtime.mapIterStart", begins), function("runtime.mapIterNext", all - begins)];
    site.cpu.as_mut().unwrap().entry_points = functions.into();
    site
}

#[test]
fn loops_over_maps_that_are_much_of_the_cpu_ask_for_another_structure() {
    let named = ["iteration-dominates Replace Medium"];
    let visits = |begins, all| {
        let d = check(program("go1.26.6"), vec![ranging(begins, all)], &named);
        let Advice::IterateLess { visits, .. } = d.findings[0].advice else { panic!() };
        visits
    };
    assert_eq!(visits(50, 250), Visits::Few);
    assert_eq!(visits(49, 250), Visits::NotKnown);
    let few = [(MapOp::Iterate, Category::Iterate, 249)];
    check(program("go1.26.6"), vec![site(1, &few)], &[FINE]);
    let mut rest = program("go1.26.6");
    rest.cpu.as_mut().unwrap().total = cost(20);
    let low = ["iteration-dominates Replace Low"];
    check(rest, vec![ranging(0, 5)], &low);
}

#[test]
fn room_of_the_map_is_said_beside_a_loop_over_it() {
    let filled = site(2, STEADY).uses(Assign, inner()).arrays(&[(8, 9), (896, 4)], 100_000);
    let looping = ranging(2, 300).uses(MapOp::Iterate, inner());
    let d = run(program("go1.26.6"), vec![looping, filled]);
    assert_eq!(d.findings[0].rule, "iteration-dominates");
    let lines = &d.findings[0].evidence;
    let room = lines.iter().find(|line| line.what.contains("map[string]int has room for")).unwrap();
    assert_eq!(room.amount, Amount::Count(896));
}

#[test]
fn a_busy_collector_asks_for_green_tea_only_before_it() {
    let with_gc = |version: &str| {
        let mut evidence = program(version);
        evidence.cpu.as_mut().unwrap().gc = cost(400);
        let filled = site(1, STEADY).uses(Assign, outer()).arrays(&[(8, 100)], 9_000);
        let d = run(evidence, vec![filled]);
        d.findings.iter().find(|f| f.rule == "gc-bound").map(|f| f.verdict())
    };
    assert_eq!(with_gc("go1.21.13"), Some(Verdict::Replace));
    assert_eq!(with_gc("go1.26.6"), Some(Verdict::LeaveAlone));
}

#[test]
fn what_asks_for_a_change_comes_first_then_the_larger_share() {
    let smaller = [(Assign, Probe, 20), (Assign, GrowthMove, 60)];
    let sites = vec![site(1, STEADY), site(2, &smaller), site(3, GROWING)];
    let d = run(program("go1.27.3"), sites);
    let lines: Vec<_> =
        d.findings.iter().map(|f| f.site.map(|s| d.evidence.sites[s].frame.line)).collect();
    assert_eq!(lines, [Some(3), Some(2), Some(1)]);
    assert!(d.findings[0].confidence.level >= Level::Medium);
}

#[test]
fn what_no_input_measured_is_named() {
    let d = diagnose(Evidence::default());
    assert_eq!(summary(&d), Vec::<String>::new());
    assert_eq!(d.not_measured, Gap::ALL);
    let d = run(
        program("go1.27.3"),
        vec![site(1, STEADY).uses(Assign, inner()).arrays(&[(8, 1)], 100)],
    );
    let left = [Gap::Growths, Gap::CollectorWaits, Gap::LockWaits, Gap::Misses];
    assert_eq!(d.not_measured, left, "there are a CPU profile, a heap profile and the binary");
}

/// A recording of 1000 maps of a type that each grew 8 → 16 → 32 → 64 and stopped there.
fn recorded(mut evidence: Evidence, site: Site, precision: Precision) -> (Evidence, Site) {
    let source = evidence.sources.add(Source {
        name: "recording.pb.gz".to_owned(),
        kind: SourceKind::Recording,
        summary: String::new(),
    });
    let is_estimated = precision == Precision::Estimated;
    let in_group =
        |group| (GroupId { recording: 0, group }, 1000 / 16 + u64::from(group < 1000 % 16));
    let by_group = || if is_estimated { (0..16).map(in_group).collect() } else { Vec::new() };
    let windows = Windows {
        group_cpu_ns: vec![1_000_000_000; 16],
        scale: 20.0,
        scale_error: 0.0,
        unmet: 0.0,
        every_split: false,
        has_no_end: false,
    };
    let step = |kind, before: u64, moved: u64| GrowStep {
        kind,
        before,
        after: before * 2,
        local_depth: None,
        grows: 1000,
        sampled: Sampled { by_group: by_group(), of_no_group: 0 },
        moved_entries: moved * 1000,
    };
    let steps = vec![
        step(GrowKind::SmallToTable, 8, 8),
        step(GrowKind::Table, 16, 14),
        step(GrowKind::Table, 32, 28),
    ];
    let total = Growth {
        grows: 3000,
        moved_entries: 50_000,
        moved_bytes: 1_200_000,
        grow_bytes: 2_800_000,
    };
    let types = vec![TypeGrowth {
        map_type: inner().name,
        total,
        precision,
        steps,
        ..TypeGrowth::default()
    }];
    let growth = Some(SiteGrowth { total, types });
    evidence.growth = Some(ProcessGrowth {
        total,
        precision,
        windows: is_estimated.then_some(windows).into_iter().collect(),
        ..ProcessGrowth::of(source)
    });
    (evidence, Site { growth, ..site })
}

fn with_hint(mut evidence: Evidence, map_type: &str, n: u64, hint: u64) -> Evidence {
    let frame = Frame { function: "main.make".into(), file: "main.go".into(), line: 3 };
    let map_type = map_type.to_owned();
    evidence.hints.push(HintedMakes { frame, map_type, n, sum_hints: n * hint });
    evidence
}

#[test]
fn a_recording_says_how_large_the_maps_become() {
    let growing = site(7, GROWING).uses(Assign, inner());
    let (evidence, growing) = recorded(program("go1.27.3"), growing, Precision::Exact);
    let diagnosis = check(evidence, vec![growing], &["growth-dominates Presize High"]);
    let finding = &diagnosis.findings[0];
    let ended = Size { at_least: 29, room: 56 };
    let known_from = KnownFrom::Recording;
    let small_are_counted = false;
    let expected =
        Entries { known_from, small_are_counted, p25: ended, p50: ended, p95: Some(ended) };
    assert_eq!(entries(finding), Some(expected));
    let amounts: Vec<_> =
        finding.evidence.iter().map(|line| (&line.what[..], line.amount)).collect();
    let grows = ("growths of map[string]int here", Amount::Count(3000));
    assert!(amounts.contains(&grows), "{amounts:?}");
    // 29 to 56 entries inserted and 50 moved per map.
    let ratio = |inserted: f64| (inserted + 50.0) / inserted;
    let amplification = amounts.iter().find(|(what, _)| what.starts_with("write amplification"));
    assert_eq!(
        amplification.unwrap().1,
        Amount::RatioRange { low: ratio(56.0), high: ratio(29.0) }
    );
}

/// Per map: growths moved 8, 14 and 28 entries, and took a group (208 bytes) and two tables (32 bytes, and 416 or 896 for
/// their groups) that a right hint does not.
#[test]
fn the_model_says_what_a_hint_saves_at_recorded_sizes() {
    let growing = site(7, GROWING).uses(Assign, inner());
    let (evidence, growing) = recorded(program("go1.27.3"), growing, Precision::Exact);
    let diagnosis = run(evidence, vec![growing]);
    let exactly = |n| Span { low: n, high: n };
    let expected = GrowthSaving {
        sources: source_id(3).into(),
        maps: 1000,
        moved_entries: exactly(50_000),
        allocated_bytes: exactly(1000 * (208 + 448 + 928)),
        allocations: exactly(1000 * 5),
    };
    assert_eq!(diagnosis.findings[0].saving.clone().unwrap().growth, Some(expected));
}

#[test]
fn sizes_in_the_heap_profile_are_enough_for_the_model() {
    let filled =
        site(1, GROWING).uses(Assign, inner()).arrays(&[(8, 900), (14, 900), (28, 850)], 100_000);
    let diagnosis = run(program("go1.27.3"), vec![filled]);
    let growth = diagnosis.findings[0].saving.clone().unwrap().growth.unwrap();
    assert_eq!((growth.sources, growth.maps), (source_id(1).into(), 900));
    // Of 50 maps with 9 to 14 entries 8 are moved, of 850 with more 22.
    let moved = 50 * 8 + 850 * 22;
    assert_eq!(growth.moved_entries, Span { low: moved, high: moved });
}

#[test]
fn flattening_small_maps_moves_more_and_allocates_less_by_the_model() {
    let tiny = site(1, &[(Assign, Create, 200), (Assign, Probe, 200)])
        .uses(Assign, inner())
        .held()
        .arrays(&[(8, 950)], 100_000);
    let diagnosis = run(program("go1.27.3"), vec![tiny]);
    let growth = diagnosis.findings[0].saving.clone().unwrap().growth.unwrap();
    assert!(growth.moved_entries.high < 0, "{growth:?}");
    assert!(growth.allocations.low > 950, "{growth:?}");
}

#[test]
fn an_estimated_recording_is_trusted_less_and_says_so() {
    let growing = site(7, GROWING).uses(Assign, inner());
    let (evidence, growing) = recorded(program("go1.27.3"), growing, Precision::Estimated);
    let diagnosis = check(evidence, vec![growing], &["growth-dominates Presize Medium"]);
    let lines = &diagnosis.findings[0].evidence;
    assert!(lines.iter().any(|line| line.what.ends_with("here, estimated")), "{lines:?}");
    let maps = lines.iter().find(|line| line.what.starts_with("maps that grew")).unwrap();
    let Amount::Estimate { n: 1000, range } = maps.amount else { panic!("{maps:?}") };
    assert!(range.low < 950 && range.high > Some(1050), "{range:?}");
}

#[test]
fn a_recording_that_saw_too_little_says_so_and_names_no_sizes() {
    let growing = site(7, GROWING).uses(Assign, inner());
    let (mut evidence, mut growing) = recorded(program("go1.27.3"), growing, Precision::Estimated);
    evidence.growth.as_mut().unwrap().windows[0].scale = 5000.0;
    let growth = &mut growing.growth.as_mut().unwrap().types[0];
    growth.steps.iter_mut().for_each(|step| step.sampled.by_group.truncate(1));
    let diagnosis = check(evidence, vec![growing], &["growth-dominates Presize Medium"]);
    let finding = &diagnosis.findings[0];
    let says_why = |line: &EvidenceLine| line.amount == Amount::NoSizes(NoSizes::TooFew);
    assert!(finding.evidence.iter().any(says_why), "{:?}", finding.evidence);
    assert_eq!(entries(finding), None);
    assert_eq!(finding.saving.clone().unwrap().growth, None);
}

#[test]
fn a_hint_below_the_recorded_sizes_is_to_be_raised() {
    let growing = site(7, GROWING).uses(Assign, inner());
    let (evidence, mut growing) = recorded(program("go1.27.3"), growing, Precision::Exact);
    let evidence = with_hint(evidence, "map[string]int", 1000, 9);
    // Maps made with that hint do not grow from a first group.
    let without_hint = (evidence.clone(), growing.clone());
    check(without_hint.0, vec![without_hint.1], &["growth-dominates Presize High"]);
    let growth = growing.growth.as_mut().unwrap();
    growth.types[0].steps.remove(0);
    growth.types[0].total.grows -= 1000;
    let diagnosis = check(evidence, vec![growing], &["hint-too-small Presize Medium"]);
    let Advice::RaiseHint { make, mean_hint, .. } = &diagnosis.findings[0].advice else {
        panic!("{:?}", diagnosis.findings[0])
    };
    assert_eq!((make.line, *mean_hint), (3, 9.0));
}

#[test]
fn a_hint_that_fits_or_is_of_other_maps_is_not_the_matter() {
    let other = outer().name;
    for (map_type, n, hint) in
        [("map[string]int", 1000, 60), (&other, 1000, 20), ("map[string]int", 3, 20)]
    {
        let growing = site(7, GROWING).uses(Assign, inner());
        let (evidence, growing) = recorded(program("go1.27.3"), growing, Precision::Exact);
        let evidence = with_hint(evidence, map_type, n, hint);
        check(evidence, vec![growing], &["growth-dominates Presize High"]);
    }
}
