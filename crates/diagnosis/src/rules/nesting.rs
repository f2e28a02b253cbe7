//! Maps in maps: when to flatten them, and when not.

use goabi::{MapOp, Nested};
use gomap::{Category, MapShape};

use super::predicted::Flattening;
use super::saving::{self, Gone};
use super::{FIRST_GROUP, FLAT_IS_SMALLER, SiteContext, confidence, predicted, said};
use crate::finding::{Advice, Amount, Basis, Cause, Finding, Level, Reason, Saving};
use evidence::{Cost, MapType, SourceKind};

/// Part of a site's map cost spent on first groups from which on maps are made nearly as often as they are written.
pub(super) const CREATION_DOMINATES: f64 = 0.20;
/// Part of the arrays allocated at a site that are first groups, from which on the maps there stay small.
pub(super) const STAY_SMALL: f64 = 0.90;

/// What entries of a flat map cost more, as a part of what the nested maps cost: longer keys, growth of the flat map, and
/// entries that are no longer near each other, which matters where work is grouped by outer key.
const FLAT_COSTS: Gone = Gone(-1.0, -0.35, 0.0);

/// Inner maps that never grow beyond their first group, made again and again: one flat map instead.
pub(super) fn small_inner_maps(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.noticeable_cpu()?;
    let inner = context.types(MapOp::Assign).find(|t| context.outer_type(t).is_some())?;
    let outer = context.outer_type(inner)?;
    let created = cpu.split.get(Category::Create);
    let (n_first, n_arrays) = count_arrays(context)?;
    let stay_small = n_first as f64 >= STAY_SMALL * n_arrays as f64;
    if created.share_of(cpu.map) < CREATION_DOMINATES || !stay_small || context.is_walked(inner) {
        return None;
    }
    let cause = Cause::SmallInnerMaps { inner: inner.name.clone(), outer: outer.name.clone() };
    let advice = Advice::Flatten {
        outer: outer.name.clone(),
        inner: inner.name.clone(),
        outer_key: outer.key.name.clone(),
        inner_key: inner.key.name.clone(),
        up_to_entries: FLAT_IS_SMALLER,
    };
    let mut removable = created;
    removable += cpu.growth;
    let mut finding = context.finding(removable, cause, advice);
    finding.evidence = said([
        context.share("map operations at this line, of all CPU", cpu.map, process.total),
        context.share("of that making first groups", created, cpu.map),
        context.fact(SourceKind::Heap, "arrays allocated here".to_owned(), Amount::Count(n_arrays)),
        context.fact(
            SourceKind::Heap,
            format!("of them first groups, for up to {FIRST_GROUP} entries"),
            Amount::Count(n_first),
        ),
    ]);
    finding.saving = saving(context, outer, predicted(context, outer, inner, n_first));
    finding.confidence = confidence(removable, Level::Low, Reason::EntriesNotMeasured);
    Some(finding)
}

/// By the model: what the inner maps take of 1 to 8 entries each, against one flat map of all of them.
fn predicted(
    context: &SiteContext<'_>,
    outer: &MapType,
    inner: &MapType,
    n_maps: u64,
) -> Option<Flattening> {
    let flat = outer.name.parse::<gomap::MapType>().ok()?.flattened()?;
    let flat = MapShape::with_impl(context.map_impl()?, context.version()?, &flat)?;
    let inner = predicted::shape(context, inner)?;
    let sources = context.sources(SourceKind::Heap)?;
    Some(predicted::flattening(&inner, &flat, n_maps, sources))
}

/// A flat map makes no inner maps and looks for each entry once; its keys take longer to hash, it grows on its own, and its
/// entries are farther apart.
fn saving(
    context: &SiteContext<'_>,
    outer: &MapType,
    predicted: Option<Flattening>,
) -> Option<Saving> {
    let (cpu, process) = context.cpu()?;
    let created = cpu.split.get(Category::Create);
    let growing = cpu.growth.without(cpu.growth_gc);
    let of_outer =
        if context.site.uses(outer) { cpu.by_op.get(MapOp::Read) } else { Cost::default() };
    let others = of_other_lines(context, outer);
    let mut all = cpu.map;
    all += others;
    let allocated = predicted.as_ref().map_or(Gone(0.0, 0.5, 0.9), |of| of.allocated);
    let sum = saving::Sum::of(process)
        .work(created, Gone(0.8, 1.0, 1.0))
        .work(growing, Gone(0.4, 0.9, 1.0))
        .work(of_outer, Gone(0.6, 0.95, 1.0))
        .work(others, Gone(0.6, 0.95, 1.0))
        .work(all, FLAT_COSTS)
        .collector(saving::caused(context, |_| true, saving::memory(cpu)), allocated);
    Some(sum.saving(Basis::FlatMap, predicted.map(|of| of.saving)))
}

/// Map operations at other lines of the function that use the outer map.
fn of_other_lines(context: &SiteContext<'_>, outer: &MapType) -> Cost {
    let Some(function) = context.functions.get(context.site) else { return Cost::default() };
    let others = function.sites().filter(|site| site.frame != context.site.frame);
    let costs = others.filter(|site| site.uses(outer)).filter_map(|site| site.cpu.as_ref());
    costs.map(|cpu| cpu.map).sum()
}

/// Number of first groups among the arrays that the heap profile has at this line.
fn count_arrays(context: &SiteContext<'_>) -> Option<(u64, u64)> {
    let blocks = &context.site.heap.as_ref()?.blocks;
    let arrays =
        blocks.iter().filter_map(|block| Some((block.map_capacity?, block.alloc.alloc_objects?)));
    let (n_first, n_arrays) = arrays.fold((0, 0), |(first, all), (capacity, n)| {
        (
            if capacity <= FIRST_GROUP { n.saturating_add(first) } else { first },
            n.saturating_add(all),
        )
    });
    (n_arrays > 0).then_some((n_first, n_arrays))
}

/// Two levels on one line without growth: the nested form is fine, the second lookup of the outer map is not needed.
pub(super) fn keep_nested(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.noticeable_cpu()?;
    let outer = context
        .types(MapOp::Read)
        .chain(context.types(MapOp::Assign))
        .find(|t| t.nested == Nested::Direct)?;
    let is_held = |t: &MapType| context.outer_type(t).is_some_and(|holds| holds.name == outer.name);
    let maps = context.site.known_types();
    if !maps.into_iter().any(is_held) {
        return None;
    }
    let read = cpu.by_op.get(MapOp::Read);
    let outer = || outer.name.clone();
    let (cause, advice) =
        (Cause::BothLevelsOnOneLine { outer: outer() }, Advice::KeepNested { outer: outer() });
    let mut finding = context.finding(cpu.map, cause, advice);
    finding.evidence = said([
        context.share("map operations at this line, of all CPU", cpu.map, process.total),
        context.share("of that reads, the lookup of the outer key among them", read, cpu.map),
        context.share("of that under growth frames", cpu.growth, cpu.map),
    ]);
    finding.confidence = confidence(cpu.map, Level::Medium, Reason::OrderNotMeasured);
    Some(finding)
}
