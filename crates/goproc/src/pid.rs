//! Processes: by name, by executable, and told from later ones with the same pid.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Child;

use crate::text::{parse_decimal, parse_pid};
use crate::{Error, ErrorKind, FileId, StartTime, text};

/// A process by its number. Another process may have it later: see [`ProcessId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pid(pub u32);

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A thread by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tid(pub u32);

impl Pid {
    /// This process.
    pub fn own() -> Self {
        Self(std::process::id())
    }

    /// A process that was started here.
    pub fn of_child(child: &Child) -> Self {
        Self(child.id())
    }

    /// All processes that can be seen, this one too, also those that have ended and wait for their parent.
    ///
    /// # Errors
    /// When /proc cannot be read.
    pub fn all() -> Result<Vec<Self>, Error> {
        let path = Path::new("/proc");
        let entries = fs::read_dir(path).map_err(|error| Error::of_file(path, error))?;
        let names = entries.flatten().map(|entry| entry.file_name());
        Ok(names.filter_map(|name| parse_pid(name.as_bytes())).collect())
    }

    /// Processes by the file name of their executable, or by the name of their first thread, of which Linux keeps 15
    /// bytes. Empty when there is none. Neither this process nor threads of the kernel are among them.
    ///
    /// # Errors
    /// When /proc cannot be read.
    pub fn named(name: impl AsRef<OsStr>) -> Result<Vec<Self>, Error> {
        let name = name.as_ref();
        let has_name = |pid: Self| match pid.executable() {
            Ok(executable) if executable.name == name => true,
            Ok(_) => pid.thread_name_is(name),
            // Of another user: the name of the thread can be read.
            Err(error) if matches!(error.kind, ErrorKind::NotPermitted) => pid.thread_name_is(name),
            Err(_) => false,
        };
        Ok(Self::others()?.filter(|&pid| has_name(pid)).collect())
    }

    /// Processes that run a file, by whatever path. Empty when there is none. This process is not among them.
    ///
    /// # Errors
    /// When /proc cannot be read.
    pub fn running_file(file: FileId) -> Result<Vec<Self>, Error> {
        let runs = |&pid: &Self| FileId::of(&pid.exe_path()).is_ok_and(|other| other == file);
        Ok(Self::others()?.filter(runs).collect())
    }

    /// The debugger that is attached to its first thread, if there is one, and it can be seen from here.
    pub fn tracer(self) -> Option<Self> {
        self.status_pid(b"TracerPid:").filter(|&Self(pid)| pid != 0)
    }

    /// The process whose thread has this number, where it is that of a thread and of no process.
    pub fn process_of_thread(self) -> Option<Self> {
        self.status_pid(b"Tgid:").filter(|&process| process != self)
    }

    /// The users whose rights it has, or may take: real, effective and saved. `None` where there is no such process.
    pub fn users(self) -> Option<[u32; 3]> {
        parse_users(&self.status_field(b"Uid:")?)
    }

    fn status_pid(self, field: &[u8]) -> Option<Self> {
        parse_pid(&self.status_field(field)?)
    }

    fn status_field(self, field: &[u8]) -> Option<Vec<u8>> {
        let status = text::read(self, "status", text::SHORT).ok()?;
        let value = text::lines(&status).find_map(|line| line.strip_prefix(field))?;
        Some(value.trim_ascii().to_owned())
    }

    /// Its threads at this moment.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn threads(self) -> Result<Vec<Tid>, Error> {
        let entries = fs::read_dir(format!("/proc/{self}/task"))
            .map_err(|error| Error::of_process_io(self, error))?;
        let names = entries.flatten().map(|entry| entry.file_name());
        Ok(names.filter_map(|name| Some(Tid(parse_pid(name.as_bytes())?.0))).collect())
    }

    /// The process that has the pid now.
    ///
    /// # Errors
    /// When there is none.
    pub fn id(self) -> Result<ProcessId, Error> {
        Ok(ProcessId { pid: self, start: self.stat()?.start })
    }

    fn others() -> Result<impl Iterator<Item = Self>, Error> {
        let own = Self::own();
        Ok(Self::all()?.into_iter().filter(move |&pid| pid != own))
    }

    fn thread_name_is(self, name: &OsStr) -> bool {
        let comm = text::read(self, "comm", text::SHORT).unwrap_or_default();
        comm.strip_suffix(b"\n").unwrap_or(&comm) == name.as_bytes()
    }

    /// As the system's calls take it.
    pub(crate) fn raw(self) -> Result<rustix::process::Pid, Error> {
        let number = i32::try_from(self.0).ok();
        number
            .and_then(rustix::process::Pid::from_raw)
            .ok_or_else(|| Error::of_process(self, ErrorKind::NoSuchProcess))
    }
}

/// Source: proc_pid_status(5), Uid: real, effective, saved, that of the file system.
fn parse_users(field: &[u8]) -> Option<[u32; 3]> {
    let numbers = field.split(|byte| byte.is_ascii_whitespace()).map(parse_decimal);
    let users: Vec<u32> =
        numbers.map(|number| u32::try_from(number?).ok()).collect::<Option<_>>()?;
    match users[..] {
        [real, effective, saved, _] => Some([real, effective, saved]),
        _ => None,
    }
}

/// A process, told from a later one with its pid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProcessId {
    /// Its number while it runs.
    pub pid: Pid,
    /// When it was started.
    pub start: StartTime,
}

impl ProcessId {
    /// Whether this process runs, and not a later one with its pid.
    pub fn is_running(self) -> bool {
        self.pid.stat().is_ok_and(|stat| stat.start == self.start && stat.is_running())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_of_a_process_are_real_effective_and_saved() {
        assert_eq!(parse_users(b"65534\t0\t7\t0"), Some([65534, 0, 7]));
        for damaged in [&b""[..], b"0\t0\t0", b"0\t0\t0\t-1", b"0\t0\t4294967296\t0", b"0 0 0 0 0"]
        {
            assert_eq!(parse_users(damaged), None, "{}", damaged.escape_ascii());
        }
        assert!(Pid::own().users().is_some());
        assert_eq!(Pid(u32::MAX).users(), None);
    }
}
