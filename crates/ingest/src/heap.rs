//! Heap profiles to the allocations of each site.
//!
//! Go strips the runtime's own frames from heap profiles, so what a map allocates for growth stands at the line of the
//! assignment, among other allocations of that line; the `bytes` label (block size) separates them.
//! Source: runtime/pprof/protomem.go, Go 1.21 to 1.27.

use std::collections::HashMap;

use evidence::words::plural;
use evidence::{Alloc, Block, Builder, LineId, ProcessHeap, SiteHeap, SourceId};
use gopprof::{LabelValue, Profile, Sample};

use crate::lines::Lines;

/// What heap profiles have; exports have one of them. Source: runtime/pprof/protomem.go, Go 1.21 to 1.27.
pub(crate) const SAMPLE_TYPES: [&str; 4] =
    ["alloc_objects", "alloc_space", "inuse_objects", "inuse_space"];

/// A heap profile by line and block size. It counts since the start of the program: several are not added up.
#[derive(Debug)]
pub(crate) struct HeapSums {
    pub(crate) source: SourceId,
    lines: Lines,
    total: Alloc,
    bytes_per_sample: Option<u64>,
    /// By line and size of the block.
    blocks: HashMap<(LineId, u64), Alloc>,
}

impl HeapSums {
    pub(crate) fn of(profile: &Profile, source: SourceId) -> Self {
        let columns = SAMPLE_TYPES.map(|kind| profile.sample_type_named(kind));
        let mut lines = Lines::default();
        let mut total = Alloc::default();
        let mut blocks: HashMap<(LineId, u64), Alloc> = HashMap::new();
        let locations = lines.add_profile(profile);
        for sample in profile.samples() {
            let alloc = alloc_of(&sample, &columns);
            total += alloc;
            let frames = sample.locations().flat_map(|location| locations.of(location));
            let Some(user) = frames.into_iter().find(|frame| !frame.class.is_runtime()) else {
                continue;
            };
            *blocks.entry((user.line, block_bytes(&sample))).or_default() += alloc;
        }
        let bytes_per_sample = bytes_per_sample(profile);
        Self { source, lines, total, bytes_per_sample, blocks }
    }

    /// Says what each line allocates.
    pub(crate) fn tell(self, builder: &mut Builder) {
        let mut blocks: Vec<_> = self.blocks.into_iter().collect();
        blocks.sort_unstable_by_key(|&((line, block_bytes), _)| (line.index(), block_bytes));
        for of_line in blocks.chunk_by(|((line, _), _), ((next, _), _)| line == next) {
            let ((line, _), _) = of_line[0];
            builder.allocations(&self.lines.frame(line), site_heap(of_line));
        }
        let Self { total, bytes_per_sample, .. } = self;
        builder.heap(ProcessHeap { sources: self.source.into(), total, bytes_per_sample });
    }
}

/// The period of the profile; exports have none, or one of something else.
///
/// Source: runtime/pprof/protomem.go, Go 1.21 to 1.27.
fn bytes_per_sample(profile: &Profile) -> Option<u64> {
    let of = profile.period_type?;
    let is_bytes = (profile.str(of.kind), profile.str(of.unit)) == ("space", "bytes");
    u64::try_from(profile.period).ok().filter(|&period| is_bytes && period > 0)
}

/// "heap profile, 65 samples, one per 4096 bytes", and what it lacks.
pub(crate) fn summary(profile: &Profile) -> String {
    let n = profile.samples().count() as u64;
    let mut text = format!("heap profile, {n} {}", plural(n, "sample"));
    match bytes_per_sample(profile) {
        Some(period) => text += &format!(", one per {period} bytes"),
        None => text += ", it does not say how many bytes one stands for",
    }
    let missing = SAMPLE_TYPES.iter().filter(|name| profile.sample_type_named(name).is_none());
    let missing: Vec<&str> = missing.copied().collect();
    if !missing.is_empty() {
        text += &format!("; without {}", missing.join(", "));
    }
    text
}

fn alloc_of(sample: &Sample<'_>, columns: &[Option<usize>; 4]) -> Alloc {
    let value = |column| u64::try_from(sample.value(column)).unwrap_or(0);
    let [alloc_objects, alloc_bytes, inuse_objects, inuse_bytes] =
        columns.map(|column| column.map(value));
    Alloc { alloc_objects, alloc_bytes, inuse_objects, inuse_bytes }
}

fn block_bytes(sample: &Sample<'_>) -> u64 {
    sample
        .labels()
        .find_map(|label| match label.value {
            LabelValue::Num { value, .. } if label.key == "bytes" => u64::try_from(value).ok(),
            _ => None,
        })
        .unwrap_or(0)
}

fn site_heap(blocks: &[((LineId, u64), Alloc)]) -> SiteHeap {
    let mut heap = SiteHeap::default();
    for &((_, block_bytes), alloc) in blocks {
        heap.total += alloc;
        heap.blocks.push(Block { block_bytes, alloc, map_capacity: None });
    }
    heap
}
