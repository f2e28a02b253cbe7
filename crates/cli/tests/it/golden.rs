//! What `diagnose` says of every bundled capture, whole: a change shows as a difference in `testdata/golden`.
//!
//! `UPDATE_EXPECT=1` writes the files anew. Pages are kept packed; where one differs, `target/golden` has both.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use expect_test::expect_file;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::sample;

/// Name of the files, and what is diagnosed together.
const CAPTURES: [(&str, &[&str]); 21] = [
    (
        "nested-1.27.3",
        &[
            "nested-1.27.3/cpu.pprof",
            "nested-1.27.3/heap.pprof",
            "nested-1.27.3/mutex.pprof",
            "nested-1.27.3/block.pprof",
            "nested-1.27.3/nested-1.27.3.trace.xz",
            "nested-1.27.3/nested-1.27.3.perf-cpu-clock.data.xz",
            "recordings/nested-1.27.3.pb.gz",
            "bin/nested-1.27.3.xz",
        ],
    ),
    (
        "flat-1.27.3",
        &[
            "flat-1.27.3/cpu.pprof",
            "flat-1.27.3/heap.pprof",
            "flat-1.27.3/mutex.pprof",
            "flat-1.27.3/block.pprof",
            "flat-1.27.3/flat-1.27.3.trace.xz",
            "flat-1.27.3/flat-1.27.3.perf-cpu-clock.data.xz",
            "bin/flat-1.27.3.xz",
        ],
    ),
    (
        "nested-1.21.13",
        &[
            "nested-1.21.13/cpu.pprof",
            "nested-1.21.13/heap.pprof",
            "nested-1.21.13/nested-1.21.13.trace.xz",
            "nested-1.21.13/nested-1.21.13.perf-cpu-clock.data.xz",
            "bin/nested-1.21.13.xz",
        ],
    ),
    ("flat-1.21.13", &["flat-1.21.13/cpu.pprof", "flat-1.21.13/heap.pprof", "bin/flat-1.21.13.xz"]),
    (
        "cured-1.27.3",
        &[
            "cured-1.27.3/cpu.pprof",
            "cured-1.27.3/heap.pprof",
            "cured-1.27.3/cured-1.27.3.trace.xz",
        ],
    ),
    ("cpu-alone", &["nested-1.27.3/cpu.pprof"]),
    ("heap-alone", &["nested-1.21.13/heap.pprof"]),
    (
        "tracepoints",
        &["nested-1.27.3/nested-1.27.3.perf-tracepoints.data.xz", "bin/nested-1.27.3.xz"],
    ),
    ("recording-nested-1.21.13", &["recordings/nested-1.21.13.pb.gz", "bin/nested-1.21.13.xz"]),
    ("recording-nested-1.27.3", &["recordings/nested-1.27.3.pb.gz"]),
    ("recording-declared-1.27.3", &["recordings/declared-1.27.3.pb.gz"]),
    (
        "go1.22.10",
        &["traces-other/go1.22.10-nested.cpu.pprof", "traces-other/go1.22.10-nested.trace"],
    ),
    ("go1.23.9", &["traces-other/go1.23.9-nested.cpu.pprof", "traces-other/go1.23.9-nested.trace"]),
    (
        "go1.24.11",
        &["traces-other/go1.24.11-nested.cpu.pprof", "traces-other/go1.24.11-nested.trace"],
    ),
    ("go1.25.5", &["traces-other/go1.25.5-nested.cpu.pprof", "traces-other/go1.25.5-nested.trace"]),
    ("go1.26.6", &["traces-other/go1.26.6-nested.cpu.pprof", "traces-other/go1.26.6-nested.trace"]),
    (
        "locks-1.21.13-own",
        &[
            "../locks/1.21.13-own/cpu.pprof",
            "../locks/1.21.13-own/mutex.pprof",
            "../locks/1.21.13-own/block.pprof",
            "../locks/1.21.13-own/locked-1.21.13-own.trace.xz",
        ],
    ),
    (
        "locks-1.21.13-shared",
        &[
            "../locks/1.21.13-shared/cpu.pprof",
            "../locks/1.21.13-shared/mutex.pprof",
            "../locks/1.21.13-shared/block.pprof",
            "../locks/1.21.13-shared/locked-1.21.13-shared.trace.xz",
        ],
    ),
    (
        "locks-1.27.3-own",
        &[
            "../locks/1.27.3-own/cpu.pprof",
            "../locks/1.27.3-own/mutex.pprof",
            "../locks/1.27.3-own/block.pprof",
            "../locks/1.27.3-own/locked-1.27.3-own.trace.xz",
        ],
    ),
    (
        "locks-1.27.3-shared",
        &[
            "../locks/1.27.3-shared/cpu.pprof",
            "../locks/1.27.3-shared/mutex.pprof",
            "../locks/1.27.3-shared/block.pprof",
            "../locks/1.27.3-shared/locked-1.27.3-shared.trace.xz",
        ],
    ),
    ("truncated", &["traces-other/go1.26.6-truncated.trace"]),
];

#[test]
fn reports_of_bundled_captures_are_as_before() {
    let golden = xtask::testdata("golden");
    let mut differing = Vec::new();
    for (name, inputs) in CAPTURES {
        let capture = Capture::of(inputs);
        let page = capture.dir.path().join("page.html");
        let text = capture.diagnose(&["--html", "page.html"]);
        expect_file![golden.join(format!("{name}.txt"))].assert_eq(&text);
        let verbose = capture.diagnose(&["--verbose"]);
        expect_file![golden.join(format!("{name}.verbose.txt"))].assert_eq(&verbose);
        let json = capture.diagnose(&["--json"]);
        expect_file![golden.join(format!("{name}.json"))].assert_eq(&json);
        let page = fs::read_to_string(page).unwrap();
        differing.extend(check_page(&golden.join(format!("{name}.html.gz")), &page));
    }
    assert!(differing.is_empty(), "pages differ: {differing:?}");
}

/// A folder with the inputs under their names, so that no path of this machine is in what is said.
struct Capture {
    dir: tempfile::TempDir,
    names: Vec<String>,
}

impl Capture {
    fn of(inputs: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let link = |path: PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            fs::copy(&path, dir.path().join(&name)).unwrap();
            name
        };
        let names = inputs.iter().map(|input| link(sample(input).into())).collect();
        Self { dir, names }
    }

    fn diagnose(&self, options: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_mapscope"))
            .arg("diagnose")
            .args(options)
            .args(&self.names)
            .current_dir(self.dir.path())
            .env("COLUMNS", "120")
            .env("NO_COLOR", "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

/// Where to look when a page is not the one that is kept.
fn check_page(kept: &Path, page: &str) -> Option<PathBuf> {
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let mut packed = GzEncoder::new(File::create(kept).unwrap(), Compression::best());
        packed.write_all(page.as_bytes()).unwrap();
        packed.finish().unwrap();
        return None;
    }
    let mut before = String::new();
    GzDecoder::new(File::open(kept).unwrap()).read_to_string(&mut before).unwrap();
    if before == page {
        return None;
    }
    let dir = xtask::cache_dir("golden").unwrap();
    let name = kept.file_stem().unwrap();
    fs::write(dir.join(format!("before-{}", name.display())), before).unwrap();
    fs::write(dir.join(name), page).unwrap();
    Some(dir.join(name))
}
