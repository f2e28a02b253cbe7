//! A text form of a profile, and what it looks like for a small one.

use std::fmt::Write;

use expect_test::expect;
use gopprof::{Label, LabelValue, Location, Mapping, Profile, ProfileBuilder, StrId, ValueType};

/// Everything in a profile as text, strings resolved.
pub(crate) fn dump(profile: &Profile) -> String {
    let mut out = String::new();
    let text = |id: StrId| profile.str(id);
    for t in profile.sample_types.iter().chain(&profile.period_type) {
        writeln!(out, "type {}/{}", text(t.kind), text(t.unit)).unwrap();
    }
    let (time, duration, period) = (profile.time_nanos, profile.duration_nanos, profile.period);
    writeln!(out, "time {time} duration {duration} period {period}").unwrap();
    let [default, drop, keep, url] =
        [profile.default_sample_type, profile.drop_frames, profile.keep_frames, profile.doc_url]
            .map(text);
    writeln!(out, "default {default:?} drop {drop:?} keep {keep:?} url {url:?}").unwrap();
    for &comment in &profile.comments {
        writeln!(out, "comment {}", text(comment)).unwrap();
    }
    for m in &profile.mappings {
        let flags = [m.has_functions, m.has_filenames, m.has_line_numbers, m.has_inline_frames]
            .map(u8::from);
        let range = format!("{:#x}..{:#x}@{:#x}", m.memory_start, m.memory_limit, m.file_offset);
        writeln!(out, "mapping {range} {} {:?} {flags:?}", text(m.filename), text(m.build_id))
            .unwrap();
    }
    for sample in profile.samples() {
        let values: Vec<i64> = sample.values().collect();
        let labels: Vec<_> = sample.labels().collect();
        writeln!(out, "sample {values:?} {labels:?}").unwrap();
        for idx in sample.locations() {
            writeln!(out, "  {}", frames(profile, &profile.locations[idx.index()])).unwrap();
        }
    }
    out
}

fn frames(profile: &Profile, location: &Location) -> String {
    let frame = |line: &gopprof::Line| {
        let function = line.function.map(|idx| &profile.functions[idx.index()]);
        let name = function.map_or("?", |f| profile.str(f.name));
        let file = function.map_or("?", |f| profile.str(f.filename));
        format!("{name} {file}:{}:{}", line.line, line.column)
    };
    let lines: Vec<String> = location.lines.iter().map(frame).collect();
    let mapping = location.mapping.map(gopprof::MappingIdx::index);
    format!(
        "{:#x} {mapping:?} folded={} {}",
        location.address,
        location.is_folded,
        lines.join(" < ")
    )
}

/// A profile that uses every field of the format.
pub(crate) fn profile_with_everything() -> Profile {
    let mut builder = ProfileBuilder::default();
    let count = ValueType { kind: builder.string("samples"), unit: builder.string("count") };
    let cpu = ValueType { kind: builder.string("cpu"), unit: builder.string("nanoseconds") };
    let comment = builder.string("go_version=go1.27.3");
    let [drop_frames, keep_frames, doc_url] =
        ["^drop$", "^keep$", "https://example.org"].map(|s| builder.string(s));
    let head = builder.profile_mut();
    head.sample_types = vec![count, cpu];
    head.period_type = Some(cpu);
    (head.period, head.time_nanos, head.duration_nanos) =
        (10_000_000, 1_700_000_000_000_000_000, -1);
    (head.comments, head.default_sample_type) = (vec![comment], cpu.kind);
    (head.drop_frames, head.keep_frames, head.doc_url) = (drop_frames, keep_frames, doc_url);
    let (filename, build_id) = (builder.string("/bin/server"), builder.string("c0ffee"));
    let mapping = builder.mapping(Mapping {
        memory_start: 0x40_0000,
        memory_limit: 0x50_0000,
        file_offset: 0x1000,
        filename,
        build_id,
        has_functions: true,
        has_inline_frames: true,
        ..Mapping::default()
    });
    let inner = builder.frame("main.inner", "main.go", 7);
    let line = builder.profile_mut().locations[inner.index()].lines[0];
    let leaf = builder.location(Location {
        mapping: Some(mapping),
        address: 0x40_1234,
        lines: vec![line, gopprof::Line { line: 9, column: 3, function: None }],
        is_folded: true,
    });
    let root = builder.frame("main.main", "main.go", 3);
    let bytes = Label { key: "bytes", value: LabelValue::Num { value: -48, unit: "bytes" } };
    let worker = Label { key: "worker", value: LabelValue::Str("a") };
    builder.sample(&[leaf, root], &[3, 30_000_000], &[bytes, worker]);
    builder.sample(&[], &[-1, i64::MIN], &[]);
    builder.finish()
}

#[test]
fn text_form_of_every_field() {
    expect![[r#"
        type samples/count
        type cpu/nanoseconds
        type cpu/nanoseconds
        time 1700000000000000000 duration -1 period 10000000
        default "cpu" drop "^drop$" keep "^keep$" url "https://example.org"
        comment go_version=go1.27.3
        mapping 0x400000..0x500000@0x1000 /bin/server "c0ffee" [1, 0, 0, 1]
        sample [3, 30000000] [Label { key: "bytes", value: Num { value: -48, unit: "bytes" } }, Label { key: "worker", value: Str("a") }]
          0x401234 Some(0) folded=true main.inner main.go:7:0 < ? ?:9:3
          0x0 None folded=false main.main main.go:3:0
        sample [-1, -9223372036854775808] []
    "#]]
    .assert_eq(&dump(&profile_with_everything()));
}
