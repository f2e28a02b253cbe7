//! How large the maps of a line become, by a recording or else by the arrays that a heap profile has seen, and which hint fits
//! them.

use super::predicted::{self, Hint, Presizing};
use super::{FIRST_GROUP, SiteContext, said};
use crate::finding::{Amount, Entries, EvidenceLine, KnownFrom};
use crate::hints;
use evidence::sizes::allocated::{self, AllocatedSizes};
use evidence::sizes::{Class, FinalSizes, NoSizes, Size};
use evidence::{Block, Bounds, Figure, MapType, Precision, SourceKind, TypeGrowth};
use goabi::MapOp;

/// Part of the maps that counts as most of them.
const MOST: f64 = 0.95;
/// Part of the maps whose sizes may be unknown where it is said what a hint saves.
const FEW_UNKNOWN: f64 = 0.05;
/// Classes of sizes shown.
const SHOWN_CLASSES: usize = 6;

/// How large the maps at a site become, and how that is known.
pub(super) enum UsualSize<'e> {
    /// Growths were counted.
    Recorded {
        growth: &'e TypeGrowth,
        sizes: &'e FinalSizes,
        /// Maps that never grew, where something else counted them.
        n_small: Option<u64>,
    },
    /// From the sizes of blocks in a heap profile.
    Allocated(AllocatedSizes),
}

impl<'e> UsualSize<'e> {
    pub(super) fn of(context: &SiteContext<'e>, map_type: Option<&MapType>) -> Option<Self> {
        let allocated = map_type.and_then(|_| allocated_sizes(context)?.ok());
        if let Some((growth, sizes)) = recorded(context) {
            let n_small = allocated.and_then(|sizes| sizes.n_small());
            return Some(Self::Recorded { growth, sizes, n_small });
        }
        allocated.map(Self::Allocated)
    }

    /// `None` where too many have a size that is not known.
    pub(super) fn entries(&self) -> Option<Entries> {
        match self {
            Self::Recorded { sizes, n_small, .. } => {
                Some(recorded_entries(sizes, n_small.is_some()))
            }
            Self::Allocated(sizes) => Some(Entries {
                known_from: KnownFrom::HeapProfile,
                small_are_counted: sizes.n_small().is_some(),
                p25: sizes.quantile(0.25)?,
                p50: sizes.quantile(0.5)?,
                p95: sizes.quantile(MOST),
            }),
        }
    }

    /// What most of them do not exceed.
    pub(super) fn most(&self) -> Option<Size> {
        match self {
            Self::Recorded { sizes, .. } => Some(sizes.quantile(MOST)),
            Self::Allocated(sizes) => sizes.quantile(MOST),
        }
    }

    /// The hint that is right for most of them, if there is one.
    pub(super) fn one_hint(&self, context: &SiteContext<'_>) -> Option<u64> {
        let evidence = context.evidence;
        match self {
            Self::Recorded { sizes, n_small, .. } => {
                hints::one_for_all(evidence, sizes.classes(), n_small.unwrap_or(0))
            }
            Self::Allocated(sizes) => {
                let mut classes = sizes.classes().to_vec();
                let split = sizes.split();
                classes.extend(split.map(|split| {
                    let room = split.mean_room.unwrap_or(split.at_least).max(split.at_least);
                    let size = Size { at_least: split.at_least, room };
                    Class { size, maps: split.maps, range: None }
                }));
                let hint = hints::one_for_all(evidence, &classes, sizes.n_small().unwrap_or(0))?;
                // Of maps with several tables only their mean is known.
                split.is_none_or(|split| hint < split.at_least).then_some(hint)
            }
        }
    }

    /// By the model, what this hint saves, or else for each map its own size.
    pub(super) fn presized(
        &self,
        context: &SiteContext<'_>,
        map_type: Option<&MapType>,
        hint_today: u64,
        n: Option<u64>,
    ) -> Option<Presizing> {
        let hint = n.map_or(Hint::Own, Hint::Number);
        match self {
            Self::Recorded { growth, sizes, .. } => {
                let shape = predicted::shape_by_name(context, &growth.map_type)?;
                let of = context.sources(SourceKind::Recording)?;
                Some(predicted::presizing(&shape, sizes.classes(), hint_today, hint, of))
            }
            Self::Allocated(sizes) => {
                let unknown = sizes.split().map_or(0, |split| split.maps);
                if unknown as f64 > FEW_UNKNOWN * sizes.n_growing() as f64 {
                    return None;
                }
                let shape = predicted::shape(context, map_type?)?;
                let of = context.sources(SourceKind::Heap)?;
                Some(predicted::presizing(&shape, sizes.classes(), hint_today, hint, of))
            }
        }
    }
}

fn recorded_entries(sizes: &FinalSizes, small_are_counted: bool) -> Entries {
    let [p25, p50, most] = [0.25, 0.5, MOST].map(|part| sizes.quantile(part));
    Entries { known_from: KnownFrom::Recording, small_are_counted, p25, p50, p95: Some(most) }
}

/// The type that moves most at this line, with the sizes that its maps reached.
pub(super) fn recorded<'e>(context: &SiteContext<'e>) -> Option<(&'e TypeGrowth, &'e FinalSizes)> {
    let growth = recorded_type(context)?;
    Some((growth, growth.sizes.as_ref().ok()?))
}

/// The type of the maps that grow at this line: that which a recording saw, else that which the line writes.
pub(super) fn grown_type<'e>(context: &SiteContext<'e>) -> Option<&'e MapType> {
    let Some(recorded) = recorded_type(context) else { return context.types(MapOp::Assign).next() };
    context.types(MapOp::Assign).find(|written| written.name == recorded.map_type)
}

