//! Several sources of one program: each finding says which of them show it.

use serde_json::Value;

use crate::{binary, built, diagnose_json, mapscope, sample, stdout_of};

/// Everything that was captured of a program: three profiles, the trace, perf.data, and the binary.
fn all_of(program: &str) -> Vec<String> {
    let mut inputs = captures_of(program);
    inputs.push(binary(program));
    inputs
}

fn captures_of(program: &str) -> Vec<String> {
    let mut inputs: Vec<String> = ["cpu", "heap", "mutex", "block"]
        .map(|kind| sample(&format!("{program}/{kind}.pprof")))
        .into();
    inputs.push(trace_of(program));
    inputs.push(sample(&format!("{program}/{program}.perf-cpu-clock.data.xz")));
    inputs
}

fn trace_of(program: &str) -> String {
    match program {
        "flat-1.21.13" => sample("flat-1.21.13/trace.out"),
        _ => sample(&format!("{program}/{program}.trace.xz")),
    }
}

fn report(inputs: &[String]) -> Value {
    diagnose_json(&inputs.iter().map(String::as_str).collect::<Vec<_>>())
}

fn finding<'r>(report: &'r Value, rule: &str) -> &'r Value {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["rule"] == rule).unwrap_or_else(|| panic!("no {rule}"))
}

#[test]
fn all_sources_together_name_the_planted_cause_first() {
    for (program, line) in [
        ("nested-1.21.13", 49),
        ("nested-1.27.3", 49),
        // The flat twin fills its one map without a hint: growth is what it costs, too.
        ("flat-1.21.13", 39),
        ("flat-1.27.3", 39),
    ] {
        let report = report(&all_of(program));
        let first = &report["findings"][0];
        let site = &report["sites"][first["site"].as_u64().unwrap() as usize];
        assert_eq!(
            (&first["rule"], &first["verdict"]),
            (&"growth-dominates".into(), &"presize".into())
        );
        assert_eq!(
            (&site["function"], &site["line"]),
            (&"main.build".into(), &line.into()),
            "{program}"
        );
        // The profiles of locks show nothing: hardly anyone waits. The trace and both samplings do.
        assert_eq!(first["seen_in"], serde_json::json!([0, 1, 4, 5]), "{program}");
        assert_eq!(first["measuring_sources"], 6, "{program}");
        let locks = report["findings"].as_array().unwrap().iter();
        assert!(locks.clone().all(|finding| finding["rule"] != "lock-around-map"), "{program}");
    }
}

/// By the independent reader: 1,409 of the 1,930 assists are inside map operations of line 49, 418 of 421 ms under growth.
#[test]
fn assists_are_those_of_the_goroutines_that_write() {
    let report = report(&all_of("nested-1.27.3"));
    let helps = finding(&report, "writers-help-collector");
    let site = &report["sites"][helps["site"].as_u64().unwrap() as usize];
    assert_eq!((&site["line"], &site["trace"]["writers"]["goroutines"]), (&49.into(), &3.into()));
    assert_eq!(site["trace"]["assists"]["n"], 1409);
    let ns = |value: &Value| value.as_u64().unwrap();
    let trace = &site["trace"];
    assert!(ns(&trace["growth_assists"]["wall_ns"]) <= ns(&trace["assists"]["wall_ns"]));
    // Three goroutines wrote: all assists of the trace are theirs, and they were not busier than the time there was.
    assert_eq!(trace["writers"]["assists"]["wall_ns"], 841_008_960);
    assert!(ns(&trace["writers"]["busy_ns"]) <= 3 * ns(&report["trace"]["duration_ns"]));
    assert_eq!(helps["verdict"], "presize");
}

#[test]
fn the_timeline_adds_up_to_the_totals() {
    let report = report(&all_of("nested-1.27.3"));
    let (timeline, trace) = (&report["timeline"], &report["trace"]);
    let sum = |column: &Value| -> u64 {
        column.as_array().unwrap().iter().filter_map(Value::as_u64).sum()
    };
    assert_eq!(sum(&timeline["gc_ns"]), trace["gc_cycles"]["wall_ns"]);
    assert_eq!(sum(&timeline["assist_ns"]), trace["assists"]["wall_ns"]);
    let stops = trace["stops"].as_array().unwrap().iter();
    let stopped: u64 = stops.map(|stop| stop["time"]["wall_ns"].as_u64().unwrap()).sum();
    assert_eq!(sum(&timeline["stopped_ns"]), stopped);
    let heap = timeline["heap_bytes"].as_array().unwrap();
    assert_eq!(heap.iter().filter_map(Value::as_u64).max(), trace["heap_max_bytes"].as_u64());
    // The trace holds the samples of the CPU profile: 71 of 94 are inside map operations, 35 of them under growth.
    assert_eq!((sum(&timeline["samples"]["map"]), sum(&timeline["samples"]["growth"])), (71, 35));
}

fn locked(name: &str) -> Vec<String> {
    let trace = format!("locked-{name}.trace.xz");
    ["cpu.pprof", "mutex.pprof", "block.pprof", &trace]
        .map(|file| sample(&format!("../locks/{name}/{file}")))
        .into()
}

