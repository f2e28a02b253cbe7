//! The growth model over ranges of sizes.

use gomap::{Estimate, Forecast, MapShape, Rewrite};

use super::nested::MOST_UNSEEN;
use super::{Inner, Unseen};
use crate::finding::Span;
use crate::hints;
use evidence::sizes::{Class, FinalSizes, Size};
use evidence::{HintedMakes, TypeGrowth};

/// What maps cost, each number in the range that their sizes and hashing leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Costs {
    /// Growths.
    pub grows: Span,
    /// Entries in tables when their growth begins, as a recording counts them.
    pub begun_entries: Span,
    /// Entries re-inserted by the last insertion. Less where classic maps are still being evacuated.
    pub moved_entries: Span,
    /// Objects taken from the allocator.
    pub allocations: Span,
    /// Units: bytes taken from the allocator.
    pub allocated_bytes: Span,
    /// Objects that a collection marks while all of the maps are held.
    pub held_objects: Span,
    /// Units: bytes of those with pointers, which it reads through.
    pub pointer_bytes: Span,
}

impl Costs {
    fn of(forecast: &Forecast) -> Self {
        let span = |of: Estimate| Span { low: of.low.floor() as i64, high: of.high.ceil() as i64 };
        Self {
            grows: span(forecast.all_grows()),
            begun_entries: span(forecast.begun),
            moved_entries: span(forecast.moved),
            allocations: span(forecast.allocations),
            allocated_bytes: span(forecast.allocated_bytes),
            held_objects: span(forecast.retained_objects),
            pointer_bytes: span(forecast.pointer_bytes),
        }
    }

    fn with_each(self, other: Self, f: impl Fn(Span, Span) -> Span) -> Self {
        Self {
            grows: f(self.grows, other.grows),
            begun_entries: f(self.begun_entries, other.begun_entries),
            moved_entries: f(self.moved_entries, other.moved_entries),
            allocations: f(self.allocations, other.allocations),
            allocated_bytes: f(self.allocated_bytes, other.allocated_bytes),
            held_objects: f(self.held_objects, other.held_objects),
            pointer_bytes: f(self.pointer_bytes, other.pointer_bytes),
        }
    }

    /// One of the two comes true.
    fn or(self, other: Self) -> Self {
        self.with_each(other, |a, b| Span { low: a.low.min(b.low), high: a.high.max(b.high) })
    }

    /// Both come true.
    fn and(self, other: Self) -> Self {
        self.with_each(other, Span::plus)
    }

    /// The lower end of the one, the upper end of the other.
    fn up_to(self, most: Self) -> Self {
        self.with_each(most, |least, most| Span { low: least.low, high: most.high })
    }
}

/// Sizes of a range that are looked at, beside those below.
const N_SIZES: u64 = 17;
/// More slots do not fit any memory.
const MAX_EXPONENT: u32 = 40;

/// Sizes spread over the range, and those at which a map is as full as it gets, where most growths and overflows are,
/// and one entry more, where it has just grown.
fn some_of(shape: &MapShape, size: Size) -> impl Iterator<Item = u64> {
    let Size { at_least, room } = size;
    let width = room.saturating_sub(at_least);
    let n_steps = width.min(N_SIZES - 1);
    let spread = (0..=n_steps).map(move |step| {
        let part = u128::from(width) * u128::from(step) / u128::from(n_steps.max(1));
        at_least.saturating_add(part as u64)
    });
    let map = shape.map();
    let full = (0..MAX_EXPONENT).map(move |exponent| gomap::room(map, 8 << exponent));
    let turns = full.flat_map(|full| [full, full + 1]);
    spread.chain(turns.filter(move |entries| (at_least..=room).contains(entries)))
}

fn over(shape: &MapShape, size: Size, cost: impl Fn(u64) -> Forecast) -> Costs {
    let costs = some_of(shape, size).map(|entries| Costs::of(&cost(entries)));
    costs.reduce(Costs::or).unwrap_or_default()
}

