//! A diagnosis and the forecasts for a recording say the same of it.

use diagnosis::rewrites::{NoForecast, RecordedMaps, recorded_maps};
use evidence::Evidence;
use evidence::sizes::NoSizes;
use gopprof::{Label, LabelValue, ProfileBuilder, ValueType};
use ingest::{OpenOptions, Options};
use report::{Detail, RecordedWhatIf, TextOptions, render_recorded, render_recorded_json};
use serde_json::Value;

use crate::{json, text};

const WINDOWS: &str = "windows=32 window_scale=20 grows_low=9000 grows_high=11000 \
     window_group_cpu_s=1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1";

/// Maps of a line: the capacity before a growth (from 1,024 on, tables that split), growths of each window group, and
/// growths counted without.
type Rung = (i64, i64, i64);

/// Of a recording by its comments, and the rungs of lines 1, 2, ...
fn evidence_of(comments: &str, lines: &[&[Rung]]) -> Evidence {
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
    for (line, rungs) in (1..).zip(lines) {
        let at = builder.frame(&format!("main.fill{line}"), "main.go", line);
        for &(rung, of_group, counted) in *rungs {
            let text = |key, text| Label { key, value: LabelValue::Str(text) };
            let number = |key, value| Label { key, value: LabelValue::Num { value, unit: "" } };
            let before = rung.min(1024);
            let mut labels = vec![
                text("map_type", "map[string]int"),
                text("grow_kind", if rung < 1024 { "table" } else { "split" }),
                number("capacity_before", before),
                number("capacity_after", before * 2),
            ];
            if rung >= 1024 {
                labels.push(number("local_depth", i64::from((rung / 1024).ilog2())));
            }
            let values = |n| [n, n * before / 8 * 7];
            if counted > 0 {
                builder.sample(&[at], &values(counted), &labels);
            }
            labels.push(text("precision", "estimated"));
            for group in 0..16 {
                let labels = [&labels[..], &[number("window_group", group)]].concat();
                if of_group > 0 {
                    builder.sample(&[at], &values(of_group), &labels);
                }
            }
        }
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    gopprof::write_profile(&builder.finish(), file.as_file()).unwrap();
    let names = [file.path().to_str().unwrap().to_owned()];
    let options = Options { open: OpenOptions::default(), stacks: false };
    ingest::collect(&names, &options, &mut |_| {}).unwrap()
}

/// What is said of a recording, twice each.
struct Told {
    diagnosis: Value,
    forecast: Value,
    maps: Vec<RecordedMaps>,
    diagnosis_text: String,
    forecast_text: String,
}

fn told(comments: &str, lines: &[&[Rung]]) -> Told {
    let evidence = evidence_of(comments, lines);
    let maps = recorded_maps(&evidence);
    let diagnosis = diagnosis::diagnose(evidence.clone());
    let forecast = RecordedWhatIf { evidence: &evidence, maps: maps.clone(), n_more: 0 };
    let mut forecast_json = Vec::new();
    render_recorded_json(&mut forecast_json, &forecast).unwrap();
    let mut forecast_text = anstream::StripStream::new(Vec::new());
    render_recorded(&mut forecast_text, &forecast).unwrap();
    let forecast_text = String::from_utf8(forecast_text.into_inner()).unwrap();
    Told {
        diagnosis: json(&diagnosis),
        forecast: serde_json::from_slice(&forecast_json).unwrap(),
        maps,
        diagnosis_text: unwrapped(&text(
            &diagnosis,
            &TextOptions {
                width: 120,
                top: Some(99),
                detail: Detail::Verbose,
                ..TextOptions::default()
            },
        )),
        forecast_text: unwrapped(&forecast_text),
    }
}

/// Lines of text as one.
fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Fails where the two differ in sizes, numbers of maps, ranges or reasons.
#[track_caller]
fn check_same(comments: &str, lines: &[&[Rung]], sizes_in_text: &[&str]) {
    let told = told(comments, lines);
    let maps = told.forecast["maps"].as_array().unwrap();
    assert_eq!(maps.len(), lines.len());
    for maps in maps {
        let sites = told.diagnosis["sites"].as_array().unwrap();
        let site = sites.iter().find(|site| site["line"] == maps["line"]).unwrap();
        let growth = &site["growth"]["types"][0];
        assert_eq!(growth["final_sizes"]["sizes"], maps["sizes"], "{growth}");
        assert_eq!(growth["final_sizes"]["larger"], maps["larger"], "{growth}");
        assert_eq!(growth["no_sizes_because"], maps["no_sizes_because"], "{growth}");
        assert_eq!(growth["grows_range"], maps["recorded"]["grows_range"], "{growth}");
    }
    for text in [&told.forecast_text, &told.diagnosis_text] {
        for sizes in sizes_in_text {
            assert!(text.contains(sizes), "no {sizes:?} in: {text}");
        }
    }
}

#[test]
fn counted_sizes_are_the_same() {
    let lines: [&[Rung]; 2] =
        [&[(16, 0, 100), (32, 0, 10), (64, 0, 10)], &[(512, 0, 10), (1024, 0, 10), (2048, 0, 8)]];
    let texts = [
        "90 maps of 15 to 28 entries, 10 of 57 to 112",
        "6 maps of 897 to 1,792 entries, 4 of 1,793 to 3,584",
    ];
    check_same("", &lines, &texts);
}

#[test]
fn estimated_sizes_are_the_same_with_their_ranges_and_reasons() {
    let mixture: &[Rung] =
        &[(16, 600, 0), (32, 600, 0), (512, 40, 0), (1024, 40, 7), (2048, 80, 2), (4096, 160, 4)];
    let few: &[Rung] = &[(16, 0, 3), (32, 0, 3)];
    let texts = [
        "of 29 to 56 entries, about 642 (",
        ") of 3,585 to 7,168",
        "and about 13 of 57 or more, how large is not known",
        "sizes are not known: too few growths were seen to tell how large these maps become; record longer, or with --max-overhead 100",
    ];
    let with_larger: &[Rung] =
        &[(16, 600, 0), (32, 600, 0), (64, 0, 13), (128, 0, 13), (256, 0, 13)];
    check_same(WINDOWS, &[mixture, few, with_larger], &texts);
}

/// Why there is no forecast for the only maps of a recording.
fn no_sizes(told: &Told) -> NoSizes {
    match &told.maps[..] {
        [RecordedMaps { rewrites: Err(NoForecast::NoSizes(reason)), .. }] => *reason,
        others => panic!("{others:?}"),
    }
}

#[test]
fn a_lower_bound_says_at_least_and_no_sizes() {
    let told = told("uncounted_s=1.5", &[&[(16, 0, 30)]]);
    let text = &told.diagnosis_text;
    for part in [
        "at least 30 growths (for 1.5 s of the program's CPU time nothing was counted) moved at least 420 entries",
        "at least 30 growths of map[string]int, at least 420 entries moved",
        "sizes are not known: a part of the time nothing was counted",
        "every count is a lower bound",
    ] {
        assert!(text.contains(part), "no {part:?} in: {text}");
    }
    assert_eq!(no_sizes(&told), NoSizes::Uncounted);
}

#[test]
fn a_recording_of_an_old_mapscope_in_windows_says_why_there_are_no_sizes() {
    let comments = "windows=9 window_scale=20 estimate_range_pct=25.0";
    let told = told(comments, &[&[(16, 100, 0)]]);
    let text = &told.diagnosis_text;
    assert!(text.contains("about 1,600 (1,200 to 2,000) growths moved"), "{text}");
    assert!(text.contains("1,600 growths of map[string]int (estimated)"), "{text}");
    assert_eq!(no_sizes(&told), NoSizes::NoRange);
}
