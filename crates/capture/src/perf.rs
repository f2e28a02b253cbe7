//! `perf record`, where it is installed: CPU samples with kernel frames, cache and TLB misses where the processor counts
//! them, and what the program writes to disk.
//!
//! 1. Events are tried on a program that does nothing: what the machine or the kernel does not allow is left out.
//! 2. Those that work are recorded together, on the monotonic clock, which is that of Go's traces. Samples have their rate
//!    in the name of the event: a rate for all would make perf leave calls out.
//! 3. Beside the process it gets a program of ours that waits for the end of a pipe, and perf ends with the first of the
//!    two. We close the pipe to end it, and the kernel does when we are killed: perf outlives neither. It is killed when
//!    it does not end in time.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use goproc::has_ended;
use rustix::process::geteuid;

use crate::endpoint::STOPPED;
use crate::folder::Folder;
use crate::summary::{Collected, Missing};

const WHAT: &str = "perf.data";
/// What perf says, while it runs.
const LOG: &str = "perf.log";

/// Of a file: for this user only, whoever may enter the folder.
const PRIVATE: u32 = 0o600;
/// What perf says of a full disk. Source: `record__write`, tools/perf/builtin-record.c.
const NOT_WRITTEN: &str = "failed to write perf data";
const NOT_INSTALLED: &str = "perf is not installed (Debian: linux-perf; Ubuntu: linux-tools)";
/// Ends when the pipe that it reads is closed.
const PIPE_READER: &str = "cat";
/// How long perf may take to record a program that does nothing.
const TRIAL: Duration = Duration::from_secs(5);
/// How long perf may take to say what is in its file.
const LIST: Duration = Duration::from_secs(5);
/// How often it is looked whether perf has ended, or begun.
const PERF_EVERY: Duration = Duration::from_millis(5);

/// CPU samples, at the rate of the recorder's. Where the processor does not count cycles, perf takes the clock.
const CPU: &str = "cycles/freq=99/";
/// Misses; virtual machines rarely count them.
const MISSES: [&str; 3] =
    ["cache-misses/freq=99/", "dTLB-load-misses/freq=99/", "L1-dcache-load-misses/freq=99/"];
/// Every call. Source: Documentation/admin-guide/sysctl/kernel.rst, perf_event_paranoid.
const TRACEPOINTS: [&str; 8] = [
    "syscalls:sys_enter_write",
    "syscalls:sys_enter_writev",
    "syscalls:sys_enter_pwrite64",
    "syscalls:sys_enter_pwritev",
    "syscalls:sys_enter_fsync",
    "syscalls:sys_enter_fdatasync",
    "block:block_rq_issue",
    "block:block_rq_complete",
];

/// What perf may record here.
pub(crate) struct Events {
    present: Vec<&'static str>,
    absent: Vec<&'static str>,
}

impl Events {
    /// Asks perf; takes a second or two, or until the stop is set.
    ///
    /// # Errors
    /// Why it does not work here.
    pub(crate) fn choose(stop: &AtomicBool) -> Result<Self, Missing> {
        // Ubuntu's is there without the kernel's tools, and says so.
        if !succeeds(perf().arg("--version"), stop)? {
            return Err(Missing::new(WHAT, NOT_INSTALLED));
        }
        if !works(&[CPU], stop)? {
            let why = "perf may not sample here: run as root or with CAP_PERFMON, or \
                       `sudo sysctl kernel.perf_event_paranoid=2`";
            return Err(Missing::new(WHAT, why));
        }
        let mut events = Self { present: vec![CPU], absent: Vec::new() };
        events.add(&MISSES, stop)?;
        events.add(&TRACEPOINTS, stop)?;
        Ok(events)
    }

    /// All at once, or else one by one.
    fn add(&mut self, events: &[&'static str], stop: &AtomicBool) -> Result<(), Missing> {
        if works(events, stop)? {
            self.present.extend(events);
            return Ok(());
        }
        for event in events {
            let kind = if works(&[event], stop)? { &mut self.present } else { &mut self.absent };
            kind.push(event);
        }
        Ok(())
    }
}

/// A `perf record` that goes on.
pub(crate) struct Perf {
    child: Child,
    folder: Folder,
    absent: Vec<&'static str>,
}

impl Perf {
    /// Begins to record a process into a folder.
    ///
    /// # Errors
    /// Why it does not work here.
    pub(crate) fn start(
        events: Events,
        pid: u32,
        folder: &Folder,
        stop: &AtomicBool,
    ) -> Result<Self, Missing> {
        let fail = |error: std::io::Error| Missing::new(WHAT, error.to_string());
        let mut private = File::options();
        private.write(true).create_new(true).mode(PRIVATE);
        let stderr = private.open(folder.path(LOG)).map_err(fail)?;
        let mut command = perf();
        command.args(["record", "-k", "mono", "-g"]).args(with_flags(&events.present));
        // perf opens its file by name, and follows links: in the very folder that was looked at, whatever has its name now.
        command.args(["-o", WHAT, "-p", &pid.to_string()]);
        command.args(["--", PIPE_READER]);
        command.current_dir(folder.itself()).stdin(Stdio::piped()).stderr(stderr);
        let child = command.spawn().map_err(fail)?;
        let mut perf = Self { child, folder: folder.clone(), absent: events.absent };
        perf.wait_until_it_records(stop);
        Ok(perf)
    }

