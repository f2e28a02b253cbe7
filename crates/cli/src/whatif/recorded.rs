//! `mapscope whatif RECORDING [BINARY]`.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{bail, ensure};
use diagnosis::rewrites::{NoForecast, RecordedMaps, recorded_maps};
use evidence::Evidence;
use ingest::{OpenOptions, Options};
use regex::Regex;
use report::RecordedWhatIf;

use crate::Say;
use crate::args;
use crate::output::{self, Outputs};

/// Maps shown when none were chosen.
const TOP: usize = 10;

pub(super) fn run(
    args: &args::WhatIf,
    outputs: &Outputs,
    out: &mut dyn Write,
    err: &mut dyn Say,
) -> anyhow::Result<ExitCode> {
    let options = Options { open: OpenOptions::default(), stacks: false };
    let evidence = ingest::collect(&args.inputs, &options, &mut crate::progress(err))?;
    let report = chosen(args, &evidence)?;
    if let Some(path) = &args.svg {
        let mut svg = Vec::new();
        report::render_recorded_svg(&mut svg, &report)?;
        outputs.write(path, output::CHART, &svg, err)?;
    }
    if args.json {
        report::render_recorded_json(out, &report)?;
    } else {
        report::render_recorded(out, &report)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn chosen<'e>(args: &args::WhatIf, evidence: &'e Evidence) -> anyhow::Result<RecordedWhatIf<'e>> {
    let names: Vec<_> = args.inputs.iter().map(|name| ingest::shown(name)).collect();
    let names = names.join(", ");
    ensure!(
        evidence.growth.is_some(),
        "{names}: no recording among the inputs, which `mapscope record` makes; `--map` takes sizes by hand"
    );
    let mut maps = recorded_maps(evidence);
    ensure!(!maps.is_empty(), "{names}: no map grew while this was recorded");
    if let Some(site) = &args.site {
        maps.retain(|maps| matches(maps, site));
        ensure!(!maps.is_empty(), "--site {site}: no line or type of the recording matches");
    }
    let top = args.top.unwrap_or(if args.site.is_some() { usize::MAX } else { TOP });
    let n_more = maps.len().saturating_sub(top);
    maps.truncate(top);
    match maps.iter().map(|maps| maps.rewrites.as_ref().err()).collect::<Option<Vec<_>>>() {
        Some(reasons) if !reasons.is_empty() => bail!("{names}: {}", no_forecast(&maps, &reasons)),
        _ => Ok(RecordedWhatIf { evidence, maps, n_more }),
    }
}

fn matches(maps: &RecordedMaps, site: &Regex) -> bool {
    let inner = maps.inner.as_ref().ok();
    let frames = inner.and_then(|inner| inner.frame.as_ref()).into_iter().chain([&maps.frame]);
    let types = inner.map(|inner| &inner.map_type).into_iter().chain([&maps.growth.map_type]);
    frames.into_iter().any(|frame| site.is_match(&frame.function) || site.is_match(&frame.file))
        || types.into_iter().any(|name| site.is_match(name))
}

/// Why there is none of any map: what the user can do most about.
fn no_forecast(maps: &[RecordedMaps], reasons: &[&NoForecast]) -> String {
    match maps.iter().zip(reasons).min_by_key(|(_, reason)| rank(reason)) {
        Some((_, NoForecast::NoSizes(reason))) => {
            format!("no sizes: {}", report::no_sizes(*reason))
        }
        Some((maps, reason)) => report::no_forecast(**reason, &maps.growth),
        None => String::new(),
    }
}

fn rank(reason: &NoForecast) -> u8 {
    match reason {
        NoForecast::UnknownType => 0,
        NoForecast::NoSizes(_) => 1,
        NoForecast::UnknownVersion => 2,
        NoForecast::UnknownHints => 3,
    }
}
