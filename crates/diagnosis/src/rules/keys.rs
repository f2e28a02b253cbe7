//! Keys: what hashing, comparing and making them costs.

use super::{ENOUGH_SAMPLES, SiteContext, confidence, is_noticeable, said};
use crate::finding::{Advice, Amount, Cause, Finding, Level, Reason};
use evidence::{Cost, SourceKind};
use goabi::MapOp;

/// Part of a site's map cost in hash functions from which on the key is the matter. Usual is 3 to 20 %.
pub(super) const HASH_BOUND: f64 = 0.30;

/// Hash functions that go through the dynamic type of an interface.
const INTERFACE_HASHES: [&str; 3] =
    ["runtime.nilinterhash", "runtime.interhash", "runtime.typehash"];

/// Whether a function hashes keys. The names differ between versions.
fn is_hash(name: &str) -> bool {
    gomap::function_category(name) == Some(gomap::Category::Hash)
}

/// Cost of the leaves of a site for which `is` holds.
fn leaves(context: &SiteContext<'_>, is: impl Fn(&str) -> bool) -> Cost {
    let leaves = context.site.cpu.iter().flat_map(|cpu| &cpu.leaves);
    leaves.filter(|leaf| is(&leaf.name)).fold(Cost::default(), |mut sum, leaf| {
        sum += leaf.cost;
        sum
    })
}

/// Hashing keys, wherever in the map operations of the line.
pub(super) fn hashing(context: &SiteContext<'_>) -> Cost {
    leaves(context, is_hash)
}

/// Keys of interface type: a dynamic hash, and an allocation per assign.
pub(super) fn interface_keys(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.noticeable_cpu()?;
    let map_type =
        context.types(MapOp::Assign).chain(context.types(MapOp::Read)).find(|t| t.key.is_interface);
    let hashing = leaves(context, |name| INTERFACE_HASHES.contains(&name));
    // What a concrete key would make cheaper: all hashing, of the values in the interfaces too, and making these.
    let mut of_keys = leaves(context, is_hash);
    of_keys += cpu.key_conversion;
    let is_there = map_type.is_some() || hashing != Cost::default();
    if !is_there || of_keys.samples < ENOUGH_SAMPLES {
        return None;
    }
    let name = || map_type.map(|t| t.name.clone());
    let (cause, advice) =
        (Cause::InterfaceKeys { map_type: name() }, Advice::ConcreteKey { map_type: name() });
    let mut finding = context.finding(of_keys, cause, advice);
    finding.evidence = said([
        context.share("map operations at this line, of all CPU", cpu.map, process.total),
        context.share(
            "hashing keys and making them at this line, of all CPU",
            of_keys,
            process.total,
        ),
        context.share(
            "in hash functions of interfaces themselves, of these map operations",
            hashing,
            cpu.map,
        ),
        context.share(
            "strings and interface values made on this line, of all CPU",
            cpu.key_conversion,
            process.total,
        ),
    ]);
    if let Some(t) = map_type {
        finding.evidence.extend(context.fact(
            SourceKind::Binary,
            format!("key type {}", t.key.name),
            Amount::Fact,
        ));
    }
    let level = if map_type.is_some() { Level::High } else { Level::Medium };
    finding.confidence = confidence(of_keys, level, Reason::HashFunctionsSeen);
    Some(finding)
}

/// Hashing is a large part of the cost.
pub(super) fn hash_bound_keys(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.noticeable_cpu()?;
    let hashing = leaves(context, is_hash);
    if hashing.share_of(cpu.map) < HASH_BOUND || !is_noticeable(hashing, process.total) {
        return None;
    }
    let key = || context.main_type().map(|t| t.key.name.clone());
    let (cause, advice) = (Cause::Hashing { key: key() }, Advice::HashFewerBytes { key: key() });
    let mut finding = context.finding(hashing, cause, advice);
    finding.evidence = said([
        context.share("map operations at this line, of all CPU", cpu.map, process.total),
        context.share("of that in hash functions", hashing, cpu.map),
    ]);
    finding.confidence = confidence(hashing, Level::Medium, Reason::KeyLengthNotMeasured);
    Some(finding)
}

/// Making the key costs more than the map.
pub(super) fn key_building(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.cpu()?;
    let made = [cpu.key_conversion, cpu.function_key_conversion]
        .into_iter()
        .max_by_key(|cost| cost.cpu_ns)?;
    if !is_noticeable(made, process.total) {
        return None;
    }
    // With several map sites in a function, its keys are reported once, at the most expensive.
    let function = context.function_here()?;
    if made.cpu_ns <= function.map().cpu_ns {
        return None;
    }
    let mut finding = context.finding(made, Cause::KeysBuilt, Advice::BuildKeysOnce);
    finding.evidence = said([
        context.share(
            "strings and interface values made in this function, of all CPU",
            made,
            process.total,
        ),
        context.share("map operations at this line, of all CPU", cpu.map, process.total),
    ]);
    finding.confidence = confidence(made, Level::Medium, Reason::UseAsKeysNotMeasured);
    Some(finding)
}
