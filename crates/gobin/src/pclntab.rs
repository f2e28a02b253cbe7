//! The function table: names, addresses, lines. It survives stripping, because tracebacks need it.
//!
//! Source: runtime/symtab.go and runtime/runtime2.go (`_func`), cmd/link/internal/ld/pcln.go, Go 1.18 to 1.27.

use goabi::RELEASES;

use crate::error::{Error, ErrorKind};
use crate::image::{Image, MAX_TEXT, read_varint, u32_at, u64_at};
use crate::{Arch, LinkAddr};

/// Other magics that the Go linker has written or may write.
const MAGICS_UNKNOWN: std::ops::RangeInclusive<u32> = 0xffff_ffe0..=0xffff_ffff;

/// More functions than any program has; a count beyond it is damage.
const MAX_FUNCS: u64 = 1 << 24;

/// Names of all functions, in times the length of the table of names: each has its own.
const MAX_NAMES_TIMES: usize = 2;

/// Where the table is and where its parts are.
#[derive(Debug)]
pub(crate) struct Pclntab<'a> {
    pub(crate) addr: LinkAddr,
    bytes: &'a [u8],
    pub(crate) magic: u32,
    pub(crate) has_start_lines: bool,
    /// 0 where the header does not have it.
    pub(crate) text_start: u64,
    pub(crate) n_funcs: usize,
    funcnametab: &'a [u8],
    cutab: &'a [u8],
    filetab: &'a [u8],
    pctab: &'a [u8],
    /// Start of the part with the function index and the `_func` records.
    functab: &'a [u8],
    pub(crate) funcnametab_addr: LinkAddr,
    pub(crate) functab_addr: LinkAddr,
    /// Units: bytes of the shortest instruction.
    quantum: u64,
}

/// A `_func` record with what we use of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FuncRecord<'a> {
    pub(crate) entry_offset: u32,
    name_offset: u32,
    pcsp: u32,
    pcfile: u32,
    pcln: u32,
    cu_offset: u32,
    pub(crate) start_line: u32,
    pcdata: &'a [u8],
    funcdata: &'a [u8],
}

/// How much may still be read of tables to tell lines: entries of tables, and bytes of names. Sound tables are as long as
/// their functions; others may be as long as the file, for each place in it.
#[derive(Debug)]
pub(crate) struct Work(usize);

impl Work {
    /// For one place in a program.
    pub(crate) fn of_one_place() -> Self {
        Self(1 << 24)
    }

    /// For all places of a program that are asked for.
    pub(crate) fn of_program(image: &Image<'_>) -> Self {
        Self((1 << 24) + 16 * image.n_bytes())
    }

    /// `None` when it is used up.
    pub(crate) fn spend(&mut self, n: usize) -> Option<()> {
        self.0 = self.0.saturating_sub(n);
        (self.0 > 0).then_some(())
    }
}

/// Index of the table of inlined calls. Source: internal/abi/funcdata.go, `PCDATA_InlTreeIndex`, `FUNCDATA_InlTree`.
const PCDATA_INL_TREE_INDEX: usize = 2;
const FUNCDATA_INL_TREE: usize = 3;

impl<'a> Pclntab<'a> {
    /// Finds the table by section name, else by its header anywhere in the loaded file.
    pub(crate) fn find(image: &Image<'a>) -> Result<Self, Error> {
        let mut damage = None;
        for section in [".gopclntab", ".data.rel.ro.gopclntab"] {
            if let Some((addr, bytes)) = image.section(section) {
                match Self::parse(addr, bytes, image.arch) {
                    Ok(table) => return Ok(table),
                    Err(kind) => damage = Some(kind.at(addr)),
                }
            }
        }
        for segment in &image.segments {
            let quantum = quantum(image.arch) as u8;
            let finder = memchr::memmem::Finder::new(&[0xff, 0xff, 0xff, 0, 0]);
            // The magic's first byte differs; the three bytes after it and the two zeros are always there.
            for hit in finder.find_iter(segment.bytes) {
                let Some(at) = hit
                    .checked_sub(1)
                    .filter(|at| segment.addr.wrapping_add(*at as u64).is_multiple_of(8))
                else {
                    continue;
                };
                if segment.bytes.get(at + 6..at + 8) != Some(&[quantum, 8]) {
                    continue;
                }
                let addr = LinkAddr(segment.addr.wrapping_add(at as u64));
                match Self::parse(addr, &segment.bytes[at..], image.arch) {
                    Ok(table) => return Ok(table),
                    Err(kind) => damage = damage.or(Some(kind.at(addr))),
                }
            }
        }
        Err(damage.unwrap_or_else(|| ErrorKind::NotGo.in_file()))
    }

