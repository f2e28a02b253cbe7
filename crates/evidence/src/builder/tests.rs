#![allow(clippy::unwrap_used)]

use goabi::Nested;

use super::*;
use crate::{
    Alloc, Block, Caller, LockSide, MapType, Misses, SiteCpu, SiteMap, TypeGrowth, TypePart, Waits,
};

fn frame(function: &str, line: u32) -> Frame {
    Frame { function: function.into(), file: "main.go".into(), line }
}

fn cost(samples: u64) -> Cost {
    Cost { samples, cpu_ns: samples * 10 }
}

/// Map operations at a line, by so many samples.
fn using_maps(samples: u64) -> Option<SiteCpu> {
    Some(SiteCpu { map: cost(samples), ..SiteCpu::default() })
}

fn heap(blocks: &[(u64, u64)]) -> SiteHeap {
    let mut heap = SiteHeap::default();
    for &(block_bytes, alloc_objects) in blocks {
        let alloc_bytes = block_bytes * alloc_objects;
        let (alloc_objects, alloc_bytes) = (Some(alloc_objects), Some(alloc_bytes));
        let alloc = Alloc { alloc_objects, alloc_bytes, ..Alloc::default() };
        heap.total += alloc;
        heap.blocks.push(Block { block_bytes, alloc, map_capacity: None });
    }
    heap
}

fn map_type() -> MapType {
    let part = |name: &str, size| TypePart {
        name: name.to_owned(),
        size,
        has_pointers: size > 8,
        is_interface: false,
    };
    MapType {
        name: "map[string]int".to_owned(),
        key: part("string", 16),
        elem: part("int", 8),
        nested: Nested::No,
        group_bytes: 200,
    }
}

fn use_of(op: MapOp) -> SiteMap {
    let (callee, map_type) = ("runtime.mapassign".to_owned(), Ok(map_type()));
    SiteMap { op, callee, map_type, is_possible: false }
}

fn places(evidence: &Evidence) -> Vec<(&str, u32)> {
    evidence.sites.iter().map(|site| (&*site.frame.function, site.frame.line)).collect()
}

#[test]
fn lines_that_use_maps_are_sites() {
    let mut builder = Builder::default();
    let profile = builder.source("cpu.pprof", SourceKind::Cpu).id();
    let of_heap = builder.source("heap.pprof", SourceKind::Heap).id();
    builder.line(&frame("main.rare", 1)).cpu = using_maps(1);
    builder.line(&frame("main.often", 2)).cpu = using_maps(9);
    for (line, n) in [(3, 1), (4, 2), (5, 3), (6, 0)] {
        builder.allocations(&frame("main.alloc", line), heap(&[(64, n)]));
    }
    let mut code = CodeMaps::of(vec![map_type()]);
    code.add_use(&frame("main.alloc", 3), use_of(MapOp::Make), Related::default());
    code.add_use(&frame("main.alloc", 4), use_of(MapOp::Assign), Related::default());
    code.add_use(&frame("main.alloc", 5), use_of(MapOp::Read), Related::default());
    code.add_use(&frame("main.alloc", 6), use_of(MapOp::Make), Related::default());
    code.add_use(&frame("main.never", 7), use_of(MapOp::Assign), Related::default());
    builder.code(code);
    builder.cpu(ProcessCpu::of(profile), None);
    let (sources, total) = (of_heap.into(), Alloc::default());
    builder.heap(ProcessHeap { sources, total, bytes_per_sample: Some(1) });
    let evidence = builder.finish();
    let expected = [("main.often", 2), ("main.rare", 1), ("main.alloc", 4), ("main.alloc", 3)];
    assert_eq!(places(&evidence), expected);
    assert_eq!(evidence.sites[0].maps, Some(Vec::new()));
    assert_eq!(evidence.sites[2].maps, Some(vec![use_of(MapOp::Assign)]));
    assert!(evidence.sites.iter().all(|site| site.growth.is_none() && site.locks.is_none()));
}

