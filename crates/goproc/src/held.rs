//! Commands that are held back before they become the program, so that whoever watches them is there first.
//!
//! 1. A thread of its own calls `spawn`, which returns when the child has become the program.
//! 2. Before that the child says its pid, and waits for a byte that says whether it is to become the program.
//! 3. When this process goes away meanwhile, the kernel ends the child. The end of the pipe would not tell: other
//!    children that wait have copies of the end that is written to.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::thread::{Builder, JoinHandle};

use rustix::io::Errno;
use rustix::process::{Signal, getpid, getppid};

use crate::{Error, ErrorKind, Pid, which};

/// What the child is told.
const GO: u8 = 1;
const END: u8 = 0;

/// A command in a process of its own that waits before it becomes the program. When it is dropped, it never does.
#[derive(Debug)]
pub struct HeldCommand {
    pid: Pid,
    program: String,
    go: io::PipeWriter,
    /// There until the command is started.
    spawner: Option<JoinHandle<io::Result<Child>>>,
}

impl HeldCommand {
    /// Holds back a program with its arguments; the program is found as a shell does.
    ///
    /// # Errors
    /// When there is no such program, or no process can be made.
    pub fn prepare(argv: &[OsString]) -> Result<Self, Error> {
        let Some((program, arguments)) = argv.split_first() else {
            return Err(Error::of_command("no command", ErrorKind::NoSuchCommand));
        };
        let mut command = Command::new(which(program)?);
        command.arg0(program).args(arguments);
        Self::hold(command)
    }

    /// Holds back a command, with its environment and streams.
    ///
    /// # Errors
    /// When no process can be made. That the program is not there is only known when it is started.
    pub fn hold(mut command: Command) -> Result<Self, Error> {
        let program = command.get_program().to_string_lossy().into_owned();
        let fail = |error| failure(&program, error);
        let (mut pid_reader, pid_writer) = io::pipe().map_err(fail)?;
        let (go_reader, go) = io::pipe().map_err(fail)?;
        hold_back(&mut command, pid_writer, go_reader);
        let spawner = Builder::new().spawn(move || command.spawn()).map_err(fail)?;
        let mut pid = [0; 4];
        if let Err(error) = pid_reader.read_exact(&mut pid) {
            // Only `spawn` knows why there is no child.
            return Err(match spawner.join() {
                Ok(Err(why)) => fail(why),
                Ok(Ok(child)) => {
                    end(child);
                    fail(error)
                }
                Err(_) => fail(error),
            });
        }
        Ok(Self { pid: Pid(u32::from_ne_bytes(pid)), program, go, spawner: Some(spawner) })
    }

    /// The process, which is still this program.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Lets the program begin, and returns when the process runs its file; for a moment that is not yet in memory.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn start(mut self) -> Result<Child, Error> {
        self.tell(GO).map_err(|error| failure(&self.program, error))
    }

    /// Tells the child, and waits until it has become the program or has ended.
    fn tell(&mut self, what: u8) -> io::Result<Child> {
        let Some(spawner) = self.spawner.take() else { return Err(Errno::CHILD.into()) };
        // It has room for a byte, and a reader here as well until `spawn` returns: writing does not fail.
        let _ = self.go.write_all(&[what]);
        spawner.join().unwrap_or_else(|_| Err(Errno::CHILD.into()))
    }
}

impl Drop for HeldCommand {
    fn drop(&mut self) {
        // Usually there is no child: `spawn` reaps one that fails before it is the program.
        if let Ok(child) = self.tell(END) {
            end(child);
        }
    }
}

/// Of a child that was killed while it waited, `spawn` says that it has begun.
fn end(mut child: Child) {
    let _ = child.kill();
    let _ = child.wait();
}

fn failure(program: &str, error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => ErrorKind::NoSuchCommand,
        io::ErrorKind::Unsupported => ErrorKind::NoSuchCall("prctl(2), with PR_SET_PDEATHSIG"),
        io::ErrorKind::PermissionDenied => ErrorKind::NotRunnable,
        _ => ErrorKind::Io(error),
    };
    Error::of_command(program, kind)
}

#[cfg(target_os = "linux")]
fn set_signal_at_end_of_parent(signal: Option<Signal>) -> io::Result<()> {
    // From the child only a number comes: that of a file that may not be run is another.
    rustix::process::set_parent_process_death_signal(signal).map_err(|_| Errno::NOSYS.into())
}

#[cfg(not(target_os = "linux"))]
fn set_signal_at_end_of_parent(_: Option<Signal>) -> io::Result<()> {
    Err(Errno::NOSYS.into())
}

#[allow(unsafe_code)]
fn hold_back(command: &mut Command, mut pid_writer: io::PipeWriter, mut go_reader: io::PipeReader) {
    let parent = getpid();
    let wait = move || {
        set_signal_at_end_of_parent(Some(Signal::KILL))?;
        // It may have gone before.
        if getppid() != Some(parent) {
            return Err(Errno::CANCELED.into());
        }
        pid_writer.write_all(&std::process::id().to_ne_bytes())?;
        let mut told = [END];
        go_reader.read_exact(&mut told)?;
        if told != [GO] {
            return Err(Errno::CANCELED.into());
        }
        // The thread that spawns, for the kernel the parent, ends when the program has begun.
        set_signal_at_end_of_parent(None)?;
        Ok(())
    };
    // SAFETY: between fork and exec only prctl, getppid, getpid, write and read are called, on descriptors opened
    // before; nothing is allocated, also not for the errors, which are numbers or static.
    unsafe { command.pre_exec(wait) };
}
