//! Memory: churn, and what the garbage collector pays for maps.

use std::cmp::Reverse;
use std::collections::HashMap;

use goabi::{MapOp, Nested, Release};
use gomap::Category;

use super::{
    FunctionSites, ProcessContext, SiteContext, collector, confidence, is_noticeable, said,
};
use crate::finding::{Advice, Amount, Cause, EvidenceLine, Finding, Gain, Level, Reason};
use evidence::sizes::allocated::is_enough;
use evidence::{
    Alloc, Cost, Evidence, MakeSite, MapType, ProcessHeap, SiteCpu, SiteHeap, SourceKind,
};

/// Bytes allocated per byte live at the last collection from which on a site churns.
pub(super) const CHURN: u64 = 20;
/// Part of all bytes allocated from which on a churning site is worth a word.
pub(super) const CHURN_NOTICEABLE: f64 = 0.10;
/// Mean array from which on making a map costs what its size is, and not that it is made. Units: bytes.
pub(super) const LARGE_ARRAY: u64 = 4096;
/// Part of the process' CPU in the garbage collector from which on it is a matter.
pub(super) const GC_BOUND: f64 = 0.25;
/// Part of the live heap from which on a site's maps are what the collector marks.
pub(super) const HEAP_NOTICEABLE: f64 = 0.30;
/// Live bytes below which the collector runs because of what is allocated, however little is live. Basis: it runs at 4 MiB at the
/// least (GOGC=100). Source: runtime/mgcpacer.go, `defaultHeapMinimum`, Go 1.21 to 1.27.
pub(super) const SMALL_HEAP: u64 = 8 << 20;
/// Part of all bytes allocated that arrays of maps are which are soon dropped, from which on it runs for them.
pub(super) const MUCH_DROPPED: f64 = 0.30;
/// Part of the process' CPU in the garbage collector from which on it comes before all that maps do.
pub(super) const GC_DOMINATES: f64 = 0.50;
/// Part of the live heap from which on maps are worth a word where the collector dominates.
pub(super) const HEAP_SHARE: f64 = 0.20;

/// Maps are made, filled and dropped: reuse them.
pub(super) fn churn(context: &SiteContext<'_>) -> Option<Finding> {
    let heap = context.site.heap.as_ref()?;
    let process = context.evidence.heap.as_ref()?;
    let Dropped { alloc, inuse } = Dropped::of(heap, process)?;
    let allocated = process.total.alloc_bytes?;
    if (alloc as f64) < CHURN_NOTICEABLE * allocated as f64 {
        return None;
    }
    // A map that another one keeps is not dropped here, but where each call makes both.
    let outers = context.types(MapOp::Assign).filter_map(|of| context.outer_type(of));
    let mut outers = outers.peekable();
    let has_outer = outers.peek().is_some();
    if !outers.all(|outer| context.site.new_maps.contains(&outer.name)) {
        return None;
    }
    let advice = match Kept::of(context) {
        Kept::InFunction => Advice::ClearAndReuse { is_local: true },
        Kept::NotKnown => Advice::ClearAndReuse { is_local: false },
        Kept::HandedOn => {
            let map_type = context.main_type().map(|of| of.name.clone());
            Advice::FewerMaps { map_type }
        }
        Kept::Elsewhere => return None,
    };
    let (cpu, cpu_of_process) = context.cpu()?;
    // A clone takes over whole arrays; to clear a map and fill it took 2.5 to 3 times as long.
    if cpu.by_op.get(MapOp::Clone) != Cost::default() {
        return None;
    }
    let cost = allocation_cost(cpu);
    // Where next to no time is spent on memory here, next to nothing is to be saved.
    if !is_noticeable(cost, cpu_of_process.total) || is_mostly_empty(context, cpu) {
        return None;
    }
    let cause = match advice {
        // Of a program that ends, or holds little, next to nothing is live, whatever lived in between.
        Advice::FewerMaps { .. } => Cause::MapsHandedOn,
        _ => Cause::MapsDropped { with_outer: has_outer },
    };
    let mut finding = context.finding(cost, cause, advice);
    finding.evidence = said([
        context.fact(
            SourceKind::Heap,
            "map arrays allocated at this line".to_owned(),
            Amount::Bytes(alloc),
        ),
        context.fact(
            SourceKind::Heap,
            "of them live at the last collection".to_owned(),
            Amount::Bytes(inuse),
        ),
        context.fact(
            SourceKind::Heap,
            "allocated by the whole program".to_owned(),
            Amount::Bytes(allocated),
        ),
    ]);
    finding.confidence = confidence(cost, Level::Medium, Reason::DropsNotMeasured);
    Some(finding)
}

