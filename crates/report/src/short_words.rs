//! Names from files may have any length; on a screen no word has more than a few lines.

use std::borrow::Cow;
use std::io::{self, Write};

/// Longest word that is shown whole. Basis: types of generic code run to 150 characters, and some to twice that.
const LONGEST: usize = 400;
/// What is kept of a longer one: its beginning, and its end, where a path has its file.
const KEPT: (usize, usize) = (160, 80);

/// Writes lines with words that are longer cut in their middle.
pub(crate) struct ShortWords<'o> {
    out: &'o mut dyn Write,
    /// What was written of a line that has not ended.
    line: Vec<u8>,
}

impl<'o> ShortWords<'o> {
    pub(crate) fn new(out: &'o mut dyn Write) -> Self {
        Self { out, line: Vec::new() }
    }
}

impl Write for ShortWords<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                self.out.write_all(&short(&self.line))?;
                self.line.clear();
            }
        }
        Ok(bytes.len())
    }

    /// Writes a line that has not ended as well.
    fn flush(&mut self) -> io::Result<()> {
        self.out.write_all(&short(&self.line))?;
        self.line.clear();
        self.out.flush()
    }
}

fn short(line: &[u8]) -> Cow<'_, [u8]> {
    if line.len() <= LONGEST {
        return Cow::Borrowed(line);
    }
    let line = String::from_utf8_lossy(line);
    let words: Vec<Cow<'_, str>> = line.split_inclusive([' ', '\n']).map(short_word).collect();
    Cow::Owned(words.concat().into_bytes())
}

fn short_word(word: &str) -> Cow<'_, str> {
    let n = word.chars().count();
    // With what ends it.
    if n <= LONGEST + 1 {
        return Cow::Borrowed(word);
    }
    let (head, tail) = KEPT;
    let head: String = word.chars().take(head).collect();
    let tail: String = word.chars().skip(n - tail).collect();
    Cow::Owned(format!("{head}…{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_are_cut_in_their_middle_and_lines_stay() {
        let mut out = Vec::new();
        let mut short = ShortWords::new(&mut out);
        let long = "x".repeat(100_000);
        write!(short, "at main.{long}").expect("it is written");
        writeln!(short, ".end of {}", "y".repeat(LONGEST)).expect("it is written");
        write!(short, "last").expect("it is written");
        short.flush().expect("it is written");
        let text = String::from_utf8(out).expect("it is written");
        let lines: Vec<&str> = text.lines().collect();
        let (head, rest) = lines[0].split_once('…').expect("it is written");
        assert_eq!((head.len(), rest.len()), (KEPT.0 + 3, KEPT.1 + 3 + LONGEST));
        assert!(head.starts_with("at main.x") && rest.contains("x.end of y"), "{text}");
        assert_eq!(lines[1], "last");
    }
}
