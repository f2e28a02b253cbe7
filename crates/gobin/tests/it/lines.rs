//! Functions, lines and inlined calls are those that the runtime itself reports.

use std::fs;
use std::process::Command;

use gobin::{Binary, LinkAddr};
use xtask::go::{BuildOptions, Toolchain};

use crate::program;

mod the_innermost_frame_is_that_of_the_runtime {
    xtask::tests_of_versions!(super::check_innermost_frames);
}

fn check_innermost_frames(go: &Toolchain) {
    for stripped in [false, true] {
        let options = BuildOptions { stripped, ..BuildOptions::default() };
        let path = go.build(&program("maptypes"), &options).unwrap();
        let output = Command::new(&path).arg("frames").output().unwrap();
        let data = fs::read(&path).unwrap();
        let binary = Binary::parse(&data).unwrap().value;
        let mut n_inlined = 0;
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            let (addr, frame) = line.split_once('|').unwrap();
            if frame.ends_with("?:0") {
                // Padding between functions has no line.
                continue;
            }
            let frames = binary.frames(LinkAddr(u64::from_str_radix(addr, 16).unwrap()));
            let innermost = frames
                .first()
                .map(|f| format!("{} {}:{}", without_type_arguments(f.function), f.file, f.line));
            assert_eq!(innermost.as_deref(), Some(frame), "{} at {addr}", go.version);
            n_inlined += frames.len() - 1;
        }
        assert!(n_inlined > 50, "{}: {n_inlined} inlined", go.version);
    }
}

/// Assembly needs no frame to compare memory; compiled functions that call others have one after their prologue.
mod a_frame_begins_behind_the_entry_of_a_function {
    xtask::tests_of_versions!(super::check_frame_bytes);
}

fn check_frame_bytes(go: &Toolchain) {
    let path = go.build(&program("maptypes"), &BuildOptions::default()).unwrap();
    let data = fs::read(&path).unwrap();
    let binary = Binary::parse(&data).unwrap().value;
    // Some entries of the table only mark a place.
    for func in binary.functions().iter().filter(|func| !func.name.starts_with("go:")) {
        assert_eq!(binary.frame_bytes(func.entry), Some(0), "{} {}", go.version, func.name);
    }
    let last_frame = |name| {
        let func = binary.functions().by_name(name).unwrap();
        (func.entry.0..func.end.0).filter_map(|addr| binary.frame_bytes(LinkAddr(addr))).max()
    };
    assert_eq!(last_frame("memeqbody"), Some(0), "{}", go.version);
    assert!(last_frame("main.main") > Some(0), "{}", go.version);
    assert_eq!(binary.frame_bytes(LinkAddr(1)), None);
}

/// The runtime's tracebacks print `slices.Sort[...]`.
fn without_type_arguments(name: &str) -> String {
    match (name.find('['), name.rfind(']')) {
        (Some(start), Some(end)) => format!("{}[...]{}", &name[..start], &name[end + 1..]),
        _ => name.to_owned(),
    }
}

/// Profiles carry the inlined frames that Go's profiler found at each address.
#[test]
fn inlined_frames_are_those_of_the_profiler() {
    for name in ["nested-1.21.13", "nested-1.27.3", "flat-1.21.13", "flat-1.27.3"] {
        let path = xtask::unpack_xz(&xtask::testdata(&format!("samples/bin/{name}.xz"))).unwrap();
        let data = fs::read(path).unwrap();
        let binary = Binary::parse(&data).unwrap().value;
        let bytes = fs::read(xtask::testdata(&format!("samples/{name}/cpu.pprof"))).unwrap();
        let profile = gopprof::parse_profile(&bytes, &gopprof::Limits::default()).unwrap().value;
        let mut n_inlined = 0;
        for location in
            profile.locations.iter().filter(|l| l.mapping.is_some_and(|m| m.index() == 0))
        {
            let function = |line: &gopprof::Line| profile.functions[line.function.unwrap().index()];
            let theirs: Vec<(&str, i64)> = location
                .lines
                .iter()
                .map(|line| (profile.str(function(line).name), line.line))
                .collect();
            let frames = binary.frames(LinkAddr(location.address));
            let ours: Vec<(&str, i64)> =
                frames.iter().map(|f| (f.function, i64::from(f.line))).collect();
            assert_eq!(ours, theirs, "{name} at {:#x}", location.address);
            n_inlined += ours.len() - 1;
        }
        assert!(n_inlined > 10, "{name}: {n_inlined} inlined");
    }
}

mod functions_are_those_of_the_symbol_table {
    xtask::tests_of_versions!(super::check_functions);
}

fn check_functions(go: &Toolchain) {
    let path = go.build(&program("maptypes"), &BuildOptions::default()).unwrap();
    let symbols = go.command().args(["tool", "nm"]).arg(&path).output().unwrap();
    let data = fs::read(&path).unwrap();
    let binary = Binary::parse(&data).unwrap().value;
    let mut n_found = 0;
    for line in String::from_utf8(symbols.stdout).unwrap().lines() {
        let fields: Vec<&str> =
            line.splitn(2, " T ").flat_map(|part| part.splitn(2, " t ")).collect();
        let [addr, name] = fields[..] else { continue };
        let addr = LinkAddr(u64::from_str_radix(addr.trim(), 16).unwrap());
        if let Some(func) = binary.functions().find(addr).filter(|func| func.entry == addr) {
            if ["runtime.text", "runtime.etext"].contains(&name) {
                continue;
            }
            // The symbol table writes a middle dot as a dot.
            assert_eq!(
                func.name.replace('·', "."),
                name.trim_end_matches(".abi0"),
                "{}",
                go.version
            );
            n_found += 1;
        }
    }
    assert!(n_found * 10 > binary.functions().len() * 9, "{}: {n_found}", go.version);
}