/// Where the maps of a line are kept, as far as the machine code shows it.
enum Kept {
    /// In the function that makes them: they stand in its stack frame.
    InFunction,
    /// The function makes them on the heap: the compiler has not proved that they stay in it.
    HandedOn,
    /// Another function makes them: they live as long as what holds them.
    Elsewhere,
    NotKnown,
}

impl Kept {
    fn of(context: &SiteContext<'_>) -> Self {
        if context.sources(SourceKind::Binary).is_none() || context.main_type().is_none() {
            return Self::NotKnown;
        }
        let function = &context.site.frame.function;
        let here = |make: &&MakeSite| make.frame.function == *function;
        let is_used = |make: &&MakeSite| {
            let mut types = context.types(MapOp::Assign).chain(context.types(MapOp::Make));
            make.map_type.as_ref().is_some_and(|name| types.any(|of| of.name == *name))
        };
        let traced = context.site.made.iter();
        let of_function = context.evidence.makes.iter().filter(|make| here(make)).filter(is_used);
        let makes: Vec<&MakeSite> = traced.chain(of_function).collect();
        let is_local = makes.iter().all(|make| make.is_local);
        let new = &context.site.new_maps;
        // Those in a map that is new are new as well.
        let is_new = |of: &MapType| {
            new.contains(&of.name)
                || context.outer_type(of).is_some_and(|of| new.contains(&of.name))
        };
        let are_new = context.types(MapOp::Assign).all(is_new);
        match makes.iter().any(here) {
            true if is_local && are_new => Self::InFunction,
            true if are_new => Self::HandedOn,
            _ => Self::Elsewhere,
        }
    }
}

/// Maps are made with a hint far above what they get: making them costs more than filling them.
pub(super) fn hint_too_large(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.noticeable_cpu()?;
    let making = cpu.by_op.get(MapOp::Make);
    if !is_noticeable(making, process.total) || !is_mostly_empty(context, cpu) {
        return None;
    }
    // To make a small map costs more than to fill it whatever the hint is.
    let arrays: Alloc = context.site.heap.as_ref()?.arrays().map(|block| block.alloc).sum();
    let mean = arrays.alloc_bytes?.checked_div(arrays.alloc_objects?)?;
    if mean < LARGE_ARRAY {
        return None;
    }
    let map_type = context.types(MapOp::Make).next().map(|of| of.name.clone());
    let cause = Cause::HintTooLarge { map_type: map_type.clone() };
    let advice = Advice::LowerHint { map_type, make: context.site.frame.clone() };
    let mut finding = context.finding(making, cause, advice);
    finding.evidence = said([
        context.share("making maps at this line, of all CPU", making, process.total),
        context.share(
            "writing to maps in this function, without growth, of all CPU",
            written(context),
            process.total,
        ),
        context.fact(
            SourceKind::Heap,
            "in an array that is made at this line, on average".to_owned(),
            Amount::Bytes(mean),
        ),
    ]);
    finding.confidence = confidence(making, Level::Medium, Reason::EntriesLeftNotMeasured);
    Some(finding)
}

/// Arrays of the maps of a line, of which next to nothing is live. Units: bytes.
struct Dropped {
    alloc: u64,
    inuse: u64,
}

