//! Inputs to evidence, and to what the rules conclude of it: what counts where. Made-up profiles first, then real captures.
#![allow(clippy::unwrap_used, missing_docs)]

mod any_bytes;
mod captures;
mod executables;
mod forms;
mod go_pprof;
mod growth;
mod large;
mod misses;
mod names;
mod order;
mod perf;
mod perf_file;
mod refusals;
mod seeds;
mod storage;

use std::error::Error;
use std::iter::successors;

use diagnosis::Diagnosis;
use evidence::{Cost, Evidence, Site};
use goabi::{MapImpl, MapOp};
use gomap::Category;
use gopprof::{
    Label, LabelValue, Line, Location, LocationIdx, ProfileBuilder, ValueType, write_profile,
};
use ingest::{OpenOptions, Options, collect};

/// A CPU profile given as lines of "count leaf:line;caller:line;…"; frames joined by "<" share a location. A frame may name
/// its file: "leaf:file:line".
fn cpu_profile(stacks: &str) -> Vec<u8> {
    encode(cpu_builder(stacks))
}

fn cpu_builder(stacks: &str) -> ProfileBuilder {
    let mut builder = ProfileBuilder::default();
    let count = ValueType { kind: builder.string("samples"), unit: builder.string("count") };
    let cpu = ValueType { kind: builder.string("cpu"), unit: builder.string("nanoseconds") };
    let head = builder.profile_mut();
    (head.sample_types, head.period_type, head.period) = (vec![count, cpu], Some(cpu), 10_000);
    for line in stacks.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (count, stack) = line.split_once(' ').unwrap();
        let count: i64 = count.parse().unwrap();
        let stack: Vec<_> = stack.split(';').map(|frames| location(&mut builder, frames)).collect();
        builder.sample(&stack, &[count, count.saturating_mul(10_000)], &[]);
    }
    builder
}

fn location(builder: &mut ProfileBuilder, frames: &str) -> LocationIdx {
    let line = |frame: &str, builder: &mut ProfileBuilder| {
        let (place, line) = frame.rsplit_once(':').unwrap();
        let (name, file) = place.split_once(':').unwrap_or((place, "file.go"));
        let single = builder.frame(name, file, line.parse().unwrap());
        builder.profile_mut().locations[single.index()].lines[0]
    };
    let lines: Vec<Line> = frames.split('<').map(|frame| line(frame, builder)).collect();
    builder.location(Location { lines, ..Location::default() })
}

fn encode(builder: ProfileBuilder) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_profile(&builder.finish(), &mut bytes).unwrap();
    bytes
}

fn evidence_of(profiles: &[Vec<u8>]) -> Evidence {
    let dir = tempfile::tempdir().unwrap();
    let mut names = Vec::new();
    for (at, profile) in profiles.iter().enumerate() {
        let path = dir.path().join(at.to_string());
        std::fs::write(&path, profile).unwrap();
        names.push(path.to_str().unwrap().to_owned());
    }
    collected(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

fn try_collect(names: &[&str]) -> Result<Evidence, ingest::Error> {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let options = Options { open: OpenOptions::default(), stacks: true };
    collect(&names, &options, &mut |_| {})
}

/// What the inputs of these names say together.
#[track_caller]
fn collected(names: &[&str]) -> Evidence {
    try_collect(names).unwrap_or_else(|error| panic!("{}", with_causes(&error)))
}

/// What follows from the inputs of these names.
#[track_caller]
fn diagnosed(names: &[&str]) -> Diagnosis {
    diagnosis::diagnose(collected(names))
}

/// Why there is no evidence in the inputs of these names.
#[track_caller]
fn refusal(names: &[&str]) -> String {
    with_causes(&try_collect(names).expect_err("they are refused"))
}

/// An error as commands say it.
fn with_causes(error: &(dyn Error + 'static)) -> String {
    let texts = successors(Some(error), |&error| error.source()).map(ToString::to_string);
    texts.collect::<Vec<_>>().join(": ")
}

/// A line for each.
fn notices(evidence: &Evidence) -> String {
    evidence.notices.iter().map(|notice| format!("{}\n", notice.text)).collect()
}

/// A file with this content; the folder goes with the first value.
fn file(content: &[u8]) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("input");
    std::fs::write(&path, content).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (dir, path)
}

fn evidence(stacks: &str) -> Evidence {
    evidence_of(&[cpu_profile(stacks)])
}

fn site<'e>(evidence: &'e Evidence, function: &str) -> &'e Site {
    evidence.sites.iter().find(|site| *site.frame.function == *function).unwrap()
}