    fn parse(addr: LinkAddr, bytes: &'a [u8], arch: Arch) -> Result<Self, ErrorKind> {
        let magic = u32_at(bytes, 0).ok_or(ErrorKind::OutOfFile)?;
        let Some(release) = RELEASES.iter().find(|release| release.pclntab.magic == magic) else {
            let is_magic = MAGICS_UNKNOWN.contains(&magic);
            return Err(if is_magic {
                ErrorKind::UnknownMagic { magic }
            } else {
                ErrorKind::NotGo
            });
        };
        if bytes.get(4..8) != Some(&[0, 0, quantum(arch) as u8, 8]) {
            return Err(ErrorKind::NotGo);
        }
        let word = |idx: usize| u64_at(bytes, 8 + 8 * idx).ok_or(ErrorKind::OutOfFile);
        let n_funcs = word(0)?;
        if n_funcs == 0 || n_funcs > MAX_FUNCS {
            return Err(ErrorKind::NotGo);
        }
        let offset = |idx: usize| -> Result<usize, ErrorKind> {
            let offset = usize::try_from(word(idx)?).map_err(|_| ErrorKind::OutOfFile)?;
            if offset < 64 || offset > bytes.len() { Err(ErrorKind::OutOfFile) } else { Ok(offset) }
        };
        let [names, cus, files, pcs, funcs] =
            [offset(3)?, offset(4)?, offset(5)?, offset(6)?, offset(7)?];
        if !(names < cus && cus < files && files < pcs && pcs < funcs) {
            return Err(ErrorKind::NotGo);
        }
        let table = Self {
            addr,
            bytes,
            magic,
            has_start_lines: release.pclntab.has_start_lines,
            text_start: word(2)?,
            n_funcs: (n_funcs as usize).min((bytes.len() - funcs) / 8),
            funcnametab: &bytes[names..cus],
            cutab: &bytes[cus..files],
            filetab: &bytes[files..pcs],
            pctab: &bytes[pcs..],
            functab: &bytes[funcs..],
            funcnametab_addr: LinkAddr(addr.0.wrapping_add(names as u64)),
            functab_addr: LinkAddr(addr.0.wrapping_add(funcs as u64)),
            quantum: quantum(arch),
        };
        Ok(Self { n_funcs: table.n_named(), ..table })
    }

    /// The functions before those that share their names, which may be long, with others.
    fn n_named(&self) -> usize {
        let mut left = MAX_NAMES_TIMES.saturating_mul(self.funcnametab.len());
        let is_named = |idx: &usize| {
            let name = self.record(*idx).and_then(|record| {
                let rest = self.funcnametab.get(record.name_offset as usize..)?;
                Some(nul_terminated(rest).unwrap_or(rest).len())
            });
            let rest = left.checked_sub(name.unwrap_or(0).min(MAX_TEXT));
            left = rest.unwrap_or(0);
            rest.is_some()
        };
        (0..self.n_funcs).take_while(is_named).count()
    }

    /// Number of functions that the header announces, even if the file is cut before their end.
    pub(crate) fn n_announced(&self) -> u64 {
        u64_at(self.bytes, 8).unwrap_or(0)
    }

    /// Offset of the entry of function `idx` from the start of the text; one more entry marks the end of the last.
    pub(crate) fn entry_offset(&self, idx: usize) -> Option<u32> {
        u32_at(self.functab, 8 * idx)
    }

