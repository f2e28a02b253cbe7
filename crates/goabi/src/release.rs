//! A row for each release.

use std::ops::RangeInclusive;

use crate::maps::{
    CLASSIC, CLASSIC_121, CLASSIC_BY_CHOICE, MapAbi, MapImpl, SWISS_124, SWISS_125, SWISS_127,
};
use crate::version::GoVersion;

/// What is known of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// 24 in Go 1.24.
    pub minor: u16,
    /// Implementations of the map, the usual one first.
    pub maps: &'static [MapAbi],
    /// The function table.
    pub pclntab: PclntabAbi,
    /// The module data.
    pub module: ModuleAbi,
    /// Objects with pointers above 512 bytes have a header. Source: runtime/malloc.go.
    pub has_malloc_headers: bool,
    /// The collector marks small objects page by page ("Green Tea"). Source: runtime/mgcmark_greenteagc.go.
    pub has_green_tea: bool,
}

/// The function table. Source: internal/abi/symtab.go, runtime/runtime2.go (`_func`), runtime/symtabinl.go (`inlinedCall`),
/// cmd/link/internal/ld/pcln.go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PclntabAbi {
    /// Its first word.
    pub magic: u32,
    /// Whether its header has the start of the text.
    pub has_text_start: bool,
    /// Whether functions, and calls that were inlined into them, say the line that they begin at.
    pub has_start_lines: bool,
}

/// Offsets of the fields of the module data that move between releases. Units: bytes.
///
/// Source: runtime/symtab.go, `moduledata`, of each release; checked against DWARF of Go 1.21 to 1.27.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModuleAbi {
    /// Start of the type descriptors.
    pub types: u64,
    /// Their end.
    pub etypes: u64,
    /// Data of functions, tables of inlined calls among them.
    pub gofunc: u64,
    /// How all types are found.
    pub list: TypeList,
}

/// How the runtime finds all types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeList {
    /// A slice of offsets of 4 bytes from the start of the types.
    Typelinks(u64),
    /// Descriptors one after the other; the field is their length.
    Contiguous(u64),
}

const PCLNTAB_118: PclntabAbi =
    PclntabAbi { magic: 0xffff_fff0, has_text_start: true, has_start_lines: false };
const PCLNTAB_120: PclntabAbi =
    PclntabAbi { magic: 0xffff_fff1, has_start_lines: true, ..PCLNTAB_118 };
const PCLNTAB_126: PclntabAbi = PclntabAbi { has_text_start: false, ..PCLNTAB_120 };

const MODULE_118: ModuleAbi =
    ModuleAbi { types: 280, etypes: 288, gofunc: 304, list: TypeList::Typelinks(336) };
const MODULE_120: ModuleAbi =
    ModuleAbi { types: 296, etypes: 304, gofunc: 320, list: TypeList::Typelinks(352) };
const MODULE_126: ModuleAbi = ModuleAbi { list: TypeList::Typelinks(360), ..MODULE_120 };
const MODULE_127: ModuleAbi =
    ModuleAbi { types: 296, etypes: 312, gofunc: 344, list: TypeList::Contiguous(304) };

const GO_118: Release = Release {
    minor: 18,
    maps: &[CLASSIC],
    pclntab: PCLNTAB_118,
    module: MODULE_118,
    has_malloc_headers: false,
    has_green_tea: false,
};
const GO_120: Release = Release { minor: 20, pclntab: PCLNTAB_120, module: MODULE_120, ..GO_118 };
const GO_122: Release = Release { minor: 22, has_malloc_headers: true, ..GO_120 };
const GO_125: Release = Release { minor: 25, maps: &[SWISS_125, CLASSIC_BY_CHOICE], ..GO_122 };
const GO_126: Release = Release {
    minor: 26,
    maps: &[SWISS_125],
    pclntab: PCLNTAB_126,
    module: MODULE_126,
    has_green_tea: true,
    ..GO_125
};
const GO_127: Release = Release { minor: 27, maps: &[SWISS_127], module: MODULE_127, ..GO_126 };

/// All releases that are known, oldest first.
pub const RELEASES: &[Release] = &[
    GO_118,
    Release { minor: 19, ..GO_118 },
    GO_120,
    Release { minor: 21, maps: &[CLASSIC_121], ..GO_120 },
    GO_122,
    Release { minor: 23, ..GO_122 },
    Release { minor: 24, maps: &[SWISS_124, CLASSIC_BY_CHOICE], ..GO_122 },
    GO_125,
    GO_126,
    GO_127,
];

impl Release {
    /// Minor numbers of the releases that are known.
    pub const KNOWN: RangeInclusive<u16> = RELEASES[0].minor..=RELEASES[RELEASES.len() - 1].minor;

    /// The newest.
    pub const NEWEST: &'static Self = &RELEASES[RELEASES.len() - 1];

    /// "Go 1.18 to 1.27".
    pub fn known_text() -> String {
        format!("Go 1.{} to 1.{}", Self::KNOWN.start(), Self::KNOWN.end())
    }

    /// Of a version; `None` for one that is not known.
    pub fn of(version: GoVersion) -> Option<&'static Self> {
        RELEASES.iter().find(|release| version.major == 1 && release.minor == version.minor)
    }

    /// The first release from which on all that are known have something; `None` when the newest has not.
    pub fn since(has: impl Fn(&Self) -> bool) -> Option<GoVersion> {
        let having = RELEASES.iter().rev().take_while(|release| has(release));
        having.last().map(|release| GoVersion::go1(release.minor))
    }

    /// An implementation of the map in it; `None` where it does not have that.
    pub fn map(&self, map_impl: MapImpl) -> Option<&'static MapAbi> {
        self.maps.iter().find(|map| map.map_impl == map_impl)
    }

    /// The implementation of the map that it has if nothing else is asked for.
    pub fn usual_map(&self) -> Option<&'static MapAbi> {
        self.maps.first()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_release_between_the_oldest_and_the_newest_has_one_row() {
        assert!(RELEASES.iter().map(|release| release.minor).eq(Release::KNOWN));
        for release in RELEASES {
            assert_eq!(Release::of(GoVersion::go1(release.minor)), Some(release));
            assert!(release.usual_map().is_some());
        }
        assert_eq!(Release::of(GoVersion::go1(Release::NEWEST.minor + 1)), None);
        assert_eq!(Release::of(GoVersion { major: 2, ..GoVersion::go1(27) }), None);
    }

    #[test]
    fn what_releases_gained_and_kept_has_a_first_one() {
        assert_eq!(Release::since(|release| release.has_green_tea), Some(GoVersion::go1(26)));
        let grows =
            |release: &Release| release.usual_map().is_some_and(|map| map.full_small_update_grows);
        assert_eq!(Release::since(|release| !grows(release)), Some(GoVersion::go1(27)));
        assert_eq!(Release::since(grows), None);
    }
}