#[test]
fn an_input_that_measures_all_lines_measured_none_of_this_one() {
    let mut builder = Builder::default();
    let [cpu, recording, trace, perf] = [
        ("cpu.pprof", SourceKind::Cpu),
        ("recording.pb.gz", SourceKind::Recording),
        ("trace.out", SourceKind::Trace),
        ("perf.data", SourceKind::Perf),
    ]
    .map(|(name, kind)| builder.source(name, kind).id());
    builder.line(&frame("main.put", 7)).cpu = using_maps(3);
    builder.cpu(ProcessCpu::of(cpu), None);
    builder.growth(ProcessGrowth::of(recording));
    builder.trace(ProcessTrace::of(trace), None);
    builder.cpu_aside(perf, cost(50));
    let total = Misses { samples: 4, events: 400 };
    builder.misses(ProcessMisses { source: perf, event: "cache-misses".into(), total });
    let evidence = builder.finish();
    let [site] = &*evidence.sites else { panic!("{:?}", evidence.sites) };
    assert_eq!(site.growth, Some(SiteGrowth::default()));
    assert!(site.trace.is_some_and(|trace| trace.assists.n == 0 && trace.writers.is_none()));
    let nothing = Cost::default();
    let aside = CpuAside { source: perf, total: cost(50), map: nothing, growth: nothing };
    assert_eq!(site.cpu_aside, [aside]);
    assert_eq!(site.misses, [SiteMisses::none(&evidence.misses[0])]);
    assert_eq!((site.heap.is_none(), &site.maps, &site.locks), (true, &None, &None));
}

#[test]
fn the_binary_knows_more_of_the_program_than_profiles() {
    let mut builder = Builder::default();
    let version = GoVersion::parse("go1.27.3");
    let mut profile = builder.source("cpu.pprof", SourceKind::Cpu);
    let (name, build_id) = (Some("server".to_owned()), Some("aa".to_owned()));
    let map_impl = Some(MapImpl::Classic);
    profile.states(Stated { name, build_id, map_impl, ..Stated::default() });
    let mut recording = builder.source("recording.pb.gz", SourceKind::Recording);
    let of_recording = recording.id();
    recording.states(Stated { go_version: version, ..Stated::default() });
    let mut binary = builder.source("server.bin", SourceKind::Binary);
    let of_binary = binary.id();
    binary.states(Stated { map_impl: Some(MapImpl::Swiss), ..Stated::default() });
    let program = builder.finish().program;
    assert_eq!(program.map_impl, Some((MapImpl::Swiss, of_binary)));
    assert_eq!(program.go_version, version.map(|version| (version, of_recording)));
    assert_eq!(
        (program.name.as_deref(), program.build_id.as_deref()),
        (Some("server"), Some("aa"))
    );
}

#[test]
fn notices_stand_with_their_input() {
    let mut builder = Builder::default();
    let second = 1_000_000_000;
    let [first, other] = ["first", "other"].map(|name| builder.source(name, SourceKind::Cpu).id());
    builder.of(other).notice("partly \u{1b}unreadable");
    builder.of(other).covers(i128::from(5 * second), second);
    builder.of(first).covers(i128::from(second), second);
    builder.of(first).notice("cut off");
    builder.notice(None, "a file was not used");
    let evidence = builder.finish();
    let notices = evidence.notices.iter().map(|notice| (notice.source, &*notice.text));
    let apart = "taken 3.0 s after first: compared by shares, times are not aligned";
    assert_eq!(
        notices.collect::<Vec<_>>(),
        [
            (None, "a file was not used"),
            (Some(first), "cut off"),
            (Some(other), "partly \u{fffd}unreadable"),
            (Some(other), apart),
        ]
    );
}

