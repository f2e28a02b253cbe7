//! Finds the processes to record and their executable.

use std::collections::HashSet;
use std::fs::{File, Metadata};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use goproc::{ErrorKind, Executable, FileId, HeldCommand, Pid, Place, open_regular, which};

use crate::error::Error;
use crate::options::Target;
use crate::process::Scope;
use crate::reach::Reach;

/// What to record, found.
pub(crate) struct Found {
    /// What all the processes run.
    pub(crate) file: Executable,
    /// The path that all processes of it are recorded by, as it was given: it may lead to another file later.
    pub(crate) path: Option<PathBuf>,
    /// Where to attach.
    pub(crate) scopes: Vec<Scope>,
    /// Processes that run already.
    pub(crate) pids: Vec<u32>,
    /// A command that waits to be started.
    pub(crate) command: Option<HeldCommand>,
}

impl Found {
    /// File name of the executable.
    pub(crate) fn name(&self) -> String {
        self.file.name.to_string_lossy().into_owned()
    }

    /// Opens the executable, so that it stays whatever becomes of the processes, and of the path.
    pub(crate) fn open(&mut self) -> Result<File, Error> {
        let replaced = || Error::Replaced { path: self.file.shown.clone() };
        let file = open_regular(&self.file.path).map_err(|error| match error.kind {
            ErrorKind::NotPermitted => Error::NotPermittedToRead { path: self.file.path.clone() },
            ErrorKind::NoSuchFile | ErrorKind::NotAFile => replaced(),
            _ => Error::Process(error),
        })?;
        let is_it = |metadata: Metadata| FileId::from_metadata(&metadata) == self.file.id;
        if !file.metadata().is_ok_and(is_it) {
            return Err(replaced());
        }
        self.file.path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        Ok(file)
    }

    /// Processes that run the executable and are not known: of all of them, those that began since they were looked for. Once
    /// probes are in place each says itself that it begins.
    pub(crate) fn begun_since(&self, reach: &Reach) -> Result<Vec<u32>, Error> {
        if !self.is_all() || reach.is_proc_foreign {
            return Ok(Vec::new());
        }
        let is_new = |pid: &Pid| !self.pids.contains(&pid.0) && reach.has(*pid);
        let running = Pid::running_file(self.file.id)?.into_iter();
        Ok(running.filter(is_new).map(|pid| pid.0).collect())
    }

    /// One of the processes is not recorded.
    pub(crate) fn leave_out(&mut self, pid: u32) {
        self.pids.retain(|&other| other != pid);
        self.scopes.retain(|&other| other != Scope::Process(pid));
    }

    /// Whether the path that was given leads to another file by now.
    pub(crate) fn is_replaced(&self) -> bool {
        let now = self.path.as_ref().and_then(|path| FileId::of(path).ok());
        now.is_some_and(|id| id != self.file.id)
    }

    /// Whether processes come that are not known yet.
    pub(crate) fn is_all(&self) -> bool {
        self.scopes.contains(&Scope::All)
    }
}

/// Finds the processes and the executable of a target.
pub(crate) fn find(target: &Target, reach: &Reach) -> Result<Found, Error> {
    match target {
        Target::Pids(_) | Target::Name(_) if reach.is_proc_foreign => Err(Error::OtherProc),
        Target::Pids(pids) => of_processes(pids.clone(), reach).map_err(|error| match error {
            Error::NoSuchProcess { pid } => number_inside(pid),
            other => other,
        }),
        Target::Name(name) => {
            let pids = Pid::named(name)?.into_iter().map(|pid| pid.0).collect();
            of_those_left(pids, reach)?.ok_or_else(|| Error::NoProcessNamed { name: name.clone() })
        }
        Target::Exe(path) => of_executable(path, None, reach),
        Target::Command { argv, exe: Some(exe) } => {
            of_executable(exe, Some(HeldCommand::prepare(argv)?), reach)
        }
        Target::Command { argv, exe: None } => {
            // Refuses a command without a program.
            let command = HeldCommand::prepare(argv)?;
            let file = Executable::at(&which(&argv[0])?)?;
            let pid = command.pid().0;
            let scopes = vec![Scope::Process(pid)];
            Ok(Found { file, path: None, scopes, pids: vec![pid], command: Some(command) })
        }
    }
}

