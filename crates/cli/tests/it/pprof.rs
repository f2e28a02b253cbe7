//! Our shares are those of Go's own tool.

use std::collections::HashMap;

use serde_json::Value;

use crate::{diagnose_json, sample};

/// Cumulative nanoseconds per `function` (and per `function file:line` with `-lines`) by `go tool pprof`.
fn pprof_cum(go: &xtask::go::Toolchain, profile: &str, by_line: bool) -> HashMap<String, u64> {
    let mut command = go.command();
    command.args([
        "tool",
        "pprof",
        "-top",
        "-unit=ns",
        "-nodecount=1000000",
        "-nodefraction=0",
        "-edgefraction=0",
    ]);
    if by_line {
        command.arg("-lines");
    }
    let output = command.arg(profile).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let rows = text.lines().skip_while(|line| !line.trim_start().starts_with("flat ")).skip(1);
    let row = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let cum = fields[3].trim_end_matches("ns").parse().ok()?;
        Some((fields[5..].join(" ").trim_end_matches(" (inline)").to_owned(), cum))
    };
    rows.filter_map(row).collect()
}

const CAPTURES: [&str; 9] = [
    "nested-1.21.13/cpu.pprof",
    "nested-1.27.3/cpu.pprof",
    "flat-1.21.13/cpu.pprof",
    "flat-1.27.3/cpu.pprof",
    "traces-other/go1.22.10-nested.cpu.pprof",
    "traces-other/go1.23.9-nested.cpu.pprof",
    "traces-other/go1.24.11-nested.cpu.pprof",
    "traces-other/go1.25.5-nested.cpu.pprof",
    "traces-other/go1.26.6-nested.cpu.pprof",
];

#[test]
fn cumulative_cost_of_map_functions_and_sites_equals_that_of_go_tool_pprof() {
    let Some(go) = xtask::go::toolchain("1.27.3") else {
        xtask::skip("no Go 1.27.3 to run `go tool pprof`");
        return;
    };
    for capture in CAPTURES {
        let capture = sample(capture);
        let report = diagnose_json(&[&capture]);
        let functions = pprof_cum(&go, &capture, false);
        let lines = pprof_cum(&go, &capture, true);
        check_functions(&capture, &report, &functions);
        check_sites(&capture, &report, &lines);
    }
}

fn check_functions(capture: &str, report: &Value, functions: &HashMap<String, u64>) {
    let ours: HashMap<String, u64> = report["cpu"]["assign_functions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (f["name"].as_str().unwrap().to_owned(), f["cpu_ns"].as_u64().unwrap()))
        .collect();
    let theirs: HashMap<String, u64> = functions
        .iter()
        .filter(|(name, _)| name.starts_with("runtime.mapassign"))
        .map(|(name, &cum)| (name.clone(), cum))
        .collect();
    assert!(!ours.is_empty(), "{capture}");
    assert_eq!(ours, theirs, "{capture}");
}

fn check_sites(capture: &str, report: &Value, lines: &HashMap<String, u64>) {
    let sites = report["sites"].as_array().unwrap();
    assert!(!sites.is_empty(), "{capture}");
    for site in sites {
        let text = |key: &str| site[key].as_str().unwrap();
        let name = format!("{} {}:{}", text("function"), text("file"), site["line"]);
        let ours = site["cpu"]["line_ns"].as_u64();
        assert_eq!(ours, lines.get(&name).copied(), "{capture}: {name}");
    }
}

/// `go tool pprof -top` of the capture, recorded once, for machines without Go.
#[test]
fn share_of_mapassign_equals_the_recorded_output_of_go_tool_pprof() {
    for name in ["nested-1.21.13", "nested-1.27.3", "flat-1.21.13", "flat-1.27.3"] {
        let report = diagnose_json(&[&sample(&format!("{name}/cpu.pprof"))]);
        let golden =
            std::fs::read_to_string(sample(&format!("expected/{name}.cpu.top.txt"))).unwrap();
        let row = golden.lines().find(|line| line.contains("runtime.mapassign")).unwrap();
        let fields: Vec<&str> = row.split_whitespace().collect();
        let function = &report["cpu"]["assign_functions"][0];
        assert_eq!(function["name"], fields[5], "{name}");
        let total = report["cpu"]["total"]["cpu_ns"].as_f64().unwrap();
        let share = function["cpu_ns"].as_f64().unwrap() / total * 100.0;
        assert_eq!(format!("{share:.2}%"), fields[4], "{name}");
    }
}
