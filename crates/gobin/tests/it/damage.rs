//! Damaged binaries give an error with its place or a part of the truth, never a panic.

use std::fs;
use std::io::{Cursor, Write};

use expect_test::expect;
use gobin::{Binary, Frame, LinkAddr};
use xtask::go::stamp;

/// Reads all there is; the result does not matter, only that there is one.
fn read_everything(data: &[u8]) {
    let Ok(parsed) = Binary::parse(data) else { return };
    let binary = parsed.value;
    let _ = (binary.build_info(), binary.gnu_build_id(), binary.go_build_id());
    for func in binary.functions().iter().step_by(97) {
        binary.frames(LinkAddr(func.entry.0 + 9));
    }
    if let Ok(types) = binary.map_types() {
        types.value.iter().for_each(|t| assert!(t.name.len() < 1 << 17));
    }
    binary.map_sites();
    if let Some(func) = binary.functions().iter().nth(500) {
        binary.instructions(func);
    }
}

fn samples() -> Vec<Vec<u8>> {
    let unpack =
        |name: &str| xtask::unpack_xz(&xtask::testdata(&format!("samples/bin/{name}.xz"))).unwrap();
    ["nested-1.21.13", "nested-1.27.3"].map(|name| fs::read(unpack(name)).unwrap()).into()
}

#[test]
fn truncation_at_a_thousand_places_is_survived() {
    for data in samples() {
        for cut in 0..500 {
            read_everything(&data[..data.len() * cut / 500]);
        }
    }
}

/// Numbers that look random and are always the same.
fn scattered(n: u64) -> impl Iterator<Item = u64> {
    (1..=n).map(|i| {
        i.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    })
}

#[test]
fn flipped_bits_are_survived() {
    for data in samples() {
        let mut data = data;
        // Each round damages the file further.
        for round in scattered(150) {
            let len = data.len();
            for at in scattered(40).map(|n| (n ^ round) as usize % len) {
                data[at] ^= 1 << (round % 8);
            }
            read_everything(&data);
        }
    }
}

#[test]
fn damaged_tables_are_survived() {
    for data in samples() {
        let binary = Binary::parse(&data).unwrap().value;
        let n_functions = binary.functions().len();
        // The structures that everything hangs on: headers, function table, module data, types.
        let starts = [0, 64, 0x40, 0x1000].into_iter().chain((0..60).map(|i| data.len() * i / 60));
        for start in starts {
            let mut damaged = data.clone();
            let end = (start + 64).min(damaged.len());
            damaged[start..end].fill(0xff);
            read_everything(&damaged);
        }
        assert!(n_functions > 1000);
    }
}

#[test]
fn says_what_is_wrong() {
    let check = |data: &[u8], expected: expect_test::Expect| {
        expected.assert_eq(&Binary::parse(data).unwrap_err().to_string());
    };
    check(
        b"",
        expect![
            "not a readable ELF file: Invalid ELF header size or alignment (in the file header)"
        ],
    );
    let elf = fs::read("/bin/true").unwrap();
    check(
        &elf,
        expect![
            "no Go function table found; this is not a Go executable, or it is damaged (in the file header)"
        ],
    );
    let mut elf32 = elf.clone();
    elf32[4] = 1;
    check(
        &elf32,
        expect![
            "not a 64-bit little-endian file; only 64-bit amd64 and arm64 executables can be read (in the file header)"
        ],
    );
    let mut riscv = elf;
    riscv[18] = 243;
    check(
        &riscv,
        expect![
            "riscv64; only 64-bit amd64 and arm64 executables can be read (in the file header)"
        ],
    );
}

#[test]
fn an_unknown_version_keeps_what_does_not_depend_on_it() {
    const FLAGS: u64 = 128;
    let sample = samples().remove(1);
    let known = Binary::parse(&sample).unwrap().value;
    let LinkAddr(map_type) = known.map_types().unwrap().value[0].addr;
    let flags = known.file_offset(LinkAddr(map_type + FLAGS)).unwrap().0 as usize;
    let code = known.functions().iter().flat_map(|func| func.entry.0..func.end.0).map(LinkAddr);
    let mut inlined = code.map(|addr| (addr, known.frames(addr)));
    let (inlined, frames) = inlined.find(|(_, frames)| frames.len() > 1).unwrap();
    let function = frames.last().unwrap().function;
    // Else it would be read as the release that it resembles.
    let mut data = sample.clone();
    data[flags] ^= 12;
    stamp(&mut data, "go1.27.3", "go1.99.3");
    let binary = Binary::parse(&data).unwrap().value;
    assert_eq!(binary.releases(), None);
    let error = binary.map_types().unwrap_err().to_string();
    expect![
        "go1.99.3 is not a release that is known; known are Go 1.18 to 1.27 (in the type descriptors)"
    ]
    .assert_eq(&error);
    let main = binary.functions().by_name("main.build").unwrap();
    assert!(binary.frames(main.entry)[0].file.ends_with("nested/main.go"));
    assert!(binary.map_sites().iter().all(|site| site.map_type.is_err()));
    let frame = Frame { function, file: "", line: 0 };
    assert_eq!(binary.frames(inlined), [frame], "no line of what was inlined");
}

/// The corpus holds ELF files, and lists of edits of a sample: 3 bytes of offset and 1 of value each.
#[test]
fn the_fuzz_corpus_replays() {
    let samples = samples();
    let mut n_seeds = 0;
    for seed in fs::read_dir(xtask::repo_root().join("fuzz/corpus/gobin")).unwrap() {
        let input = fs::read(seed.unwrap().path()).unwrap();
        n_seeds += 1;
        if input.starts_with(b"\x7fELF") {
            read_everything(&input);
            continue;
        }
        let mut data = samples[usize::from(input[0]) % 2].clone();
        for edit in input[1..].as_chunks::<4>().0 {
            let at = u32::from_le_bytes([edit[0], edit[1], edit[2], 0]) as usize % data.len();
            data[at] = edit[3];
        }
        read_everything(&data);
    }
    assert!(n_seeds >= 9);
}

/// A file that says of itself that it has 16 million sections, and a hole where they were.
#[test]
fn a_file_with_more_sections_than_linkers_make_is_not_looked_at() {
    let mut data = samples().remove(1);
    assert!(gobin::is_linked_by_go(Cursor::new(&data)));
    // The number of sections is in the first of them where the header says 0.
    let at = usize::try_from(u64::from_le_bytes(data[40..48].try_into().unwrap())).unwrap();
    let n_sections = data[60..62].to_vec();
    data[60..62].fill(0);
    let n: &mut [u8] = &mut data[at + 32..at + 40];
    n[..2].copy_from_slice(&n_sections);
    assert!(gobin::is_linked_by_go(Cursor::new(&data)));
    data[at + 32..at + 40].copy_from_slice(&(16_u64 << 20).to_le_bytes());
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&data).unwrap();
    file.set_len(2 << 30).unwrap();
    assert!(!gobin::is_linked_by_go(&file));
}

#[test]
fn what_no_header_names_is_no_part_of_the_program() {
    let data = samples().remove(1);
    let end = gobin::end_of_named_parts(Cursor::new(&data)).unwrap();
    assert!(gobin::Binary::parse(&data[..end as usize]).is_ok());
    let longer = [&data[..], &[0; 4096]].concat();
    assert_eq!(gobin::end_of_named_parts(Cursor::new(&longer)), Some(end));
    assert_eq!(gobin::end_of_named_parts(Cursor::new(&data[..100])), None);
    assert_eq!(gobin::end_of_named_parts(Cursor::new(&[0; 4096])), None);
}
