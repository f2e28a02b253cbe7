//! What no input measured.

use crate::finding::Gap;
use evidence::{CpuUnit, Evidence, SourceKind};

/// Gaps, the most telling first.
pub(super) fn list(evidence: &Evidence) -> Vec<Gap> {
    Gap::ALL.into_iter().filter(|&gap| is_open(gap, evidence)).collect()
}

fn is_open(gap: Gap, evidence: &Evidence) -> bool {
    match gap {
        Gap::CpuTime => evidence.cpu.as_ref().is_none_or(|cpu| cpu.unit == CpuUnit::Samples),
        Gap::MapTypes => !has_types(evidence),
        Gap::GrowthAllocations => !has_allocations(evidence) && evidence.growth.is_none(),
        Gap::Growths => evidence.growth.is_none(),
        Gap::CollectorWaits => evidence.trace.is_none(),
        Gap::LockWaits => evidence.locks.is_empty(),
        Gap::Misses => evidence.misses.is_empty(),
    }
}

/// Exports of one type have only what is live, or no numbers.
fn has_allocations(evidence: &Evidence) -> bool {
    let total = evidence.heap.as_ref().map(|heap| heap.total);
    total.is_some_and(|total| total.alloc_bytes.is_some() && total.alloc_objects.is_some())
}

/// Without sites a binary has no lines to tell types of.
fn has_types(evidence: &Evidence) -> bool {
    let has_binary = evidence.sources.iter().any(|source| source.kind == SourceKind::Binary);
    let is_at_a_site = evidence.sites.iter().any(|site| site.maps.is_some());
    is_at_a_site || has_binary && evidence.sites.is_empty()
}
