//! Map types by the address of their descriptor in a process: from the executable, or for types that the program made
//! by reflection from its memory.

use goabi::descriptor::{ARRAY_LEN, ELEM, KIND, MAP_ELEM, MAP_GROUP, MAX_INLINE, PTR_BYTES, SIZE};
use goabi::{Kind, ReadMemory};
use gobin::{Binary, LinkAddr, TypeDesc};

/// What a recording says about a map type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct MapTypeInfo {
    /// As `%T` prints it.
    pub(crate) name: String,
    /// Key and element as stored. Units: bytes.
    pub(crate) entry_bytes: u64,
    /// Units: bytes of a bucket or group of 8 entries.
    pub(crate) group_bytes: u64,
    pub(crate) has_pointers: bool,
}

const POINTER: u64 = 8;

/// Longest name that is kept. Units: bytes.
const MAX_NAME: usize = 4096;

/// The type of a descriptor in the executable; `None` also where its name is longer than any that people write.
pub(crate) fn from_executable(binary: &Binary<'_>, addr: LinkAddr) -> Option<MapTypeInfo> {
    let map = binary.map_type_at(addr).filter(|map| map.name.len() <= MAX_NAME)?;
    Some(MapTypeInfo {
        entry_bytes: stored_bytes(map.key.size) + stored_bytes(map.elem.size),
        group_bytes: map.group_bytes,
        has_pointers: map.key.has_pointers || map.elem.has_pointers,
        name: map.name,
    })
}

fn stored_bytes(size: u64) -> u64 {
    if size > MAX_INLINE { POINTER } else { size }
}

/// The type of a descriptor that is only in memory, as `reflect.MapOf` makes it.
pub(crate) fn from_memory(
    binary: &Binary<'_>,
    bias: u64,
    addr: u64,
    memory: &dyn ReadMemory,
) -> Option<MapTypeInfo> {
    let mut types = MemoryTypes { binary, bias, memory, n_types: 0 };
    if types.kind(addr)? != Kind::Map {
        return None;
    }
    let key = types.describe(types.word(addr, ELEM)?, 0)?;
    let elem = types.describe(types.word(addr, MAP_ELEM)?, 0)?;
    Some(MapTypeInfo {
        name: short(format!("map[{}]{}", key.name, elem.name))?,
        entry_bytes: stored_bytes(key.size) + stored_bytes(elem.size),
        group_bytes: types
            .word(addr, MAP_GROUP)
            .and_then(|group| types.word(group, SIZE))
            .unwrap_or(0),
        has_pointers: key.has_pointers || elem.has_pointers,
    })
}

/// Types in types followed, and types of one name; memory may be anything.
const MAX_DEPTH: u32 = 16;
const MAX_TYPES: u32 = 64;

/// What is said of a key or element.
struct Part {
    name: String,
    size: u64,
    has_pointers: bool,
}

impl From<TypeDesc> for Part {
    fn from(desc: TypeDesc) -> Self {
        Self { name: desc.name, size: desc.size, has_pointers: desc.has_pointers }
    }
}

/// A name, unless it is too long.
fn short(name: String) -> Option<String> {
    (name.len() <= MAX_NAME).then_some(name)
}

struct MemoryTypes<'t> {
    binary: &'t Binary<'t>,
    bias: u64,
    memory: &'t dyn ReadMemory,
    n_types: u32,
}

impl MemoryTypes<'_> {
    fn describe(&mut self, addr: u64, depth: u32) -> Option<Part> {
        self.n_types += 1;
        if depth > MAX_DEPTH || self.n_types > MAX_TYPES {
            return None;
        }
        if let Some(desc) = self.binary.type_at(LinkAddr(addr.wrapping_sub(self.bias))) {
            return Some(desc.into()).filter(|part: &Part| part.name.len() <= MAX_NAME);
        }
        let kind = self.kind(addr)?;
        let mut elem = |offset: u64| Some(self.describe(self.word(addr, offset)?, depth + 1)?.name);
        let name = match kind {
            Kind::Array => {
                let elem = elem(ELEM)?;
                format!("[{}]{elem}", self.word(addr, ARRAY_LEN)?)
            }
            Kind::Slice => format!("[]{}", elem(ELEM)?),
            Kind::Pointer => format!("*{}", elem(ELEM)?),
            Kind::Chan => format!("chan {}", elem(ELEM)?),
            Kind::Map => format!("map[{}]{}", elem(ELEM)?, elem(MAP_ELEM)?),
            Kind::Func => "func(made by reflection)".to_owned(),
            _ => "struct(made by reflection)".to_owned(),
        };
        let has_pointers = self.word(addr, PTR_BYTES)? != 0;
        Some(Part { name: short(name)?, size: self.word(addr, SIZE)?, has_pointers })
    }

    fn kind(&self, addr: u64) -> Option<Kind> {
        Kind::of(self.memory.byte(addr.checked_add(KIND)?)?)
    }

    fn word(&self, addr: u64, offset: u64) -> Option<u64> {
        self.memory.word(addr.checked_add(offset)?)
    }
}

#[cfg(test)]
mod tests;
