//! What the growth model says that an advice saves, at sizes that were measured.
//!
//! Each class of maps is forecast as it is filled today and after the change, at its smallest, middle and largest size;
//! the range reaches from the least to the most that this leaves.

use gomap::{Estimate, Forecast, MapShape};

use super::SiteContext;
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

/// What exact hints save of maps that are made with this one.
pub(super) fn presizing(
    shape: &MapShape,
    classes: &[Class],
    hint_today: u64,
    sources: SourceIds,
) -> GrowthSaving {
    let mut sum = GrowthSaving::none(sources);
    for &Class { size, maps: n_maps, .. } in classes {
        let at = |entries| {
            let after = shape.forecast(entries, entries).times(n_maps);
            (shape.forecast(entries, hint_today).times(n_maps), after)
        };
        sum.add(n_maps, &some_of(size).map(at));
    }
    sum
}

/// What one flat map saves in place of so many maps of 1 to 8 entries.
pub(super) fn flattening(
    inner: &MapShape,
    flat: &MapShape,
    n_maps: u64,
    sources: SourceIds,
) -> GrowthSaving {
    let at = |entries: u64| {
        let today = inner.forecast(entries, 0).times(n_maps);
        (today, flat.forecast(entries.saturating_mul(n_maps), 0))
    };
    let mut sum = GrowthSaving::none(sources);
    sum.add(n_maps, &[1, 2, 3, 4, 5, 6, 7, 8].map(at));
    sum
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
