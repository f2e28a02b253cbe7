//! /proc/PID/maps: what is mapped where, and where an executable was loaded.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use gobin::{FileOffset, LinkAddr};

use crate::executable::without_deleted;
use crate::text::{self, parse_decimal, parse_hex, split_once};
use crate::{Error, FileId, LoadBias, Pid, RunAddr};

/// A line of the memory map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// Its first byte.
    pub start: RunAddr,
    /// Behind its last byte.
    pub end: RunAddr,
    /// Whether its bytes may be run.
    pub can_execute: bool,
    /// Where it begins in the file.
    pub offset: FileOffset,
    /// The file; `None` for memory without one.
    pub file: Option<FileId>,
    /// As Linux gives it: a path, with " (deleted)" when the file is gone from its directory; `[heap]` and the like;
    /// or nothing.
    pub name: OsString,
}

impl Mapping {
    /// Whether the address is in it.
    pub fn contains(&self, addr: RunAddr) -> bool {
        self.start <= addr && addr < self.end
    }

    /// Where an address in it is in the file; `None` for others, and where there is no file.
    pub fn file_offset(&self, addr: RunAddr) -> Option<FileOffset> {
        (self.file.is_some() && self.contains(addr)).then_some(())?;
        Some(FileOffset(self.offset.0.checked_add(addr.0 - self.start.0)?))
    }

    /// The path of the file, without " (deleted)".
    pub fn path(&self) -> Option<PathBuf> {
        let has_path = self.file.is_some() && self.name.as_bytes().starts_with(b"/");
        has_path.then(|| without_deleted(self.name.as_bytes()))
    }
}

/// The memory map of a process at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Maps {
    /// By address.
    pub mappings: Vec<Mapping>,
}

/// Reads the text of /proc/PID/maps; lines that are not of its form, or do not end, are left out.
pub fn parse_maps(text: &[u8]) -> Maps {
    Maps { mappings: text::lines(text).filter_map(parse_line).collect() }
}

/// Source: fs/proc/task_mmu.c, `show_map_vma`: `start-end perms offset major:minor inode`, then spaces up to the name.
fn parse_line(line: &[u8]) -> Option<Mapping> {
    let (range, rest) = split_once(line, b' ')?;
    let (permissions, rest) = split_once(rest, b' ')?;
    let (offset, rest) = split_once(rest, b' ')?;
    let (device, rest) = split_once(rest, b' ')?;
    // The kernel writes a space behind the inode also when no name follows.
    let (inode, name) = split_once(rest, b' ')?;
    let (start, end) = split_once(range, b'-')?;
    let (start, end) = (RunAddr(parse_hex(start)?), RunAddr(parse_hex(end)?));
    let (major, minor) = split_once(device, b':')?;
    let number = |text| u32::try_from(parse_hex(text)?).ok();
    let device = device_number(number(major)?, number(minor)?);
    let inode = parse_decimal(inode)?;
    (start < end).then_some(Mapping {
        start,
        end,
        can_execute: parse_can_execute(permissions)?,
        offset: FileOffset(parse_hex(offset)?),
        // A file system may give its files the number 0.
        file: (device != 0 || inode != 0).then_some(FileId { device, inode }),
        name: unescape(name.trim_ascii_start()),
    })
}

/// As `stat` has it. Source: glibc, bits/sysmacros.h, `gnu_dev_makedev`; that of other systems differs.
fn device_number(major: u32, minor: u32) -> u64 {
    let (major, minor) = (u64::from(major), u64::from(minor));
    (major & 0xffff_f000) << 32 | (major & 0xfff) << 8 | (minor & 0xffff_ff00) << 12 | minor & 0xff
}

/// Of the four letters for reading, writing, running and sharing.
fn parse_can_execute(permissions: &[u8]) -> Option<bool> {
    match permissions {
        [b'r' | b'-', b'w' | b'-', execute @ (b'x' | b'-'), b's' | b'S' | b'p'] => {
            Some(*execute == b'x')
        }
        _ => None,
    }
}

