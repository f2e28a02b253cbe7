//! Memory: churn, maps that never shrink, and what the garbage collector pays for maps.

use goabi::{MapOp, Nested};
use gomap::Category;

use super::{ProcessContext, SiteContext, collector, confidence};
use crate::finding::{Amount, Confidence, EvidenceLine, Finding, Level, Verdict};
use crate::shapes;
use evidence::{Cost, SiteCpu, SourceKind};

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
    let cost = context.site.cpu.as_ref().map(allocation_cost);
    let mut finding = context.finding(Verdict::Reuse, cost.unwrap_or_default());
    finding.cost = cost;
    finding.cause = "maps are filled here and soon dropped".to_owned();
    finding.advice = "keep the map and clear() it between uses: it keeps its arrays, so neither growth nor allocation \
                      comes back. Only where the sizes are alike: clear() of a large map costs as much when it holds \
                      little"
        .to_owned();
    finding.evidence = vec![
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
    ];
    finding.confidence = Confidence {
        level: Level::Medium,
        reason: "arrays that a map outgrew count as dropped too; whether the map itself is dropped is not measured"
            .to_owned(),
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
    let mut finding = context.finding(Verdict::Release, deletes);
    finding.cause = format!("entries of {name} are deleted, but a map never gives its arrays back");
    finding.advice = "if the map was much larger than it is now, copy what is left into a new map from time to time; \
                      delete the outer key of an inner map that is empty"
        .to_owned();
    finding.evidence = vec![
        context.share("deletes at this line, of its map cost", deletes, cpu.map),
        context.fact(SourceKind::Heap, format!("live arrays of {name}"), Amount::Bytes(inuse)),
        context.fact(
            SourceKind::Heap,
            "live heap".to_owned(),
            Amount::Bytes(heap.total.inuse_bytes),
        ),
    ];
    finding.confidence =
        confidence(deletes, Level::Low, "how many entries the arrays still hold was not measured");
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
        let pointerful = site.maps.iter().flatten().filter_map(|map| map.map_type.as_ref().ok());
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
    let has_green_tea = shapes::release(process.evidence)?.has_green_tea;
    let is_nested = types.iter().any(|t| t.nested != Nested::No);
    let (verdict, advice) = if has_green_tea {
        (
            Verdict::LeaveAlone,
            "marking many small maps is cheap from Go 1.26 on; allocate less (size hints) or raise GOGC",
        )
    } else if is_nested {
        (
            Verdict::Replace,
            "build with Go 1.26 or later: its collector marked many small maps 2 to 6 times cheaper",
        )
    } else {
        (
            Verdict::ChangeKey,
            "keys and elements without pointers are not marked at all: integer ids instead of strings",
        )
    };
    let source = heap.sources.first().copied().unwrap_or(version.1);
    let heap_line = |what: &str, amount| EvidenceLine { source, what: what.to_owned(), amount };
    Some(Finding {
        rule: process.rule,
        site: None,
        cause: format!(
            "the collector is busy, and maps with pointers such as {} are much of what it marks",
            first.name
        ),
        verdict,
        advice: advice.to_owned(),
        cost: Some(gc),
        saving: None,
        confidence: confidence(
            gc,
            Level::Medium,
            "mark time per object is not in a profile; live bytes stand for it",
        ),
        evidence: [
            process.share("garbage collection, of all CPU", gc, cpu.total),
            heap_line("live arrays of maps with pointers", Amount::Bytes(inuse)),
            heap_line("of them, each to be marked", Amount::Count(n_inuse)),
            heap_line("live heap", Amount::Bytes(heap.total.inuse_bytes)),
            EvidenceLine {
                source: version.1,
                what: format!("built by {}", version.0),
                amount: Amount::Fact,
            },
        ]
        .into_iter()
        .chain(process.evidence.trace.iter().flat_map(collector::mark_lines))
        .collect(),
    })
    .filter(|finding| finding.cost != Some(Cost::default()))
}
