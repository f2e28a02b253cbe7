//! Profiles in other forms than profile.proto, and exports that have less than Go's own: each says as much as it has.

use std::io::Write;
use std::path::Path;

use evidence::{CpuUnit, Evidence};
use flate2::Compression;
use flate2::write::GzEncoder;
use gopprof::{Label, LabelValue, Mapping, ProfileBuilder, ValueType};
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
    assert!(notices(&evidence).contains("it counts samples without their CPU time"));
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
        let mut builder = cpu_builder("1 main.put:7;main.main:1;runtime.main:283");
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

/// A stack of 40 frames in a line of 2,000 characters.
#[test]
fn folded_stacks_may_begin_with_a_long_line() {
    let frames: Vec<String> =
        (0..40).map(|n| format!("github.com/acme/shop/orders.handler{n:010}")).collect();
    let text = format!("{};runtime.mapassign_faststr 30\n{FOLDED}", frames.join(";"));
    assert!(text.find('\n').unwrap() > 1_500);
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(text.as_bytes()).unwrap();
    for bytes in [text.into_bytes(), packed.finish().unwrap()] {
        let (_dir, path) = file(&bytes);
        assert_eq!(collected(&[&path]).cpu.unwrap().total.samples, 130);
    }
}

/// A profile with these columns and this period, of one stack.
fn of_columns(columns: &[(&str, &str, i64)], period_type: (&str, &str), period: i64) -> Vec<u8> {
    let mut builder = ProfileBuilder::default();
    let sample_types = columns.iter().map(|(kind, unit, _)| ValueType {
        kind: builder.string(kind),
        unit: builder.string(unit),
    });
    let sample_types: Vec<_> = sample_types.collect();
    let kind =
        ValueType { kind: builder.string(period_type.0), unit: builder.string(period_type.1) };
    let head = builder.profile_mut();
    (head.sample_types, head.period_type, head.period) = (sample_types, Some(kind), period);
    let assign = builder.frame("runtime.mapassign_fast64", "map.go", 1);
    let fill = builder.frame("main.fill", "main.go", 7);
    let values: Vec<i64> = columns.iter().map(|(.., value)| *value).collect();
    builder.sample(&[assign, fill], &values, &[]);
    encode(builder)
}

#[test]
fn counts_of_something_else_than_cpu_time_are_no_cpu_profile() {
    for kind in ["wall", "off_cpu", "cache-misses"] {
        let (_dir, path) =
            file(&of_columns(&[("samples", "count", 9)], (kind, "nanoseconds"), 10_000_000));
        let refused = refusal(&[&path]);
        assert!(
            refused.contains("its samples are taken by something else than CPU time"),
            "{refused}"
        );
    }
    let wall = [("samples", "count", 9), ("wall", "nanoseconds", 90_000_000)];
    let (_dir, path) = file(&of_columns(&wall, ("wall", "nanoseconds"), 10_000_000));
    assert!(refusal(&[&path]).contains("a profile of wall-clock time, waiting included"));
}

/// What stands in other units is not taken for time that is too short.
#[test]
fn times_in_another_unit_are_times() {
    let columns = [("samples", "count", 9), ("cpu", "microseconds", 90_000)];
    let evidence = evidence_of(&[of_columns(&columns, ("cpu", "microseconds"), 10_000)]);
    let cpu = evidence.cpu.unwrap();
    assert_eq!((cpu.unit, cpu.total.samples), (CpuUnit::Nanoseconds, 9));
    assert_eq!(cpu.total.cpu_ns, 90_000_000);
    // Exports of Pyroscope say that one was taken a second, whatever it was.
    let columns = [("samples", "count", 9)];
    let evidence = evidence_of(&[of_columns(&columns, ("cpu", "nanoseconds"), 1_000_000_000)]);
    assert_eq!(evidence.cpu.unwrap().unit, CpuUnit::Samples);
}

/// A CPU profile of one sample, of the program in this file.
fn of_program(path: &str, build_id: &str, op: &str) -> Vec<u8> {
    let mut builder = cpu_builder(&format!("9 {op};main.put:7;main.main:1"));
    let (filename, build_id) = (builder.string(path), builder.string(build_id));
    builder.mapping(Mapping { filename, build_id, ..Mapping::default() });
    encode(builder)
}

const ASSIGN: &str = "runtime.mapassign_faststr:/usr/local/go/src/runtime/map_faststr.go:9";

