//! The module data: where the runtime finds text, types and inline tables.
//!
//! Source: runtime/symtab.go, `moduledata`, of each version.

use goabi::ModuleAbi;

use crate::LinkAddr;
use crate::image::Image;
use crate::pclntab::Pclntab;

/// The fields used.
#[derive(Debug, Clone)]
pub(crate) struct Module {
    pub(crate) text: LinkAddr,
    /// `None` when the layout of this version is not known.
    pub(crate) gofunc: Option<LinkAddr>,
    /// `None` when the layout of this version is not known.
    pub(crate) types: Option<TypeSection>,
}

/// Where type descriptors are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TypeSection {
    pub(crate) start: LinkAddr,
    pub(crate) end: LinkAddr,
    pub(crate) list: TypeList,
}

/// How the runtime finds all types.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TypeList {
    /// Offsets of 4 bytes from the start of the types: up to Go 1.26.
    Typelinks { addr: LinkAddr, len: u64 },
    /// Descriptors one after the other: from Go 1.27. Units: bytes.
    Contiguous { len: u64 },
}

const FUNCNAMETAB: u64 = 8;
const PCLNTABLE: u64 = 104;
const FTAB: u64 = 128;
const TEXT: u64 = 176;

/// Finds the module data by the pointers to the function table that it starts with.
pub(crate) fn find(image: &Image<'_>, table: &Pclntab<'_>) -> Option<LinkAddr> {
    let section = image.section(".go.module").map(|(addr, _)| addr);
    let candidates = section.into_iter().chain(image.pointers_to(table.addr));
    let points = |addr: LinkAddr, at: u64, to: LinkAddr| image.pointer(field(addr, at)) == Some(to);
    candidates.into_iter().find(|&addr| {
        points(addr, 0, table.addr)
            && points(addr, FUNCNAMETAB, table.funcnametab_addr)
            && (points(addr, FTAB, table.functab_addr)
                || points(addr, PCLNTABLE, table.functab_addr))
    })
}

impl Module {
    /// Reads the module data at `addr`; without its layout, only what is the same in all releases.
    pub(crate) fn read(image: &Image<'_>, addr: LinkAddr, abi: Option<&ModuleAbi>) -> Option<Self> {
        let text = image.pointer(field(addr, TEXT))?;
        Some(Self {
            text,
            gofunc: abi.and_then(|abi| image.pointer(field(addr, abi.gofunc))),
            types: abi.and_then(|abi| type_section(image, addr, abi)),
        })
    }
}

/// Whether the module data at `addr` can be that of a release.
pub(crate) fn fits(image: &Image<'_>, addr: LinkAddr, abi: &ModuleAbi) -> bool {
    type_section(image, addr, abi).is_some_and(|section| match section.list {
        TypeList::Typelinks { .. } => true,
        TypeList::Contiguous { len } => len <= section.end.0 - section.start.0,
    })
}

/// `None` where the fields contradict each other: the next release has the number of bytes of the types where this one has
/// their end, for one.
fn type_section(image: &Image<'_>, addr: LinkAddr, abi: &ModuleAbi) -> Option<TypeSection> {
    let start = image.pointer(field(addr, abi.types))?;
    let end = image.pointer(field(addr, abi.etypes))?;
    let list = match abi.list {
        goabi::TypeList::Typelinks(at) => TypeList::Typelinks {
            addr: image.pointer(field(addr, at))?,
            len: image.u64(field(addr, at + 8))?,
        },
        goabi::TypeList::Contiguous(at) => {
            TypeList::Contiguous { len: image.u64(field(addr, at))? }
        }
    };
    (start < end).then_some(TypeSection { start, end, list })
}

fn field(addr: LinkAddr, offset: u64) -> LinkAddr {
    LinkAddr(addr.0.wrapping_add(offset))
}
