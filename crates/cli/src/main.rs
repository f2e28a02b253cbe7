//! The binary `mapscope`: arguments, one call, an exit code.

use std::process::ExitCode;

use clap::Parser;
use mapscope_cli::{Args, Notices, run};

fn main() -> ExitCode {
    // Where it cannot be had, it ends this program.
    let _ = output::outlive_size_limit();
    // Where it cannot be had, commands end without exit code.
    let _ = goproc::learn_how_commands_end();
    let args = Args::parse();
    let mut stdout = args.color.stdout();
    match Notices::to(args.color.stderr()) {
        Ok(mut notices) => run(&args, &mut stdout, &mut notices),
        Err(_) => run(&args, &mut stdout, &mut args.color.stderr()),
    }
}
