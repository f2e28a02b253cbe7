//! What is wrong with a trace is said by kind and place.

use gotrace::ErrorKind as Format;
use gotrace_oracle::{Contradiction, Error, ErrorKind};

use crate::{bytes_of, each_event};

/// A generation of one thread with these events.
fn generation(number: u64, events: &str) -> String {
    format!(
        "EventBatch gen={number} m=5 time=1000 size=0
        {events}
        EventBatch gen={number} m=18446744073709551615 time=0 size=0
        Frequency freq=15625000
        "
    )
}

fn faults(text: &str) -> Vec<Error> {
    each_event(&bytes_of(&format!("Trace Go1.22\n{text}")), |_, _| {})
}

fn kinds(text: &str) -> Vec<ErrorKind> {
    faults(text).into_iter().map(|fault| fault.kind).collect()
}

/// Why the last event of these cannot have happened.
#[track_caller]
fn contradicts(events: &str, expected: Contradiction) {
    let kinds = kinds(&generation(1, events));
    let [ErrorKind::Contradiction { why, generation: 1, .. }] = kinds[..] else {
        panic!("{kinds:?}")
    };
    assert_eq!(why, expected);
}

const RUNNING: &str = "ProcStatus dt=1 p=0 pstatus=1
    GoStatus dt=1 g=1 m=18446744073709551615 gstatus=2";

#[test]
fn a_sound_generation_has_none() {
    assert_eq!(faults(&generation(1, RUNNING)), []);
    assert_eq!(faults(&format!("{}{}", generation(7, RUNNING), generation(8, RUNNING))), []);
}

#[test]
fn generations_are_complete_and_in_sequence() {
    let text = format!("{}{}", generation(1, RUNNING), generation(3, RUNNING));
    assert_eq!(kinds(&text), [ErrorKind::from(Format::MixedGenerations { found: 3, expected: 1 })]);
    assert_eq!(
        kinds("EventBatch gen=1 m=5 time=1 size=0\nProcStatus dt=1 p=0 pstatus=1\n"),
        [ErrorKind::from(Format::NoFrequency { generation: 1 })]
    );
    let text = format!("EventBatch gen=0 m=5 time=1 size=0\n{}", generation(1, RUNNING));
    assert_eq!(kinds(&text), [ErrorKind::from(Format::GenerationZero)]);
}

#[test]
fn what_is_referred_to_has_to_exist() {
    let block = format!("{RUNNING}\nGoBlock dt=1 reason_string=9 stack=0");
    assert_eq!(kinds(&generation(1, &block)), [ErrorKind::from(Format::NoSuchString { id: 9 })]);
    let block = format!("{RUNNING}\nGoBlock dt=1 reason_string=0 stack=8");
    let found = faults(&generation(1, &block));
    assert_eq!(
        found.iter().map(|f| &f.kind).collect::<Vec<_>>(),
        [&ErrorKind::from(Format::NoSuchStack { id: 8 })]
    );
    // Header 16, head of the batch 15, two events of 4 and 14 bytes.
    assert_eq!(found[0].offset, 16 + 15 + 4 + 14);
}

#[test]
fn ids_are_given_once() {
    let strings = "EventBatch gen=1 m=18446744073709551615 time=0 size=0
        Strings
        String id=1
        data=\"a\"
        String id=1
        data=\"b\"
        ";
    let text = format!("{strings}{}", generation(1, RUNNING));
    assert_eq!(kinds(&text), [ErrorKind::from(Format::Duplicate { what: "string", id: 1 })]);
}

#[test]
fn events_that_contradict_what_was_before_are_told() {
    contradicts("GoStop dt=1 reason_string=0 stack=0", Contradiction::NoProc);
    contradicts(
        "ProcStatus dt=1 p=0 pstatus=1\nGoStop dt=1 reason_string=0 stack=0",
        Contradiction::NoGoroutine,
    );
    let after = |events: &str| format!("{RUNNING}\n{events}");
    contradicts(&after("GoSyscallEnd dt=1"), Contradiction::GoroutineState(1));
    contradicts(&after("GCMarkAssistEnd dt=1"), Contradiction::RangeNotOpen);
    contradicts(
        &after("GoCreate dt=1 new_g=1 new_stack=0 stack=0"),
        Contradiction::GoroutineExists(1),
    );
    contradicts(&after("GoSyscallBegin dt=1 p_seq=2 stack=0"), Contradiction::ProcSequence(0));
    contradicts(&after("ProcStatus dt=1 p=0 pstatus=2"), Contradiction::ProcState(0));
    contradicts(
        &after(
            "UserRegionBegin dt=1 task=1 name_string=0 stack=0
            UserRegionEnd dt=1 task=2 name_string=0 stack=0",
        ),
        Contradiction::RegionNesting,
    );
}

#[test]
fn an_event_that_nothing_precedes_is_stuck() {
    let text = generation(1, &format!("{RUNNING}\nGoUnblock dt=1 g=2 g_seq=1 stack=0"));
    assert_eq!(kinds(&text), [ErrorKind::Stuck { generation: 1, n_lost: 1 }]);
}