    /// The file gets its head when the events are open.
    fn wait_until_it_records(&mut self, stop: &AtomicBool) {
        const PATIENCE: Duration = Duration::from_secs(3);
        let path = self.folder.path(WHAT);
        let start = Instant::now();
        let is_over = || start.elapsed() >= PATIENCE || stop.load(Ordering::Relaxed);
        let is_written = || fs::metadata(&path).is_ok_and(|metadata| metadata.len() > 0);
        while !is_written() && !has_ended(&mut self.child) && !is_over() {
            std::thread::sleep(PERF_EVERY);
        }
    }

    /// Tells it to end; without effect when the program has ended, and perf with it.
    pub(crate) fn stop(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Ends it, and leaves nothing of it.
    pub(crate) fn discard(mut self) {
        wait_while(&mut self.child, || false);
        for name in [LOG, WHAT] {
            let _ = fs::remove_file(self.folder.path(name));
        }
    }

    /// What came of the recording, which was stopped, and ends by then.
    pub(crate) fn finish(mut self, until: Instant) -> Vec<Result<Collected, Missing>> {
        let status = wait_while(&mut self.child, || Instant::now() < until);
        let log = self.folder.path(LOG);
        let said = fs::read_to_string(&log).unwrap_or_default();
        let _ = fs::remove_file(&log);
        let path = self.folder.path(WHAT);
        let bytes = fs::metadata(&path).map_or(0, |metadata| metadata.len());
        let why = match status {
            None => "perf did not end when it was told to, and was killed".to_owned(),
            Some(status) if bytes == 0 || said.contains(NOT_WRITTEN) => failure(status, &said),
            Some(_) => return self.found(bytes),
        };
        let _ = fs::remove_file(&path);
        vec![Err(Missing::new(WHAT, why))]
    }

    fn found(&self, bytes: u64) -> Vec<Result<Collected, Missing>> {
        let what = format!("perf record of {}", names_in(&self.folder));
        let mut found = vec![Ok(Collected::new(WHAT, &what, bytes))];
        if !self.absent.is_empty() {
            let names: Vec<_> = self.absent.iter().map(|event| name(event)).collect();
            let why = why_absent(&self.absent, geteuid().is_root());
            found.push(Err(Missing::new(&format!("perf events {}", names.join(", ")), why)));
        }
        found
    }
}

fn failure(status: ExitStatus, said: &str) -> String {
    match said.trim() {
        "" => format!("perf failed ({status}), and does not say why; see what `perf record` says"),
        said => format!("perf failed ({status}): {said}"),
    }
}

/// Why events are absent.
fn why_absent(absent: &[&str], is_root: bool) -> String {
    const OF_OTHERS: &str =
        "root, or CAP_PERFMON or `sudo sysctl kernel.perf_event_paranoid=-1` and ";
    let rights = if is_root { "" } else { OF_OTHERS };
    let tracepoints = format!(
        "tracepoints need {rights}an event directory that can be read (/sys/kernel/tracing/events)"
    );
    let misses = "misses need a processor that lets them be counted, which virtual ones rarely do";
    let of = |events: &[&str], why: &str| {
        absent.iter().any(|event| events.contains(event)).then(|| why.to_owned())
    };
    let why: Vec<_> =
        of(&TRACEPOINTS, &tracepoints).into_iter().chain(of(&MISSES, misses)).collect();
    format!("not to be had here: {}", why.join("; "))
}

/// An event without its rate.
fn name(event: &str) -> &str {
    event.split('/').next().unwrap_or(event)
}

/// What perf says it recorded: it takes the clock for cycles where it has to.
fn names_in(folder: &Folder) -> String {
    let mut command = perf();
    command.args(["evlist", "-i", WHAT]).current_dir(folder.itself()).stdout(Stdio::piped());
    let Ok(mut child) = command.spawn() else { return String::new() };
    let mut said = Vec::new();
    let end = Instant::now() + LIST;
    // A list that a pipe does not hold is none; with perf its end of the pipe is closed.
    if wait_while(&mut child, || Instant::now() < end).is_some()
        && let Some(stdout) = &mut child.stdout
    {
        let _ = stdout.read_to_end(&mut said);
    }
    let text = String::from_utf8_lossy(&said);
    let lines =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(name).collect::<Vec<_>>().join(", ")
}

/// Waits for the end of a process, and ends it when it is not to go on; then there is no status.
fn wait_while(child: &mut Child, goes_on: impl Fn() -> bool) -> Option<ExitStatus> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if goes_on() => std::thread::sleep(PERF_EVERY),
            // Of one that cannot be asked there is none to come.
            _ => break,
        }
    }
    let _ = child.kill();
    let _ = child.wait();
    None
}

