//! What differs between Go versions in how a map grows, as one table.

use crate::version::{GoVersion, MapImpl};

/// One implementation of the map in one release of Go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) map_impl: MapImpl,
    /// 24 in Go 1.24.
    pub(crate) minor: u16,
    /// Units: bytes of `hmap` or `maps.Map`, as allocated.
    pub(crate) header_bytes: u64,
    /// Assigning to a key that is there grows a small map of 8 entries.
    pub(crate) full_small_update_grows: bool,
    /// Which assignments clean tombstones up before they grow a table.
    pub(crate) prunes: Prunes,
    /// `clear` of a map without entries leaves its tombstones.
    pub(crate) clear_keeps_tombstones: bool,
}

/// Assignments that remove tombstones when a table is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prunes {
    Never,
    /// Those of string keys and of 4 and 8 byte keys without pointers.
    Fast,
    /// Those of pointer keys too.
    FastAndPointer,
}

/// Source: runtime/map.go (`hmap`) of Go 1.21 to 1.23.
const CLASSIC: Rules = Rules {
    map_impl: MapImpl::Classic,
    minor: 0,
    header_bytes: 48,
    full_small_update_grows: false,
    prunes: Prunes::Never,
    clear_keeps_tombstones: false,
};

/// Source: runtime/map_noswiss.go (`hmap`, one word longer) of Go 1.24 and 1.25, under GOEXPERIMENT=noswissmap.
const CLASSIC_BY_CHOICE: Rules = Rules { header_bytes: 64, ..CLASSIC };

/// Source: internal/runtime/maps/map.go (`Map`, `putSlotSmall`, `Clear`), runtime_*.go (`runtime_mapassign*`, calls of
/// `pruneTombstones`), each of the named version.
const SWISS: Rules = Rules {
    map_impl: MapImpl::Swiss,
    minor: 27,
    header_bytes: 48,
    full_small_update_grows: false,
    prunes: Prunes::FastAndPointer,
    clear_keeps_tombstones: false,
};

const RULES: [Rules; 12] = [
    Rules { minor: 18, ..CLASSIC },
    Rules { minor: 19, ..CLASSIC },
    Rules { minor: 20, ..CLASSIC },
    Rules { minor: 21, ..CLASSIC },
    Rules { minor: 22, ..CLASSIC },
    Rules { minor: 23, ..CLASSIC },
    Rules { minor: 24, ..CLASSIC_BY_CHOICE },
    Rules { minor: 25, ..CLASSIC_BY_CHOICE },
    Rules {
        minor: 24,
        full_small_update_grows: true,
        prunes: Prunes::Never,
        clear_keeps_tombstones: true,
        ..SWISS
    },
    Rules { minor: 25, full_small_update_grows: true, prunes: Prunes::Fast, ..SWISS },
    Rules { minor: 26, full_small_update_grows: true, prunes: Prunes::Fast, ..SWISS },
    SWISS,
];

impl Rules {
    /// `None` for a release that is not known, or that has no such map.
    pub(crate) fn of(map_impl: MapImpl, version: GoVersion) -> Option<Self> {
        let is_it = |rules: &&Self| rules.map_impl == map_impl && rules.minor == version.minor;
        RULES.iter().find(is_it).filter(|_| version.major == 1).copied()
    }
}
