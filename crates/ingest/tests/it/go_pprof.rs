//! Shares are those of Go's own tool.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use evidence::Evidence;
use xtask::go::{Toolchain, toolchain};
use xtask::samples::sample;

use crate::collected;

/// The program behind `go tool pprof`, which looks at all of its sources each time.
fn pprof_of(go: &Toolchain) -> PathBuf {
    let output = go.command().args(["tool", "-n", "pprof"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().into()
}

/// Cumulative nanoseconds per `function` (and per `function file:line` with `-lines`) by `go tool pprof`.
fn pprof_cum(pprof: &Path, profile: &str, by_line: bool) -> HashMap<String, u64> {
    let mut command = Command::new(pprof);
    command.args(["-top", "-unit=ns", "-nodecount=1000000", "-nodefraction=0", "-edgefraction=0"]);
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

#[test]
fn cumulative_cost_of_map_functions_and_sites_equals_that_of_go_tool_pprof() {
    let Some(go) = toolchain("1.27.3") else {
        xtask::skip("no Go 1.27.3 to run `go tool pprof`");
        return;
    };
    let pprof = pprof_of(&go);
    for capture in xtask::samples::CPU_PROFILES {
        let capture = sample(capture);
        let evidence = collected(&[&capture]);
        check_functions(&capture, &evidence, &pprof_cum(&pprof, &capture, false));
        check_sites(&capture, &evidence, &pprof_cum(&pprof, &capture, true));
    }
}

fn check_functions(capture: &str, evidence: &Evidence, functions: &HashMap<String, u64>) {
    let assigns = &evidence.cpu.as_ref().unwrap().assign_functions;
    let ours: HashMap<String, u64> =
        assigns.iter().map(|f| (f.name.to_string(), f.cost.cpu_ns)).collect();
    let theirs: HashMap<String, u64> = functions
        .iter()
        .filter(|(name, _)| name.starts_with("runtime.mapassign"))
        .map(|(name, &cum)| (name.clone(), cum))
        .collect();
    assert!(!ours.is_empty(), "{capture}");
    assert_eq!(ours, theirs, "{capture}");
}

fn check_sites(capture: &str, evidence: &Evidence, lines: &HashMap<String, u64>) {
    assert!(!evidence.sites.is_empty(), "{capture}");
    for site in &evidence.sites {
        let frame = &site.frame;
        let name = format!("{} {}:{}", frame.function, frame.file, frame.line);
        let ours = site.cpu.as_ref().map(|cpu| cpu.line.cpu_ns);
        assert_eq!(ours, lines.get(&name).copied(), "{capture}: {name}");
    }
}

/// `go tool pprof -top` of the capture, recorded once, for machines without Go.
#[test]
fn share_of_mapassign_equals_the_recorded_output_of_go_tool_pprof() {
    for name in ["nested-1.21.13", "nested-1.27.3", "flat-1.21.13", "flat-1.27.3"] {
        let evidence = collected(&[&sample(&format!("{name}/cpu.pprof"))]);
        let expected = sample(&format!("expected/{name}.cpu.top.txt"));
        let expected = std::fs::read_to_string(expected).unwrap();
        let row = expected.lines().find(|line| line.contains("runtime.mapassign")).unwrap();
        let fields: Vec<&str> = row.split_whitespace().collect();
        let cpu = evidence.cpu.unwrap();
        let function = &cpu.assign_functions[0];
        assert_eq!(&*function.name, fields[5], "{name}");
        let share = function.cost.share_of(cpu.total) * 100.0;
        assert_eq!(format!("{share:.2}%"), fields[4], "{name}");
    }
}
