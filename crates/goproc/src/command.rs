//! How commands end.

use std::fmt;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};

use crate::Pid;
use crate::suspend::set_action;

/// Lets this program learn how the commands end that it starts. Who ignores SIGCHLD passes that on to what it executes, and
/// the kernel takes their children away without saying how they ended.
///
/// # Errors
/// When the system does not let us.
pub fn learn_how_commands_end() -> io::Result<()> {
    set_action(libc::SIGCHLD, libc::SIG_DFL).map(drop)
}

/// Whether a command has ended, also where it is not known how: one that goes on can be asked.
pub fn has_ended(child: &mut Child) -> bool {
    !matches!(child.try_wait(), Ok(None))
}

/// A command that was started: whether it goes on, or how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandState {
    /// Its process.
    pub pid: Pid,
    /// Whether it has.
    pub has_ended: bool,
    /// `None` while it goes on, and where it is not known. As in a shell 128 and the number of the signal for one that was
    /// killed.
    pub exit_code: Option<u8>,
}

impl CommandState {
    /// At this moment.
    pub fn of(child: &mut Child) -> Self {
        Self::at_look(Pid(child.id()), child.try_wait())
    }

    fn at_look(pid: Pid, found: io::Result<Option<ExitStatus>>) -> Self {
        let has_ended = !matches!(found, Ok(None));
        Self { pid, has_ended, exit_code: found.ok().flatten().map(exit_code) }
    }
}

impl fmt::Display for CommandState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.exit_code {
            Some(code) => write!(f, "the command ended with exit code {code}"),
            None if self.has_ended => f.write_str("the command ended, and it is not known how"),
            None => write!(f, "the command goes on as process {}", self.pid),
        }
    }
}

fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_command_that_ended_has_the_exit_code_of_a_shell() {
        for (script, code) in [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137)] {
            let mut child = Command::new("sh").args(["-c", script]).spawn().expect("a shell");
            child.wait().expect("it ends");
            assert_eq!(CommandState::of(&mut child).exit_code, Some(code), "{script}");
        }
    }

    /// As the system says where SIGCHLD is ignored.
    #[test]
    fn a_command_of_which_nothing_is_known_does_not_go_on() {
        let found = Err(io::Error::from_raw_os_error(libc::ECHILD));
        let state = CommandState::at_look(Pid(1), found);
        assert_eq!((state.has_ended, state.exit_code), (true, None));
        assert_eq!(state.to_string(), "the command ended, and it is not known how");
    }

    #[test]
    fn a_command_that_goes_on_is_told_by_its_number() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().expect("cat");
        let state = CommandState::of(&mut child);
        assert_eq!(state.to_string(), format!("the command goes on as process {}", child.id()));
        drop(child.stdin.take());
        child.wait().expect("it ends");
        assert_eq!(CommandState::of(&mut child).to_string(), "the command ended with exit code 0");
    }
}
