//! The report for a terminal: what to change first, then the figures behind it.

mod summary;

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use diagnosis::finding::{Advice, CpuPart, EvidenceLine, Gap, Saving};
use diagnosis::rules::FEW_SAMPLES;
use diagnosis::{Diagnosis, Finding, Verdict};
use evidence::words::plural;
use evidence::{
    Alloc, Cost, Evidence, Frame, Notice, ProcessCpu, Site, SiteCpu, SiteHeap, SourceKind,
};
use goabi::{MapOp, Nested};
use gomap::Category;

use crate::columns::{COLUMNS, Cell};
use crate::growth;
use crate::numbers::{
    NOT_MEASURED, amount, bar, bytes, count, counted, cpu_part, cpu_time, percent, share,
};
use crate::short_words::ShortWords;
use crate::source::{NoSources, Place, Sources, with_hint};
use crate::words::{self, Word};
use crate::{locks, storage, trace, wrap};

/// How to print.
#[derive(Debug, Clone, Copy)]
pub struct TextOptions<'s> {
    /// Units: columns.
    pub width: usize,
    /// Most findings and sites shown; `None` is as many as suit the detail.
    pub top: Option<usize>,
    /// How much.
    pub detail: Detail,
    /// Where source is.
    pub sources: &'s dyn Sources,
}

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// What is to be done, with the evidence of the first findings.
    Brief,
    /// All findings and all lines.
    Verbose,
    /// All about one finding, by its number, from 1.
    Why(usize),
}

impl Default for TextOptions<'_> {
    fn default() -> Self {
        Self { width: 100, top: None, detail: Detail::Brief, sources: &NoSources }
    }
}

impl TextOptions<'_> {
    fn top(&self) -> usize {
        let usual = if self.detail == Detail::Brief { 3 } else { 10 };
        self.top.unwrap_or(usual)
    }
}

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const TITLE: Style = AnsiColor::Cyan.on_default().bold();
const CHANGE: Style = AnsiColor::Yellow.on_default().bold();
const FINE: Style = AnsiColor::Green.on_default().bold();
const NOTICE: Style = AnsiColor::Red.on_default();
const REMOVED: Style = AnsiColor::Red.on_default();
const ADDED: Style = AnsiColor::Green.on_default();

/// What stands before all lines of a labelled paragraph but the first.
const ROW: &str = "          ";

/// Steps of the ladder shown per site.
const MAX_BLOCKS: usize = 12;

/// Writes the report. Colours are escape sequences: strip them where they are not wanted.
///
/// # Errors
/// When `out` fails, and when there is no finding of the number that was asked for.
pub fn render_text(
    out: &mut dyn Write,
    diagnosis: &Diagnosis,
    options: &TextOptions<'_>,
) -> io::Result<()> {
    let out = &mut ShortWords::new(out);
    let width = options.width.max(wrap::MIN_WIDTH);
    let mut page = Page { out, width, sources: options.sources };
    match options.detail {
        Detail::Brief => page.brief(diagnosis, options.top())?,
        Detail::Verbose => page.verbose(diagnosis, options.top())?,
        Detail::Why(number) => page.why(number, diagnosis)?,
    }
    out.flush()
}

struct Page<'o> {
    out: &'o mut dyn Write,
    width: usize,
    sources: &'o dyn Sources,
}

