//! Samples fall into the operations, phases and kinds that an independent script counted, and none is left over.

use std::collections::BTreeMap;
use std::fs;

use gomap::{
    Category, FrameClass, Kind, MapWork, Phase, StackClass, classify_function, classify_stack,
};
use gopprof::{Limits, Profile, Sample, parse_profile};

fn read(capture: &str) -> Profile {
    let bytes = fs::read(xtask::testdata(&format!("samples/{capture}"))).unwrap();
    parse_profile(&bytes, &Limits::default()).unwrap().value
}

/// Function names of a stack, leaf first, inlined ones included.
fn names<'p>(profile: &'p Profile, sample: &Sample<'_>) -> Vec<&'p str> {
    let lines = sample.locations().flat_map(|idx| &profile.locations[idx.index()].lines);
    lines.map(|line| profile.str(profile.functions[line.function.unwrap().index()].name)).collect()
}

fn classify(names: &[&str]) -> StackClass {
    let classes: Vec<FrameClass> = names.iter().map(|name| classify_function(name)).collect();
    classify_stack(&classes)
}

/// Samples inside map operations by operation, phase and kind, in the words of the recorded count.
fn counted(profile: &Profile) -> BTreeMap<String, i64> {
    let mut counts = BTreeMap::new();
    for sample in profile.samples() {
        let names = names(profile, &sample);
        let class = classify(&names);
        let Some((op, _)) = class.op else { continue };
        let phase = match class.phase {
            Phase::GrowthAlloc => "growth.alloc",
            Phase::GrowthMove => "growth.rehash",
            // The script counts the first group of a Swiss map as growth; a hint does not save it, so we do not.
            Phase::FirstAlloc if names.iter().any(|name| name.ends_with("growToSmall")) => {
                "growth.alloc"
            }
            Phase::FirstAlloc | Phase::Steady => "-",
        };
        let op = format!("{op:?}").to_lowercase().replace("read", "access");
        *counts.entry(format!("map.{op} / {phase} / {}", kind(class.kind))).or_default() +=
            sample.value(0);
    }
    counts
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Hash => "hash",
        Kind::KeyCompare => "key_compare",
        Kind::Probe => "probe",
        Kind::WriteBarrier => "write_barrier",
        Kind::GcAssist => "gc.assist",
        Kind::GcSweepAssist => "gc.sweep.assist",
        Kind::GcStartStop => "gc.start_term",
        Kind::Malloc => "malloc",
        Kind::Zeroing => "zeroing",
        Kind::Copy => "copy",
        other => panic!("{other:?} inside a map operation"),
    }
}

#[test]
fn samples_fall_where_an_independent_count_has_them() {
    for name in ["nested-1.21.13", "nested-1.27.3", "flat-1.21.13", "flat-1.27.3"] {
        let expected = fs::read_to_string(xtask::testdata(&format!(
            "samples/expected/{name}.cpu.classified.txt"
        )))
        .unwrap();
        let row = |line: &str| {
            let (count, rest) = line.trim().split_once(' ')?;
            let (_, class) = rest.trim().split_once(' ')?;
            let class = class.replace("malloc.zeroing", "zeroing").replace("malloc.copy", "copy");
            class.starts_with("map.").then(|| Some((class, count.parse::<i64>().ok()?)))?
        };
        let mut theirs = BTreeMap::new();
        expected
            .lines()
            .filter_map(row)
            .for_each(|(class, n)| *theirs.entry(class).or_insert(0) += n);
        assert!(theirs.len() >= 5, "{name}");
        assert_eq!(counted(&read(&format!("{name}/cpu.pprof"))), theirs, "{name}");
    }
}

#[test]
fn no_sample_inside_a_map_operation_is_left_over() {
    for capture in xtask::samples::CPU_PROFILES {
        let profile = read(capture);
        let left_over: Vec<_> = profile
            .samples()
            .map(|sample| names(&profile, &sample))
            .filter(|names| classify(names).op.is_some() && classify(names).kind == Kind::Other)
            .collect();
        assert_eq!(left_over, Vec::<Vec<&str>>::new(), "{capture}");
    }
}

#[test]
fn work_is_told_in_every_operation_that_looks_for_a_key() {
    let work = |leaf_first: &[&str]| classify(leaf_first).work();
    for op in
        ["runtime.mapassign_faststr", "runtime.mapaccess1_faststr", "runtime.mapdelete_faststr"]
    {
        assert_eq!(work(&[op, "main.f"]), Some(MapWork::Load), "{op}");
        assert_eq!(work(&["aeshashbody", op, "main.f"]), Some(MapWork::Hash), "{op}");
        assert_eq!(work(&["memeqbody", op, "main.f"]), Some(MapWork::Compare), "{op}");
    }
    let growth = ["aeshashbody", "runtime.evacuate_faststr", "runtime.growWork_faststr"];
    let growth: Vec<&str> =
        growth.into_iter().chain(["runtime.mapassign_faststr", "main.f"]).collect();
    assert_eq!(work(&growth), Some(MapWork::Growth));
    assert_eq!(work(&["runtime.mapiternext", "main.f"]), None);
    assert_eq!(work(&["memeqbody", "main.f"]), None);
}

/// Leaf first; the names are those of profiles of Go 1.21 to 1.23 and of 1.24 on.
#[test]
fn what_iterating_and_clearing_do_is_no_growth() {
    for stack in [
        "runtime.mallocgc runtime.newobject runtime.(*hmap).createOverflow runtime.mapiterinit",
        "runtime.(*hmap).createOverflow runtime.mapiterinit reflect.mapiterinit",
        "runtime.bucketEvacuated runtime.mapiternext",
        "internal/runtime/maps.(*Iter).grownKeyElem internal/runtime/maps.(*Iter).Next \
         runtime.mapIterNext",
    ] {
        assert_eq!(part_of(stack), (false, Category::Iterate), "{stack}");
    }
    for stack in [
        "runtime.memclrNoHeapPointers runtime.makeBucketArray runtime.mapclear",
        "runtime.memclrNoHeapPointers runtime.typedmemclr internal/runtime/maps.(*table).Clear \
         internal/runtime/maps.(*Map).Clear runtime.mapclear",
    ] {
        assert_eq!(part_of(stack), (false, Category::DeleteClear), "{stack}");
    }
    let assists = "runtime.gcAssistAlloc runtime.mallocgc runtime.mapiterinit";
    assert_eq!(part_of(assists), (false, Category::GcAssist));
}

/// Deletes move entries of classic maps, and reads look whether they were moved: what a growth left to do.
#[test]
fn what_other_operations_do_of_a_growth_is_growth() {
    for op in ["runtime.mapassign_fast64", "runtime.mapdelete_fast64"] {
        let stack = format!("runtime.evacuate_fast64 runtime.growWork_fast64 {op}");
        assert_eq!(part_of(&stack), (true, Category::GrowthMove), "{op}");
    }
    let stack = "runtime.makeBucketArray runtime.hashGrow runtime.mapassign_fast64";
    assert_eq!(part_of(stack), (true, Category::GrowthMemory));
}

/// Whether a stack of these frames below the user's is growth, and its category.
fn part_of(leaf_first: &str) -> (bool, Category) {
    let names: Vec<&str> = leaf_first.split_whitespace().chain(["main.f"]).collect();
    let class = classify(&names);
    (class.is_growth(), class.category())
}
