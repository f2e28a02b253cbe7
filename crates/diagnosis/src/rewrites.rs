//! What other ways to hold the maps of a recording would cost, line by line.
//!
//! 1. Evidence says of each map type at a line how many maps stopped growing, and between which sizes.
//! 2. `nested` finds the maps that hold the maps of another line.
//! 3. `cost` asks the growth model at sizes from the smallest to the largest; what comes out is a range.
//!
//! A recording sees growths: maps that never grow are counted only where the maps that hold them say how many there
//! can be.

mod cost;
mod nested;
mod unseen;

use gomap::{MapShape, Rewrite};

pub use cost::Costs;
pub use nested::{Inner, NotFlattened};
pub use unseen::Unseen;

use crate::{hints, shapes};
use evidence::sizes::NoSizes;
use evidence::{Evidence, Frame, HintedMakes, TypeGrowth};

/// Maps of one type that grew at a line, with the maps in them.
#[derive(Debug, Clone)]
pub struct RecordedMaps {
    /// The line at which they grow.
    pub frame: Frame,
    /// What was recorded there.
    pub growth: TypeGrowth,
    /// Where they are made with size hints, if a recording saw that; today's costs are with their mean.
    pub hints: Option<HintedMakes>,
    /// Maps in them, where their lines are known, or why not.
    pub inner: Result<Box<Inner>, NotFlattened>,
    /// How those of them can be made that never grew; `None` without maps in them, or when it is not known.
    pub unseen: Option<Unseen>,
    /// In the order of the columns, or why there are none.
    pub rewrites: Result<Vec<(Rewrite, Costs)>, NoForecast>,
}

/// Why there is no forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoForecast {
    /// How large the maps became is not known.
    NoSizes(NoSizes),
    /// What the type looks like: without the binary, only types that need no declaration say it.
    UnknownType,
    /// The recording does not say a Go version, or one whose maps are not known.
    UnknownVersion,
    /// Maps in these are made with a hint that was not met, so that how much those hold that never grew is not known.
    UnknownHints,
}

impl RecordedMaps {
    /// Bytes moved by what was recorded, in the maps and those in them.
    pub fn moved_bytes(&self) -> u64 {
        let inner = self.inner.as_ref().ok().and_then(|inner| inner.growth.as_ref());
        let inner = inner.map_or(0, |growth| growth.total.moved_bytes);
        self.growth.total.moved_bytes.saturating_add(inner)
    }
}

/// All map types that grew at a known line, those that moved most bytes first; maps in maps stand with those that hold them.
pub fn recorded_maps(evidence: &Evidence) -> Vec<RecordedMaps> {
    let mut all = one_by_one(evidence);
    nested::join(evidence, &mut all);
    for maps in &mut all {
        look_at_unseen(evidence, maps);
        maps.rewrites = forecast(evidence, maps);
    }
    all.sort_by_key(|maps| std::cmp::Reverse(maps.moved_bytes()));
    all
}

fn one_by_one(evidence: &Evidence) -> Vec<RecordedMaps> {
    let mut all = Vec::new();
    for site in &evidence.sites {
        let types = site.growth.iter().flat_map(|growth| &growth.types);
        for growth in types.filter(|growth| !growth.has_no_line) {
            let sizes = growth.sizes.as_ref().ok();
            all.push(RecordedMaps {
                frame: site.frame.clone(),
                growth: growth.clone(),
                hints: sizes.and_then(|sizes| hints::of_maps(evidence, growth, sizes).cloned()),
                inner: Err(NotFlattened::NoMaps),
                unseen: None,
                rewrites: Err(NoForecast::NoSizes(NoSizes::NoneStopped)),
            });
        }
    }
    all
}

/// Says of maps in these that never grew how they can be made.
fn look_at_unseen(evidence: &Evidence, maps: &mut RecordedMaps) {
    let Ok(inner) = &mut maps.inner else { return };
    inner.hints = unseen::usual_hints(evidence, inner);
    let shape = shapes::by_name(evidence, &inner.map_type);
    maps.unseen = shape.and_then(|shape| unseen::of(evidence, &shape, &maps.frame, inner));
}

fn forecast(evidence: &Evidence, maps: &RecordedMaps) -> Result<Vec<(Rewrite, Costs)>, NoForecast> {
    if evidence.program.maps().is_none() {
        return Err(NoForecast::UnknownVersion);
    }
    let sizes = maps.growth.sizes.as_ref().map_err(|reason| NoForecast::NoSizes(*reason))?;
    let outer = shape(evidence, &maps.growth.map_type)?;
    let mut costs = cost::of_maps(&outer, sizes, &maps.growth, maps.hints.as_ref());
    if let Ok(inner) = &maps.inner {
        let of_inner = shape(evidence, &inner.map_type)?;
        let unseen = maps.unseen.as_ref().ok_or(NoForecast::UnknownHints)?;
        cost::add_inner(&mut costs, &of_inner, sizes, (inner, unseen));
    }
    Ok(costs)
}

fn shape(evidence: &Evidence, name: &str) -> Result<MapShape, NoForecast> {
    shapes::by_name(evidence, name).ok_or(NoForecast::UnknownType)
}

#[cfg(test)]
mod tests;
