//! What is said to be saved.

use super::*;
use crate::finding::{Basis, Saving};

fn saving(diagnosis: &Diagnosis, advice: impl Fn(&Advice) -> bool) -> Saving {
    let finding = diagnosis.findings.iter().find(|finding| advice(&finding.advice)).unwrap();
    finding.saving.clone().unwrap()
}

fn presizing(diagnosis: &Diagnosis) -> Saving {
    saving(diagnosis, |advice| matches!(advice, Advice::Presize { .. }))
}

fn assert_in_order(saving: &Saving) {
    for part in [saving.cpu, saving.collector] {
        assert!(part.low <= part.best && part.best <= part.high && part.high <= 1.0, "{saving:?}");
    }
}

/// A line with 6 % of the bytes does not save a third of the collector's work.
#[test]
fn the_collector_is_saved_by_the_bytes_of_the_line() {
    let with_bytes = |all: u64| {
        let mut evidence = program("go1.27.3");
        evidence.cpu.as_mut().unwrap().gc = cost(300);
        let growing = site(1, &[(Assign, Probe, 20), (Assign, GrowthMove, 20)])
            .uses(Assign, inner())
            .arrays(&[(8, 300), (14, 300), (28, 300)], 1000);
        let mut rest = site(2, &[]);
        rest.cpu = None;
        rest = rest.arrays(&[(999, all)], 1000);
        presizing(&run(evidence, vec![growing, rest]))
    };
    // 900 of 15,000 blocks of 100 bytes.
    let few = with_bytes(14_100);
    assert!(few.collector.best < 0.3 * 0.06 && few.collector.best > 0.0, "{few:?}");
    assert!(few.cpu.high < 0.08, "{few:?}");
    let most = with_bytes(100);
    assert!(most.collector.best > 0.1, "{most:?}");
    [few, most].iter().for_each(assert_in_order);
}

/// Without a heap profile the time in the allocator says it, less exactly.
#[test]
fn without_a_heap_profile_the_time_in_the_allocator_counts() {
    let mut evidence = program("go1.27.3");
    let cpu = evidence.cpu.as_mut().unwrap();
    (cpu.gc, cpu.allocation) = (cost(50), cost(200));
    let saved = presizing(&run(evidence, vec![site(1, GROWING)]));
    // Half of the allocator's time, and so half of the collector's; half of that is for arrays that are outgrown.
    assert!((saved.collector.best - 0.05 * 0.5 * 0.5).abs() < 1e-9, "{saved:?}");
    assert!((saved.cpu.best - (0.22 + 0.1 * 0.5 + 0.0125)).abs() < 1e-9, "{saved:?}");
    assert_in_order(&saved);
}

/// Entries of maps with a hint of 28 that hold 42 move once more.
#[test]
fn what_one_hint_leaves_is_not_promised() {
    let of = |arrays: &[(u64, u64)]| {
        let growing = site(1, &[(Assign, Probe, 100), (Assign, GrowthMove, 300)]);
        run(program("go1.27.3"), vec![growing.uses(Assign, inner()).arrays(arrays, 1000)])
    };
    let alike = of(&[(14, 1000), (28, 1000)]);
    assert!((presizing(&alike).cpu.best - 0.33).abs() < 1e-9);
    let spread = of(&[(14, 1000), (28, 1000), (56, 700)]);
    let Advice::Presize { n: Some(28), .. } = spread.findings[0].advice else {
        panic!("{:?}", spread.findings[0].advice)
    };
    let saved = presizing(&spread).cpu.best;
    assert!(saved > 0.15 && saved < 0.28, "{saved}");
}

#[test]
fn no_single_hint_is_advised_where_sizes_differ_much() {
    let hint = |arrays: &[(u64, u64)]| {
        let growing = site(1, GROWING).uses(Assign, inner()).arrays(arrays, 1000);
        let d = run(program("go1.27.3"), vec![growing]);
        let Advice::Presize { n, entries, .. } = d.findings[0].advice else { panic!("{d:?}") };
        (n, entries.map(|entries| (entries.p25.room, entries.p50.room)))
    };
    assert_eq!(hint(&[(14, 900), (28, 900)]), (Some(28), Some((28, 28))));
    let halving = [(14, 1600), (28, 800), (56, 400), (112, 200), (224, 100), (448, 50)];
    assert_eq!(hint(&halving), (None, Some((14, 14))));
    // Most maps never grow: a hint would only cost them.
    assert_eq!(hint(&[(8, 9000), (14, 900), (28, 900)]), (None, Some((28, 28))));
    // Of large Swiss maps only the mean is known.
    let split = [(14, 60), (28, 60), (56, 60), (112, 60), (224, 60), (448, 60), (896, 9000)];
    assert_eq!(hint(&split), (None, None));
}

#[test]
fn each_kind_of_advice_saves_what_it_takes_away() {
    let any_key = TypePart { is_interface: true, name: "interface {}".into(), ..string_part() };
    let any = map_of(any_key, inner().elem);
    let hashing = site(1, &[(Assign, Hash, 100), (Assign, Probe, 100)])
        .uses(Assign, any)
        .leaf("runtime.nilinterhash", 40)
        .leaf("aeshashbody", 60);
    let d = run(program("go1.27.3"), vec![hashing]);
    let saved = saving(&d, |advice| matches!(advice, Advice::ConcreteKey { .. }));
    assert_eq!(saved.basis, Basis::ConcreteKey);
    assert!((saved.cpu.best - 0.115).abs() < 1e-9, "{saved:?}");
    assert_in_order(&saved);
    // What nothing says the size of gets no estimate.
    let fine = run(program("go1.27.3"), vec![site(1, STEADY)]);
    assert!(fine.findings.iter().all(|finding| finding.saving.is_none()));
}

#[test]
fn a_flat_map_saves_both_searches_of_the_outer_map_and_its_inner_maps() {
    let mut evidence = program("go1.27.3");
    evidence.cpu.as_mut().unwrap().gc = cost(200);
    let tiny = site(1, &[(Assign, Create, 200), (Assign, Probe, 100)])
        .uses(Assign, inner())
        .held()
        .arrays(&[(8, 950)], 100_000);
    let outer = site(2, &[(MapOp::Read, Read, 150)]).uses(MapOp::Read, outer());
    let d = run(evidence, vec![tiny, outer]);
    let saved = saving(&d, |advice| matches!(advice, Advice::Flatten { .. }));
    // Making maps and the other line, less what entries of the flat map and its growth cost.
    assert!(saved.cpu.best > 0.0 && saved.cpu.low < 0.0 && saved.cpu.high > 0.35, "{saved:?}");
    assert_in_order(&saved);
}
