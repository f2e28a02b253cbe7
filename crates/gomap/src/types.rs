//! Go types as text: sizes, alignment, pointers, and how keys are compared.
//!
//! Understands the predeclared types and all that is made of them, in the spelling of reflection or of source
//! (`map[string]map[string]int`, `[2]string`, `struct { a int; b *T }`). Names of packages' types it does not know.
//!
//! Source: Go specification, "Types"; cmd/compile/internal/types/size.go (`CalcSize`, `CalcStructSize`), alg.go
//! (`AlgType`) of Go 1.21 and 1.27, for 64-bit machines.

mod text;

use std::str::FromStr;

use goabi::descriptor::MAX_INLINE;

use crate::error::Error;

/// Largest size of a type considered. Units: bytes.
const MAX_BYTES: u64 = 1 << 40;

/// `map[Key]Elem`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapType {
    /// Type of the keys.
    pub key: GoType,
    /// Type of the elements.
    pub elem: GoType,
}

/// What the size and speed of a map depend on, of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoType {
    /// Units: bytes.
    pub size: u64,
    /// Units: bytes.
    pub align: u64,
    /// Whether the collector has to look into it.
    pub has_pointers: bool,
    /// The map, when the type is one.
    pub map: Option<Box<MapType>>,
    equality: Equality,
}

/// How two values are compared, as far as the choice of the map functions depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Equality {
    /// Byte by byte.
    Memory,
    Text,
    /// By code of their own: floats, interfaces, structs with strings, padding.
    Own,
    /// Not at all.
    None,
}

/// The family of functions that the compiler calls for a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FastPath {
    /// Keys of 4 or 8 bytes without pointers, and strings.
    Plain,
    /// Keys that are one pointer.
    Pointer,
    /// All others, and large elements.
    None,
}

impl FromStr for MapType {
    type Err = Error;

    /// Reads `map[K]V`.
    ///
    /// # Errors
    /// When the text is not a map type, or names types of packages.
    fn from_str(text: &str) -> Result<Self, Error> {
        text::parse_map(text)
    }
}

impl MapType {
    /// Source: cmd/compile/internal/walk/walk.go (`mapfast`) of Go 1.21 to 1.27.
    pub(crate) fn fast_path(&self) -> FastPath {
        if self.elem.size > MAX_INLINE {
            return FastPath::None;
        }
        match (self.key.equality, self.key.size, self.key.has_pointers) {
            (Equality::Text, ..) | (Equality::Memory, 4 | 8, false) => FastPath::Plain,
            (Equality::Memory, 8, true) => FastPath::Pointer,
            _ => FastPath::None,
        }
    }
}

impl GoType {
    fn scalar(size: u64, equality: Equality) -> Self {
        Self { size, align: size.clamp(1, 8), has_pointers: false, map: None, equality }
    }

    fn words(n: u64, equality: Equality) -> Self {
        Self { size: 8 * n, align: 8, has_pointers: true, map: None, equality }
    }

    /// 8 bytes that are no pointer.
    pub(crate) fn word() -> Self {
        Self::scalar(8, Equality::Memory)
    }

    pub(crate) fn pointer() -> Self {
        Self::words(1, Equality::Memory)
    }

    fn map(map: MapType) -> Self {
        Self { map: Some(Box::new(map)), ..Self::words(1, Equality::None) }
    }

    /// `None` when too large.
    pub(crate) fn array(n: u64, of: &Self) -> Option<Self> {
        let size = of.size.checked_mul(n).filter(|&size| size <= MAX_BYTES)?;
        let equality = match (of.equality, n) {
            (Equality::None | Equality::Memory, _) | (_, 1) => of.equality,
            (_, 0) => Equality::Memory,
            _ => Equality::Own,
        };
        let has_pointers = of.has_pointers && n > 0;
        Some(Self { size, align: of.align, has_pointers, map: None, equality })
    }

    /// `None` when too large.
    pub(crate) fn structure(fields: &[Self]) -> Option<Self> {
        let align = fields.iter().map(|field| field.align).max().unwrap_or(1);
        let mut end: u64 = 0;
        let mut is_dense = true;
        for field in fields {
            let start = end.next_multiple_of(field.align);
            is_dense &= start == end;
            end = start.checked_add(field.size).filter(|&end| end <= MAX_BYTES)?;
        }
        // A pointer to a last field without size must not point behind the object.
        if end > 0 && fields.last().is_some_and(|last| last.size == 0) {
            end += 1;
        }
        let size = end.next_multiple_of(align);
        let equality = struct_equality(fields, is_dense && size == end);
        let has_pointers = fields.iter().any(|field| field.has_pointers);
        Some(Self { size, align, has_pointers, map: None, equality })
    }
}

fn struct_equality(fields: &[GoType], is_dense: bool) -> Equality {
    if fields.iter().any(|field| field.equality == Equality::None) {
        return Equality::None;
    }
    match fields {
        [only] => only.equality,
        _ if is_dense && fields.iter().all(|field| field.equality == Equality::Memory) => {
            Equality::Memory
        }
        _ => Equality::Own,
    }
}

#[cfg(test)]
mod tests;
