//! The report as one page that needs nothing else: no network, no other file.

use std::fmt::Write as _;
use std::io::{self, Write};

use diagnosis::finding::EvidenceLine;
use diagnosis::{Diagnosis, Finding, Verdict};
use evidence::{Cost, Evidence, ProcessCpu, Site, SiteCpu};
use goabi::MapOp;
use gomap::Category;

use crate::flamegraph::render_flamegraph;
use crate::growth;
use crate::numbers::{NOT_MEASURED, amount, bytes, count, duration, missing, percent, share};
use crate::words::{self, Word};
use crate::{locks, storage, text, timeline, trace};

/// Style, script and frame of the page; `{{…}}` marks what is filled in.
const TEMPLATE: &str = include_str!("page.html");

/// Writes the page.
///
/// # Errors
/// When `out` fails, or the flame graph cannot be drawn.
pub fn render_html(out: &mut dyn Write, diagnosis: &Diagnosis) -> io::Result<()> {
    let evidence = &diagnosis.evidence;
    let parts = [
        ("{{title}}", title(evidence)),
        ("{{header}}", header(evidence)),
        ("{{process}}", process(evidence)),
        ("{{notices}}", notices(evidence)),
        ("{{timeline}}", timeline::to_html(evidence)),
        ("{{findings}}", findings(diagnosis)),
        ("{{sites}}", sites(evidence)),
        ("{{legend}}", legend()),
        ("{{counted}}", counted(evidence)),
        ("{{flamegraph}}", flamegraph(evidence)?),
        ("{{not_measured}}", not_measured(diagnosis)),
    ];
    fill(out, TEMPLATE, &parts)
}

/// Writes a template with its marks `{{name}}` replaced. What is filled in comes from the input and may itself contain
/// marks, so the template is walked once.
pub(crate) fn fill(
    out: &mut dyn Write,
    template: &str,
    parts: &[(&str, String)],
) -> io::Result<()> {
    let mut rest = template;
    while let Some((before, tail)) = rest.split_once("{{") {
        let (name, after) = tail.split_once("}}").unwrap_or((tail, ""));
        out.write_all(before.as_bytes())?;
        let part = parts.iter().find(|(mark, _)| mark.trim_matches(['{', '}']) == name);
        out.write_all(part.map_or("", |(_, text)| text).as_bytes())?;
        rest = after;
    }
    out.write_all(rest.as_bytes())
}

/// Text for element content and quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

fn title(evidence: &Evidence) -> String {
    escape(evidence.program.name.as_deref().unwrap_or("Go program"))
}

fn header(evidence: &Evidence) -> String {
    let program = &evidence.program;
    let version = program
        .go_version
        .map_or("Go version unknown".to_owned(), |(version, _)| version.to_string());
    let map_impl = program.map_impl.map_or("unknown", |(map_impl, _)| map_impl.word());
    let mut out = format!("<p class=facts>{} · {map_impl} maps", escape(&version));
    if let Some(arch) = program.arch {
        let _ = write!(out, " · {arch}");
    }
    out += "</p><ul class=sources>";
    for source in &evidence.sources {
        let (kind, name) = (source.kind.word(), escape(&source.name));
        let _ =
            write!(out, "<li><b>{kind}</b> {name} <span>{}</span></li>", escape(&source.summary));
    }
    out + "</ul>"
}

/// What was counted, not sampled.
fn counted(evidence: &Evidence) -> String {
    let growth = evidence.growth.iter().map(growth::process_text);
    let trace = evidence.trace.iter().flat_map(trace::process_lines);
    let locks = locks::lines(evidence);
    let storage = evidence.storage.iter().flat_map(storage::process_lines);
    let lines = growth
        .chain(trace)
        .chain(locks)
        .chain(storage)
        .map(|line| format!("<li>{}</li>", escape(&line)))
        .fold(String::new(), |list, item| list + &item);
    if lines.is_empty() {
        return lines;
    }
    let tables: String = evidence.storage.iter().map(storage::to_html).collect();
    format!("<h2>Counted</h2><ul class=facts>{lines}</ul>{tables}")
}

