#![allow(clippy::unwrap_used)]

use super::*;

const SLEEP: &str = "4711 (sleep) S 4242 4711 4242 34816 4711 4194304 105 0 0 0 0 0 0 0 20 0 1 0 \
                     987654 5500928 229 18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0\n";

fn with(name: &str, state: &str, n_threads: &str) -> Option<Stat> {
    let text = SLEEP.replacen("(sleep) S", &format!("({name}) {state}"), 1);
    parse_stat(text.replacen(" 20 0 1 0 ", &format!(" 20 0 {n_threads} 0 "), 1).as_bytes())
}

#[test]
fn the_fields_are_those_of_the_manual() {
    let expected = Stat {
        name: b"sleep".to_vec(),
        state: 'S',
        parent: Pid(4242),
        n_threads: 1,
        start: StartTime(987654),
    };
    assert_eq!(parse_stat(SLEEP.as_bytes()), Some(expected));
}

#[test]
fn a_name_may_hold_anything() {
    for name in ["", "a b", ") Z 1 (", "((", "a\nb", "1) R 2 3 4 5 6"] {
        let stat = with(name, "S", "1").unwrap();
        assert_eq!((stat.name.as_slice(), stat.state), (name.as_bytes(), 'S'));
    }
    let mut text = SLEEP.as_bytes().to_vec();
    text[6] = 0xff;
    assert_eq!(parse_stat(&text).unwrap().name, b"\xffleep");
}

#[test]
fn what_has_ended_does_not_run() {
    let runs = |state, n_threads| with("x", state, n_threads).unwrap().is_running();
    assert!(runs("R", "1") && runs("S", "1") && runs("D", "1") && runs("T", "1"));
    assert!(!runs("Z", "1") && !runs("X", "1") && !runs("X", "2"));
    // The first thread has ended and others have not.
    assert!(runs("Z", "2"));
}

#[test]
fn a_cut_text_says_nothing_or_the_same() {
    let whole = parse_stat(SLEEP.as_bytes());
    for len in 0..SLEEP.len() {
        let cut = parse_stat(&SLEEP.as_bytes()[..len]);
        assert!(cut.is_none() || cut == whole, "{len} bytes: {cut:?}");
    }
}

#[test]
fn numbers_that_are_none_or_too_large_are_refused() {
    for bad in ["-1", "+1", "x", "99999999999999999999999", "\u{663}"] {
        assert_eq!(with("x", "S", bad), None, "{bad}");
        assert_eq!(parse_stat(SLEEP.replace("4242 4711 4242", bad).as_bytes()), None, "{bad}");
    }
    assert_eq!(with("x", "SS", "1"), None);
    // A pid is positive as i32.
    assert_eq!(parse_stat(SLEEP.replace("S 4242", "S 2147483648").as_bytes()), None);
    for text in ["", "\n", ")(", "()", "1 (x", "1 (x)", "1 )x( S 1"] {
        assert_eq!(parse_stat(text.as_bytes()), None, "{text:?}");
    }
}

#[test]
fn how_long_threads_ran_and_waited() {
    let scheduled = Scheduled { ran_ns: 1_052_000, waited_ns: 33 };
    assert_eq!(parse_schedstat(b"1052000 33 7\n"), Some(scheduled));
    for damaged in [&b""[..], b"1", b"1 x", b"-1 2 3", b"\xff 2 3", b"99999999999999999999 1 1"] {
        assert_eq!(parse_schedstat(damaged), None, "{damaged:?}");
    }
    let own = Pid::own().scheduled().unwrap();
    assert!(own.ran_ns > 0, "{own:?}");
    assert_eq!(Pid(u32::MAX).scheduled(), None);
}
