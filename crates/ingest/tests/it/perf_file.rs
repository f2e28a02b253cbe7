//! Writes files as `perf record` does, for events that machines of tests do not count.
//!
//! Source: tools/perf/Documentation/perf.data-file-format.txt of Linux 6.18.

use goperf::{Callers, Mapping, Sample};

const IDENTIFIER: u64 = 1 << 16;
/// Identifier, address, process and thread, time.
const SAMPLE_TYPE: u64 = IDENTIFIER | 1 | 1 << 1 | 1 << 2;
const CALL_CHAIN: u64 = 1 << 5;
const PERIOD: u64 = 1 << 8;
const COPY_OF_STACK: u64 = 1 << 13;
const FLAG_FREQUENCY: u64 = 1 << 10;
const ATTR_BYTES: usize = 128;
const HEADER_BYTES: u64 = 104;

/// An event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attr {
    pub(crate) kind: u32,
    pub(crate) config: u64,
    pub(crate) callers: Callers,
    /// `None` is 99 times a second.
    pub(crate) period: Option<u64>,
}

pub(crate) const CPU_CLOCK: Attr = attr(1, 0);
pub(crate) const CYCLES: Attr = attr(0, 0);
pub(crate) const CACHE_MISSES: Attr = attr(0, 3);

const fn attr(kind: u32, config: u64) -> Attr {
    Attr { kind, config, callers: Callers::Listed, period: None }
}

/// A file with several events.
pub(crate) struct Writer {
    events: Vec<Attr>,
    records: Vec<u8>,
}

fn words(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

impl Attr {
    fn sample_type(&self) -> u64 {
        let callers = match self.callers {
            Callers::Listed => CALL_CHAIN,
            Callers::Copied => CALL_CHAIN | COPY_OF_STACK,
            Callers::Missing => 0,
        };
        SAMPLE_TYPE | callers | if self.period.is_some() { 0 } else { PERIOD }
    }

    /// The event has one id, which stands at `id_at`.
    fn write(&self, id_at: u64) -> Vec<u8> {
        let mut attr = [self.kind.to_le_bytes(), (ATTR_BYTES as u32).to_le_bytes()].concat();
        let flags = if self.period.is_some() { 0 } else { FLAG_FREQUENCY };
        attr.extend(words(&[self.config, self.period.unwrap_or(99), self.sample_type(), 0, flags]));
        attr.resize(ATTR_BYTES, 0);
        attr.extend(words(&[id_at, 8]));
        attr
    }
}

impl Writer {
    pub(crate) fn new(events: &[Attr]) -> Self {
        Self { events: events.to_vec(), records: Vec::new() }
    }

    fn record(&mut self, kind: u32, body: &[u8]) {
        let size = (8 + body.len()) as u16;
        self.records.extend([&kind.to_le_bytes()[..], &[0, 0], &size.to_le_bytes(), body].concat());
    }

    pub(crate) fn mapping(&mut self, mapping: &Mapping) {
        let mut body = [mapping.pid.to_le_bytes(), mapping.pid.to_le_bytes()].concat();
        body.extend(words(&[mapping.start, mapping.len, mapping.file_offset]));
        body.extend(mapping.file.bytes());
        body.resize(body.len() + 8 - body.len() % 8, 0);
        self.record(1, &body);
    }

    /// The sample as one of the event at this index. Ids are indices, from 1.
    pub(crate) fn sample(&mut self, event: usize, sample: &Sample<'_>, period: u64) {
        let (pid, tid) = (sample.pid.unwrap(), sample.tid.unwrap());
        let thread = u64::from(tid) << 32 | u64::from(pid);
        let attr = self.events[event];
        let mut body = vec![event as u64 + 1, sample.stack[0], thread, sample.time.unwrap()];
        if attr.period.is_none() {
            body.push(period);
        }
        match attr.callers {
            Callers::Listed => {
                body.push(sample.stack.len() as u64);
                body.extend(&sample.stack);
            }
            // The kernel's part of the chain, and a stack of no bytes.
            Callers::Copied => body.extend([0, 0]),
            Callers::Missing => {}
        }
        self.record(9, &words(&body));
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        let n = self.events.len() as u64;
        let attrs = HEADER_BYTES + 8 * n;
        let attrs_len = n * (ATTR_BYTES as u64 + 16);
        let (data, data_len) = (attrs + attrs_len, self.records.len() as u64);
        let mut bytes = b"PERFILE2".to_vec();
        let entry = ATTR_BYTES as u64 + 16;
        bytes.extend(words(&[
            HEADER_BYTES,
            entry,
            attrs,
            attrs_len,
            data,
            data_len,
            0,
            0,
            0,
            0,
            0,
            0,
        ]));
        bytes.extend(words(&(1..=n).collect::<Vec<u64>>()));
        for (at, event) in self.events.iter().enumerate() {
            bytes.extend(event.write(HEADER_BYTES + 8 * at as u64));
        }
        bytes.extend(self.records);
        bytes
    }
}
