//! Writes as perf saw them are those that the program counted itself.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{built, diagnose_json, sample};

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

/// The bundled recording and its program.
fn recorded() -> Option<[String; 2]> {
    Some([sample("../writes/writes-1.27.3.perf.data.xz"), built("writes/src")?])
}

#[test]
fn a_recorded_run_is_charged_to_the_lines_that_wrote() {
    let Some(report) = recorded().map(|inputs| diagnose_json(&[&inputs[0], &inputs[1]])) else {
        return;
    };
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

/// Calls, bytes and nanoseconds.
#[derive(Debug, Default, PartialEq)]
struct Sum {
    n: u64,
    bytes: u64,
    ns: u64,
}

impl Sum {
    fn reported(calls: &Value) -> Self {
        let [n, bytes, ns] = ["n", "bytes", "ns"].map(|key| calls[key].as_u64().unwrap_or(0));
        Self { n, bytes, ns }
    }
}

/// Writing and sync calls by source line, as `perf script` has them.
fn of_script(script: &str) -> BTreeMap<String, (Sum, Sum)> {
    let mut places = BTreeMap::new();
    let mut sums: BTreeMap<String, (Sum, Sum)> = BTreeMap::new();
    let mut begun = BTreeMap::new();
    for line in script.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        if let ["at", address, place] = *words {
            places.insert(address, place);
            continue;
        }
        let [thread, time, event, number, address] = *words else { panic!("{line}") };
        let time: u64 = time.parse().unwrap();
        let (writes, syncs) = sums.entry(places[address].to_owned()).or_default();
        let calls = if event.ends_with("write") { writes } else { syncs };
        if event.starts_with("sys_enter") {
            calls.n += 1;
            calls.bytes += number.parse().unwrap_or(0);
            begun.insert(thread, time);
        } else {
            calls.ns += time - begun[thread];
        }
    }
    sums
}

#[test]
fn each_line_has_the_calls_that_perf_script_shows_for_it() {
    let Some(report) = recorded().map(|inputs| diagnose_json(&[&inputs[0], &inputs[1]])) else {
        return;
    };
    let sites = report["storage"]["sites"].as_array().unwrap();
    let place =
        |site: &Value| format!("{}:{}", site["at"]["file"].as_str().unwrap(), site["at"]["line"]);
    let found: BTreeMap<String, (Sum, Sum)> = sites
        .iter()
        .map(|site| (place(site), (Sum::reported(&site["writes"]), Sum::reported(&site["syncs"]))))
        .collect();
    let script = xtask::testdata("writes/writes-1.27.3.script.txt");
    let wanted = of_script(&std::fs::read_to_string(script).unwrap());
    assert_eq!(found, wanted);
    assert_eq!(wanted.len(), 4);
    // All but the last print is synced; one thread waits, so that no time is in two calls.
    let durable = &report["storage"]["durable"];
    assert_eq!((&durable["writes"]["n"], &durable["syncs"]["n"]), (&63.into(), &61.into()));
    let sum = Sum::reported(&durable["writes"]).ns + Sum::reported(&durable["syncs"]).ns;
    assert_eq!(durable["waited_ns"], sum);
}

#[test]
fn the_page_has_lines_and_sizes() {
    let Some(inputs) = recorded() else { return };
    let dir = tempfile::tempdir().unwrap();
    let page = dir.path().join("page.html");
    let page_arg = page.to_str().unwrap();
    let text = crate::stdout_of(["diagnose", "--html", page_arg, &inputs[0], &inputs[1]]);
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("<td>32 B</td><td>60</td><td><i style=\"width:100.0%\">"), "{page}");
    assert!(page.contains("<td><code>main.writeBadly main.go:30</code></td><td>0</td>"), "{page}");
    for wanted in [
        "half of them of at most 24 B, 95 % of at most 49 B",
        "main.writeBadly main.go:30: 60 sync calls",
    ] {
        let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(wanted), "{text}");
    }
}

/// `perf record` of these calls in a run here, or why there is none.
fn record(dir: &Path, binary: &Path, calls: &[&str], args: &[&str]) -> Result<String, String> {
    let mut perf = Command::new("perf");
    perf.args(["record", "-q", "-g", "-e", "cpu-clock/freq=499/", "-o"]).arg(dir.join("perf.data"));
    let edges = |call: &&str| ["enter", "exit"].map(|edge| format!("syscalls:sys_{edge}_{call}"));
    for event in calls.iter().flat_map(edges) {
        perf.args(["-e", &event]);
    }
    perf.args(["-e", "block:block_rq_issue"]);
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
        let line = match record(dir.path(), &binary, &["write", "fsync"], &args) {
            Ok(line) => line,
            Err(why) => return xtask::skip(&format!("perf cannot record calls here: {why}")),
        };
        let data = dir.path().join("perf.data");
        let report = diagnose_json(&[data.to_str().unwrap(), binary.to_str().unwrap()]);
        assert_eq!(reported(&report), printed(&line), "{bad} badly, {good} well");
    }
}

