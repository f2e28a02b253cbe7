//! `mapscope record`.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::{Child, ExitCode};
use std::time::{Duration, Instant};

use anyhow::ensure;
use capture::StopSignals;
use evidence::printable;
use evidence::words::{counted, plural, thousands};
use goproc::{CommandState, SuspendSignal};
use probe::{Attached, Ending, Links, Options, Recorder, Recording, State, Status, Target};

use crate::args::Record;
use crate::output::{self, Outputs, RECORDING};
use crate::{ERROR, Say};

/// How often signals are looked for.
const SIGNALS_EVERY: Duration = Duration::from_millis(100);
/// Exit code of a command that a trap has ended, as a shell has it: 128 and SIGTRAP.
const TRAPPED: u8 = 128 + 5;
/// How often progress is reported.
const REPORT: Duration = Duration::from_secs(1);

pub(crate) fn run(
    args: &Record,
    out: &mut dyn Write,
    err: &mut dyn Say,
) -> anyhow::Result<ExitCode> {
    if args.check {
        return check(args, out);
    }
    let options = Options {
        target: target(args)?,
        max_overhead: args.max_overhead / 100.0,
        sample_hz: args.sample_hz,
        max_frames: args.stack_depth,
        links: if args.single_links { Links::Single } else { Links::Auto },
    };
    let outputs = Outputs::beside(&args.exe, output::over(args.force));
    let output = outputs.output(&args.output, RECORDING);
    check_output(&output, !args.command.is_empty(), err)?;
    // They are caught until the recording is written.
    let signals = StopSignals::catch()?;
    let suspend = SuspendSignal::catch()?;
    let mut recorder = Recorder::attach(&options)?;
    // A command that is held back never begins then.
    ensure!(!signals.is_set(), "stopped by a signal before it began");
    recorder.start()?;
    // Whoever waits for this may count on what happens from here on.
    say_attached(err, recorder.attached())?;
    if let Err(error) = recorder.drop_privileges() {
        say_command(recorder.take_command(), err);
        return Err(error.into());
    }
    let ended = record_until_end(&mut recorder, args.duration, (&signals, &suspend), err);
    if std::io::stderr().is_terminal() {
        // After what it said last of how far it got.
        writeln!(err)?;
    }
    let command = say_command(recorder.take_command(), err);
    let (recording, failure) = recorder.finish_after(ended)?;
    // Without probes there is nothing to do before this program stops.
    drop(suspend);
    // Before it is written: it may get the number that a replaced executable had.
    let is_file = output.file().is_ok_and(|file| file.is_some());
    keep(&recording, &output, &signals)?;
    summarise(&recording, &args.output, err)?;
    if is_file {
        let path = printable(&args.output.to_string_lossy());
        writeln!(err, "mapscope: next: mapscope diagnose {path} [BINARY]")?;
    }
    if let Some(error) = failure {
        return Err(anyhow::Error::new(error).context("recording ended early"));
    }
    // As `strace` and `perf record` do, that of the command, if it was recorded to its end.
    let code =
        command.filter(|_| recording.ending == Ending::Exit).and_then(|command| command.exit_code);
    Ok(ExitCode::from(code.unwrap_or(0)))
}

/// A recording that cannot be kept should not be made. Says what to know about where it goes.
fn check_output(
    output: &::output::Output<'_>,
    is_command: bool,
    err: &mut dyn Write,
) -> anyhow::Result<()> {
    output.check()?;
    if let Some(uid) = output.pipe_of_other()? {
        let path = printable(&output.path.to_string_lossy());
        writeln!(err, "mapscope: {path} is a pipe of user {uid}, who can read what is recorded")?;
    }
    if !output.is_stdout()? {
        return Ok(());
    }
    ensure!(
        !std::io::stdout().is_terminal(),
        "a recording is binary and not for a terminal: give -o FILE, or send it on, as in mapscope record -o - -p PID > FILE"
    );
    if is_command {
        writeln!(
            err,
            "mapscope: what the command prints goes to standard output too, before the recording; -o FILE keeps them apart"
        )?;
    }
    Ok(())
}

