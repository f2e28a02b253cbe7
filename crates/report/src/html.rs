//! The report as one page that needs nothing else: no network, no other file.

use std::io::{self, Write};

use diagnosis::finding::{EvidenceLine, Saving};
use diagnosis::{Diagnosis, Finding};
use evidence::{Cost, CostSplit, CpuUnit, Evidence, ProcessCpu, Site};
use goabi::MapOp;
use gomap::Category;
use maud::{Markup, PreEscaped, html};

use crate::columns::{COLUMNS, Cell};
use crate::flamegraph::render_flamegraph;
use crate::numbers::{NOT_MEASURED, amount, count, cpu_time, percent, share};
use crate::page::Page;
use crate::words::{self, Word};
use crate::{growth, locks, marks, storage, text, timeline, trace};

/// Writes the page.
///
/// # Errors
/// When `out` fails, or the flame graph cannot be drawn.
pub fn render_html(out: &mut dyn Write, diagnosis: &Diagnosis) -> io::Result<()> {
    let evidence = &diagnosis.evidence;
    let name = evidence.program.name.as_deref().unwrap_or("Go program");
    let body = html! {
        h1 { (name) }
        (header(evidence))
        (process(evidence))
        div.legend { (legend()) }
        (notices(evidence))
        h2 { "Findings" }
        (findings(diagnosis))
        (timeline::to_html(evidence))
        (counted(evidence))
        h2 { "Sites" }
        (sites(evidence))
        h2 { "Flame graph" }
        (flamegraph(evidence))
        h2 { "Not measured" }
        ul {
            @for &gap in &diagnosis.not_measured {
                li { (words::gap(gap)) pre { (words::command(gap)) } }
            }
        }
        script { (PreEscaped(include_str!("page.js"))) }
    };
    let page = Page {
        mark: marks::PAGE,
        title: &format!("{name} – mapscope"),
        policy: "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:",
        style: include_str!("page.css"),
    };
    writeln!(out, "{}", page.with(&body).into_string())
}

fn header(evidence: &Evidence) -> Markup {
    let program = &evidence.program;
    let version = program
        .go_version
        .map_or("Go version unknown".to_owned(), |(version, _)| version.to_string());
    let map_impl = program.map_impl.map_or("unknown", |(map_impl, _)| map_impl.word());
    html! {
        p.facts {
            (version) " · " (map_impl) " maps"
            @if let Some(arch) = program.arch { " · " (arch) }
        }
        ul.sources {
            @for source in &evidence.sources {
                li { b { (source.kind.word()) } " " (source.name) " " span { (source.summary) } }
            }
        }
    }
}

/// What was counted, not sampled.
fn counted(evidence: &Evidence) -> Markup {
    let growth = evidence.growth.iter().map(growth::process_text);
    let trace = evidence.trace.iter().flat_map(trace::process_lines);
    let storage = evidence.storage.iter().flat_map(storage::process_lines);
    let lines: Vec<String> =
        growth.chain(trace).chain(locks::lines(evidence)).chain(storage).collect();
    html! {
        @if !lines.is_empty() {
            h2 { "Counted" }
            ul.facts { @for line in &lines { li { (line) } } }
            @if let Some(storage) = &evidence.storage { (storage::to_html(storage)) }
        }
    }
}

fn process(evidence: &Evidence) -> Markup {
    let Some(cpu) = &evidence.cpu else { return html! { p { "CPU: " (NOT_MEASURED) } } };
    let all = cpu_time(cpu);
    html! {
        (tiles(cpu))
        (split_bar(&cpu.split, cpu.total, Some(&all)))
    }
}

fn tiles(cpu: &ProcessCpu) -> Markup {
    let tiles = [
        ("map writes", cpu.by_op.get(MapOp::Assign)),
        ("map reads", cpu.by_op.get(MapOp::Read)),
        ("growth", cpu.growth),
        ("garbage collection", cpu.gc),
    ];
    html! {
        div.tiles {
            @for (what, part) in tiles {
                div.tile {
                    b { (percent(part.share_of(cpu.total))) }
                    span { (what) }
                    small { (count(part.samples)) " of " (count(cpu.total.samples)) " samples" }
                }
            }
        }
    }
}

/// One bar with a cost by category.
fn split_bar(split: &CostSplit, whole: Cost, title: Option<&str>) -> Markup {
    let parts = Category::ALL.map(|category| (category, split.get(category)));
    html! {
        div.split title=[title] {
            @for (category, part) in parts.into_iter().filter(|(_, part)| *part != Cost::default()) {
                @let width = part.share_of(whole) * 100.0;
                i style={ "width:" (format_args!("{width:.2}")) "%;background:" (colour(category)) }
                    title={ (words::category(category)) ": " (share(part, whole)) } {}
            }
        }
    }
}

fn notices(evidence: &Evidence) -> Markup {
    html! {
        @for notice in &evidence.notices {
            p.notice {
                @if let Some(id) = notice.source { (evidence.sources[id].name) ": " }
                (notice.text)
            }
        }
    }
}