#[test]
fn waits_belong_to_the_functions_of_a_site() {
    let mut builder = Builder::default();
    let source = builder.source("mutex.pprof", SourceKind::Contention).id();
    let side = LockSide::Holder;
    let wait = |function: &str, ns| SiteLock {
        source,
        side,
        call: "sync.(*Mutex).Unlock".into(),
        frame: frame(function, 1),
        waits: Waits { n: 1, ns },
    };
    for lock in [wait("main.put", 5), wait("main.fill", 9), wait("main.other", 100)] {
        builder.waits(lock);
    }
    builder.locks(ProcessLocks { source, side, total: Waits::default(), duration_ns: None });
    let site = builder.line(&frame("main.put", 7));
    (site.cpu, site.inlined_into) = (using_maps(1), vec![frame("main.fill", 8)]);
    let evidence = builder.finish();
    let expected = [wait("main.fill", 9), wait("main.put", 5)];
    assert_eq!(evidence.sites[0].locks.as_ref().unwrap().in_order(), expected.each_ref());
}

#[test]
fn waits_of_functions_that_call_stand_with_the_call() {
    let mut builder = Builder::default();
    let source = builder.source("mutex.pprof", SourceKind::Contention).id();
    let (side, waits) = (LockSide::Holder, Waits { n: 1, ns: 5 });
    let call = "sync.(*Mutex).Unlock".into();
    builder.waits(SiteLock { source, side, call, frame: frame("main.get", 3), waits });
    builder.locks(ProcessLocks { source, side, total: Waits::default(), duration_ns: None });
    let caller = |function| Caller { frame: frame(function, 2), ..Caller::default() };
    let mut cpu = using_maps(1);
    cpu.as_mut().unwrap().callers = ["main.get", "main.main"].map(caller).into();
    builder.line(&frame("cache.find", 7)).cpu = cpu;
    let evidence = builder.finish();
    let callers = &evidence.sites[0].cpu.as_ref().unwrap().callers;
    let n_waits: Vec<usize> = callers.iter().map(|of| of.locks.in_order().len()).collect();
    assert_eq!(n_waits, [1, 0]);
}

#[test]
fn what_code_does_with_maps_of_a_type_is_known_of_all_lines() {
    let mut builder = Builder::default();
    builder.source("server", SourceKind::Binary);
    let mut code = CodeMaps::of(vec![map_type()]);
    for (line, op) in [(1, MapOp::Iterate), (2, MapOp::Delete), (3, MapOp::Delete)] {
        code.add_use(&frame("main.never", line), use_of(op), Related::default());
    }
    let unknown = Err("loaded from memory".to_owned());
    let unknown = SiteMap { map_type: unknown, ..use_of(MapOp::Clear) };
    code.add_use(&frame("main.never", 4), unknown, Related::default());
    builder.code(code);
    let evidence = builder.finish();
    assert_eq!(evidence.code_ops.len(), 2);
    let has = |op| evidence.has_code(op, &map_type());
    assert!(has(MapOp::Delete) && has(MapOp::Iterate));
    assert!(!has(MapOp::Clear) && !has(MapOp::Assign));
    let other = MapType { name: "map[int]int".to_owned(), ..map_type() };
    assert!(!evidence.has_code(MapOp::Delete, &other));
}

#[test]
fn what_is_of_a_function_or_an_event_is_kept_once_for_all_sites() {
    const N: u32 = 100;
    let mut builder = Builder::default();
    let source = builder.source("mutex.pprof", SourceKind::Contention).id();
    let side = LockSide::Holder;
    for line in 1..=N {
        let call = "sync.(*Mutex).Unlock".into();
        let (frame, waits) = (frame("main.put", line), Waits { n: 1, ns: 5 });
        builder.waits(SiteLock { source, side, call, frame, waits });
    }
    builder.locks(ProcessLocks { source, side, total: Waits::default(), duration_ns: None });
    let total = Misses::default();
    builder.misses(ProcessMisses { source, event: "cache-misses".into(), total });
    for line in 1..=N {
        builder.line(&frame("main.put", line)).cpu = using_maps(1);
    }
    let Evidence { sites, misses, .. } = builder.finish();
    assert_eq!(sites.len(), N as usize);
    let first = sites[0].locks.as_ref().unwrap().in_order();
    assert_eq!(first.len(), N as usize);
    for site in &sites {
        let locks = site.locks.as_ref().unwrap().in_order();
        assert!(locks.iter().zip(&first).all(|(lock, first)| std::ptr::eq(*lock, *first)));
        assert!(Arc::ptr_eq(&site.misses[0].event, &misses[0].event));
    }
}

