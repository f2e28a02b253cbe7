//! Every probe of a real executable is on an instruction that is safe to probe.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use gobin::Arch;
use xtask::go::{BuildOptions, Toolchain, toolchain};

use super::*;

fn sample(name: &str) -> Vec<u8> {
    let path = xtask::unpack_xz(&xtask::testdata(&format!("samples/bin/{name}.xz"))).unwrap();
    fs::read(path).unwrap()
}

fn points_of(bytes: &[u8]) -> Points {
    let binary = Binary::parse(bytes).unwrap().value;
    Points::find(&binary, binary.map_impl().unwrap())
}

#[track_caller]
fn check(what: &str, bytes: &[u8]) {
    let binary = Binary::parse(bytes).unwrap().value;
    let points = points_of(bytes);
    assert!(points.n_growth() > 0 && points.rare.len() == 2, "{what}: {points:?}");
    for probe in points.growth.iter().chain(&points.rare).chain(&points.paces).chain(&points.splits)
    {
        let addr = LinkAddr(probe.point.link_addr);
        let function = binary.functions().find(addr).unwrap();
        assert_ne!(function.entry, addr, "{what}: {}", function.name);
        assert_eq!(binary.file_offset(addr), Some(probe.offset), "{what}");
        let at = probe.offset.0 as usize;
        let insn = &bytes[at..at + 4];
        assert!(is_emulated(binary.arch(), insn), "{what}: {}: {insn:x?}", function.name);
    }
}

/// By kernels, so that nothing runs out of line.
fn is_emulated(arch: Arch, insn: &[u8]) -> bool {
    let word = u32::from_le_bytes(insn.try_into().unwrap());
    match arch {
        // push %rbp, jbe, call.
        Arch::Amd64 => [0x55, 0x76, 0x0f, 0xe8].contains(&insn[0]),
        // b.ls, bl.
        Arch::Arm64 => word & 0xff00_001f == 0x5400_0009 || word & 0xfc00_0000 == 0x9400_0000,
    }
}

#[test]
fn no_probe_is_on_the_first_instruction_of_a_function() {
    for name in ["nested-1.21.13", "nested-1.27.3", "flat-1.21.13", "flat-1.27.3"] {
        check(name, &sample(name));
    }
}

/// A program of the live tests, for arm64.
fn arm64_program(go: &Toolchain, args: Vec<String>) -> Vec<u8> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/growth");
    let options = BuildOptions { arch: "arm64", args, ..BuildOptions::default() };
    fs::read(go.build(&package, &options).unwrap()).unwrap()
}

mod no_probe_of_an_arm64_program_is_on_the_first_instruction_of_a_function {
    xtask::tests_of_live_versions!(super::check_arm64);
}

fn check_arm64(go: &Toolchain) {
    let bytes = arm64_program(go, Vec::new());
    check(&format!("arm64, Go {}", go.version), &bytes);
    let points = points_of(&bytes);
    assert_eq!((points.n_inlined, points.n_unprobed), (0, 0), "Go {}", go.version);
}

#[test]
fn inlined_copies_are_probed_in_arm64_programs() {
    let profile = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/growth/growth-1.23.9.pgo");
    let Some(go) = toolchain("1.23.9") else { return xtask::skip("no Go 1.23.9") };
    let bytes = arm64_program(&go, vec![format!("-pgo={profile}")]);
    check("arm64, profile-guided", &bytes);
    let points = points_of(&bytes);
    assert!(points.n_inlined > 0, "{points:?}");
    assert_eq!(points.n_unprobed, 0, "{points:?}");
    let in_body = points.growth.iter().filter(|probe| probe.point.flags == POINT_IN_BODY);
    let homes: Vec<_> =
        in_body.map(|probe| (probe.point.type_home, probe.point.map_home)).collect();
    // The type is the first argument and the map the second, at homes of a word each.
    assert!(homes.iter().all(|(map_type, map)| *map == map_type + 8), "{homes:?}");
}

#[test]
fn growth_functions_follow_from_the_implementation() {
    let kinds =
        |name| points_of(&sample(name)).growth.iter().map(|p| p.point.kind).collect::<Vec<_>>();
    assert_eq!(kinds("nested-1.21.13"), [POINT_CLASSIC_GROW, POINT_MAKE, POINT_GC_ASSIST]);
    assert_eq!(
        kinds("nested-1.27.3"),
        [POINT_SWISS_REHASH, POINT_SWISS_TO_TABLE, POINT_MAKE, POINT_GC_ASSIST]
    );
}
