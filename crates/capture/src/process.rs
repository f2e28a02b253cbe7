//! The captured process: its executable.

use std::time::{Duration, Instant};

use goproc::{Executable, Pid};
use ingest::{CAPTURED_BINARY, printable};
use output::write_private;

use crate::folder::Folder;
use crate::summary::{Collected, Missing};

const WHAT: &str = "binary";
/// Longest name of a file. Source: `NAME_MAX`, include/uapi/linux/limits.h. Units: bytes.
const MAX_NAME: usize = 255;
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
    let name = file_name(&executable.name.to_string_lossy());
    // Nobody can read it who could not read the original.
    let written = write_private(&folder.path(&name), &bytes)
        .map_err(|error| Missing::new(WHAT, format!("{}: {error}", folder.named(&name).display())));
    let collected = Collected::new(&name, "the executable", bytes.len() as u64);
    Copy { outcome: written.map(|()| collected), is_go: Some(true) }
}

/// Of the copy of an executable of this name. Length: what a file system takes.
fn file_name(executable: &str) -> String {
    let mut name = format!("{CAPTURED_BINARY}{}", printable(executable));
    name.truncate(name.floor_char_boundary(MAX_NAME));
    name
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_to_what_a_file_can_have() {
        assert_eq!(file_name("server"), "binary.server");
        assert_eq!(file_name(&"a".repeat(255)).len(), MAX_NAME);
        let name = file_name(&"é".repeat(127));
        assert_eq!((name.len(), name.ends_with('é')), (MAX_NAME, true));
        assert_eq!(file_name(&"\u{1}".repeat(255)).chars().count(), 7 + 82);
    }
}
