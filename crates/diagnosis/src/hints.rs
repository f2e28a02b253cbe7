//! Size hints: which number to write for many maps, and which hints that are there are of which maps.
//!
//! One number is right for maps that are much alike. It is taken from the smaller ones, the size that three quarters of them
//! reach: a hint that is too small saves less, one that is far too large costs more than growth. Where maps differ so much
//! that this number would save less than half of what their own numbers save, there is none.
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
/// Part of the maps that may be smaller than the size that a hint is taken from.
pub(crate) const SMALLER_THAN_HINT: f64 = 0.25;
/// Part of the moves that own numbers would save from which on one number for all maps is worth writing.
pub(crate) const ONE_NUMBER_SAVES: f64 = 0.5;
/// How often maps grow does not depend on their type.
const ANY_TYPE: &str = "map[int]int";

/// The hint to write for maps of these sizes and so many that never grow: the room that three quarters of them reach, as all
/// hints down to half of it give the same arrays. Shape: `classes` by size. `None` where no number fits most of them.
pub(crate) fn one_for_all(evidence: &Evidence, classes: &[Class], n_small: u64) -> Option<u64> {
    let n_maps = classes.iter().fold(n_small, |sum, class| sum.saturating_add(class.maps));
    let may_be_smaller = n_maps as f64 * SMALLER_THAN_HINT;
    let mut n_below = n_small;
    if n_below as f64 > may_be_smaller {
        return None;
    }
    let reaches = |class: &&Class| {
        n_below = n_below.saturating_add(class.maps);
        n_below as f64 > may_be_smaller
    };
    let hint = classes.iter().find(reaches)?.size.room;
    let shape: MapShape = shapes::of_written(evidence, &ANY_TYPE.parse().ok()?)?;
    let moved = |hint: Option<u64>| {
        let of_class = |&Class { size, maps, .. }: &Class| {
            let entries = size.at_least.midpoint(size.room);
            shape.forecast(entries, hint.unwrap_or(entries)).times(maps).moved.expected
        };
        classes.iter().map(of_class).sum::<f64>()
    };
    let (today, then, own) = (moved(Some(0)), moved(Some(hint)), moved(None));
    (today - then >= ONE_NUMBER_SAVES * (today - own)).then_some(hint)
}

/// The place that makes about as many maps of this type with hints, half or twice as many at most, from which these growths can
/// be.
pub(crate) fn of_maps<'e>(
    evidence: &'e Evidence,
    growth: &TypeGrowth,
    sizes: &FinalSizes,
) -> Option<&'e HintedMakes> {
    let makes_them = |makes: &&HintedMakes| {
        makes.map_type == growth.map_type
            && makes.frame.is_known()
            && makes.sum_hints > 0
            && (sizes.n_maps() / 2..=sizes.n_maps().saturating_mul(2)).contains(&makes.n)
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
