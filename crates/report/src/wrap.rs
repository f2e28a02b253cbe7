//! Lines of a terminal: wrapped between words, but not within what somebody may copy.

use textwrap::core::Word;
use textwrap::{Options, WordSeparator, WordSplitter, wrap};

/// Narrowest text; below it, lines run over.
pub(crate) const MIN_WIDTH: usize = 60;

/// The lines of a text, with what stands before the first and before the others.
pub(crate) fn lines(text: &str, width: usize, first: &str, next: &str) -> Vec<String> {
    let options = Options::new(width)
        .initial_indent(first)
        .subsequent_indent(next)
        .break_words(false)
        .word_separator(WordSeparator::Custom(words))
        .word_splitter(WordSplitter::NoHyphenation);
    wrap(text, options).into_iter().map(|line| line.into_owned()).collect()
}

/// Cut to one line, which its end says.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let head: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{head}…")
}

/// Words end at spaces, but not at those of a call of `make` or between single quotes.
fn words(line: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    let mut rest = line;
    Box::new(std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (word, after) = rest.split_at(end_of_word(rest));
        rest = after;
        Some(Word::from(word))
    }))
}

/// Where the first word ends, with the spaces behind it.
fn end_of_word(text: &str) -> usize {
    let kept = end_of_kept(text).unwrap_or(0);
    let end = text[kept..].find(' ').map_or(text.len(), |at| kept + at);
    let spaces = text[end..].len() - text[end..].trim_start_matches(' ').len();
    end + spaces
}

/// Longest call or quote that is kept on one line. Units: bytes.
const LONGEST_KEPT: usize = 160;

/// Where a call or quote ends with which the text begins. `None` where there is none, or it has no end nearby.
fn end_of_kept(text: &str) -> Option<usize> {
    let near = text.bytes().take(LONGEST_KEPT).enumerate();
    if text.starts_with('\'') {
        return near.skip(1).find_map(|(at, byte)| (byte == b'\'').then_some(at + 1));
    }
    if !text.starts_with("make(") {
        return None;
    }
    let mut depth = 0_usize;
    for (at, byte) in near {
        match byte {
            b'(' => depth += 1,
            b')' if depth == 1 => return Some(at + 1),
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(line: &str) -> Vec<String> {
        words(line).map(|word| format!("{}{}", word.word, word.whitespace)).collect()
    }

    #[test]
    fn what_may_be_copied_stays_on_one_line() {
        assert_eq!(
            parts("write make(map[string]int, n) at a"),
            ["write ", "make(map[string]int, n) ", "at ", "a"]
        );
        let nested = "make(map[func(int, int)]struct { A int }, 9), or";
        assert_eq!(parts(nested), ["make(map[func(int, int)]struct { A int }, 9), ", "or"]);
        assert_eq!(parts("--focus 'a b' c"), ["--focus ", "'a b' ", "c"]);
        assert_eq!(parts("two  spaces "), ["two  ", "spaces "]);
    }

    #[test]
    fn what_has_no_end_is_wrapped_as_other_words() {
        assert_eq!(parts("make(a b"), ["make(a ", "b"]);
        assert_eq!(parts("'a b"), ["'a ", "b"]);
        let long = format!("make({})", "x ".repeat(LONGEST_KEPT));
        assert_eq!(parts(&long).len(), LONGEST_KEPT + 1);
        assert_eq!(lines("", 60, "  ", "  ").len(), 1);
    }

    #[test]
    fn a_cut_line_says_so() {
        assert_eq!([cut("abcd", 4), cut("abcde", 4)], ["abcd", "abc…"]);
    }
}
