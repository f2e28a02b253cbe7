//! What the model has to know of a map's type in one Go version.

use goabi::descriptor::MAX_INLINE;
use goabi::{GoVersion, MapAbi, MapImpl, Prunes, Release};

use crate::blocks::Malloc;
use crate::layout::{Array, GROUP_SLOTS, Layout, room};
use crate::types::{FastPath, GoType, MapType};

/// Largest block Go's allocator can be asked for. Units: bytes.
///
/// Source: runtime/malloc.go (`maxAlloc`) of Go 1.21 to 1.27, linux on 64-bit machines.
const MAX_ALLOC_BYTES: u64 = 1 << 48;

/// A map type in a Go version: all that growth depends on but the operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MapShape {
    /// Of the release, its patch.
    version: GoVersion,
    pub(crate) layout: Layout,
    /// Units: bytes of key and element as they stand in the map; pointers where they are large.
    pub(crate) slot_bytes: u64,
    /// Units: bytes of key and element.
    pub(crate) entry_bytes: u64,
    pub(crate) boxes: Boxes,
    /// Whether assignments to this type clean tombstones up.
    pub(crate) prunes: bool,
}

/// Key or element, by its size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotPart {
    /// Units: bytes.
    pub size: u64,
    /// Whether the collector has to look into it.
    pub has_pointers: bool,
}

/// Objects of keys and elements that are too large to stand in the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Boxes {
    /// For one entry.
    pub n: u64,
    /// Units: bytes for one entry.
    pub bytes: u64,
    /// The part of it in objects with pointers. Units: bytes.
    pub pointer_bytes: u64,
}

impl MapShape {
    /// The shape in the implementation that this release has by default; `None` for releases that are not known.
    pub fn new(version: GoVersion, map: &MapType) -> Option<Self> {
        let usual = Release::of(version)?.usual_map()?;
        Self::with_impl(usual.map_impl, version, map)
    }

    /// The shape in a named implementation: Go 1.24 and 1.25 have both. `None` where there is no such map.
    pub fn with_impl(map_impl: MapImpl, version: GoVersion, map: &MapType) -> Option<Self> {
        let (key, elem) = (in_slot(&map.key), in_slot(&map.elem));
        let group = match map_impl {
            MapImpl::Classic => bucket_type(&key, &elem),
            MapImpl::Swiss => group_type(&key, &elem),
        }?;
        let has_pointers = key.has_pointers || elem.has_pointers;
        let layout = Layout::new(map_impl, version, group.size, has_pointers)?;
        let prunes = match map.fast_path() {
            FastPath::Plain => layout.map.prunes != Prunes::Never,
            FastPath::Pointer => layout.map.prunes == Prunes::FastAndPointer,
            FastPath::None => false,
        };
        let boxes = boxes(Malloc::of(layout.release), &[map.key.part(), map.elem.part()]);
        let slot_bytes = key.size + elem.size;
        let entry_bytes = map.key.size + map.elem.size;
        Some(Self { version, layout, slot_bytes, entry_bytes, boxes, prunes })
    }

    /// The shape of a type of which a binary says the sizes and the bucket or group. What depends on the kind of key,
    /// whether assignments clean tombstones up, is not known and taken as no: it matters only after deletions.
    pub fn of_sizes(
        map_impl: MapImpl,
        version: GoVersion,
        [key, elem]: [SlotPart; 2],
        group_bytes: u64,
    ) -> Option<Self> {
        let has_pointers = [key, elem].iter().any(|part| part.has_pointers || is_large(part.size));
        let layout = Layout::new(map_impl, version, group_bytes, has_pointers)?;
        let boxes = boxes(Malloc::of(layout.release), &[key, elem]);
        let in_slot = |part: SlotPart| if is_large(part.size) { 8 } else { part.size };
        let slot_bytes = in_slot(key) + in_slot(elem);
        let entry_bytes = key.size.saturating_add(elem.size);
        Some(Self { version, layout, slot_bytes, entry_bytes, boxes, prunes: false })
    }

    /// Implementation.
    pub fn map_impl(&self) -> MapImpl {
        self.layout.map.map_impl
    }

