//! Where to probe a Go executable, so that every growth of a map is seen once.
//!
//! Source: runtime/map.go (classic), internal/runtime/maps/{map,table}.go (Swiss), runtime/mgc.go, Go 1.18 to 1.27.

use goabi::MapImpl;
use gobin::{Binary, FileOffset, InlinedCopy, LargeArrays, LinkAddr, ProbeInstruction};

use crate::error::Error;
use crate::record_layout::{
    POINT_CLASSIC_GROW, POINT_CLASSIC_INLINED, POINT_CLASSIC_LARGE, POINT_GC_ASSIST,
    POINT_GC_CYCLE, POINT_IN_BODY, POINT_MAKE, POINT_ON_BRANCH, POINT_PACE, POINT_START,
    POINT_SWISS_REHASH, POINT_SWISS_SPLIT, POINT_SWISS_TO_TABLE, POINT_SWISS_TO_TABLE_INLINED,
    Point,
};

const HASH_GROW: &str = "runtime.hashGrow";
const REHASH: &str = "internal/runtime/maps.(*table).rehash";
const GROW: &str = "internal/runtime/maps.(*table).grow";
const SPLIT: &str = "internal/runtime/maps.(*table).split";
const GROW_TO_TABLE: &str = "internal/runtime/maps.(*Map).growToTable";
const NEW_MAP: &str = "internal/runtime/maps.NewMap";
const MAKEMAP: &str = "runtime.makemap";

/// A probe: what it means, and where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Probe {
    pub(crate) point: Point,
    pub(crate) offset: FileOffset,
}

/// All probes of a program.
#[derive(Debug, Clone, Default)]
pub(crate) struct Points {
    /// Growths, creations and assists: detached when the budget is spent.
    pub(crate) growth: Vec<Probe>,
    /// Rare events: never detached.
    pub(crate) rare: Vec<Probe>,
    /// Splits of the largest tables, where they can be told from other growths.
    pub(crate) splits: Option<Probe>,
    /// Growths of classic maps to large arrays, where they can be told from others. Makes of large maps come by as well.
    pub(crate) large: Option<(LargeArrays, Probe)>,
    /// Just before growth probes, to measure what a trap costs in this program.
    pub(crate) paces: Vec<Probe>,
    /// Inlined copies of growth functions.
    pub(crate) n_inlined: usize,
    /// Those among them that cannot be probed: growths there are not seen.
    pub(crate) n_unprobed: usize,
}

impl Points {
    /// Chooses by the functions that the executable has, not by its version.
    pub(crate) fn find(binary: &Binary<'_>, map_impl: MapImpl) -> Self {
        let mut points = Self::default();
        let grow = match map_impl {
            MapImpl::Classic => {
                points.add_function(binary, HASH_GROW, POINT_CLASSIC_GROW);
                points.add_function(binary, MAKEMAP, POINT_MAKE);
                points.large = large(binary);
                points.add_classic_copies(binary)
            }
            MapImpl::Swiss => {
                points.add_function(binary, REHASH, POINT_SWISS_REHASH);
                points.add_function(binary, GROW_TO_TABLE, POINT_SWISS_TO_TABLE);
                points.add_function(binary, NEW_MAP, POINT_MAKE);
                points.splits = splits(binary);
                points.add_swiss_copies(binary)
            }
        };
        let paced = [HASH_GROW, REHASH, GROW_TO_TABLE];
        points.paces = paced.iter().filter_map(|name| pace(binary, name)).collect();
        points.n_inlined = grow.len();
        points.n_unprobed = grow.iter().filter(|is_probed| !**is_probed).count();
        points.add_function(binary, "runtime.gcAssistAlloc", POINT_GC_ASSIST);
        for (name, kind) in
            [("runtime.gcMarkTermination", POINT_GC_CYCLE), ("runtime.schedinit", POINT_START)]
        {
            points.rare.extend(function_probe(binary, name, kind));
        }
        points
    }

    /// The probe that stays in the gaps between windows, as long as that is cheap: what comes by there is rare in most
    /// programs, and shows how large maps become.
    pub(crate) fn standing(&self) -> Option<Probe> {
        self.splits.or(self.large.as_ref().map(|(_, probe)| *probe))
    }

    /// Refuses a program, of this name, without a function of growth that can be probed.
    pub(crate) fn ensure_growth(&self, path: &str) -> Result<(), Error> {
        if self.n_growth() > 0 {
            return Ok(());
        }
        let why = if self.n_unprobed > 0 {
            format!(
                " that can be probed: {} inlined copies are of a form that is not known",
                self.n_unprobed
            )
        } else {
            String::new()
        };
        Err(Error::NoGrowthFunction { path: path.to_owned(), why })
    }

    /// Number of probes on growth functions.
    pub(crate) fn n_growth(&self) -> usize {
        self.growth
            .iter()
            .filter(|probe| !matches!(probe.point.kind, POINT_MAKE | POINT_GC_ASSIST))
            .count()
    }

    fn add_function(&mut self, binary: &Binary<'_>, name: &str, kind: u32) {
        self.growth.extend(function_probe(binary, name, kind));
    }