/// Source: fs/proc/task_mmu.c: of all bytes only the newline is escaped, so that a path with these four characters in
/// it looks the same.
fn unescape(name: &[u8]) -> OsString {
    const NEWLINE: &[u8] = b"\\012";
    let mut rest = name;
    let mut bytes = Vec::with_capacity(name.len());
    while let Some(&first) = rest.first() {
        if let Some(behind) = rest.strip_prefix(NEWLINE) {
            bytes.push(b'\n');
            rest = behind;
        } else {
            bytes.push(first);
            rest = &rest[1..];
        }
    }
    OsString::from_vec(bytes)
}

impl Maps {
    /// The memory map of this process.
    ///
    /// # Errors
    /// When /proc is not there.
    pub fn own() -> Result<Self, Error> {
        let path = "/proc/self/maps";
        let text = text::read_path(path, text::LONG)
            .map_err(|error| Error::of_file(Path::new(path), error))?;
        Ok(parse_maps(&text))
    }

    /// The mapping that holds an address.
    pub fn at(&self, addr: RunAddr) -> Option<&Mapping> {
        self.mappings.iter().find(|mapping| mapping.contains(addr))
    }

    /// What addresses in a process differ by from those in a file that it has mapped to run; `None` when it has not.
    /// `link_addr` is the address that the file gives the byte at an offset.
    ///
    /// The numbers of files are compared, not their paths: two files of one path differ when one replaced the other. Use
    /// [`Pid::load_bias`] where the process is there.
    pub fn load_bias(
        &self,
        file: FileId,
        link_addr: impl Fn(FileOffset) -> Option<LinkAddr>,
    ) -> Option<LoadBias> {
        self.bias_where(|mapping| mapping.file == Some(file), link_addr)
    }

    fn load_bias_of_name(
        &self,
        name: &OsStr,
        link_addr: impl Fn(FileOffset) -> Option<LinkAddr>,
    ) -> Option<LoadBias> {
        self.bias_where(|mapping| mapping.file.is_some() && mapping.name == name, link_addr)
    }

    fn bias_where(
        &self,
        is_of_file: impl Fn(&Mapping) -> bool,
        link_addr: impl Fn(FileOffset) -> Option<LinkAddr>,
    ) -> Option<LoadBias> {
        let of_file =
            self.mappings.iter().filter(|mapping| mapping.can_execute && is_of_file(mapping));
        of_file
            .filter_map(|mapping| {
                let link = link_addr(mapping.offset)?;
                Some(LoadBias(mapping.start.0.wrapping_sub(link.0)))
            })
            .next()
    }
}

impl Pid {
    /// Its memory map.
    ///
    /// # Errors
    /// When the process is gone or of another user, or keeps its memory map locked.
    pub fn maps(self) -> Result<Maps, Error> {
        text::read_in_time(self, "maps", text::LONG).map(|text| parse_maps(&text))
    }

    /// What addresses in the process differ by from those in the file; `None` when it has not mapped it to run: a
    /// command that is held back, and for a moment one that has begun, which is the program before that is in memory.
    /// `link_addr` is the address that the file gives the byte at an offset.
    ///
    /// # Errors
    /// As [`Pid::maps`].
    pub fn load_bias(
        self,
        file: FileId,
        link_addr: impl Fn(FileOffset) -> Option<LinkAddr>,
    ) -> Result<Option<LoadBias>, Error> {
        let maps = self.maps()?;
        if let Some(bias) = maps.load_bias(file, &link_addr) {
            return Ok(Some(bias));
        }
        // On btrfs, and on overlayfs before Linux 6.8, the map names another device than `stat` does. That the process
        // runs the file is known from `stat` alone; which lines are of it, from what the kernel calls both.
        if !FileId::of(&self.exe_path()).is_ok_and(|other| other == file) {
            return Ok(None);
        }
        Ok(maps.load_bias_of_name(self.exe_link()?.as_os_str(), link_addr))
    }
}

#[cfg(test)]
mod tests;
