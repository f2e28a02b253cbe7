//! Memory: churn, maps that never shrink, and what the garbage collector pays for maps.

use goabi::{MapOp, Nested, Release};
use gomap::Category;

use super::{ENOUGH_SAMPLES, ProcessContext, SiteContext, collector, confidence, said};
use crate::finding::{
    Advice, Amount, Cause, Confidence, EvidenceLine, Finding, Gain, Level, Reason,
};
use evidence::{Cost, SiteCpu, SiteMap, SourceKind};

/// Bytes allocated per byte live at the last collection from which on a site churns.
pub(super) const CHURN: u64 = 20;
/// Part of all bytes allocated from which on a churning site is worth a word.
pub(super) const CHURN_NOTICEABLE: f64 = 0.10;
/// Part of the process' CPU in the garbage collector from which on it is a matter.
pub(super) const GC_BOUND: f64 = 0.25;
/// Part of the live heap from which on a site's maps are what the collector marks.
pub(super) const HEAP_NOTICEABLE: f64 = 0.30;
/// Part of a site's map cost in deletes from which on its maps are emptied as well as filled.
pub(super) const DELETES: f64 = 0.10;

/// Maps are made, filled and dropped: reuse them.
pub(super) fn churn(context: &SiteContext<'_>) -> Option<Finding> {
    let heap = context.site.heap.as_ref()?;
    let process = context.evidence.heap.as_ref()?;
    let arrays = heap.blocks.iter().filter(|block| block.map_capacity.is_some());
    let (alloc, inuse) = arrays.fold((0_u64, 0_u64), |(alloc, inuse), block| {
        (
            alloc.saturating_add(block.alloc.alloc_bytes),
            inuse.saturating_add(block.alloc.inuse_bytes),
        )
    });
    let is_large = alloc as f64 >= CHURN_NOTICEABLE * process.total.alloc_bytes as f64;
    if alloc == 0 || !is_large || alloc < inuse.saturating_mul(CHURN) {
        return None;
    }
    let cost = context.cpu().map(|(cpu, _)| allocation_cost(cpu));
    // Where CPU time was measured, and next to none of it is spent on memory here, next to nothing is to be saved.
    if context.evidence.cpu.is_some() && cost.is_none_or(|cost| cost.samples < ENOUGH_SAMPLES) {
        return None;
    }
    let mut finding =
        context.finding(cost.unwrap_or_default(), Cause::MapsDropped, Advice::ClearAndReuse);
    finding.cost = cost;
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
            Amount::Bytes(process.total.alloc_bytes),
        ),
    ]);
    finding.confidence = match cost {
        Some(cost) => confidence(cost, Level::Medium, Reason::DropsNotMeasured),
        None => Confidence { level: Level::Low, reason: Reason::TimeNotMeasured },
    };
    Some(finding)
}

/// What a site spends on memory for its maps: the part that reuse saves.
fn allocation_cost(cpu: &SiteCpu) -> Cost {
    let categories = [Category::Create, Category::GrowthMemory, Category::GcAssist];
    categories.into_iter().fold(Cost::default(), |mut sum, category| {
        sum += cpu.split.get(category);
        sum
    })
}

