//! Go executables: build info, functions, lines, runtime types and map call sites, stripped ones too.
//!
//! Reads ELF files for amd64 and arm64 made by Go 1.18 to 1.27: static, position-independent, stripped, with cgo.
//! 1. The function table is found by section or by its header; it gives names, addresses and lines.
//! 2. The module data is found by its pointers to that table; it gives the text's start, types and inline tables.
//! 3. The build info, or else the structures themselves, tell the release, and with it the layouts.
//!
//! Does not read DWARF or symbol tables: what is here is in every binary, stripped or not.

mod buildinfo;
mod disasm;
mod error;
mod functions;
mod image;
mod map_sites;
mod module;
mod pclntab;
mod probes;
mod release;
mod sites;
mod types;

/// Larger files are not to be read: code of amd64 reaches no further, and who would read a file in which a hole pretends to be
/// more runs out of memory. Units: bytes.
pub const MAX_FILE_BYTES: u64 = 2 << 30;

pub use buildinfo::BuildInfo;
pub use disasm::{Access, Instruction, Meaning, Memory, Target, TargetKind};
pub use error::{Error, ErrorKind, Parsed, Place};
pub use functions::{Frame, Func, FuncIdx, Functions};
pub use probes::{InlinedCall, InlinedCopy, LargeArrays, ProbeInstruction, ProbePoint};
pub use release::{Basis, Releases};
pub use sites::UnknownType;
pub use types::{MapType, TypeDesc};

use std::io::{Read, Seek};
use std::sync::Mutex;

use goabi::{GoVersion, MapImpl, MapOp};
use image::{Image, MAX_SECTIONS};
use module::Module;
use object::Endianness;
use object::elf::{FileHeader64, SectionHeader64};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};
use object::read::{ReadCache, ReadRef};
use pclntab::{Pclntab, Work};
use types::Types;

/// An address as in the ELF file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkAddr(pub u64);

/// A position in the file. Units: bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileOffset(pub u64);

/// The machines we read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arch {
    /// x86-64.
    Amd64,
    /// AArch64.
    Arm64,
}

impl Arch {
    /// GOARCH.
    pub fn go_name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }
}

/// A call of a map function in the machine code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapSite<'a> {
    /// Address of the call.
    pub addr: LinkAddr,
    /// What is done to the map.
    pub op: MapOp,
    /// Name of the function called.
    pub callee: &'a str,
    /// Address of the map type's descriptor, or why the code does not tell.
    pub map_type: Result<LinkAddr, UnknownType>,
    /// In generic code whose type is not known: map types that it is called with, maybe not all.
    pub possible_types: Vec<PossibleType>,
    /// Descriptors of the types of maps that hold the map of this call: the code takes it out of them, or puts it there.
    pub held_by: Vec<LinkAddr>,
    /// Addresses of calls that may have made the map of this call: in the same function, or of a map that is put into the field
    /// of a struct which this one is taken out of.
    pub made_at: Vec<LinkAddr>,
    /// Whether calls in the same function made it, whatever led here: each time the function is called it is a new one.
    pub is_new: bool,
    /// Whether each way that the map may have come is known: such a call, or out of a map that holds it.
    pub is_traced: bool,
    /// Of a call that makes a map: whether this stands in the stack frame, as it does not leave the function. Small ones are made
    /// there without a call: this is then the one that gives it its seed.
    pub is_in_frame: bool,
    /// Of a call that reads: addresses of calls near it that write, and may be on the same map.
    pub written_at: Vec<LinkAddr>,
    /// Where in the source, innermost inlined function first.
    pub frames: Vec<Frame<'a>>,
}

/// A map type that generic code is called with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PossibleType {
    /// Address of its descriptor.
    pub map_type: LinkAddr,
    /// Calls, by code that is not generic, that lead to it being this one; none where there are many.
    pub called_at: Vec<LinkAddr>,
}

/// Code of which instructions are listed: more is no function that anyone reads. Units: bytes.
const MAX_LISTED: usize = 1 << 20;
/// Whether Go's linker made an ELF file, executable or library, stripped or not. Reads its section headers and the
/// beginnings of their names only, and none where there are more than a thousand.
pub fn is_linked_by_go(file: impl Read + Seek) -> bool {
    has_section(&ReadCache::new(file), b".note.go.buildid\0").unwrap_or(false)
}

/// By a name with the byte that ends it.
fn has_section<'f>(file: impl ReadRef<'f>, name: &[u8]) -> Option<bool> {
    let header = FileHeader64::<Endianness>::parse(file).ok()?;
    let endian = header.endian().ok()?;
    if header.shnum(endian, file).ok()? as usize > MAX_SECTIONS {
        return None;
    }
    let sections = header.section_headers(endian, file).ok()?;
    let names = sections.get(header.shstrndx(endian, file).ok()? as usize)?;
    let is_named = |section: &SectionHeader64<Endianness>| {
        let at = names.sh_offset(endian).checked_add(section.sh_name(endian).into());
        at.and_then(|at| file.read_bytes_at(at, name.len() as u64).ok()) == Some(name)
    };
    Some(sections.iter().any(is_named))
}

