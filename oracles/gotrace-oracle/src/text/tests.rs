#![allow(clippy::unwrap_used)]

use super::{parse_text, quote, render_text, unquote};
use crate::error::{ErrorKind, TextFault};

#[track_caller]
fn fails(text: &str, offset: u64, fault: TextFault) {
    let error = parse_text(text).unwrap_err();
    assert_eq!((error.offset, error.kind), (offset, ErrorKind::Text(fault)));
}

#[test]
fn what_is_rendered_is_parsed() {
    let text = "Trace Go1.22\n\
        EventBatch gen=1 m=7 time=0 size=20\n\
        Stack id=1 nframes=2\n\tpc=1 func=2 file=3 line=4\n\tpc=5 func=6 file=7 line=8\n\
        String id=1\n\tdata=\"a \\\"quoted\\\" line\\nand \\xff\\x00\"\n\
        ProcStop dt=1\n";
    let (version, events) = parse_text(text).unwrap();
    assert_eq!(events.len(), 4);
    assert_eq!(events[2].data, b"a \"quoted\" line\nand \xff\0");
    assert_eq!(render_text(version, &events), text);
}

#[test]
fn comments_and_empty_lines_say_nothing() {
    let (_, events) = parse_text("# why\nTrace Go1.26\n\n  ProcStop dt=3 # so\n").unwrap();
    assert_eq!(events[0].args, [3]);
}

#[test]
fn wrong_lines_are_named_by_offset() {
    fails("", 0, TextFault::BadHeader);
    fails("Trace Go1.21\n", 0, TextFault::BadHeader);
    fails("Trace Go1.22\nGoSwitch dt=1 g=1 g_seq=1\n", 13, TextFault::UnknownEvent);
    fails("Trace Go1.22\nProcStop\n", 13, TextFault::BadArguments);
    fails("Trace Go1.22\nProcStop dt=1 p=1\n", 13, TextFault::BadArguments);
    fails("Trace Go1.22\nString id=1\ndata=x\n", 13, TextFault::BadData);
    fails("Trace Go1.22\nStack id=1 nframes=1\n", 13, TextFault::NoFrames);
}

#[test]
fn literals_of_go_are_unquoted() {
    let forms = [(r#""\a\101\u00e9\U0001F600é""#, "\x07A\u{e9}\u{1f600}é"), ("`a\\n`", "a\\n")];
    for (literal, expected) in forms {
        assert_eq!(unquote(literal).unwrap(), expected.as_bytes());
    }
    assert_eq!(unquote(r#""\q""#), None);
    assert_eq!(unquote("\"open"), None);
}

#[test]
fn every_byte_survives_quoting() {
    let bytes: Vec<u8> = (0..=255).collect();
    let mut quoted = String::new();
    quote(&mut quoted, &bytes);
    assert_eq!(unquote(&quoted).unwrap(), bytes);
}
