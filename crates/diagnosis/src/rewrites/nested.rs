//! Which maps stand in which.
//!
//! Maps that grow at a line are taken to stand in maps of the type that holds theirs and grow in the same function, or
//! that the binary has code assign to in that function. There must be one such line on either side, and the outer maps
//! must have room for all inner ones that grew. That the types fit is not enough: a program may have such maps of its own.

mod lines;

use gomap::MapShape;

use self::lines::{Lines, TypeAtLine};
use super::RecordedMaps;
use crate::shapes;
use evidence::sizes::{Class, FinalSizes, NoSizes, Size};
use evidence::{Evidence, Frame, HintedMakes, TypeGrowth};

/// Entries that a map holds at most without ever growing.
pub(super) const MOST_UNSEEN: u64 = 8;

/// Maps that stand in others.
#[derive(Debug, Clone)]
pub struct Inner {
    /// Go's name of their type.
    pub map_type: String,
    /// The line at which they grow; `None` when none of them grows.
    pub frame: Option<Frame>,
    /// What was recorded there.
    pub growth: Option<TypeGrowth>,
    /// How large those became that grew.
    pub sizes: Option<FinalSizes>,
    /// Where they are made with size hints.
    pub hints: Option<HintedMakes>,
    /// How many more there can be, of at most 8 entries, which no recording sees.
    pub unseen: Size,
    /// One map in place of both levels, or why it is not known.
    pub flat: Result<MapShape, NotFlattened>,
}

/// Why flattening is not forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotFlattened {
    /// The elements are no maps.
    NoMaps,
    /// The maps that hold these were not seen to grow, or at other lines than one.
    OuterUnseen,
    /// Several lines grow the maps in these.
    SeveralLines,
    /// Maps of the type grow in other functions only, and nothing says that they stand in these.
    OtherFunctions,
    /// More maps grew than fit the maps that would hold them.
    TooMany {
        /// Maps that grew.
        grown: u64,
        /// Entries that the outer maps have room for.
        room: u64,
    },
    /// How large some of the maps become, in these or that hold these.
    UnknownSizes,
    /// How keys and elements are aligned: types of packages are not written out.
    UnknownType,
}

impl Inner {
    /// Entries of all of them.
    pub(super) fn entries(&self) -> Size {
        let grown = self.sizes.as_ref().map_or(Size { at_least: 0, room: 0 }, entries);
        let most_unseen = self.unseen.room.saturating_mul(MOST_UNSEEN);
        Size { room: grown.room.saturating_add(most_unseen), ..grown }
    }
}

/// Entries of maps that grew.
fn entries(sizes: &FinalSizes) -> Size {
    let sum = |of: fn(&Class) -> u64| sizes.classes().iter().map(of).fold(0, u64::saturating_add);
    Size {
        at_least: sum(|class| class.size.at_least.saturating_mul(class.fewest())),
        room: sum(|class| class.size.room.saturating_mul(class.most())),
    }
}

/// Moves maps that stand in others to these.
pub(super) fn join(evidence: &Evidence, all: &mut Vec<RecordedMaps>) {
    let types = TypeAtLine::all(evidence, all);
    let lines = Lines::of(&types);
    let mut taken = vec![false; all.len()];
    for (outer, of_outer) in types.iter().enumerate() {
        let Some(elem) = &of_outer.elem_map else {
            if lines.has_outer_near(of_outer) || of_outer.has_holder {
                all[outer].inner = Err(NotFlattened::OuterUnseen);
            }
            continue;
        };
        let inner = lines.inner_of(of_outer, elem).and_then(|index| {
            let inner = join_two(evidence, &all[outer], elem, index.map(|index| &all[index]))?;
            index.into_iter().for_each(|index| taken[index] = true);
            Ok(Box::new(inner))
        });
        all[outer].inner = inner;
    }
    let mut taken = taken.into_iter();
    all.retain(|_| taken.next() == Some(false));
}

fn join_two(
    evidence: &Evidence,
    outer: &RecordedMaps,
    elem: &str,
    inner: Option<&RecordedMaps>,
) -> Result<Inner, NotFlattened> {
    let outer_sizes = outer.growth.sizes.as_ref().map_err(|reason| match reason {
        NoSizes::NoneStopped => NotFlattened::OuterUnseen,
        _ => NotFlattened::UnknownSizes,
    })?;
    let sizes = inner.map(|inner| inner.growth.sizes.clone()).transpose();
    let sizes = sizes.map_err(|_| NotFlattened::UnknownSizes)?;
    let has_larger = |sizes: &FinalSizes| sizes.larger().is_some();
    if has_larger(outer_sizes) || sizes.as_ref().is_some_and(has_larger) {
        return Err(NotFlattened::UnknownSizes);
    }
    let sum = |of: fn(&Class) -> u64| {
        sizes.iter().flat_map(FinalSizes::classes).map(of).fold(0, u64::saturating_add)
    };
    let (grown, grown_most) = (sum(Class::fewest), sum(Class::most));
    let Size { at_least, room } = entries(outer_sizes);
    if grown > room {
        return Err(NotFlattened::TooMany { grown, room });
    }
    let unseen = Size { at_least: at_least.saturating_sub(grown_most), room: room - grown };
    let flat = shapes::written(evidence, &outer.growth.map_type)
        .and_then(|map| shapes::of_written(evidence, &map.flattened()?));
    Ok(Inner {
        map_type: elem.to_owned(),
        frame: inner.map(|inner| inner.frame.clone()),
        growth: inner.map(|inner| inner.growth.clone()),
        sizes,
        hints: inner.and_then(|inner| inner.hints.clone()),
        unseen,
        flat: flat.ok_or(NotFlattened::UnknownType),
    })
}
