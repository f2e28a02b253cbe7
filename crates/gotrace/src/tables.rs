//! Strings and stacks of a generation. Ids mean something else in the next one.

use std::borrow::Cow;

use wire::take_varint;

use crate::error::{Error, ErrorKind, Faults, check_limit};
use crate::ids::{IdHashMap, IdMap};
use crate::spec::{Ev, MAX_FRAMES, MAX_STRING_BYTES, Version};

/// A string of the current generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct StrId(pub(crate) u32);

impl StrId {
    /// The empty string.
    pub const EMPTY: Self = Self(0);
}

/// A stack of the current generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct StackId(pub(crate) u32);

impl StackId {
    /// No stack.
    pub const NONE: Self = Self(0);
}

/// A frame of a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Frame<'t> {
    /// Address in the process.
    pub pc: u64,
    /// Function.
    pub func: &'t str,
    /// Source file.
    pub file: &'t str,
    /// Line in it.
    pub line: u64,
}

/// A frame with its strings by position, and before [`Tables::finish`] by id on the wire.
#[derive(Debug, Clone, Copy)]
struct FrameEntry {
    pc: u64,
    func: u64,
    file: u64,
    line: u64,
}

/// Strings and stacks of one generation.
#[derive(Debug)]
pub struct Tables<'a> {
    string_ids: IdMap,
    /// The first is empty.
    strings: Vec<Cow<'a, str>>,
    stack_ids: IdMap,
    /// Ranges of `stack_frames`; the first is empty.
    stacks: Vec<(u32, u32)>,
    /// Positions in `frames`.
    stack_frames: Vec<u32>,
    frames: Vec<FrameEntry>,
    /// The first frame with an address is the one that counts, as in Go's reader.
    frame_by_pc: IdHashMap<u64, u32>,
}

/// Labels and reasons that the runtime registers before a generation starts, always in this order.
///
/// Shape: from id 1 on; the runtime of the version adds some before the last.
/// Source: `src/runtime/{traceruntime,traceevent}.go` (Go 1.22 to 1.27).
const RESERVED: [&str; 19] = [
    "Not worker",
    "GC (dedicated)",
    "GC (fractional)",
    "GC (idle)",
    "unspecified",
    "forever",
    "network",
    "select",
    "sync.(*Cond).Wait",
    "sync",
    "chan send",
    "chan receive",
    "GC mark assist wait for work",
    "GC background sweeper wait",
    "system goroutine wait",
    "preempted",
    "wait for debug call",
    "wait until GC ends",
    "sleep",
];

impl Default for Tables<'_> {
    fn default() -> Self {
        let zero = || {
            let mut ids = IdMap::default();
            ids.insert(0, 0);
            ids
        };
        Self {
            string_ids: zero(),
            strings: vec![Cow::Borrowed("")],
            stack_ids: zero(),
            stacks: vec![(0, 0)],
            stack_frames: Vec::new(),
            frames: Vec::new(),
            frame_by_pc: IdHashMap::default(),
        }
    }
}

impl<'a> Tables<'a> {
    /// The position of a string, by its id on the wire.
    #[inline]
    pub fn string(&self, id: u64) -> Option<StrId> {
        self.string_ids.get(id).map(StrId)
    }

    /// The position of a stack, by its id on the wire.
    #[inline]
    pub fn stack(&self, id: u64) -> Option<StackId> {
        self.stack_ids.get(id).map(StackId)
    }

    /// The text of a string.
    pub fn text(&self, id: StrId) -> &str {
        self.strings.get(id.0 as usize).map_or("", |text| text)
    }

