//! The text form of a trace, in which a defect becomes a test of 15 lines.
//!
//! Shape: `Trace Go1.NN`, then a line for each event: its name and `name=number` for each argument. The frames of a stack
//! and the data of an event stand on lines of their own below it. What follows `#` is a comment.
//!
//! Source: `src/internal/trace/raw/{textreader,event}.go` (Go 1.27); tests of Go's own reader are in this form.

use std::fmt::Write;

use gotrace::format::{MAX_FRAMES, check_limit};
use gotrace::{Form, SPECS, Spec, Version};

use crate::error::{Error, ErrorKind, TextFault};
use crate::raw::{FRAME_FIELDS, RawEvent};

/// Reads the text form.
///
/// # Errors
/// At the first line that is wrong; the offset is that of the line.
pub fn parse_text(text: &str) -> Result<(Version, Vec<RawEvent>), Error> {
    let mut lines = Lines { text, at: 0 };
    let version = match lines.next() {
        Some((_, line)) => parse_first_line(line),
        None => None,
    }
    .ok_or(ErrorKind::Text(TextFault::BadHeader).at(0))?;
    let mut events = Vec::new();
    while let Some((offset, line)) = lines.next() {
        let event = parse_event(line, version, &mut lines).map_err(|kind| kind.at(offset))?;
        events.push(event);
    }
    Ok((version, events))
}

/// Lines that say something, each with its offset.
struct Lines<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = (u64, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
            let line = rest.split_inclusive('\n').next()?;
            let offset = self.at as u64;
            self.at += line.len();
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                return Some((offset, line));
            }
        }
    }
}

fn parse_first_line(line: &str) -> Option<Version> {
    let minor = line.strip_prefix("Trace")?.trim_start().strip_prefix("Go1.")?;
    Version::from_minor(minor.trim_end().parse().ok()?)
}

fn parse_event(line: &str, version: Version, lines: &mut Lines) -> Result<RawEvent, ErrorKind> {
    let line = line.split('#').next().unwrap_or_default();
    let mut tokens = line.split_whitespace();
    let name = tokens.next().unwrap_or_default();
    let is_named = |spec: &&Spec| spec.name == name && spec.since <= version;
    let spec = SPECS.iter().find(is_named).ok_or(ErrorKind::Text(TextFault::UnknownEvent))?;
    let mut args = Vec::with_capacity(spec.args.len());
    parse_args(tokens, spec.args, &mut args)?;
    if spec.form == Form::Frames {
        parse_frames(lines, &mut args)?;
    }
    let data = match spec.form {
        Form::Data => parse_data(lines)?,
        _ => Vec::new(),
    };
    Ok(RawEvent { ev: spec.ev, args, data })
}

fn parse_args<'t>(
    mut tokens: impl Iterator<Item = &'t str>,
    names: &[&str],
    args: &mut Vec<u64>,
) -> Result<(), ErrorKind> {
    const WRONG: ErrorKind = ErrorKind::Text(TextFault::BadArguments);
    for name in names {
        let (found, number) = tokens.next().and_then(|token| token.split_once('=')).ok_or(WRONG)?;
        if found != *name {
            return Err(WRONG);
        }
        args.push(number.parse().map_err(|_| WRONG)?);
    }
    if tokens.next().is_some() { Err(WRONG) } else { Ok(()) }
}

fn parse_frames(lines: &mut Lines, args: &mut Vec<u64>) -> Result<(), ErrorKind> {
    let n_frames = args.last().copied().unwrap_or(0);
    check_limit("stack", n_frames, MAX_FRAMES)?;
    for _ in 0..n_frames {
        let (_, line) = lines.next().ok_or(ErrorKind::Text(TextFault::NoFrames))?;
        parse_args(line.split_whitespace(), &FRAME_FIELDS, args)?;
    }
    Ok(())
}

fn parse_data(lines: &mut Lines) -> Result<Vec<u8>, ErrorKind> {
    let quoted = lines.next().and_then(|(_, line)| line.strip_prefix("data="));
    quoted.and_then(unquote).ok_or(ErrorKind::Text(TextFault::BadData))
}