    /// Release.
    pub fn version(&self) -> GoVersion {
        self.version
    }

    /// What the release says of the implementation.
    pub fn map(&self) -> &'static MapAbi {
        self.layout.map
    }

    /// Bucket or group. Units: bytes.
    pub fn group_bytes(&self) -> u64 {
        self.layout.group_bytes
    }

    /// Whether the collector looks into the map's arrays.
    pub fn has_pointers(&self) -> bool {
        self.layout.has_pointers
    }

    /// Key and element as they stand in the map, pointers where they are large. Units: bytes.
    pub fn slot_bytes(&self) -> u64 {
        self.slot_bytes
    }

    /// Key and element. Units: bytes.
    pub fn entry_bytes(&self) -> u64 {
        self.entry_bytes
    }

    /// What an entry takes beside its slot.
    pub fn boxes(&self) -> Boxes {
        self.boxes
    }

    /// Whether assignments to this type clean tombstones up.
    pub fn prunes(&self) -> bool {
        self.prunes
    }

    /// The allocator of the release.
    pub fn malloc(&self) -> Malloc {
        Malloc::of(self.layout.release)
    }

    /// The array of `2^exponent` buckets or groups.
    ///
    /// # Panics
    /// From an exponent of 64 on, where overflow is checked; no map gets there.
    pub fn array(&self, exponent: u32) -> Array {
        self.layout.array(exponent)
    }

    /// One bucket allocated by itself. Units: bytes.
    pub fn bucket_block(&self) -> u64 {
        self.malloc().block(self.layout.group_bytes, self.layout.has_pointers)
    }

    /// Entries that fit `2^exponent` buckets or groups before they grow.
    ///
    /// # Panics
    /// From an exponent of 64 on, where overflow is checked; no map gets there. From 61 on the number is too small.
    pub fn room(&self, exponent: u32) -> u64 {
        room(self.layout.map, GROUP_SLOTS << exponent)
    }

    /// Whether the allocator would refuse so many buckets or groups, for which reason `make` ignores the hint.
    pub(crate) fn exceeds_memory(&self, n_groups: u64) -> bool {
        n_groups.checked_mul(self.layout.group_bytes).is_none_or(|bytes| bytes > MAX_ALLOC_BYTES)
    }
}

impl GoType {
    fn part(&self) -> SlotPart {
        SlotPart { size: self.size, has_pointers: self.has_pointers }
    }
}

fn is_large(bytes: u64) -> bool {
    bytes > MAX_INLINE
}

fn in_slot(of: &GoType) -> GoType {
    if is_large(of.size) { GoType::pointer() } else { of.clone() }
}

/// Source: cmd/compile/internal/reflectdata/reflect.go (`MapBucketType`) of Go 1.21 to 1.23.
fn bucket_type(key: &GoType, elem: &GoType) -> Option<GoType> {
    let keys = GoType::array(GROUP_SLOTS, key)?;
    let elems = GoType::array(GROUP_SLOTS, elem)?;
    GoType::structure(&[GoType::word(), keys, elems, GoType::pointer()])
}

/// Source: cmd/compile/internal/reflectdata/map_swiss.go (`SwissMapGroupType`) of Go 1.24, map.go (`MapGroupType`) of
/// Go 1.27 without GOEXPERIMENT=mapsplitgroup.
fn group_type(key: &GoType, elem: &GoType) -> Option<GoType> {
    let slot = GoType::structure(&[key.clone(), elem.clone()])?;
    GoType::structure(&[GoType::word(), GoType::array(GROUP_SLOTS, &slot)?])
}

fn boxes(malloc: Malloc, parts: &[SlotPart]) -> Boxes {
    let mut boxes = Boxes::default();
    for boxed in parts.iter().filter(|part| is_large(part.size)) {
        boxes.n += 1;
        let block_bytes = malloc.block(boxed.size, boxed.has_pointers);
        boxes.bytes += block_bytes;
        boxes.pointer_bytes += if boxed.has_pointers { block_bytes } else { 0 };
    }
    boxes
}

#[cfg(test)]
mod tests;
