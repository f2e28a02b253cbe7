//! Probes stand behind the stack check, never on a function's first instruction.

use std::fs;

use gobin::{Arch, Binary, ProbeInstruction};
use xtask::go::{BuildOptions, Toolchain};

use crate::program;

/// Functions that a recorder probes, where they are linked.
const PROBED: [&str; 6] = [
    "runtime.hashGrow",
    "runtime.makemap",
    "internal/runtime/maps.(*table).rehash",
    "internal/runtime/maps.(*Map).growToTable",
    "runtime.gcMarkTermination",
    "runtime.gcAssistAlloc",
];

fn check(what: &str, data: &[u8]) {
    let binary = Binary::parse(data).unwrap().value;
    let probed: Vec<_> =
        PROBED.iter().filter_map(|name| binary.functions().by_name(name)).collect();
    assert!(probed.len() >= 4, "{what}: {probed:?}");
    for function in probed {
        let what = format!("{what}: {}", function.name);
        let point = binary.probe_point(function).unwrap_or_else(|| panic!("{what}: none"));
        assert!(point.addr > function.entry, "{what} at its entry");
        assert!(point.addr < function.end, "{what}");
        let code = binary.read(point.addr, 4).unwrap();
        // All of these are emulated by kernels: no single step.
        match (binary.arch(), point.on) {
            (Arch::Amd64, ProbeInstruction::FramePush) => {
                assert_eq!(code[0], 0x55, "{what}: push %rbp");
            }
            (Arch::Amd64, ProbeInstruction::StackCheckBranch) => {
                assert!(code[0] == 0x76 || code[..2] == [0x0f, 0x86], "{what}: jbe, not {code:x?}");
            }
            (Arch::Arm64, on) => {
                let word = u32::from_le_bytes(code.try_into().unwrap());
                assert_eq!(on, ProbeInstruction::StackCheckBranch, "{what}");
                assert_eq!(word & 0xff00_001f, 0x5400_0009, "{what}: b.ls, not {word:x}");
            }
        }
    }
}

mod probe_points_are_behind_the_stack_check {
    crate::tests_of_builds!(tests_of_live_versions, crate::probes::check_all_builds);
}

fn check_all_builds(go: &Toolchain, how: &str, options: &BuildOptions) {
    let path = go.build(&program("maptypes"), options).unwrap();
    check(&format!("Go {}, {how}", go.version), &fs::read(path).unwrap());
}

#[test]
fn probe_points_of_bundled_binaries_are_behind_the_stack_check() {
    for name in ["nested-1.21.13", "nested-1.27.3"] {
        let path = xtask::unpack_xz(&xtask::testdata(&format!("samples/bin/{name}.xz"))).unwrap();
        check(name, &fs::read(path).unwrap());
    }
}

mod large_arrays_of_classic_maps_are_told_from_small_ones {
    crate::tests_of_builds!(tests_of_live_versions, crate::probes::check_large_arrays);
}

fn check_large_arrays(go: &Toolchain, how: &str, options: &BuildOptions) {
    let path = go.build(&program("maptypes"), options).unwrap();
    let data = fs::read(path).unwrap();
    let binary = Binary::parse(&data).unwrap().value;
    let what = format!("Go {}, {how}", go.version);
    let is_classic = binary.map_impl() == Some(goabi::MapImpl::Classic);
    let Some(large) = binary.large_arrays() else {
        assert!(!is_classic || binary.arch() == gobin::Arch::Arm64, "{what}");
        return;
    };
    assert!(is_classic, "{what}");
    // Source: runtime/msize.go, roundupsize: `size < 32768` before Go 1.22, `<= 32768 - 8` from then on.
    let above = if go.version.starts_with("1.21") { 0x7fff } else { 0x7ff8 };
    assert_eq!(large.above, above, "{what}");
    let inside = binary.functions().find(large.addr).unwrap();
    assert_eq!(inside.name, "runtime.makeBucketArray", "{what}");
    let grower = binary.functions().by_name("runtime.hashGrow").unwrap();
    assert_eq!(large.grower, grower.entry..grower.end, "{what}");
}
