//! Many runs of the same operations, as one forecast.

use gomap::{ByKind, Estimate, Forecast, GrowKind, MapShape};

use crate::simulation::{Op, Outcome, Simulation};

/// Runs the same operations with several seeds: expectation and range of what they cost. `None` for hints beyond 2^28.
///
/// The range reaches as far as the spread of these runs lets expect. What happens in one of a hundred runs is seen with
/// some hundreds of seeds.
pub fn forecast_ops(
    shape: MapShape,
    hint: u64,
    ops: impl Iterator<Item = Op> + Clone,
    seeds: impl Iterator<Item = u64>,
) -> Option<Forecast> {
    let run = |seed| {
        let mut simulation = Simulation::new(shape, hint, seed)?;
        ops.clone().for_each(|op| simulation.apply(op));
        Some(simulation.outcome())
    };
    let outcomes: Vec<Outcome> = seeds.map(run).collect::<Option<_>>()?;
    let any = outcomes.first().copied().unwrap_or_default();
    let over = |value: fn(&Outcome) -> u64| estimate(outcomes.iter().map(value));
    let mut grows = ByKind::default();
    for kind in GrowKind::ALL {
        grows[kind] = estimate(outcomes.iter().map(|outcome| outcome.grows[kind]));
    }
    Some(Forecast {
        inserted: any.inserted,
        inserted_bytes: any.inserted_bytes,
        live: any.live,
        live_bytes: any.live_bytes,
        grows,
        moved: over(|outcome| outcome.moved),
        begun: over(|outcome| outcome.begun),
        moved_bytes: over(|outcome| outcome.moved_bytes),
        allocated_bytes: over(|outcome| outcome.allocated_bytes),
        allocations: over(|outcome| outcome.allocations),
        retained_bytes: over(|outcome| outcome.retained_bytes),
        retained_objects: over(|outcome| outcome.retained_objects),
        pointer_bytes: over(|outcome| outcome.pointer_bytes),
        slots: over(|outcome| outcome.slots),
    })
}

/// What runs with different seeds counted.
fn estimate(values: impl Iterator<Item = u64> + Clone) -> Estimate {
    let n = values.clone().count().max(1) as f64;
    let mean = values.clone().map(|value| value as f64).sum::<f64>() / n;
    let square = |value: u64| (value as f64 - mean).powi(2);
    let deviation = (values.clone().map(square).sum::<f64>() / n).sqrt();
    let around = Estimate::around(mean, deviation, (0.0, f64::MAX));
    let low = values.clone().min().unwrap_or(0) as f64;
    let high = values.max().unwrap_or(0) as f64;
    if low == high {
        return Estimate::exact(low);
    }
    Estimate { low: around.low.min(low), expected: mean, high: around.high.max(high) }
}