fn samples(cost: Cost) -> u64 {
    assert_eq!(cost.cpu_ns, cost.samples * 10_000);
    cost.samples
}

const ASSIGN: &str = "runtime.mapassign_faststr:9";

#[test]
fn callers_of_a_library_are_the_nearest_that_the_user_can_change() {
    let library = "github.com/deckarep/golang-set/v2.(*set[go.shape.int]).Add:4";
    let own = "github.com/me/shop/orders.load:7";
    let e = evidence(&format!(
        "3 {ASSIGN};{library};slices.SortFunc:9;{own};main.main:1
         2 {ASSIGN};{library};github.com/deckarep/golang-set/v2.New:5;main.main:2
         4 {ASSIGN};{library};runtime.main:1
         5 {ASSIGN};main.put:7;main.main:3
         6 {ASSIGN};encoding/json.decode:7<encoding/json.Unmarshal:8;main.main:4;main.main:5"
    ));
    let callers = |function: &str| -> Vec<(String, u32, u64)> {
        let callers = site(&e, function).first_callers.iter();
        let of = |of: &evidence::FirstCaller| {
            (of.frame.function.to_string(), of.frame.line, samples(of.cost))
        };
        callers.map(of).collect()
    };
    let of_library = callers("github.com/deckarep/golang-set/v2.(*set[go.shape.int]).Add");
    let expected =
        [("github.com/me/shop/orders.load".to_owned(), 7, 3), ("main.main".to_owned(), 2, 2)];
    assert_eq!(of_library, expected);
    assert_eq!(callers("main.put"), []);
    assert_eq!(callers("encoding/json.decode"), [("main.main".to_owned(), 4, 6)]);
}

#[test]
fn the_site_is_the_users_frame_nearest_the_runtime() {
    let e = evidence(&format!("3 {ASSIGN};main.put:7;main.main:1\n2 {ASSIGN};main.main:2"));
    let lines: Vec<_> =
        e.sites.iter().map(|site| (&*site.frame.function, site.frame.line)).collect();
    assert_eq!(lines, [("main.put", 7), ("main.main", 2)]);
    assert_eq!(samples(site(&e, "main.put").cpu.as_ref().unwrap().map), 3);
}

#[test]
fn helpers_of_the_standard_library_are_not_the_user() {
    let e = evidence(&format!("3 {ASSIGN};maps.Copy[go.shape.map[string]int]:5;main.main:2"));
    assert_eq!(&*e.sites[0].frame.function, "main.main");
    let keys = "maps.Keys[go.shape.map[string]int].func1:5;slices.AppendSeq[go.shape.[]string]:6";
    let sorted = "slices.Collect[go.shape.string]:7;slices.Sorted[go.shape.string]:8";
    let e = evidence(&format!("3 runtime.mapIterNext:9;{keys};{sorted};main.main:2"));
    assert_eq!((e.sites.len(), &*e.sites[0].frame.function), (1, "main.main"));
}

#[test]
fn packages_named_like_the_runtime_are_the_users() {
    let e = evidence(&format!("3 {ASSIGN};runtime/pprof.(*profMap).lookup:5;main.main:2"));
    assert_eq!(&*e.sites[0].frame.function, "runtime/pprof.(*profMap).lookup");
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let e = evidence(&format!("3 {ASSIGN};main.\u{1b}[2Jput:7"));
    assert_eq!(&*e.sites[0].frame.function, "main.\u{fffd}[2Jput");
}

#[test]
fn inlined_sites_name_what_they_were_inlined_into() {
    let e = evidence(&format!("3 {ASSIGN};main.put:7<main.fill:8<main.loop:9;main.main:1"));
    let outer: Vec<_> = e.sites[0].inlined_into.iter().map(|f| (&*f.function, f.line)).collect();
    assert_eq!(outer, [("main.fill", 8), ("main.loop", 9)]);
}

