//! Experiments on a real Go, and what becomes of their output.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use xtask::go::toolchain;
use xtask::skip;

use crate::schema::checked;
use crate::{mapscope, stdout_of};

/// Runs `mapscope lab`, with Go's cache where the other tests have it.
fn lab(args: &[&str], state: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mapscope"))
        .arg("lab")
        .args(args)
        .arg("--state")
        .arg(state)
        .env("GOCACHE", xtask::repo_root().join("target/go-cache/build"))
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

fn result_of(output: &Output) -> Value {
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{err}");
    let report = checked("lab", &output.stdout);
    assert_eq!(report["schema"], "mapscope.lab/1");
    report["experiments"][0]["results"][0].clone()
}

#[test]
fn the_verdict_is_that_of_the_output_and_an_interrupted_run_goes_on() {
    let Some(go) = toolchain("1.27.3") else { return skip("no Go 1.27.3") };
    let go = go.go.to_str().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let args = ["--go", go, "--quick", "--rounds", "2", "--only", "key-escape", "--json"];

    let first = lab(&args, dir.path());
    let measured = result_of(&first);
    assert_eq!(measured["go_version"], "go1.27.3");
    assert_eq!(measured["verdict"], "holds in part", "{measured:#}");
    assert_eq!(measured["predicts"][0]["measured"]["runs"], 2);
    assert!(String::from_utf8_lossy(&first.stderr).contains("[2/2] round 2: key-escape"));

    // One run is lost, as if the first call had been interrupted; in the other, lookups are made to allocate.
    let files = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
    let mut outputs: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|extension| extension == "txt")).collect();
    outputs.sort();
    let [kept, lost] = &outputs[..] else { panic!("{outputs:?}") };
    fs::remove_file(lost).unwrap();
    let text = fs::read_to_string(kept).unwrap();
    let doctored: Vec<String> = text
        .lines()
        .map(|line| match line.strip_prefix("BenchmarkKeyEscape/interface/lookup") {
            Some(_) => "BenchmarkKeyEscape/interface/lookup 1 1 allocs/op".to_owned(),
            None => line.to_owned(),
        })
        .collect();
    fs::write(kept, doctored.join("\n")).unwrap();

    let second = lab(&args, dir.path());
    let err = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(err.contains("1 of 2 runs were measured before"), "{err}");
    assert!(err.contains("[2/2]") && !err.contains("[1/2]"), "{err}");
    assert_eq!(result_of(&second)["predicts"][1]["outcome"], "unsettled");

    // Now the doctored run stands alone.
    let mut alone = args;
    alone[4] = "1";
    assert_eq!(result_of(&lab(&alone, dir.path()))["verdict"], "holds");

    // Its own outputs are written over, those of others are not.
    let [page, table] = ["page", "table"].map(|name| dir.path().join(name));
    let (page, table) = (page.to_str().unwrap(), table.to_str().unwrap());
    for _ in 0..2 {
        let files = [&alone[..], &["--html", page, "--markdown", table]].concat();
        result_of(&lab(&files, dir.path()));
    }
    let swapped = [&alone[..], &["--html", table]].concat();
    let said = String::from_utf8(lab(&swapped, dir.path()).stderr).unwrap();
    assert!(said.contains("is not a page of mapscope lab"), "{said}");
}

#[test]
fn a_state_folder_in_which_others_have_a_part_is_refused() {
    let Some(go) = toolchain("1.27.3") else { return skip("no Go 1.27.3") };
    let dir = tempfile::tempdir().unwrap();
    let said = || {
        let output = lab(&["--go", go.go.to_str().unwrap(), "--only", "key-escape"], dir.path());
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    let is_refused = |said: &str| said.contains("or others may write") && said.contains("--state");
    for mode in [0o1777, 0o775] {
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode)).unwrap();
        let said = said();
        assert!(is_refused(&said), "{said}");
    }
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    if chown(dir.path(), Some(65_534), None).is_ok() {
        let said = said();
        assert!(is_refused(&said), "{said}");
    }
}

#[test]
fn a_folder_above_the_state_in_which_others_have_a_part_is_refused() {
    let Some(go) = toolchain("1.27.3") else { return skip("no Go 1.27.3") };
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let state = dir.path().join("new/state");
    let output = lab(&["--go", go.go.to_str().unwrap(), "--only", "key-escape"], &state);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    let open = format!("{}: this folder belongs to another user, or others", dir.path().display());
    assert!(said.contains(&open), "{said}");
}

