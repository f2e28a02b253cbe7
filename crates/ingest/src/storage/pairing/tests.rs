//! Which calls go to storage, and how long they took.

use super::*;

/// Marks of one process, in any order.
fn durable(marks: &[(u64, u32, Edge)]) -> DurableWrites {
    let mark = |&(time, tid, edge): &(u64, u32, Edge)| Mark { time: Some(time), tid, edge };
    let mut pairing = Pairing { marks: marks.iter().map(mark).collect(), ..Pairing::default() };
    pairing.finish(&mut [Calls::default()]);
    pairing.durable(|_| true)
}

fn begins(kind: Kind, number: u64, bytes: u64) -> Edge {
    Edge::Begins(Begin { kind, at: 0, image: 1, number: Some(number), bytes })
}

fn ends(kind: Kind) -> Edge {
    Edge::Ends(kind, Some(0))
}

#[test]
fn writes_are_durable_when_a_sync_of_the_same_number_follows() {
    let found = durable(&[
        (10, 1, begins(Kind::Write, 3, 100)),
        (12, 1, ends(Kind::Write)),
        (13, 1, begins(Kind::Write, 4, 1)),
        (14, 1, ends(Kind::Write)),
        (20, 1, begins(Kind::Sync, 3, 0)),
        (90, 1, ends(Kind::Sync)),
        (91, 1, begins(Kind::Write, 3, 7)),
        (92, 1, ends(Kind::Write)),
    ]);
    assert_eq!((found.writes.n, found.writes.bytes, found.syncs.n), (1, 100, 1));
    assert_eq!((found.writes.ns, found.syncs.ns), (Some(2), Some(70)));
    assert_eq!(found.waited_ns, Some(72));
}

#[test]
fn a_number_that_was_given_back_is_another_file() {
    let found = durable(&[
        (10, 1, begins(Kind::Write, 3, 100)),
        (12, 1, ends(Kind::Write)),
        (13, 1, begins(Kind::Close, 3, 0)),
        (14, 1, ends(Kind::Close)),
        (20, 1, begins(Kind::Sync, 3, 0)),
        (90, 1, ends(Kind::Sync)),
    ]);
    assert_eq!((found.writes.n, found.syncs.n), (0, 1));
}

#[test]
fn writes_that_reach_a_device_themselves_are_durable() {
    let found = durable(&[
        (10, 1, begins(Kind::Write, 3, 100)),
        // Of another thread.
        (11, 2, Edge::Issues),
        (12, 1, ends(Kind::Write)),
        (20, 1, begins(Kind::Write, 3, 50)),
        (21, 1, Edge::Issues),
        (30, 1, ends(Kind::Write)),
    ]);
    assert_eq!((found.writes.n, found.writes.bytes, found.waited_ns), (1, 50, Some(10)));
}

#[test]
fn threads_that_wait_at_a_time_wait_once() {
    let sync =
        |tid, begin, end| [(begin, tid, begins(Kind::Sync, 3, 0)), (end, tid, ends(Kind::Sync))];
    let marks = [sync(1, 10, 50), sync(2, 20, 60), sync(3, 80, 90), sync(4, 81, 89)].concat();
    let found = durable(&marks);
    assert_eq!((found.syncs.ns, found.waited_ns), (Some(40 + 40 + 10 + 8), Some(60)));
}

#[test]
fn calls_that_the_kernel_makes_again_count_once() {
    let restarts = |kind| Edge::Ends(kind, Some((-512_i64).cast_unsigned()));
    // As their begins were counted.
    let mut calls = Calls::default();
    calls.asked(100);
    calls.asked(100);
    calls.syncs.n = 2;
    let marks = [
        (10, begins(Kind::Write, 3, 100)),
        (12, restarts(Kind::Write)),
        (13, begins(Kind::Write, 3, 100)),
        (15, ends(Kind::Write)),
        (20, begins(Kind::Sync, 3, 0)),
        (30, restarts(Kind::Sync)),
        (31, begins(Kind::Sync, 3, 0)),
        (40, ends(Kind::Sync)),
    ];
    let marks = marks.map(|(time, edge)| Mark { time: Some(time), tid: 1, edge });
    let mut pairing = Pairing { marks: marks.into(), ..Pairing::default() };
    let mut calls = [calls];
    pairing.finish(&mut calls);
    let [calls] = calls;
    assert_eq!((calls.writes.n, calls.writes.bytes, calls.syncs.n), (1, 100, 1));
    assert_eq!(calls.by_bytes[&100], 1);
    let durable = pairing.durable(|_| true);
    assert_eq!((durable.writes.n, durable.syncs.n, durable.waited_ns), (1, 1, Some(11)));
}

#[test]
fn without_ends_calls_are_counted_and_not_timed() {
    let found = durable(&[
        (10, 1, begins(Kind::Write, 3, 100)),
        (20, 1, begins(Kind::Sync, 3, 0)),
        (30, 1, begins(Kind::Write, 3, 100)),
        (40, 1, begins(Kind::Sync, 3, 0)),
    ]);
    assert_eq!((found.writes.n, found.syncs.n), (2, 2));
    assert_eq!((found.writes.ns, found.syncs.ns, found.waited_ns), (None, None, None));
}