impl Page<'_> {
    fn brief(&mut self, diagnosis: &Diagnosis, top: usize) -> io::Result<()> {
        let evidence = &diagnosis.evidence;
        self.summary(diagnosis)?;
        self.notices(evidence, |_, _| true)?;
        if diagnosis.findings.is_empty() {
            self.wrapped("", &no_findings(evidence), FINE)?;
        }
        let (in_full, _) = in_full_and_folded(diagnosis);
        self.in_full(&in_full, top, diagnosis)?;
        self.total(diagnosis)?;
        self.not_measured(&diagnosis.not_measured)?;
        writeln!(self.out)?;
        let more = "all findings, lines and sources: --verbose; all about one: --why N; what a word means: --glossary";
        self.wrapped("", more, DIM)
    }

    fn verbose(&mut self, diagnosis: &Diagnosis, top: usize) -> io::Result<()> {
        let evidence = &diagnosis.evidence;
        self.summary(diagnosis)?;
        writeln!(self.out)?;
        self.header(evidence)?;
        self.notices(evidence, |of, notice| !is_of_growth(of, notice))?;
        self.findings(diagnosis, top)?;
        self.sites(&evidence.sites, top, evidence)?;
        self.not_measured(&diagnosis.not_measured)
    }

    fn why(&mut self, number: usize, diagnosis: &Diagnosis) -> io::Result<()> {
        let evidence = &diagnosis.evidence;
        let (in_full, folded) = in_full_and_folded(diagnosis);
        let folded = folded.iter().map(|finding| (*finding, &[][..]));
        let all: Vec<Line<'_>> = in_full.into_iter().chain(folded).collect();
        let line = number.checked_sub(1).and_then(|at| all.get(at));
        let &(finding, others) = line.ok_or_else(|| no_finding(number, all.len()))?;
        self.finding(number, finding, diagnosis)?;
        others.iter().try_for_each(|other| self.other(other, evidence))?;
        let site = finding.site.and_then(|at| evidence.sites.get(at..=at));
        self.sites(site.unwrap_or_default(), 1, evidence)
    }

    fn header(&mut self, evidence: &Evidence) -> io::Result<()> {
        let program = &evidence.program;
        let name = program.name.as_deref().unwrap_or("program of unknown name");
        let version = program
            .go_version
            .map_or("Go version unknown".to_owned(), |(version, _)| version.to_string());
        let map_impl = program.map_impl.map_or("unknown", |(map_impl, _)| map_impl.word());
        write!(self.out, "{BOLD}{name}{BOLD:#}  {version}  {map_impl} maps")?;
        writeln!(self.out, "{}", program.arch.map_or(String::new(), |arch| format!("  {arch}")))?;
        for source in &evidence.sources {
            writeln!(
                self.out,
                "  {DIM}{:<7}{DIM:#}{}  {}",
                source.kind.word(),
                source.name,
                source.summary
            )?;
        }
        writeln!(self.out)?;
        match &evidence.cpu {
            Some(cpu) => self.process_line(cpu)?,
            None => writeln!(self.out, "{TITLE}CPU{TITLE:#}  {NOT_MEASURED}")?,
        }
        if let Some(growth) = &evidence.growth {
            writeln!(self.out, "{TITLE}Growth{TITLE:#}")?;
            self.wrapped("  ", &growth::process_text(growth), Style::new())?;
            self.notices(evidence, is_of_growth)?;
        }
        if let Some(trace) = &evidence.trace {
            writeln!(self.out, "{TITLE}Collector{TITLE:#}")?;
            for line in trace::process_lines(trace) {
                self.wrapped("  ", &line, Style::new())?;
            }
        }
        if !evidence.locks.is_empty() {
            writeln!(self.out, "{TITLE}Locks{TITLE:#}")?;
            for line in locks::lines(evidence) {
                self.wrapped("  ", &line, Style::new())?;
            }
        }
        if let Some(storage) = &evidence.storage {
            writeln!(self.out, "{TITLE}Storage{TITLE:#}")?;
            for line in storage::lines(storage) {
                self.wrapped("  ", &line, Style::new())?;
            }
        }
        Ok(())
    }

    fn process_line(&mut self, cpu: &ProcessCpu) -> io::Result<()> {
        let weak = weak_mark(cpu.total);
        writeln!(self.out, "{TITLE}CPU{TITLE:#}  {}{weak}", cpu_time(cpu))?;
        let rows = [
            ("map writes", cpu.by_op.get(MapOp::Assign)),
            ("map reads", cpu.by_op.get(MapOp::Read)),
            ("growth", cpu.growth),
            ("GC", cpu.gc),
        ];
        for (what, part) in rows {
            let fraction = part.share_of(cpu.total);
            writeln!(self.out, "  {what:<11}{}  {}", bar(fraction, 20), share(part, cpu.total))?;
        }
        let functions: Vec<String> = cpu
            .assign_functions
            .iter()
            .map(|f| format!("{} {}", f.name, percent(f.cost.share_of(cpu.total))))
            .collect();
        if !functions.is_empty() {
            self.wrapped("  ", &format!("cumulative: {}", functions.join(", ")), DIM)?;
        }
        Ok(())
    }

    fn notices(
        &mut self,
        evidence: &Evidence,
        are_here: fn(&Evidence, &Notice) -> bool,
    ) -> io::Result<()> {
        for notice in evidence.notices.iter().filter(|notice| are_here(evidence, notice)) {
            let text = match notice.source {
                Some(id) => format!("note: {}: {}", evidence.sources[id].name, notice.text),
                None => format!("note: {}", notice.text),
            };
            self.wrapped("  ", &text, NOTICE)?;
        }
        Ok(())
    }

    fn findings(&mut self, diagnosis: &Diagnosis, top: usize) -> io::Result<()> {
        if diagnosis.findings.is_empty() {
            writeln!(self.out)?;
            return self.wrapped("", &no_findings(&diagnosis.evidence), FINE);
        }
        let (in_full, folded) = in_full_and_folded(diagnosis);
        self.in_full(&in_full, top, diagnosis)?;
        self.total(diagnosis)?;
        self.folded(&folded, top, &diagnosis.evidence)
    }

    fn in_full(&mut self, lines: &[Line<'_>], top: usize, diagnosis: &Diagnosis) -> io::Result<()> {
        for (number, (finding, others)) in lines.iter().take(top).enumerate() {
            self.finding(number + 1, finding, diagnosis)?;
            others.iter().try_for_each(|other| self.other(other, &diagnosis.evidence))?;
        }
        self.more(lines.len(), top, "finding")
    }

    fn total(&mut self, diagnosis: &Diagnosis) -> io::Result<()> {
        let Some(total) = diagnosis.total_saving() else { return Ok(()) };
        writeln!(self.out)?;
        self.wrapped("", &total_text(total), BOLD)
    }

    /// What else there is to do at the line of the finding before.
    fn other(&mut self, finding: &Finding, evidence: &Evidence) -> io::Result<()> {
        let verdict = finding.verdict().word().to_uppercase();
        let (why, change) = (words::cause(&finding.cause), words::advice(&finding.advice));
        self.row(words::under(finding), &format!("{verdict}: {change}"))?;
        self.row("", &format!("why: {why}; trust {}", words::confidence(finding.confidence)))?;
        self.row("", &format!("rule: {}", finding.rule))?;
        if let Some(saving) = &finding.saving {
            self.row("", &format!("saves {}", saving_text(saving)))?;
        }
        self.evidence_lines(&finding.evidence, evidence)
    }

    /// What is well as it is, in a few words each.
    fn folded(&mut self, folded: &[&Finding], top: usize, evidence: &Evidence) -> io::Result<()> {
        if folded.is_empty() {
            return Ok(());
        }
        writeln!(
            self.out,
            "\n{FINE}Leave alone{FINE:#}  {DIM}all of their evidence: --json, --html{DIM:#}"
        )?;
        for finding in folded.iter().take(top) {
            let of_cpu = finding.cost.zip(evidence.cpu.as_ref());
            let share =
                of_cpu.map(|(cost, cpu)| format!("  {} of the CPU", share(cost, cpu.total)));
            writeln!(
                self.out,
                "  {BOLD}{}{BOLD:#}{}  {DIM}rule {}{DIM:#}",
                place(finding, evidence),
                share.unwrap_or_default(),
                finding.rule
            )?;
            let (why, change) = (words::cause(&finding.cause), words::advice(&finding.advice));
            let trust = words::confidence(finding.confidence);
            let site = site_of(finding, evidence);
            let callers = site.and_then(words::called_from);
            let callers =
                callers.map_or(String::new(), |callers| format!(". Called from {callers}"));
            let text = format!("{why}; {change}. Trust {trust}{callers}");
            self.wrapped("    ", &text, Style::new())?;
        }
        self.more(folded.len(), top, "finding")
    }

    fn finding(
        &mut self,
        number: usize,
        finding: &Finding,
        diagnosis: &Diagnosis,
    ) -> io::Result<()> {
        let evidence = &diagnosis.evidence;
        let style = if finding.verdict() == Verdict::LeaveAlone { FINE } else { CHANGE };
        let verdict = finding.verdict().word().to_uppercase();
        let (site, place) = (site_of(finding, evidence), place(finding, evidence));
        writeln!(
            self.out,
            "\n{BOLD}{number}.{BOLD:#} {style}{verdict}{style:#}  {BOLD}{place}{BOLD:#}"
        )?;
        if let Some(site) = site {
            self.row("map", &map_text(site, evidence))?;
            if let Some(callers) = words::called_from(site) {
                self.row("called", &format!("from {callers}"))?;
            }
            self.around("source", &site.frame, None)?;
        }
        self.row("why", &words::cause(&finding.cause))?;
        self.row("change", &words::advice(&finding.advice))?;
        if let Some((make, hint)) = make_of(&finding.advice) {
            self.around("make", make, hint)?;
        }
        if let Some(saving) = &finding.saving {
            self.row("saves", &saving_text(saving))?;
            if let Some(line) = growth::saved_growth(saving, evidence) {
                self.row("", &line)?;
            }
        }
        self.row("seen", &words::seen_in(finding, diagnosis))?;
        self.evidence_lines(&finding.evidence, evidence)?;
        self.row("trust", &words::confidence(finding.confidence))?;
        let rule = finding.rule;
        self.row("rule", &format!("{rule}: mapscope diagnose --explain {rule}"))?;
        match site {
            Some(site) if finding.asks_for_change() => {
                self.row("check", &check_text(site, finding))
            }
            _ => Ok(()),
        }
    }

    fn evidence_lines(&mut self, lines: &[EvidenceLine], evidence: &Evidence) -> io::Result<()> {
        for line in lines {
            let source = words::names(&line.sources, evidence, words::base_name);
            let (figure, label) = (amount(line.amount), words::label(line));
            let text = match figure.as_str() {
                "" => label.into_owned(),
                figure => format!("{figure}  {label}"),
            };
            self.row("", &format!("{text}  [{source}]"))?;
        }
        Ok(())
    }

    fn sites(&mut self, sites: &[Site], top: usize, evidence: &Evidence) -> io::Result<()> {
        if sites.is_empty() {
            return Ok(());
        }
        writeln!(
            self.out,
            "\n{TITLE}Sites{TITLE:#}  {DIM}by CPU in maps; line: as go tool pprof -lines; -: no sample or not measured{DIM:#}"
        )?;
        let heads = COLUMNS.iter().map(|column| format!("{:>1$}  ", column.short, column.width));
        writeln!(self.out, "  {BOLD}{}site{BOLD:#}", heads.collect::<String>())?;
        for site in sites.iter().take(top) {
            self.site(site, evidence)?;
        }
        self.more(sites.len(), top, "site")
    }

    fn site(&mut self, site: &Site, evidence: &Evidence) -> io::Result<()> {
        let cells = COLUMNS.iter().map(|column| {
            let text = match column.cell(site, evidence) {
                Cell::Value { text, .. } => text,
                Cell::None(_) => "-".to_owned(),
            };
            format!("{text:>0$}  ", column.width)
        });
        let cells: String = cells.collect();
        let weak = site.cpu.as_ref().map_or("", |cpu| weak_mark(cpu.map));
        let place = words::place(&site.frame);
        writeln!(self.out, "  {cells}{BOLD}{place}{BOLD:#}{weak}")?;
        let indent = " ".repeat(2 + COLUMNS.iter().map(|column| column.width + 2).sum::<usize>());
        self.wrapped(&indent, &map_text(site, evidence), Style::new())?;
        if !site.inlined_into.is_empty() {
            let outer = site.inlined_into.iter().map(words::place);
            self.wrapped(
                &indent,
                &format!("inlined into {}", outer.collect::<Vec<_>>().join(", ")),
                DIM,
            )?;
        }
        if let Some(cpu) = &site.cpu {
            self.wrapped(&indent, &split_text(cpu), DIM)?;
        }
        for line in growth::site_lines(site, evidence) {
            self.wrapped(&indent, &line, DIM)?;
        }
        if let Some(heap) = &site.heap {
            self.ladder(&indent, heap)?;
        }
        Ok(())
    }

    /// Block sizes with what they mean for a map; sizes that no map array has are summed up.
    fn ladder(&mut self, indent: &str, heap: &SiteHeap) -> io::Result<()> {
        let steps: Vec<String> = heap
            .blocks
            .iter()
            .filter_map(|block| {
                let capacity = block.map_capacity?;
                let n = block.alloc.alloc_objects.map(|n| format!("{}× ", count(n)));
                let (n, size) = (n.unwrap_or_default(), bytes(block.block_bytes));
                Some(format!("{n}{size} (room for {})", count(capacity)))
            })
            .take(MAX_BLOCKS)
            .collect();
        if !steps.is_empty() {
            self.wrapped(indent, &format!("arrays: {}", steps.join(", ")), DIM)?;
        }
        let others = heap.blocks.iter().filter(|block| !block.is_array());
        let others: Alloc = others.map(|block| block.alloc).sum();
        let what = if steps.is_empty() { "blocks of unknown use" } else { "other blocks" };
        let others = match (others.alloc_objects, others.alloc_bytes) {
            (Some(n @ 1..), Some(sum)) => format!("{what}: {} in {}; ", count(n), bytes(sum)),
            _ => String::new(),
        };
        self.wrapped(indent, &format!("{others}in all {}", allocated(&heap.total)), DIM)
    }

    fn not_measured(&mut self, gaps: &[Gap]) -> io::Result<()> {
        if gaps.is_empty() {
            return Ok(());
        }
        writeln!(self.out, "\n{TITLE}Not measured{TITLE:#}")?;
        for &gap in gaps {
            self.wrapped("  ", &format!("{}:", words::gap(gap)), Style::new())?;
            self.wrapped("      ", words::command(gap), DIM)?;
        }
        Ok(())
    }

    fn more(&mut self, n: usize, top: usize, what: &str) -> io::Result<()> {
        match n.checked_sub(top).filter(|&more| more > 0) {
            Some(more) => {
                let what = plural(more as u64, what);
                writeln!(self.out, "\n  {DIM}{more} more {what}: --top {n} shows them{DIM:#}")
            }
            None => Ok(()),
        }
    }

    /// A labelled paragraph of a finding.
    fn row(&mut self, label: &str, text: &str) -> io::Result<()> {
        for line in wrap::lines(text, self.width, &format!("   {label:<7}"), ROW) {
            let (head, rest) = line.split_at_checked(ROW.len()).unwrap_or(("", &line));
            writeln!(self.out, "{DIM}{head}{DIM:#}{rest}")?;
        }
        Ok(())
    }

    fn wrapped(&mut self, indent: &str, text: &str, style: Style) -> io::Result<()> {
        let lines = wrap::lines(text, self.width, indent, indent);
        lines.iter().try_for_each(|line| writeln!(self.out, "{style}{line}{style:#}"))
    }

    /// Lines around a place where its source is at hand, with the edit that is advised there.
    fn around(&mut self, label: &str, frame: &Frame, hint: Option<u64>) -> io::Result<()> {
        let Some(place) = Place::of(frame, self.sources) else { return Ok(()) };
        self.row(label, &format!("{}:{}", place.path, place.line))?;
        for (n, text) in &place.around {
            let edited = hint.filter(|_| *n == place.line).and_then(|hint| with_hint(text, hint));
            match edited {
                Some(edited) => {
                    self.source_line('-', *n, text, REMOVED)?;
                    self.source_line('+', *n, &edited, ADDED)?;
                }
                None if *n == place.line => self.source_line('>', *n, text, Style::new())?,
                None => self.source_line(' ', *n, text, DIM)?,
            }
        }
        Ok(())
    }

    fn source_line(&mut self, mark: char, n: u32, text: &str, style: Style) -> io::Result<()> {
        // What is to be written is never cut.
        let line = format!("{ROW}{mark} {n:>5}  {text}");
        let line = if mark == '+' { line } else { wrap::cut(&line, self.width) };
        writeln!(self.out, "{style}{line}{style:#}")
    }

    /// How the user may name the file of a frame.
    fn path(&self, frame: &Frame) -> String {
        Place::of(frame, self.sources).map_or_else(|| frame.file.to_string(), |place| place.path)
    }
}

