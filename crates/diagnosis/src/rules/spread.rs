//! When no line is the matter: many lines that cost a little each, or all uses of one type of map together.

use std::collections::HashMap;

use goabi::MapOp;
use gomap::MapWork;

use super::growth::GROWTH_DOMINATES;
use super::keys::HASH_BOUND;
use super::steady::{in_maps, measured, spent};
use super::{PROCESS_NOTICEABLE, ProcessContext, confidence, is_noticeable, said};
use crate::finding::{Advice, Cause, EvidenceLine, Finding, Level, Makes, NoMakes, Reason, Spent};
use evidence::{Cost, Evidence, Frame, MakeSite, ProcessCpu, SiteCpu};

/// Part of the process' CPU in maps of one type from which on they are looked at together.
pub(super) const TYPE_NOTICEABLE: f64 = 0.10;
/// Lines over which that is spread at least.
pub(super) const TYPE_LINES: u64 = 5;
/// Lines of any type over which it is spread at least; fewer are looked at one by one.
pub(super) const FEW_LINES: u64 = 3;
/// Part of it that the line which costs most has at most.
pub(super) const LARGEST_LINE: f64 = 0.50;

/// Part of the cost of maps whose lines are known, from which on it can be told to be at many.
pub(super) const AT_LINES: f64 = 0.50;

/// Parts of the cost that are shown.
const SHOWN_PARTS: usize = 2;

/// Maps cost something in sum, but no single line does.
pub(super) fn spread_thin(process: &ProcessContext<'_>) -> Option<Finding> {
    over_lines(process).or_else(|| thin(process))
}

fn thin(process: &ProcessContext<'_>) -> Option<Finding> {
    let cpu = process.cpu()?;
    let (map, total) = (in_maps(cpu), cpu.total);
    let sites = || process.evidence.sites.iter().filter_map(|site| site.cpu.as_ref());
    let largest = sites().map(|cpu| cpu.map).max_by_key(|cost| cost.cpu_ns)?;
    // What has no names may be at one line.
    let is_named = cpu.unnamed.share_of(total) < PROCESS_NOTICEABLE;
    let is_large = map.share_of(total) >= PROCESS_NOTICEABLE && is_named;
    let is_spread = sites().filter(|cpu| cpu.map != Cost::default()).count() as u64 >= FEW_LINES;
    // Where stacks have no callers there are no lines that it is spread over.
    let at_lines: Cost = sites().map(|cpu| cpu.map).sum();
    let is_at_lines = at_lines.share_of(map) >= AT_LINES;
    if !is_large || !is_spread || !is_at_lines || largest.share_of(total) >= PROCESS_NOTICEABLE {
        return None;
    }
    let cause = Cause::SpreadThin { lines: sites().count() as u64 };
    let confidence = confidence(map, Level::High, Reason::SharesMeasured);
    let evidence = said([
        process.share("inside map operations, of all CPU", map, total),
        process.share("at the line that costs most", largest, total),
    ]);
    let advice = Advice::LookForHabit { map_type: None, makes: Vec::new() };
    let finding = process.finding(cause, advice, map, confidence);
    Some(Finding { evidence, ..finding })
}

/// All lines that use maps of one type, and of no other that is known.
struct TypeSums<'e> {
    name: &'e str,
    has_interface_keys: bool,
    lines: u64,
    largest: Cost,
    all: SiteCpu,
}

/// One type of map costs a good part of the CPU, at many lines of which none has most of it.
fn over_lines(process: &ProcessContext<'_>) -> Option<Finding> {
    let cpu = process.cpu()?;
    let sums = by_type(process.evidence);
    let is_spread = |of: &&TypeSums<'_>| {
        of.all.map.share_of(cpu.total) >= TYPE_NOTICEABLE
            && of.lines >= TYPE_LINES
            && of.largest.share_of(of.all.map) < LARGEST_LINE
    };
    let spread = sums.iter().filter(is_spread);
    let most = spread.max_by(|a, b| {
        let by_cost = a.all.map.cpu_ns.cmp(&b.all.map.cpu_ns);
        by_cost.then_with(|| b.name.cmp(a.name))
    })?;
    let growth = most.all.growth;
    let is_growth =
        growth.share_of(most.all.map) >= GROWTH_DOMINATES && is_noticeable(growth, cpu.total);
    let of_keys = most.of_keys();
    let is_of_keys = most.has_interface_keys
        && of_keys.share_of(most.all.map) >= HASH_BOUND
        && is_noticeable(of_keys, cpu.total);
    let map_type = most.name.to_owned();
    let (cost, level, reason, advice) = if is_growth {
        let advice = presize(process.evidence, map_type.clone());
        (growth, Level::Medium, Reason::SizesNotMeasured, advice)
    } else if is_of_keys {
        let advice = Advice::ConcreteKey { map_type: Some(map_type.clone()) };
        (of_keys, Level::Medium, Reason::HashFunctionsSeen, advice)
    } else {
        let makes = makes(process.evidence, most.name, |_| true);
        let advice = Advice::LookForHabit { map_type: Some(map_type.clone()), makes };
        (most.all.map, Level::High, Reason::SharesMeasured, advice)
    };
    let cause = Cause::SpreadOverLines { map_type, lines: most.lines };
    let finding = process.finding(cause, advice, cost, confidence(cost, level, reason));
    Some(Finding { evidence: lines(process, cpu, most), ..finding })
}

