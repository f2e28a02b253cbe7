//! `mapscope capture`.

use std::io::Write;
use std::process::ExitCode;

use capture::{Ending, Limits, Options, Summary, Target};

use crate::args::Capture;

pub(crate) fn run(
    args: &Capture,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let command = (!args.command.is_empty()).then(|| Target::Command(args.command.clone()));
    let options = Options {
        target: args.pid.map(Target::Pid).or(command),
        url: args.url.clone(),
        duration: args.duration,
        dir: args.output.clone(),
        max_overhead: args.max_overhead / 100.0,
        limits: Limits {
            answer_time: args.answer_time,
            max_answer_bytes: args.max_answer.saturating_mul(1 << 20),
        },
    };
    let summary = capture::capture(&options, &mut crate::progress(err))?;
    say(&summary, err)?;
    if args.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&summary)?)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn say(summary: &Summary, err: &mut dyn Write) -> std::io::Result<()> {
    let why = match summary.ending {
        Ending::Duration => "",
        Ending::Exit => ", until the program ended",
        Ending::Signal => ", stopped early by a signal",
    };
    let dir = summary.dir.display();
    writeln!(err, "mapscope: captured {:.1} s into {dir}{why}", summary.seconds)?;
    for file in &summary.collected {
        let note = file.note.as_ref().map_or(String::new(), |note| format!(" ({note})"));
        writeln!(err, "  {:<16} {}{note}", file.file, file.what)?;
    }
    if !summary.missing.is_empty() {
        writeln!(err, "not collected:")?;
    }
    for missing in &summary.missing {
        writeln!(err, "  {}: {}", missing.what, missing.why)?;
    }
    if summary.has_no_go() {
        return writeln!(
            err,
            "mapscope: nothing in {dir} is of a Go program, so that there are no maps to diagnose; \
             capture the Go program itself: mapscope capture -p PID, or -- PROGRAM"
        );
    }
    // What root captured only root may read.
    let sudo = if std::env::var_os("SUDO_USER").is_some() { "sudo " } else { "" };
    writeln!(err, "mapscope: next: {sudo}mapscope diagnose {dir}")
}
