//! The first screen: which line, which map, what to change, what that saves, and how sure it is.

use std::io;

use anstyle::Style;
use diagnosis::finding::CpuPart;
use diagnosis::{Diagnosis, Finding, Verdict};
use evidence::{Cost, Evidence};
use goabi::MapOp;

use super::{BOLD, CHANGE, DIM, FINE, Page, in_full_and_folded, site_of};
use crate::numbers::{NOT_MEASURED, cpu_time, percent, share};
use crate::words::{self, Word};
use crate::wrap::{cut, lines};

/// Lines of it, whatever there is to say.
const MAX_LINES: usize = 15;
/// Longest type that is shown whole.
const LONGEST_TYPE: usize = 70;
/// What stands before all lines of a finding but its first.
const INDENT: &str = "   ";

/// A line and its style.
type Styled = (Style, String);

impl Page<'_> {
    pub(super) fn summary(&mut self, diagnosis: &Diagnosis) -> io::Result<()> {
        let mut all = self.totals(&diagnosis.evidence);
        let (in_full, folded) = in_full_and_folded(diagnosis);
        let mut n_shown = 0;
        for (number, (finding, _)) in in_full.iter().enumerate() {
            let entry = self.entry(number + 1, finding, diagnosis);
            // One line is for what is not shown.
            if all.len() + entry.len() >= MAX_LINES {
                break;
            }
            all.extend(entry);
            n_shown += 1;
        }
        let rest = rest(in_full.len() - n_shown, folded.len());
        all.extend(rest.map(|rest| (DIM, cut(&rest, self.width))));
        for (style, line) in all {
            writeln!(self.out, "{style}{line}{style:#}")?;
        }
        Ok(())
    }

    /// What the program is, and what maps cost it.
    fn totals(&self, evidence: &Evidence) -> Vec<Styled> {
        let program = &evidence.program;
        let name = program.name.as_deref().unwrap_or("program of unknown name");
        let version = program.go_version.map(|(version, _)| version.to_string());
        let maps = program.map_impl.map(|(map_impl, _)| format!("{} maps", map_impl.word()));
        let facts = [Some(cut(name, LONGEST_TYPE)), version, maps, program.arch.map(str::to_owned)];
        let facts: Vec<String> = facts.into_iter().flatten().collect();
        let title = cut(&facts.join("  "), self.width);
        let cpu = format!("CPU {}", cpu_text(evidence));
        let cpu = lines(&cpu, self.width, "", INDENT).into_iter().map(|line| (Style::new(), line));
        std::iter::once((BOLD, title)).chain(cpu).collect()
    }

    fn entry(&self, number: usize, finding: &Finding, diagnosis: &Diagnosis) -> Vec<Styled> {
        let evidence = &diagnosis.evidence;
        let verdict = finding.verdict().word().to_uppercase();
        let style = if finding.verdict() == Verdict::LeaveAlone { FINE } else { CHANGE };
        let place = self.place_in_full(finding, evidence);
        let title = lines(&format!("{number}. {verdict}  {place}"), self.width, "", INDENT);
        let map = site_of(finding, evidence).map(|site| {
            let name = cut(&words::type_text(site, evidence), LONGEST_TYPE);
            let outer = words::main_type(site).and_then(|of| site.outer_type(of));
            let outer = outer.map(|outer| format!(" in {}", cut(&outer.name, LONGEST_TYPE)));
            format!("{name}{}: ", outer.unwrap_or_default())
        });
        let change = format!("{}{}", map.unwrap_or_default(), words::edit(&finding.advice));
        let gain = gain(finding, evidence);
        let rest = [change, gain].into_iter();
        let rest = rest.flat_map(|text| lines(&text, self.width, INDENT, INDENT));
        let title = title.into_iter().map(|line| (style, line));
        title.chain(rest.map(|line| (Style::new(), line))).collect()
    }

    /// "/src/main.go:49  main.build", as editors and terminals follow it.
    fn place_in_full(&self, finding: &Finding, evidence: &Evidence) -> String {
        let Some(site) = site_of(finding, evidence) else { return "whole process".to_owned() };
        let frame = &site.frame;
        let function = words::short_function(&frame.function);
        match frame.line {
            0 => function,
            line => format!("{}:{line}  {function}", self.path(frame)),
        }
    }
}

/// "940 ms in 94 samples: map writes 67.0 %, ...".
fn cpu_text(evidence: &Evidence) -> String {
    let Some(cpu) = &evidence.cpu else { return NOT_MEASURED.to_owned() };
    let part = |what: &str, cost: Cost| format!("{what} {}", percent(cost.share_of(cpu.total)));
    let parts = [
        part("map writes", cpu.by_op.get(MapOp::Assign)),
        part("map reads", cpu.by_op.get(MapOp::Read)),
        part("growth", cpu.growth),
        part("GC", cpu.gc),
    ];
    format!("{}: {}", cpu_time(cpu), parts.join(", "))
}

/// "saves about 34.7 % of the CPU (0.8 to 56.0 %); trust medium".
fn gain(finding: &Finding, evidence: &Evidence) -> String {
    let trust = finding.confidence.level.word();
    let cost = finding.cost.zip(evidence.cpu.as_ref());
    let cost = cost.map(|(cost, cpu)| format!("{} of the CPU", share(cost, cpu.total)));
    let gain = match (&finding.saving, cost) {
        (Some(saving), _) => format!("saves {}", saved(saving.cpu)),
        (None, Some(cost)) if finding.asks_for_change() => {
            format!("is about {cost}; gain not estimated")
        }
        (None, Some(cost)) => format!("is about {cost}"),
        (None, None) => "gain not estimated".to_owned(),
    };
    format!("{gain}; trust {trust}")
}

fn saved(CpuPart { low, best, high }: CpuPart) -> String {
    format!("about {} of the CPU ({:.1} to {})", percent(best), low * 100.0, percent(high))
}

/// What else there is.
fn rest(n_more: usize, n_folded: usize) -> Option<String> {
    let more = (n_more > 0).then(|| format!("{n_more} more"));
    let folded = (n_folded > 0).then(|| format!("{n_folded} to leave alone"));
    let parts: Vec<String> = [more, folded].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("and {}: --verbose", parts.join(", ")))
}