/// The line that makes the map, and the number to write there where one is right.
fn make_of(advice: &Advice) -> Option<(&Frame, Option<u64>)> {
    match advice {
        Advice::Presize { made, n, .. } => Some((made.makes.first()?, *n)),
        Advice::RaiseHint { make, n, .. } => Some((make, *n)),
        _ => None,
    }
}

/// "12 objects in 4.0 KiB, live: 1.0 KiB".
fn allocated(alloc: &Alloc) -> String {
    let objects = |n| format!("{} objects", count(n));
    let allocated = match (alloc.alloc_objects, alloc.alloc_bytes) {
        (Some(n), Some(size)) => format!("{} in {}", objects(n), bytes(size)),
        (Some(n), None) => objects(n),
        (None, size) => size.map_or(NOT_MEASURED.to_owned(), bytes),
    };
    let live = alloc.inuse_bytes.map(bytes).or_else(|| alloc.inuse_objects.map(objects));
    format!("{allocated}, live: {}", live.unwrap_or_else(|| NOT_MEASURED.to_owned()))
}

/// Why there is none.
fn no_findings(evidence: &Evidence) -> String {
    let why = match &evidence.cpu {
        Some(cpu) if cpu.total.samples < FEW_SAMPLES => {
            "too few CPU samples to say anything: profile or record for longer, or under more load"
        }
        Some(_) => "nothing that was measured asks for a change",
        None => "most findings rest on the CPU time of map operations, which was not measured",
    };
    format!("no finding: {why}")
}

