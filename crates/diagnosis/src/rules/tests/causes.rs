//! What a line spends its time on where that is not growth, and what follows from all lines together.

use super::*;
use crate::finding::{KeyMaker, Twice};

/// The line says where, of which type, and what the cost is made of.
#[test]
fn a_line_with_half_of_all_reads_speaks_in_place_of_the_process() {
    let reads = |line, samples| site(line, &[(MapOp::Read, Read, samples)]);
    check(program("go1.27.3"), vec![reads(1, 200), reads(2, 200)], &[FINE, FINE]);
    let expected = ["reads-dominate LeaveAlone High", FINE, FINE];
    let mut third = reads(3, 19);
    third.frame.line = 3;
    check(program("go1.27.3"), vec![reads(1, 190), reads(2, 190), third], &expected);
}

#[test]
fn what_reading_is_made_of_is_said() {
    let mut reads = site(1, &[(MapOp::Read, Read, 400)]);
    let cpu = reads.cpu.as_mut().unwrap();
    cpu.by_work.add(MapWork::Load, cost(100));
    cpu.by_work.add(MapWork::Compare, cost(150));
    cpu.by_work.add(MapWork::Hash, cost(90));
    let d = check(program("go1.27.3"), vec![reads], &[FINE]);
    assert_eq!(d.findings[0].cause, Cause::NotGrowing { most: Spent::Comparing });
    let labels: Vec<&str> = d.findings[0].evidence.iter().map(|line| &line.what[..]).collect();
    let parts =
        ["of that comparing keys", "of that searching groups or buckets", "of that hashing keys"];
    assert!(labels.ends_with(&parts), "{labels:?}");
}

#[test]
fn a_search_in_maps_larger_than_caches_is_named_where_both_are_known() {
    let searching = |inuse_bytes| {
        let mut reads = site(1, &[(MapOp::Read, Read, 400)]).uses(MapOp::Read, inner());
        reads.cpu.as_mut().unwrap().by_work.add(MapWork::Load, cost(200));
        let filled = Site { cpu: None, ..site(2, &[]).uses(Assign, inner()) };
        vec![reads, filled.arrays(&[(896, 4)], inuse_bytes)]
    };
    let cause = |sites| run(program("go1.27.3"), sites).findings.remove(0).cause;
    let map_type = inner().name;
    assert_eq!(cause(searching(32 << 20)), Cause::SearchOutsideCache { map_type });
    assert_eq!(cause(searching((32 << 20) - 1)), Cause::NotGrowing { most: Spent::Searching });
    let mut hashing = searching(32 << 20);
    let cpu = hashing[0].cpu.as_mut().unwrap();
    cpu.by_work = CostByWork::default();
    cpu.by_work.add(MapWork::Load, cost(199));
    assert!(matches!(cause(hashing), Cause::NotGrowing { .. }));
}

#[test]
fn maps_of_one_type_are_added_up_over_many_lines() {
    let lines = |n, samples| (1..=n).map(move |line| site(line, &[(Assign, Probe, samples)]));
    let typed = |n, samples| lines(n, samples).map(|site| site.uses(Assign, inner())).collect();
    let first = |sites| run(program("go1.27.3"), sites).findings.remove(0);
    let found = first(typed(5, 24));
    assert_eq!(found.cause, Cause::SpreadOverLines { map_type: inner().name, lines: 5 });
    assert_eq!((found.rule, found.site, found.cost), ("spread-thin", None, Some(cost(120))));
    let advice = Advice::LookForHabit { map_type: Some(inner().name), makes: Vec::new() };
    assert_eq!(found.advice, advice);
    // Too little of the CPU: lines of whatever type, none of which is the matter. Few lines are looked at one by one.
    assert!(matches!(first(typed(5, 19)).cause, Cause::SpreadThin { .. }));
    assert!(matches!(first(typed(4, 40)).cause, Cause::SpreadThin { .. }));
    assert!(matches!(first(typed(2, 49)).cause, Cause::NotGrowing { .. }));
    // A line with half of it says it itself.
    let mut large: Vec<Site> = typed(5, 25);
    large.insert(0, site(9, &[(Assign, Probe, 125)]).uses(Assign, inner()));
    assert_eq!(first(large).cause, Cause::NotGrowing { most: Spent::Searching });
}

