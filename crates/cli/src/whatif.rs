//! `mapscope whatif`.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use gomap::{MapType, Sizes, what_if};
use report::WhatIf;

use crate::args;

pub(crate) fn run(args: &args::WhatIf, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let map: MapType = args.map.parse().with_context(|| format!("--map {}", args.map))?;
    let is_nested = map.elem.map.is_some();
    ensure!(
        is_nested == args.inner.is_some(),
        "--map {}: {}",
        args.map,
        if is_nested {
            "say with --inner how large its inner maps get"
        } else {
            "--inner without a map in the map"
        }
    );
    let sizes = Sizes { outer: args.outer, inner: args.inner };
    let rewrites = what_if(args.go, &map, sizes)
        .with_context(|| format!("--go {}: the maps of this release are not known", args.go))?;
    let report = WhatIf { map: args.map.clone(), version: args.go, sizes, rewrites };
    if args.json {
        report::render_what_if_json(out, &report)?;
    } else {
        report::render_what_if(out, &report)?;
    }
    Ok(ExitCode::SUCCESS)
}
