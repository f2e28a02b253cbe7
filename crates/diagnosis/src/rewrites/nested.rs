//! Which maps stand in which.
//!
//! Maps that grow at a line are taken to stand in maps of the type that holds theirs and grow in the same function, or
//! that the binary has code assign to in that function. There must be one such line on either side, and the outer maps
//! must have room for all inner ones that grew. That the types fit is not enough: a program may have such maps of its own.

use std::sync::Arc;

use gomap::MapShape;

use super::RecordedMaps;
use crate::shapes;
use evidence::sizes::{Class, FinalSizes, NoSizes, Size};
use evidence::{Evidence, Frame, HintedMakes, TypeGrowth};
use goabi::Nested;

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
    let types: Vec<TypeAtLine> = all.iter().map(|maps| TypeAtLine::of(evidence, maps)).collect();
    let mut taken = vec![false; all.len()];
    for (outer, of_outer) in types.iter().enumerate() {
        let Some(elem) = &of_outer.elem_map else {
            if types.iter().any(|of| of.grows_with(of_outer)) || of_outer.has_holder() {
                all[outer].inner = Err(NotFlattened::OuterUnseen);
            }
            continue;
        };
        let inner = inner_line(&types, of_outer, elem).and_then(|index| {
            let inner = join_two(evidence, &all[outer], elem, index.map(|index| &all[index]))?;
            index.into_iter().for_each(|index| taken[index] = true);
            Ok(Box::new(inner))
        });
        all[outer].inner = inner;
    }
    let mut taken = taken.into_iter();
    all.retain(|_| taken.next() == Some(false));
}

struct TypeAtLine {
    function: Arc<str>,
    map_type: String,
    /// Name of the element type, where it is a map.
    elem_map: Option<String>,
    /// Maps of maps that the function assigns to: their element types.
    held: Vec<String>,
}

impl TypeAtLine {
    fn of(evidence: &Evidence, maps: &RecordedMaps) -> Self {
        let map_type = maps.growth.map_type.clone();
        let elem_map = elem_map(evidence, &map_type);
        let site = evidence.sites.iter().find(|site| site.frame == maps.frame);
        let held = site.iter().flat_map(|site| &site.holders).map(|of| of.elem.name.clone());
        Self {
            function: Arc::clone(&maps.frame.function),
            map_type,
            elem_map,
            held: held.collect(),
        }
    }

    /// Whether these hold maps of the other line's type and grow in the same function.
    fn grows_with(&self, inner: &Self) -> bool {
        self.function == inner.function && self.elem_map.as_ref() == Some(&inner.map_type)
    }

    /// Whether code around this line assigns to maps of such maps.
    fn has_holder(&self) -> bool {
        self.held.contains(&self.map_type)
    }
}

/// The element type, when it is a map.
fn elem_map(evidence: &Evidence, name: &str) -> Option<String> {
    if let Some(map_type) = shapes::in_binary(evidence, name) {
        return (map_type.nested == Nested::Direct).then(|| map_type.elem.name.clone());
    }
    let rest = name.strip_prefix("map[")?;
    let mut depth = 1;
    let end = rest.find(|c| {
        depth += i32::from(c == '[') - i32::from(c == ']');
        depth == 0
    })?;
    let elem = &rest[end + 1..];
    elem.starts_with("map[").then(|| elem.to_owned())
}

/// The line at which the maps in these grow; `None` when they grow nowhere.
fn inner_line(
    types: &[TypeAtLine],
    outer: &TypeAtLine,
    elem: &str,
) -> Result<Option<usize>, NotFlattened> {
    let is_inner = |of: &TypeAtLine| of.map_type == elem;
    let is_outer = |of: &TypeAtLine| of.elem_map.as_deref() == Some(elem);
    let in_function = |of: &TypeAtLine, function: &str| *of.function == *function;
    let has = |function: &str, is: &dyn Fn(&TypeAtLine) -> bool| {
        types.iter().any(|of| in_function(of, function) && is(of))
    };
    if !types.iter().any(is_inner) {
        return Ok(None);
    }
    let is_near = has(&outer.function, &is_inner);
    // Lines of functions that grow both belong together already.
    let is_candidate = |of: &TypeAtLine| {
        if is_near {
            in_function(of, &outer.function)
        } else {
            let is_known = of.elem_map.is_some() || of.has_holder();
            is_known && !(has(&of.function, &is_inner) && has(&of.function, &is_outer))
        }
    };
    let lines = |is: &dyn Fn(&TypeAtLine) -> bool| -> Vec<usize> {
        (0..types.len()).filter(|&at| is(&types[at]) && is_candidate(&types[at])).collect()
    };
    match (lines(&is_outer).len(), lines(&is_inner).as_slice()) {
        (1, &[inner]) => Ok(Some(inner)),
        (_, []) => Err(NotFlattened::OtherFunctions),
        _ => Err(NotFlattened::SeveralLines),
    }
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
