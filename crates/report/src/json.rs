//! The report for programs. The shape is documented in docs/json.md; `schema` changes when it does.

use std::io::{self, Write};

use diagnosis::finding::{Amount, EvidenceLine, GrowthSaving, Span};
use diagnosis::{Diagnosis, Finding};
use evidence::sizes::Size;
use evidence::{
    Alloc, Cost, CostByOp, CostSplit, Evidence, Frame, FunctionCost, Growth, MapType, Misses,
    ProcessCpu, ProcessGrowth, ProcessTrace, Ranges, Site, SiteCpu, SiteHeap, SiteMap, SiteTrace,
    SourceId, SourceIds, TypeGrowth, TypePart,
};
use goabi::MapOp;
use gomap::{Category, MapWork};
use serde_json::{Map, Value, json};

use crate::locks::{self, site_lock};
use crate::{growth, storage, timeline, words};

/// Name and version of the shape.
const SCHEMA: &str = "mapscope.diagnosis/1";

/// Writes the whole diagnosis, one line end after it.
///
/// # Errors
/// When `out` fails.
pub fn render_json(out: &mut dyn Write, diagnosis: &Diagnosis) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &to_value(diagnosis))?;
    writeln!(out)
}

/// The same as a value, for pages.
pub(crate) fn to_value(diagnosis: &Diagnosis) -> Value {
    let evidence = &diagnosis.evidence;
    json!({
        "schema": SCHEMA,
        "program": program(evidence),
        "sources": evidence.sources.iter().map(|source| json!({
            "name": source.name,
            "kind": words::source_kind(source.kind),
            "summary": source.summary,
        })).collect::<Vec<_>>(),
        "notices": evidence.notices.iter().map(|notice| json!({
            "source": notice.source.map(SourceId::index),
            "text": notice.text,
        })).collect::<Vec<_>>(),
        "cpu": evidence.cpu.as_ref().map(process_cpu),
        "heap": evidence.heap.as_ref().map(|heap| json!({
            "sources": ids(heap.sources.iter()),
            "total": alloc(heap.total),
        })),
        "growth": evidence.growth.as_ref().map(process_growth),
        "trace": evidence.trace.as_ref().map(process_trace),
        "timeline": evidence.timeline.as_ref().map(timeline::to_json),
        "locks": evidence.locks.iter().map(locks::to_json).collect::<Vec<_>>(),
        "misses": evidence.misses.iter().map(|of| json!({
            "source": of.source.index(),
            "event": of.event,
            "total": misses(of.total),
        })).collect::<Vec<_>>(),
        "storage": evidence.storage.as_ref().map(storage::to_json),
        "hints": evidence.hints.iter().map(|makes| json!({
            "function": makes.frame.function,
            "file": makes.frame.file,
            "line": makes.frame.line,
            "map_type": makes.map_type,
            "maps": makes.n,
            "mean_hint": makes.mean(),
        })).collect::<Vec<_>>(),
        "findings": diagnosis.findings.iter().map(|f| finding(f, diagnosis)).collect::<Vec<_>>(),
        "sites": evidence.sites.iter().map(site).collect::<Vec<_>>(),
        "not_measured": diagnosis.not_measured.iter().map(|gap| json!({
            "what": gap.what,
            "command": gap.command,
        })).collect::<Vec<_>>(),
    })
}

fn program(evidence: &Evidence) -> Value {
    let program = &evidence.program;
    json!({
        "name": program.name,
        "build_id": program.build_id,
        "go_version": program.go_version.map(|(version, _)| version.to_string()),
        "map_impl": program.map_impl.map(|(map_impl, _)| words::map_impl(map_impl)),
        "arch": program.arch,
    })
}

fn process_cpu(cpu: &ProcessCpu) -> Value {
    json!({
        "sources": ids(cpu.sources.iter()),
        "total": cost(cpu.total),
        "duration_ns": cpu.duration_ns,
        "by_op": by_op(&cpu.by_op),
        "split": split(&cpu.split),
        "growth": cost(cpu.growth),
        "gc": cost(cpu.gc),
        "assign_functions": cpu.assign_functions.iter().map(function_cost).collect::<Vec<_>>(),
    })
}

