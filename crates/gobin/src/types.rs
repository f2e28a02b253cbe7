//! Runtime type descriptors: the map types of a program with their names, sizes and what they hold.
//!
//! Descriptors survive stripping, because maps, interfaces and reflection need them. Each has pointers and a name of its
//! own, which bounds how many pointers there are, and how much text; a file in which they share them is damage.
//! Source: internal/abi/type.go, runtime/type.go, Go 1.18 to 1.27.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use goabi::descriptor::{
    ARRAY_SIZE, CHAN_SIZE, ELEM, FIELD_SIZE, FIELD_TYPE, FUNC_N_IN, FUNC_N_OUT, FUNC_SIZE,
    INTERFACE_METHOD_SIZE, INTERFACE_N_METHODS, INTERFACE_SIZE, KIND, MAP_ELEM, MAP_GROUP,
    MAX_INLINE, POINTER_SIZE, PTR_BYTES, PTR_TO_THIS, SIZE, STR, STRUCT_FIELDS, STRUCT_N_FIELDS,
    TFLAG, TFLAG_EXTRA_STAR, TFLAG_UNCOMMON, UNCOMMON_N_METHODS, UNCOMMON_SIZE,
};
use goabi::{Kind, MapAbi, MapImpl, Nested};

use crate::LinkAddr;
use crate::error::{Error, ErrorKind, Parsed};
use crate::image::Image;
use crate::module::{TypeList, TypeSection};
use crate::release::Releases;
use crate::sites::{UnknownType, is_of_shapes};

/// A type as key or element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeDesc {
    /// As `%T` prints it.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// Units: bytes.
    pub size: u64,
    /// Whether the garbage collector has to look into it.
    pub has_pointers: bool,
}

/// A map type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapType {
    /// Address of its descriptor.
    pub addr: LinkAddr,
    /// As `%T` prints it.
    pub name: String,
    /// Key.
    pub key: TypeDesc,
    /// Element.
    pub elem: TypeDesc,
    /// Whether the element is or reaches a map.
    pub nested: Nested,
    /// Units: bytes of a bucket (classic) or group (Swiss) of 8 entries.
    pub group_bytes: u64,
    /// Whether keys are stored as pointers, because they are larger than 128 bytes.
    pub indirect_key: bool,
    /// Whether elements are stored as pointers, because they are larger than 128 bytes.
    pub indirect_elem: bool,
}

/// Descriptor of a struct, behind which stands what named types have in addition. Units: bytes.
const STRUCT_SIZE: u64 = 80;
/// Smallest descriptor; a section cannot hold more types than this allows.
const MIN_DESCRIPTOR: u64 = 48;

/// What was found of types, so that none is looked into twice.
#[derive(Debug)]
pub(crate) struct Known {
    /// Whether a type is a map, or reaches one through what it holds.
    reaches_map: HashMap<LinkAddr, bool>,
    pointers_left: usize,
}

impl Known {
    pub(crate) fn nothing_of(image: &Image<'_>) -> Self {
        Self { reaches_map: HashMap::new(), pointers_left: max_pointers(image) }
    }
}

/// Pointers to types that descriptors can have, if none shares its own with another.
fn max_pointers(image: &Image<'_>) -> usize {
    image.n_bytes() / 8
}

/// Names of map types, their keys and elements, in times the size of the file: a map's name holds the other two.
const MAX_TEXT_TIMES: u64 = 4;

/// Reads type descriptors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Types<'i, 'a> {
    image: &'i Image<'a>,
    known: &'i Mutex<Known>,
    section: TypeSection,
    map: &'static MapAbi,
}