/// By type, the lines of which no other type is known.
fn by_type(evidence: &Evidence) -> Vec<TypeSums<'_>> {
    let mut index: HashMap<&str, usize> = HashMap::new();
    let mut sums: Vec<TypeSums<'_>> = Vec::new();
    for site in &evidence.sites {
        let (Some(cpu), Some(first)) = (&site.cpu, site.only_type()) else { continue };
        if cpu.map == Cost::default() {
            continue;
        }
        let at = *index.entry(&first.name).or_insert(sums.len());
        if at == sums.len() {
            let (largest, all) = (Cost::default(), SiteCpu::default());
            let has_interface_keys = first.key.is_interface;
            sums.push(TypeSums { name: &first.name, has_interface_keys, lines: 0, largest, all });
        }
        if let Some(of) = sums.get_mut(at) {
            of.add(cpu);
        }
    }
    sums
}

impl TypeSums<'_> {
    /// Hashing and comparing keys.
    fn of_keys(&self) -> Cost {
        [MapWork::Hash, MapWork::Compare].map(|work| self.all.by_work.get(work)).into_iter().sum()
    }

    fn add(&mut self, cpu: &SiteCpu) {
        self.lines += 1;
        if cpu.map.cpu_ns > self.largest.cpu_ns {
            self.largest = cpu.map;
        }
        self.all.map += cpu.map;
        self.all.growth += cpu.growth;
        for (sum, part) in self.all.split.0.iter_mut().zip(cpu.split.0) {
            *sum += part;
        }
        for op in MapOp::ALL {
            self.all.by_op.add(op, cpu.by_op.get(op));
        }
        for work in MapWork::ALL {
            self.all.by_work.add(work, cpu.by_work.get(work));
        }
    }
}

/// Where such maps are made, of the functions that use maps, by makes that are meant.
fn makes(evidence: &Evidence, name: &str, is_meant: impl Fn(&MakeSite) -> bool) -> Vec<Frame> {
    let of_type = evidence.makes.iter().filter(|make| make.map_type.as_deref() == Some(name));
    let made = of_type.filter(|make| is_meant(make));
    let mut places: Vec<Frame> = made.map(|make| make.frame.clone()).collect();
    places.sort();
    places.dedup();
    places
}

fn presize(evidence: &Evidence, name: String) -> Advice {
    let unhinted = makes(evidence, &name, |make| !make.has_hint);
    let made = Makes {
        no_makes_because: unhinted.is_empty().then_some(NoMakes::NotSeen),
        makes: unhinted,
        hinted: makes(evidence, &name, |make| make.has_hint),
        map_type: Some(name),
        makes_are_counted: false,
        are_traced: false,
        is_inner: false,
    };
    Advice::Presize { made, n: None, entries: None }
}

fn lines(process: &ProcessContext<'_>, cpu: &ProcessCpu, of: &TypeSums<'_>) -> Vec<EvidenceLine> {
    let all = format!("{} at all its lines, of all CPU", of.name);
    let mut lines = said([
        process.share(&all, of.all.map, cpu.total),
        process.share("at the line that costs most", of.largest, cpu.total),
        process.share("of all its lines under growth frames", of.all.growth, of.all.map),
    ]);
    let parts = spent(&of.all);
    let of_part = |(part, cost): &(Spent, Cost)| {
        process.share(&format!("of all its lines {}", part.label()), *cost, of.all.map)
    };
    lines.extend(measured(&parts).take(SHOWN_PARTS).filter_map(of_part));
    lines
}
