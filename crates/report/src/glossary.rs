//! What the words of reports mean.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::wrap::{MIN_WIDTH, lines};

const TERM: Style = AnsiColor::Cyan.on_default().bold();

/// Words and their meanings. Order: a word stands behind those that it needs.
const WORDS: [(&str, &str); 20] = [
    ("map", "what make(map[K]V) gives: the header, and the arrays that its entries lie in"),
    ("classic map", "a map of Go up to 1.23: buckets of 8 entries, with overflow buckets"),
    (
        "Swiss map",
        "a map of Go from 1.24 on: groups of 8 entries, in tables of up to 1,024 places that split",
    ),
    ("growth", "a map that is full gets larger arrays, and its entries are moved there"),
    (
        "moved entry",
        "an entry that a growth puts into a new array; it is hashed again where its key is not kept beside its hash",
    ),
    (
        "write amplification",
        "entries inserted and moved, for each entry inserted: 1 is a map that never grew",
    ),
    (
        "hint",
        "the n of make(map[K]V, n): the number of entries that the map has room for from the start",
    ),
    (
        "inner map",
        "a map that is the element of another map, or is reached from it; said only where machine code or a recording shows that this one is",
    ),
    ("nested map", "a map whose elements are maps, or reach maps"),
    ("flat map", "one map in place of nested ones, whose key has both keys in a struct"),
    (
        "line, site",
        "a line of your source whose code works on maps: the frame next to the runtime's function, as go tool pprof -lines has it",
    ),
    (
        "sample",
        "one look of the profiler: Go takes 100 per second of CPU time. Shares of few samples are rough, so their number stands beside each",
    ),
    ("share", "CPU time here, of all CPU time of the program in the input that is named"),
    (
        "range",
        "holds the truth in 19 of 20 cases where it is of samples or of windows; of a saving it is what the model leaves possible, with the error of samples",
    ),
    (
        "saves",
        "a forecast of how much less CPU the same work takes: the best estimate, and the range around it",
    ),
    (
        "trust",
        "high: as good as the measurement; medium: likely, for the reason given; low: a hint where to look",
    ),
    (
        "verdict",
        "the advice in a word, such as PRESIZE; LEAVE IT ALONE is one, not the absence of one. --explain PRESIZE lists what leads to it",
    ),
    ("rule", "what a verdict follows from, with its thresholds and their reasons: --explain RULE"),
    (
        "not measured",
        "no input says it; never 0. What would measure it stands at the end of the report",
    ),
    (
        "recording",
        "the output of mapscope record: growths counted in the running program, with CPU samples, as a pprof profile",
    ),
];

/// Writes what the words of reports mean. Colours are escape sequences: strip them where they are not wanted. `width` in
/// columns.
///
/// # Errors
/// When `out` fails.
pub fn render_glossary(out: &mut dyn Write, width: usize) -> io::Result<()> {
    for (term, meaning) in WORDS {
        writeln!(out, "{TERM}{term}{TERM:#}")?;
        for line in lines(meaning, width.max(MIN_WIDTH), "  ", "  ") {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_stands_once_with_its_meaning() {
        let mut out = Vec::new();
        render_glossary(&mut out, 80).expect("a Vec takes everything");
        let text = String::from_utf8(out).expect("text");
        for (term, _) in WORDS {
            let head = format!("{TERM}{term}{TERM:#}\n");
            assert_eq!(text.matches(&head).count(), 1, "{term}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    }
}