/// Today, with exact hints, and in shards.
///
/// Where maps without hints would have grown more often than was recorded, some were made with hints that no recording
/// tells apart, or grew before it began: today is then between that and maps that grew but once.
pub(super) fn of_maps(
    shape: &MapShape,
    sizes: &FinalSizes,
    growth: &TypeGrowth,
    makes: Option<&HintedMakes>,
) -> Vec<(Rewrite, Costs)> {
    let sum = |cost: &dyn Fn(u64, &Class) -> Forecast| {
        let of_class = |class: &Class| {
            let of = |n| over(shape, class.size, |entries| cost(entries, class).times(n));
            of(class.fewest()).up_to(of(class.most()))
        };
        sizes.classes().iter().map(of_class).fold(Costs::default(), Costs::and)
    };
    let hint = makes.map_or(0, |makes| makes.mean() as u64);
    let mut today = sum(&|entries, _| shape.forecast(entries, hint));
    if hints::grows_more_than_recorded(growth, today.grows) {
        let grew_once = |class: &Class| class.size.at_least.saturating_sub(1);
        today = today.or(sum(&|entries, class| shape.forecast(entries, grew_once(class))));
    }
    vec![
        (Rewrite::Today, today),
        (Rewrite::Presized, sum(&|entries, _| shape.forecast(entries, entries))),
        (Rewrite::Sharded, sum(&|entries, _| shape.forecast_sharded(entries))),
    ]
}

/// Adds the maps in the maps, and flat maps in place of both.
pub(super) fn add_inner(
    costs: &mut Vec<(Rewrite, Costs)>,
    shape: &MapShape,
    outer: &FinalSizes,
    (inner, of_unseen): (&Inner, &Unseen),
) {
    let of_inner = inner
        .sizes
        .as_ref()
        .zip(inner.growth.as_ref())
        .map(|(sizes, growth)| of_maps(shape, sizes, growth, inner.hints.as_ref()));
    let of_inner = |wanted| {
        let find = |costs: &Vec<(Rewrite, Costs)>| {
            costs.iter().find(|(rewrite, _)| *rewrite == wanted).map(|(_, costs)| *costs)
        };
        let is_presized = wanted == Rewrite::Presized;
        let unseen = unseen(shape, inner, of_unseen, is_presized);
        of_inner.as_ref().and_then(find).unwrap_or_default().and(unseen)
    };
    for (rewrite, costs) in costs.iter_mut() {
        // Only the map that holds the others is sharded.
        let wanted = if *rewrite == Rewrite::Presized { *rewrite } else { Rewrite::Today };
        *costs = costs.and(of_inner(wanted));
    }
    let Ok(flat) = &inner.flat else { return };
    let n_flat = outer.classes().iter().map(|class| class.maps).fold(0, u64::saturating_add);
    let n_entries = inner.entries();
    let beyond = inner.unseen.room.saturating_mul(of_unseen.room.saturating_sub(MOST_UNSEEN));
    let n_entries = Size { room: n_entries.room.saturating_add(beyond), ..n_entries };
    let size = Size {
        at_least: n_entries.at_least / n_flat.max(1),
        room: n_entries.room.div_ceil(n_flat.max(1)),
    };
    let flattened = |hint: fn(u64) -> u64| {
        over(flat, size, |entries| flat.forecast(entries, hint(entries)).times(n_flat))
    };
    costs.insert(2, (Rewrite::Flattened, flattened(|_| 0)));
    costs.insert(3, (Rewrite::FlattenedPresized, flattened(|entries| entries)));
}

/// Maps that never grew: how many, and of which size, is known in bounds only. Hints do nothing for those of one group.
fn unseen(shape: &MapShape, inner: &Inner, unseen: &Unseen, is_presized: bool) -> Costs {
    let of = |n_maps| {
        let of_way = |(hint, room)| {
            over(shape, Size { at_least: 0, room }, |entries| {
                let hint = if is_presized { entries } else { hint };
                shape.forecast(entries, hint).times(n_maps)
            })
        };
        unseen.ways(shape).into_iter().map(of_way).reduce(Costs::or).unwrap_or_default()
    };
    of(inner.unseen.at_least).up_to(of(inner.unseen.room))
}