#[test]
fn blocks_get_the_room_of_a_map_whose_array_has_their_size() {
    let mut builder = Builder::default();
    let binary = builder.source("server", SourceKind::Binary).id();
    let (go_version, map_impl) = (GoVersion::parse("go1.27.3"), Some(MapImpl::Swiss));
    builder.of(binary).states(Stated { go_version, map_impl, ..Stated::default() });
    builder.line(&frame("main.put", 7)).cpu = using_maps(1);
    builder.allocations(&frame("main.put", 7), heap(&[(208, 3), (300, 1)]));
    let mut code = CodeMaps::of(vec![map_type()]);
    code.add_use(&frame("main.put", 7), use_of(MapOp::Assign), Related::default());
    builder.code(code);
    let evidence = builder.finish();
    let blocks = &evidence.sites[0].heap.as_ref().unwrap().blocks;
    let rooms: Vec<_> = blocks.iter().map(|block| block.map_capacity).collect();
    assert_eq!(rooms, [Some(8), None]);
}

/// An array of a slice that grew there may be as large.
#[test]
fn blocks_at_a_line_whose_slices_grow_say_nothing_of_maps() {
    let rooms = |slice_growth: u64| {
        let mut builder = Builder::default();
        let binary = builder.source("server", SourceKind::Binary).id();
        let (go_version, map_impl) = (GoVersion::parse("go1.27.3"), Some(MapImpl::Swiss));
        builder.of(binary).states(Stated { go_version, map_impl, ..Stated::default() });
        let cost = Cost { samples: slice_growth, cpu_ns: slice_growth };
        let cpu = using_maps(1).map(|cpu| SiteCpu { slice_growth: cost, ..cpu });
        builder.line(&frame("main.put", 7)).cpu = cpu;
        builder.allocations(&frame("main.put", 7), heap(&[(352, 3)]));
        let elem = TypePart { name: "[]int".to_owned(), size: 24, ..map_type().elem };
        let name = "map[string][]int".to_owned();
        let of_slices = MapType { name, elem, group_bytes: 328, ..map_type() };
        let mut code = CodeMaps::of(vec![of_slices.clone()]);
        let map = SiteMap { map_type: Ok(of_slices), ..use_of(MapOp::Assign) };
        code.add_use(&frame("main.put", 7), map, Related::default());
        builder.code(code);
        builder.finish().sites[0].heap.as_ref().unwrap().blocks[0].map_capacity
    };
    let layout = rooms(0);
    assert!(layout.is_some(), "a group of eight entries has 328 bytes or its class");
    assert_eq!(rooms(1), None);
}

