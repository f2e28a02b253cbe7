#![allow(clippy::unwrap_used)]

use gopprof::{LabelValue, Profile};
use wire::{put_bytes, put_number, put_varint};

use super::*;

/// A message of fields: numbers, and bytes.
#[derive(Default, Clone)]
struct Message(Vec<u8>);

impl Message {
    fn number(mut self, field: u64, value: u64) -> Self {
        put_number(&mut self.0, field, value);
        self
    }

    fn bytes(mut self, field: u64, bytes: &[u8]) -> Self {
        put_bytes(&mut self.0, field, bytes);
        self
    }

    fn message(self, field: u64, message: &Self) -> Self {
        self.bytes(field, &message.0)
    }

    fn numbers(self, field: u64, numbers: &[u64]) -> Self {
        let mut packed = Vec::new();
        numbers.iter().for_each(|&number| put_varint(&mut packed, number));
        self.bytes(field, &packed)
    }

    fn fixed(self, field: u64, numbers: &[u64]) -> Self {
        let packed: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.bytes(field, &packed)
    }
}

fn message() -> Message {
    Message::default()
}

const STRINGS: [&str; 13] = [
    "",
    "samples",
    "count",
    "cpu",
    "nanoseconds",
    "/srv/shop",
    "runtime.mapassign_faststr",
    "main.fill",
    "main.go",
    "process.executable.name",
    "process.executable.build_id.gnu",
    "bytes",
    "map.go",
];

/// A leaf with a function inlined into its caller, and an address without a name.
fn dictionary() -> Message {
    let value = |text: &str| message().bytes(1, text.as_bytes());
    let line = |function, line| message().number(1, function).number(2, line);
    let function = |name, file| message().number(1, name).number(2, name).number(3, file);
    let mapping = message().number(1, 0x40_0000).number(2, 0x50_0000).number(4, 5).numbers(5, &[1]);
    let named = message().number(1, 1).number(2, 0x40_1000);
    let named = named.message(3, &line(1, 9)).message(3, &line(2, 7));
    let unnamed = message().number(1, 1).number(2, 0x40_2000);
    let none = message();
    let mut all = message().message(1, &none).message(1, &mapping);
    all = all.message(2, &none).message(2, &named).message(2, &unnamed);
    all = all.message(3, &none).message(3, &function(6, 12)).message(3, &function(7, 8));
    for text in STRINGS {
        all = all.bytes(5, text.as_bytes());
    }
    let attributes = [
        none.clone(),
        message().number(1, 10).message(2, &value("abcd")),
        message().number(1, 9).message(2, &value("other")),
        message().number(1, 11).message(2, &message().number(3, 48)),
    ];
    all = attributes.iter().fold(all, |all, of| all.message(6, of));
    all.message(7, &none).message(7, &message().numbers(1, &[1, 2]))
}

fn profile(kind: u64, unit: u64, samples: &[Message]) -> Message {
    let cpu_ns = message().number(1, 3).number(2, 4);
    let head = message().message(1, &message().number(1, kind).number(2, unit));
    let head = samples.iter().fold(head, |head, sample| head.message(2, sample));
    let mut head = head.number(4, 5_000).message(5, &cpu_ns).number(6, 10_000_000);
    // Eight bytes.
    put_varint(&mut head.0, 3 << 3 | 1);
    head.0.extend_from_slice(&1_000_u64.to_le_bytes());
    head
}

fn batch(profiles: &[Message]) -> Vec<u8> {
    let name = message().bytes(1, b"service.name");
    let name = name.message(2, &message().bytes(1, b"shop"));
    let scope = profiles.iter().fold(message(), |scope, profile| scope.message(2, profile));
    let resource = message().message(1, &message().message(1, &name)).message(2, &scope);
    message().message(1, &resource).message(2, &dictionary()).0
}

fn sample() -> Message {
    message().number(1, 1)
}

/// Counts of samples beside their time.
fn two_types() -> Vec<u8> {
    let counts = [sample().fixed(5, &[1_001, 1_002, 1_003])];
    let times = [sample().numbers(4, &[10_000_000, 20_000_000])];
    batch(&[profile(1, 2, &counts), profile(3, 4, &times)])
}