/// The bytes of a Go string literal.
fn unquote(literal: &str) -> Option<Vec<u8>> {
    if let Some(raw) = literal.strip_prefix('`') {
        return Some(raw.strip_suffix('`')?.as_bytes().to_vec());
    }
    let mut rest = literal.strip_prefix('"')?.strip_suffix('"')?.chars();
    let mut bytes = Vec::new();
    while let Some(c) = rest.next() {
        if c == '\\' {
            unescape(&mut rest, &mut bytes)?;
        } else {
            push_char(&mut bytes, c);
        }
    }
    Some(bytes)
}

fn push_char(bytes: &mut Vec<u8>, c: char) {
    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// What follows a backslash.
///
/// Source: the Go language specification, "Rune literals".
fn unescape(rest: &mut std::str::Chars, bytes: &mut Vec<u8>) -> Option<()> {
    match rest.next()? {
        'a' => bytes.push(0x07),
        'b' => bytes.push(0x08),
        'f' => bytes.push(0x0c),
        'n' => bytes.push(b'\n'),
        'r' => bytes.push(b'\r'),
        't' => bytes.push(b'\t'),
        'v' => bytes.push(0x0b),
        c @ ('\\' | '"' | '\'') => push_char(bytes, c),
        'x' => bytes.push(take_digits(rest, 2)? as u8),
        'u' => push_char(bytes, char::from_u32(take_digits(rest, 4)?)?),
        'U' => push_char(bytes, char::from_u32(take_digits(rest, 8)?)?),
        c => {
            let high = c.to_digit(8)?;
            let low = [rest.next()?.to_digit(8)?, rest.next()?.to_digit(8)?];
            bytes.push(u8::try_from(high * 64 + low[0] * 8 + low[1]).ok()?);
        }
    }
    Some(())
}

fn take_digits(rest: &mut std::str::Chars, n: usize) -> Option<u32> {
    (0..n).try_fold(0u32, |value, _| Some(value << 4 | rest.next()?.to_digit(16)?))
}

/// Writes the text form.
pub fn render_text(version: Version, events: &[RawEvent]) -> String {
    let mut out = format!("Trace Go1.{}\n", version.minor());
    for event in events {
        if let Some(spec) = event.ev.spec() {
            render_event(&mut out, event, spec);
        }
    }
    out
}

fn render_event(out: &mut String, event: &RawEvent, spec: &Spec) {
    out.push_str(spec.name);
    let (args, frames) = event.args.split_at(event.args.len().min(spec.args.len()));
    render_args(out, spec.args, args);
    for frame in frames.chunks(FRAME_FIELDS.len()) {
        out.push_str("\n\t");
        render_args(out, &FRAME_FIELDS, frame);
    }
    if spec.form == Form::Data {
        out.push_str("\n\tdata=");
        quote(out, &event.data);
    }
    out.push('\n');
}

fn render_args(out: &mut String, names: &[&str], args: &[u64]) {
    for (i, (name, arg)) in names.iter().zip(args).enumerate() {
        let gap = if i == 0 && out.ends_with('\t') { "" } else { " " };
        // Writing to a String does not fail.
        let _ = write!(out, "{gap}{name}={arg}");
    }
}

fn quote(out: &mut String, bytes: &[u8]) {
    out.push('"');
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|c| quote_char(out, c));
        chunk.invalid().iter().for_each(|&byte| escape_byte(out, byte));
    }
    out.push('"');
}

fn quote_char(out: &mut String, c: char) {
    match c {
        '"' | '\\' => out.extend(['\\', c]),
        '\n' => out.push_str("\\n"),
        '\t' => out.push_str("\\t"),
        ' '..='~' => out.push(c),
        c if c.is_alphanumeric() => out.push(c),
        c => c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| escape_byte(out, byte)),
    }
}

fn escape_byte(out: &mut String, byte: u8) {
    // Writing to a String does not fail.
    let _ = write!(out, "\\x{byte:02x}");
}

#[cfg(test)]
mod tests;
