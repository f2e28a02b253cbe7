//! The captured process: its executable.

use std::cell::OnceCell;
use std::fs::File;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use evidence::printable;
use goproc::{Executable, Pid, open_regular};
use ingest::CAPTURED_BINARY;
use output::copy_private;

use crate::endpoint::{NOT_COMPLETE, STOPPED};
use crate::folder::Folder;
use crate::run::Outcome;
use crate::summary::{Collected, Missing};

pub(crate) const BINARY: &str = "binary";
/// Longest name of a file. Source: `NAME_MAX`, include/uapi/linux/limits.h. Units: bytes.
const MAX_NAME: usize = 255;
/// How long a command may take to become the program.
const START: Duration = Duration::from_secs(2);
/// How long the copy may take when the capture has ended.
const GRACE: Duration = Duration::from_secs(10);

/// The executable of the captured process.
pub(crate) struct Program {
    executable: Executable,
    /// Open, whatever becomes of the process.
    file: File,
}

/// What is known of it.
pub(crate) enum Found {
    /// A Go program, which is to be copied.
    Go(Program),
    /// Another program.
    Other(Missing),
    /// It cannot be read.
    Unread(Missing),
}

/// Looks what a process runs, also a file that was deleted or is in a container.
pub(crate) fn find_program(pid: Pid) -> Found {
    let read = || {
        let executable = wait_for_program(pid)?;
        let file = open_regular(&executable.path)?;
        let bytes = executable.read()?;
        Ok::<_, goproc::Error>((Program { executable, file }, bytes))
    };
    let (program, bytes) = match read() {
        Ok(read) => read,
        Err(error) => return Found::Unread(Missing::new(BINARY, error.to_string())),
    };
    let Err(error) = gobin::Binary::parse(&bytes) else { return Found::Go(program) };
    let shown = program.executable.shown.display();
    let why =
        format!("{shown} is no Go program: {error}; if it starts one, capture that with -p PID");
    Found::Other(Missing::new(BINARY, why))
}

impl Program {
    /// Copies it. Its name is of its owner's choosing, so that it is that of no other file of a capture only with a beginning
    /// of ours. Once the capture has ended, the copy has some seconds more, or none after a signal.
    pub(crate) fn copy(&self, folder: &Folder, end: &OnceLock<probe::Ending>) -> Outcome {
        let name = file_name(&self.executable.name.to_string_lossy());
        let late = OnceCell::new();
        let goes_on = || match end.get() {
            None => true,
            Some(probe::Ending::Signal) => false,
            Some(_) => late.get_or_init(Instant::now).elapsed() < GRACE,
        };
        // Nobody can read it who could not read the original.
        match copy_private(&folder.path(&name), &self.file, &goes_on) {
            Ok(Some(n_bytes)) => Ok(Collected::new(&name, "the executable", n_bytes)),
            Ok(None) if end.get() == Some(&probe::Ending::Signal) => {
                Err(Missing::new(BINARY, STOPPED))
            }
            Ok(None) => Err(Missing::new(BINARY, NOT_COMPLETE)),
            Err(error) => {
                Err(Missing::new(BINARY, format!("{}: {error}", folder.named(&name).display())))
            }
        }
    }
}

/// Of the copy of an executable of this name. Length: what a file system takes.
fn file_name(executable: &str) -> String {
    let mut name = format!("{CAPTURED_BINARY}{}", printable(executable));
    let end = (0..=MAX_NAME).rev().find(|&end| name.is_char_boundary(end));
    name.truncate(end.unwrap_or(0));
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
    fn a_copy_ends_with_a_signal_and_leaves_nothing() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = Folder::prepare(&dir.path().join("capture")).expect("a folder");
        let executable = Pid::own().executable().expect("it runs");
        let file = open_regular(&executable.path).expect("a file");
        let program = Program { executable, file };
        let end = OnceLock::from(probe::Ending::Signal);
        assert_eq!(program.copy(&folder, &end), Err(Missing::new(BINARY, STOPPED)));
        assert_eq!(std::fs::read_dir(folder.itself()).expect("a folder").count(), 0);
        assert!(program.copy(&folder, &OnceLock::new()).is_ok());
    }

    #[test]
    fn long_names_are_cut_to_what_a_file_can_have() {
        assert_eq!(file_name("server"), "binary.server");
        assert_eq!(file_name(&"a".repeat(255)).len(), MAX_NAME);
        let name = file_name(&"é".repeat(127));
        assert_eq!((name.len(), name.ends_with('é')), (MAX_NAME, true));
        assert_eq!(file_name(&"\u{1}".repeat(255)).chars().count(), 7 + 82);
    }
}