fn process(evidence: &Evidence) -> String {
    let Some(cpu) = &evidence.cpu else { return format!("<p>CPU: {NOT_MEASURED}</p>") };
    let tiles = [
        ("map writes", cpu.by_op.get(MapOp::Assign)),
        ("map reads", cpu.by_op.get(MapOp::Read)),
        ("growth", cpu.growth),
        ("garbage collection", cpu.gc),
    ];
    let mut out = String::from("<div class=tiles>");
    for (what, part) in tiles {
        let _ = write!(
            out,
            "<div class=tile><b>{}</b><span>{what}</span><small>{} of {} samples</small></div>",
            percent(part.share_of(cpu.total)),
            count(part.samples),
            count(cpu.total.samples)
        );
    }
    out += "</div>";
    out + &split_bar(cpu)
}

/// One bar with all CPU time by category.
fn split_bar(cpu: &ProcessCpu) -> String {
    let mut out = format!("<div class=split title=\"{} of CPU time\">", duration(cpu.total.cpu_ns));
    for category in Category::ALL {
        let cost = cpu.split.get(category);
        if cost != Cost::default() {
            let text = format!("{}: {}", words::category(category), share(cost, cpu.total));
            let width = cost.share_of(cpu.total) * 100.0;
            let _ = write!(
                out,
                "<i style=\"width:{width:.2}%;background:{}\" title=\"{text}\"></i>",
                colour(category)
            );
        }
    }
    out + "</div>"
}

fn notices(evidence: &Evidence) -> String {
    let notice = |notice: &evidence::Notice| {
        let source = notice.source.and_then(|id| evidence.sources.get(id.0 as usize));
        let name = source.map_or(String::new(), |source| format!("{}: ", source.name));
        format!("<p class=notice>{}</p>", escape(&format!("{name}{}", notice.text)))
    };
    evidence.notices.iter().map(notice).collect()
}

fn findings(diagnosis: &Diagnosis) -> String {
    if diagnosis.findings.is_empty() {
        return "<p>No finding: nothing that was measured asks for a change.</p>".to_owned();
    }
    diagnosis.findings.iter().map(|f| finding(f, diagnosis)).collect()
}

fn finding(finding: &Finding, diagnosis: &Diagnosis) -> String {
    let evidence = &diagnosis.evidence;
    let class = if finding.verdict == Verdict::LeaveAlone { "fine" } else { "change" };
    let site = finding.site.and_then(|idx| evidence.sites.get(idx));
    let place = site.map_or("whole process".to_owned(), |site| words::place(&site.frame));
    let mut out = format!(
        "<article class={class}><h3><em>{}</em> {}</h3><dl>",
        finding.verdict.word(),
        escape(&place)
    );
    let mut row = |label: &str, text: &str| {
        let _ = write!(out, "<dt>{label}</dt><dd>{}</dd>", escape(text));
    };
    if let Some(site) = site {
        row("which map", &text::map_text(site, evidence));
    }
    row("why", &finding.cause);
    row("what to change", &finding.advice);
    if let Some(saving) = finding.saving {
        let range = format!(
            "{} to {} of the CPU: {}",
            percent(saving.low),
            percent(saving.high),
            saving.basis
        );
        row("would save", &range);
        row("", &growth::saving_text(saving.growth, evidence));
    }
    row("trust", &format!("{}: {}", finding.confidence.level.word(), finding.confidence.reason));
    if let Some(site) = site.filter(|_| finding.asks_for_change()) {
        row("did it help", &text::check_text(site, finding));
    }
    row("seen", &words::seen_in(finding, diagnosis));
    out += "</dl><table class=evidence>";
    finding.evidence.iter().for_each(|line| out += &evidence_row(line, evidence));
    out + "</table></article>"
}

fn evidence_row(line: &EvidenceLine, evidence: &Evidence) -> String {
    let source = evidence.sources.get(line.source.0 as usize).map_or("?", |source| &source.name);
    let (figure, what) = (amount(line.amount), escape(&line.what));
    format!("<tr><td>{figure}</td><td>{what}</td><td>{}</td></tr>", escape(source))
}

