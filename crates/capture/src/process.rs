//! The captured process: its executable.

use std::time::{Duration, Instant};

use goproc::{Executable, Pid};
use ingest::{CAPTURED_BINARY, printable};
use output::write_private;

use crate::folder::Folder;
use crate::summary::{Collected, Missing};

const WHAT: &str = "binary";
/// How long a command may take to become the program.
const START: Duration = Duration::from_secs(2);

/// What became of the copy.
pub(crate) struct Copy {
    pub(crate) outcome: Result<Collected, Missing>,
    /// Whether it is a Go program, where it could be read.
    pub(crate) is_go: Option<bool>,
}

/// Copies the executable, also one that was deleted or is in a container. Its name is of its owner's choosing, so that it is
/// that of no other file of a capture only with a beginning of ours.
pub(crate) fn copy_binary(pid: Pid, folder: &Folder) -> Copy {
    let read = || {
        let executable = wait_for_program(pid)?;
        let bytes = executable.read()?;
        Ok::<_, goproc::Error>((executable, bytes))
    };
    let (executable, bytes) = match read() {
        Ok(read) => read,
        Err(error) => {
            return Copy { outcome: Err(Missing::new(WHAT, error.to_string())), is_go: None };
        }
    };
    if let Err(error) = gobin::Binary::parse(&bytes) {
        let shown = executable.shown.display();
        let why = format!(
            "{shown} is no Go program: {error}; if it starts one, capture that with -p PID"
        );
        return Copy { outcome: Err(Missing::new(WHAT, why)), is_go: Some(false) };
    }
    let name = format!("{CAPTURED_BINARY}{}", printable(&executable.name.to_string_lossy()));
    // Nobody can read it who could not read the original.
    let written = write_private(&folder.path(&name), &bytes)
        .map_err(|error| Missing::new(WHAT, format!("{}: {error}", folder.named(&name).display())));
    let collected = Collected::new(&name, "the executable", bytes.len() as u64);
    Copy { outcome: written.map(|()| collected), is_go: Some(true) }
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
