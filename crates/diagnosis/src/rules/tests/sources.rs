//! Rules that rest on traces and profiles of locks.

use std::sync::Arc;

use super::*;
use crate::finding::{Relief, ShardKey, SyncMap};
use crate::rules::collector::{ASSISTS_NOTICEABLE, ENOUGH_ASSISTS, LONG_STOP_NS};
use crate::rules::locks::{WAITING, WAITING_NS};
use crate::rules::path::LARGEST_FAST_ELEM;
use crate::rules::{Functions, SiteContext, keys, locks};

const SECOND: u64 = 1_000_000_000;

fn ranges(n: u64, wall_ns: u64) -> Ranges {
    Ranges { n, wall_ns, on_cpu_ns: Some(wall_ns / 2), longest_ns: wall_ns / 2 }
}

/// The program with a trace of a second as its fourth source.
fn traced(stopped_ns: u64, longest_ns: u64) -> Evidence {
    traced_times(10, stopped_ns, longest_ns)
}

fn traced_times(n: u64, stopped_ns: u64, longest_ns: u64) -> Evidence {
    let mut evidence = program("go1.27.3");
    let (name, summary) = ("trace.out".to_owned(), String::new());
    evidence.sources.add(Source { name, kind: SourceKind::Trace, summary });
    let stops = Ranges { n, wall_ns: stopped_ns, on_cpu_ns: None, longest_ns };
    let start = Ranges { n: 1, wall_ns: SECOND, on_cpu_ns: None, longest_ns: SECOND };
    evidence.trace = Some(ProcessTrace {
        duration_ns: SECOND,
        stops: vec![("start trace".to_owned(), start), ("GC mark termination".to_owned(), stops)],
        ..ProcessTrace::of(source_id(3))
    });
    evidence
}

fn with_assists(n: u64, wall_ns: u64, growth_ns: u64) -> Site {
    let writers = Writers { n: 2, busy_ns: SECOND, assists: ranges(n, wall_ns) };
    let (assists, growth_assists) = (ranges(n, wall_ns), ranges(n, growth_ns));
    let trace = SiteTrace { assists, growth_assists, writers: Some(writers) };
    Site { trace: Some(trace), ..site(7, STEADY) }
}

/// Stops that no rule has a word about.
fn unremarkable() -> Evidence {
    traced(SECOND / 40, LONG_STOP_NS / 2)
}

#[test]
fn writers_that_mark_before_growth_should_presize() {
    let enough_ns = (ASSISTS_NOTICEABLE * SECOND as f64) as u64;
    let helping = with_assists(500, enough_ns, enough_ns);
    let found = check(unremarkable(), vec![helping], &["writers-help-collector Presize High"]);
    assert_eq!(found.sources_of(&found.findings[0]), [source_id(3)]);
    let by = Relief::Presize(not_made(None, NoMakes::NotSeen));
    assert_eq!(found.findings[0].advice, Advice::AssistLess { by });
    // No sample was charged to the collector, which is said by leaving the line out.
    assert!(found.findings[0].evidence.iter().all(|line| line.sources == source_id(3).into()));
}

#[test]
fn the_line_that_makes_the_maps_is_named_where_writers_mark() {
    let make = Frame { function: "main.fill".into(), file: "/src/main.go".into(), line: 3 };
    let mut evidence = unremarkable();
    evidence.makes =
        vec![MakeSite { frame: make.clone(), map_type: None, has_hint: false, is_local: false }];
    let helping = with_assists(500, SECOND / 2, SECOND / 2).uses(Assign, inner());
    let found = run(evidence, vec![helping]);
    let finding = found.findings.iter().find(|of| of.rule == "writers-help-collector").unwrap();
    let by = Relief::Presize(Makes {
        map_type: Some(inner().name),
        makes: vec![make],
        hinted: Vec::new(),
        makes_are_counted: false,
        are_traced: false,
        is_inner: false,
        no_makes_because: None,
    });
    assert_eq!(finding.advice, Advice::AssistLess { by });
}

#[test]
fn writers_that_mark_before_other_allocations_should_allocate_less() {
    let helping = with_assists(500, SECOND / 2, SECOND / 5);
    check(unremarkable(), vec![helping], &["writers-help-collector AllocateLess High"]);
}

#[test]
fn a_hundred_assists_make_a_sum() {
    let helping = with_assists(99, SECOND / 2, SECOND / 2);
    check(unremarkable(), vec![helping], &["writers-help-collector Presize Medium"]);
}

