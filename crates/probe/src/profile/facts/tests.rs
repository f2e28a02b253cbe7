//! What is said, and what is not.

use expect_test::{Expect, expect};

use super::*;
use crate::record_layout::N_COUNTERS;
use crate::windows::Window;

/// Numbers are all different, so that none can stand for another unseen.
fn facts(counters: &[u64]) -> Facts<'_> {
    Facts {
        program: "server".to_owned(),
        path: PathBuf::from("/usr/bin/server"),
        map_impl: MapImpl::Swiss,
        started_at: SystemTime::UNIX_EPOCH + Duration::from_secs(7),
        elapsed: Duration::from_millis(12_345),
        ending: Ending::Exit,
        sample_hz: 99,
        max_overhead: 0.03,
        overhead: Some(0.012_34),
        is_settling: false,
        costs: Costs { trap_ns: 679.4, event_ns: 2000.0, frame_ns: 3.0 },
        links: LinkKind::UprobeMulti,
        n_probes: 21,
        n_inlined: 22,
        n_unprobed: 23,
        counts_every_split: true,
        large_above: None,
        n_processes: 24,
        n_elsewhere: 25,
        n_beside: 0,
        replaced_after: None,
        unprobed: Vec::new(),
        other_code: Vec::new(),
        has_more_files: false,
        has_more_processes: false,
        only_user: None,
        frozen: Duration::ZERO,
        time_in: [10_000, 2_000, 345].map(Duration::from_millis),
        windows: Windows::default(),
        n_events: 26,
        n_without_room: 30,
        n_missing: 8,
        counters,
    }
}

/// The recorder's counters, all different.
fn counters() -> Vec<u64> {
    (0..u64::from(N_COUNTERS)).map(|counter| 100 + counter).collect()
}

fn check(facts: &Facts<'_>, grows_range: Option<Bounds>, expected: Expect) {
    let said = facts.said(Some(GoVersion { major: 1, minor: 27, patch: 3 }), grows_range);
    expected.assert_eq(&said.comments().collect::<Vec<_>>().join("\n"));
}

#[test]
fn where_everything_was_counted_nothing_is_said_of_windows() {
    check(
        &facts(&counters()),
        None,
        expect![[r#"
        mapscope.format=1
        program=server
        go_version=go1.27.3
        map_impl=swiss
        processes=24
        elsewhere=25
        other_go_code=
        duration_s=12.345
        end=exit
        events=26
        lost_events=217
        lost_stacks=136
        cut_stacks=107
        lost_samples=109
        sample_hz=99
        gc_cycles=110
        probes=21
        inlined_copies=22
        unprobed_copies=23
        links=uprobe_multi
        overhead_pct=1.23
        max_overhead_pct=3.00
        trap_cost_ns=679
        event_cost_ns=1
        exact_s=10.000
        sampled_stacks_s=2.000
        windows_s=0.345
        gc_assists=111"#]],
    );
}

#[test]
fn what_was_not_counted_is_said() {
    let counters = counters();
    let mut windows = Windows::default();
    let window = Window {
        gap_own_ns: 9e9,
        aim: 10.0,
        cpu_ns: 1e9,
        own_ns: 1e9,
        slowed: 1.5,
        running: 1.0,
        unclocked: 0.5,
        trap_part: 0.5,
        n_events: 5,
        ..Window::default()
    };
    windows.add(&window);
    windows.add(&Window { n_events: 3, ..window });
    windows.add_blind(1_000_001.0);
    let facts = Facts {
        n_beside: 4,
        replaced_after: Some(Duration::from_millis(1500)),
        unprobed: vec![7, 8, 9],
        other_code: ["/a.so", "/b.so"].map(PathBuf::from).into(),
        has_more_files: true,
        has_more_processes: true,
        only_user: Some(1000),
        frozen: Duration::from_millis(250),
        windows,
        ..facts(&counters)
    };
    check(
        &facts,
        Some(Bounds { low: 70, high: None }),
        expect![[r#"
        mapscope.format=1
        program=server
        go_version=go1.27.3
        map_impl=swiss
        processes=24
        elsewhere=25
        other_go_code=/a.so, /b.so
        duration_s=12.345
        end=exit
        events=26
        lost_events=217
        lost_stacks=136
        cut_stacks=107
        lost_samples=109
        sample_hz=99
        gc_cycles=110
        probes=21
        inlined_copies=22
        unprobed_copies=23
        links=uprobe_multi
        overhead_pct=1.23
        max_overhead_pct=3.00
        trap_cost_ns=679
        event_cost_ns=1
        exact_s=10.000
        sampled_stacks_s=2.000
        windows_s=0.345
        other_files_above=1024
        other_go_code_partly=1
        frozen_s=0.250
        not_recorded_processes=4
        unprobed_processes=3
        exe_replaced_s=1.500
        only_user=1000
        thread_clocks=0
        windows=2
        window_scale=14.50
        window_group_cpu_s=10.000000,10.000000,0.000000,0.000000,0.000000,0.000000,0.000000,0.000000,0.000000,0.000000,0.000000,0.000000,0.000000,0.000000,0.000000,0.000000
        held_up_pct=100
        waited_pct=0
        scale_error_pct=100.0
        unmet_bursts_pct=0.0
        uncounted_s=0.002
        every_split=1
        grows_low=70
        grows_high=unknown"#]],
    );
}

#[test]
fn when_it_was_is_in_nanoseconds() {
    let span = Span { started_ns: 7_000_000_000, duration_ns: 12_345_000_000 };
    assert_eq!(facts(&[]).span(), span);
}
