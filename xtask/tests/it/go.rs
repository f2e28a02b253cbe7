use std::path::Path;

use xtask::go::{BuildOptions, Toolchain, toolchain};
use xtask::{skip, testdata};

fn newest() -> Option<Toolchain> {
    let found = toolchain("1.27.3");
    if found.is_none() {
        skip("no Go 1.27.3");
    }
    found
}

#[test]
fn an_absent_toolchain_is_none() {
    assert!(toolchain("0.0.0").is_none());
}

mod a_toolchain_is_of_the_version_its_directory_says {
    xtask::tests_of_live_versions!(super::check_version);
}

fn check_version(go: &Toolchain) {
    let output = go.command().arg("version").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.starts_with(&format!("go version go{} ", go.version)), "{text}");
}

#[test]
fn builds_once_and_again_for_other_options() {
    let Some(go) = newest() else { return };
    let program = testdata("samples/src/nested");
    let plain = go.build(&program, &BuildOptions::default()).unwrap();
    assert_eq!(go.build(&program, &BuildOptions::default()).unwrap(), plain);
    let stripped = BuildOptions { stripped: true, ..BuildOptions::default() };
    let stripped = go.build(&program, &stripped).unwrap();
    assert_ne!(stripped, plain);
    let size = |path: &Path| std::fs::metadata(path).unwrap().len();
    assert!(size(&stripped) < size(&plain));
}

#[test]
fn a_program_that_does_not_compile_says_what_the_compiler_said() {
    let Some(go) = newest() else { return };
    let error = go.build(&testdata("samples/src"), &BuildOptions::default()).unwrap_err();
    assert!(format!("{error:#}").contains("no Go files"), "{error:#}");
}