/// Where the last part of a 64-bit ELF file ends that its headers name: what is behind it, such as a hole, says nothing of
/// the program. Of a cut file that is behind its end. Reads the headers only; `None` where they cannot be read, or there
/// are more than a thousand. Units: bytes.
pub fn end_of_named_parts(file: impl Read + Seek) -> Option<u64> {
    end_of_parts(&ReadCache::new(file))
}

fn end_of_parts<'f>(file: impl ReadRef<'f>) -> Option<u64> {
    let header = FileHeader64::<Endianness>::parse(file).ok()?;
    let endian = header.endian().ok()?;
    let (n_segments, n_sections) =
        (header.phnum(endian, file).ok()?, header.shnum(endian, file).ok()?);
    if n_segments.max(n_sections) as usize > MAX_SECTIONS {
        return None;
    }
    let table = |at: u64, n: u32, entry_bytes: u16| (at, u64::from(n) * u64::from(entry_bytes));
    let tables = [
        (0, u64::from(header.e_ehsize(endian))),
        table(header.e_phoff(endian), n_segments, header.e_phentsize(endian)),
        table(header.e_shoff(endian), n_sections, header.e_shentsize(endian)),
    ];
    let segments = header.program_headers(endian, file).ok()?.iter();
    let sections = header.section_headers(endian, file).ok()?.iter();
    let parts = tables.into_iter();
    let parts = parts.chain(segments.map(|segment| segment.file_range(endian)));
    let parts = parts.chain(sections.filter_map(|section| section.file_range(endian)));
    parts.map(|(at, n_bytes)| at.saturating_add(n_bytes)).max()
}

/// A Go executable. Borrows the bytes of the file.
#[derive(Debug)]
pub struct Binary<'a> {
    image: Image<'a>,
    build_info: Option<BuildInfo>,
    releases: Option<Releases>,
    map_impl: Option<MapImpl>,
    module: Option<Module>,
    functions: Functions<'a>,
    known_types: Mutex<types::Known>,
}

impl<'a> Binary<'a> {
    /// Reads the structures that everything else needs.
    ///
    /// # Errors
    /// When `data` is no 64-bit ELF file for amd64 or arm64, or has no Go function table.
    pub fn parse(data: &'a [u8]) -> Result<Parsed<Self>, Error> {
        let image = Image::parse(data)?;
        let table = Pclntab::find(&image)?;
        let mut faults = Vec::new();
        if (table.n_funcs as u64) < table.n_announced() {
            faults.push(ErrorKind::OutOfFile.in_structure("pclntab"));
        }
        let build_info = BuildInfo::read(&image);
        let module_addr = module::find(&image, &table);
        let releases = Releases::detect(&image, build_info.as_ref(), &table, module_addr);
        let layout = releases.map(|releases| &releases.oldest().module);
        let module = module_addr.and_then(|addr| Module::read(&image, addr, layout));
        if module.is_none() {
            faults.push(ErrorKind::NoModuleData.in_structure("the writable segments"));
        }
        let functions = Functions::new(table, module.as_ref());
        let map_impl = release::map_impl(&functions);
        let releases = releases.map(|releases| releases.narrowed(map_impl));
        let known_types = Mutex::new(types::Known::nothing_of(&image));
        let mut value =
            Self { image, build_info, releases, map_impl, module, functions, known_types };
        if releases.is_some_and(Releases::is_likeness) && !value.agrees_with_layouts() {
            value.forget_layouts();
        }
        Ok(Parsed { value, faults })
    }

    fn agrees_with_layouts(&self) -> bool {
        self.types().is_ok_and(|types| types.agree())
    }

    /// Reads nothing any more whose place depends on the release.
    fn forget_layouts(&mut self) {
        self.releases = None;
        self.functions.forget_inlining();
        if let Some(module) = &mut self.module {
            (module.gofunc, module.types) = (None, None);
        }
    }

    /// The machine it is for.
    pub fn arch(&self) -> Arch {
        self.image.arch
    }

    /// What `go version -m` prints; `None` when the file has none.
    pub fn build_info(&self) -> Option<&BuildInfo> {
        self.build_info.as_ref()
    }

    /// The version of Go that made it: what the build info says, known or not; without it the one release that the
    /// structures allow.
    pub fn go_version(&self) -> Option<GoVersion> {
        match &self.build_info {
            Some(info) => GoVersion::parse(&info.go_version),
            None => Some(GoVersion::go1(self.releases?.exact()?)),
        }
    }

    /// The releases of Go that may have made it; `None` where that is not known, and with it the layouts of types, of
    /// tables of inlined calls, and of maps.
    pub fn releases(&self) -> Option<Releases> {
        self.releases
    }

    /// The implementation of maps linked in.
    pub fn map_impl(&self) -> Option<MapImpl> {
        self.map_impl
    }

