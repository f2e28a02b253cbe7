//! What an executable says: its map types and write sites, and the instructions of a function with their samples; also one
//! of a release that is not known.

use diagnosis::binary::{ListedInstruction, Listing, Scan, ScannedSite};
use goabi::{MapOp, Nested};
use ingest::{OpenOptions, list_instructions, scan};
use xtask::samples::{binary, sample};

use crate::{collected, notices, with_causes};

fn scan_of(name: &str) -> Scan {
    scan(&binary(name)).unwrap()
}

fn listing(binary: &str, function: &str, profile: Option<&str>) -> Result<Listing, String> {
    let options = OpenOptions::default();
    list_instructions(binary, function, profile, None, &options, &mut |_| {})
        .map_err(|error| with_causes(&error))
}

#[test]
fn nested_types_come_first_with_their_write_sites() {
    for name in ["nested-1.21.13", "nested-1.27.3"] {
        let scan = scan_of(name);
        let first = &scan.map_types[0].map_type;
        assert_eq!(
            (&*first.name, first.nested),
            ("map[string]map[string]int", Nested::Direct),
            "{name}"
        );
        let is_inner_write = |site: &ScannedSite| {
            let frame = &site.frames[0];
            site.map_type.as_deref() == Ok("map[string]int")
                && (&*frame.function, frame.line) == ("main.build", 49)
        };
        assert!(scan.write_sites.iter().any(is_inner_write), "{name}");
    }
}

#[test]
fn calls_inside_the_runtime_are_left_out() {
    let scan = scan_of("nested-1.27.3");
    let sites = scan.write_sites.iter();
    let functions: Vec<&str> = sites.map(|site| &*site.frames[0].function).collect();
    assert!(!functions.is_empty());
    assert!(!functions.iter().any(|name| name.starts_with("runtime.")), "{functions:?}");
}

#[test]
fn samples_of_a_function_are_its_flat_share_and_map_instructions_have_a_meaning() {
    for (name, own, meaning) in
        [("nested-1.27.3", 23, "growth"), ("nested-1.21.13", 12, "load buckets pointer")]
    {
        let (binary, profile) = (binary(name), sample(&format!("{name}/cpu.pprof")));
        let listing = listing(&binary, "runtime.mapassign_faststr", Some(&profile)).unwrap();
        let mut instructions = listing.instructions.iter();
        assert!(instructions.any(|i| i.meaning == Some(meaning)), "{name}: no {meaning}");
        let sum: u64 = listing.instructions.iter().map(|i| i.weight.unwrap().samples()).sum();
        // Own samples of the machine code include those of functions inlined into it.
        assert_eq!((sum, listing.profile.unwrap().own.samples()), (own, own), "{name}");
    }
}

#[test]
fn a_name_that_is_not_there_gets_suggestions() {
    let message = listing(&binary("nested-1.27.3"), "mapassign_faststr", None).unwrap_err();
    assert!(message.contains("did you mean runtime.mapassign_faststr?"), "{message}");
}

/// The nested program as another version of Go would have made it, with the flags of its map types as they are or not.
fn stamped(version: &str, is_laid_out_alike: bool) -> (tempfile::TempDir, String) {
    let mut data = std::fs::read(binary("nested-1.27.3")).unwrap();
    let known = gobin::Binary::parse(&data).unwrap().value;
    let flags = gobin::LinkAddr(known.map_types().unwrap().value[0].addr.0 + 128);
    let flags = known.file_offset(flags).unwrap().0 as usize;
    if !is_laid_out_alike {
        data[flags] ^= 12;
    }
    xtask::go::stamp(&mut data, "go1.27.3", version);
    crate::file(&data)
}

/// Whether an instruction is of a line of the standard library, which was inlined.
fn is_of_strconv(instruction: &ListedInstruction) -> bool {
    instruction.frame.as_ref().is_some_and(|frame| frame.file.contains("strconv/"))
}

#[test]
fn an_unknown_release_that_is_laid_out_alike_is_read_with_a_notice() {
    for version in ["go1.99.3", "devel +a"] {
        let (_dir, path) = stamped(version, true);
        let notice = format!(
            "built by {version}, which is not a release that is known (Go 1.18 to 1.27 are): types and lines are read as \
             those of go1.27"
        );
        let scan = scan(&path).unwrap();
        assert!(scan.faults.iter().any(|fault| fault.starts_with(&notice)), "{:?}", scan.faults);
        let mut sites = scan.write_sites.iter();
        assert!(sites.any(|site| &*site.frames[0].function == "main.build"));
        let listing = listing(&path, "main.build", None).unwrap();
        let mut faults = listing.faults.iter();
        assert!(faults.any(|fault| fault.starts_with(&notice)), "{:?}", listing.faults);
        assert!(listing.instructions.iter().any(is_of_strconv));
        let evidence = collected(&[&sample("nested-1.27.3/cpu.pprof"), &path]);
        assert!(notices(&evidence).contains(&notice), "{:?}", evidence.notices);
        let site = &evidence.sites[0];
        assert_eq!(&*site.frame.function, "main.build");
        let mut maps = site.maps.iter().flatten();
        let inner = maps.find(|map| map.op == MapOp::Assign).unwrap().map_type.as_ref().unwrap();
        let outer = site.outer_type(inner).unwrap();
        assert_eq!((&*inner.name, &*outer.name), ("map[string]int", "map[string]map[string]int"));
    }
}

#[test]
fn an_unknown_release_that_is_laid_out_in_another_way_is_named_and_left_out() {
    let (_dir, path) = stamped("go1.99.3", false);
    let unknown = "built by go1.99.3, which is not a release that is known";
    let evidence = collected(&[&sample("nested-1.27.3/cpu.pprof"), &path]);
    let said = notices(&evidence);
    assert!(said.contains(unknown) && said.contains("are left out"), "{said}");
    let site = &evidence.sites[0];
    assert_eq!(&*site.frame.function, "main.build", "the profile is read");
    assert!(site.maps.is_none() && evidence.program.arch.is_some());
    let listing = listing(&path, "main.build", None).unwrap();
    assert!(listing.faults.iter().any(|fault| fault.starts_with(unknown)), "{:?}", listing.faults);
    assert!(!listing.instructions.iter().any(is_of_strconv), "no line of what was inlined");
}
