use std::fs;

use expect_test::{expect, expect_file};

use super::*;
use diagnosis::rules::RULES;

/// Where docs/rules.md has what is made of the registry.
const BEGIN: &str = "<!-- made of the registry by UPDATE_EXPECT=1 cargo test -p report -->\n";
const END: &str = "<!-- end -->\n";

/// A table in Markdown. Shape: as many columns in each row as in the head.
fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let row = |cells: &[String]| format!("| {} |\n", cells.join(" | ").replace('\n', " "));
    let head: Vec<String> = head.iter().map(|name| (*name).to_owned()).collect();
    let line = format!("{}|\n", "|---".repeat(head.len()));
    row(&head) + &line + &rows.map(|cells| row(&cells)).collect::<String>()
}

fn rules() -> String {
    let row = |rule: &Rule| {
        vec![
            format!("`{}`", rule.name),
            verdicts(rule),
            lines(rule.needs, |need| input(*need).to_owned()).join(", "),
            when(rule),
            lines(rule.gives_way_to, gives_way).join(", "),
            trust(rule),
            why(rule),
        ]
    };
    let head = ["rule", "verdict", "needs", "speaks when", "silent beside", "trust", "why"];
    table(&head, RULES.iter().map(row))
}

fn thresholds() -> String {
    let mut all: Vec<&Threshold> = Vec::new();
    for of in RULES.iter().flat_map(|rule| rule.thresholds) {
        if all.iter().all(|other| other.name != of.name) {
            all.push(of);
        }
    }
    all.sort_by_key(|of| of.name);
    let decides = |of: &Threshold| {
        let has_it = |rule: &&Rule| rule.thresholds.iter().any(|other| other.name == of.name);
        let names = RULES.iter().filter(has_it).map(|rule| format!("`{}`", rule.name));
        names.collect::<Vec<_>>().join(", ")
    };
    let row = |of: &Threshold| {
        vec![
            format!("`{}`", of.name),
            format!("{} {}", value(of.value), of.of),
            decides(of),
            of.reason.to_owned(),
        ]
    };
    table(&["constant", "value", "decides", "reason"], all.into_iter().map(row))
}

#[test]
fn the_docs_have_the_tables_of_the_registry() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/rules.md");
    let docs = fs::read_to_string(path).expect("it is in the repository");
    let (before, rest) = docs.split_once(BEGIN).expect("the tables begin");
    let (_, after) = rest.split_once(END).expect("the tables end");
    let made = format!("{BEGIN}\n{}\n{}\n{END}", rules(), thresholds());
    expect_file![path].assert_eq(&format!("{before}{made}{after}"));
}

#[test]
fn a_rule_is_explained() {
    let mut out = anstream::StripStream::new(Vec::new());
    let rule = Rule::named("growth-is-not-the-problem").expect("it is a rule");
    render_rule(&mut out, rule, 80).expect("a Vec takes everything");
    let text = String::from_utf8_lossy(&out.into_inner()).into_owned();
    expect![[r#"
        growth-is-not-the-problem: leave it alone

        speaks when
          map operations take at least 2 % of the program's CPU in 5 samples or more,
            less than 10 % of the map cost at the line is under growth, and nothing asks
            for a change; where a recording saw maps grow there, in so many samples that
            25 % of the line's map cost would have shown

        why
          A hot `runtime.mapassign` is a share of work, not a fault: programs that only
            overwrite spend 65 to 68 % of their CPU in it without a single growth. So it
            says what the work is. Where searching takes at least 50 % of the line's map
            cost, and live arrays of such maps at least 32.0 MiB in all, that is mostly
            waiting for memory: it names them then. Misses would prove it.

        needs
          CPU samples

        says more with
          samples of `perf` beside a CPU profile
          a recording
          a heap profile
          the binary

        is silent beside
          any finding at the same line that asks for a change
          keep-nested at the same line

        trust
          low below 20 samples of what it speaks about, medium below 100 samples or
            where maps are said to be larger than caches, else high

        thresholds
          2 % of the program's CPU (NOTICEABLE): chosen, not measured; what saves less
            is rarely worth the risk of a change
          5 samples (ENOUGH_SAMPLES): one or two samples are anywhere by chance
          10 % of the map cost (GROWTH_IS_SMALL): chosen, not measured; a hint could
            save no more than that
          25 % of the line's map cost (GROWTH_DOMINATES): unhinted builds have 30 to 70
            %
          20 samples (FEW_SAMPLES): a share of fewer is uncertain by half its value or
            more
          100 samples (MANY_SAMPLES): from it on a share is good to a fifth of its value
          50 % of the line's map cost (SEARCH_DOMINATES): chosen, not measured, so that
            most of the line is the search
          32.0 MiB in all (LARGER_THAN_CACHES): what a core has of the caches of most
            processors is less; two maps of 45 and 137 MiB had 83 and 98 % in the search

        check by hand
          `go tool pprof -peek` of the function shows no growth functions below its
            `runtime.mapassign`
    "#]]
    .assert_eq(&text);
}

#[test]
fn help_is_one_text() {
    expect![[r#"
        speaks when: hashing keys outside growth takes at least 2 % of the program's CPU in 5 samples or more, at least 30 % of the line's map cost, and at least 66 % of searching and comparing; not for keys up to 8 B in size

        why: Hashing reads every byte of the key. Where searching takes far more, shorter keys are not what helps. Hashing inside growth goes away with the growth, and that of interface keys with the interface: those findings stand instead.

        needs: CPU samples

        says more with: the binary

        is silent beside: growth-dominates at the same line; interface-keys at the same line

        trust: low below 20 samples of what it speaks about, else medium

        thresholds: 2 % of the program's CPU (NOTICEABLE): chosen, not measured; what saves less is rarely worth the risk of a change; 5 samples (ENOUGH_SAMPLES): one or two samples are anywhere by chance; 20 samples (FEW_SAMPLES): a share of fewer is uncertain by half its value or more; 30 % of the line's map cost (HASH_BOUND): usual is 3 to 20 %; 66 % of searching and comparing (HASH_BESIDE_SEARCH): numbers in place of paths saved 49 and 69 % of the CPU where hashing took 0.97 and 0.79 times as long as searching; 8 B in size (WORD_BYTES): an integer, which nothing is faster than

        check by hand: `go tool pprof -peek 'memhash|strhash|aeshash'` shows the line above them; print the length of some keys"#]].assert_eq(&help(Rule::named("hash-bound-keys").expect("it is a rule")));
}
