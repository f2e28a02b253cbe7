//! Growth: the only part of a write that a size hint removes.

use goabi::{MapImpl, MapOp, Release};
use gomap::Category;
use gomap::blocks::MAX_TABLE_SLOTS;

use super::steady::{self, GROWTH_IS_SMALL};
use super::{
    ENOUGH_SAMPLES, FIRST_GROUP, MANY_SAMPLES, SiteContext, confidence, is_noticeable, makes,
    predicted, said,
};
use crate::finding::{
    Advice, Amount, Basis, Cause, Confidence, Entries, EvidenceLine, Finding, Gain, GrowthSaving,
    Level, Reason, Saving, work_label,
};
use crate::hints;
use evidence::sizes::{Class, FinalSizes, Size};
use evidence::{
    Block, Bounds, Cost, Figure, MapType, Precision, ProcessCpu, SiteCpu, SourceKind, TypeGrowth,
};

/// Part of a site's map cost under growth frames from which on growth is the matter. Unhinted builds have 30 to 70 %.
pub(super) const GROWTH_DOMINATES: f64 = 0.25;
/// Entries for which the largest table of a Swiss map has room. Source: internal/runtime/maps/table.go, Go 1.24.
const LARGEST_TABLE: u64 = MAX_TABLE_SLOTS / 8 * 7;
/// Part of the maps that a hint should fit.
const MOST: f64 = 0.95;
/// Classes of sizes shown.
const SHOWN_CLASSES: usize = 6;
/// How wrong a guessed hint is in the example of what a wrong one costs.
const WRONG_HINT_FACTOR: u64 = 10;
/// Entries that a map has room for after its first growth, in releases with Swiss maps.
pub(super) const SECOND_STEP: u64 = 14;
/// Part of a site's read cost in `runtime.evacuated` from which on a pending growth is the matter.
pub(super) const PENDING_EVACUATION: f64 = 0.05;

/// Growth is a large part of the cost: presize.
pub(super) fn growth_dominates(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.noticeable_cpu()?;
    let is_large = cpu.growth.share_of(cpu.map) >= GROWTH_DOMINATES;
    let is_the_matter = is_large && is_noticeable(cpu.growth, process.total);
    is_the_matter.then(|| presize(context, cpu, process))
}

/// Growth is worth a hint, but most of the cost is something else.
pub(super) fn growth_is_a_part(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.noticeable_cpu()?;
    let is_a_part = (GROWTH_IS_SMALL..GROWTH_DOMINATES).contains(&cpu.growth.share_of(cpu.map));
    if !is_a_part || !is_noticeable(cpu.growth, process.total) {
        return None;
    }
    let parts = steady::parts(cpu);
    let is_shown = |&(category, _): &(Category, Cost)| category != Category::GcAssist;
    let others: Vec<_> = parts.into_iter().filter(is_shown).collect();
    let mut finding = presize(context, cpu, process);
    finding.cause = Cause::GrowthIsAPart { most: parts[0].0 };
    finding.evidence.extend(steady::parts_evidence(context, cpu, &others));
    if finding.confidence.level > Level::Medium {
        finding.confidence = Confidence { level: Level::Medium, reason: Reason::MostIsNotGrowth };
    }
    Some(finding)
}

/// What a hint would do about the growth at this line.
fn presize(context: &SiteContext<'_>, cpu: &SiteCpu, process: &ProcessCpu) -> Finding {
    let map_type = grown_type(context);
    let size = UsualSize::of(context, map_type);
    let nested = map_type.and_then(|inner| Some((inner, context.outer_type(inner)?)));
    let cause = match nested {
        Some((inner, outer)) => {
            Cause::InnerMapsGrow { inner: inner.name.clone(), outer: outer.name.clone() }
        }
        None => Cause::MapGrows,
    };
    let mut finding = context.finding(cpu.growth, cause, advice(context, map_type, size.as_ref()));
    finding.evidence = growth_evidence(context);
    finding.evidence.extend(recorded_evidence(context));
    match (map_type, &size) {
        (Some(map_type), Some(UsualSize::Allocated(size))) => {
            finding.evidence.extend(ladder_evidence(context, map_type, *size));
        }
        (Some(map_type), Some(UsualSize::Recorded { most, .. })) => {
            finding.evidence.extend(wrong_hint(context, map_type, *most));
        }
        _ => {}
    }
    finding.saving = Some(saving(cpu, process, predicted_growth(context, map_type, 0)));
    finding.confidence = match &size {
        Some(UsualSize::Recorded { precision: Precision::Exact, .. }) => {
            confidence(cpu.growth, Level::High, Reason::GrowthsCounted)
        }
        _ if is_seen_aside(context) => {
            Confidence { level: Level::High, reason: Reason::ToolsAgree }
        }
        Some(UsualSize::Recorded { .. }) => {
            confidence(cpu.growth, Level::Medium, Reason::GrowthsEstimated)
        }
        Some(UsualSize::Allocated(_)) => {
            confidence(cpu.growth, Level::High, Reason::SizesAllocated)
        }
        None => confidence(cpu.growth, Level::Medium, Reason::SizesNotMeasured),
    };
    finding
}

