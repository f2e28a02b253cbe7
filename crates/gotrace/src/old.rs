//! The format before Go 1.22: bytes -> events, one after the other.
//!
//! An event is a byte of type and number of arguments, and numbers. Batches belong to procs, not to threads; strings stand
//! where they are first used, stacks and the frequency of the clock at the end. There are no generations.
//!
//! Source: `src/internal/trace/parser.go` (Go 1.21), which reads 1.5 to 1.21; those before 1.11 are left out here.

use std::borrow::Cow;

use wire::take_varint;

use crate::error::{ErrorKind, check_limit};
use crate::header::HEADER_BYTES;
use crate::input::Input;

/// Types of events. Source: `src/internal/trace/parser.go` (Go 1.21).
pub(crate) mod ev {
    pub(crate) const BATCH: u8 = 1;
    pub(crate) const FREQUENCY: u8 = 2;
    pub(crate) const STACK: u8 = 3;
    pub(crate) const TIMER_GOROUTINE: u8 = 35;
    pub(crate) const STRING: u8 = 37;
    pub(crate) const USER_LOG: u8 = 48;
    pub(crate) const CPU_SAMPLE: u8 = 49;
}

/// For each type how many numbers stand in it, the difference of time included; `u8::MAX` for any number.
const N_ARGS: [u8; 50] = [
    u8::MAX,
    2,
    1,
    u8::MAX,
    3,
    2,
    1,
    3,
    1,
    2, // 0 to 9
    1,
    2,
    3,
    4,
    3,
    1,
    2,
    2,
    2,
    2, // 10 to 19
    2,
    4,
    2,
    2,
    2,
    2,
    2,
    2,
    2,
    4, // 20 to 29
    1,
    2,
    2,
    2,
    2,
    1,
    1,
    u8::MAX,
    2,
    3, // 30 to 39
    3,
    4,
    2,
    2,
    1,
    5,
    3,
    5,
    4,
    5, // 40 to 49
];

/// Up to here arguments have no length before them.
const MAX_INLINE_ARGS: u8 = 3;
/// Source: `readTrace`, `readStr`.
const MAX_TEXT_BYTES: u64 = 1_000_000;
/// Source: `parseEvents`.
const MAX_FRAMES: u64 = 1000;
const MAX_EVENT_BYTES: u64 = (MAX_FRAMES * 4 + 2) * 10;
/// How much is read at a time.
const CHUNK: usize = 1 << 18;

/// An event.
#[derive(Debug)]
pub(crate) struct OldEvent<'d> {
    pub(crate) number: u8,
    /// Shape: as many as the table says.
    pub(crate) args: &'d [u64],
    /// Of strings and logs.
    pub(crate) text: &'d [u8],
    /// Units: bytes from the start of the trace.
    pub(crate) offset: u64,
}

/// Goes through a trace once.
pub(crate) struct OldEvents<'a, I> {
    input: I,
    /// Where `chunk` begins.
    chunk_offset: u64,
    chunk: Cow<'a, [u8]>,
    at: usize,
    args: Vec<u64>,
}

impl<'a, I: Input<'a>> OldEvents<'a, I> {
    pub(crate) fn new(input: I) -> Self {
        let chunk = Cow::Borrowed(&[][..]);
        Self { input, chunk_offset: HEADER_BYTES as u64, chunk, at: 0, args: Vec::new() }
    }

    pub(crate) fn offset(&self) -> u64 {
        self.chunk_offset + self.at as u64
    }

    /// The next event; `None` at the end.
    ///
    /// # Errors
    /// When it cannot be read; then nothing that follows can.
    pub(crate) fn next_event(&mut self) -> Result<Option<OldEvent<'_>>, ErrorKind> {
        let offset = self.offset();
        if offset >= self.input.n_bytes() {
            return Ok(None);
        }
        // Longer events are strings and stacks, which look for themselves.
        self.ensure(64)?;
        let first = self.take_byte()?;
        let (number, n) = (first & 0x3f, (first >> 6) + 1);
        self.args.clear();
        let mut text = 0..0;
        if number == ev::STRING {
            let id = self.take()?;
            self.args.push(id);
            text = self.take_text()?;
        } else {
            self.take_args(number, n)?;
            if number == ev::USER_LOG {
                text = self.take_text()?;
            }
        }
        Ok(Some(OldEvent { number, args: &self.args, text: &self.chunk[text], offset }))
    }

    fn take_args(&mut self, number: u8, n: u8) -> Result<(), ErrorKind> {
        let expected = N_ARGS.get(usize::from(number)).copied().filter(|_| number != 0);
        let expected = expected.ok_or(ErrorKind::UnknownEvent { found: number })?;
        if n <= MAX_INLINE_ARGS {
            for _ in 0..n {
                let arg = self.take()?;
                self.args.push(arg);
            }
        } else {
            let n_bytes = self.take()?;
            check_limit("event", n_bytes, MAX_EVENT_BYTES)?;
            self.ensure(n_bytes as usize)?;
            let end = self.at + n_bytes as usize;
            let mut rest = self.chunk.get(self.at..end).ok_or(ErrorKind::Truncated)?;
            while !rest.is_empty() {
                self.args.push(take_varint(&mut rest).ok_or(ErrorKind::BadVarint)?);
            }
            self.at = end;
        }
        let is_right = expected == u8::MAX || usize::from(expected) == self.args.len();
        if is_right { Ok(()) } else { Err(ErrorKind::BadVarint) }
    }

    fn take_text(&mut self) -> Result<std::ops::Range<usize>, ErrorKind> {
        let len = self.take()?;
        check_limit("string", len, MAX_TEXT_BYTES)?;
        self.ensure(len as usize)?;
        let text = self.at..self.at + len as usize;
        if text.end > self.chunk.len() {
            return Err(ErrorKind::Truncated);
        }
        self.at = text.end;
        Ok(text)
    }

    fn take_byte(&mut self) -> Result<u8, ErrorKind> {
        let byte = self.chunk.get(self.at).copied().ok_or(ErrorKind::Truncated)?;
        self.at += 1;
        Ok(byte)
    }

    fn take(&mut self) -> Result<u64, ErrorKind> {
        let mut rest = self.chunk.get(self.at..).unwrap_or_default();
        let n_left = rest.len();
        let is_cut = n_left < 10;
        let number = take_varint(&mut rest);
        self.at += n_left - rest.len();
        number.ok_or(if is_cut { ErrorKind::Truncated } else { ErrorKind::BadVarint })
    }

    /// Makes the next bytes stand in the chunk, as far as there are any.
    fn ensure(&mut self, n: usize) -> Result<(), ErrorKind> {
        if self.chunk.len() - self.at < n {
            self.chunk_offset = self.offset();
            self.at = 0;
            self.chunk = self.input.bytes(self.chunk_offset, CHUNK.max(n))?;
        }
        Ok(())
    }
}