#[test]
fn a_lock_that_goroutines_wait_for_is_found_in_all_sources() {
    for version in ["1.21.13", "1.27.3"] {
        let report = report(&locked(&format!("{version}-shared")));
        let first = &report["findings"][0];
        assert_eq!(
            (&first["rule"], &first["verdict"]),
            (&"lock-around-map".into(), &"shard".into())
        );
        assert_eq!(first["seen_in"], serde_json::json!([0, 1, 2, 3]), "{version}");
        let site = &report["sites"][first["site"].as_u64().unwrap() as usize];
        assert_eq!(site["function"], "main.(*counts).add", "{version}");
        let sides: Vec<&str> = report["locks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|l| l["side"].as_str().unwrap())
            .collect();
        assert_eq!(sides, ["holder", "waiter", "waiter"], "{version}");
    }
}

#[test]
fn a_lock_that_nobody_waits_for_is_left_alone() {
    for version in ["1.21.13", "1.27.3"] {
        let report = report(&locked(&format!("{version}-own")));
        let findings = report["findings"].as_array().unwrap();
        assert!(
            findings.iter().all(|finding| finding["verdict"] == "leave it alone"),
            "{findings:#?}"
        );
    }
}

#[test]
fn the_text_says_in_how_many_sources() {
    let text =
        stdout_of(["diagnose"].into_iter().map(str::to_owned).chain(all_of("nested-1.27.3")));
    let names = "cpu.pprof, heap.pprof, nested-1.27.3.trace, nested-1.27.3.perf-cpu-clock.data";
    assert!(text.contains("seen   in 4 of 6 sources: cpu.pprof, heap.pprof"), "{text}");
    assert!(
        text.split_whitespace().collect::<Vec<_>>().join(" ").contains(&names.replace('\n', " ")),
        "{text}"
    );
}

#[test]
fn a_trace_of_another_program_is_refused() {
    let trace = locked("1.27.3-shared").pop().unwrap();
    let output = mapscope(["diagnose", &trace, &binary("nested-1.21.13")]);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("functions on its stacks are not in the binary"), "{message}");
}

#[test]
fn inputs_of_different_times_are_said_to_be_so() {
    let report = report(&all_of("nested-1.27.3"));
    let notices: Vec<&str> = report["notices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|notice| notice["text"].as_str().unwrap())
        .collect();
    assert!(notices.iter().all(|text| !text.contains("compared by shares")), "{notices:#?}");
    // The runs of the other program were an hour and more later.
    let mut inputs = vec![sample("nested-1.27.3/cpu.pprof")];
    inputs.push(trace_of("flat-1.27.3"));
    let report = self::report(&inputs);
    let text = report["notices"][0]["text"].as_str().unwrap();
    assert!(
        text.starts_with("taken ") && text.contains("compared by shares, times are not aligned"),
        "{text}"
    );
}

/// The tracepoints were recorded with CPU samples on the clock of the trace, in the same run; the other file in another one.
#[test]
fn samples_of_perf_are_put_on_the_clock_of_the_trace() {
    let program = "nested-1.27.3";
    let of = |kind: &str| {
        let perf = sample(&format!("{program}/{program}.perf-{kind}.data.xz"));
        report(&[perf, trace_of(program), binary(program)])
    };
    let sum = |column: &Value| -> u64 {
        column.as_array().unwrap().iter().filter_map(Value::as_u64).sum()
    };
    let same_run = of("tracepoints");
    let samples = &same_run["timeline"]["samples"];
    assert_eq!(samples["source"], 0);
    let sites = same_run["sites"].as_array().unwrap().iter();
    let in_maps: u64 = sites.filter_map(|site| site["cpu"]["map_samples"].as_u64()).sum();
    assert_eq!((sum(&samples["map"]), in_maps), (119, 119));
    assert_eq!(sum(&samples["growth"]), same_run["cpu"]["growth"]["samples"]);
    // None of them lies in the time of the trace, whose own samples stay.
    let other_run = of("cpu-clock");
    assert_eq!(other_run["timeline"]["samples"]["source"], 1);
    assert_eq!(sum(&other_run["timeline"]["samples"]["map"]), 71);
}

/// The flat twin with room from the start, used again, and with keys made once.
#[test]
fn a_program_with_nothing_left_to_change_is_left_alone() {
    let Some(program) = built("samples/src/cured") else { return };
    let mut inputs = captures_of("cured-1.27.3");
    inputs.push(program);
    let report = report(&inputs);
    let findings = report["findings"].as_array().unwrap();
    assert!(findings.iter().all(|finding| finding["verdict"] == "leave it alone"), "{findings:#?}");
    let first = &findings[0];
    let site = &report["sites"][first["site"].as_u64().unwrap() as usize];
    assert_eq!((&first["rule"], &site["line"]), (&"growth-is-not-the-problem".into(), &38.into()));
    assert_eq!(first["seen_in"], serde_json::json!([0, 5]));
}