fn findings(diagnosis: &Diagnosis) -> Markup {
    html! {
        @if diagnosis.findings.is_empty() {
            p { "No finding: nothing that was measured asks for a change." }
        }
        @let (in_full, folded) = text::in_full_and_folded(diagnosis);
        @for (first, others) in in_full {
            article.(class(first)) {
                (finding(first, diagnosis))
                @for under in others { section.other { (finding(under, diagnosis)) } }
            }
        }
        @if let Some(total) = diagnosis.total_saving() { p.total { (text::total_text(total)) } }
        @if !folded.is_empty() {
            details.folded {
                summary { "Leave alone: " (folded.len()) }
                @for of in folded { article.(class(of)) { (finding(of, diagnosis)) } }
            }
        }
    }
}

fn finding(finding: &Finding, diagnosis: &Diagnosis) -> Markup {
    let evidence = &diagnosis.evidence;
    let site = finding.site.and_then(|idx| evidence.sites.get(idx));
    html! {
        h3 { (head(finding, evidence)) }
        dl {
            @if let Some(site) = site.filter(|_| finding.under.is_none()) {
                (row("which map", &text::map_text(site, evidence)))
                @if let Some(callers) = words::called_from(site) { (row("called from", &callers)) }
            }
            (row("why", &words::cause(&finding.cause)))
            (row("what to change", &words::advice(&finding.advice)))
            @if let Some(saving) = &finding.saving { (saving_rows(saving, evidence)) }
            (row("trust", &words::confidence(finding.confidence)))
            @if let Some(site) = site.filter(|_| finding.asks_for_change()) {
                (row("did it help", &text::check_text(site, finding)))
            }
            (row("seen", &words::seen_in(finding, diagnosis)))
        }
        table.evidence { @for line in &finding.evidence { (evidence_row(line, evidence)) } }
    }
}

fn class(finding: &Finding) -> &'static str {
    if finding.asks_for_change() { "change" } else { "fine" }
}

/// "presize main.build main.go:49"; under it "or reuse", "also change key".
fn head(finding: &Finding, evidence: &Evidence) -> Markup {
    let verdict = finding.verdict().word();
    html! {
        @if finding.under.is_some() {
            (words::under(finding)) " " em { (verdict) }
        } @else {
            em { (verdict) } " " (text::place(finding, evidence))
        }
    }
}

fn row(label: &str, text: &str) -> Markup {
    html! { dt { (label) } dd { (text) } }
}

fn saving_rows(saving: &Saving, evidence: &Evidence) -> Markup {
    html! {
        (row("would save", &text::saving_text(saving)))
        @if let Some(line) = growth::saved_growth(saving, evidence) { (row("", &line)) }
    }
}

fn evidence_row(line: &EvidenceLine, evidence: &Evidence) -> Markup {
    let source = words::names(&line.sources, evidence, |name| name);
    html! { tr { td { (amount(line.amount)) } td { (words::label(line)) } td { (source) } } }
}

/// A table that the page's script sorts.
fn sites(evidence: &Evidence) -> Markup {
    html! {
        div.scroll {
            table #sites {
                thead {
                    tr {
                        @for (idx, column) in COLUMNS.iter().enumerate() {
                            th aria-sort=[(idx == 0).then_some("descending")] { (column.name) }
                        }
                        th { "site" }
                        th { "map" }
                        th { "split of map time" }
                    }
                }
                tbody { @for site in &evidence.sites { (site_row(site, evidence)) } }
            }
        }
    }
}

/// A row whose cells carry their sort key.
fn site_row(site: &Site, evidence: &Evidence) -> Markup {
    let frame = &site.frame;
    html! {
        tr {
            @for column in &COLUMNS { (cell(&column.cell(site, evidence))) }
            td {
                code { (frame.function) }
                small { (frame.file) ":" (frame.line) }
                @for outer in &site.inlined_into { small { "inlined into " (outer.function) } }
            }
            td {
                (text::map_text(site, evidence))
                @for line in growth::site_lines(site, evidence) { small { (line) } }
            }
            td { @if let Some(cpu) = &site.cpu { (split_bar(&cpu.split, cpu.map, None)) } }
        }
    }
}

fn cell(cell: &Cell) -> Markup {
    html! {
        @match cell {
            Cell::Value { n, text, note } => td data-k=(n) title=[note] { (text) },
            Cell::None(why) => td.none data-k="-1" { (why) },
        }
    }
}

fn legend() -> Markup {
    html! {
        @for category in Category::ALL {
            span { i style={ "background:" (colour(category)) } {} (words::category(category)) }
        }
    }
}

fn colour(category: Category) -> String {
    let [r, g, b] = words::category_colour(Some(category));
    format!("rgb({r},{g},{b})")
}

fn flamegraph(evidence: &Evidence) -> Markup {
    let Some(stacks) = &evidence.stacks else {
        return html! { p { "Flame graph: " (NOT_MEASURED) } };
    };
    let mut svg = Vec::new();
    let unit = evidence.cpu.as_ref().map_or(CpuUnit::default(), |cpu| cpu.unit);
    if let Err(why) = render_flamegraph(&mut svg, stacks, unit) {
        return html! { p { "Flame graph: " (why) } };
    }
    let svg = String::from_utf8_lossy(&svg);
    // An XML declaration is not allowed inside HTML.
    let svg = svg.find("<svg").map_or("", |start| &svg[start..]);
    let page =
        format!("<!doctype html><style>body{{margin:0}}svg{{width:100%;height:auto}}</style>{svg}");
    html! { iframe title="flame graph" srcdoc=(page) {} }
}
