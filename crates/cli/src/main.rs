//! The binary `mapscope`: arguments, one call, an exit code.

use std::process::ExitCode;

use clap::Parser;
use mapscope_cli::{Args, run};

fn main() -> ExitCode {
    let args = Args::parse();
    let mut stdout = args.color.stdout();
    let mut stderr = args.color.stderr();
    run(&args, &mut stdout, &mut stderr)
}
