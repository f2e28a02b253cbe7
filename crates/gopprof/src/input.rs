//! The input, inflated piece by piece and cut into top-level fields.
//!
//! Only one field is in memory at a time. A length that the input claims is believed only as far as bytes
//! arrive: the buffer at most doubles with each piece read.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use wire::{Announced, Field, Value, split_tag, take_varint};

use crate::error::{Error, ErrorKind};

/// How much is inflated at once, in bytes.
const PIECE: usize = 64 << 10;

/// The longest tag and length, in bytes: two integers of 10.
const LONGEST_HEAD: usize = 20;

/// First byte of a gzip stream. No profile.proto begins with it: it would be a field of wire type 7.
const GZIP_MAGIC: u8 = 0x1f;

enum Source<R: Read> {
    Plain(BufReader<R>),
    Gzip(Box<MultiGzDecoder<BufReader<R>>>),
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Source::Plain(input) => input.read(out),
            Source::Gzip(input) => input.read(out),
        }
    }
}

/// Shape: `buf[start..end]` is inflated and not yet handed out; its first byte is byte `offset` of the
/// inflated profile.
pub(crate) struct Input<R: Read> {
    source: Source<R>,
    buf: Vec<u8>,
    start: usize,
    end: usize,
    offset: u64,
    limit: u64,
    at_end: bool,
    /// Why the source stopped before its end; reported when what came before has been handed out.
    broken: Option<ErrorKind>,
}

impl<R: Read> Input<R> {
    /// Starts to read; plain or gzip, by the first byte.
    pub(crate) fn open(input: R, limit: u64) -> Result<Input<R>, Error> {
        let mut input = BufReader::with_capacity(64 << 10, input);
        let first = loop {
            match input.fill_buf() {
                Ok(bytes) => break bytes.first().copied(),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(fail(0, ErrorKind::Read(e.to_string()))),
            }
        };
        let source = match first {
            None => return Err(fail(0, ErrorKind::NotAProfile)),
            Some(GZIP_MAGIC) => Source::Gzip(Box::new(MultiGzDecoder::new(input))),
            Some(_) => Source::Plain(input),
        };
        let buf = Vec::new();
        Ok(Input { source, buf, start: 0, end: 0, offset: 0, limit, at_end: false, broken: None })
    }

    /// Bytes handed out so far.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next top-level field; `None` at the end of the profile.
    pub(crate) fn next_field(&mut self) -> Result<Option<Field<'_>>, Error> {
        let at = self.offset;
        self.fill(LONGEST_HEAD)?;
        if self.start == self.end {
            return match self.broken.take() {
                Some(kind) => Err(fail(at, kind)),
                None => Ok(None),
            };
        }
        let mut rest = &self.buf[self.start..self.end];
        let before = rest.len();
        let head = take_head(&mut rest);
        let head_len = before - rest.len();
        let cut_short = before < LONGEST_HEAD;
        let (number, head) = head.ok_or_else(|| self.stopped(cut_short))?;
        self.consume(head_len);
        let value = match head {
            Head::Varint(v) => Value::Varint(v),
            Head::Bytes(len) => Value::Bytes(self.take(len)?),
            Head::Fixed(len) => Value::Fixed(self.take(len)?),
        };
        Ok(Some(Field { number, value }))
    }

    fn take(&mut self, len: u64) -> Result<&[u8], Error> {
        if len > self.limit.saturating_sub(self.offset) {
            // A genuine profile is within the limit, so this length is either false or too much.
            let inflates = self.claims_come_true(len)?;
            let kind = ErrorKind::TooLarge { limit_bytes: self.limit };
            return Err(if inflates { fail(self.offset, kind) } else { self.stopped(true) });
        }
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        self.fill(len)?;
        if self.end - self.start < len {
            return Err(self.stopped(true));
        }
        let from = self.start;
        self.consume(len);
        Ok(&self.buf[from..from + len])
    }

    /// Whether the input really goes on beyond the limit; what it holds is not kept.
    fn claims_come_true(&mut self, len: u64) -> Result<bool, Error> {
        let mut seen = (self.end - self.start) as u64;
        let room = self.limit.saturating_sub(self.offset);
        self.start = 0;
        self.end = 0;
        while seen <= room && seen < len && self.read_piece(0)? {
            seen += self.end as u64;
            self.end = 0;
        }
        Ok(seen > room)
    }

    fn consume(&mut self, len: usize) {
        self.start += len;
        self.offset += len as u64;
    }

    /// The error for a field that is cut short, or else malformed.
    fn stopped(&mut self, cut_short: bool) -> Error {
        let kind = match self.broken.take() {
            Some(kind) if cut_short => kind,
            _ if cut_short && self.at_end => ErrorKind::Truncated,
            _ => ErrorKind::Malformed,
        };
        fail(self.offset, kind)
    }

    /// Reads until `want` bytes are there, or the input ends.
    fn fill(&mut self, want: usize) -> Result<(), Error> {
        if self.end - self.start >= want || self.at_end {
            return Ok(());
        }
        self.buf.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        while self.end < want && self.read_piece(self.end)? {
            if self.offset + self.end as u64 > self.limit {
                return Err(fail(self.offset, ErrorKind::TooLarge { limit_bytes: self.limit }));
            }
        }
        Ok(())
    }

    /// Reads some bytes to `at`; false at the end of the input.
    fn read_piece(&mut self, at: usize) -> Result<bool, Error> {
        if self.buf.len() - at < PIECE {
            let larger = (at + PIECE).max(self.buf.len().saturating_mul(2));
            self.buf.resize(larger, 0);
        }
        while !self.at_end {
            match self.source.read(&mut self.buf[at..]) {
                Ok(0) => self.at_end = true,
                Ok(n) => {
                    self.end = at + n;
                    return Ok(true);
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    self.at_end = true;
                    self.broken = Some(self.broken_by(&e)?);
                }
            }
        }
        Ok(false)
    }

    /// What an error of the source means; `Err` when it is not the fault of the bytes.
    fn broken_by(&self, e: &io::Error) -> Result<ErrorKind, Error> {
        match (&self.source, e.kind()) {
            (
                Source::Gzip(_),
                io::ErrorKind::UnexpectedEof
                | io::ErrorKind::InvalidInput
                | io::ErrorKind::InvalidData,
            ) => Ok(ErrorKind::Gzip(e.to_string())),
            _ => Err(fail(self.offset, ErrorKind::Read(e.to_string()))),
        }
    }
}

enum Head {
    Varint(u64),
    Bytes(u64),
    Fixed(u64),
}

fn take_head(rest: &mut &[u8]) -> Option<(u64, Head)> {
    let (number, announced) = split_tag(take_varint(rest)?)?;
    let head = match announced {
        Announced::Varint => Head::Varint(take_varint(rest)?),
        Announced::Bytes => Head::Bytes(take_varint(rest)?),
        Announced::Fixed(len) => Head::Fixed(len as u64),
    };
    Some((number, head))
}

fn fail(at: u64, kind: ErrorKind) -> Error {
    Error { offset: at, kind }
}