/// Maps that are emptied keep their arrays.
pub(super) fn never_shrinks(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, _) = context.noticeable_cpu()?;
    let heap = context.evidence.heap.as_ref()?;
    let deletes = cpu.by_op.get(MapOp::Delete);
    let name = &context.types(MapOp::Delete).next()?.name;
    let inuse: u64 = context
        .evidence
        .sites
        .iter()
        .filter(|site| {
            site.maps
                .iter()
                .flatten()
                .any(|map| map.map_type.as_ref().is_ok_and(|t| t.name == *name))
        })
        .filter_map(|site| site.heap.as_ref())
        .flat_map(|heap| &heap.blocks)
        .filter(|block| block.map_capacity.is_some())
        .map(|block| block.alloc.inuse_bytes)
        .fold(0, u64::saturating_add);
    let is_large = inuse as f64 >= HEAP_NOTICEABLE * heap.total.inuse_bytes as f64;
    if deletes.share_of(cpu.map) < DELETES || !is_large || inuse == 0 {
        return None;
    }
    let (cause, advice) = (
        Cause::NeverShrinks { map_type: name.clone() },
        Advice::CopyToNewMap { map_type: name.clone() },
    );
    let mut finding = context.finding(deletes, cause, advice);
    finding.evidence = said([
        context.share("deletes at this line, of its map cost", deletes, cpu.map),
        context.fact(SourceKind::Heap, format!("live arrays of {name}"), Amount::Bytes(inuse)),
        context.fact(
            SourceKind::Heap,
            "live heap".to_owned(),
            Amount::Bytes(heap.total.inuse_bytes),
        ),
    ]);
    finding.confidence = confidence(deletes, Level::Low, Reason::EntriesLeftNotMeasured);
    Some(finding)
}

/// The collector is busy, and maps with pointers are what it marks.
pub(super) fn gc_bound(process: &ProcessContext<'_>) -> Option<Finding> {
    let (cpu, heap) = (process.cpu()?, process.evidence.heap.as_ref()?);
    let gc = cpu.gc;
    if gc.share_of(cpu.total) < GC_BOUND {
        return None;
    }
    let (mut inuse, mut n_inuse, mut types) = (0_u64, 0_u64, Vec::new());
    for site in &process.evidence.sites {
        let pointerful = site.maps.iter().flatten().filter_map(SiteMap::known_type);
        let Some(map_type) =
            pointerful.into_iter().find(|t| t.key.has_pointers || t.elem.has_pointers)
        else {
            continue;
        };
        let blocks = site
            .heap
            .iter()
            .flat_map(|heap| &heap.blocks)
            .filter(|block| block.map_capacity.is_some());
        for block in blocks {
            inuse = inuse.saturating_add(block.alloc.inuse_bytes);
            n_inuse = n_inuse.saturating_add(block.alloc.inuse_objects);
        }
        types.push(map_type);
    }
    let first = types.first()?;
    if (inuse as f64) < HEAP_NOTICEABLE * heap.total.inuse_bytes as f64 {
        return None;
    }
    let version = process.evidence.program.go_version?;
    let has_green_tea = |release: &Release| release.has_green_tea;
    let since = Release::since(has_green_tea)?;
    let is_nested = types.iter().any(|t| t.nested != Nested::No);
    let advice = if has_green_tea(process.evidence.program.release()?) {
        Advice::MarkingIsCheap { since }
    } else if is_nested {
        Advice::MoveToGo { release: since, gain: Gain::CheaperMarking }
    } else {
        Advice::NoPointers { map_type: first.name.clone() }
    };
    let heap_line = |what: &str, amount| {
        Some(EvidenceLine { sources: heap.sources.clone(), what: what.to_owned(), amount })
    };
    let evidence = said([
        process.share("garbage collection, of all CPU", gc, cpu.total),
        heap_line("live arrays of maps with pointers", Amount::Bytes(inuse)),
        heap_line("of them, each to be marked", Amount::Count(n_inuse)),
        heap_line("live heap", Amount::Bytes(heap.total.inuse_bytes)),
        Some(EvidenceLine {
            sources: version.1.into(),
            what: format!("built by {}", version.0),
            amount: Amount::Fact,
        }),
    ]);
    let of_trace = process.evidence.trace.iter().flat_map(collector::mark_lines);
    let evidence = evidence.into_iter().chain(of_trace).collect();
    let cause = Cause::CollectorMarksMaps { map_type: first.name.clone() };
    let confidence = confidence(gc, Level::Medium, Reason::MarkTimeNotMeasured);
    let finding = process.finding(cause, advice, gc, confidence);
    (gc != Cost::default()).then_some(Finding { evidence, ..finding })
}
