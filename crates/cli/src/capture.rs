//! `mapscope capture`.

use std::io::Write;
use std::process::ExitCode;

use capture::{Ending, Limits, Options, Summary, Target};
use evidence::printable;

use crate::args::Capture;
use crate::{ERROR, Say, printable_lines};

pub(crate) fn run(
    args: &Capture,
    out: &mut dyn Write,
    err: &mut dyn Say,
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
    let code = if summary.is_written() { summary.exit_code().unwrap_or(0) } else { ERROR };
    Ok(ExitCode::from(code))
}

fn say(summary: &Summary, err: &mut dyn Write) -> std::io::Result<()> {
    let why = match summary.ending {
        Ending::Duration => "",
        Ending::Exit => ", until the program ended",
        Ending::Signal => ", stopped early by a signal",
    };
    let dir = printable(&summary.dir.to_string_lossy());
    let command = summary.command.map_or(String::new(), |command| format!("; {command}"));
    writeln!(err, "mapscope: captured {:.1} s into {dir}{why}{command}", summary.seconds)?;
    for file in &summary.collected {
        let note = file.note.as_ref().map_or(String::new(), |note| format!(" ({note})"));
        let text = format!("{:<16} {}{note}", file.file, file.what);
        writeln!(err, "  {}", printable(&text))?;
    }
    if !summary.missing.is_empty() {
        writeln!(err, "not collected:")?;
    }
    for missing in &summary.missing {
        writeln!(err, "  {}: {}", printable(&missing.what), printable_lines(&missing.why))?;
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

#[cfg(test)]
mod tests {
    use capture::{Collected, Missing};

    use super::*;

    #[test]
    fn names_of_other_programs_are_no_commands_to_the_terminal() {
        let hostile = "evil\u{1b}[2J\u{9b}1m\r\u{7}";
        let summary = Summary {
            mapscope_capture: 1,
            dir: hostile.into(),
            pid: Some(1),
            is_go: Some(true),
            seconds: 1.0,
            ending: Ending::Duration,
            command: None,
            collected: vec![Collected {
                file: hostile.to_owned(),
                what: hostile.to_owned(),
                bytes: 1,
                note: Some(hostile.to_owned()),
            }],
            missing: vec![Missing { what: hostile.to_owned(), why: format!("{hostile}\nline 2") }],
        };
        let mut said = Vec::new();
        say(&summary, &mut said).expect("memory takes it");
        let said = String::from_utf8(said).expect("text");
        assert!(said.contains("evil\u{fffd}[2J\u{fffd}1m\u{fffd}\u{fffd}: "), "{said:?}");
        assert!(said.contains("line 2"), "{said:?}");
        assert!(!said.contains(|c: char| c.is_control() && c != '\n'), "{said:?}");
    }
}
