//! What a rule means, for terminals, code scanners and docs/rules.md.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use diagnosis::Verdict;
use diagnosis::rules::{GivesWay, Input, RULES, Rule, Threshold, Value};
use textwrap::{Options, wrap};

use crate::numbers::{bytes, count, duration, whole_percent};
use crate::words::Word;
use crate::wrap::MIN_WIDTH;

const BOLD: Style = Style::new().bold();
const LABEL: Style = AnsiColor::Cyan.on_default();

/// What `--explain` is asked about.
#[derive(Debug, Clone, Copy)]
pub enum Explained {
    /// A rule.
    Rule(&'static Rule),
    /// What findings ask for: the rules that do.
    Verdict(Verdict),
}

impl Explained {
    /// By the name of a rule, or by a verdict as reports have it: `growth-dominates`, `CHANGE KEY`.
    pub fn named(name: &str) -> Option<Self> {
        let name = name.to_lowercase().replace(' ', "-");
        let verdict = || all_verdicts().into_iter().find(|of| one_word(*of) == name);
        Rule::named(&name).map(Self::Rule).or_else(|| verdict().map(Self::Verdict))
    }

    /// All names, rules first.
    pub fn names() -> impl Iterator<Item = &'static str> {
        let rules = RULES.iter().map(|rule| rule.name);
        rules.chain(all_verdicts().into_iter().map(one_word))
    }

    /// Verdicts of several words, as reports print them: each can be [named](Self::named) so, too.
    pub fn printed_verdicts() -> impl Iterator<Item = &'static str> {
        all_verdicts().into_iter().map(|of| of.word()).filter(|words| words.contains(' '))
    }
}

/// Those that a rule has, in the order of the registry.
fn all_verdicts() -> Vec<Verdict> {
    let mut all = Vec::new();
    for verdict in RULES.iter().flat_map(|rule| rule.verdicts) {
        if !all.contains(verdict) {
            all.push(*verdict);
        }
    }
    all
}

/// `leave-it-alone`.
fn one_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::ChangeKey => "change-key",
        Verdict::AllocateLess => "allocate-less",
        Verdict::LeaveAlone => "leave-it-alone",
        of_one_word => of_one_word.word(),
    }
}

/// Writes what a rule means, or which rules have a verdict. Colours are escape sequences: strip them where they are not
/// wanted. `width` in columns.
///
/// # Errors
/// When `out` fails.
pub fn render_explained(out: &mut dyn Write, what: Explained, width: usize) -> io::Result<()> {
    match what {
        Explained::Rule(rule) => render_rule(out, rule, width),
        Explained::Verdict(verdict) => render_verdict(out, verdict, width),
    }
}

fn render_verdict(out: &mut dyn Write, verdict: Verdict, width: usize) -> io::Result<()> {
    writeln!(out, "{BOLD}{}{BOLD:#}: what these rules say", verdict.word())?;
    let options = Options::new(width.max(MIN_WIDTH))
        .initial_indent("  ")
        .subsequent_indent("  ")
        .break_words(false);
    for rule in RULES.iter().filter(|rule| rule.verdicts.contains(&verdict)) {
        writeln!(out, "\n{LABEL}{}{LABEL:#}", rule.name)?;
        for line in wrap(&format!("speaks when {}", when(rule)), &options) {
            writeln!(out, "{line}")?;
        }
    }
    writeln!(out, "\nmore of one: mapscope diagnose --explain RULE")
}

