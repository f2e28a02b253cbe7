//! The table of rules is whole.

use super::*;
use crate::rules::rule::Check;
use crate::rules::{GivesWay, Rule, Threshold};

fn leaves_alone(rule: &Rule) -> bool {
    rule.verdicts.contains(&Verdict::LeaveAlone)
}

fn is_of_sites(rule: &Rule) -> bool {
    matches!(rule.check, Check::Site(_))
}

#[test]
fn names_are_there_once() {
    let mut names: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), RULES.len());
}

#[test]
fn who_gives_way_is_asked_later() {
    for (at, rule) in RULES.iter().enumerate() {
        for gives_way in rule.gives_way_to {
            if let GivesWay::ToRule(name) = gives_way {
                let before = RULES[..at].iter().find(|other| other.name == *name);
                let before = before.unwrap_or_else(|| panic!("{}: {name}", rule.name));
                assert_eq!(is_of_sites(before), is_of_sites(rule), "{}", rule.name);
                assert!(before.silences().any(|silent| silent.name == rule.name));
            }
        }
    }
}

/// What asks for a change is found before all that gives way to it, and of two that leave a site alone one is enough.
#[test]
fn one_rule_leaves_a_site_alone_and_only_where_none_asks_for_a_change() {
    let of_sites = || RULES.iter().filter(|rule| is_of_sites(rule));
    let is_change_first = of_sites().is_sorted_by_key(leaves_alone);
    assert!(is_change_first);
    let mut before: Vec<&Rule> = Vec::new();
    for rule in of_sites().filter(|rule| leaves_alone(rule)) {
        assert!(rule.gives_way_to.contains(&GivesWay::ToChangeHere), "{}", rule.name);
        for other in &before {
            assert!(rule.gives_way_to.contains(&GivesWay::ToRule(other.name)), "{}", rule.name);
        }
        before.push(rule);
    }
}

/// Names in braces, sorted, each once.
fn named<'t>(texts: impl IntoIterator<Item = &'t str>) -> Vec<&'t str> {
    let places = texts.into_iter().flat_map(|text| text.split('{').skip(1));
    let mut names: Vec<&str> = places.map(|rest| rest.split('}').next().unwrap()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[test]
fn numbers_in_the_text_are_the_thresholds_of_the_rule() {
    for rule in RULES {
        let mut thresholds: Vec<&str> = rule.thresholds.iter().map(|of| of.name).collect();
        thresholds.sort_unstable();
        assert_eq!(named([rule.when, rule.trust, rule.why]), thresholds, "{}", rule.name);
    }
}

#[test]
fn a_name_is_one_threshold() {
    let all: Vec<&Threshold> = RULES.iter().flat_map(|rule| rule.thresholds).collect();
    for of in &all {
        let same = all.iter().find(|other| other.name == of.name).unwrap();
        assert_eq!((same.value, same.of, same.reason), (of.value, of.of, of.reason));
    }
}

/// Growth that a full small map explains is said once, and hashing inside growth not at all.
#[test]
fn what_says_more_silences_the_rest() {
    let parts = [(Assign, Hash, 200), (Assign, GrowthMove, 200), (Assign, Probe, 100)];
    let hashed = || {
        site(1, &parts)
            .uses(Assign, inner())
            .arrays(&[(8, 900), (14, 850)], 100_000)
            .leaf("internal/runtime/maps.memHashAES", 200)
    };
    let silenced = ["growth-dominates Presize High"];
    check(program("go1.27.3"), vec![hashed()], &silenced);
    let more = ["growth-dominates Presize High", "full-small-maps Replace Low"];
    check(program("go1.25.5"), vec![hashed()], &more);
}
