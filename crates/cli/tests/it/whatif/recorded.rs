//! Forecasts for the maps of a recording.

use std::fs;

use expect_test::expect;
use gopprof::{Label, LabelValue, ProfileBuilder, ValueType};
use serde_json::Value;

use super::refusal;
use crate::{binary, mapscope, report_of, sample, stdout_of};

const DECLARED: &str = "recordings/declared-1.27.3.pb.gz";

fn nested(version: &str) -> String {
    sample(&format!("recordings/nested-{version}.pb.gz"))
}

/// Standard output, the path of the recording without its folder.
fn forecast(recording: &str, more: &[&str]) -> String {
    let folder = recording.rsplit_once('/').unwrap().0;
    stdout_of(["whatif", recording].iter().chain(more)).replace(&format!("{folder}/"), "")
}

#[test]
fn nested_maps_are_forecast_together_at_the_sizes_they_were_recorded_to_reach() {
    expect![[r#"
        nested-1.27.3  go1.27.3  swiss maps
          nested-1.27.3.pb.gz: recording of 0.9 s, 218711 growths, 0 lost, 174 CPU samples

        map[string]map[string]int  main.build main.go:47
          recorded: 595 growths of 75,650 entries, 4.4 MiB allocated (exact)
          sizes, by these: 85 maps of 449 to 896 entries
          in them map[string]int  main.build main.go:49
          recorded: 217,600 growths of 9,487,360 entries, 543.2 MiB allocated (exact)
          sizes, by these: 43,520 maps of 113 to 224 entries
          and 0 to 32,640 of at most 8 entries, which no recording sees
          built by insertions                today            presized           flattened  flattened, presized             sharded
          growths                          218,195                   0               8,970                   0             221,144
                                                                                 to 20,264           to 11,084          to 224,440
          entries moved                  9,563,010                   0           7,579,172                   0           9,521,733
                                                                             to 17,699,050        to 5,048,299        to 9,586,083
          allocations                      567,205             174,420              35,520              21,930             580,779
                                        to 632,485          to 239,700           to 80,819           to 66,294          to 653,185
          allocated                      565.2 MiB           276.8 MiB           793.3 MiB           510.4 MiB           563.5 MiB
                                      to 573.2 MiB        to 284.8 MiB          to 1.8 GiB          to 1.0 GiB        to 575.4 MiB
          objects held                     174,420             174,420              17,087              21,930             184,371
                                        to 239,700          to 239,700           to 39,680           to 43,690          to 250,240
          of it with pointers            276.8 MiB           276.8 MiB           396.9 MiB           510.4 MiB           276.3 MiB
                                      to 284.8 MiB        to 284.8 MiB        to 926.8 MiB          to 1.0 GiB        to 286.3 MiB

        and 1 more; --top shows them

        Sizes are those between two growths: each number is for maps of the smallest size up to maps of the largest. They were
        not measured of maps that never grow (up to 8 entries, or up to their hint), nor of those that grew before the
        recording began; deletions are not seen. Today is without size hint, or with the mean of those recorded; presized is
        with exact ones. Flattened is one map with both keys in place of each outer map, as if each held as many entries.
        Sharded is 32 maps in place of each (of nested maps: of each outer one), without locks. Objects held and bytes with
        pointers, which each collection marks and reads, are of all these maps at once, kept or not.
    "#]].assert_eq(&forecast(&nested("1.27.3"), &["--top", "1"]));
}

#[test]
fn entries_of_classic_maps_are_counted_as_a_recording_does_and_as_moved() {
    expect![[r#"
        nested-1.21.13  go1.21.13  classic maps
          nested-1.21.13.pb.gz: recording of 0.9 s, 200742 growths, 0 lost, 175 CPU samples

        map[string]map[string]int  main.(*store).add main.go:32
          recorded: 4 growths of 92 entries, 7.0 KiB allocated (exact)
          sizes, by these: 1 map of 49 to 96 entries
          in them map[string]int  main.(*store).add main.go:34
          recorded: 512 growths of 98,048 entries, 7.1 MiB allocated (exact)
          sizes, by these: 64 maps of 769 to 1,536 entries
          and 0 to 32 of at most 8 entries, which no recording sees
          built by insertions                today            presized           flattened  flattened, presized             sharded
          growths                              516                   0                  14                   0                 512
                                                                                     to 15                                  to 518
          entries at growths                98,140                   0              98,300                   0              98,048
                                                                                to 196,604                               to 98,094
          entries moved                     49,099                   0              49,801                   0              49,055
                                         to 98,140                              to 101,571                               to 98,094
          allocations                        1,505                 195               1,109                   3               1,546
                                          to 3,663            to 1,698            to 3,310            to 1,616            to 3,717
          allocated                        7.2 MiB             3.5 MiB            11.6 MiB             5.6 MiB             7.2 MiB
                                        to 7.7 MiB          to 3.8 MiB         to 23.4 MiB         to 11.2 MiB          to 7.7 MiB
          objects held                         195                 195                   3                   3                 244
                                          to 1,699            to 1,698            to 1,616            to 1,616            to 1,760
          of it with pointers              3.5 MiB             3.5 MiB             5.6 MiB             5.6 MiB             3.5 MiB
                                        to 5.5 MiB          to 3.8 MiB         to 17.3 MiB         to 11.2 MiB          to 5.5 MiB

        Sizes are those between two growths: each number is for maps of the smallest size up to maps of the largest. They were
        not measured of maps that never grow (up to 8 entries, or up to their hint), nor of those that grew before the
        recording began; deletions are not seen. Today is without size hint, or with the mean of those recorded; presized is
        with exact ones. Flattened is one map with both keys in place of each outer map, as if each held as many entries.
        Sharded is 32 maps in place of each (of nested maps: of each outer one), without locks. Objects held and bytes with
        pointers, which each collection marks and reads, are of all these maps at once, kept or not.
        Entries at growths: those in the map when its growth begins, as `mapscope record` counts them; they are moved bit by bit
        by later writes.
    "#]].assert_eq(&forecast(&nested("1.21.13"), &["--site", "store"]));
}

#[test]
fn what_the_recording_does_not_know_is_said() {
    expect![[r#"
        declared-1.27.3  go1.27.3  swiss maps
          declared-1.27.3.pb.gz: recording of 0.0 s, 68 growths, 0 lost, 0 CPU samples

        main.totals  main.fillTotals main.go:19
          recorded: 60 growths of 7,840 entries, 640.0 KiB allocated (exact)
          sizes, by these: 20 maps of 225 to 448 entries
          made with a hint of 50.0 on average: 20 maps at main.fillTotals main.go:17
          no forecast: what main.totals looks like is not known; name the binary after the recording

        map[string]map[uint32]bool  main.fillFlags main.go:32
          recorded: 8 growths of 1,786 entries, 105.9 KiB allocated (exact)
          sizes, by these: 1 map of 897 to 1,792 entries
          in them map[uint32]bool  none of which grew
          and 897 to 1,792 of at most 8 entries, which no recording sees
          built by insertions                today            presized           flattened  flattened, presized             sharded
          growths                                8                   0                   0                   0                  64
                                              to 9                to 1               to 37               to 15              to 121
          entries moved                      1,786                   0                   0                   0                 916
                                          to 2,682              to 896           to 27,770           to 13,440            to 2,785
          allocations                          919                 903                   1                   1               1,114
                                          to 3,611            to 3,595              to 142               to 95            to 3,923
          allocated                      148.5 KiB            95.3 KiB                48 B                48 B           107.0 KiB
                                      to 383.8 KiB        to 330.7 KiB          to 2.4 MiB          to 1.8 MiB        to 404.9 KiB
          objects held                         903                 903                   1                   1               1,012
                                          to 3,592            to 3,592               to 64               to 64            to 3,712
          of it with pointers             95.4 KiB            82.0 KiB                48 B                48 B            79.2 KiB
                                      to 164.0 KiB        to 164.0 KiB          to 1.2 MiB          to 1.2 MiB        to 177.6 KiB

        Sizes are those between two growths: each number is for maps of the smallest size up to maps of the largest. They were
        not measured of maps that never grow (up to 8 entries, or up to their hint), nor of those that grew before the
        recording began; deletions are not seen. Today is without size hint, or with the mean of those recorded; presized is
        with exact ones. Flattened is one map with both keys in place of each outer map, as if each held as many entries.
        Sharded is 32 maps in place of each (of nested maps: of each outer one), without locks. Objects held and bytes with
        pointers, which each collection marks and reads, are of all these maps at once, kept or not.
        Of maps larger than one table of 1,024 slots, older recordings say only the mean number of tables.
    "#]].assert_eq(&forecast(&sample(DECLARED), &[]));
}

#[test]
fn the_binary_changes_nothing_where_types_are_written_out() {
    let (recording, program) = (nested("1.27.3"), binary("nested-1.27.3"));
    let json = |inputs: &[&str]| report_of("whatif-recorded", inputs);
    let (with, without) = (json(&[&program, &recording]), json(&[&recording]));
    assert_eq!(with["maps"], without["maps"]);
    assert_eq!(
        (with["sources"].as_array().unwrap().len(), with["schema"].as_str()),
        (2, Some("mapscope.whatif_recorded/1"))
    );
}

#[test]
fn json_has_each_level_with_its_sizes_and_reasons() {
    let report = report_of("whatif-recorded", [sample(DECLARED)]);
    let maps = &report["maps"];
    assert_eq!((&maps[0]["rewrites"], &maps[0]["inner"]), (&Value::Null, &Value::Null));
    assert_eq!((maps[0]["mean_hint"].as_f64(), &report["left_out"]), (Some(50.0), &0.into()));
    expect![[r#"
        "unknown_type" "no_maps"
    "#]]
    .assert_eq(&format!(
        "{} {}\n",
        maps[0]["no_forecast_because"], maps[0]["not_flattened_because"]
    ));
    expect![[r#"
        {"file":null,"function":null,"larger":null,"line":null,"map_type":"map[uint32]bool","mean_hint":null,"recorded":null,"sizes":null,"unseen_entries_at_most":8,"unseen_maps":{"high":1792,"low":897}}
    "#]]
    .assert_eq(&format!("{}\n", maps[1]["inner"]));
    expect![[r#"
        {"grow_bytes":108448,"grows":8,"grows_range":null,"moved_bytes":42864,"moved_entries":1786,"precision":"exact"}
    "#]]
    .assert_eq(&format!("{}\n", maps[1]["recorded"]));
    expect![[r#"
        [{"entries":{"high":1792,"low":897},"maps":1,"maps_range":null}]
    "#]]
    .assert_eq(&format!("{}\n", maps[1]["sizes"]));
    let today = &maps[1]["rewrites"][0];
    assert_eq!((&today["name"], &today["moved_entries"]["low"]), (&"today".into(), &1786.into()));
}

#[test]
fn draws_a_bar_for_each_rewrite() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("chart.svg");
    let output = mapscope(["whatif", &nested("1.27.3"), "--svg", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
    let svg = fs::read_to_string(path).unwrap();
    // Two pairs of lines, five rewrites, three numbers, two ends; and the ground.
    assert_eq!(svg.matches("<rect").count(), 2 * 5 * 3 * 2 + 1);
    assert!(svg.contains(">map[string]map[string]int  main.build main.go:47</text>"), "{svg}");
    assert!(svg.contains(">9,563,010</text>"), "{svg}");
}

/// A recording of growths of a kind, in slots before and after.
fn recording(kind: &str, steps: &[(i64, i64)]) -> (tempfile::TempDir, String) {
    let mut builder = ProfileBuilder::default();
    let comments = ["mapscope.format=1", "go_version=go1.23.9", "map_impl=classic"];
    for comment in comments {
        let comment = builder.string(comment);
        builder.profile_mut().comments.push(comment);
    }
    for (kind, unit) in [("map_grows", "count"), ("map_moved_entries", "count")] {
        let column = ValueType { kind: builder.string(kind), unit: builder.string(unit) };
        builder.profile_mut().sample_types.push(column);
    }
    let fill = builder.frame("main.fill", "main.go", 7);
    let number = |key, value| Label { key, value: LabelValue::Num { value, unit: "" } };
    for &(before, after) in steps {
        let labels = [
            Label { key: "map_type", value: LabelValue::Str("map[string]int") },
            Label { key: "grow_kind", value: LabelValue::Str(kind) },
            number("capacity_before", before),
            number("capacity_after", after),
        ];
        builder.sample(&[fill], &[1, before], &labels);
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("made.pb.gz");
    gopprof::write_profile(&builder.finish(), fs::File::create(&path).unwrap()).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (dir, path)
}

#[test]
fn absurd_capacities_are_no_panic() {
    for steps in [[(i64::MAX, i64::MAX), (0, 0)], [(3, 1), (1, i64::MAX)], [(-1, -8), (7, 1 << 62)]]
    {
        for kind in ["double", "split", "table", "small-to-table", "same-size", "other"] {
            let (_dir, path) = recording(kind, &steps);
            assert!(mapscope(["whatif", &path]).status.code().is_some_and(|code| code != 101));
        }
    }
}

#[test]
fn says_what_a_recording_lacks() {
    let profile = sample("nested-1.27.3/cpu.pprof");
    let message = format!(
        "mapscope: {profile}: no recording among the inputs, which `mapscope record` makes; `--map` takes sizes by hand\n"
    );
    assert_eq!(refusal(&[&profile]), message);

    let (_dir, path) = recording("same-size", &[(64, 64)]);
    let message =
        format!("mapscope: {path}: no sizes: no map here is known to have stopped growing\n");
    assert_eq!(refusal(&[&path]), message);

    let (_dir, path) = recording("double", &[]);
    assert_eq!(
        refusal(&[&path]),
        format!("mapscope: {path}: no map grew while this was recorded\n")
    );

    let declared = sample(DECLARED);
    let message = format!(
        "mapscope: {declared}: what main.totals looks like is not known; name the binary after the recording\n"
    );
    assert_eq!(refusal(&[&declared, "--site", "totals"]), message);
    expect![[r#"
        mapscope: --site nothing: no line or type of the recording matches
    "#]]
    .assert_eq(&refusal(&[&declared, "--site", "nothing"]));
    let program = binary("nested-1.27.3");
    assert!(refusal(&[&declared, &program]).contains("is not a profile of"));
}

#[test]
fn sizes_by_hand_and_a_recording_exclude_each_other() {
    let declared = sample(DECLARED);
    for more in [&["--map", "map[int]int", "--outer", "1"][..], &["--go", "1.23"]] {
        assert!(refusal(&[&[declared.as_str()], more].concat()).contains("cannot be used with"));
    }
    assert!(refusal(&["--site", "x"]).contains("RECORDING"));
    assert!(refusal(&["--map", "map[int]int"]).contains("--outer"));
}
