//! Real processes: a copy of `cat` under names and in places of all kinds, this process, and commands held back.
#![allow(clippy::unwrap_used, missing_docs)]

mod held;
mod processes;

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use goproc::{ErrorKind, Pid, PidFd, wait_readable, which};

/// Passes only when a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A process that goes on until it is dropped.
struct Running(Child);

impl Running {
    /// Starts `cat`, or a copy of it, and lets it begin: the kernel says that a program has started before it is in
    /// memory.
    fn of(program: &Path) -> Self {
        let mut command = Command::new(program);
        // Some systems have one program for many commands, which goes by this name.
        command.arg0("cat").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        wait_for_echo(&mut child);
        Self(child)
    }

    fn pid(&self) -> Pid {
        Pid::of_child(&self.0)
    }

    /// Ends it, and takes it away.
    fn end(&mut self) {
        let _ = self.0.kill();
        self.0.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

fn wait_for_echo(cat: &mut Child) {
    cat.stdin.as_mut().unwrap().write_all(b"x").unwrap();
    cat.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
}

fn cat_program() -> PathBuf {
    which("cat".as_ref()).unwrap()
}

/// A copy of `cat` in a folder.
fn copy_of_cat(folder: &Path, name: &str) -> PathBuf {
    let path = folder.canonicalize().unwrap().join(name);
    xtask::copy_program(&cat_program(), &path);
    path
}

/// Whether the process has ended by then.
fn ends_within(pidfd: &PidFd, time: Duration) -> bool {
    let start = Instant::now();
    loop {
        let rest = time.saturating_sub(start.elapsed());
        // A signal ends the waiting as well.
        if wait_readable(&[pidfd.as_fd()], rest).unwrap()[0] || rest.is_zero() {
            return wait_readable(&[pidfd.as_fd()], Duration::ZERO).unwrap()[0];
        }
    }
}

#[track_caller]
fn assert_gone<T: std::fmt::Debug>(result: Result<T, goproc::Error>) {
    let error = result.unwrap_err();
    assert!(matches!(error.kind, ErrorKind::NoSuchProcess), "{error}");
}
