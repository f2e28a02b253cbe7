//! Which finding comes first, and which stand under another.
//!
//! 1. Findings that ask for a change come first, unless they explain next to nothing beside a line that is to be left alone;
//!    then those that explain more time: of the collector too, where they save what it collects.
//! 2. The first of a line is what to do there. Others of the same line stand under it: *instead* of it where both save the
//!    same work, else *besides*. One that asks for the same hint only adds its evidence.

use std::cmp::Ordering;
use std::collections::HashMap;

use crate::finding::{Advice, Cause, Finding, Relief, Under, Work};
use evidence::Evidence;
use gomap::Category;

/// Part of what the largest line that is left alone explains from which on a change comes before it. Basis: chosen; in a program
/// with 68 % of its CPU in lookups at one line, growth of 2.5 % at another came first.
const WORTH_FIRST: f64 = 0.10;

/// Part of what a finding of the whole process explains that counts where it is put in order. Basis: chosen; that is worked out
/// of several shares, where what a line explains was measured, so it has to be clearly more to come first.
const OF_PROCESS: f64 = 0.8;

/// Part of what all lines of a type explain together from which on a change at one of them comes before it whose gain is not
/// estimated. Basis: chosen; where 32 % of the CPU was at 18 lines of one type, fewer maps for one of 3 % came first.
const WORTH_OF_TYPE: f64 = 0.25;

/// The findings of each line together, the line that matters most first.
pub(super) fn rank(mut found: Vec<Finding>, evidence: &Evidence) -> Vec<Finding> {
    let left_alone = found.iter().filter(|of| !of.asks_for_change() && of.site.is_some());
    let largest = left_alone.map(|of| explains(of, evidence)).fold(0.0, f64::max);
    let of_type = spread_type(&found, evidence);
    let comes_first = |of: &Finding| {
        let is_small = of_type.as_ref().is_some_and(|(name, all)| {
            let is_part = of.saving.is_none() && is_of_type(of, name, evidence);
            is_part && explains(of, evidence) < WORTH_OF_TYPE * all
        });
        of.asks_for_change() && !is_small && explains(of, evidence) >= WORTH_FIRST * largest
    };
    found.sort_by(|a, b| order(a, b, &comes_first, evidence));
    let mut lines: Vec<Vec<Finding>> = Vec::new();
    let mut line_of_site: HashMap<usize, usize> = HashMap::new();
    for finding in found {
        let line = finding.site.map(|site| *line_of_site.entry(site).or_insert(lines.len()));
        match line.and_then(|line| lines.get_mut(line)) {
            Some(line) => join(line, finding),
            None => lines.push(vec![finding]),
        }
    }
    lines.into_iter().flatten().collect()
}

/// The type whose lines cost a lot together and are left alone one by one, and what they explain.
fn spread_type(found: &[Finding], evidence: &Evidence) -> Option<(String, f64)> {
    found.iter().find_map(|finding| match &finding.cause {
        Cause::SpreadOverLines { map_type, .. } if !finding.asks_for_change() => {
            Some((map_type.clone(), explains(finding, evidence)))
        }
        _ => None,
    })
}

fn is_of_type(finding: &Finding, name: &str, evidence: &Evidence) -> bool {
    let site = finding.site.and_then(|site| evidence.sites.get(site));
    site.is_some_and(|site| site.known_types().any(|of| of.name == name))
}

fn order(
    a: &Finding,
    b: &Finding,
    comes_first: &dyn Fn(&Finding) -> bool,
    evidence: &Evidence,
) -> Ordering {
    (comes_first(b).cmp(&comes_first(a)))
        .then_with(|| explains(b, evidence).total_cmp(&explains(a, evidence)))
        .then_with(|| b.confidence.level.cmp(&a.confidence.level))
        .then_with(|| a.site.cmp(&b.site))
        .then_with(|| a.rule.cmp(b.rule))
}

