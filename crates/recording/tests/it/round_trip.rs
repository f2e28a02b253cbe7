//! What is written reads back equal.

use expect_test::expect;
use goabi::{GoVersion, MapImpl};
use gomap::GrowKind;
use gopprof::{Limits, Profile, parse_profile, write_profile};
use recording::{
    Ending, Executable, FORMAT, Facts, Fixed, Frame, Labels, LinkKind, Placeholder, Precision,
    Reader, Row, Span, Writer,
};

/// Says everything that can be said.
pub(crate) fn all_facts() -> Facts {
    Facts {
        format: Some(FORMAT),
        program: Some("a=b server".to_owned()),
        go_version: Some(Some(GoVersion { major: 1, minor: 27, patch: 3 })),
        map_impl: Some(MapImpl::Swiss),
        processes: Some(2),
        elsewhere: Some(1),
        other_go_code: Some("/a.so, /b.so".to_owned()),
        duration_s: Some(Fixed::new(12.5)),
        end: Some(Ending::Signal),
        events: Some(3),
        lost_events: Some(4),
        lost_stacks: Some(5),
        cut_stacks: Some(6),
        lost_samples: Some(7),
        sample_hz: Some(99),
        gc_cycles: Some(8),
        probes: Some(9),
        inlined_copies: Some(10),
        unprobed_copies: Some(11),
        links: Some(LinkKind::UprobeMulti),
        overhead_pct: Some(Fixed::new(1.25)),
        max_overhead_pct: Some(Fixed::new(3.0)),
        trap_cost_ns: Some(Fixed::new(679.0)),
        event_cost_ns: Some(Fixed::new(1254.0)),
        exact_s: Some(Fixed::new(0.125)),
        sampled_stacks_s: Some(Fixed::new(0.25)),
        windows_s: Some(Fixed::new(0.5)),
        other_files_above: Some(1024),
        other_go_code_partly: Some(true),
        frozen_s: Some(Fixed::new(0.001)),
        not_recorded_processes: Some(12),
        unprobed_processes: Some(13),
        exe_replaced_s: Some(Fixed::new(1.0)),
        only_user: Some(1000),
        gc_assists: Some(14),
        thread_clocks: Some(false),
        windows: Some(Some(32)),
        window_scale: Some(Fixed::new(20.25)),
        estimate_range_pct: Some(Fixed::new(12.5)),
        window_group_cpu_s: Some(vec![Fixed::new(0.5), Fixed::new(1.25)]),
        held_up_pct: Some(Fixed::new(40.0)),
        waited_pct: Some(Fixed::new(0.0)),
        scale_error_pct: Some(Fixed::new(2.5)),
        unmet_bursts_pct: Some(Fixed::new(0.5)),
        uncounted_s: Some(Fixed::new(0.0)),
        every_split: Some(true),
        grows_low: Some(620),
        grows_high: Some(None),
    }
}

fn rows() -> [Row<'static>; 4] {
    let of_split = Labels {
        map_type: "map[string]int",
        map_impl: Some(MapImpl::Swiss),
        before: 1024,
        after: 2048,
        kind: Some(GrowKind::Split),
        local_depth: Some(3),
        every_growth_from: None,
        precision: Precision::Estimated,
        window_group: Some(15),
    };
    let of_classic = Labels {
        map_impl: Some(MapImpl::Classic),
        kind: Some(GrowKind::SameSize),
        before: 64,
        after: 64,
        every_growth_from: Some(1024),
        precision: Precision::EstimatedSite,
        ..Labels::default()
    };
    let of_makes = Labels { map_type: "map[int]bool", after: 128, ..Labels::default() };
    let (moved_bytes, grow_bytes) = (300, 400);
    [
        Row::Cpu { samples: 3, cpu_ns: 30_303_030 },
        Row::Grows { labels: of_split, grows: 1, moved_entries: 896, moved_bytes, grow_bytes },
        Row::Grows {
            labels: of_classic,
            grows: u64::MAX >> 1,
            moved_entries: 0,
            moved_bytes: 0,
            grow_bytes: 0,
        },
        Row::Makes { labels: of_makes, makes: 2, hint_entries: 200 },
    ]
}

pub(crate) fn written(facts: &Facts) -> Profile {
    let executable = Executable {
        path: "/usr/bin/server",
        build_id: "abc",
        text: 0x1000..0x2000,
        file_offset: 0x400,
    };
    let span = Span { started_ns: 1_700_000_000_000_000_000, duration_ns: 12_500_000_000 };
    let mut writer = Writer::new(&executable, span, facts);
    let fill = Frame { function: "main.fill", file: "main.go", line: 7 };
    let main = Frame { function: "main.main", file: "main.go", line: 9 };
    let inlined = writer.location(0x1010, [fill, main].into_iter());
    let [no_stack, no_user_stack, outside] =
        [Placeholder::NoStack, Placeholder::NoUserStack, Placeholder::OutsideGo]
            .map(|placeholder| writer.placeholder(placeholder));
    let stacks = [vec![no_user_stack], vec![inlined, outside], vec![no_stack], vec![inlined]];
    for (stack, row) in stacks.iter().zip(&rows()) {
        writer.row(stack, row);
    }
    writer.finish()
}

