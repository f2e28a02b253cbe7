//! Files that commands write: what they take the place of, and what they leave alone. How a file is written is tested in
//! the crate `output`.

use std::fs;
use std::io::pipe;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::{mapscope, sample, stdout_of};

/// A command that is quick, with an output at `path`.
fn chart(path: &str, more: &[&str]) -> Output {
    let args = ["whatif", "--map", "map[string]int", "--outer", "10", "--svg", path];
    mapscope(args.iter().chain(more))
}

#[track_caller]
fn assert_refused(output: &Output, parts: &[&str]) {
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{err}");
    for part in parts {
        assert!(err.contains(part), "no {part:?} in: {err}");
    }
}

#[track_caller]
fn assert_succeeds(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A folder with copies of a CPU profile, a recording and a budget, and a program.
struct Inputs(TempDir);

const INPUTS: [&str; 4] = ["cpu.pprof", "recording.pb.gz", "budget.toml", "server"];

impl Inputs {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let copy = |from: &str, to: &str| fs::copy(from, dir.path().join(to)).unwrap();
        copy(&sample("nested-1.27.3/cpu.pprof"), "cpu.pprof");
        copy(&sample("recordings/nested-1.27.3.pb.gz"), "recording.pb.gz");
        copy(&crate::binary("nested-1.27.3"), "server");
        fs::write(dir.path().join("budget.toml"), "[[limit]]\nmap_type = 'map'\n").unwrap();
        Self(dir)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn bytes(&self) -> Vec<Vec<u8>> {
        INPUTS.iter().map(|name| fs::read(self.path(name)).unwrap()).collect()
    }

    fn names(&self) -> Vec<PathBuf> {
        let mut names: Vec<_> =
            fs::read_dir(self.0.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        names
    }
}

#[test]
fn no_command_writes_over_its_inputs_or_a_program() {
    let dir = Inputs::new();
    let (cpu, recording, server) =
        (dir.path("cpu.pprof"), dir.path("recording.pb.gz"), dir.path("server"));
    let budget = dir.path("budget.toml");
    fs::hard_link(&cpu, dir.path("hard")).unwrap();
    symlink(&recording, dir.path("link")).unwrap();
    let (hard, link) = (dir.path("hard"), dir.path("link"));
    let (before, names) = (dir.bytes(), dir.names());
    let diagnose = ["diagnose", &*cpu, &*recording, "--budget", &*budget];
    let folder = dir.0.path().to_str().unwrap();
    let cases: [(&[&str], &str); 12] = [
        (&["--html", &cpu], "an input"),
        (&["--html", &hard], "an input"),
        (&["--html", &link], "an input"),
        (&["--html", &server], "an executable"),
        (&["--flamegraph", &recording], "an input"),
        (&["--sarif", &budget], "an input"),
        (&["--sarif", &server], "an executable"),
        (&["whatif", &recording, "--svg", &link], "an input"),
        (&["whatif", &recording, "--svg", &server], "an executable"),
        (&["record", "-p", "1", "-o", &server], "an executable"),
        (&["lab", "--html", &server], "an executable"),
        (&["diagnose", folder, "--html", &cpu], "an input"),
    ];
    for (args, why) in cases {
        let start = if args[0].starts_with("--") { &diagnose[..] } else { &[] };
        let output = mapscope(start.iter().chain(args).chain(&["--force"]));
        assert_refused(&output, &[why, "never written over", args.last().unwrap()]);
    }
    assert!(dir.bytes() == before);
    assert_eq!(dir.names(), names);
}

#[test]
fn outputs_of_another_kind_take_force_and_own_ones_do_not() {
    let dir = Inputs::new();
    let recording = dir.path("recording.pb.gz");
    let cpu = sample("nested-1.27.3/cpu.pprof");
    let (page, flame, log) = (dir.path("page"), dir.path("flame"), dir.path("log"));
    let (by_hand, recorded) = (dir.path("by-hand"), dir.path("recorded"));
    let outputs = [&page, &flame, &log, &by_hand, &recorded];
    let commands: [&[&str]; 5] = [
        &["diagnose", &cpu, "--html", &page],
        &["diagnose", &cpu, "--flamegraph", &flame],
        &["diagnose", &cpu, "--sarif", &log],
        &["whatif", "--map", "map[int]int", "--outer", "9", "--svg", &by_hand],
        &["whatif", &recording, "--svg", &recorded],
    ];
    for (command, output) in commands.iter().zip(outputs) {
        for _ in 0..2 {
            assert_succeeds(&mapscope(*command));
        }
        fs::write(output, "<!doctype html><title>mine</title><svg>").unwrap();
        assert_refused(&mapscope(*command), &[output, "is not a", "--force"]);
        assert!(fs::read_to_string(output).unwrap().contains("mine"));
        assert_succeeds(&mapscope(command.iter().chain(&["--force"])));
        assert!(!fs::read_to_string(output).unwrap().contains("mine"));
    }
    // Each knows its own from those of the others.
    fs::copy(&page, &log).unwrap();
    fs::copy(&by_hand, &flame).unwrap();
    for command in [commands[1], commands[2]] {
        assert_refused(&mapscope(command), &["--force"]);
    }
}

#[test]
fn a_recording_takes_the_place_of_recordings_only() {
    let dir = Inputs::new();
    let record = |name: &str| mapscope(["record", "-p", "4194304", "-o", &dir.path(name)]);
    let before = dir.bytes();
    assert_refused(&record("cpu.pprof"), &["is not a recording of mapscope record", "--force"]);
    assert_refused(&record("budget.toml"), &["is not a recording of mapscope record"]);
    // Nothing is wrong with these; the process is what is not there.
    assert_refused(&record("recording.pb.gz"), &["process 4194304"]);
    assert_refused(&record("new.pb.gz"), &["process 4194304"]);
    assert!(dir.bytes() == before && !Path::new(&dir.path("new.pb.gz")).exists());
}

#[test]
fn an_output_is_looked_at_before_the_work() {
    let dir = Inputs::new();
    let (cpu, none) = (dir.path("cpu.pprof"), dir.path("none/page.html"));
    let output = mapscope(["diagnose", "/nonexistent/cpu.pprof", "--html", &none]);
    assert_refused(&output, &["none/page.html: cannot be written: No such file"]);
    let output = mapscope(["diagnose", &cpu, "--html", dir.0.path().to_str().unwrap()]);
    assert_refused(&output, &["it is a folder"]);
}

#[test]
fn standard_output_keeps_its_order() {
    let dir = Inputs::new();
    let path = dir.path("all");
    let script = format!(
        "{} whatif --map 'map[int]int' --outer 9 --svg /dev/stdout > {path}",
        env!("CARGO_BIN_EXE_mapscope")
    );
    assert_succeeds(&Command::new("sh").args(["-c", &script]).output().unwrap());
    let all = fs::read_to_string(&path).unwrap();
    let text = stdout_of(["whatif", "--map", "map[int]int", "--outer", "9"]);
    assert!(all.starts_with("<svg") && all.ends_with(&text), "{all}");
    for name in ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        let output = chart(name, &[]);
        assert_succeeds(&output);
        assert!(output.stdout.starts_with(b"<svg"));
    }
}

#[test]
fn a_reader_of_an_output_that_went_away_is_an_error() {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let output = Command::new(env!("CARGO_BIN_EXE_mapscope"))
        .args(["whatif", "--map", "map[int]int", "--outer", "9", "--svg", "/dev/fd/1"])
        .stdout(writer)
        .output()
        .unwrap();
    assert_refused(&output, &["/dev/fd/1: cannot be written: Broken pipe"]);
}

#[test]
fn a_full_device_is_told_and_stays() {
    let output = chart("/dev/full", &[]);
    assert_refused(&output, &["/dev/full: cannot be written: No space left on device"]);
    assert!(fs::symlink_metadata("/dev/full").unwrap().file_type().is_char_device());
    assert_succeeds(&chart("/dev/null", &[]));
    assert!(fs::symlink_metadata("/dev/null").unwrap().file_type().is_char_device());
}

#[test]
fn two_outputs_are_not_one_file() {
    let dir = Inputs::new();
    let (cpu, page, same) = (dir.path("cpu.pprof"), dir.path("page"), dir.path("./page"));
    let args = ["diagnose", &cpu, "--html", &page, "--flamegraph", &same];
    for more in [&[][..], &["--force"]] {
        let output = mapscope(args.iter().chain(more));
        assert_refused(&output, &["two outputs cannot be one file"]);
        assert!(!Path::new(&page).exists());
    }
}

/// Runs `mapscope` where nobody reads what it prints.
fn unread(args: &[&str]) -> Output {
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_mapscope"));
    command.args(args).stdout(writer.try_clone().unwrap()).stderr(writer);
    command.output().unwrap()
}

#[test]
fn without_a_reader_all_files_are_written_and_the_verdict_stands() {
    let dir = Inputs::new();
    let budget = "[[limit]]\nfunction = '^main\\.build$'\nmax_cpu_percent = 10\n";
    fs::write(dir.path("budget.toml"), budget).unwrap();
    let [cpu, recording, budget, server] = INPUTS.map(|name| dir.path(name));
    let outputs = ["page", "flame", "log"].map(|name| dir.path(name));
    let [page, flame, log] = outputs.each_ref();
    let args = ["diagnose", &*cpu, &*recording, &*server, "--budget", &*budget, "--github"];
    let files = ["--html", &**page, "--flamegraph", flame, "--sarif", log];
    let output = unread(&[&args[..], &files].concat());
    assert_eq!(output.status.code(), Some(1));
    for output in &outputs {
        assert!(fs::metadata(output).unwrap().len() > 0, "{output}");
    }
    for args in
        [&["whatif", "--map", "map[int]int", "--outer", "9"][..], &["man"], &["lab", "--list"]]
    {
        assert_eq!(unread(args).status.code(), Some(0), "{args:?}");
    }
    assert_eq!(unread(&["completions", "bash"]).status.code(), Some(0));
    assert_eq!(unread(&["diagnose", "/nonexistent"]).status.code(), Some(2));
}

/// The limit is of 512 bytes, or 1024.
#[test]
fn a_file_that_becomes_too_large_is_told_and_nothing_is_left() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("chart.svg");
    let output = Command::new("sh")
        .args(["-c", "ulimit -f 1 && exec \"$@\"", "sh", env!("CARGO_BIN_EXE_mapscope")])
        .args(["whatif", "--map", "map[string]int", "--outer", "10", "--svg"])
        .arg(&path)
        .output()
        .unwrap();
    assert_refused(&output, &["chart.svg: cannot be written: File too large"]);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_report_that_the_disk_does_not_take_is_an_error() {
    let output = Command::new(env!("CARGO_BIN_EXE_mapscope"))
        .args(["whatif", "--map", "map[int]int", "--outer", "9"])
        .stdout(fs::File::options().write(true).open("/dev/full").unwrap())
        .output()
        .unwrap();
    assert_refused(&output, &["standard output: No space left on device"]);
}

#[test]
fn a_log_of_several_tools_is_not_written_over() {
    let dir = Inputs::new();
    let (cpu, log) = (dir.path("cpu.pprof"), dir.path("log"));
    let args = ["diagnose", &cpu, "--sarif", &log];
    assert_succeeds(&mapscope(args));
    let ours = fs::read_to_string(&log).unwrap();
    let mut merged: serde_json::Value = serde_json::from_str(&ours).unwrap();
    let mut other = merged["runs"][0].clone();
    other["tool"]["driver"]["name"] = "another".into();
    merged["runs"].as_array_mut().unwrap().push(other);
    fs::write(&log, serde_json::to_string_pretty(&merged).unwrap()).unwrap();
    assert_refused(&mapscope(args), &["is not a SARIF log of mapscope diagnose"]);
    // Ours alone, in another form.
    merged["runs"].as_array_mut().unwrap().pop();
    fs::write(&log, merged.to_string()).unwrap();
    assert_succeeds(&mapscope(args));
    assert_eq!(fs::read_to_string(&log).unwrap(), ours);
}