/// Whether samples of another tool, many enough, say the same.
fn is_seen_aside(context: &SiteContext<'_>) -> bool {
    context.site.cpu_aside.iter().any(|aside| {
        aside.growth.samples >= MANY_SAMPLES && aside.growth.share_of(aside.map) >= GROWTH_DOMINATES
    })
}

/// What a right hint saves.
fn saving(cpu: &SiteCpu, process: &ProcessCpu, growth: Option<GrowthSaving>) -> Saving {
    // Fewer allocations make fewer collections, with all that goroutines have to help in them.
    let and_collector = |mut cost: Cost| {
        cost += process.gc.without(cpu.growth_gc);
        cost
    };
    let all = and_collector(cpu.map).share_of(process.total);
    Saving {
        low: 0.0,
        high: and_collector(cpu.growth).share_at_most(process.total).min(all),
        basis: Basis::RightHint,
        growth,
    }
}

/// By the model, at the sizes that a recording or else the heap profile shows.
fn predicted_growth(
    context: &SiteContext<'_>,
    map_type: Option<&MapType>,
    hint_today: u64,
) -> Option<GrowthSaving> {
    if let Some((growth, sizes)) = recorded(context) {
        let shape = predicted::shape_by_name(context, &growth.map_type)?;
        let of = context.sources(SourceKind::Recording)?;
        return Some(predicted::presizing(&shape, sizes.classes(), hint_today, of));
    }
    let Size { at_least, room } = allocated_size(context)?;
    // With one entry less they would not have grown to this room.
    let size = Size { at_least: (at_least + 1).min(room), room };
    let classes = [Class { size, maps: n_growing(context)?, range: None }];
    let shape = predicted::shape(context, map_type?)?;
    Some(predicted::presizing(&shape, &classes, hint_today, context.sources(SourceKind::Heap)?))
}

fn growth_evidence(context: &SiteContext<'_>) -> Vec<EvidenceLine> {
    let Some((cpu, process)) = context.cpu() else { return Vec::new() };
    let of_map = |category| {
        let what = format!("of that {}", work_label(category));
        context.share(&what, cpu.split.get(category), cpu.map)
    };
    let lines = said([
        context.share("map writes and reads at this line, of all CPU", cpu.map, process.total),
        context.share("of that under growth frames", cpu.growth, cpu.map),
        of_map(Category::GrowthMove),
        of_map(Category::GrowthMemory),
        of_map(Category::GcAssist),
    ]);
    let is_there = |line: &EvidenceLine| !matches!(line.amount, Amount::Share { part, .. } if part == Cost::default());
    let lines = lines.into_iter().filter(is_there);
    lines.chain(context.growth_aside()).chain(assist_evidence(context)).collect()
}

/// What an execution trace says about the collector's work that this line had to do.
fn assist_evidence(context: &SiteContext<'_>) -> Option<EvidenceLine> {
    let assists = context.site.trace?.assists;
    if assists.n == 0 {
        return None;
    }
    let whole_ns = context.evidence.trace.as_ref()?.assists.wall_ns;
    context.fact(
        SourceKind::Trace,
        "map operations of this line, of the time that goroutines had to help the collector"
            .to_owned(),
        Amount::TimeShare { part_ns: assists.wall_ns, whole_ns },
    )
}

