//! Where the maps of a line are made: where a size hint can be written.

use super::SiteContext;
use super::usual_size::n_growing;
use crate::finding::{Makes, NoMakes};
use evidence::{Frame, MakeSite, MapType, SourceKind};

/// Where maps of this type that are used at a line may be made without a hint, as far as the binary shows it.
pub(super) fn of(context: &SiteContext<'_>, map_type: Option<&MapType>) -> Makes {
    let recorded = || Some(&context.site.growth.as_ref()?.types.first()?.map_type);
    let name = map_type.map(|of| &of.name).or_else(recorded);
    let n_filled = n_growing(context);
    let candidates = match name {
        Some(_) => Candidates::of(context, name, n_filled),
        None => Candidates::of(context, only_possible(context), n_filled).untraced(),
    };
    let makes = candidates.lines(|make| !make.has_hint);
    Makes {
        map_type: name.cloned(),
        makes_are_counted: !makes.is_empty() && n_filled.is_some(),
        are_traced: candidates.are_traced,
        is_inner: map_type.is_some_and(|of| context.outer_type(of).is_some()),
        no_makes_because: makes.is_empty().then_some(candidates.else_because),
        makes,
        hinted: candidates.lines(|make| make.has_hint),
    }
}

/// The type of the maps used at a line, if it is the only one that is possible there.
fn only_possible<'e>(context: &SiteContext<'e>) -> Option<&'e String> {
    let maps = context.site.maps.iter().flatten();
    let mut names = maps.filter_map(|map| Some(&map.map_type.as_ref().ok()?.name));
    let first = names.next()?;
    names.all(|name| name == first).then_some(first)
}

/// Lines that may make the maps used at a line. Where it is not known which of several lines does, there is none: they may
/// make different maps.
struct Candidates<'e> {
    makes: Vec<&'e MakeSite>,
    /// Whether the machine code shows that the maps come from nowhere else.
    are_traced: bool,
    /// Why there is no line without a hint, if there is none.
    else_because: NoMakes,
}

impl<'e> Candidates<'e> {
    /// 1. Where the machine code shows where the maps come from, these lines.
    /// 2. Else the line of the function that makes maps of this type.
    /// 3. Else the line of the function that makes maps of a type that is not known, without a hint.
    /// 4. Else the only line of the program that makes maps of this type without a hint.
    ///
    /// Where the heap profile has such lines, only those count that make as many maps as are filled.
    fn of(context: &SiteContext<'e>, name: Option<&String>, n_filled: Option<u64>) -> Self {
        let is_this = |make: &&MakeSite| name.is_some() && make.map_type.as_ref() == name;
        let traced: Vec<_> = context.site.made.iter().filter(is_this).collect();
        if !traced.is_empty() {
            let are_traced = name.is_some_and(|name| !context.site.made_elsewhere.contains(name));
            return Self { makes: traced, are_traced, else_because: NoMakes::NotSeen };
        }
        if context.sources(SourceKind::Binary).is_none() {
            return Self::none(NoMakes::NoBinary);
        }
        let function = &context.site.frame.function;
        let here = context.evidence.makes.iter().filter(|make| make.frame.function == *function);
        let (of_type, others): (Vec<_>, Vec<_>) = here.partition(is_this);
        let unknown = others.into_iter().filter(|make| make.map_type.is_none() && !make.has_hint);
        let all = if of_type.is_empty() { unknown.collect() } else { of_type };
        let makes_enough =
            |make: &&MakeSite| make.has_hint || makes_enough(context, &make.frame, n_filled);
        let (makes, too_few): (Vec<_>, Vec<_>) = all.into_iter().partition(makes_enough);
        let first = makes.first();
        match first {
            None if too_few.is_empty() => Self::elsewhere(context, name),
            None => Self::none(NoMakes::TooFewMade),
            Some(first) if makes.iter().any(|make| !make.frame.is_same_line(&first.frame)) => {
                Self::none(NoMakes::SeveralLines)
            }
            Some(_) => Self { makes, are_traced: false, else_because: NoMakes::NotSeen },
        }
    }

    /// Lines of other functions that make maps of this type without a hint.
    fn elsewhere(context: &SiteContext<'e>, name: Option<&String>) -> Self {
        let is_this =
            |make: &&MakeSite| name.is_some() && make.map_type.as_ref() == name && !make.has_hint;
        let makes: Vec<&MakeSite> = context.evidence.makes.iter().filter(is_this).collect();
        match makes.first() {
            None => Self::none(NoMakes::NotSeen),
            Some(first) if makes.iter().any(|make| !make.frame.is_same_line(&first.frame)) => {
                Self::none(NoMakes::OtherFunctions)
            }
            Some(_) => Self { makes, are_traced: false, else_because: NoMakes::NotSeen },
        }
    }

    /// Of maps whose type is not sure.
    fn untraced(self) -> Self {
        Self { are_traced: false, ..self }
    }

    fn none(else_because: NoMakes) -> Self {
        Self { makes: Vec::new(), are_traced: false, else_because }
    }

    fn lines(&self, is_meant: impl Fn(&MakeSite) -> bool) -> Vec<Frame> {
        let meant = self.makes.iter().filter(|make| is_meant(make));
        let mut lines: Vec<Frame> = meant.map(|make| make.frame.clone()).collect();
        lines.dedup();
        lines
    }
}

/// Whether a line makes as many maps as are filled here, as far as a heap profile shows that.
fn makes_enough(context: &SiteContext<'_>, frame: &Frame, n_filled: Option<u64>) -> bool {
    match (n_filled, objects_at(context, frame)) {
        (Some(filled), made) => made.is_none_or(|made| made >= filled / 2),
        (None, _) => true,
    }
}

/// Objects allocated at a line; `None` when no heap profile that counts them was given. A line that it lacks allocated next to nothing.
fn objects_at(context: &SiteContext<'_>, frame: &Frame) -> Option<u64> {
    context.evidence.heap.as_ref()?.total.alloc_objects?;
    let at_line = context.evidence.sites.iter().filter(|site| site.frame.is_same_line(frame));
    Some(
        at_line
            .filter_map(|site| site.heap.as_ref())
            .filter_map(|heap| heap.total.alloc_objects)
            .fold(0, u64::saturating_add),
    )
}
