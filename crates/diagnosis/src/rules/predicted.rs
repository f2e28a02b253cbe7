//! What the growth model says that an advice saves, at sizes that were measured.
//!
//! Each class of maps is forecast as it is filled today and after the change, at its smallest, middle and largest size;
//! the range reaches from the least to the most that this leaves.

use gomap::{Estimate, Forecast, MapShape};

use super::saving::Gone;
use super::{FLAT_IS_SMALLER, SiteContext};
use crate::finding::{GrowthSaving, Span};
use crate::shapes;
use evidence::sizes::{Class, Size};
use evidence::{MapType, SourceIds};

/// The shape of a map type, by what the binary says.
pub(super) fn shape(context: &SiteContext<'_>, map_type: &MapType) -> Option<MapShape> {
    shapes::of_type(context.evidence, map_type)
}

/// The shape of a type by its name: without a binary only types that need no declaration have one.
pub(super) fn shape_by_name(context: &SiteContext<'_>, name: &str) -> Option<MapShape> {
    shapes::by_name(context.evidence, name)
}

/// A size hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hint {
    /// This one for all maps.
    Number(u64),
    /// For each map the number of entries that it ends with.
    Own,
}

/// What a hint saves of maps that are made without it today.
pub(super) struct Presizing {
    /// By the model, as a range.
    pub(super) saving: GrowthSaving,
    /// The part of the entries moved today that is not moved then. Units: fraction; `None` where none are moved today.
    pub(super) moved_part: Option<f64>,
    /// The part of the bytes allocated today that is not allocated then; below 0 where more are. Units: fraction.
    pub(super) allocated_part: f64,
}

/// What a hint saves of maps that are made with this one.
pub(super) fn presizing(
    shape: &MapShape,
    classes: &[Class],
    hint_today: u64,
    hint: Hint,
    sources: SourceIds,
) -> Presizing {
    let mut saving = GrowthSaving::none(sources);
    let (mut today, mut then) = (Sums::default(), Sums::default());
    for &Class { size, maps: n_maps, .. } in classes {
        let at = |entries| {
            let hint = match hint {
                Hint::Number(n) => n,
                Hint::Own => entries,
            };
            let after = shape.forecast(entries, hint).times(n_maps);
            (shape.forecast(entries, hint_today).times(n_maps), after)
        };
        let forecasts = some_of(size).map(at);
        saving.add(n_maps, &forecasts);
        today.add(&forecasts[1].0);
        then.add(&forecasts[1].1);
    }
    let moved_part = (today.moved > 0.0).then(|| 1.0 - then.moved / today.moved);
    let allocated_part = 1.0 - then.allocated_bytes / today.allocated_bytes.max(1.0);
    Presizing { saving, moved_part, allocated_part }
}

/// What is expected of maps of the middle of each class.
#[derive(Default)]
struct Sums {
    moved: f64,
    allocated_bytes: f64,
}

impl Sums {
    fn add(&mut self, forecast: &Forecast) {
        self.moved += forecast.moved.expected;
        self.allocated_bytes += forecast.allocated_bytes.expected;
    }
}

/// What a flat map saves.
pub(super) struct Flattening {
    /// By the model, for inner maps of 1 to 8 entries.
    pub(super) saving: GrowthSaving,
    /// The part of the bytes allocated today that is not allocated then, for inner maps up to the size that the advice is
    /// for: of that size, of half of it, and of one entry. Units: fractions, below 0 where more are.
    pub(super) allocated: Gone,
}

/// What one flat map saves in place of so many maps of 1 to 8 entries.
pub(super) fn flattening(
    inner: &MapShape,
    flat: &MapShape,
    n_maps: u64,
    sources: SourceIds,
) -> Flattening {
    let at = |entries: u64| {
        let today = inner.forecast(entries, 0).times(n_maps);
        (today, flat.forecast(entries.saturating_mul(n_maps), 0))
    };
    let mut saving = GrowthSaving::none(sources);
    saving.add(n_maps, &[1, 2, 3, 4, 5, 6, 7, 8].map(at));
    let [least, likely, most] = [FLAT_IS_SMALLER, FLAT_IS_SMALLER / 2, 1].map(|entries| {
        let (today, then) = at(entries);
        1.0 - then.allocated_bytes.expected / today.allocated_bytes.expected.max(1.0)
    });
    Flattening { saving, allocated: Gone(least.min(likely), likely, most.max(likely)) }
}

fn some_of(size: Size) -> [u64; 3] {
    [size.at_least, size.at_least.midpoint(size.room), size.room]
}

impl GrowthSaving {
    fn none(sources: SourceIds) -> Self {
        let nothing = Span { low: 0, high: 0 };
        Self {
            sources,
            maps: 0,
            moved_entries: nothing,
            allocated_bytes: nothing,
            allocations: nothing,
        }
    }

    /// Adds maps by their forecasts before and after, of which one comes true.
    fn add(&mut self, n_maps: u64, before_and_after: &[(Forecast, Forecast)]) {
        let over = |of: fn(&Forecast) -> Estimate| Span::over(before_and_after, of);
        self.maps = self.maps.saturating_add(n_maps);
        self.moved_entries = self.moved_entries.plus(over(|of| of.moved));
        self.allocated_bytes = self.allocated_bytes.plus(over(|of| of.allocated_bytes));
        self.allocations = self.allocations.plus(over(|of| of.allocations));
    }
}

impl Span {
    fn over(before_and_after: &[(Forecast, Forecast)], of: fn(&Forecast) -> Estimate) -> Self {
        let (mut low, mut high) = (f64::MAX, f64::MIN);
        for (before, after) in before_and_after {
            low = low.min(of(before).low - of(after).high);
            high = high.max(of(before).high - of(after).low);
        }
        Self { low: low.round() as i64, high: high.round() as i64 }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self { low: self.low.saturating_add(other.low), high: self.high.saturating_add(other.high) }
    }
}