fn no_finding(number: usize, n: usize) -> io::Error {
    let text = match n {
        0 => format!("--why {number}: there is no finding"),
        n => format!("--why {number}: the findings are numbered from 1 to {n}"),
    };
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

/// Whether a notice says how a recording was made, which stands with what it counted.
fn is_of_growth(evidence: &Evidence, notice: &Notice) -> bool {
    let kind = notice.source.map(|id| evidence.sources[id].kind);
    evidence.growth.is_some() && kind == Some(SourceKind::Recording)
}

/// A finding and what stands under it.
type Line<'d> = (&'d Finding, &'d [Finding]);

/// What asks for a change in full, the rest in few words. The first is said in full whatever it asks for: it is the answer.
pub(crate) fn in_full_and_folded(diagnosis: &Diagnosis) -> (Vec<Line<'_>>, Vec<&Finding>) {
    let (mut in_full, mut folded) = (Vec::new(), Vec::new());
    for (at, (finding, others)) in diagnosis.by_line().enumerate() {
        match at == 0 || finding.asks_for_change() {
            true => in_full.push((finding, others)),
            false => folded.push(finding),
        }
    }
    (in_full, folded)
}

fn site_of<'e>(finding: &Finding, evidence: &'e Evidence) -> Option<&'e Site> {
    evidence.sites.get(finding.site?)
}

