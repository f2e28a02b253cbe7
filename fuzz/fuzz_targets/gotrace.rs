//! Any bytes as a trace: raw events survive their text form, ordered events and totals come out, nothing panics.
#![no_main]

use gotrace::{LockWaits, Totals, parse_trace, scan_trace};
use gotrace_oracle::{
    EventKind, GoroutineStates, Ordered, parse_raw, parse_text, render_text, write_raw,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    raw(bytes);
    text(bytes);
    ordered(bytes);
    scanned(bytes);
});

fn raw(bytes: &[u8]) {
    let Ok((version, parsed)) = parse_raw(bytes) else { return };
    let text = render_text(version, &parsed.value);
    let (_, again) = parse_text(&text).expect("what was rendered is parsed");
    assert!(again == parsed.value);
    let (_, again) = parse_raw(&write_raw(version, &again)).expect("what was written is read");
    assert!(again.faults.is_empty());
    assert!(again.value == parsed.value);
}

/// The text form is also a way to a trace that is nearly right.
fn text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok((version, events)) = parse_text(text) else { return };
    let bytes = write_raw(version, &events);
    ordered(&bytes);
    scanned(&bytes);
}

fn ordered(bytes: &[u8]) {
    let Ok(generations) = parse_trace(bytes) else { return };
    let mut events = Ordered::new(generations);
    let mut states = GoroutineStates::default();
    let mut last = None;
    let mut is_sync = false;
    while let Some(event) = events.next_event() {
        assert!(last.is_none_or(|last| last <= event.time));
        is_sync = matches!(event.kind, EventKind::Sync { .. });
        assert!(last.is_some() || is_sync);
        last = Some(event.time);
        for frame in events.tables().frames(event.stack) {
            assert!(frame.func.len() <= 3 << 10);
        }
        states.observe(&event, events.tables(), events.generation());
    }
    assert!(is_sync);
}

fn scanned(bytes: &[u8]) {
    let mut totals = Totals::default();
    // The format before Go 1.22 too.
    let Ok(parsed) = scan_trace(bytes, &mut totals) else { return };
    let mut waits = LockWaits::default();
    scan_trace(bytes, &mut waits).expect("it was read before");
    for sum in waits.by_stack.values() {
        assert!(sum.longest_ns <= sum.wall_ns);
    }
    let scanned = parsed.value;
    for (_, stack) in totals.by_stack.keys() {
        assert!(scanned.symbols.frames(*stack).len() <= 1000);
    }
}
