//! The one builder of [`Evidence`].
//!
//! Inputs come in any order. Each says what it has of the program, of the process and of lines of source, and reads
//! nothing back, so that nothing depends on which came before. What follows from several is derived when all were heard:
//!
//! 1. Of what inputs state of the program, the word of the one that knows most counts.
//! 2. Lines at which maps are used become sites; what was said of other lines goes.
//! 3. Each site gets what was said of its line and its functions. Where an input that measures all lines has nothing of
//!    this one, that is 0, and not unknown.
//! 4. Blocks of the heap get the number of entries that a map of that size has room for, growths the range of their
//!    number and the sizes of the maps.
//! 5. All of it is put in order.

mod code;
mod times;

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use goabi::{GoVersion, MapImpl, MapOp};
use gomap::Layout;

use self::code::allocates;
use self::times::Times;
use crate::{
    Alloc, Cost, CpuAside, Evidence, Frame, HintedMakes, LineId, LineTable, MapType, Notice,
    ProcessCpu, ProcessGrowth, ProcessHeap, ProcessLocks, ProcessMisses, ProcessStorage,
    ProcessTrace, Program, Site, SiteGrowth, SiteHeap, SiteLock, SiteLocks, SiteMap, SiteMisses,
    Source, SourceId, SourceKind, Sources, StackTree, Timeline, printable,
};

pub use self::code::{CodeMaps, Related};

/// Puts together what inputs say of one program.
#[derive(Debug, Default)]
pub struct Builder {
    /// Of the process, as said; nothing of lines yet.
    evidence: Evidence,
    stated: Vec<(SourceId, Stated)>,
    times: Times,
    lines: LineTable,
    /// What was said of lines. Frames are filled in for those that are sites: names are long, and may be the same ones.
    sites: HashMap<LineId, Site>,
    /// Most lines that allocate have nothing to do with maps.
    heap: HashMap<LineId, SiteHeap>,
    /// Samples that were not added to the CPU profile, all of the process.
    aside: Vec<(SourceId, Cost)>,
    /// By the function that waits or is waited for.
    waits: HashMap<Arc<str>, Vec<SiteLock>>,
    code: Option<CodeMaps>,
}

/// What an input states of the program; `None` where it says nothing.
#[derive(Debug, Default)]
pub struct Stated {
    /// File name of the main binary.
    pub name: Option<String>,
    /// Its build id, hexadecimal.
    pub build_id: Option<String>,
    /// Go release.
    pub go_version: Option<GoVersion>,
    /// Map implementation.
    pub map_impl: Option<MapImpl>,
    /// Architecture by Go's name.
    pub arch: Option<&'static str>,
}

/// What one input says of itself and of the program.
#[derive(Debug)]
pub struct OfSource<'b> {
    builder: &'b mut Builder,
    id: SourceId,
}

impl OfSource<'_> {
    /// Its id, for what is measured.
    pub fn id(&self) -> SourceId {
        self.id
    }

    /// Its name, for messages.
    pub fn name(&self) -> &str {
        &self.builder.evidence.sources[self.id].name
    }

    /// Facts about it worth a line on the screen.
    pub fn summary(&mut self, text: &str) {
        if let Some(source) = self.builder.evidence.sources.get_mut(self.id) {
            source.summary = printable(text);
        }
    }

    /// What was lost of it or does not fit, and what to do about it.
    pub fn notice(&mut self, text: &str) {
        self.builder.notice(Some(self.id), text);
    }

    /// What it says of the program.
    pub fn states(&mut self, stated: Stated) {
        self.builder.stated.push((self.id, stated));
    }

    /// The time in which it was taken. Units: nanoseconds since 1970, and of its length.
    pub fn covers(&mut self, start_ns: i128, duration_ns: u64) {
        self.builder.times.add(self.id, start_ns, duration_ns);
    }
}