#[test]
fn a_go_that_others_could_have_put_there_is_not_run() {
    let dir = tempfile::tempdir().unwrap();
    let places = [dir.path().join(".toolchains/go-0.0.7/bin"), dir.path().join("sdk/go0.0.8/bin")];
    for (place, version) in places.iter().zip(["0.0.7", "go0.0.8"]) {
        fs::create_dir_all(place).unwrap();
        let (go, ran) = (place.join("go"), place.join("ran"));
        xtask::write_script(&go, &format!("#!/bin/sh\n: > {}\n", ran.display()));
        let run = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_mapscope"));
            command.args(["lab", "--go", version]).current_dir(dir.path());
            let output = command.env("HOME", dir.path()).output().unwrap();
            assert_eq!(output.status.code(), Some(2));
            String::from_utf8(output.stderr).unwrap()
        };
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let said = run();
        assert!(said.contains("not run: ") && said.contains("chmod go-w"), "{said}");
        assert!(!ran.exists());
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let said = run();
        assert!(said.contains("`go env GOVERSION` failed") && ran.exists(), "{said}");
    }
}

#[test]
fn a_program_that_somebody_else_put_there_is_not_run() {
    let Some(go) = toolchain("1.27.3") else { return skip("no Go 1.27.3") };
    let dir = tempfile::tempdir().unwrap();
    let args = ["--go", go.go.to_str().unwrap(), "--quick", "--only", "key-escape", "--json"];
    let args = [&args[..], &["--rounds", "1"]].concat();
    result_of(&lab(&args, dir.path()));
    let files = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
    let is_program = |path: &std::path::PathBuf| path.to_string_lossy().contains("/lab-go");
    let program = files.into_iter().find(is_program).unwrap();
    fs::write(&program, "#!/bin/sh\necho planted\nexit 1\n").unwrap();
    let as_planted = fs::Permissions::from_mode(0o775);
    fs::set_permissions(&program, as_planted).unwrap();
    result_of(&lab(&[&args[..], &["--fresh"]].concat(), dir.path()));
    assert!(fs::read(&program).unwrap().starts_with(b"\x7fELF"));
}

#[test]
fn an_experiment_that_fails_is_said_and_the_others_go_on() {
    let Some(go) = toolchain("1.27.3") else { return skip("no Go 1.27.3") };
    let go = go.go.to_str().unwrap();
    let dir = tempfile::tempdir().unwrap();
    // A PATH without perf and valgrind: nobody counts cache misses.
    let output = Command::new(env!("CARGO_BIN_EXE_mapscope"))
        .args(["lab", "--go", go, "--quick", "--rounds", "1", "--json", "--state"])
        .arg(dir.path())
        .args(["--only", "cache-misses", "--only", "key-escape"])
        .env("GOCACHE", xtask::repo_root().join("target/go-cache/build"))
        .env("PATH", dir.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let report = checked("lab", &output.stdout);
    let results = |idx: usize| report["experiments"][idx]["results"][0].clone();
    assert_eq!(results(0)["verdict"], "not measurable here");
    assert!(results(0)["failure"].as_str().unwrap().contains("install valgrind"));
    assert_eq!(results(0)["predicts"][0]["measured"], Value::Null);
    assert_eq!(results(1)["failure"], Value::Null);
}

#[test]
fn the_list_has_every_claim_with_its_thresholds() {
    let text = stdout_of(["lab", "--list"]);
    assert_eq!(text.matches("    claim ").count(), lab_names().len());
    let one = stdout_of(["lab", "--list", "--only", "empty-maps"]);
    assert!(one.contains("12 ms") && one.contains("[at least 6000 µs]"), "{one}");
}

#[test]
fn what_is_not_there_is_said_with_what_is() {
    let cases: [(&[&str], &str); 4] = [
        (&["--only", "nothing"], "there are layouts, cache-misses"),
        (&["--go", "0.0.1"], "~/sdk/go0.0.1"),
        (&["--go", "./nowhere/go"], "go env GOVERSION"),
        (&["--rounds", "0"], "1..=1000"),
    ];
    for (args, expected) in cases {
        let output = mapscope(["lab"].iter().chain(args));
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{err}");
        assert!(err.contains(expected), "{err}");
    }
}

#[test]
fn the_page_has_every_experiment() {
    let page = fs::read_to_string(xtask::repo_root().join("docs/lab.md")).unwrap();
    for name in lab_names() {
        assert!(page.contains(&format!("## {name}\n")), "{name}");
    }
}

/// Names as `--list` prints them: the lines that are not indented.
fn lab_names() -> Vec<String> {
    let text = stdout_of(["lab", "--list"]);
    let names = text.lines().filter(|line| !line.is_empty() && !line.starts_with(' '));
    names.map(str::to_owned).collect()
}
