//! Every map type has the name, sizes and nesting that the program itself prints.

use std::fs;
use std::process::Command;

use gobin::{Binary, MapType, Nested};
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
            assert_eq!(binary.release().unwrap().exact(), Some(minor), "{how}");
            let is_swiss = binary.map_impl() == Some(gobin::MapImpl::Swiss);
            assert_eq!(is_swiss, minor >= 24, "{} {how}", go.version);
            assert_eq!(
                binary.arch().go_name(),
                if options.arch.is_empty() { "amd64" } else { options.arch }
            );
        }
    }
}