    /// GNU build id, hexadecimal; Go's own linker writes one from 1.24 on.
    pub fn gnu_build_id(&self) -> Option<String> {
        buildinfo::gnu_build_id(&self.image)
    }

    /// What `go tool buildid` prints.
    pub fn go_build_id(&self) -> Option<String> {
        buildinfo::go_build_id(&self.image)
    }

    /// The function table.
    pub fn functions(&self) -> &Functions<'a> {
        &self.functions
    }

    /// Functions and lines at an instruction, innermost inlined function first; empty outside Go code.
    pub fn frames(&self, addr: LinkAddr) -> Vec<Frame<'a>> {
        self.functions.frames(&self.image, addr, &mut Work::of_one_place())
    }

    /// How far the stack pointer is below where it was at the function's entry, when the instruction at `addr` is next;
    /// `None` outside Go code. Where it is 0, the stack pointer points to the address to return to.
    /// Units: bytes. Source: runtime/symtab.go, `funcspdelta`.
    pub fn frame_bytes(&self, addr: LinkAddr) -> Option<u32> {
        self.functions.frame_bytes(addr)
    }

    /// Machine code of a function, as far as it is in the file.
    pub fn code(&self, func: Func<'_>) -> Option<&'a [u8]> {
        let bytes = self.image.from(func.entry)?;
        let len = usize::try_from(func.end.0.checked_sub(func.entry.0)?).ok()?;
        Some(&bytes[..len.min(bytes.len())])
    }

    /// Bytes of the program as loaded; `None` outside the file.
    pub fn read(&self, addr: LinkAddr, len: usize) -> Option<&'a [u8]> {
        self.image.read(addr, len)
    }

    /// Address at which a byte of the file is loaded.
    pub fn link_addr(&self, offset: FileOffset) -> Option<LinkAddr> {
        self.image.link_addr(offset)
    }

    /// Position in the file of a byte of the program, as the kernel wants it for probes.
    pub fn file_offset(&self, addr: LinkAddr) -> Option<FileOffset> {
        self.image.file_offset(addr)
    }

    /// Where a probe sees every call of a function once, with its arguments still in registers; `None` when the code
    /// does not begin with a stack check.
    pub fn probe_point(&self, func: Func<'_>) -> Option<ProbePoint> {
        probes::after_stack_check(self.arch(), self.code(func)?, func.entry)
    }

    fn inlined_in(&self, func: Func<'a>) -> Vec<&'a str> {
        self.functions.inlined_in(&self.image, func)
    }

    /// Every map type that the runtime knows of. Sortedness: by name.
    ///
    /// # Errors
    /// When the layout of this version of Go is not known.
    pub fn map_types(&self) -> Result<Parsed<Vec<MapType>>, Error> {
        Ok(self.types()?.maps())
    }

    /// The map type whose descriptor is at `addr`; `None` when none is there or its layout is not known.
    pub fn map_type_at(&self, addr: LinkAddr) -> Option<MapType> {
        self.types().ok()?.map(addr)
    }

    /// The type, of any kind, whose descriptor is at `addr`; `None` when none is there or its layout is not known.
    pub fn type_at(&self, addr: LinkAddr) -> Option<TypeDesc> {
        self.types().ok()?.describe(addr)
    }

    /// Every call of a map function in the machine code, by address, with the map type where the code tells it; of a
    /// damaged file no more than a program of its size can have.
    pub fn map_sites(&self) -> Vec<MapSite<'a>> {
        map_sites::of(self)
    }

    /// The instructions of a function, of its first megabyte of code; those of Go's map functions with what they are for.
    pub fn instructions(&self, func: Func<'a>) -> Vec<Instruction<'a>> {
        let symbol_at = |addr| {
            self.functions.find(addr).filter(|func| func.entry == addr).map(|func| func.name)
        };
        let code = self.code(func).unwrap_or(&[]);
        let code = &code[..code.len().min(MAX_LISTED)];
        let mut listing = disasm::disassemble(self.arch(), code, func.entry, &symbol_at);
        let map = self.releases.and_then(|releases| releases.oldest().map(self.map_impl?));
        if let Some(map) = map {
            let layout = disasm::Layout { arch: self.arch(), map };
            let inlined_at = |addr| Some(self.frames(addr).first()?.function.to_owned());
            listing.explain(func.name, layout, &inlined_at);
        }
        listing.instructions
    }

    fn types(&self) -> Result<Types<'_, 'a>, Error> {
        let section = self.module.as_ref().and_then(|module| module.types);
        let types =
            Types::new(&self.image, &self.known_types, section, self.releases, self.map_impl);
        types.map_err(|error| match (&error.kind, &self.build_info) {
            (ErrorKind::UnknownVersion, Some(info)) => Error {
                kind: ErrorKind::UnsupportedVersion { found: info.go_version.clone() },
                ..error
            },
            _ => error,
        })
    }
}