/// What the heap profile says about sizes, and what a wrong hint would cost.
fn ladder_evidence(context: &SiteContext<'_>, map_type: &MapType, size: Size) -> Vec<EvidenceLine> {
    let heap = |what: &str, amount| context.fact(SourceKind::Heap, what.to_owned(), amount);
    let mut lines = said([
        heap("entries that most of the maps here hold at least", Amount::Count(size.at_least)),
        heap("entries that most of the maps here get room for", Amount::Count(size.room)),
    ]);
    if size.room <= LARGEST_TABLE {
        let outgrown =
            |b: &&Block| b.map_capacity.is_some_and(|room| room > FIRST_GROUP && room < size.room);
        let garbage = blocks(context)
            .filter(outgrown)
            .fold(0_u64, |sum, block| sum.saturating_add(block.alloc.alloc_bytes));
        lines.extend(heap(
            "allocated here for smaller arrays, which growth outgrew",
            Amount::Bytes(garbage),
        ));
    }
    lines.extend(wrong_hint(context, map_type, size));
    lines
}

/// What a wrong hint would cost.
fn wrong_hint(context: &SiteContext<'_>, map_type: &MapType, size: Size) -> Option<EvidenceLine> {
    let layout = map_type.layout(context.map_impl()?, context.version()?)?;
    let wrong = layout.bytes_for_hint(size.room.saturating_mul(WRONG_HINT_FACTOR));
    let waste = wrong.saturating_sub(layout.bytes_for_hint(size.room));
    let what = format!("wasted per map by a hint {WRONG_HINT_FACTOR} times too large");
    context.fact(SourceKind::Binary, what, Amount::Bytes(waste))
}

/// How large the maps at a site become, and how that is known.
enum UsualSize {
    /// Growths were counted.
    Recorded { median: Size, most: Size, precision: Precision },
    /// From the sizes of blocks in a heap profile.
    Allocated(Size),
}

impl UsualSize {
    fn of(context: &SiteContext<'_>, map_type: Option<&MapType>) -> Option<Self> {
        if let Some((growth, sizes)) = recorded(context) {
            let (median, most) = (sizes.quantile(0.5), sizes.quantile(MOST));
            return Some(Self::Recorded { median, most, precision: growth.precision });
        }
        map_type?;
        allocated_size(context).map(Self::Allocated)
    }

    fn entries(&self) -> Entries {
        match *self {
            Self::Recorded { median, most, .. } => Entries::Recording { p50: median, p95: most },
            Self::Allocated(usual) => Entries::HeapProfile { usual },
        }
    }
}

/// The type that moves most at this line, with the sizes that its maps reached.
fn recorded<'e>(context: &SiteContext<'e>) -> Option<(&'e TypeGrowth, &'e FinalSizes)> {
    let growth = recorded_type(context)?;
    Some((growth, growth.sizes.as_ref().ok()?))
}

/// The type of the maps that grow at this line: that which a recording saw, else that which the line writes.
fn grown_type<'e>(context: &SiteContext<'e>) -> Option<&'e MapType> {
    let Some(recorded) = recorded_type(context) else { return context.types(MapOp::Assign).next() };
    context.types(MapOp::Assign).find(|written| written.name == recorded.map_type)
}

/// The type that moves most at this line.
fn recorded_type<'e>(context: &SiteContext<'e>) -> Option<&'e TypeGrowth> {
    context.site.growth.as_ref()?.types.first()
}

/// What a recording counted at this line.
fn recorded_evidence(context: &SiteContext<'_>) -> Vec<EvidenceLine> {
    let Some(growth) = recorded_type(context) else { return Vec::new() };
    let fact = |what: String, amount| context.fact(SourceKind::Recording, what, amount);
    let grows = growth.figure(growth.total.grows);
    let number_of_grows = match grows {
        Figure::AtLeast(n) => Amount::Count(n),
        _ => estimate(growth.total.grows, growth.grows_range),
    };
    let entries = growth.figure(growth.total.moved_entries);
    let allocated = growth.figure(growth.total.grow_bytes);
    let mut lines = said([
        fact(format!("growths of {} here{}", growth.map_type, mark(grows)), number_of_grows),
        fact(format!("entries moved by them{}", mark(entries)), Amount::Count(entries.number())),
        fact(format!("allocated for them{}", mark(allocated)), Amount::Bytes(allocated.number())),
    ]);
    let estimated = if growth.precision == Precision::Exact { "" } else { ", estimated" };
    match &growth.sizes {
        Ok(sizes) => {
            let line = |what: &str, amount| fact(format!("{what}{estimated}"), amount);
            lines.extend(size_lines(sizes, line));
        }
        Err(reason) => {
            let what = "sizes are not known".to_owned();
            lines.extend(context.fact(SourceKind::Recording, what, Amount::NoSizes(*reason)));
        }
    }
    lines
}

