//! Where the maps of a line are made: where a size hint can be written.

use super::usual_size::n_growing;
use super::{FIRST_GROUP, SiteContext};
use crate::finding::{Makes, NoMakes};
use evidence::{Frame, HintedMakes, MakeSite, MapType, SourceKind};

/// Where maps of this type that are used at a line may be made without a hint, as far as the binary shows it.
pub(super) fn of(context: &SiteContext<'_>, map_type: Option<&MapType>) -> Makes {
    let recorded = || Some(&context.site.growth.as_ref()?.types.first()?.map_type);
    let name = map_type.map(|of| &of.name).or_else(recorded);
    let makes = lines(context, map_type);
    Makes {
        map_type: name.cloned(),
        makes_are_counted: !makes.is_empty() && n_growing(context).is_some(),
        no_makes_because: makes.is_empty().then(|| why_none(context, map_type)),
        makes,
        hinted: name.map_or_else(Vec::new, |name| hinted(context, map_type, name)),
    }
}

/// Lines of the site's function that make maps of this type with a hint, which is not known to be for a single group.
fn hinted(context: &SiteContext<'_>, map_type: Option<&MapType>, name: &String) -> Vec<Frame> {
    let makes = context.evidence.makes.iter().filter(|make| {
        make.frame.function == context.site.frame.function
            && make.map_type.as_ref() == Some(name)
            && !lacks_hint(context, make, map_type)
    });
    let mut places: Vec<Frame> = makes.map(|make| make.frame.clone()).collect();
    places.dedup();
    places
}

fn why_none(context: &SiteContext<'_>, map_type: Option<&MapType>) -> NoMakes {
    let has_lines = unhinted(context, map_type).next().is_some();
    match context.sources(SourceKind::Binary) {
        None => NoMakes::NoBinary,
        Some(_) if has_lines => NoMakes::TooFewMade,
        Some(_) => NoMakes::NotSeen,
    }
}

/// Lines of the site's function that may make such maps without a hint.
fn unhinted<'e>(
    context: &SiteContext<'e>,
    map_type: Option<&MapType>,
) -> impl Iterator<Item = &'e Frame> {
    let function = &context.site.frame.function;
    let makes = context.evidence.makes.iter().filter(move |make| make.frame.function == *function);
    makes.filter(move |make| lacks_hint(context, make, map_type)).map(|make| &make.frame)
}

/// Lines of the site's function that make maps of this type, or of one that is not known, without a hint.
///
/// Where the heap profile has such lines, only those count that make as many maps as are filled here.
fn lines(context: &SiteContext<'_>, map_type: Option<&MapType>) -> Vec<Frame> {
    let n_filled = n_growing(context);
    let makes_enough = |frame: &Frame| match (n_filled, objects_at(context, frame)) {
        (Some(filled), made) => made.is_none_or(|made| made >= filled / 2),
        (None, _) => true,
    };
    let mut places: Vec<Frame> =
        unhinted(context, map_type).filter(|frame| makes_enough(frame)).cloned().collect();
    places.dedup();
    places
}

/// Whether a line may make maps of this type without a hint, or with one for a single group.
///
/// The machine code names the type only where there is a hint, which may be 0: a recording then says so.
fn lacks_hint(context: &SiteContext<'_>, make: &MakeSite, map_type: Option<&MapType>) -> bool {
    let Some(name) = &make.map_type else { return true };
    let here =
        |hinted: &&HintedMakes| hinted.map_type == *name && hinted.frame.is_same_line(&make.frame);
    let is_small = |hinted: &HintedMakes| hinted.mean() <= FIRST_GROUP as f64;
    let is_this = map_type.is_some_and(|map_type| map_type.name == *name);
    is_this && context.evidence.hints.iter().find(here).is_some_and(is_small)
}

/// Objects allocated at a line; `None` when no heap profile was given. A line that it lacks allocated next to nothing.
fn objects_at(context: &SiteContext<'_>, frame: &Frame) -> Option<u64> {
    context.evidence.heap.as_ref()?;
    let at_line = context.evidence.sites.iter().filter(|site| site.frame.is_same_line(frame));
    Some(
        at_line
            .filter_map(|site| site.heap.as_ref())
            .map(|heap| heap.total.alloc_objects)
            .fold(0, u64::saturating_add),
    )
}
