//! Every map type has the name, sizes and nesting that the program itself prints.

use std::fs;
use std::process::Command;

use gobin::{Basis, Binary, Frame, LinkAddr, MapType, Nested};
use xtask::go::BuildOptions;

use crate::{builds, program, toolchains};

/// A type in the form in which the program prints it.
fn line(t: &MapType) -> String {
    let nested = match t.nested {
        Nested::No => "no",
        Nested::Direct => "direct",
        Nested::Reaches => "reaches",
    };
    format!("{}|{}|{}|{}|{}|{nested}", t.name, t.key.name, t.key.size, t.elem.name, t.elem.size)
}

#[test]
fn every_map_type_is_as_the_program_prints_it() {
    for go in toolchains() {
        let native = go.build(&program("maptypes"), &BuildOptions::default()).unwrap();
        let printed = String::from_utf8(Command::new(native).output().unwrap().stdout).unwrap();
        assert!(printed.lines().count() > 50);
        for (how, options) in builds() {
            let path = go.build(&program("maptypes"), &options).unwrap();
            let data = fs::read(path).unwrap();
            let binary = Binary::parse(&data).unwrap();
            assert_eq!(binary.faults, [], "{} {how}", go.version);
            let types = binary.value.map_types().unwrap();
            assert_eq!(types.faults, [], "{} {how}", go.version);
            let ours: Vec<String> = types.value.iter().map(line).collect();
            let missing: Vec<&str> =
                printed.lines().filter(|line| !ours.iter().any(|o| o == line)).collect();
            assert_eq!(missing, Vec::<&str>::new(), "{} {how}", go.version);
        }
    }
}

#[test]
fn the_build_tells_its_version_and_implementation() {
    for go in toolchains() {
        for (how, options) in builds() {
            let data = fs::read(go.build(&program("maptypes"), &options).unwrap()).unwrap();
            let binary = Binary::parse(&data).unwrap().value;
            let minor: u16 = go.version.split('.').nth(1).unwrap().parse().unwrap();
            assert_eq!(
                binary.build_info().unwrap().go_version,
                format!("go{}", go.version),
                "{how}"
            );
            assert_eq!(binary.releases().unwrap().exact(), Some(minor), "{how}");
            let is_swiss = binary.map_impl() == Some(gobin::MapImpl::Swiss);
            assert_eq!(is_swiss, minor >= 24, "{} {how}", go.version);
            assert_eq!(
                binary.arch().go_name(),
                if options.arch.is_empty() { "amd64" } else { options.arch }
            );
        }
    }
}

/// The program as a compiler of another version would have made it that changed nothing.
fn stamped(data: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut data = data.to_vec();
    let at: Vec<usize> = memchr::memmem::find_iter(&data, from).collect();
    at.into_iter().for_each(|at| data[at..at + to.len()].copy_from_slice(to.as_bytes()));
    data
}

#[test]
fn a_release_that_is_not_known_is_read_as_one_that_it_resembles() {
    for go in toolchains() {
        let data = fs::read(go.build(&program("maptypes"), &BuildOptions::default()).unwrap());
        let data = data.unwrap();
        let version = format!("go{}", go.version);
        let binary = Binary::parse(&data).unwrap().value;
        assert_eq!(binary.releases().unwrap().basis(), Basis::Stated);
        let types = binary.map_types().unwrap().value;
        for other in ["go1.99.3000", "go1.9.30000", "devel +abcd1"] {
            let other = &other[..version.len()];
            let data = stamped(&data, &version, other);
            let binary = Binary::parse(&data).unwrap();
            assert_eq!(binary.faults, [], "{version} as {other}");
            let binary = binary.value;
            let releases = binary.releases().unwrap();
            assert_eq!(releases.basis(), Basis::Likeness, "{version} as {other}");
            let minor: u16 = go.version.split('.').nth(1).unwrap().parse().unwrap();
            assert!((releases.min()..=releases.max()).contains(&minor), "{version} as {other}");
            assert_eq!(binary.map_types().unwrap().value, types, "{version} as {other}");
        }
    }
}

#[test]
fn a_release_that_is_not_known_and_laid_out_in_another_way_is_not_read() {
    const FLAGS: u64 = 128;
    let Some(go) = toolchains().into_iter().find(|go| go.version == "1.27.3") else { return };
    let data = fs::read(go.build(&program("maptypes"), &BuildOptions::default()).unwrap()).unwrap();
    let binary = Binary::parse(&data).unwrap().value;
    let addr = binary.map_types().unwrap().value[0].addr;
    let flags = binary.file_offset(LinkAddr(addr.0 + FLAGS)).unwrap().0 as usize;
    let code = binary.functions().iter().flat_map(|func| func.entry.0..func.end.0);
    let (inlined, frames) = code
        .map(|addr| (LinkAddr(addr), binary.frames(LinkAddr(addr))))
        .find(|(_, frames)| frames.len() > 1)
        .unwrap();
    let outermost = *frames.last().unwrap();
    let mut data = stamped(&data, "go1.27.3", "go1.99.3");
    data[flags] ^= 12;
    let binary = Binary::parse(&data).unwrap().value;
    assert_eq!(binary.releases(), None);
    assert_eq!(
        binary.map_types().unwrap_err().to_string(),
        "go1.99.3 is not a release that is known; known are Go 1.18 to 1.27 (in the type descriptors)"
    );
    let frames = binary.frames(inlined);
    assert_eq!(frames, [Frame { file: "", line: 0, ..outermost }], "no line of what was inlined");
}