/// How many processors it keeps busy, or goroutines waiting, at any time on average. A CPU profile that does not say how
/// long it took is taken for one of a program that always ran on one processor.
fn explains(finding: &Finding, evidence: &Evidence) -> f64 {
    let of_cpu = || {
        let (cpu, cost) = (evidence.cpu.as_ref()?, finding.cost?);
        let whole_ns = cpu.duration_ns.filter(|&ns| ns > 0).unwrap_or(cpu.total.cpu_ns);
        let ns = cost.cpu_ns as f64 + collecting_ns(finding, evidence).unwrap_or(0.0);
        (whole_ns > 0).then(|| ns / whole_ns as f64)
    };
    let all = finding.waiting.or_else(of_cpu).unwrap_or(0.0);
    if finding.site.is_none() { OF_PROCESS * all } else { all }
}

/// What the collector does in the background for the arrays allocated at the line of a finding that saves them, by their part
/// of all bytes allocated; `None` where that was not measured.
fn collecting_ns(finding: &Finding, evidence: &Evidence) -> Option<f64> {
    if finding.advice.saves() != Work::Filling {
        return None;
    }
    let arrays = evidence.sites.get(finding.site?)?.heap.as_ref()?.arrays();
    let bytes = arrays.filter_map(|block| block.alloc.alloc_bytes).fold(0, u64::saturating_add);
    let all_bytes = evidence.heap.as_ref()?.total.alloc_bytes?;
    let collecting = evidence.cpu.as_ref()?.split.get(Category::GcBackground);
    let share = bytes as f64 / all_bytes.max(1) as f64;
    Some(share.min(1.0) * collecting.cpu_ns as f64)
}

/// Puts a finding under the first one of its line.
fn join(line: &mut Vec<Finding>, mut finding: Finding) {
    let hinted = line.iter_mut().find(|other| is_hint(&other.advice));
    if let Some(hinted) = hinted.filter(|_| is_hint(&finding.advice)) {
        // That with the number, and with what it saves, says more than that about the collector's help.
        if matches!(hinted.advice, Advice::AssistLess { .. }) {
            std::mem::swap(hinted, &mut finding);
            hinted.under = finding.under;
        }
        hinted.evidence.append(&mut finding.evidence);
        return;
    }
    let (saves, first_saves) = (finding.advice.saves(), line.first().map(|of| of.advice.saves()));
    let is_same_work = saves != Work::Other && Some(saves) == first_saves;
    finding.under = Some(if is_same_work { Under::Instead } else { Under::Besides });
    line.push(finding);
}