impl<'i, 'a> Types<'i, 'a> {
    /// # Errors
    /// When the version or the map implementation is not known: their layouts differ.
    pub(crate) fn new(
        image: &'i Image<'a>,
        known: &'i Mutex<Known>,
        section: Option<TypeSection>,
        releases: Option<Releases>,
        map_impl: Option<MapImpl>,
    ) -> Result<Self, Error> {
        let in_types = |kind: ErrorKind| kind.in_structure("the type descriptors");
        let releases = releases.ok_or_else(|| in_types(ErrorKind::UnknownVersion))?;
        let map = map_impl.and_then(|map_impl| releases.oldest().map(map_impl));
        let map = map.ok_or_else(|| in_types(ErrorKind::UnknownMapImpl))?;
        let section = section.ok_or_else(|| in_types(ErrorKind::NoModuleData))?;
        Ok(Self { image, known, section, map })
    }

    /// Whether the descriptors are as this layout says: the list of types can be read to its end, all on it have a name,
    /// there are maps, and the bucket or group of each has room for 8 of its keys and elements.
    pub(crate) fn agree(&self) -> bool {
        let mut faults = Vec::new();
        let reached = self.reachable(&mut faults);
        let are_named = reached.iter().all(|addr| self.name(*addr).is_some_and(|n| !n.is_empty()));
        let mut maps =
            reached.iter().filter(|addr| self.kind(**addr) == Some(Kind::Map)).peekable();
        faults.is_empty()
            && are_named
            && maps.peek().is_some()
            && maps.all(|addr| self.map(*addr).is_some_and(|map| agrees(&map)))
    }

    /// Every map type that the runtime's list of types reaches, by name.
    pub(crate) fn maps(&self) -> Parsed<Vec<MapType>> {
        let mut faults = Vec::new();
        let mut text_left = MAX_TEXT_TIMES * self.image.n_bytes() as u64;
        let mut maps = Vec::new();
        for addr in self.reachable(&mut faults) {
            if self.kind(addr) != Some(Kind::Map) {
                continue;
            }
            let Some(left) = text_left.checked_sub(self.text_bytes(addr)) else {
                faults.push(ErrorKind::BadType.in_structure("the names of map types"));
                break;
            };
            text_left = left;
            if self.check_map(addr).is_ok() {
                match self.map(addr) {
                    Some(map) => maps.push(map),
                    None => faults.push(ErrorKind::BadType.at(addr)),
                }
            }
        }
        maps.sort_by(|a, b| (&a.name, a.addr).cmp(&(&b.name, b.addr)));
        Parsed { value: maps, faults }
    }

    /// Length of the names of a map type, its key and element.
    pub(crate) fn text_bytes(&self, addr: LinkAddr) -> u64 {
        let parts = [ELEM, MAP_ELEM].map(|offset| self.pointer(addr, offset));
        let names = parts.into_iter().flatten().chain([addr]).filter_map(|addr| self.name(addr));
        names.map(|name| name.len() as u64).sum()
    }

    /// What stands at an address that code uses as a map type.
    pub(crate) fn check_map(&self, addr: LinkAddr) -> Result<LinkAddr, UnknownType> {
        match (self.kind(addr), self.name(addr)) {
            // No value has the type of a shape.
            (Some(Kind::Map), Some(name)) if is_of_shapes(name) => Err(UnknownType::GenericShape),
            (Some(Kind::Map), Some(_)) => Ok(addr),
            _ => Err(UnknownType::NotAMapType),
        }
    }

    /// Import path, name and type arguments of the struct type whose descriptor is at `addr`; `None` where there is none with a
    /// name.
    ///
    /// Source: internal/abi/type.go, `UncommonType`.
    pub(crate) fn named_struct(&self, addr: LinkAddr) -> Option<[&'a str; 3]> {
        if self.kind(addr)? != Kind::Struct || !self.is_uncommon(addr)? {
            return None;
        }
        let path = u64::try_from(self.image.i32(at(addr, STRUCT_SIZE))?).ok()?;
        let path = self.image.varint_str(at(self.section.start, path.checked_add(1)?))?;
        let (name, arguments) = split_arguments(self.name(addr)?);
        Some([path, name.rsplit('.').next()?, arguments])
    }

    /// The map type that is the element of a map type; `None` where the elements are no maps.
    pub(crate) fn map_of_elements(&self, addr: LinkAddr) -> Option<LinkAddr> {
        let elem = self.pointer(self.check_map(addr).ok()?, MAP_ELEM)?;
        self.check_map(elem).ok()
    }

