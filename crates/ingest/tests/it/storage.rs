//! Writes as perf saw them are those that the program counted itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use diagnosis::{Diagnosis, Verdict};
use evidence::{BlockWrites, DurableWrites, IoCalls, ProcessStorage};
use xtask::go::{BuildOptions, toolchain};
use xtask::samples::{built, sample};

use crate::diagnosed;

/// Calls, bytes and syncs as the program printed them.
fn printed(line: &str) -> [u64; 3] {
    let words: Vec<&str> = line.split_whitespace().collect();
    [1, 3, 5].map(|at| words[at].parse().unwrap())
}

fn reported(storage: &ProcessStorage) -> [u64; 3] {
    let (writes, syncs) = (storage.writes.unwrap(), storage.syncs.unwrap());
    [writes.n, writes.bytes, syncs.n]
}

/// Calls by function: writing ones, and those that wait.
fn by_function(storage: &ProcessStorage) -> Vec<(&str, u64, u64)> {
    let sites = storage.sites.iter().map(|site| {
        let function = site.frame.as_ref().map_or("?", |frame| &frame.function);
        (function, site.writes.n, site.syncs.n)
    });
    sites.collect()
}

fn is_batching_advised(diagnosis: &Diagnosis) -> bool {
    let mut findings = diagnosis.findings.iter();
    findings.any(|finding| finding.rule == "small-writes" && finding.verdict() == Verdict::Batch)
}

fn storage_of(diagnosis: &Diagnosis) -> &ProcessStorage {
    diagnosis.evidence.storage.as_ref().unwrap()
}

fn durable_of(storage: &ProcessStorage) -> &DurableWrites {
    storage.durable.as_ref().unwrap()
}

/// Of the bundled recording and its program.
fn recorded() -> Option<Diagnosis> {
    Some(diagnosed(&[&sample("../writes/writes-1.27.3.perf.data.xz"), &built("writes/src")?]))
}

#[test]
fn a_recorded_run_is_charged_to_the_lines_that_wrote() {
    let Some(diagnosis) = recorded() else { return };
    let storage = storage_of(&diagnosis);
    let text = std::fs::read_to_string(xtask::testdata("writes/printed.txt")).unwrap();
    assert_eq!(reported(storage), printed(&text));
    assert_eq!(
        by_function(storage),
        [
            ("main.(*counted).Write", 63, 0),
            ("main.main", 1, 0),
            ("main.writeBadly", 0, 60),
            ("main.writeWell", 0, 1),
        ]
    );
    assert!(is_batching_advised(&diagnosis));
    // 60 lines of 24 bytes, a print of 49, three buffers: two of 65,536 and the rest.
    let sizes = storage.write_sizes.as_ref().unwrap();
    assert_eq!((sizes.p50_bytes, sizes.p95_bytes), (24, 49));
    assert_eq!(sizes.by_power, [(32, 60), (64, 1), (65536, 3)]);
    // By perf script, ends minus begins of the thread in the order of time; the file has them by processor.
    assert!(storage.syncs.unwrap().ns.unwrap() < storage.duration_ns);
}

/// Calls, bytes and nanoseconds.
#[derive(Debug, Default, PartialEq)]
struct Sum {
    n: u64,
    bytes: u64,
    ns: u64,
}

