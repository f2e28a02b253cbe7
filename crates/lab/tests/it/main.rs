//! The Go program of the experiments as a module of its own.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;

use xtask::go::toolchain;
use xtask::skip;

/// The newest Go builds it in the tests of `mapscope lab`.
#[test]
fn the_oldest_go_accepts_the_program() {
    let Some(go) = toolchain("1.21.13") else { return skip("no Go 1.21.13") };
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("go");
    let output = go.command().args(["vet", "."]).current_dir(module).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