/// Who only hands on says nothing; who is far above is not looked at.
#[test]
fn callers_that_lock_or_make_strings_are_known() {
    let get = "cache.find:7;sort.Search:3;main.get:8;main.serve:9";
    let e = evidence(&format!(
        "3 {ASSIGN};{get};main.a:1;main.b:2
         2 {ASSIGN};{get};main.get:8
         4 sync.(*Mutex).lockSlow:1;sync.(*Mutex).Lock:2;main.get:7;main.main:1
         5 runtime.mallocgc:1;runtime.concatstrings:2;main.serve:9
         1 sync.(*Mutex).Lock:2;main.b:3"
    ));
    let callers = &site(&e, "cache.find").cpu.as_ref().unwrap().callers;
    let told: Vec<_> = callers
        .iter()
        .map(|of| (&*of.frame.function, of.frame.line, of.n_above, samples(of.map)))
        .collect();
    assert_eq!(told, [("main.get", 8, 2, 5), ("main.serve", 9, 3, 5)]);
    let [get, serve] = &callers[..] else { panic!("{callers:?}") };
    assert_eq!((samples(get.function), samples(get.function_locking)), (9, 4));
    assert_eq!(samples(serve.key_conversion), 5);
}

#[test]
fn a_key_may_be_made_in_the_lines_before_the_call_that_hands_it_on() {
    let made = "runtime.mallocgc:1;runtime.concatstrings:2";
    let e = evidence(&format!(
        "9 {ASSIGN};cache.find:7;main.get:30;main.main:1
         5 {made};main.get:20
         4 {made};main.get:19
         3 {made};main.get:31
         2 {made};main.put:30"
    ));
    let callers = &site(&e, "cache.find").cpu.as_ref().unwrap().callers;
    let made: Vec<u64> = callers.iter().map(|of| samples(of.key_conversion)).collect();
    assert_eq!(made, [5]);
}

#[test]
fn a_line_counts_a_sample_once_however_often_it_recurs() {
    let e = evidence(&format!("3 {ASSIGN};main.walk:7;main.walk:7;main.walk:7\n4 main.walk:7"));
    let cpu = e.sites[0].cpu.as_ref().unwrap();
    assert_eq!((samples(cpu.line), samples(cpu.map)), (7, 3));
    assert_eq!(samples(e.cpu.as_ref().unwrap().assign_functions[0].cost), 3);
}

#[test]
fn parts_add_up_to_the_whole() {
    let e = evidence(&format!(
        "5 internal/runtime/maps.ctrlGroup.matchH2:1<runtime.mapassign_faststr:9;main.put:7
         4 internal/runtime/maps.(*table).grow:3;internal/runtime/maps.(*table).rehash:2;{ASSIGN};main.put:7
         3 runtime.memclrNoHeapPointers:1;runtime.newarray:1;internal/runtime/maps.newGroups:1;\
           internal/runtime/maps.(*table).grow:3;{ASSIGN};main.put:7
         2 runtime.gcAssistAlloc:1;runtime.newarray:1;internal/runtime/maps.(*table).grow:3;{ASSIGN};main.put:7
         6 runtime.scanobject:1;runtime.gcBgMarkWorker:1
         1 runtime.mapaccess1_faststr:2;main.put:7
         9 main.work:1"
    ));
    let process = e.cpu.as_ref().unwrap();
    let parts: u64 =
        Category::ALL.into_iter().map(|category| samples(process.split.get(category))).sum();
    assert_eq!((parts, samples(process.total)), (30, 30));
    assert_eq!((samples(process.growth), samples(process.gc)), (9, 8));
    let cpu = site(&e, "main.put").cpu.as_ref().unwrap();
    let parts = Category::ALL.map(|category| samples(cpu.split.get(category)));
    assert_eq!((parts.iter().sum::<u64>(), samples(cpu.map)), (15, 15));
    let of = |category| samples(cpu.split.get(category));
    assert_eq!(of(Category::Probe), 5);
    assert_eq!(of(Category::GrowthMove), 4);
    assert_eq!(of(Category::GrowthMemory), 3);
    assert_eq!(of(Category::GcAssist), 2);
    assert_eq!(
        (samples(cpu.by_op.get(MapOp::Assign)), samples(cpu.by_op.get(MapOp::Read))),
        (14, 1)
    );
    assert_eq!(samples(cpu.growth), 9);
    assert_eq!(e.program.map_impl.unwrap().0, MapImpl::Swiss);
}