fn with_flags<'e>(events: &[&'e str]) -> Vec<&'e str> {
    events.iter().flat_map(|event| ["-e", event]).collect()
}

fn perf() -> Command {
    let mut command = Command::new("perf");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn works(events: &[&str], stop: &AtomicBool) -> Result<bool, Missing> {
    let mut command = perf();
    command.arg("record").args(with_flags(events)).args(["-o", "/dev/null", "--", "true"]);
    succeeds(&mut command, stop)
}

/// Whether perf does something that takes it a moment.
///
/// # Errors
/// When it is not there or does not end, or the stop is set.
fn succeeds(command: &mut Command, stop: &AtomicBool) -> Result<bool, Missing> {
    let is_stopped = || stop.load(Ordering::Relaxed);
    // Ctrl-C is for all of a group, and would make it fail for no reason of its own.
    let Ok(mut child) = command.process_group(0).spawn() else {
        return Err(Missing::new(WHAT, NOT_INSTALLED));
    };
    let end = Instant::now() + TRIAL;
    match wait_while(&mut child, || Instant::now() < end && !is_stopped()) {
        _ if is_stopped() => Err(Missing::new(WHAT, STOPPED)),
        Some(status) => Ok(status.success()),
        None => {
            let why = format!(
                "perf did not end within {} s when it was tried; see what `perf record true` waits for",
                TRIAL.as_secs()
            );
            Err(Missing::new(WHAT, why))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_to_go_on_is_killed() {
        let mut child = Command::new("sleep").arg("3600").spawn().expect("sleep");
        assert_eq!(wait_while(&mut child, || false), None);
        let status = child.try_wait().expect("a child").expect("it has ended");
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9));
    }

    #[test]
    fn why_events_are_absent_is_said_of_those_that_are() {
        let misses = why_absent(&MISSES[..1], false);
        assert!(misses.contains("a processor") && !misses.contains("tracepoints"), "{misses}");
        let tracepoints = why_absent(&TRACEPOINTS, false);
        assert!(tracepoints.contains("need root, or CAP_PERFMON"), "{tracepoints}");
        assert!(!tracepoints.contains("a processor"), "{tracepoints}");
        let of_root = why_absent(&[MISSES[0], TRACEPOINTS[0]], true);
        assert!(of_root.contains("tracepoints need an event directory"), "{of_root}");
        assert!(of_root.contains("a processor"), "{of_root}");
    }

    #[test]
    fn perf_that_says_nothing_is_said_to() {
        let status = Command::new("false").status().expect("it ends");
        assert!(failure(status, "\n").contains("(exit status: 1), and does not say why"));
        assert!(failure(status, " why\n").ends_with("(exit status: 1): why"));
    }

    #[test]
    fn what_ends_has_a_status() {
        let mut child = Command::new("sh").args(["-c", "exit 3"]).spawn().expect("a shell");
        let status = wait_while(&mut child, || true);
        assert_eq!(status.and_then(|status| status.code()), Some(3));
    }

    #[test]
    fn a_trial_that_is_stopped_is_ended_and_says_so() {
        let mut hanging = Command::new("sleep");
        let stopped = succeeds(hanging.arg("3600"), &AtomicBool::new(true));
        assert_eq!(stopped, Err(Missing::new(WHAT, STOPPED)));
    }

    #[test]
    fn a_trial_says_whether_it_succeeds() {
        let go_on = AtomicBool::new(false);
        assert_eq!(succeeds(&mut Command::new("true"), &go_on), Ok(true));
        assert_eq!(succeeds(&mut Command::new("false"), &go_on), Ok(false));
        let missing = succeeds(&mut Command::new("/no/such/perf"), &go_on);
        assert!(missing.expect_err("there is none").why.contains("not installed"));
    }
}
