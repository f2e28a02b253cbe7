//! Profiles in other forms than profile.proto, and exports that have less than Go's own: each says as much as it has.

use std::path::Path;

use evidence::{CpuUnit, Evidence};
use gopprof::{Label, LabelValue, ProfileBuilder, ValueType};
use xtask::samples::{binary, sample};

use crate::{collected, cpu_builder, diagnosed, encode, evidence_of, file, notices, refusal, site};

fn otlp(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/otlp");
    root.join(name).to_str().unwrap().to_owned()
}

/// Sites with all that is known of them, and findings without the sources that they name.
fn said(names: &[&str]) -> String {
    let diagnosis = diagnosed(names);
    let findings: Vec<_> = diagnosis.findings.iter().map(|of| (&of.cause, &of.advice)).collect();
    let Evidence { sites, cpu, heap, .. } = &diagnosis.evidence;
    format!("{findings:?} {sites:?} {cpu:?} {heap:?}")
}

#[test]
fn profiles_of_opentelemetry_say_what_those_of_pprof_say() {
    let binary = binary("nested-1.27.3");
    let cases = [
        ("nested-1.27.3.cpu.pb", "cpu"),
        ("nested-1.27.3.cpu.json.gz", "cpu"),
        ("nested-1.27.3.heap.framed.pb", "heap"),
    ];
    for (name, of) in cases {
        let pprof = sample(&format!("nested-1.27.3/{of}.pprof"));
        assert_eq!(said(&[&otlp(name), &binary]), said(&[&pprof, &binary]), "{name}");
        assert_eq!(said(&[&otlp(name)]), said(&[&pprof]), "{name} alone");
    }
}

/// Batches of JSON, each of one program and its stack of one function.
fn of_programs(programs: &[(&str, &str)]) -> Vec<u8> {
    let batch = |(program, function): &(&str, &str)| {
        let types = r#"{"typeStrindex":1,"unitStrindex":2}"#;
        format!(
            concat!(
                r#"{{"resourceProfiles":[{{"resource":{{"attributes":[{{"key":"process.executable.name","#,
                r#""value":{{"stringValue":"{program}"}}}}]}},"scopeProfiles":[{{"profiles":[{{"sampleType":{types},"#,
                r#""samples":[{{"stackIndex":1,"values":["30000000"]}}],"periodType":{types},"period":"10000000"}}]}}]}}],"#,
                r#""dictionary":{{"stringTable":["","cpu","nanoseconds","runtime.mapassign_fast64","{function}","main.go"],"#,
                r#""functionTable":[{{}},{{"nameStrindex":3}},{{"nameStrindex":4,"filenameStrindex":5}}],"#,
                r#""locationTable":[{{}},{{"lines":[{{"functionIndex":1}}]}},{{"lines":[{{"functionIndex":2,"line":"7"}}]}}],"#,
                r#""stackTable":[{{}},{{"locationIndices":[1,2]}}]}}}}"#,
                "\n"
            ),
            program = program,
            function = function,
            types = types
        )
    };
    programs.iter().map(batch).collect::<String>().into_bytes()
}

#[test]
fn programs_of_one_file_are_kept_apart() {
    let both = of_programs(&[("shop", "main.fill"), ("nested-1.27.3", "main.build")]);
    let (_dir, both) = file(&both);
    let refused = refusal(&[&both]);
    assert!(
        refused.contains("profiles of 2 programs (nested-1.27.3, shop); give the executable"),
        "{refused}"
    );
    let evidence = collected(&[&both, &binary("nested-1.27.3")]);
    assert_eq!(evidence.cpu.as_ref().unwrap().total.samples, 3);
    assert!(site(&evidence, "main.build").cpu.is_some());
    let (_dir, others) = file(&of_programs(&[("shop", "main.fill"), ("cart", "main.put")]));
    let refused = refusal(&[&others, &binary("nested-1.27.3")]);
    assert!(refused.contains("none of its 2 programs is"), "{refused}");
    let (_dir, one) = file(&of_programs(&[("shop", "main.fill"), ("shop", "main.put")]));
    assert_eq!(collected(&[&one]).cpu.unwrap().total.samples, 6);
}

#[test]
fn damaged_profiles_of_opentelemetry_are_refused_with_their_place() {
    let mut bytes = of_programs(&[("shop", "main.fill")]);
    bytes.truncate(bytes.len() - 20);
    let (_dir, path) = file(&bytes);
    let refused = refusal(&[&path]);
    assert!(refused.contains("cannot be read as JSON: EOF while parsing"), "{refused}");
    assert!(refused.ends_with("(in the batch at byte 0)"), "{refused}");
}

const FOLDED: &str = "\
server;main.main;main.fill;runtime.mapassign_faststr 30
server;main.main;main.fill;runtime.mapassign_faststr_[i];aeshashbody 10

server;main.main;main.read;runtime.mapaccess1_faststr;asm_exc_page_fault_[k] 50
server;main.main;main.log 10
not a stack
";

#[test]
fn folded_stacks_are_counts_of_samples() {
    let (_dir, path) = file(FOLDED.as_bytes());
    let evidence = collected(&[&path]);
    let cpu = evidence.cpu.as_ref().unwrap();
    assert_eq!((cpu.unit, cpu.total.samples, cpu.duration_ns), (CpuUnit::Samples, 100, None));
    assert_eq!(site(&evidence, "main.fill").cpu.as_ref().unwrap().map.samples, 40);
    assert_eq!(site(&evidence, "main.read").cpu.as_ref().unwrap().map.samples, 50);
    let notices = notices(&evidence);
    assert!(notices.contains("1 line without a stack and its count, not used"), "{notices}");
    assert!(notices.contains("its stacks name functions alone"), "{notices}");
}

