//! Bytes, raw events and text are three forms of one thing.

use gotrace_oracle::{parse_raw, parse_text, render_text, write_raw};

use crate::{SAMPLES, sample};

#[test]
fn bytes_to_text_and_back_are_the_same_bytes() {
    for name in SAMPLES {
        let bytes = sample(name);
        let (version, raw) = parse_raw(&bytes).unwrap();
        assert_eq!(raw.faults, [], "{name}");
        let text = render_text(version, &raw.value);
        let (again, events) = parse_text(&text).unwrap();
        assert_eq!(again, version);
        assert!(events == raw.value, "{name}: text lost something");
        let written = write_raw(again, &events);
        let differ = written.iter().zip(&bytes).position(|(a, b)| a != b);
        assert_eq!((differ, written.len()), (None, bytes.len()), "{name}");
    }
}

#[test]
fn a_cut_ends_raw_events_with_a_fault() {
    let bytes = sample("traces-other/go1.22.10-nested.trace");
    let (_, whole) = parse_raw(&bytes).unwrap();
    let (_, cut) = parse_raw(&bytes[..30_000]).unwrap();
    assert_eq!(cut.faults.len(), 1);
    assert!(cut.value.len() > 1000);
    assert!(cut.value[..] == whole.value[..cut.value.len()]);
}