/// Where a finding is: "main.build main.go:49".
pub(crate) fn place(finding: &Finding, evidence: &Evidence) -> String {
    let site = site_of(finding, evidence);
    site.map_or("whole process".to_owned(), |site| words::place(&site.frame))
}

/// How much, and what that rests on.
pub(crate) fn saving_text(saving: &Saving) -> String {
    format!("{}; {}", cpu_part(saving.cpu), words::basis(saving.basis))
}

/// What all advice would save together.
pub(crate) fn total_text(total: CpuPart) -> String {
    let total = cpu_part(total);
    format!("all of these together: {total}; the collector's work is counted once")
}

/// Marks figures that rest on few samples.
fn weak_mark(cost: Cost) -> &'static str {
    if cost.samples < FEW_SAMPLES { "  (few samples)" } else { "" }
}

/// `map[string]int, inner map of map[string]map[string]int; by runtime.mapassign_faststr`.
pub(crate) fn map_text(site: &Site, evidence: &Evidence) -> String {
    let mut text = words::type_text(site, evidence);
    if let Some(map_type) = words::main_type(site) {
        if let Some(outer) = site.outer_type(map_type) {
            text += &format!(", inner map of {}", outer.name);
        }
        text += match map_type.nested {
            Nested::Direct => ", nested: its elements are maps",
            Nested::Reaches => ", nested: its elements reach maps",
            Nested::No => "",
        };
    }
    if let Some(cpu) = &site.cpu {
        let functions: Vec<&str> = cpu.entry_points.iter().map(|f| &*f.name).collect();
        text += &format!("; by {}", functions.join(", "));
    }
    text
}