/// No line has enough interface hashing to speak, but all lines of the type do.
#[test]
fn interface_keys_of_many_lines_ask_for_another_key() {
    let any = TypePart { is_interface: true, ..string_part() };
    let of = |hashing| {
        let line = |line| {
            let site = site(line, &[(Assign, Probe, 24 - hashing), (Assign, Hash, hashing)]);
            site.uses(Assign, map_of(any.clone(), string_part()))
        };
        run(program("go1.21.13"), (1..=5).map(line).collect()).findings.remove(0)
    };
    let found = of(8);
    assert!(matches!(found.advice, Advice::ConcreteKey { .. }), "{:?}", found.advice);
    assert_eq!((found.site, found.cost), (None, Some(cost(40))));
    assert!(matches!(of(7).advice, Advice::LookForHabit { .. }));
}

#[test]
fn growth_that_no_line_has_enough_of_asks_for_a_hint_where_maps_are_made() {
    let parts = [(Assign, Probe, 15), (Assign, GrowthMove, 8)];
    let sites = (1..=6).map(|line| site(line, &parts).uses(Assign, inner())).collect();
    let mut evidence = program("go1.27.3");
    let make = Frame { function: "main.new".into(), file: "main.go".into(), line: 9 };
    let map_type = Some(inner().name);
    evidence.makes =
        vec![MakeSite { frame: make.clone(), map_type, has_hint: true, is_local: false }];
    let d = check(evidence, sites, &["spread-thin Presize Medium"]);
    let Advice::Presize { made, .. } = &d.findings[0].advice else { panic!("{d:?}") };
    assert_eq!((&made.hinted[..], d.findings[0].cost), (&[make][..], Some(cost(48))));
}

/// A line that reads maps of the type, with so many samples.
fn reads(line: u32, samples: u64) -> Site {
    site(line, &[(MapOp::Read, Read, samples)]).uses(MapOp::Read, inner())
}

#[test]
fn a_key_that_is_read_and_then_written_is_looked_up_twice() {
    let write = |line| {
        let parts = [(Assign, Probe, 100), (Assign, GrowthMove, 9)];
        site(line, &parts).uses(Assign, inner())
    };
    let reads = |line, samples| {
        let written_at = [2, 4, 8, 9].map(|line| write(line).frame).to_vec();
        Site { written_at, ..reads(line, samples) }
    };
    let named = "looked-up-twice Replace Medium";
    let d = check(program("go1.27.3"), vec![reads(3, 200), write(4)], &[named, FINE]);
    // The cheaper of the two, without growth.
    assert_eq!(d.findings[0].cost, Some(cost(100)));
    let frames = [3, 4].map(|line| Frame { line, ..write(4).frame });
    let [read, write_frame] = frames;
    let (map_type, elem) = (inner().name, "int".to_owned());
    let twice = Some(Twice { map_type, elem, read, write: write_frame });
    assert_eq!(d.findings[0].advice, Advice::FewerLookups { twice });
    let rules = |sites| {
        let found = run(program("go1.27.3"), sites).findings;
        found.into_iter().filter(|of| of.rule == "looked-up-twice").count()
    };
    assert_eq!(rules(vec![reads(3, 200), write(8)]), 1);
    let other_type = site(4, STEADY).uses(Assign, outer());
    let mut elsewhere = write(4);
    elsewhere.frame.function = "main.other".into();
    let too_far = [vec![reads(3, 200), write(9)], vec![reads(3, 200), write(2)]];
    for sites in
        [vec![reads(3, 200), other_type], vec![reads(3, 200), elsewhere]].into_iter().chain(too_far)
    {
        assert_eq!(rules(sites), 0);
    }
    // Too little to be saved.
    assert_eq!(rules(vec![reads(3, 19), write(4)]), 0);
    // Another map of that type.
    let others = Site { written_at: Vec::new(), ..reads(3, 200) };
    assert_eq!(rules(vec![others, write(4)]), 0);
}