impl Dropped {
    /// `None` where the maps stay, or too few of their arrays were seen to say so.
    fn of(heap: &SiteHeap, process: &ProcessHeap) -> Option<Self> {
        let arrays: Alloc = heap.arrays().map(|block| block.alloc).sum();
        let (alloc, inuse) = (arrays.alloc_bytes?, arrays.inuse_bytes?);
        let bytes_per_sample = process.bytes_per_sample?;
        let seen = heap.arrays().map(|block| block.samples(bytes_per_sample)).sum();
        let is_dropped = is_enough(seen) && alloc >= inuse.saturating_mul(CHURN);
        is_dropped.then_some(Self { alloc, inuse })
    }
}

/// Whether making a map with a hint costs more here than filling it: then it has far more room than it needs, and clearing it
/// would cost what making it does.
fn is_mostly_empty(context: &SiteContext<'_>, cpu: &SiteCpu) -> bool {
    let mut makes = context.evidence.makes.iter();
    let has_hint = makes.any(|make| make.has_hint && make.frame.is_same_line(&context.site.frame));
    has_hint
        && fills_what_it_makes(context)
        && cpu.by_op.get(MapOp::Make).cpu_ns > written(context).cpu_ns
}

/// Whether the machine code shows that the function writes to maps which this line makes: else they are filled elsewhere.
fn fills_what_it_makes(context: &SiteContext<'_>) -> bool {
    let here = &context.site.frame;
    let mut sites = context.functions.get(context.site).into_iter().flat_map(FunctionSites::sites);
    sites.any(|site| {
        let writes = site.maps.iter().flatten().any(|map| map.op == MapOp::Assign);
        writes && site.made.iter().any(|make| make.frame.is_same_line(here))
    })
}

/// What all writes of the function cost, without growth.
fn written(context: &SiteContext<'_>) -> Cost {
    let sites = context.functions.get(context.site).into_iter().flat_map(FunctionSites::sites);
    let of_site = |cpu: &SiteCpu| cpu.by_op.get(MapOp::Assign).without(cpu.growth);
    sites.filter_map(|site| site.cpu.as_ref()).map(of_site).sum()
}

/// What a site spends on memory for its maps: the part that reuse saves.
fn allocation_cost(cpu: &SiteCpu) -> Cost {
    let categories = [Category::Create, Category::GrowthMemory, Category::GcAssist];
    categories.into_iter().map(|category| cpu.split.get(category)).sum()
}

/// The collector is busy, and maps with pointers are what it marks.
pub(super) fn gc_bound(process: &ProcessContext<'_>) -> Option<Finding> {
    let (cpu, heap) = (process.cpu()?, process.evidence.heap.as_ref()?);
    let (gc, gc_share) = (cpu.gc, cpu.gc.share_of(cpu.total));
    let marked = Marked::of(process.evidence);
    let first = marked.types.first()?;
    let live = heap.total.inuse_bytes?;
    let heap_share = marked.bytes as f64 / live.max(1) as f64;
    if live < SMALL_HEAP && is_much_dropped(process.evidence, heap) {
        return None;
    }
    let dominates = gc_share >= GC_DOMINATES;
    let enough = if dominates { HEAP_SHARE } else { HEAP_NOTICEABLE };
    if gc == Cost::default() || gc_share < GC_BOUND || heap_share < enough {
        return None;
    }
    let version = process.evidence.program.go_version?;
    let heap_line = |what: &str, amount| {
        Some(EvidenceLine { sources: heap.sources.clone(), what: what.to_owned(), amount })
    };
    let evidence = said([
        process.share("garbage collection, of all CPU", gc, cpu.total),
        heap_line("live arrays of maps with pointers", Amount::Bytes(marked.bytes)),
        marked.n.and_then(|n| heap_line("of them, each to be marked", Amount::Count(n))),
        heap_line("live heap", Amount::Bytes(live)),
        Some(EvidenceLine {
            sources: version.1.into(),
            what: format!("built by {}", version.0),
            amount: Amount::Fact,
        }),
    ]);
    let of_trace = process.evidence.trace.iter().flat_map(collector::mark_lines);
    let evidence = evidence.into_iter().chain(of_trace).collect();
    let map_type = first.name.clone();
    let (cause, cost) = match dominates {
        true => (Cause::CollectorDominates { map_type }, gc),
        false => (Cause::CollectorMarksMaps { map_type }, part_of(gc, heap_share)),
    };
    let advice = mark_less(process, &marked.types, dominates)?;
    let confidence = confidence(gc, Level::Medium, Reason::MarkTimeNotMeasured);
    Some(Finding { evidence, ..process.finding(cause, advice, cost, confidence) })
}