/// Its frames, values and labels, a line for each sample.
fn dump(profile: &Profile) -> String {
    let mut text = String::new();
    for sample in profile.samples() {
        let frames = sample.locations().flat_map(|at| {
            let location = &profile.locations[at.index()];
            let line = |line: &gopprof::Line| {
                let function = &profile.functions[line.function.unwrap().index()];
                let (name, file) = (profile.str(function.name), profile.str(function.filename));
                format!("{name} {file}:{}", line.line)
            };
            let mut frames: Vec<String> = location.lines.iter().map(line).collect();
            if frames.is_empty() {
                frames.push(format!("{:#x}", location.address));
            }
            frames
        });
        let frames: Vec<String> = frames.collect();
        let labels = sample.labels().map(|label| match label.value {
            LabelValue::Num { value, .. } => format!(" {}={value}", label.key),
            LabelValue::Str(text) => format!(" {}={text}", label.key),
        });
        let values: Vec<i64> = sample.values().collect();
        text += &format!("{values:?} {}{}\n", frames.join("; "), labels.collect::<String>());
    }
    text
}

fn only(bytes: &[u8], form: Form) -> OfProgram {
    assert_eq!(Form::of(&bytes[..bytes.len().min(512)]), Some(form));
    let parsed = parse(bytes, form).unwrap();
    assert!(parsed.faults.is_empty(), "{:?}", parsed.faults);
    let mut programs = parsed.value;
    assert_eq!(programs.len(), 1);
    programs.remove(0)
}

const FRAMES: &str = "runtime.mapassign_faststr map.go:9; main.fill main.go:7; 0x402000";

#[test]
fn types_of_one_time_are_columns_of_one_profile() {
    let OfProgram { program, profile, n_cut, .. } = only(&two_types(), Form::Proto);
    assert_eq!((program.as_deref(), n_cut), (Some("shop"), 0));
    let types = profile.sample_types.iter().chain(&profile.period_type);
    let types: Vec<_> = types.map(|of| [profile.str(of.kind), profile.str(of.unit)]).collect();
    assert_eq!(types, [["samples", "count"], ["cpu", "nanoseconds"], ["cpu", "nanoseconds"]]);
    assert_eq!(
        (profile.period, profile.time_nanos, profile.duration_nanos),
        (10_000_000, 1_000, 5_000)
    );
    assert_eq!(dump(&profile), format!("[3, 30000000] {FRAMES}\n"));
    let mapping = &profile.mappings[0];
    assert_eq!(profile.str(mapping.filename), "/srv/shop");
    assert_eq!(profile.str(mapping.build_id), "abcd");
    assert_eq!((mapping.memory_start, mapping.memory_limit), (0x40_0000, 0x50_0000));
}

/// What is left out is counted, and the function that has the address stays.
#[test]
fn deep_stacks_and_long_locations_are_cut() {
    let of = |from: &str, to: &str| {
        let text = JSON.replace(from, to);
        only(text.as_bytes(), Form::Json)
    };
    let inlined = r#"{"functionIndex":1,"line":"9"},"#;
    let of_lines = |n: usize| of(inlined, &inlined.repeat(n - 1));
    assert_eq!((of_lines(257).n_long, of_lines(257).n_cut), (0, 0));
    let long = of_lines(300);
    assert_eq!((long.n_long, long.n_cut), (1, 0));
    let expected = "runtime.mapassign_faststr map.go:9; ".repeat(256);
    assert_eq!(
        dump(&long.profile),
        format!("[3, 30000000] {expected}main.fill main.go:7; 0x402000\n")
    );
    let deep = of("[1,2]}", &format!("[1{}]}}", ",2".repeat(4095)));
    assert_eq!((deep.n_long, deep.n_cut), (0, 2));
    assert_eq!(deep.profile.samples().next().unwrap().locations().count(), 4095);
}

#[test]
fn samples_that_name_their_program_are_of_that() {
    let other = sample().numbers(2, &[2, 3]).numbers(4, &[5]);
    let profiles = [profile(1, 2, &[sample().numbers(4, &[2]), other])];
    let programs = parse(&batch(&profiles), Form::Proto).unwrap().value;
    let programs: Vec<_> =
        programs.iter().map(|of| (of.program.as_deref().unwrap(), dump(&of.profile))).collect();
    let expected =
        [("shop", format!("[2] {FRAMES}\n")), ("other", format!("[5] {FRAMES} bytes=48\n"))];
    assert_eq!(programs, expected);
}

