//! Maps: their implementations, what programs do to them, and what differs between releases in how they grow.

/// The two implementations of Go's map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MapImpl {
    /// Buckets of 8 with overflow chains and incremental evacuation: Go up to 1.23, and 1.24 and 1.25 built with
    /// `GOEXPERIMENT=noswissmap`.
    Classic,
    /// Groups of 8 slots with control bytes, tables of at most 1024 slots: Go from 1.24.
    Swiss,
}

/// An operation on a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MapOp {
    /// `m[k] = v`, `m[k] op= v`, `m[k]++`: finds or makes the slot of a key.
    Assign,
    /// `m[k]` read, with or without the second result.
    Read,
    /// `delete(m, k)`.
    Delete,
    /// The start or a step of `for k, v := range m`.
    Iterate,
    /// `clear(m)`, or a loop that deletes every key.
    Clear,
    /// `make(map[K]V, n)` or a map literal.
    Make,
    /// `maps.Clone(m)`.
    Clone,
    /// Any operation of `sync.Map`.
    Sync,
}

impl MapOp {
    /// All operations, in display order; `ALL[op as usize] == op`.
    pub const ALL: [Self; 8] = [
        Self::Assign,
        Self::Read,
        Self::Delete,
        Self::Iterate,
        Self::Clear,
        Self::Make,
        Self::Clone,
        Self::Sync,
    ];

    /// Whether the operation can add, replace or remove entries, or makes a map.
    pub fn is_write(self) -> bool {
        !matches!(self, Self::Read | Self::Iterate)
    }
}

/// Whether a map's element holds maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Nested {
    /// No map below.
    No,
    /// Through pointer, struct, slice or array.
    Reaches,
    /// The element is a map.
    Direct,
}

/// One implementation of the map in one release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MapAbi {
    /// Which.
    pub map_impl: MapImpl,
    /// Units: bytes of `hmap` or `maps.Map`, as allocated.
    pub header_bytes: u64,
    /// Entries for two buckets at which a classic map doubles, for 8 slots at which a Swiss table does.
    pub load: u32,
    /// Offset of the flags in the descriptor of a map type. Units: bytes.
    pub flags: u64,
    /// Flag of map types whose keys are stored as pointers.
    pub flag_indirect_key: u32,
    /// Flag of map types whose elements are stored as pointers.
    pub flag_indirect_elem: u32,
    /// Assigning to a key that is there grows a small map of 8 entries.
    pub full_small_update_grows: bool,
    /// Which assignments clean tombstones up before they grow a table.
    pub prunes: Prunes,
    /// `clear` of a map without entries leaves its tombstones.
    pub clear_keeps_tombstones: bool,
}

/// Assignments that remove tombstones when a table is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prunes {
    /// None.
    Never,
    /// Those of string keys and of 4 and 8 byte keys without pointers.
    Fast,
    /// Those of pointer keys too.
    FastAndPointer,
}

/// Source: runtime/map.go (`hmap`, `loadFactorNum`) and internal/abi/type.go (`MapType`) of Go 1.18 to 1.23.
pub(crate) const CLASSIC: MapAbi = MapAbi {
    map_impl: MapImpl::Classic,
    header_bytes: 48,
    load: 13,
    flags: 84,
    flag_indirect_key: 1,
    flag_indirect_elem: 2,
    full_small_update_grows: false,
    prunes: Prunes::Never,
    clear_keeps_tombstones: false,
};

/// An integer division made the load factor 6 instead of 6.5.
pub(crate) const CLASSIC_121: MapAbi = MapAbi { load: 12, ..CLASSIC };

/// Source: runtime/map_noswiss.go (`hmap`, one word longer) of Go 1.24 and 1.25, under GOEXPERIMENT=noswissmap.
pub(crate) const CLASSIC_BY_CHOICE: MapAbi = MapAbi { header_bytes: 64, ..CLASSIC };

/// Source: internal/runtime/maps/map.go (`Map`, `putSlotSmall`, `Clear`), runtime_*.go (`runtime_mapassign*`, calls of
/// `pruneTombstones`), internal/abi/map_swiss.go (`SwissMapType`) of Go 1.24.
pub(crate) const SWISS_124: MapAbi = MapAbi {
    map_impl: MapImpl::Swiss,
    header_bytes: 48,
    load: 7,
    flags: 104,
    flag_indirect_key: 4,
    flag_indirect_elem: 8,
    full_small_update_grows: true,
    prunes: Prunes::Never,
    clear_keeps_tombstones: true,
};

/// Source: as above, of Go 1.25 and 1.26.
pub(crate) const SWISS_125: MapAbi =
    MapAbi { prunes: Prunes::Fast, clear_keeps_tombstones: false, ..SWISS_124 };

/// Source: as above, and internal/abi/map.go (`MapType`), of Go 1.27.
pub(crate) const SWISS_127: MapAbi = MapAbi {
    flags: 128,
    full_small_update_grows: false,
    prunes: Prunes::FastAndPointer,
    ..SWISS_125
};
