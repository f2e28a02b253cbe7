//! Keys: what hashing, comparing and making them costs.

use super::{ENOUGH_SAMPLES, SiteContext, confidence, is_noticeable};
use crate::finding::{Amount, Finding, Level, Verdict};
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
    let mut finding = context.finding(Verdict::ChangeKey, cpu.map);
    finding.cause = match map_type {
        Some(t) => {
            format!("keys of {} are interface values: hashed through their dynamic type", t.name)
        }
        None => "keys are interface values: hashed through their dynamic type".to_owned(),
    };
    finding.advice = "give the map a concrete key type; storing a non-pointer in an interface allocates on every \
                      assign, even on an overwrite (77 against 25 ns in Go 1.21, 61 against 29 ns in 1.27)"
        .to_owned();
    finding.evidence = vec![
        context.share("map operations at this line, of all CPU", cpu.map, process.total),
        context.share("of that in hash functions of interfaces themselves", hashing, cpu.map),
        context.share(
            "strings and interface values made on this line, of all CPU",
            cpu.key_conversion,
            process.total,
        ),
    ];
    if let Some(t) = map_type {
        finding.evidence.push(context.fact(
            SourceKind::Binary,
            format!("key type {}", t.key.name),
            Amount::Fact,
        ));
    }
    let level = if map_type.is_some() { Level::High } else { Level::Medium };
    finding.confidence = confidence(cpu.map, level, "seen in the profile's hash functions");
    Some(finding)
}

/// Hashing is a large part of the cost.
pub(super) fn hash_bound_keys(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.noticeable_cpu()?;
    let hashing = leaves(context, is_hash);
    if hashing.share_of(cpu.map) < HASH_BOUND || !is_noticeable(hashing, process.total) {
        return None;
    }
    let key = context.main_type().map(|t| &t.key);
    let mut finding = context.finding(Verdict::ChangeKey, hashing);
    finding.cause = match key {
        Some(key) => format!("hashing keys of type {} is a large part of the cost", key.name),
        None => "hashing keys is a large part of the cost".to_owned(),
    };
    finding.advice = "hash fewer bytes: shorter strings, or integer ids given out once; integers and strings also have \
                      faster map functions of their own than structs and arrays"
        .to_owned();
    finding.evidence = vec![
        context.share("map operations at this line, of all CPU", cpu.map, process.total),
        context.share("of that in hash functions", hashing, cpu.map),
    ];
    finding.confidence = confidence(hashing, Level::Medium, "the length of keys was not measured");
    Some(finding)
}

/// Making the key costs more than the map.
pub(super) fn key_building(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.cpu()?;
    let made = [cpu.key_conversion, cpu.function_key_conversion]
        .into_iter()
        .max_by_key(|cost| cost.cpu_ns)?;
    // With several map sites in a function, its keys are reported once, at the dearest.
    let function = &context.site.frame.function;
    let is_first = context.evidence.sites.iter().position(|site| site.frame.function == *function)
        == Some(context.index);
    let function_map: u64 = context
        .evidence
        .sites
        .iter()
        .filter(|site| site.frame.function == *function)
        .filter_map(|site| site.cpu.as_ref().map(|cpu| cpu.map.cpu_ns))
        .fold(0, u64::saturating_add);
    if !is_first || made.cpu_ns <= function_map || !is_noticeable(made, process.total) {
        return None;
    }
    let mut finding = context.finding(Verdict::ChangeKey, made);
    finding.cause = "making strings in this function costs more than its maps do".to_owned();
    finding.advice = "build keys once and keep them, use the parts as a struct key, or look up with a []byte converted \
                      in the index expression, which does not allocate"
        .to_owned();
    finding.evidence = vec![
        context.share(
            "strings and interface values made in this function, of all CPU",
            made,
            process.total,
        ),
        context.share("map operations at this line, of all CPU", cpu.map, process.total),
    ];
    finding.confidence = confidence(
        made,
        Level::Medium,
        "the profile does not say whether all of these strings become keys",
    );
    Some(finding)
}
