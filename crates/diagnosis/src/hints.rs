//! Which size hints are of which maps.
//!
//! A recording sees where maps are made with hints, and where maps grow; which map grows it does not see. Hints are taken
//! to be of the maps of a line when maps of these sizes, made with these hints, grow as often as was recorded there.

use gomap::MapShape;

use crate::finding::Span;
use crate::shapes;
use evidence::sizes::{Class, FinalSizes};
use evidence::{Bounds, Evidence, HintedMakes, TypeGrowth};

/// How far off growths may be, of hints that are all taken for their mean. Units: fraction.
pub(crate) const TOLERANCE: f64 = 0.1;
/// How often maps grow does not depend on their type.
const ANY_TYPE: &str = "map[int]int";

/// The place that makes at least half as many maps of this type with hints, from which these growths can be.
pub(crate) fn of_maps<'e>(
    evidence: &'e Evidence,
    growth: &TypeGrowth,
    sizes: &FinalSizes,
) -> Option<&'e HintedMakes> {
    let makes_them = |makes: &&HintedMakes| {
        makes.map_type == growth.map_type
            && makes.frame.is_known()
            && makes.sum_hints > 0
            && makes.n >= sizes.n_maps() / 2
            && grow_as_recorded(evidence, growth, sizes, makes.mean() as u64)
    };
    evidence.hints.iter().find(makes_them)
}

/// Whether maps grow more often than those of a line did.
pub(crate) fn grows_more_than_recorded(growth: &TypeGrowth, grows: Span) -> bool {
    let most = recorded(growth).high;
    most.is_some_and(|most| grows.low as f64 > most as f64 * (1.0 + TOLERANCE))
}

fn grow_as_recorded(
    evidence: &Evidence,
    growth: &TypeGrowth,
    sizes: &FinalSizes,
    hint: u64,
) -> bool {
    let Some(forecast) = forecast(evidence, sizes, hint) else { return false };
    let Bounds { low, high } = recorded(growth);
    let is_enough = forecast.1 >= low as f64 * (1.0 - TOLERANCE);
    is_enough && high.is_none_or(|high| forecast.0 <= high as f64 * (1.0 + TOLERANCE))
}

fn recorded(growth: &TypeGrowth) -> Bounds {
    let exact = Bounds { low: growth.total.grows, high: Some(growth.total.grows) };
    growth.grows_range.unwrap_or(exact)
}

/// Fewest and most growths of maps of these sizes, made with this hint.
fn forecast(evidence: &Evidence, sizes: &FinalSizes, hint: u64) -> Option<(f64, f64)> {
    let shape: MapShape = shapes::of_written(evidence, &ANY_TYPE.parse().ok()?)?;
    let of_class = |&Class { size, maps, .. }: &Class| {
        let of = |entries| shape.forecast(entries, hint).times(maps).all_grows();
        (of(size.at_least).low, of(size.room).high)
    };
    let sum = |(low, high): (f64, f64), (least, most): (f64, f64)| (low + least, high + most);
    Some(sizes.classes().iter().map(of_class).fold((0.0, 0.0), sum))
}