fn sites(evidence: &Evidence) -> String {
    evidence.sites.iter().map(|site| site_row(site, evidence)).collect()
}

/// A row whose cells carry their sort key.
fn site_row(site: &Site, evidence: &Evidence) -> String {
    let share_cell = |cost: fn(&SiteCpu) -> Cost| match (&site.cpu, &evidence.cpu) {
        (Some(cpu), Some(process)) => {
            let cost = cost(cpu);
            let (text, samples) = (percent(cost.share_of(process.total)), count(cost.samples));
            format!("<td data-k={} title=\"{samples} samples\">{text}</td>", cost.cpu_ns)
        }
        _ => format!("<td data-k=-1 class=none>{}</td>", missing(evidence.cpu.is_some())),
    };
    let heap = site.heap.as_ref().map_or(
        format!("<td data-k=-1 class=none>{}</td>", missing(evidence.heap.is_some())),
        |heap| {
            format!("<td data-k={}>{}</td>", heap.total.alloc_bytes, bytes(heap.total.alloc_bytes))
        },
    );
    let frame = &site.frame;
    let inlined: String = site
        .inlined_into
        .iter()
        .map(|f| format!("<small>inlined into {}</small>", escape(&f.function)))
        .collect();
    let growth: String = growth::site_lines(site, evidence)
        .iter()
        .map(|line| format!("<small>{}</small>", escape(line)))
        .collect();
    format!(
        "<tr>{}{}{}{heap}<td><code>{}</code><small>{}:{}</small>{inlined}</td><td>{}{growth}</td><td>{}</td></tr>",
        share_cell(|cpu| cpu.map),
        share_cell(|cpu| cpu.line),
        share_cell(|cpu| cpu.growth),
        escape(&frame.function),
        escape(&frame.file),
        frame.line,
        escape(&text::map_text(site, evidence)),
        site.cpu.as_ref().map_or(String::new(), site_split),
    )
}

fn site_split(cpu: &SiteCpu) -> String {
    let mut out = String::from("<div class=split>");
    for category in Category::ALL {
        let cost = cpu.split.get(category);
        if cost != Cost::default() {
            let title = format!("{}: {}", words::category(category), share(cost, cpu.map));
            let width = cost.share_of(cpu.map) * 100.0;
            let _ = write!(
                out,
                "<i style=\"width:{width:.2}%;background:{}\" title=\"{title}\"></i>",
                colour(category)
            );
        }
    }
    out + "</div>"
}

fn legend() -> String {
    Category::ALL
        .iter()
        .map(|&c| {
            format!("<span><i style=\"background:{}\"></i>{}</span>", colour(c), words::category(c))
        })
        .collect()
}

fn colour(category: Category) -> String {
    let [r, g, b] = words::category_colour(Some(category));
    format!("rgb({r},{g},{b})")
}

fn flamegraph(evidence: &Evidence) -> io::Result<String> {
    let Some(stacks) = &evidence.stacks else {
        return Ok(format!("<p>Flame graph: {NOT_MEASURED}</p>"));
    };
    let mut svg = Vec::new();
    render_flamegraph(&mut svg, stacks, "CPU time by cost category")?;
    let svg = String::from_utf8_lossy(&svg);
    // An XML declaration is not allowed inside HTML.
    let svg = svg.find("<svg").map_or("", |start| &svg[start..]);
    let page =
        format!("<!doctype html><style>body{{margin:0}}svg{{width:100%;height:auto}}</style>{svg}");
    Ok(format!("<iframe title=\"flame graph\" srcdoc=\"{}\"></iframe>", escape(&page)))
}

fn not_measured(diagnosis: &Diagnosis) -> String {
    let gap = |gap: &diagnosis::finding::NotMeasured| {
        format!("<li>{}<pre>{}</pre></li>", escape(&gap.what), escape(&gap.command))
    };
    diagnosis.not_measured.iter().map(gap).collect()
}
