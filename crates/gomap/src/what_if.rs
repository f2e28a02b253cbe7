//! What other ways to hold the same entries would cost.

use crate::estimate::Estimate;
use crate::growth::Forecast;
use crate::shape::MapShape;
use crate::types::{GoType, MapType};
use goabi::GoVersion;

/// A map of a program, by its sizes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sizes {
    /// Entries of the map.
    pub outer: u64,
    /// Maps in it, by size; empty when there are none.
    pub inner: Vec<MapsOfSize>,
}

/// So many maps of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MapsOfSize {
    /// Entries of each.
    pub entries: u64,
    /// Number of maps.
    pub maps: u64,
}

/// Shards of the map in [`Rewrite::Sharded`].
pub const SHARDS: u64 = 32;

/// A way to hold the entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rewrite {
    /// As the type says, without size hints.
    Today,
    /// With exact size hints.
    Presized,
    /// One map with a struct of both keys.
    Flattened,
    /// The same with an exact size hint.
    FlattenedPresized,
    /// [`SHARDS`] maps, each for the keys of some hashes, as to have a lock for each. Without the locks.
    Sharded,
}

/// Forecasts of the rewrites that a map type allows: flattening needs maps in the map, and their sizes. `None` for an
/// unknown release, or keys that together are too large.
pub fn what_if(
    version: GoVersion,
    map: &MapType,
    sizes: &Sizes,
) -> Option<Vec<(Rewrite, Forecast)>> {
    let outer = MapShape::new(version, map)?;
    let n = sizes.outer;
    let Some(inner_type) = map.elem.map.as_deref().filter(|_| !sizes.inner.is_empty()) else {
        return Some(vec![
            (Rewrite::Today, outer.forecast(n, 0)),
            (Rewrite::Presized, outer.forecast(n, n)),
            (Rewrite::Sharded, outer.forecast_sharded(n)),
        ]);
    };
    let inner = MapShape::new(version, inner_type)?;
    let flat = MapShape::new(version, &map.flattened()?)?;
    let n_flat = n_entries(&sizes.inner);
    let with_inner = |mut sum: Forecast, inner: &Forecast| {
        sum += inner;
        sum
    };
    let unhinted = inner.forecast_all(&sizes.inner, Hints::None);
    let hinted = inner.forecast_all(&sizes.inner, Hints::Exact);
    Some(vec![
        (Rewrite::Today, with_inner(outer.forecast(n, 0), &unhinted)),
        (Rewrite::Presized, with_inner(outer.forecast(n, n), &hinted)),
        (Rewrite::Flattened, flat.forecast(n_flat, 0)),
        (Rewrite::FlattenedPresized, flat.forecast(n_flat, n_flat)),
        (Rewrite::Sharded, with_inner(outer.forecast_sharded(n), &unhinted)),
    ])
}

/// Whether maps are made with size hints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hints {
    /// Without.
    None,
    /// With the number of their entries.
    Exact,
}

impl MapShape {
    /// What filling maps of these sizes costs in all.
    pub fn forecast_all(&self, sizes: &[MapsOfSize], hints: Hints) -> Forecast {
        let mut sum = Forecast::default();
        for of_size in sizes {
            let hint = if hints == Hints::Exact { of_size.entries } else { 0 };
            sum += &self.forecast(of_size.entries, hint).times(of_size.maps);
        }
        sum
    }

    /// What filling [`SHARDS`] maps with n entries in all costs, each with the entries of some hashes.
    pub fn forecast_sharded(&self, n: u64) -> Forecast {
        sharded(self, n)
    }
}

impl MapType {
    /// One map in place of a map of maps: its key is a struct of both keys. `None` when the elements are no maps, or the
    /// keys together too large.
    pub fn flattened(&self) -> Option<Self> {
        let inner = self.elem.map.as_deref()?;
        let key = GoType::structure(&[self.key.clone(), inner.key.clone()])?;
        Some(Self { key, elem: inner.elem.clone() })
    }
}

fn n_entries(sizes: &[MapsOfSize]) -> u64 {
    sizes
        .iter()
        .map(|of_size| of_size.entries.saturating_mul(of_size.maps))
        .fold(0, u64::saturating_add)
}

/// Half the steps by which the sizes of shards are walked, and steps to a standard deviation.
const REACH_STEPS: i32 = 32;
const STEPS_PER_DEVIATION: f64 = 8.0;

/// Keys fall into shards by chance, so that the shards differ in size: normally, nearly.
fn sharded(shape: &MapShape, n: u64) -> Forecast {
    let mean = n as f64 / SHARDS as f64;
    let deviation = (mean * (1.0 - 1.0 / SHARDS as f64)).sqrt();
    let steps = -REACH_STEPS..=REACH_STEPS;
    let at = |step: i32| f64::from(step) / STEPS_PER_DEVIATION;
    let weight = |step: i32| (-at(step) * at(step) / 2.0).exp();
    let whole: f64 = steps.clone().map(weight).sum();
    let mut of_shard: Option<Forecast> = None;
    for step in steps {
        let entries = (mean + at(step) * deviation).round().max(0.0) as u64;
        let part = weight(step) / whole;
        let forecast = shape.forecast(entries, 0);
        let scaled = |of: Estimate| Estimate { expected: part * of.expected, ..of };
        let widened = |sum: Estimate, more: Estimate| Estimate {
            low: sum.low.min(more.low),
            expected: sum.expected + part * more.expected,
            high: sum.high.max(more.high),
        };
        of_shard = Some(match of_shard {
            None => forecast.with_each(&forecast, |of, _| scaled(of)),
            Some(sum) => sum.with_each(&forecast, widened),
        });
    }
    let all = of_shard.unwrap_or_default().times(SHARDS);
    let whole = shape.forecast(n, 0);
    let Forecast { inserted, inserted_bytes, live, live_bytes, .. } = whole;
    Forecast { inserted, inserted_bytes, live, live_bytes, ..all }
}

#[cfg(test)]
mod tests;
