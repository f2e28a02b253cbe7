//! Maps in others that never grew: how much they can hold.
//!
//! A recording sees none of them. Without a hint they hold 8 entries at most; with one, what it has room for.

use goabi::MapImpl;
use gomap::MapShape;

use super::nested::{Inner, MOST_UNSEEN};
use crate::rules::FIRST_GROUP;
use evidence::{Evidence, Frame, HintedMakes, ProcessGrowth};

/// How maps can be made that never grew.
#[derive(Debug, Clone, PartialEq)]
pub struct Unseen {
    /// Entries that each holds at most.
    pub room: u64,
    /// With hints for more than 8 entries: where, and their mean.
    pub(super) hints: Vec<HintedMakes>,
    /// Whether some may be made without.
    pub(super) may_lack_hints: bool,
}

impl Unseen {
    /// Each way to make them: the hint, and the entries that they hold at most.
    pub(super) fn ways(&self, shape: &MapShape) -> Vec<(u64, u64)> {
        let with_hints = self.hints.iter().map(|makes| makes.mean() as u64);
        let with_hints = with_hints.map(|hint| (hint, room(shape, hint)));
        with_hints.chain(self.may_lack_hints.then_some((0, MOST_UNSEEN))).collect()
    }
}

/// Of the maps in those that grow at a line; `None` when some are made with hints of a size that no recording met.
pub(super) fn of(
    evidence: &Evidence,
    shape: &MapShape,
    outer: &Frame,
    inner: &Inner,
) -> Option<Unseen> {
    if inner.unseen.room == 0 {
        return Some(Unseen { room: MOST_UNSEEN, hints: Vec::new(), may_lack_hints: true });
    }
    if has_unknown_hints(evidence, outer, inner) {
        return None;
    }
    let hints: Vec<HintedMakes> = hints(evidence, inner).cloned().collect();
    let n_hinted = hints.iter().map(|makes| makes.n).fold(0, u64::saturating_add);
    let mut unseen = Unseen { room: 0, hints, may_lack_hints: n_hinted < inner.unseen.at_least };
    unseen.may_lack_hints |= unseen.hints.is_empty();
    unseen.room = unseen.ways(shape).iter().map(|&(_, room)| room).max().unwrap_or(MOST_UNSEEN);
    Some(unseen)
}

/// The place that makes at least half as many maps with hints as never grew; where some grew, that is asked of these.
pub(super) fn usual_hints(evidence: &Evidence, inner: &Inner) -> Option<HintedMakes> {
    if inner.growth.is_some() {
        return inner.hints.clone();
    }
    let makes = hints(evidence, inner).max_by_key(|makes| makes.n)?;
    (makes.n >= inner.unseen.at_least / 2).then(|| makes.clone())
}

fn hints<'e>(evidence: &'e Evidence, inner: &'e Inner) -> impl Iterator<Item = &'e HintedMakes> {
    let is_of_type = |makes: &&HintedMakes| makes.map_type == inner.map_type;
    evidence.hints.iter().filter(is_of_type).filter(|makes| makes.mean() > FIRST_GROUP as f64)
}

/// Whether a line of these functions makes such maps with a hint that was not met, where not everything was counted.
fn has_unknown_hints(evidence: &Evidence, outer: &Frame, inner: &Inner) -> bool {
    let has_all = evidence.growth.as_ref().is_none_or(ProcessGrowth::has_every_growth);
    let functions = [Some(outer), inner.frame.as_ref()];
    let mut makes = evidence.makes.iter().filter(|make| {
        let is_here = |frame: &Frame| frame.function == make.frame.function;
        make.has_hint
            && make.map_type.as_ref() == Some(&inner.map_type)
            && functions.into_iter().flatten().any(is_here)
    });
    let is_met = |frame: &Frame| evidence.hints.iter().any(|of| of.frame.is_same_line(frame));
    !has_all && makes.any(|make| !is_met(&make.frame))
}

/// Entries that a map made with a hint holds at most before it grows.
fn room(shape: &MapShape, hint: u64) -> u64 {
    match shape.map_impl() {
        MapImpl::Classic => shape.room(shape.exponent_for_hint(hint)),
        MapImpl::Swiss => shape.tables_for_hint(hint).map_or(MOST_UNSEEN, |(exponent, slots)| {
            gomap::room(shape.map(), slots).saturating_mul(1 << exponent.min(u32::BITS - 1))
        }),
    }
}
