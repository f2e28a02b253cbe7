//! Misses that the processor counted. Machines of tests seldom count any, so the files are made from a real one of CPU
//! samples: each sample is written once for the time, and once or not at all as a miss.

use goperf::{PerfFile, Record};
use serde_json::Value;

use crate::{binary, diagnose_json, mapscope, sample};

const IDENTIFIER: u64 = 1 << 16;
/// Identifier, address, process and thread, time, call chain, period.
const SAMPLE_TYPE: u64 = IDENTIFIER | 1 | 1 << 1 | 1 << 2 | 1 << 5 | 1 << 8;
const FLAG_FREQUENCY: u64 = 1 << 10;
const ATTR_BYTES: usize = 128;

fn words(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn attr(kind: u32, config: u64, ids: (u64, u64)) -> Vec<u8> {
    let mut attr = [kind.to_le_bytes(), (ATTR_BYTES as u32).to_le_bytes()].concat();
    attr.extend(words(&[config, 99, SAMPLE_TYPE, 0, FLAG_FREQUENCY]));
    attr.resize(ATTR_BYTES, 0);
    attr.extend(words(&[ids.0, ids.1]));
    attr
}

fn record(kind: u32, body: &[u8]) -> Vec<u8> {
    let size = (8 + body.len()) as u16;
    [&kind.to_le_bytes()[..], &[0, 0], &size.to_le_bytes(), body].concat()
}

/// The file with a second event. `weight` says how many misses a sample of this stack, numbered, stands for.
fn with_misses(weight: impl Fn(usize) -> Option<u64>) -> (tempfile::TempDir, String) {
    let path = sample("nested-1.27.3/nested-1.27.3.perf-cpu-clock.data.xz");
    let mut file = PerfFile::open(std::fs::File::open(path).unwrap()).unwrap();
    let mut data = Vec::new();
    let mut n = 0;
    file.read_records(|from| match from {
        Record::Mapping(mapping) => {
            let mut body = [mapping.pid.to_le_bytes(), mapping.pid.to_le_bytes()].concat();
            body.extend(words(&[mapping.start, mapping.len, mapping.file_offset]));
            body.extend(mapping.file.bytes());
            body.resize(body.len() + 8 - body.len() % 8, 0);
            data.extend(record(1, &body));
        }
        Record::Sample(sample) => {
            let (pid, tid) = (sample.pid.unwrap(), sample.tid.unwrap());
            let thread = u64::from(tid) << 32 | u64::from(pid);
            let mut add = |id: u64, period: u64| {
                let head = [id, sample.stack[0], thread, sample.time.unwrap(), period];
                let chain = [&[sample.stack.len() as u64][..], &sample.stack].concat();
                data.extend(record(9, &[words(&head), words(&chain)].concat()));
            };
            add(1, sample.period.unwrap());
            weight(n).into_iter().for_each(|period| add(2, period));
            n += 1;
        }
        _ => {}
    });
    let header = 104;
    let attrs = header + 16;
    let attrs_len = 2 * (ATTR_BYTES as u64 + 16);
    let mut bytes = b"PERFILE2".to_vec();
    bytes.extend(words(&[header, ATTR_BYTES as u64 + 16, attrs, attrs_len]));
    bytes.extend(words(&[attrs + attrs_len, data.len() as u64, 0, 0, 0, 0, 0, 0]));
    assert_eq!(bytes.len() as u64, header);
    bytes.extend(words(&[1, 2]));
    bytes.extend(attr(1, 0, (header, 8)));
    bytes.extend(attr(0, 3, (header + 8, 8)));
    bytes.extend(data);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("perf.data");
    std::fs::write(&path, bytes).unwrap();
    (dir, path.to_str().unwrap().to_owned())
}

fn finding(report: &Value) -> Option<&Value> {
    report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["rule"] == "misses-in-search")
}