#[test]
fn a_profile_of_another_program_is_not_added() {
    let both = |other: Vec<u8>| {
        let evidence = evidence_of(&[of_program("/srv/shop", "aa", ASSIGN), other]);
        (evidence.cpu.as_ref().unwrap().total.samples, notices(&evidence))
    };
    let (samples, said) = both(of_program("/srv/cart", "bb", ASSIGN));
    assert_eq!(samples, 9);
    assert!(said.contains("is not used: it is of another program than"), "{said}");
    // The same in another place, the same under another name, and a library in place of the program.
    for (path, build_id) in
        [("/opt/shop", "bb"), ("/srv/cart", "aa"), ("/lib/libc.so.6", "cc"), ("[vdso]", "")]
    {
        assert_eq!(both(of_program(path, build_id, ASSIGN)).0, 18, "{path}");
    }
}

#[test]
fn a_profile_of_other_maps_is_not_added() {
    let swiss = "internal/runtime/maps.ctrlGroup.matchH2:1<runtime.mapassign_faststr:9";
    let evidence =
        evidence_of(&[of_program("/srv/shop", "aa", ASSIGN), of_program("/srv/shop", "bb", swiss)]);
    assert_eq!(evidence.cpu.as_ref().unwrap().total.samples, 9);
    assert!(
        notices(&evidence).contains("its Go has other maps than that of"),
        "{}",
        notices(&evidence)
    );
}

#[test]
fn traces_of_one_time_are_not_added_up() {
    let trace =
        xtask::unpack_xz(&xtask::testdata("samples/nested-1.27.3/nested-1.27.3.trace.xz")).unwrap();
    let trace = trace.to_str().unwrap();
    let (once, twice) = (collected(&[trace]), collected(&[trace, trace]));
    let n = |evidence: &Evidence| evidence.trace.as_ref().unwrap().gc_cycles.n;
    assert_eq!(n(&twice), n(&once));
    assert!(notices(&twice).contains("it was taken at the same time as"), "{}", notices(&twice));
    assert_eq!((once.n_measuring(), twice.n_measuring()), (1, 1));
}

#[test]
fn a_file_without_profiles_is_named() {
    let (_dir, path) = file(b"{\"resourceProfiles\":[]}\n");
    assert!(refusal(&[&path]).contains("is a file of OpenTelemetry's without profiles"));
}

#[test]
fn a_profile_that_was_filtered_or_merged_is_not_judged() {
    let (_dir, path) = file(&encode(cpu_builder("90 main.put:7;main.main:1")));
    let filtered = diagnosed(&[&path]);
    assert!(filtered.findings.is_empty(), "{:?}", filtered.findings);
    assert!(notices(&filtered.evidence).contains("no function of Go's runtime is in it"));
    let both = "9 runtime.evacuate_faststr:9;main.put:7;runtime.main:283\n\
                9 internal/runtime/maps.(*table).rehash:9;main.put:7;runtime.main:283";
    let (_dir, path) = file(&encode(cpu_builder(both)));
    assert!(refusal(&[&path]).contains("with classic maps and with Swiss ones, merged"));
}

#[test]
fn the_same_profile_counts_once() {
    let cpu = sample("nested-1.27.3/cpu.pprof");
    let (once, twice) = (collected(&[&cpu]), collected(&[&cpu, &cpu]));
    let samples = |evidence: &Evidence| evidence.cpu.as_ref().unwrap().total.samples;
    assert_eq!(samples(&once), samples(&twice));
    assert!(notices(&twice).contains("it is the same as"), "{}", notices(&twice));
}

#[test]
fn folded_numbers_that_are_no_samples_of_cpu_time_are_named() {
    let cases = [
        ("a;runtime.mapassign_fast64 30 40\na;b 20 10\n", "with two counts in each line"),
        ("a;runtime.mapassign_fast64 30000000\na;b 20000000\n", "of times or bytes"),
        ("a;runtime.mapassign_fast64 3\na;b;runtime.gopark 2\n", "of goroutines that wait"),
    ];
    for (text, what) in cases {
        let (_dir, path) = file(text.as_bytes());
        let refused = refusal(&[&path]);
        assert!(refused.contains(what), "{refused}");
    }
    // Profiles of other things, folded: leaves are where values were taken, and allocations have none in the runtime.
    let stacks =
        |leaf: &str| (0..20).map(|n| format!("main.main;main.f{n};{leaf} 7\n")).collect::<String>();
    for (leaf, what) in [
        ("main.fill", "it is one of allocations"),
        ("sync.(*Mutex).Unlock", "of waits"),
        ("runtime.futex", "of waits"),
    ] {
        let (_dir, path) = file(stacks(leaf).as_bytes());
        assert!(refusal(&[&path]).contains(what), "{leaf}");
    }
    let offsets = "main.main;main.put;runtime.mapassign_fast64+0x55 30\nruntime.main 5\nmain.main:12;main.put:7 4\n";
    let (_dir, path) = file(offsets.as_bytes());
    let evidence = collected(&[&path]);
    assert_eq!(site(&evidence, "main.put").cpu.as_ref().unwrap().map.samples, 30);
}

