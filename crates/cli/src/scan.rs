//! `mapscope scan`.

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
    scan.map_types.retain(|t| focus.is_match(&t.map_type.name));
    scan.write_sites.retain(|site| {
        let is_type = site.map_type.as_ref().is_ok_and(|name| focus.is_match(name));
        is_type
            || site.frames.iter().any(|f| focus.is_match(&f.function) || focus.is_match(&f.file))
    });
}