/// As a reader gets it.
fn reread(profile: &Profile) -> Profile {
    let mut bytes = Vec::new();
    write_profile(profile, &mut bytes).unwrap();
    let parsed = parse_profile(&bytes, &Limits::default()).unwrap();
    assert_eq!(parsed.faults, []);
    parsed.value
}

#[test]
fn what_is_written_reads_back_equal() {
    let facts = all_facts();
    let profile = reread(&written(&facts));
    let reader = Reader::new(&profile);
    assert_eq!(*reader.facts(), facts);
    assert_eq!(reader.rows().map(|(_, row)| row).collect::<Vec<_>>(), rows());
}

#[test]
fn facts_that_are_not_said_are_not_written() {
    let profile = reread(&written(&Facts::default()));
    assert_eq!((profile.comments.len(), profile.period), (0, 0));
    assert_eq!(*Reader::new(&profile).facts(), Facts::default());
}

#[test]
fn the_file_stays_as_it_is() {
    let profile = written(&all_facts());
    let str = |id| profile.str(id);
    let types = profile.sample_types.iter().map(|t| format!("{}/{}", str(t.kind), str(t.unit)));
    let mut text = format!("{}\n", types.collect::<Vec<_>>().join(" "));
    let period = profile.period_type.unwrap();
    text += &format!("{} {} {}\n", profile.period, str(period.kind), str(period.unit));
    text += &format!("{}\n", str(profile.default_sample_type));
    for of in &profile.mappings {
        text += &format!(
            "{:x}-{:x} {:x} {:?} {:?}\n",
            of.memory_start,
            of.memory_limit,
            of.file_offset,
            str(of.filename),
            str(of.build_id)
        );
    }
    for sample in profile.samples() {
        let names = sample.locations().flat_map(|at| &profile.locations[at.index()].lines);
        let names = names.map(|l| str(profile.functions[l.function.unwrap().index()].name));
        text +=
            &format!("{:?} {:?}\n", names.collect::<Vec<_>>(), sample.values().collect::<Vec<_>>());
        for label in sample.labels() {
            text += &format!("    {} {:?}\n", label.key, label.value);
        }
    }
    for &comment in &profile.comments {
        text += &format!("{}\n", str(comment));
    }
    expect![[r#"
        samples/count cpu/nanoseconds map_grows/count map_moved_entries/count map_moved_space/bytes map_grow_space/bytes map_makes/count map_hint_entries/count
        10101010 cpu nanoseconds
        map_moved_space
        1000-2000 400 "/usr/bin/server" "abc"
        0-0 0 "[outside Go]" "none"
        ["[no user stack]"] [3, 30303030, 0, 0, 0, 0, 0, 0]
        ["main.fill", "main.main", "[outside Go]"] [0, 0, 1, 896, 300, 400, 0, 0]
            map_type Str("map[string]int")
            map_impl Str("swiss")
            capacity_before Num { value: 1024, unit: "entries" }
            capacity_after Num { value: 2048, unit: "entries" }
            grow_kind Str("split")
            local_depth Num { value: 3, unit: "levels" }
            precision Str("estimated")
            window_group Num { value: 15, unit: "group" }
        ["[stack not recorded]"] [0, 0, 9223372036854775807, 0, 0, 0, 0, 0]
            map_type Str("unknown")
            map_impl Str("classic")
            capacity_before Num { value: 64, unit: "entries" }
            capacity_after Num { value: 64, unit: "entries" }
            grow_kind Str("same-size")
            every_growth_from Num { value: 1024, unit: "entries" }
            precision Str("site-estimated")
        ["main.fill", "main.main"] [0, 0, 0, 0, 0, 0, 2, 200]
            map_type Str("map[int]bool")
            capacity_before Num { value: 0, unit: "entries" }
            capacity_after Num { value: 128, unit: "entries" }
        mapscope.format=1
        program=a=b server
        go_version=go1.27.3
        map_impl=swiss
        processes=2
        elsewhere=1
        other_go_code=/a.so, /b.so
        duration_s=12.500
        end=signal
        events=3
        lost_events=4
        lost_stacks=5
        cut_stacks=6
        lost_samples=7
        sample_hz=99
        gc_cycles=8
        probes=9
        inlined_copies=10
        unprobed_copies=11
        links=uprobe_multi
        overhead_pct=1.25
        max_overhead_pct=3.00
        trap_cost_ns=679
        event_cost_ns=1254
        exact_s=0.125
        sampled_stacks_s=0.250
        windows_s=0.500
        other_files_above=1024
        other_go_code_partly=1
        frozen_s=0.001
        not_recorded_processes=12
        unprobed_processes=13
        exe_replaced_s=1.000
        only_user=1000
        gc_assists=14
        thread_clocks=0
        windows=32
        window_scale=20.25
        estimate_range_pct=12.5
        window_group_cpu_s=0.500000,1.250000
        held_up_pct=40
        waited_pct=0
        scale_error_pct=2.5
        unmet_bursts_pct=0.5
        uncounted_s=0.000
        every_split=1
        grows_low=620
        grows_high=unknown
    "#]].assert_eq(&text);
}
