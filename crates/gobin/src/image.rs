//! The ELF file as the program sees it: bytes by address, pointers with their relocations.
//!
//! What is kept of a file, and the time to look through it, is bounded by its size: headers that lead to the same bytes
//! over and over have them read once.

use std::ops::Range;

use object::elf::{self, FileHeader64, SectionHeader64};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};
use object::{LittleEndian, ReadRef};

use crate::error::{Error, ErrorKind};
use crate::{Arch, FileOffset, LinkAddr};

/// Longest text read from a file: names of generic functions reach some thousand bytes.
pub(crate) const MAX_TEXT: usize = 1 << 16;
/// Segments that are loaded: linkers make some five.
const MAX_SEGMENTS: usize = 32;
/// Sections that are looked at: Go's linker makes some tens.
pub(crate) const MAX_SECTIONS: usize = 1000;
/// Longest name of a section. Units: bytes.
const MAX_SECTION_NAME: usize = 64;

/// A loaded part of the file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segment<'a> {
    pub(crate) addr: u64,
    pub(crate) file_offset: u64,
    /// The part that is in the file.
    pub(crate) bytes: &'a [u8],
    pub(crate) is_writable: bool,
}

/// A named part of the file.
#[derive(Debug, Clone, Copy)]
struct Section<'a> {
    name: &'a str,
    addr: u64,
    bytes: &'a [u8],
}

/// Segments, sections and relocations of an executable, as far as these put an address of its own in place.
#[derive(Debug)]
pub(crate) struct Image<'a> {
    pub(crate) arch: Arch,
    pub(crate) segments: Vec<Segment<'a>>,
    sections: Vec<Section<'a>>,
    /// Addresses that are made constant after relocation. Sortedness: by address, none overlap.
    relro: Vec<Range<u64>>,
    /// Where a relocation puts an address, and which. Sortedness: by place.
    relocations: Vec<(u64, u64)>,
}

/// A kind of machine in Go's words. Source: include/uapi/linux/elf-em.h of Linux 6.18.
fn machine(number: u16) -> String {
    let known = match number {
        3 => "386",
        8 => "mips",
        21 => "ppc64",
        22 => "s390x",
        40 => "arm",
        243 => "riscv64",
        258 => "loong64",
        _ => return format!("machine {number}"),
    };
    known.to_owned()
}

/// Address of a symbol in a table; `None` where it is defined elsewhere, or nowhere.
fn defined_symbol(symbols: &[u8], at: u64) -> Option<u64> {
    const SECTION: Range<usize> = 6..8;
    const VALUE: usize = 8;
    let symbol = symbols.as_chunks::<24>().0.get(usize::try_from(at).ok()?)?;
    let is_defined = symbol[SECTION] != [0, 0];
    u64_at(symbol, VALUE).filter(|_| is_defined)
}

impl<'a> Image<'a> {
    pub(crate) fn parse(data: &'a [u8]) -> Result<Self, Error> {
        let elf_error = |error: object::read::Error| ErrorKind::Elf(error.to_string()).in_file();
        let endian = LittleEndian;
        if data.get(4..6).is_some_and(|class_and_order| class_and_order != [2, 1]) {
            return Err(
                ErrorKind::OtherMachine("not a 64-bit little-endian file".to_owned()).in_file()
            );
        }
        let header = FileHeader64::<LittleEndian>::parse(data).map_err(elf_error)?;
        let arch = match header.e_machine(endian) {
            elf::EM_X86_64 => Arch::Amd64,
            elf::EM_AARCH64 => Arch::Arm64,
            other => return Err(ErrorKind::OtherMachine(machine(other.0)).in_file()),
        };
        let segments = parse_segments(header, data)?;
        let mut image = Self {
            arch,
            segments,
            sections: Vec::new(),
            relro: Vec::new(),
            relocations: Vec::new(),
        };
        image.add_sections(header, data);
        image.relocations.sort_unstable();
        Ok(image)
    }

    #[cfg(test)]
    pub(crate) fn of_segment(arch: Arch, segment: Segment<'a>) -> Self {
        let (sections, relro, relocations) = (Vec::new(), Vec::new(), Vec::new());
        Self { arch, segments: vec![segment], sections, relro, relocations }
    }

