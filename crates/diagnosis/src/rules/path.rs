//! How a map operation gets to its work: the stack it runs on, and which of the runtime's functions it takes.

use super::{SiteContext, confidence, is_noticeable, said};
use crate::finding::{Advice, Amount, Cause, Finding, Level, Reason, work_label};
use evidence::{MapType, SourceKind};
use goabi::MapOp;
use gomap::Category;

/// Largest element for which a map of a simple key has functions of its own. Units: bytes.
///
/// Source: `mapfast` in src/cmd/compile/internal/walk/walk.go, Go 1.21 to 1.27.
pub(super) const LARGEST_FAST_ELEM: u64 = 128;

/// Goroutines grow their stacks inside map operations.
pub(super) fn stack_growth(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.noticeable_cpu()?;
    if !is_noticeable(cpu.stack_growth, process.total) {
        return None;
    }
    let mut finding = context.finding(cpu.stack_growth, Cause::StacksGrow, Advice::ReuseGoroutines);
    finding.evidence = said([
        context.share("map operations at this line, of all CPU", cpu.map, process.total),
        context.share("of that copying stacks", cpu.stack_growth, cpu.map),
        context.fact(
            SourceKind::Cpu,
            "frames from this line to the deepest work seen".to_owned(),
            Amount::Count(cpu.depth.max.into()),
        ),
    ]);
    Some(finding)
}

/// Elements too large for the functions made for simple keys: the map takes the general ones, and keeps elements apart.
pub(super) fn large_elements(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.noticeable_cpu()?;
    let map_type = context.types(MapOp::Assign).next()?;
    if map_type.elem.size <= LARGEST_FAST_ELEM || !is_simple(map_type) {
        return None;
    }
    let apart = cpu.split.get(Category::OtherMap);
    if !is_noticeable(apart, process.total) {
        return None;
    }
    let callee = cpu.entry_points.first()?.name.to_string();
    let cause = Cause::LargeElements { above_bytes: LARGEST_FAST_ELEM, callee };
    let (elem, key) = (map_type.elem.name.clone(), map_type.key.name.clone());
    let mut finding = context.finding(apart, cause, Advice::PointToElements { elem, key });
    finding.evidence = said([
        context.share("map operations at this line, of all CPU", cpu.map, process.total),
        context.share(&format!("of that {}", work_label(Category::OtherMap)), apart, cpu.map),
        context.fact(
            SourceKind::Binary,
            format!("an element of {}", map_type.name),
            Amount::Bytes(map_type.elem.size),
        ),
    ]);
    finding.confidence = confidence(apart, Level::Low, Reason::OtherPathNotMeasured);
    Some(finding)
}

/// Functions that look for keys of any type. Those with a suffix are made for strings, and for keys that are 4 or 8 bytes of memory.
///
/// Source: src/cmd/compile/internal/walk/walk.go, Go 1.21 to 1.27.
const GENERAL_FUNCTIONS: [&str; 4] =
    ["runtime.mapassign", "runtime.mapaccess1", "runtime.mapaccess2", "runtime.mapdelete"];

/// Whether the line calls such a function for the key's own type, and not for the size of elements.
pub(super) fn takes_general(map_type: &MapType, callee: &str) -> bool {
    GENERAL_FUNCTIONS.contains(&callee) && map_type.elem.size <= LARGEST_FAST_ELEM
}

/// Whether keys of this type have functions of their own: strings and words of 4 or 8 bytes.
fn is_simple(map_type: &MapType) -> bool {
    const SIMPLE: [&str; 9] =
        ["string", "int", "uint", "int32", "uint32", "int64", "uint64", "uintptr", "rune"];
    SIMPLE.contains(&map_type.key.name.as_str())
}