/// perf has the name of the program as the root of each stack.
#[test]
fn folded_stacks_of_several_programs_are_told_apart_by_their_roots() {
    let text = "java;java/lang/Thread.run 90\nshop;main.main;runtime.mapassign_fast64 30\nshop;runtime.main 5\n";
    let (_dir, path) = file(text.as_bytes());
    let refused = refusal(&[&path]);
    assert!(refused.contains("profiles of 2 programs (shop, java)"), "{refused}");
    let (_dir, path) = file(text.replace("java;java/lang/Thread.run 90\n", "").as_bytes());
    assert_eq!(collected(&[&path]).cpu.unwrap().total.samples, 35);
}

/// The same at the leaves, cut off: what is below map functions is where they spend their time.
#[test]
fn a_profile_whose_map_frames_were_filtered_gets_no_verdict() {
    let profile = |stack: &dyn Fn(usize) -> String| {
        let stacks: String = (0..20).map(|n| format!("main.main;{} 5\n", stack(n))).collect();
        let (_dir, path) = file(stacks.as_bytes());
        refusal(&[&path])
    };
    let pruned = profile(&|n| format!("main.f{n};runtime.mapassign_faststr"));
    assert!(pruned.contains("filtered out (-hide, -prune_from)"), "{pruned}");
    let hidden = profile(&|n| format!("main.f{n};runtime.memhash"));
    assert!(hidden.contains("filtered out (-hide, -prune_from)"), "{hidden}");
}

/// As `go tool pprof -proto` makes it of profiles of different programs.
#[test]
fn programs_that_were_merged_get_no_verdict() {
    let mut builder = cpu_builder("");
    for (at, name) in [(0, "/bin/one"), (1, "/bin/other")] {
        let filename = builder.string(name);
        let mapping = builder.mapping(gopprof::Mapping {
            memory_start: at,
            filename,
            ..gopprof::Mapping::default()
        });
        let main = builder.frame("main.main", "main.go", 1);
        let mut location = builder.profile_mut().locations[main.index()].clone();
        location.mapping = Some(mapping);
        location.address = at + 1;
        let location = builder.location(location);
        builder.sample(&[location], &[1, 10_000_000], &[]);
    }
    let (_dir, path) = file(&encode(builder));
    let refused = refusal(&[&path]);
    assert!(refused.contains("a profile of several programs, merged: one and other"), "{refused}");
}

/// Copies of one are no second source.
#[test]
fn what_is_given_twice_counts_once() {
    let recording = sample("recordings/nested-1.27.3.pb.gz");
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("copy.pb.gz");
    std::fs::copy(&recording, &copy).unwrap();
    let grows = |names: &[&str]| {
        let evidence = collected(names);
        (evidence.growth.as_ref().unwrap().total.grows, notices(&evidence))
    };
    let (once, _) = grows(&[&recording]);
    let (twice, said) = grows(&[&recording, copy.to_str().unwrap()]);
    assert_eq!(once, twice);
    assert!(said.contains("it is the same as"), "{said}");
}

#[test]
fn the_difference_of_recordings_gets_no_verdict() {
    let bytes = std::fs::read(sample("recordings/nested-1.27.3.pb.gz")).unwrap();
    let profile = gopprof::parse_profile(&bytes, &gopprof::Limits::default()).unwrap().value;
    let mut builder = ProfileBuilder::default();
    let head = builder.profile_mut();
    *head = profile.clone();
    let negative: Vec<i64> = vec![-1; profile.sample_types.len()];
    let stack: Vec<_> = profile.samples().next().unwrap().locations().collect();
    builder.sample(&stack, &negative, &[]);
    let (_dir, path) = file(&encode(builder));
    let refused = refusal(&[&path]);
    assert!(refused.contains("the difference of two profiles"), "{refused}");
}