    /// Section headers are a convenience: a file cut before them can still be read.
    fn add_sections(&mut self, header: &FileHeader64<LittleEndian>, data: &'a [u8]) {
        let endian = LittleEndian;
        let Ok(headers) = header.section_headers(endian, data) else { return };
        let bytes_of = |section: &SectionHeader64<LittleEndian>| {
            section.file_range(endian).map(|(offset, size)| clipped(data, offset, size))
        };
        let names = header.shstrndx(endian, data).ok().and_then(|idx| headers.get(idx as usize));
        let names = names.and_then(bytes_of).unwrap_or(&[]);
        let mut tables = Vec::new();
        let mut symbols: &[u8] = &[];
        for section in headers.iter().take(MAX_SECTIONS) {
            let Some(bytes) = bytes_of(section) else { continue };
            if section.sh_type(endian) == elf::SHT_RELA {
                let start = section.sh_offset(endian);
                tables.push(start..start.saturating_add(bytes.len() as u64));
            }
            if section.sh_type(endian) == elf::SHT_DYNSYM {
                symbols = bytes;
            }
            if let Some(name) = section_name(names, section.sh_name(endian)) {
                self.sections.push(Section { name, addr: section.sh_addr(endian), bytes });
            }
        }
        for table in merged(tables) {
            let bytes = clipped(data, table.start, table.end - table.start);
            self.add_relocations(bytes, symbols);
        }
        let is_constant = |name: &str| name.starts_with(".data.rel.ro") || name == ".got";
        let relro = self.sections.iter().filter(|section| is_constant(section.name));
        let range = |section: &Section<'_>| {
            section.addr..section.addr.saturating_add(section.bytes.len() as u64)
        };
        self.relro = merged(relro.map(range).collect());
    }

    /// Keeps those that put a fixed address in place: in position-independent executables all pointers are such, and in
    /// plugins those to types and functions, which have symbols there, so that the program may have its own.
    fn add_relocations(&mut self, bytes: &[u8], symbols: &[u8]) {
        let (relative, [absolute, of_table]) = match self.arch {
            Arch::Amd64 => {
                (elf::R_X86_64_RELATIVE.0, [elf::R_X86_64_64.0, elf::R_X86_64_GLOB_DAT.0])
            }
            Arch::Arm64 => {
                (elf::R_AARCH64_RELATIVE.0, [elf::R_AARCH64_ABS64.0, elf::R_AARCH64_GLOB_DAT.0])
            }
        };
        let entries = bytes.as_chunks::<24>().0.iter();
        self.relocations.extend(entries.filter_map(|entry| {
            let [place, info, addend] = [0, 8, 16].map(|at| u64_at(entry, at));
            let (info, addend) = (info?, addend?);
            let value = match info as u32 {
                kind if kind == relative => addend,
                kind if kind == absolute || kind == of_table => {
                    defined_symbol(symbols, info >> 32)?.wrapping_add(addend)
                }
                _ => return None,
            };
            Some((place?, value))
        }));
    }

    /// Bytes of all segments. Units: bytes.
    pub(crate) fn n_bytes(&self) -> usize {
        self.segments.iter().map(|segment| segment.bytes.len()).sum()
    }

    /// Address and bytes of a section.
    pub(crate) fn section(&self, name: &str) -> Option<(LinkAddr, &'a [u8])> {
        let section = self.sections.iter().find(|section| section.name == name)?;
        Some((LinkAddr(section.addr), section.bytes))
    }

    /// Address of a byte of the file.
    pub(crate) fn link_addr(&self, offset: FileOffset) -> Option<LinkAddr> {
        self.segments.iter().find_map(|segment| {
            let at = offset.0.checked_sub(segment.file_offset)?;
            (at < segment.bytes.len() as u64).then(|| LinkAddr(segment.addr.wrapping_add(at)))
        })
    }

    /// Position in the file of a byte of the program; `None` for memory that is not in the file.
    pub(crate) fn file_offset(&self, addr: LinkAddr) -> Option<FileOffset> {
        self.segments.iter().find_map(|segment| {
            let at = addr.0.checked_sub(segment.addr)?;
            (at < segment.bytes.len() as u64)
                .then(|| FileOffset(segment.file_offset.wrapping_add(at)))
        })
    }

    /// All bytes from an address to the end of its segment.
    pub(crate) fn from(&self, addr: LinkAddr) -> Option<&'a [u8]> {
        self.segments.iter().find_map(|segment| {
            let at = usize::try_from(addr.0.checked_sub(segment.addr)?).ok()?;
            segment.bytes.get(at..).filter(|rest| !rest.is_empty())
        })
    }

    pub(crate) fn read(&self, addr: LinkAddr, len: usize) -> Option<&'a [u8]> {
        self.from(addr)?.get(..len)
    }

    pub(crate) fn u8(&self, addr: LinkAddr) -> Option<u8> {
        self.from(addr)?.first().copied()
    }

    pub(crate) fn u16(&self, addr: LinkAddr) -> Option<u16> {
        self.read(addr, 2)?.try_into().ok().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&self, addr: LinkAddr) -> Option<u32> {
        self.read(addr, 4)?.try_into().ok().map(u32::from_le_bytes)
    }

    pub(crate) fn i32(&self, addr: LinkAddr) -> Option<i32> {
        self.u32(addr).map(u32::cast_signed)
    }

    pub(crate) fn u64(&self, addr: LinkAddr) -> Option<u64> {
        self.read(addr, 8)?.try_into().ok().map(u64::from_le_bytes)
    }

    /// A pointer in data: the relocation's value where there is one, else what stands in the file.
    pub(crate) fn pointer(&self, addr: LinkAddr) -> Option<LinkAddr> {
        match self.relocations.binary_search_by_key(&addr.0, |&(at, _)| at) {
            Ok(found) => Some(LinkAddr(self.relocations[found].1)),
            Err(_) => self.u64(addr).map(LinkAddr),
        }
    }

    /// Eight bytes that the running program cannot change: in a segment that is not writable, or made so after
    /// relocation.
    pub(crate) fn constant(&self, addr: LinkAddr) -> Option<u64> {
        let segment = self
            .segments
            .iter()
            .find(|s| addr.0 >= s.addr && addr.0 - s.addr < s.bytes.len() as u64)?;
        let after = self.relro.partition_point(|range| range.start <= addr.0);
        let is_relro = self.relro[..after].last().is_some_and(|range| addr.0 < range.end);
        (!segment.is_writable || is_relro).then(|| self.pointer(addr).map(|pointer| pointer.0))?
    }

    /// Places whose pointer is `value`: candidates only, 8-aligned, in writable segments or relocated.
    pub(crate) fn pointers_to(&self, value: LinkAddr) -> impl Iterator<Item = LinkAddr> {
        let relocated = self
            .relocations
            .iter()
            .filter(move |(_, to)| *to == value.0)
            .map(|&(at, _)| LinkAddr(at));
        let stored =
            self.segments.iter().filter(|segment| segment.is_writable).flat_map(move |segment| {
                let words = segment.bytes.as_chunks::<8>().0.iter().enumerate();
                let is_value = move |word: &[u8; 8]| u64::from_le_bytes(*word) == value.0;
                words
                    .filter(move |(_, word)| is_value(word))
                    .map(|(at, _)| LinkAddr(segment.addr.wrapping_add(8 * at as u64)))
            });
        relocated.chain(stored)
    }

    /// Text with a varint length before it, as Go writes type names and build info.
    pub(crate) fn varint_str(&self, addr: LinkAddr) -> Option<&'a str> {
        let mut bytes = self.from(addr)?;
        let len = usize::try_from(read_varint(&mut bytes)?).ok()?;
        std::str::from_utf8(bytes.get(..len.min(MAX_TEXT))?).ok()
    }
}

