//! The corpus of the fuzz target, replayed.

use gotrace::{Totals, parse_trace, scan_trace};
use gotrace_oracle::{parse_raw, parse_text, render_text, write_raw};

use crate::each_event;
use crate::go_format::go_format;

fn replay(bytes: &[u8]) {
    if let Ok((version, raw)) = parse_raw(bytes) {
        let (_, events) = parse_text(&render_text(version, &raw.value)).unwrap();
        assert!(events == raw.value);
        let (_, again) = parse_raw(&write_raw(version, &events)).unwrap();
        assert!(again.value == raw.value);
    }
    let _ = scan_trace(bytes, &mut Totals::default());
    if parse_trace(bytes).is_ok() {
        each_event(bytes, |event, events| {
            go_format(event, events);
        });
    }
}

#[test]
fn the_fuzz_corpus_replays() {
    let mut n_seeds = 0;
    for seed in std::fs::read_dir(xtask::repo_root().join("fuzz/corpus/gotrace")).unwrap() {
        let bytes = std::fs::read(seed.unwrap().path()).unwrap();
        n_seeds += 1;
        replay(&bytes);
        let text = std::str::from_utf8(&bytes).ok().and_then(|text| parse_text(text).ok());
        if let Some((version, events)) = text {
            replay(&write_raw(version, &events));
        }
    }
    assert!(n_seeds > 20);
}
