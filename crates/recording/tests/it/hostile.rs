//! What is not as it should be.

use gopprof::{Label, LabelValue, ProfileBuilder, ValueType};
use recording::{Ending, Facts, Fixed, GrowsRange, Labels, Precision, Reader, Row};

fn read(comments: &str) -> Facts {
    Facts::read(comments.lines().map(str::trim))
}

#[test]
fn what_is_not_known_is_passed_over() {
    let facts = read("no key and value\nweather=fine\nend=bored\n=\nprobes=2\nend");
    assert_eq!(facts, Facts { probes: Some(2), ..Facts::default() });
}

#[test]
fn of_two_comments_with_one_key_the_last_counts() {
    assert_eq!(read("end=exit\nend=signal").end, Some(Ending::Signal));
    assert_eq!(read("events=7\nevents=seven"), Facts::default());
}

#[test]
fn numbers_that_are_none_are_not_said() {
    let facts = read(
        "lost_events=-1
         windows_s=nan
         frozen_s=inf
         uncounted_s=
         gc_cycles=99999999999999999999
         every_split=2",
    );
    assert_eq!(facts, Facts::default());
    assert_eq!(facts.uncounted_ns(), 0);
    assert_eq!(read("uncounted_s=-1").uncounted_ns(), 0);
    assert_eq!(read("uncounted_s=1e300").uncounted_ns(), u64::MAX);
}

#[test]
fn numbers_keep_the_digits_that_they_have() {
    let text = |comment: &str| read(comment).comments().collect::<Vec<_>>().join(" ");
    for comment in ["windows_s=0.25", "windows_s=20", "windows_s=0.123456789", "windows_s=-0.5"] {
        assert_eq!(text(comment), comment);
    }
    assert_eq!(text(&format!("windows_s=0.{}", "1".repeat(1000))), "windows_s=0.111111111");
}

#[test]
fn an_unknown_number_of_windows_is_some() {
    for (comment, has_windows) in [
        ("windows=x", true),
        ("windows=1", true),
        ("windows=", true),
        ("windows=0", false),
        ("", false),
    ] {
        assert_eq!(read(comment).has_windows(), has_windows, "{comment}");
    }
}

#[test]
fn a_range_that_the_number_is_not_in_is_none() {
    let range = |comments: &str| read(comments).grows_range(100);
    let of = |low, high| Some(GrowsRange { low, high });
    assert_eq!(range("grows_low=90\ngrows_high=110"), of(90, Some(110)));
    assert_eq!(range("grows_low=90\ngrows_high=unknown"), of(90, None));
    assert_eq!(range("grows_low=90"), of(90, None));
    assert_eq!(range("grows_low=101\ngrows_high=110"), None);
    assert_eq!(range("grows_low=9\ngrows_high=11\nestimate_range_pct=5"), None);
    assert_eq!(range("estimate_range_pct=25.0"), of(75, Some(125)));
    assert_eq!(range("estimate_range_pct=-1"), None);
    assert_eq!(range("estimate_range_pct=1e9"), None);
    assert_eq!(range(""), None);
}

#[test]
fn lists_end_before_what_is_no_number_and_are_short() {
    let groups = |list: &str| {
        let facts = read(&format!("window_group_cpu_s={list}"));
        facts.window_group_cpu_s.unwrap().into_iter().map(Fixed::value).collect::<Vec<_>>()
    };
    assert_eq!(groups("1, 2.5,,3"), [1.0, 2.5]);
    assert_eq!(groups("nan"), []);
    assert_eq!(groups(&"1e300,".repeat(100_000)).len(), 64);
}

/// The first row of a recording with one sample.
fn row_of(types: &[&str], values: &[i64], labels: &[Label<'_>]) -> String {
    let mut builder = ProfileBuilder::default();
    for kind in types {
        let column = ValueType { kind: builder.string(kind), unit: builder.string("count") };
        builder.profile_mut().sample_types.push(column);
    }
    let at = builder.frame("main.fill", "main.go", 7);
    builder.sample(&[at], values, labels);
    let profile = builder.finish();
    let (_, row) = Reader::new(&profile).rows().next().unwrap();
    format!("{row:?}")
}

fn grows(labels: Labels<'_>, grows: u64) -> String {
    let (moved_entries, moved_bytes, grow_bytes) = (0, 0, 0);
    format!("{:?}", Row::Grows { labels, grows, moved_entries, moved_bytes, grow_bytes })
}

#[test]
fn columns_are_found_by_name_and_the_first_of_a_name_counts() {
    let types = ["weather", "map_grows", "map_grows"];
    assert_eq!(row_of(&types, &[1, 2, 3], &[]), grows(Labels::default(), 2));
    let nothing = Row::Cpu { samples: 0, cpu_ns: 0 };
    assert_eq!(row_of(&["map_grows"], &[-5], &[]), format!("{nothing:?}"));
    assert_eq!(row_of(&["weather"], &[9], &[]), format!("{nothing:?}"));
}

#[test]
fn labels_that_are_not_of_their_kind_are_not_said() {
    let text = |key, text| Label { key, value: LabelValue::Str(text) };
    let number = |key, value| Label { key, value: LabelValue::Num { value, unit: "" } };
    let row = |labels: &[Label<'_>]| row_of(&["map_grows"], &[1], labels);
    let labels = [
        number("map_type", 1),
        text("grow_kind", "sideways"),
        text("map_impl", "tree"),
        text("capacity_before", "8"),
        number("capacity_after", -8),
        number("local_depth", 53),
        number("every_growth_from", -1),
        number("window_group", i64::MAX),
        text("weather", "fine"),
    ];
    assert_eq!(row(&labels), grows(Labels::default(), 1));
    // What is not known is not taken for exact.
    for label in [text("precision", "perfect"), number("precision", 0)] {
        let estimated = Labels { precision: Precision::Estimated, ..Labels::default() };
        assert_eq!(row(&[label]), grows(estimated, 1));
    }
}
