//! `mapscope diagnose`.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::ensure;
use diagnosis::{Diagnosis, Finding};
use evidence::{Notice, Site};
use ingest::{OpenOptions, Options};
use regex::Regex;
use report::{Detail, TextOptions};

use crate::args::Diagnose;
use crate::output::{self, Outputs};
use crate::source::SourceFiles;
use crate::{ERROR, OVER_LIMIT, Say, budget};

pub(crate) fn run(
    args: &Diagnose,
    out: &mut dyn Write,
    err: &mut dyn Say,
) -> anyhow::Result<ExitCode> {
    if let Some(what) = args.explain {
        report::render_explained(out, what, crate::width())?;
        return Ok(ExitCode::SUCCESS);
    }
    if args.glossary {
        report::render_glossary(out, crate::width())?;
        return Ok(ExitCode::SUCCESS);
    }
    let options = Options {
        open: OpenOptions { max_inflated_bytes: args.max_inflated.saturating_mul(1 << 20) },
        stacks: args.html.is_some() || args.flamegraph.is_some(),
    };
    let outputs = outputs(args)?;
    let mut evidence = ingest::collect(&args.inputs, &options, &mut crate::progress(err))?;
    if let Some(focus) = &args.focus {
        evidence.sites.retain(|site| matches(site, focus));
        if evidence.sites.is_empty() {
            let text = format!("no function, file or map type here matches --focus '{focus}'");
            ensure!(args.fail_over.is_none() && args.budget.is_none(), text);
            evidence.notices.push(Notice { source: None, text });
        }
    }
    let diagnosis = diagnosis::diagnose(evidence);
    write_files(args, &outputs, &diagnosis, err)?;
    if args.json {
        report::render_json(out, &diagnosis)?;
    } else {
        let sources = &SourceFiles::new(&args.source, &args.inputs);
        let (top, width, detail) = (args.top, crate::width(), detail(args));
        report::render_text(out, &diagnosis, &TextOptions { width, top, detail, sources })?;
    }
    let budget = budget::check(args, &outputs, &diagnosis, out, err)?;
    let over = match args.fail_over {
        Some(pct) => fail_over(&diagnosis, pct, err)?,
        None => budget::Verdict::Fine,
    };
    Ok(match (budget, over) {
        (budget::Verdict::Unchecked, _) | (_, budget::Verdict::Unchecked) => ExitCode::from(ERROR),
        (budget::Verdict::Over, _) | (_, budget::Verdict::Over) => ExitCode::from(OVER_LIMIT),
        (budget::Verdict::Fine, budget::Verdict::Fine) => ExitCode::SUCCESS,
    })
}

/// Holds findings against a limit in percent of the CPU. One that cannot be checked never passes.
fn fail_over(
    diagnosis: &Diagnosis,
    pct: f64,
    err: &mut dyn Write,
) -> anyhow::Result<budget::Verdict> {
    if say_over(diagnosis, pct, err)? {
        return Ok(budget::Verdict::Over);
    }
    let Some(why) = unchecked(diagnosis, pct) else { return Ok(budget::Verdict::Fine) };
    writeln!(err, "mapscope: --fail-over {pct} cannot be checked: {why}")?;
    Ok(budget::Verdict::Unchecked)
}

/// Why it is not known whether maps take more than `pct` percent of the CPU.
fn unchecked(diagnosis: &Diagnosis, pct: f64) -> Option<&'static str> {
    let cpu = diagnosis.evidence.cpu.as_ref().filter(|cpu| cpu.total.samples > 0);
    let Some(cpu) = cpu else { return Some("no CPU time was measured; add a CPU profile") };
    let may_be_over = cpu.unnamed.share_of(cpu.total) * 100.0 > pct;
    may_be_over.then_some("what maps cost in a part of the CPU time is not known, as the notes say")
}

fn detail(args: &Diagnose) -> Detail {
    match args.why {
        Some(number) => Detail::Why(number),
        None if args.verbose => Detail::Verbose,
        None => Detail::Brief,
    }
}

/// Those of its outputs that are files; each can be written.
fn outputs(args: &Diagnose) -> anyhow::Result<Outputs> {
    let budget = args.budget.iter().map(|path| path.as_path());
    let inputs = args.inputs.iter().map(Path::new).chain(budget);
    let outputs = Outputs::beside(inputs, output::over(args.force));
    outputs.check([
        (&args.html, output::PAGE),
        (&args.flamegraph, output::FLAMEGRAPH),
        (&args.sarif, output::SARIF),
    ])?;
    Ok(outputs)
}

fn write_files(
    args: &Diagnose,
    outputs: &Outputs,
    diagnosis: &Diagnosis,
    err: &mut dyn Write,
) -> anyhow::Result<()> {
    if let Some(path) = &args.html {
        let mut page = Vec::new();
        report::render_html(&mut page, diagnosis)?;
        outputs.write(path, output::PAGE, &page, err)?;
    }
    if let Some(path) = &args.flamegraph {
        let stacks = diagnosis.evidence.stacks.as_ref();
        let stacks = stacks
            .ok_or_else(|| anyhow::anyhow!("--flamegraph needs a CPU profile among the inputs"))?;
        let mut svg = Vec::new();
        let unit = diagnosis.evidence.cpu.as_ref().map(|cpu| cpu.unit).unwrap_or_default();
        report::render_flamegraph(&mut svg, stacks, unit)?;
        outputs.write(path, output::FLAMEGRAPH, &svg, err)?;
    }
    Ok(())
}

fn matches(site: &Site, focus: &Regex) -> bool {
    let types = site.known_types();
    focus.is_match(&site.frame.function)
        || focus.is_match(&site.frame.file)
        || types.into_iter().any(|t| focus.is_match(&t.name))
}

/// Says what is over `--fail-over`, and whether anything is.
fn say_over(diagnosis: &Diagnosis, pct: f64, err: &mut dyn Write) -> anyhow::Result<bool> {
    let over = over(diagnosis, pct);
    report::render_over(err, diagnosis, &over, ("--fail-over", pct), &budget::locate)?;
    Ok(!over.is_empty())
}

/// The first findings of lines whose maps, or what is found there, take more than `pct` percent of the CPU, and that ask for
/// a change; with that part of the CPU.
fn over(diagnosis: &Diagnosis, pct: f64) -> Vec<(&Finding, f64)> {
    let Some(cpu) = &diagnosis.evidence.cpu else { return Vec::new() };
    let of_line = |finding: &Finding| {
        let site = finding.site.and_then(|site| diagnosis.evidence.sites.get(site))?;
        site.cpu.as_ref().map(|cpu| cpu.map)
    };
    let asks = diagnosis.by_line().filter(|(first, _)| first.asks_for_change());
    let with_share = asks.filter_map(|(first, others)| {
        let found = others.iter().map(|other| other.cost);
        let costs = found.chain([of_line(first), first.cost]).flatten();
        Some((first, costs.map(|cost| cost.share_of(cpu.total)).reduce(f64::max)?))
    });
    with_share.filter(|(_, fraction)| fraction * 100.0 > pct).collect()
}