impl Builder {
    /// Adds an input.
    pub fn source(&mut self, name: &str, kind: SourceKind) -> OfSource<'_> {
        let source = Source { name: printable(name), kind, summary: String::new() };
        let id = self.evidence.sources.add(source);
        OfSource { builder: self, id }
    }

    /// An input that was added, to say more of it.
    pub fn of(&mut self, id: SourceId) -> OfSource<'_> {
        OfSource { builder: self, id }
    }

    /// Adds what the reader has to know, of an input or of several.
    pub fn notice(&mut self, source: Option<SourceId>, text: &str) {
        self.evidence.notices.push(Notice { source, text: printable(text) });
    }

    /// What is measured of a line, whether or not it turns out to be a site. Frame, heap, maps, holders and locks are filled
    /// in later, as are zeros.
    pub fn line(&mut self, frame: &Frame) -> &mut Site {
        self.sites.entry(self.lines.add(frame)).or_default()
    }

    /// What the heap profile has of a line, whether or not it turns out to be a site.
    pub fn allocations(&mut self, frame: &Frame, heap: SiteHeap) {
        self.heap.insert(self.lines.add(frame), heap);
    }

    /// What the CPU profiles say of the process.
    pub fn cpu(&mut self, cpu: ProcessCpu, stacks: Option<StackTree>) {
        self.evidence.cpu = Some(cpu);
        self.evidence.stacks = stacks;
    }

    /// CPU samples of the process that were not added to the others; those of lines stand in [`Site::cpu_aside`].
    pub fn cpu_aside(&mut self, source: SourceId, total: Cost) {
        self.aside.push((source, total));
    }

    /// Misses of the process; those of lines stand in [`Site::misses`].
    pub fn misses(&mut self, misses: ProcessMisses) {
        self.evidence.misses.push(misses);
    }

    /// What the heap profile says of the process.
    pub fn heap(&mut self, heap: ProcessHeap) {
        self.evidence.heap = Some(heap);
    }

    /// What recordings say of the process.
    pub fn growth(&mut self, growth: ProcessGrowth) {
        self.evidence.growth = Some(growth);
    }

    /// Maps that are made with a size hint.
    pub fn hinted(&mut self, makes: HintedMakes) {
        self.evidence.hints.push(makes);
    }

    /// What execution traces say of the process.
    pub fn trace(&mut self, trace: ProcessTrace, timeline: Option<Timeline>) {
        self.evidence.trace = Some(trace);
        self.evidence.timeline = timeline;
    }

    /// Waiting for locks, as one input saw it.
    pub fn locks(&mut self, locks: ProcessLocks) {
        self.evidence.locks.push(locks);
    }

    /// Waits of one of [`Builder::locks`] for a lock that a function takes or gives back.
    pub fn waits(&mut self, lock: SiteLock) {
        self.waits.entry(Arc::clone(&lock.frame.function)).or_default().push(lock);
    }

    /// Writes to files and devices; of several inputs the last counts, which is said of the others.
    pub fn storage(&mut self, storage: ProcessStorage) {
        let last = self.evidence.sources[storage.source].name.clone();
        if let Some(replaced) = self.evidence.storage.replace(storage) {
            self.of(replaced.source).notice(&format!(
                "its writes to files and devices are replaced by those of {last}: they are not added up"
            ));
        }
    }

    /// What the binary says of maps, if its types can be read.
    pub fn code(&mut self, code: CodeMaps) {
        self.code = Some(code);
    }

    /// Derives what follows from all that was said.
    pub fn finish(self) -> Evidence {
        let Self { mut evidence, stated, times, lines, sites, heap, mut aside, waits, code } = self;
        evidence.program = program(stated, &evidence.sources);
        evidence.notices.extend(times.notices(&evidence.sources));
        evidence.notices.extend(heap_alone(&evidence));
        evidence.notices.sort_by_key(|notice| notice.source);
        evidence.locks.sort_by_key(|locks| locks.source);
        evidence.misses.sort_by_key(|misses| misses.source);
        evidence.hints.sort_by(|a, b| {
            b.n.cmp(&a.n).then_with(|| (&a.frame, &a.map_type).cmp(&(&b.frame, &b.map_type)))
        });
        aside.sort_by_key(|&(source, _)| source);
        let waits = by_function(waits);
        let mut sites = derive_sites(&lines, sites, heap, code.as_ref());
        for site in &mut sites {
            site.locks = (!evidence.locks.is_empty()).then(|| locks_of(site, &waits));
            for caller in site.cpu.iter_mut().flat_map(|cpu| &mut cpu.callers) {
                caller.locks =
                    SiteLocks::of(waits.get(&caller.frame.function).cloned().into_iter());
            }
            fill_gaps(site, &evidence, &aside);
            sort_types(site);
            if let Some(code) = &code {
                name_recorded(site, &code.types);
            }
            size_blocks(site, &evidence.program);
        }
        sites.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.frame.cmp(&b.frame)));
        if let Some(code) = code {
            evidence.code_ops = code.ops();
            let CodeMaps { mut makes, types, .. } = code;
            let functions: HashSet<_> = sites.iter().map(|site| &site.frame.function).collect();
            let used: HashSet<_> =
                sites.iter().flat_map(Site::known_types).map(|of| &of.name).collect();
            makes.retain(|make| {
                let is_used = make.map_type.as_ref().is_some_and(|name| used.contains(name));
                is_used || functions.contains(&make.frame.function)
            });
            (evidence.makes, evidence.map_types) = (makes, types);
        }
        evidence.sites = sites;
        evidence.derive_sizes();
        evidence
    }
}