#[test]
fn elements_with_objects_of_their_own_are_no_growth() {
    let alloc = "runtime.mallocgc:1;runtime.newobject:1;internal/runtime/maps.newobject:1";
    let e = evidence(&format!(
        "7 {alloc};runtime.mapassign_fast64:9;main.put:7
         2 {alloc};internal/runtime/maps.(*table).grow:3;runtime.mapassign_fast64:9;main.put:7"
    ));
    let cpu = e.sites[0].cpu.as_ref().unwrap();
    assert_eq!((samples(cpu.growth), samples(cpu.split.get(Category::Create))), (2, 0));
    assert_eq!(samples(cpu.split.get(Category::OtherMap)), 7);
}

#[test]
fn keys_made_on_the_line_and_in_the_function_are_told_apart() {
    let e = evidence(&format!(
        "3 {ASSIGN};main.put:7
         2 runtime.mallocgc:1;runtime.concatstring2:1;main.put:7
         4 runtime.mallocgc:1;fmt.Sprintf:3;main.put:6"
    ));
    let cpu = e.sites[0].cpu.as_ref().unwrap();
    assert_eq!((samples(cpu.key_conversion), samples(cpu.function_key_conversion)), (2, 6));
}

#[test]
fn slices_that_grow_are_charged_to_who_appends_to_them() {
    let growing = "runtime.mallocgc:1;runtime.growslice:2";
    let e = evidence(&format!(
        "3 {ASSIGN};main.put:7
         4 {growing};main.put:7;main.main:1
         2 {growing};slices.Insert[go.shape.[]int]:3;main.put:7
         5 runtime.memmove:1;runtime.growsliceNoAlias:2;main.put:6
         1 {growing};main.key:4;main.put:7
         1 {ASSIGN};main.main:1"
    ));
    let cpu = site(&e, "main.put").cpu.as_ref().unwrap();
    assert_eq!((samples(cpu.slice_growth), samples(cpu.function_slice_growth)), (6, 11));
    assert_eq!((samples(cpu.line), samples(cpu.map)), (10, 3));
    assert_eq!(samples(site(&e, "main.main").cpu.as_ref().unwrap().slice_growth), 0);
}

#[test]
fn depth_counts_frames_between_the_site_and_the_leaf() {
    let e = evidence(&format!(
        "3 {ASSIGN};main.put:7\n1 runtime.evacuate:2;runtime.growWork:2;{ASSIGN};main.put:7"
    ));
    let depth = e.sites[0].cpu.as_ref().unwrap().depth;
    assert_eq!((depth.hot, depth.max, depth.mean), (1, 3, 1.5));
}

#[test]
fn profiles_add_up_and_equal_lines_are_one_site() {
    let one = cpu_profile(&format!("3 {ASSIGN};main.put:7"));
    let two = cpu_profile(&format!("4 {ASSIGN};main.put:7\n1 main.other:1"));
    let e = evidence_of(&[one, two]);
    assert_eq!(samples(e.cpu.as_ref().unwrap().total), 8);
    assert_eq!((e.sites.len(), samples(e.sites[0].cpu.as_ref().unwrap().map)), (1, 7));
}

#[test]
fn the_call_tree_holds_every_sample() {
    let e = evidence(&format!("3 {ASSIGN};main.put:7;main.main:1\n4 main.main:1"));
    let stacks = e.stacks.unwrap();
    assert_eq!(stacks.nodes.iter().map(|node| node.own.samples).sum::<u64>(), 7);
    let names: Vec<_> =
        stacks.nodes.iter().map(|node| &*stacks.names[node.name as usize]).collect();
    assert_eq!(names, ["", "main.main", "main.put", "runtime.mapassign_faststr"]);
}