/// Whether the advice is to give a size hint.
fn is_hint(advice: &Advice) -> bool {
    matches!(
        advice,
        Advice::Presize { .. }
            | Advice::RaiseHint { .. }
            | Advice::FinishGrowth { .. }
            | Advice::AssistLess { by: Relief::Presize(_) }
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{
        Amount, Cause, Confidence, EvidenceLine, Level, Makes, NoMakes, Reason, ShardKey, Verdict,
    };
    use crate::source_id;
    use evidence::{Cost, ProcessCpu, SourceIds};

    /// Two seconds of CPU time in one second.
    fn evidence() -> Evidence {
        let total = Cost { samples: 200, cpu_ns: 2_000_000_000 };
        let cpu =
            ProcessCpu { total, duration_ns: Some(1_000_000_000), ..ProcessCpu::of(source_id(0)) };
        Evidence { cpu: Some(cpu), ..Evidence::default() }
    }

    fn finding(site: usize, advice: Advice, samples: u64) -> Finding {
        let confidence = Confidence { level: Level::High, reason: Reason::ShareMeasured };
        let what = format!("{samples} samples");
        let line =
            EvidenceLine { sources: SourceIds::from(source_id(0)), what, amount: Amount::Fact };
        Finding {
            site: Some(site),
            cost: Some(Cost { samples, cpu_ns: samples * 10_000_000 }),
            evidence: vec![line],
            ..Finding::new("rule", Cause::MapGrows, advice, confidence)
        }
    }

    fn made() -> Makes {
        let no_makes_because = Some(NoMakes::NotSeen);
        Makes {
            map_type: None,
            makes: Vec::new(),
            hinted: Vec::new(),
            makes_are_counted: false,
            are_traced: false,
            is_inner: false,
            no_makes_because,
        }
    }

    fn presize() -> Advice {
        Advice::Presize { made: made(), n: None, entries: None }
    }

    fn ranked(found: Vec<Finding>) -> Vec<(Option<usize>, Verdict, Option<Under>)> {
        let of = |finding: &Finding| (finding.site, finding.verdict(), finding.under);
        rank(found, &evidence()).iter().map(of).collect()
    }

    #[test]
    fn what_explains_most_is_the_verdict_of_its_line() {
        let found = vec![
            finding(0, Advice::ConcreteKey { map_type: None }, 12),
            finding(1, presize(), 50),
            finding(0, Advice::ClearAndReuse { is_local: false }, 20),
            finding(0, presize(), 70),
        ];
        let expected = [
            (Some(0), Verdict::Presize, None),
            (Some(0), Verdict::Reuse, Some(Under::Instead)),
            (Some(0), Verdict::ChangeKey, Some(Under::Besides)),
            (Some(1), Verdict::Presize, None),
        ];
        assert_eq!(ranked(found), expected);
    }

    #[test]
    fn a_change_that_explains_next_to_nothing_does_not_come_first() {
        let order = |samples| {
            let found =
                vec![finding(0, presize(), samples), finding(1, Advice::FewerOperations, 100)];
            ranked(found).into_iter().map(|(site, ..)| site).collect::<Vec<_>>()
        };
        assert_eq!(order(10), [Some(0), Some(1)]);
        assert_eq!(order(9), [Some(1), Some(0)]);
    }

    #[test]
    fn what_is_worked_out_of_the_process_has_to_be_clearly_more() {
        let first = |samples| {
            let of_process = Finding {
                site: None,
                ..finding(0, Advice::ClearAndReuse { is_local: false }, samples)
            };
            ranked(vec![of_process, finding(1, presize(), 40)])[0].0
        };
        assert_eq!((first(49), first(51)), (Some(1), None));
    }

    #[test]
    fn waiting_counts_like_running() {
        let shard = || Advice::Shard { shards: 32, by: ShardKey::Key, or_sync_map: None };
        let waits = |goroutines| Finding { waiting: Some(goroutines), ..finding(0, shard(), 6) };
        let verdicts = |goroutines| {
            let ranked = ranked(vec![waits(goroutines), finding(0, presize(), 70)]);
            ranked.into_iter().map(|(_, verdict, _)| verdict).collect::<Vec<_>>()
        };
        assert_eq!(verdicts(0.1), [Verdict::Presize, Verdict::Shard]);
        assert_eq!(verdicts(3.0), [Verdict::Shard, Verdict::Presize]);
    }

    #[test]
    fn what_stands_under_a_finding_is_compared_with_the_first() {
        let elements = Advice::PointToElements { elem: "T".to_owned(), key: "int".to_owned() };
        let found = vec![
            finding(0, presize(), 70),
            finding(0, Advice::ConcreteKey { map_type: None }, 20),
            finding(0, Advice::BuildKeysOnce, 15),
            finding(0, elements, 12),
            finding(0, Advice::ReuseGoroutines, 11),
            finding(0, Advice::ClearAndReuse { is_local: false }, 10),
        ];
        let unders: Vec<_> = ranked(found).into_iter().map(|(_, _, under)| under).collect();
        let besides = Some(Under::Besides);
        assert_eq!(unders, [None, besides, besides, besides, besides, Some(Under::Instead)]);
        // Work that nothing else saves is not the same work.
        let others =
            vec![finding(0, Advice::ReuseGoroutines, 9), finding(0, Advice::CollectLess, 8)];
        assert_eq!(ranked(others)[1].2, besides);
    }

    #[test]
    fn the_same_hint_twice_is_said_once_with_all_evidence() {
        let assists = finding(0, Advice::AssistLess { by: Relief::Presize(made()) }, 9);
        let ranked = rank(vec![assists, finding(0, presize(), 70)], &evidence());
        let [only] = ranked.as_slice() else { panic!("{ranked:?}") };
        let whats: Vec<&str> = only.evidence.iter().map(|line| &*line.what).collect();
        assert_eq!(whats, ["70 samples", "9 samples"]);
    }
}
