//! Misses that the processor counted. Machines of tests rarely count any, so the files are made from a real one of CPU
//! samples: each sample is written once for the time, and once or not at all as a miss.

use gobin::{Binary, LinkAddr};
use goperf::{PerfFile, Record, Sample};
use serde_json::Value;

use crate::perf_file::{Attr, CACHE_MISSES, CPU_CLOCK, CYCLES, Writer};
use crate::{binary, diagnose_json, mapscope, sample};

/// The file as one of these events, the first of which gives the time. `weight` says how many of the event at this index a
/// sample, numbered, stands for.
fn with_events(
    events: &[Attr],
    mut weight: impl FnMut(usize, usize, &Sample<'_>) -> Option<u64>,
) -> (tempfile::TempDir, String) {
    let path = sample("nested-1.27.3/nested-1.27.3.perf-cpu-clock.data.xz");
    let mut file = PerfFile::open(std::fs::File::open(path).unwrap()).unwrap();
    let mut writer = Writer::new(events);
    let mut n = 0;
    file.read_records(|from| match from {
        Record::Mapping(mapping) => writer.mapping(&mapping),
        Record::Sample(sample) => {
            for at in 0..events.len() {
                let period = weight(at, n, &sample);
                period.into_iter().for_each(|period| writer.sample(at, &sample, period));
            }
            n += 1;
        }
        _ => {}
    });
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("perf.data");
    std::fs::write(&path, writer.finish()).unwrap();
    (dir, path.to_str().unwrap().to_owned())
}

/// The file with a second event, of misses.
fn with_misses(weight: impl Fn(usize) -> Option<u64>) -> (tempfile::TempDir, String) {
    // The periods of the time are those of the file: 506 samples of 499 a second.
    let time = |_| Some(1_000_000_000 / 499);
    with_events(&[CPU_CLOCK, CACHE_MISSES], |at, n, _| if at == 0 { time(n) } else { weight(n) })
}

fn finding(report: &Value) -> Option<&Value> {
    report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["rule"] == "misses-in-search")
}

#[test]
fn misses_are_charged_to_the_line_and_its_work() {
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
    let work = |key: &str| misses["by_work"][key]["events"].as_u64().unwrap();
    assert_eq!(thousand(cpu["growth"]["samples"].as_u64().unwrap()), work("growth"));
    // What writes do; reads do the same beside it, and have no parts in the split.
    let (hash, probe) = (samples(&cpu["split"]["hash"]), samples(&cpu["split"]["probe"]));
    let more = samples(&cpu["split"]["read"]);
    assert!((1000 * hash..=1000 * (hash + more)).contains(&work("hash")), "{misses}");
    let search = misses["search"]["events"].as_u64().unwrap();
    assert_eq!(search, work("load") + work("compare"));
    assert!((1000 * probe..=1000 * (probe + more)).contains(&search), "{misses}");
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
        let args = [&*program, "runtime.mapassign_faststr", &perf];
        crate::report_of("asm", args.iter().chain(more))
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
    let named = list(&["--event", "cpu-clock"]);
    assert_eq!(named["profile"]["event"], "cpu-clock");
    assert_eq!(named["profile"]["total"], time["profile"]["total"], "nanoseconds all the same");
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

/// Processors with two kinds of cores have an event of each in the place of one.
#[test]
fn each_kind_of_core_counts_cycles_of_its_own() {
    let core = |kind: u64, of: Attr| Attr { config: of.config | kind << 32, ..of };
    let events = [core(4, CYCLES), core(10, CYCLES), core(4, CACHE_MISSES), core(10, CACHE_MISSES)];
    // Cores in turns; each second sample misses.
    let (_dir, perf) =
        with_events(&events, |at, n, _| (n % 2 == at % 2 && (at < 2 || n % 4 < 2)).then_some(5));
    let report = diagnose_json(&[&perf, &binary("nested-1.27.3")]);
    let total = &report["cpu"]["total"];
    // Each is a 99th of a second, whatever its number of cycles.
    assert_eq!(
        (&total["samples"], &total["cpu_ns"]),
        (&506.into(), &(506 * 10_101_010_u64).into())
    );
    let misses = report["misses"].as_array().unwrap();
    let n = |of: &Value| of["total"]["samples"].as_u64().unwrap();
    assert_eq!(misses.iter().map(n).collect::<Vec<_>>(), [127, 127]);
    let of_site = report["sites"][0]["misses"].as_array().unwrap();
    assert_eq!(of_site.len(), 2);
}

/// Misses are made of the samples that look for keys in the map functions, not of those under growth.
#[test]
fn misses_where_groups_are_compared_ask_for_a_flat_map() {
    let bytes = std::fs::read(binary("nested-1.27.3")).unwrap();
    let program = Binary::parse(&bytes).unwrap().value;
    let is_search = |sample: &Sample<'_>| {
        // The program is not relocated; what follows the leaf is where calls return to.
        let address = |depth: usize| LinkAddr(sample.stack[depth] - u64::from(depth > 0));
        let names = (0..sample.stack.len()).flat_map(|depth| program.frames(address(depth)));
        let names: Vec<&str> = names.map(|frame| frame.function).collect();
        let grows = names.iter().any(|name| name.contains("rehash") || name.contains("grow"));
        let map = ["runtime.mapassign_faststr", "runtime.mapaccess1_faststr"];
        // The leaf may be in the kernel.
        let leaf = program.frames(address(0)).first().map(|frame| frame.function);
        !grows && leaf.is_some_and(|leaf| map.contains(&leaf))
    };
    let (_dir, perf) = with_events(&[CYCLES, CACHE_MISSES], |at, _, sample| match at {
        0 => Some(20_000_000),
        _ => is_search(sample).then_some(1000),
    });
    let report = diagnose_json(&[&perf, &binary("nested-1.27.3")]);
    let found = finding(&report).unwrap();
    assert_eq!(
        (&found["rule"], &found["verdict"]),
        (&"misses-in-search".into(), &"flatten".into())
    );
    let site = &report["sites"][found["site"].as_u64().unwrap() as usize];
    let misses = &site["misses"][0];
    assert_eq!((&misses["by_work"]["load"], &misses["search"]), (&misses["map"], &misses["map"]));
    assert!(misses["map"]["samples"].as_u64() >= Some(20), "{misses}");
}
