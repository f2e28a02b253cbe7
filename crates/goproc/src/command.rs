//! How commands end.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};

use crate::Pid;

/// A command that was started: whether it goes on, or how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandState {
    /// Its process.
    pub pid: Pid,
    /// `None` while it goes on. As in a shell 128 and the number of the signal for one that was killed.
    pub exit_code: Option<u8>,
}

impl CommandState {
    /// At this moment.
    pub fn of(child: &mut Child) -> Self {
        let status = child.try_wait().ok().flatten();
        Self { pid: Pid(child.id()), exit_code: status.map(exit_code) }
    }
}

impl fmt::Display for CommandState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.exit_code {
            Some(code) => write!(f, "the command ended with exit code {code}"),
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