/// Writes the recording, elsewhere if need be: what it says happened once. A signal ends the wait for the reader of a pipe.
fn keep(
    recording: &Recording,
    output: &::output::Output<'_>,
    signals: &StopSignals,
) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    gopprof::write_profile(&recording.profile, &mut bytes)?;
    let Err(error) = output.write_until(&bytes, &|| signals.is_set()) else { return Ok(()) };
    anyhow::bail!("{error}; the recording {}", ::output::keep_elsewhere(".pb.gz", &bytes))
}

fn target(args: &Record) -> anyhow::Result<Target> {
    let target = match (&args.pid[..], &args.name, &args.exe, &args.command[..]) {
        ([], None, exe, [_, ..]) => {
            Target::Command { argv: args.command.clone(), exe: exe.clone() }
        }
        ([], None, Some(exe), []) => Target::Exe(exe.clone()),
        ([], Some(name), None, []) => Target::Name(name.clone()),
        ([_, ..], None, None, []) => Target::Pids(args.pid.clone()),
        ([], None, None, []) => anyhow::bail!(
            "what is to be recorded? give -p PID, -n NAME, --exe FILE or -- COMMAND (mapscope record --help has examples)"
        ),
        _ => anyhow::bail!(
            "give one of -p PID, -n NAME, and -- COMMAND; --exe goes alone or with a command"
        ),
    };
    Ok(target)
}

fn record_until_end(
    recorder: &mut Recorder,
    duration: Option<Duration>,
    (stop, suspend): (&StopSignals, &SuspendSignal),
    err: &mut dyn Say,
) -> Result<Ending, probe::Error> {
    let is_terminal = std::io::stderr().is_terminal();
    let deadline = duration.map(|duration| Instant::now() + duration);
    let mut reported = Instant::now();
    loop {
        let rest = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if rest.is_some_and(|rest| rest.is_zero()) {
            return Ok(Ending::Duration);
        }
        let status = recorder.poll(rest.map_or(SIGNALS_EVERY, |rest| rest.min(SIGNALS_EVERY)))?;
        if status.has_ended {
            return Ok(Ending::Exit);
        }
        if stop.is_set() {
            return Ok(Ending::Signal);
        }
        if suspend.is_asked() {
            recorder.suspend()?;
            // Where it cannot stop, it goes on.
            let _ = suspend.suspend();
            recorder.resume()?;
        }
        if reported.elapsed() >= REPORT {
            reported = Instant::now();
            say(err, &status, is_terminal);
        }
    }
}

fn say_attached(err: &mut dyn Write, attached: &Attached) -> std::io::Result<()> {
    let Attached { program, pids, n_probes, n_inlined, only_user, took, debugged } = attached;
    let processes = match pids.len() {
        0 => "processes to come".to_owned(),
        n => processes(n as u64),
    };
    writeln!(
        err,
        "mapscope: {}: {n_probes} growth {} in {processes}, {n_inlined} inlined {}, after {} ms",
        printable(program),
        plural(*n_probes as u64, "probe"),
        plural(*n_inlined as u64, "copy"),
        took.as_millis()
    )?;
    for (pid, debugger) in debugged {
        writeln!(
            err,
            "mapscope: a debugger (process {debugger}) is attached to process {pid}: a breakpoint of it on an instruction that is probed can end the process; set none on functions of the runtime that grow maps"
        )?;
    }
    if let Some(user) = only_user {
        writeln!(
            err,
            "mapscope: only processes of user {user} are recorded: to look at those of others takes CAP_SYS_PTRACE"
        )?;
    }
    Ok(())
}

/// "1 process", "2 processes".
fn processes(n: u64) -> String {
    format!("{n} {}", plural(n, "process"))
}

/// Says how a command is that recording does not wait for any more, whatever becomes of the recording.
fn say_command(command: Option<Child>, err: &mut dyn Write) -> Option<CommandState> {
    let state = CommandState::of(&mut command?);
    let _ = writeln!(err, "mapscope: {state}");
    if state.exit_code == Some(TRAPPED) {
        let _ = writeln!(
            err,
            "mapscope: that is SIGTRAP: a probe ends a program that runs a copy of its own code, as the copy has the probe's trap too"
        );
    }
    Some(state)
}