/// A CPU profile of counts alone, with this period.
fn counts(period: i64) -> Vec<u8> {
    let mut builder = ProfileBuilder::default();
    let [samples, count, cpu, ns] =
        ["samples", "count", "cpu", "nanoseconds"].map(|text| builder.string(text));
    let head = builder.profile_mut();
    head.sample_types = vec![ValueType { kind: samples, unit: count }];
    (head.period_type, head.period) = (Some(ValueType { kind: cpu, unit: ns }), period);
    let assign = builder.frame("runtime.mapassign_fast64", "map.go", 1);
    let fill = builder.frame("main.fill", "main.go", 7);
    builder.sample(&[assign, fill], &[40], &[]);
    builder.sample(&[fill], &[60], &[]);
    encode(builder)
}

#[test]
fn counts_stand_for_time_where_a_period_says_so() {
    for period in [0, 1, 9_999] {
        let evidence = evidence_of(&[counts(period)]);
        let cpu = evidence.cpu.as_ref().unwrap();
        assert_eq!((cpu.unit, cpu.total.samples), (CpuUnit::Samples, 100), "{period}");
        assert_eq!(
            evidence.sources[cpu.sources.first()].summary,
            "CPU profile, 100 samples, without their CPU time"
        );
    }
    let evidence = evidence_of(&[counts(10_000_000)]);
    let cpu = evidence.cpu.as_ref().unwrap();
    assert_eq!((cpu.unit, cpu.total.cpu_ns), (CpuUnit::Nanoseconds, 1_000_000_000));
    // What counts time and what does not are not added up.
    let evidence = evidence_of(&[counts(10_000_000), counts(0)]);
    assert_eq!(evidence.cpu.as_ref().unwrap().total.samples, 100);
    assert!(notices(&evidence).contains("one counts CPU time and one samples"));
}

/// A heap profile with these types alone, blocks of 208 bytes.
fn heap(types: &[(&str, &str)], period: i64) -> Vec<u8> {
    let mut builder = ProfileBuilder::default();
    let sample_types: Vec<_> = types
        .iter()
        .map(|(kind, unit)| ValueType { kind: builder.string(kind), unit: builder.string(unit) })
        .collect();
    let space = ValueType { kind: builder.string("space"), unit: builder.string("bytes") };
    let head = builder.profile_mut();
    (head.sample_types, head.period_type, head.period) = (sample_types, Some(space), period);
    let fill = builder.frame("main.fill", "main.go", 7);
    let bytes = Label { key: "bytes", value: LabelValue::Num { value: 208, unit: "bytes" } };
    let value = |unit: &str| if unit == "bytes" { 2_080 } else { 10 };
    let values: Vec<i64> = types.iter().map(|(_, unit)| value(unit)).collect();
    builder.sample(&[fill], &values, &[bytes]);
    encode(builder)
}

#[test]
fn heap_profiles_of_one_type_leave_the_others_not_measured() {
    let alone = |kind, unit| {
        let evidence = evidence_of(&[heap(&[(kind, unit)], 512 << 10)]);
        let heap = evidence.heap.unwrap();
        let of = heap.total;
        let all = [of.alloc_objects, of.alloc_bytes, of.inuse_objects, of.inuse_bytes];
        (all, evidence.sources[heap.sources.first()].summary.clone())
    };
    let (all, summary) = alone("alloc_space", "bytes");
    assert_eq!(all, [None, Some(2_080), None, None]);
    assert_eq!(
        summary,
        "heap profile, 1 sample, one per 524288 bytes; without alloc_objects, inuse_objects, inuse_space"
    );
    assert_eq!(alone("inuse_space", "bytes").0, [None, None, None, Some(2_080)]);
    assert_eq!(alone("alloc_objects", "count").0, [Some(10), None, None, None]);
    assert_eq!(alone("inuse_objects", "count").0, [None, None, Some(10), None]);
}

#[test]
fn a_heap_profile_that_does_not_say_its_rate_has_none() {
    let evidence = evidence_of(&[heap(&[("alloc_objects", "count"), ("alloc_space", "bytes")], 0)]);
    assert_eq!(evidence.heap.as_ref().unwrap().bytes_per_sample, None);
    let summary = &evidence.sources[evidence.heap.as_ref().unwrap().sources.first()].summary;
    assert!(summary.contains("it does not say how many bytes one stands for"), "{summary}");
}

#[test]
fn a_profile_that_was_made_for_the_compiler_is_not_judged() {
    let weights = |n| {
        let mut builder = cpu_builder("1 main.put:7;main.main:1");
        let put = builder.frame("main.put", "main.go", 8);
        builder.profile_mut().period = 1;
        builder.sample(&[put], &[n, 1_048_576], &[]);
        encode(builder)
    };
    let (_dir, path) = file(&weights(1_048_576));
    let refused = refusal(&[&path]);
    assert!(refused.contains("is a profile that was made, not measured"), "{refused}");
    // With a period that is none, but samples that profilers take.
    assert_eq!(evidence_of(&[weights(100)]).cpu.unwrap().total.samples, 101);
}
