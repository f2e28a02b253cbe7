//! Every map type has the name, sizes and nesting that the program itself prints.

use std::fs;
use std::process::Command;

use goabi::Nested;
use gobin::{Basis, Binary, MapType};
use xtask::go::{BuildOptions, Toolchain, stamp};

use crate::program;

/// A type in the form in which the program prints it.
fn line(t: &MapType) -> String {
    let nested = match t.nested {
        Nested::No => "no",
        Nested::Direct => "direct",
        Nested::Reaches => "reaches",
    };
    format!("{}|{}|{}|{}|{}|{nested}", t.name, t.key.name, t.key.size, t.elem.name, t.elem.size)
}

mod every_map_type_is_as_the_program_prints_it {
    crate::tests_of_builds!(tests_of_versions, crate::types::check_types);
}

fn check_types(go: &Toolchain, how: &str, options: &BuildOptions) {
    let native = go.build(&program("maptypes"), &BuildOptions::default()).unwrap();
    let printed = String::from_utf8(Command::new(native).output().unwrap().stdout).unwrap();
    assert!(printed.lines().count() > 50);
    let path = go.build(&program("maptypes"), options).unwrap();
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

mod the_build_tells_its_version_and_implementation {
    crate::tests_of_builds!(tests_of_versions, crate::types::check_version);
}

fn check_version(go: &Toolchain, how: &str, options: &BuildOptions) {
    let data = fs::read(go.build(&program("maptypes"), options).unwrap()).unwrap();
    let binary = Binary::parse(&data).unwrap().value;
    let minor: u16 = go.version.split('.').nth(1).unwrap().parse().unwrap();
    assert_eq!(binary.build_info().unwrap().go_version, format!("go{}", go.version), "{how}");
    assert_eq!(binary.releases().unwrap().exact(), Some(minor), "{how}");
    let is_swiss = binary.map_impl() == Some(goabi::MapImpl::Swiss);
    assert_eq!(is_swiss, minor >= 24, "{} {how}", go.version);
    assert_eq!(
        binary.arch().go_name(),
        if options.arch.is_empty() { "amd64" } else { options.arch }
    );
}

mod a_release_that_is_not_known_is_read_as_one_that_it_resembles {
    xtask::tests_of_versions!(super::check_likeness);
}

fn check_likeness(go: &Toolchain) {
    let data = fs::read(go.build(&program("maptypes"), &BuildOptions::default()).unwrap());
    let data = data.unwrap();
    let version = format!("go{}", go.version);
    let binary = Binary::parse(&data).unwrap().value;
    assert_eq!(binary.releases().unwrap().basis(), Basis::Stated);
    let types = binary.map_types().unwrap().value;
    for other in ["go1.99.3000", "go1.9.30000", "devel +abcd1"] {
        let other = &other[..version.len()];
        let mut data = data.clone();
        stamp(&mut data, &version, other);
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

/// Its pointers to types are to symbols, since the program may have the same types.
#[test]
fn plugins_have_their_types() {
    let source = xtask::repo_root().join("crates/probe/testdata/plugin/extra");
    let args = vec!["-buildmode=plugin".to_owned()];
    let options = BuildOptions { cgo: true, args, ..BuildOptions::default() };
    for version in ["1.23.9", "1.27.3"] {
        let Some(go) = xtask::go::toolchain(version) else {
            xtask::skip(&format!("no Go {version}"));
            continue;
        };
        let plugin = match go.build(&source, &options) {
            Ok(plugin) => fs::read(plugin).unwrap(),
            Err(why) => return xtask::skip(&format!("no plugin can be built: {why}")),
        };
        let binary = Binary::parse(&plugin).unwrap().value;
        let types = binary.map_types().unwrap();
        assert_eq!(types.faults, [], "{version}");
        let names: Vec<&str> = types.value.iter().map(|of| &*of.name).collect();
        assert!(names.contains(&"map[int]int"), "{version}: {names:?}");
    }
}