/// The split of a site's map cost, largest part first, and how deep the work is.
fn split_text(cpu: &SiteCpu) -> String {
    let mut parts: Vec<(Category, Cost)> = Category::ALL
        .into_iter()
        .map(|c| (c, cpu.split.get(c)))
        .filter(|(_, cost)| *cost != Cost::default())
        .collect();
    parts.sort_by_key(|(_, cost)| std::cmp::Reverse(cost.cpu_ns));
    let parts: Vec<String> = parts
        .into_iter()
        .map(|(category, cost)| {
            format!("{} {}", words::category(category), percent(cost.share_of(cpu.map)))
        })
        .collect();
    let frames = counted(cpu.depth.hot.into(), "frame");
    let depth = format!("{frames} deep (most {})", cpu.depth.max);
    format!("{}; {depth}", parts.join(", "))
}

/// How to see whether the change helped.
pub(crate) fn check_text(site: &Site, finding: &Finding) -> String {
    let expect = match finding.verdict() {
        _ if matches!(finding.advice, diagnosis::finding::Advice::PresizeSlices { .. }) => {
            "the share of this line should fall"
        }
        Verdict::Presize => "the growth share of this line should be near 0",
        Verdict::Reuse => "the bytes allocated at this line should fall",
        _ => "the share of this line should fall",
    };
    let function = site.frame.function.rsplit('/').next().unwrap_or(&site.frame.function);
    let focus = quoted(&regex::escape(function));
    format!("profile the same load again and run this with --focus {focus}: {expect}")
}