    pub(crate) fn record(&self, idx: usize) -> Option<FuncRecord<'a>> {
        let at = u32_at(self.functab, 8 * idx + 4)? as usize;
        let bytes = self.functab.get(at..)?;
        let word = |at| u32_at(bytes, at);
        // Go 1.20 put `startLine` before the last four bytes of the fixed part.
        let fixed = if self.has_start_lines { 44 } else { 40 };
        let n_pcdata = word(28)? as usize;
        let n_funcdata = usize::from(*bytes.get(fixed - 1)?);
        let tables = bytes.get(fixed..)?;
        let (pcdata, rest) = tables.split_at_checked(n_pcdata.checked_mul(4)?)?;
        Some(FuncRecord {
            entry_offset: word(0)?,
            name_offset: word(4)?,
            pcsp: word(16)?,
            pcfile: word(20)?,
            pcln: word(24)?,
            cu_offset: word(32)?,
            start_line: if self.has_start_lines { word(36)? } else { 0 },
            pcdata,
            funcdata: rest.get(..4 * n_funcdata)?,
        })
    }

    pub(crate) fn name_at(&self, offset: u32) -> Option<&'a str> {
        text_at(self.funcnametab, offset)
    }

    pub(crate) fn name(&self, record: &FuncRecord<'a>) -> Option<&'a str> {
        self.name_at(record.name_offset)
    }

    /// How far the stack pointer is below where it was at the function's entry. Units: bytes.
    pub(crate) fn frame_bytes(&self, record: &FuncRecord<'a>, pc_offset: u64) -> Option<u32> {
        u32::try_from(self.pc_value(record.pcsp, pc_offset, &mut Work::of_one_place())?).ok()
    }

    /// File and line of the instruction at `pc_offset` bytes from the function's entry.
    pub(crate) fn file_line(
        &self,
        record: &FuncRecord<'a>,
        pc_offset: u64,
        work: &mut Work,
    ) -> (&'a str, u32) {
        let file = self.pc_value(record.pcfile, pc_offset, work);
        let file = file.and_then(|idx| self.file(record, idx));
        let line = self.pc_value(record.pcln, pc_offset, work);
        let line = line.and_then(|line| u32::try_from(line).ok());
        (file.unwrap_or(""), line.unwrap_or(0))
    }

    fn file(&self, record: &FuncRecord<'a>, idx: i32) -> Option<&'a str> {
        let slot = (record.cu_offset as usize).checked_add(usize::try_from(idx).ok()?)?;
        let offset = u32_at(self.cutab, slot.checked_mul(4)?)?;
        text_at(self.filetab, offset)
    }

    /// Index into the inline tree of the instruction at `pc_offset`; `None` when it was not inlined.
    pub(crate) fn inline_idx(
        &self,
        record: &FuncRecord<'a>,
        pc_offset: u64,
        work: &mut Work,
    ) -> Option<u32> {
        let table = u32_at(record.pcdata, 4 * PCDATA_INL_TREE_INDEX)?;
        u32::try_from(self.pc_value(table, pc_offset, work)?).ok()
    }

    /// Offset of the inline tree from `moduledata.gofunc`.
    pub(crate) fn inline_tree(record: &FuncRecord<'a>) -> Option<u32> {
        u32_at(record.funcdata, 4 * FUNCDATA_INL_TREE).filter(|&offset| offset != u32::MAX)
    }

    /// Indices into the inline tree that occur in a function of `len` bytes.
    pub(crate) fn inline_idxs(&self, record: &FuncRecord<'a>, len: u64) -> Vec<u32> {
        let table = u32_at(record.pcdata, 4 * PCDATA_INL_TREE_INDEX).unwrap_or(0);
        // An instruction has at least one byte, so a function has no more ranges than bytes.
        let ranges = self.pc_values(table).take(len as usize).take_while(|&(end, _)| end <= len);
        let mut idxs: Vec<u32> = ranges.filter_map(|(_, idx)| u32::try_from(idx).ok()).collect();
        idxs.sort_unstable();
        idxs.dedup();
        idxs
    }

    /// The value of a pc-value table at an offset from the function's entry.
    fn pc_value(&self, table: u32, pc_offset: u64, work: &mut Work) -> Option<i32> {
        for (end, value) in self.pc_values(table) {
            work.spend(1)?;
            if pc_offset < end {
                return Some(value);
            }
        }
        None
    }

    /// The entries of a pc-value table: the offset from the function's entry up to which a value holds, and the value.
    ///
    /// Source: runtime/symtab.go, `pcvalue` and `step`.
    fn pc_values(&self, table: u32) -> impl Iterator<Item = (u64, i32)> + '_ {
        let mut rest =
            if table == 0 { &[] } else { self.pctab.get(table as usize..).unwrap_or(&[]) };
        let (mut value, mut pc, mut is_first) = (-1_i32, 0_u64, true);
        std::iter::from_fn(move || {
            let delta = read_varint(&mut rest)?;
            if delta == 0 && !is_first {
                rest = &[];
                return None;
            }
            is_first = false;
            // Zigzag: the lowest bit is the sign.
            value = value.wrapping_add((delta >> 1).cast_signed() ^ -(delta & 1).cast_signed());
            pc = pc.checked_add(u64::from(read_varint(&mut rest)?) * self.quantum)?;
            Some((pc, value))
        })
    }
}

/// Units: bytes of the shortest instruction.
fn quantum(arch: Arch) -> u64 {
    match arch {
        Arch::Amd64 => 1,
        Arch::Arm64 => 4,
    }
}

fn text_at(table: &[u8], offset: u32) -> Option<&str> {
    std::str::from_utf8(nul_terminated(table.get(offset as usize..)?)?).ok()
}

fn nul_terminated(bytes: &[u8]) -> Option<&[u8]> {
    let bytes = &bytes[..bytes.len().min(MAX_TEXT)];
    Some(&bytes[..memchr::memchr(0, bytes)?])
}

#[cfg(test)]
mod tests;