impl From<IoCalls> for Sum {
    fn from(IoCalls { n, bytes, ns }: IoCalls) -> Self {
        Self { n, bytes, ns: ns.unwrap_or(0) }
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
    let Some(diagnosis) = recorded() else { return };
    let storage = storage_of(&diagnosis);
    let found: BTreeMap<String, (Sum, Sum)> = storage
        .sites
        .iter()
        .map(|site| {
            let frame = site.frame.as_ref().unwrap();
            let sums = (Sum::from(site.writes), Sum::from(site.syncs));
            (format!("{}:{}", frame.file, frame.line), sums)
        })
        .collect();
    let script = xtask::testdata("writes/writes-1.27.3.script.txt");
    let wanted = of_script(&std::fs::read_to_string(script).unwrap());
    assert_eq!(found, wanted);
    assert_eq!(wanted.len(), 4);
    // All but the last print is synced; one thread waits, so that no time is in two calls.
    let durable = durable_of(storage);
    assert_eq!((durable.writes.n, durable.syncs.n), (63, 61));
    let sum = Sum::from(durable.writes).ns + Sum::from(durable.syncs).ns;
    assert_eq!(durable.waited_ns, Some(sum));
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

/// One of the programs that write, built here; `None` without Go.
fn program(package: &str) -> Option<PathBuf> {
    let Some(go) = toolchain("1.27.3") else {
        xtask::skip("Go 1.27.3 is not installed");
        return None;
    };
    Some(go.build(&xtask::testdata(package), &BuildOptions::default()).unwrap())
}

/// What follows from the recording of a run of the program.
fn diagnosis_of_run(dir: &Path, program: &Path) -> Diagnosis {
    let data = dir.join("perf.data");
    diagnosed(&[data.to_str().unwrap(), program.to_str().unwrap()])
}

#[test]
fn runs_on_this_machine_are_counted_to_the_byte() {
    let Some(program) = program("writes/src") else { return };
    for (bad, good) in [("150", "0"), ("0", "30000"), ("40", "5000")] {
        let dir = tempfile::tempdir().unwrap();
        let args = ["-bad", bad, "-good", good];
        let line = match record(dir.path(), &program, &["write", "fsync"], &args) {
            Ok(line) => line,
            Err(why) => return xtask::skip(&format!("perf cannot record calls here: {why}")),
        };
        let diagnosis = diagnosis_of_run(dir.path(), &program);
        let reported = reported(storage_of(&diagnosis));
        assert_eq!(reported, printed(&line), "{bad} badly, {good} well");
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

fn reported_by_function(storage: &ProcessStorage) -> ByFunction {
    let mut sums = ByFunction::new();
    for site in &storage.sites {
        // Go's runtime wakes threads by a write of its own: no line of the program.
        let Some(frame) = &site.frame else { continue };
        let function = frame.function.strip_suffix(".func1").unwrap_or(&frame.function);
        let sum = sums.entry(function.to_owned()).or_default();
        for (sum, more) in sum.iter_mut().zip([site.writes.n, site.writes.bytes, site.syncs.n]) {
            *sum += more;
        }
    }
    sums
}

#[test]
fn each_way_of_writing_is_counted_to_the_byte() {
    let Some(program) = program("writes/kinds") else { return };
    let dir = tempfile::tempdir().unwrap();
    let calls = ["write", "pwrite64", "writev", "fsync", "fdatasync", "close"];
    let lines = match record(dir.path(), &program, &calls, &["-n", "40"]) {
        Ok(lines) => lines,
        Err(why) => return xtask::skip(&format!("perf cannot record calls here: {why}")),
    };
    let diagnosis = diagnosis_of_run(dir.path(), &program);
    let lost = diagnosis.evidence.notices.iter().find(|notice| notice.text.contains("lost"));
    if let Some(lost) = lost {
        return xtask::skip(&format!("perf lost records here: {}", lost.text));
    }
    let storage = storage_of(&diagnosis);
    let wanted = printed_by_function(&lines);
    assert_eq!(reported_by_function(storage), wanted, "{lines}");
    assert_eq!(wanted["main.many"], [40, 40 * 24, 40]);

    let (n, bytes) = issued(&dir.path().join("perf.data"));
    assert_eq!(storage.blocks, Some(BlockWrites { n, bytes }));

    // Pipes and what nobody waits for are left out; of writes that wait, those are in that reached a device.
    let durable = durable_of(storage);
    let sum = |column: usize, of: &[&str]| of.iter().map(|name| wanted[*name][column]).sum::<u64>();
    let synced = ["main.many", "main.few", "main.places", "main.onOne"];
    let n_writes = durable.writes.n;
    let least = sum(0, &synced);
    assert!((least..=least + wanted["main.through"][0]).contains(&n_writes), "{n_writes} {lines}");
    assert_eq!(durable.syncs.n, sum(2, &synced));
    let (waited, duration) = (durable.waited_ns.unwrap(), storage.duration_ns);
    let in_calls = Sum::from(durable.writes).ns + Sum::from(durable.syncs).ns;
    assert!(waited <= duration && waited <= in_calls, "{waited} {duration} {in_calls}");
}

/// Pipes take as many small writes in as much time, and no batching would save a wait for a disk.
#[test]
fn only_writes_to_storage_are_to_be_batched() {
    let Some(program) = program("writes/kinds") else { return };
    for (way, n, is_storage) in [("many", "200", true), ("pipe", "20000", false)] {
        let dir = tempfile::tempdir().unwrap();
        let args = ["-only", way, "-n", n];
        if let Err(why) = record(dir.path(), &program, &["write", "fsync"], &args) {
            return xtask::skip(&format!("perf cannot record calls here: {why}"));
        }
        let diagnosis = diagnosis_of_run(dir.path(), &program);
        let storage = storage_of(&diagnosis);
        let durable = durable_of(storage);
        assert_eq!(durable.writes.n, if is_storage { 200 } else { 0 }, "{way}");
        // A file system in memory has nothing to wait for.
        let is_long = durable.waited_ns.unwrap() as f64 >= 0.1 * storage.duration_ns as f64;
        assert_eq!(is_batching_advised(&diagnosis), is_storage && is_long, "{way}: {storage:?}");
    }
}