#[test]
fn misses_where_groups_are_compared_ask_for_a_flat_map() {
    // As many misses as time: then each share of misses is one of time, which other tests compare with perf.
    let (_dir, perf) = with_misses(|_| Some(1000));
    let report = diagnose_json(&[&perf, &binary("nested-1.27.3")]);
    assert_eq!(report["cpu"]["total"]["samples"], 506);
    let all = &report["misses"][0];
    assert_eq!((&all["event"], &all["total"]["events"]), (&"cache-misses".into(), &506_000.into()));
    let site = &report["sites"][0];
    let (cpu, misses) = (&site["cpu"], &site["misses"][0]);
    let thousand = |samples: u64| Value::from(1000 * samples);
    let samples = |value: &Value| value["samples"].as_u64().unwrap_or(0);
    assert_eq!(misses["map"]["events"], thousand(cpu["map_samples"].as_u64().unwrap()));
    let search = samples(&cpu["split"]["probe"]) + samples(&cpu["split"]["read"]);
    assert_eq!(misses["search"]["events"], thousand(search));
    // Most of this line's samples move entries: the misses, made up so, are growth's.
    assert!(finding(&report).is_none());
    let summary = report["sources"][0]["summary"].as_str().unwrap();
    assert!(summary.contains("506 samples of cpu-clock, 506 of cache-misses"), "{summary}");
}

#[test]
fn what_the_processor_does_not_count_is_not_measured() {
    let perf = sample("nested-1.27.3/nested-1.27.3.perf-cpu-clock.data.xz");
    let report = diagnose_json(&[&perf, &binary("nested-1.27.3")]);
    assert_eq!(report["misses"], Value::Array(Vec::new()));
    let gaps = report["not_measured"].to_string();
    assert!(
        gaps.contains("cache and TLB misses") && gaps.contains("cache-misses/freq=99/"),
        "{gaps}"
    );
    let (_dir, perf) = with_misses(|n| (n % 2 == 0).then_some(1));
    let report = diagnose_json(&[&perf, &binary("nested-1.27.3")]);
    assert_eq!(report["misses"][0]["total"]["samples"], 253);
    assert!(!report["not_measured"].to_string().contains("cache and TLB misses"));
}

#[test]
fn misses_beside_a_profile_stay_with_their_lines() {
    let (_dir, perf) = with_misses(|_| Some(7));
    let report =
        diagnose_json(&[&sample("nested-1.27.3/cpu.pprof"), &perf, &binary("nested-1.27.3")]);
    assert_eq!(report["cpu"]["total"]["samples"], 94);
    let site = &report["sites"][0];
    assert_eq!(site["cpu_aside"][0]["map"]["samples"], site["misses"][0]["map"]["samples"]);
    assert_eq!(site["misses"][0]["map"]["events"].as_u64().unwrap() % 7, 0);
    let output = mapscope(["diagnose", &perf]);
    assert_eq!(output.status.code(), Some(2), "addresses need the binary");
}

#[test]
fn instructions_have_their_misses() {
    let program = binary("nested-1.27.3");
    // Every second sample is a miss of three lines.
    let (_dir, perf) = with_misses(|n| (n % 2 == 0).then_some(3));
    let list = |more: &[&str]| -> Value {
        let args = ["asm", "--json", &program, "runtime.mapassign_faststr", &perf];
        serde_json::from_str(&crate::stdout_of(args.iter().chain(more))).unwrap()
    };
    let (time, misses) = (list(&[]), list(&["--event", "cache-misses"]));
    assert_eq!(
        (&time["profile"]["event"], &misses["profile"]["event"]),
        (&Value::Null, &"cache-misses".into())
    );
    assert_eq!(
        (&time["profile"]["total"]["samples"], &misses["profile"]["total"]["samples"]),
        (&506.into(), &253.into())
    );
    let own = &misses["profile"]["own"];
    assert_eq!(own["cpu_ns"].as_u64().unwrap(), 3 * own["samples"].as_u64().unwrap());
    let instructions = misses["instructions"].as_array().unwrap();
    let sum: u64 = instructions.iter().map(|i| i["cost"]["samples"].as_u64().unwrap()).sum();
    assert!(sum > 0 && own["samples"] == sum);
    let text = crate::stdout_of([
        "asm",
        &program,
        "runtime.mapassign_faststr",
        &perf,
        "--event",
        "cache-misses",
    ]);
    assert!(text.contains("of all cache-misses"), "{text}");
    let output =
        mapscope(["asm", &program, "runtime.mapassign_faststr", &perf, "--event", "branches"]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("it has samples of cpu-clock, cache-misses"), "{message}");
}
