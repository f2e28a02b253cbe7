//! The order of inputs that add up decides nothing, and what several measured is said of all of them.

use std::path::Path;

use evidence::{Evidence, Notice, SourceId};
use gopprof::Mapping;
use ingest::{OpenOptions, Options, collect};

use crate::growth::recording;
use crate::{ASSIGN, cpu_builder, cpu_profile, encode, evidence_of, heap_profile, samples, site};

type File<'f> = (&'f str, Vec<u8>);

/// Two CPU profiles, a heap profile and two recordings of one program, which is built with and without `-trimpath`.
fn inputs() -> [File<'static>; 5] {
    let one = format!(
        "3 {ASSIGN};main.fill:/home/me/main.go:7<main.a:file.go:1;main.main:1
         2 {ASSIGN};main.put:4"
    );
    let other = format!(
        "4 {ASSIGN};main.fill:example.com/main.go:7<main.b:file.go:2;main.main:2
         3 {ASSIGN};main.put:4
         1 main.work:1"
    );
    let heap = heap_profile(&[("main.fill:/home/me/main.go:7", 208, 9), ("main.put:4", 64, 2)]);
    let grown = recording("overhead_pct=0.40 gc_cycles=3", "7 10 table 512 - -\n9 3 table 16 - -");
    let again = recording("overhead_pct=1.25 gc_cycles=4 gc_assists=9", "7 2 table 512 - -");
    [
        ("one.pprof", cpu_profile(&one)),
        ("other.pprof", cpu_profile(&other)),
        ("heap.pprof", heap),
        ("grown.pb.gz", grown),
        ("again.pb.gz", again),
    ]
}

fn collect_in_order(dir: &Path, names: &[&str]) -> Evidence {
    let path = |name: &&str| dir.join(name).to_str().unwrap().to_owned();
    let names: Vec<String> = names.iter().map(path).collect();
    let options = Options { open: OpenOptions::default(), stacks: false };
    collect(&names, &options, &mut |_| {}).unwrap()
}

/// All of it as text, with names of inputs in place of their positions. Which of two recordings the program's version is
/// from, the order decides.
fn told(mut evidence: Evidence) -> String {
    let sources = std::mem::take(&mut evidence.sources);
    let name = |id: SourceId| sources[id].name.rsplit('/').next().unwrap().to_owned();
    let program = std::mem::take(&mut evidence.program);
    let version = program.go_version.map(|(version, _)| version);
    let map_impl = program.map_impl.map(|(map_impl, _)| map_impl);
    let mut text = format!("{version:?} {map_impl:?} {:?} {evidence:?}", program.arch);
    for (id, _) in sources.with_ids() {
        text = text.replace(&format!("{id:?}"), &name(id));
    }
    let mut parts = text.split("SourceIds([");
    let mut told = parts.next().unwrap().to_owned();
    for part in parts {
        let (ids, rest) = part.split_once("])").unwrap();
        let mut ids: Vec<&str> = ids.split(", ").collect();
        ids.sort_unstable();
        told += &format!("{}{rest}", ids.join(" and "));
    }
    told
}

fn orders<'f>(names: &[&'f str]) -> Vec<Vec<&'f str>> {
    if names.is_empty() {
        return vec![Vec::new()];
    }
    let first = |at: usize| {
        let others = [&names[..at], &names[at + 1..]].concat();
        let rest = orders(&others).into_iter();
        rest.map(move |rest| [&[names[at]], &rest[..]].concat())
    };
    (0..names.len()).flat_map(first).collect()
}

#[test]
fn evidence_is_the_same_whichever_input_comes_first() {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in inputs() {
        std::fs::write(dir.path().join(name), bytes).unwrap();
    }
    let names = inputs().map(|(name, _)| name);
    let expected = told(collect_in_order(dir.path(), &names));
    for order in orders(&names) {
        assert_eq!(told(collect_in_order(dir.path(), &order)), expected, "{order:?}");
    }
}

#[test]
fn inputs_of_builds_with_and_without_folders_are_joined_by_line() {
    let e = evidence_of(&inputs().map(|(_, bytes)| bytes));
    let lines: Vec<_> =
        e.sites.iter().map(|site| (&*site.frame.function, site.frame.line)).collect();
    assert_eq!(lines, [("main.fill", 7), ("main.put", 4), ("main.fill", 9)]);
    let fill = &e.sites[0];
    assert_eq!(&*fill.frame.file, "/home/me/main.go");
    assert_eq!(samples(fill.cpu.as_ref().unwrap().map), 7);
    assert_eq!(fill.growth.as_ref().unwrap().total.grows, 12);
    assert_eq!(fill.heap.as_ref().unwrap().total.alloc_objects, Some(9));
    // The copy that costs most.
    assert_eq!(&*fill.inlined_into[0].function, "main.b");
    let put = site(&e, "main.put");
    assert_eq!(put.growth.as_ref().unwrap().types, []);
}