#[test]
fn few_or_short_assists_are_no_matter() {
    let nothing: &[&str] = &["growth-is-not-the-problem LeaveAlone High"];
    let short_ns = (ASSISTS_NOTICEABLE * SECOND as f64) as u64 - 1;
    check(unremarkable(), vec![with_assists(500, short_ns, short_ns)], nothing);
    check(unremarkable(), vec![with_assists(ENOUGH_ASSISTS - 1, SECOND, SECOND)], nothing);
    check(unremarkable(), vec![site(7, STEADY)], nothing);
}

#[test]
fn stops_are_judged_by_their_share_and_by_the_longest() {
    let of_stops = |evidence| {
        let found = run(evidence, vec![site(7, STEADY)]);
        summary(&found).into_iter().find(|line| line.starts_with("stop"))
    };
    let (short, long) = ("stops-are-short LeaveAlone High", "stopped-world AllocateLess High");
    assert_eq!(of_stops(traced(SECOND / 101, 1)).as_deref(), Some(short));
    assert_eq!(of_stops(traced(SECOND / 20, 1)).as_deref(), Some(long));
    // One long stop, or few of them, may be chance.
    let by_chance = Some("stopped-world AllocateLess Low");
    assert_eq!(of_stops(traced(SECOND / 101, LONG_STOP_NS)).as_deref(), by_chance);
    assert_eq!(of_stops(traced_times(9, SECOND / 20, 1)).as_deref(), by_chance);
    assert_eq!(of_stops(unremarkable()), None);
    assert_eq!(of_stops(program("go1.27.3")), None);
    let mut never = traced(0, 0);
    never.trace.as_mut().unwrap().stops.truncate(1);
    assert_eq!(of_stops(never), None, "a start of the trace is no collection");
}

/// A site in a function of its CPU, locking left out, and waits for its lock as profiles and the trace have them.
fn locked(function: u64, locking: u64, waits: &[(u32, u64)]) -> Site {
    let mut locked = site(7, STEADY);
    let cpu = locked.cpu.as_mut().unwrap();
    (cpu.function, cpu.function_locking) = (cost(function + locking), cost(locking));
    let lock = |&(source, ns): &(u32, u64)| SiteLock {
        source: source_id(source),
        side: LockSide::Waiter,
        call: "sync.(*Mutex).Lock".into(),
        frame: Frame { line: 5, ..locked.frame.clone() },
        waits: Waits { n: 100, ns },
    };
    locked.locks = Some(waits.iter().map(lock).collect());
    locked
}

/// Each site of a function would otherwise go through all of them.
#[test]
fn what_is_said_of_a_function_takes_its_sites_together_once() {
    const N: usize = 1000;
    let mut sites = vec![locked(600, 300, &[(3, SECOND)]); N];
    // One sample more than the maps of all sites.
    let made = cost(500 * N as u64 + 1);
    for site in &mut sites {
        site.cpu.as_mut().unwrap().function_key_conversion = made;
    }
    let mut evidence = with_lock_sources();
    evidence.sites = sites;
    let functions = Functions::of(&evidence);
    let (mut n_locks, mut n_keys) = (0, 0);
    for (index, site) in evidence.sites.iter().enumerate() {
        let (evidence, functions) = (&evidence, &functions);
        let context = SiteContext { rule: "", evidence, functions, index, site };
        n_locks += locks::lock_around_map(&context).into_iter().count();
        n_keys += keys::key_building(&context).into_iter().count();
    }
    assert_eq!((n_locks, n_keys), (1, 1));
    let n_seen = functions.get(&evidence.sites[0]).unwrap().n_seen.get();
    assert!((1..=8 * N).contains(&n_seen), "{n_seen}");
}

/// Source 3 covers a second, source 4 does not say what it covers.
fn with_lock_sources() -> Evidence {
    let mut evidence = unremarkable();
    let (name, summary) = ("mutex.pprof".to_owned(), String::new());
    evidence.sources.add(Source { name, kind: SourceKind::Contention, summary });
    let locks = |source, duration_ns| ProcessLocks {
        source: source_id(source),
        side: LockSide::Waiter,
        total: Waits::default(),
        duration_ns,
    };
    evidence.locks = vec![locks(3, Some(SECOND)), locks(4, None)];
    evidence
}

