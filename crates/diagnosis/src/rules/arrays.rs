//! Arrays of maps of one type that are live, as heap profiles have them.

use super::SiteContext;
use crate::finding::{Amount, EvidenceLine};
use evidence::{Alloc, Block, Evidence, MapType, Site, SourceKind};

/// All live arrays of maps of a type. A heap profile is a sample: these are estimates.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LiveArrays {
    /// Units: bytes.
    pub(super) bytes: u64,
    /// Entries that all of them have room for.
    pub(super) room: u64,
    /// Entries that the largest has room for. A large Swiss map has many arrays.
    pub(super) largest_room: u64,
}

impl LiveArrays {
    /// Those that lines allocate which use maps of this type and of no other; nothing where no heap profile shows one.
    pub(super) fn of(evidence: &Evidence, map_type: &MapType) -> Self {
        let is_of_one = |site: &&Site| site.only_type().is_some_and(|of| of.name == map_type.name);
        let lines = evidence.sites.iter().filter(is_of_one);
        let blocks = lines.filter_map(|site| site.heap.as_ref()).flat_map(|heap| &heap.blocks);
        blocks.fold(Self::default(), Self::and)
    }

    fn and(self, block: &Block) -> Self {
        let Alloc { inuse_bytes: Some(bytes @ 1..), inuse_objects: Some(n), .. } = block.alloc
        else {
            return self;
        };
        let Some(room) = block.map_capacity else { return self };
        let of_all = room.saturating_mul(n);
        Self {
            bytes: self.bytes.saturating_add(bytes),
            room: self.room.saturating_add(of_all),
            largest_room: self.largest_room.max(room),
        }
    }

    /// How many bytes they take.
    pub(super) fn evidence(
        self,
        context: &SiteContext<'_>,
        map_type: &MapType,
    ) -> Option<EvidenceLine> {
        let what = format!("live arrays of {}", map_type.name);
        context.fact(SourceKind::Heap, what, Amount::Bytes(self.bytes))
    }
}