/// Writes what a rule means, what it needs, why its thresholds are where they are, how far it is trusted, and how to check it
/// by hand. Colours are escape sequences: strip them where they are not wanted. `width` in columns.
///
/// # Errors
/// When `out` fails.
fn render_rule(out: &mut dyn Write, rule: &Rule, width: usize) -> io::Result<()> {
    writeln!(out, "{BOLD}{}{BOLD:#}: {}", rule.name, verdicts(rule))?;
    for (label, texts) in paragraphs(rule) {
        writeln!(out, "\n{LABEL}{label}{LABEL:#}")?;
        let options = Options::new(width.max(MIN_WIDTH))
            .initial_indent("  ")
            .subsequent_indent("    ")
            .break_words(false);
        for line in texts.iter().flat_map(|text| wrap(text, &options)) {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

/// The same as [`render_rule`] in one string, for what shows help of its own.
pub(crate) fn help(rule: &Rule) -> String {
    let paragraph = |(label, texts): (&str, Vec<String>)| format!("{label}: {}", texts.join("; "));
    paragraphs(rule).into_iter().map(paragraph).collect::<Vec<_>>().join("\n\n")
}

/// Labelled paragraphs; what a rule does not have is left out.
fn paragraphs(rule: &Rule) -> Vec<(&'static str, Vec<String>)> {
    let silences: Vec<&str> = rule.silences().map(|silent| silent.name).collect();
    let paragraphs = [
        ("speaks when", vec![when(rule)]),
        ("why", vec![why(rule)]),
        ("needs", lines(rule.needs, |need| input(*need).to_owned())),
        ("says more with", lines(rule.uses, |more| input(*more).to_owned())),
        ("is silent beside", lines(rule.gives_way_to, gives_way)),
        ("silences", silences.iter().map(|name| (*name).to_owned()).collect()),
        ("trust", vec![trust(rule)]),
        ("thresholds", lines(rule.thresholds, threshold)),
        ("check by hand", vec![rule.by_hand.to_owned()]),
    ];
    paragraphs.into_iter().filter(|(_, texts)| !texts.is_empty()).collect()
}

fn lines<T>(of: &[T], text: impl Fn(&T) -> String) -> Vec<String> {
    of.iter().map(text).collect()
}

/// "presize or allocate less".
fn verdicts(rule: &Rule) -> String {
    let verdicts: Vec<&str> = rule.verdicts.iter().map(Word::word).collect();
    match verdicts.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, before)) => format!("{} or {last}", before.join(", ")),
        None => String::new(),
    }
}

/// What has to be there, with the thresholds' values.
pub(crate) fn when(rule: &Rule) -> String {
    with_values(rule, rule.when)
}

/// Why it speaks then, with the thresholds' values.
pub(crate) fn why(rule: &Rule) -> String {
    with_values(rule, rule.why)
}

/// How far its findings are trusted, with the thresholds' values.
fn trust(rule: &Rule) -> String {
    with_values(rule, rule.trust)
}

fn with_values(rule: &Rule, text: &str) -> String {
    rule.thresholds.iter().fold(text.to_owned(), |text, of| {
        text.replace(&format!("{{{}}}", of.name), &format!("{} {}", value(of.value), of.of))
    })
}

/// "25 % of the line's map cost (GROWTH_DOMINATES): unhinted builds have 30 to 70 %".
fn threshold(of: &Threshold) -> String {
    format!("{} {} ({}): {}", value(of.value), of.of, of.name, of.reason)
}

fn value(value: Value) -> String {
    match value {
        Value::Fraction(fraction) => whole_percent(fraction),
        Value::Number(n) => count(n),
        Value::Bytes(n) => bytes(n),
        Value::Time(ns) => duration(ns),
    }
}

fn input(input: Input) -> &'static str {
    match input {
        Input::Cpu => "CPU samples",
        Input::CpuAside => "samples of `perf` beside a CPU profile",
        Input::Heap => "a heap profile",
        Input::Recording => "a recording",
        Input::Trace => "an execution trace",
        Input::Locks => "a mutex or block profile or an execution trace",
        Input::Misses => "cache misses in a `perf.data`",
        Input::Storage => "tracepoints of system calls in a `perf.data`",
        Input::Binary => "the binary",
    }
}

fn gives_way(to: &GivesWay) -> String {
    match to {
        GivesWay::ToRule(name) => format!("{name} at the same line"),
        GivesWay::ToChangeHere => "any finding at the same line that asks for a change".to_owned(),
        GivesWay::ToChangeAnywhere => {
            "any finding at a line that asks for a change, when it says to leave it alone"
                .to_owned()
        }
        GivesWay::ToChangesOfHalf => {
            "findings at lines that ask for a change and explain half of its cost or more together"
                .to_owned()
        }
        GivesWay::ToMostOfIt => {
            "a finding at a line that explains half of its cost or more, when both say to leave it alone"
                .to_owned()
        }
    }
}

#[cfg(test)]
mod tests;
