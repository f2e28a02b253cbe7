//! Call sites have the line and type that comments in the source of the test program name.

use std::collections::{BTreeSet, HashMap};
use std::fs;

use goabi::MapOp;
use gobin::{Binary, LinkAddr, MapSite, UnknownType};
use xtask::go::{BuildOptions, Toolchain};

use crate::program;

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
    for site in own_sites(binary) {
        // Comments name no calls that carry no type.
        let is_told = site.callee.starts_with("runtime.makemap") || site.op != MapOp::Make;
        if is_told && site.callee != "runtime.makemap_small" {
            let map_type = site.map_type.map(|addr| type_name(binary, addr));
            sites.push((site.frames[0].line, op(&site), map_type));
        }
    }
    sites
}

fn own_sites<'a>(binary: &Binary<'a>) -> impl Iterator<Item = MapSite<'a>> {
    let is_own = |site: &MapSite<'_>| site.frames[0].file.ends_with("sites/main.go");
    binary.map_sites().into_iter().filter(is_own)
}

fn op(site: &MapSite<'_>) -> String {
    format!("{:?}", site.op).to_lowercase()
}

fn type_name(binary: &Binary<'_>, addr: LinkAddr) -> String {
    binary.map_type_at(addr).unwrap().name
}

mod call_sites_have_the_line_and_type_of_the_source {
    crate::tests_of_builds!(tests_of_versions, crate::sites::check_all_builds);
}

fn check_all_builds(go: &Toolchain, how: &str, options: &BuildOptions) {
    let source = fs::read_to_string(program("sites").join("main.go")).unwrap();
    let expected = expectations(&source);
    let data = fs::read(go.build(&program("sites"), options).unwrap()).unwrap();
    let binary = Binary::parse(&data).unwrap().value;
    check(&format!("{} {how}", go.version), &found(&binary), &expected);
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

mod generic_code_has_the_types_that_its_callers_mean {
    crate::tests_of_builds!(tests_of_versions, crate::sites::check_generic_code);
}

fn check_generic_code(go: &Toolchain, how: &str, options: &BuildOptions) {
    let source = fs::read_to_string(program("sites").join("main.go")).unwrap();
    let expected = expectations(&source);
    let data = fs::read(go.build(&program("sites"), options).unwrap()).unwrap();
    let binary = Binary::parse(&data).unwrap().value;
    let mut told: HashMap<(u32, String), BTreeSet<String>> = HashMap::new();
    for site in own_sites(&binary) {
        let types =
            site.map_type.into_iter().chain(site.possible_types.iter().map(|of| of.map_type));
        let types = types.map(|addr| type_name(&binary, addr));
        told.entry((site.frames[0].line, op(&site))).or_default().extend(types);
    }
    let calls = expected.iter().flat_map(|(line, calls)| calls.iter().map(|call| (*line, call)));
    let generic: Vec<_> = calls.filter(|(_, call)| call.is_generic).collect();
    let is_told = |(line, call): &&(u32, &Expected)| {
        let types = BTreeSet::from_iter(call.types.iter().cloned());
        told.get(&(*line, call.op.clone())) == Some(&types)
    };
    let n_told = generic.iter().filter(is_told).count();
    // Of a function literal the dictionary is a variable that it captures.
    assert!(n_told + 1 >= generic.len(), "{} {how}: {generic:?}, told {told:?}", go.version);
}

mod maps_are_held_by_those_that_they_are_taken_out_of_or_put_into {
    crate::tests_of_builds!(tests_of_versions, crate::sites::check_held);
}

fn check_held(go: &Toolchain, how: &str, options: &BuildOptions) {
    let source = fs::read_to_string(program("sites").join("main.go")).unwrap();
    let function_of = |line: u32| {
        let above: Vec<&str> = source.lines().take(line as usize).collect();
        let head = above.iter().rev().find_map(|text| text.strip_prefix("func "));
        head.map_or("", |head| head.split('(').next().unwrap()).to_owned()
    };
    const OUTER: &str = "map[string]map[string]int";
    let build = format!("{} {how}", go.version);
    let data = fs::read(go.build(&program("sites"), options).unwrap()).unwrap();
    let binary = Binary::parse(&data).unwrap().value;
    let mut n_held = 0;
    for site in own_sites(&binary) {
        let Ok(map_type) = site.map_type else { continue };
        if type_name(&binary, map_type) != "map[string]int" {
            continue;
        }
        let line = site.frames[0].line;
        let held_by: Vec<String> =
            site.held_by.iter().map(|&addr| type_name(&binary, addr)).collect();
        // A literal, in `makes`, has maps of this type both alone and in another.
        if function_of(line) == "held" {
            assert_eq!(held_by, [OUTER], "{build}: line {line}");
            n_held += 1;
        } else if !["nested", "makes", "main"].contains(&&*function_of(line)) {
            assert_eq!(held_by, [""; 0], "{build}: line {line}");
        }
    }
    assert!(n_held >= 8, "{build}: {n_held}");
}

mod a_small_map_has_the_type_of_what_is_done_with_it {
    crate::tests_of_builds!(tests_of_versions, crate::sites::check_small_makes);
}

fn check_small_makes(go: &Toolchain, how: &str, options: &BuildOptions) {
    let build = format!("{} {how}", go.version);
    let data = fs::read(go.build(&program("sites"), options).unwrap()).unwrap();
    let binary = Binary::parse(&data).unwrap().value;
    let sites: Vec<MapSite<'_>> = own_sites(&binary).collect();
    let made: BTreeSet<String> = sites
        .iter()
        .filter(|site| site.callee == "runtime.makemap_small")
        .filter(|site| site.frames[0].function == "main.held")
        .map(|site| site.map_type.map_or_else(|why| why.to_string(), |t| type_name(&binary, t)))
        .collect();
    assert_eq!(made, BTreeSet::from(["map[string]int".to_owned()]), "{build}");
    let makes_of = |line_text: &str| {
        let source = fs::read_to_string(program("sites").join("main.go")).unwrap();
        let line = source.lines().position(|text| text.contains(line_text)).unwrap() + 1;
        let site = sites.iter().find(|site| site.frames[0].line == line as u32).unwrap();
        let at = |addr| sites.iter().find(|site| site.addr == addr).unwrap().frames[0].line;
        let lines: Vec<u32> = site.made_at.iter().map(|&addr| at(addr)).collect();
        let texts = lines.iter().map(|&line| source.lines().nth(line as usize - 1).unwrap());
        texts.map(|text| text.trim().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(makes_of("filled[w] = i"), ["filled := make(map[string]int)"], "{build}");
    // Small ones that stay in the frame have no call that makes them; large ones are told where they stand.
    for (write, make) in [
        ("seen[w] = true", "seen := map[string]bool{}"),
        ("many[w] = 1", "many := make(map[string]int8, len(words)) //map: make map[string]int8"),
    ] {
        assert_eq!(makes_of(write), [make], "{build}");
    }
    let in_frame = sites.iter().filter(|site| site.is_in_frame && site.op == MapOp::Make);
    let in_frame = in_frame.filter(|site| site.frames[0].function == "main.local");
    let types: BTreeSet<String> =
        in_frame.map(|site| type_name(&binary, site.map_type.unwrap())).collect();
    let expected = ["map[string]bool", "map[string]int8"].map(str::to_owned);
    assert_eq!(types, BTreeSet::from(expected), "{build}");
    assert!(!sites.iter().any(|site| site.is_in_frame && site.frames[0].function == "main.held"));
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
