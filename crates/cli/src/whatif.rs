//! `mapscope whatif`.

mod recorded;

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use gomap::{MapType, MapsOfSize, Sizes, what_if};
use report::{Chart, ChartPoint, WhatIf};

use crate::Say;
use crate::args;
use crate::output::{self, Outputs};

pub(crate) fn run(
    args: &args::WhatIf,
    out: &mut dyn Write,
    err: &mut dyn Say,
) -> anyhow::Result<ExitCode> {
    let outputs = Outputs::beside(&args.inputs, output::over(args.force));
    outputs.check([(&args.svg, output::CHART)])?;
    let (Some(name), Some(outer)) = (&args.map, args.outer) else {
        return recorded::run(args, &outputs, out, err);
    };
    by_hand(args, name, outer, &outputs, out, err)
}

fn by_hand(
    args: &args::WhatIf,
    name: &str,
    outer: u64,
    outputs: &Outputs,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let map: MapType = name.parse().with_context(|| format!("--map {name}"))?;
    let is_nested = map.elem.map.is_some();
    ensure!(
        is_nested != args.inner.is_empty(),
        "--map {name}: {}",
        if is_nested {
            "say with --inner how large its inner maps get"
        } else {
            "--inner without a map in the map"
        }
    );
    let sizes = sizes(args, outer)?;
    let rewrites = what_if(args.go, &map, &sizes)
        .with_context(|| format!("--go {}: the maps of this release are not known", args.go))?;
    if let Some(path) = &args.svg {
        let mut svg = Vec::new();
        report::render_what_if_svg(&mut svg, &chart(args, name, &map, &sizes))?;
        outputs.write(path, output::CHART, &svg, err)?;
    }
    let report = WhatIf { map: name.to_owned(), version: args.go, sizes, rewrites };
    if args.json {
        report::render_what_if_json(out, &report)?;
    } else {
        report::render_what_if(out, &report)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// `--outer 3 --inner 8`, or `--outer 3 --inner 8*2,100*1`.
fn sizes(args: &args::WhatIf, outer: u64) -> anyhow::Result<Sizes> {
    let [(entries, None)] = args.inner[..] else {
        let inner: Vec<MapsOfSize> = args
            .inner
            .iter()
            .map(|&(entries, maps)| MapsOfSize { entries, maps: maps.unwrap_or(1) })
            .collect();
        let n_maps = inner.iter().map(|of| of.maps).fold(0, u64::saturating_add);
        ensure!(
            inner.is_empty() || n_maps == outer,
            "--outer {outer} holds as many maps as --inner names, which are {n_maps}"
        );
        return Ok(Sizes { outer, inner });
    };
    Ok(Sizes { outer, inner: vec![MapsOfSize { entries, maps: outer }] })
}

/// Sizes in a chart for each doubling, and the doublings beyond the size asked for.
const PER_DOUBLING: u32 = 12;
const DOUBLINGS_BEYOND: u32 = 2;
/// The chart reaches at least to here: two splits of Swiss tables.
const LEAST_WIDE: u32 = 11;
/// Larger maps do not fit any memory.
const MOST_WIDE: u32 = 40;

fn chart(args: &args::WhatIf, name: &str, map: &MapType, sizes: &Sizes) -> Chart {
    let n_inner = sizes.inner.iter().map(|of| of.entries.saturating_mul(of.maps));
    let n_inner = n_inner.fold(0, u64::saturating_add).checked_div(sizes.outer);
    let is_nested = !sizes.inner.is_empty();
    let mark = n_inner.filter(|_| is_nested).unwrap_or(sizes.outer).max(1);
    let doublings = (mark.ilog2() + DOUBLINGS_BEYOND).clamp(LEAST_WIDE, MOST_WIDE);
    let mut entries: Vec<u64> = (0..=doublings * PER_DOUBLING)
        .map(|step| (f64::from(step) / f64::from(PER_DOUBLING)).exp2().round() as u64)
        .collect();
    entries.dedup();
    let point = |entries| {
        let maps_of_size = MapsOfSize { entries, maps: sizes.outer };
        let (outer, inner) =
            if is_nested { (sizes.outer, vec![maps_of_size]) } else { (entries, Vec::new()) };
        let total = if is_nested { entries.saturating_mul(sizes.outer) } else { entries };
        let rewrites = what_if(args.go, map, &Sizes { outer, inner })?;
        Some(ChartPoint { entries, total, rewrites })
    };
    let of_what = if is_nested { format!(", {} inner maps", sizes.outer) } else { String::new() };
    Chart {
        title: format!("{} in {}{of_what}", name, args.go),
        x_axis: if is_nested { "entries of each inner map" } else { "entries" },
        mark,
        points: entries.into_iter().filter_map(point).collect(),
    }
}
