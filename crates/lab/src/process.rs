//! Starting one program and waiting for it, with an end to the wait.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// The longest that one run of an experiment may take: it takes seconds, under valgrind and load a minute.
const LIMIT: Duration = Duration::from_secs(300);
/// How often an ended program is looked for.
const POLL: Duration = Duration::from_millis(10);

/// What a program printed.
pub(crate) struct Printed {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a program in `scratch`, with what it prints in files there: a pipe that nobody empties would stop it.
///
/// # Errors
/// In words: the program cannot be started, failed, or did not end.
pub(crate) fn run(command: &mut Command, scratch: &Path) -> Result<Printed, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let (out, err) = (scratch.join("stdout"), scratch.join("stderr"));
    let mut start = || -> io::Result<Child> {
        let (stdout, stderr) = (File::create(&out)?, File::create(&err)?);
        command.current_dir(scratch).stdin(Stdio::null()).stdout(stdout).stderr(stderr).spawn()
    };
    let mut child = start().map_err(|error| format!("{name}: {error}"))?;
    let status = wait(&mut child).map_err(|error| format!("{name}: {error}"))?;
    let read = |path: &Path| {
        fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    };
    let printed = Printed { stdout: read(&out), stderr: read(&err) };
    match status {
        Some(status) if status.success() => Ok(printed),
        Some(status) => {
            let said = printed.stderr.lines().find(|line| !line.trim().is_empty());
            Err(format!("{name}: {status}: {}", said.unwrap_or("it said nothing")))
        }
        None => Err(format!("{name}: did not end within {} s", LIMIT.as_secs())),
    }
}

/// The status of a child; `None` when it had to be ended.
fn wait(child: &mut Child) -> io::Result<Option<ExitStatus>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() > LIMIT {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(POLL);
    }
}