#[test]
fn a_lock_held_for_a_map_should_be_many() {
    let waiting_ns = (WAITING * SECOND as f64) as u64;
    let of = |site, expected: &str| check(with_lock_sources(), vec![site], &[expected]);
    let found = of(locked(600, 300, &[(3, waiting_ns)]), "lock-around-map Shard Medium");
    let expected = Advice::Shard { shards: 32, by: ShardKey::Key, or_sync_map: None };
    assert_eq!(found.findings[0].advice, expected);
    of(locked(600, 300, &[(3, waiting_ns), (4, WAITING_NS)]), "lock-around-map Shard High");
    of(locked(600, 300, &[(4, WAITING_NS)]), "lock-around-map Shard Low");
    of(locked(600, 300, &[(3, waiting_ns - 1), (4, WAITING_NS - 1)]), FINE);
    // Held for something else: the map is a quarter of what the function does.
    of(locked(2000, 300, &[(3, SECOND)]), FINE);
    of(site(7, STEADY), FINE);
}

#[test]
fn an_outer_map_that_is_mostly_read_may_be_a_sync_map() {
    let read =
        Site { locks: None, ..site(6, &[(MapOp::Read, Read, 100)]).uses(MapOp::Read, outer()) };
    let write = locked(650, 300, &[(3, SECOND)]).uses(Assign, inner());
    let found = run(with_lock_sources(), vec![write, read]);
    let finding = found.findings.iter().find(|finding| finding.rule == "lock-around-map").unwrap();
    let or_sync_map = Some(SyncMap::OfInnerMaps);
    let expected = Advice::Shard { shards: 32, by: ShardKey::OuterKey, or_sync_map };
    assert_eq!(finding.advice, expected);
    // Once for the function, at the site that costs most.
    assert_eq!(found.findings.iter().filter(|f| f.rule == "lock-around-map").count(), 1);
}

/// The map is used in a function that another calls with the lock held.
#[test]
fn a_lock_of_the_function_that_calls_guards_the_map_too() {
    let called = |line, map, function: u64| {
        let mut site = site(line, &[(MapOp::Read, Read, map)]).uses(MapOp::Read, inner());
        let taken = locked(600, 300, &[(3, SECOND)]);
        let frame = Frame { function: "main.get".into(), ..site.frame.clone() };
        site.cpu.as_mut().unwrap().callers = vec![Caller {
            frame,
            n_above: 1,
            map: cost(map),
            function: cost(function + 300),
            function_locking: cost(300),
            locks: taken.locks.unwrap(),
            ..Caller::default()
        }];
        Site { locks: Some(SiteLocks::default()), ..site }
    };
    // Together 300 of 1000; said once.
    let sites = vec![called(7, 200, 1000), called(8, 100, 1000)];
    let found = check(with_lock_sources(), sites, &["lock-around-map Shard Medium", FINE]);
    let (map_type, by) = (Some(inner().name), Some("main.get".to_owned()));
    assert_eq!(found.findings[0].cause, Cause::LockHeldForMap { map_type, by });
    assert_eq!(found.findings[0].cost, Some(cost(600)));
    // What else it guards is not seen: no sync.Map.
    let Advice::Shard { or_sync_map: None, .. } = found.findings[0].advice else { panic!() };
    let sites = vec![called(7, 200, 1001), called(8, 100, 1001)];
    check(with_lock_sources(), sites, &[FINE, FINE]);
}

/// One that is taken for other things as well is not replaced.
#[test]
fn a_sync_map_is_named_only_where_the_lock_guards_nothing_else() {
    let sync_map = |op, function| {
        let mut used = locked(function, 300, &[(3, SECOND)]);
        let cpu = used.cpu.as_mut().unwrap();
        cpu.by_op = CostByOp::default();
        cpu.by_op.add(op, cost(500));
        let found = run(with_lock_sources(), vec![used]);
        let Advice::Shard { or_sync_map, .. } = found.findings[0].advice else { panic!() };
        or_sync_map
    };
    assert_eq!(sync_map(MapOp::Read, 555), Some(SyncMap::OfEntries));
    assert_eq!(sync_map(MapOp::Read, 556), None);
    // To delete is to write.
    assert_eq!([MapOp::Delete, MapOp::Clear].map(|op| sync_map(op, 555)), [None, None]);
}