/// What inputs of this kind know of the program, from most to least: the binary is it, a recording asked the process.
fn knowledge(kind: SourceKind) -> u8 {
    match kind {
        SourceKind::Binary => 0,
        SourceKind::Recording => 1,
        SourceKind::Cpu => 2,
        SourceKind::Perf => 3,
        SourceKind::Heap => 4,
        SourceKind::Contention => 5,
        SourceKind::Trace => 6,
    }
}

fn program(mut stated: Vec<(SourceId, Stated)>, sources: &Sources) -> Program {
    stated.sort_by_key(|&(id, _)| (knowledge(sources[id].kind), id));
    let mut program = Program::default();
    for (id, of) in stated {
        program.name = program.name.or(of.name);
        program.build_id = program.build_id.or(of.build_id);
        program.go_version = program.go_version.or(of.go_version.map(|version| (version, id)));
        program.map_impl = program.map_impl.or(of.map_impl.map(|map_impl| (map_impl, id)));
        program.arch = program.arch.or(of.arch);
    }
    program
}

fn heap_alone(evidence: &Evidence) -> Option<Notice> {
    let heap = evidence.heap.as_ref()?;
    let has_binary = evidence.sources.of_kind(SourceKind::Binary).is_some();
    if has_binary || evidence.cpu.is_some() {
        return None;
    }
    let text =
        "a heap profile alone does not tell maps from slices; add a CPU profile or the binary";
    Some(Notice { source: Some(heap.sources.first()), text: text.to_owned() })
}

/// Lines that use maps: by CPU samples, by growth, or by the machine code where the heap profile has allocations.
fn derive_sites(
    lines: &LineTable,
    mut sites: HashMap<LineId, Site>,
    heap: HashMap<LineId, SiteHeap>,
    code: Option<&CodeMaps>,
) -> Vec<Site> {
    for (line, heap) in heap {
        if sites.contains_key(&line) || makes_maps(&lines.frame(line), &heap, code) {
            sites.entry(line).or_default().heap = Some(heap);
        }
    }
    let site = |(line, mut site): (LineId, Site)| {
        let frame = lines.frame(line);
        let has_heap = |heap: &SiteHeap| makes_maps(&frame, heap, code);
        let is_site =
            site.cpu.is_some() || site.growth.is_some() || site.heap.as_ref().is_some_and(has_heap);
        if !is_site {
            return None;
        }
        site.frame = frame;
        if let Some(code) = code {
            code.tell(&mut site);
        }
        Some(site)
    };
    sites.into_iter().filter_map(site).collect()
}

/// Whether what a line allocates can be maps.
fn makes_maps(frame: &Frame, heap: &SiteHeap, code: Option<&CodeMaps>) -> bool {
    let Alloc { alloc_objects, alloc_bytes, inuse_objects, inuse_bytes } = heap.total;
    let is_any =
        [alloc_objects, alloc_bytes, inuse_objects, inuse_bytes].iter().any(|n| *n > Some(0));
    is_any && code.is_some_and(|code| allocates(code.uses(frame)))
}

/// Waits by function, to be shared by its sites.
fn by_function(waits: HashMap<Arc<str>, Vec<SiteLock>>) -> HashMap<Arc<str>, Arc<[SiteLock]>> {
    let in_order = |(function, mut locks): (Arc<str>, Vec<SiteLock>)| {
        locks.sort_by(SiteLock::order);
        (function, locks.into())
    };
    waits.into_iter().map(in_order).collect()
}

/// Waits in the function of a site, and in those that it was inlined into.
fn locks_of(site: &Site, waits: &HashMap<Arc<str>, Arc<[SiteLock]>>) -> SiteLocks {
    let mut functions: Vec<&Arc<str>> =
        std::iter::once(&site.frame).chain(&site.inlined_into).map(|of| &of.function).collect();
    functions.sort();
    functions.dedup();
    SiteLocks::of(functions.into_iter().filter_map(|function| waits.get(function).cloned()))
}

