//! What other ways to hold the same entries would cost.

use crate::growth::Forecast;
use crate::shape::MapShape;
use crate::types::{GoType, MapType};
use crate::version::GoVersion;

/// A map of a program, by its sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Entries of the map.
    pub outer: u64,
    /// Entries of each map in it; `None` when there are none.
    pub inner: Option<u64>,
}

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
}

/// Forecasts of the rewrites that a map type allows: flattening needs a map in the map, and its size. `None` for an
/// unknown release, or keys that together are too large.
pub fn what_if(
    version: GoVersion,
    map: &MapType,
    sizes: Sizes,
) -> Option<Vec<(Rewrite, Forecast)>> {
    let outer = MapShape::new(version, map)?;
    let n = sizes.outer;
    let Some((inner_type, n_inner)) = map.elem.map.as_deref().zip(sizes.inner) else {
        return Some(vec![
            (Rewrite::Today, outer.forecast(n, 0)),
            (Rewrite::Presized, outer.forecast(n, n)),
        ]);
    };
    let inner = MapShape::new(version, inner_type)?;
    let flat_key = GoType::structure(&[map.key.clone(), inner_type.key.clone()])?;
    let flat_type = MapType { key: flat_key, elem: inner_type.elem.clone() };
    let flat = MapShape::new(version, &flat_type)?;
    let nested = |outer_hint, inner_hint| {
        let mut sum = outer.forecast(n, outer_hint);
        sum += &inner.forecast(n_inner, inner_hint).times(n);
        sum
    };
    let n_flat = n.saturating_mul(n_inner);
    Some(vec![
        (Rewrite::Today, nested(0, 0)),
        (Rewrite::Presized, nested(n, n_inner)),
        (Rewrite::Flattened, flat.forecast(n_flat, 0)),
        (Rewrite::FlattenedPresized, flat.forecast(n_flat, n_flat)),
    ])
}

#[cfg(test)]
mod tests;