/// What follows the label of a figure.
pub(super) fn mark(figure: Figure) -> &'static str {
    match figure {
        Figure::Exact(_) => "",
        Figure::About(_) => ", estimated",
        Figure::AtLeast(_) => ", at least",
    }
}

/// How many maps became how large.
fn size_lines(
    sizes: &FinalSizes,
    line: impl Fn(&str, Amount) -> Option<EvidenceLine>,
) -> Vec<EvidenceLine> {
    let n_maps = estimate(sizes.n_maps(), sizes.range());
    let mut lines = said([line("maps that grew and stopped growing", n_maps)]);
    if let several @ [_, _, ..] = sizes.classes() {
        let mut shown = several.to_vec();
        shown.sort_by_key(|class| std::cmp::Reverse(class.maps));
        shown.truncate(SHOWN_CLASSES);
        shown.sort_by_key(|class| class.size.room);
        lines.extend(shown.iter().filter_map(|&Class { size, maps, range }| {
            let what = format!("of them with {} to {} entries", size.at_least, size.room);
            line(&what, estimate(maps, range))
        }));
    }
    if let Some(larger) = sizes.larger() {
        let what = format!("of them larger than {} entries", larger.at_least.saturating_sub(1));
        lines.extend(line(&what, Amount::Count(larger.maps)));
    }
    let range = |size: Size| Amount::Range { low: size.at_least, high: size.room };
    lines.extend(line("entries in a map of the median size", range(sizes.quantile(0.5))));
    lines.extend(line("entries in a map larger than 95 % of them", range(sizes.quantile(MOST))));
    if let Some((low, high)) = sizes.write_amplification() {
        lines.extend(line(
            "write amplification of these maps: entries inserted and moved per entry inserted",
            Amount::RatioRange { low, high },
        ));
    }
    lines
}

fn estimate(n: u64, range: Option<Bounds>) -> Amount {
    range.map_or(Amount::Count(n), |range| Amount::Estimate { n, range })
}

/// Maps made with a size hint grow all the same.
pub(super) fn hint_too_small(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.noticeable_cpu()?;
    let (growth, sizes) = recorded(context)?;
    let (median, most) = (sizes.quantile(0.5), sizes.quantile(MOST));
    let makes = hints::of_maps(context.evidence, growth, sizes)?;
    let is_too_small = makes.mean() > FIRST_GROUP as f64 && makes.mean() < median.at_least as f64;
    if !is_too_small || !is_noticeable(cpu.growth, process.total) {
        return None;
    }
    let advice = Advice::RaiseHint {
        map_type: makes.map_type.clone(),
        make: makes.frame.clone(),
        mean_hint: makes.mean(),
        entries: Entries::Recording { p50: median, p95: most },
    };
    let cause = Cause::HintTooSmall { make: makes.frame.clone() };
    let mut finding = context.finding(cpu.growth, cause, advice);
    finding.evidence = growth_evidence(context);
    finding.evidence.extend(context.fact(
        SourceKind::Recording,
        format!(
            "mean hint of {} made at {}:{}",
            makes.map_type,
            file_name(&makes.frame.file),
            makes.frame.line
        ),
        Amount::Ratio(makes.mean()),
    ));
    finding.evidence.extend(recorded_evidence(context));
    let growth = predicted_growth(context, None, makes.mean() as u64);
    finding.saving = Some(saving(cpu, process, growth));
    finding.confidence = confidence(cpu.growth, Level::Medium, Reason::WhichMapNotRecorded);
    Some(finding)
}

fn advice(
    context: &SiteContext<'_>,
    map_type: Option<&MapType>,
    size: Option<&UsualSize>,
) -> Advice {
    Advice::Presize { made: makes::of(context, map_type), entries: size.map(UsualSize::entries) }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn blocks<'c>(context: &SiteContext<'c>) -> impl Iterator<Item = &'c Block> {
    context.site.heap.iter().flat_map(|heap| &heap.blocks)
}

