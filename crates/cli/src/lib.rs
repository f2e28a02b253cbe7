//! Arguments to one call per command. Everything takes its arguments and a `Write`, so that tests call it directly.

mod args;
mod asm;
mod budget;
mod capture;
mod compare;
mod diagnose;
mod lab;
mod notices;
mod output;
mod record;
mod scan;
mod source;
mod whatif;

use std::fmt::Arguments;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::CommandFactory;

pub use args::{Args, Command};
pub use notices::{Notices, Say};

/// Exit code for errors; 1 says that a limit was exceeded.
const ERROR: u8 = 2;
/// Exit code when a limit was exceeded.
const OVER_LIMIT: u8 = 1;

/// Runs a command, prints what it has to say when all else is done, and then what went wrong, if anything did. A reader that
/// went away is no error, and changes nothing of what the command does and decides.
pub fn run(args: &Args, out: &mut dyn Write, err: &mut dyn Say) -> ExitCode {
    let err = &mut Unfailing(err);
    let mut report = Vec::new();
    let result = dispatch(args, &mut report, err);
    // What was said stands before the report where both go to one place.
    let _ = err.flush();
    let printed = print(&report, out).context("standard output");
    match result.and_then(|code| printed.map(|()| code)) {
        Ok(code) => code,
        Err(error) => {
            let said = printable_lines(&format!("{error:#}"));
            let _ = writeln!(err, "mapscope: {said}").and_then(|()| err.flush());
            ExitCode::from(ERROR)
        }
    }
}

fn print(report: &[u8], out: &mut dyn Write) -> io::Result<()> {
    match out.write_all(report).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Where a command says what it does. That it cannot be said is no error.
struct Unfailing<'w>(&'w mut dyn Say);

impl Write for Unfailing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.write_all(bytes);
        Ok(bytes.len())
    }

    fn write_fmt(&mut self, text: Arguments<'_>) -> io::Result<()> {
        let _ = self.0.write_fmt(text);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = self.0.flush();
        Ok(())
    }
}

impl Say for Unfailing<'_> {
    fn say_progress(&mut self, text: Arguments<'_>) {
        self.0.say_progress(text);
    }
}

fn dispatch(args: &Args, out: &mut dyn Write, err: &mut dyn Say) -> anyhow::Result<ExitCode> {
    match &args.command {
        Command::Diagnose(diagnose) => diagnose::run(diagnose, out, err),
        Command::Capture(args) => capture::run(args, out, err),
        Command::Record(record) => record::run(record, out, err),
        Command::Scan(scan) => scan::run(scan, out),
        Command::Asm(asm) => asm::run(asm, out, err),
        Command::Compare(compare) => compare::run(compare, out, err),
        Command::Lab(lab) => lab::run(lab, out, err),
        Command::Whatif(whatif) => whatif::run(whatif, out, err),
        Command::Completions { shell } => {
            clap_complete::generate(*shell, &mut Args::command(), "mapscope", out);
            Ok(ExitCode::SUCCESS)
        }
        Command::Man => man(out),
    }
}

/// One page for the program and all its commands.
fn man(out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let mut root = Args::command();
    root.build();
    clap_mangen::Man::new(root.clone()).render(out)?;
    for command in root.get_subcommands().filter(|command| command.get_name() != "help") {
        clap_mangen::Man::new(command.clone()).render(out)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Columns of the terminal, or of `COLUMNS`, or a usual number.
fn width() -> usize {
    let asked = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let terminal = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    asked.or_else(terminal).unwrap_or(report::TextOptions::default().width)
}

/// Prints what a command waits for.
fn progress(err: &mut dyn Say) -> impl FnMut(&str) {
    move |line| {
        err.say_progress(format_args!("mapscope: {}\n", evidence::printable(line)));
    }
}

/// A message without commands to the terminal: names in it are of other users' programs and files.
fn printable_lines(text: &str) -> String {
    text.lines().map(evidence::printable).collect::<Vec<_>>().join("\n")
}
