//! Writes as perf saw them are those that the program counted itself.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{diagnose_json, sample};

/// Calls, bytes and syncs as the program printed them.
fn printed(line: &str) -> [u64; 3] {
    let words: Vec<&str> = line.split_whitespace().collect();
    [1, 3, 5].map(|at| words[at].parse().unwrap())
}

fn reported(report: &Value) -> [u64; 3] {
    let storage = &report["storage"];
    [&storage["writes"]["n"], &storage["writes"]["bytes"], &storage["syncs"]["n"]]
        .map(|value| value.as_u64().unwrap())
}

/// Calls by function: writing ones, and those that wait.
fn by_function<'r>(report: &'r Value) -> Vec<(&'r str, u64, u64)> {
    let sites = report["storage"]["sites"].as_array().unwrap();
    let n = |calls: &Value| calls["n"].as_u64().unwrap();
    let site = |site: &'r Value| {
        (site["at"]["function"].as_str().unwrap_or("?"), n(&site["writes"]), n(&site["syncs"]))
    };
    sites.iter().map(site).collect()
}

fn is_batching_advised(report: &Value) -> bool {
    let findings = report["findings"].as_array().unwrap();
    findings
        .iter()
        .any(|finding| finding["rule"] == "small-writes" && finding["verdict"] == "batch")
}

#[test]
fn a_recorded_run_is_charged_to_the_lines_that_wrote() {
    let data = sample("../writes/writes-1.27.3.perf.data.xz");
    let report = diagnose_json(&[&data, &sample("../writes/writes-1.27.3.xz")]);
    let text = std::fs::read_to_string(xtask::testdata("writes/printed.txt")).unwrap();
    assert_eq!(reported(&report), printed(&text));
    assert_eq!(
        by_function(&report),
        [
            ("main.(*counted).Write", 63, 0),
            ("main.main", 1, 0),
            ("main.writeBadly", 0, 60),
            ("main.writeWell", 0, 1),
        ]
    );
    assert!(is_batching_advised(&report));
    // 60 lines of 24 bytes, a print of 49, three buffers: two of 65,536 and the rest.
    let sizes = &report["storage"]["write_sizes"];
    assert_eq!((&sizes["p50_bytes"], &sizes["p95_bytes"]), (&24.into(), &49.into()));
    let by_power: Vec<(u64, u64)> = sizes["by_power"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (step["bytes"].as_u64().unwrap(), step["n"].as_u64().unwrap()))
        .collect();
    assert_eq!(by_power, [(32, 60), (64, 1), (65536, 3)]);
    // By perf script, ends minus begins of the thread in the order of time; the file has them by processor.
    let waited = report["storage"]["syncs"]["ns"].as_u64().unwrap();
    assert!(waited < report["storage"]["duration_ns"].as_u64().unwrap());
}

/// `perf record` of a run here, or why there is none.
fn record(
    dir: &std::path::Path,
    binary: &std::path::Path,
    args: &[&str],
) -> Result<String, String> {
    let mut perf = Command::new("perf");
    perf.args(["record", "-q", "-g", "-e", "cpu-clock/freq=99/", "-o"]).arg(dir.join("perf.data"));
    for event in ["write", "fsync"]
        .iter()
        .flat_map(|call| ["enter", "exit"].map(|edge| format!("syscalls:sys_{edge}_{call}")))
    {
        perf.args(["-e", &event]);
    }
    perf.arg("--").arg(binary).args(args).arg("-o").arg(dir).stderr(Stdio::piped());
    let output = perf.output().map_err(|error| format!("perf: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout).unwrap()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

#[test]
fn runs_on_this_machine_are_counted_to_the_byte() {
    let Some(go) = xtask::go::toolchain("1.27.3") else {
        return xtask::skip("Go 1.27.3 is not installed");
    };
    let source = xtask::testdata("writes/src");
    let binary = go.build(&source, &xtask::go::BuildOptions::default()).unwrap();
    for (bad, good) in [("150", "0"), ("0", "30000"), ("40", "5000")] {
        let dir = tempfile::tempdir().unwrap();
        let args = ["-bad", bad, "-good", good];
        let line = match record(dir.path(), &binary, &args) {
            Ok(line) => line,
            Err(why) => return xtask::skip(&format!("perf cannot record calls here: {why}")),
        };
        let data = dir.path().join("perf.data");
        let report = diagnose_json(&[data.to_str().unwrap(), binary.to_str().unwrap()]);
        assert_eq!(reported(&report), printed(&line), "{bad} badly, {good} well");
        assert!(report["storage"]["block_writes"].is_null());
    }
}
