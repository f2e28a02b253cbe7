//! Any bytes, and a real binary with any edits: an error or an answer, within bounds.
//!
//! A Go executable has more than a megabyte, too much to mutate from; so an input that is not ELF itself is a list of
//! edits of a bundled binary: 3 bytes of offset, 1 byte of value each.
#![no_main]

use std::sync::OnceLock;

use gobin::{Binary, LinkAddr};
use libfuzzer_sys::fuzz_target;

static BINARIES: OnceLock<[Vec<u8>; 2]> = OnceLock::new();

/// One binary with classic and one with Swiss maps.
fn binaries() -> &'static [Vec<u8>; 2] {
    BINARIES.get_or_init(|| {
        ["nested-1.21.13", "nested-1.27.3"].map(|name| {
            let packed = xtask::testdata(&format!("samples/bin/{name}.xz"));
            let path = xtask::unpack_xz(&packed).expect("python3 unpacks the sample");
            std::fs::read(path).expect("the sample was unpacked")
        })
    })
}

fuzz_target!(|input: &[u8]| {
    if input.starts_with(b"\x7fELF") {
        return read_everything(input);
    }
    let Some((which, edits)) = input.split_first() else { return };
    let mut data = binaries()[usize::from(*which) % 2].clone();
    for edit in edits.as_chunks::<4>().0 {
        let at = u32::from_le_bytes([edit[0], edit[1], edit[2], 0]) as usize % data.len();
        data[at] = edit[3];
    }
    read_everything(&data);
});

fn read_everything(data: &[u8]) {
    let Ok(parsed) = Binary::parse(data) else { return };
    let binary = parsed.value;
    let (_, _, _) = (binary.build_info(), binary.gnu_build_id(), binary.go_build_id());
    for func in binary.functions().iter().step_by(61) {
        let frames = binary.frames(LinkAddr(func.entry.0.wrapping_add(11)));
        assert!(frames.len() <= 257);
    }
    if let Ok(types) = binary.map_types() {
        types.value.iter().for_each(|t| assert!(t.name.len() <= 1 << 16));
    }
    for site in binary.map_sites() {
        if let Ok(addr) = site.map_type {
            let _ = binary.map_type_at(addr);
        }
    }
    for func in binary.functions().iter().filter(|func| func.name.contains("map")).take(20) {
        binary.instructions(func);
        let _ = binary.probe_point(func);
    }
    // `runtime.add` is inlined everywhere.
    let inlined = ["runtime.hashGrow", "runtime.add", "internal/runtime/maps.(*Map).growToTable"];
    let copies = binary.inlined_copies(&inlined);
    assert!(copies.iter().all(|copy| inlined.contains(&copy.name)));
}
