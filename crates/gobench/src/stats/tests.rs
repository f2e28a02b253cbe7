#![allow(clippy::unwrap_used)]

use super::*;

fn close(found: Option<f64>, wanted: f64) {
    let found = found.unwrap();
    assert!((found - wanted).abs() < 1e-6 * wanted.max(1e-3), "{found} is not {wanted}");
}

#[test]
fn medians_come_with_an_interval_from_six_runs_on() {
    assert_eq!(summary(&[]), None);
    assert_eq!(summary(&[3.0, 1.0]), Some(Summary { n: 2, median: 2.0, interval: None }));
    assert_eq!(summary(&[1.0; 5]).unwrap().interval, None);
    let six = [6.0, 2.0, 5.0, 1.0, 4.0, 3.0];
    assert_eq!(summary(&six), Some(Summary { n: 6, median: 3.5, interval: Some((1.0, 6.0)) }));
    let ten: Vec<f64> = (1..=10).map(f64::from).collect();
    // 1 - 2 (1 + 10) / 1024 = 97.9 %, and 89.1 % one further in.
    assert_eq!(summary(&ten).unwrap().interval, Some((2.0, 9.0)));
}

/// Wanted values: R 4.2, wilcox.test(exact = TRUE), without ties.
#[test]
fn exact_p_values_without_ties() {
    close(mann_whitney(&[1.0, 2.0, 3.0, 4.0, 5.0], &[6.0, 7.0, 8.0, 9.0, 10.0]), 2.0 / 252.0);
    close(mann_whitney(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]), 0.1);
    close(mann_whitney(&[1.0], &[2.0]), 1.0);
    // Depression scores of Hollander & Wolfe, table 4.1: W = 35, p = 0.2544 for two sides.
    let permeability = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
    let at_term = [1.15, 0.88, 0.90, 0.74, 1.21];
    let p = mann_whitney(&permeability, &at_term).unwrap();
    assert!((p - 0.2544).abs() < 5e-5, "{p}");
}

/// All ways counted one by one.
#[test]
fn exact_p_values_with_ties_equal_those_of_counting() {
    let (a, b) = ([1.0, 2.0, 2.0, 3.0, 9.0], [2.0, 3.0, 3.0, 5.0, 6.0, 9.0]);
    let (ranks, _) = doubled_ranks(&a, &b);
    let observed: usize = ranks[..a.len()].iter().sum();
    assert!(observed < a.len() * (ranks.len() + 1));
    let (mut far, mut all) = (0, 0);
    for chosen in 0_u32..1 << ranks.len() {
        if chosen.count_ones() as usize == a.len() {
            let sum: usize =
                (0..ranks.len()).filter(|i| chosen >> i & 1 == 1).map(|i| ranks[i]).sum();
            all += 1;
            far += u32::from(sum <= observed);
        }
    }
    close(mann_whitney(&a, &b), 2.0 * f64::from(far) / f64::from(all));
    close(mann_whitney(&[4.0; 6], &[4.0; 6]), 1.0);
    close(mann_whitney(&[4.0; 60], &[4.0; 60]), 1.0);
    assert_eq!(mann_whitney(&[], &[1.0]), None);
}

#[test]
fn normal_approximation_joins_the_exact_values() {
    let values = |n: usize, shift: usize| -> Vec<f64> {
        (0..n).map(|i| (7 * i % 31 + shift) as f64).collect()
    };
    let (a, b) = (values(30, 0), values(30, 5));
    let (ranks, ties) = doubled_ranks(&a, &b);
    let sum: usize = ranks[..30].iter().sum();
    let exact = 2.0 * tail(&ranks, 30, sum);
    let normal = normal_tails(30, 60, sum.abs_diff(30 * 61) as f64 / 2.0, &ties);
    assert!((exact - normal).abs() < 0.003, "{exact} {normal}");
    let erfc_of_1 = 0.157_299_207;
    assert!((erfc(1.0) - erfc_of_1).abs() < 2e-8 && (erfc(0.0) - 1.0).abs() < 2e-7);
}

#[test]
fn least_p_is_that_of_runs_that_do_not_overlap() {
    for (n, m) in [(1, 1), (3, 3), (4, 4), (5, 7), (10, 10)] {
        let before: Vec<f64> = (0..n).map(f64::from).collect();
        let after: Vec<f64> = (n..n + m).map(f64::from).collect();
        close(mann_whitney(&before, &after), least_p(n as usize, m as usize));
    }
}

#[test]
fn of_many_small_p_values_a_single_one_is_no_news() {
    let outcomes = |p_values: &[f64]| -> Vec<bool> {
        let change = |&p: &f64| Change { p, ..Change::of(&[1.0; 9], &[2.0; 9]).unwrap() };
        let mut changes: Vec<Change> = p_values.iter().map(change).collect();
        correct_for_number(&mut changes.iter_mut().collect::<Vec<_>>());
        changes.iter().map(|change| change.outcome == Outcome::Differs).collect()
    };
    assert_eq!(outcomes(&[0.04, 0.5, 0.9]), [false; 3]);
    assert_eq!(outcomes(&[0.04]), [true]);
    assert_eq!(outcomes(&[0.01, 0.9, 0.03, 0.02]), [true, false, true, true]);
    correct_for_number(&mut []);
}

#[test]
fn a_change_says_what_the_number_of_runs_allows() {
    let of = |before: &[f64], after: &[f64]| Change::of(before, after).unwrap();
    assert_eq!(of(&[1.0; 3], &[2.0; 3]).outcome, Outcome::TooFewRuns);
    let clear = of(&[10.0, 11.0, 10.5, 10.2], &[8.0, 8.5, 8.2, 8.1]);
    assert_eq!(
        (clear.outcome, clear.relative().map(|r| (r * 1000.0).round())),
        (Outcome::Differs, Some(-213.0))
    );
    assert_eq!(of(&[1.0, 2.0, 3.0, 4.0], &[1.5, 2.5, 3.5, 4.5]).outcome, Outcome::MayBeChance);
    assert_eq!(of(&[0.0; 4], &[1.0; 4]).relative(), None);
    assert_eq!(Change::of(&[], &[1.0]), None);
}

/// Runs of one program, twice: numbers from a fixed generator, spread as times are, with a tail to the right.
#[test]
fn the_same_program_twice_shows_no_difference_in_95_of_100() {
    const TRIALS: usize = 2000;
    let mut state = 1_u64;
    // SplitMix64.
    let mut uniform = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (((z ^ z >> 31) >> 11) + 1) as f64 / (1_u64 << 53) as f64
    };
    let mut n_differing = |n: usize, factor: f64| {
        let mut runs = |factor: f64| -> Vec<f64> {
            (0..n).map(|_| factor * (1.0 - 0.03 * uniform().ln())).collect()
        };
        let mut differ =
            || Change::of(&runs(1.0), &runs(factor)).unwrap().outcome == Outcome::Differs;
        (0..TRIALS).filter(|_| differ()).count()
    };
    for n in [4, 6, 10] {
        let found = n_differing(n, 1.0);
        assert!(found <= TRIALS / 20, "{n} runs: {found}");
    }
    assert!(n_differing(10, 1.1) >= TRIALS * 99 / 100);
    assert!(n_differing(10, 0.9) >= TRIALS * 99 / 100);
}