fn finding(finding: &Finding, diagnosis: &Diagnosis) -> Value {
    json!({
        "rule": finding.rule,
        "site": finding.site,
        "verdict": words::verdict(finding.verdict),
        "cause": words::cause(&finding.cause),
        "advice": words::advice(&finding.advice),
        "action": finding.advice,
        "cost": finding.cost.map(cost),
        "saving": finding.saving.as_ref().map(|saving| json!({
            "low": saving.low,
            "high": saving.high,
            "basis": words::basis(saving.basis),
            "growth": saving.growth.as_ref().map(growth_saving),
        })),
        "confidence": {
            "level": words::level(finding.confidence.level),
            "reason": words::reason(finding.confidence.reason),
        },
        "seen_in": ids(diagnosis.sources_of(finding).into_iter()),
        "measuring_sources": diagnosis.evidence.n_measuring(),
        "evidence": finding.evidence.iter().map(evidence_line).collect::<Vec<_>>(),
    })
}

fn growth_saving(saving: &GrowthSaving) -> Value {
    let span = |span: Span| json!({ "low": span.low, "high": span.high });
    let value = json!({
        "source": saving.sources.first().index(),
        "maps": saving.maps,
        "moved_entries": span(saving.moved_entries),
        "allocated_bytes": span(saving.allocated_bytes),
        "allocations": span(saving.allocations),
    });
    with_all(&saving.sources, value)
}

/// Several sources stand beside the first of them.
fn with_all(sources: &SourceIds, mut value: Value) -> Value {
    if sources.are_several() {
        value["sources"] = ids(sources.iter());
    }
    value
}

fn ids(ids: impl Iterator<Item = SourceId>) -> Value {
    ids.map(SourceId::index).collect()
}

fn evidence_line(line: &EvidenceLine) -> Value {
    let amount = match line.amount {
        Amount::Share { part, whole } => json!({ "part": cost(part), "whole": cost(whole) }),
        Amount::TimeShare { part_ns, whole_ns } => {
            json!({ "part_ns": part_ns, "whole_ns": whole_ns })
        }
        Amount::EventShare { part, whole } => {
            json!({ "part_events": part, "whole_events": whole })
        }
        Amount::Time(ns) => json!({ "ns": ns }),
        Amount::Bytes(n) => json!({ "bytes": n }),
        Amount::Count(n) => json!({ "count": n }),
        Amount::Range { low, high } => json!({ "low": low, "high": high }),
        Amount::Estimate { n, range } => {
            json!({ "count": n, "low": range.low, "high": range.high })
        }
        Amount::Ratio(ratio) => json!({ "ratio": ratio }),
        Amount::RatioRange { low, high } => json!({ "low_ratio": low, "high_ratio": high }),
        Amount::Fact => Value::Null,
    };
    let source = line.sources.first().index();
    with_all(&line.sources, json!({ "source": source, "what": line.what, "amount": amount }))
}

fn site(site: &Site) -> Value {
    json!({
        "function": site.frame.function,
        "file": site.frame.file,
        "line": site.frame.line,
        "inlined_into": site.inlined_into.iter().map(frame).collect::<Vec<_>>(),
        "maps": site.maps.as_ref().map(|maps| maps.iter().map(site_map).collect::<Vec<_>>()),
        "cpu": site.cpu.as_ref().map(site_cpu),
        "heap": site.heap.as_ref().map(site_heap),
        "growth": site.growth.as_ref().map(|growth| json!({
            "total": growth_sums(growth.total),
            "types": growth.types.iter().map(type_growth).collect::<Vec<_>>(),
        })),
        "trace": site.trace.as_ref().map(site_trace),
        "cpu_aside": site.cpu_aside.iter().map(|aside| json!({
            "source": aside.source.index(),
            "total": cost(aside.total),
            "map": cost(aside.map),
            "growth": cost(aside.growth),
        })).collect::<Vec<_>>(),
        "misses": site.misses.iter().map(|of| json!({
            "source": of.source.index(),
            "event": of.event,
            "map": misses(of.map),
            "search": misses(of.search()),
            "by_work": MapWork::ALL
                .iter()
                .map(|&work| (words::work_key(work).to_owned(), misses(of.get(work))))
                .collect::<Map<_, _>>(),
        })).collect::<Vec<_>>(),
        "locks": site.locks.as_ref().map(|locks| locks.iter().map(site_lock).collect::<Vec<_>>()),
    })
}

