//! All experiments. Thresholds lie well on the claim's side of nothing: where a claim names a factor, a fraction of it
//! is enough to be met, so that noise does not refute it and only what is clearly absent does.

mod collector;
mod concurrency;
mod growth;
mod layout;

use crate::experiment::Experiment;

/// The experiments, in the order of reports.
pub const CATALOGUE: [&Experiment; 16] = [
    &layout::LAYOUTS,
    &layout::CACHE_MISSES,
    &growth::WRITE_COST,
    &growth::MIGRATION,
    &growth::ASSIGN_SHARE,
    &growth::CALL_DEPTH,
    &collector::EMPTY_MAPS,
    &collector::EMPTY_ARRAYS,
    &collector::GC_FREQUENCY,
    &collector::MARK_ASSIST,
    &layout::KEY_ESCAPE,
    &concurrency::FALSE_SHARING,
    &concurrency::SYNC_MAP,
    &concurrency::SHARDS,
    &layout::FLATTEN,
    &growth::PRESIZE,
];
