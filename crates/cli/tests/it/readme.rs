//! What the README shows is what the commands print.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::{binary, sample};

/// Inputs by the names that the README gives them.
fn link_inputs(dir: &Path) {
    let inputs = [
        ("cpu.pprof", sample("nested-1.27.3/cpu.pprof")),
        ("allocs.pprof", sample("nested-1.27.3/allocs.pprof")),
        ("nested", binary("nested-1.27.3")),
        ("nested.pb.gz", sample("recordings/nested-1.27.3.pb.gz")),
        ("before", xtask::testdata("compare/before").to_str().unwrap().to_owned()),
        ("after", xtask::testdata("compare/after").to_str().unwrap().to_owned()),
    ];
    for (name, path) in inputs {
        std::os::unix::fs::symlink(path, dir.join(name)).unwrap();
    }
}

/// Each line that is shown, in this order; `...` stands for others.
#[track_caller]
fn check_shown(command: &str, shown: &[&str], printed: &str) {
    let mut rest = printed.lines();
    for line in shown.iter().filter(|line| line.trim() != "...") {
        assert!(
            rest.any(|of| of == *line),
            "{command} does not print {line:?} there, but\n{printed}"
        );
    }
}

#[test]
fn examples_of_the_readme_are_what_is_printed() {
    let dir = tempfile::tempdir().unwrap();
    link_inputs(dir.path());
    let readme = fs::read_to_string(xtask::repo_root().join("README.md")).unwrap();
    let mut n_commands = 0;
    for block in readme.split("```text\n$ mapscope ").skip(1) {
        let block = block.split("```").next().unwrap();
        let (command, shown) = block.split_once('\n').unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_mapscope"))
            .args(command.split(' '))
            .current_dir(dir.path())
            .env("COLUMNS", "100")
            .env("NO_COLOR", "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let printed = String::from_utf8(output.stdout).unwrap();
        check_shown(command, &shown.lines().collect::<Vec<_>>(), &printed);
        n_commands += 1;
    }
    assert_eq!(n_commands, 3);
}
