//! Writes files as `perf record` does, for events that machines of tests do not count.
//!
//! Source: tools/perf/Documentation/perf.data-file-format.txt of Linux 6.18.

use goperf::{Mapping, Sample};

const IDENTIFIER: u64 = 1 << 16;
/// Identifier, address, process and thread, time, call chain, period.
const SAMPLE_TYPE: u64 = IDENTIFIER | 1 | 1 << 1 | 1 << 2 | 1 << 5 | 1 << 8;
const FLAG_FREQUENCY: u64 = 1 << 10;
const ATTR_BYTES: usize = 128;
const HEADER_BYTES: u64 = 104;

/// An event, 99 times a second.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attr {
    pub(crate) kind: u32,
    pub(crate) config: u64,
}

pub(crate) const CPU_CLOCK: Attr = Attr { kind: 1, config: 0 };
pub(crate) const CYCLES: Attr = Attr { kind: 0, config: 0 };
pub(crate) const CACHE_MISSES: Attr = Attr { kind: 0, config: 3 };

/// A file with several events.
pub(crate) struct Writer {
    events: Vec<Attr>,
    records: Vec<u8>,
}

fn words(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

impl Attr {
    /// The event has one id, which stands at `id_at`.
    fn write(&self, id_at: u64) -> Vec<u8> {
        let mut attr = [self.kind.to_le_bytes(), (ATTR_BYTES as u32).to_le_bytes()].concat();
        attr.extend(words(&[self.config, 99, SAMPLE_TYPE, 0, FLAG_FREQUENCY]));
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
        let head = [event as u64 + 1, sample.stack[0], thread, sample.time.unwrap(), period];
        let chain = [&[sample.stack.len() as u64][..], &sample.stack].concat();
        self.record(9, &[words(&head), words(&chain)].concat());
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