#[test]
fn batches_are_added_up() {
    let mut framed = Vec::new();
    for _ in 0..3 {
        framed.extend_from_slice(&u32::try_from(two_types().len()).unwrap().to_be_bytes());
        framed.extend_from_slice(&two_types());
    }
    let profile = only(&framed, Form::FramedProto).profile;
    assert_eq!(dump(&profile), format!("[9, 90000000] {FRAMES}\n"));
    // Each time counts once.
    assert_eq!(profile.duration_nanos, 5_000);
    // What came before a batch that is cut stays.
    let cut = parse(&framed[..framed.len() - 1], Form::FramedProto).unwrap();
    assert_eq!(dump(&cut.value[0].profile), format!("[6, 60000000] {FRAMES}\n"));
    let [error] = &cut.faults[..] else { panic!("{:?}", cut.faults) };
    let last = (4 + two_types().len()) * 2;
    assert_eq!(
        error.to_string(),
        format!(
            "OpenTelemetry profiles that are cut or damaged, or no profiles but its spans, metrics or logs: a batch cannot be \
             read (in the batch at byte {last})"
        )
    );
}

const JSON: &str = r#"{"resourceProfiles":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
"scopeProfiles":[{"scope":{},"profiles":[
{"sampleType":{"typeStrindex":1,"unitStrindex":2},"samples":[{"stackIndex":1,"timestampsUnixNano":["1001","1002","1003"]}],
 "timeUnixNano":"1000","durationNano":"5000","periodType":{"typeStrindex":3,"unitStrindex":4},"period":"10000000","profileId":""},
{"sampleType":{"typeStrindex":3,"unitStrindex":4},"samples":[{"stackIndex":1,"values":["10000000",20000000]}],
 "timeUnixNano":"1000","durationNano":"5000","periodType":{"typeStrindex":3,"unitStrindex":4},"period":"10000000"}]}]}],
"dictionary":{"mappingTable":[{},{"memoryStart":"4194304","memoryLimit":"5242880","filenameStrindex":5,"attributeIndices":[1]}],
"locationTable":[{},{"mappingIndex":1,"address":"4198400","lines":[{"functionIndex":1,"line":"9"},{"functionIndex":2,"line":"7"}]},
{"mappingIndex":1,"address":"4202496"}],
"functionTable":[{},{"nameStrindex":6,"systemNameStrindex":6,"filenameStrindex":12},{"nameStrindex":7,"filenameStrindex":8}],
"linkTable":[{}],"stringTable":["","samples","count","cpu","nanoseconds","/srv/shop","runtime.mapassign_faststr","main.fill",
"main.go","process.executable.name","process.executable.build_id.gnu","bytes","map.go"],
"attributeTable":[{},{"keyStrindex":10,"value":{"stringValue":"abcd"}}],"stackTable":[{},{"locationIndices":[1,2]}]}}"#;

#[test]
fn json_says_the_same() {
    let proto = only(&two_types(), Form::Proto).profile;
    let spread = only(JSON.as_bytes(), Form::Json).profile;
    let lines = format!("{}\n\n{}\n", JSON.replace('\n', ""), JSON.replace('\n', ""));
    assert_eq!(dump(&spread), dump(&proto));
    let marked = [b"\xef\xbb\xbf", JSON.as_bytes()].concat();
    assert_eq!(dump(&only(&marked, Form::Json).profile), dump(&proto));
    assert_eq!(spread.mappings[0].memory_start, proto.mappings[0].memory_start);
    let twice = only(lines.as_bytes(), Form::Json).profile;
    assert_eq!(dump(&twice), format!("[6, 60000000] {FRAMES}\n"));
    let wrong = JSON.replace("\"1001\"", "\"soon\"");
    let error = parse(wrong.as_bytes(), Form::Json).unwrap_err().to_string();
    assert!(error.contains("\"soon\" is no whole number at line 3"), "{error}");
}

#[test]
fn forms_that_were_given_up_are_named() {
    let listed = profile(1, 2, &[sample().numbers(4, &[1])]).numbers(3, &[1, 2]);
    let error = parse(&batch(&[listed]), Form::Proto).unwrap_err().to_string();
    assert!(error.contains("of a form before 1.9"), "{error}");
    let list = (
        "\"sampleType\":{\"typeStrindex\":3,\"unitStrindex\":4}",
        "\"sampleType\":[{\"typeStrindex\":3,\"unitStrindex\":4}]",
    );
    for old in [("stackTable", "locationIndices"), ("\"samples\":[", "\"sample\":["), list] {
        let error = parse(JSON.replace(old.0, old.1).as_bytes(), Form::Json).unwrap_err();
        assert!(error.to_string().contains("of a form before 1.9"), "{error}");
    }
}