/// Where an input measured all lines and has nothing of this one, there was nothing.
fn fill_gaps(site: &mut Site, evidence: &Evidence, aside: &[(SourceId, Cost)]) {
    if evidence.growth.is_some() {
        site.growth.get_or_insert_default();
    }
    if evidence.trace.is_some() {
        site.trace.get_or_insert_default();
    }
    let of_line = std::mem::take(&mut site.cpu_aside);
    let aside = aside.iter().map(|&(source, total)| {
        let none = CpuAside { source, total, map: Cost::default(), growth: Cost::default() };
        of_line.iter().copied().find(|of| of.source == source).unwrap_or(none)
    });
    site.cpu_aside = aside.collect();
    let of_line = std::mem::take(&mut site.misses);
    let misses = evidence.misses.iter().map(|all| {
        let is_same = |of: &&SiteMisses| of.source == all.source && of.event == all.event;
        of_line.iter().find(is_same).cloned().unwrap_or_else(|| SiteMisses::none(all))
    });
    site.misses = misses.collect();
}

fn sort_types(site: &mut Site) {
    let Some(SiteGrowth { types, .. }) = &mut site.growth else { return };
    types.sort_by(|a, b| {
        let by_bytes = b.total.moved_bytes.cmp(&a.total.moved_bytes);
        by_bytes.then_with(|| a.map_type.cmp(&b.map_type))
    });
}

/// Where the machine code does not tell what a line writes, a recording does: it saw these maps grow there.
fn name_recorded(site: &mut Site, types: &[MapType]) {
    let (Some(growth), Some(maps)) = (&site.growth, &mut site.maps) else { return };
    let is_open = |map: &SiteMap| map.op == MapOp::Assign && map.known_type().is_none();
    let is_known = |name: &str, maps: &[SiteMap]| {
        maps.iter()
            .any(|map| map.op == MapOp::Assign && map.known_type().is_some_and(|t| t.name == name))
    };
    let recorded = growth.types.iter().filter(|of| !is_known(&of.map_type, maps));
    let recorded: Vec<&MapType> =
        recorded.filter_map(|of| types.iter().find(|known| known.name == of.map_type)).collect();
    let Some(open) = maps.iter().find(|map| is_open(map)) else { return };
    if recorded.is_empty() {
        return;
    }
    let callee = open.callee.clone();
    maps.retain(|map| !is_open(map));
    maps.extend(recorded.into_iter().map(|map_type| SiteMap {
        op: MapOp::Assign,
        callee: callee.clone(),
        map_type: Ok(map_type.clone()),
        is_possible: false,
    }));
}

/// Says how many entries a map has room for when it allocates a block of the given size, where the types at the site
/// allow only one answer, and nothing else at the line has such blocks.
fn size_blocks(site: &mut Site, program: &Program) {
    let (Some((version, _)), Some((map_impl, _))) = (program.go_version, program.map_impl) else {
        return;
    };
    let (Some(heap), Some(maps)) = (&mut site.heap, &site.maps) else { return };
    // Slices that the line appends to have blocks of the same sizes.
    let appends = site.cpu.as_ref().is_some_and(|cpu| cpu.slice_growth != Cost::default());
    let mut types = maps.iter().filter_map(SiteMap::known_type);
    if appends && types.any(MapType::holds_slices) {
        return;
    }
    let layouts: Vec<Layout> = maps
        .iter()
        .filter(|map| matches!(map.op, MapOp::Assign | MapOp::Make | MapOp::Clone))
        .filter_map(SiteMap::known_type)
        .filter_map(|map_type| map_type.layout(map_impl, version))
        .collect();
    for block in &mut heap.blocks {
        let mut capacities =
            layouts.iter().filter_map(|layout| layout.capacity_of_block(block.block_bytes));
        let first = capacities.next();
        block.map_capacity = first.filter(|first| capacities.all(|other| other == *first));
    }
}

/// Sites by CPU in maps, then those without by bytes allocated, then by bytes moved.
fn rank(site: &Site) -> (u8, Reverse<u64>) {
    match (&site.cpu, &site.heap, &site.growth) {
        (Some(cpu), ..) => (0, Reverse(cpu.map.cpu_ns)),
        (None, Some(heap), _) => {
            (1, Reverse(heap.total.alloc_bytes.or(heap.total.inuse_bytes).unwrap_or(0)))
        }
        (None, None, growth) => {
            let moved_bytes = growth.as_ref().map_or(0, |growth| growth.total.moved_bytes);
            (2, Reverse(moved_bytes))
        }
    }
}

#[cfg(test)]
mod tests;
