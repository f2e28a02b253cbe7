//! Samples: which event, where, and by which calls.

use crate::bytes::Bytes;

/// Bits of an event's sample type.
const IP: u64 = 1;
const TID: u64 = 1 << 1;
const TIME: u64 = 1 << 2;
const ADDR: u64 = 1 << 3;
const READ: u64 = 1 << 4;
const CALLCHAIN: u64 = 1 << 5;
const ID: u64 = 1 << 6;
const CPU: u64 = 1 << 7;
const PERIOD: u64 = 1 << 8;
const STREAM_ID: u64 = 1 << 9;
const RAW: u64 = 1 << 10;
const STACK_USER: u64 = 1 << 13;
const IDENTIFIER: u64 = 1 << 16;

/// Values from here on are no addresses: they say whose addresses follow.
const CONTEXTS: u64 = u64::MAX - 4094;

/// What samples of an event hold, and so how they are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) sample_type: u64,
    pub(crate) read_format: u64,
    /// Other records end with process, time and ids, too.
    pub(crate) is_on_all_records: bool,
}

/// A sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample<'a> {
    /// Index into [`PerfFile::events`](crate::PerfFile::events).
    pub event: usize,
    /// Process; `None` when the event does not say.
    pub pid: Option<u32>,
    /// Thread.
    pub tid: Option<u32>,
    /// Units: nanoseconds of the recording's clock.
    pub time: Option<u64>,
    /// Events that this sample stands for; of time, nanoseconds.
    pub period: Option<u64>,
    /// The address itself and the calls that led there, innermost first; kernel and program are not told apart.
    pub stack: Vec<u64>,
    /// Fields of a tracepoint.
    pub raw: &'a [u8],
}

/// What samples of an event say of the calls that led there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Callers {
    /// All, in [`Sample::stack`].
    Listed,
    /// A copy of the stack, for whoever unwinds it by DWARF. [`Sample::stack`] has those in the kernel, or the address itself.
    Copied,
    /// Nothing. [`Sample::stack`] is the address itself.
    Missing,
}

impl Layout {
    fn has(self, bits: u64) -> bool {
        self.sample_type & bits != 0
    }

    pub(crate) fn callers(self) -> Callers {
        match (self.has(STACK_USER), self.has(CALLCHAIN)) {
            // The kernel lists its own callers only then.
            (true, _) => Callers::Copied,
            (false, true) => Callers::Listed,
            (false, false) => Callers::Missing,
        }
    }

    /// Where in a sample the id of its event stands; `None` when there is none. Units: bytes.
    pub(crate) fn id_offset(self) -> Option<usize> {
        if self.has(IDENTIFIER) {
            return Some(0);
        }
        let before = self.sample_type & (IP | TID | TIME | ADDR);
        self.has(ID).then_some(8 * before.count_ones() as usize)
    }

    /// The time of a record that is no sample; `None` when such records of this event do not say.
    pub(crate) fn time_of_other(self, body: &[u8]) -> Option<u64> {
        if !self.is_on_all_records || !self.has(TIME) {
            return None;
        }
        let behind = self.sample_type & (ID | STREAM_ID | CPU | IDENTIFIER);
        let from_end = 8 * (1 + behind.count_ones() as usize);
        Bytes(body.get(body.len().checked_sub(from_end)?..)?).u64()
    }

    /// Whether records end with the id of their event.
    pub(crate) fn ends_with_id(self) -> bool {
        self.is_on_all_records && self.has(IDENTIFIER)
    }

    /// Reads a sample of this layout; `None` if it is too short.
    pub(crate) fn read<'a>(self, event: usize, body: &'a [u8]) -> Option<Sample<'a>> {
        let mut bytes = Bytes(body);
        let mut word = |bits: u64| if self.has(bits) { bytes.u64().map(Some) } else { Some(None) };
        let _identifier = word(IDENTIFIER)?;
        let ip = word(IP)?;
        let ids = word(TID)?;
        let (pid, tid) = (ids.map(|ids| ids as u32), ids.map(|ids| (ids >> 32) as u32));
        let time = word(TIME)?;
        let _addr = word(ADDR)?;
        let _id = word(ID)?;
        let _stream = word(STREAM_ID)?;
        let _cpu = word(CPU)?;
        let period = word(PERIOD)?;
        if self.has(READ) {
            self.skip_read(&mut bytes)?;
        }
        let mut stack = Vec::new();
        if self.has(CALLCHAIN) {
            let n = usize::try_from(bytes.u64()?).ok()?;
            let chain = bytes.take(n.checked_mul(8)?)?;
            let addresses = chain.chunks_exact(8).filter_map(|word| Bytes(word).u64());
            stack.extend(addresses.filter(|&address| address < CONTEXTS));
        }
        if stack.is_empty() {
            stack.extend(ip);
        }
        let mut raw: &[u8] = &[];
        if self.has(RAW) {
            let n = bytes.u32()? as usize;
            raw = bytes.take(n)?;
        }
        Some(Sample { event, pid, tid, time, period, stack, raw })
    }

    /// Counter values that came with the sample.
    fn skip_read(self, bytes: &mut Bytes<'_>) -> Option<()> {
        let has = |bit: u64| usize::from(self.read_format & bit != 0);
        let (enabled, running, id, group, lost) = (has(1), has(2), has(4), has(8), has(16));
        let n_words = if group == 1 {
            let n = usize::try_from(bytes.u64()?).ok()?;
            n.checked_mul(1 + id + lost)?.checked_add(enabled + running)?
        } else {
            1 + enabled + running + id + lost
        };
        bytes.take(n_words.checked_mul(8)?).map(|_| ())
    }
}
