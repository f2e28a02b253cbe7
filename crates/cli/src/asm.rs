//! `mapscope asm`.

use std::io::Write;
use std::process::ExitCode;

use ingest::OpenOptions;

use crate::Say;
use crate::args::Asm;

pub(crate) fn run(args: &Asm, out: &mut dyn Write, err: &mut dyn Say) -> anyhow::Result<ExitCode> {
    let mut progress = crate::progress(err);
    let profile = args.profile.as_deref();
    let listing = ingest::list_instructions(
        &args.binary,
        &args.function,
        profile,
        args.event.as_deref(),
        &OpenOptions::default(),
        &mut progress,
    )?;
    if args.json {
        report::render_asm_json(out, &listing)?;
    } else {
        report::render_asm(out, &listing)?;
    }
    Ok(ExitCode::SUCCESS)
}