#[test]
fn lines_of_several_files_in_one_function_are_told_apart() {
    let stacks =
        format!("3 {ASSIGN};main.parse:expr.y:7;main.main:1\n2 {ASSIGN};main.parse:expr.go:7");
    let heap = heap_profile(&[("main.parse:calc/expr.go:7", 208, 5)]);
    let e = evidence_of(&[cpu_profile(&stacks), heap]);
    let [of_grammar, generated] = &e.sites[..] else { panic!("{:?}", e.sites) };
    assert_eq!((&*of_grammar.frame.file, &*generated.frame.file), ("expr.y", "calc/expr.go"));
    assert!(of_grammar.heap.is_none() && generated.heap.is_some());
}

#[test]
fn a_line_that_only_a_recording_has_gets_its_allocations() {
    let heap = heap_profile(&[("main.fill:/src/main.go:7", 208, 9)]);
    let e = evidence_of(&[recording("", "7 10 table 512 - -"), heap]);
    assert_eq!(e.sites.len(), 1);
    assert_eq!(e.sites[0].heap.as_ref().unwrap().total.alloc_objects, Some(9));
}

#[test]
fn what_several_profiles_measured_is_said_of_all_of_them() {
    let grow = "internal/runtime/maps.(*table).grow:3";
    let stacks =
        format!("300 {grow};{ASSIGN};main.fill:main.go:7\n300 {ASSIGN};main.fill:main.go:7");
    let grown = recording("", "7 10 table 512 - -");
    let [one, other] = [cpu_profile(&stacks), cpu_profile(&stacks)];
    let e = evidence_of(&[one, other, grown.clone(), grown]);
    let diagnosis = diagnosis::diagnose(e);
    let finding = &diagnosis.findings[0];
    assert_eq!(finding.rule, "growth-dominates");
    let sources = |what: &str| {
        let line = finding.evidence.iter().find(|line| line.what.starts_with(what)).unwrap();
        line.sources.iter().map(SourceId::index).collect::<Vec<_>>()
    };
    assert_eq!(sources("map writes and reads at this line"), [0, 1]);
    assert_eq!(sources("growths of map[string]int here"), [2, 3]);
    assert_eq!(diagnosis.sources_of(finding).len(), 4);
}

#[test]
fn recordings_say_together_what_all_of_them_say() {
    let e = evidence_of(&inputs().map(|(_, bytes)| bytes));
    let growth = e.growth.unwrap();
    assert_eq!(growth.overhead, Some(0.0125));
    assert_eq!((growth.gc_cycles, growth.gc_assists), (Some(7), None));
    let [silent, overhead] = ["", "overhead_pct=0.40"].map(|said| recording(said, ""));
    assert_eq!(evidence_of(&[overhead, silent]).growth.unwrap().overhead, None);
}

/// A trace says nothing of its build.
#[test]
fn builds_are_compared_whatever_comes_first() {
    let of_build = |id: &str| {
        let mut builder = cpu_builder(&format!("3 {ASSIGN};main.put:7"));
        let build_id = builder.string(id);
        builder.mapping(Mapping { build_id, ..Mapping::default() });
        encode(builder)
    };
    let e = evidence_of(&[trace("go1.23.9"), of_build("aa"), of_build("bb"), of_build("aa")]);
    let texts: Vec<&str> = e.notices.iter().map(|notice| notice.text.as_str()).collect();
    let name = |at: usize| e.sources.iter().nth(at).unwrap().name.clone();
    let other = format!(
        "{} is of another build than {}; they were added up all the same",
        name(2),
        name(1)
    );
    assert_eq!(texts.iter().filter(|text| text.contains("another build")).count(), 1);
    assert!(texts.contains(&&*other), "{texts:?}");
}

#[test]
fn a_trace_whose_timeline_is_not_shown_says_so() {
    let e = evidence_of(&[trace("go1.23.9"), trace("go1.24.11")]);
    let timeline = e.timeline.unwrap();
    assert_eq!(timeline.source.index(), 0);
    let is_said = |notice: &&Notice| notice.text.starts_with("its timeline is not shown");
    let of: Vec<_> =
        e.notices.iter().filter(is_said).map(|of| of.source.unwrap().index()).collect();
    assert_eq!(of, [1]);
}

fn trace(version: &str) -> Vec<u8> {
    let path = format!("samples/traces-other/{version}-nested.trace");
    std::fs::read(xtask::testdata(&path)).unwrap()
}