#[test]
fn hashing_is_not_the_matter_where_searching_takes_more_or_keys_are_short() {
    let of = |hash, probe| site(1, &[(Assign, Hash, hash), (Assign, Probe, probe)]);
    check(program("go1.27.3"), vec![of(198, 300)], &["hash-bound-keys ChangeKey Medium"]);
    check(program("go1.27.3"), vec![of(197, 300)], &[FINE]);
    let int = || TypePart { size: 8, has_pointers: false, ..string_part() };
    let typed = of(400, 100).uses(Assign, map_of(int(), string_part()));
    check(program("go1.27.3"), vec![typed], &[FINE]);
    // Without the type, by the function that is called.
    let called = |name: &str| {
        let mut site = of(400, 100);
        let called = FunctionCost { name: name.into(), cost: cost(500) };
        site.cpu.as_mut().unwrap().entry_points = vec![called];
        summary(&run(program("go1.27.3"), vec![site])).remove(0)
    };
    assert_eq!(called("runtime.mapassign_fast64"), FINE);
    assert_eq!(called("runtime.mapassign_faststr"), "hash-bound-keys ChangeKey Medium");
}

/// A key is often made by who calls the function that uses the map.
#[test]
fn keys_made_by_a_caller_are_the_matter_too() {
    let called = |n_above, made| {
        let mut line = site(1, STEADY);
        let frame = Frame { function: "main.get".into(), ..line.frame.clone() };
        line.cpu.as_mut().unwrap().callers = vec![Caller {
            frame,
            n_above,
            map: cost(400),
            key_conversion: cost(made),
            ..Caller::default()
        }];
        vec![line]
    };
    let d = check(program("go1.27.3"), called(1, 401), &["key-building ChangeKey Medium"]);
    let by = KeyMaker::Caller { function: "main.get".to_owned() };
    assert_eq!(
        (&d.findings[0].cause, d.findings[0].cost),
        (&Cause::KeysBuilt { by }, Some(cost(401)))
    );
    check(program("go1.27.3"), called(1, 400), &[FINE]);
    check(program("go1.27.3"), called(2, 401), &[FINE]);
    // Numbers are made of no strings.
    let int = TypePart { has_pointers: false, size: 8, ..string_part() };
    let of_numbers = called(1, 401).remove(0).uses(Assign, map_of(int, string_part()));
    check(program("go1.27.3"), vec![of_numbers], &[FINE]);
}

/// What a line makes is for its map: half as much is the matter already.
#[test]
fn keys_made_on_the_line_are_the_matter_before_they_cost_more() {
    let first = |made| {
        let mut line = site(1, STEADY);
        let cpu = line.cpu.as_mut().unwrap();
        (cpu.key_strings, cpu.function_key_conversion) = (cost(made), cost(made));
        run(program("go1.27.3"), vec![line]).findings.remove(0)
    };
    let found = first(251);
    let by = KeyMaker::Line;
    assert_eq!((found.rule, found.cause), ("key-building", Cause::KeysBuilt { by }));
    assert_ne!(first(250).rule, "key-building");
}

/// Strings that are far more than the lookups are made for something else.
#[test]
fn strings_without_lookups_to_match_are_no_keys() {
    let of = |made| {
        let mut line = site(1, &[(Assign, Probe, 20)]);
        line.cpu.as_mut().unwrap().function_key_conversion = cost(made);
        run(program("go1.27.3"), vec![line]).findings.remove(0).rule
    };
    assert_eq!(of(400), "key-building");
    assert_ne!(of(401), "key-building");
}

#[test]
fn a_loop_over_mostly_empty_places_asks_for_a_smaller_map() {
    let passed = |name: &str, samples| {
        let looping = ranging(2, 300).uses(MapOp::Iterate, inner());
        let filled = Site { cpu: None, ..site(2, &[]).uses(Assign, inner()) };
        let looping = looping.leaf(name, samples);
        vec![looping, filled.arrays(&[(896, 4)], 100_000)]
    };
    let passing = |samples| passed("internal/runtime/maps.ctrlGroup.matchFull", samples);
    let mut evidence = program("go1.26.6");
    evidence.code_ops = vec![CodeOp { map_type: inner().name, op: Delete }];
    let d = check(evidence, passing(165), &["never-shrinks Release Medium"]);
    let map_type = Some(inner().name);
    assert_eq!(d.findings[0].advice, Advice::CopyToNewMap { map_type });
    let labels: Vec<&str> = d.findings[0].evidence.iter().map(|line| &line.what[..]).collect();
    assert!(labels.contains(&"code of the program deletes from map[string]int"), "{labels:?}");
    // Full maps have a part of it: the loop itself is the matter.
    check(program("go1.26.6"), passing(164), &["iteration-dominates Replace Medium"]);
    let buckets = |samples| passed("runtime.(*bmap).overflow", samples);
    check(program("go1.23.9"), buckets(105), &["never-shrinks Release Medium"]);
    check(program("go1.23.9"), buckets(104), &["iteration-dominates Replace Medium"]);
}