    /// One entry per copy: whether it is probed.
    fn add_classic_copies(&mut self, binary: &Binary<'_>) -> Vec<bool> {
        // A copy allocates once, by the outermost of these that was not inlined too.
        const ALLOCATORS: [&str; 3] =
            ["runtime.makeBucketArray", "runtime.newarray", "runtime.mallocgc"];
        let copies = binary.inlined_copies(&[HASH_GROW]);
        copies
            .iter()
            .map(|copy| self.add_copy(binary, copy, &ALLOCATORS, POINT_CLASSIC_INLINED))
            .collect()
    }

    fn add_swiss_copies(&mut self, binary: &Binary<'_>) -> Vec<bool> {
        const ALLOCATORS: [&str; 2] =
            ["internal/runtime/maps.newTable", "internal/runtime/maps.newarray"];
        let copies = binary.inlined_copies(&[GROW_TO_TABLE, REHASH, NEW_MAP]);
        let mut is_probed = Vec::new();
        for copy in &copies {
            match copy.name {
                GROW_TO_TABLE => {
                    is_probed.push(self.add_copy(
                        binary,
                        copy,
                        &ALLOCATORS,
                        POINT_SWISS_TO_TABLE_INLINED,
                    ));
                }
                // Both are called with the table and the type, as rehash is.
                REHASH => is_probed.push(self.add_calls(
                    binary,
                    copy,
                    &[GROW, SPLIT],
                    POINT_SWISS_REHASH,
                    [0, 0],
                )),
                _ if copy.inside.name == MAKEMAP => self.add_function(binary, MAKEMAP, POINT_MAKE),
                _ => {}
            }
        }
        is_probed
    }

    /// Probes the allocation in a copy whose map and type are arguments of the function around it.
    fn add_copy(
        &mut self,
        binary: &Binary<'_>,
        copy: &InlinedCopy<'_>,
        allocators: &[&str],
        kind: u32,
    ) -> bool {
        // The order of arguments is that of the holder: mapassign*(typ, map) or a method of the map.
        let homes = match copy.argument_homes {
            [Some(map_type), Some(map)] if copy.inside.name.starts_with("runtime.mapassign") => {
                [map_type, map]
            }
            [Some(map), Some(map_type)]
                if copy.inside.name.starts_with("internal/runtime/maps.(*Map).") =>
            {
                [map_type, map]
            }
            _ => return false,
        };
        allocators.iter().any(|allocator| self.add_calls(binary, copy, &[allocator], kind, homes))
    }

    fn add_calls(
        &mut self,
        binary: &Binary<'_>,
        copy: &InlinedCopy<'_>,
        callees: &[&str],
        kind: u32,
        [type_home, map_home]: [u32; 2],
    ) -> bool {
        let calls = copy.calls.iter().filter(|call| callees.contains(&call.callee));
        let probes: Vec<Probe> = calls
            .filter_map(|call| {
                let flags = POINT_IN_BODY;
                let point = Point { link_addr: call.addr.0, kind, flags, type_home, map_home };
                Some(Probe { point, offset: binary.file_offset(call.addr)? })
            })
            .collect();
        let is_probed = !probes.is_empty();
        self.growth.extend(probes);
        is_probed
    }
}

/// Where the growth probe is not on the branch itself.
fn pace(binary: &Binary<'_>, name: &str) -> Option<Probe> {
    let at = binary.probe_point(binary.functions().by_name(name)?)?;
    let LinkAddr(link_addr) = at.branch;
    let flags = POINT_ON_BRANCH;
    let point = Point { link_addr, kind: POINT_PACE, flags, type_home: 0, map_home: 0 };
    let is_apart = at.on == ProbeInstruction::FramePush;
    Some(Probe { point, offset: binary.file_offset(at.branch)? }).filter(|_| is_apart)
}

/// Only where every split is a call.
fn splits(binary: &Binary<'_>) -> Option<Probe> {
    let is_inlined = !binary.inlined_copies(&[SPLIT]).is_empty();
    if is_inlined { None } else { function_probe(binary, SPLIT, POINT_SWISS_SPLIT) }
}

/// Only where no other function grows maps.
fn large(binary: &Binary<'_>) -> Option<(LargeArrays, Probe)> {
    let large = binary.large_arrays()?;
    let LinkAddr(link_addr) = large.addr;
    let kind = POINT_CLASSIC_LARGE;
    let (flags, map_home) = (POINT_IN_BODY, large.map_home);
    let point = Point { link_addr, kind, flags, type_home: 0, map_home };
    let offset = binary.file_offset(large.addr)?;
    Some((large, Probe { point, offset }))
}

fn function_probe(binary: &Binary<'_>, name: &str, kind: u32) -> Option<Probe> {
    let function = binary.functions().by_name(name)?;
    let at = binary.probe_point(function)?;
    let flags = match at.on {
        ProbeInstruction::FramePush => 0,
        ProbeInstruction::StackCheckBranch => POINT_ON_BRANCH,
    };
    let LinkAddr(link_addr) = at.addr;
    let point = Point { link_addr, kind, flags, type_home: 0, map_home: 0 };
    Some(Probe { point, offset: binary.file_offset(at.addr)? })
}

#[cfg(test)]
mod tests;
