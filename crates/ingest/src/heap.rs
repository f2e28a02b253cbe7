//! Heap profiles to the allocations of each site.
//!
//! Go strips the runtime's own frames from heap profiles, so what a map allocates for growth stands at the line of the
//! assignment, among other allocations of that line; the `bytes` label (block size) separates them.
//! Source: runtime/pprof/protomem.go, Go 1.21 to 1.27.

use std::collections::{BTreeMap, HashMap};

use evidence::Evidence;
use evidence::words::plural;
use evidence::{Alloc, Block, Notice, ProcessHeap, Site, SiteHeap, SourceId};
use goabi::MapOp;
use gomap::Layout;
use gopprof::{LabelValue, Profile, Sample};

use crate::binary::BinaryFacts;
use crate::lines::{LineId, Lines};
use crate::program::ProgramOfProfile;

/// Sums heap profiles by line and block size.
#[derive(Debug, Default)]
pub(crate) struct HeapCollector {
    lines: Lines,
    process: ProcessHeap,
    programs: Vec<ProgramOfProfile>,
    blocks: HashMap<LineId, BTreeMap<u64, Alloc>>,
}

impl HeapCollector {
    pub(crate) fn has_profiles(&self) -> bool {
        !self.process.sources.is_empty()
    }

    pub(crate) fn programs(&self) -> impl Iterator<Item = &ProgramOfProfile> {
        self.programs.iter()
    }

    /// Adds a profile. A heap profile counts since the start of the program, so of several the last given replaces the
    /// others instead of adding to them.
    pub(crate) fn add(
        &mut self,
        profile: &Profile,
        source: SourceId,
        name: &str,
        evidence: &mut Evidence,
    ) {
        if let Some(&replaced) = self.process.sources.first() {
            let text =
                format!("replaced by {name}: heap profiles count from the start of the program");
            evidence.notices.push(Notice { source: Some(replaced), text });
        }
        let column =
            |kind: &str| profile.sample_types.iter().position(|t| profile.str(t.kind) == kind);
        let columns = ["alloc_objects", "alloc_space", "inuse_objects", "inuse_space"].map(column);
        self.process = ProcessHeap { sources: vec![source], total: Alloc::default() };
        self.blocks.clear();
        self.programs.push(ProgramOfProfile::of(profile, name));
        let locations = self.lines.add_profile(profile);
        for sample in profile.samples() {
            let alloc = alloc_of(&sample, &columns);
            self.process.total += alloc;
            let frames = sample.locations().flat_map(|location| locations.of(location));
            let Some(user) = frames.into_iter().find(|frame| !frame.class.is_runtime()) else {
                continue;
            };
            let by_size = self.blocks.entry(user.line).or_default();
            *by_size.entry(block_bytes(&sample)).or_default() += alloc;
        }
    }

    /// Gives each site its allocations; lines that only the binary knows to use maps become sites of their own.
    pub(crate) fn finish(self, evidence: &mut Evidence, binary: Option<&BinaryFacts>) {
        if !self.has_profiles() {
            return;
        }
        let source = self.process.sources[0];
        let mut heaps: HashMap<(String, u32), (LineId, SiteHeap)> = HashMap::new();
        for (line, blocks) in &self.blocks {
            let frame = self.lines.frame(*line);
            heaps.insert((frame.function, frame.line), (*line, site_heap(blocks)));
        }
        for site in &mut evidence.sites {
            let key = (site.frame.function.clone(), site.frame.line);
            site.heap = heaps.remove(&key).map(|(_, heap)| heap);
        }
        if let Some(binary) = binary {
            let mut only_heap: Vec<Site> = heaps
                .into_iter()
                .filter(|(_, (_, heap))| heap.total.alloc_objects > 0)
                .filter(|((function, line), _)| binary.allocates_map_at(function, *line))
                .map(|(_, (line, heap))| Site {
                    heap: Some(heap),
                    ..Site::at(self.lines.frame(line))
                })
                .collect();
            only_heap.sort_by(|a, b| {
                let bytes =
                    |site: &Site| site.heap.as_ref().map_or(0, |heap| heap.total.alloc_bytes);
                bytes(b).cmp(&bytes(a)).then_with(|| a.frame.cmp(&b.frame))
            });
            evidence.sites.append(&mut only_heap);
        } else if evidence.cpu.is_none() {
            evidence.notices.push(Notice {
                source: Some(source),
                text: "a heap profile alone does not tell maps from slices; add a CPU profile or the binary".to_owned(),
            });
        }
        evidence.heap = Some(self.process);
    }
}

/// Says how many entries a map has room for when it allocates a block of the given size, where the types at the site
/// allow only one answer.
pub(crate) fn size_blocks(evidence: &mut Evidence) {
    let (Some((version, _)), Some((map_impl, _))) =
        (evidence.program.go_version, evidence.program.map_impl)
    else {
        return;
    };
    for site in &mut evidence.sites {
        let (Some(heap), Some(maps)) = (&mut site.heap, &site.maps) else { continue };
        let layouts: Vec<Layout> = maps
            .iter()
            .filter(|map| matches!(map.op, MapOp::Assign | MapOp::Make | MapOp::Clone))
            .filter_map(|map| map.map_type.as_ref().ok())
            .filter_map(|map_type| map_type.layout(map_impl, version))
            .collect();
        for block in &mut heap.blocks {
            let mut capacities =
                layouts.iter().filter_map(|layout| layout.capacity_of_block(block.block_bytes));
            let first = capacities.next();
            block.map_capacity = first.filter(|first| capacities.all(|other| other == *first));
        }
    }
}

/// "heap profile, 65 samples, one per 4096 bytes".
pub(crate) fn summary(profile: &Profile) -> String {
    let n = profile.samples().count() as u64;
    format!("heap profile, {n} {}, one per {} bytes", plural(n, "sample"), profile.period)
}

fn alloc_of(sample: &Sample<'_>, columns: &[Option<usize>; 4]) -> Alloc {
    let [alloc_objects, alloc_bytes, inuse_objects, inuse_bytes] =
        columns.map(|column| column.map_or(0, |c| u64::try_from(sample.value(c)).unwrap_or(0)));
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

fn site_heap(blocks: &BTreeMap<u64, Alloc>) -> SiteHeap {
    let mut heap = SiteHeap::default();
    for (&block_bytes, &alloc) in blocks {
        heap.total += alloc;
        heap.blocks.push(Block { block_bytes, alloc, map_capacity: None });
    }
    heap
}