/// The type that moves most at this line.
fn recorded_type<'e>(context: &SiteContext<'e>) -> Option<&'e TypeGrowth> {
    context.site.growth.as_ref()?.types.first()
}

/// What a recording counted at this line.
pub(super) fn recorded_evidence(context: &SiteContext<'_>) -> Vec<EvidenceLine> {
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
    if sizes.classes().len() > 1 {
        lines.extend(class_lines(sizes.classes(), &line));
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

/// The sizes that most maps have.
fn class_lines(
    classes: &[Class],
    line: &impl Fn(&str, Amount) -> Option<EvidenceLine>,
) -> Vec<EvidenceLine> {
    let mut shown = classes.to_vec();
    shown.sort_by_key(|class| std::cmp::Reverse(class.maps));
    shown.truncate(SHOWN_CLASSES);
    shown.sort_by_key(|class| class.size.room);
    let of_class = |&Class { size, maps, range }: &Class| {
        let what = format!("of them with {} to {} entries", size.at_least, size.room);
        line(&what, estimate(maps, range))
    };
    shown.iter().filter_map(of_class).collect()
}

fn estimate(n: u64, range: Option<Bounds>) -> Amount {
    range.map_or(Amount::Count(n), |range| Amount::Estimate { n, range })
}

/// How large maps became by the arrays that the heap profile has at this line; `None` without one, or for maps that are not
/// known.
fn allocated_sizes(context: &SiteContext<'_>) -> Option<Result<AllocatedSizes, NoSizes>> {
    let (process, here) = (context.evidence.heap.as_ref()?, context.site.heap.as_ref()?);
    let map = context.evidence.program.maps()?;
    Some(AllocatedSizes::of(map, &here.blocks, process.bytes_per_sample?))
}

/// Maps that grow beyond their first group, where the heap profile has enough of their arrays.
pub(super) fn n_growing(context: &SiteContext<'_>) -> Option<u64> {
    Some(allocated_sizes(context)?.ok()?.n_growing())
}

/// What the heap profile says about sizes, where no recording does; or why it says nothing.
pub(super) fn allocated_evidence(
    context: &SiteContext<'_>,
    size: Option<&UsualSize<'_>>,
) -> Vec<EvidenceLine> {
    let heap = |what: &str, amount| context.fact(SourceKind::Heap, what.to_owned(), amount);
    let bytes = blocks(context)
        .filter(|block| block.is_array())
        .filter_map(|block| block.alloc.alloc_bytes)
        .fold(0, u64::saturating_add);
    let mut lines = Vec::new();
    if let Some(process) = context.evidence.heap.as_ref().filter(|_| bytes > 0) {
        lines.extend(heap("map arrays allocated at this line", Amount::Bytes(bytes)));
        let whole = process.total.alloc_bytes.map(Amount::Bytes);
        lines.extend(whole.and_then(|whole| heap("allocated by the whole program", whole)));
    }
    match size {
        Some(UsualSize::Allocated(sizes)) => lines.extend(allocated_lines(sizes, heap)),
        Some(UsualSize::Recorded { .. }) => {}
        None if bytes > 0 => {
            lines.extend(seen_arrays(context));
            let why = allocated_sizes(context).and_then(Result::err).map(Amount::NoSizes);
            lines.extend(why.and_then(|why| heap("sizes are not known", why)));
        }
        None => {}
    }
    lines
}

/// Arrays of which enough were seen to say how many there were, where sizes do not follow from them.
fn seen_arrays(context: &SiteContext<'_>) -> Vec<EvidenceLine> {
    let process = context.evidence.heap.as_ref();
    let Some(bytes_per_sample) = process.and_then(|heap| heap.bytes_per_sample) else {
        return Vec::new();
    };
    let is_seen = |block: &&Block| allocated::is_enough(block.samples(bytes_per_sample));
    let mut seen: Vec<(u64, u64)> = (blocks(context).filter(is_seen))
        .filter_map(|block| Some((block.map_capacity?, block.alloc.alloc_objects?)))
        .filter(|&(room, _)| room > FIRST_GROUP)
        .collect();
    seen.sort_unstable();
    let shown = seen.iter().rev().take(SHOWN_CLASSES).rev();
    let line = |&(room, n): &(u64, u64)| {
        let what = format!("arrays with room for {room} entries, by their samples");
        context.fact(SourceKind::Heap, what, Amount::Count(n))
    };
    shown.filter_map(line).collect()
}

fn allocated_lines(
    sizes: &AllocatedSizes,
    line: impl Fn(&str, Amount) -> Option<EvidenceLine>,
) -> Vec<EvidenceLine> {
    let mut lines = said([
        line("maps that grew, by their arrays", Amount::Count(sizes.n_growing())),
        sizes
            .n_small()
            .filter(|&n| n > 0)
            .and_then(|n| line("maps that did not grow", Amount::Count(n))),
    ]);
    lines.extend(class_lines(sizes.classes(), &line));
    if let Some(split) = sizes.split() {
        let what = format!("of them with {} entries or more", split.at_least);
        lines.extend(line(&what, Amount::Count(split.maps)));
        let mean = split.mean_room.map(Amount::Count);
        lines.extend(
            mean.and_then(|mean| line("entries that these have room for, on average", mean)),
        );
    }
    lines
}

pub(super) fn blocks<'c>(context: &SiteContext<'c>) -> impl Iterator<Item = &'c Block> {
    context.site.heap.iter().flat_map(|heap| &heap.blocks)
}