#[test]
fn stacks_that_grow_are_told_from_maps_that_do() {
    let mut growing = site(7, STEADY);
    growing.cpu.as_mut().unwrap().stack_growth = cost(20);
    check(program("go1.27.3"), vec![growing], &["stack-growth Reuse Medium"]);
    let mut hardly = site(7, STEADY);
    hardly.cpu.as_mut().unwrap().stack_growth = cost(19);
    check(program("go1.27.3"), vec![hardly], &[FINE]);
}

#[test]
fn large_elements_take_the_general_path() {
    let map_with = |size| {
        let elem = TypePart {
            name: "main.row".to_owned(),
            size,
            has_pointers: false,
            is_interface: false,
        };
        let parts = [(Assign, Category::Probe, 400), (Assign, Category::OtherMap, 100)];
        let mut written = site(7, &parts).uses(Assign, map_of(string_part(), elem));
        let name = "runtime.mapassign".into();
        let callee = FunctionCost { name, cost: cost(500) };
        written.cpu.as_mut().unwrap().entry_points.push(callee);
        vec![written]
    };
    let found = check(
        program("go1.27.3"),
        map_with(LARGEST_FAST_ELEM + 1),
        &["large-elements Replace Low"],
    );
    let callee = "runtime.mapassign".to_owned();
    let above_bytes = LARGEST_FAST_ELEM;
    assert_eq!(found.findings[0].cause, Cause::LargeElements { above_bytes, callee });
    check(program("go1.27.3"), map_with(LARGEST_FAST_ELEM), &[FINE]);
}

#[test]
fn samples_of_two_tools_that_agree_are_trusted() {
    let evidence = || {
        let mut evidence = program("go1.27.3");
        let (name, summary) = ("perf.data".to_owned(), String::new());
        evidence.sources.add(Source { name, kind: SourceKind::Perf, summary });
        evidence
    };
    let aside = |growth| {
        let (source, total, map) = (source_id(3), cost(900), cost(400));
        let aside = CpuAside { source, total, map, growth: cost(growth) };
        vec![Site { cpu_aside: vec![aside], ..site(7, GROWING) }]
    };
    let found = check(evidence(), aside(100), &["growth-dominates Presize High"]);
    assert_eq!(found.sources_of(&found.findings[0]), [source_id(0), source_id(3)]);
    assert_eq!(found.evidence.n_measuring(), 2);
    // Too few samples, or too small a part of them.
    check(evidence(), aside(99), &["growth-dominates Presize Medium"]);
}

/// Misses of the process, in maps of the line, in its search, and their samples; none compares keys outside groups.
fn missing(total: u64, map: u64, search: u64, samples: u64) -> (Evidence, Site) {
    let mut evidence = program("go1.27.3");
    let (name, summary) = ("perf.data".to_owned(), String::new());
    evidence.sources.add(Source { name, kind: SourceKind::Perf, summary });
    let (source, event) = (source_id(3), Arc::<str>::from("cache-misses"));
    let misses = |events| Misses { samples, events };
    evidence.misses =
        vec![ProcessMisses { source, event: Arc::clone(&event), total: misses(total) }];
    // Hashing, loading, comparing, growing.
    let by_work = [0, search, 0, 0].map(misses);
    let here = SiteMisses { source, event, map: misses(map), by_work };
    (evidence, Site { misses: vec![here], ..site(7, STEADY) })
}

#[test]
fn misses_in_search_ask_for_fewer_or_smaller_lookups() {
    let of = |(evidence, site): (Evidence, Site), expected: &[&str]| {
        check(evidence, vec![site], expected)
    };
    let (evidence, site) = missing(1000, 200, 100, 100);
    let nested = (evidence, site.uses(Assign, inner()).held());
    let found = of(nested, &["misses-in-search Flatten Medium"]);
    assert_eq!(found.sources_of(&found.findings[0]), [source_id(0), source_id(3)]);
    of(missing(1000, 200, 100, 99), &["misses-in-search ChangeKey Low"]);
    // Half of the search in keys that lie elsewhere.
    let (evidence, mut site) = missing(1000, 200, 100, 100);
    let misses = |events| Misses { samples: 100, events };
    site.misses[0].by_work = [0, 50, 50, 100].map(misses);
    let found = of((evidence, site), &["misses-in-search ChangeKey Medium"]);
    assert_eq!(found.findings[0].advice, Advice::KeysInPlace);
    // A small part of all, in other work than searching, or too few to say.
    of(missing(1000, 199, 199, 100), &[FINE]);
    of(missing(1000, 200, 99, 100), &[FINE]);
    of(missing(1000, 200, 200, 19), &[FINE]);
}