/// Whether arrays of maps that are soon dropped are a good part of all that is allocated: with little that is live, it is for them
/// that the collector runs so often.
fn is_much_dropped(evidence: &Evidence, process: &ProcessHeap) -> bool {
    let heaps = evidence.sites.iter().filter_map(|site| site.heap.as_ref());
    let dropped = heaps.filter_map(|heap| Some(Dropped::of(heap, process)?.alloc));
    let dropped = dropped.fold(0, u64::saturating_add);
    let is_much = |all| dropped as f64 >= MUCH_DROPPED * all as f64;
    dropped > 0 && process.total.alloc_bytes.is_some_and(is_much)
}

/// Live arrays of maps that the collector has to look into.
#[derive(Default)]
struct Marked<'e> {
    bytes: u64,
    /// `None` where the profile does not count them.
    n: Option<u64>,
    /// Their types. Order: by bytes, the largest first.
    types: Vec<&'e MapType>,
}

impl<'e> Marked<'e> {
    fn of(evidence: &'e Evidence) -> Self {
        let mut marked = Self::default();
        let mut by_type: HashMap<&str, (u64, &MapType)> = HashMap::new();
        for site in &evidence.sites {
            let pointers = site.known_types().find(|t| t.key.has_pointers || t.elem.has_pointers);
            let Some(map_type) = pointers else { continue };
            let arrays = site.heap.iter().flat_map(|heap| heap.arrays());
            let of_site: Alloc = arrays.map(|block| block.alloc).sum();
            let bytes = of_site.inuse_bytes.unwrap_or(0);
            marked.bytes = marked.bytes.saturating_add(bytes);
            let n = of_site.inuse_objects.map(|n| n.saturating_add(marked.n.unwrap_or(0)));
            marked.n = n.or(marked.n);
            if bytes > 0 {
                let of_type = by_type.entry(&map_type.name).or_insert((0, map_type));
                of_type.0 = of_type.0.saturating_add(bytes);
            }
        }
        let mut types: Vec<(u64, &MapType)> = by_type.into_values().collect();
        types.sort_by_key(|&(bytes, of)| (Reverse(bytes), &of.name));
        marked.types = types.into_iter().map(|(_, of)| of).collect();
        marked
    }
}

/// What the collector spends on this part of what it marks.
fn part_of(gc: Cost, share: f64) -> Cost {
    let part = |n: u64| (n as f64 * share.min(1.0)).round() as u64;
    Cost { samples: part(gc.samples), cpu_ns: part(gc.cpu_ns) }
}

fn mark_less(process: &ProcessContext<'_>, types: &[&MapType], dominates: bool) -> Option<Advice> {
    let first = types.first()?;
    let has_green_tea = |release: &Release| release.has_green_tea;
    let since = Release::since(has_green_tea)?;
    let is_nested = types.iter().any(|t| t.nested != Nested::No);
    Some(match has_green_tea(process.evidence.program.release()?) {
        true if !dominates => Advice::MarkingIsCheap { since },
        false if is_nested => Advice::MoveToGo { release: since, gain: Gain::CheaperMarking },
        _ => Advice::NoPointers { map_type: first.name.clone() },
    })
}
