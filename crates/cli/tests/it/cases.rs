//! Small programs of which the cause is known: what is concluded of their profiles, alone and with the binary.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use xtask::go::BuildOptions;

use crate::diagnose_json;

/// What the first finding has to say of a case.
struct Case {
    name: &'static str,
    go: &'static str,
    rule: &'static str,
    verdict: &'static str,
    /// The line of `main.go` that it is about, without space before and behind.
    line: &'static str,
    /// Type of the map as the advice has it with the binary; `None` where that does not say.
    map_type: Option<&'static str>,
}

const CASES: [Case; 8] = [
    Case {
        name: "any-key",
        go: "1.23.9",
        rule: "interface-keys",
        verdict: "change key",
        line: "v, ok := s.values[d]",
        map_type: None,
    },
    Case {
        name: "clear-big",
        go: "1.26.6",
        rule: "clear-outweighs-writes",
        verdict: "release",
        line: "clear(c.visited)",
        map_type: Some("map[int32]bool"),
    },
    Case {
        name: "find-by-range",
        go: "1.27.3",
        rule: "iteration-dominates",
        verdict: "replace",
        line: "for _, f := range x.funcs {",
        map_type: Some("map[string]*main.fn"),
    },
    Case {
        name: "group-append",
        go: "1.24.11",
        rule: "slices-grow",
        verdict: "presize",
        line: "m[ps[i].action] = append(m[ps[i].action], ps[i].scope)",
        map_type: Some("map[string][]string"),
    },
    Case {
        name: "growth-gap",
        go: "1.24.11",
        rule: "growth-is-a-part",
        verdict: "presize",
        line: "m[next()%20000]++",
        map_type: Some("map[uint64]uint64"),
    },
    Case {
        name: "quantile-targets",
        go: "1.26.6",
        rule: "iteration-dominates",
        verdict: "replace",
        line: "for q, eps := range s.targets {",
        map_type: Some("map[float64]float64"),
    },
    Case {
        name: "range-alloc",
        go: "1.21.13",
        rule: "iteration-dominates",
        verdict: "replace",
        line: "for k := range s {",
        map_type: Some("main.ints"),
    },
    Case {
        name: "walk-expired",
        go: "1.24.11",
        rule: "never-shrinks",
        verdict: "release",
        line: "for _, s := range c.sessions {",
        map_type: Some("map[string]main.session"),
    },
];

fn folder(case: &str) -> PathBuf {
    xtask::testdata(&format!("cases/{case}"))
}

/// The profiles of a case, and the program if there is one.
fn report(case: &str, program: Option<&Path>) -> Value {
    let profiles = ["cpu.pprof", "allocs.pprof"].map(|name| folder(case).join(name));
    let inputs = profiles.iter().map(PathBuf::as_path).chain(program);
    let inputs: Vec<&str> = inputs.map(|path| path.to_str().unwrap()).collect();
    diagnose_json(&inputs)
}

/// The program of a case as `record` builds it; `None` without its Go.
fn program(case: &str, go: &str) -> Option<PathBuf> {
    let Some(go) = xtask::go::toolchain(go) else {
        xtask::skip(&format!("Go {go} is not installed"));
        return None;
    };
    let args = ["-trimpath", "-buildvcs=false"].map(str::to_owned).into();
    Some(go.build(&folder(case), &BuildOptions { args, ..BuildOptions::default() }).unwrap())
}

/// Number of the one line of the program with this text, from 1.
fn line_of(case: &str, text: &str) -> usize {
    let source = fs::read_to_string(folder(case).join("main.go")).unwrap();
    let lines: Vec<usize> =
        source.lines().zip(1..).filter(|(line, _)| line.trim() == text).map(|(_, n)| n).collect();
    assert_eq!(lines.len(), 1, "{case}: {text}");
    lines[0]
}

/// Rule, verdict and line of the first finding.
fn first(report: &Value) -> (String, String, u64) {
    let finding = &report["findings"][0];
    let site = &report["sites"][finding["site"].as_u64().unwrap() as usize];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&finding["rule"]), text(&finding["verdict"]), site["line"].as_u64().unwrap())
}

#[test]
fn profiles_alone_name_the_cause_of_each_case() {
    for Case { name, rule, verdict, line, .. } in &CASES {
        let report = report(name, None);
        let expected = ((*rule).to_owned(), (*verdict).to_owned(), line_of(name, line) as u64);
        assert_eq!(first(&report), expected, "{name}");
        assert!(report["findings"][0]["action"]["map_type"].is_null(), "{name}");
    }
}

#[test]
fn the_binary_adds_the_type_of_the_map() {
    for Case { name, go, rule, verdict, line, map_type } in &CASES {
        let Some(program) = program(name, go) else { continue };
        let report = report(name, Some(&program));
        let expected = ((*rule).to_owned(), (*verdict).to_owned(), line_of(name, line) as u64);
        assert_eq!(first(&report), expected, "{name}");
        let action = &report["findings"][0]["action"];
        assert_eq!(action["map_type"].as_str(), *map_type, "{name}");
    }
}

/// What arrays hold is known of the heap profile with the types of the binary. Growth of the outer map costs about as much.
#[test]
fn inner_maps_of_one_entry_are_seen_with_the_binary() {
    let Some(program) = program("tiny-inner", "1.27.3") else { return };
    let report = report("tiny-inner", Some(&program));
    let findings = report["findings"].as_array().unwrap();
    let found = findings.iter().find(|of| of["rule"] == "small-inner-maps").unwrap();
    assert_eq!(found["verdict"], "flatten");
    let site = &report["sites"][found["site"].as_u64().unwrap() as usize];
    assert_eq!(site["line"], line_of("tiny-inner", "m[ns] = struct{}{}"));
}

/// That two lines use maps of one type only the binary says.
#[test]
fn two_lookups_of_a_key_are_seen_with_the_binary() {
    let Some(program) = program("append-twice", "1.26.6") else { return };
    let (rule, _, at) = first(&report("append-twice", Some(&program)));
    let line = line_of("append-twice", "list := longer(postings[value], id)") as u64;
    assert_eq!((rule.as_str(), at), ("looked-up-twice", line));
}
