//! The module data: where the runtime finds text, types and inline tables.
//!
//! Source: runtime/symtab.go, `moduledata`, of each version; offsets checked against DWARF of Go 1.21 to 1.27.

use crate::LinkAddr;
use crate::image::Image;
use crate::pclntab::Pclntab;
use crate::release::Release;

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

/// Offsets of the fields that move between versions. Units: bytes.
struct Layout {
    types: u64,
    etypes: u64,
    gofunc: u64,
    list: ListLayout,
}

enum ListLayout {
    Typelinks(u64),
    Contiguous(u64),
}

const FUNCNAMETAB: u64 = 8;
const PCLNTABLE: u64 = 104;
const FTAB: u64 = 128;
const TEXT: u64 = 176;

fn layout(release: Release) -> Option<Layout> {
    use ListLayout::{Contiguous, Typelinks};
    let layout = match release.min() {
        18 | 19 => Layout { types: 280, etypes: 288, gofunc: 304, list: Typelinks(336) },
        20..=25 => Layout { types: 296, etypes: 304, gofunc: 320, list: Typelinks(352) },
        26 => Layout { types: 296, etypes: 304, gofunc: 320, list: Typelinks(360) },
        27 => Layout { types: 296, etypes: 312, gofunc: 344, list: Contiguous(304) },
        _ => return None,
    };
    Some(layout)
}

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
    /// Reads the module data at `addr`; what depends on an unknown version is left out.
    pub(crate) fn read(
        image: &Image<'_>,
        addr: LinkAddr,
        release: Option<Release>,
    ) -> Option<Self> {
        let text = image.pointer(field(addr, TEXT))?;
        let layout = release.and_then(layout);
        Some(Self {
            text,
            gofunc: layout.as_ref().and_then(|layout| image.pointer(field(addr, layout.gofunc))),
            types: layout.as_ref().and_then(|layout| type_section(image, addr, layout)),
        })
    }
}

fn type_section(image: &Image<'_>, addr: LinkAddr, layout: &Layout) -> Option<TypeSection> {
    let start = image.pointer(field(addr, layout.types))?;
    let end = image.pointer(field(addr, layout.etypes))?;
    let list = match layout.list {
        ListLayout::Typelinks(at) => TypeList::Typelinks {
            addr: image.pointer(field(addr, at))?,
            len: image.u64(field(addr, at + 8))?,
        },
        ListLayout::Contiguous(at) => TypeList::Contiguous { len: image.u64(field(addr, at))? },
    };
    (start < end).then_some(TypeSection { start, end, list })
}

/// Go 1.26 and 1.27 differ in the field after `types`: the end of the types against their number of bytes.
pub(crate) fn is_127(image: &Image<'_>, addr: LinkAddr) -> Option<bool> {
    let types = image.pointer(field(addr, 296))?;
    let next = image.pointer(field(addr, 304))?;
    Some(next < types)
}

fn field(addr: LinkAddr, offset: u64) -> LinkAddr {
    LinkAddr(addr.0.wrapping_add(offset))
}