fn misses(misses: Misses) -> Value {
    json!({ "samples": misses.samples, "events": misses.events })
}

fn site_trace(trace: &SiteTrace) -> Value {
    json!({
        "assists": ranges(trace.assists),
        "growth_assists": ranges(trace.growth_assists),
        "writers": trace.writers.map(|writers| json!({
            "goroutines": writers.n,
            "busy_ns": writers.busy_ns,
            "assists": ranges(writers.assists),
        })),
    })
}

fn process_growth(growth: &ProcessGrowth) -> Value {
    json!({
        "sources": ids(growth.sources.iter()),
        "total": growth_sums(growth.total),
        "precision": growth::precision_key(growth.precision),
        "grows_range": growth::bounds_json(growth.grows_range),
        "uncounted_ns": growth.uncounted_ns,
        "duration_ns": growth.duration_ns,
        "lost": growth.lost,
        "overhead": growth.overhead,
        "gc_cycles": growth.gc_cycles,
        "gc_assists": growth.gc_assists,
    })
}

fn process_trace(trace: &ProcessTrace) -> Value {
    json!({
        "sources": ids(trace.sources.iter()),
        "duration_ns": trace.duration_ns,
        "gc_cycles": ranges(trace.gc_cycles),
        "stops": trace.stops.iter().map(|(reason, stops)| json!({
            "reason": reason,
            "time": ranges(*stops),
        })).collect::<Vec<_>>(),
        "assists": ranges(trace.assists),
        "assists_in_maps": ranges(trace.assists_in_maps),
        "on_cpu_is_lower_bound": trace.is_on_cpu_lower_bound,
        "sweeps": ranges(trace.sweeps),
        "heap_max_bytes": trace.heap_max_bytes,
    })
}

fn ranges(ranges: Ranges) -> Value {
    json!({
        "n": ranges.n,
        "wall_ns": ranges.wall_ns,
        "on_cpu_ns": ranges.on_cpu_ns,
        "longest_ns": ranges.longest_ns,
    })
}

fn growth_sums(sums: Growth) -> Value {
    json!({
        "grows": sums.grows,
        "moved_entries": sums.moved_entries,
        "moved_bytes": sums.moved_bytes,
        "grow_bytes": sums.grow_bytes,
    })
}

fn type_growth(growth: &TypeGrowth) -> Value {
    let size = |size: Size| json!({ "at_least": size.at_least, "room": size.room });
    let sizes = growth.sizes.as_ref();
    json!({
        "map_type": growth.map_type,
        "total": growth_sums(growth.total),
        "precision": growth::precision_key(growth.precision),
        "grows_range": growth::bounds_json(growth.grows_range),
        "steps": growth.steps.iter().map(|step| json!({
            "kind": growth::kind_key(step.kind),
            "before": step.before,
            "after": step.after,
            "local_depth": step.local_depth,
            "grows": step.grows,
            "moved_entries": step.moved_entries,
        })).collect::<Vec<_>>(),
        "final_sizes": sizes.ok().map(|sizes| json!({
            "maps": sizes.n_maps(),
            "maps_range": growth::bounds_json(sizes.range()),
            "sizes": sizes.classes().iter().map(growth::class_json).collect::<Vec<_>>(),
            "larger": growth::larger_json(sizes),
            "p50": size(sizes.quantile(0.5)),
            "p95": size(sizes.quantile(0.95)),
            "write_amplification": sizes
                .write_amplification()
                .map(|(low, high)| json!({ "low": low, "high": high })),
        })),
        "no_sizes_because": sizes.err().map(|reason| growth::no_sizes_key(*reason)),
    })
}

