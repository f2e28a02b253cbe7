//! Call sites have the line and type that comments in the source of the test program name.

use std::collections::HashMap;
use std::fs;

use goabi::MapOp;
use gobin::{Binary, MapSite, UnknownType};
use xtask::go::Toolchain;

use crate::{builds, program};

/// What a comment expects of its line.
#[derive(Debug, Clone)]
struct Expected {
    op: String,
    types: Vec<String>,
    is_generic: bool,
}

/// Reads `//map: assign map[string]int & read map[int]bool`, by line.
fn expectations(source: &str) -> HashMap<u32, Vec<Expected>> {
    let mut lines = HashMap::new();
    for (line, text) in (1..).zip(source.lines()) {
        let Some((_, comment)) = text.split_once("//map: ") else { continue };
        let calls = comment.split(" & ").map(|call| {
            let (op, types) = call.split_once(' ').unwrap();
            let (is_generic, types) = match types.strip_prefix("? ") {
                Some(types) => (true, split_types(types)),
                None => (false, vec![types.to_owned()]),
            };
            Expected { op: op.to_owned(), types, is_generic }
        });
        lines.insert(line, calls.collect());
    }
    lines
}

/// Types are separated by spaces, which also stand inside of struct types; each starts with `map[`.
fn split_types(text: &str) -> Vec<String> {
    text.split(" map[")
        .map(|t| if t.starts_with("map[") { t.to_owned() } else { format!("map[{t}") })
        .collect()
}

/// Call sites of the program's own code: line, operation, type.
fn found(binary: &Binary<'_>) -> Vec<(u32, String, Result<String, UnknownType>)> {
    let mut sites = Vec::new();
    for site in binary.map_sites() {
        let frame = site.frames[0];
        if frame.file.ends_with("sites/main.go") {
            let map_type = site.map_type.map(|addr| binary.map_type_at(addr).unwrap().name);
            sites.push((frame.line, format!("{:?}", site.op).to_lowercase(), map_type));
        }
    }
    sites
}

mod call_sites_have_the_line_and_type_of_the_source {
    xtask::tests_of_versions!(super::check_all_builds);
}

fn check_all_builds(go: &Toolchain) {
    let source = fs::read_to_string(program("sites").join("main.go")).unwrap();
    let expected = expectations(&source);
    for (how, options) in builds() {
        let data = fs::read(go.build(&program("sites"), &options).unwrap()).unwrap();
        let binary = Binary::parse(&data).unwrap().value;
        check(&format!("{} {how}", go.version), &found(&binary), &expected);
    }
}

fn check(
    build: &str,
    found: &[(u32, String, Result<String, UnknownType>)],
    expected: &HashMap<u32, Vec<Expected>>,
) {
    for (line, op, map_type) in found {
        let Ok(name) = map_type else { continue };
        let of_line = expected.get(line).map_or(&[][..], Vec::as_slice);
        let fits = of_line.iter().any(|e| e.op == *op && e.types.contains(name));
        assert!(fits, "{build}: line {line} has no {op} of {name}, but {of_line:?}");
    }
    let is_write = |op: &str| !["read", "iterate"].contains(&op);
    let certain =
        expected.iter().flat_map(|(line, calls)| calls.iter().map(move |call| (*line, call)));
    let certain: Vec<_> =
        certain.filter(|(_, call)| !call.is_generic && is_write(&call.op)).collect();
    let is_found = |line: u32, call: &Expected| {
        found
            .iter()
            .any(|(l, op, t)| *l == line && *op == call.op && t.as_ref() == Ok(&call.types[0]))
    };
    let missed: Vec<_> = certain.iter().filter(|(line, call)| !is_found(*line, call)).collect();
    let right = certain.len() - missed.len();
    assert!(
        certain.len() >= 70 && right * 100 >= certain.len() * 95,
        "{build}: {right} of {}, missed {missed:?}",
        certain.len()
    );
}

mod nearly_every_write_in_the_go_compiler_has_a_type {
    xtask::tests_of_versions!(super::check_compiler);
}

fn check_compiler(go: &Toolchain) {
    let path = go.command().args(["tool", "-n", "compile"]).output().unwrap().stdout;
    let data = fs::read(String::from_utf8(path).unwrap().trim()).unwrap();
    let binary = Binary::parse(&data).unwrap().value;
    let is_user = |site: &&MapSite<'_>| site.frames[0].function.starts_with("cmd/");
    let sites = binary.map_sites();
    let assigns: Vec<_> =
        sites.iter().filter(|site| site.op == MapOp::Assign).filter(is_user).collect();
    let typed = assigns.iter().filter(|site| site.map_type.is_ok()).count();
    assert!(
        assigns.len() > 1000 && typed * 100 >= assigns.len() * 99,
        "{}: {typed} of {}",
        go.version,
        assigns.len()
    );
}
