//! The order of inputs that add up decides nothing, and what several measured is said of all of them.

use std::path::Path;

use evidence::{Evidence, SourceId};
use ingest::{OpenOptions, Options, collect};

use crate::growth::recording;
use crate::{ASSIGN, cpu_profile, evidence_of, heap_profile, samples, site};

type File<'f> = (&'f str, Vec<u8>);

/// Two CPU profiles, a heap profile and a recording of one program, which is built with and without `-trimpath`.
fn inputs() -> [File<'static>; 4] {
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
    let grown = recording("", "7 10 table 512 - -\n9 3 table 16 - -");
    [
        ("one.pprof", cpu_profile(&one)),
        ("other.pprof", cpu_profile(&other)),
        ("heap.pprof", heap),
        ("grown.pb.gz", grown),
    ]
}

fn collect_in_order(dir: &Path, names: &[&str]) -> Evidence {
    let path = |name: &&str| dir.join(name).to_str().unwrap().to_owned();
    let names: Vec<String> = names.iter().map(path).collect();
    let options = Options { open: OpenOptions::default(), stacks: false };
    collect(&names, &options, &mut |_| {}).unwrap()
}

/// All of it as text, with names of inputs in place of their positions.
fn told(mut evidence: Evidence) -> String {
    let sources = std::mem::take(&mut evidence.sources);
    let name = |id: SourceId| sources[id].name.rsplit('/').next().unwrap().to_owned();
    let mut text = format!("{evidence:?}");
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
        e.sites.iter().map(|site| (site.frame.function.as_str(), site.frame.line)).collect();
    assert_eq!(lines, [("main.fill", 7), ("main.put", 4), ("main.fill", 9)]);
    let fill = &e.sites[0];
    assert_eq!(fill.frame.file, "/home/me/main.go");
    assert_eq!(samples(fill.cpu.as_ref().unwrap().map), 7);
    assert_eq!(fill.growth.as_ref().unwrap().total.grows, 10);
    assert_eq!(fill.heap.as_ref().unwrap().total.alloc_objects, 9);
    // The copy that costs most.
    assert_eq!(fill.inlined_into[0].function, "main.b");
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
    assert_eq!(e.sites[0].heap.as_ref().unwrap().total.alloc_objects, 9);
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