fn say(err: &mut dyn Say, status: &Status, is_terminal: bool) {
    let Status { elapsed, n_grows, n_samples, n_lost, overhead, is_settling, mode, .. } = status;
    let lacking = if status.lacks_clocks { ", lower bounds: no clocks of threads" } else { "" };
    let about = if status.is_estimated { "about " } else { "" };
    let settling = if *is_settling { ", settling" } else { "" };
    let overhead = overhead_text(*overhead);
    let (start, end) = if is_terminal { ("\r", "\x1b[K") } else { ("", "\n") };
    err.say_progress(format_args!(
        "{start}mapscope: {:>4.0} s  {about}{}  {}  {} lost  {overhead}{settling}  {mode}{lacking}{end}",
        elapsed.as_secs_f64(),
        counted(*n_grows, "growth"),
        counted(*n_samples, "CPU sample"),
        thousands(*n_lost),
    ));
}

/// "2.1 % overhead".
fn overhead_text(overhead: Option<f64>) -> String {
    let percent = |part: f64| format!("{:.1} % overhead", part * 100.0);
    overhead.map_or_else(|| "overhead not known".to_owned(), percent)
}

fn summarise(recording: &Recording, path: &Path, err: &mut dyn Write) -> std::io::Result<()> {
    let why = match recording.ending {
        Ending::Duration | Ending::Rotation => "",
        Ending::Exit => ", until the program ended",
        Ending::Signal => ", stopped early by a signal",
        Ending::Failure => ", until counts could not be read any more",
    };
    let path = printable(&path.to_string_lossy());
    writeln!(
        err,
        "mapscope: wrote {path}: {}, {}, {} lost, in {:.1} s{why}, {}",
        recording.grows_text(),
        counted(recording.n_samples, "CPU sample"),
        thousands(recording.n_lost),
        recording.elapsed.as_secs_f64(),
        match recording.overhead {
            Some(_) => format!("at {}", overhead_text(recording.overhead)),
            None => overhead_text(None),
        }
    )?;
    if let Some(why) = recording.why_over_limit() {
        writeln!(
            err,
            "mapscope: that is more than the {} % of --max-overhead: {why}",
            recording.max_overhead * 100.0
        )?;
    }
    if recording.n_elsewhere > 0 {
        writeln!(
            err,
            "mapscope: {} executed another program: recorded until then",
            processes(recording.n_elsewhere)
        )?;
    }
    if recording.n_beside > 0 {
        writeln!(
            err,
            "mapscope: {} of this file ran beside it, not recorded: add --exe FILE to record all",
            processes(recording.n_beside)
        )?;
    }
    if let Some(after) = recording.replaced_after {
        writeln!(
            err,
            "mapscope: the path of the executable leads to another file, as was seen after {:.1} s: processes that began since it does are not recorded; record again",
            after.as_secs_f64()
        )?;
    }
    for pid in &recording.unprobed {
        writeln!(
            err,
            "mapscope: process {pid} does not run the code of the file, which was changed in its container after it started, or which it copied elsewhere or gave back to the kernel: its growths were not counted from then on"
        )?;
    }
    for other in &recording.other_code {
        writeln!(
            err,
            "mapscope: {} is Go code in the process too, a plugin or library: maps that grow there are not recorded",
            printable(&other.to_string_lossy())
        )?;
    }
    Ok(())
}

/// Exits with 2 when recording would not work here.
fn check(args: &Record, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let requirements = probe::check(&args.pid);
    let mut is_missing = false;
    for requirement in &requirements {
        let (mark, advice) = match &requirement.state {
            State::Met => ("ok", None),
            State::Limited { advice } => ("limited", Some(advice)),
            State::Missing { advice } => ("missing", Some(advice)),
        };
        is_missing |= mark == "missing";
        writeln!(out, "{mark:<8} {}", requirement.what)?;
        if let Some(advice) = advice {
            writeln!(out, "         {advice}")?;
        }
    }
    let verdict = if is_missing { "recording does not work here" } else { "recording works here" };
    writeln!(out, "{verdict}")?;
    Ok(if is_missing { ExitCode::from(ERROR) } else { ExitCode::SUCCESS })
}

/// Longest time that can be asked for: the end of a much longer one cannot be computed.
const MAX_DAYS: u64 = 1000;

