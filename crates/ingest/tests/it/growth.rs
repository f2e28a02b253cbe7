//! Recordings to growths: what was counted, estimated, and not counted at all.

use evidence::sizes::NoSizes;
use evidence::{Bounds, Evidence, GroupId, Precision, TypeGrowth};
use gomap::GrowKind;
use gopprof::{Label, LabelValue, ProfileBuilder, ValueType};

use crate::{encode, evidence_of, notices};

const WINDOWS: &str = "windows=32 window_scale=20 grows_low=30 grows_high=2000 scale_error_pct=5 \
     window_group_cpu_s=1,1,1,1,1,1,1,1.5,1,1,1,1,1,1,1,1";

/// A recording by its comments, and samples as "line n kind before group depth", or of classic maps "line n double before
/// group every_growth_from"; `-` for what a sample lacks.
pub(crate) fn recording(comments: &str, samples: &str) -> Vec<u8> {
    let mut builder = ProfileBuilder::default();
    let all = "mapscope.format=1 go_version=go1.27.3 map_impl=swiss".split(' ');
    for comment in all.chain(comments.split_whitespace()) {
        let comment = builder.string(comment);
        builder.profile_mut().comments.push(comment);
    }
    for (kind, unit) in [("map_grows", "count"), ("map_moved_entries", "count")] {
        let column = ValueType { kind: builder.string(kind), unit: builder.string(unit) };
        builder.profile_mut().sample_types.push(column);
    }
    for sample in samples.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let fields: Vec<&str> = sample.split_whitespace().collect();
        let [line, n, kind, before, group, depth] = fields[..] else { panic!("{sample}") };
        let (n, before): (i64, i64) = (n.parse().unwrap(), before.parse().unwrap());
        let text = |key, text| Label { key, value: LabelValue::Str(text) };
        let number = |key, value| Label { key, value: LabelValue::Num { value, unit: "" } };
        let mut labels = vec![
            text("map_type", "map[string]int"),
            text("grow_kind", kind),
            number("capacity_before", before),
            number("capacity_after", before.saturating_mul(2)),
        ];
        if group != "-" {
            labels.push(text("precision", "estimated"));
        }
        labels.extend(group.parse().ok().map(|group| number("window_group", group)));
        let last = if kind == "double" { "every_growth_from" } else { "local_depth" };
        labels.extend(depth.parse().ok().map(|depth| number(last, depth)));
        let at = builder.frame("main.fill", "main.go", line.parse().unwrap());
        builder.sample(&[at], &[n, n.saturating_mul(before / 8 * 7)], &labels);
    }
    encode(builder)
}

fn types(evidence: &Evidence) -> Vec<&TypeGrowth> {
    let mut sites: Vec<_> = evidence.sites.iter().collect();
    sites.sort_by_key(|site| site.frame.line);
    sites.into_iter().flat_map(|site| &site.growth.as_ref().unwrap().types).collect()
}

/// Growths of a table in every group, as many each.
fn in_all_groups(line: u32, n: u64, before: u64) -> String {
    (0..16).map(|group| format!("{line} {n} table {before} {group} -\n")).collect()
}

#[test]
fn estimated_growths_keep_the_group_and_splits_the_depth() {
    let samples =
        "7 10 table 512 - -\n7 40 table 512 3 -\n7 60 split 1024 15 1\n7 20 split 1024 15 2";
    let evidence = evidence_of(&[recording(WINDOWS, samples)]);
    let growth = types(&evidence)[0];
    let steps: Vec<_> = growth
        .steps
        .iter()
        .map(|step| (step.kind, step.local_depth, step.grows, step.sampled.by_group.clone()))
        .collect();
    let group = |group| GroupId { recording: 0, group };
    assert_eq!(
        steps,
        [
            (GrowKind::Table, None, 50, vec![(group(3), 40)]),
            (GrowKind::Split, Some(1), 60, vec![(group(15), 60)]),
            (GrowKind::Split, Some(2), 20, vec![(group(15), 20)]),
        ]
    );
    let process = evidence.growth.as_ref().unwrap();
    assert_eq!(process.grows_range, Some(Bounds { low: 30, high: Some(2000) }));
    let windows = &process.windows[0];
    assert_eq!((windows.group_cpu_ns.len(), windows.group_cpu_ns[7]), (16, 1_500_000_000));
    assert_eq!((windows.scale, windows.scale_error), (20.0, 0.05));
    let text = notices(&evidence);
    assert!(text.contains("between 30 and 2000 growths in all"), "{text}");
}

#[test]
fn nothing_is_exact_where_windows_counted_too() {
    let samples = format!("7 5 table 16 - -\n{}", in_all_groups(9, 100, 16));
    let evidence = evidence_of(&[recording(WINDOWS, &samples)]);
    let [seen_before, estimated] = types(&evidence)[..] else { panic!() };
    assert_eq!(seen_before.precision, Precision::Estimated);
    // None seen in windows leaves 3.69 times their scale.
    assert_eq!(seen_before.grows_range, Some(Bounds { low: 5, high: Some(79) }));
    let range = estimated.grows_range.unwrap();
    assert!(range.low < 1500 && range.high > Some(1700), "{range:?}");
    assert_eq!(seen_before.sizes, Err(NoSizes::TooFew));
    assert_eq!(estimated.sizes.as_ref().unwrap().classes().len(), 1);
}

