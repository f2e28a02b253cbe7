//! Profiles of addresses alone get their names from the executable; what cannot be judged is named, and gets no verdict.

use std::fs;

use evidence::{CpuUnit, Evidence, Site};
use gopprof::{
    Limits, Location, LocationIdx, Mapping, Profile, ProfileBuilder, ValueType, parse_profile,
    write_profile,
};
use xtask::samples::{binary, sample};

use crate::{collected, cpu_builder, diagnosed, encode, evidence_of, file, notices, refusal};

/// A capture's CPU profile without the names of its program.
fn without_names(capture: &str) -> Profile {
    let bytes = fs::read(sample(&format!("{capture}/cpu.pprof"))).unwrap();
    let mut profile = parse_profile(&bytes, &Limits::default()).unwrap().value;
    profile.locations.iter_mut().for_each(|location| location.lines.clear());
    profile.functions.clear();
    profile
}

fn written(profile: &Profile) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_profile(profile, &mut bytes).unwrap();
    bytes
}

fn with_binary(profile: &Profile, capture: &str) -> Evidence {
    let (_dir, path) = file(&written(profile));
    collected(&[&path, &binary(capture)])
}

const CAPTURES: [&str; 2] = ["nested-1.21.13", "nested-1.27.3"];

#[test]
fn names_of_the_executable_are_those_that_go_writes() {
    for capture in CAPTURES {
        let named = collected(&[&sample(&format!("{capture}/cpu.pprof")), &binary(capture)]);
        let resolved = with_binary(&without_names(capture), capture);
        let sites = |evidence: &Evidence| format!("{:?}", evidence.sites);
        assert_eq!(sites(&resolved), sites(&named), "{capture}");
    }
}

#[test]
fn callers_may_stand_by_where_their_calls_return_to() {
    let capture = "nested-1.27.3";
    let inside = without_names(capture);
    let mut builder = ProfileBuilder::default();
    let [samples, count, cpu, ns] =
        ["samples", "count", "cpu", "nanoseconds"].map(|text| builder.string(text));
    let cpu = ValueType { kind: cpu, unit: ns };
    let head = builder.profile_mut();
    head.sample_types = vec![ValueType { kind: samples, unit: count }, cpu];
    (head.period_type, head.period) = (Some(cpu), inside.period);
    let main = inside.mappings[0];
    let [filename, build_id] =
        [main.filename, main.build_id].map(|text| builder.string(inside.str(text)));
    let main = builder.mapping(Mapping { filename, build_id, ..main });
    for sample in inside.samples() {
        let location = |(depth, location): (usize, LocationIdx)| {
            let Location { address, mapping, .. } = inside.locations[location.index()];
            let mapping = mapping.filter(|mapping| mapping.index() == 0).map(|_| main);
            let address = address + u64::from(depth > 0);
            builder.location(Location { mapping, address, ..Location::default() })
        };
        let stack: Vec<LocationIdx> = sample.locations().enumerate().map(location).collect();
        builder.sample(&stack, &sample.values().collect::<Vec<i64>>(), &[]);
    }
    let profile = builder.finish();
    let named = collected(&[&sample(&format!("{capture}/cpu.pprof")), &binary(capture)]);
    let resolved = with_binary(&profile, capture);
    let costs = |evidence: &Evidence| -> Vec<String> {
        let cost = |site: &Site| {
            let cpu = site.cpu.as_ref().unwrap();
            format!("{:?} {:?} {:?}", site.frame, cpu.line, cpu.map)
        };
        evidence.sites.iter().map(cost).collect()
    };
    assert_eq!(costs(&resolved), costs(&named));
}

#[test]
fn addresses_without_names_get_no_verdict() {
    let (_dir, path) = file(&written(&without_names("nested-1.27.3")));
    let message = refusal(&[&path]);
    assert!(message.contains("addresses without names (100 % of it)"), "{message}");
    assert!(message.contains("give the executable that it was taken of, too"), "{message}");
}

#[test]
fn addresses_of_another_program_get_no_names() {
    let mut profile = without_names("nested-1.21.13");
    profile.mappings.clear();
    profile.locations.iter_mut().for_each(|location| location.mapping = None);
    let (_dir, path) = file(&written(&profile));
    let message = refusal(&[&path, &binary("nested-1.27.3")]);
    assert!(message.contains("not those of the executable that was given"), "{message}");
}

#[test]
fn what_has_no_name_is_said_beside_the_rest() {
    let mut builder = cpu_builder("9 runtime.mapassign_faststr:9;main.put:7;main.main:1");
    let nameless = Location { address: 0x4242, ..Location::default() };
    let nameless = builder.location(nameless);
    builder.sample(&[nameless], &[3, 30_000], &[]);
    let notices = notices(&evidence_of(&[encode(builder)]));
    assert!(notices.contains("25 % of it is at addresses without names"), "{notices}");
}

/// Rules that speak of a profile of these stacks.
fn rules_of(stacks: &str) -> Vec<&'static str> {
    let (_dir, path) = file(&encode(cpu_builder(stacks)));
    diagnosed(&[&path]).findings.iter().map(|finding| finding.rule).collect()
}