    /// The map type whose descriptor is at `addr`; `None` when no map descriptor is there.
    pub(crate) fn map(&self, addr: LinkAddr) -> Option<MapType> {
        if self.kind(addr)? != Kind::Map {
            return None;
        }
        let elem_addr = self.pointer(addr, MAP_ELEM)?;
        let elem = self.describe(elem_addr)?;
        let nested = match elem.kind {
            Kind::Map => Nested::Direct,
            _ if self.reaches_map(elem_addr) => Nested::Reaches,
            _ => Nested::No,
        };
        let flags = self.image.u32(at(addr, self.map.flags))?;
        let group = self.pointer(addr, MAP_GROUP).filter(|group| self.is_type(*group));
        Some(MapType {
            addr,
            name: self.name(addr)?.to_owned(),
            key: self.describe(self.pointer(addr, ELEM)?)?,
            elem,
            nested,
            group_bytes: self.image.u64(at(group?, SIZE))?,
            indirect_key: flags & self.map.flag_indirect_key != 0,
            indirect_elem: flags & self.map.flag_indirect_elem != 0,
        })
    }

    /// The type whose descriptor is at `addr`.
    pub(crate) fn describe(&self, addr: LinkAddr) -> Option<TypeDesc> {
        Some(TypeDesc {
            name: self.name(addr)?.to_owned(),
            kind: self.kind(addr)?,
            size: self.image.u64(at(addr, SIZE))?,
            has_pointers: self.image.u64(at(addr, PTR_BYTES))? != 0,
        })
    }

