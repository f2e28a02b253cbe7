//! Limits on maps: what is over them, at which line of source.

use std::fs;
use std::path::Path;
use std::process::Output;

use expect_test::expect;
use serde_json::Value;
use tempfile::TempDir;

use crate::{binary, mapscope, sample};

/// Diagnoses the bundled recording with a budget, in a folder where the source lies.
fn diagnose(budget: &str, more: &[&str]) -> (Option<i32>, String, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("mapscope.toml");
    fs::write(&file, budget).unwrap();
    let (recording, binary) = (sample("recordings/nested-1.27.3.pb.gz"), binary("nested-1.27.3"));
    let file = file.to_str().unwrap();
    let args = ["diagnose", &recording, &binary, "--budget", file].into_iter();
    let output: Output = mapscope(args.chain(more.iter().copied()));
    let err =
        String::from_utf8(output.stderr).unwrap().replace(dir.path().to_str().unwrap(), "DIR");
    (output.status.code(), err, dir)
}

#[test]
fn a_budget_without_an_end_is_refused() {
    let recording = sample("recordings/nested-1.27.3.pb.gz");
    let output = mapscope(["diagnose", &recording, "--budget", "/dev/zero"]);
    assert_eq!(output.status.code(), Some(2));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains("/dev/zero: a budget has 1048576 bytes at most"), "{err}");
}

#[test]
fn what_is_over_a_limit_is_named_at_its_line() {
    let (code, err, _) = diagnose(
        "[[limit]]\nfunction = '^main\\.build$'\nmax_cpu_percent = 10\nmax_write_amplification = 1.2\n",
        &[],
    );
    assert_eq!(code, Some(1));
    expect![[r#"
        samples/nested/main.go:49:1: CPU of maps in main.build: 50.0 %, allowed are 10.0 % by DIR/mapscope.toml:1 (budget)
        samples/nested/main.go:44:1: CPU of maps in main.build: 10.9 %, allowed are 10.0 % by DIR/mapscope.toml:1 (budget)
        samples/nested/main.go:49:1: write amplification in main.build: 1.97, allowed are 1.20 by DIR/mapscope.toml:1 (budget)
        samples/nested/main.go:47:1: write amplification in main.build: 1.99, allowed are 1.20 by DIR/mapscope.toml:1 (budget)
    "#]].assert_eq(&err);
}

#[test]
fn limits_that_hold_say_nothing() {
    let (code, err, _) = diagnose("[[limit]]\nmap_type = 'map'\nmax_cpu_percent = 99\n", &[]);
    assert_eq!((code, &*err), (Some(0), ""));
}

#[test]
fn limits_that_cannot_be_checked_and_mistakes_do_not_pass() {
    let (code, err, _) = diagnose("[[limit]]\nfunction = 'nobody'\nmax_cpu_percent = 10\n", &[]);
    assert_eq!(code, Some(2));
    assert!(
        err.starts_with("DIR/mapscope.toml:1:1: this limit cannot be checked: no site"),
        "{err}"
    );
    let (code, err, _) = diagnose("[[limit]]\nfunction = 'x'\nmax_cpu = 10\n", &[]);
    assert_eq!(code, Some(2));
    assert!(err.starts_with("mapscope: DIR/mapscope.toml:3:1: unknown field `max_cpu`"), "{err}");
}

#[test]
fn sarif_and_github_get_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let sarif = dir.path().join("out.sarif");
    let budget = "[[limit]]\nfunction = '^main\\.build$'\nmax_cpu_percent = 10\n";
    let (code, _, _budget) = diagnose(budget, &["--sarif", sarif.to_str().unwrap()]);
    assert_eq!(code, Some(1));
    let log: Value = serde_json::from_slice(&fs::read(&sarif).unwrap()).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let results = log["runs"][0]["results"].as_array().unwrap();
    let of_level = |level: &str| results.iter().find(|result| result["level"] == level).unwrap();
    let (over, finding) = (of_level("error"), of_level("warning"));
    assert_eq!(over["ruleId"], "budget");
    assert_eq!(finding["ruleId"], "growth-dominates");
    assert!(over["properties"].is_null());
    let action = &finding["properties"]["action"];
    assert_eq!(
        (&action["kind"], &action["map_type"]),
        (&"presize".into(), &"map[string]int".into())
    );
    let place = &finding["locations"][0]["physicalLocation"];
    assert!(place["region"]["startLine"].as_u64() > Some(0));
    assert!(place["artifactLocation"]["uri"].as_str().unwrap().ends_with("nested/main.go"));
    let ids: Vec<&Value> = log["runs"][0]["tool"]["driver"]["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| &rule["id"])
        .collect();
    assert!(results.iter().all(|result| ids.contains(&&result["ruleId"])));
    let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    let rule = rules.iter().find(|rule| rule["id"] == "growth-dominates").unwrap();
    assert!(rule["help"]["text"].as_str().unwrap().contains("check by hand"), "{rule}");
}

#[test]
fn github_shows_files_as_they_lie_in_the_checkout() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("nested")).unwrap();
    fs::write(dir.path().join("nested/main.go"), "package main\n").unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_mapscope"))
        .args(["diagnose", &sample("nested-1.27.3/cpu.pprof"), "--github"])
        .current_dir(Path::new(dir.path()))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find(|line| line.starts_with("::warning ")).unwrap();
    assert!(
        line.starts_with(
            "::warning file=nested/main.go,line=49,title=mapscope%3A growth-dominates::presize: "
        ),
        "{line}"
    );
}