pub(crate) fn frame(frame: &Frame) -> Value {
    json!({ "function": frame.function, "file": frame.file, "line": frame.line })
}

fn site_map(map: &SiteMap) -> Value {
    json!({
        "op": words::op(map.op),
        "callee": map.callee,
        "map_type": map.map_type.as_ref().ok().map(map_type),
        "unknown_because": map.map_type.as_ref().err(),
    })
}

pub(crate) fn map_type(t: &MapType) -> Value {
    json!({
        "name": t.name,
        "key": type_part(&t.key),
        "elem": type_part(&t.elem),
        "nested": words::nested(t.nested),
        "group_bytes": t.group_bytes,
    })
}

fn type_part(t: &TypePart) -> Value {
    json!({ "name": t.name, "size_bytes": t.size, "has_pointers": t.has_pointers, "is_interface": t.is_interface })
}

fn site_cpu(cpu: &SiteCpu) -> Value {
    json!({
        "line_ns": cpu.line.cpu_ns,
        "line_samples": cpu.line.samples,
        "function": cost(cpu.function),
        "function_locking": cost(cpu.function_locking),
        "map_ns": cpu.map.cpu_ns,
        "map_samples": cpu.map.samples,
        "growth": cost(cpu.growth),
        "growth_gc": cost(cpu.growth_gc),
        "stack_growth": cost(cpu.stack_growth),
        "by_op": by_op(&cpu.by_op),
        "split": split(&cpu.split),
        "key_conversion": cost(cpu.key_conversion),
        "function_key_conversion": cost(cpu.function_key_conversion),
        "entry_points": cpu.entry_points.iter().map(function_cost).collect::<Vec<_>>(),
        "leaves": cpu.leaves.iter().map(function_cost).collect::<Vec<_>>(),
        "depth": { "mean": cpu.depth.mean, "hot": cpu.depth.hot, "max": cpu.depth.max },
    })
}

fn site_heap(heap: &SiteHeap) -> Value {
    let block = |block: &evidence::Block| {
        json!({
            "block_bytes": block.block_bytes,
            "map_capacity": block.map_capacity,
            "alloc": alloc(block.alloc),
        })
    };
    json!({ "total": alloc(heap.total), "blocks": heap.blocks.iter().map(block).collect::<Vec<_>>() })
}

pub(crate) fn cost(cost: Cost) -> Value {
    json!({ "samples": cost.samples, "cpu_ns": cost.cpu_ns })
}

fn alloc(alloc: Alloc) -> Value {
    json!({
        "alloc_objects": alloc.alloc_objects,
        "alloc_bytes": alloc.alloc_bytes,
        "inuse_objects": alloc.inuse_objects,
        "inuse_bytes": alloc.inuse_bytes,
    })
}

fn function_cost(function: &FunctionCost) -> Value {
    json!({ "name": function.name, "samples": function.cost.samples, "cpu_ns": function.cost.cpu_ns })
}

/// Operations that cost something.
fn by_op(costs: &CostByOp) -> Value {
    let entries = MapOp::ALL.into_iter().map(|op| (words::op(op).to_owned(), costs.get(op)));
    non_zero(entries)
}

/// Categories that cost something.
fn split(costs: &CostSplit) -> Value {
    let entries =
        Category::ALL.into_iter().map(|c| (words::category_key(c).to_owned(), costs.get(c)));
    non_zero(entries)
}

fn non_zero(entries: impl Iterator<Item = (String, Cost)>) -> Value {
    let entries = entries.filter(|(_, part)| *part != Cost::default());
    Value::Object(entries.map(|(key, part)| (key, cost(part))).collect::<Map<_, _>>())
}
