//! Functions of the program, and the source lines of its instructions.

use std::ops::Range;

use crate::image::Image;
use crate::module::Module;
use crate::pclntab::{FuncRecord, Pclntab, Work};
use crate::{LinkAddr, image};

/// Position in [`Functions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FuncIdx(pub u32);

/// A function of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Func<'a> {
    /// Position in the table.
    pub idx: FuncIdx,
    /// Go's name with package path, as pprof prints it.
    pub name: &'a str,
    /// First instruction.
    pub entry: LinkAddr,
    /// First address after the function, padding included.
    pub end: LinkAddr,
    /// Line of its `func` keyword; 0 when not recorded (before Go 1.20).
    pub start_line: u32,
}

/// A function at a line of source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Frame<'a> {
    /// Go's name with package path.
    pub function: &'a str,
    /// Source file as the compiler recorded it; empty when unknown.
    pub file: &'a str,
    /// Line, from 1; 0 when unknown.
    pub line: u32,
}

/// The function table. Sortedness: by address.
#[derive(Debug)]
pub struct Functions<'a> {
    table: Pclntab<'a>,
    text: LinkAddr,
    /// Address of the tables of inlined calls.
    gofunc: Option<LinkAddr>,
}

/// Deepest inlining followed; the compiler's own limit is far lower, damaged tables may loop.
const MAX_INLINE_DEPTH: usize = 256;

impl<'a> Functions<'a> {
    pub(crate) fn new(table: Pclntab<'a>, module: Option<&Module>) -> Self {
        let text = module.map_or(LinkAddr(table.text_start), |module| module.text);
        Self { table, text, gofunc: module.and_then(|module| module.gofunc) }
    }

    pub(crate) fn forget_inlining(&mut self) {
        self.gofunc = None;
    }

    /// Number of functions.
    pub fn len(&self) -> usize {
        self.table.n_funcs
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All functions with a readable record, by address.
    pub fn iter(&self) -> impl Iterator<Item = Func<'a>> + '_ {
        (0..self.len()).filter_map(|idx| self.get(FuncIdx(idx as u32)))
    }

    /// A function by position.
    pub fn get(&self, idx: FuncIdx) -> Option<Func<'a>> {
        let at = idx.0 as usize;
        let record = self.table.record(at)?;
        Some(Func {
            idx,
            name: self.table.name(&record)?,
            entry: self.addr(self.table.entry_offset(at)?),
            end: self.addr(self.table.entry_offset(at + 1)?),
            start_line: record.start_line,
        })
    }

    /// From the entry of the first function to the end of the last.
    pub fn text(&self) -> Range<LinkAddr> {
        let addr = |idx| self.table.entry_offset(idx).map_or(self.text, |offset| self.addr(offset));
        addr(0)..addr(self.len())
    }

    /// The function that holds an address. Complexity: O(log n).
    pub fn find(&self, addr: LinkAddr) -> Option<Func<'a>> {
        let func = self.get(FuncIdx(self.idx_of(addr)? as u32))?;
        (func.entry <= addr && addr < func.end).then_some(func)
    }

    /// The first function with this name. Complexity: O(n).
    pub fn by_name(&self, name: &str) -> Option<Func<'a>> {
        self.iter().find(|func| func.name == name)
    }

    fn addr(&self, offset: u32) -> LinkAddr {
        LinkAddr(self.text.0.wrapping_add(u64::from(offset)))
    }

    fn idx_of(&self, addr: LinkAddr) -> Option<usize> {
        let offset = u32::try_from(addr.0.checked_sub(self.text.0)?).ok()?;
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.table.entry_offset(middle)? <= offset {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low.checked_sub(1)
    }

    /// Functions and lines at an instruction, innermost inlined function first.
    ///
    /// Source: runtime/symtabinl.go, Go 1.27.
    pub(crate) fn frames(
        &self,
        image: &Image<'a>,
        addr: LinkAddr,
        work: &mut Work,
    ) -> Vec<Frame<'a>> {
        let mut frames = Vec::new();
        let Some(record) = self.idx_of(addr).and_then(|idx| self.table.record(idx)) else {
            return frames;
        };
        let Some(name) = self.table.name(&record) else { return frames };
        let mut pc = addr.0.wrapping_sub(self.addr(record.entry_offset).0);
        while let Some((function, parent_pc)) = self.inlined(image, &record, pc, work) {
            let (file, line) = self.table.file_line(&record, pc, work);
            frames.push(Frame { function, file, line });
            pc = parent_pc;
            if work.spend(function.len()).is_none() || frames.len() == MAX_INLINE_DEPTH {
                break;
            }
        }
        // Where it is not known what was inlined, the line may be that of any function.
        let is_known = self.gofunc.is_some() || self.table.inline_idx(&record, pc, work).is_none();
        let line = is_known.then(|| self.table.file_line(&record, pc, work));
        let (file, line) = line.unwrap_or_default();
        frames.push(Frame { function: name, file, line });
        frames
    }

    /// How far the stack pointer is below where it was at the entry of the function around `addr`.
    pub(crate) fn frame_bytes(&self, addr: LinkAddr) -> Option<u32> {
        let record = self.table.record(self.find(addr)?.idx.0 as usize)?;
        self.table.frame_bytes(&record, addr.0 - self.addr(record.entry_offset).0)
    }

    /// Names of the functions that have a copy in `func`. Complexity: O(length of its inline tables).
    pub(crate) fn inlined_in(&self, image: &Image<'a>, func: Func<'a>) -> Vec<&'a str> {
        let Some(record) = self.table.record(func.idx.0 as usize) else { return Vec::new() };
        let len = func.end.0.saturating_sub(func.entry.0);
        let idxs = self.table.inline_idxs(&record, len);
        idxs.iter().filter_map(|&idx| Some(self.inlined_call(image, &record, idx)?.0)).collect()
    }

    /// Name of the inlined function at `pc`, and where in the function it was inlined into it stands.
    fn inlined(
        &self,
        image: &Image<'a>,
        record: &FuncRecord<'a>,
        pc: u64,
        work: &mut Work,
    ) -> Option<(&'a str, u64)> {
        let idx = self.table.inline_idx(record, pc, work)?;
        self.inlined_call(image, record, idx)
    }

    fn inlined_call(
        &self,
        image: &Image<'a>,
        record: &FuncRecord<'a>,
        idx: u32,
    ) -> Option<(&'a str, u64)> {
        // Go 1.18 and 1.19: parent i16, funcID u8, pad, file, line, func, parentPc. Later: funcID u8, pad, name,
        // parentPc, startLine. Source: runtime/symtabinl.go, `inlinedCall`.
        let (size, name_at, parent_at) =
            if self.table.has_start_lines { (16, 4, 8) } else { (20, 12, 16) };
        let tree = self.gofunc?.0.checked_add(u64::from(Pclntab::inline_tree(record)?))?;
        let call = image.read(LinkAddr(tree.checked_add(u64::from(idx) * size)?), size as usize)?;
        let name = self.table.name_at(image::u32_at(call, name_at)?)?;
        Some((name, u64::from(image::u32_at(call, parent_at)?)))
    }
}
