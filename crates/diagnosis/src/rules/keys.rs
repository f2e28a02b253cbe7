//! Keys: what hashing, comparing and making them costs.

use super::{ENOUGH_SAMPLES, FEW_SAMPLES, SiteContext, confidence, is_noticeable, said};
use crate::finding::{Advice, Amount, Cause, Finding, KeyMaker, Level, Reason};
use evidence::{Cost, ProcessCpu, SiteCpu, SourceKind, TypePart};
use goabi::MapOp;
use gomap::MapWork;

/// Part of a site's map cost in hash functions from which on the key is the matter. Usual is 3 to 20 %.
pub(super) const HASH_BOUND: f64 = 0.30;
/// Part of searching and comparing that hashing takes at least, where the key is the matter.
pub(super) const HASH_BESIDE_SEARCH: f64 = 0.66;
/// Keys up to this size are not worth shortening: there are no faster ones. Units: bytes.
pub(super) const WORD_BYTES: u64 = 8;
/// CPU of making strings for each unit of CPU in maps, up to which they may be keys.
pub(super) const MOST_FOR_KEYS: u64 = 20;

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
    leaves.filter(|leaf| is(&leaf.name)).map(|leaf| leaf.cost).sum()
}

/// Keys of interface type: a dynamic hash, and an allocation per assign.
pub(super) fn interface_keys(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.noticeable_cpu()?;
    let looked_up = [MapOp::Assign, MapOp::Read, MapOp::Delete];
    let map_type =
        looked_up.into_iter().flat_map(|op| context.types(op)).find(|t| t.key.is_interface);
    let hashing = leaves(context, |name| INTERFACE_HASHES.contains(&name));
    // What a concrete key would make cheaper: all hashing and comparing, of the values in the interfaces too, and making these.
    let mut of_keys = leaves(context, is_hash);
    of_keys += cpu.by_work.get(MapWork::Compare);
    of_keys += cpu.key_conversion;
    // Keys of a `sync.Map` are interfaces, whatever its user does.
    let is_sync = cpu.by_op.get(MapOp::Sync) == cpu.map;
    let is_there = !is_sync && (map_type.is_some() || hashing != Cost::default());
    if !is_there || !is_noticeable(of_keys, process.total) {
        return None;
    }
    let name = || map_type.map(|t| t.name.clone());
    let (cause, advice) =
        (Cause::InterfaceKeys { map_type: name() }, Advice::ConcreteKey { map_type: name() });
    let mut finding = context.finding(of_keys, cause, advice);
    finding.evidence = said([
        context.share("map operations at this line, of all CPU", cpu.map, process.total),
        context.share(
            "hashing, comparing and making keys at this line, of all CPU",
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

/// Hashing is the largest part of what looking keys up costs.
pub(super) fn hash_bound_keys(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.noticeable_cpu()?;
    let [hashing, loading, comparing] =
        [MapWork::Hash, MapWork::Load, MapWork::Compare].map(|work| cpu.by_work.get(work));
    let mut searching = loading;
    searching += comparing;
    let is_large = hashing.share_of(cpu.map) >= HASH_BOUND
        && hashing.cpu_ns as f64 >= HASH_BESIDE_SEARCH * searching.cpu_ns as f64;
    if !is_large || !is_noticeable(hashing, process.total) || has_short_keys(context, cpu) {
        return None;
    }
    let key = || context.main_type().map(|t| t.key.name.clone());
    let (cause, advice) = (Cause::Hashing { key: key() }, Advice::HashFewerBytes { key: key() });
    let mut finding = context.finding(hashing, cause, advice);
    finding.evidence = said([
        context.share("map operations at this line, of all CPU", cpu.map, process.total),
        context.share("of that hashing keys", hashing, cpu.map),
        context.share("of that searching and comparing", searching, cpu.map),
    ]);
    finding.confidence = confidence(hashing, Level::Medium, Reason::KeyLengthNotMeasured);
    Some(finding)
}

/// Whether all keys looked up here are as short as an integer, by their types, else by the functions that are called.
fn has_short_keys(context: &SiteContext<'_>, cpu: &SiteCpu) -> bool {
    all_keys(context, cpu, |key| key.size <= WORD_BYTES)
}

/// Whether all keys looked up here have the property, which all integers of 4 and 8 bytes have: where types are not known, the
/// functions that are called tell such integers.
fn all_keys(context: &SiteContext<'_>, cpu: &SiteCpu, is: impl Fn(&TypePart) -> bool) -> bool {
    let maps = context.site.maps.iter().flatten();
    let mut types = maps.filter_map(|map| map.map_type.as_ref().ok()).peekable();
    if types.peek().is_some() {
        return types.all(|of| is(&of.key));
    }
    let is_of_words = |name: &str| name.contains("_fast32") || name.contains("_fast64");
    !cpu.entry_points.is_empty() && cpu.entry_points.iter().all(|of| is_of_words(&of.name))
}

/// Making the key costs more than the map: in the function of the line, or in one that calls it.
pub(super) fn key_building(context: &SiteContext<'_>) -> Option<Finding> {
    let (cpu, process) = context.cpu()?;
    // With several map sites in a function, its keys are reported once, at the most expensive.
    let function = context.function_here()?;
    // Strings and interface values have pointers: what is made is not for other keys.
    if all_keys(context, cpu, |key| !key.has_pointers) {
        return None;
    }
    let map = function.map();
    let own = Made { cost: cpu.function_key_conversion, map, by: KeyMaker::Function };
    let of_line = Made { cost: cpu.key_strings, map: cpu.map, by: KeyMaker::Line };
    let made = of_callers(cpu).chain(of_helper(cpu, map)).chain([own, of_line]);
    let made = made.filter(|made| made.is_the_matter(process));
    let Made { cost, by, .. } = made.max_by_key(|made| made.cost.cpu_ns)?;
    let whose = match &by {
        KeyMaker::Line => "this line",
        KeyMaker::Function => "this function",
        KeyMaker::Caller { function } | KeyMaker::Callee { function } => function,
    };
    let label = format!("strings made in {whose}, of all CPU");
    let cause = Cause::KeysBuilt { by };
    let mut finding = context.finding(cost, cause, Advice::BuildKeysOnce);
    finding.evidence = said([
        context.share(&label, cost, process.total),
        context.share("map operations at this line, of all CPU", cpu.map, process.total),
    ]);
    finding.confidence = confidence(cost, Level::Medium, Reason::UseAsKeysNotMeasured);
    Some(finding)
}

/// Strings that are made.
struct Made {
    cost: Cost,
    /// Map operations for which they may be made.
    map: Cost,
    by: KeyMaker,
}

impl Made {
    fn is_the_matter(&self, process: &ProcessCpu) -> bool {
        let may_be_keys = self.cost.cpu_ns <= self.map.cpu_ns.saturating_mul(MOST_FOR_KEYS);
        // What the line itself makes is hardly for anything else.
        let at_least = match self.by {
            KeyMaker::Line => self.map.cpu_ns / 2,
            KeyMaker::Function | KeyMaker::Caller { .. } | KeyMaker::Callee { .. } => {
                self.map.cpu_ns
            }
        };
        let is_more = self.cost.cpu_ns > at_least;
        let is_used = self.map.samples >= ENOUGH_SAMPLES;
        is_more && may_be_keys && is_used && is_noticeable(self.cost, process.total)
    }
}

/// What lines make that call the line's function: a key may be handed on as an argument.
fn of_callers(cpu: &SiteCpu) -> impl Iterator<Item = Made> {
    // That strings which another function makes become keys is likely at best: a few say nothing.
    let near = cpu
        .callers
        .iter()
        .filter(|caller| caller.n_above == 1 && caller.key_conversion.samples >= FEW_SAMPLES);
    near.map(|caller| Made {
        cost: caller.key_conversion,
        map: caller.map,
        by: KeyMaker::Caller { function: caller.frame.function.to_string() },
    })
}

/// What a function makes that is called just before: its result may be the key.
fn of_helper(cpu: &SiteCpu, map: Cost) -> Option<Made> {
    let helper = cpu.key_helper.as_ref().filter(|of| of.cost.samples >= FEW_SAMPLES)?;
    let by = KeyMaker::Callee { function: helper.name.to_string() };
    Some(Made { cost: helper.cost, map, by })
}
