//! `mapscope scan`.

use std::collections::HashSet;
use std::io::Write;
use std::process::ExitCode;

use diagnosis::binary::Scan;
use regex::Regex;

use crate::args;

pub(crate) fn run(args: &args::Scan, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let mut scan = ingest::scan(&args.binary)?;
    if let Some(focus) = &args.focus {
        keep(&mut scan, focus);
    }
    if args.json {
        report::render_scan_json(out, &scan)?;
    } else {
        report::render_scan_text(out, &scan, args.top)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn keep(scan: &mut Scan, focus: &Regex) {
    scan.write_sites.retain(|site| {
        let is_type = site.map_type.as_ref().is_ok_and(|name| focus.is_match(name));
        is_type
            || site.frames.iter().any(|f| focus.is_match(&f.function) || focus.is_match(&f.file))
    });
    let used: HashSet<&str> =
        scan.write_sites.iter().filter_map(|site| site.map_type.as_deref().ok()).collect();
    scan.map_types.retain(|t| {
        let name = t.map_type.name.as_str();
        focus.is_match(name) || used.contains(name)
    });
}