#[test]
fn what_stands_for_a_name_is_none() {
    for nameless in ["[unknown]", "??", "0x4a2f10", "(unknown)"] {
        let (_dir, path) = file(&encode(cpu_builder(&format!("9 {nameless}:0;main.main:1"))));
        let message = refusal(&[&path]);
        assert!(message.contains("addresses without names (100 % of it)"), "{message}");
    }
}

#[test]
fn nothing_is_left_alone_where_maps_may_have_no_names() {
    let known = "70 main.work:7;main.main:1;runtime.main:283\n";
    assert_eq!(rules_of(known), ["below-threshold"]);
    assert_eq!(rules_of(&format!("{known}30 ??:0;main.work:7")), [""; 0]);
    // C and the kernel call nothing of the runtime.
    assert_eq!(
        rules_of(&format!("{known}30 ??:0;runtime.cgocall:9;main.work:7")),
        ["below-threshold"]
    );
    let below_the_root = "9 ??:0;??:0;runtime.main:283;runtime.goexit:1700";
    let (_dir, path) = file(&encode(cpu_builder(below_the_root)));
    assert!(refusal(&[&path]).contains("without names"));
}

#[test]
fn a_map_operation_of_a_line_without_a_name_is_at_no_line() {
    let evidence = evidence_of(&[encode(cpu_builder(
        "30 runtime.mapassign_faststr:9;??:0;main.main:1\n70 main.work:7;main.main:1",
    ))]);
    assert!(evidence.sites.is_empty(), "{:?}", evidence.sites);
    let cpu = evidence.cpu.unwrap();
    assert_eq!((cpu.unnamed.samples, cpu.by_op.get(goabi::MapOp::Assign).samples), (0, 30));
}

#[test]
fn stacks_without_callers_are_not_spread_over_lines() {
    assert_eq!(rules_of("60 runtime.mapassign_faststr:9\n40 main.work:7"), [""; 0]);
}

#[test]
fn the_side_of_a_lock_is_told_by_names_of_the_executable() {
    let capture = "nested-1.27.3";
    let path = sample(&format!("{capture}/mutex.pprof"));
    let mut profile = parse_profile(&fs::read(&path).unwrap(), &Limits::default()).unwrap().value;
    profile.locations.iter_mut().for_each(|location| location.lines.clear());
    profile.functions.clear();
    let named = collected(&[&path, &binary(capture)]);
    let resolved = with_binary(&profile, capture);
    assert_eq!(format!("{:?}", resolved.locks), format!("{:?}", named.locks));
}

#[test]
fn differences_of_profiles_are_named() {
    let mut builder = cpu_builder("9 runtime.mapassign_faststr:9;main.put:7;main.main:1");
    let gone = builder.frame("main.gone", "file.go", 3);
    builder.sample(&[gone], &[-3, -30], &[]);
    let (_dir, path) = file(&encode(builder));
    let message = refusal(&[&path]);
    assert!(message.contains("the difference of two profiles"), "{message}");
    assert!(message.contains("`mapscope compare`"), "{message}");
}

#[test]
fn programs_of_other_languages_are_named() {
    let java = "5 java.util.HashMap.put:HashMap.java:612;shop.Cart.add:Cart.java:40";
    let (_dir, path) = file(&encode(cpu_builder(java)));
    let message = refusal(&[&path]);
    assert!(message.contains("not Go's: its functions are in .java files"), "{message}");
    let rust = "5 hashbrown::raw::RawTable::insert::4;runtime::scheduler::run::9";
    let (_dir, path) =
        file(&encode(cpu_builder(&rust.replace("::4", ":src:4").replace("::9", ":src:9"))));
    assert!(refusal(&[&path]).contains("none of its functions is of Go"));
}

#[test]
fn a_function_of_go_among_others_makes_no_profile_of_a_go_program() {
    let other = "95 shop.Cart.add:Cart.java:40;shop.Cart.main:Cart.java:7\n";
    let (_dir, path) = file(&encode(cpu_builder(&format!("{other}5 main.work:main.go:7"))));
    let message = refusal(&[&path]);
    assert!(message.contains("its functions are in .java files"), "{message}");
    let c = "40 compress:deflate.c:40;start_thread:pthread.c:7\n";
    let evidence = evidence_of(&[encode(cpu_builder(&format!(
        "{c}60 main.work:main.go:7;runtime.main:proc.go:283"
    )))]);
    let notices = notices(&evidence);
    assert!(notices.contains("40 % of it is in stacks without a function of Go"), "{notices}");
}

#[test]
fn other_compilers_of_go_have_maps_of_their_own() {
    let tinygo = "9 runtime.hashmapStringSet:hashmap.go:9;main.put:main.go:7";
    let (_dir, path) = file(&encode(cpu_builder(tinygo)));
    assert!(refusal(&[&path]).contains("TinyGo compiled"));
    // Of another language, and no file of assembly.
    let other = "9 runtime.insert:src/map.zig:9;app.put:src/app.zig:7";
    let (_dir, path) = file(&encode(cpu_builder(other)));
    assert!(refusal(&[&path]).contains("its functions are in .zig files"));
}