/// The size that at least half of the maps that grow at all here reach. Each step of the ladder is allocated once by
/// every map that gets so far, but the tables of large Swiss maps once per split and half.
fn allocated_size(context: &SiteContext<'_>) -> Option<Size> {
    let steps: Vec<(u64, u64)> = blocks(context)
        .filter_map(|block| Some((block.map_capacity?, block.alloc.alloc_objects)))
        .filter(|&(capacity, n)| capacity > FIRST_GROUP && n > 0)
        .collect();
    let (_, n_growing) = *steps.iter().min_by_key(|&&(capacity, _)| capacity)?;
    let reached = steps.iter().copied().filter(|&(_, n)| n >= n_growing / 2);
    let (room, n_largest) = reached.max_by_key(|&(capacity, _)| capacity)?;
    let below = steps
        .iter()
        .filter(|&&(capacity, _)| capacity < room)
        .max_by_key(|&&(capacity, _)| capacity);
    let (at_least, n_below) =
        below.map_or((FIRST_GROUP, n_growing), |&(capacity, n)| (capacity, n));
    let is_split = context.map_impl() == Some(MapImpl::Swiss)
        && room == LARGEST_TABLE
        && n_largest / 2 >= n_below;
    if !is_split {
        return Some(Size { at_least, room });
    }
    // A split replaces one table by two: of n tables allocated, (n + 1) / 2 are left.
    let tables = (n_largest / n_below.max(1)).div_ceil(2);
    let room = tables.saturating_mul(LARGEST_TABLE);
    Some(Size { at_least: room / 2, room })
}

/// Maps that grow beyond their first group, as the heap profile has them.
pub(super) fn n_growing(context: &SiteContext<'_>) -> Option<u64> {
    let beyond =
        blocks(context).filter_map(|block| Some((block.map_capacity?, block.alloc.alloc_objects)));
    beyond
        .filter(|&(capacity, _)| capacity > FIRST_GROUP)
        .min_by_key(|&(capacity, _)| capacity)
        .map(|(_, n)| n)
}

/// Some releases grow a map of exactly 8 entries when one of them is overwritten; Go 1.27 does not.
pub(super) fn full_small_maps(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.noticeable_cpu()?;
    let version = context.version()?;
    if !context.evidence.program.maps()?.full_small_update_grows {
        return None;
    }
    let largest = blocks(context)
        .filter(|b| b.alloc.alloc_objects > 0)
        .filter_map(|b| b.map_capacity)
        .max()?;
    if largest != SECOND_STEP || !is_noticeable(cpu.growth, process.total) {
        return None;
    }
    let never_grows =
        |release: &Release| release.usual_map().is_some_and(|map| !map.full_small_update_grows);
    let advice =
        Advice::MoveToGo { release: Release::since(never_grows)?, gain: Gain::OverwritesDoNotGrow };
    let mut finding = context.finding(cpu.growth, Cause::FullSmallMaps { version }, advice);
    finding.evidence = said([
        context.share("under growth frames, of all CPU", cpu.growth, process.total),
        context.fact(
            SourceKind::Heap,
            "largest room allocated here".to_owned(),
            Amount::Count(largest),
        ),
    ]);
    finding.confidence = confidence(cpu.growth, Level::Medium, Reason::LargerMapsLookAlike);
    Some(finding)
}

/// Classic maps finish a growth only on later writes; reads check every bucket until then.
///
/// Source: runtime/map.go, `mapaccess1` and `growWork`, Go 1.23.
pub(super) fn pending_evacuation(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.noticeable_cpu()?;
    let read = cpu.by_op.get(MapOp::Read);
    let evacuated = cpu.leaves.iter().find(|leaf| &*leaf.name == "runtime.evacuated")?.cost;
    let only_reads = cpu.by_op.get(MapOp::Assign) == Cost::default();
    if context.map_impl() != Some(MapImpl::Classic)
        || !only_reads
        || evacuated.share_of(read) < PENDING_EVACUATION
        || evacuated.samples < ENOUGH_SAMPLES
    {
        return None;
    }
    let moves_at_once =
        |release: &Release| release.usual_map().is_some_and(|map| map.map_impl == MapImpl::Swiss);
    let advice = Advice::FinishGrowth {
        made: makes::of(context, context.types(MapOp::Read).next()),
        or_release: Release::since(moves_at_once)?,
    };
    let mut finding = context.finding(evacuated, Cause::PendingGrowth, advice);
    finding.evidence = said([
        context.share("reads at this line, of all CPU", read, process.total),
        context.share("of that checking for buckets not yet moved", evacuated, read),
    ]);
    finding.confidence = confidence(evacuated, Level::Medium, Reason::CheckRunsInAnyGrowth);
    Some(finding)
}
