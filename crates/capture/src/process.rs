//! The captured process: its executable.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use goproc::{Executable, Pid};

use crate::summary::{Collected, Missing};

const WHAT: &str = "binary";
/// How long a command may take to become the program.
const START: Duration = Duration::from_secs(2);

/// Copies the executable, also one that was deleted or is in a container.
pub(crate) fn copy_binary(pid: Pid, dir: &Path) -> Result<Collected, Missing> {
    let executable = wait_for_program(pid).map_err(|e| Missing::new(WHAT, e.to_string()))?;
    let bytes = executable.read().map_err(|error| Missing::new(WHAT, error.to_string()))?;
    let name = executable.name.to_string_lossy();
    if let Err(error) = gobin::Binary::parse(&bytes) {
        let shown = executable.shown.display();
        let why = format!("{}: {shown} is no Go program: {error}", executable.path.display());
        return Err(Missing::new(WHAT, why));
    }
    let target = dir.join(&executable.name);
    File::create_new(&target)
        .and_then(|mut file| std::io::Write::write_all(&mut file, &bytes))
        .map_err(|error| Missing::new(WHAT, format!("{}: {error}", target.display())))?;
    Ok(Collected::new(&name, "the executable", bytes.len() as u64))
}

/// A command that waits is this program until it begins.
fn wait_for_program(pid: Pid) -> Result<Executable, goproc::Error> {
    let own = Pid::own().executable().ok().map(|executable| executable.id);
    let start = Instant::now();
    loop {
        let executable = pid.executable()?;
        if Some(executable.id) != own || start.elapsed() > START {
            return Ok(executable);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