/// Reads `30s`, `1m30s`, `500ms`, `2h`, or seconds.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    const UNITS: [(&str, f64); 4] = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let bad = || format!("{text:?} is no duration; write 30s, 1m30s or 500ms");
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 = rest[..end].parse().map_err(|_| bad())?;
        rest = &rest[end..];
        let unit_end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let unit = if rest.is_empty() { "s" } else { &rest[..unit_end] };
        let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(bad)?;
        seconds += number * scale;
        rest = &rest[unit_end..];
    }
    if seconds > (MAX_DAYS * 24 * 3600) as f64 {
        return Err(format!(
            "{text:?} is too long; {MAX_DAYS} days, {} h, are the most",
            MAX_DAYS * 24
        ));
    }
    let duration = Duration::try_from_secs_f64(seconds).map_err(|_| bad())?;
    if duration.is_zero() { Err(bad()) } else { Ok(duration) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_go() {
        let ms = |text: &str| parse_duration(text).map(|d| d.as_millis());
        assert_eq!(ms("30s"), Ok(30_000));
        assert_eq!(ms("1m30s"), Ok(90_000));
        assert_eq!(ms("500ms"), Ok(500));
        assert_eq!(ms("2.5"), Ok(2500));
        assert_eq!(ms("1h"), Ok(3_600_000));
        for bad in ["", "0s", "s", "5x", "-3s", "1e400s", "9999999999999999999h"] {
            assert!(ms(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn times_whose_end_cannot_be_computed_are_refused() {
        assert_eq!(parse_duration("24000h"), Ok(Duration::from_secs(86_400_000)));
        let digits = "9".repeat(400);
        for text in ["24000h1ms", "9999999999999999999", "18446744073709551615s", &digits] {
            let error = parse_duration(text).expect_err("too long");
            assert!(error.contains("is too long; 1000 days, 24000 h, are the most"), "{error}");
        }
    }

    #[test]
    fn names_of_other_programs_are_no_commands_to_the_terminal() {
        let attached = Attached {
            program: "evil\u{1b}[2J".to_owned(),
            pids: vec![1],
            n_probes: 1,
            n_inlined: 0,
            only_user: None,
            took: Duration::ZERO,
            debugged: vec![(1, 2)],
        };
        let mut said = Vec::new();
        say_attached(&mut said, &attached).expect("memory takes it");
        let said = String::from_utf8(said).expect("text");
        assert!(
            said.contains("evil\u{fffd}[2J: 1 growth probe in 1 process, 0 inlined copies"),
            "{said:?}"
        );
        assert!(said.contains("a debugger (process 2) is attached to process 1: "), "{said:?}");
        assert!(!said.contains(|c: char| c.is_control() && c != '\n'), "{said:?}");
    }

    #[test]
    fn the_last_word_is_what_it_cost() {
        let said = |overhead| {
            let mut said = Vec::new();
            let recording = Recording {
                overhead: Some(overhead),
                max_overhead: 0.03,
                is_settling: true,
                n_grows: 27_510,
                ..Recording::default()
            };
            summarise(&recording, Path::new("r.pb.gz"), &mut said).expect("memory takes it");
            String::from_utf8(said).expect("text")
        };
        assert_eq!(
            said(0.021),
            "mapscope: wrote r.pb.gz: 27,510 growths, 0 CPU samples, 0 lost, in 0.0 s, at 2.1 % overhead\n"
        );
        assert!(
            said(0.066)
                .contains("more than the 3 % of --max-overhead: the program used less than 2 s")
        );
    }

    #[test]
    fn an_estimate_is_no_plain_number() {
        let status = |is_estimated| Status {
            elapsed: Duration::ZERO,
            n_grows: 7,
            is_estimated,
            n_samples: 0,
            n_lost: 0,
            overhead: Some(0.0),
            is_settling: false,
            mode: "windows",
            lacks_clocks: false,
            has_ended: false,
        };
        for (is_estimated, growths) in [(false, " s  7 growths"), (true, " s  about 7 growths")] {
            let mut said = Vec::new();
            say(&mut said, &status(is_estimated), false);
            let said = String::from_utf8(said).expect("text");
            assert!(said.contains(growths), "{said}");
        }
    }
}