    /// Source: runtime/type.go, `rtype.string`.
    fn name(&self, addr: LinkAddr) -> Option<&'a str> {
        let offset = u64::try_from(self.image.i32(at(addr, STR))?).ok()?;
        // One byte of flags comes before the length.
        let name = self.image.varint_str(at(self.section.start, offset.checked_add(1)?))?;
        let has_star = self.image.u8(at(addr, TFLAG))? & TFLAG_EXTRA_STAR != 0;
        Some(if has_star { name.strip_prefix('*').unwrap_or(name) } else { name })
    }

    fn kind(&self, addr: LinkAddr) -> Option<Kind> {
        if !self.is_type(addr) {
            return None;
        }
        Kind::of(self.image.u8(at(addr, KIND))?)
    }

    fn is_type(&self, addr: LinkAddr) -> bool {
        self.section.start <= addr && addr < self.section.end && addr.0.is_multiple_of(8)
    }

    fn pointer(&self, addr: LinkAddr, offset: u64) -> Option<LinkAddr> {
        self.image.pointer(at(addr, offset))
    }

    /// All types that the runtime's list reaches.
    fn reachable(&self, faults: &mut Vec<Error>) -> HashSet<LinkAddr> {
        let listed = match self.section.list {
            TypeList::Typelinks { addr, len } => self.typelinks(addr, len),
            TypeList::Contiguous { len } => self.contiguous(len),
        };
        let listed = listed.unwrap_or_else(|cut| {
            faults.push(ErrorKind::OutOfFile.in_structure("the list of types"));
            cut
        });
        self.closure(listed)
    }

    /// Up to Go 1.26. `Err` has what comes before a cut.
    fn typelinks(&self, list: LinkAddr, len: u64) -> Result<Vec<LinkAddr>, Vec<LinkAddr>> {
        let mut types = Vec::new();
        for idx in 0..len {
            let Some(offset) =
                self.image.i32(at(list, 4 * idx)).and_then(|o| u64::try_from(o).ok())
            else {
                return Err(types);
            };
            types.push(at(self.section.start, offset));
        }
        Ok(types)
    }

    /// From Go 1.27. Source: runtime/type.go, `moduleTypelinks`; internal/abi/type.go, `DescriptorSize`.
    fn contiguous(&self, len: u64) -> Result<Vec<LinkAddr>, Vec<LinkAddr>> {
        let mut types = Vec::new();
        let end = at(self.section.start, len).min(self.section.end);
        let mut addr = at(self.section.start, 8);
        while addr < end {
            let Some(start) = addr.0.checked_next_multiple_of(8) else { return Err(types) };
            let Some(size) = self.descriptor_size(LinkAddr(start)) else { return Err(types) };
            types.push(LinkAddr(start));
            let Some(next) = start.checked_add(size) else { return Err(types) };
            addr = LinkAddr(next);
        }
        Ok(types)
    }

    fn descriptor_size(&self, addr: LinkAddr) -> Option<u64> {
        let (base, tail) = match self.kind(addr)? {
            Kind::Array => (ARRAY_SIZE, 0),
            Kind::Chan => (CHAN_SIZE, 0),
            Kind::Func => (FUNC_SIZE, 8 * self.n_func_types(addr)?),
            Kind::Interface => {
                let n_methods = self.image.u64(at(addr, INTERFACE_N_METHODS))?;
                (INTERFACE_SIZE, n_methods.checked_mul(INTERFACE_METHOD_SIZE)?)
            }
            // Flags of four bytes come last.
            Kind::Map => (self.map.flags + 8, 0),
            Kind::Pointer | Kind::Slice => (POINTER_SIZE, 0),
            Kind::Struct => {
                let n_fields = self.image.u64(at(addr, STRUCT_N_FIELDS))?;
                (STRUCT_SIZE, n_fields.checked_mul(FIELD_SIZE)?)
            }
            _ => (MIN_DESCRIPTOR, 0),
        };
        let size = tail.checked_add(base)?;
        if !self.is_uncommon(addr)? {
            return Some(size);
        }
        let n_methods = u64::from(self.image.u16(at(addr, base + UNCOMMON_N_METHODS))?);
        size.checked_add(UNCOMMON_SIZE + 16 * n_methods)
    }

    fn is_uncommon(&self, addr: LinkAddr) -> Option<bool> {
        Some(self.image.u8(at(addr, TFLAG))? & TFLAG_UNCOMMON != 0)
    }

    fn n_func_types(&self, addr: LinkAddr) -> Option<u64> {
        let n_in = self.image.u16(at(addr, FUNC_N_IN))?;
        // The top bit says that the last parameter is variadic.
        let n_out = self.image.u16(at(addr, FUNC_N_OUT))? & 0x7fff;
        Some(u64::from(n_in) + u64::from(n_out))
    }

    /// The types that `found` reaches, itself included.
    fn closure(&self, mut found: Vec<LinkAddr>) -> HashSet<LinkAddr> {
        let mut pointers_left = max_pointers(self.image);
        let (mut seen, mut todo) = (HashSet::new(), Vec::new());
        loop {
            let is_new = |addr: &LinkAddr| self.kind(*addr).is_some() && seen.insert(*addr);
            todo.extend(found.drain(..).filter(is_new));
            let Some(addr) = todo.pop() else { return seen };
            self.held_by(addr, &mut pointers_left, &mut found);
            self.referred_by(addr, &mut pointers_left, &mut found);
        }
    }

    /// Types of which a value of this type holds values, pointers followed.
    fn held_by(&self, addr: LinkAddr, pointers_left: &mut usize, out: &mut Vec<LinkAddr>) {
        match self.kind(addr) {
            Some(Kind::Pointer | Kind::Slice | Kind::Array) => out.extend(self.pointer(addr, ELEM)),
            Some(Kind::Struct) => {
                let Some(fields) = self.pointer(addr, STRUCT_FIELDS) else { return };
                let n_fields = self.image.u64(at(addr, STRUCT_N_FIELDS)).unwrap_or(0);
                self.pointers(at(fields, FIELD_TYPE), FIELD_SIZE, n_fields, pointers_left, out);
            }
            _ => {}
        }
    }

    /// `len` pointers, each `stride` bytes after the one before, as far as they are in the file.
    fn pointers(
        &self,
        start: LinkAddr,
        stride: u64,
        len: u64,
        pointers_left: &mut usize,
        out: &mut Vec<LinkAddr>,
    ) {
        let found = (0..len).map_while(|idx| {
            *pointers_left = pointers_left.checked_sub(1)?;
            self.pointer(start, idx.checked_mul(stride)?)
        });
        out.extend(found);
    }

    /// Other types that a descriptor names.
    fn referred_by(&self, addr: LinkAddr, pointers_left: &mut usize, out: &mut Vec<LinkAddr>) {
        match self.kind(addr) {
            Some(Kind::Chan) => out.extend(self.pointer(addr, ELEM)),
            Some(Kind::Map) => {
                out.extend([ELEM, MAP_ELEM].iter().filter_map(|&o| self.pointer(addr, o)));
            }
            Some(Kind::Func) => {
                let n_types = self.n_func_types(addr).unwrap_or(0);
                let uncommon = if self.is_uncommon(addr) == Some(true) { UNCOMMON_SIZE } else { 0 };
                self.pointers(at(addr, FUNC_SIZE + uncommon), 8, n_types, pointers_left, out);
            }
            _ => {}
        }
        let pointer_to_this =
            self.image.i32(at(addr, PTR_TO_THIS)).and_then(|o| u64::try_from(o).ok());
        out.extend(pointer_to_this.filter(|&o| o != 0).map(|o| at(self.section.start, o)));
    }

    /// Whether the type is a map or reaches one through what it holds.
    fn reaches_map(&self, addr: LinkAddr) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.reaches_map.contains_key(&addr) {
            self.learn(addr, &mut known);
        }
        known.reaches_map.get(&addr) == Some(&true)
    }

    /// 1. Goes down from a type to those that are known, and to maps.
    /// 2. From those that reach a map goes up again.
    fn learn(&self, addr: LinkAddr, known: &mut Known) {
        let mut holders: HashMap<LinkAddr, Vec<LinkAddr>> = HashMap::new();
        let (mut todo, mut held, mut reaching) = (vec![addr], Vec::new(), Vec::new());
        while let Some(addr) = todo.pop() {
            let is_map = self.kind(addr) == Some(Kind::Map);
            match known.reaches_map.get(&addr) {
                Some(true) => reaching.push(addr),
                Some(false) => {}
                None => {
                    known.reaches_map.insert(addr, is_map);
                    reaching.extend(is_map.then_some(addr));
                    self.held_by(addr, &mut known.pointers_left, &mut held);
                    for inner in held.drain(..) {
                        holders.entry(inner).or_default().push(addr);
                        todo.push(inner);
                    }
                }
            }
        }
        while let Some(addr) = reaching.pop() {
            for holder in holders.remove(&addr).into_iter().flatten() {
                if known.reaches_map.insert(holder, true) == Some(false) {
                    reaching.push(holder);
                }
            }
        }
    }
}

/// The name of a type or function, and the type arguments behind it: `T` and `X` of `T[X]`.
pub(crate) fn split_arguments(name: &str) -> (&str, &str) {
    let Some((name, rest)) = name.split_once('[') else { return (name, "") };
    (name, rest.rsplit_once(']').map_or(rest, |(arguments, _)| arguments))
}

fn agrees(map: &MapType) -> bool {
    let is_indirect = |part: &TypeDesc| part.size > MAX_INLINE;
    let stored = |part: &TypeDesc| if is_indirect(part) { 8 } else { part.size };
    // Beside them a word, in classic maps another, and what aligns an element.
    let least = 8 + 8 * (stored(&map.key) + stored(&map.elem));
    let most = least + 8 * 8 + 8;
    map.indirect_key == is_indirect(&map.key)
        && map.indirect_elem == is_indirect(&map.elem)
        && (least..=most).contains(&map.group_bytes)
}

fn at(addr: LinkAddr, offset: u64) -> LinkAddr {
    LinkAddr(addr.0.wrapping_add(offset))
}

#[cfg(test)]
mod tests;
