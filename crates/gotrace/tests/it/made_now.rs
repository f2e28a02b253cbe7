//! Traces of real programs, made on the spot by every Go at hand, are read as Go reads them.

use std::path::Path;
use std::process::{Command, Stdio};

use xtask::go::Toolchain;

use crate::generations;
use crate::like_go::{assert_like_go, read_by_go};

const VERSIONS: [&str; 6] = ["1.22.10", "1.23.9", "1.24.11", "1.25.5", "1.26.6", "1.27.3"];

/// Calls `make` with each Go and a file to write a trace to, and compares.
fn each_go(versions: &[&str], make: impl Fn(&Toolchain, &Path)) {
    for version in versions {
        let Some(go) = xtask::go::toolchain(version) else {
            xtask::skip(&format!("Go {version} is not installed"));
            continue;
        };
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("trace.out");
        make(&go, &path);
        assert_read_like_go(version, &path);
    }
}

#[track_caller]
fn assert_read_like_go(name: &str, path: &Path) {
    let Some(by_go) = read_by_go(path) else {
        return xtask::skip("Go 1.27.3 is not installed");
    };
    assert_eq!(by_go.error, None, "{name}");
    assert_like_go(name, &crate::read(path), &by_go);
}

#[track_caller]
fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_nested_map_under_load() {
    each_go(&VERSIONS, |go, path| {
        let package = xtask::testdata("samples/src/nested");
        let program = go.build(&package, &xtask::go::BuildOptions::default()).unwrap();
        let mut command = Command::new(program);
        command.args(["-trace", "-cpu", "-io", "-g", "3", "-d", "100ms", "-dir"]);
        // Short generations, so that there are several.
        command.env("GODEBUG", "traceadvanceperiod=20000000").env("GOGC", "60");
        run(command.arg(path.parent().unwrap()));
        assert!(generations(&crate::read(path)).count() > 1, "{}", go.version);
    });
}

#[test]
fn go_build() {
    each_go(&VERSIONS, |go, path| {
        let mut command = go.command();
        command.current_dir(xtask::testdata("samples/src/nested")).args(["build", "-o"]);
        command.arg(path.with_file_name("nested"));
        // A flag of the go command that its help leaves out.
        run(command.arg(format!("-debug-runtime-trace={}", path.display())).arg("."));
    });
}

#[test]
fn the_compiler() {
    each_go(&["1.22.10", "1.24.11", "1.27.3"], |go, path| {
        let mut command = go.command();
        command.current_dir(xtask::testdata("samples/src/nested")).args(["build", "-o"]);
        command.arg(path.with_file_name("nested"));
        run(command.arg(format!("-gcflags=-traceprofile={}", path.display())).arg("."));
    });
}

#[test]
fn a_flight_recorder() {
    each_go(&["1.25.5", "1.27.3"], |go, path| {
        let package = xtask::testdata("samples/src/extra");
        let program = go.build(&package, &xtask::go::BuildOptions::default()).unwrap();
        run(Command::new(program).arg("flight").arg(path));
        assert!(generations(&crate::read(path)).next().unwrap().value.number > 1, "{}", go.version);
    });
}

/// Programs that Go tests its own reader with: each writes a trace to its standard output.
const TEST_PROGRAMS: [&str; 9] = [
    "annotations-stress",
    "futile-wakeup",
    "gc-stress",
    "iter-pull",
    "many-start-stop",
    "stacks",
    "stress",
    "stress-start-stop",
    "wait-on-pipe",
];

#[test]
fn programs_that_go_is_tested_with() {
    let Some(go) = xtask::go::toolchain("1.27.3") else {
        return xtask::skip("Go 1.27.3 is not installed");
    };
    let root = go.go.parent().unwrap().parent().unwrap();
    let sources = root.join("src/internal/trace/testdata/testprog");
    let dir = tempfile::tempdir().unwrap();
    for name in TEST_PROGRAMS {
        let path = dir.path().join(name);
        let trace = std::fs::File::create(&path).unwrap();
        let mut command = go.command();
        command.arg("run").arg(sources.join(format!("{name}.go")));
        let status = command.stdout(trace).stderr(Stdio::null()).status().unwrap();
        assert!(status.success(), "{name}");
        assert_read_like_go(name, &path);
    }
}