#[test]
fn generic_code_has_the_type_that_its_sampled_callers_mean() {
    let other = MapType { name: "map[string]bool".to_owned(), ..map_type() };
    let maps = |called_from: &[(u32, &MapType)], samples_from: &[u32]| {
        let mut builder = Builder::default();
        let profile = builder.source("cpu.pprof", SourceKind::Cpu).id();
        let place = frame("lru.(*LRU[go.shape.string]).Get", 7);
        let site = builder.line(&place);
        site.cpu = using_maps(3);
        site.generic_callers = samples_from.iter().map(|&line| frame("main.get", line)).collect();
        builder.cpu(ProcessCpu::of(profile), None);
        let mut code = CodeMaps::of(vec![map_type(), other.clone()]);
        for &(line, of) in called_from {
            let (callee, map_type) = ("runtime.mapaccess1_faststr".to_owned(), Ok(of.clone()));
            let map = SiteMap { op: MapOp::Read, callee, map_type, is_possible: true };
            let callers = vec![(of.name.clone(), frame("main.get", line))];
            code.add_use(&place, map, Related { callers, ..Related::default() });
        }
        builder.code(code);
        let maps = builder.finish().sites.remove(0).maps.unwrap_or_default();
        let of = |map: SiteMap| (map.map_type.map_or(String::new(), |of| of.name), map.is_possible);
        maps.into_iter().map(of).collect::<Vec<_>>()
    };
    let this = map_type();
    let two = [(1, &this), (2, &other), (3, &this)];
    let both = [(this.name.clone(), true), (other.name.clone(), true)];
    assert_eq!(maps(&two, &[]), both);
    assert_eq!(maps(&two, &[1, 2]), both);
    assert_eq!(maps(&two, &[2]), [(other.name.clone(), false)]);
    assert_eq!(maps(&two, &[1, 3]), [(this.name.clone(), false)]);
    assert_eq!(maps(&two, &[2, 9]), both, "nobody knows what line 9 means");
}

/// What a recording saw grow at a line is what the line writes, where the machine code does not tell that.
#[test]
fn a_recording_names_what_the_code_leaves_open() {
    let other = MapType { name: "map[string]bool".to_owned(), ..map_type() };
    let unknown = SiteMap { map_type: Err("generic".to_owned()), ..use_of(MapOp::Assign) };
    let possible = |map_type: &MapType| SiteMap {
        map_type: Ok(map_type.clone()),
        is_possible: true,
        ..use_of(MapOp::Assign)
    };
    let named = |in_code: &[SiteMap], recorded: &[&str]| {
        let mut builder = Builder::default();
        let recording = builder.source("recording.pb.gz", SourceKind::Recording).id();
        let growth = builder.line(&frame("main.put", 7)).growth.get_or_insert_default();
        growth.types = recorded
            .iter()
            .map(|&name| TypeGrowth { map_type: name.to_owned(), ..TypeGrowth::default() })
            .collect();
        builder.growth(ProcessGrowth::of(recording));
        let mut code = CodeMaps::of(vec![map_type(), other.clone()]);
        for map in in_code {
            code.add_use(&frame("main.put", 7), map.clone(), Related::default());
        }
        builder.code(code);
        let evidence = builder.finish();
        let maps = evidence.sites[0].maps.iter().flatten();
        let names: Vec<String> =
            maps.filter_map(SiteMap::known_type).map(|of| of.name.clone()).collect();
        names
    };
    let this = map_type().name;
    assert_eq!(named(std::slice::from_ref(&unknown), &[]), [""; 0]);
    assert_eq!(named(std::slice::from_ref(&unknown), &[&this]), [&*this]);
    assert_eq!(named(std::slice::from_ref(&unknown), &["map[int]main.T"]), [""; 0]);
    let both = [possible(&map_type()), possible(&other)];
    assert_eq!(named(&both, &[]), [""; 0]);
    assert_eq!(named(&both, &["map[string]bool"]), ["map[string]bool"]);
    // What is known of one operation says nothing of the other.
    assert_eq!(named(&[use_of(MapOp::Assign), unknown.clone()], &[&this]), [&*this]);
    let two = named(&[use_of(MapOp::Assign), unknown], &[&this, "map[string]bool"]);
    assert_eq!(two, [&*this, "map[string]bool"]);
}

#[test]
fn writes_that_are_replaced_are_told() {
    let mut builder = Builder::default();
    for name in ["one.data", "other.data"] {
        let source = builder.source(name, SourceKind::Perf).id();
        builder.storage(ProcessStorage::of(source));
    }
    let evidence = builder.finish();
    let [notice] = &evidence.notices[..] else { panic!("{:?}", evidence.notices) };
    assert_eq!(evidence.sources[notice.source.unwrap()].name, "one.data");
    assert_eq!(
        notice.text,
        "its writes to files and devices are replaced by those of other.data: they are not added up"
    );
}