fn heap_profile(blocks: &[(&str, i64, i64)]) -> Vec<u8> {
    let mut builder = ProfileBuilder::default();
    let kinds = ["alloc_objects", "alloc_space", "inuse_objects", "inuse_space"];
    let types =
        kinds.map(|kind| ValueType { kind: builder.string(kind), unit: builder.string("bytes") });
    builder.profile_mut().sample_types = types.into();
    for &(frame, size, n) in blocks {
        let stack = [location(&mut builder, frame)];
        let label = Label { key: "bytes", value: LabelValue::Num { value: size, unit: "" } };
        builder.sample(&stack, &[n, n.saturating_mul(size), 1, size], &[label]);
    }
    encode(builder)
}

#[test]
fn allocations_are_given_to_the_site_by_block_size() {
    let heap =
        heap_profile(&[("main.put:7", 208, 10), ("main.put:7", 416, 5), ("main.other:1", 64, 9)]);
    let e = evidence_of(&[cpu_profile(&format!("3 {ASSIGN};main.put:7")), heap]);
    assert_eq!(e.heap.as_ref().unwrap().total.alloc_objects, Some(24));
    let blocks = &e.sites[0].heap.as_ref().unwrap().blocks;
    let ladder: Vec<_> =
        blocks.iter().map(|b| (b.block_bytes, b.alloc.alloc_objects, b.map_capacity)).collect();
    assert_eq!(ladder, [(208, Some(10), None), (416, Some(5), None)]);
    assert_eq!(e.sites.len(), 1, "without the binary nobody knows that main.other uses a map");
}

#[test]
fn of_two_heap_profiles_the_last_counts_and_the_first_is_named() {
    let heap = |n| heap_profile(&[("main.put:7", 208, n)]);
    let e = evidence_of(&[cpu_profile(&format!("3 {ASSIGN};main.put:7")), heap(1), heap(2)]);
    assert_eq!(e.heap.as_ref().unwrap().total.alloc_objects, Some(2));
    assert!(e.notices.iter().any(|notice| notice.text.contains("replaced by")));
}

#[test]
fn absurd_values_do_not_overflow() {
    let stacks: String = [
        format!("{ASSIGN};main.put:7"),
        format!("internal/runtime/maps.(*table).grow:3;{ASSIGN};main.put:7"),
        "runtime.mapaccess1_faststr:2;main.put:7".to_owned(),
        "runtime.gcBgMarkWorker:1".to_owned(),
        "runtime.concatstring2:1;main.put:6".to_owned(),
    ]
    .map(|stack| format!("{} {stack}\n", i64::MAX / 10_000))
    .concat();
    let heap = heap_profile(&[
        ("main.put:7", 208, i64::MAX),
        ("main.put:7", 416, i64::MAX),
        ("main.put:7", i64::MAX, 2),
    ]);
    let e = evidence_of(&[cpu_profile(&stacks), cpu_profile(&stacks), heap]);
    assert_eq!(e.cpu.as_ref().unwrap().total.cpu_ns, u64::MAX);
    assert!(!diagnosis::diagnose(e).findings.is_empty());
}

#[test]
fn a_heap_profile_alone_says_what_it_cannot_tell() {
    let e = evidence_of(&[heap_profile(&[("main.put:7", 208, 1)])]);
    assert!(e.sites.is_empty() && e.cpu.is_none());
    assert!(e.notices[0].text.contains("does not tell maps from slices"));
}

#[test]
fn a_folder_stands_for_its_files_and_what_is_not_used_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
    write("cpu.pprof", &cpu_profile("3 runtime.mapassign_faststr:1;main.f:2"));
    write("notes.txt", b"what we saw");
    write("capture.json", b"{\"mapscope_capture\":1}");
    std::fs::create_dir(dir.path().join("older")).unwrap();
    let options = Options { open: OpenOptions::default(), stacks: false };
    let names = [dir.path().to_str().unwrap().to_owned()];
    let evidence = collect(&names, &options, &mut |_| {}).unwrap();
    assert_eq!(samples(evidence.cpu.as_ref().unwrap().total), 3);
    let [notice] = &evidence.notices[..] else { panic!("{:?}", evidence.notices) };
    assert!(notice.text.starts_with("not used: ") && notice.text.contains("notes.txt"));
    // Asked for by name, it is an error.
    let names = [dir.path().join("notes.txt").to_str().unwrap().to_owned()];
    assert!(collect(&names, &options, &mut |_| {}).is_err());
}
