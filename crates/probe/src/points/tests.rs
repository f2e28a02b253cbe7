//! Every probe of a real executable is on an instruction that is safe to probe.
#![allow(clippy::unwrap_used)]

use std::fs;

use super::*;

fn points_of(sample: &str) -> (Vec<u8>, Points) {
    let path = xtask::unpack_xz(&xtask::testdata(&format!("samples/bin/{sample}.xz"))).unwrap();
    let bytes = fs::read(path).unwrap();
    let binary = Binary::parse(&bytes).unwrap().value;
    let points = Points::find(&binary, binary.map_impl().unwrap());
    (bytes, points)
}

#[test]
fn no_probe_is_on_the_first_instruction_of_a_function() {
    for sample in ["nested-1.21.13", "nested-1.27.3", "flat-1.21.13", "flat-1.27.3"] {
        let (bytes, points) = points_of(sample);
        let binary = Binary::parse(&bytes).unwrap().value;
        assert!(points.n_growth() > 0 && points.rare.len() == 2, "{sample}: {points:?}");
        for probe in points.growth.iter().chain(&points.rare) {
            let addr = LinkAddr(probe.point.link_addr);
            let function = binary.functions().find(addr).unwrap();
            assert_ne!(function.entry, addr, "{sample}: {}", function.name);
            assert_eq!(binary.file_offset(addr), Some(probe.offset), "{sample}");
            // push %rbp, jbe, call: emulated by kernels, so that nothing runs out of line.
            let opcode = bytes[probe.offset.0 as usize];
            assert!([0x55, 0x76, 0x0f, 0xe8].contains(&opcode), "{sample}: {opcode:x}");
        }
    }
}

#[test]
fn growth_functions_follow_from_the_implementation() {
    let kinds =
        |sample| points_of(sample).1.growth.iter().map(|p| p.point.kind).collect::<Vec<_>>();
    assert_eq!(kinds("nested-1.21.13"), [POINT_CLASSIC_GROW, POINT_MAKE, POINT_GC_ASSIST]);
    assert_eq!(
        kinds("nested-1.27.3"),
        [POINT_SWISS_REHASH, POINT_SWISS_TO_TABLE, POINT_MAKE, POINT_GC_ASSIST]
    );
}