    /// The frames of a stack. Shape: leaf first, inlined frames expanded.
    pub fn frames(&self, id: StackId) -> impl ExactSizeIterator<Item = Frame<'_>> {
        let (start, end) = self.stacks.get(id.0 as usize).copied().unwrap_or((0, 0));
        let positions = self.stack_frames.get(start as usize..end as usize).unwrap_or_default();
        positions.iter().map(|&position| {
            let entry = self.frames[position as usize];
            Frame {
                pc: entry.pc,
                func: self.text(StrId(entry.func as u32)),
                file: self.text(StrId(entry.file as u32)),
                line: entry.line,
            }
        })
    }

    /// For each stack, whether one of its functions is meant.
    pub(crate) fn stacks_with(&self, is_meant: impl Fn(&str) -> bool) -> Vec<bool> {
        let is_meant = |entry: &FrameEntry| is_meant(self.text(StrId(entry.func as u32)));
        let has: Vec<bool> = self.frames.iter().map(is_meant).collect();
        let range = |&(start, end): &(u32, u32)| {
            self.stack_frames.get(start as usize..end as usize).unwrap_or_default()
        };
        let is_in = |stack| range(stack).iter().any(|&frame| has[frame as usize]);
        self.stacks.iter().map(is_in).collect()
    }

    /// Adds a string that stands in no table of this generation.
    pub fn add_text(&mut self, text: &str) -> StrId {
        if text.is_empty() {
            return StrId::EMPTY;
        }
        let Some(position) = position(self.strings.len()) else { return StrId::EMPTY };
        self.strings.push(Cow::Owned(text.to_owned()));
        StrId(position)
    }

    /// Reads a batch of strings.
    pub(crate) fn add_strings(&mut self, data: Cow<'a, [u8]>, offset: u64, faults: &mut Faults) {
        let each = (Ev::STRING, "strings");
        match data {
            Cow::Borrowed(data) => add_entries(data, offset, faults, each, |rest| {
                self.add_string(rest, String::from_utf8_lossy)
            }),
            Cow::Owned(data) => add_entries(&data, offset, faults, each, |rest| {
                self.add_string(rest, |bytes| {
                    Cow::Owned(String::from_utf8_lossy(bytes).into_owned())
                })
            }),
        }
    }

    /// Reads a batch of stacks.
    pub(crate) fn add_stacks(&mut self, data: &[u8], offset: u64, faults: &mut Faults) {
        add_entries(data, offset, faults, (Ev::STACK, "stacks"), |rest| self.add_stack(rest));
    }

    fn add_string<'d>(
        &mut self,
        rest: &mut &'d [u8],
        text: impl Fn(&'d [u8]) -> Cow<'a, str>,
    ) -> Result<(), ErrorKind> {
        let id = take_varint(rest).ok_or(ErrorKind::BadVarint)?;
        let len = take_varint(rest).ok_or(ErrorKind::BadVarint)?;
        check_limit("string", len, MAX_STRING_BYTES)?;
        let (bytes, tail) = rest.split_at_checked(len as usize).ok_or(ErrorKind::Truncated)?;
        *rest = tail;
        self.insert_string(id, || text(bytes))
    }

    /// Adds a string by its id on the wire.
    pub(crate) fn insert_string(
        &mut self,
        id: u64,
        text: impl FnOnce() -> Cow<'a, str>,
    ) -> Result<(), ErrorKind> {
        let next = position(self.strings.len()).ok_or(ErrorKind::BadVarint)?;
        if !self.string_ids.insert(id, next) {
            return Err(ErrorKind::Duplicate { what: "string", id });
        }
        self.strings.push(text());
        Ok(())
    }

    fn add_stack(&mut self, rest: &mut &[u8]) -> Result<(), ErrorKind> {
        let id = take_varint(rest).ok_or(ErrorKind::BadVarint)?;
        let n_frames = take_varint(rest).ok_or(ErrorKind::BadVarint)?;
        check_limit("stack", n_frames, MAX_FRAMES)?;
        let start = position(self.stack_frames.len()).ok_or(ErrorKind::BadVarint)?;
        for _ in 0..n_frames {
            let frame = self.take_frame(rest).ok_or(ErrorKind::BadVarint)?;
            self.stack_frames.push(frame);
        }
        let end = position(self.stack_frames.len()).ok_or(ErrorKind::BadVarint)?;
        let next = position(self.stacks.len()).ok_or(ErrorKind::BadVarint)?;
        if !self.stack_ids.insert(id, next) {
            self.stack_frames.truncate(start as usize);
            return Err(ErrorKind::Duplicate { what: "stack", id });
        }
        self.stacks.push((start, end));
        Ok(())
    }

    /// Adds a stack by its id on the wire; frames as four numbers each. Inlined frames may have one address.
    pub(crate) fn insert_stack(&mut self, id: u64, frames: &[u64]) -> Result<(), ErrorKind> {
        let start = position(self.stack_frames.len()).ok_or(ErrorKind::BadVarint)?;
        let next = position(self.stacks.len()).ok_or(ErrorKind::BadVarint)?;
        if !self.stack_ids.insert(id, next) {
            return Err(ErrorKind::Duplicate { what: "stack", id });
        }
        for frame in frames.chunks_exact(4) {
            let &[pc, func, file, line] = frame else { continue };
            let next = position(self.frames.len()).ok_or(ErrorKind::BadVarint)?;
            self.frames.push(FrameEntry { pc, func, file, line });
            self.stack_frames.push(next);
        }
        let end = position(self.stack_frames.len()).ok_or(ErrorKind::BadVarint)?;
        self.stacks.push((start, end));
        Ok(())
    }

    fn take_frame(&mut self, rest: &mut &[u8]) -> Option<u32> {
        let mut take = || take_varint(rest);
        let entry = FrameEntry { pc: take()?, func: take()?, file: take()?, line: take()? };
        let next = position(self.frames.len())?;
        let position = *self.frame_by_pc.entry(entry.pc).or_insert(next);
        if position == next {
            self.frames.push(entry);
        }
        Some(position)
    }

    /// Names the strings that the runtime always has, where the trace lost them.
    pub(crate) fn add_reserved(&mut self, version: Version) {
        let late: &[&str] = match version {
            // Go 1.24 has the same header as Go 1.23, and one more reason.
            Version::Go122 => &["runtime.Gosched"],
            Version::Go123 => &["GC weak to strong wait"],
            Version::Go125 | Version::Go126 => {
                &["GC weak to strong wait", "synctest", "runtime.Gosched"]
            }
        };
        for (id, text) in (1..).zip(RESERVED.iter().chain(late)) {
            if self.string_ids.get(id).is_none() {
                let added = self.add_text(text);
                self.string_ids.insert(id, added.0);
            }
        }
    }

    /// Resolves the strings of frames, once all strings are read.
    pub(crate) fn finish(&mut self, offset: u64, faults: &mut Faults) {
        self.frame_by_pc = IdHashMap::default();
        for entry in &mut self.frames {
            for id in [&mut entry.func, &mut entry.file] {
                let found = self.string_ids.get(*id);
                if found.is_none() {
                    faults.add(Error { offset, kind: ErrorKind::NoSuchString { id: *id } });
                }
                *id = u64::from(found.unwrap_or(0));
            }
        }
    }
}

/// A new position, while 32 bits count them.
fn position(len: usize) -> Option<u32> {
    u32::try_from(len).ok().filter(|&position| position != u32::MAX)
}

/// Reads what follows the first byte of a batch: entries that begin with the event. Damage ends the batch.
fn add_entries<'d>(
    data: &'d [u8],
    offset: u64,
    faults: &mut Faults,
    (each, place): (Ev, &'static str),
    mut add: impl FnMut(&mut &'d [u8]) -> Result<(), ErrorKind>,
) {
    let mut rest = data.get(1..).unwrap_or_default();
    while let Some((&found, tail)) = rest.split_first() {
        let at = offset + (data.len() - rest.len()) as u64;
        rest = tail;
        let added = if found == each.0 {
            add(&mut rest)
        } else {
            Err(ErrorKind::Misplaced { found, place })
        };
        match added {
            Ok(()) => {}
            Err(kind @ ErrorKind::Duplicate { .. }) => faults.add(kind.at(at)),
            Err(kind) => return faults.add(kind.at(at)),
        }
    }
}