/// The loaded parts. Shape: no more bytes than twice those of the file.
fn parse_segments<'a>(
    header: &FileHeader64<LittleEndian>,
    data: &'a [u8],
) -> Result<Vec<Segment<'a>>, Error> {
    let endian = LittleEndian;
    let damage = |text: String| ErrorKind::Elf(text).in_file();
    let headers =
        header.program_headers(endian, data).map_err(|error| damage(error.to_string()))?;
    let loaded = headers.iter().filter(|segment| segment.p_type(endian) == elf::PT_LOAD);
    let segment = |segment: &elf::ProgramHeader64<LittleEndian>| {
        let (offset, size) = segment.file_range(endian);
        Segment {
            addr: segment.p_vaddr(endian),
            file_offset: offset,
            bytes: clipped(data, offset, size),
            is_writable: segment.p_flags(endian).contains(elf::PF_W),
        }
    };
    let segments: Vec<_> = loaded.take(MAX_SEGMENTS + 1).map(segment).collect();
    if segments.len() > MAX_SEGMENTS {
        return Err(damage(format!("it has more than {MAX_SEGMENTS} loaded segments")));
    }
    let n_bytes: usize = segments.iter().map(|segment| segment.bytes.len()).sum();
    if n_bytes / 2 > data.len() {
        return Err(damage("its loaded segments overlap".to_owned()));
    }
    Ok(segments)
}

/// A name in the table of names, where it is one that sections have.
fn section_name(names: &[u8], at: u32) -> Option<&str> {
    let rest = names.get(at as usize..)?;
    let len = memchr::memchr(0, &rest[..rest.len().min(MAX_SECTION_NAME)])?;
    std::str::from_utf8(&rest[..len]).ok()
}

/// The same numbers in ranges that do not overlap. Sortedness: ascending.
fn merged(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_unstable_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// The part of `data` at this place that exists.
fn clipped(data: &[u8], offset: u64, size: u64) -> &[u8] {
    let start = usize::try_from(offset).unwrap_or(usize::MAX).min(data.len());
    let end = usize::try_from(offset.saturating_add(size)).unwrap_or(usize::MAX).min(data.len());
    data.read_bytes_at(start as u64, (end - start) as u64).unwrap_or(&[])
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|word| u64::from_le_bytes(*word))
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|word| u32::from_le_bytes(*word))
}

/// Takes a base-128 number of at most 32 bits off the front. Source: runtime/symtab.go, `readvarint`, Go 1.27.
pub(crate) fn read_varint(bytes: &mut &[u8]) -> Option<u32> {
    let mut value = 0_u32;
    for shift in (0..35).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u32::from(byte & 0x7f).wrapping_shl(shift);
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests;