#[test]
fn other_profiles_are_named_also_beside_one_that_is_judged() {
    let mut goroutines = cpu_builder("5 runtime.gopark:9;main.wait:7");
    let kind = ValueType { kind: goroutines.string("goroutine"), unit: goroutines.string("count") };
    goroutines.profile_mut().sample_types[0] = kind;
    goroutines.profile_mut().sample_types[1] = kind;
    let goroutines = encode(goroutines);
    let (_dir, path) = file(&goroutines);
    assert!(refusal(&[&path]).contains("is a goroutine profile"));
    let cpu = encode(cpu_builder("9 runtime.mapassign_faststr:9;main.put:7;main.main:1"));
    let evidence = evidence_of(&[cpu, goroutines]);
    assert!(notices(&evidence).contains("is a goroutine profile: no evidence about maps"));
}

/// A profile of one column, with this period.
fn of_one_column(kind: &str, unit: &str, values: &[i64], period: i64) -> Vec<u8> {
    let mut builder = ProfileBuilder::default();
    let column = ValueType { kind: builder.string(kind), unit: builder.string(unit) };
    let cpu = ValueType { kind: builder.string("cpu"), unit: builder.string("nanoseconds") };
    let head = builder.profile_mut();
    (head.sample_types, head.period_type, head.period) = (vec![column], Some(cpu), period);
    let assign = builder.frame("runtime.mapassign_faststr", "map.go", 9);
    let hash = builder.frame("runtime.strhash", "alg.go", 9);
    for (line, &value) in (1..).zip(values) {
        let put = builder.frame("main.put", "main.go", line);
        builder.sample(&[hash, assign, put], &[value], &[]);
    }
    encode(builder)
}

#[test]
fn samples_are_not_worked_out_of_a_period_that_is_none() {
    let total = |profile| {
        let cost = evidence_of(&[profile]).cpu.unwrap().total;
        (cost.samples, cost.cpu_ns)
    };
    let cpu = |values: &[i64], period| of_one_column("cpu", "nanoseconds", values, period);
    assert_eq!(total(cpu(&[20_000_000, 30_000_000], 10_000_000)), (5, 50_000_000));
    // Exports have 1 in its place, or one that the values are not of: each stack was sampled once at least.
    assert_eq!(total(cpu(&[20_000_000, 30_000_000], 1)), (2, 50_000_000));
    assert_eq!(total(cpu(&[20_000_001, 30_000_000], 10_000_000)), (2, 50_000_001));
    // But where many stacks have just the time that all others are multiples of.
    let many: Vec<i64> =
        (1..=30).map(|n| if n % 2 == 0 { 10_000_000 } else { n * 10_000_000 }).collect();
    assert_eq!(total(cpu(&many, 1)), (240, 2_400_000_000));
    let counts = |period| of_one_column("samples", "count", &[2, 3], period);
    assert_eq!(total(counts(10_000_000)), (5, 50_000_000));
    for period in [0, 1] {
        let cpu = evidence_of(&[counts(period)]).cpu.unwrap();
        assert_eq!((cpu.unit, cpu.total.samples), (CpuUnit::Samples, 5));
    }
}

/// The program is another file, which mapped this one too.
#[test]
fn the_executable_may_be_a_plugin_of_the_program() {
    let capture = "nested-1.27.3";
    let bytes = fs::read(sample(&format!("{capture}/cpu.pprof"))).unwrap();
    let mut profile = parse_profile(&bytes, &Limits::default()).unwrap().value;
    let plugin = profile.mappings[0];
    profile.mappings[0].build_id = plugin.filename;
    let host = written(&profile);
    let (_dir, path) = file(&host);
    assert!(refusal(&[&path, &binary(capture)]).contains("is not a profile of"));
    profile.mappings.push(plugin);
    assert!(with_binary(&profile, capture).sites[0].maps.is_some());
}

/// Exports have no addresses: which functions and lines they name tells whether it is this program, and this build.
#[test]
fn an_executable_of_another_program_is_told_without_addresses() {
    let bytes = fs::read(sample("nested-1.27.3/cpu.pprof")).unwrap();
    let mut profile = parse_profile(&bytes, &Limits::default()).unwrap().value;
    profile.mappings.clear();
    for location in &mut profile.locations {
        (location.mapping, location.address) = (None, 0);
    }
    let (_dir, path) = file(&written(&profile));
    // The twin has functions of the same names, at other lines.
    for (other, why) in
        [("flat-1.27.3", "it is another build"), ("nested-1.21.13", "the profile has Swiss maps")]
    {
        let refused = refusal(&[&path, &binary(other)]);
        assert!(refused.contains(why), "{refused}");
    }
    assert!(collected(&[&path, &binary("nested-1.27.3")]).sites[0].maps.is_some());
}
