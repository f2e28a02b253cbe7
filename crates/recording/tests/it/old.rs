//! Recordings of earlier versions.

use std::path::PathBuf;

use expect_test::expect;
use gopprof::{Limits, Profile, parse_profile};
use recording::{GrowsRange, Precision, Reader, Row, SAMPLE_TYPES, is_recording};

use crate::rewrite::rewritten;

fn recording(path: &str) -> Profile {
    parse_profile(&std::fs::read(xtask::testdata(path)).unwrap(), &Limits::default()).unwrap().value
}

/// All recordings of testdata.
fn recordings() -> Vec<PathBuf> {
    let folders = ["samples/recordings", "compare/before", "compare/after"];
    let files =
        folders.iter().flat_map(|folder| std::fs::read_dir(xtask::testdata(folder)).unwrap());
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.retain(|path| path.to_str().unwrap().ends_with(".pb.gz"));
    paths.sort();
    paths
}

/// Comments, and of each sample its stack, values and labels.
fn dump(profile: &Profile) -> String {
    let mut text = String::new();
    for &comment in &profile.comments {
        text += &format!("{}\n", profile.str(comment));
    }
    let columns = SAMPLE_TYPES.map(|(kind, _)| profile.sample_type_named(kind));
    for sample in profile.samples() {
        let stack = sample.locations().map(|at| {
            let location = &profile.locations[at.index()];
            let lines = location.lines.iter().map(|line| {
                let function = profile.functions[line.function.unwrap().index()];
                let (name, file) = (profile.str(function.name), profile.str(function.filename));
                format!("{name} {file}:{}", line.line)
            });
            // Some versions said where C code was, too.
            let is_main = location.mapping.is_some_and(|mapping| mapping.index() == 0);
            let address = is_main.then_some(location.address);
            format!("{address:x?} {}", lines.collect::<Vec<_>>().join(" < "))
        });
        let stack: Vec<_> = stack.collect();
        let values = columns.map(|column| column.map_or(0, |column| sample.value(column)));
        let labels: Vec<_> = sample.labels().collect();
        text += &format!("{stack:?} {values:?} {labels:?}\n");
    }
    text
}

#[test]
fn recordings_of_earlier_versions_are_written_as_they_were() {
    let mut n_recordings = 0;
    for path in recordings() {
        let bytes = std::fs::read(&path).unwrap();
        let profile = parse_profile(&bytes, &Limits::default()).unwrap().value;
        if is_recording(&profile) {
            n_recordings += 1;
            let (again, before) = (dump(&rewritten(&profile)), dump(&profile));
            for (again, before) in again.lines().zip(before.lines()) {
                assert_eq!(again, before, "{}", path.display());
            }
            assert_eq!(again.lines().count(), before.lines().count());
        }
    }
    assert!(n_recordings >= 15, "{n_recordings}");
}

#[test]
fn exact_recordings_read_as_before() {
    let profile = recording("samples/recordings/nested-1.21.13.pb.gz");
    let reader = Reader::new(&profile);
    let mut sums = std::collections::BTreeMap::new();
    for (_, row) in reader.rows() {
        let (what, n) = match row {
            Row::Cpu { samples, .. } => ("CPU samples".to_owned(), samples),
            Row::Grows { labels, grows, .. } => {
                (format!("{:?} {}", labels.kind, labels.map_type), grows)
            }
            Row::Makes { labels, makes, .. } => (format!("makes {}", labels.map_type), makes),
        };
        *sums.entry(what).or_insert(0) += n;
    }
    expect![[r#"
        {
            "CPU samples": 175,
            "Some(Double) map[string]int": 200192,
            "Some(Double) map[string]map[string]int": 550,
            "makes pprof.labelMap": 3,
        }
    "#]]
    .assert_debug_eq(&sums);
    assert!(reader.facts().is_of_this_format() && !reader.facts().has_windows());
    assert_eq!(reader.facts().grows_range(sums.values().sum()), None);
}

#[test]
fn old_ranges_have_half_their_width() {
    let profile = recording("compare/before/growth1.pb.gz");
    let reader = Reader::new(&profile);
    let (mut estimated, mut exact) = (0, 0);
    for (_, row) in reader.rows() {
        if let Row::Grows { labels, grows, .. } = row {
            let sum =
                if labels.precision == Precision::Exact { &mut exact } else { &mut estimated };
            *sum += grows;
        }
    }
    assert_eq!((exact, estimated), (14_933, 26_623));
    assert!(reader.facts().has_windows());
    let range = GrowsRange { low: 125, high: Some(82_987) };
    assert_eq!(reader.facts().grows_range(exact + estimated), Some(range));
}