/// As one word for a shell: names of functions come out of files that anybody may have made.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use evidence::{ProcessGrowth, ProcessStorage, Source};

    use super::*;

    #[test]
    fn how_a_recording_was_made_stands_with_its_growths() {
        let mut evidence = Evidence::default();
        let source = |kind| Source { name: String::new(), kind, summary: String::new() };
        let recording = evidence.sources.add(source(SourceKind::Recording));
        let perf = evidence.sources.add(source(SourceKind::Perf));
        evidence.growth = Some(ProcessGrowth::of(recording));
        let notice = |id, text: &str| Notice { source: Some(id), text: text.to_owned() };
        evidence.notices = vec![notice(perf, "of perf"), notice(recording, "of the budget")];
        evidence.storage = Some(ProcessStorage::of(perf));
        let mut out = Vec::new();
        let options = TextOptions { detail: Detail::Verbose, ..TextOptions::default() };
        render_text(&mut out, &diagnosis::diagnose(evidence), &options)
            .expect("a Vec takes everything");
        let text = String::from_utf8(out).expect("text");
        let at = |part: &str| text.find(part).expect("it is there");
        assert!(
            at("Growth") < at("of the budget") && at("of the budget") < at("Storage"),
            "{text}"
        );
        assert!(at("Storage") < at("of perf"), "{text}");
        assert_eq!(text.matches("of the budget").count(), 1);
    }

    #[test]
    fn a_command_to_copy_has_no_end_before_its_end() {
        assert_eq!(quoted("main.f'; touch x"), r"'main.f'\''; touch x'");
        assert_eq!(quoted(r"main\.build"), r"'main\.build'");
    }
}
