//! Several profiles made one.

use expect_test::expect;
use gopprof::{
    ErrorKind, Function, Label, LabelValue, Limits, Line, Location, Mapping, Profile,
    ProfileBuilder, ValueType, merge, parse_profile,
};

use crate::dump::dump;
use crate::round_trip::written;
use crate::{sample, sample_path, sound};

fn total(profile: &Profile, value: usize) -> i64 {
    profile.samples().map(|s| s.value(value)).sum()
}

#[test]
fn a_profile_merged_with_itself_has_twice_the_values() {
    let profile = sample("nested-1.27.3/cpu.pprof");
    let merged = merge(&[profile.clone(), profile.clone()]).unwrap();
    assert_eq!(total(&merged, 1), 2 * total(&profile, 1));
    assert!(merged.n_samples() <= profile.n_samples());
    assert!(merged.locations.len() <= profile.locations.len());
    assert_eq!(merged.duration_nanos, 2 * profile.duration_nanos);
    assert_eq!(merged.time_nanos, profile.time_nanos);
    assert_eq!(sound(parse_profile(&written(&merged), &Limits::default()).unwrap()), merged);
}

#[test]
fn profiles_of_two_programs_stay_apart() {
    let nested = sample("nested-1.27.3/heap.pprof");
    let flat = sample("flat-1.21.13/heap.pprof");
    let merged = merge(&[nested.clone(), flat.clone()]).unwrap();
    for value in 0..4 {
        assert_eq!(total(&merged, value), total(&nested, value) + total(&flat, value));
    }
    // The two programs, and [vdso] and [vsyscall] of both.
    assert_eq!((nested.mappings.len(), flat.mappings.len()), (3, 3));
    assert_eq!(merged.mappings.len(), 4);
}

#[test]
fn different_sample_types_are_refused() {
    let cpu = sample("nested-1.27.3/cpu.pprof");
    let heap = sample("nested-1.27.3/heap.pprof");
    let error = merge(&[cpu.clone(), cpu, heap]).unwrap_err();
    assert!(matches!(error.kind, ErrorKind::OtherSampleTypes { index: 2, .. }));
    expect!["profile 2 has other sample types (alloc_objects/count, alloc_space/bytes, inuse_objects/count, inuse_space/bytes; space/bytes) than the first (samples/count, cpu/nanoseconds; cpu/nanoseconds) (at byte 0 of the inflated profile)"]
        .assert_eq(&error.to_string());
}

#[test]
fn nothing_cannot_be_merged() {
    assert_eq!(merge(&[]).unwrap_err().kind, ErrorKind::NothingToMerge);
}

/// A program loaded at `start`, with one sample in it.
fn loaded_at(start: u64, label: &str) -> Profile {
    let mut builder = ProfileBuilder::default();
    // The ids differ from one profile to the next.
    let comment = builder.string(label);
    builder.profile_mut().comments.push(comment);
    let samples = ValueType { kind: builder.string("samples"), unit: builder.string("count") };
    builder.profile_mut().sample_types.push(samples);
    let name = builder.string("main.main");
    let function = builder.function(Function { name, system_name: name, ..Function::default() });
    let filename = builder.string("/bin/prog");
    let (memory_start, memory_limit) = (start, start + 0x1000);
    let mapping =
        builder.mapping(Mapping { memory_start, memory_limit, filename, ..Mapping::default() });
    let location = builder.location(Location {
        mapping: Some(mapping),
        address: start + 0x10,
        lines: vec![Line { function: Some(function), line: 3, column: 0 }],
        is_folded: false,
    });
    let label = Label { key: "k", value: LabelValue::Str(label) };
    builder.sample(&[location, location], &[1], &[label]);
    builder.finish()
}

#[test]
fn a_program_loaded_elsewhere_is_the_same_program() {
    let profiles = [loaded_at(0x5000, "x"), loaded_at(0x9000, "y"), loaded_at(0x7000, "x")];
    expect![[r#"
        type samples/count
        time 0 duration 0 period 0
        default "" drop "" keep "" url ""
        comment x
        comment y
        mapping 0x5000..0x6000@0x0 /bin/prog "" [0, 0, 0, 0]
        sample [2] [Label { key: "k", value: Str("x") }]
          0x5010 Some(0) folded=false main.main :3:0
          0x5010 Some(0) folded=false main.main :3:0
        sample [1] [Label { key: "k", value: Str("y") }]
          0x5010 Some(0) folded=false main.main :3:0
          0x5010 Some(0) folded=false main.main :3:0
    "#]]
    .assert_eq(&dump(&merge(&profiles).unwrap()));
}

#[test]
fn sums_stay_within_their_range() {
    let mut builder = ProfileBuilder::default();
    builder.profile_mut().sample_types.push(ValueType::default());
    builder.sample(&[], &[i64::MAX], &[]);
    let profile = builder.finish();
    assert_eq!(total(&merge(&[profile.clone(), profile]).unwrap(), 0), i64::MAX);
}

#[test]
fn our_merge_is_that_of_go_tool_pprof() {
    let Some(go) = xtask::go::toolchain("1.27.3") else {
        xtask::skip("no Go 1.27.3 to run `go tool pprof`");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let ours = dir.path().join("ours.pprof");
    for kind in ["cpu.pprof", "heap.pprof", "mutex.pprof"] {
        let names =
            ["nested-1.27.3", "flat-1.27.3", "nested-1.21.13"].map(|n| format!("{n}/{kind}"));
        let merged = merge(&names.each_ref().map(|name| sample(name))).unwrap();
        std::fs::write(&ours, written(&merged)).unwrap();
        let top = |paths: &[std::path::PathBuf]| {
            let args = ["tool", "pprof", "-top", "-nodecount=200", "-symbolize=none"];
            let output = go.command().args(args).args(paths).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        assert_eq!(
            top(std::slice::from_ref(&ours)),
            top(&names.each_ref().map(|n| sample_path(n)))
        );
    }
}