#[test]
fn every_growth_was_counted_only_where_all_recordings_with_windows_say_so() {
    let every = |recordings: &[&[u8]]| {
        let recordings: Vec<Vec<u8>> = recordings.iter().map(|bytes| bytes.to_vec()).collect();
        types(&evidence_of(&recordings))[0].every_growth_from
    };
    let of = |from: &str| recording(WINDOWS, &format!("7 40 double 16 2 {from}"));
    let (said, later, unsaid) = (of("1024"), of("2048"), of("-"));
    let without_windows = recording("", "7 4 double 16 - -");
    let elsewhere = recording(WINDOWS, "9 40 double 16 2 1024");
    assert_eq!(every(&[&said]), Some(1024));
    assert_eq!(every(&[&said, &later, &without_windows]), Some(2048));
    assert_eq!(every(&[&said, &unsaid]), None);
    assert_eq!(every(&[&said, &elsewhere]), None);
    assert_eq!(every(&[&without_windows]), None);
}

#[test]
fn groups_of_several_recordings_are_different_groups() {
    let of = |line| recording(WINDOWS, &format!("{line} 40 table 16 2 -"));
    let exact = recording("", "7 4 table 16 - -");
    let evidence = evidence_of(&[of(7), exact, of(7)]);
    let step = &types(&evidence)[0].steps[0];
    let group = |recording| GroupId { recording, group: 2 };
    assert_eq!(
        (step.grows, &step.sampled.by_group[..]),
        (84, &[(group(0), 40), (group(1), 40)][..])
    );
    let range = evidence.growth.unwrap().grows_range;
    assert_eq!(range, Some(Bounds { low: 64, high: Some(4004) }));
}

#[test]
fn old_windows_have_no_ranges_by_line_and_no_sizes() {
    let comments = "windows=9 window_scale=20 estimate_range_pct=25.0";
    let evidence = evidence_of(&[recording(comments, "7 400 table 16 x -\n9 8 table 16 - -")]);
    let process = evidence.growth.as_ref().unwrap();
    assert_eq!(process.grows_range, Some(Bounds { low: 306, high: Some(510) }));
    let [estimated, _] = types(&evidence)[..] else { panic!() };
    assert_eq!(estimated.steps[0].sampled.of_no_group, 400);
    assert_eq!(estimated.grows_range, None);
    assert_eq!(estimated.sizes, Err(NoSizes::NoRange));
}

#[test]
fn clocks_that_were_missing_in_one_recording_are_missing() {
    let windows = |more: &str| recording(&format!("windows=3 {more}"), "7 400 table 16 - -");
    let lacks_clocks =
        |recordings: &[Vec<u8>]| evidence_of(recordings).growth.unwrap().lacks_clocks;
    assert!(!lacks_clocks(&[windows("")]));
    assert!(lacks_clocks(&[windows("thread_clocks=0"), windows("")]));
}

#[test]
fn time_that_was_not_counted_makes_a_lower_bound() {
    let evidence = evidence_of(&[recording("uncounted_s=0.25", "7 400 table 16 - -")]);
    let process = evidence.growth.as_ref().unwrap();
    assert_eq!((process.precision, process.uncounted_ns), (Precision::LowerBound, 250_000_000));
    assert_eq!(process.grows_range, Some(Bounds { low: 400, high: None }));
    let growth = types(&evidence)[0];
    assert_eq!(growth.grows_range, Some(Bounds { low: 400, high: None }));
    assert_eq!(growth.sizes, Err(NoSizes::Uncounted));
    assert!(notices(&evidence).contains("0.25 s of the program's CPU time nothing was counted"));
    let counted = evidence_of(&[recording("windows=0 uncounted_s=0.000", "7 400 table 16 - -")]);
    assert_eq!(counted.growth.unwrap().precision, Precision::Exact);
}

#[test]
fn hostile_groups_and_ranges_are_no_panic() {
    let many = "1e300,".repeat(100_000);
    let comments = [
        "windows=x window_group_cpu_s=nan grows_low=9 grows_high=1".to_owned(),
        "windows=99999999999999999999 window_scale=1e300 scale_error_pct=inf uncounted_s=-1"
            .to_owned(),
        format!("windows=3 window_group_cpu_s={many} uncounted_s=1e300"),
        "windows=3 estimate_range_pct=-1e308 window_group_cpu_s=1,,2 window_scale=-7".to_owned(),
    ];
    // Negative numbers are those of a difference, which is refused.
    let numbers = ["0", "1", "9223372036854775807", "99"];
    for comments in comments {
        for number in numbers {
            let samples = format!(
                "7 {number} split 1024 {number} {number}\n7 9 table {number} {number} {number}\n\
                 7 9223372036854775807 table 16 1 -\n7 9223372036854775807 table 16 - -"
            );
            let recording = recording(&comments, &samples);
            let evidence = evidence_of(&[recording.clone(), recording]);
            let process = evidence.growth.as_ref().unwrap();
            assert!(process.windows.iter().all(|of| of.group_cpu_ns.len() <= 64));
            for growth in types(&evidence) {
                let _ = growth.sizes.as_ref().map(|sizes| sizes.quantile(0.5));
            }
        }
    }
}