#[test]
fn positions_beyond_tables_stand_for_nothing() {
    let far = message().number(1, u64::MAX).numbers(2, &[99, u64::MAX]).numbers(4, &[1]);
    let sample = profile(77, u64::MAX, &[far]);
    let profile = only(&batch(&[sample]), Form::Proto).profile;
    assert_eq!(dump(&profile), "[1] \n");
    assert_eq!(profile.str(profile.sample_types[0].kind), "");
}

#[test]
fn a_cut_batch_is_refused() {
    let whole = two_types();
    let n_read = (0..whole.len()).filter(|&n| parse(&whole[..n], Form::Proto).is_ok()).count();
    // Nothing, and the profiles without the dictionary, which hold samples without stacks.
    assert_eq!(n_read, 1);
}

#[test]
fn other_files_are_none_of_these() {
    let mut pprof = Vec::new();
    gopprof::write_proto(&only(&two_types(), Form::Proto).profile, &mut pprof).unwrap();
    let others: [&[u8]; 6] = [
        &pprof,
        b"",
        b"{}",
        b"{\"mapscope_capture\":1}",
        b"\0\0\0\0\x0a\x03\x0a\x01",
        b"main;fill 3",
    ];
    for other in others {
        assert_eq!(Form::of(other), None, "{:?}", String::from_utf8_lossy(other));
    }
}

/// What is live, and what was allocated since the start, is not added up over time.
#[test]
fn of_heap_profiles_the_newest_counts() {
    let of_time = |time: u64, value: u64| {
        let text = JSON
            .replace("\"cpu\",\"nanoseconds\",", "\"inuse_space\",\"bytes\",")
            .replace('\n', "");
        let text =
            text.replace("\"timeUnixNano\":\"1000\"", &format!("\"timeUnixNano\":\"{time}\""));
        text.replace("20000000]", &format!("{value}]"))
    };
    let older = (of_time(10, 1), of_time(30, 5), of_time(20, 3));
    let lines = format!("{}\n{}\n{}\n", older.0, older.1, older.2);
    let OfProgram { profile, n_older, .. } = only(lines.as_bytes(), Form::Json);
    assert_eq!((dump(&profile), n_older), (format!("[3, 10000005] {FRAMES}\n"), 2));
    assert_eq!(profile.time_nanos, 30);
}

/// That of a library would be taken for the program's.
#[test]
fn the_first_mapping_is_that_of_the_program_or_none() {
    let named = only(&two_types(), Form::Proto).profile;
    assert_eq!(named.str(named.mappings[0].filename), "/srv/shop");
    let other = JSON.replace("\"shop\"", "\"storefront\"");
    let profile = only(other.as_bytes(), Form::Json).profile;
    let files: Vec<&str> = profile.mappings.iter().map(|of| profile.str(of.filename)).collect();
    assert_eq!(files, ["", "/srv/shop"]);
}

#[test]
fn types_without_end_take_no_memory_without_end() {
    let kinds: Vec<Message> =
        (0..40).map(|kind| profile(kind, 2, &[sample().numbers(4, &[1])])).collect();
    let parsed = parse(&batch(&kinds), Form::Proto).unwrap().value;
    let columns: Vec<usize> = parsed.iter().map(|of| of.profile.sample_types.len()).collect();
    assert_eq!(columns, [16, 16, 8]);
}

/// The seeds of the fuzz target, in each form.
#[test]
fn the_fuzz_corpus_replays() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/otlp");
    let mut n_read = 0;
    for seed in std::fs::read_dir(corpus).unwrap() {
        let bytes = std::fs::read(seed.unwrap().path()).unwrap();
        for form in [Form::Proto, Form::FramedProto, Form::Json] {
            let Ok(parsed) = parse(&bytes, form) else { continue };
            parsed.value.iter().for_each(|of| of.profile.check_valid().unwrap());
            n_read += 1;
        }
    }
    assert!(n_read >= 3);
}

/// Locations count once, in however many batches they are.
#[test]
fn a_long_file_of_the_same_locations_is_read_to_its_end() {
    let line = JSON.replace('\n', "");
    let wide = r#"{"functionIndex":2,"line":"7"},"#.repeat(200);
    let line = line.replace(r#"{"functionIndex":2,"line":"7"}"#, wide.trim_end_matches(','));
    let lines = format!("{line}\n").repeat(25_000);
    let parsed = parse(lines.as_bytes(), Form::Json).unwrap();
    assert!(parsed.faults.is_empty(), "{:?}", parsed.faults);
    assert_eq!(parsed.value[0].profile.samples().next().unwrap().value(0), 75_000);
}