/// Of processes of which some may end while they are looked at.
fn of_those_left(mut pids: Vec<u32>, reach: &Reach) -> Result<Option<Found>, Error> {
    while !pids.is_empty() {
        let found = of_processes(pids.clone(), reach);
        match found.as_ref().err().and_then(ended) {
            Some(gone) => pids.retain(|&pid| pid != gone),
            None => return found.map(Some),
        }
    }
    Ok(None)
}

/// The process of which an error says that it has ended, if it does: also one that waits for its parent to take note.
fn ended(error: &Error) -> Option<u32> {
    match error {
        Error::NoSuchProcess { pid } => Some(*pid),
        Error::Process(goproc::Error {
            place: Place::Process(pid),
            kind: ErrorKind::NoExecutable,
        }) => Some(pid.0),
        _ => None,
    }
}

fn of_processes(mut pids: Vec<u32>, reach: &Reach) -> Result<Found, Error> {
    // A process that is named twice would be counted twice.
    let mut seen = HashSet::new();
    pids.retain(|&pid| seen.insert(pid));
    let first = *pids.first().ok_or(Error::NoProcesses)?;
    for &tid in &pids {
        if let Some(Pid(pid)) = Pid(tid).process_of_thread() {
            return Err(Error::Thread { tid, pid });
        }
    }
    let file = Pid(first).executable()?;
    for &other in &pids[1..] {
        if Pid(other).executable()?.id != file.id {
            return Err(Error::SeveralPrograms { first, other });
        }
    }
    if let Some(&pid) = pids.iter().find(|&&pid| !reach.has(Pid(pid))) {
        // Of one that has ended by now the namespace cannot be read.
        let is_there = Pid(pid).is_running();
        return Err(if is_there {
            Error::InnerNamespace { pid }
        } else {
            Error::NoSuchProcess { pid }
        });
    }
    let scopes = pids.iter().map(|&pid| Scope::Process(pid)).collect();
    Ok(Found { file, path: None, scopes, pids, command: None })
}

/// That there is no such process; and which it may be, when a container numbers one so.
fn number_inside(pid: u32) -> Error {
    let is_meant = |here: &Pid| {
        here.namespace_pids().is_ok_and(|pids| pids.len() > 1 && pids.contains(&Pid(pid)))
    };
    match Pid::all().unwrap_or_default().into_iter().find(is_meant) {
        Some(Pid(outside)) => Error::NumberInside { pid, outside },
        None => Error::NoSuchProcess { pid },
    }
}

fn of_executable(path: &Path, command: Option<HeldCommand>, reach: &Reach) -> Result<Found, Error> {
    let path = path_of_executable(path);
    let file = Executable::at(&path)?;
    let running = Pid::running_file(file.id)?.into_iter();
    let pids = running.filter(|&pid| reach.has(pid)).map(|pid| pid.0).collect();
    Ok(Found { file, path: Some(path), scopes: vec![Scope::All], pids, command })
}

/// A path as it stands here, with its symbolic links, also of a file that nobody may run; else a program that is named so.
fn path_of_executable(path: &Path) -> PathBuf {
    let named = || which(path.as_os_str()).ok();
    let found = if path.is_file() { None } else { named() };
    found.unwrap_or_else(|| path.to_owned())
}

impl From<goproc::Error> for Error {
    fn from(error: goproc::Error) -> Self {
        match (&error.place, &error.kind) {
            (Place::Process(pid), ErrorKind::NoSuchProcess) => Self::NoSuchProcess { pid: pid.0 },
            (Place::Process(pid), ErrorKind::NotPermitted) => {
                Self::NotPermittedToRead { path: pid.exe_path() }
            }
            (Place::File(path), ErrorKind::NotPermitted) => {
                Self::NotPermittedToRead { path: path.clone() }
            }
            _ => Self::Process(error),
        }
    }
}

#[cfg(test)]
mod tests;