/// Requests that write, and their bytes, by `perf script`.
fn issued(data: &Path) -> (u64, u64) {
    let mut perf = Command::new("perf");
    perf.args(["script", "-F", "event,trace", "-i"]).arg(data).stderr(Stdio::null());
    let script = String::from_utf8(perf.output().unwrap().stdout).unwrap();
    let bytes = script.lines().filter_map(|line| {
        // Device, kind, bytes.
        let mut words = line.split_once("block_rq_issue:")?.1.split_whitespace().skip(1);
        words.next()?.contains('W').then(|| words.next()?.parse::<u64>().ok())?
    });
    bytes.fold((0, 0), |(n, sum), bytes| (n + 1, sum + bytes))
}

/// By function, what it printed or what was reported for it and its closures: writing calls, their bytes, sync calls.
type ByFunction = BTreeMap<String, [u64; 3]>;

fn printed_by_function(lines: &str) -> ByFunction {
    let row = |line: &str| {
        let mut words = line.split(' ');
        let function = format!("main.{}", words.next().unwrap());
        (function, [0; 3].map(|_| words.next().unwrap().parse().unwrap()))
    };
    lines.lines().map(row).collect()
}

fn reported_by_function(storage: &Value) -> ByFunction {
    let mut sums = ByFunction::new();
    for site in storage["sites"].as_array().unwrap() {
        // Go's runtime wakes threads by a write of its own: no line of the program.
        let Some(function) = site["at"]["function"].as_str() else { continue };
        let function = function.strip_suffix(".func1").unwrap_or(function);
        let (writes, syncs) = (Sum::reported(&site["writes"]), Sum::reported(&site["syncs"]));
        let sum = sums.entry(function.to_owned()).or_default();
        for (sum, more) in sum.iter_mut().zip([writes.n, writes.bytes, syncs.n]) {
            *sum += more;
        }
    }
    sums
}

#[test]
fn each_way_of_writing_is_counted_to_the_byte() {
    let Some(go) = xtask::go::toolchain("1.27.3") else {
        return xtask::skip("Go 1.27.3 is not installed");
    };
    let binary = go.build(&xtask::testdata("writes/kinds"), &xtask::go::BuildOptions::default());
    let binary = binary.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let calls = ["write", "pwrite64", "writev", "fsync", "fdatasync", "close"];
    let lines = match record(dir.path(), &binary, &calls, &["-n", "40"]) {
        Ok(lines) => lines,
        Err(why) => return xtask::skip(&format!("perf cannot record calls here: {why}")),
    };
    let data = dir.path().join("perf.data");
    let report = diagnose_json(&[data.to_str().unwrap(), binary.to_str().unwrap()]);
    let storage = &report["storage"];
    let wanted = printed_by_function(&lines);
    assert_eq!(reported_by_function(storage), wanted, "{lines}");
    assert_eq!(wanted["main.many"], [40, 40 * 24, 40]);

    let (n, bytes) = issued(&data);
    assert_eq!(storage["block_writes"], serde_json::json!({ "n": n, "bytes": bytes }));

    // Pipes and what nobody waits for are left out; of writes that wait, those are in that reached a device.
    let durable = &storage["durable"];
    let sum = |column: usize, of: &[&str]| of.iter().map(|name| wanted[*name][column]).sum::<u64>();
    let synced = ["main.many", "main.few", "main.places", "main.onOne"];
    let n_writes = durable["writes"]["n"].as_u64().unwrap();
    let least = sum(0, &synced);
    assert!((least..=least + wanted["main.through"][0]).contains(&n_writes), "{n_writes} {lines}");
    assert_eq!(durable["syncs"]["n"], sum(2, &synced));
    let [waited, duration] =
        [&durable["waited_ns"], &storage["duration_ns"]].map(|ns| ns.as_u64().unwrap());
    let in_calls = Sum::reported(&durable["writes"]).ns + Sum::reported(&durable["syncs"]).ns;
    assert!(waited <= duration && waited <= in_calls, "{waited} {duration} {in_calls}");
}

/// Pipes take as many small writes in as much time, and no batching would save a wait for a disk.
#[test]
fn only_writes_to_storage_are_to_be_batched() {
    let Some(go) = xtask::go::toolchain("1.27.3") else {
        return xtask::skip("Go 1.27.3 is not installed");
    };
    let binary = go.build(&xtask::testdata("writes/kinds"), &xtask::go::BuildOptions::default());
    let binary = binary.unwrap();
    for (way, n, is_storage) in [("many", "200", true), ("pipe", "20000", false)] {
        let dir = tempfile::tempdir().unwrap();
        let args = ["-only", way, "-n", n];
        if let Err(why) = record(dir.path(), &binary, &["write", "fsync"], &args) {
            return xtask::skip(&format!("perf cannot record calls here: {why}"));
        }
        let data = dir.path().join("perf.data");
        let report = diagnose_json(&[data.to_str().unwrap(), binary.to_str().unwrap()]);
        let storage = &report["storage"];
        let durable = &storage["durable"];
        assert_eq!(durable["writes"]["n"], if is_storage { 200 } else { 0 }, "{way}");
        // A file system in memory has nothing to wait for.
        let [waited, all] =
            [&durable["waited_ns"], &storage["duration_ns"]].map(|ns| ns.as_u64().unwrap());
        let is_long = waited as f64 >= 0.1 * all as f64;
        assert_eq!(is_batching_advised(&report), is_storage && is_long, "{way}: {storage}");
    }
}