/// A cache that is full deletes as often as it inserts.
#[test]
fn deletes_alone_do_not_say_that_a_map_is_empty() {
    let parts = [(Assign, Probe, 200), (Delete, Category::DeleteClear, 300)];
    let emptied = site(1, &parts).uses(Delete, inner()).arrays(&[(896, 100)], 9_000);
    check(program("go1.27.3"), vec![emptied], &[FINE]);
}

/// Beside growth at a line that explains less, in a heap of which maps are a fifth.
#[test]
fn a_collector_that_dominates_comes_first() {
    let found = |version: &str, gc, kept: u64| {
        let mut evidence = program(version);
        evidence.cpu.as_mut().unwrap().gc = cost(gc);
        let growing = site(1, &[(Assign, Probe, 50), (Assign, GrowthMove, 60)]);
        let held = site(2, &[]).uses(Assign, inner()).arrays(&[(896, 100)], 2_000);
        let mut other = site(3, &[]);
        other.heap = Some(SiteHeap::default());
        other.heap.as_mut().unwrap().total.inuse_bytes = Some(kept);
        run(evidence, vec![growing, held, other]).findings.remove(0)
    };
    let first = found("go1.27.3", 500, 8_000);
    assert_eq!(first.cause, Cause::CollectorDominates { map_type: inner().name });
    assert_eq!((first.verdict(), first.cost), (Verdict::ChangeKey, Some(cost(500))));
    assert_eq!(found("go1.27.3", 499, 8_000).rule, "growth-dominates");
    assert_eq!(found("go1.27.3", 500, 8_001).rule, "growth-dominates");
    // Below that it counts for the part that maps are of the heap: 300 of 1000 in a third of it, which is more than growth.
    assert_eq!(found("go1.23.9", 300, 4_000).cost, Some(cost(100)));
}

/// With little that is live it runs for what is allocated.
#[test]
fn a_collector_that_runs_for_what_is_dropped_has_no_finding_of_its_own() {
    let speaks = |dropped, live| {
        let mut evidence = program("go1.27.3");
        evidence.cpu.as_mut().unwrap().gc = cost(500);
        let held = site(2, &[]).uses(Assign, inner()).arrays(&[(896, 70)], live);
        let filled = site(3, &[]).arrays(&[(8, dropped)], 0);
        let found = run(evidence, vec![held, filled]).findings;
        found.iter().any(|of| of.rule == "gc-bound")
    };
    // 7,000 bytes of 10,000 are held.
    assert!(!speaks(30, 2_000) && speaks(29, 2_000));
    assert!(!speaks(30, (8 << 20) - 1) && speaks(30, 8 << 20));
}

/// The collector's work for what a line allocates goes with it.
#[test]
fn what_is_allocated_counts_with_what_it_costs_to_collect() {
    let made = |line, bytes: u64| {
        let parts = [(Assign, Probe, 200), (Assign, Create, 50)];
        made_here(site(line, &parts).uses(Assign, inner()).arrays(&[(8, bytes / 100)], 10), true)
    };
    let first = |collecting, bytes| {
        let mut evidence = program("go1.27.3");
        let process = evidence.cpu.as_mut().unwrap();
        process.split.add(Category::GcBackground, cost(collecting));
        let hashing = site(2, &[(Assign, Hash, 100)]);
        run(evidence, vec![made(1, bytes), hashing]).findings.remove(0).rule
    };
    assert_eq!(first(40, 100_000), "hash-bound-keys");
    assert_eq!(first(60, 100_000), "churn");
}

#[test]
fn inner_maps_that_some_code_ranges_over_are_not_flattened() {
    let parts = [(Assign, Create, 200), (Assign, Probe, 200)];
    let tiny = || site(1, &parts).uses(Assign, inner()).held().arrays(&[(8, 950)], 100_000);
    check(program("go1.27.3"), vec![tiny()], &["small-inner-maps Flatten Low"]);
    let mut walked = program("go1.27.3");
    walked.code_ops = vec![CodeOp { map_type: inner().name, op: MapOp::Iterate }];
    check(walked, vec![tiny()], &[FINE]);
}
